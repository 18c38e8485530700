"""What one apply did as HTML: the words and tables of ``Facts`` in inline styles, and the pieces that answers share.

A notebook that is not trusted loses scripts and style sheets, so there are none. The colours are the front end's own.
It does not know how the facts came to be, and needs no import from outside for the same reason as the text.
"""

from __future__ import annotations

from sessionpkgs.display import IDLE, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sessionpkgs.display import Facts, Row

QUIET = "opacity:.65"
GOOD = "color:var(--jp-success-color1,var(--vscode-testing-iconPassed,#388e3c))"
BAD = "color:var(--jp-error-color1,var(--vscode-errorForeground,#d32f2f))"
ALERT = "color:var(--jp-warn-color0,var(--vscode-editorWarning-foreground,#c75300));font-weight:600"
BOX = (
    "font-family:var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));"
    "font-size:var(--jp-ui-font-size1,13px);line-height:1.5;color:var(--jp-content-font-color1,inherit)"
)
LINE = "1px solid rgba(128,128,128,.25)"
TABLE = "border-collapse:collapse;border:none;margin:0;width:auto;table-layout:auto;font-size:inherit"
_ALIGN = "text-align:left;white-space:nowrap;"
PAD = _ALIGN + "padding:3px 20px 3px 0"
NAME = "text-align:left;padding:3px 20px 3px 0"
SLIM = _ALIGN + "padding:3px 8px 3px 0"
CODE = (
    "font-family:var(--jp-code-font-family,var(--vscode-editor-font-family,monospace));background:none;border:none;"
    "color:inherit;margin:0;padding:0;font-size:inherit;line-height:1.4;white-space:pre;overflow-x:auto"
)
_TYPED = (
    "font-family:var(--jp-code-font-family,var(--vscode-editor-font-family,monospace));background:rgba(128,128,128,.15);"
    "color:inherit;padding:1px 4px;border-radius:3px;font-size:inherit"
)
_LABEL = f"text-align:left;vertical-align:top;padding:1px 16px 1px 0;white-space:nowrap;{QUIET}"
_VALUE = "text-align:left;padding:1px 0;overflow-wrap:anywhere"
_TIGHT = ("Base", "Base/pool", "")
_FOLD_OVER = 12
_FEW = 2
"""Notices that are shown whatever they say."""
_NO_MEANING = (
    "Build strings are not used",
    "Channels are not used",
    "Not used, because",
    "The kernel's own pip stays",
    "These settings of uv have no effect",
)
"""Beginnings of notices that ask nothing of the reader."""


def escape(text: object) -> str:
    """*text* for HTML, as content or inside a quoted attribute."""
    line = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return line.replace('"', "&quot;").replace("'", "&#x27;")


def html(facts: Facts) -> str:
    """Everything that *facts* tell, in one block."""
    mark = f'<span style="{GOOD}">{facts.mark}</span> ' if facts.mark else ""
    visible, quiet = _notices(facts)
    parts = [
        f'<div style="{BOX}"><div style="margin:2px 0 6px">{mark}<b>{escape(facts.lead)}</b>: {escape(facts.rest)}</div>',
        *_tables(facts),
    ]
    for label, value in facts.below():
        parts.append(f'<div style="margin-top:6px"><span style="{QUIET}">{escape(label)}:</span> {escape(value)}</div>')
    if visible:
        items = "".join(f'<li style="margin:2px 0">{escape(notice)}</li>' for notice in visible)
        parts.append(f'<ul style="margin:6px 0 0;padding-left:18px">{items}</ul>')
    parts += [_details(facts, quiet), "</div>"]
    return "".join(parts)


def _notices(facts: Facts) -> tuple[list[str], list[str]]:
    """Notices to see at once, and those that only say that something has no meaning here, where there are many."""
    told = [str(notice) for notice in facts.record.get("notices") or ()]
    quiet = [notice for notice in told if notice.startswith(_NO_MEANING)] if len(told) > _FEW else []
    return [notice for notice in told if notice not in quiet], quiet


def _tables(facts: Facts) -> list[str]:
    """The open table and the folded ones: much that came along, and in a plan what stays as it is."""
    many, plan = len(facts.rows) - len(facts.pooled) > _FOLD_OVER, facts.action == "plan"
    hidden = [
        ("more would come along" if plan else "more came along", facts.along if many else []),
        (f"of pool {escape(facts.pool)}", facts.pooled if len(facts.pooled) > _FOLD_OVER else []),
        ("kept", facts.idle if many or plan else []),
    ]
    away = [row for _, rows in hidden for row in rows]
    shown = [row for row in facts.rows if row not in away]
    heads = head(facts.heads, shown or away, tight=_TIGHT) if away else head(facts.heads, tight=_TIGHT)
    parts = [_table(shown, heads, facts)] if shown else []
    if not shown:
        hidden = [(why.removeprefix("more "), rows) for why, rows in hidden]
    return parts + [folded(f"{len(rows)} {why}", _table(rows, heads, facts)) for why, rows in hidden if rows]


