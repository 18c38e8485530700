"""pylock.toml (PEP 751), written from pins.

It knows the standard's tables, not where the pins came from; reading one as a declaration is not done here yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from sessionpkgs.model import Pin


def write(pins: Iterable[Pin], *, engine: str = "") -> str:
    """The text of a pylock that installs exactly *pins*; ``created-by`` is us, with the *engine* that chose."""
    import tomli_w

    table: dict[str, Any] = {
        "lock-version": "1.0",
        "created-by": "sessionpkgs",
        "packages": [_package(pin) for pin in sorted(pins, key=lambda pin: pin.name)],
    }
    if engine:
        table["tool"] = {"sessionpkgs": {"engine": engine}}
    return tomli_w.dumps(table)


def _package(pin: Pin) -> Mapping[str, Any]:
    """One ``[[packages]]`` table."""
    entry: dict[str, Any] = {"name": pin.name}
    if pin.version and pin.kind != "directory":
        entry["version"] = pin.version
    if pin.kind == "vcs":
        kind, _, url = pin.url.partition("+")
        entry["vcs"] = {"type": kind, "url": url, "commit-id": pin.commit}
    elif pin.kind == "directory":
        entry["directory"] = {"path": unquote(pin.url.removeprefix("file://")), "editable": pin.editable}
    else:
        file = _file(pin)
        if pin.direct:
            entry["archive"] = file
        elif pin.kind == "sdist":
            entry["sdist"] = file
        else:
            entry["wheels"] = [file]
    return entry


def _file(pin: Pin) -> dict[str, Any]:
    """The table of one file: local files by path, as the standard wants them, others by URL."""
    file: dict[str, Any] = {"hashes": {"sha256": pin.sha256} if pin.sha256 else {}}
    if pin.url.startswith("file://"):
        file["path"] = unquote(pin.url.removeprefix("file://"))
    else:
        file["url"] = pin.url
    if pin.size:
        file["size"] = pin.size
    return file
