"""``sessionpkgs pool``: create, update, roll back, look at and remove pools.

It parses words and prints; a pool of another interpreter is made by that interpreter, which takes this program's place.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from sessionpkgs.errors import EngineMissing, SpecError, StoreError
from sessionpkgs.report import Reporter

Answer = tuple[str, dict[str, Any], int]
SCOPES = ("user", "sys-prefix", "system")


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Put the command's words among *commands*; *shared* has the options that all have."""
    verbs = commands.add_parser("pool", help="shared packages that the kernels of a pool start with")
    verbs = verbs.add_subparsers(metavar="WHAT", required=True)
    scoped = argparse.ArgumentParser(add_help=False, parents=[shared])
    scopes = scoped.add_mutually_exclusive_group()
    for scope, said in zip(SCOPES, ("for yourself (default)", "for this environment", "for the machine"), strict=True):
        scopes.add_argument(f"--{scope}", dest="scope", action="store_const", const=scope, default="", help=said)
    for name, said in (("create", "make a pool and its kernel"), ("update", "change it in one step, all or nothing")):
        verb = verbs.add_parser(name, parents=[scoped], help=said)
        verb.add_argument("name", metavar="POOL")
        _parts(verb)
        if name == "update":
            verb.add_argument("--upgrade", action="store_true", help="take the newest versions, also of what is there")
        verb.set_defaults(act=_create if name == "create" else _update)
    _others(verbs, scoped, shared)


