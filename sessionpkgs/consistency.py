"""Whether base still fits together when a session shadows part of it.

Pure. An engine makes the new distributions fit base; that base's own distributions still fit the new ones, no engine
checks. Extras of installed distributions are not checked, as ``pip check`` does not. It does not know how to mend.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sessionpkgs.model import Dist, Pin


class Broken(NamedTuple):
    """A distribution of base that would no longer work: what it needs and what it would get."""

    dist: Dist
    needs: str
    gets: str

    def __str__(self) -> str:
        """One clause for a message."""
        return f"{self.dist.name} {self.dist.version} needs {self.needs} and would get {self.gets}"


def broken(view: Mapping[str, Dist], pins: Iterable[Pin]) -> tuple[Broken, ...]:
    """Distributions of *view* that *pins* do not replace and whose requirements *pins* break.

    What was broken before does not count.
    """
    new = {pin.name: pin for pin in pins if pin.version}
    if not new:
        return ()
    names = "|".join(re.escape(name).replace(r"\-", "[-_.]+") for name in new)
    mentions = re.compile(rf"(?:{names})(?![\w.-])", re.IGNORECASE)
    lines = [(dist, line) for dist in view.values() if dist.name not in new for line in dist.requires]
    faults = (_fault(dist, line, new, view) for dist, line in lines if mentions.match(line))
    return tuple(fault for fault in faults if fault)


def _fault(dist: Dist, line: str, new: Mapping[str, Pin], view: Mapping[str, Dist]) -> Broken | None:
    """How *line* of *dist* is broken by *new*, None where it is not."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        needed = Requirement(line)
    except InvalidRequirement:
        return None
    pin = new.get(str(canonicalize_name(needed.name)))
    if pin is None or (needed.marker is not None and not needed.marker.evaluate({"extra": ""})):
        return None
    if needed.specifier.contains(pin.version, prereleases=True):
        return None
    before = view.get(pin.name)
    if before is None or not needed.specifier.contains(before.version, prereleases=True):
        return None
    return Broken(dist, f"{needed.name}{needed.specifier}", f"{pin.name} {pin.version}")
