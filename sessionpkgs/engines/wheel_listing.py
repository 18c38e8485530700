"""The modules in a wheel, told by the list at its end: a few range requests instead of a download.

It trusts nobody: requests, bytes and seconds are capped, and an answer that is not what was asked for ends it. It knows
no index, sends no login, and does not say whether a wheel fits this Python; that is the engine's choice.
"""

from __future__ import annotations

import io
import os
import re
import struct
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from http.client import HTTPException
from importlib.machinery import all_suffixes
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from sessionpkgs._version import __version__
from sessionpkgs.engines import openers
from sessionpkgs.engines.fence import Hosts, allowed
from sessionpkgs.engines.words import host_of
from sessionpkgs.errors import DeadlineError, IndexUnavailable, IntegrityError, SessionPkgsError
from sessionpkgs.formats.wording import show
from sessionpkgs.settings import Sources

FIRST = 256 << 10
"""Bytes of the first request: the whole list of most wheels."""
MOST_BYTES = 4 << 20
MOST_REQUESTS = 8
THREAD = "sessionpkgs wheel listing"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_DATA = re.compile(r"[^/]+\.data/(?:purelib|platlib)/")


def modules(
    url: str, *, deadline: float, env: Mapping[str, str], certificate: str = "", hosts: Hosts | None = None
) -> frozenset[str]:
    """Dotted names of the modules in the wheel at *url* (``https``, ``http`` or ``file``) that this Python can import.

    *hosts* alone are asked, redirects too, by default those that belong to the host of *url*.
    *certificate* is a CA bundle; without one ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` of *env* count, as its proxies do.
    Whatever the network does, the caller waits at most *deadline* seconds. Raises :class:`IndexUnavailable` where the
    server has no ranges, the URL has a login or a cap is reached, :class:`IntegrityError` where the file is not a wheel,
    :class:`IndexForbidden` for a host that a policy closes, and :class:`DeadlineError`.
    """
    parts = _permitted(url, ("https", "http", "file"))
    if parts.scheme == "file":
        return _of_file(parts)
    answers: SimpleQueue[frozenset[str] | SessionPkgsError] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(_listed(_Tail(Ranges(url, deadline, env, certificate, hosts)), url))
        except SessionPkgsError as error:
            answers.put(error)

    # Looking up a host name heeds no timeout, hence the thread; Ctrl-C reaches the one that waits.
    threading.Thread(target=ask, daemon=True, name=THREAD).start()
    try:
        answer = answers.get(timeout=max(0.0, deadline))
    except Empty:
        raise _late(url, deadline) from None
    if isinstance(answer, SessionPkgsError):
        raise answer
    return answer


def module_names(paths: Iterable[str]) -> frozenset[str]:
    """Dotted names of what *paths* of a wheel give to import: files that Python loads and the folders right above them.

    A folder that has only folders in it is left out: it is a namespace (PEP 420) that no distribution owns.
    """
    suffixes, found = all_suffixes(), set[str]()
    for path in paths:
        place = _DATA.sub("", path, count=1)
        suffix = next((one for one in suffixes if place.endswith(one)), "")
        parts = place[: -len(suffix)].split("/") if suffix else []
        if parts and all(part.isidentifier() for part in parts):
            found |= {".".join(parts), ".".join(parts[:-1])}
    return frozenset(name for name in found if name and name.rpartition(".")[2] != "__init__")


def _permitted(url: str, schemes: tuple[str, ...]) -> SplitResult:
    """*url* in parts. Raises :class:`IndexUnavailable` for another scheme and for a login, which is nobody's to send."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _bad(url, "is not a URL") from None
    if parts.scheme not in schemes:
        raise _bad(url, f"is not {' or '.join(schemes)}")
    if "@" in parts.netloc:
        raise _bad(url, "has a login")
    return parts


def _of_file(parts: SplitResult) -> frozenset[str]:
    """Modules in a wheel on this machine."""
    path = urllib.request.url2pathname(parts.path)
    try:
        with open(path, "rb") as source:
            return _listed(source, path)
    except OSError as error:
        raise _bad(path, f"cannot be read: {error.strerror}") from None


def _listed(source: Any, place: str) -> frozenset[str]:
    """Modules in the zip file *source*."""
    try:
        with zipfile.ZipFile(source) as wheel:
            return module_names(wheel.namelist())
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
        raise IntegrityError(f"{show(place)} is not a wheel: {show(str(error))}", item=show(place)) from None


class _Tail(io.RawIOBase):
    """A remote file of which the end is here; what stands before it is fetched when it is read."""

    def __init__(self, server: Ranges) -> None:
        self._server = server
        self._start, self._kept, self._size = server.fetch(f"bytes=-{FIRST}")
        self._at = 0

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move to *offset*. Raises ValueError before the beginning, as files do."""
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError("before the beginning")
        self._at = at
        return at

    def read(self, size: int | None = -1, /) -> bytes:
        """The next *size* bytes, all that are left where it is negative."""
        end = self._size if size is None or size < 0 else min(self._size, self._at + size)
        if self._at < min(self._start, end):
            start, before, _ = self._server.fetch(f"bytes={self._at}-{self._start - 1}", of=self._size)
            self._start, self._kept = start, before + self._kept
        got = self._kept[self._at - self._start : end - self._start] if end > self._at else b""
        self._at += len(got)
        return got


