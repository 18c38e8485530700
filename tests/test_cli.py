"""The command line: text for people, JSON for machines, exit codes of the error tree."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import formats, process
from sessionpkgs.cli import main
from sessionpkgs.formats import Origin
from tests.recordings import executed
from tests.sessions import Make, lines
from tests.wheelhouse import Wheelhouse, closed_port, sha256_of

COMMANDS = ("plan", "lock", "export")
FORMS = {"pylock": "pylock.toml", "requirements": "requirements.txt", "environment": "environment.yml"}


@pytest.fixture
def asked(home: Path, wheelhouse: Wheelhouse, tmp_path: Path) -> Path:
    """A file that asks for demo-a, which needs demo-low, and for demo-b."""
    assert home.is_dir()
    wheelhouse.wheel("demo-low", "1.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["demo-low"])
    wheelhouse.wheel("demo-b", "2.0")
    file = tmp_path / "asked.txt"
    file.write_text(lines(wheelhouse, "demo-a", "demo-b"))
    return file


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Runs a command with --json and gives what it printed, after a look at its exit code."""

    def run(*words: str | Path, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert main([*map(str, words), "--json"]) == code
        said = capsys.readouterr()
        assert said.err == ""
        return dict(json.loads(said.out))

    return run


def names(text: str) -> list[str]:
    """What a text brings, by our own readers: in a lock its pins."""
    spec = formats.read(text, origin=Origin(folder="/", open=lambda path: Path(path).read_bytes()))
    return sorted({one.name for one in spec.requirements} | {pin.name for pin in spec.pins})


def test_doctor_says_what_is_there_and_where_settings_come_from(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSIONPKGS_ENGINE", "pip")
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:s3cr3t@index.example/simple")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "engine = pip (SESSIONPKGS_ENGINE)" in said
    assert str(home) in said
    assert "index.example" in said
    assert "s3cr3t" not in said
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert {f["name"] for f in told["findings"]} >= {"python", "store", "engine uv", "engine pip", "indexes"}


def test_doctor_fails_where_the_store_cannot_be_used(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.chmod(0o777)
    assert main(["doctor"]) == 1
    assert "✗ store" in capsys.readouterr().out


def test_store_du_counts_bytes_that_two_names_share_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("dists", "cache"):
        (home / part).mkdir()
    (home / "dists/file").write_bytes(b"x" * 8192)
    (home / "cache/file").hardlink_to(home / "dists/file")
    assert main(["store", "du", "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert parts["dists"] == {"entries": 1, "bytes": 8192}
    assert parts["cache"]["bytes"] == 0
    assert parts["total"]["bytes"] == 8192
    assert main(["store", "du"]) == 0
    assert str(home) in capsys.readouterr().out


def test_a_file_that_is_no_notebook_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.ipynb").write_text("hello")
    assert main(["run", str(tmp_path / "no.ipynb")]) == 2
    assert "is not a notebook" in capsys.readouterr().err
    assert main(["run", str(tmp_path / "absent.ipynb"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "SpecError"


def test_plan_says_what_would_be_installed_and_builds_nothing(
    asked: Path, home: Path, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    record = told("plan", asked)
    assert record["action"] == "plan"
    assert {p["name"] for p in record["packages"] if p["layer"] == "session"} == {"demo-a", "demo-b", "demo-low"}
    assert main(["plan", str(asked)]) == 0
    said = capsys.readouterr().out
    assert "would install demo-a 1.0" in said
    assert "nothing was changed" in said
    assert [*(home / "layers").iterdir()] == []
    assert [*(home / "dists").iterdir()] == []


def test_lock_prints_the_exact_set_so_that_it_can_be_piped(
    asked: Path, wheelhouse: Wheelhouse, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lock", str(asked)]) == 0
    text = capsys.readouterr().out
    assert names(text) == ["demo-a", "demo-b", "demo-low"]
    assert sha256_of(wheelhouse.folder / "demo_low-1.0-py3-none-any.whl") in text


@pytest.mark.parametrize("form", FORMS)
def test_export_writes_each_format(
    asked: Path, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str], form: str
) -> None:
    made = told("export", asked, "--format", form)
    assert (made["form"], made["count"], made["file"]) == (form, 3, "")
    assert main(["export", str(asked), "--format", form]) == 0
    assert capsys.readouterr().out == made["text"] or form == "pylock"
    assert names(made["text"]) == ["demo-a", "demo-b", "demo-low"]


@pytest.mark.parametrize("form", FORMS)
def test_the_name_of_the_file_chooses_the_format(
    asked: Path, told: Callable[..., dict[str, Any]], tmp_path: Path, form: str
) -> None:
    file = tmp_path / FORMS[form]
    made = told("export", asked, "-o", file)
    assert (made["form"], made["file"]) == (form, str(file))
    assert file.read_text() == made["text"]


def test_a_name_that_tells_no_format_is_refused(
    asked: Path, told: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    assert "does not tell its format" in told("export", asked, "-o", tmp_path / "out", code=2)["sentence"]
    assert told("export", asked, "-o", tmp_path / "out", "--format", "requirements")["form"] == "requirements"


@pytest.mark.parametrize("command", ["lock", "export"])
def test_a_file_that_is_there_is_written_over_only_when_that_is_said(
    asked: Path, told: Callable[..., dict[str, Any]], tmp_path: Path, command: str
) -> None:
    file = tmp_path / "pylock.toml"
    file.write_text("mine")
    assert "is there already" in told(command, asked, "--output", file, code=2)["sentence"]
    assert file.read_text() == "mine"
    assert told(command, asked, "--output", file, "--force")["file"] == str(file)
    assert names(file.read_text()) == ["demo-a", "demo-b", "demo-low"]


@pytest.mark.parametrize("without", ["demo-a", "demo_a,", " demo-a , "])
@pytest.mark.parametrize("command", COMMANDS)
def test_names_are_passed_over(asked: Path, told: Callable[..., dict[str, Any]], command: str, without: str) -> None:
    made = told(command, asked, "--without", without)
    found = names(made["text"]) if "text" in made else [p["name"] for p in made["packages"] if p["layer"] == "session"]
    assert found == ["demo-b"]


@pytest.mark.parametrize("command", COMMANDS)
def test_two_names_can_be_passed_over_and_one_that_is_not_there_is_a_refusal(
    asked: Path, told: Callable[..., dict[str, Any]], command: str
) -> None:
    told(command, asked, "--without", "demo-a, demo-b")
    refused = told(command, asked, "--without", "demo-a,demo-absent", code=2)
    assert "demo-absent (--without) is not in it" in refused["sentence"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_line_for_another_python_can_be_ignored(
    asked: Path, told: Callable[..., dict[str, Any]], tmp_path: Path, command: str
) -> None:
    file = tmp_path / "env.yml"
    pip = "".join(f"    - {line}\n" for line in asked.read_text().splitlines())
    file.write_text(f"dependencies:\n  - python=3.1\n  - pip:\n{pip}")
    assert told(command, file, code=10)["rule"] == "python"
    assert told(command, file, "--ignore-python")["action"] in {"plan", "export"}


@pytest.mark.parametrize("form", FORMS)
def test_an_executed_notebook_gives_what_it_recorded_and_no_index_is_asked(
    asked: Path, session: Make, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]], form: str
) -> None:
    with wheelhouse.index() as index:
        one = session()
        record = one.declare(f"--index-url {index.url}\ndemo-a\n")
        one.close()
        notebook = asked.with_name(executed(asked.with_name("done.ipynb"), record))
        index.requests.clear()
        made = told("export", notebook, "--format", form)
        assert (made["form"], made["count"], index.requests) == (form, 2, [])
    assert names(made["text"]) == ["demo-a", "demo-low"]
    assert "done.ipynb" in made["text"] or form == "pylock"
    if form != "environment":
        assert all(package["sha256"] in made["text"] for package in record["packages"])
    assert told("lock", notebook, "--without", "demo-low")["count"] == 1


@pytest.mark.parametrize("command", ["lock", "export", "diff"])
def test_a_notebook_without_a_record_is_refused_with_what_to_do(
    home: Path, told: Callable[..., dict[str, Any]], tmp_path: Path, command: str
) -> None:
    executed(tmp_path / "new.ipynb")
    refused = told(command, tmp_path / "new.ipynb", code=2)
    assert "new.ipynb has no record of session packages" in refused["sentence"]
    assert "sessionpkgs run" in refused["hint"]
    assert [*(home / "sessions").glob("*")] == []


REFUSALS = [
    ("bad.yml", "dependencies: [\n", "SpecError", 2),
    ("bad.txt", "demo-a ==\n", "SpecError", 2),
    ("ok.txt", "demo-absent\n", "NotFoundError", 12),
    ("ok.txt", "demo-a==9\n", "NotFoundError", 12),
    ("env.yml", "dependencies:\n  - python=3.1\n", "PythonPinned", 10),
    ("ok.txt", "ipykernel==1.0\n", "Protected", 10),
    ("ok.txt", "demo-a\ndemo-low==2.0\ndemo-c\n", "ResolveError", 13),
]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "text", "error", "code"), REFUSALS, ids=[f"{e}: {t}" for _, t, e, _ in REFUSALS])
def test_a_refusal_ends_with_the_code_of_its_error_and_leaves_nothing(
    asked: Path,
    home: Path,
    wheelhouse: Wheelhouse,
    told: Callable[..., dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    text: str,
    error: str,
    code: int,
) -> None:
    wheelhouse.wheel("demo-low", "2.0")
    wheelhouse.wheel("demo-c", requires=["demo-low<2"])
    file = asked.with_name(name)
    file.write_text(text if name.endswith("yml") else lines(wheelhouse, *text.splitlines()))
    answer = told(command, file, code=code)
    assert (answer["error"], answer["exit_code"]) == (error, code)
    assert main([command, str(file)]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("sessionpkgs: ")
    assert answer["sentence"] in said.err
    assert [*(home / "sessions").glob("*")] == []
    assert [*(home / "stage").glob("*")] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_an_index_that_nobody_answers_for_has_its_own_code(
    asked: Path, told: Callable[..., dict[str, Any]], command: str
) -> None:
    asked.write_text(f"--index-url http://me:s3cret@127.0.0.1:{closed_port()}/simple\ndemo-a\n")
    answer = told(command, asked, "--engine", "uv", code=11)
    assert "127.0.0.1" in answer["sentence"]
    assert "s3cret" not in json.dumps(answer)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_not_there_is_named(
    home: Path, told: Callable[..., dict[str, Any]], tmp_path: Path, command: str
) -> None:
    answer = told(command, tmp_path / "absent.yml", code=2)
    assert str(tmp_path / "absent.yml") in answer["sentence"]
    assert [*(home / "sessions").glob("*")] == []


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_the_program_answers_by_each_engine_and_leaves_no_session(
    asked: Path, home: Path, tmp_path: Path, command: str, engine: str
) -> None:
    argv = [sys.executable, "-m", "sessionpkgs.cli", command, asked.name, "--engine", engine, "--json"]
    done = process.run(argv, env=os.environ, cwd=str(tmp_path), deadline=120)
    assert (done.code, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["count" if command != "plan" else "engine"] == (3 if command != "plan" else engine)
    assert [*(home / "sessions").iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asked.txt", "home", "wheelhouse"]


@pytest.mark.parametrize("words", [["frob"], ["plan"], ["lock", "a", "b"], ["export", "a", "--format", "conda"], []])
def test_words_that_are_no_command_end_with_the_code_for_a_wrong_text(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: sessionpkgs" in capsys.readouterr().err
