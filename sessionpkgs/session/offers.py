"""What to add when an import finds no module: only what a distribution's own files say, never a guess.

A name leaves the machine only if our tables know it, so neither a typo nor a private module reaches an index, and no
look-alike is ever offered. It shows nothing and changes nothing; every failure inside is no offer.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.machinery import all_suffixes
from typing import Literal

from sessionpkgs import policy
from sessionpkgs.engines import Request, Room, fence, find, wheel_listing
from sessionpkgs.errors import DeadlineError, PolicyError, SessionPkgsError, clean
from sessionpkgs.formats.conda_names.same import SAME
from sessionpkgs.model import Pin, Requirement, Spec, View
from sessionpkgs.policy.judging import Policy
from sessionpkgs.process import Timed
from sessionpkgs.settings import Sources
from sessionpkgs.store import Store, modules_of

DEADLINE = 6.0
"""Seconds for all of an offer."""
LONGEST = 100
"""Characters of a module name that is worth a look."""
_MOST = 2
_EVERYBODYS = frozenset({
    "app", "benchmarks", "common", "conf", "config", "conftest", "core", "data", "doc", "docs", "example", "examples",
    "helpers", "lib", "main", "models", "notebooks", "scripts", "setup", "src", "test", "tests", "tools", "util", "utils",
})  # fmt: skip
"""Names of people's own modules, which many wheels hold by mistake too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """*distribution* has *module*: ``source`` says whose files were looked at, ``line`` is what brings it."""

    module: str
    distribution: str
    version: str
    source: Literal["store", "index"]
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where to look. ``present`` are the normalised names that base and session have, ``table`` is import name to
    distribution, ``folder`` is where the user's own modules lie. ``room`` needs no stage: one is made when it is needed.
    """

    store: Store
    room: Room
    sources: Sources
    env: Mapping[str, str]
    folder: str
    present: Collection[str]
    table: Mapping[str, str]
    engine: str = "auto"
    policy: Policy = field(default_factory=Policy)

    def may(self, name: str, version: str = "") -> bool:
        """Whether the policy lets *name* in, in *version* or, without one, in some."""
        if name in policy.PROTECTED or name in self.policy.protected:
            return False
        if not version:
            asked = Spec(requirements=(Requirement(line=name, name=name),))
            try:
                self.policy.check_declared(asked, View())
            except PolicyError:
                return False
            return True
        return not any(self.policy.unwanted([Pin(name=name, version=version)]))


def offer(module: str, search: Search, *, deadline: float = DEADLINE) -> Offer | None:
    """The distribution that has the missing *module*; None where nothing certain is known within *deadline* seconds.

    None too where a distribution that is present should have it: then something else is wrong. Raises nothing of its
    own; an interrupt passes through.
    """
    until = time.monotonic() + deadline
    try:
        if not _worth_a_look(module, search.folder):
            return None
        names = tuple(name for name in candidates(module, search.table) if search.may(name))
        if any(name in search.present for name in names):
            return None
        search.store.prepare()
        held = modules_of.holders(search.store, module)
        if any(name in search.present for name, _ in held):
            return None
        held = tuple((name, version) for name, version in held if search.may(name, version))
        return _stored(module, names, held) or _indexed(module, names, search, until)
    except (SessionPkgsError, OSError):
        return None


def candidates(module: str, table: Mapping[str, str]) -> tuple[str, ...]:
    """Normalised names of distributions that may have *module*: what *table* says, then a well-known one of that name.

    A dotted module is looked up whole and then shorter: ``google.cloud.storage.blob`` finds ``google-cloud-storage``.
    """
    from packaging.utils import canonicalize_name

    parts = module.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    listed = [str(canonicalize_name(table[prefix])) for prefix in prefixes if prefix in table]
    namesakes = [name for prefix in prefixes if (name := str(canonicalize_name(prefix))) in SAME]
    return tuple(name for name in dict.fromkeys((*listed, *namesakes)) if name not in policy.PROTECTED)


def _worth_a_look(module: str, folder: str) -> bool:
    """Whether *module* can be a distribution's: well formed, not Python's own, not protected, not the user's file."""
    top = module.partition(".")[0]
    if len(module) > LONGEST or module.startswith("_") or not all(part.isidentifier() for part in module.split(".")):
        return False
    if top in sys.stdlib_module_names or top in policy.PROTECTED_TOP_LEVELS:
        return False
    return not any(os.path.lexists(os.path.join(folder, top + suffix)) for suffix in ("", *all_suffixes()))


def _stored(module: str, names: Sequence[str], held: Sequence[tuple[str, str]]) -> Offer | None:
    """The offer of what the store has; of several names a candidate's, else that of the module, else none."""
    from packaging.utils import canonicalize_name

    if not names and module.partition(".")[0] in _EVERYBODYS:
        return None
    versions: dict[str, str] = {}
    for name, version in held:
        versions.setdefault(name, version)
    preferred = versions if len(versions) == 1 else (*names, str(canonicalize_name(module)))
    chosen = next((name for name in preferred if name in versions), None)
    return _made(module, chosen, versions[chosen], "store") if chosen else None


def _indexed(module: str, names: Sequence[str], search: Search, until: float) -> Offer | None:
    """The offer of what the index has: the first candidate whose wheel for this Python lists *module*."""
    bundle, hosts = search.sources.certificate, fence.allowed(search.sources)
    for name in names[:_MOST]:
        pin = _chosen(name, search, until)
        if (
            pin is not None
            and search.may(name, pin.version)
            and search.policy.allows(pin.url)
            and module
            in wheel_listing.modules(
                pin.url, deadline=until - time.monotonic(), env=search.env, certificate=bundle, hosts=hosts
            )
        ):
            return _made(module, name, pin.version, "index")
    return None


def _chosen(name: str, search: Search, until: float) -> Pin | None:
    """The wheel of *name* that the engine takes here; nothing is built and nothing is installed."""
    request = Request(
        requirements=(Requirement(line=name, name=name),),
        view=View(),
        sources=search.sources,
        folder=search.folder,
        no_deps=True,
        wheels_only=True,
        may_build=False,
    )

    def left(most: float) -> float:
        if (there := until - time.monotonic()) <= 0:
            raise DeadlineError("there is no time left for an offer")
        return min(most, there)

    with search.store.stage() as stage:
        room = replace(search.room, stage=stage, runner=Timed(search.room.runner, left))
        lock = find(search.engine).resolve(request, room)
    return next((pin for pin in lock.pins if pin.name == name and pin.kind == "wheel"), None)


def _made(module: str, name: str, version: str, source: Literal["store", "index"]) -> Offer:
    """The offer of *name*."""
    return Offer(
        module=module, distribution=name, version=clean(version), source=source, line=f"%session_env add {name}"
    )
