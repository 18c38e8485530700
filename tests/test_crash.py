"""A killed process and a disk that fails leave nothing half-visible, at any step, and the next session works.

Each point is one call into the operating system that changes the store, found by tracing one undisturbed run. strace
kills the process there, or lets the call fail. ``SESSIONPKGS_CRASH=300`` tries so many points instead of the usual few,
``SESSIONPKGS_CRASH=0`` every one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from sessionpkgs import process
from sessionpkgs.store import Store, ingest
from sessionpkgs.store.collecting import collect
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse

pytestmark = pytest.mark.slow

STRACE = shutil.which("strace") or ""
CALLS = (
    "rename", "renameat", "renameat2", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", "unlink",
    "unlinkat", "rmdir", "fsync", "ftruncate", "fchmod", "chmod", "write", "pwrite64", "utimensat", "openat",
)  # fmt: skip
MOST = int(os.environ.get("SESSIONPKGS_CRASH", "30"))
REFUSED = 3
KILLED = 137

CHILD = """
import sys
from sessionpkgs import Session, SessionPkgsError
session = Session(identity=sys.argv[1], folder=sys.argv[2])
try:
    session.declare(sys.argv[3])
except SessionPkgsError as error:
    print(type(error).__name__)
    sys.exit(3)
print("declared", flush=True)
import one, two, three
assert one.__version__ == two.__version__ == three.__version__ == "1.0"
assert "/layers/" in one.__file__
print("works")
"""


DRIFTING = ("openat", "open", "write", "pwrite64")
"""Calls that threads make too, so that their count differs from run to run: only a run by hand looks at them."""


class Point(NamedTuple):
    """One call: its name, which of its kind it is, where, and whether that is in a stub of base's metadata."""

    call: str
    number: int
    place: str
    stub: bool


class Ground:
    """The declaration of three wheels, and homes to declare it in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        wheelhouse = Wheelhouse(folder / "wheelhouse")
        wheelhouse.wheel("one", entry_points={"console_scripts": {"one-run": "one:main"}})
        wheelhouse.wheel("two", requires=["one"])
        wheelhouse.wheel("three", data={"share/three/told": "1"})
        self.text = lines(wheelhouse, "two", "three")

    def declare(self, home: Path, identity: str, *tracing: str) -> process.Completed:
        """A process that declares in *home* and imports what it asked for."""
        kept = {name: value for name, value in os.environ.items() if name != "SESSIONPKGS_HOME"}
        env = {**kept, "SESSIONPKGS_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [*tracing, sys.executable, "-c", CHILD, identity, str(self.folder), self.text]
        return process.run(argv, env=env, cwd=str(self.folder), deadline=120)

    def points(self) -> list[Point]:
        """Every call of an undisturbed run that changes something below its home."""
        home, log = self.folder / "clean", self.folder / "clean.log"
        done = self.declare(home, "first", *traced(log))
        assert done.stdout == "declared\nworks\n", done.stderr
        seen: dict[str, int] = {}
        return [point for line in log.read_text().splitlines() if (point := point_of(line, seen, home))]


def point_of(line: str, seen: dict[str, int], home: Path) -> Point | None:
    """The point in a *line* of strace's log; *seen* counts the calls of each kind, as strace does."""
    match = re.match(r"(\w+)\(", line)
    if match is None:
        return None
    call = match.group(1)
    seen[call] = seen.get(call, 0) + 1
    if str(home) not in line or (call == "openat" and "O_CREAT" not in line):
        return None
    place = line.partition(str(home))[2][:60]
    return Point(call, seen[call], place, "/.making-" in place)


def traced(log: Path, *more: str) -> tuple[str, ...]:
    """The words before a program that is traced; not its children, which strace would count for themselves."""
    known = ",".join(f"?{call}" for call in CALLS)
    return STRACE, "-q", "-y", "-s", "300", "-o", str(log), "-e", f"trace={known}", *more


