"""Reading zip files whose content nobody vouches for: what cannot be read is an IntegrityError, and memory has a bound."""

from __future__ import annotations

import contextlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator

from sessionpkgs.errors import IntegrityError, SessionPkgsError
from sessionpkgs.formats.wording import show

CHUNK = 1 << 20
MOST_SAID = 8 << 20
"""Bytes that one file may have in which an artefact describes itself."""
_BROKEN = (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, struct.error, zlib.error, lzma.LZMAError)


@contextlib.contextmanager
def opened(path: str, file: str) -> Iterator[zipfile.ZipFile]:
    """The zip file at *path*, called *file* where something is wrong with it. Raises :class:`IntegrityError`."""
    try:
        with zipfile.ZipFile(path) as source:
            yield source
    except SessionPkgsError:
        raise
    except (*_BROKEN, RuntimeError) as error:  # an encrypted entry is a RuntimeError
        raise IntegrityError(
            f"{show(file)} is not a whole file: {show(str(error)) or type(error).__name__}",
            hint="Fetch or build it again.",
            item=file,
        ) from None


def text(source: zipfile.ZipFile, name: str, file: str) -> bytes:
    """The bytes of the entry *name*. Raises :class:`IntegrityError` for one that is too large to be a description."""
    if source.getinfo(name).file_size > MOST_SAID:
        raise IntegrityError(f"{show(file)} has more than {MOST_SAID >> 20} MB of {show(name)}", item=file)
    return source.read(name)
