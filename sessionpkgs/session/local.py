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
from sessionpkgs.formats.wording import show
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
        name, url = _of_archive(place) or _of_repository(place), place
    else:
        path = os.path.join(folder, unquote(urlsplit(place).path) if place.startswith("file:") else place)
        _must_exist(path, requirement)
        name, url = _of_folder(path) if os.path.isdir(path) else _of_archive(path), Path(os.path.abspath(path)).as_uri()
    if not name:
        raise _nameless(requirement, place, url)
    return replace(requirement, name=name, line=f"{name}{extras} @ {url}")


def _nameless(requirement: Requirement, place: str, url: str) -> SpecError:
    """The refusal of a place whose name cannot be read; the hint has the name that the place suggests."""
    folder = unquote(urlsplit(url).path) if url.startswith("file:") else ""
    shown = f"-e {show(place)}" if requirement.editable else show(place)
    if folder and os.path.isdir(folder):
        where = f" ({show(folder)})" if not os.path.isabs(place) else ""
        return SpecError(
            f"{shown}{where} is no Python project: it has neither pyproject.toml nor setup.py",
            where=requirement.where,
            hint="Remove the line, or start the notebook in the project's folder.",
            item=shown,
        )
    return SpecError(
        f"{shown} does not tell its distribution's name",
        where=requirement.where,
        hint=f"Write it as: {_guess(url) or 'NAME'} @ {show(url, 400)}",
        item=shown,
    )


def _guess(url: str) -> str:
    """The name that a repository, an archive of one, or a folder most likely has: ``…/demo.git@v1`` is demo."""
    path = unquote(urlsplit(url).path).rstrip("/")
    path = re.split(r"/(?:-/)?(?:archive|tree|tarball|zipball|releases)(?:/|$)", path)[0]
    last = path.rpartition("/")[2].partition("@")[0].removesuffix(".git")
    last = re.sub(r"(?:-v?\d[\w.]*)?\.(?:zip|tgz|tar(?:\.\w+)?)$", "", last)
    return last if re.fullmatch(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", last, re.ASCII) else ""


def _of_repository(place: str) -> str:
    """The name that a repository's URL suggests, "" for other places; the engine refuses what has another name."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(_guess(place))) if re.match(r"(?:git|hg|svn|bzr)\+", place) else ""


def _must_exist(path: str, requirement: Requirement) -> None:
    """Refuse a path that is not there."""
    if not os.path.exists(path):
        raise NotFoundError(
            f"{path} ({requirement.where}) does not exist",
            hint="Check the path; relative ones count from the notebook's folder.",
            item=path,
        )


def _of_folder(path: str) -> str:
    """Name in the ``[project]`` table of a source folder; for a project that tells it only to its build code the folder's
    own name, which the engine refuses where it is another. "" for a folder without a project.
    """
    from packaging.utils import canonicalize_name

    file = os.path.join(path, "pyproject.toml")
    name = read_toml(file).get("project", {}).get("name", "") if os.path.isfile(file) else ""
    if not name and (os.path.isfile(file) or os.path.isfile(os.path.join(path, "setup.py"))):
        name = _guess(Path(os.path.abspath(path)).as_uri())
    return str(canonicalize_name(str(name))) if name else ""


def _of_archive(place: str) -> str:
    """Name in the file name of a source archive at a path or URL, "" where it has none."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    try:
        return str(parse_sdist_filename(unquote(place.split("#", maxsplit=1)[0]).rpartition("/")[2])[0])
    except InvalidSdistFilename:
        return ""
