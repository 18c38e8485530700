"""A restart in place, in real kernels: the process stays, Python is new, the session is there and the next cells run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from sessionpkgs.jupyter.restart.channel import missing
from sessionpkgs.jupyter.restart.launch import Launch, launched
from tests.bases import MIME, Base, Kernel, Notebook
from tests.wheelhouse import Wheelhouse, project

LOAD = "%load_ext sessionpkgs"
THING = "class Thing:\n    pass\n"

kernels = pytest.mark.kernel


@pytest.fixture
def base(tmp_path: Path, home: Path, wheelhouse: Wheelhouse) -> Base:
    """A base with demo 1.0, and wheels of 2.0 and 3.0."""
    made = Base(tmp_path, home)
    made.install(wheelhouse.wheel("demo", "1.0", files={"demo.py": f'VERSION = "1.0"\n{THING}'}))
    for version in ("2.0", "3.0"):
        wheelhouse.wheel("demo", version, files={"demo.py": f'VERSION = "{version}"\n{THING}'})
    return made


def declare(wheelhouse: Wheelhouse, *lines: str, options: str = "-f") -> str:
    body = "\n".join(("--no-index", f"--find-links {wheelhouse.folder}", *lines))
    return f"%%session_env {options}\n{body}\n"


HOLD = "import demo, os\nheld = demo.Thing()\nprint(demo.VERSION)"
SEEN = "import demo\nfrom importlib.metadata import version\nprint(demo.VERSION, version('demo'), 'held' in dir())"


@kernels
def test_a_loaded_distribution_is_upgraded_and_the_next_cells_run_in_the_new_python(
    base: Base, wheelhouse: Wheelhouse
) -> None:
    before = base.tree()
    pid = "import os; print(os.getpid())"
    book = base.notebook(LOAD, HOLD, pid, declare(wheelhouse, "demo==2.0"), SEEN, pid, "%session_env", "print('end')")
    assert book.text(1) == "1.0"
    assert book.text(4) == "2.0 2.0 False"
    assert book.text(5) == book.text(2)
    assert book.text(-1) == "end"
    assert [cell.execution_count for cell in book.cells] == list(range(1, 9))
    assert "restarted in place" in " ".join(book.record(3)["notices"])
    assert book.record(3)["source"] == "built"
    assert [(one["name"], one["version"]) for one in book.record(6)["packages"]] == [("demo", "2.0")]
    assert len(book.cells[3].outputs) == 1
    assert base.tree() == before


@kernels
def test_what_nothing_stands_in_the_way_of_needs_no_restart(base: Base, wheelhouse: Wheelhouse) -> None:
    book = base.notebook(LOAD, "x = 1", declare(wheelhouse, "demo==2.0"), "print(x)", SEEN)
    assert (book.text(3), book.text(4)) == ("1", "2.0 2.0 False")


@kernels
def test_without_the_option_the_cell_fails_and_module_and_metadata_agree(base: Base, wheelhouse: Wheelhouse) -> None:
    book = base.notebook(LOAD, HOLD, declare(wheelhouse, "demo==2.0", options=""), SEEN, fails=True)
    assert book.error(2).ename == "ActivationError"
    assert "demo 1.0 is imported already" in book.error(2).evalue
    assert "-f" in "\n".join(book.error(2).traceback)
    assert book.text(3) == "1.0 1.0 True"


@kernels
@pytest.mark.parametrize("asked", ["absent-name", "demo==9.0"])
def test_a_failed_install_restarts_nothing(asked: str, base: Base, wheelhouse: Wheelhouse) -> None:
    book = base.notebook(LOAD, HOLD, declare(wheelhouse, asked), SEEN, fails=True)
    assert book.error(2).ename in {"NotFoundError", "ResolveError"}
    assert book.text(3) == "1.0 1.0 True"


@kernels
@pytest.mark.parametrize(
    "line",
    [
        pytest.param("%pip install -f demo==2.0 --no-index --find-links {0}", id="-f of %pip"),
        pytest.param("%pip install --restart demo==2.0 --no-index -f {0}", id="--restart of %pip"),
        pytest.param("%session_env add demo==2.0 --no-index --find-links {0} --restart", id="--restart of add"),
    ],
)
def test_every_way_to_add_can_restart(line: str, base: Base, wheelhouse: Wheelhouse) -> None:
    book = base.notebook(LOAD, HOLD, line.format(wheelhouse.folder), SEEN)
    assert book.text(3) == "2.0 2.0 False"


@kernels
def test_a_restart_keeps_what_the_session_has_local_folders_too(
    base: Base, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    project(tmp_path / "mine", "mine")
    cells = (LOAD, declare(wheelhouse, "demo==2.0", f"-e {tmp_path / 'mine'}"), "x = 1", "%session_env restart", SEEN)
    book = base.notebook(
        *cells, "import mine; print(mine.__version__, 'x' in dir())", "%session_env remove demo -f", SEEN
    )
    assert book.text(7) == "1.0 1.0 False"
    assert book.text(4) == "2.0 2.0 False"
    assert book.text(5) == "1.0 False"
    assert [(one["name"], one["layer"]) for one in book.record(3)["packages"]] == [
        ("demo", "session"),
        ("mine", "session"),
    ]


@kernels
def test_what_cells_did_to_the_process_is_undone(base: Base) -> None:
    book = base.notebook(
        LOAD,
        "import os, signal, subprocess\nos.environ['MINE'] = '1'\nos.mkdir('below'); os.chdir('below')\n"
        "child = subprocess.Popen(['sleep', '300'])\nprint(child.pid)",
        "%session_env restart",
        "import os; print(os.environ.get('MINE'), os.path.basename(os.getcwd()) == 'below')",
    )
    assert book.text(3) == "None False"
    assert not psutil.pid_exists(int(book.text(1)))


class Burst:
    """Cells that are all sent before the first one is answered."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def send(self, *cells: str) -> list[str]:
        """What each of *cells* printed, or its error's name; asserts that the replies come in order."""
        client = self.kernel.client
        asked = [client.execute(cell, allow_stdin=False) for cell in cells]
        said: dict[str, str] = dict.fromkeys(asked, "")
        idle: set[str] = set()
        while len(idle) < len(asked):
            message = client.get_iopub_msg(timeout=60)
            parent, content = message["parent_header"].get("msg_id"), message["content"]
            if parent not in said:
                continue
            said[parent] += content.get("text", "") + content.get("ename", "")
            if content.get("execution_state") == "idle":
                idle.add(parent)
        replies = [client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] for _ in asked]
        assert replies == asked
        return [said[one].strip() for one in asked]


