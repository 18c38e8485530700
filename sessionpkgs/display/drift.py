"""What differs between a record and now, as a person sees it: one line for each difference, those that matter first.

It takes the record of ``session.comparing.compare`` and does not know where that came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sessionpkgs.display import plain, wrap
from sessionpkgs.display.page import ALERT, GOOD, QUIET, escape, folded

Record = Mapping[str, Any]

FOLD_OVER = 10
"""Distributions of base and the pool that nothing rests on, up to which each is shown."""


def _subject(found: Record) -> str:
    """What a difference is of."""
    if found["kind"] == "pool" and not found["name"]:
        return "pool"
    return {"base": "base's ", "pool": "pool's ", "variable": "variable "}.get(found["kind"], "") + str(found["name"])


def sentence(found: Record) -> str:
    """One difference in words."""
    then, now, subject = found["then"], found["now"], _subject(found)
    if found["kind"] == "altered":
        told = f"{subject}: altered on disk: {now}"
    elif found["kind"] == "file":
        told = f"{subject}: {now}: {then}"
    elif found["kind"] == "index":
        told = f"looked in {then or 'no index'}, now in {now or 'no index'}"
    elif found["bytes"]:
        told = f"{subject}: other bytes: {then}, now {now}"
    elif not now:
        told = f"{subject}: {then}, now missing"
    elif not then:
        told = f"{subject}: {now} is new"
    else:
        told = f"{subject}: {then}, now {now}"
    rests = _is_below(found) and found["needed"]
    return plain(f"{told} (the session needs it)" if rests else told)


def _is_below(found: Record) -> bool:
    """Whether it is a distribution of base or the pool that differs."""
    return bool(found["kind"] in ("base", "pool") and found["name"])


def _parted(record: Record) -> tuple[list[Record], list[Record]]:
    """The differences that matter, and those of base and the pool on which nothing rests, where these are many."""
    idle = [found for found in record["differences"] if _is_below(found) and not found["needed"]]
    idle = idle if len(idle) > FOLD_OVER else []
    return [found for found in record["differences"] if found not in idle], idle


def _lead(record: Record) -> str:
    """The sentence on top."""
    against = str(record["against"]) + (f" ({record['created']})" if record["created"] else "")
    count = len(record["differences"])
    if not count:
        return plain(f"Nothing differs from {against}")
    return plain(f"{count} difference{'s' * (count != 1)} from {against}")


def text(record: Record) -> str:
    """One line for each difference; many of base on which nothing rests share one."""
    shown, idle = _parted(record)
    lines = wrap(f"✓ {_lead(record)}." if record["same"] else f"{_lead(record)}:", "")
    lines += _items(shown, sentence)
    if idle:
        names = ", ".join(str(found["name"]) for found in idle)
        lines += wrap(plain(f"- {_rest(idle)}: {names}"), "  ")
    lines += _items(record["notices"], plain)
    return "\n".join(lines)


def _rest(idle: list[Record]) -> str:
    """What is not listed one by one."""
    where = " and ".join(kind for kind in ("pool", "base") if any(found["kind"] == kind for found in idle))
    return f"{len(idle)} more of {where}, which the session does not need"


def _items(items: Iterable[Any], words: Callable[[Any], str]) -> list[str]:
    return [line for item in items for line in wrap(f"- {words(item)}", "  ")]


def html(record: Record) -> str:
    """The same as HTML; what the session needs stands out."""
    shown, idle = _parted(record)
    mark = f'<span style="{GOOD}">✓</span> ' if record["same"] else ""
    parts = [f"<div>{mark}<b>{escape(_lead(record))}</b></div>", _listed(shown)]
    if idle:
        parts.append(folded(_rest(idle), _listed(idle)))
    parts += [f'<div style="margin:6px 0 0;{QUIET}">{escape(notice)}</div>' for notice in record["notices"]]
    return "".join(parts)


def _listed(found: Iterable[Record]) -> str:
    """*found* as a list."""
    items = "".join(
        f'<li style="margin:2px 0"><span style="{ALERT if one["needed"] else QUIET}">{escape(sentence(one))}</span></li>'
        for one in found
    )
    return f'<ul style="margin:6px 0 0;padding-left:18px">{items}</ul>' if items else ""
