"""What requirements lead to among distributions that are present: markers and extras decided, nothing asked for.

It reads metadata that is in the View. It does not know where a distribution came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sessionpkgs.model import Dist, Requirement

if TYPE_CHECKING:
    from packaging.requirements import Requirement as Parsed


def names(view: Mapping[str, Dist], requirements: Iterable[Requirement]) -> set[str]:
    """Names in *view* that *requirements* need, themselves included; what is not present is left out."""
    from packaging.utils import canonicalize_name

    asked = ((one.name, parsed(one.line)) for one in requirements)
    waiting = [(name, frozenset(one.extras) if one else frozenset()) for name, one in asked if applies(one)]
    seen: dict[str, frozenset[str]] = {}
    while waiting:
        name, extras = waiting.pop()
        known = seen.get(name)
        if name not in view or (known is not None and extras <= known):
            continue
        seen[name] = extras | (known or frozenset())
        for line in view[name].requires:
            needed = parsed(line)
            if needed is not None and applies(needed, seen[name]):
                waiting.append((str(canonicalize_name(needed.name)), frozenset(needed.extras)))
    return set(seen)


def parsed(line: str) -> Parsed | None:
    """*line* as PEP 508 has it; None for a place without a name and for what is not a requirement."""
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    try:
        return Parsed(line)
    except InvalidRequirement:
        return None


def applies(needed: Parsed | None, extras: Iterable[str] = ()) -> bool:
    """Whether the marker of *needed* is true here, with one of *extras* or without any; true for what has no marker."""
    if needed is None or needed.marker is None:
        return True
    return any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))
