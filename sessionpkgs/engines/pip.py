"""The engine pip: the one that always works.

One dry run with a report names versions, files, hashes and who asked; one install fills the folder from exactly those
pins. pip runs as ``-I`` (no user code on its path), without configuration files, and writes a log, since its own
sentences are the same for a missing name, a refused login and a dead index. It does not know layers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sessionpkgs.engines import Request, Room, surroundings, targets, words, words_pip, words_places
from sessionpkgs.engines.uv import line_of
from sessionpkgs.engines.wheels import is_source
from sessionpkgs.errors import EngineMissing, SourceForbidden
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Lock, Pin
from sessionpkgs.process import Completed

_BOOT = "import runpy,sys;n=int(sys.argv[1]);b=sys.argv[2:2+n];sys.path[:]=[p for p in sys.path if p not in b]+b;sys.argv[1:2+n]=[];runpy.run_module('pip',run_name='__main__')"
_MOST_BUILT = 8


class Pip:
    """pip of the interpreter that runs the session."""

    name = "pip"

    def __init__(self) -> None:
        import importlib.util

        if importlib.util.find_spec("pip") is None:
            raise EngineMissing(
                "pip is not installed beside this kernel", hint="Install pip, or use --engine uv.", item="pip"
            )

    def resolve(self, request: Request, room: Room) -> Lock:
        """Exact pins of what the View lacks. Raises the error tree's leaf for the cause in pip's log."""
        lines = [line_of(r) for r in request.requirements]
        allowed = {r.name for r in request.requirements if is_source(r)}
        built: list[str] = []
        done, report = self._dry_run(lines, request, room, allowed)
        while done.code != 0:
            error = words_pip.error(done.stdout + done.stderr, _log(room), lines)
            name = error.item if isinstance(error, SourceForbidden) else ""
            if not name or name in allowed or len(built) >= _MOST_BUILT:
                raise error
            if request.wheels_only or not request.may_build:
                raise words.source_forbidden(name, lines, plan=not request.wheels_only)
            built.append(name)
            allowed.add(name)
            done, report = self._dry_run(lines, request, room, allowed)
        _refuse_hidden_places(report["install"], request)
        items = self._permitted(report["install"], request, room)
        if request.exact:
            items += self._exact(request, room)
        hashes = {r.name: r.hashes for r in request.requirements if r.name}
        pins = {pin.name: pin for pin in (_pin(item, request, hashes) for item in items)}
        return Lock(
            pins=tuple(sorted(pins.values(), key=lambda pin: pin.name)),
            engine=self.name,
            built=tuple(p.name for p in pins.values() if p.kind == "sdist"),
            asked_by=_edges(items, request.target.markers() if request.target else {}),
            notices=words.unknown_extras(done.stdout + done.stderr),
        )

    def install(self, pins: tuple[Pin, ...], into: str, request: Request, room: Room) -> None:
        """Fill the new folder *into* from *pins*; every file with a hash is checked against it."""
        hashed = any(pin.sha256 for pin in pins)
        asked = Path(room.stage, "pins.txt")
        asked.touch(mode=0o600)
        asked.write_text("".join(f"{_pin_line(pin)}\n" for pin in pins), encoding="utf-8")
        arguments = ["--no-deps", "--no-compile", "--target", into, "-r", str(asked)]
        arguments += ["--require-hashes"] if hashed else []
        arguments += ["--no-cache-dir"] if request.fresh else []
        done = self._run(arguments, request, room, {pin.name for pin in pins if pin.kind != "wheel"})
        if done.code != 0:
            raise words_pip.error(done.stdout + done.stderr, _log(room), [f"{p.name}=={p.version}" for p in pins])

    def forget(self, names: list[str], request: Request, room: Room) -> None:
        """Do nothing: pip's cache has files as the index sent them, and each is checked again."""

    def download(self, request: Request, into: str, room: Room) -> None:
        """Put the files of what *request* names, and of all that needs, into the folder *into*, base's own too."""
        lines = [line_of(one) for one in request.requirements]
        asked, limits = Path(room.stage, "asked.txt"), Path(room.stage, "limits.txt")
        asked.touch(mode=0o600)
        asked.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        limits.write_text("".join(f"{line}\n" for line in request.constraints), encoding="utf-8")
        arguments = ["-d", into, "-r", str(asked), "-c", str(limits), *(["--no-deps"] if request.no_deps else [])]
        arguments += ["--pre"] if request.pre else []
        done = self._run(
            arguments, request, room, {one.name for one in request.requirements if is_source(one)}, "download"
        )
        if done.code != 0:
            raise words_pip.error(done.stdout + done.stderr, _log(room), lines)

    def _run(
        self, arguments: Sequence[str], request: Request, room: Room, allowed: set[str], verb: str = "install"
    ) -> Completed:
        """Run ``pip install`` or another *verb* with the View's folders visible and only the allow-list inherited."""
        env = {
            **surroundings.inherited(os.environ, room.stage),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_CACHE_DIR": str(Path(room.cache, "pip")),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_RETRIES": "2",
            "PIP_DEFAULT_TIMEOUT": "20",
        }
        Path(room.stage, "pip.log").unlink(missing_ok=True)
        binary = ["--only-binary", ":all:", *(part for name in sorted(allowed) for part in ("--no-binary", name))]
        tail = ["--no-input", "--no-color", "--progress-bar", "off", *targets.for_pip(request.target)]
        tail += ["--no-warn-script-location", "--root-user-action", "ignore"] if verb == "install" else []
        tail += ["--log", str(Path(room.stage, "pip.log"))]
        # pip tells its builds the index in arguments
        builds = bool(allowed) and surroundings.has_login(request.sources)
        with targets.started(request.target, _BOOT, room.base, request.view, room.views) as start:
            argv = [room.python, "-I", "-B", "-c", *start, verb, *arguments, *binary, *tail]
            if surroundings.is_single(request.sources) and not builds:
                return _call(argv, {**env, **surroundings.for_pip(request.sources)}, request, room)
            return _call_over_several(argv, env, request, room)

    def _dry_run(
        self, lines: list[str], request: Request, room: Room, allowed: set[str]
    ) -> tuple[Completed, dict[str, Any]]:
        """What pip would install into the View, as its installation report (a documented format)."""
        asked, limits, report = (Path(room.stage, name) for name in ("asked.txt", "limits.txt", "report.json"))
        asked.touch(mode=0o600)
        asked.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        kept = _kept(request) if request.upgrade else ()
        limits.write_text("".join(f"{line}\n" for line in (*request.constraints, *kept)), encoding="utf-8")
        arguments = ["--dry-run", "--report", str(report), "-r", str(asked), "-c", str(limits)]
        arguments += ["--pre"] if request.pre else []
        arguments += ["--no-deps"] if request.no_deps else []
        arguments += ["--upgrade"] if request.upgrade else []
        done = self._run(arguments, request, room, allowed)
        return done, _read(report) if done.code == 0 else {}

    def _permitted(self, items: list[dict[str, Any]], request: Request, room: Room) -> list[dict[str, Any]]:
        """*items*, where pip took a file whose hash the user did not write: with the release's file that has one."""
        allowed = {r.name: r.hashes for r in request.requirements if r.hashes}
        others = [item for item in items if not _is_allowed(item, allowed)]
        if not others:
            return items
        lines = [" ".join((_release(item), *(f"--hash={h}" for h in allowed[_name(item)]))) for item in others]
        asked, report = Path(room.stage, "hashed.txt"), Path(room.stage, "hashed.json")
        asked.write_text("\n".join(lines) + "\n", encoding="utf-8")
        arguments = ["--dry-run", "--ignore-installed", "--no-deps", "--report", str(report), "-r", str(asked)]
        done = self._run(arguments, request, room, set())
        if done.code != 0:
            raise words_pip.error(done.stdout + done.stderr, _log(room), lines)
        return [*(item for item in items if item not in others), *_read(report)["install"]]

    def _exact(self, request: Request, room: Room) -> list[dict[str, Any]]:
        """Report items of the lines that are wanted although the View has them."""
        report = Path(room.stage, "exact.json")
        arguments = ["--dry-run", "--ignore-installed", "--no-deps", "--report", str(report), *request.exact]
        done = self._run(arguments, request, room, set())
        if done.code != 0:
            raise words_pip.error(done.stdout + done.stderr, _log(room), request.exact)
        items: list[dict[str, Any]] = _read(report)["install"]
        return items


