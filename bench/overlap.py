"""(c) a new layer that overlaps 90 % with an old one: time, disk, first import."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bases import Base, make
from layering import CHILD, declare, empty
from measure import Row, Series, environment, figure, output, run, times_faster

SHARED = [
    "pandas",
    "scikit-learn",
    "requests",
    "sympy",
    "networkx",
    "pillow",
    "matplotlib",
    "click",
    "attrs",
    "jinja2",
    "tqdm",
    "pyarrow",
    "cachetools",
    "toolz",
    "sqlalchemy",
    "pydantic",
]
OLD = [*SHARED, "humanize<4.10", "tabulate"]
NEW = [*SHARED, "humanize>=4.10", "more-itertools", "toml"]
MODULES = "pandas, sklearn"
IMPORT = f"import time; t = time.perf_counter(); import {MODULES}; print(time.perf_counter() - t)"


class _Overlap:
    """A home with the old layer, imported once, and what is measured over it."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.home = base.work / "homes" / "overlap"
        self.target = base.work / "targets" / "overlap"
        self.own, self.uv = Series("session, overlapping layer"), Series("uv pip install --target, same set")
        self.imported, self.fresh = (
            Series(f"first import {MODULES}, session"),
            Series(f"first import {MODULES}, uv target"),
        )
        self.second = Series(f"second import {MODULES}, uv target, for scale")
        self.shares: list[float] = []
        self.extra: list[int] = []
        self.size = 0
        self.counts = (0, 0, 0)

    def prepare(self) -> None:
        """Warm both caches, then build the old layer and import from it once."""
        empty(self.home)
        declare(self.base, self.home, "\n".join(NEW) + "\n")
        self._peer()
        empty(self.home)
        told = declare(self.base, self.home, "\n".join(OLD) + "\n", "", MODULES)
        old = self._dists()
        self.counts = (told["packages"], 0, len(old))
        self.uv.seconds.clear()
        self.fresh.seconds.clear()
        self.second.seconds.clear()

    def _dists(self) -> set[Path]:
        """Everything that a layer brought."""
        return {path for part in ("dists", "layers", "resolutions") for path in (self.home / part).iterdir()}

    def _disk(self) -> int:
        """Bytes on disk of distributions and layers, files with several names counted once."""
        argv = ["du", "-s", "-B1", "-c", *(self.home / part for part in ("dists", "layers", "resolutions"))]
        return int(output(argv, environment(self.base.work), self.base.work).splitlines()[-1].split()[0])

    def _peer(self) -> None:
        """uv's fresh target and the first import from it."""
        base, env = self.base, environment(self.base.work)
        shutil.rmtree(self.target, ignore_errors=True)
        argv = [base.uv, "pip", "install", "--python", base.python, "--target", self.target, *NEW]
        self.uv.add(run(argv, env, base.work))
        child = [base.python, "-c", IMPORT]
        self.fresh.add(float(output(child, {**env, "PYTHONPATH": str(self.target)}, base.work)))
        self.second.add(float(output(child, {**env, "PYTHONPATH": str(self.target)}, base.work)))
        shutil.rmtree(self.target, ignore_errors=True)

    def round(self) -> None:
        """One overlapping layer, undone afterwards, and one target of uv."""
        before, size = self._dists(), self._disk()
        env = environment(self.base.work, SESSIONPKGS_HOME=str(self.home))
        argv = [self.base.python, CHILD, "declare", "\n".join(NEW) + "\n", ""]
        told = json.loads(output(argv, env, self.base.work))
        if told["source"] != "built":
            raise RuntimeError(f"the layer was {told['source']}, not built")
        extra = self._disk() - size
        again = json.loads(output([*argv, MODULES], env, self.base.work))
        made = self._dists() - before
        self.own.add(told["seconds"])
        self.imported.add(again["first import"])
        self.extra.append(extra)
        self.shares.append(100 * extra / size)
        self.size = size
        fresh = sum(path.parent.name == "dists" for path in made)
        self.counts = (self.counts[0], told["packages"], fresh)
        for path in made:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._peer()

    def rows(self) -> list[Row]:
        """The table's lines."""
        share = max(self.shares)
        return [
            figure(self.own),
            figure(self.uv),
            times_faster(self.own, self.uv, 3, "uv / session"),
            Row(
                f"extra disk: {max(self.extra) / 1e6:.2f} MB over {self.size / 1e6:.0f} MB",
                "",
                f"{min(self.shares):.2f} - {share:.2f} %",
                f"{share:.2f} %",
                "< 2 %",
                share < 2,
            ),
            figure(self.imported),
            figure(self.fresh),
            figure(self.second),
            times_faster(self.imported, self.fresh, 3, "first import, uv target / session"),
        ]


def overlap(work: Path, rounds: int) -> list[tuple[str, list[Row]]]:
    """The table of (c)."""
    one = _Overlap(make(work, "bare"))
    one.prepare()
    for _ in range(rounds):
        one.round()
    old, new, fresh = one.counts
    title = f"(c) a new layer of {new} distributions, {fresh} of them not in the old one of {old}"
    return [(f"{title}, {rounds} rounds", one.rows())]
