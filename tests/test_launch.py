"""A pool below real kernels: where it stands, what its start waits for, and that nothing about it stops a kernel."""

from __future__ import annotations

import json
import os
import signal
import subprocess  # noqa: TID251 - kernels that are killed
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from sessionpkgs import places
from sessionpkgs.errors import NotFoundError
from sessionpkgs.jupyter import launch, pool_kernel
from sessionpkgs.store import Store, generations
from sessionpkgs.store.locks import Flock
from tests.bases import Base, Kernel, Notebook
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse

kernels = pytest.mark.kernel


MAKE = """
import json, sys
from sessionpkgs import Session
session = Session(identity="maker")
session.life.open()
if text := sys.stdin.read():
    session.declare(text)
bare = {"layer": "", "sites": [], "pth": [], "finders": [], "bin": "", "boot": "", "share": "", "variables": [], "dists": {}}
print(json.dumps(session.overlay.active or bare))
session.close()
"""


class Pooled(Base):
    """A base with kernels of the pool ``ml``; its generations are made here, by hand."""

    def __init__(self, folder: Path, home: Path, wheelhouse: Wheelhouse) -> None:
        super().__init__(folder, home)
        self.wheelhouse = wheelhouse
        spec = folder / "share/kernels/ml"
        spec.mkdir()
        argv = [*self.argv, "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "ml", "language": "python"}))

    @property
    def argv(self) -> list[str]:
        return [self.python, "-m", launch.MODULE, "--pool", "ml", "--from", str(self.home)]

    def manager(self) -> KernelManager:
        specs = KernelSpecManager(kernel_dirs=[str(self.folder / "share/kernels")], ensure_native_kernel=False)
        return KernelManager(kernel_name="ml", kernel_spec_manager=specs)

    def publish(self, *asked: str, on_start: str = "", session: str = "", **more: Any) -> dict[str, Any]:
        """A new generation with the distributions *asked*, and the current one."""
        store = Store(str(self.home))
        number = max(generations.numbers(store.root, "ml"), default=0) + 1
        active = self.made(lines(self.wheelhouse, *asked) if asked else "")
        told = {
            "layout": 1, "pool": "ml", "number": number, "root": store.root, "python": self.python,
            "prefix": str(self.folder / "venv"), "tag": places.interpreter_tag(), "activation": active, "jars": [], "conf": {},
            "declaration": {"session": session, "on_start": on_start}, **more,
        }  # fmt: skip
        told = json.loads(json.dumps(told))
        made = self.folder / "made"
        made.mkdir()
        (made / "generation.json").write_text(json.dumps(told))
        if on_start:
            (made / "on-start").write_text(on_start)
        (self.home / "pools/ml/generations").mkdir(parents=True, exist_ok=True)
        generations.publish(store, "ml", str(made), number)
        return dict(told)

    def made(self, text: str) -> dict[str, Any]:
        """What a session of this base that holds what *text* declares has switched on."""
        done = subprocess.run(
            [self.python, "-c", MAKE], input=text, env=self.environment(), check=True, capture_output=True, text=True
        )
        return dict(json.loads(done.stdout))

    def plant(self, *names: str) -> None:
        """A generation whose layer is a folder with broken modules *names*."""
        site = self.folder / "planted"
        for name in names:
            (site / name).mkdir(parents=True)
            (site / name / "__init__.py").write_text("raise ImportError('planted')\n")
        told = self.publish()
        path = Path(generations.place(str(self.home), "ml", told["number"])) / "generation.json"
        path.write_text(json.dumps({**told, "activation": {**told["activation"], "sites": [str(site)]}}))


@pytest.fixture
def ml(tmp_path: Path, home: Path, wheelhouse: Wheelhouse) -> Pooled:
    return Pooled(tmp_path, home, wheelhouse)


def demos(wheelhouse: Wheelhouse, *versions: str) -> None:
    for version in versions:
        wheelhouse.wheel(
            "demo",
            version,
            files={"demo/__init__.py": f"__version__ = {version!r}\ndef main():\n    print('tool', __version__)\n"},
            entry_points={"console_scripts": {"demo-tool": "demo:main"}},
        )


def declare(wheelhouse: Wheelhouse, *asked: str) -> str:
    return "%%session_env\n" + lines(wheelhouse, *asked)


VERSIONS = "import demo; from importlib.metadata import version; print(demo.__version__, version('demo'))"
ORDER = """
import os
where = [os.path.basename(p) for p in sys.path]
pool = sys.path.index(os.path.dirname(demo.__path__[0]))
print(sys.path.index(os.path.dirname(os.__file__)) < sys.path.index("") < pool < where.index("site-packages"))
"""
CHILD = '!{sys.executable} -c "import demo; print(demo.__version__)"'


@kernels
def test_session_before_pool_before_base_at_import_in_metadata_on_path_and_in_children(
    ml: Pooled, wheelhouse: Wheelhouse
) -> None:
    demos(wheelhouse, "1.0", "2.0", "3.0")
    ml.install(next(wheelhouse.folder.glob("demo-1.0-*")))
    ml.publish("demo==2.0")
    spawned = (
        "import multiprocessing as m, demo_worker; print(m.get_context('spawn').Pool(1).map(demo_worker.seen, [1]))"
    )
    (ml.folder / "demo_worker.py").write_text("def seen(_):\n    import demo\n    return demo.__version__\n")
    book = ml.notebook(
        "import sys, subprocess",
        VERSIONS, "!demo-tool", CHILD, spawned,
        ORDER,
        "del demo", declare(wheelhouse, "demo==3.0"), VERSIONS, "!demo-tool", CHILD, "del demo",
        "%session_env reset", VERSIONS, "!demo-tool", CHILD,
    )  # fmt: skip
    assert [book.text(cell) for cell in (1, 2, 3, 4)] == ["2.0 2.0", "tool 2.0", "2.0", "['2.0']"]
    assert book.text(5) == "True"
    assert [book.text(cell) for cell in (8, 9, 10)] == ["3.0 3.0", "tool 3.0", "3.0"]
    assert [book.text(cell) for cell in (13, 14, 15)] == ["2.0 2.0", "tool 2.0", "2.0"]


@kernels
def test_a_pool_kernel_knows_our_magics_at_once_and_loading_them_again_says_nothing(
    ml: Pooled, wheelhouse: Wheelhouse
) -> None:
    demos(wheelhouse, "1.0")
    ml.publish()
    before = ml.tree()
    book = ml.notebook(
        f"%pip install -q --no-index --find-links {wheelhouse.folder} demo", "%load_ext sessionpkgs", VERSIONS,
        "%session_env",
    )  # fmt: skip
    assert book.cells[1].outputs == []
    assert book.text(2) == "1.0 1.0"
    assert [row["name"] for row in book.record(3)["packages"] if row["layer"] == "session"] == ["demo"]
    assert ml.tree() == before


@kernels
def test_modules_that_the_kernel_has_loaded_from_base_are_the_pools_when_a_cell_imports_them(
    ml: Pooled, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("python-dateutil", "9.0", files={"dateutil/__init__.py": "__version__ = '9.0'\n"})
    ml.publish("python-dateutil==9.0")
    book = ml.notebook("import dateutil; print(dateutil.__version__)", "1 / 0", "print('alive')", fails=True)
    assert (book.text(0), book.text(2)) == ("9.0", "alive")


@kernels
def test_c_code_that_the_kernel_has_loaded_stays_and_doctor_says_so(ml: Pooled) -> None:
    ml.plant("psutil", "comm", "dateutil")
    book = ml.notebook("import psutil, comm", "import dateutil", "%session_env doctor", fails=True)
    assert "ImportError: planted" in f"{book.error(1).ename}: {book.error(1).evalue}"
    (finding,) = [one for one in book.record(2)["findings"] if one["name"] == "pool"]
    assert finding["text"].endswith("loaded before it, so base's: comm, psutil")


PLANTED = ("traitlets", "tornado", "zmq", "jupyter_client", "jupyter_core", "comm", "debugpy", "IPython", "ipykernel")


@kernels
def test_a_pool_with_other_versions_of_the_kernels_own_packages_gives_a_living_kernel(ml: Pooled) -> None:
    ml.plant(*PLANTED)
    with ml.kernel() as kernel:
        assert (
            kernel.run(
                "import traitlets, comm; print(traitlets.__file__.endswith('site-packages/traitlets/__init__.py'))"
            )
            == "True"
        )
        assert "ZeroDivisionError" in kernel.run("1 / 0")
        kernel.client.complete("import os; os.pa", 16)
        found = kernel.client.get_shell_msg(timeout=30)["content"]
        assert "path" in " ".join(found["matches"])
        asked = {"type": "request", "seq": 1, "command": "initialize", "arguments": {"adapterID": "", "clientID": ""}}
        kernel.client.control_channel.send(kernel.client.session.msg("debug_request", asked))
        assert kernel.client.get_control_msg(timeout=30)["content"]["success"]
        assert kernel.run("print('alive')") == "alive"


def gone(ml: Pooled) -> str:
    return "the pool ml is not in"


def torn(ml: Pooled) -> str:
    ml.publish()
    (ml.home / "pools/ml/current/generation.json").write_text("{")
    return "it is torn"


def shapeless(ml: Pooled) -> str:
    ml.publish(activation={})
    return "KeyError"


def senseless(ml: Pooled) -> str:
    ml.publish(activation=None)
    return "TypeError"


def without_its_finder(ml: Pooled) -> str:
    demos(ml.wheelhouse, "1.0")
    told = ml.publish("demo")
    ml.publish(activation={**told["activation"], "finders": ["absent_finder"]})
    return "No module named 'absent_finder'"


def of_another_python(ml: Pooled) -> str:
    ml.publish(tag="cpython-309-linux-x86_64")
    return "was made for the Python in"


def of_another_environment(ml: Pooled) -> str:
    ml.publish(prefix="/elsewhere")
    return "was made for the Python in"


def without_files(ml: Pooled) -> str:
    told = ml.publish()
    ml.publish(activation={**told["activation"], "sites": ["/not/there"]})
    return "files of the pool ml are gone"


def open_to_others(ml: Pooled) -> str:
    ml.publish()
    ml.home.chmod(0o777)
    return "may be written by others"


@kernels
@pytest.mark.parametrize(
    "wrong",
    [
        gone,
        torn,
        shapeless,
        senseless,
        without_its_finder,
        of_another_python,
        of_another_environment,
        without_files,
        open_to_others,
    ],
)
def test_whatever_is_wrong_with_a_pool_the_first_cell_says_it_and_the_next_ones_run_over_base(
    ml: Pooled, wrong: Callable[[Pooled], str]
) -> None:
    said = wrong(ml)
    seen = "import os, sys; print('x' in dir(), '/layers/' in str(sys.path), '/layers/' in os.environ['PATH'])"
    book = ml.notebook("x = 1", seen, "%session_env", fails=True)
    ml.home.chmod(0o700)
    error = book.error(0)
    assert said in error.evalue
    assert "File " not in "\n".join(error.traceback)
    assert "without the pool" in " ".join("\n".join(error.traceback).split())
    assert book.text(1) == "False False False"
    assert [cell.execution_count for cell in book.cells] == [1, 2, 3]
    assert " ".join("\n".join(error.traceback).split()).count("pool list` shows") == 1
    (notice,) = book.record(2)["notices"]
    assert notice.startswith("The pool ml is not in place: ")
    assert said in notice


@kernels
def test_a_pool_that_is_in_place_stays_where_the_rest_of_the_start_goes_wrong(
    ml: Pooled, wheelhouse: Wheelhouse, surroundings: Path
) -> None:
    demos(wheelhouse, "1.0")
    ml.publish("demo", session="demo")
    (surroundings / "sessionpkgs.toml").write_text("no = such setting")
    book = ml.notebook("x = 1", VERSIONS, fails=True)
    assert "sessionpkgs.toml is not valid TOML" in book.error(0).evalue
    assert "without the pool" not in "\n".join(book.error(0).traceback)
    assert book.text(1) == "1.0 1.0"


@kernels
def test_a_pool_that_was_not_there_is_taken_by_a_restart_in_place(ml: Pooled, wheelhouse: Wheelhouse) -> None:
    demos(wheelhouse, "1.0")
    with ml.kernel() as kernel:
        assert "the pool ml is not in" in kernel.run("x = 1")
        ml.publish("demo")
        kernel.run("%session_env restart")
        assert kernel.run(VERSIONS) == "1.0 1.0"


WAITS = "#!/bin/sh\necho ready to wait\nread line < {fifo}\necho $line\n"


def with_fifo(ml: Pooled, then: str = "") -> Path:
    fifo = ml.folder / "fifo"
    os.mkfifo(fifo)
    ml.publish(on_start=WAITS.format(fifo=fifo) + then)
    return fifo


def opened(fifo: Path) -> None:
    """Let the script that waits for *fifo* go on."""
    fifo.write_text("go\n")


@kernels
def test_a_start_that_takes_longer_than_a_front_end_waits_holds_only_the_first_cell(ml: Pooled) -> None:
    fifo = with_fifo(ml, f"echo $SESSIONPKGS_POOL $SESSIONPKGS_POOL_GENERATION > {ml.folder}/said\n")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in ("print('ran')", "print('then')")])
    client = NotebookClient(book, km=ml.manager(), timeout=120, startup_timeout=5)
    client.on_cell_execute = lambda **_: opener.start() if not opener.ident else None
    opener = threading.Timer(8.0, opened, [fifo])
    client.execute(cwd=str(ml.folder), env=ml.environment(), cleanup_kc=True)
    opener.join()
    done = Notebook(book)
    assert (done.text(0), done.text(1)) == ("ran", "then")
    (line,) = [out for out in done.cells[0].outputs if out.output_type == "display_data"]
    assert "The on-start script of the pool ml ran." in line["data"]["text/plain"]
    assert (ml.folder / "said").read_text() == "ml 1\n"


