"""The store: distributions unpacked and verified once, layers made of links to them, and what declarations gave.

A distribution or a layer appears by one rename and never changes after. It does not know who asks, nor how an engine
fills a folder: the filling function is an argument. Importing this package costs nothing but ``locks``.
"""

from __future__ import annotations

import contextlib
import errno
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
from sessionpkgs.steps import step
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
            step("store.make")
            os.makedirs(self.root, mode=0o700, exist_ok=True)
            self.check()
            for folder in FOLDERS:
                step("store.folder")
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
        except FileNotFoundError:
            raise StoreError(
                f"the store {self.root} is not there", hint="Restart the kernel: it is made again.", item=self.root
            ) from None
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
            with disk(self.root):
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
        import secrets

        with disk(self.root):
            self._sweep()
            name = f"{os.getpid()}-{secrets.token_hex(6)}"
            folder = self.path("stage", name)
            with Flock(self.path("locks", f"stage-{name}")) as lock:
                step("stage.lock")
                lock.acquire(exclusive=True, deadline=1.0)
                try:
                    step("stage.make")
                    os.mkdir(folder, 0o700)
                    step("stage.made")
                    yield folder
                finally:
                    _leave(folder, lock)

    def _sweep(self) -> None:
        """Remove stages whose owner died: their lock is free."""
        for name in os.listdir(self.path("stage")):
            step("stage.sweep")
            with Flock(self.path("locks", f"stage-{name}")) as lock:
                if lock.try_acquire(exclusive=True):
                    _leave(self.path("stage", name), lock)

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
            step("layer.lock")
            if not lock.try_acquire(exclusive=True):
                heard = reporter or Reporter()
                heard.step(f"waiting for {lock.signature() or 'another session'}, which installs the same")
                lock.acquire(exclusive=True, deadline=deadline, tick=heard.tick)
            step("layer.sign")
            lock.sign(f"process {os.getpid()}")
            found = layers.read(self, plan.digest)
            if found is not None:
                return found, False
            return layers.build(self, plan, fill, python=python, stage=stage), True

    def sound(self, digest: str) -> bool:
        """Whether the layer *digest* may be used: since the machine started, its distributions were verified once.

        What was written shortly before a power cut may be torn although its name is there; a layer with a
        distribution that is not what its RECORD says goes to the trash, with that distribution. A layer that was
        verified may be used even where a full disk has no room to say so; then the next session looks again.
        """
        mark = self.path("checked", f"{boot_id()}-{digest}")
        if os.path.exists(mark):
            return True
        from sessionpkgs.store import layers

        with disk(self.root):
            true = layers.recheck(self, digest)
        if true:
            with contextlib.suppress(StoreError):
                self.vouch(digest)
        return true

    def vouch(self, digest: str) -> None:
        """Note that the layer *digest* was verified since the machine started. Raises :class:`StoreError`."""
        with disk(self.root):
            step("layer.vouch")
            with open(self.path("checked", f"{boot_id()}-{digest}"), "w", encoding="utf-8"):
                pass

    def claim(self, digest: str) -> Flock:
        """The lease's lock before it is known whether the layer is there: what is built meanwhile is not collected."""
        with disk(self.root):
            step("lease.claim")
            lock = Flock(self.path("locks", f"lease-{digest}"))
            lock.acquire(exclusive=False, deadline=10.0)
            return lock

    def lease(self, digest: str) -> Flock:
        """A shared lock that says the layer *digest* is in use; hold it as long as it is."""
        lock = self.claim(digest)
        try:
            with disk(self.root):
                step("lease.touch")
                self._touch(digest)
        except BaseException:
            lock.release()
            raise
        return lock

    def _touch(self, digest: str) -> None:
        """Note that the layer *digest* is used now: age decides what of the unused may stay."""
        try:
            os.utime(self.path("layers", digest))
        except FileNotFoundError:
            raise StoreError(
                f"the layer {digest[:12]} was collected a moment ago", hint="Run the cell again.", item=digest
            ) from None
        except OSError as error:
            if error.errno != errno.EROFS:  # where nothing can be written, nothing is collected either
                raise

    def recall(self, key: str) -> dict[str, Any] | None:
        """What the declaration with this *key* gave the last time, None where nothing is remembered or it is torn."""
        try:
            with open(self.path("resolutions", key), "rb") as source:
                found = json.loads(source.read())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def remember(self, key: str, resolution: dict[str, Any]) -> None:
        """Keep *resolution* for :meth:`recall`, by one rename."""
        write_whole(self.path("resolutions", key), json.dumps(resolution, separators=(",", ":")))


def write_whole(path: str, text: str) -> None:
    """Write *text* to *path* so that a reader sees all of it or what was there before."""
    step("answer.make")
    fd, name = tempfile.mkstemp(prefix=".", dir=os.path.dirname(path))
    try:
        with open(fd, "w", encoding="utf-8") as target:
            step("answer.write")
            target.write(text)
        step("answer.rename")
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _leave(folder: str, lock: Flock) -> None:
    """Remove a stage's *folder* with all below it and its held *lock*; what cannot be removed is left to the next sweep."""
    with contextlib.suppress(OSError):
        step("stage.remove")
        shutil.rmtree(folder, ignore_errors=True)
        step("stage.unlock")
        if not os.path.lexists(folder):
            lock.remove()


@contextlib.contextmanager
def disk(root: str, *, needs: int = 0) -> Iterator[None]:
    """A block that writes below *root*: what the disk refuses leaves it as a :class:`StoreError`.

    That says how much room there is, and how many bytes the block *needs* at least, where that is known.
    """
    try:
        yield
    except OSError as error:
        reason, item = error.strerror or str(error), str(error.filename or root)
        raise _refused(f"could not be written: {reason}", root, needs, item) from None
    except StoreError as error:
        if error.item:
            raise
        said = f"could not be written: {error.sentence}"  # an engine does not say where
        raise _refused(said, root, needs, root) from None


def _refused(said: str, root: str, needs: int, item: str) -> StoreError:
    """What the disk of *root* refused, with the room that there is."""
    try:
        there = os.statvfs(root)
        free = f"{there.f_bavail * there.f_frsize // 1_000_000} MB free"
        free += ", but no room for more files" if there.f_files and not there.f_favail else ""
    except OSError:
        free = "free space unknown"
    wanted = f"needs at least {-(-needs // 1_000_000)} MB, " if needs else ""
    return StoreError(
        f"the store {root} {said} ({wanted}{free})",
        hint="Free some space, or set SESSIONPKGS_HOME to another disk; `sessionpkgs store du` shows what is used.",
        item=item,
    )
