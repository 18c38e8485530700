"""Cells that are not ours, in a real kernel: failed imports, a vendor's first line, and cells that we leave alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bases import Base, Kernel
from tests.wheelhouse import Index, Wheelhouse

pytestmark = pytest.mark.kernel

LOAD = "%load_ext sessionpkgs"
LINE = "%session_env add demo-a"
STORED = "demo_a is in demo-a 2.0 (it is in the store)"
PASSED = "%%pyspark is passed over"


class Place(NamedTuple):
    """A kernel whose store has demo-a 2.0, which the session does not have any more, and the index it came from."""

    kernel: Kernel
    served: Index

    def run(self, cell: str) -> str:
        return self.kernel.run(cell)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("watching")
    home = folder / "home"
    home.mkdir(mode=0o700)
    house = Wheelhouse(folder / "wheels")
    house.wheel("base-a", "1.0")
    house.wheel("demo-a", "2.0")
    base = Base(folder, home)
    base.install(house.folder / "base_a-1.0-py3-none-any.whl")
    with house.index() as index, base.kernel(PIP_INDEX_URL=index.url) as kernel:
        kernel.run(LOAD)
        kernel.run("%pip install demo-a\n%session_env reset")
        yield Place(kernel, index)


@pytest.fixture(autouse=True)
def anew(place: Place) -> None:
    """A session with nothing in it, and nothing asked of the index yet."""
    place.run("%session_env reset")
    place.run(
        "import sys\nfor name in [n for n in sys.modules if n.partition('.')[0] == 'demo_a']: del sys.modules[name]"
    )
    place.served.requests.clear()


@pytest.mark.parametrize(
    "cell", ["import demo_a", "from demo_a import x", "import json, demo_a as d", "__import__('demo_a')"]
)
def test_a_failed_import_of_what_the_store_has_shows_the_line_that_brings_it(place: Place, cell: str) -> None:
    shown = place.run(cell)
    assert "ModuleNotFoundError" in shown
    assert STORED in shown
    assert LINE in shown
    assert place.served.requests == []


def test_the_shown_line_makes_the_import_work(place: Place) -> None:
    shown = place.run("import demo_a")
    (line,) = [part[part.index("%session_env add") :] for part in shown.splitlines() if "%session_env add" in part]
    assert "demo-a" in place.run(line)
    assert place.run("import demo_a\nprint(demo_a.__version__)") == "2.0"


def test_an_import_that_was_caught_is_nobodys_business(place: Place) -> None:
    assert place.run("try:\n    import demo_a\nexcept ImportError:\n    print('without')") == "without"


@pytest.mark.parametrize(
    "cell",
    [
        "import nobody_knows_this_name",
        "import base_a.nothing_there",
        "import json.nothing_there",
        "from json import nothing_there",
        "raise ModuleNotFoundError('demo_a')",
        "raise ImportError('demo_a', name='demo_a')",
        "1 / 0",
        "import (",
    ],
)
def test_another_error_shows_nothing_more_and_asks_no_index(place: Place, cell: str) -> None:
    shown = place.run(cell)
    assert "Error" in shown
    assert "session_env" not in shown
    assert place.served.requests == []


def test_a_module_in_the_users_own_folder_is_not_offered_from_elsewhere(place: Place) -> None:
    own = Path(place.kernel.base.folder) / "demo_a.py"
    own.write_text("import nobody_knows_this_name\n")
    try:
        assert "session_env" not in place.run("import importlib; importlib.invalidate_caches()\nimport demo_a")
    finally:
        own.unlink()
        place.run("import importlib; importlib.invalidate_caches()")


def test_a_name_that_the_session_has_is_not_offered_again(place: Place) -> None:
    place.run(LINE)
    shown = place.run("import demo_a.nothing_there")
    assert "ModuleNotFoundError" in shown
    assert "session_env" not in shown


PLAIN = [
    ("1 + 1", "2"),
    ("x = 1", ""),
    ("", ""),
    ("pip = conda = mamba = 'install'", ""),
    ("print('!pip install x')", "!pip install x"),
    ("# !pip install x\n# %%pyspark", ""),
    ("!echo pip install x", "pip install x"),
    ("%%capture\nprint('hidden')", ""),
    ("text = '%%pyspark'\nprint(text)", "%%pyspark"),
]


@pytest.mark.parametrize(("cell", "output"), PLAIN, ids=[cell for cell, _ in PLAIN])
def test_a_cell_that_is_not_about_packages_shows_its_own_output_alone(place: Place, cell: str, output: str) -> None:
    assert place.run(cell) == output


@pytest.fixture
def kernel(tmp_path: Path, home: Path) -> Iterator[Kernel]:
    """A kernel of the test's own, on an empty store."""
    with Base(tmp_path, home).kernel(PIP_NO_INDEX="1") as running:
        yield running


