"""Wheel tags in words: for which Pythons and on which systems a release runs (PEP 425)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sessionpkgs.engines.words import joined

_SYSTEMS = {"manylinux": "Linux", "musllinux": "Linux with musl", "linux": "Linux", "macosx": "macOS", "win": "Windows"}


def pythons(tags: Iterable[str]) -> str:
    """The Pythons of some *tags*: ``Python 3.8 to 3.10``; empty where none names one."""
    found = sorted({(int(m[1]), int(m[2])) for tag in tags if (m := re.match(r"cp(\d)(\d+)", tag))})
    if not found:
        return ""
    first, *more = [f"{major}.{minor}" for major, minor in found]
    between = "to" if len(more) > 1 else "and"
    return f"Python {first} {between} {more[-1]}" if more else f"Python {first}"


def offered(version: str, tags: Sequence[Sequence[str]]) -> str:
    """What *version* has instead, from the *tags* of its wheels, each a (python, abi, platform); empty for none."""
    systems = [said for start, said in _SYSTEMS.items() for tag in tags if tag[2].startswith(start)]
    where = [pythons(tag[0] for tag in tags), f"on {joined(dict.fromkeys(systems))}" if systems else ""]
    told = " ".join(part for part in where if part)
    return f"version {version} has wheels for {told}" if told else ""
