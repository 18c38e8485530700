"""What an engine may take while it works: a bomb that comes from an index is stopped while it unpacks.

A wheel that is a file here is looked into before (``caps``); of the others only their size is known, and how much an
engine writes for it tells. Where the system does not say what a program takes, nothing is stopped and only what was
unpacked is looked at. It does not know engines. What is built from source may take what it wants: that code is run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from sessionpkgs.errors import UnsafePackageError
from sessionpkgs.model import Pin
from sessionpkgs.process import Completed, Usage, run
from sessionpkgs.store import caps

MEMORY = 1 << 30
"""Bytes of memory that an engine may hold; 500 distributions of real life take a quarter."""
SPREAD = 20
"""How many times their size wheels may unpack to together, LARGE apart; popular ones unpack to 2 to 18 times."""
UNTOLD = 6 << 30
"""Bytes that one wheel of unknown size may unpack to: the largest wheels there are have two thirds of that."""

Sizes = Callable[[Iterable[str]], Mapping[str, int]]


def _untold(_: Iterable[str]) -> Mapping[str, int]:
    """No sizes."""
    return {}


def _nothing() -> None:
    """Hear a tick and do nothing."""


class Bounded:
    """A runner for an engine that unpacks *pins*, or without them for one that only reads (and downloads, for that).

    *sizes* gives bytes by URL for those that no index told; it is asked only when so much was written that they count,
    and the engine stands still meanwhile.
    """

    def __init__(self, pins: Sequence[Pin] = (), sizes: Sizes = _untold) -> None:
        self._pins, self._ask = pins, sizes
        self._sizes = {pin.url: pin.size or _file_size(pin) for pin in pins}
        self._asked = False

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        deadline: float,
        tick: Callable[[], None] = _nothing,
    ) -> Completed:
        """Run *argv* as :func:`run` does. Raises :class:`UnsafePackageError` too, where it takes too much."""
        return run(argv, env=env, cwd=cwd, deadline=deadline, tick=tick, watch=self.judge)

    def judge(self, usage: Usage) -> None:
        """Raise :class:`UnsafePackageError` where *usage* is more than the pins may need."""
        if usage.memory > MEMORY:
            raise self._refusal(f"needs more than {MEMORY >> 20:,} MB of memory", usage)
        if usage.written <= self._most():
            return
        if not self._asked:
            self._asked = True
            with usage.held():
                found = self._ask([url for url, size in self._sizes.items() if not size])
            self._sizes |= {url: size for url, size in found.items() if size}
        if usage.written > self._most():
            verb = "unpacks to" if self._pins else "makes an engine write"
            raise self._refusal(f"{verb} more than {self._most() >> 20:,} MB", usage)

    def _most(self) -> int:
        """Bytes that may be written by now: once what the pins unpack to, and once what an engine does with it."""
        if not all(pin.kind == "wheel" for pin in self._pins) or not self._pins:
            return caps.WHOLE
        unknown = sum(not size for size in self._sizes.values()) if self._asked else 0
        return 2 * (caps.LARGE + SPREAD * sum(self._sizes.values())) + UNTOLD * unknown

    def _refusal(self, said: str, usage: Usage) -> UnsafePackageError:
        """The refusal of the pins, of which the file that is being written tells more."""
        names = [pin.name for pin in self._pins]
        what = names[0] if len(names) == 1 else f"one of {len(names)} distributions" if names else "what was asked for"
        parts = usage.writing().split("/")[-2:]
        where = f" (at {caps.shown('/'.join(parts))})" if names and len(parts) > 1 else ""
        return UnsafePackageError(
            f"{what} {said}, and the install was stopped{where}"
            if names
            else f"{what} {said} to be read, and was stopped",
            hint="Do not use it; tell who publishes it.",
            item=names[0] if len(names) == 1 else "",
        )


def _file_size(pin: Pin) -> int:
    """Bytes of the file of this machine that *pin* is, 0 where it is none."""
    parts = urlsplit(pin.url)
    try:
        return os.path.getsize(unquote(parts.path)) if parts.scheme == "file" and pin.kind != "directory" else 0
    except OSError:
        return 0
