"""What a pool's declaration brings: requirements, packages of the workspace, jars. It resolves nothing."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from typing import Any

from sessionpkgs import workspace
from sessionpkgs.errors import IntegrityError, NotFoundError, SpecError
from sessionpkgs.formats import pylock_toml
from sessionpkgs.model import Plan, Spec
from sessionpkgs.pools.wanted import Wanted
from sessionpkgs.session import Session, activation
from sessionpkgs.steps import step

JSON = dict[str, Any]


def spec(session: Session, wanted: Wanted, env: Mapping[str, str]) -> tuple[Spec, list[workspace.Artefact]]:
    """The requirements of *wanted* and its jars. Raises :class:`NotFoundError` for names that the workspace lacks."""
    text = wanted.text
    every = {
        wanted.label: text,
        "--session": wanted.session,
        "--on-create": wanted.on_create,
        "--on-start": wanted.on_start,
    }
    if bad := [label for label, said in every.items() if pylock_toml.without_login(said) != said]:
        raise SpecError(
            f"{bad[0]} has a login or a token in an address, and a pool is read by others",
            hint="Configure the index with its login in pip's configuration or netrc instead.",
            item=bad[0],
        )
    found = session.read(text, label=wanted.label, folder=wanted.folder) if text.strip() else Spec()
    if wanted.session.strip():  # read by each kernel: what cannot be read is told now
        session.read(wanted.session, label="--session")
    named = [_present(line, "wheel", env) for line in wanted.packages]
    lines = [line for line, _ in named]
    more = session.read("\n".join(lines) + "\n", label="--package", form="requirements_txt") if lines else Spec()
    return found | more, [artefact for _, artefact in (_present(line, "jar", env) for line in wanted.jars)]


def _present(line: str, kind: str, env: Mapping[str, str]) -> tuple[str, workspace.Artefact]:
    """*line* with the newest artefact that it means."""
    found = workspace.find(env, line, kind=kind)
    if found is None:
        raise NotFoundError(
            f"{line} is not among the {kind}s of the workspace {workspace.place(env)}",
            hint="Add it (sessionpkgs workspace add FILE); sessionpkgs workspace list shows what is there.",
            item=line,
        )
    return line, found


def refuse_folders(todo: Plan) -> None:
    """Refuse local folders, whose content may change at any time. Raises :class:`SpecError`."""
    if folders := [pin.name for pin in activation.mutable(todo)]:
        raise SpecError(
            f"{', '.join(folders)}: a pool cannot hold a local folder, whose content may change",
            hint="Build a wheel of it (pip wheel) and add that to the workspace.",
            item=folders[0],
        )


def reassigned(wanted: Wanted, add: Mapping[str, Iterable[str]], drop: Mapping[str, Iterable[str]]) -> Wanted:
    """*wanted* with names added to its ``packages`` and ``jars``, in place of others of the same name, and some taken out.

    Raises :class:`NotFoundError` for one to take out that is not there.
    """
    changed: dict[str, tuple[str, ...]] = {}
    for part in ("packages", "jars"):
        held: dict[str, str] = {_name(line): line for line in getattr(wanted, part)}
        for line in drop.get(part, ()):
            if _name(line) not in held:
                raise NotFoundError(
                    f"{line} is not assigned to this pool", hint=f"Assigned: {', '.join(held) or 'nothing'}.", item=line
                )
            del held[_name(line)]
        held |= {_name(line): line for line in add.get(part, ())}
        changed[part] = tuple(held.values())
    return wanted.changed(changed)


def _name(line: str) -> str:
    """The normalised name in *line* (``name`` or ``name==version``)."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(line.partition("==")[0].strip()))


def keep(jars: Iterable[workspace.Artefact], root: str) -> list[JSON]:
    """Rows of *jars*, each copied into the store at *root* by its content. Raises :class:`IntegrityError`."""
    rows = []
    for jar in jars:
        place = os.path.join(root, "artifacts", jar.sha256)
        final = os.path.join(place, jar.file)
        if not os.path.isfile(final):
            os.makedirs(place, exist_ok=True)
            _copy(jar, final)
        os.utime(place)  # a collection takes it for new until the generation is there
        rows.append(
            {
                "name": jar.name,
                "version": jar.version,
                "sha256": jar.sha256,
                "path": final,
                "coordinate": jar.coordinate,
            }
        )
    return rows


def _copy(jar: workspace.Artefact, final: str) -> None:
    """Bring the bytes of *jar* to *final*, whole and true or not at all."""
    made = f"{final}.{secrets.token_hex(4)}"
    try:
        shutil.copyfile(jar.path, made)
        with open(made, "rb") as source:
            digest = (
                hashlib.file_digest(source, "sha256").hexdigest()
                if hasattr(hashlib, "file_digest")
                else _sha256(source)
            )
        if digest != jar.sha256:
            raise IntegrityError(
                f"{jar.path} is not what was added to the workspace: its hash differs",
                hint="Remove it from the workspace and add it again.",
                item=jar.file,
            )
        step("jar.rename")
        os.replace(made, final)
    finally:
        if os.path.lexists(made):
            os.unlink(made)


def _sha256(source: Any) -> str:
    """Hash of an open file."""
    digest = hashlib.sha256()
    while chunk := source.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
