"""From one folder with many distributions to one folder each. It moves and links; it trusts that they were verified."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from sessionpkgs.steps import step
from sessionpkgs.store.ingest import OUTSIDE, Staged


def split(site: str, staged: list[Staged], into: Mapping[str, str]) -> None:
    """Move the files of each distribution in *site* to its own folder, ``into[name]/{site,bin,share,etc}``.

    A top level moves whole to the distribution that owns all of it; whoever owns a part of it too gets links to the
    same bytes. Where nobody owns all (namespace packages, scripts), each file moves alone.
    """
    shares: dict[str, dict[str, set[str]]] = {}
    for dist in staged:
        os.makedirs(f"{into[dist.name]}/site")
        for path in dist.rows:
            shares.setdefault(path.partition("/")[0], {}).setdefault(dist.name, set()).add(path)
    for top, parts in shares.items():
        step("dist.split")
        below = "" if top in OUTSIDE else "site/"
        all_of_it = set().union(*parts.values())
        whole = next((name for name, paths in parts.items() if len(paths) == len(all_of_it)), "")
        moved: dict[str, str] = {}
        if whole and below:
            os.rename(f"{site}/{top}", f"{into[whole]}/site/{top}")
            moved = {path: f"{into[whole]}/site/{path}" for path in parts.pop(whole)}
        for name, paths in parts.items():
            _move(site, paths, f"{into[name]}/{below}", moved)


def _move(site: str, paths: Iterable[str], home: str, moved: dict[str, str]) -> None:
    """Move *paths* from *site* to *home*, or link those that *moved* says are elsewhere already."""
    for folder in {os.path.dirname(path) for path in paths}:
        os.makedirs(home + folder, exist_ok=True)
    for path in paths:
        if path in moved:
            os.link(moved[path], home + path)
        else:
            os.rename(f"{site}/{path}", home + path)
            moved[path] = home + path
