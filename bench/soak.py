"""A soak: sessions of many processes that are killed, lied to by their index and collected under, for as long as said.

``python bench/soak.py --minutes 10 --seed 7``: 5 % of the sessions are killed without a warning, a tenth of the index's
answers is an error, a reset or cut short, somebody collects all the time, and times of entries jump to 1970 and 2100.
After every session all that is visible in the store must be whole; after every phase, when nobody uses anything, nothing
may be left, no process, no stage, and the store may not have grown. Prints what came and ends with 1 at a violation.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import random
import re
import subprocess  # noqa: TID251 - sessions are programs
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bases import CHECKOUT, Base, make
from crowd import fresh
from measure import environment
from soak_index import Disturbed, forget, packages
from soak_programs import COLLECTOR, MEMBER
from soak_store import PARTS, Size, Weight, growth, heavier, sizes, strangers, torn, tree, weight

sys.path.insert(0, str(CHECKOUT))
from sessionpkgs.store import Store
from sessionpkgs.store.collecting import collect

NAMES = 12
KILLED, FAULTS = 0.05, 0.1
AT_ONCE = 8
PHASE = 30.0
"""Seconds after which everybody stops for a moment and is counted."""
EXPLAINED = {"IndexUnavailable", "IntegrityError", "DeadlineError"}
"""Refusals that an index which answers badly explains."""
_WAIT = 120.0
_SUBREAPER = 36


@dataclass(slots=True)
class Report:
    """What came of it: how sessions ended, and every violation in words."""

    sources: Counter[str] = field(default_factory=Counter)
    collected: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    sessions: int = 0
    killed: int = 0
    jumps: int = 0

    def broken(self, what: str) -> None:
        """Note a violation, and say it at once."""
        self.violations.append(what)
        print(f"VIOLATION  {what}", flush=True)

    def hear(self, who: str, told: dict[str, Any]) -> None:
        """Count what a session tells."""
        self.sources.update(told["sources"])
        for wrong in told["wrong"]:
            self.broken(f"{who}: {wrong}")
        if told["refused"]:
            self.refusals[told["refused"]] += 1
            self.examples.setdefault(told["refused"], told["said"][:300])
            if told["refused"] not in EXPLAINED:
                self.broken(f"{who} was refused for no reason that there is: {told['refused']}: {told['said']}")


class Soak:
    """One soak over *base*, in a home of its own."""

    def __init__(self, base: Base, home: Path, seed: int) -> None:
        self.base, self.home, self.dice = base, home, random.Random(seed)
        self.report, self.over = Report(), threading.Event()
        kept = {name: value for name, value in environment(base.work).items() if _harmless(name)}
        self.env = kept | {"SESSIONPKGS_HOME": str(home), "SESSIONPKGS_DEADLINE": "60", "HOME": str(base.work / "user")}
        (base.work / "user").mkdir(exist_ok=True)
        self.url = ""

    def asked(self, *, reset: bool) -> str:
        """A line that asks a session for one of the few declarations, in one of a few ways."""
        first, dice = self.dice.randrange(NAMES), self.dice
        names = [f"soak_{(first + more) % NAMES}" for more in range(3)]
        text = "\n".join((f"--index-url {self.url}", *names)) + "\n"
        more = [f"soak-{(first + 3) % NAMES}"] if dice.random() < 0.3 else []
        said = {"names": names, "text": text, "more": more, "engine": dice.choice(("uv", "pip"))}
        said |= {"refresh": dice.random() < 0.3, "hold": dice.uniform(0, 0.3), "reset": reset or dice.random() < 0.3}
        return json.dumps(said) + "\n"

    def start(self, *words: object) -> subprocess.Popen[str]:
        """A program of base."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        argv = [str(self.base.python), "-c", *map(str, words)]
        return subprocess.Popen(argv, env=self.env, cwd=self.base.work, text=True, **pipes)

    def session(self, number: int, line: str, doom: float) -> None:
        """One short session, killed after *doom* seconds unless that is 0; then a look at the store."""
        child = self.start(MEMBER, f"short-{number}")
        timer = threading.Timer(doom, child.kill)
        if doom:
            timer.start()
        try:
            out, err = child.communicate(line, timeout=_WAIT)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()[0], "no end"
        timer.cancel()
        if doom and child.returncode == -9:
            self.report.killed += 1
        elif child.returncode or not out:
            self.report.broken(f"session {number} ended with {child.returncode}: {err[-1500:]}")
        else:
            self.report.hear(f"session {number}", json.loads(out))
        for said in torn(self.home):
            self.report.broken(f"after session {number}: {said}")

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Two processes that collect, and verify now and then, for the length of the block."""
        collectors = [self.start(COLLECTOR, self.dice.randrange(1 << 30)) for _ in range(2)]
        try:
            yield
        finally:
            for collector in collectors:
                self._collected(*collector.communicate(timeout=_WAIT))

    def _collected(self, said: str, complaints: str) -> None:
        """Count what a collector tells."""
        counts = list(map(int, said.split())) if said else [0, 0, 1, 0]
        self.report.collected.update(dict(zip(("rounds", "refused", "failed", "damaged"), counts, strict=True)))
        if any(counts[1:]):
            self.report.broken(f"collecting: {counts} {complaints[-3000:]}")

    def jump(self) -> None:
        """Let times of entries jump, as a clock that was set wrong would have them."""
        dice = random.Random(self.dice.random())
        while not self.over.wait(0.3):
            part = dice.choice(PARTS)
            with contextlib.suppress(OSError, IndexError):
                path = dice.choice(list((self.home / part).iterdir()))
                os.utime(path, times=(dice.choice((0, 4_102_444_800)),) * 2)
                self.report.jumps += 1

    def phase(self, seconds: float, resident: subprocess.Popen[str]) -> None:
        """Short sessions beside the *resident* one, until *seconds* are over."""
        until = time.monotonic() + seconds
        beside = threading.Thread(target=self._reside, args=(resident, until))
        beside.start()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            turns = threading.Semaphore(AT_ONCE)
            while time.monotonic() < until:
                turns.acquire()
                doom = self.dice.uniform(0.05, 3.0) if self.dice.random() < KILLED else 0.0
                self.report.sessions += 1
                done = pool.submit(self.session, self.report.sessions, self.asked(reset=False), doom)
                done.add_done_callback(lambda over: (turns.release(), self._ended(over)))
        beside.join()

    def _ended(self, session: Future[None]) -> None:
        """Note what went wrong in the soak itself."""
        if error := session.exception():
            self.report.broken(f"the soak: {error!r}")

    def _reside(self, resident: subprocess.Popen[str], until: float) -> None:
        """Have the *resident* session declare and reset, over and over."""
        while time.monotonic() < until:
            answer = _ask(resident, self.asked(reset=True))
            if answer is None:
                self.report.broken("the resident session ended")
                return
            self.report.hear("the resident session", answer)

    def quiet(self, staying: set[int]) -> None:
        """Nobody uses anything now: nothing may be left, and no process but those *staying*."""
        collect(Store(str(self.home)), days=0)
        for part in ("stage", "trash", "layers", "dists", "resolutions"):
            left = [path.name for path in (self.home / part).iterdir() if not path.name.startswith(".")]
            if left:
                self.report.broken(f"left in {part}: {left[:5]}")
        left = [path.name for path in (self.home / "sessions").iterdir() if path.name != "resident"]
        if left:
            self.report.broken(f"left in sessions: {left[:5]}")
        for name in strangers(staying):
            self.report.broken(f"left running: {name}")


def _harmless(name: str) -> bool:
    """Whether a variable cannot change where packages come from."""
    return not name.startswith("PIP_") and not name.lower().endswith("_proxy")


def _ask(child: subprocess.Popen[str], line: str) -> dict[str, Any] | None:
    """What *child* answers to *line*, None where it is gone."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(line)
        child.stdin.flush()
    except OSError:
        return None
    said = child.stdout.readline()
    return dict(json.loads(said)) if said else None


