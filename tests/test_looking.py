"""What is there, who needs it and whether it fits: answers that change nothing, beside those of pip."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from sessionpkgs import installed, process
from sessionpkgs.errors import NotFoundError
from sessionpkgs.model import Requirement, View
from sessionpkgs.session.checking import check
from sessionpkgs.session.freezing import freeze
from sessionpkgs.session.looking import Seen, listing, show, union
from sessionpkgs.session.needs import asked_extras
from sessionpkgs.session.why import needed_by, why
from tests.conftest import requirement
from tests.sessions import Make, lines
from tests.wheelhouse import Wheelhouse, project, unpack


class Place:
    """A folder of base and one of a session, and what is asked of them."""

    def __init__(self, wheelhouse: Wheelhouse, base: Path, own: Path) -> None:
        self.wheelhouse, self.below, self.own = wheelhouse, base, own
        own.mkdir(parents=True)

    def base(self, name: str, version: str = "1.0", **more: object) -> Path:
        unpack(self.wheelhouse.wheel(name, version, **more), self.below)  # type: ignore[arg-type]
        return self.below / f"{name.replace('-', '_').replace('.', '_')}-{version}.dist-info"

    def session(self, name: str, version: str = "1.0", **more: object) -> Path:
        unpack(self.wheelhouse.wheel(name, version, **more), self.own)  # type: ignore[arg-type]
        return self.own / f"{name.replace('-', '_').replace('.', '_')}-{version}.dist-info"

    def views(self) -> tuple[Seen, View]:
        return union([str(self.own)], [str(self.below)]), installed.scan([str(self.below)])

    def check(self, *asked: str) -> list[tuple[str, str, str, str, str]]:
        view, base = self.views()
        record = check(view, base, asked_extras(view, [requirement(line) for line in asked]))
        assert record["ok"] == all(found["fault"] == "base" for found in record["findings"])
        return [tuple(f[key] for key in ("kind", "dist", "needs", "has", "fault")) for f in record["findings"]]

    def why(self, name: str, *asked: str) -> list[str]:
        record = why(*self.views(), [requirement(line) for line in asked], name)
        return [" > ".join(step["line"] or step["name"] for step in chain) for chain in record["chains"]]


@pytest.fixture
def place(wheelhouse: Wheelhouse, present: Path, tmp_path: Path) -> Place:
    return Place(wheelhouse, present, tmp_path / "own")


def headers(dist_info: Path, *more: str) -> None:
    with (dist_info / "METADATA").open("a", encoding="utf-8") as target:
        target.write("".join(f"{line}\n" for line in more))


def came_from(dist_info: Path, **said: object) -> None:
    (dist_info / "direct_url.json").write_text(json.dumps(said))


def pip(*words: str, path: tuple[Path, ...] = ()) -> list[str]:
    """What this Python's pip says, over *path* alone where it is given."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, path)), "PIP_CONFIG_FILE": os.devnull}
    options = ["-S"] if path else []
    argv = [sys.executable, *options, "-m", "pip", "--disable-pip-version-check", *words]
    return process.run(argv, env=env, cwd=str(Path.cwd()), deadline=60).stdout.splitlines()


# -- list -----------------------------------------------------------------------------------------------------------


def test_a_list_says_who_brings_each_distribution_and_what_it_hides(place: Place) -> None:
    place.base("below-a")
    place.base("Both.B", "1.0")
    place.session("Both.B", "2.0")
    place.session("demo-c")
    view, base = place.views()
    record = listing(view, base, [requirement("both-b>1"), requirement("below-a")])
    assert (record["schema"], record["action"]) == (1, "list")
    rows = [tuple(row[key] for key in ("name", "version", "layer", "base", "requested")) for row in record["packages"]]
    assert rows == [
        ("below-a", "1.0", "base", "", True),
        ("both-b", "2.0", "session", "1.0", True),
        ("demo-c", "1.0", "session", "", False),
    ]
    assert [row["title"] for row in record["packages"]] == ["below-a", "Both.B", "demo-c"]
    json.dumps(record)


