"""Answers that gave something: an exported text, downloaded files, and the look whether everything is there.

The look is that of ``page.py``. It takes the plain dictionary that was answered and knows nothing behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import plain
from sessionpkgs.display.page import BAD, GOOD, LINE, NAME, PAD, QUIET, SLIM, code, escape, folded, framed, marked

Record = Mapping[str, Any]
FILES = {"pylock": "pylock.toml", "requirements": "requirements.txt", "environment": "environment.yml"}
"""Name of a form and of the file that it usually stands in."""
FOLD_OVER = 25
"""Lines that a page shows before it folds them."""
MOST = 2_000
"""Lines that a page has at most; the text and the record have all."""
_NEWLINE = "\n"


def _lead(record: Record) -> str:
    """The sentence of an export or a download."""
    if record["action"] == "download":
        files = record["files"]
        return f"Downloaded {len(files)} file{'s' * (len(files) != 1)} to {plain(record['folder'])}"
    count = f"{record['count']} distribution{'s' * (record['count'] != 1)}"
    if record["form"] == "cell":
        return f"{count} as a cell"
    return f"Wrote {count} to {plain(record['file'])}" if record["file"] else f"{count} as {_file(record)}"


def _file(record: Record) -> str:
    """The file in which what was exported usually stands."""
    return FILES.get(record["form"], plain(record["form"]))


def _shown(record: Record) -> bool:
    """Whether *record* is an export that was not written."""
    return record["action"] == "export" and not record["file"]


def _lines(record: Record) -> Sequence[str]:
    """What stands below the sentence."""
    if record["action"] == "download":
        return [plain(name) for name in record["files"]]
    return [] if not _shown(record) else [plain(line) for line in str(record["text"]).splitlines()]


def text(record: Record) -> str:
    """The sentence, the notices, the lines; a shown export is the text alone, so that it can be copied or piped."""
    notices = [plain(notice) for notice in record.get("notices", ())]
    if _shown(record):
        return "\n".join([*(f"# {notice}" for notice in notices), *_lines(record)])
    return "\n".join([f"✓ {_lead(record)}", *_lines(record), *(f"- {notice}" for notice in notices)])


def html(record: Record) -> str:
    """The same as HTML; a long text is folded."""
    mark = "" if _shown(record) else f'<span style="{GOOD}">✓</span> '
    notices = "".join(f'<div style="{QUIET}">{escape(notice)}</div>' for notice in record.get("notices", ()))
    return f"<div>{mark}<b>{escape(_lead(record))}</b></div>{notices}{_body(record)}"


def _body(record: Record) -> str:
    """The lines below the sentence, and how an export becomes a file."""
    lines = _lines(record)
    if not lines:
        return ""
    more = [f"… {len(lines) - MOST} more lines"] if len(lines) > MOST else []
    inner = f'<div style="margin:6px 0 0">{code(_NEWLINE.join([*lines[:MOST], *more]))}</div>'
    if len(lines) > FOLD_OVER:
        inner = folded(f"{escape(_file(record))}, {len(lines)} lines" if _shown(record) else "Files", inner)
    hint = marked(f"`%session_env export {_file(record)}` writes it.") if record.get("form") in FILES else ""
    return inner + (f'<div style="margin:6px 0 0">{hint}</div>' if hint and _shown(record) else "")


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
        f'<tr style="background:none;border-top:{LINE}">'
        f'<td style="{SLIM};{GOOD if found["fine"] else BAD}">{"✓" if found["fine"] else "✗"}</td>'
        f'<td style="{PAD}">{escape(found["name"])}</td>'
        f'<td style="{NAME};overflow-wrap:anywhere">{escape(found["text"])}</td></tr>'
        for found in record["findings"]
    )
    return framed("", rows)


LOOKS: Mapping[str, tuple[Callable[[Record], str], Callable[[Record], str]]] = {
    "export": (text, html),
    "download": (text, html),
    "doctor": (doctor_text, doctor_html),
}
"""Text and HTML by action."""
