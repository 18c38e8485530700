"""Heads of requests to a proxy and of answers from one, as they go on: what they say of connections is replaced by ours.

What is not plainly a request is refused, so that nobody reads it otherwise than we do (RFC 9112, 3.2 and 11.2). It
opens no connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

MOST = 1 << 16
_LINE = re.compile(r"([A-Z]{1,32}) ([^\x00-\x20\x7f]+) HTTP/1\.[01]")
_PLACE = r"(?P<place>(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?)"
_WEB = re.compile(rf"[Hh][Tt][Tt][Pp]://(?:[^/?#@\\]*@)?{_PLACE}(?P<path>(?:[/?].*)?)")
_TUNNEL = re.compile(_PLACE)
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_STATUS = re.compile(r"HTTP/1\.[01] (\d{3})(?: [^\x00\r\n]*)?")
_OURS = frozenset({
    "connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "upgrade", "expect", "host",
})  # fmt: skip
_THEIRS = frozenset({"connection", "proxy-connection", "keep-alive", "upgrade"})


class Source(Protocol):
    """What gives lines."""

    def readline(self, size: int, /) -> bytes:
        """The next line, *size* bytes of it at most; empty at the end."""


Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request for *host* and *port* with *method*. ``length`` are the bytes of its body, None where it comes in chunks."""

    method: str
    place: str
    host: str
    port: int
    path: str
    fields: Fields
    length: int | None
    waits: bool

    @property
    def line(self) -> str:
        """The request line as far as it names a host."""
        return f"{self.method} {self.place if self.method == 'CONNECT' else f'http://{self.place}/'} "

    def onward(self, login: str, *, whole: bool) -> bytes:
        """The head for the next server: a proxy that wants the *whole* URL, and maybe a *login*, or the host itself."""
        target = f"http://{self.place}{self.path}" if whole else self.path
        lines = [f"{self.method} {target} HTTP/1.1", f"Host: {self.place}", "Connection: close"]
        lines += [f"Proxy-Authorization: {login}"] if login else []
        lines += [f"{name}: {value}" for name, value in self.fields]
        return "\r\n".join((*lines, "", "")).encode("latin-1")


def connect(request: Request, login: str) -> bytes:
    """The head that asks a proxy for a tunnel to where *request* goes."""
    place = f"{request.host}:{request.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}", *([f"Proxy-Authorization: {login}"] if login else [])]
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def read(source: Source) -> str:
    """The lines of a head, without the empty one that ends it; "" where nothing came. Raises ValueError for nonsense."""
    lines: list[bytes] = []
    left = MOST
    while (line := source.readline(left)) != b"\r\n":
        left -= len(line)
        if not line and not lines:
            return ""
        if left <= 0 or not line.endswith(b"\r\n"):
            raise ValueError("the head does not end")
        lines.append(line[:-2])
    return b"\r\n".join(lines).decode("latin-1")


def request(head: str) -> Request:
    """The request that *head* says. Raises ValueError for what is none that a proxy gets."""
    first, *rest = head.split("\r\n")
    line = _LINE.fullmatch(first)
    tunnel = line is not None and line[1] == "CONNECT"
    where = (_TUNNEL if tunnel else _WEB).fullmatch(line[2]) if line else None
    if line is None or where is None or (tunnel and where["port"] is None):
        raise ValueError("not a request for a proxy")
    fields = _fields(rest)
    path = "" if tunnel else where["path"] if where["path"].startswith("/") else f"/{where['path']}"
    return Request(
        method=line[1],
        place=where["place"],
        host=where["host"],
        port=int(where["port"] or 80),
        path=path.partition("#")[0],
        fields=_kept(fields, _OURS),
        length=0 if tunnel else _length(fields),
        waits=any(name.lower() == "expect" for name, _ in fields),
    )


def answer(head: str) -> tuple[int, bytes]:
    """The status of an answer and its head for the client, who is told that the connection ends. Raises ValueError."""
    first, *rest = head.split("\r\n")
    status = _STATUS.fullmatch(first)
    if status is None:
        raise ValueError("not an answer")
    kept = [f"{name}: {value}" for name, value in _kept(_fields(rest), _THEIRS)]
    kept += ["Connection: close"] if int(status[1]) >= HTTPStatus.OK else []
    return int(status[1]), "\r\n".join((first, *kept, "", "")).encode("latin-1")


def _fields(lines: list[str]) -> Fields:
    """Name and value of each header. Raises ValueError for a line that is none, such as one that continues another."""
    found = [_FIELD.fullmatch(line) for line in lines]
    if None in found:
        raise ValueError("not a header")
    return tuple((one[1], one[2]) for one in found if one)


def _kept(fields: Fields, ours: frozenset[str]) -> Fields:
    """Those of *fields* that go on: all but *ours* and what ``Connection`` names."""
    named = {one.strip().lower() for name, value in fields if name.lower() == "connection" for one in value.split(",")}
    named -= {"content-length", "transfer-encoding"}
    return tuple((name, value) for name, value in fields if name.lower() not in ours | named)


def _length(fields: Fields) -> int | None:
    """Bytes of the body, None for chunks. Raises ValueError where that can be read in two ways."""
    lengths = [value for name, value in fields if name.lower() == "content-length"]
    codings = [value.lower() for name, value in fields if name.lower() == "transfer-encoding"]
    if len(lengths) + len(codings) > 1 or not all(re.fullmatch(r"\d{1,18}", one) for one in lengths):
        raise ValueError("not one length")
    if codings and codings != ["chunked"]:
        raise ValueError("not chunks")
    return None if codings else int(lengths[0]) if lengths else 0
