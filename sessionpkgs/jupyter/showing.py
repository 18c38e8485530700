"""Where work of a session is done before the user's eyes: progress on one line, which becomes the answer.

It knows notebooks and terminals, and which class shows which answer. It decides nothing, and parses nothing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.display import Result
    from sessionpkgs.jupyter.progress import NotebookReporter, TerminalReporter
    from sessionpkgs.session import Session

RECORDS = frozenset({"set", "add", "remove", "reset", "restore", "status", "plan"})
"""Actions whose answer is a record of the session; the others are answers to questions."""


class Stopped(KeyboardInterrupt):
    """The user's interrupt, told without our frames; machines see ``KeyboardInterrupt``."""

    def _render_traceback_(self) -> list[str]:
        return ["KeyboardInterrupt: stopped; nothing was changed"]


Stopped.__name__ = Stopped.__qualname__ = "KeyboardInterrupt"


class Stage:
    """The output of one shell; *session* gives its session."""

    def __init__(self, shell: InteractiveShell, session: Callable[[], Session]) -> None:
        self._shell, self._session = shell, session
        self._folder = "/"
        with contextlib.suppress(FileNotFoundError):
            self._folder = str(Path.cwd())

    def show(
        self,
        work: Callable[[], dict[str, Any]],
        *,
        quiet: bool = False,
        tail: str = "",
        form: str = "",
        restart: bool = False,
    ) -> None:
        """Do *work* with progress on one line, which becomes its answer; an error leaves the line and goes on up.

        With *quiet* only notices are shown; with a *tail* (shell text) or a *form* the answer is text through that.
        With *restart* a change that this Python cannot take is built, and taken by the next one in this process.
        """
        reporter = self._reporter(silent=(quiet or bool(tail)) and not restart)
        session = self._session()
        session.reporter = reporter
        try:
            if restart:
                with session.waiting.allowed(session) as waiting:
                    record = work()
                if waiting.known:
                    self._leave(session, reporter)
                    return
            else:
                record = work()
        except KeyboardInterrupt:
            reporter.failed()
            raise Stopped from None
        except BaseException:
            reporter.failed()
            raise
        if quiet:
            self.say("".join(f"{notice}\n" for notice in record.get("notices", ())))
        elif tail:
            self.say(session.ask.through(text_of(record, form), tail))
        elif record["action"] not in RECORDS and form not in ("", "columns", "text"):
            self.say(text_of(record, form) + "\n")
        else:
            reporter.finish(presented(record))
            self._offer(record)

    def _offer(self, record: dict[str, Any]) -> None:
        """Have the cell that *record* holds, if it holds one, as the next input; where nobody types, nothing comes of it."""
        if record.get("form") == "cell":
            self._shell.set_next_input(record["text"].rstrip("\n"), replace=False)

    def restart(self) -> None:
        """Have a new Python with the session as it is."""
        session = self._session()
        with session.waiting.allowed(session):
            self._leave(session, self._reporter(silent=False))

    def _leave(self, session: Session, reporter: NotebookReporter | TerminalReporter) -> None:
        """Leave this Python when the cell is over; the line becomes the next one's answer."""
        from sessionpkgs.jupyter import departing

        departing.leave(self._shell, session, self._folder, reporter.hand_over("restarting Python"))

    def _reporter(self, *, silent: bool) -> NotebookReporter | TerminalReporter:
        """Who hears the steps."""
        from sessionpkgs.jupyter import progress

        if silent:
            return progress.SilentReporter()
        return progress.NotebookReporter() if self._notebook else progress.TerminalReporter(sys.stdout)

    @property
    def _notebook(self) -> bool:
        """Whether the shell is a kernel's."""
        return hasattr(self._shell, "kernel")

    def tell(self, lead: str, rest: str) -> None:
        """Show one sentence that belongs to no answer; *lead*, where there is one, is its bold beginning.

        What stands between backquotes in *rest* is something to type.
        """
        from sessionpkgs.display.page import sentence
        from sessionpkgs.jupyter.progress import publish_in_notebook

        told = sentence(lead, rest)
        if self._notebook:
            publish_in_notebook(told, "", False)
        else:
            self.say(f"{told['text/plain']}\n")

    @staticmethod
    def say(text: str) -> None:
        """Write *text* as a program would."""
        sys.stdout.write(text)


def presented(record: dict[str, Any]) -> Result:
    """What shows *record*."""
    if record["action"] in RECORDS:
        from sessionpkgs.display import Result

        return Result(record)
    from sessionpkgs.display.answers import Answer

    return Answer(record)


def text_of(record: dict[str, Any], form: str = "") -> str:
    """*record* as text, in a *form* that pip has where one is named."""
    if form in ("", "columns", "text") or record["action"] in RECORDS:
        return presented(record).text
    from sessionpkgs.display.answers import Answer

    return Answer(record).text_as(form)


def said(record: dict[str, Any], notices: tuple[str, ...]) -> dict[str, Any]:
    """*record* with what the line's own reading has to say."""
    return {**record, "notices": [*notices, *record.get("notices", ())]} if notices else record
