"""Answers to questions, as a person sees them: ``freeze``, ``show``, ``check``, ``why``; ``list`` is in ``listed.py``,
``diff`` in ``drift.py``.

The look is that of ``display.py``, and so is the media type. It takes the plain dictionary that the question gave and
does not know where that came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sessionpkgs.display import MIME, Facts, Result, deeds, drift, listed, named, page, plain, pool_of, workspaces, wrap
from sessionpkgs.display.page import ALERT, BAD, BOX, GOOD, NAME, PAD, QUIET, TABLE, code, escape, folded
from sessionpkgs.errors import SpecError

Record = Mapping[str, Any]

_KEYS = (
    ("Name", "title"),
    ("Version", "version"),
    ("Layer", "layer"),
    ("Summary", "summary"),
    ("Home-page", "home_page"),
    ("Author", "author"),
    ("License", "license"),
    ("Location", "location"),
    ("Editable project location", "editable"),
    ("Requires", "requires"),
    ("Required-by", "required_by"),
    ("Files", "files"),
)
_OPTIONAL = ("editable",)


class Answer(Result):
    """Shows one answer; ``record`` is the dictionary that the question gave."""

    __slots__ = ()

    def bundle(self) -> dict[str, object]:
        """All three forms by media type."""
        html = f'<div style="{BOX}">{_LOOKS[str(self.record["action"])][1](self.record)}</div>'
        return {"text/plain": self.text, "text/html": html, MIME: dict(self.record)}

    @property
    def text(self) -> str:
        """The form for a terminal of 80 columns."""
        return _LOOKS[str(self.record["action"])][0](self.record)

    def text_as(self, form: str) -> str:
        """The answer in a form that pip has: a list as ``columns``, ``freeze`` or ``json``, any other as ``json``.

        Raises :class:`SpecError` for a form that the answer does not have.
        """
        forms = _FORMS if self.record["action"] == "list" else {"json": _json}
        if form not in forms:
            raise SpecError(
                f"{self.record['action']} has no form {form!r}", hint=f"It has: {', '.join(forms)}.", item=form
            )
        return forms[form](self.record)


# -- freeze, show -----------------------------------------------------------------------------------------------------


def _freeze_text(record: Record) -> str:
    """The lines alone, so that they can be copied."""
    return "\n".join(map(plain, record["lines"]))


def _entries(sheet: Record, pool: str) -> list[tuple[str, str]]:
    """Keys and values of one sheet."""
    found = []
    for label, key in _KEYS:
        value = named(sheet[key], pool) if key == "layer" else sheet[key]
        if value or key not in _OPTIONAL:
            found.append((label, plain(", ".join(value) if isinstance(value, list) else value)))
    return found


def _show_text(record: Record) -> str:
    """Blocks of keys and values, as ``pip show`` prints them."""
    blocks = [
        "\n".join(
            [
                *(f"{label}: {value}".rstrip() for label, value in _entries(sheet, pool_of(record))),
                *(f"  {plain(path)}" for path in sheet["paths"]),
            ]
        )
        for sheet in record["packages"]
    ]
    return "\n---\n".join(blocks)


def _show_html(record: Record) -> str:
    """A table of keys and values for each; the files are folded."""
    parts = []
    for sheet in record["packages"]:
        rows = "".join(
            f'<tr style="background:none;border:none"><td style="{PAD};{QUIET};vertical-align:top">{label}</td>'
            f'<td style="{NAME};overflow-wrap:anywhere">{escape(value)}</td></tr>'
            for label, value in _entries(sheet, pool_of(record))
            if value
        )
        parts.append(f'<table style="{TABLE};margin:2px 0 8px"><tbody>{rows}</tbody></table>')
        if sheet["paths"]:
            parts.append(folded("All files", code(_NEWLINE.join(map(plain, sheet["paths"])))))
    return "".join(parts)


# -- check ------------------------------------------------------------------------------------------------------------


_WITHOUT = {
    "session": "",
    "pool": " (base and pool alone have this too)",
    "base": " (base alone has this too)",
}


def _sentence(finding: Record) -> str:
    """One finding, in the words of ``pip check`` where it has any."""
    subject = f"{finding['dist']} {finding['version']}"
    told = {
        "missing": f"{subject} requires {finding['needs']}, which is not installed.",
        "version": f"{subject} has requirement {finding['needs']}, but you have {finding['has']}.",
        "python": f"{subject} needs {finding['needs']}, and this is {finding['has']}.",
        "unreadable": f"{subject} has a requirement that cannot be read: {finding['needs']}",
        "loaded": f"{subject if finding['version'] else 'Nothing of it'} is what is found, but {finding['has']} is loaded "
        f"(module {finding['needs']}){': %session_env restart' * (finding['fault'] == 'session')}.",
        "twice": f"{subject} is there more than once, also as {finding['has']}: {', '.join(finding['paths'])}",
    }[finding["kind"]]
    return plain(told + _WITHOUT[finding["fault"]])


def _check_text(record: Record) -> str:
    """One finding a line, those that the session causes first."""
    lines = [line for finding in _by_fault(record) for line in wrap(_sentence(finding), "  ")]
    return "\n".join(lines) or "No broken requirements."


def _check_html(record: Record) -> str:
    """A list of the findings; what is there without the session is quiet."""
    findings = _by_fault(record)
    own = sum(finding["fault"] == "session" for finding in findings)
    mark = f'<span style="{BAD}">✗</span>' if own else f'<span style="{GOOD}">✓</span>'
    if not findings:
        return f"<div>{mark} No broken requirements.</div>"
    lead = f"{own} broken by the session" if own else "Nothing is broken by the session"
    items = "".join(
        f'<li style="margin:0"><span style="{ALERT if finding["fault"] == "session" else QUIET}">'
        f"{escape(_sentence(finding))}</span></li>"
        for finding in findings
    )
    alone = "base and pool" if any(finding["fault"] == "pool" for finding in findings) else "base"
    rest = f", {len(findings) - own} in {alone} alone" if len(findings) > own else ""
    return f'<div>{mark} <b>{lead}</b>{rest}</div><ul style="margin:6px 0 0;padding-left:18px">{items}</ul>'


def _by_fault(record: Record) -> list[Record]:
    """The findings, those that the session causes first."""
    return sorted(record["findings"], key=lambda finding: finding["fault"] != "session")


# -- why --------------------------------------------------------------------------------------------------------------


def _why_text(record: Record) -> str:
    """A sentence where one is due, then the chains as a tree."""
    lines = [plain(line) for line in _tree(_steps(record))]
    told = _remark(record)
    return "\n".join([*(wrap(told, "") if told else []), *lines])


def _why_html(record: Record) -> str:
    """The same tree in letters of one width."""
    told = _remark(record)
    lines = _tree(_steps(record))
    lead = f'<div style="margin:2px 0 6px">{escape(told)}</div>' if told else ""
    return lead + code(_NEWLINE.join(map(plain, lines)))


def _remark(record: Record) -> str:
    """What the tree alone does not tell."""
    subject = f"{record['name']} {record['version']}"
    if record["along"]:
        above = named(record["chains"][0][0]["layer"], pool_of(record))
        return plain(f"{subject} comes along: no line of the session leads to it, {above} does.")
    alone = len(record["chains"]) == 1 and len(record["chains"][0]) == 1
    if alone and not record["chains"][0][0]["asked"]:
        return plain(f"{subject} is installed in {named(record['layer'], pool_of(record))}; nothing needs it.")
    return ""


def _steps(record: Record) -> list[list[str]]:
    """The chains as texts."""
    return [[_step(step, pool_of(record)) for step in chain] for chain in record["chains"]]


def _step(step: Record, pool: str) -> str:
    """One link: the line that was asked for, else name, version and layer."""
    where = named(step["layer"], pool)
    return f"{step['line']} (asked)" if step["asked"] else f"{step['name']} {step['version']} ({where})"


def _tree(chains: Sequence[Sequence[str]], indent: str | None = None) -> list[str]:
    """The lines of *chains* as a tree; chains that begin alike share their beginning."""
    below: dict[str, list[Sequence[str]]] = {}
    for first, *rest in filter(None, chains):
        below.setdefault(first, []).append(rest)
    lines = []
    for number, (first, rests) in enumerate(below.items(), 1):
        last = number == len(below)
        branch, deeper = ("", "") if indent is None else (("└─ ", "   ") if last else ("├─ ", "│  "))
        lines += [f"{indent or ''}{branch}{first}", *_tree(rests, f"{indent or ''}{deeper}")]
    return lines


def _json(record: Record) -> str:
    """The record itself."""
    return json.dumps(record)


_NEWLINE = "\n"
_FORMS: Mapping[str, Callable[[Record], str]] = {
    "columns": listed.columns,
    "freeze": listed.pinned,
    "json": listed.as_json,
}
_LOOKS: Mapping[str, tuple[Callable[[Record], str], Callable[[Record], str]]] = {
    **deeds.LOOKS,
    "list": (listed.text, listed.html),
    "workspace list": (workspaces.listing, workspaces.listing_html),
    "freeze": (_freeze_text, lambda record: code(_freeze_text(record))),
    "show": (_show_text, _show_html),
    "check": (_check_text, _check_html),
    "why": (_why_text, _why_html),
    "diff": (drift.text, drift.html),
    "restore": (lambda record: Result(record).text, lambda record: page.html(Facts(record))),
}
