"""The store: a layer appears whole, once, and never changes; what died half-way leaves nothing."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sessionpkgs import plan as planning
from sessionpkgs import process
from sessionpkgs.errors import ConflictError, DeadlineError, IntegrityError, StoreError
from sessionpkgs.model import Lock, Pin, Spec, View
from sessionpkgs.report import Reporter
from sessionpkgs.store import Store, collecting, layers
from tests.wheelhouse import sha256_of, unpack

TAG = "cp-test"
OTHER = """
import sys; sys.path.insert(0, sys.argv[3])
from pathlib import Path
from tests import test_store as t
def fill(pins, into):
    t.Fill()(pins, into)
    print("filled", flush=True)
    sys.stdin.readline()
print(t.build(t.Store(sys.argv[1]), t.plan_of(Path(sys.argv[2])), fill)[1], flush=True)
"""


@pytest.fixture
def store(home):
    made = Store(str(home / "store"))
    made.prepare()
    return made


def pin_of(wheel):
    name, version = wheel.name.split("-")[:2]
    return Pin(name=name.replace("_", "-"), version=version, url=wheel.as_uri(), sha256=sha256_of(wheel))


def plan_of(*wheels):
    lock = Lock(pins=tuple(pin_of(wheel) for wheel in wheels))
    return planning.plan(lock, View(), spec=Spec(), current=(), tag=TAG, python=sys.executable)


class Fill:
    """Unpacks wheels as an engine does, and notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, pins, into):
        self.asked += [pin.name for pin in pins]
        for pin in pins:
            unpack(Path(pin.url.removeprefix("file://")), Path(into))


@pytest.fixture
def fill():
    return Fill()


def build(store, plan, fill):
    with store.stage() as stage:
        return store.layer(plan, fill, python=sys.executable, deadline=60.0, stage=stage)


def names(*parts):
    return sorted(path.name for path in Path(*parts).iterdir())


def nothing_half(store):
    return not any(names(store.root, folder) for folder in ("stage", "dists", "layers"))


def tree(folder):
    """Every entry below *folder* with what it says."""
    paths = sorted(Path(folder).rglob("*"))
    return {str(p): str(p.readlink()) if p.is_symlink() else p.read_bytes() if p.is_file() else "" for p in paths}


def test_a_layer_holds_what_the_plan_says_and_can_be_imported(store, fill, wheelhouse, tmp_path):
    plan = plan_of(wheelhouse.wheel("demo"), wheelhouse.wheel("other", "2.0"))
    layer, built = build(store, plan, fill)
    assert built
    assert len(layer.dists) == 2
    code = f"import sys; sys.path.insert(0, {layer.path + '/site'!r}); import demo, other; print(other.__version__)"
    assert process.run([sys.executable, "-c", code], env={}, cwd=str(tmp_path), deadline=60).stdout == "2.0\n"
    told = json.loads(Path(layer.path, "layer.json").read_text())
    assert (told["digest"], told["dists"]) == (plan.digest, list(layer.dists))
    assert Path(layer.path, "pylock.toml").read_text().count("[[packages]]") == 2


def test_the_second_session_builds_nothing_and_changes_nothing(store, fill, wheelhouse):
    plan = plan_of(wheelhouse.wheel("demo"))
    first, _ = build(store, plan, fill)
    before = tree(store.path("layers")), tree(store.path("dists"))
    assert build(Store(store.root), plan, fill) == (first, False)
    assert fill.asked == ["demo"]
    assert (tree(store.path("layers")), tree(store.path("dists"))) == before


def test_of_what_overlaps_only_the_difference_is_installed(store, fill, wheelhouse):
    one, two, three = (wheelhouse.wheel(name) for name in ("one", "two", "three"))
    build(store, plan_of(one, two), fill)
    build(store, plan_of(two, three), fill)
    build(store, plan_of(one, three), fill)
    assert sorted(fill.asked) == ["one", "three", "two"]
    assert len(names(store.path("layers"))) == 3


