"""Engines: who chooses versions and who puts files into a folder. One file per engine, one row in ``ENGINES``.

An engine sees a View and gives a Lock with only what the View lacks; it then fills a fresh folder with exactly those
pins. It does not know layers, sessions or policy, and it never writes outside the folders of its :class:`Room`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sessionpkgs.errors import EngineMissing
from sessionpkgs.model import Lock, Pin, Requirement, View
from sessionpkgs.process import Runner, run
from sessionpkgs.settings import Sources

if TYPE_CHECKING:
    from sessionpkgs.engines.targets import Target

ENGINES = {
    "uv": "sessionpkgs.engines.uv:Uv",
    "pip": "sessionpkgs.engines.pip:Pip",
}


def _nothing() -> None:
    """Hear a tick and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where an engine works: folders that are its own, and how long it may take.

    ``stage`` is empty at the start and thrown away at the end; ``cache`` and ``views`` live on; ``python`` is the
    interpreter that will run what is installed; ``base`` is that interpreter's list of site folders.
    """

    stage: str
    cache: str
    views: str
    python: str
    base: tuple[str, ...] = ()
    deadline: float = 900.0
    tick: Callable[[], None] = _nothing
    runner: Runner = field(default=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to resolve. ``constraints`` are PEP 508 lines that narrow without asking; ``exact`` are ``name==version``
    lines taken even though the View has them; ``may_build`` is False for a plan, which never runs a package's code;
    ``explain`` asks for the edges of the dependency graph at any cost; ``fresh`` distrusts the files in the engine's
    cache, ``refresh`` its pages of the indexes. ``upgrade`` are names whose version in the View counts for nothing.
    ``target`` is another Python to resolve for, from wheels alone.
    """

    requirements: tuple[Requirement, ...]
    view: View
    sources: Sources
    folder: str
    constraints: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    upgrade: frozenset[str] = frozenset()
    pre: bool = False
    no_deps: bool = False
    wheels_only: bool = False
    may_build: bool = True
    explain: bool = False
    fresh: bool = False
    refresh: bool = False
    target: Target | None = None


class Engine(Protocol):
    """Resolves and installs."""

    name: str

    def resolve(self, request: Request, room: Room) -> Lock:
        """Exact pins of everything that *request* needs and its View lacks. Changes nothing outside *room*."""

    def install(self, pins: tuple[Pin, ...], into: str, request: Request, room: Room) -> None:
        """Put *pins*, and nothing else, into the new folder *into*, as ``pip install --target`` lays them out."""

    def forget(self, names: list[str], request: Request, room: Room) -> None:
        """Drop what the engine keeps unpacked of *names*."""


def find(name: str) -> Engine:
    """The engine called *name*; ``auto`` is uv where its program is there, else pip.

    Raises :class:`EngineMissing` for a name that is not in the table or whose program is not installed.
    """
    if name == "auto":
        try:
            return find("uv")
        except EngineMissing:
            return find("pip")
    if name not in ENGINES:
        raise EngineMissing(
            f"there is no engine called {name!r}", hint=f"One of: auto, {', '.join(ENGINES)}.", item=name
        )
    module, _, attribute = ENGINES[name].partition(":")
    made: Engine = getattr(importlib.import_module(module), attribute)()
    return made
