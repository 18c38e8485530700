"""Runs first in the Python that took another one's place: starts the program as it was started, then it carries on.

Until the program's own start is over it works alone, with the standard library. It does not know sessions.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from typing import Any

STATE, RUN = "SESSIONPKGS_RESUME", "SESSIONPKGS_RUN"


def _listening() -> threading.Event | None:
    """An event for the first subscription; None where the kernel cannot tell."""
    from ipykernel import iostream

    reader: Any = iostream.IOPubThread
    own = getattr(reader, "_handle_subscription", None)
    if own is None:
        return None
    heard = threading.Event()

    def note(thread: Any, frames: Any) -> Any:
        heard.set()
        return own(thread, frames)

    reader._handle_subscription = note
    return heard


def _in_terminal(state: dict[str, Any]) -> None:
    """Have the terminal application that initialises next carry on with *state*."""
    from importlib import import_module

    from IPython.terminal import ipapp

    application: Any = ipapp.TerminalIPythonApp
    own = application.initialize

    def initialize(app: Any, *words: Any, **options: Any) -> None:
        own(app, *words, **options)
        application.initialize = own
        _started()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        module, _, function = state["resume"].partition(":")
        try:
            getattr(import_module(module), function)(app.shell, state["carried"])
        except BaseException:
            app.shell.showtraceback()

    application.initialize = initialize


def _on_arrival(state: dict[str, Any]) -> None:
    """Have the next kernel application that initialises carry on with *state*."""
    from ipykernel import kernelapp

    application: Any = kernelapp.IPKernelApp
    listening, own = _listening(), application.initialize

    def initialize(app: Any, *words: Any, **options: Any) -> None:
        own(app, *words, **options)
        if getattr(app, "kernel", None) is not None:
            application.initialize = own
            from sessionpkgs.jupyter.restart.resumption import Arrival

            Arrival(app, state, listening).prepare(_started)

    application.initialize = initialize


def _state() -> dict[str, Any]:
    """What the last Python left, from the descriptor that it left open."""
    with os.fdopen(int(os.environ[STATE]), "rb") as source:
        source.seek(0)
        found: dict[str, Any] = json.load(source)
    return found


def _started() -> None:
    """The start is over: from now on Python may be restarted again."""
    os.environ.pop(STATE, None)


def main() -> None:
    """Start the program as it was started."""
    state = _state()
    kind, target = json.loads(os.environ[RUN])
    if sys.path and Path(sys.path[0]) == Path(__file__).parent:
        sys.path[0] = "" if kind == "module" else str(Path(target).parent)
    try:
        (_in_terminal if state.get("terminal") else _on_arrival)(state)
    finally:
        sys.argv[0] = target
        if kind == "module":
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(target, run_name="__main__")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
