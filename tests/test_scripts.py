"""Scripts of pools: what they see, what is kept of what they say, and how they end."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from sessionpkgs.errors import ActivationError, DeadlineError, conceal
from sessionpkgs.pools import scripts


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "said.log"


def written(tmp_path: Path, text: str, mode: int = 0o755) -> str:
    path = tmp_path / "on-start"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def run(tmp_path: Path, text: str, *, mode: int = 0o755, deadline: float = 60.0, **env: str) -> None:
    scripts.run(
        written(tmp_path, text, mode), what="the script of ml", env={"PATH": os.environ["PATH"], **env},
        folder=str(tmp_path), log=str(tmp_path / "said.log"), deadline=deadline,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("echo $0; echo one >&2; echo two", 0o755),
        ("#!/bin/sh\necho $0; echo one >&2; echo two", 0o755),
        ("#!/bin/sh -e\necho $0; echo one >&2; echo two", 0o600),
        ("#!/usr/bin/env python3\nimport sys\nprint(sys.argv[0], flush=True)\nprint('one', file=sys.stderr, flush=True)\nprint('two')", 0o755),
    ],
)  # fmt: skip
def test_a_script_runs_by_its_first_line_or_by_sh_and_both_streams_are_kept_in_order(
    text: str, mode: int, tmp_path: Path, log: Path
) -> None:
    run(tmp_path, text, mode=mode)
    assert log.read_text() == f"{tmp_path / 'on-start'}\none\ntwo\n"
    assert log.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["on-start", "said.log"]


def test_a_script_has_the_pools_programs_variables_and_python(tmp_path: Path, log: Path) -> None:
    told: dict[str, Any] = {"pool": "ml", "number": 3, "python": "/its/bin/python", "activation": {"bin": "/pool/bin"}}
    env = {"PATH": "/session/bin:/pool/bin:/usr/bin:/bin", "COLOUR": "green"}
    text = "echo $PATH $COLOUR $SESSIONPKGS_POOL $SESSIONPKGS_POOL_GENERATION; pwd; read line || echo no input"
    scripts.on_start(written(tmp_path, text), told, env=env, folder=str(tmp_path), log=str(log))
    path, folder, last = log.read_text().splitlines()
    assert path == "/its/bin:/session/bin:/pool/bin:/usr/bin:/bin green ml 3"
    assert (folder, last) == (str(tmp_path), "no input")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo first; echo the last; echo; exit 3", "the script of ml failed with exit code 3: the last"),
        ("exit 4", "the script of ml failed with exit code 4; it said nothing"),
        ("printf '10 %%\\r50 %%\\rbroke'; exit 1", "the script of ml failed with exit code 1: broke"),
        ("printf '\\033[31mred\\033[0m'; exit 1", "the script of ml failed with exit code 1: red"),
        ("kill -TERM $$", "the script of ml failed with exit code 143 (ended by signal 15); it said nothing"),
        ("#!/no/such/program\n", "the script of ml failed with exit code 127: .*/no/such/program.*not found"),
    ],
)
def test_a_script_that_ends_badly_is_told_with_its_code_and_its_last_line(
    text: str, said: str, tmp_path: Path, log: Path
) -> None:
    with pytest.raises(ActivationError, match=f"^{said.replace('(', '[(]').replace(')', '[)]')}$") as refused:
        run(tmp_path, text)
    assert refused.value.hint == f"All it said is in {log}."
    assert refused.value.item == str(tmp_path / "on-start")


def test_no_secret_of_a_url_is_kept(tmp_path: Path, log: Path) -> None:
    conceal("https://me:word-of-mine@example.org")
    with pytest.raises(ActivationError) as refused:
        run(tmp_path, "echo https://you:another-word@example.org; echo word-of-mine?token=abc; exit 1")
    assert log.read_text() == "https://****@example.org\n****?token=****\n"
    assert "word" not in str(refused.value).replace("ends with", "")


def over(pid: int) -> bool:
    """Whether that process has ended, if need be after a moment; its parent may not have taken notice."""
    until = time.monotonic() + 10.0
    try:
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > until:
                return False
    except psutil.NoSuchProcess:
        pass
    return True


def test_a_script_that_does_not_end_is_stopped_with_all_that_it_started(tmp_path: Path, log: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    text = "echo before; sh -c 'echo $$ > pid; read line < fifo' & read line < fifo"
    with pytest.raises(
        DeadlineError, match=r"^the script of ml did not end within 1 s and was stopped: before$"
    ) as late:
        run(tmp_path, text, deadline=1.0)
    assert late.value.hint == f"All it said is in {log}."
    assert log.read_text() == "before\n"
    assert over(int((tmp_path / "pid").read_text()))


def test_of_a_script_that_talks_without_end_the_last_mebibyte_is_kept(tmp_path: Path, log: Path) -> None:
    run(tmp_path, "yes 0123456789 | head -n 300000; echo the end")
    assert log.stat().st_size <= 1 << 20
    assert log.read_text().endswith("0123456789\nthe end\n")


def test_a_log_that_cannot_be_written_is_said_and_is_no_reason_to_fail(tmp_path: Path, log: Path) -> None:
    log.mkdir()
    run(tmp_path, "echo fine")
    with pytest.raises(ActivationError) as refused:
        run(tmp_path, "exit 1")
    assert "could not be kept" in refused.value.hint
