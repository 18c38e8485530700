"""Answers that gave something: an exported text, downloaded files, and the look whether everything is there.

The look is that of ``display.py``. It takes the plain dictionary that was answered and knows nothing behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import BAD, GOOD, NAME, QUIET, TABLE, escape, plain

Record = Mapping[str, Any]
_SHOWN = 200


def _lead(record: Record) -> str:
    """The sentence of an export or a download."""
    if record["action"] == "download":
        files = record["files"]
        return f"Downloaded {len(files)} file{'s' * (len(files) != 1)} to {plain(record['folder'])}"
    count = f"{record['count']} distribution{'s' * (record['count'] != 1)}"
    return f"Wrote {count} to {plain(record['file'])}" if record["file"] else f"{count}, as {record['form']}"


def _lines(record: Record) -> Sequence[str]:
    """What stands below the sentence."""
    if record["action"] == "download":
        return [plain(name) for name in record["files"]]
    return [] if record["file"] else [plain(line) for line in str(record["text"]).splitlines()]


def text(record: Record) -> str:
    """The sentence, the notices, the lines; a shown export is the text alone, so that it can be copied or piped."""
    notices = [plain(notice) for notice in record.get("notices", ())]
    if record["action"] == "export" and not record["file"]:
        return "\n".join([*(f"# {notice}" for notice in notices), *_lines(record)])
    return "\n".join([f"✓ {_lead(record)}", *_lines(record), *(f"- {notice}" for notice in notices)])


def html(record: Record) -> str:
    """The same as HTML; a long text is cut, the record has all of it."""
    notices = "".join(f'<div style="{QUIET}">{escape(notice)}</div>' for notice in record.get("notices", ()))
    lines = _lines(record)
    shown = "\n".join(escape(line) for line in lines[:_SHOWN])
    more = f"\n… {len(lines) - _SHOWN} more lines" if len(lines) > _SHOWN else ""
    body = f'<pre style="margin:4px 0;line-height:1.4;overflow-x:auto">{shown}{more}</pre>' if lines else ""
    return f'<div><span style="{GOOD}">✓</span> <b>{escape(_lead(record))}</b></div>{notices}{body}'


def doctor_text(record: Record) -> str:
    """One line for each thing that was looked at."""
    width = max((len(found["name"]) for found in record["findings"]), default=0)
    return "\n".join(
        f"{'✓' if found['fine'] else '✗'} {plain(found['name']):<{width}}  {plain(found['text'])}"
        for found in record["findings"]
    )


def doctor_html(record: Record) -> str:
    """A table of the same."""
    rows = "".join(
        f'<tr><td style="{NAME};{GOOD if found["fine"] else BAD}">{"✓" if found["fine"] else "✗"}</td>'
        f'<td style="{NAME}">{escape(found["name"])}</td><td style="{NAME}">{escape(found["text"])}</td></tr>'
        for found in record["findings"]
    )
    return f'<table style="{TABLE}">{rows}</table>'


LOOKS: Mapping[str, tuple[Callable[[Record], str], Callable[[Record], str]]] = {
    "export": (text, html),
    "download": (text, html),
    "doctor": (doctor_text, doctor_html),
}
"""Text and HTML by action."""
