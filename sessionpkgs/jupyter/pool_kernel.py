"""A kernel over a pool: ipykernel's own application, with the pool put in place between its imports and the user's.

Whatever is wrong with the pool, the kernel lives, over base, and its first cell says what is wrong. It does not know how
a pool is made.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ipykernel.kernelapp import IPKernelApp

from sessionpkgs import places
from sessionpkgs.errors import ActivationError, SessionPkgsError, StoreError
from sessionpkgs.overlay import Overlay, pooled
from sessionpkgs.store import Store, generations
from sessionpkgs.store.locks import Flock

if TYPE_CHECKING:
    from sessionpkgs.jupyter.gate import Step

QUIET = 1.0
"""Seconds after the start at which a kernel gets ready for a declaration: until then it has its first cells to run."""
_TRIES = 5
_BASE = "This kernel runs without the pool."
_LIST = "`sessionpkgs pool list` shows what is there."


class PoolKernelApp(IPKernelApp):
    """ipykernel's own, which puts the pool in place between its own imports and the first of the user's."""

    pool, root = "", ""
    failure: SessionPkgsError | None = None
    done: Sequence[str] = ()
    resumed = False
    first = Event()
    waiting: Sequence[Step] = ()

    def init_path(self) -> None:
        """Add the user's folder, then the pool."""
        super().init_path()
        self.resumed = "SESSIONPKGS_RESUME" in os.environ
        self.attempt(self.put)

    def put(self) -> None:
        """Put the pool in place."""
        self.done = put(self.root, self.pool)

    def attempt(self, work: Callable[[], None]) -> None:
        """Do *work*; the first failure of all is kept for the first cell, as the kernel lives whatever happens."""
        failure: SessionPkgsError | None = None
        try:
            work()
        except SessionPkgsError as error:
            failure = error
        except Exception as error:
            self.log.exception("the kernel of the pool %s cannot be started as it should be", self.pool)
            failure = ActivationError(
                f"the start of a kernel of the pool {self.pool} went wrong: {type(error).__name__}: {error}",
                item=self.pool,
            )
        if failure is not None and self.failure is None:
            pooled.outcomes["start"] = (False, str(failure))
            if not pooled.current:
                from sessionpkgs.jupyter.gate import then

                failure.hint = then(failure.hint, _BASE if _LIST in failure.hint else f"{_BASE} {_LIST}")
            self.failure = failure

    def init_extensions(self) -> None:
        """Load ours too, in a way that lets ``%load_ext sessionpkgs`` say nothing later."""
        self.attempt(self.load)
        super().init_extensions()

    def load(self) -> None:
        """Load our extension."""
        from tornado.ioloop import IOLoop

        from sessionpkgs.jupyter import magics

        shell: Any = self.shell
        magics.load(shell, soon=lambda _, warm: IOLoop.current().call_later(QUIET, warm))

    def start(self) -> None:
        """Close the gate where something has to be done first; then run."""
        self.attempt(self.find_steps)
        if self.waiting or self.failure is not None:
            from sessionpkgs.jupyter.gate import Gate

            Gate(self.kernel, self.waiting, self.failure, self.first).close(at_once=not self.resumed)
        super().start()

    def find_steps(self) -> None:
        """Find what has to be done first."""
        told = pooled.current.get("declaration", {})
        if not told.get("on_start") and not told.get("session"):
            return
        from sessionpkgs.jupyter import magics, starting

        shell: Any = self.shell
        self.waiting = starting.steps(lambda: magics.session_of(shell), self.done, self.first)


def hold(root: str, name: str, before: str = "") -> tuple[int, Flock, list[str]]:
    """The generation that this kernel starts with, its lease, and the steps that are done.

    It is the current one, but after a restart in place the one of *before*, as ``pooled.carried`` wrote it. Raises
    :class:`SessionPkgsError`.
    """
    if before:
        number, descriptor, *done = before.split(":")
        place = generations.place(root, name, int(number))
        if _same(int(descriptor), place):
            return int(number), Flock(place, folder=True).adopt(int(descriptor)), done
    for last in range(_TRIES):
        wanted = generations.current(root, name)
        if not wanted:
            break
        try:
            return wanted, generations.lease(root, name, wanted), []
        except StoreError:  # it may have been collected since, because another one is current now
            if last == _TRIES - 1 or wanted == generations.current(root, name):
                break
    generations.read(root, name)
    raise StoreError(f"the pool {name} in {root} cannot be held", item=name)


def _same(descriptor: int, place: str) -> bool:
    """Whether the open *descriptor* is the folder *place*."""
    try:
        return os.path.samestat(os.fstat(descriptor), Path(place).stat())
    except OSError:
        return False


def put(root: str, name: str) -> list[str]:
    """Put the pool *name* of the store at *root* in place; gives the steps of its start that are done already.

    Raises :class:`SessionPkgsError` where it cannot be.
    """
    pooled.asked = name
    before = os.environ.pop(pooled.HELD, "")
    generations.trusted(root)
    number, pooled.lease, done = hold(root, name, before)
    told = {**generations.read(root, name, number), "root": root}
    _fits(told)
    Overlay(root).begin(told)
    _configure(told)
    return done


def _fits(told: dict[str, Any]) -> None:
    """Refuse a generation for another Python, and one that lost its files."""
    name = told["pool"]
    if (told["tag"], told["prefix"]) != (places.interpreter_tag(), sys.prefix):
        raise ActivationError(
            f"the pool {name} was made for the Python in {told['prefix']} ({told['tag']}), and this kernel runs the one in "
            f"{sys.prefix} ({places.interpreter_tag()})",
            hint=f"Make it for this one: sessionpkgs pool create … --python {sys.executable}",
            item=name,
        )
    if gone := [site for site in told["activation"]["sites"] if not Path(site).is_dir()]:
        raise StoreError(
            f"files of the pool {name} are gone: {gone[0]}",
            hint=f"`sessionpkgs pool update {name}` makes them anew.",
            item=name,
        )


def _configure(told: dict[str, Any]) -> None:
    """Have Spark start with the settings and jars of the generation *told*, where it has any."""
    if not told["jars"] and not told["conf"]:
        return
    from sessionpkgs.jvm import conf_folder

    store = Store(places.home(os.environ))
    store.prepare()
    jars = [jar["path"] for jar in told["jars"]]
    os.environ["SPARK_CONF_DIR"] = conf_folder.make(store.path("views"), os.environ, told["conf"], jars)
