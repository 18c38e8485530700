"""The overlay: the layers that are active in this interpreter. The only editor of ``sys.path`` and its kin.

It switches folders, finders, environment variables and loaded modules on, and exactly off again. It does not know how
a layer was chosen or built; what it needs to know comes as plain values, so that a reopened declaration costs no import
of the model.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Collection, Iterable, Mapping

from sessionpkgs.overlay import pooled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sessionpkgs.overlay.modules import Keeper

_SITE_NAMES = ("site-packages", "dist-packages")


def position(path: Iterable[str]) -> int:
    """Where layers stand in *path*: after the standard library and the user's folder, before the first site-packages,
    and before the folders of a pool.
    """
    entries, below = list(path), frozenset(pooled.entries())
    for index, entry in enumerate(entries):
        if entry in below or os.path.basename(entry) in _SITE_NAMES:
            return index
    return len(entries)


class Overlay:
    """What is switched on here. ``active`` is the description of it, empty when base is bare.

    A description has ``sites`` (folders of importable code, nearest first), ``pth`` (folders that their ``.pth`` files
    name), ``finders`` (editable finder modules), ``bin`` and ``share`` (folders or ""), ``variables`` (name, value) and
    ``dists`` (identities in the store).
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.active: dict[str, Any] = {}
        self._entries: list[str] = []
        self._finders: list[Any] = []
        self._hooks: list[Any] = []
        self._environ: dict[str, tuple[str | None, str]] = {}
        self._kept: Keeper | None = None

    @property
    def _modules(self) -> Keeper:
        """The keeper of modules, made when a module has to be kept: reopening in a fresh kernel needs none."""
        if self._kept is None:
            from sessionpkgs.overlay.modules import Keeper

            self._kept = Keeper(self.root)
        return self._kept

    @property
    def ghosts(self) -> dict[str, tuple[str, str]]:
        """Distributions that left while their C code had to stay loaded: identity -> name, version."""
        return self._kept.ghosts if self._kept is not None else {}

    def disinherit(self) -> None:
        """Leave the overlay of a session that this kernel was started from: a kernel is no child of another's cell."""
        inherited = os.environ.get("SESSIONPKGS_CHILD_PATH", "")
        if not inherited or os.environ.get("SESSIONPKGS_CHILD_OF") == str(os.getpid()):
            return
        gone = frozenset(inherited.split(os.pathsep))
        added = frozenset(os.environ.get("SESSIONPKGS_CHILD_FOLDERS", "").split(os.pathsep))
        sys.path[:] = [entry for entry in sys.path if entry not in gone]
        import json  # late: where a kernel starts, the user's folder may still be searched first

        for name, (ours, old) in json.loads(os.environ.get("SESSIONPKGS_CHILD_WERE") or "{}").items():
            _give_back(name, old, ours)
        for name in [name for name in os.environ if name.startswith("SESSIONPKGS_CHILD")]:
            del os.environ[name]
        inside = os.path.join(self.root, "")
        for name in {"PATH", "PYTHONPATH", "JUPYTER_PATH"} & os.environ.keys():
            parts = os.environ[name].split(os.pathsep)
            kept = [part for part in parts if part not in added and not part.startswith(inside)]
            os.environ[name] = os.pathsep.join(kept)
        importlib.invalidate_caches()

    def activate(self, wanted: Mapping[str, Any], changed: Collection[str] = ()) -> list[str]:
        """Switch to *wanted*, whatever was active; *changed* are base modules that must be imported anew.

        Gives sentences about what could not be switched cleanly. An exception leaves what was active before.
        """
        if not self.active and os.environ.get("SESSIONPKGS_CHILD_SESSION") == str(os.getpid()):
            from sessionpkgs.errors import ActivationError

            raise ActivationError(
                "another session of this Python is active, and two cannot share its paths",
                hint="Use that one (%session_env), or reset it first.",
            )
        before = self.active
        try:
            staying = frozenset({*wanted["sites"], *wanted["pth"], *wanted["finders"]})
            said = self._off(keep=frozenset(wanted["dists"]), staying=staying)
            if changed:
                self._modules.set_aside(changed)
            self._on(wanted)
        except BaseException:
            self._off(keep=frozenset())
            if before:
                self._on(before)
            raise
        return said

    def deactivate(self) -> list[str]:
        """Switch everything off: ``sys.path``, ``sys.meta_path`` and ``os.environ`` are as before the first layer."""
        return self._off(keep=frozenset())

    def _on(self, wanted: Mapping[str, Any]) -> None:
        """Insert folders, install finders, set variables."""
        entries = [*wanted["sites"], *wanted["pth"]]
        at = position(sys.path)
        sys.path[at:at] = entries
        self._entries = entries
        self._install_finders(wanted["finders"])
        for name, value in environment(wanted, os.environ).items():
            self._environ[name] = (os.environ.get(name), value)
            os.environ[name] = value
        importlib.invalidate_caches()
        if shared := _loaded_packages(wanted["sites"]):
            self._modules.extend_packages(shared)
        self.active = dict(wanted)

    def begin(self, generation: Mapping[str, Any]) -> None:
        """Put the pool *generation* (what its ``generation.json`` says) below all sessions of this Python, to its end.

        Modules of base that it has too are imported anew; those of the kernel itself stay. An exception leaves nothing.
        """
        try:
            self._on(generation["activation"])
            staying = pooled.make_way(generation["activation"]["sites"])
        except BaseException:
            self._off(keep=frozenset())
            raise
        pooled.current = {**generation, "entries": list(self._entries), "staying": staying}
        self._entries, self._finders, self._hooks, self._environ, self.active = [], [], [], {}, {}
        os.environ.pop("SESSIONPKGS_CHILD_SESSION", None)

    def _install_finders(self, names: Iterable[str]) -> None:
        """Run the editable finders (PEP 660) called *names* and put them before the path finder, which base is on."""
        for name in names:
            finders, hooks, entries = list(sys.meta_path), list(sys.path_hooks), list(sys.path)
            importlib.import_module(name).install()
            fresh = [finder for finder in sys.meta_path if finder not in finders]
            self._finders += fresh
            self._hooks += [hook for hook in sys.path_hooks if hook not in hooks]
            self._entries += [entry for entry in sys.path if entry not in entries]
            others = [finder for finder in sys.meta_path if finder not in fresh]
            at = next(
                (i for i, finder in enumerate(others) if getattr(finder, "__name__", "") == "PathFinder"), len(others)
            )
            sys.meta_path[:] = [*others[:at], *fresh, *others[at:]]

    def _editable_folders(self, staying: frozenset[str]) -> list[str]:
        """Folders whose modules only the overlay makes importable: not those that ``sys.path`` reaches without it, nor
        those (and those of finders) that are *staying*.
        """
        named = [path for kind in ("sites", "pth") for path in self.active.get(kind, ()) if path not in staying]
        for name in set(self.active.get("finders", ())) - staying:
            named += getattr(sys.modules.get(name), "MAPPING", {}).values()
        others = {os.path.realpath(entry or os.curdir) for entry in sys.path if entry not in self._entries}
        return [
            path for path in map(os.path.realpath, named) if path not in others and os.path.dirname(path) not in others
        ]

    def _off(self, *, keep: frozenset[str], staying: frozenset[str] = frozenset()) -> list[str]:
        """Undo :meth:`_on`; modules of the distributions *keep*, and of folders that are *staying*, stay loaded."""
        if not self.active and not self._entries and self._kept is None:
            return []
        editable = self._editable_folders(staying)
        below = frozenset(pooled.entries())
        for entry in self._entries:
            while sys.path.count(entry) > (entry in below):  # the pool may stand on the same layer
                sys.path.remove(entry)
        for known in [path for path in sys.path_importer_cache if path.startswith(tuple(self._entries or ["\0"]))]:
            del sys.path_importer_cache[known]
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in self._finders]
        sys.path_hooks[:] = [hook for hook in sys.path_hooks if hook not in self._hooks]
        for name, (old, ours) in self._environ.items():
            _give_back(name, old, ours)
        said = self._modules.put_back(self.active.get("sites", ()), keep | pooled.identities(), editable)
        self._entries, self._finders, self._hooks, self._environ, self.active = [], [], [], {}, {}
        importlib.invalidate_caches()
        return said


