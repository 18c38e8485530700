"""What one apply did, as a person sees it: a sentence, a table, the notices; as text, as HTML and as the record itself.

It does not know how the record came to be nor who publishes it. It takes the record as the plain dictionary that the
journal holds and needs no import at all, because every notebook that reopens a known declaration pays for this module.
Hashes of single packages are in the HTML's details and in the record, not in the text.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any

    Row = tuple[str, str, str, str, str, str]

MIME = "application/vnd.sessionpkgs.env.v1+json"
"""The media type of the record."""

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
_SLIM = _ALIGN + "padding:3px 8px 3px 0"
_HEADS = ("Package", "Base", "", "Session", "Layer", "State")
_TIGHT = ("Base", "")
_FOLD_OVER = 12
_WIDTH = 80
_IDLE = ("kept", "shadowed")
_SOURCES = {"store": ", taken from the store", "remembered": ", reopened from the store, nothing was asked"}
_STATES = {"active": "to install", "after restart": "to install, after restart"}


class Result:
    """Shows one record; ``record`` is the JSON form of a ``Record``."""

    __slots__ = ("record",)

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record

    def bundle(self) -> dict[str, object]:
        """All three forms by media type."""
        facts = _Facts(self.record)
        return {"text/plain": _text(facts), "text/html": _html(facts), MIME: dict(self.record)}

    @property
    def text(self) -> str:
        """The form for a terminal of 80 columns."""
        return _text(_Facts(self.record))

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, object]:
        """Answer IPython, which may name the media types that it wants or does not want."""
        return {
            kind: form
            for kind, form in self.bundle().items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def __repr__(self) -> str:
        return self.text


def duration(seconds: float) -> str:
    """Seconds as people write them: 4 ms, 1.2 s, 2 min 5 s."""
    if seconds < 1:
        return f"{min(999, max(1, round(seconds * 1000)))} ms"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def plain(text: object) -> str:
    """*text* without anything that a terminal would obey: control characters, line ends, direction overrides."""
    line = str(text)
    return line if line.isprintable() else "".join(c if c.isprintable() else " " for c in line)


def escape(text: object) -> str:
    """*text* for HTML, as content or inside a quoted attribute."""
    line = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return line.replace('"', "&quot;").replace("'", "&#x27;")


class _Facts:
    """What both forms tell: the sentence, the rows by group and the lines below the table."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.action = str(record.get("action", ""))
        self.asked: list[Row] = []
        self.changed: list[Row] = []
        self.along: list[Row] = []
        self.idle: list[Row] = []
        self.packages = sorted(record.get("packages") or (), key=_by_name)
        for package in self.packages:
            self._sort_in(package)
        self.rows = self.asked + self.changed + self.along + self.idle
        self.live = [row for row in self.rows if row[5] not in _IDLE and row[4] != "base"]
        self.mark, self.lead, self.rest = _headline(self)

    def _sort_in(self, package: Mapping[str, Any]) -> None:
        """Put one package into its group; what changes base or waits for a restart never hides among the others."""
        version, layer, state = plain(package["version"]), plain(package["layer"]), plain(package["state"])
        base = plain(package.get("base") or "") or (version if layer == "base" else "–")
        idle = state in _IDLE
        arrow = "→" if base not in (version, "–") and not idle else ""
        label = _STATES.get(state, state) if self.action == "plan" else state
        group = self.idle if idle else self.changed if arrow or state != "active" else self.along
        if package.get("requested"):
            group = self.asked
        group.append((plain(package["name"]), base, arrow, version, layer, label))

    def below(self) -> list[tuple[str, str]]:
        """Name what was dropped and which variables were set."""
        labels = ("Would drop", "Would set") if self.action == "plan" else ("Dropped", "Variables set")
        values = (self.record.get("dropped"), self.record.get("variables"))
        return [(label, plain(", ".join(names))) for label, names in zip(labels, values, strict=True) if names]

    def details(self) -> list[tuple[str, str, str]]:
        """Where it came from: label, short value, full value."""
        get = self.record.get
        size = sum(int(p.get("size") or 0) for p in self.packages)
        steps = ", ".join(f"{name} {duration(seconds)}" for name, seconds in get("steps") or ())
        entries = [
            ("Asked", ", ".join(get("requested") or ()), ""),
            ("Engine", get("engine"), ""),
            ("Layer", str(get("layer") or "")[:12], get("layer")),
            ("Base", str(get("base") or "")[:12], get("base")),
            ("Python", get("python"), ""),
            ("Session", str(get("session") or "")[:12], get("session")),
            ("Size", f"{size / 1e6:.1f} MB" if size else "", f"{size} bytes"),
            ("Steps", steps, ""),
            ("Created", get("created"), ""),
        ]
        return [(label, plain(short), plain(full or short)) for label, short, full in entries if short]


