"""Records: what an apply did, from the plan and the layer it gave. It does not know how a record is shown."""

from __future__ import annotations

import platform
from collections.abc import Collection, Mapping
from typing import Any

from sessionpkgs.errors import clean
from sessionpkgs.model import Dist, Package, Plan, Record, Spec
from sessionpkgs.session import reopen


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


def record(action: str, session: str, spec: Spec, plan: Plan, base: str, **more: Any) -> Record:
    """The record of one *action*; *more* are fields of :class:`Record`."""
    versions: Mapping[str, str] = more.pop("versions", {})
    return Record(
        action=action,
        session=session,
        python=platform.python_version(),
        base=base,
        created=reopen.now(),
        requested=tuple(clean(requirement.line) for requirement in spec.requirements),
        packages=packages(plan, versions, more.pop("staying", ())),
        dropped=tuple(f"{dist.name} {dist.version}" for dist in plan.drop),
        variables=tuple(name for name, _ in spec.variables),
        **more,
    )
