"""What a wheel may hold, read from its own list of entries: nothing is unpacked, so a bomb costs nothing.

An engine drops or repairs some of what is wrong in a wheel and writes a RECORD of its own, so what it leaves cannot
tell. It does not know engines; a wheel that is not on this machine is watched while it is unpacked (``bounds``) and
looked at afterwards.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import stat
import struct
import zipfile
from collections.abc import Iterable, Mapping
from typing import IO
from urllib.parse import unquote, urlsplit

from sessionpkgs.errors import IntegrityError, UnsafePackageError
from sessionpkgs.model import Pin
from sessionpkgs.store import zips

ENTRIES = 100_000
"""Files that one wheel may have."""
METADATA = 8 << 20
"""Bytes that one file below a dist-info folder may have, RECORD apart."""
RATIO = 100
LARGE = 256 << 20
"""A wheel that unpacks to more than LARGE bytes and to more than RATIO times its own size is a bomb."""
WHOLE = 64 << 30
"""Bytes that one wheel may unpack to."""
NAME, PATH = 255, 1024
"""Bytes of a file's name and of its path, from where the engine unpacks it."""
_SHOWN, _CHUNK = 60, 1 << 20
_ASK = "Do not use it; ask who publishes it."
_UNSIGNED = ("RECORD", "RECORD.jws", "RECORD.p7s")


def inspect(pins: Iterable[Pin]) -> None:
    """Look into each wheel of *pins* that is a file of this machine.

    Raises :class:`UnsafePackageError` for a wheel that reaches out, that would flood the disk or that names a script
    outside its folder, and :class:`IntegrityError` for one that is not the file of its pin, that can be read in two
    ways or whose RECORD (PEP 427) and entries differ.
    """
    for pin in pins:
        parts = urlsplit(pin.url)
        path = unquote(parts.path)
        if pin.kind == "wheel" and parts.scheme == "file" and os.path.isfile(path):
            _inspect(path, pin)


def _inspect(path: str, pin: Pin) -> None:
    """Look into the wheel at *path*."""
    wheel, item = os.path.basename(path), f"{pin.name}=={pin.version}"
    try:
        with open(path, "rb") as opened, zipfile.ZipFile(opened) as source:
            entries = source.infolist()
            _refuse_flood(entries, os.path.getsize(path), wheel)
            for entry in entries:
                _refuse_entry(entry, wheel)
            _refuse_twice(entries, wheel)
            if said := zips.fault(opened.fileno(), entries, source.start_dir):
                raise IntegrityError(f"{shown(wheel)} {shown(said)}", hint=_ASK, item=item)
            _match_record(source, [entry.filename for entry in entries if not entry.is_dir()], wheel)
            _refuse_scripts(source, wheel)
            _match_hash(opened, pin, wheel)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise IntegrityError(f"{shown(wheel)} is not a whole wheel: {shown(str(error))}", item=item) from None


def _match_hash(opened: IO[bytes], pin: Pin, wheel: str) -> None:
    """Refuse another file than the one that was chosen; the engine takes no other either."""
    opened.seek(0)
    digest = hashlib.sha256()
    while chunk := opened.read(_CHUNK):
        digest.update(chunk)
    found = digest.hexdigest()
    if pin.sha256 and found != pin.sha256:
        raise IntegrityError(
            f"{shown(wheel)} was changed: its hash is {found[:16]}…, and {pin.sha256[:16]}… was chosen",
            hint="Run the cell again if you changed it yourself.",
            item=f"{pin.name}=={pin.version}",
        )


def _refuse_flood(entries: list[zipfile.ZipInfo], packed: int, wheel: str) -> None:
    """Refuse a wheel that would fill the disk or the memory."""
    whole = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRIES:
        raise _unsafe(wheel, f"has {len(entries):,} files, and {ENTRIES:,} are the most that a wheel may have")
    if whole > WHOLE or whole > max(LARGE, RATIO * packed):
        raise _unsafe(wheel, f"has {packed >> 10:,} KB and would fill {whole >> 20:,} MB of the disk")
    for entry in entries:
        _refuse_metadata(entry.filename, entry.file_size, wheel)


def _refuse_metadata(path: str, size: int, owner: str) -> None:
    """Refuse a file below a dist-info folder that would fill the memory of whoever reads it."""
    folder, _, name = path.rpartition("/")
    if size > METADATA and folder.endswith(".dist-info") and name not in _UNSIGNED:
        raise _unsafe(owner, f"has {size >> 20:,} MB of {shown(name)}, and {METADATA >> 20} MB are the most")


