"""What is not found in a workspace, told so: it is no package index to the person who reads of it.

It knows the sentences of ``words`` and asks nobody.
"""

from __future__ import annotations

import re

_NO_INDEX = re.compile(r"\bno (?:package )?index has\b")


def told(sentence: str) -> str:
    """*sentence*, a refusal of what no index has, where the workspace alone was asked."""
    said = _NO_INDEX.sub("the workspace has no", sentence)
    return said.replace("has no a distribution", "has no distribution").replace("; the index has ", "; it has ")
