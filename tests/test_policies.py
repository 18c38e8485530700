"""The administrator's policy: each rule refuses, nobody loosens it, and a file that cannot be obeyed forbids everything."""

from __future__ import annotations

import json
import os
import subprocess  # noqa: TID251 - runs the Python whose environment has a policy
import sys
from collections.abc import Callable, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from sessionpkgs import Session, places
from sessionpkgs.cli import main
from sessionpkgs.engines import ENGINES
from sessionpkgs.errors import IndexForbidden, IndexUnavailable, NotFoundError, PolicyError, SessionPkgsError, SpecError
from sessionpkgs.formats import pylock_toml
from sessionpkgs.model import Pin, Requirement, Spec, View
from sessionpkgs.policy import entries, reach
from sessionpkgs.policy.judging import Policy
from sessionpkgs.policy.rules import READERS, parse
from sessionpkgs.process import Completed
from sessionpkgs.session import rules, ruling
from sessionpkgs.session.uploads import Uploads
from sessionpkgs.settings import Settings, Sources
from tests.bases import Base
from tests.policy_cases import CASES, WAYS
from tests.sessions import Make, lines, names
from tests.sessions import places as places_of
from tests.test_index_faults import elsewhere, linked, moved
from tests.wheelhouse import Wheelhouse, sha256_of

ROOT = os.geteuid() == 0
Obey = Callable[..., Path]


@pytest.fixture
def obey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Obey:
    """Writes a policy of the user's that counts from now on; gives its path."""
    path = tmp_path / "rules" / "policy.toml"

    def write(text: str) -> Path:
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        monkeypatch.setenv("SESSIONPKGS_POLICY", str(path))
        return path

    return write


def policy(*texts: str) -> Policy:
    """The policy of files with these texts."""
    return Policy(files=tuple(rules_of(text, f"file-{number}") for number, text in enumerate(texts)))


def rules_of(text: str, origin: str = "file") -> Any:
    from dataclasses import replace

    made = parse(places.parse_toml(text), origin)
    return replace(made, reach=made.hosts) if made.limiting() else made


def refused(act: Callable[[], object], rule: str, *told: str) -> PolicyError:
    """The refusal by *rule* that *act* meets; *told* stands in its sentence."""
    with pytest.raises(PolicyError) as error:
        act()
    assert error.value.rule == rule, error.value
    assert [part for part in told if part not in error.value.sentence] == [], error.value.sentence
    return error.value


# -- every key: it refuses, and nobody loosens it -------------------------------------------------------------------


