"""Choices of the user, and what pip is configured to use."""

from __future__ import annotations

import os

import pytest

from sessionpkgs import places, settings
from sessionpkgs.errors import SpecError
from sessionpkgs.settings import Settings, Sources


@pytest.fixture
def env(tmp_path):
    """An environment whose settings file the test may write."""
    return {"SESSIONPKGS_CONFIG": str(tmp_path / "sessionpkgs.toml"), "PIP_CONFIG_FILE": os.devnull}


@pytest.fixture
def pip_conf(tmp_path, env):
    """Writes what pip is configured to."""

    def write(text):
        (tmp_path / "pip.conf").write_text(text)
        env["PIP_CONFIG_FILE"] = str(tmp_path / "pip.conf")

    return write


def test_without_a_word_the_defaults_hold(env):
    assert settings.load(env) == Settings()


def test_the_environment_goes_before_the_file_and_each_value_knows_where_it_is_from(env, tmp_path):
    (tmp_path / "sessionpkgs.toml").write_text('engine = "pip"\nwheels_only = true\ndeadline = 5\n')
    env |= {"SESSIONPKGS_ENGINE": "uv", "SESSIONPKGS_REMEMBER_HOURS": "1.5"}
    chosen = settings.load(env)
    assert (chosen.engine, chosen.wheels_only, chosen.deadline, chosen.remember_hours) == ("uv", True, 5.0, 1.5)
    file = env["SESSIONPKGS_CONFIG"]
    origin = dict(chosen.came_from)
    assert origin == {
        "engine": "SESSIONPKGS_ENGINE",
        "wheels_only": file,
        "deadline": file,
        "remember_hours": "SESSIONPKGS_REMEMBER_HOURS",
    }


@pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False)])
def test_truth_is_understood_in_the_usual_words(env, text, value):
    assert settings.load({**env, "SESSIONPKGS_WHEELS_ONLY": text}).wheels_only is value


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("engin = 'uv'", "unknown key 'engin'"),
        ("engine = 'conda2'", "engine = 'conda2' does not exist"),
        ("union = 'maybe'", "union = 'maybe' does not exist"),
        ("deadline = 'soon'", "not a number"),
        ("wheels_only = 'perhaps'", "neither true nor false"),
        ("hosts = ['a.example']", "no name of a host"),
        ("hosts = 'a.example me@b.example'", "hosts has 'me@b.example'"),
        ("hosts = 'https://a.example/simple'", "no name of a host"),
        ("engine = uv", "not valid TOML.*line 1"),
        (b"\xff\xfe", "not valid TOML"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(env, tmp_path, file, said):
    (tmp_path / "sessionpkgs.toml").write_bytes(file.encode() if isinstance(file, str) else file)
    with pytest.raises(SpecError, match=said):
        settings.load(env)


@pytest.mark.parametrize(
    ("configuration", "variables", "expected"),
    [
        ("", {}, Sources()),
        ("[global]\nindex-url = https://a/simple\n", {}, Sources(indexes=("https://a/simple",), implied=False)),
        ("[global]\nindex_url = https://a\n[install]\nindex-url = https://b\n", {}, Sources(indexes=("https://b",), implied=False)),
        ("[global]\nindex-url = https://a\n", {"PIP_INDEX_URL": "https://c"}, Sources(indexes=("https://c",), implied=False)),
        ("[global]\nextra-index-url = https://a\n  https://b\n", {}, Sources(indexes=("https://a", "https://b"))),
        ("[global]\nfind-links = /x /y\nno-index = true\n", {}, Sources(find_links=("/x", "/y"), no_index=True)),
        ("[global]\ncert = /ca.pem\ntrusted-host = h1 h2\n", {}, Sources(certificate="/ca.pem", trusted_hosts=("h1", "h2"))),
        ("", {"UV_DEFAULT_INDEX": "https://u", "UV_INDEX": "https://v"}, Sources(indexes=("https://u", "https://v"), implied=False)),
        ("", {"UV_INDEX_URL": "https://u"}, Sources(indexes=("https://u",), implied=False)),
        ("", {"PIP_INDEX_URL": "https://p", "UV_DEFAULT_INDEX": "https://u"}, Sources(indexes=("https://p",), implied=False)),
        ("", {"SESSIONPKGS_INDEX": "https://s", "PIP_INDEX_URL": "https://p"}, Sources(indexes=("https://s",), implied=False)),
        ("[global]\nindex-url = https://u:100%@h/simple\n", {}, Sources(indexes=("https://u:100%@h/simple",), implied=False)),
    ],
)  # fmt: skip
def test_where_pip_would_look_is_where_every_engine_looks(env, pip_conf, configuration, variables, expected):
    if configuration:
        pip_conf(configuration)
    env |= variables
    found = settings.sources(env, settings.load(env))
    if configuration:  # the machine's own files come before ours, and may say something about certificates
        own = settings.sources({**env, "PIP_CONFIG_FILE": "/no/such/file"}, Settings())
        expected = Sources(**{**fields_of(expected), "certificate": expected.certificate or own.certificate})
    assert found == expected


@pytest.mark.parametrize(
    "hosts", ["a.example b.example:8443", "a.example,b.example:8443", " a.example , b.example:8443,"]
)
def test_hosts_are_written_with_blanks_or_commas_between(env, hosts):
    chosen = settings.load({**env, "SESSIONPKGS_HOSTS": hosts})
    assert settings.sources(env, chosen).hosts == ("a.example", "b.example:8443")


@pytest.mark.parametrize(
    "host", ["*", "*.a.example", "10.0.0.1", "[::1]:80", "https://a.example:8443/", "bücher.example"]
)
def test_a_host_may_be_written_in_any_usual_way(env, host):
    assert settings.sources(env, settings.load({**env, "SESSIONPKGS_HOSTS": host})).hosts == (host,)


def fields_of(value):
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}


def test_a_configuration_of_pip_that_cannot_be_read_is_named(env, pip_conf):
    pip_conf("index-url = before any section\n")
    with pytest.raises(SpecError, match=r"pip\.conf cannot be read"):
        settings.sources(env, Settings())


def test_the_store_is_where_it_was_said_to_be(env, tmp_path):
    assert places.home({**env, "SESSIONPKGS_HOME": "/chosen"}) == "/chosen"
    (tmp_path / "sessionpkgs.toml").write_text('home = "~/from-file"')
    assert places.home(env) == os.path.join(os.environ["HOME"], "from-file")  # noqa: PTH118 - as places writes it
    assert places.home({**env, "SESSIONPKGS_HOME": "/chosen"}) == "/chosen"


@pytest.mark.parametrize(
    "change",
    [{"PIP_INDEX_URL": "https://x"}, {"UV_INDEX": "https://x"}, {"SESSIONPKGS_UNION": "warn"}, {"PATH": "/other"}],
)
def test_what_decides_a_result_changes_the_key_of_the_surroundings(env, change):
    assert places.surroundings({**env, **change}) != places.surroundings(env)
    assert places.surroundings({**env, "HOMEWORK": "x"}) == places.surroundings(env)


def test_a_changed_settings_file_changes_the_key_of_the_surroundings(env, tmp_path):
    before = places.surroundings(env)
    (tmp_path / "sessionpkgs.toml").write_text('engine = "pip"')
    assert places.surroundings(env) != before


def test_a_kernel_is_known_by_its_connection_file(tmp_path):
    (tmp_path / "kernel.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "kernel.json")
    one, same = (places.kernel_identity(str(tmp_path / name)) for name in ("kernel.json", "link.json"))
    assert one == same
    assert one != places.kernel_identity()
    assert places.kernel_identity() == places.kernel_identity()
