"""Steps that change a session bit by bit: what has to be resolved, what stays as it is, what the session then holds.

What is added is resolved over everything visible, the session's own distributions included, so that nothing moves
without need; options of one step (indexes, ``--pre``, ``--no-deps``) end with it. What is taken out needs no engine:
the metadata of what is installed says what nobody needs any more. It installs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sessionpkgs import consistency
from sessionpkgs.errors import SpecError
from sessionpkgs.model import Dist, Pin, Requirement, Spec, View
from sessionpkgs.session import closure


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step: resolve ``more``, keep ``carried``, hold ``whole`` afterwards; ``upgrade`` names take new versions,
    with ``force`` even where what is there has the newest.
    """

    more: Spec
    whole: Spec
    carried: tuple[Pin, ...] = ()
    upgrade: frozenset[str] = frozenset()
    force: bool = False


def whole(spec: Spec) -> Change:
    """The step to exactly *spec*, whatever was there."""
    return Change(more=spec, whole=spec)


def adding(
    held: Spec, pins: tuple[Pin, ...], more: Spec, *, upgrade: bool | Iterable[str] = False, force: bool = False
) -> Change:
    """Bring *more* in beside *held*, which *pins* satisfy now.

    Where *more* names no place to look, those of the declaration count. Raises :class:`SpecError` where nothing is
    asked for.
    """
    from packaging.utils import canonicalize_name

    if not more.requirements:
        raise SpecError("nothing to install was named", hint="For example: %session_env add humanize")
    names = {one.name for one in more.requirements if one.name}
    staying = held.without(names)
    elsewhere = bool(more.indexes)
    asked = replace(
        more,
        indexes=more.indexes or held.indexes,
        find_links=tuple(dict.fromkeys((*more.find_links, *held.find_links))),
        no_index=more.no_index or (held.no_index and not elsewhere),
        constraints=(*more.constraints, *held.constraints, *_standing(staying)),
    )
    after = replace(
        staying | Spec(requirements=more.requirements, pins=more.pins, files=more.files, variables=more.variables),
        notices=more.notices,
    )
    wanted = names if isinstance(upgrade, bool) else {str(canonicalize_name(name)) for name in upgrade}
    chosen = frozenset(wanted if upgrade or force else ())
    return Change(more=asked, whole=after, carried=pins, upgrade=chosen, force=force)


def removing(held: Spec, pins: tuple[Pin, ...], gone: Iterable[str], view: View, base: View) -> Change:
    """Take the requirements *gone* out, and with them what only they needed; base stays whole.

    *view* is everything visible now, *base* what is visible without the session.
    """
    after = replace(held.without(gone), notices=())
    known = {pin.name: pin for pin in pins}
    needed = closure.names(view, after.requirements) & known.keys()
    faults = consistency.broken(base, [known[name] for name in needed])
    while more := {fault.dist.name for fault in faults} & (known.keys() - needed):
        lines = tuple(Requirement(line=name, name=name) for name in (*more, *needed))
        needed |= closure.names(view, lines) & known.keys()
        faults = consistency.broken(base, [known[name] for name in needed])
    places = replace(after, requirements=(), constraints=(), pins=(), python=(), files=())
    return Change(more=places, whole=after, carried=tuple(pin for pin in pins if pin.name in needed))


def over(base: View, session: Iterable[Dist], pins: Mapping[str, Pin]) -> View:
    """*base* with the distributions of the *session* that *pins* hold before it."""
    own = [replace(dist, pin=pins[dist.name]) for dist in session if dist.name in pins]
    if not own:
        return base
    import hashlib

    parts = (base.fingerprint, *sorted(f"{dist.name}=={dist.version} {dist.path}" for dist in own))
    return View(own, base.values(), fingerprint=hashlib.sha256("\n".join(parts).encode()).hexdigest())


def _standing(held: Spec) -> tuple[Requirement, ...]:
    """What the session holds as constraints: versions that were asked for stay within what was asked."""
    return tuple(
        replace(one, line=re.sub(r"\[[^\]]*\]", "", one.line, count=1), hashes=())
        for one in held.requirements
        if " @ " not in one.line and not one.editable
    )