def folded(summary: str, inner: str) -> str:
    """HTML that shows *summary*, and *inner* on a click."""
    return (
        f'<details style="margin:6px 0 0"><summary style="cursor:pointer;{QUIET}">{summary}</summary>{inner}</details>'
    )


def code(text: str) -> str:
    """*text*, which may have several lines, in letters of one width; a long line scrolls."""
    lines = "\n".join(map(escape, text.split("\n")))
    return f'<pre style="{CODE}">{lines}</pre>'


def marked(text: str) -> str:
    """HTML of a sentence in which what stands between backquotes is something to type."""
    return "".join(
        f'<code style="{_TYPED}">{escape(part)}</code>' if number % 2 else escape(part)
        for number, part in enumerate(text.split("`"))
    )


def sentence(lead: str, rest: str) -> dict[str, object]:
    """One sentence on its own, as text and as HTML: *lead* in bold where there is one, then *rest* as ``marked``."""
    bold = f"<b>{escape(lead)}</b>: " if lead else ""
    return {
        "text/plain": plain((f"{lead}: " if lead else "") + rest.replace("`", "")),
        "text/html": f'<div style="{BOX};padding:2px 0">{bold}{marked(rest)}</div>',
    }


def head(names: Sequence[str], rows: Iterable[Sequence[str]] = (), *, tight: Sequence[str] = ()) -> str:
    """The row of column *names*; as wide as the cells of *rows* need, so that a folded table lines up with the open one.

    The last column takes what it needs, and so do all without *rows*. Columns in *tight* stand close to the next.
    """
    widths = [f";width:{min(26, max(map(len, column)))}ch" for column in zip(*rows, strict=True)][:-1]
    cells = "".join(
        f'<th style="{SLIM if name in tight else PAD};font-weight:normal{width}"><span style="{QUIET}">{name}</span></th>'
        for name, width in zip(names, [*widths, *[""] * (len(names) - len(widths))], strict=True)
    )
    return f'<thead style="border:none"><tr style="background:none;border:none">{cells}</tr></thead>'


def framed(heads: str, body: str) -> str:
    """Rows below *heads*, in a box that scrolls when it is wider than the page."""
    return f'<div style="overflow-x:auto"><table style="{TABLE}">{heads}<tbody>{body}</tbody></table></div>'


def _table(rows: Iterable[Row], heads: str, facts: Facts) -> str:
    """*rows* below *heads*; those that were asked for in bold, those that stay as they are in quiet letters."""
    body = []
    for row in rows:
        name, base, arrow, version, layer, state, *origin = row
        look = f";{QUIET}" if state in IDLE else ""
        title = f'<b title="asked for">{escape(name)}</b>' if facts.is_asked(row) else escape(name)
        number = f"<b>{escape(version)}</b>" if arrow else escape(version)
        label = f'<span style="{ALERT}">{escape(state)}</span>' if "restart" in state else escape(state)
        places = "".join(f'<td style="{PAD}">{escape(place)}</td>' for place in origin)
        body.append(
            f'<tr style="background:none;border-top:{LINE}{look}"><td style="{NAME}">{title}</td>'
            f'<td style="{SLIM}">{escape(base)}</td><td style="{SLIM}">{arrow}</td><td style="{PAD}">{number}</td>'
            f'<td style="{PAD}">{escape(layer)}</td><td style="{PAD}">{label}</td>{places}</tr>'
        )
    return framed(heads, "".join(body))


def _details(facts: Facts, notices: Iterable[str]) -> str:
    """What is folded below: *notices*, origins and hashes; short values, full ones in the title."""
    entries = [(label, escape(short), escape(full)) for label, short, full in facts.details()]
    for package in facts.packages:
        if proof := str(package.get("sha256") or package.get("commit") or ""):
            kind = "sha256" if package.get("sha256") else "commit"
            label = escape(f"{package['name']} {package['version']}")
            entries.append((label, f"{kind} {escape(proof[:12])}", escape(proof)))
    rows = "".join(
        f'<tr style="background:none;border:none"><td style="{_LABEL}">{label}</td>'
        f'<td style="{_VALUE}"><span title="{full}">{short}</span></td></tr>'
        for label, short, full in entries
    )
    lines = "".join(f'<div style="margin:0 0 4px">{escape(notice)}</div>' for notice in notices)
    inner = f'<div style="font-size:12px;padding:4px 0 0 14px">{lines}{framed("", rows) if rows else ""}</div>'
    return folded("Details", inner) if entries or lines else ""
