"""Sizes that servers tell: from those that give parts of files, and from those that do not, or never answer."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator

import pytest

from sessionpkgs.engines.at_once import AT_ONCE
from sessionpkgs.engines.wheel_sizes import sizes
from tests.engines.test_wheel_listing import Handler, redirect, serve
from tests.wheelhouse import Index, Wheelhouse, closed_port


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    with wheelhouse.index() as running:
        yield running


def test_the_size_of_each_file_is_told_for_one_byte_of_it(index: Index, wheelhouse: Wheelhouse) -> None:
    wheels = [wheelhouse.wheel(f"demo-{number}", files={"x": "x" * 500 * number}) for number in range(2 * AT_ONCE)]
    sent = serve(index)
    found = sizes([index.url_of(wheel) for wheel in wheels], env={}, deadline=60.0)
    assert found == {index.url_of(wheel): wheel.stat().st_size for wheel in wheels}
    assert sent == [1] * len(wheels)


def test_a_file_that_is_named_twice_is_asked_for_once(index: Index, wheelhouse: Wheelhouse) -> None:
    url = index.url_of(wheelhouse.wheel("demo"))
    sent = serve(index)
    assert [*sizes([url, url], env={}, deadline=60.0)] == [url]
    assert sent == [1]


def test_several_are_asked_at_a_time(index: Index, wheelhouse: Wheelhouse) -> None:
    together = threading.Barrier(AT_ONCE, timeout=30.0)
    serve(index)
    part = index.faults.pop("/files/")
    assert callable(part)

    def answer(handler: Handler) -> bool:
        together.wait()
        return part(handler)

    index.faults["/files/"] = answer
    wheels = [wheelhouse.wheel(f"demo-{number}") for number in range(AT_ONCE)]
    assert len(sizes([index.url_of(wheel) for wheel in wheels], env={}, deadline=60.0)) == AT_ONCE


@pytest.mark.parametrize("fault", [None, 404, 500, 401])
def test_a_server_that_gives_no_parts_of_files_tells_no_size(
    fault: int | None, index: Index, wheelhouse: Wheelhouse
) -> None:
    if fault:
        index.faults["/files/"] = fault
    assert sizes([index.url_of(wheelhouse.wheel("demo"))], env={}, deadline=60.0) == {}
    assert len(index.requests) == 1


@pytest.mark.parametrize("lie", ["1-1/{size}", "{first}-{last}/*", "x"])
def test_a_server_that_gives_another_part_is_not_believed(lie: str, index: Index, wheelhouse: Wheelhouse) -> None:
    serve(index, lie=lie)
    assert sizes([index.url_of(wheelhouse.wheel("demo"))], env={}, deadline=60.0) == {}


def test_nobody_waits_for_a_server_that_never_answers(index: Index, wheelhouse: Wheelhouse) -> None:
    wheels = [wheelhouse.wheel("slow"), wheelhouse.wheel("demo")]
    index.faults["/files/slow"] = index.hang
    serve(index)
    slow, quick = (index.url_of(wheel) for wheel in wheels)
    assert sizes([slow, quick], env={}, deadline=1.5) == {quick: wheels[1].stat().st_size}
    assert not index.closing.is_set()


def test_a_server_that_hangs_after_its_heading_ends_at_the_deadline(index: Index, wheelhouse: Wheelhouse) -> None:
    def trickle(handler: Handler) -> bool:
        handler.send_response(206)
        handler.send_header("Content-Range", "bytes 0-0/99")
        handler.send_header("Content-Length", "1")
        handler.end_headers()
        return index.hang(handler)

    index.faults["/files/"] = trickle
    assert sizes([index.url_of(wheelhouse.wheel("demo"))], env={}, deadline=0.5) == {}


def test_where_nobody_listens_there_is_no_size() -> None:
    assert sizes([f"http://127.0.0.1:{closed_port()}/demo.whl"], env={}, deadline=60.0) == {}


def test_a_url_with_a_login_is_not_asked_at_all(index: Index, wheelhouse: Wheelhouse) -> None:
    url = index.url_of(wheelhouse.wheel("demo"))
    serve(index)
    assert sizes([url.replace("://", "://me:s3cret@")], env={}, deadline=60.0) == {}
    assert index.requests == []


def test_a_url_with_a_login_is_not_shown_to_a_proxy(index: Index) -> None:
    env = {"http_proxy": f"http://{index.host}"}
    assert sizes(["http://me:s3cret@a.example/x.whl", "http://a.example/y.whl"], env=env, deadline=60.0) == {}
    assert index.requests == ["http://a.example/y.whl"]


def test_a_login_in_netrc_is_not_sent(index: Index, wheelhouse: Wheelhouse, surroundings) -> None:
    netrc = surroundings / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password s3cret\n")
    netrc.chmod(0o600)
    url = index.url_of(wheelhouse.wheel("demo"))
    serve(index)
    assert [*sizes([url], env={"HOME": str(surroundings), "NETRC": str(netrc)}, deadline=60.0)] == [url]
    assert index.logins == []


def test_a_redirect_does_not_bring_a_login_along(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    serve(index)
    index.faults["/moved"] = redirect(index.url_of(wheel).replace("://", "://me:s3cret@"))
    assert sizes([f"http://{index.host}/moved"], env={}, deadline=60.0) == {}
    assert index.logins == []
    assert base64.b64encode(b"me:s3cret").decode() not in "".join(index.requests)


@pytest.mark.parametrize(
    "url", ["", "demo.whl", "file:///etc/hostname", "ftp://a.example/w", "git+https://a.example/w"]
)
def test_what_is_not_on_a_web_server_is_not_asked(url: str) -> None:
    assert sizes([url], env={}, deadline=60.0) == {}
