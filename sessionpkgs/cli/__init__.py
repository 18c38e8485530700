"""The command line: ``sessionpkgs run``, ``plan``, ``lock``, ``export``, ``diff``, ``closure``, ``pool``, ``workspace``, ``doctor``, ``store``. The same answers as text and, with --json, as JSON.

Commands with words of their own stand in modules beside this one. It parses words, calls one function and prints what comes back; the exit code is 0 or that of the error tree, and 1 where
``diff`` finds something.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessionpkgs._version import __version__
from sessionpkgs.errors import IntegrityError, PolicyError, SessionPkgsError

if TYPE_CHECKING:
    from sessionpkgs.session import Session

Answer = tuple[str, dict[str, Any], int]
"""Text for a person, the same for a machine, exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; give its exit code."""
    chosen = _parser().parse_args(argv)
    try:
        act: Callable[[argparse.Namespace], Answer] = chosen.act
        text, answer, code = act(chosen)
    except SessionPkgsError as error:
        text, answer, code = "", error.to_dict(), error.exit_code
        if not chosen.json:
            print(f"sessionpkgs: {error}", *([f"  → {error.hint}"] if error.hint else []), sep="\n", file=sys.stderr)
    except KeyboardInterrupt:
        text, answer, code = "", {"error": "KeyboardInterrupt"}, 130
    try:
        if chosen.json or text:
            print(json.dumps(answer, indent=1) if chosen.json else text, flush=True)
    except BrokenPipeError:  # who reads wants no more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _parser() -> argparse.ArgumentParser:
    """Commands and options."""
    parser = argparse.ArgumentParser(prog="sessionpkgs", description="Session-scoped packages for any Jupyter kernel.")
    parser.add_argument("--version", action="version", version=f"sessionpkgs {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    run = commands.add_parser("run", parents=[shared], help="execute a notebook with the extension loaded")
    run.add_argument("notebook", type=Path)
    run.add_argument("--output", type=Path, help="where the executed notebook goes (default: NAME.executed.ipynb)")
    run.add_argument("--kernel", default="", help="kernelspec (default: the notebook's own, else python3)")
    run.add_argument("--timeout", type=int, default=1800, help="seconds for one cell (default: 1800)")
    run.set_defaults(act=_run)

    _declarations(commands, shared)
    for module in ("pools", "workspaces", "closures"):
        import_module(f"sessionpkgs.cli.{module}").add(commands, shared)

    doctor = commands.add_parser("doctor", parents=[shared], help="look whether everything is there")
    doctor.add_argument("--policy", action="store_true", help="say of each rule what holds and which file says so")
    doctor.set_defaults(act=_doctor)

    store = commands.add_parser("store", help="look after the store").add_subparsers(metavar="WHAT", required=True)
    scoped = argparse.ArgumentParser(add_help=False, parents=[shared])
    whose = scoped.add_mutually_exclusive_group()
    for scope, said in (
        ("sys-prefix", "that of pools for this environment"),
        ("system", "that of pools for the machine"),
    ):
        whose.add_argument(f"--{scope}", dest="scope", action="store_const", const=scope, default="user", help=said)
    usage = store.add_parser("du", parents=[scoped], help="how much room the store takes")
    usage.set_defaults(act=_usage)
    sweep = store.add_parser("gc", parents=[scoped], help="remove what no session uses")
    sweep.add_argument("--days", type=float, default=30.0, help="and nobody used for so many days (default: 30)")
    sweep.set_defaults(act=_collect)
    check = store.add_parser("verify", parents=[scoped], help="read everything again, set aside what was damaged")
    check.set_defaults(act=_verify)
    return parser


def _declarations(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Commands that read the file of a declaration and answer for this interpreter."""
    reading = argparse.ArgumentParser(add_help=False, parents=[shared])
    reading.add_argument("file", metavar="FILE", help="environment.yml, requirements.txt, pylock.toml, script, …")
    reading.add_argument("--engine", choices=("uv", "pip"), default="", help="who resolves; uv by default")
    reading.add_argument("--ignore-python", action="store_true", help="drop a python= line that does not fit")
    reading.add_argument("--without", default="", metavar="NAMES", help="pass these names over, split by commas")
    plan = commands.add_parser("plan", parents=[reading], help="what a declaration would install over this Python")
    plan.add_argument("--refresh", action="store_true", help="ask the index again")
    plan.set_defaults(act=_plan)
    writing = argparse.ArgumentParser(add_help=False, parents=[reading])
    writing.add_argument("-o", "--output", default="", metavar="FILE", help="where to; printed where it is left out")
    writing.add_argument("--force", action="store_true", help="write over a file that is there")
    lock = commands.add_parser(
        "lock", parents=[writing], help="the exact set of a declaration, or of an executed notebook, as pylock.toml"
    )
    lock.set_defaults(act=_export, format="pylock")
    export = commands.add_parser("export", parents=[writing], help="the same in another format")
    export.add_argument("--format", choices=("pylock", "requirements", "environment"), default="")
    export.set_defaults(act=_export)
    diff = commands.add_parser(
        "diff", parents=[shared], help="what differs here from a record; exit code 1 if anything"
    )
    diff.add_argument("file", metavar="NOTEBOOK|LOCK", help="an executed notebook, or a pylock.toml")
    diff.set_defaults(act=_diff)


