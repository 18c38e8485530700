"""The store: distributions unpacked and verified once, layers made of links to them, and what declarations gave.

A distribution or a layer appears by one rename and never changes after. It does not know who asks, nor how an engine
fills a folder: the filling function is an argument. Importing this package costs nothing but ``locks``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import StoreError
from sessionpkgs.places import boot_id
from sessionpkgs.report import Reporter
from sessionpkgs.store.locks import Flock

if TYPE_CHECKING:
    from sessionpkgs.model import Layer, Pin, Plan

FOLDERS = (
    "dists", "layers", "resolutions", "stage", "locks", "trash", "cache", "sessions", "views", "artifacts", "checked",
)  # fmt: skip


class Store:
    """The folder *root* and what is in it."""

    def __init__(self, root: str) -> None:
        self.root = root

    def path(self, *parts: str) -> str:
        """Absolute path of something in the store."""
        return os.path.join(self.root, *parts)

    def prepare(self) -> None:
        """Make the store's folders, private to this user. Raises :class:`StoreError` where that is not safe."""
        try:
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            self.check()
            for folder in FOLDERS:
                os.makedirs(self.path(folder), mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the store {self.root} cannot be made: {error.strerror}",
                hint="Set SESSIONPKGS_HOME to a folder that you can write to.",
                item=self.root,
            ) from None

    def check(self) -> None:
        """Refuse a root that another user could have planted or can write to. Raises :class:`StoreError`."""
        try:
            status = os.lstat(self.root)
        except OSError as error:
            raise StoreError(f"the store {self.root} cannot be read: {error.strerror}", item=self.root) from None
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
            raise StoreError(
                f"the store {self.root} is not a folder of yours that only you can write to",
                hint="Make it private (chmod 700), or set SESSIONPKGS_HOME to another folder.",
                item=self.root,
            )
        parent = os.path.dirname(self.root)
        while parent != os.path.dirname(parent):
            mode = os.stat(parent).st_mode
            if mode & 0o022 and not mode & stat.S_ISVTX:
                raise StoreError(
                    f"the store {self.root} stands in {parent}, which other users can write to",
                    hint="Set SESSIONPKGS_HOME to a folder below your home.",
                    item=self.root,
                )
            parent = os.path.dirname(parent)

    @contextlib.contextmanager
    def stage(self) -> Iterator[str]:
        """A fresh folder that is gone at the end of the block, however it ends; leftovers of the dead go first."""
        self._sweep()
        import secrets

        name = f"{os.getpid()}-{secrets.token_hex(6)}"
        lock = Flock(self.path("locks", f"stage-{name}"))
        lock.acquire(exclusive=True, deadline=1.0)
        folder = self.path("stage", name)
        try:
            os.mkdir(folder, 0o700)
            yield folder
        except OSError as error:
            raise _disk(error, self.root) from None
        finally:
            _remove(folder)
            with contextlib.suppress(OSError):
                os.unlink(lock.path)
            lock.release()

    def _sweep(self) -> None:
        """Remove stages whose owner died: their lock is free."""
        for name in os.listdir(self.path("stage")):
            lock = Flock(self.path("locks", f"stage-{name}"))
            if lock.try_acquire(exclusive=True):
                with lock:
                    _remove(self.path("stage", name))
                    with contextlib.suppress(OSError):
                        os.unlink(lock.path)

    def layer(
        self,
        plan: Plan,
        fill: Callable[[tuple[Pin, ...], str], None],
        *,
        python: str,
        deadline: float,
        stage: str,
        reporter: Reporter | None = None,
    ) -> tuple[Layer, bool]:
        """The layer of *plan* and whether it had to be built; *fill* puts pins into a new folder.

        Of many sessions that ask for the same layer one builds, the others wait for it at most *deadline* seconds; the
        *reporter* hears for whom. Where the builder dies, the lock is free and a waiter builds.
        """
        from sessionpkgs.store import layers

        found = layers.read(self, plan.digest)
        if found is not None:
            return found, False
        with Flock(self.path("locks", f"layer-{plan.digest}")) as lock:
            if not lock.try_acquire(exclusive=True):
                heard = reporter or Reporter()
                heard.step(f"waiting for {lock.signature() or 'another session'}, which installs the same")
                lock.acquire(exclusive=True, deadline=deadline, tick=heard.tick)
            lock.sign(f"process {os.getpid()}")
            found = layers.read(self, plan.digest)
            if found is not None:
                return found, False
            return layers.build(self, plan, fill, python=python, stage=stage), True

    def sound(self, digest: str) -> bool:
        """Whether the layer *digest* may be used: since the machine started, its distributions were verified once.

        What was written shortly before a power cut may be torn although its name is there; a layer with a
        distribution that is not what its RECORD says goes to the trash, with that distribution.
        """
        mark = self.path("checked", f"{boot_id()}-{digest}")
        if os.path.exists(mark):
            return True
        from sessionpkgs.store import layers

        if layers.recheck(self, digest):
            self.vouch(digest)
            return True
        return False

    def vouch(self, digest: str) -> None:
        """Note that the layer *digest* was verified since the machine started."""
        with open(self.path("checked", f"{boot_id()}-{digest}"), "w", encoding="utf-8"):
            pass

    def claim(self, digest: str) -> Flock:
        """The lease's lock before it is known whether the layer is there: what is built meanwhile is not collected."""
        lock = Flock(self.path("locks", f"lease-{digest}"))
        lock.acquire(exclusive=False, deadline=10.0)
        return lock

    def lease(self, digest: str) -> Flock:
        """A shared lock that says the layer *digest* is in use; hold it as long as it is."""
        lock = Flock(self.path("locks", f"lease-{digest}"))
        lock.acquire(exclusive=False, deadline=10.0)
        try:
            os.utime(self.path("layers", digest))  # used now: age decides what of the unused may stay
        except FileNotFoundError:
            lock.release()
            raise StoreError(
                f"the layer {digest[:12]} was collected a moment ago", hint="Run the cell again.", item=digest
            ) from None
        except OSError as error:
            lock.release()
            raise _disk(error, self.root) from None
        return lock

    def recall(self, key: str) -> dict[str, Any] | None:
        """What the declaration with this *key* gave the last time, None where nothing is remembered or it is torn."""
        try:
            with open(self.path("resolutions", key), "rb") as source:
                found: dict[str, Any] = json.loads(source.read())
        except (OSError, ValueError):
            return None
        return found

    def remember(self, key: str, resolution: dict[str, Any]) -> None:
        """Keep *resolution* for :meth:`recall`, by one rename."""
        write_whole(self.path("resolutions", key), json.dumps(resolution, separators=(",", ":")))


def write_whole(path: str, text: str) -> None:
    """Write *text* to *path* so that a reader sees all of it or what was there before."""
    fd, name = tempfile.mkstemp(prefix=".", dir=os.path.dirname(path))
    try:
        with open(fd, "w", encoding="utf-8") as target:
            target.write(text)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _remove(folder: str) -> None:
    """Remove *folder* with all below it; what cannot be removed is left to the next sweep."""
    shutil.rmtree(folder, ignore_errors=True)


def _disk(error: OSError, root: str) -> StoreError:
    """An error of the disk in words: what it was, and how much room there is."""
    try:
        free = f"{shutil.disk_usage(root).free // 1_000_000} MB free"
    except OSError:
        free = "free space unknown"
    return StoreError(
        f"the store {root} could not be written: {error.strerror or error} ({free})",
        hint="Free some space, or set SESSIONPKGS_HOME to another disk; `sessionpkgs store du` shows what is used.",
        item=str(error.filename or root),
    )
