"""One ``[[packages]]`` table of a pylock.toml as a Pin: the source that it names, the file of it that this Python takes.

The keys are those of PEP 751. It does not open the files that it names, and does not ask an index.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sessionpkgs.formats.specifiers import is_version, normal
from sessionpkgs.formats.wheel_files import filename_of, rank, release_of
from sessionpkgs.formats.wording import names, show
from sessionpkgs.model import Pin

if TYPE_CHECKING:
    from sessionpkgs.formats.toml_tables import Table

LENGTH = 4_096
OFFERED = 6
"""How many files a message lists that this Python does not take."""

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_COMMIT = re.compile(r"[0-9A-Za-z][\w.@:-]{0,200}", re.ASCII)
_KIND = re.compile(r"git|hg|svn|bzr")
_URL = re.compile(r"(?:https?|file)://[^\s\"'<>\\^`{|}]+", re.IGNORECASE)
_REPOSITORY = re.compile(r"[a-zA-Z][a-zA-Z+.-]*://[^\s\"'<>\\^`{|}#]+")
_SOURCES = ("vcs", "directory", "archive", "wheels", "sdist")


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """One file of a release: its table, its name, and where it is."""

    table: Table
    name: str
    url: str


def name_of(package: Table) -> str:
    """The normalised name; raises SpecError where there is none."""
    name = package.text("name")
    if not _NAME.fullmatch(name):
        raise package.refusal(f"{show(name)!r} is not the name of a distribution.", "Write the lock anew.", "name")
    return normal(name)


def pin_of(package: Table, folder: str) -> Pin:
    """The Pin of *package*; relative paths count from *folder*.

    Raises:
        SpecError: keys that PEP 751 does not allow, a hash that is missing, or no file for this Python.
    """
    version = package.text("version")
    if version and not is_version(version):
        raise package.refusal(f"{show(version)!r} is not a version.", "Write the lock anew.", "version")
    given = [source for source in _SOURCES if source in package]
    if not given or (len(given) > 1 and given != ["wheels", "sdist"]):
        raise package.refusal(
            f"the package has {'the sources ' + names(given) if given else 'no source'}.",
            "A package has one of vcs, directory and archive, or wheels and sdist.",
        )
    if given[0] == "vcs":
        return _vcs(package, version, folder)
    if given[0] == "directory":
        return _directory(package, version, folder)
    if given[0] == "archive":
        return _archive(package, version, folder)
    return _release(package, version, folder)


def _vcs(package: Table, version: str, folder: str) -> Pin:
    vcs = package.table("vcs")
    kind, commit, url = vcs.text("type"), vcs.text("commit-id"), vcs.text("url")
    if not _KIND.fullmatch(kind):
        raise vcs.refusal(f"{show(kind)!r} is not a version control.", "Write git, hg, svn or bzr.", "type")
    if not _COMMIT.fullmatch(commit):
        raise vcs.refusal("the commit is missing or is none.", "Write the full commit.", "commit-id")
    if not url and (path := vcs.text("path")):
        url = _absolute(path, vcs, folder)
    if not _REPOSITORY.fullmatch(url) or len(url) > LENGTH:
        raise vcs.refusal(f"{show(url)!r} is not the URL of a repository.", "Write https://HOST/PATH.", "url")
    return Pin(
        name=name_of(package),
        version=version,
        url=f"{kind}+{_checked(url, vcs)}{_part(vcs)}",
        kind="vcs",
        commit=commit,
        direct=True,
    )


def _directory(package: Table, version: str, folder: str) -> Pin:
    place = package.table("directory")
    path = place.text("path")
    if not path:
        raise place.refusal("the path is missing.", 'Write path = "FOLDER".')
    if part := place.text("subdirectory"):
        path = f"{path}/{part}"
    return Pin(
        name=name_of(package),
        version=version,
        url=_absolute(path, place, folder),
        kind="directory",
        editable=place.flag("editable"),
        direct=True,
    )


def _archive(package: Table, version: str, folder: str) -> Pin:
    file = _file(package.table("archive"), folder)
    wheel = file.name.lower().endswith(".whl")
    if wheel:
        _same_project(file, package)
        if rank(file.name) is None:
            raise _no_file(package, [file])
    return Pin(
        name=name_of(package),
        version=version or release_of(file.name)[1],
        url=f"{file.url.partition('#')[0]}{_part(file.table)}",
        sha256=_sha256(file.table),
        size=file.table.whole("size"),
        kind="wheel" if wheel else "sdist",
        direct=True,
    )


def _release(package: Table, version: str, folder: str) -> Pin:
    """The best wheel, or the source archive where no wheel fits."""
    offered = [_file(table, folder) for table in package.tables("wheels")]
    fitting = sorted((place, number) for number, file in enumerate(offered) if (place := rank(file.name)) is not None)
    if fitting:
        chosen = offered[fitting[0][1]]
    elif "sdist" in package:
        chosen = _file(package.table("sdist"), folder)
    else:
        raise _no_file(package, offered)
    _same_project(chosen, package)
    version = version or release_of(chosen.name)[1]
    if not version:
        raise package.refusal("the version is missing.", 'Write version = "1.0".', "version")
    return Pin(
        name=name_of(package),
        version=version,
        url=chosen.url,
        sha256=_sha256(chosen.table),
        size=chosen.table.whole("size"),
        kind="wheel" if fitting else "sdist",
    )


def _file(table: Table, folder: str) -> _File:
    """The file that *table* names by URL, or by a path."""
    url, path = table.text("url"), table.text("path")
    if not url and path:
        url = _absolute(path, table, folder)
    if not _URL.fullmatch(url) or len(url) > LENGTH:
        raise table.refusal(
            f"{show(url)!r} is not where a file is." if url else "the file has neither url nor path.",
            'Write url = "https://HOST/FILE" or path = "FILE".',
        )
    return _File(table=table, name=table.text("name") or filename_of(_checked(url, table)), url=url)


def _checked(url: str, table: Table) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:  # brackets or ports that no URL has
        raise table.refusal("the URL cannot be read.", "Check the host and the port.", "url") from error
    if parts.scheme.lower() == "file" and (not parts.path.startswith("/") or parts.netloc not in {"", "localhost"}):
        raise table.refusal("the file URL is not absolute.", 'Write path = "FILE".', "url")
    return url


def _absolute(path: str, table: Table, folder: str) -> str:
    """The file URL of *path*, which counts from the folder of the lock."""
    if path.startswith("~") or "\0" in path or len(path) > LENGTH:
        raise table.refusal(f"{show(path)!r} is not a path.", "Write the path from the lock's folder.", "path")
    return Path(os.path.normpath(Path(folder) / path)).as_uri()


def _part(table: Table) -> str:
    """The subdirectory as the fragment of a URL; PEP 751 has a key for it."""
    part = table.text("subdirectory")
    if not part:
        return ""
    if not re.fullmatch(r"[\w./-]{1,200}", part, re.ASCII) or ".." in part.split("/"):
        raise table.refusal(f"{show(part)!r} is not a folder in a source.", "Write it without ..", "subdirectory")
    return f"#subdirectory={part}"


def _sha256(table: Table) -> str:
    hashes = table.table("hashes")
    digest = hashes.text("sha256")
    if not digest:
        others = f": the file has only {names(hashes)}" if list(hashes) else ""
        raise table.refusal(f"the sha256 is missing{others}.", "Write the lock anew with sha256 hashes.", "hashes")
    if not _SHA256.fullmatch(digest):
        raise table.refusal("the sha256 does not have 64 hex digits.", "Write the lock anew.", "hashes")
    return digest.lower()


def _same_project(file: _File, package: Table) -> None:
    """Refuse a file whose name tells another project or version than its package."""
    name, version = release_of(file.name)
    wanted = package.text("version")
    if name and (name != name_of(package) or (wanted and not _equal(version, wanted))):
        raise package.refusal(
            f"the file {show(file.name)} is not of {show(package.text('name'))} {show(wanted)}".rstrip() + ".",
            "Write the lock anew.",
        )


def _equal(one: str, other: str) -> bool:
    from packaging.version import Version

    return Version(one) == Version(other)


def _no_file(package: Table, offered: list[_File]) -> Exception:
    """The refusal that lists what there is."""
    release = f"{package.text('name')} {package.text('version')}".strip()
    there = f"only {names([file.name for file in offered], most=OFFERED)}" if offered else "none"
    return package.refusal(
        f"{show(release)} has no file that this Python can use: {there}.",
        "Use a kernel of the Python and platform that the lock was made for, or lock for this one.",
    )
