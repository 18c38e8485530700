"""The words behind our magic: what each line means, and the sentence for a line that means nothing."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import Session
from sessionpkgs.errors import SpecError
from sessionpkgs.jupyter import arguments
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse

VERBS = ("status", "list", "plan", "add", "remove", "set", "restore", "reset", "check", "diff", "why", "show", "freeze", "export", "lock", "doctor")  # fmt: skip


def parsed(line: str) -> dict[str, Any]:
    chosen = arguments.verb(line)
    assert chosen is not None
    return vars(chosen)


def declared(line: str) -> dict[str, Any]:
    chosen = arguments.cell(line)
    assert chosen is not None
    return vars(chosen)


MEANINGS: list[tuple[str, dict[str, Any]]] = [
    ("", {"verb": None}),
    ("status", {"verb": "status"}),
    ("list", {"verb": "list"}),
    ("reset", {"verb": "reset"}),
    ("check", {"verb": "check"}),
    ("doctor", {"verb": "doctor"}),
    ("remove a b", {"verb": "remove", "what": ["a", "b"]}),
    ("why a", {"verb": "why", "what": ["a"]}),
    ("show a b", {"what": ["a", "b"], "files": False}),
    ("show -f a", {"what": ["a"], "files": True}),
    ("freeze", {"all": False}),
    ("freeze --all", {"all": True}),
    ("set env.yml", {"what": ["env.yml"], "refresh": False, "without": (), "engine": "", "ignore_python": False}),
    ("set 'my env.yml' --refresh --ignore-python", {"what": ["my env.yml"], "refresh": True, "ignore_python": True}),
    ("set env.yml --engine pip --without 'a, b,'", {"engine": "pip", "without": ("a", "b")}),
    ("export", {"file": "", "format": "", "own": False, "force": False}),
    ("export x.toml --own --force", {"file": "x.toml", "own": True, "force": True}),
    ("export --format environment", {"file": "", "format": "environment"}),
    ("export --cell", {"cell": True, "format": "", "file": ""}),
    ("restore", {"verb": "restore", "file": "", "restart": False}),
    ("restore -f 'my book.ipynb'", {"file": "my book.ipynb", "restart": True}),
    ("diff", {"verb": "diff", "file": ""}),
    ("diff pylock.toml", {"file": "pylock.toml"}),
    ("lock", {"verb": "lock", "file": "pylock.toml"}),
    ("lock pylock.a.toml --force", {"file": "pylock.a.toml", "force": True}),
    ("--file env.yml --plan", {"file": "env.yml", "plan": True}),
    ("status # as it was before", {"verb": "status"}),
    ("status # don't forget", {"verb": "status"}),
    ("remove a # b", {"what": ["a"]}),
    ("remove a#b", {"what": ["a#b"]}),
    ("# nothing yet", {"verb": None}),
]


@pytest.mark.parametrize(("line", "meaning"), MEANINGS, ids=[line for line, _ in MEANINGS])
def test_a_line_means_what_it_says(line: str, meaning: dict[str, Any]) -> None:
    found = parsed(line)
    assert {key: found[key] for key in meaning} == meaning


CELLS: list[tuple[str, dict[str, Any]]] = [
    ("", {"plan": False, "refresh": False, "ignore_python": False, "file": "", "engine": "", "without": ()}),
    ("--plan --refresh --ignore-python", {"plan": True, "refresh": True, "ignore_python": True}),
    ("--file 'my env.yml' --engine=uv", {"file": "my env.yml", "engine": "uv"}),
    ("--without a,b", {"without": ("a", "b")}),
    ("--plan # --refresh", {"plan": True, "refresh": False}),
]


@pytest.mark.parametrize(("line", "meaning"), CELLS, ids=[line for line, _ in CELLS])
def test_an_option_of_the_cell_means_what_it_says(line: str, meaning: dict[str, Any]) -> None:
    found = declared(line)
    assert {key: found[key] for key in meaning} == meaning


ADDED: list[tuple[str, dict[str, Any]]] = [
    ("rich", {"lines": ("rich",), "engine": ""}),
    ("a b", {"lines": ("a", "b")}),
    ("pandas>1.0 --engine pip", {"lines": ("pandas>1.0",), "engine": "pip"}),
    ("--engine=uv pandas", {"lines": ("pandas",), "engine": "uv"}),
    ("'pandas > 1.0'", {"lines": ("pandas > 1.0",)}),
    ("pandas >1.0, <3", {"lines": ("pandas>1.0,<3",)}),
    ("-r reqs.txt", {"lines": ("-r reqs.txt",)}),
    ("-U rich", {"lines": ("rich",), "upgrade": True}),
    ("--pre rich", {"lines": ("--pre", "rich")}),
    ("rich # --engine pip is slower", {"lines": ("rich",), "engine": ""}),
    ("rich # don't --pre", {"lines": ("rich",)}),
    ("--dry-run rich", {"dry_run": True}),
]


@pytest.mark.parametrize("verb", ["add", "plan"])
@pytest.mark.parametrize(("line", "meaning"), ADDED, ids=[line for line, _ in ADDED])
def test_words_of_add_and_plan_are_those_of_pip_install(verb: str, line: str, meaning: dict[str, Any]) -> None:
    found = parsed(f"{verb} {line}")
    assert found["verb"] == verb
    assert {key: getattr(found["pip"], key) for key in meaning} == meaning


@pytest.mark.parametrize("name", ["env.yml", "my env.yml", "reqs"])
@pytest.mark.parametrize("more", ["", " --engine pip --ignore-python", " # as it will be"])
def test_a_file_that_is_there_is_planned_as_a_file(tmp_path: Path, name: str, more: str) -> None:
    file = tmp_path / name
    file.write_text("dependencies: []\n")
    asked = " --engine" in more
    assert parsed(f"plan {shlex.quote(str(file))}{more}") == {
        "verb": "plan",
        "file": str(file),
        "engine": "pip" if asked else "",
        "ignore_python": asked,
    }


@pytest.mark.parametrize("line", ["add {}", "plan {} rich", "add rich {}"])
def test_a_file_is_never_looked_for_as_a_distribution(tmp_path: Path, line: str) -> None:
    file = tmp_path / "env.yml"
    file.write_text("dependencies: []\n")
    with pytest.raises(SpecError, match="is a file") as refused:
        arguments.verb(line.format(file))
    assert refused.value.hint == f"%session_env set {file} reads it."
    assert refused.value.item == str(file)


def test_a_wheel_is_a_file_that_can_be_added(wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo-a")
    assert parsed(f"add {wheel}")["pip"].lines == (str(wheel),)


WRONG = [
    ("frob", "frob"),
    ("remove", "NAME"),
    ("set", "FILE"),
    ("why a b", "b"),
    ("why", "NAME"),
    ("reset now", "now"),
    ("list everything", "everything"),
    ("export --format conda", "conda"),
    ("set x.yml --engine conda", "conda"),
    ("freeze --everything", "--everything"),
    ("remove a --forse", "--forse"),
    ("add", "REQUIREMENT"),
    ("plan", "REQUIREMENT"),
    ("add rich --engine conda", "conda"),
    ("add rich --frob", "--frob"),
    ("plan a, b", "a b"),
    ("--frob", "--frob"),
    ("--file", "--file"),
]


@pytest.mark.parametrize(("line", "word"), WRONG, ids=[line for line, _ in WRONG])
def test_a_wrong_word_is_a_refusal_that_names_it_and_says_what_to_do(line: str, word: str) -> None:
    with pytest.raises(SpecError) as refused:
        arguments.verb(line)
    assert word in f"{refused.value.sentence} {refused.value.hint}"
    assert refused.value.hint


@pytest.mark.parametrize("line", ["frob", "--frob", "--file", "--engine conda", "--plan env.yml"])
def test_a_wrong_word_of_the_cell_is_a_refusal_that_names_it(line: str) -> None:
    with pytest.raises(SpecError) as refused:
        arguments.cell(line)
    assert line.rsplit(maxsplit=1)[-1] in refused.value.sentence


@pytest.mark.parametrize("line", ["remove 'a", "set 'a", "add 'a", 'plan "a', "--file 'a"])
def test_a_quotation_without_its_end_is_a_refusal(line: str) -> None:
    with pytest.raises(SpecError, match="quot"):
        arguments.verb(line)


@pytest.mark.parametrize("line", ["remove a\\", "add a\\", "plan a\\", "plan \\"])
def test_a_backslash_at_the_end_is_read_or_refused_in_words(line: str) -> None:
    with suppress(SpecError):
        assert arguments.verb(line) is not None


@pytest.mark.parametrize("asked", ["-h", "--help"])
@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_of_a_verb_is_printed_and_nothing_is_to_be_done(
    verb: str, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert arguments.verb(f"{verb} {asked}".strip()) is None
    said = capsys.readouterr()
    assert f"usage: %session_env {verb}".strip() in said.out
    assert said.err == ""


def test_help_beside_other_words_does_nothing_either(capsys: pytest.CaptureFixture[str]) -> None:
    assert arguments.verb("add rich -h") is None
    assert arguments.verb("remove rich --help") is None
    assert arguments.cell("--plan -h") is None
    assert "usage: %%session_env" in capsys.readouterr().out


def test_every_verb_stands_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    arguments.verb("-h")
    said = capsys.readouterr().out
    assert [verb for verb in VERBS if f"\n    {verb} " not in said] == []


def test_verbs_and_options_are_told_for_completion() -> None:
    assert {*VERBS, "--plan", "--file", "--without"} <= {*arguments.words("")}
    assert {*arguments.words("export")} == {"--cell", "--format", "--own", "--force"}
    assert arguments.words("status") == []


@pytest.fixture
def act(session: Callable[..., Session], wheelhouse: Wheelhouse) -> Callable[[str], dict[str, Any]]:
    """Carries out one line in a session with demo-a, which needs demo-b."""
    wheelhouse.wheel("demo-a", requires=["demo-b"])
    wheelhouse.wheel("demo-b")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))

    def carry_out(line: str) -> dict[str, Any]:
        chosen = arguments.verb(line)
        assert chosen is not None
        return arguments.act(one, chosen)

    return carry_out


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("", "status"),
        ("status", "status"),
        ("list", "list"),
        ("check", "check"),
        ("why demo-b", "why"),
        ("show -f demo-a", "show"),
        ("freeze --all", "freeze"),
        ("export --format requirements", "export"),
        ("export --cell", "export"),
        ("diff", "diff"),
        ("restore", "restore"),
        ("doctor", "doctor"),
        ("plan demo-b", "plan"),
        ("plan {file}", "plan"),
        ("--file {file} --plan", "plan"),
        ("add demo-b", "add"),
        ("set {file}", "set"),
        ("--file {file}", "set"),
        ("remove demo-a", "remove"),
        ("reset", "reset"),
    ],
)
def test_each_line_calls_for_its_own_act(
    act: Callable[[str], dict[str, Any]], wheelhouse: Wheelhouse, tmp_path: Path, line: str, action: str
) -> None:
    file = tmp_path / "asked.txt"
    file.write_text(lines(wheelhouse, "demo-b"))
    assert act(line.format(file=file))["action"] == action


def test_plan_of_a_requirement_or_a_file_changes_nothing(
    act: Callable[[str], dict[str, Any]], wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    file = tmp_path / "asked.txt"
    file.write_text(lines(wheelhouse, "demo-b"))
    before = act("status")["packages"]
    act("plan demo-b")
    act(f"plan {file}")
    assert act("status")["packages"] == before


def test_lock_writes_the_file_that_it_names(act: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    assert act("lock pylock.mine.toml")["form"] == "pylock"
    assert (tmp_path / "pylock.mine.toml").read_text().count("[[packages]]") == 2
    with pytest.raises(SpecError, match="is there already"):
        act("lock pylock.mine.toml")
    assert act("lock pylock.mine.toml --own --force")["file"] == os.fspath(tmp_path / "pylock.mine.toml")
