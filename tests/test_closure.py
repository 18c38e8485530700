"""``sessionpkgs closure``: the list for a closed machine, the download, and a session there from the folder alone."""

from __future__ import annotations

import json
import os
import re
import subprocess  # noqa: TID251 - a download that is killed, and environments without a network
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from packaging.tags import compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

from sessionpkgs import formats
from sessionpkgs.cli import main
from sessionpkgs.engines import targets
from sessionpkgs.engines.uv import Uv
from sessionpkgs.formats import Origin
from tests.bases import Base
from tests.sessions import Make, lines, names
from tests.wheelhouse import Index, Wheelhouse, sha256_of, unpack

ENGINES = ("uv", "pip")
THERE = ("--python", "3.12", "--platform", "manylinux_2_28_x86_64")
Told = Callable[..., dict[str, Any]]
pytestmark = [pytest.mark.usefixtures("home"), pytest.mark.slow]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs the command with --json and gives what it printed, after a look at its exit code."""

    def run(*words: str | Path, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["closure", *map(str, words), "--json"]) == code
        said = capsys.readouterr()
        assert said.err == ""
        return dict(json.loads(said.out))

    return run


@pytest.fixture
def asked(wheelhouse: Wheelhouse, tmp_path: Path) -> Path:
    """A file that asks for demo-a, which needs demo-low (of which there are two), and for demo-b."""
    wheelhouse.wheel("demo-low", "1.0")
    wheelhouse.wheel("demo-low", "2.0")
    wheelhouse.wheel("demo-a", "1.0", requires=["demo-low"])
    wheelhouse.wheel("demo-b", "2.0")
    return declared(tmp_path, wheelhouse, "demo-a>=1", "demo-b")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_size_that_nobody_tells_is_said_to_be_unknown_until_the_file_is_here(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    with wheelhouse.index() as index:
        asked.write_text(f"--index-url {index.url}\ndemo-b\n")
        assert told(asked, "--engine", engine)["unsized"] == ["demo-b"]
        brought = told(asked, "--engine", engine, "--download", tmp_path / "into")
    assert (brought["unsized"], brought["size"]) == ([], (tmp_path / "into/demo_b-2.0-py3-none-any.whl").stat().st_size)


def declared(folder: Path, wheelhouse: Wheelhouse, *asked: str) -> Path:
    file = folder / "asked.txt"
    file.write_text(lines(wheelhouse, *asked))
    return file


def versions(answer: dict[str, Any], part: str = "packages") -> dict[str, str]:
    return {row["name"]: row["version"] for row in answer[part]}


def left(folder: Path) -> list[str]:
    """What is in *folder* and is no file of a closure."""
    return [path.name for path in folder.iterdir() if path.suffix not in {".whl", ".json", ".txt"}]


def size_of(index: Index) -> Callable[[BaseHTTPRequestHandler], bool]:
    """A fault that is none: tell the size of a file to who asks for its first byte."""

    def answer(handler: BaseHTTPRequestHandler) -> bool:
        if handler.headers.get("Range") != "bytes=0-0":
            return False
        body = index.page(handler.path)[1]
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-0/{len(body)}")
        handler.send_header("Content-Length", "1")
        handler.end_headers()
        handler.wfile.write(body[:1])
        return True

    return answer


@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize("engine", ENGINES)
def test_the_list_has_each_wheel_with_all_that_names_it(
    asked: Path, told: Told, wheelhouse: Wheelhouse, engine: str, where: tuple[str, ...]
) -> None:
    with wheelhouse.index() as index:
        index.faults["/files/"] = size_of(index)
        asked.write_text(f"--index-url {index.url}\ndemo-a>=1\ndemo-b\n")
        answer = told(asked, "--engine", engine, *where)
        files = {row["name"]: wheelhouse.folder / row["file"] for row in answer["packages"]}
        assert {row["name"]: row["url"].partition("#")[0] for row in answer["packages"]} == {
            name: index.url_of(file) for name, file in files.items()
        }
    assert versions(answer) == {"demo-a": "1.0", "demo-b": "2.0", "demo-low": "2.0"}
    assert [row["sha256"] for row in answer["packages"]] == [sha256_of(file) for file in files.values()]
    assert [row["size"] for row in answer["packages"]] == [file.stat().st_size for file in files.values()]
    assert answer["size"] == sum(file.stat().st_size for file in files.values())
    assert {row["name"]: (row["requested"], row["asked"]) for row in answer["packages"]} == {
        "demo-a": (True, ["demo-a>=1"]),
        "demo-b": (True, ["demo-b"]),
        "demo-low": (False, ["demo-a>=1"]),
    }
    assert (answer["complete"], answer["missing"], answer["jars"], answer["engine"]) == (True, [], [], engine)
    assert answer["here"] is not bool(where)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_base_has_is_kept_and_left_out_unless_all_is_wanted(
    asked: Path, told: Told, wheelhouse: Wheelhouse, below: Path, engine: str
) -> None:
    unpack(wheelhouse.folder / "demo_low-1.0-py3-none-any.whl", below)
    answer = told(asked, "--engine", engine)
    assert versions(answer) == {"demo-a": "1.0", "demo-b": "2.0"}
    assert versions(answer, "present") == {"demo-low": "1.0"}
    whole = told(asked, "--engine", engine, "--with-base")
    assert versions(whole) == {"demo-a": "1.0", "demo-b": "2.0", "demo-low": "1.0"}
    assert versions(whole, "present") == {}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_pool_has_is_kept_and_left_out(
    asked: Path, told: Told, wheelhouse: Wheelhouse, below: Path, tmp_path: Path, engine: str
) -> None:
    unpack(wheelhouse.wheel("demo-other"), below)
    pool = tmp_path / "pool.txt"
    pool.write_text(lines(wheelhouse, "demo-low<2"))
    assert main(["pool", "create", "ml", "--requirements", str(pool)]) == 0
    assert "demo-low" in versions(told(asked, "--engine", engine))
    answer = told(asked, "--engine", engine, "--pool", "ml")
    assert (versions(answer), answer["pool"]) == ({"demo-a": "1.0", "demo-b": "2.0"}, "ml")
    assert versions(answer, "present") == {"demo-low": "1.0"}
    assert "ml" in told(asked, "--pool", "ml", *THERE, code=2)["sentence"]
    assert "the pool other" in told(asked, "--pool", "other", code=12)["sentence"]


def test_a_version_of_base_that_no_index_has_is_said(
    asked: Path, told: Told, wheelhouse: Wheelhouse, below: Path
) -> None:
    unpack(wheelhouse.wheel("demo-low", "1.5"), below)
    (wheelhouse.folder / "demo_low-1.5-py3-none-any.whl").unlink()
    answer = told(asked, "--with-base")
    assert "demo-low" not in versions(answer)
    assert any("demo-low 1.5" in said for said in answer["notices"])


@pytest.mark.parametrize("form", ["lines", "json"])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_closed_machine_has_stays_there(
    asked: Path, told: Told, tmp_path: Path, engine: str, form: str
) -> None:
    has = tmp_path / "has.txt"
    has.write_text("demo-low==1.0\ndemo-x==7\n" if form == "lines" else '[{"name": "Demo_Low", "version": "1.0"}]')
    answer = told(asked, "--engine", engine, *THERE, "--over", has)
    assert versions(answer) == {"demo-a": "1.0", "demo-b": "2.0"}
    assert versions(answer, "present") == {"demo-low": "1.0"}
    whole = told(asked, "--engine", engine, *THERE, "--over", has, "--with-base")
    assert versions(whole) == {"demo-a": "1.0", "demo-b": "2.0", "demo-low": "1.0"}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_closed_machine_has_is_never_changed(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    wheelhouse.wheel("demo-c", requires=["demo-low>=2"])
    has = tmp_path / "has.txt"
    has.write_text("demo-low==1.0\n")
    declared(tmp_path, wheelhouse, "demo-c")
    assert "demo-low" in told(asked, "--engine", engine, *THERE, "--over", has, code=13)["sentence"]


@pytest.mark.parametrize("engine", ENGINES)
def test_markers_and_selectors_are_read_as_the_other_machine_does(
    told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    for name in ("demo-win", "demo-linux", "demo-old", "demo-new", "demo-sel"):
        wheelhouse.wheel(name)
    file = tmp_path / "environment.yml"
    file.write_text(
        "dependencies:\n  - python=3.12\n  - pip:\n    - --no-index\n"
        f"    - --find-links {wheelhouse.folder}\n"
        "    - demo-win; sys_platform == 'win32'\n    - demo-linux; sys_platform == 'linux'\n"
        "    - demo-old; python_version < '3.12'\n    - demo-new; python_version >= '3.12'\n"
        "    - demo-sel  # [win]\n"
    )
    assert versions(told(file, "--engine", engine, *THERE)).keys() == {"demo-linux", "demo-new"}
    windows = ("--python", "3.12", "--platform", "win_amd64")
    assert versions(told(file, "--engine", engine, *windows)).keys() == {"demo-win", "demo-new", "demo-sel"}
    assert told(file, "--engine", engine, "--python", "3.11", code=10)["rule"] == "python"
    older = told(file, "--engine", engine, "--python", "3.11", "--platform", "win_amd64", "--ignore-python")
    assert versions(older).keys() == {"demo-win", "demo-old", "demo-sel"}
    from packaging.markers import Marker

    assert Marker(f"sys_platform == '{sys.platform}'").evaluate()


def test_a_lock_is_read_for_another_platform_by_its_versions(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    wheelhouse.wheel("demo-bin", tag=f"{tag}-{tag}-{targets.here().platforms[0]}")
    wheelhouse.wheel("demo-bin", tag=f"{tag}-{tag}-macosx_11_0_arm64")
    declared(tmp_path, wheelhouse, "demo-bin", "demo-low<2")
    assert main(["lock", str(asked), "-o", str(tmp_path / "pylock.toml")]) == 0
    assert versions(told(tmp_path / "pylock.toml")) == {"demo-bin": "1.0", "demo-low": "1.0"}
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheelhouse.folder))
    mac = told(tmp_path / "pylock.toml", "--platform", "macosx_11_0_arm64")
    assert [row["file"] for row in mac["packages"]] == [
        f"demo_bin-1.0-{tag}-{tag}-macosx_11_0_arm64.whl",
        "demo_low-1.0-py3-none-any.whl",
    ]


def without_wheels(wheelhouse: Wheelhouse) -> None:
    """Names of which each has no wheel in its own way, beside others that have one."""
    wheelhouse.sdist("demo-source", "1.0")
    wheelhouse.sdist("demo-source", "2.0")
    wheelhouse.wheel("demo-deep", requires=["demo-source<2", "demo-low"])
    wheelhouse.wheel("demo-other", tag="cp312-cp312-manylinux_2_39_x86_64")
    wheelhouse.wheel("demo-pinned", "1.0", tag="cp37-cp37m-win32")
    wheelhouse.wheel("demo-pinned", "0.9")


LACKING = [
    (["demo-source"], "demo-source", "2.0", ["demo-source"], {}),
    (["demo-deep"], "demo-source", "1.0", ["demo-deep"], {"demo-deep": "1.0", "demo-low": "2.0"}),
    (["demo-b", "demo-other"], "demo-other", "1.0", ["demo-other"], {"demo-b": "2.0"}),
    (["demo-pinned==1.0", "demo-a"], "demo-pinned", "1.0", ["demo-pinned==1.0"], {"demo-a": "1.0", "demo-low": "2.0"}),
]


@pytest.mark.parametrize("served", [False, True], ids=["folder", "index"])
@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize(("wanted", "name", "version", "by", "rest"), LACKING, ids=[" ".join(w[0]) for w in LACKING])
@pytest.mark.parametrize("engine", ENGINES)
def test_what_has_no_wheel_is_named_and_the_rest_listed_all_the_same(
    asked: Path,
    told: Told,
    wheelhouse: Wheelhouse,
    engine: str,
    wanted: list[str],
    name: str,
    version: str,
    by: list[str],
    rest: dict[str, str],
    where: tuple[str, ...],
    served: bool,
) -> None:
    without_wheels(wheelhouse)
    with wheelhouse.index() as index:
        if served:
            asked.write_text("\n".join([f"--index-url {index.url}", *wanted]) + "\n")
        else:
            asked.write_text(lines(wheelhouse, *wanted))
        answer = told(asked, "--engine", engine, *where, code=12)
    assert (versions(answer), versions(answer, "missing")) == (rest, {name: version})
    (missing,) = answer["missing"]
    assert missing["asked"] == by
    assert "has no wheel for Python" in missing["sentence"]
    assert "pip wheel" in missing["hint"]
    assert answer["complete"] is False
    assert ("manylinux_2_39_x86_64" in missing["sentence"]) is (name == "demo-other" and bool(where))


def test_a_place_to_build_from_is_named_and_nothing_is_built(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.wheelhouse import project

    marker = tmp_path / "built"
    project(tmp_path / "mine", "demo-mine", marker=str(marker))
    declared(tmp_path, wheelhouse, "-e ./mine", "demo-b", "demo-x @ git+https://me:s3cret99@a.example/x")
    answer = told(asked, *THERE, code=12)
    assert versions(answer) == {"demo-b": "2.0"}
    assert [row["name"] for row in answer["missing"]] == ["demo-mine", "demo-x"]
    assert "s3cret99" not in json.dumps(answer)
    assert not marker.exists()
    assert main(["closure", str(asked)]) == 12
    assert "✗ demo-mine" in capsys.readouterr().out


@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_name_that_nobody_has_is_a_refusal(
    told: Told, wheelhouse: Wheelhouse, asked: Path, engine: str, where: tuple[str, ...]
) -> None:
    asked.write_text(lines(wheelhouse, "demo-b", "demo-absent"))
    assert "demo-absent" in told(asked, "--engine", engine, *where, code=12)["sentence"]
    asked.write_text(lines(wheelhouse, "demo-b==9"))
    assert "demo-b==9" in told(asked, "--engine", engine, *where, code=12)["sentence"]


def test_what_needs_another_python_is_refused_with_the_one_that_was_asked_for(
    asked: Path, told: Told, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-new", requires_python=">=3.13")
    with wheelhouse.index() as index:
        asked.write_text(f"--index-url {index.url}\ndemo-new\n")
        refused = told(asked, "--engine", "uv", *THERE, code=12)
    assert refused["sentence"] == "demo-new needs Python>=3.13, and the list is for Python 3.12"
    assert "name another --python" in refused["hint"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_download_brings_the_files_and_two_lists_and_a_second_one_fetches_nothing(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    wheelhouse.wheel("demo-bin", tag="cp312-cp312-macosx_11_0_arm64")
    there = ("--engine", engine, "--python", "3.12", "--platform", "macosx_11_0_arm64")
    into = tmp_path / "deep" / "closure"
    with wheelhouse.index() as index:
        asked.write_text(f"--index-url {index.url}\ndemo-a\ndemo-bin\n")
        answer = told(asked, *there, "--download", into)
        wheels = {row["file"]: row["sha256"] for row in answer["packages"]}
        assert {path.name: sha256_of(path) for path in into.glob("*.whl")} == wheels
        assert sorted(answer["fetched"]) == sorted(wheels)
        (into / "demo_a-1.0-py3-none-any.whl").unlink()
        (into / "demo_low-2.0-py3-none-any.whl").write_bytes(b"not it")
        before = (into / "demo_bin-1.0-cp312-cp312-macosx_11_0_arm64.whl").stat()
        again = told(asked, *there, "--download", into)
        assert sorted(again["fetched"]) == ["demo_a-1.0-py3-none-any.whl", "demo_low-2.0-py3-none-any.whl"]
        assert (into / "demo_bin-1.0-cp312-cp312-macosx_11_0_arm64.whl").stat().st_ino == before.st_ino
        assert told(asked, *there, "--download", into)["fetched"] == []
    assert {path.name: sha256_of(path) for path in into.glob("*.whl")} == wheels
    assert json.loads((into / "closure.json").read_text())["packages"] == again["packages"]
    spec = formats.read((into / "requirements.txt").read_text(), origin=Origin(folder="/", open=lambda _: b""))
    assert [(one.line, one.hashes) for one in spec.requirements] == [
        (f"{row['name']}=={row['version']}", (f"sha256:{row['sha256']}",)) for row in answer["packages"]
    ]
    assert left(into) == []


def test_a_download_brings_the_rest_where_something_has_no_wheel(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    without_wheels(wheelhouse)
    declared(tmp_path, wheelhouse, "demo-deep")
    told(asked, *THERE, "--download", tmp_path / "into", code=12)
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == [
        "closure.json", "demo_deep-1.0-py3-none-any.whl", "demo_low-2.0-py3-none-any.whl", "requirements.txt",
    ]  # fmt: skip
    assert json.loads((tmp_path / "into/closure.json").read_text())["complete"] is False


def other_bytes(handler: BaseHTTPRequestHandler) -> bool:
    """A fault: send something else than the file."""
    handler.answer(200, b"PK" + b"x" * 500)  # type: ignore[attr-defined]
    return True


@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize("engine", ENGINES)
def test_wrong_bytes_are_refused_and_leave_nothing(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str, where: tuple[str, ...]
) -> None:
    with wheelhouse.index() as index:
        asked.write_text(f"--index-url {index.url}\ndemo-a\ndemo-b\n")
        listed = told(asked, "--engine", engine, *where)
        index.faults["/files/demo_b"] = other_bytes
        refused = told(asked, "--engine", engine, *where, "--download", tmp_path / "into", code=14)
    assert listed["complete"]
    assert "demo_b" in refused["sentence"]
    assert [path.name for path in tmp_path.glob("into/*")] == []


@pytest.mark.parametrize("hashed", [True, False], ids=["hashed", "without hashes"])
@pytest.mark.parametrize("engine", ENGINES)
def test_an_index_that_has_something_else_a_moment_later_is_refused(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str, hashed: bool
) -> None:
    into, late = tmp_path / "into", Wheelhouse(tmp_path / "late")
    other = late.wheel("demo-b", "2.0", files={"demo_b.py": "other = True\n"})
    better = other.rename(late.folder / "demo_b-2.0-1-py3-none-any.whl")
    with wheelhouse.index() as index, late.index() as behind:

        def page(handler: BaseHTTPRequestHandler) -> bool:
            changed = into.is_dir()
            text = (behind if changed else index).page(handler.path)[1].decode()
            if changed and hashed:
                text = text.replace(better.name, "demo_b-2.0-py3-none-any.whl")
            bare = text if hashed and not changed else re.sub("#sha256=[0-9a-f]+", "", text)
            handler.answer(200, bare.encode())  # type: ignore[attr-defined]
            return True

        def file(handler: BaseHTTPRequestHandler) -> bool:
            if into.is_dir():
                handler.answer(200, better.read_bytes())  # type: ignore[attr-defined]
            return into.is_dir()

        index.faults |= {"/simple/demo-b": page, "/files/demo_b": file}
        asked.write_text(f"--index-url {index.url}\ndemo-b\n")
        told(asked, "--engine", engine, "--download", into, code=14)
    assert [*into.iterdir()] == []


@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_policy_of_this_machine_is_obeyed_before_a_file_is_there(
    asked: Path,
    told: Told,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    where: tuple[str, ...],
) -> None:
    (tmp_path / "policy.toml").write_text('deny = ["demo-low"]\n')
    monkeypatch.setenv("SESSIONPKGS_POLICY", str(tmp_path / "policy.toml"))
    refused = told(asked, "--engine", engine, *where, "--download", tmp_path / "into", code=10)
    assert (refused["rule"], refused["item"]) == ("deny", "demo-a>=1")
    assert "demo-low" in refused["sentence"]
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_policy_of_wheels_alone_does_not_hide_what_has_none(
    asked: Path,
    told: Told,
    wheelhouse: Wheelhouse,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    where: tuple[str, ...],
) -> None:
    without_wheels(wheelhouse)
    asked.with_name("policy.toml").write_text("wheels_only = true\n")
    monkeypatch.setenv("SESSIONPKGS_POLICY", str(asked.with_name("policy.toml")))
    asked.write_text(lines(wheelhouse, "demo-deep"))
    assert versions(told(asked, "--engine", engine, *where, code=12), "missing") == {"demo-source": "1.0"}


@pytest.mark.parametrize("where", [(), THERE], ids=["here", "there"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_on_a_host_that_nobody_declared_is_refused(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str, where: tuple[str, ...]
) -> None:
    with wheelhouse.index() as index:

        def elsewhere(handler: BaseHTTPRequestHandler) -> bool:
            there = index.page(handler.path)[1].replace(b'"/files', f'"http://localhost:{index.port}/files'.encode())
            handler.answer(200, there)  # type: ignore[attr-defined]
            return True

        index.faults["/simple/demo-b"] = elsewhere
        asked.write_text(f"--index-url {index.url}\ndemo-a\ndemo-b\n")
        refused = told(asked, "--engine", engine, *where, "--download", tmp_path / "into", code=10)
        assert (refused["rule"], "localhost" in refused["sentence"]) == ("index", True)
        assert not any("demo_b" in path for path in index.requests)
    assert [path.name for path in tmp_path.glob("into/*")] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_a_login_opens_the_index_and_is_nowhere_in_the_lists(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    with wheelhouse.index() as index:

        def guard(handler: BaseHTTPRequestHandler) -> bool:
            if "Authorization" not in handler.headers:
                handler.answer(401, b"no")  # type: ignore[attr-defined]
            return "Authorization" not in handler.headers

        index.faults["/"] = guard
        url = index.url.replace("http://", "http://me:s3cret99@")
        place = url.replace("/simple", "/files/demo_b-2.0-py3-none-any.whl")
        asked.write_text(f"--index-url {url}\ndemo-a\ndemo-b @ {place}\n")
        answer = told(asked, "--engine", engine, *THERE, "--download", tmp_path / "into", "-o", tmp_path / "list.toml")
    assert versions(answer) == {"demo-a": "1.0", "demo-b": "2.0", "demo-low": "2.0"}
    texts = [json.dumps(answer), (tmp_path / "list.toml").read_text()]
    texts += [(tmp_path / "into" / name).read_text() for name in ("closure.json", "requirements.txt")]
    assert not any("s3cret99" in text for text in texts)


@pytest.mark.parametrize("engine", ENGINES)
def test_of_two_indexes_the_first_that_has_a_name_gives_it(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, engine: str
) -> None:
    second = Wheelhouse(tmp_path / "second")
    other = second.wheel("demo-low", "9.0")
    second.wheel("demo-c", requires=["demo-low"])
    with wheelhouse.index() as first, second.index() as behind:
        asked.write_text(f"--index-url {first.url}\n--extra-index-url {behind.url}\ndemo-c\n")
        answer = told(asked, "--engine", engine, *THERE, "--download", tmp_path / "into")
    assert other.is_file()
    assert versions(answer) == {"demo-c": "1.0", "demo-low": "2.0"}
    assert sorted(answer["fetched"]) == ["demo_c-1.0-py3-none-any.whl", "demo_low-2.0-py3-none-any.whl"]


def test_a_killed_download_leaves_whole_files_alone_and_goes_on_from_there(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    many = [f"demo-n{number:02}" for number in range(12)]
    for name in many:
        wheelhouse.wheel(name)
    into, reached = tmp_path / "into", threading.Event()
    with wheelhouse.index() as index:
        asked.write_text("\n".join([f"--index-url {index.url}", *many]) + "\n")

        def stop(handler: BaseHTTPRequestHandler) -> bool:
            if handler.headers.get("Range") or handler.command == "HEAD" or not into.is_dir():
                return False
            reached.set()
            return index.hang(handler)

        index.faults["/files/demo_n11"] = stop
        words = ["closure", str(asked), *THERE, "--engine", "uv", "--download", str(into)]
        child = subprocess.Popen([sys.executable, "-m", "sessionpkgs.cli", *words], start_new_session=True)
        assert reached.wait(120)
        os.killpg(child.pid, 9)
        child.wait()
        there = sorted(path.name for path in into.glob("*.whl"))
        assert there == [f"demo_n{number:02}-1.0-py3-none-any.whl" for number in range(8)]
        assert all(sha256_of(into / name) == sha256_of(wheelhouse.folder / name) for name in there)
        assert not (into / "closure.json").exists()
        assert len(left(into)) == 1, "what was not whole lies apart"
        index.faults.clear()
        answer = told(asked, *THERE, "--download", into)
    assert sorted(answer["fetched"]) == [f"demo_n{number:02}-1.0-py3-none-any.whl" for number in range(8, 12)]
    assert left(into) == []


def test_two_downloads_into_one_folder_do_not_meet(asked: Path, told: Told, tmp_path: Path) -> None:
    from sessionpkgs.store.locks import Flock

    (tmp_path / "into").mkdir()
    with Flock(str(tmp_path / "into"), folder=True) as lock:
        lock.acquire(exclusive=True, deadline=5)
        assert "brings files into" in told(asked, "--download", tmp_path / "into", code=17)["sentence"]
    told(asked, "--download", tmp_path / "into")


def test_a_folder_that_cannot_be_made_is_named(asked: Path, told: Told) -> None:
    assert str(asked) in told(asked, "--download", asked / "into", code=17)["sentence"]


@pytest.mark.parametrize("end", ["txt", "toml", "json"])
def test_the_list_is_written_as_the_name_of_the_file_says(asked: Path, told: Told, tmp_path: Path, end: str) -> None:
    file = tmp_path / f"list.{end}"
    answer = told(asked, *THERE, "-o", file)
    assert all(row["sha256"] in file.read_text() for row in answer["packages"])
    assert "is there already" in told(asked, *THERE, "-o", file, code=2)["sentence"]
    told(asked, *THERE, "-o", file, "--force")
    if end == "json":
        assert json.loads(file.read_text())["packages"] == answer["packages"]
    assert "does not tell its format" in told(asked, "-o", tmp_path / "list", code=2)["sentence"]


def test_a_person_reads_a_table_the_total_and_what_to_do_next(
    asked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    assert main(["closure", str(asked), *THERE]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("3 wheels, ")
    assert said[0].endswith("for Python 3.12 on manylinux_2_28_x86_64")
    assert [line.split()[:2] for line in said[2:5]] == [["demo-a", "1.0"], ["demo-b", "2.0"], ["demo-low", "2.0"]]
    assert said[-2].split() == ["sessionpkgs", "closure", str(asked), *THERE, "--download", "DIR"]
    assert said[-1].split() == ["sessionpkgs", "workspace", "add", "DIR"]
    into = tmp_path / "into"
    assert main(["closure", str(asked), *THERE, "--download", str(into)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert f"3 fetched into {into}, 0 were there." in said
    assert said[-2:] == [f"  sessionpkgs workspace add {into}", f"  sessionpkgs plan {asked}"]
    assert [*(home / "sessions").iterdir()] == []
    assert [*(home / "stage").iterdir()] == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.usefixtures("untouched")
def test_a_session_without_any_index_installs_what_was_brought(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, session: Make, engine: str
) -> None:
    into = tmp_path / "into"
    told(asked, "--engine", engine, "--download", into)
    wheelhouse.folder.rename(tmp_path / "gone")
    record = session().declare(f"--no-index\n--find-links {into}\ndemo-a>=1\ndemo-b\n", engine=engine)
    assert names(record) == ["demo-a", "demo-b", "demo-low"]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_shares_a_package_with_a_wheel_is_brought_along(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, session: Make, below: Path, engine: str
) -> None:
    package = {"demo_shared/__init__.py": ""}
    unpack(wheelhouse.wheel("demo-core", files={**package, "demo_shared/core.py": ""}), below)
    wheelhouse.wheel("demo-core", "2.0", files={**package, "demo_shared/core.py": ""})
    wheelhouse.wheel("demo-more", files={**package, "demo_shared/more.py": ""})
    into = tmp_path / "into"
    declared(tmp_path, wheelhouse, "demo-more")
    answer = told(asked, "--engine", engine, "--download", into)
    assert versions(answer) == {"demo-core": "1.0", "demo-more": "1.0"}
    assert any("demo-core==1.0: comes along" in said for said in answer["notices"])
    record = session().declare(f"--no-index\n--find-links {into}\ndemo-more\n", engine=engine)
    assert names(record) == ["demo-core", "demo-more"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_session_installs_what_the_workspace_took_in(
    asked: Path, told: Told, wheelhouse: Wheelhouse, tmp_path: Path, session: Make, engine: str
) -> None:
    into = tmp_path / "into"
    told(asked, "--engine", engine, "--download", into)
    wheelhouse.folder.rename(tmp_path / "gone")
    assert main(["workspace", "add", str(into)]) == 0
    record = session().declare("--no-index\ndemo-a>=1\ndemo-b\n", engine=engine)
    assert names(record) == ["demo-a", "demo-b", "demo-low"]


@pytest.mark.index
@pytest.mark.kernel
@pytest.mark.parametrize("engine", ENGINES)
def test_pandas_and_scikit_learn_are_had_on_an_empty_machine_without_a_network(
    told: Told, tmp_path: Path, engine: str
) -> None:
    file, into = tmp_path / "asked.txt", tmp_path / "into"
    file.write_text("pandas\nscikit-learn\n")
    here = targets.here()
    python = ".".join(map(str, here.minor))
    answer = told(file, "--engine", engine, "--python", python, "--platform", here.platforms[0], "--download", into)
    assert answer["unsized"] == []
    assert answer["size"] == sum(path.stat().st_size for path in into.glob("*.whl"))
    venv = tmp_path / "venv"
    offline = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    subprocess.run([Uv().program, "venv", "-q", "--no-config", "--python", sys.executable, str(venv)], check=True)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--isolated",
        "-q",
        "--python",
        str(venv / "bin/python"),
        "install",
        "--no-index",
    ]
    subprocess.run([*pip, "--find-links", str(into), "-r", str(into / "requirements.txt")], check=True, env=offline)
    works = "import pandas, sklearn; print(pandas.DataFrame({'a': [1]}).a.sum())"
    subprocess.run([str(venv / "bin/python"), "-c", works], check=True, env=offline)
    base = Base(tmp_path / "base", tmp_path / "store")
    book = base.notebook(
        "%load_ext sessionpkgs",
        f"%%session_env --engine {engine}\n--no-index\n--find-links {into}\npandas\nscikit-learn",
        f"{works}; print(pandas.__file__)",
        http_proxy=offline["http_proxy"], https_proxy=offline["https_proxy"],
    )  # fmt: skip
    assert str(tmp_path / "store") in book.text(2)


@pytest.mark.index
@pytest.mark.parametrize("engine", ENGINES)
def test_pandas_and_scikit_learn_are_brought_for_another_machine(told: Told, tmp_path: Path, engine: str) -> None:
    file, into = tmp_path / "asked.txt", tmp_path / "into"
    file.write_text("pandas\nscikit-learn\n")
    answer = told(file, "--engine", engine, "--python", "3.12", "--platform", "macosx_12_0_arm64", "--download", into)
    platforms = list(mac_platforms((12, 0), "arm64"))
    fitting = {*cpython_tags((3, 12), ["cp312"], platforms), *compatible_tags((3, 12), "cp312", platforms)}
    wheels = [path.name for path in into.glob("*.whl")]
    assert sorted(wheels) == sorted(row["file"] for row in answer["packages"])
    assert all(parse_wheel_filename(name)[3] & fitting for name in wheels)
    assert any("macosx" in name for name in wheels)
    other = told(
        file, "--engine", "pip" if engine == "uv" else "uv", "--python", "3.12", "--platform", "macosx_12_0_arm64"
    )
    assert versions(other) == versions(answer)
