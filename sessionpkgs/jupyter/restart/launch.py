"""How this Python was started, told from its arguments, and how it is started again with a boot file in between.

Options of the interpreter are read as CPython's command line documents them. It starts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

_TAKE_ARGUMENT = "cmWX"
_LONG_WITH_ARGUMENT = "--check-hash-based-pycs"


class Launch(NamedTuple):
    """Options of the interpreter, what it runs (``module`` or ``path``, and which), and the program's arguments."""

    flags: tuple[str, ...]
    kind: str
    target: str
    rest: tuple[str, ...]

    @property
    def run(self) -> str:
        """What it runs, as text for the next process."""
        return json.dumps([self.kind, self.target])

    def through(self, executable: str, boot: str) -> list[str]:
        """Arguments that run the file *boot*, which then does what these did."""
        return [executable, *self.flags, boot, *self.rest]


def launched(argv: Sequence[str], *, boot: str = "", run: str = "") -> Launch | None:
    """How *argv* (``sys.orig_argv``) started Python; None where that cannot be told.

    Where it ran the file *boot*, what that ran is in *run*.
    """
    at, flags = 1, list[str]()
    while at < len(argv):
        word = argv[at]
        if not word.startswith("-") or word == "-":
            return _of_file(tuple(flags), argv, at, boot, run)
        if word.startswith("--"):
            taken = 2 if word == _LONG_WITH_ARGUMENT else 1
        else:
            place, letter = next(((i, one) for i, one in enumerate(word) if one in _TAKE_ARGUMENT), (0, ""))
            if letter == "c":
                return None
            if letter == "m":
                return _of_module(tuple(flags), argv, at, place)
            taken = 2 if letter and place == len(word) - 1 else 1
        flags += argv[at : at + taken]
        at += taken
    return None


def _of_file(flags: tuple[str, ...], argv: Sequence[str], at: int, boot: str, run: str) -> Launch | None:
    """A program that is a file."""
    rest = tuple(argv[at + 1 :])
    if argv[at] != boot or not boot:
        return Launch(flags, "path", argv[at], rest) if argv[at] != "-" else None
    try:
        kind, target = json.loads(run)
    except ValueError:
        return None
    return Launch(flags, kind, target, rest)


def _of_module(flags: tuple[str, ...], argv: Sequence[str], at: int, place: int) -> Launch | None:
    """A program that is a module: ``-m NAME``, ``-mNAME`` or the end of a cluster such as ``-Im NAME``."""
    word = argv[at]
    before = (*flags, word[:place]) if place > 1 else flags
    if inner := word[place + 1 :]:
        return Launch(before, "module", inner, tuple(argv[at + 1 :]))
    if at + 1 == len(argv):
        return None
    return Launch(before, "module", argv[at + 1], tuple(argv[at + 2 :]))
