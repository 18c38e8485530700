"""A wheel that this Python lacks: which pins share that, which versions have one, and where the others would run.

What it needs to know it asks uv through the function that it is given, in the path of a refusal only and for at most
ten seconds. It starts nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sessionpkgs.engines import words, words_chain, words_tags, words_uv
from sessionpkgs.engines.words import NAME
from sessionpkgs.engines.words_chain import Wheelless
from sessionpkgs.engines.words_conflict import name_of
from sessionpkgs.errors import DeadlineError, NotFoundError, SessionPkgsError
from sessionpkgs.process import Completed

MOST_PINS = 12
SECONDS = 10.0
_PIN = re.compile(rf"({NAME}(?:\[[^\]]*\])?)\s*==\s*([0-9][^*,;\s]*)\s*(?:;.*)?$")
_OLDEST = "3.7"  # the oldest Python that uv chooses for without a warning

Ask = Callable[..., Completed]
"""Runs ``uv pip compile`` without dependencies over some lines, with some options."""


def refusal(text: str, lines: Sequence[str], present: Mapping[str, str], ask: Ask) -> SessionPkgsError:
    """The error for *text*, uv's refusal of the declaration *lines*; for want of a wheel it asks what would have one.

    *present* are the versions that are there already, by name: those need no wheel.
    """
    plain = words_uv.error(text, lines)
    found = words_chain.wheelless(text, lines)
    try:
        if isinstance(plain, NotFoundError) and (other := words_chain.python_needed(text)) and not found:
            return _other_python(plain.item, other, lines, ask, text)
        if found is None or not isinstance(plain, NotFoundError):
            return plain
        own = "" if found.by else words.asked_line(found.name, lines)
        bad = _bad(_pins(lines, present), ask) if _PIN.match(own) else []
        if len(bad) > 1:
            here, whole = words_chain.here(text), len(bad) < MOST_PINS
            return words.no_wheels(bad, _instead(bad, ask), here=here, all_told=whole)
        return _single(found, own, lines, ask, text)
    except DeadlineError:
        return plain


def _pins(lines: Sequence[str], present: Mapping[str, str]) -> list[str]:
    """The exact pins among *lines* that are not *present*."""
    return [line for line in lines if (match := _PIN.match(line)) and present.get(name_of(line)) != match[2]]


def _other_python(item: str, wanted: str, lines: Sequence[str], ask: Ask, text: str, by: str = "") -> NotFoundError:
    """The error for what another Python is needed for, with the newest version that runs here."""
    by = by or words_chain.asker(text, item, lines)
    newest = "" if by else _versions(ask([item])).get(item, "")
    better = f"{item}=={newest}" if newest else ""
    return words.other_python(item, wanted, words_chain.here(text), lines, by=by, better=better)


def _bad(pins: Sequence[str], ask: Ask) -> list[str]:
    """Those of *pins* that have no wheel for this Python: uv names one at a time, which is then left out."""
    left = {name_of(line): line for line in pins}
    bad: list[str] = []
    while left and len(bad) < MOST_PINS:
        done = ask(list(left.values()))
        if done.code == 0:
            break
        culprit = name_of(words_uv.error(done.stderr, list(left.values())).item)
        if culprit not in left:
            break
        line = left.pop(culprit)
        if words_chain.wheelless(done.stderr, [line]) and not _only_source(culprit, ask):
            bad.append(line)
    return [line for line in pins if line in bad]


def _only_source(name: str, ask: Ask) -> bool:
    """Whether *name* has no wheel for any Python; such a one is built and no reason to refuse."""
    done = ask([name], "--universal")
    return done.code != 0 and "no usable wheels" in done.stderr


def _instead(bad: Sequence[str], ask: Ask) -> list[str]:
    """For each of the *bad* pins the nearest version that has a wheel, as a line: the next one, else the newest."""
    heads = {name_of(line): match for line in bad if (match := _PIN.match(line))}
    above = _versions(ask([f"{name_of(m[1])}>{m[2]}" for m in heads.values()], "--resolution", "lowest"))
    better = []
    for name, match in heads.items():
        version = above.get(name, "")
        if not version:
            version = _versions(ask([f"{name}>{match[2]}"], "--resolution", "lowest")).get(name, "")
        if version:
            better.append(f"{match[1]}>={version}")
        elif newest := _versions(ask([name])).get(name, ""):
            better.append(f"{match[1]}=={newest}")
    return better


def _single(found: Wheelless, own: str, lines: Sequence[str], ask: Ask, text: str) -> NotFoundError:
    """The error for one name: where its wheels run, and the nearest requirement that has one here."""
    better = ""
    if _PIN.match(own):
        better = "".join(_instead([own], ask))
    elif own:
        lowest = _versions(ask([found.name], "--resolution", "lowest")).get(found.name, "")
        better = f"{found.name}>={lowest}" if lowest else ""
    offered = found.offered
    if not offered:
        done = ask([found.wanted], "--format", "pylock.toml", "--universal")
        if done.code != 0 and (other := words_chain.python_needed(done.stderr)):
            return _other_python(found.name, other, lines, ask, text, found.by)
        if done.code != 0:
            done = ask([found.wanted], "--format", "pylock.toml", "--universal", "--python-version", _OLDEST)
        offered = _offered(done.stdout) if done.code == 0 else ""
    return words.no_wheel(found.wanted, offered, lines, by=found.by, better=better, here=words_chain.here(text))


def _versions(done: Completed) -> dict[str, str]:
    """The versions that ``pip compile`` chose, by name."""
    pairs = [line.partition(" ")[0].partition("==") for line in done.stdout.splitlines() if done.code == 0]
    return {name_of(name): version for name, sign, version in pairs if sign}


def _offered(lock: str) -> str:
    """Where the wheels of the one package in *lock* run: Pythons and systems, in words."""
    version = re.search(r'^version = "([^"]+)"', lock, re.MULTILINE)
    tags = [file.rsplit("-", 3)[1:] for file in re.findall(r"([^/\"]+)\.whl\"", lock)]
    return words_tags.offered(version[1], tags) if version else ""
