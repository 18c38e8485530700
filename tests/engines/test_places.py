"""Places that a declaration names itself, and what both engines say of them when something is wrong there."""

from __future__ import annotations

import os
import shutil

import pytest

from sessionpkgs import process
from sessionpkgs.engines import words
from sessionpkgs.errors import IntegrityError, NotFoundError, ResolveError, SpecError
from sessionpkgs.model import Requirement
from tests.wheelhouse import project

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def repository(tmp_path):
    made = project(tmp_path / "repository", "versioned", "3.1")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        assert process.run(["git", *command], env=os.environ, cwd=str(made), deadline=30).code == 0
    return made


@needs_git
def test_a_branch_that_is_not_there_is_named(resolve, repository):
    with pytest.raises(NotFoundError, match="the repository has no branch, tag or commit absent"):
        resolve(f"versioned @ git+file://{repository}@absent")


@needs_git
def test_a_repository_that_cannot_be_read_is_named_with_what_git_says(resolve, repository):
    with pytest.raises(NotFoundError, match=r"repository-absent: git cannot read the repository \(fatal: "):
        resolve(f"versioned @ git+file://{repository}-absent")


@needs_git
def test_a_repository_with_another_distribution_is_refused_with_the_right_line(resolve, repository):
    with pytest.raises(SpecError, match="brings versioned, not other") as refused:
        resolve(f"other @ git+file://{repository}")
    assert refused.value.hint == f"Write versioned @ git+file://{repository}"


def test_a_wheel_with_another_distribution_is_refused_with_the_right_line(resolve, wheelhouse):
    wheel = wheelhouse.wheel("demo", "1.0")
    with pytest.raises(SpecError, match="brings demo, not other") as refused:
        resolve(f"other @ {wheel.as_uri()}")
    assert refused.value.hint == f"Write demo @ {wheel.as_uri()}"


def test_a_file_that_is_not_called_as_a_wheel_is_named(resolve, wheelhouse):
    wheel = wheelhouse.wheel("demo", "1.0")
    wheel.rename(wheel.with_name("demo.whl"))
    with pytest.raises(SpecError, match=r"demo\.whl does not have the file name of a wheel"):
        resolve(f"demo @ {wheel.with_name('demo.whl').as_uri()}")


def test_a_wheel_whose_name_lies_is_refused(resolve, wheelhouse):
    wheel = wheelhouse.wheel("demo", "1.0")
    lying = wheel.rename(wheel.with_name("dema-1.0-py3-none-any.whl"))
    with pytest.raises((IntegrityError, SpecError), match="dema"):
        resolve(f"dema @ {lying.as_uri()}")


def test_a_file_that_the_server_does_not_have_is_named(engine, room, request_for, wheelhouse):
    with wheelhouse.index() as index:
        place = f"http://{index.host}/files/demo-1.0-py3-none-any.whl"
        asked = request_for(f"demo @ {place}", sources=index.sources())
        with pytest.raises(NotFoundError, match=r"demo-1\.0-py3-none-any\.whl does not exist \(404\)"):
            engine.resolve(asked, room())


def test_an_extra_that_is_not_there_is_said(resolve, wheelhouse):
    wheelhouse.wheel("demo", "1.0", extras={"real": []})
    assert resolve("demo[real]").notices == ()
    assert resolve("demo[absent]").notices == ("demo has no extra called absent: it changes nothing.",)


def test_the_versions_around_a_missing_one_are_named(resolve, wheelhouse):
    for version in ("1.0", "1.5", "2.0", "3.0", "4.0", "5.0"):
        wheelhouse.wheel("demo", version)
    with pytest.raises(NotFoundError, match=r"no index has demo==2\.5; the index has .*\b2\.0, 3\.0\b.*5\.0"):
        resolve("demo==2.5")


@pytest.mark.parametrize(
    ("wanted", "versions", "shown"),
    [
        ("demo==2.5", ["5.0", "1.0", "2.0", "3.0", "4.0", "0.9"], "1.0, 2.0, 3.0, 4.0, 5.0"),
        ("demo>9", ["1.0", "2.0", "3.0"], "2.0, 3.0"),
        ("demo<1", ["1.0", "2.0", "3.0", "4.0"], "1.0, 2.0, 4.0"),
        ("demo==1.*", ["2.0", "nonsense", "3.0rc1"], "2.0"),
        ("demo==7", ["1.0a1"], "1.0a1"),
    ],
)
def test_versions_near_the_wanted_one_come_first(wanted, versions, shown):
    assert words.nearest(wanted, versions) == shown


@pytest.mark.parametrize(("name", "meant"), [("cv2", "opencv-python-headless"), ("pytorch", "torch"), ("demo", "")])
def test_the_hint_knows_what_people_mean_by_a_name(name, meant):
    hints = {words.not_found(name, [name]).hint, words.not_built(f"{name}==1", "boom").hint}
    assert (f"Write {meant}." in hints) is bool(meant)


def test_a_build_that_fails_says_its_own_last_word(engine, room, request_for, tmp_path, wheelhouse):
    source = project(tmp_path / "broken", "broken")
    (source / "backend.py").write_text("raise RuntimeError('no compiler here')\n")
    asked = request_for(Requirement(line=f"broken @ {source.as_uri()}", name="broken"))
    with pytest.raises(
        ResolveError, match=r"broken\S* has no wheel and could not be built from source.*no compiler here"
    ):
        engine.install(engine.resolve(asked, room()).pins, str(tmp_path / "site"), asked, room())
