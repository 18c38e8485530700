"""TOML text as tables whose values are asked for by type; a refusal names the line, or the path of the key.

It knows TOML's types, not what a key means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show
from sessionpkgs.places import parse_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

PARTS = 16
"""Most dots of a key; the parser needs the square of their number."""

LENGTH = 20_000
"""Longest text or number between two signs of the grammar."""

ENTRIES = 300_000
"""Most keys, tables and items together; a lock of 4 MiB has about half of it."""

_BETWEEN = re.compile(r"[^\n=\[\]{},#]+")
_PLACE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_TYPES = {str: "text in quotes", list: "a list", dict: "a table", bool: "true or false", int: "a whole number"}


class Table:
    """One table. ``path`` is its key from the top, ``label`` what messages call the text."""

    def __init__(self, entries: dict[str, Any], *, label: str, path: str = "") -> None:
        self.entries, self.label, self.path = entries, label, path

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def at(self, key: str = "") -> str:
        """The path of *key* from the top."""
        return ".".join(part for part in (self.path, show(key, 60)) if part)

    def refusal(self, sentence: str, hint: str, key: str = "") -> SpecError:
        """Give a SpecError about *key*, or about the whole table."""
        return SpecError(sentence, where=", ".join(part for part in (self.label, self.at(key)) if part), hint=hint)

    def text(self, key: str, otherwise: str = "") -> str:
        """The text of *key*; raises SpecError where it is something else."""
        return self._typed(key, str, otherwise)

    def flag(self, key: str) -> bool:
        """Whether *key* is true; raises SpecError where it is neither true nor false."""
        return self._typed(key, bool, otherwise=False)

    def whole(self, key: str) -> int:
        """The number of *key*, 0 where it is missing; raises SpecError where it is not a whole one from 0 up."""
        value = self._typed(key, int, 0)
        if isinstance(value, bool) or not 0 <= value < 1 << 63:
            raise self.refusal(f"{key} must be a whole number, not negative.", "Correct it, or leave it out.", key)
        return value

    def texts(self, key: str) -> list[str]:
        """The texts of the list *key*; raises SpecError where anything else is in it."""
        return [self._item(key, number, item, str) for number, item in enumerate(self._typed(key, list, []))]

    def table(self, key: str) -> Table:
        """The table *key*, empty where it is missing; raises SpecError where it is something else."""
        return Table(self._typed(key, dict, {}), label=self.label, path=self.at(key))

    def tables(self, key: str) -> list[Table]:
        """The tables of the list *key*; raises SpecError where anything else is in it."""
        items = enumerate(self._typed(key, list, []))
        return [
            Table(self._item(key, number, item, dict), label=self.label, path=f"{self.at(key)}[{number}]")
            for number, item in items
        ]

    def _typed(self, key: str, kind: type[T], otherwise: T) -> T:
        value = self.entries.get(key, otherwise)
        if not isinstance(value, kind):
            raise self.refusal(f"{show(key)} must be {_TYPES[kind]}.", "Correct its value.", key)
        return value

    def _item(self, key: str, number: int, item: object, kind: type[T]) -> T:
        if not isinstance(item, kind):
            raise self.refusal(f"this must be {_TYPES[kind]}.", f"Correct the list {show(key)}.", f"{key}[{number}]")
        return item


def parse(text: str, *, label: str, line: int = 1) -> Table:
    """Give the table of a TOML *text* whose first line is the *line* of the text called *label*.

    Raises:
        SpecError: not TOML, with the line; or nested or dotted beyond reason.
    """
    _bound(text, label, line)
    try:
        return Table(parse_toml(text), label=label)
    except RecursionError as error:
        raise SpecError("the TOML is nested too deeply.", where=label, hint="Write flat lists.") from error
    except ValueError as error:
        told = str(error)
        told_at = _PLACE.search(told)
        row, column = (told_at["line"], told_at["column"]) if told_at else ("", "")
        at = line + (int(row) - 1 if row else text.count("\n"))
        place = f"{label}, line {at}" + (f", column {column}" if column else "")
        problem = show(_PLACE.sub("", told))
        raise SpecError(
            f"this is not TOML: {problem}.",
            where=place,
            hint='Write key = "text" or key = ["text", "text"], texts in quotes.',
        ) from error


def _bound(text: str, label: str, line: int) -> None:
    """Refuse what would take the parser minutes or gigabytes, before it begins."""
    entries = sum(map(text.count, "=,[{"))
    for found in _BETWEEN.finditer(text):
        if found.end() - found.start() > LENGTH:
            place = f"{label}, line {line + text.count(chr(10), 0, found.start())}"
            raise SpecError(f"a value has more than {LENGTH} characters.", where=place, hint="Shorten or remove it.")
        if text[found.end() : found.end() + 1] not in {"=", "]"}:
            continue
        entries += (dots := found[0].count("."))
        if dots > PARTS:
            place = f"{label}, line {line + text.count(chr(10), 0, found.start())}"
            raise SpecError(f"a key has more than {PARTS} dots.", where=place, hint="Write [tables] instead.")
    if entries > ENTRIES:
        raise SpecError(f"there are more than {ENTRIES} entries.", where=label, hint="Lock or declare less.")
