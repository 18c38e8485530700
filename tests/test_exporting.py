"""What a session holds, written down: every tool that reads it gives the same versions, and so do we."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionpkgs import formats, process
from sessionpkgs.engines.uv import Uv
from sessionpkgs.errors import ConflictError, NotFoundError, SpecError
from sessionpkgs.formats import Origin
from tests.sessions import Make, lines, names
from tests.wheelhouse import Wheelhouse, unpack

FORMS = {"pylock": "pylock.toml", "requirements": "requirements.txt", "environment": "environment.yml"}


def run(*words: str, folder: Path) -> str:
    done = process.run(words, env=os.environ, cwd=str(folder), deadline=300)
    assert done.code == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[str], str]:
    """Gives the Python of a new virtual environment with pip in it."""

    def make(name: str) -> str:
        run(Uv().program, "venv", "-q", "--no-config", "--seed", "--python", sys.executable, name, folder=tmp_path)
        return str(tmp_path / name / "bin/python")

    return make


def present(python: str, folder: Path) -> dict[str, str]:
    """What the environment of *python* has."""
    rows = json.loads(run(python, "-m", "pip", "list", "--format", "json", folder=folder))
    return {row["name"].lower().replace("_", "-"): row["version"] for row in rows}


def installed_by(python: str, words: list[str], folder: Path) -> dict[str, str]:
    """What *words* (pip's or uv's) put into the environment of *python*, which had only pip's own."""
    before = present(python, folder)
    program = [python, "-m", "pip", "install", "-q"] if words[0] == "pip" else [Uv().program, "pip", "install", "-q"]
    more = [] if words[0] == "pip" else ["--no-config", "--python", python, "--preview-features", "pylock"]
    run(*program, *more, *words[1:], folder=folder)
    return {name: version for name, version in present(python, folder).items() if name not in before}


def pip_lines(text: str) -> str:
    """The pip part of an environment.yml as requirement lines, which is what pip and uv can read of it."""
    origin = Origin(folder="/", open=lambda path: Path(path).read_bytes())
    return "".join(f"{one.line}\n" for one in formats.read(text, origin=origin).requirements)


