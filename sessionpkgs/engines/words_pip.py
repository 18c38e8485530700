"""What pip's output and log mean: its last sentence is the same for every cause, so the log decides.

It reads text and gives an error of the tree; it starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sessionpkgs.engines import words, words_places
from sessionpkgs.engines.words import NAME
from sessionpkgs.errors import IndexUnavailable, ResolveError, SessionPkgsError

_BYTES = re.compile(r"HASHES|do not match the hashes|is invalid|has an invalid wheel|BadZipFile|not a valid zip")
_UNMET = re.compile(r"Could not find a version that satisfies the requirement (.+?) \(from versions: (.*?)\)")


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
        return words.conflict("; ".join(_clauses(output)))
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


def _clauses(output: str) -> list[str]:
    """The lines in which pip says who wants what."""
    _, _, cause = output.partition("The conflict is caused by:")
    lines = [line for line in cause.strip().splitlines() if line.startswith((" ", "\t")) or "depends on" in line]
    return list(dict.fromkeys(line.strip() for line in lines))


def _missing(wanted: str, versions: str, log: str, asked: Sequence[str]) -> SessionPkgsError:
    """Which of the causes behind pip's one sentence it was."""
    name = found.group() if (found := re.match(NAME, wanted)) else wanted
    by = re.search(r"\(from ([^)]+)\)$", wanted)
    asker = by.group(1) if by and not by.group(1).startswith("-r") else ""
    wanted = wanted[: by.start()].strip() if by else wanted
    if versions.strip() not in {"", "none"}:
        return words.not_found(wanted, asked, offered=words.nearest(wanted, versions.split(",")), by=asker)
    if failed := [line for line in log.splitlines() if "Could not fetch URL" in line and "404" not in line]:
        return words.unavailable("\n".join(failed)) or IndexUnavailable(words.squeeze(failed[0]))
    return _skipped(name, log, asked) or words.not_found(name, asked, by=asker)


def _skipped(name: str, log: str, asked: Sequence[str]) -> SessionPkgsError | None:
    """The name has files and pip passed over all of them, or the index could not be asked."""
    skipped = [line for line in log.splitlines() if "Skipping link:" in line]
    if any("none of the wheel's tags" in line or "requires a different Python" in line for line in skipped):
        return words.no_wheel(name, "", asked)
    if any("No binaries permitted" in line or "No sources permitted" in line for line in skipped):
        return words.source_forbidden(name, asked, plan=False)
    tried = re.search(r"WARNING: Retrying|ConnectionError|NewConnectionError", log)
    return words.unavailable(log) if tried else None
