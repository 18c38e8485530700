"""The error tree: exit codes, sentences, and what may never be in one."""

from __future__ import annotations

import inspect
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionpkgs import errors
from sessionpkgs.errors import PolicyError, SessionPkgsError, SpecError, clean

EVERY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SessionPkgsError)]
KINDS = [kind for kind in EVERY if not issubclass(kind, PolicyError) or kind is PolicyError]


def test_every_kind_has_an_exit_code_of_its_own():
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes


def test_every_rule_of_policy_has_a_name_of_its_own_and_one_code():
    rules = [kind for kind in EVERY if issubclass(kind, PolicyError)]
    assert len({kind.rule for kind in rules}) == len(rules)
    assert {kind.exit_code for kind in rules} == {PolicyError.exit_code}


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_kind_explains_itself_in_one_sentence(kind):
    first = inspect.cleandoc(kind.__doc__).split("\n\n")[0]
    assert first.endswith(".")
    assert first.count(". ") == 0


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_a_notebook_shows_the_sentence_and_the_hint_and_no_frame(kind):
    try:
        raise kind("numpy cannot be had", hint="Ask for another.", item="numpy")
    except SessionPkgsError as error:
        shown = error._render_traceback_()
        told = json.loads(json.dumps(error.to_dict()))
    assert shown == [f"{kind.__name__}: numpy cannot be had", "  → Ask for another."]
    assert told["error"] == kind.__name__
    assert told["exit_code"] == kind.exit_code
    assert (told["sentence"], told["hint"], told["item"]) == ("numpy cannot be had", "Ask for another.", "numpy")


def test_without_a_hint_one_line_is_shown():
    assert SessionPkgsError("no").exit_code == 1
    assert SessionPkgsError("no")._render_traceback_() == ["SessionPkgsError: no"]


def test_a_long_sentence_is_broken_at_blanks_and_machines_see_one_line():
    said = "these conda packages are not Python distributions: " + "r-base (an R package), " * 8
    error = SpecError(said, hint="Remove them, " * 12 + "then go on.")
    shown = error._render_traceback_()
    hint = next(number for number, line in enumerate(shown) if "→" in line)
    assert max(map(len, shown)) <= 88
    assert " ".join(line.strip() for line in shown) == f"SpecError: {said.strip()} → {error.hint}"
    assert (str(error), error.to_dict()["sentence"]) == (said, said)
    assert {line[:2] for line in shown[1:]} == {"  "}
    assert {line[:4] for line in shown[hint + 1 :]} == {"    "}


@pytest.mark.parametrize("gap", range(70, 90))
@pytest.mark.parametrize(
    "whole", ["--without r-base,nodejs,bbmap", f"https://a.example/simple/{'path-with-hyphens/' * 9}"]
)
def test_what_is_to_be_copied_stays_on_one_line(whole, gap):
    error = SessionPkgsError(f"{'x' * gap} {whole} and so on", hint=f"{'x' * gap} {whole} and so on")
    assert sum(whole in line for line in error._render_traceback_()) == 2


def test_lines_of_a_sentence_stay_lines():
    shown = SessionPkgsError("it said:\n  one\n\n  two")._render_traceback_()
    assert [line.strip() for line in shown] == ["SessionPkgsError: it said:", "one", "", "two"]


def test_a_fault_in_a_declaration_says_where():
    error = SpecError("is not a version", where="dependencies[3]", item="numpy==x")
    assert str(error) == "dependencies[3]: is not a version"
    assert error.to_dict()["where"] == "dependencies[3]"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[2J\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07plain\x1b]8;;http://x\x1b\\link", "plainlink"),
        ("a\x00b\x08c\x7fd\x9be", "abcde"),
        ("evil\u202egnp.exe\u2066x\u2069", "evilgnp.exex"),
        ("https://me:secret@host/simple", "https://****@host/simple"),
        ("git+ssh://token@host/x and http://u:p@h", "git+ssh://****@host/x and http://****@h"),
        ("line\n\tindented stays", "line\n\tindented stays"),
        ("name@example.org stays", "name@example.org stays"),
    ],
)
def test_what_could_deceive_or_betray_is_taken_out(text, left):
    assert clean(text) == left


@given(st.text(), st.text(), st.text())
def test_no_control_character_reaches_a_person(sentence, hint, item):
    error = SessionPkgsError(sentence, hint=hint, item=item)
    shown = f"{error.sentence}{error.hint}{error.item}"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


@pytest.mark.parametrize(
    "password",
    [
        "secret",
        "s3:cr%40et",
        "with#hash",
        "with?mark",
        "left@right",
        "token" * 300,
    ],
)
def test_no_password_in_a_url_reaches_a_person(password):
    error = SessionPkgsError(f"cannot read https://me:{password}@host/simple", item=f"https://me:{password}@host")
    told = json.dumps(error.to_dict()) + "".join(error._render_traceback_())
    assert not any(part in told for part in password.split("@"))
