"""Notebooks that hold records, as a notebook program writes them, and machines that have nothing yet."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sessionpkgs import Session
from sessionpkgs.session.recorded import MIME


def executed(path: Path, *records: Mapping[str, Any]) -> str:
    """A notebook at *path* with one output for each of *records*; gives its name."""
    shown = [{"output_type": "display_data", "data": {"text/plain": "…", MIME: one}, "metadata": {}} for one in records]
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "source": "# A notebook", "metadata": {}}]
    cells += [{"cell_type": "code", "source": "", "outputs": [one], "metadata": {}} for one in shown]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))
    return path.name


class Machine:
    """A machine with an empty store of its own; *more* are environment variables."""

    def __init__(self, folder: Path, **more: str) -> None:
        self.home = folder / "home"
        self.home.mkdir(parents=True, mode=0o700)
        env = {**os.environ, "SESSIONPKGS_HOME": str(self.home), **more}
        self.session = Session(identity="elsewhere", env=env, folder=str(folder))

    def __enter__(self) -> Session:
        return self.session

    def __exit__(self, *_: object) -> None:
        self.session.close()


def brought(record: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Version and hash by name of what the session of *record* brings."""
    return {p["name"]: (p["version"], p["sha256"]) for p in record["packages"] if p["layer"] == "session"}