@kernels
def test_an_interrupt_ends_the_wait_of_the_cell_and_nothing_else(ml: Pooled) -> None:
    fifo = with_fifo(ml)
    with ml.kernel() as kernel:
        kernel.client.execute("print('never')", stop_on_error=False)
        while "on-start script" not in json.dumps(kernel.client.get_iopub_msg(timeout=60)["content"]):
            pass
        kernel.manager.interrupt_kernel()
        reply = kernel.client.get_shell_msg(timeout=60)["content"]
        assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
        opener = threading.Timer(0.5, opened, [fifo])
        opener.start()
        assert kernel.run("print('ran')").endswith("ran")
        opener.join()


@kernels
def test_a_start_with_nothing_to_wait_for_shows_nothing(ml: Pooled) -> None:
    ml.publish(on_start="echo here\n")
    threads = {"names": "[one.name for one in __import__('threading').enumerate()]"}
    with ml.kernel() as kernel:
        names = "sessionpkgs-pool"
        while "sessionpkgs-pool" in names:  # a silent request passes the gate
            kernel.client.execute("", silent=True, user_expressions=threads)
            names = json.dumps(kernel.client.get_shell_msg(timeout=30)["content"]["user_expressions"])
        assert "MainThread" in names
        assert kernel.run("print('ran')") == "ran"
        assert kernel.run("print('then')") == "then"


