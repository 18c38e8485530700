"""Changing a workspace: an artefact appears and goes by one rename, whoever else works in the same folder.

What is being brought stands in ``incoming``, in a folder that its maker holds a lock on; the next one clears away what the
dead left. Files get the permissions that the workspace itself has, so a group can share it. It looks into no artefact.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator

from sessionpkgs.errors import ConflictError, DeadlineError, IntegrityError, StoreError
from sessionpkgs.steps import step
from sessionpkgs.workspace.content import ABOUT, METADATA, Artefact, Workspace, same, trusted

WAIT = 30.0
"""Seconds that somebody may take to look through a workspace before he puts something in."""
_POLL = 0.02
_LEFT = 86_400.0
"""Seconds after which nobody is still bringing something, where the file system has no locks."""
_FREE = frozenset({errno.EAGAIN, errno.EACCES})


@contextlib.contextmanager
def incoming(workspace: Workspace) -> Iterator[str]:
    """A fresh folder in *workspace* that is gone at the end of the block; the workspace is made where it is not there.

    Raises :class:`StoreError` where nothing can be written.
    """
    with writing(workspace):
        for folder in (workspace.folder, workspace.artifacts, os.path.join(workspace.folder, "incoming")):
            step("workspace.folder")
            _folder(workspace, folder)
        trusted(workspace.folder)
        _sweep(workspace)
        place, held = _stage(workspace)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(held)


def put(workspace: Workspace, stage: str, artefact: Artefact, metadata: bytes = b"") -> bool:
    """Put *artefact*, whose file stands in the folder *stage* (:func:`incoming`), into its place; False where it is there.

    *metadata* is a wheel's METADATA. A version means one set of bytes: raises :class:`ConflictError` where another file has
    name, version and tags of this one, and :class:`StoreError`.
    """
    with writing(workspace):
        made = _described(workspace, stage, artefact, metadata)
        with _alone(workspace):
            if artefact.sha256 in workspace.held() and _whole(workspace, artefact):
                return False
            _refuse_another(workspace, artefact)
            final = os.path.join(workspace.artifacts, artefact.sha256)
            if os.path.isdir(final):  # damaged: this is the true one
                _away(final, stage)
            step("workspace.rename")
            os.rename(made, final)
            step("workspace.renamed")
            _flush(workspace.artifacts)
    return True


def remove(workspace: Workspace, sha256: str) -> None:
    """Take the artefact with that hash out. Raises :class:`StoreError`."""
    with incoming(workspace) as stage, writing(workspace), _alone(workspace), contextlib.suppress(FileNotFoundError):
        _away(os.path.join(workspace.artifacts, sha256), stage)


def _away(place: str, stage: str) -> None:
    """Move the artefact in the folder *place* to *stage*, where it goes."""
    step("workspace.remove")
    os.rename(place, os.path.join(stage, f"gone-{secrets.token_hex(4)}"))


@contextlib.contextmanager
def writing(workspace: Workspace) -> Iterator[None]:
    """A block that writes into *workspace*: what the disk refuses leaves it as a :class:`StoreError`."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"the workspace {workspace.folder} cannot be written: {error.strerror or error}",
            hint="Ask who owns it for write permission, free some space, or name another folder with --workspace.",
            item=str(error.filename or workspace.folder),
        ) from None


def _folder(workspace: Workspace, path: str) -> None:
    """Make the folder *path* where it is not there, with the permissions of the workspace."""
    if path == workspace.folder:
        os.makedirs(path, exist_ok=True)
        return
    with contextlib.suppress(FileExistsError):
        os.mkdir(path)
        _permit(workspace, path)


def _permit(workspace: Workspace, path: str) -> None:
    """Give *path* the permissions of the workspace, without those to run for a file."""
    mode = os.stat(workspace.folder).st_mode
    os.chmod(path, mode & 0o2775 | 0o700 if os.path.isdir(path) else mode & 0o664 | 0o600)


