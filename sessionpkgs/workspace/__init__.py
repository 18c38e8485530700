"""The workspace: wheels and jars that a team uploaded once, by content, several versions side by side.

It does not know sessions or pools; who uses an artefact is asked of its callers.
"""

from __future__ import annotations

from collections.abc import Mapping


def index(env: Mapping[str, str], views: str) -> str:
    """URL of a package index (PEP 503, a folder below *views*) over the wheels of the workspace, "" where it has none."""
    del env, views
    return ""
