"""A declaration as another machine reads it, and what that machine says it has.

Markers, platform selectors and Python lines are judged for the target. It asks no index and no other machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from sessionpkgs.engines.targets import Target
from sessionpkgs.errors import PythonPinned, SpecError
from sessionpkgs.formats.origin import Origin, selectors_of
from sessionpkgs.formats.specifiers import is_version, normal
from sessionpkgs.formats.wheel_files import filename_of, release_of
from sessionpkgs.model import Dist, Requirement, Spec, View
from sessionpkgs.session.reading import Reading
from sessionpkgs.session.texts import read_file

_PATCHES = range(41)
"""Patch numbers that a Python named without one may have."""
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*={2,3}\s*(?P<version>[^\s;#\\*]+)", re.ASCII)
_PLACED = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*@\s*(?P<place>\S+)", re.ASCII)


class There(Reading):
    """Reads as a session on *target* would."""

    def __init__(self, target: Target, env: Mapping[str, str], folder: str) -> None:
        super().__init__(env, lambda: folder)
        self._target = target

    def _origin(self, label: str, folder: str, without: Sequence[str] = ()) -> tuple[Origin, tuple[str, ...]]:
        origin, files = super()._origin(label, folder, without)
        markers = self._target.markers()
        return replace(origin, platform=selectors_of(markers["sys_platform"], markers["platform_machine"])), files


def read(target: Target, env: Mapping[str, str], folder: str, file: str, without: Sequence[str]) -> Spec:
    """The Spec that *file* declares for *target*; the exact versions of a lock become requirements.

    Raises :class:`SpecError`.
    """
    with _judged(target):
        spec = There(target, env, folder).file(file, without)
    if not spec.pins:
        return spec
    exact = [Requirement(line=f"{pin.name}=={pin.version}", name=pin.name) for pin in spec.pins if not pin.direct]
    named = {one.name for one in exact}
    others = tuple(one for one in spec.requirements if one.name not in named)
    said = "Of the lock the versions count; its hashes are those of files for this Python."
    return replace(spec, requirements=(*exact, *others), pins=(), require_hashes=False, notices=(*spec.notices, said))


@contextmanager
def _judged(target: Target) -> Iterator[None]:
    """Markers are those of *target* for the length of the block, in every thread: packaging takes no other for a read."""
    from packaging import markers

    usual = markers.default_environment
    markers.default_environment = lambda: {**usual(), **target.markers()}  # type: ignore[typeddict-item]
    try:
        yield
    finally:
        markers.default_environment = usual


def check_python(spec: Spec, target: Target, *, ignore: bool) -> tuple[str, ...]:
    """Notices on Python lines that are passed over. Raises :class:`PythonPinned` for one that *target* does not fit."""
    from packaging.specifiers import SpecifierSet

    known = target.python.count(".") > 1
    versions = [target.python] if known else [f"{target.python}.{patch}" for patch in _PATCHES]
    bad = [
        line
        for line in spec.python
        if not any(version in SpecifierSet(line.line.removeprefix("python")) for version in versions)
    ]
    if bad and not ignore:
        raise PythonPinned(
            f"{bad[0].line} ({bad[0].where}) does not fit Python {target.python}, which is asked for",
            hint="Name another --python, or add --ignore-python to drop the line.",
            item=bad[0].line,
        )
    return tuple(f"{line.line} is ignored: the list is for Python {target.python}." for line in bad)


def present(file: str) -> tuple[View, tuple[str, ...]]:
    """What the *file* of a machine says that it has, as a View, and a notice on lines that tell no version.

    It is what ``pip freeze``, ``%session_env freeze --all`` or ``pip list --format json`` print. Raises
    :class:`SpecError` for a file that names nothing.
    """
    try:
        text = read_file(os.path.expanduser(file)).decode("utf-8-sig", "replace")
    except OSError as error:
        raise SpecError(f"{file} cannot be read: {error.strerror}", hint="Check the path.", item=file) from None
    found, silent = _listed(text, file) if text.lstrip().startswith("[") else _frozen(text)
    if not found:
        raise SpecError(
            f"{file} names no distribution with its version",
            hint="Write it on the closed machine with `pip list --format json`, or `pip freeze --all`.",
            item=file,
        )
    said = (f"{file} tells no version of {', '.join(silent)}: counted as not there.",) if silent else ()
    return view(found), said


def view(versions: Mapping[str, str]) -> View:
    """*versions* by name as a View of distributions that are nowhere on this machine."""
    lines = "\n".join(f"{name}=={version}" for name, version in sorted(versions.items()))
    nowhere = (
        Dist(name=name, version=version, level="base", path=f"{os.devnull}/{name}.dist-info")
        for name, version in sorted(versions.items())
    )
    return View(nowhere, fingerprint=hashlib.sha256(f"over\n{lines}".encode()).hexdigest())


def _listed(text: str, file: str) -> tuple[dict[str, str], list[str]]:
    """Versions by name from JSON, and names without one."""
    try:
        rows: list[dict[str, Any]] = json.loads(text)
        pairs = [(normal(str(row["name"])), str(row["version"])) for row in rows]
    except (ValueError, KeyError, TypeError):
        raise SpecError(f"{file} is not what pip list --format json prints", item=file) from None
    return _sorted_out(pairs)


def _frozen(text: str) -> tuple[dict[str, str], list[str]]:
    """Versions by name from lines, and names without one."""
    pairs: list[tuple[str, str]] = []
    for line in text.splitlines():
        if match := _PINNED.match(line.strip()):
            pairs.append((normal(match["name"]), match["version"]))
        elif match := _PLACED.match(line.strip()):
            pairs.append((normal(match["name"]), release_of(filename_of(match["place"]))[1]))
    return _sorted_out(pairs)


def _sorted_out(pairs: list[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    """*pairs* with a version (PEP 440), and the names of the others."""
    found = {name: version for name, version in pairs if is_version(version)}
    return found, [name for name, _ in pairs if name not in found]
