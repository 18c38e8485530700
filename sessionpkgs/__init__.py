"""Session-scoped packages for any Jupyter kernel: an isolated, verified overlay over the environment that is there.

In a notebook: ``%load_ext sessionpkgs``, then ``%%session_env`` with an environment.yml or requirements. In Python:
:class:`Session`. The names below are the public ones; they are loaded when they are first used, since every notebook
pays for this import.
"""

from __future__ import annotations

from sessionpkgs._version import __version__

TYPE_CHECKING = (
    False  # no import of ``typing``: a kernel that starts with us still has the user's folder first on its path
)
if TYPE_CHECKING:
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from sessionpkgs.errors import SessionPkgsError
    from sessionpkgs.model import Plan, Record, Spec
    from sessionpkgs.session import Session

__all__ = [
    "Plan",
    "Record",
    "Session",
    "SessionPkgsError",
    "Spec",
    "__version__",
    "load_ipython_extension",
    "unload_ipython_extension",
]

_HOMES = {
    "Plan": "sessionpkgs.model",
    "Record": "sessionpkgs.model",
    "Session": "sessionpkgs.session",
    "SessionPkgsError": "sessionpkgs.errors",
    "Spec": "sessionpkgs.model",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics of ``%load_ext sessionpkgs`` in *shell*; nothing is installed, read or asked."""
    from sessionpkgs.jupyter import magics

    magics.load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Give base back and take the magics out again."""
    from sessionpkgs.jupyter import magics

    magics.unload(shell)
