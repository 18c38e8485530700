"""The promise in real kernels: what a notebook declares is there, only there, and gone when it is taken back."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import psutil
import pytest
from nbclient.exceptions import CellExecutionError

from tests.bases import Base
from tests.wheelhouse import Wheelhouse, project

pytestmark = pytest.mark.kernel

LOAD = "%load_ext sessionpkgs"


@pytest.fixture
def base(tmp_path: Path, home: Path) -> Base:
    return Base(tmp_path, home)


def declare(wheelhouse: Wheelhouse, *lines: str, options: str = "") -> str:
    body = "\n".join(("--no-index", f"--find-links {wheelhouse.folder}", *lines))
    return f"%%session_env {options}\n{body}\n"


def environment_yml(wheelhouse: Wheelhouse, *lines: str) -> str:
    pip = "\n".join(f"    - {line}" for line in ("--no-index", f"--find-links {wheelhouse.folder}", *lines))
    return f"%%session_env\nname: demo\ndependencies:\n  - pip:\n{pip}\n"


def test_what_an_environment_yml_declares_is_importable_in_the_next_cell(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("below", "1.0")
    wheelhouse.wheel(
        "demo",
        "2.0",
        requires=["below"],
        files={"demo/__init__.py": "def main():\n    print('demo runs')\n"},
        entry_points={"console_scripts": {"demo-tool": "demo:main"}, "demo.plugins": {"one": "demo:main"}},
    )
    before = base.tree()
    book = base.notebook(
        LOAD,
        environment_yml(wheelhouse, "demo"),
        "import demo, below, importlib.metadata as m\nprint(m.version('demo'), below.__version__)",
        "print([e.name for e in m.entry_points(group='demo.plugins')])",
        "!demo-tool",
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import demo; demo.main()'], text=True, capture_output=True).stdout)",
    )
    assert book.text(2) == "2.0 1.0"
    assert book.text(3) == "['one']"
    assert book.text(4) == "demo runs"
    assert book.text(5) == "demo runs"
    record = book.record(1)
    assert [(p["name"], p["version"], p["requested"]) for p in record["packages"]] == [
        ("below", "1.0", False),
        ("demo", "2.0", True),
    ]
    assert all(len(p["sha256"]) == 64 for p in record["packages"])
    assert len(record["base"]) == 64
    assert base.tree() == before


def test_another_kernel_at_the_same_time_does_not_see_it(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    with base.kernel() as one, base.kernel() as other:
        one.run(LOAD)
        one.run(declare(wheelhouse, "demo"))
        assert one.run("import demo; print(demo.__version__)") == "1.0"
        assert "No module named 'demo'" in other.run("import demo")
        other.run(LOAD)
        assert "No module named 'demo'" in other.run("import demo")


def test_two_kernels_hold_two_versions_at_the_same_time(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    wheelhouse.wheel("demo", "2.0")
    with base.kernel() as one, base.kernel() as other:
        for kernel, version in ((one, "1.0"), (other, "2.0")):
            kernel.run(LOAD)
            kernel.run(declare(wheelhouse, f"demo=={version}"))
        assert one.run("import demo; print(demo.__version__)") == "1.0"
        assert other.run("import demo; print(demo.__version__)") == "2.0"


def test_a_second_declaration_replaces_the_first_and_reset_gives_base_back(base: Base, wheelhouse: Wheelhouse) -> None:
    script = {"console_scripts": {"first-tool": "first:main"}}
    wheelhouse.wheel("first", "1.0", files={"first.py": "def main():\n    print(1)\n"}, entry_points=script)
    wheelhouse.wheel("both", "1.0")
    wheelhouse.wheel("second", "1.0")
    state = "import sys, os, json; print(json.dumps([sys.path, [str(f) for f in sys.meta_path], dict(os.environ)]))"
    child = "print(subprocess.run([sys.executable, '-c', 'import first'], capture_output=True).returncode)"
    book = base.notebook(
        "import shutil, subprocess, sys, importlib.metadata",
        state,
        LOAD,
        declare(wheelhouse, "first", "both"),
        "import first as _f, both as _b\nprint(shutil.which('first-tool') is not None)",
        "del _f",
        declare(wheelhouse, "both", "second"),
        "import second, both\nprint(both is _b, 'first' in sys.modules, shutil.which('first-tool'))",
        "print([d.name for d in importlib.metadata.distributions() if d.name in ('first', 'both', 'second')])",
        child,
        "%session_env reset",
        state,
        "print([n for n in ('first', 'both', 'second') if n in sys.modules])",
    )
    assert book.text(4) == "True"
    assert book.text(7) == "True False None"
    assert sorted(book.text(8)) == sorted("['both', 'second']")
    assert book.text(9) == "1"
    assert book.record(6)["dropped"] == ["first 1.0"]
    assert json.loads(book.text(11)) == json.loads(book.text(1))
    assert book.text(12) == "[]"


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_a_failing_install_fails_the_cell_with_one_sentence_and_keeps_the_overlay(
    base: Base, wheelhouse: Wheelhouse, engine: str
) -> None:
    wheelhouse.wheel("demo", "1.0")
    wheelhouse.wheel("only-new", "1.0", tag="cp39-cp39-win_amd64")
    wheelhouse.wheel("wants-one", "1.0", requires=["demo==1.0"])
    wheelhouse.wheel("wants-two", "1.0", requires=["demo==2.0"])
    wheelhouse.sdist("source-only", "1.0")
    options = f"--engine {engine}"
    book = base.notebook(
        LOAD,
        declare(wheelhouse, "demo", options=options),
        declare(wheelhouse, "no-such-name", options=options),
        declare(wheelhouse, "only-new", options=options),
        declare(wheelhouse, "wants-one", "wants-two", options=options),
        f"%%session_env {options}\n--index-url http://127.0.0.1:9/simple\ndemo2\n",
        declare(wheelhouse, "source-only", options=options),
        "import demo; print(demo.__version__)",
        fails=True,
        SESSIONPKGS_WHEELS_ONLY="1",
    )
    for cell, name, words in (
        (2, "NotFoundError", "no-such-name"),
        (3, "NotFoundError", "only-new has no wheel for this Python"),
        (4, None, "demo"),
        (5, "IndexUnavailable", "127.0.0.1:9 cannot be reached: connection refused"),
        (6, "SourceForbidden", "source-only exists only as source"),
    ):
        error = book.error(cell)
        assert name is None or error.ename == name
        assert words in error.evalue
        assert [line for line in error.traceback if not line.startswith("  ")] == error.traceback[:1]
        assert sum(line.startswith("  → ") for line in error.traceback) <= 1
        assert not any("File " in line for line in error.traceback)
    assert book.text(7) == "1.0"
    assert list((base.home / "stage").iterdir()) == []


def test_an_error_stops_the_notebook(base: Base, wheelhouse: Wheelhouse) -> None:
    with pytest.raises(CellExecutionError) as caught:
        base.notebook(LOAD, declare(wheelhouse, "no-such-name"), "print('never')")
    assert caught.value.ename == "NotFoundError"


def test_both_engines_and_a_hidden_uv_give_the_same_set(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("below", "1.0")
    wheelhouse.wheel("below", "2.0")
    wheelhouse.wheel("demo", "1.0", requires=["below<2"])
    found = []
    for number, prepare in enumerate(
        ("", "", "import sys, os; sys.modules['uv'] = None; os.environ['PATH'] = '/nowhere'")
    ):
        book = base.notebook(
            LOAD,
            prepare or "pass",
            declare(wheelhouse, "demo", options="--engine pip" if number == 1 else ""),
            SESSIONPKGS_HOME=str(base.home / f"store-{number}"),
        )
        record = book.record(2)
        found.append((record["engine"], [(p["name"], p["version"], p["sha256"]) for p in record["packages"]]))
    assert [engine for engine, _ in found] == ["uv", "pip", "pip"]
    assert found[0][1] == found[1][1] == found[2][1]


def test_the_same_declaration_in_a_new_kernel_is_reopened_without_the_index(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    cell = declare(wheelhouse, "demo")
    assert base.notebook(LOAD, cell).record(1)["source"] == "built"
    (wheel,) = wheelhouse.folder.glob("demo*.whl")
    wheel.unlink()
    book = base.notebook(LOAD, cell, "import demo; print(demo.__version__)")
    assert book.record(1)["source"] == "remembered"
    assert book.text(2) == "1.0"
    refreshed = base.notebook(LOAD, cell.replace("%%session_env", "%%session_env --refresh"), fails=True)
    assert refreshed.error(1).ename == "NotFoundError"


def test_a_change_of_base_is_noticed_when_a_declaration_is_reopened(base: Base, wheelhouse: Wheelhouse) -> None:
    below, _ = wheelhouse.wheel("below", "1.0"), wheelhouse.wheel("demo", "1.0", requires=["below"])
    cell = declare(wheelhouse, "demo")
    assert [p["name"] for p in base.notebook(LOAD, cell).record(1)["packages"]] == ["below", "demo"]
    base.install(below)
    record = base.notebook(LOAD, cell).record(1)
    assert record["source"] != "remembered"
    assert [p["name"] for p in record["packages"]] == ["demo"]


def test_an_interrupt_in_the_middle_of_an_install_leaves_nothing(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    with wheelhouse.index() as index, base.kernel() as kernel:
        asked = threading.Event()

        def hold(handler: BaseHTTPRequestHandler) -> bool:
            asked.set()
            return index.hang(handler)

        index.faults["/simple/demo"] = hold
        kernel.run(LOAD)
        cell = f"%%session_env\n--index-url {index.url}\ndemo\n"
        kernel.client.execute(cell)
        assert asked.wait(30)
        kernel.manager.interrupt_kernel()
        reply = kernel.client.get_shell_msg(timeout=2)
        while reply["parent_header"].get("msg_type") != "execute_request":
            reply = kernel.client.get_shell_msg(timeout=2)
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        assert reply["content"]["traceback"] == ["KeyboardInterrupt: stopped; nothing was changed"]
        children = "import psutil; print([c.name() for c in psutil.Process().children(recursive=True)])"
        assert kernel.run(children).splitlines()[-1] == "[]"
        assert list((base.home / "stage").iterdir()) == []
        index.faults.clear()
        kernel.run(cell)
        assert kernel.run("import demo; print(demo.__version__)") == "1.0"


def test_what_the_kernel_itself_loaded_is_imported_anew_and_said(base: Base, wheelhouse: Wheelhouse) -> None:
    old, _ = wheelhouse.wheel("helper-lib", "1.0"), wheelhouse.wheel("helper-lib", "2.0")
    base.install(old)
    load_like_a_kernel = "import helper_lib, sys; del helper_lib"
    book = base.notebook(
        LOAD,
        load_like_a_kernel,
        declare(wheelhouse, "helper-lib==2.0"),
        "import helper_lib; print(helper_lib.__version__); del helper_lib",
        "%session_env reset",
        "import helper_lib; print(helper_lib.__version__)",
    )
    assert book.text(3) == "2.0"
    assert "helper-lib 1.0" in book.record(2)["notices"][0]
    assert book.text(5) == "1.0"


def test_what_a_variable_holds_cannot_change_under_it(base: Base, wheelhouse: Wheelhouse) -> None:
    old, _ = wheelhouse.wheel("helper-lib", "1.0"), wheelhouse.wheel("helper-lib", "2.0")
    base.install(old)
    book = base.notebook(
        LOAD,
        "import helper_lib as mine, sys; path = list(sys.path)",
        declare(wheelhouse, "helper-lib==2.0"),
        "print(mine.__version__, sys.path == path)",
        fails=True,
    )
    error = book.error(2)
    assert error.ename == "ActivationError"
    assert "helper-lib 1.0" in error.evalue
    assert "helper_lib" in error.evalue
    assert "mine" in error.evalue
    assert book.text(3) == "1.0 True"


def test_a_plan_changes_nothing_and_a_file_is_read(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    wheelhouse.wheel("more", "1.0")
    (base.folder / "asked.txt").write_text(f"--no-index\n--find-links {wheelhouse.folder}\ndemo\n")
    book = base.notebook(
        LOAD,
        declare(wheelhouse, "demo", options="--plan"),
        "import importlib.util as u; print(u.find_spec('demo'))",
        "%session_env set asked.txt",
        "%session_env add more",
        "%session_env remove demo",
        "print(u.find_spec('demo'), u.find_spec('more') is not None)",
        "%session_env status",
        "%session_env -h",
        "%%session_env --file asked.txt\nmore\n",
    )
    assert book.record(1)["action"] == "plan"
    assert book.text(2) == "None"
    assert [p["name"] for p in book.record(3)["packages"]] == ["demo"]
    assert [p["name"] for p in book.record(4)["packages"]] == ["demo", "more"]
    assert book.text(6) == "None True"
    assert [p["name"] for p in book.record(7)["packages"]] == ["more"]
    assert "usage: %session_env" in book.text(8)
    assert [p["name"] for p in book.record(9)["packages"]] == ["demo", "more"]


def test_unloading_gives_base_back_and_loading_again_works(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    book = base.notebook(
        LOAD,
        declare(wheelhouse, "demo"),
        "%unload_ext sessionpkgs",
        "import importlib.util as u; print(u.find_spec('demo'))",
        "%session_env",
        LOAD,
        declare(wheelhouse, "demo"),
        "%reload_ext sessionpkgs",
        "print(u.find_spec('demo'))",
        fails=True,
    )
    assert book.text(3) == "None"
    assert "not found" in book.text(4)
    assert book.record(6)["source"] == "remembered"
    assert book.text(8) == "None"


def test_variables_are_set_for_the_session_and_taken_back(base: Base, wheelhouse: Wheelhouse) -> None:
    body = "dependencies: []\nvariables:\n  DEMO_LEVEL: high\n"
    book = base.notebook(
        "import os; os.environ['DEMO_LEVEL'] = 'mine'",
        LOAD,
        f"%%session_env\n{body}",
        "print(os.environ['DEMO_LEVEL'])",
        "%session_env reset",
        "print(os.environ['DEMO_LEVEL'])",
    )
    assert book.text(3) == "high"
    assert book.text(5) == "mine"


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_a_protected_distribution_is_refused_with_the_chain_that_asked(
    base: Base, wheelhouse: Wheelhouse, engine: str
) -> None:
    wheelhouse.wheel("outer", "1.0", requires=["inner"])
    wheelhouse.wheel("inner", "2.0", requires=["ipython<5"])
    wheelhouse.wheel("ipython", "4.0")
    wheelhouse.wheel("needs-spark", "1.0", requires=["pyspark"])
    wheelhouse.wheel("pyspark", "3.5.0")
    options = f"--engine {engine}"
    book = base.notebook(
        LOAD,
        declare(wheelhouse, "outer", options=options),
        declare(wheelhouse, "needs-spark", options=options),
        declare(wheelhouse, "ipython<5", options=options),
        fails=True,
    )
    for cell, chain in ((1, "outer → inner → ipython==4.0"), (2, "needs-spark → pyspark==3.5.0"), (3, "ipython<5")):
        assert book.error(cell).ename == "Protected"
        assert chain in book.error(cell).evalue


def test_an_editable_folder_is_seen_by_the_kernel_and_its_children(base: Base, wheelhouse: Wheelhouse) -> None:
    source = project(base.folder / "mine", "mine", "0.1")
    (source / "src/mine/__init__.py").write_text("LEVEL = 1\n")
    book = base.notebook(
        LOAD,
        f"%%session_env\n--no-index\n--find-links {wheelhouse.folder}\n-e ./mine\n",
        "import mine; print(mine.LEVEL, mine.__file__)",
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'import mine; print(mine.LEVEL)'], text=True, capture_output=True).stdout)",
        "del mine",
        "%session_env reset",
        "import sys; print('mine' in sys.modules, [p for p in sys.path if 'mine' in p])",
    )
    assert book.text(2).split()[0] == "1"
    assert book.text(3) == "1"
    assert book.text(6) == "False []"


def test_loading_the_extension_writes_nothing_and_installs_nothing(base: Base) -> None:
    until_idle = "import asyncio, sys\nwhile 'sessionpkgs.session' not in sys.modules:\n    await asyncio.sleep(0)"
    base.notebook(LOAD, until_idle, "print('idle')")
    assert list(base.home.iterdir()) == []


def test_a_kernel_that_is_started_from_a_session_declares_for_itself(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    wheelhouse.wheel("demo", "2.0")
    start = (
        "from jupyter_client.manager import KernelManager\n"
        "from jupyter_client.kernelspec import KernelSpecManager\n"
        f"specs = KernelSpecManager(kernel_dirs=[{str(base.folder / 'share/kernels')!r}], ensure_native_kernel=False)\n"
        "other = KernelManager(kernel_name='base', kernel_spec_manager=specs)\n"
        "other.start_kernel()\n"
        "client = other.blocking_client()\n"
        "client.start_channels()\n"
        "client.wait_for_ready(timeout=60)\n"
        "said = []\n"
        "def ask(code):\n"
        "    client.execute_interactive(code, output_hook=lambda m: said.append(m['content'].get('text', '')))\n"
    )
    book = base.notebook(
        LOAD,
        declare(wheelhouse, "demo==1.0"),
        start,
        f"ask({LOAD!r}); ask({declare(wheelhouse, 'demo==2.0')!r}); ask('import demo; print(demo.__version__)')",
        "client.stop_channels(); other.shutdown_kernel(now=True); other.cleanup_resources()",
        "import demo; print(''.join(said).split()[-1], demo.__version__)",
    )
    assert book.text(5) == "2.0 1.0"


def test_a_comment_behind_a_line_magic_is_a_comment(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    wheelhouse.wheel("nice", "1.0")
    book = base.notebook(
        LOAD,
        declare(wheelhouse, "demo", options="# mine"),
        "%session_env add demo==1.0 # nice things",
        "%session_env remove demo # nice",
        "%session_env reset # now",
    )
    assert [p["name"] for p in book.record(2)["packages"]] == ["demo"]
    assert book.record(3)["packages"] == []


def test_a_killed_kernel_takes_its_installer_along_and_the_next_one_heals(base: Base, wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo", "1.0")
    before = base.tree()
    with wheelhouse.index() as index:
        cell = f"%%session_env\n--index-url {index.url}\ndemo\n"
        asked = threading.Event()

        def hold(handler: BaseHTTPRequestHandler) -> bool:
            asked.set()
            return index.hang(handler)

        with base.kernel() as kernel:
            index.faults["/simple/demo"] = hold
            pid = int(kernel.run("import os; print(os.getpid())"))
            kernel.run(LOAD)
            kernel.client.execute(cell)
            assert asked.wait(30)
            running = psutil.Process(pid).children(recursive=True)
            assert running
            psutil.Process(pid).kill()
            _, alive = psutil.wait_procs(running, timeout=10)
            assert alive == []
        del index.faults["/simple/demo"]
        with base.kernel() as kernel:
            kernel.run(LOAD)
            assert "1 package on top of base" in kernel.run(cell)
            assert kernel.run("import demo; print(demo.__version__)") == "1.0"
    assert list((base.home / "stage").iterdir()) == []
    assert base.tree() == before
