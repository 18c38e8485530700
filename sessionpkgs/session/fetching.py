"""One file from a URL: streamed to the disk within a deadline and a size, hashed on the way, from hosts that may be asked.

It sends the login that the URL has to the host of that URL alone, and none is ever shown. It does not look into the file.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from urllib.parse import unquote, urljoin, urlsplit

from sessionpkgs.engines import fence, page_openers, words
from sessionpkgs.errors import (
    DeadlineError,
    IndexUnavailable,
    NotFoundError,
    SessionPkgsError,
    UnsafePackageError,
    conceal,
)
from sessionpkgs.formats.wording import show
from sessionpkgs.settings import Sources

MOST = 8 << 30
"""Bytes that one file may have; the largest wheels there are have half of that."""
PATIENCE = 30.0
"""Seconds that a server may be silent."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 10
_CHUNK = 1 << 18


def _nothing() -> None:
    """Hear a tick and do nothing."""


def _any(_: int) -> None:
    """Let any number of bytes come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How a file is fetched: *sources* have the certificates and the hosts that may be reached beside that of the URL (where
    they have a limit, only those), *env* has the proxies. At most *most* bytes within *deadline* seconds; *admit* hears how
    many came and may raise.
    """

    sources: Sources
    env: Mapping[str, str]
    deadline: float = 900.0
    most: int = MOST
    tick: Callable[[], None] = _nothing
    admit: Callable[[int], None] = _any


def fetch(url: str, target: str, bounds: Bounds) -> str:
    """Write what lies at *url* (``https`` or ``http``) to the new file *target* and give its SHA-256.

    Raises :class:`IndexForbidden` for a host that may not be asked, :class:`NotFoundError`, :class:`IndexUnavailable`,
    :class:`UnsafePackageError` for a file that is too large, :class:`DeadlineError`, and OSError for what the disk of
    *target* refuses.
    """
    conceal(url)
    plain, login = _without_login(url)
    hosts = fence.allowed(replace(bounds.sources, indexes=(), implied=False, find_links=()), (plain,))
    if closed := hosts.closed(plain):
        raise closed
    at, until = plain, time.monotonic() + bounds.deadline
    for _ in range(_MOST_REDIRECTS):
        allowed = login if _server(at) == _server(plain) else None
        with _open(at, allowed, bounds, _left(until, plain, bounds)) as answer:
            if answer.status not in _REDIRECTS:
                return _take(answer, plain, target, until, bounds)
            there = urljoin(at, answer.headers.get("Location", ""))
        if not hosts.allows(there):
            raise hosts.closed(there, at) or hosts.refusal([words.host_of(there)], at)
        if urlsplit(there).scheme not in {"https", urlsplit(at).scheme} or "@" in urlsplit(there).netloc:
            raise _bad(at, f"sends a request on to {show(there)}, which is not followed", "Give the file's own URL.")
        at = there
    raise _bad(plain, "sends every request on to another place (a redirect loop)", "Give the file's own URL.")


def _open(url: str, login: tuple[str, str] | None, bounds: Bounds, patience: float) -> HTTPResponse:
    """The answer to a request for the file at *url*, as it is on the server."""
    asked = page_openers.opener(url, login, bounds.sources, bounds.env)
    asked.addheaders = [pair for pair in asked.addheaders if not pair[0].startswith("Accept")]
    asked.addheaders += [("Accept", "*/*"), ("Accept-Encoding", "identity")]
    try:
        answer: HTTPResponse = asked.open(url, timeout=patience)
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(url, getattr(error, "reason", error)) from None
    return answer


def _without_login(url: str) -> tuple[str, tuple[str, str]]:
    """*url* without user and password, and these two."""
    parts = urlsplit(url)
    login = (unquote(parts.username or ""), unquote(parts.password or ""))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl(), login


def _server(url: str) -> tuple[str, str]:
    """Scheme, host and port: where a login may go."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()


def _take(answer: HTTPResponse, url: str, target: str, until: float, bounds: Bounds) -> str:
    """The SHA-256 of the body of *answer*, which is written to *target*."""
    if answer.status != HTTPStatus.OK:
        raise _refused(url, answer.status)
    digest, size = hashlib.sha256(), 0
    with open(target, "wb") as sink:
        while chunk := _chunk(answer, url):
            _left(until, url, bounds)
            size += len(chunk)
            if size > bounds.most:
                raise UnsafePackageError(
                    f"{show(url)} has more than {bounds.most >> 20:,} MB, which are the most that one file may have",
                    hint="Fetch it yourself and look at it before you add it.",
                    item=show(url),
                )
            bounds.admit(size)
            digest.update(chunk)
            sink.write(chunk)
            bounds.tick()
    if answer.length:
        raise _bad(url, "closed the connection before the end of the file", "Try again.")
    return digest.hexdigest()


def _chunk(answer: HTTPResponse, url: str) -> bytes:
    """The next bytes of *answer*; none at its end."""
    try:
        return answer.read1(_CHUNK)
    except (OSError, HTTPException, ValueError) as error:
        raise _unreachable(url, error) from None


def _left(until: float, url: str, bounds: Bounds) -> float:
    """Seconds that a server may be silent from now on. Raises :class:`DeadlineError` where none are left."""
    left = until - time.monotonic()
    if left <= 0:
        raise DeadlineError(
            f"{show(url)} took longer than {bounds.deadline:.0f} s", hint="Raise the setting deadline.", item=show(url)
        )
    return min(PATIENCE, left)


def _refused(url: str, status: int) -> SessionPkgsError:
    """The error for an answer with another *status* than that all is well."""
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return NotFoundError(f"{show(url, 300)} is not there ({status})", hint="Check the URL.", item=show(url))
    return _told(f"HTTP error {status} while getting {url}", url, f"answered with an error ({status})")


def _unreachable(url: str, why: object) -> IndexUnavailable:
    """The error for a request that got no answer, or not a whole one."""
    return _told(f"{url}: {type(why).__name__}: {why}", url, f"cannot be reached: {why}")


def _told(text: str, url: str, otherwise: str) -> IndexUnavailable:
    """The error for what *text* says happened at *url*; *otherwise* is what to say where nobody knows it."""
    said = words.unavailable(text)
    if said is None:
        return _bad(url, otherwise, "Check the network, the proxy and the URL.")
    return _bad(
        url,
        said.sentence.removeprefix(f"the package index {words.host_of(url)}").strip(),
        "Check the login, the network and the proxy.",
    )


def _bad(url: str, said: str, hint: str) -> IndexUnavailable:
    """The error for the server of *url*, which does what *said* tells."""
    return IndexUnavailable(f"{words.host_of(url)} {show(said, 300)}", hint=hint, item=show(url))
