"""What engines say about direct places: repositories, archives and wheels that a declaration names itself.

The texts of uv, pip and git are read together, since a place fails alike with both. It starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sessionpkgs.engines.words import NAME, squeeze
from sessionpkgs.errors import IntegrityError, NotFoundError, SessionPkgsError, SpecError, UnsafePackageError
from sessionpkgs.formats.wording import show

_BRANCH = re.compile(
    r"failed to fetch (?:branch or tag|commit|tag|branch) `([^`]+)`|git checkout -q (\S+)|pathspec '([^']+)'"
)
_CLONE = re.compile(r"failed to (?:clone|fetch) into|git clone |git fetch |does not appear to be a git repository")
_NAMES = (
    re.compile(rf"metadata name `(?P<is>{NAME})` does not match given name `(?P<given>{NAME})`"),
    re.compile(rf"package name `(?P<given>{NAME})` does not match `(?P<is>{NAME})` in the distribution filename"),
    re.compile(rf"metadata for package (?P<given>{NAME}) produced metadata for project name (?P<is>{NAME})"),
    re.compile(rf"(?P<given>{NAME}) has an invalid wheel, \.dist-info directory '(?P<is>[A-Za-z0-9_.]+?)-\d"),
)
_FILENAME = re.compile(r"wheel filename `([^`]+)` is invalid|Invalid wheel filename[^:]*: '([^']+)'")
_INSIDE = re.compile(
    r"does not start with the normalized package name|does not match package version|has an invalid wheel"
)
_REFUSED = re.compile(
    rf"Failed to install: \S+\.whl|Failed to extract archive|({NAME})(?:==\S+)? has invalid metadata|multiple entries with"
    rf"|({NAME}) has an invalid wheel|Bad metadata|For req: ({NAME})\S* Invalid script entry point name"
)
_REASONS = (
    ("multiple entries", "it holds one entry twice with different bytes"),
    ("Script path|installed outside the scripts", "a script in it has a path out of the folder for scripts"),
    (r"No such file or directory[^\n]*/bin/[^/\n]+/", "a script in it has a path instead of a name"),
    ("does not match filename", "its metadata tell another version than its file name"),
    ("invalid metadata", "its metadata cannot be read"),
)
_GONE = re.compile(r"404 (?:Not Found|Client Error)[^\n]*?\b(https?://[^\s)`'\"]+)")


def error(text: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The error for a direct place that *text* (an engine's output) tells of; None where it is about something else."""
    for read in (_name, _filename, _inside, _repository, _gone, _hidden, _wheel):
        if (found := read(text, asked)) is not None:
            return found
    return None


def hidden(name: str, place: str) -> UnsafePackageError:
    """The error for a *place* that only a distribution names: nobody here asked for it."""
    return UnsafePackageError(
        f"{name} is wanted from {place}, which a distribution names and this declaration does not",
        hint=f"If you trust it, write {name} @ {place} yourself.",
        item=name,
    )


def _hidden(text: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    """uv's word for a place that only a distribution names."""
    match = re.search(rf"`?({NAME})`? was included as a URL dependency.*?`{NAME} @ ([^`]+)`", text, re.DOTALL)
    return hidden(match[1], show(" ".join(match[2].split()))) if match else None


def _wheel(text: str, _asked: Sequence[str]) -> SessionPkgsError | None:
    """A wheel that the engine itself refuses to unpack."""
    match = _REFUSED.search(text)
    if match is None:
        return None
    wheel = re.search(r"[^\s/`'()\"]+\.whl", text)
    item = wheel.group() if wheel else next((found for found in match.groups() if found), "a wheel")
    why = next((said for pattern, said in _REASONS if re.search(pattern, text)), "")
    if not why and match.group().startswith("Failed to install"):
        return None  # a disk, a permission: not the wheel's fault
    why = why or "it is malformed"
    kind = UnsafePackageError if "path" in why or "script" in why else IntegrityError
    return kind(f"{item} cannot be trusted: {why}", hint="Ask who publishes it; nothing of it was kept.", item=item)


def _place(name: str, asked: Iterable[str]) -> str:
    """The line of the declaration with a direct place that mentions *name*, without a login."""
    lines = [line for line in asked if " @ " in line or "://" in line or line.startswith("-e ")]
    found = next((line for line in lines if name and name in line), lines[0] if len(lines) == 1 else "")
    return show(found, limit=300)


def _name(text: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """What lies there has another name."""
    match = next((found for pattern in _NAMES if (found := pattern.search(text))), None)
    if match is None:
        return None
    given, brought = match["given"].rstrip("."), match["is"].rstrip(".")
    place = _place(given, asked) or given
    _, _, where = place.partition(" @ ")
    return SpecError(
        f"{place} brings {brought}, not {given}",
        hint=f"Write {brought} @ {where}" if where else f"Write {brought}.",
        item=given,
    )


def _filename(text: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The file is not called as a wheel is."""
    match = _FILENAME.search(text)
    if match is None:
        return None
    name = match[1] or match[2]
    return SpecError(
        f"{_place(name, asked) or name} does not have the file name of a wheel",
        hint="Wheels are called name-version-python-abi-platform.whl (PEP 427).",
        item=name,
    )


def _inside(text: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The wheel's file name and what is in it differ."""
    match = _INSIDE.search(text)
    file = re.search(r"[^\s/`']+\.whl", text)
    if match is None or file is None:
        return None
    return IntegrityError(
        f"{_place(file.group(), asked) or file.group()} is another distribution or version than its file name says",
        hint="Build it again, or give the file the name it had.",
        item=file.group(),
    )


def _repository(text: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """git could not read the repository, or it lacks the branch, tag or commit."""
    if "git" not in text:
        return None
    place = _place("git+", asked) or "the repository"
    if match := _BRANCH.search(text):
        wanted = next(group for group in match.groups() if group)
        return NotFoundError(
            f"{place}: the repository has no branch, tag or commit {wanted}",
            hint="Check what stands behind the last @.",
            item=wanted,
        )
    if not _CLONE.search(text):
        return None
    said = re.search(r"fatal: [^\n]+", text)
    return NotFoundError(
        f"{place}: git cannot read the repository{f' ({squeeze(said.group())})' if said else ''}",
        hint="Check the URL; `!git ls-remote URL` shows what git says from here.",
        item=place,
    )


def _gone(text: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The server has no such file."""
    match = _GONE.search(text)
    if match is None or not any(match[1].split("#")[0] in line for line in asked):
        return None
    return NotFoundError(f"{show(match[1])} does not exist (404)", hint="Check the URL.", item=show(match[1]))
