"""A change that waits for the next Python: what it needs to take effect there, as plain values.

The files are built and held before this Python is left. It does not restart anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import SessionPkgsError

if TYPE_CHECKING:
    from sessionpkgs.session import Session
    from sessionpkgs.session.holding import Holding

JSON = dict[str, Any]


class Waiting:
    """Whether a change may wait, the answer *known* of the one that does, its *key*, and what is active *before* it."""

    def __init__(self) -> None:
        self.wanted = False
        self.known: JSON = {}
        self.key = ""
        self.before: JSON = {}
        self.held: Holding | None = None
        """What the session held before the change, for where it cannot take effect after all."""

    def put(self, known: JSON, key: str) -> JSON:
        """Have *known* wait; gives its record."""
        self.known, self.key = known, key
        record: JSON = known["record"]
        return record

    @contextmanager
    def allowed(self, session: Session) -> Iterator[Waiting]:
        """Within the block a change that loaded modules forbid is built, and waits instead of being refused."""
        from copy import copy

        self.wanted, self.known, self.key, self.before = True, {}, "", present(session)
        self.held = copy(session.held)
        try:
            yield self
        finally:
            self.wanted = False


def after_restart(record: JSON) -> JSON:
    """*record*, whose change does not take effect in this Python."""
    rows = [
        {**row, "state": "after restart"} if row["state"] == "active" and row["layer"] == "session" else row
        for row in record["packages"]
    ]
    return {**record, "packages": rows}


def present(session: Session) -> JSON:
    """What is active now, as an answer that was remembered; empty where base is bare."""
    if not session.overlay.active:
        return {}
    from dataclasses import asdict

    return {
        "activation": session.overlay.active,
        "shadow": [],
        "pins": [asdict(pin) for pin in session.held.pins],
        "record": session.held.record,
        "key": session.held.key,
    }


def carried(session: Session) -> JSON:
    """What the next Python needs to have this session again, and the change that waits for it; plain values."""
    import base64
    import pickle

    waiting = session.waiting
    return {
        "before": waiting.before,
        "known": waiting.known,
        "key": waiting.key,
        "spec": base64.b64encode(pickle.dumps(session.spec)).decode("ascii"),
        "locks": session.life.descriptors(),
    }


def take_up(session: Session, left: Mapping[str, Any]) -> JSON:
    """Have in this Python what the last one *left*: the change that waited, or where it cannot be, what was before.

    Raises the :class:`SessionPkgsError` that says why it cannot be.
    """
    import base64
    import pickle

    before = left["before"]
    inherited = session.life.adopt(left["locks"])
    try:
        session.life.open()
        if left["known"]:
            try:
                record = session.reopen(left["known"], left["key"])
            except SessionPkgsError:
                if before:
                    session.reopen(before, before["key"])
                raise
        else:
            record = session.reopen(before, before["key"]) if before else session.status()
    finally:
        for lease in inherited:
            lease.release()
    session.held.hold(pickle.loads(base64.b64decode(left["spec"])))  # noqa: S301 - written by this very process
    asked = left["known"] or {"record": record}
    session.held.record = {**record, **{key: asked["record"][key] for key in ("source", "seconds", "steps")}}
    return session.held.record
