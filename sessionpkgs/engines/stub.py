"""A View as a folder that a resolver can read: one real ``.dist-info`` per visible distribution, headers only.

uv resolves against a folder (``--target``), not against an interpreter with layers over it; this folder is what makes
it prefer what base has. Made once per fingerprint. It does not know which distributions should be in the View.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sessionpkgs.errors import StoreError
from sessionpkgs.installed import headers_text
from sessionpkgs.model import View
from sessionpkgs.places import boot_id
from sessionpkgs.store.locks import Flock

_TRIES = 20


@contextlib.contextmanager
def stub_view(view: View, views: str) -> Iterator[str]:
    """Folder below *views* that describes *view*, made when it is not there; it is not collected during the block.

    It is made anew after a restart of the machine, since nobody brings it to the disk itself.
    """
    key = hashlib.sha256(f"{view.fingerprint} {boot_id()}".encode()).hexdigest()
    final = Path(views, key[:32])
    with Flock(str(final), folder=True) as used:
        for again in range(_TRIES, -1, -1):
            _make(view, final)
            try:
                used.acquire(exclusive=False, deadline=10.0)
                break
            except StoreError:  # it was collected between its making and here
                if not again:
                    raise
        with contextlib.suppress(OSError):
            os.utime(final)
        yield str(final)


def _make(view: View, final: Path) -> None:
    """The folder itself, whole or not at all."""
    if final.is_dir():
        return
    views = final.parent
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=views))
    busy = Flock(str(making), folder=True)
    try:
        busy.acquire(exclusive=True, deadline=10.0)
        for dist in view.values():
            folder = making / f"{dist.name.replace('-', '_')}-{dist.version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(headers_text(dist), encoding="utf-8")
            (folder / "INSTALLER").write_text("sessionpkgs\n", encoding="utf-8")
            (folder / "RECORD").write_text(f"{folder.name}/RECORD,,\n", encoding="utf-8")
            origin = Path(dist.path, "direct_url.json")
            if origin.is_file():
                shutil.copyfile(origin, folder / "direct_url.json")
        os.rename(making, final)
    except OSError as error:
        shutil.rmtree(making, ignore_errors=True)
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:  # somebody was faster, whether or not it is there still
            raise
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    finally:
        busy.release()
