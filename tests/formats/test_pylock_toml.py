"""What a pylock.toml gives, what is refused in one, and that pip and uv install what we write."""

from __future__ import annotations

import os
import sys
from urllib.parse import quote

import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.tags import sys_tags
from packaging.version import Version

from sessionpkgs import process
from sessionpkgs.engines.uv import Uv
from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, pylock_toml, read
from sessionpkgs.formats.wheel_files import rank, release_of
from sessionpkgs.model import Pin
from sessionpkgs.places import parse_toml
from tests.wheelhouse import sha256_of

ONE, TWO = "a" * 64, "b" * 64
TAGS = list(dict.fromkeys(map(str, sys_tags())))
BEST, WORST = TAGS[0], TAGS[-1]


def nothing(path):
    raise FileNotFoundError(path)


def spec(text, label="cell"):
    return read(text, origin=Origin(folder="/home/me", open=nothing, label=label))


def refusal(text, label="cell"):
    with pytest.raises(SpecError) as caught:
        spec(text, label)
    assert caught.value.hint
    return caught.value


def lock(*packages, **head):
    """A lock of these packages; keywords are keys of its head, with _ for -."""
    keys = {key.replace("_", "-"): value for key, value in head.items()}
    return tomli_w.dumps({"lock-version": "1.0", "created-by": "me", **keys, "packages": list(packages)})


def file(name, digest=ONE, /, **keys):
    return {"url": f"https://h.example/{name}", "hashes": {"sha256": digest}, **keys}


def package(name="foo", version="1.0", tag="py3-none-any", **keys):
    return {"name": name, "version": version, "wheels": [file(f"{name}-{version}-{tag}.whl")], **keys}


def bare(**keys):
    """A package without files but for *keys*."""
    return {"name": "foo", **keys}


def test_a_wheel_becomes_a_pin_and_a_requirement_with_its_hash():
    found = spec(lock(package(wheels=[file("foo-1.0-py3-none-any.whl", size=12)]), requires_python=">=3.9"))
    (pin,), (asked,) = found.pins, found.requirements
    assert pin == Pin(name="foo", version="1.0", url="https://h.example/foo-1.0-py3-none-any.whl", sha256=ONE, size=12)
    assert (asked.line, asked.name, asked.where, asked.hashes) == ("foo==1.0", "foo", "packages[0]", (f"sha256:{ONE}",))
    assert [item.line for item in found.python] == ["python>=3.9"]
    assert found.require_hashes
    assert found.notices == ()


@pytest.mark.parametrize(
    ("keys", "wanted", "line"),
    [
        (
            {"vcs": {"type": "git", "url": "https://h.example/foo", "commit-id": "c0ffee", "subdirectory": "src"}},
            {"kind": "vcs", "url": "git+https://h.example/foo#subdirectory=src", "commit": "c0ffee", "direct": True},
            "foo @ git+https://h.example/foo@c0ffee#subdirectory=src",
        ),
        (
            {"vcs": {"type": "git", "path": "../foo", "commit-id": "c0ffee"}},
            {"kind": "vcs", "url": "git+file:///home/foo", "commit": "c0ffee", "direct": True},
            "foo @ git+file:///home/foo@c0ffee",
        ),
        (
            {"directory": {"path": "../my foo", "editable": True}},
            {"kind": "directory", "url": "file:///home/my%20foo", "editable": True, "direct": True},
            "foo @ file:///home/my%20foo",
        ),
        (
            {"archive": file("foo-1.0.zip"), "version": "1.0"},
            {"kind": "sdist", "url": "https://h.example/foo-1.0.zip", "sha256": ONE, "version": "1.0", "direct": True},
            "foo @ https://h.example/foo-1.0.zip",
        ),
        (
            {"archive": file("Foo-1.0-py3-none-any.whl")},
            {"url": "https://h.example/Foo-1.0-py3-none-any.whl", "sha256": ONE, "version": "1.0", "direct": True},
            "foo @ https://h.example/Foo-1.0-py3-none-any.whl",
        ),
        (
            {"wheels": [{"path": "w/foo-1.0-py3-none-any.whl", "hashes": {"sha256": ONE}}], "version": "1.0"},
            {"url": "file:///home/me/w/foo-1.0-py3-none-any.whl", "sha256": ONE, "version": "1.0"},
            "foo==1.0",
        ),
        (
            {"wheels": [file("foo-1.0-py2-none-any.whl")], "sdist": file("foo-1.0.tar.gz", TWO), "version": "1.0"},
            {"kind": "sdist", "url": "https://h.example/foo-1.0.tar.gz", "sha256": TWO, "version": "1.0"},
            "foo==1.0",
        ),
        (
            {"wheels": [file("download/17", name="foo-1.0-py3-none-any.whl")], "version": "1.0"},
            {"url": "https://h.example/download/17", "sha256": ONE, "version": "1.0"},
            "foo==1.0",
        ),
    ],
)
def test_each_kind_of_source_is_read(keys, wanted, line):
    (pin,), (asked,) = (found := spec(lock(bare(**keys)))).pins, found.requirements
    assert pin == Pin(**{"name": "foo", "version": "", **wanted})
    assert asked.line == line
    assert found.files == ((pin.url.partition("file://")[2].replace("%20", " "),) if "file:" in pin.url else ())


