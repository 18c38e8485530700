"""Half-unpacked folders in uv's cache go when the uv that made them is gone, and never under one that works."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionpkgs.engines import uv_leftovers


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with something half-unpacked and something whole."""
    for name in (".tmpAbC123/evil_a", "archive-v0/whole"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "zeros.bin").write_bytes(bytes(10))
    (tmp_path / ".lock").touch()
    return tmp_path


@pytest.fixture
def other(cache: Path) -> Iterator[None]:
    """Another uv that works in the cache."""
    with (cache / ".lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def names(cache: Path) -> set[str]:
    return {path.name for path in cache.iterdir()}


def test_what_a_stopped_uv_left_is_gone(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt), uv_leftovers.swept(str(cache)):
        raise KeyboardInterrupt
    assert names(cache) == {".lock", "archive-v0"}
    assert (cache / "archive-v0" / "whole" / "zeros.bin").is_file()


def test_what_a_killed_kernel_left_goes_with_the_next_call(cache: Path) -> None:
    with uv_leftovers.swept(str(cache)):
        pass
    assert names(cache) == {".lock", "archive-v0"}


@pytest.mark.usefixtures("other")
def test_what_another_uv_works_on_stays(cache: Path) -> None:
    uv_leftovers.sweep(str(cache), patience=0.1)
    assert ".tmpAbC123" in names(cache)


def test_a_cache_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    uv_leftovers.sweep(str(tmp_path / "none"))
