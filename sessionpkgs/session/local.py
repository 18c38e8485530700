"""Local places in a declaration: that they exist, and the name of what lies there.

An engine must know which name may be built from source before it runs anything, so the name is read from
``pyproject.toml`` of a folder or from the file name of an archive. Nothing is run and nothing is fetched.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sessionpkgs.errors import NotFoundError, SpecError
from sessionpkgs.model import Requirement, Spec
from sessionpkgs.places import read_toml

_EXTRAS = re.compile(r"^(?P<place>.*?)(?P<extras>\[[A-Za-z0-9,._ -]*\])?$")


def named(spec: Spec, folder: str) -> Spec:
    """*spec* with a name for each requirement; relative places count from *folder*.

    Raises :class:`SpecError` where no name can be read without running code, :class:`NotFoundError` for a path that
    is not there.
    """
    return replace(spec, requirements=tuple(_named(requirement, folder) for requirement in spec.requirements))


def _named(requirement: Requirement, folder: str) -> Requirement:
    """*requirement* as ``name @ place``, its local place checked."""
    if requirement.name:
        _, _, place = requirement.line.partition(" @ ")
        if place.startswith("file:"):
            _must_exist(unquote(urlsplit(place.split(" ;")[0]).path), requirement)
        return requirement
    match = _EXTRAS.match(requirement.line)
    place, extras = (match["place"], match["extras"] or "") if match else (requirement.line, "")
    if "://" in place and not place.startswith("file:"):
        name, url = _of_archive(place), place
    else:
        path = os.path.join(folder, unquote(urlsplit(place).path) if place.startswith("file:") else place)
        _must_exist(path, requirement)
        name, url = _of_folder(path) if os.path.isdir(path) else _of_archive(path), Path(os.path.abspath(path)).as_uri()
    if not name:
        raise SpecError(
            f"{requirement.line} does not tell its distribution's name",
            where=requirement.where,
            hint=f"Write it as: name @ {url}",
            item=requirement.line,
        )
    return replace(requirement, name=name, line=f"{name}{extras} @ {url}")


def _must_exist(path: str, requirement: Requirement) -> None:
    """Refuse a path that is not there."""
    if not os.path.exists(path):
        raise NotFoundError(
            f"{path} ({requirement.where}) does not exist",
            hint="Check the path; relative ones count from the notebook's folder.",
            item=path,
        )


def _of_folder(path: str) -> str:
    """Name in the ``[project]`` table of a source folder, "" where there is none."""
    from packaging.utils import canonicalize_name

    file = os.path.join(path, "pyproject.toml")
    name = read_toml(file).get("project", {}).get("name", "") if os.path.isfile(file) else ""
    return str(canonicalize_name(str(name))) if name else ""


def _of_archive(place: str) -> str:
    """Name in the file name of a source archive at a path or URL, "" where it has none."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    try:
        return str(parse_sdist_filename(unquote(place.split("#", maxsplit=1)[0]).rpartition("/")[2])[0])
    except InvalidSdistFilename:
        return ""
