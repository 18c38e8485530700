"""The journal: an append-only list of what a session did, one JSON record a line, in the session's folder.

It does not know what a record means. A torn last line, left by a kill in the middle of a write, is passed over.
"""

from __future__ import annotations

import errno
import json
import os
from typing import Any

from sessionpkgs.steps import step


class Journal:
    """The file ``journal.jsonl`` in *folder*."""

    def __init__(self, folder: str) -> None:
        self.path = os.path.join(folder, "journal.jsonl")

    def append(self, record: dict[str, Any]) -> dict[str, Any]:
        """Add *record*, by one write, and give it back."""
        line = json.dumps(record, separators=(",", ":")) + "\n"
        step("journal.open")
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(fd).st_size
            torn = size and os.pread(fd, 1, size - 1) != b"\n"  # a kernel died in the middle of a line
            step("journal.write")
            said = f"{chr(10) if torn else ''}{line}".encode()
            if os.write(fd, said) < len(said):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)
            step("journal.written")
        finally:
            os.close(fd)
        return record

    def note(self, record: dict[str, Any]) -> dict[str, Any]:
        """Add *record* and give it back; a disk that is full undoes nothing that works, so it is only said."""
        try:
            return self.append(record)
        except OSError as error:
            said = f"The journal could not be written: {error.strerror or error}."
            return {**record, "notices": [*record.get("notices", ()), said]}

    def read(self) -> list[dict[str, Any]]:
        """Every whole record, oldest first."""
        try:
            with open(self.path, encoding="utf-8") as source:
                lines = source.readlines()
        except FileNotFoundError:
            return []
        return [record for line in lines if line.endswith("\n") and (record := _whole(line))]


def _whole(line: str) -> dict[str, Any]:
    """The record in *line*, empty where the line is torn."""
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return record
