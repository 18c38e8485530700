"""``%pip``, ``%uv``, ``%conda`` and their kin over a session: one line in, one Session method, its answer shown.

What a line means is parsed elsewhere; what is not about packages of a session goes to the magic that was there before.
It decides nothing about packages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import SpecError

if TYPE_CHECKING:
    from sessionpkgs.jupyter.conda_words import CondaCommand
    from sessionpkgs.jupyter.conda_words import Program as CondaProgram
    from sessionpkgs.jupyter.pip_lines import PipLine, Program
    from sessionpkgs.jupyter.showing import Stage
    from sessionpkgs.session import Session

NAMES = ("pip", "uv", "conda", "mamba", "micromamba")
"""The magics that are taken over."""

Act = Callable[["Session", Any], dict[str, Any]]


class Packages:
    """The magics of one shell; *session* gives its session, *stage* shows, *saved* has what was there before."""

    def __init__(self, session: Callable[[], Session], stage: Stage) -> None:
        self._session, self._stage = session, stage
        self.saved: Mapping[str, Callable[[str], Any] | None] = {}

    def magics(self) -> dict[str, Callable[[str], Any]]:
        """The line magics by name."""
        return {name: getattr(self, name) for name in NAMES}

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
        from sessionpkgs.jupyter import pip_lines

        asked = pip_lines.parse(line, program=program)
        if asked.verb == "help":
            self._stage.say(f"{asked.text}\n")
        elif asked.verb == "stock":
            self._stock(program, line)
        else:
            act = _PIP[asked.verb]
            self._stage.show(lambda: act(self._session(), asked), quiet=asked.quiet, tail=asked.tail, form=asked.form)

    def _conda(self, line: str, program: CondaProgram) -> None:
        from sessionpkgs.jupyter import conda_words

        asked = conda_words.parse(line, program=program)
        if asked.verb == "help":
            self._stage.say(f"{asked.text}\n")
        elif asked.verb == "stock":
            self._stock(program, line)
        else:
            act = _CONDA[asked.verb]
            self._stage.show(lambda: act(self._session(), asked), quiet=asked.quiet, tail=asked.tail, form=asked.form)

    def _stock(self, name: str, line: str) -> None:
        """Hand *line* to the magic that was there before."""
        before = self.saved.get(name)
        if before is None:
            raise SpecError(
                f"this IPython has no %{name} of its own", hint=f"!{name} {line} runs the program.", item=name
            )
        before(line)


def install(session: Session, asked: PipLine) -> dict[str, Any]:
    """``install``: beside what is there."""
    upgrade = asked.upgrade or asked.upgraded
    if asked.dry_run:
        record = session.ask.preview_add(asked.lines, engine=asked.engine, upgrade=upgrade, force=asked.force)
    else:
        record = session.add(
            asked.lines, engine=asked.engine, upgrade=upgrade, force=asked.force, refresh=asked.refresh
        )
    return _said(record, asked.notices)


def _sync(session: Session, asked: PipLine) -> dict[str, Any]:
    """``sync``: exactly what the file says."""
    return _said(session.declare("\n".join(asked.lines) + "\n", engine=asked.engine), asked.notices)


def _uninstall(session: Session, asked: PipLine) -> dict[str, Any]:
    """``uninstall``: what the session brought."""
    read = session.read("\n".join(asked.lines) + "\n", form="requirements_txt").requirements if asked.lines else ()
    names = (*asked.names, *(one.name for one in read))
    return _said(session.remove(names, plan=asked.dry_run), asked.notices)


def _download(session: Session, asked: PipLine) -> dict[str, Any]:
    """``download``: wheels into a folder of the user's."""
    return _said(session.ask.download(asked.lines, asked.folder), asked.notices)


def _look(session: Session, asked: PipLine) -> dict[str, Any]:
    """``list``, ``freeze``, ``show``, ``check``."""
    options: dict[str, dict[str, Any]] = {
        "freeze": {"everything": True, "exclude": asked.excluded},
        "show": {"names": asked.names, "files": asked.files},
    }
    return _said(session.ask.answer(asked.verb, **options.get(asked.verb, {})), asked.notices)


_PIP: dict[str, Act] = {
    "install": install,
    "sync": _sync,
    "uninstall": _uninstall,
    "download": _download,
    "list": _look,
    "freeze": _look,
    "show": _look,
    "check": _look,
}


def _conda_install(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``install`` and ``update``: conda names as an environment.yml has them."""
    spec = session.reading.conda(asked.specs, asked.channels)
    if asked.dry_run:
        return _said(session.ask.preview_add(spec), asked.notices)
    return _said(session.add(spec, upgrade=asked.verb == "update", force=asked.force), asked.notices)


def _conda_file(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``env update``: the file beside what is there, or with ``--prune`` alone."""
    if asked.prune:
        return _said(session.declare(file=asked.file), asked.notices)
    return _said(session.add(session.reading.file(asked.file)), asked.notices)


def _conda_remove(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``remove``, by conda's names."""
    from sessionpkgs.formats.environment_yml import index_name

    return _said(session.remove([index_name(name) for name in asked.names], plan=asked.dry_run), asked.notices)


def _conda_look(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``list``."""
    return _said(session.ask.answer("list"), asked.notices)


def _conda_export(session: Session, asked: CondaCommand) -> dict[str, Any]:
    """``env export``."""
    return _said(session.ask.export("environment"), asked.notices)


_CONDA: dict[str, Act] = {
    "install": _conda_install,
    "update": _conda_install,
    "env update": _conda_file,
    "remove": _conda_remove,
    "list": _conda_look,
    "env export": _conda_export,
}


def _said(record: dict[str, Any], notices: tuple[str, ...]) -> dict[str, Any]:
    """*record* with what the line's own reading has to say."""
    return {**record, "notices": [*notices, *record.get("notices", ())]} if notices else record
