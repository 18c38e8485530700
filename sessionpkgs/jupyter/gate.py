"""The first cell waits until what a pool's kernel begins with is there; the kernel answers all else meanwhile.

The work begins at once in a thread of its own. The cell waits in the kernel's main thread on purpose: an interrupt then
ends its wait and nothing else. It does not know what the steps do.
"""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sessionpkgs.errors import ActivationError, SessionPkgsError
from sessionpkgs.overlay import pooled

POLL = 0.05
"""Seconds after which a waiting cell looks whether the line that it shows has to move."""
AGAIN = "The cells after this one run; `%session_env restart` tries again."

Hear = Callable[[str], None]


class Step(NamedTuple):
    """One part of the start: its *name*, and what *work* does, which says its phases and gives what is shown at the end."""

    name: str
    work: Callable[[Hear], dict[str, object]]


class Waited(KeyboardInterrupt):
    """The user's interrupt of a cell that waits, told without our frames."""

    def _render_traceback_(self) -> list[str]:
        return ["KeyboardInterrupt: the pool's start goes on; run the cell again to wait for it"]


Waited.__name__ = Waited.__qualname__ = "KeyboardInterrupt"


class Gate:
    """Stands before the cells of *kernel* until *steps* are done; *failure* is what is wrong already.

    *first* is set when the first cell is there.
    """

    def __init__(
        self, kernel: Any, steps: Sequence[Step], failure: SessionPkgsError | None, first: threading.Event
    ) -> None:
        self._kernel, self._steps, self._failure, self._first = kernel, steps, failure, first
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._phase, self._shown = "starting the pool's kernel", dict[str, object]()
        self._own: Any = kernel.do_execute
        self._closed = False

    def close(self, *, at_once: bool = True) -> None:
        """Stand before the cells from now on; the work begins *at_once*, or else with the first cell."""
        self._closed = True
        self._kernel.do_execute = self._do_execute
        if at_once:
            self._begin()

    def _begin(self) -> None:
        """Begin to work, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="sessionpkgs-pool", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        """Do the steps up to the first that fails."""
        try:
            for step in [] if self._failure else self._steps:
                self._do(step)
        finally:
            self._over.set()

    def _do(self, step: Step) -> None:
        """Do one step, unless one before it failed."""
        if self._failure is not None:
            pooled.outcomes[step.name] = (False, "was not begun, as the step before it failed")
            return
        started = time.monotonic()
        try:
            self._shown = step.work(self._hear) or self._shown
        except SessionPkgsError as error:
            self._failure = error
        except Exception as error:
            self._kernel.log.exception("%s of the pool failed", step.name)
            self._failure = ActivationError(f"{step.name} of the pool failed: {type(error).__name__}: {error}")
        pooled.outcomes[step.name] = _outcome(self._failure, time.monotonic() - started)

    def _hear(self, phase: str) -> None:
        """Have *phase* shown where a cell waits."""
        self._phase = phase

    async def _do_execute(
        self, code: str, silent: bool, store_history: bool = True, *words: Any, **options: Any
    ) -> dict[str, Any]:
        """``do_execute`` of the kernel, behind the gate for what is not silent."""
        if self._closed and not silent:
            self._first.set()
            self._begin()
            refused: BaseException | None = None
            try:
                self._wait()
                refused = self._open()
            except KeyboardInterrupt:
                refused = Waited()
            if refused is not None:
                return self._refusal(refused, code, store_history=store_history)
        told = self._own(code, silent, store_history, *words, **options)
        answer: dict[str, Any] = await told if inspect.isawaitable(told) else told
        return answer

    def _wait(self) -> None:
        """Wait for the end of the work; one line shows that, and becomes what there is to show in the end."""
        from sessionpkgs.jupyter.progress import PATIENCE, NotebookReporter, publish_in_notebook

        if self._over.wait(PATIENCE):
            return
        identity, phase = os.urandom(8).hex(), ""
        reporter = NotebookReporter(display_id=identity)
        try:
            while not self._over.wait(POLL):
                if phase != self._phase:
                    reporter.step(phase := self._phase)
                else:
                    reporter.tick()
        except KeyboardInterrupt:
            reporter.failed()
            raise
        if self._failure is not None or not self._shown:
            reporter.failed()
        else:
            publish_in_notebook(self._shown, identity, True)

    def _open(self) -> SessionPkgsError | None:
        """Let all cells through from now on; gives what failed, for the first of them to say."""
        self._closed = False
        if vars(self._kernel).get("do_execute") == self._do_execute:
            del self._kernel.do_execute
        failure, self._failure = self._failure, None
        if failure is not None:
            failure.hint = then(failure.hint, AGAIN)
        return failure

    def _refusal(self, error: BaseException, code: str, *, store_history: bool) -> dict[str, Any]:
        """The reply of a cell that ended with *error* before it began, as that of any cell that fails."""
        shell = self._kernel.shell
        count = shell.execution_count
        if store_history:
            shell.history_manager.store_inputs(count, code, code)
            shell.execution_count += 1
        shell.showtraceback((type(error), error, None))
        return {
            "status": "error", "ename": type(error).__name__, "evalue": str(error),
            "traceback": list(getattr(shell, "_last_traceback", None) or ()), "execution_count": count, "user_expressions": {}, "payload": [],
        }  # fmt: skip


def _outcome(failure: SessionPkgsError | None, seconds: float) -> tuple[bool, str]:
    """Whether a step went well, and what is said of it."""
    if failure is None:
        return True, f"took {seconds:.1f} s"
    return False, f"{failure} → {failure.hint}" if failure.hint else str(failure)


def then(hint: str, more: str) -> str:
    """*hint*, with a stop where it has none, and *more* behind it."""
    return f"{hint}{'' if hint.endswith(('.', '!', '?')) else '.'} {more}" if hint else more
