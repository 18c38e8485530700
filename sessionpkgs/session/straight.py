"""The straight line: Spec → Lock → Plan → Layer → what the overlay has to switch on.

Everything before the layer changes nothing, so a refusal needs no way back. It does not touch ``sys.path`` or the
journal: the session does that with what it gets from here.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Thread
from typing import Any

from sessionpkgs import installed, places, policy, settings
from sessionpkgs import plan as planning
from sessionpkgs.engines import Engine, Request, Room, also_there, fence, find, wheel_sizes
from sessionpkgs.errors import ActivationError, IntegrityError, UnsafePackageError
from sessionpkgs.model import Dist, Layer, Lock, Pin, Plan, Requirement, Spec, View
from sessionpkgs.overlay import position, survey
from sessionpkgs.report import Reporter
from sessionpkgs.session import (
    activation,
    changes,
    expecting,
    local,
    looking,
    privately,
    reopen,
    resolving,
    rules,
    ruling,
    siblings,
    where,
)
from sessionpkgs.session.changes import Change
from sessionpkgs.session.rows import leaving_rows, shadow_rows
from sessionpkgs.store import Store, bounds
from sessionpkgs.store.locks import Flock


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One step on its way: what is asked, of whom, over what, and who is told. ``sites`` are the session's folders now."""

    change: Change
    sites: tuple[str, ...] = ()
    base: tuple[str, ...]
    pool: tuple[str, ...] = ()
    folder: str
    session: str
    env: Mapping[str, str]
    engine: str = ""
    preferred: tuple[str, ...] = ()
    current: Mapping[str, tuple[str, str]]
    ghosts: Mapping[str, tuple[str, str]]
    namespace: Mapping[str, Any]
    ignore_python: bool = False
    may_build: bool = True
    refresh: bool = False
    may_wait: bool = False
    makes_pool: bool = False
    reporter: Reporter


@dataclass(slots=True)
class Outcome:
    """What came of an :class:`Ask`: the plan, and once it is built the layer and what to switch on."""

    plan: Plan
    view: View
    engine: str
    anew: list[str]
    notices: list[str]
    activation: dict[str, Any]
    built: bool = False
    steps: list[tuple[str, float]] | None = None
    waits: bool = False


