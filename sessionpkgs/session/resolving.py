"""Resolving a declaration over base: protected distributions stay, base stays consistent, siblings come along.

It asks an engine as often as that takes, within bounds, and changes nothing. It does not install.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sessionpkgs import consistency, policy
from sessionpkgs.engines import Engine, Request, Room, uv_config, words, words_workspace
from sessionpkgs.engines.wheels import is_source
from sessionpkgs.errors import ConflictError, DeadlineError, IndexUnavailable, NotFoundError, ResolveError
from sessionpkgs.model import Lock, Pin, Requirement, Spec, View
from sessionpkgs.session import levels
from sessionpkgs.settings import Settings, Sources
from sessionpkgs.workspace import pages

ASKED = " Asked: "
"""Begins the end of a hint that says which indexes were asked."""
_NAMED = 3
_NOTHING: Mapping[str, str] = {}


def resolve(
    engine: Engine, spec: Spec, request: Request, room: Room, settings: Settings, told: Mapping[str, str] = _NOTHING
) -> Lock:
    """The Lock for *spec*, checked against the rules and against base; *told* has further protected names and why.

    Raises :class:`Protected` with the chain that asked, :class:`ConflictError` where base cannot be kept consistent,
    or the engine's own refusal.
    """
    if not request.requirements:
        return Lock(engine=engine.name)
    _refuse_sources(request)
    fixed = tuple(f"{pin.name}=={pin.version}" for pin in spec.pins if not pin.direct and pin.version)
    names = tuple(dict.fromkeys((*policy.PROTECTED, *told)))
    guarded = replace(request, constraints=(*request.constraints, *fixed, *policy.protecting(request.view, names)))
    try:
        lock = ask(engine, guarded, room)
    except (ResolveError, NotFoundError) as error:
        _refuse_protected(
            lambda: engine.resolve(replace(request, explain=True), room), spec, request.view, str(error), told
        )
        raise
    policy.check_lock(lock, spec, request.view, told)
    return _keep_base_whole(engine, guarded, lock, room, settings)


def preferring(ask: Callable[[Request], Lock], request: Request, preferred: tuple[str, ...]) -> Lock:
    """What *ask* gives, first with the versions *preferred* (``name==version``), without them where they do not fit."""
    if preferred:
        try:
            return ask(replace(request, constraints=(*request.constraints, *preferred)))
        except (ResolveError, NotFoundError, ConflictError):
            pass
    return ask(request)


def from_pins(spec: Spec, view: View, settings: Settings) -> Lock | None:
    """The Lock that *spec* carries itself, without what *view* has in the same version; None where it asks for more.

    Raises :class:`Protected`, :class:`SourceForbidden`, or :class:`ConflictError` where base would break: the versions
    of a lock are fixed.
    """
    if not spec.pins or {one.name for one in spec.requirements} - {pin.name for pin in spec.pins}:
        return None
    pins = tuple(pin for pin in spec.pins if pin.direct or not _present(pin, view))
    lock = Lock(pins=pins, engine="lock", built=tuple(pin.name for pin in pins if pin.kind == "sdist"))
    policy.check_lock(lock, spec, view)
    if settings.wheels_only and (sources := [pin.name for pin in pins if pin.kind != "wheel"]):
        raise words.source_forbidden(sources[0], sources, plan=False)
    faults = consistency.broken(view, pins)
    if faults and settings.union != "warn":
        raise _breaks(faults, "the versions of a lock are fixed")
    return replace(lock, notices=_now_inconsistent(faults))


def _present(pin: Pin, view: View) -> bool:
    """Whether *view* has that version."""
    return pin.name in view and view[pin.name].version == pin.version


def _now_inconsistent(faults: tuple[consistency.Broken, ...]) -> tuple[str, ...]:
    """What breaks all the same, as notices."""
    return tuple(f"Now inconsistent: {fault}." for fault in faults)


def sources(spec: Spec, configured: Sources) -> Sources:
    """Where to look: what the declaration names, else what the user's pip is configured for.

    Explicit indexes come in the order written and the engine's default last, so that no stranger's name on a public
    index can stand before a private one.
    """
    named = tuple(url for url in spec.indexes if url != "default")
    if named:
        configured = replace(configured, indexes=named, implied="default" in spec.indexes)
    return replace(
        configured,
        find_links=(*spec.find_links, *configured.find_links),
        no_index=spec.no_index or configured.no_index,
    )


@contextmanager
def naming(engine: Engine, places: Sources) -> Iterator[None]:
    """Failures of *engine* in the block say which indexes were asked, where their own sentence does not."""
    asked = asked_of(places)
    try:
        yield
    except ResolveError as error:
        if not _workspace_alone(places, ""):
            raise
        raise type(error)(words_workspace.told(error.sentence), hint=error.hint, item=error.item) from None
    except DeadlineError as error:
        late = error.sentence.removeprefix(error.item).strip()  # the program may be Python, where pip is meant
        where = f" (asked: {', '.join(asked)})" if not places.no_index else ""
        raise DeadlineError(f"{engine.name} {late}{where}", hint=error.hint, item=engine.name) from None
    except (NotFoundError, IndexUnavailable) as error:
        if isinstance(error, NotFoundError) and _workspace_alone(places, error.item):
            raise NotFoundError(words_workspace.told(error.sentence), hint=error.hint, item=error.item) from None
        usual = places.implied and not places.no_index and isinstance(error, NotFoundError)
        if usual or any(one in error.sentence + error.hint for one in asked):
            raise
        raise type(error)(error.sentence, hint=f"{error.hint}{ASKED}{', '.join(asked)}.", item=error.item) from None


def _workspace_alone(places: Sources, item: str) -> bool:
    """Whether of *places* the workspace alone is asked, or it alone for the name that *item* begins with."""
    first = places.indexes[0] if places.indexes and not places.no_index else ""
    if not pages.ours(first) or places.find_links:
        return False
    if len(places.indexes) == 1 and not places.implied:
        return True
    name = re.match(words.NAME, item)
    page = name and f"{first}/{re.sub(r'[-_.]+', '-', name.group()).lower()}/index.html"
    return bool(page) and os.path.isfile(url2pathname(urlsplit(str(page)).path))


def asked_of(places: Sources) -> list[str]:
    """The hosts of the indexes in *places*, for a message."""
    if places.no_index:
        return ["no index, --find-links alone"]
    urls = [*places.indexes, *([uv_config.default_index() or "the usual index"] if places.implied else [])]
    return list(dict.fromkeys("the workspace" if pages.ours(url) else words.host_of(url) for url in urls))


def ask(engine: Engine, request: Request, room: Room) -> Lock:
    """The engine's Lock; its failures say who was asked, and no name of the workspace comes from elsewhere."""
    with naming(engine, request.sources):
        lock = _alone_first(engine, request, room)
    pages.refuse_namesakes(lock.pins, request.sources.indexes)
    return lock


