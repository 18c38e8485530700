"""What a session holds now: its declaration, the artefacts it brought, its last record and the key it is remembered by.

After a reopened declaration the texts and plain values are kept as they are and read only when a verb asks for them,
so that reopening costs no parser. It does not change anything outside itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sessionpkgs.session import texts

if TYPE_CHECKING:
    from sessionpkgs.model import Pin, Spec

JSON = dict[str, Any]


class Holding:
    """The state of one session; *read* turns texts into the Spec that they declare."""

    def __init__(self, read: Callable[[Sequence[texts.Text]], Spec]) -> None:
        self._read = read
        self.clear()

    def clear(self) -> None:
        """Hold nothing."""
        self.key = ""
        self.record: JSON = {}
        self._texts: Sequence[texts.Text] = ()
        self._any_python = False
        self._spec: Spec | None = None
        self._pins: Sequence[JSON] | tuple[Pin, ...] = ()

    def remembered(self, asked: Sequence[texts.Text], any_python: bool) -> None:
        """Hold what the texts *asked* declare, without their Python lines where *any_python*."""
        self._spec, self._texts, self._any_python = None, asked, any_python

    def hold(self, spec: Spec) -> None:
        """Hold *spec*."""
        self._spec = spec

    def bring(self, pins: Sequence[JSON] | tuple[Pin, ...]) -> None:
        """Have *pins*, or plain values of them, as the session's artefacts."""
        self._pins = pins

    @property
    def spec(self) -> Spec:
        """The declaration."""
        if self._spec is None:
            self._spec = texts.without_python(self._read(self._texts), self._any_python)
        return self._spec

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The artefacts."""
        from sessionpkgs.model import Pin

        self._pins = tuple(one if isinstance(one, Pin) else Pin(**one) for one in self._pins)
        return self._pins
