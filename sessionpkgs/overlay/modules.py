"""Modules that are loaded while what they came from changes: which they are, and whether they can be imported anew.

A module of C code is never taken out: Python cannot load it twice, and old objects break (measured with numpy). It
does not decide whether to go on; it says what it found.
"""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from types import ModuleType
from typing import Any

_EXTENSIONS = tuple(EXTENSION_SUFFIXES)

STAYS = "its C code stays loaded until Python restarts."


class Keeper:
    """Remembers what it took out of ``sys.modules`` and puts exactly that back."""

    def __init__(self, root: str) -> None:
        self.root = os.path.join(root, "")
        self.ghosts: dict[str, tuple[str, str]] = {}
        self._aside: dict[str, ModuleType] = {}
        self._paths: list[tuple[ModuleType, list[str]]] = []

    def set_aside(self, names: Iterable[str]) -> None:
        """Take base's modules *names* out, so that the next import finds the overlay's."""
        for name in names:
            module = sys.modules.pop(name, None)
            if module is not None:
                self._aside.setdefault(name, module)

    def extend_packages(self, shared: Iterable[tuple[str, str]]) -> None:
        """Let loaded ``pkgutil``-style packages (such as ``backports``) see their part in a site: (name, site) pairs."""
        for name, site in shared:
            module, path = sys.modules[name], sys.modules[name].__path__
            if os.path.isdir(f"{site}/{name}"):
                old = list(path)
                path[:] = pkgutil.extend_path(old, name)
                if path != old:
                    self._paths.append((module, old))

    def put_back(self, sites: Iterable[str], keep: Collection[str], editable: Iterable[str] = ()) -> list[str]:
        """Take out the overlay's modules, except those of the identities *keep*, and put base's back.

        Modules below the folders *editable* are the overlay's too.

        Gives a sentence for each distribution whose C code has to stay loaded.
        """
        for module, old in self._paths:
            module.__path__[:] = old
        self._paths = []
        folders = tuple(f"{folder}/" for folder in editable)
        found = {name: identity_of(module, self.root) for name, module in sys.modules.items()}
        compiled = {found[name] for name, module in sys.modules.items() if found[name] and is_extension(module)}
        for name, module in sorted(sys.modules.items(), key=lambda item: -item[0].count(".")):
            identity = found[name]
            if identity is None and not _only_below(module, sites) and not _is_in(module, folders):
                continue
            stays = is_extension(module) if identity is None else identity in keep or identity in compiled
            if not stays:
                _take_out(name, module)
        staying = {str(identity): _name_and_version(str(identity)) for identity in compiled - set(keep)}
        self.ghosts = {identity: one for identity, one in {**self.ghosts, **staying}.items() if identity not in keep}
        for name, module in self._aside.items():
            sys.modules[name] = module
        self._aside = {}
        return [f"{name} {version} left the session; {STAYS}" for name, version in sorted(staying.values())]


def identity_of(module: ModuleType, root: str) -> str | None:
    """Identity in the store of the distribution that *module* was loaded from; None for a module of elsewhere."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.startswith(root):
        return None
    real = os.path.realpath(file)
    inner = real.removeprefix(os.path.realpath(root)).lstrip("/")
    parts = inner.split("/")
    return parts[1] if parts[0] == "dists" else None


def _name_and_version(identity: str) -> tuple[str, str]:
    """Name and version in an identity of the store."""
    name, version, _ = identity.rsplit("-", 2)
    return name, version


def is_extension(module: ModuleType) -> bool:
    """Whether *module* is C code."""
    return str(getattr(module, "__file__", "")).endswith(_EXTENSIONS)


def _only_below(module: ModuleType, sites: Iterable[str]) -> bool:
    """Whether a namespace package has parts in *sites* and nowhere else."""
    if getattr(module, "__file__", None) is not None:
        return False
    path = getattr(module, "__path__", None)
    parts = list(path) if path is not None else []
    tops = tuple(f"{site}/" for site in sites)
    return bool(parts) and bool(tops) and all(str(part).startswith(tops) for part in parts)


def _is_in(module: ModuleType, folders: tuple[str, ...]) -> bool:
    """Whether *module* was loaded from below one of *folders* (real paths with a slash at the end)."""
    file = getattr(module, "__file__", None)
    return bool(folders) and isinstance(file, str) and os.path.realpath(file).startswith(folders)


def _take_out(name: str, module: ModuleType) -> None:
    """Forget a module, also as attribute of its package."""
    sys.modules.pop(name, None)
    parent, _, last = name.rpartition(".")
    package = sys.modules.get(parent)
    if package is not None and getattr(package, last, None) is module:
        delattr(package, last)


def loaded_from(files: Collection[str]) -> dict[str, ModuleType]:
    """Loaded modules whose file is one of *files* (absolute paths)."""
    tops = {os.path.basename(os.path.dirname(f)) for f in files} | {
        os.path.basename(f).partition(".")[0] for f in files
    }
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if (
            isinstance(file, str)
            and (name.partition(".")[0] in tops or name.rpartition(".")[2] in tops)
            and os.path.normpath(file) in files
        ):
            found[name] = module
    return found


def loaded_identities(root: str) -> dict[str, dict[str, ModuleType]]:
    """Loaded modules by the identity of their distribution in the store below *root*."""
    found: dict[str, dict[str, ModuleType]] = {}
    below = os.path.join(root, "")
    for name, module in list(sys.modules.items()):
        identity = identity_of(module, below)
        if identity is not None:
            found.setdefault(identity, {})[name] = module
    return found


def extensions_in(modules: Mapping[str, ModuleType]) -> list[str]:
    """Names of those *modules* that are C code."""
    return sorted(
        name for name, module in modules.items() if str(getattr(module, "__file__", "")).endswith(_EXTENSIONS)
    )


def held_by(modules: Mapping[str, ModuleType], namespace: Mapping[str, Any]) -> list[str]:
    """Names in the user's *namespace* that hold one of *modules* or something that was made by it."""
    names = set(modules)
    held = []
    for name, value in list(namespace.items()):
        if name.startswith("_"):
            continue
        made_by = getattr(value, "__module__", None) or getattr(type(value), "__module__", None)
        if (isinstance(value, ModuleType) and value.__name__ in names) or (
            isinstance(made_by, str) and made_by in names
        ):
            held.append(name)
    return sorted(held)
