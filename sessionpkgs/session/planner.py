"""What must be brought to a machine without a network, so that a declaration can be had there: ``sessionpkgs closure``.

For this machine it is what a plan would install. For another one an engine resolves for its Python and platform, from
wheels alone, over what that machine says it has. It installs nothing and runs no code of packages.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sessionpkgs import installed, places, policy, settings
from sessionpkgs.engines import Engine, Request, Room, also_there, targets, words
from sessionpkgs.engines.wheels import is_source
from sessionpkgs.errors import ConflictError, IntegrityError, NotFoundError, ResolveError, SessionPkgsError, SpecError
from sessionpkgs.formats import wheel_files
from sessionpkgs.model import Lock, Pin, Requirement, Spec, View
from sessionpkgs.session import changes, closure, elsewhere, packing, resolving, ruling, walking
from sessionpkgs.session.packing import Found
from sessionpkgs.session.standins import StandIns
from sessionpkgs.store import generations

if TYPE_CHECKING:
    from sessionpkgs.engines.targets import Target
    from sessionpkgs.session import Session
    from sessionpkgs.session.straight import Line

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What ``sessionpkgs closure`` is asked: see its options. ``over`` is a file, ``pool`` a name, ``folder`` where to download to."""

    file: str
    python: str = ""
    platforms: tuple[str, ...] = ()
    over: str = ""
    pool: str = ""
    folder: str = ""
    with_base: bool = False
    engine: str = ""
    ignore_python: bool = False
    without: tuple[str, ...] = ()


def command(env: Mapping[str, str], file: str = "FILE") -> str:
    """The line that gives, on a machine with a network, what this Python on this machine needs for *file*."""
    del env
    target = targets.here()
    python = ".".join(map(str, target.minor))
    return f"sessionpkgs closure {shlex.quote(file)} --python {python} --platform {target.platforms[0]} --download DIR"


def plan(session: Session, wanted: Wanted) -> JSON:
    """The wheels that *wanted* needs and the machine lacks, downloaded where a folder is named, as a dictionary.

    What has no wheel stands under ``missing``, and ``complete`` is false then. Raises every refusal of a plan.
    """
    session.life.open()
    target = _target(wanted)
    spec, notices = _read(session, wanted, target)
    unbuilt = tuple(one for one in spec.requirements if is_source(one))
    spec = replace(spec, requirements=tuple(one for one in spec.requirements if one not in unbuilt))
    options = {"engine": _engine(wanted, target, session.env), "ignore_python": wanted.ignore_python}
    with session.store.stage() as stage:
        standing = StandIns(os.path.join(stage, "standins"), target.rank if target else wheel_files.rank)
        while True:
            asked = standing.among(spec)
            with walking.line(session, changes.whole(asked), may_build=False, may_wait=True, **options) as walk:
                _stand_on(walk, wanted.pool)
                try:
                    found = _over_nothing(walk, asked, wanted, target) if target else _over_base(walk, asked, wanted)
                except SessionPkgsError as error:
                    if standing.answer(error, walk.request(spec).sources, walk.ask.env):
                        continue
                    if target and isinstance(error, NotFoundError):
                        raise _worded(error, target) from None
                    raise
                found.notices[:0] = notices
                found.places, found.target, found.pool = unbuilt, target, wanted.pool
                return packing.answer(walk, spec, found, standing, file=wanted.file, folder=wanted.folder)


def _worded(error: NotFoundError, target: Target) -> NotFoundError:
    """*error*, which an engine words for the Python that runs, for *target*."""
    here = words.python_here()
    sentence = error.sentence.replace(f"this is Python {here}", f"the list is for Python {target.python}")
    sentence = sentence.replace(f"this Python ({here} on {words.platform_here()})", str(target))
    hint = error.hint.replace("use a kernel with another Python", "name another --python")
    return NotFoundError(sentence, hint=hint, item=error.item)


def _target(wanted: Wanted) -> Target | None:
    """The machine that is asked for; None for this one over its base."""
    if not (wanted.python or wanted.platforms or wanted.over):
        return None
    if wanted.pool:
        raise SpecError(
            f"the pool {wanted.pool} is on this machine, and the list is for another one",
            hint="Leave --python, --platform and --over out, or name what a kernel of it freezes with --over.",
            item=wanted.pool,
        )
    here = targets.here()
    return targets.of(wanted.python or here.python, wanted.platforms or here.platforms)


def _engine(wanted: Wanted, target: Target | None, env: Mapping[str, str]) -> str:
    """Who resolves: pip, where nobody was chosen and uv has no name for the platform."""
    chosen = wanted.engine or settings.load(env).engine
    return "pip" if chosen == "auto" and target and not targets.uv_name(target) else chosen


