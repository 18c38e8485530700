"""The way from pip to the first index that has a name, asked as pip asks it; pip itself is in `test_two_indexes.py`."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from http.client import RemoteDisconnected
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sessionpkgs import process
from sessionpkgs.engines import Request, Room, find, first_index, page_links, pages, surroundings, uv_config
from sessionpkgs.engines.first_index import Route
from sessionpkgs.engines.pages import Index as Place
from sessionpkgs.engines.pages import Page, Pages
from sessionpkgs.errors import IndexForbidden, IndexUnavailable, SessionPkgsError
from sessionpkgs.settings import Sources
from tests.test_index_faults import over_tls
from tests.wheelhouse import Index, Wheelhouse

JSON = page_links.JSON
PLACE = Place("https://one.test/a/simple", "me@home", "p/w")


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    """An index that has demo."""
    wheelhouse.wheel("demo")
    with wheelhouse.index() as made:
        yield made


@pytest.fixture
def route(index: Index) -> Iterator[Route]:
    """The way over that index and one that has nothing."""
    with first_index.opened(Sources(indexes=(index.url, f"{index.url}/none"), implied=False), {}) as made:
        yield made


def get(url: str) -> tuple[int, str]:
    """Status and text of *url*."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def later() -> float:
    return time.monotonic() + 10


def fetch(index: Index, **more: object) -> Page | None:
    asked = Pages(replace(index.sources(), **more), {})  # type: ignore[arg-type]
    return asked.fetch(asked.indexes[0], "demo", later())


def answering(body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], bool]:
    def answer(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        for name, value in {"Content-Type": JSON, "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return answer


def html(text: str, *, at: str = "https://one.test/a/simple/demo/", of: Place = PLACE, kind: str = "text/html") -> str:
    return page_links.absolute(Page(of, at, kind, text.encode()))[1].decode()


def test_the_page_of_a_name_is_given_and_404_where_nobody_has_it(route: Route) -> None:
    assert get(f"{route.url}/demo/")[0] == 200
    assert get(f"{route.url}/absent/")[0] == 404
    assert route.errors == []


@pytest.mark.parametrize(
    "path", ["/simple/demo/", "/demo/", "/", "{prefix}/", "{prefix}/demo", "{prefix}/../demo/", "{prefix}/a%2Fb/"]
)
def test_who_does_not_know_the_way_gets_nothing_and_nobody_is_asked(path: str, route: Route, index: Index) -> None:
    assert get(f"http://{route.host}:{route.port}{path.format(prefix=route.prefix)}")[0] == 404
    assert index.requests == []


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes the superuser")
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="the system does not tell whose a connection is")
def test_another_user_who_knows_the_way_gets_nothing(route: Route, index: Index) -> None:
    code = f"import encodings.idna, os, urllib.request as r; os.setuid(65534); print(r.urlopen({route.url + '/demo/'!r}).status)"
    env = {"PATH": os.environ["PATH"]}
    done = process.run([sys.executable, "-I", "-c", code], env=env, cwd="/", deadline=60)
    assert "HTTP Error 404" in done.stderr
    assert index.requests == []


def test_a_name_is_looked_up_once_however_often_and_at_the_same_time_pip_asks(route: Route, index: Index) -> None:
    with ThreadPoolExecutor(8) as many:
        answers = set(many.map(get, [f"{route.url}/demo/"] * 16))
    assert len(answers) == 1
    assert index.requests == ["/simple/demo/"]


def test_after_the_call_nobody_answers(index: Index) -> None:
    with first_index.opened(index.sources(), {}) as route:
        url = f"{route.url}/demo/"
    with pytest.raises(urllib.error.URLError):
        get(url)


def test_whatever_pip_prints_no_error_has_our_address(
    index: Index, room: Callable[..., Room], request_for: Callable[..., Request]
) -> None:
    def fail(argv: Sequence[str], *, env: Mapping[str, str], **_: object) -> process.Completed:
        return process.Completed(1, "", f"error: something about {env['PIP_INDEX_URL']}/demo/ went wrong", 0.0)

    request = request_for("demo", sources=Sources(indexes=(index.url, f"{index.url}/none"), implied=False))
    with pytest.raises(SessionPkgsError, match=f"something about {index.url}/demo/ went wrong"):
        find("pip").resolve(request, room(runner=fail))


def test_a_failure_of_our_own_is_no_page_that_nobody_has(route: Route) -> None:
    route.pages.indexes = (None, *route.pages.indexes)  # type: ignore[arg-type]
    with pytest.raises(RemoteDisconnected):
        get(f"{route.url}/demo/")
    assert [type(error) for error in route.errors] == [IndexUnavailable]


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("Fetching {url}/demo/: x", "Fetching {index}/demo/: x"),
        ("Fetching {url}/absent/", "Fetching {index}/none/absent/"),
        ("Looking in indexes: {url}", "Looking in indexes: {index}"),
        ("(host='{host}', port={port})", "(host='127.0.0.1', port={theirs})"),
        ("with url: {prefix}/demo/", "with url: /simple/demo/"),
    ],
)
def test_what_pip_says_of_us_reads_as_if_it_had_asked_the_indexes(
    said: str, plain: str, route: Route, index: Index
) -> None:
    get(f"{route.url}/demo/")
    get(f"{route.url}/absent/")
    text = said.format(url=route.url, host=route.host, port=route.port, prefix=route.prefix)
    assert route.plain(text) == plain.format(index=index.url, theirs=index.port)


