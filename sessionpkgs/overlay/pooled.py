"""The pool that this Python was started with: what stands between base and every session of it.

There is one at most, from the start of Python to its end. It does not know how a pool was made nor who put it there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sessionpkgs.store.locks import Flock

HELD = "SESSIONPKGS_POOL_HELD"
"""Variable that names a Python that takes this one's place the generation that it goes on with."""
_OWN = frozenset({"comm", "debugpy"})
"""What a kernel shares with its front end beside the protected distributions: it is there once."""

current: dict[str, Any] = {}
"""What ``generation.json`` says of it, with ``entries``: its folders in ``sys.path``, and ``staying``: modules of base that
were loaded already and stay. Empty without a pool."""
asked = ""
"""Name of the pool that this Python was started for, also where it could not be put in place."""
lease: Flock | None = None
"""What keeps the generation on the disk while this Python lives."""
outcomes: dict[str, tuple[bool, str]] = {}
"""What came of each step of its start: whether it went well, and a sentence."""


def entries() -> list[str]:
    """Folders of the pool in ``sys.path``, nearest first."""
    return list(current.get("entries", ()))


def identities() -> frozenset[str]:
    """Identities of the pool's distributions in its store."""
    return frozenset(current.get("activation", {}).get("dists", ()))


def finders() -> list[str]:
    """Modules of editable finders that the pool brings."""
    return list(current.get("activation", {}).get("finders", ()))


def scripts() -> str:
    """Its folder on PATH, "" where it has none."""
    return str(current.get("activation", {}).get("bin", ""))


def label() -> str:
    """Name and generation, such as ``ml 3``; "" without a pool."""
    return f"{current['pool']} {current['number']}" if current else ""


def files() -> list[int]:
    """Descriptors that stay open for the Python that takes this one's place."""
    return [lease.fileno()] if lease is not None and lease.held else []


def carried() -> dict[str, str]:
    """Variables for that Python: generation, descriptor of its lease, and the steps that are done."""
    if not current or lease is None or not lease.held:
        return {}
    done = [name for name, (fine, _) in outcomes.items() if fine]
    return {HELD: ":".join((str(current["number"]), str(lease.fileno()), *done))}


def alone() -> None:
    """Take the working folder off ``sys.path``, where ``python -m`` puts it first; a kernel puts it back further down."""
    if sys.path and (sys.path[0] == "" or os.path.realpath(sys.path[0]) == os.path.realpath(os.curdir)):
        del sys.path[0]


def make_way(sites: Iterable[str]) -> list[str]:
    """Forget what base has loaded of the modules in *sites*, so that the next import finds the pool's.

    Gives the names that stay: the kernel's own, which it goes on with, and C code, which Python cannot load twice.
    """
    names = {entry.partition(".")[0] for site in sites for entry in os.listdir(site)}
    loaded = {name for name in names & sys.modules.keys() if getattr(sys.modules[name], "__file__", None)}
    if not (loaded := loaded - sys.stdlib_module_names):
        return []
    from sessionpkgs.overlay.modules import is_extension
    from sessionpkgs.policy import PROTECTED_TOP_LEVELS

    staying = loaded & {*PROTECTED_TOP_LEVELS, *_OWN}
    for name in loaded - staying:
        parts = [one for one in sys.modules if one == name or one.startswith(f"{name}.")]
        if any(is_extension(sys.modules[one]) for one in parts):
            staying.add(name)
            continue
        for one in parts:
            del sys.modules[one]
    return sorted(staying)
