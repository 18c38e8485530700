"""Runs first in the Python that took another one's place: starts the kernel as it was started, then carries on.

The front end's request is still open: its reply is sent from here, the cells that waited run here, and what is sent
meanwhile runs after them. It works alone, with the standard library, until the kernel is up; it does not know sessions.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import runpy
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STATE, RUN = "SESSIONPKGS_RESUME", "SESSIONPKGS_RUN"
SUBSCRIBED = 5.0
"""Seconds to wait for the first front end that listens again."""
OTHERS = 0.25
"""Seconds more for further front ends."""
UNKNOWN = 0.6
"""Seconds to wait where the kernel cannot know who listens (ipykernel 6)."""


class Arrival:
    """The kernel of *app*, and what the Python before it left: *state*."""

    def __init__(self, app: Any, state: dict[str, Any], listening: threading.Event | None) -> None:
        self._kernel, self._shell, self._state, self._listening = app.kernel, app.shell, state, listening
        self._held: list[Any] = []
        self._released = False
        self._seven = getattr(app.kernel, "shell_channel_thread", None) is not None
        self._parent = {**app.session.unpack(_raw(state["parent"])), "buffers": []}
        self._ident = list(map(_raw, state["ident"]))
        self._reply = app.session.unpack(_raw(state["reply"]))

    def prepare(self) -> None:
        """Count on where the last Python stopped, and hold what arrives until its cells have run."""
        shell, kernel = self._shell, self._kernel
        shell.execution_count = self._state["count"]
        for name in ("input_hist_parsed", "input_hist_raw"):
            known = getattr(shell.history_manager, name, None)
            if isinstance(known, list):
                known.extend([""] * (self._state["count"] - len(known)))
        shell.user_ns.update(self._state["names"])
        own = type(kernel).dispatch_shell.__get__(kernel)

        async def hold(message: Sequence[Any], *words: Any, **options: Any) -> None:
            if self._released:
                await own(message, *words, **options)
            else:
                self._held.append(message)

        kernel.dispatch_shell = hold  # before the start: ipykernel 6 binds it there
        start = kernel.start

        def start_and_resume() -> None:
            start()
            vars(kernel).pop("start", None)
            kernel.io_loop.add_callback(self._resume)

        kernel.start = start_and_resume

    async def _resume(self) -> None:
        """Send the reply that the last Python owes, then run its queue."""
        await self._listeners()
        kernel = self._kernel
        try:
            kernel.set_parent(self._ident, self._parent, channel="shell")
        except TypeError:
            kernel.set_parent(self._ident, self._parent)
        self._shell.set_parent(self._parent)
        self._carry_on()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        content = self._reply["content"]
        kernel.session.send(
            self._stream(), "execute_reply", content, self._parent, metadata=self._reply["metadata"], ident=self._ident
        )
        kernel._publish_status("idle", "shell", self._parent)
        stops = self._parent["content"].get("stop_on_error", True) and not self._parent["content"].get("silent", False)
        await self._replay(aborting=content.get("status") == "error" and stops)

    async def _listeners(self) -> None:
        """Wait until a front end hears what is published."""
        if self._listening is None:
            await asyncio.sleep(UNKNOWN)
            return
        await asyncio.get_running_loop().run_in_executor(None, self._listening.wait, SUBSCRIBED)
        await asyncio.sleep(OTHERS)

    def _carry_on(self) -> None:
        """Have the session's own part done; an error becomes the reply."""
        module, _, function = self._state["resume"].partition(":")
        try:
            from importlib import import_module

            getattr(import_module(module), function)(self._shell, self._state["carried"])
        except BaseException as error:
            self._shell.showtraceback()
            self._reply["content"] = {
                "status": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": [],
                "execution_count": self._reply["content"].get("execution_count"), "user_expressions": {}, "payload": [],
            }  # fmt: skip

    def _stream(self) -> Any:
        """Where replies go."""
        if self._seven:
            return self._kernel.shell_channel_thread.manager.get_subshell_to_shell_channel_socket(None)
        return self._kernel.shell_stream

    async def _replay(self, *, aborting: bool) -> None:
        """Run what waited, in order, then what came meanwhile; each looks up anew who runs it, since one may leave again."""
        kernel = self._kernel
        import zmq

        frames = [list(map(_raw, message)) for message in self._state["queue"]]
        queue = [list(map(zmq.Frame, one)) for one in frames if one != [b"stop aborting"]]
        kernel._aborting = aborting
        if not self._seven:
            self._release()
            for message in (*queue, *self._held):
                kernel.schedule_dispatch(_looking_up(kernel), message)
            kernel.schedule_dispatch(_stop_aborting(kernel))
            return
        async with kernel._main_asyncio_lock:
            self._release()
            for message in queue:
                await kernel.dispatch_shell(message)
            kernel._aborting = False
            while self._held:
                await kernel.dispatch_shell(self._held.pop(0))

    def _release(self) -> None:
        """Dispatch what arrives from now on."""
        self._released = True
        vars(self._kernel).pop("dispatch_shell", None)


def _looking_up(kernel: Any) -> Any:
    """Dispatches a message by whoever dispatches then."""

    async def dispatch(message: Sequence[Any]) -> None:
        await kernel.dispatch_shell(message)

    return dispatch


def _stop_aborting(kernel: Any) -> Any:
    """Ends the refusal of cells that waited behind an error."""

    async def stop() -> None:
        kernel._aborting = False

    return stop


def _raw(text: str) -> bytes:
    """Bytes that the state has as text."""
    return base64.b64decode(text)


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
            Arrival(app, state, listening).prepare()

    application.initialize = initialize


def _state() -> dict[str, Any]:
    """What the last Python left, from the descriptor that it left open."""
    with os.fdopen(int(os.environ.pop(STATE)), "rb") as source:
        source.seek(0)
        found: dict[str, Any] = json.load(source)
    return found


def main() -> None:
    """Start the kernel as it was started."""
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
