"""Crowds: many real kernels that want the same at once, and many short sessions while somebody collects all the time.

Prints what was promised and what came, and ends with 1 where a promise is broken.
``python bench/crowd.py --kernels 50`` and ``python bench/crowd.py --sessions 1000 --keys 20``. With ``--control`` the
sessions run on a sessionpkgs that collects layers in use: then it ends with 1 where that is *not* noticed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess  # noqa: TID251 - sessions are programs
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bases import CHECKOUT, Base, make
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from kernels import Kernel
from measure import environment

sys.path.insert(0, str(CHECKOUT))
from tests.wheelhouse import Index, Wheelhouse

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

WHEELS = 40
CONTROL = "drop-lease"
"""The mutant of ``mutant_list.py`` that the control runs on."""
_WAIT = 300.0

MEMBER = """
import importlib, json, sys, time
from sessionpkgs import Session
started = time.perf_counter()
session = Session(identity=sys.argv[1])
record = session.declare(sys.argv[2])
took = time.perf_counter() - started
names = sys.argv[3].split()
found = [importlib.import_module(name).name for name in names]
time.sleep(float(sys.argv[4]))
late = [importlib.import_module(name + ".late").name for name in names]
print(json.dumps({"right": found == late == names, "source": record["source"], "seconds": took}))
"""

COLLECTOR = """
import os, sys, threading, traceback
from sessionpkgs.store import Store
from sessionpkgs.store.collecting import collect
store, over = Store(os.environ["SESSIONPKGS_HOME"]), threading.Event()
store.prepare()
threading.Thread(target=lambda: (sys.stdin.read(), over.set())).start()
rounds = failed = layers = 0
while not over.is_set():
    rounds += 1
    try:
        layers += collect(store, days=0).layers
    except Exception:
        failed += 1
        traceback.print_exc()
