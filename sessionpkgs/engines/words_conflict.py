"""Requirements that do not fit together, told in one sentence: which lines, why, and which of them to change.

Both engines end in the same facts: what the declaration requires, and which distribution depends on what. It does not
know an engine's texts and starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sessionpkgs.engines.words import NAME, asked_line, joined, squeeze
from sessionpkgs.errors import ResolveError

if TYPE_CHECKING:
    from packaging.version import Version

_MOST = 400
_CLAUSES = 3


class Fact(NamedTuple):
    """One dependency: *asker* (``pandas==2.2.2``, or a name for all its versions) needs *wanted* (``numpy>=1.23.2``)."""

    asker: str
    wanted: str


def name_of(term: str) -> str:
    """Normalised name at the start of *term*, empty where there is none."""
    match = re.match(NAME, term)
    return re.sub(r"[-_.]+", "-", match.group()).lower() if match else ""


def error(
    facts: Sequence[Fact],
    required: Iterable[str],
    asked: Sequence[str],
    *,
    useless: Iterable[str] = (),
    partly: Iterable[str] = (),
    absent: Iterable[str] = (),
) -> ResolveError:
    """The error for *required* lines that contradict each other through *facts*.

    *asked* is the declaration; of the terms *useless* no version has a wheel for this Python, of the names *partly* some
    versions have none; *absent* are clauses about versions that no index has.
    """
    places = {line: place for place, line in enumerate(asked)}
    lines = _lines(facts, required, asked)
    lines.sort(key=lambda line: ("==" not in line, places.get(line, len(places))))
    without = {name_of(term): term for term in useless}
    clauses = _clauses(facts, {name_of(line): line for line in lines}, {*without, *partly})
    if not any("has a wheel" in clause for clause in clauses):
        clauses += [f"{term} has no wheel for this Python" for term in without.values()]
    clauses += absent
    shown = [line if not asked or line in asked else f"{line} (a constraint)" for line in lines]
    title = f"{joined(shown)} do not fit together" if len(shown) > 1 else f"{''.join(shown)} cannot be had"
    return ResolveError(_short(title, clauses), hint=_hint(lines, asked), item=lines[0] if lines else "")


def _lines(facts: Sequence[Fact], required: Iterable[str], asked: Sequence[str]) -> list[str]:
    """The lines that take part: what is required and, where an asker is itself a line, that one."""
    terms = [*required, *(fact.asker for fact in facts if asked_line(name_of(fact.asker), asked))]
    found = (term if term in asked else asked_line(name_of(term), asked) or term for term in terms if name_of(term))
    return list(dict.fromkeys(found))


def _clauses(facts: Sequence[Fact], lines: dict[str, str], useless: set[str]) -> list[str]:
    """Who needs what, one clause for each pair of names; what explains most comes first."""
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        groups.setdefault((name_of(fact.asker), name_of(fact.wanted)), []).append(fact)
    wanted = [pair[1] for pair in groups]
    needs = [pair[0] for pair in groups]
    ranked = sorted(groups, key=lambda pair: pair[1] not in lines and wanted.count(pair[1]) == 1)
    return [
        f"{_who(groups[pair], lines.get(pair[0], ''), pair[0] in useless, needs.count(pair[0]) > 1)} "
        f"{weakest([fact.wanted for fact in groups[pair]])}"
        for pair in ranked
    ]


def _who(facts: Sequence[Fact], line: str, useless: bool, one_of_several: bool) -> str:
    """Who needs it, no more widely than the facts say, with the verb."""
    askers = list(dict.fromkeys(fact.asker for fact in facts))
    found = re.match(NAME, askers[0])
    name = found.group() if found else askers[0]
    if len(askers) == 1 and askers[0] != name:
        return f"{askers[0]} needs"
    if len(askers) > 1 and one_of_several:
        return f"some versions of {name} need"
    term = line.partition(";")[0].strip() if line and " @ " not in line else name
    if "==" in term and "*" not in term:
        return f"{term} needs"
    told = f"every version of {term}"
    if useless:
        return f"{told} that has a wheel for this Python needs"
    return f"{told} needs" if len(askers) == 1 or line else f"every version of {term} that fits needs"


def weakest(terms: Sequence[str]) -> str:
    """A term that each of *terms*, all of one name, implies: the lowest lower and the highest upper bound of them.

    Some of them joined by "or" where they have no bounds of one kind.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        needs = [Requirement(term) for term in dict.fromkeys(terms)]
    except InvalidRequirement:
        return terms[0]
    bounds = [[(s.operator, s.version) for s in need.specifier] for need in needs]
    if len(needs) == 1 or not all(bounds):
        return next((str(need) for need in needs if not need.specifier), terms[0])
    lower, upper = _outermost(bounds, ">", min), _outermost(bounds, "<", max)
    if not lower and not upper:
        return " or ".join(list(dict.fromkeys(terms))[:_CLAUSES])
    return f"{needs[0].name}{','.join(part for part in (lower, upper) if part)}"


def _outermost(ranges: Sequence[Sequence[tuple[str, str]]], sign: str, choose: Callable[..., str]) -> str:
    """The bound with *sign* that is the widest of all *ranges*; empty where one of them has none."""
    found = [[operator + version for operator, version in one if operator[0] == sign] for one in ranges]
    return choose((bound for one in found for bound in one), key=_version) if all(found) else ""


def _version(bound: str) -> Version:
    """The version in *bound*."""
    from packaging.version import Version

    return Version(bound.lstrip("<>="))


def _short(title: str, clauses: Sequence[str]) -> str:
    """*title* with as many of the *clauses* as leave it a sentence."""
    kept: list[str] = []
    for clause in list(dict.fromkeys(clauses))[:_CLAUSES]:
        if len(title) + len("; ".join([*kept, clause])) <= _MOST:
            kept.append(clause)
    return squeeze(f"{title}{': ' if kept else ''}{'; '.join(kept)}")


def _hint(lines: Sequence[str], asked: Sequence[str]) -> str:
    """Which lines to change: the pins, else those with a range, else what may be left out."""
    own = [line for line in lines if line in asked] or list(lines)
    bound = [line for line in own if re.search(r"[=~]=", line)] or [line for line in own if re.search(r"[<>!]=?", line)]
    if bound:
        return f"Loosen {joined(bound, 'or')}."
    names = [match.group() for line in own if (match := re.match(NAME, line))]
    return f"Leave {joined(names, 'or')} out ({' or '.join(f'--without {name}' for name in names)})." if names else ""
