"""Which pools use what is in the workspace. It reads generations and changes nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sessionpkgs import places
from sessionpkgs.errors import NotFoundError, StoreError
from sessionpkgs.store import generations
from sessionpkgs.workspace import Artefact

JSON = dict[str, Any]


class Use(NamedTuple):
    """A generation of a pool; ``current`` is the one that new kernels get."""

    pool: str
    scope: str
    number: int
    current: bool
    told: JSON

    def to_dict(self) -> JSON:
        """JSON-ready form."""
        return {"pool": self.pool, "scope": self.scope, "number": self.number, "current": self.current}

    def has(self, artefact: Artefact) -> bool:
        """Whether the generation consists of *artefact* among others."""
        return any(row.get("sha256") == artefact.sha256 for row in (*self.told["packages"], *self.told["jars"]))

    def loses(self, going: Sequence[Artefact], staying: Sequence[Artefact]) -> set[str]:
        """Hashes of those of *going* without which the next generation would lack a name that the pool was assigned."""
        said = self.told["declaration"]
        words = [(word, "wheel") for word in said["packages"]] + [(word, "jar") for word in said["jars"]]
        lost: set[str] = set()
        for word, kind in words:
            if not any(one.kind == kind and one.answers(word) for one in staying):
                lost |= {one.sha256 for one in going if one.kind == kind and one.answers(word)}
        return lost


def every(env: Mapping[str, str]) -> list[Use]:
    """All generations of all pools, without those that cannot be read."""
    found: list[Use] = []
    for scope, root in places.pool_roots(env).items():
        for pool in generations.pools(root):
            now = generations.current(root, pool)
            for number in generations.numbers(root, pool):
                with contextlib.suppress(StoreError, NotFoundError):
                    found.append(Use(pool, scope, number, number == now, generations.read(root, pool, number)))
    return found


def current(env: Mapping[str, str]) -> list[Use]:
    """The generations that new kernels get. One that cannot be read gives no kernel anything, so it counts for nothing."""
    return [use for use in every(env) if use.current]


def assigned(artefact: Artefact, pool: str, env: Mapping[str, str]) -> bool:
    """Whether *artefact* was assigned to *pool* by name, and did not come with another."""
    told = [use.told["declaration"] for use in current(env) if use.pool == pool]
    return any(artefact.answers(word) for said in told for word in (*said["packages"], *said["jars"]))


def held(going: Sequence[Artefact], staying: Sequence[Artefact], env: Mapping[str, str]) -> dict[str, list[str]]:
    """Pools that would lack something if *going* went out of the workspace and *staying* stayed, by hash.

    That is what their current generations consist of, and the last artefact for a name that a pool was assigned. Raises
    :class:`StoreError`.
    """
    found: dict[str, list[str]] = {}
    for use in current(env):
        lost = use.loses(going, staying)
        for sha256 in (one.sha256 for one in going if use.has(one) or one.sha256 in lost):
            found.setdefault(sha256, []).append(use.pool)
    return found
