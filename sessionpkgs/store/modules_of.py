"""Which distribution of the store has a module: looked up in its files, never imported and never guessed from a name.

It knows this interpreter's distributions only, and not whether a session may have them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.machinery import all_suffixes
from typing import TYPE_CHECKING

from sessionpkgs.model import Pin
from sessionpkgs.places import interpreter_tag

if TYPE_CHECKING:
    from packaging.version import Version

    from sessionpkgs.store import Store


def holders(store: Store, module: str) -> tuple[tuple[str, str], ...]:
    """(name, version) of every distribution in *store* that has the dotted *module*, the newest version of a name first.

    A package, a module file and an extension for this interpreter count. A folder without ``__init__`` (PEP 420) counts
    where it has modules of its own: a folder of folders, as ``google`` is, belongs to nobody.
    """
    suffixes, parts = tuple(all_suffixes()), module.split(".")
    found: dict[tuple[str, str], Version] = {}
    for identity in _listed(store.path("dists")):
        if _has(store.path("dists", identity, "site"), parts, suffixes) and (told := _told(store, identity)):
            name, version = told
            found[name, str(version)] = version
    newest = sorted(found, key=found.__getitem__, reverse=True)
    return tuple(sorted(newest, key=lambda one: one[0]))


def _listed(folder: str) -> list[str]:
    """Names in *folder*, none where there is no such folder; it may go while we look."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _has(folder: str, parts: list[str], suffixes: tuple[str, ...]) -> bool:
    """Whether *folder* holds the module *parts*; by listing, so that upper and lower case differ on every disk."""
    first, *rest = parts
    names = frozenset(_listed(folder))
    if rest:
        return first in names and _has(f"{folder}/{first}", rest, suffixes)
    if any(first + suffix in names for suffix in suffixes):
        return True
    return first in names and _any_module(_listed(f"{folder}/{first}"), suffixes)


def _any_module(names: Iterable[str], suffixes: tuple[str, ...]) -> bool:
    """Whether one of *names* is a file that Python imports."""
    return any(name.endswith(suffix) and name[: -len(suffix)].isidentifier() for name in names for suffix in suffixes)


def _told(store: Store, identity: str) -> tuple[str, Version] | None:
    """Name and version of *identity*; None where it was made for another interpreter or cannot be read.

    The interpreter's tag is a part of the hash at the end of *identity*, which is therefore made once more.
    """
    from packaging.version import Version

    from sessionpkgs.store import layers

    try:
        told = layers.describe(store, identity)
        pin = Pin(
            name=told["name"], version=told["version"], url=told["url"], sha256=told["sha256"], commit=told["commit"]
        )
        version = Version(pin.version)
    except (OSError, ValueError, KeyError):
        return None
    same = pin.identity(interpreter_tag()).rpartition("-")[2] == identity.rpartition("-")[2]
    return (pin.name, version) if same else None
