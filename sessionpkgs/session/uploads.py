"""Bringing wheels and jars into the workspace: fetched or copied, looked at by the rules of the store, then put there.

Each artefact is judged alone: what is refused leaves nothing, and the others go on. It does not know pools.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from zipfile import ZipInfo

from sessionpkgs import places, settings
from sessionpkgs.errors import IntegrityError, NotFoundError, SessionPkgsError, SpecError, UnsafePackageError
from sessionpkgs.formats.wheel_files import LENGTH, filename_of
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Pin
from sessionpkgs.report import Reporter
from sessionpkgs.session import fetching, reopen, rules
from sessionpkgs.settings import Settings, Sources
from sessionpkgs.steps import step
from sessionpkgs.store import Store, caps, zips
from sessionpkgs.workspace import jars, shelving, wheels, zipped
from sessionpkgs.workspace.content import Artefact, Workspace, here

JSON = dict[str, Any]
KINDS = {".whl": "wheel", ".jar": "jar"}
_CHUNK = 1 << 20
_FRAGMENT = re.compile(r"sha256=([0-9a-fA-F]{64})")


class Uploads:
    """Brings artefacts into the workspace that *env* names; *sources* say which hosts may be asked, *most* bytes a file.

    Raises :class:`PolicyError` for a policy that cannot be obeyed.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        sources: Sources | None = None,
        most: int = fetching.MOST,
        reporter: Reporter | None = None,
    ) -> None:
        self.env, self.most = env, most
        self.policy = rules.load(env)
        self.chosen: Settings = self.policy.bounded(settings.load(env))
        self.sources = sources or replace(settings.sources(env, self.chosen), limit=self.policy.limit)
        self.workspace: Workspace = here(env)
        self.reporter = reporter or Reporter()

    def add(self, given: Sequence[str]) -> JSON:
        """What became of each of *given* (files, folders, URLs with a ``#sha256=``): ``added``, ``there`` already, ``passed``
        over, or ``refused`` with the error. ``exit_code`` is that of the first refusal.
        """
        home = places.home(self.env)
        if os.path.commonpath((home, self.workspace.folder)) == home:
            Store(home).prepare()
        results = [row for one in given for row in self._each(one)]
        self.reporter.done()
        refused = [row for row in results if row["state"] == "refused"]
        return {
            "schema": 1, "action": "workspace add", "workspace": self.workspace.folder, "results": results,
            "exit_code": refused[0]["error"]["exit_code"] if refused else 0,
        }  # fmt: skip

    def _each(self, given: str) -> Iterable[JSON]:
        """The results for *given*, which may be a folder."""
        folder = os.path.expanduser(given)
        if "://" in given or not os.path.isdir(folder):
            yield self._one(given)
            return
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if os.path.splitext(name)[1] in KINDS and os.path.isfile(path):
                yield self._one(path)
            else:
                yield {"place": show(path, 300), "state": "passed", "said": "it is neither a wheel nor a jar"}

    def _one(self, given: str) -> JSON:
        """The result for one file or URL."""
        shown = show(given, 300)
        self.reporter.step(f"looking at {show(filename_of(given) if '://' in given else os.path.basename(given))}")
        try:
            artefact, new = self._take(given)
        except SessionPkgsError as error:
            return {"place": shown, "state": "refused", "error": error.to_dict()}
        return {"place": shown, "state": "added" if new else "there", **artefact.to_dict()}

    def _take(self, given: str) -> tuple[Artefact, bool]:
        """The artefact that *given* is, and whether it was not there before. Raises a leaf of the error tree."""
        place, wanted = _place(given)
        file = _file_name(place)
        with shelving.incoming(self.workspace) as stage, shelving.writing(self.workspace):
            path = os.path.join(stage, file)
            step("workspace.fetch")
            digest = self._bring(place, path)
            step("workspace.fetched")
            if wanted and digest != wanted:
                raise IntegrityError(
                    f"{show(file)} has the hash {digest[:16]}…, and {wanted[:16]}… was asked for",
                    hint="Somebody changed the file or the hash; find out which before you use it.",
                    item=show(given),
                )
            artefact, metadata = look(path, digest)
            known = replace(artefact, added=reopen.now(), by=_user(), origin=show(place, 400))
            return known, shelving.put(self.workspace, stage, known, metadata)

    def _bring(self, place: str, target: str) -> str:
        """Put the bytes of *place*, a path or an URL, into the new file *target* and give their SHA-256."""
        if not os.path.isabs(place):
            self._permit(place)
            bounds = fetching.Bounds(
                sources=self._sources(place), env=self.env, deadline=self.chosen.deadline, most=self.most,
                tick=self.reporter.tick, admit=lambda size: self.policy.check_size(size, ()),
            )  # fmt: skip
            return fetching.fetch(place, target, bounds)
        return _copied(place, target)

    def _permit(self, url: str) -> None:
        """Refuse a URL that the policy does not allow. Raises :class:`PolicyError`."""
        if filename_of(url).endswith(".jar"):
            self.policy.check_jar(url)
        else:
            self.policy.check_place(url)

    def _sources(self, url: str) -> Sources:
        """Which hosts may be asked for *url*; a repository of jars that a policy names may lie outside its hosts."""
        if self.policy.allows(url):
            return self.sources
        return replace(self.sources, limit=(urlsplit(url).hostname or "",))


def listing(env: Mapping[str, str], word: str = "") -> JSON:
    """What is in the workspace of *env*, or what *word* means there, and what is damaged.

    Raises :class:`NotFoundError` for a word that means nothing.
    """
    workspace = here(env)
    found, torn = workspace.survey()
    rows = [one for one in found if not word or one.answers(word)]
    if word and not rows:
        raise workspace.unknown(word, found)
    return {
        "schema": 1, "action": "workspace list", "workspace": workspace.folder,
        "artefacts": [one.to_dict() for one in rows],
        "damaged": [{"sha256": sha256, "said": said} for sha256, said in torn.items()],
    }  # fmt: skip


