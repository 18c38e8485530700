"""Runs the benchmarks: ``python bench/run.py [a b c d] [--rounds 7] [--json FILE] [--work FOLDER]``."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bases
import kernels
import layering
import overlap
import reopening
from measure import Row, environment, load, machine, ms, table

LETTERS = {"a": reopening.reopen, "b": layering.layering, "c": overlap.overlap, "d": reopening.load_ext}


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description="Benchmarks of sessionpkgs, against uv and pip, on real kernels.")
    parser.add_argument("letters", nargs="*", choices=[*LETTERS, []], help="which tables; all by default")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each comparison (7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--work", type=Path, default=Path("~/.cache/sessionpkgs-bench"), help="folder for what is made")
    return parser.parse_args()


def noise(work: Path) -> dict[str, str]:
    """Spread of the empty cell in one kernel, which is what a difference of cells can be trusted to."""
    base = bases.make(work, "small")
    with kernels.Kernel(base.python, environment(work), work) as kernel:
        seconds = sorted(kernel.empty(40))
    first, middle, third = statistics.quantiles(seconds, n=4)
    said = f"median {ms(middle)} ms, quartiles {ms(first)}-{ms(third)}, range {ms(seconds[0])}-{ms(seconds[-1])}"
    return {"noise (40 empty cells)": said}


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    work = chosen.work.expanduser().resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    base = bases.make(work, "bare")
    facts: dict[str, Any] = machine(base.python, work) | noise(work)
    for name, value in facts.items():
        print(f"{name}: {value}", flush=True)
    every: list[tuple[str, list[Row]]] = []
    for letter in chosen.letters or LETTERS:
        started, before = time.perf_counter(), load()
        for title, rows in LETTERS[letter](work, chosen.rounds):
            every.append((title, rows))
            print(table(title, rows), flush=True)
        print(f"load {before} -> {load()}, {time.perf_counter() - started:.0f} s", flush=True)
    missed = [f"{title}: {row.what}" for title, rows in every for row in rows if row.reached is False]
    print("\n" + ("All goals reached." if not missed else "NOT REACHED:\n" + "\n".join(missed)))
    if chosen.json:
        told = {"machine": facts, "tables": {title: [asdict(row) for row in rows] for title, rows in every}}
        chosen.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
