"""Pools: made whole or not at all, changed in one step, kept while a kernel holds them, and gone when nobody does."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs import process
from sessionpkgs.cli import main
from sessionpkgs.errors import ActivationError, NotFoundError, PolicyError, SpecError, StoreError
from sessionpkgs.pools import answers, kernelspec, wanted
from sessionpkgs.pools.making import Maker
from sessionpkgs.pools.wanted import Wanted
from sessionpkgs.report import Reporter
from sessionpkgs.store import Store, generations
from sessionpkgs.store.collecting import collect
from sessionpkgs.store.locks import Flock
from tests.bases import Base
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse, project
from tests.workspaces import jar


@pytest.fixture
def maker(home: Path) -> Maker:
    return Maker("user", os.environ)


@pytest.fixture
def wants(wheelhouse: Wheelhouse) -> Callable[..., Wanted]:
    """Gives the declaration of a pool of some lines; keywords are other parts of it."""
    return lambda *asked, **more: Wanted(text=lines(wheelhouse, *asked), label="requirements.txt", **more)


@pytest.fixture
def three(wheelhouse: Wheelhouse) -> Wheelhouse:
    """demo-a in two versions, the second of which needs demo-b; and demo-c."""
    wheelhouse.wheel("demo-a", "1.0", entry_points={"console_scripts": {"demo-tool": "demo_a:main"}})
    wheelhouse.wheel("demo-b", "1.0")
    wheelhouse.wheel("demo-a", "2.0", requires=["demo-b"])
    wheelhouse.wheel("demo-c", "1.0")
    return wheelhouse


def own(answer: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["version"] for row in answer["packages"] if row["layer"] == "pool"}


def left(home: Path) -> list[str]:
    """What is there of pools and of unfinished work."""
    found = [path for part in ("pools", "stage", "sessions") for path in (home / part).glob("*")]
    kernels = Path(kernelspec.folder("user", "x")).parent
    return sorted(str(path) for path in (*found, *(kernels.glob("*") if kernels.is_dir() else ())))


def test_a_pool_is_a_generation_of_layers_and_a_kernelspec(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path, untouched: None
) -> None:
    answer = maker.create("ml", wants("demo-a"))
    assert own(answer) == {"demo-a": "2.0", "demo-b": "1.0"}
    said = generations.read(str(home), "ml")
    assert (said["number"], said["prefix"], said["requested"]) == (1, sys.prefix, ["demo-a"])
    (site,) = said["activation"]["sites"]
    assert (Path(site) / "demo_a/__init__.py").read_text() == '__version__ = "2.0"\n'
    assert list((Path(site) / "demo_a/__pycache__").iterdir()) != []
    spec = json.loads(Path(answer["kernel"], "kernel.json").read_text())
    assert spec["display_name"] == "Python 3 (pool: ml)"
    assert spec["argv"][:4] == [sys.executable, "-m", "sessionpkgs.jupyter.launch", "--pool"]
    assert "env" not in spec
    assert [(row["pool"], row["number"], row["packages"]) for row in answers.listing(os.environ)["pools"]] == [
        ("ml", 1, 2)
    ]
    assert {entry.name for entry in (home / "sessions").iterdir()} == set()


@pytest.mark.parametrize(
    ("asked", "error"),
    [(("missing-name",), NotFoundError), (("demo-a==9",), NotFoundError), (("traitlets<5",), PolicyError)],
)
def test_a_pool_that_cannot_be_made_leaves_nothing(
    maker: Maker,
    wants: Callable[..., Wanted],
    three: Wheelhouse,
    home: Path,
    asked: tuple[str, ...],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        maker.create("ml", wants(*asked))
    assert [path for path in left(home) if not path.endswith("/pools/ml")] == []
    assert generations.pools(str(home)) == []


def test_a_name_that_is_taken_or_cannot_name_a_kernel_is_refused(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    foreign = Path(kernelspec.folder("user", "other"))
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text('{"argv": []}')
    maker.create("ml", wants("demo-c"))
    for name in ("ml", "other", "python3", "Ml", "../x", "", "a" * 80):
        with pytest.raises(SpecError) as caught:
            maker.create(name, wants("demo-a"))
        assert name in str(caught.value) or not name
    assert generations.pools(str(home)) == ["ml"]
    assert (foreign / "kernel.json").read_text() == '{"argv": []}'


def test_an_update_adds_and_removes_in_one_step_and_keeps_versions_that_fit(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    maker.create("ml", wants("demo-b", "demo-c"))
    three.wheel("demo-c", "2.0")
    changed = maker.update("ml", {"text": lines(three, "demo-a", "demo-c")})
    assert own(changed) == {"demo-a": "2.0", "demo-b": "1.0", "demo-c": "1.0"}
    assert changed["changes"] == [{"name": "demo-a", "before": "", "after": "2.0"}]
    newest = maker.update("ml", {}, upgrade=True)
    assert own(newest)["demo-c"] == "2.0"
    gone = maker.update("ml", {"text": lines(three, "demo-c")})
    assert own(gone) == {"demo-c": "2.0"}
    assert gone["number"] == 4


def test_an_update_that_changes_nothing_makes_no_generation(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    maker.create("ml", wants("demo-a", conf=(("spark.x", "1"),)))
    assert maker.update("ml", {})["same"]
    assert generations.numbers(str(home), "ml") == [1]
    assert not maker.update("ml", {"conf": (("spark.x", "2"),)})["same"]
    assert generations.current(str(home), "ml") == 2


def test_an_update_that_fails_leaves_the_pool_as_it_was(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    maker.create("ml", wants("demo-a"))
    before = left(home)
    with pytest.raises(NotFoundError):
        maker.update("ml", {"text": lines(three, "missing-name")})
    assert left(home) == before
    assert generations.current(str(home), "ml") == 1


def test_a_rollback_gives_new_kernels_an_earlier_generation(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    maker.create("ml", wants("demo-a==1.0"))
    with pytest.raises(NotFoundError, match="no generation before 1"):
        maker.rollback("ml")
    for asked in ("demo-a==2.0", "demo-c"):
        maker.update("ml", {"text": lines(three, asked)})
    assert own(maker.rollback("ml")) == {"demo-a": "2.0", "demo-b": "1.0"}
    assert own(maker.rollback("ml", 1)) == {"demo-a": "1.0"}
    with pytest.raises(NotFoundError, match="generation 7"):
        maker.rollback("ml", 7)
    assert maker.update("ml", {"text": lines(three, "demo-b")})["number"] == 4


def test_a_generation_that_is_held_stays_and_is_collected_after(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    store = Store(str(home))
    first = maker.create("ml", wants("demo-a"))
    old = generations.read(str(home), "ml")["activation"]["layer"]
    with generations.lease(str(home), "ml", first["number"]):
        maker.update("ml", {"text": lines(three, "demo-c")})
        collect(store, days=0)
        assert generations.numbers(str(home), "ml") == [1, 2]
        assert answers.listing(os.environ)["pools"][0]["used"] == [1]
        assert (home / "layers" / old / "site/demo_a/__init__.py").is_file()
    collect(store, days=30)
    assert generations.numbers(str(home), "ml") == [1, 2], "a rollback is possible for a while"
    collect(store, days=0)
    assert generations.numbers(str(home), "ml") == [2]
    assert not (home / "layers" / old).exists()
    assert generations.read(str(home), "ml")["packages"][0]["name"] == "demo-c"


def test_a_removed_pool_has_no_kernel_and_stays_for_those_that_run(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    maker.create("ml", wants("demo-a"))
    with generations.lease(str(home), "ml", 1):
        maker.remove("ml")
        assert not Path(kernelspec.folder("user", "ml")).exists()
        collect(Store(str(home)), days=0)
        assert generations.numbers(str(home), "ml") == [1]
        with pytest.raises(NotFoundError, match="there is no pool ml"):
            answers.show("ml", os.environ)
    collect(Store(str(home)), days=0)
    assert left(home) == []
    assert own(maker.create("ml", wants("demo-c"))) == {"demo-c": "1.0"}


def test_a_diff_names_what_changed_and_no_secret(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    maker.create(
        "ml", wants("demo-a==1.0", variables=(("API_TOKEN", "hunter2"),), conf=(("spark.password", "hunter2"),))
    )
    maker.update("ml", {"text": lines(three, "demo-a==2.0"), "variables": (("API_TOKEN", "hunter3"),)})
    answer = answers.diff("ml", os.environ)
    changed = {(row["kind"], row["name"]): (row["before"], row["after"]) for row in answer["changes"]}
    assert changed["package", "demo-a"] == ("1.0", "2.0")
    assert changed["package", "demo-b"] == ("", "1.0")
    assert ("variable", "API_TOKEN") in changed
    told = json.dumps([answer, answers.show("ml", os.environ), answers.show("ml", os.environ, number=1)])
    assert "hunter" not in told


@pytest.mark.parametrize("form", ["pylock", "requirements", "environment"])
def test_an_exported_pool_makes_the_same_pool_again(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, tmp_path: Path, form: str
) -> None:
    maker.create("ml", wants("demo-a==1.0", "demo-c"))
    text = answers.export("ml", os.environ, form)["text"]
    places = f"--find-links {three.folder}\n" if form == "requirements" else ""
    offline = Maker("user", {**os.environ, "PIP_NO_INDEX": "1"})
    again = offline.create("again", Wanted(text=places + text, label="exported"))
    assert own(again) == {"demo-a": "1.0", "demo-c": "1.0"}


def test_a_login_in_the_declaration_of_a_pool_is_refused(maker: Maker, home: Path) -> None:
    text = "--index-url https://me:hunter2@example.org/simple\ndemo-a\n"
    with pytest.raises(SpecError, match="a pool is read by others") as caught:
        maker.create("ml", Wanted(text=text, label="requirements.txt"))
    assert "hunter2" not in str(caught.value)
    assert not any(b"hunter2" in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_a_local_folder_cannot_be_part_of_a_pool(
    maker: Maker, wants: Callable[..., Wanted], tmp_path: Path, home: Path
) -> None:
    folder = project(tmp_path / "mine", "mine")
    with pytest.raises(SpecError, match="mine: a pool cannot hold a local folder"):
        maker.create("ml", wants(str(folder)))


@pytest.mark.parametrize(
    "line", ["novalue", "1x=2", "PATH=/x", "LD_PRELOAD=x", "PYTHONPATH=x", "SESSIONPKGS_HOME=x", "A=x\ny"]
)
def test_a_variable_that_cannot_be_set_is_refused(line: str) -> None:
    with pytest.raises(SpecError):
        wanted.variables([line])


def test_settings_and_variables_are_read_as_written() -> None:
    assert wanted.settings(["spark.sql.x=a=b", "spark.y="]) == (("spark.sql.x", "a=b"), ("spark.y", ""))
    assert wanted.variables(["A_B=1 2"]) == (("A_B", "1 2"),)
    with pytest.raises(SpecError):
        wanted.settings(["spark.x=1\nspark.y=2"])


def test_the_parts_of_a_declaration_come_back_as_they_were_written() -> None:
    one = Wanted(text="x", packages=("a", "b==1"), conf=(("k", "v"),), variables=(("A", "1"),), on_start="#!/bin/sh\n")
    assert Wanted.of_dict({**json.loads(json.dumps(one.to_dict())), "later": 1}) == one
    assert one.changed({"text": None, "packages": ()}) == Wanted.of_dict({**one.to_dict(), "packages": ()})


def test_a_script_of_the_making_sees_the_pool_and_its_failure_leaves_nothing(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    script = (
        f"#!/bin/sh\npython -c 'import demo_a; import os; print(demo_a.__version__, os.environ[\"KEY\"])' > {seen}\n"
    )
    maker.create("ml", wants("demo-a", on_create=script, variables=(("KEY", "value"),)))
    assert seen.read_text() == "2.0 value\n"
    with pytest.raises(ActivationError, match=r"on-create script of the pool ml failed with exit code 3") as caught:
        maker.update("ml", {"on_create": "#!/bin/sh\necho before; echo no licence >&2; exit 3\n"})
    assert "no licence" in str(caught.value)
    assert generations.current(str(home), "ml") == 1
    assert generations.numbers(str(home), "ml") == [1]


CHANGE = f"""
import errno, os, signal, sys
sys.path[:0] = [{str(Path(__file__).parent.parent)!r}]
verb, text, wanted, number, blow = sys.argv[1:]
steps = []
def hear(event, arguments):
    if event == "sessionpkgs.step":
        steps.append(arguments[0])
        if arguments[0] == wanted and steps.count(wanted) == int(number):
            if blow == "KILL":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt if blow == "INT" else OSError(errno.ENOSPC, "No space left on device")
