"""The block at the head of a script that says what the script needs (PEP 723), with what uv may add to it.

``[tool.uv]`` is read where it decides what is installed; what would lead to another set and cannot be followed here is
refused, everything else is said. It does not run the code around the block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import toml_tables
from sessionpkgs.formats.requirement_lines import Line, Source
from sessionpkgs.formats.requirements_txt import ENTRIES, Reading
from sessionpkgs.formats.specifiers import is_specifier
from sessionpkgs.formats.uv_table import UvTable
from sessionpkgs.formats.wording import Problems, names, show
from sessionpkgs.model import Requirement, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessionpkgs.formats.origin import Origin
    from sessionpkgs.formats.toml_tables import Table

_START = re.compile(r"^# /// script[ \t]*$", re.MULTILINE)
_OPENING = re.compile(r"# /// (?P<kind>[a-zA-Z0-9-]+)[ \t]*")
_CLOSING = re.compile(r"# ///[ \t]*")
_CONTENT = re.compile(r"#(?: .*)?")
_LAYOUT = 'Write # /// script, then lines such as # dependencies = ["pandas>=2"], then # ///.'
_KEYS = ("requires-python", "dependencies", "tool")


class _Block(NamedTuple):
    """A closed block: its content as TOML, the number of its opening line, and whether code stands beside it."""

    toml: str
    line: int
    alone: bool


def recognise(text: str) -> bool:
    """Say whether a line opens a block of the type ``script``."""
    return _START.search(text) is not None


def read(text: str, origin: Origin) -> Spec:
    """Give what the script block in *text* asks for.

    Raises:
        SpecError: no block, more than one, one that is not closed, not TOML, or entries that cannot be had.
    """
    block = _only_block(text, origin.label)
    tree = toml_tables.parse(block.toml, label=origin.label, line=block.line + 1)
    reader = _Reader(tree, origin)
    if not block.alone and origin.label == "cell":
        reader.notices.append("The code beside the script block does not run here.")
    reader.keys()
    return reader.spec()


def _only_block(text: str, label: str) -> _Block:
    """Give the one block of the type ``script``."""
    lines = text.split("\n")
    blocks: list[tuple[int, int]] = []
    for kind, start, end in _blocks(lines):
        place = f"{label}, line {start + 1}"
        if kind != "script":
            continue
        if end <= start + 1:
            problem = "is empty" if end == start + 1 else "is not closed"
            raise SpecError(f"the script block {problem}.", where=place, hint=_LAYOUT)
        if blocks:
            first = blocks[0][0] + 1
            raise SpecError(
                f"a second script block starts here, the first one on line {first}.", where=place, hint="Keep one."
            )
        blocks.append((start, end))
    if not blocks:
        raise SpecError("there is no script block.", where=label, hint=_LAYOUT)
    ((start, end),) = blocks
    beside = (*lines[:start], *lines[end + 1 :])
    alone = all(not line.strip() or line.lstrip().startswith("#") for line in beside)
    toml = "\n".join(line[2:] if line.startswith("# ") else line[1:] for line in lines[start + 1 : end])
    return _Block(toml, start + 1, alone)


def _blocks(lines: list[str]) -> Iterator[tuple[str, int, int]]:
    """Give type, first and last line of each block; the last is 0 where nothing closes it.

    These are the blocks that the regular expression of PEP 723 finds, and its failures, in one pass: the last closing
    line of a run of comments counts.
    """
    at = 0
    while at < len(lines):
        opening = _OPENING.fullmatch(lines[at])
        if opening is None:
            at += 1
            continue
        after = at + 1
        while after < len(lines) and _CONTENT.fullmatch(lines[after]):
            after += 1
        closed = next((n for n in range(after - 1, at, -1) if _CLOSING.fullmatch(lines[n])), 0)
        yield opening["kind"], at, closed
        at = (closed or after - 1) + 1


class _Reader:
    """One script block, key by key."""

    def __init__(self, tree: Table, origin: Origin) -> None:
        self.notices: list[str] = []
        self._tree, self._problems = tree, Problems()
        self._reading = Reading(origin, self._problems)
        self._source = Source(label=origin.label, folder=origin.folder)
        self._python: list[Requirement] = []
        self._uv = UvTable(self._reading, self._source)

    def spec(self) -> Spec:
        """Give the Spec, or every problem in one SpecError."""
        self._problems.settle()
        ours = Spec(
            python=tuple(self._python), notices=(*self.notices, *self._uv.notices), indexes=tuple(self._uv.indexes)
        )
        return ours | self._reading.spec()

    def keys(self) -> None:
        """Read the keys of the top level."""
        for key, step in (("requires-python", self._python_key), ("tool", self._tools)):
            if key in self._tree:
                with self._problems.collect():
                    step(key)
        with self._problems.collect():
            self._dependencies("dependencies")
        self.notices.extend(self._uv.unused())
        if unknown := [key for key in self._tree if key not in _KEYS]:
            self.notices.append(f"PEP 723 does not know these keys, they were left out: {names(unknown)}.")

    def _python_key(self, key: str) -> None:
        text = self._tree.text(key)
        if not is_specifier(text):
            raise self._tree.refusal(f"{show(text)!r} is not a range of Pythons.", 'Write it as ">=3.11".', key)
        if text.strip():
            self._python.append(Requirement(name="python", line=f"python{text.strip()}", where=key))

    def _tools(self, key: str) -> None:
        tools = self._tree.table(key)
        if "uv" in tools:
            self._uv.read(tools.table("uv"), self._problems)
        if others := [f"tool.{name}" for name in tools if name != "uv"]:
            self.notices.append(f"These tables are not read: {names(others)}.")

    def _dependencies(self, key: str) -> None:
        wanted = self._tree.texts(key)
        if not wanted:
            self.notices.append("No dependency is named.")
        if len(wanted) > ENTRIES:
            raise self._tree.refusal(f"there are more than {ENTRIES} entries.", "Declare what you import.", key)
        for number, text in enumerate(wanted):
            line = Line(text=text, place=f"{key}[{number}]", source=self._source)
            with self._problems.collect():
                self._uv.add(text, line)
