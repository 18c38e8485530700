"""What one apply did, as a person sees it: a sentence, a table, the notices; as text, as HTML and as the record itself.

It does not know how the record came to be nor who publishes it, and leaves the HTML to ``page.py``. It takes the record
as the plain dictionary that the journal holds and needs no import from outside, because every notebook that reopens a
known declaration pays for this module. Hashes of single packages are in the HTML's details and in the record alone.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    Row = tuple[str, ...]

MIME = "application/vnd.sessionpkgs.env.v1+json"
"""The media type of the record."""

HEADS = ("Package", "Base", "", "Session", "Layer", "State")
POOLED = ("Package", "Base/pool", "", "Session", "Layer", "State", "Origin")
"""The columns where there is a pool; HEADS and the last one where something came from the workspace."""
IDLE = ("kept", "shadowed")
"""States of packages with which the session has nothing to do."""
_WIDTH = 80
_VERSIONS = ("Base", "Base/pool", "Session")
"""Columns of the text that a long version does not make wider for all."""
_UNITS = (("kB", 0), ("MB", 1))
_NEXT = 1000
_SHORT = 90
_SOURCES = {"store": ", taken from the store", "remembered": ", reopened from the store, nothing was asked"}
_STATES = {"active": "to install", "after restart": "to install, after restart"}


class Result:
    """Shows one record; ``record`` is the JSON form of a ``Record``."""

    __slots__ = ("record",)

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record

    def bundle(self) -> dict[str, object]:
        """All three forms by media type."""
        from sessionpkgs.display import page

        facts = Facts(self.record)
        return {"text/plain": _text(facts), "text/html": page.html(facts), MIME: dict(self.record)}

    @property
    def text(self) -> str:
        """The form for a terminal of 80 columns."""
        return _text(Facts(self.record))

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


def size(count: int) -> str:
    """Bytes as people write them: 512 kB, 12.4 MB, 3.0 GB."""
    value = count / _NEXT
    for unit, digits in _UNITS:
        if round(value, digits) < _NEXT:
            return f"{max(value, 1):.{digits}f} {unit}"
        value /= _NEXT
    return f"{value:.1f} GB"


def plain(text: object) -> str:
    """*text* without anything that a terminal would obey: control characters, line ends, direction overrides."""
    line = str(text)
    return line if line.isprintable() else "".join(c if c.isprintable() else " " for c in line)


class Facts:
    """What both forms tell: the sentence, the rows by group and the lines below the table."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self.action = str(record.get("action", ""))
        self.names: set[str] = set()
        self.asked: list[Row] = []
        self.changed: list[Row] = []
        self.along: list[Row] = []
        self.pooled: list[Row] = []
        self.more: list[tuple[str, str]] = []
        self.idle: list[Row] = []
        self.pool, _, self.generation = plain(record.get("pool") or "").rpartition(" ")
        self.packages = sorted(record.get("packages") or (), key=_by_name)
        self.heads = self._heads()
        for package in self.packages:
            self._sort_in(package)
        if self.pool:
            from sessionpkgs.display import pooled

            self.pooled = [self._row(package, *cells) for package, cells in pooled.rows(self)]
            self.more = pooled.rest(self)
        self.rows = self.asked + self.changed + self.along + self.pooled + self.idle
        self.live = [row for row in self.rows if row[5] not in IDLE and row[4] == "session"]
        self.mark, self.lead, self.rest = _headline(self)

    def is_asked(self, row: Row) -> bool:
        """Whether a line of the session asks for what *row* tells of."""
        return row[0] in self.names and row not in self.pooled

    def _heads(self) -> tuple[str, ...]:
        """The columns: where things came from is said where it may be another place than the index."""
        if self.pool:
            return POOLED
        brought = any(package.get("origin") == "workspace" for package in self.packages)
        return (*HEADS, POOLED[-1]) if brought else HEADS

    def _row(self, package: Mapping[str, Any], *cells: str) -> Row:
        """*cells* with the origin where it has a column: what the layer says already is not said again."""
        place = shortened(plain(package.get("origin") or ""))
        told = (*cells, "–" if place in ("", cells[4]) else place)
        return told[: len(self.heads)]

    def _sort_in(self, package: Mapping[str, Any]) -> None:
        """Put one package into its group; what changes base or waits for a restart never hides among the others.

        A plan is about what would change: what stays as it is, asked for or not, stands together.
        """
        version, state = plain(package["version"]), plain(package["state"])
        layer = named(plain(package["layer"]), self.pool)
        base = plain(package.get("base") or "") or (version if layer == "base" else "–")
        idle = state in IDLE
        arrow = "→" if base not in (version, "–") and not idle else ""
        label = _STATES.get(state, state) if self.action == "plan" else state
        group = self.idle if idle else self.changed if arrow or state != "active" else self.along
        name = plain(package["name"])
        if package.get("requested"):
            self.names.add(name)
            group = group if idle and self.action == "plan" else self.asked
        group.append(self._row(package, name, base, arrow, version, layer, label))

    def below(self) -> list[tuple[str, str]]:
        """Count what else the pool has, name what was dropped and which variables were set."""
        labels = ("Would drop", "Would set") if self.action == "plan" else ("Dropped", "Variables set")
        values = (self.record.get("dropped"), self.record.get("variables"))
        told = [(label, plain(", ".join(names))) for label, names in zip(labels, values, strict=True) if names]
        return [*self.more, *told]

    def details(self) -> list[tuple[str, str, str]]:
        """Where it came from: label, short value, full value."""
        get = self.record.get
        total = sum(int(p.get("size") or 0) for p in self.packages)
        steps = ", ".join(f"{name} {duration(seconds)}" for name, seconds in get("steps") or ())
        entries = [
            ("Asked for", ", ".join(get("requested") or ()), ""),
            ("Engine", get("engine"), ""),
            ("Layer", str(get("layer") or "")[:12], get("layer")),
            ("Pool", get("pool"), get("pool_layer")),
            ("Base", str(get("base") or "")[:12], get("base")),
            ("Python", get("python"), ""),
            ("Session", str(get("session") or "")[:12], get("session")),
            ("Size", size(total) if total else "", f"{total} bytes"),
            ("Steps", steps, ""),
            ("Created", get("created"), ""),
        ]
        return [(label, plain(short), plain(full or short)) for label, short, full in entries if short]