def test_pyspark_as_first_line_is_explained_once_and_passed_over_always(kernel: Kernel) -> None:
    kernel.run(LOAD)
    first = kernel.run("%%pyspark\nprint('one')")
    assert first.startswith(PASSED)
    assert first.endswith("one")
    assert kernel.run("%%pyspark\nprint('two')") == "two"
    assert kernel.run("\n\n%%pyspark\nprint('three')") == "three"
    kernel.run("%unload_ext sessionpkgs")
    assert "pyspark" in kernel.run("%%pyspark\nprint('four')")


def test_pyspark_with_words_behind_it_is_not_said_to_be_passed_over(kernel: Kernel) -> None:
    kernel.run(LOAD)
    shown = kernel.run("%%pyspark --session mine\nprint('one')")
    assert (PASSED in shown) == shown.endswith("one")


def test_a_pyspark_magic_of_the_users_own_stays_in_use(kernel: Kernel) -> None:
    kernel.run(
        "def mine(line, cell): print('mine', cell)\nget_ipython().register_magic_function(mine, 'cell', 'pyspark')"
    )
    kernel.run(LOAD)
    assert kernel.run("%%pyspark\nx = 1") == "mine x = 1"
    kernel.run("del get_ipython().magics_manager.magics['cell']['pyspark']")
    assert kernel.run("%%pyspark\nprint('one')").endswith("one")
    kernel.run("get_ipython().register_magic_function(mine, 'cell', 'pyspark')")
    assert kernel.run("%%pyspark\ny = 1") == "mine y = 1"


def test_cells_that_are_not_about_packages_load_nothing_for_the_watch(kernel: Kernel) -> None:
    kernel.run(LOAD)
    kernel.run("x = 1\n1 / 0")
    loaded = "import sys\nprint([n for n in sys.modules if n.rpartition('.')[2] in ('bystanders', 'offers')])"
    assert kernel.run(loaded) == "[]"


@pytest.mark.parametrize("broken", ["store", "settings"])
def test_an_offer_that_fails_leaves_the_users_error_alone(
    kernel: Kernel, home: Path, surroundings: Path, broken: str
) -> None:
    kernel.run(LOAD)
    if broken == "store":
        home.chmod(0o777)
    else:
        (surroundings / "sessionpkgs.toml").write_text("engine = [")
    shown = kernel.run("import nobody_knows_this_name")
    assert "No module named 'nobody_knows_this_name'" in shown
    assert "callback" not in shown
    assert "StoreError" not in shown
    assert "SpecError" not in shown
    assert kernel.run("print('goes on')") == "goes on"


def test_an_install_past_the_session_that_fails_is_explained_and_no_change_is_told(kernel: Kernel) -> None:
    kernel.run(LOAD)
    shown = kernel.run("!pip install --quiet no-such-thing-here")
    assert shown.startswith("!pip install --quiet no-such-thing-here changes the base environment")
    assert "Base was changed" not in shown
    assert kernel.run("print('quiet again')") == "quiet again"