FAILS = "echo a word before; echo 'no such disk https://me:hidden-word@example.org' >&2; exit 7\n"


@kernels
def test_a_failing_script_is_named_by_the_first_cell_and_by_doctor_and_tried_again_after_a_restart(ml: Pooled) -> None:
    marker = ml.folder / "marker"
    ml.publish(on_start=f"test -e {marker} && echo now it is well && exit 0\n" + FAILS)
    book = ml.notebook(
        "print('never')", "print('ran')", "%session_env doctor", f"open({str(marker)!r}, 'w').close()",
        "%session_env restart", "print('again')", "%session_env doctor", fails=True,
    )  # fmt: skip
    error = book.error(0)
    told = " ".join("\n".join(error.traceback).split())
    assert error.ename == "ActivationError"
    assert (
        error.evalue
        == "the on-start script of the pool ml failed with exit code 7: no such disk https://****@example.org"
    )
    assert "restart` tries again" in told
    log = Path(told.partition("All it said is in ")[2].partition(" ")[0].rstrip("."))
    assert log.read_text() == "now it is well\n"  # the second run's, as the process is the same
    assert log.stat().st_mode & 0o077 == 0
    assert book.text(1) == "ran"
    (finding,) = [one for one in book.record(2)["findings"] if one["name"] == "pool"]
    assert not finding["fine"]
    assert "failed with exit code 7" in finding["text"]
    assert book.text(5) == "again"
    (finding,) = [one for one in book.record(6)["findings"] if one["name"] == "pool"]
    assert finding["fine"], finding


