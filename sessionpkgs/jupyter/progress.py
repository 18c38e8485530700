"""The one line that moves while a session works, and that becomes the result.

It does not know what the phases do nor how an error is shown: it hears ``Reporter`` events, reads a clock and hands
bundles to the publish function that it was given. It starts no thread and no timer, so a phase that never ticks stands
still, and nothing at all is shown for work that is over within 150 ms.
"""

from __future__ import annotations

import io
import os
import time

from sessionpkgs.display import duration, plain
from sessionpkgs.display.page import BOX, QUIET, escape
from sessionpkgs.report import Reporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from sessionpkgs.display import Result

    Publish = Callable[[dict[str, object], str, bool], object]


PATIENCE = 0.15
"""Seconds before the first line is shown."""
RATE = 5
"""The most updates in any second."""
NOTHING: dict[str, object] = {"text/plain": "", "text/html": "<span></span>"}
"""What an output becomes that has nothing more to show: front ends cannot take one away."""
_BETWEEN_TICKS = 0.25
_TRACK, _BLOCK, _SWEEP = 96, 28, 1.6


def publish_in_notebook(bundle: dict[str, object], display_id: str, update: bool) -> None:
    """Publish through IPython."""
    from IPython.core.display_functions import publish_display_data

    publish_display_data(bundle, transient={"display_id": display_id}, update=update)


class NotebookReporter(Reporter):
    """One output per apply: a moving line, then the result; nothing is left of it above an error."""

    def __init__(
        self,
        publish: Publish = publish_in_notebook,
        *,
        clock: Callable[[], float] = time.monotonic,
        display_id: str = "",
        shown: bool = False,
    ) -> None:
        self._publish = publish
        self._clock = clock
        self._display_id = display_id
        self._start = clock()
        self._phase = ""
        self._sent: list[float] = []
        self._shown = shown
        self._over = False

    def step(self, text: str) -> None:
        """Show the new phase, unless it is too early or too soon; then a later event shows it."""
        self._phase = text
        now = self._clock()
        if self._shown or now - self._start >= PATIENCE:
            self._move(now)

    def tick(self) -> None:
        """Show the line if it is not there yet, else move it; leaves room for the next phase to be shown at once."""
        now = self._clock()
        if not self._sent or now - self._sent[-1] >= _BETWEEN_TICKS:
            self._move(now)

    def finish(self, result: Result) -> None:
        """Turn the line into *result*, or show *result* alone where no line was shown."""
        self._over = True
        self._show(result.bundle())

    def hand_over(self, phase: str) -> str:
        """Show *phase* at once and give the identity of the output, which another process makes the result of."""
        self._phase, self._over = phase, True
        self._show(_line(phase, self._clock() - self._start))
        return self._display_id

    def failed(self) -> None:
        """Take the line away, as the error that follows says it all."""
        if self._shown and not self._over:
            self._show(dict(NOTHING))
        self._over = True

    def _move(self, now: float) -> None:
        """Publish the line unless RATE lines were published within the last second."""
        if self._over or (len(self._sent) == RATE and now - self._sent[0] < 1):
            return
        self._sent = [*self._sent, now][-RATE:]
        self._show(_line(self._phase or "starting", now - self._start))

    def _show(self, bundle: dict[str, object]) -> None:
        self._display_id = self._display_id or os.urandom(8).hex()
        self._publish(bundle, self._display_id, self._shown)
        self._shown = True


class TerminalReporter(Reporter):
    """Without a kernel: one line per phase, and the result's text at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def step(self, text: str) -> None:
        """Write the phase."""
        self._write(f"{plain(text)} …")

    def finish(self, result: Result) -> None:
        """Write the result's text."""
        self._write(result.text)

    def hand_over(self, phase: str) -> str:
        """Write the phase; there is no output that could become the result."""
        self.step(phase)
        return ""

    def failed(self) -> None:
        """Write nothing more, as the error that follows says it all."""

    def _write(self, text: str) -> None:
        """Write lines in characters that the stream can show."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(f"{text}\n".encode(encoding, "replace").decode(encoding))
        self._stream.flush()


class SilentReporter(TerminalReporter):
    """Shows nothing: the answer goes elsewhere."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())


def _elapsed(seconds: float) -> str:
    """Tenths of a second from the start, as milliseconds would flicker."""
    return duration(seconds) if seconds >= 1 else f"{seconds:.1f} s"


def _line(phase: str, seconds: float) -> dict[str, object]:
    """Give the bundle of the line while it moves."""
    words = f'{escape(phase)}<span style="{QUIET}">, {_elapsed(seconds)}</span>'
    return {
        "text/plain": f"… {plain(phase)}, {_elapsed(seconds)}",
        "text/html": f'<div style="{BOX};padding:2px 0">{_bar(seconds)} {words}</div>',
    }


def _bar(seconds: float) -> str:
    """Give a block whose place follows the clock.

    An animation would start again with every update, a sweep that is a function of time does not.
    """
    there = seconds % _SWEEP / _SWEEP * 2
    left = round((_TRACK - _BLOCK) * (there if there <= 1 else 2 - there))
    return (
        f'<span style="display:inline-block;vertical-align:middle;width:{_TRACK}px;height:4px;margin-right:6px;'
        'border-radius:2px;background:rgba(128,128,128,.25)">'
        f'<span style="display:block;width:{_BLOCK}px;height:4px;margin-left:{left}px;border-radius:2px;'
        'background:var(--jp-brand-color1,var(--vscode-progressBar-background,#1976d2))"></span></span>'
    )
