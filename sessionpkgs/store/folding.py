"""Names that differ only in small letters and capitals: two files here, one on a disk that does not tell them apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from sessionpkgs.errors import ConflictError
from sessionpkgs.store import caps


def pairs(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of *paths*, or of folders that they are in, that are one where case does not count."""
    every = set(paths)
    folders = {path.rpartition("/")[0] for path in every}
    while folders := folders - every - {""}:
        every |= folders
        folders = {path.rpartition("/")[0] for path in folders}
    if len({path.casefold() for path in every}) == len(every):
        return []
    first: dict[str, str] = {}
    found = [(first.setdefault(path.casefold(), path), path) for path in sorted(every)]
    return [(one, other) for one, other in found if one != other]


def refuse(site: str, owned: Mapping[str, Iterable[str]]) -> None:
    """Refuse such a pair among the paths that dist-info folders in *site* have *owned*, if that disk makes them one.

    Raises :class:`ConflictError`.
    """
    every = {path for paths in owned.values() for path in paths}
    found = pairs(every)
    if not found or not any(os.path.lexists(f"{site}/{folder.swapcase()}") for folder in owned):
        return
    one, other = found[0]
    begin = (f"{one}/", f"{other}/")
    owners = [info for info, paths in owned.items() if any(f"{path}/".startswith(begin) for path in paths)]
    names = " and ".join(caps.shown(info.removesuffix(".dist-info")) for info in owners)
    raise ConflictError(
        f"{names}: {caps.shown(one)} and {caps.shown(other)} are one name on this disk",
        hint="Set SESSIONPKGS_HOME to a folder on a disk that tells small letters from capitals.",
        item=one,
    )


def notices(sites: Mapping[str, str], within: Mapping[str, Iterable[Iterable[str]]]) -> list[str]:
    """Sentences on such pairs: of the top levels of the *sites* (folders by distribution), and *within* one each."""
    tops: dict[str, str] = {}
    for name, site in sites.items():
        tops |= dict.fromkeys(os.listdir(site), name)
    found = [(*{tops[one]: None, tops[other]: None}, one, other) for one, other in pairs(tops)]
    for name, several in within.items():
        found += [(name, *pair) for pair in several if not {*pair} <= tops.keys()][:1]
    return [
        f"{' and '.join(names)}: {caps.shown(one)} and {caps.shown(other)} differ only in small letters and capitals."
        for *names, one, other in found
    ]
