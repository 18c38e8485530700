"""``[tool.uv]`` of a script: indexes, constraints and sources, as far as a session can follow them.

The keys are those of uv's reference of settings. A key that would give another set and cannot be followed is refused;
one that only says how uv works is said to be without effect. It does not read the dependencies themselves.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sessionpkgs.formats import requirement_lines
from sessionpkgs.formats.requirement_lines import Line, Source, local
from sessionpkgs.formats.requirements_txt import DEFAULT_INDEX, ENTRIES, Reading
from sessionpkgs.formats.specifiers import normal
from sessionpkgs.formats.wording import Problems, names, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessionpkgs.formats.toml_tables import Table

OTHER_SET = frozenset(
    {
        "build-constraint-dependencies",
        "config-settings",
        "config-settings-package",
        "dependency-metadata",
        "exclude-dependencies",
        "exclude-newer",
        "exclude-newer-package",
        "extra-build-dependencies",
        "extra-build-variables",
        "fork-strategy",
        "no-binary",
        "no-binary-package",
        "no-build",
        "no-build-isolation",
        "no-build-isolation-package",
        "no-build-package",
        "no-sources",
        "no-sources-package",
        "override-dependencies",
        "pip",
        "torch-backend",
    }
)
"""Keys without which uv would choose or build something else."""

_DEFAULTS = {
    "resolution": ("highest",),
    "index-strategy": ("first-index",),
    "prerelease": ("allow", "if-necessary-or-explicit"),
}
_URL = re.compile(r"(?:https?|file)://\S+", re.IGNORECASE)
_SOURCE = {
    "git": {"git", "rev", "tag", "branch", "subdirectory"},
    "url": {"url", "subdirectory"},
    "path": {"path", "editable"},
}


class UvTable:
    """What ``[tool.uv]`` asks for; requirements, constraints and flags go into *reading*."""

    def __init__(self, reading: Reading, source: Source) -> None:
        self.notices: list[str] = []
        self.indexes: list[str] = []
        self._reading, self._source = reading, source
        self._default = ""
        self._sources: dict[str, Table] = {}
        self._used: set[str] = set()
        self._ignored: list[str] = []

    def read(self, table: Table, problems: Problems) -> None:
        """Read all keys of *table*; what is wrong goes to *problems*."""
        for key in table:
            with problems.collect():
                self._key(key, table)
        self._place_default()
        if self._ignored:
            self.notices.append(f"These settings of uv have no effect here: {names(self._ignored)}.")

    def add(self, text: str, line: Line) -> None:
        """Keep the dependency *text*, from its source where ``[tool.uv.sources]`` names one.

        Raises:
            SpecError: the dependency or its source cannot be understood.
        """
        parsed = requirement_lines.parse(text, line)
        source = self._sources.get(normal(parsed.name))
        if source is None:
            self._reading.add(text, line)
            return
        self._used.add(normal(parsed.name))
        if parsed.url:
            raise line.refusal("has a URL and a source in tool.uv.sources", "Keep one of them.")
        extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
        marker = f" ; {parsed.marker}" if parsed.marker else ""
        written = f"{parsed.name}{extras} @ {_url_of(source, line)}{marker}"
        keep = self._reading.editable if source.flag("editable") else self._reading.add
        keep(written, line)
        if str(parsed.specifier):
            self._limit(f"{parsed.name}{parsed.specifier}", line.place)

    def unused(self) -> tuple[str, ...]:
        """Notices about sources of names that are not among the dependencies; uv does not use them either."""
        idle = [name for name in self._sources if name not in self._used]
        return (f"These sources are of no dependency named here and were left out: {names(idle)}.",) if idle else ()

    def _key(self, key: str, table: Table) -> None:
        if key in _READERS:
            _READERS[key](self, key, table)
        elif key in _DEFAULTS and (value := table.text(key)) not in _DEFAULTS[key]:
            raise table.refusal(f"{key} = {show(value)!r} cannot be followed here.", "Leave it out.", key)
        elif key in OTHER_SET and table.entries[key] not in (False, [], {}, ""):
            raise table.refusal(
                f"{key} would give another set of packages and is not read.", "Remove it, or write exact versions.", key
            )
        elif key == "prerelease" and table.text(key) == "allow":
            self._flag("--pre", table.at(key))
        elif key not in OTHER_SET and key not in _DEFAULTS:
            self._ignored.append(key)

    def _flag(self, option: str, place: str) -> None:
        self._reading.line(Line(text=option, place=place, source=self._source))

    def no_index(self, key: str, table: Table) -> None:
        """Whether no index is asked."""
        if table.flag(key):
            self._flag("--no-index", table.at(key))

    def default_index(self, key: str, table: Table) -> None:
        """The index that is asked last."""
        self._default = _checked(table.text(key), key, table)

    def extra_indexes(self, key: str, table: Table) -> None:
        """Indexes that are asked before the default one."""
        self.indexes.extend(_checked(url, key, table) for url in table.texts(key))

    def links(self, key: str, table: Table) -> None:
        """Folders and pages with files."""
        for number, text in enumerate(table.texts(key)):
            self._reading.links(text, Line(text=text, place=f"{table.at(key)}[{number}]", source=self._source))

    def index_tables(self, key: str, table: Table) -> None:
        """``[[tool.uv.index]]``: asked in their order, the default one last."""
        found: list[str] = []
        for entry in table.tables(key):
            url = _checked(entry.text("url"), "url", entry)
            if entry.flag("explicit"):
                raise entry.refusal(
                    "an explicit index serves only the packages that name it.", "Remove explicit = true.", "explicit"
                )
            if entry.text("format", "simple") == "flat":
                self._reading.links(url, Line(text=url, place=entry.path, source=self._source))
            elif entry.flag("default"):
                self._default = url
            else:
                found.append(url)
            known = {"name", "url", "explicit", "format", "default"}
            self._ignored.extend(f"index.{other}" for other in entry if other not in known)
        self.indexes[:0] = found

    def _place_default(self) -> None:
        """uv asks its default index last."""
        if self.indexes or self._default:
            self.indexes.append(self._default or DEFAULT_INDEX)

    def constraints(self, key: str, table: Table) -> None:
        """Limits of versions; they ask for nothing."""
        wanted = table.texts(key)
        if len(wanted) > ENTRIES:
            raise table.refusal(f"there are more than {ENTRIES} entries.", "Keep those that matter.", key)
        for number, text in enumerate(wanted):
            self._limit(text, f"{table.at(key)}[{number}]")

    def _limit(self, text: str, place: str) -> None:
        source = Source(label=self._source.label, folder=self._source.folder, constraint=True)
        line = Line(text=text, place=place, source=source)
        requirement_lines.parse(text, line)
        self._reading.add(text, line)

    def sources(self, key: str, table: Table) -> None:
        """Where single dependencies come from; ``add`` uses it."""
        sources = table.table(key)
        for name in sources:
            if isinstance(sources.entries[name], list):
                raise sources.refusal("several sources of one package are not read.", "Keep one source.", name)
            source = sources.table(name)
            kind = next((kind for kind in _SOURCE if kind in source), "")
            if not kind or (more := [key for key in source if key not in _SOURCE[kind]]):
                raise source.refusal(
                    f"a source with the key {show(next(iter(more if kind else source), ''))!r} is not read.",
                    "Write one of git, url and path; for a package of an index leave the source out.",
                )
            self._sources[normal(name)] = source


_READERS: dict[str, Callable[[UvTable, str, Table], None]] = {
    "constraint-dependencies": UvTable.constraints,
    "default-index": UvTable.default_index,
    "extra-index-url": UvTable.extra_indexes,
    "find-links": UvTable.links,
    "index": UvTable.index_tables,
    "index-url": UvTable.default_index,
    "no-index": UvTable.no_index,
    "sources": UvTable.sources,
}


def _checked(url: str, key: str, table: Table) -> str:
    if not _URL.fullmatch(url):
        raise table.refusal(
            f"{show(url)!r} is not the URL of an index.", "Write https://HOST/PATH; for a folder use find-links.", key
        )
    return url


def _url_of(source: Table, line: Line) -> str:
    """Give the URL of a source as a direct reference writes it."""
    if path := source.text("path"):
        return Path(local(path, line)).as_uri()
    part = source.text("subdirectory")
    fragment = f"#subdirectory={part}" if part else ""
    if url := source.text("url"):
        return f"{url}{fragment}"
    url = source.text("git")
    revisions = [text for key in ("rev", "tag", "branch") if (text := source.text(key))]
    if "://" not in url or not urlsplit(url).scheme.isalpha() or len(revisions) > 1:
        raise source.refusal(
            f"{show(url)!r} is not a complete URL with at most one revision.",
            'Write git = "https://HOST/PATH" and one of rev, tag and branch.',
        )
    return f"git+{url}{''.join(f'@{text}' for text in revisions)}{fragment}"
