"""Pools while others collect, remove and forbid: what is being made stays, what a rule forbids does not come back."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs.errors import PolicyError, SpecError
from sessionpkgs.pools import answers, kernelspec
from sessionpkgs.pools.making import Maker
from sessionpkgs.pools.wanted import Wanted
from sessionpkgs.store import Store, generations
from sessionpkgs.store.collecting import collect
from tests.sessions import Make, lines
from tests.wheelhouse import Wheelhouse

AT: dict[str, Callable[[], object]] = {}
"""What happens at a step, once."""


def hear(event: str, arguments: Any) -> None:
    if event == "sessionpkgs.step" and arguments[0] in AT:
        AT.pop(arguments[0])()


sys.addaudithook(hear)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    yield
    AT.clear()


@pytest.fixture
def maker(home: Path, wheelhouse: Wheelhouse) -> Maker:
    for name in ("demo-a", "demo-b", "demo-c"):
        wheelhouse.wheel(name)
    return Maker("user", os.environ)


@pytest.fixture
def text(wheelhouse: Wheelhouse) -> Callable[..., str]:
    return lambda *asked: lines(wheelhouse, *asked)


def bring_all(home: Path) -> int:
    return collect(Store(str(home)), days=0).layers


def sound(home: Path, name: str = "ml") -> str:
    """The one distribution of what new kernels get, which is all there."""
    said = generations.read(str(home), name)
    (site,) = said["activation"]["sites"]
    (row,) = said["packages"]
    assert Path(site, row["name"].replace("-", "_"), "__init__.py").is_file()
    return str(row["name"])


@pytest.mark.parametrize("step", ["pool.renamed", "pool.link", "pool.switch", "pool.switched"])
def test_a_collection_in_the_middle_of_an_update_takes_nothing_of_it(
    step: str, maker: Maker, text: Callable[..., str], home: Path
) -> None:
    maker.create("ml", Wanted(text=text("demo-a")))
    AT[step] = lambda: bring_all(home)
    maker.update("ml", {"text": text("demo-b")})
    assert sound(home) == "demo-b"
    assert generations.numbers(str(home), "ml") == [1, 2]


def test_a_collection_in_the_middle_of_a_rollback_takes_nothing_of_it(
    maker: Maker, text: Callable[..., str], home: Path
) -> None:
    maker.create("ml", Wanted(text=text("demo-a")))
    maker.update("ml", {"text": text("demo-b")})
    AT["pool.link"] = lambda: bring_all(home)
    maker.rollback("ml")
    assert sound(home) == "demo-a"


def test_a_generation_that_appears_while_layers_are_collected_keeps_its_layer(
    maker: Maker, text: Callable[..., str], home: Path
) -> None:
    maker.create("old", Wanted(text=text("demo-c")))
    maker.create("ml", Wanted(text=text("demo-a")))
    maker.update("ml", {"text": text("demo-b")})
    maker.remove("old")
    AT["layers.discard"] = lambda: maker.update("ml", {"text": text("demo-a")})
    bring_all(home)
    assert sound(home) == "demo-a"


def test_the_removal_of_one_pool_takes_no_generation_of_another(
    maker: Maker, text: Callable[..., str], home: Path
) -> None:
    maker.create("ml", Wanted(text=text("demo-a")))
    maker.update("ml", {"text": text("demo-b")})
    maker.create("other", Wanted(text=text("demo-c")))
    maker.remove("other")
    assert generations.pools(str(home)) == ["ml"]
    maker.rollback("ml")
    assert sound(home) == "demo-a"


@pytest.mark.parametrize("step", ["kernelspec.rename", "kernelspec.remove"])
def test_what_is_half_written_of_a_kernel_is_found_by_nobody(
    step: str, maker: Maker, text: Callable[..., str], home: Path
) -> None:
    from jupyter_client.kernelspec import KernelSpecManager

    found: list[set[str]] = []
    before = set(KernelSpecManager().find_kernel_specs())
    AT[step] = lambda: found.append(set(KernelSpecManager().find_kernel_specs()))
    maker.create("ml", Wanted(text=text("demo-a")))
    maker.remove("ml")
    assert found[0] - before <= {"ml"}
    kernels = Path(kernelspec.folder("user", "ml")).parent
    assert list(kernels.parent.glob(".sessionpkgs-*")) == []


@pytest.mark.parametrize("part", ["text", "session", "on_create", "on_start"])
def test_a_login_in_any_part_of_a_pool_is_refused(
    part: str, maker: Maker, text: Callable[..., str], home: Path
) -> None:
    url = "https://me:hunter2@example.org/simple"
    said = {"text": f"--index-url {url}\ndemo-a\n", "session": f"--index-url {url}\ndemo-a\n"}.get(
        part, f"curl {url}\n"
    )
    with pytest.raises(SpecError, match="a pool is read by others"):
        maker.create("ml", Wanted(text=text("demo-a")).changed({part: said}))
    assert not any(b"hunter2" in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_what_is_shown_of_a_pool_has_no_login_of_an_older_version(
    maker: Maker, text: Callable[..., str], home: Path
) -> None:
    maker.create("ml", Wanted(text=text("demo-a"), on_start="#!/bin/sh\n"))
    path = home / "pools/ml/generations/1/generation.json"
    said = json.loads(path.read_text())
    for part in ("session", "on_create", "on_start"):
        said["declaration"][part] = "curl https://me:hunter2@example.org/\n"
    path.write_text(json.dumps(said))
    assert "hunter2" not in json.dumps(answers.show("ml", os.environ))


def test_a_rollback_brings_nothing_back_that_is_forbidden_now(
    maker: Maker, text: Callable[..., str], home: Path, tmp_path: Path
) -> None:
    maker.create("ml", Wanted(text=text("demo-a")))
    maker.update("ml", {"text": text("demo-b")})
    (tmp_path / "policy.toml").write_text('deny = ["demo-a"]\n')
    strict = Maker("user", {**os.environ, "SESSIONPKGS_POLICY": str(tmp_path / "policy.toml")})
    with pytest.raises(PolicyError, match="deny"):
        strict.rollback("ml")
    assert sound(home) == "demo-b"
    (tmp_path / "policy.toml").write_text("deny = 1\n")
    with pytest.raises(PolicyError):
        strict.rollback("ml")


def test_a_flag_does_not_lift_the_rule_of_somebody_else(
    maker: Maker, text: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "mine"))
    policy = tmp_path / "mine/etc/sessionpkgs/policy.toml"
    policy.parent.mkdir(parents=True)
    policy.write_text("session_packages = false\n")
    shared = Maker("sys-prefix", os.environ)
    shared.create("one", Wanted(text=text("demo-a")))
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr("sessionpkgs.pools.opening.check", lambda root: None)
    with pytest.raises(PolicyError, match="session_packages"):
        shared.create("two", Wanted(text=text("demo-a")))


@pytest.mark.parametrize("name", ["SESSIONPKGS_CONFIG", "SESSIONPKGS_POLICY", "XDG_CONFIG_HOME", "SESSIONPKGS_HOME"])
def test_no_declaration_sets_a_variable_that_leads_to_policies(name: str, session: Make) -> None:
    with pytest.raises(SpecError, match=f"the variable {name} cannot be set"):
        session().declare(f"dependencies: []\nvariables:\n  {name}: /tmp/none\n")


SAME = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parent.parent)!r}]
from sessionpkgs.overlay import Overlay
from sessionpkgs.store import generations
from sessionpkgs import Session
home, text = sys.argv[1:]
Overlay(home).begin(generations.read(home, "ml"))
session = Session(identity="same")
session.add(text.splitlines(), force=True, upgrade=True)
print(len([row for row in session.status()["packages"] if row["layer"] == "session"]))
session.reset()
import demo_a
print(demo_a.__file__)
"""


def test_a_session_of_the_pools_own_set_gives_the_pool_back(
    maker: Maker, text: Callable[..., str], home: Path, start: Callable[..., Any]
) -> None:
    maker.create("ml", Wanted(text=text("demo-a")))
    said, _ = start(SAME, str(home), text("demo-a")).communicate(timeout=60)
    count, place = said.split()
    assert count == "1"
    assert "/layers/" in place
