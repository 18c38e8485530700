"""A session's walk along the straight line: to look, or to build and switch on.

It gathers what the line needs from the session and makes the record of what came out. It decides nothing and keeps no
journal.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sessionpkgs.session import expecting, records, texts
from sessionpkgs.session.changes import Change
from sessionpkgs.session.straight import Ask, Line, Outcome

if TYPE_CHECKING:
    from sessionpkgs.model import Record
    from sessionpkgs.session import Session


@contextmanager
def line(session: Session, change: Change, **options: Any) -> Iterator[Line]:
    """A straight line for *change* in a stage of its own; *options* are fields of :class:`Ask`."""
    with session.store.stage() as stage:
        ask = Ask(
            change=change,
            sites=tuple(session.overlay.active.get("sites", ())),
            base=tuple(session.life.base()),
            folder=session.place(),
            session=session.life.home,
            env=session.life.environment(session.env),
            current=session.life.current(),
            ghosts=session.overlay.ghosts,
            namespace=session.namespace,
            reporter=session.reporter,
            **options,
        )
        yield Line(session.store, ask, stage)


def preview(session: Session, change: Change, **options: Any) -> dict[str, Any]:
    """The record of what *change* would do; no layer is built and no build code runs."""
    started = time.perf_counter()
    with line(session, change, may_build=False, **options) as walk:
        outcome = walk.plan()
    lacking = expecting.lacking(session.store, outcome.plan.install, outcome.plan.tag)
    fetch, expected = expecting.cost(session.store, lacking)
    return records.record(
        "plan",
        session.identity,
        change.whole,
        outcome.plan,
        walk.view.fingerprint,
        engine=outcome.engine,
        layer=outcome.plan.digest,
        source="plan",
        seconds=since(started),
        notices=tuple(outcome.notices),
        steps=tuple(walk.steps),
        staying=session.life.current(),
        fetch=fetch,
        expected=expected if lacking else 0.0,
    ).to_dict()


def apply(session: Session, change: Change, action: str, **options: Any) -> tuple[Outcome, Record]:
    """Plan, build, switch on; the journal and the memory are the caller's."""
    started = time.perf_counter()
    with line(session, change, **options) as walk:
        outcome = walk.build(walk.plan())
    session.life.switch(outcome.activation, outcome.anew, outcome.notices)
    session.held.hold(texts.without_python(change.whole, options.get("ignore_python", False)))
    session.held.bring(outcome.plan.install)
    record = records.record(
        action,
        session.identity,
        change.whole,
        outcome.plan,
        walk.view.fingerprint,
        engine=outcome.engine,
        layer=outcome.activation["layer"],
        source="built" if outcome.built else "store",
        seconds=since(started),
        notices=tuple(outcome.notices),
        steps=tuple(walk.steps),
        versions=dict(outcome.activation["dists"].values()),
    )
    return outcome, record


def since(started: float) -> float:
    """Seconds since *started*, to a tenth of a millisecond."""
    return round(time.perf_counter() - started, 4)
