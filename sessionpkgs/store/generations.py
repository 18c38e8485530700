"""Pools on the disk: ``pools/<name>/generations/<number>`` in a store, and ``current``, a link to one of them.

A generation appears by one rename and never changes; ``current`` moves by one rename. A kernel holds the generation it
started with by a lock on its folder, which also another user can take who can only read. It does not know how a pool is
made nor what its layers mean.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import NotFoundError, SpecError, StoreError
from sessionpkgs.steps import step
from sessionpkgs.store.locks import Flock

if TYPE_CHECKING:
    from sessionpkgs.store import Store

LAYOUT = 1
NAME = r"[a-z0-9][a-z0-9._-]{0,62}"
FILE = "generation.json"


def named(name: str) -> str:
    """*name* itself. Raises :class:`SpecError` for what cannot name a pool and its kernel."""
    if not re.fullmatch(NAME, name):
        raise SpecError(
            f"{name!r} cannot name a pool",
            hint="Use small letters, digits, dots, dashes and underscores, as kernels are named.",
            item=name,
        )
    return name


def folder(root: str, name: str) -> str:
    """Folder of the pool *name* in the store at *root*."""
    return os.path.join(root, "pools", name)


def pools(root: str) -> list[str]:
    """Names of the pools in the store at *root*."""
    try:
        found = sorted(os.listdir(os.path.join(root, "pools")))
    except OSError:
        return []
    return [
        name
        for name in found
        if re.fullmatch(NAME, name) and os.path.islink(os.path.join(folder(root, name), "current"))
    ]


def numbers(root: str, name: str) -> list[int]:
    """Numbers of the generations that are there, the oldest first."""
    try:
        found = os.listdir(os.path.join(folder(root, name), "generations"))
    except OSError:
        return []
    return sorted(int(one) for one in found if one.isdecimal())


def current(root: str, name: str) -> int:
    """Number of the generation that new kernels get, 0 without a pool of that *name*."""
    try:
        number = os.path.basename(os.readlink(os.path.join(folder(root, name), "current")))
    except OSError:
        return 0
    return int(number) if number.isdecimal() else 0


def place(root: str, name: str, number: int) -> str:
    """Folder of one generation."""
    return os.path.join(folder(root, name), "generations", str(number))


def read(root: str, name: str, number: int = 0) -> dict[str, Any]:
    """What the generation *number* (the current one by default) says of itself.

    Raises :class:`NotFoundError` for a pool or generation that is not there, :class:`StoreError` for one that is torn.
    """
    wanted = number or current(root, name)
    if not wanted or not os.path.isdir(place(root, name, wanted)):
        what = f"generation {number} of the pool {name}" if number and current(root, name) else f"the pool {name}"
        raise NotFoundError(f"{what} is not in {root}", hint="`sessionpkgs pool list` shows what is there.", item=name)
    path = os.path.join(place(root, name, wanted), FILE)
    try:
        with open(path, encoding="utf-8") as source:
            told = json.load(source)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is torn"
        raise StoreError(
            f"{path} cannot be read: {reason}", hint=f"`sessionpkgs pool update {name}` makes it anew.", item=path
        ) from None
    if not isinstance(told, dict) or told.get("layout") != LAYOUT:
        raise StoreError(
            f"{path} is of another version of sessionpkgs",
            hint=f"`sessionpkgs pool update {name}` makes it anew.",
            item=path,
        )
    return told


def trusted(root: str) -> None:
    """Refuse a store of pools that others than its makers can write to. Raises :class:`StoreError`.

    Its makers are root, this user, and whoever owns the environment of this Python.
    """
    try:
        status, owner = os.stat(root), os.stat(sys.prefix).st_uid
    except OSError as error:
        raise StoreError(f"the store {root} cannot be read: {error.strerror}", item=root) from None
    if status.st_uid not in {0, os.getuid(), owner} or status.st_mode & 0o022:
        raise StoreError(
            f"the store {root} of the pool may be written by others",
            hint="Let root or yourself own it, and take write permission from group and others.",
            item=root,
        )


def lease(root: str, name: str, number: int) -> Flock:
    """A shared lock that says the generation is in use; hold it as long as it is."""
    lock = Flock(place(root, name, number), folder=True)
    lock.acquire(exclusive=False, deadline=10.0)
    return lock


def publish(store: Store, name: str, made: str, number: int) -> None:
    """Move the finished folder *made* to its place as generation *number*, and make that the current one."""
    final = place(store.root, name, number)
    os.makedirs(os.path.dirname(final), exist_ok=True)
    step("pool.rename")
    os.rename(made, final)
    step("pool.renamed")
    os.sync()  # what a kernel will start from must survive a power cut
    switch(store, name, number)


def switch(store: Store, name: str, number: int) -> None:
    """Make the generation *number* the one that new kernels get."""
    link = os.path.join(folder(store.root, name), f".current-{secrets.token_hex(4)}")
    step("pool.link")
    os.symlink(os.path.join("generations", str(number)), link)
    step("pool.switch")
    os.replace(link, os.path.join(folder(store.root, name), "current"))
    step("pool.switched")


def used(store: Store) -> set[str]:
    """Digests of all layers that generations of the *store* consist of."""
    return {digest for name, number in every(store) for digest in _layers(store.root, name, number)}


def jars(store: Store) -> set[str]:
    """Hashes of all jars of generations of the *store*."""
    found: set[str] = set()
    for name, number in every(store):
        with contextlib.suppress(StoreError, NotFoundError):
            found |= {jar["sha256"] for jar in read(store.root, name, number)["jars"]}
    return found


def every(store: Store) -> list[tuple[str, int]]:
    """All generations of all pools in the *store*, also those of pools that are being removed."""
    try:
        found = os.listdir(store.path("pools"))
    except OSError:
        return []
    return [(name, number) for name in sorted(found) for number in numbers(store.root, name)]


def _layers(root: str, name: str, number: int) -> Iterable[str]:
    """Digests of the layers of one generation; none where it says nothing that can be read."""
    with contextlib.suppress(StoreError, NotFoundError):
        digest = read(root, name, number)["activation"]["layer"]
        return [digest] if digest else []
    return []


def collect(store: Store, before: float, held: str = "") -> int:
    """Take generations away that no kernel holds, are not current, and were left before *before*; gives how many.

    A pool that somebody changes now is left alone; where *held* names one, its lock is the caller's and it alone is meant.
    """
    gone = 0
    for name in [held] if held else sorted({name for name, _ in every(store)}):
        with Flock(store.path("locks", f"pool-{name}")) as busy:
            if held or busy.try_acquire(exclusive=True):
                gone += _collect(store, name, before)
    return gone


def _collect(store: Store, name: str, before: float) -> int:
    """The same for the pool *name*."""
    gone = 0
    for number in numbers(store.root, name):
        here = place(store.root, name, number)
        if number == current(store.root, name):
            continue
        with contextlib.suppress(FileNotFoundError, StoreError), Flock(here, folder=True) as lock:
            if os.stat(here).st_mtime < before and lock.try_acquire(exclusive=True):
                step("generation.discard")
                os.rename(here, store.path("trash", f"generation-{secrets.token_hex(6)}"))
                gone += 1
    if not numbers(store.root, name) and not current(store.root, name):
        with contextlib.suppress(OSError):
            os.rmdir(os.path.join(folder(store.root, name), "generations"))
            os.rmdir(folder(store.root, name))
    return gone
