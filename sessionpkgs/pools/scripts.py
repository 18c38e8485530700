"""Scripts of a pool: run once when it is made (``on-create``) and at the start of each kernel (``on-start``).

What a script says is kept, its last MiB, in a file that only its user can read. It does not know kernels, nor what a
failed script means for them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sessionpkgs import process
from sessionpkgs.errors import ActivationError, DeadlineError, clean

CREATING, STARTING = 900.0, 300.0
"""Seconds of wall clock that the two kinds may take."""
_JOINED = 'pipe=$1; shift; exec "$@" >"$pipe" 2>&1'
_SIGNAL = 128
"""What a shell adds to the number of the signal that ended a program."""
_SPELL = 0.1
"""Seconds in a row for which a script that talks without a pause is listened to."""


def on_create(script: str, told: Mapping[str, Any], *, env: Mapping[str, str], folder: str, log: str) -> None:
    """Run the *script* of the generation *told*, which makes more of it than packages. Raises as :func:`run`."""
    what = f"the on-create script of the pool {told['pool']}"
    run(script, what=what, env=surroundings(told, env), folder=folder, log=log, deadline=CREATING)


def on_start(script: str, told: Mapping[str, Any], *, env: Mapping[str, str], folder: str, log: str) -> None:
    """Run the *script* of the generation *told* for a kernel that starts. Raises as :func:`run`."""
    what = f"the on-start script of the pool {told['pool']}"
    run(script, what=what, env=surroundings(told, env), folder=folder, log=log, deadline=STARTING)


def surroundings(told: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, str]:
    """*env*, which has the pool's variables and programs, with the names of pool and generation and its Python on PATH."""
    own = os.path.dirname(told["python"])
    path = env.get("PATH", os.defpath).split(os.pathsep)
    at = next((number for number, part in enumerate(path) if part != told["activation"]["bin"]), len(path))
    return {
        **env,
        "PATH": os.pathsep.join([*path[:at], own, *path[at:]]),
        "SESSIONPKGS_POOL": str(told["pool"]),
        "SESSIONPKGS_POOL_GENERATION": str(told["number"]),
    }


def run(script: str, *, what: str, env: Mapping[str, str], folder: str, log: str, deadline: float) -> None:
    """Run the file *script* by the interpreter of its first line or else by ``sh``, and keep what it says in *log*.

    *what* names it in sentences. All that it started ends with it when *deadline* is over, and when we die. Raises
    :class:`DeadlineError`, and :class:`ActivationError` where it ends badly.
    """
    said = bytearray()
    argv = ["/bin/sh", "-c", _JOINED, "pool"]
    try:
        with _pipe(said) as (pipe, hear):
            code = process.run([*argv, pipe, *_program(script)], env=env, cwd=folder, deadline=deadline, tick=hear).code
    except DeadlineError:
        raise DeadlineError(
            f"{what} did not end within {deadline:.0f} s and was stopped{_last(said)}",
            hint=_kept(said, log),
            item=script,
        ) from None
    where = _kept(said, log)
    if code:
        raise ActivationError(f"{what} failed {_ended(code)}{_last(said)}", hint=where, item=script)


def _program(script: str) -> Sequence[str]:
    """Words that run *script*: where its folder allows no programs, the interpreter still may."""
    try:
        with open(script, "rb") as source:
            first = source.readline(256)
    except OSError as error:
        raise ActivationError(f"the script {script} cannot be read: {error.strerror}", item=script) from None
    if not first.startswith(b"#!") or not first[2:].strip():
        return ["/bin/sh", script]
    return [*os.fsdecode(first[2:]).strip().split(maxsplit=1), script]


@contextlib.contextmanager
def _pipe(said: bytearray) -> Iterator[tuple[str, Callable[[], None]]]:
    """A named pipe, and a function that hears it: the last MiB of what is written to it comes into *said*.

    Unlike what a program returns at its end, that is there for one that has to be stopped.
    """
    folder = tempfile.mkdtemp(prefix="sessionpkgs-")
    try:
        os.mkfifo(pipe := os.path.join(folder, "said"), 0o600)
        with open(os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as reader:

            def hear() -> None:
                until = time.monotonic() + _SPELL
                while time.monotonic() < until and (chunk := reader.read(1 << 16)):
                    said.extend(chunk)
                    del said[: -process.KEEP]

            try:
                yield pipe, hear
            finally:
                hear()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _text(said: bytes | bytearray) -> str:
    """What a script said, as text without secrets; a line that was written over again is a line each time."""
    return clean(bytes(said).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))


def _last(said: bytes | bytearray) -> str:
    """The end of a sentence: the last line that says something."""
    lines = [line.strip() for line in _text(said).splitlines() if line.strip()]
    return f": {lines[-1][:200]}" if lines else "; it said nothing"


def _ended(code: int) -> str:
    """How a program ended whose exit code is *code*."""
    return f"with exit code {code}" + (f" (ended by signal {code - _SIGNAL})" if code > _SIGNAL else "")


def _kept(said: bytes | bytearray, log: str) -> str:
    """Write *log*; gives the hint that names it."""
    made = f"{log}.{os.getpid()}"
    try:
        with open(
            os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(_text(said))
        os.replace(made, log)
    except OSError as error:
        return f"What it said could not be kept in {log}: {error.strerror}."
    return f"All it said is in {log}."
