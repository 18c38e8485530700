"""From a layer to what the overlay switches on: folders, finders, scripts and variables, as plain values.

The values are remembered and used again by a reopened declaration. It switches nothing on itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from sessionpkgs import installed
from sessionpkgs.formats import wording
from sessionpkgs.model import Layer, Pin, Plan, Spec
from sessionpkgs.overlay import pth
from sessionpkgs.steps import step
from sessionpkgs.store import Store
from sessionpkgs.workers.children import boot_folder


def mutable(todo: Plan) -> tuple[Pin, ...]:
    """Local folders in the plan."""
    return tuple(pin for pin in todo.install if pin.mutable)


def describe(
    store: Store, todo: Plan, layer: Layer, private: str, spec: Spec, env: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """What to switch on for *layer* and the session's *private* folder ("" without local folders), and sentences."""
    homes = [home for home in (private, layer.path if layer.dists else "") if home]
    sites = [os.path.join(home, "site") for home in homes]
    lines = [pth.read(site) for site in sites]
    scripts, notices = _scripts(store, homes, env)
    if skipped := [name for found in lines for name in found.skipped]:
        notices.append(f"{', '.join(skipped)}: runs code at the start of Python, which a session does not.")
    dists = {pin.identity(todo.tag): (pin.name, pin.version) for pin in todo.install if not pin.mutable}
    if private:
        brought = [(dist.name, dist.version) for dist in installed.scan(sites[:1]).values()]
        dists |= {f"{os.path.relpath(private, store.root)}#{name}": (name, version) for name, version in brought}
    step("boot.make")
    said = {
        "layer": layer.digest if layer.dists else "",
        "sites": sites,
        "pth": [path for found in lines for path in found.paths],
        "finders": [name for found in lines for name in found.finders],
        "sources": [unquote(pin.url.removeprefix("file://")) for pin in mutable(todo)],
        "bin": scripts,
        "boot": boot_folder(store.path("views")),
        "share": os.path.join(layer.path, "share"),
        "variables": [list(pair) for pair in spec.variables],
        "dists": dists,
    }
    return said, notices


def _scripts(store: Store, homes: list[str], env: Mapping[str, str]) -> tuple[str, list[str]]:
    """The folder of scripts for PATH, "" without any: never one that hides a program which PATH has outside base."""
    folders = [folder for home in homes if os.path.isdir(folder := os.path.join(home, "bin"))]
    own = os.path.dirname(sys.executable)
    path = os.pathsep.join(part for part in env.get("PATH", "").split(os.pathsep) if part != own)
    names = {name: folder for folder in reversed(folders) for name in os.listdir(folder)}
    hidden = sorted(name for name in names if shutil.which(name, path=path))
    told = wording.names(hidden, most=6)
    notices = [f"{told}: a program of this name is on PATH already and stays first."] if hidden else []
    if not hidden and len(folders) <= 1:
        return (folders[0] if folders else ""), notices
    return _chosen(store, {name: folder for name, folder in names.items() if name not in hidden}), notices


def _chosen(store: Store, names: Mapping[str, str]) -> str:
    """A folder of links to the scripts *names* (name -> folder), made when it is not there."""
    key = hashlib.sha256(repr(sorted(names.items())).encode()).hexdigest()[:20]
    final = store.path("views", f"scripts-{key}")
    if not os.path.isdir(final):
        made = f"{final}.{os.getpid()}"
        step("scripts.make")
        os.makedirs(made, exist_ok=True)
        for name, folder in names.items():
            if not os.path.lexists(f"{made}/{name}"):
                os.symlink(f"{folder}/{name}", f"{made}/{name}")
        try:
            step("scripts.rename")
            os.rename(made, final)
        except OSError:
            shutil.rmtree(made, ignore_errors=True)
            if not os.path.isdir(final):  # another kernel may have been faster with the same links
                raise
    return final
