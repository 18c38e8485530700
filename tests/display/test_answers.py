"""Answers as people see them: the text as it stands, the page read back with a parser."""

from __future__ import annotations

import json
import os
import sys
from html import unescape
from typing import Any

import pytest

from sessionpkgs import process
from sessionpkgs.display import MIME
from sessionpkgs.display.answers import Answer
from sessionpkgs.display.listed import FOLD_OVER
from sessionpkgs.errors import SpecError
from sessionpkgs.session import looking
from tests.display.test_display import EVIL, Page
from tests.wheelhouse import unpack


def row(name: str, version: str = "1.0", layer: str = "base", **more: object) -> dict[str, object]:
    given = {"name": name, "title": name, "version": version, "layer": layer}
    return given | {"base": "", "requested": False, "editable": ""} | more


def listing(*rows: dict[str, object]) -> Answer:
    return Answer({"schema": 1, "action": "list", "packages": list(rows)})


def sheet(**more: object) -> dict[str, object]:
    texts = dict.fromkeys(("summary", "home_page", "author", "license", "editable"), "")
    names: dict[str, object] = {"name": "demo-a", "title": "Demo.A", "version": "1.0", "layer": "session"}
    rest: dict[str, object] = {"location": "/x", "requires": [], "required_by": [], "files": 3, "paths": []}
    return names | texts | rest | more


def finding(kind: str = "missing", **more: object) -> dict[str, object]:
    given = {"kind": kind, "dist": "demo", "version": "1.0", "layer": "base", "needs": "dep<2", "has": ""}
    return given | {"fault": "session", "paths": []} | more


def checked(*findings: dict[str, object]) -> Answer:
    return Answer({"schema": 1, "action": "check", "findings": list(findings), "ok": False})


def step(name: str, version: str = "1.0", layer: str = "base", line: str = "", *, asked: bool = False):
    return {"name": name, "version": version, "layer": layer, "line": line, "asked": asked}


def why(*chains: list[dict[str, object]], along: bool = False) -> Answer:
    target = chains[0][-1]
    told = {"schema": 1, "action": "why", "base": "", "along": along, "chains": list(chains)}
    return Answer(told | {key: target[key] for key in ("name", "version", "layer")})


def page(answer: Answer) -> Page:
    parsed = Page(str(answer.bundle()["text/html"]))
    assert parsed.path == []
    return parsed


PANDAS = row("pandas", "2.2", "session", base="1.5", requested=True)
MINE = row("mine", "0.1", "session", title="Mine", editable="/home/me/mine")
SIX = row("six", "1.16")
MIXED = (MINE, PANDAS, SIX)
PIP_HEADS = f"Package Version Editable project location\n{'-' * 7} {'-' * 7} {'-' * 25}"


def test_a_list_is_aligned_and_says_what_was_asked_for():
    assert listing(*MIXED).text.splitlines() == [
        "3 packages, 2 of them on top of base:",
        "",
        "  Package  Base  Session  Layer",
        "  mine     –     0.1      session, editable",
        "* pandas   1.5   2.2      session",
        "  six      1.16  1.16     base",
        "",
        "* asked for",
    ]
    assert listing(SIX).text.startswith("1 package, none of them on top of base:\n\n  Package  Base")
    assert listing().text == "0 packages, none of them on top of base"


def test_a_list_stays_within_80_columns_as_far_as_the_names_allow():
    long = row("n" * 50, "1.0.0.dev20260101+abcdef0123", "session", base="2.0.0.dev20260101+abcdef0123")
    lines = listing(row("a"), long).text.splitlines()
    assert [line for line in lines if len(line) > 80 and "nnn" not in line] == []


def test_a_page_lists_the_same_with_the_rows_of_base_in_quiet_letters():
    parsed = page(listing(*MIXED))
    assert parsed.rows == [
        ["Package", "Base", "Session", "Layer"],
        ["mine", "–", "0.1", "session, editable"],
        ["pandas", "1.5", "2.2", "session"],
        ["six", "1.16", "1.16", "base"],
    ]
    assert parsed.bold == ["pandas"]
    looks = [str(attributes["style"]) for tag, attributes in parsed.tags if tag == "tr"]
    assert ["opacity" in look for look in looks] == [False, False, False, True]


def test_many_rows_of_base_are_folded_and_those_that_were_asked_for_stay_open():
    many = [row(f"base-{number:02}") for number in range(FOLD_OVER)]
    assert page(listing(*many)).summaries == []
    asked = row("kept", requested=True)
    parsed = page(listing(*many, row("base-99"), asked, PANDAS))
    assert parsed.summaries == [f"{FOLD_OVER + 1} of base"]
    assert [cells[0] for cells in parsed.rows] == ["Package", "kept", "pandas"]
    assert [cells[0] for cells in parsed.folded_rows] == ["Package", *(str(r["name"]) for r in many), "base-99"]


