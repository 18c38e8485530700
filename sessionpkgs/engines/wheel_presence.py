"""Whether files are still where a record says, and what an index says of them now: a few small requests, no download.

Several are asked at a time within one deadline; whatever has not answered by then is not known. It sends no login.
"""

from __future__ import annotations

import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from html.parser import HTMLParser
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import Any, Literal, TypeVar
from urllib.parse import urljoin, urlsplit

from sessionpkgs.engines.wheel_listing import MOST_BYTES, Ranges
from sessionpkgs.engines.wheel_sizes import AT_ONCE
from sessionpkgs.errors import SessionPkgsError, clean
from sessionpkgs.formats.wheel_files import filename_of
from sessionpkgs.formats.wording import show

DEADLINE = 2.5
"""Seconds for all files, or for all pages, together."""
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REFUSED = 400
_ANY = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
_WEB = ("https://", "http://")

Presence = Literal["there", "gone", ""]
Listing = Mapping[str, str | None]
"""File name and why it was yanked (PEP 592), None where it was not."""
_Answer = TypeVar("_Answer")


def present(
    urls: Iterable[str], *, env: Mapping[str, str], certificate: str = "", deadline: float = DEADLINE
) -> dict[str, Presence]:
    """By URL whether the file is ``there`` or ``gone``; without an entry where nobody says so in time."""

    def look(url: str, left: float) -> Presence:
        if url.startswith("file://"):
            return "there" if os.path.exists(urllib.request.url2pathname(urlsplit(url).path)) else "gone"
        status, _, _ = _Status(url, left, env, certificate).fetch("bytes=0-0")
        if status in _GONE:
            return "gone"
        return "there" if status < _REFUSED or status == _ANY else ""

    known = ("file://", *_WEB)
    found = _each((url for url in urls if url.startswith(known) and clean(url) == url), look, deadline)
    return {url: said for url, said in found.items() if said}


def listings(
    pages: Iterable[str], *, env: Mapping[str, str], certificate: str = "", deadline: float = DEADLINE
) -> dict[str, Listing]:
    """By URL of a project's page in a simple index (PEP 503, PEP 691) the files that it lists now; empty for none."""

    def look(url: str, left: float) -> Listing | None:
        asked = _Page(url, left, env, certificate)
        status, body, _ = asked.fetch("bytes=0-")
        if status in _GONE:
            return {}
        return _files(body, url) if status < _REFUSED else None

    found = _each((url for url in pages if url.startswith(_WEB) and clean(url) == url), look, deadline)
    return {url: listed for url, listed in found.items() if listed is not None}


def _each(urls: Iterable[str], look: Callable[[str, float], _Answer], deadline: float) -> dict[str, _Answer]:
    """What *look* says of each of *urls* within *deadline* seconds, several at a time; those that fail are left out."""
    asked = list(dict.fromkeys(urls))
    wanted: SimpleQueue[str] = SimpleQueue()
    answers: SimpleQueue[tuple[str, list[_Answer]]] = SimpleQueue()
    until = time.monotonic() + deadline
    for url in asked:
        wanted.put(url)

    for _ in range(min(AT_ONCE, len(asked))):
        told = (wanted, answers, look, until)
        threading.Thread(target=_ask, args=told, daemon=True, name="sessionpkgs wheel presence").start()
    found: dict[str, list[_Answer]] = {}
    while len(found) < len(asked):
        try:
            url, answer = answers.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            break
        found[url] = answer
    return {url: answer[0] for url, answer in found.items() if answer}


def _ask(
    wanted: SimpleQueue[str],
    answers: SimpleQueue[tuple[str, list[_Answer]]],
    look: Callable[[str, float], _Answer],
    until: float,
) -> None:
    """Look at one URL after the other until none is *wanted*."""
    while True:
        try:
            url = wanted.get_nowait()
        except Empty:
            return
        try:
            answers.put((url, [look(url, max(0.01, until - time.monotonic()))]))
        except (SessionPkgsError, ValueError):  # nobody said so
            answers.put((url, []))


class _Status(Ranges):
    """Asks for the status alone."""

    def _body(self, answer: Any, wanted: str, of: int | None) -> tuple[int, bytes, int]:
        del wanted, of
        return answer.status, b"", 0


class _Page(Ranges):
    """Asks for a whole page; one that is larger than a cap has no answer."""

    def _body(self, answer: Any, wanted: str, of: int | None) -> tuple[int, bytes, int]:
        del wanted, of
        got = bytearray()
        while chunk := answer.read1(1 << 16):
            self._left()
            got += chunk
            if len(got) > MOST_BYTES:
                raise ValueError("the page is too large")
        return answer.status, bytes(got), len(got)


def _files(body: bytes, url: str) -> Listing:
    """The files on a page of an index, in HTML or in JSON."""
    text = body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        told = json.loads(text)
        return {str(file["filename"]): _why(file.get("yanked", False)) for file in told.get("files", [])}
    page = _Links(url)
    page.feed(text)
    return page.found


def _why(yanked: object) -> str | None:
    """The reason in the JSON form's ``yanked``, which is a text or a truth value."""
    if yanked is False or yanked is None:
        return None
    return show(yanked) if isinstance(yanked, str) else ""


class _Links(HTMLParser):
    """The links of a page and why each was yanked."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self.found = url, dict[str, str | None]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link."""
        said = dict(attrs)
        if tag == "a" and said.get("href"):
            name = filename_of(urljoin(self._url, str(said["href"])))
            self.found[name] = show(said["data-yanked"] or "") if "data-yanked" in said else None
