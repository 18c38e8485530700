"""A killed process and a disk that fails leave nothing half-visible, at any step, and the next session works.

Each point is one call into the operating system that changes the store, found by tracing one undisturbed run. strace
kills the process there, or lets the call fail. ``SESSIONPKGS_CRASH=300`` tries so many points instead of the usual few,
``SESSIONPKGS_CRASH=0`` every one; ``SESSIONPKGS_CRASH_BLOWS="EDQUOT EROFS EMFILE ENOLCK EXDEV"`` strikes with these
instead of ``KILL ENOSPC EIO``. ``SESSIONPKGS_CRASH_CHILD=uv`` (or ``pip``) sweeps the engine's processes, one after the
other, and not ours: strace counts the calls of each thread for itself.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from sessionpkgs import process
from sessionpkgs.store import Store, ingest
from sessionpkgs.store.collecting import collect
from tests.bases import UV, Base
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse

pytestmark = pytest.mark.slow

STRACE = shutil.which("strace") or ""
OPENS, RENAMES = ("openat", "open", "creat"), ("rename", "renameat", "renameat2", "link", "linkat")
CALLS = (
    *OPENS, *RENAMES, "mkdir", "mkdirat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir", "fsync", "ftruncate",
    "fchmod", "chmod", "fchmodat", "write", "pwrite64", "copy_file_range", "utimensat", "flock",
)  # fmt: skip
ONLY = {"EMFILE": OPENS, "ENOLCK": ("flock",), "EXDEV": RENAMES}
"""Calls that may fail in this way."""
DRIFTING = ("openat", "open", "write", "pwrite64")
"""Calls that threads make too, so that their count differs from run to run: only a run by hand looks at them."""
BY_HAND = "SESSIONPKGS_CRASH" in os.environ
MOST = int(os.environ.get("SESSIONPKGS_CRASH", "30"))
BLOWS = tuple(os.environ.get("SESSIONPKGS_CRASH_BLOWS", "KILL ENOSPC EIO").split())
ENGINE = os.environ.get("SESSIONPKGS_CRASH_CHILD", "")
REFUSED = 3
KILLED = 137

CHILD = """
import sys
identity, folder, text, engine, python = sys.argv[1:]
sys.executable = python or sys.executable
from sessionpkgs import Session, SessionPkgsError
session = Session(identity=identity, folder=folder)
try:
    session.declare(text, engine=engine)
except SessionPkgsError as error:
    print(type(error).__name__)
    sys.exit(3)
