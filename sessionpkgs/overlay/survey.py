"""What a switch of the overlay means for modules that are loaded: fine, imported anew, or not possible now.

Plain values in and out, so that a reopened declaration needs no model. It reads RECORD and ``sys.modules`` and changes
nothing.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sessionpkgs.errors import ActivationError
from sessionpkgs.overlay import modules


class Found(NamedTuple):
    """A distribution that changes from version *old* to *new* ("" where it leaves) while *names* are loaded."""

    dist: str
    old: str
    new: str
    names: list[str]
    extensions: list[str]
    held: list[str]
    base: bool


def survey(
    shadow: Iterable[Mapping[str, str]],
    leaving: Mapping[str, tuple[str, str, str]],
    root: str,
    namespace: Mapping[str, Any],
) -> list[Found]:
    """Loaded modules of base distributions that are hidden now (*shadow*: name, old, new, path; with ``own`` of a local folder of the session's) and of session
    distributions that leave (*leaving*: identity -> name, old, new).
    """
    found = []
    for row in shadow:
        loaded = modules.loaded_from(_files(row["path"]))
        if loaded:
            base = "own" not in row
            found.append(_found(row["name"], row["old"], row["new"], loaded, namespace, base=base))
    if leaving:
        present = modules.loaded_identities(root)
        for identity, (name, old, new) in leaving.items():
            if identity in present:
                found.append(_found(name, old, new, present[identity], namespace, base=False))
    return found


def _found(
    name: str, old: str, new: str, loaded: Mapping[str, Any], namespace: Mapping[str, Any], *, base: bool
) -> Found:
    """One row of a survey."""
    held = modules.held_by(loaded, namespace)
    return Found(name, old, new, sorted(loaded), modules.extensions_in(loaded), held, base)


def _files(dist_info: str) -> set[str]:
    """Absolute paths that the RECORD of *dist_info* lists; empty without one."""
    folder = os.path.dirname(dist_info)
    try:
        with open(os.path.join(dist_info, "RECORD"), encoding="utf-8", newline="") as source:
            return {os.path.normpath(os.path.join(folder, row[0])) for row in csv.reader(source) if row}
    except OSError:
        return set()


def unreachable(shadow: Iterable[Mapping[str, str]], path: Sequence[str], at: int) -> None:
    """Refuse to hide a distribution of base that lies in *path* before position *at*, where layers go.

    Folders of PYTHONPATH stand before the standard library, and layers must not. Raises :class:`ActivationError`.
    """
    before = set(path[:at])
    for row in shadow:
        folder = os.path.dirname(row["path"])
        if folder in before:
            raise ActivationError(
                f"{row['name']} {row['old']} is in {folder}, which Python searches before the session, "
                f"so {row['new']} would not be found; nothing was changed",
                hint=f"Take the folder out of PYTHONPATH, or leave the version of {row['name']} open.",
                item=f"{row['name']}=={row['new']}",
            )


def judge(found: Iterable[Found]) -> tuple[list[str], list[str]]:
    """Base modules to import anew, and sentences for the result.

    A distribution of Python code whose objects no variable of the user holds is imported anew. Raises
    :class:`ActivationError` where C code is loaded or a variable holds the old one: the cell would not be true.
    """
    anew: list[str] = []
    said: list[str] = []
    for one in found:
        if not one.new:
            said += _leaving(one)
            continue
        if one.extensions or one.held:
            raise _refusal(one)
        if one.base:
            anew += one.names
        said.append(
            f"{one.dist} {one.old} was loaded already and is imported anew as {one.new}; "
            "code that took it before keeps the old one."
        )
    return anew, said


def _leaving(one: Found) -> list[str]:
    """What to say of a distribution that leaves while it is loaded."""
    if one.extensions:
        return [f"{one.dist} {one.old} left the session; {modules.STAYS}"]
    if one.held:
        return [f"{one.dist} {one.old} left the session; the variable {one.held[0]} still holds it."]
    return []


def _refusal(one: Found) -> ActivationError:
    """The error for a distribution that cannot change in this running Python."""
    module = one.names[0].partition(".")[0]
    why = (
        f"held by the variable {one.held[0]}"
        if one.held and not one.extensions
        else "with C code that Python cannot load twice"
    )
    return ActivationError(
        f"{one.dist} {one.old} is imported already (module {module}, {why}), so {one.new} cannot take effect; nothing was changed",
        hint=f"Add --restart (or -f): Python restarts in place and the next cells go on; or ask for {one.dist}=={one.old}, "
        "which is loaded.",
        item=f"{one.dist}=={one.new}",
    )
