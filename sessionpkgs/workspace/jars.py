"""What a jar says of itself: Maven's ``pom.properties``, else its manifest, else its file name. It runs nothing.

It takes a zip file that was found safe to read; it does not know where it came from.
"""

from __future__ import annotations

import re
import zipfile
from typing import NamedTuple

from sessionpkgs.errors import IntegrityError, SpecError
from sessionpkgs.formats.wording import show
from sessionpkgs.workspace import zipped

_POM = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_FILE = re.compile(r"(?P<name>.+?)-(?P<version>\d[\w.+-]*)\.jar")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_MANIFEST = "META-INF/MANIFEST.MF"
_TITLES = (("Bundle-SymbolicName", "Bundle-Version"), ("Implementation-Title", "Implementation-Version"))
_MOST_POMS = 2_000


class Told(NamedTuple):
    """Name, version, ``group:artifact:version`` and a line about it; the last two may be empty."""

    name: str
    version: str
    coordinate: str
    summary: str


def look(path: str, file: str) -> Told:
    """What the jar at *path*, called *file*, says of itself.

    Raises :class:`IntegrityError` for what is no jar, and :class:`SpecError` where nothing tells name and version.
    """
    with zipped.opened(path, file) as source:
        names = source.namelist()
        if not any(name.startswith("META-INF/") or name.endswith(".class") for name in names):
            raise IntegrityError(
                f"{show(file)} is no jar: it has neither META-INF nor classes",
                hint="Take it for what it is.",
                item=file,
            )
        said = _manifest(source, file) if _MANIFEST in names else {}
        summary = next((said[key] for key in ("Bundle-Name", "Implementation-Title") if said.get(key)), "")
        for name, version, coordinate in (*_poms(source, file), *_titled(said), _of_file(file)):
            if _NAME.fullmatch(name) and _VERSION.fullmatch(version):
                return Told(name, version, coordinate, summary[:200])
    raise SpecError(
        f"{show(file)} does not tell its name and version", hint="Call the file NAME-VERSION.jar.", item=file
    )


def _poms(source: zipfile.ZipFile, file: str) -> list[tuple[str, str, str]]:
    """What Maven wrote about the jar itself: others that are packed into it have such a file too."""
    found = []
    for name in [name for name in source.namelist() if _POM.fullmatch(name)][:_MOST_POMS]:
        said = _properties(zipped.text(source, name, file).decode("utf-8", "replace"))
        group, artifact, version = (said.get(key, "") for key in ("groupId", "artifactId", "version"))
        if all(map(_NAME.fullmatch, (group, artifact))) and _VERSION.fullmatch(version):
            found.append((artifact, version, f"{group}:{artifact}:{version}"))
    if len(found) == 1:
        return found
    return [one for one in found if re.match(rf"{re.escape(f'{one[0]}-{one[1]}')}(?:-|\.jar$)", file)][:1]


def _properties(text: str) -> dict[str, str]:
    """Keys and values of a file of Java properties as Maven writes it: without continued lines and escapes."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.lstrip().startswith(("#", "!")))
    return {key.strip(): value.strip() for key, _, value in pairs}


def _manifest(source: zipfile.ZipFile, file: str) -> dict[str, str]:
    """The main part of the manifest; a line that begins with a blank continues the one before (JAR specification)."""
    text = zipped.text(source, _MANIFEST, file).decode("utf-8", "replace")
    main = re.sub(r"\r\n?", "\n", text).partition("\n\n")[0]
    lines = main.replace("\n ", "").splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _titled(said: dict[str, str]) -> list[tuple[str, str, str]]:
    """What the manifest calls the jar; options behind a symbolic name (OSGi) do not count."""
    pairs = [(said.get(name, ""), said.get(version, "")) for name, version in _TITLES]
    return [(name.partition(";")[0].strip(), version, "") for name, version in pairs]


def _of_file(file: str) -> tuple[str, str, str]:
    """What the file's name says."""
    match = _FILE.fullmatch(file)
    return (match["name"], match["version"], "") if match else ("", "", "")
