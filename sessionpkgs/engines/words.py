"""An engine's failure, told in our words: which cause it was, which requirement, and what to do.

Each function reads text that a program printed and gives an error of the tree, or a name. It does not start anything
and it never passes an unrecognised text on without saying who said it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from sessionpkgs.errors import (
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    ResolveError,
    SessionPkgsError,
    SourceForbidden,
    StoreError,
    clean,
)

LONGEST = 600
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")
_STATUS = {
    "401": "refused the login (401)",
    "403": "refused access (403)",
    "407": "the proxy refused the login (407)",
}
_REASONS = (
    (re.compile(r"Connection refused|\[Errno 111\]|NewConnectionError", re.IGNORECASE), "connection refused"),
    (re.compile(r"dns error|Name or service not known|Temporary failure in name resolution|NameResolutionError", re.IGNORECASE),
     "its name cannot be looked up"),
    (re.compile(r"certificate|SSLError", re.IGNORECASE), "its certificate is not trusted"),
    (re.compile(r"timed? ?out|timeout", re.IGNORECASE), "it did not answer in time"),
    (re.compile(r"Connection reset|RemoteDisconnected|connection (?:was )?closed|IncompleteRead", re.IGNORECASE), "it closed the connection"),
)  # fmt: skip


def squeeze(text: str) -> str:
    """*text* on one line, cleaned, at most 600 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"


