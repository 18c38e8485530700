"""Who reads a kernel's shell channel, and how its reading is stopped: ipykernel 6 in one thread, ipykernel 7 in two.

Most of what is used here is private to ipykernel, so :func:`missing` looks at all of it before anything is changed. It
does not know why the kernel is left, nor what happens to the messages.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sessionpkgs.jupyter.restart.closing import Frames, closed, waiting

_BOTH = (
    "dispatch_shell", "session", "io_loop", "shell_stream", "iopub_socket", "get_parent", "_parent_ident", "set_parent",
    "_publish_status", "_signal_children", "_process_children", "_send_abort_reply", "_topic", "start", "shell",
)  # fmt: skip
_SIX = ("msg_queue", "schedule_dispatch")
_SEVEN = ("_main_asyncio_lock", "shell_channel_thread_main")
_SHELLS = ("list_subshell", "get_subshell_asyncio_lock", "get_subshell_to_shell_channel_socket")
_STREAM = ("stop_on_recv", "on_recv", "flush", "close", "socket")

Catch = Callable[[Sequence[Any]], None]


class Channel(Protocol):
    """The shell channel of a kernel that is being left."""

    def running(self) -> bool:
        """Whether a request of the main shell is being carried out now."""

    def busy(self) -> bool:
        """Whether a request of another shell of the kernel is."""

    def subshells(self) -> list[str]:
        """Names of the kernel's other shells."""

    def catch(self, caught: Catch) -> None:
        """Give every message that arrives from now on to *caught*, and dispatch none."""

    def give_back(self) -> None:
        """Dispatch again."""

    def drain(self, then: Callable[[list[Frames]], None]) -> None:
        """Stop reading, close the socket, and call *then* in the main thread with what was still in the pipes."""


def missing(kernel: Any) -> str:
    """What of a kernel's inside is not as known here, "" where all of it is."""
    if kernel is None:
        return "there is no kernel"
    lacking = [name for name in _BOTH if not hasattr(kernel, name)]
    lacking += [name for name in ("send", "pack", "unpack") if not hasattr(getattr(kernel, "session", None), name)]
    lacking += [name for name in _STREAM if not hasattr(getattr(kernel, "shell_stream", None), name)]
    thread = getattr(kernel, "shell_channel_thread", None)
    if thread is None:
        lacking += [name for name in _SIX if not hasattr(kernel, name)]
    else:
        lacking += [name for name in _SEVEN if not hasattr(kernel, name)]
        shells = getattr(thread, "manager", None)
        lacking += [name for name in _SHELLS if not hasattr(shells, name)]
        pair = getattr(shells, "_shell_channel_to_main", None)
        lacking += [name for name in ("to_socket", "to_stream") if not hasattr(pair, name)]
        lacking += [] if hasattr(thread, "io_loop") else ["shell_channel_thread.io_loop"]
    return f"this kernel has no {lacking[0]}" if lacking else ""


def channel_of(kernel: Any) -> Channel:
    """The shell channel of *kernel*."""
    return _Seven(kernel) if getattr(kernel, "shell_channel_thread", None) is not None else _Six(kernel)


class _Six:
    """One loop reads the socket, queues, and dispatches; what is dispatched was bound when the kernel started."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def running(self) -> bool:
        """The kernel takes interrupts while it carries a request out, and ignores them else."""
        return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN

    def busy(self) -> bool:
        """There are no other shells."""
        return False

    def subshells(self) -> list[str]:
        """There are none."""
        return []

    def catch(self, caught: Catch) -> None:
        """Take messages from the stream, those queued already, and what is replayed."""
        kernel = self._kernel

        async def dispatch(message: Sequence[Any]) -> None:
            caught(message)

        while not kernel.msg_queue.empty():
            if words := kernel.msg_queue.get_nowait()[-1]:  # none: the end of a refusal, which ends with this Python
                caught(words[0])
        kernel.dispatch_shell = dispatch
        kernel.shell_stream.on_recv(caught, copy=False)

    def give_back(self) -> None:
        """Bind what the kernel's start had bound."""
        from functools import partial

        kernel = self._kernel
        vars(kernel).pop("dispatch_shell", None)
        kernel.shell_stream.on_recv(partial(kernel.schedule_dispatch, kernel.dispatch_shell), copy=False)

    def drain(self, then: Callable[[list[Frames]], None]) -> None:
        """All in one thread."""
        then(closed(self._kernel.shell_stream))


class _Seven:
    """A thread reads the socket and passes messages on through a pair of sockets; each is looked up when it is run."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        self._thread = kernel.shell_channel_thread

    def running(self) -> bool:
        """A lock lets one request in at a time."""
        return bool(self._kernel._main_asyncio_lock.locked())

    def busy(self) -> bool:
        """Each shell has a lock of its own."""
        manager = self._thread.manager
        return any(manager.get_subshell_asyncio_lock(name).locked() for name in manager.list_subshell())

    def subshells(self) -> list[str]:
        """Front ends go on using these names, and learn of no restart."""
        return list(self._thread.manager.list_subshell())

    def catch(self, caught: Catch) -> None:
        """Take what comes, whichever shell it is for."""

        async def dispatch(message: Sequence[Any], *_words: Any, **_options: Any) -> None:
            caught(message)

        self._kernel.dispatch_shell = dispatch

    def give_back(self) -> None:
        """Look up the class's own again."""
        vars(self._kernel).pop("dispatch_shell", None)

    def drain(self, then: Callable[[list[Frames]], None]) -> None:
        """Close in the thread that reads; a turn of each loop lets what was read before reach its place in the queue."""
        pair = self._thread.manager._shell_channel_to_main
        main, reading = self._kernel.io_loop, self._thread.io_loop

        def close() -> None:
            late = closed(self._kernel.shell_stream)
            main.add_callback(main.add_callback, finish, late)

        def finish(late: list[Frames]) -> None:
            if pair.to_stream is not None:
                pair.to_stream.stop_on_recv()
            main.add_callback(lambda: then([*waiting(pair.to_socket), *late]))

        def stop() -> None:
            self._kernel.shell_stream.stop_on_recv()
            reading.add_callback(reading.add_callback, close)

        reading.add_callback(stop)