sys.addaudithook(hear)
from sessionpkgs.pools.making import Maker
from sessionpkgs.pools.wanted import Wanted
maker = Maker("user", os.environ)
if verb == "create":
    maker.create("ml", Wanted(text=text, jars=tuple(os.environ.get("JARS", "").split())))
elif verb == "update":
    maker.update("ml", {{"text": text}})
elif verb == "remove":
    maker.remove("ml")
print(" ".join(steps))
"""


def act(verb: str, text: str = "", step: str = "", number: int = 1, blow: str = "KILL") -> process.Completed:
    argv = [sys.executable, "-c", CHANGE, verb, text, step, str(number), blow]
    return process.run(argv, env=dict(os.environ), cwd="/", deadline=120)


def whole(home: Path) -> dict[str, str]:
    """What new kernels get, after all of it was looked at; empty without a pool."""
    if not generations.current(str(home), "ml"):
        return {}
    said = generations.read(str(home), "ml")
    (site,) = said["activation"]["sites"]
    there = {re.split("-", path.name)[0]: path for path in Path(site).glob("*.dist-info")}
    versions = {row["name"]: row["version"] for row in said["packages"]}
    assert {name.replace("_", "-") for name in there} == set(versions)
    for name, path in there.items():
        module = Path(site, name, "__init__.py").read_text()
        assert versions[name.replace("_", "-")] in module
        assert (path / "RECORD").is_file()
    return versions


POOL_STEPS = {
    "pool.rename", "pool.renamed", "pool.link", "pool.switch", "pool.switched", "pool.remove", "generation.discard",
    "kernelspec.rename", "kernelspec.remove", "jar.rename",
}  # fmt: skip
"""Steps that only pools take."""


class Kept:
    """A home and its kernels as they were, to be had again."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.places = [home, Path(kernelspec.folder("user", "ml")).parent]
        self.copies = [folder / place.name for place in self.places]
        for place, copy in zip(self.places, self.copies, strict=True):
            place.mkdir(parents=True, exist_ok=True)
            shutil.copytree(place, copy, symlinks=True)

    def again(self) -> None:
        for place, copy in zip(self.places, self.copies, strict=True):
            shutil.rmtree(place)
            shutil.copytree(copy, place, symlinks=True)


