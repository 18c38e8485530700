"""The rules in one ``policy.toml``: a frozen value, read from its table.

Pure: it opens no file. What several files mean together is in ``judging``. A key that is not known or not of its type makes
the whole file void, and a void file forbids everything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sessionpkgs.errors import PolicyError, conceal
from sessionpkgs.policy import entries, reach

Switch = bool | Literal["interactive"]
_STILL = "Until then status, list, reset and doctor work, and nothing else."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the file ``origin`` says; None, an empty list or the default where it says nothing of a key.

    ``reach`` is not a key: the hosts that alone may be reached, None for every one, as ``indexes``, ``hosts`` and
    ``closed_network`` give them together.
    """

    origin: str
    session_packages: Switch = True
    indexes: tuple[str, ...] | None = None
    channels: tuple[str, ...] | None = None
    closed_network: bool = False
    hosts: tuple[str, ...] | None = None
    wheels_only: bool = False
    require_hashes: bool = False
    allow: tuple[entries.Entry, ...] | None = None
    deny: tuple[entries.Entry, ...] = ()
    protected: tuple[str, ...] = ()
    max_megabytes: float | None = None
    max_seconds: float | None = None
    jar_repositories: tuple[str, ...] | None = None
    on_start: bool = True
    reach: tuple[str, ...] | None = None

    def told(self, key: str, value: str = "") -> str:
        """The rule *key* as a sentence names it, with its file; *value* is the part of it that counts."""
        return f"{key} = {value or written(getattr(self, key))} ({self.origin})"

    def limiting(self) -> str:
        """The key that limits hosts, "" where none does."""
        if self.closed_network:
            return "closed_network"
        if self.hosts is not None:
            return "hosts"
        return "indexes" if self.indexes is not None else ""


def written(value: object) -> str:
    """*value* as a message writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        shown = [one.text if isinstance(one, entries.Entry) else str(one) for one in value]
        return ", ".join(shown) or "[]"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def void(origin: str, why: str, hint: str = "Ask who looks after this machine to mend it.") -> PolicyError:
    """The refusal of everything, for the file *origin* that cannot be obeyed because *why*."""
    return PolicyError(
        f"the policy {origin} {why}, so nothing may be changed", hint=f"{hint} {_STILL}", item=origin, rule="policy"
    )


def parse(table: Mapping[str, Any], origin: str) -> Rules:
    """The rules in the *table* of the file *origin*. Raises :class:`PolicyError` for an unknown key or a wrong type."""
    chosen: dict[str, Any] = {}
    for key, value in table.items():
        if key not in READERS:
            from difflib import get_close_matches

            near = get_close_matches(key, READERS, n=1)
            raise void(
                origin,
                f"has an unknown key {key!r}",
                f"Did you mean {near[0]}?" if near else f"Known: {', '.join(READERS)}.",
            )
        try:
            chosen[key] = READERS[key](value)
        except (TypeError, ValueError) as error:
            raise void(origin, f"cannot be used: {key} {error}") from None
    made = Rules(origin=origin, **chosen)
    for url in (*(made.indexes or ()), *(made.jar_repositories or ())):
        conceal(url)
    return made


def _flag(value: object) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise TypeError(f"is {value!r}, neither true nor false")
    return value


def _switch(value: object) -> Switch:
    """A truth value, or the word for runs with a person before them."""
    if value == "interactive":
        return "interactive"
    if not isinstance(value, bool):
        raise TypeError(f'is {value!r}, none of true, false and "interactive"')
    return value


def _texts(value: object) -> tuple[str, ...]:
    """A list of words."""
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() for one in value):
        raise TypeError("is not a list of words in quotes")
    return tuple(one.strip() for one in value)


def _urls(value: object) -> tuple[str, ...]:
    """A list of URLs."""
    found = _texts(value)
    for one in found:
        if not re.match(r"(?:https?|file)://", one) or reach.host_of(one) == reach.NOWHERE:
            raise ValueError(f"has {one!r}, which is no URL")
    return found


def _hosts(value: object) -> tuple[str, ...]:
    """A list of names of hosts; what lies below one is meant with it."""
    found = tuple(one.removeprefix("*.").lower() for one in _texts(value))
    for one in found:
        if not re.fullmatch(r"[\w-]+(?:\.[\w-]+)*|\[?[\da-f]*:[\da-f:.]+\]?", one):
            raise ValueError(f"has {one!r}, which is no name of a host (without scheme, port and path)")
    return tuple(one.strip("[]") for one in found)


def _entries(value: object) -> tuple[entries.Entry, ...]:
    """A list of names with version conditions."""
    return tuple(map(entries.read, _texts(value)))


def _names(value: object) -> tuple[str, ...]:
    """A list of names of distributions."""
    found = _texts(value)
    for one in found:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", one):
            raise ValueError(f"has {one!r}, which is no name of a distribution")
    return tuple(re.sub(r"[-_.]+", "-", one).lower() for one in found)


def _number(value: object) -> float:
    """A number that is not below zero."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"is {value!r}, which is no number from 0 up")
    return float(value)


READERS: dict[str, Callable[[object], Any]] = {
    "session_packages": _switch,
    "indexes": _urls,
    "channels": _texts,
    "closed_network": _flag,
    "hosts": _hosts,
    "wheels_only": _flag,
    "require_hashes": _flag,
    "allow": _entries,
    "deny": _entries,
    "protected": _names,
    "max_megabytes": _number,
    "max_seconds": _number,
    "jar_repositories": _urls,
    "on_start": _flag,
}
"""What reads the value of each key."""
