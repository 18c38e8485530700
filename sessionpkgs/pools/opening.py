"""Stores of pools that several users share: who may change them, and what others have to be able to read.

It knows owners and modes, and nothing of what a pool is for.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from typing import Any

from sessionpkgs.errors import StoreError
from sessionpkgs.store import Store, generations


def check(root: str) -> None:
    """Refuse to change pools of somebody else. Raises :class:`StoreError` that names who may."""
    try:
        owner = os.stat(root).st_uid
    except OSError:  # not there yet, or not to be seen: making it tells
        return
    if owner != os.geteuid():
        raise StoreError(
            f"the pools in {root} belong to {_name(owner)}, and only they can change them",
            hint="Make one of your own: sessionpkgs pool create NAME … (without --sys-prefix and --system).",
            item=root,
        )


def _name(owner: int) -> str:
    """Name of a user."""
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"user {owner}"


def to_all(store: Store, made: dict[str, Any], folder: str) -> None:
    """Let every user of the machine read what the generation *made* in *folder* consists of."""
    parts = [made["activation"][part] for part in ("boot", "bin") if made["activation"][part]]
    parts += [store.path("dists", one) for one in made["activation"]["dists"]]
    parts += [store.path("layers", made["activation"]["layer"])] if made["activation"]["layer"] else []
    parts += [os.path.dirname(jar["path"]) for jar in made["jars"]]
    pool = generations.folder(store.root, made["pool"])
    for part in ("", "pools", "dists", "layers", "views", "artifacts", pool, f"{pool}/generations"):
        _readable(store.path(part) if part else store.root)
    for top in (*parts, folder):
        for place, folders, files in os.walk(top):
            for path in (place, *(os.path.join(place, one) for one in (*folders, *files))):
                if not os.path.islink(path):
                    _readable(path)


def _readable(path: str) -> None:
    """Let others read *path*, and enter it or run it where its owner can."""
    with contextlib.suppress(FileNotFoundError):
        mode = stat.S_IMODE(os.stat(path).st_mode)
        os.chmod(path, mode | 0o044 | (0o011 if mode & 0o100 else 0))
