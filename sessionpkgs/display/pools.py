"""Pools as lines of a terminal. It decides nothing and asks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import plain

JSON = Mapping[str, Any]

_SCOPES = {"user": " (for yourself)", "sys-prefix": " (for this environment)", "system": " (for the machine)"}
_SECRET = ("conf", "variable", "script", "declaration")
"""Kinds of parts whose text is not shown."""
_KINDS = {"conf": "setting"}


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
    whose = _SCOPES.get(answer.get("scope", ""), "")
    if answer["same"]:
        return f"The pool {name}{whose} is as it was: generation {number}."
    own = sum(row["layer"] == "pool" for row in answer["packages"])
    jars = f" and {_several(len(answer['jars']), 'jar')}" if answer["jars"] else ""
    lines = [f"The pool {name}{whose}, generation {number}: {_several(own, 'package')}{jars}, over {answer['python']}."]
    if answer["action"] != "pool create":
        changes = [{"kind": "package", **change} for change in answer["changes"]]
        lines += [_part(change) for change in (*changes, *answer.get("parts", ()))]
    lines += [f"note: {plain(said)}" for said in answer["notices"]]
    lines.append(f"Choose the kernel “Python 3 (pool: {name})” in a notebook, or {name!r} as kernel name in a program.")
    return "\n".join(lines)


def _several(count: int, what: str) -> str:
    """*count* of *what*, in the number that it has."""
    return f"{count} {what}{'s' * (count != 1)}"


def _part(change: JSON) -> str:
    """One changed part of a pool, whatever its kind."""
    if change["kind"] in _SECRET:
        name = str(change["name"]).replace("_", "-") if change["kind"] == "script" else change["name"]
        return f"{_KINDS.get(change['kind'], change['kind'])} {plain(name)} {_became(change)}"
    return _change(change) if change["kind"] == "package" else f"{change['kind']} {_change(change)}"


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
    rows += [(jar["name"], jar["version"], "jar", _source(jar)) for jar in answer["jars"]]
    return "\n".join([*lines, "", table(("name", "version", "layer", "from"), rows)] if rows else lines)


def _from(row: JSON) -> str:
    """File of a distribution and the start of its hash."""
    file = str(row["url"]).partition("#")[0].rpartition("/")[2]
    return f"{file}  sha256:{row['sha256'][:12]}" if row["sha256"] else file


def _source(jar: JSON) -> str:
    """Coordinate of a jar and the start of its hash."""
    return f"{jar['coordinate']}  sha256:{jar['sha256'][:12]}".lstrip()


def diff(answer: JSON) -> str:
    """What changed between two generations."""
    head = f"{answer['pool']}: generation {answer['before']} → {answer['after']}"
    if answer["same"]:
        return f"{head}: nothing differs."
    lines = [_part(change) for change in answer["changes"]]
    return "\n".join([head, *lines])


def _became(change: JSON) -> str:
    """What became of a part whose text is not shown."""
    if not change["before"]:
        return "is new"
    return "changed" if change["after"] else "is gone"