@pytest.fixture
def kernel(base: Base) -> Iterator[Kernel]:
    with base.kernel() as running:
        running.run(LOAD)
        yield running


@kernels
def test_cells_that_were_sent_at_once_run_in_order_across_restarts(kernel: Kernel) -> None:
    cells = ["%session_env restart" if number % 13 == 5 else f"print({number})" for number in range(40)]
    assert Burst(kernel).send(*cells) == ["" if cell.startswith("%") else cell[6:-1] for cell in cells]


@kernels
def test_an_error_behind_the_request_stops_the_cells_that_wait(kernel: Kernel) -> None:
    first = "get_ipython().run_line_magic('session_env', 'restart')\n1 / 0"
    assert Burst(kernel).send(first, "print('never')") == ["ZeroDivisionError", ""]
    assert kernel.run("print('again')") == "again"


@kernels
def test_an_interrupt_works_after_a_restart(kernel: Kernel) -> None:
    kernel.run("%session_env restart")
    waiting = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(60)"
    assert "KeyboardInterrupt" in kernel.run(waiting)
    assert kernel.run("print('on')") == "on"


@kernels
def test_restarts_leave_no_descriptor_and_no_thread_behind(kernel: Kernel) -> None:
    counted = "import os, threading; print(len(os.listdir('/proc/self/fd')) + threading.active_count())"
    kernel.run("%session_env restart")
    first = int(kernel.run(counted))
    for _ in range(6):
        kernel.run("%session_env restart")
    assert abs(int(kernel.run(counted)) - first) < 6  # one that comes and goes is none that stays


@kernels
def test_a_kernel_whose_inside_is_not_known_is_not_touched(base: Base, wheelhouse: Wheelhouse) -> None:
    unknown = "from sessionpkgs.jupyter.restart import channel; channel._BOTH += ('name_of_tomorrow',)"
    book = base.notebook(LOAD, HOLD, unknown, declare(wheelhouse, "demo==2.0"), SEEN, fails=True)
    assert book.error(3).ename == "ActivationError"
    assert "name_of_tomorrow" in book.error(3).evalue
    assert "Restart the kernel" in "\n".join(book.error(3).traceback)
    assert book.text(4) == "1.0 1.0 True"


@kernels
def test_what_was_refused_by_an_unknown_kernel_is_there_at_once_after_a_restart_by_hand(
    base: Base, wheelhouse: Wheelhouse
) -> None:
    unknown = "from sessionpkgs.jupyter.restart import channel; channel._BOTH += ('name_of_tomorrow',)"
    base.notebook(LOAD, HOLD, unknown, declare(wheelhouse, "demo==2.0"), fails=True)
    assert base.notebook(LOAD, declare(wheelhouse, "demo==2.0")).record(1)["source"] in {"store", "remembered"}


def test_nothing_is_done_without_a_kernel() -> None:
    assert missing(None) == "there is no kernel"
    assert missing(SimpleNamespace(session=None)) == "this kernel has no dispatch_shell"


RUN = json.dumps(["module", "ipykernel_launcher"])


