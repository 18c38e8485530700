"""Locks that the kernel of the operating system frees when their holder dies: ``flock`` on files.

Exclusive while something is built, shared while it is used, non-blocking to find out whether it is used. A file is
unlinked only by who holds it exclusively, and who gets a lock looks whether its file still has the name: so no two can
hold one name through two files. Standard library only. It does not know what a lock protects.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from types import TracebackType

from sessionpkgs.errors import DeadlineError, StoreError

_POLL = 0.02
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


class Flock:
    """An advisory lock on *path*; the file is made when it is not there and stays until :meth:`remove`.

    A *folder* that is there can be its own lock, which saves making a file.
    """

    def __init__(self, path: str, *, folder: bool = False) -> None:
        self.path = path
        self._folder = folder
        self._fd = -1

    @property
    def held(self) -> bool:
        """True while this object holds the lock."""
        return self._fd >= 0

    def try_acquire(self, *, exclusive: bool) -> bool:
        """Take the lock if nobody stands in the way.

        Raises :class:`StoreError` where the file cannot be opened, and OSError where there is no room to make it.
        """
        if self.held:
            return True
        while self._lock(exclusive=exclusive):
            if self._named():
                return True
            self.release()  # its file was removed before it was ours: the name may have another one
        return False

    def _lock(self, *, exclusive: bool) -> bool:
        """Open the file and lock it; False where somebody stands in the way."""
        flags = os.O_DIRECTORY if self._folder else os.O_CREAT
        if exclusive and not self._folder:
            flags |= os.O_RDWR  # a shared one is read only, so that a known layer can be used where nothing is written
        try:
            fd = os.open(self.path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            raise StoreError(
                f"the lock {self.path} cannot be opened: {error.strerror}",
                hint="Check the store's folder with `sessionpkgs doctor`.",
                item=self.path,
            ) from None
        self._fd = fd  # before the lock: an interrupt in between must not leave it with nobody to give it back
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            if error.errno in {errno.EAGAIN, errno.EACCES}:
                return False
            raise StoreError(f"the lock {self.path} does not work: {error.strerror}", item=self.path) from None
        return True

    def _named(self) -> bool:
        """Whether the open file is the one that has the name."""
        try:
            return os.path.samestat(os.fstat(self._fd), os.lstat(self.path))
        except OSError:
            return False

    def still(self) -> bool:
        """Whether this object holds the lock and its file still has the name."""
        return self.held and self._named()

    def acquire(self, *, exclusive: bool, deadline: float, tick: Callable[[], None] | None = None) -> None:
        """Wait for the lock at most *deadline* seconds. Raises :class:`DeadlineError`."""
        until = time.monotonic() + deadline
        while not self.try_acquire(exclusive=exclusive):
            if time.monotonic() > until:
                raise DeadlineError(
                    f"another session kept {os.path.basename(self.path)} locked for {deadline:.0f} s",
                    hint="It is still installing the same packages; run the cell again.",
                    item=self.path,
                )
            if tick is not None:
                tick()
            time.sleep(_POLL)

    def fileno(self) -> int:
        """Descriptor of the held lock's file."""
        return self._fd

    def adopt(self, descriptor: int) -> Flock:
        """Hold what another Python in this process held by *descriptor*; programs that are started do not inherit it."""
        os.set_inheritable(descriptor, False)
        self._fd = descriptor
        return self

    def sign(self, text: str) -> None:
        """Write into the held lock's file who holds it, for those who wait."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def signature(self) -> str:
        """Who says to hold the lock, "" where nobody said; a dead holder's word stays until the next one's."""
        try:
            with open(self.path, encoding="utf-8", errors="replace") as source:
                return source.read(200).strip()
        except OSError:
            return ""

    def remove(self) -> None:
        """Unlink the file of the lock, which must be held exclusively, and give it back."""
        os.unlink(self.path)
        self.release()

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Flock:
        """Use a held lock as a block that gives it back."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self.release()
