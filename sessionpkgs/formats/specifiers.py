"""Questions to packaging about text of which nothing is known: its answers, and False or None instead of its errors.

It does not know where the text stood.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from itertools import accumulate

LENGTH = 4_096
"""Longest text that packaging gets to see; its grammar is recursive."""

DEPTH = 50
"""Deepest nesting of a marker's parentheses."""

_CHOICE = re.compile(
    r"(?P<quote>[\"'])(?P<name>[^\"']*)(?P=quote)\s+(?P<not>not\s+)?in\s+(?P<set>extras|dependency_groups)\b"
)
_TRUE, _FALSE = "python_version >= '0'", "python_version < '0'"


def is_specifier(text: str) -> bool:
    """Whether *text* is a set of version specifiers (PEP 440); an empty one is."""
    return allows(text, "0") is not None


def allows(specifier: str, version: str) -> bool | None:
    """Whether *specifier* allows *version*, None where either of them is not what PEP 440 knows."""
    from packaging.specifiers import SpecifierSet

    try:
        return len(specifier) <= LENGTH and SpecifierSet(specifier).contains(version, prereleases=True)
    except ValueError:  # packaging's InvalidSpecifier and InvalidVersion
        return None


def is_version(text: str) -> bool:
    """Whether *text* is a version (PEP 440)."""
    from packaging.version import InvalidVersion, Version

    try:
        return len(text) <= LENGTH and bool(str(Version(text)))
    except InvalidVersion:
        return False


def holds(marker: str, groups: AbstractSet[str] = frozenset()) -> bool | None:
    """Whether *marker* is true here, None where it is not a marker.

    ``'x' in extras`` and ``'x' in dependency_groups`` (PEP 751) are answered before packaging sees the marker, since
    its older releases do not know them: no extra is chosen, and the *groups* are, by normalised name.
    """
    from packaging.markers import Marker

    def answer(found: re.Match[str]) -> str:
        chosen = found["set"] == "dependency_groups" and normal(found["name"]) in groups
        return _TRUE if chosen != bool(found["not"]) else _FALSE

    if len(marker) > LENGTH or _depth(marker) > DEPTH:
        return None
    try:
        return Marker(_CHOICE.sub(answer, marker)).evaluate()
    except (ValueError, KeyError, RecursionError):  # packaging: InvalidMarker, UndefinedComparison, unknown names
        return None


def _depth(marker: str) -> int:
    return max(accumulate((sign == "(") - (sign == ")") for sign in marker)) if marker.count("(") > DEPTH else 0


def normal(name: str) -> str:
    """*name* normalised (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
