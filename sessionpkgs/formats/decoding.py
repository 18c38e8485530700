"""Bytes or text in, plain text out: encodings, size and characters that no declaration may hold.

It does not know what the text means.
"""

from __future__ import annotations

import codecs
import re

from sessionpkgs.errors import SpecError

BYTES = 256 * 1024
"""Largest text that is read. Real declarations stay below 30 KiB."""

LOCK_BYTES = 4 * 1024 * 1024
"""Largest lock that is read. One of 500 packages with all their wheels has about 1 MiB."""

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and halves of surrogate pairs."""

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode(text: str | bytes, *, label: str, most: int = BYTES) -> str:
    r"""Give *text*, of at most *most* bytes, with ``\n`` line ends and without byte order mark.

    Bytes are UTF-8, or what their byte order mark says (UTF-8, UTF-16): the encodings in which conda and pip read
    their files; PowerShell writes UTF-16.

    Raises:
        SpecError: too large, another encoding, or a control character in it.
    """
    limit(text, label=label, most=most)
    plain = _decoded(text, label) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    plain = plain.replace("\r\n", "\n").replace("\r", "\n")
    if bad := FORBIDDEN.search(plain):
        line = plain.count("\n", 0, bad.start()) + 1
        raise SpecError(
            f"there is a control character (U+{ord(bad[0]):04X}) in the text.",
            where=f"{label}, line {line}",
            hint="Save the text as UTF-8 and remove the character.",
        )
    return plain


def limit(text: str | bytes, *, label: str, most: int = BYTES) -> None:
    """Do nothing, unless *text* has more than *most* bytes.

    Raises:
        SpecError: it has.
    """
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > most:
        raise SpecError(
            f"the text is larger than {most // 1024} KiB.",
            where=label,
            hint="Declare what you import, not everything that is installed.",
        )


def _decoded(text: bytes, label: str) -> str:
    encoding = next((name for mark, name in _MARKS if text.startswith(mark)), "utf-8")
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"byte 0x{text[error.start]:02X} is not {encoding.removesuffix('-sig').upper()}.",
            where=f"{label}, line {line}" if encoding.startswith("utf-8") else label,
            hint="Save the text as UTF-8, or as UTF-16 with a byte order mark; it may be Latin-1 or Windows-1252 now.",
        ) from error
