"""What a uv that was stopped leaves in its cache: folders that it was unpacking into, and that nobody would ever remove."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

_PATIENCE = 2.0
"""Seconds in which a uv that was killed is gone."""


@contextmanager
def swept(cache: str) -> Iterator[None]:
    """A block that runs uv over the folder *cache*; what a uv left there half-unpacked is gone afterwards."""
    try:
        yield
    except BaseException:
        sweep(cache, patience=_PATIENCE)
        raise
    sweep(cache)


def sweep(cache: str, *, patience: float = 0.0) -> None:
    """Remove half-unpacked folders from *cache*, unless a uv works there for *patience* seconds more.

    Every uv holds the lock of its cache, shared, as long as it runs.
    """
    until = time.monotonic() + patience
    try:
        left = [name for name in os.listdir(cache) if name.startswith(".tmp")]
        if left:
            with open(f"{cache}/.lock", "rb") as lock:
                if _acquired(lock, until):
                    for name in left:
                        shutil.rmtree(f"{cache}/{name}", ignore_errors=True)
    except OSError:
        return


def _acquired(lock: BinaryIO, until: float) -> bool:
    """Whether nobody holds the *lock*, at the latest *until*."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        else:
            return True
