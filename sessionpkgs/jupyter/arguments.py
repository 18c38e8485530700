"""The words behind ``%%session_env`` and ``%session_env``, parsed; a wrong one is a SpecError, not an exit.

It maps words to one Session method each and decides nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sessionpkgs.errors import SpecError

if TYPE_CHECKING:
    from sessionpkgs.session import Session

_CELL = """\
Declare what this session has: the cell's text is an environment.yml or requirements lines. Afterwards the session
holds exactly this, over base; what an earlier declaration brought and this one does not is gone.
"""
_IGNORE = re.compile(r"(?<=\s)--ignore-python(?=\s|$)")
_SHELL = re.compile(r"[|>]")
_LINE = "Look at the session's packages and change them one by one."


class _Shown(Exception):
    """The help was asked for and shown."""


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving Python."""

    def error(self, message: str) -> NoReturn:
        raise SpecError(f"{self.prog}: {message}", hint="%session_env -h shows the options.")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        del status, message
        raise _Shown


def _engine(parser: argparse.ArgumentParser) -> None:
    """The option that chooses the engine."""
    parser.add_argument("--engine", choices=("uv", "pip"), default="", help="who resolves and installs; uv by default")


def _without(parser: argparse.ArgumentParser) -> None:
    """The option that passes names over."""
    parser.add_argument(
        "--without", metavar="NAMES", type=_names, default=(), help="pass these names over, split by commas"
    )


def _restart(parser: argparse.ArgumentParser) -> None:
    """The option that restarts Python where a loaded module stands in the way."""
    parser.add_argument(
        "--restart", "-f", action="store_true", help="restart Python in place where a loaded module stands in the way"
    )