def closure(session: Make, wheelhouse: Wheelhouse, below: Path) -> dict[str, str]:
    """A session that needs two distributions of its own and one of base; its versions."""
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    wheelhouse.wheel("base-a", "2.0")
    wheelhouse.wheel("low", "1.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["low", "base-a"])
    session().declare(lines(wheelhouse, "demo-a"))
    wheelhouse.wheel("low", "2.0")
    return {"demo-a": "1.0", "low": "1.0", "base-a": "1.0"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_another_tool_installs_the_same_versions(
    session: Make,
    wheelhouse: Wheelhouse,
    below: Path,
    tmp_path: Path,
    fresh: Callable[[str], str],
    form: str,
    tool: str,
) -> None:
    versions = closure(session, wheelhouse, below)
    one = session()
    one.declare(lines(wheelhouse, "demo-a==1.0", "low==1.0"))
    made = one.ask.export(file=FORMS[form])
    text = (tmp_path / FORMS[form]).read_text()
    assert made["count"] == 3
    file = "pylock.toml" if form == "pylock" else "lines.txt"
    (tmp_path / file).write_text(pip_lines(text) if form == "environment" else text)
    words = [tool, "-r", file]
    if form != "pylock":
        words += ["--no-index", "--find-links", str(wheelhouse.folder)]
    assert installed_by(fresh("venv"), words, tmp_path) == versions


@pytest.mark.parametrize("form", FORMS)
def test_we_read_the_same_versions_back_over_an_empty_base_and_over_this_one(
    session: Make, wheelhouse: Wheelhouse, below: Path, tmp_path: Path, form: str
) -> None:
    closure(session, wheelhouse, below)
    one = session()
    one.declare(lines(wheelhouse, "demo-a", "low<2"))
    one.ask.export(file=FORMS[form])
    text = (tmp_path / FORMS[form]).read_text()
    again = session()
    record = again.declare(text)
    versions = {name: again.union()[name].version for name in ("base-a", "demo-a", "low")}
    assert versions == {"base-a": "1.0", "demo-a": "1.0", "low": "1.0"}
    assert sorted(names(record)) == ["demo-a", "low"]
    for folder in below.iterdir():
        folder.rename(tmp_path / folder.name)
    record = session().declare(text)
    assert sorted(names(record)) == ["base-a", "demo-a", "low"]
    assert {p["version"] for p in record["packages"]} == {"1.0"}


def test_a_lock_gives_its_files_without_asking_an_index(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    with wheelhouse.index() as index:
        one = session()
        one.declare(f"--index-url {index.url}\ndemo-a\n")
        text = one.ask.export("pylock")["text"]
        index.requests.clear()
        again = session()
        record = again.declare(text)
        assert record["source"] == "store"
        assert names(record) == ["demo-a"]
        assert index.requests == []
        assert again.add(["demo-a"])["packages"][0]["version"] == "1.0"


def test_a_lock_that_would_break_base_is_refused(session: Make, wheelhouse: Wheelhouse, below: Path) -> None:
    wheelhouse.wheel("low", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "low"))
    text = one.ask.export("pylock")["text"]
    unpack(wheelhouse.wheel("low", "2.0"), below)
    unpack(wheelhouse.wheel("user", "1.0", requires=["low>=2"]), below)
    with pytest.raises(
        ConflictError, match=r"user 1\.0 needs low>=2 and would get low 1\.0; the versions of a lock are fixed"
    ):
        session().declare(text)


def test_a_version_of_base_that_no_index_has_is_said_to_be_missing(
    session: Make, wheelhouse: Wheelhouse, below: Path
) -> None:
    for name in ("base-a", "base-b"):
        unpack(wheelhouse.wheel(name, "1.0"), below)
    wheelhouse.wheel("demo-a", "1.0", requires=["base-a", "base-b"])
    (wheelhouse.folder / "base_a-1.0-py3-none-any.whl").unlink()
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    made = one.ask.export("requirements")
    assert made["notices"] == ["Not in it, because no index has these versions of base: base-a 1.0."]
    assert "base-b==1.0" in made["text"]
    assert one.ask.export("requirements", own=True)["count"] == 1


def test_an_export_does_not_write_over_a_file_unless_told(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    with pytest.raises(SpecError, match="holds nothing yet"):
        one.ask.export("pylock")
    one.declare(lines(wheelhouse, "demo-a"))
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SpecError, match=r"mine\.txt is there already"):
        one.ask.export(file="mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    one.ask.export(file="mine.txt", force=True)
    assert "demo-a==1.0" in (tmp_path / "mine.txt").read_text()
    with pytest.raises(SpecError, match="does not tell its format"):
        one.ask.export(file="mine.dat")


def test_a_declaration_is_locked_without_switching_anything_on(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0", requires=["low"])
    wheelhouse.wheel("low", "1.0")
    (tmp_path / "asked.txt").write_text(lines(wheelhouse, "demo-a"))
    one = session()
    before = list(sys.path)
    made = one.ask.lock("asked.txt")
    assert made["count"] == 2
    assert sys.path == before
    assert one.status()["packages"] == []
    with pytest.raises(SpecError, match=r"absent\.txt cannot be read"):
        one.ask.lock("absent.txt")
    (tmp_path / "asked.txt").write_text(lines(wheelhouse, "absent"))
    with pytest.raises(NotFoundError):
        one.ask.lock("asked.txt")


@pytest.mark.index
@pytest.mark.parametrize("form", FORMS)
def test_pandas_and_scikit_learn_come_back_in_the_same_versions(
    session: Make, tmp_path: Path, fresh: Callable[[str], str], form: str
) -> None:
    one = session()
    one.declare("pandas<3\nscikit-learn\n")
    made = one.ask.export(file=FORMS[form])
    text = (tmp_path / FORMS[form]).read_text()
    view = one.union()
    wanted = {pin: view[pin].version for pin in ("numpy", "pandas", "scikit-learn", "scipy", "python-dateutil")}
    file = "pylock.toml" if form == "pylock" else "lines.txt"
    (tmp_path / file).write_text(pip_lines(text) if form == "environment" else text)
    for tool in ("pip", "uv"):
        found = installed_by(fresh(tool), [tool, "-r", file], tmp_path)
        assert {name: found[name] for name in wanted} == wanted
        assert len(found) == made["count"]
    again = session()
    again.declare(file=FORMS[form])
    assert {name: again.union()[name].version for name in wanted} == wanted
