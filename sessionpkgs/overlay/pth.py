"""What the ``.pth`` files of a folder say, without running them.

Path lines and editable finders count; any other import line would run code at activation, so it is listed instead.
Source: the documentation of the ``site`` module; PEP 660.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_FINDER = re.compile(r"^import (__editable___\w+_finder); ?\1\.install\(\)\s*$")
_HARMLESS = ("-nspkg.pth", "distutils-precedence.pth")


class Lines(NamedTuple):
    """Folders that path lines name, editable finder modules, and files with lines that are not run."""

    paths: list[str]
    finders: list[str]
    skipped: list[str]


def read(site: str) -> Lines:
    """The lines of every ``.pth`` in *site*.

    ``*-nspkg.pth`` is passed over: those wheels carry no ``__init__``, so plain namespace packages (PEP 420) do.
    """
    found = Lines([], [], [])
    for name in sorted(name for name in os.listdir(site) if name.endswith(".pth")):
        with open(os.path.join(site, name), encoding="utf-8-sig", errors="replace") as source:
            lines = [line.strip() for line in source]
        for line in lines:
            if not line or line.startswith("#"):
                continue
            if match := _FINDER.match(line):
                found.finders.append(match.group(1))
            elif line.startswith(("import ", "import\t")):
                if not name.endswith(_HARMLESS) and name not in found.skipped:
                    found.skipped.append(name)
            elif os.path.isdir(folder := os.path.normpath(os.path.join(site, line))) and folder not in found.paths:
                found.paths.append(folder)
    return found
