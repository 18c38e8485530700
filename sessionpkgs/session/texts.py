"""The texts of a declaration: the cell's and a file's, with where their paths count from. It does not read a format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sessionpkgs.errors import SpecError

if TYPE_CHECKING:
    from sessionpkgs.model import Spec

Text = tuple[bytes, str, str, tuple[str, ...]]
"""A text, what messages call it, the folder that its paths count from, and names in it that are passed over."""


def collect(text: str, file: str, folder: str, without: Sequence[str] = ()) -> list[Text]:
    """The texts of one declaration: the *file* first, then the cell's *text*, each if there is one."""
    found: list[Text] = []
    if file:
        path = os.path.join(folder, os.path.expanduser(file))
        try:
            found.append((read_file(path), file, os.path.dirname(path), (*without,)))
        except OSError as error:
            raise SpecError(f"{file} cannot be read: {error.strerror}", hint="Check the path.", item=file) from None
    if not file or _says_something(text):
        found.append((text.encode("utf-8", "surrogatepass"), "cell", folder, (*without,)))
    return found


def _says_something(text: str) -> bool:
    """Whether *text* has more than blanks and comments; an inline script block is made of comments."""
    return "# /// " in text or any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def read_file(path: str) -> bytes:
    """The bytes of a file that a declaration names."""
    with open(path, "rb") as source:
        return source.read()


def without_python(spec: Spec, ignored: bool) -> Spec:
    """*spec* as what follows an accepted ``--ignore-python`` builds on; unchanged where nothing was *ignored*."""
    from dataclasses import replace

    return replace(spec, python=()) if ignored else spec
