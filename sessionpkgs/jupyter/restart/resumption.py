"""A kernel that carries on where the last Python in its process stopped: the reply, the queue, then what came meanwhile.

It does not know sessions: the state names the function that does the session's part.
"""

from __future__ import annotations

import asyncio
import base64
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from sessionpkgs.jupyter.restart.closing import peers

SUBSCRIBED = 5.0
"""Seconds to wait for the first front end that listens again."""
OTHERS = 0.5
"""Seconds more for the others that listened before."""
HEARD, UNHEARD, UNKNOWN = 0.05, 0.15, 0.6
"""Seconds from the last one's connection until it gets what is published: where the kernel hears of the first one, where
it does not (ipykernel 6), and where nobody can tell who is connected."""
REACHED = 5.0
"""Seconds to wait for the one that asked to be connected again; after that it is gone."""
_POLL = 0.02


class Arrival:
    """The kernel of *app*, and what the Python before it left: *state*; *listening* is set when someone subscribes."""

    def __init__(self, app: Any, state: dict[str, Any], listening: threading.Event | None) -> None:
        self._app, self._kernel, self._shell = app, app.kernel, app.shell
        self._state, self._listening = state, listening
        self._held: list[Any] = []
        self._released = False
        self._seven: Any = getattr(app.kernel, "shell_channel_thread", None)
        self._parent = {**app.session.unpack(_raw(state["parent"])), "buffers": []}
        self._ident = list(map(_raw, state["ident"]))
        self._reply = app.session.unpack(_raw(state["reply"]))

    def prepare(self, started: Callable[[], None]) -> None:
        """Count on where the last Python stopped, and hold what arrives until its cells have run.

        *started* is called when the kernel has started.
        """
        shell, kernel = self._shell, self._kernel
        shell.execution_count = self._state["count"]
        for name in ("input_hist_parsed", "input_hist_raw"):
            known = getattr(shell.history_manager, name, None)
            if isinstance(known, list):
                known.extend([""] * (self._state["count"] - len(known)))
        shell.user_ns.update(self._state["names"])
        own = type(kernel).dispatch_shell.__get__(kernel)

        async def hold(message: Sequence[Any], *words: Any, **options: Any) -> None:
            elsewhere = options.get("subshell_id") or any(words)
            if self._released or elsewhere:
                await own(message, *words, **options)
            else:
                self._held.append(message)

        kernel.dispatch_shell = hold  # before the start: ipykernel 6 binds it there
        start = kernel.start

        def start_and_resume() -> None:
            have_shells = self._shells_first() if self._state["subshells"] else None
            start()
            vars(kernel).pop("start", None)
            if have_shells is not None:
                self._seven.io_loop.add_callback(have_shells)
            started()
            kernel.io_loop.add_callback(self._resume)

        kernel.start = start_and_resume

    def _shells_first(self) -> Callable[[], None]:
        """Have no message read before the shells are there that front ends know by name; gives what makes them."""
        kernel, names = self._kernel, self._state["subshells"]
        own = type(kernel).shell_channel_thread_main.__get__(kernel)

        def make() -> None:
            from ipykernel import subshell_manager

            vars(kernel).pop("shell_channel_thread_main", None)
            module: Any = subshell_manager
            uuid, manager = module.uuid, kernel.shell_channel_thread.manager
            try:
                for name in set(names) - set(manager.list_subshell()):
                    module.uuid = SimpleNamespace(uuid4=lambda name=name: name)
                    manager._create_subshell()
            finally:
                module.uuid = uuid

        async def receive(message: Sequence[Any]) -> None:
            make()
            await own(message)

        kernel.shell_channel_thread_main = receive
        return make

    async def _resume(self) -> None:
        """Send the reply that the last Python owes, then run its queue."""
        failed = False
        try:
            await self._listeners()
            if self._parent["header"]:
                self._set_parent()
            self._carry_on()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            if self._reply:
                await self._answer()
                self._kernel._publish_status("idle", "shell", self._parent)
                content = self._parent["content"]
                stops = content.get("stop_on_error", True) and not content.get("silent", False)
                failed = self._reply["content"].get("status") == "error" and stops
        finally:
            await self._replay(aborting=failed)

    def _set_parent(self) -> None:
        """Have what is shown belong to the cell that asked."""
        try:
            self._kernel.set_parent(self._ident, self._parent, channel="shell")
        except TypeError:
            self._kernel.set_parent(self._ident, self._parent)
        self._shell.set_parent(self._parent)

    async def _listeners(self) -> None:
        """Wait until the front ends that listened before hear what is published."""
        before = self._state["listeners"]
        settle = UNKNOWN if before < 0 else UNHEARD if self._listening is None else HEARD
        until = time.monotonic() + SUBSCRIBED
        since = 0.0
        while before and (now := time.monotonic()) < until:
            back = peers(self._app, "iopub")
            heard = self._listening is None or self._listening.is_set()
            if heard and back >= before:
                since = since or now
                if now - since >= settle:
                    return
            elif heard and back > 0:
                until = min(until, now + OTHERS)
            await asyncio.sleep(_POLL)

    def _carry_on(self) -> None:
        """Have the session's own part done; an error becomes the reply."""
        module, _, function = self._state["resume"].partition(":")
        try:
            from importlib import import_module

            getattr(import_module(module), function)(self._shell, self._state["carried"])
        except BaseException as error:
            self._shell.showtraceback()
            if self._reply:
                self._reply["content"] = {
                    "status": "error", "ename": type(error).__name__, "evalue": str(error),
                    "traceback": list(self._shell._last_traceback or ()),
                    "execution_count": self._reply["content"].get("execution_count"),
                    "user_expressions": {}, "payload": [],
                }  # fmt: skip

    async def _answer(self) -> None:
        """Send the reply as soon as the one that asked is connected again: a socket drops what it can send to nobody."""
        until = time.monotonic() + REACHED
        while not await self._reading(self._try_to_answer) and time.monotonic() < until:
            await asyncio.sleep(_POLL)

    def _try_to_answer(self) -> bool:
        """Send the reply, unless who asked is not connected."""
        import zmq

        kernel, content = self._kernel, self._reply["content"]
        stream = kernel.shell_stream
        stream.socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        try:
            kernel.session.send(
                stream.socket, "execute_reply", content, self._parent,
                metadata=self._reply["metadata"], ident=self._ident,
            )  # fmt: skip
        except zmq.ZMQError:
            return False
        finally:
            stream.socket.setsockopt(zmq.ROUTER_MANDATORY, 0)
            stream.flush(limit=1)  # what arrived while the socket was used past its stream is not told again
        return True

    async def _reading(self, work: Callable[[], bool]) -> bool:
        """What *work* gives in the thread that owns the shell's socket."""
        if self._seven is None:
            return work()
        from concurrent.futures import Future

        done: Future[bool] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)

        self._seven.io_loop.add_callback(run)
        return await asyncio.wrap_future(done)

    async def _replay(self, *, aborting: bool) -> None:
        """Run what waited, in order, then what came meanwhile; each looks up anew who runs it, since one may leave again."""
        kernel = self._kernel
        import zmq

        frames = [list(map(_raw, message)) for message in self._state["queue"]]
        queue = [list(map(zmq.Frame, one)) for one in frames if one != [b"stop aborting"]]
        kernel._aborting = aborting
        if self._seven is None:
            self._release()
            for message in (*queue, *self._held):
                kernel.schedule_dispatch(_looking_up(kernel), message)
            kernel.schedule_dispatch(_stop_aborting(kernel))
            return
        async with kernel._main_asyncio_lock:
            self._release()
            for message in queue:
                await self._dispatch(message)
            kernel._aborting = False
            while self._held:
                await self._dispatch(self._held.pop(0))

    async def _dispatch(self, message: Sequence[Any]) -> None:
        """Run one message; what is for another shell goes there."""
        kernel = self._kernel
        try:
            if self._state["subshells"] and _shell_of(kernel.session, message) is not None:
                self._seven.io_loop.add_callback(kernel.shell_channel_thread_main, message)
            else:
                await kernel.dispatch_shell(message)
        except Exception:
            kernel.log.exception("a message that waited for the restart failed")

    def _release(self) -> None:
        """Dispatch what arrives from now on."""
        self._released = True
        vars(self._kernel).pop("dispatch_shell", None)


def _shell_of(session: Any, message: Sequence[Any]) -> str | None:
    """The shell that *message* is for, None for the main one."""
    try:
        _, frames = session.feed_identities(message, copy=False)
        header = session.deserialize(frames, content=False, copy=False)["header"]
    except (KeyError, TypeError, ValueError):
        return None
    found: str | None = header.get("subshell_id")
    return found


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
