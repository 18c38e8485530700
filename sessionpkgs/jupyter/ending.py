"""The end of a kernel, told apart from its restart: a shutdown ends the session, a restart leaves it to be taken up.

Nothing relies on it: a kernel that is killed says nothing, and what it leaves is collected by age.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Ending:
    """Watches ``do_shutdown`` of the kernel of *shell*, which Jupyter documents for kernels; *end* ends the session."""

    def __init__(self, shell: InteractiveShell, end: Callable[[], None]) -> None:
        self._kernel: Any = getattr(shell, "kernel", None)
        self._end = end

    def start(self) -> None:
        """Hear of the end from now on."""
        if self._kernel is None or not hasattr(self._kernel, "do_shutdown"):
            return
        own = self._kernel.do_shutdown

        async def do_shutdown(restart: bool) -> Any:
            if not restart:
                self._end()
            reply = own(restart)
            return await reply if inspect.isawaitable(reply) else reply

        self._kernel.do_shutdown = do_shutdown

    def stop(self) -> None:
        """Hear no more of it."""
        if self._kernel is not None:
            vars(self._kernel).pop("do_shutdown", None)
