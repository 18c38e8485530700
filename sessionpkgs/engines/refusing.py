"""A proxy on this machine that refuses everything and remembers what was wanted, and how such a proxy is held open.

It reads a request no further than its first line, and it knows no host that may be reached.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from sessionpkgs.errors import EngineMissing

THREAD = "sessionpkgs fence"
# 403 is what uv takes on some indexes for "not here": it would go on to the next one. This no engine passes over.
REFUSAL = b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# A tunnel is opened and refused inside (TLS: fatal alert, access denied): uv asks thrice for one that is not opened.
TUNNEL, ALERT = b"HTTP/1.1 200 OK\r\n\r\n", bytes((21, 3, 3, 0, 2, 2, 49))
MOST, HEAD = 99, 1 << 16
_END = b"\r\n\r\n"


class Gate(Protocol):
    """A proxy at ``url``; ``wanted`` are the hosts that it refused, each once, in order, ``failed`` what went wrong."""

    url: str
    wanted: dict[str, None]
    failed: dict[str, str]

    def serve(self) -> None:
        """Answer until the proxy is woken, and close all that it opened."""


G = TypeVar("G", bound=Gate)


class Refusing:
    """Answers all that comes to a port of this machine with a refusal."""

    def __init__(self, server: socket.socket, woken: socket.socket, waiting: selectors.BaseSelector) -> None:
        self.wanted: dict[str, None] = {}
        self.failed: dict[str, str] = {}
        self.url = url_of(server)
        self._server, self._woken, self._waiting = server, woken, waiting
        self._heads: dict[socket.socket, bytearray] = {}

    def serve(self) -> None:
        """Answer until we are woken."""
        while self._woken not in (ready := [key.fileobj for key, _ in self._waiting.select()]):
            for one in ready:
                if one is self._server:
                    self._welcome()
                elif isinstance(one, socket.socket) and not self._hear(one):
                    self._waiting.unregister(one)
                    one.close()
        for key in [*self._waiting.get_map().values()]:
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()

    def _welcome(self) -> None:
        """Let somebody in."""
        with suppress(OSError):  # who went away wants nothing
            client = self._server.accept()[0]
            client.setblocking(False)
            self._waiting.register(client, selectors.EVENT_READ)
            self._heads[client] = bytearray()

    def _hear(self, client: socket.socket) -> bool:
        """Take what *client* sent; whether more is to come."""
        with suppress(OSError):
            chunk = client.recv(HEAD)
            head = self._heads[client]
            if head.endswith(_END):  # what comes in the tunnel
                client.send(ALERT)
                return False
            head += chunk
            return self._answer(client, head) if _END in head else bool(chunk) and len(head) < HEAD
        return False

    def _answer(self, client: socket.socket, head: bytearray) -> bool:
        """Note and refuse the request *head* of *client*; whether a tunnel was opened that is refused later."""
        note(self.wanted, head.partition(b"\r\n")[0].decode("latin-1"))
        tunnel = head.startswith(b"CONNECT ") and head.endswith(_END)
        client.send(TUNNEL if tunnel else REFUSAL)
        return tunnel


def note(wanted: dict[str, None], line: str) -> None:
    """Keep in *wanted* the host that the request *line* is for: ``CONNECT host:port`` or ``GET http://host/…``."""
    _, _, target = line.partition(" ")
    target = target.partition(" ")[0]
    host = place_of(target if "://" in target else f"//{target}").removesuffix(":443")
    if host and len(wanted) < MOST:
        wanted[host] = None


def place_of(url: str) -> str:
    """Host and port that *url* names, without a login; empty where it names none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def url_of(server: socket.socket) -> str:
    """Where *server* listens, as a proxy's URL."""
    host, port = server.getsockname()
    return f"http://{host}:{port}"


@contextmanager
def listening(
    program: str, made: Callable[[socket.socket, socket.socket, selectors.BaseSelector], G], thread: str = THREAD
) -> Iterator[G]:
    """What is *made* of a port of this machine, serving for the length of the block. Raises :class:`EngineMissing`."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
            wake, woken = (stack.enter_context(one) for one in socket.socketpair())
            waiting = stack.enter_context(selectors.DefaultSelector())
        except OSError as error:
            raise EngineMissing(
                f"{program} cannot be started behind a fence: {error.strerror}",
                hint="SESSIONPKGS_HOSTS=* leaves the fence out.",
                item=program,
            ) from None
        for one in (server, woken):
            one.setblocking(False)
            waiting.register(one, selectors.EVENT_READ)
        gate = made(server, woken, waiting)
        serving = threading.Thread(target=gate.serve, daemon=True, name=thread)
        serving.start()
        try:
            yield gate
        finally:
            wake.send(b".")
            serving.join()
