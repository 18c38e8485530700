"""Bit by bit: what ``add`` and ``remove`` change, what they leave alone, and whose options they follow."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import process
from sessionpkgs.errors import ActivationError, ConflictError, NotFoundError, Protected, ResolveError, SpecError
from tests.sessions import Make, lines, names, places
from tests.wheelhouse import Wheelhouse, project, unpack


def versions(record: dict[str, Any]) -> dict[str, str]:
    return {p["name"]: p["version"] for p in record["packages"] if p["layer"] == "session"}


@pytest.fixture(params=["uv", "pip"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of every engine in turn."""
    return str(request.param)


def test_an_upgrade_takes_the_newest_version_of_what_is_named_and_of_nothing_else(
    session: Make, wheelhouse: Wheelhouse, engine: str
) -> None:
    for name in ("demo-a", "demo-b"):
        wheelhouse.wheel(name, "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a", "demo-b"))
    for name in ("demo-a", "demo-b"):
        wheelhouse.wheel(name, "2.0")
    assert versions(one.add(["demo-a"], engine=engine)) == {"demo-a": "1.0", "demo-b": "1.0"}
    assert versions(one.add(["demo-a"], engine=engine, upgrade=True)) == {"demo-a": "2.0", "demo-b": "1.0"}


def test_an_upgrade_of_what_base_has_in_the_newest_version_brings_nothing(
    session: Make, wheelhouse: Wheelhouse, below: Path, engine: str
) -> None:
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    one = session()
    record = one.add([*places(wheelhouse), "base-a"], engine=engine, upgrade=True)
    assert versions(record) == {}
    wheelhouse.wheel("base-a", "2.0")
    assert versions(one.add([*places(wheelhouse), "base-a"], engine=engine, upgrade=True)) == {"base-a": "2.0"}


def test_force_brings_what_base_has_already(session: Make, wheelhouse: Wheelhouse, below: Path, engine: str) -> None:
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    one = session()
    assert versions(one.add([*places(wheelhouse), "base-a"], engine=engine, force=True)) == {"base-a": "1.0"}
    one.remove(["base-a"])
    assert one.status()["packages"] == ()


def test_a_protected_distribution_is_not_upgraded_and_that_is_said(session: Make, wheelhouse: Wheelhouse) -> None:
    record = session().add([*places(wheelhouse), "pip", "ipykernel"], upgrade=True)
    assert versions(record) == {}
    assert [notice for notice in record["notices"] if notice.startswith("ipykernel ") and "pip " in notice]


