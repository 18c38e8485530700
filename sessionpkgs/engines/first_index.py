"""Several indexes for pip, which mixes them and takes the highest version of all: here the first that has a name wins.

For the length of one call of pip a server on this machine is its only index. It asks the declared indexes in their order
and passes on the page of the first one that has the name; where one fails, none after it is asked, since else who can
make the first fail chooses what is installed. Files are pip's to fetch, from where the page says. It starts no process.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

from sessionpkgs.engines import page_links
from sessionpkgs.engines.pages import Pages
from sessionpkgs.errors import IndexUnavailable, SessionPkgsError
from sessionpkgs.settings import Sources

SECONDS = 55.0
"""For one name on all indexes: pip waits thrice 20 s for a page."""
THREAD = "sessionpkgs first index"
_POLL = 0.02
_HOME = "127.0.0.1"


@contextmanager
def opened(sources: Sources, env: Mapping[str, str]) -> Iterator[Route]:
    """A Route over the indexes of *sources*, with the proxies and certificates of *env*, for the length of the block."""
    route = Route(Pages(sources, env))
    thread = threading.Thread(
        target=route.server.serve_forever, kwargs={"poll_interval": _POLL}, daemon=True, name=THREAD
    )
    thread.start()
    try:
        yield route
    finally:
        route.pages.over.set()
        route.server.shutdown()
        route.server.server_close()


class Route:
    """The way from pip to the first index that has a name. ``url`` is what pip takes as its only index."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.errors: list[SessionPkgsError] = []
        """What went wrong on the way, in order; pip itself sees a page that is not there."""
        self.prefix = f"/{secrets.token_urlsafe(24)}"
        self.server = _server(self)
        self.host, self.port = (str(self.server.server_address[0]), int(self.server.server_address[1]))
        self.url = f"http://{self.host}:{self.port}{self.prefix}"
        self._lock = threading.Lock()
        self._looked: dict[str, Future[tuple[str, bytes] | None]] = {}
        self._winner: dict[str, str] = {}

    def look(self, name: str) -> tuple[str, bytes] | None:
        """Content type and body of the page for *name*, None where no index has it; each name is looked up once.

        Raises the error of the index that could not be asked.
        """
        with self._lock:
            first = name not in self._looked
            future = self._looked.setdefault(name, Future())
        if first:
            try:
                future.set_result(self._look(name))
            except SessionPkgsError as error:
                self.errors.append(error)
                future.set_exception(error)
            finally:
                future.cancel()  # nobody waits for ever, whatever happened
        return future.result()

    def _look(self, name: str) -> tuple[str, bytes] | None:
        """The answer for *name*, asked for now."""
        until = time.monotonic() + SECONDS
        for index in self.pages.indexes:
            self._winner[name] = index.page(name)  # whoever is asked last: it has the name, fails, or is the last
            if (page := self.pages.fetch(index, name, until)) is not None:
                return page_links.absolute(page)
        return None

    def direct(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variables that keep a proxy of *env* out of the way to here."""
        said = env.get("no_proxy") or env.get("NO_PROXY") or ""
        merged = ",".join(filter(None, (said, self.host)))
        return {"no_proxy": merged, "NO_PROXY": merged}

    def plain(self, text: str) -> str:
        """*text*, pip's output or log, as if pip had asked the indexes itself."""
        first = self.pages.indexes[0]
        text = re.sub(rf"{re.escape(self.url)}/([a-z0-9-]+)/?", self._asked, text)
        parts = urlsplit(first.url)
        pool = f"host='{parts.hostname}', port={parts.port or (443 if parts.scheme == 'https' else 80)}"
        text = text.replace(f"host='{self.host}', port={self.port}", pool)
        for own, theirs in ((self.url, first.url), (self.prefix, parts.path), (f"{self.host}:{self.port}", first.host)):
            text = text.replace(own, theirs)
        return text

    def _asked(self, match: re.Match[str]) -> str:
        """URL of the page that was asked for the name in *match*, on the index that decided."""
        return self._winner.get(match[1], self.pages.indexes[0].page(match[1]))


class _Handler(BaseHTTPRequestHandler):
    """Answers pip."""

    route: Route
    timeout: ClassVar[float | None] = 20.0

    def do_GET(self) -> None:
        """Give the page that the path names, 404 where no index has it or somebody else asks, 403 where one failed."""
        name = re.fullmatch(rf"{re.escape(self.route.prefix)}/([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)/", self.path)
        if name is None or _is_foreign(self.client_address[1], self.route.port):
            return self._answer(404)
        try:
            page = self.route.look(name[1])
        except SessionPkgsError:
            return self._answer(403)
        return self._answer(404) if page is None else self._answer(200, *page)

    def _answer(self, status: int, kind: str = "text/plain", body: bytes = b"") -> None:
        """Send one whole response that nobody keeps."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingTCPServer):
    """Answers in threads; a client that went away is none of its cares."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, handler: type[_Handler], failed: Callable[[SessionPkgsError], None]) -> None:
        self.failed = failed
        super().__init__((host, 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of pip that stopped waiting, and note everything else."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.failed(IndexUnavailable(f"the indexes could not be asked: {type(error).__name__}: {error}"))


def _server(route: Route) -> _Server:
    """A server on this machine, where Linux allows it at an address of its own, which no other variable may mean."""
    handler = type("Handler", (_Handler,), {"route": route})
    own = ".".join(("127", *(str(1 + secrets.randbelow(253)) for _ in range(3))))
    for host in (own, _HOME) if sys.platform == "linux" else (_HOME,):
        try:
            return _Server(host, handler, route.errors.append)
        except OSError:
            if host == _HOME:
                raise
    raise AssertionError


def _is_foreign(port: int, mine: int) -> bool:
    """Whether a connection from *port* of this machine to *mine* is of another user, as far as the system tells."""
    try:
        rows = Path("/proc/net/tcp").read_text(encoding="ascii")
    except OSError:
        return False
    row = re.search(rf"^ *\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:{mine:04X} (.*)$", rows, re.MULTILINE)
    return row is not None and int(row[1].split()[4]) not in {os.getuid(), os.geteuid()}
