"""The formats of a declaration: one row, one file each; every one gives a Spec.

To add a format: a file with ``recognise(text) -> bool`` and ``read(text, origin) -> Spec``, and a row in ``FORMATS``.
Importing this package loads neither YAML nor packaging: a format's file is loaded when a text is read. It does not
know where texts are kept, nor what becomes of the Spec.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.decoding import decode
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
    "environment_yml": "sessionpkgs.formats.environment_yml",
    "requirements_txt": "sessionpkgs.formats.requirements_txt",
}
"""Name of a format and the module that reads it; asked in this order, so the least particular one stands last."""

_NOT_READ_YET = (
    (re.compile(r"^# /// script[ \t]*$", re.MULTILINE), "an inline script block (PEP 723)"),
    (re.compile(r"^lock-version[ \t]*=", re.MULTILINE), "a pylock.toml"),
)


def read(text: str | bytes, *, origin: Origin, format: str | None = None) -> Spec:  # noqa: A002
    """Give what *text* asks for, in *format* or in the one that its content shows.

    Raises:
        SpecError: no known format, or a text that its format does not allow.
    """
    plain = decode(text, label=origin.label)
    if format is not None and format not in FORMATS:
        raise SpecError(
            f"the format {show(format)!r} is not known.", where=origin.label, hint=f"Use one of: {', '.join(FORMATS)}."
        )
    for name in (format,) if format else FORMATS:
        reader = _reader(name)
        if format or (_readable(plain, origin) and reader.recognise(plain)):
            return reader.read(plain, origin)
    raise SpecError(
        "nothing is declared here: there are only blanks and comments.",
        where=origin.label,
        hint="Write an environment.yml or requirement lines such as pandas>=2.",
    )


def _reader(name: str) -> Format:
    return cast("Format", import_module(FORMATS[name]))


def _readable(text: str, origin: Origin) -> bool:
    """Give True, or raise a SpecError when *text* has a form that has no row yet."""
    for sign, form in _NOT_READ_YET:
        if sign.search(text):
            raise SpecError(
                f"this is {form}, a form that is not read yet.",
                where=origin.label,
                hint="Write the dependencies as requirement lines.",
            )
    return True
