"""The bases that kernels run on: virtual environments with real distributions, every file compiled.

They are made once below the work folder; the project itself is built from the checkout and installed anew in each run.
"""

from __future__ import annotations

import functools
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import tiny
from measure import environment, output, run
from mutant_list import MUTANTS

CHECKOUT = Path(__file__).resolve().parent.parent
SMALL = ("ipykernel", "numpy", "pandas", "scipy", "requests", "jinja2")
MANY = 500


@dataclass(frozen=True, slots=True)
class Base:
    """One virtual environment."""

    name: str
    folder: Path
    work: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def uv(self) -> Path:
        """The uv that was installed with the project."""
        return self.folder / "bin" / "uv"

    def count(self) -> int:
        """Number of distributions in it."""
        return len(list(self.folder.glob("lib/python3*/site-packages/*.dist-info")))


def uv_here() -> Path:
    """The uv of the environment that runs the benchmarks, which makes the bases."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise RuntimeError("uv is needed to make the bases: pip install uv")
    return Path(found)


def make(work: Path, kind: str, mutant: str = "") -> Base:
    """The base *kind* (bare, small or many) below *work*, with the checkout's sessionpkgs installed in it just now,
    broken by the *mutant* of that name if one is named.
    """
    base = Base(kind, work / "bases" / kind, work)
    env = environment(work)
    wheel = _project_wheel(work, mutant)
    if not (base.folder / ".ready").exists():
        shutil.rmtree(base.folder, ignore_errors=True)
        run([uv_here(), "venv", "--python", sys.executable, base.folder], env, work)
        wanted = ("ipykernel",) if kind == "bare" else SMALL
        _install(base, [wheel, *wanted])
    _install(base, [wheel], "--no-deps", "--reinstall-package", "sessionpkgs", "--refresh-package", "sessionpkgs")
    if kind == "many" and (more := MANY - base.count()) > 0:
        _install(base, tiny.wheels(work / "tiny", more), "--no-deps")
    run([base.python, "-m", "compileall", "-q", "-j", "2", base.folder / "lib"], env, work)
    (base.folder / ".ready").touch()
    return base


def _install(base: Base, what: list[object], *options: str) -> None:
    """Install *what* into *base*."""
    env = environment(base.work)
    run([uv_here(), "pip", "install", "-q", "--python", base.python, *options, *what], env, base.work)


@functools.cache
def _project_wheel(work: Path, mutant: str) -> Path:
    """A wheel of the checkout as it is now, built from a copy, once a run."""
    copy, out = work / "checkout", work / "wheel"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(CHECKOUT / "sessionpkgs", copy / "sessionpkgs", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy)
    for broken in [one for one in MUTANTS if one.name == mutant]:
        broken.apply(copy)
    output([uv_here(), "build", "-q", "--wheel", "--out-dir", out, copy], environment(work), work)
    return next(iter(out.glob("*.whl")))
