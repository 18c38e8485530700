"""Single words of a command as requirements, names and values of options; what a requirements text cannot hold is refused.

It knows what people write by mistake. It does not know sub-commands, nor whether a name exists.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wording import show

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAME = re.compile(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)(?P<more>\s*[\[<>=!~;].*)?", re.ASCII | re.DOTALL)
TEXTS = re.compile(
    r"(?:.*/)?(?:[^/@;=<>]*\.txt|[^/@;=<>]*requirements[^/]*\.in|(?:environment|env|conda)[^/]*\.ya?ml|py(?:project|lock[^/]*)\.toml)",
    re.IGNORECASE,
)
"""Files of requirements and environments, by their names."""
COMMA = re.compile(r",\s*(?=[A-Za-z])|^,|,$")
"""A comma that is meant to part names."""
_LOST = re.compile(r"\s{2,}|\s#|\s--?[A-Za-z]")


def restarting(words: Sequence[str]) -> tuple[str, ...]:
    """Give *words* with ``-f`` as ``--restart`` where no place follows it in which pip would look for distributions.

    That is: nothing follows, an option, a version, or the only name of the line.
    """
    if "-f" not in words:
        return tuple(words)
    at = words.index("-f")
    after = words[at + 1] if at + 1 < len(words) else "-"
    names = [word for word in words if not word.startswith("-")]
    alone = names == [after] and not re.search(r"[/:\\]|^[.~]", after)
    if after.startswith("-") or alone or re.search(r"[=<>!~]=|[<>\[]", after):
        return (*words[:at], "--restart", *words[at + 1 :])
    return tuple(words)


def option_value(value: str, command: str) -> str:
    """Give *value*, where a requirements text can hold it.

    Raises:
        SpecError: it is empty, or a reader would take a part of it for a comment or another line.
    """
    if not value.strip() or re.search(r"\s#|[\n\r]", value):
        raise SpecError(
            f"{command}: {show(value)!r} cannot be the value of an option.", hint="Give it a name without blanks and #."
        )
    return value


def file_path(value: str, command: str) -> str:
    """Give *value* as a path, which begins with ``~`` where it began with ``${HOME}``.

    Raises:
        SpecError: it has another variable, which nobody would fill in.
    """
    placed = re.sub(r"^\$\{HOME\}(?=/|$)", "~", value)
    if re.search(r"\$\{|[\n\r]", placed):
        raise SpecError(f"{command}: {show(value)!r} has a variable in a path.", hint="Write the path without it.")
    return placed


def requirement(word: str, command: str) -> str:
    """Give *word*, where it can be a line of a requirements text; whether that line is a requirement, its reader says.

    Raises:
        SpecError: a file of requirements without ``-r``, a pattern, a path that a line cannot hold, an option.
    """
    hint = ""
    is_path = word.startswith((".", "$")) or ("/" in word and "://" not in word and "@" not in word)
    if word.startswith("-") or not word.strip() or re.search(r"[\n\r]|\\$", word):
        hint = "Write a name, name==1.2 or 'name>=1,<2'."
    elif TEXTS.fullmatch(word):
        hint = _advice(show(word))
    elif is_path and re.search(r"[*?]", word.partition("[")[0]):
        hint = "A pattern is not expanded: write the name of the file."
    elif is_path and _LOST.search(word):
        hint = "Give the file or folder a name without blanks."
    if hint:
        raise SpecError(f"{command}: {show(word)!r} is not a requirement.", hint=hint, item=show(word))
    return word


def _advice(file: str) -> str:
    """How *file* is read."""
    if file.lower().endswith("pyproject.toml"):
        return f"Write {file[: -len('/pyproject.toml')] or '.'} for the project in that folder."
    return f"Write %session_env set {file}." if file.lower().endswith("ml") else f"Write -r {shlex.quote(file)}."


def _apart(word: str) -> list[str]:
    """The parts of *word* between commas that are meant to part names."""
    if re.search(r"[\[/;@]", word):
        return [word.strip(",")]
    return COMMA.split(word)


def refuse_commas(words: Sequence[str], command: str) -> None:
    """Do nothing where *words* stand apart by blanks only.

    Raises:
        SpecError: names are listed with commas; the hint has the line without them.
    """
    if any(_apart(word) != [word] for word in words):
        apart = [part for word in words for part in _apart(word) if part]
        written = " ".join(f"'{word}'" if re.search(r"[<>\s;]", word) else word for word in apart)
        raise SpecError(
            f"{command}: requirements stand apart by blanks, not by commas.", hint=f"Write {command} {show(written)}."
        )


def names_in(words: Sequence[str], command: str) -> tuple[tuple[str, ...], bool]:
    """Give the names in *words*, and whether there was more than names, such as versions.

    Raises:
        SpecError: a path, a URL, or names that are listed with commas.
    """
    refuse_commas(words, command)
    matches = [(word, _NAME.fullmatch(word)) for word in words]
    for word, found in matches:
        if found is None:
            raise SpecError(
                f"{command}: {show(word)!r} is not the name of a distribution.",
                hint="Write names only.",
                item=show(word),
            )
    return tuple(found["name"] for _, found in matches if found), any(found["more"] for _, found in matches if found)


def references(words: Sequence[str]) -> list[str]:
    """*words* with ``NAME @ URL``, which needs quotes in a shell, as one word."""
    joined: list[str] = []
    for word in words:
        if len(joined) > 1 and joined[-1] == "@":
            joined[-2:] = [f"{joined[-2]} @ {word}"]
        else:
            joined.append(word)
    return joined
