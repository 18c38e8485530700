"""Stand-ins for distributions without a wheel: empty wheels of their names, so that the rest can be resolved around them.

Which versions there are is read from the declared indexes and folders. Nothing of a stand-in is ever installed, and what
such a distribution needs itself is not known.
"""

from __future__ import annotations

import os
import re
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sessionpkgs.engines import pages, uv_config
from sessionpkgs.engines.targets import Target
from sessionpkgs.errors import NotFoundError, SessionPkgsError, SourceForbidden
from sessionpkgs.formats.specifiers import normal
from sessionpkgs.formats.wheel_files import release_of as _release
from sessionpkgs.model import Pin, Spec
from sessionpkgs.settings import Sources

SECONDS = 20.0
MOST = 30
"""How many names may be stood in for before the refusal is given as it is."""
_MOST_VERSIONS = 400
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", re.ASCII)
_FILE = re.compile(r"[\w.+!~%-]+\.(?:whl|tar\.gz|tgz|zip)(?![\w.])", re.ASCII)
_WHEEL = "Wheel-Version: 1.0\nGenerator: sessionpkgs\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


class StandIns:
    """Empty wheels in the fresh *folder*; *rank* says whether a wheel fits the Python that it is all for."""

    def __init__(self, folder: str, rank: Callable[[str], int | None]) -> None:
        self.folder, self._rank = folder, rank
        self.names: list[str] = []
        self._files: list[str] = []
        os.mkdir(folder)

    def among(self, spec: Spec) -> Spec:
        """*spec* with the stand-ins beside what it names."""
        return replace(spec, find_links=(*spec.find_links, self.folder)) if self.names else spec

    def is_one(self, pin: Pin) -> bool:
        """Whether *pin* is a stand-in."""
        return pin.url.startswith(Path(self.folder).as_uri() + "/")

    def answer(self, error: SessionPkgsError, sources: Sources, env: Mapping[str, str]) -> bool:
        """Stand in for the distribution that *error* says has no wheel; whether that may help.

        Where the name itself is not known, or every version has a wheel that fits, it does not.
        """
        found = _NAME.match(error.item)
        name = normal(re.split(r"[=<>!~\[;@ ]", found.group())[0]) if found else ""
        if not isinstance(error, SourceForbidden | NotFoundError) or not name or name in self.names:
            return False
        if len(self.names) >= MOST:
            return False
        files = [file for file in _files(name, sources, env) if _release(file)[0] == name]
        fitting = {_release(file)[1] for file in files if self._rank(file) is not None}
        versions = dict.fromkeys(_release(file)[1] for file in files)
        lacking = [version for version in versions if version not in fitting][:_MOST_VERSIONS]
        for version in lacking:
            _write(self.folder, name, version)
        self.names += [name] if lacking else []
        self._files += files
        return bool(lacking)

    def offered(self, pin: Pin, target: Target) -> list[str]:
        """The platforms of such a machine as *target* for which there are wheels of what *pin* stands in for."""
        release = (pin.name, pin.version)
        wheels = [file for file in self._files if file.endswith(".whl") and _release(file) == release]
        named = {(file, tag) for file in wheels for tag in file.removesuffix(".whl").rpartition("-")[2].split(".")}
        return sorted({tag for file, tag in named if target.moved(tag).rank(file) is not None and target.is_like(tag)})


def _files(name: str, sources: Sources, env: Mapping[str, str]) -> Iterable[str]:
    """Names of files that the places in *sources* list for *name*: the first index that has it, and all folders."""
    found: list[str] = []
    usual = uv_config.default_index() if sources.implied and not sources.indexes else ""
    asked = pages.Pages(replace(sources, indexes=(usual,), implied=False) if usual else sources, env)
    until = time.monotonic() + SECONDS
    for index in asked.indexes:
        if (page := asked.fetch(index, name, until)) is not None:
            found += _FILE.findall(page.body.decode("utf-8", "replace"))
            break
    for place in sources.find_links:
        if os.path.isdir(path := _path(place)):
            found += os.listdir(path)
    return dict.fromkeys(unquote(file) for file in found)


def _path(place: str) -> str:
    """Path of a folder that may be written as a URL."""
    return unquote(urlsplit(place).path) if place.startswith("file:") else place


def _write(folder: str, name: str, version: str) -> None:
    """An empty wheel."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, f"{stem}-py3-none-any.whl"), "w") as target:
        target.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        target.writestr(f"{info}/WHEEL", _WHEEL)
        target.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
