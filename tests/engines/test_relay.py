"""The proxy before the user's own: what goes on, what ends here, and that nothing follows what was looked at."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

import pytest

from sessionpkgs.engines import relay, relay_heads
from sessionpkgs.engines.fence import Hosts
from sessionpkgs.engines.refusing import ALERT, listening
from sessionpkgs.engines.relay import Relay
from sessionpkgs.errors import IndexUnavailable, clean
from tests.engines.test_wheel_listing import certificate
from tests.proxying import RecordingProxy, Witness, recording
from tests.wheelhouse import Wheelhouse, closed_port

__all__ = ["certificate"]
ALLOWED = Hosts(names=frozenset({"a.example", "::1"}), limit=frozenset({"a.example", "::1"}))


@pytest.fixture
def proxy(wheelhouse: Wheelhouse) -> Iterator[RecordingProxy]:
    wheelhouse.wheel("demo")
    with recording(wheelhouse) as running:
        yield running


@contextmanager
def relaying(url: str, **env: str) -> Iterator[Relay]:
    """A relay before the proxy at *url*."""
    said = {"http_proxy": url, "https_proxy": url, **env}
    with listening("engine", partial(Relay, allows=ALLOWED.allows, env=said)) as running:
        yield running


def place(gate: Relay) -> tuple[str, int]:
    """Where the relay is."""
    address = urlsplit(gate.url)
    return str(address.hostname), int(address.port or 0)


def ask(gate: Relay, *parts: bytes) -> bytes:
    """All that the relay answers to *parts*, sent at once."""
    with socket.create_connection(place(gate), 30.0) as to:
        to.sendall(b"".join(parts))
        got = b""
        try:
            while part := to.recv(1 << 16):
                got += part
        except ConnectionResetError:
            pass
        return got


def test_a_request_for_an_allowed_host_goes_on_and_its_answer_comes_back(proxy: RecordingProxy) -> None:
    with relaying(proxy.url) as gate:
        said = ask(gate, b"GET http://A.example/simple/demo/?x=%20 HTTP/1.1\r\nHost: A.example\r\nAccept: */*\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"demo-1.0-py3-none-any.whl</a>" in said
    assert b"\r\nConnection: close\r\n" in said
    assert proxy.lines == ["GET http://A.example/simple/demo/?x=%20 HTTP/1.1"]
    assert "Accept: */*" in proxy.heads[0]
    assert gate.wanted == gate.failed == {}


@pytest.mark.parametrize(
    ("asked", "host"),
    [
        (b"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example"),
        (b"GET http://a.example@b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "b.example"),
        (b"GET http://a.example.b.example:81/ HTTP/1.1\r\n\r\n", "a.example.b.example:81"),
        (b"HEAD http://evila.example/ HTTP/1.1\r\n\r\n", "evila.example"),
        (b"POST http://127.0.0.1/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "127.0.0.1"),
        (b"GET http://a.example./ HTTP/1.1\r\n\r\n", "a.example."),
        (b"GET http://[::2]:80/ HTTP/1.1\r\n\r\n", "[::2]:80"),
        (b"CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\nhello", "b.example"),
        (b"CONNECT b.example:8443 HTTP/1.1\r\n\r\nhello", "b.example:8443"),
        (b"CONNECT [::2]:443 HTTP/1.1\r\n\r\nhello", "[::2]"),
    ],
)
def test_what_is_for_another_host_ends_here_and_is_named(asked: bytes, host: str, proxy: RecordingProxy) -> None:
    with relaying(proxy.url) as gate:
        said = ask(gate, asked)
    opened = asked.startswith(b"CONNECT")
    assert said.endswith(ALERT) if opened else said.startswith(b"HTTP/1.1 421 ")
    assert list(gate.wanted) == [host]
    assert proxy.lines == []


def test_a_second_request_on_a_connection_goes_nowhere(proxy: RecordingProxy) -> None:
    for length in (b"Content-Length: 2\r\n\r\nhi", b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", b"\r\n"):
        first = b"POST http://a.example/simple/demo/ HTTP/1.1\r\nConnection: keep-alive\r\n" + length
        second = b"GET http://b.example/simple/demo/ HTTP/1.1\r\n\r\n"
        with relaying(proxy.url) as gate:
            assert ask(gate, first, second).count(b"HTTP/1.1 ") == 1
    assert proxy.hosts == ["a.example"] * 3
    assert proxy.bodies == [b"hi", b"hi", b""]


def test_a_proxy_that_keeps_the_connection_gets_no_second_request_and_the_client_is_told_that_it_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        got = bytearray()

        def keep() -> None:
            with server.accept()[0] as one:
                got.extend(one.recv(1 << 16))
                one.sendall(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi")
                while part := one.recv(1 << 16):
                    got.extend(part)

        thread = threading.Thread(target=keep)
        thread.start()
        with (
            relaying(f"http://127.0.0.1:{server.getsockname()[1]}") as gate,
            socket.create_connection(place(gate), 30.0) as to,
        ):
            to.sendall(b"GET http://a.example/ HTTP/1.1\r\n\r\n" + b"GET http://b.example/ HTTP/1.1\r\n\r\n" * 9)
            said = b""
            while not said.endswith(b"hi"):
                said += to.recv(1 << 16)
            to.sendall(b"GET http://b.example/ HTTP/1.1\r\n\r\n")
        thread.join()
    assert b"Connection: close\r\n" in said
    assert b"keep-alive" not in said
    assert got.count(b" HTTP/1.1\r\n") == 1
    assert b"b.example" not in got


@pytest.mark.parametrize(
    "asked",
    [
        b"GET /simple/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET https://a.example/ HTTP/1.1\r\n\r\n",
        b"GET ftp://a.example/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example\\@b.example/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example:80:81/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example#@b.example/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example/ x HTTP/1.1\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\n\r\n",
        b"GET  http://a.example/ HTTP/1.1\r\n\r\n",
        b"GET http://a.example/ HTTP/2.0\r\n\r\n",
        b"CONNECT a.example HTTP/1.1\r\n\r\n",
        b"CONNECT a.example:443/x HTTP/1.1\r\n\r\n",
        b"CONNECT http://a.example:443 HTTP/1.1\r\n\r\n",
        b"CONNECT b.example@a.example:443 HTTP/1.1\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\nHost: a.example\n\n\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nA: b\r\n continued\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nA: b\x00\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\nA: b\rB: c\r\n\r\n",
        b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST http://a.example/ HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
        b"POST http://a.example/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\r\n\r\n",
        b"GET http://a.example/ HTTP/1.1\r\n" + b"A: " + b"b" * relay_heads.MOST + b"\r\n\r\n",
    ],
)
def test_what_could_be_read_in_two_ways_is_no_request(asked: bytes, proxy: RecordingProxy) -> None:
    with relaying(proxy.url) as gate:
        assert ask(gate, asked).startswith(b"HTTP/1.1 400 ") or len(asked) > relay_heads.MOST
    assert proxy.lines == []


def test_what_a_client_says_of_the_connection_stays_here(proxy: RecordingProxy) -> None:
    head = b"GET http://a.example/simple/demo/ HTTP/1.1\r\nHost: b.example\r\nConnection: X-Own, Content-Length\r\nX-Own: 1\r\n"
    head += b"Proxy-Authorization: Basic eDp5\r\nUpgrade: h2c\r\nExpect: 100-continue\r\nProxy-Connection: keep-alive\r\n\r\n"
    with relaying(proxy.url) as gate:
        assert ask(gate, head).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    assert [line for line in proxy.heads[0].splitlines() if line] == ["Host: a.example", "Connection: close"]


@pytest.mark.parametrize("address", ["me:s3cret%40x@127.0.0.1:{port}", "http://me:s3cret%40x@127.0.0.1:{port}/"])
def test_the_login_of_the_proxy_is_sent_to_it_and_to_nobody_else(address: str, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo")
    with recording(wheelhouse, login="me:s3cret@x") as proxy, relaying(address.format(port=proxy.port)) as gate:
        assert b" 200 " in ask(gate, b"GET http://a.example/simple/demo/ HTTP/1.1\r\n\r\n")
        inside = b"GET /simple/demo/ HTTP/1.1\r\nConnection: close\r\n\r\n"
        said = ask(gate, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", inside)
        assert b"demo-1.0-py3-none-any.whl" in said
        assert "s3cret" not in gate.url
        assert proxy.index.logins == []
    assert clean("x s3cret%40x s3cret@x") == "x **** ****"


def test_a_login_that_the_proxy_refuses_is_told_with_the_place_of_the_proxy(wheelhouse: Wheelhouse) -> None:
    with recording(wheelhouse, login="me:other") as proxy, relaying(proxy.url.replace("other", "wrong0")) as gate:
        assert ask(gate, b"GET http://a.example/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 407 ")
        assert ask(gate, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 407 ")
        assert [*gate.failed] == [f"the proxy 127.0.0.1:{proxy.port} refuses the login, or wants one (407)"]


@pytest.mark.parametrize(
    "asked", [b"GET http://a.example/ HTTP/1.1\r\n\r\n", b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"]
)
def test_a_proxy_that_is_not_there_is_named(asked: bytes) -> None:
    port = closed_port()
    with relaying(f"http://127.0.0.1:{port}") as gate:
        assert ask(gate, asked).startswith(b"HTTP/1.1 502 ")
        assert [*gate.failed] == [f"the proxy 127.0.0.1:{port} cannot be reached: Connection refused"]


def test_a_proxy_that_answers_nonsense_is_a_bad_gateway() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def nonsense() -> None:
            for _ in range(2):
                with server.accept()[0] as one:
                    one.recv(1 << 16)
                    one.sendall(b"SSH-2.0-x\r\n\r\n")

        thread = threading.Thread(target=nonsense)
        thread.start()
        with relaying(f"http://127.0.0.1:{server.getsockname()[1]}") as gate:
            for asked in (b"GET http://a.example/ HTTP/1.1\r\n\r\n", b"CONNECT a.example:443 HTTP/1.1\r\n\r\n"):
                assert ask(gate, asked).startswith(b"HTTP/1.1 502 ")
        thread.join()


def test_hosts_that_the_user_excepts_are_reached_without_the_proxy(proxy: RecordingProxy) -> None:
    there = Hosts(names=frozenset({"127.0.0.1"}))
    env = {"http_proxy": f"http://127.0.0.1:{closed_port()}", "no_proxy": "127.0.0.1"}
    with listening("engine", partial(Relay, allows=there.allows, env=env)) as gate:
        said = ask(gate, f"GET http://{proxy.index.host}/simple/demo/ HTTP/1.1\r\nHost: b.example\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.0 200 ")
        assert proxy.index.requests == ["/simple/demo/"]
        inside = b"GET /simple/demo/ HTTP/1.1\r\n\r\n"
        said = ask(gate, f"CONNECT {proxy.index.host} HTTP/1.1\r\n\r\n".encode(), inside)
        assert b"demo-1.0-py3-none-any.whl" in said
    assert proxy.lines == []


def test_an_excepted_host_that_is_not_allowed_is_refused_all_the_same(proxy: RecordingProxy) -> None:
    with Witness() as witness, relaying(proxy.url, no_proxy="*") as gate:
        assert ask(gate, f"GET http://{witness.host}/ HTTP/1.1\r\n\r\n".encode()).startswith(b"HTTP/1.1 421 ")
        assert ask(gate, f"CONNECT {witness.host} HTTP/1.1\r\n\r\nhello".encode()).endswith(ALERT)
        assert list(gate.wanted) == [witness.host]
        assert not witness.came()


def test_a_proxy_with_a_certificate_is_spoken_to_in_tls(certificate: tuple[str, str], wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo")
    with recording(wheelhouse, tls=certificate) as proxy:
        with relaying(proxy.url, SSL_CERT_FILE=certificate[0]) as gate:
            assert b" 200 OK" in ask(gate, b"GET http://a.example/simple/demo/ HTTP/1.1\r\n\r\n")
            inside = b"GET /simple/demo/ HTTP/1.1\r\n\r\n"
            assert b"demo-1.0" in ask(gate, b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", inside)
        with relaying(proxy.url) as gate:
            assert ask(gate, b"GET http://a.example/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 502 ")
            assert "cannot be reached: " in next(iter(gate.failed))
        assert proxy.hosts == ["a.example", "a.example:443"]


def test_much_goes_through_a_tunnel_in_both_directions(certificate: tuple[str, str], wheelhouse: Wheelhouse) -> None:
    much = os.urandom(1 << 20)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            with server.accept()[0] as one:
                got = 0
                while got < len(much):
                    part = one.recv(1 << 16)
                    got += len(part)
                    one.sendall(part)

        thread = threading.Thread(target=echo)
        thread.start()
        with recording(wheelhouse, tls=certificate) as proxy:
            proxy.behind = server.getsockname()
            with (
                relaying(proxy.url, SSL_CERT_FILE=certificate[0]) as gate,
                socket.create_connection(place(gate), 30.0) as to,
            ):
                to.sendall(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
                lines = to.makefile("rb")
                assert lines.readline() == b"HTTP/1.1 200 OK\r\n"
                assert lines.readline() == b"\r\n"
                for at in range(0, len(much), 1 << 16):
                    to.sendall(much[at : at + (1 << 16)])
                    assert lines.read(min(1 << 16, len(much) - at)) == much[at : at + (1 << 16)]
        thread.join()


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1080", "socks4a://x", "http://[x", "http://"])
def test_a_proxy_of_another_kind_is_refused_by_a_sentence(url: str) -> None:
    with pytest.raises(IndexUnavailable, match="it is neither http nor https"), relaying(url):
        raise AssertionError


def test_nothing_of_a_relay_is_left_behind_whatever_still_waits(proxy: RecordingProxy) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        relaying(f"http://127.0.0.1:{silent.getsockname()[1]}") as gate,
    ):
        waiting = [socket.create_connection(place(gate)) for _ in range(3)]
        waiting[0].sendall(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
        waiting[1].sendall(b"GET http://a.example/ HTTP/1.1\r\n\r\n")
        waiting[2].sendall(b"GET http://a.ex")
        there = [silent.accept()[0] for _ in range(2)]
    for one in (*waiting, *there):
        one.close()
    assert [one.name for one in threading.enumerate() if one.name == relay.THREAD] == []
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert proxy.lines == []
