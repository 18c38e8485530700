"""How refusals and notices are worded: shortened, without secrets, all problems of one text in one message.

It knows no format: what is wrong, and where, comes from the readers.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sessionpkgs.errors import SpecError, clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LISTED = 9
"""How many further problems a message lists before it only counts."""

_LOGIN = re.compile(r"(?<=://)[^/\s]*@")
_QUERY = re.compile(r"(?<=[^\s?])\?[^\s#?]*(?:\?[^\s#]*)?")
_ODD = re.compile("[\u00a0\u00ad\u1680\u180e\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]")
_TOKEN = re.compile(r"/t/[^/\s]+")


def show(text: str, limit: int = 100) -> str:
    """Give *text* as a message may show it: one line, at most *limit* characters, no credentials or tokens of URLs.

    Secrets go before the text is cut, so that a cut cannot hide the sign by which a secret is known. conda writes
    channel tokens as ``/t/TOKEN``; storage services put them in the query.
    """
    plain = _LOGIN.sub("****@", " ".join(text.split()))
    if "://" in plain:
        plain = _TOKEN.sub("/t/****", _QUERY.sub("?****", plain))
    return clean(plain if len(plain) <= limit else f"{plain[: limit - 1]}…")


def odd_character(text: str) -> tuple[int, str] | None:
    """Give the index and the name of the first blank or invisible character in *text* that is not a plain one.

    Text copied from web pages and documents brings non-breaking and zero-width spaces; no tool takes them for blanks.
    """
    found = _ODD.search(text)
    return None if found is None else (found.start(), character(found[0]))


def character(one: str) -> str:
    """Give the name of the character *one* as a message has it: ``a zero width space (U+200B)``."""
    name = unicodedata.name(one, "character").lower().replace("no-break", "non-breaking")
    return f"{'an' if name[0] in 'aeio' else 'a'} {name} (U+{ord(one):04X})"


def names(items: Iterable[str], *, most: int = 2_000) -> str:
    """Give *items* as a list for a sentence, each once, in order; after *most* of them only their number."""
    shown = list(dict.fromkeys(show(item) for item in items))
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


class Problems:
    """What is wrong with one text, gathered so that a person sees all of it at once."""

    def __init__(self) -> None:
        self._found: list[SpecError] = []

    def __len__(self) -> int:
        return len(self._found)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Keep a SpecError raised inside, and go on after it."""
        try:
            yield
        except SpecError as error:
            self.add(error)

    def add(self, error: SpecError, *, first: bool = False) -> None:
        """Keep *error*; *first* puts it before the others."""
        self._found.insert(0 if first else len(self._found), error)

    def settle(self) -> None:
        """Do nothing when nothing was found.

        Raises:
            SpecError: the first problem, and after its sentence the number of all and a list of the others.
        """
        if not self._found:
            return
        first, *others = self._found
        if not others:
            raise first
        listed = " ".join(f"({number}) {error.sentence}" for number, error in enumerate(others[:LISTED], 2))
        more = f" … and {len(others) - LISTED} more." if len(others) > LISTED else ""
        hints = list(dict.fromkeys(error.hint for error in self._found))
        together = SpecError(
            f"{first.sentence} {len(self._found)} problems in all: {listed}{more}",
            hint=" ".join(hints[:3]),
            item=first.item,
        )
        together.where = first.where
        raise together from first
