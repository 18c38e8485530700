"""``%%session_env`` and ``%session_env``: words in, one Session method, its record shown.

It decides nothing about packages. Loading it costs a millisecond; the session, the parsers and the display are
imported when a cell first uses them.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any

from sessionpkgs.jupyter.ending import Ending
from sessionpkgs.jupyter.packages import Packages
from sessionpkgs.jupyter.showing import Stage
from sessionpkgs.jupyter.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.jupyter.completing import Completion
    from sessionpkgs.session import Session

NAME = "session_env"
IDLE = 0.003
"""Seconds after ``%load_ext`` at which the kernel counts as idle; a cell that comes earlier does not wait."""


class SessionMagics:
    """The magics of one shell and, from the first cell on, its session."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.stage = Stage(shell, lambda: self.session)
        self._session: Session | None = None
        self._packages = Packages(shell, lambda: self.session, self.stage)
        self._watch = Watch(shell, lambda: self.session, self.stage.tell)
        self._completion: Completion | None = None
        self._ending = Ending(shell, self.end)

    @property
    def session(self) -> Session:
        """This kernel's session, made on first use."""
        if self._session is None:
            from sessionpkgs.places import kernel_identity
            from sessionpkgs.session import Session

            self._session = Session(
                identity=kernel_identity(_connection_file(self.shell)),
                namespace=self.shell.user_ns,
                interactive=lambda: _interactive(self.shell),
            )
        return self._session

    def cell(self, line: str, body: str) -> None:
        """Declare the packages of this session: an environment.yml or requirements; -h for the options."""
        body = f"\n{body}"  # messages count lines as the notebook shows them: the magic's own is the first
        if not line.strip():
            self.stage.show(lambda: self.session.declare(body))
            return
        from sessionpkgs.jupyter import arguments

        chosen = arguments.cell(line)
        if chosen is not None:
            self.stage.show(lambda: arguments.declare(self.session, chosen, body), restart=chosen.restart)

    def line(self, line: str) -> None:
        """Look at and change the packages of this session: status, list, plan, add, remove, set, …; -h for each."""
        from sessionpkgs.jupyter import arguments

        chosen = arguments.verb(line)
        if chosen is None:
            return
        told = vars(chosen)
        if told.get("verb") == "restart":
            self.stage.restart()
            return
        self.stage.show(
            lambda: arguments.act(self.session, chosen),
            quiet=told.get("quiet", False),
            tail=told.get("tail", ""),
            restart=told.get("restart", False),
        )

    def start(self) -> None:
        """Register all magics and watches in the shell."""
        register: Any = self.shell.register_magic_function
        register(self.line, "line", NAME)
        register(self.cell, "cell", NAME)
        self._watch.start()
        self._packages.start()
        self._ending.start()

    def stop(self) -> None:
        """Reset the session and give everything in the shell back; what it brought is named, as it is gone then."""
        brought = self._session.life.current() if self._session is not None else {}
        self.close()
        if brought:
            names = ", ".join(sorted(f"{name} {version}" for name, version in brought.values()))
            from sessionpkgs.session import levels

            self.stage.tell("The session is over", f"{levels.below()} again, without {names}.")
        if self._completion is not None:
            self._completion.stop()
        self._packages.stop()
        self._watch.stop()
        self._ending.stop()
        for kind in ("line", "cell"):
            del self.shell.magics_manager.magics[kind][NAME]

    def warm(self) -> None:
        """Load what the first declaration needs and look at base, while the kernel has nothing else to do.

        A refusal (a broken settings file, say) is left to the cell that meets it.
        """
        if _loaded(self.shell) is not self:
            return
        self._packages.warm()
        self.complete()
        if self._session is None:
            from sessionpkgs.errors import SessionPkgsError

            with contextlib.suppress(SessionPkgsError, OSError):
                import sessionpkgs.display
                import sessionpkgs.jupyter.progress  # noqa: F401

                self.session.warm()

    def complete(self) -> None:
        """Answer the shell's completer, once."""
        from sessionpkgs.jupyter.completing import Completion

        if self._completion is None:
            self._completion = Completion(self.shell, lambda: self.session)
            self._completion.start()

    def close(self) -> None:
        """Give base back."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def end(self) -> None:
        """Leave nothing of the session, whose kernel does not come back; one that is at work is left to collection."""
        session = self._session
        if session is not None and session.turn.acquire(blocking=False):
            self._session = None
            session.life.end()


def load(shell: InteractiveShell, soon: Callable[[float, Callable[[], None]], object] | None = None) -> None:
    """Register the magics in *shell*; once more is harmless.

    *soon* calls a function after some seconds, in a kernel that does not run yet.
    """
    if sys.platform == "win32":
        from sessionpkgs.errors import ActivationError

        raise ActivationError(
            "sessionpkgs does not work on Windows yet: its locks and its links need a POSIX system",
            hint="Use it in WSL, a container or on a hosted notebook.",
        )
    if _loaded(shell) is None:
        magics = SessionMagics(shell)
        magics.start()
        try:
            (soon or asyncio.get_running_loop().call_later)(IDLE, magics.warm)
        except RuntimeError:  # no running loop: a terminal, which has no idle moment
            magics.complete()


def unload(shell: InteractiveShell) -> None:
    """Reset the session and take the magics out of *shell*."""
    magics = _loaded(shell)
    if magics is not None:
        magics.stop()


def session_of(shell: InteractiveShell) -> Session:
    """The session of *shell*, where the magics are loaded."""
    magics = _loaded(shell)
    assert magics is not None
    return magics.session


def _loaded(shell: InteractiveShell) -> SessionMagics | None:
    """The magics that are registered in *shell*, None where they are not ours."""
    registered = shell.magics_manager.magics["line"].get(NAME)
    owner = getattr(registered, "__self__", None)
    return owner if isinstance(owner, SessionMagics) else None


def _interactive(shell: InteractiveShell) -> bool:
    """Whether the program that sent the cell can ask a person: those that run notebooks unattended say they cannot."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return bool(sys.stdin and sys.stdin.isatty())
    return bool((kernel.get_parent() or {}).get("content", {}).get("allow_stdin", False))


def _connection_file(shell: InteractiveShell) -> str:
    """Path of the kernel's connection file, "" in a terminal."""
    if not hasattr(shell, "kernel"):
        return ""
    from ipykernel.connect import get_connection_file

    return str(get_connection_file())
