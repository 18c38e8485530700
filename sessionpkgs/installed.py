"""What is installed below a session: the View of base, read from METADATA headers.

Reading the headers directly is twelve times faster than ``importlib.metadata`` (measured at 527 distributions). It
does not know what a session adds, nor whether what it reads is consistent.
"""

from __future__ import annotations

import csv
import importlib.metadata
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from sessionpkgs.fingerprint import fingerprint
from sessionpkgs.model import Dist, Level, View

_DIST_INFO, _EGG_INFO = ".dist-info", ".egg-info"


def scan(paths: Iterable[str], *, level: Level = "base", pool: Collection[str] = ()) -> View:
    """Everything installed in *paths*, nearest first, with the fingerprint of exactly that; those in *pool* are a pool's.

    A distribution whose version is not a version (PEP 440) is left out, as pip and uv leave it out: uv refuses every
    answer while one is visible.
    """
    places = list(paths)
    stamp = fingerprint(places)
    return View(*(_folder(path, "pool" if path in pool else level) for path in places), fingerprint=stamp)


def _folder(path: str, level: Level) -> Iterator[Dist]:
    """The distributions of one folder."""
    try:
        names = sorted(entry.name for entry in Path(path).iterdir())
    except OSError:
        return
    for name in names:
        if name.endswith((_DIST_INFO, _EGG_INFO)) and (dist := read_dist(Path(path, name), level)):
            yield dist


def read_dist(path: Path, level: Level) -> Dist | None:
    """The distribution described by the folder or file *path*; None where it has no usable name and version."""
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    fields = _headers(path / "METADATA") if path.suffix == _DIST_INFO else _egg_fields(path)
    names, versions = fields.get("name"), fields.get("version")
    if not names or not versions:
        return None
    try:
        Version(versions[0])
    except InvalidVersion:
        return None
    return Dist(
        name=canonicalize_name(names[0]),
        version=versions[0],
        level=level,
        path=str(path),
        requires=tuple(fields.get("requires-dist", ())),
    )


_WANTED = ("name", "version", "requires-dist", "provides-extra")


def _headers(path: Path) -> dict[str, list[str]]:
    """The header fields of a METADATA file that resolving needs, by lower-case name (core metadata, RFC 822 form)."""
    fields: dict[str, list[str]] = {}
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return fields
    for line in text.split("\n\n", 1)[0].splitlines():
        key, colon, value = line.partition(":")
        if colon and (lower := key.lower()) in _WANTED:
            fields.setdefault(lower, []).append(value.strip())
    return fields


def _egg_fields(path: Path) -> dict[str, list[str]]:
    """The same for an ``.egg-info``, whose requirements ``importlib.metadata`` translates from ``requires.txt``."""
    dist = importlib.metadata.PathDistribution(path)
    try:
        name, version = dist.metadata["Name"], dist.metadata["Version"]
    except (OSError, KeyError):
        return {}
    if not name or not version:
        return {}
    return {"name": [name], "version": [version], "requires-dist": list(dist.requires or ())}


def headers_text(dist: Dist) -> str:
    """METADATA headers of *dist* as a resolver reads them: name, version, requirements, extras."""
    path = Path(dist.path)
    fields = _headers(path / "METADATA") if path.suffix == _DIST_INFO else _egg_fields(path)
    lines = ["Metadata-Version: 2.1", f"Name: {dist.name}", f"Version: {dist.version}"]
    lines += [f"Requires-Dist: {line}" for line in fields.get("requires-dist", ())]
    lines += [f"Provides-Extra: {line}" for line in fields.get("provides-extra", ())]
    return "\n".join(lines) + "\n"


def files_of(dist: Dist) -> list[str]:
    """Absolute paths of the files that *dist* owns, from its RECORD; without one (an egg-info) what it lists itself."""
    path = Path(dist.path)
    try:
        with (path / "RECORD").open(encoding="utf-8", newline="") as source:
            rows = [row[0] for row in csv.reader(source) if row]
    except OSError:
        listed = importlib.metadata.PathDistribution(path).files or ()
        rows = [str(item) for item in listed]
    return [os.path.normpath(path.parent / row) for row in rows]
