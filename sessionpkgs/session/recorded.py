"""What a session held once, read back: from an executed notebook, from a lock, from the journal of this kernel.

A record is read as a lock is, through the same door, since both come from strangers: names, places and hashes are
looked at before anything is done with them. It installs nothing, asks nobody, and does not know what is there now.
"""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import PythonPinned, SpecError
from sessionpkgs.model import Pin, Spec

if TYPE_CHECKING:
    from sessionpkgs.session.reading import Reading

JSON = dict[str, Any]
MIME = "application/vnd.sessionpkgs.env.v1+json"
"""The media type of a record in a notebook."""
_HINT = "Name a notebook that was executed with %%session_env in it, or a pylock.toml."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was held: ``spec`` has the artefacts as pins, and as requirements what was asked for, also where it is below.

    ``label`` is what messages call it. What is not told is empty; ``looked`` says whether it is told where was looked
    for files, ``distributions`` are those below the session, ``unsaid`` variables whose values are in no record. ``pool`` is
    name and generation of the pool, "" for none and None where nobody says; ``pooled`` names what it brought.
    """

    label: str
    spec: Spec
    created: str = ""
    python: str = ""
    tag: str = ""
    base: str = ""
    distributions: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    looked: bool = False
    declared: bool = False
    indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    pool: str | None = None
    pool_layer: str = ""
    pooled: frozenset[str] = frozenset()


def brought(records: Iterable[Mapping[str, Any]]) -> JSON:
    """The last of *records* that brought packages, empty where none did; plans and answers to questions bring none."""
    found = [dict(one) for one in records if "dropped" in one and one.get("packages") and one.get("action") != "plan"]
    return found[-1] if found else {}


def platform_of(tag: str) -> str:
    """System and machine in the *tag* of an interpreter: ``linux-x86_64`` of ``cpython-311-linux-x86_64``."""
    return tag.split("-", 2)[-1]


def is_notebook(name: str) -> bool:
    """Whether the file *name* is a notebook's."""
    return name.lower().endswith(".ipynb")


def read(reading: Reading, file: str, folder: str) -> Recorded:
    """What the executed notebook or the lock *file* holds; a relative path counts from *folder*.

    Raises :class:`SpecError` for another file and for a notebook without a record.
    """
    if is_notebook(file):
        return of_record(reading, _of_notebook(os.path.join(folder, os.path.expanduser(file)), file), file)
    spec = reading.file(file)
    if not spec.pins:
        raise SpecError(
            f"{file} is neither an executed notebook nor a lock",
            hint=f"%session_env set {file} reads a declaration.",
            item=file,
        )
    return Recorded(label=file, spec=spec)


def last(reading: Reading, journal: Iterable[Mapping[str, Any]]) -> Recorded:
    """What this kernel had last, by its *journal*. Raises :class:`SpecError` where that was nothing."""
    record: JSON = {}
    for one in journal:
        record = {} if one.get("action") == "reset" else brought([one]) or record
    if not record:
        raise SpecError("this kernel's session had nothing before", hint=_HINT)
    return of_record(reading, record, "the last record")


def _of_notebook(path: str, name: str) -> JSON:
    """The last record in the outputs of the notebook at *path* that brought packages."""
    try:
        with open(path, encoding="utf-8") as source:
            book = json.load(source)
    except OSError as error:
        raise SpecError(f"{name} cannot be read: {error.strerror}", hint="Check the path.", item=name) from None
    except ValueError:
        book = None
    if not isinstance(book, dict) or not isinstance(book.get("cells"), list):
        raise SpecError(f"{name} is not a notebook", hint=_HINT, item=name)
    record = brought(_shown(book))
    if not record:
        raise SpecError(
            f"{name} has no record of session packages",
            hint=f"Run it once and save it (sessionpkgs run {name}); its cells must use %%session_env.",
            item=name,
        )
    return record


def _shown(book: JSON) -> list[JSON]:
    """Everything of ours in the outputs of *book*."""
    cells = [cell for cell in book["cells"] if isinstance(cell, dict)]
    outputs = [output for cell in cells for output in cell.get("outputs") or () if isinstance(output, dict)]
    told = [(output.get("data") or {}).get(MIME) for output in outputs]
    return [one for one in told if isinstance(one, dict)]


