"""Link farms: many distributions in one folder, and scripts that start under the right interpreter."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sessionpkgs import process
from sessionpkgs.engines import find
from sessionpkgs.errors import ConflictError
from sessionpkgs.model import Plan
from sessionpkgs.store import Store, farm


@pytest.fixture
def dists(tmp_path):
    """Makes the folder of a distribution as the store has it, from paths and texts."""

    def make(name, files, part="site"):
        folder = tmp_path / "dists" / f"{name}-1.0-abc" / part
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
            (folder / path).chmod(0o555)
        return str(folder)

    return make


@pytest.fixture
def merged(tmp_path):
    """Merges folders, moves the farm to where it belongs and gives it."""

    def merge(*sources):
        made, final = tmp_path / "stage" / "site", tmp_path / "layers" / "digest" / "site"
        farm.merge(str(made), sources, str(final))
        final.parent.mkdir(parents=True)
        made.rename(final)
        return final

    return merge


def tree(folder):
    """Text by path of every file that can be reached."""
    walked = os.walk(folder, followlinks=True)
    return {
        os.path.relpath(f"{at}/{name}", folder): Path(at, name).read_text() for at, _, names in walked for name in names
    }


def test_a_name_of_one_distribution_is_one_link(dists, merged):
    farm_ = merged((dists("one", {"one/__init__.py": "1", "one/deep/x.py": "x"}), False))
    assert (farm_ / "one").is_symlink()
    assert tree(farm_) == {"one/__init__.py": "1", "one/deep/x.py": "x"}


def test_a_shared_folder_is_merged_and_keeps_links_below(dists, merged):
    one = dists("one", {"space/one/__init__.py": "1", "one.py": "o"})
    two = dists("two", {"space/two/__init__.py": "2", "space/deep/b.py": "b"})
    three = dists("three", {"space/deep/c.py": "c"})
    farm_ = merged((one, False), (two, False), (three, False))
    assert not (farm_ / "space").is_symlink()
    assert (farm_ / "space" / "one").is_symlink()
    assert tree(farm_) == {
        "one.py": "o",
        "space/one/__init__.py": "1",
        "space/two/__init__.py": "2",
        "space/deep/b.py": "b",
        "space/deep/c.py": "c",
    }


def test_links_are_relative_so_that_the_store_can_be_moved(dists, merged, tmp_path):
    farm_ = merged((dists("one", {"space/a.py": "a"}), False), (dists("two", {"space/b.py": "b", "b.py": ""}), False))
    links = [path for path in farm_.rglob("*") if path.is_symlink()]
    assert links
    assert not [link for link in links if link.readlink().is_absolute()]
    tmp_path.rename(moved := tmp_path.with_name("moved"))
    assert len(tree(moved / "layers" / "digest" / "site")) == 3
    moved.rename(tmp_path)


def test_a_distribution_to_be_spread_has_real_folders_and_a_link_for_each_file(dists, merged):
    farm_ = merged((dists("one", {"one/lib/x.so": "x", "one/__pycache__/y.pyc": "y", "top.py": "t"}), True))
    assert not (farm_ / "one").is_symlink()
    assert not (farm_ / "one" / "lib").is_symlink()
    assert (farm_ / "one" / "lib" / "x.so").is_symlink()
    assert not (farm_ / "one" / "__pycache__").exists()


def test_two_files_at_one_path_must_have_the_same_bytes(dists, merged):
    same = merged((dists("one", {"s/same.py": "s"}), False), (dists("two", {"s/same.py": "s"}), False))
    assert tree(same) == {"s/same.py": "s"}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"s/x.py": "2"}, "one-1.0 and two-1.0 both bring x.py"),
        ({"s": "file"}, "s is a folder in one .* file in another"),
    ],
)
def test_what_cannot_stand_together_is_refused(dists, merged, other, said):
    with pytest.raises(ConflictError, match=said):
        merged((dists("one", {"s/x.py": "1"}), False), (dists("two", other), False))


@pytest.mark.parametrize("place", ["bin", "a place with spaces", "long" * 40], ids=["plain", "spaces", "long"])
@pytest.mark.parametrize("first", ["#!/elsewhere/python3.9", "#!python", "#!/usr/bin/env python3"])
def test_a_script_starts_under_this_interpreter(dists, tmp_path, first, place):
    source = dists("one", {"tool": first + "\nimport sys\nprint(sys.executable, sys.argv[1:])\n"}, "bin")
    (tmp_path / place).mkdir(exist_ok=True)
    python = tmp_path / place / "python"
    python.symlink_to(sys.executable)
    into = tmp_path / "layer" / "bin"
    assert farm.scripts(str(into), [source], str(python), str(into)) == []
    done = process.run([str(into / "tool"), "a b"], env={"PATH": os.environ["PATH"]}, cwd=str(tmp_path), deadline=60)
    assert done.stdout.strip() == f"{python} ['a b']", done.stderr
    assert (into / "tool").stat().st_mode & 0o777 == 0o555


def test_a_script_that_is_long_is_copied_whole(dists, tmp_path):
    text = "#!python\n" + "x = 1  # filling\n" * 1000 + "print(x)\n"
    farm.scripts(str(tmp_path / "bin"), [dists("one", {"tool": text}, "bin")], "/here/python", str(tmp_path / "bin"))
    assert (tmp_path / "bin" / "tool").read_text() == text.replace("#!python", "#!/here/python")


def test_a_program_without_such_a_line_is_linked(dists, tmp_path):
    farm.scripts(str(tmp_path / "bin"), [dists("one", {"tool": "#!/bin/sh\n"}, "bin")], "/p", str(tmp_path / "bin"))
    assert (tmp_path / "bin" / "tool").is_symlink()
    assert (tmp_path / "bin" / "tool").read_text() == "#!/bin/sh\n"


@pytest.mark.parametrize(
    ("name", "reserved"),
    [
        *((name, True) for name in ("python", "python3.11", "pip", "pip3", "jupyter-lab", "ipython", "conda", "uv", "sh")),
        *((name, True) for name in ("bash", "env", "activate", "sessionpkgs")),
        *((name, False) for name in ("tool", "shtool", "envoy", "black", "bashful")),
    ],
)  # fmt: skip
def test_a_reserved_name_is_left_out_and_said(dists, tmp_path, name, reserved):
    source = dists("one", {name: "#!python\n"}, "bin")
    left_out = farm.scripts(str(tmp_path / "bin"), [source], "/p", str(tmp_path / "bin"))
    assert left_out == ([name] if reserved else [])
    assert (tmp_path / "bin" / name).exists() is not reserved


def test_moving_into_a_folder_that_is_there_joins_them(tmp_path):
    for path in ("from/a/x", "from/b/y", "to/a/z"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    farm.move(str(tmp_path / "from"), str(tmp_path / "to"))
    assert set(tree(tmp_path / "to")) == {"a/x", "a/z", "b/y"}
    assert not (tmp_path / "from").exists()


@pytest.mark.parametrize("name", ["uv", "pip"])
def test_scripts_and_data_of_a_real_install_are_in_the_layer(home, wheelhouse, room, request_for, name, tmp_path):
    code = "import sys\ndef main(): print('ran', sys.executable)\n"
    points = {"console_scripts": {"tool": "demo:main", "jupyter-x": "demo:main"}}
    kind = {"files": {"demo.py": code}, "entry_points": points, "data": {"share/demo/x.txt": "x"}}
    wheelhouse.wheel("demo", **kind, scripts={"old-tool": "#!python\nimport demo; demo.main()\n"})
    engine, request, used = find(name), request_for("demo"), room()
    lock = engine.resolve(request, used)
    plan, store = Plan(install=lock.pins, tag="t", digest="d"), Store(str(home / "store"))
    store.prepare()

    def fill(pins, into):
        engine.install(pins, into, request, used)

    with store.stage() as stage:
        layer, _ = store.layer(plan, fill, python=sys.executable, deadline=60.0, stage=stage)
    assert sorted(path.name for path in Path(layer.path, "bin").iterdir()) == ["old-tool", "tool"]
    assert any("jupyter-x" in notice for notice in layer.notices)
    assert Path(layer.path, "share", "demo", "x.txt").read_text() == "x"
    for script in ("tool", "old-tool"):
        env = {"PYTHONPATH": f"{layer.path}/site"}
        done = process.run([f"{layer.path}/bin/{script}"], env=env, cwd=str(tmp_path), deadline=60)
        assert done.stdout == f"ran {sys.executable}\n", done.stderr
