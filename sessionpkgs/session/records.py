"""Records: what an apply did, from the plan and the layer it gave. It does not know how a record is shown."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from sessionpkgs import places
from sessionpkgs.errors import clean
from sessionpkgs.formats.pylock_toml import without_login
from sessionpkgs.model import Dist, Package, Pin, Plan, Record, Spec, View
from sessionpkgs.session import levels, reopen
from sessionpkgs.settings import Sources
from sessionpkgs.workspace import pages

DEFAULT_INDEX = "default"
"""Stands among indexes for the one that an engine has of its own."""
_WORKSPACE = re.compile(rf"^file:.*/views/{pages.PREFIX}[0-9a-f]+/simple/?$")
_SECRET = re.compile(
    r"key|secret|token|pass|pwd|auth|cred|sig|cert|private|session|cookie|login|dsn|salt", re.IGNORECASE
)
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+=_-]{20,}")


def packages(plan: Plan, versions: Mapping[str, str], staying: Collection[str]) -> tuple[Package, ...]:
    """Rows for what the session brings, then for what was asked for and base or the pool already has.

    What a plan leaves as it is (*staying*, identities) is marked as kept.
    """
    base = {dist.name: dist.version for dist in plan.shadow}
    workspace = places.workspace(os.environ)
    rows = [
        Package(
            name=pin.name,
            version=pin.version or versions.get(pin.name, ""),
            base=base.get(pin.name, ""),
            state="kept" if pin.identity(plan.tag) in staying else "active",
            sha256=pin.sha256,
            url=clean(pin.url),
            commit=pin.commit,
            size=pin.size,
            requested=pin.requested,
            kind=pin.kind,
            direct=pin.direct,
            editable=pin.editable,
            origin=origin(pin, workspace),
        )
        for pin in plan.install
    ]
    return (*rows, *(_kept(dist) for dist in plan.keep))


def _kept(dist: Dist) -> Package:
    """The row of a distribution that base or the pool satisfies."""
    return Package(
        name=dist.name,
        version=dist.version,
        base=dist.version,
        layer=dist.level,
        state="kept",
        requested=True,
        origin=levels.origin(dist.name) if dist.level == "pool" else dist.level,
    )


def origin(pin: Pin, workspace: str) -> str:
    """Where the bytes of *pin* came from: ``workspace`` for a file of that folder, the host of an index, the folder of
    a find-links; for a place that was asked for that very place. Without logins and tokens.
    """
    parts = urlsplit(bare(pin.url))
    named = pin.direct or pin.kind not in ("wheel", "sdist")
    if parts.scheme not in ("", "file"):
        return parts.geturl() if named else parts.netloc.rpartition("@")[2]
    path = unquote(parts.path)
    if os.path.realpath(path).startswith(os.path.join(os.path.realpath(workspace), "artifacts", "")):
        return "workspace"
    return path if named else os.path.dirname(path)


def record(action: str, session: str, spec: Spec, plan: Plan, base: View | str, **more: Any) -> Record:
    """The record of one *action* over *base* (its View, or its fingerprint alone); *more* are fields of :class:`Record`."""
    versions: Mapping[str, str] = more.pop("versions", {})
    known: Mapping[str, Dist] = {} if isinstance(base, str) else base
    pool = levels.told({pin.name for pin in plan.install})
    return Record(
        action=action,
        session=session,
        python=platform.python_version(),
        base=base if isinstance(base, str) else base.fingerprint,
        created=reopen.now(),
        requested=tuple(clean(requirement.line) for requirement in spec.requirements),
        packages=packages(plan, versions, more.pop("staying", ())),
        dropped=tuple(f"{dist.name} {dist.version}" for dist in plan.drop),
        variables=tuple(name for name, _ in spec.variables),
        tag=plan.tag,
        distributions=tuple((name, known[name].version) for name in sorted(known)),
        values=open_values(spec.variables),
        pool=pool["pool"],
        pool_layer=pool["pool_layer"],
        pool_distributions=tuple(pool["pool_distributions"].items()),
        pool_packages=tuple(pool["pool_packages"]),
        **more,
    )


def looked(sources: Sources, spec: Spec) -> dict[str, Any]:
    """Where was looked for what *spec* asks, as fields of a :class:`Record`; *sources* is that with what is configured."""
    return {
        "indexes": asked(sources),
        "find_links": tuple(map(bare, sources.find_links)),
        "declared": bool(spec.indexes or spec.find_links or spec.no_index),
    }


def asked(sources: Sources) -> tuple[str, ...]:
    """The indexes of *sources* without logins, in order; the engine's own is called DEFAULT_INDEX.

    That of the workspace is left out: it is asked before all others wherever a declaration is read, under another name
    each time something is added.
    """
    if sources.no_index:
        return ()
    named = (url for url in sources.indexes if not _WORKSPACE.search(url))
    return (*map(bare, named), *((DEFAULT_INDEX,) if sources.implied else ()))


def bare(url: str) -> str:
    """*url* without login and tokens."""
    return clean(without_login(url))


def open_values(variables: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of *variables* whose name and value look like no secret; a doubt is enough to leave one out."""
    return tuple(
        (name, value)
        for name, value in variables
        if not _SECRET.search(name) and clean(value) == value and not _RANDOM.fullmatch(value)
    )
