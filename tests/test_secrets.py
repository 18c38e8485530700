"""One password through every door that a user has for one: it reaches the index and nothing that is shown or kept."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

from sessionpkgs import Session, SessionPkgsError
from sessionpkgs.engines import ENGINES
from tests.bases import Base
from tests.wheelhouse import Index, Wheelhouse

pytestmark = pytest.mark.kernel

MARKER = "hunter2-Xyzzy-0815"
LOAD = "%load_ext sessionpkgs"
QUESTIONS = (
    "%session_env status",
    "%session_env freeze",
    "%session_env export\n",
    "%session_env lock",
    "%session_env why demo",
    "%session_env doctor",
    "%session_env list",
    "%session_env add no-such-name",
)


class Door(NamedTuple):
    """Where a secret comes in: a declaration, variables of the kernel, files by name; written with {host} and {file}."""

    declared: str
    variables: Mapping[str, str] = MappingProxyType({})
    files: Mapping[str, str] = MappingProxyType({})


LOGIN = f"http://me:{MARKER}@{{host}}/simple"
DOORS = [
    pytest.param(Door(f"--index-url {LOGIN}\ndemo"), id="an index URL in the cell"),
    pytest.param(Door("demo", {"PIP_INDEX_URL": LOGIN}), id="an index URL in a variable"),
    pytest.param(
        Door("--index-url http://{host}/simple\ndemo", files={".netrc": f"machine 127.0.0.1 login me password {MARKER}\n"}),
        id="a netrc file",
    ),
    pytest.param(Door(f"demo @ http://me:{MARKER}@{{host}}/files/{{file}}"), id="a direct URL"),
    pytest.param(Door(f"demo @ http://{{host}}/files/{{file}}?sig={MARKER}"), id="a token in a query"),
    pytest.param(
        Door(
            "-r private.txt",
            {"TOKEN": MARKER},
            {"private.txt": "--index-url http://me:${TOKEN}@{host}/simple\ndemo\n"},
        ),
        id="a variable in a requirements file",
    ),
]  # fmt: skip


def noting(base: Base, folder: Path) -> Path:
    """A file that gets the arguments of all programs that Python processes on *base* start."""
    said = folder / "argv.txt"
    code = (
        "import sys\n"
        "def note(event, arguments):\n"
        "    if event == 'subprocess.Popen':\n"
        f"        with open({str(said)!r}, 'a') as target:\n"
        "            target.write(repr(arguments[1]) + '\\n')\n"
        "sys.addaudithook(note)\n"
    )
    (base.site / "sitecustomize.py").write_text(code)
    return said


def filled(text: str, index: Index, file: Path) -> str:
    return text.replace("{host}", index.host).replace("{file}", file.name)


def holding(folder: Path, *but: Path) -> list[str]:
    """Files below *folder* with the secret in them or in their name, those below *but* left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and not any(path.is_relative_to(one) for one in but)]
    return [str(path) for path in files if MARKER in path.name or MARKER.encode() in path.read_bytes()]


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("door", DOORS)
def test_a_secret_reaches_the_index_and_nothing_that_is_shown_kept_or_started(
    door: Door, engine: str, tmp_path: Path, home: Path, wheelhouse: Wheelhouse, surroundings: Path
) -> None:
    base = Base(tmp_path, home)
    argv = noting(base, tmp_path)
    wheel = wheelhouse.wheel("demo", files={"demo.py": "A = 1\n"})
    with wheelhouse.index() as index:
        for name, text in door.files.items():
            place = (surroundings if name == ".netrc" else base.folder) / name
            place.write_text(filled(text, index, wheel))
            place.chmod(0o600)
        variables = {name: filled(text, index, wheel) for name, text in door.variables.items()}
        declared = filled(door.declared, index, wheel)
        failing = f"{declared}\nabsent-name==9\n"
        cells = (LOAD, f"%%session_env --engine {engine}\n{declared}\n", "import demo; print(demo.A)", *QUESTIONS)
        book = base.notebook(*cells, f"%%session_env --engine {engine}\n{failing}", fails=True, **variables)
        asked = [*(base64.b64decode(login.removeprefix("Basic ")).decode() for login in index.logins), *index.requests]
    assert book.text(2) == "1"
    assert book.error(-1).ename
    for cell in book.cells:
        assert MARKER not in json.dumps(cell.outputs), cell.source
    assert argv.read_text().count("\n") > 1
    assert MARKER not in argv.read_text()
    own = [tmp_path / name for name in door.files]
    assert holding(tmp_path, home / "cache", *own) == []
    assert holding(surroundings, surroundings / ".ipython", *(surroundings / name for name in door.files)) == []
    assert any(MARKER in one for one in asked)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_build_that_asks_the_index_has_the_secret_in_no_argument(
    engine: str, tmp_path: Path, home: Path, wheelhouse: Wheelhouse
) -> None:
    base = Base(tmp_path, home)
    argv = noting(base, tmp_path)
    wheelhouse.wheel("tool")
    wheelhouse.sdist("demo", in_tree=True, needs=["tool"], files={"demo.py": "A = 1\n"})
    with wheelhouse.index() as index:
        login = LOGIN.replace("{host}", index.host)
        cell = f"%%session_env --engine {engine}\n--index-url {login}\ndemo\n"
        book = base.notebook(LOAD, cell, "import demo; print(demo.A)")
        assert [one for one in index.requests if "/tool" in one]
    assert book.text(2) == "1"
    assert argv.read_text().count("\n") > 1
    assert MARKER not in argv.read_text()


def telling_it_back(status: int) -> Callable[[BaseHTTPRequestHandler], bool]:
    """Answers with *status* and the login in the reason, in a header and in the body, as a badly written server does."""

    def reply(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(status, f"no entry for me:{MARKER}")
        handler.send_header("X-Told", MARKER)
        handler.send_header("Content-Type", "text/html")
        body = f"<html><body><a href='demo-1.0.tar.gz' data-yanked='{MARKER}'>{MARKER}</a></body></html>".encode()
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body if handler.command != "HEAD" else b"")
        return True

    return reply


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("status", [200, 401, 403, 500])
def test_a_server_that_tells_the_login_back_does_not_bring_it_into_a_sentence(
    status: int, engine: str, home: Path, wheelhouse: Wheelhouse
) -> None:
    with wheelhouse.index() as index:
        index.faults["/simple/demo"] = telling_it_back(status)
        with closing(Session(identity="one")) as one, pytest.raises(SessionPkgsError) as refused:
            one.declare(f"--index-url http://me:{MARKER}@{index.host}/simple\ndemo\n", engine=engine)
    error = refused.value
    assert MARKER not in json.dumps([error.to_dict(), error._render_traceback_(), repr(error), error.args])
    assert holding(home, home / "cache") == []
