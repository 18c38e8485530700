"""What a plan is expected to cost: what the store lacks, its bytes, and a pace that is learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionpkgs.model import Pin
from sessionpkgs.session.expecting import cost, lacking, learn
from sessionpkgs.store import Store

TAG = "cp311"
BIG = 50_000_000


@pytest.fixture
def store(home: Path) -> Store:
    made = Store(str(home))
    made.prepare()
    return made


def pin(name: str = "demo", size: int = 0, **more: object) -> Pin:
    given: dict[str, object] = {"name": name, "version": "1.0", "sha256": name * 8, "size": size, **more}
    return Pin(**given)  # type: ignore[arg-type]


def seconds(store: Store, size: int = BIG) -> float:
    return cost(store, [pin(size=size)])[1]


def test_what_the_store_has_unpacked_is_not_fetched_again(store: Store) -> None:
    here, away = pin("here"), pin("away")
    Path(store.path("dists", here.identity(TAG))).mkdir()
    assert lacking(store, [here, away], TAG) == (away,)


def test_what_was_unpacked_for_another_python_is_lacking(store: Store) -> None:
    one = pin()
    Path(store.path("dists", one.identity("cp310"))).mkdir()
    assert lacking(store, [one], TAG) == (one,)


def test_a_local_folder_is_always_lacking_because_it_may_change(store: Store) -> None:
    folder = pin(kind="directory")
    Path(store.path("dists", folder.identity(TAG))).mkdir()
    assert lacking(store, [folder], TAG) == (folder,)


def test_the_cost_is_the_bytes_of_all_and_a_time_that_grows_with_bytes_and_number(store: Store) -> None:
    size, took = cost(store, [pin("a", BIG), pin("b", BIG)])
    assert size == 2 * BIG
    assert took > seconds(store, BIG) > seconds(store, 0)
    assert cost(store, [pin(f"p{number}") for number in range(100)])[1] > cost(store, [pin()])[1]
    assert cost(store, []) == (0, 0.0)


def test_pins_that_are_given_one_by_one_are_all_counted(store: Store) -> None:
    assert cost(store, iter([pin("a", BIG), pin("b", BIG)])) == cost(store, [pin("a", BIG), pin("b", BIG)])


def test_the_first_measured_install_sets_the_pace(store: Store) -> None:
    learn(store, [pin(size=BIG)], 100.0)
    assert seconds(store) == pytest.approx(100.0, rel=0.01)


def test_the_pace_moves_towards_what_is_measured_and_arrives_there(store: Store) -> None:
    learn(store, [pin(size=BIG)], 10.0)
    before = seconds(store)
    told = []
    for _ in range(12):
        learn(store, [pin(size=BIG)], 100.0)
        told.append(seconds(store))
    assert before < told[0] < 100.0
    assert told == sorted(told)
    assert told[-1] == pytest.approx(100.0, rel=0.01)


def test_the_pace_is_kept_for_the_next_session(store: Store) -> None:
    learn(store, [pin(size=BIG)], 100.0)
    assert seconds(Store(store.root)) == seconds(store)


@pytest.mark.parametrize(("size", "took"), [(0, 100.0), (999_999, 100.0), (BIG, 0.0), (BIG, -1.0)])
def test_an_install_that_tells_nothing_teaches_nothing(store: Store, size: int, took: float) -> None:
    before = seconds(store)
    learn(store, [pin(size=size)], took)
    assert seconds(store) == before
