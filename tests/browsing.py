"""JupyterLab and Notebook 7 in a browser without a window: a server on a base, a page with one notebook on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess  # noqa: TID251 - a server is a program
import sys
import time
import urllib.request
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import nbformat
import pytest

from tests.bases import Base, Notebook

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}
CELLS = "window.jupyterapp.shell.currentWidget.content"
_WATCH = """() => {
  window.seen = [];
  const look = () => document.querySelectorAll('.jp-Dialog').forEach(one => window.seen.push(one.textContent));
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true});
}"""

Found = TypeVar("Found")


def chromium() -> str:
    """Path of the browser; without it the test is skipped."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine; Debian's package is chromium")
    return found


def needs(*modules: str) -> None:
    """Skip the test where one of *modules* is not installed."""
    for module in modules:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install --group browser")


def until(check: Callable[[], Found], what: str, seconds: float = 90.0) -> Found:
    """What *check* gives as soon as it is true; *what* it waits for is named where that does not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := check():
                return found
        except (OSError, ValueError):  # it is not there yet, answers 500 while it adds a kernel, or writes its file
            pass
        time.sleep(0.1)  # a browser and a server tell nobody when they are done
    raise AssertionError(f"no {what} within {seconds:.0f} s")


class Server:
    """A Jupyter server of the test environment, whose kernels run on *base*; *kind* is ``lab`` or ``notebook``."""

    def __init__(self, base: Base, kind: str, theme: str = "JupyterLab Light") -> None:
        self.base, self.kind, self.folder = base, kind, base.folder / f"server-{kind}"
        self.root = self.folder / "root"
        self.root.mkdir(parents=True)
        for plugin, value in {**SETTINGS, "apputils-extension/themes": {"theme": theme}}.items():
            file = self.folder / "settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value))

    def __enter__(self) -> Server:
        at = {
            f"JUPYTER{name}": str(self.folder / folder)
            for name, folder in {
                "_CONFIG_DIR": "config", "_DATA_DIR": "share", "_RUNTIME_DIR": "run",
                "LAB_SETTINGS_DIR": "settings", "LAB_WORKSPACES_DIR": "workspaces",
            }.items()
        }  # fmt: skip
        env = self.base.environment(
            **at, IPYTHONDIR=str(self.folder / "ipython"), JUPYTER_PATH=str(self.base.folder / "share")
        )
        program, app = ("jupyterlab", "LabApp") if self.kind == "lab" else ("notebook", "JupyterNotebookApp")
        words = [
            "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--IdentityProvider.token=test",
            f"--{app}.expose_app_in_browser=True", f"--ServerApp.root_dir={self.root}",
        ]  # fmt: skip
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen([sys.executable, "-m", program, *words], env=env, stdout=log, stderr=log)
        self.url = until(self._url, "server")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _url(self) -> str:
        files = list((self.folder / "run").glob("jpserver-*.json"))
        return str(json.loads(files[0].read_text())["url"]) if files else ""

    def kernels(self) -> list[dict[str, Any]]:
        """What the server says of its kernels."""
        asked = urllib.request.Request(f"{self.url}api/kernels", headers={"Authorization": "token test"})
        with urllib.request.urlopen(asked, timeout=20) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def ready(self) -> bool:
        """Whether there is one idle kernel that a page listens to."""
        found = self.kernels()
        return len(found) == 1 and found[0]["execution_state"] == "idle" and found[0]["connections"] >= 1

    def write(self, name: str, *cells: str) -> Path:
        """A notebook of *cells* for kernels on the base."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata["kernelspec"] = {"name": "base", "display_name": "base", "language": "python"}
        nbformat.write(book, self.root / name)
        return self.root / name


class Page:
    """A page of *browser* with the notebook *file* of *server*."""

    def __init__(self, browser: Any, server: Server, file: Path) -> None:
        self.server, self.file = server, file
        self.errors: list[str] = []
        self.page = browser.new_page(viewport={"width": 1100, "height": 900})
        self.page.set_default_timeout(120_000)
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        place = "doc/tree" if server.kind == "lab" else "notebooks"
        self.page.goto(f"{server.url}{place}/{file.name}?token=test")
        self.page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.content?.model?.cells?.length > 0")
        until(server.ready, "idle kernel")
        self.page.evaluate(_WATCH)
        self.errors.clear()  # what a page says of its own start is not about us: Notebook 7.6 misses a schema

    def command(self, name: str) -> Any:
        """What the command *name* of the application gives in the end."""
        return self.page.evaluate(f"window.jupyterapp.commands.execute({name!r}).then(done => done ?? null, String)")

    def run(self, number: int) -> None:
        """Run cell *number*, and wait for its end."""
        self.page.evaluate(f"{CELLS}.activeCellIndex = {number}")
        self.command("notebook:run-cell")

    def start(self, number: int) -> None:
        """Run cell *number*, and wait until it runs."""
        self.page.evaluate(
            f"({CELLS}.activeCellIndex = {number}, void window.jupyterapp.commands.execute('notebook:run-cell'))"
        )
        until(lambda: self.server.kernels()[0]["execution_state"] == "busy", "busy kernel")

    def book(self) -> Notebook:
        """The notebook as the page has it."""
        told = self.page.evaluate(f"{CELLS}.model.toJSON()")
        return Notebook(nbformat.from_dict(told))

    def saved(self) -> Notebook:
        """The notebook as the file has it, after saving."""
        self.command("docmanager:save")
        return Notebook(nbformat.read(self.file, as_version=4))

    def dialogs(self) -> list[str]:
        """Text of every dialog that was open since the page was."""
        seen: list[str] = self.page.evaluate("window.seen")
        return seen

    def kernel(self, call: str) -> Any:
        """What a method of the page's kernel connection gives."""
        return self.page.evaluate(f"window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.{call}")

    def photograph(self, name: str) -> None:
        """Leave a picture in the folder that SHOTS names, for people."""
        if folder := os.environ.get("SHOTS"):
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))
