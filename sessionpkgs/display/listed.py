"""The list of packages, as a person sees it: as text, as HTML, and in the forms that ``pip list`` has.

It takes the record of ``session.looking.listing`` and does not know where that came from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import named, plain, pool_of
from sessionpkgs.display.page import LINE, NAME, PAD, QUIET, escape, folded, framed, head

Record = Mapping[str, Any]

FOLD_OVER = 40
"""Rows of base that a list shows before it folds them."""
_WIDTH = 80
_HEADS = ("Package", "Base", "Session", "Layer")
_POOLED = ("Package", "Base/pool", "Session", "Layer")
_PIP_KEYS = ("title", "version", "editable")


def _cells(row: Record, pool: str) -> tuple[str, str, str, str]:
    """Package, version below, version that the session sees (of base too, as in the table of a result), layer."""
    base = row["version"] if row["layer"] == "base" else row["base"] or "–"
    layer = named(row["layer"], pool) + (", editable" if row["editable"] else "")
    return plain(row["name"]), plain(base), plain(row["version"]), plain(layer)


def _amount(rows: Sequence[Record], pool: str) -> str:
    """How many packages there are, and how many of them the session and the pool bring."""
    own, of_pool = (sum(row["layer"] == layer for row in rows) for layer in ("session", "pool"))
    below = f"pool {plain(pool)} and base, {of_pool or 'none'} of the pool" if pool else "base"
    return f"{len(rows)} package{'s' * (len(rows) != 1)}, {own or 'none'} of them on top of {below}"


def text(record: Record) -> str:
    """Aligned columns, requested packages with a star."""
    rows, pool = record["packages"], pool_of(record)
    starred = [("* " if _asked(row) else "  ", _cells(row, pool)) for row in rows]
    table = [("  Package", *_heads(pool)[1:]), *((f"{star}{cells[0]}", *cells[1:]) for star, cells in starred)]
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    rest = [min(16, width) for width in wide[1:-1]]
    widths = [min(wide[0], max(20, _WIDTH - sum(rest) - wide[-1] - 6)), *rest, 0]
    lines = [f"{_amount(rows, pool)}:", ""] if rows else [_amount(rows, pool)]
    lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table] if rows else []
    return "\n".join([*lines, "", "* asked for"] if any(map(_asked, rows)) else lines)


def _heads(pool: str) -> tuple[str, ...]:
    """The columns, with a *pool* or without one."""
    return _POOLED if pool else _HEADS


def html(record: Record) -> str:
    """A table by name; many rows of base and of the pool are folded below the others."""
    rows, pool = record["packages"], pool_of(record)
    below = [row for row in rows if _idle(row)]
    hides = len(below) > FOLD_OVER
    shown = [row for row in rows if not _idle(row)] if hides else rows
    heads = head(_heads(pool), [_cells(row, pool) for row in shown or below] if hides else ())
    parts = [f'<div style="margin:2px 0 6px">{escape(_amount(rows, pool))}</div>']
    parts += [_table(shown, heads, pool)] if shown else []
    where = f"of pool {escape(pool)} and base" if pool else "of base"
    parts += [folded(f"{len(below)} {where}", _table(below, heads, pool))] if hides else []
    return "".join(parts)


def _asked(row: Record) -> bool:
    """Whether *row* has a mark: the session asks for it, and it is not the pool's."""
    return bool(row["requested"]) and row["layer"] != "pool"


def _idle(row: Record) -> bool:
    """Whether the session has nothing to do with *row*."""
    return row["layer"] != "session" and not row["requested"]


def _table(rows: Iterable[Record], heads: str, pool: str) -> str:
    """*rows* below *heads*, those of base in quiet letters."""
    body = []
    for row in rows:
        name, *cells = map(escape, _cells(row, pool))
        name = f'<b title="asked for">{name}</b>' if _asked(row) else name
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
