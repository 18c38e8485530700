"""``sessionpkgs workspace``: wheels and jars of a team, taken in, listed, taken out, given to pools and taken from them.

It parses words, calls one function and prints what comes back.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import ConflictError, IntegrityError, NotFoundError, SpecError
from sessionpkgs.report import Reporter

if TYPE_CHECKING:
    from sessionpkgs.workspace import Artefact, Workspace

Answer = tuple[str, dict[str, Any], int]
_WORD = "NAME[==VERSION]"


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Put the command's words among *commands*; *shared* has the options that all have."""
    verbs = commands.add_parser("workspace", help="wheels and jars of your own, for sessions and pools")
    verbs = verbs.add_subparsers(metavar="WHAT", required=True)
    placed = argparse.ArgumentParser(add_help=False, parents=[shared])
    placed.add_argument("--workspace", default="", metavar="DIR", help="another folder than the setting `workspace`")
    taking = verbs.add_parser("add", parents=[placed], help="look at wheels and jars and take them in")
    taking.add_argument("what", nargs="+", metavar="PATH|URL", help="files, folders of them, URLs with #sha256=…")
    taking.set_defaults(act=_add)
    listing = verbs.add_parser("list", parents=[placed], help="what is there")
    listing.add_argument("name", nargs="?", default="", metavar="NAME")
    listing.set_defaults(act=_list)
    show = verbs.add_parser("show", parents=[placed], help="hash, requirements, who added it, which pools use it")
    show.add_argument("name", metavar=_WORD)
    show.set_defaults(act=_show)
    remove = verbs.add_parser("remove", parents=[placed], help="take out what no pool uses")
    remove.add_argument("names", nargs="+", metavar=_WORD)
    remove.add_argument("--all", action="store_true", help="every version of the names")
    remove.set_defaults(act=_remove)
    for name, act, said in (
        ("assign", _assign, "give packages and jars to"),
        ("unassign", _unassign, "take them from"),
    ):
        verb = verbs.add_parser(name, parents=[placed], help=f"{said} a pool")
        verb.add_argument("names", nargs="+", metavar=_WORD)
        verb.add_argument("--pool", required=True, metavar="POOL")
        verb.add_argument("--scope", choices=("user", "sys-prefix", "system"), default="", help="of several such pools")
        verb.set_defaults(act=act)


def _env(chosen: argparse.Namespace) -> Mapping[str, str]:
    """The environment, with the workspace that was named."""
    named = {"SESSIONPKGS_WORKSPACE": str(Path(chosen.workspace).expanduser().absolute())} if chosen.workspace else {}
    return {**os.environ, **named}


def _workspace(chosen: argparse.Namespace) -> Workspace:
    """The workspace that is meant."""
    from sessionpkgs.workspace import here

    return here(_env(chosen))


def _reporter(chosen: argparse.Namespace) -> Reporter:
    """Who says how it goes."""
    from sessionpkgs.cli.pools import Phases

    return Reporter() if chosen.json else Phases()


def _add(chosen: argparse.Namespace) -> Answer:
    """Take artefacts in."""
    from sessionpkgs.display import workspaces
    from sessionpkgs.session.uploads import Uploads

    answer = Uploads(_env(chosen), reporter=_reporter(chosen)).add(chosen.what)
    return workspaces.added(answer), answer, answer["exit_code"]


def _list(chosen: argparse.Namespace) -> Answer:
    """What is there; the exit code tells of damage."""
    from sessionpkgs.display import workspaces
    from sessionpkgs.session.uploads import listing

    answer = listing(_env(chosen), chosen.name)
    return workspaces.listing(answer), answer, IntegrityError.exit_code if answer["damaged"] else 0


def _show(chosen: argparse.Namespace) -> Answer:
    """One name, or one version of it; the files are read again."""
    from sessionpkgs.display import workspaces
    from sessionpkgs.pools import uses

    workspace, every = _workspace(chosen), uses.every(os.environ)
    rows = []
    for one in workspace.find(chosen.name):
        pools = [use.to_dict() for use in every if use.has(one)]
        rows.append({**one.to_dict(), "path": one.path, "pools": pools, "fault": _fault(workspace, one)})
    answer = {"schema": 1, "action": "workspace show", "workspace": workspace.folder, "artefacts": rows}
    return workspaces.one(answer), answer, IntegrityError.exit_code if any(row["fault"] for row in rows) else 0


def _fault(workspace: Workspace, one: Artefact) -> str:
    """What is wrong with the bytes of an artefact, "" where nothing is."""
    try:
        workspace.check(one)
    except IntegrityError as error:
        return error.sentence
    return ""


