"""Giving room back: what is in use stays, what nobody uses goes, what is damaged is named, set aside and built anew."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - holds a session open in another process
import sys
from collections.abc import Callable
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
