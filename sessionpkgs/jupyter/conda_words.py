"""The line behind ``%conda``, ``%mamba`` or ``%micromamba`` as data: what to do with which conda specifications.

A session has one environment and no other, so what would choose, make or switch one is refused. It does not open files,
it knows no channel, and what a specification means the conda reader says.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, cast

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show
from sessionpkgs.jupyter import conda_options, shell_words
from sessionpkgs.jupyter.option_words import Chosen, choose, explain, values, verb_at
from sessionpkgs.jupyter.requirement_words import COMMA, TEXTS, file_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessionpkgs.jupyter.option_words import Table

Program = Literal["conda", "mamba", "micromamba"]
Verb = Literal["install", "update", "remove", "list", "env update", "env export", "stock", "help"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CondaCommand:
    """What one line asks for.

    ``specs`` are conda specifications as they were written, ``channels`` those of ``-c`` in order, ``file`` an
    environment.yml or a list of specifications, or where ``env export`` writes to (it may begin with ``~``),
    ``names`` what to remove, or the pattern of ``list``. ``form`` is text, json or export. ``text`` is the help. With the
    verb ``stock`` the line goes to the program as it was written. ``tail`` and ``quiet``: see ``shell_words``.
    """

    verb: Verb
    specs: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    file: str = ""
    form: str = "text"
    all: bool = False
    prune: bool = False
    override_channels: bool = False
    no_deps: bool = False
    force: bool = False
    dry_run: bool = False
    from_history: bool = False
    no_builds: bool = False
    full_name: bool = False
    quiet: bool = False
    verbose: bool = False
    tail: str = ""
    text: str = ""
    notices: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


def parse(line: str, *, program: Program) -> CondaCommand:
    """Give what the *line* behind ``%conda``, ``%mamba`` or ``%micromamba`` asks for.

    Raises:
        SpecError: a sub-command or an option that has no meaning in a session, or shell text that a magic cannot run.
    """
    taken = shell_words.split(line)
    verb, rest = _verb(taken.words, program)
    found = CondaCommand(verb=verb, words=taken.words, tail=taken.tail, quiet=taken.quiet)
    if verb == "stock":
        return found
    command, table = f"%{program} {verb}", _table(verb, program)
    chosen = choose(rest, table, command)
    if "help" in chosen.flags:
        usage = f"{command} [OPTIONS] [WORDS]\nIt works on this session only; nothing else on the machine changes."
        return replace(found, verb="help", text=explain(table, usage))
    return _READERS[verb](_common(found, chosen, command), chosen, command)


def _table(verb: str, program: Program) -> Table:
    """The options of *verb*; mamba and micromamba have ``-f`` for ``--file`` everywhere."""
    table = conda_options.TABLES[verb]
    return {**table, **values(file="-f --file")} if verb in {"install", "update"} and program != "conda" else table


def _verb(words: tuple[str, ...], program: Program) -> tuple[Verb, tuple[str, ...]]:
    """The sub-command, and the words without it."""
    path, rest = "", words
    while path in {"", "env"}:
        if not path and rest[:1] and rest[0] in {"-V", "--version", "-h", "--help"}:
            return "stock", rest
        at = verb_at(rest, conda_options.INSTALL, f"%{program}")
        if at == len(rest):
            break
        word = rest[at]
        path, rest = f"{path} {word}".strip(), (*rest[:at], *rest[at + 1 :])
    path = conda_options.SAME.get(path, path)
    if path not in conda_options.TABLES:
        raise _unknown(path, program)
    return cast("Verb", path), rest


def _unknown(path: str, program: Program) -> SpecError:
    """Say that the sub-command does not work here, and what to use instead."""
    shown = show(path, 40)
    if not path:
        return SpecError(f"%{program} has no sub-command here.", hint=f"These work: {conda_options.WORKS}.")
    near = difflib.get_close_matches(path, [*conda_options.TABLES, *conda_options.SAME], n=1)
    hint = conda_options.INSTEAD.get(
        path, f"Write %{program} {near[0]}." if near else f"These work: {conda_options.WORKS}."
    )
    return SpecError(
        f"%{program} {shown} does not work in a session.", hint=hint.replace("%conda", f"%{program}"), item=shown
    )


def _common(found: CondaCommand, chosen: Chosen, command: str) -> CondaCommand:
    """What every sub-command has."""
    files = chosen.all("file")
    if len(files) > 1:
        raise SpecError(f"{command} takes one file.", hint="Write one line for each file.", item=show(files[1]))
    return replace(
        found,
        channels=tuple(dict.fromkeys(chosen.all("channels"))),
        file=file_path(chosen.last("file"), command),
        form="json" if "json" in chosen.flags else "text",
        quiet=found.quiet or "quiet" in chosen.flags,
        verbose="verbose" in chosen.flags,
        dry_run="dry_run" in chosen.flags,
        override_channels="override_channels" in chosen.flags,
        no_deps="no_deps" in chosen.flags,
        force="force" in chosen.flags,
        notices=tuple(chosen.notices),
    )


def _install(common: CondaCommand, chosen: Chosen, command: str) -> CondaCommand:
    """``install`` and ``update``: specifications, a file, or all."""
    everything = "all" in chosen.flags
    specs = _specs(chosen.operands, command)
    if not (specs or common.file or everything):
        raise SpecError(f"{command} names nothing.", hint=f"Write {command} NAME or --file FILE.", item=command)
    return replace(common, specs=specs, all=everything)


def _remove(common: CondaCommand, chosen: Chosen, command: str) -> CondaCommand:
    """``remove``: names; a version behind one is not looked at."""
    specs = _specs(chosen.operands, command)
    if not specs:
        raise SpecError(f"{command} names nothing.", hint=f"Write {command} NAME.", item=command)
    names = tuple(re.split(r"[\s=<>!~\[]", spec.rpartition("::")[2], maxsplit=1)[0] for spec in specs)
    notices = common.notices if names == specs else (*common.notices, "Versions behind a name are not looked at.")
    return replace(common, names=names, notices=notices)


def _list(common: CondaCommand, chosen: Chosen, command: str) -> CondaCommand:
    """``list``, maybe with one pattern."""
    if len(chosen.operands) > 1:
        raise SpecError(
            f"{command} takes one pattern.", hint=f"Write {command} '^(a|b)$'.", item=show(chosen.operands[1])
        )
    notices = ("--no-pip is not used: a session has no other packages.",) if "no_pip" in chosen.flags else ()
    return replace(
        common,
        names=tuple(chosen.operands),
        form="export" if "export" in chosen.flags else common.form,
        full_name="full_name" in chosen.flags,
        notices=(*common.notices, *notices),
    )


def _env_update(common: CondaCommand, chosen: Chosen, command: str) -> CondaCommand:
    """``env update -f FILE``; conda's own default is environment.yml."""
    if chosen.operands:
        raise SpecError(
            f"{command} takes only a file.", hint=f"Write {command} -f FILE.", item=show(chosen.operands[0])
        )
    return replace(common, file=common.file or "environment.yml", prune="prune" in chosen.flags)


