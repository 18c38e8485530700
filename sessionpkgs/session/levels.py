"""The levels below a session, in words and as rows of a record: the pool of this Python where there is one, and base.

Standard library only, for the reopened declaration. It reads what the pool's generation says of itself and looks at no
file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sessionpkgs.overlay import pooled

JSON = dict[str, Any]


def named(level: str) -> str:
    """*level* as a table calls it: ``session``, ``pool ml`` or ``base``."""
    return f"pool {pooled.current['pool']}" if level == "pool" and pooled.current else level


def the(level: str) -> str:
    """*level* as a sentence calls it: ``the session``, ``the pool ml`` or ``base``."""
    return named(level) if level == "base" else f"the {named(level)}"


def below() -> str:
    """All that is below a session, for a sentence."""
    return f"{the('pool')} and base" if pooled.current else "base"


def origin(name: str) -> str:
    """Where the pool has the distribution *name* from, as its own record says."""
    rows = (row for row in pooled.current.get("packages", ()) if row["name"] == name)
    return str(next((row.get("origin", "") for row in rows), "")) or named("pool")


def layer() -> str:
    """Digest of the pool's layer, "" without a pool."""
    return str(pooled.current["activation"]["layer"]) if pooled.current else ""


def absent() -> list[str]:
    """A notice where this Python was started for a pool and has none."""
    if pooled.current or not pooled.asked:
        return []
    why = next((said for fine, said in pooled.outcomes.values() if not fine), "its start went wrong")
    return [f"The pool {pooled.asked} is not in place: {why.rstrip('.')}."]


def told(hidden: Collection[str] = ()) -> JSON:
    """What a record says of the pool; *hidden* are names of which the session has a version of its own.

    ``pool`` is name and generation, ``pool_layer`` the digest of its layer, ``pool_distributions`` name and version of all
    that it brings, ``pool_packages`` rows (as those of ``packages``) for what its declaration asks for, and for its jars.
    All are empty without a pool.
    """
    rows = pooled.current.get("packages", ())
    asked = [_row(row, hidden) for row in rows if row["requested"]]
    return {
        "pool": pooled.label(),
        "pool_layer": layer(),
        "pool_distributions": {row["name"]: row["version"] for row in rows if row["layer"] != "base"},
        "pool_packages": [*asked, *map(_jar, pooled.current.get("jars", ()))],
    }


def _row(row: Mapping[str, Any], hidden: Collection[str]) -> JSON:
    """What the pool's own record says of one distribution, as a session sees it: its session is the pool."""
    own = row["layer"] != "base"
    state = "shadowed" if row["name"] in hidden else "active" if own else "kept"
    return {**row, "layer": "pool" if own else "base", "state": state}


def _jar(jar: Mapping[str, Any]) -> JSON:
    """The row of a jar of the pool, with its ``path`` and ``coordinate``; jars of pools come from the workspace."""
    return {
        "name": jar["name"], "version": jar["version"], "base": "", "layer": "pool", "state": "active",
        "sha256": jar["sha256"], "url": "", "path": jar["path"], "coordinate": jar.get("coordinate", ""), "commit": "",
        "size": 0, "requested": True, "kind": "jar", "direct": False, "editable": False, "origin": "workspace",
    }  # fmt: skip
