"""What pip passed over, as its log tells: files for another Python or system, and releases for another Python.

pip's last sentence counts only the files that it may take, as if there were no others. It starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sessionpkgs.engines import words, words_tags
from sessionpkgs.engines.words_conflict import name_of
from sessionpkgs.errors import NotFoundError

_WHEEL = re.compile(r"Skipping link: none of the wheel's tags .*?([^/\s]+)\.whl")
_PYTHON = re.compile(r"Skipping link: (\S+) Requires-Python (.+?): \S*?/([^/\s#]+)(?:#\S*)?(?: \(from|$)")


def error(
    wanted: str, versions: Iterable[str], log: str, asked: Sequence[str], *, by: str = ""
) -> NotFoundError | None:
    """The error for *wanted* where the *log* shows releases of it that this Python cannot take; else None.

    *versions* are those that it can take, *by* who asked.
    """
    wheels = [parts for parts in _wheels(log, name_of(wanted)) if _fits(wanted, parts[1])]
    if wheels:
        last = _newest(parts[1] for parts in wheels)
        offered = words_tags.offered(last, [parts[-3:] for parts in wheels if parts[1] == last])
        return words.no_wheel(wanted, offered, asked, by=by, better="" if by else _better(wanted, versions))
    for version, pythons, file in _PYTHON.findall(log):
        if name_of(file).startswith(name_of(wanted)) and _fits(wanted, version):
            newest = "" if by else _newest(_known(versions))
            better = f"{name_of(wanted)}=={newest}" if newest else ""
            return words.other_python(wanted, f"Python{pythons}", words.python_here(), asked, by=by, better=better)
    return None


def names(log: str) -> set[str]:
    """Names of which at least one file was passed over."""
    return {name_of(file.partition("-")[0]) for file in _WHEEL.findall(log)}


def _wheels(log: str, name: str) -> list[list[str]]:
    """The file names of the wheels of *name* that were passed over, in their parts."""
    files = (file.split("-") for file in _WHEEL.findall(log))
    return [parts for parts in files if len(parts) in {5, 6} and name_of(parts[0]) == name]


def _fits(wanted: str, version: str) -> bool:
    """Whether *version* is one that *wanted* asks for."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    try:
        return Requirement(wanted).specifier.contains(version, prereleases=True)
    except (InvalidRequirement, InvalidVersion):
        return False


def _known(versions: Iterable[str]) -> list[str]:
    """Those of *versions* that are releases."""
    from packaging.version import Version

    return [version for one in versions if (version := one.strip()) and not Version(version).is_prerelease]


def _newest(versions: Iterable[str]) -> str:
    """The newest of *versions*, which are valid; empty for none."""
    from packaging.version import Version

    return max(versions, key=Version, default="")


def _better(wanted: str, versions: Iterable[str]) -> str:
    """The nearest requirement for the name in *wanted* that one of *versions* meets: the next release, else the newest."""
    from packaging.version import Version

    known = _known(versions)
    pinned = re.search(r"==([0-9][^*,;\s]*)$", wanted)
    name = re.split(r"[<>=!~;\s]", wanted)[0]
    above = [one for one in known if not pinned or Version(one) > Version(pinned[1])]
    if above:
        return f"{name}>={min(above, key=Version)}"
    return f"{name}=={_newest(known)}" if known else ""
