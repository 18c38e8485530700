"""Answers of odd servers about files and pages: none of them fails who asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sessionpkgs.engines.wheel_presence import listings, present
from tests.wheelhouse import Index, Wheelhouse


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    with wheelhouse.index() as running:
        yield running


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"files": 1}', b'{"files": [1]}', b'{"files": [{}]}', b'{"files": {"a": 1}}', b'{"files": null}', b'{"a":' * 9000],
)  # fmt: skip
def test_a_page_that_is_no_page_is_left_out_and_the_next_one_is_read(
    body: bytes, index: Index, wheelhouse: Wheelhouse
) -> None:
    wheel = wheelhouse.wheel("demo")
    index.faults["/simple/odd/"] = lambda handler: handler.answer(200, body) is None  # type: ignore[attr-defined]
    odd, fine = f"{index.url}/odd/", f"{index.url}/demo/"
    assert listings([odd, fine], env={}, deadline=30.0) == {fine: {wheel.name: None}}


def test_a_file_is_there_or_gone_or_nobody_says_so(index: Index, wheelhouse: Wheelhouse) -> None:
    there = index.url_of(wheelhouse.wheel("demo"))
    index.faults["/files/ill"] = 500
    gone, ill = f"http://{index.host}/files/gone.whl", f"http://{index.host}/files/ill.whl"
    assert present([there, gone, ill], env={}, deadline=30.0) == {there: "there", gone: "gone"}
