"""A user's own table of conda names, as pixi and its mapping files write them: JSON, conda name to index name or null.

It does not know where the file lies, nor the tables that come with this package.
"""

from __future__ import annotations

import json
import re

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show

BYTES = 16 * 1024 * 1024
"""Largest table that is read. One of all names of a large channel has about 1.5 MiB."""

_SHAPE = 'Write {"conda-name": "index-name", "not-python": null}, or such an object for each channel.'
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._, -]*\])?")


def load_conda_names(raw: bytes, label: str) -> dict[str, str | None]:
    """Give the table in *raw*: conda name in lower case to the index's name, None for what is not Python.

    The object's values are names, or one such object for each channel. *label* is what messages call the file.

    Raises:
        SpecError: not JSON, too large, another shape, a value that is no name, or two channels that disagree.
    """
    if len(raw) > BYTES:
        raise SpecError(f"the table is larger than {BYTES // 1024**2} MiB.", where=label, hint="Keep what you use.")
    try:
        tree = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=tuple)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpecError("the table is not UTF-8.", where=f"{label}, line {line}", hint="Save it as UTF-8.") from error
    except json.JSONDecodeError as error:
        place = f"{label}, line {error.lineno}, column {error.colno}"
        raise SpecError(f"this is not JSON: {error.msg}.", where=place, hint=_SHAPE) from error
    except (RecursionError, ValueError) as error:  # ValueError: a number of too many digits
        raise SpecError("this is not a table of names.", where=label, hint=_SHAPE) from error
    found: dict[str, str | None] = {}
    for name, value in _pairs(tree, label):
        for inner, brought in _pairs(value, label) if isinstance(value, tuple) else ((name, value),):
            _keep(found, inner.strip().lower(), brought, label)
    return found


def _pairs(tree: object, label: str) -> tuple[tuple[str, object], ...]:
    """The pairs of a JSON object; objects come as tuples, so that a key that stands twice is seen."""
    if not isinstance(tree, tuple):
        raise SpecError("this is not a JSON object.", where=label, hint=_SHAPE)
    return tree


def _keep(found: dict[str, str | None], name: str, value: object, label: str) -> None:
    """Put one checked entry into *found*."""
    if isinstance(value, list):
        raise SpecError(
            f"{show(name)!r} has a list of names.",
            where=label,
            hint="Write the one name that is meant.",
            item=show(name),
        )
    if not name or not (value is None or (isinstance(value, str) and _NAME.fullmatch(value))):
        raise SpecError(
            f"the value of {show(name)!r} is not a name of the package index.",
            where=label,
            hint=_SHAPE,
            item=show(name),
        )
    text = value if isinstance(value, str) else None
    if found.get(name, text) != text:
        both = f"{show(name)!r} is both {found[name]} and {text or 'null'}."
        raise SpecError(both, where=label, hint="Keep the entry that is meant.", item=show(name))
    found[name] = text
