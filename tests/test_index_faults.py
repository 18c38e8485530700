"""An index that fails in every way a network and a server know: one sentence, nothing changed, and the next request works.

Sessions, engines and requests are real; the index is a thread of the test. What engines print is in `engines/test_words.py`.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

from sessionpkgs import Session, process
from sessionpkgs.engines import ENGINES
from sessionpkgs.errors import (
    DeadlineError,
    IndexForbidden,
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    SessionPkgsError,
    SourceForbidden,
)
from tests.sessions import names
from tests.wheelhouse import Index, Wheelhouse, closed_port

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("untouched")]

Answer = Callable[[BaseHTTPRequestHandler], bool]
Fault = int | Answer
GARBAGE = bytes(range(256)) * 4
LINKS = 300_000


def index_of(handler: BaseHTTPRequestHandler) -> Index:
    found: Index = handler.index  # type: ignore[attr-defined]
    return found


def replying(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    def reply(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body if handler.command != "HEAD" else b"")
        return True

    return reply


def page(body: bytes, kind: str = "text/html") -> Fault:
    return replying(200, body, {"Content-Type": kind})


def hanging(handler: BaseHTTPRequestHandler) -> bool:
    return index_of(handler).hang(handler)


def trickling(handler: BaseHTTPRequestHandler) -> bool:
    """The true answer, a byte at a time."""
    index = index_of(handler)
    status, body = index.page(handler.path)
    handler.send_response(status)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    for at in range(len(body) if handler.command != "HEAD" else 0):
        if index.closing.wait(1):
            break
        handler.wfile.write(body[at : at + 1])
    return True


def resetting(handler: BaseHTTPRequestHandler) -> bool:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    return True


def looping(handler: BaseHTTPRequestHandler) -> bool:
    replying(302, headers={"Location": handler.path})(handler)
    return True


def failing_twice() -> Fault:
    asked = count()
    return lambda handler: next(asked) < 2 and replying(503)(handler)


@pytest.fixture
def opened(home: Path, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """Gives sessions of one store with an environment of their own, which a test may change."""
    made: list[Session] = []

    def make(**more: str) -> Session:
        made.append(Session(identity=f"s{len(made)}", env={**os.environ, **more}, folder=str(tmp_path)))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(params=sorted(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    """The name of every engine in turn."""
    return str(request.param)


def variables(one: Session) -> dict[str, str]:
    """The environment of a session of :func:`opened`."""
    assert isinstance(one.env, dict)
    return one.env


def text(url: str, *asked: str) -> str:
    return "\n".join((f"--index-url {url}", *asked)) + "\n"


def refusal(one: Session, declared: str, engine: str) -> SessionPkgsError:
    """The error for *declared*; asserts what holds after each refusal."""
    before = (one.status()["layer"], dict(one.overlay.active), list(sys.path))
    with pytest.raises(SessionPkgsError) as refused:
        one.declare(declared, engine=engine)
    error = refused.value
    assert len(error.sentence) <= 300
    assert "Traceback" not in "\n".join(error._render_traceback_())
    assert str(one.store.root) not in error.sentence
    assert (one.status()["layer"], dict(one.overlay.active), list(sys.path)) == before
    assert list(Path(one.store.path("stage")).iterdir()) == []
    assert psutil.Process().children(recursive=True) == []
    return error


LATE = "{engine} did not finish within 3 s and was stopped (asked: {host})"
FAULTS = [
    pytest.param("/simple/bad", hanging, DeadlineError, LATE, id="2 a page that never comes"),
    pytest.param("/simple/bad", trickling, DeadlineError, LATE, id="3 a page a byte a second"),
    pytest.param("/files/bad", trickling, DeadlineError, LATE, id="4 a wheel a byte a second"),
    pytest.param("/simple/bad", 500, IndexUnavailable, "{host} answered with an error (500)", id="5 error"),
    pytest.param("/files/bad", 500, IndexUnavailable, "{host} answered with an error (500)", id="5 error for a file"),
    pytest.param("/simple/bad", 401, IndexUnavailable, "{host} refused the login (401)", id="7 login"),
    pytest.param("/files/bad", 401, IndexUnavailable, "{host} refused the login (401)", id="7 login for a file"),
    pytest.param("/simple/bad", 403, IndexUnavailable, "{host} refused access (403)", id="8 access"),
    pytest.param("/files/bad", 403, IndexUnavailable, "{host} refused access (403)", id="8 access to a file"),
    pytest.param("/simple/bad", 404, NotFoundError, "distribution called bad", id="9 no such name"),
    pytest.param("/files/bad", 404, IndexUnavailable, "{host} does not have bad-1.0-py3-none-any.whl", id="9 a listed file is gone"),
    pytest.param("/simple/bad", resetting, IndexUnavailable, "{host} cannot be reached: it closed the connection", id="12 reset"),
    pytest.param("/files/bad", resetting, IndexUnavailable, "{host} cannot be reached: it closed the connection", id="12 reset in a file"),
    pytest.param("/simple/bad", page(GARBAGE, "application/octet-stream"), IndexUnavailable, "{host} answered with what is no page", id="13 bytes"),
    pytest.param("/simple/bad", page(GARBAGE, "application/vnd.pypi.simple.v1+json"), IndexUnavailable, "{host} answered with what is no page", id="13 bytes as JSON"),
    pytest.param("/simple/bad", replying(200, GARBAGE), IndexUnavailable, "{host} answered with what is no page", id="13 bytes without a type"),
    pytest.param("/simple/bad", looping, IndexUnavailable, "{host} ", id="14 redirect loop"),
]  # fmt: skip


@pytest.mark.parametrize(("prefix", "fault", "kind", "said"), FAULTS)
def test_a_failing_index_is_named_nothing_changes_and_the_next_request_works(
    prefix: str, fault: Fault, kind: type, said: str, name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("good")
    wheelhouse.wheel("bad")
    one = opened()
    with wheelhouse.index() as index:
        one.declare(text(index.url, "good"), engine=name)
        index.faults[prefix] = fault
        if kind is DeadlineError:
            variables(one)["SESSIONPKGS_DEADLINE"] = "3"
        error = refusal(one, text(index.url, "good", "bad"), name)
        index.faults.clear()
        variables(one).pop("SESSIONPKGS_DEADLINE", None)
        assert set(names(one.declare(text(index.url, "good", "bad"), engine=name))) == {"good", "bad"}
    assert type(error) is kind, error
    assert said.format(host=index.host, engine=name) in error.sentence


def test_a_file_that_is_sent_round_in_circles_is_refused(
    name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("bad")
    one = opened()
    with wheelhouse.index() as index:
        index.faults["/files/bad"] = looping
        error = refusal(one, text(index.url, "bad"), name)
        index.faults.clear()
        assert names(one.declare(text(index.url, "bad"), engine=name)) == ["bad"]
    # uv takes the redirect at which it stops for the file, and says only that it is no wheel
    assert type(error) is {"pip": IndexUnavailable, "uv": IntegrityError}[name]
    assert {"pip": index.host, "uv": "bad==1.0 has an invalid package format"}[name] in error.sentence


def test_a_place_where_nobody_listens_is_named(name: str, opened: Callable[..., Session]) -> None:
    host = f"127.0.0.1:{closed_port()}"
    error = refusal(opened(), text(f"http://{host}/simple", "bad"), name)
    assert type(error) is IndexUnavailable
    assert f"{host} cannot be reached: connection refused" in error.sentence


def test_a_server_that_fails_twice_is_asked_again(
    name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("bad")
    with wheelhouse.index() as index:
        index.faults["/simple/bad"] = failing_twice()
        assert names(opened().declare(text(index.url, "bad"), engine=name)) == ["bad"]


def test_wheels_for_another_python_are_told_as_what_the_index_offers(
    name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("alien", tag="cp27-cp27m-win_amd64")
    with wheelhouse.index() as index:
        error = refusal(opened(), text(index.url, "alien"), name)
    assert type(error) is NotFoundError
    assert "alien has no wheel for this Python" in error.sentence
    assert "Python 2.7" in error.sentence


def test_a_source_alone_is_refused_where_only_wheels_are_allowed_and_its_code_does_not_run(
    name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.sdist("raw", in_tree=True, marker=str(tmp_path / "built"))
    with wheelhouse.index() as index:
        error = refusal(opened(SESSIONPKGS_WHEELS_ONLY="1"), text(index.url, "raw"), name)
    assert type(error) is SourceForbidden
    assert not (tmp_path / "built").exists()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GARBAGE, id="bytes that are no text"),
        pytest.param(b"<html><body><h1>Log in</h1><a href='/login'>here</a></body></html>", id="a login page"),
        pytest.param(b"<!DOCTYPE html><html><body></body></html>", id="a page without a file"),
    ],
)
def test_a_page_that_lists_nothing_is_not_told_as_a_name_that_does_not_exist(
    body: bytes, name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("bad")
    one = opened()
    with wheelhouse.index() as index:
        index.faults["/simple/bad"] = page(body)
        error = refusal(one, text(index.url, "bad"), name)
        index.faults.clear()
        assert names(one.declare(text(index.url, "bad"), engine=name)) == ["bad"]
    assert type(error) is IndexUnavailable
    assert index.host in error.sentence + error.hint
    assert "no index has" not in error.sentence
    assert "no package index has" not in error.sentence
    assert "login page" in error.hint


def test_a_page_with_hundreds_of_thousands_of_links_ends_in_time(
    name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse
) -> None:
    row = '<a href="/files/bad-{0}-py3-none-any.whl">bad-{0}-py3-none-any.whl</a><br>'
    wheelhouse.wheel("good")
    one = opened(SESSIONPKGS_DEADLINE="2")
    with wheelhouse.index() as index:
        index.faults["/simple/bad"] = page("".join(map(row.format, range(LINKS))).encode())
        error = refusal(one, text(index.url, "bad"), name)
        del variables(one)["SESSIONPKGS_DEADLINE"]
        assert names(one.declare(text(index.url, "good"), engine=name)) == ["good"]
    assert isinstance(error, DeadlineError | IndexUnavailable)  # whichever the machine reaches first


def test_what_the_store_has_needs_no_index(name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("bad")
    with wheelhouse.index() as index:
        declared = text(index.url, "bad")
        with closing(opened()) as first:
            first.declare(declared, engine=name)
    later = opened().declare(declared, engine=name)
    assert (names(later), later["source"]) == (["bad"], "remembered")


@contextmanager
def over_tls(wheelhouse: Wheelhouse, folder: Path) -> Iterator[Index]:
    """An index behind a certificate that nobody signed."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    key, certificate = str(folder / "key.pem"), str(folder / "certificate.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += [
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        key,
        "-out",
        certificate,
    ]
    done = process.run(made, env=dict(os.environ), cwd=str(folder), deadline=60)
    assert done.code == 0, done.stderr
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(certificate, key)
    with wheelhouse.index() as index:
        index.server.socket = settings.wrap_socket(index.server.socket, server_side=True)
        index.url = index.url.replace("http://", "https://")
        yield index