def _by_name(package: Mapping[str, Any]) -> str:
    return str(package["name"])


def _headline(facts: _Facts) -> tuple[str, str, str]:
    """Give the mark, the words in bold and the rest of the sentence."""
    took = duration(float(facts.record.get("seconds") or 0))
    dropped = [plain(name) for name in facts.record.get("dropped") or ()]
    source = _SOURCES.get(str(facts.record.get("source")), "")
    if facts.action == "reset":
        return "✓", "Reset", f"base again, {took}"
    if facts.action == "plan":
        names = [f"{row[0]} {row[3]}" for row in facts.live]
        told = f"would install {_several(names)}{_cost(facts.record)}" if names else "nothing to install"
        return "", "Plan", f"{told}, nothing was changed, {took}"
    if facts.action == "status":
        return "", "Session environment", _amount(facts)
    lead = f"Removed {_several(dropped)}" if facts.action == "remove" and dropped else "Session environment ready"
    return "✓", lead, f"{_amount(facts)}{source}, {took}"


def _cost(record: Mapping[str, Any]) -> str:
    """What is still to fetch and about how long it takes; nothing where all of it is in the store."""
    if "expected" not in record:
        return ""
    size, seconds = int(record["fetch"]), float(record["expected"])
    if not seconds:
        return ", all of it in the store"
    told = f"{size / 1e6:.1f} MB to fetch" if size else "the index tells no sizes"
    return f", {told}, about {max(1, round(seconds))} s"


def _amount(facts: _Facts) -> str:
    """How many packages the session sees beyond base."""
    count, late = len(facts.live), sum("restart" in row[5] for row in facts.live)
    if not count:
        return "base alone, nothing on top"
    pooled = ", some from a pool" if any(row[4] == "pool" for row in facts.live) else ""
    after = f", {late} of them after restart" if late else ""
    return f"{count} package{'s' * (count > 1)} on top of base{pooled}{after}"


def _several(names: Sequence[str]) -> str:
    """Up to three names and how many more."""
    more = len(names) - 3
    head, last = (names[:3], f"{more} more") if more > 0 else (names[:-1], names[-1])
    return f"{', '.join(head)} and {last}" if head else last


def _text(facts: _Facts) -> str:
    """Aligned columns, requested packages with a star."""
    lines = wrap(f"{facts.mark} {facts.lead}: {facts.rest}".lstrip(), "")
    if rows := facts.rows:
        starred = [(f"* {row[0]}", *row[1:]) for row in facts.asked]
        cells = [(f"  {row[0]}", *row[1:]) for row in rows[len(starred) :]]
        table = [("  Package", *_HEADS[1:]), *starred, *cells]
        wide = [max(map(len, column)) for column in zip(*table, strict=True)]
        rest = [min(16, width) for width in wide[1:]]
        widths = [min(wide[0], max(20, _WIDTH - sum(rest) - 2 * len(rest))), *rest[:-1], 0]
        lines.append("")
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        lines += ["", "* asked for"] if starred and cells else [""]
    for label, value in facts.below():
        lines += wrap(f"{label}: {value}", "")
    for notice in facts.record.get("notices") or ():
        lines += wrap(f"- {plain(notice)}", "  ")
    if details := facts.details():
        lines += ["", *wrap("; ".join(f"{label.lower()} {short}" for label, short, _ in details), "")]
    return "\n".join(lines).rstrip()


def wrap(text: str, indent: str) -> list[str]:
    """Break *text* at spaces so that it fits the terminal; a longer word stays whole."""
    lines = []
    while len(text) > _WIDTH:
        at = text.rfind(" ", len(indent) + 1, _WIDTH + 1)
        at = at if at > 0 else text.find(" ", _WIDTH)
        if at < 0:
            break
        lines.append(text[:at])
        text = indent + text[at + 1 :]
    return [*lines, text]


