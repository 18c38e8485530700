"""An engine's failure, told in our words: which cause it was, which requirement, and what to do.

What the engines' own texts mean is read in ``words_uv.py`` and ``words_pip.py``; here are the sentences that both end
in. It does not start anything.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from sessionpkgs.errors import (
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    ResolveError,
    SourceForbidden,
    StoreError,
    clean,
)
from sessionpkgs.formats.wording import show

LONGEST, _AROUND = 600, 2
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
_CODE = re.compile(r"(?:\(|: |\ba |HTTP error |too many )(4(?!04)\d\d|5\d\d)\b")  # no port, nor the log's milliseconds
_TOLD = re.compile(r"HTTP status|HTTP error|Client Error|Server Error|\b4(?!04)\d\d \w+|Could not fetch|too many")
_CHECK = "Check the index URL; a proxy or a login page may have answered instead of the index."
_AGAIN = "Check the network, the proxy and the index URL, then run the cell again."
_STATUS = {
    "401": "refused the login (401)",
    "429": "says that too much is asked of it (429)",
    "403": "refused access (403)",
    "407": "the proxy refused the login (407)",
}
_REASONS = (
    (re.compile(r"Connection refused|\[Errno 111\]|NewConnectionError", re.IGNORECASE), "connection refused"),
    (re.compile(r"dns error|Name or service not known|Temporary failure in name resolution|NameResolutionError", re.IGNORECASE),
     "its name cannot be looked up"),
    (re.compile(r"certificate|SSLError", re.IGNORECASE), "its certificate is not trusted"),
    (re.compile(r"timed? ?out|timeout", re.IGNORECASE), "it did not answer in time"),
    (re.compile(r"Connection reset|RemoteDisconnected|connection (?:was )?closed|IncompleteRead|operation was canceled|end of file before message|error reading a body", re.IGNORECASE), "it closed the connection"),
)  # fmt: skip


def squeeze(text: str) -> str:
    """*text* on one line, cleaned, at most 600 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def host_of(url: str) -> str:
    """Host and port of *url*, without login."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url


def bad_answer(url: str, said: str, hint: str = _CHECK) -> IndexUnavailable:
    """The error for an index that was reached at *url* (or the host of one) and did what *said* tells."""
    index = f"the package index {host_of(url)}".rstrip()
    return IndexUnavailable(f"{index} {squeeze(said)}", hint=hint, item=host_of(url))


def no_page(url: str, said: str) -> IndexUnavailable:
    """The error for an answer that is not a page of an index; *said* is how an engine calls it."""
    return bad_answer(url, f"answered with what is no page of an index ({show(said)})")


def lost(url: str) -> IndexUnavailable:
    """The error for a file that an index lists and nobody has."""
    file = show(url.partition("#")[0].rpartition("/")[2])
    return bad_answer(url, f"does not have {file}, which is listed (404)", "Try --refresh, then ask who runs it.")


def _host_in(text: str) -> str:
    """The host that *text* names first, as a URL or as pip names a connection, "" where it names none."""
    if url := re.search(r"https?://[^\s'\")>\]`]+", text):
        return host_of(url.group())
    pool = re.search(r"\bhost='([^']+)', port=(\d+)", text)
    return f"{pool[1]}:{pool[2]}" if pool else ""


def unavailable(text: str) -> IndexUnavailable | None:
    """The error for an index that could not be read, where *text* (a program's output or log) tells of one."""
    host, status = _host_in(text), _CODE.search(text)
    if status and _TOLD.search(text):
        said = _STATUS.get(status[1], f"answered with an error ({status[1]})")
        return bad_answer(host, said, "Check the login or ask who runs this index.")
    reason = next((said for pattern, said in _REASONS if pattern.search(text)), "")
    return bad_answer(host, f"cannot be reached: {reason}", _AGAIN) if reason else None


def disk_full() -> StoreError:
    """The error for a disk that an engine filled."""
    return StoreError("the disk is full", hint="Free some space; `sessionpkgs store du` shows what the store holds.")


def wrong_bytes(said: str) -> IntegrityError:
    """The error for a file that is not what it should be."""
    return IntegrityError(
        f"a file is not what was published: {squeeze(said)}",
        hint="It was changed or cut short on its way: try --refresh, and ask who runs the index if it stays so.",
    )


def conflict(said: str) -> ResolveError:
    """The error for requirements that no set of versions satisfies."""
    told = squeeze(said)
    return ResolveError(
        f"no set of versions fits: {told}", hint="Loosen one of the versions named here.", item=told.split(" ")[0]
    )


def not_found(
    item: str, asked: Iterable[str], *, version: bool = False, offered: str = "", by: str = ""
) -> NotFoundError:
    """The error for a name or a version that no index has.

    *asked* are the lines of the declaration, *offered* what the index has instead, *by* who asked for it.
    """
    name = re.match(NAME, item)
    named = asked_line(name.group() if name else item, asked)
    if version or offered:
        more = f"; the index has {squeeze(offered)}" if offered else ""
        by = f" (asked for by {by})" if by and not named else ""
        item = named or item
        return NotFoundError(
            f"no index has {named or item}{by}{more}", hint="Ask for a version that exists.", item=item
        )
    meant = _meant(item)
    came = f" (asked for by {by or named})" if (by or named) and named != item else ""
    return NotFoundError(
        f"no package index has a distribution called {item}{came}",
        hint=f"Write {meant}." if meant else "Check the spelling; an import name may differ from the distribution's.",
        item=item,
    )


def no_file(item: str, asked: Iterable[str], *, by: str = "") -> IndexUnavailable:
    """The error for a name whose page on an index lists nothing to install; *by* is who asked for it."""
    by = f" (asked for by {by})" if by and not asked_line(item, asked) else ""
    return IndexUnavailable(
        f"the index's page for {item}{by} lists no wheel and no source archive",
        hint=_CHECK,
        item=item,
    )


def no_wheel(
    item: str, offered: str, asked: Iterable[str], *, by: str = "", better: str = "", here: str = ""
) -> NotFoundError:
    """The error for a distribution whose wheels all want another Python or platform.

    *item* is what was asked for, *offered* what there is instead, *by* who asked for it (empty for a line of the
    declaration), *better* a requirement that has a wheel, *here* the Python that runs.
    """
    found = re.match(NAME, item)
    name = found.group() if found else item
    told = f"{item} (asked for by {by})" if by else asked_line(name, asked) or item
    more = f": {offered}" if offered else ""
    return NotFoundError(
        f"{told} has no wheel for this Python ({here or python_here()} on {platform_here()}){more}",
        hint=f"{_instead_of(by, better)}, or use a kernel with another Python.",
        item=name,
    )


def _instead_of(by: str, better: str) -> str:
    """What to do about a release that cannot be had here: *better* where that is known, else about who asked for it."""
    line = by.rpartition(", which ")[2].removesuffix(" needs")
    root = re.match(NAME, line)
    if better or root is None:
        return f"Ask for {better or 'another version'}"
    loosen = f"Loosen {line}, leave" if "==" in line else "Leave"
    return f"{loosen} {root.group()} out (--without {root.group()})"


def no_wheels(pins: Sequence[str], better: Iterable[str], *, here: str = "", all_told: bool = True) -> NotFoundError:
    """The error for several exact pins that have no wheel for this Python; *better* are lines that have one.

    *all_told* is False where there may be more of them.
    """
    instead = list(better)
    return NotFoundError(
        f"{'' if all_told else 'at least '}{len(pins)} pins have no wheel for Python {here or python_here()}: {', '.join(pins)}",
        hint=f"Loosen them: {', '.join(instead)}." if instead else "Loosen them, or use a kernel with another Python.",
        item=pins[0],
    )


def other_python(
    item: str, wanted: str, here: str, asked: Iterable[str], *, by: str = "", better: str = ""
) -> NotFoundError:
    """The error for a distribution that is made for another Python: *wanted*, as in ``Python>=3.12``.

    *by* is who asked for it, empty for a line of the declaration; *better* a requirement that runs *here*.
    """
    told = f"{item} (asked for by {by})" if by else asked_line(item, asked) or item
    return NotFoundError(
        f"{told} needs {wanted}, and this is Python {here}",
        hint=f"{_instead_of(by, better)}, or use a kernel with another Python.",
        item=item,
    )


def python_here() -> str:
    """The Python that runs this, as ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def platform_here() -> str:
    """The system that runs this, as ``Linux x86_64``."""
    import platform

    return f"{platform.system()} {platform.machine()}"


def joined(parts: Iterable[str], word: str = "and") -> str:
    """*parts* as a list in a sentence."""
    *most, last = parts
    return f"{', '.join(most)} {word} {last}" if most else last


def nearest(wanted: str, versions: Iterable[str]) -> str:
    """Those of *versions* that stand around the version in *wanted*, and the newest, as a list for a message."""
    from packaging.version import InvalidVersion, Version

    known: list[Version] = []
    for version in versions:
        try:
            known.append(Version(version.strip()))
        except InvalidVersion:
            continue
    known.sort()
    stable = [version for version in known if not version.is_prerelease] or known
    found = re.search(r"[<>=!~]=?=?\s*([0-9][0-9A-Za-z.!+-]*?)(?:\.\*)?(?:,|;|\s|$)", wanted)
    try:
        middle = Version(found.group(1)) if found else stable[-1]
    except InvalidVersion:
        middle = stable[-1]
    below, above = [v for v in stable if v < middle], [v for v in stable if v >= middle]
    chosen = [*below[-_AROUND:], *above[:_AROUND], *stable[-1:]]
    return ", ".join(str(version) for version in dict.fromkeys(chosen))


def not_built(item: str, said: str) -> ResolveError:
    """The error for a source whose own build code failed; *said* is all that the engine printed."""
    lines = [
        line.strip()
        for line in said.splitlines()
        if line.strip() and not line.lstrip().startswith(("hint:", "╰", "note:"))
    ]
    told = next((line for line in reversed(lines) if re.match(r"(?!pip\.)[\w.]*(?:Error|Exception): ", line)), "")
    told = told or next((line for line in lines if "deprecated" in line), "")
    name = re.split(r"[=<>]", item)[0]
    meant = _meant(name)
    return ResolveError(
        f"{item or 'a source'} has no wheel and could not be built from source{f': {squeeze(told)}' if told else ''}",
        hint=f"Write {meant}." if meant else "Ask for a version that has a wheel, or build it on the machine first.",
        item=name,
    )


def unknown_extras(said: str) -> tuple[str, ...]:
    """A notice for each extra that a distribution does not have, as *said* by an engine that goes on without it."""
    found = re.findall(rf"package `({NAME})(?:==[^`]*)?` does not have an extra named `({NAME})`", said) + re.findall(
        rf"({NAME}) \S+ does not provide the extra '({NAME})'", said
    )
    return tuple(f"{name} has no extra called {extra}: it changes nothing." for name, extra in dict.fromkeys(found))


def _meant(name: str) -> str:
    """The distribution that people mean by *name*: what is imported so, or what conda calls so."""
    from sessionpkgs.formats import conda_names, import_names

    return import_names.distribution(name) or conda_names.RENAMED.get(name.lower(), "").partition("[")[0]


def source_forbidden(name: str, asked: Iterable[str], *, plan: bool) -> SourceForbidden:
    """The error for a distribution that exists only as source where nothing may be built."""
    named = asked_line(name, asked) or name
    why = "a plan runs no build code" if plan else "only wheels are allowed here"
    hint = (
        "Run the cell without --plan to build it."
        if plan
        else "Unset the setting wheels_only, or choose another package."
    )
    return SourceForbidden(f"{named} exists only as source and {why}", hint=hint, item=name)


def asked_line(name: str, asked: Iterable[str]) -> str:
    """The line of the declaration that begins with *name*, empty where there is none."""
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    for line in asked:
        match = re.match(NAME, line)
        if match and re.sub(r"[-_.]+", "-", match.group()).lower() == wanted:
            return line
    return ""
