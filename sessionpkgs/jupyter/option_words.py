"""Options and operands among the words of a command, told apart as optparse and getopt do, by a table of options.

It knows spellings (``--name value``, ``--name=value``, ``-nVALUE``, ``-Uq``, ``--upgr``). It does not know commands, and
what an option means is the table's.
"""

from __future__ import annotations

import difflib
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


class Option(NamedTuple):
    """What becomes of one option: ``text`` is the name that it is kept under, the notice, or the refusal's hint."""

    does: Literal["ignore", "flag", "keep", "say", "refuse"]
    text: str = ""
    valued: bool = False


Table = dict[str, Option]


def flags(**named: str) -> Table:
    """Options without a value; ``upgrade="-U --upgrade"`` keeps both as ``upgrade``."""
    return {name: Option("flag", kept) for kept, names in named.items() for name in names.split()}


def values(**named: str) -> Table:
    """Options with a value, kept under the keyword."""
    return {name: Option("keep", kept, valued=True) for kept, names in named.items() for name in names.split()}


def ignored(names: str, *, valued: str = "") -> Table:
    """Options that change nothing here; those in *valued* have a value."""
    bare = {name: Option("ignore") for name in names.split()}
    return bare | {name: Option("ignore", valued=True) for name in valued.split()}


def said(notice: str, names: str = "", *, valued: str = "") -> Table:
    """Options that are accepted with a *notice*, in which ``{}`` is the option."""
    bare = {name: Option("say", notice) for name in names.split()}
    return bare | {name: Option("say", notice, valued=True) for name in valued.split()}


def refused(hint: str, names: str) -> Table:
    """Options that are refused with a *hint*; a value may stand behind them."""
    return {name: Option("refuse", hint) for name in names.split()}


@dataclass(slots=True, kw_only=True)
class Chosen:
    """Operands, and options by the name that the table keeps them under."""

    operands: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    kept: list[tuple[str, str]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of *name*, in order."""
        return tuple(value for kept, value in self.kept if kept == name)

    def last(self, name: str, default: str = "") -> str:
        """The last value of *name*."""
        return (default, *self.all(name))[-1]


def verb_at(words: Sequence[str], table: Mapping[str, Option], command: str) -> int:
    """Give the place of the first operand, ``len(words)`` where there is none.

    Raises:
        SpecError: an option before it that the table does not have, or refuses.
    """
    taken = _Taking(words, table, command)
    for name, _ in taken:
        if not name:
            return taken.at - 1
        _allow(name, table[name], command)
    return len(words)


def choose(words: Iterable[str], table: Mapping[str, Option], command: str) -> Chosen:
    """Give what *words* say; *command* is what messages call it.

    Raises:
        SpecError: an unknown option, one with or without a value that should not, or one that is refused.
    """
    chosen = Chosen()
    for name, value in _Taking(tuple(words), table, command):
        option = table.get(name)
        if option is None:
            chosen.operands.append(value)
            continue
        _allow(name, option, command)
        if option.does == "flag":
            chosen.flags.add(option.text)
        elif option.does == "keep":
            chosen.kept.append((option.text, value))
        elif option.does == "say":
            chosen.notices.append(option.text.format(name))
    chosen.notices = list(dict.fromkeys(chosen.notices))
    return chosen


def _allow(name: str, option: Option, command: str) -> None:
    """Raise a SpecError where *option* is one that is refused."""
    if option.does == "refuse":
        raise SpecError(f"{command}: the option {name} has no place in a session.", hint=option.text, item=name)


class _Taking:
    """Goes over words; gives (option, value), an operand with "" as its option."""

    def __init__(self, words: Sequence[str], table: Mapping[str, Option], command: str) -> None:
        self.at = 0
        self._words, self._table, self._command = words, table, command

    def __iter__(self) -> Iterator[tuple[str, str]]:
        only_operands = False
        while self.at < len(self._words):
            word = self._words[self.at]
            self.at += 1
            if only_operands or not word.startswith("-") or word == "-":
                yield "", word
            elif word == "--":
                only_operands = True
            elif word.startswith("--"):
                yield self._long(word)
            else:
                yield from self._short(word)

    def _long(self, word: str) -> tuple[str, str]:
        """``--name``, ``--name=value`` or ``--name value``."""
        written, equals, value = word.partition("=")
        name = self._full(written)
        option = self._table[name]
        if option.does == "refuse":
            return name, ""
        if equals and not option.valued:
            raise SpecError(
                f"{self._command}: the option {name} takes no value.", hint=f"Write {name} alone.", item=name
            )
        if option.valued and not equals:
            value = self._value(name)
        return name, value

    def _short(self, word: str) -> Iterator[tuple[str, str]]:
        """``-x``, ``-xyz`` or ``-xVALUE``."""
        for place, letter in enumerate(word[1:], 2):
            name = f"-{letter}"
            if name not in self._table:
                self._unknown(word, f"-{word}")
            option = self._table[name]
            if option.valued:
                yield name, word[place:].removeprefix("=") or self._value(name)
                return
            yield name, ""
            if option.does == "refuse":
                return

    def _value(self, name: str) -> str:
        """The word behind *name*."""
        if self.at >= len(self._words):
            raise SpecError(f"{self._command}: the option {name} has no value.", hint=f"Write {name} VALUE.", item=name)
        self.at += 1
        return self._words[self.at - 1]

    def _full(self, written: str) -> str:
        """The option that *written* is, or begins as the only one."""
        if written in self._table:
            return written
        begins = sorted(name for name in self._table if name.startswith(written))
        meanings = {self._table[name] for name in begins}
        if not begins or written == "--":
            self._unknown(written, written)
        if len(meanings) > 1:
            raise SpecError(
                f"{self._command}: the option {show(written)} could be {' or '.join(begins[:6])}.",
                hint="Write the whole option.",
                item=show(written),
            )
        return begins[0]

    def _unknown(self, word: str, meant: str) -> NoReturn:
        """Refuse *word*, with the option nearest to *meant* as the hint."""
        accepted = [name for name, option in self._table.items() if option.does != "refuse"]
        near = difflib.get_close_matches(meant.partition("=")[0], accepted, n=1, cutoff=0.6)
        written = show(word.partition("=")[0], 40)
        hint = f"Did you mean {near[0]}?" if near else f"{self._command} -h shows the options."
        raise SpecError(f"{self._command} has no option {written}.", hint=hint, item=written)


def explain(table: Mapping[str, Option], usage: str) -> str:
    """Give the help of a command: its *usage*, and what becomes of each option."""
    headings = {
        "Options:": ("flag", "keep"),
        "Accepted, and without effect here:": ("ignore", "say"),
        "Not in a session:": ("refuse",),
    }
    parts = [usage]
    for heading, kinds in headings.items():
        spelled: dict[Option, list[str]] = {}
        for name, option in table.items():
            if option.does in kinds:
                spelled.setdefault(option if option.does in {"flag", "keep"} else Option("ignore", name), []).append(
                    name
                )
        shown = ", ".join("/".join(names) + (" VALUE" if one.valued else "") for one, names in spelled.items())
        parts.append(textwrap.fill(shown, 100, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))
        parts[-1] = f"{heading}\n{parts[-1]}" if shown else ""
    return "\n".join(filter(None, parts))
