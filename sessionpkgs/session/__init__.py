"""A session: one kernel's life with its overlay, its journal and its lock.

It puts the straight line together and decides what a verb means. It does not parse magics, does not render, and does
not know notebooks; the user's namespace, the environment and the reporter are given to it. What a reopened declaration
does not need is imported late.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sessionpkgs import places
from sessionpkgs.errors import ActivationError, SessionPkgsError, SpecError, StoreError
from sessionpkgs.journal import Journal
from sessionpkgs.report import Reporter
from sessionpkgs.session import levels, reopen, texts
from sessionpkgs.session.holding import Holding
from sessionpkgs.session.life import Life
from sessionpkgs.session.turns import in_turn
from sessionpkgs.session.waiting import Waiting

if TYPE_CHECKING:
    from sessionpkgs.model import Plan, Record, Spec, View
    from sessionpkgs.session.changes import Change
    from sessionpkgs.session.looking import Seen
    from sessionpkgs.session.questions import Questions
    from sessionpkgs.session.reading import Reading

JSON = dict[str, Any]


class Session:
    """One kernel's packages.

    *identity* names the session's folder, *env* is the environment (the process's own by default), *namespace* the user's
    variables, *folder* what relative paths are relative to; *interactive* tells whether a person sits before it.
    """

    def __init__(
        self,
        *,
        identity: str = "",
        env: Mapping[str, str] | None = None,
        namespace: Mapping[str, Any] | None = None,
        folder: str = "",
        interactive: Callable[[], bool] | None = None,
    ) -> None:
        self.env = os.environ if env is None else env
        self.interactive, self.makes_pool = interactive, False
        self.turn = threading.RLock()
        self.identity = identity or places.kernel_identity()
        self.life = Life(places.home(self.env), self.identity)
        self.store, self.overlay = self.life.store, self.life.overlay
        self.namespace: Mapping[str, Any] = namespace if namespace is not None else {}
        self.folder = folder
        self.journal, self.reporter = Journal(self.life.home), Reporter()
        self.held, self.waiting = Holding(self._declared), Waiting()

    # -- what a user asks -------------------------------------------------------------------------------------------

    @in_turn
    def declare(
        self,
        text: str = "",
        *,
        file: str = "",
        engine: str = "",
        refresh: bool = False,
        ignore_python: bool = False,
        without: Sequence[str] = (),
    ) -> JSON:
        """Make the session hold exactly what *text* and the file at *file* declare, and give the record.

        The names *without* are passed over, *ignore_python* drops Python lines that do not fit.
        The same text over the same base is reopened without asking anyone; *refresh* asks all the same. Raises a
        :class:`SessionPkgsError`; then the previous overlay is still the active one.
        """
        self.life.open()
        asked = texts.collect(text, file, self.place(), without)
        key = self._key_of(
            repr([(text, label, left) for text, label, _, left in asked]), ("declare", engine, str(ignore_python))
        )
        known = None if refresh else self._known(key)
        if known is not None:
            with contextlib.suppress(ActivationError, StoreError):  # another answer may fit; a layer may be collected
                record = self.reopen(known, key)
                self.held.remembered(asked, ignore_python)
                return record
        from sessionpkgs.session import changes, walking

        preferred = self.life.loaded_versions()
        change = changes.whole(self.reading.all(asked))
        outcome, made = walking.apply(
            self, change, "set", engine=engine, ignore_python=ignore_python, refresh=refresh, preferred=preferred
        )
        return walking.keep(self, key, outcome, made, remember=not preferred)

    @in_turn
    def add(
        self,
        asked: Sequence[str] | Spec,
        *,
        label: str = "add",
        engine: str = "",
        upgrade: bool | Sequence[str] = False,
        force: bool = False,
        refresh: bool = False,
    ) -> JSON:
        """Bring *asked* (lines of a requirements text, or a Spec) in beside what is there, which stays where it fits.

        With *upgrade* the names, or those given there, take their newest versions, with *force* the session brings them even where base has
        just those; *refresh* asks the index although this was asked before.
        """
        from sessionpkgs.session import changes

        self.life.open()
        more = self.reading.lines(asked, label)
        if more.notices and not more.requirements:  # for another platform, say: nothing to do, and that is told
            return {**self.status(), "action": "add", "notices": list(more.notices)}
        change = changes.adding(self.spec, self.held.pins, more, upgrade=upgrade, force=force)
        words, fresh = (repr(change.more), engine, str(upgrade), str(force)), bool(refresh or upgrade or force)
        return self._follow(change, "add", words, fresh=fresh, engine=engine, refresh=refresh)

    @in_turn
    def remove(self, names: Sequence[str], *, plan: bool = False) -> JSON:
        """Take the requirements *names* out, and with them what only they needed; base's own show again.

        With *plan* it is only said what would go.
        """
        from sessionpkgs.session import changes, removal, walking

        self.life.open()
        wanted = removal.removable(names, self.spec, self.union())
        change = changes.removing(self.spec, self.held.pins, wanted, self.union(), self.base())
        if plan:
            return walking.preview(self, change)
        return self._follow(change, "remove", tuple(sorted(wanted)))

    @in_turn
    def reset(self) -> JSON:
        """Give base back: nothing of the session stays on any path, in metadata or in the environment."""
        with contextlib.suppress(StoreError):  # a store that is gone forbids nobody to leave it
            self.life.open()
        dropped = [f"{name} {version}" for name, version in self.life.current().values()]
        notices = self.overlay.deactivate()
        self.life.release()
        self.held.clear()
        return self.journal.note(reopen.bare(self.identity, "reset", dropped=dropped, notices=notices))

    @in_turn
    def restore(self, file: str = "") -> JSON:
        """Have exactly what the executed notebook or the lock *file* recorded, by default what this kernel had last."""
        from sessionpkgs.session import restoring

        return restoring.restore(self, file)

    def status(self) -> JSON:
        """What is active now, as a record; asks and changes nothing."""
        if not (held := self.held.record):
            return reopen.bare(self.identity, "status", notices=levels.absent())
        return {**held, "action": "status", "dropped": [], "notices": [*held["notices"], *levels.absent()]}

    # -- the same for Python code -----------------------------------------------------------------------------------

    def read(self, text: str | bytes, *, label: str = "cell", folder: str = "", form: str | None = None) -> Spec:
        """The Spec that *text* declares; relative paths count from *folder*, by default the session's."""
        return self.reading.text(text, label=label, folder=folder, form=form)

    @property
    def reading(self) -> Reading:
        """The reader of this session's texts."""
        from sessionpkgs.session.reading import Reading

        return Reading(self.env, self.place)

    @property
    def spec(self) -> Spec:
        """What the session holds now, as a declaration."""
        return self.held.spec

    @property
    def ask(self) -> Questions:
        """Questions that change nothing."""
        from sessionpkgs.session.questions import Questions

        return Questions(self)

    def base(self) -> View:
        """What is visible without the session."""
        from sessionpkgs import installed

        return installed.scan(self.life.base(), pool=self.life.pool)

    def union(self) -> Seen:
        """What is visible now, the session's distributions first."""
        from sessionpkgs.session import looking

        return looking.union(self.overlay.active.get("sites", ()), self.life.base(), self.life.pool)

    def plan(self, spec: Spec, *, engine: str = "") -> Plan:
        """What :meth:`apply` would do; changes nothing."""
        from sessionpkgs.session import changes, walking

        self.life.open()
        with walking.line(self, changes.whole(spec), engine=engine, may_build=False) as line:
            return line.plan().plan

    @in_turn
    def apply(self, spec: Spec, *, engine: str = "") -> Record:
        """Make the session hold exactly *spec*. Raises a :class:`SessionPkgsError`; then nothing changed."""
        from sessionpkgs.session import changes, walking

        self.life.open()
        _, record = walking.apply(self, changes.whole(spec), "set", engine=engine)
        self.held.record = self.journal.note(record.to_dict())
        return record

    def warm(self) -> None:
        """Take the look at base that the next declaration needs; reads, and changes nothing."""
        self.life.fingerprint()

    def close(self) -> None:
        """Give everything back at the end of the kernel's life: overlay, leases, lock."""
        self.life.close()

    # -- how ----------------------------------------------------------------------------------------------------------

    def place(self) -> str:
        """What relative paths are relative to."""
        try:
            return self.folder or os.getcwd()
        except FileNotFoundError:
            raise SpecError("the current folder does not exist any more", hint="os.chdir to one that does.") from None

    def _declared(self, asked: Sequence[texts.Text]) -> Spec:
        """The Spec of texts that were declared before."""
        from sessionpkgs.session.reading import Reading

        return Reading(self.env, self.place, judged=True).all(asked)

    def _key_of(self, text: str, words: Sequence[str]) -> str:
        """Key under which the answer to *text* is remembered."""
        return reopen.key_of(text, words, self.life.fingerprint(), self.life.environment(self.env))

    def _known(self, key: str) -> JSON | None:
        """What is remembered under *key*, which covers the policy; whether a person must sit before it is asked anew."""
        known = reopen.find(self.store, key, self.place())
        if known is not None and known.get("policy", True):
            from sessionpkgs.session import rules

            rules.guard(self)
        return known

    def _follow(
        self, change: Change, action: str, words: tuple[str, ...], *, fresh: bool = False, **options: Any
    ) -> JSON:
        """An incremental verb: remembered under what was active before it and its words, unless asked *fresh*."""
        state = repr((self.held.key, sorted(self.life.current())))
        key = self._key_of(state, (action, *words)) if self.held.key or not self.overlay.active else ""
        known = self._known(key) if key and not fresh else None
        from sessionpkgs.session import walking

        record: JSON = {}
        if known is not None:
            with contextlib.suppress(ActivationError, StoreError):  # what is remembered may be gone, or not fit now
                record = self.reopen({**known, "record": {**known["record"], "action": action}}, key)
        if not record:
            outcome, made = walking.apply(self, change, action, **options)
            record = walking.keep(self, key, outcome, made)
        self.held.hold(change.whole)
        return record

    def reopen(self, known: JSON, key: str) -> JSON:
        """Switch to what is remembered; raises ActivationError where a loaded module stands in the way."""
        started = time.perf_counter()
        try:
            anew, said, dropped = reopen.survey(
                known, self.life.current(), self.overlay.ghosts, self.store.root, self.namespace
            )
        except ActivationError:
            if not self.waiting.wanted:
                raise
            return self.waiting.put(known, key)
        notices = [*known["record"]["notices"], *said]
        self.life.switch(known["activation"], anew, notices)
        self.held.key = key
        self.held.bring(known["pins"])
        self.held.record = {
            **known["record"], "session": self.identity, "source": "remembered", "notices": notices, "dropped": dropped,
            "steps": [], "created": reopen.now(), "seconds": round(time.perf_counter() - started, 4),
        }  # fmt: skip
        return self.journal.note(self.held.record)


__all__ = ["Session", "SessionPkgsError"]
