"""Commands that install past the session, as people write them, and look-alikes that do not."""

from __future__ import annotations

import pytest

from sessionpkgs.jupyter.bystanders import changes, installs, instead

COMMANDS = [
    ("!pip install x", "!pip install x"),
    ("import os\n!pip install x\nprint(1)", "!pip install x"),
    ("  !pip install x", "!pip install x"),
    ("if new:\n    !pip install x", "!pip install x"),
    ("! pip   install x", "!pip install x"),
    ("!!pip install x", "!pip install x"),
    ("said = !pip install x", "!pip install x"),
    ("%sx pip install x", "!pip install x"),
    ("%system conda update x", "!conda update x"),
    ("!pip3 install x", "!pip3 install x"),
    ("!pip3.11 uninstall -y x", "!pip3.11 uninstall -y x"),
    ("!/opt/conda/bin/pip install x", "!/opt/conda/bin/pip install x"),
    ("!pip -q install x", "!pip -q install x"),
    ("!python -m pip --quiet -v install x", "!python -m pip --quiet -v install x"),
    ("!pip install \\\n    x \\\n    y", "!pip install x y"),
    ("%%bash\npip install \\\n  x", "pip install x"),
    ("!python -m pip install x", "!python -m pip install x"),
    ("!python3.11 -m pip install x", "!python3.11 -m pip install x"),
    ("!{sys.executable} -m pip install x", "!{sys.executable} -m pip install x"),
    ("!$PY -m pip install x", "!$PY -m pip install x"),
    ("!uv pip install x", "!uv pip install x"),
    ("!conda install -y -c conda-forge x", "!conda install -y -c conda-forge x"),
    ("!mamba remove x", "!mamba remove x"),
    ("!micromamba install x", "!micromamba install x"),
    ("!sudo -H pip install x", "!sudo -H pip install x"),
    ("!PIP_NO_INPUT=1 pip install x", "!PIP_NO_INPUT=1 pip install x"),
    ("!cd x && pip install .", "!pip install ."),
    ("!yes | pip uninstall x", "!pip uninstall x"),
    ("%%time\n!pip install x", "!pip install x"),
    ("%%capture\n!pip install x", "!pip install x"),
    ("%%bash\nls\npip install x\n", "pip install x"),
    ("%%bash -e\nset -u; conda install -y x", "conda install -y x"),
    ("\n%%sh\npip uninstall -y x", "pip uninstall -y x"),
    ("%%script bash\npip install x", "pip install x"),
    ("%%!\npip install x", "pip install x"),
]


@pytest.mark.parametrize(("cell", "command"), COMMANDS, ids=[cell for cell, _ in COMMANDS])
def test_a_command_that_installs_past_the_session_is_seen_as_it_is_written(cell: str, command: str) -> None:
    assert installs(cell) == command


LOOK_ALIKES = [
    "",
    "!pip list",
    "!pip show x",
    "!pip freeze > frozen.txt",
    "!pip download x",
    "!conda list",
    "!conda info",
    "# !pip install x",
    "print('!pip install x')",
    "!pipx install x",
    "!pipenv install x",
    "!my-pip install x",
    "!npm install x",
    "!apt-get install pip",
    "!echo pip install x",
    "!grep 'pip install' notes.txt",
    "!pip installed",
    "%pip install x",
    "%conda install x",
    "%%session_env\npip install x",
    "%%writefile run.py\n!pip install x",
    "%%markdown\n!pip install x",
    "%%html\n!pip install x",
    "%%bash\n# pip install x",
    "%%bash\necho pip install x",
    "%%bashful\npip install x",
    "pip install x",
    "pip = conda != install",
    "subprocess.run(['pip', 'install', 'x'])",
]


HARMLESS = [
    "!pip install --dry-run x",
    "!pip install x --help",
    "!pip uninstall -h",
    "!conda install --dry-run x && echo done",
    "%%bash\npip install --dry-run x\nls",
]


@pytest.mark.parametrize("cell", HARMLESS)
def test_a_command_that_only_looks_or_explains_is_left_alone(cell: str) -> None:
    assert installs(cell) == ""


@pytest.mark.parametrize("cell", ["!pip install --dry-run x && pip install x", "%%bash\npip install -h\npip install x"])
def test_a_command_behind_one_that_only_looks_is_seen(cell: str) -> None:
    assert installs(cell).endswith("pip install x")


@pytest.mark.parametrize("cell", LOOK_ALIKES)
def test_what_only_looks_like_such_a_command_is_left_alone(cell: str) -> None:
    assert installs(cell) == ""


def test_the_first_of_several_commands_is_named() -> None:
    assert installs("!pip list\n!pip install a\n!pip install b") == "!pip install a"


@pytest.mark.parametrize(
    "place",
    [
        "https://me:s3cret@a.example/simple",
        "git+https://s3cret@a.example/x.git",
        "https://a.example/t/s3cret/channel",
        "https://a.example/x.whl?sig=s3cret",
    ],
)
@pytest.mark.parametrize("cell", ["!pip install {}", "%%bash\npip install -i {} x", f"!pip install {'x' * 60} {{}}"])
def test_a_login_in_a_url_is_not_shown(cell: str, place: str) -> None:
    shown = installs(cell.format(place))
    assert "pip install" in shown
    assert "s3cret" not in shown


def test_a_long_command_is_cut() -> None:
    assert len(installs(f"!pip install {'name ' * 100}")) < 120


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("!pip install x", "%pip install"),
        ("!uv pip install x", "%pip install"),
        ("!conda install x", "%conda install"),
        ("!/opt/bin/micromamba update x", "%conda install"),
        ("!pip uninstall -y x", "%pip uninstall"),
        ("!conda remove x", "%pip uninstall"),
    ],
)
def test_each_command_has_a_magic_that_works_on_the_session(command: str, word: str) -> None:
    said = instead(command)
    assert said.startswith("changes the base environment for all its kernels, and nothing is recorded; ")
    assert f"`{word}`" in said


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ([], [], ""),
        (["a-1.0.dist-info"], ["a-1.0.dist-info"], ""),
        ([], ["demo_a-1.0.dist-info"], "demo_a 1.0 was added"),
        (["demo_a-1.0.dist-info"], [], "demo_a 1.0 was removed"),
        (["a-1.0.dist-info"], ["a-2.0.dist-info"], "a 2.0 was added; a 1.0 was removed"),
        ([], ["b-1.0.egg-info", "a-1.0.dist-info"], "a 1.0 and b 1.0 were added"),
    ],
)
def test_what_was_added_and_removed_is_told_with_its_version(before: list[str], now: list[str], said: str) -> None:
    assert changes(before, now) == said