def _alone_first(engine: Engine, request: Request, room: Room) -> Lock:
    """The engine's Lock; what is wanted without its own requirements is asked for first, and alone."""
    alone = tuple(one for one in request.requirements if one.no_deps)
    others = tuple(one for one in request.requirements if not one.no_deps)
    if not alone:
        return engine.resolve(request, room)
    first = engine.resolve(replace(request, requirements=alone, no_deps=True), room)
    if not others:
        return first
    fixed = tuple(f"{pin.name}=={pin.version}" for pin in first.pins if not pin.direct)
    second = engine.resolve(replace(request, requirements=others, constraints=(*request.constraints, *fixed)), room)
    names = {pin.name for pin in first.pins}
    pins = (*first.pins, *(pin for pin in second.pins if pin.name not in names))
    return replace(second, pins=tuple(sorted(pins, key=lambda pin: pin.name)), built=(*first.built, *second.built))


def _refuse_sources(request: Request) -> None:
    """Refuse places that must be built where nothing may be: their metadata alone takes running their code."""
    for requirement in request.requirements:
        if is_source(requirement) and (request.wheels_only or not request.may_build):
            lines = [one.line for one in request.requirements]
            raise words.source_forbidden(requirement.name, lines, plan=not request.wheels_only)


def _refuse_protected(ask: Callable[[], Lock], spec: Spec, view: View, said: str, told: Mapping[str, str]) -> None:
    """Raise :class:`Protected` where a refusal (*said*) is about a protected distribution, with the chain to it.

    *ask* gives the Lock without what protects.
    """
    names = (*policy.PROTECTED, *told)
    if not any(re.search(rf"\b{name.replace('-', '[-_.]')}\b", said, re.IGNORECASE) for name in names):
        return
    try:
        lock = ask()
    except (ResolveError, NotFoundError):
        return
    policy.check_lock(lock, spec, view, told)


def _keep_base_whole(engine: Engine, request: Request, lock: Lock, room: Room, settings: Settings) -> Lock:
    """Bring in new versions of base distributions that *lock* would break, until nothing breaks."""
    faults = consistency.broken(request.view, lock.pins)
    if not faults or settings.union == "warn":
        return replace(lock, notices=(*lock.notices, *_now_inconsistent(faults)))
    if settings.union == "strict":
        raise _breaks(faults, "the setting union is strict")
    until = time.monotonic() + settings.coresolve_seconds
    names: dict[str, None] = {}
    while faults:
        names |= dict.fromkeys(fault.dist.name for fault in faults)
        left = until - time.monotonic()
        if len(names) > settings.coresolve_most or left <= 0:
            raise _breaks(
                faults, f"more than {settings.coresolve_most} distributions or {settings.coresolve_seconds:.0f} s"
            )
        more = tuple(Requirement(line=name, name=name, where="base") for name in names)
        try:
            asked = replace(request, requirements=(*request.requirements, *more))
            lock = ask(engine, asked, replace(room, deadline=min(left, room.deadline)))
        except (ResolveError, NotFoundError):
            raise _breaks(faults, "and no version of it fits") from None
        except DeadlineError as error:
            raise _breaks(faults, str(error)) from None
        faults = consistency.broken(request.view, lock.pins)
    along = ", ".join(f"{pin.name} {pin.version}" for pin in lock.pins if pin.name in names)
    below = {request.view[pin.name].level for pin in lock.pins if pin.name in names and pin.name in request.view}
    whose = levels.the("pool") if "pool" in below else "base"
    said = f"{along}: comes along, because {whose}'s version would not fit." if along else ""
    return replace(lock, notices=(*lock.notices, *([said] if said else [])))


def _breaks(faults: tuple[consistency.Broken, ...], why: str) -> ConflictError:
    """The refusal to break what is there."""
    more = len(faults) - _NAMED
    first = "; ".join(str(fault) for fault in faults[:_NAMED]) + (f"; and {more} more" if more > 0 else "")
    broken = {fault.dist.level for fault in faults}
    what = levels.the(next(level for level in ("session", "pool", "base") if level in broken))
    return ConflictError(
        f"{what} would break: {first}; {why}",
        hint="Loosen the version, or set SESSIONPKGS_UNION=warn to install it all the same.",
        item=faults[0].dist.name,
    )
