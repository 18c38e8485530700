"""Taking over other people's magics and giving them back exactly.

IPython keeps its own magics as placeholders until they are used; a placeholder that is saved and put back no longer
works, so the real one is looked up first. A magic that someone else registered after us is theirs and is left alone.
It does not know what the magics do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    Magic = Callable[[str], Any]


class TakeOver:
    """The line magics of *shell* that *ours* (by name; bound methods of *owner*) replace."""

    def __init__(self, shell: InteractiveShell, owner: object) -> None:
        self._shell, self._owner = shell, owner
        self.saved: dict[str, Magic | None] = {}

    def take(self, ours: Mapping[str, Magic]) -> None:
        """Register *ours*, keeping what was there under each name."""
        register: Any = self._shell.register_magic_function
        for name, magic in ours.items():
            self.saved[name] = self._shell.find_line_magic(name)
            register(magic, "line", name)

    def give_back(self) -> None:
        """Put back what was there, under every name that is still ours."""
        table = self._shell.magics_manager.magics["line"]
        for name, magic in self.saved.items():
            if getattr(table.get(name), "__self__", None) is not self._owner:
                continue
            if magic is None:
                del table[name]
            else:
                table[name] = magic
        self.saved = {}