def _html(facts: _Facts) -> str:
    """One block with inline styles only: a notebook that is not trusted loses scripts and style sheets."""
    mark = f'<span style="{GOOD}">{facts.mark}</span> ' if facts.mark else ""
    parts = [
        f'<div style="{BOX}"><div style="margin:2px 0 6px">{mark}<b>{escape(facts.lead)}</b>: {escape(facts.rest)}</div>'
    ]
    folds = {"more came along": facts.along, "kept": facts.idle} if len(facts.rows) > _FOLD_OVER else {}
    asked, heads = frozenset(row[0] for row in facts.asked), _table_head(facts.rows if folds else [])
    if shown := facts.asked + facts.changed if folds else facts.rows:
        parts.append(_table(shown, heads, asked))
    for why, hidden in folds.items():
        if hidden:
            parts.append(folded(f"{len(hidden)} {why}", _table(hidden, heads, asked)))
    for label, value in facts.below():
        parts.append(f'<div style="margin-top:6px"><span style="{QUIET}">{label}:</span> {escape(value)}</div>')
    if notices := facts.record.get("notices"):
        items = "".join(f'<li style="margin:0">{escape(notice)}</li>' for notice in notices)
        parts.append(f'<ul style="margin:6px 0 0;padding-left:18px">{items}</ul>')
    parts += [_details(facts), "</div>"]
    return "".join(parts)


def folded(summary: str, inner: str) -> str:
    """HTML that shows *summary*, and *inner* on a click."""
    return (
        f'<details style="margin:6px 0 0"><summary style="cursor:pointer;{QUIET}">{summary}</summary>{inner}</details>'
    )


def _table_head(rows: Sequence[Row]) -> str:
    """Column heads; as wide as the cells of *rows* need, so that a folded table lines up with the open one."""
    wide = [f"{min(26, max(map(len, column)) + 1)}ch" for column in zip(*rows, strict=True)] or ["auto"] * len(_HEADS)
    cells = "".join(
        f'<th style="{_SLIM if head in _TIGHT else PAD};font-weight:normal;width:{width}">'
        f'<span style="{QUIET}">{head}</span></th>'
        for head, width in zip(_HEADS, wide, strict=True)
    )
    return f'<thead style="border:none"><tr style="background:none;border:none">{cells}</tr></thead>'


def _table(rows: Iterable[Row], heads: str, asked: frozenset[str]) -> str:
    """Rows below *heads*, in a box that scrolls when it is wider than the page."""
    body = []
    for name, base, arrow, version, layer, state in rows:
        look = f";{QUIET}" if state in _IDLE else ""
        title = f'<b title="asked for">{escape(name)}</b>' if name in asked else escape(name)
        number = f"<b>{escape(version)}</b>" if arrow else escape(version)
        label = f'<span style="{ALERT}">{escape(state)}</span>' if "restart" in state else escape(state)
        body.append(
            f'<tr style="background:none;border-top:{LINE}{look}"><td style="{NAME}">{title}</td>'
            f'<td style="{_SLIM}">{escape(base)}</td><td style="{_SLIM}">{arrow}</td><td style="{PAD}">{number}</td>'
            f'<td style="{PAD}">{escape(layer)}</td><td style="{PAD}">{label}</td></tr>'
        )
    return f'<div style="overflow-x:auto"><table style="{TABLE}">{heads}<tbody>{"".join(body)}</tbody></table></div>'


def _details(facts: _Facts) -> str:
    """Give a folded list of origins and hashes: short values, full ones in the title."""
    entries = [(label, escape(short), escape(full)) for label, short, full in facts.details()]
    for package in facts.packages:
        if proof := str(package.get("sha256") or package.get("commit") or ""):
            kind = "sha256" if package.get("sha256") else "commit"
            label = escape(f"{package['name']} {package['version']}")
            entries.append((label, f"{kind} {escape(proof[:12])}", escape(proof)))
    rows = "".join(f'<div>{label} <span title="{full}">{short}</span></div>' for label, short, full in entries)
    look = f"font-size:12px;padding:4px 0 0 14px;overflow-wrap:anywhere;{QUIET}"
    return folded("Details", f'<div style="{look}">{rows}</div>') if entries else ""
