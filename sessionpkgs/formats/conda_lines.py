"""One conda dependency line: its parts, its versions as PEP 440 says them, and its twin on the package index.

It knows conda's match specification as people write it. It does not know channels' contents, and it never guesses
that the same name is the same project.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import conda_names
from sessionpkgs.formats.wording import odd_character, show

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTH = 4_096
"""Longest line that is looked at."""

Place = Literal["index", "plumbing", "foreign", "unknown"]

_PIP_ONLY = re.compile(r"^-|^\.{0,2}/|^\.|;|\s@\s|^(?:git|hg|svn|bzr)\+|\[[^=\]]*\]")
_PACKAGE_FILE = re.compile(r"://\S+\.(?:conda|tar\.bz2)(?:#\S*)?$|^@EXPLICIT")
_LINE = re.compile(
    r"(?:(?P<channel>\S*)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?P<rest>(?:[\s=<>!~][^\[\]]*)?)", re.ASCII
)
_BRACKET = re.compile(r"\[(?P<pairs>[^\[\]]*=[^\[\]]*)\]$")
_PAIR = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,'\"]+))")
_BUILD = re.compile(r"(?<=[A-Za-z0-9.*_+-])=(?P<build>[^=<>!~,|]*)$")
_CLAUSE = re.compile(r"(?P<operator>===|[<>=!~]=|=>|=<|[<>=]|)(?P<version>[^<>=!~|\s]+)")
_BLANKS = re.compile(r" ?([<>=!~,|]) ?")
_SEVERAL = re.compile(r"\s-(?:\s|$)")
_NUMBER = re.compile(r"[\d.]+")
_TURNED = re.compile(r"=\s*([<>])(?!=)|([<>!~=])\s+=(?!=)")
_OWN = "your own table of conda names says so"
_NAME_RUNS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaLine:
    """The parts of a line as conda has them; ``text`` is the line itself, ``others`` what else its bracket holds."""

    name: str
    text: str
    version: str = ""
    build: str = ""
    channel: str = ""
    others: tuple[tuple[str, str], ...] = ()


def parse(text: str, *, where: str) -> CondaLine:
    """Give the parts of the conda dependency line *text*.

    Raises:
        SpecError: a pip line, a package file, or a version condition that PEP 440 cannot say.
    """
    line, pairs = _checked(text, where)
    found = _LINE.fullmatch(line)
    if found is None or _NUMBER.fullmatch(found["name"]):
        raise SpecError(
            f"{show(text)!r} is not a conda dependency.", where=where, hint=_hint(text, line), item=show(text)
        )
    version, build = _version_and_build(found["rest"], text, where)
    for key, outside in (("version", version), ("build", build), ("channel", found["channel"])):
        if outside and pairs.get(key, outside) != outside:
            hint = "Keep the one in brackets, or the other."
            raise SpecError(f"{show(text)!r} gives its {key} twice.", where=where, hint=hint, item=show(text))
    return CondaLine(
        name=found["name"].lower(),
        text=text,
        version=pairs.pop("version", version),
        build=pairs.pop("build", build),
        channel=pairs.pop("channel", found["channel"] or ""),
        others=tuple(pairs.items()),
    )


def write(found: CondaLine) -> str:
    """Give a conda dependency line with the parts of *found*: ``channel::name=1.2``, in brackets where it must be.

    Parsing it gives *found* again, its text aside.
    """
    start = f"{found.channel}::{found.name}" if found.channel else found.name
    gap = " " if found.version[:1] not in set("=<>!~") else ""
    plain = f"{start}{gap}{found.version}" + (f" {found.build}" if found.build else "")
    pairs = (("version", found.version), ("build", found.build), *found.others)
    bracket = ",".join(f"{key}={_quoted(value)}" for key, value in pairs if value)
    for text in (plain.strip(), f"{start}[{bracket}]"):
        try:
            again = parse(text, where="")
        except SpecError:
            continue
        if replace(again, text=found.text) == found:
            return text
    raise ValueError(found)


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
            hint=_hint(found.text, "", "Write versions such as =1.2, >=1.2,<2 or !=1.3."),
            item=item,
        ) from error
    return written


def twin(name: str, table: Mapping[str, str | None] | None = None) -> tuple[Place, str]:
    """Say what the conda package *name* is here; the user's own *table* is asked first.

    Gives ``index`` and the requirement's name (maybe with extras), ``plumbing``, ``foreign`` and advice, or
    ``unknown``. Our tables are in ``conda_names``.
    """
    normal = _NAME_RUNS.sub("-", name)
    if table and (key := own_key(name, table)):
        return ("index", theirs) if (theirs := table[key]) else ("foreign", _OWN)
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


def _checked(text: str, where: str) -> tuple[str, dict[str, str]]:
    """Give *text* before its bracket and the bracket's pairs; raises SpecError for what no conda line is."""
    if len(text) > LENGTH or "\n" in text:
        raise SpecError(
            f"{show(text)!r} is not one dependency.",
            where=where,
            hint="Write each dependency on its own line, after a dash.",
        )
    if odd := odd_character(text):
        raise SpecError(
            f"{show(text)!r} holds {odd[1]} as character {odd[0] + 1}.",
            where=where,
            hint="Type a plain blank, or nothing, instead.",
            item=show(text),
        )
    if _PACKAGE_FILE.search(text):
        raise SpecError(
            f"{show(text)!r} is a conda package file.", where=where, hint="Name the package and its version."
        )
    line, pairs = _bracket(" ".join(text.split()), where)
    if _SEVERAL.search(line):
        colon = line.startswith("pip ")
        hint = "Write pip: with a colon." if colon else "Indent all names alike, each on its own line after a dash."
        raise SpecError(f"{show(text)!r} is several entries in one.", where=where, hint=hint, item=show(text))
    if _PIP_ONLY.search(line):
        hint = "Put it in the list under pip:, or install it with %pip."
        raise SpecError(f"{show(text)!r} is a line for pip.", where=where, hint=hint, item=show(text))
    return line, pairs


