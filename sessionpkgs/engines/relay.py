"""A proxy on this machine that stands before the user's own: requests for allowed hosts go on to it, others end here.

A connection serves one request, so that nothing follows the one that was looked at. The login of the user's proxy is
added here and nowhere else. It cannot look into a tunnel: what an allowed host does there is its own.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from typing import Any

from sessionpkgs.engines import proxies, refusing, relay_heads
from sessionpkgs.engines.proxies import Proxy
from sessionpkgs.engines.refusing import ALERT, REFUSAL, TUNNEL
from sessionpkgs.engines.relay_heads import Request
from sessionpkgs.formats.wording import show

PATIENCE = 20.0
"""Seconds for a connection to be made."""
GRACE = 1.0
"""Seconds for all connections to end; one that is still being made ends by itself."""
SILENCE = 120.0
"""Seconds that both ends may be silent; engines themselves wait less."""
THREAD = "sessionpkgs relay"
_CHUNK = 1 << 16
_FINE = 2
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_BUNDLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Relay:
    """Takes requests at a port of this machine, of which those that *allows* (told a URL) go through the proxies of *env*.

    Raises :class:`IndexUnavailable` for a proxy of a kind that it does not speak to.
    """

    def __init__(
        self,
        server: socket.socket,
        woken: socket.socket,
        waiting: selectors.BaseSelector,
        *,
        allows: Callable[[str], bool],
        env: Mapping[str, str],
    ) -> None:
        self.wanted: dict[str, None] = {}
        self.failed: dict[str, str] = {}
        self.url = refusing.url_of(server)
        self._server, self._woken, self._waiting = server, woken, waiting
        self._allows, self._env, self._said = allows, env, proxies.configured(env)
        self._proxies = {url: proxies.read(url) for name, url in self._said.items() if name != "no_proxy"}
        self._lock, self._open, self._over = threading.Lock(), set[socket.socket](), False
        self._threads: list[threading.Thread] = []

    def serve(self) -> None:
        """Take requests until we are woken, then end them all."""
        while self._woken not in [key.fileobj for key, _ in self._waiting.select()]:
            with suppress(OSError):  # who went away wants nothing
                client = self._server.accept()[0]
                thread = threading.Thread(target=self._attend, args=(client,), daemon=True, name=THREAD)
                thread.start()
                self._threads = [*(one for one in self._threads if one.is_alive()), thread]
        with self._lock:
            self._over = True
            for one in self._open:
                with suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)  # wakes who waits for it, in TLS too
        until = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    @contextmanager
    def _held(self, one: socket.socket) -> Iterator[socket.socket]:
        """*one*, which ends with us and in any case with the block. Raises OSError where we have ended."""
        with one:
            with self._lock:
                if self._over:
                    raise OSError("over")
                self._open.add(one)
            with suppress(OSError):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                yield one
            finally:
                with self._lock:
                    self._open.discard(one)

    def _attend(self, client: socket.socket) -> None:
        """Serve the one request of *client*."""
        with suppress(OSError, ValueError), self._held(client):
            client.settimeout(SILENCE)
            try:
                head = relay_heads.read(source := _lines(client))
                asked = relay_heads.request(head) if head else None
            except ValueError:
                client.sendall(_closing(HTTPStatus.BAD_REQUEST))
                return
            if asked is None:
                return
            if not self._allows(f"http://{asked.place}/"):
                self._refuse(client, asked)
            elif asked.method == "CONNECT":
                self._tunnel(client, asked)
            else:
                self._pass(client, asked, source)

    def _refuse(self, client: socket.socket, asked: Request) -> None:
        """Note the host and refuse; a tunnel is opened and refused inside."""
        refusing.note(self.wanted, asked.line)
        if asked.method != "CONNECT":
            client.sendall(REFUSAL)
            return
        client.sendall(TUNNEL)
        if client.recv(_CHUNK):
            client.sendall(ALERT)

    def _tunnel(self, client: socket.socket, asked: Request) -> None:
        """Pass bytes both ways until one end closes."""
        proxy = self._proxy("https", asked)
        with self._onward(client, asked, proxy) as server:
            if proxy is not None:
                server.sendall(relay_heads.connect(asked, proxy.login))
                status, _ = self._answer(server, client, proxy)
                if status // 100 != _FINE:
                    client.sendall(_closing(status))
                    return
            client.sendall(TUNNEL)
            _pump(server, client, back=True)

    def _pass(self, client: socket.socket, asked: Request, source: Any) -> None:
        """Pass one request and its answer."""
        proxy = self._proxy("http", asked)
        with self._onward(client, asked, proxy) as server:
            server.sendall(asked.onward(proxy.login if proxy else "", whole=proxy is not None))
            if asked.waits:
                client.sendall(_GO_ON)
            for part in _body(source, asked.length):
                server.sendall(part)
            status = 100
            while status < HTTPStatus.OK:
                status, said = self._answer(server, client, proxy)
                client.sendall(said)
            _pump(server, client, back=False)

    def _proxy(self, scheme: str, asked: Request) -> Proxy | None:
        """The user's proxy for *asked*; None where the user has none for it."""
        url = proxies.url_for(scheme, asked.host.strip("[]"), self._said)
        return self._proxies[url] if url else None

    @contextmanager
    def _onward(self, client: socket.socket, asked: Request, proxy: Proxy | None) -> Iterator[socket.socket]:
        """A connection to *proxy*, or to where *asked* goes; where there is none, *client* is told and OSError raised."""
        host, port = (proxy.host, proxy.port) if proxy else (asked.host.strip("[]"), asked.port)
        with ExitStack() as stack:
            try:
                server = stack.enter_context(self._held(socket.create_connection((host, port), PATIENCE)))
                if proxy is not None and proxy.scheme == "https":
                    server = stack.enter_context(self._held(self._in_tls(server, host)))
                server.settimeout(SILENCE)
            except OSError as error:
                what = f"the proxy {show(proxy.place)}" if proxy else show(asked.place)
                self._fail(f"{what} cannot be reached: {error.strerror or error}", "Check the network and the proxy.")
                client.sendall(_closing(HTTPStatus.BAD_GATEWAY))
                raise
            yield server

    def _in_tls(self, server: socket.socket, host: str) -> socket.socket:
        """*server* encrypted, its certificate checked against the user's bundle, else the system's."""
        bundle = next((self._env[name] for name in _BUNDLES if self._env.get(name)), None)
        return ssl.create_default_context(cafile=bundle).wrap_socket(server, server_hostname=host)

    def _answer(self, server: socket.socket, client: socket.socket, proxy: Proxy | None) -> tuple[int, bytes]:
        """Status and head of an answer; where *server* gives none, *client* is told and an error raised."""
        try:
            status, said = relay_heads.answer(relay_heads.read(_lines(server)))
        except (OSError, ValueError):
            client.sendall(_closing(HTTPStatus.BAD_GATEWAY))
            raise
        if proxy is not None and status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            self._fail(
                f"the proxy {show(proxy.place)} refuses the login, or wants one (407)",
                "Write it into the URL of the proxy: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT.",
            )
        return status, said

    def _fail(self, sentence: str, hint: str) -> None:
        """Keep what went wrong."""
        if len(self.failed) < refusing.MOST:
            self.failed[sentence] = hint


