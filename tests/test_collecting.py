"""Giving room back: what is in use stays, what nobody uses goes, what is damaged is named, set aside and built anew."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess  # noqa: TID251 - holds a session open in another process
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sessionpkgs import cli
from sessionpkgs.store import Store
from sessionpkgs.store.collecting import collect, verify
from sessionpkgs.store.locks import Flock
from tests.sessions import Make, lines, names
from tests.wheelhouse import Wheelhouse

HOLD = """
import sys
from sessionpkgs import Session
session = Session(identity=sys.argv[1])
session.declare(sys.stdin.readline().encode().decode("unicode_escape"))
print("ready", flush=True)
sys.stdin.readline()
import demo_a
print(demo_a.__version__, flush=True)
"""


def entries(home: Path, part: str) -> list[str]:
    return sorted(path.name for path in (home / part).iterdir() if not path.name.startswith("."))


def test_what_a_session_uses_stays_and_the_rest_goes(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    for name in ("demo-a", "demo-b"):
        wheelhouse.wheel(name, "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-b"))
    one.declare(lines(wheelhouse, "demo-a"))
    kept = one.status()["layer"]
    one.life.release()
    held = one.life.store.lease(kept)
    gone = collect(Store(str(home)), days=0)
    assert (gone.layers, gone.dists) == (1, 1)
    assert entries(home, "layers") == [kept]
    assert [name.partition("-1.0")[0] for name in entries(home, "dists")] == ["demo-a"]
    assert entries(home, "trash") == []
    assert __import__("demo_a").__version__ == "1.0"
    assert names(one.declare(lines(wheelhouse, "demo-b"))) == ["demo-b"]
    held.release()


def test_the_session_of_another_process_is_in_use_until_it_dies(
    wheelhouse: Wheelhouse, home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    child = start(HOLD, "other")
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(lines(wheelhouse, "demo-a").replace("\n", "\\n") + "\n")
    child.stdin.flush()
    assert child.stdout.readline() == "ready\n"
    assert collect(Store(str(home)), days=0)[:3] == (0, 0, 0)
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.stdout.readline() == "1.0\n"
    child.kill()
    child.wait()
    assert collect(Store(str(home)), days=0)[:3] == (1, 1, 1)
    assert entries(home, "layers") == entries(home, "dists") == entries(home, "sessions") == []


def test_what_was_used_lately_stays_for_the_next_start(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    record = one.declare(lines(wheelhouse, "demo-a"))
    one.close()
    assert collect(Store(str(home)), days=1) == (0, 0, 0, 0)
    for part in ("layers", "dists", "sessions", "resolutions"):
        for path in (home / part).iterdir():
            os.utime(path, (1, 1))
    two = session()
    assert two.declare(lines(wheelhouse, "demo-a"))["source"] == "remembered"
    two.close()
    gone = collect(Store(str(home)), days=1)
    assert (gone.layers, gone.dists) == (0, 0)
    assert entries(home, "layers") == [record["layer"]]


def test_nothing_is_collected_while_a_build_goes_on(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    one.close()
    with Flock(str(home / "locks/collect")) as building:
        assert building.try_acquire(exclusive=False)
        other = Flock(str(home / "locks/collect"))
        assert not other.try_acquire(exclusive=True)
    assert collect(Store(str(home)), days=0).dists == 1


def test_an_answer_whose_layer_went_is_forgotten(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    one.close()
    assert collect(Store(str(home)), days=0).resolutions == 1
    assert entries(home, "resolutions") == []
    assert session().declare(lines(wheelhouse, "demo-a"))["source"] == "built"


@pytest.mark.parametrize("change", ["altered", "removed", "added"])
def test_damage_is_named_set_aside_and_built_anew(
    session: Make, wheelhouse: Wheelhouse, home: Path, change: str
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    one.close()
    (file,) = (home / "dists").glob("demo-a-*/site/demo_a/__init__.py")
    file.parent.chmod(0o755)
    if change == "altered":
        file.chmod(0o644)
        file.write_text("__version__ = 'evil'\n")
    elif change == "removed":
        file.unlink()
    else:
        (file.parent / "more.py").touch()
    (found,) = verify(Store(str(home)))
    assert found.identity.startswith("demo-a-1.0-")
    assert "demo_a/" in found.fault
    assert not found.used
    assert entries(home, "layers") == entries(home, "dists") == []
    assert len(entries(home, "trash")) == 2
    assert session().declare(lines(wheelhouse, "demo-a"))["source"] == "built"
    assert verify(Store(str(home))) == []


GARBAGE = ["", '{"digest": ', "[]", "null", '{"dists": 5, "notices": []}', "\x00"]


@pytest.mark.parametrize("garbage", [*GARBAGE, "link gone", "link added", "distribution gone"])
def test_a_layer_that_is_not_what_it_was_is_named_set_aside_and_built_anew(
    session: Make, wheelhouse: Wheelhouse, home: Path, garbage: str
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    layer = one.declare(lines(wheelhouse, "demo-a"))["layer"]
    one.close()
    tear(home, layer, garbage)
    (found,) = verify(Store(str(home)))
    assert (found.identity, found.used) == (layer, False)
    assert re.match(r"layer\.json|site/(demo_a|more)", found.fault)
    assert entries(home, "layers") == []
    assert len(entries(home, "trash")) == (2 if garbage == "distribution gone" else 1)
    assert session().declare(lines(wheelhouse, "demo-a"))["source"] == "built"
    assert verify(Store(str(home))) == []


def tear(home: Path, layer: str, garbage: str) -> None:
    """Damage a layer."""
    site = home / "layers" / layer / "site"
    if garbage == "link gone":
        (site / "demo_a").unlink()
    elif garbage == "link added":
        (site / "more").symlink_to("/")
    elif garbage == "distribution gone":
        (dist,) = (home / "dists").iterdir()
        dist.rename(home / "trash" / dist.name)
    else:
        (site.parent / "layer.json").write_text(garbage)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_a_torn_layer_in_use_links_to_stays(
    session: Make, wheelhouse: Wheelhouse, home: Path, garbage: str
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    layer = session().declare(lines(wheelhouse, "demo-a"))["layer"]
    tear(home, layer, garbage)
    assert collect(Store(str(home)), days=0)[:2] == (0, 0)
    (found,) = verify(Store(str(home)))
    assert (found.identity, found.used) == (layer, True)
    assert __import__("demo_a").__version__ == "1.0"


def test_what_the_dead_left_goes_and_what_is_held_stays(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    record = session().declare(lines(wheelhouse, "demo-a"))
    (mark,), (boot,) = (home / "checked").iterdir(), (home / "views").glob("boot-*")
    old = [home / "views/scripts-1.4194305", boot / "sitecustomize.py.4194305"]  # no process has such a number
    new = [home / "views/scripts-2.4194306", boot / "sitecustomize.py.4194306"]
    for name in ("locks/stage-1-x", "locks/layer-x", "locks/lease-x", "locks/other", "checked/before-x"):
        (home / name).touch()
    for path in (*old, *new):
        path.touch()
    for path in old:
        os.utime(path, (1, 1))
    stale = home / "checked" / mark.name.replace(record["layer"], "gone")
    stale.touch()
    with Flock(str(home / "locks/lease-building")) as held, Store(str(home)).stage() as stage:
        held.acquire(exclusive=False, deadline=1.0)
        collect(Store(str(home)), days=30)
        assert Path(stage).is_dir()
        kept = {"collect", "other", "lease-building", f"stage-{Path(stage).name}"}
        assert set(entries(home, "locks")) == kept | {f"lease-{record['layer']}", f"layer-{record['layer']}"}
    assert entries(home, "checked") == [mark.name]
    assert [path.exists() for path in (*old, *new)] == [False, False, True, True]


FORK = """
import os, sys
from sessionpkgs import Session
session = Session(identity="parent")
session.declare(sys.stdin.readline().encode().decode("unicode_escape"))
if os.fork() == 0:
    os.close(0)
    print("ready", flush=True)
    with open(sys.argv[1]) as gate:
        gate.read()
    os._exit(0)
