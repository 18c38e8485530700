"""Shared objects that find others by a path relative to their own."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path

import pytest

from sessionpkgs import process
from sessionpkgs.model import Pin, Plan
from sessionpkgs.store import Store, elf, farm
from tests.wheelhouse import sha256_of, unpack

needs_compiler = pytest.mark.skipif(
    shutil.which("gcc") is None or sys.platform != "linux", reason="gcc for Linux is not installed"
)
LOAD = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).outer())"


@pytest.fixture
def compile_to(tmp_path):
    """Compiles one line of C to a shared object, with options for the linker."""

    def make(target, code, *options):
        target = Path(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        source = tmp_path / f"{target.stem}.c"
        source.write_text(code)
        argv = ["gcc", "-shared", "-fPIC", "-o", str(target), str(source), *options]
        done = process.run(argv, env=os.environ, cwd=str(target.parent), deadline=60)
        assert done.code == 0, done.stderr
        return target

    return make


@needs_compiler
@pytest.mark.parametrize("kind", ["--enable-new-dtags", "--disable-new-dtags"], ids=["RUNPATH", "RPATH"])
def test_run_paths_are_read_from_the_headers(compile_to, tmp_path, kind):
    made = compile_to(tmp_path / "x.so", "int x;", f"-Wl,{kind},-rpath,$ORIGIN/../other:/opt/lib")
    with made.open("rb") as source:
        assert elf.run_paths(source) == ["$ORIGIN/../other", "/opt/lib"]


@needs_compiler
@pytest.mark.parametrize(
    ("path", "reaches"),
    [
        ("$ORIGIN/../../other/lib", True),
        ("${ORIGIN}/../../other/lib", True),
        ("$ORIGIN/../lib", False),
        ("$ORIGIN", False),
        ("$ORIGIN/../../demo.libs", False),
        ("/opt/lib", False),
        ("/opt/lib:$ORIGIN/../../../elsewhere", True),
    ],
)
def test_a_path_that_leaves_the_distribution_is_seen(compile_to, tmp_path, path, reaches):
    (tmp_path / "site" / "demo.libs").mkdir(parents=True)
    compile_to(tmp_path / "site" / "demo" / "lib" / "libx.so.1", "int x;", f"-Wl,-rpath,{path}")
    assert elf.reaches_out(str(tmp_path / "site")) is reaches


@needs_compiler
@pytest.mark.parametrize("spread", [True, False], ids=["spread", "as one link"])
def test_an_object_finds_its_neighbour_through_a_layer_when_it_is_spread(compile_to, tmp_path, spread):
    inner, outer = tmp_path / "dists" / "inner-1-a", tmp_path / "dists" / "outer-1-b"
    made = compile_to(inner / "inner" / "libinner.so", "int inner(void) { return 42; }")
    code = "int inner(void); int outer(void) { return inner(); }"
    options = ["-L", str(made.parent), "-linner", "-Wl,-rpath,$ORIGIN/../inner"]
    compile_to(outer / "outer" / "libouter.so", code, *options)
    assert elf.reaches_out(str(outer))
    assert not elf.reaches_out(str(inner))
    layer = tmp_path / "layer"
    farm.merge(str(layer), [(str(inner), False), (str(outer), spread)], str(layer))
    argv = [sys.executable, "-c", LOAD, str(layer / "outer" / "libouter.so")]
    done = process.run(argv, env={}, cwd=str(tmp_path), deadline=60)
    assert (done.stdout.strip() == "42") is spread, done.stderr


@needs_compiler
def test_the_store_spreads_what_reaches_out_and_links_the_rest(compile_to, tmp_path, wheelhouse, home):
    made = compile_to(tmp_path / "inner" / "libinner.so", "int inner(void) { return 42; }")
    code = "int inner(void); int outer(void) { return inner(); }"
    options = ["-L", str(made.parent), "-linner", "-Wl,-rpath,$ORIGIN/../inner"]
    outer = compile_to(tmp_path / "libouter.so", code, *options)
    wheels = [
        wheelhouse.wheel("inner", files={"inner/libinner.so": made.read_bytes()}),
        wheelhouse.wheel("outer", files={"outer/libouter.so": outer.read_bytes()}),
    ]
    store = Store(str(home / "store"))
    store.prepare()
    pins = tuple(Pin(name=w.name.split("-")[0], version="1.0", url=str(w), sha256=sha256_of(w)) for w in wheels)

    def fill(wanted, into):
        for pin in wanted:
            unpack(Path(pin.url), Path(into))

    with store.stage() as stage:
        plan = Plan(install=pins, tag="t", digest="d")
        layer, _ = store.layer(plan, fill, python=sys.executable, deadline=60.0, stage=stage)
    site = Path(layer.path, "site")
    assert ((site / "inner").is_symlink(), (site / "outer").is_symlink()) == (True, False)
    argv = [sys.executable, "-c", LOAD, str(site / "outer" / "libouter.so")]
    assert process.run(argv, env={}, cwd=str(tmp_path), deadline=60).stdout == "42\n"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fELF", b"\x7fELF\x02\x01" + b"\0" * 58, b"\x7fELF\x01\x01" + b"\0" * 58, b"not an object" * 20],
    ids=["empty", "only the mark", "no headers", "32 bit", "text"],
)
def test_what_is_no_such_object_counts_as_staying(data, tmp_path):
    assert elf.run_paths(io.BytesIO(data)) == []
    (tmp_path / "x.so").write_bytes(data)
    assert not elf.reaches_out(str(tmp_path))


@needs_compiler
def test_a_cut_object_does_not_stop_an_install(compile_to, tmp_path):
    whole = compile_to(tmp_path / "x.so", "int x;", "-Wl,-rpath,$ORIGIN/../other").read_bytes()
    for length in (64, 65, 100, 200, len(whole) // 2, len(whole) - 1):
        assert isinstance(elf.run_paths(io.BytesIO(whole[:length])), list)


@needs_compiler
@pytest.mark.parametrize("value", [b"\x00", b"\x7f", b"\xff"])
def test_no_damage_to_the_headers_stops_an_install(compile_to, tmp_path, value):
    whole = compile_to(tmp_path / "x.so", "int x;", "-Wl,-rpath,$ORIGIN/../other")
    data = whole.read_bytes()
    for at in range(6, 600):
        whole.write_bytes(data[:at] + value + data[at + 1 :])
        assert elf.reaches_out(str(tmp_path)) in {True, False}
