"""Declarations that cannot be resolved: the sentence is true, names the lines that take part, and says what to change.

Situations are built from wheels for other Pythons; the folder ``refused`` has what uv 0.13.8 printed for real files.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from sessionpkgs import policy
from sessionpkgs.engines import words_conflict, words_elsewhere, words_uv
from sessionpkgs.errors import DeadlineError, NotFoundError, ResolveError
from tests.wheelhouse import unpack

OLD = "cp36-cp36m-manylinux1_x86_64"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
REFUSED = Path(__file__).parent / "refused"
FOREIGN = re.compile(r"\bwe\b|ABI|unsatisfiable|conclude|you require|usable|depends? on", re.IGNORECASE)


@pytest.fixture
def uv_only(engine):
    if engine.name != "uv":
        pytest.skip("pip can ask for one name at a time only")


@pytest.fixture
def refused(resolve):
    """Gives the refusal of some lines."""

    def ask(*lines, **changes):
        with pytest.raises((NotFoundError, ResolveError)) as caught:
            resolve(*lines, **changes)
        assert len(caught.value.sentence) <= 400
        assert not FOREIGN.search(caught.value.sentence)
        return caught.value

    return ask


@pytest.fixture
def library(wheelhouse):
    """Versions of a library whose oldest have wheels for another Python only, and of what they need."""
    for version in ("0.20", "0.21"):
        wheelhouse.wheel("library", version, tag=OLD)
    wheelhouse.wheel("library", "1.0", requires=["dep>=1.0"])
    wheelhouse.wheel("library", "2.0", requires=["dep>=1.2"])
    for version in ("0.14", "1.0", "1.2", "1.5"):
        wheelhouse.wheel("dep", version)


@pytest.mark.usefixtures("library")
def test_a_conflict_is_not_told_as_a_missing_wheel(refused):
    error = refused("dep==0.14", "library")
    assert type(error) is ResolveError
    assert error.sentence.startswith("dep==0.14 and library do not fit together: every version of library")
    assert re.search(r"that has a wheel for this Python needs dep>=1\.0$", error.sentence)
    assert error.hint == "Loosen dep==0.14."


@pytest.mark.usefixtures("library")
def test_what_holds_for_a_range_is_not_told_of_all_versions(wheelhouse, refused):
    wheelhouse.wheel("library", "3.0")
    error = refused("dep==0.14", "library<3")
    assert "every version of library<3 that has a wheel for this Python needs dep>=1.0" in error.sentence


def test_two_pins_that_do_not_fit_are_both_named_and_both_may_be_loosened(wheelhouse, refused):
    wheelhouse.wheel("app", "2.0", requires=["dep>=1.21,<3"])
    for version in ("1.0", "1.21"):
        wheelhouse.wheel("dep", version)
    error = refused("app==2.0", "dep==1.0")
    assert error.sentence.endswith("do not fit together: app==2.0 needs dep>=1.21,<3")
    assert {"app==2.0", "dep==1.0"} <= set(re.findall(r"[^\s.]\S+\d", error.hint))


def test_a_conflict_between_what_nobody_wrote_names_the_lines_it_comes_from(wheelhouse, refused):
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("dep", version)
    wheelhouse.wheel("inner", requires=["dep<2"])
    wheelhouse.wheel("left", requires=["inner"])
    wheelhouse.wheel("right", requires=["dep>=2"])
    error = refused("left", "right==1.0")
    assert "left" in error.sentence
    assert "right==1.0 needs dep>=2" in error.sentence
    assert "needs dep<2" in error.sentence
    assert error.hint == "Loosen right==1.0."


def test_three_lines_that_do_not_fit_are_all_told(wheelhouse, refused):
    for version in ("1.0", "2.0", "3.0"):
        wheelhouse.wheel("dep", version)
    wheelhouse.wheel("one", requires=["dep<3"])
    wheelhouse.wheel("two", requires=["dep>=2"])
    error = refused("one", "two", "dep!=2.0")
    assert {"one", "two"} <= set(re.findall(r"\w+", error.sentence))
    assert "Loosen dep!=2.0" in error.hint or "--without" in error.hint


def test_a_conflict_tells_of_each_way_out_that_is_closed(wheelhouse, refused):
    for name in ("dep", "other"):
        for version in ("1.0", "2.0"):
            wheelhouse.wheel(name, version)
    wheelhouse.wheel("library", "0.5", tag=OLD)
    wheelhouse.wheel("library", "1.0", requires=["dep>=2"])
    wheelhouse.wheel("library", "2.0", requires=["other>=2"])
    error = refused("library", "dep==1.0", "other==1.0")
    assert error.sentence.startswith("dep==1.0, other==1.0 and library do not fit together: ")
    assert "needs dep>=2" in error.sentence
    assert "needs other>=2" in error.sentence
    assert "library has no wheel" not in error.sentence
    assert error.hint == "Loosen dep==1.0 or other==1.0."


def test_a_missing_wheel_on_one_way_is_not_told_where_another_line_closes_the_other(wheelhouse, refused):
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("other", version)
    wheelhouse.wheel("old", "1.0", tag=OLD)
    wheelhouse.wheel("library", "1.0", requires=["old"])
    wheelhouse.wheel("library", "2.0", requires=["other>=2"])
    error = refused("library", "other==1.0")
    assert type(error) is ResolveError
    assert error.hint == "Loosen other==1.0."


def test_a_name_that_has_wheels_is_not_said_to_have_none(wheelhouse, refused):
    wheelhouse.wheel("demo", "1.0", requires=["dep<1"])
    wheelhouse.wheel("demo", "1.5", tag=OLD)
    wheelhouse.wheel("dep", "1.0")
    sentence = refused("demo").sentence
    assert "demo has no wheel" not in sentence
    assert "dep<1" in sentence


def test_wheels_missing_in_the_middle_are_part_of_a_conflict(engine, wheelhouse, refused):
    wheelhouse.wheel("dep", "1.0")
    wheelhouse.wheel("dep", "1.5", tag=OLD)
    wheelhouse.wheel("dep", "2.0")
    wheelhouse.wheel("left", requires=["dep<2"])
    wheelhouse.wheel("right", requires=["dep>=1.5"])
    error = refused("left", "right")
    assert type(error) is ResolveError
    assert error.sentence.startswith("left and right do not fit together: ")
    assert "needs dep<2" in error.sentence
    assert "needs dep>=1.5" in error.sentence
    assert ("dep==1.5 has no wheel for this Python" in error.sentence) is (engine.name == "uv")
    assert error.hint == "Leave left or right out (--without left or --without right)."


def test_a_need_that_only_one_version_could_meet_is_told_with_that_version(wheelhouse, refused):
    wheelhouse.wheel("dep", "1.0")
    wheelhouse.wheel("demo", "1.0", requires=["dep<1"])
    assert re.search(r"dep<1.*(the only version is dep==|the index has )1\.0", refused("demo").sentence)


def test_two_lines_of_one_name_that_exclude_each_other_are_both_shown(wheelhouse, refused):
    wheelhouse.wheel("demo", "1.0")
    sentence = refused("demo>=1", "demo<1").sentence
    assert "demo>=1" in sentence
    assert "demo<1" in sentence


def test_extras_that_do_not_fit_are_named_with_the_extra(wheelhouse, refused):
    for version in ("8.0", "10.0"):
        wheelhouse.wheel("socket-lib", version)
    wheelhouse.wheel("server", extras={"standard": ["socket-lib<9"]})
    error = refused("server[standard]==1.0", "socket-lib==10.0")
    assert "server[standard]==1.0" in error.hint
    assert "needs socket-lib<9" in error.sentence


def test_a_distribution_that_must_stay_is_called_a_constraint(wheelhouse, refused, request_for):
    wheelhouse.wheel("pip", "99.0")
    wheelhouse.wheel("greedy", requires=["pip>=99"])
    error = refused("greedy", constraints=policy.protecting(request_for().view))
    assert re.search(r"pip\S* \(a constraint\)|asked for by greedy", error.sentence)
    assert "greedy" in error.sentence
    assert "Loosen pip" not in error.hint


def test_a_missing_wheel_of_what_nobody_wrote_names_who_asked_and_the_line(wheelhouse, refused):
    wheelhouse.wheel("inner", "3.0", tag="cp36-cp36m-win32")
    wheelhouse.wheel("top", "1.0", requires=["inner>=3"])
    error = refused("top>=1")
    assert type(error) is NotFoundError
    assert re.match(r"inner(>=3|==3\.0) \(asked for by top>=1\) has no wheel for this Python", error.sentence)
    assert error.hint.startswith("Leave top out (--without top)")


def test_a_pin_that_asks_for_a_missing_wheel_may_be_loosened(wheelhouse, refused):
    wheelhouse.wheel("inner", "3.0", tag="cp36-cp36m-win32")
    wheelhouse.wheel("top", "1.0", requires=["inner>=3"])
    assert refused("top==1.0").hint.startswith("Loosen top==1.0, leave top out (--without top)")


@pytest.mark.parametrize("line", ["old==0.20", "old<1"])
def test_a_missing_wheel_says_where_it_runs_and_which_version_runs_here(line, wheelhouse, refused):
    wheelhouse.wheel("old", "0.20", tag="cp38-cp38-macosx_10_9_x86_64")
    for version in ("1.5", "2.0"):
        wheelhouse.wheel("old", version)
    error = refused(line)
    assert error.sentence.startswith(f"{line} has no wheel for this Python ({HERE} on ")
    assert "version 0.20 has wheels for Python 3.8" in error.sentence
    assert error.hint == "Ask for old>=1.5, or use a kernel with another Python."


def test_the_newest_version_is_named_where_none_is_newer_than_the_pin(wheelhouse, refused):
    wheelhouse.wheel("demo", "1.0")
    wheelhouse.wheel("demo", "2.0", tag=OLD)
    assert refused("demo==2.0").hint.startswith("Ask for demo==1.0")


def test_a_release_for_another_python_is_told_with_that_python(wheelhouse, refused):
    wheelhouse.wheel("modern", "1.0")
    wheelhouse.wheel("modern", "2.0", requires_python=">=3.99")
    with wheelhouse.index() as index:
        error = refused("modern>=2", sources=index.sources())
    assert error.sentence == f"modern>=2 needs Python>=3.99, and this is Python {HERE}"
    assert error.hint == "Ask for modern==1.0, or use a kernel with another Python."


@pytest.mark.usefixtures("uv_only")
def test_all_pins_without_a_wheel_are_told_at_once_with_versions_that_have_one(wheelhouse, refused):
    for name, newer in (("aaa", "1.5"), ("bbb", "2.5"), ("ccc", "3.5")):
        wheelhouse.wheel(name, "1.0", tag=OLD)
        wheelhouse.wheel(name, newer)
    wheelhouse.wheel("last", "1.0")
    wheelhouse.wheel("last", "2.0", tag=OLD)
    wheelhouse.wheel("fine", "1.0")
    error = refused("aaa==1.0", "fine==1.0", "bbb==1.0", "ccc[some]==1.0", "last==2.0")
    assert error.sentence == f"4 pins have no wheel for Python {HERE}: aaa==1.0, bbb==1.0, ccc[some]==1.0, last==2.0"
    assert error.hint == "Loosen them: aaa>=1.5, bbb>=2.5, ccc[some]>=3.5, last==1.0."


@pytest.mark.usefixtures("uv_only")
def test_pins_that_are_present_built_or_not_meant_here_are_not_counted(wheelhouse, present, refused):
    unpack(wheelhouse.wheel("there", "1.0"), present)
    for wheel in wheelhouse.folder.glob("there-*"):
        wheel.unlink()
    wheelhouse.wheel("there", "2.0")
    for name in ("there", "never", "aaa"):
        wheelhouse.wheel(name, "1.0", tag=OLD)
    wheelhouse.wheel("aaa", "2.0")
    wheelhouse.sdist("source", "1.0", in_tree=True)
    error = refused("source==1.0", "there==1.0", "never==1.0 ; python_version < '3'", "aaa==1.0")
    assert error.sentence.startswith("aaa==1.0 has no wheel for this Python")


@pytest.mark.usefixtures("uv_only")
def test_no_more_pins_are_looked_at_than_the_bound(wheelhouse, refused):
    names = [f"demo-{number:02}" for number in range(words_elsewhere.MOST_PINS + 3)]
    for name in names:
        wheelhouse.wheel(name, "1.0", tag=OLD)
        wheelhouse.wheel(name, "2.0")
    error = refused(*(f"{name}==1.0" for name in names))
    assert error.sentence.startswith(f"at least {words_elsewhere.MOST_PINS} pins have no wheel")


def test_a_refusal_that_cannot_be_explained_in_time_is_still_told():
    def ask(_lines, *_options):
        raise DeadlineError("late")

    text = (REFUSED / "tensorflow.txt").read_text(encoding="utf-8")
    error = words_elsewhere.refusal(text, ["tensorflow==1.15.0"], {}, ask)
    assert error.sentence.startswith("tensorflow==1.15.0 has no wheel for this Python")


@pytest.mark.parametrize(
    ("terms", "implied"),
    [
        (["dep>=1.4", "dep>=1.0", "dep>=1.2"], "dep>=1.0"),
        (["dep>=1,<3", "dep>=2,<4"], "dep>=1,<4"),
        (["dep>=1,<3", "dep>=2"], "dep>=1"),
        (["dep==1", "dep==2"], "dep==1 or dep==2"),
        (["dep", "dep>=1"], "dep"),
        (["dep<2"], "dep<2"),
    ],
)
def test_the_weakest_of_several_needs_is_what_all_imply(terms, implied):
    assert words_conflict.weakest(terms) == implied


REAL = [
    ("joblib", ["numpy", "scikit-learn", "joblib==0.14.0"], ResolveError,
     ("joblib==0.14.0 and scikit-learn do not fit together: every version of scikit-learn that has a wheel for this "
     "Python needs joblib>=1.0.0"), "Loosen joblib==0.14.0."),
    ("requests", ["requests==2.31.0", "urllib3==1.20"], ResolveError,
     "requests==2.31.0 needs urllib3>=1.21.1,<3", "Loosen requests==2.31.0 or urllib3==1.20."),
    ("pandas", ["pandas==2.2.2", "numpy==1.21.6"], ResolveError,
     "pandas==2.2.2 needs numpy>=1.23.2", "Loosen pandas==2.2.2 or numpy==1.21.6."),
    ("fastapi", ["fastapi==0.80.0", "pydantic>=2", "starlette==0.27.0"], ResolveError,
     "fastapi==0.80.0 and pydantic>=2 do not fit together: fastapi==0.80.0 needs pydantic>=1.6.2,<2.0.0",
     "Loosen fastapi==0.80.0."),
    ("uvicorn", ["uvicorn[standard]==0.13.0", "websockets==10.0"], ResolveError,
     "uvicorn[standard]==0.13.0 needs websockets==8.*", "Loosen uvicorn[standard]==0.13.0 or websockets==10.0."),
    ("dask", ["dask[dataframe]==2023.1.0", "pandas==2.2.0", "distributed==2024.1.0"], ResolveError,
     ("dask[dataframe]==2023.1.0 and distributed==2024.1.0 do not fit together: distributed==2024.1.0 needs "
     "dask==2024.1.0"), "Loosen dask[dataframe]==2023.1.0 or distributed==2024.1.0."),
    ("keras", ["keras==2.3.1", "tensorflow==2.15.0"], ResolveError,
     "tensorflow==2.15.0 needs keras>=2.15.0,<2.16", "Loosen keras==2.3.1 or tensorflow==2.15.0."),
    ("airflow", ["apache-airflow==2.6.0", "flask>=2.3"], ResolveError,
     "apache-airflow==2.6.0 needs flask>=2.2,<2.3", "Loosen apache-airflow==2.6.0."),
    ("rpy2", ["rpy2>=3.6"], NotFoundError,
     "rpy2-rinterface (asked for by rpy2>=3.6) has no wheel for this Python (3.11 on ", "Leave rpy2 out (--without rpy2)"),
    ("rasa", ["rasa==3.6.20"], NotFoundError,
     "matplotlib>=3.1,<3.6 (asked for by rasa==3.6.20) has no wheel for this Python (3.11 on ",
     "Loosen rasa==3.6.20, leave rasa out (--without rasa)"),
    ("scikit", ["scikit-learn<0.22", "pandas"], NotFoundError,
     "scikit-learn<0.22 has no wheel for this Python (3.11 on ", "Ask for another version"),
    ("tensorflow", ["tensorflow==1.15.0"], NotFoundError,
     "version 1.15.0 has wheels for Python 2.7 to 3.7", "Ask for another version"),
    ("networkx", ["networkx>=3.7"], NotFoundError,
     "networkx>=3.7 needs Python>=3.12, and this is Python 3.11", "Ask for another version"),
    ("ipython", ["ipython==10.0.0", "traitlets"], NotFoundError,
     "no index has ipython==10.0.0", "Ask for a version that exists."),
]  # fmt: skip


@pytest.mark.parametrize(("file", "lines", "kind", "said", "hint"), REAL, ids=[one[0] for one in REAL])
def test_what_uv_prints_of_real_declarations_is_told_in_our_words(file, lines, kind, said, hint):
    error = words_uv.error((REFUSED / f"{file}.txt").read_text(encoding="utf-8"), lines)
    assert type(error) is kind
    assert said in error.sentence
    assert hint in error.hint
    assert len(error.sentence) <= 400
    assert not FOREIGN.search(error.sentence)
