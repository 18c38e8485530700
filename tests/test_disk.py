"""A disk that is full or read only, a store that goes away or changes hands, and clocks that are wrong.

Small file systems of their own are mounted where that is allowed, in a name space that ends with the process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import process
from sessionpkgs.errors import StoreError
from sessionpkgs.store import Store
from tests.sessions import Make, lines, names
from tests.wheelhouse import Wheelhouse, unpack

PRELUDE = """
import json, os, shutil, subprocess, sys
from pathlib import Path
import sessionpkgs.store.collecting
from sessionpkgs import Session, SessionPkgsError

store, spare, known, other = Path(os.environ["SESSIONPKGS_HOME"]), Path(sys.argv[1]), sys.argv[2], sys.argv[3]
told = []

def mount(kind, *options):
    subprocess.run(["mount", *options, kind], check=True)

def fill(folder):
    try:
        with open(folder / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(b"0" * 4096)
    except OSError:
        pass

def files(folder):
    number = 0
    try:
        while True:
            (folder / f"ballast-{number}").touch()
            number += 1
    except OSError:
        pass

def say(act):
    try:
        record = act()
        told.append([record["source"], *record["notices"]])
    except SessionPkgsError as error:
        told.append([type(error).__name__, str(error)])

def begin():
    session = Session(identity="kernel", folder=str(spare))
    say(lambda: session.declare(known))
    return session

def again(session):
    session.close()
    return Session(identity="kernel", folder=str(spare))

def end(session):
    import one
    print(json.dumps({
        "told": told, "works": one.__version__, "stage": os.listdir(store / "stage"),
        "active": sorted(name for name, _ in session.life.current().values()),
    }))
"""

FULL = """
mount(str(store), "-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs")
session = begin()
fill(store)
say(lambda: session.declare(other))
say(lambda: session.declare(known))
session = again(session)
say(lambda: session.declare(known))
(store / "ballast").unlink()
say(lambda: session.declare(other))
end(session)
"""

NO_FILES = """
mount(str(store), "-t", "tmpfs", "-o", "size=48m,nr_inodes=3000,mode=700", "tmpfs")
session = begin()
files(store)
say(lambda: session.declare(other))
say(lambda: session.declare(known))
session = again(session)
say(lambda: session.declare(known))
for ballast in store.glob("ballast-*"):
    ballast.unlink()
say(lambda: session.declare(other))
end(session)
"""

READ_ONLY = """
session = begin()
mount(str(store), "--bind", str(store))
subprocess.run(["mount", "-o", "remount,bind,ro", str(store)], check=True)
say(lambda: session.declare(other))
say(lambda: session.declare(known))
session = again(session)
say(lambda: session.declare(known))
subprocess.run(["mount", "-o", "remount,bind,rw", str(store)], check=True)
say(lambda: session.declare(other))
end(session)
"""

NO_TEMPORARY = """
mount(str(spare), "-t", "tmpfs", "-o", "size=8k", "tmpfs")
os.environ["TMPDIR"] = str(spare)
fill(spare)
session = Session(identity="kernel", folder=str(store.parent))
say(lambda: session.declare(known))
end(session)
"""


@pytest.fixture
def mounted(tmp_path: Path, home: Path, wheelhouse: Wheelhouse) -> Callable[[str], dict[str, Any]]:
    """Runs code where it may mount; it knows a small declaration and one of 2 MB."""
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    if shutil.which("unshare") is None or process.run(["unshare", "-m", "mount"], env=env, cwd="/", deadline=60).code:
        pytest.skip("nothing may be mounted here: root may, with unshare -m")
    wheelhouse.wheel("one")
    wheelhouse.wheel("large", files={f"large/{number}.bin": os.urandom(200_000) for number in range(10)})
    spare = tmp_path / "spare"
    spare.mkdir()

    def run(code: str) -> dict[str, Any]:
        known, other = lines(wheelhouse, "one"), lines(wheelhouse, "one", "large")
        argv = ["unshare", "-m", sys.executable, "-c", PRELUDE + code, str(spare), known, other]
        done = process.run(argv, env=env, cwd="/", deadline=120)
        assert done.code == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told

    return run


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (FULL, r"(No space left on device|the disk is full) \(.*\d+ MB free\)"),
        (NO_FILES, r"No space left on device \(\d+ MB free, but no room for more files\)"),
        (READ_ONLY, r"Read-only file system \(\d+ MB free\)"),
    ],
    ids=["full", "no more files", "read only"],
)
def test_where_nothing_can_be_written_new_is_refused_and_known_opens(
    mounted: Callable[[str], dict[str, Any]], home: Path, code: str, reason: str
) -> None:
    done = mounted(code)
    first, refused, same, reopened, after = done["told"]
    assert first[0] == "built"
    assert refused[0] == "StoreError"
    assert str(home) in refused[1]
    assert re.search(reason, refused[1]), refused
    for known in (same, reopened):
        assert known[0] == "remembered", known
    assert after[0] == "built"
    assert (done["works"], done["stage"], done["active"]) == ("1.0", [], ["large", "one"])


def test_a_full_folder_for_temporary_files_is_not_needed(mounted: Callable[[str], dict[str, Any]]) -> None:
    assert mounted(NO_TEMPORARY)["told"][0][0] == "built"


def removed(home: Path) -> None:
    shutil.rmtree(home)


def removed_and_made_again(home: Path) -> None:
    shutil.rmtree(home)
    Store(str(home)).prepare()


def a_link(home: Path) -> None:
    home.rename(home.with_name("moved"))
    home.symlink_to("moved")


def of_another_user(home: Path) -> None:
    if os.getuid():
        pytest.skip("only root may give a folder away")
    shutil.chown(home, 65534)


def open_to_others(home: Path) -> None:
    home.chmod(0o777)


def in_a_folder_of_all(home: Path) -> None:
    home.parent.chmod(0o777)


def without_the_session(home: Path) -> None:
    shutil.rmtree(home / "sessions")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (removed, "is not there"),
        (removed_and_made_again, "was removed, replaced or closed to us"),
        (a_link, "not a folder of yours"),
        (of_another_user, "not a folder of yours"),
        (open_to_others, "only you can write to"),
        (in_a_folder_of_all, "which other users can write to"),
        (without_the_session, "was removed, replaced or closed to us"),
    ],
)
@pytest.mark.parametrize("text", ["one", "two"], ids=["known", "new"])
def test_a_store_that_changes_between_two_cells_is_refused_by_name(
    session: Make, wheelhouse: Wheelhouse, home: Path, change: Callable[[Path], None], said: str, text: str
) -> None:
    for name in ("one", "two"):
        wheelhouse.wheel(name)
    live = session()
    live.declare(lines(wheelhouse, "one"))
    change(home)
    before = sorted(home.rglob("*"))
    with pytest.raises(StoreError, match=said) as refused:
        live.declare(lines(wheelhouse, text))
    assert str(home) in refused.value.sentence
    assert sorted(home.rglob("*")) == before
    assert [version for _, version in live.life.current().values()] == ["1.0"]
    live.overlay.deactivate()


CLOSED = """
import os, sys
from sessionpkgs import Session, SessionPkgsError
session = Session(identity="kernel", folder="/")
session.life.open()
os.chmod(sys.argv[1], 0)
for one in (session, Session(identity="other", folder="/")):
    try:
        one.declare("demo")
    except SessionPkgsError as error:
        print(type(error).__name__, sys.argv[1] in str(error), str(error))
"""


def test_a_store_that_may_not_be_entered_any_more_is_refused_by_name() -> None:
    """Root may enter everything, so this is tried as another user."""
    folder = Path(tempfile.mkdtemp())
    try:
        store = folder / "store"
        store.mkdir(mode=0o700)
        user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.getuid() == 0 else ()
        if user:
            for path in (folder, store):
                shutil.chown(path, 65534, 65534)
        env = {**os.environ, "SESSIONPKGS_HOME": str(store), "HOME": str(folder), "SESSIONPKGS_CONFIG": "/nowhere"}
        env["PYTHONPATH"] = str(Path(__file__).parents[1])
        if process.run([*user, sys.executable, "-c", "import sessionpkgs"], env=env, cwd="/", deadline=60).code:
            pytest.skip("another user may not run this Python")
        done = process.run([*user, sys.executable, "-c", CLOSED, str(store)], env=env, cwd="/", deadline=60)
        assert [line.split()[:2] for line in done.stdout.splitlines()] == [["StoreError", "True"]] * 2, done
    finally:
        (folder / "store").chmod(0o700)
        shutil.rmtree(folder)


@pytest.fixture
def answer(home: Path) -> Callable[..., None]:
    """Changes what is remembered."""

    def change(**times: float) -> None:
        (path,) = [one for one in (home / "resolutions").iterdir() if len(one.name) > 20]
        path.write_text(json.dumps({**json.loads(path.read_text()), **times}))

    return change


YEARS = 10 * 365 * 86_400.0


@pytest.mark.parametrize(
    ("since", "until", "source"),
    [
        (0.0, 3600.0, "remembered"),
        (-3600.0, -1.0, "store"),
        (YEARS, YEARS + 86_400, "store"),
        (-YEARS, 86_400 - YEARS, "store"),
    ],
    ids=["now", "aged", "the clock was ahead", "the clock was behind"],
)
def test_an_answer_that_a_wrong_clock_dated_is_asked_for_again(
    session: Make, wheelhouse: Wheelhouse, answer: Callable[..., None], since: float, until: float, source: str
) -> None:
    wheelhouse.wheel("one")
    text = lines(wheelhouse, "one>=1")
    assert session().declare(text)["source"] == "built"
    answer(since=time.time() + since - 1, until=time.time() + until)
    assert session().declare(text)["source"] == source


def test_a_wheel_that_is_built_again_with_the_same_size_and_time_is_another_one(
    session: Make, wheelhouse: Wheelhouse
) -> None:
    made = wheelhouse.wheel("one", files={"one/__init__.py": '__version__ = "old"\n'})
    os.utime(made, (1, 1))
    size = made.stat().st_size
    live = session()
    text = lines(wheelhouse, str(made))
    live.declare(text)
    assert __import__("one").__version__ == "old"
    made.unlink()
    made = wheelhouse.wheel("one", files={"one/__init__.py": '__version__ = "new"\n'})
    os.utime(made, (1, 1))
    assert made.stat().st_size == size
    record = live.declare(text)
    assert (names(record), __import__("one").__version__) == (["one"], "new")


@pytest.mark.parametrize("when", [1, 4_102_444_800], ids=["1970", "2100"])
def test_base_that_is_built_again_with_the_same_size_and_time_is_looked_at_again(
    session: Make, wheelhouse: Wheelhouse, below: Path, when: int
) -> None:
    wheelhouse.wheel("one", "1.0")
    for version in ("1.0", "2.0"):
        shutil.rmtree(below)
        below.mkdir()
        unpack(wheelhouse.wheel("one", version), below)
        for path in (below, *below.rglob("*")):
            os.utime(path, (when, when))
        (wheelhouse.folder / "one-2.0-py3-none-any.whl").unlink(missing_ok=True)
        record = session().declare(lines(wheelhouse, "one<2"))
        assert names(record) == ([] if version == "1.0" else ["one"])
