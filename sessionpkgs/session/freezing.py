"""``freeze``: what is there as lines that bring it again.

The lines are those of ``pip freeze``, without logins. No program is asked: an editable folder stays a folder, even if
it is a repository.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from sessionpkgs.errors import clean
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Dist, Pin
from sessionpkgs.session.looking import SCHEMA, editable, origin, title

_TOOLS = frozenset({"pip"}) if sys.version_info >= (3, 12) else frozenset({"pip", "setuptools", "distribute", "wheel"})
"""What ``pip freeze`` leaves out without ``--all``."""
_LONGEST = 10_000


def freeze(
    view: Mapping[str, Dist],
    base: Mapping[str, Dist],
    *,
    everything: bool,
    exclude: Iterable[str] = (),
    tools: bool = False,
    places: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Lines for what the session brings, or for *everything*: ``{"schema", "action": "freeze", "lines": [str, …]}``.

    *places* are references by the name of what the session has from a place of its own: the store does not know those.

    In the order of ``pip freeze``. pip, and below Python 3.12 setuptools and wheel, are left out unless *tools* or the
    session brings them.
    """
    from packaging.utils import canonicalize_name

    gone = {str(canonicalize_name(name)) for name in exclude}
    gone |= set() if tools else {name for name in _TOOLS if name in base and base[name] == view.get(name)}
    chosen = [dist for dist in view.values() if dist.name not in gone and (everything or dist.level == "session")]
    named = sorted(((title(dist), dist) for dist in chosen), key=lambda pair: pair[0].lower())
    return {"schema": SCHEMA, "action": "freeze", "lines": [_line(name, dist, places or {}) for name, dist in named]}


def _line(name: str, dist: Dist, places: Mapping[str, str]) -> str:
    """The line that brings *dist* again."""
    from packaging.version import Version

    said = origin(dist)
    if folder := editable(said):
        return f"-e {folder}"
    if dist.name in places and dist.level == "session" and not said:
        return f"{name} @ {places[dist.name]}"
    return f"{name} @ {_reference(said)}" if said else f"{name}=={Version(dist.version)}"


def _reference(said: Mapping[str, Any]) -> str:
    """The URL of PEP 610 as PEP 440 refers to it: a commit for a repository, a hash for an archive."""
    vcs, archive = _table(said, "vcs_info"), _table(said, "archive_info")
    url = _bare(said["url"], keep="git" if vcs.get("vcs") == "git" else "")
    if vcs:
        url = f"{vcs.get('vcs', '')}+{url}@{vcs.get('commit_id', '')}"
    hashes = [f"{kind}={value}" for kind, value in _table(archive, "hashes").items()]
    legacy = [str(archive["hash"])] if archive.get("hash") else []
    fragments = (hashes or legacy)[:1]
    if folder := said.get("subdirectory"):
        fragments.append(f"subdirectory={folder}")
    return f"{url}#{'&'.join(fragments)}" if fragments else url


def place_of(pin: Pin) -> str:
    """The reference to the place that *pin* came from, without a login."""
    url, mark, part = clean(pin.url).partition("#")
    if pin.kind == "vcs":
        return f"{url}@{pin.commit}{mark}{part}"
    return f"{url}#sha256={pin.sha256}" if pin.sha256 else url


def _table(said: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The table *key* of *said*, empty where there is none."""
    found = said.get(key)
    return found if isinstance(found, dict) else {}


def _bare(url: str, *, keep: str) -> str:
    """*url* without login and tokens; the user *keep* is no secret."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    bare = show(urlunsplit(parts._replace(netloc=host)), _LONGEST)
    return bare.replace("://", f"://{keep}@", 1) if at and keep and user == keep else bare
