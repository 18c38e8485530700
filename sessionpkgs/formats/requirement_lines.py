"""One requirement of a requirements text: PEP 508, an archive's URL, a version control URL, or a path.

It knows how pip reads such a line (pip/_internal/req/constructors.py) and turns it into PEP 508 where the name is
known. It does not know options, other files, or whether a path exists.
"""

from __future__ import annotations

import os.path
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import conda_names, requirement_hints, specifiers
from sessionpkgs.formats.specifiers import normal
from sessionpkgs.formats.wording import character, odd_character, show
from sessionpkgs.model import Requirement

if TYPE_CHECKING:
    from packaging.requirements import Requirement as Parsed

LENGTH, NESTED = 4_096, 50
"""Longest requirement, and most brackets, that packaging gets to see; its grammar is recursive."""

_ARCHIVES = (".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz", ".tar")
_TEXTS = (".txt", ".in", ".yml", ".yaml", ".toml", ".lock", ".cfg", ".py", ".ipynb", ".json", ".conda")
_FILES = (".txt", ".yml", ".yaml", ".toml", ".cfg", ".lock", ".ipynb")
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*@", re.ASCII)
_VCS = re.compile(r"(?:git|hg|svn|bzr)\+")
_URL = re.compile(r"(?:https?|file):", re.IGNORECASE)
_EXTRAS = re.compile(r"(?P<place>.+?)\s*(?P<extras>\[[\w\s,.-]*\])", re.ASCII | re.DOTALL)
_EGG = re.compile(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?P<extras>\[[\w\s,.-]*\])?", re.ASCII)
_BUILD_FOLDER = re.compile(r"^file:///(?:[A-Za-z]:|.*/(?:ci|ci_py\d+|croot|feedstock_root|conda-bld|80754af9)/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The text a line stands in: its label, the folder of its relative paths, and how it was reached."""

    label: str
    folder: str
    constraint: bool = False
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One logical line as it was written, its place in its text, and the column of its first character."""

    text: str
    place: str
    source: Source
    column: int = 1

    @property
    def where(self) -> str:
        """The place as a message names it."""
        return f"{self.source.label}, {self.place}"

    @property
    def mark(self) -> str:
        """The place as a Requirement carries it: with the label only where another file was included."""
        return self.where if self.source.chain else self.place

    def refusal(self, problem: str, hint: str) -> SpecError:
        """Give a SpecError about this line; *problem* goes on after the line's text."""
        return SpecError(f"{show(self.text)!r} {problem}.", where=self.where, hint=hint, item=show(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A requirement and, where it is on this machine, the path of its archive or folder.

    ``applies`` is False when its marker is false for this Python on this machine.
    """

    requirement: Requirement
    path: str = ""
    applies: bool = True


def read(text: str, line: Line, *, hashes: tuple[str, ...] = (), editable: bool = False) -> Asked:
    """Give the requirement *text*: the line without options, and with variables filled in.

    Raises:
        SpecError: not a requirement, or one whose place cannot be understood.
    """
    if len(text) > LENGTH:
        raise line.refusal(f"is longer than {LENGTH} characters", "Write one requirement per line.")
    try:
        written, name, path = _written(" ".join(text.split()), line, editable=editable)
    except ValueError as error:  # urllib: brackets or ports that no URL has
        raise line.refusal("holds a URL that cannot be read", "Check the host and the port.") from error
    found = Requirement(line=written, name=name, where=line.mark, hashes=hashes, editable=editable)
    if hashes and name and not _one_artefact(written):
        raise line.refusal("has a hash and no exact version", f"Write {name}==1.2 before --hash.")
    return Asked(requirement=found, path=path, applies=_applies(written, name, line))


def check_characters(line: Line) -> None:
    """Do nothing where every blank in *line* is a plain one.

    Raises:
        SpecError: a non-breaking, zero-width or other odd blank, with its name and column.
    """
    if odd := odd_character(line.text):
        place, found = odd
        raise line.refusal(f"holds {found} at column {line.column + place}", "Type a plain blank, or nothing, instead.")


def local(text: str, line: Line) -> str:
    """Give the absolute path of *text*, relative to the folder of the line's text.

    Raises:
        SpecError: it starts with ``~``, which pip does not expand either.
    """
    if text.startswith("~"):
        raise line.refusal("starts with ~, which only a shell understands", "Write the full path, or use ${HOME}.")
    return os.path.normpath(Path(line.source.folder) / text)


def _written(text: str, line: Line, *, editable: bool) -> tuple[str, str, str]:
    """Give the requirement as it goes on: its line, its name and its local path, either of which may be empty."""
    if _NAMED.match(text):
        return _named(text, line)
    place, _, marker = text.partition("; " if _URL.match(text) or _VCS.match(text) else ";")
    place, marker = place.strip(), marker.strip()
    if _VCS.match(place):
        return _repository(place, marker, line)
    if _URL.match(place):
        return _archive(place, marker, line)
    if "://" in place:
        raise line.refusal("has a URL scheme that is not known", "Use https://, file:/// or git+https://.")
    if editable or _is_path(place):
        return _path(place, marker, line)
    parsed = parse(text, line)
    return text, normal(parsed.name), ""


def parse(text: str, line: Line) -> Parsed:
    """Give *text* as packaging understands it.

    Raises:
        SpecError: PEP 508 does not allow it; the hint says what was probably meant.
    """
    from packaging.requirements import InvalidRequirement
    from packaging.requirements import Requirement as Parsed

    if text.count("(") > NESTED:
        raise line.refusal("is nested too deeply", "Write a simpler marker.")
    try:
        return Parsed(text)
    except InvalidRequirement as error:
        strange = re.search(r"[^\x00-\x7f]", line.text)
        what = f": it holds {character(strange[0])} at column {line.column + strange.start()}" if strange else ""
        raise line.refusal(f"is not a requirement{what}", _hint(text, line)) from error


def _hint(text: str, line: Line) -> str:
    """Advice on *text*; on the line as it was written where variables were filled in, which may hold secrets."""
    return requirement_hints.hint(line.text if "${" in line.text else text)


def _one_artefact(written: str) -> bool:
    """Whether *written* names one version exactly, or a place."""
    from packaging.requirements import Requirement as Parsed

    parsed = Parsed(written)
    return bool(parsed.url) or any(one.operator in {"==", "==="} and "*" not in one.version for one in parsed.specifier)


def _applies(written: str, name: str, line: Line) -> bool:
    """Whether the marker of *written*, if there is one, is true for this Python on this machine."""
    if ";" not in written or not (name or " ; " in written):
        return True
    marker = str(parse(written, line).marker or "") if name else written.rpartition(" ; ")[2]
    truth = specifiers.holds(marker) if marker else True
    if truth is None:
        raise line.refusal("has a marker that cannot be decided", "Compare versions, or names with ==.")
    return truth


def _direct(name: str, url: str, marker: str, line: Line) -> str:
    """``name @ url``, checked."""
    written = f"{name} @ {url} ; {marker}" if marker else f"{name} @ {url}"
    parse(written, line)
    return written


def _unnamed(place: str, marker: str, line: Line) -> str:
    """Keep a path or URL as it is; check its marker."""
    if not marker:
        return place
    parse(f"x ; {marker}", line)
    return f"{place} ; {marker}"


def _named(text: str, line: Line) -> tuple[str, str, str]:
    """``name @ url``, where the URL may also be a path."""
    parsed = parse(text, line)
    url, path = parsed.url or "", ""
    if _BUILD_FOLDER.match(url):
        raise line.refusal(
            "points to a folder of the machine that built a conda package",
            "pip freeze writes this in a conda environment: write name==version instead, or use pip list --format=freeze.",
        )
    if not (_VCS.match(url) or _URL.match(url)):
        if "://" in url or not url:
            raise line.refusal("has a URL scheme that is not known", "Use https://, file:/// or git+https://.")
        path = local(url, line)
        extras = f"[{','.join(sorted(parsed.extras))}]" if parsed.extras else ""
        text = _direct(f"{parsed.name}{extras}", Path(path).as_uri(), str(parsed.marker or ""), line)
    elif url.lower().startswith("file:"):
        path = _file_path(url, line)
    return text, normal(parsed.name), path


def _repository(url: str, marker: str, line: Line) -> tuple[str, str, str]:
    """``git+https://host/path@revision#egg=name`` as ``name @ url``, or as the URL when it names nothing."""
    if "://" not in url:
        raise line.refusal("is not a complete URL", "Write git+https://host/path or git+ssh://host/path.")
    name, bare = _egg(url, line)
    if not name:
        return _unnamed(bare, marker, line), "", ""
    return _direct(name, bare, marker, line), normal(name.partition("[")[0]), ""


def _egg(url: str, line: Line) -> tuple[str, str]:
    """Give the name (maybe with extras) that ``#egg=`` gives, and the URL without it."""
    bare, _, fragment = url.partition("#")
    pairs = fragment.split("&")
    eggs = [unquote(pair.removeprefix("egg=")) for pair in pairs if pair.startswith("egg=")]
    if not eggs:
        return "", url
    if not _EGG.fullmatch(eggs[0]):
        raise line.refusal("has an #egg= that is not a name", "Write #egg=name, or name @ URL.")
    rest = "&".join(pair for pair in pairs if not pair.startswith("egg="))
    return eggs[0], f"{bare}#{rest}" if rest else bare


def _archive(url: str, marker: str, line: Line) -> tuple[str, str, str]:
    """Give the URL of a wheel as ``name @ url``; of another archive as it is."""
    name, bare = _egg(url, line)
    parts = urlsplit(bare)
    path = _file_path(bare, line) if parts.scheme.lower() == "file" else ""
    file = unquote(parts.path).rstrip("/").rpartition("/")[2]
    if file.lower().endswith(".whl"):
        name = name or _wheel_name(file, line)
    elif not (name or path or file.lower().endswith(_ARCHIVES)):
        raise line.refusal("is not the URL of an archive", "Write name @ URL, or git+https:// for a repository.")
    if not name:
        return _unnamed(bare, marker, line), "", path
    return _direct(name, bare, marker, line), normal(name.partition("[")[0]), path


def _file_path(url: str, line: Line) -> str:
    """Give the path that a ``file:`` URL names."""
    parts = urlsplit(url)
    if not parts.path.startswith("/") or parts.netloc not in {"", "localhost"}:
        raise line.refusal("is not an absolute file URL", "Write file:///absolute/path, or the path alone.")
    return os.path.normpath(unquote(parts.path))


def _is_path(text: str) -> bool:
    """Pip's rule: what has a separator, starts with a dot, or ends like an archive; and what ends like a declaration."""
    place = found["place"] if (found := _EXTRAS.fullmatch(text)) else text
    file = place.lower().endswith(_FILES) and normal(place) not in conda_names.SAME  # ruamel.yaml
    return file or place.startswith((".", "~")) or "/" in place or place.lower().endswith(_ARCHIVES)


def _path(text: str, marker: str, line: Line) -> tuple[str, str, str]:
    """Give a wheel's path as ``name @ file:///…``; an sdist's or a folder's as the absolute path."""
    found = _EXTRAS.fullmatch(text)
    place, extras = (found["place"], found["extras"]) if found else (text, "")
    if place.lower().endswith(_TEXTS):
        link = "A text that only names another file is what git stores for a link: declare that file itself. "
        advice = "To include a file of requirements write -r FILE."
        raise line.refusal(
            "is not an archive or a folder", f"{link if place.lower().endswith(('.yml', '.yaml')) else ''}{advice}"
        )
    path = local(place, line)
    if path.lower().endswith(".whl"):
        name = _wheel_name(Path(path).name, line)
        return _direct(f"{name}{extras}", Path(path).as_uri(), marker, line), normal(name), path
    return _unnamed(f"{path}{extras}", marker, line), "", path


def _wheel_name(file: str, line: Line) -> str:
    """Give the name in a wheel's file name."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        return str(parse_wheel_filename(file)[0])
    except InvalidWheelFilename as error:
        raise line.refusal(
            "does not have the file name of a wheel", "Wheels are called name-version-python-abi-platform.whl."
        ) from error
