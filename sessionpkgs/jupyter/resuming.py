"""What a Python does first that took another one's place: the extension, the session and its answer.

It does not know how the last one was left.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sessionpkgs.jupyter import magics
from sessionpkgs.jupyter.progress import NotebookReporter, TerminalReporter
from sessionpkgs.jupyter.showing import presented
from sessionpkgs.session import waiting

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def resume(shell: InteractiveShell, left: Mapping[str, Any]) -> None:
    """Load the extension, have the session again and show its answer, in a Python that took another one's place."""
    extensions: Any = shell.extension_manager
    extensions.load_extension("sessionpkgs")
    session = magics.session_of(shell)
    reporter: Any = TerminalReporter(sys.stdout)
    if hasattr(shell, "kernel"):
        *earlier, last = [NotebookReporter(display_id=one, shown=bool(one)) for one in left["displays"]]
        for one in earlier:
            one.failed()
        reporter = last
    try:
        record = waiting.take_up(session, left)
    except BaseException:
        reporter.failed()
        raise
    took = time.time() - left["asked"]
    said = f"Python was restarted in place ({took:.1f} s): variables and imports are gone, the next cells run."
    reporter.finish(presented({**record, "notices": [said, *record["notices"]]}))
