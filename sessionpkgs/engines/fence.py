"""Hosts that the programs of an engine may reach, and a fence that keeps them from all others.

An index chooses where a redirect leads and where its files lie; only what was declared is asked. The fence is a proxy
that refuses everything, and a list of hosts that need no proxy. It cannot hold code that a build runs, it knows names
and no ports, and where a proxy is configured already, redirects are that proxy's business. It starts no process.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sessionpkgs.engines import fence_git, proxies, uv_config
from sessionpkgs.engines.refusing import Gate, Refusing, listening, place_of
from sessionpkgs.errors import DeadlineError, IndexForbidden, IndexUnavailable
from sessionpkgs.formats.wording import show
from sessionpkgs.model import Pin
from sessionpkgs.process import Completed, Runner
from sessionpkgs.settings import Sources

COMPANIONS = {
    "github.com": (
        "codeload.github.com", "objects.githubusercontent.com", "release-assets.githubusercontent.com",
        "raw.githubusercontent.com",
    ),
    "download.pytorch.org": ("download-r2.pytorch.org",),
    "www.piwheels.org": ("archive1.piwheels.org",),
    "pkgs.dev.azure.com": ("blob.core.windows.net", "vsblob.vsassets.io"),
    "pkgs.visualstudio.com": ("blob.core.windows.net", "vsblob.vsassets.io"),
}  # fmt: skip
"""Hosts to which well-known ones, and those below them, send for their files."""
_WITH_PUBLIC_FILES = frozenset({"download.pytorch.org"})  # its pages list the public index's own files too
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"`)>\]]+")
_BUILD = re.compile(r"ailed to build|ailed building wheel|build backend returned|to build wheel did not run")
_GIT = re.compile(r"git (?:clone|fetch|submodule)\b|into submodule path")
_LONGEST, _FEW = 70, 4


def _nothing() -> None:
    """Hear a tick and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Hosts that may be reached: those of ``names`` and their subdomains, or every one.

    ``declared`` are the places that a message names, with their port; ``chosen`` is what the setting ``hosts`` has. Where
    a policy sets a ``limit`` it holds the names that it leaves, ``names`` lie within it and ``barred`` are declared places
    that do not. ``ssh`` tells whether a declared place is reached so.
    """

    names: frozenset[str] = frozenset()
    declared: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    everywhere: bool = False
    limit: frozenset[str] | None = None
    barred: tuple[str, ...] = ()
    ssh: bool = False

    def allows(self, url: str) -> bool:
        """Whether what *url* names may be reached; a local file always may."""
        try:
            name = _plain(urlsplit(url).hostname or "")
        except ValueError:
            return self.everywhere
        return self.everywhere or not name or any(_is_below(name, one) for one in self.names)

    def admit(self) -> None:
        """Refuse places that are declared and lie outside the limit. Raises :class:`IndexForbidden`."""
        if self.barred:
            raise self._outside(self.barred[0])

    def closed(self, url: str, asked: str = "") -> IndexForbidden | None:
        """The error for *url*, to which *asked* maybe sends us, where a limit keeps us from it; None where none does."""
        if self.limit is None or self.allows(url):
            return None
        return self._outside(place_of(url) or url, f"{show(place_of(asked), _LONGEST)} sends us" if asked else "")

    def _outside(self, place: str, lead: str = "") -> IndexForbidden:
        """The error for a *place* outside the limit, to which *lead* tells who leads."""
        shown, few = show(place, _LONGEST), sorted(self.limit or ())
        more = f" and {len(few) - _FEW} more" if len(few) > _FEW else ""
        left = f"Only {', '.join(few[:_FEW])}{more} may be reached here" if few else "No host may be reached here"
        return IndexForbidden(
            f"{lead} to {shown}, which the policy does not allow" if lead else f"the policy does not allow {shown}",
            hint=f"{left}; `sessionpkgs closure` lists what to bring in.",
            item=show(place),
        )

    def check(self, pins: Iterable[Pin]) -> None:
        """Refuse *pins* that lie elsewhere. Raises :class:`IndexForbidden`."""
        self.admit()
        away = [place_of(pin.url) or pin.url for pin in pins if not self.allows(pin.url)]
        if away:
            raise self.refusal(away)

    def refusal(self, wanted: Sequence[str], said: str = "") -> IndexForbidden:
        """The error for hosts that were *wanted* in vain, by a program that *said* (its output) where it came from."""
        told = (place_of(url) for url in _URL.findall(said))
        asked = next((host for host in told if host in self.declared), ", ".join(self.declared)) or "a local file"
        builds = _BUILD.search(said) is not None and _GIT.search(said) is None
        lead = "the code that a build runs turns" if builds else f"{show(asked, _LONGEST)} sends us"
        if self.limit is not None and not any(_is_below(_name(wanted[0]), one) for one in self.limit):
            return self._outside(wanted[0], "" if wanted[0] in self.declared else lead)
        names = [*self.chosen, *(_name(one) or one for one in wanted)]
        return IndexForbidden(
            f"{lead} to {show(wanted[0], _LONGEST)}, and nobody declared that host",
            hint=f"If you trust it, add it to the setting `hosts` (SESSIONPKGS_HOSTS={show(','.join(dict.fromkeys(names)), 300)}).",
            item=show(wanted[0]),
        )


def allowed(sources: Sources, places: Iterable[str] = (), kept: Iterable[str] = ()) -> Hosts:
    """Hosts of *sources*, of the URLs in *places* (lines of a declaration, URLs of pins), and what belongs to those.

    Every host is allowed where the setting says ``*``, and where the engine's own index counts and nobody tells its name.
    Where a policy sets a limit, what lies outside it is not allowed in any case; a place there is refused by name, but
    for those *kept*: URLs of what is here already, which are asked for only where the store has lost it.
    """
    kept = tuple(kept)
    implied = sources.implied and not sources.no_index
    urls = [*([] if sources.no_index else sources.indexes), *([uv_config.default_index()] if implied else [])]
    urls += [url for place in (*sources.find_links, *places, *kept) for url in _URL.findall(place)]
    declared = [host for url in urls if (host := place_of(url))]
    quiet = {place_of(uv_config.default_index())} if implied else set()
    quiet |= {place_of(url) for url in kept}
    written = [_host_written(one) for one in sources.hosts]
    names = {_name(one) for one in (*declared, *sources.trusted_hosts, *written)} - {""}
    public = uv_config.default_files()
    known = COMPANIONS | public
    beside = {more for name in names for host in known if _is_below(name, host) for more in known[host]}
    beside |= {*public.get(place_of(uv_config.default_index()), ())} if names & _WITH_PUBLIC_FILES else set()
    open_ = Hosts(
        names=frozenset(names | beside),
        declared=tuple(dict.fromkeys(declared)),
        chosen=tuple(one for one in written if one != "*"),
        everywhere="*" in sources.hosts or (implied and not uv_config.default_index()),
        ssh=any("ssh://" in url for url in urls),
    )
    return open_ if sources.limit is None else _within(open_, sources.limit, quiet)


def _within(hosts: Hosts, limit: Iterable[str], quiet: Container[str]) -> Hosts:
    """*hosts* as far as the *limit* leaves them; *quiet* are places outside it that nobody has declared now."""
    left = frozenset(name for one in limit if (name := _name(_host_written(one))))
    names = left if hosts.everywhere else hosts.names
    inner = {name for name in names if any(_is_below(name, top) for top in left)}
    inner |= {top for top in left if any(_is_below(top, name) for name in names)}
    barred = tuple(
        one for one in hosts.declared if one not in quiet and not any(_is_below(_name(one), name) for name in inner)
    )
    return replace(hosts, names=frozenset(inner), everywhere=False, limit=left, barred=barred)


def _host_written(one: str) -> str:
    """The host, maybe with its port, in an entry of a list of hosts."""
    return place_of(one) if "://" in one else one.removeprefix("*.")


def fenced(runner: Runner, hosts: Hosts) -> Runner:
    """*runner*, whose programs reach *hosts* alone."""
    return runner if hosts.everywhere else _Fenced(runner, hosts)


class _Fenced:
    """A runner that tells its programs of a proxy which refuses them."""

    def __init__(self, runner: Runner, hosts: Hosts) -> None:
        self._runner, self._hosts = runner, hosts

    def __call__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str,
        deadline: float,
        tick: Callable[[], None] = _nothing,
    ) -> Completed:
        """What *argv* printed. Raises :class:`IndexForbidden` where it failed and was refused a host, or named one."""
        self._hosts.admit()
        proxied = bool(proxies.configured(env))
        if proxied and self._hosts.limit is None:
            return self._runner(argv, env=env, cwd=cwd, deadline=deadline, tick=tick)
        with self._gate(argv[0], env, proxied=proxied) as gate, self._git(gate.url, env) as git:
            try:
                told = {**env, **self._variables(gate.url, env, proxied=proxied), **git}
                done = self._runner(argv, env=told, cwd=cwd, deadline=deadline, tick=tick)
            except DeadlineError:
                if not gate.wanted:
                    raise
                raise self._hosts.refusal([*gate.wanted]) from None
        if done.code != 0 and (wanted := [*gate.wanted, *fence_git.refused(done.stderr + done.stdout)]):
            raise self._hosts.refusal(wanted, done.stderr + done.stdout)
        for sentence, hint in gate.failed.items() if done.code != 0 else ():
            raise IndexUnavailable(sentence, hint=hint, item=argv[0])
        return done

    def _gate(self, program: str, env: Mapping[str, str], *, proxied: bool) -> AbstractContextManager[Gate]:
        """What stands before the network: a relay where the user has a proxy, else a proxy that refuses all."""
        if not proxied:
            return listening(program, Refusing)
        from sessionpkgs.engines.relay import Relay

        return listening(program, functools.partial(Relay, allows=self._hosts.allows, env=env))

    def _variables(self, proxy: str, env: Mapping[str, str], *, proxied: bool) -> dict[str, str]:
        """The variables that lead to *proxy* for all but our hosts, and what an engine put into *env* beside them.

        The names are upper-case: pip before 26.3 takes ``evilexample.org`` for ``example.org`` else (its ``requests``
        compares ends), and everyone compares them without regard to case. Where a proxy of the user's own is behind
        ours, our hosts go there too.
        """
        from os import environ

        names = () if proxied else sorted(name.upper() for name in self._hosts.names)
        direct = ",".join((*names, _own(env, environ)))
        said = {"http_proxy": proxy, "https_proxy": proxy, "all_proxy": proxy, "no_proxy": direct.strip(",")}
        return said | {name.upper(): value for name, value in said.items()}

    @contextmanager
    def _git(self, proxy: str, env: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """The variables that keep git within a limit, for the length of the block."""
        if self._hosts.limit is None:
            yield {}
        elif not self._hosts.ssh:
            yield fence_git.variables(proxy, ssh=False)
        else:
            from tempfile import TemporaryDirectory

            with TemporaryDirectory(dir=env.get("TMPDIR"), ignore_cleanup_errors=True) as folder:
                yield {
                    **fence_git.variables(proxy, ssh=True),
                    **fence_git.over_ssh(folder, self._hosts.names, env),
                }


def _own(env: Mapping[str, str], users: Mapping[str, str]) -> str:
    """What an engine added to the ``no_proxy`` of the *users*, such as the place of a server of its own."""
    said, before = (one.get("no_proxy") or one.get("NO_PROXY") or "" for one in (env, users))
    return said.removeprefix(before).strip(",")


def _name(host: str) -> str:
    """The name alone of a *host* that may have a port."""
    try:
        return _plain(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return ""


def _is_below(name: str, host: str) -> bool:
    """Whether *name* is *host* or a name below it."""
    return name == host or name.endswith(f".{host}")


def _plain(name: str) -> str:
    """*name* as a request has it."""
    with suppress(UnicodeError):
        return name.lower() if name.isascii() else name.encode("idna").decode()
    return name.lower()