def test_many_sessions_at_once_cause_one_install(store, wheelhouse):
    plan, everybody, asked = plan_of(wheelhouse.wheel("demo")), threading.Barrier(8), Fill()

    def session(_):
        everybody.wait()
        return build(Store(store.root), plan, asked)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(session, range(8)))
    assert asked.asked == ["demo"]
    assert [built for _, built in results].count(True) == 1
    assert len({layer for layer, _ in results}) == 1


def test_sessions_whose_sets_overlap_do_not_disturb_each_other(store, wheelhouse):
    wheels = [wheelhouse.wheel(name) for name in ("one", "two", "three", "four")]
    plans, everybody = [plan_of(*wheels[:number], *wheels[number + 1 :]) for number in range(4)], threading.Barrier(8)

    def session(number):
        everybody.wait()
        return build(Store(store.root), plans[number % 4], Fill())[0]

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(session, range(8)))
    assert len(names(store.path("dists"))) == 4
    assert [len(list(Path(layer.path, "site").glob("*/__init__.py"))) for layer in made] == [3] * 8
    assert names(store.path("stage")) == []


def test_a_distribution_that_appears_while_it_is_looked_for_is_taken_and_not_thrown_away(store, fill, wheelhouse):
    plan = plan_of(wheelhouse.wheel("demo"))
    (identity,) = (pin.identity(TAG) for pin in plan.install)

    class Late(Store):
        looks = 0

        def path(self, *parts):
            if parts[:2] == ("dists", identity):
                Late.looks += 1
                if Late.looks == 2:
                    build(store, plan, fill)
            return super().path(*parts)

    assert layers._have(Late(store.root), identity)
    assert names(store.path("trash")) == []


def test_who_waits_for_another_process_gets_its_layer(store, fill, wheelhouse, start):
    plan = plan_of(wheel := wheelhouse.wheel("demo"))
    other = start(OTHER, store.root, str(wheel), str(Path(__file__).parents[1]))
    assert other.stdout.readline() == "filled\n"

    told: list[str] = []

    class Waiter(Reporter):
        def step(self, text):
            told.append(text)
            other.stdin.write("go\n")
            other.stdin.flush()

    with store.stage() as stage:
        layer, built = store.layer(plan, fill, python=sys.executable, deadline=60.0, stage=stage, reporter=Waiter())
    assert told == [f"waiting for process {other.pid}, which installs the same"]
    assert other.stdout.readline() == "True\n"
    assert (built, fill.asked) == (False, [])
    assert Path(layer.path, "site", "demo", "__init__.py").is_file()


def test_a_session_that_is_killed_while_it_installs_leaves_nothing_half(store, fill, wheelhouse, start):
    plan = plan_of(wheel := wheelhouse.wheel("demo"))
    other = start(OTHER, store.root, str(wheel), str(Path(__file__).parents[1]))
    assert other.stdout.readline() == "filled\n"
    assert names(store.path("dists")) == names(store.path("layers")) == []
    other.kill()
    other.wait()
    assert build(store, plan, fill)[1]
    assert (fill.asked, names(store.path("stage"))) == (["demo"], [])


def test_who_waits_too_long_is_told(store, fill, wheelhouse):
    plan, inner = plan_of(wheelhouse.wheel("demo")), []

    def slow(pins, into):
        with store.stage() as stage, pytest.raises(DeadlineError, match="another session"):
            inner.append(Store(store.root).layer(plan, fill, python=sys.executable, deadline=0.0, stage=stage))
        fill(pins, into)

    assert build(store, plan, slow)[1]
    assert inner == []


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (IntegrityError("the hash is wrong"), IntegrityError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "demo"), StoreError),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), StoreError),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), StoreError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_fill_that_fails_half_way_leaves_nothing_and_can_be_repeated(store, fill, wheelhouse, raised, told):
    plan = plan_of(wheelhouse.wheel("demo"), wheelhouse.wheel("other"))

    def failing(pins, into):
        fill(pins[:1], into)
        raise raised

    with pytest.raises(told) as refused:
        build(store, plan, failing)
    assert told is not StoreError or "MB free)" in refused.value.sentence
    assert nothing_half(store)
    assert build(store, plan, fill)[1]


