"""(b) a new layer with warm download caches, against ``uv pip install --target`` and stock ``pip install --target``.

Each round empties ``dists``, ``layers`` and ``resolutions`` of the home and keeps its ``cache``; targets are fresh
folders on the same filesystem. Ours includes what it does beyond an install: the check of every byte, the split, the
links. The clock runs around ``declare`` alone, and around the whole program for uv and pip.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bases import Base, make
from measure import Row, Series, environment, figure, output, run, times_faster, times_longer

CHILD = Path(__file__).resolve().parent / "child.py"
EMPTIED = ("dists", "layers", "resolutions", "sessions", "trash")
SETS = (("rich", "rich", 4), ("pandas+scikit-learn", "pandas scikit-learn", 12), ("mlflow", "mlflow", 12))
FEW = 3
"""Rounds of pip for the largest set, where each takes a minute, and of pip without compilation."""


@dataclass(slots=True)
class Steps:
    """Seconds of the steps that the records tell, by step."""

    seconds: dict[str, Series] = field(default_factory=dict)

    def add(self, steps: list[list[Any]]) -> None:
        """Note one record's steps."""
        for name, value in steps:
            self.seconds.setdefault(name, Series(f"  of it, {name}")).add(value)

    def rows(self) -> list[Row]:
        """The table's lines."""
        return [figure(series) for series in self.seconds.values()]


def declare(base: Base, home: Path, text: str, *more: str, verb: str = "declare") -> dict[str, Any]:
    """What ``child.py`` tells of one declaration in a new process over *base*."""
    env = environment(base.work, SESSIONPKGS_HOME=str(home))
    told: dict[str, Any] = json.loads(output([base.python, CHILD, verb, text, *(more or ("",))], env, base.work))
    return told


def empty(home: Path) -> None:
    """Leave only what an engine downloaded, and the stub of the base."""
    for name in EMPTIED:
        shutil.rmtree(home / name, ignore_errors=True)
        if home.exists():
            (home / name).mkdir(mode=0o700)


class _Set:
    """One set of requirements and the ways to install it."""

    def __init__(self, base: Base, label: str, names: str) -> None:
        self.base, self.label, self.names = base, label, names.split()
        self.home = base.work / "homes" / "layering"
        self.target = base.work / "targets" / "fresh"
        self.own = {engine: Series(f"session, engine {engine}") for engine in ("uv", "pip")}
        self.steps = {engine: Steps() for engine in ("uv", "pip")}
        self.uv = Series("uv pip install --target")
        self.offline = Series("uv pip install --target --offline, for scale")
        self.pip = Series("pip install --target (compiles)")
        self.bare = Series("pip install --target --no-compile")

    def ours(self, engine: str) -> None:
        """One new layer."""
        empty(self.home)
        told = declare(self.base, self.home, "\n".join(self.names) + "\n", engine)
        if told["source"] != "built":
            raise RuntimeError(f"the layer was {told['source']}, not built")
        self.own[engine].add(told["seconds"])
        self.steps[engine].add(told["steps"])

    def peer(self, series: Series, *argv: object) -> None:
        """One fresh target."""
        shutil.rmtree(self.target, ignore_errors=True)
        env = environment(self.base.work)
        series.add(run([*argv, "--target", self.target, *self.names], env, self.base.work))
        shutil.rmtree(self.target, ignore_errors=True)

    def fast(self) -> None:
        """Ours and plain uv."""
        self.ours("uv")
        argv = (self.base.uv, "pip", "install", "--python", self.base.python)
        self.peer(self.uv, *argv)
        self.peer(self.offline, *argv, "--offline")

    def slow(self) -> None:
        """Stock pip, and ours with pip."""
        self.peer(self.pip, self.base.python, "-m", "pip", "install")
        self.ours("pip")

    def uncompiled(self) -> None:
        """pip without its compilation, which is not stock but nearer to what the engine pip does."""
        self.peer(self.bare, self.base.python, "-m", "pip", "install", "--no-compile")

    def forget(self) -> None:
        """Forget what was measured so far."""
        for series in (*self.own.values(), self.uv, self.offline, self.pip, self.bare):
            series.seconds.clear()
        self.steps = {engine: Steps() for engine in ("uv", "pip")}

    def rows(self, goal: int) -> list[Row]:
        """The table's lines."""
        own, few = self.own["uv"], len(self.pip.seconds)
        cut = Series(own.name, own.seconds[:few])
        return [
            figure(own),
            *self.steps["uv"].rows(),
            figure(self.uv),
            figure(self.offline),
            times_longer(own, self.uv, 1.25, "session / uv"),
            figure(self.pip),
            times_faster(cut, self.pip, goal, "stock pip / session"),
            figure(self.own["pip"]),
            *self.steps["pip"].rows(),
            times_longer(self.own["pip"], self.pip, 1.6, "session, engine pip / plain pip"),
            figure(self.bare),
            Row(
                "session, engine pip / pip --no-compile (stricter, no goal)",
                "",
                ratio=_ratio(self.own["pip"], self.bare),
            ),
        ]


def _ratio(one: Series, other: Series) -> str:
    """Ratio of two medians."""
    return f"{one.median / other.median:.2f}"


def layering(work: Path, rounds: int) -> Iterator[tuple[str, list[Row]]]:
    """Tables of (b), one a set, each as soon as it is measured."""
    base = make(work, "bare")
    for used in (work / "homes" / "layering", work / "peers" / "uv-cache"):
        shutil.rmtree(used, ignore_errors=True)  # what an index said in another run decides how often uv asks again
    for label, names, goal in SETS:
        one = _Set(base, label, names)
        one.fast()
        one.slow()  # both warm the caches and are not counted
        one.forget()
        few = min(rounds, FEW) if label == "mlflow" else rounds
        for number in range(rounds):
            one.fast()
            if number < few:
                one.slow()
            if number < FEW:
                one.uncompiled()
        said = f", pip {few} rounds" if few < rounds else ""
        yield f"(b) a new layer of {label}, warm caches, {rounds} rounds{said}", one.rows(goal)
