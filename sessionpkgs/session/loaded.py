"""Whether what is loaded is what the metadata says: modules of a version that is hidden, has left, or was changed by hand.

It looks at ``sys.modules`` and at RECORD files, and changes nothing. What a variable holds it does not follow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import NamedTuple

from sessionpkgs import installed
from sessionpkgs.model import Dist
from sessionpkgs.overlay import modules


class Stale(NamedTuple):
    """A loaded *module* of the distribution *dist* in another version (*loaded*) than what is found now ("" for none)."""

    dist: str
    found: str
    loaded: str
    module: str


def stale(
    view: Mapping[str, Dist],
    base: Mapping[str, Dist],
    *,
    root: str,
    current: Collection[str],
    known: Mapping[str, tuple[str, str]],
    since: float,
) -> list[Stale]:
    """Where loaded modules and metadata disagree, by name.

    *current* are identities of the session's distributions in the store below *root*, *known* the name and version of
    those that left before; *since* is when this Python's session began, in seconds since the epoch.
    """
    found = [*_hidden(view, base), *_left(view, root, current, known), *_changed(base, view, since)]
    return sorted(dict.fromkeys(found))


def _hidden(view: Mapping[str, Dist], base: Mapping[str, Dist]) -> Iterator[Stale]:
    """Modules of base's distributions that the session hides."""
    for name, dist in base.items():
        over = view.get(name)
        if over is None or over.level == "base" or over.version == dist.version:
            continue
        if loaded := modules.loaded_from({os.path.normpath(path) for path in installed.files_of(dist)}):
            yield Stale(name, over.version, dist.version, min(loaded))


def _left(
    view: Mapping[str, Dist], root: str, current: Collection[str], known: Mapping[str, tuple[str, str]]
) -> Iterator[Stale]:
    """Modules of distributions of the store that are not the session's any more."""
    for identity, loaded in modules.loaded_identities(root).items():
        if identity in current:
            continue
        name, version = known.get(identity) or _told(identity)
        now = view.get(name)
        yield Stale(name, now.version if now else "", version, min(loaded))


def _told(identity: str) -> tuple[str, str]:
    """Name and version in an identity of the store."""
    name, version, _ = identity.rsplit("-", 2)
    return name, version


def _changed(base: Mapping[str, Dist], view: Mapping[str, Dist], since: float) -> Iterator[Stale]:
    """Modules that say another version than base's metadata, which is younger than this session."""
    for name, dist in base.items():
        if view.get(name) is not dist and name in view and view[name].level != "base":
            continue
        try:
            if os.stat(dist.path).st_mtime < since:
                continue
        except OSError:
            continue
        for module, loaded in modules.loaded_from({os.path.normpath(p) for p in installed.files_of(dist)}).items():
            said = _version_of(loaded)
            if "." not in module and said and said != dist.version:
                yield Stale(name, dist.version, said, module)


def _version_of(module: ModuleType) -> str:
    """The version that a module says it is, "" where it says none."""
    said = getattr(module, "__version__", "") if module.__name__ in sys.modules else ""
    return said if isinstance(said, str) else ""
