"""Where a text comes from: what relative paths, variables and platform selectors in it mean.

It knows the names of platforms. It does not open files: the caller gives the function that does.
"""

# ruff: noqa: SIM905 - words in a text are read and kept in order more easily than quoted ones

from __future__ import annotations

import platform as machine_names
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SELECTORS = frozenset(
    """
    linux linux32 linux64 linux-64 linux-32 linux-aarch64 linux-ppc64le linux-s390x linux-riscv64
    osx osx64 osx-64 osx-arm64 win win32 win64 win-32 win-64 win-arm64
    unix x86 x86_64 arm64 aarch64 ppc64le s390x riscv64 emscripten wasi
    """.split()
)
"""Every name that may stand in a selector; a comment in brackets with another word in it is only a comment."""

_SYSTEMS = {"linux": "linux", "darwin": "osx", "win32": "win"}


def selectors_of(system: str, machine: str) -> frozenset[str]:
    """Selector names that are true for *system* (``sys.platform``) on *machine* (``platform.machine()``).

    The names are those of conda-build's selectors and of conda's platform folders.
    """
    kind, chip = _SYSTEMS.get(system, system), machine.lower()
    if chip in {"x86_64", "amd64"}:
        names = {"x86", "x86_64", f"{kind}64", f"{kind}-64"}
    else:
        names = {chip, f"{kind}-{'arm64' if kind != 'linux' and chip == 'aarch64' else chip}"}
    if kind in {"linux", "osx"}:
        names.add("unix")
    if chip in {"arm64", "aarch64"}:
        names |= {"arm64", "aarch64"}
    return frozenset({kind, *names})


def _here() -> frozenset[str]:
    return selectors_of(sys.platform, machine_names.machine())


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The surroundings of one text.

    ``label`` is what messages call the text (``cell`` or a file name), ``folder`` the absolute folder that relative
    paths start from, ``open`` gives the bytes of the file at an absolute path (an OSError becomes a SpecError),
    ``variables`` are the values of ``${NAME}``, ``platform`` the selector names that are true here. ``conda_names`` is the
    user's own table: conda name to the package index's name, None for what is not a Python distribution. ``without`` are normalised names that are passed over.
    """

    label: str = "cell"
    folder: str
    open: Callable[[str], bytes]
    variables: Mapping[str, str] = field(default_factory=dict)
    platform: frozenset[str] = field(default_factory=_here)
    conda_names: Mapping[str, str | None] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
