"""A proxy that writes down whom it is asked for and serves everybody's requests from one index, and a place nobody visits."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.wheelhouse import Index, Wheelhouse

Fault = Callable[["Handler"], bool]


class RecordingProxy:
    """A proxy. ``hosts`` are those that it was asked for, in order, ``lines`` the requests, ``heads`` all that they said.

    ``faults`` maps the beginning of a URL to what answers it; everything else is a page or a file of ``index``, whatever
    the host. Tunnels lead to ``behind``. With ``login`` nobody gets through without it.
    """

    def __init__(self, index: Index, *, login: str = "", tls: tuple[str, str] | None = None) -> None:
        self.index, self.login = index, login
        self.hosts: list[str] = []
        self.lines: list[str] = []
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.faults: dict[str, Fault] = {}
        self.behind: tuple[str, int] = ("127.0.0.1", index.port)
        self.server = _Server(("127.0.0.1", 0), type("Handler", (Handler,), {"proxy": self}))
        self.port: int = self.server.server_address[1]
        if tls:
            told = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            told.load_cert_chain(*tls)
            self.server.socket = told.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        user = f"{login}@" if login else ""
        self.url = f"{'https' if tls else 'http'}://{user}127.0.0.1:{self.port}"


class Handler(BaseHTTPRequestHandler):
    """Answers for its proxy, and keeps the connection for the next request, as proxies do."""

    proxy: RecordingProxy
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Note, then answer for whatever host is asked."""
        if not self._noted(urlsplit(self.path).netloc):
            return
        self.proxy.bodies.append(self._body())
        for prefix, fault in self.proxy.faults.items():
            if self.path.startswith(prefix) and fault(self):
                return
        self.answer(*self.proxy.index.page(urlsplit(self.path).path))

    do_HEAD = do_POST = do_GET  # noqa: N815 - names that http.server looks for

    def do_CONNECT(self) -> None:
        """Note, then open a tunnel."""
        if not self._noted(self.path):
            return
        self.close_connection = True
        try:
            other = socket.create_connection(self.proxy.behind)
        except OSError:
            self.send_error(502)
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
        back = threading.Thread(target=_copy, args=(other, self.connection))
        back.start()
        _copy(self.connection, other)
        back.join()
        other.close()

    def _noted(self, host: str) -> bool:
        """Note the request; whether it has the login."""
        self.proxy.hosts.append(host)
        self.proxy.lines.append(self.requestline)
        self.proxy.heads.append(str(self.headers))
        wanted = f"Basic {base64.b64encode(self.proxy.login.encode()).decode()}"
        if self.proxy.login and self.headers.get("Proxy-Authorization") != wanted:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="proxy"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        return True

    def _body(self) -> bytes:
        """The body of the request."""
        if self.headers.get("Transfer-Encoding", "") == "chunked":
            found = b""
            while size := int(self.rfile.readline(), 16):
                found += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return found
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, body: bytes, kind: str = "") -> None:
        """Send one whole response."""
        files = urlsplit(self.path).path.startswith("/files/")
        self.send_response(status)
        self.send_header("Content-Type", kind or ("application/octet-stream" if files else "text/html"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """Answers in threads, and does not tell of clients that went away."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


def _copy(one: socket.socket, other: socket.socket) -> None:
    """Pass on all that comes from *one*."""
    with suppress(OSError):
        while part := one.recv(1 << 16):
            other.sendall(part)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@contextmanager
def recording(wheelhouse: Wheelhouse, **how: object) -> Iterator[RecordingProxy]:
    """A proxy over an index of *wheelhouse*, for the length of the block."""
    with wheelhouse.index() as index:
        proxy = RecordingProxy(index, **how)  # type: ignore[arg-type]
        thread = threading.Thread(target=proxy.server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.server.shutdown()
            thread.join()
            proxy.server.server_close()


class Witness:
    """For the length of a block a server at 127.0.0.2 that answers nobody and knows whether somebody came: the system keeps who wants to come in."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.2", 0))
        self.server.setblocking(False)
        self.host = f"127.0.0.2:{self.server.getsockname()[1]}"

    def __enter__(self) -> Witness:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.server.close()

    def came(self) -> bool:
        """Whether somebody came since the last time."""
        try:
            self.server.accept()[0].close()
        except BlockingIOError:
            return False
        return True
