"""Words that tests of sessions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionpkgs import Session
from tests.wheelhouse import Wheelhouse

Make = Callable[..., Session]


def places(wheelhouse: Wheelhouse) -> tuple[str, str]:
    return "--no-index", f"--find-links {wheelhouse.folder}"


def lines(wheelhouse: Wheelhouse, *asked: str) -> str:
    return "\n".join((*places(wheelhouse), *asked)) + "\n"


def names(record: dict[str, Any]) -> list[str]:
    return [p["name"] for p in record["packages"] if p["layer"] == "session"]