def test_the_wheel_with_the_best_tag_is_taken_wherever_it_stands():
    names = [f"foo-1.0-{tag}.whl" for tag in (WORST, "cp27-none-win32", BEST, TAGS[5])]
    (pin,) = spec(lock(package(wheels=[file(name) for name in names]))).pins
    assert pin.url == f"https://h.example/foo-1.0-{BEST}.whl"


@pytest.mark.parametrize("tag", [BEST, WORST, TAGS[len(TAGS) // 2]])
def test_the_rank_of_a_wheel_is_the_place_of_its_tag(tag):
    assert rank(f"foo-1.0-{tag}.whl") == rank(f"foo-1.0-1-{tag.upper()}.whl") == TAGS.index(tag)


def test_a_wheel_of_several_tags_has_the_rank_of_the_best():
    assert rank("foo-1.0-py2.py3-none-any.whl") == TAGS.index("py3-none-any")
    versions = [tag.partition("-")[0] for tag in TAGS if tag.endswith("-none-any") and tag.startswith("py3")]
    assert rank(f"foo-1.0-{'.'.join(versions)}-none-any.whl") == TAGS.index(f"{versions[0]}-none-any")


@pytest.mark.parametrize(
    "name",
    [
        *("foo-1.0.tar.gz", "foo-1.0-py3-none.whl", "foo-1.0-cp27-none-any.whl", "foo-one-py3-none-any.whl", ""),
        *(f"foo-1.0-{'py3.' * 60}x-none-any.whl", "f/o-1.0-py3-none-any.whl"),
    ],
)
def test_a_name_that_this_python_does_not_take_has_no_rank(name):
    assert rank(name) is None


def test_a_name_of_many_tags_is_ranked_without_making_them():
    words = ".".join(f"a{number}" for number in range(15))
    assert rank(f"foo-1.0-{words}.py3-{words}.none-{words}.any.whl") == TAGS.index("py3-none-any")


def test_packages_for_other_environments_are_left_out_and_counted():
    found = spec(lock(package(marker="sys_platform == 'nowhere'"), package("bar", marker="sys_platform != 'nowhere'")))
    assert [pin.name for pin in found.pins] == ["bar"]
    assert found.notices == ("Packages for other environments were left out: 1.",)


@pytest.mark.parametrize(
    ("marker", "present"),
    [
        ("'x' in extras", False),
        ("'x' not in extras", True),
        ('"Dev_Tools" in dependency_groups', True),
        ("'test' in dependency_groups", False),
        ("'test' in dependency_groups or os_name != 'z'", True),
        ("('x' in extras or 'dev-tools' in dependency_groups) and os_name == 'z'", False),
        ("'linux' in sys_platform or 'x' not in sys_platform", True),
    ],
)
def test_extras_are_not_chosen_and_default_groups_are(marker, present):
    head = {"extras": ["x"], "dependency_groups": ["test", "dev-tools"], "default_groups": ["dev.tools"]}
    found = spec(lock(package(marker=marker), **head))
    assert bool(found.pins) == present
    assert found.notices[0] == "Parts of the lock that are not chosen: extra x, group test."


def test_two_packages_of_one_name_may_stand_for_two_environments():
    text = lock(package(marker="os_name == 'z'"), package(version="2.0", marker="os_name != 'z'"))
    assert [pin.version for pin in spec(text).pins] == ["2.0"]


@pytest.mark.parametrize(
    ("head", "problem", "where"),
    [
        ({"lock_version": "2.0"}, "lock-version '2.0'", "cell, lock-version"),
        ({"lock_version": "one"}, "lock-version 'one'", "cell, lock-version"),
        ({"lock_version": 1.0}, "text in quotes", "cell, lock-version"),
        ({"requires_python": "3.x"}, "range of Pythons", "cell, requires-python"),
        ({"environments": ["os_name == 'z'"]}, "for other environments: os_name == 'z'", "cell, environments"),
        ({"environments": ["os_name"]}, "not a marker", "cell, environments"),
        ({"environments": "os_name"}, "a list", "cell, environments"),
        ({"extras": [1]}, "in quotes", "cell, extras[0]"),
        ({"tool": 1}, "a table", "cell, tool"),
        ({"tool": {"sessionpkgs": {"requested": ["a b"]}}}, "requirement", "cell, tool.sessionpkgs.requested[0]"),
        ({"tool": {"sessionpkgs": {"requested": ["foo>=2"]}}}, "has foo 1.0", "cell, tool.sessionpkgs.requested[0]"),
    ],
)
def test_a_head_that_cannot_be_read_is_refused(head, problem, where):
    error = refusal(lock(package(), **head))
    assert problem in error.sentence
    assert error.where == where


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({}, "name of a distribution"),
        ({"name": "a b"}, "name of a distribution"),
        ({"name": 1}, "in quotes"),
        (bare(version="one", sdist=file("foo-1.tar.gz")), "not a version"),
        (bare(), "no source"),
        (bare(archive=file("foo-1.zip"), sdist=file("foo-1.tar.gz")), "archive, sdist"),
        (bare(vcs={"type": "git", "url": "https://h.example/foo"}), "commit"),
        (bare(vcs={"type": "cvs", "url": "https://h.example/foo", "commit-id": "1"}), "version control"),
        (bare(vcs={"type": "git", "url": "h.example", "commit-id": "1"}), "URL of a repository"),
        (bare(vcs={"type": "git", "url": "https://h.example/a b", "commit-id": "1"}), "URL of a repository"),
        (bare(vcs={"type": "git", "url": "https://[h/foo", "commit-id": "1"}), "cannot be read"),
        (bare(directory={}), "path is missing"),
        (bare(directory={"path": "~/foo"}), "not a path"),
        (bare(directory={"path": "a\0b"}), "not a path"),
        (bare(archive={"hashes": {"sha256": ONE}}), "neither url nor path"),
        (bare(archive=file("foo-1.0-cp27-none-any.whl")), "only foo-1.0-cp27-none-any.whl"),
        (bare(archive={**file("x.zip"), "subdirectory": "../x"}), "not a folder"),
        (bare(archive={"url": "ftp://h.example/x.zip", "hashes": {"sha256": ONE}}), "not where a file is"),
        (bare(archive={"url": "file://x.zip", "hashes": {"sha256": ONE}}), "not absolute"),
        (bare(archive={"url": "https://h.example/x.zip", "hashes": {}}), "sha256 is missing"),
        (bare(archive={"url": "https://h.example/x.zip", "hashes": {"sha512": "0"}}), "has only sha512"),
        (bare(archive={"url": "https://h.example/x.zip", "hashes": {"sha256": "0"}}), "64 hex digits"),
        (bare(archive=file("x.zip", size=-1)), "not negative"),
        (bare(archive=file("x.zip", size=True)), "whole number"),
        (bare(wheels=[file("foo-1.0-cp27-none-any.whl")], version="1.0"), "only foo-1.0-cp27-none-any.whl"),
        (bare(wheels=[]), "no file that this Python can use: none"),
        (bare(wheels=[file("bar-1.0-py3-none-any.whl")], version="1.0"), "not of foo 1.0"),
        (bare(wheels=[file("foo-2.0-py3-none-any.whl")], version="1.0"), "not of foo 1.0"),
        (bare(sdist=file("x")), "version is missing"),
        (package(marker="os_name =="), "not a marker"),
        (package(marker="(" * 3000), "not a marker"),
        (package(marker="(" * 60 + "os_name != 'z'" + ")" * 60), "not a marker"),
        (package(**{"requires-python": "<3"}), "needs Python <3"),
        (package(**{"requires-python": "three"}), "needs Python three"),
        (package(wheels="x"), "a list"),
    ],
)
def test_a_package_that_cannot_be_had_is_refused(entry, problem):
    assert problem in refusal(lock(entry)).sentence


def test_all_packages_without_a_file_are_in_one_message():
    error = refusal(lock(*(package(name, tag="cp27-none-any") for name in ("foo", "bar"))))
    assert "2 problems" in error.sentence
    assert all(f"{name} 1.0 has no file" in error.sentence for name in ("foo", "bar"))


def test_two_packages_of_one_name_are_refused_with_both_places():
    error = refusal(lock(package("foo"), package("Foo")))
    assert error.where == "cell, packages[1]"
    assert "packages[0]" in error.sentence


def test_a_newer_minor_version_and_unknown_keys_are_said():
    first, second = spec(lock(package(), lock_version="1.1", foo=1)).notices
    assert "1.1" in first
    assert "foo" in second


def test_a_lock_without_packages_is_refused_and_one_of_none_is_not():
    assert "packages are missing" in refusal('lock-version = "1.0"\n').sentence
    assert spec(lock()).pins == ()


@pytest.mark.parametrize(
    "entries", ["a = [" + "1," * 400_000 + "]", "x.y.z = 1\n" * 150_000, "[[packages]]\n" * 200_000]
)
def test_a_lock_that_would_take_minutes_is_refused_before_it_is_parsed(entries):
    assert "more than 300000 entries" in refusal(f'lock-version = "1.0"\n{entries}').sentence


def test_dots_in_texts_are_not_those_of_keys():
    assert spec(lock(package(), foo="a." * 40)).pins


def test_broken_toml_is_refused_with_its_line():
    assert refusal('lock-version = "1.0"\npackages = [\n  x\n]\n').where == "cell, line 3, column 3"


def test_what_was_asked_stands_beside_what_it_brought():
    asked = ["Foo>=1", "numpy"]
    found = spec(lock(package(), package("bar"), tool={"sessionpkgs": {"requested": asked}}))
    assert {pin.name: pin.requested for pin in found.pins} == {"foo": True, "bar": False}
    assert [item.line for item in found.requirements] == ["Foo>=1", "numpy"]


def test_a_large_lock_is_read_and_a_text_of_its_size_that_is_none_is_not():
    wheels = [file(f"foo-1.0-{tag}.whl") for tag in TAGS[:40]]
    text = lock(*({**package(f"foo{number}"), "wheels": wheels} for number in range(60)))
    assert len(text) > 300_000
    assert "not of foo0" in refusal(text).sentence
    assert "256 KiB" in refusal("a\n" * 200_000).sentence
    assert "4096 KiB" in refusal("#" * (5 << 20)).sentence


@pytest.mark.parametrize(
    ("text", "label", "advice"),
    [
        ('version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "x"\n', "cell", "uv export"),
        ("", "folder/uv.lock", "uv export"),
        ('[[package]]\nname = "x"\n\n[metadata]\nlock-version = "2.0"\ncontent-hash = "0"\n', "cell", "poetry export"),
        ('[metadata]\nlock_version = "4.5.0"\ncontent_hash = "sha256:0"\n\n[[package]]\n', "cell", "pdm export"),
        ('[[source]]\nurl = "x"\n\n[packages]\nfoo = "*"\n', "cell", "pipenv requirements"),
        ('{\n "_meta": {"hash": {}, "pipfile-spec": 6},\n "default": {}\n}\n', "cell", "pipenv requirements"),
        ("version: 1\nmetadata:\n  content_hash: {}\npackage:\n- name: x\n", "cell", "environment.yml"),
        ("version: 6\nenvironments:\n  default: {}\npackages:\n- x\n", "cell", "pixi"),
        ('[project]\nname = "x"\ndependencies = ["a"]\n', "cell", "-e FOLDER"),
        ("[build-system]\nrequires = []\n", "pyproject.toml", "-e FOLDER"),
    ],
)
def test_a_file_of_another_tool_is_refused_with_what_to_do(text, label, advice):
    error = refusal(text, label)
    assert advice in error.hint
    assert error.where == label


def test_any_other_toml_file_is_taken_for_a_lock():
    assert "lock-version is missing" in refusal("home = 'x'\n", "sessionpkgs.toml").sentence


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?", fullmatch=True)
VERSIONS = st.from_regex(
    r"(1!)?[0-9]{1,3}(\.[0-9]{1,3}){0,2}((a|b|rc)[0-9]{1,2})?(\.post[0-9])?(\+[a-z]{1,3})?", fullmatch=True
).map(lambda text: str(Version(text)))
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
PLACES = st.sampled_from(["https://h.example/p", "file:///srv/a%20b"])


@st.composite
def pins(draw):
    """One pin as an engine gives it."""
    name, version, place = draw(NAMES), draw(VERSIONS), draw(PLACES)
    kind = draw(st.sampled_from(["wheel", "sdist", "vcs", "directory"]))
    if kind == "directory":
        folder = f"file:///srv/a%20b/{name}"
        return Pin(name=name, version="", url=folder, kind=kind, editable=draw(st.booleans()), direct=True)
    if kind == "vcs":
        part = draw(st.sampled_from(["", "#subdirectory=src"]))
        url, commit = f"git+{place.replace('%20', '_')}/{name}{part}", draw(DIGESTS)[:40]
        return Pin(name=name, version=version, url=url, kind=kind, commit=commit, direct=True)
    tail = "-py3-none-any.whl" if kind == "wheel" else ".tar.gz"
    file_name = f"{name.replace('-', '_')}-{version}{tail}"
    url = f"{place}/{quote(file_name) if place.startswith('file') else file_name}"
    direct, size = draw(st.booleans()), draw(st.integers(0, 1 << 40))
    return Pin(name=name, version=version, url=url, sha256=draw(DIGESTS), size=size, kind=kind, direct=direct)


LOCKS = st.lists(pins(), max_size=6, unique_by=lambda pin: pin.name)


@settings(max_examples=200, database=None)
@given(LOCKS)
def test_what_is_written_is_read_back_as_the_same_pins(chosen):
    assert set(spec(pylock_toml.write(chosen, engine="uv", python="")).pins) == set(chosen)


def test_the_head_of_a_written_lock_says_where_it_is_for_and_who_asked():
    pin = Pin(name="foo", version="1.0", url="https://h.example/foo-1.0-py3-none-any.whl", sha256=ONE, size=3)
    text = pylock_toml.write(
        [pin], engine="uv", python="3.11.7", requested=["foo>=1"], base="fp", environments=["os_name == 'posix'"]
    )
    told = parse_toml(text)
    assert told["requires-python"] == ">=3.11,<3.12"
    assert told["environments"] == ["os_name == 'posix'"]
    assert told["created-by"] == "sessionpkgs"
    assert told["tool"] == {"sessionpkgs": {"engine": "uv", "base": "fp", "requested": ["foo>=1"]}}
    assert told["packages"][0]["wheels"][0]["name"] == "foo-1.0-py3-none-any.whl"
    assert set(parse_toml(pylock_toml.write([pin]))) == {"lock-version", "created-by", "packages"}


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://me:hunter2@h.example/foo-1.zip", "https://h.example/foo-1.zip"),
        ("https://hunter2@h.example/foo-1.zip", "https://h.example/foo-1.zip"),
        ("https://me:p@hunter2@h.example/foo-1.zip", "https://h.example/foo-1.zip"),
        ("git+https://hunter2:x@h.example/foo", "https://h.example/foo"),
        ("git+ssh://me:hunter2@h.example/foo", "ssh://h.example/foo"),
        ("git+ssh://git@h.example/foo", "ssh://git@h.example/foo"),
        ("https://h.example/foo@1.zip", "https://h.example/foo@1.zip"),
    ],
)
def test_a_login_reaches_no_written_lock(url, wanted):
    vcs = url.startswith("git+")
    pin = Pin(name="foo", version="1", url=url, sha256=ONE, kind="vcs" if vcs else "sdist", commit="c", direct=True)
    text = pylock_toml.write([pin], requested=[f"foo @ {url}"])
    assert "hunter2" not in text
    (told,) = parse_toml(text)["packages"]
    assert told["vcs" if vcs else "archive"]["url"] == wanted
    assert url.partition("+" if vcs else "\0")[2 if vcs else 0] in pylock_toml.write_private([pin])


