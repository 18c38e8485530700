"""At every named step a kill, an interrupt, a failing disk and a collection leave nothing half, and the next try works.

The steps are those that one clean run of each act says (:mod:`sessionpkgs.steps`). A child listens with an audit hook
and strikes there. ``SESSIONPKGS_CRASH=0`` strikes every time that a step comes, in every act, with every blow.
"""

from __future__ import annotations

import ast
import json
import os
import queue
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

import sessionpkgs
from sessionpkgs import process
from tests.test_crash import KILLED, Ground, heals
from tests.test_pools import POOL_STEPS
from tests.wheelhouse import project

BY_HAND = os.environ.get("SESSIONPKGS_CRASH") == "0"
WORKERS = 2
KINDS = ("KILL", "INT", "collect", "ENOSPC", "errno")
ERRNOS = ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "ENOLCK", "EXDEV")
STEPS = {
    "declare": {
        "store.make", "store.folder", "session.lock", "session.make", "session.take", "stage.lock", "stage.make",
        "stage.made", "lease.claim", "layer.lock", "layer.sign", "build.lock", "dist.fill", "dist.filled",
        "dist.verified", "dist.split", "dist.describe", "dist.rename", "dist.renamed", "layer.make", "layer.folder",
        "layer.link", "layer.script", "layer.describe", "layer.flushed", "layers.discard", "layer.rename",
        "layer.renamed", "layer.synced", "layer.vouch", "scripts.make", "scripts.rename", "boot.make", "lease.touch",
        "overlay.switch", "stage.remove", "stage.unlock", "journal.open", "journal.write", "journal.written",
        "answer.remember", "answer.make", "answer.write", "answer.rename",
    },
    "reopen": set(),
    "mend": {"dists.discard"},
    "local": {"private.fill", "private.verified", "private.move", "private.rename"},
    "collect": {
        "stage.sweep", "layer.touch", "collect.lock", "session.end", "answer.forget", "resolutions.discard",
        "views.discard", "boot.forget", "mark.forget", "lock.forget", "trash.delete",
    },
}  # fmt: skip
"""Steps of each act that come in none before it."""
SOURCES = {"declare": "built", "reopen": "remembered", "mend": "built", "local": "store", "collect": "remembered"}

CHILD = """
import errno, json, os, signal, subprocess, sys
folder, text, act, wanted, number, blow = sys.argv[1:]
steps = []
COLLECT = '''
import os
from sessionpkgs import DeadlineError
from sessionpkgs.store import Store, collecting
collecting._DEADLINE = 0.0
store = Store(os.environ["SESSIONPKGS_HOME"])
store.prepare()
try:
    collecting.collect(store, days=0)
except DeadlineError:
    pass
'''.replace("from sessionpkgs import", "from sessionpkgs.errors import")

def hear(event, arguments):
    if event != "sessionpkgs.step":
        return
    steps.append(arguments[0])
    if arguments[0] != wanted or steps.count(wanted) != int(number):
        return
    os.write(2, b"struck\\n")
    if blow == "KILL":
        os.kill(os.getpid(), signal.SIGKILL)
    elif blow == "INT":
        raise KeyboardInterrupt
    elif blow == "collect":
        subprocess.run([sys.executable, "-c", COLLECT], check=True)
    else:
        raise OSError(getattr(errno, blow), os.strerror(getattr(errno, blow)))

sys.addaudithook(hear)
from sessionpkgs import Session, SessionPkgsError
from sessionpkgs.store.collecting import collect

session = Session(identity="act", folder=folder)

def run():
    record = session.declare(text)
    if act == "collect":
        collect(session.store, days=0)
        session.close()
        collect(session.store, days=0)
    else:
        import one, two, three
        assert "/layers/" in one.__file__
    return record["source"]

try:
    source = run()
except (SessionPkgsError, KeyboardInterrupt) as error:
    print(type(error).__name__, flush=True)
    source = run()
print("works", flush=True)
sys.stderr.write("\\n" + json.dumps({"steps": steps, "source": source}) + "\\n")
"""


class Blow(NamedTuple):
    """What strikes, in which act, at which step, the how-manieth time that it comes."""

    act: str
    step: str
    number: int
    kind: str


class Stages:
    """Homes as each act finds them. A home keeps its path, since answers name it, so there is one for each worker."""

    def __init__(self, folder: Path) -> None:
        self.ground = Ground(folder)
        local = project(folder / "local-one", "local-one")
        self.texts = dict.fromkeys(STEPS, self.ground.text)
        self.texts["local"] = f"{self.ground.text}{local}\n"
        self.homes: queue.Queue[Path] = queue.Queue()
        for number in range(WORKERS):
            home = folder / f"home-{number}"
            self._prepare(home)
            self.homes.put(home)

    def _prepare(self, home: Path) -> None:
        """Keep what *home* is before each act beside it."""
        self.kept(home, "declare").mkdir(mode=0o700)
        done = self.ground.declare(home, "before")
        assert done.stdout == "declared\nworks\n", done.stderr
        for act in ("reopen", "local"):
            copy(home, self.kept(home, act))
        copy(home, mended := self.kept(home, "mend"))
        damage(mended)
        copy(home, littered := self.kept(home, "collect"))
        litter(littered)

    @staticmethod
    def kept(home: Path, act: str) -> Path:
        """What *home* is before *act*."""
        return home.with_name(f"{home.name}-{act}")

    def run(self, home: Path, act: str, step: str = "", number: int = 0, kind: str = "") -> process.Completed:
        """*act* in *home*, struck at a step."""
        process.run(["rm", "-rf", str(home)], env=dict(os.environ), cwd="/", deadline=60)
        copy(self.kept(home, act), home)
        arguments = (str(self.ground.folder), self.texts[act], act, step, str(number), kind)
        return self.ground.run(CHILD, home, *arguments)

    def clean(self, act: str) -> list[str]:
        """Every step of an undisturbed *act*, in order."""
        home = self.homes.get()
        done = self.run(home, act)
        self.homes.put(home)
        assert done.stdout == "works\n", done.stderr
        told = json.loads(done.stderr.splitlines()[-1])
        assert told["source"] == SOURCES[act]
        found: list[str] = told["steps"]
        return found

    def strike(self, blow: Blow) -> tuple[bool, list[str]]:
        """Whether *blow* struck, and what is wrong then."""
        home = self.homes.get()
        try:
            done = self.run(home, *blow)
            struck = "struck\n" in done.stderr
            killed = blow.kind == "KILL" and done.code == KILLED
            fine = done.stdout == "works\n" or (
                blow.kind != "collect" and re.fullmatch(r"(\w+Error|KeyboardInterrupt)\nworks\n", done.stdout)
            )
            wrong = [] if fine or killed else [f"ended with {(done.code, done.stdout)}: {done.stderr[-1500:]}"]
            wrong += heals(self.ground, home, "two-1.0-" if blow.act == "mend" else "\0")
        finally:
            self.homes.put(home)
        return struck, [f"{blow}: {said}" for said in wrong]


