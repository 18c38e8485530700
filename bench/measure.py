"""Numbers: series of seconds, rows with a goal, tables, and what must be said about the machine.

It does not know what is measured. A row is never softened: a goal that is missed is printed as NOT REACHED.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess  # noqa: TID251 - peers are programs
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Series:
    """Seconds of one measured thing, one value a round."""

    name: str
    seconds: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        """Note one round."""
        self.seconds.append(value)

    @property
    def median(self) -> float:
        """Median in seconds."""
        return statistics.median(self.seconds)

    def spread(self) -> str:
        """Smallest, the two quartiles and the largest in ms: ``min [q1-q3] max``."""
        low, high = min(self.seconds), max(self.seconds)
        if len(self.seconds) < 4:
            return f"{ms(low)} - {ms(high)}"
        first, _, third = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return f"{ms(low)} [{ms(first)}-{ms(third)}] {ms(high)}"


@dataclass(slots=True)
class Row:
    """One line of a table. *reached* is None where the line is only a figure that others are compared with."""

    what: str
    median: str
    spread: str = ""
    ratio: str = ""
    goal: str = ""
    reached: bool | None = None

    def cells(self) -> list[str]:
        """The line's texts."""
        said = "" if self.reached is None else "yes" if self.reached else "NOT REACHED"
        return [self.what, self.median, self.spread, self.ratio, self.goal, said]


HEADS = ["what", "median ms", "min [q1-q3] max", "ratio", "goal", "reached"]


def ms(seconds: float) -> str:
    """Milliseconds, with decimals only where they mean something."""
    value = seconds * 1000
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:.0f}"


def figure(series: Series) -> Row:
    """A line without a goal."""
    return Row(series.name, ms(series.median), series.spread())


def at_most(series: Series, limit: float) -> Row:
    """A line whose median may be *limit* seconds at most."""
    return Row(
        series.name,
        ms(series.median),
        series.spread(),
        goal=f"<= {ms(limit)} ms",
        reached=series.median <= limit,
    )


def times_faster(own: Series, other: Series, goal: float, what: str = "") -> Row:
    """A line that says how many times *own* is faster than *other*: the median of the ratios of each round."""
    each = [b / max(a, 1e-5) for a, b in zip(own.seconds, other.seconds, strict=True)]
    middle = statistics.median(each)
    return Row(
        what or f"{other.name} / {own.name}",
        "",
        f"{min(each):.2f} - {max(each):.2f}",
        f"{middle:.2f}",
        f">= {goal:g}",
        middle >= goal,
    )


def times_longer(own: Series, other: Series, goal: float, what: str = "") -> Row:
    """A line that says how many times longer *own* takes than *other*: the median of the ratios of each round."""
    each = [a / b for a, b in zip(own.seconds, other.seconds, strict=True)]
    middle = statistics.median(each)
    return Row(
        what or f"{own.name} / {other.name}",
        "",
        f"{min(each):.2f} - {max(each):.2f}",
        f"{middle:.2f}",
        f"<= {goal:g}",
        middle <= goal,
    )


def table(title: str, rows: Sequence[Row]) -> str:
    """Aligned columns below *title*."""
    cells = [HEADS, *(row.cells() for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(HEADS))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([f"\n{title}", lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def environment(work: Path, **more: str) -> dict[str, str]:
    """What every child gets: bytecode is written, nothing of ours is preset, caches and Jupyter's folders are ours.

    ``PYTHONDONTWRITEBYTECODE`` would make Python and pip twice as slow and so flatter everything that is compared.
    """
    dropped = ("SESSIONPKGS_", "JPY_", "UV_", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    if "PIP_CERT" in env:
        env.setdefault("SSL_CERT_FILE", env["PIP_CERT"])
    env |= {
        "UV_CACHE_DIR": str(work / "peers" / "uv-cache"),
        "PIP_CACHE_DIR": str(work / "peers" / "pip-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "IPYTHONDIR": str(work / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(work / "runtime"),
        "JUPYTER_CONFIG_DIR": str(work / "jupyter"),
    }
    return {**env, **more}


def run(argv: Sequence[object], env: Mapping[str, str], cwd: Path) -> float:
    """Seconds of wall clock of a program that must succeed."""
    words = [str(word) for word in argv]
    started = time.perf_counter()
    done = subprocess.run(words, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False)
    took = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return took


def output(argv: Sequence[object], env: Mapping[str, str], cwd: Path) -> str:
    """What a program that must succeed prints."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def machine(python: Path, work: Path) -> dict[str, Any]:
    """Where and with what this was measured."""
    env = environment(work)
    ask = "import importlib.metadata as m, sys; print(sys.version.split()[0], *map(m.version, ('uv', 'pip', 'ipykernel', 'ipython')))"
    version, uv, pip, ipykernel, ipython = output([python, "-c", ask], env, work).split()
    return {
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores, {_memory()}",
        "filesystem": output(["stat", "-f", "-c", "%T", work], env, work).strip(),
        "free": f"{shutil.disk_usage(work).free // 10**9} GB",
        "python": version,
        "uv": uv,
        "pip": pip,
        "ipykernel": ipykernel,
        "ipython": ipython,
        "load before": load(),
    }


def load() -> str:
    """Load average of 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _memory() -> str:
    """Size of the memory."""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
