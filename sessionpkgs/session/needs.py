"""Who needs whom among the distributions of a View, extras included.

Pure over a View: requirement lines are read, nothing else. It does not know whether a version fits (``checking.py``)
nor which chain of needs answers a question (``why.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sessionpkgs.formats.wording import show
from sessionpkgs.model import Dist, Requirement

if TYPE_CHECKING:
    from packaging.requirements import Requirement as Parsed

State = tuple[str, frozenset[str]]
"""A distribution's name and the extras of it that are asked for: what it needs depends on both."""

PLAIN: frozenset[str] = frozenset()
"""No extras."""


class Need(NamedTuple):
    """One requirement that applies here: normalised name, extras, and the line as a person reads it."""

    name: str
    extras: frozenset[str]
    line: str
    parsed: Parsed


def needs(dist: Dist, extras: Collection[str] = PLAIN) -> tuple[list[Need], list[str]]:
    """What *dist* with *extras* needs here, and its lines that are no requirements (PEP 508).

    An extra that names another one of the same distribution (``demo[all]`` needs ``demo[sql]``) brings that one's.
    """
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parse

    parsed, unreadable = [], []
    for line in dist.requires:
        try:
            parsed.append(Parse(line))
        except InvalidRequirement:
            unreadable.append(line)
    return _applying(dist.name, parsed, frozenset(extras)), unreadable


def _applying(name: str, parsed: Iterable[Parsed], extras: frozenset[str]) -> list[Need]:
    """The needs of the distribution *name* whose marker is true with any of *extras*, without those of itself."""
    known = [_need(one) for one in parsed]
    while True:
        found = [need for need in known if _applies(need.parsed, extras)]
        more = extras.union(*(need.extras for need in found if need.name == name))
        if more == extras:
            return [need for need in found if need.name != name]
        extras = more


def _applies(parsed: Parsed, extras: frozenset[str]) -> bool:
    """Whether the marker is true here, without an extra or with one of *extras*."""
    marker = parsed.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *sorted(extras)))


def _need(parsed: Parsed) -> Need:
    """*parsed* as a Need; its line has no marker."""
    from packaging.utils import canonicalize_name

    extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
    place = f" @ {parsed.url}" if parsed.url else str(parsed.specifier)
    return Need(
        name=str(canonicalize_name(parsed.name)),
        extras=frozenset(str(canonicalize_name(extra)) for extra in parsed.extras),
        line=show(f"{parsed.name}{extras}{place}"),
        parsed=parsed,
    )


class Graph:
    """Who needs whom in *view*; every distribution is read once for each set of extras."""

    def __init__(self, view: Mapping[str, Dist]) -> None:
        self.view = view
        self._known: dict[State, list[Need]] = {}

    def needs(self, state: State) -> list[Need]:
        """What *state* needs; nothing where its distribution is not there."""
        if state not in self._known:
            dist = self.view.get(state[0])
            self._known[state] = needs(dist, state[1])[0] if dist else []
        return self._known[state]

    def steps(self, state: State) -> Iterator[tuple[State, str]]:
        """What *state* needs and the view has, each with the line that says so."""
        for need in self.needs(state):
            if need.name in self.view:
                yield (need.name, need.extras), need.line

    def reached(self, sources: Iterable[State]) -> set[State]:
        """Everything that *sources* lead to, themselves included."""
        seen = set(sources)
        waiting = list(seen)
        while waiting:
            for state, _ in self.steps(waiting.pop()):
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
        return seen

    def needed_of(self, name: str) -> list[str]:
        """Names that *name* needs directly, without extras, as ``pip show`` tells them."""
        return sorted({need.name for need in self.needs((name, PLAIN))})

    def needed_by(self, name: str) -> list[str]:
        """Names that need *name* directly, without extras."""
        return sorted(other for other in self.view if any(need.name == name for need in self.needs((other, PLAIN))))


def asked(view: Mapping[str, Dist], requested: Iterable[Requirement]) -> list[tuple[State, str]]:
    """The distributions of *view* that the lines of *requested* ask for here, each with its line."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parse

    found: list[tuple[State, str]] = []
    for requirement in requested:
        if requirement.name not in view:
            continue
        try:
            need = _need(Parse(requirement.line))
        except InvalidRequirement:
            found.append(((requirement.name, PLAIN), show(requirement.line)))
            continue
        if _applies(need.parsed, PLAIN):
            found.append(((requirement.name, need.extras), need.line))
    return found


def asked_extras(view: Mapping[str, Dist], requested: Iterable[Requirement]) -> dict[str, frozenset[str]]:
    """Extras that *requested* brings into use, by the name of the distribution that has them."""
    found: dict[str, frozenset[str]] = {}
    for name, extras in Graph(view).reached(state for state, _ in asked(view, requested)):
        if extras:
            found[name] = found.get(name, PLAIN) | extras
    return found
