"""What an inline script block gives, and what is said about one that cannot be followed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, pep723, read
from sessionpkgs.formats.uv_table import OTHER_SET

# The expression of PEP 723, "Reference Implementation".
REGEX = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"


def nothing(path):
    raise FileNotFoundError(path)


def spec(text, label="cell"):
    return read(text, origin=Origin(folder="/home/me", open=nothing, label=label))


def refusal(text, label="cell"):
    with pytest.raises(SpecError) as caught:
        spec(text, label)
    assert caught.value.hint
    return caught.value


def outcome(text, form):
    """The Spec, or None when the text was refused as it should be."""
    try:
        return read(text, origin=Origin(folder="/home/me", open=nothing), format=form)
    except SpecError as error:
        refused = error
    assert refused.sentence
    assert refused.hint
    return None


def block(*lines, beside=""):
    """A script block with these lines of TOML."""
    return "".join(["# /// script\n", *(f"# {line}".rstrip() + "\n" for line in lines), "# ///\n", beside])


def uv(*lines):
    return block("dependencies = [\"foo[x]>=1,<2 ; os_name != 'z'\"]", "[tool.uv]", *lines)


def lines(found):
    return [item.line for item in found]


def test_dependencies_become_requirements_with_their_place():
    found = spec(block('dependencies = ["Foo_Bar>=2", "x @ https://h.example/x-1.zip"]', 'requires-python = ">=3.11"'))
    assert [(r.line, r.name, r.where) for r in found.requirements] == [
        ("Foo_Bar>=2", "foo-bar", "dependencies[0]"),
        ("x @ https://h.example/x-1.zip", "x", "dependencies[1]"),
    ]
    assert [(r.line, r.name, r.where) for r in found.python] == [("python>=3.11", "python", "requires-python")]
    assert found.notices == ()


def test_a_list_over_several_lines_with_comments_is_read():
    text = block("dependencies = [", '  "a",  # why', "", '  "b",', "]")
    assert lines(spec(text).requirements) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "problem", "where"),
    [
        ('# /// script\n# dependencies = ["a"]\nimport x\n', "not closed", "cell, line 1"),
        ("\n# /// script\n", "not closed", "cell, line 2"),
        ("# /// script\n# ///\n", "empty", "cell, line 1"),
        (block("dependencies = []") + "\n" + block("dependencies = []"), "second script block", "cell, line 5"),
        ("\n\n" + block("dependencies = [", '"a" "b"', "]"), "not TOML", "cell, line 5, column 5"),
        (block("dependencies = ["), "not TOML", "cell, line 2"),
        (block('a = "x', "b = 1"), "not TOML", "cell, line 2, column 7"),
        (block("x = " + "[" * 3000), "nested too deeply", "cell"),
        (block("a" + ".a" * 100 + " = 1"), "dots", "cell, line 2"),
        (block("a = 1", "b = " + "9" * 30_000), "more than 20000 characters", "cell, line 3"),
        (block('dependencies = "a"'), "a list", "cell, dependencies"),
        (block("dependencies = [1]"), "in quotes", "cell, dependencies[0]"),
        (block('dependencies = ["-r x"]'), "not a requirement", "cell, dependencies[0]"),
        (block('dependencies = ["./x"]'), "not a requirement", "cell, dependencies[0]"),
        (block('dependencies = ["https://h.example/a.zip"]'), "not a requirement", "cell, dependencies[0]"),
        (block('dependencies = ["a --hash=sha256:00"]'), "not a requirement", "cell, dependencies[0]"),
        (block("dependencies = [" + '"a",' * 2500 + "]"), "more than 2000", "cell, dependencies"),
        (block('requires-python = "3.11 or so"'), "range of Pythons", "cell, requires-python"),
        (block("tool = 1"), "a table", "cell, tool"),
    ],
)
def test_a_block_that_cannot_be_read_is_refused_with_its_place(text, problem, where):
    error = refusal(text)
    assert problem in error.sentence
    assert error.where == where


def test_all_problems_of_a_block_are_in_one_message():
    assert "3 problems" in refusal(block('dependencies = ["a b", "c d"]', 'requires-python = "x"')).sentence


def test_code_beside_the_block_is_said_in_a_cell_only():
    text = block('dependencies = ["a"]', beside="import a\n")
    assert any("does not run" in notice for notice in spec(text).notices)
    assert spec(text, "script.py").notices == ()
    assert spec(block('dependencies = ["a"]', beside="\n# only a comment\n")).notices == ()


def test_unknown_keys_and_tables_of_other_tools_are_said():
    told = " ".join(spec(block('dependencies = ["a"]', "foo = 1", "[tool.hatch]", "[tool.bar]")).notices)
    assert all(word in told for word in ("foo", "tool.hatch", "tool.bar"))


def test_a_block_wins_over_the_text_that_it_stands_in():
    assert lines(spec(block('dependencies = ["a"]', beside="dependencies:\n  - b\n[project]\n")).requirements) == ["a"]


def test_blanks_behind_the_marks_do_not_hide_a_block():
    assert lines(spec('# /// script  \n# dependencies = ["a"]\n# /// \n').requirements) == ["a"]


def test_blocks_of_other_types_are_not_read():
    other = '# /// other\n# dependencies = ["x"]\n# ///\n\n'
    assert lines(spec(other + block('dependencies = ["a"]')).requirements) == ["a"]


@pytest.mark.parametrize(
    ("written", "field", "wanted"),
    [
        ('index-url = "https://a.example/s"', "indexes", ("https://a.example/s",)),
        ('extra-index-url = ["https://b.example/s"]', "indexes", ("https://b.example/s", "default")),
        (
            """extra-index-url = ["https://b.example/s"]
