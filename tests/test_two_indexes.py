"""Two indexes with pip and uv: the first that has a name wins, and where it fails nobody behind it is asked.

Sessions, engines and requests are real; the indexes are threads of the test.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import psutil
import pytest

from sessionpkgs import Session, process
from sessionpkgs.engines import ENGINES, Engine, Request, Room, also_there, find
from sessionpkgs.errors import (
    DeadlineError,
    IndexForbidden,
    IndexUnavailable,
    NotFoundError,
    ResolveError,
    SessionPkgsError,
)
from sessionpkgs.settings import Sources
from tests.wheelhouse import Index, Wheelhouse, closed_port, project, sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("untouched")]

SECRET = "hunter2-Xyzzy-0815"
LOGIN = f"me:{SECRET}"
JSON = "application/vnd.pypi.simple.v1+json"
Answer = Callable[[BaseHTTPRequestHandler], bool]
Declare = Callable[..., dict[str, Any]]


class Two(NamedTuple):
    """A private index and a stranger's, with their wheelhouses."""

    private: Wheelhouse
    public: Wheelhouse
    mine: Index
    theirs: Index


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    """demo is on both, with the higher version on the stranger's; `other` is there alone."""
    private, public = Wheelhouse(tmp_path / "private"), Wheelhouse(tmp_path / "public")
    private.wheel("demo", "1.0")
    public.wheel("demo", "99.0")
    public.wheel("other", "1.0")
    with private.index() as mine, public.index() as theirs:
        yield Two(private, public, mine, theirs)


@pytest.fixture(params=sorted(ENGINES))
def name(request: pytest.FixtureRequest) -> str:
    """The name of every engine in turn."""
    return str(request.param)


@pytest.fixture
def declare(home: Path, tmp_path: Path) -> Iterator[Declare]:
    """Declares lines over some indexes in a session of its own; gives the record."""
    made: list[Session] = []

    def begin(urls: list[str], *lines: str, engine: str = "pip", **more: str) -> dict[str, Any]:
        one = Session(identity=f"s{len(made)}", env={**os.environ, **more}, folder=str(tmp_path))
        made.append(one)
        options = [f"--{'extra-' if at else ''}index-url {url}" for at, url in enumerate(urls)]
        return one.declare("\n".join((*options, *lines)) + "\n", engine=engine)

    yield begin
    for one in made:
        one.close()


@pytest.fixture
def refusal(declare: Declare) -> Callable[..., SessionPkgsError]:
    """Declares, and gives the error; no address of this machine but those of the indexes stands in it."""

    def begin(urls: list[str], *lines: str, **more: str) -> SessionPkgsError:
        with pytest.raises(SessionPkgsError) as refused:
            declare(urls, *lines, **more)
        assert strange(json.dumps(refused.value.to_dict()), urls) == set()
        assert "Traceback" not in refused.value.sentence
        return refused.value

    return begin


def strange(text: str, urls: list[str]) -> set[str]:
    """Addresses of this machine in *text* that are not those of *urls*."""
    known = {url.partition("://")[2].rpartition("@")[2].partition("/")[0] for url in urls}
    return set(re.findall(r"127\.\d+\.\d+\.\d+(?::\d+)?", text)) - known


def versions(record: dict[str, Any]) -> dict[str, str]:
    return {p["name"]: p["version"] for p in record["packages"] if p["layer"] == "session"}


def files(index: Index) -> list[str]:
    return [path for path in index.requests if path.startswith("/files")]


def index_of(handler: BaseHTTPRequestHandler) -> Index:
    found: Index = handler.index  # type: ignore[attr-defined]
    return found


