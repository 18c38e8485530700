"""The shape of requirement lines: how physical lines join, and the options that stand on one.

The grammar is pip's (pip/_internal/req/req_file.py). It does not know what an option means.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sessionpkgs.formats.wording import show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessionpkgs.formats.requirement_lines import Line

VALUED = frozenset({"--index-url", "--extra-index-url", "--find-links", "--requirement", "--constraint", "--editable"})
"""Options that take a value."""

HINTS = {
    "--hash": "Write it behind its requirement; a line is continued with \\ at its end.",
    "--trusted-host": "Set trusted-host in pip's own configuration (pip config set global.trusted-host HOST).",
    "--install-option": "pip has removed it: leave it out.",
    "--global-option": "pip has removed it: leave it out.",
}
"""What to do about options that are not read."""

INDEX = re.compile(r"(?:https?|file)://\S+", re.IGNORECASE)
"""The URL of an index."""

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_HEX = {"sha256": 64, "sha384": 96, "sha512": 128}
_SHORT = {"-i": "--index-url", "-f": "--find-links", "-r": "--requirement", "-c": "--constraint", "-e": "--editable"}


def logical_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Lines with their first number and column: continuations joined, comments and blank lines gone (pip's join_lines)."""
    parts: list[str] = []
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        start = start if parts else number
        comment = _COMMENT.match(line) is not None
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
            continue
        yield from _bare(start, "".join([*parts, f" {line}" if comment else line]))
        parts = []
    yield from _bare(start, "".join(parts))


def without_comment(text: str) -> str:
    """*text* up to the comment that ends it."""
    return _COMMENT.sub("", text)


def options(text: str, line: Line) -> Iterator[tuple[str, str]]:
    """Give the options of *text* as (long name, value); a flag has an empty value.

    Raises:
        SpecError: a quotation mark that is not closed, or a word that belongs to no option.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise line.refusal("has a quotation mark that is not closed", "Close it, or leave it out.") from error
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word[:2] in _SHORT:
            name, equals, value = _SHORT[word[:2]], word[2:], word[2:]
        if not name.startswith("-"):
            raise line.refusal(
                f"has {show(word)!r} after its options",
                "Write one requirement per line, and options for all of them on lines of their own.",
            )
        if not equals and (name in VALUED or name == "--hash") and words:
            value = words.pop(0)
        yield name, value


def hash_of(option: str, value: str, line: Line) -> str:
    """Give a ``--hash`` as ``sha256:…``.

    Raises:
        SpecError: another option, or a hash that can never match.
    """
    if option != "--hash":
        raise line.refusal(f"has the option {show(option)}, which is not read", HINTS.get(option, "Leave it out."))
    kind, _, digits = value.partition(":")
    if len(digits) != _HEX.get(kind) or not re.fullmatch(r"[0-9a-fA-F]+", digits):
        raise line.refusal("has a hash that is not sha256, sha384 or sha512", "Write --hash=sha256: and 64 hex digits.")
    return f"{kind}:{digits.lower()}"


def _bare(number: int, line: str) -> Iterator[tuple[int, int, str]]:
    if stripped := _COMMENT.sub("", line).strip():
        yield number, line.index(stripped) + 1, stripped


def _port(url: str) -> bool:
    """Whether the port in *url*, if there is one, is a number that a port can have."""
    try:
        return (urlsplit(url).port or 0) >= 0
    except ValueError:
        return False


def index_url(value: str, line: Line) -> str:
    """Give the URL of an index.

    Raises:
        SpecError: it is none.
    """
    if not INDEX.fullmatch(value) or not _port(value):
        raise line.refusal(
            "names an index that is not a URL", "Write https://HOST/PATH; for a folder use --find-links."
        )
    return value
