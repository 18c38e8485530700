"""Texts of a session as Specs: where their paths count from, which variables they see, whose table of conda names counts.

It opens the files that a text names. What a format means is in ``formats``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from packaging.utils import canonicalize_name

from sessionpkgs import formats, places, settings
from sessionpkgs.errors import SpecError
from sessionpkgs.formats.origin import Origin
from sessionpkgs.model import Spec
from sessionpkgs.session import local, texts


class Reading:
    """Reads for a session with the environment *env*; *place* gives the folder that relative paths count from.

    What is *judged* is read once more to be known, and no policy is asked again.
    """

    def __init__(self, env: Mapping[str, str], place: Callable[[], str], *, judged: bool = False) -> None:
        self._env, self._place, self._judged = env, place, judged

    def text(
        self,
        text: str | bytes,
        *,
        label: str = "cell",
        folder: str = "",
        form: str | None = None,
        without: Sequence[str] = (),
    ) -> Spec:
        """The Spec that *text* declares, the names *without* passed over. Raises :class:`SpecError`."""
        origin, table = self._origin(label, folder, without)
        spec = local.named(formats.read(text, origin=origin, format=form), origin.folder)
        self._check_channels(text, label)
        spec = _passed_over(spec, text, origin)
        for place in spec.find_links:
            if os.path.isabs(place) and not os.path.exists(place):
                raise SpecError(
                    f"{place} (--find-links) does not exist",
                    where=label,
                    hint="Check the path; relative ones count from the notebook's folder.",
                    item=place,
                )
        return spec | Spec(files=table)

    def all(self, asked: Sequence[texts.Text]) -> Spec:
        """All texts as one Spec."""
        spec = Spec()
        for text, label, folder, without in asked:
            spec |= self.text(text, label=label, folder=folder, without=without)
        return spec

    def lines(self, asked: Sequence[str] | Spec, label: str = "add") -> Spec:
        """*asked* itself, or the Spec of lines of a requirements text."""
        if isinstance(asked, Spec):
            return asked
        return self.text("\n".join(asked) + "\n", label=label, form="requirements_txt")

    def file(self, name: str, without: Sequence[str] = ()) -> Spec:
        """The Spec that the file *name* declares, the names *without* passed over."""
        return self.all(texts.collect("", name, self._place(), without))

    def conda(self, lines: Sequence[str], channels: Sequence[str] = (), label: str = "%conda") -> Spec:
        """The Spec for dependency *lines* as conda writes them."""
        from sessionpkgs.formats import environment_yml

        origin, table = self._origin(label, "")
        self._check_channels("\n".join(["dependencies:", *(f"- {line!r}" for line in lines)]), label, channels)
        return environment_yml.read_lines(lines, channels=channels, origin=origin) | Spec(files=table)

    def index_names(self, names: Sequence[str]) -> list[str]:
        """What the package index calls the conda packages *names*."""
        from sessionpkgs.formats import environment_yml

        origin, _ = self._origin("%conda", "")
        return [environment_yml.index_name(name, table=origin.conda_names) for name in names]

    def _check_channels(self, text: str | bytes, label: str, more: Sequence[str] = ()) -> None:
        """Refuse channels that a policy does not allow, those of *text* and *more*. Raises :class:`PolicyError`."""
        if self._judged or not any(os.path.lexists(path) for path, _ in places.policy_files(self._env)):
            return
        from sessionpkgs.formats.decoding import LOCK_BYTES, decode
        from sessionpkgs.session import rules, ruling

        if named := (*more, *ruling.channels_of(decode(text, label=label, most=LOCK_BYTES), label)):
            rules.load(self._env).check_channels(named)

    def _origin(self, label: str, folder: str, without: Sequence[str] = ()) -> tuple[Origin, tuple[str, ...]]:
        """Where a text comes from, and the file of the user's own conda names if there is one."""
        path = os.path.expanduser(settings.load(self._env).conda_names)
        names: Mapping[str, str | None] = {}
        if path:
            from sessionpkgs.formats.conda_names import table

            try:
                names = table.load_conda_names(texts.read_file(path), path)
            except OSError as error:
                raise SpecError(
                    f"the table of conda names {path} cannot be read: {error.strerror}",
                    hint="Mend the setting conda_names (SESSIONPKGS_CONDA_NAMES).",
                    item=path,
                ) from None
        origin = Origin(
            label=label,
            folder=folder or self._place(),
            open=texts.read_file,
            variables=dict(self._env),
            conda_names=names,
            without=frozenset(str(canonicalize_name(name)) for name in without),
        )
        return origin, (path,) if path else ()


def _passed_over(spec: Spec, text: str | bytes, origin: Origin) -> Spec:
    """*spec* without the names that *origin* passes over, and a notice that says so.

    Raises :class:`SpecError` for a name that stands nowhere in the *text*.
    """
    if not origin.without:
        return spec
    from sessionpkgs.formats.decoding import LOCK_BYTES, decode

    found = {one.name for one in spec.requirements} & origin.without
    plain = decode(text, label=origin.label, most=LOCK_BYTES)
    words = {str(canonicalize_name(word)) for word in re.findall(r"[A-Za-z0-9][\w.-]*", plain)}
    if absent := sorted(origin.without - words - found):
        named = ", ".join(absent)
        raise SpecError(f"{named} (--without) is not in it", where=origin.label, hint="Check the name.", item=named)
    said = (f"Passed over, as --without says: {', '.join(sorted(found))}.",) if found else ()
    return replace(spec.without(origin.without), notices=(*spec.notices, *said))
