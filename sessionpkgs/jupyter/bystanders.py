"""Commands in a cell that install past the session, by their words: ``!pip install``, ``%%bash`` with conda and the like.

It knows what people write and runs nothing. A command that another program starts (a script, ``xargs``) it does not see.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sessionpkgs.formats.wording import show

_COMMAND = (
    r"(?:sudo\s+(?:-\w+\s+)*)?(?:\w+=\S*\s+)*"
    r"(?:\S*python[\d.]*\s+-m\s+|\{sys\.executable\}\s+-m\s+|\$\{?\w+\}?\s+-m\s+)?"
    r"(?P<program>(?:\S*/)?(?:uv\s+)?pip[\d.]*|conda|mamba|micromamba)\s+(?:install|uninstall|remove|update)\b"
)
_BANG = re.compile(r"^\s*(?:[\w.,\s]+=\s*)?(?:!!?|%(?:sx|system)\s)(?P<shell>.*)$", re.MULTILINE)
_SHELL_CELL = re.compile(r"\s*%%(?:bash|sh|script|system|sx|!)\b")
_LINE = re.compile(rf"(?:^|[;&|])\s*(?P<all>{_COMMAND}[^\n]*)", re.MULTILINE)


def installs(cell: str) -> str:
    """The command in *cell* that installs past the session, as it is written; "" without one."""
    if _SHELL_CELL.match(cell):
        found = _LINE.search(cell)
        return _plain(found["all"]) if found else ""
    commands = (_LINE.search(bang["shell"]) for bang in _BANG.finditer(cell))
    return next((f"!{_plain(found['all'])}" for found in commands if found), "")


def _plain(command: str) -> str:
    """*command* on one line, without logins in URLs."""
    return show(command)


def instead(command: str) -> str:
    """What to write instead of *command*."""
    if re.search(r"\b(?:uninstall|remove)\b", command):
        return "a session never changes base; %pip uninstall takes out what the session brought."
    program = "%conda" if re.search(r"conda|mamba", command) else "%pip"
    return f"every kernel of it changes and nothing is recorded; {program} install brings it into this session alone."


def changes(before: Collection[str], now: Collection[str]) -> str:
    """What came and went between two looks, in words."""

    def told(names: set[str]) -> str:
        return ", ".join(sorted(name.rpartition(".")[0].replace("-", " ", 1) for name in names))

    parts = [("came", {*now} - {*before}), ("went", {*before} - {*now})]
    return "; ".join(f"{told(names)} {word}" for word, names in parts if names)
