"""The pool that this Python was started with: what stands between base and every session of it.

There is one at most, from the start of Python to its end. It does not know how a pool was made nor who put it there.
"""

from __future__ import annotations

from typing import Any

current: dict[str, Any] = {}
"""What ``generation.json`` says of it, with ``entries``: its folders in ``sys.path``. Empty without a pool."""


def entries() -> list[str]:
    """Folders of the pool in ``sys.path``, nearest first."""
    return list(current.get("entries", ()))


def finders() -> list[str]:
    """Modules of editable finders that the pool brings."""
    return list(current.get("activation", {}).get("finders", ()))


def scripts() -> str:
    """Its folder on PATH, "" where it has none."""
    return str(current.get("activation", {}).get("bin", ""))


def label() -> str:
    """Name and generation, such as ``ml 3``; "" without a pool."""
    return f"{current['pool']} {current['number']}" if current else ""