def _stage(workspace: Workspace) -> tuple[str, int]:
    """A fresh folder and the descriptor that holds it. Raises OSError."""
    while True:
        place = os.path.join(workspace.folder, "incoming", secrets.token_hex(8))
        step("workspace.stage")
        os.mkdir(place)
        held = -1
        with contextlib.suppress(FileNotFoundError):  # somebody who clears up was between the two
            _permit(workspace, place)
            held = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _held(held) and os.path.isdir(place):
                return place, held
        if held >= 0:
            os.close(held)


def _held(folder: int) -> bool:
    """Whether the open *folder* is held by us, so that nobody clears it away; where there are no locks, its age tells."""
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _FREE
    return True


def _sweep(workspace: Workspace) -> None:
    """Clear away what the dead left; nobody can begin to hold it meanwhile."""
    for name in os.listdir(os.path.join(workspace.folder, "incoming")):
        place = os.path.join(workspace.folder, "incoming", name)
        with contextlib.suppress(OSError):
            held = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                if _is_left(held):
                    step("workspace.sweep")
                    shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(held)


def _is_left(held: int) -> bool:
    """Whether nobody holds the folder that is open as *held*."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _FREE and time.time() - os.fstat(held).st_mtime > _LEFT
    return True


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """A block in which nobody else puts something into *workspace*; where the file system has no locks, a plain one."""
    held = os.open(workspace.artifacts, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + WAIT
        while not _locked(held):
            if time.monotonic() > until:
                raise DeadlineError(
                    f"somebody has been changing the workspace {workspace.folder} for {WAIT:.0f} s",
                    hint="Try again; if it stays so, look for a program that stands still.",
                    item=workspace.folder,
                )
            time.sleep(_POLL)
        yield
    finally:
        os.close(held)


def _locked(held: int) -> bool:
    """Whether the lock of *held* is ours, or there are no locks there."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _FREE
    return True


def _described(workspace: Workspace, stage: str, artefact: Artefact, metadata: bytes) -> str:
    """A finished folder for *artefact* in *stage*, brought to the disk."""
    made = os.path.join(stage, f"made-{artefact.sha256}")
    step("workspace.make")
    os.mkdir(made)
    file = os.path.join(made, artefact.file)
    os.rename(os.path.join(stage, artefact.file), file)
    step("workspace.describe")
    _write(os.path.join(made, ABOUT), json.dumps(artefact.to_dict(), indent=1).encode())
    if metadata:
        _write(file + METADATA, metadata)
    for path in (file, *(os.path.join(made, name) for name in os.listdir(made)), made):
        _permit(workspace, path)
        _flush(path)
    return made


def _write(path: str, content: bytes) -> None:
    """A new file."""
    with open(path, "wb") as target:
        target.write(content)


def _flush(path: str) -> None:
    """Bring the file or folder *path* to the disk itself; where folders cannot be, the system does when it likes."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(fd)


def _whole(workspace: Workspace, artefact: Artefact) -> bool:
    """Whether what is there under the hash of *artefact* can be used as it is."""
    try:
        workspace.check(workspace.read(artefact.sha256))
    except (IntegrityError, OSError, ValueError, TypeError, KeyError):
        return False
    return True


def _refuse_another(workspace: Workspace, artefact: Artefact) -> None:
    """Refuse *artefact* where another file is its version already."""
    for one in workspace.survey()[0]:
        if one.sha256 != artefact.sha256 and _same_version(one, artefact):
            raise ConflictError(
                f"{artefact.file} is another {artefact.title} than the one that is there: its hash is "
                f"{artefact.sha256[:16]}…, and {one.file} of {one.by or 'somebody'} has {one.sha256[:16]}…",
                hint="Give it another version; or take the other out first: "
                f"sessionpkgs workspace remove {one.sha256[:16]}",
                item=artefact.file,
            )


def _same_version(one: Artefact, other: Artefact) -> bool:
    """Whether both are for the same: kind, name and version, and for wheels one Python at least, for jars the group."""
    if one.kind != other.kind or not same(one.name, other.name) or not one.answers(f"{one.name}=={other.version}"):
        return False
    if one.kind == "wheel":
        return not {*one.tags}.isdisjoint(other.tags)
    groups = {part.coordinate.partition(":")[0] for part in (one, other)} - {""}
    return len(groups) <= 1