def _remove(chosen: argparse.Namespace) -> Answer:
    """Take artefacts out, all that were named or none."""
    from sessionpkgs.display import workspaces
    from sessionpkgs.pools import uses
    from sessionpkgs.workspace import shelving

    workspace = _workspace(chosen)
    found, torn = workspace.survey()
    damaged = [sha for sha in torn for word in chosen.names if len(word) > _PREFIX and sha.startswith(word)]
    words = [word for word in chosen.names if not any(sha.startswith(word) for sha in damaged)]
    going = _going(workspace, found, words, every=chosen.all)
    staying = [one for one in found if one not in going]
    for sha256, pools in uses.held(going, staying, os.environ).items():
        (one,) = (one for one in going if one.sha256 == sha256)
        assigned = uses.assigned(one, pools[0], os.environ)
        away = (
            f"sessionpkgs workspace unassign {one.name} --pool {pools[0]}" if assigned else "it came with what needs it"
        )
        raise ConflictError(
            f"{one.title} ({one.kind}) is used by the {_pools(pools)}, so it stays in the workspace",
            hint=f"Take it from there first: {away}.",
            item=one.name,
        )
    for sha256 in (*(one.sha256 for one in going), *damaged):
        shelving.remove(workspace, sha256)
    rows = [{"name": one.name, "version": one.version, "kind": one.kind, "sha256": one.sha256} for one in going]
    rows += [{"name": sha256[:16], "version": "", "kind": "damaged", "sha256": sha256} for sha256 in damaged]
    answer = {"schema": 1, "action": "workspace remove", "workspace": workspace.folder, "removed": rows}
    return workspaces.removed(answer), answer, 0


_PREFIX = 7


def _pools(names: Sequence[str]) -> str:
    """Pools by name, for a sentence."""
    return f"pool{'s' * (len(names) > 1)} {', '.join(names)}"


def _going(workspace: Workspace, found: Sequence[Artefact], words: Sequence[str], *, every: bool) -> list[Artefact]:
    """The artefacts of *found* that *words* mean. Raises :class:`SpecError` where one means several versions."""
    going: dict[str, Artefact] = {}
    for word in words:
        meant = [one for one in found if one.answers(word)]
        if not meant:
            raise workspace.unknown(word, found)
        if len(meant) > 1 and not every:
            listed = ", ".join(one.title if one.version not in word else one.file for one in meant)
            raise SpecError(
                f"{word} means {len(meant)} artefacts: {listed}",
                hint=f"Name the version ({meant[0].name}=={meant[0].version}), the file or its hash; or add --all.",
                item=word,
            )
        going |= {one.sha256: one for one in meant}
    return list(going.values())


def _assign(chosen: argparse.Namespace) -> Answer:
    """Give artefacts to a pool; a name without a version is the newest, now and at each update."""
    found = _workspace(chosen).artefacts()
    add: dict[str, tuple[str, ...]] = {"packages": (), "jars": ()}
    for word in chosen.names:
        kinds = {one.kind for one in found if one.answers(word)}
        if not kinds:
            raise _workspace(chosen).unknown(word, found)
        add |= {part: (*add[part], word) for part in map(_part, sorted(kinds))}
    return _changed(chosen, add, {})


def _unassign(chosen: argparse.Namespace) -> Answer:
    """Take artefacts from a pool, also such as are no longer in the workspace."""
    from sessionpkgs import places
    from sessionpkgs.pools import answers
    from sessionpkgs.store import generations
    from sessionpkgs.workspace.content import same

    scope = answers.scope_of(chosen.pool, _env(chosen), chosen.scope)
    said = generations.read(places.pool_roots(_env(chosen))[scope], chosen.pool)["declaration"]
    drop: dict[str, tuple[str, ...]] = {"packages": (), "jars": ()}
    for word in chosen.names:
        name = word.partition("==")[0]
        parts = [part for part in drop if any(same(name, one.partition("==")[0]) for one in said[part])]
        if not parts:
            there = ", ".join((*said["packages"], *said["jars"])) or "nothing"
            raise NotFoundError(
                f"{word} is not assigned to the pool {chosen.pool}", hint=f"Assigned: {there}.", item=word
            )
        drop |= {part: (*drop[part], word) for part in parts}
    return _changed(chosen, {}, drop)


def _part(kind: str) -> str:
    """The part of a pool's declaration that has artefacts of *kind*."""
    return {"wheel": "packages", "jar": "jars"}[kind]


def _changed(chosen: argparse.Namespace, add: Mapping[str, Any], drop: Mapping[str, Any]) -> Answer:
    """The pool after the change; one of another interpreter is changed by that interpreter."""
    from sessionpkgs import places
    from sessionpkgs.cli.pools import going_on_in
    from sessionpkgs.display import pools
    from sessionpkgs.pools import answers
    from sessionpkgs.pools.making import Maker
    from sessionpkgs.store import generations

    env = _env(chosen)
    scope = answers.scope_of(chosen.pool, env, chosen.scope)
    going_on_in(generations.read(places.pool_roots(env)[scope], chosen.pool)["python"])
    answer = Maker(scope, env, _reporter(chosen)).change(chosen.pool, add=add, drop=drop)
    return pools.made(answer), answer, 0
