"""What pip's output and log mean: its last sentence is the same for every cause, so the log decides.

It reads text and gives an error of the tree; it starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sessionpkgs.engines import words, words_conflict, words_places, words_skipped
from sessionpkgs.engines.words import NAME
from sessionpkgs.engines.words_conflict import Fact, name_of
from sessionpkgs.errors import IndexUnavailable, ResolveError, SessionPkgsError

_BYTES = re.compile(r"HASHES|do not match the hashes|is invalid|has an invalid wheel|BadZipFile|not a valid zip")
_UNMET = re.compile(r"Could not find a version that satisfies the requirement (.+?) \(from versions: (.*?)\)")
_DEPENDS = re.compile(rf"^\s*({NAME}(?:\[[^\]]*\])?) (\S+) depends on (.+)$", re.MULTILINE)
_REQUESTED = re.compile(r"^\s*The user requested (?:\(constraint\) )?(.+)$", re.MULTILINE)
_TRACE = re.compile(r"^\d{4}-\S+ (?:  File \"|    ).*\n?", re.MULTILINE)
_PAGE = re.compile(r"Fetching project page and analyzing links: (\S+)")
_NO_PAGE = re.compile(r"Skipping page (\S+) because .*? got (Content-Type: [^.\n]*)\.")
_ABSENT = re.compile(r": 404\b")  # not a port, nor the log's milliseconds
_LOST = re.compile(r"HTTP error 404 while getting (https?://[^\s#]+)")
_CAME = re.compile(
    rf"^\s*(?:Collecting|Processing \S*/)\s?({NAME}?)(?=[<>=!~\[( ]|-\d)[^\n]*->-r \S+ \(line (\d+)\)\)", re.MULTILINE
)


def error(output: str, log: str, asked: Sequence[str]) -> SessionPkgsError:
    """The error for what pip printed (*output*) and wrote to its *log*."""
    if words.NO_SPACE.search(output + log):
        return words.disk_full()
    if (placed := words_places.error(output, asked)) is not None:
        return placed
    if match := _UNMET.search(output):
        return _missing(match.group(1), match.group(2), log, asked)
    if _BYTES.search(output):
        return words.wrong_bytes(_wrong(output))
    if "The conflict is caused by:" in output:
        return _conflict(output, log, asked)
    return _answer(output, log) or _other(output, log)


def _answer(output: str, log: str) -> SessionPkgsError | None:
    """What an index or the network did, told by the failure itself before the log of all that came before."""
    found = re.search(r"^ *error:", output, re.MULTILINE | re.IGNORECASE)
    failed = output[found.start() :] if found else ""
    if gone := _LOST.search(failed):
        return words.lost(gone[1])
    if "Exceeded 30 redirects" in failed:
        return words.bad_answer(_page(log), "sends every request on to another place (a redirect loop)")
    return words.unavailable(failed) or words.unavailable(_TRACE.sub("", log) or output)


def _page(log: str) -> str:
    """URL of the page that was asked for last, after which pip gave up; "" where the log names none."""
    asked = _PAGE.findall(log)
    return str(asked[-1]) if asked else ""


def _wrong(output: str) -> str:
    """Which file it was, and how its bytes differ, without what pip says around that."""
    flat = " ".join(output.split())
    if match := re.search(r"(\S+) from (\S+?)(?:#\S*)? \(from .*?Expected (?:or )?sha\d+ (\w+).*?Got (\w+)", flat):
        file = match[2].rpartition("/")[2]
        return f"{file} has the hash {match[4][:16]}…, and {match[3][:16]}… was expected"
    if match := re.search(r"located at (\S+) is invalid", flat):
        return f"{match[1].rpartition('/')[2]} is no wheel, or was cut short"
    return output[max(0, output.find("ERROR:")) :]


def _other(output: str, log: str) -> SessionPkgsError:
    """A failure that none of the known causes explains; what a build said is in the *log*, behind the time."""
    if "ERROR: Exception:" in output:
        return words.no_page(_page(log), output.strip().splitlines()[-1])
    if built := re.search(rf"Failed to build '?({NAME})'?|ERROR: Failed building wheel for ({NAME})", output):
        told = re.sub(r"^\d{4}-\S+ ", "", log, flags=re.MULTILINE)
        return words.not_built(built.group(1) or built.group(2), told)
    said = [line for line in output.splitlines() if line.lower().startswith("error:")]
    return ResolveError(f"pip could not do it: {words.squeeze(' '.join(said) or output[-500:])}")


def _conflict(output: str, log: str, asked: Sequence[str]) -> SessionPkgsError:
    """No set of versions fits: pip lists who wants what."""
    told = output.partition("The conflict is caused by:")[2].strip("\n").partition("\n\n")[0]
    facts = [Fact(f"{name}=={version}", _joined(term)) for name, version, term in _DEPENDS.findall(told)]
    required = [_joined(term) for term in _REQUESTED.findall(told)]
    wanted, askers = {name_of(fact.wanted) for fact in facts}, {name_of(fact.asker) for fact in facts}
    roots = [line for name in askers for line in _root(name, output, asked)]
    if len(wanted) == len(askers) == 1 and not required:
        term, by = words_conflict.weakest([fact.wanted for fact in facts]), facts[0].asker
        line = words.asked_line(name_of(by), asked)
        by = line or (f"{by}, which {roots[0]} needs" if roots else by)
        if found := words_skipped.error(term, (), log, asked, by=by):
            return found
    if not facts or not (required or roots or any(words.asked_line(name, asked) for name in askers)):
        return words.conflict("; ".join(line.strip() for line in told.splitlines()))
    return words_conflict.error(facts, [*required, *roots], asked, partly=words_skipped.names(log) & askers)


def _joined(term: str) -> str:
    """A requirement as pip writes it in sentences (``urllib3<3 and >=1.21.1``) as one term, the lower bound first."""
    name = found.group() if (found := re.match(NAME + r"(?:\[[^\]]*\])?", term)) else ""
    bounds = term[len(name) :].partition(";")[0].replace(" and ", ",").split(",")
    return name + ",".join(sorted((bound.strip() for bound in bounds if bound.strip()), key=lambda b: b[0] == "<"))


def _root(name: str, output: str, asked: Sequence[str]) -> list[str]:
    """The line of the declaration through which *name* came, where it is not there itself."""
    if words.asked_line(name, asked):
        return []
    for found, number in _CAME.findall(output):
        if name_of(found) == name and int(number) <= len(asked):
            return [asked[int(number) - 1]]
    return []


def _missing(wanted: str, versions: str, log: str, asked: Sequence[str]) -> SessionPkgsError:
    """Which of the causes behind pip's one sentence it was."""
    name = start.group() if (start := re.match(NAME, wanted)) else wanted
    by = re.search(r"\(from ([^)]+)\)$", wanted)
    asker = by.group(1) if by and not by.group(1).startswith("-r") else ""
    asker = words.asked_line(name_of(asker), asked) or asker
    wanted = wanted[: by.start()].strip() if by else wanted
    if versions.strip() not in {"", "none"}:
        if found := words_skipped.error(wanted, versions.split(","), log, asked, by=asker):
            return found
        return words.not_found(wanted, asked, offered=words.nearest(wanted, versions.split(",")), by=asker)
    if failed := [line for line in log.splitlines() if "Could not fetch URL" in line and not _ABSENT.search(line)]:
        return words.unavailable("\n".join(failed)) or IndexUnavailable(words.squeeze(failed[0]))
    if other := _NO_PAGE.search(log):
        return words.no_page(other[1], other[2])
    missing = words.no_file if _is_empty(name_of(name), log) else words.not_found
    return _skipped(wanted, name, log, asked, asker) or missing(name, asked, by=asker)


def _is_empty(name: str, log: str) -> bool:
    """Whether an index has a page for *name* and no file on it."""
    pages = [page for page in _PAGE.findall(log) if page.rstrip("/").endswith(f"/{name}")]
    there = [page for page in pages if f"Could not fetch URL {page}" not in log]
    return bool(there) and f"0 links for project '{name}'" in log


def _skipped(wanted: str, name: str, log: str, asked: Sequence[str], by: str) -> SessionPkgsError | None:
    """The name has files and pip passed over all of them, or the index could not be asked."""
    skipped = [line for line in log.splitlines() if "Skipping link:" in line]
    if any("none of the wheel's tags" in line or "requires a different Python" in line for line in skipped):
        return words_skipped.error(wanted, (), log, asked, by=by) or words.no_wheel(name, "", asked, by=by)
    if any("No binaries permitted" in line or "No sources permitted" in line for line in skipped):
        return words.source_forbidden(name, asked, plan=False)
    tried = re.search(r"WARNING: Retrying|ConnectionError|NewConnectionError", log)
    return words.unavailable(log) if tried else None
