"""What an engine may take while it works: a small program plays the engine and writes where nothing is kept."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil
import pytest

from sessionpkgs.errors import UnsafePackageError
from sessionpkgs.model import Pin
from sessionpkgs.process import Completed, Usage
from sessionpkgs.store import bounds, caps
from sessionpkgs.store.bounds import Bounded

URL = "https://example.org/evil_a-1.0-py3-none-any.whl"
MOST = 2 * caps.LARGE
FOREVER = "sink = open('/dev/null', 'wb', 0)\nwhile True:\n    sink.write(bytes(1 << 20))\n"
Play = Callable[..., Completed]


def pin(**told: object) -> Pin:
    return Pin(**{"name": "evil-a", "version": "1.0", "url": URL, **told})  # type: ignore[arg-type]


def wrote(amount: int) -> Usage:
    return Usage(written=amount, memory=0, pids=())


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Plays an engine that installs some pins: Python code."""

    def run(runner: Bounded, code: str) -> Completed:
        return runner([sys.executable, "-c", code], env=dict(os.environ), cwd=str(tmp_path), deadline=120.0)

    return run


class Servers:
    """Tells sizes when the program stands still, and notes what was asked."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self.known, self.asked = known, list[list[str]]()
        self.stopped = list[psutil.Process]()

    def __call__(self, urls: Iterable[str]) -> Mapping[str, int]:
        self.asked.append(list(urls))
        for fence in children(os.getpid()):
            self.stopped += [psutil.Process(program) for program in children(fence)[:1]]
        until = time.monotonic() + 30
        while not all(one.status() == psutil.STATUS_STOPPED for one in self.stopped):
            assert time.monotonic() < until
        return self.known


def children(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split())]


def test_a_program_that_writes_more_than_its_wheels_may_is_stopped(play: Play) -> None:
    with pytest.raises(UnsafePackageError, match=r"evil-a unpacks to more than 512 MB, and the install was stopped"):
        play(Bounded([pin(size=1000)]), FOREVER)


def test_the_file_that_was_being_written_is_named(play: Play, tmp_path: Path) -> None:
    (tmp_path / "evil_a").mkdir()
    code = f"target = open('evil_a/zeros.bin', 'wb'); target.write(b'some'); target.flush()\n{FOREVER}"
    with pytest.raises(UnsafePackageError, match=r"\(at evil_a/zeros\.bin\)$"):
        play(Bounded([pin(size=1000)]), code)


def test_a_program_stands_still_while_its_wheels_are_measured(play: Play) -> None:
    servers = Servers({URL: 1000})
    with pytest.raises(UnsafePackageError):
        play(Bounded([pin()], servers), FOREVER)
    assert servers.asked == [[URL]]
    assert len(servers.stopped) == 1


@pytest.mark.parametrize("pins", [[], [pin(size=1000)]], ids=["reading", "unpacking"])
def test_an_engine_that_fills_the_memory_is_stopped(play: Play, pins: list[Pin]) -> None:
    code = f"import signal; held = b'x' * {bounds.MEMORY + (32 << 20)}; signal.pause()"
    with pytest.raises(UnsafePackageError, match="more than 1,024 MB of memory"):
        play(Bounded(pins), code)


@pytest.mark.parametrize(
    ("sizes", "most"),
    [
        pytest.param([1000], MOST, id="a small one"),
        pytest.param([1000] * 500, MOST, id="many small ones"),
        pytest.param([800 << 20, 700 << 20], 30 << 30, id="large ones"),
    ],
)
def test_wheels_may_unpack_to_many_times_their_size_together(sizes: list[int], most: int) -> None:
    bounded = Bounded([pin(url=f"{URL}{number}", size=size) for number, size in enumerate(sizes)])
    bounded.judge(wrote(most))
    with pytest.raises(UnsafePackageError):
        bounded.judge(wrote(3 * most))


def test_a_wheel_that_is_a_file_has_the_size_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a wheel.whl"
    file.touch()
    os.truncate(file, MOST)
    Bounded([pin(url=file.as_uri())]).judge(wrote(20 * MOST))


def test_only_a_size_that_no_index_told_is_asked_for_and_only_once(tmp_path: Path) -> None:
    servers = Servers({URL: MOST})
    bounded = Bounded([pin(), pin(name="known-a", url="https://example.org/known", size=1)], servers)
    for amount in (1, MOST, 2 * MOST, 3 * MOST):
        bounded.judge(wrote(amount))
    assert servers.asked == [[URL]]


def test_nobody_is_asked_for_sizes_of_small_wheels() -> None:
    servers = Servers({})
    Bounded([pin()], servers).judge(wrote(MOST))
    assert servers.asked == []


@pytest.mark.parametrize("kind", ["sdist", "vcs", "directory"])
def test_what_is_built_may_write_what_compilers_need(kind: str) -> None:
    Bounded([pin(kind=kind, size=1000), pin(size=1000)]).judge(wrote(caps.WHOLE))


def test_a_wheel_of_unknown_size_may_be_as_large_as_any() -> None:
    bounded = Bounded([pin()], Servers({}))
    bounded.judge(wrote(MOST + bounds.UNTOLD))
    with pytest.raises(UnsafePackageError):
        bounded.judge(wrote(MOST + bounds.UNTOLD + 1))


def test_reading_may_write_what_downloads_need() -> None:
    Bounded().judge(wrote(caps.WHOLE))


def test_of_several_distributions_the_sentence_stays_short() -> None:
    bounded = Bounded([pin(name=f"evil-{number}", url=f"{URL}{number}", size=1) for number in range(300)])
    with pytest.raises(UnsafePackageError, match="one of 300 distributions unpacks to more than 512 MB") as caught:
        bounded.judge(wrote(2 * MOST))
    assert len(caught.value.sentence) <= 200
