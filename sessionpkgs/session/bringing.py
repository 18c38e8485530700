"""Files of exact pins brought into a folder of the user's: each by its hash, whole under its name or not at all.

pip fetches them, for whatever Python they are. A file that is there and right is not fetched again, so that a download
that was cut short goes on where it stopped. It resolves nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sessionpkgs.engines.pip import Pip
from sessionpkgs.errors import IntegrityError, StoreError
from sessionpkgs.formats.wheel_files import filename_of
from sessionpkgs.model import Pin, Requirement, Spec
from sessionpkgs.session import resolving
from sessionpkgs.store.locks import Flock

if TYPE_CHECKING:
    from sessionpkgs.engines.targets import Target
    from sessionpkgs.session.straight import Line

AT_ONCE = 8
"""Files that one call of pip fetches: what a kill can cost."""
_PART = ".closure-"
_PATIENCE = 5.0
_CHUNK = 1 << 20


def bring(
    walk: Line, spec: Spec, pins: Sequence[Pin], folder: str, target: Target | None
) -> tuple[list[Pin], list[str]]:
    """*pins* as they lie in *folder* afterwards, with sizes and hashes, and the names of the files that were fetched.

    Raises :class:`IntegrityError` for bytes that a pin does not mean, :class:`StoreError` for a folder that cannot be
    written, or the engine's refusal.
    """
    try:
        with _alone_in(folder):
            lacking = [pin for pin in pins if not _is_there(pin, folder)]
            for group in _groups(lacking):
                _fetch(walk, spec, group, folder, target)
            return [_measured(pin, folder) for pin in pins], [filename_of(pin.url) for pin in lacking]
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be written: {error.strerror}",
            hint="Name another folder, or free some space.",
            item=folder,
        ) from None


def digest_of(path: str) -> str:
    """sha256 of the file at *path*."""
    found = hashlib.sha256()
    with open(path, "rb") as source:
        while chunk := source.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """*folder*, made where it is not there, with nobody else who brings files; parts of a dead one's are gone."""
    os.makedirs(folder, exist_ok=True)
    with Flock(folder, folder=True) as lock:
        if not lock.try_acquire(exclusive=True):
            raise StoreError(f"another program brings files into {folder} now", hint="Wait for it.", item=folder)
        for name in os.listdir(folder):
            if name.startswith(_PART):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        yield


def _is_there(pin: Pin, folder: str) -> bool:
    """Whether the file of *pin* is there with the right bytes."""
    path = os.path.join(folder, filename_of(pin.url))
    return bool(pin.sha256) and os.path.isfile(path) and digest_of(path) == pin.sha256


def _groups(pins: Sequence[Pin]) -> Iterator[list[Pin]]:
    """*pins* in groups of a few; those with a hash and those without stand apart, since pip checks all or none."""
    for chosen in ([pin for pin in pins if pin.sha256], [pin for pin in pins if not pin.sha256]):
        for start in range(0, len(chosen), AT_ONCE):
            yield chosen[start : start + AT_ONCE]


def _fetch(walk: Line, spec: Spec, pins: Sequence[Pin], folder: str, target: Target | None) -> None:
    """Bring the files of *pins* into *folder*: beside it first, by a rename when they are whole and right."""
    walk.ask.reporter.step(f"fetching {', '.join(pin.name for pin in pins)}")
    request = replace(
        walk.request(spec),
        requirements=tuple(Requirement(line=_line(pin), name=pin.name) for pin in pins),
        constraints=(),
        no_deps=True,
        target=target,
    )
    part = tempfile.mkdtemp(prefix=_PART, dir=folder)
    try:
        engine = Pip()
        with resolving.naming(engine, request.sources):
            engine.download(request, part, walk.room())
        for pin in pins:
            _publish(pin, part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _line(pin: Pin) -> str:
    """*pin* as a line that brings exactly its file."""
    if pin.direct:
        place = pin.url.partition("#")[0]
        return f"{pin.name} @ {place}" + (f"#sha256={pin.sha256}" if pin.sha256 else "")
    return f"{pin.name}=={pin.version}" + (f" --hash=sha256:{pin.sha256}" if pin.sha256 else "")


def _publish(pin: Pin, part: str, folder: str) -> None:
    """Give the file of *pin* its name in *folder*. Raises :class:`IntegrityError`."""
    file = filename_of(pin.url)
    path = os.path.join(part, file)
    if not os.path.isfile(path):
        raise IntegrityError(
            f"the index gave another file for {pin.name} {pin.version} than {file}", hint="Try again.", item=pin.name
        )
    if pin.sha256 and (found := digest_of(path)) != pin.sha256:
        raise IntegrityError(
            f"{file} has the hash {found[:16]}…, and {pin.sha256[:16]}… was expected",
            hint="It was changed or cut short on its way: try again, and ask who runs the index if it stays so.",
            item=pin.name,
        )
    with open(path, "rb") as source:
        os.fsync(source.fileno())
    os.replace(path, os.path.join(folder, file))


def _measured(pin: Pin, folder: str) -> Pin:
    """*pin* with the size and the hash of its file in *folder*."""
    path = os.path.join(folder, filename_of(pin.url))
    return replace(pin, size=os.path.getsize(path), sha256=pin.sha256 or digest_of(path))
