"""Another Python on another machine, for which an engine resolves here: its tags, its markers, what engines are told.

uv knows such machines by names of its own, and not all of them. pip takes tags, but judges markers by the Python that
runs it; so here its environment of markers is the target's, and it sees what the View has and nothing else. It starts
no process.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

from sessionpkgs.engines.stub import stub_view
from sessionpkgs.engines.wheels import pin_of
from sessionpkgs.errors import SpecError
from sessionpkgs.formats.wheel_files import LENGTH, filename_of
from sessionpkgs.model import Pin, View

_PYTHON = re.compile(r"3\.(\d{1,2})(?:\.\d{1,3})?")
_OLDEST = 8
_PLATFORM = re.compile(
    r"(?P<kind>manylinux|musllinux|macosx)_(?P<major>\d{1,2})_(?P<minor>\d{1,2})_(?P<chip>\w+)|(?P<other>linux_\w+|win32|win_\w+)"
)
_LEGACY = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}
_UV_GLIBC = frozenset({17, 28, *range(31, 41)})
_UV_OTHERS = {
    "win_amd64": "x86_64-pc-windows-msvc", "win32": "i686-pc-windows-msvc", "win_arm64": "aarch64-pc-windows-msvc",
    "musllinux_1_2_x86_64": "x86_64-unknown-linux-musl", "musllinux_1_2_aarch64": "aarch64-unknown-linux-musl",
}  # fmt: skip
_SYSTEMS = {"win": ("nt", "Windows", "win32"), "macosx": ("posix", "Darwin", "darwin")}
_CHIPS = {"win_amd64": "AMD64", "win32": "x86", "win_arm64": "ARM64"}
_HINT = "Platforms are written as in wheels: manylinux_2_28_x86_64, macosx_11_0_arm64, win_amd64."
# pip stays importable through its own package when its folder is gone from the path; of distributions it sees a stub.
_BOOT = """import json, os, runpy, sys, sysconfig
count = int(sys.argv[1])
markers, stub = json.loads(sys.argv[2]), sys.argv[3]
sys.path += [path for path in sys.argv[4 : 4 + count] if path not in sys.path]
sys.argv[1 : 4 + count] = []
import pip._vendor.packaging.markers as packaging
packaging.default_environment = lambda: dict(markers)
assert packaging.Marker(f"python_full_version == '{markers['python_full_version']}'").evaluate()
own = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
own |= {os.path.join(path, "lib-dynload") for path in own}
sys.path[:] = [path for path in sys.path if path in own] + [stub]
runpy.run_module("pip", run_name="__main__")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """CPython of the version *python* (``3.12`` or ``3.12.4``) on a machine that takes wheels for *platforms*.

    ``platforms`` are as they were named: one is usual; of several each brings those that it includes.
    """

    python: str
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        return f"Python {self.python} on {', '.join(self.platforms)}"

    @property
    def minor(self) -> tuple[int, int]:
        """Major and minor version."""
        major, minor, *_ = self.python.split(".")
        return int(major), int(minor)

    @property
    def full(self) -> str:
        """The version with a patch number; the lowest where none was named."""
        return self.python if self.python.count(".") > 1 else f"{self.python}.0"

    def accepted(self) -> tuple[str, ...]:
        """All platforms whose wheels run there, the best first."""
        return tuple(dict.fromkeys(one for named in self.platforms for one in _included(named)))

    def rank(self, filename: str) -> int | None:
        """How well the wheel *filename* fits, 0 the best; None where it does not, or is no wheel."""
        parts = filename.removesuffix(".whl").split("-")
        if not filename.endswith(".whl") or len(filename) > LENGTH or len(parts) not in {5, 6}:
            return None
        ranks, known = _ranks(self)
        thirds = [set(part.lower().split(".")) & words for part, words in zip(parts[-3:], known, strict=True)]
        return min((ranks[tag] for tag in product(*thirds) if tag in ranks), default=None)

    def moved(self, platform: str) -> Target:
        """The same Python on a machine of that *platform*."""
        return Target(python=self.python, platforms=(platform,))

    def is_like(self, platform: str) -> bool:
        """Whether *platform* is another release of the same system on the same kind of machine."""
        kind = self.platforms[0].partition("_")[0]
        return platform.startswith(kind) and self.moved(platform).machine == self.machine

    def markers(self) -> dict[str, str]:
        """The environment of markers there (PEP 508); release and version of the system are nobody's to know."""
        kind = self.platforms[0].partition("_")[0].rstrip("32")
        name, system, key = _SYSTEMS.get(kind, ("posix", "Linux", "linux"))
        return {
            "implementation_name": "cpython",
            "implementation_version": self.full,
            "os_name": name,
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": system,
            "platform_version": "",
            "python_full_version": self.full,
            "python_version": ".".join(map(str, self.minor)),
            "sys_platform": key,
        }

    @property
    def machine(self) -> str:
        """What ``platform.machine()`` says there."""
        named = self.platforms[0]
        match = _PLATFORM.fullmatch(named)
        return _CHIPS.get(named) or (match["chip"] if match and match["chip"] else named.partition("_")[2])


