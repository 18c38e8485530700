"""Files of distributions in a folder of the user's, as ``pip download`` gives them. Nothing is installed or built."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessionpkgs.engines import Request
from sessionpkgs.engines.pip import Pip
from sessionpkgs.errors import SpecError
from sessionpkgs.model import Requirement, Spec, View
from sessionpkgs.session import changes, resolving, ruling, walking

if TYPE_CHECKING:
    from sessionpkgs.session import Session
    from sessionpkgs.session.straight import Line


def download(session: Session, lines: Sequence[str], folder: str) -> dict[str, Any]:
    """Bring files for the requirement *lines* into *folder*, by default the current one.

    Raises :class:`SpecError` where nothing is named, or the engine's refusal.
    """
    session.life.open()
    spec = session.read("\n".join(lines) + "\n", label="download", form="requirements_txt")
    if not spec.requirements:
        raise SpecError("nothing to download was named", hint="For example: %pip download humanize -d wheels")
    into = os.path.join(session.place(), os.path.expanduser(folder)) if folder else session.place()
    os.makedirs(into, exist_ok=True)
    before = set(os.listdir(into))
    with walking.line(session, changes.whole(spec)) as walk:
        request = replace(walk.request(spec), no_deps=all(one.no_deps for one in spec.requirements))
        if walk.policy:
            request = _judged(walk, spec, request)
        engine = Pip()
        with resolving.naming(engine, request.sources):
            engine.download(request, into, walk.room())
    files = sorted(set(os.listdir(into)) - before)
    return {"schema": 1, "action": "download", "folder": into, "files": files, "notices": list(spec.notices)}


def _judged(walk: Line, spec: Spec, request: Request) -> Request:
    """*request* for exactly what it leads to over nothing, after the policy judged that. Raises :class:`PolicyError`."""
    ruling.declared(walk, spec)
    with resolving.naming(walk.engine, request.sources):
        lock = walk.engine.resolve(replace(request, view=View()), walk.room())
    ruling.chosen(walk, spec, lock)
    ruling.fetched(walk, lock.pins)
    asked = {one.name: one for one in spec.requirements}
    exactly = tuple(
        asked[pin.name]
        if pin.direct and pin.name in asked
        else Requirement(line=f"{pin.name}=={pin.version}", name=pin.name)
        for pin in lock.pins
    )
    return replace(request, requirements=exactly, constraints=(), no_deps=True)
