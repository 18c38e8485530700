"""Children of the kernel (``!cmd``, subprocess, spawned workers) get the overlay through one boot file of the session.

It writes that file; when a child reads it, and in which Python, it does not know: the file itself checks that.
"""

from __future__ import annotations

import os

BOOT = "sitecustomize.py"


def boot_folder(views: str) -> str:
    """Folder for PYTHONPATH, below the folder *views*, with the boot file in it; written once a version of ours.

    It does not lie in our package: a child would otherwise write its bytecode into base.
    """
    source = os.path.join(os.path.dirname(__file__), "boot.py")
    status = os.stat(source)
    folder = os.path.join(views, f"boot-{status.st_mtime_ns:x}-{status.st_size:x}")
    target = os.path.join(folder, BOOT)
    if not os.path.isfile(target):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(source, "rb") as opened:
            text = opened.read()
        with open(f"{target}.{os.getpid()}", "wb") as copy:
            copy.write(text)
        os.replace(f"{target}.{os.getpid()}", target)
    return folder
