"""A restart in place, in real kernels: the process stays, Python is new, the session is there and the next cells run."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import zmq

from sessionpkgs.jupyter.restart.channel import missing
from sessionpkgs.jupyter.restart.closing import closed
from sessionpkgs.jupyter.restart.launch import Launch, launched
from sessionpkgs.jupyter.restart.leaving import obstacle
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
    """Messages that are all sent before the first one is answered; a text is a cell, another is what sends it."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def send(self, *cells: str | Callable[[], str]) -> list[str]:
        """What each of *cells* printed, or its error's name; asserts that the replies of cells come in order."""
        client = self.kernel.client
        asked = [client.execute(cell, allow_stdin=False) if isinstance(cell, str) else cell() for cell in cells]
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
        expected = [one for one, cell in zip(asked, cells, strict=True) if isinstance(cell, str)]
        replies: list[str] = []
        while len(replies) < len(expected):
            parent = client.get_shell_msg(timeout=60)["parent_header"]["msg_id"]
            replies += [parent] if parent in expected else []
        assert replies == expected
        return [said[one].strip() for one in asked]

    def message(self, kind: str, subshell: str = "", **content: object) -> Callable[[], str]:
        """Sends another message on the same channel."""

        def send() -> str:
            message = self.kernel.client.session.msg(kind, content)
            if subshell:
                message["header"]["subshell_id"] = subshell
            self.kernel.client.shell_channel.send(message)
            return str(message["header"]["msg_id"])

        return send


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
    after = (SEEN, "%session_env", "%session_env export")
    book = base.notebook(LOAD, HOLD, unknown, declare(wheelhouse, "demo==2.0"), *after, fails=True)
    assert book.error(3).ename == "ActivationError"
    assert "name_of_tomorrow" in book.error(3).evalue
    assert "Restart the kernel" in "\n".join(book.error(3).traceback)
    assert book.text(4) == "1.0 1.0 True"
    assert book.record(5)["packages"] == []
    assert "nothing yet" in book.error(6).evalue


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


RESTART = "%session_env restart"
ASK = "get_ipython().run_line_magic('session_env', 'restart')"
X = "print('x' in dir())"


@kernels
@pytest.mark.parametrize(
    "lines",
    [
        ["%pip install -f demo==2.0 {0}", RESTART],
        [RESTART, "%pip install -f demo==2.0 {0}"],
        ["%pip install -f demo==2.0 {0}", "%pip install --restart other {0}"],
        [RESTART, "%pip install other {0}", "%pip install -f demo==2.0 {0}"],
    ],
)
def test_a_cell_may_ask_more_than_once(lines: list[str], base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("other")
    cell = "\n".join(lines).format(f"--no-index --find-links {wheelhouse.folder}")
    book = base.notebook(LOAD, HOLD, cell, SEEN, "%session_env", "import other" if "other" in cell else "")
    assert book.text(3) == "2.0 2.0 False"
    shown = [output.data["text/plain"] for output in book.cells[2].outputs if "data" in output]
    assert not [text for text in shown if "restarting" in text]


@kernels
@pytest.mark.parametrize("silent", [True, False])
def test_a_request_that_leaves_no_trace_restarts_too(silent: bool, kernel: Kernel) -> None:
    kernel.run("x = 1")
    asked = kernel.client.execute(RESTART, silent=silent, store_history=False)
    assert kernel.client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] == asked
    assert kernel.run(X) == "False"
    assert kernel.run(f"%%capture held\n{RESTART}") is not None
    assert kernel.run("print('held' in dir())") == "False"


LATER = "import asyncio\nasyncio.get_running_loop().call_later(0.1, lambda: ({0}, fired.set()))"


@kernels
def test_what_a_cell_left_behind_may_ask(kernel: Kernel) -> None:
    kernel.run("import asyncio\nfired, x = asyncio.Event(), 1\n" + LATER.format(ASK))
    while kernel.run(X) != "False":  # cells that come before it run as ever
        pass