def of_record(reading: Reading, record: Mapping[str, Any], label: str) -> Recorded:
    """What *record* says, checked. Raises :class:`SpecError`, and :class:`PythonPinned` for wheels of another Python."""
    from sessionpkgs.formats import pylock_toml

    try:
        rows = [dict(row) for row in record["packages"]]
        own = {str(row["name"]): _pin(row) for row in rows if row["layer"] == "session"}
        kept = {str(row["name"]): str(row["version"]) for row in rows if row["layer"] != "session"}
        asked = _asked(record, rows, own)
        values = {str(name): str(value) for name, value in dict(record.get("values") or {}).items()}
        told = {str(name): str(version) for name, version in dict(record.get("distributions") or {}).items()}
        pooled = frozenset(map(str, dict(record.get("pool_distributions") or {})))
        python = str(record["python"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SpecError(f"the record in {label} is damaged", hint="Run the notebook again.", item=label) from None
    _check_wheels(own.values(), python, label)
    text = pylock_toml.write(own.values(), requested=asked)
    spec = replace(reading.text(text, label=label, form="pylock_toml"), variables=_variables(reading, values, label))
    return Recorded(
        label=label,
        spec=spec,
        created=str(record.get("created", "")),
        python=python,
        tag=str(record.get("tag", "")),
        base=str(record.get("base", "")),
        distributions=told,
        kept=kept,
        looked=bool(record.get("indexes") or record.get("find_links")),
        declared=bool(record.get("declared")),
        indexes=_texts(record.get("indexes")),
        find_links=_texts(record.get("find_links")),
        unsaid=tuple(name for name in _texts(record.get("variables")) if name not in values),
        pool=str(record["pool"]) if "pool" in record else None,
        pool_layer=str(record.get("pool_layer", "")),
        pooled=pooled,
    )


def _texts(found: object) -> tuple[str, ...]:
    """*found* as texts, where it is a list."""
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def _pin(row: Mapping[str, Any]) -> Pin:
    """The artefact of one row; the user that ssh asks for was masked like a login, and is git's as a rule."""
    url = re.sub(r"(?<=\+ssh://)\*{4}@", "git@", str(row["url"]))
    return Pin(
        name=str(row["name"]),
        version=str(row["version"]),
        url=url,
        sha256=str(row["sha256"]),
        size=int(row.get("size") or 0),
        kind=row.get("kind", "wheel"),
        commit=str(row.get("commit", "")),
        editable=bool(row.get("editable")),
        direct=bool(row.get("direct")),
    )


def _asked(record: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], own: Mapping[str, Pin]) -> list[str]:
    """The lines that were asked for, one for each row that says so: as it was written, or what gives just that."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    from sessionpkgs.formats.pylock_reader import line_of

    written: dict[str, str] = {}
    for line in _texts(record.get("requested")):
        try:
            parsed = Requirement(line)
        except InvalidRequirement:
            continue
        if not parsed.url:
            written[str(canonicalize_name(parsed.name))] = line
    found = []
    for row in rows:
        name = str(row["name"])
        if row.get("requested"):
            place = own[name] if name in own and own[name].direct else None
            found.append(line_of(place) if place else written.get(name, name))
    return found


def _check_wheels(pins: Iterable[Pin], python: str, label: str) -> None:
    """Refuse the wheels of another Python by the Python, not one by one. Raises :class:`PythonPinned`."""
    from sessionpkgs.formats.wheel_files import filename_of, rank

    running = platform.python_version()
    if python.split(".")[:2] == running.split(".")[:2]:
        return
    unfit = [pin.name for pin in pins if pin.kind == "wheel" and rank(filename_of(pin.url)) is None]
    if unfit:
        raise PythonPinned(
            f"{label} was made with Python {python}, and {', '.join(unfit[:3])} of it does not fit this kernel's Python "
            f"{running}, which a session cannot change",
            hint=f"Choose a kernel of Python {'.'.join(python.split('.')[:2])}, or declare it anew for this one.",
            item=unfit[0],
        )


def _variables(reading: Reading, values: Mapping[str, str], label: str) -> tuple[tuple[str, str], ...]:
    """*values* through the reader of declarations, which knows what a session must not set."""
    if not values:
        return ()
    from sessionpkgs.formats import writing

    text = writing.environment((), python=platform.python_version(), variables=values.items())
    return reading.text(text, label=label, form="environment_yml").variables
