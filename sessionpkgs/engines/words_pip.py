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
        return words.wrong_bytes(output[max(0, output.find("THESE PACKAGES")) :])
    if "The conflict is caused by:" in output:
        return _conflict(output, log, asked)
    return words.unavailable(log or output) or _other(output, log)


def _other(output: str, log: str) -> SessionPkgsError:
    """A failure that none of the known causes explains; what a build said is in the *log*, behind the time."""
    if "ERROR: Exception:" in output:
        last = words.squeeze(output.strip().splitlines()[-1])
        return IndexUnavailable(
            f"the package index answered with what pip cannot read ({last})", hint="Check the index URL."
        )
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
    if failed := [line for line in log.splitlines() if "Could not fetch URL" in line and "404" not in line]:
        return words.unavailable("\n".join(failed)) or IndexUnavailable(words.squeeze(failed[0]))
    return _skipped(wanted, name, log, asked, asker) or words.not_found(name, asked, by=asker)


def _skipped(wanted: str, name: str, log: str, asked: Sequence[str], by: str) -> SessionPkgsError | None:
    """The name has files and pip passed over all of them, or the index could not be asked."""
    skipped = [line for line in log.splitlines() if "Skipping link:" in line]
    if any("none of the wheel's tags" in line or "requires a different Python" in line for line in skipped):
        return words_skipped.error(wanted, (), log, asked, by=by) or words.no_wheel(name, "", asked, by=by)
    if any("No binaries permitted" in line or "No sources permitted" in line for line in skipped):
        return words.source_forbidden(name, asked, plan=False)
    tried = re.search(r"WARNING: Retrying|ConnectionError|NewConnectionError", log)
    return words.unavailable(log) if tried else None