@kernels
def test_what_a_pool_declares_for_sessions_is_there_in_the_first_cell(ml: Pooled, wheelhouse: Wheelhouse) -> None:
    demos(wheelhouse, "1.0", "2.0")
    ml.publish("demo==1.0", session=lines(wheelhouse, "demo==2.0"))
    book = ml.notebook(
        VERSIONS, "del demo", "%session_env restart", VERSIONS, "del demo", "%session_env reset", VERSIONS
    )
    assert (book.text(0), book.text(3), book.text(6)) == ("2.0 2.0", "2.0 2.0", "1.0 1.0")


@kernels
def test_a_policy_can_forbid_scripts_and_says_so_in_the_first_cell(ml: Pooled, surroundings: Path) -> None:
    marker = ml.folder / "marker"
    ml.publish(on_start=f"echo ran > {marker}\n")
    (surroundings / "policy.toml").write_text("on_start = false\n")
    book = ml.notebook("x = 1", "print('ran')", fails=True)
    assert book.error(0).ename == "PolicyError"
    assert "on-start" in book.error(0).evalue
    assert "on_start = false" in book.error(0).evalue
    assert not marker.exists()
    assert book.text(1) == "ran"


@kernels
def test_where_sessions_need_a_person_the_first_cell_tells_whether_there_is_one(
    ml: Pooled, wheelhouse: Wheelhouse, surroundings: Path
) -> None:
    demos(wheelhouse, "1.0", "2.0")
    ml.publish("demo==1.0", session=lines(wheelhouse, "demo==2.0"))
    (surroundings / "policy.toml").write_text('session_packages = "interactive"\n')
    book = ml.notebook(VERSIONS, VERSIONS, fails=True)
    assert book.error(0).ename == "PolicyError"
    assert book.text(1) == "1.0 1.0"
    with ml.kernel() as kernel:
        told = kernel.client.execute_interactive(VERSIONS, allow_stdin=True, timeout=60, output_hook=lambda _: None)
        assert told["content"]["status"] == "ok"
        assert kernel.run("print(demo.__version__)") == "2.0"


