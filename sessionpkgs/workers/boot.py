"""Runs as ``sitecustomize`` in children of a session: puts the session's layers where the kernel has them.

It works alone, with ``os`` and ``sys``; in another Python than the kernel's it does nothing. It does not know the
store: two variables tell it which folders. Then it makes way for the ``sitecustomize`` that would have run.
"""

import os
import sys


def _here() -> str:
    """The folder of this file, as it may stand in ``sys.path``."""
    return os.path.dirname(os.path.abspath(__file__))


def _layers() -> None:
    """Insert the session's folders before the first site-packages, if this is the session's Python."""
    prefix, _, version = os.environ.get("SESSIONPKGS_CHILD", "").rpartition("|")
    if prefix != sys.prefix or version != f"{sys.version_info[0]}.{sys.version_info[1]}":
        return
    folders = [p for p in os.environ.get("SESSIONPKGS_CHILD_PATH", "").split(os.pathsep) if p and p not in sys.path]
    at = next(
        (i for i, p in enumerate(sys.path) if os.path.basename(p) in ("site-packages", "dist-packages")), len(sys.path)
    )
    sys.path[at:at] = folders
    for name in filter(None, os.environ.get("SESSIONPKGS_CHILD_FINDERS", "").split(",")):
        before = list(sys.meta_path)
        __import__(name)
        sys.modules[name].install()
        fresh = [finder for finder in sys.meta_path if finder not in before]
        at = next((i for i, f in enumerate(before) if getattr(f, "__name__", "") == "PathFinder"), len(before))
        sys.meta_path[:] = [*before[:at], *fresh, *before[at:]]


def _make_way() -> None:
    """Run the ``sitecustomize`` that this one stands before, if there is one."""
    here = _here()
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    mine = sys.modules.pop("sitecustomize", None)
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        if mine is not None:
            sys.modules["sitecustomize"] = mine


if __name__ == "sitecustomize":
    _layers()
    _make_way()
