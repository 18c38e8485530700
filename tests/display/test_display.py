"""The result as people see it, read back with a parser."""

from __future__ import annotations

import ast
import re
from dataclasses import asdict
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from sessionpkgs import display
from sessionpkgs.display import MIME, Result, duration, pooled, size
from sessionpkgs.display import page as page_module
from sessionpkgs.display.page import escape, marked, sentence
from sessionpkgs.model import Package, Record

EVIL = "<img src=x onerror=alert(1)>\"'&"
VOID = {"img", "br", "hr", "input", "link", "meta"}
NUMPY = Package(name="numpy", version="1.26.4", base="2.4.6", sha256="ab" * 32, size=18_000_000, requested=True)
POLARS = Package(name="polars", version="1.9.0", requested=True)
RICH = Package(name="rich", version="14.1")
KEPT = Package(name="idna", version="3.10", base="3.10", layer="base", state="kept")


class Page(HTMLParser):
    """Elements, table rows, and the text inside and outside of folds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.path: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.folded_rows: list[list[str]] = []
        self.summaries: list[str] = []
        self.bold: list[str] = []
        self.items: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.path.append(tag)
        if tag == "tr":
            (self.folded_rows if "details" in self.path else self.rows).append([])
        elif tag in {"td", "th"}:
            self._cells().append("")
        elif tag in {"summary", "b", "li"}:
            self._words(tag).append("")

    def handle_endtag(self, tag):
        assert self.path.pop() == tag, "every element is closed, in order"

    def handle_data(self, data):
        self.text += data
        if "td" in self.path or "th" in self.path:
            self._cells()[-1] += data
        for tag in ("summary", "b", "li"):
            if tag in self.path:
                self._words(tag)[-1] += data

    def _cells(self):
        return (self.folded_rows if "details" in self.path else self.rows)[-1]

    def _words(self, tag):
        return {"summary": self.summaries, "b": self.bold, "li": self.items}[tag]


def record(*packages: Package, **values):
    given = {"action": "set", "session": "s1", "python": "3.11.7", "base": "f" * 64, "seconds": 1.23, **values}
    return Record(packages=packages, **given).to_dict()


def page(*packages: Package, **values) -> Page:
    parsed = Page(str(Result(record(*packages, **values)).bundle()["text/html"]))
    assert parsed.path == []
    return parsed


def text(*packages: Package, **values) -> str:
    return Result(record(*packages, **values)).text


def many(count: int) -> list[Package]:
    return [Package(name=f"came-{number:02}", version="1.0") for number in range(count)]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "✓ Session environment ready: 2 packages on top of base, 1.2 s"),
        ({"source": "store", "seconds": 0.04}, "2 packages on top of base, taken from the store, 40 ms"),
        ({"source": "remembered", "seconds": 0.004}, "reopened from the store, nothing was asked, 4 ms"),
        ({"action": "plan"}, "numpy 1.26.4 and rich 14.1, all of it in the store, nothing was changed"),
        ({"action": "plan", "fetch": 23_400_000, "expected": 2.6}, "rich 14.1, 23.4 MB to fetch, about 3 s, nothing"),
        (
            {"action": "plan", "fetch": 2_999_900_000, "expected": 152.0},
            "rich 14.1, 3.0 GB to fetch, about 3 min, nothing",
        ),
        ({"action": "plan", "fetch": 1, "expected": 89.4}, "rich 14.1, 1 kB to fetch, about 89 s, nothing"),
        ({"action": "plan", "expected": 0.2}, "rich 14.1, the index tells no sizes, about 1 s, nothing was changed"),
        ({"action": "remove", "dropped": ("polars 1.9.0",)}, "✓ Removed polars 1.9.0: 2 packages on top of base"),
        ({"action": "status"}, "Session environment: 2 packages on top of base"),
        ({"action": "reset"}, "✓ Reset: base again, 1.2 s"),
    ],
)
def test_the_first_sentence_says_what_happened_and_how_long_it_took(values, sentence):
    html, lines = page(RICH, NUMPY, KEPT, **values), text(RICH, NUMPY, KEPT, **values)

    assert sentence in html.text
    assert sentence in " ".join(lines.split())


def test_a_plan_with_nothing_to_do_says_so():
    assert "Plan: nothing to install, nothing was changed" in page(KEPT, action="plan").text


def test_a_session_with_nothing_on_top_says_so():
    assert "Session environment: base alone, nothing on top" in text(KEPT, action="status")


def test_a_long_plan_names_three_packages_and_counts_the_rest():
    assert "would install came-00 1.0, came-01 1.0, came-02 1.0 and 3 more" in page(*many(6), action="plan").text


def test_what_waits_for_a_restart_is_said_in_the_sentence_and_in_its_row():
    late = Package(name="numpy", version="1.26.4", base="2.4.6", state="after restart")
    html = page(late, RICH)

    assert "2 packages on top of base, 1 of them after restart" in html.text
    assert html.rows[1][-1] == "after restart"


def asked_of_pool(name: str, version: str = "1.0", **more: object) -> dict[str, object]:
    given = {"layer": "pool", "state": "active", "requested": True, **more}
    return {**asdict(Package(name=name, version=version)), **given}


def over_pool(*rows: dict[str, object], **more: object) -> dict[str, object]:
    brings = (("joblib", "1.4"), ("numpy", "2.4.6"), ("polars", "1.9.0"), ("scipy", "1.1"))
    return {"pool": "ml 3", "pool_layer": "d" * 40, "pool_distributions": brings, "pool_packages": rows, **more}


JAR = asked_of_pool("delta", "3.2", kind="jar", origin="workspace")
SHADOWED = asked_of_pool("numpy", "2.4.6", state="shadowed", origin="index.example")
LEVELS = over_pool(SHADOWED, asked_of_pool("polars", "1.9.0", base="1.2", origin="workspace"), JAR)
OURS = Package(name="mine", version="0.1", origin="workspace")


def test_a_session_on_a_pool_shows_all_three_levels_and_where_each_thing_came_from():
    html, lines = page(NUMPY, OURS, KEPT, **LEVELS), text(NUMPY, OURS, KEPT, **LEVELS).splitlines()
    sentence = "2 packages on top of pool ml (generation 3) and base"
    table = lines[lines.index("") + 1 :][:8]
    assert (sentence in html.text, sentence in " ".join(" ".join(lines).split())) == (True, True)
    assert html.rows == [
        ["Package", "Base/pool", "", "Session", "Layer", "State", "Origin"],
        ["numpy", "2.4.6", "→", "1.26.4", "session", "active", "–"],
        ["mine", "–", "", "0.1", "session", "active", "workspace"],
        ["numpy", "2.4.6", "", "–", "pool ml", "shadowed", "index.example"],
        ["polars", "1.2", "→", "1.9.0", "pool ml", "active", "workspace"],
        ["delta", "–", "", "3.2", "pool ml, jar", "active", "workspace"],
        ["idna", "3.10", "", "3.10", "base", "kept", "–"],
    ]
    assert [" ".join(row).split() for row in html.rows] == [line.strip("* ").split() for line in table[:7]]
    assert [line[0] for line in table[:7]] == [" ", "*", " ", " ", " ", " ", " "]
    assert html.bold == ["Session environment ready", "numpy", "1.26.4", "1.9.0"]
    assert "Pool ml: 2 more packages, which %session_env list shows" in lines
    assert max(map(len, lines)) <= 80
    assert ["Pool", "ml 3"] in html.folded_rows


def test_the_columns_of_the_text_line_up_whatever_the_pool_is_called():
    rows = over_pool(asked_of_pool("polars", "1.9.0"), JAR, pool="reports-of-the-year 12")
    lines = text(OURS, **rows).splitlines()
    table = lines[lines.index("") + 1 :][:4]
    assert "pool reports-of-the-year, jar" in table[3]
    for head, words in {"State": ("active",), "Origin": ("–", "workspace")}.items():
        at = table[0].index(head)
        assert [line[at:].startswith(words) for line in table[1:]] == [True] * 3
        assert {line[at - 2 : at] for line in table} == {"  "}


def test_one_blank_line_parts_the_table_from_what_follows():
    for given in (text(**over_pool(asked_of_pool("polars"))), text(NUMPY), text(NUMPY, RICH, dropped=("six 1.16",))):
        assert "\n\n\n" not in given
    lines = text(**over_pool(asked_of_pool("polars"))).splitlines()
    assert lines[-2] == ""
    assert lines[-1].startswith("pool ml 3; base")


def test_what_the_session_asks_for_and_the_pool_has_is_one_row():
    kept = Package(name="polars", version="1.9.0", base="1.9.0", layer="pool", state="kept", requested=True)
    html = page(kept, **over_pool(asked_of_pool("polars", "1.9.0")), action="status")
    assert html.rows[1:] == [["polars", "1.9.0", "", "1.9.0", "pool ml", "kept", "–"]]
    assert "Session environment: nothing on top of pool ml (generation 3) and base" in html.text
    assert "Pool ml: 3 more packages" in html.text
    assert "Reset: pool ml (generation 3) and base again" in page(**LEVELS, action="reset").text


def test_a_plan_has_no_rows_of_the_pool():
    html = page(NUMPY, KEPT, **LEVELS, action="plan")
    assert [row[0] for row in (*html.rows, *html.folded_rows) if len(row) == 7] == [
        "Package",
        "numpy",
        "Package",
        "idna",
    ]
    assert "Pool ml:" not in html.text


def test_much_that_the_pool_was_asked_for_is_folded_and_folds_nothing_else():
    many_asked = [asked_of_pool(f"asked-{number:02}") for number in range(13)]
    html = page(NUMPY, RICH, **over_pool(*many_asked))
    assert [row[0] for row in html.rows] == ["Package", "numpy", "rich"]
    assert html.summaries == ["13 of pool ml", "Details"]


def test_where_a_thing_came_from_has_a_column_where_it_may_be_the_workspace():
    hosted = Package(name="rich", version="14.1", origin="files.example:8080")
    direct = Package(name="tool", version="1", origin="git+https://code.example/team/tool.git")
    folder = Package(name="wheel-of-mine", version="1", origin="/srv/wheels/")
    rows = page(OURS, hosted, direct, folder).rows
    assert rows[0][-2:] == ["State", "Origin"]
    assert [row[-1] for row in rows[1:]] == ["workspace", "files.example:8080", "code.example", "wheels"]
    assert page(hosted, direct).rows[0][-1] == "State"


def test_markup_in_the_name_and_the_rows_of_a_pool_stays_text():
    evil = asked_of_pool(EVIL, EVIL, base="1" + EVIL, origin=EVIL, state=EVIL)
    html = page(OURS, **over_pool(*[evil] * 13, pool=f"{EVIL} 3", pool_layer=EVIL))
    assert "img" not in {tag for tag, _ in html.tags}
    assert f"13 of pool {EVIL}" in html.summaries


def test_requested_packages_come_first_in_bold_then_the_others_then_what_base_keeps():
    html = page(KEPT, RICH, POLARS, NUMPY)

    assert html.rows == [
        ["Package", "Base", "", "Session", "Layer", "State"],
        ["numpy", "2.4.6", "→", "1.26.4", "session", "active"],
        ["polars", "–", "", "1.9.0", "session", "active"],
        ["rich", "–", "", "14.1", "session", "active"],
        ["idna", "3.10", "", "3.10", "base", "kept"],
    ]
    assert html.bold == ["Session environment ready", "numpy", "1.26.4", "polars"]


def test_the_text_has_the_same_rows_aligned_and_marks_what_was_asked_for():
    lines = text(KEPT, RICH, POLARS, NUMPY).splitlines()
    table = lines[lines.index("") + 1 :][:5]

    assert [line.split() for line in table] == [
        ["Package", "Base", "Session", "Layer", "State"],
        ["*", "numpy", "2.4.6", "→", "1.26.4", "session", "active"],
        ["*", "polars", "–", "1.9.0", "session", "active"],
        ["rich", "–", "14.1", "session", "active"],
        ["idna", "3.10", "3.10", "base", "kept"],
    ]
    assert {line.index(word) for line, word in zip(table, ["Session", "1.26.4", "1.9.0", "14.1"], strict=False)} == {
        table[0].index("Session")
    }
    assert "* asked for" in lines


def test_more_than_twelve_rows_fold_what_came_along_but_never_what_replaces_a_base_version():
    replaced = Package(name="zlib-ng", version="0.5", base="0.4")
    html = page(NUMPY, replaced, KEPT, *many(12))

    assert [row[0] for row in html.rows] == ["Package", "numpy", "zlib-ng"]
    assert html.summaries[:2] == ["12 more came along", "1 kept"]
    assert [row[0] for row in html.folded_rows if len(row) == 6 and row[0] != "Package"] == [
        *(p.name for p in many(12)),
        "idna",
    ]


def test_a_plan_folds_all_that_stays_as_it_is_asked_for_or_not():
    stays = Package(name="polars", version="1.9.0", state="kept", requested=True)
    html, lines = page(RICH, KEPT, stays, action="plan"), text(RICH, KEPT, stays, action="plan").splitlines()

    assert [row[0] for row in html.rows] == ["Package", "rich"]
    assert html.summaries[0] == "2 kept"
    assert [row[0] for row in html.folded_rows][1:3] == ["idna", "polars"]
    assert [line.split()[:2] for line in lines if "kept" in line] == [["idna", "3.10"], ["*", "polars"]]
    assert page(KEPT, action="plan").rows == []


def test_a_plan_says_that_more_would_come_along():
    assert page(NUMPY, *many(12), action="plan").summaries[0] == "12 more would come along"
    assert page(*many(13)).summaries[0] == "13 came along"


def test_columns_are_as_wide_as_what_is_shown_and_the_last_as_it_needs():
    long = Package(name="n" * 26, version="1.0.0.dev20260101")
    for html in (page(NUMPY, long, *many(12)), page(RICH)):
        heads = [str(attrs["style"]) for tag, attrs in html.tags if tag == "th"]
        wide = [style.rpartition("width:")[2] if "width:" in style else "" for style in heads]
        assert wide in (["5ch", "5ch", "1ch", "6ch", "7ch", ""] * 2, [""] * 6)


NOTHING_TO_DO = (
    "Not used, because a session has no named environment: name.",
    "Channels are not used, packages come from the package index: conda-forge.",
)


def test_notices_that_something_has_no_meaning_are_folded_where_there_are_many():
    matter = "python==3.9.* is ignored: this kernel runs Python 3.11.7."
    html = page(NUMPY, notices=(*NOTHING_TO_DO, matter))

    assert html.items == [matter]
    assert all(notice in html.text.partition("Details")[2] for notice in NOTHING_TO_DO)
    assert page(NUMPY, notices=NOTHING_TO_DO).items == [*NOTHING_TO_DO]
    assert all(f"- {notice}" in text(NUMPY, notices=(*NOTHING_TO_DO, matter)) for notice in NOTHING_TO_DO)


def test_notices_that_matter_are_never_folded():
    told = [f"demo-{number} is ignored." for number in range(5)]

    assert page(NUMPY, notices=tuple(told)).items == told


def test_what_stands_between_backquotes_is_code_and_its_markup_stays_text():
    assert Page(marked("a `%pip <b>` c")).text == "a %pip <b> c"
    assert [tag for tag, _ in Page(marked("a `%pip <b>` c")).tags] == ["code"]


def test_a_sentence_on_its_own_has_its_command_in_letters_for_code():
    told = sentence("", "demo is in a: `%pip <b>` brings it")

    assert told["text/plain"] == Page(str(told["text/html"])).text == "demo is in a: %pip <b> brings it"
    assert re.findall("<code[^>]*>(.*?)</code>", str(told["text/html"])) == ["%pip &lt;b&gt;"]
    assert Page(str(told["text/html"])).bold == []
    assert Page(str(sentence("Oh <i>", "no")["text/html"])).bold == ["Oh <i>"]


def test_twelve_rows_are_all_open():
    html = page(*many(12))

    assert len(html.rows) == 13
    assert html.summaries == ["Details"]


def test_dropped_variables_and_notices_stand_below_the_table():
    values = {"dropped": ("humanize 4.12", "tqdm 4.67"), "variables": ("HF_HOME",), "notices": ("One.", "Two.")}
    html, lines = page(NUMPY, **values), text(NUMPY, **values).splitlines()

    assert html.items == ["One.", "Two."]
    assert "Dropped: humanize 4.12, tqdm 4.67" in html.text
    assert "Variables set: HF_HOME" in html.text
    assert {"Dropped: humanize 4.12, tqdm 4.67", "Variables set: HF_HOME", "- One.", "- Two."} <= set(lines)


def test_a_plan_says_what_it_would_drop():
    assert "Would drop: humanize 4.12" in page(action="plan", dropped=("humanize 4.12",)).text


def test_the_details_show_short_hashes_and_keep_the_whole_ones_in_the_title():
    html = page(NUMPY, engine="uv 0.11.3", layer="c" * 40)
    titles = {attrs["title"] for _, attrs in html.tags if "title" in attrs}

    assert {"ab" * 32, "c" * 40, "f" * 64} <= titles
    assert ["numpy 1.26.4", "sha256 " + "ab" * 6] in html.folded_rows
    assert "ab" * 7 not in html.text
    assert ["Engine", "uv 0.11.3"] in html.folded_rows
    assert ["Size", "18.0 MB"] in html.folded_rows


def test_the_details_say_what_was_asked_for():
    assert ["Asked for", "numpy<2, rich"] in page(NUMPY, requested=("numpy<2", "rich")).folded_rows
    assert "asked for numpy<2, rich" in text(NUMPY, requested=("numpy<2", "rich"))


def test_a_commit_stands_in_where_there_is_no_hash():
    html = page(Package(name="demo", version="1.0", commit="0123456789abcdef"))

    assert ["demo 1.0", "commit 0123456789ab"] in html.folded_rows


def test_markup_in_any_value_stays_text():
    evil = Package(name=EVIL, version=EVIL, base="1" + EVIL, sha256=EVIL, url=EVIL, requested=True)
    lists = dict.fromkeys(("requested", "dropped", "variables", "notices"), (EVIL,))
    html = page(evil, engine=EVIL, layer=EVIL, created=EVIL, steps=((EVIL, 1.0),), **lists)

    assert "img" not in {tag for tag, _ in html.tags}
    assert not {name for _, attrs in html.tags for name in attrs} - {"style", "title"}
    assert html.items == [EVIL]
    assert html.rows[1][0] == EVIL


def test_an_escaped_value_fits_between_either_kind_of_quotes():
    assert escape("<a b='c' d=\"e\">&") == "&lt;a b=&#x27;c&#x27; d=&quot;e&quot;&gt;&amp;"


def test_control_characters_and_direction_overrides_never_reach_a_terminal_or_a_page():
    bundle = Result(record(NUMPY, notices=("a\x1b[31mb\u202ec\nd",))).bundle()

    assert not {"\x1b", "\u202e"} & set(f"{bundle['text/plain']}{bundle['text/html']}")
    assert "- a [31mb c d" in str(bundle["text/plain"]).splitlines()


def test_the_html_needs_no_script_no_style_sheet_and_no_other_file():
    html = page(NUMPY, RICH, KEPT, *many(20), notices=("One.",))

    assert not {"script", "style", "link", "img", "iframe"} & {tag for tag, _ in html.tags}
    assert not {"src", "href", "class", "id"} & {name for _, attrs in html.tags for name in attrs}


def test_every_table_stands_in_a_box_that_scrolls():
    tags = page(NUMPY, *many(20)).tags
    boxes = [before[1].get("style") for before, (tag, _) in pairwise(tags) if tag == "table"]

    assert boxes == ["overflow-x:auto"] * 3


def test_the_text_fits_eighty_columns_where_its_words_do():
    wide = Package(name="opentelemetry-instrumentation-sqlalchemy", version="0.58b0", base="0.57b0")
    lines = text(wide, NUMPY, KEPT, notices=("word " * 60,), requested=("numpy<2",) * 20).splitlines()

    assert max(map(len, lines)) <= 80


def test_a_word_longer_than_the_terminal_stays_whole():
    path = "/data/" + "x" * 100

    assert f"- {path}" in text(notices=(path,)).splitlines()[1:][0]
    assert "and more" in text(notices=(f"{path} and more",))


def test_the_bundle_carries_the_record_itself():
    given = record(NUMPY)

    assert Result(given).bundle()[MIME] == given


def test_a_front_end_may_choose_the_forms():
    result = Result(record(NUMPY))

    assert set(result._repr_mimebundle_()) == {"text/plain", "text/html", MIME}
    assert set(result._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert set(result._repr_mimebundle_(exclude={"text/html"})) == {"text/plain", MIME}
    assert repr(result) == result.text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 ms"), (0.0042, "4 ms"), (0.9999, "999 ms"), (1.23, "1.2 s"), (12.34, "12.3 s"), (125, "2 min 5 s")],
)
def test_durations_read_as_people_write_them(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 kB"),
        (512_400, "512 kB"),
        (999_499, "999 kB"),
        (999_600, "1.0 MB"),
        (12_400_000, "12.4 MB"),
        (999_940_000, "999.9 MB"),
        (999_960_000, "1.0 GB"),
        (2_999_900_000, "3.0 GB"),
    ],
)
def test_sizes_read_as_people_write_them(count, words):
    assert size(count) == words


@pytest.mark.parametrize("module", [display, page_module, pooled], ids=["display", "page", "pooled"])
def test_the_modules_need_no_import_from_outside_when_they_run(module):
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    types_only = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    skipped = {inner for node in types_only for inner in ast.walk(node)}
    found = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in skipped
    ]

    assert len(types_only) == 1
    assert found[0] == "from __future__ import annotations"
    assert all(line.startswith("from sessionpkgs.display import ") for line in found[1:])
