"""File names of wheels: which of a release's files this Python takes, and how well each one fits.

It knows names and tags (PEP 427, PEP 425), not what is in a file and not where it lies.
"""

from __future__ import annotations

import functools
import re
from itertools import product
from urllib.parse import unquote, urlsplit

LENGTH = 255
"""Longest file name that a file system takes."""

_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-\d[^-]*)?-(?P<tags>[^-]+-[^-]+-[^-]+)\.whl", re.IGNORECASE)


@functools.cache
def _ranks() -> tuple[dict[tuple[str, ...], int], tuple[frozenset[str], ...]]:
    """Rank of each tag that this interpreter takes, 0 the best, and the words that each third of a tag may have."""
    from packaging.tags import sys_tags

    tags = [(tag.interpreter, tag.abi, tag.platform) for tag in sys_tags()]
    return {tag: rank for rank, tag in enumerate(tags)}, tuple(frozenset(words) for words in zip(*tags, strict=True))


def rank(filename: str) -> int | None:
    """How well the wheel *filename* fits this interpreter, 0 the best; None where it does not, or is no wheel.

    Only words that some tag of this interpreter has are combined: a name may hold a million combinations.
    """
    found = _WHEEL.fullmatch(filename) if len(filename) <= LENGTH else None
    if found is None or not release_of(filename)[0]:
        return None
    ranks, known = _ranks()
    thirds = [set(part.split(".")) & words for part, words in zip(found["tags"].lower().split("-"), known, strict=True)]
    return min((ranks[tag] for tag in product(*thirds) if tag in ranks), default=None)


def filename_of(url: str) -> str:
    """Last part of a URL or path, unquoted."""
    return unquote(urlsplit(url).path).rpartition("/")[2]


def release_of(filename: str) -> tuple[str, str]:
    """Normalised name and version that the file name of a wheel or source archive tells; empty where it tells none."""
    from packaging.utils import parse_sdist_filename, parse_wheel_filename

    if len(filename) > LENGTH:
        return "", ""
    try:
        if found := _WHEEL.fullmatch(filename):
            plain = f"{found['name']}-{found['version']}-py3-none-any.whl"
            return str(parse_wheel_filename(plain)[0]), str(parse_wheel_filename(plain)[1])
        name, version = parse_sdist_filename(filename)
    except ValueError:  # packaging's InvalidWheelFilename, InvalidSdistFilename and InvalidVersion
        return "", ""
    return str(name), str(version)
