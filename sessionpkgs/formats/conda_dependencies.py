"""Conda dependency lines of one text, and what becomes of each: a requirement, a Python, something left out, a refusal.

It knows no file format: the lines come from the list in an environment.yml or from a command. What is left out, and
what is refused, is gathered by kind, so that a person reads one sentence for each kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import conda_lines, import_names
from sessionpkgs.formats.specifiers import normal
from sessionpkgs.formats.wording import names, show
from sessionpkgs.model import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessionpkgs.formats.conda_lines import CondaLine
    from sessionpkgs.formats.origin import Origin
    from sessionpkgs.formats.requirement_lines import Line
    from sessionpkgs.formats.requirements_txt import Reading
    from sessionpkgs.formats.wording import Problems

LISTED = 12
"""How many names a refusal lists of each kind; its ``item`` has all of them."""

_FROM_HISTORY = "Use conda env export --from-history: it names what was asked for, not all that came along."
_BUILDS, _PLUMBING = 5, 10


class Dependencies:
    """The conda lines read so far; requirements go to *reading*."""

    def __init__(self, origin: Origin, reading: Reading) -> None:
        self.python: list[Requirement] = []
        self.channels: list[str] = []
        self._origin, self._reading = origin, reading
        self._number = 0
        self._pip: list[str] = []
        self._builds: list[str] = []
        self._conditions: list[str] = []
        self._plumbing: list[str] = []
        self.passed: list[str] = []
        self._own: list[str] = []
        self._renamed: list[str] = []
        self._unknown: list[str] = []
        self._foreign: dict[str, list[str]] = {}

    def line(self, line: Line) -> None:
        """Read one dependency line.

        Raises:
            SpecError: it is not one, or its version condition is none of the package index.
        """
        self._number += 1
        found = conda_lines.parse(line.text, where=line.where)
        if found.channel:
            self.channels.append(found.channel)
        if normal(found.name) in self._origin.without:
            self.passed.append(found.name)
            return
        if found.name == "python":
            self._python_line(found, line)
        elif found.name == "pip":
            self._pip.append(show(line.text))
        else:
            self._package(found, line)
        if found.build and found.name not in self._plumbing:
            self._builds.append(f"{found.name} {found.build}")
        self._conditions.extend(f"{found.name}[{key}={value}]" for key, value in found.others)

    def exported(self, *, prefix: bool) -> bool:
        """Whether the lines are the export of a whole environment; a file with a *prefix* is one sooner.

        Most lines have a build then, or the libraries stand there that nobody asks for.
        """
        built = len(self._builds) + len(self._plumbing)
        most = bool(self._builds) and built * 2 > self._number and (prefix or built >= _BUILDS)
        return most or len(self._plumbing) >= _PLUMBING

    def notices(self, *, bare_pip: bool = False) -> Iterator[str]:
        """Give one notice for each kind of thing that is left out; a pip without version only with *bare_pip*."""
        pip = [text for text in self._pip if bare_pip or text != "pip"]
        told = {
            "Channels are not used, packages come from the package index": names(self.channels),
            "The kernel's own pip stays, which leaves unused": names(pip),
            "Build strings are not used": names(self._builds, most=6),
            "Conditions in brackets that only conda knows were left out": names(self._conditions),
            "Passed over, as --without says": names(self.passed),
            "Left out, because wheels bring what they need": names(self._plumbing),
            "These conda packages have another name on the package index": names(self._renamed),
            "Named by your own table of conda names": names(self._own),
        }
        yield from (f"{sentence}: {listed}." for sentence, listed in told.items() if listed)

    def refuse(self, problems: Problems, *, export: bool) -> None:
        """Hand *problems* one sentence for each kind of name that cannot be had; of an *export*, one for all."""
        unknown = self._unknown_sentence()
        foreign = self._foreign_sentence()
        everything = [*self._unknown, *(name for found in self._foreign.values() for name in found)]
        where = self._origin.label
        if export and everything:
            sentence = (
                "this is an export of a whole conda environment (conda env export), and "
                f"{len(everything)} of its {self._number} packages cannot be had: "
                f"{'; '.join(filter(None, (unknown, foreign)))}."
            )
            hint = f"{_FROM_HISTORY} Or pass them over: {_option(everything)}"
            problems.add(SpecError(sentence, where=where, hint=hint, item=names(everything)), first=True)
            return
        if unknown:
            problems.add(SpecError(f"{unknown}.", where=where, hint=self._unknown_hint(), item=names(self._unknown)))
        if foreign:
            item = names(everything[len(self._unknown) :])
            hint = f"Remove them, or pass them over: {_option(everything[len(self._unknown) :])}"
            problems.add(SpecError(f"{foreign}.", where=where, hint=hint, item=item))

    def _unknown_sentence(self) -> str:
        if not self._unknown:
            return ""
        return f"the package index's name of these conda packages is not known: {names(self._unknown, most=LISTED)}"

    def _unknown_hint(self) -> str:
        """What modules the names are, if they are; otherwise where to put them."""
        modules = {name: import_names.distribution(name) for name in self._unknown}
        told = [
            f"{show(name)} is a module of {brought}{'' if conda_lines.twin(brought)[0] == 'index' else ' (under pip:)'}"
            for name, brought in modules.items()
            if brought
        ]
        if told:
            return f"Write the distribution's name: {names(told, most=6)}."
        if self._origin.label.startswith("%"):
            return f"If a name is one of the package index (PyPI): %pip install {' '.join(self._unknown[:LISTED])}"
        return "If a name is one of the package index (PyPI), put it under pip:."

    def _foreign_sentence(self) -> str:
        if not self._foreign:
            return ""
        told = (f"{names(found, most=LISTED)} ({advice})" for advice, found in self._foreign.items())
        return f"these conda packages are not Python distributions: {'; '.join(told)}"

    def _python_line(self, found: CondaLine, line: Line) -> None:
        """``=3.11`` is any 3.11; ``=3.11.8`` is that one release."""
        specifier = conda_lines.specifier(found, where=line.where)
        specifier = re.sub(r"^==(\d+\.\d+\.\d+)\.\*$", r"==\1", specifier)
        if specifier:
            self.python.append(Requirement(name="python", line=f"python{specifier}", where=line.place))

    def _package(self, found: CondaLine, line: Line) -> None:
        table = self._origin.conda_names
        kind, value = conda_lines.twin(found.name, table)
        if key := conda_lines.own_key(found.name, table):
            self._own.append(f"{found.name} ({table[key] or 'not Python'})")
        elif kind == "index" and value != normal(found.name):
            self._renamed.append(f"{found.name} ({value})")
        if kind == "index":
            self._reading.conda(f"{value}{conda_lines.specifier(found, where=line.where)}", line)
        elif kind == "plumbing":
            self._plumbing.append(found.name)
        elif kind == "foreign":
            self._foreign.setdefault(value, []).append(found.name)
        else:
            self._unknown.append(found.name)


def _option(everything: list[str]) -> str:
    """The option that passes *everything* over, ready to be pasted."""
    return f"--without {','.join(dict.fromkeys(show(name) for name in everything))}"
