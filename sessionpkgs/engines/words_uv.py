"""What uv's texts mean: which cause a failure had, and which names have no wheel.

It reads what ``uv pip`` prints on standard error and gives an error of the tree; it starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sessionpkgs.engines import words, words_places
from sessionpkgs.engines.words import NAME
from sessionpkgs.errors import SessionPkgsError

_REACH = re.compile(r"Failed to (?:fetch|download|query)|error sending request|Request failed|credentials")
_MISSING = re.compile(rf"({NAME}) was not found in (?:the package registry|the provided package locations)")
_BYTES = re.compile(
    r"[Hh]ash mismatch|[Ii]nvalid package format|unexpected BufError|unexpected end of file|is not a valid zip"
)
_USELESS = re.compile(rf"({NAME})(?:[<>=!~]\S*)? (?:has|have) no (?:wheels with a matching|usable wheels)")
_NO_VERSION = re.compile(rf"there (?:is|are) no versions? of ({NAME}\S*)")
_ONLY_THESE = re.compile(rf"only the following versions of {NAME} are available: (.*?) and you require ({NAME}\S*)")
_ONLY_THIS = re.compile(rf"only ({NAME}\S*) is available and you require ({NAME}\S*)")


def error(text: str, asked: Sequence[str]) -> SessionPkgsError:
    """The error for what uv printed when it could not resolve or install *asked*."""
    flat = _cause(text)
    for read in (_disk, _place, _bytes, _reach, _missing, _useless, _absent, _build):
        if (found := read(text, flat, asked)) is not None:
            return found
    return words.conflict(flat)


def sources_only(text: str) -> list[str]:
    """Names that uv says have no usable wheel in at least one version, in the order it names them."""
    flat = " ".join(text.split())
    found = re.findall(rf"hint: Wheels are required for `({NAME})`", flat)
    for part in re.split(r"have no usable wheels|has no usable wheels", flat)[:-1]:
        tail = re.findall(rf"(?:all versions of |\b)({NAME})(?:[<>=!~][^\s]*)?(?=[\s,]|$)", part)
        found += [name for name in tail[-1:] if name not in {"and", "of"}]
    return list(dict.fromkeys(found))


def _cause(text: str) -> str:
    """The chain of causes on one line, without what uv says around it."""
    _, _, said = text.partition("error: ")
    said = said.split("\nhint:", 1)[0]
    flat = words.squeeze(re.sub(r"^\s*cause: ", "", said, flags=re.MULTILINE)) or words.squeeze(text)
    flat = re.sub(r"^No solution found when resolving dependencies:? ?", "", flat)
    flat = re.sub(r"\{[^}]*\}", "", flat)
    flat = re.sub(r",? we can conclude that .*?(?=\. And because |$)", "", flat)
    return flat.removeprefix("Because ").replace(". And because ", ", and ")


def _disk(text: str, _flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    return words.disk_full() if words.NO_SPACE.search(text) else None


def _place(text: str, _flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    return words_places.error(text, asked)


def _bytes(text: str, flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    return words.wrong_bytes(flat) if _BYTES.search(text) else None


def _reach(text: str, _flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    return words.unavailable(text) if _REACH.search(text) else None


def _missing(text: str, flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    match = _MISSING.search(text)
    if match is None:
        return None
    by = re.search(rf"({NAME}\S*) depends on {re.escape(match.group(1))}\b", flat)
    return words.not_found(match.group(1), asked, by=by.group(1) if by else "")


def _useless(text: str, flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """Versions exist, none has a file for this Python."""
    match = _USELESS.search(flat)
    if match is None:
        return None
    tags = re.findall(r"hint: (?:You require[^\n]*but we only found|Wheels are available)[^\n]*", text)
    offered = words.squeeze(" ".join(tags)).replace("hint: ", "").replace("`", "")
    return words.no_wheel(match.group(1), offered, asked)


def _absent(_text: str, flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The name exists, the version does not."""
    if match := _NO_VERSION.search(flat):
        wanted = match.group(1).rstrip(",")
        by = re.search(rf"({NAME}\S*) depends on {re.escape(wanted)}", flat)
        return words.not_found(wanted, asked, version=True, by=by.group(1) if by else "")
    if match := _ONLY_THESE.search(flat) or _ONLY_THIS.search(flat):
        return words.not_found(match.group(2).rstrip(","), asked, offered=match.group(1))
    return None


def _build(text: str, flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    if "ailed to build" not in text and "build backend" not in text:
        return None
    item = re.search(rf"[Ff]ailed to (?:download and )?build `({NAME}(?:==[^`]+)?)", text)
    return words.not_built(item.group(1) if item else "", text)
