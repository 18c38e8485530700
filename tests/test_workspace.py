"""The workspace: what is taken in is what it says it is, appears whole, and stands in nobody's way."""

from __future__ import annotations

import ast
import fcntl
import hashlib
import json
import os
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sessionpkgs.workspace
from sessionpkgs import process, settings
from sessionpkgs.cli import main
from sessionpkgs.errors import IntegrityError, StoreError
from sessionpkgs.session.uploads import Uploads
from sessionpkgs.settings import Sources
from sessionpkgs.workspace import Artefact, Workspace, find, here, index, shelving
from tests.wheelhouse import AMBIGUOUS, Wheelhouse, bomb, closed_port, link_entry, pipe_entry, raw_wheel, sha256_of
from tests.workspaces import CLASS, jar

Add = Callable[..., dict[str, Any]]
STEPS = {
    "add": {
        "workspace.folder", "workspace.sweep", "workspace.stage", "workspace.fetch", "workspace.fetched",
        "workspace.make", "workspace.describe", "workspace.rename", "workspace.renamed",
    },
    "remove": {"workspace.folder", "workspace.sweep", "workspace.stage", "workspace.remove"},
    "index": {"workspace.index", "workspace.indexed"},
}  # fmt: skip
"""Steps of each act; every one is struck."""


