"""Base and session together: base stays whole, shared packages stay whole, programs stay where they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sessionpkgs.errors import ConflictError
from tests.sessions import Make, lines, names
from tests.wheelhouse import Wheelhouse, unpack


def user_and_low(wheelhouse: Wheelhouse, below: Path) -> None:
    """Base has user-lib 2.0, which needs low-lib 2; the index has a user-lib 1.0 for low-lib 1."""
    unpack(wheelhouse.wheel("low-lib", "2.0"), below)
    unpack(wheelhouse.wheel("user-lib", "2.0", requires=["low-lib>=2"]), below)
    wheelhouse.wheel("low-lib", "1.0")
    wheelhouse.wheel("user-lib", "1.0", requires=["low-lib<2"])


def test_what_base_has_comes_along_in_a_version_that_fits(session: Make, wheelhouse: Wheelhouse, below: Path) -> None:
    user_and_low(wheelhouse, below)
    record = session().declare(lines(wheelhouse, "low-lib<2"))
    assert {p["name"]: (p["base"], p["version"]) for p in record["packages"]} == {
        "low-lib": ("2.0", "1.0"),
        "user-lib": ("2.0", "1.0"),
    }
    assert any("user-lib 1.0: comes along" in notice for notice in record["notices"])


@pytest.mark.parametrize("union", ["strict", "coresolve"])
def test_base_is_never_broken_in_silence(
    session: Make, wheelhouse: Wheelhouse, below: Path, monkeypatch: pytest.MonkeyPatch, union: str
) -> None:
    user_and_low(wheelhouse, below)
    if union == "coresolve":
        next(wheelhouse.folder.glob("user_lib-1.0*")).unlink()
    monkeypatch.setenv("SESSIONPKGS_UNION", union)
    with pytest.raises(ConflictError, match=r"user-lib 2\.0 needs low-lib>=2 and would get low-lib 1\.0"):
        session().declare(lines(wheelhouse, "low-lib<2"))


def test_a_broken_base_is_named_where_the_setting_allows_it(
    session: Make, wheelhouse: Wheelhouse, below: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_and_low(wheelhouse, below)
    monkeypatch.setenv("SESSIONPKGS_UNION", "warn")
    record = session().declare(lines(wheelhouse, "low-lib<2"))
    assert names(record) == ["low-lib"]
    assert "Now inconsistent: user-lib 2.0 needs low-lib>=2 and would get low-lib 1.0." in record["notices"]


def test_a_part_of_a_shared_package_comes_along_with_the_other(
    session: Make, wheelhouse: Wheelhouse, below: Path
) -> None:
    for version in ("1.0", "2.0"):
        one = wheelhouse.wheel("pack-a", version, files={"shared_pack/__init__.py": "", "shared_pack/a.py": ""})
        if version == "1.0":
            unpack(one, below)
    unpack(wheelhouse.wheel("pack-b", "1.0", files={"shared_pack/b.py": "X = 1\n"}), below)
    record = session().declare(lines(wheelhouse, "pack-a==2.0"))
    assert {p["name"]: p["version"] for p in record["packages"]} == {"pack-a": "2.0", "pack-b": "1.0"}
    assert any("shares a package" in notice for notice in record["notices"])
    import shared_pack.a  # type: ignore[import-not-found]
    import shared_pack.b  # type: ignore[import-not-found]

    assert shared_pack.b.X == 1


def test_a_script_never_stands_before_another_program_of_its_name(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "taken-tool").write_text("#!/bin/sh\n")
    (theirs / "taken-tool").chmod(0o755)
    monkeypatch.setenv("PATH", str(theirs))
    points = {"console_scripts": {"taken-tool": "demo_a:main", "free-tool": "demo_a:main"}}
    wheelhouse.wheel("demo-a", "1.0", files={"demo_a.py": "def main(): pass\n"}, entry_points=points)
    record = session().declare(lines(wheelhouse, "demo-a"), engine="pip")
    assert shutil.which("taken-tool") == str(theirs / "taken-tool")
    assert shutil.which("free-tool") is not None
    assert any("taken-tool: a program of this name is on PATH" in notice for notice in record["notices"])
