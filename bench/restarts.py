"""Restarts in place, many of them: what is sent in between is answered, nothing piles up, and how long one takes.

``python bench/restarts.py [lost open stop time hook] [--python PYTHON] [--transport tcp|ipc|curve]``. It prints what was
promised and what came, and ends with 1 where a promise is broken. It needs no package index: the kernels run on PYTHON,
an environment that has sessionpkgs (this one by default).
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from measure import Series, environment, load, ms, table, times_longer

LOAD = "%load_ext sessionpkgs"
RESTART = "%session_env restart"
OPEN = "import os, threading; print(len(os.listdir('/proc/self/fd')), threading.active_count())"
HOOK = """
import statistics, timeit
shell = get_ipython()
watch = next(one.__self__ for one in shell.events.callbacks["post_run_cell"] if "sessionpkgs" in type(one.__self__).__module__)
class Cell: raw_cell = "x = 1\\n" * 20
class Done: error_in_exec = None
each = [t / 10000 for t in timeit.repeat(lambda: (watch.before(Cell), watch.after(Done), watch.pass_over(["x"])), number=10000, repeat=9)]
print(statistics.median(each))
"""
_WAIT = 120.0
MOMENTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)


class Client:
    """A kernel, and what its one client has heard: replies, texts and ends, each by the message's id."""

    def __init__(self, manager: KernelManager, env: dict[str, str], folder: Path) -> None:
        self.manager = manager
        manager.start_kernel(env=env, cwd=str(folder))
        self.connect()

    def connect(self) -> None:
        """A fresh client, once the kernel answers."""
        self.replies: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.ended: set[str] = set()
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=_WAIT)

    def end(self) -> None:
        """End client and kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def send(self, cell: str) -> str:
        """Send a cell; gives its message's id."""
        asked = str(self.client.execute(cell, allow_stdin=False))
        self.texts[asked] = ""
        return asked

    def wait(self, seconds: float = _WAIT) -> None:
        """Hear until everything that was sent is answered, or for *seconds*."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (self.texts.keys() <= self.replies.keys() & self.ended):
            self.hear(0.02)

    def hear(self, seconds: float) -> None:
        """Take a message of each channel."""
        for take, wait in ((self.client.get_iopub_msg, seconds), (self.client.get_shell_msg, 0.001)):
            try:
                message: Any = take(timeout=wait)
            except Empty:
                continue
            parent, content = message["parent_header"].get("msg_id"), message["content"]
            if parent not in self.texts:
                continue
            self.texts[parent] += content.get("text", "")
            if message["msg_type"].endswith("_reply"):
                self.replies[parent] = content.get("status", "")
            elif content.get("execution_state") == "idle":
                self.ended.add(parent)

    def run(self, cell: str) -> str:
        """What a cell printed; raises where it does not end well."""
        asked = self.send(cell)
        self.wait()
        if self.replies.get(asked) != "ok":
            raise RuntimeError(f"{cell}: {self.replies.get(asked, 'no reply')}")
        return self.texts[asked].strip()


def lost(kernel: Client, rounds: int) -> bool:
    """Cells that are sent at random moments before, while and after Python is restarted; nobody waits for an answer."""
    chance = random.Random(7)
    expected: dict[str, str] = {}
    for number in range(rounds):
        expected[kernel.send(RESTART)] = ""
        for part in range(chance.randrange(4, 20)):
            end = time.monotonic() + chance.choice((0.0, 0.0, 0.001, 0.01, 0.05, 0.1, 0.2))
            while time.monotonic() < end:
                kernel.hear(0.001)
            expected[kernel.send(f"print({number}, {part})")] = f"{number} {part}"
    kernel.wait(_WAIT + rounds * 5.0)
    missing = [one for one in expected if kernel.replies.get(one) != "ok"]
    wrong = [one for one, text in expected.items() if kernel.texts[one].strip() != text]
    print(
        f"  {rounds} restarts, {len(expected)} cells: {len(missing)} without a reply, {len(wrong)} with a wrong output"
    )
    return not missing and not wrong


def piled(kernel: Client, rounds: int) -> bool:
    """Descriptors and threads after the second restart and after *rounds* more."""
    for _ in range(2):
        kernel.run(RESTART)
    before = list(map(int, kernel.run(OPEN).split()))
    counts = []
    for _ in range(rounds):
        kernel.run(RESTART)
        counts.append(list(map(int, kernel.run(OPEN).split())))
    most = [max(column) for column in zip(*counts, strict=True)]
    print(f"  {rounds} restarts: descriptors {before[0]}, at most {most[0]}, at the end {counts[-1][0]};")
    print(f"  threads {before[1]}, at most {most[1]}, at the end {counts[-1][1]}")
    return counts[-1][0] <= before[0] + 2 and counts[-1][1] <= before[1] + 1  # one that comes and goes may be there


def stops(kernel: Client, _rounds: int) -> bool:
    """Stop, at eight moments of a restart: every cell is answered, and the kernel goes on."""
    fine = True
    for moment in MOMENTS:
        asked = [kernel.send(RESTART), kernel.send("print('next')")]
        end = time.monotonic() + moment
        while time.monotonic() < end:
            kernel.hear(0.001)
        kernel.manager.interrupt_kernel()
        kernel.wait()
        said = [kernel.replies.get(one, "nothing") for one in asked]
        again = kernel.run("print('on')")
        fine = fine and "nothing" not in said and again == "on"
        print(
            f"  Stop after {ms(moment)} ms: the cells end with {said[0]}, {said[1]}; the kernel {'goes on' if again else 'is mute'}"
        )
    return fine


def times(kernel: Client, rounds: int) -> bool:
    """A restart in place, up to its reply, against a restart by the menu, up to a kernel that is ready; in turn."""
    own, menu = Series("restart in place"), Series("restart by the menu")
    for _ in range(rounds):
        started = time.perf_counter()
        kernel.run(RESTART)
        own.add(time.perf_counter() - started)
        kernel.client.stop_channels()
        started = time.perf_counter()
        kernel.manager.restart_kernel(now=False)
        kernel.connect()
        menu.add(time.perf_counter() - started)
        kernel.run(LOAD)
    row = times_longer(own, menu, 1.0)
    print(f"  restart in place: median {ms(own.median)} ms, {own.spread()}")
    print(f"  restart by the menu: median {ms(menu.median)} ms, {menu.spread()}")
    print(table("restart", [row]))
    print(f"  ratio of the medians {own.median / menu.median:.2f} (goal: at most 1)")
    return own.median <= menu.median


def hook(kernel: Client, _rounds: int) -> bool:
    """What a cell that has nothing to do with packages pays for being watched."""
    took = float(kernel.run(HOOK))
    print(f"  hooks of one cell: {took * 1e6:.2f} us (goal: below 5)")
    return took < 5e-6


PARTS: dict[str, tuple[Callable[[Client, int], bool], int]] = {
    "lost": (lost, 80), "open": (piled, 100), "stop": (stops, 0), "time": (times, 10), "hook": (hook, 0),
}  # fmt: skip


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description="Restarts in place, on a real kernel.")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which; all by default")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each instead of 80, 100 and 10")
    parser.add_argument("--python", default=sys.executable, help="an environment with sessionpkgs (this one)")
    parser.add_argument("--transport", choices=["tcp", "ipc", "curve"], default="tcp")
    return parser.parse_args()


@contextmanager
def running(python: str, transport: str) -> Iterator[Client]:
    """A kernel of *python* in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="restarts-") as made:
        folder = Path(made)
        spec = folder / "kernels/bench"
        spec.mkdir(parents=True)
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(
            json.dumps(
                {
                    "argv": argv,
                    "display_name": "bench",
                    "language": "python",
                    "metadata": {"supported_encryption": "curve"},
                }
            )
        )
        specs = KernelSpecManager(kernel_dirs=[str(folder / "kernels")], ensure_native_kernel=False)
        more: dict[str, Any] = {"transport": "ipc", "ip": str(folder / "pipe")} if transport == "ipc" else {}
        if transport == "curve":
            more = {"transport_encryption": "required"}
        manager = KernelManager(kernel_name="bench", kernel_spec_manager=specs, **more)
        kernel = Client(manager, environment(folder, SESSIONPKGS_HOME=str(folder / "home")), folder)
        try:
            kernel.run(LOAD)
            yield kernel
        finally:
            kernel.end()


def main() -> None:
    """Run the parts and tell."""
    chosen = arguments()
    kept = True
    with running(chosen.python, chosen.transport) as kernel:
        print(
            kernel.run(
                "import ipykernel, sys; print('Python', sys.version.split()[0], 'ipykernel', ipykernel.__version__)"
            )
        )
        for name in chosen.parts or PARTS:
            work, rounds = PARTS[name]
            print(f"{name}, {chosen.transport} (load {load()}):", flush=True)
            fine = work(kernel, chosen.rounds or rounds)
            print("  kept" if fine else "  NOT KEPT", flush=True)
            kept = kept and fine
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
