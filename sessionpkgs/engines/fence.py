"""Hosts that the programs of an engine may reach, and a fence that keeps them from all others.

An index chooses where a redirect leads and where its files lie; only what was declared is asked. The fence is a proxy
that refuses everything, and a list of hosts that need no proxy. It cannot hold code that a build runs, it knows names
and no ports, and where a proxy is configured already, redirects are that proxy's business. It starts no process.
"""

from __future__ import annotations

import platform
import re
import selectors
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from sessionpkgs.engines import uv_config
from sessionpkgs.errors import DeadlineError, EngineMissing, IndexForbidden
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
THREAD = "sessionpkgs fence"
# 403 is what uv takes on some indexes for "not here": it would go on to the next one. This no engine passes over.
_REFUSAL = b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# A tunnel is opened and refused inside (TLS: fatal alert, access denied): uv asks thrice for one that is not opened.
_TUNNEL, _ALERT = b"HTTP/1.1 200 OK\r\n\r\n", bytes((21, 3, 3, 0, 2, 2, 49))
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"`)>\]]+")
_BUILD = re.compile(r"ailed to build|ailed building wheel|build backend returned|to build wheel did not run")
_LONGEST, _MOST, _HEAD, _END = 70, 99, 1 << 16, b"\r\n\r\n"


def _nothing() -> None:
    """Hear a tick and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Hosts that may be reached: those of ``names`` and their subdomains, or every one.

    ``declared`` are the places that a message names, with their port; ``chosen`` is what the setting ``hosts`` has.
    """

    names: frozenset[str] = frozenset()
    declared: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    everywhere: bool = False

    def allows(self, url: str) -> bool:
        """Whether what *url* names may be reached; a local file always may."""
        try:
            name = _plain(urlsplit(url).hostname or "")
        except ValueError:
            return self.everywhere
        return self.everywhere or not name or any(_is_below(name, one) for one in self.names)

    def check(self, pins: Iterable[Pin]) -> None:
        """Refuse *pins* that lie elsewhere. Raises :class:`IndexForbidden`."""
        away = [_place(pin.url) or pin.url for pin in pins if not self.allows(pin.url)]
        if away:
            raise self.refusal(away)

    def refusal(self, wanted: Sequence[str], said: str = "") -> IndexForbidden:
        """The error for hosts that were *wanted* in vain, by a program that *said* (its output) where it came from."""
        told = (_place(url) for url in _URL.findall(said))
        asked = next((host for host in told if host in self.declared), ", ".join(self.declared)) or "a local file"
        lead = "the code that a build runs turns" if _BUILD.search(said) else f"{show(asked, _LONGEST)} sends us"
        names = [*self.chosen, *(_name(one) or one for one in wanted)]
        return IndexForbidden(
            f"{lead} to {show(wanted[0], _LONGEST)}, and nobody declared that host",
            hint=f"If you trust it, add it to the setting `hosts` (SESSIONPKGS_HOSTS={show(','.join(dict.fromkeys(names)), 300)}).",
            item=show(wanted[0]),
        )


def allowed(sources: Sources, places: Iterable[str] = ()) -> Hosts:
    """Hosts of *sources*, of the URLs in *places* (lines of a declaration, URLs of pins), and what belongs to those.

    Every host is allowed where the setting says ``*``, and where the engine's own index counts and nobody tells its name.
    """
    implied = sources.implied and not sources.no_index
    urls = [*([] if sources.no_index else sources.indexes), *([uv_config.default_index()] if implied else [])]
    urls += [url for place in (*sources.find_links, *places) for url in _URL.findall(place)]
    declared = [host for url in urls if (host := _place(url))]
    written = [_place(one) if "://" in one else one.removeprefix("*.") for one in sources.hosts]
    names = {_name(one) for one in (*declared, *sources.trusted_hosts, *written)} - {""}
    public = uv_config.default_files()
    known = COMPANIONS | public
    beside = {more for name in names for host in known if _is_below(name, host) for more in known[host]}
    beside |= {*public.get(_place(uv_config.default_index()), ())} if names & _WITH_PUBLIC_FILES else set()
    return Hosts(
        names=frozenset(names | beside),
        declared=tuple(dict.fromkeys(declared)),
        chosen=tuple(one for one in written if one != "*"),
        everywhere="*" in sources.hosts or (implied and not uv_config.default_index()),
    )


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
        """What *argv* printed. Raises :class:`IndexForbidden` where it failed and was refused a host."""
        if _has_proxy(env):
            return self._runner(argv, env=env, cwd=cwd, deadline=deadline, tick=tick)
        with _listening(argv[0]) as refusing:
            try:
                told = {**env, **self._variables(refusing.url, env)}
                done = self._runner(argv, env=told, cwd=cwd, deadline=deadline, tick=tick)
            except DeadlineError:
                if not refusing.wanted:
                    raise
                raise self._hosts.refusal([*refusing.wanted]) from None
        if done.code != 0 and refusing.wanted:
            raise self._hosts.refusal([*refusing.wanted], done.stderr + done.stdout)
        return done

    def _variables(self, proxy: str, env: Mapping[str, str]) -> dict[str, str]:
        """The variables that lead to *proxy* for all but our hosts, and what an engine put into *env* beside them.

        The names are upper-case: pip before 26.3 takes ``evilexample.org`` for ``example.org`` else (its ``requests``
        compares ends), and everyone compares them without regard to case.
        """
        from os import environ

        direct = ",".join((*sorted(name.upper() for name in self._hosts.names), _own(env, environ)))
        said = {"http_proxy": proxy, "https_proxy": proxy, "all_proxy": proxy, "no_proxy": direct.strip(",")}
        return said | {name.upper(): value for name, value in said.items()}


