"""A zip file that everybody reads alike, and the ones of which two readers see two things."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs.errors import IntegrityError, UnsafePackageError
from sessionpkgs.model import Pin
from sessionpkgs.store import caps, zips
from tests.wheelhouse import AMBIGUOUS, Wheelhouse, raw_wheel, sha256_of

FILES = {"a.py": b"x" * 1000, "b/ü.py": b"y", "empty.py": b""}


class Stream(io.RawIOBase):
    """A file that cannot be gone back in, so sizes are written behind each file."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.file.write(data)

    def close(self) -> None:
        self.file.close()
        super().close()


def fault(path: Path) -> str:
    with path.open("rb") as opened, zipfile.ZipFile(opened) as source:
        return zips.fault(opened.fileno(), source.infolist(), source.start_dir)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return tmp_path / "made.zip"


@pytest.mark.parametrize("large", [False, True], ids=["", "large"])
@pytest.mark.parametrize("stream", [False, True], ids=["", "streamed"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_an_ordinary_file_is_read_alike(made: Path, method: int, stream: bool, large: bool) -> None:
    target = Stream(made) if stream else made.open("wb")
    with target, zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("b/", b"")
        for name, content in FILES.items():
            with archive.open(name, "w", force_zip64=large) as entry:
                entry.write(content)
    assert fault(made) == ""


def test_an_empty_file_is_read_alike(made: Path) -> None:
    with zipfile.ZipFile(made, "w"):
        pass
    assert fault(made) == ""


def test_more_files_than_a_short_number_counts_are_read_alike(made: Path) -> None:
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(1 << 16):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert fault(made) == ""


def test_a_long_name_is_read_whole(made: Path) -> None:
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("n" * 2000, b"")
    assert fault(made) == ""


@pytest.mark.parametrize("change", AMBIGUOUS, ids=lambda change: change.__name__)
def test_a_file_that_two_readers_may_take_for_two_is_told(made: Path, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    made.write_bytes(change(made.read_bytes()))
    with suppress(zipfile.BadZipFile):  # the library sees it too
        assert fault(made)


@pytest.mark.parametrize("where", ["before the file", "in the list"])
def test_a_second_name_is_told(made: Path, where: str) -> None:
    other = struct.pack("<2HBL", 0x7075, 5 + 4, 1, 0) + b"b.py"
    entry = zipfile.ZipInfo("a.py")
    if where == "before the file":
        entry.extra = other
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(entry, b"x")
        entry.extra = other
    with made.open("rb") as opened, zipfile.ZipFile(opened) as source:
        assert "second name" in zips.fault(opened.fileno(), source.infolist(), source.start_dir)


@pytest.mark.parametrize("change", AMBIGUOUS, ids=lambda change: change.__name__)
def test_such_a_wheel_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    wheel = raw_wheel(tmp_path, "evil-a")
    wheel.write_bytes(change(wheel.read_bytes()))
    with pytest.raises(IntegrityError, match=r"evil_a-1\.0-py3-none-any\.whl") as caught:
        caps.inspect([Pin(name="evil-a", version="1.0", url=wheel.as_uri())])
    assert len(caught.value.sentence) <= 200


def test_another_file_than_the_one_that_was_chosen_is_refused(wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    pin = Pin(name="demo", version="1.0", url=wheel.as_uri(), sha256=sha256_of(wheel))
    caps.inspect([pin])
    wheelhouse.wheel("demo", files={"demo/__init__.py": "stolen = True\n"})
    with pytest.raises(IntegrityError, match=r"demo-1\.0-py3-none-any\.whl was changed"):
        caps.inspect([pin])


@pytest.mark.parametrize(("length", "passes"), [(caps.NAME, True), (caps.NAME + 1, False)])
def test_a_name_may_be_as_long_as_a_disk_takes_it(tmp_path: Path, length: int, passes: bool) -> None:
    pin = Pin(name="demo", version="1.0", url=raw_wheel(tmp_path, "demo", [("n" * length, "x")]).as_uri())
    _passes(pin, passes, "too long a name")


@pytest.mark.parametrize(("length", "passes"), [(caps.PATH, True), (caps.PATH + 1, False)])
def test_a_path_may_be_as_long_as_a_disk_takes_it(tmp_path: Path, length: int, passes: bool) -> None:
    path = ("d" * 99 + "/") * 20
    pin = Pin(name="demo", version="1.0", url=raw_wheel(tmp_path, "demo", [(path[: length - 1] + "x", "x")]).as_uri())
    _passes(pin, passes, "too long a name")


@pytest.mark.parametrize(("count", "passes"), [(caps.ENTRIES, True), (caps.ENTRIES + 1, False)])
def test_a_distribution_may_have_so_many_files_and_no_more(count: int, passes: bool) -> None:
    rows = {f"demo/{number}": ("", "1") for number in range(count)}
    if passes:
        caps.flood(rows, "demo", 0)
    else:
        with pytest.raises(UnsafePackageError, match="100,000 are the most"):
            caps.flood(rows, "demo", 0)


@pytest.mark.parametrize(("size", "passes"), [(caps.METADATA, True), (caps.METADATA + 1, False)])
def test_metadata_may_be_so_large_and_no_larger_when_unpacked_too(size: int, passes: bool) -> None:
    rows = {"demo-1.0.dist-info/METADATA": ("", str(size))}
    if passes:
        caps.flood(rows, "demo", 0)
    else:
        with pytest.raises(UnsafePackageError, match="8 MB of METADATA"):
            caps.flood(rows, "demo", 0)


def _passes(pin: Pin, passes: bool, said: str) -> None:
    if passes:
        caps.inspect([pin])
    else:
        with pytest.raises(UnsafePackageError, match=said):
            caps.inspect([pin])
