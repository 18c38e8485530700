"""Giving room back and looking for damage: what nobody uses goes, what is not what it was is set aside.

A layer is in use while a session holds its lease, a session while it holds its own lock; the operating system gives both
back when a kernel dies. Age only decides what of the unused may stay for the next start. It never touches an engine's
cache, and what is removed leaves its place by one rename first.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from typing import NamedTuple

from sessionpkgs.errors import StoreError
from sessionpkgs.store import Store, layers
from sessionpkgs.store.ingest import fault
from sessionpkgs.store.locks import Flock

_DEADLINE = 60.0
_WRITING = 3600.0
"""Seconds after which nobody is still writing a file of a few kilobytes."""


class Collected(NamedTuple):
    """How many of each went."""

    layers: int
    dists: int
    sessions: int
    resolutions: int


class Damage(NamedTuple):
    """A distribution that is not what it was: its identity, the file, and whether a session uses it now."""

    identity: str
    fault: str
    used: bool


def collect(store: Store, *, days: float) -> Collected:
    """Remove what nobody uses and nobody used for *days*; what died in the middle of something goes at once.

    Raises :class:`DeadlineError` where builds go on for a minute.
    """
    before = time.time() - days * 86_400
    with store.stage():
        pass  # a fresh stage sweeps those of the dead
    gone = [
        digest for digest in _entries(store, "layers") if _old(store, "layers", digest, before) and _drop(store, digest)
    ]
    with Flock(store.path("locks", layers.COLLECTING)) as lock:
        lock.acquire(exclusive=True, deadline=_DEADLINE)
        used = _used(store)
        loose = [one for one in _entries(store, "dists") if one not in used and _old(store, "dists", one, before)]
        for identity in loose:
            layers.discard(store, "dists", identity)
        dead = [one for one in _entries(store, "sessions") if _old(store, "sessions", one, before) and _end(store, one)]
    _sweep_torn(store)
    answers = [key for key in _entries(store, "resolutions") if _forget(store, key, before)]
    for name in os.listdir(store.path("trash")):
        _delete(store.path("trash", name))
    return Collected(len(gone), len(loose), len(dead), len(answers))


def verify(store: Store) -> list[Damage]:
    """Read every distribution again and set the damaged ones aside; the next start builds them anew.

    One that a session uses now is named and left where it is, since taking it away would break that session.
    """
    found = [
        (identity, said) for identity in _entries(store, "dists") if (said := fault(store.path("dists", identity)))
    ]
    damaged = dict(found)
    busy: set[str] = set()
    for digest in _entries(store, "layers"):
        told = layers.manifest(store, digest) or {"dists": []}
        if damaged.keys().isdisjoint(told["dists"]):
            continue
        if not _drop(store, digest):
            busy.update(told["dists"])
    for identity in damaged.keys() - busy:
        layers.discard(store, "dists", identity)
    return [Damage(identity, said, identity in busy) for identity, said in found]


def _entries(store: Store, part: str) -> list[str]:
    """Names in one part of the store; none where it is not there yet."""
    try:
        return sorted(name for name in os.listdir(store.path(part)) if not name.startswith("."))
    except FileNotFoundError:
        return []


def _old(store: Store, part: str, name: str, before: float) -> bool:
    """Whether nobody touched it since *before*; what vanished meanwhile is not old."""
    try:
        return os.stat(store.path(part, name)).st_mtime < before
    except FileNotFoundError:
        return False


def _drop(store: Store, digest: str) -> bool:
    """Take the layer *digest* away unless a session holds it."""
    with Flock(store.path("locks", f"lease-{digest}")) as lease:
        if not lease.try_acquire(exclusive=True):
            return False
        layers.discard(store, "layers", digest)
        return True


def _used(store: Store) -> set[str]:
    """Identities that layers link to."""
    found: set[str] = set()
    for digest in _entries(store, "layers"):
        found.update((layers.manifest(store, digest) or {"dists": []})["dists"])
    return found


def _end(store: Store, session: str) -> bool:
    """Set the folder of a session whose kernel is gone aside; one that goes by itself meanwhile is none of ours."""
    place = store.path("sessions", session)
    try:
        with Flock(place, folder=True) as lock:
            if not lock.try_acquire(exclusive=True):
                return False
            os.rename(place, store.path("trash", f"session-{secrets.token_hex(6)}"))
            return True
    except (StoreError, FileNotFoundError):
        if os.path.isdir(place):
            raise
        return False


def _forget(store: Store, key: str, before: float) -> bool:
    """Forget an answer that is old or whose layer is gone."""
    known = store.recall(key)
    layer = known.get("activation", {}).get("layer", "") if known else ""
    gone = bool(layer) and not os.path.isdir(store.path("layers", layer))
    if not gone and not _old(store, "resolutions", key, before):
        return False
    with contextlib.suppress(FileNotFoundError):
        os.unlink(store.path("resolutions", key))
    return True


def _delete(path: str) -> None:
    """Remove a folder with all below it, or a file; what cannot be removed is left to the next collection."""
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _sweep_torn(store: Store) -> None:
    """Remove answers that somebody died while writing, and stubs of base: their names begin with a dot."""
    before = time.time() - _WRITING
    for part in ("resolutions", "views"):
        for entry in os.scandir(store.path(part)):
            if entry.name.startswith(".") and _old(store, part, entry.name, before):
                layers.discard(store, part, entry.name)


def names(found: Iterable[Damage]) -> str:
    """One line for each damaged distribution."""
    return "\n".join(
        f"✗ {one.identity}: {one.fault}" + (" (in use: restart the kernel that uses it)" if one.used else "")
        for one in found
    )
