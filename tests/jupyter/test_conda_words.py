"""What the lines behind %conda, %mamba and %micromamba ask for."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.jupyter.conda_words import parse

PIECES = [
    *(
        "install",
        "update",
        "upgrade",
        "remove",
        "list",
        "env",
        "export",
        "create",
        "-c",
        "-y",
        "-q",
        "-n",
        "--file",
        "-f",
    ),
    *(
        "numpy",
        "numpy>1.20",
        "numpy=1.26",
        "a::b",
        "a,b",
        "'numpy >=1'",
        "e.yml",
        "--json",
        "--prune",
        "--all",
        "-d",
        "--",
    ),
    *("''", "'", ">", "| x", "#", "-h", "--version", "--solver", "--no", "-z", "'a\rb'"),
]
LINES = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join))
UNSEEN = "Versions behind a name are not looked at."


def refusal(line, program="conda"):
    with pytest.raises(SpecError) as caught:
        parse(line, program=program)
    assert caught.value.hint
    return caught.value


def attempt(line, program):
    try:
        return parse(line, program=program)
    except SpecError as error:
        return error


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("install numpy>1.20 pandas=2 -y", {"verb": "install", "specs": ("numpy>1.20", "pandas=2")}),
        ("install numpy = 1.26", {"verb": "install", "specs": ("numpy=1.26",)}),
        ("install 'numpy >=1,<2' x=1=py_0", {"verb": "install", "specs": ("numpy >=1,<2", "x=1=py_0")}),
        ("install conda-forge::x>=1", {"verb": "install", "specs": ("conda-forge::x>=1",)}),
        ("install \"x[version='>1']\"", {"verb": "install", "specs": ("x[version='>1']",)}),
        ("install ruamel.yaml", {"verb": "install", "specs": ("ruamel.yaml",)}),
        ("install -c a --channel=b -ca x", {"verb": "install", "specs": ("x",), "channels": ("a", "b")}),
        ("install --file r.txt", {"verb": "install", "file": "r.txt"}),
        ("install --file ~/r.txt x", {"verb": "install", "specs": ("x",), "file": "~/r.txt"}),
        ("install -yq x", {"verb": "install", "specs": ("x",), "quiet": True}),
        ("install x > /dev/null", {"verb": "install", "specs": ("x",), "quiet": True}),
        ("install -d x --json", {"verb": "install", "specs": ("x",), "dry_run": True, "form": "json"}),
        ("install x --no-deps -v", {"verb": "install", "specs": ("x",), "no_deps": True, "verbose": True}),
        ("install x --force-reinstall", {"verb": "install", "specs": ("x",), "force": True}),
        ("install x --override-channels", {"verb": "install", "specs": ("x",), "override_channels": True}),
        ("install x --solver libmamba --strict-channel-priority", {"verb": "install", "specs": ("x",)}),
        ("install x --freeze-installed", {"verb": "install", "specs": ("x",)}),
        (
            "install x --update-deps",
            {
                "verb": "install",
                "specs": ("x",),
                "notices": ("--update-deps is not used: only what has to change changes.",),
            },
        ),
        ("-q install x", {"verb": "install", "specs": ("x",), "quiet": True}),
        ("update x", {"verb": "update", "specs": ("x",)}),
        ("upgrade --all", {"verb": "update", "all": True}),
        ("remove x y", {"verb": "remove", "names": ("x", "y")}),
        ("uninstall a::x=1 -y", {"verb": "remove", "names": ("x",), "notices": (UNSEEN,)}),
        ("list", {"verb": "list"}),
        ("list '^num' --json", {"verb": "list", "names": ("^num",), "form": "json"}),
        ("list -e", {"verb": "list", "form": "export"}),
        ("list -f numpy", {"verb": "list", "names": ("numpy",), "full_name": True}),
        ("list | grep x", {"verb": "list", "tail": "| grep x"}),
        ("env update -f e.yml --prune", {"verb": "env update", "file": "e.yml", "prune": True}),
        ("env update --file=e.yml", {"verb": "env update", "file": "e.yml"}),
        ("env update", {"verb": "env update", "file": "environment.yml"}),
        ("env export > e.yml", {"verb": "env export", "tail": "> e.yml"}),
        ("env export --from-history", {"verb": "env export", "from_history": True}),
        ("env export --no-builds -f e.yml", {"verb": "env export", "no_builds": True, "file": "e.yml"}),
        ("export --format json", {"verb": "env export", "form": "json"}),
        ("--version", {"verb": "stock"}),
        ("-V", {"verb": "stock"}),
        ("--help", {"verb": "stock"}),
    ],
)
def test_a_line_is_understood(line, wanted):
    found = parse(line, program="conda")
    given_words = {one.name: getattr(found, one.name) for one in fields(found) if one.name != "words"}
    assert {
        one.name: given_words[one.name]
        for one in fields(found)
        if given_words.get(one.name, one.default) != one.default
    } == wanted


@pytest.mark.parametrize("program", ["mamba", "micromamba"])
def test_mamba_has_a_short_option_for_a_file(program):
    assert parse("install -f e.yml", program=program).file == "e.yml"
    assert "--file" in refusal("install -f e.yml").hint


@pytest.mark.parametrize(
    ("line", "sentence", "hint"),
    [
        ("", "no sub-command", "install, update"),
        ("isntall x", "%conda isntall", "%conda install"),
        ("install", "names nothing", "--file FILE"),
        ("update", "names nothing", "--file FILE"),
        ("remove", "names nothing", "NAME"),
        ("remove --all", "--all", "%session_env reset"),
        ("install -n env x", "-n", "one environment"),
        ("install --name=env x", "--name", "one environment"),
        ("install -p /x x", "-p", "one environment"),
        ("-n env install x", "-n", "one environment"),
        ("env update -n env -f e.yml", "-n", "one environment"),
        ("install --offline x", "--offline", "index"),
        ("install --only-deps x", "--only-deps", "without the package"),
        ("install -k x", "-k", "global.cert"),
        ("install a, b", "not by commas", "%conda install NAME NAME"),
        ("install a,b", "not by commas", "%conda install NAME NAME"),
        ("install ''", "not a package", "name=1.2"),
        ("install environment.yml", "is a file", "env update -f environment.yml"),
        ("install requirements.txt", "is a file", "--file requirements.txt"),
        ("install --file a --file b", "takes one file", "each file"),
        ("install --file $DATA/r.txt", "a variable in a path", "without it"),
        ("install --zzz x", "no option --zzz", "-h"),
        ("install --chanel a x", "no option --chanel", "--channel"),
        ("list a b", "one pattern", "^(a|b)$"),
        ("list --explicit", "--explicit", "not listed"),
        ("env update x", "only a file", "-f FILE"),
        ("env export x", "gives an environment.yml", "> FILE"),
        ("env export --format explicit", "gives an environment.yml", "> FILE"),
        ("create -n x", "%conda create", "%conda install"),
        ("activate x", "%conda activate", "kernel"),
        ("deactivate", "%conda deactivate", "kernel"),
        ("clean --all", "%conda clean", "cache"),
        ("run x", "%conda run", "!COMMAND"),
        ("init bash", "%conda init", "shell"),
        ("search x", "%conda search", "--dry-run"),
        ("info", "%conda info", "%session_env"),
        ("config --add channels x", "%conda config", "-c CHANNEL"),
        ("compare e.yml", "%conda compare", "--dry-run"),
        ("package", "%conda package", "terminal"),
        ("build .", "%conda build", "terminal"),
        ("env", "%conda env does", "env update -f FILE"),
        ("env create -f e.yml", "%conda env create", "env update -f FILE"),
        ("env remove", "%conda env remove", "reset"),
        ("env list", "%conda env list", "kernel"),
        ("install x; y", ";", "line of its own"),
    ],
)
def test_what_a_session_cannot_do_is_refused_with_advice(line, sentence, hint):
    error = refusal(line)
    assert sentence in error.sentence
    assert hint in error.hint


def test_advice_names_the_program_that_was_asked():
    assert "%mamba install" in refusal("create -n x", "mamba").hint


def test_help_names_our_options():
    found = parse("install -h", program="mamba")
    assert found.verb == "help"
    for part in ("%mamba install", "-c/--channel VALUE", "Not in a session:", "--prefix"):
        assert part in found.text


@given(LINES, st.sampled_from(["conda", "mamba", "micromamba"]))
def test_any_line_gives_data_or_a_spec_error(line, program):
    found = attempt(line, program)
    assert found.hint if isinstance(found, SpecError) else all(one.strip() for one in found.specs)
