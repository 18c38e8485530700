"""``why``: the chains of needs that lead down to a distribution, from what the session asks or from below it.

It walks the requirement lines of what is installed, with the extras that each step asks for. It does not judge versions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from sessionpkgs.model import Dist, Requirement
from sessionpkgs.overlay import pooled
from sessionpkgs.session import levels
from sessionpkgs.session.looking import SCHEMA, Seen, hidden, present
from sessionpkgs.session.needs import PLAIN, Graph, State, asked

MOST = 5
"""How many chains an answer has."""


class Step(TypedDict):
    """One link of a chain: a distribution and the line that asks for it, "" where the chain begins below the session."""

    name: str
    version: str
    layer: str
    line: str
    asked: bool


Chain = list[Step]


def why(view: Seen, below: Mapping[str, Dist], requested: Iterable[Requirement], name: str) -> dict[str, Any]:
    """Why *name* is there: ``{"schema", "action": "why", "pool", "name", "version", "layer", "base", "along", "chains"}``.

    ``chains`` are lists of :class:`Step` from what asks down to *name*, at most five: from the session's lines first,
    then from distributions below that nobody needs; shortest first. A distribution of the session with a chain from a
    line has no others. ``along`` is true for one of the session's that no line leads to: it came along with those below.
    Raises :class:`NotFoundError` where *name* is not there.
    """
    (target,) = present(view, [name])
    dist = view[target]
    chains = _chains(view, requested, target)
    return {
        "schema": SCHEMA,
        "action": "why",
        "pool": pooled.label(),
        "name": target,
        "version": dist.version,
        "layer": dist.level,
        "base": hidden(view, below, target),
        "along": dist.level == "session" and not chains[0][0]["asked"],
        "chains": chains,
    }


def needed_by(view: Mapping[str, Dist], requested: Iterable[Requirement], name: str) -> tuple[str, ...]:
    """What leads to *name*, in words, as ``pandas>=2 → python-dateutil``; empty where nothing does."""
    from packaging.utils import canonicalize_name

    target = str(canonicalize_name(name))
    if target not in view:
        return ()
    above = [chain[:-1] for chain in _chains(view, requested, target)]
    return tuple(" → ".join([_begin(chain[0]), *(step["name"] for step in chain[1:])]) for chain in above if chain)


def _begin(step: Step) -> str:
    """How a chain begins: with the line that asks, or with a distribution below the session."""
    return step["line"] or f"{step['name']} {step['version']} ({levels.named(step['layer'])})"


def _chains(view: Mapping[str, Dist], requested: Iterable[Requirement], target: str) -> list[Chain]:
    """The chains down to *target*, never none: a distribution that nobody needs stands alone."""
    graph = Graph(view)
    lines = asked(view, requested)
    found = _shortest([chain for state, line in lines for chain in _ways(graph, state, line, target, asked_for=True)])
    if not found or view[target].level != "session":
        found += _from_below(graph, {state[0] for state, _ in lines}, target, alone=not found)
    return found[:MOST]


def _from_below(graph: Graph, lines: set[str], target: str, *, alone: bool) -> list[Chain]:
    """Chains from the distributions below the session that nobody needs; in a circle, from who needs *target*."""
    view = graph.view
    everything = graph.reached((name, PLAIN) for name in view)
    needed = {child for state in everything for (child, _), _ in graph.steps(state)}
    roots = [name for name in sorted(view) if view[name].level != "session" and name not in needed | lines]
    found = [chain for root in roots for chain in _ways(graph, (root, PLAIN), "", target)]
    if found or not alone:
        return _shortest(found)
    circle = [name for name in graph.needed_by(target) if name != target]
    direct = [chain for name in circle for chain in _ways(graph, (name, PLAIN), "", target)]
    return _shortest(direct) or [[_step(view[target], "")]]


def _ways(graph: Graph, source: State, line: str, target: str, *, asked_for: bool = False) -> list[Chain]:
    """From *source* the shortest way to each distribution that needs *target*, and on to *target*."""
    first = _step(graph.view[source[0]], line, asked_for=asked_for)
    if source[0] == target:
        return [[first]]
    ways: dict[State, Chain] = {source: [first]}
    waiting = deque([source])
    found: list[Chain] = []
    while waiting:
        state = waiting.popleft()
        for child, needed in graph.steps(state):
            way = [*ways[state], _step(graph.view[child[0]], needed)]
            if child[0] == target:
                found.append(way)
            elif child not in ways:
                ways[child] = way
                waiting.append(child)
    return found


def _shortest(chains: Iterable[Chain]) -> list[Chain]:
    """*chains*, shortest first, those through the same distributions once."""
    once: dict[tuple[str, ...], Chain] = {}
    for chain in sorted(chains, key=len):
        once.setdefault((chain[0]["line"], *(step["name"] for step in chain)), chain)
    return list(once.values())


def _step(dist: Dist, line: str, *, asked_for: bool = False) -> Step:
    """The link for *dist*."""
    return Step(name=dist.name, version=dist.version, layer=dist.level, line=line, asked=asked_for)
