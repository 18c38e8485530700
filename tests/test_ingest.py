"""From a folder that an engine filled to what may be shared: what RECORD does not promise does not pass."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sessionpkgs.errors import ConflictError, IntegrityError, UnsafePackageError
from sessionpkgs.model import Pin
from sessionpkgs.policy import PROTECTED_TOP_LEVELS
from sessionpkgs.store import ingest, splitting
from tests.wheelhouse import unpack

CODE = "demo/__init__.py"


@pytest.fixture
def site(tmp_path):
    return tmp_path / "site"


@pytest.fixture
def stage(wheelhouse, site):
    """Puts a wheel as the test describes it into the stage and gives its pin."""

    def put(name="demo", version="1.0", **told):
        unpack(wheelhouse.wheel(name, version, **told), site)
        return Pin(name=name, version=version)

    return put


def rewrite(path, change):
    """Gives a function that lies about the row of *path*: *change* gives its new form, or None to leave it out."""
    return lambda rows: [new for row in rows if (new := change(list(row)) if row[0] == path else row)]


def add(*row):
    return lambda rows: [*rows, list(row)]


def test_what_a_record_promises_passes_and_becomes_read_only(stage, site):
    (dist,) = ingest.verify(
        str(site),
        [
            stage(),
        ],
    )
    assert (dist.name, dist.version, dist.tops) == ("demo", "1.0", {"demo", "demo-1.0.dist-info"})
    files = [path for path in site.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not any(path.stat().st_mode & 0o222 for path in files)


def test_a_private_copy_stays_writable(stage, site):
    ingest.verify(str(site), [stage()], read_only=False)
    assert (site / CODE).stat().st_mode & stat.S_IWUSR


@pytest.mark.parametrize(
    ("record", "kind", "said"),
    [
        pytest.param(rewrite(CODE, lambda row: [row[0], "sha256=AAAA", row[2]]), IntegrityError, "differs from its RECORD", id="wrong hash"),
        pytest.param(rewrite(CODE, lambda row: [row[0], row[1], "7"]), IntegrityError, "its RECORD says 7", id="wrong size"),
        pytest.param(rewrite(CODE, lambda row: [row[0], "", ""]), IntegrityError, "no usable hash", id="no hash"),
        pytest.param(rewrite(CODE, lambda row: [row[0], "md5=AAAA", ""]), IntegrityError, "no usable hash", id="weak hash"),
        pytest.param(rewrite(CODE, lambda _: None), IntegrityError, "demo/__init__.py is in no RECORD", id="missing row"),
        pytest.param(add("demo/ghost.py", "sha256=AAAA", "1"), IntegrityError, "ghost.py, which is not there", id="ghost row"),
        pytest.param(add("../outside.py", "sha256=AAAA", "1"), UnsafePackageError, "outside its folder", id="climbing row"),
        pytest.param(add("demo/../../x.py", "sha256=AAAA", "1"), UnsafePackageError, "outside its folder", id="climbing later"),
        pytest.param(add("../../lib/x.py", "sha256=AAAA", "1"), UnsafePackageError, "outside its folder", id="climbing as pip"),
        pytest.param(add("../../bin/../x", "sha256=AAAA", "1"), UnsafePackageError, "outside its folder", id="climbing by bin"),
        pytest.param(add("..\\outside.py", "sha256=AAAA", "1"), UnsafePackageError, "outside its folder", id="climbing back"),
        pytest.param(add("/etc/x.py", "sha256=AAAA", "1"), UnsafePackageError, "outside its folder", id="absolute row"),
        pytest.param(lambda _: None, IntegrityError, "has no RECORD", id="no RECORD"),
        pytest.param(add("one", "two"), IntegrityError, "cannot be read", id="broken RECORD"),
    ],
)  # fmt: skip
def test_a_record_that_lies_is_refused(stage, site, record, kind, said):
    pin = stage(record=record)
    with pytest.raises(kind, match=said):
        ingest.verify(str(site), [pin])


def test_a_file_that_changed_on_disk_is_refused(stage, site):
    pin = stage()
    (site / CODE).write_text('__version__ = "6.6"\n')
    with pytest.raises(IntegrityError, match=r"demo/__init__\.py of demo 1\.0 differs"):
        ingest.verify(str(site), [pin])


def test_compiled_code_of_an_engine_need_not_be_there(stage, site):
    pin = stage(record=add("demo/__pycache__/x.cpython-311.pyc", "", ""))
    (dist,) = ingest.verify(str(site), [pin])
    assert not any(path.endswith(".pyc") for path in dist.rows)


@pytest.mark.parametrize("make", [os.symlink, lambda _, path: os.mkfifo(path)], ids=["link", "pipe"])
def test_what_is_not_a_plain_file_is_refused_and_left_alone(stage, site, tmp_path, make):
    pin, target = stage(), tmp_path / "target"
    target.write_bytes((site / CODE).read_bytes())
    (site / CODE).unlink()
    make(target, site / CODE)
    with pytest.raises(UnsafePackageError, match="not a plain file"):
        ingest.verify(str(site), [pin])
    assert target.stat().st_mode & stat.S_IWUSR


def test_a_folder_that_is_a_link_is_refused(stage, site, tmp_path):
    pin = stage()
    (site / "demo").rename(tmp_path / "moved")
    (site / "demo").symlink_to(tmp_path / "moved")
    with pytest.raises((IntegrityError, UnsafePackageError), match="demo"):
        ingest.verify(str(site), [pin])


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        ([Pin(name="demo", version="2.0")], "demo==2.0 was asked for and its metadata says 1.0"),
        ([Pin(name="other", version="1.0")], "demo-1.0.dist-info, which was not asked for"),
        ([Pin(name="demo", version="1.0"), Pin(name="other", version="1.0")], "did not install other"),
    ],
)
def test_another_distribution_than_the_pin_is_refused(stage, site, pins, said):
    stage()
    with pytest.raises(IntegrityError, match=said):
        ingest.verify(str(site), pins)


def test_one_version_may_be_spelled_in_two_ways(stage, site):
    stage()
    assert ingest.verify(str(site), [Pin(name="demo", version="1.0.0")])


@pytest.mark.parametrize("top", sorted({"sitecustomize", "usercustomize"} | PROTECTED_TOP_LEVELS))
@pytest.mark.parametrize("form", ["{}.py", "{}/__init__.py", "{}.abi3.so", "{}/hidden/x.py"])
def test_a_part_of_the_kernel_is_not_replaced(stage, site, top, form):
    pin = stage(files={form.format(top): "stolen = True\n"})
    with pytest.raises(UnsafePackageError, match=rf"demo 1\.0 brings {top}"):
        ingest.verify(str(site), [pin])


def test_what_the_standard_library_has_too_is_told(stage, site):
    (dist,) = ingest.verify(str(site), [stage(files={"dataclasses.py": "", "typing/__init__.py": "", "demo.py": ""})])
    assert ingest.hidden_by_stdlib(dist) == ["dataclasses", "typing"]


def test_two_owners_of_a_path_with_different_bytes_are_both_named(stage, site):
    pins = [stage("one", files={"shared/x.py": "1"}), stage("two", files={"shared/x.py": "2"})]
    with pytest.raises(ConflictError, match=r"(one|two) .*(one|two).*shared/x\.py|shared/x\.py.*one.*two"):
        ingest.verify(str(site), pins)


def test_each_distribution_gets_its_own_files(stage, site, tmp_path):
    pins = [
        stage("one", files={"one/__init__.py": "", "shared/one.py": "1", "shared/same.py": "s"}),
        stage("two", files={"two.py": "", "shared/two.py": "2", "shared/same.py": "s"}),
    ]
    homes = {name: str(tmp_path / "homes" / name) for name in ("one", "two")}
    splitting.split(str(site), ingest.verify(str(site), pins), homes)
    found = {
        name: {str(p.relative_to(home)) for p in Path(home).rglob("*") if p.is_file()} for name, home in homes.items()
    }
    info = {name: {f"site/{name}-1.0.dist-info/{file}" for file in ("METADATA", "WHEEL", "RECORD")} for name in homes}
    assert found["one"] == {"site/one/__init__.py", "site/shared/one.py", "site/shared/same.py"} | info["one"]
    assert found["two"] == {"site/two.py", "site/shared/two.py", "site/shared/same.py"} | info["two"]
    assert not [path for path in site.rglob("*") if path.is_file()]


@pytest.mark.parametrize("row", ["bin/tool", "../../bin/tool"], ids=["as uv writes it", "as pip writes it"])
def test_scripts_and_data_stand_beside_the_modules(stage, site, tmp_path, row):
    def say(rows):
        return [[row if path == "bin/tool" else path, *rest] for path, *rest in rows]

    pin = stage(files={"demo.py": "", "bin/tool": "#!python\n", "share/demo/x.txt": "x"}, record=say)
    splitting.split(str(site), ingest.verify(str(site), [pin]), {"demo": str(tmp_path / "home")})
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"site", "bin", "share"}
    assert (tmp_path / "home" / "bin" / "tool").is_file()
    assert (tmp_path / "home" / "share" / "demo" / "x.txt").is_file()
