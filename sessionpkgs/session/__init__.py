"""A session: one kernel's life with its overlay, its journal and its lock.

It puts the straight line together and decides what a verb means. It does not parse magics, does not render, and does
not know notebooks; the user's namespace, the environment and the reporter are given to it. What a reopened declaration
does not need is imported late.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sessionpkgs import places
from sessionpkgs.errors import ActivationError, SessionPkgsError, SpecError
from sessionpkgs.journal import Journal
from sessionpkgs.report import Reporter
from sessionpkgs.session import reopen, texts
from sessionpkgs.session.life import Life

if TYPE_CHECKING:
    from sessionpkgs.model import Plan, Record, Spec
    from sessionpkgs.session.straight import Line, Outcome

JSON = dict[str, Any]


class Session:
    """One kernel's packages.

    *identity* names the session's folder, *env* is the environment (the process's own by default), *namespace* the
    user's variables, *folder* what relative paths are relative to.
    """

    def __init__(
        self,
        *,
        identity: str = "",
        env: Mapping[str, str] | None = None,
        namespace: Mapping[str, Any] | None = None,
        folder: str = "",
    ) -> None:
        self.env = os.environ if env is None else env
        self.identity = identity or places.kernel_identity()
        self.life = Life(places.home(self.env), self.identity)
        self.store, self.overlay = self.life.store, self.life.overlay
        self.namespace: Mapping[str, Any] = namespace if namespace is not None else {}
        self.folder = folder
        self.journal = Journal(self.life.home)
        self.reporter = Reporter()
        self._spec: Spec | None = None
        self._texts: list[texts.Text] = []
        self._any_python = False
        self._key = ""
        self._record: JSON = {}

    # -- what a user asks -------------------------------------------------------------------------------------------

    def declare(
        self, text: str = "", *, file: str = "", engine: str = "", refresh: bool = False, ignore_python: bool = False
    ) -> JSON:
        """Make the session hold exactly what *text* and the file at *file* declare, and give the record.

        The same text over the same base is reopened without asking anyone; *refresh* asks all the same. Raises a
        :class:`SessionPkgsError`; then the previous overlay is still the active one.
        """
        self.life.open()
        asked = texts.collect(text, file, self._folder())
        key = self._key_of(repr([one[:2] for one in asked]), ("declare", engine, str(ignore_python)))
        known = None if refresh else reopen.find(self.store, key, self._folder())
        if known is not None:
            with contextlib.suppress(ActivationError):  # another answer may leave what is loaded as it is
                record = self._reopen(known, key)
                self._spec, self._texts, self._any_python = None, asked, ignore_python
                return record
        preferred = self.life.loaded_versions()
        outcome, made = self._apply(
            self._read_all(asked),
            "set",
            engine=engine,
            ignore_python=ignore_python,
            refresh=refresh,
            preferred=preferred,
        )
        return self._keep(key, outcome, made, remember=not preferred)

    def add(self, lines: Sequence[str], *, engine: str = "") -> JSON:
        """Bring *lines* (requirements) in beside what the session has, whose versions stay where they fit."""
        self.life.open()
        spec, preferred = self._with_more("\n".join(lines) + "\n")
        return self._follow(spec, "add", tuple(lines), engine=engine, preferred=preferred)

    def remove(self, names: Sequence[str], *, engine: str = "") -> JSON:
        """Take the requirements *names* out, and with them what only they needed."""
        from packaging.utils import canonicalize_name

        self.life.open()
        wanted = {str(canonicalize_name(name)) for name in names}
        have = {requirement.name for requirement in self.spec.requirements}
        if not wanted or wanted - have:
            missing = ", ".join(sorted(wanted - have)) or "nothing"
            raise SpecError(
                f"{missing} was not asked for in this session",
                hint=f"It asked for: {', '.join(sorted(have)) or 'nothing'}.",
                item=missing,
            )
        preferred = tuple(f"{n}=={v}" for n, v in self.life.current().values() if n not in wanted)
        return self._follow(
            self.spec.without(wanted), "remove", tuple(sorted(wanted)), engine=engine, preferred=preferred
        )

    def reset(self) -> JSON:
        """Give base back: nothing of the session stays on any path, in metadata or in the environment."""
        self.life.open()
        dropped = [f"{name} {version}" for name, version in self.life.current().values()]
        notices = self.overlay.deactivate()
        self.life.release()
        self._spec, self._texts, self._any_python, self._key, self._record = None, [], False, "", {}
        return self.journal.append(reopen.bare(self.identity, "reset", dropped=dropped, notices=notices))

    def status(self) -> JSON:
        """What is active now, as a record; asks and changes nothing."""
        if not self._record:
            return reopen.bare(self.identity, "status")
        return {**self._record, "action": "status", "dropped": []}

    def preview(
        self, text: str = "", *, file: str = "", adding: bool = False, engine: str = "", ignore_python: bool = False
    ) -> JSON:
        """What :meth:`declare` would do, or :meth:`add` where *adding*; no layer is built and no build code runs."""
        from sessionpkgs.session import records

        self.life.open()
        if adding:
            spec, preferred = self._with_more(text)
        else:
            spec, preferred = self._read_all(texts.collect(text, file, self._folder())), self.life.loaded_versions()
        started = time.perf_counter()
        options = {"engine": engine, "ignore_python": ignore_python, "preferred": preferred}
        with self._line(spec, may_build=False, **options) as line:
            outcome = line.plan()
        return records.record(
            "plan", self.identity, spec, outcome.plan, line.view.fingerprint, engine=outcome.engine, layer=outcome.plan.digest,
            source="plan", seconds=_since(started), notices=tuple(outcome.notices), steps=tuple(line.steps),
            staying=self.life.current(),
        ).to_dict()  # fmt: skip

    # -- the same for Python code -----------------------------------------------------------------------------------

    def read(self, text: str | bytes, *, label: str = "cell", folder: str = "", form: str | None = None) -> Spec:
        """The Spec that *text* declares; relative paths count from *folder*, by default the session's."""
        from sessionpkgs import formats
        from sessionpkgs.formats.origin import Origin
        from sessionpkgs.session import local

        origin = Origin(label=label, folder=folder or self._folder(), open=texts.read_file, variables=dict(self.env))
        return local.named(formats.read(text, origin=origin, format=form), origin.folder)

    @property
    def spec(self) -> Spec:
        """What the session holds now, as a declaration."""
        if self._spec is None:
            self._spec = texts.without_python(self._read_all(self._texts), self._any_python)
        return self._spec

    def _with_more(self, text: str) -> tuple[Spec, tuple[str, ...]]:
        """What the session holds and the requirements in *text*, and the versions to keep where they fit."""
        more = self.read(text, label="add", form="requirements_txt")
        if not more.requirements:
            raise SpecError("nothing to add was named", hint="For example: %session_env add humanize")
        names = {requirement.name for requirement in more.requirements if requirement.name}
        preferred = tuple(f"{n}=={v}" for n, v in self.life.current().values() if n not in names)
        return self.spec.without(names) | more, preferred

    def plan(self, spec: Spec, *, engine: str = "") -> Plan:
        """What :meth:`apply` would do; changes nothing."""
        self.life.open()
        with self._line(spec, engine=engine, may_build=False) as line:
            return line.plan().plan

    def apply(self, spec: Spec, *, engine: str = "") -> Record:
        """Make the session hold exactly *spec*. Raises a :class:`SessionPkgsError`; then nothing changed."""
        self.life.open()
        _, record = self._apply(spec, "set", engine=engine)
        self._record = self.journal.append(record.to_dict())
        return record

    def warm(self) -> None:
        """Take the look at base that the next declaration needs; reads, and changes nothing."""
        self.life.fingerprint()

    def close(self) -> None:
        """Give everything back at the end of the kernel's life: overlay, leases, lock."""
        self.life.close()

    # -- how ----------------------------------------------------------------------------------------------------------

    def _folder(self) -> str:
        """What relative paths are relative to."""
        try:
            return self.folder or os.getcwd()
        except FileNotFoundError:
            raise SpecError("the current folder does not exist any more", hint="os.chdir to one that does.") from None

    def _read_all(self, texts: Sequence[texts.Text]) -> Spec:
        """All *texts* as one Spec."""
        from sessionpkgs.model import Spec as Empty

        spec = Empty()
        for text, label, folder in texts:
            spec |= self.read(text, label=label, folder=folder)
        return spec

    def _key_of(self, text: str, words: Sequence[str]) -> str:
        """Key under which the answer to *text* is remembered."""
        return reopen.key_of(text, words, self.life.fingerprint(), self.life.environment(self.env))

    def _follow(
        self, spec: Spec, action: str, words: tuple[str, ...], *, engine: str, preferred: tuple[str, ...]
    ) -> JSON:
        """An incremental verb: remembered under what was active before it and its words."""
        state = repr((self._key, sorted(self.life.current())))
        key = self._key_of(state, (action, engine, *words)) if self._key or not self.overlay.active else ""
        known = reopen.find(self.store, key, self._folder()) if key else None
        if known is not None:
            record = self._reopen({**known, "record": {**known["record"], "action": action}}, key)
        else:
            outcome, made = self._apply(spec, action, engine=engine, preferred=preferred)
            record = self._keep(key, outcome, made)
        self._spec = spec
        return record

    @contextmanager
    def _line(self, spec: Spec, **options: Any) -> Iterator[Line]:
        """A straight line for *spec* in a stage of its own."""
        from sessionpkgs.session.straight import Ask, Line

        with self.store.stage() as stage:
            ask = Ask(
                spec=spec, base=tuple(self.life.base()), folder=self._folder(), session=self.life.home, env=self.life.environment(self.env),
                current=self.life.current(), ghosts=self.overlay.ghosts, namespace=self.namespace, reporter=self.reporter, **options,
            )  # fmt: skip
            yield Line(self.store, ask, stage)

    def _apply(self, spec: Spec, action: str, **options: Any) -> tuple[Outcome, Record]:
        """Plan, build, switch on; the journal and the memory are the caller's."""
        from sessionpkgs.session import records

        started = time.perf_counter()
        with self._line(spec, **options) as line:
            outcome = line.build(line.plan())
        self.life.switch(outcome.activation, outcome.anew, outcome.notices)
        self._spec = texts.without_python(spec, options.get("ignore_python", False))
        record = records.record(
            action, self.identity, spec, outcome.plan, line.view.fingerprint,
            engine=outcome.engine, layer=outcome.activation["layer"], source="built" if outcome.built else "store",
            seconds=_since(started), notices=tuple(outcome.notices), steps=tuple(line.steps), versions=dict(outcome.activation["dists"].values()),
        )  # fmt: skip
        return outcome, record

    def _reopen(self, known: JSON, key: str) -> JSON:
        """Switch to what is remembered; raises ActivationError where a loaded module stands in the way."""
        started = time.perf_counter()
        anew, said, dropped = reopen.survey(
            known, self.life.current(), self.overlay.ghosts, self.store.root, self.namespace
        )
        notices = [*known["record"]["notices"], *said]
        self.life.switch(known["activation"], anew, notices)
        self._key = key
        self._record = {
            **known["record"], "session": self.identity, "source": "remembered", "notices": notices, "dropped": dropped,
            "steps": [], "created": reopen.now(), "seconds": _since(started),
        }  # fmt: skip
        return self.journal.append(self._record)

    def _keep(self, key: str, outcome: Outcome, record: Record, *, remember: bool = True) -> JSON:
        """Journal *record* and remember the answer, unless it rests on folders that may change at any time."""
        from sessionpkgs.session import memory

        self._record = self.journal.append(record.to_dict())
        self._key = key
        if key and remember and not outcome.activation["sources"]:
            self.store.remember(key, memory.resolution(outcome, self._record, self.spec, self._folder(), self.env))
        return self._record


def _since(started: float) -> float:
    """Seconds since *started*, to a tenth of a millisecond."""
    return round(time.perf_counter() - started, 4)


__all__ = ["Session", "SessionPkgsError"]
