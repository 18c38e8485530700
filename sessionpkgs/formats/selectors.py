"""Platform selectors: ``- pywin32  # [win]`` lines and ``sel(linux)`` keys.

They work on lines, before the text is parsed, as conda-lock does it. It does not know which platform this is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sessionpkgs.formats.origin import SELECTORS

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_COMMENT = re.compile(r"^\s*[^#\s].*?\s#\s*\[([^\[\]]{1,200})\]")
_DRESS = re.compile(r"^\s*(?:-\s+)?|\s#.*$")
_KEY = re.compile(r"sel\(\s*([^()]{1,200}?)\s*\)")


def choose(text: str, platform: AbstractSet[str]) -> tuple[str, tuple[str, ...]]:
    """Give *text* with the lines emptied whose selector is false on *platform*, and what stood on those lines.

    Lines keep their numbers.
    """
    lines = text.split("\n")
    stays = [_stays(line, platform) for line in lines]
    left_out = tuple(_DRESS.sub("", line).strip() for line, kept in zip(lines, stays, strict=True) if not kept)
    return "\n".join(line if kept else "" for line, kept in zip(lines, stays, strict=True)), left_out


def key(text: str, platform: AbstractSet[str]) -> bool | None:
    """Say whether the key ``sel(NAME)`` is true on *platform*; None when *text* is no such key."""
    found = _KEY.fullmatch(text)
    return None if found is None else holds(found[1], platform)


def holds(selector: str, platform: AbstractSet[str]) -> bool | None:
    """Say whether *selector* (names with ``and``, ``or``, ``not``) is true; None when a word in it is no selector."""
    truths = [_all_hold(part.split(), platform) for part in re.split(r"\bor\b", selector)]
    return None if None in truths else any(truths)


def _all_hold(words: list[str], platform: AbstractSet[str]) -> bool | None:
    """Truth of ``[not] NAME and [not] NAME …``."""
    truth, negated, expected = True, False, True
    for word in words:
        if expected and word == "not":
            negated = not negated
        elif expected and word in SELECTORS:
            truth, negated, expected = truth and ((word in platform) != negated), False, False
        elif not expected and word == "and":
            expected = True
        else:
            return None
    return None if expected else truth


def _stays(line: str, platform: AbstractSet[str]) -> bool:
    found = _COMMENT.match(line)
    return found is None or holds(found[1], platform) is not False
