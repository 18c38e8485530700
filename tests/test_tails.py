"""Shell tails behind a command: real filters, real files, and what a shell says that cannot do it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionpkgs.errors import SpecError
from sessionpkgs.session.tails import through
from sessionpkgs.store import Store

TEXT = "demo-a 1.0\ndemo-b 2.0"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "notebooks"
    made.mkdir()
    return made


@pytest.fixture
def tail(home: Path, folder: Path) -> Callable[..., str]:
    store = Store(str(home))
    store.prepare()
    env = {"PATH": os.environ["PATH"], "WANTED": "demo-b"}
    return lambda words, text=TEXT: through(text, words, store, env, str(folder))


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("| grep demo-a", "demo-a 1.0\n"),
        ("| grep -v demo-a | cut -d' ' -f1", "demo-b\n"),
        ("| tail -n 1", "demo-b 2.0\n"),
        ("| wc -l | tr -d ' '", "2\n"),
        ('| grep "$WANTED"', "demo-b 2.0\n"),
        ("2>&1 | head -n 1", "demo-a 1.0\n"),
        ("2>/dev/null", f"{TEXT}\n"),
        ("> /dev/null 2>&1", ""),
    ],
)
def test_a_filter_gives_what_it_gives_in_a_terminal(tail: Callable[..., str], words: str, given: str) -> None:
    assert tail(words) == given


def test_a_text_is_handed_on_as_data_and_never_run(tail: Callable[..., str], folder: Path) -> None:
    evil = "'; touch ran; $(touch ran) `touch ran` \"\n"
    assert tail("| cat", evil) == evil
    assert [*folder.iterdir()] == []


@pytest.mark.parametrize("words", ["| grep nothing-like-it", "| grep nothing | sort", "| false"])
def test_a_filter_that_finds_nothing_is_no_error(tail: Callable[..., str], words: str) -> None:
    assert tail(words) == ""


def test_what_a_filter_complains_of_is_shown_beside_what_it_gave(tail: Callable[..., str]) -> None:
    shown = tail("| tee /dev/stderr | head -n 1")
    assert shown.startswith("demo-a 1.0\n")
    assert "demo-b 2.0" in shown


def test_a_file_is_written_in_the_folder_of_the_session(tail: Callable[..., str], folder: Path) -> None:
    assert tail("> frozen.txt") == ""
    assert (folder / "frozen.txt").read_text() == f"{TEXT}\n"
    assert tail(">> frozen.txt", "more") == ""
    assert (folder / "frozen.txt").read_text() == f"{TEXT}\nmore\n"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("| no-such-program-here", "no-such-program-here"),
        ("| ./not-there", "not-there"),
        ("> absent/frozen.txt", "absent/frozen.txt"),
        ("| grep -E '('", "grep"),
        ("| 'grep", "quot"),
    ],
)
def test_what_the_shell_cannot_do_is_refused_with_its_words(
    tail: Callable[..., str], home: Path, words: str, named: str
) -> None:
    with pytest.raises(SpecError) as refused:
        tail(words)
    assert named in refused.value.sentence.partition(":")[2]
    assert refused.value.item == words
    assert str(home) not in refused.value.sentence


def test_nothing_stays_in_the_stage(tail: Callable[..., str], home: Path) -> None:
    tail("| cat")
    with pytest.raises(SpecError):
        tail("| no-such-program-here")
    assert [*(home / "stage").iterdir()] == []
