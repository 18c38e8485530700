"""What uv is told about indexes: a configuration file of ours instead of any of the user's, and logins beside it.

A page of an index counts as fresh for ten minutes and a file for ever, which is what the public index tells its
clients; many mirrors tell nothing, and uv then asks for every page and every file's head again. A refusal is never
based on a page from the cache: ``uv.py`` asks again before it passes one on. It does not start uv.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from sessionpkgs.settings import Sources

FRESHNESS = {"api": "max-age=600", "files": "max-age=365000000, immutable"}


def describe(sources: Sources, *, refresh: bool = False) -> tuple[str, dict[str, str]]:
    """The text of a ``uv.toml`` for *sources*, and the variables that hold the logins.

    uv asks the indexes in this order and takes the first one that has a name; with *refresh* nothing is said
    of freshness, since uv's option ``--refresh`` does not reach a page that is fresh by configuration.
    """
    import tomli_w

    urls = list(sources.indexes)
    implied = default_index() if sources.implied else ""
    urls += [implied] if implied else []
    entries: list[dict[str, Any]] = []
    logins: dict[str, str] = {}
    freshness = {} if refresh else {"cache-control": FRESHNESS}
    for number, url in enumerate(urls):
        plain, user, password = without_login(url)
        entries.append({"name": f"i{number}", "url": plain, **freshness})
        logins |= {f"UV_INDEX_I{number}_USERNAME": user} if user else {}
        logins |= {f"UV_INDEX_I{number}_PASSWORD": password} if password else {}
    if entries and (implied or not sources.implied):
        entries[-1]["default"] = True
    return tomli_w.dumps({"index": entries} if entries and not sources.no_index else {}), logins


def without_login(url: str) -> tuple[str, str, str]:
    """*url* without user and password, and those two."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, "", ""
    user, _, password = login.partition(":")
    return urlunsplit(parts._replace(netloc=host)), unquote(user), unquote(password)


def default_index() -> str:
    """URL of the public index, as pip knows it; "" where pip does not tell, and uv then uses its own, page by page."""
    try:
        from pip._internal.models.index import PyPI
    except ImportError:
        return ""
    return str(PyPI.simple_url)


def default_files() -> dict[str, tuple[str, ...]]:
    """Hosts of the files of the public indexes that pip knows, by the host of their pages; nothing where it does not tell."""
    try:
        from pip._internal.models import index
    except ImportError:
        return {}
    known = [one for one in vars(index).values() if isinstance(one, index.PackageIndex)]
    return {one.netloc: (one.file_storage_domain,) for one in known}
