"""What ``%conda`` and its kin do to a session: one function for each verb, one Session method in each.

What the words mean is parsed elsewhere. It decides nothing about packages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import SpecError
from sessionpkgs.jupyter.showing import said

if TYPE_CHECKING:
    from sessionpkgs.jupyter.conda_words import CondaCommand
    from sessionpkgs.model import Spec
    from sessionpkgs.session import Session

_CHANNELS = "--override-channels changes nothing: packages come from the package index."
_HISTORY = "--from-history and --no-builds change nothing: an export has the versions, and no builds."


def _spec(session: Session, asked: CondaCommand) -> Spec:
    """What is wanted: specifications of the line, and those of ``--file``."""
    spec = session.reading.conda(asked.specs, asked.channels)
    if asked.file:
        spec |= session.reading.file(asked.file)
    if asked.no_deps:
        spec = replace(spec, requirements=tuple(replace(one, no_deps=True) for one in spec.requirements))
    return spec


def _install(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``install`` and ``update``."""
    spec = _spec(session, asked)
    if asked.verb == "update" and asked.all:
        spec |= replace(spec, requirements=session.spec.requirements)
        if not spec.requirements:
            raise SpecError("this session holds nothing to update", hint="Base is not changed by a session.")
    act = session.ask.preview_add if asked.dry_run else session.add
    record = act(spec, label=f"%conda {asked.verb}", upgrade=asked.verb == "update", force=asked.force)
    return said(record, (*asked.notices, *([_CHANNELS] if asked.override_channels else [])))


def _from_file(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``env update``: the file beside what is there, or with ``--prune`` alone."""
    if asked.prune:
        declare = session.ask.preview if asked.dry_run else session.declare
        return said(declare(file=asked.file), asked.notices)
    add = session.ask.preview_add if asked.dry_run else session.add
    return said(add(session.reading.file(asked.file)), asked.notices)


def _remove(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``remove``, by conda's names."""
    everything = [one.name for one in session.spec.requirements] if asked.all else []
    names, absent = session.ask.present([*everything, *session.reading.index_names(asked.names)])
    if not names:
        return said({**session.status(), "action": "remove"}, (*asked.notices, *absent))
    return said(session.remove(names, plan=asked.dry_run), (*asked.notices, *absent))


def _list(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``list``, of names that match a pattern if there is one."""
    pattern = "|".join(asked.names)
    return said(session.ask.answer("list", pattern=f"^(?:{pattern})$" if asked.full_name else pattern), asked.notices)


def _export(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``env export``."""
    notices = (*asked.notices, *([_HISTORY] if asked.from_history or asked.no_builds else []))
    return said(session.ask.export("environment", file=asked.file), notices)


ACTS: dict[str, Callable[[Session, CondaCommand], dict[str, Any]]] = {
    "install": _install,
    "update": _install,
    "env update": _from_file,
    "remove": _remove,
    "list": _list,
    "env export": _export,
}
"""What to do by verb."""
