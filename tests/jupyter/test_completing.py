"""Completion behind our magics in IPython's own shell: what is offered, and that nobody else is asked."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from sessionpkgs import Session, settings
from sessionpkgs.jupyter.completing import KEYS, Completion
from tests.sessions import lines
from tests.wheelhouse import Index, Wheelhouse

Complete = Callable[[str], list[str]]


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A shell without a history, which gives everything back at the end of the test and not of the process."""
    made = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    yield made
    made.atexit_operations()
    atexit.unregister(made.atexit_operations)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with files in it."""
    folder = tmp_path / "notebooks"
    (folder / "deep").mkdir(parents=True)
    for name in ("env.yml", "Extra.yml", "reqs.txt", "deep/inner.txt"):
        (folder / name).write_text("")
    return folder


@pytest.fixture
def one(session: Callable[..., Session], wheelhouse: Wheelhouse) -> Session:
    """A session that asked for demo-a, which needs demo-low; demo-gone was in it before and is in the store."""
    for name, needs in (("demo-a", ["demo-low"]), ("demo-low", []), ("demo-gone", [])):
        wheelhouse.wheel(name, requires=needs)
    made = session()
    made.declare(lines(wheelhouse, "demo-gone"))
    made.declare(lines(wheelhouse, "demo-a"))
    return made


@pytest.fixture
def ours(shell: InteractiveShell, one: Session) -> Complete:
    """What our part of the shell's completer says at the end of a line."""
    Completion(shell, lambda: one).start()
    return lambda line: asked(shell, line)


def asked(shell: InteractiveShell, line: str) -> list[str]:
    symbol = line.rsplit(maxsplit=1)[-1] if not line.endswith(" ") else ""
    command = line.split(maxsplit=1)[0]
    event = SimpleNamespace(line=line, symbol=symbol, command=command, text_until_cursor=line)
    hooks = shell.strdispatchers["complete_command"].s_matches(command)
    return [found for hook in hooks for found in hook(event)]


def offered(shell: InteractiveShell, line: str) -> list[str]:
    """What the whole of the shell's completer says, as a frontend gets it."""
    with provisionalcompleter():
        return [one.text for one in shell.Completer.completions(line, len(line))]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("%session_env w", ["why"]),
        ("%session_env re", ["remove", "reset", "restart", "restore"]),
        ("%session_env --p", ["--plan"]),
        (
            "%%session_env --",
            ["--engine", "--file", "--ignore-python", "--plan", "--refresh", "--restart", "--without"],
        ),
        ("%%session_env re", []),
        ("%session_env export --", ["--cell", "--force", "--format", "--own"]),
        ("%session_env show --f", ["--files"]),
        ("%session_env status --", []),
        ("%pip ins", ["install"]),
        ("%pip d", ["download"]),
        ("%conda ", ["env", "install", "list", "remove", "update"]),
        ("%mamba r", ["remove"]),
        ("%uv ", ["pip"]),
        ("%uv pip s", ["show", "sync"]),
        ("%pip install --no-d", ["--no-dependencies", "--no-deps"]),
        ("%pip uninstall --y", ["--yes"]),
    ],
)
def test_verbs_and_options_are_offered(ours: Complete, line: str, found: list[str]) -> None:
    assert ours(line) == found


@pytest.mark.parametrize("verb", ["add", "plan", "why", "show"])
def test_names_of_the_session_of_base_and_of_the_store_are_offered(ours: Complete, verb: str) -> None:
    assert ours(f"%session_env {verb} demo-") == ["demo-a", "demo-gone", "demo-low"]
    assert "packaging" in ours(f"%session_env {verb} Pack")


@pytest.mark.parametrize(
    "line", ["%pip install demo-", "%pip install -U x demo-", "%uv pip install demo-", "%conda install demo-"]
)
def test_other_tools_are_offered_the_same_names(ours: Complete, line: str) -> None:
    assert ours(line) == ["demo-a", "demo-gone", "demo-low"]


@pytest.mark.parametrize("line", ["%session_env remove demo", "%pip uninstall demo", "%pip uninstall -y demo"])
def test_only_what_was_asked_for_can_be_taken_out(ours: Complete, line: str) -> None:
    assert ours(line) == ["demo-a"]


@pytest.mark.parametrize("line", ["%session_env reset demo", "%session_env list demo", "%session_env frob demo"])
def test_a_verb_that_takes_no_name_is_offered_none(ours: Complete, line: str) -> None:
    assert ours(line) == []


