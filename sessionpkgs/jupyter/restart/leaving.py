"""Leaving a kernel's Python for the next one: messages are caught, the reply is held, children and the user's exit
functions end, then the program is replaced.

Process id, connection file and ports stay, so that no server and no front end learns of it. It does not know sessions:
what is carried for them is plain values.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sessionpkgs.jupyter.restart import becoming
from sessionpkgs.jupyter.restart.channel import channel_of, missing
from sessionpkgs.jupyter.restart.closing import Frames, peers

QUIET = 0.05
"""Seconds without a new message after which nobody is in the middle of one."""
PATIENCE = 3.0
"""Seconds after which a sender that never pauses is left all the same."""
FAREWELL = 10.0
"""Seconds that the user's own exit functions may take."""
CHILDREN = 1.0
"""Seconds that children may take to end before they are killed."""
_POLL = 0.02
_IDLE = {"execution_state": "idle"}

Carried = Callable[[], Mapping[str, Any]]
Files = Callable[[], Sequence[int]]


def obstacle(kernel: Any) -> str:
    """Why this Python, with its *kernel* or without one, cannot be left in place; "" where it can. Changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        return "only a cell can ask for it, no thread and no subshell"
    return becoming.obstacle() or (_no_terminal() if kernel is None else missing(kernel) or _embedded())


def _no_terminal() -> str:
    """A shell without a kernel is left only where it is the program."""
    terminal: Any = getattr(sys.modules.get("IPython.terminal.ipapp"), "TerminalIPythonApp", None)
    return "" if terminal is not None and terminal.initialized() else "this shell is a part of another program"


def _embedded() -> str:
    """A kernel is left only where the program was started as one, for this connection."""
    from ipykernel.connect import get_connection_file

    name, how = Path(get_connection_file()).name, becoming.how()
    known = how is not None and any(word.endswith(name) for word in how.rest)
    return "" if known else "this kernel was not started with a connection file"


class Leaving:
    """One departure from *kernel*, asked for by the request that it is carrying out.

    *carried* gives what the next Python's *resume* (``module:function``) gets, *files* the descriptors that stay open,
    *folder* is where the next Python starts.
    """

    def __init__(self, kernel: Any, *, resume: str, carried: Carried, files: Files, folder: str) -> None:
        self._kernel, self._channel = kernel, channel_of(kernel)
        self.carried, self._resume, self._files, self._folder = carried, resume, files, folder
        self._parent = kernel.get_parent("shell")
        self._ident = list(kernel._parent_ident["shell"])
        self._streams = {number: _original(stream) for number, stream in ((1, kernel._stdout), (2, kernel._stderr))}
        self._queue: list[Frames] = []
        self._owed = False
        self._reply: dict[str, Any] = {}
        self._last = self._until = time.monotonic()
        self._send = kernel.session.send
        self._gone = threading.Lock()

    def begin(self) -> None:
        """Catch what comes and hold the reply; the rest happens when the request is over."""
        self._owed = self._channel.running()
        self._channel.catch(self._caught)
        self._kernel.session.send = self._hold
        if not self._owed:  # something that a cell left behind asked for it
            self._over()

    def _caught(self, message: Sequence[Any]) -> None:
        """Keep one message of the shell channel."""
        self._queue.append([bytes(getattr(frame, "bytes", frame)) for frame in message])
        self._last = time.monotonic()

    def _hold(self, stream: Any, kind: Any, content: Any = None, parent: Any = None, *more: Any, **options: Any) -> Any:
        """``Session.send``, which keeps back the running request's reply and the word that the kernel is idle."""
        if self._owed and threading.current_thread() is threading.main_thread():
            if kind == "execute_reply":
                self._reply = {"content": content, "metadata": options.get("metadata") or {}}
                self._parent, self._ident = parent, list(options.get("ident") or self._ident)
                return {"content": content, "header": {}, "msg_type": kind}
            if kind == "status" and content == _IDLE:
                self._owed = False
                self._over()
                if self._reply:
                    return {"content": content, "header": {}, "msg_type": kind}
        return self._send(stream, kind, content, parent, *more, **options)

    def _over(self) -> None:
        """The request is over."""
        self._last = time.monotonic()
        self._until = self._last + PATIENCE
        self._kernel.io_loop.call_later(QUIET, self._settle)

    def _settle(self) -> None:
        """Wait until nobody sends any more, then go."""
        now = time.monotonic()
        if now < self._until and (now - self._last < QUIET or self._channel.busy()):
            self._kernel.io_loop.call_later(_POLL, self._settle)
            return
        try:
            file, state = becoming.state_file(), self._state()
        except (OSError, TypeError, ValueError, AttributeError, LookupError, RuntimeError) as error:
            self._stay(error)
            return
        self._channel.drain(lambda late: self._go(file, state, late))

    def _stay(self, error: Exception) -> None:
        """Give the channel and the reply back: this Python goes on."""
        kernel = self._kernel
        vars(kernel.session).pop("send", None)
        for copy in self._streams.values():
            if copy >= 0:
                os.close(copy)
        stream = getattr(kernel, "shell_stream", None)
        thread = getattr(kernel, "shell_channel_thread", None)
        if thread is not None:
            stream = thread.manager.get_subshell_to_shell_channel_socket(None)
        self._channel.give_back()
        if self._reply:
            told = _told(error)
            kernel.session.send(kernel.iopub_socket, "error", told, self._parent, ident=kernel._topic("error"))
            count = self._reply["content"].get("execution_count")
            content = {"status": "error", **told, "execution_count": count, "user_expressions": {}, "payload": []}
            kernel.session.send(stream, "execute_reply", content, self._parent, ident=self._ident)
            kernel._publish_status("idle", "shell", self._parent)
        for frames in self._queue:
            if not (self._reply and _aborted(kernel, stream, frames)):  # cells that wait were meant for the next Python
                _redispatch(kernel, frames)

    def _state(self) -> dict[str, Any]:
        """What the next Python gets, but for the queue."""
        pack, shell = self._kernel.session.pack, self._kernel.shell
        names = ("__session__", "__vsc_ipynb_file__")
        return {
            "parent": _text(pack({key: self._parent.get(key, {}) for key in ("header", "parent_header", "metadata", "content")})),
            "ident": list(map(_text, self._ident)),
            "reply": _text(pack(self._reply)),
            "count": shell.execution_count,
            "names": {name: str(shell.user_ns[name]) for name in names if name in shell.user_ns},
            "subshells": self._channel.subshells(),
            "listeners": peers(getattr(self._kernel, "parent", None), "iopub"),
            "resume": self._resume,
            "carried": dict(self.carried()),
        }  # fmt: skip

    def _go(self, file: Any, state: dict[str, Any], late: Sequence[Frames]) -> None:
        """Become the next Python; nothing may stop this any more, since nothing can be received."""
        watch = threading.Timer(FAREWELL, self._become, (file, state, late))
        watch.daemon = True
        watch.start()
        try:
            started = time.monotonic()
            if _folder_gone():
                becoming.enter(self._folder)
            self._kernel._signal_children(signal.SIGTERM)
            atexit._run_exitfuncs()
            self._end_children(started + CHILDREN)
        finally:  # whatever went wrong, this Python cannot stay: nobody hears it any more
            if sys.exc_info()[0] is not None:
                _tell(traceback.format_exc())
            self._become(file, state, late)

    def _end_children(self, until: float) -> None:
        """Wait for the children to end, and kill those that do not."""
        for end, last in ((until, signal.SIGKILL), (until + CHILDREN, None)):
            while alive := _reaped(self._kernel):
                if time.monotonic() > end:
                    break
                time.sleep(0.01)
            if alive and last is not None:
                self._kernel._signal_children(last)

    def _become(self, file: Any, state: dict[str, Any], late: Sequence[Frames]) -> NoReturn:
        """Write the state and replace the program; where that fails too the process ends, as a mute one helps nobody."""
        with self._gone:  # once: by the main thread, or by the one that did not wait any longer
            try:
                state["queue"] = [list(map(_text, frames)) for frames in (*self._queue, *late)]
                for number, copy in self._streams.items():
                    if copy >= 0:
                        os.dup2(copy, number)
                becoming.become(file, state, self._files(), self._folder)
            finally:  # a program that was replaced does not get here
                os.write(2, traceback.format_exc().encode(errors="replace"))
                os._exit(1)


