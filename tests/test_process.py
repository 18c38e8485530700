"""The only door to other programs: it drains, it ends in time, it leaves nobody behind."""

from __future__ import annotations

import os
import select
import subprocess  # noqa: TID251 - a type
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import psutil
import pytest

from sessionpkgs import process
from sessionpkgs.errors import DeadlineError, EngineMissing
from sessionpkgs.process import KEEP, Usage, run

FAMILY = """
import os, signal, subprocess, sys
{before}
with open(sys.argv[1], "w") as fifo:
    grandchild = subprocess.Popen([sys.executable, "-c", {grandchild!r}], pass_fds=[fifo.fileno()])
    fifo.write("ready")
    fifo.flush()
    signal.pause()
"""
DEAF = "import signal; [signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM)]; "
WAIT = "import signal; signal.pause()"


@pytest.fixture
def python(tmp_path):
    """Runs Python code through the door."""
    return lambda code, *arguments, **keywords: run(
        [sys.executable, "-c", code, *arguments],
        **{"env": dict(os.environ), "cwd": str(tmp_path), "deadline": 60.0, **keywords},
    )


@pytest.fixture
def alive(tmp_path):
    """A named pipe that a whole family of processes keeps open: it ends when the last of them is gone."""
    path = tmp_path / "alive"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    yield path, reader
    os.close(reader)


def ended(reader):
    """What was written, once every writer is gone; fails where one stays."""
    said = b""
    while select.select([reader], [], [], 30.0)[0]:
        if not (chunk := os.read(reader, 100)):
            return said.decode()
        said += chunk
    raise AssertionError("somebody is still alive")


def test_both_streams_are_read_to_their_end_together(python):
    code = "import sys\nfor _ in range(300):\n sys.stdout.write('o' * 1000); sys.stderr.write('e' * 1000)"
    done = python(code)
    assert (done.code, len(done.stdout), len(done.stderr)) == (0, 300_000, 300_000)


def test_of_an_endless_stream_the_end_is_kept(python):
    done = python(f"import sys; sys.stdout.write('x' * {2 * KEEP} + 'the end')")
    assert len(done.stdout) == KEEP
    assert done.stdout.endswith("the end")


def test_an_exit_code_and_bytes_that_are_no_text_come_back(python):
    done = python("import sys; sys.stdout.buffer.write(b'caf\\xe9'); sys.exit(7)")
    assert (done.code, done.stdout) == (7, "caf\N{REPLACEMENT CHARACTER}")


def test_a_program_gets_no_input_and_only_the_environment_it_was_given(python, tmp_path):
    code = (
        "import os, sys; print(repr(sys.stdin.read()), sorted(os.environ), os.getcwd(), os.getsid(0) == os.getppid())"
    )
    done = python(code, env={"ONLY": "this", "LC_ALL": "C.UTF-8"})
    assert done.stdout.split(maxsplit=1)[0] == "''"
    assert "['LC_ALL', 'ONLY']" in done.stdout
    assert str(tmp_path) in done.stdout
    assert done.stdout.endswith("True\n")


def test_a_program_does_not_read_what_is_typed_for_us(start):
    code = (
        "import sys; from sessionpkgs.process import run\n"
        "child = [sys.executable, '-c', 'import sys; print(repr(sys.stdin.read()))']\n"
        "print(run(child, env={}, cwd='/', deadline=20).stdout, end='', flush=True)\n"
    )
    assert start(code).stdout.readline() == "''\n"


def test_files_of_a_program_are_not_writable_by_others(python, tmp_path):
    old = os.umask(0)
    try:
        python("open('made', 'w')")
    finally:
        os.umask(old)
    assert (tmp_path / "made").stat().st_mode & 0o022 == 0


def children() -> set[int]:
    """Processes below this one, zombies too."""
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("before", ["", DEAF], ids=["listening", "deaf to polite signals"])
def test_at_the_deadline_a_program_ends_with_its_children(python, alive, before):
    path, reader = alive
    before_it = children()
    with pytest.raises(DeadlineError, match="did not finish within 3 s"):
        python(FAMILY.format(before=before, grandchild=DEAF + WAIT), str(path), deadline=3.0)
    assert ended(reader) == "ready"
    assert children() == before_it


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_passes_through_and_leaves_no_child(python, alive, interrupt):
    path, reader = alive

    def tick():
        with suppress(BlockingIOError):  # the family is not complete
            if os.read(reader, 100):
                raise interrupt

    before_it = children()
    with pytest.raises(interrupt):
        python(FAMILY.format(before="", grandchild=DEAF + WAIT), str(path), tick=tick)
    assert ended(reader) == ""
    assert children() == before_it


def test_a_grandchild_that_keeps_the_stream_does_not_keep_us(python, alive):
    path, reader = alive
    code = (
        "import subprocess, sys\nwith open(sys.argv[1], 'w') as fifo:\n"
        f" print(subprocess.Popen([sys.executable, '-c', {WAIT!r}], pass_fds=[fifo.fileno()]).pid)"
    )
    done = python(code, str(path))
    os.kill(int(done.stdout), 9)
    assert ended(reader) == ""


