"""The workspace: wheels and jars that a team uploaded once, by content, several versions side by side.

``content`` reads it, ``shelving`` changes it, ``pages`` is the package index over it, ``wheels`` and ``jars`` know what an
artefact says of itself. It does not know sessions or pools; who uses an artefact is asked of its callers.
"""

from __future__ import annotations

from collections.abc import Mapping

from sessionpkgs.workspace.content import Artefact, Workspace, here

__all__ = ["Artefact", "Workspace", "find", "here", "index", "place"]


def place(env: Mapping[str, str]) -> str:
    """Folder of the workspace; it may not exist."""
    return here(env).folder


def find(env: Mapping[str, str], word: str, *, kind: str = "") -> Artefact | None:
    """The newest artefact of the workspace that *word* means (:meth:`Artefact.answers`), None where there is none.

    Raises :class:`IntegrityError` for a workspace with a torn part and :class:`StoreError` for one that cannot be read.
    """
    found = [one for one in here(env).artefacts() if kind in ("", one.kind) and one.answers(word)]
    return found[-1] if found else None


def index(env: Mapping[str, str], views: str) -> str:
    """URL of a package index (PEP 503, a folder below *views*) over the wheels of the workspace, "" where it has none.

    Raises as :func:`find`: passing a fault over would let a name of the workspace come from elsewhere.
    """
    from sessionpkgs.workspace import pages

    return pages.index(env, views)