def _names(text: str) -> tuple[str, ...]:
    """Names split by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


@contextmanager
def _session() -> Iterator[Session]:
    """A session for one command; nothing of it stays but what the store may keep."""
    from sessionpkgs.session import Session as Made

    session = Made(identity=f"command-{os.getpid()}")
    try:
        yield session
    finally:
        session.close()
        shutil.rmtree(session.life.home, ignore_errors=True)


def _plan(chosen: argparse.Namespace) -> Answer:
    """Say what a declaration would do."""
    from sessionpkgs.display import Result

    with _session() as session:
        record = session.ask.preview(
            file=chosen.file,
            engine=chosen.engine,
            ignore_python=chosen.ignore_python,
            refresh=chosen.refresh,
            without=_names(chosen.without),
        )
    return Result(record).text, record, 0


def _export(chosen: argparse.Namespace) -> Answer:
    """Write the exact set of a declaration."""
    from sessionpkgs.display.answers import Answer as Shown

    with _session() as session:
        made = session.ask.lock(
            chosen.file, chosen.format, file=chosen.output, force=chosen.force, engine=chosen.engine,
            ignore_python=chosen.ignore_python, without=_names(chosen.without),
        )  # fmt: skip
    return Shown(made).text, made, 0


def _diff(chosen: argparse.Namespace) -> Answer:
    """Say what a session from a record would find changed."""
    from sessionpkgs.display.answers import Answer as Shown

    with _session() as session:
        answer = session.ask.diff(chosen.file, live=False)
    return Shown(answer).text, answer, 0 if answer["same"] else 1


def _run(chosen: argparse.Namespace) -> Answer:
    """Execute a notebook; the exit code is that of the error which stopped it."""
    from sessionpkgs.notebook import execute

    output = chosen.output or chosen.notebook.with_suffix(".executed.ipynb")
    done = execute(chosen.notebook, output, kernel=chosen.kernel, timeout=chosen.timeout)
    lines = [f"{name} {version}  sha256:{sha256}" for name, version, sha256 in done.packages]
    state = f"stopped in cell {done.cell}: {done.error}" if done.error else "ran to its end"
    text = "\n".join([*lines, f"{chosen.notebook} {state}; written to {output}"])
    answer = {
        "notebook": str(chosen.notebook), "output": str(output), "ok": not done.error, "error": done.error, "cell": done.cell,
        "records": done.records, "exit_code": done.code,
    }  # fmt: skip
    return text, answer, done.code


def _doctor(chosen: argparse.Namespace) -> Answer:
    """Look at everything."""
    from sessionpkgs.session import rules
    from sessionpkgs.session.doctor import examine

    rows = rules.explain(os.environ)
    if chosen.policy:
        usable = all(row["key"] != "policy" for row in rows)
        return rules.table(rows), {"ok": usable, "policy": rows}, 0 if usable else PolicyError.exit_code
    findings = examine(os.environ)
    width = max(len(finding.name) for finding in findings)
    text = "\n".join(f"{'✓' if f.fine else '✗'} {f.name:<{width}}  {f.text}" for f in findings)
    bad = [finding for finding in findings if not finding.fine]
    return text, {"ok": not bad, "findings": [f._asdict() for f in findings], "policy": rows}, 1 if bad else 0


def _collect(chosen: argparse.Namespace) -> Answer:
    """Give room back."""
    from sessionpkgs import places
    from sessionpkgs.engines import uv_leftovers
    from sessionpkgs.store import Store
    from sessionpkgs.store.collecting import collect

    store = Store(places.pool_roots(os.environ)[chosen.scope])
    store.prepare()
    gone = collect(store, days=chosen.days)
    uv_leftovers.sweep(store.path("cache", "uv"))
    told = ", ".join(f"{count} {name}" for name, count in gone._asdict().items() if count)
    return f"Removed {told}." if told else "Nothing to remove.", {"root": store.root, **gone._asdict()}, 0


def _verify(chosen: argparse.Namespace) -> Answer:
    """Look for damage."""
    from sessionpkgs import places
    from sessionpkgs.store import Store
    from sessionpkgs.store.collecting import names, verify

    store = Store(places.pool_roots(os.environ)[chosen.scope])
    store.prepare()
    found = verify(store)
    text = names(found) or "Every distribution is what it was."
    answer = {"root": store.root, "ok": not found, "damage": [one._asdict() for one in found]}
    return text, answer, IntegrityError.exit_code if found else 0


def _usage(chosen: argparse.Namespace) -> Answer:
    """Room that the store takes."""
    from sessionpkgs import places
    from sessionpkgs.display import size
    from sessionpkgs.store import Store
    from sessionpkgs.store.usage import measure

    store = Store(places.pool_roots(os.environ)[chosen.scope])
    parts = measure(store)
    rows = [f"{part:<12} {told['entries']:>7}  {size(told['bytes']):>10}" for part, told in parts.items()]
    return "\n".join([store.root, *rows]), {"root": store.root, "parts": parts}, 0
