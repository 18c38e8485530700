"""Children of the kernel (``!cmd``, subprocess, spawned workers) get the overlay through one boot file of the session.

It writes that file; when a child reads it, and in which Python, it does not know: the file itself checks that.
"""

from __future__ import annotations

import os

BOOT = "sitecustomize.py"


def boot_folder(session: str) -> str:
    """Folder for PYTHONPATH, below the folder *session*, with the boot file in it; written once.

    It lies in the session, not in our package: a child would otherwise write its bytecode into base.
    """
    folder = os.path.join(session, "boot")
    target = os.path.join(folder, BOOT)
    if not os.path.isfile(target):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.path.join(os.path.dirname(__file__), "boot.py"), "rb") as source:
            text = source.read()
        with open(f"{target}.{os.getpid()}", "wb") as copy:
            copy.write(text)
        os.replace(f"{target}.{os.getpid()}", target)
    return folder
