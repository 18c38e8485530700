"""The words behind ``%%session_env`` and ``%session_env``, parsed; a wrong one is a SpecError, not an exit.

It maps words to one Session method each and decides nothing else.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from sessionpkgs.errors import SpecError

if TYPE_CHECKING:
    from sessionpkgs.session import Session

_CELL = """\
Declare what this session has: the cell's text is an environment.yml or requirements lines. Afterwards the session
holds exactly this, over base; what an earlier declaration brought and this one does not is gone.
"""
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
    return parser


def _line_parser() -> _Parser:
    """Verbs of the line magic."""
    parser = _Parser(prog="%session_env", description=_LINE)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    verbs.add_parser("status", help="what the session has now (also without a verb)")
    plan = verbs.add_parser("plan", help="what adding requirements, or setting a file, would do")
    plan.add_argument("what", nargs="+", metavar="REQUIREMENT|FILE")
    add = verbs.add_parser("add", help="bring requirements in beside what is there")
    add.add_argument("what", nargs="+", metavar="REQUIREMENT")
    remove = verbs.add_parser("remove", help="take requirements out, and what only they needed")
    remove.add_argument("what", nargs="+", metavar="NAME")
    chosen = verbs.add_parser("set", help="make the session hold exactly what a file declares")
    chosen.add_argument("what", nargs=1, metavar="FILE")
    chosen.add_argument("--refresh", action="store_true", help="ask the index again")
    verbs.add_parser("reset", help="base again, nothing of the session")
    for verb in (plan, add, remove, chosen):
        _engine(verb)
    for verb in (plan, chosen):
        verb.add_argument("--ignore-python", action="store_true", help="drop a python= line that does not fit")
    return parser


def _parse(parser: _Parser, line: str) -> argparse.Namespace | None:
    """*line* parsed; None when only the help was wanted."""
    try:
        return parser.parse_args(_words(line))
    except ValueError as error:
        raise SpecError(f"{parser.prog}: {error}", hint="Close the quotation mark.") from None
    except _Shown:
        return None


def _words(line: str) -> list[str]:
    """The words of *line*, quotes understood; from a word that begins with ``#`` on it is a comment."""
    words = shlex.split(line)
    end = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:end]


def cell(line: str) -> argparse.Namespace | None:
    """Options of ``%%session_env``; None when the help was shown. Raises :class:`SpecError`."""
    return _parse(_cell_parser(), line)


def verb(line: str) -> argparse.Namespace | None:
    """Verb and words of ``%session_env``; None when the help was shown. Raises :class:`SpecError`.

    Options without a verb, such as ``--file env.yml``, mean what they mean for the cell.
    """
    words = line.split()
    if words and words[0].startswith("--") and words[0] != "--help":
        return _parse(_cell_parser(), line)
    return _parse(_line_parser(), line)


def declare(session: Session, chosen: argparse.Namespace, body: str) -> dict[str, Any]:
    """Declare or preview the cell's *body* and the file that *chosen* names."""
    common = {"file": chosen.file, "engine": chosen.engine, "ignore_python": chosen.ignore_python}
    return session.preview(body, **common) if chosen.plan else session.declare(body, refresh=chosen.refresh, **common)


def act(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """Carry out one verb."""
    if "verb" not in chosen:
        return declare(session, chosen, "")
    if chosen.verb == "add":
        _no_files(chosen.what)
        return session.add(chosen.what, engine=chosen.engine)
    if chosen.verb == "remove":
        return session.remove(chosen.what)
    if chosen.verb == "set":
        return session.declare(
            file=chosen.what[0], engine=chosen.engine, refresh=chosen.refresh, ignore_python=chosen.ignore_python
        )
    if chosen.verb == "plan":
        return _plan(session, chosen)
    return session.reset() if chosen.verb == "reset" else session.status()


def _no_files(words: list[str]) -> None:
    """Refuse to look for a distribution with the name of a file that is there."""
    for word in words:
        if Path(word).is_file() and not word.endswith((".whl", ".gz", ".zip")):
            raise SpecError(f"{word} is a file", hint=f"%session_env set {word} reads it.", item=word)


def _plan(session: Session, chosen: argparse.Namespace) -> dict[str, Any]:
    """What a file would set, or what requirements would add."""
    common = {"engine": chosen.engine, "ignore_python": chosen.ignore_python}
    if len(chosen.what) == 1 and Path(chosen.what[0]).is_file():
        return session.preview(file=chosen.what[0], **common)
    return session.preview_add(chosen.what, engine=chosen.engine)
