"""Pools in JupyterLab: each is in the launcher, and its notebooks show all three levels with their origins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from sessionpkgs import process
from tests.bases import Base
from tests.browsing import FLAGS, Page, Server, chromium, needs, until
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse
from tests.workspaces import jar

pytestmark = [pytest.mark.browser, pytest.mark.kernel]

SEEN = "import demo; print(demo.__version__)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    needs("playwright", "jupyterlab")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield opened
        opened.close()


class Team(Base):
    """A base with two pools, of which one has a wheel and a jar of the workspace."""

    def run(self, *words: str) -> None:
        """One command of ``sessionpkgs``, that succeeds."""
        env = self.environment(JUPYTER_DATA_DIR=str(self.folder / "share"))
        argv = [self.python, "-m", "sessionpkgs.cli", *words]
        done = process.run(argv, env=env, cwd=str(self.folder), deadline=120)
        assert done.code == 0, done.stderr


@pytest.fixture
def team(tmp_path: Path, home: Path, wheelhouse: Wheelhouse) -> Team:
    base = Team(tmp_path, home)
    for version in ("1.0", "2.0", "3.0"):
        wheelhouse.wheel("demo", version)
    base.install(wheelhouse.wheel("below", "1.0"))
    tools = Wheelhouse(tmp_path / "team").wheel("team-tools", "1.4", requires=["demo"])
    base.run("workspace", "add", str(tools), str(jar(tmp_path / "team-udfs-1.1.jar")))
    for pool, version in (("reports", "2.0"), ("legacy", "1.0")):
        (tmp_path / "r.txt").write_text(lines(wheelhouse, f"demo=={version}"))
        base.run("pool", "create", pool, "--requirements", "r.txt")
    base.run("workspace", "assign", "team-tools", "--pool", "reports")
    base.run("workspace", "assign", "team-udfs", "--pool", "reports")
    return base


def write(server: Server, pool: str, *cells: str) -> Path:
    """A notebook for kernels of *pool*."""
    path = server.write(f"{pool}.ipynb", *cells)
    book = nbformat.read(path, as_version=4)
    book.metadata["kernelspec"] = {"name": pool, "display_name": f"Python 3 (pool: {pool})", "language": "python"}
    nbformat.write(book, path)
    return path


def test_both_pools_are_in_the_launcher_and_a_session_on_top_shows_three_levels(
    browser: Any, team: Team, wheelhouse: Wheelhouse
) -> None:
    declare = f"%%session_env -f\n--no-index\n--find-links {wheelhouse.folder}\ndemo==3.0\nteam-tools\nbelow\n"
    with Server(team, "lab") as server:
        page = Page(
            browser,
            server,
            write(
                server,
                "reports",
                SEEN,
                declare,
                "import importlib.metadata as m; print(m.version('demo'))",
                "%session_env",
            ),
        )
        page.command("notebook:run-all-cells")
        book = page.saved()
        assert book.text(0) == "2.0"
        assert not any(output.output_type == "error" for cell in book.cells for output in cell.outputs)
        text = book.cells[3].outputs[0].data["text/plain"]
        assert "pool reports" in text
        wanted = (
            "demo .*session",
            "demo .*pool reports",
            "team-tools .*workspace",
            "below .*base",
            "team-udfs .*jar .*workspace",
        )
        assert [one for one in wanted if not re.search(one, text)] == [], text
        page.photograph("pool-status")
        page.command("launcher:create")
        cards = "[...document.querySelectorAll('.jp-LauncherCard')].map(one => one.title || one.textContent)"
        shown = until(lambda: [one for one in page.page.evaluate(cards) if "pool" in one], "launcher")
        assert {one.strip() for one in shown} >= {"Python 3 (pool: reports)", "Python 3 (pool: legacy)"}
        page.photograph("pool-launcher")
        assert page.errors == []


def test_each_pool_has_its_own_version_in_the_dark_too(browser: Any, team: Team) -> None:
    with Server(team, "lab", "JupyterLab Dark") as server:
        page = Page(browser, server, write(server, "legacy", SEEN, "%session_env"))
        page.command("notebook:run-all-cells")
        book = page.saved()
        page.photograph("pool-legacy-dark")
    assert book.text(0) == "1.0"
