"""Files of distributions in a folder of the user's, as ``pip download`` gives them. Nothing is installed or built."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessionpkgs.engines.pip import Pip
from sessionpkgs.errors import SpecError
from sessionpkgs.session import changes, resolving, walking

if TYPE_CHECKING:
    from sessionpkgs.session import Session


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
        request = walk.request(spec)
        bare = all(one.no_deps for one in spec.requirements)
        engine = Pip()
        with resolving.naming(engine, request.sources):
            engine.download(replace(request, no_deps=bare), into, walk.room())
    files = sorted(set(os.listdir(into)) - before)
    return {"schema": 1, "action": "download", "folder": into, "files": files, "notices": list(spec.notices)}
