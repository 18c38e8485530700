"""Which hosts count as declared, and a fence around programs that ask for others."""

from __future__ import annotations

import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from sessionpkgs import process
from sessionpkgs.engines import fence, refusing, uv_config, wheel_listing
from sessionpkgs.engines.fence import Hosts, allowed, fenced
from sessionpkgs.engines.wheel_sizes import sizes
from sessionpkgs.errors import DeadlineError, EngineMissing, IndexForbidden, IndexUnavailable
from sessionpkgs.model import Pin
from sessionpkgs.process import Completed
from sessionpkgs.settings import Sources
from tests.engines.test_wheel_listing import redirect, serve
from tests.wheelhouse import Index, Wheelhouse

ALONE = Sources(implied=False)


@pytest.mark.parametrize(
    ("sources", "places", "names"),
    [
        ({"indexes": ("https://me:s3cret@A.example:8443/simple",)}, [], {"a.example"}),
        ({"indexes": ("https://a.example/simple",), "no_index": True}, [], set()),
        ({"find_links": ("https://a.example/wheels", "/a/folder", "file:///a/folder")}, [], {"a.example"}),
        ({"trusted_hosts": ("a.example:8443", "10.0.0.1", "[::1]:80")}, [], {"a.example", "10.0.0.1", "::1"}),
        ({"hosts": ("a.example", "*.b.example", "https://c.example:8443/")}, [], {"a.example", "b.example", "c.example"}),
        ({}, ["demo @ https://a.example/demo.whl ; python_version > '3'"], {"a.example"}),
        ({}, ["demo @ git+ssh://git@a.example/demo.git@main#egg=demo", "git+https://b.example/x"], {"a.example", "b.example"}),
        ({}, ["demo>=1", "file:///a/folder", "./wheels/demo-1.0-py3-none-any.whl"], set()),
        ({"indexes": ("https://bücher.example/simple",)}, [], {"xn--bcher-kva.example"}),
        ({"indexes": ("https://org.pkgs.visualstudio.com/simple",)}, [], {"org.pkgs.visualstudio.com", "blob.core.windows.net", "vsblob.vsassets.io"}),
        ({}, ["x @ https://github.com/o/r/archive/main.zip"], {"github.com", *fence.COMPANIONS["github.com"]}),
    ],
)  # fmt: skip
def test_what_is_declared_names_the_hosts(sources: Mapping[str, tuple[str, ...]], places: list[str], names: set[str]):
    assert allowed(Sources(**{"implied": False, **sources}), places).names == names  # type: ignore[arg-type]


def test_the_public_index_brings_the_host_of_its_files() -> None:
    page = urlsplit(uv_config.default_index()).hostname
    assert page is not None
    assert allowed(Sources()).names == {page, *uv_config.default_files()[page]}
    assert allowed(Sources(indexes=(uv_config.default_index(),), implied=False)).names == allowed(Sources()).names
    assert page not in allowed(Sources(no_index=True)).names


def test_an_index_that_lists_the_files_of_the_public_one_may_send_there() -> None:
    names = allowed(Sources(indexes=("https://download.pytorch.org/whl/cpu",), implied=False)).names
    page = urlsplit(uv_config.default_index()).hostname
    assert page is not None
    assert names == {"download.pytorch.org", "download-r2.pytorch.org", *uv_config.default_files()[page]}


def test_where_pip_does_not_tell_what_its_index_is_called_there_is_no_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip._internal.models.index", None)
    assert allowed(Sources()).everywhere
    assert not allowed(ALONE).everywhere


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://a.example/x", True),
        ("https://A.EXAMPLE:8443/x", True),
        ("https://files.a.example/x", True),
        ("git+https://a.example/x", True),
        ("file:///x.whl", True),
        ("https://evila.example/x", False),
        ("https://a.example.evil/x", False),
        ("https://a.example@evil/x", False),
        ("https://evil/a.example", False),
        ("https://[evil/x", False),
    ],
)
def test_a_host_and_what_is_below_it_may_be_reached_and_nothing_else(url: str, fine: bool) -> None:
    assert allowed(Sources(indexes=("https://a.example",), implied=False)).allows(url) is fine
    assert allowed(Sources(hosts=("*",))).allows(url)


def test_a_pin_that_lies_elsewhere_is_refused_with_both_hosts_and_the_setting_to_make() -> None:
    hosts = allowed(Sources(indexes=("https://a.example/simple",), implied=False, hosts=("c.example",)))
    hosts.check(
        [Pin(name="x", version="1", url="https://a.example/x.whl"), Pin(name="y", version="1", url="file:///y")]
    )
    with pytest.raises(IndexForbidden) as refused:
        hosts.check([Pin(name="x", version="1", url="https://me:s3cret@b.example:8443/x.whl")])
    error = refused.value
    assert error.sentence == "a.example sends us to b.example:8443, and nobody declared that host"
    assert "SESSIONPKGS_HOSTS=c.example,b.example)" in error.hint