def of(python: str, platforms: Iterable[str]) -> Target:
    """The Target for a version and platform tags as a person writes them.

    Raises :class:`SpecError` for what is neither, and for platforms of different systems or machines.
    """
    found = _PYTHON.fullmatch(python)
    if found is None or int(found[1]) < _OLDEST:
        raise SpecError(f"{python!r} is not a Python that can be asked for", hint="For example: 3.11.", item=python)
    named = tuple(dict.fromkeys(_modern(one) for one in platforms))
    for one in named:
        if not _PLATFORM.fullmatch(one) or not _included(one):
            raise SpecError(f"{one!r} is not a platform that wheels are made for", hint=_HINT, item=one)
    made = Target(python=python, platforms=named)
    if not all(made.is_like(one) for one in named):
        raise SpecError(
            f"{', '.join(named)} are different machines", hint="Ask for one machine at a time.", item=named[0]
        )
    return made


def here() -> Target:
    """This Python on this machine."""
    import platform

    from packaging.tags import platform_tags

    tags = list(platform_tags())
    best = next((tag for tag in tags if tag.startswith(("manylinux", "musllinux", "macosx", "win"))), tags[0])
    return Target(python=platform.python_version().rstrip("+"), platforms=(best,))


def _modern(platform: str) -> str:
    """*platform*, a legacy alias in its new spelling (PEP 600)."""
    kind, _, chip = platform.strip().lower().replace("-", "_").replace(".", "_").partition("_")
    return f"{_LEGACY[kind]}_{chip}" if kind in _LEGACY else f"{kind}_{chip}".rstrip("_")


def _included(platform: str) -> list[str]:
    """The platforms whose wheels run on *platform*, itself first; none where there is no such platform."""
    from packaging.tags import mac_platforms

    match = _PLATFORM.fullmatch(platform)
    if match is None or match["other"]:
        return [platform] if match else []
    kind, major, minor, chip = match["kind"], int(match["major"]), int(match["minor"]), match["chip"]
    if kind == "macosx":
        return list(mac_platforms((major, minor), chip))
    if (kind, major) not in {("manylinux", 2), ("musllinux", 1)}:
        return []
    first = 0 if kind == "musllinux" else 5 if chip in {"x86_64", "i686"} else 17
    legacy = {new: old for old, new in _LEGACY.items()}
    found: list[str] = []
    for number in range(minor, first - 1, -1):
        name = f"{kind}_{major}_{number}"
        found += [f"{name}_{chip}", *([f"{legacy[name]}_{chip}"] if name in legacy else [])]
    return [*found, f"linux_{chip}"] if found else []


