"""Leaving a Python for the next one in the same process: messages are caught, the reply is held, then ``execve``.

Process id, connection file and ports stay, so that no server and no front end learns of it. What the next Python needs
travels in a file without a name. It does not know sessions: what is carried for them is plain values.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sessionpkgs.jupyter.restart.channel import Frames, channel_of, missing
from sessionpkgs.jupyter.restart.launch import Launch, launched

QUIET = 0.15
"""Seconds without a new message after which nobody is still sending a notebook's cells."""
PATIENCE = 3.0
"""Seconds after which a sender that never pauses is left all the same."""
FAREWELL = 10.0
"""Seconds that the user's own exit functions may take."""
BOOT = str(Path(__file__).with_name("arriving.py"))
STATE, RUN = "SESSIONPKGS_RESUME", "SESSIONPKGS_RUN"
_POLL = 0.05


def obstacle(kernel: Any) -> str:
    """Why this Python, with its *kernel* or without one, cannot be left in place; "" where it can. Changes nothing."""
    if sys.platform == "win32":
        return "Windows gives a new process another id"
    return (missing(kernel) if kernel is not None else "") or (
        "" if _how() is not None else "how this Python was started cannot be told"
    )


def _how() -> Launch | None:
    """How this Python was started."""
    return launched(getattr(sys, "orig_argv", ()), boot=BOOT, run=os.environ.get(RUN, ""))


class Leaving:
    """One departure from *kernel*, asked for by the request that it is carrying out.

    *carried* is what the next Python's *resume* (``module:function``) gets, *files* are descriptors that stay open,
    *folder* is where the next Python starts.
    """

    def __init__(
        self, kernel: Any, *, resume: str, carried: Callable[[], Mapping[str, Any]], files: Sequence[int], folder: str
    ) -> None:
        self._kernel, self._channel = kernel, channel_of(kernel)
        self._carried, self._resume, self._files, self._folder = carried, resume, files, folder
        self._parent = kernel.get_parent("shell")
        self._ident = list(kernel._parent_ident["shell"])
        self._streams = {number: _original(stream) for number, stream in ((1, kernel._stdout), (2, kernel._stderr))}
        self._queue: list[Frames] = []
        self._reply: dict[str, Any] = {}
        self._last = self._until = time.monotonic()
        self._send = kernel.session.send

    def begin(self) -> None:
        """Catch what comes and hold the reply; the rest happens when the request is over."""
        self._channel.catch(self._caught)
        self._kernel.session.send = self._hold

    def _caught(self, message: Sequence[Any]) -> None:
        """Keep one message of the shell channel."""
        self._queue.append([bytes(getattr(frame, "bytes", frame)) for frame in message])
        self._last = time.monotonic()

    def _hold(self, stream: Any, kind: Any, content: Any = None, parent: Any = None, *more: Any, **options: Any) -> Any:
        """``Session.send``, which keeps back the asking request's reply and the word that the kernel is idle."""
        asked = self._parent["header"]["msg_id"]
        if isinstance(parent, dict) and parent.get("header", {}).get("msg_id") == asked:
            if kind == "execute_reply":
                self._reply = {"content": content, "metadata": options.get("metadata") or {}}
                self._last, self._until = time.monotonic(), time.monotonic() + PATIENCE
                self._kernel.io_loop.call_later(QUIET, self._settle)
                return {"content": content, "header": {}, "msg_type": kind}
            if kind == "status" and content == {"execution_state": "idle"} and self._reply:
                return {"content": content, "header": {}, "msg_type": kind}
        return self._send(stream, kind, content, parent, *more, **options)

    def _settle(self) -> None:
        """Wait until nobody sends any more, then go."""
        now = time.monotonic()
        if now - self._last < QUIET and now < self._until:
            self._kernel.io_loop.call_later(_POLL, self._settle)
            return
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 - the next Python closes it
            state = self._state()
        except Exception as error:
            self._stay(error)
            return
        self._channel.drain(lambda late: self._go(file, state, late))

    def _stay(self, error: Exception) -> None:
        """Give the channel and the reply back: this Python goes on."""
        sys.__stderr__ and print(f"sessionpkgs: Python was not restarted: {error!r}", file=sys.__stderr__)
        kernel = self._kernel
        vars(kernel.session).pop("send", None)
        stream = getattr(kernel, "shell_stream", None)
        thread = getattr(kernel, "shell_channel_thread", None)
        if thread is not None:
            stream = thread.manager.get_subshell_to_shell_channel_socket(None)
        kernel.session.send(
            stream, "execute_reply", self._reply["content"], self._parent,
            metadata=self._reply["metadata"], ident=self._ident,
        )  # fmt: skip
        kernel._publish_status("idle", "shell", self._parent)
        self._channel.give_back()
        for frames in self._queue:
            _redispatch(kernel, frames)

    def _state(self) -> dict[str, Any]:
        """What the next Python gets, but for the queue."""
        pack, shell = self._kernel.session.pack, self._kernel.shell
        names = ("__session__", "__vsc_ipynb_file__")
        return {
            "parent": _text(pack({key: self._parent[key] for key in ("header", "parent_header", "metadata", "content")})),
            "ident": list(map(_text, self._ident)),
            "reply": _text(pack(self._reply)),
            "count": shell.execution_count,
            "names": {name: str(shell.user_ns[name]) for name in names if name in shell.user_ns},
            "resume": self._resume,
            "carried": dict(self._carried()),
            "left": time.time(),
        }  # fmt: skip

    def _go(self, file: Any, state: dict[str, Any], late: Sequence[Frames]) -> None:
        """Become the next Python; nothing may stop this any more, since nothing can be received."""
        watch = threading.Timer(FAREWELL, self._become, (file, state, late))
        watch.daemon = True
        watch.start()
        self._kernel._signal_children(signal.SIGTERM)
        atexit._run_exitfuncs()
        watch.cancel()
        self._become(file, state, late)

    def _become(self, file: Any, state: dict[str, Any], late: Sequence[Frames]) -> None:
        """Write the state and replace the program."""
        state["queue"] = [list(map(_text, frames)) for frames in (*self._queue, *late)]
        for number, copy in self._streams.items():
            if copy >= 0:
                os.dup2(copy, number)
        become(file, state, self._files, self._folder)


