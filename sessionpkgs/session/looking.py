"""What is there: ``list`` and ``show``, and the View of a session over base that every read-only answer starts from.

It reads metadata and changes nothing. It does not know who needs whom across extras (``needs.py``), whether what is
there fits together (``checking.py``), nor how an answer is shown.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import unquote, urlsplit

from sessionpkgs import installed
from sessionpkgs.errors import NotFoundError, clean
from sessionpkgs.model import Dist, Level, Requirement, View
from sessionpkgs.overlay import pooled
from sessionpkgs.session import levels

if TYPE_CHECKING:
    from email.message import Message

SCHEMA = 1
"""Version of the shapes of all read-only answers."""


class Seen(View):
    """A View that remembers where it looked (``folders`` of each level, nearest first) and what *base* alone has."""

    def __init__(
        self, *layers: Iterable[Dist], folders: Mapping[Level, Sequence[str]], base: Mapping[str, Dist] | None = None
    ) -> None:
        super().__init__(*layers)
        self.folders = folders
        self.base = base or {}

    def lower(self, below: Mapping[str, Dist]) -> tuple[tuple[Level, Mapping[str, Dist]], ...]:
        """What there is without the session, the lowest level first; *below* is all of it."""
        return (("base", self.base), ("pool", below)) if self.folders.get("pool") else (("base", below),)


class Row(TypedDict):
    """One distribution of a listing.

    ``title`` is the name as its author writes it, ``layer`` who brings it (``session``, ``pool`` or ``base``), ``base`` the
    version right below that it hides, ``editable`` the folder of an editable installation; both are "" where there is none.
    """

    name: str
    title: str
    version: str
    layer: str
    base: str
    requested: bool
    editable: str


class Sheet(TypedDict):
    """What ``show`` tells of one distribution; texts are "" where the metadata says nothing."""

    name: str
    title: str
    version: str
    layer: str
    summary: str
    home_page: str
    author: str
    license: str
    location: str
    editable: str
    requires: list[str]
    required_by: list[str]
    files: int
    paths: list[str]


def union(session_sites: Sequence[str], below: Sequence[str], pool: Sequence[str] = ()) -> Seen:
    """What a session sees: the distributions in its own folders, then those *below*, of which some are a *pool*'s."""
    paths = tuple(path for path in below if path not in pool)
    folders: dict[Level, Sequence[str]] = {"session": tuple(session_sites), "pool": tuple(pool), "base": paths}
    over, middle = installed.scan(session_sites, level="session"), installed.scan(pool, level="pool")
    base = installed.scan(paths)
    return Seen(over.values(), middle.values(), base.values(), folders=folders, base=base)


def listing(view: Seen, below: Mapping[str, Dist], requested: Iterable[Requirement]) -> dict[str, Any]:
    """Everything that is there, by name: ``{"schema", "action": "list", "pool", "packages": [Row, …]}``.

    *below* is what there is without the session.
    """
    asked = {requirement.name for requirement in requested}
    rows = [_row(view[name], hidden(view, below, name), requested=name in asked) for name in sorted(view)]
    return {"schema": SCHEMA, "action": "list", "pool": pooled.label(), "packages": rows}


def hidden(view: Seen, below: Mapping[str, Dist], name: str) -> str:
    """The version right below that *name* hides in *view*, "" where it hides none."""
    lower: dict[Level, Mapping[str, Dist]] = {"session": below, "pool": view.base, "base": {}}
    under = lower[view[name].level]
    return under[name].version if name in under else ""


def _row(dist: Dist, base: str, *, requested: bool) -> Row:
    """The row of *dist*, which hides the version *base*."""
    return Row(
        name=dist.name,
        title=title(dist),
        version=dist.version,
        layer=dist.level,
        base=base,
        requested=requested,
        editable=editable(origin(dist)),
    )


def show(view: Mapping[str, Dist], names: Sequence[str], *, files: bool = False) -> dict[str, Any]:
    """What the metadata of *names* says: ``{"schema", "action": "show", "pool", "packages": [Sheet, …], "listed"}``.

    With *files* ``paths`` holds every file, relative to the location. Raises :class:`NotFoundError` for names that are
    not there. Fields: core metadata specification.
    """
    from sessionpkgs.session.needs import Graph

    chosen = dict.fromkeys(present(view, names))
    graph = Graph(view)
    return {
        "schema": SCHEMA,
        "action": "show",
        "pool": pooled.label(),
        "listed": files,
        "packages": [_sheet(view[name], graph.needed_by(name), graph.needed_of(name), files=files) for name in chosen],
    }