layers += collect(store, days=0).layers
print(rounds, failed, layers)
"""


@dataclass(slots=True)
class Verdict:
    """Promises, one line each, and whether all were kept."""

    kept: bool = True

    def say(self, what: str, promised: object, came: object) -> None:
        """Print one promise."""
        self.kept &= promised == came
        print(f"{what:45} promised {promised!s:>8}  came {came!s:>8}  {'yes' if promised == came else 'BROKEN'}")


@dataclass(slots=True)
class Tally:
    """What was asked of the index: bodies that were sent, by path, and requests of any kind."""

    bodies: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, request: BaseHTTPRequestHandler) -> bool:
        """Count *request* and let the index answer it."""
        with self.lock:
            self.requests += 1
            if request.command == "GET" and request.path.startswith("/files/"):
                self.bodies[request.path] += 1
        return False


def houses(folder: Path, count: int) -> Wheelhouse:
    """A wheelhouse of *count* small packages."""
    shutil.rmtree(folder, ignore_errors=True)
    made = Wheelhouse(folder)
    for number in range(count):
        text = f'name = "crowd_{number}"\n'
        files = {f"crowd_{number}/__init__.py": text, f"crowd_{number}/late.py": text}
        made.wheel(f"crowd-{number}", files=files)
    return made


def fresh(work: Path, name: str) -> Path:
    """An empty home."""
    home = work / "homes" / name
    shutil.rmtree(home, ignore_errors=True)
    home.parent.mkdir(parents=True, exist_ok=True)
    return home


def entries(home: Path, part: str) -> int:
    """Number of entries in one part of the store."""
    return len(list((home / part).iterdir()))


def together(base: Base, home: Path, count: int, cell: str) -> tuple[list[tuple[str, str]], float, Tally]:
    """*count* kernels that run *cell* at one moment: source and answer of each, and seconds until the last is done."""
    env = environment(base.work, SESSIONPKGS_HOME=str(home))
    folder = houses(base.work / "wheelhouse", WHEELS)
    tally, everybody = Tally(), threading.Barrier(count + 1)
    names = [f"crowd_{number}" for number in range(WHEELS)]
    check = f"import {', '.join(names)}\nprint([m.name for m in ({', '.join(names)},)] == {names!r})"

    def one(kernel: Kernel) -> tuple[str, str]:
        everybody.wait()
        try:
            source = kernel.cell(text).record()["source"]
            return source, kernel.cell(check).text.strip()
        except Exception as error:  # noqa: BLE001 - whatever it was, this kernel was not right
            return "failed", str(error)[-500:]

    with folder.index() as index, ExitStack() as stack:
        text = cell.format(url=index.url)
        watch(index, tally)
        kernels = [stack.enter_context(Member(base, env)) for _ in range(count)]
        for kernel in kernels:
            kernel.client.wait_for_ready(timeout=_WAIT)
            kernel.cell("%load_ext sessionpkgs")
        with ThreadPoolExecutor(count) as crowd:
            waiting = [crowd.submit(one, kernel) for kernel in kernels]
            everybody.wait()
            begun = time.perf_counter()
            results = [future.result(_WAIT) for future in waiting]
            took = time.perf_counter() - begun
    return results, took, tally


class Member(Kernel):
    """A kernel whose manager knows its ports and its process; it is waited for later than it is started."""

    def __init__(self, base: Base, env: dict[str, str]) -> None:
        folder = base.work / "kernels" / "crowd"
        folder.mkdir(parents=True, exist_ok=True)
        argv = [str(base.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "crowd", "language": "python"}))
        specs = KernelSpecManager(kernel_dirs=[str(folder.parent)], ensure_native_kernel=False)
        self.manager = KernelManager(kernel_name="crowd", kernel_spec_manager=specs)
        self.manager.start_kernel(cwd=str(base.work), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self.manager.blocking_client()
        self.client.start_channels()

    def __exit__(self, *_: object) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()


def watch(index: Index, tally: Tally) -> None:
    """Have *tally* count what *index* is asked."""
    index.faults["/"] = tally.note


def kernels(work: Path, count: int) -> bool:
    """*count* kernels on one cold store against one kernel on another."""
    base = make(work, "bare")
    asked = "\n".join(f"crowd-{number}" for number in range(WHEELS))
    cell = f"%%session_env\n--index-url {{url}}\n{asked}\n"
    _, alone, control = together(base, fresh(work, "control"), 1, cell)
    home = fresh(work, "crowd")
    results, took, tally = together(base, home, count, cell)
    said, verdict = Counter(source for source, _ in results), Verdict()
    print(f"\n{count} kernels, {WHEELS} wheels, one cold store: {dict(said)}")
    print(*sorted({answer for _, answer in results if answer != "True"}), sep="\n")
    verdict.say("kernels that have what they asked for", count, sum(answer == "True" for _, answer in results))
    verdict.say("installs", 1, said["built"])
    verdict.say("distributions", WHEELS, entries(home, "dists"))
    verdict.say("bodies of files, against one kernel's", control.bodies.total(), tally.bodies.total())
    verdict.say("left in the stage", 0, entries(home, "stage"))
    print(f"requests: {tally.requests}, one kernel {control.requests}")
    print(f"until the last one is done: {took:.1f} s, one kernel {alone:.1f} s, {took / alone:.1f} times")
    return verdict.kept


class Many(NamedTuple):
    """How many short sessions, of how many declarations, how many at once, and the seconds that each uses its layer."""

    count: int
    keys: int
    at_once: int
    hold: float


def sessions(work: Path, many: Many, mutant: str = "") -> bool:
    """Short sessions while a process collects all the time; what is left at the end, when nobody uses anything."""
    base, home = make(work, "bare", mutant), fresh(work, "sessions")
    folder = houses(work / "wheelhouse", many.keys + 2)
    env = environment(work, SESSIONPKGS_HOME=str(home))

    def one(number: int) -> dict[str, object]:
        names = [f"crowd_{number % many.keys + more}" for more in range(3)]
        text = "\n".join(("--no-index", f"--find-links {folder.folder}", *names)) + "\n"
        argv = [str(base.python), "-c", MEMBER, f"short-{number}", text, " ".join(names), str(many.hold)]
        done = subprocess.run(argv, env=env, cwd=work, capture_output=True, text=True, check=False, timeout=_WAIT)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
            return {"right": False, "source": "failed", "seconds": 0.0, "said": said[-1][:200]}
        return dict(json.loads(done.stdout))

    argv = [str(base.python), "-c", COLLECTOR]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    collector = subprocess.Popen(argv, env=env, cwd=work, text=True, **pipes)
    begun = time.perf_counter()
    with ThreadPoolExecutor(many.at_once) as pool:
        results = list(pool.map(one, range(many.count)))
    took = time.perf_counter() - begun
    said, complaints = collector.communicate(timeout=_WAIT)
    rounds, failed, gone = map(int, said.split()) if said else (0, 1, 0)
    verdict, sources = Verdict(), Counter(r["source"] for r in results)
    print(f"\n{many.count} sessions, {many.keys} declarations, {many.at_once} at once: {dict(sources)}")
    print(*Counter(r["said"] for r in results if "said" in r).most_common(5), complaints[-2000:], sep="\n")
    verdict.say("sessions that have what they asked for", many.count, sum(r["right"] is True for r in results))
    verdict.say("collections that failed", 0, failed)
    for part in ("stage", "trash", "layers", "dists", "sessions"):
        verdict.say(f"left in {part}", 0, entries(home, part))
    seconds = sorted(float(str(r["seconds"])) for r in results)
    print(f"{sources['built']} builds; {rounds} collections took {gone} layers; {took:.0f} s in all")
    print(
        f"a declaration: median {statistics.median(seconds):.2f} s, p99 {seconds[int(0.99 * (many.count - 1))]:.2f} s"
    )
    return verdict.kept


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernels", type=int, default=0, help="kernels on one cold store (50 where nothing is said)")
    parser.add_argument("--sessions", type=int, default=0, help="short sessions with collection in a loop")
    parser.add_argument("--keys", type=int, default=20, help="different declarations of the short sessions")
    parser.add_argument("--at-once", type=int, default=50, help="short sessions at a time")
    parser.add_argument("--hold", type=float, default=0.2, help="seconds that a short session uses what it has")
    parser.add_argument("--control", action="store_true", help="sessions on a sessionpkgs without the lease: must fail")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache" / "sessionpkgs-bench", help="work folder")
    said = parser.parse_args()
    said.work.mkdir(parents=True, exist_ok=True)
    kept = True
    many = Many(said.sessions or 200, said.keys, said.at_once, said.hold)
    if said.control:
        return 1 if sessions(said.work, many, CONTROL) else 0
    if said.kernels or not said.sessions:
        kept &= kernels(said.work, said.kernels or 50)
    if said.sessions:
        kept &= sessions(said.work, many)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
