"""How uv argues that no versions fit: a chain of steps, read as facts.

Each step says "because A and B, C follows"; A and B are facts, C is dropped. It knows uv's words and starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from sessionpkgs.engines import words_tags
from sessionpkgs.engines.words import NAME, asked_line, joined, python_here
from sessionpkgs.engines.words_conflict import Fact, name_of, weakest
from sessionpkgs.errors import clean

_LIST = r"one of: (?:\S+[<>=!~]\S* ?)+"
_DEPENDS = re.compile(rf"(all versions of )?({NAME}\S*) depends? on ({_LIST}|\S+)")
_REQUIRE = re.compile(
    rf"you require ({_LIST}|{NAME}\S*)(?: and (?!you |only |we )({NAME}\S*)(?! depend| ha[sv]| is| was))?"
)
_BARE = re.compile(rf" and ({NAME}[<>=!~]\S*[^\s,])$")  # a constraint
_USELESS = re.compile(rf"({NAME}\S*) (?:has|have) no (?:wheels with a matching|usable wheels)")
_TAGS = re.compile(r"only found wheels for `[^`]+` \(v([^)]+)\) with the following [^:]*: ([^\n]*)")
_PLATFORMS = re.compile(r"Wheels are available for `[^`]+` \(v([^)]+)\) on the following platforms?: ([^\n]*)")


class Chain(NamedTuple):
    """What a chain rests on: dependencies, what the declaration requires, and terms without a usable wheel."""

    facts: tuple[Fact, ...]
    required: tuple[str, ...]
    useless: tuple[str, ...]


class Wheelless(NamedTuple):
    """A name of which no version that is asked for has a usable wheel; *by* is empty where the declaration asks."""

    name: str
    wanted: str
    by: str
    offered: str


def steps(text: str) -> list[str]:
    """The steps of the chain in *text*, each on one line and without its conclusion."""
    _, _, said = text.partition("error: ")
    said = said.split("\nhint:", 1)[0]
    flat = " ".join(clean(re.sub(r"^\s*cause: ", "", said, flags=re.MULTILINE)).split())
    flat = re.sub(r"^No solution found when resolving dependencies:? ?", "", flat)
    flat = re.sub(r"\{[^}]*\}", "", flat)
    parts = re.split(r"(?:^|[.)]? )(?:And because|Because) ", flat)
    return [told for part in parts if (told := re.sub(r",? ?\bwe can conclude that .*", "", part).strip())]


def read(text: str) -> Chain:
    """The facts in *text*."""
    facts, required, useless = [], [], []
    for step in steps(text):
        for whole, asker, wanted in _DEPENDS.findall(step):
            facts.append(Fact(re.split(r"[<>=!~]", asker)[0] if whole else asker.rstrip(","), _term(wanted)))
        for first, second in _REQUIRE.findall(step):
            required += [_term(term) for term in (first, second) if term]
        required += _BARE.findall(step)
        useless += [term.rstrip(",") for term in _USELESS.findall(step)]
    return Chain(tuple(dict.fromkeys(facts)), tuple(dict.fromkeys(required)), tuple(dict.fromkeys(useless)))


def wheelless(text: str, asked: Sequence[str]) -> Wheelless | None:
    """What has no wheel for this Python where that alone is the cause.

    A name counts only if nothing else takes part: one line of the declaration, one asker of the name, and no version of
    it whose dependencies are argued about (such a version has a wheel).
    """
    chain = read(text)
    if len({name_of(term) for term in chain.required}) != 1:
        return None
    for name in dict.fromkeys(name_of(term) for term in chain.useless):
        asks = [fact for fact in chain.facts if name_of(fact.wanted) == name]
        own = [term for term in chain.required if name_of(term) == name]
        askers = {name_of(fact.asker) for fact in asks} | {"" for _ in own}
        if len(askers) != 1 or any(name_of(fact.asker) == name for fact in chain.facts):
            continue
        terms = list(dict.fromkeys([*own, *(fact.wanted for fact in asks)]))
        wanted = terms[0] if len(terms) == 1 else name
        return Wheelless(name, wanted, "" if own else asker(text, name, asked), _offered(text, name))
    return None


def asker(text: str, name: str, asked: Sequence[str]) -> str:
    """Who asks for *name*, empty for a name in the declaration: a line of it, else a distribution with its own asker."""
    chain = read(text)
    askers = [fact.asker for fact in chain.facts if name_of(fact.wanted) == name]
    if not askers or asked_line(name, asked) or any(name_of(term) == name for term in chain.required):
        return ""
    if line := asked_line(name_of(askers[0]), asked):
        return line
    root = asked_line(name_of(chain.required[0]), asked) if chain.required else ""
    return f"{askers[0]}, which {root} needs" if root else askers[0]


def python_needed(text: str) -> str:
    """The Python that all of what is asked for is made for, as ``Python>=3.12``; empty where that is not the cause."""
    chain = read(text)
    needed = [fact for fact in chain.facts if name_of(fact.wanted) == "python"]
    askers = {name_of(fact.asker) for fact in needed}
    others = [fact for fact in chain.facts if fact not in needed and name_of(fact.wanted) not in askers]
    if len(askers) != 1 or others or len({name_of(term) for term in chain.required}) != 1:
        return ""
    return weakest([fact.wanted for fact in needed])


def here(text: str) -> str:
    """The Python that uv chose for, as ``3.11``."""
    match = re.search(r"Using \S+ (\d+\.\d+)", text)
    return match.group(1) if match else python_here()


def _term(said: str) -> str:
    """One term; of a list of ranges the whole that they lie in."""
    if not said.startswith("one of: "):
        return said.rstrip(",.")
    parts = said.removeprefix("one of: ").split()
    parts = [part.rstrip(",") for part in parts if re.search(r"[<>=!~]", part)]
    low, high = parts[0].split(",")[0], parts[-1].partition("<")
    return f"{low},<{high[2]}" if high[1] else low


def _offered(text: str, name: str) -> str:
    """What there is instead of *name*, from uv's hints."""
    for line in re.findall(rf"hint: [^\n]*`{re.escape(name)}`[^\n]*", text):
        if match := _TAGS.search(line):
            versions = words_tags.pythons(re.findall(r"`([^`]+)`", match[2]))
            return f"version {match[1]} has wheels for {versions}" if versions else ""
        if match := _PLATFORMS.search(line):
            return f"version {match[1]} has wheels for {joined(re.findall(r'`([^`]+)`', match[2]))}"
    return ""
