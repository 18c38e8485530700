"""Sessions, magics and pools over a workspace: its names come from there and from nowhere else, with either engine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from importlib.metadata import version as present_version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from sessionpkgs.cli import main
from sessionpkgs.display.answers import Answer
from sessionpkgs.errors import ConflictError, IntegrityError, NotFoundError, ResolveError
from sessionpkgs.jupyter import arguments, packages, pip_lines
from sessionpkgs.jupyter.completing import Completion
from sessionpkgs.model import Pin
from sessionpkgs.session.uploads import Uploads
from sessionpkgs.workspace import Workspace, here, index, pages
from tests.sessions import Make
from tests.wheelhouse import Index, Wheelhouse, closed_port, sha256_of
from tests.workspaces import jar

ENGINES = ("uv", "pip")
pytestmark = pytest.mark.usefixtures("untouched")


@pytest.fixture
def workspace(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace beside the store."""
    assert home.is_dir()
    monkeypatch.setenv("SESSIONPKGS_WORKSPACE", str(tmp_path / "shared"))
    return here(os.environ)


@pytest.fixture
def mine(tmp_path: Path) -> Wheelhouse:
    """Wheels that are added to the workspace by :func:`added`."""
    return Wheelhouse(tmp_path / "mine")


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Index]:
    """An index of strangers, which has ``mypkg`` in a higher version, and ``other``."""
    house = Wheelhouse(tmp_path / "public")
    house.wheel("mypkg", "99.0", files={"mypkg.py": "stolen = True\n"})
    house.wheel("other", "1.0")
    with house.index() as index:
        yield index


def added(house: Wheelhouse, *more: Path) -> None:
    answer = Uploads(os.environ).add([str(house.folder), *map(str, more)])
    assert answer["exit_code"] == 0, answer


def pip(session: Any, line: str) -> dict[str, Any]:
    """What ``%pip LINE`` does."""
    answer: dict[str, Any] = packages.install(session, pip_lines.parse(line))
    return answer


