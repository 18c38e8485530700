"""environment.yml: what conda, micromamba, conda-lock and Azure take under that name.

Conda lines are translated to the package index by the tables of ``conda_names``; ``pip:`` lists are read as
requirement lines. What has no meaning for a session (name, prefix, channels, build strings, unknown keys) is left out
and said. It does not know which Python runs, and asks no channel.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import conda_lines, selectors
from sessionpkgs.formats.conda_dependencies import Dependencies
from sessionpkgs.formats.requirement_lines import Line, Source
from sessionpkgs.formats.requirement_options import without_comment
from sessionpkgs.formats.requirements_txt import Reading
from sessionpkgs.formats.specifiers import normal
from sessionpkgs.formats.wording import Problems, names, show
from sessionpkgs.model import Spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sessionpkgs.formats.origin import Origin
    from sessionpkgs.formats.yaml_tree import Node, Table

KEYS = ("name", "prefix", "channels", "dependencies", "variables", "platforms")

_EXPORT = (
    "This is an export of a whole conda environment; its exact versions may not exist for this Python: "
    "conda env export --from-history names only what was asked for."
)
_FIRST = re.compile(r"---|%YAML|-\s|-$|\{(?![{%])|[\"']?[\w:.-]+[\"']?\s*:(?:\s|$)", re.ASCII)
_DEPENDENCIES = re.compile(r"^[\"']?dependencies[\"']?\s*:", re.MULTILINE)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FIXED_VARIABLE = re.compile(r"PATH|HOME|CONDA_PREFIX|(?:LD_|DYLD_|PYTHON|SESSIONPKGS_|XDG_).*")


def recognise(text: str) -> bool:
    """Say whether the first line with content is YAML, or a ``dependencies:`` key stands anywhere."""
    lines = (line.strip() for line in text.split("\n"))
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return bool(_FIRST.match(first) or _DEPENDENCIES.search(text))


def read(text: str, origin: Origin) -> Spec:
    """Give what the environment.yml *text* asks for.

    Raises:
        SpecError: not YAML, not an environment, or entries that cannot be had; all problems in one message.
    """
    from sessionpkgs.formats import yaml_tree

    chosen, left_out = selectors.choose(text, origin.platform)
    tree = yaml_tree.parse(chosen, label=origin.label)
    if not isinstance(tree, yaml_tree.Table):
        raise SpecError(
            "this is not an environment.yml: the key dependencies is missing.",
            where=origin.label,
            hint="Write dependencies: and below it one name per line, after a dash.",
        )
    reader = _Reader(origin, left_out)
    reader.keys(tree)
    return reader.spec()


def read_lines(lines: Sequence[str], *, channels: Sequence[str] = (), origin: Origin) -> Spec:
    """Give what conda dependency lines ask for, as a command such as ``%conda install`` has them.

    They are read by the code that reads a list of dependencies; *channels* are only said.

    Raises:
        SpecError: lines that cannot be had; all problems in one message.
    """
    problems = Problems()
    reading = Reading(origin, problems)
    dependencies = Dependencies(origin, reading)
    dependencies.channels.extend(channels)
    source = Source(label=origin.label, folder=origin.folder)
    for number, text in enumerate(lines, 1):
        with problems.collect():
            dependencies.line(Line(text=text, place=f"argument {number}", source=source))
    dependencies.refuse(problems, export=False)
    problems.settle()
    notices = tuple(dependencies.notices(bare_pip=True))
    return Spec(python=tuple(dependencies.python), notices=notices) | reading.spec()


def index_name(name: str, *, table: Mapping[str, str | None] | None = None) -> str:
    """Give the package index's name (normalised, without extras) of the conda package *name*.

    A name that no table knows is its own; the user's *table* is asked first.
    """
    kind, value = conda_lines.twin(name.lower(), table)
    return normal(value.partition("[")[0] if kind == "index" else name)


class _Reader:
    """One environment.yml, key by key."""

    def __init__(self, origin: Origin, left_out: Iterable[str]) -> None:
        self._origin, self._problems = origin, Problems()
        self._lines = Reading(origin, self._problems)
        self._dependencies = Dependencies(origin, self._lines)
        self._source = Source(label=origin.label, folder=origin.folder)
        self._notices: list[str] = []
        self._left_out = list(left_out)
        self._unnamed: list[str] = []
        self._unknown: list[str] = []
        self._variables: dict[str, str] = {}

    def spec(self) -> Spec:
        """Give the Spec, or every problem in one SpecError."""
        export = self._dependencies.exported(prefix="prefix" in self._unnamed)
        self._dependencies.refuse(self._problems, export=export)
        self._problems.settle()
        notices = (*self._said(), *self._notices, *self._dependencies.notices())
        if export:
            notices = (*notices, _EXPORT)
        python, variables = tuple(self._dependencies.python), tuple(self._variables.items())
        return Spec(python=python, variables=variables, notices=notices) | self._lines.spec()

    def _said(self) -> Iterator[str]:
        """Give one notice for each kind of key or line that is left out."""
        if self._left_out:
            yield f"Left out, because they are for other platforms: {names(self._left_out)}."
        if self._unnamed:
            yield f"Not used, because a session has no named environment: {names(self._unnamed)}."
        if self._unknown:
            yield f"Keys that are not known were left out: {names(self._unknown)}."

    def keys(self, tree: Table) -> None:
        """Read the keys of the top level."""
        found = {key.text: value for key, value in tree.pairs}
        for key, value in tree.pairs:
            with self._problems.collect():
                self._key(key.text, value, key.line)
        if "dependencies" not in found and not any(_meant(key) == "dependencies" for key in found):
            with self._problems.collect():
                raise SpecError(
                    "the key dependencies is missing.",
                    where=self._origin.label,
                    hint="Write dependencies: and below it one name per line, after a dash.",
                )

    def _key(self, key: str, value: Node, line: int) -> None:
        match key:
            case "dependencies":
                self._dependency_list(value)
            case "channels":
                self._channel_list(value)
            case "variables":
                self._variable_table(value)
            case "platforms":
                self._platform_list(value)
            case "pip-repositories":
                raise self._refusal("pip-repositories is not read.", line, "Write --extra-index-url URL under pip:.")
            case _ if meant := _meant(key):
                raise self._refusal(f"the key {show(key)!r} is not known.", line, f"Did you mean {meant}?")
            case "name" | "prefix":
                self._unnamed.append(key)
            case _:
                self._unknown.append(key)

    def _dependency_list(self, value: Node) -> None:
        items = self._items(value, "dependencies")
        if not items:
            self._notices.append("No dependency is named.")
        for number, item in enumerate(items):
            with self._problems.collect():
                self._entry(item, f"dependencies[{number}]")

    def _entry(self, item: Node, path: str) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf, Table

        if isinstance(item, Leaf):
            self._conda_line(item, path)
        elif isinstance(item, Table):
            for key, value in item.pairs:
                with self._problems.collect():
                    self._keyed(key, value, path)
        else:
            raise self._refusal("there is a list inside the list.", item.line, "Indent all names alike.", path)

    def _keyed(self, key: Node, value: Node, path: str) -> None:
        """``pip:`` or ``sel(linux):`` inside the list of dependencies."""
        from sessionpkgs.formats.yaml_tree import Leaf, Listing, leaves

        name = key.text if isinstance(key, Leaf) else ""
        if name == "pip":
            self._pip(value, f"{path}.pip")
        elif (chosen := selectors.key(name, self._origin.platform)) is not None:
            if chosen:
                for number, item in enumerate(value.items if isinstance(value, Listing) else (value,)):
                    self._entry(item, f"{path}.{name}[{number}]")
            else:
                self._left_out.append(f"{name} ({names(leaves(value))})")
        else:
            version = f"={value.text}" if isinstance(value, Leaf) and not value.empty else ""
            hint = f"Write {show(name)}{show(version)} without colon."
            if name.strip().lower() in {"pip", "pip3", "pypi"}:
                hint = "Write pip: for the list of what pip installs."
            raise self._refusal(f"{show(name)!r} is written as a key.", key.line, hint, path)

    def _pip(self, value: Node, path: str) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf

        for number, item in enumerate(self._items(value, path)):
            place = f"line {item.line}, {path}[{number}]"
            with self._problems.collect():
                if not isinstance(item, Leaf) or item.empty or "\n" in item.text:
                    raise self._refusal(
                        "this is not one requirement.", item.line, "Write - name==1.2.", f"{path}[{number}]"
                    )
                if text := without_comment(item.text).strip():
                    self._lines.line(Line(text=text, place=place, source=self._source, column=item.column))

    def _conda_line(self, item: Node, path: str) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf

        if not isinstance(item, Leaf) or item.empty or not item.text.strip():
            raise self._refusal("the entry is empty.", item.line, "Remove the dash, or write a name after it.", path)
        self._dependencies.line(Line(text=item.text, place=f"line {item.line}, {path}", source=self._source))

    def _channel_list(self, value: Node) -> None:
        """Channels are only said; their names as written, so that a token in a variable stays out of messages."""
        self._dependencies.channels.extend(self._texts(value, "channels"))

    def _platform_list(self, value: Node) -> None:
        meant = self._texts(value, "platforms")
        if not meant:
            return
        here = self._origin.platform & {*meant, *(name.replace("-", "") for name in meant)}
        said = "this machine is one of them" if here else "this machine is another"
        self._notices.append(f"This text is meant for these platforms, {said}: {names(meant)}.")

    def _texts(self, value: Node, path: str) -> list[str]:
        """Give the items of a list of plain words."""
        from sessionpkgs.formats.yaml_tree import Leaf

        found: list[str] = []
        for item in self._items(value, path):
            if not isinstance(item, Leaf):
                raise self._refusal(f"an entry of {path} is not a name.", item.line, "Write - NAME.", path)
            found.append(item.text)
        return found

    def _variable_table(self, value: Node) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf, Table

        if isinstance(value, Leaf) and value.empty:
            return
        if not isinstance(value, Table):
            raise self._refusal("variables must be names with values.", value.line, "Write NAME: value.")
        for key, content in value.pairs:
            with self._problems.collect():
                if not isinstance(content, Leaf) or not _VARIABLE_NAME.fullmatch(key.text):
                    raise self._refusal(
                        f"{show(key.text)!r} is not a variable.", key.line, "Write NAME: value.", "variables"
                    )
                if _FIXED_VARIABLE.fullmatch(key.text.upper()):
                    raise self._refusal(
                        f"the variable {show(key.text)} cannot be set.",
                        key.line,
                        "A session keeps it: remove it.",
                        "variables",
                    )
                self._variables[key.text] = "" if content.empty else content.text

    def _items(self, value: Node, path: str) -> tuple[Node, ...]:
        """Give the items of a list; none where nothing stands."""
        from sessionpkgs.formats.yaml_tree import Leaf, Listing

        if isinstance(value, Listing):
            return value.items
        if isinstance(value, Leaf) and value.empty:
            return ()
        raise self._refusal(f"{path} must be a list.", value.line, "Write one entry per line, each after a dash.")

    def _refusal(self, sentence: str, line: int, hint: str, path: str = "") -> SpecError:
        place = f"{self._origin.label}, line {line}" + (f", {path}" if path else "")
        return SpecError(sentence, where=place, hint=hint)


def _meant(key: str) -> str:
    """Give the key that *key* misspells, or nothing."""
    if key in KEYS:
        return ""
    plain = key.strip().lower()
    if plain not in KEYS and set(re.split(r"[-_ ]", plain)) & set(KEYS):
        return ""  # build_dependencies, channel-name: keys of other tools
    return next(iter(difflib.get_close_matches(plain, KEYS, n=1, cutoff=0.82)), "")