@pytest.mark.parametrize(
    ("argv", "how"),
    [
        pytest.param("python -m ipykernel_launcher -f c", Launch((), "module", "ipykernel_launcher", ("-f", "c")), id="-m"),
        pytest.param("python -X utf8 -Im kernel -f c", Launch(("-X", "utf8", "-I"), "module", "kernel", ("-f", "c")), id="a cluster"),
        pytest.param("python -W error -mkernel", Launch(("-W", "error"), "module", "kernel", ()), id="-m without a blank"),
        pytest.param("python -B run.py --f=c", Launch(("-B",), "path", "run.py", ("--f=c",)), id="a file"),
        pytest.param("python -Xutf8 boot.py -f c", Launch(("-Xutf8",), "module", "ipykernel_launcher", ("-f", "c")), id="the second time"),
        pytest.param("python --check-hash-based-pycs always a.py", Launch(("--check-hash-based-pycs", "always"), "path", "a.py", ()), id="a long option"),
        pytest.param("python -c pass", None, id="a text"),
        pytest.param("python -Ic pass", None, id="a text in a cluster"),
        pytest.param("python -", None, id="its input"),
        pytest.param("python", None, id="nothing"),
        pytest.param("python -m", None, id="-m alone"),
    ],
)  # fmt: skip
def test_how_python_was_started_is_told_from_its_arguments(argv: str, how: Launch | None) -> None:
    assert launched(argv.split(), boot="boot.py", run=RUN) == how


def test_the_next_python_gets_the_same_options_and_arguments() -> None:
    how = launched(["python", "-X", "utf8", "-Im", "kernel", "-f", "c"])
    assert how is not None
    assert how.through("/bin/python", "boot.py") == ["/bin/python", "-X", "utf8", "-I", "boot.py", "-f", "c"]
    assert json.loads(how.run) == ["module", "kernel"]


@kernels
def test_a_plan_says_what_takes_effect_after_a_restart(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("other")
    book = base.notebook(LOAD, HOLD, declare(wheelhouse, "demo==2.0", options="--plan"), SEEN)
    assert [(one["name"], one["state"]) for one in book.record(2)["packages"]] == [("demo", "after restart")]
    assert "demo 1.0 is imported already" in book.record(2)["notices"][0]
    assert book.text(3) == "1.0 1.0 True"


@kernels
def test_check_names_a_module_that_is_not_what_the_metadata_says(base: Base, wheelhouse: Wheelhouse) -> None:
    (wheel,) = wheelhouse.folder.glob("demo-2.0*")
    by_hand = f"import sys, subprocess\nsubprocess.run([{str(base.python)!r}, '-c', {_REPLACE!r}, {str(wheel)!r}, {str(base.site)!r}], check=True)"
    versioned = "import demo\ndemo.__version__ = demo.VERSION"
    book = base.notebook(LOAD, "%session_env check", versioned, by_hand, "%session_env check", "%pip check", fails=True)
    (finding,) = [one for one in answer(book, 4)["findings"] if one["kind"] == "loaded"]
    assert (finding["dist"], finding["version"], finding["has"]) == ("demo", "2.0", "demo 1.0")
    assert not [one for one in answer(book, 1)["findings"] if one["kind"] == "loaded"]


_REPLACE = """
import shutil, sys, zipfile, pathlib
site = pathlib.Path(sys.argv[2])
shutil.rmtree(site / "demo-1.0.dist-info")
zipfile.ZipFile(sys.argv[1]).extractall(site)
"""


def answer(book: Notebook, number: int) -> dict[str, Any]:
    """The answer to a question in the output of cell *number*."""
    (found,) = [o.data[MIME] for o in book.cells[number].outputs if MIME in o.get("data", {})]
    return dict(found)


def test_a_terminal_restarts_too(base: Base, wheelhouse: Wheelhouse) -> None:
    pexpect = pytest.importorskip("pexpect", reason="IPython brings pexpect where there are terminals")
    words = ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
    shell = pexpect.spawn(
        base.python, words, env=base.environment(), cwd=str(base.folder), timeout=60, encoding="utf-8"
    )
    for line in (
        "import os, demo",
        "held = demo.Thing()",
        "print('pid', os.getpid())",
        LOAD,
        f"%pip install --restart demo==2.0 --no-index --find-links {wheelhouse.folder}",
    ):
        shell.expect(r"In \[\d+\]: ")
        shell.sendline(line)
    shell.expect("restarted in place")
    for line in ("import os, demo", "print(demo.VERSION, os.getpid(), 'held' in dir())"):
        shell.expect(r"In \[\d+\]: ")
        shell.sendline(line)
    shell.expect_exact(f"2.0 {shell.pid} False")
    shell.sendline("exit")
    shell.expect(pexpect.EOF)


@kernels
@pytest.mark.parametrize(("restart", "left"), [(True, 1), (False, 0)])
def test_a_shutdown_ends_the_session_and_a_restart_leaves_it_to_be_taken_up(
    restart: bool, left: int, base: Base, wheelhouse: Wheelhouse, home: Path
) -> None:
    with base.kernel() as kernel:
        kernel.run(LOAD)
        kernel.run(declare(wheelhouse, "demo==2.0"))
        assert len(list((home / "sessions").iterdir())) == 1
        process = psutil.Process(int(kernel.run("import os; print(os.getpid())")))
        kernel.client.shutdown(restart=restart)
        psutil.wait_procs([process], timeout=60)
    assert len(list((home / "sessions").iterdir())) == left
    assert list((home / "stage").iterdir()) == []