@pytest.mark.parametrize("line", ["%session_env set", "%session_env lock", "%pip install -r", "%%session_env --file"])
def test_files_are_offered_where_a_file_is_meant(ours: Complete, place: Path, line: str) -> None:
    assert ours(f"{line} {place}/e") == [f"{place}/env.yml"]
    assert ours(f"{line} {place}/d") == [f"{place}/deep/"]
    assert ours(f"{line} {place}/deep/") == [f"{place}/deep/inner.txt"]
    assert ours(f"{line} {place}/absent/") == []


@pytest.fixture
def inside(place: Path) -> Iterator[Path]:
    """The folder of files as the working folder."""
    before = Path.cwd()
    os.chdir(place)
    yield place
    os.chdir(before)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(("begun", "found"), [("e", ["env.yml"]), ("E", ["Extra.yml"]), ("deep/i", ["deep/inner.txt"])])
def test_files_of_the_working_folder_are_offered_by_their_own_case(
    ours: Complete, begun: str, found: list[str]
) -> None:
    assert ours(f"%session_env set {begun}") == found


def test_the_shell_itself_gives_what_we_offer(ours: Complete, shell: InteractiveShell) -> None:
    assert ours("%session_env w") == ["why"]
    assert offered(shell, "%session_env w") == ["why"]
    assert "demo-gone" in offered(shell, "%pip install demo-g")
    assert "demo-gone" in offered(shell, "%pip install DEMO-G")
    assert offered(shell, "session_env wh") == ["why"]


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    with wheelhouse.index() as running:
        yield running


def test_no_index_is_asked(
    shell: InteractiveShell, session: Callable[..., Session], wheelhouse: Wheelhouse, index: Index
) -> None:
    wheelhouse.wheel("demo-a")
    wheelhouse.wheel("demo-unseen")
    one = session()
    one.declare(f"--index-url {index.url}\ndemo-a\n")
    assert index.requests
    index.requests.clear()
    Completion(shell, lambda: one).start()
    for verb in ("add", "plan", "remove", "why", "show"):
        assert asked(shell, f"%session_env {verb} demo") == ["demo-a"]
    assert asked(shell, "%pip install demo-u") == []
    assert index.requests == []


def test_a_broken_settings_file_is_no_error_here(ours: Complete, surroundings: Path) -> None:
    (surroundings / "sessionpkgs.toml").write_text("engine = [")
    assert ours("%session_env add packag") == ["packaging"]
    assert ours("%session_env w") == ["why"]


def test_settings_that_no_session_can_be_made_of_give_no_names_and_no_error(
    shell: InteractiveShell, surroundings: Path
) -> None:
    (surroundings / "sessionpkgs.toml").write_text("engine = [")

    def made() -> Session:
        settings.load({"SESSIONPKGS_CONFIG": str(surroundings / "sessionpkgs.toml")})
        return Session(identity="broken")

    Completion(shell, made).start()
    assert asked(shell, "%session_env add pack") == []
    assert asked(shell, "%session_env w") == ["why"]


def test_a_session_that_cannot_be_gives_no_names_and_no_error(shell: InteractiveShell, home: Path) -> None:
    home.chmod(0o777)

    def made() -> Session:
        one = Session(identity="unsafe")
        one.life.open()
        return one

    Completion(shell, made).start()
    assert asked(shell, "%session_env add pack") == []


def test_what_stops_answering_leaves_other_peoples_completion(
    ours: Complete, shell: InteractiveShell, one: Session
) -> None:
    assert ours("%session_env w") == ["why"]
    another = Completion(shell, lambda: one)
    another.start()
    shell.set_hook("complete_command", lambda _shell, _event: ["mine"], str_key="%pip")
    another.stop()
    assert "mine" in asked(shell, "%pip x")


def test_what_stops_answering_is_gone_from_every_word(shell: InteractiveShell, one: Session) -> None:
    completion = Completion(shell, lambda: one)
    before = {*shell.strdispatchers["complete_command"].strs} if "complete_command" in shell.strdispatchers else set()
    completion.start()
    assert {*KEYS} <= {*shell.strdispatchers["complete_command"].strs}
    completion.stop()
    assert {*shell.strdispatchers["complete_command"].strs} == before
    completion.stop()
