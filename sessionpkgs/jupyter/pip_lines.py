"""The line behind ``%pip`` or ``%uv`` as data: what to do, and requirement lines in our own words.

What is given is what the requirements reader takes; policy and versions are judged elsewhere. It does not open files,
and it does not know the session.
"""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show
from sessionpkgs.jupyter import pip_options, shell_words
from sessionpkgs.jupyter.option_words import Chosen, choose, explain, verb_at
from sessionpkgs.jupyter.requirement_words import (
    file_path,
    names_in,
    option_value,
    references,
    refuse_commas,
    requirement,
    restarting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Program = Literal["pip", "uv"]
Verb = Literal["install", "uninstall", "list", "freeze", "show", "check", "download", "sync", "stock", "help"]

_FORMS = ("columns", "freeze", "json")
_WORDS = {
    "requirement": "-r",
    "constraint": "-c",
    "editable": "-e",
    "index_url": "--index-url",
    "extra_index_url": "--extra-index-url",
    "find_links": "--find-links",
}
_FLAGS = {"no_index": "--no-index", "pre": "--pre", "no_deps": "--no-deps", "require_hashes": "--require-hashes"}
_EAGER = "--upgrade-strategy eager is not used: only what has to change changes."
_CHOICES = {
    "engine": ({"uv": "", "pip": ""}, "Write --engine uv or --engine pip."),
    "strategy": (
        {"only-if-needed": "", "highest": "", "eager": _EAGER},
        "Leave it out: the newest versions that fit are taken.",
    ),
    "prerelease": (
        {"allow": "", "if-necessary": "", "if-necessary-or-explicit": ""},
        "Write --prerelease allow, or leave it out.",
    ),
    "index_strategy": (
        {"first-index": ""},
        "Leave it out: the first index that has a name is asked, the others are not.",
    ),
}
_INDEX_NAME = re.compile(r"[\w.-]+=(?=[a-z]+:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipLine:
    """What one line asks for.

    ``lines`` are lines of a requirements text: requirements, ``-r``, ``-c``, ``-e``, indexes, ``--pre`` and the like;
    ``names`` what to uninstall or show, ``excluded`` what to leave out of a list, ``upgraded`` what alone may be upgraded.
    ``file`` is the file of ``sync``, ``folder`` that of ``download``; both may begin with ``~``. ``text`` is the help.
    With the verb ``stock`` the line goes to the program as it was written. ``tail`` and ``quiet``: see ``shell_words``.
    """

    verb: Verb
    lines: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    upgraded: tuple[str, ...] = ()
    upgrade: bool = False
    force: bool = False
    refresh: bool = False
    quiet: bool = False
    verbose: bool = False
    dry_run: bool = False
    restart: bool = False
    all: bool = False
    files: bool = False
    engine: str = ""
    form: str = "columns"
    file: str = ""
    folder: str = ""
    tail: str = ""
    text: str = ""
    notices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def parse(line: str, *, program: Program = "pip") -> PipLine:
    """Give what the *line* behind ``%pip`` or ``%uv`` asks for.

    Raises:
        SpecError: a sub-command or an option that has no meaning in a session, or shell text that a magic cannot run.
    """
    taken = shell_words.split(line)
    verb, rest = _verb(taken.words, program)
    found = PipLine(
        verb=verb, words=taken.words, tail=taken.tail, quiet=taken.quiet, engine="uv" if program == "uv" else ""
    )
    if verb == "stock":
        return found
    command = _command(program, verb)
    table = pip_options.TABLES[program][verb]
    chosen = choose(restarting(rest) if verb == "install" else rest, table, command)
    if "help" in chosen.flags:
        return replace(found, verb="help", text=explain(table, _usage(command)))
    if "stock" in chosen.flags or chosen.all("stock"):
        return replace(found, verb="stock")
    common = replace(
        found,
        quiet=found.quiet or "quiet" in chosen.flags,
        verbose="verbose" in chosen.flags,
        notices=tuple(chosen.notices),
    )
    return _READERS[verb](common, chosen, command)


def _command(program: Program, verb: str) -> str:
    """The sub-command as a person writes it."""
    return f"%uv pip {verb}" if program == "uv" else f"%pip {verb}"


def _asks(words: Sequence[str]) -> bool:
    """Whether help or the version is asked for before any sub-command."""
    for word in words:
        if not word.startswith("-"):
            return False
        if word in pip_options.ASKING:
            return True
    return False


def _usage(command: str) -> str:
    return f"{command} [OPTIONS] [WORDS]\nIt works on this session only; nothing else on the machine changes."


def _verb(words: Sequence[str], program: Program) -> tuple[Verb, tuple[str, ...]]:
    """The sub-command, and the words without it."""
    table = pip_options.TABLES[program]
    path, rest = "", tuple(words)
    while not path or path == "pip":
        if _asks(rest):
            return "stock", rest
        at = verb_at(rest, table["install"], f"%{program}")
        if at == len(rest):
            works = ", ".join(_command(program, verb) for verb in table)
            raise SpecError(f"%{program} has no sub-command here.", hint=f"These work: {works}.")
        path, rest = f"{path} {rest[at]}".strip(), (*rest[:at], *rest[at + 1 :])
        if program == "pip":
            break
    stock = pip_options.STOCK[program]
    if path in stock or " ".join((path, *rest[:1])) in stock:
        return "stock", rest
    name = path.removeprefix("pip ") if program == "uv" else path
    if name not in table or (program == "uv" and name == path):
        raise _unknown(path, name, program)
    return cast("Verb", name), rest


def _unknown(path: str, name: str, program: Program) -> SpecError:
    """Say that the sub-command does not work here, and what does."""
    verbs = pip_options.TABLES[program]
    works = f"These work: {', '.join(_command(program, verb) for verb in verbs)}."
    if path in pip_options.INSTEAD[program]:
        hint = pip_options.INSTEAD[program][path]
    elif near := difflib.get_close_matches(name, verbs, n=1):
        hint = f"Write {_command(program, near[0])}."
    elif name == program:
        hint = f"Leave the second {program} out. {works}"
    else:
        hint = f"Write {_command(program, 'install')} NAME to install something. {works}"
    return SpecError(f"%{program} {show(path, 40)} does not work in a session.", hint=hint, item=show(path, 40))


def _install(common: PipLine, chosen: Chosen, command: str) -> PipLine:
    """``install`` and ``download``: requirement lines and how they are installed."""
    refuse_commas(chosen.operands, command)
    wanted = [requirement(word, command) for word in references(chosen.operands)]
    if not (wanted or chosen.all("requirement") or chosen.all("editable")):
        raise SpecError(f"{command} names nothing.", hint=f"Write {command} NAME or {command} -r FILE.", item=command)
    return replace(
        _settled(common, chosen, command),
        lines=(*_options(chosen, command), *wanted),
        folder=file_path(chosen.last("folder"), command),
    )


def _sync(common: PipLine, chosen: Chosen, command: str) -> PipLine:
    """``sync FILE``: the session is to hold what the file says."""
    if len(chosen.operands) != 1 or chosen.all("requirement") or chosen.all("editable"):
        raise SpecError(f"{command} takes one file.", hint=f"Write {command} FILE.", item=command)
    (file,) = chosen.operands
    chosen.kept.append(("requirement", file))
    return replace(_settled(common, chosen, command), lines=_options(chosen, command), file=file_path(file, command))


def _settled(common: PipLine, chosen: Chosen, command: str) -> PipLine:
    """What ``install`` and its kin have in common; choices that a session does not have are refused."""
    notices = list(common.notices)
    for option, (known, hint) in _CHOICES.items():
        for value in chosen.all(option):
            if value not in known:
                raise SpecError(
                    f"{command}: {show(value, 40)} cannot be chosen in a session.", hint=hint, item=show(value, 40)
                )
            notices += filter(None, [known[value]])
    if chosen.last("prerelease") == "allow":
        chosen.flags.add("pre")
    notices += _order_indexes(chosen, command)
    return replace(
        common,
        upgrade="upgrade" in chosen.flags,
        upgraded=chosen.all("upgraded"),
        force="force" in chosen.flags or bool(chosen.all("reinstalled")),
        refresh="refresh" in chosen.flags or bool(chosen.all("refreshed")),
        dry_run="dry_run" in chosen.flags,
        restart="restart" in chosen.flags,
        engine=chosen.last("engine", common.engine),
        notices=tuple(dict.fromkeys(notices)),
    )


def _order_indexes(chosen: Chosen, command: str) -> list[str]:
    """Put uv's indexes in the order in which uv asks them; in ours the main one is asked first."""
    first = [_INDEX_NAME.sub("", value) for value in chosen.all("index")]
    more, main = chosen.all("extra_index_url"), chosen.last("index_url")
    if not command.startswith("%uv") or not (first or more):
        return []
    if not main and first:
        raise SpecError(
            f"{command}: --index is to be asked before the default index, which is not named.",
            hint="Name it too: --default-index URL; or ask one index alone: --index-url URL.",
            item="--index",
        )
    if not main:
        return ["--extra-index-url is asked after the default index; --index-url URL asks one index alone."]
    ordered = [*first, *more, main]
    chosen.kept = [(kept, value) for kept, value in chosen.kept if kept not in {"index_url", "extra_index_url"}]
    chosen.kept += [("extra_index_url" if place else "index_url", url) for place, url in enumerate(ordered)]
    return []


def _options(chosen: Chosen, command: str) -> tuple[str, ...]:
    """The options that are lines of a requirements text."""
    kept = [
        f"{_WORDS[name]} {shlex.quote(option_value(value, command))}" for name, value in chosen.kept if name in _WORDS
    ]
    return (*kept, *(word for flag, word in _FLAGS.items() if flag in chosen.flags))


def _uninstall(common: PipLine, chosen: Chosen, command: str) -> PipLine:
    names, more = names_in(chosen.operands, command)
    lines = _options(chosen, command)
    if not (names or lines):
        raise SpecError(f"{command} names nothing.", hint=f"Write {command} NAME.", item=command)
    notices = (*common.notices, *(["Versions behind a name are not looked at."] if more else []))
    dry, restart = "dry_run" in chosen.flags, "restart" in chosen.flags
    return replace(common, names=names, lines=lines, notices=notices, dry_run=dry, restart=restart)


def _show(common: PipLine, chosen: Chosen, command: str) -> PipLine:
    names, more = names_in(chosen.operands, command)
    if more or not names:
        raise SpecError(f"{command} takes names.", hint=f"Write {command} NAME, without a version.", item=command)
    return replace(common, names=names, files="files" in chosen.flags)


def _list(common: PipLine, chosen: Chosen, command: str) -> PipLine:
    """``list``, ``freeze`` and ``check``, which take no names."""
    if chosen.operands:
        word = show(chosen.operands[0], 40)
        raise SpecError(
            f"{command} takes no names, but {word!r} stands there.", hint=f"Write %pip show {word}.", item=word
        )
    form = chosen.last("form", "columns")
    if form not in _FORMS:
        raise SpecError(f"{command} has no format {show(form, 40)!r}.", hint=f"One of: {', '.join(_FORMS)}.", item=form)
    excluded, _ = names_in(chosen.all("excluded"), command)
    return replace(common, form=form, excluded=excluded, all="all" in chosen.flags, lines=_options(chosen, command))


_READERS: dict[str, Callable[[PipLine, Chosen, str], PipLine]] = {
    "install": _install,
    "download": _install,
    "sync": _sync,
    "uninstall": _uninstall,
    "show": _show,
    "list": _list,
    "freeze": _list,
    "check": _list,
}
