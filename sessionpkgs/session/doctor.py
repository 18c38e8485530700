"""Whether everything that a session needs is there, one finding a line. It changes nothing but a trial file."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sessionpkgs import places, settings, workspace
from sessionpkgs._version import __version__
from sessionpkgs.engines import ENGINES, find, uv_config
from sessionpkgs.errors import ActivationError, PolicyError, SessionPkgsError, StoreError, clean
from sessionpkgs.overlay import pooled
from sessionpkgs.session import rules
from sessionpkgs.store import Store, generations
from sessionpkgs.store.locks import Flock

LITTLE = 1_000_000_000
"""Free bytes below which the store is said to be short of room."""


class Finding(NamedTuple):
    """One thing that was looked at: its name, whether it is fine, and what was seen."""

    name: str
    fine: bool
    text: str


def examine(env: Mapping[str, str]) -> list[Finding]:
    """Findings on interpreter, settings, store, engines and indexes; none of them asks the network."""
    checks: list[tuple[str, Callable[[Mapping[str, str]], str]]] = [
        ("python", lambda _: f"{platform.python_version()}, {sys.executable}, sessionpkgs {__version__}"),
        ("kernel", lambda _: _kernel()),
        ("settings", _settings),
        ("policy", lambda env: rules.describe(rules.explain(env))),
        ("store", _store),
        *((f"engine {name}", lambda _, name=name: _engine(name)) for name in ENGINES),
        ("indexes", _indexes),
        ("children", lambda _: _children()),
        *([("pool", lambda _: _pool())] if pooled.asked else [("pools", _pools)]),
    ]
    return [_finding(name, check, env) for name, check in checks]


def _finding(name: str, check: Callable[[Mapping[str, str]], str], env: Mapping[str, str]) -> Finding:
    """The finding of one check; a refusal of ours is a bad one."""
    try:
        return Finding(name, True, check(env))
    except SessionPkgsError as error:
        return Finding(name, False, f"{error} → {error.hint}" if error.hint else str(error))


def _kernel() -> str:
    """Versions of what notebooks run on."""
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("ipython", "ipykernel"))


def _settings(env: Mapping[str, str]) -> str:
    """What is set and where."""
    chosen = settings.load(env)
    said = [f"{name} = {getattr(chosen, name)} ({place})" for name, place in chosen.came_from]
    return clean("; ".join(said)) or f"all as they come; {places.config_file(env)} would change them"


def _store(env: Mapping[str, str]) -> str:
    """Root and free room; tries a lock and a link."""
    store = Store(places.home(env))
    store.prepare()
    with store.stage() as stage:
        with Flock(os.path.join(stage, "lock")) as lock:
            if not lock.try_acquire(exclusive=True):
                raise StoreError(f"locks do not work in {store.root}", hint="Set SESSIONPKGS_HOME to a local disk.")
        os.symlink("lock", os.path.join(stage, "link"))
    free = shutil.disk_usage(store.root).free
    if free < LITTLE:
        raise StoreError(
            f"{store.root} has only {free // 1_000_000} MB free", hint="Set SESSIONPKGS_HOME to another disk."
        )
    return f"{store.root}, {free // 1_000_000_000} GB free"


def _engine(name: str) -> str:
    """Version of an engine. Raises :class:`EngineMissing`."""
    from importlib.metadata import PackageNotFoundError, version

    find(name)
    try:
        return version(name)
    except PackageNotFoundError:
        return "there, version unknown"


def _indexes(env: Mapping[str, str]) -> str:
    """Where distributions are looked for, without logins, the first place first."""
    try:
        policy = rules.load(env)
    except PolicyError:  # its own finding says why
        raise PolicyError("none is asked while the policy cannot be used", rule="policy") from None
    known = policy.sources(settings.sources(env, settings.load(env)), uv_config.default_index())
    wheels = any(one.kind == "wheel" for one in workspace.here(env).artefacts())
    asked = [*known.indexes, *(["the engine's default index"] if known.implied else [])]
    told = [f"the workspace {workspace.place(env)}"] if wheels else []
    told += [] if known.no_index else asked
    told += [f"links in {link}" for link in known.find_links]
    said = [", then ".join(told), "no index is asked (pip's no-index is set)" if known.no_index else ""]
    return clean("; ".join(filter(None, said))) or "none"


def _pools(env: Mapping[str, str]) -> str:
    """The pools of this user, environment and machine. Raises :class:`StoreError` where one is damaged."""
    found, damaged = [], []
    for root in dict.fromkeys(places.pool_roots(env).values()):
        for name in generations.pools(root):
            try:
                found.append(f"{name} {generations.read(root, name)['number']}")
            except SessionPkgsError as error:
                damaged.append(f"{name}: {error}")
    if damaged:
        raise StoreError("; ".join(damaged), hint="`sessionpkgs pool update NAME` makes a pool anew.")
    return ", ".join(found) or "none"


def _pool() -> str:
    """The pool that this kernel was started for. Raises :class:`ActivationError` where its start went wrong."""
    told = pooled.current
    said = [f"generation {told['number']} in {told['root']}"] if told else ["not in place"]
    newest = generations.current(told["root"], told["pool"]) if told else 0
    if told and newest != told["number"]:
        said.append(
            f"{newest} is current: restart from the menu (Kernel → Restart) to get it"
            if newest
            else "it was removed since"
        )
    if told and told["staying"]:
        said.append(f"loaded before it, so base's: {', '.join(told['staying'])}")
    said += [f"{name}: {outcome}" for name, (_, outcome) in pooled.outcomes.items()]
    text = "; ".join([f"{pooled.asked}, {said[0]}", *said[1:]])
    if all(fine for fine, _ in pooled.outcomes.values()):
        return text
    raise ActivationError(text)


def _children() -> str:
    """Whether children of the kernel can be reached: ``-E`` and ``-I`` cannot."""
    return "see the session through PYTHONPATH; those started with -I, -E or -S do not"
