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
from sessionpkgs.formats.requirement_lines import Line, Source
from sessionpkgs.formats.requirements_txt import Reading
from sessionpkgs.formats.wording import Problems, names, show
from sessionpkgs.model import Requirement, Spec

if TYPE_CHECKING:
    from sessionpkgs.formats.origin import Origin
    from sessionpkgs.formats.yaml_tree import Node, Table

KEYS = ("name", "prefix", "channels", "dependencies", "variables", "platforms")

_FIRST = re.compile(r"---|%YAML|-\s|-$|\{(?![{%])|[\"']?[\w:.-]+[\"']?\s*:(?:\s|$)", re.ASCII)
_DEPENDENCIES = re.compile(r"^[\"']?dependencies[\"']?\s*:", re.MULTILINE)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z0-9_]+)\}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_FIXED_VARIABLE = re.compile(r"PATH|HOME|CONDA_PREFIX|(?:LD_|DYLD_|PYTHON).*")


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
    reader = _Reader(origin)
    if left_out:
        reader.notices.append(f"Lines for other platforms were left out: {left_out}.")
    reader.keys(tree)
    return reader.spec()


class _Reader:
    """One environment.yml, key by key."""

    def __init__(self, origin: Origin) -> None:
        self.notices: list[str] = []
        self._origin, self._problems = origin, Problems()
        self._lines = Reading(origin, self._problems)
        self._source = Source(label=origin.label, folder=origin.folder)
        self._python: list[Requirement] = []
        self._variables: dict[str, str] = {}
        self._builds: list[str] = []
        self._channels: list[str] = []
        self._plumbing: list[str] = []
        self._unknown: list[str] = []
        self._foreign: dict[str, list[str]] = {}

    def spec(self) -> Spec:
        """Give the Spec, or every problem in one SpecError."""
        self._refuse_names()
        self._problems.settle()
        if self._channels:
            self.notices.append(
                f"Channels are not used, packages come from the package index: {names(self._channels)}."
            )
        if self._builds:
            self.notices.append(f"Build strings are not used: {names(self._builds, most=6)}.")
        if self._plumbing:
            self.notices.append(f"Left out, because wheels bring what they need: {names(self._plumbing)}.")
        ours = Spec(python=tuple(self._python), variables=tuple(self._variables.items()), notices=tuple(self.notices))
        return ours | self._lines.spec()

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
                self._dependencies(value)
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
                self.notices.append(f"The key {key} is not used: a session has no named environment.")
            case _:
                self.notices.append(f"The key {show(key)} is not known and was left out.")

    def _dependencies(self, value: Node) -> None:
        items = self._items(value, "dependencies")
        if not items:
            self.notices.append("No dependency is named.")
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
        from sessionpkgs.formats.yaml_tree import Leaf, Listing

        name = key.text if isinstance(key, Leaf) else ""
        if name == "pip":
            self._pip(value, f"{path}.pip")
        elif (chosen := selectors.key(name, self._origin.platform)) is not None:
            if chosen:
                for number, item in enumerate(value.items if isinstance(value, Listing) else (value,)):
                    self._entry(item, f"{path}.{name}[{number}]")
        else:
            version = f"={value.text}" if isinstance(value, Leaf) and not value.empty else ""
            raise self._refusal(
                f"{show(name)!r} is written as a key.",
                key.line,
                f"Write {show(name)}{show(version)} without colon.",
                path,
            )

    def _pip(self, value: Node, path: str) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf

        for number, item in enumerate(self._items(value, path)):
            place = f"line {item.line}, {path}[{number}]"
            with self._problems.collect():
                if not isinstance(item, Leaf) or item.empty or "\n" in item.text:
                    raise self._refusal(
                        "this is not one requirement.", item.line, "Write - name==1.2.", f"{path}[{number}]"
                    )
                text = re.sub(r"(?:^|\s)#.*$", "", item.text).strip()
                if text:
                    self._lines.line(Line(text=text, place=place, source=self._source))

    def _conda_line(self, item: Node, path: str) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf

        if not isinstance(item, Leaf) or item.empty or not item.text.strip():
            raise self._refusal("the entry is empty.", item.line, "Remove the dash, or write a name after it.", path)
        place = f"line {item.line}, {path}"
        found = conda_lines.parse(item.text, where=f"{self._origin.label}, {place}")
        if found.channel:
            self._channels.append(found.channel)
        if found.name == "python":
            self._python_line(found, place)
        elif found.name != "pip":
            self._package(found, place)
        if found.build and found.name not in self._plumbing:
            self._builds.append(f"{found.name} {found.build}")

    def _python_line(self, found: conda_lines.CondaLine, place: str) -> None:
        """``=3.11`` is any 3.11; ``=3.11.8`` is that one release."""
        specifier = conda_lines.specifier(found, where=f"{self._origin.label}, {place}")
        specifier = re.sub(r"^==(\d+\.\d+\.\d+)\.\*$", r"==\1", specifier)
        if specifier:
            self._python.append(Requirement(name="python", line=f"python{specifier}", where=place))

    def _package(self, found: conda_lines.CondaLine, place: str) -> None:
        kind, value = conda_lines.twin(found.name)
        if kind == "index":
            line = Line(text=found.text, place=place, source=self._source)
            self._lines.add(f"{value}{conda_lines.specifier(found, where=line.where)}", line)
        elif kind == "plumbing":
            self._plumbing.append(found.name)
        elif kind == "foreign":
            self._foreign.setdefault(value, []).append(found.name)
        else:
            self._unknown.append(found.name)

    def _refuse_names(self) -> None:
        """All names that cannot be had, in one sentence for each kind."""
        if self._unknown:
            with self._problems.collect():
                raise SpecError(
                    f"the package index's name of these conda packages is not known: {names(self._unknown)}.",
                    where=self._origin.label,
                    hint="If a name is one of the package index (PyPI), put it under pip:.",
                    item=names(self._unknown),
                )
        if self._foreign:
            with self._problems.collect():
                told = "; ".join(f"{names(found)} ({advice})" for advice, found in self._foreign.items())
                raise SpecError(
                    f"these conda packages are not Python distributions: {told}.",
                    where=self._origin.label,
                    hint="Remove them, or follow the advice beside them.",
                    item=names(name for found in self._foreign.values() for name in found),
                )

    def _channel_list(self, value: Node) -> None:
        """Channels are only said; their names as written, so that a token in a variable stays out of messages."""
        from sessionpkgs.formats.yaml_tree import Leaf

        self._channels.extend(item.text for item in self._items(value, "channels") if isinstance(item, Leaf))

    def _platform_list(self, value: Node) -> None:
        from sessionpkgs.formats.yaml_tree import Leaf

        meant = [item.text for item in self._items(value, "platforms") if isinstance(item, Leaf)]
        if meant and not self._origin.platform & {*meant, *(name.replace("-", "") for name in meant)}:
            self.notices.append(f"This text is meant for other platforms: {names(meant)}.")

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
