"""From what an engine chose to what would happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionpkgs.model import Dist, Lock, Pin, Requirement, Spec, View
from sessionpkgs.plan import digest, plan

A, B, C = (Pin(name=name, version="1.0", sha256=name * 64) for name in "abc")
FOLDER = Pin(name="f", version="1.0", kind="directory", url="file:///f")
PINS = st.sets(st.sampled_from([A, B, C, FOLDER, replace(A, version="2.0", sha256="0" * 64)]))


def dist(name, version="1.0", level="base"):
    return Dist(name=name, version=version, level=level, path=f"/site/{name}.dist-info")


def planned(pins, *, view=(), asked=(), current=(), notices=(), built=()):
    spec = Spec(requirements=tuple(Requirement(line=name, name=name) for name in asked), notices=notices)
    return plan(Lock(pins=pins, built=built), View(view), spec=spec, current=current, tag="t", python="/python")


def test_what_base_has_is_kept_or_shadowed_and_what_the_session_had_is_dropped():
    todo = planned(
        (B, A), view=[dist("a", "0.9"), dist("k")], asked=["a", "k"], current=[dist("gone", level="session")]
    )
    assert [pin.name for pin in todo.install] == ["a", "b"]
    assert [pin.requested for pin in todo.install] == [True, False]
    assert [d.name for d in todo.keep] == ["k"]
    assert [(d.name, d.version) for d in todo.shadow] == [("a", "0.9")]
    assert [d.name for d in todo.drop] == ["gone"]


def test_what_only_changes_its_version_is_not_dropped():
    assert planned((A,), current=[dist("a", "0.5", "session")]).drop == ()


def test_nothing_to_do_is_a_plan_too():
    todo = planned((), view=[dist("k")], asked=["k"])
    assert (todo.install, todo.shadow, todo.drop) == ((), (), ())


def test_notices_are_handed_on_and_build_code_is_told():
    todo = planned((A,), notices=("name is ignored",), built=("a",))
    assert todo.notices[0] == "name is ignored"
    assert "a: no wheel exists" in todo.notices[1]


@given(PINS, st.randoms())
def test_the_order_of_pins_and_who_asked_do_not_name_the_layer(pins, random):
    mixed = [replace(pin, requested=random.random() < 0.5) for pin in pins]
    random.shuffle(mixed)
    assert digest(mixed, "t", "/python") == digest(pins, "t", "/python")


@given(PINS, PINS)
def test_other_files_are_another_layer(one, other):
    shared = [frozenset(pin for pin in pins if not pin.mutable) for pins in (one, other)]
    assert (digest(one, "t", "/p") == digest(other, "t", "/p")) is (shared[0] == shared[1])


@pytest.mark.parametrize(("tag", "python"), [("u", "/p"), ("t", "/q")])
def test_another_interpreter_is_another_layer(tag, python):
    assert digest([A], tag, python) != digest([A], "t", "/p")


@pytest.mark.parametrize(
    "changed",
    [
        replace(A, sha256="f" * 64),
        replace(A, sha256="", url="git+https://h/a", commit="1" * 40),
        replace(A, sha256="", url="git+https://h/a", commit="2" * 40),
    ],
)
def test_the_folder_of_a_distribution_is_named_by_its_artefact(changed):
    assert changed.identity("t") != A.identity("t")
    assert changed.identity("t").startswith("a-1.0-")
    assert changed.identity("t") != changed.identity("u")


def test_where_a_file_came_from_does_not_name_it():
    assert replace(A, url="https://one/a.whl").identity("t") == replace(A, url="https://two/a.whl").identity("t")
