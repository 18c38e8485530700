"""A session without a kernel: what is remembered, when it is not trusted, and what two sessions share."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from sessionpkgs.errors import (
    ActivationError,
    ConflictError,
    NotFoundError,
    PythonPinned,
    SourceForbidden,
    SpecError,
    StoreError,
)
from sessionpkgs.model import Requirement, Spec
from tests.sessions import Make, lines, names, places
from tests.wheelhouse import Wheelhouse, project


def test_the_same_text_in_another_session_is_remembered_and_leased(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    text = lines(wheelhouse, "demo-a")
    first = session("one").declare(text)
    second = session("two").declare(text)
    assert (first["source"], second["source"]) == ("built", "remembered")
    assert first["layer"] == second["layer"]
    assert [p["sha256"] for p in first["packages"]] == [p["sha256"] for p in second["packages"]]


def test_another_text_with_the_same_artefacts_gives_the_same_layer(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    first = session().declare(lines(wheelhouse, "demo-a"))
    second = session().declare(lines(wheelhouse, "# a comment", "demo-a==1.0"))
    assert second["source"] == "store"
    assert first["layer"] == second["layer"]


def test_open_ranges_age_and_exact_pins_do_not(
    session: Make, wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSIONPKGS_REMEMBER_HOURS", "0")
    wheelhouse.wheel("demo-a", "1.0")
    for asked, again in (("demo-a", "store"), ("demo-a==1.0", "remembered")):
        session().declare(lines(wheelhouse, asked))
        assert session().declare(lines(wheelhouse, asked))["source"] == again


def test_a_changed_included_file_is_read_again(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    wheelhouse.wheel("demo-b", "1.0")
    included = tmp_path / "more.txt"
    included.write_text("demo-a\n")
    text = lines(wheelhouse, "-r more.txt")
    assert names(session().declare(text)) == ["demo-a"]
    included.write_text("demo-a\ndemo-b\n")
    assert names(session().declare(text)) == ["demo-a", "demo-b"]


def test_relative_paths_count_from_the_folder_also_when_remembered(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    for name, asked in (("here", "demo-a==1.0"), ("there", "demo-b==1.0")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "more.txt").write_text(f"{asked}\n")
    text = lines(wheelhouse, "-r more.txt")
    one = session()
    one.folder = str(tmp_path / "here")
    assert names(one.declare(text)) == ["demo-a"]
    one.folder = str(tmp_path / "there")
    with pytest.raises(Exception, match="demo-b"):
        one.declare(text)


def test_a_layer_from_before_a_reboot_is_verified_once_and_rebuilt_when_it_is_torn(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0", files={"demo_a/__init__.py": "X = 1\n"})
    text = lines(wheelhouse, "demo-a==1.0")
    session().declare(text)
    shutil.rmtree(home / "checked")
    (home / "checked").mkdir()
    assert session("two").declare(text)["source"] == "remembered"
    assert len(list((home / "checked").iterdir())) == 1
    (dist,) = (home / "dists").iterdir()
    told = json.loads((dist / "dist.json").read_text())
    (dist / "dist.json").write_text(json.dumps({**told, "boot": "another"}))
    module = dist / "site/demo_a/__init__.py"
    module.chmod(0o644)
    module.write_text("X = 2\n")
    shutil.rmtree(home / "checked")
    (home / "checked").mkdir()
    assert session("three").declare(text)["source"] == "built"
    assert module.read_text() == "X = 1\n"
    assert len(list((home / "trash").iterdir())) == 2


def test_a_layer_that_was_removed_is_built_again(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    text = lines(wheelhouse, "demo-a")
    session().declare(text)
    shutil.rmtree(home / "layers")
    (home / "layers").mkdir()
    assert session("two").declare(text)["source"] == "built"


def test_add_keeps_versions_that_fit_and_remove_takes_what_only_it_needed(
    session: Make, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-a", "1.0", requires=["below-a"])
    wheelhouse.wheel("below-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    wheelhouse.wheel("demo-a", "2.0", requires=["below-a"])
    wheelhouse.wheel("demo-b", "1.0")
    record = one.add(["demo-b"])
    assert {p["name"]: p["version"] for p in record["packages"]} == {"below-a": "1.0", "demo-a": "1.0", "demo-b": "1.0"}
    record = one.remove(["Demo_A"])
    assert names(record) == ["demo-b"]
    assert sorted(record["dropped"]) == ["below-a 1.0", "demo-a 1.0"]
    with pytest.raises(NotFoundError, match="demo-a is not installed"):
        one.remove(["demo-a"])


def test_add_changes_a_version_where_keeping_it_is_impossible(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("below-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "below-a"))
    wheelhouse.wheel("below-a", "2.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["below-a>=2"])
    record = one.add(["demo-a"])
    assert {p["name"]: p["version"] for p in record["packages"]} == {"below-a": "2.0", "demo-a": "1.0"}


def test_a_refusal_leaves_the_previous_overlay_and_the_journal_as_they_were(
    session: Make, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    path, environ, journal = list(sys.path), dict(os.environ), one.journal.read()
    with pytest.raises(Exception, match="no-such-name"):
        one.declare(lines(wheelhouse, "no-such-name"))
    assert (list(sys.path), dict(os.environ), one.journal.read()) == (path, environ, journal)
    assert one.status()["packages"][0]["name"] == "demo-a"


def test_the_journal_holds_every_apply_in_order(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    one.declare(lines(wheelhouse, "demo-a"))
    one.reset()
    assert [(r["action"], r["source"]) for r in one.journal.read()] == [
        ("set", "built"),
        ("set", "remembered"),
        ("reset", ""),
    ]


def test_another_python_is_refused_and_another_patch_is_a_notice(session: Make) -> None:
    with pytest.raises(PythonPinned, match=r"python=3\.6 \(line 2") as caught:
        session().declare("dependencies:\n  - python=3.6\n")
    assert "--ignore-python" in caught.value.hint
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    record = session().declare(f"dependencies:\n  - python={minor}.99\n")
    assert any("another patch release" in notice for notice in record["notices"])
    record = session().declare("dependencies:\n  - python=3.6\n", ignore_python=True)
    assert any("is ignored" in notice for notice in record["notices"])


def test_two_distributions_with_one_path_and_different_bytes_are_a_conflict(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0", files={"demo_a.py": "", "shared/data.txt": "a"})
    wheelhouse.wheel("demo-b", "1.0", files={"demo_b.py": "", "shared/data.txt": "b"})
    one = session()
    with pytest.raises(ConflictError, match=r"demo-a and demo-b both bring .*data\.txt"):
        one.declare(lines(wheelhouse, "demo-a", "demo-b"))
    one.declare(lines(wheelhouse, "demo-a"))
    one.declare(lines(wheelhouse, "demo-b"))
    with pytest.raises(ConflictError, match="both bring"):
        one.declare(lines(wheelhouse, "demo-a==1.0", "demo-b==1.0"))
    assert list((home / "stage").iterdir()) == []


def test_a_second_process_with_the_same_identity_is_refused(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    session("same").declare(lines(wheelhouse, "demo-a"))
    with pytest.raises(StoreError, match="another process uses the session"):
        session("same", beside=True).declare(lines(wheelhouse, "demo-a"))


def test_a_login_in_an_index_url_reaches_no_record_no_journal_and_no_resolution(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    with wheelhouse.index() as index:
        url = index.url.replace("://", "://user:s3cr3t-marker@")
        record = session().declare(f"--index-url {url}\ndemo-a\n")
    assert record["packages"][0]["name"] == "demo-a"
    assert "s3cr3t-marker" not in json.dumps(record)
    mine = [path for path in home.rglob("*") if path.is_file() and "cache" not in path.relative_to(home).parts]
    assert [path for path in mine if b"s3cr3t-marker" in path.read_bytes()] == []


def test_python_code_can_apply_a_spec_and_gets_a_record(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    spec = Spec(
        requirements=(Requirement(line="demo-a", name="demo-a"),), find_links=(str(wheelhouse.folder),), no_index=True
    )
    one = session()
    assert [pin.name for pin in one.plan(spec).install] == ["demo-a"]
    record = one.apply(spec)
    assert [(p.name, p.version, p.requested) for p in record.packages] == [("demo-a", "1.0", True)]
    assert one.status()["layer"] == record.layer


@pytest.mark.parametrize(
    ("wheels_only", "words"), [("1", "only wheels are allowed"), ("0", "a plan runs no build code")]
)
def test_a_folder_is_not_built_for_a_plan_nor_where_only_wheels_may_come(
    session: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wheels_only: str, words: str
) -> None:
    monkeypatch.setenv("SESSIONPKGS_WHEELS_ONLY", wheels_only)
    project(tmp_path / "mine", "mine", marker=str(tmp_path / "ran"))
    with pytest.raises(SourceForbidden, match=words):
        session().ask.preview("./mine\n")
    assert not (tmp_path / "ran").exists()


def test_pages_of_an_index_are_kept_for_a_while_and_a_refusal_asks_again(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    with wheelhouse.index() as index:
        asked = f"--index-url {index.url}\n"
        session().declare(f"{asked}demo-a\n")
        index.requests.clear()
        session().declare(f"{asked}# another text\ndemo-a\n")
        assert [path for path in index.requests if path.startswith("/simple")] == []
        wheelhouse.wheel("demo-a", "2.0")
        record = session().declare(f"{asked}demo-a==2.0\n")
        assert record["packages"][0]["version"] == "2.0"


def test_refresh_asks_the_index_for_its_pages(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    with wheelhouse.index() as index:
        text = f"--index-url {index.url}\ndemo-a\n"
        session().declare(text)
        wheelhouse.wheel("demo-a", "2.0")
        assert session().declare(text)["packages"][0]["version"] == "1.0"
        assert session().declare(text, refresh=True)["packages"][0]["version"] == "2.0"


def test_a_refused_reopening_leaves_the_declaration_as_it_was(session: Make, wheelhouse: Wheelhouse) -> None:
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("held-a", version)
    wheelhouse.wheel("demo-a", "1.0")
    both, one_only = lines(wheelhouse, "demo-a", "held-a==2.0"), lines(wheelhouse, "held-a==1.0")
    first = session()
    first.declare(both)
    first.close()
    one = session()
    one.declare(one_only)
    import held_a  # type: ignore[import-not-found]

    one.namespace = {"mine": held_a}
    with pytest.raises(ActivationError, match=r"held-a 1\.0 is imported already"):
        one.declare(both)
    assert [requirement.line for requirement in one.spec.requirements] == ["held-a==1.0"]


def test_a_plan_says_what_add_would_do(session: Make, wheelhouse: Wheelhouse) -> None:
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("demo-a", version)
    one = session()
    one.declare(lines(wheelhouse, "demo-a==1.0"))
    planned = one.ask.preview_add(["demo-a==2.0"])
    assert [p["version"] for p in planned["packages"]] == ["2.0"]
    assert [p["version"] for p in one.add(["demo-a==2.0"])["packages"]] == ["2.0"]


def test_an_ignored_python_line_stays_ignored_for_what_follows(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    text = "dependencies:\n  - python=3.6\n  - pip:\n"
    text += "".join(f"    - {line}\n" for line in ("--no-index", f"--find-links {wheelhouse.folder}"))
    for _ in range(2):
        one = session()
        one.declare(text, ignore_python=True)
        assert names(one.add(["demo-a"])) == ["demo-a"]


def test_relative_files_of_a_reopened_declaration_are_found_from_anywhere(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    wheelhouse.wheel("demo-b", "1.0")
    (tmp_path / "more.txt").write_text("demo-a\n")
    text = lines(wheelhouse, "-r more.txt")
    session().declare(text)
    one = session()
    one.declare(text)
    one.folder = str(tmp_path.parent)
    assert names(one.add(["demo-b"])) == ["demo-a", "demo-b"]


def test_a_folder_that_is_gone_is_told_in_words(session: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    one = session()
    one.folder = ""
    with pytest.raises(SpecError, match="current folder does not exist"):
        one.declare("demo-a\n")


def test_a_second_session_of_one_python_is_refused_while_the_first_is_active(
    session: Make, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    first, second = session("one"), session("two", beside=True)
    first.declare(lines(wheelhouse, "demo-a"))
    with pytest.raises(ActivationError, match="another session of this Python is active"):
        second.declare(lines(wheelhouse, "demo-a"))
    first.reset()
    assert names(second.declare(lines(wheelhouse, "demo-a"))) == ["demo-a"]


def test_names_are_passed_over_where_that_is_asked(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    project(tmp_path / "mine", "demo-mine")
    text = lines(wheelhouse, "demo-a", "absent-b", "-e ./mine")
    one = session()
    record = one.declare(text, without=["Absent_B", "demo-mine"])
    assert names(record) == ["demo-a"]
    assert "Passed over, as --without says: absent-b, demo-mine." in record["notices"]
    with pytest.raises(SpecError, match=r"absent-c \(--without\) is not in it"):
        one.declare(text, without=["absent-c"])


def test_a_file_and_a_body_of_comments_are_the_file(session: Make, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    (tmp_path / "asked.txt").write_text(lines(wheelhouse, "demo-a"))
    assert names(session().declare("# only this\n", file="asked.txt")) == ["demo-a"]


def test_threads_that_install_wait_for_each_other(session: Make, wheelhouse: Wheelhouse) -> None:
    asked = ("demo-a", "demo-b", "demo-c")
    for name in asked:
        wheelhouse.wheel(name, "1.0")
    one = session()
    threads = [threading.Thread(target=one.add, args=([*places(wheelhouse), name],)) for name in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(names(one.status())) == sorted(asked)


def test_a_token_in_a_url_reaches_no_record_no_journal_and_no_resolution(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheel = wheelhouse.wheel("demo-a", "1.0")
    with wheelhouse.index() as index:
        one = session()
        record = one.add([f"demo-a @ {index.url_of(wheel)}?raw=1&sig=hunter2"])
        told = json.dumps(record) + one.ask.export("pylock")["text"] + one.ask.export("environment")["text"]
        told += "".join(one.ask.answer("freeze", everything=False)["lines"])
    kept = [path for path in home.rglob("*") if path.is_file() and "cache" not in path.relative_to(home).parts]
    told += "".join(path.read_text(errors="replace") for path in kept)
    assert names(record) == ["demo-a"]
    assert "hunter2" not in told


def test_freeze_tells_where_this_session_got_a_wheel_from(session: Make, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.add([f"demo-a @ {wheel.as_uri()}"])
    assert one.ask.answer("freeze", everything=False)["lines"][0].startswith("demo-a @ file://")
    one.reset()
    one.add([*places(wheelhouse), "demo-a"])
    assert one.ask.answer("freeze", everything=False)["lines"] == ["demo-a==1.0"]


def test_what_has_no_meaning_here_is_told_and_nothing_is_done(session: Make) -> None:
    record = session().add(["demo-a; sys_platform == 'other'"])
    assert not record["packages"]
    assert any("demo-a" in notice for notice in record["notices"])


def test_a_journal_and_a_memory_that_cannot_be_written_undo_nothing_and_are_said(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.reset()
    (home / "sessions/session-0/journal.jsonl").unlink()
    (home / "sessions/session-0/journal.jsonl").mkdir()
    (home / "resolutions").rmdir()
    (home / "resolutions").touch()
    record = one.declare(lines(wheelhouse, "demo-a"))
    assert names(record) == ["demo-a"]
    assert [notice.partition(" could")[0] for notice in record["notices"]] == ["The journal", "The answer"]
    assert one.union()["demo-a"].version == "1.0"


def test_a_line_that_a_dead_kernel_left_unfinished_harms_no_other(session: Make, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-a", "1.0")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    with Path(one.journal.path).open("a") as journal:
        journal.write('{"action": "se')
    one.reset()
    assert [record["action"] for record in one.journal.read()] == ["set", "reset"]
