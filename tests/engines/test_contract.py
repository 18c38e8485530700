"""What every engine promises, asserted of each of them with the same words."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sessionpkgs import policy, process
from sessionpkgs.engines import ENGINES, find
from sessionpkgs.errors import (
    DeadlineError,
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    ResolveError,
    SourceForbidden,
)
from sessionpkgs.model import Requirement
from sessionpkgs.settings import Sources
from tests.wheelhouse import Wheelhouse, project, sha256_of, unpack


class Recorder:
    """The real runner, with a note of what it was given."""

    def __init__(self):
        self.argv, self.env = [], []

    def __call__(self, argv, *, env, **rest):
        self.argv += argv
        self.env += env.values()
        return process.run(argv, env=env, **rest)


def names(lock):
    return {pin.name: pin.version for pin in lock.pins}


@pytest.mark.parametrize(
    ("line", "chosen"),
    [
        pytest.param("app", {"app": "1.0"}, id="a dependency that base has is not installed"),
        pytest.param("dep", {}, id="a version of base that satisfies is kept"),
        pytest.param("dep>=1.5", {"dep": "2.0"}, id="one that does not is shadowed"),
        pytest.param("newer", {"newer": "1.0", "dep": "2.0"}, id="and so for a dependency"),
        pytest.param("app ; python_version < '3'", {}, id="a false marker installs nothing"),
        pytest.param("top", {"top": "1.0", "middle": "1.0", "app": "1.0"}, id="dependencies of dependencies"),
        pytest.param("rich-app[more]", {"rich-app": "1.0", "extra-one": "1.0"}, id="an extra brings its own"),
        pytest.param("rich-app", {"rich-app": "1.0"}, id="and only when it is asked for"),
    ],
)
def test_exactly_what_is_missing_is_chosen(line, chosen, wheelhouse, present, resolve):
    unpack(wheelhouse.wheel("dep", "1.0"), present)
    wheelhouse.wheel("dep", "2.0")
    wheelhouse.wheel("app", requires=["dep"])
    wheelhouse.wheel("newer", requires=["dep>=2", "never ; python_version < '3'"])
    wheelhouse.wheel("middle", requires=["app"])
    wheelhouse.wheel("top", requires=["middle"])
    wheelhouse.wheel("extra-one")
    wheelhouse.wheel("rich-app", extras={"more": ["extra-one"]})
    assert names(resolve(line)) == chosen


def test_a_pin_tells_the_file_and_its_hash(wheelhouse, resolve):
    wheel = wheelhouse.wheel("demo")
    (pin,) = resolve("demo").pins
    assert (pin.kind, pin.sha256, Path(pin.url.removeprefix("file://")).name) == ("wheel", sha256_of(wheel), wheel.name)


def test_a_constraint_narrows_and_does_not_ask(wheelhouse, resolve):
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("demo", version)
    wheelhouse.wheel("other")
    assert names(resolve("demo", constraints=("demo<2", "other==1.0"))) == {"demo": "1.0"}


def test_a_name_that_base_has_is_given_when_exactly_that_is_wanted(wheelhouse, present, resolve):
    unpack(wheelhouse.wheel("dep", "1.0"), present)
    wheelhouse.wheel("app")
    assert names(resolve("app", exact=("dep==1.0",))) == {"app": "1.0", "dep": "1.0"}


def test_a_protected_distribution_stays_where_something_needs_another(wheelhouse, resolve, request_for):
    wheelhouse.wheel("pip", "99.0")
    wheelhouse.wheel("greedy", requires=["pip>=99"])
    kept = policy.protecting(request_for().view)
    with pytest.raises((ResolveError, NotFoundError), match="pip"):
        resolve("greedy", constraints=kept)


def test_a_wheel_at_a_path_is_taken(wheelhouse, resolve, tmp_path):
    wheel = shutil.move(wheelhouse.wheel("local", requires=["dep"]), tmp_path)
    wheelhouse.wheel("dep")
    lock = resolve(f"local @ file://{wheel}")
    assert names(lock) == {"local": "1.0", "dep": "1.0"}
    assert {pin.name: pin.direct for pin in lock.pins} == {"local": True, "dep": False}


def test_a_wheel_at_a_url_is_taken_and_installed(wheelhouse, engine, room, request_for, tmp_path):
    wheel = wheelhouse.wheel("remote")
    with wheelhouse.index() as index:
        request = request_for(f"remote @ {index.url_of(wheel)}", sources=index.sources())
        lock = engine.resolve(request, room())
        engine.install(lock.pins, str(tmp_path / "site"), request, room())
    assert lock.pins[0].url == index.url_of(wheel)
    assert lock.pins[0].sha256 in {"", sha256_of(wheel)}
    assert (tmp_path / "site" / "remote" / "__init__.py").is_file()


@pytest.mark.parametrize("place", ["with space", "with,comma", "with#mark"])
def test_a_folder_of_links_may_have_any_name(resolve, tmp_path, place):
    Wheelhouse(tmp_path / place).wheel("demo")
    links = Sources(implied=False, find_links=(str(tmp_path / place),), no_index=True)
    assert names(resolve("demo", sources=links)) == {"demo": "1.0"}


@pytest.mark.parametrize("editable", [True, False], ids=["editable", "copied"])
def test_a_local_folder_is_built_and_never_shared(engine, room, request_for, tmp_path, editable):
    folder = project(tmp_path / "a project", "proj")
    request = request_for(Requirement(line=f"proj @ {folder.as_uri()}", name="proj", editable=editable))
    (pin,) = engine.resolve(request, room()).pins
    assert (pin.kind, pin.mutable, pin.editable, pin.sha256) == ("directory", True, editable, "")
    engine.install((pin,), str(tmp_path / "site"), request, room())
    assert (tmp_path / "site" / "proj").exists() is not editable
    assert (tmp_path / "site" / "proj.pth").exists() is editable


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_repository_is_taken_at_one_commit_and_built(engine, room, request_for, tmp_path):
    repository = project(tmp_path / "repository", "versioned", "3.1")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        assert process.run(["git", *command], env=os.environ, cwd=str(repository), deadline=30).code == 0
    head = process.run(["git", "rev-parse", "HEAD"], env=os.environ, cwd=str(repository), deadline=30).stdout.strip()
    request = request_for(f"versioned @ git+file://{repository}")
    lock = engine.resolve(request, room())
    assert [(p.name, p.version, p.kind, p.commit) for p in lock.pins] == [("versioned", "3.1", "vcs", head)]
    engine.install(lock.pins, str(tmp_path / "site"), request, room())
    assert (tmp_path / "site" / "versioned" / "__init__.py").is_file()


def test_only_the_pins_are_installed(wheelhouse, engine, room, request_for, tmp_path):
    wheelhouse.wheel("dep")
    wheelhouse.wheel("app", requires=["dep"], entry_points={"console_scripts": {"app": "app:main"}})
    request = request_for("app")
    pins = tuple(pin for pin in engine.resolve(request, room()).pins if pin.name == "app")
    engine.install(pins, str(tmp_path / "site"), request, room())
    present = {path.name for path in (tmp_path / "site").iterdir()}
    assert present == {"app", "app-1.0.dist-info", "bin"}


def test_both_engines_choose_the_same_files(wheelhouse, room, request_for):
    for version in ("1.0", "2.0", "3.0rc1"):
        wheelhouse.wheel("dep", version)
    wheelhouse.wheel("app", requires=["dep<2"], tag=f"cp3{sys.version_info.minor}-none-any")
    wheelhouse.wheel("app", requires=["dep<2"], tag="py3-none-any")
    one, other = (find(name).resolve(request_for("app", "dep"), room()).pins for name in sorted(ENGINES))
    assert [replace(pin, size=0) for pin in one] == [replace(pin, size=0) for pin in other]


def test_a_hash_that_was_written_is_kept_to(wheelhouse, resolve):
    digest = sha256_of(wheelhouse.wheel("demo"))
    asked = Requirement(line="demo", name="demo", hashes=(f"sha256:{digest}",))
    assert resolve(asked).pins[0].sha256 == digest
    with pytest.raises(IntegrityError, match="demo"):
        resolve(replace(asked, hashes=("sha256:" + "0" * 64,)))


def test_a_file_that_changed_after_the_choice_is_not_installed(wheelhouse, engine, room, request_for, tmp_path):
    wheelhouse.wheel("demo")
    request = request_for("demo")
    lock = engine.resolve(request, room())
    wheelhouse.wheel("demo", files={"demo/__init__.py": "swapped = True\n"})
    with pytest.raises(IntegrityError, match="demo"):
        engine.install(lock.pins, str(tmp_path / "site"), request, room(cache=str(tmp_path)))


def test_an_index_that_is_ruled_out_is_not_asked(wheelhouse, resolve, tmp_path):
    wheelhouse.wheel("demo")
    with wheelhouse.index() as index, pytest.raises(NotFoundError, match="demo"):
        resolve("demo", sources=Sources(indexes=(index.url,), find_links=(str(tmp_path),), no_index=True))
    assert index.requests == []


def test_a_password_travels_to_the_index_and_nowhere_else(wheelhouse, engine, room, request_for):
    wheelhouse.wheel("demo")
    seen = Recorder()
    with wheelhouse.index() as index:
        request = request_for("demo", sources=index.sources(login="reader:s3cret-word"))
        index.faults["/"] = lambda handler: not handler.headers.get("Authorization") and not handler.answer(401, b"")
        assert names(engine.resolve(request, room(runner=seen))) == {"demo": "1.0"}
        index.faults["/"] = 401
        with pytest.raises(IndexUnavailable) as refused:
            engine.resolve(request, room(runner=seen, cache=room().stage))
    assert index.logins
    assert any("s3cret-word" in value for value in seen.env)
    assert not any("s3cret-word" in argument for argument in seen.argv)
    assert "s3cret-word" not in repr(refused.value.to_dict())


def test_nothing_of_the_machines_configuration_reaches_an_engine(
    wheelhouse, engine, room, request_for, monkeypatch, surroundings
):
    wheelhouse.wheel("demo")
    for name, text in (("pip/pip.conf", "[install]\nrequirement = /strange\n"), ("uv/uv.toml", "strange = 1\n")):
        (surroundings / ".config" / name).parent.mkdir(parents=True)
        (surroundings / ".config" / name).write_text(text)
    strange = {
        "PIP_REQUIREMENT": "/strange",
        "UV_CONSTRAINT": "/strange",
        "PYTHONPATH": "/strange",
        "TOKEN": "/strange",
    }
    for name, value in strange.items():
        monkeypatch.setenv(name, value)
    seen = Recorder()
    assert names(engine.resolve(request_for("demo"), room(runner=seen))) == {"demo": "1.0"}
    assert "/strange" not in seen.env


def test_an_index_that_never_answers_ends_at_the_deadline_without_a_child(wheelhouse, engine, room, request_for):
    with wheelhouse.index() as index:
        index.faults["/"] = index.hang
        with pytest.raises(DeadlineError, match="did not finish"):
            engine.resolve(request_for("demo", sources=index.sources()), room(deadline=2))
        assert index.requests
    with pytest.raises(ChildProcessError):  # there is none
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize(("forbid", "word"), [({"wheels_only": True}, "only wheels"), ({"may_build": False}, "plan")])
def test_build_code_does_not_run_where_it_may_not(forbid, word, wheelhouse, resolve, tmp_path):
    wheelhouse.sdist("source-only", marker=str(tmp_path / "ran"), in_tree=True)
    wheelhouse.wheel("app", requires=["source-only"])
    with pytest.raises(SourceForbidden, match=f"source-only exists only as source and .*{word}"):
        resolve("app", **forbid)
    assert not (tmp_path / "ran").exists()


def test_what_exists_only_as_source_is_built_alone_and_said(wheelhouse, engine, room, request_for, tmp_path):
    wheelhouse.sdist("source-only", marker=str(tmp_path / "ran"), in_tree=True)
    wheelhouse.wheel("app", requires=["source-only"])
    request = request_for("app")
    lock = engine.resolve(request, room())
    assert (names(lock), lock.built) == ({"app": "1.0", "source-only": "1.0"}, ("source-only",))
    engine.install(lock.pins, str(tmp_path / "site"), request, room())
    assert (tmp_path / "site" / "source_only" / "__init__.py").is_file()
    assert (tmp_path / "ran").exists()


def test_a_wheel_is_preferred_to_a_newer_source(wheelhouse, resolve, tmp_path):
    wheelhouse.sdist("demo", "2.0", marker=str(tmp_path / "ran"), in_tree=True)
    wheelhouse.wheel("demo", "1.0")
    assert names(resolve("demo")) == {"demo": "1.0"}
    assert not (tmp_path / "ran").exists()


@pytest.mark.index
def test_a_source_with_setuptools_is_built_with_what_the_index_has(wheelhouse, engine, room, request_for, tmp_path):
    wheelhouse.sdist("sessionpkgs-test-legacy", marker=str(tmp_path / "ran"))
    request = request_for("sessionpkgs-test-legacy", sources=Sources(find_links=(str(wheelhouse.folder),)))
    lock = engine.resolve(request, room())
    assert lock.built == ("sessionpkgs-test-legacy",)
    assert (tmp_path / "ran").exists()


def test_a_damaged_cache_is_passed_by_where_it_is_not_trusted(wheelhouse, engine, room, request_for, tmp_path):
    wheelhouse.wheel("demo")
    request = request_for("demo")
    pins = engine.resolve(request, room()).pins
    engine.install(pins, str(tmp_path / "first"), request, room())
    for cached in (tmp_path / "cache").rglob("demo/__init__.py"):
        cached.write_text("damaged = True\n")
    engine.install(pins, str(tmp_path / "second"), replace(request, fresh=True), room())
    assert (tmp_path / "second" / "demo" / "__init__.py").read_text() == '__version__ = "1.0"\n'
