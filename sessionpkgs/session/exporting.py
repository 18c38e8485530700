"""What a session holds as a text that others install from: pylock.toml, requirements with hashes, environment.yml.

Such a text is complete: with the session's distributions it names those of base and the pool that they need, at the
versions there, and asks the index for their files and hashes; only what a notebook recorded is written without asking. It installs
nothing and activates nothing.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sessionpkgs import installed
from sessionpkgs._version import __version__
from sessionpkgs.errors import ConflictError, IntegrityError, NotFoundError, ResolveError, SpecError
from sessionpkgs.model import Dist, Pin, Spec, View
from sessionpkgs.session import changes, closure, levels, walking

if TYPE_CHECKING:
    from sessionpkgs.session import Session
    from sessionpkgs.session.recorded import Recorded
    from sessionpkgs.session.straight import Line

FORMS = {"pylock": "pylock.toml", "requirements": "requirements.txt", "environment": "environment.yml"}
"""Name of a form and of the file that it usually stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A text in one form, the artefacts in it, and sentences on what is not in it."""

    form: str
    text: str
    pins: tuple[Pin, ...]
    notices: tuple[str, ...] = ()


def form_of(name: str) -> str:
    """The form for a file called *name*.

    Raises :class:`SpecError` where the name tells none.
    """
    base = os.path.basename(name).lower()
    if base.endswith(".toml"):
        return "pylock"
    if base.endswith((".yml", ".yaml")):
        return "environment"
    if base.endswith((".txt", ".in")):
        return "requirements"
    raise SpecError(
        f"{name} does not tell its format", hint="End it with .toml, .txt or .yml, or give --format.", item=name
    )


def of_session(session: Session, form: str, *, own: bool = False, engine: str = "") -> Export:
    """What *session* holds now; with *own* only what it brought itself. Raises :class:`SpecError` for an empty one."""
    spec = session.spec
    if not spec.requirements:
        raise SpecError("this session holds nothing yet", hint="Declare something first, with %%session_env.")
    with walking.line(session, changes.whole(replace(spec, notices=())), engine=engine) as walk:
        return _export(walk, session.held.pins, spec, session.union(), form, own=own)


def of_declaration(session: Session, file: str, form: str, *, without: Sequence[str] = (), **options: Any) -> Export:
    """What the declaration in *file* gives over this base. It is built in the store, and nothing is switched on."""
    session.life.open()
    spec = session.reading.file(file, without)
    with walking.line(session, changes.whole(spec), **options) as walk:
        outcome = walk.build(walk.plan())
        own = installed.scan(outcome.activation["sites"], level="session")
        union = View(own.values(), walk.view.values())
        return _export(walk, outcome.plan.install, spec, union, form, own=False)


def of_record(was: Recorded, form: str, *, without: Sequence[str] = ()) -> Export:
    """What *was* recorded, without the names *without*; no index is asked."""
    from packaging.utils import canonicalize_name

    gone = {str(canonicalize_name(name)) for name in without}
    if absent := sorted(gone - {pin.name for pin in was.spec.pins} - was.kept.keys()):
        raise SpecError(f"{', '.join(absent)} (--without) is not in it", where=was.label, hint="Check the name.")
    spec = was.spec.without(gone)
    kept = [f"{name} {version}" for name, version in sorted(was.kept.items()) if name not in gone]
    had = f"the pool {was.pool.rpartition(' ')[0]} or base" if was.pool else "base"
    notices = [f"Not in it, because {had} had them: {', '.join(kept)}."] if kept else []
    text = _written(form, spec.pins, spec, was.base, python=was.python, made=f"from {was.label} ")
    return Export(form=form, text=text, pins=spec.pins, notices=tuple(notices))


def _export(walk: Line, pins: Sequence[Pin], spec: Spec, union: View, form: str, *, own: bool) -> Export:
    """The text for *pins* and, unless only the session's *own* are wanted, for what they need from below."""
    versions = {dist.name: dist.version for dist in union.values()}
    known = {pin.name: pin if pin.version else replace(pin, version=versions.get(pin.name, "")) for pin in pins}
    needed = [] if own else sorted(closure.names(union, spec.requirements) - known.keys())
    found, missing = _from_below(walk, [union[name] for name in needed])
    chosen = tuple(sorted((*known.values(), *found), key=lambda pin: pin.name))
    notices = []
    if missing:
        named = ", ".join(f"{dist.name} {dist.version}" for dist in missing)
        notices.append(f"Not in it, because no index has these versions of {levels.below()}: {named}.")
    return Export(
        form=form, text=_written(form, chosen, spec, walk.view.fingerprint), pins=chosen, notices=tuple(notices)
    )


def _from_below(walk: Line, dists: Sequence[Dist]) -> tuple[list[Pin], list[Dist]]:
    """Pins for the versions of *dists*, and those that no index has."""
    if not dists:
        return [], []
    with suppress(NotFoundError, ResolveError, IntegrityError, ConflictError):
        return list(walk.exactly([f"{dist.name}=={dist.version}" for dist in dists])), []
    found: list[Pin] = []
    missing: list[Dist] = []
    for dist in dists:
        try:
            found += walk.exactly([f"{dist.name}=={dist.version}"])
        except (NotFoundError, ResolveError, IntegrityError, ConflictError):
            missing.append(dist)
    return found, missing


def _written(form: str, pins: tuple[Pin, ...], spec: Spec, base: str, *, python: str = "", made: str = "") -> str:
    """The text in *form* for *python*, by default this one, over what has that fingerprint; *made* says of what."""
    from sessionpkgs.formats import pylock_toml, writing

    python, requested = python or platform.python_version(), tuple(one.line for one in spec.requirements)
    head = (
        f"Made by sessionpkgs {__version__} {made}for Python {python} on {platform.system()} {platform.machine()}.",
    )
    if form == "pylock":
        return pylock_toml.write(pins, python=python, requested=requested, base=base)
    if form == "requirements":
        return writing.requirements(pins, head=head)
    if form == "cell":
        return f"%%session_env\n{_index_lines(spec)}{writing.requirements(pins, head=head)}"
    if form == "environment":
        return writing.environment(pins, python=python, variables=spec.variables, head=head)
    raise SpecError(f"the format {form!r} is not known", hint=f"One of: {', '.join(FORMS)}.", item=form)


def _index_lines(spec: Spec) -> str:
    """Lines for the places that the declaration names itself, without logins."""
    from sessionpkgs.formats.pylock_toml import without_login

    extra = [f"--extra-index-url {url}" for url in spec.indexes[1:]]
    first = [f"--index-url {url}" for url in spec.indexes[:1] if url != "default"]
    links = [f"--find-links {place}" for place in spec.find_links if place.startswith(("https:", "http:"))]
    lines = [*first, *extra, *(["--no-index"] if spec.no_index else []), *links]
    return "".join(f"{without_login(line)}\n" for line in lines)