@kernels
def test_a_declaration_that_fails_is_told_by_the_first_cell_and_tried_again_after_a_restart(
    ml: Pooled, wheelhouse: Wheelhouse
) -> None:
    ml.publish(session=lines(wheelhouse, "demo"))
    with ml.kernel() as kernel:
        assert "NotFoundError: no package index has a distribution called demo" in kernel.run("x = 1")
        assert kernel.run("print('ran')") == "ran"
        demos(wheelhouse, "1.0")
        kernel.run("%session_env restart")
        assert kernel.run(VERSIONS).endswith("1.0 1.0")


@kernels
def test_a_restart_in_place_keeps_the_generation_and_one_from_the_menu_takes_the_current(
    ml: Pooled, wheelhouse: Wheelhouse
) -> None:
    demos(wheelhouse, "1.0", "2.0")
    ml.publish("demo==1.0")
    with ml.kernel() as kernel:
        assert kernel.run(VERSIONS) == "1.0 1.0"
        ml.publish("demo==2.0")
        for _ in range(2):
            kernel.run("%session_env restart")
            assert kernel.run(VERSIONS) == "1.0 1.0"
            assert held(ml, 1)
        assert "2 is current: restart from the menu (Kernel → Restart) to get it" in kernel.run("%session_env doctor")
        generations.collect(Store(str(ml.home)), float("inf"))
        assert generations.numbers(str(ml.home), "ml") == [1, 2]
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=60)
        assert kernel.run(VERSIONS) == "2.0 2.0"
        assert not held(ml, 1)


def held(ml: Pooled, number: int) -> bool:
    """Whether somebody uses that generation."""
    with Flock(generations.place(str(ml.home), "ml", number), folder=True) as lock:
        return not lock.try_acquire(exclusive=True)


@kernels
def test_a_generation_is_held_while_its_kernel_lives_and_free_when_that_was_killed(ml: Pooled) -> None:
    ml.publish()
    file, _ = write_connection_file(str(ml.folder / "kernel-one.json"))
    process = subprocess.Popen([*ml.argv, "-f", file], env=ml.environment(), cwd=ml.folder)
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    assert held(ml, 1)
    client.stop_channels()
    process.kill()
    process.wait()
    assert not held(ml, 1)


@kernels
def test_a_script_ends_with_its_kernel(ml: Pooled) -> None:
    fifo = with_fifo(ml)
    with ml.kernel() as kernel:
        kernel.client.execute("print('never')")
        while "on-start script" not in json.dumps(kernel.client.get_iopub_msg(timeout=60)["content"]):
            pass
        pid = int(getattr(kernel.manager.provisioner, "pid", 0))
        below = psutil.Process(pid).children(recursive=True)
        assert below
        os.kill(pid, signal.SIGKILL)
        _, alive = psutil.wait_procs(below, timeout=20)
        assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    assert fifo.exists()


