"""What a session answers without changing: lists, reasons, exports, offers, downloads.

Each answer is a plain JSON-ready dictionary with an ``action``. It does not know how an answer is shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sessionpkgs.errors import SpecError, StoreError

if TYPE_CHECKING:
    from sessionpkgs.model import Spec, View
    from sessionpkgs.session import Session
    from sessionpkgs.session.loaded import Stale
    from sessionpkgs.session.looking import Seen

JSON = dict[str, Any]


class Questions:
    """Questions to one *session*."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def preview(
        self,
        text: str = "",
        *,
        file: str = "",
        engine: str = "",
        ignore_python: bool = False,
        refresh: bool = False,
        without: Sequence[str] = (),
    ) -> JSON:
        """The record of what declaring *text* and *file* would do; no layer is built and no build code runs."""
        from sessionpkgs.session import changes, texts, walking

        session = self._session
        session.life.open()
        change = changes.whole(session.reading.all(texts.collect(text, file, session.place(), without)))
        preferred = session.life.loaded_versions()
        return walking.preview(
            session, change, engine=engine, ignore_python=ignore_python, refresh=refresh, preferred=preferred
        )

    def preview_add(
        self,
        asked: Sequence[str] | Spec,
        *,
        label: str = "add",
        engine: str = "",
        upgrade: bool | Sequence[str] = False,
        force: bool = False,
        refresh: bool = False,
    ) -> JSON:
        """The record of what adding *asked* would do."""
        from sessionpkgs.session import changes, walking

        session = self._session
        session.life.open()
        more = session.reading.lines(asked, label)
        change = changes.adding(session.spec, session.held.pins, more, upgrade=upgrade, force=force)
        return walking.preview(session, change, engine=engine, refresh=refresh)

    def answer(self, verb: str, **options: Any) -> JSON:
        """The answer to ``list``, ``freeze``, ``show``, ``check``, ``why`` or ``doctor``, with the *options* of each.

        Raises :class:`NotFoundError` for a name that is not there.
        """
        from sessionpkgs.session import checking, freezing, looking, needs, why

        if verb == "doctor":
            return self._doctor()
        view, base = self._session.union(), self._session.base()
        requested = self._session.spec.requirements
        if verb == "list":
            return _chosen(looking.listing(view, base, requested), **options)
        if verb == "freeze":
            places = {pin.name: freezing.place_of(pin) for pin in self._session.held.pins if pin.direct}
            return freezing.freeze(view, base, places=places, **options)
        if verb == "show":
            return looking.show(view, options["names"], files=options.get("files", False))
        if verb == "check":
            return checking.check(view, base, needs.asked_extras(view, requested), self._loaded(view, base))
        return why.why(view, base, requested, options["name"])

    def workspace(self) -> JSON:
        """What is in the workspace, and what is damaged there."""
        from sessionpkgs.session import uploads

        return uploads.listing(self._session.env)

    def _loaded(self, view: Seen, base: View) -> list[Stale]:
        """Modules that are not what the metadata says."""
        from sessionpkgs.session import loaded

        life = self._session.life
        known = {**self._session.overlay.ghosts, **life.current()}
        return loaded.stale(
            view, base, root=life.store.root, current=life.current().keys(), known=known, since=life.born
        )

    def _doctor(self) -> JSON:
        """Whether everything that a session needs is there."""
        from sessionpkgs.session import rules
        from sessionpkgs.session.doctor import examine

        findings = [finding._asdict() for finding in examine(self._session.env)]
        rows = rules.explain(self._session.env)
        fine = all(f["fine"] for f in findings)
        return {"schema": 1, "action": "doctor", "ok": fine, "findings": findings, "policy": rows}

    def export(self, form: str = "", *, file: str = "", own: bool = False, force: bool = False) -> JSON:
        """What the session holds as a text, written to *file* where one is named; *form* is by default the file's.

        Raises :class:`SpecError` for an empty session and for a file that is there, unless *force*.
        """
        from sessionpkgs.session import exporting

        place = self._free(file, force)
        made = exporting.of_session(self._session, form or (exporting.form_of(file) if file else "pylock"), own=own)
        return self._written(made, place)

    def lock(self, declaration: str, form: str = "", *, file: str = "", force: bool = False, **options: Any) -> JSON:
        """What the *declaration* (a file) gives over this base, as :meth:`export` gives it; nothing is switched on.

        An executed notebook gives what its record says, and no index is asked.
        """
        from sessionpkgs.session import exporting, recorded

        place = self._free(file, force)
        form = form or (exporting.form_of(file) if file else "pylock")
        if recorded.is_notebook(declaration):
            was = recorded.read(self._session.reading, declaration, self._session.place())
            return self._written(exporting.of_record(was, form, without=options.get("without", ())), place)
        return self._written(exporting.of_declaration(self._session, declaration, form, **options), place)

    def diff(self, file: str = "", *, live: bool = True) -> JSON:
        """What differs between a record and now: of the executed notebook or lock *file*, else of this kernel's last one.

        Without *live* the session itself is left out.
        """
        from sessionpkgs.session import comparing

        return comparing.compare(self._session, file, live=live)

    def _free(self, file: str, force: bool) -> str:
        """Where *file* is, looked at before any work is done."""
        place = os.path.join(self._session.place(), os.path.expanduser(file)) if file else ""
        if place and os.path.exists(place) and not force:
            raise SpecError(
                f"{file} is there already", hint="Name another file, or add --force to write over it.", item=file
            )
        return place

    @staticmethod
    def _written(made: Any, place: str) -> JSON:
        """The answer for an export, after it was written to *place*."""
        from sessionpkgs.store import write_whole

        if place:
            try:
                write_whole(place, made.text)
            except OSError as error:
                raise StoreError(f"{place} cannot be written: {error.strerror}", item=place) from None
        return {
            "schema": 1,
            "action": "export",
            "form": made.form,
            "file": place,
            "count": len(made.pins),
            "text": made.text,
            "notices": list(made.notices),
        }

    def present(self, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """Those of *names* that are installed, and a notice on the others: a notebook that runs again is no error."""
        from packaging.utils import canonicalize_name

        view = self._session.union()
        absent = [name for name in names if canonicalize_name(name) not in view]
        notices = [f"Not installed, so there is nothing to take out: {', '.join(absent)}."] if absent else []
        return [name for name in names if name not in absent], notices

    def offer(self, module: str) -> tuple[str, str] | None:
        """What brings the missing *module*, as a lead and the line to write; None where nothing certain is known."""
        from sessionpkgs import process, settings
        from sessionpkgs.engines import Room, fence
        from sessionpkgs.errors import PolicyError
        from sessionpkgs.formats.import_names import IMPORTS
        from sessionpkgs.model import Spec
        from sessionpkgs.session import offers, rules, where

        session = self._session
        env = session.life.environment(session.env)
        chosen = settings.load(env)
        try:
            law = rules.guard(session)
            places = where.sources(env, chosen, Spec(), session.store)
        except PolicyError:  # nothing is offered that could not be had
            return None
        room = Room(
            stage="", cache=session.store.path("cache"), views=session.store.path("views"), python=sys.executable,
            base=tuple(session.life.base()), runner=fence.fenced(process.run, fence.allowed(places)),
        )  # fmt: skip
        search = offers.Search(
            store=session.store, room=room, sources=places, env=env, folder=session.place(),
            present=frozenset(session.union()), table=IMPORTS, engine=chosen.engine, policy=law,
        )  # fmt: skip
        found = offers.offer(module, search)
        if found is None:
            return None
        source = "the package index says so" if found.source == "index" else "it is in the store"
        return f"{module} is in {found.distribution} {found.version} ({source})", found.line

    def download(self, lines: Sequence[str], folder: str) -> JSON:
        """Files for *lines* and what they need, put into *folder* as pip does it; base's own are fetched too."""
        from sessionpkgs.session import downloading

        return downloading.download(self._session, lines, folder)

    def through(self, text: str, tail: str) -> str:
        """*text* through a shell *tail*."""
        from sessionpkgs.session import tails

        session = self._session
        return tails.through(text, tail, session.store, session.env, session.place())


def _chosen(listing: JSON, *, exclude: Sequence[str] = (), pattern: str = "") -> JSON:
    """*listing* without the names to *exclude*, and of the others those that *pattern* (a regular expression) finds.

    Raises :class:`SpecError` for what is not a pattern.
    """
    import re

    try:
        wanted = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise SpecError(
            f"{pattern!r} is not a pattern: {error}", hint="Write a part of a name.", item=pattern
        ) from None
    rows = [row for row in listing["packages"] if row["name"] not in exclude and wanted.search(row["name"])]
    return {**listing, "packages": rows}