@functools.cache
def _ranks(target: Target) -> tuple[Mapping[tuple[str, ...], int], tuple[frozenset[str], ...]]:
    """Rank of each tag that *target* takes, 0 the best, and the words that each third of a tag may have."""
    from packaging.tags import compatible_tags, cpython_tags

    major, minor = target.minor
    abi, platforms = f"cp{major}{minor}", target.accepted()
    found = [*cpython_tags((major, minor), [abi], platforms), *compatible_tags((major, minor), abi, platforms)]
    tags: list[tuple[str, ...]] = [(tag.interpreter, tag.abi, tag.platform) for tag in found]
    ranks = {tag: number for number, tag in enumerate(dict.fromkeys(tags))}
    return ranks, tuple(frozenset(words) for words in zip(*tags, strict=True))


def uv_name(target: Target) -> str:
    """What uv calls the platform of *target*; empty where it has no name for exactly that."""
    if len(target.platforms) > 1:
        return ""
    platform = target.platforms[0]
    match = _PLATFORM.fullmatch(platform)
    if match is None or match["other"] or match["kind"] == "musllinux":
        return _UV_OTHERS.get(platform, "")
    if match["kind"] == "macosx":
        return {"arm64": "aarch64-apple-darwin", "x86_64": "x86_64-apple-darwin"}.get(match["chip"], "")
    known = int(match["minor"]) in _UV_GLIBC and match["chip"] in {"x86_64", "aarch64"}
    return f"{match['chip']}-manylinux_2_{match['minor']}" if known else ""


def for_uv(target: Target | None, *, universal: bool = False) -> list[str]:
    """Options of ``uv pip`` for *target*; a *universal* question is about no platform. Raises :class:`SpecError`."""
    if target is None:
        return []
    named = uv_name(target)
    if not named:
        raise SpecError(
            f"uv has no name for the platform {', '.join(target.platforms)}",
            hint="Use --engine pip.",
            item=target.platforms[0],
        )
    return ["--python-version", target.full, *([] if universal else ["--python-platform", named])]


def variables(target: Target | None) -> dict[str, str]:
    """What uv takes from its environment for *target*: how old a macOS may be."""
    match = _PLATFORM.fullmatch(target.platforms[0]) if target else None
    found = match is not None and match["kind"] == "macosx"
    return {"MACOSX_DEPLOYMENT_TARGET": f"{match['major']}.{match['minor']}"} if match and found else {}


def for_pip(target: Target | None) -> list[str]:
    """Options of pip for *target*."""
    if target is None:
        return []
    abi = f"cp{''.join(map(str, target.minor))}"
    asked = ["--python-version", target.full, "--implementation", "cp", "--abi", abi]
    return [*asked, *(part for one in target.accepted() for part in ("--platform", one))]


@contextmanager
def started(
    target: Target | None, boot: str, base: tuple[str, ...], view: View, views: str
) -> Iterator[tuple[str, ...]]:
    """The words that start pip for *target* behind ``-c``, over *view* alone; without one *boot*, over the folders *base*."""
    if target is None:
        yield boot, str(len(base)), *base
        return
    with stub_view(view, views) as stub:
        yield _BOOT, str(len(base)), json.dumps(target.markers()), stub, *base


def pin(target: Target | None, package: Mapping[str, Any], folder: str, allowed: Iterable[str] = ()) -> Pin:
    """The Pin for one ``[[packages]]`` table as :func:`wheels.pin_of` gives it, with the wheel that fits *target*."""
    allowed = tuple(allowed)
    if target is None or not package.get("wheels"):
        return pin_of(package, folder, allowed)
    fitting = [(rank, file) for file in package["wheels"] if (rank := target.rank(_filename(file))) is not None]
    ordered = [file for _, file in sorted(fitting, key=lambda pair: pair[0])]
    permitted = [file for file in ordered if any(f"{k}:{v}" in allowed for k, v in file.get("hashes", {}).items())]
    chosen = (permitted or ordered)[:1]
    only = {key: value for key, value in package.items() if key not in {"wheels", "sdist"}}
    return pin_of({**only, **({"sdist": chosen[0]} if chosen else {})}, folder, allowed)


def _filename(file: Mapping[str, Any]) -> str:
    """The name of a wheel in a lock."""
    return filename_of(str(file.get("url", file.get("path", ""))))
