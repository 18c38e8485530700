"""Session beats pool beats base: at import, in metadata, on PATH, in children, and in every answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs.display import Result
from sessionpkgs.display.answers import Answer
from sessionpkgs.model import Package
from sessionpkgs.session.uploads import Uploads
from tests.bases import Base
from tests.display.test_display import Page
from tests.recordings import executed
from tests.sessions import Make, lines
from tests.wheelhouse import Wheelhouse, unpack

JSON = dict[str, Any]
Over = Callable[..., "Python"]

TALK = """
import contextlib, json, sys
base, generation = sys.argv[1:]
sys.path.append(base)
from sessionpkgs import Session, SessionPkgsError
from sessionpkgs.overlay import Overlay
from sessionpkgs.places import home
import os
if generation:
    Overlay(home(os.environ)).begin(json.loads(generation))
session = Session(identity=f"on-a-pool-{os.getpid()}")
for line in sys.stdin:
    try:
        said = eval(json.loads(line))
    except SessionPkgsError as error:
        said = {"error": f"{error.sentence} | {error.hint}"}
    print(json.dumps(said), flush=True)
"""

PROBE = """
def probe():
    import importlib.metadata, subprocess, sys
    run = lambda *argv: subprocess.run(argv, capture_output=True, text=True).stdout.strip()
    child = "import demo, importlib.metadata as m; print(demo.__version__, m.version('demo'))"
    return (__import__("demo").__version__, importlib.metadata.version("demo"), run("demo-tool"), run(sys.executable, "-c", child))
