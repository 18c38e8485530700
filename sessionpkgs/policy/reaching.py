"""Where a session may go by the policy: indexes, hosts, channels and repositories of jars.

Pure: it opens nothing. Every file is judged on its own and all must be satisfied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from sessionpkgs.errors import IndexForbidden, PolicyError
from sessionpkgs.policy import conf, reach
from sessionpkgs.policy.rules import Rules
from sessionpkgs.settings import Sources

ASK = "Ask who looks after this machine, or leave it out."
BY_WORKSPACE = (
    "Put the file into the workspace (sessionpkgs workspace add FILE; a pool has its jars by --jar NAME), or name only "
    f"allowed places; coordinates need one in {conf.REPOSITORIES}."
)


def bring_in(file: str = "FILE", *, python: str = "", platform: str = "") -> str:
    """What to do where there is no network: the commands that fetch elsewhere what *file* needs and take it in here."""
    target = "".join(f" --{option} {value}" for option, value in (("python", python), ("platform", platform)) if value)
    return (
        f"Where there is a network: sessionpkgs closure {file}{target} --download DIR, then here: "
        "sessionpkgs workspace add DIR"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaching:
    """The rules of all ``files`` on places; ``elsewhere`` is what to do where the network is closed."""

    files: tuple[Rules, ...] = ()
    elsewhere: str = ""

    def __bool__(self) -> bool:
        """Whether there is any file."""
        return bool(self.files)

    @property
    def closed(self) -> bool:
        """Whether no public index may be asked."""
        return any(one.closed_network for one in self.files)

    @property
    def indexes(self) -> tuple[str, ...] | None:
        """The indexes that all files allow, in the order of the first; None where none says."""
        lists = [one.indexes for one in self.files if one.indexes is not None]
        if not lists:
            return None
        others = [{reach.same(url) for url in urls} for urls in lists[1:]]
        kept = (url for url in lists[0] if all(reach.same(url) in allowed for allowed in others))
        return tuple(url for url in kept if self.allows(url))

    def instead(self) -> str:
        """The rule by which what the files name is asked instead of the usual index, "" where none says so."""
        closing = [one.told("closed_network", "true") for one in self.files if one.closed_network]
        naming = [one.told("indexes") for one in self.files if one.indexes is not None]
        return next(iter((*closing, *naming)), "")

    @property
    def limit(self) -> tuple[str, ...] | None:
        """The hosts that alone may be reached; None where every one may."""
        lists = [one.reach for one in self.files if one.reach is not None]
        return reduce(reach.common, lists) if lists else None

    def allows(self, place: str) -> bool:
        """Whether the host of *place* may be reached; this machine's own files always may."""
        return self._limiting(reach.host_of(place)) is None

    def _limiting(self, host: str) -> Rules | None:
        """The first file that forbids *host*."""
        limited = (one for one in self.files if one.reach is not None and host)
        return next((one for one in limited if not reach.within(host, one.reach or ())), None)

    def check_place(self, place: str, what: str = "") -> None:
        """Refuse a *place* (a URL, git's short form) on a host that may not be reached; *what* is said of it."""
        host = reach.host_of(place)
        rules = self._limiting(host)
        if rules is not None:
            raise self._forbidden(f"{what or reach.shown(place)} may not be used", rules, rules.limiting(), item=place)

    def check_named(self, place: str, what: str) -> None:
        """Refuse a *place* that somebody named, *what*, also where its host is reached for the sake of an index alone.

        What else lies on that host, another repository say, is no allowed index.
        """
        self.check_place(place, what)
        host = reach.host_of(place)
        for one in self.files if host else ():
            below = any(reach.same(place).startswith(f"{reach.same(index)}/") for index in one.indexes or ())
            if one.indexes is not None and not below and not reach.within(host, one.hosts or ()):
                raise self._forbidden(f"{what} may not be used", one, "indexes", item=place)

    def check_host(self, host: str, said: str) -> IndexForbidden | None:
        """The refusal in which *said*, a sentence of a fence on *host*, names the rule; None where no rule forbids it."""
        rules = self._limiting(reach.host_of(f"https://{host}"))
        return self._forbidden(said, rules, rules.limiting(), item=host) if rules else None

    def check_index(self, url: str) -> None:
        """Refuse the index *url* that is not among the allowed ones; a folder of this machine always is."""
        if reach.host_of(url):
            for one in self.files:
                if one.indexes is not None and reach.same(url) not in map(reach.same, one.indexes):
                    raise self._forbidden(f"the index {reach.shown(url)} may not be used", one, "indexes", item=url)
        self.check_place(url, f"the index {reach.shown(url)}")

    def _forbidden(self, sentence: str, rules: Rules, key: str, *, item: str) -> IndexForbidden:
        """The refusal by *key* of *rules*."""
        told = rules.told(key, "true" if key == "closed_network" else "")
        hint = "Leave it out, and what is allowed is asked."
        if rules.closed_network:
            hint = f"{hint} {self.elsewhere}."
        return IndexForbidden(f"{sentence}: {told}", hint=hint.strip(), item=reach.shown(item), rule=key)

    def sources(self, said: Sources, default: str) -> Sources:
        """*said* as far as it is allowed: allowed indexes stand in for the engine's own (*default*), and hosts are limited.

        Where its own may not be asked either there is none. Raises :class:`IndexForbidden` for an index or a page of links
        that somebody named and that is not allowed.
        """
        if not self.files:
            return said
        for url in () if said.no_index else said.indexes:
            self.check_index(url)
        for link in said.find_links:
            self.check_named(link, f"the links in {reach.shown(link)}")
        indexes, implied = said.indexes, said.implied and not said.no_index
        if implied and (self.closed or self.indexes is not None):
            indexes, implied = tuple(dict.fromkeys((*indexes, *(self.indexes or ())))), False
        elif implied:
            implied = self.allows(default or "https://")
        none = said.no_index or not (indexes or implied)
        return replace(said, indexes=indexes, implied=implied, no_index=none, limit=self.limit)

    def unasked(self, default: str, sentence: str) -> IndexForbidden | None:
        """The refusal for what is not found (*sentence*) where the engine's own index, *default*, may not be asked."""
        rules = self._limiting(reach.host_of(default or "https://"))
        if self.closed or self.indexes is not None or rules is None:
            return None
        said = f"{sentence}, and the engine's default index {reach.shown(default)} may not be used"
        refusal = self._forbidden(said, rules, rules.limiting(), item=default)
        hint = (
            f"Some index must be named in indexes of {rules.origin} (ask who looks after this machine); what the workspace "
            "has needs none: sessionpkgs workspace add FILE."
        )
        return IndexForbidden(refusal.sentence, hint=hint, item=refusal.item, rule=refusal.rule)

    def check_jar(self, place: str) -> None:
        """Refuse a jar, or a repository of jars, at the *place* (a URL) that is not allowed; a local file always is.

        Where a file lists repositories, these count and its hosts do not.
        """
        for one in self.files if place else ():
            key = _jars_key(one, place)
            if key == "jar_repositories":
                sentence = f"the jar repository {reach.shown(place)} may not be used: {one.told(key)}"
                raise PolicyError(sentence, hint=ASK, item=reach.shown(place), rule=key)
            if key:
                raise self._forbidden(f"{reach.shown(place)} may not be used", one, key, item=place)

    def check_conf(self, settings: Mapping[str, str]) -> None:
        """Refuse Spark's *settings* that have it fetch by itself from where jars may not come from.

        Coordinates need a repository that is named and allowed: Spark's own default is not. No value is told, for it may
        hold a secret. Raises :class:`PolicyError`.
        """
        for setting, place in conf.fetches(settings):
            for one in self.files:
                if key := _jars_key(one, place):
                    where = reach.host_of(place) if place else "the repositories that Spark has of its own"
                    told = one.told(key, "true" if key == "closed_network" else "")
                    raise PolicyError(
                        f"{setting} has Spark fetch from {where}, which may not be used: {told}",
                        hint=BY_WORKSPACE,
                        item=setting,
                        rule=key,
                    )

    def check_channels(self, channels: Iterable[str]) -> None:
        """Refuse conda *channels* that are not allowed."""
        for channel in channels:
            for one in self.files:
                if one.channels is not None and _channel(channel) not in map(_channel, one.channels):
                    raise PolicyError(
                        f"the channel {reach.shown(channel)} may not be used: {one.told('channels')}",
                        hint=ASK,
                        item=reach.shown(channel),
                        rule="channels",
                    )


def _jars_key(rules: Rules, place: str) -> str:
    """The key of *rules* that forbids jars from *place* ("" for wherever Spark looks), "" where they may come from there.

    Where a file lists repositories, these count and its hosts do not.
    """
    host = reach.host_of(place)
    if place and not host:
        return ""
    if rules.jar_repositories is not None:
        listed = place and any(_inside(place, url) for url in rules.jar_repositories)
        return "" if listed else "jar_repositories"
    return rules.limiting() if rules.reach is not None and not (host and reach.within(host, rules.reach)) else ""


def _channel(name: str) -> str:
    """The *name* or URL of a channel as two are compared, without the folder of a platform."""
    plain = re.sub(r"/(?:linux|osx|win|noarch)(?:-[\w]+)?/?$", "", name.strip().rstrip("/"))
    return reach.same(plain) if "://" in plain else plain.lower()


def _inside(place: str, repository: str) -> bool:
    """Whether the URL *place* is *repository* or lies in it."""
    whole, inner = reach.same(repository), reach.same(place)
    climbs = any(part in (".", "..") for part in inner.lower().replace("%2e", ".").split("/"))
    return inner == whole or (inner.startswith(f"{whole}/") and not climbs)
