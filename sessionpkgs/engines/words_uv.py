"""What uv's texts mean: which cause a failure had, and which names have no wheel.

It reads what ``uv pip`` prints on standard error and gives an error of the tree; it starts nothing. How uv argues when
no versions fit is read in ``words_chain.py``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sessionpkgs.engines import words, words_chain, words_conflict, words_places
from sessionpkgs.engines.words import NAME
from sessionpkgs.engines.words_conflict import name_of
from sessionpkgs.errors import SessionPkgsError
from sessionpkgs.formats.wording import show

_REACH = re.compile(r"Failed to (?:fetch|download|query)|error sending request|Request failed|credentials")
_NO_PAGE = re.compile(
    r"(Unsupported `Content-Type` \"[^\"]*\"|Missing `Content-Type` header|[Uu]nexpected (?:JSON|HTML)) (?:for|from) `([^`]+)`"
)
_LOST = re.compile(r"404 Not Found\)[^\n]*?\b(https?://[^\s)`'\"]+)")
_MISSING = re.compile(rf"({NAME}) was not found in (?:the package registry|the provided package locations)")
_BYTES = re.compile(
    r"[Hh]ash mismatch|[Ii]nvalid package format|unexpected BufError|unexpected end of file|is not a valid zip"
)
_MISMATCH = re.compile(r"[Hh]ash mismatch for `([^`]+)`\s+Expected:\s+\w+:([0-9a-f]+)\s+Computed:\s+\w+:([0-9a-f]+)")
_NO_VERSION = re.compile(rf"there (?:is|are) no versions? of ({NAME}\S*)")
_ONLY = re.compile(rf"only ({NAME}==\S+) is available")
_ONLY_THESE = re.compile(rf"only the following versions of {NAME} are available: (.*?) and you require ({NAME}\S*)")
_ONLY_THIS = re.compile(rf"only ({NAME}\S*) is available and you require ({NAME}\S*)")


def error(text: str, asked: Sequence[str]) -> SessionPkgsError:
    """The error for what uv printed when it could not resolve or install *asked*."""
    flat = _cause(text)
    for read in (_disk, _place, _bytes, _reach, _missing, _useless, _python, _absent, _build, _conflict):
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


def lists_nothing(text: str) -> bool:
    """Whether uv says that the page for a name lists no file: of any file it would name the version."""
    match = _NO_VERSION.search(_cause(text))
    return match is not None and re.fullmatch(NAME, match.group(1).rstrip(",")) is not None


def _cause(text: str) -> str:
    """The chain of causes on one line, without what uv says around it."""
    flat = "; ".join(words_chain.steps(text))
    return words.squeeze(flat or text)


def _disk(text: str, _flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    return words.disk_full() if words.NO_SPACE.search(text) else None


def _place(text: str, _flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    return words_places.error(text, asked)


def _bytes(text: str, flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    if match := _MISMATCH.search(text):
        name = show(match[1].partition(" @ ")[0], 60)
        return words.wrong_bytes(f"{name} has the hash {match[3][:16]}…, and {match[2][:16]}… was expected")
    return words.wrong_bytes(flat) if _BYTES.search(text) else None


def _reach(text: str, _flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    """The index could not be read, or what it gave is no page, or it lists a file that it does not have."""
    if found := _NO_PAGE.search(text):
        return words.no_page(found[2], found[1].replace("`", ""))
    if not _REACH.search(text):
        return None
    gone = _LOST.search(text)
    return words.unavailable(text) or (words.lost(gone[1]) if gone else None)


def _missing(text: str, flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    match = _MISSING.search(text)
    if match is None:
        return None
    by = re.search(rf"({NAME}\S*) depends on {re.escape(match.group(1))}\b", flat)
    return words.not_found(match.group(1), asked, by=by.group(1) if by else "")


def _useless(text: str, _flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """Versions exist, and none that is asked for has a file for this Python."""
    found = words_chain.wheelless(text, asked)
    if found is None:
        return None
    return words.no_wheel(found.wanted, found.offered, asked, by=found.by, here=words_chain.here(text))


def _python(text: str, _flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """All that is asked for is made for another Python."""
    wanted = words_chain.python_needed(text)
    if not wanted:
        return None
    chain = words_chain.read(text)
    item = next(name_of(fact.asker) for fact in chain.facts if name_of(fact.wanted) == "python")
    by = words_chain.asker(text, item, asked)
    return words.other_python(item, wanted, words_chain.here(text), asked, by=by)


def _absent(text: str, flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The name exists, the version does not."""
    chain, match = words_chain.read(text), _NO_VERSION.search(flat)
    wanted = match.group(1).rstrip(",") if match else ""
    by = re.search(rf"({NAME}\S*) depends? on {re.escape(wanted)}", flat)
    if lists_nothing(text):
        return words.no_file(wanted, asked, by=by.group(1) if by else "")
    if len({name_of(term) for term in chain.required}) > 1:
        return None
    if wanted:
        return words.not_found(wanted, asked, version=True, by=by.group(1) if by else "")
    there = {name_of(term) for term in (*chain.useless, *(fact.asker for fact in chain.facts))}
    for step in words_chain.steps(text):
        match = _ONLY_THESE.search(step) or _ONLY_THIS.search(step)
        if match and name_of(match.group(2)) not in there:
            return words.not_found(match.group(2).rstrip(","), asked, offered=match.group(1))
    return None


def _build(text: str, flat: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    if "ailed to build" not in text and "build backend" not in text:
        return None
    item = re.search(rf"[Ff]ailed to (?:download and )?build `({NAME}(?:==[^`]+)?)", text)
    return words.not_built(item.group(1) if item else "", text)


def _conflict(text: str, flat: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """No set of versions fits, and the chain says who needs what."""
    chain = words_chain.read(text)
    if not chain.required or (not chain.facts and len(chain.required) == 1):
        return None
    wanted = {name_of(fact.wanted) for fact in chain.facts}
    absent = [f"no index has {term.rstrip(',')}" for term in _NO_VERSION.findall(flat)]
    absent += [f"the only version is {term}" for term in _ONLY.findall(flat) if name_of(term) in wanted]
    return words_conflict.error(chain.facts, chain.required, asked, useless=chain.useless, absent=absent)
