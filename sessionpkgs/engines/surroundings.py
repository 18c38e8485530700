"""What an engine's process inherits: an allow-list, and where to look for distributions.

Indexes travel in the environment or in a private file, never as arguments: a URL may hold a password and anyone can
read a process's arguments. It does not start processes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sessionpkgs.engines.uv_config import default_index
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


def is_single(sources: Sources) -> bool:
    """Whether pip is told of *sources* directly: at most one index counts. Of more, pip takes the best version of all.

    Raises :class:`IndexForbidden` where the index that pip uses by itself counts too and pip does not tell which it is.
    """
    if sources.no_index or not sources.indexes:
        return True
    if sources.implied and not default_index():
        raise IndexForbidden(
            f"the engine pip cannot keep {len(sources.indexes) + 1} indexes apart: it does not tell its default one",
            hint="Use the engine uv, where the first index that has a name wins, or name all indexes.",
            item=sources.indexes[-1],
        )
    return len({url.rstrip("/") for url in (*sources.indexes, *([default_index()] if sources.implied else []))}) == 1


def has_login(sources: Sources) -> bool:
    """Whether the URL of an index holds a login."""
    return any("@" in url for url in sources.indexes) and not sources.no_index


def for_pip(sources: Sources, index: str = "") -> dict[str, str]:
    """*sources* as pip's variables; *index* stands for all of theirs, the only one that pip is told."""
    said: dict[str, str] = {}
    if index or sources.indexes:
        said["PIP_INDEX_URL"] = index or sources.indexes[0]
    if sources.find_links:
        said["PIP_FIND_LINKS"] = " ".join(map(_link, sources.find_links))
    if sources.no_index:
        said["PIP_NO_INDEX"] = "1"
    if sources.certificate:
        said["PIP_CERT"] = said["REQUESTS_CA_BUNDLE"] = sources.certificate  # pip takes the second before the first
    if sources.trusted_hosts:
        said["PIP_TRUSTED_HOST"] = " ".join(sources.trusted_hosts)
    return said