def _others(verbs: Any, scoped: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """Verbs that make nothing new."""
    back = verbs.add_parser("rollback", parents=[scoped], help="give new kernels an earlier generation")
    back.add_argument("name", metavar="POOL")
    back.add_argument("--to", type=int, default=0, metavar="N", help="the generation (default: the one before)")
    back.set_defaults(act=_rollback)
    listing = verbs.add_parser("list", parents=[shared], help="all pools")
    listing.set_defaults(act=_list)
    show = verbs.add_parser("show", parents=[scoped], help="what a pool consists of")
    show.add_argument("name", metavar="POOL")
    show.add_argument("--generation", type=int, default=0, metavar="N")
    show.set_defaults(act=_show)
    diff = verbs.add_parser(
        "diff", parents=[scoped], help="what changed between two generations; exit code 1 if anything"
    )
    diff.add_argument("name", metavar="POOL")
    diff.add_argument("old", type=int, nargs="?", default=0)
    diff.add_argument("new", type=int, nargs="?", default=0)
    diff.set_defaults(act=_diff)
    export = verbs.add_parser("export", parents=[scoped], help="its exact set as a file")
    export.add_argument("name", metavar="POOL")
    export.add_argument("--generation", type=int, default=0, metavar="N")
    export.add_argument("--format", choices=("pylock", "requirements", "environment"), default="")
    export.add_argument("-o", "--output", default="", metavar="FILE", help="where to; printed where it is left out")
    export.add_argument("--force", action="store_true", help="write over a file that is there")
    export.set_defaults(act=_export)
    verb = verbs.add_parser("remove", parents=[scoped], help="take it and its kernel away; running kernels keep it")
    verb.add_argument("name", metavar="POOL")
    verb.set_defaults(act=_remove)


def _parts(verb: argparse.ArgumentParser) -> None:
    """Options that say what a pool is made of; for an update those that are left out stay as they are."""
    files = verb.add_mutually_exclusive_group()
    for form in ("requirements", "environment"):
        files.add_argument(
            f"--{form}", dest="file", metavar="FILE", help=f"the declaration: {form} (any format is read)"
        )
    verb.add_argument("--python", default="", metavar="EXE", help="the interpreter of its kernels (default: this one)")
    verb.add_argument("--package", action="append", metavar="NAME", help="a wheel of the workspace; may be repeated")
    verb.add_argument("--jar", action="append", metavar="NAME", help="a jar of the workspace; may be repeated")
    verb.add_argument("--conf", action="append", metavar="K=V", help="a setting of Spark; may be repeated")
    verb.add_argument("--variables", action="append", metavar="K=V", help="an environment variable; may be repeated")
    verb.add_argument("--session", metavar="FILE", help="a declaration that each of its kernels begins with")
    verb.add_argument("--on-create", metavar="SCRIPT", help="run once, now, before anybody sees the pool")
    verb.add_argument("--on-start", metavar="SCRIPT", help="run by each kernel before its first cell")
    verb.add_argument("--engine", choices=("uv", "pip"), default="", help="who resolves; uv by default")


def _given(chosen: argparse.Namespace) -> dict[str, Any]:
    """The parts that were named, as fields of a declaration; an empty word empties its part."""
    from sessionpkgs.pools import wanted

    given: dict[str, Any] = wanted.declared(chosen.file) if chosen.file is not None else {}
    for part, words in (("packages", chosen.package), ("jars", chosen.jar)):
        given[part] = None if words is None else tuple(word for word in words if word)
    given["conf"] = None if chosen.conf is None else wanted.settings(chosen.conf)
    given["variables"] = None if chosen.variables is None else wanted.variables(chosen.variables)
    for part in ("session", "on_create", "on_start"):
        named = getattr(chosen, part)
        read = wanted.text_of if part == "session" else wanted.script
        given[part] = None if named is None else read(named)
    return given


def _maker(chosen: argparse.Namespace, scope: str) -> Any:
    """Who makes pools of *scope*."""
    from sessionpkgs.pools.making import Maker

    return Maker(scope, os.environ, Reporter() if chosen.json else Phases())


def _there(chosen: argparse.Namespace) -> Any:
    """The maker of the pool that is named."""
    from sessionpkgs.pools import answers

    return _maker(chosen, answers.scope_of(chosen.name, os.environ, chosen.scope))


def _create(chosen: argparse.Namespace) -> Answer:
    """Make a pool."""
    from sessionpkgs.pools.wanted import Wanted

    going_on_in(chosen.python)
    given = {part: value for part, value in _given(chosen).items() if value is not None}
    wanted = Wanted(**given)
    if not (wanted.text or wanted.packages or wanted.jars or wanted.conf or wanted.session):
        raise SpecError(
            "nothing was named that the pool should have",
            hint="Give --requirements FILE or --environment FILE, or --package NAME.",
            item=chosen.name,
        )
    return _told(_maker(chosen, chosen.scope or "user").create(chosen.name, wanted, engine=chosen.engine))


def _update(chosen: argparse.Namespace) -> Answer:
    """Change a pool; one of another interpreter by that interpreter."""
    from sessionpkgs import places
    from sessionpkgs.pools import answers
    from sessionpkgs.store import generations

    scope = answers.scope_of(chosen.name, os.environ, chosen.scope)
    root, python = places.pool_roots(os.environ)[scope], chosen.python
    with contextlib.suppress(StoreError):  # a torn one is made anew by this interpreter
        python = python or generations.read(root, chosen.name)["python"]
    going_on_in(python)
    maker = _maker(chosen, scope)
    return _told(maker.update(chosen.name, _given(chosen), engine=chosen.engine, upgrade=chosen.upgrade))


def going_on_in(python: str) -> None:
    """Go on as a program of *python*, unless this is one already. Raises :class:`EngineMissing`."""
    if not python or _same(python, sys.executable):
        return
    import shutil

    from sessionpkgs import process

    python = str(Path(shutil.which(python) or python).absolute())
    if _same(python, sys.executable):
        return
    ask = "import sys, ipykernel, sessionpkgs.cli; print(sys.executable)"
    done = process.run([python, "-I", "-c", ask], env=dict(os.environ), cwd=sys.prefix, deadline=60.0)
    if done.code != 0:
        raise EngineMissing(
            f"{python} cannot run the kernels of a pool: it has no sessionpkgs",
            hint=f"Install it there: {python} -m pip install sessionpkgs",
            item=python,
        )
    if not _same(done.stdout.strip(), sys.executable):
        process.become([python, "-m", "sessionpkgs.cli", *sys.argv[1:]])


def _same(one: str, other: str) -> bool:
    """Whether two paths start the same interpreter in the same environment: a venv's link leads to its base's program."""
    return Path(one).absolute() == Path(other).absolute()


def _told(answer: dict[str, Any]) -> Answer:
    """What was made, in words."""
    from sessionpkgs.display import pools

    return pools.made(answer), answer, 0


def _rollback(chosen: argparse.Namespace) -> Answer:
    """Give new kernels an earlier generation."""
    return _told(_there(chosen).rollback(chosen.name, chosen.to))


def _remove(chosen: argparse.Namespace) -> Answer:
    """Take a pool away."""
    answer = _there(chosen).remove(chosen.name)
    return f"The pool {chosen.name} and its kernel are gone; kernels that run keep it to their end.", answer, 0


def _list(chosen: argparse.Namespace) -> Answer:
    """All pools."""
    del chosen
    from sessionpkgs.display import pools
    from sessionpkgs.pools import answers

    answer = answers.listing(os.environ)
    return pools.listing(answer), answer, 0


def _show(chosen: argparse.Namespace) -> Answer:
    """One pool."""
    from sessionpkgs.display import pools
    from sessionpkgs.pools import answers

    answer = answers.show(chosen.name, os.environ, scope=chosen.scope, number=chosen.generation)
    return pools.one(answer), answer, 0


def _diff(chosen: argparse.Namespace) -> Answer:
    """Two generations."""
    from sessionpkgs.display import pools
    from sessionpkgs.pools import answers

    answer = answers.diff(chosen.name, os.environ, scope=chosen.scope, old=chosen.old, new=chosen.new)
    return pools.diff(answer), answer, 0 if answer["same"] else 1


def _export(chosen: argparse.Namespace) -> Answer:
    """The exact set of a pool."""
    from sessionpkgs.display.answers import Answer as Shown
    from sessionpkgs.pools import answers
    from sessionpkgs.session import exporting

    form = chosen.format or (exporting.form_of(chosen.output) if chosen.output else "pylock")
    made = answers.export(chosen.name, os.environ, form, scope=chosen.scope, number=chosen.generation)
    if chosen.output:
        _write(chosen.output, made["text"], force=chosen.force)
        made = {**made, "file": chosen.output}
    return Shown(made).text, made, 0


def _write(path: str, text: str, *, force: bool) -> None:
    """A new file, or with *force* one that was there. Raises :class:`SpecError` and :class:`StoreError`."""
    from sessionpkgs.store import write_whole

    if Path(path).exists() and not force:
        raise SpecError(f"{path} is there already", hint="Name another file, or add --force.", item=path)
    try:
        write_whole(str(Path(path).absolute()), text)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}", item=path) from None


class Phases(Reporter):
    """Says each phase in a line of standard error."""

    def step(self, text: str) -> None:
        """A new phase begins."""
        print(f"{text} …", file=sys.stderr, flush=True)
