"""``diff``: what differs between a record and now, in Python, base, pool, session, files and what an index has.

It reads, asks servers a few small questions, and changes nothing. It does not mend (``restoring.py``).
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from sessionpkgs import installed, places, settings
from sessionpkgs.engines import fence, wheel_presence
from sessionpkgs.engines.wheel_presence import Listing
from sessionpkgs.errors import clean
from sessionpkgs.formats.wheel_files import filename_of
from sessionpkgs.formats.wording import names, show
from sessionpkgs.model import Pin, View
from sessionpkgs.overlay import pooled
from sessionpkgs.session import closure, levels, recorded, rules
from sessionpkgs.session.looking import SCHEMA
from sessionpkgs.session.recorded import Recorded
from sessionpkgs.session.records import DEFAULT_INDEX, asked, bare
from sessionpkgs.settings import Sources
from sessionpkgs.store import ingest

if TYPE_CHECKING:
    from sessionpkgs.session import Session

JSON = dict[str, Any]
Kind = Literal["python", "platform", "base", "pool", "session", "altered", "index", "variable", "file"]


class Difference(TypedDict):
    """One thing that is not as it was.

    ``then`` is what the record says and ``now`` what is there, "" for nothing. ``kind`` says of what: of ``base``, the
    ``pool`` (of itself where there is no ``name``: name and generation) and the ``session`` these are versions, or hashes where ``bytes`` differ under one version; ``altered`` is a file of the
    session on disk, ``file`` one that its place or an index has no more, or yanked. ``needed`` is whether the session
    rests on it.
    """

    kind: Kind
    name: str
    then: str
    now: str
    bytes: bool
    needed: bool


def compare(session: Session, file: str = "", *, live: bool = True) -> JSON:
    """What differs between the notebook or lock *file*, by default this kernel's last record, and now.

    ``{"schema", "action": "diff", "pool", "against", "created", "same", "differences": [Difference, …], "notices"}``. Without
    *live* there is no session to compare: what a new one would find here. Raises :class:`SpecError`.
    """
    session.life.open()
    reading = session.reading
    was = recorded.read(reading, file, session.place()) if file else recorded.last(reading, session.journal.read())
    base = session.base()
    here = _Here(session, was, base)
    found = [*_surroundings(was), *_pool(was), *here.changes_below(), *here.altered()]
    if live:
        found += [*here.session_changes(), *here.variables()]
    found += here.indexes(live=live)
    missing, notices = here.files()
    found += missing
    return {
        "schema": SCHEMA,
        "action": "diff",
        "pool": pooled.label(),
        "against": was.label,
        "created": was.created,
        "same": not found,
        "differences": found,
        "notices": notices,
    }


def _difference(
    kind: Kind, name: str, then: str, now: str, *, of_bytes: bool = False, needed: bool = True
) -> Difference:
    """One difference; what a record or a server says passes as a message may show it."""
    return Difference(
        kind=kind, name=show(name), then=show(then, 200), now=show(now, 200), bytes=of_bytes, needed=needed
    )


def _surroundings(was: Recorded) -> Iterator[Difference]:
    """Python and platform."""
    running, tag = platform.python_version(), places.interpreter_tag()
    if was.python and was.python != running:
        yield _difference("python", "Python", was.python, running)
    before, now = recorded.platform_of(was.tag), recorded.platform_of(tag)
    if was.tag and before != now:
        yield _difference("platform", "platform", before, now)


def _pool(was: Recorded) -> Iterator[Difference]:
    """The pool itself: another one, another generation, or the same made anew of other bytes."""
    now, of = pooled.label(), levels.layer()
    if was.pool is None:
        return
    if was.pool != now:
        yield _difference("pool", "", was.pool, now, needed=was.pool_layer != of)
    elif was.pool_layer != of:
        yield _difference("pool", "", was.pool_layer, of, of_bytes=True)


class _Here:
    """What is here now, beside what *was*."""

    def __init__(self, session: Session, was: Recorded, base: View) -> None:
        self._session, self._was, self._base = session, was, base
        self._pins = {pin.name: pin for pin in was.spec.pins}
        self._env = session.life.environment(session.env)
        configured = settings.sources(self._env, settings.load(self._env))
        self._sources: Sources = replace(configured, limit=rules.load(self._env).limit)

    def _homes(self) -> dict[str, Pin]:
        """Folders in the store with distributions of the record or of the session, whichever are there."""
        tag, store = places.interpreter_tag(), self._session.store
        pins = [*self._was.spec.pins, *self._session.held.pins]
        found = {store.path("dists", pin.identity(tag)): pin for pin in pins if not pin.mutable}
        return {home: pin for home, pin in found.items() if os.path.isdir(home)}

    def changes_below(self) -> Iterator[Difference]:
        """What base and the pool had and have, first what the session needs of it."""
        then: Mapping[str, str] = {**self._was.distributions, **self._was.kept}
        if not then:
            return
        sites = [os.path.join(home, "site") for home in self._homes()]
        own = installed.scan(sites, level="session")
        needed = closure.names(View(own.values(), self._base.values()), self._was.spec.requirements) | {*self._was.kept}
        now = {name: dist.version for name, dist in self._base.items()}
        if not self._was.distributions:  # an older record names only what was asked for
            now = {name: version for name, version in now.items() if name in then}
        changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
        for name in sorted(changed, key=lambda name: name not in needed):
            of_pool = name in self._was.pooled or (name in self._base and self._base[name].level == "pool")
            kind: Kind = "pool" if of_pool else "base"
            yield _difference(kind, name, then.get(name, ""), now.get(name, ""), needed=name in needed)

    def session_changes(self) -> Iterator[Difference]:
        """What the session held and holds; what is below it in the same version is there too."""
        held = {pin.name: pin for pin in self._session.held.pins}
        for name in sorted(self._pins.keys() | held.keys()):
            then, now = self._pins.get(name), held.get(name)
            has = now.version if now else self._base[name].version if name in self._base else ""
            if then is None and self._same_as_base(name, has):
                continue
            if then is None or (then.version and then.version != has) or not (now or has):
                yield _difference("session", name, then.version if then else "", has)
            elif now and _artefact(then) != _artefact(now):
                yield _difference("session", f"{name} {has}", _artefact(then), _artefact(now), of_bytes=True)

    def _same_as_base(self, name: str, version: str) -> bool:
        """Whether *name* was base's in that *version*, and the session brings just that."""
        return self._was.distributions.get(name) == version

    def altered(self) -> Iterator[Difference]:
        """Files in the store that are not what they were when they came."""
        self._session.reporter.step("reading the files")
        for home, pin in sorted(self._homes().items()):
            if fault := ingest.fault(home):
                yield _difference("altered", f"{pin.name} {pin.version}", "", fault)

    def variables(self) -> Iterator[Difference]:
        """Variables of the declaration; of those whose value is in no record only that they are set."""
        then, now = dict(self._was.spec.variables), dict(self._session.spec.variables)
        for name in sorted(then.keys() | (now.keys() - {*self._was.unsaid})):
            if then.get(name) != now.get(name):
                yield _difference("variable", name, clean(then.get(name, "")), "set" if name in now else "")
        for name in self._was.unsaid:
            if name not in now and name not in self._env:
                yield _difference("variable", name, "set", "")

    def indexes(self, *, live: bool) -> Iterator[Difference]:
        """Where was looked for files, and where is now; without a session only what is configured can be told."""
        was, record = self._was, self._session.held.record if live else {}
        if not was.looked:
            return
        if record.get("packages") and "indexes" in record:
            now = (*record["indexes"], *record["find_links"])
        elif was.declared:
            return
        else:
            now = (*asked(self._sources), *map(bare, self._sources.find_links))
        then = (*was.indexes, *was.find_links)
        if then != now:
            yield _difference("index", "indexes", ", ".join(then), ", ".join(now))

    def files(self) -> tuple[list[Difference], list[str]]:
        """Files that their place or an index has no more, and a sentence on what could not be asked."""
        pins = [pin for pin in self._was.spec.pins if pin.kind in ("wheel", "sdist") and pin.url]
        self._session.reporter.step("asking for the files")
        certificate = self._sources.certificate
        urls = [pin.url for pin in pins]
        hosts = self._hosts(urls)
        there = wheel_presence.present(urls, env=self._env, certificate=certificate, hosts=hosts)
        listed = self._listed(pins, certificate)
        found = [
            _difference("file", f"{pin.name} {pin.version}", pin.url, said)
            for pin in pins
            if (said := _fate(filename_of(pin.url), there.get(pin.url, ""), *listed.get(pin.name, ({}, False))))
        ]
        return found, _unasked(pins, there)

    def _hosts(self, urls: Sequence[str]) -> fence.Hosts | None:
        """Who may be asked for *urls* where a policy limits that; None where each host may be."""
        return None if self._sources.limit is None else fence.allowed(self._sources, urls)

    def _listed(self, pins: Iterable[Pin], certificate: str) -> dict[str, tuple[Listing, bool]]:
        """By name what the indexes that have a URL list now, and whether no other index can have it."""
        indexes = [url for url in dict.fromkeys((*self._sources.indexes, *self._was.indexes)) if "://" in url]
        wanted = [pin.name for pin in pins if not pin.direct and not pin.url.startswith("file://")]
        pages = {name: [f"{url.rstrip('/')}/{name}/" for url in indexes] for name in wanted}
        urls = [page for group in pages.values() for page in group]
        hosts = self._hosts(urls)
        answers = wheel_presence.listings(urls, env=self._env, certificate=certificate, hosts=hosts)
        alone = self._was.looked and DEFAULT_INDEX not in self._was.indexes
        return {
            name: (
                {file: why for page in group for file, why in answers.get(page, {}).items()},
                alone and bool(group) and all(page in answers for page in group),
            )
            for name, group in pages.items()
        }


def _fate(file: str, presence: str, listing: Listing, complete: bool) -> str:
    """What became of *file*, "" where it is as it was; *complete* is whether the *listing* has all there is."""
    if presence == "gone":
        return "gone"
    if file not in listing:
        return "not listed any more" if complete else ""
    why = listing[file]
    return "" if why is None else f"yanked: {why}" if why else "yanked"


def _artefact(pin: Pin) -> str:
    """What tells the bytes of *pin* from others."""
    return f"sha256:{pin.sha256}" if pin.sha256 else f"{clean(pin.url)}@{pin.commit}".rstrip("@")


def _unasked(pins: Iterable[Pin], there: Mapping[str, str]) -> list[str]:
    """A sentence on the files that nobody told of."""
    every = [pin for pin in pins if not pin.url.startswith("file://")]
    silent = [pin for pin in every if pin.url not in there]
    if not silent:
        return []
    if len(silent) == len(every):
        return ["Not asked whether the files are still there: no server answered."]
    told = names((pin.name for pin in silent), most=6)
    return [f"Not known whether the files of {told} are still there: no server said so."]