def test_a_list_of_a_real_session_knows_its_editable_folders(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    wheelhouse.wheel("demo-a", requires=["mine"])
    folder = project(tmp_path / "with space", "mine")
    one = session()
    one.declare(lines(wheelhouse, "demo-a", "-e './with space'"))
    view = union(one.overlay.active["sites"], one.life.base())
    base = installed.scan(one.life.base())
    own = [row for row in listing(view, base, one.spec.requirements)["packages"] if row["layer"] == "session"]
    assert [(row["name"], row["requested"], row["editable"]) for row in own] == [
        ("demo-a", True, ""),
        ("mine", True, str(folder)),
    ]
    assert freeze(view, base, everything=False)["lines"] == ["demo-a==1.0", f"-e {folder}"]
    assert needed_by(view, one.spec.requirements, "mine") == ("demo-a",)


# -- freeze -----------------------------------------------------------------------------------------------------------

HASH = "ab" * 32
COMMIT = "c" * 40


def test_freeze_gives_the_lines_of_pip(place: Place) -> None:
    place.base("zeta")
    place.base("Alpha.Beta", "1.0.0.RC1")
    place.base("alpha-a")
    place.base("pip", "99.0")
    place.base("setuptools", "99.0")
    came_from(place.base("from-git"), url="https://host/x.git", vcs_info={"vcs": "git", "commit_id": COMMIT})
    came_from(place.base("from-ssh"), url="ssh://git@host/x.git", vcs_info={"vcs": "git", "commit_id": COMMIT})
    came_from(place.base("hashed"), url="https://host/h.whl", archive_info={"hashes": {"sha256": HASH}})
    came_from(place.base("old-hash"), url="https://host/o.whl", archive_info={"hash": f"sha256={HASH}"})
    came_from(place.base("bare"), url="https://host/b.whl", archive_info={})
    came_from(place.base("sub"), url="https://host/s.zip", archive_info={}, subdirectory="one/two")
    came_from(place.base("folder"), url="file:///some/folder", dir_info={})
    came_from(place.base("edited"), url=(place.below / "my src").as_uri(), dir_info={"editable": True})
    view, base = place.views()
    ours = freeze(view, base, everything=True)["lines"]
    theirs = [line for line in pip("freeze", "--path", str(place.below)) if not line.startswith("#")]
    assert ours == theirs
    assert len(ours) >= 11
    assert "pip==99.0" not in ours
    everything = freeze(view, base, everything=True, tools=True)["lines"]
    assert everything == [line for line in pip("freeze", "--all", "--path", str(place.below)) if line[0] != "#"]
    assert "pip==99.0" in everything


def test_freeze_tells_the_session_alone_or_everything_without_what_is_excluded(place: Place) -> None:
    place.base("below-a")
    place.base("both-b", "1.0")
    place.session("both-b", "2.0")
    place.base("setuptools", "98.0")
    place.session("setuptools", "99.0")
    view, base = place.views()
    assert freeze(view, base, everything=False)["lines"] == ["both-b==2.0", "setuptools==99.0"]
    everything = freeze(view, base, everything=True, exclude=["Setup.Tools", "SETUPTOOLS"])["lines"]
    assert everything == ["below-a==1.0", "both-b==2.0"]
    assert "setuptools==99.0" in freeze(view, base, everything=True)["lines"]


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://user:s3cr3t@host/p.whl", "demo @ https://host/p.whl"),
        ("https://s3cr3t@host/p.whl", "demo @ https://host/p.whl"),
        ("https://host/p.whl?sig=s3cr3t", "demo @ https://host/p.whl?****"),
        ("https://host/t/s3cr3t/p.whl", "demo @ https://host/t/****/p.whl"),
    ],
)
def test_freeze_tells_no_secret(place: Place, url: str, line: str) -> None:
    came_from(place.session("demo"), url=url, archive_info={})
    assert freeze(*place.views(), everything=False)["lines"] == [line]
    came_from(place.session("demo"), url=url, vcs_info={"vcs": "git", "commit_id": COMMIT})
    url_alone = line.removeprefix("demo @ ")
    assert freeze(*place.views(), everything=False)["lines"] == [f"demo @ git+{url_alone}@{COMMIT}"]


@pytest.mark.parametrize("text", ["not json", "[]", '{"url": 1}', '{"dir_info": {"editable": true}}'])
def test_an_origin_that_cannot_be_read_leaves_name_and_version(place: Place, text: str) -> None:
    (place.session("demo") / "direct_url.json").write_text(text)
    assert freeze(*place.views(), everything=False)["lines"] == ["demo==1.0"]


# -- show -------------------------------------------------------------------------------------------------------------


