"""Whether base still fits together when a session shadows part of it."""

from __future__ import annotations

import pytest

from sessionpkgs.consistency import broken
from sessionpkgs.model import Dist, Pin, View


def base(**requires):
    """A View in which each name is at 1.0 and requires those lines."""
    return View(
        Dist(name=name.replace("_", "-"), version="1.0", level="base", path="", requires=tuple(lines))
        for name, lines in requires.items()
    )


def faults(view, *pins):
    found = broken(view, [Pin(name=name, version=version) for name, version in pins])
    return [(fault.dist.name, fault.needs, fault.gets) for fault in found]


@pytest.mark.parametrize(
    ("line", "breaks"),
    [
        ("dep<2", True),
        ("Dep <2", True),
        ("dep[extra]<2", True),
        ("dep<2 ; python_version > '3'", True),
        ("dep<2 ; python_version < '3'", False),
        ("dep<2 ; extra == 'more'", False),
        ("dep", False),
        ("dep>=1", False),
        ("dep<3", False),
        ("dep!=2.0", True),
        ("dep-two<2", False),
        ("dep.two<2", False),
        ("other<2", False),
        ("dep (<2)", True),
        ("not a ! line", False),
    ],
)
def test_a_requirement_that_the_new_version_does_not_meet_is_a_fault(line, breaks):
    found = faults(base(user=[line], dep=[], other=[]), ("dep", "2.0"))
    assert [name for name, _, _ in found] == (["user"] if breaks else [])


@pytest.mark.parametrize("spelling", ["two-words", "Two_Words", "two.words", "two__words"])
def test_a_name_may_be_spelled_in_many_ways(spelling):
    assert faults(base(user=[f"{spelling}<2"], two_words=[]), ("two-words", "2.0"))


def test_the_fault_says_who_needs_what_and_would_get_what():
    (fault,) = broken(base(user=["dep<2,>=1"], dep=[]), [Pin(name="dep", version="2.0")])
    assert str(fault) == "user 1.0 needs dep<2,>=1 and would get dep 2.0"


def test_who_is_replaced_as_well_does_not_count():
    assert faults(base(user=["dep<2"], dep=[]), ("dep", "2.0"), ("user", "2.0")) == []


def test_what_was_broken_before_does_not_count():
    assert faults(base(user=["dep>=3"], dep=[]), ("dep", "2.0")) == []
    assert faults(base(user=["dep<2"]), ("dep", "2.0")) == []


def test_a_release_candidate_counts_as_what_it_is():
    assert faults(base(user=["dep>=1"], dep=[]), ("dep", "2.0rc1")) == []
    assert faults(base(user=["dep<2"], dep=[]), ("dep", "2.1rc1")) == [("user", "dep<2", "dep 2.1rc1")]


def test_without_pins_and_without_versions_nothing_is_broken():
    view = base(user=["dep<2"], dep=[])
    assert faults(view) == faults(view, ("dep", "")) == []
