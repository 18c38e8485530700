"""Real files, kept outside the project, and arbitrary text: a Spec or a SpecError, never anything else."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import FORMATS, Origin, read
from sessionpkgs.model import Spec

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SESSIONPKGS_CORPUS", HERE.parent / "shared" / "corpus"))

PIECES = st.sampled_from(
    [
        *(
            "dependencies:",
            "channels:",
            "variables:",
            "- ",
            "pip:",
            "sel(linux):",
            "# [linux]",
            "name: x",
            "\n",
            "\t",
            "\\",
            " ",
        ),
        *(
            "pandas",
            "numpy=1.2",
            ">=1,<2",
            "|",
            "::",
            "[x]",
            "a.whl",
            "==",
            "; os_name=='a'",
            "(",
            ")",
            "~",
            "@ ",
            "'",
            '"',
        ),
        *("-r ", "-e .", "--hash=sha256:", "-i ", "${A}", "git+", "https://", "file:///", "#egg=", "[", "]"),
        *("{", "}", "*", "&a ", "!", "<<:", "---", "%YAML ", '"\\U99999999"', "9" * 5000),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=200), st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES, max_size=25).map("".join)
)
TUPLES = st.lists(st.sampled_from("abcd"), max_size=3, unique=True).map(tuple)
SPECS = st.builds(
    Spec,
    indexes=TUPLES,
    notices=TUPLES,
    files=TUPLES,
    pre=st.booleans(),
    variables=st.dictionaries(st.sampled_from("AB"), st.sampled_from("12")).map(lambda found: tuple(found.items())),
)


def outcome(text, folder="/home/me", form=None):
    """The Spec, or None when the text was refused as it should be."""

    def opened(path):
        return Path(path).read_bytes()

    try:
        return read(text, origin=Origin(folder=folder, open=opened, variables={"A": "x y"}), format=form)
    except SpecError as error:
        refused = error
    assert refused.sentence
    assert refused.hint
    return None


def files():
    return sorted(path for kind in ("env", "req") for path in (CORPUS / kind).glob("*.*")) or [None]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name if path else "absent")
def test_a_real_file_gives_a_spec_or_a_sentence(path):
    if path is None:
        pytest.skip("the corpus of real files is not beside this checkout")
    found = outcome(path.read_bytes(), folder=str(path.parent))
    assert found is None or found | found == found


@settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=TEXTS, form=st.sampled_from([None, *FORMATS]))
def test_arbitrary_text_never_raises_anything_but_a_spec_error(text, form):
    found = outcome(text, form=form)
    assert found is None or found | found == found


@settings(deadline=None, database=None)
@given(raw=st.binary(max_size=60))
def test_arbitrary_bytes_never_raise_anything_but_a_spec_error(raw):
    outcome(raw)


@settings(deadline=None, database=None)
@given(a=SPECS, b=SPECS, c=SPECS)
def test_merging_is_associative_and_idempotent(a, b, c):
    assert (a | b) | c == a | (b | c)
    assert a | a == a