@kernels
def test_a_kernel_that_a_cell_of_a_pool_kernel_starts_is_no_child_of_it(ml: Pooled, wheelhouse: Wheelhouse) -> None:
    demos(wheelhouse, "1.0", "2.0")
    ml.publish("demo==1.0")
    (ml.folder / "inner.py").write_text(
        "from nbclient import NotebookClient; import nbformat, sys\nfrom tests.test_launch import Pooled\n"
    )
    with ml.kernel() as kernel:
        assert kernel.run(VERSIONS) == "1.0 1.0"
        environment = json.loads(kernel.run("import os, json; print(json.dumps(dict(os.environ)))"))
    ml.publish("demo==2.0")
    with Kernel(ml, **environment) as other:
        assert other.run(VERSIONS) == "2.0 2.0"
        path = other.run("import sys, os; print(sys.path, os.environ['PATH'], os.environ['PYTHONPATH'])")
        assert path.count(generations.read(str(ml.home), "ml", 1)["activation"]["sites"][0]) == 0


@kernels
def test_jars_and_settings_of_a_pool_stand_where_spark_reads_them_and_are_shown_nowhere(ml: Pooled) -> None:
    old = ml.folder / "conf"
    old.mkdir()
    (old / "spark-defaults.conf").write_text("spark.jars /old/a.jar\nspark.ui.enabled false\n")
    jar = {"name": "tool", "version": "1", "sha256": "0" * 64, "path": "/store/tool.jar", "coordinate": "g:tool:1"}
    ml.publish(conf={"spark.password": "word-of-mine"}, jars=[jar])
    seen = "import os; print(os.environ['SPARK_CONF_DIR'])"
    book = ml.notebook(seen, "!echo $SPARK_CONF_DIR", "%session_env", "%session_env doctor", SPARK_CONF_DIR=str(old))
    folder = Path(book.text(0))
    assert book.text(1) == str(folder)
    assert (folder / "spark-defaults.conf").read_text() == (
        "spark.jars /old/a.jar,/store/tool.jar\nspark.ui.enabled false\nspark.password word-of-mine\n"
    )
    assert "word-of-mine" not in json.dumps(book.cells)


@kernels
def test_a_folder_with_modules_named_like_the_standard_librarys_does_not_stop_a_pool_kernel(ml: Pooled) -> None:
    ml.publish()
    for name in ("json", "uuid", "platform", "ipykernel", "secrets"):
        (ml.folder / f"{name}.py").write_text("raise SystemExit('imported from the folder')\n")
    book = ml.notebook("import sys; print('' in sys.path, str(sys.path[0]).endswith('.zip'))", "print('alive')")
    assert (book.text(0), book.text(1)) == ("True True", "alive")


# -- without a kernel


def test_the_launchers_own_words_are_taken_off_and_the_kernels_stay() -> None:
    argv = ["--pool", "ml", "-f", "x.json", "--from=/store", "--HistoryManager.hist_file=:memory:"]
    assert launch.words(argv) == ("ml", "/store", ["-f", "x.json", "--HistoryManager.hist_file=:memory:"])
    assert launch.words(["--f=x.json", "--pool"]) == ("", "", ["--f=x.json"])


def test_a_generation_that_goes_while_it_is_being_taken_is_passed_over(ml: Pooled) -> None:
    ml.publish()
    ml.publish()
    place = Path(generations.place(str(ml.home), "ml", 2))
    place.rename(ml.folder / "elsewhere")
    with pytest.raises(NotFoundError, match="the pool ml is not in"):
        pool_kernel.hold(str(ml.home), "ml")
    generations.switch(Store(str(ml.home)), "ml", 1)
    number, lease, done = pool_kernel.hold(str(ml.home), "ml")
    with lease:
        assert (number, done) == (1, [])


def test_a_restart_whose_lease_is_gone_takes_the_current_generation(ml: Pooled) -> None:
    ml.publish()
    with Path(os.devnull).open() as other:
        number, lease, done = pool_kernel.hold(str(ml.home), "ml", f"7:{other.fileno()}:on-start")
    with lease:
        assert (number, done) == (1, [])
