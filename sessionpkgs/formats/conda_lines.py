"""One conda dependency line: its parts, its versions as PEP 440 says them, and its twin on the package index.

It knows conda's match specification as people write it. It does not know channels' contents, and it never guesses
that the same name is the same project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import conda_names
from sessionpkgs.formats.wording import show

LENGTH = 4_096
"""Longest line that is looked at."""

Place = Literal["index", "plumbing", "foreign", "unknown"]

_PIP_ONLY = re.compile(r"^-|^\.{0,2}/|^\.|;|\s@\s|^(?:git|hg|svn|bzr)\+|\[[^=\]]*\]")
_PACKAGE_FILE = re.compile(r"://\S+\.(?:conda|tar\.bz2)(?:#\S*)?$|^@EXPLICIT")
_LINE = re.compile(r"(?:(?P<channel>\S*)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<rest>.*)", re.ASCII)
_BRACKET = re.compile(r"\[(?P<pairs>[^\[\]]*=[^\[\]]*)\]$")
_PAIR = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"]+))")
_BUILD = re.compile(r"(?<=[A-Za-z0-9.*_+-])=(?P<build>[^=<>!~,|]*)$")
_CLAUSE = re.compile(r"(?P<operator>===|[<>=!~]=|=>|=<|[<>=]|)(?P<version>[^<>=!~|\s]+)")
_NAME_RUNS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLine:
    """The parts of a line as conda has them; ``text`` is the line itself."""

    name: str
    text: str
    version: str = ""
    build: str = ""
    channel: str = ""


def parse(text: str, *, where: str) -> CondaLine:
    """Give the parts of the conda dependency line *text*.

    Raises:
        SpecError: a pip line, a package file, or a version condition that PEP 440 cannot say.
    """
    if len(text) > LENGTH or "\n" in text:
        raise SpecError(
            f"{show(text)!r} is not one dependency.",
            where=where,
            hint="Write each dependency on its own line, after a dash.",
        )
    if _PACKAGE_FILE.search(text):
        raise SpecError(
            f"{show(text)!r} is a conda package file.", where=where, hint="Name the package and its version."
        )
    line, pairs = _bracket(" ".join(text.split()))
    if _PIP_ONLY.search(line):
        raise SpecError(
            f"{show(text)!r} is a line for pip.", where=where, hint="Put it in the list under pip:.", item=show(text)
        )
    found = _LINE.fullmatch(line)
    if found is None:
        raise SpecError(
            f"{show(text)!r} is not a conda dependency.", where=where, hint="Write name or name=1.2.", item=show(text)
        )
    version, build = _version_and_build(found["rest"], text, where)
    return CondaLine(
        name=found["name"].lower(),
        text=text,
        version=pairs.get("version", version),
        build=pairs.get("build", build),
        channel=pairs.get("channel", found["channel"] or ""),
    )


def specifier(found: CondaLine, *, where: str) -> str:
    """Give the version condition of *found* in PEP 440, empty when any version will do.

    Raises:
        SpecError: PEP 440 cannot say it.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    item = show(found.text)
    if "|" in found.version:
        raise SpecError(
            f"{item!r} offers alternatives with |, which the package index cannot be asked for.",
            where=where,
            hint="Write one range, such as >=1.2,<1.4.",
            item=item,
        )
    exact = found.build not in {"", "*"}
    try:
        written = ",".join(filter(None, (_clause(part, exact) for part in found.version.split(",") if found.version)))
        SpecifierSet(written)
    except (InvalidSpecifier, ValueError) as error:
        raise SpecError(
            f"the version condition of {item!r} is not one that the package index knows.",
            where=where,
            hint="Write versions such as =1.2, >=1.2,<2 or !=1.3.",
            item=item,
        ) from error
    return written


def twin(name: str) -> tuple[Place, str]:
    """Say what the conda package *name* is here.

    Gives ``index`` and the requirement's name (maybe with extras), ``plumbing``, ``foreign`` and advice, or
    ``unknown``. The tables are in ``conda_names``.
    """
    normal = _NAME_RUNS.sub("-", name)
    if normal in conda_names.RENAMED:
        return "index", conda_names.RENAMED[normal]
    if normal in conda_names.SAME:
        return "index", normal
    if name in conda_names.PLUMBING or name.startswith(conda_names.PLUMBING_PREFIXES):
        return "plumbing", ""
    if name in conda_names.NOT_PYTHON:
        return "foreign", conda_names.NOT_PYTHON[name]
    advice = next((text for start, text in conda_names.NOT_PYTHON_PREFIXES.items() if name.startswith(start)), "")
    return ("foreign", advice) if advice else ("unknown", "")


def _bracket(text: str) -> tuple[str, dict[str, str]]:
    """``name[version='>=1', build=x]`` as the part before the bracket and what stands in it."""
    found = _BRACKET.search(text)
    if found is None:
        return text, {}
    pairs = {key: (one or two or bare).strip() for key, one, two, bare in _PAIR.findall(found["pairs"])}
    return text[: found.start()].strip(), pairs


def _version_and_build(rest: str, text: str, where: str) -> tuple[str, str]:
    """``>= 1, < 2``, ``=1.2=py39_0`` or ``1.2 py39_0`` as version and build, without blanks."""
    fields = re.sub(r" ?([<>=!~,|]) ?", r"\1", rest).split()
    version, build = (*fields, "", "")[:2]
    if len(fields) > 2:  # noqa: PLR2004
        raise SpecError(
            f"{show(text)!r} has more parts than name, version and build.", where=where, hint="Write name=1.2."
        )
    if found := _BUILD.search(version):
        version, build = version[: found.start()], found["build"]
    return version, build


def _clause(text: str, exact: bool) -> str:
    """One condition in PEP 440; raises ValueError when it has none.

    conda: ``=1.2`` is a prefix, ``==1.2`` and a bare ``1.2`` are exact, ``>=1.2.*`` means ``>=1.2``.
    """
    found = _CLAUSE.fullmatch(text)
    if found is None or found["operator"] in {"===", "=>", "=<"}:
        raise ValueError(text)
    operator, version = found["operator"], found["version"]
    if version == "*":
        return ""
    stem = version.removesuffix("*").removesuffix(".")
    if operator in {"", "=", "=="}:
        return _prefix(stem) if stem != version or (operator == "=" and not exact) else f"=={version}"
    if operator == "!=" and stem != version:
        return f"!={stem}.*"
    return f"{operator}{stem}"


def _prefix(version: str) -> str:
    """``==1.2.*``; without the star where PEP 440 allows none, after a pre-release."""
    from packaging.specifiers import InvalidSpecifier, Specifier

    try:
        return str(Specifier(f"=={version}.*"))
    except InvalidSpecifier:
        return f"=={version}"
