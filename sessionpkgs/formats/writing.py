"""A session's packages as files for other tools: requirement lines with hashes, and an environment.yml.

What is written is read back by our own readers to the same names and versions. A written file holds no login.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sessionpkgs.formats.decoding import FORBIDDEN
from sessionpkgs.formats.pylock_toml import without_login

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sessionpkgs.model import Pin

_SHELF = re.compile(r"/artifacts/[0-9a-f]{64}$")
_WITHOUT_HASHES = (
    "These lines hold no hashes: pip checks either all of them or none, and {names} (a repository or folder) has none."
)


def requirements(pins: Iterable[Pin], *, head: Iterable[str] = ()) -> str:
    """Requirement lines for exactly *pins*, under the comment lines *head*.

    Each has its hash; but none has where one of them is a repository or a folder, since pip takes hashes for all lines
    or for none (pip's documentation, "Secure installs").
    """
    chosen = sorted(pins, key=lambda pin: pin.name)
    bare = [pin.name for pin in chosen if not pin.sha256]
    lines = [*head, *([_WITHOUT_HASHES.format(names=", ".join(bare))] if bare else [])]
    places = [f"--find-links {place}\n" for place in _places(chosen)]
    return "".join([*_comments(lines), *places, *(f"{_requirement(pin, hashed=not bare)}\n" for pin in chosen)])


def environment(
    pins: Iterable[Pin], *, python: str, variables: Iterable[tuple[str, str]] = (), head: Iterable[str] = ()
) -> str:
    """An environment.yml for exactly *pins* on the minor release of *python*, under the comment lines *head*.

    Every text is quoted, so that no YAML reader takes a version for a number.
    """
    minor = ".".join(python.split(".")[:2])
    lines = ["dependencies:", f"  - {_quoted(f'python={minor}')}", f"  - {_quoted('pip')}"]
    if chosen := sorted(pins, key=lambda pin: pin.name):
        asked = [f"--find-links {place}" for place in _places(chosen)]
        asked += [_requirement(pin, hashed=False) for pin in chosen]
        lines += ["  - pip:", *(f"      - {_quoted(line)}" for line in asked)]
    if table := dict(variables):
        lines += ["variables:", *(f"  {_quoted(name)}: {_quoted(value)}" for name, value in table.items())]
    return "".join([*_comments(head), *(f"{line}\n" for line in lines)])


def _places(pins: Iterable[Pin]) -> list[str]:
    """Folders that hold files which no index has, as URLs: a version alone would not be found.

    Folders of a workspace are left out: they are elsewhere on another machine, whose own workspace is asked by name.
    """
    own = (pin.url for pin in pins if not pin.direct and pin.kind in ("wheel", "sdist") and pin.url.startswith("file:"))
    folders = dict.fromkeys(url.rpartition("/")[0] for url in own)
    return [folder for folder in folders if not _SHELF.search(folder)]


def _requirement(pin: Pin, *, hashed: bool) -> str:
    """*pin* as pip writes it: by version, or by the place it came from."""
    url = without_login(pin.url)
    if pin.kind == "vcs":
        place, mark, part = url.partition("#")
        return f"{pin.name} @ {place}@{pin.commit}{mark}{part}"
    if pin.editable:
        return f"-e {url}#egg={pin.name}"
    line = f"{pin.name} @ {url}" if pin.direct else f"{pin.name}=={pin.version}"
    return f"{line} \\\n    --hash=sha256:{pin.sha256}" if hashed else line


def _comments(lines: Iterable[str]) -> list[str]:
    """*lines* as comments, each on one line whatever is in it, and none that opens a script block (PEP 723)."""
    plain = (" ".join(FORBIDDEN.sub(" ", line).split()).replace("///", "//") for line in lines)
    return [f"# {line}".rstrip() + "\n" for line in plain]


def _quoted(text: str) -> str:
    """*text* between double quotes; what cannot be printed is escaped as YAML 1.1 and 1.2 both read it."""
    return f'"{"".join(_escaped(sign) for sign in text)}"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    return sign if sign.isprintable() else f"\\U{ord(sign):08X}"