@pytest.fixture
def place(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that is not there yet."""
    assert home.is_dir()
    monkeypatch.setenv("SESSIONPKGS_WORKSPACE", str(tmp_path / "shared"))
    return here(os.environ)


@pytest.fixture
def add(place: Workspace) -> Add:
    """Adds and gives the answer, after a look that nothing is left behind."""

    def act(*what: str | Path, **options: Any) -> dict[str, Any]:
        answer = Uploads(os.environ, **options).add([str(one) for one in what])
        assert [*Path(place.folder, "incoming").iterdir()] == []
        return answer

    return act


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Runs a command with --json and gives what it printed, after a look at its exit code."""

    def run(*words: str | Path, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["workspace", *map(str, words), "--json"]) == code
        return dict(json.loads(capsys.readouterr().out))

    return run


def states(answer: dict[str, Any]) -> list[str]:
    return [row["state"] for row in answer["results"]]


def error(answer: dict[str, Any]) -> dict[str, Any]:
    """The error of the one refusal."""
    (row,) = answer["results"]
    assert row["state"] == "refused"
    assert answer["exit_code"] == row["error"]["exit_code"]
    return dict(row["error"])


def titles(workspace: Workspace) -> list[str]:
    return [one.title for one in workspace.artefacts()]


# -- what is taken in -------------------------------------------------------------------------------------------------


def test_a_wheel_stands_under_its_hash_with_what_it_says_of_itself(
    add: Add, place: Workspace, wheelhouse: Wheelhouse
) -> None:
    wheel = wheelhouse.wheel("My.Pkg", "1.0", requires=["other>=1"], requires_python=">=3.8", tag="py2.py3-none-any")
    assert states(add(wheel)) == ["added"]
    folder = Path(place.artifacts, sha256_of(wheel))
    assert sorted(path.name for path in folder.iterdir()) == [wheel.name, f"{wheel.name}.metadata", "about.json"]
    assert (folder / wheel.name).read_bytes() == wheel.read_bytes()
    about = json.loads((folder / "about.json").read_text())
    assert about["added"].startswith("20")
    assert about == {
        "layout": 1, "name": "my-pkg", "version": "1.0", "kind": "wheel", "file": wheel.name, "size": wheel.stat().st_size,
        "sha256": sha256_of(wheel), "requires": ["other>=1"], "requires_python": ">=3.8", "coordinate": "", "summary": "",
        "tags": ["py2-none-any", "py3-none-any"], "added": about["added"], "by": about["by"], "origin": str(wheel),
    }  # fmt: skip
    assert about["by"]


@pytest.mark.parametrize(
    ("file", "content", "title", "coordinate"),
    [
        ("lib.jar", {"maven": ["org.demo:demo-lib:1.2"]}, "demo-lib 1.2", "org.demo:demo-lib:1.2"),
        ("fat-2.0.jar", {"maven": ["a.b:inner:1.0", "c.d:fat:2.0"]}, "fat 2.0", "c.d:fat:2.0"),
        ("fat-2.0-all.jar", {"maven": ["a.b:inner:1.0", "c.d:fat:2.0"]}, "fat 2.0", "c.d:fat:2.0"),
        ("fat-2.0.1.jar", {"maven": ["a.b:inner:1.0", "c.d:fat:2.0"]}, "fat 2.0.1", ""),
        (
            "b.jar",
            {"manifest": {"Bundle-SymbolicName": "org.demo.bund\r\n le;singleton:=true", "Bundle-Version": "3.1"}},
            "org.demo.bundle 3.1",
            "",
        ),
        ("i.jar", {"manifest": {"Implementation-Title": "impl", "Implementation-Version": "4"}}, "impl 4", ""),
        (
            "spark-xml_2.12-0.5.jar",
            {"manifest": {"Implementation-Title": "A Title", "Implementation-Version": "4"}},
            "spark-xml_2.12 0.5",
            "",
        ),
        ("plain-1.0-SNAPSHOT.jar", {}, "plain 1.0-SNAPSHOT", ""),
    ],
)
def test_a_jar_is_called_by_maven_or_its_manifest_or_its_file(
    add: Add, place: Workspace, tmp_path: Path, file: str, content: Any, title: str, coordinate: str
) -> None:
    assert states(add(jar(tmp_path / file, **content))) == ["added"]
    (one,) = place.artefacts()
    assert (one.title, one.kind, one.coordinate) == (title, "jar", coordinate)
    assert one.answers(one.name)
    assert not coordinate or (one.answers(coordinate) and one.answers(coordinate.rpartition(":")[0]))


def test_a_jar_of_a_real_jdk_is_taken(add: Add, place: Workspace, tmp_path: Path) -> None:
    program = shutil.which("jar")
    if program is None:
        pytest.skip("no JDK here")
    (tmp_path / "Main.class").write_bytes(CLASS)
    argv = [program, "--create", "--file", str(tmp_path / "real-1.0.jar"), "-C", str(tmp_path), "Main.class"]
    assert process.run(argv, env=dict(os.environ), cwd=str(tmp_path), deadline=60).code == 0
    assert states(add(tmp_path / "real-1.0.jar")) == ["added"]
    assert titles(place) == ["real 1.0"]


def test_a_folder_gives_its_wheels_and_jars_and_names_what_it_passes_over(
    add: Add, place: Workspace, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("one")
    jar(wheelhouse.folder / "two-1.0.jar")
    jar(wheelhouse.folder / "deeper" / "three-1.0.jar")
    wheelhouse.sdist("four")
    answer = add(wheelhouse.folder)
    assert {Path(row["place"]).name: row["state"] for row in answer["results"]} == {
        "one-1.0-py3-none-any.whl": "added", "two-1.0.jar": "added", "deeper": "passed", "four-1.0.tar.gz": "passed",
    }  # fmt: skip
    assert answer["exit_code"] == 0
    assert titles(place) == ["one 1.0", "two 1.0"]


def test_each_artefact_is_judged_alone_and_the_first_refusal_gives_the_code(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    bad = jar(tmp_path / "bad-1.0.jar", entries=[("../x", "")])
    answer = add(tmp_path / "absent.whl", wheelhouse.wheel("one"), bad, wheelhouse.wheel("two"))
    assert states(answer) == ["refused", "added", "refused", "added"]
    assert answer["exit_code"] == 12
    assert titles(place) == ["one 1.0", "two 1.0"]


def test_the_same_bytes_twice_are_there_already_and_keep_who_brought_them(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheel = wheelhouse.wheel("one")
    add(wheel)
    copy = shutil.copy(wheel, tmp_path)
    assert states(add(copy)) == ["there"]
    assert [one.origin for one in place.artefacts()] == [str(wheel)]


def test_several_versions_and_pythons_stand_side_by_side_in_order(
    add: Add, place: Workspace, wheelhouse: Wheelhouse
) -> None:
    for version in ("1.10", "1.9", "2.0rc1"):
        wheelhouse.wheel("one", version)
    wheelhouse.wheel("one", "1.9", tag="cp311-cp311-linux_x86_64", files={"one.py": "other"})
    jar(wheelhouse.folder / "one-3.jar")
    add(wheelhouse.folder)
    assert titles(place) == ["one 3", "one 1.9", "one 1.9", "one 1.10", "one 2.0rc1"]
    newest = find(os.environ, "One", kind="wheel")
    assert newest is not None
    assert (newest.version, Path(newest.path).is_file()) == ("2.0rc1", True)
    assert [one.title for one in place.find("one==1.10.0")] == ["one 1.10"]
    assert find(os.environ, "one==7") is None


@pytest.mark.parametrize("kind", ["wheel", "jar"])
def test_a_version_means_one_set_of_bytes(add: Add, place: Workspace, tmp_path: Path, kind: str) -> None:
    files = []
    for number in ("1", "2"):
        folder = tmp_path / number
        if kind == "wheel":
            tag = {"1": "py3-none-any", "2": "py2.py3-none-any"}[number]
            files.append(Wheelhouse(folder).wheel("one", files={"one.py": number}, tag=tag))
        else:
            files.append(jar(folder / "one-1.0.jar", entries=[("Main.class", number)]))
    add(files[0])
    said = error(add(files[1]))
    assert said["error"] == "ConflictError"
    assert all(sha256_of(file)[:16] in said["sentence"] for file in files)
    assert f"workspace remove {sha256_of(files[0])[:16]}" in said["hint"]
    assert [one.sha256 for one in place.artefacts()] == [sha256_of(files[0])]


# -- what is refused --------------------------------------------------------------------------------------------------


def renamed(wheel: Path, name: str) -> Path:
    return wheel.rename(wheel.with_name(name))


def lie(rows: list[list[str]]) -> list[list[str]]:
    return [["one/__init__.py", "sha256=AAAA", rows[0][2]], *rows[1:]]


def unhashed(rows: list[list[str]]) -> list[list[str]]:
    return [["one/__init__.py", "", ""], *rows[1:]]


def encrypted(wheel: Path) -> Path:
    """*wheel* with the bit set, before each file and in the list, that says that it is encrypted."""
    found = bytearray(wheel.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(mark), bytes(found)):
            found[match.start() + at] |= 1
    wheel.write_bytes(found)
    return wheel


def damaged(file: Path) -> Path:
    """*file* with one byte of its first entry changed."""
    found = bytearray(file.read_bytes())
    found[30 + found[26] + found[28] + 3] ^= 0xFF
    file.write_bytes(found)
    return file


HOSTILE_WHEELS = [
    (lambda w: raw_wheel(w.folder, "one", [("../evil.py", "")]), "UnsafePackageError", "outside its folder"),
    (lambda w: raw_wheel(w.folder, "one", [("/etc/evil.py", "")]), "UnsafePackageError", "outside its folder"),
    (lambda w: raw_wheel(w.folder, "one", [link_entry("one/l", "/etc/passwd")]), "UnsafePackageError", "plain file"),
    (lambda w: raw_wheel(w.folder, "one", [pipe_entry("one/p")]), "UnsafePackageError", "plain file"),
    (lambda w: raw_wheel(w.folder, "one", [("one/x.py", "")], listed=False), "IntegrityError", "does not list"),
    (lambda w: raw_wheel(w.folder, "one", [("one/x.py", "1"), ("one/x.py", "2")]), "IntegrityError", "twice"),
    (lambda w: bomb(w.folder, "one", 600 << 20), "UnsafePackageError", "would fill"),
    (lambda w: w.wheel("one", record=lie), "IntegrityError", "one/__init__.py of one-1.0-py3-none-any.whl is not what"),
    (lambda w: w.wheel("one", record=unhashed), "IntegrityError", "no usable hash for one/__init__.py"),
    (lambda w: w.wheel("one", record=lambda _: None), "IntegrityError", "no RECORD"),
    (lambda w: w.wheel("one", record=lambda r: [*r, ["one/ghost.py", "sha256=AA", "1"]]), "IntegrityError", "ghost.py"),
    (lambda w: renamed(w.wheel("one"), "two-1.0-py3-none-any.whl"), "IntegrityError", "says one 1.0 in its folder"),
    (lambda w: renamed(w.wheel("one"), "one-1.1-py3-none-any.whl"), "IntegrityError", "says one 1.0 in its folder"),
    (lambda w: renamed(w.wheel("one"), "one-1.0-cp39-none-any.whl"), "IntegrityError", "says py3-none-any inside"),
    (lambda w: renamed(w.wheel("one"), "one.whl"), "SpecError", "no name of a wheel"),
    (lambda w: raw_wheel(w.folder, "one", metadata="Name: two\nVersion: 1.0\n"), "IntegrityError", "in its METADATA"),
    (
        lambda w: w.wheel("one", requires=["two =="]),
        "IntegrityError",
        "one 1.0 requires two ==, which nobody can read",
    ),
    (
        lambda w: w.wheel("one", files={"one.py": "", "two-1.0.dist-info/METADATA": ""}),
        "IntegrityError",
        "2 dist-info folders",
    ),
    (lambda w: encrypted(w.wheel("one")), "IntegrityError", "not a whole"),
    (lambda w: damaged(w.wheel("one")), "IntegrityError", "one-1.0"),
]


@pytest.mark.parametrize(("make", "kind", "said"), HOSTILE_WHEELS, ids=[said for _, _, said in HOSTILE_WHEELS])
def test_a_wheel_that_lies_is_refused_and_nothing_is_left(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, make: Callable[[Wheelhouse], Path], kind: str, said: str
) -> None:
    refused = error(add(make(wheelhouse)))
    assert (refused["error"], said in refused["sentence"]) == (kind, True), refused["sentence"]
    assert place.held() == []


HOSTILE_JARS: list[tuple[str, Any, str, str]] = [
    ("climbs-1.jar", [("../../evil.class", CLASS)], "UnsafePackageError", "outside its folder"),
    ("link-1.jar", [link_entry("a.class", "/etc/passwd")], "UnsafePackageError", "plain file"),
    ("text-1.jar", [("readme.txt", "hello")], "IntegrityError", "neither META-INF nor classes"),
    ("nameless.jar", [("a.class", CLASS)], "SpecError", "does not tell its name and version"),
    ("bomb-1.jar", [("a.class", bytes(300 << 20))], "UnsafePackageError", "more than a jar may"),
]


@pytest.mark.parametrize(("file", "entries", "kind", "said"), HOSTILE_JARS, ids=[row[0] for row in HOSTILE_JARS])
def test_a_jar_that_is_none_or_reaches_out_is_refused(
    add: Add, place: Workspace, tmp_path: Path, file: str, entries: Any, kind: str, said: str
) -> None:
    refused = error(add(jar(tmp_path / file, entries=entries)))
    assert (refused["error"], said in refused["sentence"]) == (kind, True), refused["sentence"]
    assert place.held() == []


@pytest.mark.parametrize("change", AMBIGUOUS, ids=lambda change: change.__name__)
@pytest.mark.parametrize("suffix", ["whl", "jar"])
def test_what_two_readers_read_in_two_ways_is_refused(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path, change: Callable[[bytes], bytes], suffix: str
) -> None:
    text = [("one/text.txt", "hello " * 99)]
    file = raw_wheel(wheelhouse.folder, "one", text) if suffix == "whl" else jar(tmp_path / "one-1.0.jar")
    file.write_bytes(change(file.read_bytes()))
    assert error(add(file))["error"] == "IntegrityError"
    assert place.held() == []


@pytest.mark.parametrize("suffix", ["whl", "jar"])
@pytest.mark.parametrize("spoil", ["cut", "damaged", "text"])
def test_what_is_not_whole_is_refused(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path, suffix: str, spoil: str
) -> None:
    file = wheelhouse.wheel("one") if suffix == "whl" else jar(tmp_path / "one-1.0.jar")
    if spoil == "damaged":
        damaged(file)
    else:
        file.write_bytes(file.read_bytes()[:-40] if spoil == "cut" else b"<html>not found</html>")
    assert error(add(file))["error"] == "IntegrityError"
    assert place.held() == []


def test_a_class_that_a_jar_has_twice_is_refused_and_a_text_is_not(add: Add, place: Workspace, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = jar(tmp_path / "a-1.jar", entries=[("A.class", CLASS), ("A.class", b"2")])
    with pytest.warns(UserWarning, match="Duplicate name"):
        texts = jar(tmp_path / "b-1.jar", entries=[("A.class", CLASS), ("META-INF/L", "1"), ("META-INF/L", "2")])
    assert "A.class twice" in error(add(twice))["sentence"]
    assert states(add(texts)) == ["added"]
    assert titles(place) == ["b 1"]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("absent-1.0-py3-none-any.whl", "NotFoundError"),
        ("file:///absent/x-1.0.jar", "NotFoundError"),
        ("ftp://example.org/x-1.0.jar", "SpecError"),
        ("https://example.org/x-1.0.tar.gz", "SpecError"),
        ("https://example.org/x-1.0.jar#md5=00", "SpecError"),
        ("https://example.org/x-1.0.jar#sha256=00", "SpecError"),
        ("https://example.org/..%2F..%2F.jar", "SpecError"),
    ],
)
def test_a_place_that_is_none_is_refused_in_words(home: Path, place: Workspace, given: str, kind: str) -> None:
    assert home.is_dir()
    assert error(Uploads(os.environ).add([given]))["error"] == kind
    assert place.held() == []


def test_a_pipe_is_not_waited_for(add: Add, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "one-1.0-py3-none-any.whl")
    assert "not a plain file" in error(add(tmp_path / "one-1.0-py3-none-any.whl"))["sentence"]


# -- from a URL -------------------------------------------------------------------------------------------------------


def test_a_url_is_fetched_with_its_login_and_hash_and_the_login_is_never_shown(
    add: Add, place: Workspace, wheelhouse: Wheelhouse
) -> None:
    wheel = wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        url = served.url_of(wheel).replace("://", "://me:s3cr3t-word@")
        answer = add(f"{url}#sha256={sha256_of(wheel)}")
        assert states(answer) == ["added"]
        assert served.logins == ["Basic bWU6czNjcjN0LXdvcmQ="]
    assert "s3cr3t-word" not in json.dumps(answer)
    assert "s3cr3t-word" not in Path(place.artifacts, sha256_of(wheel), "about.json").read_text()
    assert place.artefacts()[0].origin.startswith("http://****@127.0.0.1")


def test_a_server_that_tells_the_login_back_tells_nobody_else(
    add: Add, place: Workspace, wheelhouse: Wheelhouse
) -> None:
    def tell(handler: Any) -> bool:
        handler.send_response(302)
        handler.send_header("Location", "ftp://127.0.0.1/t0ld-b4ck-word")
        handler.end_headers()
        return True

    with wheelhouse.index() as served:
        served.faults["/"] = tell
        said = error(add(f"http://me:t0ld-b4ck-word@{served.host}/one-1.0-py3-none-any.whl"))
    assert "ftp://127.0.0.1/****" in said["sentence"]
    assert place.held() == []


def test_another_hash_than_the_one_that_was_asked_for_is_refused(
    add: Add, place: Workspace, wheelhouse: Wheelhouse
) -> None:
    wheel = wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        said = error(add(f"{served.url_of(wheel)}#sha256={'0' * 64}"))
    assert said["error"] == "IntegrityError"
    assert sha256_of(wheel)[:16] in said["sentence"]
    assert states(add(f"{wheel.as_uri()}#sha256={sha256_of(wheel).upper()}")) == ["added"]
    assert len(place.held()) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(404, "NotFoundError"), (401, "IndexUnavailable"), (500, "IndexUnavailable")]
)
def test_a_server_that_refuses_is_named(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, status: int, kind: str
) -> None:
    wheel = wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        served.faults["/files/"] = status
        said = error(add(served.url_of(wheel)))
        assert served.host in said["sentence"]
    assert said["error"] == kind
    assert "index" not in said["sentence"]
    assert place.held() == []


def test_a_server_that_nobody_answers_for_is_named(add: Add, place: Workspace) -> None:
    port = closed_port()
    said = error(add(f"http://127.0.0.1:{port}/one-1.0-py3-none-any.whl"))
    assert (said["error"], f"127.0.0.1:{port}" in said["sentence"]) == ("IndexUnavailable", True)
    assert place.held() == []


def test_a_body_that_is_cut_short_is_refused(add: Add, place: Workspace, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("one")

    def cut(handler: Any) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Length", str(wheel.stat().st_size))
        handler.end_headers()
        handler.wfile.write(wheel.read_bytes()[:-10])
        handler.close_connection = True
        return True

    with wheelhouse.index() as served:
        served.faults["/files/"] = cut
        said = error(add(served.url_of(wheel)))
    assert said["error"] == "IndexUnavailable"
    assert "before the end" in said["sentence"]
    assert place.held() == []


def test_more_bytes_than_may_come_are_not_waited_for(add: Add, place: Workspace, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        assert error(add(served.url_of(wheel), most=100))["error"] == "UnsafePackageError"
    assert place.held() == []


def test_a_server_that_is_silent_ends_at_the_deadline(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSIONPKGS_DEADLINE", "0.3")
    wheel = wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        served.faults["/files/"] = served.hang
        assert error(add(served.url_of(wheel)))["error"] in {"IndexUnavailable", "DeadlineError"}
    assert place.held() == []


@pytest.mark.parametrize(("hosts", "state"), [("", "refused"), ("localhost", "added")])
def test_a_redirect_is_followed_to_declared_hosts_alone_and_without_the_login(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, hosts: str, state: str
) -> None:
    wheel = wheelhouse.wheel("one")

    def send(there: str) -> Callable[[Any], bool]:
        def answer(handler: Any) -> bool:
            handler.send_response(302)
            handler.send_header("Location", there)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        return answer

    with wheelhouse.index() as served:
        served.faults["/away/"] = send(served.url_of(wheel).replace("127.0.0.1", "localhost"))
        url = f"http://me:s3cr3t-word@{served.host}/away/{wheel.name}"
        answer = add(url, sources=Sources(hosts=settings.split_hosts(hosts)))
        assert states(answer) == [state]
        assert len(served.logins) == 1
        assert served.requests[1:] == ([f"/files/{wheel.name}"] if hosts else [])
    if not hosts:
        assert error(answer)["error"] == "IndexForbidden"
    assert len(place.held()) == bool(hosts)


def test_a_host_outside_the_limit_of_a_policy_is_not_asked(add: Add, place: Workspace, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        answer = add(served.url_of(wheel), sources=Sources(limit=("files.example.org",), hosts=("127.0.0.1",)))
        assert served.requests == []
    assert error(answer)["exit_code"] == 10
    assert place.held() == []


@pytest.fixture
def law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes the policy that holds."""

    def write(text: str) -> None:
        (tmp_path / "policy.toml").write_text(text)
        monkeypatch.setenv("SESSIONPKGS_POLICY", str(tmp_path / "policy.toml"))

    return write


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("closed_network = true\n", "closed_network"),
        ('hosts = ["files.example.org"]\n', "hosts"),
        ("max_megabytes = 0.0001\n", "max_megabytes"),
    ],
)
@pytest.mark.parametrize("suffix", ["whl", "jar"])
def test_a_policy_says_what_may_be_fetched_and_files_of_this_machine_are_taken(
    add: Add,
    place: Workspace,
    wheelhouse: Wheelhouse,
    monkeypatch: pytest.MonkeyPatch,
    law: Callable[[str], None],
    text: str,
    rule: str,
    suffix: str,
) -> None:
    file = wheelhouse.wheel("one") if suffix == "whl" else jar(wheelhouse.folder / "one-1.0.jar")
    law(text)
    monkeypatch.setenv("SESSIONPKGS_HOSTS", "*")
    with wheelhouse.index() as served:
        said = error(add(served.url_of(file)))
        assert served.requests == [] or rule == "max_megabytes"
    assert (said["exit_code"], said["rule"]) == (10, rule)
    assert place.held() == []
    assert states(add(file)) == ["added"]


def test_a_repository_of_jars_that_a_policy_names_gives_jars_alone(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, law: Callable[[str], None]
) -> None:
    lib, wheel = jar(wheelhouse.folder / "lib-1.0.jar"), wheelhouse.wheel("one")
    with wheelhouse.index() as served:
        law(f'closed_network = true\njar_repositories = ["http://{served.host}/files/"]\n')
        answer = add(served.url_of(lib), served.url_of(wheel), f"http://{served.host}/other/lib-1.0.jar")
    assert states(answer) == ["added", "refused", "refused"]
    assert [row["error"]["rule"] for row in answer["results"][1:]] == ["closed_network", "jar_repositories"]
    assert titles(place) == ["lib 1.0"]


def test_a_policy_that_cannot_be_obeyed_lets_nothing_in(
    place: Workspace, wheelhouse: Wheelhouse, law: Callable[[str], None], told: Callable[..., dict[str, Any]]
) -> None:
    law("closed_network = perhaps\n")
    assert "policy.toml" in told("add", wheelhouse.wheel("one"), code=10)["sentence"]
    assert place.held() == []


# -- many users -------------------------------------------------------------------------------------------------------

ADDS = """
import os, sys
from sessionpkgs.session.uploads import Uploads
sys.stdin.readline()
answer = Uploads(os.environ).add(sys.argv[1:])
print(" ".join(row["state"] for row in answer["results"]))
"""


def test_four_processes_add_at_once_and_each_artefact_is_there_once(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, start: Callable[..., Any]
) -> None:
    wheels = [str(wheelhouse.wheel("one", f"1.{number}")) for number in range(8)]
    children = [start(ADDS, *wheels) for _ in range(4)]
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    said = [child.stdout.readline().split() for child in children]
    assert [sorted(column) for column in zip(*said, strict=True)] == [["added", "there", "there", "there"]] * 8
    assert titles(place) == [f"one 1.{number}" for number in range(8)]
    assert states(add(wheels[0])) == ["there"]


def test_of_four_that_bring_one_version_with_other_bytes_one_wins(
    place: Workspace, tmp_path: Path, start: Callable[..., Any]
) -> None:
    wheels = [Wheelhouse(tmp_path / str(n)).wheel("one", files={"one.py": str(n)}) for n in range(4)]
    children = [start(ADDS, str(wheel)) for wheel in wheels]
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    assert sorted(child.stdout.readline().strip() for child in children) == ["added", *["refused"] * 3]
    assert titles(place) == ["one 1.0"]


SWEPT = """
import fcntl, os, shutil, sys
moment, wheel = sys.argv[1:]
folders = []
def hear(event, arguments):
    if event == moment and not folders:
        incoming = os.path.join(os.environ["SESSIONPKGS_WORKSPACE"], "incoming")
        made = os.listdir(incoming) if os.path.isdir(incoming) else []
        if made:
            folders.append(os.path.join(incoming, made[0]))
            fcntl.flock(os.open(folders[0], os.O_RDONLY), fcntl.LOCK_EX)
            if moment == "os.chmod":
                os.rmdir(folders[0])
    if event == "sessionpkgs.step" and arguments[0] == "workspace.fetch":
        shutil.rmtree(folders[0], ignore_errors=True)
sys.addaudithook(hear)
from sessionpkgs.session.uploads import Uploads
print(Uploads(os.environ).add([wheel])["results"][0]["state"], len(folders))
"""


@pytest.mark.parametrize("moment", ["os.chmod", "fcntl.flock"])
def test_a_folder_that_was_cleared_away_before_it_was_held_is_made_anew(
    place: Workspace, wheelhouse: Wheelhouse, start: Callable[..., Any], moment: str
) -> None:
    child = start(SWEPT, moment, str(wheelhouse.wheel("one")))
    assert child.stdout.readline() == "added 1\n"
    assert titles(place) == ["one 1.0"]


WAITS = """
import os, sys
heard = []
def hear(event, arguments):
    heard.append(arguments[0] if event == "sessionpkgs.step" else "")
    if event == "fcntl.flock" and "workspace.describe" in heard and "told" not in heard:
        heard.append("told")
        print("asks for the lock", flush=True)
sys.addaudithook(hear)
from sessionpkgs.session.uploads import Uploads
print(Uploads(os.environ).add(sys.argv[1:])["results"][0]["state"])
"""


def test_who_puts_something_in_waits_for_who_does_so_now(
    add: Add, place: Workspace, tmp_path: Path, start: Callable[..., Any]
) -> None:
    theirs, mine = (Wheelhouse(tmp_path / str(n)).wheel("one", files={"one.py": str(n)}) for n in range(2))
    add(theirs)
    kept = Path(place.artifacts, sha256_of(theirs)).rename(tmp_path / "kept")
    held = os.open(place.artifacts, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    child = start(WAITS, str(mine))
    assert child.stdout.readline() == "asks for the lock\n"
    kept.rename(Path(place.artifacts, sha256_of(theirs)))
    os.close(held)
    assert child.stdout.readline() == "refused\n"
    assert [one.sha256 for one in place.artefacts()] == [sha256_of(theirs)]


RENAMES = """
import os, sys
from pathlib import Path
from sessionpkgs.session.uploads import Uploads
place, before, wheel = sys.argv[1:]
Uploads(os.environ).add([before])
told = []
def hear(event, arguments):
    paths = [str(one) for one in arguments if isinstance(one, (str, Path))]
    writes = event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if event in {"os.rename", "os.mkdir", "os.link", "os.symlink", "open"} and writes and paths:
        if str(paths[-1]).startswith(place + "/"):
            told.append(event)
sys.addaudithook(hear)
Uploads(os.environ).add([wheel])
print(*told)
"""


def test_an_artefact_appears_by_one_rename(place: Workspace, wheelhouse: Wheelhouse, start: Callable[..., Any]) -> None:
    child = start(RENAMES, place.artifacts, str(wheelhouse.wheel("two")), str(wheelhouse.wheel("one")))
    assert child.stdout.readline() == "os.rename\n"
    assert titles(place) == ["one 1.0", "two 1.0"]


@pytest.mark.parametrize(("mode", "of_files"), [(0o700, 0o600), (0o755, 0o644), (0o775, 0o664), (0o2775, 0o664)])
def test_files_may_be_read_and_written_by_whom_the_folder_is_for(
    place: Workspace, add: Add, wheelhouse: Wheelhouse, mode: int, of_files: int
) -> None:
    Path(place.folder).mkdir()
    Path(place.folder).chmod(mode)
    before = os.umask(0o077)
    try:
        add(wheelhouse.wheel("one"))
    finally:
        os.umask(before)
    found = [path for top in ("artifacts", "incoming") for path in Path(place.folder, top).rglob("*")]
    found += [Path(place.artifacts), Path(place.folder, "incoming")]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in found}
    assert modes == {(True, mode), (False, of_files)}


def test_a_workspace_that_everybody_may_write_to_is_not_used(
    place: Workspace, add: Add, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    add(wheelhouse.wheel("one"))
    assert index(os.environ, str(tmp_path)) != ""
    Path(place.folder).chmod(0o777)
    with pytest.raises(StoreError, match="may be written by everybody"):
        index(os.environ, str(tmp_path))
    assert error(add(wheelhouse.wheel("two")))["error"] == "StoreError"


READS = """
import os, sys
from sessionpkgs.session.uploads import Uploads
from sessionpkgs.workspace import here, index
wheel, views = sys.argv[1:]
here(os.environ).artefacts(), index(os.environ, os.path.dirname(wheel))  # what is imported late is imported now
os.setgroups([]), os.setgid(65534), os.setuid(65534)
print([one.title for one in here(os.environ).artefacts()], bool(index(os.environ, views)))
print(Uploads(os.environ).add([wheel])["results"][0]["error"]["sentence"])
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_who_may_only_read_finds_all_and_is_told_in_words_that_he_cannot_add(
    add: Add,
    place: Workspace,
    wheelhouse: Wheelhouse,
    start: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SESSIONPKGS_CONFIG", str(tmp_path / "settings.toml"))  # in a folder that others may enter
    wheel = wheelhouse.wheel("one")
    Path(place.folder).mkdir(mode=0o755)
    add(wheel)
    views = tmp_path / "views"
    views.mkdir(mode=0o777)
    views.chmod(0o777)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    child = start(READS, str(wheel), str(views))
    assert child.stdout.readline() == "['one 1.0'] True\n"
    assert re.match(r"the workspace .* cannot be written: Permission denied", child.stdout.readline())


# -- damage and death -------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_noticed_and_the_true_one_takes_its_place(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheel = wheelhouse.wheel("one")
    add(wheel)
    (one,) = place.artefacts()
    Path(one.path).write_bytes(b"changed")
    with pytest.raises(IntegrityError, match=re.escape(one.path)):
        place.check(one)
    with pytest.raises(IntegrityError, match="was changed"):
        place.copy(one, str(tmp_path / "copy"))
    assert states(add(wheel)) == ["added"]
    place.check(place.artefacts()[0])


def climb(folder: Path, away: Path) -> None:
    """Have what stands in *folder* say that its file is *away*, which is there."""
    away.touch()
    about = json.loads((folder / "about.json").read_text())
    (folder / "about.json").write_text(json.dumps({**about, "file": os.path.relpath(away, folder)}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "about.json").unlink(),
        lambda folder: (folder / "about.json").write_text('{"name": '),
        lambda folder: (folder / "about.json").write_text("[]"),
        lambda folder: climb(folder, folder.parent / "x.whl"),
        lambda folder: next(folder.glob("*.whl")).unlink(),
    ],
    ids=["no about", "torn about", "other about", "climbing about", "no file"],
)
def test_a_torn_artefact_is_not_passed_over_and_can_be_taken_out(
    add: Add,
    place: Workspace,
    wheelhouse: Wheelhouse,
    tmp_path: Path,
    told: Callable[..., dict[str, Any]],
    spoil: Callable[[Path], object],
) -> None:
    wheel = wheelhouse.wheel("one")
    add(wheel)
    add(wheelhouse.wheel("two"))
    spoil(Path(place.artifacts, sha256_of(wheel)))
    with pytest.raises(IntegrityError, match=sha256_of(wheel)[:16]):
        index(os.environ, str(tmp_path))
    assert [one["sha256"] for one in told("list", code=14)["damaged"]] == [sha256_of(wheel)]
    told("remove", sha256_of(wheel)[:16])
    assert titles(place) == ["two 1.0"]
    assert index(os.environ, str(tmp_path)) != ""


STRUCK = """
import os, signal, sys
act, wanted, wheel, views = sys.argv[1:]
steps = []
def hear(event, arguments):
    if event == "sessionpkgs.step":
        steps.append(arguments[0])
        if arguments[0] == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hear)
from sessionpkgs.session.uploads import Uploads
from sessionpkgs.workspace import here, index, shelving
if act == "add":
    Uploads(os.environ).add([wheel])
elif act == "remove":
    shelving.remove(here(os.environ), here(os.environ).held()[0])
else:
    index(os.environ, views)
print(*(one for one in steps if one.startswith("workspace.")))
"""


@pytest.mark.parametrize("act", ["add", "remove", "index"])
def test_a_kill_at_any_step_leaves_all_or_nothing_and_the_next_one_clears_up(
    place: Workspace, wheelhouse: Wheelhouse, start: Callable[..., Any], tmp_path: Path, act: str
) -> None:
    wheel = str(wheelhouse.wheel("one"))
    views = tmp_path / "views"

    def fresh() -> None:
        shutil.rmtree(place.folder, ignore_errors=True)
        shutil.rmtree(views, ignore_errors=True)
        views.mkdir()
        if act != "add":
            Uploads(os.environ).add([wheel])
        Path(place.folder, "incoming", "dead").mkdir(parents=True)

    fresh()
    assert {*start(STRUCK, act, "", wheel, str(views)).stdout.readline().split()} == STEPS[act]
    for step in STEPS[act]:
        fresh()
        struck = start(STRUCK, act, step, wheel, str(views))
        assert (struck.wait(), step) == (-9, step)
        assert titles(place) in ([], ["one 1.0"])
        for one in place.artefacts():
            place.check(one)
        assert Uploads(os.environ).add([wheel])["exit_code"] == 0
        assert [*Path(place.folder, "incoming").iterdir()] == []
        url = index(os.environ, str(views))
        assert Path(url.removeprefix("file://"), "one", "index.html").is_file()


def test_each_step_of_the_workspace_is_one_that_is_known() -> None:
    found = set()
    files = [*Path(sessionpkgs.workspace.__file__).parent.glob("*.py")]
    for path in (*files, Path(sessionpkgs.__file__).parent / "session" / "uploads.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "step":
                found.add(ast.literal_eval(node.args[0]))
    assert found == set().union(*STEPS.values())


@pytest.mark.parametrize("holds", [True, False])
def test_what_the_dead_left_goes_and_what_somebody_is_bringing_stays(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, holds: bool
) -> None:
    if not holds:
        Path(place.folder, "incoming", "dead", "made-0").mkdir(parents=True)
        add(wheelhouse.wheel("one"))
        return
    with shelving.incoming(place) as mine:
        Path(mine, "half").touch()
        Uploads(os.environ).add([str(wheelhouse.wheel("one"))])
        assert Path(mine, "half").is_file()


# -- the index --------------------------------------------------------------------------------------------------------


def test_the_index_has_hashes_pythons_and_metadata_and_is_made_once(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheel = wheelhouse.wheel("My.Pkg", requires_python=">=3.8,<4")
    add(wheel, jar(tmp_path / "lib-1.0.jar"))
    url = index(os.environ, str(tmp_path))
    folder = Path(url.removeprefix("file://"))
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "my-pkg"]
    page = (folder / "my-pkg" / "index.html").read_text()
    (one,) = place.find("my-pkg")
    assert f'href="{Path(one.path).as_uri()}#sha256={one.sha256}"' in page
    assert 'data-requires-python="&gt;=3.8,&lt;4"' in page
    with zipfile.ZipFile(wheel) as source:
        metadata = hashlib.sha256(source.read("My_Pkg-1.0.dist-info/METADATA")).hexdigest()
    assert f'data-core-metadata="sha256={metadata}"' in page
    before = (folder / "my-pkg" / "index.html").stat().st_ino
    assert index(os.environ, str(tmp_path)) == url
    assert (folder / "my-pkg" / "index.html").stat().st_ino == before
    add(wheelhouse.wheel("other"))
    assert index(os.environ, str(tmp_path)) != url


def test_a_workspace_that_did_not_change_is_not_read_again(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheel = wheelhouse.wheel("one")
    add(wheel)
    url = index(os.environ, str(tmp_path))
    Path(place.artifacts, sha256_of(wheel), "about.json").unlink()
    assert index(os.environ, str(tmp_path)) == url


MEANWHILE = """
import os, sys
kept, place, views = sys.argv[1:]
looks = []
def hear(event, arguments):
    if event == "os.listdir" and str(arguments[0]) == os.path.dirname(place):
        looks.append(event)
        if len(looks) == 2:
            os.rename(kept, place)
sys.addaudithook(hear)
from sessionpkgs.workspace import index
print(index(os.environ, views))
"""


def test_an_index_has_what_its_name_stands_for_whoever_adds_something_meanwhile(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, start: Callable[..., Any], tmp_path: Path
) -> None:
    first, second = wheelhouse.wheel("one"), wheelhouse.wheel("two")
    add(first, second)
    final = Path(place.artifacts, sha256_of(second))
    kept = final.rename(tmp_path / "kept")
    views = tmp_path / "views"
    views.mkdir()
    found = start(MEANWHILE, str(kept), str(final), str(views)).stdout.readline().strip()
    assert found == index(os.environ, str(views))
    assert Path(found.removeprefix("file://"), "two").is_dir()
    shelving.remove(place, sha256_of(second))
    assert not Path(index(os.environ, str(views)).removeprefix("file://"), "two").exists()


def test_a_workspace_that_is_named_and_not_there_is_an_error_and_no_empty_one(home: Path, tmp_path: Path) -> None:
    assert index({**os.environ, "SESSIONPKGS_WORKSPACE": ""}, str(tmp_path)) == ""
    with pytest.raises(StoreError, match="is not there, so nobody can say which names it has"):
        index({**os.environ, "SESSIONPKGS_WORKSPACE": str(tmp_path / "unmounted")}, str(tmp_path))


def test_without_wheels_there_is_no_index(add: Add, tmp_path: Path) -> None:
    add(jar(tmp_path / "lib-1.0.jar"))
    assert index(os.environ, str(tmp_path)) == ""


def test_an_index_of_the_same_content_counts_as_used_now(add: Add, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    add(wheelhouse.wheel("one"))
    folder = Path(index(os.environ, str(tmp_path)).removeprefix("file://")).parent
    assert re.fullmatch(r"workspace-[0-9a-f]{32}", folder.name)
    os.utime(folder, (1, 1))
    index(os.environ, str(tmp_path))
    assert folder.stat().st_mtime > 1


# -- the command line -------------------------------------------------------------------------------------------------


def test_the_commands_take_list_show_and_remove(
    place: Workspace, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    wheels = [wheelhouse.wheel("one", version, requires=["two"]) for version in ("1.0", "2.0")]
    assert [row["state"] for row in told("add", *wheels)["results"]] == ["added", "added"]
    assert [one["version"] for one in told("list", "one")["artefacts"]] == ["1.0", "2.0"]
    assert main(["workspace", "list"]) == 0
    assert re.search(r"^one +2\.0 +wheel +\d+ \w?B ", capsys.readouterr().out, re.MULTILINE)
    (shown,) = told("show", "one==2.0")["artefacts"]
    assert (shown["sha256"], shown["requires"], shown["pools"], shown["fault"]) == (
        sha256_of(wheels[1]),
        ["two"],
        [],
        "",
    )
    assert main(["workspace", "show", "one==2.0"]) == 0
    said = capsys.readouterr().out
    assert sha256_of(wheels[1]) in said
    assert "Requires: two" in said
    refused = told("remove", "one", code=2)
    assert "means 2 artefacts: one 1.0, one 2.0" in refused["sentence"]
    assert [row["version"] for row in told("remove", "one==1.0")["removed"]] == ["1.0"]
    assert titles(place) == ["one 2.0"]
    told("add", *wheels)
    assert len(told("remove", "one", "--all")["removed"]) == 2
    assert place.held() == []


def test_names_that_mean_nothing_tell_what_is_there(
    place: Workspace, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]]
) -> None:
    told("add", wheelhouse.wheel("demo-one"))
    for words in (["list", "demo-on"], ["show", "demo-one==3"], ["remove", "demo_one==3"]):
        assert "There is demo-one 1.0." in told(*words, code=12)["hint"]
    assert titles(place) == ["demo-one 1.0"]


def test_remove_takes_all_or_nothing(
    place: Workspace, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]]
) -> None:
    told("add", wheelhouse.wheel("one"))
    told("remove", "one", "absent", code=12)
    assert titles(place) == ["one 1.0"]


def test_show_notices_damage(
    add: Add, place: Workspace, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]]
) -> None:
    add(wheelhouse.wheel("one"))
    Path(place.artefacts()[0].path).write_bytes(b"changed")
    assert "was changed" in told("show", "one", code=14)["artefacts"][0]["fault"]


def test_another_workspace_can_be_named(
    place: Workspace, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    answer = told("add", wheelhouse.wheel("one"), "--workspace", tmp_path / "other")
    assert answer["workspace"] == str(tmp_path / "other")
    assert place.held() == []
    assert [one["name"] for one in told("list", "--workspace", tmp_path / "other")["artefacts"]] == ["one"]


def test_the_first_workspace_stands_in_a_store_that_is_private(
    home: Path, wheelhouse: Wheelhouse, told: Callable[..., dict[str, Any]]
) -> None:
    shutil.rmtree(home)
    told("add", wheelhouse.wheel("one"))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert here(os.environ).folder == str(home / "workspace")


def test_the_program_adds_and_tells_what_it_refused(place: Workspace, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    bad = jar(tmp_path / "bad-1.0.jar", entries=[("../x", "")])
    argv = [sys.executable, "-m", "sessionpkgs.cli", "workspace", "add", str(wheelhouse.wheel("one")), str(bad)]
    done = process.run(argv, env=os.environ, cwd=str(tmp_path), deadline=60)
    assert done.code == 15
    assert "✓ one 1.0 (wheel, 1 kB)" in done.stdout
    assert re.search(r"✗ .*bad-1\.0\.jar", done.stdout)
    assert titles(place) == ["one 1.0"]


def test_a_name_may_be_spelled_in_every_way() -> None:
    one = Artefact(name="my-pkg", version="1.0", kind="wheel", file="f.whl", sha256="ab" * 32, size=1)
    assert all(map(one.answers, ("My_Pkg", "my.pkg==1", "f.whl", "abababab", "ab" * 32)))
    assert not any(map(one.answers, ("my", "my-pkg==2", "my-pkg==x", "ababab", "g:my-pkg", "")))
