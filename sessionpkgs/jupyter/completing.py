"""Completion of what stands behind our magics: verbs, options, names that are known here, files.

Names are those of installed distributions and of what the store has unpacked before; no index is asked. It does not
know what a verb does.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.session import Session

FILES = ("set", "lock", "export", "--file", "-f", "-r", "-c", "--requirement", "--constraint", "-e", "--editable")
KEYS = ("%session_env", "%%session_env", "%pip", "%uv", "%conda", "%mamba", "%micromamba")
_OWN = ("remove", "uninstall")
_ANY = ("add", "plan", "install", "update", "download", "why", "show")


class Completion:
    """The completion of one shell; *session* gives its session."""

    def __init__(self, shell: InteractiveShell, session: Callable[[], Session]) -> None:
        self._shell, self._session = shell, session

    def start(self) -> None:
        """Answer the shell's completer."""
        for key in KEYS:
            self._shell.set_hook("complete_command", self.complete, str_key=key)

    def stop(self) -> None:
        """Answer no more; what someone else registered under the same words stays."""
        known: Any = self._shell.strdispatchers.get("complete_command")
        for key in KEYS:
            chain = known.strs.get(key) if known is not None else None
            if chain is not None and all(getattr(hook, "__func__", hook) == self.complete for _, hook in chain.chain):
                del known.strs[key]

    def complete(self, _shell: Any, event: Any) -> list[str]:
        """What may stand where the cursor is; nothing where looking fails."""
        from sessionpkgs.errors import SessionPkgsError

        with contextlib.suppress(SessionPkgsError, OSError):
            return self._matches(event.command.lstrip("%"), event.line, event.symbol)
        return []

    def _matches(self, magic: str, line: str, symbol: str) -> list[str]:
        """Candidates for *symbol* at the end of *line*."""
        before = line[: len(line) - len(symbol)].split()[1:] if line.endswith(symbol) else line.split()[1:]
        if magic == "uv" and before[:1] == ["pip"]:
            magic, before = "uv pip", before[1:]
        verb = next((word for word in before if not word.startswith("-")), "")
        last = before[-1] if before else ""
        if symbol.startswith("-"):
            found: Iterable[str] = (word for word in _words(magic, verb) if word.startswith("-"))
        elif last in FILES:
            found = _files(symbol)
        elif not verb and line[:2] != "%%":
            found = (word for word in _words(magic, "") if not word.startswith("-"))
        else:
            found = self._names(verb)
        return sorted(name for name in found if name.lower().startswith(symbol.lower()))

    def _names(self, verb: str) -> set[str]:
        """Names of distributions that *verb* may be about."""
        session = self._session()
        if verb in _OWN:
            return {one.name for one in session.spec.requirements}
        if verb not in _ANY:
            return set()
        folder = session.store.path("dists")
        known = os.listdir(folder) if os.path.isdir(folder) else []
        return {
            *_uploaded(session),
            *session.union(),
            *(name.rsplit("-", 2)[0] for name in known if name.count("-") > 1),
        }


def _uploaded(session: Session) -> set[str]:
    """Names of wheels in the workspace; none where it cannot be looked into."""
    from sessionpkgs import workspace
    from sessionpkgs.errors import SessionPkgsError

    with contextlib.suppress(SessionPkgsError):
        return {one.name for one in workspace.here(session.env).survey()[0] if one.kind == "wheel"}
    return set()


def _words(magic: str, verb: str) -> list[str]:
    """Verbs and options behind *magic*, or options of its *verb*."""
    if magic == "session_env":
        from sessionpkgs.jupyter import arguments

        return arguments.words(verb)
    if magic in ("pip", "uv pip"):
        from sessionpkgs.jupyter import pip_options

        table = pip_options.TABLES["pip" if magic == "pip" else "uv"]
        return list(table.get(verb, ())) if verb else list(table)
    if magic == "uv":
        return [] if verb else ["pip"]
    return [] if verb else ["install", "update", "remove", "list", "env"]


def _files(symbol: str) -> list[str]:
    """Paths that begin with *symbol*."""
    folder, part = os.path.split(symbol)
    with contextlib.suppress(OSError):
        found = [name for name in os.listdir(os.path.expanduser(folder) or ".") if name.startswith(part)]
        return [
            os.path.join(folder, name) + ("/" if os.path.isdir(os.path.join(folder, name)) else "") for name in found
        ]
    return []
