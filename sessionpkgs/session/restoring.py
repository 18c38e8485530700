"""Having again what was recorded: the same artefacts by their hashes, from the store, their places, or another index.

Nothing is resolved: the straight line walks with the pins of the record. A base that differs is said, and refused only
where what the session brings would not work over it. It does not know where a record stands (``recorded.py``).
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessionpkgs import installed, places, settings
from sessionpkgs.engines import Engine, Request, Room, wheel_presence
from sessionpkgs.engines.fence import Hosts
from sessionpkgs.errors import (
    ConflictError,
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    ResolveError,
    SessionPkgsError,
)
from sessionpkgs.formats.wheel_files import filename_of
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Lock, Pin, Requirement, Spec
from sessionpkgs.overlay import pooled
from sessionpkgs.session import changes, checking, closure, levels, looking, needs, recorded, rules, walking
from sessionpkgs.session.recorded import Recorded

if TYPE_CHECKING:
    from sessionpkgs.session import Session
    from sessionpkgs.session.straight import Line

_NAMED = 6


def restore(session: Session, file: str = "") -> dict[str, Any]:
    """Have exactly what the notebook or lock *file* recorded, by default what this kernel had last; gives the record.

    Raises :class:`SpecError` where there is nothing to restore, :class:`PythonPinned` and :class:`ConflictError` where
    this Python or base does not fit, :class:`NotFoundError` for a file that nobody has any more.
    """
    session.life.open()
    reading = session.reading
    was = recorded.read(reading, file, session.place()) if file else recorded.last(reading, session.journal.read())
    change = _change(was, session, own=not file)
    with walking.line(session, change) as walk:
        walk.engine = Replaying(walk.engine, walk.ask.env, walk.hosts)
        built = walk.build(walk.plan())
        notices = _over_this_base(walk, was, built.activation["sites"])
    outcome, record = walking.apply(session, change, "restore")
    steps = (*walk.steps, *(record.steps[-1:] if outcome.built else ()))
    record = replace(
        record,
        source="built" if built.built else record.source,
        seconds=round(record.seconds + sum(seconds for _, seconds in walk.steps), 4),
        steps=steps,
        notices=(*notices, *record.notices),
    )
    return walking.keep(session, "", outcome, record)


def _change(was: Recorded, session: Session, *, own: bool) -> changes.Change:
    """The step to what *was*: only what has a pin is asked for, the rest of the declaration is held beside it.

    Where nothing is configured here, files are looked for where the record did; of a record that is not this kernel's
    *own* these places are forgotten afterwards, so that a stranger's notebook chooses no index for what comes later.
    """
    pinned = {pin.name for pin in was.spec.pins}
    asked = tuple(one for one in was.spec.requirements if one.name in pinned)
    looked = _looking(was, session)
    return changes.Change(more=replace(looked, requirements=asked), whole=looked if own else was.spec)


def _looking(was: Recorded, session: Session) -> Spec:
    """What *was*, with the places of the record where none are configured here."""
    env = session.life.environment(session.env)
    configured = settings.sources(env, settings.load(env))
    if not was.looked or configured.indexes or configured.find_links or configured.no_index:
        return was.spec
    if rules.load(env).limit is not None:  # what is allowed here counts, and the hashes say whether it is the same
        return was.spec
    links = tuple(place for place in was.find_links if "://" in place or os.path.isdir(place))
    return replace(was.spec, indexes=was.indexes, find_links=links, no_index=not was.indexes)


class Replaying:
    """An engine that takes files from the places that pins name, and where these are gone by hash from the index.

    *env* says how servers are asked whether they have a file, *hosts* who may be asked.
    """

    def __init__(self, engine: Engine, env: Mapping[str, str], hosts: Hosts | None = None) -> None:
        self._engine, self._env, self._hosts = engine, env, hosts
        self.name = engine.name

    def resolve(self, request: Request, room: Room) -> Lock:
        """As the engine does."""
        return self._engine.resolve(request, room)

    def forget(self, names: list[str], request: Request, room: Room) -> None:
        """As the engine does."""
        self._engine.forget(names, request, room)

    def install(self, pins: tuple[Pin, ...], into: str, request: Request, room: Room) -> None:
        """Put *pins* into the new folder *into*. Raises :class:`NotFoundError` for a file that is nowhere any more."""
        placed = tuple(replace(pin, direct=True) if pin.sha256 else pin for pin in pins)
        try:
            self._engine.install(placed, into, request, room)
        except (NotFoundError, IndexUnavailable, IntegrityError, ResolveError) as error:
            found = {pin.name: pin for pin in self._elsewhere(pins, request, room, error)}
            shutil.rmtree(into, ignore_errors=True)
            self._engine.install(tuple(found.get(pin.name, pin) for pin in placed), into, request, room)

    def _elsewhere(
        self, pins: tuple[Pin, ...], request: Request, room: Room, error: SessionPkgsError
    ) -> tuple[Pin, ...]:
        """Those of *pins* whose places fail, at the places where the index has the same bytes; else *error*."""
        there = wheel_presence.present(
            (pin.url for pin in pins), env=self._env, certificate=request.sources.certificate, hosts=self._hosts
        )
        gone = [pin for pin in pins if there.get(pin.url) == "gone"]
        lost = gone or [pin for pin in pins if isinstance(error, IntegrityError) or pin.url not in there]
        if fixed := [pin for pin in lost if pin.direct or not pin.sha256]:
            raise _nowhere(fixed[0]) if gone else error
        try:
            return self._ask(lost, request, room)
        except (NotFoundError, ResolveError, IntegrityError, IndexUnavailable):
            if not gone:
                raise error from None
        return tuple(one for pin in lost for one in self._one(pin, request, room))

    def _one(self, pin: Pin, request: Request, room: Room) -> tuple[Pin, ...]:
        """Where the index has *pin*. Raises :class:`NotFoundError`."""
        try:
            return self._ask([pin], request, room)
        except (NotFoundError, ResolveError, IntegrityError, IndexUnavailable) as error:
            raise _nowhere(pin, f": {error.sentence}" if isinstance(error, IndexUnavailable) else "") from None

    def _ask(self, pins: Iterable[Pin], request: Request, room: Room) -> tuple[Pin, ...]:
        """Where the index has *pins*: files of that version with that very hash."""
        asked = tuple(
            Requirement(line=f"{pin.name}=={pin.version}", name=pin.name, hashes=(f"sha256:{pin.sha256}",))
            for pin in pins
        )
        if not asked:
            return ()
        exactly = replace(request, requirements=asked, constraints=(), no_deps=True, refresh=True)
        return self._engine.resolve(exactly, room).pins


def _nowhere(pin: Pin, why: str = "") -> NotFoundError:
    """The refusal for a file that is neither at its place nor on the index."""
    file = show(filename_of(pin.url) or pin.url)
    return NotFoundError(
        f"{file} of {pin.name} {pin.version} is gone: {show(pin.url)} does not have it any more, and no index that is "
        f"asked here has it with the recorded hash{why}",
        hint="Name an index that has it (a mirror) in pip's configuration, or declare another version.",
        item=file,
    )


def _over_this_base(walk: Line, was: Recorded, sites: Iterable[str]) -> tuple[str, ...]:
    """Sentences on how this Python and base differ from those of the record, as far as the session needs them.

    Raises :class:`ConflictError` where what the session brings would miss something that it had.
    """
    own = installed.scan(sites, level="session")
    union = looking.Seen(own.values(), walk.view.values(), folders={})
    requirements = was.spec.requirements
    _refuse_gaps(union, walk, was, settings.load(walk.ask.env).union == "warn")
    said = []
    if was.python and was.python != platform.python_version():
        said.append(f"This was recorded with Python {was.python}; this kernel runs Python {platform.python_version()}.")
    here = recorded.platform_of(places.interpreter_tag())
    if was.tag and recorded.platform_of(was.tag) != here:
        said.append(f"This was recorded on {recorded.platform_of(was.tag)}; this is {here}.")
    if was.pool is not None and was.pool != pooled.label():
        then, now = (f"the pool {one}" if one else "no pool" for one in (was.pool, pooled.label()))
        said.append(f"This was recorded over {then}; this kernel has {now}.")
    needed = closure.names(union, requirements) | {*was.kept}
    pinned = {pin.name for pin in was.spec.pins}
    if was.python and (there := sorted(name for name in pinned - own.keys() if name in walk.view)):
        said.append(f"{_below()} has it in the recorded version now: {', '.join(there)}.")
    changed = [
        f"{name} {before} and {'has ' + walk.view[name].version if name in walk.view else 'does not have it'} now"
        for name, before in sorted({**was.distributions, **was.kept}.items())
        if name in needed - pinned and (name not in walk.view or walk.view[name].version != before)
    ]
    said += [f"{_below()} had {one}; the session needs it." for one in changed[:_NAMED]]
    if len(changed) > _NAMED:
        said.append(f"{_below()} differs in {len(changed) - _NAMED} more that the session needs: %session_env diff.")
    if was.unsaid:
        said.append(f"Not in the record, so set them yourself: {', '.join(was.unsaid)}.")
    return tuple(said)


def _below() -> str:
    """What is below the session, at the beginning of a sentence."""
    told = levels.below()
    return told[0].upper() + told[1:]


def _refuse_gaps(union: looking.Seen, walk: Line, was: Recorded, lenient: bool) -> None:
    """Refuse a session that would miss what it had of base when it was recorded, unless *lenient*."""
    extras = needs.asked_extras(union, was.spec.requirements)
    known: Mapping[str, str] = {**was.distributions, **was.kept}
    for found in checking.check(union, walk.view, extras)["findings"]:
        if found["fault"] != "session" or found["kind"] not in ("missing", "version") or lenient:
            continue
        name = _name(found["needs"])
        has = found["has"].partition(" ")[2]
        if name in known and known[name] != has:
            below = levels.below()
            now = f"{below} has {name} {has} now" if has else f"{below} does not have {name} now"
            raise ConflictError(
                f"{found['dist']} {found['version']} needs {found['needs']}, and {now}; it had {known[name]} when this was "
                "recorded",
                hint=f"Choose a kernel that has {name} {known[name]}, or set SESSIONPKGS_UNION=warn to restore it "
                "all the same.",
                item=found["dist"],
            )


def _name(line: str) -> str:
    """The normalised name in the requirement *line*."""
    from packaging.requirements import Requirement as Parsed
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(Parsed(line).name))