@pytest.mark.parametrize("program", ["uv", "uv sync", "pip"])
def test_pip_and_uv_install_what_is_written(program, wheelhouse, tmp_path, only_pip):
    made = [wheelhouse.wheel("demo"), wheelhouse.wheel("deep", "2.0"), wheelhouse.sdist("src", "1.5", in_tree=True)]
    chosen = [
        Pin(name="demo", version="1.0", url=made[0].as_uri(), sha256=sha256_of(made[0])),
        Pin(name="deep", version="2.0", url=made[1].as_uri(), sha256=sha256_of(made[1]), direct=True),
        Pin(name="src", version="1.5", url=made[2].as_uri(), sha256=sha256_of(made[2]), kind="sdist"),
    ]
    written = tmp_path / "pylock.toml"
    version = ".".join(map(str, sys.version_info[:3]))
    written.write_text(pylock_toml.write(chosen, engine="uv", python=version, requested=["demo"], base="fp"))
    python = str(tmp_path / "venv" / "bin" / "python")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(only_pip)}

    def run(*argv):
        done = process.run(argv, env=env, cwd=str(tmp_path), deadline=120)
        assert done.code == 0, done.stderr

    uv = Uv().program
    run(uv, "venv", "--no-config", "--offline", "--quiet", "--python", sys.executable, str(tmp_path / "venv"))
    options = ("--no-config", "--offline", "--preview-features", "pylock", "--python", python)
    {
        "uv": lambda: run(uv, "pip", "install", *options, "-r", str(written)),
        "uv sync": lambda: run(uv, "pip", "sync", *options, str(written)),
        "pip": lambda: run(python, "-m", "pip", "install", "--no-index", "-r", str(written)),
    }[program]()
    found = {release_of(f"{path.stem}-py3-none-any.whl") for path in (tmp_path / "venv").rglob("*.dist-info")}
    assert found == {("demo", "1.0"), ("deep", "2.0"), ("src", "1.5")}


