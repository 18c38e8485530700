"""Pools as lines of a terminal. It decides nothing and asks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import plain

JSON = Mapping[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns under their *head*, the last one as wide as it is."""
    texts = [list(head), *([plain(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in texts
    )


def made(answer: JSON) -> str:
    """What became of a pool, and how to use it."""
    name, number = answer["pool"], answer["number"]
    if answer["same"]:
        return f"The pool {name} is as it was: generation {number}."
    own = [row for row in answer["packages"] if row["layer"] == "pool"]
    jars = f" and {len(answer['jars'])} jars" if answer["jars"] else ""
    lines = [f"The pool {name}, generation {number}: {len(own)} packages{jars}, over {answer['python']}."]
    lines += [_change(change) for change in answer["changes"]] if answer["action"] != "pool create" else []
    lines += [f"note: {plain(said)}" for said in answer["notices"]]
    lines.append(f"Choose the kernel “Python 3 (pool: {name})” in a notebook, or {name!r} as kernel name in a program.")
    return "\n".join(lines)


def _change(change: JSON) -> str:
    """One changed distribution."""
    before, after = plain(change["before"]), plain(change["after"])
    name = plain(change["name"])
    if not before:
        return f"+ {name} {after}"
    return f"~ {name} {before} → {after}" if after else f"- {name} {before}"


def listing(answer: JSON) -> str:
    """All pools, one a line."""
    if not answer["pools"]:
        return "No pools yet: sessionpkgs pool create NAME --requirements FILE makes one."
    rows = [
        (row["pool"], row["number"], row["scope"], row["version"], row["packages"], row["jars"], _use(row))
        if not row["fault"]
        else (row["pool"], "?", row["scope"], "", "", "", row["fault"])
        for row in answer["pools"]
    ]
    return table(("pool", "generation", "scope", "python", "packages", "jars", "in use"), rows)


def _use(row: JSON) -> str:
    """Which generations kernels hold, and what is missing."""
    used = ", ".join(f"generation {number}" for number in row["used"]) or "no"
    return used if row["kernel"] else f"{used}; its kernel is not registered"


def one(answer: JSON) -> str:
    """Everything about one pool."""
    wanted = answer["declaration"]
    told = {
        "pool": f"{answer['pool']}, generation {answer['number']}" + ("" if answer["number"] == answer["current"] else f" (current: {answer['current']})"),
        "made": answer["created"],
        "python": f"{answer['version']}, {answer['python']}",
        "kernel": answer["kernel"],
        "generations": ", ".join(f"{one}{' (in use)' if one in answer['used'] else ''}" for one in answer["generations"]),
        "declared": wanted["label"],
        "from the workspace": ", ".join((*wanted["packages"], *wanted["jars"])),
        "settings": ", ".join(answer["conf"]),
        "variables": ", ".join(name for name, _ in answer["activation"]["variables"]),
        "scripts": ", ".join(name.replace("_", "-") for name in ("on_create", "on_start") if wanted[name]),
        "at the start": "a declaration of its own" if wanted["session"] else "",
    }  # fmt: skip
    width = max(map(len, told))
    lines = [f"{key:<{width}}  {plain(str(value))}" for key, value in told.items() if value]
    rows = [(row["name"], row["version"], row["layer"], _from(row)) for row in answer["packages"]]
    rows += [(jar["name"], jar["version"], "jar", jar["coordinate"] or jar["sha256"][:12]) for jar in answer["jars"]]
    return "\n".join([*lines, "", table(("name", "version", "layer", "from"), rows)] if rows else lines)


def _from(row: JSON) -> str:
    """File of a distribution and the start of its hash."""
    file = str(row["url"]).partition("#")[0].rpartition("/")[2]
    return f"{file}  sha256:{row['sha256'][:12]}" if row["sha256"] else file


def diff(answer: JSON) -> str:
    """What changed between two generations."""
    head = f"{answer['pool']}: generation {answer['before']} → {answer['after']}"
    if answer["same"]:
        return f"{head}: nothing differs."
    secret = {"conf", "variable", "script", "declaration"}
    lines = [
        f"{'' if change['kind'] == 'package' else change['kind'] + ' '}{_change(change)}"
        if change["kind"] not in secret
        else f"{change['kind']} {plain(change['name'])} {_became(change)}"
        for change in answer["changes"]
    ]
    return "\n".join([head, *lines])


def _became(change: JSON) -> str:
    """What became of a part whose text is not shown."""
    if not change["before"]:
        return "is new"
    return "changed" if change["after"] else "is gone"
