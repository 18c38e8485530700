"""What each key of a policy refuses, and the ways in which a user might try to loosen it.

Run as a program it tries all of them on the Python that runs it, whose environment has the administrator's file.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessionpkgs import Session
from sessionpkgs.cli import main
from sessionpkgs.errors import SessionPkgsError
from sessionpkgs.session import rules


@dataclass(frozen=True)
class Place:
    """Where things are: a folder of wheels, an index over it, a file there, the user's folder, the administrator's file."""

    wheels: str
    index: str
    file: str
    own: str
    admin: str


@dataclass(frozen=True)
class Case:
    """A policy (``rule``) and what it refuses: a declaration's ``lines``, the ``channels`` of one, a jar or a script."""

    key: str
    rule: str
    lines: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    engine: str = ""


LOCAL = ("--no-index", "--find-links {wheels}")
CASES = {
    "off": Case("session_packages", "session_packages = false", (*LOCAL, "demo-a")),
    "off in batches": Case("session_packages", 'session_packages = "interactive"', (*LOCAL, "demo-a")),
    "another index": Case("indexes", 'indexes = ["http://127.0.0.1:9/simple"]', ("--index-url {index}", "demo-a")),
    "no index": Case("indexes", "indexes = []", ("--index-url {index}", "demo-a")),
    "channels": Case("channels", 'channels = ["corp"]', (*LOCAL, "demo-a"), ("conda-forge",)),
    "closed": Case("closed_network", "closed_network = true", ("--index-url {index}", "demo-a")),
    "closed for links": Case(
        "closed_network", "closed_network = true", ("--no-index", "--find-links {index}/below-a/", "below-a")
    ),
    "hosts": Case("hosts", 'hosts = ["files.example"]', ("--index-url {index}", "demo-a")),
    "hosts of places": Case("hosts", 'hosts = ["files.example"]', ("below-a @ {file}",)),
    "wheels": Case("wheels_only", "wheels_only = true", (*LOCAL, "demo-source")),
    "hashes": Case("require_hashes", "require_hashes = true", (*LOCAL, "demo-a")),
    "allow": Case("allow", 'allow = ["demo-a"]', (*LOCAL, "demo-a")),
    "deny": Case("deny", 'deny = ["Below*"]', (*LOCAL, "demo-a")),
    "deny a version": Case("deny", 'deny = ["below_a<2"]', (*LOCAL, "demo-a")),
    "protected": Case("protected", 'protected = ["Held.One"]', (*LOCAL, "held-one==2.0")),
    "protected below": Case("protected", 'protected = ["below-a"]', (*LOCAL, "demo-a")),
    "size": Case("max_megabytes", "max_megabytes = 0.0001", ("--index-url {index}", "demo-a")),
    "time": Case("max_seconds", "max_seconds = 0.001", (*LOCAL, "demo-a")),
    "jars": Case("jar_repositories", 'jar_repositories = ["https://jars.example/m2"]'),
    "scripts": Case("on_start", "on_start = false"),
}
MUCH = 1000000
LOOSE = """\
session_packages = true
indexes = ["{index}"]
channels = ["conda-forge"]
closed_network = false
hosts = ["127.0.0.1", "repo.example"]
wheels_only = false
require_hashes = false
allow = ["*"]
deny = []
protected = []
max_megabytes = 1000000
max_seconds = 1000000
jar_repositories = ["https://repo.example/m2"]
on_start = true
"""
SETTINGS = 'hosts = "*"\nwheels_only = false\ndeadline = 1000000\n'
VARIABLES = {
    "SESSIONPKGS_HOSTS": "*", "SESSIONPKGS_WHEELS_ONLY": "false", "SESSIONPKGS_DEADLINE": "1000000",
    "PIP_TRUSTED_HOST": "127.0.0.1", "PIP_ONLY_BINARY": "", "PIP_REQUIRE_HASHES": "false", "UV_NO_BUILD": "false",
}  # fmt: skip
INDEXES = ("SESSIONPKGS_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
Way = Callable[[Case, Place], None]


def text(case: Case, place: Place, variables: Mapping[str, str] | None = None) -> str:
    """The declaration of *case* as lines, or where there are channels or *variables* as an environment.yml."""
    lines = [line.format(wheels=place.wheels, index=place.index, file=place.file) for line in case.lines]
    if not case.channels and not variables:
        return "\n".join(lines) + "\n"
    told = [f"channels: [{', '.join(case.channels)}]"] if case.channels else []
    told += ["variables:", *(f"  {name}: '{value}'" for name, value in variables.items())] if variables else []
    return "\n".join([*told, "dependencies:", "- pip:", *(f"  - {line}" for line in lines)]) + "\n"


def attempt(case: Case, place: Place, env: Mapping[str, str], cell: str = "") -> None:
    """Do what *case* refuses, in a session with *env* that nobody sits before."""
    if case.key == "on_start":
        rules.load(env).check_script()
        return
    if case.key == "jar_repositories":
        rules.load(env).check_jar("https://repo.example/m2/a/b/1/b-1.jar")
        return
    session = Session(identity="attempt", env=env, folder=place.own, interactive=lambda: False)
    try:
        session.declare(cell or text(case, place), engine=case.engine, refresh=True)
        session.reset()
    finally:
        session.close()


def plainly(case: Case, place: Place) -> None:
    attempt(case, place, os.environ)


def by_variables(case: Case, place: Place) -> None:
    attempt(case, place, {**os.environ, **VARIABLES, **dict.fromkeys(INDEXES, place.index)})


def by_settings(case: Case, place: Place) -> None:
    attempt(case, place, {**os.environ, "SESSIONPKGS_CONFIG": str(Path(place.own, "sessionpkgs.toml"))})


def by_a_policy(case: Case, place: Place) -> None:
    attempt(case, place, {**os.environ, "SESSIONPKGS_POLICY": str(Path(place.own, "policy.toml"))})


def by_the_admins_file_named_again(case: Case, place: Place) -> None:
    attempt(case, place, {**os.environ, "SESSIONPKGS_POLICY": place.admin})


def by_the_notebook(case: Case, place: Place) -> None:
    # A declaration may set no variable of ours (test_no_declaration_sets_a_variable_that_leads_to_policies): others may be.
    others = {name: value for name, value in VARIABLES.items() if not name.startswith(("SESSIONPKGS_", "XDG_"))}
    cell = text(case, place, others)
    attempt(case, place, dict(os.environ), cell if case.lines else "")


def by_the_command_line(case: Case, place: Place) -> None:
    if not case.lines:
        plainly(case, place)
        return
    name = "asked.yml" if case.channels else "asked.txt"
    file = Path(place.own, name)
    file.write_text(text(case, place))
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = main(["plan", str(file), "--refresh", "--ignore-python", "--without", "", "--engine", "uv", "--json"])
    told = json.loads(said.getvalue())
    if code:
        raise Refused(told)


class Refused(Exception):
    """What the command line said."""


WAYS: dict[str, Way] = {
    one.__name__: one
    for one in (
        plainly, by_variables, by_settings, by_a_policy, by_the_admins_file_named_again, by_the_notebook,
        by_the_command_line,
    )
}  # fmt: skip


def outcome(way: Way, case: Case, place: Place) -> dict[str, Any]:
    """The error as a dictionary, empty where there was none."""
    try:
        way(case, place)
    except SessionPkgsError as error:
        return error.to_dict()
    except Refused as refused:
        return dict(refused.args[0])
    return {}


def every(place: Place) -> dict[str, dict[str, dict[str, Any]]]:
    """Outcomes by case and way, with the administrator's file, and as the way ``control`` without it."""
    Path(place.own, "sessionpkgs.toml").write_text(SETTINGS)
    loose = Path(place.own, "policy.toml")
    loose.touch(mode=0o600)
    admin = Path(place.admin)
    admin.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, case in CASES.items():
        admin.unlink(missing_ok=True)
        loose.write_text(LOOSE.format(index=place.index).replace(f"max_megabytes = {MUCH}\n", ""))
        found[name] = {"control": outcome(by_a_policy, case, place)}  # the index here tells no sizes
        loose.write_text(LOOSE.format(index=place.index))
        admin.write_text(case.rule)
        admin.chmod(0o644)
        os.environ["SESSIONPKGS_HOME"] = f"{place.own}/store-{len(found)}"  # nothing is there from before
        found[name] |= {label: outcome(way, case, place) for label, way in WAYS.items()}
    admin.unlink()
    return found


if __name__ == "__main__":
    os.umask(0o022)
    sys.stdout.write(json.dumps(every(Place(*sys.argv[1:]))))
