"""Closing a socket that others are sending to, without losing a message.

What a peer has sent when its connection is closed is gone. So each connection is closed for sending first, as TCP and
local sockets know it: the peer reads the end, stops, keeps what it has not sent yet, and closes; until then all that it
had sent is received. It does not know what the messages are.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRACE = 1.0
"""Seconds that a peer may take to read the end of its connection."""
_FOLDERS = (Path("/proc/self/fd"), Path("/dev/fd"))

Frames = list[bytes]
Descriptor = tuple[int, int]


def waiting(source: Any) -> list[Frames]:
    """Messages that the socket *source* has received and nobody took."""
    import zmq

    found: list[Frames] = []
    while True:
        try:
            found.append(source.recv_multipart(zmq.NOBLOCK))
        except zmq.ZMQError:
            return found


def closed(stream: Any) -> list[Frames]:
    """What *stream* had not read; it and its socket are closed, so that clients keep what they send from now on."""
    import zmq

    stream.stop_on_recv()
    stream.flush(zmq.POLLOUT)
    late = waiting(stream.socket)
    with contextlib.suppress(
        OSError, StopIteration
    ):  # a system without these folders, a transport without an address: as it was
        late += _ended(stream.socket)
    late += waiting(stream.socket)
    stream.close()
    return late


def peers(app: Any, channel: str) -> int:
    """How many are connected to a *channel* of the kernel application *app*, -1 where that cannot be told."""
    try:
        port = getattr(app, f"{channel}_port")
        mark = "-" if app.transport == "ipc" else ":"
        return len(_descriptors(f"{app.transport}://{app.ip}{mark}{port}")[1])
    except (AttributeError, OSError, StopIteration, ValueError):
        return -1


def _ended(source: Any) -> list[Frames]:
    """What the peers of the socket *source* had sent when they learnt that nothing more is read."""
    import zmq

    endpoint = source.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
    until = time.monotonic() + GRACE
    late: list[Frames] = []
    _let_out(source.context, until)
    while (peers := _descriptors(endpoint)[1]) and time.monotonic() < until:  # one that was fast may be back already
        for number, _ in peers:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as end:
                end.shutdown(socket.SHUT_WR)
        while any(map(_open, peers)) and time.monotonic() < until:
            source.poll(2)
            late += waiting(source)
    return late


def _let_out(context: Any, until: float) -> None:
    """Wait until the thread that sends for *context* has sent everything: it does what it is told in order."""
    import zmq

    with contextlib.suppress(zmq.ZMQError), context.socket(zmq.PULL) as other:
        other.bind("tcp://127.0.0.1:*")
        endpoint = other.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        listeners = _descriptors(endpoint)[0]
        other.unbind(endpoint)
        while any(map(_open, listeners)) and time.monotonic() < until:
            time.sleep(0.0005)


def _open(descriptor: Descriptor) -> bool:
    """Whether a descriptor is still what it was."""
    number, inode = descriptor
    try:
        return os.fstat(number).st_ino == inode
    except OSError:
        return False


def _descriptors(endpoint: str) -> tuple[list[Descriptor], list[Descriptor]]:
    """Who listens at *endpoint* in this process, and the connections that came in there."""
    ours = _at(endpoint)
    listeners, peers = list[Descriptor](), list[Descriptor]()
    for entry in next(folder for folder in _FOLDERS if folder.is_dir()).iterdir():
        number = int(entry.name)
        with contextlib.suppress(OSError):
            told = os.fstat(number)
            if not stat.S_ISSOCK(told.st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as end:
                if not ours(end.getsockname()):
                    continue
                (peers if _connected(end) else listeners).append((number, told.st_ino))
    return listeners, peers


def _at(endpoint: str) -> Callable[[Any], bool]:
    """Tells whether a socket's own name is that of *endpoint*."""
    transport, _, place = endpoint.partition("://")
    if transport == "ipc":
        return lambda name: name in (place, place.encode())
    port = int(place.rpartition(":")[2]) if transport == "tcp" else 0
    return lambda name: isinstance(name, tuple) and name[1] == port


def _connected(end: socket.socket) -> bool:
    """Whether a socket has a peer."""
    try:
        end.getpeername()
    except OSError:
        return False
    return True
