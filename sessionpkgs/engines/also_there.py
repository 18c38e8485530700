"""Which other indexes have a name too that was taken from the first one: told, since nobody asked them for versions.

It is a courtesy after the choice: it waits a moment for heads of pages, and what does not come is not told. It changes
no choice and raises nothing for what an index does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from sessionpkgs.engines import at_once, words
from sessionpkgs.engines.pages import Index, Pages, declared
from sessionpkgs.errors import SessionPkgsError
from sessionpkgs.formats.wording import names as listed
from sessionpkgs.model import Lock
from sessionpkgs.settings import Sources

SECONDS = 3.0
MOST_NAMES = 50
THREAD = "sessionpkgs other indexes"
_SHOWN = 9
_WEB = ("http://", "https://")


def told(lock: Lock, sources: Sources, env: Mapping[str, str]) -> Lock:
    """*lock* with a notice for each index that has names of it which were taken from an index before it.

    Nobody is asked where only one index counts, or where pages of links may have given a name instead. *env* has the
    proxies, the certificates and the place of a netrc file.
    """
    linked = any(link.startswith(_WEB) for link in sources.find_links)
    names = [pin.name for pin in lock.pins if not pin.direct and pin.url.startswith(_WEB)]
    if linked or not names or len(declared(sources)) <= 1:
        return lock
    having = _asked(names[:MOST_NAMES], Pages(sources, env))
    groups: dict[tuple[Index, ...], list[str]] = {}
    for name in names:
        if len(indexes := having.get(name, ())) > 1:
            groups.setdefault(indexes, []).append(name)
    return replace(lock, notices=(*lock.notices, *(_notice(found, indexes) for indexes, found in groups.items())))


def _asked(names: list[str], pages: Pages) -> dict[str, tuple[Index, ...]]:
    """The indexes that have each of *names*, the one that it came from first; what is known after a few seconds."""

    def look(name: str, left: float) -> tuple[Index, ...]:
        return _having(name, pages, time.monotonic() + left)

    try:
        return at_once.ask(names, look, deadline=SECONDS, thread=THREAD)
    finally:
        pages.over.set()


def _having(name: str, pages: Pages, until: float) -> tuple[Index, ...]:
    """The indexes that have *name*; none where the one that it came from cannot be told."""
    found: list[Index] = []
    for index in pages.indexes:
        if not found and index == pages.indexes[-1]:
            break  # it came from there, and nobody is behind it
        try:
            found += [index] if pages.has(index, name, until) else []
        except SessionPkgsError:
            if not found:
                break
    return tuple(found)


def _notice(names: list[str], indexes: tuple[Index, ...]) -> str:
    """The sentence for *names*, which came from the first of *indexes*."""
    first, *others = _labels(indexes)
    one = len(names) == 1
    has = f"{words.joined(others)} {'has' if len(others) == 1 else 'have'} {'it' if one else 'them'}"
    was = "was" if len(others) == 1 else "were"
    comes = f"{listed(names, most=_SHOWN)} {'comes' if one else 'come'} from {first}"
    return f"{comes}; {has} too and {was} not asked for {'its' if one else 'their'} versions."


def _labels(indexes: tuple[Index, ...]) -> list[str]:
    """The hosts of *indexes*, with their paths where a host has several of them."""
    hosts = [index.host for index in indexes]
    whole = [index.url.partition("://")[2].rstrip("/") for index in indexes]
    return [host if hosts.count(host) == 1 else path for host, path in zip(hosts, whole, strict=True)]
