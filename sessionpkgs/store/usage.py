"""How much room the store takes, part by part; bytes that several names share count once. It removes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sessionpkgs.store import FOLDERS

if TYPE_CHECKING:
    from sessionpkgs.store import Store


def measure(store: Store) -> dict[str, dict[str, int]]:
    """Entries and bytes on disk by part of the store, and under ``total``.

    The distributions come before the engines' cache, so bytes that both hold count as the distributions'.
    """
    seen: set[tuple[int, int]] = set()
    parts = {part: _part(store.path(part), seen) for part in FOLDERS}
    parts["total"] = {key: sum(part[key] for part in parts.values()) for key in ("entries", "bytes")}
    return parts


def _part(folder: str, seen: set[tuple[int, int]]) -> dict[str, int]:
    """Number of entries in *folder* and bytes below it that are not in *seen* yet."""
    if not os.path.isdir(folder):
        return {"entries": 0, "bytes": 0}
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                status = os.lstat(f"{parent}/{name}")
            except FileNotFoundError:
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                size += status.st_blocks * 512
    return {"entries": len(os.listdir(folder)), "bytes": size}
