"""Entries of the lists ``allow`` and ``deny``: a name, ``*`` in it for anything, and conditions on its version.

Pure. Names are compared as indexes do (PEP 503), versions by PEP 440 with pre-releases among them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"(?P<name>[A-Za-z0-9*](?:[A-Za-z0-9*._-]*[A-Za-z0-9*])?)\s*(?P<condition>[<>=!~].*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it was written (``text``), its normalised ``pattern`` and its version ``condition``, "" for none."""

    text: str
    pattern: str
    condition: str = ""

    def names(self, name: str) -> bool:
        """Whether the normalised *name* is meant, whatever the version."""
        parts = map(re.escape, self.pattern.split("*"))
        return re.fullmatch(".*".join(parts), name) is not None

    def fits(self, name: str, version: str, *, unknown: bool) -> bool:
        """Whether *name* in *version* is meant; *unknown* is the answer where a condition meets no known version."""
        from packaging.specifiers import SpecifierSet
        from packaging.version import InvalidVersion, Version

        if not self.names(name):
            return False
        if not self.condition:
            return True
        try:
            return SpecifierSet(self.condition).contains(Version(version), prereleases=True)
        except InvalidVersion:
            return unknown


def read(text: str) -> Entry:
    """The entry that *text* writes. Raises ValueError where it is none."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    match = _ENTRY.fullmatch(text.strip())
    condition = (match["condition"] or "").strip() if match else ""
    try:
        SpecifierSet(condition)
    except InvalidSpecifier:
        match = None
    if match is None:
        raise ValueError(f"has {text!r}, which is no name with version conditions, such as torch* or requests<2.32")
    pattern = re.sub(r"\*+", "*", re.sub(r"[-_.]+", "-", match["name"]).lower())
    return Entry(text=text.strip(), pattern=pattern, condition=condition)