def named(layer: str, pool: str) -> str:
    """*layer* as a table calls it, where *pool* is the name of the pool, "" without one: ``pool ml``."""
    return f"pool {pool}" if layer == "pool" and pool else layer


def pool_of(record: Mapping[str, Any]) -> str:
    """Name of the pool in an answer, "" without one."""
    return str(record.get("pool") or "").rpartition(" ")[0]


def shortened(place: str) -> str:
    """The host of a URL, the last part of a path, any other *place* as it is."""
    host = place.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return host or (place.rstrip("/").rpartition("/")[2] if "/" in place else place)


def _by_name(package: Mapping[str, Any]) -> str:
    return str(package["name"])


def _headline(facts: Facts) -> tuple[str, str, str]:
    """Give the mark, the words in bold and the rest of the sentence."""
    took = duration(float(facts.record.get("seconds") or 0))
    dropped = [plain(name) for name in facts.record.get("dropped") or ()]
    source = _SOURCES.get(str(facts.record.get("source")), "")
    if facts.action == "reset":
        return "✓", "Reset", f"{_below(facts)} again, {took}"
    if facts.action == "plan":
        names = [f"{row[0]} {row[3]}" for row in facts.live]
        told = f"would install {_several(names)}{_cost(facts.record)}" if names else "nothing to install"
        return "", "Plan", f"{told}, nothing was changed, {took}"
    if facts.action == "status":
        return "", "Session environment", _amount(facts)
    ready = "Session environment restored" if facts.action == "restore" else "Session environment ready"
    lead = f"Removed {_several(dropped)}" if facts.action == "remove" and dropped else ready
    return "✓", lead, f"{_amount(facts)}{source}, {took}"


def _cost(record: Mapping[str, Any]) -> str:
    """What is still to fetch and about how long it takes; nothing where all of it is in the store."""
    if "expected" not in record:
        return ""
    fetch, seconds = int(record["fetch"]), float(record["expected"])
    if not seconds:
        return ", all of it in the store"
    told = f"{size(fetch)} to fetch" if fetch else "the index tells no sizes"
    took = f"{max(1, round(seconds))} s" if seconds < _SHORT else f"{round(seconds / 60)} min"
    return f", {told}, about {took}"


def _amount(facts: Facts) -> str:
    """How many packages the session brings, and what they stand on."""
    count, late = len(facts.live), sum("restart" in row[5] for row in facts.live)
    if not count:
        return f"nothing on top of {_below(facts)}" if facts.pool else "base alone, nothing on top"
    after = f", {late} of them after restart" if late else ""
    return f"{count} package{'s' * (count > 1)} on top of {_below(facts)}{after}"


def _below(facts: Facts) -> str:
    """What the session stands on."""
    return f"pool {facts.pool} (generation {facts.generation}) and base" if facts.pool else "base"


def _several(names: Sequence[str]) -> str:
    """Up to three names and how many more."""
    more = len(names) - 3
    head, last = (names[:3], f"{more} more") if more > 0 else (names[:-1], names[-1])
    return f"{', '.join(head)} and {last}" if head else last


def _text(facts: Facts) -> str:
    """Aligned columns, requested packages with a star."""
    lines = wrap(f"{facts.mark} {facts.lead}: {facts.rest}".lstrip(), "")
    if rows := facts.rows:
        starred = [(f"{'*' if facts.is_asked(row) else ' '} {row[0]}", *row[1:]) for row in rows]
        heads = facts.heads
        table = [("  Package", *heads[1:]), *starred]
        wide = [max(map(len, column)) for column in zip(*table, strict=True)]
        rest = [min(16, width) if name in _VERSIONS else width for name, width in zip(heads[1:], wide[1:], strict=True)]
        widths = [min(wide[0], max(20, _WIDTH - sum(rest) - 2 * len(rest))), *rest[:-1], 0]
        lines.append("")
        lines += ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        lines += ["", "* asked for"] if 0 < len(facts.names) < len(rows) else [""]
    for label, value in facts.below():
        lines += wrap(f"{label}: {value}", "")
    for notice in facts.record.get("notices") or ():
        lines += wrap(f"- {plain(notice)}", "  ")
    if details := facts.details():
        lines += [
            *[""] * bool(lines[-1]),
            *wrap("; ".join(f"{label.lower()} {short}" for label, short, _ in details), ""),
        ]
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