def ended_well(done: process.Completed, blow: str) -> bool:
    """Whether a change that was struck told so, or went on."""
    if blow == "KILL":
        return done.code in (-signal.SIGKILL, 128 + signal.SIGKILL)
    said = "KeyboardInterrupt" if blow == "INT" else "sessionpkgs.errors.StoreError"
    return done.code == 0 or done.stderr.splitlines()[-1].startswith(said)


def again(state: dict[str, str], new: str) -> process.Completed:
    """What somebody does next, to have the new pool after all."""
    return act("update" if state else "create", new)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "blow"),
    [("create", "KILL"), ("update", "KILL"), ("remove", "KILL"), ("update", "INT"), ("create", "ENOSPC")],
)
def test_a_blow_in_the_middle_leaves_the_old_pool_or_the_new_one(
    home: Path, three: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, blow: str
) -> None:
    old, new = lines(three, "demo-a==1.0"), lines(three, "demo-a==2.0", "demo-c")
    empty: dict[str, str] = {}
    first = {"demo-a": "1.0"}
    second = {"demo-a": "2.0", "demo-b": "1.0", "demo-c": "1.0"}
    allowed = {"create": (empty, second), "update": (first, second), "remove": (first, empty)}[verb]
    monkeypatch.setenv("JARS", "tool")
    assert main(["workspace", "add", str(jar(tmp_path / "tool-1.0.jar"))]) == 0
    if verb != "create":
        assert act("create", old).code == 0
    kept = Kept(home, tmp_path / "kept")
    steps = act(verb, new).stdout.split()
    points = [(name, steps[: at + 1].count(name)) for at, name in enumerate(steps)]
    points = [point for point in points if point[0] in POOL_STEPS or (blow == "KILL" and point[0].startswith("layer."))]
    assert len(points) >= 3
    for name, number in points:
        kept.again()
        done = act(verb, new, name, number, blow)
        assert ended_well(done, blow), (name, done.code, done.stderr)
        state = whole(home)
        assert state in allowed, name
        done = again(state, new)
        assert done.code == 0, (name, done.stderr)
        assert whole(home) == second, name
        assert Path(kernelspec.folder("user", "ml"), "kernel.json").is_file()
        collect(Store(str(home)), days=0)
        assert list((home / "stage").iterdir()) == []
        assert len(generations.numbers(str(home), "ml")) == 1


