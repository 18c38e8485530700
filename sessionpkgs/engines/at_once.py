"""Several are asked at a time and within one deadline: what has not answered by then, or answers nonsense, is left out.

It is for courtesies, which never fail what they are for. It does not know what is asked, nor whom.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from sessionpkgs.errors import SessionPkgsError

AT_ONCE = 8
_Asked = TypeVar("_Asked")
_Answer = TypeVar("_Answer")
_NONSENSE = (SessionPkgsError, ValueError, LookupError, TypeError, AttributeError, RecursionError)


def ask(
    wanted: Iterable[_Asked], look: Callable[[_Asked, float], _Answer], *, deadline: float, thread: str
) -> dict[_Asked, _Answer]:
    """What *look* says of each of *wanted*, told the seconds that are left; nobody begins after *deadline* seconds.

    Those for which it raises what a bad answer of a server leads to are left out. *thread* is what threads are called.
    """
    asked = list(dict.fromkeys(wanted))
    waiting, answers = SimpleQueue[_Asked](), SimpleQueue[tuple[_Asked, list[_Answer]]]()
    over, until = threading.Event(), time.monotonic() + deadline
    for one in asked:
        waiting.put(one)

    def work() -> None:
        with suppress(Empty):
            while not over.is_set():
                one = waiting.get_nowait()
                answers.put((one, _said(look, one, until)))

    for _ in range(min(AT_ONCE, len(asked))):
        threading.Thread(target=work, daemon=True, name=thread).start()
    found: dict[_Asked, list[_Answer]] = {}
    try:
        with suppress(Empty):
            while len(found) < len(asked):
                found.update([answers.get(timeout=max(0.0, until - time.monotonic()))])
    finally:
        over.set()
    return {one: said[0] for one, said in found.items() if said}


def _said(look: Callable[[_Asked, float], _Answer], one: _Asked, until: float) -> list[_Answer]:
    """What *look* says of *one*, empty where it fails."""
    try:
        return [look(one, max(0.01, until - time.monotonic()))]
    except _NONSENSE:
        return []
