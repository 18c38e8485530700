"""A package index over the wheels of a workspace (PEP 503): pages with links to the files, made once for each content.

An index is a folder named by what the workspace holds, so it never changes and a workspace that did not change costs one
look into its folder. It asks nobody and knows no engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sessionpkgs import places
from sessionpkgs.errors import ConflictError, StoreError
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Pin
from sessionpkgs.steps import step
from sessionpkgs.workspace.content import METADATA, Artefact, Workspace, here, trusted

PREFIX = "workspace-"
"""Begins the name of an index among the folders of views; 32 digits follow. The time of the folder is that of its last
use; while it is being made its name begins with a dot.
"""
_LAYOUT = 1
_TRIES = 20
_OURS = re.compile(rf"file://.*/{PREFIX}[0-9a-f]{{32}}/simple")


def index(env: Mapping[str, str], views: str) -> str:
    """URL of the index for the workspace of *env* in the folder *views*, "" where there are no wheels.

    Raises :class:`StoreError` for a workspace that everybody may write to or nobody may read, and where there is no room
    for the pages; :class:`IntegrityError` where an artefact is torn.
    """
    workspace = here(env)
    if not os.path.isdir(workspace.folder) and places.workspace(env) != places.workspace_of_store(env):
        raise StoreError(
            f"the workspace {workspace.folder} is not there, so nobody can say which names it has",
            hint="Mount or make the folder, or mend the setting workspace (SESSIONPKGS_WORKSPACE).",
            item=workspace.folder,
        )
    for _ in range(_TRIES):
        held = workspace.held()
        if not held:
            return ""
        trusted(workspace.folder)
        key = hashlib.sha256(repr((_LAYOUT, workspace.folder, held)).encode("utf-8", "surrogateescape")).hexdigest()
        made = Path(views, f"{PREFIX}{key[:32]}")
        if made.is_dir():
            with contextlib.suppress(OSError):  # where nothing can be written, nothing is collected either
                os.utime(made)
        else:
            artefacts = workspace.artefacts()
            if sorted(one.sha256 for one in artefacts) != held:
                continue  # somebody added or removed one meanwhile
            _make(workspace, artefacts, made)
        return (made / "simple").as_uri() if (made / "simple").is_dir() else ""
    raise StoreError(
        f"the workspace {workspace.folder} changes all the time", hint="Run the cell again.", item=workspace.folder
    )


def ours(url: str) -> bool:
    """Whether *url* is the index of a workspace, which a message calls by that name."""
    return _OURS.fullmatch(url) is not None


def refuse_namesakes(pins: Iterable[Pin], indexes: Sequence[str]) -> None:
    """Refuse those of *pins* that come from elsewhere although the first of *indexes* is a workspace's and has their name.

    An engine takes the first index that has a name, but pages and folders of links (``--find-links``) beside all of them.
    A place that the declaration names itself may be used. Raises :class:`ConflictError`.
    """
    for pin in pins if indexes and ours(indexes[0]) else ():
        page = Path(url2pathname(urlsplit(indexes[0]).path), pin.name, "index.html")
        if pin.direct or not page.is_file():
            continue
        offered = page.read_text(encoding="utf-8")
        if not (pin.sha256 and f"#sha256={pin.sha256}" in offered) and f'"{escape(pin.url)}#' not in offered:
            raise ConflictError(
                f"{pin.name}=={pin.version} would come from {show(pin.url, 200)}, and {pin.name} is a name of the workspace",
                hint=f"Ask for a version that the workspace has (sessionpkgs workspace list {pin.name}), or name the file "
                "itself instead of its folder.",
                item=f"{pin.name}=={pin.version}",
            )


def _make(workspace: Workspace, artefacts: Iterable[Artefact], made: Path) -> None:
    """Write the pages for *artefacts* as the folder *made*, all or nothing. Raises :class:`StoreError`."""
    projects: dict[str, list[Artefact]] = {}
    for one in artefacts:
        if one.kind == "wheel":
            projects.setdefault(one.name, []).append(one)
    making = ""
    try:
        step("workspace.index")
        making = tempfile.mkdtemp(prefix=f".{PREFIX}", dir=made.parent)
        for name, wheels in projects.items():
            _page(Path(making, "simple", name), (_anchor(one) for one in wheels))
        if projects:
            _page(Path(making, "simple"), (f'<a href="{name}/">{name}</a>' for name in projects))
        step("workspace.indexed")
        os.rename(making, made)
    except OSError as error:
        if not made.is_dir():  # else somebody made the same
            raise StoreError(
                f"the index of the workspace {workspace.folder} cannot be made: {error.strerror or error}",
                hint="Free some space, or set SESSIONPKGS_HOME to another disk.",
                item=str(error.filename or made),
            ) from None
    finally:
        if making:
            shutil.rmtree(making, ignore_errors=True)


def _page(folder: Path, anchors: Iterable[str]) -> None:
    """A page of *anchors* for *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    body = "<br>\n".join(anchors)
    Path(folder, "index.html").write_text(f"<!DOCTYPE html>\n<html><body>\n{body}\n</body></html>\n", encoding="utf-8")


def _anchor(one: Artefact) -> str:
    """The link to a wheel, with what an engine need not open it for (PEP 503, PEP 658, PEP 714)."""
    said = [f'href="{escape(one.url)}#sha256={one.sha256}"']
    if one.requires_python:
        said.append(f'data-requires-python="{escape(one.requires_python)}"')
    with contextlib.suppress(FileNotFoundError):
        metadata = hashlib.sha256(Path(one.path + METADATA).read_bytes()).hexdigest()
        said += [f'{name}="sha256={metadata}"' for name in ("data-dist-info-metadata", "data-core-metadata")]
    return f"<a {' '.join(said)}>{escape(one.file)}</a>"
