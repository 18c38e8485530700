"""Records: what an apply did, from the plan and the layer it gave. It does not know how a record is shown."""

from __future__ import annotations

import platform
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sessionpkgs.errors import clean
from sessionpkgs.formats.pylock_toml import without_login
from sessionpkgs.model import Dist, Package, Plan, Record, Spec, View
from sessionpkgs.session import reopen
from sessionpkgs.settings import Sources

DEFAULT_INDEX = "default"
"""Stands among indexes for the one that an engine has of its own."""
_SECRET = re.compile(
    r"key|secret|token|pass|pwd|auth|cred|sig|cert|private|session|cookie|login|dsn|salt", re.IGNORECASE
)
_RANDOM = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9+=_-]{20,}")


def packages(plan: Plan, versions: Mapping[str, str], staying: Collection[str]) -> tuple[Package, ...]:
    """Rows for what the session brings, then for what was asked for and base already has.

    What a plan leaves as it is (*staying*, identities) is marked as kept.
    """
    base = {dist.name: dist.version for dist in plan.shadow}
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
        )
        for pin in plan.install
    ]
    return (*rows, *(_kept(dist) for dist in plan.keep))


def _kept(dist: Dist) -> Package:
    """The row of a distribution that base satisfies."""
    return Package(
        name=dist.name, version=dist.version, base=dist.version, layer=dist.level, state="kept", requested=True
    )


def record(action: str, session: str, spec: Spec, plan: Plan, base: View | str, **more: Any) -> Record:
    """The record of one *action* over *base* (its View, or its fingerprint alone); *more* are fields of :class:`Record`."""
    versions: Mapping[str, str] = more.pop("versions", {})
    known: Mapping[str, Dist] = {} if isinstance(base, str) else base
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
    """The indexes of *sources* without logins, in order; the engine's own is called DEFAULT_INDEX."""
    if sources.no_index:
        return ()
    return (*map(bare, sources.indexes), *((DEFAULT_INDEX,) if sources.implied else ()))


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