print("declared", flush=True)
import one, two, three
assert one.__version__ == two.__version__ == three.__version__ == "1.0"
assert "/layers/" in one.__file__
print("works")
"""

COLLECT = """
import os
from sessionpkgs.store import Store, collecting
collecting.collect(Store(os.environ["SESSIONPKGS_HOME"]), days=0)
"""

TRACED = """#!/bin/sh
home=${{TMPDIR%%/stage/*}}
[ -n "$TMPDIR" ] && [ -f "$home.words" ] || exec {program} "$@"
turn=$(($(cat "$home.turn" 2>/dev/null || echo 0) + 1))
echo $turn >"$home.turn"
wanted=$(cat "$home.wanted")
[ "$wanted" = 0 ] || [ "$wanted" = "$turn" ] || exec {program} "$@"
exec {strace} -f -o "$home.turn-$turn" $(cat "$home.words") {program} "$@"
"""
"""Stands for an engine's program: its calls are traced in the turn that is wanted, in each where that is 0."""


class Point(NamedTuple):
    """One call: its name, which of its kind it is, where, whether that is in a stub of base's metadata or only read,
    and which turn of the engine made it (0: this is our own process).
    """

    call: str
    number: int
    place: str
    stub: bool
    reads: bool
    turn: int


class Ground:
    """The declaration of three wheels, a base, and homes to declare it in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = Base(folder / "base", folder / "unused")
        self.before = self.base.tree()
        programs = Path(self.base.python).parent
        self.python = str(programs / "traced-python") if ENGINE == "pip" else ""
        if ENGINE:
            real = {"uv": UV, "pip": self.base.python}[ENGINE]
            wrapper = programs / ("uv" if ENGINE == "uv" else "traced-python")
            wrapper.write_text(TRACED.format(program=real, strace=STRACE))
            wrapper.chmod(0o755)
        wheelhouse = Wheelhouse(folder / "wheelhouse")
        wheelhouse.wheel("one", entry_points={"console_scripts": {"one-run": "one:main", "ls": "one:main"}})
        wheelhouse.wheel("two", requires=["one"])
        wheelhouse.wheel("three", data={"share/three/told": "1"})
        self.text = lines(wheelhouse, "two", "three")

    def run(self, code: str, home: Path, *arguments: str, tracing: Sequence[str] = ()) -> process.Completed:
        """A process on this base that runs *code* with a store in *home*."""
        kept = {name: value for name, value in os.environ.items() if name != "SESSIONPKGS_HOME"}
        env = {**kept, "SESSIONPKGS_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        argv = [*tracing, self.base.python, "-c", code, *arguments]
        return process.run(argv, env=env, cwd=str(self.folder), deadline=120)

    def declare(self, home: Path, identity: str, tracing: Sequence[str] = ()) -> process.Completed:
        """A process that declares in *home* and imports what it asked for."""
        return self.run(CHILD, home, identity, str(self.folder), self.text, ENGINE, self.python, tracing=tracing)

    def traced(self, home: Path, turn: int, *more: str) -> tuple[process.Completed, dict[int, list[str]]]:
        """A declaration in *home* with the engine's turn *turn* traced (each where it is 0), or we without an engine:
        how it ended, and the log of each turn.
        """
        if not ENGINE:
            log = home.with_name(f"{home.name}.log")
            done = self.declare(home, "first", (STRACE, "-o", str(log), *words(*more)))
            return done, {0: log.read_text().splitlines()}
        home.with_name(f"{home.name}.words").write_text(" ".join(words(*more)))
        home.with_name(f"{home.name}.wanted").write_text(str(turn))
        done = self.declare(home, "first")
        home.with_name(f"{home.name}.words").unlink()
        logs = {int(str(path).rpartition("-")[2]): path for path in self.folder.glob(f"{home.name}.turn-*")}
        return done, {number: path.read_text(errors="replace").splitlines() for number, path in logs.items()}

    def points(self) -> list[Point]:
        """Every call of an undisturbed run that looks for or changes something below its home."""
        home = self.folder / "clean"
        done, logs = self.traced(home, 0)
        assert done.stdout == "declared\nworks\n", done.stderr
        found: list[Point] = []
        for turn, log in logs.items():
            seen: dict[tuple[str, str], int] = {}
            found += [point for line in log if (point := point_of(line, seen, home, turn))]
        return list({point[:2] + point[5:]: point for point in found}.values())

    def clear(self, home: Path) -> None:
        """Remove *home* and all that is told of it."""
        about = [str(path) for path in self.folder.glob(f"{home.name}.*")]
        process.run(["rm", "-rf", str(home), *about], env=dict(os.environ), cwd="/", deadline=60)


def point_of(line: str, seen: dict[tuple[str, str], int], home: Path, turn: int) -> Point | None:
    """The point in a *line* of strace's log; *seen* counts the calls of each kind and thread, as strace does."""
    match = re.match(r"(?:(\d+) +)?(\w+)\(", line)
    if match is None:
        return None
    thread, call = match.group(1) or "", match.group(2)
    seen[thread, call] = seen.get((thread, call), 0) + 1
    if str(home) not in line:
        return None
    place = line.partition(str(home))[2][:60]
    reads = call in OPENS and "O_CREAT" not in line
    return Point(call, seen[thread, call], place, "/.making-" in place, reads, turn)


def words(*more: str) -> tuple[str, ...]:
    """Options of strace: which calls, with the paths behind their descriptors."""
    known = ",".join(f"?{call}" for call in CALLS)
    return "-q", "-y", "-s", "300", "-e", f"trace={known}", *more


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


def heals(ground: Ground, home: Path, known: str = "\0") -> list[str]:
    """What is wrong in *home* after the blow, after the next session, and after collecting; *known* begins what was
    wrong before the blow.
    """
    wrong = [said for said in half(home) if not said.startswith(known)]
    done = ground.declare(home, "next")
    wrong += [] if done.stdout == "declared\nworks\n" else [f"the next session: {done.stdout}{done.stderr[-2000:]}"]
    wrong += half(home)
    done = ground.run(COLLECT, home)  # in a process: a thread here may start one, which has our locks for a moment
    wrong += [f"the collection: {done.stderr[-2000:]}"] if done.code else []
    wrong += [] if ground.base.tree() == ground.before else ["base is not what it was"]
    return wrong + left(home)


def left(home: Path) -> list[str]:
    """What a collection left in *home* that it should not: locks of nothing, too."""
    parts = ("stage", "trash", "layers", "dists", "sessions", "resolutions", "checked", "locks")
    return [
        str(path)
        for part in parts
        for path in (home / part).iterdir()
        if not path.name.startswith(".") and path.name != "collect"
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
    home = ground.folder / f"{point.call}-{point.number}-{point.turn}-{blow}"
    inject = "signal=KILL" if blow == "KILL" else f"error={blow}"
    done, logs = ground.traced(home, point.turn, "-e", f"inject={point.call}:{inject}:when={point.number}")
    log = [line for said in logs.values() for line in said]
    if blow == "KILL":
        struck = any("killed by SIGKILL" in line for line in log)
    else:
        struck = any("(INJECTED)" in line and str(home) in line for line in log)
    declared = done.stdout.startswith("declared\n")  # the count ran on and struck the user's own import
    fine = declared or (done.code == REFUSED and done.stdout.endswith("Error\n"))
    killed = blow == "KILL" and not ENGINE
    wrong = [] if fine or killed or not struck else [f"ended with {(done.code, done.stdout)}: {done.stderr[-1500:]}"]
    wrong += heals(ground, home)
    ground.clear(home)
    at = f"{point.call} {point.number} in turn {point.turn} {point.place} {blow}"
    return struck, [f"{at}: {said}" for said in wrong]


def struck_by(points: list[Point], blow: str) -> list[Point]:
    """Those of *points* that *blow* can strike, as many as are asked for."""
    most = MOST if blow == "KILL" or BY_HAND else MOST // 2
    kept = [point for point in points if BY_HAND or (point.call not in DRIFTING and point.call != "flock")]
    kept = [point for point in kept if point.call in ONLY.get(blow, CALLS) and (blow == "EMFILE" or not point.reads)]
    return chosen([point for point in kept if blow in ("KILL", "ENOLCK") or point.call != "flock"], most)


@pytest.mark.parametrize("blow", BLOWS)
def test_whatever_call_is_the_last_one_or_fails_the_next_session_has_all_of_it(
    ground: Ground, points: list[Point], blow: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = struck_by(points, blow)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda point: strike(ground, point, blow), tried))
    missed = [point for point, (struck, _) in zip(tried, results, strict=True) if not struck]
    with capsys.disabled():
        told = [f"{ENGINE or 'we'} {blow}: {len(tried)} points, {len(tried) - len(missed)} struck", *map(str, missed)]
        sys.stderr.write("\n" + "\n  not struck: ".join(told) + "\n")
    assert [said for _, wrong in results for said in wrong] == []
    steady = [point for point in missed if point.call not in DRIFTING]
    assert ENGINE or len(steady) <= 0.1 * len(tried), steady


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