def test_show_tells_what_the_metadata_says(place: Place) -> None:
    demo = place.session("Demo.A", requires=["below-a>=1", "Dep_X", "never; python_version < '3'"], extras={"e": ["y"]})
    headers(
        demo,
        "Summary: A demo",
        "Author-email: Ann <ann@host>",
        "Project-URL: Home Page, https://user:s3cr3t@host/demo",
        "License: A line",
        "        and another",
        "",
        "License-Expression: NOT-A-HEADER",
    )
    place.base("below-a", requires=["demo-a"])
    place.base("other", requires=["demo-a ; extra == 'x'"])
    view, _ = place.views()
    (sheet,) = show(view, ["demo_a", "Demo.A"])["packages"]
    assert sheet == {
        "name": "demo-a",
        "title": "Demo.A",
        "version": "1.0",
        "layer": "session",
        "summary": "A demo",
        "home_page": "https://****@host/demo",
        "author": "Ann <ann@host>",
        "license": "A line",
        "location": str(place.own),
        "editable": "",
        "requires": ["below-a", "dep-x"],
        "required_by": ["below-a"],
        "files": 4,
        "paths": [],
    }
    (sheet,) = show(view, ["demo-a"], files=True)["packages"]
    assert sheet["paths"][-1] == "Demo_A/__init__.py"
    assert len(sheet["paths"]) == 4


@pytest.mark.parametrize(
    ("lines_of", "told"),
    [
        (["License-Expression: MIT", "License: other"], "MIT"),
        (["License: UNKNOWN", "Classifier: License :: OSI Approved :: MIT License"], "MIT License"),
        (["Classifier: Topic :: Software"], ""),
    ],
)
def test_the_licence_is_the_expression_or_the_next_best(place: Place, lines_of: list[str], told: str) -> None:
    headers(place.session("demo"), *lines_of)
    assert show(place.views()[0], ["demo"])["packages"][0]["license"] == told


def test_an_egg_info_and_odd_bytes_are_shown_too(place: Place) -> None:
    (place.below / "old-1.0.egg-info").write_text("Metadata-Version: 1.1\nName: Old\nVersion: 1.0\nSummary: One file\n")
    metadata = place.base("odd") / "METADATA"
    metadata.write_bytes(metadata.read_bytes() + b"Summary: caf\xe9 \x1b[31mred\n")
    sheets = show(place.views()[0], ["old", "odd"])["packages"]
    assert [(sheet["title"], sheet["summary"]) for sheet in sheets] == [("Old", "One file"), ("odd", "caf� red")]


def test_names_that_are_not_there_are_told_with_what_is_close(place: Place) -> None:
    place.base("pandas")
    view, base = place.views()
    with pytest.raises(NotFoundError, match="pandsa, zzz are not installed") as caught:
        show(view, ["pandas", "pandsa", "zzz"])
    assert caught.value.hint == "Close to it: pandas."
    with pytest.raises(NotFoundError, match="zzz is not installed"):
        why(view, base, (), "zzz")


# -- check ------------------------------------------------------------------------------------------------------------


def test_check_finds_what_pip_finds(place: Place, only_pip: Path) -> None:
    place.base("demo-a", requires=["dep<2", "Gone.X", "never; python_version < '3'", "more; extra == 'e'", "pre>=1"])
    place.base("dep", "2.1")
    place.base("pre", "1.1a1")
    place.base("demo-b", requires=["demo-a[e]", "url-one @ https://host/u.whl", "dep (<3)"])
    view, base = union([], [str(place.below), str(only_pip)]), installed.scan([str(place.below)])
    found = check(view, base)["findings"]
    assert [(f["kind"], f["dist"], f["needs"], f["has"]) for f in found] == [
        ("version", "demo-a", "dep<2", "dep 2.1"),
        ("missing", "demo-a", "Gone.X", ""),
        ("missing", "demo-b", "url-one @ https://host/u.whl", ""),
    ]
    assert sorted(pip("check", path=(place.below, only_pip))) == [
        "demo-a 1.0 has requirement dep<2, but you have dep 2.1.",
        "demo-a 1.0 requires gone-x, which is not installed.",
        "demo-b 1.0 requires url-one, which is not installed.",
    ]


