"""Local folders of a declaration: built into a folder of this session alone, since their content may change at any time.

What was built before and is the same is used again, so that loaded modules stay what they are. It switches nothing on.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sessionpkgs import installed
from sessionpkgs.model import Dist, Pin
from sessionpkgs.overlay import survey
from sessionpkgs.steps import step
from sessionpkgs.store import layers

if TYPE_CHECKING:
    from sessionpkgs.session.straight import Line

_SAID = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
_NOW = "the folder as it is now"


def folder(line: Line, pins: Sequence[Pin]) -> tuple[str, list[str]]:
    """The folder that holds *pins* (local folders), and sentences on modules that are imported anew.

    Raises :class:`ActivationError` where a changed one is loaded and cannot be imported anew.
    """
    private = os.path.join(line.ask.session, "private")
    old = next((os.path.dirname(site) for site in line.ask.sites if site.startswith(os.path.join(private, ""))), "")
    before = _dists(old)
    asked = {one.name for one in line.ask.change.more.requirements}
    carried = {(pin.name, pin.url) for pin in line.ask.change.carried if pin.name not in asked}
    if old and before.keys() == {pin.name for pin in pins} and carried >= {(pin.name, pin.url) for pin in pins}:
        return old, []
    made = os.path.join(line.stage, "private")
    for number, pin in enumerate(pins):
        layers.private(line.fill, pin, os.path.join(line.stage, f"private-{number}"), made)
    after = _dists(made)
    changed = [name for name in before.keys() & after.keys() if _content(before[name]) != _content(after[name])]
    if old and not changed and before.keys() == after.keys():
        return old, []
    editable = {pin.name for pin in pins if pin.editable}
    rows = [_row(before[name], after[name]) for name in sorted(changed) if name not in editable]
    _, said = survey.judge(survey.survey(rows, {}, line.store.root, line.ask.namespace))
    os.makedirs(private, mode=0o700, exist_ok=True)
    final = os.path.join(private, str(len(os.listdir(private))))
    step("private.rename")
    os.rename(made, final)
    return final, said


def _dists(place: str) -> dict[str, Dist]:
    """What lies in the private folder *place*, by name."""
    return dict(installed.scan([os.path.join(place, "site")], level="session")) if place else {}


def _content(dist: Dist) -> list[tuple[str, ...]]:
    """Path and hash of every file of *dist*, without those that tell how it was installed."""
    with Path(dist.path, "RECORD").open(encoding="utf-8", newline="") as source:
        return sorted(tuple(row[:2]) for row in csv.reader(source) if row and os.path.basename(row[0]) not in _SAID)


def _row(old: Dist, new: Dist) -> dict[str, str]:
    """One changed distribution as the survey reads it."""
    now = new.version if new.version != old.version else _NOW
    return {"name": old.name, "old": old.version, "new": now, "path": old.path, "own": "yes"}
