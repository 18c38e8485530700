"""Real kernels: started from a base's interpreter, cells timed from the request to idle and reply."""

from __future__ import annotations

import statistics
import subprocess  # noqa: TID251 - a kernel is a program
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

MIME = "application/vnd.sessionpkgs.env.v1+json"
_WAIT = 300.0
_SETTLE = 0.5
"""Seconds between a kernel's start and its first cell: its threads start late, and nobody types faster."""


@dataclass(slots=True)
class Cell:
    """One executed cell: seconds, what it printed, the bundles that it displayed."""

    seconds: float
    text: str = ""
    bundles: list[dict[str, Any]] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """The project's record in the output; the cell must have shown one."""
        found = [bundle[MIME] for bundle in self.bundles if MIME in bundle]
        if not found:
            raise RuntimeError(f"the cell showed no record: {self.text[-2000:]}")
        last: dict[str, Any] = found[-1]
        return last


class Kernel:
    """A fresh kernel of *python*, ended at the end of the block."""

    def __init__(self, python: Path, env: Mapping[str, str], cwd: Path) -> None:
        runtime = Path(env["JUPYTER_RUNTIME_DIR"])
        runtime.mkdir(parents=True, exist_ok=True)
        self.file, _ = write_connection_file(str(runtime / f"bench-{time.monotonic_ns()}.json"))
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [str(python), "-m", "ipykernel_launcher", "-f", self.file],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = BlockingKernelClient(connection_file=self.file)
        self.client.load_connection_file()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.ready = time.perf_counter() - started
        time.sleep(_SETTLE)

    def __enter__(self) -> Kernel:
        """This kernel."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        Path(self.file).unlink(missing_ok=True)

    def cell(self, code: str) -> Cell:
        """Execute *code*; the clock runs from the request until both idle and reply are here. A failed cell raises."""
        done = Cell(0.0)
        started = time.perf_counter()
        asked = self.client.execute(code, store_history=True)
        while self._hear(asked, done):
            pass
        reply = self.client.get_shell_msg(timeout=_WAIT)
        while reply["parent_header"].get("msg_id") != asked:
            reply = self.client.get_shell_msg(timeout=_WAIT)
        done.seconds = time.perf_counter() - started
        if reply["content"]["status"] != "ok":
            raise RuntimeError(
                f"{code}\n{reply['content'].get('ename')}: {reply['content'].get('evalue')}\n{done.text}"
            )
        return done

    def _hear(self, asked: str, done: Cell) -> bool:
        """Take one message of the cell *asked*; False once the kernel is idle again."""
        message = self.client.get_iopub_msg(timeout=_WAIT)
        if message["parent_header"].get("msg_id") != asked:
            return True
        content = message["content"]
        if message["msg_type"] == "stream":
            done.text += content["text"]
        elif message["msg_type"] in {"display_data", "update_display_data", "execute_result"}:
            done.bundles.append(content["data"])
        return not (message["msg_type"] == "status" and content["execution_state"] == "idle")

    def empty(self, times: int = 5) -> list[float]:
        """Seconds of *times* empty cells, after one that pays for what every first cell pays for."""
        return [self.cell("pass").seconds for _ in range(times + 1)][1:]


def middle(values: list[float]) -> float:
    """Median."""
    return statistics.median(values)
