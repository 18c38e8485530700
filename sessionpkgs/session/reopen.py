"""Reopening a declaration that was built before: no YAML, no index, no process, standard library only.

The key is over the raw text and everything else that could change the answer. It does not know how to resolve: where
anything is in doubt it gives nothing, and the straight line runs.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sessionpkgs import places
from sessionpkgs.session import levels

if TYPE_CHECKING:
    from sessionpkgs.store import Store

VERSION = 3


def key_of(text: str, words: Sequence[str], fingerprint: str, env: Mapping[str, str]) -> str:
    """Key of what *text* gives: with *words* (verb and options), and the base as it is."""
    parts = (
        str(VERSION), text, "\0".join(words), fingerprint, places.surroundings(env), places.interpreter_tag(),
        sys.executable,
    )  # fmt: skip
    return hashlib.sha256("\0\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def find(store: Store, key: str, folder: str) -> dict[str, Any] | None:
    """What is remembered under *key* and still true: not too old, its files unchanged, its layer there.

    *folder* is where relative paths start; it counts only where the declaration has one.
    """
    known = store.recall(key)
    if known is None or known.get("version") != VERSION:
        return None
    if known["folder"] not in ("", folder) or not _fresh(known):
        return None
    if any(stamp(path) != then for path, then in known["files"]):
        return None
    layer = known["activation"]["layer"]
    if layer and not (os.path.isdir(store.path("layers", layer, "site")) and store.sound(layer)):
        return None
    scripts = known["activation"]["bin"]
    if scripts and not os.path.isdir(scripts):
        return None
    hidden = {name for name, _ in known["activation"]["dists"].values()}
    return {**known, "record": {**known["record"], **levels.told(hidden)}}  # another generation may have the same layer


def stamp(path: str) -> list[int]:
    """What tells that a file is another one: a rebuilt one may have the old size, date and inode, but a new change time,
    which nobody can set back.
    """
    try:
        changed = os.stat(path).st_ctime_ns
    except OSError:
        changed = 0
    return [*places.stamp(path), changed]


def _fresh(known: Mapping[str, Any]) -> bool:
    """Whether an answer that ages is young enough; one from a time that is still to come was given by a wrong clock."""
    return known["until"] == 0 or bool(known["since"] <= time.time() <= known["until"])


def survey(
    known: Mapping[str, Any],
    current: Mapping[str, tuple[str, str]],
    ghosts: Mapping[str, tuple[str, str]],
    root: str,
    namespace: Mapping[str, Any],
) -> tuple[list[str], list[str], list[str]]:
    """What reopening *known* means for a session that has *current*: modules to import anew, sentences, what leaves.

    *ghosts* left before while their C code stayed.

    Costs nothing where none of the names that change is loaded. Raises :class:`ActivationError` where one stands in
    the way.
    """
    staying = known["activation"]["dists"]
    base = {row["name"]: row["old"] for row in known["shadow"]}
    new = dict(staying.values())
    leaving = {
        identity: (name, version, new.get(name, base.get(name, "")))
        for identity, (name, version) in current.items()
        if identity not in staying
    }
    dropped = [f"{name} {version}" for name, version, _ in leaving.values() if name not in new]
    leaving |= returning(ghosts, new)
    shadow = [row for row in known["shadow"] if not sys.modules.keys().isdisjoint(row["tops"])]
    if not shadow and not leaving:
        return [], [], dropped
    from sessionpkgs.overlay import survey as loaded

    anew, said = loaded.judge(loaded.survey(shadow, leaving, root, namespace))
    return anew, said, dropped


def returning(ghosts: Mapping[str, tuple[str, str]], new: Mapping[str, str]) -> dict[str, tuple[str, str, str]]:
    """Those of *ghosts* whose name comes back in another version, as rows of what leaves."""
    return {
        identity: (name, version, new[name])
        for identity, (name, version) in ghosts.items()
        if new.get(name, version) != version
    }


def now() -> str:
    """This moment, ISO 8601 in UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())


def bare(session: str, action: str, *, dropped: Sequence[str] = (), notices: Sequence[str] = ()) -> dict[str, Any]:
    """A record without packages of the session, for what an overlay-less one says."""
    return {
        "schema": 1, "action": action, "session": session, "python": ".".join(map(str, sys.version_info[:3])), "base": "",
        "engine": "", "layer": "", "source": "", "created": now(), "seconds": 0.0, "requested": [], "packages": [],
        "dropped": list(dropped), "variables": [], "notices": list(notices), "steps": [],
        **levels.told(),
    }  # fmt: skip