def replying(status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
    def reply(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body if handler.command != "HEAD" else b"")
        return True

    return reply


def private(handler: BaseHTTPRequestHandler) -> bool:
    """Refuse who has no login."""
    wanted = "Basic " + base64.b64encode(LOGIN.encode()).decode()
    return handler.headers.get("Authorization") != wanted and replying(401)(handler)


def with_login(index: Index) -> str:
    return index.url.replace("http://", f"http://{LOGIN}@")


@pytest.mark.parametrize(("order", "version"), [("mine theirs", "1.0"), ("theirs mine", "99.0")])
def test_the_first_index_that_has_a_name_wins_whatever_the_other_has(
    order: str, version: str, name: str, declare: Declare, two: Two
) -> None:
    first, second = (getattr(two, which) for which in order.split())
    record = declare([first.url, second.url], "demo", engine=name)
    assert versions(record) == {"demo": version}
    assert files(first)
    assert files(second) == []


def test_a_name_that_the_first_index_lacks_comes_from_the_second(name: str, declare: Declare, two: Two) -> None:
    record = declare([two.mine.url, two.theirs.url], "demo", "other", engine=name)
    assert versions(record) == {"demo": "1.0", "other": "1.0"}
    assert strange(json.dumps(record), [two.mine.url, two.theirs.url]) == set()
    assert two.theirs.host in json.dumps(record)


def test_what_is_needed_further_down_follows_the_same_rule(name: str, declare: Declare, two: Two) -> None:
    two.private.wheel("app", requires=["helper", "lonely"])
    two.private.wheel("helper")
    two.public.wheel("helper", "99.0", requires=["evil"])
    two.public.wheel("evil")
    two.public.wheel("lonely", "3.0")
    record = declare([two.mine.url, two.theirs.url], "app", engine=name)
    assert versions(record) == {"app": "1.0", "helper": "1.0", "lonely": "3.0"}
    assert {path.split("/")[2].partition("-")[0] for path in files(two.theirs)} == {"lonely"}


def test_variables_with_two_indexes_count_where_a_declaration_names_none(name: str, declare: Declare, two: Two) -> None:
    configured = {"PIP_INDEX_URL": two.mine.url, "PIP_EXTRA_INDEX_URL": two.theirs.url}
    assert versions(declare([], "demo", engine=name, **configured)) == {"demo": "1.0"}


FAULTS = [
    pytest.param(replying(500), "answered with an error (500)", id="an error"),
    pytest.param(replying(401), "refused the login (401)", id="a login"),
    pytest.param(replying(403), "refused access (403)", id="no access"),
    pytest.param(replying(410), "answered with an error (410)", id="gone"),
    pytest.param(replying(429), "says that too much is asked of it (429)", id="too many requests"),
    pytest.param(replying(200, b"<html>", {"Content-Length": "99"}), "cannot be reached", id="a page that is cut short"),
    pytest.param(replying(200, b"\xff\xfe", {"Content-Type": "text/html"}), "what is no page", id="bytes"),
    pytest.param(replying(200, b"[", {"Content-Type": JSON}), "what is no page", id="no JSON"),
    pytest.param(replying(200, b"PK", {"Content-Type": "application/zip"}), "what is no page", id="another thing"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_a_first_index_that_fails_ends_it_and_the_second_is_not_asked(
    fault: Answer, said: str, refusal: Callable[..., SessionPkgsError], two: Two
) -> None:
    two.mine.faults["/simple/demo"] = fault
    error = refusal([two.mine.url, two.theirs.url], "demo")
    assert type(error) is IndexUnavailable
    assert two.mine.host in error.sentence
    assert said in error.sentence
    assert two.theirs.requests == []


def test_a_first_index_that_cannot_be_reached_ends_it(refusal: Callable[..., SessionPkgsError], two: Two) -> None:
    host = f"127.0.0.1:{closed_port()}"
    error = refusal([f"http://{host}/simple", two.theirs.url], "demo")
    assert type(error) is IndexUnavailable
    assert f"the package index {host} cannot be reached: connection refused" in error.sentence
    assert two.theirs.requests == []


def test_an_index_that_fails_is_told_even_where_pip_finds_a_way_around_it(
    refusal: Callable[..., SessionPkgsError], two: Two
) -> None:
    two.private.wheel("app", "1.0")
    two.private.wheel("app", "2.0", requires=["broken"])
    two.mine.faults["/simple/broken"] = 500
    error = refusal([two.mine.url, two.theirs.url], "app")
    assert f"{two.mine.host} answered with an error (500)" in error.sentence


def test_a_first_index_that_hangs_ends_at_the_deadline(refusal: Callable[..., SessionPkgsError], two: Two) -> None:
    two.mine.faults["/simple/demo"] = two.mine.hang
    error = refusal([two.mine.url, two.theirs.url], "demo", SESSIONPKGS_DEADLINE="4")
    assert type(error) is DeadlineError
    assert two.theirs.requests == []


def arguments() -> str:
    """The arguments of all that runs below us."""
    said = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            said += one.cmdline()
    return "\n".join(said)


def test_what_a_build_needs_follows_the_same_rule_and_no_argument_has_the_login(
    declare: Declare, two: Two, tmp_path: Path
) -> None:
    running: list[str] = []

    def look(_: BaseHTTPRequestHandler) -> bool:
        running.append(arguments())
        return False

    two.mine.faults["/simple/demo"] = look
    folder = project(tmp_path / "tree", "tree")
    settings = (folder / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(settings.replace("requires = []", 'requires = ["demo"]', 1))
    declare([with_login(two.mine), two.theirs.url], f"tree @ {folder.as_uri()}")
    assert "pip-build-env" in "".join(running)
    assert SECRET not in "".join(running)
    assert "/files/demo-1.0-py3-none-any.whl" in files(two.mine)
    assert files(two.theirs) == []


def test_an_index_that_fails_once_is_asked_again(declare: Declare, two: Two) -> None:
    answers = iter([503, 503])
    two.mine.faults["/simple/demo"] = lambda handler: (
        replying(status)(handler) if (status := next(answers, 0)) else False
    )
    assert versions(declare([two.mine.url, two.theirs.url], "demo")) == {"demo": "1.0"}


@pytest.mark.parametrize(
    ("body", "said"), [(b"<html></html>", "lists no wheel"), (b"<html><a href='/login'>log in</a></html>", "lists no wheel")]
)  # fmt: skip
def test_a_page_that_lists_nothing_holds_the_name(
    body: bytes, said: str, refusal: Callable[..., SessionPkgsError], two: Two
) -> None:
    two.mine.faults["/simple/demo"] = replying(200, body, {"Content-Type": "text/html"})
    error = refusal([two.mine.url, two.theirs.url], "demo")
    assert said in error.sentence
    assert two.theirs.requests == []


@pytest.mark.parametrize(
    ("line", "kind"), [("absent", NotFoundError), ("demo>=5", NotFoundError), ("demo==1.0\ndemo==99.0", ResolveError)]
)
def test_a_refusal_reads_as_with_one_index(
    line: str, kind: type, refusal: Callable[..., SessionPkgsError], two: Two
) -> None:
    alone, both = (refusal(urls, line) for urls in ([two.mine.url], [two.mine.url, two.theirs.url]))
    assert type(both) is kind
    assert both.sentence == alone.sentence


def page_of(index: Index, kind: str, root: str) -> Answer:
    """The page for `demo` as JSON or HTML, with links below *root*, which may be relative."""
    file = next(index.folder.glob("demo-*.whl"))
    url, digest = f"{root}{file.name}", sha256_of(file)
    told = {"meta": {"api-version": "1.0"}, "name": "demo", "files": [{"filename": file.name, "url": url, "hashes": {"sha256": digest}}]}  # fmt: skip
    page = f'<a href="{url}#sha256={digest}" data-requires-python="&gt;=3.8">{file.name}</a>'
    return replying(200, json.dumps(told).encode() if kind == JSON else page.encode(), {"Content-Type": kind})


@pytest.mark.parametrize("root", ["../../files/", "/files/", "http://{host}/files/"])
@pytest.mark.parametrize("kind", [JSON, "text/html"])
def test_a_login_in_an_index_url_reaches_its_pages_and_files_and_nothing_else(
    kind: str, root: str, two: Two, room: Callable[..., Room], request_for: Callable[..., Request]
) -> None:
    page = page_of(two.mine, kind, root.format(host=two.mine.host))
    two.mine.faults |= {"/": private, "/simple/demo": page}
    started: list[str] = []

    def run(argv: Any, *, env: Any, **more: Any) -> process.Completed:
        done = process.run(argv, env=env, **more)
        started.append(repr((argv, dict(env), done)))
        return done

    sources = Sources(indexes=(with_login(two.mine), two.theirs.url), implied=False)
    request, where = request_for("demo", "other", sources=sources), room(runner=run)
    lock = find("pip").resolve(request, where)
    find("pip").install(lock.pins, f"{where.stage}/into", request, where)
    assert [(pin.name, pin.version, pin.sha256 != "") for pin in lock.pins] == [("demo", "1.0", True), ("other", "1.0", True)]  # fmt: skip
    assert lock.pins[0].url == f"http://{two.mine.host}/files/demo-1.0-py3-none-any.whl"
    assert files(two.mine)
    assert two.theirs.logins == []
    assert SECRET not in repr(lock) + "".join(started)
    kept = [path for top in (where.stage, where.cache) for path in Path(top).rglob("*") if path.is_file()]
    assert [path for path in kept if SECRET.encode() in path.read_bytes()] == []


def test_a_login_in_a_netrc_file_reaches_its_index(declare: Declare, two: Two, surroundings: Path) -> None:
    two.mine.faults["/"] = private
    two.mine.url = two.mine.url.replace("127.0.0.1", "localhost")
    (surroundings / ".netrc").write_text(f"machine localhost login me password {SECRET}\n")
    (surroundings / ".netrc").chmod(0o600)
    record = declare([two.mine.url, two.theirs.url], "demo", "other")
    assert versions(record) == {"demo": "1.0", "other": "1.0"}
    assert two.theirs.logins == []


def test_a_wrong_login_is_told_and_the_second_index_is_not_asked(
    refusal: Callable[..., SessionPkgsError], two: Two
) -> None:
    two.mine.faults["/"] = private
    error = refusal([two.mine.url.replace("http://", f"http://me:not-{SECRET}@"), two.theirs.url], "demo")
    assert f"{two.mine.host} refused the login (401)" in error.sentence
    assert SECRET not in json.dumps(error.to_dict())
    assert two.theirs.requests == []


def moved(there: str) -> Answer:
    """The request is sent on to *there*, whatever that is seen from the page."""
    return lambda handler: replying(302, headers={"Location": urljoin(f"http://{index_of(handler).host}", there)})(
        handler
    )


def test_a_page_may_move_within_its_host_and_its_links_count_from_there(declare: Declare, two: Two) -> None:
    two.mine.faults |= {
        "/simple/demo": moved("/a/b/c/demo/"),
        "/a/b/c/demo": page_of(two.mine, JSON, "../../../../files/"),
    }
    assert versions(declare([two.mine.url, two.theirs.url], "demo")) == {"demo": "1.0"}


def test_a_page_may_move_to_another_declared_index_and_the_login_stays(declare: Declare, two: Two) -> None:
    two.mine.faults["/simple/demo"] = moved(f"{two.theirs.url}/demo/")
    assert versions(declare([with_login(two.mine), two.theirs.url], "demo")) == {"demo": "99.0"}
    assert two.mine.logins
    assert two.theirs.logins == []


def test_a_page_that_moves_to_an_undeclared_host_is_refused(
    refusal: Callable[..., SessionPkgsError], two: Two, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo", "5.0")
    with wheelhouse.index() as third:
        elsewhere = f"localhost:{third.port}"
        two.mine.faults["/simple/demo"] = moved(f"http://{elsewhere}/simple/demo/")
        error = refusal([two.mine.url, two.theirs.url], "demo")
    assert type(error) is IndexForbidden
    assert f"{two.mine.host} sends us to {elsewhere}, and nobody declared that host" in error.sentence
    assert third.requests == two.theirs.requests == []


def test_a_page_that_moves_for_ever_is_told(refusal: Callable[..., SessionPkgsError], two: Two) -> None:
    two.mine.faults["/simple/demo"] = moved("/simple/demo/")
    assert "a redirect loop" in refusal([two.mine.url, two.theirs.url], "demo").sentence
    assert two.theirs.requests == []


def test_a_proxy_of_the_user_does_not_stand_between_pip_and_us(
    declare: Declare, two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert versions(declare([two.mine.url, two.theirs.url], "demo")) == {"demo": "1.0"}


@pytest.fixture
def told(
    engine: Engine, room: Callable[..., Room], request_for: Callable[..., Request]
) -> Callable[..., tuple[str, ...]]:
    """Resolves lines over indexes and gives the notices of the lock."""

    def begin(urls: list[str], *lines: str) -> tuple[str, ...]:
        request = request_for(*lines, sources=Sources(indexes=tuple(urls), implied=False))
        return also_there.told(engine.resolve(request, room()), request.sources, os.environ).notices

    return begin


def test_a_name_that_a_later_index_has_too_is_told(told: Callable[..., tuple[str, ...]], two: Two) -> None:
    notices = told([two.mine.url, two.theirs.url], "demo", "other")
    host, other = two.mine.host, two.theirs.host
    assert notices == (f"demo comes from {host}; {other} has it too and was not asked for its versions.",)


def test_names_that_a_later_index_has_too_are_told_together(told: Callable[..., tuple[str, ...]], two: Two) -> None:
    two.private.wheel("other", "0.5")
    notices = told([two.mine.url, two.theirs.url], "demo", "other")
    host, other = two.mine.host, two.theirs.host
    assert notices == (f"demo, other come from {host}; {other} has them too and was not asked for their versions.",)


def test_an_index_that_knows_no_heads_of_pages_is_asked_for_the_page(
    told: Callable[..., tuple[str, ...]], two: Two
) -> None:
    two.theirs.faults["/simple/demo"] = lambda handler: handler.command == "HEAD" and replying(405)(handler)
    assert "has it too" in "".join(told([two.mine.url, two.theirs.url], "demo"))


def test_nothing_is_told_where_the_index_that_a_name_came_from_is_not_sure(
    told: Callable[..., tuple[str, ...]], two: Two, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo", "5.0")
    two.mine.faults["/simple/demo"] = lambda handler: handler.command == "HEAD" and replying(500)(handler)
    with wheelhouse.index() as third:
        assert told([two.mine.url, two.theirs.url, third.url], "demo") == ()


def test_nobody_is_asked_what_else_has_a_name_where_one_index_counts(
    told: Callable[..., tuple[str, ...]], two: Two
) -> None:
    assert told([two.mine.url], "demo") == ()
    pages = [path for path in two.mine.requests if path == "/simple/demo/"]
    assert len(pages) <= 2


@pytest.mark.parametrize(
    "fault", [500, 401, 405, lambda handler: index_of(handler).hang(handler)], ids=["500", "401", "405", "hangs"]
)
def test_a_later_index_that_fails_is_not_told_and_no_error(
    fault: int | Answer, told: Callable[..., tuple[str, ...]], two: Two
) -> None:
    two.theirs.faults["/simple/demo"] = fault
    assert told([two.mine.url, two.theirs.url], "demo") == ()


def test_a_record_tells_that_another_index_has_a_name_too(name: str, declare: Declare, two: Two) -> None:
    record = declare([two.mine.url, two.theirs.url], "demo", engine=name)
    host, other = two.mine.host, two.theirs.host
    assert f"demo comes from {host}; {other} has it too and was not asked for its versions." in record["notices"]