sys.stdin.readline()
"""

OUTLIVE = """
import subprocess, sys
from sessionpkgs import Session
session = Session(identity="parent")
session.declare(sys.stdin.readline().encode().decode("unicode_escape"))
code = "import sys; print('ready', flush=True); open(sys.argv[1]).read(); import demo_a; open(sys.argv[2], 'w').write('1.0')"
subprocess.Popen([sys.executable, "-c", code, *sys.argv[1:]], stdin=subprocess.DEVNULL)
sys.stdin.readline()
"""


def begun(start: Callable[..., subprocess.Popen[str]], text: str, *arguments: str) -> subprocess.Popen[str]:
    """A process that has declared *text* and whose child waits at a pipe."""
    child = start(*arguments)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(text.replace("\n", "\\n") + "\n")
    child.stdin.flush()
    assert child.stdout.readline() == "ready\n"
    return child


def let_go(gate: Path, child: subprocess.Popen[str]) -> None:
    """Let the child at the pipe *gate* end; *child*'s output ends with it."""
    with gate.open("w"):
        pass
    assert child.stdout is not None
    child.stdout.read()


@pytest.fixture
def gate(tmp_path: Path, start: Callable[..., subprocess.Popen[str]]) -> Iterator[Path]:
    """A pipe that a child waits at; who still waits at the end of a test is let go, before *start* waits for it."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path
    with contextlib.suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


def test_a_forked_child_keeps_what_its_parent_used(
    wheelhouse: Wheelhouse, home: Path, gate: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    parent = begun(start, lines(wheelhouse, "demo-a"), FORK, str(gate))
    parent.kill()
    parent.wait()
    assert collect(Store(str(home)), days=0)[:3] == (0, 0, 0)
    let_go(gate, parent)
    assert collect(Store(str(home)), days=0)[:3] == (1, 1, 1)


def test_a_program_that_outlives_its_kernel_keeps_what_it_uses_for_the_usual_days(
    wheelhouse: Wheelhouse, home: Path, tmp_path: Path, gate: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    kernel = begun(start, lines(wheelhouse, "demo-a"), OUTLIVE, str(gate), str(tmp_path / "told"))
    (layer,) = (home / "layers").iterdir()
    os.utime(layer, (1, 1))  # the kernel has been running for long
    assert cli.main(["store", "gc"]) == 0
    kernel.kill()
    kernel.wait()
    assert cli.main(["store", "gc"]) == 0
    assert entries(home, "layers") == [layer.name]
    let_go(gate, kernel)
    assert (tmp_path / "told").read_text() == "1.0"
    assert collect(Store(str(home)), days=0).layers == 1


@pytest.mark.parametrize("when", [1, 4_102_444_800], ids=["1970", "2100"])
def test_times_decide_nothing_about_what_is_in_use(
    session: Make, wheelhouse: Wheelhouse, home: Path, when: int
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    everything = [home, *home.rglob("*")]
    for path in everything:
        os.utime(path, (when, when), follow_symlinks=False)
    for days in (30, 0):
        assert collect(Store(str(home)), days=days)[:3] == (0, 0, 0)
        assert verify(Store(str(home))) == []
    assert __import__("demo_a").__version__ == "1.0"
    for path in (home / "layers").iterdir():
        os.utime(path, (when, when))
    one.close()
    assert collect(Store(str(home)), days=0)[:3] == (1, 1, 1)


def test_damage_that_a_session_uses_is_named_and_left_where_it_is(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    (file,) = (home / "dists").glob("demo-a-*/site/demo_a/__init__.py")
    file.chmod(0o644)
    file.write_text("__version__ = 'evil'\n")
    (found,) = verify(Store(str(home)))
    assert found.used
    assert file.is_file()


def test_the_command_line_collects_and_verifies(
    session: Make, wheelhouse: Wheelhouse, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    one.close()
    assert cli.main(["store", "verify"]) == 0
    assert "Every distribution is what it was." in capsys.readouterr().out
    (file,) = (home / "dists").glob("demo-a-*/site/demo_a/__init__.py")
    file.chmod(0o644)
    file.write_text("")
    assert cli.main(["store", "verify", "--json"]) == 14
    told = json.loads(capsys.readouterr().out)
    assert told["damage"][0]["identity"].startswith("demo-a-1.0-")
    session().declare(lines(wheelhouse, "demo-a"))
    session().close()
    assert cli.main(["store", "gc", "--days", "0"]) == 0
    assert "1 layers, 1 dists" in capsys.readouterr().out
    assert cli.main(["store", "gc"]) == 0
    assert "Nothing to remove." in capsys.readouterr().out
    assert sys.modules.get("demo_a") is None