def _call(argv: list[str], env: dict[str, str], request: Request, room: Room) -> Completed:
    """Run *argv* in the folder of *request*."""
    return room.runner(argv, env=env, cwd=request.folder, deadline=room.deadline, tick=room.tick)


def _call_over_several(argv: list[str], env: dict[str, str], request: Request, room: Room) -> Completed:
    """Run *argv* where several indexes count. Raises what went wrong with one of them, whatever pip made of it."""
    from sessionpkgs.engines import first_index

    with first_index.opened(request.sources, env) as route:
        told = {**env, **surroundings.for_pip(request.sources, route.url), **route.direct(env)}
        done = _call(argv, told, request, room)
    if route.errors:
        raise route.errors[0]
    log = Path(room.stage, "pip.log")
    if log.is_file():
        log.write_text(route.plain(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
    return done._replace(stdout=route.plain(done.stdout), stderr=route.plain(done.stderr))


def _refuse_hidden_places(items: Sequence[dict[str, Any]], request: Request) -> None:
    """Refuse a place (a URL, a repository, a folder) that a distribution names and the declaration does not.

    uv refuses the same by itself. Raises :class:`UnsafePackageError`.
    """
    own = {one.name for one in request.requirements if " @ " in one.line}
    for item in items:
        if item.get("is_direct") and _name(item) not in own:
            place = show(str(item["download_info"]["url"]))
            raise words_places.hidden(_name(item), place)


def _kept(request: Request) -> tuple[str, ...]:
    """Constraints for what is asked for, present and not to be upgraded: pip's ``--upgrade`` is for every line."""
    from packaging.requirements import Requirement

    present = [(one, request.view[one.name]) for one in request.requirements if one.name in request.view]
    return tuple(
        f"{dist.name}=={dist.version}"
        for one, dist in present
        if one.name not in request.upgrade and Requirement(one.line).specifier.contains(dist.version, prereleases=True)
    )


def _read(report: Path) -> dict[str, Any]:
    """pip's installation report."""
    read: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return read


def _name(item: dict[str, Any]) -> str:
    """Normalised name of one item of a report."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(str(item["metadata"]["name"])))


def _release(item: dict[str, Any]) -> str:
    """Name and version of one item as a requirement."""
    return f"{_name(item)}=={item['metadata']['version']}"


def _is_allowed(item: dict[str, Any], allowed: dict[str, tuple[str, ...]]) -> bool:
    """Whether the file of *item* has one of the hashes that the user wrote, or needs none."""
    hashes = item["download_info"].get("archive_info", {}).get("hashes", {})
    wanted = allowed.get(_name(item))
    return wanted is None or item.get("is_direct", False) or any(f"{k}:{v}" in wanted for k, v in hashes.items())


def _pin(item: dict[str, Any], request: Request, hashes: dict[str, tuple[str, ...]]) -> Pin:
    """One item of the report as a Pin, read through the same door as uv's lock."""
    told, origin, name = item["metadata"], item["download_info"], _name(item)
    url = origin["url"]
    package: dict[str, Any] = {"name": name, "version": told["version"]}
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        package["vcs"] = {"type": vcs["vcs"], "url": url, "commit-id": vcs["commit_id"]}
    elif "dir_info" in origin:
        package["directory"] = {"path": _path(url), "editable": origin["dir_info"].get("editable", False)}
    else:
        known = origin.get("archive_info", {})
        file = {"url": url, "hashes": known.get("hashes", {})}
        if item.get("is_direct"):
            package["archive"] = file
        elif url.partition("#")[0].endswith(".whl"):
            package["wheels"] = [file]
        else:
            package["sdist"] = file
    return targets.pin(request.target, package, request.folder, hashes.get(name, ()))


def _path(url: str) -> str:
    """Local path of a file URL."""
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path)


def _pin_line(pin: Pin) -> str:
    """*pin* as a line of a requirements file."""
    if pin.kind == "directory":
        place = Path(_path(pin.url)).as_uri()  # a path may have a space, a line of requirements not
        return f"-e {place}" if pin.editable else f"{pin.name} @ {place}"
    if pin.kind == "vcs":
        place, sign, part = pin.url.partition("#")
        return f"{pin.name} @ {place}@{pin.commit}{sign}{part}"
    hashed = f" --hash=sha256:{pin.sha256}" if pin.sha256 else ""
    return f"{pin.name} @ {pin.url}{hashed}" if pin.direct else f"{pin.name}=={pin.version}{hashed}"


def _edges(items: list[dict[str, Any]], there: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """(name, asker) pairs from the metadata in a report, for what is asked here (or *there*) and without extras."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lines = [(item["metadata"]["name"], line) for item in items for line in item["metadata"].get("requires_dist", ())]
    parsed = [(asker, Requirement(line)) for asker, line in lines]
    wanted = [
        (asker, one.name) for asker, one in parsed if one.marker is None or one.marker.evaluate({**there, "extra": ""})
    ]
    return tuple((str(canonicalize_name(name)), str(canonicalize_name(asker))) for asker, name in wanted)


def _log(room: Room) -> str:
    """The log of the last run, empty where it did not get so far."""
    path = Path(room.stage, "pip.log")
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