@pytest.mark.parametrize(
    ("said", "lead"),
    [
        ("error: Failed to fetch: https://b.example/simple/demo/", "b.example sends us"),
        ("error: Failed to fetch: https://z.example/x.whl", "a.example, b.example sends us"),
        ("error: Failed to build `demo==1.0`", "the code that a build runs turns"),
    ],
)
def test_who_sent_us_is_read_from_what_the_engine_says(said: str, lead: str) -> None:
    hosts = allowed(Sources(indexes=("https://a.example/s", "https://b.example/s"), implied=False))
    assert hosts.refusal(["z.example"], said).sentence.startswith(f"{lead} to z.example")


def test_a_host_with_an_endless_name_makes_a_short_sentence() -> None:
    hosts = allowed(Sources(indexes=(f"https://{'a' * 900}/s",), implied=False))
    assert len(hosts.refusal([f"{'z.' * 900}\x1b[2J"]).sentence) <= 200


class Program:
    """A runner whose program sends *requests* to the proxy that it is told of, and ends with *code*."""

    def __init__(self, *requests: bytes, code: int = 1, late: bool = False) -> None:
        self.requests, self.code, self.late = requests, code, late
        self.env: Mapping[str, str] = {}
        self.answers: list[bytes] = []

    def __call__(
        self, argv: object, *, env: Mapping[str, str], cwd: str, deadline: float, tick: Callable[[], None] = print
    ) -> Completed:
        self.env = env
        address = urlsplit(env.get("HTTP_PROXY", "http://127.0.0.1:9"))
        for request in self.requests:
            with suppress(OSError), socket.create_connection((address.hostname, address.port or 0)) as to:
                for at in range(0, len(request), 7):  # as the network may cut it
                    to.sendall(request[at : at + 7])
                self.answers.append(to.recv(4096) if request.endswith(b"\r\n\r\n") else b"")
                if b" 200 " in self.answers[-1]:
                    to.sendall(b"hello")
                    self.answers[-1] = to.recv(4096)
        if self.late:
            raise DeadlineError("too late")
        return Completed(self.code, "", "", 0.0)


def run(program: Program, **env: str) -> Completed:
    hosts = allowed(Sources(indexes=("https://a.example/simple",), implied=False))
    return fenced(program, hosts)(["engine"], env=env, cwd="/", deadline=9.0)


