"""The policy on the straight line: what is judged when, and how long all of it may take.

What a declaration names is judged before anybody is asked, what an engine chose before anything is fetched. What a rule
means is in ``policy``, where its files are in ``rules``.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from sessionpkgs import places, policy, settings
from sessionpkgs.engines import fence, uv_config, words, words_workspace
from sessionpkgs.errors import (
    DeadlineError,
    IndexForbidden,
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    PolicyError,
    PythonPinned,
    ResolveError,
    SessionPkgsError,
    SourceForbidden,
)
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Lock, Pin, Requirement, Spec
from sessionpkgs.policy import judging, reach
from sessionpkgs.process import Runner, Timed
from sessionpkgs.session import expecting, kernels, resolving

if TYPE_CHECKING:
    from sessionpkgs.policy.judging import Policy
    from sessionpkgs.session.straight import Line

_FAILED = (NotFoundError, ResolveError, IntegrityError, IndexUnavailable)


def python(line: Line) -> tuple[str, ...]:
    """Notices on Python lines; on a refusal the installed kernels are asked for their version, and only then."""
    spec, running, ignore = line.ask.change.more, platform.python_version(), line.ask.ignore_python
    try:
        return policy.check_python(spec, running, {}, ignore=ignore)
    except PythonPinned:
        return policy.check_python(spec, running, kernels.pythons(line.ask.env, line.stage), ignore=ignore)


def declared(line: Line, spec: Spec) -> None:
    """Refuse what *spec* names itself. Raises :class:`PolicyError`."""
    law = line.policy
    if law:
        law.check_declared(spec, line.view)
        policy.check_spec(spec, line.view, law.protected.keys(), law.protected)


def here(line: Line, pins: Iterable[Pin]) -> tuple[list[Pin], list[Pin]]:
    """*pins* whose places may be asked, and the others: of these only what the store has already can be used."""
    allowed: list[Pin] = []
    others: list[Pin] = []
    for pin in pins:
        (allowed if line.policy.allows(pin.url) else others).append(pin)
    return allowed, others


def hosts(line: Line) -> fence.Hosts:
    """Where engines may go: hosts that the declaration, the settings and the session's pins name, as far as allowed."""
    more, carried = line.ask.change.more, line.ask.change.carried
    lines = [one.line for one in (*more.requirements, *more.constraints)]
    asked, kept = here(line, more.pins)
    wanted = [*lines, *(pin.url for pin in asked)]
    return fence.allowed(line.request(more).sources, wanted, [pin.url for pin in (*kept, *carried)])


def reachable(line: Line, lock: Lock) -> Lock:
    """*lock*, where what lies on hosts that may not be asked is taken, by its hash, from an index that may.

    Raises :class:`IndexForbidden` where none has it.
    """
    _, others = here(line, lock.pins)
    away = expecting.lacking(line.store, others, places.interpreter_tag())
    for pin in away:
        if pin.direct or not pin.sha256:
            _refuse_place(line, pin)
    if not away:
        return lock
    asked = tuple(
        Requirement(line=f"{pin.name}=={pin.version}", name=pin.name, hashes=(f"sha256:{pin.sha256}",)) for pin in away
    )
    request = replace(line.request(line.ask.change.more), requirements=asked, constraints=(), no_deps=True)
    try:
        found = {pin.name: pin.url for pin in line.engine.resolve(request, line.room()).pins}
    except _FAILED:
        found = {}
    for pin in away:
        if pin.name not in found:
            _refuse_place(line, pin)
    moved = {pin.name: replace(pin, url=found[pin.name]) for pin in away}
    return replace(lock, pins=tuple(moved.get(pin.name, pin) for pin in lock.pins))


def _refuse_place(line: Line, pin: Pin) -> None:
    """Refuse the place of *pin*."""
    line.policy.check_place(pin.url, f"{pin.name}=={pin.version} from {show(pin.url, 200)}")


def chosen(line: Line, spec: Spec, lock: Lock) -> Lock:
    """*lock*, after what it brings was judged: names, versions, hashes, places. Raises :class:`PolicyError`."""
    law = line.policy
    if not law:
        return lock
    refused = next(law.unwanted(lock.pins), None)
    if refused is not None:
        pin, key, told = refused
        raise judging.refusal_of(pin, _path(line, spec, lock, pin.name), key, told)
    policy.check_lock(lock, spec, line.view, law.protected)
    carried = line.ask.change.carried
    known = {(pin.name, pin.sha256) for pin in (*spec.pins, *carried) if pin.sha256}
    hashed = {one.name for one in spec.requirements if one.hashes}
    law.check_hashes(lock.pins, hashed | {pin.name for pin in lock.pins if (pin.name, pin.sha256) in known})
    _, others = here(line, lock.pins)
    for pin in expecting.lacking(line.store, others, places.interpreter_tag()):
        _refuse_place(line, pin)
    return lock


