"""The only door to other programs: one call that drains, waits with a deadline and leaves no child behind.

It does not know pip, uv or what the output means; a caller maps a bad exit to the error tree at its own border. It tells
who wants to know what a program takes, and does not know how much is too much.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, Protocol

from sessionpkgs.errors import DeadlineError, EngineMissing

TICK = 0.2
KEEP = 1 << 20
_GRACE = 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")
MEMORY = 32 << 30
"""Bytes of address space that a program may have."""
FILE = 8 << 30
"""Bytes that one file which it writes may have."""
_FENCE = """\
ulimit -v "$1" 2>/dev/null
ulimit -f "$2" 2>/dev/null
shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
( read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 &
watch=$!
wait "$program"
code=$?
kill -KILL "$watch" 2>/dev/null
exit "$code"
"""
# The pipe on its input closes when we die, however that happens: then the whole group is killed. A millisecond a call.


class Completed(NamedTuple):
    """A program that ended: exit *code*, the last MiB of each stream, *seconds* of wall clock."""

    code: int
    stdout: str
    stderr: str
    seconds: float


class Usage(NamedTuple):
    """What a running program has *written* and the *memory* that it holds now, in bytes; *pids* are its processes.

    What the program itself starts (a compiler, a version control) does not count as long as it runs; what it has written
    counts when it has ended.
    """

    written: int
    memory: int
    pids: tuple[int, ...]

    def writing(self) -> str:
        """Path of the largest file that is open for writing now, "" where there is none."""
        found: list[tuple[int, str]] = []
        for pid in self.pids:
            with contextlib.suppress(OSError):
                for place in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if place.is_file() and place.lstat().st_mode & stat.S_IWUSR:
                            found.append((place.stat().st_size, str(place.readlink())))
        return max(found, default=(0, ""))[1]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """A block during which the program stands still."""
        self._send(signal.SIGSTOP)
        try:
            yield
        finally:
            self._send(signal.SIGCONT)

    def _send(self, signum: signal.Signals) -> None:
        """Send *signum* to each process."""
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signum)


class Runner(Protocol):
    """Runs a program; :func:`run` is the real one."""

    def __call__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, deadline: float, tick: Callable[[], None] = ...
    ) -> Completed:
        """Give what *argv* printed and its exit code."""


def _nothing() -> None:
    """Hear a tick and do nothing."""


class Timed:
    """A *runner* whose programs, however many an engine starts, all end in the time that is *left*.

    That is a function from the seconds that one may take to those that it has; what it raises where there are none is
    raised here, also where a program was stopped because they were over.
    """

    def __init__(self, runner: Runner, left: Callable[[float], float]) -> None:
        self._runner, self._left = runner, left

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        deadline: float,
        tick: Callable[[], None] = _nothing,
    ) -> Completed:
        """What *argv* printed. Raises what the time raises, and as the runner does."""
        try:
            return self._runner(argv, env=env, cwd=cwd, deadline=self._left(deadline), tick=tick)
        except DeadlineError:
            self._left(deadline)
            raise


def become(argv: Sequence[str]) -> NoReturn:
    """Let the program *argv* take this one's place, with what it was asked still to do."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(argv[0], list(argv))  # noqa: S606 - the one door


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str,
    deadline: float,
    tick: Callable[[], None] = _nothing,
    watch: Callable[[Usage], None] | None = None,
) -> Completed:
    """Run *argv* in a session of its own, without input, and give what it printed; it dies with us.

    *env* is the whole environment, *deadline* is in seconds of wall clock, *tick* is called a few times a second.
    Both streams are drained together, so that neither can fill up and stop the child; the last MiB of each is kept.
    The whole process group is ended on the deadline, on Ctrl-C and on any other exception. *watch* hears as often what
    the program takes, where the system tells it; what *watch* raises kills the group at once and is raised here.

    Raises :class:`DeadlineError` and, where the program cannot be started, :class:`EngineMissing`.
    """
    started = time.monotonic()
    program = shutil.which(argv[0], path=env.get("PATH", os.defpath))
    if program is None:
        raise EngineMissing(f"{argv[0]} cannot be started: there is no such program", item=argv[0])
    limits = (str(MEMORY >> 10), str(FILE >> 9))
    try:
        child = subprocess.Popen(
            ["/bin/sh", "-c", _FENCE if "PWD" in env else f"unset PWD\n{_FENCE}", "fence", *limits, program, *argv[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            umask=0o022,
        )
    except OSError as error:
        raise EngineMissing(f"{argv[0]} cannot be started: {error.strerror}", item=argv[0]) from None
    try:
        out, err = _drain(child, started + deadline, tick, _looking(child.pid, watch))
        code = child.wait(max(0.0, started + deadline - time.monotonic()))
    except (subprocess.TimeoutExpired, TimeoutError):
        _end(child)
        name = os.path.basename(argv[0])  # noqa: PTH119 - a program name, not a path of ours
        raise DeadlineError(
            f"{name} did not finish within {deadline:.0f} s and was stopped",
            hint="Try again, or raise the setting `deadline` (SESSIONPKGS_DEADLINE, in seconds).",
            item=name,
        ) from None
    except BaseException:
        _end(child)
        raise
    finally:
        if child.stdin is not None:
            child.stdin.close()
    return Completed(code, out, err, time.monotonic() - started)


def _drain(
    child: subprocess.Popen[bytes],
    until: float,
    tick: Callable[[], None],
    look: Callable[[], None],
) -> tuple[str, str]:
    """Read both streams to their end; a child that is gone while a grandchild keeps a pipe open ends it too."""
    assert child.stdout is not None
    assert child.stderr is not None
    kept: dict[int, bytearray] = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
    out, err = kept.values()
    with selectors.DefaultSelector() as waiting, child.stdout, child.stderr:
        for pipe in (child.stdout, child.stderr):
            waiting.register(pipe, selectors.EVENT_READ)
        gone = False
        while waiting.get_map():
            ready = waiting.select(0.0 if gone else TICK)
            for key, _ in ready:
                if not _take(key.fd, kept[key.fd]):
                    waiting.unregister(key.fileobj)
            if time.monotonic() > until:
                raise TimeoutError
            look()
            if not ready:
                if gone:
                    break
                gone = child.poll() is not None  # what it said last may have come after the look at the pipes
                tick()
    return out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def _take(fd: int, kept: bytearray) -> bool:
    """Read what is there into *kept*, of which the end stays; False at the end of the stream."""
    chunk = os.read(fd, 1 << 16)
    kept += chunk
    del kept[:-KEEP]
    return bool(chunk)


def _looking(fence: int, watch: Callable[[Usage], None] | None) -> Callable[[], None]:
    """A function that tells *watch* what the program below *fence* takes, a few times a second however often it is called.

    Where *watch* raises, the group is killed.
    """
    if watch is None:
        return _nothing
    looked = time.monotonic()

    def look() -> None:
        nonlocal looked
        if time.monotonic() - looked < TICK or (usage := _usage(fence)) is None:
            return
        try:
            watch(usage)
        except BaseException:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(fence, signal.SIGKILL)
            raise
        looked = time.monotonic()

    return look


def _usage(fence: int) -> Usage | None:
    """What the program below *fence* takes; None where the system does not tell it. The last child is the watcher."""
    written, memory = 0, 0
    try:
        children = Path(f"/proc/{fence}/task/{fence}/children").read_text(encoding="ascii")
        pids = tuple(map(int, children.split()))[:-1]
        for pid in pids:
            told = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
            memory = max(memory, int(told[1]) * _PAGE)
            lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
            written += next(int(line[6:]) for line in lines if line.startswith("wchar:"))
    except (OSError, ValueError, IndexError, StopIteration):  # no such file system, or it ended a moment ago
        return None
    return Usage(written, memory, pids)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child's whole group: interrupt, terminate, kill, half a second each; then reap it."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signum)
        try:
            child.wait(_GRACE)
            break
        except subprocess.TimeoutExpired:
            continue
        except KeyboardInterrupt:
            continue
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
