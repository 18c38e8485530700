"""Other machines: which wheels and markers count there, what the engines make of it, what a machine says it has."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.tags import sys_tags

from sessionpkgs import installed, process
from sessionpkgs.engines import Engine, Request, Room, targets
from sessionpkgs.engines.uv import Uv
from sessionpkgs.errors import IntegrityError, PythonPinned, SpecError
from sessionpkgs.model import Lock, Requirement, Spec, View
from sessionpkgs.session import elsewhere, planner
from tests.wheelhouse import Wheelhouse, sha256_of, unpack

LINUX, ARM, MAC, WINDOWS, MUSL = (
    "manylinux_2_28_x86_64", "manylinux_2_31_aarch64", "macosx_12_0_arm64", "win_amd64", "musllinux_1_2_x86_64",
)  # fmt: skip
PLATFORMS = (LINUX, ARM, MAC, WINDOWS, MUSL)


def target(python: str = "3.12", *platforms: str) -> targets.Target:
    return targets.of(python, platforms or (LINUX,))


FITS = [
    (LINUX, "d-1-py3-none-any.whl", True),
    (LINUX, "d-1-cp312-cp312-manylinux_2_28_x86_64.whl", True),
    (LINUX, "d-1-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", True),
    (LINUX, "d-1-cp312-cp312-manylinux1_x86_64.whl", True),
    (LINUX, "d-1-cp312-cp312-linux_x86_64.whl", True),
    (LINUX, "d-1-cp38-abi3-manylinux_2_5_x86_64.whl", True),
    (LINUX, "d-1-1-cp312-cp312-manylinux_2_28_x86_64.whl", True),
    (LINUX, "d-1-cp312-cp312-manylinux_2_29_x86_64.whl", False),
    (LINUX, "d-1-cp311-cp311-manylinux_2_28_x86_64.whl", False),
    (LINUX, "d-1-cp312-cp312-manylinux_2_28_aarch64.whl", False),
    (LINUX, "d-1-cp312-cp312-musllinux_1_1_x86_64.whl", False),
    (LINUX, "d-1.tar.gz", False),
    (LINUX, "d-1.whl", False),
    (LINUX, f"{'d' * 300}-1-py3-none-any.whl", False),
    (ARM, "d-1-cp312-cp312-manylinux_2_17_aarch64.whl", True),
    (ARM, "d-1-cp312-cp312-manylinux_2_12_aarch64.whl", False),
    (MAC, "d-1-cp312-cp312-macosx_11_0_arm64.whl", True),
    (MAC, "d-1-cp312-cp312-macosx_10_9_universal2.whl", True),
    (MAC, "d-1-cp312-cp312-macosx_13_0_arm64.whl", False),
    (WINDOWS, "d-1-cp312-cp312-win_amd64.whl", True),
    (WINDOWS, "d-1-cp312-cp312-win32.whl", False),
    (MUSL, "d-1-cp312-cp312-musllinux_1_1_x86_64.whl", True),
    (MUSL, "d-1-cp312-cp312-manylinux_2_17_x86_64.whl", False),
]


@pytest.mark.parametrize(("platform", "file", "fits"), FITS, ids=[f"{p}: {f[:60]}" for p, f, _ in FITS])
def test_a_wheel_fits_a_machine_by_its_tags(platform: str, file: str, fits: bool) -> None:
    assert (target("3.12", platform).rank(file) is not None) is fits


def test_the_wheel_that_is_made_for_the_machine_is_better_than_one_for_all() -> None:
    files = [
        "d-1-py3-none-any.whl",
        "d-1-cp312-abi3-manylinux_2_28_x86_64.whl",
        "d-1-cp312-cp312-manylinux_2_17_x86_64.whl",
    ]
    assert sorted(files, key=lambda file: target().rank(file) or 0) == files[::-1]


MARKERS = [
    (LINUX, ("linux", "Linux", "posix", "x86_64")),
    (ARM, ("linux", "Linux", "posix", "aarch64")),
    (MUSL, ("linux", "Linux", "posix", "x86_64")),
    (MAC, ("darwin", "Darwin", "posix", "arm64")),
    (WINDOWS, ("win32", "Windows", "nt", "AMD64")),
    ("win32", ("win32", "Windows", "nt", "x86")),
]


@pytest.mark.parametrize(("platform", "told"), MARKERS, ids=[p for p, _ in MARKERS])
def test_markers_are_those_of_the_machine(platform: str, told: tuple[str, ...]) -> None:
    from packaging.markers import default_environment

    found = target("3.12.4", platform).markers()
    assert tuple(found[key] for key in ("sys_platform", "platform_system", "os_name", "platform_machine")) == told
    assert (found["python_version"], found["python_full_version"]) == ("3.12", "3.12.4")
    assert found.keys() == default_environment().keys()


def test_this_machine_takes_nothing_that_this_python_does_not_take() -> None:
    here = targets.here()
    mine = {str(tag) for tag in sys_tags()}
    version = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    tags = [f"{version}-{version}-{platform}" for platform in here.accepted()]
    assert set(tags) <= mine
    assert here.rank(f"d-1-{tags[0]}.whl") is not None
    assert here.platforms[0].startswith(("manylinux", "musllinux", "macosx"))


def test_the_line_for_this_machine_is_understood_by_the_command() -> None:
    words = planner.command({}, "my env.yml").split(" ")
    assert words[:2] == ["sessionpkgs", "closure"]
    assert words[-2:] == ["--download", "DIR"]
    assert "'my env.yml'" in planner.command({}, "my env.yml")
    assert targets.of(words[words.index("--python") + 1], [words[words.index("--platform") + 1]]).rank(
        "d-1-py3-none-any.whl"
    )


@pytest.mark.parametrize("spelling", ["manylinux2014_x86_64", "manylinux_2_17_x86_64", "ManyLinux_2_17-x86_64"])
def test_platforms_are_known_in_their_old_spelling(spelling: str) -> None:
    assert target("3.11", spelling).platforms == ("manylinux_2_17_x86_64",)


WRONG = [
    ("2.7", [LINUX]), ("3", [LINUX]), ("3.7", [LINUX]), ("latest", [LINUX]), ("3.11", ["linux"]), ("3.11", ["manylinux_2_x86_64"]),
    ("3.11", ["manylinux_3_1_x86_64"]), ("3.11", ["--platform"]), ("3.11", [LINUX, MAC]), ("3.11", [LINUX, ARM]), ("3.11", [""]),
]  # fmt: skip


@pytest.mark.parametrize(("python", "platforms"), WRONG, ids=[f"{p} {' '.join(o)}" for p, o in WRONG])
def test_what_is_no_machine_is_refused_with_an_example(python: str, platforms: list[str]) -> None:
    with pytest.raises(SpecError) as refused:
        targets.of(python, platforms)
    assert refused.value.hint


def house(wheelhouse: Wheelhouse) -> None:
    """demo-a and what it needs on this or that machine, demo-bin for some machines, each newest one for none."""
    needs = {
        "demo-old": 'python_version < "3.12"',
        "demo-new": 'python_version >= "3.12"',
        "demo-patch": 'python_full_version >= "3.12.1"',
        "demo-win": 'sys_platform == "win32"',
        "demo-mac": 'platform_system == "Darwin"',
        "demo-linux": 'os_name == "posix" and sys_platform == "linux"',
        "demo-chip": 'platform_machine == "aarch64"',
    }
    wheelhouse.wheel("demo-a", requires=["demo-low", *(f"{name}; {marker}" for name, marker in needs.items())])
    for name in ("demo-low", *needs):
        wheelhouse.wheel(name)
    for python in ("cp311", "cp312"):
        for platform in PLATFORMS:
            wheelhouse.wheel("demo-bin", tag=f"{python}-{python}-{platform}")
        wheelhouse.wheel("demo-bin", "2.0", tag=f"{python}-{python}-manylinux_2_39_x86_64")
        wheelhouse.wheel("demo-bin", "2.1", tag=f"{python}-{python}-macosx_13_0_arm64")
    wheelhouse.wheel("demo-bin", "3.0", requires_python=">=3.13")


SETS = [
    ("3.11", LINUX, "linux old"), ("3.12", LINUX, "linux new"), ("3.12.4", LINUX, "linux new patch"),
    ("3.12", ARM, "chip linux new"), ("3.12", MAC, "mac new"), ("3.11", WINDOWS, "old win"), ("3.12", MUSL, "linux new"),
]  # fmt: skip


@pytest.mark.parametrize(("python", "platform", "more"), SETS, ids=[f"{p} {o}" for p, o, _ in SETS])
def test_each_engine_chooses_the_same_for_another_machine(
    resolve: Callable[..., Lock], wheelhouse: Wheelhouse, python: str, platform: str, more: str
) -> None:
    house(wheelhouse)
    lock = resolve("demo-a", "demo-bin", target=target(python, platform), explain=True)
    names = sorted(("demo-a", "demo-bin", "demo-low", *(f"demo-{one}" for one in more.split())))
    assert [pin.name for pin in lock.pins] == names
    tag = f"cp{''.join(python.split('.')[:2])}"
    (binary,) = [pin for pin in lock.pins if pin.name == "demo-bin"]
    assert (binary.version, binary.url.rpartition("/")[2]) == ("1.0", f"demo_bin-1.0-{tag}-{tag}-{platform}.whl")
    assert {asker for child, asker in lock.asked_by if child != "demo-bin"} == {"demo-a"}
    assert {child for child, _ in lock.asked_by} == {*names} - {"demo-a", "demo-bin"}


def test_the_newest_wheel_that_the_machine_takes_is_chosen(
    resolve: Callable[..., Lock], wheelhouse: Wheelhouse
) -> None:
    house(wheelhouse)
    assert [pin.version for pin in resolve("demo-bin", target=target("3.12", "manylinux_2_39_x86_64")).pins] == ["2.0"]
    assert [pin.version for pin in resolve("demo-bin", target=target("3.13", "manylinux_2_39_x86_64")).pins] == ["3.0"]


def test_what_is_installed_here_is_nothing_to_another_machine(
    resolve: Callable[..., Lock], wheelhouse: Wheelhouse, present: Path
) -> None:
    unpack(wheelhouse.wheel("demo-low"), present)
    wheelhouse.wheel("demo-a", requires=["demo-low"])
    assert [pin.name for pin in resolve("demo-a", target=target(), view=View()).pins] == ["demo-a", "demo-low"]


def test_what_the_machine_has_stays_as_it_is(resolve: Callable[..., Lock], wheelhouse: Wheelhouse) -> None:
    wheelhouse.wheel("demo-low", "2.0")
    wheelhouse.wheel("demo-a", requires=["demo-low", "demo-absent"])
    view = elsewhere.view({"demo-low": "1.0", "demo-absent": "7"})
    lock = resolve("demo-a", "demo-low", target=target(), view=view, constraints=("demo-low==1.0",))
    assert [pin.name for pin in lock.pins] == ["demo-a"]


def test_a_hash_of_the_user_chooses_among_wheels_for_the_machine(
    resolve: Callable[..., Lock], wheelhouse: Wheelhouse
) -> None:
    right = wheelhouse.wheel("demo-a", tag="cp312-cp312-manylinux_2_17_x86_64")
    wheelhouse.wheel("demo-a", tag="cp312-cp312-manylinux_2_28_x86_64")
    other = wheelhouse.wheel("demo-a", tag="cp312-cp312-win_amd64")

    def asked(file: Path) -> Requirement:
        return Requirement(line="demo-a==1.0", name="demo-a", where="line 1", hashes=(f"sha256:{sha256_of(file)}",))

    with wheelhouse.index() as index:
        options = {"target": target(), "sources": index.sources()}
        assert [pin.sha256 for pin in resolve(asked(right), **options).pins] == [sha256_of(right)]
        with pytest.raises(IntegrityError):
            resolve(asked(other), **options)


def test_only_pip_resolves_for_a_machine_that_uv_has_no_name_for(
    engine: Engine, room: Callable[..., Room], request_for: Callable[..., Request], wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-a", tag="cp312-cp312-manylinux_2_20_x86_64")
    asked = request_for("demo-a", target=target("3.12", "manylinux_2_24_x86_64"))
    if engine.name == "pip":
        assert [pin.name for pin in engine.resolve(asked, room()).pins] == ["demo-a"]
        return
    with pytest.raises(SpecError, match="uv has no name for the platform manylinux_2_24_x86_64"):
        engine.resolve(asked, room())


@pytest.mark.parametrize("platform", [*PLATFORMS, "macosx_11_0_x86_64", "win32", "win_arm64", "manylinux_2_40_x86_64"])
def test_uv_knows_the_names_that_we_give_it(
    room: Callable[..., Room], request_for: Callable[..., Request], wheelhouse: Wheelhouse, platform: str
) -> None:
    from sessionpkgs.engines import find

    wheelhouse.wheel("demo-a", tag=f"cp312-cp312-{platform}")
    lock = find("uv").resolve(request_for("demo-a", target=target("3.12", platform)), room())
    assert [pin.name for pin in lock.pins] == ["demo-a"]


FREEZES = [
    "demo-a==1.0\nDemo_B == 2.0  # comment\n# demo-c==1\n-e /a/folder\ndemo.d[x]==3 ; python_version>'3'\n--option\n",
    'demo-a===1.0\ndemo_b @ file:///w/demo_b-2.0-py3-none-any.whl#sha256=00\ndemo-d@https://a.example/demo_d-3.tar.gz\n',
    json.dumps([{"name": "demo-a", "version": "1.0"}, {"name": "Demo_B", "version": "2.0"}, {"name": "demo.d", "version": "3"}]),
]  # fmt: skip


@pytest.mark.parametrize("text", FREEZES, ids=["lines", "places", "json"])
def test_a_machine_says_what_it_has_in_lines_or_json(tmp_path: Path, text: str) -> None:
    file = tmp_path / "has.txt"
    file.write_text(text)
    view, notices = elsewhere.present(str(file))
    assert {name: dist.version for name, dist in view.items()} == {"demo-a": "1.0", "demo-b": "2.0", "demo-d": "3"}
    assert notices == ()


def test_what_tells_no_version_is_said_and_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "has.txt"
    file.write_text(
        "demo-a==1.0\ndemo-b @ file:///croot/demo-b_1/work\ndemo-c @ git+https://a.example/c@0a\ndemo-d==x y\n"
    )
    view, (said,) = elsewhere.present(str(file))
    assert [*view] == ["demo-a"]
    assert "no version of demo-b, demo-c, demo-d" in said


@pytest.mark.parametrize("text", ["", "# nothing\n", "[1]", '[{"name": "a"}]', "[", "[]"])
def test_a_file_that_names_nothing_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "has.txt"
    file.write_text(text)
    with pytest.raises(SpecError, match=str(file)):
        elsewhere.present(str(file))
    with pytest.raises(SpecError, match="cannot be read"):
        elsewhere.present(str(tmp_path / "absent.txt"))


@pytest.mark.parametrize("line", ["python==3.12.*", "python>=3.12.7", "python==3.12.3", "python<3.13"])
def test_a_python_line_fits_a_minor_release_of_which_some_patch_fits(line: str) -> None:
    spec = Spec(python=(Requirement(line=line, name="python", where="dependencies[0]"),))
    assert elsewhere.check_python(spec, target("3.12"), ignore=False) == ()
    other = target("3.13" if line == "python<3.13" else "3.11")
    with pytest.raises(PythonPinned) as refused:
        elsewhere.check_python(spec, other, ignore=False)
    assert "--ignore-python" in refused.value.hint
    (said,) = elsewhere.check_python(spec, other, ignore=True)
    assert line in said


def test_a_named_patch_release_is_taken_by_its_word() -> None:
    spec = Spec(python=(Requirement(line="python>=3.12.7", name="python", where="dependencies[0]"),))
    assert elsewhere.check_python(spec, target("3.12.7"), ignore=False) == ()
    with pytest.raises(PythonPinned, match=r"does not fit Python 3\.12\.6"):
        elsewhere.check_python(spec, target("3.12.6"), ignore=False)


def test_what_stands_before_base_is_seen_before_what_base_has_itself(
    engine: Engine,
    room: Callable[..., Room],
    request_for: Callable[..., Request],
    wheelhouse: Wheelhouse,
    only_pip: Path,
    tmp_path: Path,
) -> None:
    made = tmp_path / "venv"
    argv = [Uv().program, "venv", "--no-config", "--offline", "-q", "--python", sys.executable, str(made)]
    assert process.run(argv, env=os.environ, cwd=str(tmp_path), deadline=60).code == 0
    (site,) = made.glob("lib/*/site-packages")
    pool = unpack(wheelhouse.wheel("demo-low", "2.0"), tmp_path / "pool")
    unpack(wheelhouse.wheel("demo-low", "1.0"), site)
    wheelhouse.wheel("demo-low", "3.0")
    wheelhouse.wheel("demo-a", requires=["demo-low>=2"])
    there = room(python=str(made / "bin/python"), base=(str(only_pip), str(pool), str(site)))
    asked = request_for("demo-a", view=installed.scan([str(pool), str(site)]))
    assert [pin.name for pin in engine.resolve(asked, there).pins] == ["demo-a"]