@pytest.mark.parametrize("argv", [["/no/such/program"], [os.devnull]])
def test_a_program_that_cannot_be_started_is_named(argv, tmp_path):
    with pytest.raises(EngineMissing, match=argv[0]):
        run(argv, env={}, cwd=str(tmp_path), deadline=5)


def test_a_program_and_what_it_started_die_with_the_process_that_ran_it(
    tmp_path: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    code = """
import os, sys
from sessionpkgs.process import run
script = "sleep 300 & echo $! > pids.new; echo $$ >> pids.new; mv pids.new pids; wait"
run(["/bin/sh", "-c", script], env=os.environ, cwd=sys.argv[1], deadline=300)
"""
    child = start(code, str(tmp_path))
    pids = tmp_path / "pids"
    until = time.monotonic() + 30
    while not pids.is_file():
        assert time.monotonic() < until
        assert child.poll() is None
    found = [psutil.Process(int(pid)) for pid in pids.read_text().split()]
    child.kill()
    child.wait()
    _, alive = psutil.wait_procs(found, timeout=10)
    assert alive == []


def test_a_program_that_wants_more_memory_than_it_may_have_fails_alone(tmp_path: Path) -> None:
    code = f"x = bytearray({process.MEMORY})"
    done = run([sys.executable, "-c", code], env=os.environ, cwd=str(tmp_path), deadline=60)
    assert done.code == 1
    assert "MemoryError" in done.stderr


def test_a_program_that_writes_a_file_beyond_the_limit_fails_alone(tmp_path: Path) -> None:
    code = f"f = open('big', 'wb'); f.seek({process.FILE}); f.write(b'x'); f.flush()"
    done = run([sys.executable, "-c", code], env=os.environ, cwd=str(tmp_path), deadline=60)
    assert done.code != 0


WRITES = """
import os, sys
from pathlib import Path
target = open(sys.argv[1] + "/written.bin", "wb", 0)
target.write(bytes(5 << 20))
Path(sys.argv[1], "wrote").touch()
while not os.path.exists(sys.argv[1] + "/heard"):
    pass
"""


class Ear:
    """Hears what a program takes; the program ends when its last word was heard."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.heard, self.writing = folder, list[Usage](), ""

    def __call__(self, usage: Usage) -> None:
        complete = (self.folder / "wrote").exists()
        self.writing = usage.writing() or self.writing
        self.heard.append(usage)
        if complete and len(self.heard) > 1:
            (self.folder / "heard").touch()


def test_a_program_is_heard_with_what_it_takes_itself(tmp_path: Path) -> None:
    ear = Ear(tmp_path)
    run([sys.executable, "-c", WRITES, str(tmp_path)], env=dict(os.environ), cwd="/", deadline=60, watch=ear)
    assert 5 << 20 <= ear.heard[-1].written < 6 << 20
    assert 1 << 20 < ear.heard[-1].memory < 1 << 30
    assert ear.writing == str(tmp_path / "written.bin")


def test_what_a_watch_raises_ends_a_program_with_its_children(python, alive):
    path, reader = alive

    def watch(_: Usage) -> None:
        with suppress(BlockingIOError):
            if os.read(reader, 100):
                raise MemoryError("too much")

    before_it = children()
    with pytest.raises(MemoryError, match="too much"):
        python(FAMILY.format(before=DEAF, grandchild=DEAF + WAIT), str(path), watch=watch)
    assert ended(reader) == ""
    assert children() == before_it


def test_what_a_watch_raises_leaves_a_program_no_time(python, tmp_path):
    code = "import signal\nsignal.signal(signal.SIGINT, lambda *_: open('asked', 'w'))\nopen('ready', 'w')\nwhile True: pass"

    def watch(_: Usage) -> None:
        if (tmp_path / "ready").exists():
            raise MemoryError

    with pytest.raises(MemoryError):
        python(code, watch=watch)
    assert not (tmp_path / "asked").exists()


def test_a_program_that_is_held_goes_on_afterwards(python, tmp_path):
    held = []

    def watch(usage: Usage) -> None:
        with usage.held():
            until = time.monotonic() + 30
            while psutil.Process(usage.pids[0]).status() != psutil.STATUS_STOPPED:
                assert time.monotonic() < until
        held.append(usage)
        (tmp_path / "go").touch()

    done = python("import os\nwhile not os.path.exists('go'): pass\nprint('went on')", watch=watch)
    assert done.stdout == "went on\n"
    assert held


class Late:
    """A program that says its last word just before it is found to be gone."""

    def __init__(self) -> None:
        pipes = [os.pipe() for _ in range(2)]
        self.stdout, self.stderr = (os.fdopen(reader, "rb") for reader, _ in pipes)
        self.ends = [writer for _, writer in pipes]

    def poll(self) -> int:
        for end in self.ends:
            os.write(end, b"last word")
        self.ends = []
        return 0


def test_what_a_program_says_last_is_heard_although_a_grandchild_keeps_its_streams_open():
    child = Late()
    kept = list(child.ends)
    said = process._drain(cast("subprocess.Popen[bytes]", child), time.monotonic() + 60, lambda: None, lambda: None)
    assert said == ("last word", "last word")
    for end in kept:
        os.close(end)
