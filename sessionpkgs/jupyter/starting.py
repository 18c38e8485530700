"""What the start of a pool's kernel still has to do when it runs: its script, then what it declares for sessions.

Each is a step of the gate before the first cell. It does not know how a cell waits.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from sessionpkgs import places
from sessionpkgs.errors import PolicyError
from sessionpkgs.jupyter.gate import Hear, Step
from sessionpkgs.overlay import pooled
from sessionpkgs.report import Reporter

if TYPE_CHECKING:
    from sessionpkgs.session import Session

LOGS = 20
"""Logs of earlier starts that are kept."""


def steps(session: Callable[[], Session], done: Sequence[str], first: Event) -> list[Step]:
    """What the start of a kernel of this pool still has to do, in order.

    *session* gives the kernel's session; it is made here, before any thread could make another. *first* is set when the
    first cell is there.
    """
    declared = pooled.current["declaration"]
    found = []
    if declared["on_start"]:
        found.append(Step("on-start", _on_start))
    if declared["session"] and "session" not in done:
        found.append(Step("session", partial(_declare, session(), declared["session"], first)))
    for name in done:
        pooled.outcomes[name] = (True, "was done before Python was restarted")
    return [step for step in found if step.name not in done]


def _on_start(hear: Hear) -> dict[str, object]:
    """Run the pool's script; gives a sentence."""
    from sessionpkgs.display.page import sentence
    from sessionpkgs.pools import scripts
    from sessionpkgs.session import rules
    from sessionpkgs.store import Store, generations

    rules.load(os.environ).check_script("on-start", pool=pooled.current["pool"])
    told = pooled.current
    hear(f"running the on-start script of the pool {told['pool']}")
    store = Store(places.home(os.environ))
    store.prepare()
    logs = sorted(Path(store.path("views")).glob(f"on-start-{told['pool']}-*.log"), key=_age)
    for old in logs[LOGS:]:
        old.unlink(missing_ok=True)
    log = store.path("views", f"on-start-{told['pool']}-{os.getpid()}.log")
    script = f"{generations.place(told['root'], told['pool'], told['number'])}/on-start"
    scripts.on_start(script, told, env=os.environ, folder=str(Path.cwd()), log=log)
    return sentence("", f"The on-start script of the pool {told['pool']} ran.")


def _age(path: Path) -> float:
    """Sorts the newest file first, and one that is gone last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _declare(session: Session, text: str, first: Event, hear: Hear) -> dict[str, object]:
    """Have what the pool declares for the sessions of its kernels; gives the record as it is shown.

    A session that was carried over a restart and has something already is left as it is. Where a policy allows sessions
    only before a person, the *first* cell tells whether there is one.
    """
    from sessionpkgs.jupyter.showing import presented

    if session.overlay.active:
        return {}

    class Ear(Reporter):
        def step(self, text: str) -> None:
            hear(text)

    hear(f"preparing the session of the pool {pooled.current['pool']}")
    session.reporter = Ear()
    try:
        there = first.is_set()
        try:
            record = session.declare(text)
        except PolicyError as error:
            if error.rule != "session_packages" or there:
                raise
            first.wait()
            record = session.declare(text)
        return presented(record).bundle()
    finally:
        session.reporter = Reporter()
