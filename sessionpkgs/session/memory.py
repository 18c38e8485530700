"""What is remembered of an answer, so that the same declaration is reopened without asking. It stores nothing itself."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sessionpkgs import installed, settings
from sessionpkgs.errors import clean
from sessionpkgs.session.reopen import VERSION, stamp
from sessionpkgs.session.rows import shadow_rows
from sessionpkgs.steps import step

if TYPE_CHECKING:
    from sessionpkgs.model import Spec
    from sessionpkgs.session.straight import Outcome
    from sessionpkgs.store import Store


def resolution(
    outcome: Outcome, record: Mapping[str, Any], spec: Spec, folder: str, env: Mapping[str, str]
) -> dict[str, Any]:
    """The answer as JSON-ready values. Open version ranges age (a setting says how fast); where the declaration pins every
    distribution of the answer, it never does.
    """
    hours = settings.load(env).remember_hours
    exact = {requirement.name for requirement in spec.requirements if _exact(requirement.line)}
    fixed = len(exact) == len(spec.requirements) and exact >= {pin.name for pin in outcome.plan.install}
    rows = [{**row, "tops": _tops(outcome, row["name"])} for row in shadow_rows(outcome.plan)]
    said_now = [
        n
        for n in record["notices"]
        if "imported anew" not in n and "left the session" not in n and "stays loaded" not in n
    ]
    return {
        "version": VERSION,
        "since": time.time(),
        "until": 0 if fixed else time.time() + hours * 3600,
        "folder": folder if spec.files or spec.find_links or any("file:" in r.line for r in spec.requirements) else "",
        "files": [[path, stamp(path)] for path in spec.files],
        "shadow": rows,
        "activation": outcome.activation,
        "pins": [asdict(replace(pin, url=clean(pin.url))) for pin in outcome.plan.install],
        "record": {**record, "dropped": [], "notices": said_now},
    }


def keep(store: Store, key: str, answer: dict[str, Any]) -> str:
    """Remember *answer* under *key*; a sentence where that fails, since everything else is done by then."""
    try:
        step("answer.remember")
        store.remember(key, answer)
    except OSError as error:
        return f"The answer could not be remembered: {error.strerror or error}."
    return ""


def may_be_remembered(outcome: Outcome) -> bool:
    """Whether the answer rests neither on folders that may change at any time nor on a place that holds a login."""
    places = [pin.url for pin in outcome.plan.install if not pin.sha256 or pin.direct]
    secret = any(clean(place) != place for place in places)
    return not outcome.activation["sources"] and not secret


def _exact(line: str) -> bool:
    """Whether *line* pins one version or one place."""
    return " @ " in line or re.search(r"={2,3}[^*,]+(?:;|$)", line) is not None


def _tops(outcome: Outcome, name: str) -> list[str]:
    """Names in ``sys.modules`` that tell whether base's distribution *name* is loaded."""
    dist = outcome.view[name]
    folder = os.path.dirname(dist.path)
    tops = {os.path.relpath(path, folder).partition("/")[0] for path in installed.files_of(dist)}
    return sorted(
        {top.removesuffix(".py").partition(".")[0] for top in tops if not top.endswith("-info")} - {"", "__pycache__"}
    )