def _closing(status: int) -> bytes:
    """An answer with *status* and nothing else, after which the connection ends."""
    return f"HTTP/1.1 {status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


def _lines(one: socket.socket) -> Any:
    """What reads lines of *one* and nothing behind them."""
    return one.makefile("rb", buffering=0)


def _body(source: Any, length: int | None) -> Iterator[bytes]:
    """The body of a request, *length* bytes or chunks, and nothing behind it. Raises ValueError where it ends early."""
    if length is not None:
        yield from _exactly(source, length)
        return
    size = -1
    while size:
        line = source.readline(_CHUNK)
        size = int(line.partition(b";")[0].strip() or b"?", 16)
        if size < 0 or not line.endswith(b"\r\n"):
            raise ValueError("not a chunk")
        yield b"%x\r\n" % size
        yield from _exactly(source, size)
        end = source.readline(_CHUNK)
        if end != b"\r\n":  # trailers are nobody's here
            raise ValueError("not the end of a chunk")
        yield end


def _exactly(source: Any, left: int) -> Iterator[bytes]:
    """The next *left* bytes of *source*."""
    while left:
        part = source.read(min(left, _CHUNK))
        if not part:
            raise ValueError("ended early")
        left -= len(part)
        yield part


def _pump(server: socket.socket, client: socket.socket, *, back: bool) -> None:
    """Pass bytes of *server* on to *client*, and *back* too, until one of them closes or both are silent too long."""
    with selectors.DefaultSelector() as waiting:
        for one in (server, client):
            waiting.register(one, selectors.EVENT_READ)
        ready = [server]  # TLS may hold the rest of a record whose head was read
        while ready:
            for one in ready:
                if not _move(one, client if one is server else server, drop=one is client and not back):
                    return
            ready = [key.fileobj for key, _ in waiting.select(SILENCE)]  # type: ignore[misc]


def _move(one: socket.socket, other: socket.socket, *, drop: bool) -> bool:
    """Pass on what has come from *one*, or *drop* it; whether more may come."""
    one.setblocking(False)
    try:
        part = one.recv(_CHUNK)  # more than a record of TLS has, so that none of one stays behind
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return True
    finally:
        one.settimeout(SILENCE)
    if part and not drop:
        other.sendall(part)
    return bool(part)
