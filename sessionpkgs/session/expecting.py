"""What a plan will cost: bytes to fetch, and seconds by the pace of earlier installs on this machine.

The pace is one number in the store, learnt from installs that fetched enough to tell. It does not know what is in an
engine's own cache, so it errs on the slow side.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from sessionpkgs.model import Pin
from sessionpkgs.store import Store

_KEY = "pace"
_USUAL = 20e6
_TELLING = 1_000_000
_EACH = 0.02


def lacking(store: Store, pins: Iterable[Pin], tag: str) -> tuple[Pin, ...]:
    """Those of *pins* that the store has not unpacked yet."""
    return tuple(pin for pin in pins if pin.mutable or not os.path.isdir(store.path("dists", pin.identity(tag))))


def cost(store: Store, pins: Iterable[Pin]) -> tuple[int, float]:
    """Bytes to fetch for *pins*, which the store lacks, and the seconds that this takes at the usual pace."""
    wanted = tuple(pins)
    known = store.recall(_KEY) or {}
    size = sum(pin.size for pin in wanted)
    return size, round(size / float(known.get("bytes_per_second", _USUAL)) + _EACH * len(wanted), 1)


def learn(store: Store, pins: Iterable[Pin], seconds: float) -> None:
    """Remember how long *pins* took; small installs tell nothing."""
    size = sum(pin.size for pin in pins)
    if size < _TELLING or seconds <= 0:
        return
    before = float((store.recall(_KEY) or {}).get("bytes_per_second", size / seconds))
    with suppress(OSError):  # a pace is a courtesy, and the install is done
        store.remember(_KEY, {"bytes_per_second": round((before + size / seconds) / 2)})
