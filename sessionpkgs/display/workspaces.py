"""The workspace as a person sees it: lists, one artefact, what became of those that were added. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessionpkgs.display import plain, size, wrap
from sessionpkgs.display.page import LINE, NAME, PAD, QUIET, escape, framed, head
from sessionpkgs.display.pools import table

JSON = Mapping[str, Any]

_HEADS = ("Package", "Version", "Kind", "Size")
_MORE = ("Added", "By")
_MARKS = {"added": "✓", "there": "✓", "passed": "–", "refused": "✗"}


def listing(answer: JSON) -> str:
    """One artefact a line."""
    folder = plain(answer["workspace"])
    if not answer["artefacts"] and not answer["damaged"]:
        return f"The workspace {folder} is empty: sessionpkgs workspace add FILE puts wheels and jars into it."
    rows = [(*_cells(one), one["added"][:10], one["by"]) for one in answer["artefacts"]]
    lines = [f"Workspace {folder}:", "", table((*_HEADS, *_MORE), rows)] if rows else []
    return "\n".join([*lines, *(f"✗ {line}" for line in _damaged(answer))])


def listing_html(answer: JSON) -> str:
    """The same as a table."""
    rows = [_cells(one) for one in answer["artefacts"]]
    lead = f'<div style="margin:2px 0 6px">Workspace {escape(answer["workspace"])}{": empty" * (not rows)}</div>'
    body = "".join(
        f'<tr style="background:none;border-top:{LINE}"><td style="{NAME}">{escape(name)}</td>'
        + "".join(f'<td style="{PAD}">{escape(cell)}</td>' for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    torn = "".join(f'<div style="{QUIET}">✗ {escape(line)}</div>' for line in _damaged(answer))
    return lead + (framed(head(_HEADS, rows), body) if rows else "") + torn


def _cells(one: JSON) -> tuple[str, str, str, str]:
    """Package, version, kind and size of one artefact."""
    return one["name"], one["version"], one["kind"], size(one["size"])


def _damaged(answer: JSON) -> list[str]:
    """What is torn, each with its reason."""
    return [f"{one['sha256'][:16]} {plain(one['said'])}" for one in answer["damaged"]]


def one(answer: JSON) -> str:
    """Everything about the artefacts of one name."""
    return "\n\n".join(_sheet(artefact) for artefact in answer["artefacts"])


def _sheet(one: JSON) -> str:
    """Keys and values of one artefact."""
    pools = [
        f"{use['pool']} (generation {use['number']}{', current' if use['current'] else ''})" for use in one["pools"]
    ]
    told = {
        "Name": one["name"],
        "Version": one["version"],
        "Kind": one["kind"],
        "Coordinate": one["coordinate"],
        "Summary": one["summary"],
        "File": one["file"],
        "Size": f"{size(one['size'])} ({one['size']:,} bytes)",
        "SHA-256": one["sha256"],
        "Requires-Python": one["requires_python"],
        "Requires": ", ".join(one["requires"]),
        "Added": f"{one['added']} by {one['by']}, from {one['origin']}",
        "Used by pools": ", ".join(pools) or "none",
        "State": one["fault"] or "as it was added",
    }
    return "\n".join(f"{label}: {plain(value)}" for label, value in told.items() if value)


def added(answer: JSON) -> str:
    """What became of each, and how to use what is there now."""
    lines = [line for row in answer["results"] for line in _result(row)]
    there = [row for row in answer["results"] if row["state"] in ("added", "there")]
    use = {
        "wheel": "Sessions find wheels before every index: %pip install {}",
        "jar": "Jars are for pools: sessionpkgs workspace assign {} --pool POOL",
    }
    for kind, said in use.items():
        names = sorted({row["name"] for row in there if row["kind"] == kind})
        lines += ["", said.format(plain(names[0]))] if names else []
    return "\n".join(lines)


def _result(row: JSON) -> list[str]:
    """The lines for one artefact."""
    mark, place = _MARKS[row["state"]], plain(row["place"])
    if row["state"] == "refused":
        error = row["error"]
        hint = wrap(f"→ {plain(error['hint'])}", "    ") if error["hint"] else []
        return [*wrap(f"{mark} {place}: {plain(error['sentence'])}", "  "), *(f"  {line}" for line in hint)]
    if row["state"] == "passed":
        return [f"{mark} {place}: passed over, {row['said']}"]
    there = ", was there already" if row["state"] == "there" else ""
    return [f"{mark} {row['name']} {row['version']} ({row['kind']}, {size(row['size'])}){there}"]


def removed(answer: JSON) -> str:
    """What went."""
    return "\n".join(
        f"Removed {plain(row['name'])} {plain(row['version'])} ({row['kind']})." for row in answer["removed"]
    )
