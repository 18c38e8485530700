"""From what an engine chose to what would happen: install, keep, shadow, drop, and the layer's digest.

Pure: no files, no processes. It does not know whether the result is consistent (``consistency.py``) nor what is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from sessionpkgs.model import LAYOUT, Dist, Lock, Pin, Plan, Spec


def plan(lock: Lock, view: Mapping[str, Dist], *, spec: Spec, current: Iterable[Dist], tag: str, python: str) -> Plan:
    """The Plan that brings a session from *current* (its distributions now) to exactly *lock* over *view* (base).

    *tag* is the interpreter's, *python* the path that scripts will start.
    """
    pins = tuple(_requested(pin, spec) for pin in sorted(lock.pins, key=lambda pin: pin.name))
    names = {pin.name for pin in pins}
    asked = {requirement.name for requirement in spec.requirements}
    return Plan(
        install=pins,
        keep=tuple(view[name] for name in sorted(asked - names) if name in view),
        shadow=tuple(view[pin.name] for pin in pins if pin.name in view),
        drop=tuple(dist for dist in current if dist.name not in names),
        tag=tag,
        digest=digest(pins, tag, python),
        notices=(*spec.notices, *lock.notices, *_built(lock)),
    )


def _requested(pin: Pin, spec: Spec) -> Pin:
    """*pin*, marked where the declaration names it; a lock says itself which of its pins were asked for."""
    from dataclasses import replace

    if any(own.name == pin.name for own in spec.pins):
        return pin
    return replace(pin, requested=any(requirement.name == pin.name for requirement in spec.requirements))


def _built(lock: Lock) -> tuple[str, ...]:
    """A notice that build code runs, where it does."""
    if not lock.built:
        return ()
    return (f"{', '.join(lock.built)}: no wheel exists, so it is built from source and its build code runs.",)


def digest(pins: Iterable[Pin], tag: str, python: str) -> str:
    """Name of the layer for *pins*: over identities, interpreter and layout, never over the text that asked."""
    identities = sorted(pin.identity(tag) for pin in pins if not pin.mutable)
    text = "\n".join([str(LAYOUT), tag, python, *identities])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