def test_a_certificate_that_nobody_signed_is_refused(
    name: str, opened: Callable[..., Session], wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("bad")
    with over_tls(wheelhouse, tmp_path) as index:
        error = refusal(opened(), text(index.url, "bad"), name)
        assert index.requests == []
    assert type(error) is IndexUnavailable
    assert f"{index.host} cannot be reached: its certificate is not trusted" in error.sentence


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Index, Index]]:
    """A private index with demo 1.0 and a stranger's with demo 99.0 and `other`."""
    private, public = Wheelhouse(tmp_path / "private"), Wheelhouse(tmp_path / "public")
    private.wheel("demo", "1.0")
    public.wheel("demo", "99.0")
    public.wheel("other", "1.0")
    with private.index() as mine, public.index() as theirs:
        yield mine, theirs


def versions(record: dict[str, Any]) -> dict[str, str]:
    return {p["name"]: p["version"] for p in record["packages"] if p["layer"] == "session"}


def test_the_first_index_that_has_a_name_wins(
    name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    declared = text(mine.url, f"--extra-index-url {theirs.url}", "demo", "other")
    assert versions(opened().declare(declared, engine=name)) == {"demo": "1.0", "other": "1.0"}


@pytest.mark.parametrize(
    "variable", ["PIP_EXTRA_INDEX_URL", "PIP_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL"]
)  # fmt: skip
def test_a_variable_adds_no_index_to_a_declaration_that_names_its_own(
    variable: str, name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    one = opened(**{variable: theirs.url})
    assert versions(one.declare(text(mine.url, "demo"), engine=name)) == {"demo": "1.0"}
    assert theirs.requests == []


def test_the_files_of_pip_uv_and_netrc_add_no_index_to_a_declaration_that_names_its_own(
    name: str, opened: Callable[..., Session], two: tuple[Index, Index], tmp_path: Path
) -> None:
    mine, theirs = two
    user = Path(os.environ["HOME"])
    (tmp_path / "pip.conf").write_text(f"[global]\nextra-index-url = {theirs.url}\n")
    for folder in (user / ".config/uv", tmp_path):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "uv.toml").write_text(f'[[index]]\nname = "theirs"\nurl = "{theirs.url}"\n')
    (user / ".netrc").write_text("machine 127.0.0.1 login me password unused\n")
    (user / ".netrc").chmod(0o600)
    one = opened(PIP_CONFIG_FILE=str(tmp_path / "pip.conf"), UV_CONFIG_FILE=str(tmp_path / "uv.toml"))
    assert versions(one.declare(text(mine.url, "demo"), engine=name)) == {"demo": "1.0"}
    assert theirs.requests == []


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        pytest.param({"PIP_INDEX_URL": "mine", "UV_INDEX": "theirs"}, "1.0", id="uv's do not count where pip's do"),
        pytest.param({"UV_DEFAULT_INDEX": "theirs"}, "99.0", id="uv's count where pip says nothing"),
    ],
)
def test_variables_choose_the_index_where_a_declaration_names_none(
    said: dict[str, str], chosen: str, name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    known = {"mine": two[0].url, "theirs": two[1].url}
    one = opened(**{variable: known[which] for variable, which in said.items()})
    assert versions(one.declare("demo\n", engine=name)) == {"demo": chosen}


def test_a_line_in_an_included_file_counts_as_if_the_declaration_had_it(
    opened: Callable[..., Session], two: tuple[Index, Index], tmp_path: Path
) -> None:
    mine, theirs = two
    (tmp_path / "more.txt").write_text(f"--extra-index-url {theirs.url}\nother\n")
    record = opened().declare(text(mine.url, "-r more.txt", "demo"), engine="uv")
    assert versions(record) == {"demo": "1.0", "other": "1.0"}


def by_another_name(index: Index) -> str:
    """The URL of *index* at a host that is another one to everybody who does not look it up."""
    return index.url.replace("127.0.0.1", "localhost")


def elsewhere(index: Index, url: str) -> None:
    """Every request for `demo` is sent on to the index at *url*."""
    index.faults["/simple/demo"] = replying(302, headers={"Location": f"{url}/demo/"})


def moved(index: Index, url: str) -> None:
    """Every request for a file of `demo` is sent on to the host of *url*."""
    there = f"{url.removesuffix('/simple')}/files/demo-1.0-py3-none-any.whl"
    index.faults["/files/demo"] = replying(302, headers={"Location": there})


def linked(index: Index, url: str) -> None:
    """The page for `demo` links to a file of the host of *url*."""
    file = f"{url.removesuffix('/simple')}/files/demo-99.0-py3-none-any.whl"
    index.faults["/simple/demo"] = page(
        f'<html><body><a href="{file}">demo-99.0-py3-none-any.whl</a></body></html>'.encode()
    )


Way = Callable[[Index, str], None]
WAYS = pytest.mark.parametrize(
    "way", [elsewhere, moved, linked], ids=["a redirect of a page", "a redirect of a file", "a link on a page"]
)


def refused_away(error: SessionPkgsError, mine: Index, there: str) -> None:
    """*error* names the index and the host that it sends to, says what to set, and is short."""
    assert type(error) is IndexForbidden, error
    assert mine.host in error.sentence
    assert there in error.sentence
    assert len(error.sentence) <= 200
    assert f"SESSIONPKGS_HOSTS={there.partition(':')[0]})" in error.hint


@WAYS
def test_an_index_leads_to_no_host_that_nobody_declared(
    way: Way, name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    way(mine, by_another_name(theirs))
    error = refusal(opened(), text(mine.url, "demo"), name)
    refused_away(error, mine, f"localhost:{theirs.port}")
    assert theirs.requests == []
    mine.faults.clear()
    assert versions(opened().declare(text(mine.url, "demo"), engine=name)) == {"demo": "1.0"}


@WAYS
@pytest.mark.parametrize("hosts", ["files.example.org, localhost", "*"])
def test_an_index_leads_to_the_hosts_that_the_setting_allows(
    way: Way, hosts: str, name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    shutil.copy(mine.folder / "demo-1.0-py3-none-any.whl", theirs.folder)
    way(mine, by_another_name(theirs))
    record = opened(SESSIONPKGS_HOSTS=hosts).declare(text(mine.url, "demo"), engine=name)
    assert versions(record) == {"demo": "1.0" if way is moved else "99.0"}
    assert theirs.requests


def test_an_encrypted_connection_to_a_host_that_nobody_declared_is_not_made(
    name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, _ = two
    with socket.create_server(("127.0.0.1", 0)) as other:
        there = f"localhost:{other.getsockname()[1]}"
        linked(mine, f"https://{there}/simple")
        refused_away(refusal(opened(), text(mine.url, "demo"), name), mine, there)
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_an_index_that_leads_away_does_not_give_way_to_the_next_one(
    name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    elsewhere(mine, "http://elsewhere.example/simple")
    error = refusal(opened(), text(mine.url, f"--extra-index-url {theirs.url}", "demo"), name)
    refused_away(error, mine, "elsewhere.example")
    assert theirs.requests == []


def test_where_a_proxy_is_configured_a_file_elsewhere_is_refused_before_it_is_installed(
    name: str, opened: Callable[..., Session], two: tuple[Index, Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = two
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port()}")  # none of these is https
    linked(mine, by_another_name(theirs))
    error = refusal(opened(), text(mine.url, "demo"), name)
    refused_away(error, mine, f"localhost:{theirs.port}")


def test_an_offer_asks_no_host_that_nobody_declared(name: str, opened: Callable[..., Session], tmp_path: Path) -> None:
    private, public = Wheelhouse(tmp_path / "private"), Wheelhouse(tmp_path / "public")
    file = public.wheel("humanize").name
    with private.index() as mine, public.index() as theirs:
        there = by_another_name(theirs).replace("/simple", f"/files/{file}")
        mine.faults["/simple/humanize"] = page(f'<html><body><a href="{there}">{file}</a></body></html>'.encode())
        assert opened(PIP_INDEX_URL=mine.url, SESSIONPKGS_ENGINE=name).ask.offer("humanize") is None
        assert [path for path in theirs.requests if "humanize" in path] == []
        assert mine.requests
        opened(PIP_INDEX_URL=mine.url, SESSIONPKGS_ENGINE=name, SESSIONPKGS_HOSTS="localhost").ask.offer("humanize")
        assert theirs.requests


def test_a_place_that_a_declaration_names_itself_is_declared(
    name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    there = by_another_name(theirs).removesuffix("/simple")
    declared = text(mine.url, f"demo @ {there}/files/demo-99.0-py3-none-any.whl")
    assert versions(opened().declare(declared, engine=name)) == {"demo": "99.0"}


@pytest.mark.index
def test_the_public_index_and_its_files_are_reached_without_a_word(name: str, opened: Callable[..., Session]) -> None:
    assert versions(opened().declare("six==1.17.0\n", engine=name)) == {"six": "1.17.0"}


@pytest.mark.parametrize("way", [elsewhere, linked], ids=["a redirect", "a link on the page"])
def test_a_login_does_not_follow_to_another_host(
    way: Way, name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    way(mine, by_another_name(theirs))
    one = opened(SESSIONPKGS_HOSTS="localhost")
    one.declare(text(mine.url.replace("http://", "http://me:secret@"), "demo"), engine=name)
    assert mine.logins
    assert theirs.requests
    assert theirs.logins == []


@pytest.mark.parametrize(("status", "said"), [(403, "refused access (403)"), (500, "answered with an error (500)")])
def test_the_host_that_failed_is_named_and_not_the_one_that_links_to_it(
    status: int, said: str, name: str, opened: Callable[..., Session], two: tuple[Index, Index]
) -> None:
    mine, theirs = two
    linked(mine, theirs.url)
    theirs.faults["/files"] = status
    error = refusal(opened(), text(mine.url, "demo"), name)
    assert type(error) is IndexUnavailable
    assert f"{theirs.host} {said}" in error.sentence
