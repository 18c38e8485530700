"""What the lines behind %pip and %uv ask for, and what is said about those that a session cannot follow."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, read
from sessionpkgs.jupyter.pip_lines import parse

PIECES = [
    *("install", "uninstall", "list", "freeze", "show", "check", "download", "pip", "sync", "add", "tool", "--version"),
    *(
        "-U",
        "-q",
        "--q",
        "-Uq",
        "-r",
        "-rx",
        "-c",
        "-e",
        "-i",
        "--index-url=https://h/s",
        "--pre",
        "--no-deps",
        "-h",
        "--",
    ),
    *(
        "--format",
        "json",
        "--index",
        "--prerelease",
        "allow",
        "--timeout",
        "--tagret",
        "--upgr",
        "-",
        "--=",
        "-I",
        "--x=y",
    ),
    *(
        "pandas",
        "numpy>1.0",
        "a,b",
        "a,",
        "a.txt",
        "./a",
        "~/a",
        "'a b'",
        "'a #b'",
        "''",
        "x.whl",
        "git+https://h/x",
        ".",
    ),
    *("| grep x", "> f", "2>&1", "#", "'\\", '"', "${A}", "\\", "'a\\'", "'-x'", "'a\rb'", "'[z'", "'x; os_name'"),
]
LINES = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join))


def opened(path):
    return b"six\n" if path.endswith(".txt") else missing(path)


def missing(path):
    raise FileNotFoundError(path)


def spec(found):
    origin = Origin(folder="/home/me", open=opened, variables={"HOME": "/home/me"})
    return read("\n".join(found.lines), origin=origin, format="requirements_txt")


def changed(line, program="pip"):
    """What *line* gives, without what has its default value."""
    found = parse(line, program=program)
    given_words = {one.name: getattr(found, one.name) for one in fields(found) if one.name != "words"}
    usual = {one.name: one.default for one in fields(found)} | {"verb": "install"}
    return {name: value for name, value in given_words.items() if value != usual[name]}


def attempt(work, *given_words, **more):
    try:
        return work(*given_words, **more)
    except SpecError as error:
        return error


def refusal(line, program="pip"):
    with pytest.raises(SpecError) as caught:
        parse(line, program=program)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("line", "lines", "more"),
    [
        ("pandas numpy --quiet", ("pandas", "numpy"), {"quiet": True}),
        ("pandas numpy --q", ("pandas", "numpy"), {"quiet": True}),
        ("\"pandas>=2\" 'numpy'", ("pandas>=2", "numpy"), {}),
        ("pandas>1.0 six >= 1.0, <2", ("pandas>1.0", "six>=1.0,<2"), {}),
        ("ruamel.yaml zope.in pip.conf", ("ruamel.yaml", "zope.in", "pip.conf"), {}),
        ("\"x; python_version < '3.9'\"", ("x; python_version < '3.9'",), {}),
        ("--upgrade --quiet pip setuptools", ("pip", "setuptools"), {"upgrade": True, "quiet": True}),
        ("-Uq x", ("x",), {"upgrade": True, "quiet": True}),
        ("-qqU x -vvv", ("x",), {"upgrade": True, "quiet": True, "verbose": True}),
        ("x --force-reinstall", ("x",), {"force": True}),
        ("-I x", ("x",), {"force": True}),
        ("x --no-cache-dir", ("x",), {"refresh": True}),
        ("x --no-cache", ("x",), {"refresh": True}),
        ("x --refresh", ("x",), {"refresh": True}),
        ("x --dry-run", ("x",), {"dry_run": True}),
        ("x --engine pip", ("x",), {"engine": "pip"}),
        ("-r r.txt", ("-r r.txt",), {}),
        ("-rr.txt -Ur r.txt", ("-r r.txt", "-r r.txt"), {"upgrade": True}),
        ("--requirement=r.txt x", ("-r r.txt", "x"), {}),
        ("-r 'my r.txt' -c c.txt", ("-r 'my r.txt'", "-c c.txt"), {}),
        ("-r ~/r.txt -r $HOME/r.txt", ("-r '${HOME}/r.txt'", "-r '${HOME}/r.txt'"), {}),
        ("-e . -e'./my src'", ("-e .", "-e './my src'"), {}),
        ("--editable ~/src", ("-e '${HOME}/src'",), {}),
        ("-i https://h/s x", ("--index-url https://h/s", "x"), {}),
        ("--index-url=https://u:p@h/s?a=1 x", ("--index-url 'https://u:p@h/s?a=1'", "x"), {}),
        ("x --extra-index-url https://h/s", ("--extra-index-url https://h/s", "x"), {}),
        ("x -f wheels --find-links 'my wheels'", ("--find-links wheels", "--find-links 'my wheels'", "x"), {}),
        ("--no-index --pre --no-deps x", ("--no-index", "--pre", "--no-deps", "x"), {}),
        ("--require-hashes -r r.txt", ("-r r.txt", "--require-hashes"), {}),
        ("--constr r.txt --no-dep x", ("-c r.txt", "--no-deps", "x"), {}),
        (". '.[dev]' ./dist/x-1.tar.gz", (".", ".[dev]", "./dist/x-1.tar.gz"), {}),
        ("'./my dir' ~/src", ("./my dir", "${HOME}/src"), {}),
        ("git+https://h/x@main#egg=y", ("git+https://h/x@main#egg=y",), {}),
        ("'y @ https://h/y-1-py3-none-any.whl'", ("y @ https://h/y-1-py3-none-any.whl",), {}),
        ("--break-system-packages --disable-pip-version-check -y x", ("x",), {}),
        ("--no-warn-script-location --no-warn-conflicts --no-input --no-color x", ("x",), {}),
        ("--progress-bar off --root-user-action=ignore --retries 3 x", ("x",), {}),
        ("--exists-action w --compile --no-compile --src s --prefer-binary --use-pep517 x", ("x",), {}),
        ("--upgrade-strategy only-if-needed x", ("x",), {}),
        ("-- x", ("x",), {}),
        ("x 2>/dev/null", ("x",), {}),
        ("x > /dev/null", ("x",), {"quiet": True}),
        ("x | grep -v 'already satisfied'", ("x",), {"tail": "| grep -v 'already satisfied'"}),
    ],
)
def test_install_gives_lines_that_the_requirements_reader_takes(line, lines, more):
    assert changed(f"install {line}") == {"lines": lines, **more}
    assert spec(parse(f"install {line}"))


def test_options_may_stand_before_the_sub_command():
    assert changed("-q --timeout 3 install x") == changed("install x -q --timeout 3")
    assert changed("-q --no-cache-dir install x") == {"lines": ("x",), "quiet": True, "refresh": True}


def test_values_reach_the_reader_as_they_were_meant():
    found = spec(parse("install -r ~/r.txt -e './my src' -f 'my wheels' -i 'https://h/a?b=c;d' 'z [s] >= 1' --no-deps"))
    assert [(one.line, one.no_deps) for one in found.requirements] == [
        ("six", True),
        ("/home/me/my src", True),
        ("z [s] >= 1", True),
    ]
    assert (found.indexes, found.find_links) == (("https://h/a?b=c;d",), ("/home/me/my wheels",))


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("--user x", "--user changes nothing"),
        ("--timeout 60 x", "SESSIONPKGS_DEADLINE"),
        ("--upgrade-strategy=eager x", "eager is not used"),
        ("--isolated x", "--isolated is not used"),
        ("--use-feature fast-deps x", "--use-feature has no meaning"),
        ("--use-deprecated=legacy-resolver x", "--use-deprecated has no meaning"),
    ],
)
def test_what_is_left_out_and_could_be_missed_is_said(line, part):
    found = parse(f"install {line}")
    assert found.lines == ("x",)
    assert len(found.notices) == 1
    assert part in found.notices[0]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("uninstall -y pandas numpy", {"verb": "uninstall", "names": ("pandas", "numpy")}),
        (
            "uninstall pandas==1.0 numpy[x] -q",
            {
                "verb": "uninstall",
                "names": ("pandas", "numpy"),
                "quiet": True,
                "notices": ("Versions behind a name are not looked at.",),
            },
        ),
        ("uninstall --yes -r r.txt", {"verb": "uninstall", "lines": ("-r r.txt",)}),
        ("list", {"verb": "list"}),
        ("list --format=freeze", {"verb": "list", "form": "freeze"}),
        (
            "list -v --format json --exclude a --exclude b",
            {"verb": "list", "verbose": True, "form": "json", "excluded": ("a", "b")},
        ),
        ("list | grep pandas", {"verb": "list", "tail": "| grep pandas"}),
        (
            "list --local",
            {"verb": "list", "notices": ("--local changes nothing: all that this session sees is shown.",)},
        ),
        ("freeze", {"verb": "freeze"}),
        ("freeze --all > r.txt", {"verb": "freeze", "all": True, "tail": "> r.txt"}),
        ("freeze -r r.txt --exclude six", {"verb": "freeze", "lines": ("-r r.txt",), "excluded": ("six",)}),
        ("show numpy pandas", {"verb": "show", "names": ("numpy", "pandas")}),
        ("show -f numpy", {"verb": "show", "names": ("numpy",), "files": True}),
        ("check", {"verb": "check"}),
        ("--disable-pip-version-check check", {"verb": "check"}),
        ("download x -d ~/w --no-deps", {"verb": "download", "lines": ("--no-deps", "x"), "folder": "~/w"}),
        ("download --dest=w -r r.txt", {"verb": "download", "lines": ("-r r.txt",), "folder": "w"}),
    ],
)
def test_the_other_sub_commands_are_understood(line, wanted):
    assert changed(line) == wanted


@pytest.mark.parametrize(
    ("line", "program"),
    [
        *(
            (line, "pip")
            for line in (
                *("--version", "-V", "--help", "-h", "-q --version", "help install", "cache purge", "config list"),
                *("debug", "hash x", "index versions x", "inspect", "search x", "wheel x", "completion", "lock x"),
                *("list --outdated", "list -o --format=json", "list --not-required", "list --path x", "list -e"),
            )
        ),
        *(
            (line, "uv")
            for line in (
                *(
                    "--version",
                    "version",
                    "help",
                    "cache dir",
                    "python list",
                    "self version",
                    "tree",
                    "export",
                    "tool list",
                ),
                *("pip tree", "pip compile r.in", "pip --help", "pip list --outdated", "--help"),
            )
        ),
    ],
)
def test_what_changes_nothing_goes_to_the_program(line, program):
    assert parse(line, program=program).verb == "stock"


@pytest.mark.parametrize(
    ("line", "sentence", "hint"),
    [
        ("", "no sub-command", "%pip install, %pip uninstall"),
        ("-q", "no sub-command", "%pip install"),
        ("pandas", "%pip pandas does not work", "%pip install NAME"),
        ("isntall x", "%pip isntall", "Write %pip install."),
        ("pip install x", "%pip pip", "second pip"),
        ("update x", "%pip update", "-U NAME"),
        ("install", "names nothing", "-r FILE"),
        ("install -U", "names nothing", "-r FILE"),
        ("install requirements.txt", "not a requirement", "Write -r requirements.txt."),
        ("install r/requirements-dev.in", "not a requirement", "Write -r r/requirements-dev.in."),
        ("install environment.yml", "not a requirement", "%session_env set environment.yml"),
        ("install 'my reqs.txt'", "not a requirement", "Write -r 'my reqs.txt'."),
        ("install pyproject.toml", "not a requirement", "Write . for"),
        ("install src/pyproject.toml", "not a requirement", "Write src for"),
        ("install pandas, numpy", "not by commas", "Write %pip install pandas numpy."),
        ("install pandas,numpy", "not by commas", "Write %pip install pandas numpy."),
        ("install pandas , 'numpy>1,<2',", "not by commas", "Write %pip install pandas 'numpy>1,<2'."),
        ("install a[b,c], d", "not by commas", "Write %pip install a[b,c] d."),
        ("install dist/*.whl", "not a requirement", "pattern"),
        ("install './my  dir'", "not a requirement", "without blanks"),
        ("install ''", "not a requirement", "name==1.2"),
        ("install -- -x", "'-x'", "name==1.2"),
        ("install 'a\\'", "not a requirement", "name==1.2"),
        ("install -r 'a #b' x", "cannot be the value", "without blanks"),
        ("install -r '' x", "cannot be the value", "without blanks"),
        ("install --only-binary :all: x", "--only-binary", "SESSIONPKGS_WHEELS_ONLY"),
        ("install --no-binary=:all: x", "--no-binary", "%pip wheel"),
        ("install --no-build-isolation x", "--no-build-isolation", "%pip wheel"),
        ("install -C a=b x", "-C", "%pip wheel"),
        ("install --config-settings=a=b x", "--config-settings", "%pip wheel"),
        ("install --global-option=x y", "--global-option", "%pip wheel"),
        ("install -t d x", "-t", "its own place"),
        ("install --target=d x", "--target", "its own place"),
        ("install --prefix d x", "--prefix", "its own place"),
        ("install --root d x", "--root", "its own place"),
        ("install --trusted-host h x", "--trusted-host", "global.trusted-host"),
        ("--trusted-host h install x", "--trusted-host", "global.trusted-host"),
        ("install --proxy http://h x", "--proxy", "HTTPS_PROXY"),
        ("install --cert c x", "--cert", "global.cert"),
        ("install --client-cert c x", "--client-cert", "login"),
        ("install --log f x", "--log", "tee"),
        ("install --cache-dir d x", "--cache-dir", "own cache"),
        ("install --python p x", "--python", "this kernel"),
        ("install --report r x", "--report", "--dry-run"),
        ("install --platform p x", "--platform", "this kernel"),
        ("install --python-version 3 x", "--python-version", "this kernel"),
        ("install --abi cp x", "--abi", "this kernel"),
        ("install --engine conda x", "conda cannot be chosen", "--engine uv"),
        ("install --upgrade-strategy odd x", "odd cannot be chosen", "newest"),
        ("install --quite x", "no option --quite", "--quiet"),
        ("install --zzz x", "no option --zzz", "%pip install -h"),
        ("install -upgrade x", "no option -upgrade", "--upgrade"),
        ("install -z x", "no option -z", "%pip install -h"),
        ("install --upgr x", "--upgrade or --upgrade-strategy", "whole option"),
        ("install --pre=1 x", "takes no value", "--pre alone"),
        ("install x -r", "no value", "-r VALUE"),
        ("uninstall", "names nothing", "NAME"),
        ("uninstall ./x", "not the name", "names only"),
        ("uninstall a, b", "not by commas", "%pip uninstall a b"),
        ("list pandas", "takes no names", "%pip show pandas"),
        ("list --format xml", "no format 'xml'", "columns, freeze, json"),
        ("freeze --exclude-editable", "--exclude-editable", "grep"),
        ("check x", "takes no names", "%pip show x"),
        ("show", "takes names", "NAME"),
        ("show numpy==1", "takes names", "without a version"),
        ("download", "names nothing", "NAME"),
        ("download -d $DATA/w x", "a variable in a path", "without it"),
        ("download -U x", "-U", "%pip install"),
        ("install x && install y", "&&", "line of its own"),
    ],
)
def test_what_a_session_cannot_do_is_refused_with_advice(line, sentence, hint):
    error = refusal(line)
    assert sentence in error.sentence
    assert hint in error.hint


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pip install x -U", {"lines": ("x",), "upgrade": True}),
        ("-q pip install x", {"lines": ("x",), "quiet": True}),
        ("pip install -n --reinstall x", {"lines": ("x",), "refresh": True, "force": True}),
        ("pip install --refresh-package y --reinstall-package z x", {"lines": ("x",), "refresh": True, "force": True}),
        ("pip install -P y --upgrade-package z x", {"lines": ("x",), "upgraded": ("y", "z")}),
        ("pip install --prerelease=allow x", {"lines": ("--pre", "x")}),
        ("pip install --prerelease if-necessary --resolution highest x", {"lines": ("x",)}),
        ("pip install --index-strategy first-index --link-mode copy --compile-bytecode x", {"lines": ("x",)}),
        ("pip install --requirements r.txt", {"lines": ("-r r.txt",)}),
        ("pip install --default-index https://b x", {"lines": ("--index-url https://b", "x")}),
        (
            "pip install x --index n=https://a --default-index https://b --extra-index-url https://c",
            {"lines": ("--index-url https://a", "--extra-index-url https://c", "--extra-index-url https://b", "x")},
        ),
        (
            "pip install x --extra-index-url https://c",
            {
                "lines": ("--extra-index-url https://c", "x"),
                "notices": (
                    "--extra-index-url is asked after the default index; --index-url URL asks one index alone.",
                ),
            },
        ),
        (
            "pip install x --system",
            {"lines": ("x",), "notices": ("--system changes nothing: a session has its own place.",)},
        ),
        ("pip install x --engine pip", {"lines": ("x",), "engine": "pip"}),
        ("pip uninstall x", {"verb": "uninstall", "names": ("x",)}),
        ("pip list --format json", {"verb": "list", "form": "json"}),
        ("pip freeze", {"verb": "freeze"}),
        ("pip show x", {"verb": "show", "names": ("x",)}),
        ("pip check", {"verb": "check"}),
        ("pip sync r.txt", {"verb": "sync", "lines": ("-r r.txt",), "file": "r.txt"}),
        (
            "pip sync pylock.toml --no-index",
            {"verb": "sync", "lines": ("-r pylock.toml", "--no-index"), "file": "pylock.toml"},
        ),
    ],
)
def test_the_lines_of_uv_are_understood(line, wanted):
    assert changed(line, "uv") == {"engine": "uv", **wanted}


@pytest.mark.parametrize(
    ("line", "sentence", "hint"),
    [
        ("pip", "no sub-command", "%uv pip install"),
        ("pip download x", "%uv pip download", "%pip download"),
        ("pip sync", "takes one file", "FILE"),
        ("pip sync a.txt b.txt", "takes one file", "FILE"),
        ("pip install --index https://a x", "asked before the default index", "--default-index URL"),
        ("pip install --prerelease disallow x", "disallow cannot be chosen", "allow"),
        ("pip install --resolution lowest x", "lowest cannot be chosen", "newest"),
        ("pip install --index-strategy unsafe-best-match x", "cannot be chosen", "first index"),
        ("pip install -p 3.11 x", "-p", "this kernel"),
        ("pip install --no-build x", "--no-build", "WHEELS_ONLY"),
        ("pip install --exact x", "--exact", "%uv pip sync"),
        ("pip install --torch-backend cu118 x", "--torch-backend", "--index-url"),
        ("install x", "%uv install", "Write %uv pip install."),
        ("python install 3.12", "%uv python", "%uv pip install"),
        ("self update", "%uv self", "%uv pip install"),
        *((verb, f"%uv {verb} does not work", "Write %uv pip ") for verb in ("add", "remove", "sync", "lock", "run")),
        *(
            (verb, f"%uv {verb} does not work", "%uv pip install")
            for verb in ("init", "venv", "tool", "publish", "build")
        ),
    ],
)
def test_what_uv_does_to_projects_is_refused_with_the_line_for_a_session(line, sentence, hint):
    error = refusal(line, "uv")
    assert sentence in error.sentence
    assert hint in error.hint


def test_advice_never_names_an_option_that_is_refused():
    assert "--target" not in refusal("install --tagret d x").hint


def test_help_names_our_options():
    found = parse("install -h")
    assert found.verb == "help"
    for part in ("%pip install", "-U/--upgrade", "--engine VALUE", "--user", "Not in a session:", "--target"):
        assert part in found.text
    assert "--upgrade-package" in parse("pip install --help", program="uv").text


@pytest.mark.parametrize(
    "line",
    [
        "install --proxy=http://u:hunter2@h x",
        "install --prxy=http://u:hunter2@h x",
        "install -i 'https://u:hunter2@h/x #y' z",
        "install 'https://u:hunter2@h/x',",
        "install -r requirements.txt https://u:hunter2@h/a.txt",
    ],
)
def test_a_login_stays_out_of_the_message(line):
    assert "hunter2" not in str(refusal(line).to_dict())


@given(LINES, st.sampled_from(["pip", "uv"]))
def test_any_line_gives_data_that_the_reader_takes_or_a_spec_error(line, program):
    found = attempt(parse, line, program=program)
    given_on = found if isinstance(found, SpecError) or not found.lines else attempt(spec, found)
    assert not isinstance(given_on, SpecError) or given_on.hint


@given(st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join), st.sampled_from(["install", "uninstall"]))
def test_each_line_that_is_given_stays_one_line(line, verb):
    found = attempt(parse, f"{verb} {line}")
    lines = () if isinstance(found, SpecError) else found.lines
    assert not any("\n" in one or "\r" in one or one.endswith("\\") for one in lines)