@pytest.mark.parametrize(
    ("request_", "host"),
    [
        (b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", "b.example"),
        (b"CONNECT b.example:8443 HTTP/1.1\r\n\r\n", "b.example:8443"),
        (b"CONNECT [::1]:443 HTTP/1.0\r\n\r\n", "[::1]"),
        (b"GET http://me:s3cret@b.example/simple/ HTTP/1.1\r\n\r\n", "b.example"),
        (b"HEAD http://b.example:81/simple/ HTTP/1.1\r\nx: y\r\n\r\n", "b.example:81"),
    ],
)
def test_what_goes_to_the_fence_is_refused_and_its_host_is_named(request_: bytes, host: str) -> None:
    program = Program(request_, request_)
    with pytest.raises(IndexForbidden, match=r"a\.example sends us to") as refused:
        run(program)
    assert f" to {host}, and" in refused.value.sentence
    alert = bytes([21, 3, 3, 0, 2, 2, 49])
    refusals = [alert if request_.startswith(b"CONNECT") else b"HTTP/1.1 421 Misdirected Request"] * 2
    assert [answer.partition(b"\r\n")[0] for answer in program.answers] == refusals


def test_a_program_that_succeeds_all_the_same_is_believed() -> None:
    assert run(Program(b"CONNECT b.example:443 HTTP/1.1\r\n\r\n", code=0)).code == 0


def test_a_program_that_fails_and_was_refused_nothing_tells_its_own_reason() -> None:
    assert run(Program(code=1)).code == 1


@pytest.mark.parametrize(
    "sent",
    [b"\r\n\r\n", b"GET", b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n" * 9, b"GET http://[x/ HTTP/1.1\r\n\r\n", b"x" * (1 << 17)],
)  # fmt: skip
def test_what_is_no_request_names_no_host_and_stops_nothing(sent: bytes) -> None:
    program = Program(sent, b"CONNECT b.example:443 HTTP/1.1\r\n\r\n")
    with pytest.raises(IndexForbidden, match=r"to b\.example, and"):
        run(program)


def test_a_program_that_was_refused_and_then_too_late_is_told_as_refused() -> None:
    with pytest.raises(IndexForbidden):
        run(Program(b"CONNECT b.example:443 HTTP/1.1\r\n\r\n", late=True))
    with pytest.raises(DeadlineError):
        run(Program(late=True))


def test_programs_are_told_to_go_to_the_declared_hosts_directly() -> None:
    program = Program()
    run(program, PATH="/bin")
    assert program.env["PATH"] == "/bin"
    assert program.env["no_proxy"] == program.env["NO_PROXY"] == "A.EXAMPLE"
    assert {program.env[name.upper()] for name in ("http_proxy", "https_proxy", "all_proxy")} == {
        program.env["http_proxy"]
    }


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_users_own_stays_the_only_one(name: str) -> None:
    program = Program()
    run(program, **{name: "http://proxy.example:3128", "no_proxy": "b.example"})
    assert program.env == {name: "http://proxy.example:3128", "no_proxy": "b.example"}


def test_what_a_user_excepts_from_a_proxy_that_is_not_there_is_not_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "b.example,*")
    program = Program()
    run(program, NO_PROXY="b.example,*")
    assert program.env["no_proxy"] == "A.EXAMPLE"
    run(program, NO_PROXY="b.example,*,127.8.8.8", no_proxy="b.example,*,127.8.8.8")
    assert program.env["no_proxy"] == program.env["NO_PROXY"] == "A.EXAMPLE,127.8.8.8"


def test_where_every_host_is_allowed_there_is_no_fence() -> None:
    program = Program()
    assert fenced(program, allowed(Sources(hosts=("*",)))) is program


def test_nothing_of_a_fence_is_left_behind() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    for late in (False, True):
        with pytest.raises(IndexForbidden):
            run(Program(b"CONNECT b.example:443 HTTP/1.1\r\n\r\n", late=late))
    assert [one.name for one in threading.enumerate() if one.name == refusing.THREAD] == []
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_without_a_file_descriptor_left_the_refusal_is_a_sentence() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = socket.socket()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken.fileno() + 1, hard))
        with pytest.raises(EngineMissing, match="behind a fence: Too many open files"):
            run(Program())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        taken.close()


@pytest.fixture
def index(wheelhouse: Wheelhouse):
    """An index with `demo`."""
    wheelhouse.wheel("demo")
    with wheelhouse.index() as running:
        yield running


@pytest.mark.parametrize("hosts", [None, Hosts(names=frozenset({"a.example"}))])
def test_our_own_requests_follow_a_redirect_to_declared_hosts_alone(
    hosts: Hosts | None, index: Index, wheelhouse
) -> None:
    there = index.url_of(wheelhouse.wheel("demo")).replace("127.0.0.1", "localhost")
    serve(index)
    index.faults["/moved"] = redirect(there)
    url = f"http://{index.host}/moved"
    with pytest.raises(IndexUnavailable, match=rf"sends us to localhost:{index.port}, and nobody declared that host"):
        wheel_listing.modules(url, deadline=60.0, env={}, hosts=hosts)
    assert sizes([url], deadline=60.0, env={}, hosts=hosts) == {}
    assert set(index.requests) == {"/moved"}
    more = Hosts(names=frozenset({"127.0.0.1", "localhost"}))
    assert wheel_listing.modules(url, deadline=60.0, env={}, hosts=more) == {"demo"}
    assert [*sizes([url], deadline=60.0, env={}, hosts=more)] == [url]


@pytest.mark.parametrize(
    ("names", "host", "kind"),
    [
        ({"127.0.0.1"}, "127.0.0.1", None),
        ({"localhost"}, "localhost", None),
        ({"127.0.0.1"}, "localhost", IndexForbidden),
        ({"localhost"}, "127.0.0.1", IndexForbidden),
        ({"127.0.0.1"}, "127.0.0.2", IndexForbidden),
        ({"localhost"}, "sub.localhost", IndexUnavailable),
        ({"localhost"}, "evillocalhost", IndexForbidden),
        (set(), "127.0.0.1", IndexForbidden),
    ],
)
def test_both_engines_go_where_they_are_allowed_to_and_nowhere_else(
    names: set[str], host: str, kind: type[Exception] | None, index: Index, room, request_for, engine
) -> None:
    there = index.url.replace("127.0.0.1", host)
    sources = Sources(indexes=(there,), implied=False, trusted_hosts=(host,))
    place = room(runner=fenced(process.run, Hosts(names=frozenset(names), declared=("declared",))))
    if kind is None:
        assert [pin.name for pin in engine.resolve(request_for("demo", sources=sources), place).pins] == ["demo"]
        return
    with pytest.raises(kind):
        engine.resolve(request_for("demo", sources=sources), place)
    assert index.requests == []
