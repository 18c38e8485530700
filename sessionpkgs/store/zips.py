"""Whether everybody who reads a zip file sees the same: some read the list at its end, some what stands before each file.

Where the two differ, an installer unpacks other bytes than those that were looked at, which is why package indexes
refuse such files too. It knows the format alone (PKWARE's APPNOTE) and unpacks nothing.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Sequence

_HEAD = struct.Struct("<4s5H3L2H")
_USUAL = 512
_LISTED, _LENGTHS = 46, struct.Struct("<3H")
_END = struct.Struct("<4s4H2LH")
_END64, _LOCATOR = 56, 20
_DESCRIBED, _UTF8 = 0x08, 0x800
_DESCRIPTORS = frozenset({12, 16, 20, 24})
_LARGE, _OTHER_NAME = 0x0001, 0x7075
_FIELD, _SIZES = struct.Struct("<2H"), struct.Struct("<2Q")
_UNKNOWN = 0xFFFFFFFF


def fault(fd: int, entries: Sequence[zipfile.ZipInfo], begin: int) -> str:
    """What is ambiguous in the zip file *fd* with *entries* and their list at the byte *begin*; "" where nothing is.

    In a plain one the files stand one behind the other from the first byte, the list follows, and the end follows that.
    """
    at, described = 0, False
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if not _joined(at, entry.header_offset, described):
            return f"has bytes that belong to no file before {entry.filename}"
        head = os.pread(fd, _USUAL, entry.header_offset)
        if len(head) < _HEAD.size or not head.startswith(b"PK\x03\x04"):
            return f"has no beginning of {entry.filename}"
        *_, name_length, extra_length = _HEAD.unpack_from(head)
        length = _HEAD.size + name_length + extra_length
        if length > _USUAL:
            head = os.pread(fd, length, entry.header_offset)
        if said := _difference(head[:length], name_length, entry):
            return said
        at, described = entry.header_offset + length + entry.compress_size, bool(entry.flag_bits & _DESCRIBED)
    if not _joined(at, begin, described):
        return "has bytes that belong to no file before its list"
    return _fault_of_end(fd, len(entries), begin)


def _joined(end: int, begin: int, described: bool) -> bool:
    """Whether what begins at *begin* follows what ends at *end*, which may have its sizes behind it."""
    return begin == end or (described and begin - end in _DESCRIPTORS)


def _difference(head: bytes, name_length: int, entry: zipfile.ZipInfo) -> str:
    """Where what stands before a file differs from the *entry* in the list."""
    _, _, flags, method, _, _, crc, packed, size, _, _ = _HEAD.unpack_from(head)
    name = head[_HEAD.size : _HEAD.size + name_length].decode("utf-8" if flags & _UTF8 else "cp437", "replace")
    extra = _fields(head[_HEAD.size + name_length :])
    if name != entry.orig_filename:
        return f"has {name} where its list says {entry.filename}"
    if _OTHER_NAME in extra or _OTHER_NAME in _fields(entry.extra):
        return f"has a second name for {entry.filename}"
    if _UNKNOWN in (packed, size) and len(extra.get(_LARGE, b"")) >= _SIZES.size:
        size, packed = _SIZES.unpack_from(extra[_LARGE])
    told, listed = (flags, method, crc, packed, size), (entry.CRC, entry.compress_size, entry.file_size)
    later = flags & _DESCRIBED and not (crc or packed or size)
    if told != (entry.flag_bits, entry.compress_type, *((0, 0, 0) if later else listed)):
        return f"describes {entry.filename} in two ways"
    return ""


def _fields(extra: bytes) -> dict[int, bytes]:
    """The fields of an *extra* part, by number."""
    found: dict[int, bytes] = {}
    while len(extra) >= _FIELD.size:
        kind, length = _FIELD.unpack_from(extra)
        found[kind] = extra[_FIELD.size :][:length]
        extra = extra[_FIELD.size + length :]
    return found


def _fault_of_end(fd: int, count: int, begin: int) -> str:
    """The same for a list of *count* entries at *begin* and for all that follows it."""
    listed = os.pread(fd, os.fstat(fd).st_size - begin, begin)
    at = 0
    for _ in range(count):
        if listed[at : at + 4] != b"PK\x01\x02" or at + _LISTED > len(listed):
            return "has a list that is cut short"
        at += _LISTED + sum(_LENGTHS.unpack_from(listed, at + 28))
    rest = listed[at:]
    told = None
    if rest.startswith(b"PK\x06\x06") and len(rest) > _END64 + _LOCATOR:
        told = _SIZES.unpack_from(rest, 24)
        if struct.unpack_from("<Q", rest, 4)[0] != _END64 - 12 or rest[_END64 : _END64 + 4] != b"PK\x06\x07":
            return "has an end that can be read in two ways"
        rest = rest[_END64 + _LOCATOR :]
    if len(rest) < _END.size or not rest.startswith(b"PK\x05\x06"):
        return "has bytes that belong to no file behind its list"
    if len(rest) > _END.size:
        return "has bytes behind its end"
    if (told or _END.unpack(rest)[3:5]) != (count, count):
        return "has another number of files than it says"
    return ""
