"""Kernels of pools: each its own, over base and below the session; an update concerns only those that start later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from sessionpkgs import process
from sessionpkgs.store import generations
from tests.bases import Base, Kernel, Notebook
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse
from tests.workspaces import jar

pytestmark = pytest.mark.kernel

SEEN = "import importlib.metadata as m; print(m.version('demo'), __import__('demo').__version__)"


class Pools(Base):
    """A base whose pools are made by its own command line."""

    def run(self, *words: str, code: int = 0) -> str:
        """What ``sessionpkgs`` printed."""
        argv = [self.python, "-m", "sessionpkgs.cli", *words]
        done = process.run(argv, env=self.environment(), cwd=str(self.folder), deadline=120)
        assert done.code == code, done.stderr
        return done.stdout

    def file(self, name: str, text: str) -> str:
        """Path of a file with *text*."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def manager(self, pool: str = "ml") -> KernelManager:
        """What starts kernels of *pool*, found where Jupyter finds them."""
        return KernelManager(kernel_name=pool, kernel_spec_manager=KernelSpecManager())

    def cells(self, pool: str, *cells: str) -> Notebook:
        """Execute *cells* in a kernel of *pool*, which a program names."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = NotebookClient(book, kernel_name=pool, timeout=120)
        client.execute(cwd=str(self.folder), env=self.environment(), cleanup_kc=True)
        return Notebook(book)

    @contextmanager
    def kernels(self, count: int) -> Iterator[list[Kernel]]:
        """So many kernels of the pool, side by side."""
        with ExitStack() as stack:
            yield [stack.enter_context(Kernel(self)) for _ in range(count)]


@pytest.fixture
def base(tmp_path: Path, home: Path) -> Pools:
    return Pools(tmp_path, home)


@pytest.fixture
def demo(wheelhouse: Wheelhouse) -> Callable[[str], str]:
    """Gives the requirements text for one version of demo."""
    for version in ("1.0", "2.0", "3.0"):
        wheelhouse.wheel("demo", version, entry_points={"console_scripts": {"demo-tool": "demo:main"}})
    wheelhouse.wheel("other", "1.0")
    return lambda version: lines(wheelhouse, f"demo=={version}")


def test_session_beats_pool_beats_base_and_each_shows_again_when_the_one_above_goes(
    base: Pools, wheelhouse: Wheelhouse, demo: Callable[[str], str]
) -> None:
    base.install(wheelhouse.folder / "demo-1.0-py3-none-any.whl")
    tree = base.tree()
    base.run("pool", "create", "ml", "--requirements", base.file("r.txt", demo("2.0") + "other\n"))
    place = f"--no-index --find-links {wheelhouse.folder}"
    child = 'import subprocess, sys\nprint(subprocess.run([sys.executable, \'-c\', """%s"""], text=True, capture_output=True).stdout)'
    where = "import shutil; print(shutil.which('demo-tool'))"
    book = base.cells(
        "ml", SEEN, child % SEEN, where, f"%pip install -q {place} demo==3.0 -f", SEEN, child % SEEN, where,
        "%pip uninstall -qy demo", "%session_env restart", SEEN, child % SEEN, where,
    )  # fmt: skip
    assert [book.text(at) for at in (0, 1)] == ["2.0 2.0"] * 2
    assert [book.text(at) for at in (4, 5)] == ["3.0 3.0"] * 2
    assert [book.text(at) for at in (9, 10)] == ["2.0 2.0"] * 2
    assert book.text(2) == book.text(11)
    assert book.text(2).startswith(str(base.home))
    assert book.text(6).startswith(str(base.home))
    assert book.text(6) != book.text(2)
    base.run("pool", "update", "ml", "--requirements", base.file("r.txt", lines(wheelhouse, "other")))
    book = base.cells("ml", SEEN, child % SEEN, where)
    assert [book.text(at) for at in (0, 1)] == ["1.0 1.0"] * 2
    assert book.text(2) == str(Path(base.python).parent / "demo-tool")
    assert base.tree() == tree


def test_two_pools_have_two_versions_side_by_side_and_a_plain_kernel_has_neither(
    base: Pools, demo: Callable[[str], str]
) -> None:
    for pool, version in (("one", "1.0"), ("two", "2.0")):
        base.run("pool", "create", pool, "--requirements", base.file(f"{pool}.txt", demo(version)))
    assert [base.cells(pool, SEEN).text(0) for pool in ("one", "two")] == ["1.0 1.0", "2.0 2.0"]
    plain = Base.manager(base)
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("import importlib.util as u; print(u.find_spec('demo'))")]
    )
    NotebookClient(book, km=plain, timeout=60).execute(env=base.environment(), cleanup_kc=True)
    assert Notebook(book).text(0) == "None"


def test_a_kernel_that_is_started_from_a_cell_has_no_variable_of_that_cells_pool_or_session(
    base: Pools, wheelhouse: Wheelhouse, demo: Callable[[str], str]
) -> None:
    file = base.file("r.txt", demo("1.0"))
    base.run("pool", "create", "one", "--requirements", file, "--variables", "KEY=of-one", "--variables", "BOTH=pool")
    base.run("pool", "create", "two", "--requirements", file)
    ask = (
        "from jupyter_client.manager import start_new_kernel\n"
        "manager, client = start_new_kernel(kernel_name='two')\n"
        "code = \"import os; print(os.environ.get('KEY'), os.environ.get('BOTH'), os.environ.get('OWN'))\"\n"
        "client.execute_interactive(code, output_hook=lambda m: print(m['content'].get('text', ''), end=''), timeout=60)\n"
        "client.stop_channels(); manager.shutdown_kernel(now=True)"
    )
    place = f"--no-index\n    - --find-links {wheelhouse.folder}"
    declared = f"dependencies:\n- pip:\n    - {place}\n    - other\nvariables:\n  BOTH: session\n  OWN: session\n"
    seen = "import os; print(os.environ['KEY'], os.environ['BOTH'])"
    book = base.cells("one", seen, ask, f"%%session_env\n{declared}", seen, ask)
    assert (book.text(0), book.text(3)) == ("of-one pool", "of-one session")
    assert (book.text(1), book.text(4)) == ("None None None", "None None None")


def test_running_kernels_keep_their_generation_through_updates_and_a_collection(
    base: Pools, wheelhouse: Wheelhouse, demo: Callable[[str], str]
) -> None:
    base.run("pool", "create", "ml", "--requirements", base.file("r.txt", demo("1.0")))
    layer = generations.read(str(base.home), "ml")["activation"]["layer"]
    with base.kernels(5) as running:
        base.run("pool", "update", "ml", "--requirements", base.file("r.txt", demo("2.0")))
        base.run("store", "gc", "--days", "0")
        assert json.loads(base.run("pool", "list", "--json"))["pools"][0]["used"] == [1]
        assert [kernel.run(SEEN) for kernel in running] == ["1.0 1.0"] * 5
        with Kernel(base) as fresh:
            assert fresh.run(SEEN) == "2.0 2.0"
            assert "generation 2" in fresh.run("%session_env") or "ml 2" in fresh.run("%session_env")
        running[0].manager.signal_kernel(9)  # one dies: the others still hold what they started with
        base.run("store", "gc", "--days", "0")
        assert [kernel.run(SEEN) for kernel in running[1:]] == ["1.0 1.0"] * 4
        assert (base.home / "layers" / layer).is_dir()
    base.run("store", "gc", "--days", "0")
    assert generations.numbers(str(base.home), "ml") == [2]
    assert not (base.home / "layers" / layer).exists()


def test_a_session_over_a_pool_installs_only_what_the_pool_lacks(
    base: Pools, wheelhouse: Wheelhouse, demo: Callable[[str], str]
) -> None:
    wheelhouse.wheel("needs", "1.0", requires=["demo>=2", "other"])
    base.run("pool", "create", "ml", "--requirements", base.file("r.txt", demo("2.0")))
    book = base.cells("ml", f"%%session_env\n--no-index\n--find-links {wheelhouse.folder}\nneeds\ndemo\n", SEEN)
    rows = {row["name"]: (row["version"], row["layer"]) for row in book.record(0)["packages"]}
    assert rows["needs"] == ("1.0", "session")
    assert rows["other"] == ("1.0", "session")
    assert rows["demo"] == ("2.0", "pool")
    assert book.text(1) == "2.0 2.0"


@pytest.mark.index
def test_what_the_readme_tells_an_administrator_works_as_it_stands(base: Pools, tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    commands = text.partition("<!-- pools -->")[2].partition("```sh\n")[2].partition("```")[0]
    program = Path(base.python).parent / "sessionpkgs"
    program.write_text(f'#!/bin/sh\nexec {base.python} -m sessionpkgs.cli "$@"\n')
    program.chmod(0o755)
    Wheelhouse(tmp_path / "wheels").wheel("team-tools", "1.0", requires=["rich"])
    jar(tmp_path / "jars/team-udfs-2.1.jar")
    argv = ["bash", "-euo", "pipefail", "-c", commands]
    done = process.run(argv, env=base.environment(), cwd=str(tmp_path), deadline=300)
    assert done.code == 0, done.stderr
    version = "import humanize; print(humanize.__version__)"
    book = base.cells("reports", version, "import team_tools, rich", "%session_env")
    assert book.text(0) == "4.11.0"
    shown = book.cells[2].outputs[0].data["text/plain"]
    assert "team-udfs" in shown
    assert "workspace" in shown
    book = base.cells("legacy", version, "import os; print(os.environ['REPORTS'])")
    assert (book.text(0), book.text(1)) == ("4.9.0", "/srv/reports")


def test_a_pool_is_found_by_every_program_that_finds_kernels(base: Pools, demo: Callable[[str], str]) -> None:
    base.run("pool", "create", "ml", "--requirements", base.file("r.txt", demo("1.0")))
    told: dict[str, Any] = KernelSpecManager().get_all_specs()
    assert told["ml"]["spec"]["display_name"] == "Python 3 (pool: ml)"
    assert told["ml"]["spec"]["metadata"]["sessionpkgs"]["pool"] == "ml"
    assert Path(told["ml"]["spec"]["argv"][0]).is_absolute()
    base.run("pool", "remove", "ml")
    assert "ml" not in KernelSpecManager().find_kernel_specs()
