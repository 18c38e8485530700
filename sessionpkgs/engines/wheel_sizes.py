"""Sizes of files that an index tells none of: one byte of each is asked for, which comes with the size of the whole.

Several are asked at a time, and whatever has not answered in time has no size. It sends no login.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from queue import Empty, SimpleQueue

from sessionpkgs.engines.fence import Hosts
from sessionpkgs.engines.wheel_listing import Ranges
from sessionpkgs.errors import SessionPkgsError, clean

AT_ONCE = 8
DEADLINE = 3.0
"""Seconds for all sizes together."""


def sizes(
    urls: Iterable[str],
    *,
    env: Mapping[str, str],
    certificate: str = "",
    deadline: float = DEADLINE,
    hosts: Hosts | None = None,
) -> dict[str, int]:
    """Bytes by URL (``https`` or ``http``), for those whose server says so within *deadline* seconds.

    A redirect is followed to *hosts* alone, by default those that belong to the host of the URL.
    """
    wanted: SimpleQueue[str] = SimpleQueue()
    asked = [url for url in dict.fromkeys(urls) if url.startswith(("https://", "http://")) and clean(url) == url]
    for url in asked:
        wanted.put(url)
    answers: SimpleQueue[tuple[str, int]] = SimpleQueue()
    until = time.monotonic() + deadline

    for _ in range(min(AT_ONCE, len(asked))):
        told = (wanted, answers, until, (env, certificate, hosts))
        threading.Thread(target=_ask, args=told, daemon=True, name="sessionpkgs wheel size").start()
    found: dict[str, int] = {}
    while len(found) < len(asked):
        try:
            url, size = answers.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        found[url] = size
    return {url: size for url, size in found.items() if size}


def _ask(
    wanted: SimpleQueue[str],
    answers: SimpleQueue[tuple[str, int]],
    until: float,
    how: tuple[Mapping[str, str], str, Hosts | None],
) -> None:
    """Ask for one size after the other until none is *wanted*; 0 where there is no answer."""
    while True:
        try:
            url = wanted.get_nowait()
        except Empty:
            return
        try:
            _, _, size = Ranges(url, max(0.01, until - time.monotonic()), *how).fetch("bytes=0-0")
        except SessionPkgsError:  # a size is a courtesy
            size = 0
        answers.put((url, size))
