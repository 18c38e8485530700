"""Building a layer: fill what the store lacks, verify, publish each distribution, link them together, rename once.

It does not choose anything: the plan names every distribution and the digest under which the layer will be found.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import clean
from sessionpkgs.formats import pylock_toml, wording
from sessionpkgs.model import LAYOUT, Layer, Pin, Plan
from sessionpkgs.places import boot_id
from sessionpkgs.steps import step
from sessionpkgs.store import caps, disk, elf, farm, folding, ingest, origins, splitting
from sessionpkgs.store.locks import Flock

if TYPE_CHECKING:
    from sessionpkgs.store import Store

COLLECTING = "collect"
"""Name of the lock that builders share and that the sweep of distributions holds alone."""
_WAIT = 60.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_TOLD = ("name", "version", "boot", "spread", "hidden")

Fill = Callable[[tuple[Pin, ...], str], None]


def read(store: Store, digest: str) -> Layer | None:
    """The layer *digest*, None where it is not there or not sound."""
    told = manifest(store, digest)
    if told is None or not store.sound(digest):
        return None
    return Layer(
        digest=digest, path=store.path("layers", digest), dists=tuple(told["dists"]), notices=tuple(told["notices"])
    )


def manifest(store: Store, digest: str) -> dict[str, Any] | None:
    """What layer.json says, None where there is none that can be read.

    Raises OSError where this process can open no more files: that says nothing about the layer.
    """
    try:
        with open(store.path("layers", digest, "layer.json"), encoding="utf-8") as source:
            told = json.load(source)
    except OSError as error:
        if error.errno in _EXHAUSTED:
            raise
        return None
    except ValueError:
        return None
    whole = isinstance(told, dict) and all(isinstance(told.get(key), list) for key in ("dists", "notices"))
    return told if whole else None


def members(store: Store, digest: str) -> set[str]:
    """Identities of the distributions that the layer *digest* links to, from its links where layer.json is torn."""
    told = manifest(store, digest)
    if told is not None:
        return set(told["dists"])
    found: set[str] = set()
    for folder, folders, files in os.walk(store.path("layers", digest)):
        for path in (os.path.join(folder, name) for name in (*folders, *files)):
            parts = os.readlink(path).split("/") if os.path.islink(path) else []
            found.update(parts[parts.index("dists") + 1 :][:1] if "dists" in parts else [])
    return found


def fault(store: Store, digest: str) -> str:
    """What is wrong with the links of the layer *digest* or with what it says of itself, "" where nothing is."""
    told = manifest(store, digest)
    if told is None:
        return "layer.json cannot be read"
    site = store.path("layers", digest, "site")
    wanted = {top for one in told["dists"] for top in _tops(store.path("dists", one, "site"))}
    for top in sorted(wanted ^ _tops(site)):
        return f"site/{top} {'was added' if top not in wanted else 'is gone'}"
    lost = sorted(top for top in wanted if not os.path.exists(f"{site}/{top}"))
    return f"site/{lost[0]} leads nowhere" if lost else ""


def _tops(site: str) -> set[str]:
    """Entries of a site folder, bytecode aside; none where there is no such folder."""
    try:
        return {*os.listdir(site)} - {"__pycache__"}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def recheck(store: Store, digest: str) -> bool:
    """Verify every distribution of the layer *digest* again; False where one was bad or the layer cannot be read."""
    layer = manifest(store, digest)
    if layer is None:
        return False
    bad = [identity for identity in layer["dists"] if damage(store, identity)]
    for part, name in [("dists", identity) for identity in bad] + ([("layers", digest)] if bad else []):
        discard(store, part, name)
    return not bad


def damage(store: Store, identity: str) -> str:
    """What is wrong with the distribution *identity*, "" where nothing is; two looks must agree.

    Raises OSError where this process can open no more files: that says nothing about the distribution.
    """
    home = store.path("dists", identity)
    if not ingest.fault(home):
        return ""
    os.close(os.open(store.path("dists"), os.O_RDONLY | os.O_DIRECTORY))
    return ingest.fault(home)


def discard(store: Store, part: str, name: str) -> None:
    """Move something out of its place, to the trash; gone already is fine."""
    with contextlib.suppress(FileNotFoundError):
        step(f"{part}.discard")
        os.rename(store.path(part, name), store.path("trash", f"{name}-{secrets.token_hex(4)}"))


def build(store: Store, plan: Plan, fill: Fill, *, python: str, stage: str) -> Layer:
    """Make the layer of *plan*. Everything happens in *stage* until the last rename; nothing is collected meanwhile."""
    with Flock(store.path("locks", COLLECTING)) as building:
        step("build.lock")
        building.acquire(exclusive=False, deadline=_WAIT)
        return _build(store, plan, fill, python=python, stage=stage)


def _build(store: Store, plan: Plan, fill: Fill, *, python: str, stage: str) -> Layer:
    """The same, while the lock is held."""
    pins = {pin.identity(plan.tag): pin for pin in plan.install}
    missing = {name: pin for name, pin in pins.items() if not _have(store, name)}
    for number, group in enumerate(groups(missing.values())):
        publish(store, group, plan.tag, fill, os.path.join(stage, f"site-{number}"), stage)
    made = os.path.join(stage, "layer")
    final = store.path("layers", plan.digest)
    notices = link(store, sorted(pins), made, python=python, final=final)
    _describe(made, plan, sorted(pins), notices)
    discard(store, "layers", plan.digest)
    step("layer.rename")
    os.rename(made, final)
    step("layer.renamed")
    _sync(store.path("layers"))
    step("layer.synced")
    store.vouch(plan.digest)
    return Layer(digest=plan.digest, path=final, dists=tuple(sorted(pins)), notices=tuple(notices))


def _have(store: Store, identity: str) -> bool:
    """Whether the distribution *identity* is there and, if it is older than this boot, still what its RECORD says."""
    told = _known(store, identity)
    if told is None:
        return False
    if told.get("boot") == boot_id() or (told and not damage(store, identity)):
        return True
    discard(store, "dists", identity)
    return False


def _known(store: Store, identity: str) -> dict[str, Any] | None:
    """What the store knows of *identity*: None where it is not there, empty where it cannot be read.

    One that appears between two looks was published by another session a moment ago, and is as good as ours.
    """
    try:
        return describe(store, identity)
    except FileNotFoundError:
        if not os.path.isdir(store.path("dists", identity)):
            return None
    except (OSError, ValueError):
        return {}
    try:
        return describe(store, identity)
    except (OSError, ValueError):
        return {}


def groups(pins: Iterable[Pin]) -> list[tuple[Pin, ...]]:
    """Pins that one engine call may install together: all that have a hash, and each of the others alone."""
    every = list(pins)
    hashed = tuple(pin for pin in every if pin.sha256)
    return [*([hashed] if hashed else []), *((pin,) for pin in every if not pin.sha256)]


def publish(store: Store, pins: tuple[Pin, ...], tag: str, fill: Fill, site: str, stage: str) -> None:
    """Fill *site* with *pins*, verify it and move each distribution into the store."""
    caps.inspect(pins)
    with disk(store.root, needs=sum(pin.size for pin in pins)):
        step("dist.fill")
        fill(pins, site)
        step("dist.filled")
        origins.forget(site)
        staged = ingest.verify(site, pins)
        step("dist.verified")
    named = {pin.name: pin for pin in pins}
    made = {dist.name: os.path.join(stage, "dists", named[dist.name].identity(tag)) for dist in staged}
    splitting.split(site, staged, made)
    for dist in staged:
        pin, home = named[dist.name], made[dist.name]
        told = {
            "name": dist.name, "version": dist.version, "sha256": pin.sha256, "url": clean(pin.url), "commit": pin.commit,
            "kind": pin.kind, "boot": boot_id(), "spread": elf.reaches_out(f"{home}/site"),
            "folded": folding.pairs(dist.rows), "hidden": ingest.hidden_by_stdlib(dist), "bytes": sum(int(size or 0) for _, size in dist.rows.values()),
        }  # fmt: skip
        step("dist.describe")
        with open(f"{home}/dist.json", "w", encoding="utf-8") as target:
            json.dump(told, target)
        _appear(home, store.path("dists", os.path.basename(home)))


def _appear(made: str, final: str) -> None:
    """Move *made* to *final*; another kernel may have been faster with the same bytes."""
    try:
        step("dist.rename")
        os.rename(made, final)
    except OSError:
        if not os.path.isdir(final):
            raise
    step("dist.renamed")


def describe(store: Store, identity: str) -> dict[str, Any]:
    """What the store knows of the distribution *identity*. Raises OSError, and ValueError where that is torn."""
    with open(store.path("dists", identity, "dist.json"), encoding="utf-8") as source:
        told = json.load(source)
    if not isinstance(told, dict) or not all(key in told for key in _TOLD):
        raise ValueError(f"dist.json of {identity} is torn")
    return told


def link(store: Store, identities: list[str], made: str, *, python: str, final: str) -> list[str]:
    """Fill the new folder *made* with site, bin, share and etc of the distributions; give notices."""
    told = {identity: describe(store, identity) for identity in identities}
    step("layer.make")
    os.makedirs(made)
    for part in ("site", "share", "etc"):
        found = [(store.path("dists", i, part), told[i]["spread"]) for i in identities]
        found = [(folder, spread) for folder, spread in found if os.path.isdir(folder)]
        if found or part == "site":
            farm.merge(os.path.join(made, part), found, os.path.join(final, part))
    bins = [store.path("dists", i, "bin") for i in identities]
    left_out = farm.scripts(
        os.path.join(made, "bin"), [b for b in bins if os.path.isdir(b)], python, os.path.join(final, "bin")
    )
    notices = (
        [f"{wording.names(left_out, most=6)}: scripts with a reserved name are not put on PATH."] if left_out else []
    )
    names = {identity: told[identity]["name"] for identity in identities}
    sites = {names[identity]: store.path("dists", identity, "site") for identity in identities}
    notices += folding.notices(sites, {names[i]: told[i].get("folded", ()) for i in identities})
    for identity in identities:
        if told[identity]["hidden"]:
            hidden = ", ".join(told[identity]["hidden"])
            notices.append(f"{told[identity]['name']}: the standard library has {hidden} too and comes first.")
    return notices


def _describe(made: str, plan: Plan, identities: list[str], notices: list[str]) -> None:
    """Write layer.json and pylock.toml, the first one to the disk itself."""
    step("layer.describe")
    with open(os.path.join(made, "pylock.toml"), "w", encoding="utf-8") as target:
        target.write(pylock_toml.write(plan.install))
    told = {"layout": LAYOUT, "digest": plan.digest, "tag": plan.tag, "dists": identities, "notices": notices}
    with open(os.path.join(made, "layer.json"), "w", encoding="utf-8") as target:
        json.dump(told, target)
        target.flush()
        step("layer.flushed")
        os.fsync(target.fileno())


def _sync(folder: str) -> None:
    """Bring a folder's entries to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def private(fill: Fill, pin: Pin, work: str, into: str) -> None:
    """Install the local folder *pin* by way of *work* into *into*/{site,bin,share}, for one session only."""
    step("private.fill")
    fill((pin,), work)
    ingest.verify(work, (pin,), read_only=False)
    step("private.verified")
    for part in ingest.OUTSIDE:
        if os.path.isdir(os.path.join(work, part)):
            os.makedirs(into, exist_ok=True)
            farm.move(os.path.join(work, part), os.path.join(into, part))
    farm.move(work, os.path.join(into, "site"))