def test_a_fault_is_the_sessions_unless_base_alone_has_it(place: Place) -> None:
    place.base("dep", "1.0")
    place.base("fits-before", requires=["dep<2"])
    place.base("never-fitted", requires=["dep<1", "gone"])
    place.base("same", requires=["gone"])
    place.base("newer", "1.0", requires=["gone"])
    place.session("dep", "2.0")
    place.session("same", requires=["gone"])
    place.session("newer", "2.0", requires=["gone"])
    assert place.check() == [
        ("version", "fits-before", "dep<2", "dep 2.0", "session"),
        ("version", "never-fitted", "dep<1", "dep 2.0", "base"),
        ("missing", "never-fitted", "gone", "", "base"),
        ("missing", "newer", "gone", "", "session"),
        ("missing", "same", "gone", "", "base"),
    ]


def test_extras_count_where_they_are_asked_for(place: Place) -> None:
    place.base("demo-a", extras={"all": ["demo-a[sql]"], "sql": ["driver"]})
    place.session("demo-b", extras={"x": ["demo-a[all]"]})
    assert place.check("demo-b") == []
    assert place.check("demo-b[X]") == [("missing", "demo-a", "driver", "", "session")]
    assert place.check("demo-b[x] ; python_version < '3'") == []


def test_a_distribution_for_another_python_is_found(place: Place) -> None:
    place.base("old-one", requires_python="<3")
    place.session("new-one", requires_python=">=99")
    place.session("fitting", requires_python=">=3.8")
    place.session("odd-one", requires_python="three or so")
    running = f"Python {sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"
    assert place.check() == [
        ("python", "new-one", "Python >=99", running, "session"),
        ("python", "old-one", "Python <3", running, "base"),
    ]


def test_metadata_that_is_there_twice_is_found_once_in_each_level(place: Place, tmp_path: Path) -> None:
    place.base("dep", "1.0")
    leftover = place.base("dep", "1.1")
    place.session("dep", "2.0")
    assert place.check() == [("twice", "dep", "", "dep 1.1", "base")]
    (finding,) = check(*place.views())["findings"]
    assert finding["paths"] == [str(leftover.parent / "dep-1.0.dist-info"), str(leftover)]
    place.session("dep", "2.1")
    assert ("twice", "dep", "", "dep 2.1", "session") in place.check()


def test_one_folder_under_two_names_and_a_source_tree_are_not_twice(place: Place, tmp_path: Path) -> None:
    place.base("dep")
    (tmp_path / "linked").symlink_to(place.below)
    source = tmp_path / "source"
    (source / "dep.egg-info").mkdir(parents=True)
    (source / "dep.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: dep\nVersion: 2.0\n")
    folders = [str(place.below), str(tmp_path / "linked"), str(source), str(tmp_path / "not there")]
    assert check(union([], folders), installed.scan(folders))["findings"] == []


def test_a_line_that_is_no_requirement_is_told(place: Place) -> None:
    place.session("demo", requires=["one two three"])
    assert place.check() == [("unreadable", "demo", "one two three", "", "session")]


# -- why --------------------------------------------------------------------------------------------------------------


def test_why_goes_from_the_lines_that_ask_down_the_shortest_ways_first(place: Place) -> None:
    place.base("six", "1.16")
    place.base("dateutil", "2.9", requires=["six>=1.5"])
    place.session("pandas", "2.0", requires=["dateutil>=2.8.2", "numpy"])
    place.session("numpy", requires=["deep"])
    place.session("deep", requires=["six"])
    place.session("direct", requires=["six"])
    assert place.why("six", "pandas>=2", "direct", "not-there") == [
        "direct > six",
        "pandas>=2 > dateutil>=2.8.2 > six>=1.5",
        "pandas>=2 > numpy > deep > six",
    ]
    chain = why(*place.views(), [requirement("pandas>=2")], "SIX")["chains"][0]
    assert chain == [
        {"name": "pandas", "version": "2.0", "layer": "session", "line": "pandas>=2", "asked": True},
        {"name": "dateutil", "version": "2.9", "layer": "base", "line": "dateutil>=2.8.2", "asked": False},
        {"name": "six", "version": "1.16", "layer": "base", "line": "six>=1.5", "asked": False},
    ]
    view, _ = place.views()
    asked = [requirement("pandas>=2"), requirement("direct")]
    assert needed_by(view, asked, "six") == ("direct", "pandas>=2 → dateutil", "pandas>=2 → numpy → deep")
    assert needed_by(view, asked, "pandas") == needed_by(view, asked, "not-there") == ()


