"""Hostile distributions through the whole line, with a real uv and a real pip: a refusal in words, and nothing left."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess  # noqa: TID251 - what a person's own program sees
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sessionpkgs import Session
from sessionpkgs.engines import ENGINES
from sessionpkgs.errors import (
    ConflictError,
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    SessionPkgsError,
    SpecError,
    UnsafePackageError,
)
from sessionpkgs.report import Reporter
from tests.sessions import Make, lines
from tests.wheelhouse import AMBIGUOUS, Rows, Wheelhouse, bomb, link_entry, pipe_entry, raw_wheel

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("untouched")]

LONGEST = 200
Put = Callable[[Wheelhouse], object]
CODE = "evil_a/__init__.py"
INFO = "evil_a-1.0.dist-info"


def tree(folder: Path, *without: Path) -> str:
    """A digest of all that is in *folder*: names, kinds and bytes."""
    told = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if any(path.is_relative_to(one) for one in without):
            continue
        told.update(f"{path.relative_to(folder)}\0{path.lstat().st_mode:o}\0".encode())
        if path.is_file() and not path.is_symlink():
            told.update(path.read_bytes())
    return told.hexdigest()


class Watched:
    """A session with a good distribution active, and what must be the same after a refusal."""

    def __init__(self, one: Session, wheelhouse: Wheelhouse, home: Path, outside: Path, engine: str) -> None:
        self.one, self.wheelhouse, self.home, self.outside, self.engine = one, wheelhouse, home, outside, engine
        (outside / "canary").mkdir()
        (outside / "canary" / "file").write_text("sings")
        wheelhouse.wheel("kept-a", "1.0")
        wheelhouse.wheel("next-a", "1.0")
        one.declare(lines(wheelhouse, "kept-a"), engine=engine)

    def state(self) -> dict[str, object]:
        """Everything that a refusal leaves alone."""
        return {
            **{part: sorted(path.name for path in (self.home / part).iterdir()) for part in ("dists", "layers", "")},
            "outside": tree(self.outside, self.home, self.wheelhouse.folder),
            "user": tree(Path(os.environ["HOME"])),
            "path": list(sys.path),
            "packages": self.one.status()["packages"],
        }

    def refused(self, *asked: str, alone: bool = False, joined: bool = False) -> SessionPkgsError:
        """The error for *asked*, after everything else was found as it was.

        *alone* adds no places to look in; where good distributions are bad only *joined*, the store may keep them.
        """
        before = self.state()
        wanted = asked if alone else lines(self.wheelhouse, *asked).splitlines()
        with pytest.raises(SessionPkgsError) as caught:
            self.one.add(wanted, engine=self.engine)
        spared = {"dists"} if joined else set()
        assert {k: v for k, v in self.state().items() if k not in spared} == {
            k: v for k, v in before.items() if k not in spared
        }
        self.goes_on()
        return caught.value

    def goes_on(self) -> None:
        """The session is usable: what was active is importable, the next good distribution comes in."""
        assert not [*(self.home / "stage").iterdir()]
        assert importlib.util.find_spec("kept_a") is not None
        assert importlib.util.find_spec("evil_a") is None
        record = self.one.add(lines(self.wheelhouse, "next-a").splitlines(), engine=self.engine)
        assert {"kept-a", "next-a"} <= {p["name"] for p in record["packages"]}


@pytest.fixture(params=sorted(ENGINES))
def watched(
    request: pytest.FixtureRequest, session: Make, wheelhouse: Wheelhouse, home: Path, tmp_path: Path
) -> Watched:
    """A watched session for every engine in turn."""
    return Watched(session(), wheelhouse, home, tmp_path, request.param)


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Wheelhouse:
    """A folder of wheels that the session does not look into by itself."""
    return Wheelhouse(tmp_path_factory.mktemp("elsewhere"))


def well_said(error: SessionPkgsError, *words: str) -> None:
    """One short line that names what it is about, and is no argument about versions."""
    assert "\n" not in error.sentence
    assert len(error.sentence) <= LONGEST, error.sentence
    assert "Traceback" not in error.sentence
    assert "no set of versions" not in error.sentence
    told = f"{error.sentence} {error.item}".replace("_", "-")
    assert any(word in told for word in (*words, "evil-a")), error.sentence


def raw(*more: tuple[object, str | bytes], **told: object) -> Put:
    """Puts a wheel of evil-a with the entries *more* into the wheelhouse."""
    return lambda house: raw_wheel(house.folder, "evil-a", more, **told)  # type: ignore[arg-type]


def rows(change: Callable[[Rows], Rows | None]) -> Put:
    """Puts a wheel whose RECORD says what *change* makes of it."""
    return raw(("evil_a/data.txt", "d"), record=change)


def cut(house: Wheelhouse) -> None:
    """A wheel that ends in the middle."""
    path = raw_wheel(house.folder, "evil-a", [("evil_a/noise.bin", os.urandom(20000))])
    path.write_bytes(path.read_bytes()[:9000])


def climbing(form: str) -> Put:
    """Puts a wheel with one path in *form*, from as many folders up as there may be."""
    entries = [(form.format("../" * depth), "planted") for depth in range(1, 9)] if "{" in form else [(form, "planted")]
    return raw(*entries)


def scripted(group: str, name: str, target: str = "evil_a:main") -> Put:
    return raw((f"{INFO}/entry_points.txt", f"[{group}]\n{name} = {target}\n"))


def changed(change: Callable[[bytes], bytes]) -> Put:
    """Puts a wheel whose bytes are what *change* makes of them."""

    def put(house: Wheelhouse) -> None:
        path = raw_wheel(house.folder, "evil-a")
        path.write_bytes(change(path.read_bytes()))

    return put


BYTES = [
    pytest.param(cut, id="22 cut short"),
    pytest.param(lambda house: (house.folder / "evil_a-1.0-py3-none-any.whl").write_bytes(b"no zip"), id="23 no zip"),
    pytest.param(rows(lambda r: [[p, h.replace("=", "=AAAA") if p == CODE else h, s] for p, h, s in r]), id="24 wrong hash"),
    pytest.param(rows(lambda r: [row for row in r if row[0] != CODE]), id="25 a file without row"),
    pytest.param(rows(lambda r: [*r, ["evil_a/ghost.py", "sha256=AAAA", "1"]]), id="26 a row without file"),
    pytest.param(rows(lambda _: None), id="27 no RECORD"),
    pytest.param(raw((CODE, "stolen = True\n")), id="28 an entry twice"),
    *(pytest.param(changed(change), id=f"28 {change.__name__}") for change in AMBIGUOUS),
    pytest.param(raw(metadata="Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"), id="29 another name"),
    pytest.param(raw(metadata="Metadata-Version: 2.1\nName: evil-a\nVersion: 9.0\n"), id="29 another version"),
    pytest.param(raw(metadata="Metadata-Version: 2.1\n"), id="29 no name"),
]  # fmt: skip

UNSAFE = [
    pytest.param(climbing("{}canary/planted.py"), id="31 climbing"),
    pytest.param(climbing("evil_a/../{}canary/planted.py"), id="31 climbing from within"),
    pytest.param(climbing("/tmp/sessionpkgs-planted/evil.py"), id="32 absolute"),
    pytest.param(climbing("..\\..\\planted.py"), id="33 backslash"),
    pytest.param(climbing("C:\\planted.py"), id="33 drive"),
    pytest.param(climbing("evil_a-1.0.data/data/{}canary/planted"), id="34 climbing by data"),
    pytest.param(climbing("evil_a-1.0.data/scripts/{}canary/planted"), id="34 climbing by scripts"),
    pytest.param(climbing("evil_a-1.0.data/purelib/{}canary/planted"), id="34 climbing by purelib"),
    pytest.param(climbing("evil_a-1.0.data/data//tmp/sessionpkgs-planted/evil"), id="34 absolute by data"),
    pytest.param(raw(link_entry("evil_a/link", "/etc/passwd")), id="35 link"),
    pytest.param(raw(link_entry("evil_a/out", "../../../../canary"), ("evil_a/out/planted", "x")), id="35 file by a link"),
    pytest.param(raw(pipe_entry("evil_a/pipe")), id="35 pipe"),
    pytest.param(climbing("../site-0evil/planted.py"), id="36 sibling prefix"),
    pytest.param(scripted("console_scripts", "../../../../canary/planted"), id="37 script that climbs"),
    pytest.param(scripted("console_scripts", "a/b"), id="37 script with a slash"),
    pytest.param(scripted("console_scripts", "/tmp/sessionpkgs-planted"), id="37 absolute script"),
    pytest.param(scripted("gui_scripts", "../planted"), id="37 window script that climbs"),
    pytest.param(rows(lambda r: [*r, ["../../../../canary/file", "sha256=AAAA", "5"]]), id="38 a row that climbs"),
    *(
        pytest.param(raw((f"{top}.py", "stolen = True\n")), id=f"40 {top}")
        for top in ("sitecustomize", "usercustomize", "IPython", "pip", "ipykernel")
    ),
    pytest.param(raw(("evil_a/" + "n" * 300 + ".txt", "x")), id="46 long name"),
    pytest.param(raw(("evil_a/" + "/".join(["d" * 100] * 45) + "/x.txt", "x")), id="46 long path"),
]  # fmt: skip


@pytest.mark.parametrize("put", BYTES)
def test_bytes_that_are_not_what_they_say_are_refused(watched: Watched, put: Put) -> None:
    put(watched.wheelhouse)
    error = watched.refused("evil-a")
    well_said(error)
    assert isinstance(error, IntegrityError | NotFoundError | UnsafePackageError | SpecError)


@pytest.mark.parametrize("put", UNSAFE)
def test_a_package_that_reaches_out_is_refused(watched: Watched, put: Put) -> None:
    put(watched.wheelhouse)
    error = watched.refused("evil-a")
    well_said(error)
    assert isinstance(error, IntegrityError | UnsafePackageError | NotFoundError)
    assert not Path("/tmp/sessionpkgs-planted").exists()


def page(link: str) -> Callable[[BaseHTTPRequestHandler], bool]:
    """A fault: the page of a project is *link* and nothing else."""

    def answer(request: BaseHTTPRequestHandler) -> bool:
        body = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
        request.send_response(200)
        request.send_header("Content-Type", "text/html")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
        return True

    return answer


def test_a_file_with_another_hash_than_its_index_says_is_refused(watched: Watched, elsewhere: Wheelhouse) -> None:
    name = raw_wheel(elsewhere.folder, "evil-a").name
    with elsewhere.index() as index:
        index.faults["/simple/evil-a"] = page(f'<a href="/files/{name}#sha256={"0" * 64}">{name}</a>')
        error = watched.refused(f"--index-url {index.url}", "evil-a", alone=True)
    well_said(error)
    assert isinstance(error, IntegrityError)


def test_a_file_with_another_hash_than_the_user_wrote_is_refused(watched: Watched) -> None:
    raw_wheel(watched.wheelhouse.folder, "evil-a")
    error = watched.refused(f"evil-a==1.0 --hash=sha256:{'0' * 64}")
    well_said(error)
    assert isinstance(error, IntegrityError)


@pytest.mark.parametrize(
    "put",
    [
        pytest.param(scripted("console_scripts", "../../../../canary/planted"), id="37 script that climbs"),
        pytest.param(scripted("console_scripts", "a/b"), id="37 script with a slash"),
        pytest.param(
            rows(lambda r: [[p, h.replace("=", "=AAAA") if p == CODE else h, s] for p, h, s in r]), id="24 wrong hash"
        ),
        pytest.param(raw(("sitecustomize.py", "stolen = True\n")), id="40 sitecustomize"),
        pytest.param(raw((CODE, "stolen = True\n")), id="28 an entry twice"),
    ],
)
def test_a_wheel_of_an_index_is_refused_as_well(watched: Watched, elsewhere: Wheelhouse, put: Put) -> None:
    put(elsewhere)
    with elsewhere.index() as index:
        error = watched.refused(f"--index-url {index.url}", "evil-a", alone=True)
    well_said(error)


def test_a_path_file_is_not_executed(watched: Watched, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    raw_wheel(
        watched.wheelhouse.folder, "pth-a", [("pth_a.pth", f"import pathlib; pathlib.Path({str(marker)!r}).touch()\n")]
    )
    record = watched.one.add(lines(watched.wheelhouse, "pth-a").splitlines(), engine=watched.engine)
    assert not marker.exists()
    assert "pth_a.pth" in str(record["notices"])


def test_two_wheels_that_own_one_path_are_both_named(watched: Watched) -> None:
    raw_wheel(watched.wheelhouse.folder, "evil-a", [("shared/data.txt", "one")])
    raw_wheel(watched.wheelhouse.folder, "evil-b", [("shared/data.txt", "two")])
    error = watched.refused("evil-a", "evil-b")
    well_said(error)
    assert isinstance(error, ConflictError)
    assert "evil-a" in error.sentence
    assert "evil-b" in error.sentence


def test_a_wheel_that_overwrites_one_of_the_session_is_refused(watched: Watched) -> None:
    raw_wheel(watched.wheelhouse.folder, "evil-a", [("kept_a/__init__.py", "stolen = True\n")])
    error = watched.refused("evil-a", joined=True)
    well_said(error)
    assert isinstance(error, ConflictError)


def test_a_bomb_is_refused_before_it_fills_the_disk(watched: Watched) -> None:
    bomb(watched.wheelhouse.folder, "evil-a", 512 << 20)
    error = watched.refused("evil-a")
    well_said(error)
    assert isinstance(error, UnsafePackageError)
    assert sum(path.stat().st_size for path in watched.home.rglob("*") if path.is_file()) < 64 << 20


@pytest.mark.parametrize("form", ["Summary: {}", "X: y\n\n{}"], ids=["header", "text"])
def test_metadata_that_would_fill_the_memory_are_refused(watched: Watched, form: str) -> None:
    told = "Metadata-Version: 2.1\nName: evil-a\nVersion: 1.0\n" + form.format("x" * (60 << 20))
    raw_wheel(watched.wheelhouse.folder, "evil-a", metadata=told)
    error = watched.refused("evil-a")
    well_said(error)
    assert isinstance(error, UnsafePackageError)


def test_a_wheel_of_too_many_files_is_refused(watched: Watched) -> None:
    raw_wheel(watched.wheelhouse.folder, "evil-a", [(f"evil_a/{n}", "") for n in range(100_000)])
    error = watched.refused("evil-a")
    well_said(error)
    assert isinstance(error, UnsafePackageError)


def ranged(house: Wheelhouse) -> Callable[[BaseHTTPRequestHandler], bool]:
    """A fault: parts of files come where they are asked for, and with them the size of the whole."""

    def answer(request: BaseHTTPRequestHandler) -> bool:
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
        if wanted is None:
            return False
        whole = (house.folder / request.path.rpartition("/")[2]).read_bytes()
        first = int(wanted[1]) if wanted[1] else max(0, len(whole) - int(wanted[2]))
        last = min(int(wanted[2]), len(whole) - 1) if wanted[1] and wanted[2] else len(whole) - 1
        request.send_response(206)
        request.send_header("Content-Range", f"bytes {first}-{last}/{len(whole)}")
        request.send_header("Content-Length", str(last + 1 - first))
        request.end_headers()
        request.wfile.write(whole[first : last + 1])
        return True

    return answer


def test_a_bomb_of_an_index_is_stopped_while_it_unpacks(watched: Watched, elsewhere: Wheelhouse) -> None:
    bomb(elsewhere.folder, "evil-a", 1 << 30)
    with elsewhere.index() as index:
        index.faults["/files/"] = ranged(elsewhere)
        error = watched.refused(f"--index-url {index.url}", "evil-a", alone=True)
    well_said(error)
    assert isinstance(error, UnsafePackageError)
    assert "the install was stopped (at evil_a/zeros.bin)" in error.sentence
    assert sum(path.stat().st_size for path in watched.home.rglob("*") if path.is_file()) < 64 << 20


def test_metadata_of_an_index_that_would_fill_the_memory_are_refused(watched: Watched, elsewhere: Wheelhouse) -> None:
    told = "Metadata-Version: 2.1\nName: evil-a\nVersion: 1.0\n\n" + "x" * (60 << 20)
    raw_wheel(elsewhere.folder, "evil-a", metadata=told)
    with elsewhere.index() as index:
        error = watched.refused(f"--index-url {index.url}", "evil-a", alone=True)
    well_said(error)
    assert isinstance(error, UnsafePackageError)


@pytest.mark.parametrize("change", AMBIGUOUS, ids=lambda change: change.__name__)
def test_a_wheel_of_an_index_that_two_readers_take_for_two_is_refused_by_uv(
    session: Make,
    wheelhouse: Wheelhouse,
    elsewhere: Wheelhouse,
    home: Path,
    tmp_path: Path,
    change: Callable[[bytes], bytes],
) -> None:
    watched = Watched(session(), wheelhouse, home, tmp_path, "uv")
    changed(change)(elsewhere)
    with elsewhere.index() as index:
        error = watched.refused(f"--index-url {index.url}", "evil-a", alone=True)
    assert isinstance(error, IntegrityError | IndexUnavailable)


class Swapping(Reporter):
    """Puts *fresh* in the place of *old* when the engine begins to install, which is after the wheel was looked at."""

    def __init__(self, fresh: Path, old: Path) -> None:
        self.fresh, self.old = fresh, old

    def step(self, text: str) -> None:
        if text.startswith("installing") and self.fresh.exists():
            self.fresh.replace(self.old)


@pytest.mark.parametrize("hashed", [False, True], ids=["", "hashed"])
@pytest.mark.parametrize("form", ["in a folder", "by path"])
def test_a_wheel_that_is_swapped_after_it_was_looked_at_is_refused(
    watched: Watched, elsewhere: Wheelhouse, form: str, hashed: bool
) -> None:
    old = raw_wheel(watched.wheelhouse.folder, "evil-a")
    fresh = raw_wheel(elsewhere.folder, "evil-a", [("evil_a/more.py", "stolen = True\n")])
    line = f"evil-a @ {old.as_uri()}" if form == "by path" else "evil-a==1.0"
    digest = f" --hash=sha256:{hashlib.sha256(old.read_bytes()).hexdigest()}" if hashed else ""
    watched.one.reporter = Swapping(fresh, old)
    error = watched.refused(f"{line}{digest}")
    assert isinstance(error, IntegrityError)
    assert not fresh.exists()


def test_a_module_of_the_standard_library_stays_what_it_is(watched: Watched) -> None:
    raw_wheel(watched.wheelhouse.folder, "evil-b", [(f"{top}.py", "stolen = True\n") for top in ("json", "colorsys")])
    record = watched.one.add(lines(watched.wheelhouse, "evil-b").splitlines(), engine=watched.engine)
    assert "evil-b: the standard library has colorsys, json too and comes first." in record["notices"]
    code = "import colorsys, json; print(colorsys.__file__, json.__file__); import evil_b"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    places = [*done.stdout.split(), str(importlib.util.find_spec("colorsys"))]
    assert len(places) == 3
    assert not [place for place in places if str(watched.home) in place]


def test_names_that_differ_only_in_capitals_are_told(watched: Watched) -> None:
    raw_wheel(watched.wheelhouse.folder, "evil-b", [("evil_b/Some.py", ""), ("evil_b/some.py", "")])
    raw_wheel(watched.wheelhouse.folder, "evil-c", [("Shared_c.py", "")])
    raw_wheel(watched.wheelhouse.folder, "evil-d", [("shared_c.py", "")])
    record = watched.one.add(
        lines(watched.wheelhouse, "evil-b", "evil-c", "evil-d").splitlines(), engine=watched.engine
    )
    told = str(record["notices"])
    assert "evil-b: evil_b/Some.py and evil_b/some.py differ only in small letters and capitals." in told
    assert "evil-c and evil-d: Shared_c.py and shared_c.py differ only in small letters and capitals." in told


EVIL = "\x1b[2J\x1b]0;title\x07\u202eevil"


@pytest.mark.parametrize(
    "put",
    [
        pytest.param(raw(metadata=f"Metadata-Version: 2.1\nName: evil-a\nVersion: 1.0\nSummary: {EVIL}\n", record=lambda r: r[1:]), id="summary"),
        pytest.param(raw((f"evil_a/{EVIL}.py", ""), record=lambda r: r[1:]), id="path"),
        pytest.param(raw((f"evil_a/{EVIL}.py", ""), listed=False), id="unlisted path"),
        pytest.param(raw(metadata=f"Metadata-Version: 2.1\nName: evil-a\nVersion: 1.0\nRequires-Dist: {EVIL}\n"), id="requirement"),
    ],
)  # fmt: skip
def test_what_a_package_says_reaches_no_terminal_raw(watched: Watched, put: Put) -> None:
    put(watched.wheelhouse)
    error = watched.refused("evil-a")
    shown = "".join([*error._render_traceback_(), *map(str, error.to_dict().values())])
    assert shown.isprintable()
    assert "\u202e" not in shown


def test_a_yanked_reason_reaches_no_terminal_raw(watched: Watched, elsewhere: Wheelhouse) -> None:
    name = raw_wheel(elsewhere.folder, "yanked-a").name
    with elsewhere.index() as index:
        index.faults["/simple/yanked-a"] = page(f'<a href="/files/{name}" data-yanked="{EVIL}">{name}</a>')
        record = watched.one.add([f"--index-url {index.url}", "yanked-a==1.0"], engine=watched.engine)
    shown = "".join([*map(str, record["notices"]), str(record["packages"])])
    assert shown.isprintable()
    assert "\u202e" not in shown


def test_a_place_that_a_wheel_names_itself_is_refused(watched: Watched, elsewhere: Wheelhouse) -> None:
    hidden = raw_wheel(elsewhere.folder, "hidden-a")
    told = f"Metadata-Version: 2.1\nName: evil-a\nVersion: 1.0\nRequires-Dist: hidden-a @ {hidden.as_uri()}\n"
    raw_wheel(watched.wheelhouse.folder, "evil-a", metadata=told)
    error = watched.refused("evil-a")
    well_said(error, "hidden-a")
