"""(a) reopening a declaration in a new kernel, and (d) ``%load_ext``: cells against an empty cell of the same kernel."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from bases import Base, make
from kernels import Kernel, middle
from measure import Row, Series, at_most, environment, figure, run, times_faster

TEXT = "rich\nhumanize\n"
CELL = f"%%session_env\n{TEXT}"
SATISFIED = "requests"

REST = 0.1
"""Seconds between ``%load_ext`` and the next cell, far less than a person needs."""


class _Ways:
    """The ways that are compared over one base."""

    def __init__(self, base: Base) -> None:
        self.base, self.work = base, base.work
        self.home = self.work / "homes" / f"reopen-{base.name}"
        shutil.rmtree(self.home, ignore_errors=True)
        self.env = environment(self.work, SESSIONPKGS_HOME=str(self.home), PATH=_path(base, self.work))
        self.empty = Series("empty cell (pass)")
        self.cell = Series("%%session_env cell, reopened")
        self.own = Series("own time: cell - empty cell of the same kernel")
        self.both = Series("%load_ext and the cell back to back, own time of both")
        self.uv = Series("uv pip install no-op, by subprocess")
        self.uv_own = Series("!uv pip install no-op cell, own time")
        self.pip_own = Series("%pip install no-op cell, own time")
        self.start = Series("kernel start, for scale")

    def prepare(self) -> None:
        """Build the layer once; what follows is reopened."""
        with Kernel(self.base.python, self.env, self.work) as kernel:
            kernel.cell("%load_ext sessionpkgs")
            source = kernel.cell(CELL).record()["source"]
            if source != "built":
                raise RuntimeError(f"the first declaration was {source}, not built")

    def reopened(self) -> None:
        """One fresh kernel that reopens; the record must say so, and the packages must be there."""
        with Kernel(self.base.python, self.env, self.work) as kernel:
            empty = kernel.empty()
            kernel.cell("%load_ext sessionpkgs")
            time.sleep(REST)
            empty += kernel.empty(2)
            done = kernel.cell(CELL)
            source = done.record()["source"]
            if source != "remembered":
                raise RuntimeError(f"the declaration was {source}, not remembered")
            if "sessionpkgs" not in kernel.cell("import rich, humanize; print(rich.__file__)").text:
                raise RuntimeError("rich was not imported from the layer")
            self.start.add(kernel.ready)
            self.empty.add(middle(empty))
            self.cell.add(done.seconds)
            self.own.add(done.seconds - middle(empty))

    def back_to_back(self) -> None:
        """One fresh kernel as Run All has it: ``%load_ext`` and the declaration without a moment in between."""
        with Kernel(self.base.python, self.env, self.work) as kernel:
            empty = middle(kernel.empty())
            first, second = kernel.cell("%load_ext sessionpkgs"), kernel.cell(CELL)
            if second.record()["source"] != "remembered":
                raise RuntimeError("the declaration was not remembered")
            self.both.add(first.seconds + second.seconds - 2 * empty)

    def peer(self, code: str, series: Series) -> None:
        """One fresh kernel without the project that runs *code*."""
        with Kernel(self.base.python, self.env, self.work) as kernel:
            empty = middle(kernel.empty())
            done = kernel.cell(code)
            if "sessionpkgs" in kernel.cell("import sys; print(*sys.modules)").text.split():
                raise RuntimeError("the peer's kernel has loaded sessionpkgs")
            series.add(done.seconds - empty)

    def round(self) -> None:
        """All ways once, one after the other."""
        base = self.base
        self.reopened()
        self.back_to_back()
        argv = [base.uv, "pip", "install", "--python", base.python, SATISFIED]
        self.uv.add(run(argv, self.env, self.work))
        self.peer("!" + " ".join(map(str, argv)), self.uv_own)
        self.peer(f"%pip install {SATISFIED}", self.pip_own)

    def rows(self) -> list[Row]:
        """The table's lines."""
        return [
            figure(self.start),
            figure(self.empty),
            figure(self.cell),
            at_most(self.own, 0.005),
            at_most(self.both, 0.008),
            figure(self.uv),
            times_faster(self.own, self.uv, 5, "uv subprocess / own time"),
            figure(self.uv_own),
            times_faster(self.own, self.uv_own, 5, "!uv cell / own time"),
            figure(self.pip_own),
            times_faster(self.own, self.pip_own, 100, "%pip cell / own time"),
        ]


def _path(base: Base, work: Path) -> str:
    """PATH with the base's scripts first, as in an activated environment."""
    return f"{base.folder / 'bin'}:{environment(work)['PATH']}"


def reopen(work: Path, rounds: int) -> list[tuple[str, list[Row]]]:
    """Tables of (a), one a base; the bases take turns within a round."""
    every = [_Ways(make(work, kind)) for kind in ("small", "many")]
    for ways in every:
        ways.prepare()
        ways.reopened()  # warms Python's bytecode and the page cache; not counted
        for series in (ways.empty, ways.cell, ways.own, ways.start):
            series.seconds.clear()
    for _ in range(rounds):
        for ways in every:
            ways.round()
    return [
        (f"(a) reopening {TEXT.split()} in a new kernel, base of {ways.base.count()} distributions", ways.rows())
        for ways in every
    ]


def load_ext(work: Path, rounds: int) -> list[tuple[str, list[Row]]]:
    """The table of (d)."""
    base = make(work, "small")
    env = environment(work, SESSIONPKGS_HOME=str(work / "homes" / "load-ext"))
    empty, cell, own = (
        Series("empty cell (pass)"),
        Series("%load_ext sessionpkgs cell"),
        Series("own time of %load_ext"),
    )
    for number in range(rounds + 1):
        with Kernel(base.python, env, work) as kernel:
            floor = middle(kernel.empty())
            took = kernel.cell("%load_ext sessionpkgs").seconds
        if number:  # the first round warms the page cache
            empty.add(floor)
            cell.add(took)
            own.add(took - floor)
    rows = [figure(empty), figure(cell), at_most(own, 0.003)]
    return [(f"(d) %load_ext in a fresh kernel, base of {base.count()} distributions", rows)]
