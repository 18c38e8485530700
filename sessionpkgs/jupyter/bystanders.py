"""Commands in a cell that install past the session, by their words: ``!pip install``, ``%%bash`` with conda and the like.

It knows what people write and runs nothing. A command that another program starts (a script, ``xargs``) it does not see.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from sessionpkgs.formats.wording import show

_COMMAND = (
    r"(?:sudo\s+(?:-\w+\s+)*)?(?:\w+=\S*\s+)*"
    r"(?:\S*python[\d.]*\s+-m\s+|\{sys\.executable\}\s+-m\s+|\$\{?\w+\}?\s+-m\s+)?"
    r"(?P<program>(?:\S*/)?(?:uv\s+)?pip[\d.]*|conda|mamba|micromamba)\s+(?:-\S+\s+)*"
    r"(?:install|uninstall|remove|update)\b"
)
_BANG = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?(?:!!?|%(?:sx|system)\s)(?P<shell>.*)$", re.MULTILINE)
_MAGIC = re.compile(r"\s*%%(?P<name>\S+)")
_SHELLS = frozenset({"bash", "sh", "script", "system", "sx", "!"})
_PYTHON = frozenset({"capture", "prun", "time", "timeit"})
_LINE = re.compile(rf"(?:^|[;&|])\s*(?P<all>{_COMMAND}(?P<words>[^\n;&|]*))", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n\s*")
_HARMLESS = frozenset({"--dry-run", "--help", "-h"})


def installs(cell: str) -> str:
    """The command in *cell* that installs past the session, as it is written; "" without one.

    One that only looks or explains (``--dry-run``, ``--help``) is none, and a cell magic that is neither a shell nor
    runs Python has no commands.
    """
    text = _CONTINUED.sub(" ", cell)
    magic = _MAGIC.match(text)
    if magic and magic["name"] in _SHELLS:
        return _first(text)
    if magic and magic["name"] not in _PYTHON:
        return ""
    return next((f"!{found}" for found in (_first(bang["shell"]) for bang in _BANG.finditer(text)) if found), "")


def _first(lines: str) -> str:
    """The first command of a shell in *lines* that changes something, with what follows on its line, without logins."""
    for found in _LINE.finditer(lines):
        if not _HARMLESS & {*found["words"].split()}:
            return show(lines[found.start("all") :].partition("\n")[0])
    return ""


def instead(command: str) -> str:
    """What *command* does, and what to write instead; what is to type stands between backquotes."""
    if re.search(r"\b(?:uninstall|remove)\b", command):
        act = "`%pip uninstall` takes out what the session brought."
    else:
        program = "%conda" if re.search(r"conda|mamba", command) else "%pip"
        act = f"`{program} install` brings it into this session alone."
    return f"changes the base environment for all its kernels, and nothing is recorded; {act}"


def changes(before: Collection[str], now: Collection[str]) -> str:
    """What was added and removed between two looks at names of metadata folders, in words."""
    added, removed = sorted({*now} - {*before}), sorted({*before} - {*now})
    parts = [(added, "added"), (removed, "removed")]
    return "; ".join(f"{_several(names)} {'were' if names[1:] else 'was'} {word}" for names, word in parts if names)


def _several(folders: Sequence[str]) -> str:
    """Names and versions of metadata *folders*, as a list in a sentence."""
    *most, last = [folder.rpartition(".")[0].replace("-", " ", 1) for folder in folders]
    return f"{', '.join(most)} and {last}" if most else last
