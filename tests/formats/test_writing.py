"""Locks as files for other tools: what stands in them, and that it is read back to the same."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionpkgs.formats import Origin, read, writing
from sessionpkgs.formats.wheel_files import filename_of, release_of
from sessionpkgs.model import Pin
from tests.formats.test_pylock_toml import LOCKS

ONE = "a" * 64
WHEEL = Pin(name="foo", version="1.0", url="https://h.example/foo-1.0-py3-none-any.whl", sha256=ONE)
DIRECT = Pin(name="bar", version="2.0", url="https://h.example/bar-2.0.zip", sha256=ONE, kind="sdist", direct=True)
LOCAL = Pin(name="here", version="3.0", url="file:///srv/here-3.0-py3-none-any.whl", sha256=ONE)
VCS = Pin(
    name="repo",
    version="1.0",
    url="git+https://h.example/repo#subdirectory=src",
    commit="c0ffee",
    kind="vcs",
    direct=True,
)
FOLDER = Pin(name="proj", version="", url="file:///srv/my%20proj", kind="directory", direct=True)
EDITABLE = Pin(name="edit", version="", url="file:///srv/edit", kind="directory", editable=True, direct=True)


def nothing(path):
    raise FileNotFoundError(path)


def spec(text, form=None):
    return read(text, origin=Origin(folder="/home/me", open=nothing), format=form)


def test_each_line_has_its_hash():
    assert writing.requirements([WHEEL, DIRECT, LOCAL], head=["made by me"]) == (
        "# made by me\n--find-links file:///srv\n"
        f"bar @ https://h.example/bar-2.0.zip \\\n    --hash=sha256:{ONE}\n"
        f"foo==1.0 \\\n    --hash=sha256:{ONE}\n"
        f"here==3.0 \\\n    --hash=sha256:{ONE}\n"
    )


@pytest.mark.parametrize(
    ("pin", "line"),
    [
        (VCS, "repo @ git+https://h.example/repo@c0ffee#subdirectory=src"),
        (FOLDER, "proj @ file:///srv/my%20proj"),
        (EDITABLE, "-e file:///srv/edit#egg=edit"),
    ],
)
def test_no_line_has_a_hash_where_one_can_have_none_and_that_is_said(pin, line):
    comment, *rest = writing.requirements([pin, WHEEL]).splitlines()
    assert comment.startswith("# These lines hold no hashes")
    assert pin.name in comment
    assert sorted(rest) == sorted([line, "foo==1.0"])


def test_an_environment_names_the_python_and_the_packages():
    text = writing.environment([WHEEL, VCS], python="3.10.4", variables=[("MODE", "yes"), ("N", "010")], head=["by me"])
    assert text.startswith("# by me\n")
    assert yaml.safe_load(text) == {
        "dependencies": [
            "python=3.10",
            "pip",
            {"pip": ["foo==1.0", "repo @ git+https://h.example/repo@c0ffee#subdirectory=src"]},
        ],
        "variables": {"MODE": "yes", "N": "010"},
    }
    found = spec(text)
    assert [item.line for item in found.python] == ["python==3.10.*"]
    assert found.variables == (("MODE", "yes"), ("N", "010"))


def test_an_environment_of_nothing_is_read_back_as_nothing():
    text = writing.environment([], python="3.11.7")
    assert yaml.safe_load(text) == {"dependencies": ["python=3.11", "pip"]}
    assert spec(text).requirements == ()


@pytest.mark.parametrize("write", [writing.requirements, lambda pins: writing.environment(pins, python="3.11.7")])
def test_a_login_reaches_no_written_file(write):
    pin = Pin(
        name="foo", version="1", url="https://me:hunter2@h.example/foo-1.zip", sha256=ONE, kind="sdist", direct=True
    )
    assert "hunter2" not in (text := write([pin]))
    assert "https://h.example/foo-1.zip" in text


def test_what_a_comment_holds_declares_nothing():
    head = ["a\nevil==1", "b\x1b[2J\rc", "/// script", ""]
    assert writing.requirements([WHEEL], head=head).splitlines()[:4] == ["# a evil==1", "# b [2J c", "# // script", "#"]
    assert [item.name for item in spec(writing.environment([WHEEL], python="3.11.7", head=head)).requirements] == [
        "foo"
    ]


def release(requirement):
    """Name and version of a requirement that was read back."""
    place, _, _ = requirement.line.partition(" ;")
    name, _, url = place.partition(" @ ")
    return (requirement.name, release_of(filename_of(url))[1] if url else name.partition("==")[2])


def releases(pins):
    return {(pin.name, "" if pin.kind in {"vcs", "directory"} else pin.version) for pin in pins}


VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"), max_size=12)
VARIABLES = st.dictionaries(st.from_regex(r"V[A-Z0-9_]{0,5}", fullmatch=True), VALUES, max_size=3)


@settings(max_examples=200, database=None)
@given(LOCKS, st.text(max_size=20))
def test_requirement_lines_are_read_back(chosen, comment):
    text = writing.requirements(chosen, head=[comment])
    found = spec(text, "requirements_txt")
    assert {release(item) for item in found.requirements} == releases(chosen)
    hashes = {(item.name, item.hashes) for item in found.requirements if item.hashes}
    whole = all(pin.sha256 for pin in chosen)
    assert hashes == ({(pin.name, (f"sha256:{pin.sha256}",)) for pin in chosen} if whole else set())
    assert {item.name for item in found.requirements if item.editable} == {pin.name for pin in chosen if pin.editable}


@settings(max_examples=200, database=None)
@given(LOCKS, VARIABLES)
def test_an_environment_is_read_back_by_us_and_by_any_yaml_reader(chosen, variables):
    text = writing.environment(chosen, python="3.11.7", variables=variables.items())
    found = spec(text)
    assert {release(item) for item in found.requirements} == releases(chosen)
    assert dict(found.variables) == variables
    assert yaml.safe_load(text).get("variables", {}) == variables