class Measured(NamedTuple):
    """The store and the resident session at one moment when nobody does anything."""

    at: float
    sizes: dict[str, Size]
    resident: Weight


def soak(one: Soak, minutes: float) -> list[Measured]:
    """Phases until *minutes* are over, measured after each."""
    resident = one.start(MEMBER, "resident")
    jumping = threading.Thread(target=one.jump)
    jumping.start()
    begun, measured = time.monotonic(), []
    while (gone := time.monotonic() - begun) < 60 * minutes:
        with one.collecting():
            one.phase(min(PHASE, 20 * minutes), resident)
        one.quiet({resident.pid})
        measured.append(Measured(gone, sizes(one.home), weight(resident.pid)))
        print(f"{gone / 60:4.1f} min  {one.report.sessions} sessions  {dict(one.report.refusals)}", flush=True)
        forget(one.home)
    one.over.set()
    jumping.join()
    resident.communicate()
    return measured


def tell(one: Soak, measured: list[Measured], index: Disturbed) -> None:
    """Print what came, and compare the end with the first third."""
    report = one.report
    print(f"\n{report.sessions} sessions, {report.killed} killed; sources: {dict(report.sources)}")
    print(f"index: {dict(index.said)}; collections: {dict(report.collected)}; {report.jumps} jumps of time")
    for kind, count in report.refusals.most_common():
        print(f"refused {count:4} times with {kind}, as in: {report.examples[kind]}")
    third, last = measured[len(measured) // 3], measured[-1]
    for part, (entries, size) in third.sizes.items():
        now = last.sizes[part]
        print(
            f"{part:12} {entries:5} entries {size:>12,} bytes, at the end {now.entries:5} entries {now.bytes:>12,} bytes"
        )
    print(f"the resident session: {third.resident}, at the end {last.resident}")
    if stubs := [path.name for path in (one.home / "views").iterdir() if re.fullmatch("[0-9a-f]{32}", path.name)]:
        report.broken(f"{len(stubs)} stubs of base are left after a collection that keeps nothing")
    for said in (*growth(third.sizes, last.sizes), *heavier(third.resident, last.resident)):
        report.broken(said)


def main() -> int:
    """Soak, and say whether everything held."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30), help="repeats the dice")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "sessionpkgs-bench", help="work folder")
    said = parser.parse_args()
    said.work.mkdir(parents=True, exist_ok=True)
    print(f"seed {said.seed}", flush=True)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    base = make(said.work, "bare")
    one = Soak(base, fresh(said.work, "soak"), said.seed)
    index = Disturbed(packages(said.work / "soak-wheels", NAMES), said.seed, FAULTS)
    before = tree(base.folder)
    with index.open() as one.url:
        measured = soak(one, said.minutes)
    tell(one, measured, index)
    if tree(base.folder) != before:
        one.report.broken("base is not what it was")
    print(f"\n{len(one.report.violations)} violations")
    return 1 if one.report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
