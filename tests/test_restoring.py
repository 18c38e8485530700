"""A record gives the same environment again: the very bytes, from wherever they are, or a sentence that says why not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import Session
from sessionpkgs.display.answers import Answer
from sessionpkgs.errors import ConflictError, IndexUnavailable, IntegrityError, NotFoundError, PythonPinned, SpecError
from sessionpkgs.session import recorded
from tests.bases import Base
from tests.recordings import Machine, brought, executed
from tests.sessions import Make, lines
from tests.wheelhouse import Index, Wheelhouse, closed_port, project, sha256_of, unpack

LOW = "low-1.0-py3-none-any.whl"


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    """An index with demo-a, which needs low, and more than a restore may take."""
    wheelhouse.wheel("demo-a", requires=["low"])
    wheelhouse.wheel("low")
    with wheelhouse.index() as running:
        yield running


@pytest.fixture
def record(session: Make, index: Index) -> dict[str, Any]:
    """The record of demo-a from the index; low 2.0 appears only afterwards."""
    made = declared(session, f"--index-url {index.url}\ndemo-a\n")
    Wheelhouse(index.folder).wheel("low", "2.0")
    index.requests.clear()
    return made


@pytest.fixture
def notebook(record: dict[str, Any], tmp_path: Path) -> Path:
    """A notebook with that record, which names a login nowhere."""
    executed(tmp_path / "done.ipynb", record)
    return tmp_path / "done.ipynb"


def declared(session: Make, text: str) -> dict[str, Any]:
    """The record of declaring *text*, in a session that is over."""
    one = session()
    made = one.declare(text)
    one.close()
    return made


def changed(record: dict[str, Any], of: str, **fields: Any) -> dict[str, Any]:
    """*record* with other *fields* in the row *of* a distribution."""
    return {**record, "packages": [{**p, **(fields if p["name"] == of else {})} for p in record["packages"]]}


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_an_empty_machine_gets_the_recorded_bytes_and_no_index_is_asked_for_names(
    notebook: Path, record: dict[str, Any], index: Index, tmp_path: Path, engine: str
) -> None:
    with Machine(tmp_path / engine, SESSIONPKGS_ENGINE=engine) as there:
        again = there.restore(str(notebook))
        assert brought(again) == brought(record)
        assert {p["name"] for p in again["packages"] if p["requested"]} == {"demo-a"}
        assert (again["action"], again["source"], *again["notices"]) == ("restore", "built")
        assert there.union()["low"].version == "1.0"
    assert [path for path in index.requests if path.startswith("/simple")] == []


def test_what_the_store_has_is_not_fetched_again(notebook: Path, session: Make, index: Index) -> None:
    assert session("again").restore(str(notebook))["source"] == "store"
    assert index.requests == []


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_a_file_that_is_gone_comes_by_its_hash_from_the_configured_index(
    notebook: Path, record: dict[str, Any], index: Index, tmp_path: Path, engine: str
) -> None:
    mirror = Wheelhouse(tmp_path / "mirror")
    (index.folder / LOW).rename(mirror.folder / LOW)
    with (
        mirror.index() as other,
        Machine(tmp_path / engine, SESSIONPKGS_ENGINE=engine, PIP_INDEX_URL=other.url) as there,
    ):
        assert brought(there.restore(str(notebook))) == brought(record)
        assert not any("demo" in path for path in other.requests)


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_a_file_that_is_nowhere_any_more_is_named_and_nothing_changes(
    notebook: Path, index: Index, tmp_path: Path, engine: str
) -> None:
    (index.folder / LOW).unlink()
    with Machine(tmp_path / engine, SESSIONPKGS_ENGINE=engine, PIP_INDEX_URL=index.url) as there:
        with pytest.raises(NotFoundError, match=r"low-1\.0-py3-none-any\.whl of low 1\.0 is gone") as refused:
            there.restore(str(notebook))
        assert refused.value.item == LOW
        assert there.status()["packages"] == []


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_other_bytes_under_the_same_name_are_refused(notebook: Path, index: Index, tmp_path: Path, engine: str) -> None:
    Wheelhouse(index.folder).wheel("low", files={"low/__init__.py": "EVIL = True\n"})
    with Machine(tmp_path / engine, SESSIONPKGS_ENGINE=engine, PIP_INDEX_URL=index.url) as there:
        with pytest.raises(IntegrityError, match="low"):
            there.restore(str(notebook))
        assert [*(tmp_path / engine / "home/dists").glob("low-*")] == []
        assert there.status()["packages"] == []


def test_a_server_that_does_not_answer_is_no_proof_that_a_file_is_gone(record: dict[str, Any], tmp_path: Path) -> None:
    port = closed_port()
    dead = changed(record, "low", url=f"http://127.0.0.1:{port}/{LOW}")
    name = executed(tmp_path / "dead.ipynb", dead)
    machine = Machine(tmp_path / "there", PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple")
    with machine as there, pytest.raises(IndexUnavailable, match=r"127\.0\.0\.1"):
        there.restore(str(tmp_path / name))


def test_a_login_that_was_left_out_is_not_sent_as_stars(record: dict[str, Any], index: Index, tmp_path: Path) -> None:
    url = next(p["url"] for p in record["packages"] if p["name"] == "low")
    name = executed(tmp_path / "done.ipynb", changed(record, "low", url=url.replace("http://", "http://****@")))
    with Machine(tmp_path / "there") as there:
        assert brought(there.restore(str(tmp_path / name))) == brought(record)
        assert "****" not in repr(there.spec)
    assert index.logins == []


def test_a_repository_over_ssh_keeps_the_user_that_it_needs(record: dict[str, Any], session: Make) -> None:
    place = {"kind": "vcs", "url": "git+ssh://****@host/low.git", "commit": "a" * 40, "sha256": "", "direct": True}
    was = recorded.of_record(session().reading, changed(record, "low", **place), "done.ipynb")
    assert [pin.url for pin in was.spec.pins if pin.name == "low"] == ["git+ssh://git@host/low.git"]


def test_a_new_session_of_the_same_kernel_gets_back_what_it_had(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    before = session("kernel").declare(lines(wheelhouse, "demo-a"))
    wheelhouse.wheel("demo-a", "2.0")
    after = session("kernel")
    assert after.status()["packages"] == []
    assert brought(after.restore()) == brought(before)
    assert after.spec.requirements[0].line == "demo-a"
    wheelhouse.wheel("demo-b")
    assert set(brought(after.add(["demo-b", *lines(wheelhouse).split("\n")]))) == {"demo-a", "demo-b"}


def test_after_a_reset_there_is_nothing_to_restore(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a")
    one = session("kernel")
    with pytest.raises(SpecError, match="had nothing before"):
        one.restore()
    one.declare(lines(wheelhouse, "demo-a"))
    one.reset()
    with pytest.raises(SpecError, match="had nothing before"):
        session("kernel").restore()


@pytest.mark.parametrize("form", ["pylock.toml", "pylock.mine.toml"])
def test_a_lock_is_restored_without_an_index(session: Make, wheelhouse: Wheelhouse, form: str, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a", requires=["low"])
    wheelhouse.wheel("low")
    one = session()
    before = one.declare(lines(wheelhouse, "demo-a"))
    one.ask.export(file=form)
    one.close()
    wheelhouse.wheel("low", "2.0")
    with Machine(tmp_path / "there") as there:
        assert brought(there.restore(str(tmp_path / form))) == brought(before)


def test_the_last_record_that_brought_packages_counts(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a")
    wheelhouse.wheel("demo-b")
    one = session()
    first = one.declare(lines(wheelhouse, "demo-a"))
    second = one.declare(lines(wheelhouse, "demo-b"))
    plan = one.ask.preview(lines(wheelhouse, "demo-a"))
    name = executed(tmp_path / "done.ipynb", first, one.ask.answer("list"), second, plan, one.reset())
    assert brought(session().restore(name)) == brought(second)


DAMAGE: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("no text", lambda _: None, "is not a notebook"),
    ("no cells", lambda _: {"nbformat": 4}, "is not a notebook"),
    ("no record", lambda _: (), "has no record of session packages"),
    ("only a plan", lambda record: {**record, "action": "plan"}, "has no record of session packages"),
    ("no names", lambda record: {**record, "packages": [{"layer": "session"}]}, "the record in .* is damaged"),
    ("a word", lambda record: {**record, "packages": ["demo-a"]}, "the record in .* is damaged"),
    ("no hash", lambda record: changed(record, "low", sha256=""), "the sha256 is missing"),
    ("no name", lambda record: changed(record, "low", name="../x"), "is not the name of a distribution"),
    ("a scheme", lambda record: changed(record, "low", url="ftp://host/low-1.0-py3-none-any.whl"), "is not where a file is"),
    ("another", lambda record: changed(record, "low", name="ipykernel"), "is not of ipykernel"),
    ("a variable", lambda record: {**record, "values": {"LD_PRELOAD": "/x.so"}}, "LD_PRELOAD cannot be set"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "damaged", "said"), DAMAGE, ids=[what for what, _, _ in DAMAGE])
def test_what_is_no_record_is_refused_in_words(
    record: dict[str, Any],
    session: Make,
    tmp_path: Path,
    what: str,
    damaged: Callable[[dict[str, Any]], Any],
    said: str,
) -> None:
    path, made = tmp_path / "bad.ipynb", damaged(record)
    if what in ("no text", "no cells"):
        path.write_text(json.dumps(made) if made else "hello")
    else:
        executed(path, *([made] if made else []))
    with pytest.raises(SpecError, match=said):
        session().restore("bad.ipynb")


def test_a_file_that_is_not_there_or_holds_no_lock_is_refused(session: Make, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"absent\.ipynb cannot be read"):
        session().restore("absent.ipynb")
    (tmp_path / "asked.txt").write_text("demo-a\n")
    with pytest.raises(SpecError, match="neither an executed notebook nor a lock"):
        session().restore("asked.txt")


def test_wheels_of_another_python_are_refused_by_the_python(
    record: dict[str, Any], session: Make, tmp_path: Path
) -> None:
    other = changed(record, "low", url="http://h/low-1.0-cp36-cp36m-linux_x86_64.whl")
    name = executed(tmp_path / "old.ipynb", {**other, "python": "3.6.9"})
    with pytest.raises(PythonPinned, match=r"made with Python 3\.6\.9, and low of it does not fit"):
        session().restore(name)
    name = executed(tmp_path / "old.ipynb", {**record, "python": "3.6.9"})
    assert any("recorded with Python 3.6.9" in said for said in session().restore(name)["notices"])


@pytest.mark.parametrize("union", ["coresolve", "warn"])
def test_base_that_does_not_work_with_the_recorded_set_is_a_conflict_before_anything_changes(
    session: Make, wheelhouse: Wheelhouse, below: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, union: str
) -> None:
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    wheelhouse.wheel("demo-a", requires=["base-a<2"])
    made = session().declare(lines(wheelhouse, "demo-a"))
    name = executed(tmp_path / "done.ipynb", {**made, "distributions": {"base-a": "1.0"}})
    shutil.rmtree(below / "base_a-1.0.dist-info")
    unpack(wheelhouse.wheel("base-a", "2.0"), below)
    monkeypatch.setenv("SESSIONPKGS_UNION", union)
    one = session()
    if union == "warn":
        assert any("Base had base-a 1.0 and has 2.0 now" in said for said in one.restore(name)["notices"])
        return
    with pytest.raises(ConflictError, match=r"demo-a 1\.0 needs base-a<2, and base has base-a 2\.0 now; it had 1\.0"):
        one.restore(name)
    assert one.status()["packages"] == []
    assert one.overlay.active == {}


@pytest.mark.parametrize("now", ["2.0", ""])
def test_what_base_had_for_the_session_and_has_no_more_is_said(
    session: Make, wheelhouse: Wheelhouse, below: Path, tmp_path: Path, now: str
) -> None:
    unpack(wheelhouse.wheel("base-a", "1.0"), below)
    wheelhouse.wheel("demo-a")
    made = session().declare(lines(wheelhouse, "demo-a", "base-a"))
    assert [p["name"] for p in made["packages"] if p["layer"] == "base"] == ["base-a"]
    name = executed(tmp_path / "done.ipynb", made)
    for path in (*below.glob("base_?"), *below.glob("*.dist-info")):
        shutil.rmtree(path)
    if now:
        unpack(wheelhouse.wheel("base-a", now), below)
    one = session()
    has = f"has {now}" if now else "does not have it"
    again = one.restore(name)
    assert [*again["notices"]] == [f"Base had base-a 1.0 and {has} now; the session needs it."]
    assert set(brought(again)) == {"demo-a"}
    assert {requirement.name for requirement in one.spec.requirements} == {"demo-a", "base-a"}


def test_variables_come_back_and_those_that_may_be_secrets_are_named(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a")
    asked = "".join(f"    - {line}\n" for line in lines(wheelhouse, "demo-a").splitlines())
    table = (
        "  COLOUR: deep blue\n  API_TOKEN: s3cret\n  DSN_URL: x\n  PLACE: https://me:s3cret@host/\n  ID: ab12"
        + "cd34" * 6
    )
    made = session().declare(f"dependencies:\n- pip:\n{asked}variables:\n{table}\n")
    assert made["values"] == {"COLOUR": "deep blue"}
    assert "s3cret" not in json.dumps(made)
    one = session()
    again = one.restore(executed(tmp_path / "done.ipynb", made))
    assert dict(one.spec.variables) == {"COLOUR": "deep blue"}
    assert "set them yourself: API_TOKEN, DSN_URL, PLACE, ID." in again["notices"][0]


def test_a_local_folder_comes_back_as_it_is_now(session: Make, tmp_path: Path) -> None:
    project(tmp_path / "mine", "mine")
    made = session().declare("-e ./mine\n")
    name = executed(tmp_path / "done.ipynb", made)
    again = session()
    assert [(p["name"], p["kind"], p["editable"]) for p in again.restore(name)["packages"]] == [
        ("mine", "directory", True)
    ]
    assert again.union()["mine"].version == "1.0"
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(NotFoundError, match="mine"):
        session().restore(name)


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_direct_place_is_asked_again_and_nothing_else(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, kind: str
) -> None:
    file = wheelhouse.wheel("demo-a") if kind == "wheel" else wheelhouse.sdist("demo-a", in_tree=True)
    with wheelhouse.index() as index:
        made = declared(session, f"demo-a @ {index.url_of(file)}\n")
        assert made["packages"][0]["sha256"] == sha256_of(file)
        name = str(tmp_path / executed(tmp_path / "done.ipynb", made))
        with Machine(tmp_path / "there") as there:
            again = there.restore(name)
            assert brought(again) == brought(made)
            assert there.spec.requirements[0].line == f"demo-a @ {index.url_of(file)}"
        file.unlink()
        with Machine(tmp_path / "late") as late, pytest.raises(NotFoundError, match=r"demo-a 1\.0 is gone"):
            late.restore(name)


def test_the_search_path_is_untouched_by_a_restore_that_fails(notebook: Path, index: Index, tmp_path: Path) -> None:
    (index.folder / LOW).unlink()
    before = list(sys.path)
    with Machine(tmp_path / "there", PIP_INDEX_URL=index.url) as there:
        with pytest.raises(NotFoundError):
            there.restore(str(notebook))
        assert sys.path == before


def test_a_notebook_is_locked_and_exported_without_asking_anyone(
    notebook: Path, record: dict[str, Any], index: Index, session: Make, tmp_path: Path
) -> None:
    index.requests.clear()
    made = session().ask.lock(str(notebook), file="pylock.toml")
    assert (made["form"], made["count"]) == ("pylock", 2)
    assert f">={'.'.join(record['python'].split('.')[:2])}," in made["text"]
    for form in ("requirements", "environment"):
        assert "low==1.0" in session().ask.lock(str(notebook), form)["text"]
    assert index.requests == []
    with Machine(tmp_path / "there") as there:
        assert brought(there.restore(str(tmp_path / "pylock.toml"))) == brought(record)
    assert session().ask.lock(str(notebook), "requirements", without=["Low"])["count"] == 1
    with pytest.raises(SpecError, match=r"absent \(--without\) is not in it"):
        session().ask.lock(str(notebook), without=["absent"])


def test_a_cell_reproduces_the_session(session: Make, index: Index) -> None:
    one: Session = session()
    before = one.declare(f"--index-url {index.url}\ndemo-a\n")
    made = one.ask.export("cell")
    head, _, body = made["text"].partition("\n")
    assert head == "%%session_env"
    assert Answer(made).text == made["text"].rstrip("\n")
    assert "writes it" not in str(Answer(made).bundle()["text/html"])
    assert f"--hash=sha256:{sha256_of(index.folder / LOW)}" in body
    Wheelhouse(index.folder).wheel("low", "2.0")
    assert brought(session().declare(body)) == brought(before)


@pytest.mark.kernel
def test_a_kernel_restores_an_executed_notebook_and_an_autorestarted_one_its_own(
    tmp_path: Path, home: Path, wheelhouse: Wheelhouse
) -> None:
    made = Base(tmp_path, home)
    wheelhouse.wheel("demo-a", files={"demo_a.py": "X = 1\n"})
    with made.kernel() as kernel:
        kernel.run("%load_ext sessionpkgs")
        body = lines(wheelhouse, "demo-a")
        assert "ready" in kernel.run(f"%%session_env\n{body}")
        wheelhouse.wheel("demo-a", "2.0", files={"demo_a.py": "X = 2\n"})
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=60)
        kernel.run("%load_ext sessionpkgs")
        assert "ModuleNotFoundError" in kernel.run("import demo_a")
        assert "restored" in kernel.run("%session_env restore")
        assert kernel.run("import demo_a; print(demo_a.X)") == "1"


@pytest.mark.kernel
def test_a_restore_that_loaded_modules_forbid_is_taken_up_by_a_new_python(
    tmp_path: Path, home: Path, wheelhouse: Wheelhouse, session: Make
) -> None:
    made = Base(tmp_path, home)
    thing = "class Thing:\n    pass\n"
    made.install(wheelhouse.wheel("demo", "1.0", files={"demo.py": f'VERSION = "1.0"\n{thing}'}))
    wheelhouse.wheel("demo", "2.0", files={"demo.py": f'VERSION = "2.0"\n{thing}'})
    executed(tmp_path / "done.ipynb", declared(session, lines(wheelhouse, "demo==2.0")))
    cells = ("%load_ext sessionpkgs", "import demo; held = demo.Thing(); print(demo.VERSION)")
    refused = made.notebook(*cells, "%session_env restore done.ipynb", fails=True)
    assert refused.error(2).ename == "ActivationError"
    book = made.notebook(*cells, "%session_env restore -f done.ipynb", "import demo; print(demo.VERSION)")
    assert (book.text(1), book.text(3)) == ("1.0", "2.0")
    assert (book.record(2)["action"], book.record(2)["source"]) == ("restore", "built")


@pytest.mark.kernel
def test_the_cell_that_reproduces_the_session_is_the_next_input(
    tmp_path: Path, home: Path, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-a")
    with Base(tmp_path, home).kernel() as kernel:
        kernel.run("%load_ext sessionpkgs")
        kernel.run(f"%%session_env\n{lines(wheelhouse, 'demo-a')}")
        reply = kernel.client.execute_interactive("%session_env export --cell", timeout=120, output_hook=lambda _: None)
        (payload,) = reply["content"]["payload"]
        assert (payload["source"], payload["replace"]) == ("set_next_input", False)
        assert payload["text"].startswith("%%session_env\n")
        assert "ready" in kernel.run(payload["text"])
