"""Whether files are still where a record says, and what an index says of them now: a few small requests, no download.

Several are asked at a time within one deadline; whatever has not answered by then is not known. It sends no login.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from sessionpkgs.engines import at_once
from sessionpkgs.engines.fence import Hosts
from sessionpkgs.engines.wheel_listing import MOST_BYTES, Ranges
from sessionpkgs.errors import clean
from sessionpkgs.formats.wheel_files import filename_of
from sessionpkgs.formats.wording import show

DEADLINE = 2.5
"""Seconds for all files, or for all pages, together."""
THREAD = "sessionpkgs wheel presence"
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REFUSED = 400
_ANY = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
_WEB = ("https://", "http://")

Presence = Literal["there", "gone", ""]
Listing = Mapping[str, str | None]
"""File name and why it was yanked (PEP 592), None where it was not."""


def present(
    urls: Iterable[str],
    *,
    env: Mapping[str, str],
    certificate: str = "",
    deadline: float = DEADLINE,
    hosts: Hosts | None = None,
) -> dict[str, Presence]:
    """By URL whether the file is ``there`` or ``gone``; without an entry where nobody says so in time.

    A redirect is followed to *hosts* alone, by default those that belong to the host of the URL; where a policy limits
    those, nobody else is asked at all.
    """

    def look(url: str, left: float) -> Presence:
        if url.startswith("file://"):
            return "there" if os.path.exists(urllib.request.url2pathname(urlsplit(url).path)) else "gone"
        status, _, _ = _Status(url, left, env, certificate, hosts).fetch("bytes=0-0")
        if status in _GONE:
            return "gone"
        return "there" if status < _REFUSED or status == _ANY else ""

    known = ("file://", *_WEB)
    asked = (url for url in urls if url.startswith(known) and clean(url) == url)
    found = at_once.ask(asked, look, deadline=deadline, thread=THREAD)
    return {url: said for url, said in found.items() if said}


def listings(
    pages: Iterable[str],
    *,
    env: Mapping[str, str],
    certificate: str = "",
    deadline: float = DEADLINE,
    hosts: Hosts | None = None,
) -> dict[str, Listing]:
    """By URL of a project's page in a simple index (PEP 503, PEP 691) the files that it lists now; empty for none.

    For *hosts* see :func:`present`.
    """

    def look(url: str, left: float) -> Listing | None:
        status, body, _ = _Page(url, left, env, certificate, hosts).fetch("bytes=0-")
        if status in _GONE:
            return {}
        return _files(body, url) if status < _REFUSED else None

    asked = (url for url in pages if url.startswith(_WEB) and clean(url) == url)
    found = at_once.ask(asked, look, deadline=deadline, thread=THREAD)
    return {url: listed for url, listed in found.items() if listed is not None}


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
