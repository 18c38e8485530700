"""What a plan changes, as the plain rows that a survey of loaded modules reads. It looks at no module."""

from __future__ import annotations

from collections.abc import Mapping

from sessionpkgs.model import Plan


def shadow_rows(todo: Plan) -> list[dict[str, str]]:
    """Distributions of base or the pool that the plan hides, as the survey reads them."""
    new = {pin.name: pin.version for pin in todo.install}
    return [{"name": d.name, "old": d.version, "new": new[d.name], "path": d.path} for d in todo.shadow]


def leaving_rows(
    current: Mapping[str, tuple[str, str]], todo: Plan, base: Mapping[str, str]
) -> dict[str, tuple[str, str, str]]:
    """Distributions of the session that go or change, with what is found under their name afterwards."""
    new = {pin.name: pin.version for pin in todo.install}
    staying = {pin.identity(todo.tag) for pin in todo.install}
    return {
        identity: (name, version, new.get(name, base.get(name, "")))
        for identity, (name, version) in current.items()
        if identity not in staying
    }
