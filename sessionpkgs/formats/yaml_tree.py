"""YAML text as a small tree in which everything is text and knows its line.

The tree is built from PyYAML's parser events, so no constructor and no implicit type is ever involved: ``3.10`` stays
``3.10`` and ``no`` stays ``no``. Aliases, anchors, tags, merge keys, duplicate keys and a second document are refused.
It does not know what the keys mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import yaml

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.decoding import FORBIDDEN
from sessionpkgs.formats.wording import odd_character, show

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH = 20
ENTRIES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One scalar; ``empty`` when nothing, ``~`` or ``null`` stands there. ``column`` is that of its first character."""

    text: str
    line: int
    column: int = 1
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A sequence."""

    items: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping, in the order of the text."""

    pairs: tuple[tuple[Leaf, Node], ...]
    line: int


Node: TypeAlias = Leaf | Listing | Table


def parse(text: str, *, label: str) -> Node:
    """Give the tree of the only document in *text*.

    Raises:
        SpecError: not YAML, or a construct, depth or number of entries that is not accepted; ``where`` has the line.
    """
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader), label).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{label}, line {mark.line + 1}, column {mark.column + 1}" if mark else label
        problem = show(error.problem or error.context or "the structure is broken")
        raise SpecError(f"this is not YAML: {problem}.", where=place, hint=_advice(text, problem)) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # ValueError and OverflowError: PyYAML turns the digits of escapes and %YAML lines into numbers unchecked.
        raise SpecError(
            "this is not YAML: it holds a character or number that YAML does not know.",
            where=label,
            hint="Write the names as plain text.",
        ) from error


def leaves(value: Node) -> Iterator[str]:
    """Give every word in *value*, keys too."""
    if isinstance(value, Leaf):
        yield value.text
    elif isinstance(value, Listing):
        for item in value.items:
            yield from leaves(item)
    else:
        for key, inner in value.pairs:
            yield key.text
            yield from leaves(inner)


def _advice(text: str, problem: str) -> str:
    """Say what the author of *text* may look at first."""
    if "\\t" in problem:
        return "Indent with blanks instead of tabs."
    for number, line in enumerate(text.split("\n"), 1):
        if odd := odd_character(line.partition(" #")[0]):
            return f"There is {odd[1]} on line {number}, column {odd[0] + 1}: type a plain blank, or nothing, instead."
    return "Check the indentation of this line and the one before."


class _Builder:
    """Events to nodes, one document."""

    def __init__(self, events: Iterator[yaml.Event], label: str) -> None:
        self._events, self._label, self._entries = events, label, 0

    def document(self) -> Node:
        """Give the node of the document; an empty Leaf when there is none."""
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Leaf(text="", line=1, empty=True)
        node = self._node(next(self._events), 0)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._refusal("a second document starts here.", "Remove the line ---.", after)
        return node

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._check(event, depth)
        line = _line(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return Listing(
                items=tuple(self._node(item, depth + 1) for item in self._until(yaml.SequenceEndEvent)), line=line
            )
        if isinstance(event, yaml.MappingStartEvent):
            return Table(pairs=tuple(self._pairs(depth + 1)), line=line)
        assert isinstance(event, yaml.ScalarEvent)  # aliases were refused, and nothing else begins a node
        return self._leaf(event)

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _pairs(self, depth: int) -> Iterator[tuple[Leaf, Node]]:
        seen: dict[str, int] = {}
        for event in self._until(yaml.MappingEndEvent):
            key = self._node(event, depth)
            if not isinstance(key, Leaf):
                raise self._refusal("a key must be a plain word.", "Write key: value.", event)
            if key.text == "<<":
                raise self._refusal("merge keys (<<) are not accepted.", "Write the entries out.", event)
            if key.text in seen:
                both = f"the key {show(key.text)!r} stands on line {seen[key.text]} and again here."
                raise self._refusal(both, "Join the two parts under one key.", event)
            seen[key.text] = key.line
            yield key, self._node(next(self._events), depth)

    def _leaf(self, event: yaml.ScalarEvent) -> Leaf:
        text = event.value
        if FORBIDDEN.search(text):
            raise self._refusal("there is a control character in this text.", "Remove the escape sequence.", event)
        empty = event.style is None and text in {"", "~", "null", "Null", "NULL"}
        quoted = event.style in {"'", '"'}
        column = event.start_mark.column + (2 if quoted else 1) if event.start_mark else 1
        return Leaf(text=text, line=_line(event), column=column, empty=empty)

    def _check(self, event: yaml.Event, depth: int) -> None:
        self._entries += 1
        if self._entries > ENTRIES:
            raise self._refusal(f"there are more than {ENTRIES} entries.", "Declare what you import.", event)
        if depth > DEPTH:
            raise self._refusal(f"the text is nested deeper than {DEPTH} levels.", "Write a flat list.", event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._refusal(
                "anchors (&) and aliases (*) are not accepted.", "Write the entry out, or quote it.", event
            )
        if getattr(event, "tag", None) is not None:
            raise self._refusal("tags (!) are not accepted.", "Write the entry as plain text, or quote it.", event)

    def _refusal(self, sentence: str, hint: str, event: yaml.Event) -> SpecError:
        return SpecError(sentence, where=f"{self._label}, line {_line(event)}", hint=hint)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1
