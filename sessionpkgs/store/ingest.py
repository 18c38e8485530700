"""Verification: what an engine put into a folder is what each RECORD promises, and nothing else.

What a RECORD does not promise does not pass: a wrong hash, a missing or an extra file, a path that leaves the folder,
a link, a path that two distributions claim with different bytes, a top level that a session may not bring. It does not
know indexes or layers; it trusts nothing that an engine said about its own success.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from sessionpkgs.errors import ConflictError, IntegrityError, SessionPkgsError, UnsafePackageError
from sessionpkgs.model import Pin
from sessionpkgs.policy import PROTECTED_TOP_LEVELS
from sessionpkgs.store import caps, folding

OUTSIDE = ("bin", "share", "etc", "include", "man")
"""Folders of a ``--target`` install that are not importable: scripts and what a wheel puts under ``.data``."""

_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}
_LARGE = 1 << 18
_CHUNK = 1 << 23
_RESERVED = frozenset({"sitecustomize", "usercustomize"}) | PROTECTED_TOP_LEVELS


@dataclass(slots=True)
class Staged:
    """One distribution in a stage: its dist-info folder's name and the files it owns, as ``path -> (hash, size)``."""

    name: str
    version: str
    folder: str
    rows: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def unhashed(self) -> tuple[str, ...]:
        """Files that may have no hash: RECORD and its signatures."""
        return tuple(f"{self.folder}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s"))

    @property
    def tops(self) -> set[str]:
        """First parts of the paths it owns."""
        return {path.partition("/")[0] for path in self.rows}


def verify(site: str, pins: Iterable[Pin], *, read_only: bool = True) -> list[Staged]:
    """The distributions in *site*, each byte checked against its RECORD; files become read-only on the way.

    Raises :class:`IntegrityError`, :class:`UnsafePackageError` or :class:`ConflictError`, naming distribution and entry.
    """
    wanted = {pin.name: pin for pin in pins}
    staged = [_read(site, name) for name in sorted(os.listdir(site)) if name.endswith(".dist-info")]
    _match_pins(staged, wanted)
    owners = _owners(staged)
    folding.refuse(site, {dist.folder: dist.rows.keys() for dist in staged})
    _nothing_unlisted(site, owners)
    for dist in staged:
        caps.flood(dist.rows, dist.name, wanted[dist.name].size)
        _refuse_tops(dist)
        _refuse_scripts(site, dist)
    _check_all(site, staged, read_only=read_only)
    return staged


def _read(site: str, folder: str) -> Staged:
    """The dist-info *folder* of *site* as it describes itself."""
    from installer.records import InvalidRecordEntry, parse_record_file
    from packaging.utils import canonicalize_name

    described = _identity(os.path.join(site, folder, "METADATA"))
    dist = Staged(str(canonicalize_name(described.get("name", ""))), described.get("version", ""), folder)
    try:
        with open(os.path.join(site, folder, "RECORD"), encoding="utf-8", newline="") as source:
            for path, hashed, size in parse_record_file(source):
                dist.rows[_inside(path, folder)] = (hashed, size)
    except FileNotFoundError:
        raise IntegrityError(f"{folder} has no RECORD, so its files cannot be verified", item=folder) from None
    except (InvalidRecordEntry, UnicodeDecodeError) as error:
        raise IntegrityError(f"the RECORD of {folder} cannot be read: {error}", item=folder) from None
    return dist


def _identity(path: str) -> dict[str, str]:
    """Name and version in a METADATA file."""
    found: dict[str, str] = {}
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            for line in source:
                key, _, value = line.partition(":")
                if not value:
                    break
                if key.lower() in {"name", "version"}:
                    found.setdefault(key.lower(), value.strip())
    except OSError:
        return {}
    return found


def _inside(path: str, folder: str) -> str:
    """*path* of a RECORD relative to the stage. pip writes ``../../bin/x`` for a ``--target`` install; nothing else may
    climb. Raises :class:`UnsafePackageError`.
    """
    inner = path.replace("\\", "/")
    if inner.startswith("../../") and inner[6:].partition("/")[0] in OUTSIDE:
        inner = inner[6:]
    parts = inner.split("/")
    if inner.startswith("/") or ".." in parts or "" in parts or "\0" in inner:
        raise UnsafePackageError(f"{folder} lists a path outside its folder: {path}", item=folder)
    return inner


def _match_pins(staged: list[Staged], wanted: Mapping[str, Pin]) -> None:
    """Refuse a stage that holds other distributions than were asked for."""
    present = {dist.name for dist in staged}
    for dist in staged:
        pin = wanted.get(dist.name)
        if pin is None:
            raise IntegrityError(f"the engine installed {dist.folder}, which was not asked for", item=dist.name)
        if pin.version and not _same_version(pin.version, dist.version):
            raise IntegrityError(
                f"{pin.name}=={pin.version} was asked for and its metadata says {dist.version}",
                item=f"{pin.name}=={pin.version}",
            )
    if missing := sorted(set(wanted) - present):
        raise IntegrityError(f"the engine did not install {missing[0]}", item=missing[0])