@kernels
def test_what_a_cell_left_behind_may_ask_while_another_one_waits(kernel: Kernel) -> None:
    later = "import asyncio\nfired, x = asyncio.Event(), 1\n" + LATER.format(ASK)
    assert Burst(kernel).send(later, "await fired.wait()\nprint('over')", X) == ["", "over", "False"]


@kernels
def test_a_comm_may_ask_and_the_kernel_goes_on(kernel: Kernel) -> None:
    burst = Burst(kernel)
    target = f"def opened(comm, message):\n    @comm.on_msg\n    def received(message):\n        {ASK}\n"
    kernel.run(f"x = 1\n{target}get_ipython().kernel.comm_manager.register_target('asks', opened)")
    opened = burst.message("comm_open", comm_id="c", target_name="asks", data={})
    assert burst.send(opened, burst.message("comm_msg", comm_id="c", data={}), X)[-1] == "False"


@kernels
@pytest.mark.parametrize("who", ["thread", "argv"])
def test_who_cannot_be_answered_or_started_again_is_refused(who: str, kernel: Kernel) -> None:
    ways = {
        "thread": f"def ask():\n    try: {ASK}\n    except Exception as error: print(error)\n"
        "import threading\nthread = threading.Thread(target=ask); thread.start(); thread.join()",
        "argv": f"import sys\nsys.orig_argv = [sys.executable, 'program.py']\n{ASK}",
    }
    kernel.run("x = 1")
    said = " ".join(kernel.run(ways[who]).split())
    assert {"thread": "only a cell can ask", "argv": "not started with a connection file"}[who] in said
    assert kernel.run(X) == "True"


def test_a_shell_inside_another_program_is_not_left() -> None:
    assert obstacle(None) == "this shell is a part of another program"


STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"


@kernels
def test_children_are_gone_those_too_that_do_not_want_to_end(kernel: Kernel) -> None:
    start = f"child = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], stdout=subprocess.PIPE)"
    pid = int(kernel.run(f"import subprocess, sys\n{start}\nchild.stdout.readline(); print(child.pid)"))
    kernel.run(RESTART)
    assert not psutil.pid_exists(pid)


@kernels
@pytest.mark.parametrize(
    "left",
    [
        pytest.param("import atexit; atexit.register(lambda: 1 / 0); atexit.register(exit, 3)", id="exit functions that raise"),
        pytest.param(
            "import atexit, time; atexit.register(time.sleep, 3600)\n"
            "from sessionpkgs.jupyter.restart import leaving; leaving.FAREWELL = 0.3", id="one that never ends",
        ),
        pytest.param("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')", id="a folder that is gone"),
        pytest.param("import io, sys; sys.stdout = io.StringIO()", id="another stdout"),
        pytest.param(
            "import threading\ndef chatter():\n    while True: print('.', end='')\n"
            "threading.Thread(target=chatter).start()", id="a thread that prints for ever",
        ),
        pytest.param(
            "import asyncio\nasync def chatter():\n    while True:\n        print('.', end=''); await asyncio.sleep(0.01)\n"
            "task = asyncio.ensure_future(chatter())", id="a task that goes on",
        ),
    ],
)  # fmt: skip
def test_whatever_a_cell_left_behind_python_is_restarted(left: str, kernel: Kernel) -> None:
    asked = [kernel.client.execute(cell, allow_stdin=False) for cell in (f"x = 1\n{left}", RESTART)]
    assert [kernel.client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] for _ in asked] == asked
    assert kernel.run(X) == "False"


@kernels
def test_a_folder_that_is_gone_raises_no_error_in_what_runs_at_the_end(kernel: Kernel) -> None:
    kernel.run("import os; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')")
    assert "Traceback" not in kernel.run(RESTART)
    assert kernel.run("import os; print(os.path.isdir(os.getcwd()))") == "True"


@kernels
def test_requests_of_every_kind_are_answered_across_a_restart(kernel: Kernel) -> None:
    burst, client = Burst(kernel), kernel.client
    others = (client.kernel_info, lambda: client.complete("impo"), lambda: client.inspect("print"), client.comm_info)
    assert burst.send(RESTART, *others, "print('end')")[-1] == "end"
    comm = [
        burst.message(kind, comm_id="c", target_name="t", data={}) for kind in ("comm_open", "comm_msg", "comm_close")
    ]
    assert burst.send(RESTART, *comm, "print('end')")[-1] == "end"


