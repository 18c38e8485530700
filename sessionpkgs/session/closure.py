"""What requirements lead to among distributions that are present, as names. It reads metadata that is in the View."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sessionpkgs.model import Dist, Requirement
from sessionpkgs.session.needs import Graph, asked


def names(view: Mapping[str, Dist], requirements: Iterable[Requirement]) -> set[str]:
    """Names in *view* that *requirements* need, themselves included; what is not present is left out."""
    return {name for name, _ in Graph(view).reached(state for state, _ in asked(view, requirements))}
