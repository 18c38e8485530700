"""What pools tell of themselves: lists, one pool, two generations compared, exports. It changes nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sessionpkgs import places
from sessionpkgs.errors import NotFoundError, SessionPkgsError, SpecError, StoreError, clean
from sessionpkgs.pools import kernelspec
from sessionpkgs.pools.wanted import Wanted
from sessionpkgs.session import records, texts
from sessionpkgs.store import generations
from sessionpkgs.store.locks import Flock

JSON = dict[str, Any]


def scope_of(name: str, env: Mapping[str, str], scope: str = "") -> str:
    """The scope that has the pool *name*. Raises :class:`NotFoundError`, and :class:`SpecError` where several have it and
    none is asked for.
    """
    generations.named(name)
    roots = places.pool_roots(env)
    found = [one for one in ([scope] if scope else roots) if generations.current(roots[one], name)]
    if len(found) > 1:
        raise SpecError(
            f"there is more than one pool {name}",
            hint=f"Say which: {' or '.join(f'--{one}' for one in found)}.",
            item=name,
        )
    if found:
        return found[0]
    known = sorted({pool for root in roots.values() for pool in generations.pools(root)})
    raise NotFoundError(
        f"there is no pool {name}", hint=f"There are: {', '.join(known) or 'none'} (sessionpkgs pool list).", item=name
    )


def listing(env: Mapping[str, str]) -> JSON:
    """All pools of all scopes, one row each; of one that cannot be read the reason."""
    rows: list[JSON] = []
    for scope, root in places.pool_roots(env).items():
        for name in generations.pools(root):
            try:
                said = generations.read(root, name)
            except SessionPkgsError as error:
                rows.append({"pool": name, "scope": scope, "root": root, "fault": str(error)})
                continue
            rows.append({
                "pool": name, "scope": scope, "root": root, "number": said["number"], "version": said["version"],
                "python": said["python"], "packages": _brings(said), "jars": len(said["jars"]), "created": said["created"],
                "kernel": os.path.isdir(kernelspec.folder(scope, name)), "used": in_use(root, name), "fault": "",
            })  # fmt: skip
    return {"schema": 1, "action": "pool list", "pools": rows}


def _brings(said: JSON) -> int:
    """How many distributions a generation brings."""
    return sum(row["layer"] == "pool" for row in said["packages"])


def in_use(root: str, name: str) -> list[int]:
    """Numbers of the generations that kernels hold now."""
    return [number for number in generations.numbers(root, name) if _held(generations.place(root, name, number))]


def _held(place: str) -> bool:
    """Whether somebody holds the generation in the folder *place*."""
    try:
        with Flock(place, folder=True) as lock:
            return not lock.try_acquire(exclusive=True)
    except StoreError:  # it went away meanwhile
        return False


def show(name: str, env: Mapping[str, str], *, scope: str = "", number: int = 0) -> JSON:
    """Everything about one pool, or of its generation *number*."""
    scope = scope_of(name, env, scope)
    root = places.pool_roots(env)[scope]
    said = generations.read(root, name, number)
    wanted = Wanted.of_dict(said["declaration"])
    return {
        "schema": 1, "action": "pool show", "scope": scope, "current": generations.current(root, name),
        "generations": generations.numbers(root, name), "used": in_use(root, name),
        "kernel": kernelspec.folder(scope, name), **_open(said, wanted),
    }  # fmt: skip


def _open(said: JSON, wanted: Wanted) -> JSON:
    """What a generation says, without values that look like secrets."""
    shown = replace(
        wanted,
        conf=_shown(wanted.conf),
        variables=_shown(wanted.variables),
        text=clean(wanted.text),
        session=clean(wanted.session),
        on_create=clean(wanted.on_create),
        on_start=clean(wanted.on_start),
    )
    variables = _shown(tuple((key, value) for key, value in said["activation"]["variables"]))
    activation = {**said["activation"], "variables": [list(pair) for pair in variables]}
    conf = dict(_shown(tuple(said["conf"].items())))
    return {**said, "activation": activation, "conf": conf, "declaration": shown.to_dict()}


def _shown(values: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """*values*, those that look like secrets as dots."""
    known = dict(records.open_values(values))
    return tuple((name, known.get(name, "…")) for name, _ in values)


def diff(name: str, env: Mapping[str, str], *, scope: str = "", old: int = 0, new: int = 0) -> JSON:
    """What differs between two generations of a pool, by default the one before the current and the current."""
    root = places.pool_roots(env)[scope_of(name, env, scope)]
    after = generations.read(root, name, new)
    earlier = [one for one in generations.numbers(root, name) if one < after["number"]]
    if not (old or earlier):
        raise NotFoundError(f"the pool {name} has no generation before {after['number']}", item=name)
    before = generations.read(root, name, old or max(earlier))
    found = changes(before, after)
    return {
        "schema": 1, "action": "pool diff", "pool": name, "before": before["number"], "after": after["number"],
        "same": not found, "changes": found,
    }  # fmt: skip


def changes(before: JSON, after: JSON, *, but: str = "") -> list[JSON]:
    """Rows for what differs between what two generations say, without those of the kind *but*."""
    was, now = _parts(before), _parts(after)
    return [
        {"kind": kind, "name": one, "before": was.get((kind, one), ""), "after": now.get((kind, one), "")}
        for kind, one in sorted({*was, *now})
        if was.get((kind, one)) != now.get((kind, one)) and kind != but
    ]


def _parts(said: JSON) -> dict[tuple[str, str], str]:
    """What a generation consists of, as text by kind and name; values that may be secret only as a mark."""
    wanted = Wanted.of_dict(said["declaration"])
    parts = {("package", row["name"]): row["version"] for row in said["packages"] if row["layer"] == "pool"}
    parts |= {("jar", jar["name"]): jar["version"] or jar["sha256"][:12] for jar in said["jars"]}
    parts |= {("conf", key): _mark(value) for key, value in said["conf"].items()}
    parts |= {("variable", key): _mark(value) for key, value in said["activation"]["variables"]}
    for name in ("session", "on_create", "on_start"):
        if text := getattr(wanted, name):
            parts["script" if name != "session" else "declaration", name] = _mark(text)
    return {**parts, ("python", "python"): f"{said['version']} {said['python']}"}


def _mark(text: str) -> str:
    """A short mark that differs where *text* does and does not tell it."""
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def export(name: str, env: Mapping[str, str], form: str, *, scope: str = "", number: int = 0) -> JSON:
    """The exact set of a pool as ``pylock``, ``requirements`` or ``environment``; no index is asked."""
    from sessionpkgs import formats
    from sessionpkgs.formats import pylock_toml, writing
    from sessionpkgs.formats.origin import Origin

    root = places.pool_roots(env)[scope_of(name, env, scope)]
    said = generations.read(root, name, number)
    path = os.path.join(generations.place(root, name, said["number"]), "pylock.toml")
    origin = Origin(label=path, folder=os.path.dirname(path), open=texts.read_file)
    pins = formats.read(texts.read_file(path), origin=origin).pins
    head = (f"The pool {name}, generation {said['number']}, for Python {said['version']}.",)
    kept = [f"{row['name']} {row['version']}" for row in said["packages"] if row["layer"] != "pool"]
    if form == "pylock":
        text = pylock_toml.write(pins, python=said["version"], requested=said["requested"], base=said["base"])
    elif form == "requirements":
        text = writing.requirements(pins, head=head)
    else:
        variables = tuple((key, value) for key, value in said["activation"]["variables"])
        text = writing.environment(pins, python=said["version"], variables=variables, head=head)
    notices = [f"Not in it, because base has them: {', '.join(kept)}."] if kept else []
    return {
        "schema": 1, "action": "export", "form": form, "file": "", "count": len(pins), "text": text, "notices": notices
    }  # fmt: skip