@kernels
def test_a_cell_that_waited_can_ask_its_user(kernel: Kernel) -> None:
    client = kernel.client
    asked = [client.execute(cell, allow_stdin=True) for cell in (RESTART, "print(input('what? '))")]
    assert client.get_stdin_msg(timeout=60)["content"]["prompt"] == "what? "
    client.input("this")
    assert [client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] for _ in asked] == asked


@kernels
def test_subshells_keep_their_names(kernel: Kernel) -> None:
    pytest.importorskip("ipykernel.subshell", reason="ipykernel 6 has no subshells")
    client, burst = kernel.client, Burst(kernel)

    def control(kind: str) -> Any:
        message = client.session.msg(kind, {})
        client.control_channel.send(message)
        while (reply := client.get_control_msg(timeout=60))["parent_header"]["msg_id"] != message["header"]["msg_id"]:
            pass
        return reply["content"]["subshell_id"]

    name = control("create_subshell_request")
    words = {"silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    there = burst.message("execute_request", name, code="print('there')", **words)
    assert burst.send(RESTART, "print('here')", there) == ["", "here", "there"]
    assert control("list_subshell_request") == [name]
    assert burst.send(there, there) == ["there", "there"]
    asks = burst.message("execute_request", name, code=RESTART, **words)
    assert burst.send(asks) == ["ActivationError"]


@kernels
def test_a_layer_that_is_gone_ends_the_cell_with_one_error_and_the_kernel_goes_on(
    base: Base, wheelhouse: Wheelhouse, home: Path, tmp_path: Path
) -> None:
    layers = home / "layers"
    with base.kernel() as kernel:
        kernel.run(f"{LOAD}\n{HOLD}")
        ask = f"%pip install -f demo==2.0 --no-index --find-links {wheelhouse.folder}"
        (lost := tmp_path / "lost").mkdir()
        lose = f"import os\nfor one in os.listdir({str(layers)!r}): os.rename(f'{layers}/{{one}}', f'{lost}/{{one}}')"
        assert Burst(kernel).send(f"{ask}\n{lose}", "print('never')") == ["StoreError", ""]
        assert kernel.run("import demo; print(demo.VERSION)") == "1.0"
        kernel.run(declare(wheelhouse, "demo==2.0"))
        assert kernel.run(SEEN) == "2.0 2.0 False"


@kernels
def test_a_state_that_cannot_be_carried_ends_the_cell_with_an_error_and_nothing_is_left(kernel: Kernel) -> None:
    kernel.run("class Broken:\n    __str__ = None\nx, __session__ = 1, Broken()")
    assert Burst(kernel).send(RESTART, "print('never')") == ["ActivationError", ""]
    assert kernel.run(X) == "True"
    kernel.run("__session__ = ''")
    kernel.run(RESTART)
    assert kernel.run(X) == "False"


@kernels
def test_a_kernel_that_cannot_be_replaced_any_more_ends_instead_of_being_mute(kernel: Kernel) -> None:
    process = psutil.Process(int(kernel.run("import os; print(os.getpid())")))
    kernel.run("from sessionpkgs.jupyter.restart import becoming\nbecoming.json = None")
    kernel.client.execute(RESTART)
    _, alive = psutil.wait_procs([process], timeout=30)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


@kernels
def test_what_runs_at_every_start_cannot_restart_for_ever(base: Base, tmp_path: Path) -> None:
    startup = tmp_path / "ipython/profile_default/startup"
    startup.mkdir(parents=True)
    (startup / "begin.ipy").write_text(f"print('hello')\nw = 7\n{LOAD}\n{RESTART}\n")
    with base.kernel(IPYTHONDIR=str(tmp_path / "ipython")) as kernel:
        kernel.run(f"x = 1\n{RESTART}")
        assert kernel.run("print('x' in dir(), 'w' in dir())") == "False True"


@kernels
def test_the_options_of_the_kernel_are_kept(base: Base) -> None:
    spec = base.folder / "share/kernels/base/kernel.json"
    told = json.loads(spec.read_text())
    spec.write_text(json.dumps({**told, "argv": [*told["argv"], "--InteractiveShellApp.exec_lines=z = 5"]}))
    with base.kernel() as kernel:
        kernel.run(f"{LOAD}\nz = 6")
        kernel.run(RESTART)
        assert kernel.run("print(z)") == "5"


@kernels
def test_the_extension_can_be_loaded_again_unloaded_and_reloaded_afterwards(kernel: Kernel) -> None:
    kernel.run(RESTART)
    for line in (LOAD, "%reload_ext sessionpkgs", "%unload_ext sessionpkgs", LOAD):
        assert "Error" not in kernel.run(line)
    kernel.run(RESTART)
    assert kernel.run("%session_env").startswith("Session environment")


def send(endpoint: str, number: int) -> None:
    """Send numbers as a front end does that takes its time."""
    with zmq.Context() as own, own.socket(zmq.DEALER) as dealer:
        dealer.connect(endpoint)
        for one in range(number):
            dealer.send_multipart([b"message", str(one).encode()])
            time.sleep(0.0002)  # else all is sent before the first close


def opened(context: Any, endpoint: str) -> Any:
    """A socket as a kernel has one."""
    router = context.socket(zmq.ROUTER)
    while True:
        try:
            router.bind(endpoint)
        except zmq.ZMQError:  # the thread of the one before has not let go yet
            continue
        return SimpleNamespace(socket=router, stop_on_recv=lambda: None, flush=lambda _: None, close=router.close)


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_a_socket_that_is_closed_again_and_again_loses_no_message(transport: str, tmp_path: Path) -> None:
    number, context = 3000, zmq.Context()
    endpoint = f"ipc://{tmp_path}/pipe"
    if transport == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as free:
            endpoint = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    stream = opened(context, endpoint)
    sender = threading.Thread(target=send, args=(endpoint, number), daemon=True)
    sender.start()
    found: list[list[bytes]] = []
    while len(found) < number:
        assert stream.socket.poll(5000), f"{len(found)} of {number}"
        found += [stream.socket.recv_multipart() for _ in range(1)]
        if len(found) % 100 == 0:
            found += closed(stream)
            stream = opened(context, endpoint)
    sender.join()
    stream.close()
    context.term()
    assert [int(one[-1]) for one in found] == list(range(number))


@kernels
def test_a_kernel_that_was_killed_in_an_install_comes_back_and_so_does_its_session(
    base: Base, wheelhouse: Wheelhouse, home: Path
) -> None:
    before = base.tree()
    wheelhouse.wheel("other")
    with wheelhouse.index() as index, base.kernel() as kernel:
        asked = threading.Event()

        def hold(handler: BaseHTTPRequestHandler) -> bool:
            asked.set()
            return index.hang(handler)

        index.faults["/simple/other"] = hold
        kernel.run(LOAD)
        kernel.run(declare(wheelhouse, "demo==2.0"))
        process = psutil.Process(int(kernel.run("import os; print(os.getpid())").split()[-1]))
        second = f"%pip install other --index-url {index.url}"
        kernel.client.execute(second)
        assert asked.wait(30)
        running = process.children(recursive=True)
        process.kill()
        assert psutil.wait_procs(running, timeout=10)[1] == []
        index.faults.clear()
        kernel.manager.restart_kernel(now=True)  # what a server does that finds its kernel dead
        kernel.client.wait_for_ready(timeout=60)
        kernel.run(LOAD)
        assert "demo" in kernel.run("%session_env restore")
        assert kernel.run(SEEN) == "2.0 2.0 False"
        assert "other" in kernel.run(second)
        assert kernel.run("import other; print(other.__version__)") == "1.0"
        assert len(list((home / "sessions").iterdir())) == 1
    assert list((home / "stage").iterdir()) == []
    assert base.tree() == before
