"""What a wheel says of itself, and whether it is true: file name, METADATA, WHEEL and every row of RECORD (PEP 427).

It takes a zip file that was found safe to read; it does not know where it came from.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from typing import NamedTuple

from sessionpkgs.errors import IntegrityError, SpecError
from sessionpkgs.formats.wording import show
from sessionpkgs.workspace import zipped

_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_UNHASHED = ("RECORD", "RECORD.jws", "RECORD.p7s")
_ASK = "Ask who made it for a true one."


class Named(NamedTuple):
    """What the file name of a wheel says."""

    name: str
    version: str
    tags: tuple[str, ...]


class Told(NamedTuple):
    """What METADATA says, and the file itself."""

    requires: tuple[str, ...]
    requires_python: str
    summary: str
    metadata: bytes


def named(file: str) -> Named:
    """What *file*, the name of a wheel, says. Raises :class:`SpecError` for what is no wheel's name."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, _, tags = parse_wheel_filename(file)
    except (InvalidWheelFilename, ValueError) as error:
        raise SpecError(
            f"{show(file)} is no name of a wheel: {show(str(error))}",
            hint="Wheels are called NAME-VERSION-PYTHON-ABI-PLATFORM.whl; give the file its own name again.",
            item=file,
        ) from None
    return Named(str(name), str(version), tuple(sorted(map(str, tags))))


def look(path: str, file: str) -> Told:
    """What the wheel at *path*, called *file*, says of itself.

    Raises :class:`IntegrityError` where that is not what its name says, or where a file in it is not what RECORD says.
    """
    with zipped.opened(path, file) as source:
        info = _described_in(source, file)
        metadata = zipped.text(source, f"{info}/METADATA", file)
        told = _metadata(metadata, named(file), file)
        _match_tags(zipped.text(source, f"{info}/WHEEL", file), named(file), file)
        _match_record(source, info, file)
    return told


def _described_in(source: zipfile.ZipFile, file: str) -> str:
    """The folder in which the wheel describes itself."""
    names = source.namelist()
    folders = {name.partition("/")[0] for name in names if re.match(r"[^/]+\.dist-info/", name)}
    if len(folders) != 1:
        told = f"{len(folders)} dist-info folders" if folders else "no dist-info folder"
        raise IntegrityError(f"{show(file)} has {told}", hint=_ASK, item=file)
    (folder,) = folders
    for name in ("METADATA", "WHEEL", "RECORD"):
        if f"{folder}/{name}" not in names:
            raise IntegrityError(f"{show(file)} has no {name}", hint=_ASK, item=file)
    name, _, version = folder.removesuffix(".dist-info").partition("-")
    _same(file, "its folder", name, version)
    return folder


def _same(file: str, what: str, name: str, version: str) -> None:
    """Refuse a *name* or *version* that is not the one in the file name."""
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

    wanted = named(file)
    try:
        true = canonicalize_name(name) == wanted.name and str(Version(version)) == wanted.version
    except InvalidVersion:
        true = False
    if not true:
        raise IntegrityError(f"{show(file)} says {show(f'{name} {version}')} in {what}", hint=_ASK, item=file)


def _metadata(content: bytes, wanted: Named, file: str) -> Told:
    """What METADATA says."""
    from packaging.metadata import parse_email
    from packaging.requirements import InvalidRequirement, Requirement

    raw, _ = parse_email(content)
    _same(file, "its METADATA", raw.get("name", ""), raw.get("version", ""))
    requires = tuple(raw.get("requires_dist", ()))
    for line in requires:
        try:
            Requirement(line)
        except InvalidRequirement:
            raise IntegrityError(
                f"{wanted.name} {wanted.version} requires {show(line)}, which nobody can read", hint=_ASK, item=file
            ) from None
    return Told(requires, raw.get("requires_python", ""), raw.get("summary", "")[:200], content)


def _match_tags(content: bytes, wanted: Named, file: str) -> None:
    """Refuse a wheel whose WHEEL file is for no Python that the file name is for, or of a form that is not known."""
    from packaging.metadata import parse_email
    from packaging.tags import parse_tag

    _, said = parse_email(content)
    versions = said.get("wheel-version", ["0"])
    if not str(versions[0]).startswith("1."):
        raise IntegrityError(f"{show(file)} is a wheel of the form {show(str(versions[0]))}", hint=_ASK, item=file)
    tags = {str(tag) for line in said.get("tag", []) for tag in parse_tag(str(line))}
    if tags and tags.isdisjoint(wanted.tags):
        raise IntegrityError(f"{show(file)} says {show(', '.join(sorted(tags)))} inside", hint=_ASK, item=file)


def _match_record(source: zipfile.ZipFile, info: str, file: str) -> None:
    """Compare every file with its row of RECORD; that all are listed, and nothing else, is known."""
    record = source.read(f"{info}/RECORD").decode("utf-8", "replace")
    rows = {path: (hashed, size) for path, hashed, size, *_ in csv.reader(io.StringIO(record, newline=""))}
    for entry in source.infolist():
        if entry.is_dir() or entry.filename in {f"{info}/{name}" for name in _UNHASHED}:
            continue
        hashed, size = rows.get(entry.filename, ("", ""))
        kind, _, wanted = hashed.partition("=")
        if kind not in _HASHES:
            raise IntegrityError(f"{show(file)} has no usable hash for {show(entry.filename)}", hint=_ASK, item=file)
        digest = _HASHES[kind]()
        with source.open(entry) as opened:
            while chunk := opened.read(zipped.CHUNK):
                digest.update(chunk)
        found = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        if found != wanted.rstrip("=") or (size and size != str(entry.file_size)):
            raise IntegrityError(
                f"{show(entry.filename)} of {show(file)} is not what its RECORD says", hint=_ASK, item=file
            )
