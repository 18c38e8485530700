"""Conda dependency lines: what is parsed is written again, so that it is parsed to the same parts."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.conda_lines import CondaLine, parse, write

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SESSIONPKGS_CORPUS", HERE.parent / "shared" / "corpus"))

NAMES = st.from_regex(r"[a-z_][a-z0-9_.-]{0,8}[a-z0-9]", fullmatch=True)
NUMBERS = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}(rc1|\.\*|\*)?", fullmatch=True)
CLAUSES = st.builds("{}{}".format, st.sampled_from(["", "=", "==", ">=", "<", "!=", "~="]), NUMBERS)
VERSIONS = st.one_of(
    st.just(""), st.just("*"), st.lists(CLAUSES, min_size=1, max_size=3).map(",".join), CLAUSES.map("{}|2".format)
)
BUILDS = st.one_of(st.just(""), st.from_regex(r"[a-z0-9_*]{1,8}", fullmatch=True))
CHANNELS = st.sampled_from(["", "conda-forge", "https://h.example/t/x/main", "pytorch/linux-64"])
OTHERS = st.lists(
    st.tuples(st.sampled_from(["md5", "fn", "subdir"]), NAMES), max_size=2, unique_by=lambda pair: pair[0]
).map(tuple)
PARTS = st.builds(
    CondaLine, name=NAMES, text=st.just(""), version=VERSIONS, build=BUILDS, channel=CHANNELS, others=OTHERS
)
SCRAPS = st.lists(
    st.sampled_from([*"abz19 =<>!~|,*[]'.-_:", "::", "version=", "build=", "'>=1, <2'", "numpy", "1.2", "py_0"]),
    max_size=12,
).map("".join)


def parsed(text):
    try:
        return parse(text, where="")
    except SpecError:
        return None


@settings(deadline=None, database=None, max_examples=int(os.environ.get("SESSIONPKGS_EXAMPLES", "300")))
@given(found=PARTS)
def test_parts_come_back_from_what_is_written(found):
    text = write(found)
    assert parse(text, where="") == replace(found, text=text)


@settings(deadline=None, database=None, max_examples=int(os.environ.get("SESSIONPKGS_EXAMPLES", "300")))
@given(text=SCRAPS)
def test_whatever_is_parsed_can_be_written(text):
    if found := parsed(text):
        again = write(found)
        assert parse(again, where="") == replace(found, text=again)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Pandas", "pandas"),
        ("pandas =  1.2", "pandas=1.2"),
        ("pandas 1.2", "pandas 1.2"),
        ("pandas >= 1 , < 2", "pandas>=1,<2"),
        ("conda-forge::pandas=1.2=py_0", "conda-forge::pandas=1.2 py_0"),
        ("pandas[build=py_0]", "pandas[build='py_0']"),
        ("pandas[version='>=1, <2', md5=0ab]", "pandas[version='>=1,<2',md5='0ab']"),
    ],
)
def test_a_line_is_written_as_people_write_it(text, wanted):
    assert write(parse(text, where="")) == wanted


def test_parts_that_no_line_has_are_not_written():
    with pytest.raises(ValueError, match="a b"):
        write(CondaLine(name="a b", text=""))


def lines(path):
    """Conda lines of a real file, by their shape."""
    text = path.read_bytes().decode("utf-16" if path.read_bytes()[:2] == b"\xff\xfe" else "utf-8-sig")
    try:
        tree = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        return re.findall(r"^\s*-\s+([A-Za-z_][^#:\n]*?)\s*$", text, re.MULTILINE)
    found = tree.get("dependencies") if isinstance(tree, dict) else ()
    return [item for item in found or () if isinstance(item, str)]


@pytest.mark.parametrize(
    "path", sorted((CORPUS / "env").glob("*.*")) or [None], ids=lambda path: path.name if path else "absent"
)
def test_the_lines_of_a_real_file_are_written_to_the_same_parts(path):
    if path is None:
        pytest.skip("the corpus of real files is not beside this checkout")
    for text in lines(path):
        if found := parsed(text):
            assert replace(parse(write(found), where=""), text=text) == found