def test_extras_are_walked_for_who_asks_for_them_and_for_nobody_else(place: Place) -> None:
    place.session("pandas", extras={"all": ["pandas[sql]"], "sql": ["driver[fast]"]})
    place.session("driver", extras={"fast": ["speed"]})
    place.session("speed")
    place.session("plain", requires=["pandas"])
    place.session("rich", requires=["pandas[all]"])
    assert place.why("speed", "plain", "pandas[all]>=1") == ["pandas[all]>=1 > driver[fast] > speed"]
    assert place.why("speed", "plain", "rich") == ["rich > pandas[all] > driver[fast] > speed"]
    assert place.why("pandas", "rich") == ["rich > pandas[all]"]


def test_a_way_with_and_without_extras_is_one_chain(place: Place) -> None:
    place.session("both", requires=["pandas[sql]", "pandas"])
    place.session("pandas", requires=["numpy"], extras={"sql": ["driver"]})
    place.session("numpy")
    assert place.why("numpy", "both") == ["both > pandas[sql] > numpy"]


def test_an_answer_has_at_most_five_chains(place: Place) -> None:
    place.session("deep")
    asked = [f"top-{number}" for number in range(7)]
    for name in asked:
        place.session(name, requires=["deep"])
    assert place.why("deep", *asked) == [f"{name} > deep" for name in asked[:5]]


def test_what_base_has_is_explained_by_base_too(place: Place) -> None:
    place.base("six")
    place.base("middle", requires=["six"])
    place.base("root-a", requires=["middle"])
    place.base("root-b", extras={"x": ["six"]})
    place.session("demo", requires=["middle"])
    assert place.why("six") == ["root-a > middle > six"]
    assert place.why("six", "demo") == ["demo > middle > six", "root-a > middle > six"]
    assert place.why("middle", "root-a>=1") == ["root-a>=1 > middle"]
    assert place.why("root-a") == ["root-a"]
    assert place.why("root-a", "root-a>=1") == ["root-a>=1"]


def test_what_came_along_is_explained_by_who_in_base_needs_it(place: Place) -> None:
    place.base("sibling", "1.0")
    place.base("root", requires=["sibling==1.0"])
    place.session("sibling", "1.0")
    place.session("demo")
    record = why(*place.views(), [requirement("demo")], "sibling")
    assert (record["along"], record["base"], record["layer"]) == (True, "1.0", "session")
    assert place.why("sibling", "demo") == ["root > sibling==1.0"]
    assert place.why("sibling", "sibling>=1") == ["sibling>=1"]
    assert why(*place.views(), [requirement("demo")], "demo")["along"] is False
    view, _ = place.views()
    assert needed_by(view, [requirement("demo")], "sibling") == ("root 1.0 (base)",)


def test_circles_do_no_harm(place: Place) -> None:
    place.base("ring-a", requires=["ring-b", "beside"])
    place.base("ring-b", requires=["ring-a", "ring-b"])
    place.base("beside", requires=["ring-a"])
    place.session("demo", requires=["ring-a"])
    assert place.why("ring-b", "demo") == ["demo > ring-a > ring-b"]
    assert place.why("ring-b") == ["ring-a > ring-b"]
    assert show(place.views()[0], ["ring-b"])["packages"][0]["requires"] == ["ring-a"]
    assert place.why("ring-a", "ring-a") == ["ring-a"]


def test_a_line_with_a_login_is_told_without_it(place: Place) -> None:
    place.session("demo", requires=["dep"])
    place.session("dep")
    asked = [Requirement(line="demo @ https://user:s3cr3t@host/demo.whl", name="demo")]
    record = why(*place.views(), asked, "dep")
    assert "s3cr3t" not in json.dumps(record)
    assert record["chains"][0][0]["line"].startswith("demo @ https://****@host/")


def test_looking_changes_nothing(place: Place) -> None:
    place.base("dep", requires=["gone"])
    place.session("demo", requires=["dep"])
    before = [(path, path.stat().st_mtime_ns) for path in sorted(place.below.parent.rglob("*"))]
    view, base = place.views()
    asked = [requirement("demo")]
    for record in (
        listing(view, base, asked),
        freeze(view, base, everything=True),
        show(view, ["demo"], files=True),
        check(view, base, asked_extras(view, asked)),
        why(view, base, asked, "dep"),
    ):
        assert record["schema"] == 1
        assert json.loads(json.dumps(record)) == record
    assert [(path, path.stat().st_mtime_ns) for path in sorted(place.below.parent.rglob("*"))] == before