def _read(session: Session, wanted: Wanted, target: Target | None) -> tuple[Spec, tuple[str, ...]]:
    """The declaration as that machine reads it, and notices on its Python lines."""
    if target is None:
        return session.reading.file(wanted.file, wanted.without), ()
    spec = elsewhere.read(target, session.env, session.place(), wanted.file, wanted.without)
    return spec, elsewhere.check_python(spec, target, ignore=wanted.ignore_python)


class _Telling:
    """An engine that is always asked who needs whom, and keeps what it said."""

    def __init__(self, engine: Engine) -> None:
        self.name, self._engine = engine.name, engine
        self.asked_by: dict[tuple[str, str], None] = {}

    def resolve(self, request: Request, room: Room) -> Lock:
        """As the engine."""
        lock = self._engine.resolve(replace(request, explain=not request.exact), room)
        self.asked_by |= dict.fromkeys(lock.asked_by)
        return lock

    def install(self, pins: tuple[Pin, ...], into: str, request: Request, room: Room) -> None:
        """As the engine."""
        self._engine.install(pins, into, request, room)

    def forget(self, names: list[str], request: Request, room: Room) -> None:
        """As the engine."""
        self._engine.forget(names, request, room)


def _stand_on(walk: Line, pool: str) -> None:
    """Have *walk* see the *pool* before base, as its kernels do. Raises :class:`NotFoundError` where there is none."""
    if not pool:
        return
    roots = [*places.pool_roots(walk.ask.env).values()]
    root = next((one for one in roots if generations.current(one, pool)), roots[0])
    made = generations.read(root, generations.named(pool))
    if os.path.realpath(made["prefix"]) != os.path.realpath(sys.prefix):
        raise SpecError(
            f"the pool {pool} is for {made['python']}, and this is {sys.executable}",
            hint=f"{made['python']} -m sessionpkgs.cli closure … --pool {pool} asks that one.",
            item=pool,
        )
    sites = tuple(made["activation"]["sites"])
    walk.ask = replace(walk.ask, base=(*sites, *walk.ask.base), pool=sites)
    walk.view = walk.seen = installed.scan(walk.ask.base, pool=sites)


def _over_base(walk: Line, spec: Spec, wanted: Wanted) -> Found:
    """What a plan for this machine installs, and with it what base has where that is wanted."""
    telling = _Telling(walk.engine)
    walk.engine = telling
    outcome = walk.plan()
    edges = tuple(telling.asked_by)
    children = {child for child, _ in edges} | {one.name for one in spec.requirements}
    lacking = {pin.name for pin in outcome.plan.install}
    needed = closure.names(walk.view, [Requirement(line=name, name=name) for name in children]) - lacking
    kept = View(walk.view[name] for name in sorted(needed))
    found = Found(outcome.plan.install, outcome.engine, edges, kept, outcome.notices)
    if wanted.with_base:
        found.pins = tuple(sorted((*found.pins, *_exactly(walk, found)), key=lambda pin: pin.name))
        found.view = View()
    return found


def _exactly(walk: Line, found: Found) -> list[Pin]:
    """Pins of the versions that base has; a notice for those that no index has."""
    pins: list[Pin] = []
    absent: list[str] = []
    for dist in found.view.values():
        try:
            pins += walk.exactly([f"{dist.name}=={dist.version}"])
        except (NotFoundError, ResolveError, IntegrityError, ConflictError):
            absent.append(f"{dist.name} {dist.version}")
    if absent:
        found.notices.append(f"Not in it, because no index has these versions of base: {', '.join(absent)}.")
    return pins


def _over_nothing(walk: Line, spec: Spec, wanted: Wanted, target: Target) -> Found:
    """What *target* needs beside what the file of its distributions names."""
    over, said = elsewhere.present(wanted.over) if wanted.over else (View(), ())
    fixed = tuple(f"{dist.name}=={dist.version}" for dist in over.values())
    ruling.declared(walk, spec)
    request = walk.request(spec)
    request = replace(
        request,
        view=View() if wanted.with_base else over,
        constraints=(*request.constraints, *fixed),
        no_deps=bool(spec.requirements) and all(one.no_deps for one in spec.requirements),
        wheels_only=True,
        explain=True,
        target=target,
    )
    with resolving.naming(walk.engine, request.sources):
        lock = walk.engine.resolve(request, walk.room()) if spec.requirements else Lock()
    lock = also_there.told(ruling.chosen(walk, spec, lock), request.sources, walk.ask.env)
    walk.hosts.check(lock.pins)
    ruling.fetched(walk, lock.pins)
    policy.check_hashes(lock, spec)
    asked = {one.name for one in spec.requirements}
    pins = tuple(replace(pin, requested=pin.name in asked) for pin in lock.pins)
    met = asked | {name for name, _ in lock.asked_by}
    kept = View(over[name] for name in sorted(met & over.keys()) if not wanted.with_base)
    return Found(pins, walk.engine.name, lock.asked_by, kept, [*spec.notices, *said, *lock.notices])
