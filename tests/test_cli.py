"""The command line: text for people, JSON for machines, exit codes of the error tree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sessionpkgs.cli import main


def test_doctor_says_what_is_there_and_where_settings_come_from(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSIONPKGS_ENGINE", "pip")
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:s3cr3t@index.example/simple")
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "engine = pip (SESSIONPKGS_ENGINE)" in said
    assert str(home) in said
    assert "index.example" in said
    assert "s3cr3t" not in said
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert {f["name"] for f in told["findings"]} >= {"python", "store", "engine uv", "engine pip", "indexes"}


def test_doctor_fails_where_the_store_cannot_be_used(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.chmod(0o777)
    assert main(["doctor"]) == 1
    assert "✗ store" in capsys.readouterr().out


def test_store_du_counts_bytes_that_two_names_share_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("dists", "cache"):
        (home / part).mkdir()
    (home / "dists/file").write_bytes(b"x" * 8192)
    (home / "cache/file").hardlink_to(home / "dists/file")
    assert main(["store", "du", "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert parts["dists"] == {"entries": 1, "bytes": 8192}
    assert parts["cache"]["bytes"] == 0
    assert parts["total"]["bytes"] == 8192
    assert main(["store", "du"]) == 0
    assert str(home) in capsys.readouterr().out


def test_a_file_that_is_no_notebook_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.ipynb").write_text("hello")
    assert main(["run", str(tmp_path / "no.ipynb")]) == 2
    assert "is not a notebook" in capsys.readouterr().err
    assert main(["run", str(tmp_path / "absent.ipynb"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "SpecError"
