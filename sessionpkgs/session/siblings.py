"""Distributions of base that share a regular package with one of the session's.

Such a package (with ``__init__.py``) hides the whole of base's, so base's other part of it would vanish; it has to
come along. Rare: among 527 measured distributions only mlflow's three and backports. It installs nothing.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

from sessionpkgs.model import Plan, View


def missing(layer: str, todo: Plan, view: View) -> tuple[str, ...]:
    """``name==version`` of base distributions that *layer* would hide part of and that *todo* does not bring."""
    tops = _regular_tops(os.path.join(layer, "site"))
    brought = {pin.name for pin in todo.install}
    found: list[str] = []
    for site in {os.path.dirname(dist.path) for dist in view.values()}:
        shared = {top for top in tops if os.path.isdir(os.path.join(site, top))}
        here = [dist for dist in view.values() if shared and os.path.dirname(dist.path) == site]
        found += [f"{d.name}=={d.version}" for d in here if d.name not in brought and shared & _tops(d.path)]
    return tuple(sorted(found))


def _regular_tops(site: str) -> set[str]:
    """Top-level packages with an ``__init__.py`` in *site*."""
    return {entry.name for entry in os.scandir(site) if os.path.isfile(os.path.join(entry.path, "__init__.py"))}


def _tops(dist_info: str) -> set[str]:
    """First parts of the paths that a RECORD lists."""
    try:
        with Path(dist_info, "RECORD").open(encoding="utf-8", newline="") as source:
            return {row[0].partition("/")[0] for row in csv.reader(source) if row}
    except OSError:
        return set()
