"""A View as a folder that a resolver can read: one real ``.dist-info`` per visible distribution, headers only.

uv resolves against a folder (``--target``), not against an interpreter with layers over it; this folder is what makes
it prefer what base has. Made once per fingerprint. It does not know which distributions should be in the View.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from sessionpkgs.installed import headers_text
from sessionpkgs.model import View


def stub_view(view: View, views: str) -> str:
    """Folder below *views* that describes *view*; made when it is not there, whole or not at all."""
    final = Path(views, view.fingerprint[:32])
    if final.is_dir():
        return str(final)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=views))
    try:
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
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        if not final.is_dir():
            raise
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return str(final)
