"""The pool that a session stands on, as rows and lines of a result: what its declaration asks for, and how much more it has.

It takes the record and needs no import from outside for the same reason as the text; without a pool nobody imports it.
"""

from __future__ import annotations

from sessionpkgs.display import named, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from sessionpkgs.display import Facts


def rows(facts: Facts) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
    """Each row of the pool with its cells, without those that the table has already, since a line of the session found
    them there. A plan has none: nothing of the pool would change.
    """
    if facts.action == "plan":
        return
    present = {str(row["name"]) for row in facts.packages if row["layer"] != "session"}
    for row in facts.record.get("pool_packages") or ():
        if row["name"] not in present or row["kind"] == "jar":
            yield row, _cells(row, facts.pool)


def _cells(row: Mapping[str, Any], pool: str) -> tuple[str, ...]:
    """Name, what is below, arrow, what the session sees, layer, state."""
    version, state, below = plain(row["version"]), plain(row["state"]), plain(row.get("base") or "")
    if state == "shadowed":
        seen = (version, "", "–")
    elif row["layer"] == "base":
        seen = (version, "", version)
    else:
        seen = (below or "–", "→" if below not in ("", version) else "", version)
    layer = named(plain(row["layer"]), pool) + (", jar" if row["kind"] == "jar" else "")
    return (plain(row["name"]), *seen, layer, state)


def rest(facts: Facts) -> list[tuple[str, str]]:
    """A line on what the pool brings besides its rows."""
    shown = {row[0] for row in (*facts.asked, *facts.pooled) if row[4] == named("pool", facts.pool)}
    more = len({*map(plain, facts.record.get("pool_distributions") or ())} - shown)
    if not more or facts.action == "plan":
        return []
    return [(f"Pool {facts.pool}", f"{more} more package{'s' * (more > 1)}, which %session_env list shows")]