def look(path: str, sha256: str) -> tuple[Artefact, bytes]:
    """The artefact that the wheel or jar at *path* with the hash *sha256* is, and its METADATA.

    Raises :class:`UnsafePackageError`, :class:`IntegrityError`, or :class:`SpecError` for a name that tells nothing.
    """
    file, size = os.path.basename(path), os.path.getsize(path)
    if file.endswith(".whl"):
        named = wheels.named(file)
        with zipped.opened(path, file):
            caps.inspect([Pin(name=named.name, version=named.version, url=Path(path).as_uri(), sha256=sha256)])
        told = wheels.look(path, file)
        made = Artefact(
            name=named.name, version=named.version, kind="wheel", file=file, sha256=sha256, size=size, tags=named.tags,
            requires=told.requires, requires_python=told.requires_python, summary=told.summary,
        )  # fmt: skip
        return made, told.metadata
    _inspect_jar(path, file)
    said = jars.look(path, file)
    made = Artefact(
        name=said.name, version=said.version, kind="jar", file=file, sha256=sha256, size=size,
        coordinate=said.coordinate, summary=said.summary,
    )  # fmt: skip
    return made, b""


def _inspect_jar(path: str, file: str) -> None:
    """Look into a jar as ``caps`` looks into a wheel; its bytes are compared with their checksums."""
    with zipped.opened(path, file) as source, open(path, "rb") as opened:
        entries = source.infolist()
        whole, packed = sum(entry.file_size for entry in entries), os.path.getsize(path)
        if len(entries) > caps.ENTRIES or whole > caps.WHOLE or whole > max(caps.LARGE, caps.RATIO * packed):
            raise _unsafe(file, f"has {len(entries):,} files with {whole >> 20:,} MB, which is more than a jar may")
        _refuse_entries(entries, file)
        if said := zips.fault(opened.fileno(), entries, source.start_dir):
            raise IntegrityError(f"{show(file)} {caps.shown(said)}", hint="Build or fetch it again.", item=file)
        for entry in entries:
            with source.open(entry) as content:
                while content.read(_CHUNK):
                    pass


def _refuse_entries(entries: Iterable[ZipInfo], file: str) -> None:
    """Refuse a path that leaves its folder, what is neither file nor folder, and a class that is there twice."""
    seen: set[str] = set()
    for entry in entries:
        if caps.climbs(entry.orig_filename.removesuffix("/")):
            raise _unsafe(file, f"has an entry outside its folder: {caps.shown(entry.orig_filename)}")
        if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _unsafe(file, f"has an entry that is not a plain file: {caps.shown(entry.orig_filename)}")
        if entry.filename in seen and entry.filename.endswith(".class"):
            raise IntegrityError(f"{show(file)} has {caps.shown(entry.filename)} twice", item=file)
        seen.add(entry.filename)


def _unsafe(file: str, said: str) -> UnsafePackageError:
    """The refusal of a jar."""
    return UnsafePackageError(f"{show(file)} {said}", hint="Do not use it; tell who publishes it.", item=file)


def _place(given: str) -> tuple[str, str]:
    """The absolute path or the URL that *given* is, and the hash that it has, "" for none. Raises :class:`SpecError`."""
    if "://" not in given:
        path = os.path.abspath(os.path.expanduser(given))
        if not os.path.lexists(path):
            raise NotFoundError(f"{show(path, 300)} is not there", hint="Check the path.", item=path)
        return path, ""
    parts = urlsplit(given)
    match = _FRAGMENT.fullmatch(parts.fragment)
    if parts.fragment and match is None:
        raise SpecError(
            f"{show(given)} has something else than #sha256= and 64 digits behind it",
            hint="Write the hash as #sha256=…, or leave it out.",
            item=show(given),
        )
    if parts.scheme not in {"https", "http", "file"}:
        raise SpecError(f"{show(given)} is neither a path nor https, http or file", item=show(given))
    wanted = match[1].lower() if match else ""
    return (unquote(parts.path) if parts.scheme == "file" else parts._replace(fragment="").geturl()), wanted


def _file_name(place: str) -> str:
    """The file name of *place*. Raises :class:`SpecError` for what is no wheel or jar by that."""
    file = os.path.basename(place) if os.path.isabs(place) else filename_of(place)
    if os.path.splitext(file)[1] not in KINDS or file.startswith(".") or not file.isprintable() or len(file) > LENGTH:
        raise SpecError(
            f"{show(place)} is neither a wheel nor a jar",
            hint="Give a .whl or .jar file, a folder with such files, or the URL of one.",
            item=show(place),
        )
    return file


def _copied(path: str, target: str) -> str:
    """Copy the file at *path* to *target* and give its SHA-256. Raises :class:`NotFoundError`."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as source:
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                raise SpecError(f"{show(path, 300)} is not a plain file", item=path)
            return _written(source, target)
    except OSError as error:
        if error.filename != path:
            raise
        said = f"{show(path, 300)} cannot be read: {error.strerror}"
        raise NotFoundError(said, hint="Check the path and who may read it.", item=path) from None


def _written(source: Any, target: str) -> str:
    """The SHA-256 of all of *source*, written to *target*."""
    digest = hashlib.sha256()
    with open(target, "wb") as sink:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            sink.write(chunk)
    return digest.hexdigest()


def _user() -> str:
    """The name of the user who runs this."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