def _refuse_entry(entry: zipfile.ZipInfo, wheel: str) -> None:
    """Refuse a path that leaves its folder or is too long, and whatever is neither file nor folder."""
    path = entry.orig_filename
    if climbs(path.removesuffix("/")):
        raise _unsafe(wheel, f"has an entry outside its folder: {shown(path)}")
    if len(path.encode()) > PATH or any(len(part.encode()) > NAME for part in path.split("/")):
        raise _unsafe(wheel, f"has an entry with too long a name: {shown(path)}")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _unsafe(wheel, f"has an entry that is not a plain file: {shown(path)}")


def climbs(path: str) -> bool:
    """Whether *path* leads out of its folder, on this system or another."""
    inner = path.replace("\\", "/")
    parts = inner.split("/")
    return ".." in parts or "" in parts or "\0" in path or "\\" in path or bool(re.match(r"[A-Za-z]:", inner))


def _refuse_twice(entries: list[zipfile.ZipInfo], wheel: str) -> None:
    """Refuse two entries with one name: which of them counts depends on who reads."""
    seen: set[str] = set()
    for entry in entries:
        if entry.filename in seen:
            raise IntegrityError(f"{wheel} has {shown(entry.filename)} twice", item=wheel)
        seen.add(entry.filename)


def _match_record(source: zipfile.ZipFile, names: list[str], wheel: str) -> None:
    """Compare the paths in RECORD with the entries; their hashes are compared when they are files."""
    records = [name for name in names if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)]
    if not records:
        raise IntegrityError(f"{wheel} has no RECORD, so its files cannot be verified", item=wheel)
    with source.open(records[0]) as binary, io.TextIOWrapper(binary, "utf-8", newline="") as text:
        rows = {row[0] for row in csv.reader(text) if row}
    for path in sorted(rows):
        if climbs(path):
            raise _unsafe(wheel, f"lists a path outside its folder: {shown(path)}")
    spared = {f"{records[0].removesuffix('RECORD')}{name}" for name in _UNSIGNED}
    if ghosts := sorted(path for path in rows - set(names) - spared if not path.endswith(".pyc")):
        raise IntegrityError(f"{wheel} lists {shown(ghosts[0])}, which is not there", item=wheel)
    if extra := sorted(set(names) - rows - spared):
        raise IntegrityError(f"{wheel} has {shown(extra[0])}, which its RECORD does not list", item=wheel)


def _refuse_scripts(source: zipfile.ZipFile, wheel: str) -> None:
    """Refuse entry points that would be written outside the folder of scripts."""
    for name in source.namelist():
        if re.fullmatch(r"[^/]+\.dist-info/entry_points\.txt", name):
            scripts(source.read(name).decode("utf-8", "replace"), wheel)


def scripts(text: str, owner: str) -> None:
    """Refuse an ``entry_points.txt`` of *owner* that names a script with a folder in it."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[] ")
        name = line.partition("=")[0].strip()
        if group in {"console_scripts", "gui_scripts"} and "=" in line and (set(name) & set("/\\\0") or name == ".."):
            raise _unsafe(owner, f"names a script outside its folder: {shown(name)}")


def flood(rows: Mapping[str, tuple[str, str]], owner: str, packed: int) -> None:
    """Refuse an unpacked distribution with too many *rows* of RECORD, or too large for the *packed* bytes it came as.

    *packed* is 0 where no index told it.
    """
    whole = sum(int(size or 0) for _, size in rows.values())
    if len(rows) > ENTRIES:
        raise _unsafe(owner, f"has {len(rows):,} files, and {ENTRIES:,} are the most that a wheel may have")
    for path, (_, size) in rows.items():
        _refuse_metadata(path, int(size or 0), owner)
    if whole > WHOLE or (packed and whole > max(LARGE, RATIO * packed)):
        raise _unsafe(owner, f"fills {whole >> 20:,} MB of the disk, which is more than a wheel may")


def shown(path: str) -> str:
    """*path* as a sentence has it: on one line and not too long."""
    line = path.encode("unicode_escape").decode() if not path.isprintable() else path
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _unsafe(owner: str, said: str) -> UnsafePackageError:
    """The refusal of a wheel or distribution."""
    return UnsafePackageError(f"{shown(owner)} {said}", hint="Do not use it; tell who publishes it.", item=owner)
