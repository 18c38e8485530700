"""The session's part of a restart in place: what it gives to the next Python, and what it does there first.

It does not know how a Python is left or how one begins in its place.
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
    leaving.Leaving(kernel, resume=RESUME, carried=carried, files=files, folder=folder).begin()


def resume(shell: InteractiveShell, left: Mapping[str, Any]) -> None:
    """Load the extension, have the session again and show its answer, in a Python that took another one's place."""
    from sessionpkgs.jupyter import magics
    from sessionpkgs.jupyter.progress import NotebookReporter
    from sessionpkgs.jupyter.showing import presented
    from sessionpkgs.session import waiting

    extensions: Any = shell.extension_manager
    extensions.load_extension("sessionpkgs")
    session = magics.session_of(shell)
    reporter = NotebookReporter(display_id=left["display"], shown=bool(left["display"]))
    try:
        record = waiting.take_up(session, left)
    except BaseException:
        reporter.failed()
        raise
    took = time.time() - left["asked"]
    said = f"Python was restarted in place ({took:.1f} s): variables and imports are gone, the next cells run."
    reporter.finish(presented({**record, "notices": [said, *record["notices"]]}))
