"""Giving room back and looking for damage: what nobody uses goes, what is not what it was is set aside.

A layer is in use while a session holds its lease, a session while it holds its own lock; the operating system gives both
back when a kernel dies. Age only decides what of the unused may stay for the next start. It never touches an engine's
cache, and what is removed leaves its place by one rename first.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from typing import NamedTuple

from sessionpkgs.errors import StoreError
from sessionpkgs.places import boot_id
from sessionpkgs.steps import step
from sessionpkgs.store import Store, disk, generations, layers
from sessionpkgs.store.locks import Flock

_DEADLINE = 60.0
_WRITING = 3600.0
"""Seconds after which nobody is still writing a file of a few kilobytes."""


_RESOLVING = 86_400.0
"""Seconds after which no engine still reads the pages that it was given."""


class Collected(NamedTuple):
    """How many of each went."""

    layers: int
    dists: int
    sessions: int
    resolutions: int


class Damage(NamedTuple):
    """A distribution or a layer that is not what it was: its identity, the file, and whether a session uses it now."""

    identity: str
    fault: str
    used: bool


def collect(store: Store, *, days: float) -> Collected:
    """Remove what nobody uses and nobody used for *days*; what died in the middle of something goes at once.

    Raises :class:`DeadlineError` where builds go on for a minute, and :class:`StoreError`.
    """
    with disk(store.root):
        return _collect(store, time.time() - days * 86_400 if days > 0 else math.inf)


def _collect(store: Store, before: float) -> Collected:
    """The same, of what nobody used since *before*; nothing is too new for infinity, whatever the clock was."""
    with store.stage():
        pass  # a fresh stage sweeps those of the dead
    generations.collect(store, before)
    pooled = generations.used(store)
    gone = [
        digest
        for digest in _entries(store, "layers")
        if digest not in pooled and _old(store, "layers", digest, before) and _drop(store, digest)
    ]
    with Flock(store.path("locks", layers.COLLECTING)) as lock:
        step("collect.lock")
        lock.acquire(exclusive=True, deadline=_DEADLINE)
        used = {identity for digest in _entries(store, "layers") for identity in layers.members(store, digest)}
        loose = [one for one in _entries(store, "dists") if one not in used and _old(store, "dists", one, before)]
        for identity in loose:
            layers.discard(store, "dists", identity)
        dead = [one for one in _entries(store, "sessions") if _old(store, "sessions", one, before) and _end(store, one)]
    _sweep_jars(store, before)
    answers = [key for key in _entries(store, "resolutions") if _forget(store, key, before)]
    _sweep_torn(store)
    _sweep_stubs(store, before)
    _sweep_marks(store)
    _sweep_locks(store)
    for name in os.listdir(store.path("trash")):
        step("trash.delete")
        _delete(store.path("trash", name))
    return Collected(len(gone), len(loose), len(dead), len(answers))


def verify(store: Store) -> list[Damage]:
    """Read every distribution and every layer again and set the damaged ones aside; the next start builds them anew.

    One that a session uses now is named and left where it is, since taking it away would break that session. Raises
    :class:`StoreError`.
    """
    with disk(store.root):
        return _verify(store)


def _verify(store: Store) -> list[Damage]:
    """The same. What looks damaged is looked at again while nothing is built or collected: it may have gone meanwhile."""
    suspects = [one for one in _entries(store, "dists") if layers.damage(store, one)]
    bent = [one for one in _entries(store, "layers") if layers.fault(store, one)]
    if not suspects and not bent:
        return []
    with Flock(store.path("locks", layers.COLLECTING)) as lock:
        step("collect.lock")
        lock.acquire(exclusive=True, deadline=_DEADLINE)
        here, there = ({*_entries(store, part)} for part in ("dists", "layers"))
        damaged = {one: said for one in suspects if one in here and (said := layers.damage(store, one))}
        torn = {one: said for one in bent if one in there and (said := layers.fault(store, one))}
        return _set_aside(store, damaged, torn)


def _set_aside(store: Store, damaged: dict[str, str], torn: dict[str, str]) -> list[Damage]:
    """Take what is damaged or torn away where nobody uses it, and tell of all of it."""
    busy: set[str] = set()
    for digest in _entries(store, "layers"):
        linked = layers.members(store, digest)
        if (digest in torn or not linked.isdisjoint(damaged)) and not _drop(store, digest):
            busy.update(linked, {digest})
    for identity in damaged.keys() - busy:
        layers.discard(store, "dists", identity)
    return [Damage(identity, said, identity in busy) for identity, said in {**damaged, **torn}.items()]


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
    """Take the layer *digest* away unless a session holds it; then it counts as used now.

    So a program that outlives its kernel, whose lease it does not have, keeps the layer for the days that are asked.
    """
    with Flock(store.path("locks", f"lease-{digest}")) as lease:
        if not lease.try_acquire(exclusive=True):
            with contextlib.suppress(FileNotFoundError):
                step("layer.touch")
                os.utime(store.path("layers", digest))
            return False
        if digest in generations.used(store):  # a generation was published since the look at all of them
            return False
        layers.discard(store, "layers", digest)
        return True


def _end(store: Store, session: str) -> bool:
    """Set the folder of a session whose kernel is gone aside; one that goes by itself meanwhile is none of ours."""
    place = store.path("sessions", session)
    try:
        with Flock(place, folder=True) as lock:
            if not lock.try_acquire(exclusive=True):
                return False
            step("session.end")
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
        step("answer.forget")
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
    """Remove what somebody died while writing: answers and stubs of base (their names begin with a dot), and folders of
    scripts and boot files (theirs end with the number of a process).
    """
    before = time.time() - _WRITING
    torn = [(part, entry) for part in ("resolutions", "views") for entry in os.listdir(store.path(part))]
    for part, name in torn:
        if (
            (name.startswith(".") or _numbered(name))
            and _old(store, part, name, before)
            and not _busy(store, part, name)
        ):
            layers.discard(store, part, name)
        elif name.startswith("boot-"):
            inner = [f"{name}/{one}" for one in os.listdir(store.path(part, name)) if _numbered(one)]
            for path in inner:
                if _old(store, part, path, before):
                    step("boot.forget")
                    _delete(store.path(part, path))


def _sweep_jars(store: Store, before: float) -> None:
    """Set jars aside that no generation of a pool has and nobody brought in since *before*, nor within the last hour."""
    used = generations.jars(store)
    for name in _entries(store, "artifacts"):
        if name not in used and _old(store, "artifacts", name, min(before, time.time() - _WRITING)):
            layers.discard(store, "artifacts", name)


def _sweep_stubs(store: Store, before: float) -> None:
    """Set stubs of base aside that nobody reads now and nobody read since *before*, and pages of the workspace that
    nobody asked for since then nor for a day: a page that vanished in a resolve would send a name to the next index.
    """
    pages = min(before, time.time() - _RESOLVING)
    for name in _entries(store, "views"):
        if name.startswith("workspace-") and _old(store, "views", name, pages):
            layers.discard(store, "views", name)
        if re.fullmatch(r"[0-9a-f]{32}", name) and _old(store, "views", name, before):
            with contextlib.suppress(StoreError), Flock(store.path("views", name), folder=True) as lock:
                if lock.try_acquire(exclusive=True):
                    layers.discard(store, "views", name)


def _numbered(name: str) -> bool:
    """Whether *name* ends with the number of a process that was writing it, and that is gone."""
    number = re.search(r"\.(\d+)$", name)
    if number is None:
        return False
    try:
        os.kill(int(number[1]), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def _busy(store: Store, part: str, name: str) -> bool:
    """Whether somebody holds the folder that is being made there; its age may be a wrong clock's."""
    if not os.path.isdir(store.path(part, name)):
        return False
    with contextlib.suppress(StoreError), Flock(store.path(part, name), folder=True) as lock:
        return not lock.try_acquire(exclusive=True)
    return False


def _sweep_marks(store: Store) -> None:
    """Remove the marks of layers that are gone, and those of earlier boots of the machine, which nobody reads again."""
    boot = f"{boot_id()}-"
    for name in _entries(store, "checked"):
        if not name.startswith(boot) or not os.path.isdir(store.path("layers", name[len(boot) :])):
            step("mark.forget")
            _delete(store.path("checked", name))


def _sweep_locks(store: Store) -> None:
    """Remove the files of locks whose stage or layer is gone and that nobody holds."""
    folders = {"stage": "stage", "layer": "layers", "lease": "layers"}
    for name in _entries(store, "locks"):
        kind, _, guarded = name.partition("-")
        if kind not in folders or os.path.lexists(store.path(folders[kind], guarded)):
            continue
        with Flock(store.path("locks", name)) as lock:
            if lock.try_acquire(exclusive=True):
                step("lock.forget")
                lock.remove()


def names(found: Iterable[Damage]) -> str:
    """One line for each damaged distribution or layer."""
    return "\n".join(
        f"✗ {one.identity}: {one.fault}" + (" (in use: restart the kernel that uses it)" if one.used else "")
        for one in found
    )
