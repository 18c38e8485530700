"""Requirement lines as pip takes them, with the options that can stand between them.

The grammar is pip's (pip/_internal/req/req_file.py): comments, continuations, ``${NAME}``, ``-r``, ``-c``, ``--hash``.
Options without a meaning for a session are refused by name; lines whose marker is false here are left out and said.
It does not open files itself and knows no index.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import import_names, requirement_lines
from sessionpkgs.formats.decoding import FORBIDDEN, decode
from sessionpkgs.formats.requirement_lines import Line, Source, local
from sessionpkgs.formats.requirement_options import HINTS, INDEX, hash_of, index_url, logical_lines, options
from sessionpkgs.formats.wording import Problems, names, show
from sessionpkgs.model import Requirement, Spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sessionpkgs.formats.origin import Origin

ENTRIES = 2_000
DEPTH = 20
DEFAULT_INDEX = "default"
"""Stands in ``Spec.indexes`` for the index that is used when only extra ones are named."""

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)\}")
_OPTIONS = re.compile(r"\s(?=--?[A-Za-z])")
_REPOSITORY = re.compile(r"(?:git|hg|svn|bzr)\+")
_EXPORT = re.compile(r"^[A-Za-z0-9_][\w.-]*=[^=\s]+=[^=\s]+$|^@EXPLICIT", re.MULTILINE | re.ASCII)

_FLAGS = {"--no-index": "no_index", "--pre": "pre", "--no-deps": "no_deps", "--require-hashes": "require_hashes"}


def recognise(text: str) -> bool:
    """Say whether *text* has a line that is not a comment: any such text may be requirement lines."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n"))


def read(text: str, origin: Origin) -> Spec:
    """Give what the requirement lines of *text* ask for.

    Raises:
        SpecError: a line or an included file that cannot be read; all of them in one message.
    """
    if exported := _EXPORT.search(text):
        explicit = " --explicit" if exported[0].startswith("@") else ""
        raise SpecError(
            f"this is the output of conda list{explicit}, not an environment.yml or requirement lines.",
            where=f"{origin.label}, line {text.count(chr(10), 0, exported.start()) + 1}",
            hint="Use conda env export --from-history, or write name==1.2.",
        )
    problems = Problems()
    reading = Reading(origin, problems)
    reading.text(text, Source(label=origin.label, folder=origin.folder))
    problems.settle()
    return reading.spec()


