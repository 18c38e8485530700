"""One caller at a time: threads that install into a session wait for each other. Its own locks keep processes apart."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from sessionpkgs.session import Session

_Method = TypeVar("_Method", bound=Callable[..., Any])


def in_turn(method: _Method) -> _Method:
    """*method* of a session, one caller at a time."""

    @functools.wraps(method)
    def waiting(self: Session, *arguments: Any, **options: Any) -> Any:
        with self.turn:
            return method(self, *arguments, **options)

    return cast("_Method", waiting)