def chosen(points: list[Point], most: int) -> list[Point]:
    """At most *most* of *points*, evenly, all where it is 0; of the many that write a stub of base the first and last."""
    stubs = [point for point in points if point.stub]
    kept = [point for point in points if not point.stub or point in (*stubs[:4], *stubs[-4:])]
    return kept[:: -(-len(kept) // most)] if most else kept


def half(home: Path) -> Iterator[str]:
    """What is visible in the store of *home* and not whole."""
    for dist in (home / "dists").glob("*"):
        if said := ingest.fault(str(dist)) or unreadable(dist / "dist.json"):
            yield f"{dist.name}: {said}"
    for layer in (home / "layers").glob("*"):
        if said := unreadable(layer / "layer.json"):
            yield f"{layer.name}: {said}"
        yield from (f"{path}: a link to nothing" for path in layer.rglob("*") if not path.exists())


def unreadable(path: Path) -> str:
    """Why the JSON at *path* cannot be read, "" where it can."""
    try:
        json.loads(path.read_text())
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def heals(ground: Ground, home: Path) -> list[str]:
    """What is wrong in *home* after the blow, after the next session, and after collecting."""
    wrong = list(half(home))
    done = ground.declare(home, "next")
    wrong += [] if done.stdout == "declared\nworks\n" else [f"the next session: {done.stdout}{done.stderr[-2000:]}"]
    wrong += half(home)
    collect(Store(str(home)), days=0)
    return wrong + [
        str(path)
        for part in ("stage", "trash", "layers", "dists", "sessions", "resolutions")
        for path in (home / part).iterdir()
        if not path.name.startswith(".")
    ]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("crash"))


@pytest.fixture(scope="module")
def points(ground: Ground) -> list[Point]:
    if not STRACE:
        pytest.skip("strace is not installed: apt-get install strace")
    if process.run([STRACE, "true"], env=dict(os.environ), cwd="/", deadline=60).code:
        pytest.skip("strace may not trace here (ptrace is not allowed)")
    return ground.points()


def strike(ground: Ground, point: Point, blow: str) -> tuple[bool, list[str]]:
    """Whether *blow* struck at *point*, and what is wrong then."""
    home = ground.folder / f"{point.call}-{point.number}-{blow.replace('=', '-')}"
    log = home.with_suffix(".log")
    done = ground.declare(home, "first", *traced(log, "-e", f"inject={point.call}:{blow}:when={point.number}"))
    if blow.startswith("signal"):
        struck, wrong = done.code == KILLED, []
    else:
        struck = any("(INJECTED)" in line and str(home) in line for line in log.read_text().splitlines())
        ended = (done.code, done.stdout)
        declared = done.stdout.startswith("declared\n")  # the count ran on and struck the user's own import
        fine = declared or (done.code == REFUSED and done.stdout.endswith("Error\n"))
        wrong = [] if fine or not struck else [f"ended with {ended}: {done.stderr[-1500:]}"]
    wrong += heals(ground, home)
    process.run(["rm", "-rf", str(home)], env=dict(os.environ), cwd="/", deadline=60)
    return struck, [f"{point.call} {point.number} {point.place} {blow}: {said}" for said in wrong]


@pytest.mark.parametrize(
    ("blow", "most"), [("signal=KILL", MOST), ("error=ENOSPC", MOST // 2), ("error=EIO", MOST // 2)]
)
def test_whatever_call_is_the_last_one_or_fails_the_next_session_has_all_of_it(
    ground: Ground, points: list[Point], blow: str, most: int
) -> None:
    tried = chosen(points if "SESSIONPKGS_CRASH" in os.environ else [p for p in points if p.call not in DRIFTING], most)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda point: strike(ground, point, blow), tried))
    assert [said for _, wrong in results for said in wrong] == []
    missed = [point for point, (struck, _) in zip(tried, results, strict=True) if not struck]
    assert len(missed) <= 0.1 * len(tried), missed


def test_what_somebody_died_while_writing_goes_and_what_is_being_written_stays(home: Path) -> None:
    store = Store(str(home))
    store.prepare()
    old, new = home / "resolutions/.old", home / "resolutions/.new"
    old.write_text("{")
    new.write_text("{")
    (home / "views/.making-old").mkdir()
    for path in (old, home / "views/.making-old"):
        os.utime(path, (1, 1))
    collect(store, days=0)
    assert [path.name for part in ("resolutions", "views", "trash") for path in (home / part).iterdir()] == [".new"]
