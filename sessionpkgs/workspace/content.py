"""What is in a workspace: one folder for each artefact, named by its hash, with the file and what it says of itself.

There is no list of all: who asks looks into the folders, so users of a shared one never stand in each other's way. It
changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sessionpkgs import places
from sessionpkgs.errors import IntegrityError, NotFoundError, StoreError

LAYOUT = 1
KINDS = ("wheel", "jar")
"""What a workspace takes."""
ABOUT = "about.json"
METADATA = ".metadata"
"""Behind a wheel's file name: its METADATA (PEP 658), so that an engine need not open the wheel."""

_HASH = re.compile(r"[0-9a-f]{64}")
_PREFIX = re.compile(r"[0-9a-f]{8,64}")
_FILE = re.compile(r"[^/\\\0-\x1f.][^/\\\0-\x1f]*")
_CHUNK = 1 << 20
_MOST_SAID = 32 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """One wheel or jar. ``name`` is normalised (PEP 503) for a wheel and as it is for a jar; ``tags`` are a wheel's,
    ``coordinate`` is a jar's ``group:artifact:version``, where it tells one. ``added`` and ``by`` say when and by whom it
    was brought, ``origin`` from where, without a login. ``path`` is its file, "" before it has its place.
    """

    name: str
    version: str
    kind: str
    file: str
    sha256: str
    size: int
    requires: tuple[str, ...] = ()
    requires_python: str = ""
    tags: tuple[str, ...] = ()
    coordinate: str = ""
    summary: str = ""
    added: str = ""
    by: str = ""
    origin: str = ""
    path: str = ""

    @property
    def title(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, as it stands in ``about.json``."""
        told = {"layout": LAYOUT, **asdict(self)}
        del told["path"]
        return told

    @property
    def url(self) -> str:
        """URL of its file."""
        return Path(self.path).as_uri()

    def answers(self, word: str) -> bool:
        """Whether *word* means this one: ``NAME``, ``NAME==VERSION``, ``GROUP:ARTIFACT[:VERSION]``, its file's name, or its
        hash or eight digits of that and more.
        """
        name, _, version = word.partition("==")
        if same(name.strip(), self.name) and (not version or self._is(version.strip())):
            return True
        if ":" in word:
            return self.coordinate == word or self.coordinate.rpartition(":")[0] == word
        return word == self.file or bool(_PREFIX.fullmatch(word) and self.sha256.startswith(word))

    def _is(self, version: str) -> bool:
        """Whether *version* is this one's, however it is spelled (PEP 440)."""
        return version == self.version or _rank(version) == _rank(self.version) != ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """The workspace in *folder*, which may not exist."""

    folder: str

    @property
    def artifacts(self) -> str:
        """Folder of the artefacts."""
        return os.path.join(self.folder, "artifacts")

    def held(self) -> list[str]:
        """Hashes of all artefacts, in order; nothing is opened. Raises :class:`StoreError` where that cannot be told."""
        try:
            return sorted(name for name in os.listdir(self.artifacts) if _HASH.fullmatch(name))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise unreadable(self.folder, error) from None

    def artefacts(self) -> list[Artefact]:
        """All artefacts by name, a name's oldest version first. Raises :class:`IntegrityError` where one is torn."""
        found, torn = self.survey()
        for sha256, why in torn.items():
            raise IntegrityError(
                f"the workspace {self.folder} is damaged: {os.path.join('artifacts', sha256[:16])}… {why}",
                hint=f"Take it out (sessionpkgs workspace remove {sha256[:16]}) and add it again.",
                item=sha256,
            )
        return found

    def survey(self) -> tuple[list[Artefact], dict[str, str]]:
        """The same, and for what is torn why, by hash."""
        found: list[Artefact] = []
        torn: dict[str, str] = {}
        for sha256 in self.held():
            try:
                found.append(self.read(sha256))
            except FileNotFoundError as error:
                if os.path.isdir(os.path.join(self.artifacts, sha256)):  # else it was removed a moment ago
                    torn[sha256] = f"lacks {os.path.basename(str(error.filename))}"
            except OSError as error:
                torn[sha256] = f"cannot be read: {error.strerror}"
            except (ValueError, TypeError, KeyError):
                torn[sha256] = f"has an {ABOUT} that says something else"
        return sorted(found, key=_order), torn

    def read(self, sha256: str) -> Artefact:
        """What the artefact with that hash says of itself. Raises OSError, ValueError, TypeError or KeyError."""
        with open(os.path.join(self.artifacts, sha256, ABOUT), "rb") as source:
            told = json.loads(source.read(_MOST_SAID))
        chosen = {item.name: told[item.name] for item in fields(Artefact) if item.name != "path"}
        for name in ("requires", "tags"):
            chosen[name] = tuple(map(str, chosen[name]))
        texts = (value for name, value in chosen.items() if name not in {"requires", "tags", "size"})
        fine = all(isinstance(value, str) for value in texts) and isinstance(chosen["size"], int)
        if not fine or chosen["sha256"] != sha256 or not _FILE.fullmatch(chosen["file"]) or chosen["kind"] not in KINDS:
            raise ValueError(sha256)
        path = os.path.join(self.artifacts, sha256, chosen["file"])
        os.stat(path)
        return Artefact(**chosen, path=path)

    def find(self, word: str, kind: str = "") -> list[Artefact]:
        """The artefacts that *word* means (:meth:`Artefact.answers`), the oldest version first.

        Raises :class:`NotFoundError`, naming what is there under such a name.
        """
        every = [one for one in self.artefacts() if kind in ("", one.kind)]
        found = [one for one in every if one.answers(word)]
        if not found:
            raise self.unknown(word, every, kind)
        return found

    def unknown(self, word: str, every: Iterable[Artefact], kind: str = "") -> NotFoundError:
        """The error for a *word* that means nothing here."""
        versions: dict[str, list[str]] = {}
        for one in every:
            versions.setdefault(one.name, []).append(one.version)
        near = [name for name in versions if same(name, word.partition("==")[0])]
        near = near or get_close_matches(word.partition("==")[0], versions, n=3)
        there = "; ".join(f"{name} {', '.join(dict.fromkeys(versions[name]))}" for name in near)
        hint = f"There is {there}." if there else "`sessionpkgs workspace list` shows what is there."
        return NotFoundError(
            f"{word} is not a {kind or 'package'} of the workspace {self.folder}", hint=hint, item=word
        )

    def check(self, artefact: Artefact) -> None:
        """Look whether the file of *artefact* is what it was. Raises :class:`IntegrityError`, naming the file."""
        self.copy(artefact, os.devnull)

    def copy(self, artefact: Artefact, target: str) -> None:
        """Write the bytes of *artefact* to *target*, which is to be a new file, and look at their hash on the way.

        Raises :class:`IntegrityError`, naming the file, and OSError for what the disk of *target* refuses.
        """
        path, digest = artefact.path, hashlib.sha256()
        try:
            source = open(path, "rb")  # noqa: SIM115 - only what cannot be read is caught, not what cannot be written
        except OSError as error:
            raise IntegrityError(f"{path} cannot be read: {error.strerror}", hint=_again(artefact), item=path) from None
        with source, open(target, "wb") as sink:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                sink.write(chunk)
        if digest.hexdigest() != artefact.sha256:
            raise IntegrityError(
                f"{path} was changed: its hash is {digest.hexdigest()[:16]}…, and {artefact.sha256[:16]}… was added",
                hint=_again(artefact),
                item=path,
            )


def here(env: Mapping[str, str]) -> Workspace:
    """The workspace that *env* and the settings name."""
    return Workspace(places.workspace(env))


def same(one: str, other: str) -> bool:
    """Whether two names are spellings of one (PEP 503)."""
    return _plain(one) == _plain(other)


def trusted(folder: str) -> None:
    """Refuse a workspace that everybody may write to: what is in it comes before every index. Raises :class:`StoreError`."""
    for place in (folder, os.path.join(folder, "artifacts")):
        try:
            mode = os.stat(place).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise unreadable(folder, error) from None
        if mode & 0o002:
            raise StoreError(
                f"the workspace {folder} may be written by everybody on this machine",
                hint=f"Let a group share it instead: chmod o-w {place}",
                item=place,
            )


def unreadable(folder: str, error: OSError) -> StoreError:
    """The error for a workspace that the system does not let us read."""
    return StoreError(
        f"the workspace {folder} cannot be read: {error.strerror}",
        hint="Ask who owns it for read permission, or set SESSIONPKGS_WORKSPACE to another folder.",
        item=folder,
    )


def _again(artefact: Artefact) -> str:
    """What to do about a damaged file."""
    return f"Add the true file again: sessionpkgs workspace add …/{artefact.file}"


def _plain(name: str) -> str:
    """*name* in the one spelling that all its spellings share."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _order(artefact: Artefact) -> tuple[Any, ...]:
    """Where *artefact* stands in a list: by name, then version (PEP 440, others by their numbers), then file."""
    rank = _rank(artefact.version)
    numbers = [int(part) for part in re.findall(r"\d+", artefact.version)[:9] if len(part) < _MANY]
    return (_plain(artefact.name), artefact.kind, bool(rank), *(rank or (numbers,)), artefact.version, artefact.file)


_MANY = 20


def _rank(version: str) -> tuple[Any, ...]:
    """*version* as PEP 440 orders it, () for one that PEP 440 does not know."""
    from packaging.version import InvalidVersion, Version

    try:
        return (Version(version),)
    except InvalidVersion:
        return ()
