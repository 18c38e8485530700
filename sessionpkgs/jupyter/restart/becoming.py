"""One program takes the place of another in the same process: its arguments, its environment, its state, ``execve``.

It knows neither kernels nor sessions, and nothing about what the state says.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sessionpkgs.jupyter.restart.launch import Launch, launched

BOOT = str(Path(__file__).with_name("arriving.py"))
STATE, RUN = "SESSIONPKGS_RESUME", "SESSIONPKGS_RUN"


def how() -> Launch | None:
    """How this Python was started; None where that cannot be told."""
    return launched(getattr(sys, "orig_argv", ()), boot=BOOT, run=os.environ.get(RUN, ""))


def obstacle() -> str:
    """Why this program cannot be replaced, "" where it can."""
    if sys.platform == "win32":
        return "Windows gives a new process another id"
    if STATE in os.environ:
        return "what runs when Python starts asked for it, and would each time"
    if not os.access(sys.executable, os.X_OK) or not Path(BOOT).is_file():
        return "Python itself is not where it was"
    return "" if how() is not None else "how this Python was started cannot be told"


def state_file() -> Any:
    """A file without a name, in memory where the system has that: a full disk is no reason to fail."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("sessionpkgs"), "wb")
    return tempfile.TemporaryFile()


def become(file: Any, state: Mapping[str, Any], files: Sequence[int], folder: str) -> NoReturn:
    """Write *state* to *file* and replace this program by one that begins with it; *files* stay open.

    What is ``carried`` may have an ``environment`` of its own, beside the one that this process was started with.
    """
    run = how()
    assert run is not None
    file.write(json.dumps(state).encode())
    file.flush()
    for descriptor in (file.fileno(), *files):
        with contextlib.suppress(OSError):  # a lease that ended meanwhile
            os.set_inheritable(descriptor, True)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Stop during the boot must not end it
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    enter(folder)
    env = {**_at_start(), **state["carried"].get("environment", {}), STATE: str(file.fileno()), RUN: run.run}
    os.execve(sys.executable, run.through(sys.executable, BOOT), env)


def enter(folder: str) -> None:
    """Have *folder* as the working directory, or where it is gone the root."""
    try:
        os.chdir(folder)
    except OSError:
        os.chdir("/")


def _at_start() -> dict[str, str]:
    """The environment that this process was started with: what cells changed since is undone."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return dict(os.environ)
    pairs = (one.partition(b"=") for one in raw.split(b"\0") if one)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
