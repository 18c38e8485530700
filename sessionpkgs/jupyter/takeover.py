"""Taking over other people's magics and giving them back exactly.

IPython keeps its own magics as placeholders until they are used, and looking one up costs half of what ``%load_ext``
may take: it is looked up later, before it is called or put back. A magic that someone else registered after us is theirs
and is left alone. It does not know what the magics do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    Magic = Callable[[str], Any]


class TakeOver:
    """The line magics of *shell* that those of *owner* replace."""

    def __init__(self, shell: InteractiveShell, owner: object) -> None:
        self._shell, self._owner = shell, owner
        self._saved: dict[str, Any] = {}
        self._real: dict[str, Magic | None] = {}

    @property
    def _table(self) -> dict[str, Any]:
        """The line magics by name."""
        table: dict[str, Any] = self._shell.magics_manager.magics["line"]
        return table

    def take(self, ours: Mapping[str, Magic]) -> None:
        """Register *ours*, keeping what was there under each name."""
        register: Any = self._shell.register_magic_function
        for name, magic in ours.items():
            self._saved[name] = self._table.get(name)
            register(magic, "line", name)

    def before(self, name: str) -> Magic | None:
        """The real magic that was called *name* before, None where there was none."""
        if name not in self._real:
            mine, self._table[name] = self._table[name], self._saved[name]
            try:
                self._real[name] = self._looked_up(name)
            finally:
                self._table[name] = mine
        return self._real[name]

    def _looked_up(self, name: str) -> Magic | None:
        """What the shell finds under *name*, now that the placeholder is back."""
        if self._saved[name] is None:
            return None
        from IPython.core.error import UsageError

        try:
            found: Magic | None = self._shell.find_line_magic(name)
        except UsageError:  # its module was loaded while the name was ours
            from IPython.core.magics.packaging import PackagingMagics

            found = getattr(PackagingMagics(self._shell), name)
        return found

    def give_back(self) -> None:
        """Put back what was there, under every name that is still ours."""
        for name in self._saved:
            if getattr(self._table.get(name), "__self__", None) is not self._owner:
                continue
            magic = self.before(name)
            if magic is None:
                del self._table[name]
            else:
                self._table[name] = magic
        self._saved, self._real = {}, {}
