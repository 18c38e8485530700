"""Which of a release's wheels this Python takes, and pins read from a pylock (PEP 751) that an engine printed.

It knows tags and hashes; it does not ask an index.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sessionpkgs.errors import IntegrityError, NotFoundError
from sessionpkgs.formats.wheel_files import filename_of, rank
from sessionpkgs.model import Pin, Requirement


def pin_of(package: Mapping[str, Any], folder: str, allowed: Iterable[str] = ()) -> Pin:
    """The Pin for one ``[[packages]]`` table; *allowed* are the user's own ``sha256:…`` for it, if any.

    Raises :class:`IntegrityError` where the user gave hashes and no fitting file has one of them.
    """
    name, version = str(package["name"]), str(package.get("version", ""))
    if "vcs" in package:
        vcs = package["vcs"]
        kind = str(vcs.get("type", "git"))
        return Pin(
            name=name,
            version=version,
            url=f"{kind}+{vcs['url']}{_part(vcs)}",
            commit=str(vcs["commit-id"]),
            kind="vcs",
            direct=True,
        )
    if "directory" in package:
        place = package["directory"]
        path = os.path.abspath(os.path.join(folder, place["path"]))
        return Pin(
            name=name,
            version=version,
            url=Path(path).as_uri(),
            kind="directory",
            editable=bool(place.get("editable")),
            direct=True,
        )
    if "archive" in package:
        file = package["archive"]
        url = file.get("url") or Path(os.path.abspath(os.path.join(folder, file["path"]))).as_uri()
        return _file_pin(name, version, {**file, "url": f"{url}{_part(file)}"}, direct=True)
    files = [
        dict(file)
        for file in package.get("wheels", ())
        if rank(filename_of(str(file.get("url", file.get("path", ""))))) is not None
    ]
    files.sort(key=lambda file: rank(filename_of(str(file.get("url", file.get("path", ""))))) or 0)
    files += [dict(package["sdist"])] if "sdist" in package else []
    return _file_pin(name, version, _permitted(files, f"{name}=={version}", set(allowed)), direct=False)


def _part(place: Mapping[str, Any]) -> str:
    """The part of a repository or an archive that a distribution is in, as a URL tells it."""
    return f"#subdirectory={place['subdirectory']}" if place.get("subdirectory") else ""


def _permitted(files: list[dict[str, Any]], item: str, allowed: set[str]) -> dict[str, Any]:
    """The best of *files*, or the best that has one of the hashes that the user wrote."""
    for file in files:
        if not allowed or any(f"{kind}:{value}" in allowed for kind, value in file.get("hashes", {}).items()):
            return file
    if files:
        raise IntegrityError(
            f"no file of {item} on the index has a hash that the declaration allows",
            hint="Someone changed the file or the hash; write the hash anew only if you know why.",
            item=item,
        )
    raise NotFoundError(f"{item} has no file that this Python can use", item=item)


def _file_pin(name: str, version: str, file: Mapping[str, Any], *, direct: bool) -> Pin:
    """The Pin for one wheel or source archive of a lock."""
    url = str(file.get("url") or Path(os.path.abspath(file["path"])).as_uri())
    filename = filename_of(url)
    if not version and filename.endswith(".whl"):
        version = filename.split("-")[1]
    return Pin(
        name=name,
        version=version,
        url=url,
        sha256=str(file.get("hashes", {}).get("sha256", "")),
        size=int(file.get("size", 0)),
        kind="wheel" if filename.endswith(".whl") else "sdist",
        direct=direct,
    )


def is_source(requirement: Requirement) -> bool:
    """Whether the user wrote a place that is not a wheel: such a name may be built because it was asked for."""
    line = requirement.line.split(";")[0].split("#")[0].strip()
    return bool(requirement.name) and (" @ " in line or requirement.editable) and not line.endswith(".whl")