@pytest.mark.parametrize(
    ("tag", "reference"),
    [
        ("", "https://{login}one.test/f/x.whl#sha256=1"),
        ('<base href="https://cdn.test/q/">', "https://cdn.test/f/x.whl#sha256=1"),
        ('<base href="//one.test/"><base href="https://no.test/">', "https://{login}one.test/f/x.whl#sha256=1"),
    ],
)
def test_links_are_absolute_and_carry_the_login_to_the_server_of_the_index_alone(tag: str, reference: str) -> None:
    text = html(f"{tag}<a href='../../../f/x.whl#sha256=1' data-yanked title='no'>x</a>")
    assert f'href="{reference.format(login="me%40home:p%2Fw@")}"' in text
    assert "data-yanked" in text
    assert "title" not in text


@pytest.mark.parametrize(
    "other", ["http://one.test/x.whl", "https://one.test:8443/x.whl", "https://one.test.evil/x.whl"]
)
def test_no_login_goes_to_another_port_or_scheme_or_host(other: str) -> None:
    assert f'href="{other}"' in html(f"<a href='{other}'>x</a>")


def test_attributes_survive_as_they_are_meant() -> None:
    text = html(
        '<a href="x.whl?a=1&amp;b=2" data-requires-python="&gt;=3,&lt;&quot;4" data-core-metadata="sha256=ab">x</a>'
    )
    assert 'data-requires-python="&gt;=3,&lt;&quot;4"' in text
    assert 'data-core-metadata="sha256=ab"' in text
    assert "x.whl?a=1&amp;b=2" in text


def test_a_page_in_another_encoding_is_read() -> None:
    page = Page(PLACE, "https://one.test/", "text/html; charset=latin-1", "<a href='é.whl'>x</a>".encode("latin-1"))
    assert "é.whl" in page_links.absolute(page)[1].decode()


def test_json_keeps_everything_but_its_urls() -> None:
    file = {"filename": "x.whl", "url": "x.whl", "yanked": "why", "core-metadata": {"sha256": "ab"}, "hashes": {}}
    told = json.loads(html(json.dumps({"name": "demo", "files": [file]}), kind=JSON))
    assert told == {"name": "demo", "files": [{**file, "url": "https://me%40home:p%2Fw@one.test/a/simple/demo/x.whl"}]}


@pytest.mark.parametrize(
    "body", ["[]", "{", '{"files": [1]}', '{"files": [{}]}', "[" * 200_000, '{"files": [{"url": "http://["}]}']
)
def test_a_page_that_cannot_be_read_is_told(body: str) -> None:
    with pytest.raises(IndexUnavailable, match=r"one\.test answered with what is no page of an index"):
        html(body, kind=JSON)


def test_a_packed_page_is_unpacked(index: Index) -> None:
    index.faults["/simple/demo"] = answering(gzip.compress(b"{}"), Content_Encoding="gzip")
    page = fetch(index)
    assert page is not None
    assert page.body == b"{}"


@pytest.mark.parametrize("cut", [10, 25])
def test_a_packed_page_that_ends_early_is_no_page(cut: int, index: Index) -> None:
    index.faults["/simple/demo"] = answering(gzip.compress(os.urandom(64))[:cut], Content_Encoding="gzip")
    with pytest.raises(IndexUnavailable, match="closed the connection"):
        fetch(index)


