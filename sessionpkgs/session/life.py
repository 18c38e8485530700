"""A session's life: its folder, its lock, its leases, and the overlay that they keep alive.

It does not know declarations; it is told what to switch on. Standard library only, for the reopened declaration.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sessionpkgs import fingerprint
from sessionpkgs.errors import StoreError
from sessionpkgs.overlay import Overlay, pooled
from sessionpkgs.steps import step
from sessionpkgs.store import FOLDERS, Store, disk
from sessionpkgs.store.locks import Flock

_TRUSTED = 60.0
"""Seconds that a full look at base is trusted while its folders show no change."""


class Life:
    """What the session *identity* holds while its kernel lives, in the store of *root*."""

    def __init__(self, root: str, identity: str) -> None:
        self.store = Store(root)
        self.identity = identity
        self.home = self.store.path("sessions", identity)
        self.overlay = Overlay(root)
        self._lock = Flock(self.home, folder=True)
        self._leases: list[Flock] = []
        self.born = time.time()
        self._look: tuple[list[tuple[str, int, int, int]], str, float] = ([], "", 0.0)

    def open(self) -> None:
        """Make the session's folder and take its lock, once; that the store is still ours is looked at every time.

        Raises :class:`StoreError`.
        """
        if self._lock.held:
            self._check()
            return
        self.overlay.disinherit()
        if not os.path.isdir(self.store.path(FOLDERS[-1])):
            self.store.prepare()
        self.store.check()
        with disk(self.store.root), Flock(self.store.path("locks", "collect")) as still:
            step("session.lock")  # no collection between the folder and its lock
            still.acquire(exclusive=False, deadline=60.0)
            self._take()

    def _check(self) -> None:
        """Refuse a store that was removed, replaced or opened to others since this session took its lock."""
        self.store.check()
        if not self._lock.still():
            raise StoreError(
                f"the session's folder {self.home} was removed, replaced or closed to us while the session lives",
                hint="Restart the kernel: it is made again.",
                item=self.home,
            )

    def _take(self) -> None:
        """Make the folder and lock it."""
        try:
            step("session.make")
            os.mkdir(self.home, 0o700)
        except FileExistsError:
            pass
        step("session.take")
        if not self._lock.try_acquire(exclusive=True):
            raise StoreError(
                f"another process uses the session {self.identity}",
                hint="Two kernels share one connection file; restart one of them.",
                item=self.identity,
            )

    def base(self) -> list[str]:
        """Folders below the session: the pool's, then those of base, which nobody of us put on ``sys.path``."""
        pool = pooled.entries()
        ours = {*self.overlay.active.get("sites", ()), *self.overlay.active.get("pth", ()), *pool}
        return [*pool, *(path for path in fingerprint.base_paths(sys.path, self.store.root) if path not in ours)]

    @property
    def pool(self) -> tuple[str, ...]:
        """Folders of the pool, of those in :meth:`base`."""
        return tuple(pooled.entries())

    def loaded_versions(self) -> tuple[str, ...]:
        """``name==version`` of the session's distributions whose C code is loaded, here or left from before."""
        if not self.overlay.active and not self.overlay.ghosts:
            return ()
        from sessionpkgs.overlay import modules

        loaded = modules.loaded_identities(self.store.root)
        known = {**self.overlay.ghosts, **self.current()}
        return tuple(
            f"{known[identity][0]}=={known[identity][1]}"
            for identity, found in loaded.items()
            if identity in known and modules.extensions_in(found)
        )

    def fingerprint(self) -> str:
        """Fingerprint of base: looked up in full, or at most a minute ago with no entry added to a folder since."""
        paths = self.base()
        seal = [(path, *fingerprint.seal(path)) for path in paths]
        known, found, until = self._look
        if known != seal or time.monotonic() > until:
            found = fingerprint.fingerprint(paths)
            self._look = (seal, found, time.monotonic() + _TRUSTED)
        return found

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The environment without what the overlay added to it."""
        inside, pool = os.path.join(self.store.root, ""), pooled.scripts()
        said = dict(env)
        kept = (p for p in said.get("PATH", "").split(os.pathsep) if not p.startswith(inside) and p != pool)
        said["PATH"] = os.pathsep.join(kept)
        return said

    def current(self) -> dict[str, tuple[str, str]]:
        """Distributions of the session now: identity -> name, version."""
        return {key: (value[0], value[1]) for key, value in self.overlay.active.get("dists", {}).items()}

    def switch(self, activation: dict[str, Any], anew: Sequence[str], notices: list[str]) -> None:
        """Lease the layer, then switch the overlay to it. Raises :class:`StoreError` where its files cannot be read."""
        held = [self.store.lease(activation["layer"])] if activation["layer"] else []
        try:
            with disk(self.store.root):
                activation = self._with_boot(activation)
                step("overlay.switch")
                notices += [said for said in self.overlay.activate(activation, anew) if said not in notices]
        except BaseException:
            for lock in held:
                lock.release()
            raise
        self._leases += held

    def keep(self, activation: Mapping[str, Any]) -> None:
        """Lease the layer of *activation* without switching to it."""
        if activation["layer"]:
            self._leases.append(self.store.lease(activation["layer"]))

    def descriptors(self) -> list[tuple[str, int]]:
        """Path and descriptor of each lock that is held, for the next Python in this process."""
        return [(lock.path, lock.fileno()) for lock in (self._lock, *self._leases) if lock.held]

    def adopt(self, locks: Sequence[tuple[str, int]]) -> list[Flock]:
        """Hold the *locks* that the last Python in this process held; gives its leases, to be released by the caller."""
        leases = []
        for path, descriptor in locks:
            if path == self.home:
                self._lock.adopt(descriptor)
            else:
                leases.append(Flock(path).adopt(descriptor))
        return leases

    def _with_boot(self, activation: dict[str, Any]) -> dict[str, Any]:
        """*activation* with a boot file for children that is there."""
        if os.path.isfile(os.path.join(activation["boot"], "sitecustomize.py")):
            return activation
        from sessionpkgs.workers.children import boot_folder

        step("boot.make")
        return {**activation, "boot": boot_folder(self.store.path("views"))}

    def close(self) -> None:
        """Give everything back at the end of the kernel's life: overlay, leases, lock."""
        if self.overlay.active:
            self.overlay.deactivate()
        self.release()
        self._lock.release()

    def end(self) -> None:
        """The same, and remove the session's folder: nobody will take it up."""
        held = self._lock.held
        if held and os.path.isdir(self.home):
            import shutil

            shutil.rmtree(self.home, ignore_errors=True)
        self.close()

    def release(self) -> None:
        """Give the leases back."""
        for lease in self._leases:
            lease.release()
        self._leases = []
