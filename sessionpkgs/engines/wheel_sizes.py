"""Sizes of files that an index tells none of: one byte of each is asked for, which comes with the size of the whole.

Several are asked at a time, and whatever has not answered in time has no size. It sends no login.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sessionpkgs.engines import at_once
from sessionpkgs.engines.fence import Hosts
from sessionpkgs.engines.wheel_listing import Ranges
from sessionpkgs.errors import clean

DEADLINE = 3.0
"""Seconds for all sizes together."""
THREAD = "sessionpkgs wheel size"


def sizes(
    urls: Iterable[str],
    *,
    env: Mapping[str, str],
    certificate: str = "",
    deadline: float = DEADLINE,
    hosts: Hosts | None = None,
) -> dict[str, int]:
    """Bytes by URL (``https`` or ``http``), for those whose server says so within *deadline* seconds.

    A redirect is followed to *hosts* alone, by default those that belong to the host of the URL; where a policy limits
    those, nobody else is asked at all.
    """

    def look(url: str, left: float) -> int:
        return Ranges(url, left, env, certificate, hosts).fetch("bytes=0-0")[2]

    asked = (url for url in urls if url.startswith(("https://", "http://")) and clean(url) == url)
    found = at_once.ask(asked, look, deadline=deadline, thread=THREAD)
    return {url: size for url, size in found.items() if size}
