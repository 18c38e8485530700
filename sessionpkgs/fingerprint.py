"""The fingerprint of a base: one hash that changes whenever a distribution below the session changes.

Standard library only: every reopened notebook pays for it. It reads names and stats, never contents, so a module that
is edited in place is not seen, and need not be: no version changes by it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterable

_FILES = {
    ".dist-info": ("/RECORD", "/METADATA"),
    ".egg-info": ("/PKG-INFO", "/requires.txt", ""),
    ".pth": ("",),
    ".egg-link": ("",),
}
"""What is looked at for each kind of entry that describes a distribution; "" is the entry itself."""

_ENDS = tuple(_FILES)


def base_paths(paths: Iterable[str], outside: str = "") -> list[str]:
    """The entries of *paths* that may hold distributions of base.

    Left out: the working folder (``''``), zip files, the standard library's own folders, that of Python's programs (it
    stands in the path of a console script), and all below *outside* (the store, whose layers are not base).
    """
    scripts = os.path.dirname(sys.executable)
    stdlib = {scripts, os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")}
    below = os.path.join(outside, "") if outside else "\0"
    found = [p for p in paths if p and p not in stdlib and not p.startswith(below) and os.path.isdir(p)]
    return list(dict.fromkeys(found))


def fingerprint(paths: Iterable[str]) -> str:
    """64 hex digits over interpreter and distributions of *paths*.

    For each ``*.dist-info``, ``*.egg-info`` and ``*.pth``: its name and mtime, size and inode of RECORD and METADATA.
    Names alone miss a reinstall of the same version, a folder's mtime misses a replaced tree (measured).
    """
    seen: list[object] = [sys.version, sys.prefix]
    for path in paths:
        seen.append(path)
        with contextlib.suppress(OSError):  # a folder that is gone since it was put on the path has nothing
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                seen += _stamps(fd)
            finally:
                os.close(fd)
    return hashlib.sha256(repr(seen).encode("utf-8", "surrogateescape")).hexdigest()


def _stamps(fd: int) -> list[object]:
    """Names and stamps of what describes distributions in the open folder *fd*.

    Paths relative to the descriptor halve the time: the kernel need not walk the folder's own path a thousand times.
    """
    stat = os.stat
    found: list[object] = []
    for name in sorted(name for name in os.listdir(fd) if name.endswith(_ENDS)):
        found.append(name)
        for file in _FILES[name[name.rindex(".") :]]:
            try:
                status = stat(name + file, dir_fd=fd)
            except OSError:
                found.append(file)
            else:
                found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return found


def seal(path: str) -> tuple[int, int, int]:
    """Change time, modification time and inode of a folder: differs once an entry was added, removed or renamed.

    It says less than :func:`fingerprint`, which also sees a METADATA that was edited in place.
    """
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (status.st_ctime_ns, status.st_mtime_ns, status.st_ino)
