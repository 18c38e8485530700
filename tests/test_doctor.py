"""What the doctor says where something is wrong: sentence and remedy apart, nothing twice, nothing that does not hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sessionpkgs import Session, places
from sessionpkgs.display import Result
from sessionpkgs.overlay import pooled
from sessionpkgs.session import rules, uploads
from sessionpkgs.session.doctor import Finding, examine
from sessionpkgs.store import generations
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse


def seen(name: str) -> Finding:
    """The finding *name*."""
    (found,) = [one for one in examine(os.environ) if one.name == name]
    return found


def test_sentence_and_remedy_are_two(home: Path) -> None:
    home.chmod(0o777)
    found = seen("store")
    assert not found.fine
    assert found.text.count(" → ") == 1


def test_the_workspace_is_the_first_place_and_no_index_says_that_none_is_asked(
    home: Path, wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/links")
    assert seen("indexes").text == "https://index.example/simple, then links in /links"
    uploads.Uploads(os.environ).add([str(wheelhouse.wheel("mine"))])
    place = places.workspace(os.environ)
    assert seen("indexes").text == f"the workspace {place}, then https://index.example/simple, then links in /links"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    told = "no index is asked (pip's no-index is set)"
    assert seen("indexes").text == f"the workspace {place}, then links in /links; {told}"
    monkeypatch.delenv("PIP_FIND_LINKS")
    Path(place).rename(home / "away")
    assert seen("indexes").text == told


def test_damaged_pools_are_one_bad_row(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "pool_roots", lambda _: {"user": str(home)})
    assert seen("pools") == ("pools", True, "none")
    for name in ("fine", "gone", "torn"):
        made = Path(generations.place(str(home), name, 1))
        made.mkdir(parents=True)
        (made / generations.FILE).write_text('{"layout": 1, "number": 1}')
        (home / "pools" / name / "current").symlink_to("generations/1")
    assert seen("pools") == ("pools", True, "fine 1, gone 1, torn 1")
    Path(generations.place(str(home), "torn", 1), generations.FILE).write_text("{")
    Path(generations.place(str(home), "gone", 1)).rename(home / "away")
    found = seen("pools")
    assert not found.fine
    assert ("torn: " in found.text, "gone: " in found.text, "fine" in found.text) == (True, True, False)


def test_a_policy_that_cannot_be_used_is_told_once_and_nothing_is_said_to_be_allowed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("no_such = 1\n")
    path.chmod(0o600)
    monkeypatch.setenv("SESSIONPKGS_POLICY", str(path))
    bad = {one.name: one.text for one in examine(os.environ) if not one.fine}
    assert bad.keys() == {"policy", "indexes"}
    assert "so nothing may be changed → " in bad["policy"]
    assert bad["indexes"] == "none is asked while the policy cannot be used"
    rows = rules.explain(os.environ)
    assert [row["key"] for row in rows] == ["policy"]
    assert rules.table(rows).startswith("policy           unusable: everything that changes a session is refused\n")
    assert "→ Known: " in rules.table(rows)


def test_a_status_names_the_pool_that_is_not_in_place(
    session: Callable[..., Session], wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheelhouse.wheel("demo")
    one = session()
    assert one.status()["notices"] == []
    monkeypatch.setattr(pooled, "asked", "ml")
    monkeypatch.setattr(pooled, "outcomes", {"start": (False, "the pool ml is not in /store")})
    told = "The pool ml is not in place: the pool ml is not in /store."
    assert one.status()["notices"] == [told]
    assert f"- {told}" in Result(one.status()).text
    assert told not in one.declare(lines(wheelhouse, "demo"))["notices"]
    assert one.status()["notices"][-1] == told