class Ranges:
    """Who has the file at *url*, asked for ranges of it until a cap is reached."""

    def __init__(
        self, url: str, deadline: float, env: Mapping[str, str], certificate: str, hosts: Hosts | None = None
    ) -> None:
        self._hosts = hosts or allowed(Sources(implied=False), (url,))
        if closed := self._hosts.closed(url):
            raise closed
        self._url, self._deadline, self._until = url, deadline, time.monotonic() + deadline
        self._requests, self._bytes = MOST_REQUESTS, MOST_BYTES
        try:
            self._opener = openers.opener(urlsplit(url), env, certificate)
        except (OSError, ValueError) as error:  # a bundle of certificates that is not there or is none
            raise _bad(url, f"cannot be asked: {error}") from None

    def fetch(self, wanted: str, *, of: int | None = None) -> tuple[int, bytes, int]:
        """Where the range *wanted* begins, its bytes, and the size of the whole file, which must be *of*."""
        self._opener.addheaders = [("User-Agent", f"sessionpkgs/{__version__}"), ("Range", wanted)]
        try:
            while True:
                self._requests = self._spend(self._requests, 1)
                with self._opener.open(self._url, timeout=self._left()) as answer:
                    if answer.status not in _REDIRECTS:
                        return self._body(answer, wanted, of)
                    there = urljoin(self._url, answer.headers.get("Location", ""))
                _permitted(there, (urlsplit(self._url).scheme,))
                if not self._hosts.allows(there):
                    away = _bad(self._url, f"sends us to {host_of(there)}, and nobody declared that host")
                    raise self._hosts.closed(there, self._url) or away
                self._url = there
        except (OSError, HTTPException, ValueError) as error:
            self._left()
            raise _bad(self._url, f"cannot be read: {getattr(error, 'reason', error)}") from None

    def _body(self, answer: Any, wanted: str, of: int | None) -> tuple[int, bytes, int]:
        """What *answer* holds, if it is the range *wanted* of a file of the size *of*."""
        partial = answer.status == HTTPStatus.PARTIAL_CONTENT
        match = _RANGE.fullmatch(answer.headers.get("Content-Range", "")) if partial else None
        if match is None:
            raise _bad(self._url, f"comes from a server that does not give parts of files (status {answer.status})")
        first, last, size = map(int, match.groups())
        tail = (max(0, size - FIRST), size - 1)
        promised = (first, last) == tail if wanted == f"bytes=-{FIRST}" else wanted == f"bytes={first}-{last}"
        if not promised or of not in {None, size}:
            raise _bad(self._url, "comes from a server that gives other parts of files than it was asked for")
        self._bytes = self._spend(self._bytes, last - first + 1)
        return first, self._read(answer, last - first + 1), size

    def _read(self, answer: Any, length: int) -> bytes:
        """*length* bytes of *answer*, however slowly they come, within the deadline."""
        got = bytearray()
        while len(got) < length:
            self._left()
            chunk = answer.read1(min(1 << 16, length - len(got)))
            if not chunk:
                raise _bad(self._url, "ended early")
            got += chunk
        return bytes(got)

    def _left(self) -> float:
        """Seconds that are left. Raises :class:`DeadlineError` where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise _late(self._url, self._deadline)
        return left

    def _spend(self, left: int, some: int) -> int:
        """What stays of *left* without *some*. Raises :class:`IndexUnavailable` where that is too much."""
        if some > left:
            raise _bad(self._url, "needs more requests or bytes than its list of files is worth")
        return left - some


def _bad(place: str, why: str) -> IndexUnavailable:
    """The refusal for *place*."""
    return IndexUnavailable(f"{show(place)} {show(why)}", item=show(place))


def _late(url: str, deadline: float) -> DeadlineError:
    """The refusal for an answer that did not come in time."""
    return DeadlineError(f"{show(url)} did not answer within {deadline:.1f} s", item=show(url))
