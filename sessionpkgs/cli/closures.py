"""``sessionpkgs closure``: the wheels that a machine without a network needs for a declaration.

It parses words, asks the planner and prints; exit code 12 where something has no wheel, and the rest is listed all the same.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sessionpkgs.errors import NotFoundError, SpecError

Answer = tuple[str, dict[str, Any], int]
_ABOUT = "the exact wheels to bring to a machine without a network: this one, or another Python and platform"


def add(commands: Any, shared: argparse.ArgumentParser) -> None:
    """Put the command's words among *commands*; *shared* has the options that all have."""
    closure = commands.add_parser("closure", parents=[shared], help=_ABOUT, description=_ABOUT)
    closure.add_argument("file", metavar="FILE", help="environment.yml, requirements.txt, pylock.toml, script, …")
    closure.add_argument("--python", default="", metavar="VERSION", help="of the closed machine; by default this one")
    closure.add_argument(
        "--platform", action="append", default=[], metavar="TAG", help="as in wheels: manylinux_2_28_x86_64, …"
    )
    closure.add_argument(
        "--over",
        default="",
        metavar="FREEZE",
        help="what the closed machine has: pip freeze, or pip list --format json",
    )
    closure.add_argument("--pool", default="", metavar="POOL", help="over this pool, by this Python")
    closure.add_argument("--with-base", action="store_true", help="list also what is there already")
    closure.add_argument("--download", default="", metavar="DIR", help="bring the files into DIR, each by its hash")
    closure.add_argument("-o", "--output", default="", metavar="LIST", help="write the list: .txt, .toml or .json")
    closure.add_argument("--force", action="store_true", help="write over a file that is there")
    closure.add_argument("--engine", choices=("uv", "pip"), default="", help="who resolves; uv by default")
    closure.add_argument("--ignore-python", action="store_true", help="drop a python= line that does not fit")
    closure.add_argument("--without", default="", metavar="NAMES", help="pass these names over, split by commas")
    closure.set_defaults(act=_closure)


def _closure(chosen: argparse.Namespace) -> Answer:
    """Plan, download and list."""
    from sessionpkgs.session import Session, packing, planner

    form = _form(chosen.output, chosen.force)
    session = Session(identity=f"command-{os.getpid()}")
    try:
        told = planner.plan(
            session,
            planner.Wanted(
                file=chosen.file,
                python=chosen.python,
                platforms=tuple(chosen.platform),
                over=chosen.over,
                pool=chosen.pool,
                folder=chosen.download,
                with_base=chosen.with_base,
                engine=chosen.engine,
                ignore_python=chosen.ignore_python,
                without=tuple(name.strip() for name in chosen.without.split(",") if name.strip()),
            ),
        )
    finally:
        session.close()
        shutil.rmtree(session.life.home, ignore_errors=True)
    if chosen.output:
        packing.save(str(Path(chosen.output).expanduser().absolute()), packing.written(told, form))
    return _text(told, chosen), told, 0 if told["complete"] else NotFoundError.exit_code


def _form(output: str, force: bool) -> str:
    """Which list *output* is, by the end of its name; "" for none. Raises :class:`SpecError`."""
    if not output:
        return ""
    form = output.rpartition(".")[2].lower()
    if form not in {"txt", "in", "toml", "json"}:
        raise SpecError(f"{output} does not tell its format", hint="End it with .txt, .toml or .json.", item=output)
    if Path(output).expanduser().exists() and not force:
        raise SpecError(
            f"{output} is there already", hint="Name another file, or add --force to write over it.", item=output
        )
    return form


def _text(told: dict[str, Any], chosen: argparse.Namespace) -> str:
    """The list for a person: a table, what is missing, notices, and what to do next."""
    from sessionpkgs.display import plain, size

    rows = [("Package", "Version", "Size", "File")]
    rows += [(p["name"], p["version"], size(p["size"]) if p["size"] else "?", p["file"]) for p in told["packages"]]
    lines = [_head(told)]
    lines += _table([tuple(map(plain, row)) for row in rows]) if told["packages"] else []
    if told["present"]:
        count = len(told["present"])
        lines.append(f"{count} more {'are' if count > 1 else 'is'} there already (--with-base lists all).")
    for one in told["missing"]:
        by = f" (asked for by {' → '.join(one['asked'])})" if one["version"] and one["asked"] else ""
        lines += [f"✗ {one['sentence']}{by}.", f"  → {one['hint']}"]
    lines += [f"• {plain(notice)}" for notice in told["notices"]]
    return "\n".join([*lines, *_next(told, chosen)])


def _head(told: dict[str, Any]) -> str:
    """How much of what, for whom."""
    from sessionpkgs.display import size

    count = len(told["packages"])
    base = f"over the pool {told['pool']}" if told["pool"] else "over this base"
    over = base if told["here"] else f"for Python {told['python']} on {', '.join(told['platforms'])}"
    more = f", and {len(told['unsized'])} of unknown size" if told["unsized"] else ""
    total = f", {size(told['size'])}{more}" if count else ""
    return f"{count} wheel{'' if count == 1 else 's'}{total}, {over}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """*rows* in columns, sizes to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [f"  {r[0]:<{widths[0]}}  {r[1]:<{widths[1]}}  {r[2]:>{widths[2]}}  {r[3]}" for r in rows]


def _next(told: dict[str, Any], chosen: argparse.Namespace) -> list[str]:
    """The two commands that follow."""
    import shlex

    folder = shlex.quote(told["folder"] or "DIR")
    add = f"sessionpkgs workspace add {folder}"
    if told["folder"]:
        said = f"{len(told['fetched'])} fetched into {told['folder']}, {len(told['packages']) - len(told['fetched'])} were there."
        return [said, "Next, on the closed machine:", f"  {add}", f"  sessionpkgs plan {shlex.quote(chosen.file)}"]
    again = shlex.join(["sessionpkgs", "closure", chosen.file, *_options(chosen), "--download"])
    return ["Next, where there is a network, then on the closed machine:", f"  {again} DIR", f"  {add}"]


def _options(chosen: argparse.Namespace) -> list[str]:
    """The options that decide what is in the list, as they were given."""
    valued = [("--python", chosen.python), *(("--platform", one) for one in chosen.platform), ("--over", chosen.over)]
    valued += [("--pool", chosen.pool), ("--engine", chosen.engine), ("--without", chosen.without)]
    flags = {"--with-base": chosen.with_base, "--ignore-python": chosen.ignore_python}
    return [*(part for name, value in valued if value for part in (name, value)), *(f for f, on in flags.items() if on)]
