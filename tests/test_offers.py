"""What is offered for a missing module, what is not, and what an index hears of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs.engines import Room
from sessionpkgs.session import offers
from sessionpkgs.session.offers import Offer, Search, offer
from sessionpkgs.settings import Sources
from sessionpkgs.store import Store, modules_of
from tests.engines.test_wheel_listing import serve
from tests.sessions import Make, lines
from tests.wheelhouse import Wheelhouse

TABLE = {"sklearn": "scikit-learn", "cv2": "opencv-python-headless", "yaml": "PyYAML"}
Ask = Callable[..., Offer | None]


def nobody(*_: object, **__: object) -> Any:
    """A runner for searches that must not start an engine."""
    raise AssertionError("an engine was started")


@pytest.fixture
def search(home: Path, tmp_path: Path, room: Callable[..., Room]) -> Callable[..., Search]:
    """Gives a search that starts no engine unless it is told how; keywords replace fields."""
    (tmp_path / "work").mkdir()

    def make(**changes: Any) -> Search:
        made = Search(
            store=Store(str(home)), room=room(runner=nobody), sources=Sources(no_index=True), env={},
            folder=str(tmp_path / "work"), present=(), table=TABLE,
        )  # fmt: skip
        return replace(made, **changes)

    return make


def found(answer: Offer | None) -> tuple[str, str, str] | None:
    return (answer.distribution, answer.version, answer.source) if answer else None


@pytest.fixture
def fill(session: Make, wheelhouse: Wheelhouse, home: Path) -> Callable[..., Store]:
    """Puts wheels with these files into the store by way of a session."""

    def put(name: str, version: str, *paths: str) -> Store:
        wheelhouse.wheel(name, version, files=dict.fromkeys(paths, ""))
        session().declare(lines(wheelhouse, f"{name}=={version}"))
        return Store(str(home))

    return put


@pytest.mark.parametrize(
    ("path", "module", "there"),
    [
        ("demo/__init__.py", "demo", True),
        ("demo.py", "demo", True),
        ("demo.abi3.so", "demo", True),
        ("demo.cpython-27-other.so", "demo", False),
        ("demo/part.py", "demo", True),
        ("demo/part/__init__.py", "demo", False),
        ("demo/part/__init__.py", "demo.part", True),
        ("demo/part/__init__.py", "demo.other", False),
        ("demo/part/deep.py", "demo.part.deep", True),
        ("demo/notes.txt", "demo", False),
        ("Demo/__init__.py", "demo", False),
        ("Demo.py", "demo", False),
    ],
)
def test_the_store_tells_who_has_a_module(path: str, module: str, there: bool, fill) -> None:
    store = fill("some-name", "1.0", path)
    assert modules_of.holders(store, module) == ((("some-name", "1.0"),) if there else ())


def test_the_newest_version_comes_first(fill) -> None:
    store, *_ = [fill("some-name", version, "demo.py") for version in ("9.0", "10.0", "2.0")]
    assert [version for _, version in modules_of.holders(store, "demo")] == ["10.0", "9.0", "2.0"]


def test_another_interpreters_distribution_does_not_count(fill) -> None:
    store = fill("some-name", "1.0", "demo.py")
    (one,) = Path(store.path("dists")).iterdir()
    one.rename(one.with_name(one.name[:-20] + "0" * 20))
    assert modules_of.holders(store, "demo") == ()


def test_a_store_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert modules_of.holders(Store(str(tmp_path / "none")), "demo") == ()


def test_what_the_store_has_is_offered_without_an_engine(fill, search) -> None:
    fill("scikit-learn", "1.7.2", "sklearn/__init__.py")
    assert offer("sklearn", search()) == Offer(
        module="sklearn",
        distribution="scikit-learn",
        version="1.7.2",
        source="store",
        line="%session_env add scikit-learn",
    )


@pytest.mark.parametrize(
    ("table", "chosen"),
    [({"demo": "second"}, ("second", "1.0", "store")), ({}, None)],
)
def test_of_several_holders_only_a_named_one_is_offered(table, chosen, fill, search) -> None:
    fill("first", "1.0", "demo.py")
    fill("second", "1.0", "demo.py")
    assert found(offer("demo", search(table=table))) == chosen


def test_of_several_holders_the_namesake_is_offered(fill, search) -> None:
    fill("demo-x", "1.0", "demo_y.py")
    fill("demo-y", "1.0", "demo_y.py")
    assert found(offer("demo_y", search())) == ("demo-y", "1.0", "store")


@pytest.mark.parametrize("module", ["tests", "utils.files"])
def test_a_name_that_everybody_has_is_not_offered_from_a_wheel_that_holds_it_by_mistake(module, fill, search) -> None:
    fill("careless", "1.0", "tests/__init__.py", "utils/files.py")
    assert offer(module, search()) is None


@pytest.mark.parametrize("present", ["scikit-learn", "other-holder"])
def test_a_module_that_something_present_should_have_is_another_matter(present, fill, search) -> None:
    fill("other-holder", "1.0", "sklearn/__init__.py")
    assert offer("sklearn", search(present={present})) is None


@pytest.mark.parametrize(
    "name", ["json", "json.nothing", "_private", "pyspark", "pyspark.sql", "zmq", "a" * 101, "", "a b", "a..b"]
)
def test_some_names_are_not_looked_up_at_all(name: str, fill, search) -> None:
    fill("holder", "1.0", *(f"{n.replace('.', '/')}.py" for n in ("json/nothing", "_private", "a" * 101)))
    assert offer(name, search(table={name: "some-name"})) is None


def test_a_protected_distribution_is_not_offered_wherever_it_comes_from(fill, search) -> None:
    store = fill("some-name", "1.0", "demo.py")
    (described,) = Path(store.path("dists")).glob("*/dist.json")
    described.write_text(described.read_text().replace("some-name", "py4j"))
    assert modules_of.holders(store, "demo") == (("py4j", "1.0"),)
    assert offer("demo", search()) is None


@pytest.mark.parametrize("lies", ["sklearn.py", "sklearn", "sklearn/__init__.py"])
def test_the_users_own_file_is_not_looked_up(lies: str, fill, search) -> None:
    fill("scikit-learn", "1.0", "sklearn/__init__.py")
    asked = search()
    mine = Path(asked.folder, lies)
    mine.parent.mkdir(exist_ok=True)
    mine.touch()
    assert offer("sklearn", asked) is None


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("sklearn", ("scikit-learn",)),
        ("sklearn.svm", ("scikit-learn",)),
        ("yaml", ("pyyaml",)),
        ("icecream", ("icecream",)),
        ("google.cloud.storage.blob", ("google-cloud-storage",)),
        ("google", ()),
        ("my_private_module", ()),
        ("icecreem", ()),
        ("ipykernel", ()),
    ],
)
def test_candidates_stand_in_a_table(module: str, names: tuple[str, ...]) -> None:
    assert offers.candidates(module, TABLE) == names


def over(index, search, room) -> Search:
    made: Search = search(sources=index.sources(), room=room())
    return made


@pytest.mark.parametrize(
    ("name", "path", "module"),
    [
        ("scikit-learn", "sklearn/__init__.py", "sklearn"),
        ("icecream", "icecream.py", "icecream"),
        ("google-cloud-storage", "google/cloud/storage/__init__.py", "google.cloud.storage"),
    ],
)
def test_what_the_index_has_is_offered(name, path, module, wheelhouse: Wheelhouse, search, room) -> None:
    wheelhouse.wheel(name, "1.5", files={path: ""}, requires=["never-there"])
    with wheelhouse.index() as index:
        serve(index)
        assert found(offer(module, over(index, search, room), deadline=60)) == (name, "1.5", "index")
        assert not any("never-there" in path for path in index.requests)


def test_a_wheel_without_the_module_is_not_offered(wheelhouse: Wheelhouse, search, room) -> None:
    wheelhouse.wheel("scikit-learn", files={"something_else.py": ""})
    with wheelhouse.index() as index:
        sent = serve(index)
        assert offer("sklearn", over(index, search, room), deadline=60) is None
        assert sent


@pytest.mark.parametrize("module", ["my_private_module", "sklaern", "icecreem", "tests"])
def test_a_private_name_or_a_typo_never_reaches_an_index(module, wheelhouse: Wheelhouse, search, room) -> None:
    wheelhouse.wheel(module.replace("_", "-"), files={f"{module}.py": ""})
    with wheelhouse.index() as index:
        serve(index)
        assert offer(module, over(index, search, room), deadline=60) is None
        assert index.requests == []


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_source_alone_is_not_offered_and_not_built(engine, wheelhouse: Wheelhouse, search, room, tmp_path) -> None:
    wheelhouse.sdist("scikit-learn", files={"sklearn/__init__.py": ""}, marker=str(tmp_path / "ran"), in_tree=True)
    with wheelhouse.index() as index:
        serve(index)
        asked = search(sources=index.sources(), room=room(), engine=engine)
        assert offer("sklearn", asked, deadline=60) is None
        assert index.requests
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("fault", [401, 500, "hang"])
def test_an_index_that_fails_gives_no_offer_and_no_word(fault, wheelhouse: Wheelhouse, search, room, capfd) -> None:
    wheelhouse.wheel("scikit-learn", files={"sklearn/__init__.py": ""})
    with wheelhouse.index() as index:
        index.faults["/"] = index.hang if fault == "hang" else fault
        assert offer("sklearn", over(index, search, room), deadline=2) is None
        assert index.requests
    assert capfd.readouterr() == ("", "")


def test_all_programs_of_an_engine_share_one_deadline(wheelhouse: Wheelhouse, search, room) -> None:
    allowed: list[float] = []

    def note(*_: object, deadline: float, **__: object) -> Any:
        allowed.append(deadline)
        raise OSError

    assert offer("sklearn", search(room=room(runner=note)), deadline=5) is None
    assert offer("sklearn", search(room=room(runner=note)), deadline=0) is None
    assert len(allowed) == 1
    assert allowed[0] <= 5


def test_an_engine_that_is_not_there_gives_no_offer(search) -> None:
    assert offer("sklearn", search(engine="none")) is None


def test_a_store_that_cannot_be_used_gives_no_offer(search, home: Path) -> None:
    (home / "stage" / "dead").mkdir(parents=True)
    (home / "locks" / "stage-dead").mkdir(parents=True)
    assert offer("sklearn", search()) is None


def test_an_interrupt_passes_through_and_leaves_no_stage(search, room, home: Path) -> None:
    def interrupt(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        offer("sklearn", search(room=room(runner=interrupt)))
    assert list((home / "stage").iterdir()) == []


@pytest.mark.index
def test_well_known_modules_are_found_on_the_real_index(search, room) -> None:
    asked = search(sources=Sources(), room=room(), env=os.environ)
    answers = {module: offer(module, asked, deadline=30) for module in ("sklearn", "cv2", "yaml")}
    assert {module: answer.distribution for module, answer in answers.items() if answer} == {
        "sklearn": "scikit-learn", "cv2": "opencv-python-headless", "yaml": "pyyaml",
    }  # fmt: skip
