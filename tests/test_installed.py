"""What is installed below a session, read from headers."""

from __future__ import annotations

import importlib.metadata
import os
import re
import site
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from sessionpkgs import installed
from sessionpkgs.fingerprint import base_paths, fingerprint
from tests.wheelhouse import unpack


@pytest.fixture
def one(wheelhouse, tmp_path):
    """A folder with one distribution."""
    return unpack(wheelhouse.wheel("My.Demo", "1.0", requires=["dep<2", "x ; extra == 'e'"]), tmp_path / "one")


def test_a_distribution_is_known_by_name_version_and_requirements(one):
    view = installed.scan([str(one)])
    assert list(view) == ["my-demo"]
    dist = view["my-demo"]
    assert (dist.version, dist.level, dist.requires) == ("1.0", "base", ("dep<2", "x ; extra == 'e'"))
    assert dist.path == str(one / "My_Demo-1.0.dist-info")


def test_the_nearest_folder_wins(one, wheelhouse, tmp_path):
    other = unpack(wheelhouse.wheel("my-demo", "2.0"), tmp_path / "other")
    assert installed.scan([str(one), str(other)])["my-demo"].version == "1.0"
    assert installed.scan([str(other), str(one)])["my-demo"].version == "2.0"


def test_the_view_of_a_real_environment_is_that_of_the_standard_library():
    paths = [path for path in site.getsitepackages() if Path(path).is_dir()]
    theirs: dict[str, str] = {}
    for dist in importlib.metadata.distributions(path=paths):
        theirs.setdefault(str(canonicalize_name(dist.metadata["Name"])), dist.version)
    assert {name: dist.version for name, dist in installed.scan(paths).items()} == theirs


@pytest.mark.parametrize("text", ["", "Name: broken\n", "Version: 1.0\n", "Name: broken\nVersion: not-one\n"])
def test_what_has_no_usable_name_and_version_is_left_out(tmp_path, text):
    (tmp_path / "broken-1.0.dist-info").mkdir()
    (tmp_path / "broken-1.0.dist-info" / "METADATA").write_text(text)
    (tmp_path / "empty-1.0.dist-info").mkdir()
    (tmp_path / "file.dist-info").write_text("")
    assert len(installed.scan([str(tmp_path)])) == 0


def test_a_description_is_not_read_as_headers(tmp_path):
    (tmp_path / "d-1.dist-info").mkdir()
    text = "Name: d\r\nVersion: 1\r\n\r\nRequires-Dist: invented\n"
    (tmp_path / "d-1.dist-info" / "METADATA").write_bytes(text.encode() + b"\xff\xfe")
    assert installed.scan([str(tmp_path)])["d"].requires == ()


def test_an_egg_info_counts_with_its_requirements(tmp_path):
    folder = tmp_path / "old.egg-info"
    folder.mkdir()
    (folder / "PKG-INFO").write_text("Metadata-Version: 1.1\nName: old\nVersion: 0.5\n")
    (folder / "requires.txt").write_text("dep>1\n\n[more]\nextra-dep\n")
    dist = installed.scan([str(tmp_path)])["old"]
    assert dist.version == "0.5"
    assert re.sub(r"\s", "", " ".join(dist.requires)).startswith("dep>1extra-dep;extra==")


def test_headers_are_given_as_a_resolver_reads_them(one):
    text = installed.headers_text(installed.scan([str(one)])["my-demo"])
    assert text.startswith("Metadata-Version: 2.1\nName: my-demo\nVersion: 1.0\n")
    assert "Requires-Dist: dep<2\n" in text


def test_a_distribution_knows_its_files(one):
    files = installed.files_of(installed.scan([str(one)])["my-demo"])
    assert str(one / "My_Demo" / "__init__.py") in files
    assert len(files) == 4


def reinstall(folder):
    record = folder / "My_Demo-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text() + "x,,\n")


def replace_tree(folder):
    """A whole new tree with the same names and times: only the inodes tell."""
    info = folder / "My_Demo-1.0.dist-info"
    for path in (info / "RECORD", info / "METADATA"):
        status = path.stat()
        copy = path.with_suffix(".new")
        copy.write_bytes(path.read_bytes())
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        copy.replace(path)


@pytest.mark.parametrize(
    "change",
    [
        reinstall,
        replace_tree,
        lambda folder: (folder / "new-1.dist-info").mkdir(),
        lambda folder: (folder / "new.egg-info").mkdir(),
        lambda folder: (folder / "new.pth").write_text(""),
        lambda folder: (folder / "new.egg-link").write_text(""),
        lambda folder: (folder / "My_Demo-1.0.dist-info").rename(folder / "gone"),
    ],
    ids=["reinstalled", "replaced", "added", "egg added", "pth added", "link added", "removed"],
)
def test_every_change_of_what_is_installed_changes_the_fingerprint(one, change):
    before = fingerprint([str(one)])
    assert fingerprint([str(one)]) == before
    change(one)
    assert fingerprint([str(one)]) != before


def test_what_is_no_distribution_does_not_change_the_fingerprint(one):
    before = fingerprint([str(one)])
    (one / "My_Demo" / "more.py").write_text("x = 1\n")
    (one / "module.py").write_text("")
    assert fingerprint([str(one)]) == before


def test_the_order_of_folders_is_part_of_the_fingerprint(one, tmp_path):
    (tmp_path / "two").mkdir()
    paths = [str(one), str(tmp_path / "two")]
    assert fingerprint(paths) != fingerprint(paths[::-1])


def test_base_is_neither_the_standard_library_nor_the_store_nor_the_working_folder(one, tmp_path):
    store = tmp_path / "store" / "layers" / "x" / "site"
    store.mkdir(parents=True)
    stdlib = str(Path(os.__file__).parent)
    paths = [
        "",
        stdlib,
        f"{stdlib}/lib-dynload",
        "/no/such.zip",
        str(store),
        str(one),
        str(one),
        str(tmp_path / "store2"),
    ]
    (tmp_path / "store2").mkdir()
    assert base_paths(paths, str(tmp_path / "store")) == [str(one), str(tmp_path / "store2")]


def test_a_folder_that_is_gone_holds_nothing(tmp_path):
    assert base_paths([str(tmp_path / "gone")]) == []
