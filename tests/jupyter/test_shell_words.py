"""The words of a line, as a shell and as people understand it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.jupyter.shell_words import Words, split
from sessionpkgs.process import run

PIECES = [
    *(
        "install",
        "a",
        "six",
        "pandas[sql]",
        "-U",
        "--q",
        "-r",
        "https://u:p@h/x#egg=y",
        "1.0",
        "2",
        "log.txt",
        "~",
        "~/x",
    ),
    *("|", "||", "&", "&&", ";", "<", ">", ">>", "<<", ">&", "&>", "2>", ">=", "==", "~=", "!=", "=", ",", "(", ")"),
    *(
        "'",
        '"',
        "`",
        "$",
        "$(",
        "$HOME",
        "${A}",
        "\\",
        "\\\n",
        "\n",
        "\r",
        "\t",
        "\0",
        "#",
        "/dev/null",
        "xargs pip",
        "grep",
    ),
]
LINES = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*PIECES, " "]), max_size=14).map("".join),
    st.text("'\"\\|<>&; $`a1\n"),
)


def refusal(line):
    with pytest.raises(SpecError) as caught:
        split(line)
    assert caught.value.hint
    return caught.value


def attempt(line):
    try:
        return split(line)
    except SpecError as error:
        return error


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pandas>1.0", ["pandas>1.0"]),
        ("six>=1.0,<2", ["six>=1.0,<2"]),
        ("pandas >= 2", ["pandas>=2"]),
        ("pandas >=2", ["pandas>=2"]),
        ("pandas> 2", ["pandas>2"]),
        ("pandas > 1.0, < 2", ["pandas>1.0,<2"]),
        ("pandas > 1.0 , < 2 numpy", ["pandas>1.0,<2", "numpy"]),
        ("numpy<2 --quiet", ["numpy<2", "--quiet"]),
        ("pandas[sql]>1", ["pandas[sql]>1"]),
        ("pandas~=2.0 numpy!=1.25", ["pandas~=2.0", "numpy!=1.25"]),
        ("x == 2 y== 2.0 z ==3", ["x==2", "y==2.0", "z==3"]),
        ("x>=1.*,!=1.5,<2", ["x>=1.*,!=1.5,<2"]),
        ("x>=1.0rc1,==1.*", ["x>=1.0rc1,==1.*"]),
        ("torch>2.1.0+cu118", ["torch>2.1.0+cu118"]),
        ("conda-forge::numpy >1.20", ["conda-forge::numpy>1.20"]),
        ("numpy = 1.26", ["numpy=1.26"]),
        ("'pandas' >'1.0'", ["pandas>1.0"]),
        ('pandas>"1.0",<2', ["pandas>1.0,<2"]),
        ("pandas>={version} numpy>{version}", ["pandas>={version}", "numpy>{version}"]),
        ("pandas>=x", ["pandas>=x"]),
        ("'pandas >= 2' scipy", ["pandas >= 2", "scipy"]),
        ("'>=2' x", [">=2", "x"]),
    ],
)
def test_an_unquoted_version_condition_belongs_to_its_requirement(line, wanted):
    assert split(line) == Words(words=tuple(wanted))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("a # b", ["a"]),
        ("a # don't", ["a"]),
        ("# a", []),
        ("", []),
        ("git+https://h/x#egg=y", ["git+https://h/x#egg=y"]),
        ("a    b", ["a", "b"]),
        ("a \\\n  b\\\r\n c", ["a", "b", "c"]),
        ("a\\", ["a"]),
        ("a;", ["a"]),
        ("a ; # b", ["a"]),
        ("a\n", ["a"]),
        ("'a b'\"c\"\\ d", ["a bc d"]),
        ('"a\\"b" \'c\\d\'', ['a"b', "c\\d"]),
        ("'' b", ["", "b"]),
        ("a\xa0b", ["a", "b"]),
        ("~/src -r ~", ["${HOME}/src", "-r", "${HOME}"]),
        ("'~/src' a~b ~me", ["~/src", "a~b", "~me"]),
        ("$HOME/a \"$HOME/b\" '$HOME/c'", ["${HOME}/a", "${HOME}/b", "$HOME/c"]),
        ("$low ${UP} a$ \\$HOME", ["$low", "${UP}", "a$", "$HOME"]),
    ],
)
def test_words_lose_their_quotes_and_comments(line, wanted):
    assert split(line) == Words(words=tuple(wanted))


@pytest.mark.parametrize(
    ("behind", "tail", "quiet"),
    [
        ("2>/dev/null", "", False),
        ("2> /dev/null", "", False),
        ("2>&1", "", False),
        ("2>>err.log", "", False),
        ("1>&2", "", False),
        ("> /dev/null", "", True),
        (">/dev/null 2>&1", "", True),
        ("1>/dev/null", "", True),
        ("&> /dev/null", "", True),
        (">& /dev/null", "", True),
        (">&-", "", True),
        ("> log.txt > /dev/null", "", True),
        ("> /dev/null | tee x", "", True),
        ("> log.txt", "> log.txt", False),
        (">log.txt 2>&1", "> log.txt", False),
        ("> /dev/null > log.txt", "> log.txt", False),
        (">| log.txt", "> log.txt", False),
        ('>> "my log.txt"', '>> "my log.txt"', False),
        ("> $HOME/log", "> $HOME/log", False),
        ("&>> log.txt", ">> log.txt", False),
        (">& log.txt", "> log.txt", False),
        ("> 2024-01-01.log", "> 2024-01-01.log", False),
        ("| grep -v 'already satisfied'", "| grep -v 'already satisfied'", False),
        ("2>&1 | tail -n 1  # last", "| tail -n 1", False),
        ("| grep -v x | tail -n 1;", "| grep -v x | tail -n 1", False),
        ("| grep pip > found.txt 2>/dev/null", "| grep pip > found.txt 2>/dev/null", False),
        ("|& tee log.txt", "|  tee log.txt", False),
        ("| grep x &> log", "| grep x  > log", False),
        ("| awk '{print $1; $(x)}'", "| awk '{print $1; $(x)}'", False),
        ("| LC_ALL=C sort", "| LC_ALL=C sort", False),
        ("| python -m json.tool", "| python -m json.tool", False),
        ("> log.txt | tee x", "> log.txt | tee x", False),
    ],
)
def test_what_stands_behind_a_command_is_its_tail(behind, tail, quiet):
    assert split(f"install a {behind}") == Words(words=("install", "a"), tail=tail, quiet=quiet)


def test_words_behind_a_redirection_belong_to_the_command():
    assert split("install a > log.txt b 2>&1 c") == Words(words=("install", "a", "b", "c"), tail="> log.txt")


@pytest.mark.parametrize(
    ("line", "sign", "hint"),
    [
        ("a && b", "&&", "line of its own"),
        ("a; b", ";", "line of its own"),
        ("a\nb", "second line", "line of its own"),
        ("a || true", "||", "fails the cell"),
        ("a | grep b || true", "||", "fails the cell"),
        ("a &", "&", "waits"),
        ("a | grep x &", "&", "waits"),
        ("a; python_version < '3'", ";", "marker in quotes"),
        ("a;sys_platform=='linux'", ";", "marker in quotes"),
        ("$(cat x)", "$(", "notebook variable"),
        ('"$(cat x)"', "$(", "notebook variable"),
        ("a | grep $(x)", "$(", "notebook variable"),
        ("`cat x`", "`", "notebook variable"),
        ("a << EOF", "<<", "-r FILE"),
        ("a <<< b", "<<", "-r FILE"),
        ("a | cat << EOF", "<<", "line of its own"),
        ("a < r.txt", "<", "-r FILE"),
        ("a (>1)", "(", "in quotes"),
        ("a 3> x", "3>", "> FILE"),
        ("a >", ">", "> FILE"),
        ("a | ", "|", "Leave"),
        ("a | | b", "|", "Leave"),
        ("'a", "quotation mark", "Close"),
        ('"a', "quotation mark", "Close"),
        ("'a\nb'", "quotation mark", "Close"),
        ("--quiet >1", ">1", "name first"),
        (">1.0", ">1.0", "name first"),
    ],
)
def test_what_only_a_shell_can_do_is_refused_by_name(line, sign, hint):
    error = refusal(line)
    assert sign in error.sentence
    assert hint in error.hint


@pytest.mark.parametrize(
    ("tail", "named"),
    [
        ("| xargs pip install", "pip"),
        ("| xargs -n1 pip3 install -U", "pip3"),
        ("| sudo tee x", "sudo"),
        ("| X=1 /usr/bin/uv pip install -r -", "uv"),
        ("| grep x | conda install --file -", "conda"),
        ("| sh -c 'pip install x'", "pip"),
        ("| python3 -m pip install x", "pip"),
    ],
)
def test_a_tail_may_not_start_an_installer(tail, named):
    error = refusal(f"freeze {tail}")
    assert f"pipes into {named}," in error.sentence


def test_a_login_in_a_line_stays_out_of_the_message():
    assert "hunter2" not in str(refusal("-i https://u:hunter2@h/x == 2").to_dict())


@pytest.mark.parametrize(
    ("behind", "printed"),
    [("| grep -v one  # two", "two\n"), ("|& tail -n 1", "two\n"), ("&> out.txt", ""), (">> 'a b' | cat", "")],
)
def test_cat_and_the_tail_do_what_was_meant(tmp_path, behind, printed):
    (tmp_path / "given").write_text("one\ntwo\n")
    script = f'cat "$0" {split(f"list {behind}").tail}'
    done = run(["/bin/sh", "-c", script, "given"], env={"PATH": "/usr/bin:/bin"}, cwd=str(tmp_path), deadline=60)
    assert (done.code, done.stdout) == (0, printed)
    written = [path.read_text() for path in tmp_path.iterdir() if path.name != "given"]
    assert written == ([] if printed else ["one\ntwo\n"])


@given(LINES)
def test_any_text_gives_words_or_a_spec_error(line):
    found = attempt(line)
    assert found.hint if isinstance(found, SpecError) else not (found.quiet and found.tail)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=8), max_size=5))
def test_quoted_words_come_back_as_they_are(words):
    line = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    assert split(line).words == tuple(words)


@given(st.text("ab1 \t'\"\\.-[]{}*?:/%@+^", max_size=30))
def test_words_without_signs_are_those_of_shlex(line):
    try:
        wanted = tuple(shlex.split(line))
    except ValueError:
        return
    assert split(line).words == wanted
