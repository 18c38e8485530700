"""The notebooks run as they stand, and the quickstart on every interpreter of this machine, with either engine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess  # noqa: TID251 - calls the command line as a user does
import sys
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs.engines.uv import Uv

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if ".executed" not in path.name)
MINORS = ("3.10", "3.11", "3.12", "3.13")


def run(python: Path | str, notebook: Path, folder: Path, **env: str) -> dict[str, Any]:
    """What ``sessionpkgs run --json`` says of *notebook*; its copy and its result are in *folder*."""
    copy = folder / notebook.name
    shutil.copy(notebook, copy)
    call = [str(python), "-m", "sessionpkgs.cli", "run", str(copy), "--json", "--output", str(copy) + ".out"]
    path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        call, env={**os.environ, "PATH": path, **env}, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == told["exit_code"]
    return told


def pins(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Name, version and hash of everything that the first declaration brought."""
    return [(p["name"], p["version"], p["sha256"]) for p in told["records"][0]["packages"] if p["layer"] == "session"]


@pytest.mark.index
@pytest.mark.kernel
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_to_its_end(notebook: Path, tmp_path: Path, home: Path) -> None:
    told = run(sys.executable, notebook, tmp_path, SESSIONPKGS_HOME=str(home))
    assert told["ok"], told["error"]
    assert (tmp_path / f"{notebook.name}.out").is_file()


@pytest.mark.kernel
def test_a_notebook_that_fails_is_written_and_its_exit_code_is_that_of_the_error(tmp_path: Path, home: Path) -> None:
    import nbformat

    cells = ["print('before')", "%session_env add 'humanize=='", "print('never')"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(book, tmp_path / "fails.ipynb")
    (tmp_path / "copy").mkdir()
    told = run(sys.executable, tmp_path / "fails.ipynb", tmp_path / "copy", SESSIONPKGS_HOME=str(home))
    assert (told["ok"], told["cell"], told["exit_code"]) == (False, 2, 2)
    assert told["error"].startswith("SpecError: ")
    written = nbformat.read(tmp_path / "copy/fails.ipynb.out", as_version=4)
    assert [len(cell.outputs) for cell in written.cells] == [1, 1, 0]


def interpreter(minor: str) -> str:
    """Path of a Python of that minor version."""
    known = sorted(Path(os.environ.get("PYENV_ROOT", "/root/.pyenv")).glob(f"versions/{minor}.*/bin/python"))
    found = str(known[-1]) if known else shutil.which(f"python{minor}")
    if not found:
        pytest.skip(f"no Python {minor} on this machine")
    return found


def tree(folder: Path) -> str:
    """Hash over every path and byte below *folder*, bytecode aside."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
        digest.update(f"{path}\n".encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.mark.matrix
@pytest.mark.index
@pytest.mark.kernel
@pytest.mark.parametrize("minor", MINORS)
def test_the_quickstart_gives_the_same_set_with_uv_with_pip_and_with_uv_hidden(
    minor: str, tmp_path: Path, home: Path
) -> None:
    venv, quickstart = tmp_path / "venv", ROOT / "notebooks/quickstart.ipynb"
    python, uv = venv / "bin/python", Uv().program
    for call in (
        [uv, "venv", "-q", "--no-config", "--python", interpreter(minor), str(venv)],
        [uv, "pip", "install", "-q", "--no-config", "--python", str(python), f"{ROOT}[run]"],
    ):
        subprocess.run(call, check=True, timeout=600)
    before = tree(venv / "lib")
    with_uv = run(python, quickstart, tmp_path, SESSIONPKGS_HOME=str(home / "uv"))
    two = run(python, ROOT / "notebooks/two-kernels.ipynb", tmp_path, SESSIONPKGS_HOME=str(home / "uv"))
    with_pip = run(python, quickstart, tmp_path, SESSIONPKGS_HOME=str(home / "pip"), SESSIONPKGS_ENGINE="pip")
    (venv / "bin/uv").rename(venv / "bin/uv-hidden")
    elsewhere = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not Path(p, "uv").exists())
    hidden = run(python, quickstart, tmp_path, SESSIONPKGS_HOME=str(home / "hidden"), PATH=f"{venv}/bin:{elsewhere}")
    for told in (with_uv, two, with_pip, hidden):
        assert told["ok"], told["error"]
    assert [told["records"][0]["engine"] for told in (with_uv, with_pip, hidden)] == ["uv", "pip", "pip"]
    assert all(len(sha256) == 64 for _, _, sha256 in pins(with_uv))
    assert pins(with_uv) == pins(with_pip) == pins(hidden)
    assert with_uv["records"][0]["python"].startswith(f"{minor}.")
    assert tree(venv / "lib") == before
