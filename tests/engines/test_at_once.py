"""Several are asked at a time, and whatever goes wrong with one is nobody else's affair."""

from __future__ import annotations

import threading

import pytest

from sessionpkgs.engines import at_once
from sessionpkgs.errors import IndexUnavailable

THREAD = "test at once"


def test_each_is_asked_once_and_told_what_time_is_left() -> None:
    asked: list[tuple[str, bool]] = []

    def look(one: str, left: float) -> str:
        asked.append((one, 0 < left <= 60.0))
        return one.upper()

    assert at_once.ask(["a", "b", "a"], look, deadline=60.0, thread=THREAD) == {"a": "A", "b": "B"}
    assert sorted(asked) == [("a", True), ("b", True)]


@pytest.mark.parametrize(
    "error", [IndexUnavailable("no"), ValueError(), KeyError(), IndexError(), TypeError(), AttributeError(), RecursionError()]
)  # fmt: skip
def test_one_that_fails_is_left_out_and_the_others_answer(error: Exception) -> None:
    def look(one: str, _left: float) -> str:
        if one == "bad":
            raise error
        return one

    names = [str(number) for number in range(2 * at_once.AT_ONCE)]
    assert at_once.ask(["bad", *names], look, deadline=60.0, thread=THREAD) == {name: name for name in names}


def test_what_is_late_is_left_out_and_nobody_begins_afterwards() -> None:
    going, begun = threading.Event(), []

    def look(one: int, _left: float) -> int:
        begun.append(one)
        if one:
            going.wait()
        return one

    assert at_once.ask(range(3 * at_once.AT_ONCE), look, deadline=0.3, thread=THREAD) == {0: 0}
    going.set()
    for thread in [one for one in threading.enumerate() if one.name == THREAD]:
        thread.join()
    assert len(begun) == at_once.AT_ONCE + 1