def become(file: Any, state: Mapping[str, Any], files: Sequence[int], folder: str) -> NoReturn:
    """Write *state* to *file* and replace this program by one that begins with it; *files* stay open."""
    how = _how()
    assert how is not None
    file.write(json.dumps(state).encode())
    file.flush()
    for descriptor in (file.fileno(), *files):
        os.set_inheritable(descriptor, True)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Stop during the boot must not end it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        os.chdir(folder)
    except OSError:
        os.chdir("/")
    env = {**_at_start(), STATE: str(file.fileno()), RUN: how.run}
    os.execve(sys.executable, how.through(sys.executable, BOOT), env)


def leave_terminal(*, resume: str, carried: Mapping[str, Any], files: Sequence[int], folder: str) -> NoReturn:
    """Replace a Python that has no kernel; its exit functions run first."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the next Python closes it
    atexit._run_exitfuncs()
    become(file, {"resume": resume, "carried": dict(carried), "terminal": True}, files, folder)


def _redispatch(kernel: Any, frames: Frames) -> None:
    """Run a message that was caught, in this Python after all."""
    import zmq

    message = [zmq.Frame(frame) for frame in frames]
    if hasattr(kernel, "schedule_dispatch"):
        kernel.schedule_dispatch(kernel.dispatch_shell, message)
    else:
        kernel.io_loop.add_callback(kernel.shell_main, None, message)


def _at_start() -> dict[str, str]:
    """The environment that this process was started with: what cells changed since is undone."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return dict(os.environ)
    pairs = (one.partition(b"=") for one in raw.split(b"\0") if one)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}


def _original(stream: Any) -> int:
    """A copy of the descriptor that a captured *stream* had before, -1 where it was not captured."""
    copy = getattr(stream, "_original_stdstream_copy", None)
    return os.dup(copy) if isinstance(copy, int) else -1


def _text(raw: bytes) -> str:
    """Bytes as JSON has them."""
    return base64.b64encode(raw).decode("ascii")
