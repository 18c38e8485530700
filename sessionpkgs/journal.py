"""The journal: an append-only list of what a session did, one JSON record a line, in the session's folder.

It does not know what a record means. A torn last line, left by a kill in the middle of a write, is passed over.
"""

from __future__ import annotations

import json
import os
from typing import Any


class Journal:
    """The file ``journal.jsonl`` in *folder*."""

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, "journal.jsonl")

    def append(self, record: dict[str, Any]) -> dict[str, Any]:
        """Add *record*, by one write, and give it back."""
        line = json.dumps(record, separators=(",", ":")) + "\n"
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
        return record

    def read(self) -> list[dict[str, Any]]:
        """Every whole record, oldest first."""
        try:
            with open(self.path, encoding="utf-8") as source:
                lines = source.readlines()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines if line.endswith("\n")]
