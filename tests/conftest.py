"""What every test gets: an environment without the machine's configuration, private folders, wheels and engines."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess  # noqa: TID251 - tests hold processes open, which `process.run` never does
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from sessionpkgs import Session, installed, process
from sessionpkgs.engines import ENGINES, Engine, Request, Room, find
from sessionpkgs.engines.uv import Uv
from sessionpkgs.model import Lock, Requirement
from sessionpkgs.settings import Sources
from tests.wheelhouse import Wheelhouse

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts programs in the background so
    signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_CONFIGURATION = ("PIP_", "UV_", "SESSIONPKGS_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No configuration of pip, uv or us, no proxy, and a home folder of the test's own."""
    for name in list(os.environ):
        if name.startswith(_CONFIGURATION) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    private = tmp_path_factory.mktemp("user")
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_DIRS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(private))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("SESSIONPKGS_HOME", str(private / "store"))
    monkeypatch.setenv("SESSIONPKGS_CONFIG", str(private / "sessionpkgs.toml"))
    return private


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private SESSIONPKGS_HOME."""
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("SESSIONPKGS_HOME", str(path))
    return path


def stamps(folder: str) -> dict[str, tuple[int, int, int, int]]:
    """Size, time, inode and mode of every file below *folder*, bytecode aside."""
    found = {str(path): path.lstat() for path in Path(folder).rglob("*") if "__pycache__" not in path.parts}
    return {path: (one.st_size, one.st_mtime_ns, one.st_ino, one.st_mode) for path, one in found.items()}


@pytest.fixture
def untouched() -> Iterator[None]:
    """Base (the environment that runs the tests) is after the test what it was before, every file of it."""
    base = sysconfig.get_paths()["purelib"]
    before = stamps(base)
    yield
    assert stamps(base) == before


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Wheelhouse:
    """An empty folder for wheels."""
    return Wheelhouse(tmp_path / "wheelhouse")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment of this Python with nothing in it."""
    made = tmp_path_factory.mktemp("base") / "venv"
    argv = [Uv().program, "venv", "--no-config", "--offline", "--quiet", "--python", sys.executable, str(made)]
    env = {"PATH": os.environ["PATH"], "HOME": str(made.parent), "UV_CACHE_DIR": str(made.parent / "cache")}
    done = process.run(argv, env=env, cwd=str(made.parent), deadline=60)
    assert done.code == 0, done.stderr
    return made


@pytest.fixture(scope="session")
def only_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder with pip in it and nothing else."""
    spec = find_spec("pip")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    folder = tmp_path_factory.mktemp("only-pip")
    for path in (package, *package.parent.glob("pip-*.dist-info")):
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def present(tmp_path: Path) -> Path:
    """The site folder of base: what a test unpacks here is installed below the session."""
    folder = tmp_path / "present"
    folder.mkdir()
    return folder


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of base, behind the others: what a test unpacks there is installed below the session."""
    folder = tmp_path / "below"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    return folder


@pytest.fixture
def room(tmp_path: Path, base: Path, only_pip: Path, present: Path) -> Callable[..., Room]:
    """Gives an engine's room with a stage of its own; keywords replace fields."""
    numbers = itertools.count()

    def make(**changes: object) -> Room:
        stage = tmp_path / f"stage-{next(numbers)}"
        for folder in (stage, tmp_path / "cache", tmp_path / "views"):
            folder.mkdir(exist_ok=True)
        made = Room(
            stage=str(stage),
            cache=str(tmp_path / "cache"),
            views=str(tmp_path / "views"),
            python=str(base / "bin" / "python"),
            base=(str(only_pip), str(present)),
            deadline=120.0,
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture
def request_for(tmp_path: Path, wheelhouse: Wheelhouse, only_pip: Path, present: Path) -> Callable[..., Request]:
    """Gives the request for some lines (text or Requirements) over the wheelhouse; keywords replace fields."""

    def make(*lines: str | Requirement, **changes: object) -> Request:
        made = Request(
            requirements=tuple(line if isinstance(line, Requirement) else requirement(line) for line in lines),
            view=installed.scan([str(only_pip), str(present)]),
            sources=Sources(implied=False, find_links=(str(wheelhouse.folder),), no_index=True),
            folder=str(tmp_path),
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    return make


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine in turn."""
    return find(request.param)


@pytest.fixture
def resolve(engine: Engine, room: Callable[..., Room], request_for: Callable[..., Request]) -> Callable[..., Lock]:
    """Resolves lines with that engine and gives the lock."""
    return lambda *lines, **changes: engine.resolve(request_for(*lines, **changes), room())


def requirement(line: str) -> Requirement:
    """*line* as the formats give it, with its normalised name."""
    from packaging.requirements import Requirement as Parsed
    from packaging.utils import canonicalize_name

    return Requirement(line=line, name=str(canonicalize_name(Parsed(line).name)), where="line 1")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts Python code in a process with both ends of a conversation; it is killed at the end of the test."""
    children: list[subprocess.Popen[str]] = []

    def begin(code: str, *arguments: str) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=str(tmp_path),
        )
        children.append(child)
        return child

    yield begin
    for child in children:
        child.kill()
        child.communicate()


@pytest.fixture
def session(home: Path, tmp_path: Path) -> Iterator[Callable[..., Session]]:
    """Gives sessions of one store, one after the other: the one before is closed first, unless *beside* it."""
    made: list[Session] = []

    def make(identity: str = "", *, beside: bool = False) -> Session:
        for earlier in [] if beside else made:
            earlier.close()
        one = Session(identity=identity or f"session-{len(made)}", folder=str(tmp_path))
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()
