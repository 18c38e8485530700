"""Text through the shell tail that a person wrote behind a command: a pipeline or a file. Nothing else is run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sessionpkgs.errors import SpecError
from sessionpkgs.process import run
from sessionpkgs.store import Store

_CANNOT = 126
_DEADLINE = 60.0


def through(text: str, tail: str, store: Store, env: Mapping[str, str], folder: str) -> str:
    """What *tail* (``| grep x``, ``> file``) makes of *text*, with *folder* as its working folder.

    Raises :class:`SpecError` where the shell cannot start it. What a filter's exit code says of its input is its own
    affair: ``grep`` without a match is no error.
    """
    with store.stage() as stage:
        source = Path(stage, "output.txt")
        source.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
        done = run(["/bin/sh", "-c", f'cat "$0" {tail}', str(source)], env=env, cwd=folder, deadline=_DEADLINE)
    if done.code >= _CANNOT or (done.code and done.stderr and not done.stdout):
        told = " ".join(done.stderr.split()).replace(str(source), "the output") or f"exit code {done.code}"
        raise SpecError(
            f"the shell could not do {tail}: {told}",
            hint="The packages are as the command left them; look at them with %session_env.",
            item=tail,
        )
    return done.stdout + (f"{done.stderr}{os.linesep}" if done.stderr else "")
