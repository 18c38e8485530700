"""The formats of a declaration: one row, one file each; every one gives a Spec.

To add a format: a file with ``recognise(text) -> bool`` and ``read(text, origin) -> Spec``, and a row in ``FORMATS``.
Importing this package loads neither YAML nor packaging: a format's file is loaded when a text is read. It does not
know where texts are kept, nor what becomes of the Spec.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.decoding import BYTES, LOCK_BYTES, decode, limit
from sessionpkgs.formats.origin import Origin
from sessionpkgs.formats.wording import show

if TYPE_CHECKING:
    from sessionpkgs.model import Spec

__all__ = ["FORMATS", "Format", "Origin", "read"]


class Format(Protocol):
    """What a format's file offers."""

    def recognise(self, text: str) -> bool:
        """Say whether *text* is of this format, by its content."""

    def read(self, text: str, origin: Origin) -> Spec:
        """Give what *text* asks for; raises SpecError."""


FORMATS: dict[str, str] = {
    "pep723": "sessionpkgs.formats.pep723",
    "pylock_toml": "sessionpkgs.formats.pylock_toml",
    "environment_yml": "sessionpkgs.formats.environment_yml",
    "requirements_txt": "sessionpkgs.formats.requirements_txt",
}
"""Name of a format and the module that reads it; asked in this order, so the least particular one stands last."""

_BYTES = {"pylock_toml": LOCK_BYTES}  # what is not here may be as large as `decoding.BYTES`
_LAST = ("environment_yml", "requirements_txt")


def read(text: str | bytes, *, origin: Origin, format: str | None = None) -> Spec:  # noqa: A002
    """Give what *text* asks for, in *format* or in the one that its content shows.

    Raises:
        SpecError: no known format, or a text that its format does not allow.
    """
    plain = decode(text, label=origin.label, most=LOCK_BYTES)
    if format is not None and format not in FORMATS:
        raise SpecError(
            f"the format {show(format)!r} is not known.", where=origin.label, hint=f"Use one of: {', '.join(FORMATS)}."
        )
    name = format or _format_of(plain, origin.label)
    limit(plain, label=origin.label, most=_BYTES.get(name, BYTES))
    return _reader(name).read(plain, origin)


def _format_of(text: str, label: str) -> str:
    """Give the name of the format that *text* shows; what the file is called counts only for a ``.toml``.

    Raises:
        SpecError: there is nothing in it, or it is a file of another tool.
    """
    from sessionpkgs.formats import foreign

    foreign.refuse(text, label)
    for name in FORMATS:
        if _reader(name).recognise(text):
            return "pylock_toml" if name in _LAST and label.endswith(".toml") else name
    raise SpecError(
        "nothing is declared here: there are only blanks and comments.",
        where=label,
        hint="Write an environment.yml or requirement lines such as pandas>=2.",
    )


def _reader(name: str) -> Format:
    return cast("Format", import_module(FORMATS[name]))
