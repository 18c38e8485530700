"""Names that are one where case does not count: told here, refused on such a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionpkgs.errors import ConflictError
from sessionpkgs.model import Pin
from sessionpkgs.store import folding, ingest
from tests.wheelhouse import Wheelhouse, unpack

ONE, TWO = {"demo/Some.py": "1", "demo/some.py": "2"}, {"Demo/other.py": "1"}


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        pytest.param(["a/b.py", "a/c.py", "b/b.py"], [], id="none"),
        pytest.param(["a/B.py", "a/b.py"], [("a/B.py", "a/b.py")], id="files"),
        pytest.param(["A/x.py", "a/y.py"], [("A", "a")], id="folders"),
        pytest.param(["a/B/x", "a/b"], [("a/B", "a/b")], id="a folder and a file"),
        pytest.param(["stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE"], [("STRASSE", "stra\N{LATIN SMALL LETTER SHARP S}e")], id="letters"),
    ],
)  # fmt: skip
def test_pairs_are_found_at_any_depth(paths: list[str], found: list[tuple[str, str]]) -> None:
    assert folding.pairs(paths) == found


@pytest.fixture
def site(tmp_path: Path, wheelhouse: Wheelhouse) -> Path:
    """Two distributions with such names, unpacked."""
    for name, files in (("demo", ONE), ("other", TWO)):
        unpack(wheelhouse.wheel(name, files=files), tmp_path / "site")
    return tmp_path / "site"


PINS = (Pin(name="demo", version="1.0"), Pin(name="other", version="1.0"))


def test_here_both_stay(site: Path) -> None:
    assert len(ingest.verify(str(site), PINS)) == 2


def test_a_disk_that_does_not_tell_them_apart_is_refused(site: Path) -> None:
    (site / "DEMO-1.0.DIST-INFO").mkdir()  # as such a disk answers, by whatever name it is asked
    with pytest.raises(ConflictError, match=r"demo-1\.0 and other-1\.0: Demo and demo are one name on this disk"):
        ingest.verify(str(site), PINS)


def test_names_that_nobody_else_has_are_no_matter_on_such_a_disk(tmp_path: Path, wheelhouse: Wheelhouse) -> None:
    site = unpack(wheelhouse.wheel("demo"), tmp_path / "site")
    (site / "DEMO-1.0.DIST-INFO").mkdir()
    assert ingest.verify(str(site), PINS[:1])


def test_each_pair_is_told_once(tmp_path: Path) -> None:
    for name in ("one/Same", "two/same", "two/else"):
        (tmp_path / name).mkdir(parents=True)
    sites = {name: str(tmp_path / name) for name in ("one", "two")}
    within = {"two": [("same/A.py", "same/a.py"), ("same/B.py", "same/b.py")]}
    assert folding.notices(sites, within) == [
        "one and two: Same and same differ only in small letters and capitals.",
        "two: same/A.py and same/a.py differ only in small letters and capitals.",
    ]
