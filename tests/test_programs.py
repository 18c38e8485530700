"""Programs that run notebooks, and the versions of ipykernel: a restart in the middle is no end for any of them."""

from __future__ import annotations

import os
import shutil
import subprocess  # noqa: TID251 - calls programs as a user does
import sys
from pathlib import Path

import nbformat
import pytest

from sessionpkgs.engines.uv import Uv
from tests.bases import Base, Notebook
from tests.browsing import needs
from tests.wheelhouse import Wheelhouse

ROOT = Path(__file__).parent.parent
LOAD = "%load_ext sessionpkgs"


def upgrading(wheelhouse: Wheelhouse) -> tuple[str, ...]:
    """Cells that import demo 1.0, upgrade it, and look at what is there."""
    held = "import demo\nheld = demo.Thing()\nprint(demo.VERSION)"
    upgrade = f"%%session_env -f\n--no-index\n--find-links {wheelhouse.folder}\ndemo==2.0\n"
    return LOAD, held, upgrade, "import demo\nprint(demo.VERSION, 'held' in dir())", "print('end')"


@pytest.fixture
def base(tmp_path: Path, home: Path, wheelhouse: Wheelhouse) -> Base:
    """A base with demo 1.0, and a wheel of 2.0."""
    made = Base(tmp_path, home)
    made.install(wheelhouse.wheel("demo", "1.0", files={"demo.py": 'VERSION = "1.0"\nclass Thing: ...\n'}))
    wheelhouse.wheel("demo", "2.0", files={"demo.py": 'VERSION = "2.0"\n'})
    return made


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("module", "words"),
    [
        pytest.param("papermill", ["papermill", "in.ipynb", "out.ipynb", "--no-progress-bar"], id="papermill"),
        pytest.param("nbclient", ["jupyter", "execute", "in.ipynb", "--output", "out.ipynb"], id="jupyter execute"),
        pytest.param(
            "nbconvert",
            ["jupyter", "nbconvert", "--to", "notebook", "--execute", "in.ipynb", "--output", "out.ipynb"],
            id="nbconvert",
        ),
        pytest.param("sessionpkgs", ["sessionpkgs", "run", "in.ipynb", "--output", "out.ipynb"], id="sessionpkgs run"),
    ],
)
def test_a_program_runs_a_notebook_with_a_restart_to_its_end(
    module: str, words: list[str], base: Base, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    needs(module)
    program = shutil.which(words[0], path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip(f"{words[0]} is not beside this Python")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in upgrading(wheelhouse)])
    book.metadata["kernelspec"] = {"name": "base", "display_name": "base", "language": "python"}
    nbformat.write(book, tmp_path / "in.ipynb")
    env = base.environment(JUPYTER_PATH=str(tmp_path / "share"), JUPYTER_PLATFORM_DIRS="1")
    done = subprocess.run(
        [program, *words[1:]], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    ran = Notebook(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    assert (ran.text(1), ran.text(3), ran.text(4)) == ("1.0", "2.0 False", "end")
    assert [cell.execution_count for cell in ran.cells] == [1, 2, 3, 4, 5]


VERSIONS = [
    ("3.10", "6.29.5"), ("3.10", "7.*"), ("3.11", "6.31.*"), ("3.11", "7.0.*"),
    ("3.12", "6.29.5"), ("3.12", "7.*"), ("3.13", "6.31.*"), ("3.13", "7.*"),
]  # fmt: skip
BURST = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager()
manager.start_kernel()
client = manager.blocking_client()
client.start_channels()
client.wait_for_ready(timeout=120)
cells = ["%load_ext sessionpkgs", *("%session_env restart" if n % 13 == 5 else f"print({n})" for n in range(40))]
asked = [client.execute(cell, allow_stdin=False) for cell in cells]
said, idle, replies = dict.fromkeys(asked, ""), set(), []
while len(idle) < len(asked):
    message = client.get_iopub_msg(timeout=120)
    parent = message["parent_header"].get("msg_id")
    if parent in said:
        said[parent] += message["content"].get("text", "")
        idle |= {parent} if message["content"].get("execution_state") == "idle" else set()
while len(replies) < len(asked):
    parent = client.get_shell_msg(timeout=120)["parent_header"]["msg_id"]
    replies += [parent] if parent in asked else []
client.stop_channels()
manager.shutdown_kernel(now=True)
assert replies == asked
assert list(said.values()) == [cell[6:-1] + "\\n" if cell.startswith("print") else "" for cell in cells], said
print("in order")
"""


def interpreter(minor: str) -> str:
    """Path of a Python of that minor version."""
    known = sorted(Path(os.environ.get("PYENV_ROOT", "/root/.pyenv")).glob(f"versions/{minor}.*/bin/python"))
    found = str(known[-1]) if known else shutil.which(f"python{minor}")
    if not found:
        pytest.skip(f"no Python {minor} on this machine")
    return found


@pytest.mark.matrix
@pytest.mark.index
@pytest.mark.kernel
@pytest.mark.parametrize(("minor", "ipykernel"), VERSIONS)
def test_a_restart_on_every_interpreter_and_every_ipykernel(
    minor: str, ipykernel: str, tmp_path: Path, home: Path, wheelhouse: Wheelhouse
) -> None:
    venv, uv = tmp_path / "venv", Uv().program
    python = venv / "bin/python"
    old = wheelhouse.wheel("demo", "1.0", files={"demo.py": 'VERSION = "1.0"\nclass Thing: ...\n'})
    wheelhouse.wheel("demo", "2.0", files={"demo.py": 'VERSION = "2.0"\n'})
    for call in (
        [uv, "venv", "-q", "--no-config", "--python", interpreter(minor), str(venv)],
        [
            uv,
            "pip",
            "install",
            "-q",
            "--no-config",
            "--python",
            str(python),
            f"{ROOT}[run]",
            f"ipykernel=={ipykernel}",
            str(old),
        ],
    ):
        subprocess.run(call, check=True, timeout=600)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in upgrading(wheelhouse)])
    nbformat.write(book, tmp_path / "in.ipynb")
    env = {**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "SESSIONPKGS_HOME": str(home)}
    for call in (
        [str(python), "-m", "sessionpkgs.cli", "run", "in.ipynb", "--output", "out.ipynb"],
        [str(python), "-c", BURST],
    ):
        done = subprocess.run(call, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    ran = Notebook(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    assert (ran.text(1), ran.text(3), ran.text(4)) == ("1.0", "2.0 False", "end")
