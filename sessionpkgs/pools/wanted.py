"""What a pool is made of, as its maker wrote it: a declaration, workspace packages, jars, settings, scripts.

Frozen values and how they stand in ``generation.json``. It does not resolve anything and reads only the files that its
maker names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sessionpkgs.errors import SpecError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIXED = re.compile(r"PATH|HOME|(?:LD_|DYLD_|PYTHON|SESSIONPKGS_|XDG_).*")
_NEWLINE = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The declaration of a pool. ``text`` is that of a requirements file or an environment.yml called ``label``, whose
    relative paths count from ``folder``; ``packages`` and ``jars`` are names in the workspace (``name`` or ``name==version``);
    ``conf`` are Spark's settings; ``session`` is the text of a declaration that each kernel of the pool begins with;
    ``on_create`` and ``on_start`` are texts of scripts.
    """

    text: str = ""
    label: str = ""
    folder: str = ""
    packages: tuple[str, ...] = ()
    jars: tuple[str, ...] = ()
    conf: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    session: str = ""
    on_create: str = ""
    on_start: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**asdict(self), "conf": dict(self.conf), "variables": dict(self.variables)}

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> Wanted:
        """What :meth:`to_dict` gave; keys of other versions are passed over."""
        known = {item.name: told[item.name] for item in fields(cls) if item.name in told}
        for name in ("packages", "jars"):
            known[name] = tuple(known.get(name, ()))
        for name in ("conf", "variables"):
            known[name] = tuple((str(key), str(value)) for key, value in dict(known.get(name, {})).items())
        return cls(**known)

    def changed(self, given: Mapping[str, Any]) -> Wanted:
        """This with what was *given*: each part that is there replaces that part whole, None leaves it."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


def declared(path: str) -> dict[str, str]:
    """Text, label and folder of the declaration in the file *path*, "" for none. Raises :class:`SpecError`."""
    if not path:
        return {"text": "", "label": "", "folder": ""}
    return {"text": _read(path), "label": os.path.basename(path), "folder": os.path.dirname(os.path.abspath(path))}


def text_of(path: str) -> str:
    """Text of the file at *path*, "" for none. Raises :class:`SpecError`."""
    return _read(path) if path else ""


def script(path: str) -> str:
    """Text of the script at *path*, "" for none; one that is not for ``sh`` says in its first line what it is for.

    Raises :class:`SpecError`.
    """
    text = text_of(path)
    if text and not text.startswith("#!") and os.path.splitext(path)[1] not in ("", ".sh"):
        raise SpecError(
            f"{path} does not say what runs it",
            hint="Begin it with a line such as #!/usr/bin/env python3; without one it is run by sh.",
            item=path,
        )
    return text


def _read(path: str) -> str:
    """Text of a file that the maker names."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8-sig") as source:
            return source.read()
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}", hint="Check the path.", item=path) from None
    except UnicodeDecodeError:
        raise SpecError(f"{path} is not a text in UTF-8", hint="Save it as UTF-8.", item=path) from None


def settings(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """*lines* of the form ``key=value`` for Spark. Raises :class:`SpecError`."""
    return tuple(_pair(line, "setting", re.compile(r"[A-Za-z][\w.-]*")) for line in lines if line)


def variables(lines: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """*lines* of the form ``NAME=value``. Raises :class:`SpecError` also for names that the system needs as they are."""
    found = tuple(_pair(line, "variable", _NAME) for line in lines if line)
    for name, _ in found:
        if _FIXED.fullmatch(name):
            raise SpecError(f"the variable {name} cannot be set by a pool", hint="Choose another name.", item=name)
    return found


def _pair(line: str, what: str, name: re.Pattern[str]) -> tuple[str, str]:
    """Name and value in *line*."""
    key, equals, value = line.partition("=")
    if not equals or not name.fullmatch(key.strip()) or _NEWLINE.search(value):
        raise SpecError(f"{key.strip()!r} is no {what}", hint="Write NAME=VALUE.", item=key.strip())
    return key.strip(), value
