"""The list of packages, as a person sees it: as text, as HTML, and in the forms that ``pip list`` has.

It takes the record of ``session.looking.listing`` and does not know where that came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import plain
from sessionpkgs.display.page import LINE, NAME, PAD, QUIET, escape, folded, framed, head

Record = Mapping[str, Any]

FOLD_OVER = 40
"""Rows of base that a list shows before it folds them."""
_WIDTH = 80
_HEADS = ("Package", "Base", "Session", "Layer")
_PIP_KEYS = ("title", "version", "editable")


def _cells(row: Record) -> tuple[str, str, str, str]:
    """Package, version of base, version that the session sees (of base too, as in the table of a result), layer."""
    base = row["version"] if row["layer"] == "base" else row["base"] or "–"
    layer = f"{row['layer']}, editable" if row["editable"] else row["layer"]
    return plain(row["name"]), plain(base), plain(row["version"]), plain(layer)


def _amount(rows: Sequence[Record]) -> str:
    """How many packages there are, and how many of them the session brings."""
    own = sum(row["layer"] != "base" for row in rows)
    return f"{len(rows)} package{'s' * (len(rows) != 1)}, {own or 'none'} of them on top of base"


def text(record: Record) -> str:
    """Aligned columns, requested packages with a star."""
    rows = record["packages"]
    starred = [("* " if row["requested"] else "  ", _cells(row)) for row in rows]
    table = [("  Package", *_HEADS[1:]), *((f"{star}{cells[0]}", *cells[1:]) for star, cells in starred)]
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    rest = [min(16, width) for width in wide[1:-1]]
    widths = [min(wide[0], max(20, _WIDTH - sum(rest) - wide[-1] - 6)), *rest, 0]
    lines = [f"{_amount(rows)}:", ""] if rows else [_amount(rows)]
    lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table] if rows else []
    return "\n".join([*lines, "", "* asked for"] if any(row["requested"] for row in rows) else lines)


def html(record: Record) -> str:
    """A table by name; many rows of base are folded below the others."""
    rows = record["packages"]
    below = [row for row in rows if _idle(row)]
    hides = len(below) > FOLD_OVER
    shown = [row for row in rows if not _idle(row)] if hides else rows
    heads = head(_HEADS, [_cells(row) for row in shown or below] if hides else ())
    parts = [f'<div style="margin:2px 0 6px">{escape(_amount(rows))}</div>']
    parts += [_table(shown, heads)] if shown else []
    parts += [folded(f"{len(below)} of base", _table(below, heads))] if hides else []
    return "".join(parts)


def _idle(row: Record) -> bool:
    """Whether the session has nothing to do with *row*."""
    return row["layer"] == "base" and not row["requested"]


def _table(rows: Iterable[Record], heads: str) -> str:
    """*rows* below *heads*, those of base in quiet letters."""
    body = []
    for row in rows:
        name, *cells = map(escape, _cells(row))
        name = f'<b title="asked for">{name}</b>' if row["requested"] else name
        look = f";{QUIET}" if row["layer"] == "base" else ""
        title = f' title="{escape(row["editable"])}"' if row["editable"] else ""
        body.append(f'<tr style="background:none;border-top:{LINE}{look}"{title}><td style="{NAME}">{name}</td>')
        body.append("".join(f'<td style="{PAD}">{cell}</td>' for cell in cells) + "</tr>")
    return framed(heads, "".join(body))


def columns(record: Record) -> str:
    """The table that ``pip list`` prints."""
    rows = record["packages"]
    heads = ("Package", "Version", "Editable project location")
    table: list[tuple[str, ...]] = [heads, *(tuple(plain(row[key]) for key in _PIP_KEYS) for row in rows)]
    table = table if any(row["editable"] for row in rows) else [row[:2] for row in table]
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, tuple("-" * width for width in wide))
    return "\n".join(" ".join(map(str.ljust, row, wide)).rstrip() for row in table) if rows else ""


def pinned(record: Record) -> str:
    """The lines that ``pip list --format=freeze`` prints."""
    return "\n".join(f"{plain(row['title'])}=={plain(row['version'])}" for row in record["packages"])


def as_json(record: Record) -> str:
    """The text that ``pip list --format=json`` prints."""
    return json.dumps(
        [
            {"name": row["title"], "version": row["version"]}
            | ({"editable_project_location": row["editable"]} if row["editable"] else {})
            for row in record["packages"]
        ]
    )