def _names(text: str) -> tuple[str, ...]:
    """Names split by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _cell_parser() -> _Parser:
    """Options of the cell magic."""
    parser = _Parser(prog="%%session_env", description=_CELL)
    parser.add_argument("--plan", action="store_true", help="say what would happen, change nothing, build nothing")
    parser.add_argument("--refresh", action="store_true", help="ask the index again even if this was built before")
    parser.add_argument(
        "--ignore-python", action="store_true", help="drop a python= line that does not fit this kernel"
    )
    parser.add_argument(
        "--file", metavar="PATH", default="", help="read this file; the cell's text, if any, adds to it"
    )
    _engine(parser)
    _without(parser)
    _restart(parser)
    return parser


def _line_parser() -> tuple[_Parser, Mapping[str, argparse.ArgumentParser]]:
    """The parser of the line magic, and that of each verb by name."""
    parser = _Parser(prog="%session_env", description=_LINE)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    verbs.add_parser("status", help="what the session has now (also without a verb)")
    listing = verbs.add_parser("list", help="every distribution with its level: session, pool or base")
    listing.add_argument("--workspace", action="store_true", help="instead the wheels and jars of the workspace")
    plan = verbs.add_parser("plan", help="what adding requirements, or setting a file, would do")
    plan.add_argument("what", nargs="+", metavar="REQUIREMENT|FILE")
    add = verbs.add_parser("add", help="bring requirements in beside what is there; options as %%pip install has them")
    add.add_argument("what", nargs="+", metavar="REQUIREMENT")
    remove = verbs.add_parser("remove", help="take requirements out, and what only they needed")
    remove.add_argument("what", nargs="+", metavar="NAME")
    _restart(remove)
    chosen = verbs.add_parser("set", help="make the session hold exactly what a file declares")
    chosen.add_argument("what", nargs=1, metavar="FILE")
    chosen.add_argument("--refresh", action="store_true", help="ask the index again")
    _without(chosen)
    _restart(chosen)
    restore = verbs.add_parser("restore", help="exactly what an executed notebook, a lock or this kernel had, by hash")
    restore.add_argument("file", nargs="?", default="", metavar="NOTEBOOK|LOCK")
    _restart(restore)
    verbs.add_parser("reset", help="base (or the pool) again, nothing of the session")
    verbs.add_parser("restart", help="a new Python in the same kernel, with the session as it is; the next cells run")
    _looking(verbs)
    for verb in (plan, add, chosen):
        _engine(verb)
    for verb in (plan, chosen):
        verb.add_argument("--ignore-python", action="store_true", help="drop a python= line that does not fit")
    return parser, verbs.choices


def _looking(verbs: Any) -> None:
    """Verbs that only look, and those that write what a session holds."""
    verbs.add_parser("check", help="what does not fit together, and whether base was so before")
    why = verbs.add_parser("why", help="who asked for a distribution")
    why.add_argument("what", nargs=1, metavar="NAME")
    show = verbs.add_parser("show", help="what a distribution says about itself")
    show.add_argument("what", nargs="+", metavar="NAME")
    show.add_argument("--files", "-f", action="store_true", help="with its files")
    freeze = verbs.add_parser("freeze", help="the session's versions as requirement lines")
    freeze.add_argument("--all", action="store_true", help="with those of base and of the pool")
    export = verbs.add_parser("export", help="a text that pip, uv or this magic gives the same versions from")
    export.add_argument("file", nargs="?", default="", metavar="FILE", help="where to; shown where it is left out")
    export.add_argument("--format", choices=("pylock", "requirements", "environment"), default="")
    export.add_argument("--cell", action="store_true", help="as the next cell, which gives the same session again")
    lock = verbs.add_parser("lock", help="the same as a pylock.toml")
    lock.add_argument("file", nargs="?", default="pylock.toml", metavar="FILE")
    for verb in (export, lock):
        verb.add_argument("--own", action="store_true", help="without what base or the pool has already")
        verb.add_argument("--force", action="store_true", help="write over a file that is there")
    diff = verbs.add_parser("diff", help="what differs from a record: an executed notebook, a lock, this kernel's last")
    diff.add_argument("file", nargs="?", default="", metavar="NOTEBOOK|LOCK")
    verbs.add_parser("doctor", help="look whether everything is there")


def words(verb: str) -> list[str]:
    """Verbs and options of ``%session_env``; with a *verb* the options of that one."""
    _, verbs = _line_parser()
    if verb in verbs:
        return re.findall(r"--[a-z-]+", verbs[verb].format_usage())
    return [*verbs, *re.findall(r"--[a-z-]+", _cell_parser().format_usage())]


def _parse(parser: _Parser, line: str) -> argparse.Namespace | None:
    """*line* parsed; None when only the help was wanted."""
    try:
        return parser.parse_args(_words(line, parser.prog))
    except _Shown:
        return None


def _words(line: str, command: str) -> list[str]:
    """The words of *line*, quotes understood; from a word that begins with ``#`` on it is a comment."""
    reader = shlex.shlex(line, posix=True)
    reader.whitespace_split, reader.commenters = True, ""
    try:
        return [*takewhile(lambda word: not word.startswith("#"), reader)]
    except ValueError as error:
        raise SpecError(f"{command}: {error}", hint="Close the quotation mark.") from None


def cell(line: str) -> argparse.Namespace | None:
    """Options of ``%%session_env``; None when the help was shown. Raises :class:`SpecError`."""
    return _parse(_cell_parser(), line)


def verb(line: str) -> argparse.Namespace | None:
    """Verb and words of ``%session_env``; None when the help was shown. Raises :class:`SpecError`.

    Options without a verb, such as ``--file env.yml``, mean what they mean for the cell.
    """
    words = line.split()
    if words and (words[0].startswith("--") or words[0] == "-f") and words[0] != "--help":
        return _parse(_cell_parser(), line)
    if words and words[0] in ("add", "plan") and not {"-h", "--help"} & {*words} and len(words) > 1:
        return _adding(words[0], line)
    return _parse(_line_parser()[0], line) if not _SHELL.search(line) else _with_tail(line)


def _with_tail(line: str) -> argparse.Namespace | None:
    """*line* with a pipeline or a redirection behind it, as ``tail`` and ``quiet``."""
    from sessionpkgs.jupyter import shell_words

    taken = shell_words.split(line)
    chosen = _parse(_line_parser()[0], shlex.join(os.path.expandvars(word) for word in taken.words))
    if chosen is not None:
        chosen.tail, chosen.quiet = taken.tail, taken.quiet
    return chosen


