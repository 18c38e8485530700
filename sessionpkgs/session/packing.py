"""The list of a closure: wheels with files, sizes, hashes and who asked, what has no wheel, and the files beside a download.

It fetches what is listed where a folder is named. It chooses nothing.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sessionpkgs import policy
from sessionpkgs._version import __version__
from sessionpkgs.engines import targets
from sessionpkgs.errors import StoreError
from sessionpkgs.formats import pylock_toml, writing
from sessionpkgs.formats.pylock_toml import without_login
from sessionpkgs.formats.wheel_files import filename_of
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Pin, Plan, Requirement, Spec, View
from sessionpkgs.session import bringing, siblings
from sessionpkgs.session.looking import SCHEMA
from sessionpkgs.store import write_whole

if TYPE_CHECKING:
    from sessionpkgs.engines.targets import Target
    from sessionpkgs.session.standins import StandIns
    from sessionpkgs.session.straight import Line

JSON = dict[str, Any]
_IS_TOP = re.compile(r"[^/]+/__init__\.py")
FILES = ("closure.json", "requirements.txt")
"""What is written beside the wheels."""


@dataclass(slots=True)
class Found:
    """What was chosen: the wheels, who asked for what, what is there already, sentences, and ``places`` to build from.

    ``target`` is None for this machine over its base and the ``pool``, if one was named.
    """

    pins: tuple[Pin, ...]
    engine: str
    asked_by: tuple[tuple[str, str], ...]
    view: View
    notices: list[str]
    places: tuple[Requirement, ...] = ()
    target: Target | None = None
    pool: str = ""


def answer(walk: Line, spec: Spec, found: Found, standing: StandIns, *, file: str, folder: str) -> JSON:
    """The list as a dictionary; with a *folder* the wheels and the list are there afterwards.

    ``complete`` is false where something has no wheel: that stands under ``missing``.
    """
    wheels = [pin for pin in found.pins if pin.kind == "wheel" and not standing.is_one(pin)]
    target = found.target or targets.here()
    others = {pin: standing.offered(pin, target) for pin in found.pins if pin not in wheels}
    into = os.path.join(walk.ask.folder, os.path.expanduser(folder)) if folder else ""
    if into:
        wheels, fetched = bringing.bring(walk, spec, wheels, into, found.target)
        while found.target is None and (more := _along(walk, wheels, into, found)):
            also, brought = bringing.bring(walk, spec, more, into, None)
            wheels, fetched = sorted((*wheels, *also), key=lambda pin: pin.name), [*fetched, *brought]
    else:
        wheels, fetched = _sized(walk, wheels), []
    told = _told(spec, found, wheels, others, file)
    if into:
        told |= {"folder": into, "fetched": fetched, "beside": _beside(into, wheels)}
        _write(into, told, wheels)
    return told


def _along(walk: Line, wheels: Sequence[Pin], folder: str, found: Found) -> tuple[Pin, ...]:
    """Distributions of base that share a package with *wheels* in *folder*: an install brings them, at base's version."""
    layer = tempfile.mkdtemp(dir=walk.stage)
    for pin in wheels:
        with zipfile.ZipFile(os.path.join(folder, filename_of(pin.url))) as source:
            tops = {name.partition("/")[0] for name in source.namelist() if _IS_TOP.fullmatch(name)}
        for top in tops:
            package = Path(layer, "site", top)
            package.mkdir(parents=True, exist_ok=True)
            (package / "__init__.py").touch()
    if not os.path.isdir(os.path.join(layer, "site")):
        return ()
    added = siblings.missing(layer, Plan(install=tuple(wheels)), walk.view)
    if added:
        found.notices.append(f"{', '.join(added)}: comes along, because it shares a package with one in the list.")
    return walk.exactly(added) if added else ()


def _told(spec: Spec, found: Found, wheels: Sequence[Pin], others: Mapping[Pin, Sequence[str]], file: str) -> JSON:
    """The dictionary without what a download adds; *others* have no wheel, or wheels for other platforms."""
    target = found.target or targets.here()
    rows = [_row(pin, _asked(pin.name, found, spec)) for pin in wheels]
    missing = [_lacking(pin, _asked(pin.name, found, spec), target, tags) for pin, tags in others.items()]
    missing += [_unbuilt(one) for one in found.places]
    return {
        "schema": SCHEMA,
        "action": "closure",
        "file": file,
        "engine": found.engine,
        "python": target.python,
        "platforms": list(target.platforms),
        "here": found.target is None,
        "pool": found.pool,
        "complete": not missing,
        "size": sum(pin.size for pin in wheels),
        "unsized": [pin.name for pin in wheels if not pin.size],
        "packages": rows,
        "jars": [],
        "missing": missing,
        "present": [{"name": dist.name, "version": dist.version} for dist in found.view.values()],
        "notices": [*dict.fromkeys(found.notices)],
        "folder": "",
        "fetched": [],
        "beside": [],
    }


