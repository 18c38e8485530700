"""Runs inside a base's interpreter: one declaration in a new process, timed around ``declare`` alone.

What a kernel has loaded before its first cell is loaded before the clock runs; what the cell itself imports counts.

``child.py declare TEXT ENGINE [MODULES]`` prints JSON with the seconds, the record's steps and, where MODULES is given,
how long a child of the session takes to import them. ``child.py split TEXT ENGINE`` also times the parts of the way.
"""

from __future__ import annotations

import functools
import importlib
import json
import subprocess  # noqa: TID251 - the session's child is a program
import sys
import time
from pathlib import Path
from typing import Any

import ipykernel.kernelapp  # noqa: F401 - what a kernel has loaded before its first cell

from sessionpkgs.session import Session

PARTS = (
    ("installed", "scan"),
    ("formats", "read"),
    ("process", "run"),
    ("plan", "plan"),
    ("store.ingest", "verify"),
    ("store.ingest", "_nothing_unlisted"),
    ("store.splitting", "split"),
    ("store.elf", "reaches_out"),
    ("store.farm", "merge"),
    ("store.farm", "scripts"),
    ("store.layers", "_describe"),
    ("store.layers", "_sync"),
    ("session.siblings", "missing"),
    ("session.memory", "resolution"),
    ("formats.pylock_toml", "write"),
    ("store", "_remove"),
)
IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def declare(text: str, engine: str) -> dict[str, Any]:
    """Declare *text* in a new session, as a cell does."""
    session = Session()
    started = time.perf_counter()
    record = session.declare(text, engine=engine)
    took = time.perf_counter() - started
    return {"seconds": took, "source": record["source"], "steps": record["steps"], "packages": len(record["packages"])}


def watch(spent: list[tuple[str, float]]) -> None:
    """Have the parts of the way note their seconds in *spent*; modules are imported for it before the clock runs."""
    for place, name in PARTS:
        module = importlib.import_module(f"sessionpkgs.{place}")
        inner = getattr(module, name)

        @functools.wraps(inner)
        def outer(*words: Any, _inner: Any = inner, _said: str = f"{place}.{name}", **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return _inner(*words, **options)
            finally:
                argv = Path(words[0][0]).name + " " + " ".join(words[0][1:5]) if _said == "process.run" else ""
                spent.append((f"{_said} {argv}".strip(), time.perf_counter() - started))

        _replace(inner, outer)


def _replace(inner: Any, outer: Any) -> None:
    """Put *outer* wherever a module of the project holds *inner*, also as the default of ``Room.runner``."""
    for known, module in list(sys.modules.items()):
        if known.startswith("sessionpkgs"):
            for attribute, value in list(vars(module).items()):
                if value is inner:
                    setattr(module, attribute, outer)
    room = importlib.import_module("sessionpkgs.engines").Room
    defaults = room.__init__.__kwdefaults__
    for field, value in list((defaults or {}).items()):
        if value is inner:
            defaults[field] = outer


def main() -> None:
    """Do what the words say and print JSON."""
    verb, text, engine, *modules = sys.argv[1:]
    spent: list[tuple[str, float]] = []
    if verb == "split":
        watch(spent)
    told = declare(text, engine)
    told["spent"] = spent
    if modules:
        done = subprocess.run(
            [sys.executable, "-c", IMPORT.format(modules[0])], capture_output=True, text=True, check=True
        )
        told["first import"] = float(done.stdout)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