@pytest.fixture(scope="module")
def attempts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """What came of every case in every way, on a Python whose environment has the administrator's file."""
    folder = tmp_path_factory.mktemp("policies")
    base = Base(folder, folder / "home")
    wheels = Wheelhouse(folder / "wheels")
    base.install(wheels.wheel("held-one", "1.0"))
    wheels.wheel("held-one", "2.0")
    wheels.wheel("demo-a", "1.0", requires=["below-a"])
    low = wheels.wheel("below-a", "1.0")
    wheels.sdist("demo-source", in_tree=True)
    own, admin = folder / "own", folder / "venv/etc/sessionpkgs/policy.toml"
    own.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "SESSIONPKGS_"))}
    env = {**kept, "HOME": str(own), "SESSIONPKGS_HOME": str(own / "store"), "PIP_CONFIG_FILE": os.devnull}
    with wheels.index() as index:
        argv = [
            base.python,
            "-m",
            "tests.policy_cases",
            str(wheels.folder),
            index.url,
            index.url_of(low),
            str(own),
            str(admin),
        ]
        done = subprocess.run(argv, env=env, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {"": {"admin": {"file": str(admin)}}, **json.loads(done.stdout)}


def test_there_is_a_case_for_every_key() -> None:
    assert {case.key for case in CASES.values()} == READERS.keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_every_rule_refuses_and_names_itself_and_its_file_whatever_a_user_sets(name: str, way: str, attempts) -> None:
    told, file = attempts[name][way], attempts[""]["admin"]["file"]
    assert told, "it was let through"
    assert (told["rule"], told["exit_code"]) == (CASES[name].key, 10), told
    assert f"{CASES[name].key} = " in told["sentence"]
    assert f"({file})" in told["sentence"]


@pytest.mark.parametrize("name", CASES)
def test_without_the_rule_the_same_is_done(name: str, attempts) -> None:
    assert attempts[name]["control"] == {}


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_what_may_not_be_brought_in_is_named_with_the_chain_that_brings_it(
    engine: str, session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("top", requires=["middle"])
    wheelhouse.wheel("middle", requires=["below-a"])
    wheelhouse.wheel("below-a", "3.0")
    path = obey('deny = ["below-a"]')
    error = refused(lambda: session().declare(lines(wheelhouse, "top"), engine=engine), "deny")
    assert error.sentence == f"top → middle → below-a==3.0 may not be brought in: deny = below-a ({path})"
    assert error.item == "top"


def test_a_rule_does_not_look_at_what_base_has(session: Make, wheelhouse: Wheelhouse, below: Path, obey: Obey) -> None:
    from tests.wheelhouse import unpack

    unpack(wheelhouse.wheel("held-one", "1.0"), below)
    wheelhouse.wheel("demo-a", requires=["held-one"])
    obey('deny = ["held-one"]\nallow = ["demo-a"]')
    record = session().declare(lines(wheelhouse, "demo-a", "held-one"))
    assert names(record) == ["demo-a"]


# -- where a declaration may lead -----------------------------------------------------------------------------------

LEADS = {
    "an index": "--index-url {index}\ndemo-a",
    "a second index": "--extra-index-url {index}\ndemo-a",
    "a page of links": "--no-index\n--find-links {index}/demo-a/\ndemo-a",
    "a wheel": "demo-a @ {file}",
    "a wheel alone": "{file}",
    "a constraint": "--no-index\n--find-links {wheels}\n-c limits.txt\ndemo-a",
    "git": "demo-a @ git+{index}/demo.git",
    "git over ssh": "demo-a @ git+ssh://git@127.0.0.1:{port}/demo.git",
    "a script's index": '# /// script\n# dependencies = ["demo-a"]\n# [[tool.uv.index]]\n# url = "{index}"\n# ///',
    "a lock": "{lock}",
}


@pytest.mark.parametrize(
    "rule", ["closed_network = true", 'hosts = ["files.example"]', 'indexes = ["https://a.example/s"]']
)
@pytest.mark.parametrize("lead", LEADS)
def test_no_place_that_a_declaration_names_is_asked_unless_it_is_allowed(
    lead: str, rule: str, session: Make, wheelhouse: Wheelhouse, tmp_path: Path, obey: Obey
) -> None:
    wheel = wheelhouse.wheel("demo-a")
    obey(rule)
    with wheelhouse.index() as index:
        file = index.url_of(wheel)
        (tmp_path / "limits.txt").write_text(f"demo-a @ {file}\n")
        lock = pylock_toml.write([Pin(name="demo-a", version="1.0", url=file, sha256=sha256_of(wheel))])
        told = {"index": index.url, "file": file, "wheels": wheelhouse.folder, "lock": lock}
        text = LEADS[lead].format(**told, port=index.url.rpartition(":")[2].partition("/")[0])
        with pytest.raises(IndexForbidden) as error:
            session().declare(text)
        assert index.requests == []
    assert error.value.rule == rule.partition(" ")[0]
    assert "may not be used: " + rule.partition(" ")[0] in error.value.sentence


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("way", [elsewhere, moved, linked])
def test_an_index_that_leads_elsewhere_is_refused_by_the_rule_that_limits_hosts(
    way: Callable[..., None], engine: str, session: Make, wheelhouse: Wheelhouse, tmp_path: Path, obey: Obey
) -> None:
    wheelhouse.wheel("demo")
    other = Wheelhouse(tmp_path / "other")
    other.wheel("demo", "99.0")
    with wheelhouse.index() as mine, other.index() as theirs:
        way(mine, theirs.url.replace("127.0.0.1", "localhost"))
        path = obey(f'indexes = ["{mine.url}"]')
        error = refused(
            lambda: session().declare("demo\n", engine=engine), "indexes", f"localhost:{theirs.port}", str(path)
        )
        if way is linked:
            refused(lambda: session().ask.preview("demo\n", engine=engine), "indexes", f"localhost:{theirs.port}")
        assert theirs.requests == []
    assert isinstance(error, IndexForbidden)


@pytest.mark.parametrize("text", ['deny = ["demo-*"]', 'allow = ["other"]', 'protected = ["demo-a"]'])
def test_a_name_that_no_version_could_be_allowed_of_is_asked_of_nobody(
    text: str, session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a")
    obey(text)
    with wheelhouse.index() as index:
        one = session()
        refused(lambda: one.declare(f"--index-url {index.url}\ndemo-a\n"), text.partition(" ")[0], "demo-a")
        refused(lambda: one.add([f"--index-url {index.url}", "demo-a"]), text.partition(" ")[0])
        assert index.requests == []


CONFIGURED = {
    "pip's variable": {"PIP_INDEX_URL": "{index}"},
    "pip's other variable": {"PIP_EXTRA_INDEX_URL": "{index}"},
    "pip's links": {"PIP_FIND_LINKS": "{index}/demo-a/"},
    "uv's variable": {"UV_DEFAULT_INDEX": "{index}"},
    "uv's other variable": {"UV_INDEX": "{index}"},
    "our variable": {"SESSIONPKGS_INDEX": "{index}"},
    "pip's file": {"PIP_CONFIG_FILE": "{folder}/pip.conf"},
    "our file": {"SESSIONPKGS_CONFIG": "{folder}/sessionpkgs.toml"},
}


@pytest.mark.parametrize("place", CONFIGURED)
def test_no_place_that_is_configured_is_asked_unless_it_is_allowed(
    place: str, session: Make, wheelhouse: Wheelhouse, tmp_path: Path, obey: Obey, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheelhouse.wheel("demo-a")
    obey('indexes = ["https://a.example/simple"]')
    with wheelhouse.index() as index:
        (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {index.url}\n")
        (tmp_path / "sessionpkgs.toml").write_text(f'index = "{index.url}"\nhosts = "*"\n')
        for name, value in CONFIGURED[place].items():
            monkeypatch.setenv(name, value.format(index=index.url, folder=tmp_path))
        one = session()
        refused(lambda: one.declare("demo-a\n"), "indexes", "127.0.0.1")
        refused(lambda: one.add(["demo-a"]), "indexes")
        refused(lambda: one.ask.preview("demo-a\n"), "indexes")
        assert one.ask.offer("yaml") is None
        assert index.requests == []


def test_the_indexes_of_the_policy_are_asked_where_nobody_names_one(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a", requires=["below-a"])
    wheelhouse.wheel("below-a")
    with wheelhouse.index() as index:
        obey(f'indexes = ["{index.url}"]')
        record = session().declare("demo-a\n")
        assert names(record) == ["below-a", "demo-a"]
        assert list(record["indexes"]) == [index.url]
        again = index.url.replace("://", "://me:secret-word@") + "/"
        assert names(session().declare(f"--index-url {again}\ndemo-a==1.0\n")) == ["below-a", "demo-a"]


def test_in_a_closed_network_folders_work_and_what_is_missing_is_told_with_the_commands_that_bring_it(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a")
    obey("closed_network = true")
    one = session()
    assert names(one.declare(lines(wheelhouse, "demo-a"))) == ["demo-a"]
    with pytest.raises(NotFoundError) as error:
        one.declare("demo-b\n")
    python = ".".join(map(str, sys.version_info[:2]))
    for part in (f"sessionpkgs closure FILE --python {python} --platform ", "--download DIR", "workspace add DIR"):
        assert part in error.value.hint
    with wheelhouse.index() as index:
        hint = refused(lambda: one.declare(f"--index-url {index.url}\ndemo-a\n"), "closed_network").hint
    assert "sessionpkgs closure FILE" in hint


@pytest.fixture
def filled(wheelhouse: Wheelhouse, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workspace that has demo-a 1.0."""
    monkeypatch.setenv("SESSIONPKGS_WORKSPACE", str(tmp_path / "shared"))
    assert Uploads(os.environ).add([str(wheelhouse.wheel("demo-a"))])["exit_code"] == 0


MISSING = {
    "the workspace is empty": ("closed_network = true", "demo-b", "the workspace (which has no wheels) is asked", "the workspace has no distribution called demo-b"),
    "the index of the policy": ('indexes = ["{index}"]', "demo-b", "the workspace (which has no wheels) and {host} are asked", "no package index has a distribution called demo-b"),
}  # fmt: skip
MISSING_BESIDE = {
    "a name": ("closed_network = true", "demo-b", "the workspace is asked", "the workspace has no distribution called demo-b"),
    "a version": ("closed_network = true", "demo-a>=2", "the workspace is asked", "the workspace has no demo-a>=2; it has demo-a==1.0"),
    "a name beside an index": ('indexes = ["{index}"]', "demo-b", "the workspace and {host} are asked", "no package index has a distribution called demo-b"),
    "a version beside an index": ('indexes = ["{index}"]', "demo-a>=2", "the workspace and {host} are asked", "the workspace has no demo-a>=2; it has demo-a==1.0"),
}  # fmt: skip


def missing(case: tuple[str, str, str, str], session: Make, index_url: str, obey: Obey, engine: str) -> None:
    """Ask for what is not there, and look at what is said."""
    rule, asked, places_asked, sentence = case
    host = index_url.split("/")[2]
    path = obey(rule.format(index=index_url))
    with pytest.raises(NotFoundError) as error:
        session().declare(f"{asked}\n", engine=engine)
    key, _, value = rule.format(index=index_url).partition(" = ")
    told = f"{key} = {value.strip('[]').replace(chr(34), '')} ({path}): only {places_asked.format(host=host)}. "
    assert error.value.hint.startswith(told)
    assert "sessionpkgs closure FILE --python " in error.value.hint
    assert "Asked: " not in error.value.hint
    assert error.value.sentence.replace("has 1.0", "has demo-a==1.0") == sentence  # pip names no more than versions


@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("case", MISSING.values(), ids=MISSING.keys())
def test_what_is_not_found_is_told_with_the_rule_that_limits_who_is_asked(
    case: tuple[str, str, str, str], engine: str, session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    with wheelhouse.index() as index:
        missing(case, session, index.url, obey, engine)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("engine", sorted(ENGINES))
@pytest.mark.parametrize("case", MISSING_BESIDE.values(), ids=MISSING_BESIDE.keys())
def test_what_the_workspace_lacks_is_not_told_of_an_index(
    case: tuple[str, str, str, str], engine: str, session: Make, tmp_path: Path, obey: Obey
) -> None:
    with Wheelhouse(tmp_path / "other").index() as index:
        missing(case, session, index.url, obey, engine)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_an_index_of_the_policy_that_cannot_be_reached_is_told_to_be_its_choice(
    engine: str, session: Make, obey: Obey
) -> None:
    path = obey('indexes = ["http://127.0.0.1:9/simple"]')
    with pytest.raises(IndexUnavailable) as error:
        session().declare("demo-a\n", engine=engine)
    assert f"The policy has it asked: indexes = http://127.0.0.1:9/simple ({path})." in error.value.hint


def test_a_lock_from_elsewhere_is_had_by_its_hashes_from_an_index_that_is_allowed(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, obey: Obey
) -> None:
    wheel = wheelhouse.wheel("demo-a")
    other = Wheelhouse(tmp_path / "other")
    there = "https://files.example/demo_a-1.0-py3-none-any.whl"
    lock = pylock_toml.write([Pin(name="demo-a", version="1.0", url=there, sha256=sha256_of(wheel))])
    with wheelhouse.index() as mine, other.index() as empty:
        obey(f'indexes = ["{empty.url}"]')
        refused(lambda: session().declare(lock), "indexes", there)
        obey(f'indexes = ["{mine.url}"]')
        record = session().declare(lock)
    (row,) = [row for row in record["packages"] if row["layer"] == "session"]
    assert (row["name"], row["sha256"]) == ("demo-a", sha256_of(wheel))
    assert row["url"].startswith("http://127.0.0.1:")


def test_what_the_store_has_is_restored_in_a_closed_network_unless_a_rule_forbids_it(
    session: Make, wheelhouse: Wheelhouse, obey: Obey, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheelhouse.wheel("demo-a", requires=["below-a"])
    wheelhouse.wheel("below-a")
    one = session()
    with wheelhouse.index() as index:
        one.declare(f"--index-url {index.url}\ndemo-a\n")
    one.reset()
    record = {**one.journal.read()[-2]}
    one.journal.note(record)
    for text, rule in (
        ('deny = ["below-a"]', "deny"),
        ('allow = ["demo-a"]', "allow"),
        ("session_packages = false", ""),
    ):
        obey(text)
        refused(one.restore, rule or "session_packages")
    obey("closed_network = true")
    assert names(one.restore()) == ["below-a", "demo-a"]
    monkeypatch.setenv("SESSIONPKGS_HOME", f"{one.store.root}-other")
    other = session("other")
    other.life.open()
    other.journal.note(record)
    refused(other.restore, "closed_network", "127.0.0.1")


def test_a_download_is_judged_before_a_file_is_there(
    session: Make, wheelhouse: Wheelhouse, tmp_path: Path, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a", requires=["below-a"])
    wheelhouse.wheel("below-a")
    one, (_, links) = session(), ("", f"--find-links {wheelhouse.folder}")
    asked = ["--no-index", links, "demo-a"]
    obey('deny = ["below-a"]')
    refused(lambda: one.ask.download(asked, "into"), "deny", "demo-a → below-a==1.0")
    assert list((tmp_path / "into").iterdir()) == []
    obey('allow = ["demo-a", "below-*"]')
    assert len(one.ask.download(asked, "into")["files"]) == 2


def test_nothing_is_offered_that_may_not_be_brought_in(
    session: Make, wheelhouse: Wheelhouse, obey: Obey, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheelhouse.wheel("some-name", files={"demo_mod/__init__.py": ""})
    one = session()
    one.declare(lines(wheelhouse, "some-name"))
    one.reset()
    assert one.ask.offer("demo_mod") is not None
    for text in (
        'deny = ["some-*"]',
        'allow = ["x"]',
        'protected = ["some-name"]',
        "session_packages = false",
        "x = 1",
    ):
        obey(text)
        assert one.ask.offer("demo_mod") is None, text


def test_conda_lines_of_a_magic_are_judged_by_their_channels(session: Make, obey: Obey) -> None:
    obey('channels = ["conda-forge", "https://conda.example/corp"]')
    read = session().reading
    assert read.conda(["numpy", "conda-forge::six"], ["https://conda.example/corp/"]).requirements
    refused(lambda: read.conda(["numpy"], ["corp"]), "channels", "corp")
    refused(lambda: read.conda(["evil::numpy"]), "channels", "evil")
    refused(lambda: read.text("dependencies:\n- numpy[channel=evil]\n"), "channels", "evil")


def test_a_change_ends_when_its_time_is_up(session: Make, wheelhouse: Wheelhouse, obey: Obey) -> None:
    obey("max_seconds = 1")
    with wheelhouse.index() as index:
        index.faults["/"] = index.hang
        error = refused(lambda: session().declare(f"--index-url {index.url}\ndemo-a\n"), "max_seconds")
    assert "max_seconds = 1 (" in error.sentence


def test_all_programs_of_a_change_end_by_one_moment() -> None:
    given: list[float] = []

    def runner(argv: Sequence[str], *, deadline: float, **_: object) -> Completed:
        given.append(deadline)
        return Completed(0, "", "", 0.0)

    for seconds, told in ((100, [True]), (10_000, [False])):
        ruling.Clock(policy(f"max_seconds = {seconds}")).bound(runner)(["x"], env={}, cwd="/", deadline=900.0)
        assert [one <= seconds < 900.0 for one in given] == told
        given.clear()
    over = ruling.Clock(policy("max_seconds = 0")).bound(runner)
    refused(lambda: over(["x"], env={}, cwd="/", deadline=900.0), "max_seconds")
    assert given == []
    assert ruling.Clock(policy("max_seconds = 3", "deny = []")).left(900.0) <= 3


def test_a_pool_that_is_shared_is_made_where_sessions_have_no_packages(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a")
    wheelhouse.wheel("demo-b")
    obey('session_packages = false\ndeny = ["demo-b"]')
    one = session()
    one.makes_pool = True
    assert names(one.declare(lines(wheelhouse, "demo-a"))) == ["demo-a"]
    refused(lambda: one.declare(lines(wheelhouse, "demo-b")), "deny")


def test_who_has_no_packages_reads_who_makes_a_pool_for_everybody(session: Make, obey: Obey) -> None:
    for rule in ("false", '"interactive"'):
        obey(f"session_packages = {rule}")
        hint = refused(lambda: session().declare("demo-a\n"), "session_packages").hint
        assert "sessionpkgs pool create NAME --sys-prefix, or --system) is made by who looks after" in hint


def test_protected_names_hold_for_sessions_and_not_for_who_makes_a_shared_pool(session: Make, obey: Obey) -> None:
    obey('protected = ["demo-a"]')
    one = session()
    assert [*rules.guard(one).protected] == ["demo-a"]
    one.makes_pool = True
    assert [*rules.guard(one).protected] == []
    assert [*rules.load(os.environ).protected] == ["demo-a"]


def test_who_makes_a_shared_pool_may_bring_what_is_protected_from_sessions(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a", requires=["below-a"])
    wheelhouse.wheel("below-a")
    obey('protected = ["below-a"]')
    refused(lambda: session("other").declare(lines(wheelhouse, "demo-a")), "protected")
    one = session()
    one.makes_pool = True
    assert names(one.declare(lines(wheelhouse, "demo-a", "below-a"))) == ["below-a", "demo-a"]


@pytest.mark.parametrize("asked", ["held-one==2.0", "demo-a"])
def test_a_name_that_a_policy_protects_is_not_called_the_kernels_own(
    asked: str, session: Make, wheelhouse: Wheelhouse, below: Path, obey: Obey
) -> None:
    from tests.wheelhouse import unpack

    unpack(wheelhouse.wheel("held-one", "1.0"), below)
    wheelhouse.wheel("held-one", "2.0")
    wheelhouse.wheel("demo-a", requires=["held-one==2.0"])
    path = obey('protected = ["held-one", "demo-b"]')
    error = refused(lambda: session().declare(lines(wheelhouse, asked)), "protected", f"protected = held-one ({path})")
    assert "kernel's own" not in error.hint
    assert "The policy keeps it as base has it" in error.hint
    hint = refused(lambda: session().declare(lines(wheelhouse, "demo-b")), "protected").hint
    assert hint == "The policy keeps it out of sessions; ask who looks after this machine for a pool that has it."
    upgraded = session().add([*places_of(wheelhouse), "held-one"], upgrade=True)
    assert "held-one 1.0: stays, because the policy protects it." in upgraded["notices"]


def test_what_comes_without_a_hash_is_refused_and_a_lock_is_not(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheel = wheelhouse.wheel("demo-a", requires=["below-a"])
    low = wheelhouse.wheel("below-a")
    wheelhouse.wheel("other-b")
    obey("require_hashes = true")
    hashed = f"demo-a==1.0 --hash=sha256:{sha256_of(wheel)}"
    error = refused(lambda: session().declare(lines(wheelhouse, hashed)), "require_hashes", "below-a==1.0")
    assert "demo-a==1.0" not in error.sentence
    both = (hashed, f"below-a==1.0 --hash=sha256:{sha256_of(low)}")
    assert names(session().declare(lines(wheelhouse, *both))) == ["below-a", "demo-a"]
    one = session()
    one.add([*places_of(wheelhouse), *both])
    refused(lambda: one.add([*places_of(wheelhouse), "other-b"]), "require_hashes", "other-b==1.0")
    lock = one.ask.export("pylock")["text"]
    assert names(session().declare(lock)) == ["below-a", "demo-a"]


def test_sizes_that_nobody_tells_count_as_too_large() -> None:
    law = policy("max_megabytes = 1")
    law.check_size(1_000_000, ())
    refused(lambda: law.check_size(1_000_001, ()), "max_megabytes", "1.0 MB", "max_megabytes = 1 (file-0)")
    refused(lambda: law.check_size(0, ["demo"]), "max_megabytes", "how large demo is")


@pytest.mark.parametrize(("most", "fine"), [("0.0011", True), ("0.0009", False)])
def test_files_are_asked_for_their_size_where_the_index_tells_none(
    most: str, fine: bool, session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    size = wheelhouse.wheel("demo-a", files={"demo_a.py": ""}).stat().st_size

    def answering(handler: BaseHTTPRequestHandler) -> bool:
        if handler.headers.get("Range") != "bytes=0-0":
            return False
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 0-0/{size}")
        handler.send_header("Content-Length", "1")
        handler.end_headers()
        handler.wfile.write(b"P")
        return True

    with wheelhouse.index() as index:
        index.faults["/files/"] = answering
        obey(f"max_megabytes = {float(most) * size / 1000}")
        asked = f"--index-url {index.url}\ndemo-a\n"
        one = session()
        if fine:
            assert names(one.declare(asked)) == ["demo-a"]
        else:
            refused(lambda: one.ask.preview(asked), "max_megabytes", "MB would be fetched")
            refused(lambda: one.declare(asked), "max_megabytes")


# -- what is remembered ---------------------------------------------------------------------------------------------


def test_what_a_person_may_have_is_not_reopened_in_a_run_without_one(
    home: Path, wheelhouse: Wheelhouse, tmp_path: Path, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a")
    obey('session_packages = "interactive"')
    asked, made = lines(wheelhouse, "demo-a==1.0"), []
    for identity, person in (("one", True), ("two", True), ("three", False)):
        session = Session(identity=identity, folder=str(tmp_path), interactive=partial(bool, person))
        try:
            made.append(session.declare(asked)["source"])
        except PolicyError as error:
            made.append(error.rule)
        finally:
            session.close()
    assert made == ["built", "remembered", "session_packages"]


def test_a_new_rule_counts_for_what_was_reopened_before(session: Make, wheelhouse: Wheelhouse, obey: Obey) -> None:
    wheelhouse.wheel("demo-a")
    asked = lines(wheelhouse, "demo-a==1.0")
    session().declare(asked)
    assert session().declare(asked)["source"] == "remembered"
    path = obey('deny = ["demo-b"]')
    assert session().declare(asked)["source"] == "store"
    assert session().declare(asked)["source"] == "remembered"
    path.chmod(0o666)
    refused(lambda: session().declare(asked), "policy", "can be changed by others")
    obey('deny = ["demo-a"]')
    refused(lambda: session().declare(asked), "deny")


@pytest.mark.parametrize("where", ["user", "environment"])
def test_a_broken_link_in_the_place_of_a_policy_is_seen_by_what_is_reopened(
    where: str,
    session: Make,
    wheelhouse: Wheelhouse,
    surroundings: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    places_ = {whose: Path(path) for path, whose in places.policy_files(os.environ)}
    wheelhouse.wheel("demo-a")
    asked = lines(wheelhouse, "demo-a==1.0")
    session().declare(asked)
    assert session().declare(asked)["source"] == "remembered"
    places_[where].parent.mkdir(parents=True, exist_ok=True)
    places_[where].symlink_to("nothing")
    refused(lambda: session().declare(asked), "policy", "leads to nothing (a broken link)")


REOPENED = """
import sys
from sessionpkgs.session import Session
one = Session(identity="quick", folder=sys.argv[1])
print(one.declare(sys.argv[2])["source"], sorted(name for name in sys.modules if name.startswith("sessionpkgs.policy") or name.endswith((".rules", ".ruling"))))
one.close()
"""


def test_without_a_policy_a_reopened_declaration_loads_nothing_of_it(
    home: Path, wheelhouse: Wheelhouse, tmp_path: Path, start
) -> None:
    wheelhouse.wheel("demo-a")
    asked = lines(wheelhouse, "demo-a==1.0")
    told = [start(REOPENED, str(tmp_path), asked).communicate(timeout=60)[0] for _ in range(2)]
    assert told[0].startswith("built ['sessionpkgs.policy'")
    assert told[1].strip() == "remembered []"


# -- files that cannot be obeyed ------------------------------------------------------------------------------------

WRONG = {
    **dict.fromkeys(("session_packages", "closed_network", "wheels_only", "require_hashes", "on_start"), "1"),
    **dict.fromkeys(("indexes", "channels", "hosts", "allow", "deny", "protected", "jar_repositories"), '"demo"'),
    **dict.fromkeys(("max_megabytes", "max_seconds"), "true"),
}
VOID = {
    "an unknown key": 'indices = ["https://a.example"]',
    "no TOML": "deny = [",
    "a negative number": "max_seconds = -1",
    "no number": "max_megabytes = nan",
    "an index that is no URL": 'indexes = ["a.example"]',
    "a host with a port": 'hosts = ["a.example:80"]',
    "a host with a scheme": 'hosts = ["https://a.example"]',
    "a name with a version that is none": 'deny = ["demo<<1"]',
    "a name with an extra": 'allow = ["demo[all]"]',
    "a condition without a name": 'deny = ["<2"]',
    "a pattern to protect": 'protected = ["demo*"]',
    "an empty word": 'deny = [""]',
    "a table": "[deny]\nname = 1",
    "deep brackets": f"deny = {'[' * 5000}",
    **{f"a wrong {key}": f"{key} = {value}" for key, value in WRONG.items()},
}


def instead(path: Path) -> Path:
    path.unlink()
    return path


BROKEN: dict[str, Callable[[Path], object]] = {
    "of bytes": lambda path: path.write_bytes(b"deny = ['\xff']"),
    "a group can change it": lambda path: path.chmod(0o620),
    "everybody can change it": lambda path: path.chmod(0o602),
    "a folder": lambda path: instead(path).mkdir(),
    "a pipe": lambda path: os.mkfifo(instead(path), 0o600),
    "a link to nothing": lambda path: instead(path).symlink_to("nothing"),
    "a link to itself": lambda path: instead(path).symlink_to(path.name),
    "gone though it is named": lambda path: path.unlink(),
    "too long": lambda path: path.write_text(f"# {'x' * rules.MOST}"),
    "somebody else's": lambda path: os.chown(path, 12345, -1),
    "unreadable": lambda path: path.chmod(0o000),
}


def test_every_key_has_a_value_of_a_wrong_type() -> None:
    assert WRONG.keys() == READERS.keys()


@pytest.mark.parametrize("text", VOID.values(), ids=VOID.keys())
def test_a_file_that_says_what_nobody_knows_is_no_policy(text: str, obey: Obey) -> None:
    path = obey(text)
    refused(lambda: rules.load(os.environ), "policy", f"the policy {path} ", "so nothing may be changed")
    (row, *_) = rules.explain(os.environ)
    assert (row["key"], row["value"], row["tightest"]) == ("policy", "unusable", str(path))


@pytest.fixture
def held(session: Make, wheelhouse: Wheelhouse, obey: Obey) -> Session:
    """A session that holds demo-a."""
    wheelhouse.wheel("demo-a")
    one = session()
    one.declare(lines(wheelhouse, "demo-a"))
    return one


@pytest.fixture
def lock_file(tmp_path: Path, wheelhouse: Wheelhouse) -> str:
    """A file that declares demo-a."""
    file = tmp_path / "asked.txt"
    file.write_text(lines(wheelhouse, "demo-a"))
    return str(file)


@pytest.mark.parametrize("kind", BROKEN)
def test_under_a_file_that_cannot_be_trusted_nothing_changes_and_looking_works(
    kind: str, held: Session, wheelhouse: Wheelhouse, lock_file: str, obey: Obey, tmp_path: Path
) -> None:
    if not ROOT and kind == "somebody else's":
        pytest.skip("only root gives files away")
    if ROOT and kind == "unreadable":
        pytest.skip("root reads everything")
    path = obey('deny = ["other"]')
    BROKEN[kind](path)
    asked = lines(wheelhouse, "demo-a")
    changing: list[Callable[[], object]] = [
        lambda: held.declare(asked),
        lambda: held.declare(asked, refresh=True),
        lambda: held.add(["demo-a"], force=True),
        lambda: held.remove(["demo-a"]),
        held.restore,
        lambda: held.apply(held.spec),
        lambda: held.plan(held.spec),
        lambda: held.ask.preview(asked),
        lambda: held.ask.preview_add(["demo-a"]),
        lambda: held.ask.lock(lock_file),
        held.ask.export,
        lambda: held.ask.download(["demo-a"], "into"),
    ]
    for act in changing:
        refused(act, "policy", f"the policy {path} ")
    assert names(held.status()) == ["demo-a"]
    assert held.ask.answer("list")["packages"]
    assert held.ask.answer("freeze", everything=False)["lines"]
    assert held.ask.answer("why", name="demo-a")
    assert held.ask.offer("yaml") is None
    doctor = held.ask.answer("doctor")
    (said,) = [row for row in doctor["findings"] if row["name"] == "policy"]
    assert not said["fine"]
    assert f"the policy {path} " in said["text"]
    assert not doctor["ok"]
    assert held.reset()["dropped"] == ["demo-a 1.0"]


def test_a_reopened_session_is_listed_under_a_file_that_cannot_be_obeyed(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a")
    text = f"channels: [corp]\ndependencies:\n- pip:\n  - --find-links {wheelhouse.folder}\n  - --no-index\n  - demo-a==1.0\n"
    session().declare(text)
    one = session()
    assert one.declare(text)["source"] == "remembered"
    obey("x = 1")
    assert "demo-a" in [row["name"] for row in one.ask.answer("list")["packages"]]
    assert one.reset()["dropped"] == ["demo-a 1.0"]


OWNED = [
    ("machine", lambda path: path.chmod(0o664), "can be changed by others"),
    ("machine", lambda path: path.parent.chmod(0o775), "which can be changed by others"),
    ("machine", lambda path: os.chown(path, 12345, -1), "belongs to the user 12345"),
    ("machine", lambda path: os.chown(path.parent, 12345, -1), "which belongs to the user 12345"),
    ("environment", lambda path: os.chown(path, 12345, -1), "belongs to the user 12345"),
    ("environment", lambda path: path.parent.chmod(0o757), "which can be changed by others"),
    ("user", lambda path: os.chown(path, 12345, -1), "belongs to the user 12345"),
]


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
@pytest.mark.parametrize(("whose", "spoil", "told"), OWNED)
def test_a_file_belongs_to_who_may_write_it_and_so_does_its_folder(whose, spoil, told, obey: Obey) -> None:
    path = obey('deny = ["demo"]')
    path.parent.chmod(0o755)
    assert rules.read(str(path), whose) is not None
    spoil(path)
    refused(lambda: rules.read(str(path), whose), "policy", told)


def test_a_policy_is_looked_at_again_where_its_folder_was_opened_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    path = tmp_path / "etc/sessionpkgs/policy.toml"
    path.parent.mkdir(parents=True, mode=0o755)
    path.touch(mode=0o600)
    assert len(rules.load(os.environ).files) == 1
    path.parent.chmod(0o775)
    refused(lambda: rules.load(os.environ), "policy", f"stands in {path.parent}, which can be changed by others")


@pytest.mark.skipif(not ROOT, reason="only root gives files away")
def test_a_link_leads_to_a_file_and_a_folder_of_the_owners(obey: Obey, tmp_path: Path) -> None:
    path = obey("")
    path.parent.chmod(0o755)
    far = tmp_path / "far" / "real.toml"
    far.parent.mkdir(mode=0o755)
    far.write_text('deny = ["demo"]')
    far.chmod(0o644)
    path.unlink()
    path.symlink_to(far)
    assert rules.read(str(path), "machine") is not None
    far.parent.chmod(0o777)
    refused(lambda: rules.read(str(path), "machine"), "policy", f"stands in {far.parent}, which can be changed")
    far.parent.chmod(0o755)
    os.lchown(path, 12345, -1)
    refused(lambda: rules.read(str(path), "machine"), "policy", "is a link of somebody else's")


UNREADABLE = """
import os, sys
from sessionpkgs.errors import PolicyError
from sessionpkgs.process import Completed
from sessionpkgs.session import rules, ruling
from sessionpkgs.session.uploads import Uploads
rules.elsewhere()
os.setuid(65534)
try:
    rules.read(sys.argv[1], "machine")
except PolicyError as error:
    print(error.sentence)
"""


@pytest.mark.skipif(not ROOT, reason="only root has files that others cannot read")
@pytest.mark.parametrize(("folder", "told"), [(0o755, "cannot be read"), (0o700, "cannot be looked at")])
def test_a_file_that_this_user_may_not_read_is_no_policy(folder: int, told: str, start) -> None:
    with TemporaryDirectory(dir="/tmp") as made:
        path = Path(made, "policy.toml")
        path.write_text("")
        path.chmod(0o600)
        Path(made).chmod(folder)
        said, _ = start(UNREADABLE, str(path)).communicate(timeout=60)
    assert said == f"the policy {path} {told} (Permission denied), so nothing may be changed\n"


MACHINE = """
mount -t tmpfs none /etc && mkdir -m 755 /etc/sessionpkgs && echo 'deny = ["demo-a"]' > /etc/sessionpkgs/policy.toml &&
chmod 644 /etc/sessionpkgs/policy.toml && exec "$@"
"""


@pytest.mark.skipif(not ROOT, reason="only root mounts")
def test_the_file_of_the_machine_counts(home: Path, wheelhouse: Wheelhouse, tmp_path: Path) -> None:
    wheelhouse.wheel("demo-a")
    file = tmp_path / "asked.txt"
    file.write_text(lines(wheelhouse, "demo-a"))
    argv = [sys.executable, "-m", "sessionpkgs.cli", "plan", str(file), "--json"]
    call = ["unshare", "-m", "sh", "-c", MACHINE, "sh", *argv]
    done = subprocess.run(call, capture_output=True, text=True, check=False, cwd=str(Path(__file__).parent.parent))
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no namespace of mounts: {done.stderr}")
    told = json.loads(done.stdout)
    assert (done.returncode, told["rule"]) == (10, "deny")
    assert told["sentence"].endswith("deny = demo-a (/etc/sessionpkgs/policy.toml)")


# -- several files, and what a person is told -----------------------------------------------------------------------


def test_every_file_must_be_satisfied() -> None:
    tight = policy('indexes = ["https://a.example/s", "https://b.example/s"]', 'indexes = ["https://b.example/s/"]')
    assert tight.indexes == ("https://b.example/s",)
    assert policy('hosts = ["example"]', 'hosts = ["a.example", "other"]').limit == ("a.example",)
    assert policy('hosts = ["a.example"]', "closed_network = true\nhosts = []").limit == ()
    assert policy("wheels_only = true", "wheels_only = false").bounded(Settings()).wheels_only
    assert policy("max_seconds = 5", "max_seconds = 3").bounded(Settings()).deadline == 3
    assert policy("max_seconds = 5000").bounded(Settings()).deadline == Settings().deadline
    assert not policy("on_start = false", "on_start = true").scripts
    assert policy().limit is None
    assert policy().sources(Sources(), "https://a.example") == Sources()


@pytest.mark.parametrize("loosest", ['allow = ["*"]', "deny = []", 'allow = ["demo", "other"]'])
@pytest.mark.parametrize("order", [1, -1])
def test_a_further_file_does_not_loosen_a_list(loosest: str, order: int) -> None:
    law = policy(*['deny = ["demo<2"]', loosest][::order])
    assert [key for _, key, _ in law.unwanted([Pin(name="demo", version="1.0")])] == ["deny"]
    assert list(law.unwanted([Pin(name="demo", version="2.0")])) == []


def test_the_limit_is_handed_on_and_a_setting_does_not_widen_it() -> None:
    law = policy('hosts = ["a.example"]')
    said = law.sources(Sources(indexes=("https://a.example/s",), implied=False, hosts=("*",)), "")
    assert said.limit == ("a.example",)
    refused(lambda: law.sources(Sources(indexes=("https://b.example/s",), implied=False, hosts=("*",)), ""), "hosts")
    none = law.sources(Sources(), "https://public.example/simple")
    assert (none.implied, none.no_index, none.limit) == (False, True, ("a.example",))
    assert law.sources(Sources(), "https://a.example/simple").implied


def test_an_index_that_nobody_named_and_that_may_not_be_asked_is_missed_only_where_something_is_not_found(
    session: Make, wheelhouse: Wheelhouse, obey: Obey
) -> None:
    wheelhouse.wheel("demo-a")
    wheelhouse.wheel("demo-b")
    path = obey('hosts = ["a.example"]')
    one = session()
    links = f"--find-links {wheelhouse.folder}\n"
    assert names(one.declare(f"{links}demo-a\ndemo-b\n")) == ["demo-a", "demo-b"]
    assert names(one.remove(["demo-b"])) == ["demo-a"]
    error = refused(
        lambda: one.declare(f"{links}demo-c\n"), "hosts", "demo-c", "default index", f"hosts = a.example ({path})"
    )
    assert isinstance(error, IndexForbidden)
    assert error.hint.startswith(f"Some index must be named in indexes of {path} (ask who looks after this machine)")
    assert "sessionpkgs workspace add" in error.hint


def test_in_a_closed_network_nobody_asks_the_index_that_an_engine_has_of_its_own() -> None:
    said = policy("closed_network = true\nhosts = []").sources(Sources(), "https://public.example/simple")
    assert (said.indexes, said.implied, said.no_index, said.limit) == ((), False, True, ())
    more = policy('closed_network = true\nindexes = ["https://a.example/s"]\nhosts = ["a.example"]').sources(
        Sources(), "x"
    )
    assert (more.indexes, more.implied, more.no_index) == (("https://a.example/s",), False, False)


@pytest.mark.parametrize(
    ("entry", "name", "version", "fits"),
    [
        ("torch*", "torchvision", "1.0", True),
        ("torch*", "pytorch", "1.0", False),
        ("*torch", "pytorch", "1.0", True),
        ("Some_Name.x", "some-name-x", "1", True),
        ("requests<2.32", "requests", "2.31.0", True),
        ("requests<2.32", "requests", "2.32.0", False),
        ("requests<2.32", "requests", "2.32.0rc1", False),
        ("requests>=2.32", "requests", "3.0a1", True),
        ("requests==2.*", "requests", "2.9", True),
        ("requests !=1, <3", "requests", "1", False),
        ("a.b", "axb", "1", False),
        ("*", "anything", "1", True),
    ],
)  # fmt: skip
def test_an_entry_means_names_and_versions(entry: str, name: str, version: str, fits: bool) -> None:
    assert entries.read(entry).fits(name, version, unknown=not fits) is fits


def test_a_version_that_nobody_knows_yet_is_denied_and_not_allowed() -> None:
    pin = Pin(name="demo", version="", url="git+https://a.example/demo", kind="vcs")
    assert [key for _, key, _ in policy('deny = ["demo<2"]').unwanted([pin])] == ["deny"]
    assert [key for _, key, _ in policy('allow = ["demo<2"]').unwanted([pin])] == ["allow"]
    assert list(policy('allow = ["demo"]').unwanted([pin])) == []


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("demo @ https://ok.example/x.whl", "ok.example"),
        ("demo@ https://ok.example/x.whl", "ok.example"),
        ("demo[all] @ https://OK.example:443/x ; python_version > '3'", "ok.example"),
        ("demo @ git+ssh://git@ok.example/a.git@v1", "ok.example"),
        ("demo @ git@ok.example:a/b.git", "ok.example"),
        ("git@ok.example:a/b.git", "ok.example"),
        ("-e git+https://ok.example/a.git#egg=demo", "ok.example"),
        ("demo @ https://ok.example@evil.example/x", "evil.example"),
        ("demo @ https://ok.example\\@evil.example/x", reach.NOWHERE),
        ("demo @ https://ok.example:x/y", reach.NOWHERE),
        ("https:///x.whl", reach.NOWHERE),
        ("demo @ https:ok.example/x", "https"),
        ("demo @ file://share.example/x.whl", "share.example"),
        ("demo @ file:///x.whl", ""),
        ("demo @ git+file:///x", ""),
        ("./demo", ""),
        ("/abs/demo.whl", ""),
        ("demo==1!2.0", ""),
        ("demo>=1", ""),
    ],
)  # fmt: skip
def test_a_line_leads_to_one_host_or_nowhere(line: str, host: str) -> None:
    assert reach.host_of(reach.place_of(line)) == host


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://jars.example/m2", True),
        ("https://jars.example/m2/a/b.jar", True),
        ("https://jars.example/m22/a/b.jar", False),
        ("https://jars.example/m2/../other/b.jar", False),
        ("https://jars.example/m2/%2e%2e/other/b.jar", False),
        ("http://jars.example/m2/a/b.jar", False),
        ("https://evil.example/m2/a/b.jar", False),
        ("/local/b.jar", True),
        ("file:///local/b.jar", True),
    ],
)
def test_jars_come_from_the_repositories_that_are_listed(url: str, allowed: bool, obey: Obey) -> None:
    path = obey('jar_repositories = ["https://jars.example/m2/"]\nclosed_network = true')
    assert rules.jar_allowed(os.environ, url) is allowed
    if not allowed:
        refused(lambda: rules.load(os.environ).check_jar(url), "jar_repositories", str(path))
    obey("closed_network = true")
    assert rules.jar_allowed(os.environ, url) is ("example" not in url)


JARS = "https://jars.example/m2"
FETCHING = {
    "packages": {"spark.jars.packages": "a:b:1"},
    "settings of ivy": {"spark.jars.ivySettings": "/etc/ivy.xml"},
    "settings of ivy there": {"spark.jars.ivySettings": "https://evil.example/x", "spark.jars.repositories": JARS},
    "another repository": {"spark.jars.packages": "a:b:1", "spark.jars.repositories": "https://evil.example/m2"},
    "one more repository": {"spark.jars.repositories": f"{JARS} , https://evil.example/m2"},
    "packages, and no address": {"spark.jars.packages": "a:b:1", "spark.jars.repositories": "m2"},
    "a jar": {"spark.jars": "/local.jar,HTTPS://me:word-of-mine@evil.example/m2/x.jar"},
    "a coordinate": {"spark.jars": "ivy://a:b:1", "spark.jars.repositories": JARS},
    "a coordinate there": {"spark.jars": "ivy://a:b:1?transitive=true&repos=https://evil.example/m2"},
    "a file": {"spark.files": "ftp://evil.example/x"},
    "an archive": {"spark.archives": "https://evil.example/x.zip?token=word-of-mine#name"},
    "a module": {"spark.submit.pyFiles": "https://evil.example/word-of-mine/x.py"},
    "beside one that is listed": {"spark.jars": "https://jars.example/m2/../x.jar"},
}
FINE = {
    "nothing": {"spark.executor.memory": "1g", "spark.jars.packages": " "},
    "packages": {"spark.jars.packages": "a:b:1", "spark.jars.repositories": f"{JARS},file:///m2"},
    "settings of ivy": {"spark.jars.ivySettings": "/etc/ivy.xml", "spark.jars.repositories": JARS},
    "a coordinate": {"spark.jars": f"ivy://a:b:1?repos={JARS}"},
    "files": {"spark.jars": f"{JARS}/x.jar,local:/x.jar,file:///x.jar", "spark.files": "hdfs://nn:8020/x,/x#y"},
}


@pytest.mark.parametrize("settings", FETCHING.values(), ids=FETCHING.keys())
def test_what_spark_would_fetch_by_itself_from_elsewhere_is_refused(settings: dict[str, str]) -> None:
    error = refused(lambda: policy(f'jar_repositories = ["{JARS}"]').check_conf(settings), "jar_repositories", "file-0")
    assert error.item in settings
    assert error.sentence.startswith(f"{error.item} has Spark fetch from ")
    assert ("from evil.example" in error.sentence) == ("evil.example" in str(settings))
    assert "word-of-mine" not in error.sentence + error.hint
    refused(
        lambda: policy("closed_network = true\nhosts = []").check_conf(settings), "closed_network", "= true (file-0)"
    )
    refused(lambda: policy("jar_repositories = []", "").check_conf(settings), "jar_repositories", "= [] (file-0)")
    policy("deny = []").check_conf(settings)
    policy().check_conf(settings)


@pytest.mark.parametrize("settings", FINE.values(), ids=FINE.keys())
def test_what_spark_fetches_from_allowed_repositories_is_not_refused(settings: dict[str, str]) -> None:
    policy(f'jar_repositories = ["{JARS}"]\nclosed_network = true').check_conf(settings)
    policy('hosts = ["jars.example"]').check_conf(settings)


def test_scripts_run_unless_a_file_says_no(obey: Obey) -> None:
    assert rules.scripts_allowed(os.environ)
    path = obey("on_start = false")
    assert not rules.scripts_allowed(os.environ)
    law = rules.load(os.environ)
    error = refused(lambda: law.check_script("on-start", pool="science"), "on_start", "on-start of the pool science")
    assert error.hint == f"The kernel goes on without it; who looks after {path} can allow it."
    hint = refused(lambda: law.check_script("on-create", pool="science"), "on_start", "on-create of the pool").hint
    assert hint.startswith("The pool can be made without it; ")
    obey("on_start = 0")
    refused(lambda: rules.scripts_allowed(os.environ), "policy")


def test_doctor_says_what_holds_and_which_file_says_so(
    obey: Obey, surroundings: Path, capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    first = surroundings / "policy.toml"
    first.write_text('max_seconds = 9\ndeny = ["one"]\nhosts = ["a.example", "b.example"]\nwheels_only = false\n')
    first.chmod(0o600)
    second = obey('max_seconds = 5\ndeny = ["two"]\nhosts = ["b.example"]\nsession_packages = "interactive"\n')
    rows = {row["key"]: row for row in rules.explain(os.environ)}
    assert rows.keys() == READERS.keys()
    assert (rows["max_seconds"]["value"], rows["max_seconds"]["tightest"]) == (5.0, str(second))
    assert (rows["hosts"]["value"], rows["hosts"]["tightest"]) == (["b.example"], str(second))
    assert rows["deny"]["value"] == ["one", "two"]
    assert [one["file"] for one in rows["deny"]["files"]] == [str(first), str(second)]
    assert (rows["session_packages"]["value"], rows["on_start"]["files"]) == ("interactive", [])
    assert main(["doctor", "--policy"]) == 0
    said = capsys.readouterr().out
    assert f"→ 5 ({second})" in said
    assert f"  9 ({first})" in said
    main(["doctor", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert {row["key"]: row for row in told["policy"]} == rows
    (line,) = [one["text"] for one in told["findings"] if one["name"] == "policy"]
    assert f"max_seconds = 5 ({second})" in line
    second.chmod(0o666)
    assert main(["doctor", "--policy"]) == 10
    assert f"the policy {second} can be changed by others" in capsys.readouterr().out


def test_what_base_satisfies_is_not_judged_by_name() -> None:
    law = policy('allow = ["other"]')
    asked = Spec(requirements=(Requirement(line="demo>=1", name="demo"),))
    from sessionpkgs.model import Dist

    law.check_declared(asked, View([Dist(name="demo", version="1.0", level="base", path="")]))
    refused(
        lambda: law.check_declared(asked, View()), "allow", "demo>=1 may not be brought in", "allow = other (file-0)"
    )


# -- who sits before it ---------------------------------------------------------------------------------------------


@pytest.fixture
def governed(tmp_path: Path, home: Path) -> Base:
    """A base whose policy wants a person before each run."""
    made = Base(tmp_path, home)
    file = tmp_path / "venv/etc/sessionpkgs/policy.toml"
    file.parent.mkdir(parents=True, mode=0o755)
    file.write_text('session_packages = "interactive"\n')
    file.chmod(0o644)
    return made


@pytest.mark.kernel
def test_a_kernel_asks_the_program_that_sent_the_cell_whether_a_person_is_there(
    governed: Base, wheelhouse: Wheelhouse
) -> None:
    wheelhouse.wheel("demo-a")
    cell = f"%%session_env\n{lines(wheelhouse, 'demo-a')}"
    told = governed.notebook("%load_ext sessionpkgs", cell, "import demo_a", fails=True)
    assert told.error(1).ename == "PolicyError"
    assert "off in runs without a person" in told.error(1).evalue
    with governed.kernel() as kernel:
        kernel.run("%load_ext sessionpkgs")
        asked = kernel.client.execute_interactive(cell, allow_stdin=True, timeout=60, output_hook=lambda _: None)
        assert asked["content"]["status"] == "ok"
        assert kernel.run("import demo_a; print(demo_a.__version__)") == "1.0"
        assert "off in runs without a person" in kernel.run("%pip install demo-a")
        assert "Traceback" not in kernel.run("%session_env status")


def test_what_is_no_requirement_is_still_a_spec_error(session: Make, obey: Obey) -> None:
    obey('allow = ["demo"]')
    with pytest.raises(SpecError):
        session().declare("-r https://a.example/more.txt\n")
    with pytest.raises(SessionPkgsError):
        session().declare("--index-url\n")
