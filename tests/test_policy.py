"""What a session may not do."""

from __future__ import annotations

import re

import pytest

from sessionpkgs import policy
from sessionpkgs.errors import Protected, PythonPinned
from sessionpkgs.model import Dist, Lock, Pin, Requirement, Spec, View

KERNELS = {"py39": "3.9.18", "py312": "3.12.1", "other39": "3.9.2"}


def asking(*lines):
    named = [(line, re.split("[=<> ]", line)[0]) for line in lines]
    return Spec(requirements=tuple(Requirement(line=line, name=name, where="line 3") for line, name in named))


def python(line):
    return Spec(python=(Requirement(line=line, name="python", where="line 2"),))


def base(**versions):
    return View(
        Dist(name=name.replace("_", "-"), version=version, level="base", path="") for name, version in versions.items()
    )


@pytest.mark.parametrize("line", ["python==3.11.*", "python>=3.8", "python==3.11.7", "python<4,>=3.10"])
def test_a_python_that_fits_says_nothing(line):
    assert policy.check_python(python(line), "3.11.7", {}) == ()


@pytest.mark.parametrize("line", ["python==3.11.2", "python===3.11.2"])
def test_another_patch_release_is_a_notice(line):
    (notice,) = policy.check_python(python(line), "3.11.7", {})
    assert "another patch release" in notice


@pytest.mark.parametrize("line", ["python==3.9.*", "python==3.9.18", "python<3.10"])
def test_another_python_is_refused_with_the_kernels_that_fit(line):
    with pytest.raises(PythonPinned, match=r"python.*line 2.*3\.11\.7") as refused:
        policy.check_python(python(line), "3.11.7", KERNELS)
    assert "py39" in refused.value.hint
    assert "py312" not in refused.value.hint
    assert "--ignore-python" in refused.value.hint


def test_another_python_that_no_kernel_has_says_so():
    with pytest.raises(PythonPinned) as refused:
        policy.check_python(python("python==3.7.*"), "3.11.7", KERNELS)
    assert "No installed kernel fits" in refused.value.hint


def test_the_line_can_be_dropped():
    (notice,) = policy.check_python(python("python==3.9.*"), "3.11.7", {}, ignore=True)
    assert "is ignored" in notice


@pytest.mark.parametrize("name", policy.PROTECTED)
def test_a_protected_distribution_is_not_changed(name):
    view = base(**{name.replace("-", "_"): "5.0"})
    for line in (f"{name}==6.0", f"{name}>5"):
        with pytest.raises(Protected, match=rf"line 3.* would change {name}.*base has 5\.0"):
            policy.check_spec(asking(line), view)
    with pytest.raises(Protected, match="base does not have it"):
        policy.check_spec(asking(name), View())
    policy.check_spec(asking(name, f"{name}>=4", f"{name}==6.0 ; python_version < '3'", "numpy"), view)


def test_a_protected_distribution_from_a_place_is_refused_though_the_version_would_fit():
    spec = Spec(requirements=(Requirement(line="pip @ https://h/pip-5.0-py3-none-any.whl", name="pip", where="x"),))
    with pytest.raises(Protected):
        policy.check_spec(spec, base(pip="5.0"))


def test_constraints_keep_what_is_there_and_keep_away_what_is_not():
    lines = policy.protecting(base(pip="26.1"))
    assert "pip==26.1" in lines
    assert "pyspark<0" in lines
    assert len(lines) == len(policy.PROTECTED)


def test_a_choice_that_brings_a_protected_one_is_refused_with_the_chain_that_asked():
    edges = (("tornado", "middle"), ("middle", "top"), ("tornado", "unrelated"))
    lock = Lock(pins=(Pin(name="tornado", version="6.0"),), asked_by=edges)
    with pytest.raises(Protected, match=r"top<9 → middle → tornado==6\.0 would change tornado") as refused:
        policy.check_lock(lock, asking("top<9"), base(tornado="5.0"))
    assert refused.value.item == "top<9"
    policy.check_lock(Lock(pins=(Pin(name="numpy", version="1.0"),)), asking("numpy"), View())


@pytest.mark.parametrize(
    ("edges", "path"),
    [
        ((("x", "a"),), ("a",)),
        ((("x", "b"), ("b", "a"), ("x", "a")), ("a",)),
        ((("x", "c"), ("c", "x")), ()),
        ((), ()),
    ],
)
def test_the_shortest_chain_is_told_and_a_circle_ends(edges, path):
    assert policy.chain("x", edges, asking("a")) == path


def test_what_the_declaration_names_itself_is_its_own_chain():
    assert policy.chain("a", (), asking("a>1")) == ("a>1",)


def test_all_protected_distributions_are_refused_at_once_with_what_leaves_them_out():
    view = {name: Dist(name=name, version="5.0", level="base", path="") for name in ("ipython", "tornado")}
    asked = Spec(requirements=(
        Requirement(line="ipython<4", name="ipython", where="line 1"),
        Requirement(line="tornado==9", name="tornado", where="line 2"),
    ))  # fmt: skip
    with pytest.raises(Protected, match=r"line 1\), tornado==9 \(line 2\).*ipython 5\.0, tornado 5\.0") as refused:
        policy.check_spec(asked, view)
    assert "--without ipython,tornado" in refused.value.hint


def test_a_protected_distribution_from_the_place_that_base_has_it_from_is_no_wish():
    asked = Spec(requirements=(
        Requirement(line="pip @ file:///srv/pip", name="pip", editable=True),
        Requirement(line="ipython @ file:///srv/other", name="ipython"),
        Requirement(line="demo @ file:///srv/demo", name="demo"),
    ))  # fmt: skip
    places = {"pip": "file:///srv/pip/", "ipython": "file:///srv/ipython", "demo": "file:///srv/demo"}
    found = policy.settled(asked, places).requirements
    assert [(one.line, one.editable) for one in found] == [
        ("pip", False),
        ("ipython @ file:///srv/other", False),
        ("demo @ file:///srv/demo", False),
    ]