def copy(source: Path, target: Path) -> None:
    """All of *source* as *target*, links and hard links too."""
    done = process.run(["cp", "-a", str(source), str(target)], env=dict(os.environ), cwd="/", deadline=60)
    assert done.code == 0, done.stderr


def damage(home: Path) -> None:
    """The machine started again, and one file is not what it was."""
    for mark in (home / "checked").iterdir():
        mark.unlink()
    for told in (home / "dists").glob("*/dist.json"):
        told.write_text(json.dumps({**json.loads(told.read_text()), "boot": "before"}))
    (file,) = (home / "dists").glob("two-*/site/two/__init__.py")
    file.chmod(0o644)
    file.unlink()  # its bytes are also those in the engine's cache
    file.write_text("changed = True\n")


def litter(home: Path) -> None:
    """What the dead left everywhere."""
    (home / "stage/1-dead/half").mkdir(parents=True)
    (boot,) = (home / "views").glob("boot-*")
    for name in ("checked/before-0", "locks/stage-1-gone", "locks/layer-0", "locks/lease-0"):
        (home / name).touch()
    torn = [
        home / "resolutions/.torn",
        home / "views/.making-x",
        home / "views/scripts-0.4194305",
        boot / "sitecustomize.py.4194305",
    ]
    for path in torn:
        path.touch()
        os.utime(path, (1, 1))


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    folder = tmp_path_factory.mktemp("steps")
    yield Stages(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def clean(stages: Stages) -> dict[str, list[str]]:
    return {act: stages.clean(act) for act in STEPS}


def said_in_code() -> set[str]:
    """Every name that the code gives to ``step``; what is put together stands with a star."""
    found: set[str] = set()
    for path in Path(sessionpkgs.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "step":
                (name,) = node.args
                plain = isinstance(name, ast.Constant)
                found.add(str(ast.literal_eval(name)) if plain else f"*{ast.unparse(name).rpartition('}')[2][:-1]}")
    return found


@pytest.mark.slow
def test_each_step_of_a_clean_run_is_one_that_is_struck(clean: dict[str, list[str]]) -> None:
    before: set[str] = set()
    for act, steps in clean.items():
        assert set(steps) - before == STEPS[act], act
        before |= set(steps)


def test_each_step_in_the_code_is_one_that_is_struck() -> None:
    struck = set().union(*STEPS.values())
    said = {
        name for name in said_in_code() - POOL_STEPS if not name.startswith(("workspace.", "conf."))
    }  # those have their own tests
    put_together = {name[1:] for name in said if name.startswith("*")}
    assert {name for name in struck if name not in said and not name.endswith(tuple(put_together))} == set()
    assert {name for name in said if not name.startswith("*")} - struck == set()


def points(clean: dict[str, list[str]]) -> list[tuple[str, str, int]]:
    """Where to strike: each step in the act that has it first, the first and the last time; by hand all of them."""
    every = [
        (act, name, steps[: at + 1].count(name), steps.count(name))
        for act, steps in clean.items()
        for at, name in enumerate(steps)
    ]
    if BY_HAND:
        return [one[:3] for one in every]
    return [(act, name, at) for act, name, at, last in every if name in STEPS[act] and at in (1, last)]


def blows(clean: dict[str, list[str]], kind: str) -> list[Blow]:
    """Blows of one *kind*; "errno" is at each step another one, or all by hand. The suite kills at every step, and of
    the others it takes a third.
    """
    share = slice(None) if kind == "KILL" or BY_HAND else slice(KINDS.index(kind) % 3, None, 3)
    if kind != "errno":
        return [Blow(*point, kind) for point in points(clean)[share]]
    others = ERRNOS[1:]
    return [
        Blow(*point, one)
        for number, point in enumerate(points(clean)[share])
        for one in (others if BY_HAND else others[number % len(others) :][:1])
    ]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_blow_at_any_step_leaves_nothing_half_and_the_next_try_works(
    stages: Stages, clean: dict[str, list[str]], kind: str
) -> None:
    tried = blows(clean, kind)
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(stages.strike, tried))
    assert [said for _, wrong in results for said in wrong] == []
    assert [blow for blow, (struck, _) in zip(tried, results, strict=True) if not struck] == []