@pytest.mark.slow
def test_the_steps_of_pools_are_those_that_are_struck(
    home: Path, three: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JARS", "tool")
    assert main(["workspace", "add", str(jar(tmp_path / "tool-1.0.jar"))]) == 0
    said: set[str] = set()
    for verb, asked in (("create", "demo-a==1.0"), ("update", "demo-c"), ("remove", "")):
        said |= set(act(verb, lines(three, asked)).stdout.split())
    assert said & POOL_STEPS == POOL_STEPS
    assert {name for name in said if name.startswith(("pool", "generation", "kernelspec", "jar"))} == POOL_STEPS


def test_of_two_updates_at_once_each_is_whole_and_the_later_one_counts(
    home: Path, three: Wheelhouse, start: Callable[..., Any]
) -> None:
    assert act("create", lines(three, "demo-b")).code == 0
    wishes = (("demo-a==1.0",), ("demo-a==2.0", "demo-c"))
    children = [start(CHANGE, "update", lines(three, *asked), "", "1", "") for asked in wishes]
    assert [child.wait(120) for child in children] == [0, 0]
    assert whole(home) in (
        {"demo-a": "1.0"},
        {"demo-a": "2.0", "demo-b": "1.0", "demo-c": "1.0"},
    )
    assert generations.numbers(str(home), "ml") == [1, 2, 3]


def test_a_second_update_waits_for_the_first(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path, start: Callable[..., Any]
) -> None:
    maker.create("ml", wants("demo-b"))
    with Flock(str(home / "locks/pool-ml")) as first:
        first.acquire(exclusive=True, deadline=5)
        first.sign("process 1")
        child = start(CHANGE, "update", lines(three, "demo-c"), "", "1", "")
        heard = Heard()
        other = Maker("user", os.environ, heard)
        with pytest.raises(KeyboardInterrupt):
            other.update("ml", {})
        assert heard.steps == ["waiting for process 1, who changes the pool ml"]
        assert generations.numbers(str(home), "ml") == [1]
    assert child.wait(60) == 0
    assert generations.numbers(str(home), "ml") == [1, 2]


class Heard(Reporter):
    """Keeps what is said, and interrupts who waits."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def tick(self) -> None:
        raise KeyboardInterrupt


def test_a_pool_store_that_others_can_write_to_is_not_trusted(home: Path) -> None:
    generations.trusted(str(home))
    home.chmod(0o777)
    with pytest.raises(StoreError, match="may be written by others"):
        generations.trusted(str(home))


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"layout": 99}'])
def test_a_torn_generation_is_named(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path, torn: str
) -> None:
    maker.create("ml", wants("demo-a"))
    (home / "pools/ml/generations/1/generation.json").write_text(torn)
    with pytest.raises(StoreError, match=r"generation\.json"):
        generations.read(str(home), "ml")
    assert answers.listing(os.environ)["pools"][0]["fault"]
    with pytest.raises(StoreError, match=r"generation\.json"):
        maker.update("ml", {})
    again = maker.update("ml", {"text": lines(three, "demo-c")})
    assert (again["number"], own(again)) == (2, {"demo-c": "1.0"})
    (home / "pools/ml/generations/2/generation.json").write_text(torn)
    with pytest.raises(StoreError, match=r"generation\.json"):
        maker.rollback("ml", 1)
    maker.remove("ml")
    collect(Store(str(home)), days=0)
    assert list((home / "layers").iterdir()) == [], "what nobody can name is not kept"
    assert left(home) == []


def test_the_command_line_makes_shows_changes_and_removes_a_pool(
    home: Path, three: Wheelhouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = tmp_path / "requirements.txt"
    declared.write_text(lines(three, "demo-a==1.0"))

    def run(*words: str) -> str:
        assert main(["pool", *words]) == 0
        return capsys.readouterr().out

    (tmp_path / "session.yml").write_text("dependencies: [pip]\n")
    (tmp_path / "start.sh").write_text("exit 0\n")
    made = run(
        "create", "ml", "--requirements", str(declared), "--conf", "spark.x=1", "--variables", "KEY=v",
        "--session", str(tmp_path / "session.yml"), "--on-start", str(tmp_path / "start.sh"),
    )  # fmt: skip
    assert "The pool ml (for yourself), generation 1: 1 package," in made
    assert "Python 3 (pool: ml)" in made
    assert re.search(r"ml +1 +user", run("list"))
    assert "demo-a  1.0      pool" in run("show", "ml")
    declared.write_text(lines(three, "demo-a"))
    assert "~ demo-a 1.0 → 2.0" in run("update", "ml", "--requirements", str(declared), "--upgrade")
    assert main(["pool", "diff", "ml", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["before"] == 1
    assert "~ demo-a 2.0 → 1.0" in run("rollback", "ml")
    target = tmp_path / "pool.txt"
    run("export", "ml", "-o", str(target))
    assert "demo-a==1.0" in target.read_text()
    run("remove", "ml")
    assert "No pools yet" in run("list")
    assert main(["pool", "create", "ml"]) == SpecError.exit_code
    assert "nothing was named" in capsys.readouterr().err


def test_a_jar_that_no_generation_has_is_collected_and_the_others_stay(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path, tmp_path: Path
) -> None:
    for name in ("kept-1.0.jar", "gone-1.0.jar"):
        assert main(["workspace", "add", str(jar(tmp_path / name, entries=[(f"{name}/Main.class", name)]))]) == 0
    maker.create("ml", wants("demo-a", jars=("kept", "gone")))
    assert len(list((home / "artifacts").iterdir())) == 2
    maker.update("ml", {"jars": ("kept",)})
    for place in (home / "artifacts").iterdir():
        os.utime(place, (1, 1))
    collect(Store(str(home)), days=30)
    assert len(list((home / "artifacts").iterdir())) == 2, "the generation before has both"
    collect(Store(str(home)), days=0)
    (left_,) = (home / "artifacts").iterdir()
    assert [path.name for path in left_.iterdir()] == ["kept-1.0.jar"]
    assert Path(generations.read(str(home), "ml")["jars"][0]["path"]).is_file()


def test_the_store_of_shared_pools_is_looked_after_by_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    (tmp_path / "env/share").mkdir(parents=True)
    for verb in (["du"], ["gc", "--days", "0"], ["verify"]):
        assert main(["store", *verb, "--sys-prefix", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["root"] == str(tmp_path / "env/share/sessionpkgs")


def test_a_pool_of_another_interpreter_is_made_by_that_one(home: Path, three: Wheelhouse, tmp_path: Path) -> None:
    base = Base(tmp_path / "other", home)
    declared = tmp_path / "requirements.txt"
    declared.write_text(lines(three, "demo-a"))
    python = os.path.relpath(base.python, Path(__file__).parent.parent)
    words = ["pool", "create", "ml", "--requirements", str(declared), "--python", python, "--json"]
    argv = [sys.executable, "-m", "sessionpkgs.cli", *words]
    done = process.run(argv, env=dict(os.environ), cwd=str(Path(__file__).parent.parent), deadline=120)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["python"] == base.python
    bare = tmp_path / "bare"
    shutil.copytree(tmp_path / "other/venv", bare, symlinks=True)
    for path in bare.rglob("behind.pth"):
        path.unlink()
    done = process.run(
        [*argv[:-2], str(bare / "bin/python")],
        env=dict(os.environ),
        cwd=str(Path(__file__).parent.parent),
        deadline=120,
    )
    assert done.code == 20
    assert "it has no sessionpkgs" in done.stderr


def test_a_name_that_two_scopes_have_wants_to_be_told_which(
    maker: Maker,
    wants: Callable[..., Wanted],
    three: Wheelhouse,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker.create("ml", wants("demo-a"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    shutil.copytree(home / "pools", tmp_path / "share/sessionpkgs/pools", symlinks=True)
    with pytest.raises(SpecError, match="more than one pool ml") as caught:
        answers.show("ml", os.environ)
    assert "--user or --sys-prefix" in caught.value.hint
    assert answers.scope_of("ml", os.environ, "sys-prefix") == "sys-prefix"


def test_the_pools_of_somebody_else_are_named_as_theirs(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, home: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    maker.create("ml", wants("demo-a"))
    os.chown(home, 65534, -1)
    for change in (lambda: maker.update("ml", {}), lambda: maker.remove("ml"), lambda: maker.rollback("ml")):
        with pytest.raises(StoreError, match="belong to nobody, and only they can change them"):
            change()
    os.chown(home, 0, -1)


def test_a_script_says_what_runs_it_and_a_declaration_for_the_start_can_be_read(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, tmp_path: Path
) -> None:
    (tmp_path / "start.py").write_text("import os\n")
    with pytest.raises(SpecError, match="does not say what runs it"):
        wanted.script(str(tmp_path / "start.py"))
    (tmp_path / "start.py").write_text("#!/usr/bin/env python3\n")
    assert wanted.script(str(tmp_path / "start.py")).startswith("#!")
    with pytest.raises(SpecError, match="--session"):
        maker.create("ml", wants("demo-a", session="demo=="))


def test_a_script_that_no_kernel_may_run_is_refused_when_the_pool_is_made(
    maker: Maker, wants: Callable[..., Wanted], three: Wheelhouse, tmp_path: Path
) -> None:
    (tmp_path / "policy.toml").write_text("on_start = false\n")
    strict = Maker("user", {**os.environ, "SESSIONPKGS_POLICY": str(tmp_path / "policy.toml")})
    for script in ("on_create", "on_start"):
        with pytest.raises(PolicyError, match="on_start = false"):
            strict.create("ml", wants("demo-a", **{script: "#!/bin/sh\n"}))


def test_a_reader_that_goes_away_is_no_error(
    home: Path, three: Wheelhouse, maker: Maker, wants: Callable[..., Wanted]
) -> None:
    maker.create("ml", wants("demo-a"))
    words = f"{sys.executable} -m sessionpkgs.cli pool show ml --json | true; exit ${{PIPESTATUS[0]}}"
    done = process.run(["bash", "-c", words], env=dict(os.environ), cwd=str(Path(__file__).parent.parent), deadline=60)
    assert (done.code, done.stderr) == (0, "")


def test_a_pool_of_an_environment_can_be_read_by_everybody(home: Path, three: Wheelhouse, tmp_path: Path) -> None:
    base = Base(tmp_path / "other", home)
    declared = tmp_path / "requirements.txt"
    declared.write_text(lines(three, "demo-a==1.0"))
    words = ["pool", "create", "ml", "--sys-prefix", "--requirements", str(declared), "--json"]
    done = process.run([base.python, "-m", "sessionpkgs.cli", *words], env=dict(os.environ), cwd="/", deadline=120)
    assert done.code == 0, done.stderr
    answer = json.loads(done.stdout)
    root = tmp_path / "other/venv/share/sessionpkgs"
    assert answer["root"] == str(root)
    assert answer["kernel"] == str(tmp_path / "other/venv/share/jupyter/kernels/ml")
    said = generations.read(str(root), "ml")
    needed = [*root.glob("pools/ml/**/*"), *(Path(said["activation"]["sites"][0]).resolve() / "demo_a").rglob("*")]
    needed += [Path(said["activation"]["boot"], "sitecustomize.py"), Path(said["activation"]["bin"], "demo-tool")]
    assert [path for path in needed if not path.stat().st_mode & stat.S_IROTH] == []
    above = {parent for path in needed for parent in path.resolve().parents if parent.is_relative_to(root)}
    assert [path for path in above if not path.stat().st_mode & stat.S_IXOTH] == []
    ours = [path for part in ("", "pools", "layers", "dists") for path in (root / part).glob("**/*" if part else "*")]
    assert [path for path in ours if not path.is_symlink() and path.stat().st_mode & 0o022] == []