class Line:
    """One walk along the straight line in the stage *stage* of *store*."""

    def __init__(self, store: Store, ask: Ask, stage: str) -> None:
        self.store, self.ask, self.stage = store, ask, stage
        self.policy = rules.load(ask.env, makes_pool=ask.makes_pool)
        self.clock = ruling.Clock(self.policy)
        self.settings = self.policy.bounded(settings.load(ask.env))
        self.protected = frozenset((*policy.PROTECTED, *self.policy.protected))
        self.steps: list[tuple[str, float]] = []
        self.view = installed.scan(ask.base, pool=ask.pool)
        carried = {pin.name: pin for pin in ask.change.carried}
        self.seen = changes.over(self.view, installed.scan(ask.sites, level="session").values(), carried)
        Thread(target=_load_what_installs, daemon=True).start()
        self.fresh = False
        self.blocked = ""
        self.claims: list[Flock] = []

    def plan(self) -> Outcome:
        """Resolve and judge; changes nothing. Raises every refusal that is possible before an install."""
        ask, change = self.ask, self.ask.change
        notices = ruling.python(self)
        kept = [dist for dist in self.view.values() if dist.name in self.protected]
        origins = {dist.name: str(looking.origin(dist).get("url", "")) for dist in kept}
        spec = policy.settled(local.named(change.more, ask.folder), origins, self.protected)
        policy.check_spec(spec, self.view)
        ruling.declared(self, spec)
        lock = self._timed("resolving", self._resolve, spec)
        whole = spec if change.whole is change.more else change.whole
        todo = planning.plan(
            lock,
            self.view,
            spec=replace(
                whole, notices=(*spec.notices, *notices, *policy.staying(change.upgrade, self.view, self.protected))
            ),
            current=tuple(Dist(name=n, version=v, level="session", path="") for n, v in ask.current.values()),
            tag=places.interpreter_tag(),
            python=sys.executable,
        )
        anew, said = self._judge(todo)
        return Outcome(todo, self.view, lock.engine, anew, [*todo.notices, *said], {}, steps=self.steps)

    def build(self, outcome: Outcome) -> Outcome:
        """Install what the store lacks, link the layer and describe what the overlay switches on."""
        layer, outcome.built = self._timed("installing", self._layer, outcome.plan)
        added = siblings.missing(layer.path, outcome.plan, self.view)
        if added:
            return self.build(self._with_siblings(outcome, added))
        local_folders = activation.mutable(outcome.plan)
        private, anew = self._timed("building", privately.folder, self, local_folders) if local_folders else ("", [])
        outcome.activation, said = activation.describe(
            self.store, outcome.plan, layer, private, self.ask.change.whole, self.ask.env
        )
        outcome.notices += [*anew, *said, *layer.notices]
        outcome.waits = bool(self.blocked)
        return outcome

    def _timed(self, name: str, work: Any, *arguments: Any) -> Any:
        """Run one step, tell the reporter, note the seconds."""
        self.ask.reporter.step(name)
        started = time.perf_counter()
        try:
            return work(*arguments)
        finally:
            self.steps.append((name, round(time.perf_counter() - started, 4)))

    def room(self, pins: Sequence[Pin] = ()) -> Room:
        """Where engines work in this walk, and unpack *pins* at most."""
        return Room(
            stage=self.stage,
            runner=self.clock.bound(fence.fenced(bounds.Bounded(pins, self.sizes), self.hosts)),
            cache=self.store.path("cache"),
            views=self.store.path("views"),
            python=sys.executable,
            base=(*(self.ask.sites if self.ask.change.carried else ()), *self.ask.base),
            deadline=self.clock.left(self.settings.deadline),
            tick=self.ask.reporter.tick,
        )

    @functools.cached_property
    def hosts(self) -> fence.Hosts:
        """Where engines may go in this walk: the hosts that the declaration, the settings and the session's pins name."""
        return ruling.hosts(self)

    def sizes(self, urls: Iterable[str]) -> Mapping[str, int]:
        """Bytes of what lies at *urls*, where the servers tell."""
        bundle = self.request(Spec()).sources.certificate
        return wheel_sizes.sizes(urls, env=self.ask.env, certificate=bundle, hosts=self.hosts)

    def request(self, spec: Spec) -> Request:
        """What the engine is asked for *spec*."""
        return Request(
            requirements=spec.requirements,
            view=self.seen,
            sources=where.sources(self.ask.env, self.settings, spec, self.store),
            folder=self.ask.folder,
            constraints=tuple(c.line for c in spec.constraints),
            pre=spec.pre,
            wheels_only=self.settings.wheels_only,
            may_build=self.ask.may_build,
            refresh=self.ask.refresh,
            upgrade=self.ask.change.upgrade - self.protected,
        )

    @functools.cached_property
    def engine(self) -> Engine:
        """Who resolves and installs."""
        return find(self.ask.engine or self.settings.engine)

    def _resolve(self, spec: Spec) -> Lock:
        """The Lock of all that the session then has: what *spec* brings, and what stays."""
        change = self.ask.change
        lock = resolving.from_pins(spec, self.seen, self.settings)
        if lock is not None:
            lock = ruling.reachable(self, lock)
        else:
            request = self.request(spec)
            lock = resolving.preferring(self._asked(spec), request, self.ask.preferred) if spec.requirements else Lock()
            lock = also_there.told(ruling.chosen(self, spec, lock), request.sources, self.ask.env)
        ruling.chosen(self, spec, lock)
        self.hosts.check(ruling.here(self, lock.pins)[0])
        policy.check_hashes(lock, spec)
        present = {pin.name for pin in lock.pins}
        if change.force and (again := sorted(change.upgrade - present & self.seen.keys())):
            lock = replace(lock, pins=(*lock.pins, *self.exactly([f"{n}=={self.seen[n].version}" for n in again])))
            present |= {*again}
        lock = replace(lock, pins=(*lock.pins, *(pin for pin in change.carried if pin.name not in present)))
        ruling.fetched(self, lock.pins)
        return ruling.chosen(self, spec, lock)

    def _asked(self, spec: Spec) -> Callable[[Request], Lock]:
        """What asks the engine for *spec*."""
        told = self.policy.protected
        return lambda request: resolving.resolve(self.engine, spec, request, self.room(), self.settings, told)

    def exactly(self, lines: Sequence[str]) -> tuple[Pin, ...]:
        """Pins of *lines* (``name==version``) and of nothing else, although the View has them."""
        asked = tuple(Requirement(line=line, name=line.partition("==")[0]) for line in lines)
        request = replace(
            self.request(self.ask.change.more), requirements=asked, constraints=(), exact=tuple(lines), no_deps=True
        )
        pins = resolving.ask(self.engine, request, self.room()).pins
        self.hosts.check(pins)
        return pins

    def _judge(self, todo: Plan) -> tuple[list[str], list[str]]:
        """Base modules to import anew and sentences; raises ActivationError where a loaded module stands in the way."""
        shadow = shadow_rows(todo)
        survey.unreachable(shadow, sys.path, position(sys.path))
        leaving = leaving_rows(self.ask.current, todo, {name: dist.version for name, dist in self.view.items()})
        leaving |= reopen.returning(self.ask.ghosts, {pin.name: pin.version for pin in todo.install})
        try:
            return survey.judge(survey.survey(shadow, leaving, self.store.root, self.ask.namespace))
        except ActivationError as error:
            if not self.ask.may_wait:
                raise
            self.blocked = error.sentence.removesuffix("; nothing was changed")
            return [], []

    def _layer(self, todo: Plan) -> tuple[Layer, bool]:
        """The layer of everything that may be shared; bytes that do not verify are fetched once more, past the cache."""
        shared = replace(todo, install=tuple(pin for pin in todo.install if not pin.mutable))
        self.claims.append(self.store.claim(shared.digest))
        try:
            return self._linked(shared, self.stage)
        except IntegrityError:
            self.fresh = True
            with self.store.stage() as another:
                return self._linked(shared, another)
        except UnsafePackageError:
            self.engine.forget([pin.name for pin in shared.install], self.request(Spec()), self.room())
            raise

    def _linked(self, shared: Plan, stage: str) -> tuple[Layer, bool]:
        """The layer of *shared*, built in *stage* if it is not there."""
        return self.store.layer(
            shared,
            self.fill,
            python=sys.executable,
            deadline=self.settings.deadline,
            stage=stage,
            reporter=self.ask.reporter,
        )

    def fill(self, pins: tuple[Pin, ...], into: str) -> None:
        """Have the engine put *pins* into the folder *into*."""
        count = f"{len(pins)} distributions" if len(pins) > 1 else f"{pins[0].name}"
        self.ask.reporter.step(f"installing {count}")
        request = replace(self.request(self.ask.change.more), fresh=self.fresh)
        started = time.perf_counter()
        with resolving.naming(self.engine, request.sources):
            self.engine.install(pins, into, request, self.room(pins))
        expecting.learn(self.store, pins, time.perf_counter() - started)

    def _with_siblings(self, outcome: Outcome, added: tuple[str, ...]) -> Outcome:
        """Plan again with distributions of base that share a package with one of the session's."""
        said = f"{', '.join(added)}: comes along, because it shares a package with a distribution of the session."
        lock = Lock(pins=(*outcome.plan.install, *self.exactly(added)), engine=outcome.engine, notices=(said,))
        ruling.fetched(self, lock.pins)
        again = planning.plan(
            ruling.chosen(self, self.ask.change.more, lock),
            self.view,
            spec=self.ask.change.whole,
            current=(),
            tag=outcome.plan.tag,
            python=sys.executable,
        )
        anew, more = self._judge(again)
        again = replace(again, drop=outcome.plan.drop)
        return Outcome(again, self.view, outcome.engine, anew, [*again.notices, *more], {}, steps=self.steps)


def _load_what_installs() -> None:
    """Import what an install needs, while the engine waits for the index."""
    for name in ("installer.records", "packaging.tags", "sessionpkgs.store.layers", "tomli_w"):
        import_module(name)
