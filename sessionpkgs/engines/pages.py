"""Pages of package indexes, asked for by us: whether an index has a name, and what its page says (PEP 503, PEP 691).

Each index is asked as pip would ask it, with its login, certificates and proxies. Requests end at a deadline, pages at
a size, and redirects at the hosts that an engine may reach. It does not choose between indexes and reads no links.
"""

from __future__ import annotations

import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urljoin, urlsplit

from sessionpkgs.engines import fence, page_openers, uv_config, words
from sessionpkgs.errors import IndexUnavailable
from sessionpkgs.formats.wording import show
from sessionpkgs.settings import Sources

T = TypeVar("T")
MOST_BYTES = 64 << 20
"""Bytes of a page, unpacked."""
PATIENCE = 20.0
"""Seconds that an index may be silent; what pip is told too."""
MOST_REDIRECTS = 10
_WAITS = (0.25, 0.5)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FORBIDDING = frozenset({"download.pytorch.org"})  # answers 403 for what it does not have; uv knows that too
_NO_HEAD = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})


@dataclass(frozen=True, slots=True)
class Index:
    """A package index: its URL without a login, and the login that the URL had."""

    url: str
    user: str = ""
    password: str = ""

    @property
    def host(self) -> str:
        """Host and port."""
        return words.host_of(self.url)

    @property
    def login(self) -> str:
        """The login as a URL writes it, ``user:password@``; empty where there is none."""
        return f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user or self.password else ""

    def page(self, name: str) -> str:
        """URL of the page for *name*."""
        return f"{self.url.rstrip('/')}/{name}/"

    def is_at(self, url: str) -> bool:
        """Whether *url* has scheme, host and port of this index: where its login may go."""
        return (urlsplit(self.url).scheme, _server(self.url)) == (urlsplit(url).scheme, _server(url))


@dataclass(frozen=True, slots=True)
class Page:
    """What *index* answered for a name: where the page stands in the end, its content type and its bytes."""

    index: Index
    url: str
    kind: str
    body: bytes


def declared(sources: Sources) -> tuple[Index, ...]:
    """The indexes of *sources* in their order, each once; the engine's own last, where it counts and is known."""
    if sources.no_index:
        return ()
    implied = uv_config.default_index() if sources.implied and sources.indexes else ""
    known = {url.rstrip("/"): Index(*uv_config.without_login(url)) for url in (*sources.indexes, implied) if url}
    return tuple(known.values())


class Pages:
    """Asks the declared *indexes* of *sources*; *env* has the proxies, the certificates and the place of a netrc file."""

    def __init__(self, sources: Sources, env: Mapping[str, str]) -> None:
        self.indexes = declared(sources)
        self._sources, self._env = sources, env
        self._hosts = fence.allowed(sources)
        self._openers: dict[tuple[Index, bool, str], urllib.request.OpenerDirector] = {}
        self._lock = threading.Lock()
        self.over = threading.Event()
        """Set when nobody waits any longer: nothing is tried again."""

    def fetch(self, index: Index, name: str, until: float) -> Page | None:
        """The page of *name* on *index*, None where it does not have the name (404).

        What may pass is tried again, as pip does. Raises :class:`IndexUnavailable` for every other answer and for none.
        """
        if urlsplit(index.url).scheme == "file":
            return _in_folder(index, name)
        for wait in (*_WAITS, None):
            try:
                return self._once(index, index.page(name), until, self._page)
            except _Passing as passing:
                if wait is None or time.monotonic() + wait > until or self.over.wait(wait):
                    raise passing.meaning from None
        raise AssertionError

    def has(self, index: Index, name: str, until: float) -> bool:
        """Whether *index* has a page for *name*; its head alone is asked for, and once. Raises as :meth:`fetch`."""
        if urlsplit(index.url).scheme == "file":
            return _in_folder(index, name) is not None
        try:
            status = self._once(index, index.page(name), until, _status, _Head)
            if status in _NO_HEAD:
                status = self._once(index, index.page(name), until, _status)
        except _Passing as passing:
            raise passing.meaning from None
        if status != HTTPStatus.OK and not _is_lacking(status, index.page(name)):
            raise _refused(index.page(name), status)
        return status == HTTPStatus.OK

    def _once(
        self,
        index: Index,
        url: str,
        until: float,
        take: Callable[[HTTPResponse, Index, str, float], T],
        made: Callable[[str], str | urllib.request.Request] = str,
    ) -> T:
        """What *take* reads from the answer to one request, redirects followed. Raises _Passing where it failed."""
        if closed := self._hosts.closed(url):
            raise closed
        for _ in range(MOST_REDIRECTS):
            try:
                with self._opener(index, url).open(made(url), timeout=_left(until)) as answer:
                    if answer.status not in _REDIRECTS:
                        return take(answer, index, url, until)
                    there = urljoin(url, answer.headers.get("Location", ""))
            except (OSError, HTTPException, ValueError, zlib.error) as error:
                raise _Passing(_unreachable(url, getattr(error, "reason", error))) from None
            self._permit(url, there)
            url = there
        raise words.bad_answer(url, "sends every request on to another place (a redirect loop)")

    def _permit(self, url: str, there: str) -> None:
        """Refuse a redirect from *url* to a host that nobody declared, or out of an encrypted connection."""
        parts = urlsplit(there)
        if not self._hosts.allows(there):
            raise self._hosts.closed(there, url) or self._hosts.refusal([words.host_of(there)], url)
        if parts.scheme not in {"https", urlsplit(url).scheme} or "@" in parts.netloc:
            raise words.bad_answer(url, f"sends a request on to {show(there)}, which is not followed")

    def _page(self, answer: HTTPResponse, index: Index, url: str, until: float) -> Page | None:
        """The page that *answer* holds."""
        if _is_lacking(answer.status, url):
            return None
        if answer.status != HTTPStatus.OK:
            refused = _refused(url, answer.status)
            raise _Passing(refused) if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR else refused
        return Page(index, url, answer.headers.get("Content-Type", "Unknown"), _body(answer, url, until))

    def _opener(self, index: Index, url: str) -> urllib.request.OpenerDirector:
        """Who asks for *url*, with the login of *index* where that may go there."""
        key = (index, index.is_at(url), urlsplit(url).netloc + urlsplit(url).scheme)
        with self._lock:
            if key not in self._openers:
                login = (index.user, index.password) if index.is_at(url) else None
                self._openers[key] = page_openers.opener(url, login, self._sources, self._env)
            return self._openers[key]