def _same_version(one: str, other: str) -> bool:
    """Whether two spellings are one version (PEP 440)."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


def _owners(staged: list[Staged]) -> dict[str, list[Staged]]:
    """Who owns each path. Raises :class:`ConflictError` where two own one with different bytes."""
    owners: dict[str, list[Staged]] = {}
    for dist in staged:
        for path, (hashed, _) in dist.rows.items():
            others = owners.setdefault(path, [])
            if others and others[0].rows[path][0] != hashed:
                raise ConflictError(
                    f"{others[0].name} and {dist.name} both bring {path}, with different contents",
                    hint="They cannot be in one environment; leave one of them out.",
                    item=path,
                )
            others.append(dist)
    return owners


def _nothing_unlisted(site: str, owners: Mapping[str, list[Staged]]) -> None:
    """Refuse a file that no RECORD lists and a row without a file; links are refused when they are read."""
    present = _files(site)
    if extra := sorted(present - set(owners)):
        raise IntegrityError(f"{extra[0]} is in no RECORD, so nobody vouches for it", item=extra[0])
    for path in sorted(set(owners) - present):
        if not path.endswith(".pyc"):
            raise IntegrityError(f"{owners[path][0].name} lists {path}, which is not there", item=path)
        for dist in owners[path]:
            del dist.rows[path]


def _files(site: str) -> set[str]:
    """Paths below *site* of everything that is not a folder."""
    present: set[str] = set()
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(f"{site}/{folder}") as entries:
            for entry in entries:
                path = folder + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path + "/")
                else:
                    present.add(path)
    return present


def _refuse_tops(dist: Staged) -> None:
    """Refuse a top level that would replace part of the kernel, or run code in every Python."""
    for top in sorted(dist.tops):
        module = top.partition(".")[0]
        if module in _RESERVED and not top.endswith((".dist-info", ".data")):
            raise UnsafePackageError(
                f"{dist.name} {dist.version} brings {top}, which a session may not replace",
                hint="Ask for a distribution that does not ship it.",
                item=dist.name,
            )


def _refuse_scripts(site: str, dist: Staged) -> None:
    """Refuse scripts that are not in the folder of scripts itself, whether the engine wrote them or not."""
    if nested := sorted(path for path in dist.rows if path.startswith("bin/") and path.count("/") > 1):
        raise UnsafePackageError(f"{dist.name} brings {nested[0]}, a script in a folder of its own", item=dist.name)
    path = f"{dist.folder}/entry_points.txt"
    if path in dist.rows:
        with open(f"{site}/{path}", encoding="utf-8", errors="replace") as source:
            caps.scripts(source.read(), dist.name)


def hidden_by_stdlib(dist: Staged) -> list[str]:
    """Top levels of *dist* that the standard library has too; its position hides them, which is worth a notice."""
    return sorted({top.partition(".")[0] for top in dist.tops if top.partition(".")[0] in sys.stdlib_module_names})


def _check_all(site: str, staged: list[Staged], *, read_only: bool) -> None:
    """Compare every file with its row, once where several own it; large files in threads, where hashing is free of
    Python's lock, and the many small ones here meanwhile.
    """
    rows = {path: (dist, hashed, size) for dist in staged for path, (hashed, size) in dist.rows.items()}
    large = {path for path, (_, _, size) in rows.items() if size and int(size) >= _LARGE}
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting = [pool.submit(_check, site, path, *rows[path], read_only=read_only) for path in large]
        for path, row in rows.items():
            if path not in large:
                _check(site, path, *row, read_only=read_only)
        for one in waiting:
            one.result()


def _check(site: str, path: str, dist: Staged, hashed: str, size: str, *, read_only: bool) -> None:
    """Compare one file with its row."""
    kind, _, expected = hashed.partition("=")
    if not hashed and (path in dist.unhashed or (path.endswith(".pyc") and "__pycache__/" in path)):
        kind = "sha256"
    elif kind not in _HASHES:
        raise IntegrityError(f"{dist.name} gives {path} no usable hash", item=path)
    digest, length = _digest(f"{site}/{path}", kind, dist.name, read_only=read_only)
    if expected and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != expected.rstrip("="):
        raise IntegrityError(f"{path} of {dist.name} {dist.version} differs from its RECORD", item=path)
    if size and int(size) != length:
        raise IntegrityError(
            f"{path} of {dist.name} {dist.version} has {length} bytes, its RECORD says {size}", item=path
        )


def still_true(home: str) -> bool:
    """Whether the distribution in the store's folder *home* is still what its RECORD says."""
    return not fault(home)


def fault(home: str) -> str:
    """What is wrong with the distribution in the store's folder *home*, by its file; "" where it is what it was."""
    try:
        (folder,) = [name for name in os.listdir(f"{home}/site") if name.endswith(".dist-info")]
        dist = _read(f"{home}/site", folder)
        if f"{folder}/RECORD" not in dist.rows:  # emptied by a power cut, it would vouch for anything
            return f"{folder}/RECORD says nothing any more"
        present = {path for path in _files(f"{home}/site") if "__pycache__/" not in path}
        if added := sorted(present - set(dist.rows)):
            return f"{added[0]} was added"
        for path, row in dist.rows.items():
            below = home if path.partition("/")[0] in OUTSIDE else f"{home}/site"
            if not path.endswith(".pyc"):
                _check(below, path, dist, *row, read_only=False)
    except (OSError, ValueError, SessionPkgsError) as error:
        return str(error) or type(error).__name__
    return ""


def _digest(path: str, kind: str, owner: str, *, read_only: bool) -> tuple[bytes, int]:
    """Digest and length of a regular file, which becomes read-only through the same descriptor."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise UnsafePackageError(
            f"{owner} brings {path}, which is not a plain file ({error.strerror})", item=owner
        ) from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise UnsafePackageError(f"{owner} brings {path}, which is not a plain file", item=owner)
        quiet = (status.st_mode | 0o444) & 0o555
        if read_only and stat.S_IMODE(status.st_mode) != quiet:
            os.fchmod(fd, quiet)
        digest = _HASHES[kind]()
        left = status.st_size
        while left > 0 and (chunk := os.read(fd, min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        return digest.digest(), status.st_size
    finally:
        os.close(fd)
