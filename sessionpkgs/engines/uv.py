"""The engine uv: resolves against a stub of the View, locks what it chose, installs exactly that.

Three calls, two of them offline when the index was asked a moment ago: a dry run names the versions, ``pip compile``
gives their files and hashes, ``pip install`` fills the folder from that lock. uv's own configuration is off. It does
not know layers; the texts that it reads are those of ``uv pip``, not of its experimental JSON.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sessionpkgs.engines import (
    Request,
    Room,
    surroundings,
    targets,
    uv_config,
    uv_leftovers,
    words,
    words_elsewhere,
    words_uv,
)
from sessionpkgs.engines.stub import stub_view
from sessionpkgs.engines.wheels import is_source
from sessionpkgs.errors import EngineMissing, IndexForbidden, NotFoundError, ResolveError
from sessionpkgs.formats import pylock_toml
from sessionpkgs.model import Lock, Pin, Requirement
from sessionpkgs.places import parse_toml
from sessionpkgs.process import Completed

_LINE = re.compile(r"^ [+~] (?P<name>\S+?)(?:==(?P<version>\S+)| @ (?P<url>\S+))(?: \(from (?P<origin>.+)\))?$")
_MOST_BUILT = 8


class Uv:
    """uv through its executable."""

    name = "uv"

    def __init__(self) -> None:
        self.program = _program()

    def resolve(self, request: Request, room: Room) -> Lock:
        """Exact pins of what the View lacks. Raises the error tree's leaf for the cause uv gives."""
        allowed = {r.name for r in request.requirements if is_source(r)}
        built: list[str] = []
        lines = [line_of(r) for r in request.requirements]
        done = self._dry_run(lines, request, room, allowed)
        while done.code != 0:
            names = [name for name in words_uv.sources_only(done.stderr) if name not in allowed]
            fresh = [name for name in names if self._only_source(name, request, room)]
            if not fresh or len(built) >= _MOST_BUILT:
                request = self._ask_again(request, done, lines, room)
            elif request.wheels_only or not request.may_build:
                raise words.source_forbidden(fresh[0], lines, plan=not request.wheels_only)
            built += fresh
            allowed |= set(fresh)
            done = self._dry_run(lines, request, room, allowed)
        pins = self._lock(_chosen(done.stderr), request, room, allowed)
        edges = self._edges(lines, request, room, allowed) if request.explain else ()
        extras = words.unknown_extras(done.stderr)
        return Lock(
            pins=pins,
            engine=self.name,
            notices=extras,
            built=tuple(p.name for p in pins if p.kind == "sdist"),
            asked_by=edges,
        )

    def _ask_again(self, request: Request, done: Completed, lines: list[str], room: Room) -> Request:
        """*request* past the cached pages of the indexes; raises the refusal where that was done already."""
        error = words_uv.error(done.stderr, lines)
        is_refusal = isinstance(error, NotFoundError | ResolveError)
        if not request.refresh and (is_refusal or words_uv.lists_nothing(done.stderr)):
            return replace(request, refresh=True)
        if not is_refusal:
            raise error
        wanted = re.fullmatch(rf"({words.NAME})==([0-9][^*,;\s]*)", error.item)
        if wanted and isinstance(error, NotFoundError) and "; the index has" not in error.sentence:
            offered = self._around(wanted[1], wanted[2], request, room)
            raise words.not_found(error.item, lines, version=True, offered=offered)
        present = {name: dist.version for name, dist in request.view.items()}
        raise words_elsewhere.refusal(done.stderr, lines, present, self._asking(request, room))

    def _asking(self, request: Request, room: Room) -> words_elsewhere.Ask:
        """Gives ``pip compile`` of some lines without what they depend on, for a refusal that explains itself."""
        end = time.monotonic() + min(room.deadline, words_elsewhere.SECONDS)

        def ask(lines: list[str], *options: str) -> Completed:
            asked = _write(room, "near.in", lines)
            arguments = ["compile", "--no-deps", "--no-header", "--no-annotate", "-q", asked, *options]
            short = replace(room, deadline=max(0.0, end - time.monotonic()))
            return self._run(arguments, replace(request, refresh=False), short, set())

        return ask

    def _around(self, name: str, version: str, request: Request, room: Room) -> str:
        """The versions of *name* next to *version* and the newest, as a list for a message."""
        found: list[str] = []
        for line, lowest in ((f"{name}<{version}", False), (f"{name}>{version}", True), (name, False)):
            arguments = ["compile", "--no-deps", "--no-header", "--no-annotate", "-q", _write(room, "near.in", [line])]
            done = self._run([*arguments, *(["--resolution", "lowest"] if lowest else [])], request, room, set())
            found += [said.partition("==")[2].strip() for said in done.stdout.splitlines() if "==" in said]
        return words.nearest(f"=={version}", found) if found else ""

    def install(self, pins: tuple[Pin, ...], into: str, request: Request, room: Room) -> None:
        """Fill the new folder *into* from *pins*: offline if the cache has all, else online; hashes are checked."""
        lock = Path(room.stage, "pylock.stage.toml")
        lock.touch(mode=0o600)
        lock.write_text(pylock_toml.write_private(pins, engine=self.name), encoding="utf-8")
        source = {p.name for p in pins if p.kind != "wheel"}
        arguments = ["install", "--no-deps", "--target", into, "--link-mode", "hardlink", "-r", str(lock)]
        arguments += [part for pin in pins if pin.mutable for part in ("--refresh-package", pin.name)]
        if request.fresh:
            self.forget([pin.name for pin in pins], request, room)
        done = None if source or request.fresh else self._run([*arguments, "--offline"], request, room, source)
        if done is None or done.code != 0:
            shutil.rmtree(into, ignore_errors=True)  # a refused wheel may lie there half, and would count as installed
            done = self._run(arguments, request, room, source)
        if done.code != 0:
            raise words_uv.error(done.stderr, [f"{p.name}=={p.version}" for p in pins])
        Path(into, ".lock").unlink(missing_ok=True)

    def forget(self, names: list[str], request: Request, room: Room) -> None:
        """Drop what the cache has of *names*: a file there shares its bytes with the store, and its faults."""
        argv = [self.program, "cache", "clean", "--no-config", *names]
        room.runner(argv, env=self._env(request, room), cwd=request.folder, deadline=room.deadline, tick=room.tick)

    @staticmethod
    def _env(request: Request, room: Room) -> dict[str, str]:
        """The whole environment of uv."""
        return {
            **surroundings.inherited(os.environ, room.stage),
            **surroundings.for_uv(request.sources),
            **uv_config.describe(request.sources)[1],
            **targets.variables(request.target),
            "UV_CACHE_DIR": str(Path(room.cache, "uv")),
            "UV_HTTP_RETRIES": "2",
            "UV_PYTHON_DOWNLOADS": "never",
        }

    def _run(self, arguments: list[str], request: Request, room: Room, allowed: set[str]) -> Completed:
        """Run ``uv pip`` with our options for wheels and nothing inherited but the allow-list."""
        binary = ["--only-binary", ":all:", *(part for name in sorted(allowed) for part in ("--no-binary", name))]
        config = _write(room, "uv.toml", [uv_config.describe(request.sources, refresh=request.refresh)[0]])
        argv = [self.program, "pip", *arguments, *binary, "--config-file", config, "--python", room.python]
        argv += [
            *surroundings.options_for_uv(request.sources),
            *targets.for_uv(request.target, universal="--universal" in arguments),
            "--color",
            "never",
            "--no-progress",
            "--preview-features",
            "pylock",
        ]
        with uv_leftovers.swept(str(Path(room.cache, "uv"))):
            return room.runner(
                argv, env=self._env(request, room), cwd=request.folder, deadline=room.deadline, tick=room.tick
            )

    def _dry_run(self, lines: list[str], request: Request, room: Room, allowed: set[str]) -> Completed:
        """What uv would install over the stub of the View; a page from the cache is no reason to refuse a host."""
        try:
            return self._asked(lines, request, room, allowed)
        except IndexForbidden:
            if request.refresh:
                raise
            return self._asked(lines, replace(request, refresh=True), room, allowed)

    def _asked(self, lines: list[str], request: Request, room: Room, allowed: set[str]) -> Completed:
        """What uv would install over the stub of the View."""
        asked = _write(room, "asked.txt", lines)
        limits = _write(room, "limits.txt", request.constraints)
        arguments = ["-r", asked, "-c", limits]
        arguments += ["--prerelease", "allow"] if request.pre else []
        arguments += ["--no-deps"] if request.no_deps else []
        arguments += ["--refresh"] if request.refresh else []
        arguments += [part for name in sorted(request.upgrade) for part in ("--upgrade-package", name)]
        with stub_view(request.view, room.views) as stub:
            done = self._run(["install", "--dry-run", "--target", stub, *arguments], request, room, allowed)
        if done.code == 0 and "Would " not in done.stderr:
            raise ResolveError("uv did not say what it would install", hint="Run the cell again.", item=self.name)
        return replace_exact(done, request.exact)

    def _lock(self, chosen: list[str], request: Request, room: Room, allowed: set[str]) -> tuple[Pin, ...]:
        """Files and hashes of the *chosen* lines."""
        if not chosen:
            return ()
        named = {r.name: r for r in request.requirements if r.name}
        lines = [_pin_line(line, named) for line in chosen]
        arguments = [
            "compile",
            "--no-deps",
            "--format",
            "pylock.toml",
            "--no-header",
            "-q",
            _write(room, "chosen.in", lines),
        ]
        done = self._run([*arguments, "--offline"], request, room, allowed)
        if done.code != 0:
            done = self._run(arguments, request, room, allowed)
        if done.code != 0:
            raise words_uv.error(done.stderr, lines)
        versions = {m["name"]: m["version"] for line in chosen if (m := _LINE.match(line)) and m["version"]}
        pins = []
        for package in _packages(done.stdout):
            hashes = named[package["name"]].hashes if package["name"] in named else ()
            pin = targets.pin(request.target, package, request.folder, hashes)
            pins.append(replace(pin, version=pin.version or versions.get(pin.name, "")))
        return tuple(sorted(pins, key=lambda pin: pin.name))

    def _only_source(self, name: str, request: Request, room: Room) -> bool:
        """Whether *name* has no wheel at all, for any Python and platform; such a one may be built."""
        asked = _write(room, "wheels.in", [name])
        done = self._run(["compile", "--universal", "--no-deps", "--no-header", "-q", asked], request, room, set())
        return done.code != 0 and "no usable wheels" in done.stderr

    def _edges(self, lines: list[str], request: Request, room: Room, allowed: set[str]) -> tuple[tuple[str, str], ...]:
        """(name, asker) pairs of the whole closure, as ``pip compile`` annotates them."""
        arguments = ["compile", "--no-header", "--annotation-style", "line", "-q", _write(room, "asked.in", lines)]
        done = self._run(arguments, request, room, allowed)
        edges = []
        for line in done.stdout.splitlines():
            pinned, _, askers = line.partition("# via ")
            name = re.split(r"==| @ ", pinned.strip())[0]
            edges += [(name, asker.strip()) for asker in askers.split(",") if asker.strip() and "-r " not in asker]
        return tuple(edges)


