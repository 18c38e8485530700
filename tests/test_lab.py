"""A restart in place in JupyterLab and Notebook 7: Run All goes on, no dialog opens, and the page works afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bases import Base
from tests.browsing import FLAGS, Page, Server, chromium, needs, until
from tests.wheelhouse import Wheelhouse

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

LOAD = "%load_ext sessionpkgs"
RESTART = "%session_env restart"
PID = "import os\nprint(os.getpid())"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    needs("playwright", "jupyterlab", "notebook")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def base(tmp_path: Path, home: Path) -> Base:
    return Base(tmp_path, home)


def declared(wheelhouse: Wheelhouse, base: Base) -> tuple[str, str, str]:
    """A cell that imports demo 1.0 of *base*, one that upgrades it, and one that says what is there then."""
    base.install(wheelhouse.wheel("demo", "1.0", files={"demo.py": 'VERSION = "1.0"\nclass Thing: ...\n'}))
    wheelhouse.wheel("demo", "2.0", files={"demo.py": 'VERSION = "2.0"\n'})
    return (
        "import demo\nheld = demo.Thing()\nprint(demo.VERSION)",
        f"%%session_env -f\n--no-index\n--find-links {wheelhouse.folder}\ndemo==2.0\n",
        "import demo\nprint(demo.VERSION, 'held' in dir())",
    )


def quiet(page: Page) -> None:
    """Asserts that nothing asked or complained."""
    assert page.dialogs() == []
    assert page.errors == []


@pytest.mark.parametrize(
    ("kind", "theme"), [("lab", "Light"), ("lab", "Dark"), ("notebook", "Light"), ("notebook", "Dark")]
)
def test_run_all_goes_on_in_the_new_python_and_nobody_is_asked(
    kind: str, theme: str, browser: Any, base: Base, wheelhouse: Wheelhouse
) -> None:
    held, upgrade, seen = declared(wheelhouse, base)
    with Server(base, kind, f"JupyterLab {theme}") as server:
        page = Page(browser, server, server.write("a.ipynb", f"{LOAD}\n{held}", PID, upgrade, seen, PID, "1 + 1"))
        page.command("notebook:run-all-cells")
        shown, saved = page.book(), page.saved()
        page.photograph(f"{kind}-{theme.lower()}")
        quiet(page)
    assert [cell.outputs for cell in shown.cells] == [cell.outputs for cell in saved.cells]
    assert (saved.text(0), saved.text(3)) == ("1.0", "2.0 False")
    assert saved.text(1) == saved.text(4)
    assert saved.cells[5].outputs[0].data == {"text/plain": "2"}
    assert [cell.execution_count for cell in saved.cells] == [1, 2, 3, 4, 5, 6]
    assert "restarted in place" in " ".join(saved.record(2)["notices"])


@pytest.mark.index
def test_numpy_that_was_imported_is_another_one_in_the_next_cell(browser: Any, base: Base) -> None:
    base.fetch("numpy==2.2.6")
    cells = (
        f"{LOAD}\nimport numpy\nprint(numpy.__version__)",
        "%%session_env -f\nnumpy==2.3.5\n",
        "import numpy\nprint(numpy.__version__, numpy.add(numpy.ones(2), 1).sum())",
    )
    with Server(base, "lab") as server:
        page = Page(browser, server, server.write("numpy.ipynb", *cells))
        page.command("notebook:run-all-cells")
        book = page.saved()
        page.photograph("numpy")
        quiet(page)
    assert (book.text(0), book.text(2)) == ("2.2.6", "2.3.5 4.0")


def test_fifty_cells_with_five_restarts_run_three_times(browser: Any, base: Base) -> None:
    cells = [RESTART if number % 10 == 4 else f"print({number}, {number} * 7)" for number in range(1, 51)]
    with Server(base, "lab") as server:
        page = Page(browser, server, server.write("long.ipynb", LOAD, *cells))
        for _ in range(3):
            page.command("notebook:run-all-cells")
            book = page.book()
            said = [book.text(number) for number in range(1, 51)]
            assert said == ["" if cell == RESTART else f"{n} {n * 7}" for n, cell in enumerate(cells, 1)]
            counts = [cell.execution_count for cell in book.cells]
            assert counts == list(range(counts[0], counts[0] + 51))
        quiet(page)


SLIDER = "import ipywidgets\nslider = ipywidgets.IntSlider(value=3)\nslider"
BUTTON = """import anywidget, traitlets
class Count(anywidget.AnyWidget):
    _esm = '''export default { render({ model, el }) {
      const button = document.createElement("button");
      button.className = "counting";
      const show = () => { button.textContent = "count " + model.get("value"); };
      button.onclick = () => { model.set("value", model.get("value") + 1); model.save_changes(); };
      model.on("change:value", show); show(); el.appendChild(button);
    } }'''
    value = traitlets.Int(0).tag(sync=True)
count = Count()
count"""


@pytest.mark.parametrize("kind", ["lab", "notebook"])
def test_widgets_of_before_and_after_a_restart(kind: str, browser: Any, base: Base) -> None:
    needs("ipywidgets", "anywidget")
    cells = (LOAD, SLIDER, RESTART, SLIDER, BUTTON, "print(slider.value, count.value)", "count.value = 40")
    with Server(base, kind) as server:
        page = Page(browser, server, server.write("widgets.ipynb", *cells))
        page.command("notebook:run-all-cells")
        page.page.locator(".noUi-target").nth(1).click(position={"x": 100, "y": 2})
        read = "[...document.querySelectorAll('.widget-readout')].at(-1).textContent"
        page.page.wait_for_function(f"{read} !== '3'")
        moved = page.page.evaluate(read)
        page.page.locator(".counting").click()
        page.page.wait_for_function("document.querySelector('.counting').textContent.endsWith('41')")
        page.run(5)
        page.photograph(f"widgets-{kind}")
        assert page.book().text(5) == f"{moved} 41"
        quiet(page)


def test_interrupt_debugger_menu_restart_and_shutdown_work_after_a_restart(browser: Any, base: Base) -> None:
    cells = (LOAD, RESTART, "import time\ntime.sleep(300)", "print('on')", "x = 1", "print('x' in dir())")
    with Server(base, "lab") as server:
        page = Page(browser, server, server.write("after.ipynb", *cells))
        for number in (0, 1, 4):
            page.run(number)
        page.start(2)
        page.command("notebook:interrupt-kernel")
        until(server.ready, "idle kernel after an interrupt")
        page.run(3)
        assert page.book().text(3) == "on"
        assert page.book().error(2).ename == "KeyboardInterrupt"
        for command in ("debugInfo", "initialize"):
            asked = {
                "type": "request",
                "seq": 1,
                "command": command,
                "arguments": {"adapterID": "", "clientID": "test"},
            }
            assert page.kernel(f"requestDebug({asked}).done".replace("True", "true"))["content"]["success"]
        before = server.kernels()[0]["id"]
        page.page.evaluate("void window.jupyterapp.commands.execute('notebook:restart-kernel')")
        page.page.locator(".jp-Dialog .jp-mod-accept").click()
        page.page.wait_for_function("document.querySelector('.jp-Dialog') === null")
        until(server.ready, "idle kernel after the menu's restart")
        page.run(5)
        assert page.book().text(5) == "False"
        assert server.kernels()[0]["id"] == before
        assert page.errors == []
        page.page.evaluate("void window.jupyterapp.commands.execute('notebook:shutdown-kernel')")
        until(lambda: server.kernels() == [], "end of the kernel")
