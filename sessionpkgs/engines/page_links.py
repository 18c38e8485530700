"""A page of an index as it may be read elsewhere: every link on it absolute, with the login where that is needed.

pip sends a login only to the host of its index URL; where it reads a page from us, the links carry the login for it.
Nothing else on a page that pip reads is changed (PEP 503, 592, 658, 691, 714). It asks nobody.
"""

from __future__ import annotations

import json
import re
from email.message import Message
from html import escape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from sessionpkgs.engines import words
from sessionpkgs.engines.pages import Index, Page

JSON = "application/vnd.pypi.simple.v1+json"
_COUNTS = re.compile(r"href|data-[a-z0-9-]+")
_HTML = ("text/html", "application/vnd.pypi.simple.v1+html")


def absolute(page: Page) -> tuple[str, bytes]:
    """Content type and body of *page* with absolute links; any other thing than a page is given as it is.

    Raises :class:`IndexUnavailable` for a page that says it is one and cannot be read.
    """
    kind = page.kind.lower()
    try:
        if kind.startswith(JSON):
            return JSON, _json(page)
        if kind.startswith(_HTML):
            return "text/html; charset=utf-8", _html(page)
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError) as error:
        raise words.no_page(page.url, f"{type(error).__name__}: {error}") from None
    return page.kind, page.body


def _json(page: Page) -> bytes:
    """The page with its files' URLs made absolute."""
    told: dict[str, Any] = json.loads(page.body)
    for file in told.get("files", []):
        file["url"] = _link(page.index, page.url, str(file["url"]))
    return json.dumps(told).encode()


def _html(page: Page) -> bytes:
    """The page's anchors, which are all that counts on it, with their references made absolute."""
    header = Message()
    header["content-type"] = page.kind
    anchors = _Anchors()
    anchors.feed(page.body.decode(str(header.get_param("charset", "utf-8"))))
    base = urljoin(page.url, anchors.base)
    lines = [_anchor(page.index, base, attributes) for attributes in anchors.found]
    return "\n".join(("<!DOCTYPE html><html><body>", *lines, "</body></html>")).encode()


class _Anchors(HTMLParser):
    """The anchors of a page and the first base that it names."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.base = ""
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an anchor, or where the links count from."""
        if tag == "base":
            self.base = self.base or dict(attrs).get("href") or ""
        elif tag == "a":
            self.found.append(dict(attrs))


def _anchor(index: Index, base: str, attributes: dict[str, str | None]) -> str:
    """An anchor with *attributes*, its reference absolute."""
    if attributes.get("href"):
        attributes = {**attributes, "href": _link(index, base, str(attributes["href"]))}
    counting = ((key, value) for key, value in attributes.items() if _COUNTS.fullmatch(key))
    said = (key if value is None else f'{key}="{escape(value)}"' for key, value in counting)
    return f"<a {' '.join(said)}></a>"


def _link(index: Index, base: str, reference: str) -> str:
    """*reference* as it stands on a page at *base*, with the login of *index* where it is for the same server."""
    url = urljoin(base, reference.strip())
    parts = urlsplit(url)
    return parts._replace(netloc=index.login + parts.netloc).geturl() if index.login and index.is_at(url) else url