def test_what_an_engine_did_not_install_faithfully_never_appears(store, wheelhouse):
    plan = plan_of(wheelhouse.wheel("demo"))

    def lying(pins, into):
        Fill()(pins, into)
        Path(into, "demo", "extra.py").write_text("stolen = True\n")

    with pytest.raises(IntegrityError, match=r"demo/extra\.py"):
        build(store, plan, lying)
    assert nothing_half(store)


def test_the_stage_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(store, start):
    code = (
        "import sys, time; from sessionpkgs.store import Store\n"
        "with Store(sys.argv[1]).stage() as stage:\n    open(stage + '/half', 'w').close(); print(stage, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    dead, living = start(code, store.root), start(code, store.root)
    gone, kept = dead.stdout.readline().strip(), living.stdout.readline().strip()
    dead.kill()
    dead.wait()
    with store.stage() as ours:
        assert Path(ours).stat().st_mode & 0o777 == 0o700
        assert (Path(gone).exists(), Path(kept, "half").exists()) == (False, True)
    assert names(store.path("stage")) == [Path(kept).name]


def test_a_layer_that_was_torn_is_built_again(store, fill, wheelhouse):
    plan = plan_of(wheelhouse.wheel("demo"))
    layer, _ = build(store, plan, fill)
    Path(layer.path, "layer.json").write_text('{"digest": ')
    assert build(store, plan, fill) == (layer, True)
    assert fill.asked == ["demo"]
    assert layers.read(store, plan.digest) == layer


GARBAGE = ["", "{", "[]", "null", "{}", '{"dists": 5, "notices": []}', "\x00\x00", "\xff"]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_layer_with_garbage_for_a_description_is_built_again_and_set_aside(store, fill, wheelhouse, garbage):
    plan = plan_of(wheelhouse.wheel("demo"))
    layer, _ = build(store, plan, fill)
    Path(layer.path, "layer.json").write_bytes(garbage.encode("latin-1"))
    assert layers.read(store, plan.digest) is None
    assert build(store, plan, fill) == (layer, True)
    assert (fill.asked, len(names(store.path("trash")))) == (["demo"], 1)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_distribution_with_garbage_for_a_description_is_fetched_again_and_set_aside(store, fill, wheelhouse, garbage):
    plan = plan_of(wheelhouse.wheel("demo"))
    layer, _ = build(store, plan, fill)
    layers.discard(store, "layers", plan.digest)
    next(Path(store.path("dists")).glob("*/dist.json")).write_bytes(garbage.encode("latin-1"))
    assert build(store, plan, fill) == (layer, True)
    assert (fill.asked, len(names(store.path("trash")))) == (["demo", "demo"], 2)


@pytest.mark.parametrize("garbage", ["", "[]", "5", "{"])
def test_an_answer_that_is_garbage_is_not_remembered(store, garbage):
    Path(store.path("resolutions", "key")).write_text(garbage)
    assert store.recall("key") is None


def blocked(store, part):
    """Have a file where the store has the folder *part*, which fails for root too."""
    Path(store.path(part)).rmdir()
    Path(store.path(part)).touch()


@pytest.mark.parametrize(
    ("part", "use"),
    [
        ("checked", lambda store: store.vouch("digest")),
        ("stage", lambda store: store.stage().__enter__()),
        ("locks", lambda store: store.claim("digest")),
        ("layers", lambda store: store.lease("digest")),
        ("trash", lambda store: collecting.collect(store, days=0)),
        ("dists", collecting.verify),
    ],
)
def test_a_store_whose_folder_cannot_be_used_is_refused_by_name(store, part, use):
    blocked(store, part)
    with pytest.raises(StoreError, match=re.escape(store.root)):
        use(store)


def test_a_layer_that_was_looked_at_may_be_used_where_nobody_can_note_it(store, fill, wheelhouse):
    plan = plan_of(wheelhouse.wheel("demo"))
    layer, _ = build(store, plan, fill)
    reboot(store)
    blocked(store, "checked")
    assert layers.read(store, plan.digest) == layer


def test_the_room_that_is_needed_and_the_room_that_there_is_are_told(store, wheelhouse):
    plan = plan_of(wheelhouse.wheel("demo"))
    plan = replace(plan, install=tuple(replace(pin, size=12_345_678) for pin in plan.install))

    def full(pins, into):
        raise StoreError("the disk is full")

    with pytest.raises(StoreError, match=r"the disk is full \(needs at least 13 MB, \d+ MB free\)") as refused:
        build(store, plan, full)
    assert refused.value.item == store.root
    assert nothing_half(store)


EXHAUSTED = """
import os, resource, sys
from sessionpkgs.errors import StoreError
from sessionpkgs.store import Store, collecting, elf, farm, ingest, layers, splitting
store = Store(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
try:
    while True:
        os.open("/", os.O_RDONLY)
except OSError:
    pass
for look in (lambda: store.sound(sys.argv[2]), lambda: layers.members(store, sys.argv[2])):
    try:
        print(look())
    except (OSError, StoreError) as error:
        print(type(error).__name__)
"""


def test_who_can_open_no_more_files_takes_nothing_for_damaged(store, fill, wheelhouse, tmp_path):
    plan = plan_of(wheelhouse.wheel("demo"))
    build(store, plan, fill)
    reboot(store)
    argv = [sys.executable, "-c", EXHAUSTED, store.root, plan.digest]
    done = process.run(argv, env=dict(os.environ), cwd=str(Path(__file__).parents[1]), deadline=60)
    assert done.stdout == "StoreError\nOSError\n", done.stderr
    assert (len(names(store.path("dists"))), names(store.path("trash"))) == (1, [])


def reboot(store):
    """What is left to know of after the machine started again."""
    for mark in Path(store.path("checked")).iterdir():
        mark.unlink()
    for told in Path(store.path("dists")).glob("*/dist.json"):
        told.write_text(json.dumps({**json.loads(told.read_text()), "boot": "before"}))


@pytest.mark.parametrize(
    ("damage", "fetched"),
    [
        (lambda file: None, []),
        (lambda file: (file.chmod(0o644), file.write_text('__version__ = "6.6"\n')), ["demo"]),
        (lambda file: (file.chmod(0o644), file.write_text("")), ["demo"]),
        (lambda file: file.unlink(), ["demo"]),
        (lambda file: [(r.chmod(0o644), r.write_text("")) for r in file.parents[1].glob("*/RECORD")], ["demo"]),
    ],
    ids=["whole", "changed", "emptied", "deleted", "record emptied"],
)
def test_after_a_reboot_a_damaged_distribution_is_replaced_and_a_whole_one_is_not(
    store, fill, wheelhouse, damage, fetched
):
    demo, other = wheelhouse.wheel("demo"), wheelhouse.wheel("other")
    layer, _ = build(store, plan_of(demo, other), Fill())
    reboot(store)
    damage(next(Path(store.path("dists")).glob("demo-*/site/demo/__init__.py")))
    again, built = build(store, plan_of(demo, other), fill)
    assert (again.dists, built, fill.asked) == (layer.dists, bool(fetched), fetched)
    assert Path(again.path, "site", "demo", "__init__.py").read_text() == '__version__ = "1.0"\n'
    assert bool(names(store.path("trash"))) is bool(fetched)


def test_two_distributions_that_bring_one_path_with_different_bytes_are_refused_across_installs(
    store, fill, wheelhouse
):
    one = wheelhouse.wheel("one", files={"shared/x.py": "1"})
    two = wheelhouse.wheel("two", files={"shared/x.py": "2"})
    for wheel in (one, two):
        build(store, plan_of(wheel), fill)
    with pytest.raises(ConflictError, match=r"one-1\.0 and two-1\.0 both bring x\.py"):
        build(store, plan_of(one, two), fill)
    assert len(names(store.path("layers"))) == 2


def test_a_module_that_the_standard_library_hides_is_noticed(store, fill, wheelhouse):
    layer, _ = build(store, plan_of(wheelhouse.wheel("dataclasses", files={"dataclasses.py": ""})), fill)
    assert any("standard library has dataclasses" in notice for notice in layer.notices)


def test_what_is_remembered_comes_back_and_what_is_torn_does_not(store):
    store.remember("key", {"a": [1]})
    assert store.recall("key") == {"a": [1]}
    Path(store.path("resolutions", "key")).write_text('{"a": ')
    assert store.recall("key") is None
    assert store.recall("other") is None
