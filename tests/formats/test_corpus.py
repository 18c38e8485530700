"""Real files, kept outside the project, and arbitrary text: a Spec or a SpecError, never anything else."""

import json
import os
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import FORMATS, Origin, environment_yml, read
from sessionpkgs.formats.conda_names.table import load_conda_names
from sessionpkgs.model import Spec

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SESSIONPKGS_CORPUS", HERE.parent / "shared" / "corpus"))

LONG = settings(
    deadline=None,
    database=None,
    max_examples=int(os.environ.get("SESSIONPKGS_EXAMPLES", "150")),
    suppress_health_check=[HealthCheck.too_slow],
)
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
        *(
            "prefix: x",
            "platforms: [linux-64]",
            "sel(win):",
            "python=3.1",
            "pip",
            "pip=2",
            "\u00a0",
            "\u200b",
            "“",
            "--no-deps",
        ),
        *(
            "; python_version<'3'",
            "; extra=='a'",
            "; 'a' in extras",
            "sklearn",
            "a=1=b",
            "rich, toolz",
            "[version='>=1']",
            "=>",
        ),
        *("-r ", "-e .", "--hash=sha256:", "-i ", "${A}", "git+", "https://", "file:///", "#egg=", "[", "]"),
        *("{", "}", "*", "&a ", "!", "<<:", "---", "%YAML ", '"\\U99999999"', "9" * 5000),
    ]
)
SECONDS, MEBIBYTES = 1.0, 100
LINES = st.lists(st.lists(PIECES, max_size=6).map("".join), max_size=12).map("\n".join)
TEXTS = st.one_of(
    st.text(max_size=200),
    LINES,
    LINES.map(lambda lines: "dependencies:\n" + "".join(f"  - {line}\n" for line in lines.split("\n"))),
    st.lists(PIECES, max_size=25).map(" ".join),
    st.lists(PIECES, max_size=25).map("".join),
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


class Costs:
    """Where a run is long (SESSIONPKGS_EXAMPLES): the example that took longest, and the one that needed most memory.

    Time is that of the processor, so that other work on the machine does not count.
    """

    def __init__(self):
        self.examples, self.slowest, self.largest = 0, (0.0, ""), (0.0, "")

    @contextmanager
    def of(self, text):
        """Measure what is done inside, which is one example."""
        peak, began = self.peak(), time.process_time()
        yield
        self.examples += 1
        self.slowest = max(self.slowest, (time.process_time() - began, repr(text)))
        self.largest = max(self.largest, (self.peak() - peak, repr(text)))

    @staticmethod
    def peak():
        """MiB that this process has had at most; Linux counts in KiB, macOS in bytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

    def settle(self):
        said = f"slowest {self.slowest[0]:.3f} s of CPU {self.slowest[1]:.80}, most memory {self.largest[0]:.1f} MiB"
        sys.stdout.write(f"\n{self.examples} examples, {said} {self.largest[1]:.80}\n")
        assert self.slowest[0] < SECONDS
        assert self.largest[0] < MEBIBYTES


@pytest.fixture(scope="module")
def costs():
    """The costs of all examples; they are only held against the limits where a person asks for a long run."""
    kept = Costs()
    yield kept
    if "SESSIONPKGS_EXAMPLES" in os.environ:
        kept.settle()


def opened(path):
    return Path(path).read_bytes()


def answer(ask):
    """What *ask* gives, or None when it was refused as it should be."""
    try:
        return ask()
    except SpecError as error:
        refused = error
    assert refused.sentence
    assert refused.hint
    return None


def outcome(text, folder="/home/me", form=None):
    """The Spec, or None when the text was refused as it should be."""
    return answer(lambda: read(text, origin=Origin(folder=folder, open=opened, variables={"A": "x y"}), format=form))


def files():
    return sorted(path for kind in ("env", "req") for path in (CORPUS / kind).glob("*.*")) or [None]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name if path else "absent")
def test_a_real_file_gives_a_spec_or_a_sentence(path):
    if path is None:
        pytest.skip("the corpus of real files is not beside this checkout")
    found = outcome(path.read_bytes(), folder=str(path.parent))
    assert found is None or found | found == found


@LONG
@given(text=TEXTS, form=st.sampled_from([None, *FORMATS]))
def test_arbitrary_text_never_raises_anything_but_a_spec_error(costs, text, form):
    with costs.of(text):
        found = outcome(text, form=form)
    assert found is None or found | found == found


@LONG
@given(raw=st.binary(max_size=60))
def test_arbitrary_bytes_never_raise_anything_but_a_spec_error(costs, raw):
    with costs.of(raw):
        outcome(raw)


@LONG
@given(lines=st.lists(st.lists(PIECES, max_size=5).map("".join), max_size=4))
def test_arbitrary_arguments_never_raise_anything_but_a_spec_error(lines):
    found = answer(lambda: environment_yml.read_lines(lines, origin=Origin(folder="/home/me", open=opened)))
    assert found is None or found | found == found


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)


@LONG
@given(raw=st.one_of(st.binary(max_size=40), JSON.map(lambda tree: json.dumps(tree).encode())))
def test_an_arbitrary_table_never_raises_anything_but_a_spec_error(raw):
    found = answer(lambda: load_conda_names(raw, "names.json"))
    assert all(name and value != "" for name, value in (found or {}).items())


@settings(deadline=None, database=None)
@given(a=SPECS, b=SPECS, c=SPECS)
def test_merging_is_associative_and_idempotent(a, b, c):
    assert (a | b) | c == a | (b | c)
    assert a | a == a
