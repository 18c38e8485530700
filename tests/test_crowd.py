"""Many sessions at once on one store: what all ask for is installed once, and collecting takes nothing that is in use."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - holds sessions open in other processes
from collections import Counter
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import Session
from tests.wheelhouse import Wheelhouse

CROWD = 12
WHEELS = ("one", "two", "three", "four")
COLLECTIONS = 5

MEMBER = """
import importlib, json, sys
from sessionpkgs import Session
session = Session(identity=sys.argv[1])
text, asked = sys.argv[2], sys.argv[3].split()
with open(sys.argv[4]) as gate:
    print("ready", flush=True)
    gate.read()
record = session.declare(text)
found = {name: importlib.import_module(name).__version__ for name in asked}
print(json.dumps({"source": record["source"], "found": found}), flush=True)
sys.stdin.readline()
for name in asked:
    importlib.import_module(name + ".late")
print("kept", flush=True)
"""

COLLECTOR = """
import os, sys, threading
from sessionpkgs.store import Store
from sessionpkgs.store.collecting import collect
store, over = Store(os.environ["SESSIONPKGS_HOME"]), threading.Event()
store.prepare()
threading.Thread(target=lambda: (sys.stdin.readline(), over.set())).start()
with open(sys.argv[1]) as gate:
    print("ready", flush=True)
    gate.read()
rounds = 0
while not over.is_set():
    collect(store, days=0)
    rounds += 1
collect(store, days=0)
print(rounds, flush=True)
"""

Child = subprocess.Popen[str]
Start = Callable[..., Child]


class Gate:
    """A barrier without a clock: who has opened the pipe waits until nobody holds its other end."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self._held = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def release(self, waiting: Sequence[Child]) -> None:
        """Let all of *waiting* go, once the last of them is there."""
        for child in waiting:
            assert heard(child) == "ready"
        os.close(self._held)


def heard(child: Child) -> str:
    """The next line that *child* says."""
    assert child.stdout is not None
    return child.stdout.readline().strip()


def tell(child: Child) -> None:
    """Let *child* go on."""
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def told(child: Child) -> dict[str, Any]:
    """What *child* found, nothing where it failed."""
    line = heard(child)
    return dict(json.loads(line)) if line else {}


@pytest.fixture
def packages(wheelhouse: Wheelhouse) -> Wheelhouse:
    for name in WHEELS:
        files = {f"{name}/__init__.py": f'__version__ = "1.0"; name = "{name}"\n', f"{name}/late.py": ""}
        wheelhouse.wheel(name, files=files)
    return wheelhouse


def entries(home: Path, part: str) -> list[str]:
    return sorted(path.name for path in (home / part).iterdir())


def test_a_crowd_that_asks_for_the_same_causes_one_install_and_one_download_a_wheel(
    packages: Wheelhouse, home: Path, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(tmp_path / "gate")
    bodies: Counter[str] = Counter()

    def note(request: BaseHTTPRequestHandler) -> bool:
        bodies[request.path] += request.command == "GET"
        return False

    with packages.index() as index:
        index.faults["/files/"] = note
        text = "\n".join((f"--index-url {index.url}", *WHEELS)) + "\n"
        monkeypatch.setenv("SESSIONPKGS_HOME", str(tmp_path / "control"))
        alone = Session(identity="alone", folder=str(tmp_path))
        assert alone.declare(text)["source"] == "built"
        alone.close()
        expected = bodies.copy()
        bodies.clear()
        monkeypatch.setenv("SESSIONPKGS_HOME", str(home))
        crowd = [start(MEMBER, f"member-{n}", text, " ".join(WHEELS), gate.path) for n in range(CROWD)]
        gate.release(crowd)
        results = [told(child) for child in crowd]
    assert [result.get("found") for result in results] == [dict.fromkeys(WHEELS, "1.0")] * CROWD
    assert Counter(result["source"] for result in results)["built"] == 1
    assert [name.partition("-")[0] for name in entries(home, "dists")] == sorted(WHEELS)
    assert len(entries(home, "layers")) == 1
    assert len(expected) == len(WHEELS)
    assert bodies == expected
    assert entries(home, "stage") == []


def test_a_crowd_keeps_what_it_uses_while_somebody_collects_all_the_time(
    packages: Wheelhouse, home: Path, tmp_path: Path, start: Start
) -> None:
    gate = Gate(tmp_path / "gate")
    place = f"--no-index\n--find-links {packages.folder}\n"
    sets = [WHEELS[:2], WHEELS[1:3], WHEELS[2:]]
    asked = [sets[number % 3] for number in range(9)]
    collector = start(COLLECTOR, gate.path)
    crowd = [
        start(MEMBER, f"member-{number}", place + "\n".join(names) + "\n", " ".join(names), gate.path)
        for number, names in enumerate(asked)
    ]
    gate.release([collector, *crowd])
    assert [told(child).get("found") for child in crowd] == [dict.fromkeys(names, "1.0") for names in asked]
    for child in crowd:
        tell(child)
    assert [heard(child) for child in crowd] == ["kept"] * len(crowd)
    assert [child.wait() for child in crowd] == [0] * len(crowd)
    tell(collector)
    assert int(heard(collector)) >= COLLECTIONS
    assert collector.wait() == 0
    for part in ("stage", "trash", "layers", "dists", "sessions"):
        assert entries(home, part) == []