def environment(wanted: Mapping[str, Any], present: Mapping[str, str]) -> dict[str, str]:
    """Variables that carry *wanted* to children: scripts on PATH, Jupyter's data, and our boot file for other Pythons.

    The declaration's own variables come first, so that none of them can break the others.
    """
    said = dict(wanted["variables"])
    if wanted["bin"]:
        said["PATH"] = _before(wanted["bin"], present.get("PATH", os.defpath))
    if wanted["share"] and os.path.isdir(jupyter := os.path.join(wanted["share"], "jupyter")):
        said["JUPYTER_PATH"] = _before(jupyter, present.get("JUPYTER_PATH", ""))
    if wanted["sites"] and wanted.get("boot"):
        said["PYTHONPATH"] = _before(wanted["boot"], present.get("PYTHONPATH", ""))
        said["SESSIONPKGS_CHILD"] = f"{sys.prefix}|{sys.version_info[0]}.{sys.version_info[1]}"
        said["SESSIONPKGS_CHILD_PATH"] = os.pathsep.join([*wanted["sites"], *wanted["pth"], *pooled.entries()])
        said["SESSIONPKGS_CHILD_OF"] = said["SESSIONPKGS_CHILD_SESSION"] = str(os.getpid())
        said["SESSIONPKGS_CHILD_FINDERS"] = ",".join([*wanted["finders"], *pooled.finders()])
        added = [wanted["bin"], wanted["boot"], wanted["share"] and os.path.join(wanted["share"], "jupyter")]
        folders = [*filter(None, added), present.get("SESSIONPKGS_CHILD_FOLDERS", "")]
        said["SESSIONPKGS_CHILD_FOLDERS"] = os.pathsep.join(filter(None, folders))
        said["SESSIONPKGS_CHILD_WERE"] = _were(wanted["variables"], present)
    return said


