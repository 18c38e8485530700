"""Whether what is loaded is what the metadata says: modules of a version that is hidden, has left, or was changed by hand.

It looks at ``sys.modules`` and at RECORD files, and changes nothing. What a variable holds it does not follow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import NamedTuple

from sessionpkgs import installed
from sessionpkgs.model import Dist, Level
from sessionpkgs.overlay import modules, pooled
from sessionpkgs.session.looking import Seen


class Stale(NamedTuple):
    """A loaded *module* of the distribution *dist* in another version (*loaded*) than what is found now ("" for none).

    *level* is who brings what is found.
    """

    dist: str
    found: str
    loaded: str
    module: str
    level: Level = "session"


def stale(
    view: Seen,
    below: Mapping[str, Dist],
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
    pool = [dist for dist in below.values() if dist.level == "pool"]
    found = [*_hidden(view.values(), below), *_hidden(pool, view.base), *_left(view, root, current, known)]
    found += _changed(below, view, since)
    return sorted(dict.fromkeys(found))


def _hidden(over: Iterable[Dist], under: Mapping[str, Dist]) -> Iterator[Stale]:
    """Modules of distributions *under* others of another version."""
    for dist in over:
        old = under.get(dist.name)
        if old is None or old.level == dist.level or old.version == dist.version:
            continue
        if loaded := modules.loaded_from({os.path.normpath(path) for path in installed.files_of(old)}):
            yield Stale(dist.name, dist.version, old.version, min(loaded), dist.level)


def _left(
    view: Mapping[str, Dist], root: str, current: Collection[str], known: Mapping[str, tuple[str, str]]
) -> Iterator[Stale]:
    """Modules of distributions of the store that are not the session's any more, nor the pool's."""
    pool = pooled.current.get("activation", {}).get("dists", {})
    for identity, loaded in modules.loaded_identities(root).items():
        if identity in current or identity in pool:
            continue
        name, version = known.get(identity) or _told(identity)
        now = view.get(name)
        yield Stale(name, now.version if now else "", version, min(loaded))


def _told(identity: str) -> tuple[str, str]:
    """Name and version in an identity of the store."""
    name, version, _ = identity.rsplit("-", 2)
    return name, version


def _changed(below: Mapping[str, Dist], view: Mapping[str, Dist], since: float) -> Iterator[Stale]:
    """Modules that say another version than the metadata below the session, which is younger than it."""
    for name, dist in below.items():
        if name in view and view[name].level == "session":
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