def test_a_page_that_unpacks_to_more_than_the_cap_is_refused(index: Index) -> None:
    index.faults["/simple/demo"] = answering(gzip.compress(bytes(pages.MOST_BYTES + 1), 1), Content_Encoding="gzip")
    with pytest.raises(IndexUnavailable, match="more than 64 MiB"):
        fetch(index)


def test_an_index_that_does_not_answer_is_left_when_the_time_is_over(index: Index) -> None:
    index.faults["/simple/demo"] = index.hang
    asked = Pages(index.sources(), {})
    with pytest.raises(IndexUnavailable, match="did not answer in time"):
        asked.fetch(asked.indexes[0], "demo", time.monotonic() + 0.2)


def test_an_encrypted_index_is_asked_with_the_certificates_that_pip_would_take(
    wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo")
    with over_tls(wheelhouse, tmp_path) as index:
        for trust in ({"certificate": str(tmp_path / "certificate.pem")}, {"trusted_hosts": ("127.0.0.1",)}):
            assert fetch(index, **trust) is not None
        with pytest.raises(IndexUnavailable, match="certificate is not trusted"):
            fetch(index)


@pytest.mark.parametrize(
    ("url", "there", "refused"),
    [
        ("http://one.test/simple/x/", "https://one.test/y/", ""),
        ("https://one.test/simple/x/", "https://two.test/y/", ""),
        ("https://one.test/simple/x/", "http://one.test/simple/x/", "which is not followed"),
        ("https://one.test/simple/x/", "https://me:pw@two.test/", "which is not followed"),
        ("https://one.test/simple/x/", "file:///etc/passwd", "which is not followed"),
        ("https://one.test/simple/x/", "https://one.test.evil/", "one.test sends us to one.test.evil, and nobody declared that host"),
    ],
)  # fmt: skip
def test_redirects_are_followed_to_declared_hosts_and_not_out_of_encryption(url: str, there: str, refused: str) -> None:
    asked = Pages(Sources(indexes=("https://one.test/simple", "https://two.test/simple"), implied=False), {})
    with pytest.raises(SessionPkgsError, match=refused) if refused else nullcontext():
        asked._permit(url, there)


def test_403_is_a_missing_name_for_the_one_index_that_is_known_to_say_so(index: Index) -> None:
    index.faults["http://"] = 403
    asked = [Pages(Sources(indexes=(f"http://{host}/whl",), implied=False), {"http_proxy": f"http://{index.host}"})
             for host in ("download.pytorch.org", "torch.test")]  # fmt: skip
    assert asked[0].fetch(asked[0].indexes[0], "demo", later()) is None
    with pytest.raises(IndexUnavailable, match="refused access"):
        asked[1].fetch(asked[1].indexes[0], "demo", later())
    assert index.requests == ["http://download.pytorch.org/whl/demo/", "http://torch.test/whl/demo/"]


def test_an_index_in_a_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "with space/demo").mkdir(parents=True)
    (tmp_path / "with space/demo/index.html").write_text("<a href='x.whl'>x</a>")
    asked = Pages(Sources(indexes=((tmp_path / "with space").as_uri(),), implied=False), {})
    page = asked.fetch(asked.indexes[0], "demo", later())
    assert page is not None
    assert (tmp_path / "with space/demo/x.whl").as_uri() in page_links.absolute(page)[1].decode()
    assert asked.fetch(asked.indexes[0], "absent", later()) is None


@pytest.mark.parametrize(
    ("sources", "single"),
    [
        (Sources(), True),
        (Sources(indexes=("https://a.test",), implied=False), True),
        (Sources(indexes=("https://a.test", "https://a.test/"), implied=False), True),
        (Sources(indexes=("https://a.test", "https://b.test"), implied=False), False),
        (Sources(indexes=("https://a.test",)), False),
        (Sources(indexes=("https://a.test", "https://b.test"), no_index=True), True),
        (Sources(indexes=(uv_config.default_index(),)), True),
    ],
)
def test_pip_is_told_directly_of_one_index_and_never_of_more(sources: Sources, single: bool) -> None:
    assert surroundings.is_single(sources) is single


def test_the_index_that_pip_uses_by_itself_comes_last() -> None:
    asked = pages.declared(Sources(indexes=("https://a.test", "https://b.test")))
    assert [one.url for one in asked] == ["https://a.test", "https://b.test", uv_config.default_index()]


def test_two_indexes_are_refused_where_pip_does_not_tell_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip._internal.models.index", None)
    with pytest.raises(IndexForbidden, match="cannot keep 2 indexes apart"):
        surroundings.is_single(Sources(indexes=("https://a.test",)))