def own_key(name: str, table: Mapping[str, str | None]) -> str:
    """Give the key under which the user's *table* has the conda package *name*, empty where it has none."""
    return next((key for key in (name, _NAME_RUNS.sub("-", name)) if key in table), "")


def _hint(text: str, line: str, otherwise: str = "Write name or name=1.2.") -> str:
    """What to write instead of *text*: turned operators (``=>``) are put right."""
    if line and _NUMBER.fullmatch(line):
        return "Write name=1.2, or put a name that is only a number in quotes under pip:."
    turned = _TURNED.sub(lambda found: f"{found[1] or found[2]}=", text)
    return f"Write {show(turned)}." if turned != text else otherwise


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def _bracket(text: str, where: str) -> tuple[str, dict[str, str]]:
    """``name[version='>=1', build=x]`` as the part before the bracket and what stands in it."""
    found = _BRACKET.search(text)
    if found is None:
        return text, {}
    several = [(key, (one or two or bare).strip()) for key, one, two, bare in _PAIR.findall(found["pairs"])]
    pairs = dict(several)
    if len(pairs) < len(several) or _PAIR.sub("", found["pairs"]).strip(", "):
        hint = "Write [version='>=1.2',build='py*'], each key once."
        raise SpecError(f"the bracket of {show(text)!r} cannot be read.", where=where, hint=hint, item=show(text))
    if "version" in pairs:
        pairs["version"] = _BLANKS.sub(r"\1", pairs["version"])
    return text[: found.start()].strip(), pairs


def _version_and_build(rest: str, text: str, where: str) -> tuple[str, str]:
    """``>= 1, < 2``, ``=1.2=py39_0`` or ``1.2 py39_0`` as version and build, without blanks."""
    fields = _BLANKS.sub(r"\1", rest).split()
    version, build = (*fields, "", "")[:2]
    if found := _BUILD.search(version):
        version, fields[:1] = version[: found.start()], [version[: found.start()], found["build"]]
        build = found["build"]
    if len(fields) > 2:  # noqa: PLR2004
        raise SpecError(
            f"{show(text)!r} has more parts than name, version and build.", where=where, hint="Write name=1.2."
        )
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
