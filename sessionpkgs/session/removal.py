"""Which names can be taken out of a session, and why others cannot.

It reads Views and declarations and changes nothing. It does not know how an answer is shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from sessionpkgs.errors import NotFoundError, Protected, SpecError
from sessionpkgs.model import Spec, View
from sessionpkgs.session import closure, levels


def removable(names: Sequence[str], held: Spec, view: View) -> tuple[str, ...]:
    """*names*, normalised, that the session can take out: those that were asked for.

    Raises :class:`SpecError` where none is named or one is only what another needs, :class:`Protected` for what base
    or the pool brings, :class:`NotFoundError` for what is not there.
    """
    from packaging.utils import canonicalize_name

    wanted = tuple(dict.fromkeys(str(canonicalize_name(name)) for name in names))
    asked = {one.name for one in held.requirements}
    if not wanted:
        raise SpecError("no name was given", hint=_asked_for(asked))
    for name in wanted:
        if name not in asked:
            raise _cannot(name, asked, view, held)
    return wanted


def _cannot(name: str, asked: set[str], view: View, held: Spec) -> SpecError | Protected | NotFoundError:
    """Why *name*, which was not asked for, cannot be taken out."""
    if name not in view:
        close = difflib.get_close_matches(name, sorted(view), n=1, cutoff=0.8)
        guess = f"Did you mean {close[0]}? " if close else ""
        return NotFoundError(f"{name} is not installed", hint=guess + _asked_for(asked), item=name)
    if view[name].level != "session":
        return Protected(
            f"{name} {view[name].version} belongs to {levels.the(view[name].level)}, which a session does not change",
            hint=f"Another version for this session alone: %session_env add {name}==VERSION",
            item=name,
        )
    askers = [one for one in held.requirements if name in closure.names(view, [one])]
    why = (
        f"{', '.join(one.name for one in askers)} needs it" if askers else f"{levels.below()} would not fit without it"
    )
    hint = f"Take out what needs it: %session_env remove {askers[0].name}" if askers else _asked_for(asked)
    return SpecError(f"{name} was not asked for in this session, but {why}", hint=hint, item=name)


def _asked_for(asked: set[str]) -> str:
    """What the session asked for, as a hint."""
    return f"It asked for: {', '.join(sorted(asked)) or 'nothing'}."