def _were(variables: Iterable[tuple[str, str]], present: Mapping[str, str]) -> str:
    """What *variables* were before the first of us set them, for a kernel that is started from here and gets them back."""
    import json

    were = json.loads(present.get("SESSIONPKGS_CHILD_WERE") or "{}")
    set_now = {name: [value, were.get(name, ("", present.get(name)))[1]] for name, value in variables}
    return json.dumps({**were, **set_now})


def _loaded_packages(sites: Iterable[str]) -> list[tuple[str, str]]:
    """Loaded packages with a plain ``__path__`` that *sites* have a part of, as (name, site)."""
    names = [(name, site) for site in sites for name in os.listdir(site) if name in sys.modules]
    return [(name, site) for name, site in names if type(getattr(sys.modules[name], "__path__", None)) is list]


def _before(folder: str, value: str) -> str:
    """*folder* in front of a list of folders."""
    return f"{folder}{os.pathsep}{value}" if value else folder


def _give_back(name: str, old: str | None, ours: str) -> None:
    """Restore one variable; where a cell changed it since, take out only our own folder."""
    now = os.environ.get(name)
    if now == ours:
        if old is None:
            del os.environ[name]
        else:
            os.environ[name] = old
    elif now is not None and name in {"PATH", "PYTHONPATH", "JUPYTER_PATH"}:
        first = ours.split(os.pathsep, maxsplit=1)[0]
        os.environ[name] = os.pathsep.join(part for part in now.split(os.pathsep) if part != first)