def _row(pin: Pin, asked: list[str]) -> JSON:
    """One wheel."""
    return {
        "name": pin.name,
        "version": pin.version,
        "file": filename_of(pin.url),
        "size": pin.size,
        "sha256": pin.sha256,
        "url": without_login(pin.url),
        "requested": pin.requested,
        "asked": asked,
    }


def _lacking(pin: Pin, asked: list[str], target: Target, offered: Sequence[str]) -> JSON:
    """One distribution that has no wheel for *target*, the platforms for which there is one, and the way on."""
    others = f" (there are some for {', '.join(offered)})" if offered else ""
    newer = f"Name --platform {offered[0]} if the machine takes it, or build" if offered else "Build"
    return {
        "name": pin.name,
        "version": pin.version,
        "asked": asked,
        "sentence": f"{pin.name} {pin.version} has no wheel for {target}{others}; what it needs itself is not in the list",
        "hint": f"{newer} one on such a machine with a network (pip wheel --no-deps {pin.name}=={pin.version} -w WHEELS), "
        "then write --find-links WHEELS into the declaration and ask again.",
    }


def _unbuilt(one: Requirement) -> JSON:
    """A place in the declaration from which a wheel would have to be built."""
    line = show(without_login(one.line), 300)
    return {
        "name": one.name,
        "version": "",
        "asked": [line],
        "sentence": f"{line} is no wheel; what it needs itself is not in the list",
        "hint": "Build one on such a machine with a network (pip wheel --no-deps), and name that file in its place.",
    }


def _asked(name: str, found: Found, spec: Spec) -> list[str]:
    """Who asked for *name*: a line of the declaration and the names below it; empty where nobody told."""
    return [show(without_login(one)) for one in policy.chain(name, found.asked_by, spec)]


def _sized(walk: Line, pins: Sequence[Pin]) -> list[Pin]:
    """*pins* with sizes and hashes: of files here by looking, else asked of the servers where the index told none."""
    known = walk.sizes([pin.url for pin in pins if not pin.size])
    return [_seen(replace(pin, size=pin.size or known.get(pin.url, 0))) for pin in pins]


def _seen(pin: Pin) -> Pin:
    """*pin* with what its file tells, where that is on this machine."""
    path = unquote(urlsplit(pin.url).path)
    if not pin.url.startswith("file:") or not os.path.isfile(path):
        return pin
    return replace(pin, size=os.path.getsize(path), sha256=pin.sha256 or bringing.digest_of(path))


def _beside(folder: str, wheels: Sequence[Pin]) -> list[str]:
    """Wheels in *folder* that are not in the list."""
    listed = {filename_of(pin.url) for pin in wheels}
    return sorted(name for name in os.listdir(folder) if name.endswith(".whl") and name not in listed)


def _write(folder: str, told: JSON, wheels: Sequence[Pin]) -> None:
    """The list beside the wheels, for programs and for pip."""
    texts = (written(told, "json"), _requirements(told, wheels))
    for name, text in zip(FILES, texts, strict=True):
        save(os.path.join(folder, name), text)


def save(path: str, text: str) -> None:
    """Write *text* to *path*, whole. Raises :class:`StoreError`."""
    try:
        write_whole(path, text)
        Path(path).chmod(0o644)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", item=path) from None


def _pins(told: JSON) -> list[Pin]:
    """The wheels of an answer as pins again."""
    keys = ("name", "version", "url", "sha256", "size", "requested")
    return [Pin(**{key: row[key] for key in keys}) for row in told["packages"]]


def _requirements(told: JSON, wheels: Sequence[Pin]) -> str:
    """Exact lines with hashes, which find their files wherever pip is told to look."""
    where = f"Python {told['python']} on {', '.join(told['platforms'])}"
    head = (f"Made by sessionpkgs {__version__} from {told['file']} for {where}.",)
    return writing.requirements([replace(pin, url="", direct=False) for pin in wheels], head=head)


def written(told: JSON, form: str) -> str:
    """The list in *form*: ``json`` is the answer itself, ``toml`` a lock (PEP 751), anything else lines with hashes."""
    if form == "json":
        return json.dumps(told, indent=1) + "\n"
    pins = _pins(told)
    return pylock_toml.write(pins, python=told["python"]) if form == "toml" else _requirements(told, pins)
