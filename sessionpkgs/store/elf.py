"""Whether a distribution's shared objects reach into another distribution by a path relative to their own.

The loader follows ``$ORIGIN/../other`` through the real folder, so such a distribution may not stand behind one folder
link (torch and the nvidia wheels are built so). Reads ELF headers only, a few hundred bytes a file; anything that is not
64-bit little-endian ELF counts as not reaching. Source: System V ABI, chapter 5; ld.so(8) for ``$ORIGIN``.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

_HEAD = 64
_PT_LOAD, _PT_DYNAMIC = 1, 2
_MOST = 1 << 20
_DT_STRTAB, _DT_RPATH, _DT_RUNPATH = 5, 15, 29


def reaches_out(site: str) -> bool:
    """True where a shared object below the folder *site* names a run path that leaves its own top-level folders."""
    own = set(os.listdir(site))
    for folder, _, files in os.walk(site):
        for name in files:
            if name.endswith(".so") or ".so." in name:
                with open(f"{folder}/{name}", "rb") as source:
                    paths = run_paths(source)
                for path in paths:
                    if path.startswith(("$ORIGIN", "${ORIGIN}")) and not _stays(
                        path, os.path.relpath(folder, site), own
                    ):
                        return True
    return False


def _stays(path: str, folder: str, own: set[str]) -> bool:
    """Whether *path* of an object in *folder* ends below one of the distribution's *own* top levels."""
    _, _, rest = path.replace("{", "").replace("}", "").partition("$ORIGIN")
    ends = os.path.normpath(f"{folder}/{rest}")
    return ends == "." or ends.partition("/")[0] in own


def run_paths(source: BinaryIO) -> list[str]:
    """Entries of DT_RPATH and DT_RUNPATH of an ELF file; none where its headers are damaged."""
    try:
        return _run_paths(source)
    except (struct.error, ValueError, OverflowError, OSError):  # a seek beyond what a file can have is an OSError
        return []


def _run_paths(source: BinaryIO) -> list[str]:
    """The same for a file whose headers tell the truth; raises where they do not."""
    head = source.read(_HEAD)
    if len(head) < _HEAD or head[:6] != b"\x7fELF\x02\x01":
        return []
    table, size, count = struct.unpack_from("<Q", head, 32)[0], *struct.unpack_from("<HH", head, 54)
    source.seek(table)
    headers = source.read(size * count)
    loads, dynamic = [], b""
    for at in range(0, len(headers) - size + 1, size):
        kind, _, offset, address, _, length, _, _ = struct.unpack_from("<IIQQQQQQ", headers, at)
        if kind == _PT_LOAD:
            loads.append((address, offset, length))
        elif kind == _PT_DYNAMIC:
            source.seek(offset)
            dynamic = source.read(min(length, _MOST))
    entries = [struct.unpack_from("<qQ", dynamic, at) for at in range(0, len(dynamic) - 15, 16)]
    wanted = [value for tag, value in entries if tag in {_DT_RPATH, _DT_RUNPATH}]
    strings = next((value for tag, value in entries if tag == _DT_STRTAB), 0)
    return [part for value in wanted for part in _text(source, loads, strings + value).split(":") if part]


def _text(source: BinaryIO, loads: list[tuple[int, int, int]], address: int) -> str:
    """The text at a virtual *address*."""
    for start, offset, length in loads:
        if start <= address < start + length:
            source.seek(offset + address - start)
            return source.read(4096).partition(b"\0")[0].decode("utf-8", "replace")
    return ""