# index-url = "https://a.example/s"
# index = [{url = "https://d.example/s", default = true}, {url = "https://c.example/s", name = "c"}]""",
            "indexes",
            ("https://c.example/s", "https://b.example/s", "https://d.example/s"),
        ),
        ('index = [{url = "https://f.example/w", format = "flat"}]', "find_links", ("https://f.example/w",)),
        ('find-links = ["./w"]', "find_links", ("/home/me/w",)),
        ("no-index = true", "no_index", True),
        ("no-index = false", "no_index", False),
        ('prerelease = "allow"', "pre", True),
        ('prerelease = "if-necessary-or-explicit"', "pre", False),
        ('resolution = "highest"', "pre", False),
        ("override-dependencies = []", "pre", False),
    ],
)
def test_what_uv_says_of_places_and_choices_is_followed(written, field, wanted):
    found = spec(uv(written))
    assert getattr(found, field) == wanted
    assert found.notices == ()


def test_constraints_of_uv_ask_for_nothing():
    found = spec(uv('constraint-dependencies = ["numpy<2"]'))
    assert (lines(found.requirements), lines(found.constraints)) == (
        ["foo[x]>=1,<2 ; os_name != 'z'"],
        ["numpy<2"],
    )


@pytest.mark.parametrize("key", sorted(OTHER_SET))
def test_a_key_that_would_give_another_set_is_refused(key):
    error = refusal(uv(f'{key} = ["x"]'))
    assert "another set" in error.sentence
    assert error.where == f"cell, tool.uv.{key}"


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('resolution = "lowest"', "cannot be followed"),
        ('prerelease = "disallow"', "cannot be followed"),
        ('index-strategy = "unsafe-best-match"', "cannot be followed"),
        ('index-url = "./x"', "not the URL of an index"),
        ('index = [{url = "https://h.example", explicit = true}]', "explicit"),
        ("index = [{}]", "not the URL of an index"),
        ('constraint-dependencies = ["-e ."]', "not a requirement"),
        ('constraint-dependencies = ["a[x]"]', "cannot be a constraint"),
        ('sources = {foo = {index = "x"}}', "'index' is not read"),
        ("sources = {foo = {workspace = true}}", "'workspace' is not read"),
        ("sources = {foo = {}}", "is not read"),
        ('sources = {foo = [{url = "https://h.example/foo.zip"}]}', "several sources"),
        ('sources = {foo = {git = "https://h.example/foo", lfs = true}}', "'lfs' is not read"),
        ('sources = {foo = {git = "https://h.example/foo", rev = "a", tag = "b"}}', "at most one revision"),
        ('sources = {foo = {git = "git@h.example:foo"}}', "not a complete URL"),
        ('sources = {foo = {path = "~/foo"}}', "starts with ~"),
    ],
)
def test_what_cannot_be_followed_is_refused(written, problem):
    assert problem in refusal(uv(written)).sentence


