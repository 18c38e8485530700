"""pylock.toml (PEP 751): read as a declaration of exact artefacts, and written from pins.

It knows the standard's tables, not where the pins came from. A written lock holds no login; reading is done in
``pylock_reader``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sessionpkgs.errors import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sessionpkgs.formats.origin import Origin
    from sessionpkgs.model import Pin, Spec

_SIGN = re.compile(r"^[ \t]*[\"']?lock-version[\"']?[ \t]*=", re.MULTILINE)
_LOGIN = re.compile(r"(?:(?<=://)(?<!ssh://)[^/\s?#]*|(?<=ssh://)[^/\s?#@]*:[^/\s?#]*)@", re.IGNORECASE)


def recognise(text: str) -> bool:
    """Say whether a line sets ``lock-version``."""
    return _SIGN.search(text) is not None


def read(text: str, origin: Origin) -> Spec:
    """Give the artefacts that the lock *text* holds for this Python, each with a requirement of its name.

    Raises:
        SpecError: not TOML, not a lock of version 1, not for this Python, or a package without a file that can be had.
    """
    from sessionpkgs.formats import toml_tables
    from sessionpkgs.formats.pylock_reader import LockReader

    reader = LockReader(toml_tables.parse(text, label=origin.label), origin)
    reader.head()
    reader.packages()
    reader.requested()
    return reader.spec()


def write(
    pins: Iterable[Pin],
    *,
    engine: str = "",
    python: str = "",
    requested: Iterable[str] = (),
    base: str = "",
    environments: Iterable[str] = (),
) -> str:
    """The text of a lock that installs exactly *pins*; pip and uv take it too. It holds no logins of URLs.

    *python* is the version that runs, of which the lock takes the minor release; *requested* are the lines that were
    asked for, *base* is the fingerprint of what the lock was resolved over, *environments* are markers.
    """
    head: dict[str, Any] = {"environments": list(environments), "requires-python": _minor(python)}
    ours = {"engine": engine, "base": base, "requested": [without_login(line) for line in requested]}
    return _text([replace(pin, url=without_login(pin.url)) for pin in pins], head, ours)


def write_private(pins: Iterable[Pin], *, engine: str = "") -> str:
    """The text of a lock with the logins that *pins* need: for an engine's eyes only, in a file that nobody keeps."""
    return _text(list(pins), {}, {"engine": engine})


def without_login(text: str) -> str:
    """*text* with its URLs without user and password, and without tokens; a bare user of ssh (``git@``) is an address and stays."""
    return without_tokens(_LOGIN.sub("", text))


def _text(pins: list[Pin], head: dict[str, Any], ours: dict[str, Any]) -> str:
    """The lock; what is empty in its *head* and in our own table is left out."""
    import tomli_w

    table: dict[str, Any] = {"lock-version": "1.0", **{key: value for key, value in head.items() if value}}
    table["created-by"] = "sessionpkgs"
    table["packages"] = [_package(pin) for pin in sorted(pins, key=lambda pin: pin.name)]
    if kept := {key: value for key, value in ours.items() if value}:
        table["tool"] = {"sessionpkgs": kept}
    return tomli_w.dumps(table)


def _minor(python: str) -> str:
    """The range of one minor release: ``>=3.11,<3.12`` for ``3.11.7``; nothing for nothing."""
    if not python:
        return ""
    major, minor = python.split(".")[:2]
    return f">={major}.{minor},<{major}.{int(minor) + 1}"


def _package(pin: Pin) -> dict[str, Any]:
    """One ``[[packages]]`` table."""
    entry: dict[str, Any] = {"name": pin.name}
    if pin.version and pin.kind != "directory":
        entry["version"] = pin.version
    bare, _, fragment = pin.url.partition("#")
    part = fragment.removeprefix("subdirectory=") if fragment.startswith("subdirectory=") else ""
    within = {"subdirectory": part} if part else {}
    if pin.kind == "vcs":
        kind, _, url = bare.partition("+")
        entry["vcs"] = {"type": kind, "url": url, "commit-id": pin.commit, **within}
    elif pin.kind == "directory":
        entry["directory"] = {"path": _path(bare), "editable": pin.editable}
    elif pin.direct:
        entry["archive"] = {**_file(pin, bare), **within}
    elif pin.kind == "sdist":
        entry["sdist"] = _named(bare) | _file(pin, bare)
    else:
        entry["wheels"] = [_named(bare) | _file(pin, bare)]
    return entry


def _file(pin: Pin, url: str) -> dict[str, Any]:
    """The table of one file: local files by path, as the standard wants them, others by URL."""
    file: dict[str, Any] = {"path": _path(url)} if url.startswith("file://") else {"url": url}
    if pin.size:
        file["size"] = pin.size
    file["hashes"] = {"sha256": pin.sha256} if pin.sha256 else {}
    return file


def _named(url: str) -> dict[str, Any]:
    """The key for the file's name, where the URL tells it; an archive has no such key."""
    name = unquote(urlsplit(url).path).rpartition("/")[2]
    return {"name": name} if name else {}


def _path(url: str) -> str:
    return unquote(urlsplit(url).path)
