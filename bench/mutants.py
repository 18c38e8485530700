"""Does each promise have a test that turns red when the promise is broken? Breaks them one by one and looks.

``python bench/mutants.py`` takes all of ``mutant_list.py``, ``python bench/mutants.py drop-lease write-in-place`` those
two. Works on a copy of the checkout: each test must be green there first, then red with its mutant. Ends with 1 where a
mutant survives, where its old text is not found, or where a test is not green to begin with.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import shutil
import subprocess  # noqa: TID251 - tests are programs
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil
from mutant_list import MUTANTS, Mutant

CHECKOUT = Path(__file__).resolve().parent.parent
LEAST, TIMES = 20.0, 4.0
"""A test has LEAST seconds and TIMES as many as it took when it was green; without an end it is red too."""
FAILED = 1
_LOOK = 0.5
_SUBREAPER = 36


class Outcome(NamedTuple):
    """How a test ended: pytest's exit *code* (None at the deadline), its *seconds* and what it *said*."""

    code: int | None
    seconds: float
    said: str


def copy(into: Path) -> None:
    """The working tree without what git ignores, and without .git."""
    argv = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, into / name)


def run(test: str, folder: Path, deadline: float) -> Outcome:
    """Run one test of the copy in *folder*, and end whatever it leaves behind."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SESSIONPKGS_")}
    env |= {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": str(folder / ".bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    argv = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "", "-p", "no:cacheprovider", "--tb=line"]
    argv += [f"--basetemp={folder.parent / 'temp'}", test]
    started = time.monotonic()
    child = subprocess.Popen(
        argv, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        while (gone := time.monotonic() - started) < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                said = child.communicate(timeout=_LOOK)[0]
                return Outcome(child.returncode, time.monotonic() - started, said)
            _bury(child.pid)
        return Outcome(None, gone, "")
    finally:
        child.kill()
        child.communicate()
        for orphan in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                orphan.kill()
        _bury(child.pid)


def _bury(child: int) -> None:
    """Take leave of the dead but *child*, as init would: orphans of a test come to us, which lets us end them all."""
    for orphan in psutil.Process().children():
        if orphan.pid != child:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(orphan.pid, os.WNOHANG)


def green(tests: list[str], folder: Path) -> dict[str, float]:
    """The seconds of each test that is green on the unchanged copy."""
    found: dict[str, float] = {}
    for test in tests:
        outcome = run(test, folder, 300.0)
        if outcome.code == 0 and " passed" in outcome.said:
            found[test] = outcome.seconds
        else:
            print(f"NOT GREEN  {test}\n{outcome.said[-1500:]}", flush=True)
    return found


def judge(mutant: Mutant, folder: Path, deadline: float, number: int) -> str:
    """What became of *mutant* in the copy, which is as it was afterwards."""
    file = folder / mutant.path
    if mutant.count(folder) != 1:
        return "text not found"
    before = file.read_text(encoding="utf-8")
    stamp = file.stat().st_mtime + 2 * number
    try:
        mutant.apply(folder)
        os.utime(file, (stamp + 1, stamp + 1))  # another stamp than before, or the old bytecode would run
        outcome = run(mutant.test, folder, deadline)
    finally:
        file.write_text(before, encoding="utf-8")
        os.utime(file, (stamp + 2, stamp + 2))
    if outcome.code is None:
        return "killed (no end)"
    return "killed" if outcome.code == FAILED else "SURVIVED" if outcome.code == 0 else f"pytest ended {outcome.code}"


def main() -> int:
    """Run the mutants that are named, all where none is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="names of mutants")
    names = parser.parse_args().names
    if unknown := set(names) - {mutant.name for mutant in MUTANTS}:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    said: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folder = Path(place) / "copy"
        copy(folder)
        started = time.monotonic()
        seconds = green(list(dict.fromkeys(mutant.test for mutant in chosen)), folder)
        print(f"{len(seconds)} tests green on the unchanged copy, {time.monotonic() - started:.0f} s", flush=True)
        for number, mutant in enumerate(chosen, 1):
            if mutant.test not in seconds:
                verdict = "test not green"
            else:
                verdict = judge(mutant, folder, LEAST + TIMES * seconds[mutant.test], number)
            said[verdict] += 1
            print(f"{verdict:16} {mutant.name:26} {mutant.promise}", flush=True)
        print(f"{dict(said)}, {time.monotonic() - started:.0f} s")
    return 0 if all(verdict.startswith("killed") for verdict in said) else 1


if __name__ == "__main__":
    sys.exit(main())
