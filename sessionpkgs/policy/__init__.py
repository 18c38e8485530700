"""What a session may not do: change Python, Spark or the kernel under its own feet.

Pure: it judges a Spec before anything is asked of an index and a Lock before anything is installed. What else an
administrator forbids stands in ``rules`` (a file) and ``judging`` (all files together). It reads no file, and it cannot
stop code that a cell runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from sessionpkgs.errors import Protected, PythonPinned, SpecError
from sessionpkgs.model import Dist, Lock, Requirement, Spec

PROTECTED = (
    "pyspark", "py4j", "ipython", "ipykernel", "traitlets", "jupyter-client", "jupyter-core", "tornado", "pyzmq", "pip",
    "sessionpkgs",
)  # fmt: skip
"""Distributions that a session never shadows (DESIGN: layering rules)."""

PROTECTED_TOP_LEVELS = frozenset({
    "pyspark", "py4j", "IPython", "ipykernel", "ipykernel_launcher", "traitlets", "jupyter_client", "jupyter_core",
    "tornado", "zmq", "pip", "sessionpkgs",
})  # fmt: skip
"""What those distributions are imported as."""

_NOTHING: Mapping[str, str] = {}
_STAY = "A session keeps the kernel's own distributions; change it in the base environment, or choose another kernel."
_ELSEWHERE = "The policy keeps it out of sessions; ask who looks after this machine for a pool that has it."


def check_python(spec: Spec, running: str, others: Mapping[str, str], *, ignore: bool = False) -> tuple[str, ...]:
    """Notices on the Python lines of *spec*; another patch of the same minor version is one.

    *running* is this interpreter's version, *others* the installed kernels by name with their Python version. Raises
    :class:`PythonPinned`, naming the kernels that would fit.
    """
    from packaging.specifiers import SpecifierSet

    notices: list[str] = []
    for line in spec.python:
        wanted = SpecifierSet(line.line.removeprefix("python"))
        if running in wanted:
            continue
        shown = re.sub(r"^python==(\S+)\.\*$", r"python=\1", line.line)
        if ignore:
            notices.append(f"{shown} is ignored: this kernel runs Python {running}.")
        elif _same_minor(wanted, running):
            notices.append(f"{shown} asks for another patch release; this kernel runs Python {running}.")
        else:
            fitting = sorted(name for name, version in others.items() if version in wanted)
            here = f"Choose a kernel that fits ({', '.join(fitting)}), or" if fitting else "No installed kernel fits;"
            raise PythonPinned(
                f"{shown} ({line.where}) does not fit this kernel's Python {running}, which a session cannot change",
                hint=f"{here} add --ignore-python to drop the line.",
                item=shown,
            )
    return tuple(notices)


def _same_minor(wanted: Iterable[object], running: str) -> bool:
    """Whether every clause is an exact pin of the running minor version."""
    minor = ".".join(running.split(".")[:2])
    clauses = [str(clause) for clause in wanted]
    return bool(clauses) and all(re.fullmatch(rf"={{2,3}}{re.escape(minor)}(\.\d+)?", clause) for clause in clauses)


def settled(spec: Spec, places: Mapping[str, str], names: Collection[str] = PROTECTED) -> Spec:
    """*spec* with the names of protected distributions alone where it names the place that base has them from.

    *places* are base's direct references by name: what ``pip freeze`` writes of a base must not be a reason to refuse it.
    """
    from dataclasses import replace

    def one(asked: Requirement) -> Requirement:
        place = asked.line.partition(" @ ")[2].partition("#")[0].split(" ;")[0].strip().rstrip("/")
        same = asked.name in names and place and place == places.get(asked.name, "").rstrip("/")
        return replace(asked, line=asked.name, editable=False, hashes=()) if same else asked

    return replace(spec, requirements=tuple(one(asked) for asked in spec.requirements))


def check_spec(
    spec: Spec, view: Mapping[str, Dist], names: Collection[str] = PROTECTED, told: Mapping[str, str] = _NOTHING
) -> None:
    """Refuse a direct requirement on a protected distribution (one of *names*) that base does not already satisfy.

    *told* has the rule that protects a name, where a policy does. Raises :class:`Protected` before any index is asked:
    resolving pyspark alone takes seconds.
    """
    refused = [one for one in spec.requirements if one.name in names and not satisfied(one, view)]
    if not refused:
        return
    asked = ", ".join(f"{one.line} ({one.where})" for one in refused)
    many = len(refused) > 1
    held = [f"{one.name} {view[one.name].version}" for one in refused if one.name in view]
    owner = _owner(view, [one.name for one in refused])
    has = f"{owner} has {', '.join(held) if many else held[0].split()[1]}" if held else "base does not have it"
    leave = ",".join(dict.fromkeys(one.name for one in refused))
    what = "the kernel's own distributions" if many else refused[0].name
    there = any(one.name in view for one in refused)
    stay = _stay(told, [one.name for one in refused], view)
    raise Protected(
        f"{asked} would change {what}, which a session may not ({has}){_by(told, refused[0].name)}",
        hint=f"Leave it out to go on with {owner}'s (%%session_env --without {leave}). {stay}" if there else stay,
        item=refused[0].line,
    )


def _by(told: Mapping[str, str], name: str) -> str:
    """The end of a sentence on *name*: the rule of a policy, where one protects it."""
    return f": {told[name]}" if name in told else ""


def _stay(told: Mapping[str, str], names: Sequence[str], view: Mapping[str, Dist]) -> str:
    """Why *names* stay as they are, and what to do: a policy's are not the kernel's own."""
    if not any(name in told and name not in PROTECTED for name in names):
        return _STAY
    if not any(name in view for name in names):
        return _ELSEWHERE
    owner = _owner(view, names)
    return f"The policy keeps it as {owner} has it; ask who looks after this machine, or choose another kernel."


def satisfied(requirement: Requirement, view: Mapping[str, Dist]) -> bool:
    """Whether the marker is false here, or the version in *view* fits."""
    from packaging.requirements import Requirement as Parsed

    parsed = Parsed(requirement.line)
    if parsed.marker is not None and not parsed.marker.evaluate():
        return True
    present = view.get(requirement.name)
    return present is not None and parsed.url is None and parsed.specifier.contains(present.version, prereleases=True)


def staying(
    upgrade: Iterable[str], view: Mapping[str, Dist], protected_names: Iterable[str] = PROTECTED
) -> tuple[str, ...]:
    """A notice where *upgrade* names protected distributions: wishing them newer is no reason to fail a notebook."""
    names = sorted({*upgrade} & {*protected_names} & view.keys())
    own = [f"{name} {view[name].version}" for name in names if name in PROTECTED]
    others = [f"{name} {view[name].version}" for name in names if name not in PROTECTED]
    why = {"a session keeps the kernel's own distributions": own, "the policy protects it": others}
    return tuple(f"{', '.join(held)}: stays, because {reason}." for reason, held in why.items() if held)


def protecting(view: Mapping[str, Dist], names: Iterable[str] = PROTECTED) -> tuple[str, ...]:
    """Constraint lines that keep every protected distribution as it is, or away where base lacks it."""
    return tuple(f"{name}=={view[name].version}" if name in view else f"{name}<0" for name in names)


def check_lock(lock: Lock, spec: Spec, view: Mapping[str, Dist], told: Mapping[str, str] = _NOTHING) -> None:
    """Refuse a choice that would bring a protected distribution. Raises :class:`Protected` with the chain that asked.

    *told* has further names that are protected, each with the rule that says so.
    """
    for pin in lock.pins:
        if pin.name in PROTECTED or pin.name in told:
            raise protected(pin.name, pin.version, chain(pin.name, lock.asked_by, spec), view, told)


def check_hashes(lock: Lock, spec: Spec) -> None:
    """Refuse what would come without a hash where the declaration has hashes: all or none, as pip has it.

    Raises :class:`SpecError`. Source: pip's documentation, "Secure installs".
    """
    if not spec.require_hashes or spec.pins:
        return
    hashed = {one.name for one in spec.requirements if one.hashes}
    if bare := [f"{pin.name}=={pin.version}" for pin in lock.pins if pin.name not in hashed]:
        raise SpecError(
            f"{', '.join(bare)} would come without a hash, and this declaration has hashes",
            hint="Write them all (%session_env export --format requirements does), or none; a set that is meant to be "
            "incomplete takes --no-deps.",
            item=bare[0],
        )


def _owner(view: Mapping[str, Dist], names: Iterable[str]) -> str:
    """Who has *names*, for a sentence."""
    return "the pool" if any(name in view and view[name].level == "pool" for name in names) else "base"


def protected(
    name: str, version: str, asked: Sequence[str], view: Mapping[str, Dist], told: Mapping[str, str] = _NOTHING
) -> Protected:
    """The refusal for *name* that *asked*, a chain from the declaration down, leads to; *told* as in :func:`check_lock`."""
    has = f"{_owner(view, [name])} has {view[name].version}" if name in view else "base does not have it"
    path = " → ".join((*asked, f"{name}=={version}" if version else name))
    return Protected(
        f"{path} would change {name}, which a session may not ({has}){_by(told, name)}",
        hint=_stay(told, [name], view),
        item=asked[0] if asked else name,
    )


def chain(name: str, asked_by: Iterable[tuple[str, str]], spec: Spec) -> tuple[str, ...]:
    """Shortest way from a line of *spec* down to *name*, without *name* itself; empty where it is not known."""
    askers: dict[str, list[str]] = {}
    for child, parent in asked_by:
        askers.setdefault(child, []).append(parent)
    lines = {requirement.name: requirement.line for requirement in spec.requirements}
    waiting: list[tuple[str, ...]] = [(name,)]
    seen = {name}
    while waiting:
        path = waiting.pop(0)
        if path[0] in lines and path[0] != name:
            return (lines[path[0]], *path[1:-1])
        for parent in askers.get(path[0], ()):
            if parent not in seen:
                seen.add(parent)
                waiting.append((parent, *path))
    return (lines[name],) if name in lines else ()
