"""A pylock.toml from its head to its packages: what of it is for this Python, gathered into a Spec.

The rules are those of PEP 751; which file of a package is taken is decided in ``pylock_packages``. It opens no file.
"""

from __future__ import annotations

import platform
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sessionpkgs.formats import pylock_packages, requirement_lines
from sessionpkgs.formats.requirement_lines import Line, Source
from sessionpkgs.formats.specifiers import allows, holds, is_specifier, normal
from sessionpkgs.formats.wording import Problems, names, show
from sessionpkgs.model import Pin, Requirement, Spec

if TYPE_CHECKING:
    from sessionpkgs.formats.origin import Origin
    from sessionpkgs.formats.toml_tables import Table

ENTRIES = 5_000

_VERSION = re.compile(r"(?P<major>\d{1,9})\.(?P<minor>\d{1,9})")
_KEYS = frozenset(
    {
        "lock-version",
        "environments",
        "requires-python",
        "extras",
        "dependency-groups",
        "default-groups",
        "created-by",
        "packages",
        "tool",
    }
)
_MOST = 100
_AGAIN = "Write the lock anew: uv export --format pylock.toml, or pip lock."


class LockReader:
    """One lock, from its head to its packages."""

    def __init__(self, tree: Table, origin: Origin) -> None:
        self._tree, self._origin, self._problems = tree, origin, Problems()
        self._notices: list[str] = []
        self._python: list[Requirement] = []
        self._pins: dict[str, Pin] = {}
        self._asked: dict[str, Requirement] = {}
        self._groups: frozenset[str] = frozenset()
        self._markers: dict[str, bool] = {}

    def spec(self) -> Spec:
        """Give the Spec, or every problem in one SpecError."""
        self._problems.settle()
        pins = tuple(self._pins.values())
        places = [pin.url for pin in pins if pin.url.startswith("file://")]
        places += [pin.url.partition("+")[2] for pin in pins if "+file://" in pin.url]
        return Spec() | Spec(
            pins=pins,
            requirements=self._requirements(),
            python=tuple(self._python),
            require_hashes=bool(pins) and all(pin.sha256 for pin in pins),
            notices=tuple(self._notices),
            files=tuple(unquote(urlsplit(place).path) for place in places),
        )

    def _requirements(self) -> tuple[Requirement, ...]:
        """What was asked for, where the lock says that; otherwise every package of it."""
        named = {name for name, pin in self._pins.items() if pin.requested}
        return tuple(one for name, one in self._asked.items() if not named or name in named or name not in self._pins)

    def head(self) -> None:
        """Read what stands above the packages; a lock of another version or platform is refused at once."""
        tree = self._tree
        self._lock_version(tree.text("lock-version"))
        if python := tree.text("requires-python").strip():
            if not is_specifier(python):
                raise tree.refusal(f"{show(python)!r} is not a range of Pythons.", _AGAIN, "requires-python")
            self._python.append(Requirement(name="python", line=f"python{python}", where="requires-python"))
        chosen = tree.texts("default-groups")
        self._groups = frozenset(map(normal, chosen))
        left = [f"extra {name}" for name in tree.texts("extras")]
        left += [f"group {name}" for name in tree.texts("dependency-groups") if normal(name) not in self._groups]
        if left:
            self._notices.append(f"Parts of the lock that are not chosen: {names(left)}.")
        environments = tree.texts("environments")
        fitting = [text for text in environments if self._holds(text, tree, "environments")]
        if environments and not fitting:
            raise tree.refusal(
                f"the lock is for other environments: {names(environments, most=6)}.",
                "Lock for this Python and platform.",
                "environments",
            )
        if unknown := [key for key in tree if key not in _KEYS]:
            self._notices.append(f"PEP 751 does not know these keys, they were left out: {names(unknown)}.")

    def _lock_version(self, text: str) -> None:
        found = _VERSION.fullmatch(text)
        if found is None or int(found["major"]) != 1:
            problem = f"lock-version {show(text)!r} is not read" if text else "lock-version is missing"
            raise self._tree.refusal(f"{problem}.", f"Versions 1.x are. {_AGAIN}", "lock-version")
        if int(found["minor"]):
            self._notices.append(f"lock-version {text} is newer than 1.0: what is new in it is not used.")

    def packages(self) -> None:
        """Read every package whose marker is true here; their problems are gathered."""
        tables = self._tree.tables("packages")
        if "packages" not in self._tree:
            raise self._tree.refusal("the packages are missing.", _AGAIN, "packages")
        if len(tables) > ENTRIES:
            raise self._tree.refusal(f"there are more than {ENTRIES} packages.", "Lock less.", "packages")
        left_out = 0
        for table in tables:
            if len(self._problems) > _MOST:  # nobody reads more, and each costs time
                break
            with self._problems.collect():
                if "marker" in table and not self._holds(table.text("marker"), table, "marker"):
                    left_out += 1
                else:
                    self._package(table)
        if left_out:
            self._notices.append(f"Packages for other environments were left out: {left_out}.")

    def _package(self, table: Table) -> None:
        name = pylock_packages.name_of(table)
        self._fits_python(table)
        pin = pylock_packages.pin_of(table, self._origin.folder)
        if name in self._pins:
            first = self._asked[name].where
            raise table.refusal(f"{name} is here a second time, first in {first}.", "Give both a marker, or keep one.")
        self._pins[name] = pin
        hashes = (f"sha256:{pin.sha256}",) if pin.sha256 else ()
        self._asked[name] = Requirement(
            line=line_of(pin), name=name, where=table.path, hashes=hashes, editable=pin.editable
        )

    def _fits_python(self, table: Table) -> None:
        wanted, running = table.text("requires-python"), platform.python_version().rstrip("+")
        if wanted and not allows(wanted, running):
            raise table.refusal(
                f"{show(table.text('name'))} needs Python {show(wanted)} and this is {running}.",
                _AGAIN,
                "requires-python",
            )

    def _holds(self, marker: str, table: Table, key: str) -> bool:
        if marker not in self._markers:
            found = holds(marker, self._groups)
            if found is None:
                raise table.refusal(f"{show(marker)!r} is not a marker.", _AGAIN, key)
            self._markers[marker] = found
        return self._markers[marker]

    def requested(self) -> None:
        """Read our own table: the lines that were asked for, beside what they brought."""
        with self._problems.collect():
            ours = self._tree.table("tool").table("sessionpkgs")
            for number, text in enumerate(ours.texts("requested")[:ENTRIES]):
                with self._problems.collect():
                    self._requested(text, f"{ours.at('requested')}[{number}]")

    def _requested(self, text: str, place: str) -> None:
        line = Line(text=text, place=place, source=Source(label=self._origin.label, folder=self._origin.folder))
        parsed = requirement_lines.parse(text, line)
        name = normal(parsed.name)
        pin = self._pins.get(name)
        if pin is None:  # base had it when the lock was written
            self._asked[name] = requirement_lines.read(text, line).requirement
            return
        if pin.version and not parsed.specifier.contains(pin.version, prereleases=True):
            raise line.refusal(f"was asked for, and the lock has {name} {pin.version}", _AGAIN)
        self._pins[name] = replace(pin, requested=True)
        if not parsed.url:
            self._asked[name] = replace(self._asked[name], line=text)


def line_of(pin: Pin) -> str:
    """The requirement that only *pin* satisfies."""
    if pin.kind == "vcs":
        url, mark, part = pin.url.partition("#")
        return f"{pin.name} @ {url}@{pin.commit}{mark}{part}"
    return f"{pin.name} @ {pin.url}" if pin.direct else f"{pin.name}=={pin.version}"