def _adding(verb: str, line: str) -> argparse.Namespace:
    """``add`` or ``plan`` with words as ``%pip install`` takes them, and options of our own."""
    from sessionpkgs.jupyter import pip_lines

    rest = line.strip()[len(verb) :]
    chosen, words = _file_parser().parse_known_args(_words(rest, f"%session_env {verb}"))
    if verb == "plan" and len(words) == 1 and Path(words[0]).is_file():
        return argparse.Namespace(verb="plan", file=words[0], engine=chosen.engine, ignore_python=chosen.ignore_python)
    if not any(word.startswith("-") for word in words):
        _no_files(words)
    asked = pip_lines.parse(f"install {_IGNORE.sub(' ', rest)}")
    return argparse.Namespace(verb=verb, pip=asked, tail=asked.tail, quiet=asked.quiet, restart=asked.restart)


def _file_parser() -> _Parser:
    """Options of ``plan FILE``."""
    parser = _Parser(prog="%session_env plan", add_help=False, allow_abbrev=False)
    parser.add_argument("--ignore-python", action="store_true")
    _engine(parser)
    return parser


def declare(session: Session, chosen: argparse.Namespace, body: str) -> dict[str, Any]:
    """Declare or preview the cell's *body* and the file that *chosen* names."""
    common = {
        "file": chosen.file,
        "engine": chosen.engine,
        "ignore_python": chosen.ignore_python,
        "refresh": chosen.refresh,
        "without": chosen.without,
    }
    return session.ask.preview(body, **common) if chosen.plan else session.declare(body, **common)


def act(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """Carry out one verb."""
    if "verb" not in chosen:
        return declare(session, chosen, "")
    return _ACTS.get(chosen.verb or "status", _answer)(session, chosen)


def _add(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """``add`` and ``plan``: as ``%pip install``, or what a file would set."""
    from sessionpkgs.jupyter import packages

    if "file" in chosen:
        return session.ask.preview(file=chosen.file, engine=chosen.engine, ignore_python=chosen.ignore_python)
    return packages.install(session, replace(chosen.pip, dry_run=chosen.pip.dry_run or chosen.verb == "plan"))


def _set(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """``set``: a file."""
    return session.declare(
        file=chosen.what[0],
        engine=chosen.engine,
        refresh=chosen.refresh,
        ignore_python=chosen.ignore_python,
        without=chosen.without,
    )


def _export(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """``export`` and ``lock``: a text, shown or written."""
    form = "pylock" if chosen.verb == "lock" else chosen.format
    if chosen.verb == "export" and chosen.cell:
        if chosen.file or form:
            raise SpecError("%session_env export: --cell takes neither a file nor a format", hint="Leave them out.")
        form = "cell"
    return session.ask.export(form, file=chosen.file, own=chosen.own, force=chosen.force)


def _answer(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """Verbs that only look."""
    options: dict[str, dict[str, Any]] = {
        "why": {"name": chosen.what[0]} if chosen.verb == "why" else {},
        "show": {"names": chosen.what, "files": chosen.files} if chosen.verb == "show" else {},
        "freeze": {"everything": chosen.all} if chosen.verb == "freeze" else {},
    }
    return session.ask.answer(chosen.verb, **options.get(chosen.verb, {}))


def _no_files(words: list[str]) -> None:
    """Refuse to look for a distribution with the name of a file that is there."""
    for word in words:
        if Path(word).is_file() and not word.endswith((".whl", ".gz", ".zip")):
            raise SpecError(f"{word} is a file", hint=f"%session_env set {word} reads it.", item=word)


_ACTS: dict[str, Callable[[Session, argparse.Namespace], dict[str, Any]]] = {
    "status": lambda session, _: session.status(),
    "plan": _add,
    "add": _add,
    "remove": lambda session, chosen: session.remove(chosen.what),
    "set": _set,
    "reset": lambda session, _: session.reset(),
    "restore": lambda session, chosen: session.restore(chosen.file),
    "diff": lambda session, chosen: session.ask.diff(chosen.file),
    "export": _export,
    "lock": _export,
    "list": lambda session, chosen: session.ask.workspace() if chosen.workspace else session.ask.answer("list"),
}
