"""A session's walk along the straight line: to look, or to build and switch on.

It gathers what the line needs from the session and makes the record of what came out. It decides nothing and keeps no
journal.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import SessionPkgsError
from sessionpkgs.model import Pin, Plan
from sessionpkgs.session import expecting, records, rules, ruling, texts, waiting
from sessionpkgs.session.changes import Change
from sessionpkgs.session.straight import Ask, Line, Outcome

if TYPE_CHECKING:
    from sessionpkgs.model import Record
    from sessionpkgs.session import Session


@contextmanager
def line(session: Session, change: Change, **options: Any) -> Iterator[Line]:
    """A straight line for *change* in a stage of its own; *options* are fields of :class:`Ask`.

    Raises :class:`PolicyError` before anything else where sessions may have no packages here.
    """
    rules.guard(session)
    with session.store.stage() as stage:
        ask = Ask(
            change=change,
            sites=tuple(session.overlay.active.get("sites", ())),
            base=tuple(session.life.base()),
            pool=session.life.pool,
            folder=session.place(),
            session=session.life.home,
            env=session.life.environment(session.env),
            current=session.life.current(),
            ghosts=session.overlay.ghosts,
            namespace=session.namespace,
            reporter=session.reporter,
            makes_pool=session.makes_pool,
            **{"may_wait": session.waiting.wanted, **options},
        )
        walk = Line(session.store, ask, stage)
        try:
            yield walk
        except SessionPkgsError as error:
            if (told := ruling.worded(error, walk)) is error:
                raise
            raise told from None
        finally:
            for claim in walk.claims:
                claim.release()


def preview(session: Session, change: Change, **options: Any) -> dict[str, Any]:
    """The record of what *change* would do; no layer is built and no build code runs."""
    started = time.perf_counter()
    with line(session, change, may_build=False, may_wait=True, **options) as walk:
        outcome = walk.plan()
        plan = _sized(walk, outcome.plan)
    lacking = expecting.lacking(session.store, plan.install, plan.tag)
    fetch, expected = expecting.cost(session.store, lacking)
    later = (f"{walk.blocked}: with --restart (or -f) Python restarts in place.",) if walk.blocked else ()
    told = records.record(
        "plan",
        session.identity,
        change.whole,
        plan,
        walk.view.fingerprint,
        engine=outcome.engine,
        layer=plan.digest,
        source="plan",
        seconds=since(started),
        notices=(*later, *outcome.notices, *_unknown(lacking)),
        steps=tuple(walk.steps),
        staying=session.life.current(),
        fetch=fetch,
        expected=expected if lacking else 0.0,
    ).to_dict()
    return waiting.after_restart(told) if later else told


def _sized(walk: Line, plan: Plan) -> Plan:
    """*plan* with the sizes of what is still to fetch, asked of the servers where the index told none."""
    lacking = {pin.name for pin in expecting.lacking(walk.store, plan.install, plan.tag) if not pin.size}
    if not lacking:
        return plan
    found = walk.sizes(pin.url for pin in plan.install if pin.name in lacking)
    return replace(plan, install=tuple(replace(pin, size=pin.size or found.get(pin.url, 0)) for pin in plan.install))


def _unknown(lacking: Sequence[Pin]) -> tuple[str, ...]:
    """A notice on those of *lacking* whose size nobody told."""
    names = [pin.name for pin in lacking if not pin.size and pin.kind in ("wheel", "sdist")]
    return (f"No size is known of {', '.join(names)}.",) if names else ()


def apply(session: Session, change: Change, action: str, **options: Any) -> tuple[Outcome, Record]:
    """Plan, build, switch on; the journal and the memory are the caller's."""
    started = time.perf_counter()
    with line(session, change, **options) as walk:
        outcome = walk.build(walk.plan())
        if outcome.waits:
            session.life.keep(outcome.activation)
        else:
            session.life.switch(outcome.activation, outcome.anew, outcome.notices)
    session.held.hold(texts.without_python(change.whole, options.get("ignore_python", False)))
    session.held.bring(outcome.plan.install)
    record = records.record(
        action,
        session.identity,
        change.whole,
        outcome.plan,
        walk.view,
        engine=outcome.engine,
        layer=outcome.activation["layer"],
        source="built" if outcome.built else "store",
        seconds=since(started),
        notices=tuple(outcome.notices),
        steps=tuple(walk.steps),
        versions=dict(outcome.activation["dists"].values()),
        **records.looked(walk.request(change.more).sources, change.more),
    )
    return outcome, record


def keep(session: Session, key: str, outcome: Outcome, record: Record, *, remember: bool = True) -> dict[str, Any]:
    """Journal *record* and remember the answer, unless it rests on folders that may change at any time.

    An answer that waits for the next Python is kept for that one instead.
    """
    from sessionpkgs.session import memory

    held, place = session.held, session.place()
    law = {"policy": rules.load(session.env).wants_person}
    if outcome.waits:
        known = memory.resolution(outcome, record.to_dict(), session.spec, place, session.env)
        return session.waiting.put({**known, **law}, key)
    held.record, held.key = session.journal.note(record.to_dict()), key
    if key and remember and memory.may_be_remembered(outcome):
        answer = memory.resolution(outcome, held.record, session.spec, place, session.env)
        if said := memory.keep(session.store, key, {**answer, **law}):
            held.record["notices"] = [*held.record["notices"], said]
    return held.record


def since(started: float) -> float:
    """Seconds since *started*, to a tenth of a millisecond."""
    return round(time.perf_counter() - started, 4)
