"""What differs between a record and now is named, each thing once, and nothing that is as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import nbformat
import pytest

from sessionpkgs.cli import main
from sessionpkgs.display.answers import Answer
from tests.bases import Base, Notebook
from tests.display.test_display import Page
from tests.recordings import brought, executed
from tests.sessions import Make, lines
from tests.wheelhouse import Index, Wheelhouse, closed_port, unpack

LOW = "low-1.0-py3-none-any.whl"
Found = list[tuple[str, str, str, str]]


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    """An index with demo-a, which needs low."""
    wheelhouse.wheel("demo-a", requires=["low"])
    wheelhouse.wheel("low")
    with wheelhouse.index() as running:
        yield running


def found(answer: dict[str, Any]) -> Found:
    return [(one["kind"], one["name"], one["then"], one["now"]) for one in answer["differences"]]


def test_a_session_does_not_differ_from_its_own_record_nor_from_its_own_lock(
    session: Make, index: Index, below: Path, tmp_path: Path
) -> None:
    unpack(Wheelhouse(index.folder).wheel("base-a"), below)
    one = session()
    name = executed(tmp_path / "done.ipynb", one.declare(f"--index-url {index.url}\ndemo-a\nbase-a\n"))
    one.ask.export(file="pylock.toml")
    answers = [one.ask.diff(against) for against in ("", name, "pylock.toml")]
    assert [(told["same"], told["differences"], told["notices"]) for told in answers] == [(True, [], [])] * 3
    assert Answer(answers[-1]).text == "✓ Nothing differs from pylock.toml."


def test_what_a_session_lacks_and_has_besides_is_named(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("demo-a", version)
    wheelhouse.wheel("low")
    wheelhouse.wheel("more")
    one = session()
    name = executed(tmp_path / "done.ipynb", one.declare(lines(wheelhouse, "demo-a<2", "low")))
    one.declare(lines(wheelhouse, "demo-a", "more"))
    assert found(one.ask.diff(name)) == [
        ("session", "demo-a", "1.0", "2.0"),
        ("session", "low", "1.0", ""),
        ("session", "more", "", "1.0"),
    ]


def test_other_bytes_of_the_same_version_are_named(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a")
    made = session().declare(lines(wheelhouse, "demo-a"))
    name = executed(tmp_path / "done.ipynb", made)
    wheelhouse.wheel("demo-a", files={"demo_a/__init__.py": "OTHER = 1\n"})
    one = session()
    again = one.declare(lines(wheelhouse, "demo-a"), refresh=True)
    (difference,) = one.ask.diff(name)["differences"]
    assert difference["bytes"] is True
    assert (difference["then"], difference["now"]) == tuple(f"sha256:{brought(r)['demo-a'][1]}" for r in (made, again))


def test_what_base_has_now_in_the_recorded_version_is_no_difference(
    session: Make, wheelhouse: Wheelhouse, below: Path, tmp_path: Path
) -> None:
    low = wheelhouse.wheel("low")
    wheelhouse.wheel("demo-a", requires=["low"])
    name = executed(tmp_path / "done.ipynb", session().declare(lines(wheelhouse, "demo-a")))
    unpack(low, below)
    one = session()
    again = one.restore(name)
    assert (set(brought(again)), [*again["notices"]]) == ({"demo-a"}, ["Base has it in the recorded version now: low."])
    assert found(one.ask.diff(name)) == [("base", "low", "", "1.0")]


def test_base_python_and_platform_are_compared_and_what_the_session_needs_comes_first(
    session: Make, wheelhouse: Wheelhouse, below: Path, tmp_path: Path
) -> None:
    for name in ("aaa", "base-a", "gone"):
        unpack(wheelhouse.wheel(name), below)
    wheelhouse.wheel("demo-a", requires=["base-a"])
    one = session()
    made = one.declare(lines(wheelhouse, "demo-a"))
    shutil.rmtree(below)
    below.mkdir()
    for name in ("aaa", "base-a"):
        unpack(wheelhouse.wheel(name, "2.0"), below)
    unpack(wheelhouse.wheel("zzz"), below)
    name = executed(tmp_path / "done.ipynb", {**made, "python": "3.11.0", "tag": "cpython-311-plan9-mips"})
    answer = one.ask.diff(name)
    kinds = [one["kind"] for one in answer["differences"]]
    assert found(answer)[1][2] == "plan9-mips"
    assert kinds == ["python", "platform", "base", "base", "base", "base"]
    assert found(answer)[2:] == [
        ("base", "base-a", "1.0", "2.0"),
        ("base", "aaa", "1.0", "2.0"),
        ("base", "gone", "1.0", ""),
        ("base", "zzz", "", "1.0"),
    ]
    assert "base's base-a: 1.0, now 2.0 (the session needs it)" in Answer(answer).text


def test_an_altered_file_of_the_session_is_named(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    (module,) = home.glob("dists/demo-a-*/site/demo_a/__init__.py")
    module.chmod(0o644)
    module.write_text("ALTERED = 1\n")
    (difference,) = one.ask.diff()["differences"]
    assert (difference["kind"], difference["name"]) == ("altered", "demo-a 1.0")
    assert "demo_a/__init__.py" in difference["now"]


def test_variables_are_compared_and_no_secret_is_shown(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a")
    asked = "".join(f"    - {line}\n" for line in lines(wheelhouse, "demo-a").splitlines())
    text = f"dependencies:\n- pip:\n{asked}variables:\n  COLOUR: blue\n  TONE: low\n  API_TOKEN: s3cret\n"
    one = session()
    name = executed(tmp_path / "done.ipynb", one.declare(text))
    assert one.ask.diff(name)["same"] is True
    one.declare(text.replace("blue", "red").replace("  TONE: low\n  API_TOKEN: s3cret", "  NEW_KEY: s3cret"))
    answer = one.ask.diff(name)
    assert [(kind, what) for kind, what, _, _ in found(answer)] == [
        ("variable", "COLOUR"), ("variable", "NEW_KEY"), ("variable", "TONE"), ("variable", "API_TOKEN"),
    ]  # fmt: skip
    assert "s3cret" not in json.dumps(answer)


def test_other_indexes_are_named_without_their_logins(
    session: Make, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", index.url.replace("http://", "http://me:s3cret@"))
    made = session().declare("demo-a\n")
    name = executed(tmp_path / "done.ipynb", made)
    assert session().ask.diff(name, live=False)["same"] is True
    monkeypatch.setenv("PIP_INDEX_URL", "http://you:hunter2@127.0.0.1:9/simple")
    answer = session().ask.diff(name, live=False)
    assert found(answer) == [("index", "indexes", index.url, "http://127.0.0.1:9/simple")]
    assert not {"s3cret", "hunter2"} & {*json.dumps([made, answer]).replace(":", " ").replace("@", " ").split()}


def yank(handler: BaseHTTPRequestHandler) -> bool:
    """A page of the index on which low 1.0 was yanked."""
    body = f'<a href="/files/{LOW}#sha256=0" data-yanked="it &lt;b&gt;breaks">{LOW}</a>'.encode()
    handler.answer(200, body)  # type: ignore[attr-defined]
    return True


def in_json(handler: BaseHTTPRequestHandler) -> bool:
    """The same page as PEP 691 has it."""
    body = json.dumps({"files": [{"filename": LOW, "yanked": "it <b>breaks"}]}).encode()
    handler.answer(200, body)  # type: ignore[attr-defined]
    return True


GONE: list[tuple[str, Any, str]] = [
    (f"/files/{LOW}", 404, "gone"),
    (f"/files/{LOW}", 410, "gone"),
    ("/simple/low/", 404, "not listed any more"),
    ("/simple/low/", yank, "yanked: it <b>breaks"),
    ("/simple/low/", in_json, "yanked: it <b>breaks"),
]


@pytest.mark.parametrize(("path", "fault", "said"), GONE, ids=[f"{said} {n}" for n, (_, _, said) in enumerate(GONE)])
def test_a_file_that_is_gone_or_yanked_is_named(
    session: Make, index: Index, tmp_path: Path, path: str, fault: Any, said: str
) -> None:
    one = session()
    name = executed(tmp_path / "done.ipynb", one.declare(f"--index-url {index.url}\ndemo-a\n"))
    index.faults[path] = fault
    answer = one.ask.diff(name)
    assert found(answer) == [("file", "low 1.0", f"http://{index.host}/files/{LOW}", said)]
    assert Page(str(Answer(answer).bundle()["text/html"])).items == [
        f"low 1.0: {said}: http://{index.host}/files/{LOW}"
    ]


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_refusal_of_the_server_is_no_sign_that_a_file_is_gone(
    session: Make, index: Index, tmp_path: Path, status: int
) -> None:
    one = session()
    name = executed(tmp_path / "done.ipynb", one.declare(f"--index-url {index.url}\ndemo-a\n"))
    index.faults[f"/files/{LOW}"] = index.faults["/simple/low/"] = status
    answer = one.ask.diff(name)
    assert answer["same"] is True
    assert answer["notices"] == ["Not known whether the files of low are still there: no server said so."]


def test_a_machine_without_a_network_says_that_nothing_was_asked(session: Make, index: Index, tmp_path: Path) -> None:
    made = session().declare(f"--index-url {index.url}\ndemo-a\n")
    offline = json.loads(json.dumps(made).replace(index.host, f"127.0.0.1:{closed_port()}"))
    answer = session().ask.diff(executed(tmp_path / "done.ipynb", offline), live=False)
    assert (answer["same"], answer["notices"]) == (
        True, ["Not asked whether the files are still there: no server answered."],
    )  # fmt: skip


def test_a_server_that_hangs_is_not_waited_for(session: Make, index: Index, tmp_path: Path) -> None:
    one = session()
    name = executed(tmp_path / "done.ipynb", one.declare(f"--index-url {index.url}\ndemo-a\n"))
    index.faults["/"] = index.hang
    answer = one.ask.diff(name)
    assert (answer["same"], len(answer["notices"])) == (True, 1)


def test_the_command_ends_with_one_where_something_differs(
    session: Make, index: Index, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = session()
    name = str(tmp_path / executed(tmp_path / "done.ipynb", one.declare(f"--index-url {index.url}\ndemo-a\n")))
    one.close()
    assert main(["diff", name]) == 0
    assert "Nothing differs" in capsys.readouterr().out
    (index.folder / LOW).unlink()
    assert main(["diff", name]) == 1
    assert "low 1.0: gone" in capsys.readouterr().out
    assert main(["diff", name, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differences"][0]["kind"] == "file"
    assert main(["diff", str(tmp_path / "absent.ipynb")]) == 2
    assert [path.name for path in (home / "sessions").iterdir()] == ["session-0"]


def test_many_distributions_of_base_that_nothing_rests_on_share_a_line() -> None:
    rows = [
        {"kind": "base", "name": f"n-{n}", "then": "1.0", "now": "", "bytes": False, "needed": False} for n in range(30)
    ]
    record = {"action": "diff", "against": "x.ipynb", "created": "", "same": False, "differences": rows, "notices": []}
    text = Answer(record).text
    assert text.startswith(
        "30 differences from x.ipynb:\n- 30 more of base, which the session does not need: n-0, n-1,"
    )
    html = str(Answer(record).bundle()["text/html"])
    assert html.count("<li") == 30
    assert html.count("<details") == 1


@pytest.mark.kernel
def test_an_executed_notebook_is_restored_elsewhere_and_later_diff_names_base_file_and_index(
    tmp_path: Path, wheelhouse: Wheelhouse
) -> None:
    first, second = (tmp_path / name for name in ("first", "second"))
    bases = []
    for folder in (first, second):
        (folder / "home").mkdir(parents=True, mode=0o700)
        bases.append(Base(folder, folder / "home"))
        bases[-1].install(wheelhouse.wheel("under", "1.0"))
    wheelhouse.wheel("demo-a", requires=["low", "under"])
    wheelhouse.wheel("low")
    with wheelhouse.index() as index:
        declare = f"%%session_env\n--index-url {index.url}\ndemo-a\n"
        book = bases[0].notebook("%load_ext sessionpkgs", declare)
        cells = [nbformat.v4.new_code_cell(cell.source, outputs=cell.outputs) for cell in book.cells]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), second / "done.ipynb")
        (wheelhouse.folder / "under-1.0-py3-none-any.whl").unlink()
        then = bases[1].notebook(
            "%load_ext sessionpkgs", "%session_env restore done.ipynb", "%session_env diff done.ipynb"
        )
        assert brought(then.record(1)) == brought(book.record(1))
        assert then.record(2)["same"] is True
        bases[1].install(wheelhouse.wheel("under", "2.0"))
        (module,) = second.glob("home/dists/demo-a-*/site/demo_a/__init__.py")
        module.chmod(0o644)
        module.write_text("ALTERED = 1\n")
        (wheelhouse.folder / LOW).unlink()
        now: Notebook = bases[1].notebook("%load_ext sessionpkgs", "%session_env diff done.ipynb")
        said = [(one["kind"], one["name"]) for one in now.record(1)["differences"] if one["kind"] != "session"]
        assert said == [("base", "under"), ("altered", "demo-a 1.0"), ("file", "low 1.0")]