def test_a_row_of_the_pool_is_neither_counted_nor_marked_as_the_sessions():
    mixed = (PANDAS, row("polars", "1.9", "pool", requested=True), SIX)
    answer = Answer({**listing(*mixed).record, "pool": "ml 3"})
    assert answer.text.splitlines()[0] == "3 packages, 1 of them on top of pool ml and base, 1 of the pool:"
    assert [line[0] for line in answer.text.splitlines()[3:6]] == ["*", " ", " "]
    assert page(answer).bold == ["pandas"]


def test_columns_are_as_wide_as_the_rows_that_are_shown():
    many = [row(f"{'long-' * 6}{number:02}", "1.0.0.dev20260101") for number in range(FOLD_OVER + 1)]
    heads = [str(attributes["style"]) for tag, attributes in page(listing(*many, PANDAS)).tags if tag == "th"]
    assert [style.partition("width:")[2] for style in heads] == ["6ch", "3ch", "3ch", ""] * 2
    assert "width:" not in "".join(str(a["style"]) for tag, a in page(listing(*MIXED)).tags if tag == "th")


@pytest.mark.parametrize(
    ("form", "rows", "text"),
    [
        ("columns", (PANDAS, SIX), "Package Version\n------- -------\npandas  2.2\nsix     1.16"),
        (
            "columns",
            (MINE, SIX),
            f"{PIP_HEADS}\nMine    0.1     /home/me/mine\nsix     1.16",
        ),
        ("columns", (), ""),
        ("freeze", (MINE, PANDAS), "Mine==0.1\npandas==2.2"),
        (
            "json",
            (MINE,),
            '[{"name": "Mine", "version": "0.1", "editable_project_location": "/home/me/mine"}]',
        ),
        ("json", (), "[]"),
    ],
)
def test_a_list_has_the_forms_that_pip_has(form, rows, text):
    assert listing(*rows).text_as(form) == text


@pytest.mark.parametrize("form", ["columns", "freeze", "json"])
def test_pip_lists_the_same(form, wheelhouse, present):
    unpack(wheelhouse.wheel("Zeta.Z", "1.0"), present)
    edited = unpack(wheelhouse.wheel("alpha", "2.0rc1"), present) / "alpha-2.0rc1.dist-info"
    (edited / "direct_url.json").write_text('{"url": "file:///my%20src", "dir_info": {"editable": true}}')
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "list", f"--format={form}", "--path"]
    done = process.run([*argv, str(present)], env=dict(os.environ), cwd=str(present), deadline=60)
    view = looking.union([], [str(present)])
    ours = Answer(looking.listing(view, view, ())).text_as(form)
    assert ours.splitlines() == [line.rstrip() for line in done.stdout.splitlines()]


def test_other_answers_have_their_record_as_json_and_an_unknown_form_is_refused():
    answer = checked(finding())
    assert json.loads(answer.text_as("json")) == answer.record
    with pytest.raises(SpecError, match="check has no form 'columns'"):
        answer.text_as("columns")
    with pytest.raises(SpecError, match="list has no form 'xml'") as caught:
        listing().text_as("xml")
    assert "columns, freeze, json" in caught.value.hint


def test_frozen_lines_stand_alone():
    answer = Answer({"schema": 1, "action": "freeze", "lines": ["demo @ file:///x y", "six==1.16"]})
    assert answer.text == "demo @ file:///x y\nsix==1.16"
    assert page(answer).text == answer.text


def test_sheets_are_blocks_of_keys_and_values_as_pip_prints_them():
    full = sheet(
        summary="A demo", license="MIT", requires=["dep", "six"], required_by=["top"], editable="/e", paths=["a/b.py"]
    )
    answer = Answer({"schema": 1, "action": "show", "listed": True, "packages": [full, sheet()]})
    first, second = answer.text.split("\n---\n")
    assert first.splitlines() == [
        "Name: Demo.A", "Version: 1.0", "Layer: session", "Summary: A demo", "Home-page:", "Author:", "License: MIT",
        "Location: /x", "Editable project location: /e", "Requires: dep, six", "Required-by: top", "Files: 3", "  a/b.py",
    ]  # fmt: skip
    assert "Editable" not in second
    parsed = page(answer)
    assert parsed.rows[:3] == [["Name", "Demo.A"], ["Version", "1.0"], ["Layer", "session"]]
    assert ["Author", ""] not in parsed.rows
    assert parsed.summaries == ["All files"]


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (finding(needs="dep"), "demo 1.0 requires dep, which is not installed."),
        (finding("version", has="dep 2.1"), "demo 1.0 has requirement dep<2, but you have dep 2.1."),
        (
            finding("python", needs="Python >=99", has="Python 3.11"),
            "demo 1.0 needs Python >=99, and this is Python 3.11.",
        ),
        (finding("unreadable", needs="a b"), "demo 1.0 has a requirement that cannot be read: a b"),
        (
            finding("twice", has="demo 2.0", paths=["/a", "/b"]),
            "demo 1.0 is there more than once, also as demo 2.0: /a, /b",
        ),
        (
            finding(needs="dep", fault="base"),
            "demo 1.0 requires dep, which is not installed. (base alone has this too)",
        ),
    ],
)
def test_each_finding_is_one_sentence(found, line):
    assert " ".join(checked(found).text.split()) == line
    assert page(checked(found)).items == [line]