def _server(url: str) -> str:
    """Host and port of *url*, the port left out where it is the usual one."""
    parts = urlsplit(url)
    port = {"http": 80, "https": 443}.get(parts.scheme) if parts.port is None else parts.port
    return f"{parts.hostname}:{'' if port in {80, 443} else port}"


class _Head(urllib.request.Request):
    """A request for the head of a page."""

    def get_method(self) -> str:
        """Not the whole page."""
        return "HEAD"


class _Passing(Exception):
    """A failure that may be gone at the next try, with its *meaning* where it is not."""

    def __init__(self, meaning: IndexUnavailable) -> None:
        super().__init__(str(meaning))
        self.meaning = meaning


def _in_folder(index: Index, name: str) -> Page | None:
    """The page of *name* in an index that is a folder of this machine."""
    path = Path(urllib.request.url2pathname(urlsplit(index.url).path), name)
    try:
        body = (path / "index.html").read_bytes() if path.is_dir() else None
    except OSError as error:
        raise words.bad_answer(index.url, f"cannot be read: {error.strerror}") from None
    return None if body is None else Page(index, index.page(name), "text/html", body)


def _is_lacking(status: int, url: str) -> bool:
    """Whether *status* says that there is no page at *url*."""
    forbidding = status == HTTPStatus.FORBIDDEN and urlsplit(url).hostname in _FORBIDDING
    return forbidding or status == HTTPStatus.NOT_FOUND


def _status(answer: HTTPResponse, *_: object) -> int:
    """The status of *answer*; its body is not read."""
    return answer.status


def _left(until: float) -> float:
    """Seconds that a server may be silent from now on. Raises TimeoutError where *until* has come."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return min(PATIENCE, left)


def _body(answer: HTTPResponse, url: str, until: float) -> bytes:
    """All bytes of *answer*, unpacked. Raises IncompleteRead where some are missing."""
    unpack = zlib.decompressobj(wbits=31) if answer.headers.get("Content-Encoding", "") == "gzip" else None
    got = bytearray()
    while chunk := answer.read1(1 << 16):
        _left(until)
        got += unpack.decompress(chunk, MOST_BYTES + 1 - len(got)) if unpack else chunk
        if len(got) > MOST_BYTES:
            raise words.bad_answer(url, f"answered with a page of more than {MOST_BYTES >> 20} MiB")
    if answer.length or (unpack and not unpack.eof):
        raise IncompleteRead(b"")
    return bytes(got)


def _refused(url: str, status: int) -> IndexUnavailable:
    """The error for an answer with *status*, worded as for an engine's own request."""
    said = words.unavailable(f"HTTP error {status} while getting {url}")
    return said or words.bad_answer(url, f"answered with an error ({status})", "Ask who runs this index.")


def _unreachable(url: str, why: object) -> IndexUnavailable:
    """The error for a request that got no answer."""
    said = words.unavailable(f"{url}: {type(why).__name__}: {why}")
    return said or words.bad_answer(url, f"cannot be reached: {why}", "Check the network, the proxy and the index URL.")