def test_settings_without_effect_are_said():
    (notice,) = spec(uv('cache-dir = "x"', "offline = true")).notices
    assert "cache-dir, offline" in notice


@pytest.mark.parametrize(
    ("source", "wanted", "editable"),
    [
        ('git = "https://h.example/foo", tag = "v1"', "git+https://h.example/foo@v1", False),
        (
            'git = "ssh://git@h.example/foo", rev = "abc", subdirectory = "src"',
            "git+ssh://git@h.example/foo@abc#subdirectory=src",
            False,
        ),
        ('url = "https://h.example/foo.zip"', "https://h.example/foo.zip", False),
        ('path = "../my foo", editable = true', "file:///home/my%20foo", True),
        ('path = "foo-1.0-py3-none-any.whl"', "file:///home/me/foo-1.0-py3-none-any.whl", False),
    ],
)
def test_a_source_gives_the_place_and_keeps_extras_marker_and_versions(source, wanted, editable):
    found = spec(uv(f"sources = {{Foo = {{{source}}}}}"))
    (asked,) = found.requirements
    assert (asked.line, asked.name) == (f'foo[x] @ {wanted} ; os_name != "z"', "foo")
    assert asked.editable == editable
    assert lines(found.constraints) == ["foo<2,>=1"]


def test_a_source_of_no_dependency_is_said():
    (notice,) = spec(uv('sources = {bar = {url = "https://h.example/bar.zip"}}')).notices
    assert "bar" in notice


MARKS = st.sampled_from(["# /// script", "# ///", "#", "# a = 1", "#a", "", "x = 1", "# /// other"])


@settings(max_examples=200, database=None)
@given(st.lists(MARKS, max_size=12))
def test_blocks_are_those_that_the_expression_of_the_pep_finds(written):
    matches = [(match["type"], match["content"]) for match in re.finditer(REGEX, "\n".join(written) + "\n")]
    found = [(kind, start, end) for kind, start, end in pep723._blocks(written) if end > start + 1]
    assert [(kind, "".join(f"{line}\n" for line in written[start + 1 : end])) for kind, start, end in found] == matches


PIECES = st.sampled_from(
    [
        *("# /// script\n", "# ///\n", "# ", "\n", "dependencies = [", '"a"', '"a b"', ",", "]", "=", "[", "{", "}"),
        *("[tool.uv]\n", "[tool.uv.sources]\n", "requires-python", '">=3"', "index-url", '"https://h.example"', "1"),
        *(
            "[[tool.uv.index]]\n",
            "url",
            "path",
            "git",
            "a",
            ".",
            "true",
            "'''",
            '"""',
            "\\u0000",
            "9" * 50,
            "-r x",
            "tool",
        ),
        *("prerelease", "exclude-newer", "sources", "find-links", "[]", "{}", "é", "1979-13-01", "0x", "inf", "nan"),
    ]
)


@settings(max_examples=200, database=None)
@given(st.lists(PIECES, max_size=30).map("".join), st.booleans())
def test_any_text_gives_a_spec_or_a_sentence(text, wrapped):
    text = block(*text.split("\n")) if wrapped else text
    found = outcome(text, "pep723")
    assert found is None or found | found == found