PIECES = st.sampled_from(
    [
        *(
            "lock-version = ",
            '"1.0"',
            "\n",
            "[[packages]]\n",
            "name = ",
            '"foo"',
            "version = ",
            "packages = ",
            "[",
            "]",
        ),
        *(
            "[packages.vcs]\n",
            "[packages.archive]\n",
            "[[packages.wheels]]\n",
            "[packages.sdist]\n",
            "{",
            "}",
            ",",
            "=",
        ),
        *(
            "url = ",
            '"https://h.example/foo-1.0-py3-none-any.whl"\n',
            'path = "x"\n',
            "hashes = ",
            f'{{sha256 = "{ONE}"}}\n',
        ),
        *("marker = ", "\"'x' in extras\"\n", '"python_version > 3"\n', '"("', "environments = ", "requires-python = "),
        *(
            "[tool.sessionpkgs]\n",
            'requested = ["foo"]\n',
            "1",
            "true",
            "size = ",
            "1e5",
            '"',
            "'",
            "#",
            "é",
            "\\",
            ".",
        ),
        *('type = "git"\n', 'commit-id = "a"\n', 'url = "https://[x"\n', 'path = "\\u0000"\n', 'path = "file://x"\n'),
    ]
)
VALUES = st.recursive(
    st.sampled_from(
        ["", "foo", "1.0", "https://h.example/a-1-py3-none-any.whl", ONE, "git", 1, True, "a\0", "~", "..", "//["]
    ),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["sha256", "url", "path", "type", "commit-id", "hashes", "name", "size", "subdirectory"]),
            inner,
        )
    ),
    max_leaves=6,
)
TABLES = st.fixed_dictionaries(
    {"name": st.just("foo")},
    optional=dict.fromkeys(
        (*("version", "marker", "requires-python", "vcs", "directory", "archive", "wheels", "sdist", "dependencies"),),
        VALUES,
    ),
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.lists(TABLES, max_size=2).map(lambda found: lock(*found))


@settings(max_examples=200, database=None)
@given(TEXTS)
def test_any_text_gives_a_spec_or_a_sentence(text):
    try:
        found = read(text, origin=Origin(folder="/home/me", open=nothing), format="pylock_toml")
    except SpecError as error:
        refused = error
    else:
        assert found | found == found
        return
    assert refused.sentence
    assert refused.hint
