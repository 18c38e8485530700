"""Names for requirements that are only a place: an engine must know which name may be built from source.

It reads ``pyproject.toml`` of a local folder and the file name of an archive; it runs nothing.
"""

from __future__ import annotations

import os
from dataclasses import replace
from urllib.parse import unquote

from sessionpkgs.errors import SpecError
from sessionpkgs.model import Requirement, Spec
from sessionpkgs.places import read_toml


def named(spec: Spec, folder: str) -> Spec:
    """*spec* with a name for each requirement. Raises :class:`SpecError` where none can be read without running code."""
    return replace(spec, requirements=tuple(_named(requirement, folder) for requirement in spec.requirements))


def _named(requirement: Requirement, folder: str) -> Requirement:
    """*requirement* as ``name @ place``."""
    if requirement.name:
        return requirement
    path = os.path.join(folder, unquote(requirement.line.removeprefix("file://")))
    name = _of_folder(path) if os.path.isdir(path) else _of_archive(requirement.line)
    if not name:
        raise SpecError(
            f"{requirement.line} does not tell its distribution's name",
            where=requirement.where,
            hint=f"Write it as: name @ {requirement.line}",
            item=requirement.line,
        )
    place = requirement.line if "://" in requirement.line else f"file://{os.path.abspath(path)}"
    return replace(requirement, name=name, line=f"{name} @ {place}")


def _of_folder(path: str) -> str:
    """Name in the ``[project]`` table of a source folder, "" where there is none."""
    from packaging.utils import canonicalize_name

    file = os.path.join(path, "pyproject.toml")
    name = read_toml(file).get("project", {}).get("name", "") if os.path.isfile(file) else ""
    return str(canonicalize_name(str(name))) if name else ""


def _of_archive(line: str) -> str:
    """Name in the file name of a source archive, "" where it has none."""
    from packaging.utils import InvalidSdistFilename, parse_sdist_filename

    try:
        return str(parse_sdist_filename(unquote(line.split("#", maxsplit=1)[0]).rpartition("/")[2])[0])
    except InvalidSdistFilename:
        return ""
