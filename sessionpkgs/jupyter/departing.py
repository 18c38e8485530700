"""Leaving this Python with the session in hand: what is given to the next one.

It does not know how a Python is left, nor what the next one does with what it gets.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import ActivationError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.session import Session

RESUME = "sessionpkgs.jupyter.resuming:resume"


def leave(shell: InteractiveShell, session: Session, folder: str, display_id: str) -> None:
    """Have a new Python take the place of this one when the running cell is over.

    *folder* is where it starts, *display_id* the output that becomes its answer. Raises :class:`ActivationError` where
    that cannot be done here; then nothing was touched.
    """
    from sessionpkgs.jupyter.restart import leaving
    from sessionpkgs.session import waiting

    kernel = getattr(shell, "kernel", None)
    if why := leaving.obstacle(kernel):
        ready = " What it asked for is built." if session.waiting.known else ""
        raise ActivationError(
            f"Python cannot be restarted in place here: {why}.{ready}",
            hint="Restart the kernel, then run this cell again.",
        )

    def carried() -> Mapping[str, Any]:
        return {**waiting.carried(session), "display": display_id, "asked": time.time()}

    files = [descriptor for _, descriptor in session.life.descriptors()]
    if kernel is None:
        leaving.leave_terminal(resume=RESUME, carried=carried(), files=files, folder=folder)
    leaving.Leaving(kernel, resume=RESUME, carried=carried, files=files, folder=folder).begin()
