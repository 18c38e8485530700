"""What a soak installs, and an index that answers badly now and then."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from bases import CHECKOUT

sys.path.insert(0, str(CHECKOUT))
from tests.wheelhouse import Index, Wheelhouse

RESET = struct.pack("ii", 1, 0)


def packages(folder: Path, count: int) -> Wheelhouse:
    """Wheels soak-0, soak-1 and so on: every second one has a script, every third a file outside its package."""
    shutil.rmtree(folder, ignore_errors=True)
    house = Wheelhouse(folder)
    for number in range(count):
        name = f"soak_{number}"
        text = f'name = "{name}"\n\n\ndef main():\n    print(name)\n'
        scripts = {"console_scripts": {f"soak-{number}": f"{name}:main"}} if number % 2 else None
        data = {f"share/soak/{number}": "x" * 5000} if number % 3 == 0 else None
        files = {f"{name}/__init__.py": text, f"{name}/late.py": "", f"{name}/noise.txt": f"noise {number}\n" * 20_000}
        house.wheel(f"soak-{number}", files=files, entry_points=scripts, data=data)
    return house


class Disturbed:
    """An index whose answers are an error, a reset or cut short, each *share* of the time taken together."""

    def __init__(self, house: Wheelhouse, seed: int, share: float) -> None:
        self.house, self.share = house, share
        self.said: Counter[str] = Counter()
        self._dice, self._turn = random.Random(seed), threading.Lock()

    @contextlib.contextmanager
    def open(self) -> Iterator[str]:
        """Give the index's URL for the length of the block."""
        with self.house.index() as index:
            self.index = index
            index.faults["/"] = self._answer
            yield index.url

    def _answer(self, request: BaseHTTPRequestHandler) -> bool:
        """Answer badly, or leave it to the index."""
        with self._turn:
            kind = self._dice.choice(("500", "reset", "cut")) if self._dice.random() < self.share else "well"
            self.said[kind] += 1
            self.index.requests.clear()
        if kind == "500":
            request.send_error(500)
        elif kind == "reset":
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            request.rfile.close()
            request.connection.close()
        elif kind == "cut":
            _cut(request, self.index)
        return kind != "well"


def _cut(request: BaseHTTPRequestHandler, index: Index) -> None:
    """The first half of what the index would say, under a heading that promises all of it."""
    status, body = index.page(request.path)
    request.send_response(status)
    request.send_header("Content-Type", "application/octet-stream" if "/files/" in request.path else "text/html")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    with contextlib.suppress(OSError):
        if request.command != "HEAD":
            request.wfile.write(body[: len(body) // 2])


def forget(home: Path) -> None:
    """Empty the engines' caches, so that they ask the index again."""
    for path in (home / "cache").iterdir():
        shutil.rmtree(path)
