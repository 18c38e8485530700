"""Named steps: what is about to change on the disk is said to whoever listens (PEP 578, runtime audit hooks).

An audit hook of the process hears the event ``sessionpkgs.step`` with one argument, the step's name, before the change
that it names; a name that ends in ``ed`` is said right after. A hook that raises stops the step like a failing disk
would. Standard library only; it does not know who listens, and costs nanoseconds while nobody does.
"""

from __future__ import annotations

import sys

EVENT = "sessionpkgs.step"


def step(name: str) -> None:
    """Say that the step *name* comes now; raises whatever a listener raises."""
    sys.audit(EVENT, name)