def imported(record: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["version"] for row in record["packages"] if row["layer"] == "session"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("option", ["", "--no-index "])
def test_a_name_of_the_workspace_needs_no_index_at_all(
    workspace: Workspace,
    mine: Wheelhouse,
    session: Make,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    option: str,
) -> None:
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    monkeypatch.setenv("SESSIONPKGS_INDEX", f"http://127.0.0.1:{closed_port()}/simple")
    wheel = mine.wheel("mypkg", "1.0", requires=["mydep>=1"])
    mine.wheel("mypkg", "2.0", requires=["mydep>=1"])
    mine.wheel("mydep", "1.5")
    added(mine)
    one = session()
    record = pip(one, f"install {option}mypkg==1.0")
    assert imported(record) == {"mypkg": "1.0", "mydep": "1.5"}
    (row,) = (row for row in record["packages"] if row["name"] == "mypkg")
    assert (row["url"], row["sha256"]) == (workspace.find("mypkg==1.0")[0].url, sha256_of(wheel))
    assert present_version("mypkg") == "1.0"
    assert imported(one.declare("mypkg\n" if not option else "--no-index\nmypkg\n")) == {"mypkg": "2.0", "mydep": "1.5"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("asked", ["mypkg", "user-of-it"], ids=["asked for", "needed by another"])
@pytest.mark.parametrize("way", ["index", "extra", "configured"])
def test_a_name_of_the_workspace_never_comes_from_elsewhere(
    workspace: Workspace,
    mine: Wheelhouse,
    public: Index,
    session: Make,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    asked: str,
    way: str,
) -> None:
    assert workspace.held() == []
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    mine.wheel("mypkg", "1.0")
    added(mine)
    Wheelhouse(public.folder).wheel("user-of-it", "1.0", requires=["mypkg"])
    if way == "configured":
        monkeypatch.setenv("PIP_INDEX_URL", public.url)
    lines = {"index": f"--index-url {public.url}\n", "extra": f"--extra-index-url {public.url}\n", "configured": ""}
    if way == "extra":
        monkeypatch.setenv("PIP_INDEX_URL", public.url)
    record = session().declare(f"{lines[way]}{asked}\nother\n")
    assert imported(record)["mypkg"] == "1.0"
    assert imported(record)["other"] == "1.0"
    assert not [path for path in public.requests if "mypkg" in path]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("asked", ["mypkg", "user-of-it"], ids=["asked for", "needed by another"])
def test_a_folder_of_links_does_not_give_a_name_of_the_workspace(
    workspace: Workspace,
    mine: Wheelhouse,
    public: Index,
    session: Make,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    asked: str,
) -> None:
    assert workspace.held() == []
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    mine.wheel("mypkg", "1.0")
    added(mine)
    Wheelhouse(public.folder).wheel("user-of-it", "1.0", requires=["mypkg"])
    with pytest.raises(ConflictError, match=r"mypkg==99\.0 would come from .*, and mypkg is a name of the workspace"):
        session().declare(f"--no-index\n--find-links {public.folder}\n{asked}\n")
    file = public.folder / "mypkg-99.0-py3-none-any.whl"
    assert imported(session().declare(f"--no-index\n{file}\n")) == {"mypkg": "99.0"}


def test_a_pin_of_a_workspaces_name_must_have_its_bytes(
    workspace: Workspace, mine: Wheelhouse, public: Index, tmp_path: Path
) -> None:
    wheel = mine.wheel("mypkg", "1.0")
    added(mine)
    first = index(os.environ, str(tmp_path))
    theirs = public.folder / "mypkg-99.0-py3-none-any.whl"
    stranger = Pin(name="mypkg", version="99.0", url=theirs.as_uri(), sha256=sha256_of(theirs))
    fine = (
        Pin(name="mypkg", version="1.0", url=workspace.artefacts()[0].url),
        Pin(name="mypkg", version="1.0", url=wheel.as_uri(), sha256=sha256_of(wheel)),
        replace(stranger, direct=True),
        replace(stranger, name="other"),
    )
    pages.refuse_namesakes(fine, (first, public.url))
    pages.refuse_namesakes([stranger], (public.url, first))
    for pin in (stranger, replace(stranger, sha256="")):
        with pytest.raises(ConflictError, match="mypkg==99"):
            pages.refuse_namesakes([*fine, pin], (first,))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_version_that_the_workspace_lacks_is_not_looked_for_elsewhere(
    workspace: Workspace,
    mine: Wheelhouse,
    public: Index,
    session: Make,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    assert workspace.held() == []
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    monkeypatch.setenv("PIP_INDEX_URL", public.url)
    mine.wheel("mypkg", "1.0")
    added(mine)
    with pytest.raises((NotFoundError, ResolveError), match="mypkg"):
        session().declare("mypkg>=50\n")
    assert not [path for path in public.requests if path.startswith("/files/")]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wheel_for_another_python_is_not_found_elsewhere_either(
    workspace: Workspace,
    mine: Wheelhouse,
    public: Index,
    session: Make,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    assert workspace.held() == []
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    monkeypatch.setenv("PIP_INDEX_URL", public.url)
    mine.wheel("mypkg", "1.0", tag="cp36-cp36m-win32")
    added(mine)
    with pytest.raises((NotFoundError, ResolveError), match="mypkg"):
        session().declare("mypkg\n")
    assert not [path for path in public.requests if path.startswith("/files/")]


@pytest.mark.parametrize("engine", ENGINES)
def test_under_a_closed_network_the_workspace_is_enough_and_nobody_is_asked(
    workspace: Workspace,
    mine: Wheelhouse,
    public: Index,
    session: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    (tmp_path / "policy.toml").write_text("closed_network = true\n")
    monkeypatch.setenv("SESSIONPKGS_POLICY", str(tmp_path / "policy.toml"))
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "")
    mine.wheel("mypkg", "1.0", requires=["mydep"])
    mine.wheel("mydep", "1.0")
    added(mine)
    assert imported(session().declare("mypkg\n")) == {"mypkg": "1.0", "mydep": "1.0"}
    with pytest.raises(NotFoundError, match="other") as refused:
        session().declare("mypkg\nother\n")
    assert "sessionpkgs closure" in refused.value.hint
    assert public.requests == []
    assert len(workspace.held()) == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_was_changed_on_the_disk_is_refused_by_its_name(
    workspace: Workspace,
    mine: Wheelhouse,
    home: Path,
    session: Make,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    mine.wheel("mypkg", "1.0")
    added(mine)
    evil = Wheelhouse(mine.folder / "evil").wheel("mypkg", "1.0", files={"mypkg.py": "stolen = True\n"})
    shutil.copyfile(evil, workspace.artefacts()[0].path)
    with pytest.raises(IntegrityError, match=r"mypkg-1\.0-py3-none-any\.whl"):
        session().declare("--no-index\nmypkg\n")
    assert [*(home / "layers").iterdir()] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wheel_that_is_taken_out_harms_nobody_who_has_it(
    workspace: Workspace, mine: Wheelhouse, session: Make, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("SESSIONPKGS_ENGINE", engine)
    mine.wheel("mypkg", "1.0", files={"mypkg/__init__.py": "", "mypkg/late.py": "here = True\n"})
    added(mine)
    one = session()
    one.declare("--no-index\nmypkg\n")
    assert main(["workspace", "remove", "mypkg"]) == 0
    assert workspace.held() == []
    assert import_module("mypkg.late").here
    with pytest.raises(NotFoundError, match="mypkg"):
        session().declare("--no-index\nmypkg\n")


def test_what_was_added_since_is_seen_and_what_was_there_is_remembered(
    workspace: Workspace, mine: Wheelhouse, session: Make
) -> None:
    mine.wheel("mypkg", "1.0")
    added(mine)
    one = session()
    assert imported(one.declare("--no-index\nmypkg\n")) == {"mypkg": "1.0"}
    assert session().declare("--no-index\nmypkg\n")["source"] == "remembered"
    mine.wheel("mypkg", "2.0")
    added(mine)
    assert imported(session().declare("--no-index\nmypkg\n")) == {"mypkg": "2.0"}
    assert len(workspace.held()) == 2


def test_list_shows_the_workspace(workspace: Workspace, mine: Wheelhouse, session: Make) -> None:
    mine.wheel("mypkg", "1.0")
    mine.wheel("mypkg", "2.0")
    added(mine, jar(mine.folder.parent / "lib-3.0.jar"))
    chosen = arguments.verb("list --workspace")
    assert chosen is not None
    answer = arguments.act(session(), chosen)
    assert [(one["name"], one["version"], one["kind"]) for one in answer["artefacts"]] == [
        ("lib", "3.0", "jar"), ("mypkg", "1.0", "wheel"), ("mypkg", "2.0", "wheel"),
    ]  # fmt: skip
    shown = Answer(answer)
    assert workspace.folder in shown.text
    bundle = shown.bundle()
    assert "mypkg" in str(bundle["text/html"])
    assert "2.0" in str(bundle["text/plain"])
    plain = arguments.verb("list")
    assert plain is not None
    assert arguments.act(session(), plain)["action"] == "list"


def test_names_of_the_workspace_are_offered_where_a_name_may_stand(
    workspace: Workspace, mine: Wheelhouse, session: Make
) -> None:
    mine.wheel("mypkg", "1.0")
    added(mine, jar(mine.folder.parent / "myjar-3.0.jar"))
    complete = Completion(InteractiveShell(), session).complete
    event = SimpleNamespace(command="%pip", line="%pip install my", symbol="my")
    assert "mypkg" in complete(None, event)
    assert "myjar" not in complete(None, event)
    Path(workspace.artefacts()[0].path).with_name("about.json").unlink()
    assert "mypkg" in complete(None, event)


def test_a_workspace_with_nothing_in_it_says_how_to_fill_it(workspace: Workspace, session: Make) -> None:
    text = Answer(session().ask.workspace()).text
    assert f"The workspace {workspace.folder} is empty" in text
    assert "sessionpkgs workspace add" in text


# -- pools ------------------------------------------------------------------------------------------------------------


def run(*words: str, code: int = 0, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What a command prints with --json, after a look at its exit code."""
    capsys.readouterr()
    assert main([*words, "--json"]) == code, capsys.readouterr()
    return dict(json.loads(capsys.readouterr().out))


def test_artefacts_are_assigned_to_a_pool_and_stay_while_it_uses_them(
    workspace: Workspace, mine: Wheelhouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def act(*words: str, code: int = 0) -> dict[str, Any]:
        return run(*words, code=code, capsys=capsys)

    mine.wheel("mypkg", "1.0")
    mine.wheel("base-of-it", "1.0")
    added(mine, jar(tmp_path / "lib-3.0.jar"))
    (tmp_path / "reqs.txt").write_text("--no-index\nbase-of-it\n")
    act("pool", "create", "ml", "--requirements", str(tmp_path / "reqs.txt"))
    made = act("workspace", "assign", "mypkg", "lib", "--pool", "ml")
    assert {row["name"] for row in made["packages"]} >= {"mypkg", "base-of-it"}
    assert [row["name"] for row in made["jars"]] == ["lib"]
    for name in ("mypkg", "lib", "base-of-it"):
        refused = act("workspace", "remove", name, code=16)
        assert "used by the pool ml" in refused["sentence"]
    assert len(workspace.held()) == 3
    (shown,) = act("workspace", "show", "mypkg")["artefacts"]
    assert shown["pools"] == [{"pool": "ml", "scope": "user", "number": made["number"], "current": True}]
    added(Wheelhouse(tmp_path / "newer"), Wheelhouse(tmp_path / "newer").wheel("mypkg", "2.0"))
    act("workspace", "remove", "mypkg==2.0")
    act("workspace", "unassign", "mypkg", "lib", "--pool", "ml")
    act("workspace", "unassign", "mypkg", "--pool", "ml", code=12)
    act("workspace", "remove", "mypkg", "lib")
    assert [one.name for one in workspace.artefacts()] == ["base-of-it"]
    act("workspace", "assign", "absent", "--pool", "ml", code=12)


def test_the_last_file_for_a_name_that_a_pool_was_given_stays(
    workspace: Workspace, mine: Wheelhouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.wheel("mypkg", "1.0")
    added(mine)
    added(Wheelhouse(tmp_path / "beside"), Wheelhouse(tmp_path / "beside").wheel("beside", "1.0"))
    run("pool", "create", "ml", "--package", "mypkg", "--package", "beside", capsys=capsys)
    added(Wheelhouse(tmp_path / "newer"), Wheelhouse(tmp_path / "newer").wheel("mypkg", "2.0"))
    torn = workspace.find("mypkg==1.0")[0]
    Path(torn.path).with_name("about.json").unlink()
    run("workspace", "remove", torn.sha256, capsys=capsys)
    run("workspace", "remove", "mypkg", code=16, capsys=capsys)
    assert [one.title for one in workspace.artefacts()] == ["beside 1.0", "mypkg 2.0"]
