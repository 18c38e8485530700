"""What a pool costs the start of a kernel: ``python bench/pool_start.py [--distributions 50] [--rounds 10] [--work FOLDER]``.

A plain kernel and a pool's kernel of one environment start in turn, A, B, A, B, from the start of the process to the
first reply. It ends with 1 where the goal is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess  # noqa: TID251 - a kernel is a program
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import tiny
import zmq
from bases import Base, make
from jupyter_client.connect import write_connection_file
from jupyter_client.session import Session
from measure import Row, Series, environment, figure, load, machine, run, table, times_longer

GOAL = 1.1
POOL = "bench"


def pool(base: Base, count: int) -> dict[str, str]:
    """Make the pool anew, of *count* tiny distributions; gives the environment for its kernels."""
    home = base.work / "homes" / "pool"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700, parents=True)
    env = environment(base.work, SESSIONPKGS_HOME=str(home), JUPYTER_DATA_DIR=str(home / "jupyter"))
    folder = base.work / "tiny"
    names = [wheel.name.split("-")[0].replace("_", "-") for wheel in tiny.wheels(folder, count)]
    asked = home / "requirements.txt"
    asked.write_text("\n".join(("--no-index", f"--find-links {folder}", *names)) + "\n", encoding="utf-8")
    run([base.python, "-m", "sessionpkgs.cli", "pool", "create", POOL, "--requirements", asked], env, base.work)
    return env


def reply(argv: Sequence[object], env: Mapping[str, str], cwd: Path, asked: str) -> tuple[float, str]:
    """Seconds from the start of the kernel *argv* to its first reply, and what the expression *asked* is there.

    The socket tries to connect a thousand times a second: at the ten times of a front end, what is measured is which of
    them comes next.
    """
    runtime = Path(env["JUPYTER_RUNTIME_DIR"])
    runtime.mkdir(parents=True, exist_ok=True)
    file, places = write_connection_file(str(runtime / f"start-{time.monotonic_ns()}.json"))
    session = Session(key=str(places["key"]).encode() if isinstance(places["key"], str) else places["key"])
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 1)
        started = time.perf_counter()
        kernel = subprocess.Popen(
            [str(word) for word in (*argv, "-f", file)], env=dict(env), cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            socket.connect(f"tcp://{places['ip']}:{places['shell_port']}")
            session.send(socket, "kernel_info_request", {})
            if not socket.poll(60_000):
                raise RuntimeError(f"no reply from {' '.join(map(str, argv))}")
            took = time.perf_counter() - started
            session.recv(socket, mode=0)
            session.send(socket, "execute_request", {"code": "", "silent": True, "user_expressions": {"asked": asked}})
            socket.poll(60_000)
            said = session.recv(socket)[1]["content"]["user_expressions"]["asked"]
            return took, str(said.get("data", said))
        finally:
            kernel.kill()
            kernel.wait()
            Path(file).unlink(missing_ok=True)


def compare(base: Base, count: int, rounds: int) -> list[Row]:
    """Start both in turn; the first round only warms what both read."""
    env = pool(base, count)
    plain, own = Series("plain kernel"), Series(f"kernel of a pool of {count}")
    root = env["SESSIONPKGS_HOME"]
    ways = (
        (plain, [base.python, "-m", "ipykernel_launcher"]),
        (own, [base.python, "-m", "sessionpkgs.jupyter.launch", "--pool", POOL, "--from", root]),
    )
    last = f"bench_tiny_{count - 1:03d}"
    for number in range(rounds + 1):
        for series, argv in ways:
            seconds, found = reply(argv, env, base.work, f"__import__('importlib').util.find_spec('{last}')")
            if (f"{root}/layers" in found) != (series is own):
                raise RuntimeError(f"{series.name}: {last} is {found}")
            if number:
                series.add(seconds)
    medians = Row("ratio of the medians", "", ratio=f"{own.median / plain.median:.2f}", goal=f"<= {GOAL:g}")
    medians.reached = own.median <= GOAL * plain.median
    return [figure(plain), figure(own), medians, times_longer(own, plain, GOAL, "median of the ratios of each round")]


def main() -> None:
    """Measure and print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--distributions", type=int, default=50)
    words.add_argument("--rounds", type=int, default=10)
    words.add_argument("--work", type=Path, default=Path("~/.cache/sessionpkgs-bench"), help="folder for what is made")
    chosen = words.parse_args()
    work = chosen.work.expanduser().resolve()
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    base = make(work, "bare")
    for name, value in machine(base.python, work).items():
        print(f"{name}: {value}")
    before = load()
    rows = compare(base, chosen.distributions, chosen.rounds)
    print(table(f"Start to first reply, {chosen.rounds} rounds, {os.cpu_count()} cores", rows))
    print(f"load {before} -> {load()}")
    sys.exit(0 if all(row.reached is not False for row in rows) else 1)


if __name__ == "__main__":
    main()