def _env_export(common: CondaCommand, chosen: Chosen, command: str) -> CondaCommand:
    """``env export``, also as ``export``."""
    form = chosen.last("form", "yaml")
    if chosen.operands or form not in {"yaml", "environment-yaml", "json", "environment-json"}:
        raise SpecError(
            f"{command} gives an environment.yml, and nothing else is named.",
            hint=f"Write {command} > FILE.",
            item=form,
        )
    return replace(
        common,
        form="json" if form.endswith("json") else common.form,
        from_history="from_history" in chosen.flags,
        no_builds="no_builds" in chosen.flags,
    )


def _specs(words: list[str], command: str) -> tuple[str, ...]:
    """The specifications, each one word.

    Raises:
        SpecError: commas between names, or a file or path without its option.
    """
    for word in words:
        if "[" not in word and COMMA.search(word):
            raise SpecError(
                f"{command}: packages stand apart by blanks, not by commas.", hint=f"Write {command} NAME NAME."
            )
        if not word.strip() or word.startswith("-") or re.search(r"[\n\r]", word):
            raise SpecError(f"{command}: {show(word)!r} is not a package.", hint="Write name or name=1.2.")
        if TEXTS.fullmatch(word):
            raise SpecError(
                f"{command}: {show(word)!r} is a file.",
                hint=f"Write --file {show(word)}, or %conda env update -f {show(word)}.",
                item=show(word),
            )
    return tuple(words)


_READERS: dict[str, Callable[[CondaCommand, Chosen, str], CondaCommand]] = {
    "install": _install,
    "update": _install,
    "remove": _remove,
    "list": _list,
    "env update": _env_update,
    "env export": _env_export,
}
