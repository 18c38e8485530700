"""Hosts and URLs as a policy compares them: where a line of a declaration leads, and what lies below what.

Pure. What cannot be read for certain leads to a host that nobody allows; a path on this machine leads to none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from sessionpkgs.errors import clean

NOWHERE = "a place that cannot be read"
"""Stands for the host of a URL that different programs would read differently."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCP = re.compile(
    r"(?:git\+|hg\+|bzr\+|svn\+)?(?:[^\s/@:]+@)?(?P<host>\[[^\]]+\]|[^\s/@:\[\]]+):(?P<rest>.*)", re.DOTALL
)
_LOCAL = frozenset({"", "localhost"})
_PORTS = {"http": 80, "https": 443}


def shown(text: str, limit: int = 200) -> str:
    """*text* for a message: without logins and control characters, and cut where it is very long."""
    bare = " ".join(clean(text).split())
    return bare if len(bare) <= limit else f"{bare[:limit]}…"


def place_of(line: str) -> str:
    """The place that a requirement *line* names itself (``name @ PLACE``, ``-e PLACE``, a bare one), "" where it names none."""
    from packaging.requirements import InvalidRequirement, Requirement

    text = line.strip()
    for option in ("-e ", "--editable ", "--editable="):
        text = text.removeprefix(option).strip()
    try:
        return Requirement(text).url or ""
    except InvalidRequirement:
        _, at, place = text.partition("@ ") if not _URL.match(text) else ("", "", "")
        return re.split(r"\s+[;#]|;\s", place.strip() if at else text, maxsplit=1)[0]


def host_of(place: str) -> str:
    """The host that the *place* (a URL, git's ``user@host:path``, a path) leads to, "" for this machine's files.

    Gives NOWHERE for what two programs could read as two hosts.
    """
    if not _URL.match(place):
        return _scp_host(place)
    if re.search(r"[\\\x00-\x20\x7f]", place):
        return NOWHERE
    try:
        parts = urlsplit(place)
        host = plain(parts.hostname or "")
        _ = parts.port
    except ValueError:
        return NOWHERE
    if parts.scheme.rpartition("+")[2] == "file":
        return "" if host in _LOCAL else host
    return host or NOWHERE


def _scp_host(place: str) -> str:
    """The host in git's short form of an address, "" where *place* is a path, a name or a version."""
    match = _SCP.fullmatch(place)
    if match is None or place.startswith(("/", ".", "~")) or match["host"].lower() == "file":
        return ""
    bare = "@" not in place and "+" not in place.partition(":")[0]
    if bare and not ("/" in match["rest"] or match["rest"].endswith(".git")):
        return ""
    return plain(match["host"].strip("[]"))


def plain(name: str) -> str:
    """The host *name* as a request has it; NOWHERE for one that no request can have."""
    try:
        name = name.lower() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return NOWHERE
    name = name.removesuffix(".")
    return name if re.fullmatch(r"[\w.:-]*", name) else NOWHERE


def is_below(name: str, host: str) -> bool:
    """Whether *name* is *host*, or a name below it."""
    return name == host or name.endswith(f".{host}")


def within(name: str, hosts: Iterable[str]) -> bool:
    """Whether *name* is one of *hosts* or below one."""
    return any(is_below(name, host) for host in hosts)


def common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The hosts that *first* and *second* both reach."""
    kept = [*(one for one in first if within(one, second)), *(one for one in second if within(one, first))]
    return tuple(dict.fromkeys(kept))


def same(url: str) -> str:
    """*url* in the form in which two are compared: no login, no port that is usual, no slash at the end."""
    try:
        parts = urlsplit(url.strip())
        host, port = plain(parts.hostname or ""), parts.port
    except ValueError:
        return url
    netloc = f"[{host}]" if ":" in host else host
    if port and port != _PORTS.get(parts.scheme):
        netloc = f"{netloc}:{port}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), parts.query, ""))
