"""The only door to other programs: one call that drains, waits with a deadline and leaves no child behind.

It does not know pip, uv or what the output means; a caller maps a bad exit to the error tree at its own border.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from sessionpkgs.errors import DeadlineError, EngineMissing

TICK = 0.2
KEEP = 1 << 20
_GRACE = 0.5
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


class Runner(Protocol):
    """Runs a program; :func:`run` is the real one."""

    def __call__(
        self, argv: Sequence[str], *, env: Mapping[str, str], cwd: str, deadline: float, tick: Callable[[], None] = ...
    ) -> Completed:
        """Give what *argv* printed and its exit code."""


def _nothing() -> None:
    """Hear a tick and do nothing."""


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str,
    deadline: float,
    tick: Callable[[], None] = _nothing,
) -> Completed:
    """Run *argv* in a session of its own, without input, and give what it printed; it dies with us.

    *env* is the whole environment, *deadline* is in seconds of wall clock, *tick* is called a few times a second.
    Both streams are drained together, so that neither can fill up and stop the child; the last MiB of each is kept.
    The whole process group is ended on the deadline, on Ctrl-C and on any other exception.

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
        out, err = _drain(child, started + deadline, tick)
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


def _drain(child: subprocess.Popen[bytes], until: float, tick: Callable[[], None]) -> tuple[str, str]:
    """Read both streams to their end; a child that is gone while a grandchild keeps a pipe open ends it too."""
    assert child.stdout is not None
    assert child.stderr is not None
    kept: dict[int, bytearray] = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray()}
    out, err = kept.values()
    with selectors.DefaultSelector() as waiting, child.stdout, child.stderr:
        for pipe in (child.stdout, child.stderr):
            waiting.register(pipe, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(TICK)
            for key, _ in ready:
                chunk = os.read(key.fd, 1 << 16)
                if not chunk:
                    waiting.unregister(key.fileobj)
                    continue
                kept[key.fd] += chunk
                del kept[key.fd][:-KEEP]
            if time.monotonic() > until:
                raise TimeoutError
            if not ready:
                if child.poll() is not None:
                    break
                tick()
    return out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


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
