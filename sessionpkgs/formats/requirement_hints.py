"""What was probably meant by a line that is no requirement: the corrected line, or advice.

Every correction is offered in a hint and never applied. It does not know where the line stands.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ADVICE = (
    (
        re.compile(r"^(?:[%!]+\s*)?(?:python\S* -m )?(?:uv )?(?:pip3?|conda|mamba) "),
        "Write only the name, without a command.",
    ),
    (re.compile(r"^import |^from \S+ import "), "Write the distribution's name, without import."),
    (re.compile(r"[{}]"), "This looks like a template: write what it should give."),
    (re.compile(r"^@EXPLICIT|\.conda$"), "A list of conda package files is not read: write names and versions."),
    (re.compile(r"^\S*::"), "Channels are conda's: write the name alone."),
)
_SEVERAL = 50
_SMART = str.maketrans("“”„«»‘’‚‐‑–—−＝＞＜，；", '"""""\'\'\'-----=><,;') | {ord("≥"): ">=", ord("≤"): "<="}
_NAME = r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?"
_HEAD = rf"^(?P<head>{_NAME}(?:\s*\[[\w\s,.-]*\])?)\s*"
_QUOTED = re.compile(r"""^(['"]+)(?P<inside>.*?)\1?,?$""")
_CARET = re.compile(_HEAD + r"=*\s*\^\s*(?P<major>\d+)(?P<rest>[\w.]*)$", re.ASCII)
_SINGLE = re.compile(_HEAD + r"=\s*(?P<version>\d[\w.*+!]*)(?:=\S*)?$", re.ASCII)
_BLANK = re.compile(_HEAD + r"(?<=\s)(?P<version>\d[\w.*+!]*)(?:\s\S+)?$", re.ASCII)
_TURNED = re.compile(r"=\s*([<>])(?!=)|([<>!~=])\s+=(?!=)")
_STARRED = re.compile(r"(>=|<=|>|<|~=)\s*(\d[\d.]*?)\.?(?:\*|x\b)")
_LETTER = re.compile(r"(==\s*\d+(?:\.\d+)*)\.x\b")
_COMMALESS = re.compile(r"([<>=]\s*[\w.*]+)\s+(?=[<>!~=]=?\s*\d)")
_UNQUOTED = re.compile(r"(python_version|python_full_version)\s*([<>!=]=?)\s*(\d[\d.]*)")

_REPAIRS: tuple[Callable[[str], str], ...] = (
    lambda text: text.translate(_SMART),
    lambda text: _QUOTED.sub(r"\g<inside>", text),
    lambda text: text.rstrip(" ,;"),
    lambda text: _TURNED.sub(lambda found: f"{found[1] or found[2]}=", text),
    lambda text: _CARET.sub(
        lambda found: f"{found['head']}>={found['major']}{found['rest']},<{int(found['major'][:9]) + 1}", text
    ),
    lambda text: _SINGLE.sub(r"\g<head>==\g<version>", text),
    lambda text: _BLANK.sub(lambda found: f"{found['head'].strip()}=={found['version']}", text),
    lambda text: _STARRED.sub(r"\1\2", text),
    lambda text: _LETTER.sub(r"\1.*", text),
    lambda text: _COMMALESS.sub(r"\1,", text) if ";" not in text else text,
    lambda text: _UNQUOTED.sub(r'\1\2"\3"', text),
)


def hint(text: str) -> str:
    """Say what to write instead of *text*, which packaging does not take for a requirement."""
    several = [part.strip(" \"'") for part in text.split(",")]
    if 1 < len(several) <= _SEVERAL and all(re.match(_HEAD, part) and _valid(part) for part in several):
        return f"Write one per line: {several[0]}, and below it {several[1]}."
    fixed = text
    for repair in _REPAIRS:
        fixed = repair(fixed)
    if fixed != text and _valid(fixed):
        return f"Write {fixed}" + (", without quotation marks." if _QUOTED.match(text.translate(_SMART)) else ".")
    if re.fullmatch(rf"(?:{_NAME}\s+)+{_NAME}", text) and not _advised(text):
        return "Write one requirement per line."
    return _advised(text) or "Write a name, name==1.2 or name>=1,<2."


def _advised(text: str) -> str:
    return next((advice for sign, advice in _ADVICE if sign.search(text)), "")


def _valid(text: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return bool(Requirement(text).name)
    except (InvalidRequirement, RecursionError):
        return False
