"""What an engine's process inherits: an allow-list, and where to look for distributions.

Indexes travel in the environment or in a private file, never as arguments: a URL may hold a password and anyone can
read a process's arguments. It does not start processes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sessionpkgs.errors import IndexForbidden
from sessionpkgs.settings import Sources

_KEEP = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "SYSTEMROOT", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
    "GIT_SSL_CAINFO", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK", "NETRC",
    "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "PKG_CONFIG_PATH",
})  # fmt: skip


def inherited(env: Mapping[str, str], stage: str) -> dict[str, str]:
    """The part of *env* that an engine may see, with its temporary files below *stage*."""
    kept = {name: value for name, value in env.items() if name in _KEEP or name.startswith("LC_")}
    temporary = os.path.join(stage, "tmp")
    os.makedirs(temporary, mode=0o700, exist_ok=True)
    return {**kept, "TMPDIR": temporary, "GIT_TERMINAL_PROMPT": "0"}


def _link(place: str) -> str:
    """A folder as a URL, since both engines split a list of paths at characters that a path may have."""
    return Path(place).as_uri() if os.path.isabs(place) else place


def for_uv(sources: Sources) -> dict[str, str]:
    """What of *sources* uv takes as a variable; its indexes are in ``uv_config.py``."""
    said: dict[str, str] = {"UV_INDEX_STRATEGY": "first-index"}
    if sources.find_links:
        said["UV_FIND_LINKS"] = ",".join(map(_link, sources.find_links))
    if sources.certificate:
        said["SSL_CERT_FILE"] = sources.certificate
    if sources.trusted_hosts:
        said["UV_INSECURE_HOST"] = " ".join(sources.trusted_hosts)
    return said


def options_for_uv(sources: Sources) -> list[str]:
    """What of *sources* uv takes as an argument only; none of it can hold a login."""
    return ["--no-index"] if sources.no_index else []


def for_pip(sources: Sources) -> dict[str, str]:
    """*sources* as pip's variables.

    Raises :class:`IndexForbidden` for more than one index: pip takes the best version of all, so a stranger's higher
    version on one index would replace a private package on another.
    """
    said: dict[str, str] = {}
    indexes = sources.indexes
    if len(indexes) + (1 if indexes and sources.implied else 0) > 1 and not sources.no_index:
        raise IndexForbidden(
            f"the engine pip cannot keep {len(indexes) + sources.implied} indexes apart",
            hint="Use the engine uv, where the first index that has a name wins, or name one index.",
            item=indexes[-1],
        )
    if indexes:
        said["PIP_INDEX_URL"] = indexes[0]
    if sources.find_links:
        said["PIP_FIND_LINKS"] = " ".join(map(_link, sources.find_links))
    if sources.no_index:
        said["PIP_NO_INDEX"] = "1"
    if sources.certificate:
        said["PIP_CERT"] = sources.certificate
    if sources.trusted_hosts:
        said["PIP_TRUSTED_HOST"] = " ".join(sources.trusted_hosts)
    return said