def under_way(kernel: Any) -> Leaving | None:
    """The departure from *kernel* that has begun already."""
    owner = getattr(getattr(getattr(kernel, "session", None), "send", None), "__self__", None)
    return owner if isinstance(owner, Leaving) else None


def leave_terminal(*, resume: str, carried: Mapping[str, Any], files: Sequence[int], folder: str) -> NoReturn:
    """Replace a Python that has no kernel; its exit functions run first."""
    file = becoming.state_file()
    atexit._run_exitfuncs()
    becoming.become(file, {"resume": resume, "carried": dict(carried), "terminal": True}, files, folder)


def _told(error: Exception) -> dict[str, Any]:
    """The error of a cell whose restart failed, as messages have it."""
    said = f"Python was not restarted: {error!r}"
    hint = "Restart the kernel, then run this cell again."
    return {"ename": "ActivationError", "evalue": said, "traceback": [f"ActivationError: {said}", hint]}


def _aborted(kernel: Any, stream: Any, frames: Frames) -> bool:
    """Whether the message is a cell, which then is answered as the cells behind an error are."""
    import zmq

    if frames == [b"stop aborting"]:
        return False
    idents, message = kernel.session.feed_identities([zmq.Frame(frame) for frame in frames], copy=False)
    message = kernel.session.deserialize(message, content=True, copy=False)
    if message["header"]["msg_type"] != "execute_request":
        return False
    kernel._publish_status("busy", "shell", message)
    kernel._send_abort_reply(stream, message, idents)
    kernel._publish_status("idle", "shell", message)
    return True


def _redispatch(kernel: Any, frames: Frames) -> None:
    """Run a message that was caught, in this Python after all."""
    import zmq

    message = [zmq.Frame(frame) for frame in frames]
    if hasattr(kernel, "schedule_dispatch"):
        kernel.schedule_dispatch(kernel.dispatch_shell, message)
    elif frames != [b"stop aborting"]:
        thread = kernel.shell_channel_thread
        thread.io_loop.add_callback(kernel.shell_channel_thread_main, message)


def _reaped(kernel: Any) -> list[Any]:
    """Children that still run, after those that ended were taken notice of."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return []
    return list(kernel._process_children())


def _folder_gone() -> bool:
    """Whether the working directory was removed: exit functions are in need of one."""
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _original(stream: Any) -> int:
    """A copy of the descriptor that a captured *stream* had before, -1 where it was not captured."""
    copy = getattr(stream, "_original_stdstream_copy", None)
    return os.dup(copy) if isinstance(copy, int) else -1


def _tell(text: str) -> None:
    """Say what went wrong where the program's own messages go."""
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode(errors="replace"))


def _text(raw: bytes) -> str:
    """Bytes as JSON has them."""
    return base64.b64encode(raw).decode("ascii")
