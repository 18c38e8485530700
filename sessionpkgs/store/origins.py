"""Where an artefact came from is no part of it: what PEP 610 notes about that is taken out of what the store shares.

Another session may have the same bytes from elsewhere, and the place may hold a login. A session knows its own places.
"""

from __future__ import annotations

import os
from pathlib import Path

_NOTE = "direct_url.json"


def forget(site: str) -> None:
    """Remove ``direct_url.json`` and its line of RECORD from every distribution in *site*."""
    for info in sorted(os.listdir(site)):
        note = Path(site, info, _NOTE)
        if not info.endswith(".dist-info") or not note.is_file():
            continue
        record = Path(site, info, "RECORD")
        if record.is_file():
            lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [line for line in lines if not line.startswith(f"{info}/{_NOTE},")]
            fresh = record.with_name("RECORD.new")  # the old one may share its bytes with an engine's cache
            fresh.write_text("".join(kept), encoding="utf-8")
            os.replace(fresh, record)
        note.unlink()
