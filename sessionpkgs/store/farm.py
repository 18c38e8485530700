"""Link farms: one folder made of links into the folders of distributions.

A name that one distribution has becomes one link; a folder that several share becomes a real folder and is merged one
level down. It does not know what the files are, apart from scripts, whose first line names an interpreter.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections.abc import Iterable, Sequence

from sessionpkgs.errors import ConflictError
from sessionpkgs.steps import step

_SHEBANG = re.compile(rb"^#!.*python[0-9.]*[ \t]*\r?\n|^#!/bin/sh\n'''exec' .*\n' '''\n")
_LONGEST_SHEBANG = 125  # what Linux took before 5.1, without "#!" and the line end
RESERVED_SCRIPTS = re.compile(
    r"^(i?python[\d.]*|pythonw|pip[\d.]*|jupyter.*|conda|mamba|micromamba|uvx?|sh|bash|dash|zsh|env|sudo|activate.*|sessionpkgs)$",
    re.IGNORECASE,
)
"""Programs that a session does not stand before on PATH: interpreters, installers, shells, the kernel's own."""


def merge(into: str, sources: Sequence[tuple[str, bool]], final: str) -> None:
    """Fill the folder *into*, which will be moved to *final*, with relative links to the entries of *sources*.

    Each source is a folder and whether it must be *spread*: real folders and one link a file, because its shared
    objects find others by a path relative to their own. Raises :class:`ConflictError` for one path with two contents.
    """
    step("layer.folder")
    os.makedirs(into, exist_ok=True)
    entries: dict[str, list[tuple[str, bool]]] = {}
    for folder, spread in sources:
        for name in os.listdir(folder):
            if name != "__pycache__":
                entries.setdefault(name, []).append((f"{folder}/{name}", spread))
    for name, found in entries.items():
        folders = [path for path, _ in found if os.path.isdir(path)]
        if folders and len(folders) < len(found):
            raise ConflictError(f"{name} is a folder in one distribution and a file in another", item=name)
        if not folders:
            _link_same([path for path, _ in found], f"{into}/{name}", final)
        elif whole := "" if any(spread for _, spread in found) else covering(folders):
            step("layer.link")
            os.symlink(os.path.relpath(whole, final), f"{into}/{name}")
        else:
            merge(f"{into}/{name}", found, f"{final}/{name}")


def covering(folders: Sequence[str]) -> str:
    """The one of *folders* that has every file of the others with the same bytes, "" where none has.

    So it is with mlflow, which ships all of mlflow-skinny and mlflow-tracing: one link instead of thousands.
    """
    if len(folders) == 1:
        return folders[0]
    trees = {folder: _tree(folder) for folder in folders}
    largest = max(folders, key=lambda folder: len(trees[folder]))
    for folder in folders:
        if folder == largest:
            continue
        if trees[folder] - trees[largest]:
            return ""
        if not all(_same(f"{folder}/{path}", f"{largest}/{path}") for path in trees[folder]):
            return ""
    return largest


def _tree(folder: str) -> set[str]:
    """Paths of the files below *folder*, bytecode aside."""
    return {
        f"{parent[len(folder) :]}/{name}".lstrip("/")
        for parent, _, names in os.walk(folder)
        if not parent.endswith("__pycache__")
        for name in names
    }


def _same(one: str, other: str) -> bool:
    """Whether two files have the same bytes; links to one file need no reading."""
    return os.path.samefile(one, other) or filecmp.cmp(one, other, shallow=False)


def _link_same(paths: list[str], target: str, final: str) -> None:
    """Link one of *paths*, which all must have the same bytes."""
    for other in paths[1:]:
        if not _same(paths[0], other):
            names = [path.partition("/dists/")[2].partition("/")[0].rsplit("-", 1)[0] for path in (paths[0], other)]
            raise ConflictError(
                f"{names[0]} and {names[1]} both bring {os.path.basename(target)}, with different contents",
                hint="They cannot be in one environment; leave one of them out.",
                item=os.path.basename(target),
            )
    os.symlink(os.path.relpath(paths[0], final), target)


def scripts(into: str, folders: Iterable[str], python: str, final: str) -> list[str]:
    """Fill *into*, to be moved to *final*, with the scripts of *folders*, set to run under *python*.

    Gives the reserved names that were left out.

    A script is copied with its first line rewritten, since a distribution's folder is shared by virtual environments
    whose interpreters have different paths; a program without such a line is linked.
    """
    left_out: list[str] = []
    for folder in folders:
        for name in sorted(os.listdir(folder)):
            if RESERVED_SCRIPTS.match(name):
                left_out.append(name)
                continue
            step("layer.script")
            os.makedirs(into, exist_ok=True)
            source, target = f"{folder}/{name}", f"{into}/{name}"
            with open(source, "rb") as opened:
                head = opened.read(4096)
                match = _SHEBANG.match(head)
                if match is None:
                    os.symlink(os.path.relpath(source, final), target)
                    continue
                with open(target, "wb") as copy:
                    copy.write(shebang(python) + head[match.end() :])
                    shutil.copyfileobj(opened, copy)
            os.chmod(target, 0o555)  # noqa: S103 - programs are there to be run
    return left_out


def shebang(python: str) -> bytes:
    """First line for a script that *python* runs; through ``sh`` where the kernel would not take the path."""
    path = os.fsencode(python)
    if b" " in path or len(path) > _LONGEST_SHEBANG:
        return b"#!/bin/sh\n'''exec' \"" + path + b'" "$0" "$@"\n\' \'\'\'\n'
    return b"#!" + path + b"\n"


def move(source: str, into: str) -> None:
    """Move what is in the folder *source* into the folder *into*, which may have other entries already."""
    step("private.move")
    os.makedirs(into, exist_ok=True)
    for name in os.listdir(source):
        if os.path.isdir(f"{source}/{name}") and os.path.isdir(f"{into}/{name}"):
            move(f"{source}/{name}", f"{into}/{name}")
        else:
            os.rename(f"{source}/{name}", f"{into}/{name}")
    os.rmdir(source)
