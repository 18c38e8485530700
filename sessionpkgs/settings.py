"""Settings: one frozen value from ``sessionpkgs.toml`` and ``SESSIONPKGS_*``, and what pip is configured to use.

Each value knows where it came from. It does not know the administrator's policy, and it never writes a file.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from sessionpkgs import places
from sessionpkgs.errors import SpecError, conceal

ENGINES = ("auto", "uv", "pip")
UNIONS = ("coresolve", "strict", "warn")
_HOST = r"\*|(?:https?://)?(?:\*\.)?(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d+)?/?"
_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Choices of the user; every field is also an environment variable, ``SESSIONPKGS_<NAME>``.

    ``deadline`` is the wall clock in seconds for one engine call, ``coresolve_seconds`` for making base fit,
    ``remember_hours`` how long open version ranges are reopened without asking the index. ``conda_names`` is the path of a
    JSON table of conda names, ``workspace`` the folder of uploaded wheels and jars, ``take_over`` whether ``%pip`` and its kin install into the session. ``hosts`` are further
    hosts that engines may reach, with blanks or commas between; ``*`` stands for all. ``came_from`` holds (name, place)
    pairs for values that are not the default.
    """

    home: str = ""
    engine: str = "auto"
    union: str = "coresolve"
    wheels_only: bool = False
    deadline: float = 900.0
    coresolve_seconds: float = 30.0
    coresolve_most: int = 8
    remember_hours: float = 24.0
    index: str = ""
    hosts: str = ""
    conda_names: str = ""
    workspace: str = ""
    take_over: bool = True
    came_from: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse a choice that does not exist."""
        for name, allowed in (("engine", ENGINES), ("union", UNIONS)):
            value = getattr(self, name)
            if value not in allowed:
                raise SpecError(
                    f"the setting {name} = {value!r} does not exist", hint=f"One of: {', '.join(allowed)}.", item=name
                )
        for host in split_hosts(self.hosts):
            if not re.fullmatch(_HOST, host):
                raise SpecError(
                    f"the setting hosts has {host!r}, which is no name of a host",
                    hint="Write names with commas between, such as files.example.org, or * for every host.",
                    item=host,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where distributions may come from. ``indexes`` in order, the first that has a name wins; ``implied`` adds the
    engine's own default index as the last one. ``find_links`` are folders or pages; ``certificate`` is a CA bundle;
    ``hosts`` may be reached beside the hosts of all these; where a policy sets a ``limit``, of all hosts only those (and what
    lies below them) may be, whatever else names one, and a proxy of the user's own does not lift that.
    """

    indexes: tuple[str, ...] = ()
    implied: bool = True
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    certificate: str = ""
    trusted_hosts: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    limit: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Make logins known that are not to be seen."""
        for place in (*self.indexes, *self.find_links):
            conceal(place)


def load(env: Mapping[str, str]) -> Settings:
    """Settings of this user: the environment before the file before the defaults.

    Raises :class:`SpecError` for an unknown key of the file and for a value of the wrong type.
    """
    path = places.config_file(env)
    table = places.read_toml(path) if os.path.isfile(path) else {}
    kinds = {item.name: item.default for item in fields(Settings) if item.name != "came_from"}
    unknown = sorted(set(table) - set(kinds))
    if unknown:
        raise SpecError(
            f"{path} has an unknown key {unknown[0]!r}", hint=f"Known: {', '.join(kinds)}.", item=unknown[0]
        )
    chosen: dict[str, Any] = {}
    origin: list[tuple[str, str]] = []
    for name, default in kinds.items():
        variable = f"SESSIONPKGS_{name.upper()}"
        if variable in env:
            chosen[name], place = _typed(variable, env[variable], default), variable
        elif name in table:
            chosen[name], place = _typed(name, table[name], default), path
        else:
            continue
        origin.append((name, place))
    return replace(Settings(), **chosen, came_from=tuple(origin))


def _typed(name: str, value: Any, default: Any) -> Any:
    """*value* in the type of *default*; text is understood for numbers and truth values."""
    text = str(value).strip()
    if isinstance(default, bool):
        if text.lower() not in _TRUE | _FALSE:
            raise SpecError(f"the setting {name} = {text!r} is neither true nor false", item=name)
        return text.lower() in _TRUE
    if isinstance(default, int | float):
        try:
            return type(default)(text)
        except ValueError:
            raise SpecError(f"the setting {name} = {text!r} is not a number", item=name) from None
    return text


def sources(env: Mapping[str, str], settings: Settings) -> Sources:
    """Indexes and links that this user's pip would use, read from ``PIP_*`` and pip's configuration files.

    Engines run with their own configuration switched off; this is what they are told instead, both the same. uv's
    ``UV_DEFAULT_INDEX`` and ``UV_INDEX`` count where pip says nothing. Source: pip's user guide, section Configuration.
    """
    said = _pip_configuration(env)
    main = settings.index or said.get("index-url", "")
    extra = said.get("extra-index-url", "").split()
    if not (main or extra):
        main = env.get("UV_DEFAULT_INDEX", "") or env.get("UV_INDEX_URL", "")
        extra = (env.get("UV_INDEX", "") or env.get("UV_EXTRA_INDEX_URL", "")).split()
    return Sources(
        indexes=tuple(dict.fromkeys(url for url in (main, *extra) if url)),
        implied=not main,
        find_links=tuple(said.get("find-links", "").split()),
        no_index=said.get("no-index", "").lower() in _TRUE,
        certificate=said.get("cert", ""),
        trusted_hosts=tuple(said.get("trusted-host", "").split()),
        hosts=split_hosts(settings.hosts),
    )


def split_hosts(text: str) -> tuple[str, ...]:
    """The single hosts in the value of the setting ``hosts``."""
    return tuple(text.replace(",", " ").split())


def _pip_configuration(env: Mapping[str, str]) -> dict[str, str]:
    """pip's options by their long name: files in pip's order, then the environment; ``[install]`` after ``[global]``."""
    said: dict[str, str] = {}
    for path in places.pip_config_files(env):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise SpecError(f"pip's configuration file {path} cannot be read: {error}", item=path) from None
        for section in ("global", "install"):
            if parser.has_section(section):
                said.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    for key, value in env.items():
        if key.startswith("PIP_") and value:
            said[key[4:].lower().replace("_", "-")] = value
    return said
