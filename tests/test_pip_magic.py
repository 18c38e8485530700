"""``%pip`` and its kin as people write them, in a real kernel: what each form gives, or the sentence that refuses it."""

from __future__ import annotations

import subprocess  # noqa: TID251 - makes the repository that a form installs from
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.bases import Base, Kernel
from tests.wheelhouse import Wheelhouse, project, sha256_of

pytestmark = pytest.mark.kernel

LOAD = "%load_ext sessionpkgs"
SEEN = """
import importlib.metadata as _m
print(' '.join(f"{n}={_m.version(n)}" for n in ('base-a', 'demo-a', 'demo-b', 'demo-x', 'local-p', 'vcs-p') if [*_m.distributions(name=n)]))
"""


class Place(NamedTuple):
    """A kernel on a base with base-a 1.0, and an index with base-a, demo-a (1.0, 2.0, 3.0rc1), demo-b, demo-x."""

    kernel: Kernel
    folder: Path
    wheels: Path

    def run(self, cell: str) -> str:
        """What *cell* showed; ``{wheels}``, ``{hash}`` and ``{repository}`` stand for places."""
        names = {
            "{wheels}": str(self.wheels),
            "{hash}": sha256_of(self.wheels / "demo_a-2.0-py3-none-any.whl"),
            "{repository}": str(self.folder / "repository"),
        }
        for name, value in names.items():
            cell = cell.replace(name, value)
        return self.kernel.run(cell)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The kernel that all forms run in, one after the other."""
    folder = tmp_path_factory.mktemp("forms")
    house = Wheelhouse(folder / "wheels")
    home = folder / "home"
    home.mkdir(mode=0o700)
    for version in ("1.0", "2.0"):
        house.wheel("base-a", version)
    for version in ("1.0", "2.0", "3.0rc1"):
        house.wheel("demo-a", version)
    house.wheel("demo-b", "1.0", requires=["demo-a"], extras={"x": ["demo-x"]})
    house.wheel("demo-x", "1.0")
    base = Base(folder, home)
    base.install(house.folder / "base_a-1.0-py3-none-any.whl")
    (folder / "reqs.txt").write_text("demo-b\ndemo-a<2\n")
    (folder / "limits.txt").write_text("demo-a<2\n")
    (folder / "hashed.txt").write_text(
        f"demo-a==2.0 --hash=sha256:{sha256_of(house.folder / 'demo_a-2.0-py3-none-any.whl')}\n"
    )
    (folder / "env.yml").write_text("dependencies:\n  - pip:\n    - demo-a<2\n")
    project(folder / "local", "local-p")
    repository = folder / "repository"
    project(repository, "vcs-p")
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "-m", "x"],
    ):
        subprocess.run(["git", *words], cwd=repository, check=True)
    more = {"PIP_FIND_LINKS": str(house.folder), "PIP_NO_INDEX": "1", "SECRET_TOKEN": "s3cret"}
    with base.kernel(**more) as kernel:
        kernel.run(LOAD)
        yield Place(kernel, folder, house.folder)


INSTALLS = [
    ("%pip install demo-a", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-a==1.0", "base-a=1.0 demo-a=1.0"),
    ("%pip install 'demo-a<2' \"demo-x\"", "base-a=1.0 demo-a=1.0 demo-x=1.0"),
    ("%pip install demo-a<2", "base-a=1.0 demo-a=1.0"),
    ("%pip install demo-a>1.0", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-a > 1.0, < 3", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-a>=1.0,<2 2>/dev/null", "base-a=1.0 demo-a=1.0"),
    ("%pip install demo-a~=1.0", "base-a=1.0 demo-a=1.0"),
    ("%pip install demo-b[x]", "base-a=1.0 demo-a=2.0 demo-b=1.0 demo-x=1.0"),
    ("%pip install -q demo-a", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-a --q", "base-a=1.0 demo-a=2.0"),
    ("%pip install --quiet --upgrade demo-a", "base-a=1.0 demo-a=2.0"),
    ("%pip install -Uq base-a", "base-a=2.0"),
    ("%pip install base-a", "base-a=1.0"),
    ("%pip install -U pip base-a", "base-a=2.0"),
    ("%pip install --force-reinstall --no-cache-dir base-a==1.0", "base-a=1.0"),
    ("%pip install --pre demo-a", "base-a=1.0 demo-a=3.0rc1"),
    ("%pip install --no-deps demo-b", "base-a=1.0 demo-b=1.0"),
    ("%pip install -r reqs.txt", "base-a=1.0 demo-a=1.0 demo-b=1.0"),
    ("%pip install -rreqs.txt", "base-a=1.0 demo-a=1.0 demo-b=1.0"),
    ("%pip install -r hashed.txt --require-hashes", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-b -c limits.txt", "base-a=1.0 demo-a=1.0 demo-b=1.0"),
    ("%pip install --no-index --find-links {wheels} demo-x", "base-a=1.0 demo-x=1.0"),
    ("%pip install --find-links={wheels} demo-x", "base-a=1.0 demo-x=1.0"),
    ("%pip install {wheels}/demo_a-1.0-py3-none-any.whl", "base-a=1.0 demo-a=1.0"),
    ("%pip install file://{wheels}/demo_a-1.0-py3-none-any.whl", "base-a=1.0 demo-a=1.0"),
    ("%pip install ./wheels/demo_a-1.0-py3-none-any.whl", "base-a=1.0 demo-a=1.0"),
    ("%pip install -e ./local", "base-a=1.0 local-p=1.0"),
    ("%pip install ./local", "base-a=1.0 local-p=1.0"),
    ("%pip install vcs-p@git+file://{repository}", "base-a=1.0 vcs-p=1.0"),
    ("%pip install 'vcs-p @ git+file://{repository}'", "base-a=1.0 vcs-p=1.0"),
    ("%pip install vcs-p @ git+file://{repository}", "base-a=1.0 vcs-p=1.0"),
    ("%pip install demo-a\n%pip uninstall -y nothing-here demo-a", "base-a=1.0"),
    ("%pip uninstall -y nothing-here", "base-a=1.0"),
    ("%pip install demo-a  # the newest", "base-a=1.0 demo-a=2.0"),
    ("# packages\n%pip install demo-a\n%pip install demo-x\nimport demo_a, demo_x", "base-a=1.0 demo-a=2.0 demo-x=1.0"),
    ("%pip install demo-a \\\n    demo-x", "base-a=1.0 demo-a=2.0 demo-x=1.0"),
    ("wanted = 'demo-a==1.0'\n%pip install {wanted}", "base-a=1.0 demo-a=1.0"),
    ("wanted = 'demo-x'\n%pip install $wanted", "base-a=1.0 demo-x=1.0"),
    ("%pip install demo-a 2>&1 | grep -v 'already satisfied'", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-a | tail -n 1", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-a > /dev/null 2>&1", "base-a=1.0 demo-a=2.0"),
    ("%pip install --user --break-system-packages demo-a", "base-a=1.0 demo-a=2.0"),
    ("%pip install -y --disable-pip-version-check --progress-bar off demo-a", "base-a=1.0 demo-a=2.0"),
    ("%pip install --dry-run demo-a", "base-a=1.0"),
    ("pip install demo-a", "base-a=1.0 demo-a=2.0"),
    ("%%pyspark\n%pip install demo-a", "base-a=1.0 demo-a=2.0"),
    ("%load_ext sessionpkgs\n%pip install demo-a\nimport demo_a", "base-a=1.0 demo-a=2.0"),
    ("%uv pip install demo-a==1.0", "base-a=1.0 demo-a=1.0"),
    ("%uv pip install -U base-a", "base-a=2.0"),
    ("%uv pip sync reqs.txt", "base-a=1.0 demo-a=1.0 demo-b=1.0"),
    ("%session_env add -r reqs.txt demo-x", "base-a=1.0 demo-a=1.0 demo-b=1.0 demo-x=1.0"),
    ("%session_env add demo-a<2 --engine pip", "base-a=1.0 demo-a=1.0"),
    ("%conda env update -f env.yml", "base-a=1.0 demo-a=1.0"),
    ("%pip install demo-a base-a==2.0\n%pip uninstall -y base-a", "base-a=1.0 demo-a=2.0"),
    ("%pip install demo-b demo-x\n%pip uninstall -y demo-b", "base-a=1.0 demo-x=1.0"),
    ("%pip install demo-a\n%uv pip uninstall demo-a", "base-a=1.0"),
    ("%pip install demo-a\n%conda remove -y demo-a", "base-a=1.0"),
    ("%pip install demo-a==1.0\n%pip install demo-b", "base-a=1.0 demo-a=1.0 demo-b=1.0"),
]


@pytest.mark.parametrize(("cell", "seen"), INSTALLS, ids=[cell for cell, _ in INSTALLS])
def test_a_form_of_install_gives_what_it_says(place: Place, cell: str, seen: str) -> None:
    place.run("%session_env reset")
    before = sorted(path.name for path in place.folder.iterdir())
    shown = place.run(cell)
    assert place.run(SEEN) == seen, shown
    assert sorted(path.name for path in place.folder.iterdir()) == before


REFUSALS = [
    ("%pip install", "SpecError", "names nothing"),
    ("%pip install reqs.txt", "SpecError", "-r reqs.txt"),
    ("%pip install demo-a, demo-x", "SpecError", "demo-a demo-x"),
    ("%pip install no-such-thing", "NotFoundError", "no-such-thing"),
    ("%pip install demo-a==9", "NotFoundError", "demo-a==9"),
    ("%pip install --target /tmp/x demo-a", "SpecError", "--target"),
    ("%pip install --trusted-host h demo-a", "SpecError", "trusted-host"),
    ("%pip install demo-a && echo done", "SpecError", "line of its own"),
    ("%pip install demo-a || true", "SpecError", "||"),
    ("%pip install demo-a | xargs pip install", "SpecError", "pip"),
    ("%pip install --upgarde demo-a", "SpecError", "--upgrade"),
    ("%pip install 'demo-a", "SpecError", "quot"),
    ("%pip instal demo-a", "SpecError", "install"),
    ("%pip uninstall -y base-a", "Protected", "belongs to base"),
    ("%pip install demo-b\n%pip uninstall -y demo-a", "SpecError", "demo-b needs it"),
    ("%pip install ipykernel==6.29.0", "Protected", "ipykernel"),
    ("%pip install -r absent.txt", "SpecError", "absent.txt"),
    ("%pip install ./absent", "NotFoundError", "absent"),
    ("%pip install git+file://{repository}-absent", "NotFoundError", "git cannot read the repository"),
    ("%pip install git+file://{repository}", "SpecError", "Write vcs-p @ git+file://"),
    ("%uv add demo-a", "SpecError", "%uv pip install"),
    ("%conda create -n x", "SpecError", "conda create"),
    ("%conda install -n other demo-a", "SpecError", "one environment"),
    ("%conda install bwa-mem2", "SpecError", "bwa-mem2"),
    ("%mamba install zz-unknown-zz", "SpecError", "zz-unknown-zz"),
]


@pytest.mark.parametrize(("cell", "kind", "words"), REFUSALS, ids=[cell for cell, _, _ in REFUSALS])
def test_what_cannot_be_done_is_refused_in_words_and_the_cell_ends_there(
    place: Place, cell: str, kind: str, words: str
) -> None:
    place.run("%session_env reset")
    shown = place.run(f"{cell}\nprint('went on')")
    assert f"{kind}: " in shown
    assert words in " ".join(shown.split())
    assert "went on" not in shown
    assert "Traceback" not in shown


def test_lists_tell_the_level_and_go_through_what_stands_behind_them(place: Place) -> None:
    place.run("%session_env reset")
    place.run("%pip install demo-b base-a==2.0")
    assert "base-a" in place.run("%pip list | grep base-a")
    assert place.run("%pip freeze | grep demo") == "demo-a==2.0\ndemo-b==1.0"
    place.run("%pip freeze > frozen.txt")
    frozen = place.folder / "frozen.txt"
    assert "base-a==2.0" in frozen.read_text().splitlines()
    frozen.unlink()
    assert "'name': 'demo-a'" in place.run("import json\nout = %pip list --format json\nprint(out)").replace('"', "'")
    assert "Required-by: demo-b" in place.run("%pip show demo-a")
    assert place.run("%pip check") == "No broken requirements."
    why = place.run("%session_env why demo-a")
    assert "demo-b" in why
    assert why.index("demo-b") < why.index("demo-a 2.0")


def test_verbs_of_a_session_go_through_what_stands_behind_them_too(place: Place) -> None:
    place.run("%session_env reset")
    place.run("%pip install demo-b")
    assert place.run("%session_env freeze | grep demo-a") == "demo-a==2.0"
    place.run("%session_env export --format requirements > exported.txt")
    exported = place.folder / "exported.txt"
    assert "demo-b==1.0" in exported.read_text()
    exported.unlink()
    assert "The session is over: base again, without demo-a 2.0, demo-b 1.0." in place.run("%unload_ext sessionpkgs")
    place.run(LOAD)


def test_download_puts_files_where_it_is_told(place: Place) -> None:
    place.run("%session_env reset")
    shown = place.run("%pip download -d got demo-b")
    assert sorted(path.name for path in (place.folder / "got").iterdir()) == [
        "demo_a-2.0-py3-none-any.whl",
        "demo_b-1.0-py3-none-any.whl",
    ]
    assert "2 files" in shown
    assert place.run(SEEN) == "base-a=1.0"


def test_an_install_past_the_session_is_explained_and_what_it_changed_is_named(place: Place) -> None:
    place.run("%session_env reset")
    shown = place.run(f"!{sys.executable} -m pip install --no-deps --quiet --target {{wheels}}/../elsewhere demo-x")
    assert "changes the base environment" in shown
    assert "%pip install" in shown
    assert "Base was changed" not in shown
    site = place.kernel.base.site
    shown = place.run(
        f"!python -m uv pip install -q --target {site} demo-x || pip install --no-deps -q --target {site} demo-x"
    )
    assert "Base was changed: demo_x 1.0 was added" in shown
    for path in site.glob("demo_x*"):
        subprocess.run(["rm", "-r", str(path)], check=True)


def test_the_magics_of_before_come_back_and_another_ones_override_stays(place: Place) -> None:
    stock = "get_ipython().find_line_magic('pip').__self__.__class__.__name__"
    for _ in range(2):
        place.run("%unload_ext sessionpkgs")
        assert place.run(f"print({stock})") == "PackagingMagics"
        assert place.run("%pip --version").startswith("pip ")
        place.run(LOAD)
        assert place.run(f"print({stock})") == "Packages"
        assert place.run("%pip --version").startswith("pip ")
    place.run("def mine(line): print('mine', line)\nget_ipython().register_magic_function(mine, 'line', 'pip')")
    place.run("%unload_ext sessionpkgs")
    assert place.run("%pip install demo-a") == "mine install demo-a"
    assert "UsageError" in place.run("%session_env status")
    place.run(LOAD)
    assert place.run("%pip install -q demo-a") == ""
    place.run("%unload_ext sessionpkgs")
    assert place.run("%pip x") == "mine x"
    place.run("del get_ipython().magics_manager.magics['line']['pip']\n" + LOAD)


def test_a_failing_line_stops_the_notebook_and_shows_no_login(
    tmp_path: Path, home: Path, wheelhouse: Wheelhouse
) -> None:
    with wheelhouse.index() as index:
        index.faults["/"] = 401
        place = index.url.replace("://", "://me:hush@")
        line = f"%pip install --index-url {place} demo-q"
        book = Base(tmp_path, home).notebook(LOAD, f"{line}\nprint('went on')", "print('later')", fails=True)
    assert book.error(1).ename == "IndexUnavailable"
    assert book.text(1) == ""
    shown = "".join(book.error(1).traceback)
    assert index.host in shown
    assert "hush" not in shown


def test_taking_over_can_be_left_out(tmp_path: Path, home: Path) -> None:
    book = Base(tmp_path, home).notebook(
        LOAD,
        "%pip --version",
        "print(get_ipython().find_line_magic('pip').__self__.__class__.__name__)",
        SESSIONPKGS_TAKE_OVER="no",
    )
    assert book.text(1).startswith("pip ")
    assert book.text(2) == "PackagingMagics"
