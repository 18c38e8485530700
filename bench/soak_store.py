"""Looks at a store and at processes from outside, while others change the store or when nobody does."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from bases import CHECKOUT

sys.path.insert(0, str(CHECKOUT))
from sessionpkgs.store import ingest

PARTS = ("dists", "layers", "resolutions", "stage", "locks", "trash", "cache", "sessions", "views", "checked")
SLACK = 1.2
"""What is kept may be so many times what it was after the first third."""
ENTRIES, BYTES, MIB = 20, 1 << 20, 16
"""And so much more, which is less than what one session leaves times the number of sessions."""


class Size(NamedTuple):
    """How many entries and bytes one part of the store has."""

    entries: int
    bytes: int


class Weight(NamedTuple):
    """Open files and MiB of memory of a process."""

    files: int
    mib: int


def torn(home: Path) -> Iterator[str]:
    """What is visible in the store of *home*, not whole, and no passing moment of a collection."""
    for part, look in (("dists", _dist), ("layers", _layer)):
        for path in (home / part).glob("*"):
            before = _inode(path)
            if (said := look(path)) and before and before == _inode(path):
                yield f"{part}/{path.name}: {said}"


def _inode(path: Path) -> int:
    """Number of what is at *path*, 0 where nothing is."""
    try:
        return path.lstat().st_ino
    except OSError:
        return 0


def _dist(path: Path) -> str:
    """What is wrong with a distribution."""
    return ingest.fault(str(path)) or _unreadable(path / "dist.json")


def _layer(path: Path) -> str:
    """What is wrong with a layer."""
    if said := _unreadable(path / "layer.json"):
        return said
    try:
        return next((f"{link} links to nothing" for link in path.rglob("*") if not link.exists()), "")
    except OSError as error:
        return str(error)


def _unreadable(path: Path) -> str:
    """Why the JSON at *path* cannot be read, "" where it can."""
    try:
        json.loads(path.read_text())
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def sizes(home: Path) -> dict[str, Size]:
    """What each part of the store has."""
    return {part: _size(home / part) for part in PARTS}


def _size(folder: Path) -> Size:
    """Entries and bytes of one part; a file with several names counts once."""
    seen: dict[int, int] = {}
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                status = os.lstat(f"{at}/{name}")
                seen[status.st_ino] = status.st_blocks * 512
    return Size(len(list(folder.iterdir())), sum(seen.values()))


def growth(before: dict[str, Size], after: dict[str, Size]) -> Iterator[str]:
    """Parts of the store that have grown by more than what is let pass."""
    for part, (entries, size) in before.items():
        now = after[part]
        if now.entries > SLACK * entries + ENTRIES or now.bytes > SLACK * size + BYTES:
            yield f"{part} grew from {entries} entries, {size:,} bytes to {now.entries} entries, {now.bytes:,} bytes"


def weight(pid: int) -> Weight:
    """What a process holds now."""
    process = psutil.Process(pid)
    return Weight(process.num_fds(), process.memory_info().rss >> 20)


def heavier(before: Weight, after: Weight) -> Iterator[str]:
    """What a process holds more of than is let pass."""
    if after.files > before.files:
        yield f"open files of the resident session: {before.files}, then {after.files}"
    if after.mib > SLACK * before.mib + MIB:
        yield f"memory of the resident session: {before.mib} MiB, then {after.mib} MiB"


def tree(folder: Path) -> str:
    """Hash over every path and byte of *folder*, bytecode aside."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def strangers(staying: set[int]) -> list[str]:
    """Programs below us that are not *staying*; they have some seconds to end, and orphans come to us."""
    until = time.monotonic() + 5
    while True:
        found = [one for one in psutil.Process().children(recursive=True) if one.pid not in staying]
        alive = [one for one in found if _runs(one)]
        if not alive or time.monotonic() > until:
            break
        time.sleep(0.1)
    for one in found:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(one.pid, os.WNOHANG)
    return [" ".join(one.cmdline())[:200] for one in alive if _runs(one)]


def _runs(one: psutil.Process) -> bool:
    """Whether a process is still there and more than a zombie."""
    try:
        return bool(one.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