class _Refusing:
    """Answers all that comes to a port of this machine with a refusal; ``wanted`` are the hosts, each once, in order."""

    def __init__(self, server: socket.socket, woken: socket.socket, waiting: selectors.BaseSelector) -> None:
        self.wanted: dict[str, None] = {}
        host, port = server.getsockname()
        self.url = f"http://{host}:{port}"
        self._server, self._woken, self._waiting = server, woken, waiting
        self._heads: dict[socket.socket, bytearray] = {}
        for one in (server, woken):
            one.setblocking(False)
            waiting.register(one, selectors.EVENT_READ)

    def serve(self) -> None:
        """Answer until we are woken."""
        while self._woken not in (ready := [key.fileobj for key, _ in self._waiting.select()]):
            for one in ready:
                if one is self._server:
                    self._welcome()
                elif isinstance(one, socket.socket) and not self._hear(one):
                    self._waiting.unregister(one)
                    one.close()
        for key in [*self._waiting.get_map().values()]:
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()

    def _welcome(self) -> None:
        """Let somebody in."""
        with suppress(OSError):  # who went away wants nothing
            client = self._server.accept()[0]
            client.setblocking(False)
            self._waiting.register(client, selectors.EVENT_READ)
            self._heads[client] = bytearray()

    def _hear(self, client: socket.socket) -> bool:
        """Take what *client* sent; whether more is to come."""
        with suppress(OSError):
            chunk = client.recv(_HEAD)
            head = self._heads[client]
            if head.endswith(_END):  # what comes in the tunnel
                client.send(_ALERT)
                return False
            head += chunk
            return self._answer(client, head) if _END in head else bool(chunk) and len(head) < _HEAD
        return False

    def _answer(self, client: socket.socket, head: bytearray) -> bool:
        """Note and refuse the request *head* of *client*; whether a tunnel was opened that is refused later."""
        self._note(head.partition(b"\r\n")[0].decode("latin-1"))
        tunnel = head.startswith(b"CONNECT ") and head.endswith(_END)
        client.send(_TUNNEL if tunnel else _REFUSAL)
        return tunnel

    def _note(self, line: str) -> None:
        """Keep the host that the request *line* is for: ``CONNECT host:port`` or ``GET http://host/…``."""
        _, _, target = line.partition(" ")
        target = target.partition(" ")[0]
        host = _place(target if "://" in target else f"//{target}").removesuffix(":443")
        if host and len(self.wanted) < _MOST:
            self.wanted[host] = None


@contextmanager
def _listening(program: str) -> Iterator[_Refusing]:
    """A :class:`_Refusing` that listens for the length of the block, in a thread. Raises :class:`EngineMissing`."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
            wake, woken = (stack.enter_context(one) for one in socket.socketpair())
            refusing = _Refusing(server, woken, stack.enter_context(selectors.DefaultSelector()))
        except OSError as error:
            raise EngineMissing(
                f"{program} cannot be started behind a fence: {error.strerror}",
                hint="SESSIONPKGS_HOSTS=* leaves the fence out.",
                item=program,
            ) from None
        thread = threading.Thread(target=refusing.serve, daemon=True, name=THREAD)
        thread.start()
        try:
            yield refusing
        finally:
            wake.send(b".")
            thread.join()


def _has_proxy(env: Mapping[str, str]) -> bool:
    """Whether programs with *env* go through a proxy of the user's own."""
    if any(value and name.lower() in _PROXIES for name, value in env.items()):
        return True
    if platform.system() != "Darwin":
        return False
    from urllib.request import getproxies  # macOS has proxies in its own settings, which engines read

    return bool(_PROXIES & {f"{scheme}_proxy" for scheme in getproxies()})


def _own(env: Mapping[str, str], users: Mapping[str, str]) -> str:
    """What an engine added to the ``no_proxy`` of the *users*, such as the place of a server of its own."""
    said, before = (one.get("no_proxy") or one.get("NO_PROXY") or "" for one in (env, users))
    return said.removeprefix(before).strip(",")


def _place(url: str) -> str:
    """Host and port that *url* names, without a login; empty where it names none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


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
