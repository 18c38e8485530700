"""What an export, a download and the doctor look like: copied text stays text, and foreign names stay names."""

from __future__ import annotations

from html import unescape

import pytest

from sessionpkgs.display.answers import Answer
from sessionpkgs.display.deeds import FILES, FOLD_OVER, MOST
from sessionpkgs.session import exporting
from tests.display.test_display import EVIL, Page


def export(text: str = "demo-a==1.0\ndemo-b==2.0\n", *, file: str = "", count: int = 2, **more: object) -> Answer:
    told = {"schema": 1, "action": "export", "form": "requirements", "file": file, "count": count, "text": text}
    return Answer(told | {"notices": []} | more)


def download(*files: str, folder: str = "/got") -> Answer:
    return Answer({"schema": 1, "action": "download", "folder": folder, "files": list(files), "notices": []})


def doctor(*findings: tuple[str, str, bool]) -> Answer:
    rows = [{"name": name, "text": text, "fine": fine} for name, text, fine in findings]
    return Answer({"schema": 1, "action": "doctor", "ok": True, "findings": rows})


def page(answer: Answer) -> Page:
    parsed = Page(str(answer.bundle()["text/html"]))
    assert parsed.path == []
    return parsed


def test_a_shown_export_is_its_text_alone_with_notices_as_comments() -> None:
    assert export(notices=["Not in it: x."]).text == "# Not in it: x.\ndemo-a==1.0\ndemo-b==2.0"


def test_a_notice_of_a_shown_export_never_becomes_a_line_of_it() -> None:
    assert export("x==1\n", notices=["Not in it: x\ny==2"]).text == "# Not in it: x y==2\nx==1"


def test_a_shown_export_says_in_the_page_what_it_is() -> None:
    seen = page(export(notices=["Not in it: x."]))
    assert seen.bold == ["2 distributions as requirements.txt"]
    assert "demo-a==1.0\ndemo-b==2.0" in seen.text
    assert "Not in it: x." in seen.text


def test_a_written_export_says_where_it_is_and_keeps_its_text_to_itself() -> None:
    written = export(file="/w/pylock.toml", count=1, notices=["Not in it: x."])
    assert written.text == "✓ Wrote 1 distribution to /w/pylock.toml\n- Not in it: x."
    assert page(written).bold == ["Wrote 1 distribution to /w/pylock.toml"]
    assert "demo-a" not in page(written).text


def test_a_long_export_is_folded_in_the_page_and_nowhere_else() -> None:
    text = "".join(f"line-{number}\n" for number in range(FOLD_OVER + 1))
    seen = page(export(text))
    assert seen.summaries == ["requirements.txt, 26 lines"]
    assert text.strip() in seen.text
    assert export(text).text == text.strip()
    assert page(export(text.partition("\n")[2])).summaries == []


def test_an_export_of_thousands_of_lines_is_cut_in_the_page_and_nowhere_else() -> None:
    long = export("".join(f"line-{number}\n" for number in range(MOST + 5)))
    assert f"line-{MOST - 1}\n… 5 more lines" in page(long).text
    assert f"line-{MOST}" not in page(long).text
    assert long.text.splitlines()[-1] == f"line-{MOST + 4}"


def test_a_shown_export_says_how_it_becomes_a_file_and_a_written_one_does_not() -> None:
    seen = page(export())
    assert seen.text.endswith("%session_env export requirements.txt writes it.")
    assert "code" in {tag for tag, _ in seen.tags}
    assert "writes it" not in page(export(file="/w/x")).text + export().text


def test_a_long_line_of_an_export_scrolls_instead_of_breaking() -> None:
    (style,) = [str(attributes["style"]) for tag, attributes in page(export()).tags if tag == "pre"]
    assert "white-space:pre;" in style
    assert "overflow-x:auto" in style


def test_every_form_has_the_file_that_an_export_knows() -> None:
    assert FILES == exporting.FORMS


def test_many_downloaded_files_are_folded() -> None:
    files = [f"file-{number}" for number in range(FOLD_OVER + 1)]
    assert page(download(*files)).summaries == ["Files"]
    assert page(download(*files[1:])).summaries == []


@pytest.mark.parametrize(
    ("files", "sentence"),
    [((), "Downloaded 0 files to /got"), (("a.whl",), "Downloaded 1 file to /got"), (("a", "b"), "Downloaded 2 files")],
)
def test_a_download_counts_its_files_and_names_each(files: tuple[str, ...], sentence: str) -> None:
    made = download(*files)
    lead, *rest = made.text.splitlines()
    assert sentence in lead
    assert rest == [*files]
    assert sentence in page(made).text
    assert all(name in page(made).text for name in files)


def test_the_doctor_marks_what_is_wrong_and_lines_its_words_up() -> None:
    looked = doctor(("python", "3.11", True), ("store", "not yours", False))
    assert looked.text == "✓ python  3.11\n✗ store   not yours"
    assert page(looked).rows == [["✓", "python", "3.11"], ["✗", "store", "not yours"]]


def test_a_doctor_without_findings_is_empty() -> None:
    assert doctor().text == ""
    assert page(doctor()).rows == []


SNEAKY = "a\x1b[31m\u202eb\rc"
FOREIGN = {
    "export": lambda name: export(f"{name}\n", notices=[name]),
    "written": lambda name: export(file=name, notices=[name]),
    "download": lambda name: download(name, folder=name),
    "doctor": lambda name: doctor((name, name, False)),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_name_from_a_server_is_no_tag_in_the_page(kind: str) -> None:
    seen = page(FOREIGN[kind](EVIL))
    assert {tag for tag, _ in seen.tags} <= {"div", "span", "b", "pre", "code", "table", "tbody", "tr", "td"}
    assert {name for _, attributes in seen.tags for name in attributes} <= {"style"}
    assert EVIL in seen.text


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_name_from_a_server_is_no_command_to_the_terminal(kind: str) -> None:
    made = FOREIGN[kind](SNEAKY)
    for form in (made.text, unescape(str(made.bundle()["text/html"]))):
        assert not {"\x1b", "\u202e", "\r"} & {*form}