"""
MAKE = """
import json
from sessionpkgs import Session
maker = Session(identity="maker")
record = maker.declare({!r})
rows = [{{**row, "layer": "pool"}} for row in record["packages"]]
generation = json.dumps({{"pool": "ml", "number": 2, "activation": maker.overlay.active, "packages": rows, "jars": []}})
maker.close()
print(generation)
"""
BEGIN = """
import json, os
from sessionpkgs.overlay import Overlay
from sessionpkgs.places import home
Overlay(home(os.environ)).begin(json.loads({!r}))
%load_ext sessionpkgs
"""


KEPT_BY_THE_POOL = asdict(
    Package(name="six", version="1.16", base="1.16", layer="base", state="kept", requested=True, origin="base")
)


class Python:
    """A Python of its own, with a pool to its end where it was given one."""

    def __init__(self, child: Any) -> None:
        self._child = child

    def __call__(self, expression: str) -> Any:
        print(json.dumps(expression), file=self._child.stdin, flush=True)
        return json.loads(self._child.stdout.readline())

    def declare(self, text: str) -> JSON:
        record: JSON = self(f"session.declare({text!r})")
        return record


@pytest.fixture
def pool(session: Make, wheelhouse: Wheelhouse) -> Callable[..., JSON]:
    """Gives the generation of a pool with what lines ask for, made by a session that is over; keywords are its fields."""

    def make(*asked: str, **more: object) -> JSON:
        maker = session(f"maker-{more.get('number', 2)}")
        record = maker.declare(lines(wheelhouse, *asked))
        rows = [{**row, "layer": "pool"} if row["layer"] == "session" else row for row in record["packages"]]
        activation = json.loads(json.dumps(maker.overlay.active))
        maker.close()
        return {"pool": "ml", "number": 2, "activation": activation, "packages": rows, "jars": [], **more}

    return make


@pytest.fixture
def over(start: Callable[..., Any], tmp_path: Path, home: Path) -> Over:
    """Gives a Python on a generation (none without one) and over a folder of base."""
    below = tmp_path / "below-all"
    below.mkdir()
    return lambda generation=None: Python(start(TALK, str(below), json.dumps(generation) if generation else ""))


def base_has(tmp_path: Path, *wheels: Path) -> None:
    for wheel in wheels:
        unpack(wheel, tmp_path / "below-all")


def demo(wheelhouse: Wheelhouse, version: str, **more: Any) -> Path:
    """A wheel of demo that says its version in code, in metadata and by its script."""
    code = f"__version__ = {version!r}\n\ndef main():\n    print(__version__)\n"
    points = {"console_scripts": {"demo-tool": "demo:main"}}
    return wheelhouse.wheel("demo", version, files={"demo/__init__.py": code}, entry_points=points, **more)


def levels(answer: JSON) -> dict[str, tuple[str, str, str]]:
    return {row["name"]: (row["layer"], row["base"], row["version"]) for row in answer["packages"]}


# -- what Python sees -------------------------------------------------------------------------------------------------


@pytest.mark.kernel
def test_session_beats_pool_beats_base_and_what_is_taken_out_shows_what_it_hid(
    tmp_path: Path, home: Path, wheelhouse: Wheelhouse
) -> None:
    base = Base(tmp_path, home)
    base.install(demo(wheelhouse, "1.0"))
    for version in ("2.0", "3.0"):
        demo(wheelhouse, version)
    wheelhouse.wheel("side")
    with base.kernel() as kernel:
        kernel.run(PROBE)
        assert kernel.run("probe()") == "('1.0', '1.0', '1.0', '1.0 1.0')"
        generation = kernel.run(MAKE.format(lines(wheelhouse, "demo==2.0", "side")))
        assert kernel.run("probe()") == "('1.0', '1.0', '1.0', '1.0 1.0')"
    with base.kernel() as kernel:
        kernel.run(PROBE)
        kernel.run(BEGIN.format(generation))
        assert kernel.run("probe()") == "('2.0', '2.0', '2.0', '2.0 2.0')"
        install = f"%pip install --no-index --find-links {wheelhouse.folder} demo==3.0"
        assert "1 package on top of pool ml (generation 2) an" in kernel.run(install)
        assert kernel.run("probe()") == "('3.0', '3.0', '3.0', '3.0 3.0')"
        child = "import demo, side; print(demo.__version__, side.__version__)"
        assert kernel.run(f"import sys\n!{{sys.executable}} -c '{child}'") == "3.0 1.0"
        assert "Removed demo 3.0" in kernel.run("%pip uninstall -y demo")
        assert kernel.run("probe()") == "('2.0', '2.0', '2.0', '2.0 2.0')"
        assert "demo 2.0 belongs to the pool ml" in kernel.run("%pip uninstall -y demo")
        assert "Reset: pool ml (generation 2) and base again" in kernel.run("%session_env reset")
        assert kernel.run("probe()") == "('2.0', '2.0', '2.0', '2.0 2.0')"


def test_a_loaded_module_of_the_pool_is_nothing_that_left_the_session(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON]
) -> None:
    wheelhouse.wheel("demo-a")
    python = over(pool("demo-a"))
    assert python("__import__('demo_a').__version__") == "1.0"
    assert python("session.ask.answer('check')['findings']") == []


def test_modules_of_the_pool_stay_loaded_while_the_session_changes(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON]
) -> None:
    for name in ("demo-a", "more"):
        wheelhouse.wheel(name)
    python = over(pool("demo-a"))
    first = python("id(__import__('demo_a'))")
    for declared in ("more", "demo-a", "more"):
        python.declare(lines(wheelhouse, declared))
        assert python("id(__import__('demo_a'))") == first
    python("session.reset() and 0")
    assert python("id(__import__('demo_a'))") == first
    assert python("session.ask.answer('check')['findings']") == []


def test_what_the_session_would_break_of_the_pool_comes_along_and_goes_with_it(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON]
) -> None:
    wheelhouse.wheel("low", "2.0")
    wheelhouse.wheel("user", "2.0", requires=["low>=2"])
    generation = pool("user", "low")
    wheelhouse.wheel("low", "1.0")
    wheelhouse.wheel("user", "1.0", requires=["low<2"])
    python = over(generation)
    made = python.declare(lines(wheelhouse, "low<2"))
    assert levels(made) == {"low": ("session", "2.0", "1.0"), "user": ("session", "2.0", "1.0")}
    assert {row["name"]: row["state"] for row in made["pool_packages"]} == {"low": "shadowed", "user": "shadowed"}
    left = python("session.remove(['low'])")
    assert (levels(left), sorted(left["dropped"])) == ({}, ["low 1.0", "user 1.0"])
    assert {row["name"]: row["state"] for row in left["pool_packages"]} == {"low": "active", "user": "active"}


# -- what is answered ---------------------------------------------------------------------------------------------------


def test_a_list_names_the_level_and_the_version_right_below(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], tmp_path: Path
) -> None:
    base_has(
        tmp_path, wheelhouse.wheel("both", "1.0"), wheelhouse.wheel("all-three", "1.0"), wheelhouse.wheel("only-base")
    )
    for name in ("both", "all-three"):
        wheelhouse.wheel(name, "2.0")
    wheelhouse.wheel("all-three", "3.0")
    wheelhouse.wheel("only-pool")
    python = over(pool("both==2.0", "all-three==2.0", "only-pool"))
    python.declare(lines(wheelhouse, "all-three==3.0", "only-pool", "only-base"))
    listed = python("session.ask.answer('list')")
    found = levels(listed)
    assert {name: found[name] for name in ("both", "all-three", "only-pool", "only-base")} == {
        "both": ("pool", "1.0", "2.0"),
        "all-three": ("session", "2.0", "3.0"),
        "only-pool": ("pool", "", "1.0"),
        "only-base": ("base", "", "1.0"),
    }
    assert {row["name"] for row in listed["packages"] if row["requested"]} == {"all-three", "only-pool", "only-base"}
    text = [line.split() for line in Answer(listed).text.splitlines()]
    assert text[0][1:] == [
        "packages,",
        "1",
        "of",
        "them",
        "on",
        "top",
        "of",
        "pool",
        "ml",
        "and",
        "base,",
        "2",
        "of",
        "the",
        "pool:",
    ]
    assert ["*", "all-three", "2.0", "3.0", "session"] in text
    assert ["both", "1.0", "2.0", "pool", "ml"] in text
    assert ["only-pool", "–", "1.0", "pool", "ml"] in text
    assert python("session.ask.answer('freeze', everything=False)['lines']") == ["all-three==3.0"]
    everything = python("session.ask.answer('freeze', everything=True)['lines']")
    assert {"all-three==3.0", "both==2.0", "only-base==1.0", "only-pool==1.0"} <= {*everything}
    shown = Answer(python("session.ask.answer('show', names=['both'])")).text.splitlines()
    assert ("Version: 2.0" in shown, "Layer: pool ml" in shown) == (True, True)
    assert (
        "neither in the session nor in the pool ml nor in base"
        in python("session.ask.answer('show', names=['no'])")["error"]
    )


def test_why_begins_in_the_pool_where_no_line_of_the_session_leads_there(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], tmp_path: Path
) -> None:
    base_has(tmp_path, wheelhouse.wheel("low", "1.0"))
    wheelhouse.wheel("low", "2.0")
    wheelhouse.wheel("top", requires=["low>=2"])
    wheelhouse.wheel("mine", requires=["low"])
    python = over(pool("top"))
    told = python("session.ask.answer('why', name='low')")
    assert (told["layer"], told["base"], told["along"]) == ("pool", "1.0", False)
    assert Answer(told).text == "top 1.0 (pool ml)\n└─ low 2.0 (pool ml)"
    python.declare(lines(wheelhouse, "mine"))
    assert Answer(python("session.ask.answer('why', name='low')")).text.splitlines() == [
        "mine (asked)",
        "└─ low 2.0 (pool ml)",
        "top 1.0 (pool ml)",
        "└─ low 2.0 (pool ml)",
    ]


def test_what_did_not_fit_in_the_pool_before_is_no_fault_of_the_session(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], tmp_path: Path
) -> None:
    base_has(
        tmp_path,
        wheelhouse.wheel("low"),
        wheelhouse.wheel("user", requires=["low<2"]),
        wheelhouse.wheel("lone", requires=["no"]),
    )
    wheelhouse.wheel("low", "2.0")
    wheelhouse.wheel("low", "3.0")
    wheelhouse.wheel("top", requires=["low<3"])
    python = over(pool("low==2.0", "top"))

    def findings() -> dict[str, str]:
        answer = python("session.ask.answer('check')")
        assert answer["ok"] == all(one["fault"] != "session" for one in answer["findings"])
        return {one["dist"]: one["fault"] for one in answer["findings"] if one["dist"] in ("user", "lone", "top")}

    assert findings() == {"lone": "base", "user": "pool"}
    text = Answer(python("session.ask.answer('check')")).text
    assert "user 1.0 has requirement low<2, but you have low 2.0. (base and pool alone have this" in " ".join(
        text.split()
    )
    assert "lone 1.0 requires no, which is not installed. (base alone has this too)" in text
    python("os.environ.update(SESSIONPKGS_UNION='warn')")
    python.declare(lines(wheelhouse, "low==3.0"))
    assert findings() == {"lone": "base", "user": "pool", "top": "session"}


def test_what_the_kernel_loaded_of_base_before_the_pool_is_the_pools_matter(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON]
) -> None:
    wheelhouse.wheel("comm", "99.0")
    generation = pool("comm==99.0")
    python = over()
    old = python("__import__('comm').__version__")
    python(f"Overlay(home(os.environ)).begin(json.loads({json.dumps(generation)!r}))")
    (found,) = [one for one in python("session.ask.answer('check')['findings']") if one["kind"] == "loaded"]
    told = [found[key] for key in ("dist", "version", "has", "layer", "fault")]
    assert told == ["comm", "99.0", f"comm {old}", "pool", "pool"]
    assert "restart" not in Answer({"action": "check", "findings": [found]}).text


# -- what a result shows and a record holds ---------------------------------------------------------------------------


def test_a_result_shows_three_levels_with_their_origins(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], tmp_path: Path
) -> None:
    base_has(tmp_path, wheelhouse.wheel("only-base"), wheelhouse.wheel("low", "1.0"))
    wheelhouse.wheel("low", "2.0")
    wheelhouse.wheel("low", "3.0")
    wheelhouse.wheel("top", requires=["below-top"])
    wheelhouse.wheel("below-top")
    jar = {
        "name": "delta",
        "version": "3.2",
        "sha256": "ab" * 32,
        "path": "/x/delta.jar",
        "coordinate": "io.d:delta:3.2",
    }
    generation = pool("low==2.0", "top", jars=[jar])
    python = over({**generation, "packages": [*generation["packages"], KEPT_BY_THE_POOL]})
    empty = python("session.status()")
    assert Result(empty).text.startswith("Session environment: nothing on top of pool ml (generation 2) and base")
    record = python.declare(lines(wheelhouse, "low==3.0", "only-base", "top"))
    again = python.declare(lines(wheelhouse, "low==3.0", "only-base", "top"))
    for made in (record, again, python("session.status()")):
        assert (made["pool"], made["pool_distributions"]) == ("ml 2", {"low": "2.0", "top": "1.0", "below-top": "1.0"})
        origin = "wheelhouse"
        assert Page(str(Result(made).bundle()["text/html"])).rows == [
            ["Package", "Base/pool", "", "Session", "Layer", "State", "Origin"],
            ["low", "2.0", "→", "3.0", "session", "active", origin],
            ["only-base", "1.0", "", "1.0", "base", "kept", "–"],
            ["top", "1.0", "", "1.0", "pool ml", "kept", "wheelhouse"],
            ["low", "2.0", "", "–", "pool ml", "shadowed", origin],
            ["six", "1.16", "", "1.16", "base", "kept", "–"],
            ["delta", "–", "", "3.2", "pool ml, jar", "active", "workspace"],
        ]
        assert "Pool ml: 1 more package, which %session_env list shows" in Result(made).text
    assert [(row["name"], row["state"]) for row in empty["pool_packages"]] == [
        ("low", "active"),
        ("top", "active"),
        ("six", "kept"),
        ("delta", "active"),
    ]
    assert [(row["name"], row["origin"]) for row in record["packages"]] == [
        ("low", str(wheelhouse.folder)),
        ("only-base", "base"),
        ("top", str(wheelhouse.folder)),
    ]


def test_another_generation_with_the_same_layer_is_not_taken_for_the_first(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON]
) -> None:
    wheelhouse.wheel("low")
    wheelhouse.wheel("mine")
    for number in (2, 3):
        made = over(pool("low", number=number)).declare(lines(wheelhouse, "mine"))
        assert (made["source"], made["pool"]) == ("built" if number == 2 else "remembered", f"ml {number}")


def test_where_a_wheel_came_from_is_said_and_no_secret_with_it(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSIONPKGS_WORKSPACE", str(tmp_path / "shared"))
    (tmp_path / "linked").symlink_to(tmp_path / "shared")
    mine = wheelhouse.wheel("mine")
    Uploads(os.environ).add([str(mine)])
    mine.unlink()
    monkeypatch.setenv("SESSIONPKGS_WORKSPACE", str(tmp_path / "linked"))
    wheelhouse.wheel("hosted")
    direct = wheelhouse.wheel("direct")
    with wheelhouse.index() as index:
        url = index.url.replace("://", "://me:sesame@")
        asked = f"--index-url {url}\nmine\nhosted\ndirect @ {index.url_of(direct).replace('://', '://me:sesame@')}\n"
        made = session().declare(asked)
        host = index.url.partition("://")[2].partition("/")[0]
        assert {row["name"]: row["origin"] for row in made["packages"]} == {
            "mine": "workspace",
            "hosted": host,
            "direct": index.url_of(direct),
        }
        assert made["indexes"] == (index.url,), "the workspace's has another name each time"
    assert "sesame" not in json.dumps(made)
    rows = Page(str(Result(made).bundle()["text/html"])).rows
    assert [row[-1] for row in rows] == ["Origin", host, host, "workspace"]


@pytest.fixture
def recorded(over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], tmp_path: Path) -> str:
    """A notebook that was executed on generation 2 of the pool ml, which has low 1.0, that its session needs, and idle 1.0."""
    for name in ("low", "idle"):
        for version in ("1.0", "2.0"):
            wheelhouse.wheel(name, version)
    wheelhouse.wheel("mine", requires=["low"])
    made = over(pool("low<2", "idle<2")).declare(lines(wheelhouse, "mine", "idle"))
    return executed(tmp_path / "done.ipynb", made)


def differences(answer: JSON) -> list[tuple[str, str, str, str, bool]]:
    return [tuple(one[key] for key in ("kind", "name", "then", "now", "needed")) for one in answer["differences"]]


def test_a_notebook_does_not_differ_on_the_pool_that_it_was_executed_on(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], recorded: str
) -> None:
    python = over(pool("low<2", "idle<2"))
    restored = python(f"session.restore({recorded!r})")
    assert levels(restored) == {"mine": ("session", "", "1.0"), "idle": ("pool", "1.0", "1.0")}
    assert python(f"session.ask.diff({recorded!r})")["differences"] == []


def test_another_generation_and_its_versions_are_named(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], recorded: str
) -> None:
    wheelhouse.wheel("added")
    python = over(pool("low>=2", "idle>=2", "added", number=3))
    answer = python(f"session.ask.diff({recorded!r}, live=False)")
    assert differences(answer) == [
        ("pool", "", "ml 2", "ml 3", True),
        ("pool", "idle", "1.0", "2.0", True),
        ("pool", "low", "1.0", "2.0", True),
        ("pool", "added", "", "1.0", False),
    ]
    assert Answer(answer).text.splitlines()[1:] == [
        "- pool: ml 2, now ml 3",
        "- pool's idle: 1.0, now 2.0 (the session needs it)",
        "- pool's low: 1.0, now 2.0 (the session needs it)",
        "- pool's added: 1.0 is new",
    ]
    same = over(pool("low<2", "idle<2", number=4))
    assert differences(same(f"session.ask.diff({recorded!r}, live=False)")) == [("pool", "", "ml 2", "ml 4", False)]
    remade = over(pool("low<2", "idle>=2"))
    found = remade(f"session.ask.diff({recorded!r}, live=False)")["differences"]
    assert [(one["kind"], one["name"], one["bytes"]) for one in found] == [("pool", "", True), ("pool", "idle", False)]


def test_a_pool_that_is_not_there_any_more_is_named_with_what_base_has_instead(
    over: Over, recorded: str, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    base_has(tmp_path, wheelhouse.wheel("low", "2.0"))
    assert differences(over()(f"session.ask.diff({recorded!r}, live=False)")) == [
        ("pool", "", "ml 2", "", True),
        ("pool", "idle", "1.0", "", True),
        ("pool", "low", "1.0", "2.0", True),
    ]


def test_a_record_from_before_pools_says_nothing_of_one(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], recorded: str, tmp_path: Path
) -> None:
    (output,) = json.loads((tmp_path / recorded).read_text())["cells"][1]["outputs"]
    record = next(one for kind, one in output["data"].items() if kind != "text/plain")
    old = {key: value for key, value in record.items() if not key.startswith("pool")}
    executed(tmp_path / "old.ipynb", old)
    python = over(pool("low<2", "idle<2"))
    assert python("session.ask.diff('old.ipynb', live=False)")["differences"] == []


def test_an_export_has_what_the_session_needs_of_the_pool(
    over: Over, wheelhouse: Wheelhouse, pool: Callable[..., JSON], recorded: str
) -> None:
    python = over(pool("low<2", "idle<2"))
    python.declare(lines(wheelhouse, "mine"))
    whole = python("session.ask.export('requirements')")["text"]
    assert ("mine==1.0" in whole, "low==1.0" in whole, "idle" in whole) == (True, True, False)
    assert "low==" not in python("session.ask.export('requirements', own=True)")["text"]
    of_record = python(f"session.ask.lock({recorded!r}, 'requirements')")
    assert ("mine==1.0" in of_record["text"], of_record["notices"]) == (
        True,
        ["Not in it, because the pool ml or base had them: idle 1.0."],
    )
