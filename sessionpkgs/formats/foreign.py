"""Files of other tools that are not declarations for a session: refused in one sentence that says what to do.

It knows them by signs in their text and by the name of the file; it reads none of them.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from sessionpkgs.errors import SpecError


class Foreign(NamedTuple):
    """A file of another tool: what it is, patterns that its text has all of, and what to do instead."""

    form: str
    signs: tuple[str, ...]
    hint: str


KNOWN = {
    "uv.lock": Foreign(
        "a lock of uv",
        (r"^version = \d+$", r"^\[\[package\]\]$", r"^source = \{|^requires-python = "),
        "Write it as a pylock.toml: uv export --format pylock.toml -o pylock.toml.",
    ),
    "poetry.lock": Foreign(
        "a lock of Poetry",
        (r"^\[\[package\]\]$|^package = \[\]$", r"^content-hash = "),
        "Write it as requirement lines: poetry export -o requirements.txt.",
    ),
    "pdm.lock": Foreign(
        "a lock of PDM",
        (r"^\[metadata\]$", r"^content_hash = "),
        "Write it as a pylock.toml: pdm export -f pylock -o pylock.toml.",
    ),
    "Pipfile": Foreign(
        "a Pipfile",
        (r"^\[(?:dev-)?packages\]$",),
        "Write its packages as requirement lines: pipenv requirements > requirements.txt.",
    ),
    "Pipfile.lock": Foreign(
        "a lock of Pipenv",
        (r"^\s*\{\s*$|^\{", r'"_meta"\s*:', r'"pipfile-spec"\s*:'),
        "Write it as requirement lines: pipenv requirements --hash > requirements.txt.",
    ),
    "conda-lock.yml": Foreign(
        "a lock of conda-lock",
        (r"^version: *\d", r"^metadata:$", r"^package:"),
        "Use the environment.yml that it was made from.",
    ),
    "pixi.lock": Foreign(
        "a lock of pixi",
        (r"^version: *\d", r"^environments:$", r"^packages:"),
        "Write it as an environment.yml: pixi workspace export conda-environment environment.yml.",
    ),
    "pyproject.toml": Foreign(
        "a pyproject.toml",
        (r"^\[(?:project|build-system|tool\.poetry)\]$",),
        "It describes a project: write -e FOLDER, or its dependencies as requirement lines.",
    ),
}
"""File name and form; asked in this order."""

_SCRIPT = re.compile(r"^# /// script[ \t]*$", re.MULTILINE)


def refuse(text: str, label: str) -> None:
    """Do nothing, unless *text* is a file of another tool; an inline script block (PEP 723) is never one.

    Raises:
        SpecError: one of ``KNOWN``, by its signs or by the file name in *label*.
    """
    if _SCRIPT.search(text):
        return
    file = PurePosixPath(label).name
    found = KNOWN.get(file) or next((form for form in KNOWN.values() if _has_all(form.signs, text)), None)
    if found:
        raise SpecError(f"this is {found.form}, which is not read.", where=label, hint=found.hint, item=file)


def _has_all(signs: tuple[str, ...], text: str) -> bool:
    return all(re.search(sign, text, re.MULTILINE) for sign in signs)