def fetched(line: Line, pins: Iterable[Pin]) -> None:
    """Refuse to fetch more of *pins* than one change may; sizes that no index told are asked. Raises :class:`PolicyError`."""
    if all(one.max_megabytes is None for one in line.policy.files):
        return
    lacking = [pin for pin in expecting.lacking(line.store, pins, places.interpreter_tag()) if reach.host_of(pin.url)]
    told = line.sizes([pin.url for pin in lacking if not pin.size])
    sizes = {pin.name: pin.size or told.get(pin.url, 0) for pin in lacking}
    line.policy.check_size(sum(sizes.values()), [name for name, size in sizes.items() if not size])


def _path(line: Line, spec: Spec, lock: Lock, name: str) -> tuple[str, ...]:
    """The chain from the declaration down to *name*; the engine is asked once more where it told none."""
    found = judging.path_to(name, lock.asked_by, spec)
    asked = line.request(spec)
    if found or not asked.requirements or name in {one.name for one in spec.requirements}:
        return found
    try:
        again = line.engine.resolve(replace(asked, explain=True), line.room())
    except SessionPkgsError:  # the refusal stands; only its chain is not known
        return ()
    return judging.path_to(name, again.asked_by, spec)


def worded(error: SessionPkgsError, line: Line) -> SessionPkgsError:
    """*error* in the words of the rule behind it, where there is one; else itself, with what to do in a closed network."""
    law = line.policy
    if not law or (isinstance(error, PolicyError) and error.rule != type(error).rule):
        return error
    if isinstance(error, SourceForbidden):
        return law.only_wheels(error.sentence, error.item) or error
    if isinstance(error, IndexForbidden):
        return law.check_host(error.item, error.sentence) or error
    if isinstance(error, DeadlineError) and line.clock.over:
        return law.late()
    if isinstance(error, IndexUnavailable):
        return _chosen_by_policy(error, law)
    return _missing(error, line) if isinstance(error, NotFoundError) else error


def _chosen_by_policy(error: IndexUnavailable, law: Policy) -> IndexUnavailable:
    """*error*, with the rule that has this index asked, where one has."""
    if not law.indexes or (error.item and error.item not in map(words.host_of, law.indexes)):
        return error
    rule = next(one.told("indexes") for one in law.files if one.indexes is not None)
    return type(error)(error.sentence, hint=f"{error.hint} The policy has it asked: {rule}.".strip(), item=error.item)


def _missing(error: NotFoundError, line: Line) -> SessionPkgsError:
    """*error*, with the rule or the network that keeps a name from being found."""
    law = line.policy
    if rule := law.instead():
        sources = line.request(line.ask.change.more).sources
        named = [] if sources.no_index else resolving.asked_of(sources)
        own, others = "the workspace", [one for one in named if one != "the workspace"]
        own += "" if own in named else " (which has no wheels)"
        links = ["--find-links"] if sources.find_links else []
        alone = not (others or links)
        told = f"{rule}: only {words.joined((own, *others, *links))} {'is' if alone else 'are'} asked."
        hint = f"{told} {error.hint.partition(resolving.ASKED)[0]} {law.elsewhere}.".strip()
        sentence = words_workspace.told(error.sentence) if alone else error.sentence
        return NotFoundError(sentence, hint=hint, item=error.item)
    said = resolving.sources(line.ask.change.more, settings.sources(line.ask.env, line.settings))
    if said.implied and not said.no_index:
        return law.unasked(uv_config.default_index(), error.sentence) or error
    return error


class Clock:
    """How long one change may take, by the *policy*; it runs from now."""

    def __init__(self, law: Policy) -> None:
        self._law = law
        self._until = float("inf") if law.seconds is None else time.monotonic() + law.seconds

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._until

    def left(self, most: float) -> float:
        """Seconds that are left, *most* of them. Raises :class:`PolicyError` where there are none."""
        if self.over:
            raise self._law.late()
        return min(most, self._until - time.monotonic())

    def bound(self, runner: Runner) -> Runner:
        """*runner*, whose programs all end in time."""
        return runner if self._law.seconds is None else Timed(runner, self.left)


def channels_of(text: str, label: str) -> tuple[str, ...]:
    """Conda channels that *text* names where it is an environment.yml: in its list, and before ``::`` in its lines."""
    from sessionpkgs.formats import conda_lines, environment_yml, yaml_tree

    if not environment_yml.recognise(text):
        return ()
    tree = yaml_tree.parse(text, label=label)
    found: list[str] = []
    for key, value in tree.pairs if isinstance(tree, yaml_tree.Table) else ():
        if key.text == "channels":
            found += yaml_tree.leaves(value)
        elif key.text == "dependencies" and isinstance(value, yaml_tree.Listing):
            lines = [one.text for one in value.items if isinstance(one, yaml_tree.Leaf)]
            found += [conda_lines.parse(one, where=label).channel for one in lines if "channel" in one or "::" in one]
    return tuple(one for one in dict.fromkeys(found) if one and one != "nodefaults")