def test_a_long_finding_is_broken_at_80_columns():
    found = checked(finding(dist="d" * 30, needs="n" * 30, fault="base"))
    assert [len(line) <= 80 for line in found.text.splitlines()] == [True, True]


def test_what_the_session_breaks_comes_first_and_nothing_broken_is_said():
    assert checked().text == "No broken requirements."
    assert "No broken requirements." in page(checked()).text
    both = checked(finding(dist="before", fault="base"), finding(dist="ours"))
    assert [line.split()[0] for line in both.text.splitlines() if not line.startswith(" ")] == ["ours", "before"]
    assert "✗ 1 broken by the session, 1 in base alone" in page(both).text
    assert "✓ Nothing is broken by the session, 1 in base alone" in page(checked(finding(fault="base"))).text


def test_chains_are_a_tree_that_shares_its_beginnings():
    top = step("pandas", "2.2", "session", "pandas>=2", asked=True)
    middle, six = step("dateutil", "2.9", line="dateutil"), step("six", "1.16", line="six>=1.5")
    answer = why([top, middle, six], [top, six], [step("root"), six])
    assert answer.text.splitlines() == [
        "pandas>=2 (asked)",
        "├─ dateutil 2.9 (base)",
        "│  └─ six 1.16 (base)",
        "└─ six 1.16 (base)",
        "root 1.0 (base)",
        "└─ six 1.16 (base)",
    ]
    assert page(answer).text == answer.text


def test_a_tree_says_what_the_chains_do_not():
    alone = why([step("tool")])
    assert alone.text == "tool 1.0 is installed in base; nothing needs it.\ntool 1.0 (base)"
    along = why([step("root"), step("part", layer="session")], along=True)
    assert along.text.startswith("part 1.0 comes along: no line of the session leads to it, base does.\nroot 1.0")
    assert why([step("tool", line="tool>=1", asked=True)]).text == "tool>=1 (asked)"


HOSTILE: list[dict[str, Any]] = [
    {"action": "list", "packages": [row(EVIL, EVIL, "session", title=EVIL, editable=EVIL, base=EVIL)]},
    {"action": "freeze", "lines": [EVIL]},
    {"action": "show", "packages": [sheet(title=EVIL, summary=EVIL, paths=[EVIL], requires=[EVIL], location=EVIL)]},
    {"action": "check", "findings": [finding("twice", dist=EVIL, has=EVIL, paths=[EVIL])]},
    {"action": "why", "name": EVIL, "version": EVIL, "layer": "base", "along": True, "chains": [[step(EVIL, EVIL)]]},
]


@pytest.mark.parametrize("record", HOSTILE, ids=lambda record: record["action"])
def test_nothing_from_a_package_becomes_a_tag_or_a_command(record):
    html = str(Answer(record).bundle()["text/html"])
    parsed = Page(html)
    assert parsed.path == []
    assert {tag for tag, _ in parsed.tags} <= {
        "div", "span", "b", "pre", "ul", "li", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    assert EVIL in parsed.text
    assert {name for _, attributes in parsed.tags for name in attributes} <= {"style", "title"}
    sneaky = json.loads(json.dumps(record).replace(json.dumps(EVIL)[1:-1], r"a\u001b[31m\u202eb\rc"))
    for form in (Answer(sneaky).text, unescape(str(Answer(sneaky).bundle()["text/html"]))):
        assert not {"\x1b", "\u202e", "\r"} & set(form)


@pytest.mark.parametrize("record", HOSTILE, ids=lambda record: record["action"])
def test_every_answer_has_three_forms_without_script_and_without_colours_of_its_own(record):
    answer = Answer(record)
    bundle = answer.bundle()
    assert set(bundle) == {"text/plain", "text/html", MIME}
    assert bundle[MIME] == record
    assert bundle["text/plain"] == answer.text == repr(answer)
    assert set(answer._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    styles = [str(attributes.get("style") or "") for _, attributes in Page(str(bundle["text/html"])).tags]
    rules = [rule.split(":", 1) for style in styles for rule in style.split(";") if ":" in rule]
    colours = {value for key, value in rules if key.strip() in {"color", "background", "background-color"}}
    assert {value for value in colours if not value.startswith(("var(", "none", "inherit"))} == set()