def test_options_of_one_step_end_with_it(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0", requires=["absent"])
    wheelhouse.wheel("demo-b", "1.0")
    wheelhouse.wheel("demo-b", "2.0rc1")
    wheelhouse.wheel("demo-c", "1.0")
    wheelhouse.wheel("demo-c", "2.0rc1")
    one = session()
    one.add([*places(wheelhouse), "--no-deps", "demo-a"])
    assert versions(one.add([*places(wheelhouse), "--pre", "demo-b"]))["demo-b"] == "2.0rc1"
    assert versions(one.add([*places(wheelhouse), "demo-c"])) == {"demo-a": "1.0", "demo-b": "2.0rc1", "demo-c": "1.0"}
    with pytest.raises(NotFoundError, match="absent"):
        one.add([*places(wheelhouse), "demo-a==1.0", "demo-c"])


def test_places_of_one_step_end_with_it_and_those_of_the_declaration_stay(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    other = Wheelhouse(tmp_path / "other")
    wheelhouse.wheel("demo-a", "1.0")
    other.wheel("demo-b", "1.0")
    other.wheel("demo-c", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    assert names(one.add([f"--find-links {other.folder}", "demo-b"])) == ["demo-a", "demo-b"]
    with pytest.raises(NotFoundError, match="demo-c"):
        one.add(["demo-c"])


def test_what_was_asked_for_stays_within_what_was_asked(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    wheelhouse.wheel("demo-a", "2.0")
    wheelhouse.wheel("demo-b", "1.0", requires=["demo-a>=2"])
    one = session()
    one.declare(lines(wheelhouse, "demo-a<2"))
    with pytest.raises(ResolveError, match="demo-b"):
        one.add(["demo-b"])
    assert versions(one.add(["demo-b", "demo-a"])) == {"demo-a": "2.0", "demo-b": "1.0"}


def test_what_the_session_has_is_not_broken_by_what_comes(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("low", "1.0")
    wheelhouse.wheel("low", "2.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["low<2"])
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    with pytest.raises(ConflictError, match=r"the session would break: demo-a 1\.0 needs low<2"):
        one.add(["low>=2"])
    wheelhouse.wheel("demo-a", "2.0", requires=["low"])
    assert versions(one.add(["low>=2"])) == {"demo-a": "2.0", "low": "2.0"}


def test_taking_out_asks_no_index_and_shows_what_base_has(session: Make, wheelhouse: Wheelhouse, below: Path) -> None:
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    wheelhouse.wheel("base-a", "2.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["base-a>=2"])
    one = session()
    one.declare(lines(wheelhouse, "demo-a", "base-a"))
    for wheel in wheelhouse.folder.iterdir():
        wheel.unlink()
    assert versions(one.remove(["demo-a"])) == {"base-a": "2.0"}
    record = one.remove(["base-a"])
    assert versions(record) == {}
    assert one.union()["base-a"].version == "1.0"


def test_what_keeps_base_whole_stays_until_nothing_needs_it(session: Make, wheelhouse: Wheelhouse, below: Path) -> None:
    unpack(wheelhouse.wheel("low", "1.0"), below)
    unpack(wheelhouse.wheel("user", "1.0", requires=["low<2"]), below)
    wheelhouse.wheel("low", "2.0")
    wheelhouse.wheel("user", "2.0", requires=["low>=2"])
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "low>=2", "demo-a"))
    assert versions(one.remove(["demo-a"])) == {"low": "2.0", "user": "2.0"}
    assert versions(one.remove(["low"])) == {}


def test_a_name_that_cannot_be_taken_out_is_refused_with_the_reason(
    session: Make, wheelhouse: Wheelhouse, below: Path
) -> None:
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    wheelhouse.wheel("low", "1.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["low"])
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    with pytest.raises(SpecError, match="low was not asked for in this session, but demo-a needs it"):
        one.remove(["low"])
    with pytest.raises(Protected, match=r"base-a 1\.0 belongs to base"):
        one.remove(["base-a"])
    with pytest.raises(NotFoundError, match="demoa is not installed") as refused:
        one.remove(["demoa"])
    assert "Did you mean demo-a?" in refused.value.hint


def test_a_step_is_remembered_and_what_follows_it_works(session: Make, wheelhouse: Wheelhouse) -> None:
    for name in ("demo-a", "demo-b", "demo-c"):
        wheelhouse.wheel(name, "1.0")
    one = session()
    for source in ("built", "remembered"):
        one = session()
        one.declare(lines(wheelhouse, "demo-a"))
        assert one.add(["demo-b"])["source"] == source
    assert versions(one.add(["demo-c"])) == {"demo-a": "1.0", "demo-b": "1.0", "demo-c": "1.0"}
    assert versions(one.remove(["demo-a"])) == {"demo-b": "1.0", "demo-c": "1.0"}


def test_a_changed_folder_is_built_again_and_an_unchanged_one_stays_loaded(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    source = project(tmp_path / "mine", "changing-mine") / "src/changing_mine/__init__.py"
    one = session()
    read = "import changing_mine; print(changing_mine.__version__)"
    one.add(["./mine"], engine=engine)
    assert child(read) == "1.0"
    loaded = importlib.import_module("changing_mine")
    one.add(["./mine"], engine=engine)
    one.add([*places(wheelhouse), "demo-a"], engine=engine)
    assert sys.modules["changing_mine"] is loaded
    source.write_text("__version__ = 'changed'\n")
    record = one.add(["./mine"], engine=engine)
    assert child(read) == "changed"
    assert any("imported anew" in notice for notice in record["notices"])
    one.namespace = {"kept": importlib.import_module("changing_mine")}
    source.write_text("__version__ = 'again'\n")
    with pytest.raises(ActivationError, match="held by the variable kept"):
        one.add(["./mine"], engine=engine)
    assert child(read) == "changed"
    del sys.modules["changing_mine"]


def child(code: str) -> str:
    """What *code* prints in a child of this Python."""
    done = process.run([sys.executable, "-c", code], env=os.environ, cwd="/", deadline=60)
    assert done.code == 0, done.stderr
    return done.stdout.strip()


def test_an_editable_folder_stays_loaded_when_something_else_comes(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    project(tmp_path / "mine", "edited-mine")
    one = session()
    one.add(["-e ./mine"])
    loaded = importlib.import_module("edited_mine")
    one.add([*places(wheelhouse), "demo-a"])
    assert sys.modules["edited_mine"] is loaded
    one.reset()
    assert "edited_mine" not in sys.modules
