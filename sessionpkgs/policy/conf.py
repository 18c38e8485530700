"""What Spark fetches by itself, read from its settings: coordinates, repositories, files.

Pure: it opens nothing and judges nothing. Source: Spark's documentation, "Configuration" and "Advanced Dependency
Management".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

REPOSITORIES = "spark.jars.repositories"
_RESOLVING = ("spark.jars.packages", "spark.jars.ivySettings")
_FILES = ("spark.jars", "spark.files", "spark.archives", "spark.submit.pyFiles")
_REMOTE = re.compile(r"(?:https?|ftp):", re.IGNORECASE)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:/|/", re.IGNORECASE)
_COORDINATE = re.compile(r"ivy:", re.IGNORECASE)


class Fetch(NamedTuple):
    """What the setting *key* has fetched: from the *place* (a URL), or where that is empty from wherever Spark looks."""

    key: str
    place: str


def fetches(conf: Mapping[str, str]) -> Iterator[Fetch]:
    """What Spark fetches by itself with the settings *conf*; a coordinate with repositories is fetched from these."""
    named = _parts(conf.get(REPOSITORIES, ""))
    yield from (Fetch(REPOSITORIES, one) for one in named)
    for key in _RESOLVING:
        value = conf.get(key, "").strip()
        if value and not any(map(_ADDRESS.match, named)):
            yield Fetch(key, "")
        if _REMOTE.match(value):
            yield Fetch(key, value)
    for key in _FILES:
        for one in _parts(conf.get(key, "")):
            if _REMOTE.match(one):
                yield Fetch(key, one.partition("#")[0])
            elif _COORDINATE.match(one):
                query = parse_qs(one.partition("?")[2])
                places = [place for value in query.get("repos", ()) for place in _parts(value)]
                yield from (Fetch(key, place) for place in places or [""])


def _parts(value: str) -> list[str]:
    """The parts of a list in a setting."""
    return [part.strip() for part in value.split(",") if part.strip()]