def _sheet(dist: Dist, required_by: list[str], requires: list[str], *, files: bool) -> Sheet:
    """What *dist* says of itself, and who is around it."""
    from email.parser import HeaderParser

    headers = HeaderParser().parsestr(metadata(dist))
    location = os.path.dirname(dist.path)
    paths = sorted(os.path.relpath(path, location) for path in installed.files_of(dist))
    return Sheet(
        name=dist.name,
        title=_one_line(headers["Name"]) or dist.name,
        version=dist.version,
        layer=dist.level,
        summary=_one_line(headers["Summary"]),
        home_page=_home_page(headers),
        author=_one_line(headers["Author"]) or _one_line(headers["Author-email"]),
        license=_license(headers),
        location=location,
        editable=editable(origin(dist)),
        requires=requires,
        required_by=required_by,
        files=len(paths),
        paths=[clean(path) for path in paths] if files else [],
    )


def _one_line(value: object) -> str:
    """The first line of a header that says something, "" where it is missing or says that it is unknown."""
    lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
    return clean(lines[0]) if lines and lines[0] != "UNKNOWN" else ""


def _home_page(headers: Message) -> str:
    """``Home-page``, else the project URL that is labelled so (PEP 753)."""
    if page := _one_line(headers["Home-page"]):
        return page
    for entry in headers.get_all("Project-URL", []):
        label, _, url = str(entry).partition(",")
        if re.sub(r"[\W_]", "", label).lower() == "homepage":
            return _one_line(url)
    return ""


def _license(headers: Message) -> str:
    """``License-Expression`` (PEP 639), else ``License``, else what the classifiers say."""
    if said := _one_line(headers["License-Expression"]) or _one_line(headers["License"]):
        return said
    found = [str(line) for line in headers.get_all("Classifier", []) if str(line).startswith("License ::")]
    return ", ".join(_one_line(line.rpartition("::")[2]) for line in found)


def present(view: Mapping[str, Dist], names: Iterable[str]) -> list[str]:
    """*names*, normalised. Raises :class:`NotFoundError` with those that are not in *view* and what is close to them."""
    from packaging.utils import canonicalize_name

    wanted = {str(canonicalize_name(name)): name for name in names}
    missing = [name for name in wanted if name not in view]
    if not missing:
        return list(wanted)
    from difflib import get_close_matches

    close = dict.fromkeys(match for name in missing for match in get_close_matches(name, view))
    told = ", ".join(wanted[name] for name in missing)
    places = f"{levels.the('pool')} nor in base" if pooled.current else "base"
    raise NotFoundError(
        f"{told} {'is' if len(missing) == 1 else 'are'} not installed, neither in the session nor in {places}",
        hint=f"Close to it: {', '.join(close)}." if close else "%session_env list shows what is there.",
        item=told,
    )


def metadata(dist: Dist) -> str:
    """The headers of *dist* as they are written, "" where they cannot be read any more."""
    path = Path(dist.path)
    for file in (path / "METADATA", path / "PKG-INFO", path):
        try:
            return file.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        except OSError:
            continue
    return ""


def header(dist: Dist, name: str) -> str:
    """One header of *dist* that stands on one line, "" where it is missing."""
    match = re.search(rf"^{name}:(.*)$", metadata(dist), re.IGNORECASE | re.MULTILINE)
    return clean(match[1].strip()) if match else ""


def title(dist: Dist) -> str:
    """The name of *dist* as its author writes it."""
    return header(dist, "Name") or dist.name


def origin(dist: Dist) -> dict[str, Any]:
    """What ``direct_url.json`` says (PEP 610), empty where *dist* came from an index or the file is no such thing."""
    try:
        said = json.loads(Path(dist.path, "direct_url.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) and isinstance(said.get("url"), str) else {}


def editable(said: Mapping[str, Any]) -> str:
    """The folder of an editable installation, from its *said* origin; "" for any other."""
    folder = said.get("dir_info")
    is_editable = isinstance(folder, dict) and folder.get("editable") is True
    return clean(unquote(urlsplit(said["url"]).path)) if is_editable else ""