def replace_exact(done: Completed, exact: tuple[str, ...]) -> Completed:
    """*done* as if uv had chosen *exact* too: distributions wanted although the View has them."""
    if done.code != 0 or not exact:
        return done
    return done._replace(stderr=done.stderr.rstrip("\n") + "".join(f"\n + {line}" for line in exact) + "\n")


def line_of(requirement: Requirement) -> str:
    """*requirement* as a line of a requirements file, without hashes (we check those ourselves)."""
    return f"-e {_location(requirement.line)}" if requirement.editable else requirement.line


def _location(line: str) -> str:
    """Place of a direct reference as ``-e`` takes it: no name before it, extras behind it."""
    name, _, place = line.partition(" @ ")
    return f"{place}{name[name.index('[') :] if '[' in name else ''}" if place else line


def _chosen(text: str) -> list[str]:
    """The lines of a dry run that name what would be installed."""
    return [line for line in text.splitlines() if _LINE.match(line)]


def _pin_line(line: str, named: dict[str, Requirement]) -> str:
    """One dry-run line as an exact requirement; a URL with a masked login is taken from the declaration instead."""
    match = _LINE.match(line)
    assert match is not None
    name = match["name"]
    asked = named.get(name)
    if asked and (asked.editable or " @ " in asked.line) and ("****" in line or asked.editable or not match["url"]):
        return line_of(asked)
    return f"{name} @ {match['url']}" if match["url"] else f"{name}=={match['version']}"


def _packages(text: str) -> list[dict[str, Any]]:
    """The ``[[packages]]`` of a pylock."""
    found: list[dict[str, Any]] = parse_toml(text).get("packages", [])
    return found


def _write(room: Room, name: str, lines: list[str] | tuple[str, ...]) -> str:
    """Path of a file in the stage with *lines*; 0600, since a line may hold a login."""
    path = Path(room.stage, name)
    path.touch(mode=0o600)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def _program() -> str:
    """Path of uv's executable: the one of the package uv, else the one on PATH. Raises :class:`EngineMissing`."""
    import shutil

    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise EngineMissing("the program uv is not installed", hint="pip install uv, or use --engine pip.", item="uv")
    return found
