"""What happens in cells that are not ours: installs by other means, vendors' first lines, imports that fail.

``!pip install`` writes into base for every kernel: it is explained before and named after it did. ``%%pyspark`` as a
first line, which hosted notebooks need and a Python kernel does not know, is passed over. After a failed import the
exact line that helps is shown, where real metadata knows it. It runs no installs and looks at no cell that has none of
these words.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.session import Session

_VENDOR = "%%pyspark"


class Watch:
    """The three watches of one shell; *session* gives its session, *show* publishes a sentence."""

    def __init__(
        self, shell: InteractiveShell, session: Callable[[], Session], show: Callable[[str, str], None]
    ) -> None:
        self._shell, self._session, self._show = shell, session, show
        self._before: frozenset[str] | None = None
        self._told = False

    def start(self) -> None:
        """Begin to watch."""
        self._shell.events.register("pre_run_cell", self.before)
        self._shell.events.register("post_run_cell", self.after)
        self._shell.input_transformers_cleanup.append(self.pass_over)

    def stop(self) -> None:
        """Stop watching; what someone else took away already is not missed."""
        for event, watch in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            if watch in self._shell.events.callbacks[event]:
                self._shell.events.unregister(event, watch)
        if self.pass_over in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(self.pass_over)

    def pass_over(self, lines: list[str]) -> list[str]:
        """*lines* of a cell without a vendor's ``%%pyspark`` in the first, unless someone registered that magic."""
        if lines and lines[0].strip() == _VENDOR and not self._known("pyspark"):
            return ["\n", *lines[1:]]
        return lines

    def _known(self, name: str) -> bool:
        return name in self._shell.magics_manager.magics["cell"]

    def before(self, asked: Any) -> None:
        """Explain a command that installs past the session, and a first line that was passed over."""
        cell = asked.raw_cell or ""
        self._before = None
        if cell.lstrip().partition("\n")[0].strip() == _VENDOR and not self._told and not self._known("pyspark"):
            self._told = True
            self._show("%%pyspark is passed over", "this kernel runs Python anyway; remove the line where you can.")
        if "pip" in cell or "conda" in cell or "mamba" in cell:
            self._explain(cell)

    def _explain(self, cell: str) -> None:
        """Say what a command in *cell* that installs past the session does, and what to write instead."""
        from sessionpkgs.jupyter import bystanders

        if command := bystanders.installs(cell):
            self._before = self._base()
            self._show("", f"`{command}` {bystanders.instead(command)}")

    def after(self, done: Any) -> None:
        """Name what such a command changed, and offer what a failed import needs."""
        if self._before is not None:
            from sessionpkgs.jupyter import bystanders

            now, before = self._base(), self._before
            self._before = None
            if changed := bystanders.changes(before, now):
                self._show(
                    f"Base was changed: {changed}",
                    "every kernel of it sees that, and no record of this session holds it.",
                )
        error = done.error_in_exec
        if isinstance(error, ModuleNotFoundError) and error.name:
            self._offer(error.name)

    def _offer(self, module: str) -> None:
        """Show the line that brings *module*, where metadata knows it."""
        from sessionpkgs.errors import SessionPkgsError

        with contextlib.suppress(SessionPkgsError, OSError):  # the cell failed already, and this is a courtesy
            if offer := self._session().ask.offer(module):
                sentence, line = offer
                self._show("", f"{sentence}: `{line}`")

    def _base(self) -> frozenset[str]:
        """Names and versions in base's folders."""
        import os

        found: set[str] = set()
        for folder in self._session().life.base():
            if os.path.isdir(folder):
                found.update(n for n in os.listdir(folder) if n.endswith((".dist-info", ".egg-info")))
        return frozenset(found)
