"""Promises that only a broken code shows: each test here turns red for a mutant of ``bench/mutant_list.py``."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess  # noqa: TID251 - a type
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sessionpkgs.engines import ENGINES
from sessionpkgs.engines.stub import stub_view
from sessionpkgs.errors import (
    DeadlineError,
    IndexUnavailable,
    Protected,
    SpecError,
    StoreError,
    UnsafePackageError,
    clean,
)
from sessionpkgs.model import View
from sessionpkgs.session import reopen
from sessionpkgs.store import Store, caps, collecting
from sessionpkgs.store.locks import Flock
from tests import test_store
from tests.sessions import Make, lines, names
from tests.wheelhouse import Wheelhouse, sha256_of

STEPS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from sessionpkgs.store.collecting import collect
from tests import test_store as t
from tests.test_crash import half
store, wheels = t.Store(sys.argv[1]), [Path(one) for one in sys.argv[2].split()]
store.prepare()
steps, wrong, looking = 0, [], True

def look(event, _):
    global steps, looking
    if looking or not event.startswith(("os.", "shutil.", "open", "sessionpkgs.")):
        return
    looking = True
    steps += 1
    wrong.extend(f"{event}: {said}" for said in half(Path(store.root)))
    looking = False

sys.addaudithook(look)
looking = False
built = [t.build(store, t.plan_of(*some), t.Fill())[1] for some in (wheels[:2], wheels[1:])]
gone = collect(store, days=0)
looking = True
print(json.dumps({"built": built, "gone": gone, "steps": steps, "wrong": wrong[:3]}), flush=True)
"""
"""Builds two layers and collects them, and looks at the store before every call into the operating system."""


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_at_every_step_of_building_and_collecting_all_that_is_visible_is_whole(
    wheelhouse: Wheelhouse, home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    wheels = [
        wheelhouse.wheel("one", entry_points={"console_scripts": {"one-run": "one:main"}}),
        wheelhouse.wheel("two", files={"shared/two.py": "2"}),
        wheelhouse.wheel("three", files={"shared/three.py": "3"}, data={"share/three/told": "1"}),
    ]
    child = start(STEPS, str(home), " ".join(map(str, wheels)), str(Path(__file__).parents[1]))
    assert child.stdout is not None
    told = json.loads(child.stdout.readline())
    assert told["wrong"] == []
    assert (told["built"], told["gone"]) == ([True, True], [2, 3, 0, 0])
    assert told["steps"] > 100


class Collected(Store):
    """A store where somebody collects what is unused in the moment before each lease."""

    def lease(self, digest: str) -> Flock:
        collecting.collect(Store(self.root), days=0)
        return super().lease(digest)


def test_a_layer_is_held_from_before_it_is_there_until_it_is_leased(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a")
    one = session()
    one.store = one.life.store = Collected(str(home))
    record = one.declare(lines(wheelhouse, "demo-a"))
    assert (names(record), entries(home / "layers")) == (["demo-a"], [record["layer"]])
    collecting.collect(Store(str(home)), days=0)
    assert entries(home / "layers") == [record["layer"]]


def test_what_a_build_has_brought_is_not_collected_before_its_layer_is_there(
    wheelhouse: Wheelhouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, fill = Store(str(home)), test_store.Fill()
    store.prepare()
    monkeypatch.setattr(collecting, "_DEADLINE", 0.0)
    plan = test_store.plan_of(wheelhouse.wheel("one"), wheelhouse.wheel("two"))
    alone = [replace(pin, sha256="") if pin.name == "two" else pin for pin in plan.install]

    def filling(pins, into):
        if fill.asked:
            with pytest.raises(DeadlineError, match="another session kept collect locked"):
                collecting.collect(store, days=0)
        fill(pins, into)

    layer, _ = test_store.build(store, replace(plan, install=tuple(alone)), filling)
    assert fill.asked == ["one", "two"]
    assert entries(home / "dists") == sorted(layer.dists)
    assert collecting.verify(store) == []


def test_after_a_reboot_a_new_layer_does_not_take_over_a_damaged_distribution(
    wheelhouse: Wheelhouse, home: Path
) -> None:
    store, fill = Store(str(home)), test_store.Fill()
    store.prepare()
    demo, other, more = (wheelhouse.wheel(name) for name in ("demo", "other", "more"))
    test_store.build(store, test_store.plan_of(demo, other), test_store.Fill())
    test_store.reboot(store)
    (file,) = (home / "dists").glob("demo-*/site/demo/__init__.py")
    file.chmod(0o644)
    file.write_text("")
    layer, _ = test_store.build(store, test_store.plan_of(demo, other, more), fill)
    assert fill.asked == ["demo", "more"]
    assert Path(layer.path, "site/demo/__init__.py").read_text() == '__version__ = "1.0"\n'


def test_an_answer_whose_layer_is_gone_is_not_even_tried(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    (key,) = entries(home / "resolutions")
    assert reopen.find(one.store, key, one.place()) is not None
    shutil.rmtree(home / "layers" / one.status()["layer"])
    assert reopen.find(one.store, key, one.place()) is None


def test_an_answer_from_a_time_to_come_is_asked_for_again(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    (key,) = entries(home / "resolutions")
    known = one.store.recall(key)
    assert known is not None
    one.store.remember(key, {**known, "since": 4e9, "until": 5e9})
    assert reopen.find(one.store, key, one.place()) is None


def test_a_session_whose_folder_was_taken_away_says_so(session: Make, wheelhouse: Wheelhouse, home: Path) -> None:
    wheelhouse.wheel("demo-a")
    one = session("mine")
    one.declare(lines(wheelhouse, "demo-a"))
    (home / "sessions" / "mine").rename(home / "sessions" / "theirs")
    (home / "sessions" / "mine").mkdir()
    with pytest.raises(StoreError, match="while the session lives"):
        one.declare(lines(wheelhouse, "demo-a"))


@pytest.mark.parametrize(
    ("path", "leaves"),
    [
        *((path, True) for path in ("../x", "a/../../x", "a/..", "/etc/x", "a//x", "..\\x", "a\\x", "C:/x", "c:x", "a\0b")),
        *((path, False) for path in ("a/b.py", "..a/x", "a..b/x", "site-0/x", "a/...", "é/x")),
    ],
)  # fmt: skip
def test_a_path_that_leaves_its_folder_is_seen_in_any_form(path: str, leaves: bool) -> None:
    assert caps.climbs(path) is leaves


@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts"])
@pytest.mark.parametrize("name", ["../x", "a/b", "/tmp/x", "a\\b", ".."])
def test_an_entry_point_that_names_a_folder_is_refused(name: str, group: str) -> None:
    with pytest.raises(UnsafePackageError, match="evil-a names a script outside its folder"):
        caps.scripts(f"[{group}]\nfine = evil_a:main\n{name} = evil_a:main\n", "evil-a")
    caps.scripts(f"[{group}]\nfine = evil_a:main\n[other]\n{name} = evil_a:main\n", "evil-a")


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_declaration_leaves_the_users_own_folders_alone(
    engine: str, session: Make, wheelhouse: Wheelhouse, home: Path, surroundings: Path
) -> None:
    wheelhouse.wheel("demo-a")
    with wheelhouse.index() as index:
        record = session().declare(f"--index-url {index.url}\ndemo-a\n", engine=engine)
    assert names(record) == ["demo-a"]
    assert set(entries(surroundings)) <= {".rustup"}  # pip asks a rustc on PATH for its version, and that one writes
    (file,) = (home / "dists").glob("demo-a-*/site/demo_a/__init__.py")
    assert not file.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def test_a_wish_for_a_protected_distribution_is_refused_before_an_index_is_asked(
    session: Make, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("pyspark", "9.9")
    with wheelhouse.index() as index, pytest.raises(Protected, match=r"pyspark==9\.9"):
        session().declare(f"--index-url {index.url}\npyspark==9.9\n")
    assert index.requests == []


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_a_login_that_a_server_tells_back_reaches_nobody(engine: str, session: Make, wheelhouse: Wheelhouse) -> None:
    def telling(request: BaseHTTPRequestHandler) -> bool:
        request.send_error(500, "not for told-back-word")
        return True

    with wheelhouse.index() as index:
        index.faults["/"] = telling
        url = index.url.replace("://", "://reader:told-back-word@")
        with pytest.raises(IndexUnavailable) as refused:
            session().declare(f"--index-url {url}\ndemo-a\n", engine=engine)
    assert "told-back-word" not in json.dumps(refused.value.to_dict())
    assert "told-back-word" not in clean(f"{engine} says told-back-word")


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_what_would_come_without_a_hash_beside_one_with_a_hash_is_refused(
    engine: str, session: Make, wheelhouse: Wheelhouse
) -> None:
    digest = sha256_of(wheelhouse.wheel("demo-a", requires=["below-a"]))
    wheelhouse.wheel("below-a")
    asked = f"demo-a==1.0 --hash=sha256:{digest}"
    with pytest.raises(SpecError, match=r"below-a==1\.0 would come without a hash"):
        session().declare(lines(wheelhouse, asked), engine=engine)
    beside = f"below-a==1.0 --hash=sha256:{sha256_of(wheelhouse.wheel('below-a'))}"
    assert names(session().declare(lines(wheelhouse, asked, beside), engine=engine)) == ["below-a", "demo-a"]


def test_a_script_hides_no_program_of_the_machine(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "programs" / "tool"
    theirs.parent.mkdir()
    theirs.write_text("#!/bin/sh\n")
    theirs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{theirs.parent}")
    wheelhouse.wheel("demo-a", scripts={"tool": "#!python\n", "own-tool": "#!python\n"})
    record = session().declare(lines(wheelhouse, "demo-a"))
    assert shutil.which("tool") == str(theirs)
    assert str(shutil.which("own-tool")).endswith("/own-tool")
    assert "tool: a program of this name is on PATH already and stays first." in record["notices"]


class Vanishing(Store):
    """A store where somebody collects everything while the first distribution is looked for."""

    looked = False

    def path(self, *parts: str) -> str:
        if parts[0] == "dists" and len(parts) > 1 and not self.looked:
            self.looked = True
            collecting.collect(Store(self.root), days=0)
        return super().path(*parts)


def test_what_is_collected_while_the_store_is_verified_is_no_damage(
    session: Make, wheelhouse: Wheelhouse, home: Path
) -> None:
    wheelhouse.wheel("demo-a")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    one.close()
    assert collecting.verify(Vanishing(str(home))) == []
    assert entries(home / "dists") == entries(home / "layers") == []


def test_a_stub_of_base_that_is_read_stays_and_the_others_can_be_collected(home: Path) -> None:
    store = Store(str(home))
    store.prepare()
    with stub_view(View(), str(home / "views")) as read:
        os.utime(read, (1, 1))
        for days in (30, 0):
            collecting.collect(store, days=days)
            assert Path(read).is_dir()
    collecting.collect(store, days=30)
    assert entries(home / "views") == []


def test_a_stub_that_is_being_made_stays_whatever_its_time_says(home: Path) -> None:
    store = Store(str(home))
    store.prepare()
    making, left = home / "views/.making-now", home / "views/.making-left"
    for folder in (making, left):
        folder.mkdir()
        os.utime(folder, (1, 1))
    ours, theirs = home / f"views/scripts-0.{os.getpid()}", home / "views/scripts-0.4194305"
    for file in (ours, theirs):
        file.touch()
        os.utime(file, (1, 1))
    with Flock(str(making), folder=True) as busy:
        busy.acquire(exclusive=True, deadline=1.0)
        collecting.collect(store, days=0)
    assert sorted(path.name for path in (home / "views").iterdir()) == [".making-now", ours.name]