class Reading:
    """What requirement lines have asked for so far; problems are gathered, not raised."""

    def __init__(self, origin: Origin, problems: Problems) -> None:
        self.requirements: list[Requirement] = []
        self._origin, self._problems, self._entries = origin, problems, 0
        self._constraints: list[Requirement] = []
        self._main_index = ""
        self._extra_indexes: list[str] = []
        self._find_links: list[str] = []
        self._flags: set[str] = set()
        self._files: list[str] = []
        self._notices: list[str] = []
        self._left_out: list[str] = []
        self._imports: list[str] = []
        self._conda: set[int] = set()

    def text(self, text: str, source: Source) -> None:
        """Read all lines of *text*."""
        for number, column, logical in logical_lines(text):
            line = Line(text=logical, place=f"line {number}", source=source, column=column)
            if not self.line(line):
                return

    def line(self, line: Line) -> bool:
        """Read one logical line; False when there were too many to go on."""
        self._entries += 1
        if self._entries > ENTRIES:
            if self._entries == ENTRIES + 1:
                with self._problems.collect():
                    raise line.refusal(f"is one entry more than {ENTRIES}", "Declare what you import.")
            return False
        with self._problems.collect():
            self._one(line)
        return True

    def add(self, text: str, line: Line) -> None:
        """Keep the requirement *text*, which is what *line* means here.

        Raises:
            SpecError: it is not a requirement.
        """
        self._keep(requirement_lines.read(text, line), line)

    def conda(self, text: str, line: Line) -> None:
        """Keep the requirement *text*, which is what the conda line *line* means; pip's options do not concern it.

        Raises:
            SpecError: it is not a requirement.
        """
        self._conda.add(len(self.requirements))
        self.requirements.append(requirement_lines.read(text, line).requirement)

    def spec(self) -> Spec:
        """Everything read so far, each thing once."""
        indexes = [self._main_index or DEFAULT_INDEX, *self._extra_indexes]
        given = bool(self._main_index or self._extra_indexes)
        hashed = any(item.hashes for item in (*self.requirements, *self._constraints))
        return Spec() | Spec(
            requirements=self._with_flags(),
            constraints=tuple(self._constraints),
            indexes=tuple(indexes) if given else (),
            find_links=tuple(self._find_links),
            no_index="no_index" in self._flags,
            pre="pre" in self._flags,
            require_hashes=hashed or "require_hashes" in self._flags,
            files=tuple(self._files),
            notices=(*self._notices, *self._said()),
        )

    def _with_flags(self) -> tuple[Requirement, ...]:
        """The requirements; those of pip's lines with ``--no-deps`` where it stands on any of them.

        conda runs one pip for an environment, so the option concerns every ``pip:`` list of a text and no conda line.
        """
        if "no_deps" not in self._flags:
            return tuple(self.requirements)
        return tuple(
            item if number in self._conda else replace(item, no_deps=True)
            for number, item in enumerate(self.requirements)
        )

    def _said(self) -> Iterator[str]:
        """Give one notice for each kind of thing that is left out or doubtful."""
        if self._left_out:
            yield f"Left out, because their markers are false here: {names(self._left_out)}."
        if self._imports:
            yield (
                f"Names of modules, which are missing, empty or other projects on the package index: {names(self._imports)}."
            )
        if "no_deps" in self._flags and len(self._conda) == len(self.requirements):
            yield "--no-deps concerns no line here."

    def _one(self, line: Line) -> None:
        requirement_lines.check_characters(line)
        text = self._expanded(line)
        if text.startswith("-"):
            for option, value in options(text, line):
                self._option(option, value, line)
            return
        wanted, *rest = _OPTIONS.split(text, maxsplit=1)
        hashes = tuple(hash_of(option, value, line) for option, value in (options(rest[0], line) if rest else ()))
        self._keep(requirement_lines.read(wanted, line, hashes=hashes), line)

    def _keep(self, asked: requirement_lines.Asked, line: Line) -> None:
        wanted = asked.requirement
        if wanted.name == "python":
            raise line.refusal(
                "asks for a Python, which is not a package",
                "Leave it out: here the kernel decides the Python; only an environment.yml can say which one it needs.",
            )
        if line.source.constraint:
            if wanted.editable or not wanted.name or "[" in wanted.line.partition("@")[0].partition(";")[0]:
                raise line.refusal("cannot be a constraint", "Constraints are names with versions, without extras.")
            self._constraints.append(wanted)
        elif asked.applies:
            self._require(wanted)
        else:
            written = line.text.partition(";")[0].strip()  # without values of variables, which may be secrets
            self._left_out.append(f"{wanted.name or written} ({wanted.where})")
            return
        if asked.path:
            self._files.append(asked.path)

    def _require(self, wanted: Requirement) -> None:
        self.requirements.append(wanted)
        written = re.split(r"[^\w.-]", wanted.line, maxsplit=1)[0]
        pointer = not wanted.name or "@" in wanted.line or wanted.name in import_names.POINTERS
        if not pointer and (brought := import_names.distribution(written)):
            self._imports.append(f"{written} (from {brought})")

    def _option(self, option: str, value: str, line: Line) -> None:
        if option in _FLAGS and not value:
            self._flags.add(_FLAGS[option])
        elif option in _VALUED:
            if not value:
                raise line.refusal(f"has no value for {option}", f"Write {option} VALUE.")
            _VALUED[option](self, value, line)
        elif option == "--prefer-binary":
            self._notices.append("--prefer-binary changes nothing: wheels are always preferred.")
        else:
            raise line.refusal(f"has the option {show(option)}, which is not read", HINTS.get(option, "Leave it out."))

    def _expanded(self, line: Line) -> str:
        """Give the line with ``${NAME}`` replaced; upper-case names only, as pip does it."""
        text = line.text
        for name in dict.fromkeys(_VARIABLE.findall(text)):
            value = self._origin.variables.get(name, "")
            if not value:
                raise line.refusal(f"needs the variable {show(name)}, which is not set", "Set it before this cell.")
            if FORBIDDEN.search(value) or "\n" in value:
                raise line.refusal(
                    f"needs the variable {show(name)}, which holds more than one line", "Set it to one line."
                )
        return _VARIABLE.sub(lambda found: self._origin.variables[found["name"]], text).strip()

    def index(self, value: str, line: Line) -> None:
        """The index to ask first; another one in the same text is refused."""
        url = index_url(value, line)
        if self._main_index not in {"", url}:
            raise line.refusal("names a second main index", "Keep one --index-url; use --extra-index-url for others.")
        self._main_index = url

    def extra_index(self, value: str, line: Line) -> None:
        """An index to ask after the others."""
        self._extra_indexes.append(index_url(value, line))

    def links(self, value: str, line: Line) -> None:
        """A folder or page with files."""
        self._find_links.append(value if INDEX.match(value) else local(value, line))

    def editable(self, value: str, line: Line) -> None:
        """A folder that is installed as it stands."""
        if _REPOSITORY.search(value):
            self._notices.append(
                f"-e changes nothing for a repository, which is installed as it stands: {show(value)}."
            )
            self._keep(requirement_lines.read(value, line), line)
            return
        self._keep(requirement_lines.read(value, line, editable=True), line)

    def requirements_of(self, value: str, line: Line) -> None:
        """The requirements of another file."""
        self._include(value, line, constraint=line.source.constraint)

    def constraints_of(self, value: str, line: Line) -> None:
        """The constraints of another file."""
        self._include(value, line, constraint=True)

    def _include(self, value: str, line: Line, *, constraint: bool) -> None:
        if "://" in value or value.lower().startswith("file:"):
            raise line.refusal("includes a URL", "Download the file and include it by its path.")
        path, source = local(value, line), line.source
        if path in source.chain:
            raise line.refusal("includes a file that includes this one", "Remove one of the two lines.")
        if len(source.chain) >= DEPTH:
            raise line.refusal(f"is included deeper than {DEPTH} files", "Include the files from one place.")
        try:
            content = self._origin.open(path)
        except OSError as error:
            raise line.refusal(
                "names a file that cannot be opened: no such file",
                "Check the path; it is relative to the including text.",
            ) from error
        label = show(line.text if "${" in line.text else value)  # a variable may hold a secret
        self._files.append(path)
        inner = Source(label=label, folder=str(Path(path).parent), constraint=constraint, chain=(*source.chain, path))
        self.text(decode(content, label=label), inner)


_VALUED: dict[str, Callable[[Reading, str, Line], None]] = {
    "--index-url": Reading.index,
    "--extra-index-url": Reading.extra_index,
    "--find-links": Reading.links,
    "--requirement": Reading.requirements_of,
    "--constraint": Reading.constraints_of,
    "--editable": Reading.editable,
}
