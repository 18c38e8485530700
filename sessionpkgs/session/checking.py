"""``check``: whether what a session sees fits together, and whether it did so before.

The rules are those of ``pip check``; extras that were asked for count too. It mends nothing.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from sessionpkgs import installed
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Dist, Level
from sessionpkgs.overlay import pooled
from sessionpkgs.session.loaded import Stale
from sessionpkgs.session.looking import SCHEMA, Seen, header
from sessionpkgs.session.needs import PLAIN, Need, needs

_NO_EXTRAS: Mapping[str, Collection[str]] = MappingProxyType({})
_SITE_NAMES = ("site-packages", "dist-packages")
Lower = Sequence[tuple[Level, Mapping[str, Dist]]]
"""What there is without the session, the lowest level first."""


class Finding(TypedDict):
    """One thing that does not fit.

    ``kind`` is ``missing`` (what it needs is not there), ``version`` (it is there in another one), ``python`` (it is not
    for this Python), ``unreadable`` (the line is no requirement) or ``twice`` (its metadata lies in ``paths``).
    With ``loaded`` the module that ``needs`` names is loaded in the version that ``has`` says.
    ``has`` is what stands where ``needs`` should, "" where nothing does. ``fault`` is ``base`` for what base alone has
    too, ``pool`` for what base and the pool have without the session.
    """

    kind: Literal["missing", "version", "python", "unreadable", "twice", "loaded"]
    dist: str
    version: str
    layer: str
    needs: str
    has: str
    fault: Level
    paths: list[str]


def check(
    view: Seen,
    below: Mapping[str, Dist],
    extras: Mapping[str, Collection[str]] = _NO_EXTRAS,
    loaded: Iterable[Stale] = (),
) -> dict[str, Any]:
    """What does not fit: ``{"schema", "action": "check", "pool", "findings": [Finding, …], "ok"}``.

    *below* is what there is without the session, *loaded* are modules that are not what the metadata says.
    *extras* are those in use, by name (:func:`sessionpkgs.session.needs.asked_extras`); without them it finds what
    ``pip check`` finds. ``ok`` is true where the session causes no finding.
    """
    lower = view.lower(below)
    findings = [
        finding for name in sorted(view) for finding in _faults(view[name], view, lower, extras.get(name, PLAIN))
    ]
    levels: tuple[Level, ...] = ("session", "pool", "base")
    for level in levels:
        findings += _twice(view.folders.get(level, ()), level)
    findings += [_stale(one) for one in loaded]
    findings.sort(key=lambda finding: finding["dist"])
    return {
        "schema": SCHEMA,
        "action": "check",
        "pool": pooled.label(),
        "findings": findings,
        "ok": all(finding["fault"] != "session" for finding in findings),
    }


def _faults(dist: Dist, view: Mapping[str, Dist], lower: Lower, extras: Collection[str]) -> Iterator[Finding]:
    """Everything that *dist* lacks."""
    wanted, unreadable = needs(dist, extras)
    for need in wanted:
        if kind := _gap(need, view):
            has = f"{need.name} {view[need.name].version}" if need.name in view else ""
            yield _finding(kind, dist, need.line, has, fault=_whose(dist, lower, need))
    for line in unreadable:
        yield _finding("unreadable", dist, show(line), "", fault=_whose(dist, lower))
    running = platform.python_version()
    asked = header(dist, "Requires-Python")
    if asked and not _fits(asked, running):
        yield _finding("python", dist, f"Python {asked}", f"Python {running}", fault=_whose(dist, lower))


def _whose(dist: Dist, lower: Lower, need: Need | None = None) -> Level:
    """The lowest level that has *dist* in that version, and with a *need* lacks it too; else the session."""
    for level, under in lower:
        before = under.get(dist.name)
        same = before is not None and before.version == dist.version
        if same and (need is None or (str(need.parsed) in _lines(under[dist.name]) and _gap(need, under))):
            return level
    return "session"


def _lines(dist: Dist) -> set[str]:
    """What *dist* needs without extras, markers included."""
    return {str(need.parsed) for need in needs(dist)[0]}


def _gap(need: Need, view: Mapping[str, Dist]) -> Literal["missing", "version", ""]:
    """How *view* does not meet *need*, "" where it does."""
    if need.name not in view:
        return "missing"
    return "" if need.parsed.specifier.contains(view[need.name].version, prereleases=True) else "version"


def _fits(asked: str, running: str) -> bool:
    """Whether this Python is one that *asked* allows; as for pip, what is no specifier allows any."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(asked).contains(running, prereleases=True)
    except InvalidSpecifier:
        return True


def _finding(
    kind: Literal["missing", "version", "python", "unreadable", "twice"],
    dist: Dist,
    needed: str,
    has: str,
    *,
    fault: Level,
    paths: Sequence[str] = (),
) -> Finding:
    """The finding of *kind* on *dist*."""
    return Finding(
        kind=kind,
        dist=dist.name,
        version=dist.version,
        layer=dist.level,
        needs=needed,
        has=has,
        fault=fault,
        paths=list(paths),
    )


def _stale(one: Stale) -> Finding:
    """The finding on a loaded module."""
    return Finding(
        kind="loaded",
        dist=one.dist,
        version=one.found,
        layer=one.level,
        needs=one.module,
        has=f"{one.dist} {one.loaded}",
        fault=one.level,
        paths=[],
    )


def _twice(folders: Sequence[str], level: Level) -> Iterator[Finding]:
    """Names whose metadata lies in *folders* more than once: what an interrupted or forced install leaves behind."""
    found: dict[str, list[Dist]] = {}
    for folder in dict.fromkeys(os.path.realpath(path) for path in folders):
        for dist in _present(folder, level):
            found.setdefault(dist.name, []).append(dist)
    for first, *others in found.values():
        if others:
            paths = [dist.path for dist in (first, *others)]
            has = ", ".join(f"{dist.name} {dist.version}" for dist in others)
            yield _finding("twice", first, "", has, fault=level, paths=paths)


def _present(folder: str, level: Level) -> Iterator[Dist]:
    """The distributions in *folder*; the egg-info that a source tree keeps of itself is none."""
    kinds = (".dist-info", ".egg-info") if os.path.basename(folder) in _SITE_NAMES else (".dist-info",)
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    for name in names:
        if name.endswith(kinds) and (dist := installed.read_dist(Path(folder, name), level)):
            yield dist
