"""The words of a magic's line as a shell would split it, and what stands behind the command.

People write shell after ``%pip``: quotes, comments, redirections, pipelines, and versions without quotes, which a shell
would take for files. It does not know the command's options, and it runs nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show
from sessionpkgs.jupyter.shell_reading import VERSION, Reading

_LEADS = re.compile(r",?(?:[<>=]|[!~]=)")
_NAMED = re.compile(r"(?:[^\s:-][^\s:]*::)?[A-Za-z0-9_][\w.-]*(?:\[[^\[\]]*\])?\s*(?P<more>[<>=!~].*)?", re.ASCII)

_INSTALLER = re.compile(r"(?<![\w.-])(?:pip[\d.]*|pipx|uv|conda|mamba|micromamba|sudo|doas|easy_install)(?![\w-])")
_STARTERS = re.compile(
    r"(?:.*/)?(?:xargs|parallel|env|exec|eval|command|nice|nohup|time|timeout|stdbuf|python[\d.]*|(?:ba|da|z|k)?sh)"
)
_ASSIGNED = re.compile(r"[A-Za-z_]\w*=", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A line taken apart.

    ``words`` are the command's words without quotes; ``~/`` and ``$NAME`` (in capitals) stand in them as ``${HOME}/`` and
    ``${NAME}``, which requirement lines know. ``tail`` is the shell text behind the command, such as ``| grep -v x`` or
    ``> log.txt``: ``cat`` and the tail, run by ``/bin/sh`` with the command's output as input, do what was meant. ``quiet``:
    the output was sent to ``/dev/null``.
    """

    words: tuple[str, ...]
    tail: str = ""
    quiet: bool = False


def split(line: str) -> Words:
    """Give the words of *line*, and its tail.

    An unquoted version condition belongs to the requirement before it: ``six > 1.0, < 2`` is ``six>1.0,<2``. What goes to
    the error stream falls away, as errors are raised. The grammar is POSIX's (Shell Command Language, 2.2 and 2.7) with
    ``&>`` and ``|&`` of bash.

    Raises:
        SpecError: quotes that are not closed, a second command, a substitution, a here-document, or a pipeline that
            starts another installer.
    """
    reading = Reading(line)
    while reading.step():
        pass
    for command in reading.commands:
        _check(command)
    return Words(words=tuple(_joined(reading.words)), tail=reading.tail, quiet=reading.quiet)


def _joined(words: list[tuple[str, bool]]) -> list[str]:
    """The words, each unquoted version condition joined to the requirement before it."""
    joined: list[str] = []
    for word, bare in words:
        before = joined[-1] if joined else ""
        named = _NAMED.fullmatch(before)
        if bare and _LEADS.match(word):
            if named is None:
                raise SpecError(
                    f"the version condition {show(word)} has no requirement before it.",
                    hint="Write the name first, and put the whole in quotes: 'name>=1.2'.",
                    item=show(word),
                )
            joined[-1] = before + word
        elif (
            bare
            and named
            and named["more"]
            and (word == "," or (before.endswith(("=", "<", ">", ",")) and VERSION.fullmatch(word)))
        ):
            joined[-1] = before + word
        else:
            joined.append(word)
    return joined


def _check(command: list[str]) -> None:
    """Refuse a command of a pipeline that is empty or starts an installer."""
    words = command
    while words and _ASSIGNED.match(words[0]):
        words = words[1:]
    if not words:
        raise SpecError("nothing stands behind |.", hint="Leave the | out.", item="|")
    looked_at = " ".join(words if _STARTERS.fullmatch(words[0]) else words[:1])
    if found := _INSTALLER.search(looked_at):
        raise SpecError(
            f"the line pipes into {found.group()}, which would change more than this session.",
            hint="Write each command on a line of its own.",
            item=found.group(),
        )