def host_of(url: str) -> str:
    """Host and port of *url*, without login."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or url


def unavailable(text: str) -> IndexUnavailable | None:
    """The error for an index that could not be read, where *text* (a program's output or log) tells of one."""
    status = re.search(
        r"(?:\(|: |\ba |HTTP error |too many )(401|403|407|5\d\d)\b", text
    )  # not a port, nor the log's milliseconds
    url = re.search(r"https?://[^\s'\")>\]]+", text)
    host = host_of(url.group()) if url else "the index"
    if status and re.search(r"HTTP status|HTTP error|Client Error|Server Error|\b40[137] \w+|Could not fetch", text):
        code = status.group(1)
        said = _STATUS.get(code, f"answered with an error ({code})")
        return IndexUnavailable(
            f"the package index {host} {said}", hint="Check the login or ask who runs this index.", item=host
        )
    for pattern, reason in _REASONS:
        if pattern.search(text):
            return IndexUnavailable(
                f"the package index {host} cannot be reached: {reason}",
                hint="Check the network, the proxy and the index URL, then run the cell again.",
                item=host,
            )
    return None


def sources_only(text: str) -> list[str]:
    """Names that uv says have no usable wheel in at least one version, in the order it names them."""
    flat = " ".join(text.split())
    found = re.findall(rf"hint: Wheels are required for `({_NAME})`", flat)
    for part in re.split(r"have no usable wheels|has no usable wheels", flat)[:-1]:
        tail = re.findall(rf"(?:all versions of |\b)({_NAME})(?:[<>=!~][^\s]*)?(?=[\s,]|$)", part)
        found += [name for name in tail[-1:] if name not in {"and", "of"}]
    return list(dict.fromkeys(found))


def from_uv(text: str, asked: Iterable[str]) -> SessionPkgsError:
    """The error for what uv printed on standard error when it could not resolve or install *asked*."""
    if _NO_SPACE.search(text):
        return StoreError(
            "the disk is full", hint="Free some space; `sessionpkgs store du` shows what the store holds."
        )
    _, _, cause = text.partition("error: ")
    cause = cause.split("\nhint:", 1)[0]
    flat = squeeze(re.sub(r"^\s*cause: ", "", cause, flags=re.MULTILINE)) or squeeze(text)
    flat = re.sub(r"^No solution found when resolving dependencies:? ?", "", flat)
    if "ash mismatch" in text:
        return IntegrityError(
            f"a hash does not match: {flat}", hint="The file differs from what was recorded: ask who published it."
        )
    if re.search(r"Failed to (?:fetch|download|query)|error sending request|Request failed|credentials", text) and (
        error := unavailable(text)
    ):
        return error
    if match := re.search(rf"({_NAME}) was not found in (?:the package registry|the provided package locations)", text):
        return not_found(match.group(1), asked)
    if error := _unusable(text, flat, asked):
        return error
    if "ailed to build" in text or "build backend" in text:
        return ResolveError(
            f"a source could not be built: {squeeze(cause)}", hint="Ask for a version that has a wheel."
        )
    flat = re.sub(r",? ?we can conclude that your requirements are unsatisfiable\.?$", "", flat)
    flat = flat.removeprefix("Because ")
    return ResolveError(
        f"no set of versions fits: {flat}", hint="Loosen one of the versions named here.", item=flat.split(" ")[0]
    )


def _unusable(text: str, flat: str, asked: Iterable[str]) -> SessionPkgsError | None:
    """The error where versions exist but none can be used here."""
    if match := re.search(rf"({_NAME})(?:[<>=!~]\S*)? (?:has|have) no (?:wheels with a matching|usable wheels)", flat):
        tags = re.findall(r"hint: (?:You require[^\n]*but we only found|Wheels are available)[^\n]*", text)
        offered = squeeze(" ".join(tags)).replace("hint: ", "").replace("`", "")
        return no_wheel(match.group(1), offered, asked)
    if match := re.search(rf"there (?:is|are) no versions? of ({_NAME}\S*)", flat):
        return not_found(match.group(1).rstrip(","), asked, version=True)
    if match := re.search(
        rf"only the following versions of ({_NAME}) are available: (.*?) and you require ({_NAME}\S*)", flat
    ):
        return not_found(match.group(3).rstrip(","), asked, offered=match.group(2))
    if match := re.search(rf"only ({_NAME})(\S*) is available and you require ({_NAME}\S*)", flat):
        return not_found(match.group(3).rstrip(","), asked, offered=match.group(1) + match.group(2))
    return None


def not_found(item: str, asked: Iterable[str], *, version: bool = False, offered: str = "") -> NotFoundError:
    """The error for a name or a version that no index has; *asked* are the lines of the declaration."""
    name = re.match(_NAME, item)
    named = _asked_line(name.group() if name else item, asked)
    if version or offered:
        more = f"; the index has {squeeze(offered)}" if offered else ""
        return NotFoundError(f"no index has {named or item}{more}", hint="Ask for a version that exists.", item=item)
    came = f" (asked for by {named})" if named and named != item else ""
    return NotFoundError(
        f"no package index has a distribution called {item}{came}",
        hint="Check the spelling; an import name may differ from the distribution's name.",
        item=item,
    )


def no_wheel(item: str, offered: str, asked: Iterable[str]) -> NotFoundError:
    """The error for a distribution whose wheels all want another Python or platform."""
    named = _asked_line(item, asked) or item
    more = f": {offered}" if offered else ""
    return NotFoundError(
        f"{named} has no wheel for this Python and platform{more}",
        hint="Ask for a version that has one, or use a kernel with another Python.",
        item=item,
    )


def source_forbidden(name: str, asked: Iterable[str], *, plan: bool) -> SourceForbidden:
    """The error for a distribution that exists only as source where nothing may be built."""
    named = _asked_line(name, asked) or name
    why = "a plan runs no build code" if plan else "only wheels are allowed here"
    hint = (
        "Run the cell without --plan to build it."
        if plan
        else "Unset the setting wheels_only, or choose another package."
    )
    return SourceForbidden(f"{named} exists only as source and {why}", hint=hint, item=name)


def _asked_line(name: str, asked: Iterable[str]) -> str:
    """The line of the declaration that begins with *name*."""
    wanted = re.sub(r"[-_.]+", "-", name).lower()
    for line in asked:
        match = re.match(_NAME, line)
        if match and re.sub(r"[-_.]+", "-", match.group()).lower() == wanted:
            return line
    return ""


def from_pip(output: str, log: str, asked: Iterable[str]) -> SessionPkgsError:
    """The error for what pip printed and logged; its own last line says the same for every cause, the log does not."""
    if _NO_SPACE.search(output + log):
        return StoreError(
            "the disk is full", hint="Free some space; `sessionpkgs store du` shows what the store holds."
        )
    if "HASHES" in output or "do not match the hashes" in output:
        lines = output[output.find("THESE PACKAGES") :]
        return IntegrityError(
            f"a hash does not match: {squeeze(lines)}", hint="The file differs from what was recorded."
        )
    match = re.search(r"Could not find a version that satisfies the requirement (.+?) \(from versions: (.*?)\)", output)
    if match:
        return _pip_missing(match.group(1), match.group(2), log, asked)
    if "The conflict is caused by:" in output:
        _, _, cause = output.partition("The conflict is caused by:")
        lines = [
            line.strip() for line in cause.strip().splitlines() if line.startswith((" ", "\t")) or "depends on" in line
        ]
        return ResolveError(
            f"no set of versions fits: {squeeze('; '.join(dict.fromkeys(lines)))}",
            hint="Loosen one of the versions named here.",
        )
    if error := unavailable(log or output):
        return error
    said = [line for line in output.splitlines() if line.lower().startswith("error:")]
    return ResolveError(f"pip could not do it: {squeeze(' '.join(said) or output[-500:])}")


def _pip_missing(wanted: str, versions: str, log: str, asked: Iterable[str]) -> SessionPkgsError:
    """Which of the causes behind pip's one sentence it was."""
    first = re.match(_NAME, wanted)
    name = first.group() if first else wanted
    by = re.search(r"\(from ([^)]+)\)$", wanted)
    wanted = wanted[: by.start()].strip() if by else wanted
    if versions.strip() not in {"", "none"}:
        return not_found(wanted, asked, offered=squeeze(versions)[-120:])
    if failed := [line for line in log.splitlines() if "Could not fetch URL" in line and "404" not in line]:
        error = unavailable("\n".join(failed)) or IndexUnavailable(squeeze(failed[0]))
        return error
    skipped = [line for line in log.splitlines() if "Skipping link:" in line]
    if any("none of the wheel's tags" in line or "requires a different Python" in line for line in skipped):
        return no_wheel(name, "", asked)
    if any("No binaries permitted" in line or "No sources permitted" in line for line in skipped):
        return source_forbidden(name, asked, plan=False)
    if re.search(r"WARNING: Retrying|ConnectionError|NewConnectionError", log) and (error_ := unavailable(log)):
        return error_
    return not_found(name, asked)
