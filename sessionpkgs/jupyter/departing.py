"""Leaving this Python with the session in hand: what is given to the next one.

It does not know how a Python is left, nor what the next one does with what it gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import ActivationError
from sessionpkgs.overlay import pooled

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.session import Session

RESUME = "sessionpkgs.jupyter.resuming:resume"


def leave(shell: InteractiveShell, session: Session, folder: str, display_id: str) -> None:
    """Have a new Python take the place of this one when the running cell is over.

    *folder* is where it starts, *display_id* the output that becomes its answer. A cell may ask more than once; what it
    asked for last holds. Raises :class:`ActivationError` where it cannot be done here; then nothing was touched.
    """
    from sessionpkgs.jupyter.restart import leaving

    kernel = getattr(shell, "kernel", None)
    if why := leaving.obstacle(kernel):
        if display_id:
            from sessionpkgs.jupyter.progress import NotebookReporter

            NotebookReporter(display_id=display_id, shown=True).failed()
        session.held = session.waiting.held or session.held
        ready = " What it asked for is built." if session.waiting.known else ""
        raise ActivationError(
            f"Python cannot be restarted in place here: {why}.{ready}",
            hint="Restart the kernel, then run this cell again.",
        )
    begun = leaving.under_way(kernel)
    carried = _carried(session, display_id, begun.carried() if begun is not None else {})
    if begun is not None:
        begun.carried = carried
        return
    if kernel is None:
        leaving.leave_terminal(resume=RESUME, carried=carried(), files=_files(session), folder=folder)
    leaving.Leaving(kernel, resume=RESUME, carried=carried, files=lambda: _files(session), folder=folder).begin()


def _carried(session: Session, display_id: str, before: Mapping[str, Any]) -> Callable[[], dict[str, Any]]:
    """What the next Python gets, as it is when this one is left; *before* is what the same cell asked for earlier."""
    from sessionpkgs.session import waiting

    asked, shown = before.get("asked", time.time()), [*before.get("displays", ()), display_id]
    known = (session.waiting.known, session.waiting.key)
    if not known[0] and before.get("known"):  # a plain restart behind a change that waits for one
        known = (before["known"], before["key"])
    held = session.held.record

    def carried() -> dict[str, Any]:
        now = {**waiting.carried(session), "displays": shown, "asked": asked, "before": waiting.present(session)}
        waits = known if session.held.record is held else ({}, "")  # a later change took effect in this Python
        return {**now, "known": waits[0], "key": waits[1], "environment": pooled.carried()}

    return carried


def _files(session: Session) -> list[int]:
    """Descriptors that hold the session's locks and the pool."""
    return [*(descriptor for _, descriptor in session.life.descriptors()), *pooled.files()]
