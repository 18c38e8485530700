"""The kernelspec of a pool: how Jupyter, VS Code and papermill find it. Source: jupyter_client, "Kernel specs".

The command is a module of ours, never a PYTHONPATH: a pool that conflicts with the kernel's own packages must not stop
the kernel. It does not know what is in a pool.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from sessionpkgs.errors import SpecError, StoreError
from sessionpkgs.steps import step

MODULE = "sessionpkgs.jupyter.launch"


def folder(scope: str, name: str) -> str:
    """Where the kernelspec of the pool *name* stands, by *scope*: ``user``, ``sys-prefix`` or ``system``."""
    from jupyter_core import paths

    roots = {
        "user": paths.jupyter_data_dir(),
        "sys-prefix": os.path.join(sys.prefix, "share", "jupyter"),
        "system": "/usr/local/share/jupyter",
    }
    return os.path.join(roots[scope], "kernels", name)


def text(name: str, root: str, python: str = "") -> dict[str, Any]:
    """What ``kernel.json`` says of the pool *name* in the store at *root*, whose kernels run *python* (this one)."""
    return {
        "argv": [python or sys.executable, "-m", MODULE, "--pool", name, "--from", root, "-f", "{connection_file}"],
        "display_name": f"Python {sys.version_info[0]} (pool: {name})",
        "language": "python",
        "interrupt_mode": "signal",
        "metadata": {"debugger": True, "sessionpkgs": {"pool": name, "root": root}},
    }


def check(scope: str, name: str, root: str) -> None:
    """Refuse to write over a kernelspec that is not this pool's. Raises :class:`SpecError`."""
    from jupyter_client.kernelspec import KernelSpecManager

    place = folder(scope, name)
    other = KernelSpecManager().find_kernel_specs().get(name, place)
    if os.path.realpath(other) != os.path.realpath(place):
        raise SpecError(
            f"there is a kernel called {name} already, in {other}", hint="Choose another name for the pool.", item=name
        )
    if not os.path.lexists(place):
        return
    try:
        with open(os.path.join(place, "kernel.json"), encoding="utf-8") as source:
            said = json.load(source).get("metadata", {}).get("sessionpkgs", {})
    except (OSError, ValueError, AttributeError):
        said = {}
    if said != {"pool": name, "root": root}:
        raise SpecError(
            f"there is a kernel called {name} already, in {place}", hint="Choose another name for the pool.", item=name
        )


def install(scope: str, name: str, root: str, generation: Mapping[str, Any]) -> str:
    """Write the kernelspec for the *generation*, whole or not at all; gives its folder. Raises :class:`StoreError`."""
    place = folder(scope, name)
    wanted = text(name, root, generation["python"])
    if _says(place) == wanted:
        return place
    made = _aside(place, name)
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.makedirs(made)
        for picture in _pictures():
            shutil.copyfile(picture, os.path.join(made, os.path.basename(picture)))
        with open(os.path.join(made, "kernel.json"), "w", encoding="utf-8") as target:
            json.dump(wanted, target, indent=1)
        if os.path.lexists(place):
            os.rename(place, f"{made}.old")
        step("kernelspec.rename")
        os.rename(made, place)
    except OSError as error:
        raise StoreError(f"the kernel cannot be registered in {place}: {error.strerror}", item=place) from None
    finally:
        for left in (made, f"{made}.old"):
            shutil.rmtree(left, ignore_errors=True)
    return place


def remove(scope: str, name: str) -> None:
    """Take the kernelspec away; gone already is fine. Raises :class:`StoreError`."""
    place = folder(scope, name)
    gone = _aside(place, name)
    try:
        step("kernelspec.remove")
        os.rename(place, gone)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"the kernel {place} cannot be removed: {error.strerror}", item=place) from None
    shutil.rmtree(gone, ignore_errors=True)


def _aside(place: str, name: str) -> str:
    """A fresh place on the same disk where nobody looks for kernels: a folder beside theirs, not in it."""
    return f"{os.path.dirname(os.path.dirname(place))}/.sessionpkgs-{name}-{secrets.token_hex(4)}"


def _says(place: str) -> object:
    """What the kernelspec at *place* says, None where there is none."""
    try:
        with open(os.path.join(place, "kernel.json"), encoding="utf-8") as source:
            return json.load(source)
    except (OSError, ValueError):
        return None


def _pictures() -> list[str]:
    """The logos of Python's own kernel, so that a launcher shows the pool as what it is."""
    from importlib.util import find_spec

    found = find_spec("ipykernel")
    folder_ = os.path.join(os.path.dirname(found.origin), "resources") if found and found.origin else ""
    names = ("logo-32x32.png", "logo-64x64.png", "logo-svg.svg")
    return [path for name in names if os.path.isfile(path := os.path.join(folder_, name))]
