"""The nouns: frozen values that pass from floor to floor.

They do not know files, processes, sys.path or how they are shown. Creating a dataclass costs about 0.7 ms at import, so
the path that reopens a known declaration (``reopen.py``) does not import this module.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Literal

from sessionpkgs.errors import conceal

Level = Literal["base", "pool", "session"]
Kind = Literal["wheel", "sdist", "vcs", "directory"]

LAYOUT = 2
"""Version of the on-disk layout; part of every key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One line of a declaration.

    ``line`` is a PEP 508 requirement (``numpy<2``, ``demo @ https://…``), or for a source without a name a path or
    VCS URL. ``name`` is normalised (PEP 503), empty where the line has none. ``where`` is the place in the text that
    a message can point to. ``hashes`` are ``sha256:…`` values of which the artefact must have one. ``no_deps`` brings the
    distribution without what it requires.
    """

    line: str
    name: str = ""
    where: str = ""
    hashes: tuple[str, ...] = ()
    editable: bool = False
    no_deps: bool = False

    def __post_init__(self) -> None:
        """Make a login known that is not to be seen."""
        conceal(self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What was asked. ``a | b`` merges: associative, idempotent, the right one wins where only one value can stand.

    ``pins`` are the exact artefacts of a lock; each has a requirement of its name too.
    """

    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    python: tuple[Requirement, ...] = ()
    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    pre: bool = False
    require_hashes: bool = False
    pins: tuple[Pin, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __or__(self, other: Spec) -> Spec:
        """Both declarations in one, duplicates once."""
        merged: dict[str, object] = {}
        for item in fields(self):
            mine, theirs = getattr(self, item.name), getattr(other, item.name)
            merged[item.name] = mine or theirs if isinstance(mine, bool) else tuple(dict.fromkeys((*mine, *theirs)))
        merged["variables"] = tuple(dict((*self.variables, *other.variables)).items())
        return replace(self, **merged)  # type: ignore[arg-type]

    def without(self, names: Iterable[str]) -> Spec:
        """This declaration without the requirements and the pins of *names* (normalised)."""
        gone = frozenset(names)
        return replace(
            self,
            requirements=tuple(one for one in self.requirements if one.name not in gone),
            pins=tuple(pin for pin in self.pins if pin.name not in gone),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One artefact exactly. ``url`` may be a file URL; ``sha256`` is of the artefact, empty for VCS and directories."""

    name: str
    version: str
    url: str = ""
    sha256: str = ""
    size: int = 0
    kind: Kind = "wheel"
    commit: str = ""
    editable: bool = False
    requested: bool = False
    direct: bool = False

    @property
    def mutable(self) -> bool:
        """True for a local folder: its content may change, so it never enters the store."""
        return self.kind == "directory"

    def identity(self, tag: str) -> str:
        """Folder name in the store: name, version and the first 20 hex digits over artefact and interpreter *tag*."""
        artefact = self.sha256 or f"{self.url}@{self.commit}"
        digest = hashlib.sha256(f"{LAYOUT}\n{artefact}\n{tag}".encode()).hexdigest()[:20]
        return f"{self.name}-{self.version}-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dist:
    """One distribution that is present. ``path`` is its ``.dist-info`` or ``.egg-info``."""

    name: str
    version: str
    level: Level
    path: str
    requires: tuple[str, ...] = ()
    pin: Pin | None = None


class View(Mapping[str, Dist]):
    """What a session sees, by normalised name; the nearest layer first."""

    def __init__(self, *layers: Iterable[Dist], fingerprint: str = "") -> None:
        self.fingerprint = fingerprint
        self._dists: dict[str, Dist] = {}
        for layer in layers:
            for dist in layer:
                self._dists.setdefault(dist.name, dist)

    def __getitem__(self, name: str) -> Dist:
        """The distribution of that name."""
        return self._dists[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._dists)

    def __len__(self) -> int:
        """How many distributions there are."""
        return len(self._dists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What the engine chose: every Pin that base lacks. ``asked_by`` holds (name, asker) pairs where they are known."""

    pins: tuple[Pin, ...] = ()
    engine: str = ""
    asked_by: tuple[tuple[str, str], ...] = ()
    built: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A distribution that would change while its modules are loaded; ``held_by`` names who keeps the old objects."""

    name: str
    old: str
    new: str
    modules: tuple[str, ...]
    held_by: tuple[str, ...] = ()
    refreshable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Lock minus View. ``digest`` names the Layer; it is a function of artefacts and interpreter, never of the text."""

    install: tuple[Pin, ...]
    keep: tuple[Dist, ...] = ()
    shadow: tuple[Dist, ...] = ()
    drop: tuple[Dist, ...] = ()
    breaks: tuple[str, ...] = ()
    imported: tuple[Loaded, ...] = ()
    notices: tuple[str, ...] = ()
    tag: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """An immutable directory of links into the store's distributions."""

    digest: str
    path: str
    dists: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One row of a Record: a distribution that the session brings or keeps.

    ``base`` is the version below it that it hides, or keeps. ``origin`` says where it came from: ``base``, ``pool ml``,
    ``workspace``, the host of an index, a folder of wheels, or the place that was asked for, without a login.
    """

    name: str
    version: str
    base: str = ""
    layer: Level = "session"
    state: str = "active"
    sha256: str = ""
    url: str = ""
    commit: str = ""
    size: int = 0
    requested: bool = False
    kind: Kind = "wheel"
    direct: bool = False
    editable: bool = False
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one apply did, as it stands in the journal and in the notebook's output.

    A plan's says how many bytes are still to ``fetch`` and how many seconds are ``expected``. What is needed to have the
    same again, and to say what changed since: ``tag`` is the interpreter's, ``distributions`` are name and version of
    all that is below the session, ``indexes`` and ``find_links`` where it was looked (without logins), ``declared`` is whether the declaration
    said so itself, ``values`` are the ``variables`` that are no secrets, with their values. Of a pool there are its name
    and generation (``pool``: ``ml 3``), the digest of its layer, name and version of all that it brings, and rows as those
    of ``packages`` for what its own declaration asks for and for its jars (kind ``jar``).
    """

    action: str
    session: str
    python: str
    base: str
    engine: str = ""
    layer: str = ""
    source: str = "built"
    created: str = ""
    seconds: float = 0.0
    fetch: int = 0
    expected: float = 0.0
    requested: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    dropped: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    steps: tuple[tuple[str, float], ...] = field(default=())
    tag: str = ""
    distributions: tuple[tuple[str, str], ...] = ()
    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    declared: bool = False
    values: tuple[tuple[str, str], ...] = ()
    pool: str = ""
    pool_layer: str = ""
    pool_distributions: tuple[tuple[str, str], ...] = ()
    pool_packages: tuple[dict[str, object], ...] = ()

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form, schema ``application/vnd.sessionpkgs.env.v1+json``."""
        pairs = ("distributions", "values", "pool_distributions")
        return {"schema": 1, **asdict(self), **{name: dict(getattr(self, name)) for name in pairs}}
