"""``%pip``, ``%uv``, ``%conda`` and their kin over a session: one line in, one Session method, its answer shown.

What a line means is parsed elsewhere; what is not about packages of a session goes to the magic that was there before.
It decides nothing about packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sessionpkgs.jupyter.showing import said
from sessionpkgs.jupyter.takeover import TakeOver

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.jupyter.conda_words import Program as CondaProgram
    from sessionpkgs.jupyter.pip_lines import PipLine, Program
    from sessionpkgs.jupyter.showing import Stage
    from sessionpkgs.session import Session

NAMES = ("pip", "uv", "conda", "mamba", "micromamba")
"""The magics that are taken over."""

Act = Callable[["Session", Any], dict[str, Any]]


class Packages:
    """The magics of one *shell*; *session* gives its session, *stage* shows."""

    def __init__(self, shell: InteractiveShell, session: Callable[[], Session], stage: Stage) -> None:
        self._session, self._stage = session, stage
        self._taken = TakeOver(shell, self)
        self._wanted: bool | None = None

    def start(self) -> None:
        """Take the magics over."""
        self._taken.take({name: getattr(self, name) for name in NAMES})

    def stop(self) -> None:
        """Give them back."""
        self._taken.give_back()

    def warm(self) -> None:
        """Look up what was there before, while nobody waits."""
        for name in NAMES:
            self._taken.before(name)

    def _leaves(self, name: str, line: str) -> bool:
        """Whether the user's settings leave the magics as they were; then *line* goes to the one of before."""
        if self._wanted is None:
            import os

            from sessionpkgs import settings

            self._wanted = settings.load(os.environ).take_over
        if self._wanted:
            return False
        before = self._taken.before(name)
        self.stop()
        if before is not None:
            before(line)
        return True

    def pip(self, line: str) -> None:
        """Install into this session alone, and look at what it has: install, uninstall, list, freeze, show, check, download."""
        self._pip(line, "pip")

    def uv(self, line: str) -> None:
        """The same as %pip, in uv's words: %uv pip install NAME."""
        self._pip(line, "uv")

    def conda(self, line: str) -> None:
        """Install conda packages that are Python distributions into this session: install, list, remove, env update."""
        self._conda(line, "conda")

    def mamba(self, line: str) -> None:
        """The same as %conda."""
        self._conda(line, "mamba")

    def micromamba(self, line: str) -> None:
        """The same as %conda."""
        self._conda(line, "micromamba")

    def _pip(self, line: str, program: Program) -> None:
        def parse() -> tuple[Any, Mapping[str, Act]]:
            from sessionpkgs.jupyter import pip_lines

            return pip_lines.parse(line, program=program), _PIP

        self._run(program, line, parse)

    def _conda(self, line: str, program: CondaProgram) -> None:
        def parse() -> tuple[Any, Mapping[str, Act]]:
            from sessionpkgs.jupyter import conda_acts, conda_words

            return conda_words.parse(line, program=program), conda_acts.ACTS

        self._run(program, line, parse)

    def _run(self, name: str, line: str, parse: Callable[[], tuple[Any, Mapping[str, Act]]]) -> None:
        """Do what *line* behind the magic *name* asks for; *parse* gives that, and what to do for each verb."""
        if self._leaves(name, line):
            return
        asked, acts = parse()
        if asked.verb == "help":
            self._stage.say(f"{asked.text}\n")
        elif asked.verb == "stock":
            self._stock(name, line)
        else:
            act = acts[asked.verb]
            self._stage.show(
                lambda: act(self._session(), asked),
                quiet=asked.quiet,
                tail=asked.tail,
                form=asked.form,
                restart=getattr(asked, "restart", False),
            )

    def _stock(self, name: str, line: str) -> None:
        """Hand *line* to the magic that was there before."""
        before = self._taken.before(name)
        if before is None:
            from sessionpkgs.errors import SpecError

            raise SpecError(
                f"this IPython has no %{name} of its own", hint=f"!{name} {line} runs the program.", item=name
            )
        before(line)


def install(session: Session, asked: PipLine) -> dict[str, Any]:
    """``install``: beside what is there."""
    label = "%uv pip install" if asked.engine == "uv" else "%pip install"
    act = session.ask.preview_add if asked.dry_run else session.add
    record = act(
        asked.lines,
        label=label,
        engine=asked.engine,
        upgrade=asked.upgrade or asked.upgraded,
        force=asked.force,
        refresh=asked.refresh,
    )
    return said(record, asked.notices)


def _sync(session: Session, asked: PipLine) -> dict[str, Any]:
    """``sync``: exactly what the file says."""
    act = session.ask.preview if asked.dry_run else session.declare
    return said(act("\n".join(asked.lines) + "\n", engine=asked.engine, refresh=asked.refresh), asked.notices)


def _uninstall(session: Session, asked: PipLine) -> dict[str, Any]:
    """``uninstall``: what the session brought."""
    read = session.read("\n".join(asked.lines) + "\n", form="requirements_txt").requirements if asked.lines else ()
    names, absent = session.ask.present([*asked.names, *(one.name for one in read)])
    notices = (*asked.notices, *absent)
    if not names:
        return said({**session.status(), "action": "remove"}, notices)
    return said(session.remove(names, plan=asked.dry_run), notices)


def _download(session: Session, asked: PipLine) -> dict[str, Any]:
    """``download``: wheels into a folder of the user's."""
    return said(session.ask.download(asked.lines, asked.folder), asked.notices)


def _list(session: Session, asked: PipLine) -> dict[str, Any]:
    """``list``: every distribution with its level."""
    return said(session.ask.answer("list", exclude=asked.excluded), asked.notices)


def _freeze(session: Session, asked: PipLine) -> dict[str, Any]:
    """``freeze``: everything that is visible, as pip has it."""
    notices = (*asked.notices, *(["-r is not used: the lines are in order of name."] if asked.lines else []))
    return said(session.ask.answer("freeze", everything=True, exclude=asked.excluded, tools=asked.all), notices)


_PIP: dict[str, Act] = {
    "install": install,
    "sync": _sync,
    "uninstall": _uninstall,
    "download": _download,
    "list": _list,
    "freeze": _freeze,
    "show": lambda session, asked: said(
        session.ask.answer("show", names=asked.names, files=asked.files), asked.notices
    ),
    "check": lambda session, asked: said(session.ask.answer("check"), asked.notices),
}
