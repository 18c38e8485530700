"""What happens while a session works, as events that a face may show.

It does not know notebooks, terminals or colours: the default hears everything and shows nothing.
"""

from __future__ import annotations


class Reporter:
    """Hears the steps of one apply; every method may be overridden, none must be."""

    def step(self, text: str) -> None:
        """A new phase begins, such as ``resolving`` or ``installing 12 distributions``."""

    def tick(self) -> None:
        """The current phase goes on; called a few times a second while an engine runs."""

    def done(self) -> None:
        """The last phase is over, well or badly."""
