"""The fingerprint of a base: one hash that changes whenever a distribution below the session changes.

Standard library only: every reopened notebook pays for it. It reads names and stats, never contents, so a module that
is edited in place is not seen, and need not be: no version changes by it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable


def base_paths(paths: Iterable[str], outside: str = "") -> list[str]:
    """The entries of *paths* that may hold distributions of base.

    Left out: the working folder (``''``), zip files, the standard library's own folders, and all below *outside*
    (the store, whose layers are not base).
    """
    stdlib = {os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")}
    below = os.path.join(outside, "") if outside else "\0"
    found = [p for p in paths if p and p not in stdlib and not p.startswith(below) and os.path.isdir(p)]
    return list(dict.fromkeys(found))


def fingerprint(paths: Iterable[str]) -> str:
    """64 hex digits over interpreter and distributions of *paths*.

    For each ``*.dist-info``, ``*.egg-info`` and ``*.pth``: its name and mtime, size and inode of RECORD and METADATA.
    Names alone miss a reinstall of the same version, a folder's mtime misses a replaced tree (measured).
    """
    stat, seen = os.stat, [f"{sys.version}\n{sys.prefix}"]
    for path in paths:
        names = sorted(name for name in _names(path) if name.endswith((".dist-info", ".egg-info", ".pth", ".egg-link")))
        seen.append(path)
        for name in names:
            files: tuple[str, ...] = (
                ("RECORD", "METADATA") if name.endswith(".dist-info") else ("PKG-INFO", "requires.txt")
            )
            entry = f"{path}/{name}"
            if not name.endswith("-info"):
                entry, files = path, (name,)
            for file in files:
                try:
                    s = stat(f"{entry}/{file}")
                except OSError:
                    seen.append(f"{name}/{file} -")
                else:
                    seen.append(f"{name}/{file} {s.st_mtime_ns} {s.st_size} {s.st_ino}")
    return hashlib.sha256("\n".join(seen).encode("utf-8", "surrogateescape")).hexdigest()


def _names(path: str) -> list[str]:
    """Entries of a folder; none where it is gone since it was put on the path."""
    try:
        return os.listdir(path)
    except OSError:
        return []
