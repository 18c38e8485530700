"""Real declarations, damaged: each gives a Spec or a SpecError within a second, whatever was done to it.

``python bench/fuzz.py --seconds 600``: takes the texts of the corpus (``SESSIONPKGS_CORPUS``, or ``../shared/corpus``
beside the checkout; without one, two texts of its own), deletes, doubles and swaps lines, flips bytes, splices two
files, and reads what comes of it. Prints how often each outcome came, the slowest example and the peak of memory. Ends
with 1 after anything but a Spec or a SpecError, or after an example that took the processor longer than a second.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, read

HERE = Path(__file__).resolve().parents[1]
CORPUS = Path(os.environ.get("SESSIONPKGS_CORPUS", HERE.parent / "shared" / "corpus"))
LIMIT = 1.0
OWN = [
    (
        b"name: x\nchannels: [conda-forge]\nvariables:\n  A: 1\ndependencies:\n  - python=3.11\n  - numpy=1.26=py_0\n"
        b"  - sel(linux): rich\n  - pywin32  # [win]\n  - pip:\n    - --no-deps\n    - demo @ https://h.example/d.zip\n"
    ),
    (
        b"-i https://h.example/s\n-c c.txt\nnumpy==1.0 \\\n  --hash=sha256:"
        + b"a" * 64
        + b"\n-e ./x\nfoo; os_name=='x'\n"
    ),
]


def texts() -> list[bytes]:
    """The texts to begin with."""
    found = [path.read_bytes() for kind in ("env", "req") for path in sorted((CORPUS / kind).glob("*.*"))]
    return found or OWN


def damaged(pool: list[bytes], dice: random.Random) -> bytes:
    """One of *pool* after one to eight accidents."""
    text = dice.choice(pool)
    for _ in range(dice.randint(1, 8)):
        text = dice.choice(ACCIDENTS)(text, pool, dice)
    return text


def _delete(text: bytes, _: list[bytes], dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    del lines[dice.randrange(len(lines))]
    return b"\n".join(lines)


def _double(text: bytes, _: list[bytes], dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at:at] = [lines[at]] * dice.choice([1, 1, 1, 2, 50])
    return b"\n".join(lines)


def _swap(text: bytes, _: list[bytes], dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    one, two = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _indent(text: bytes, _: list[bytes], dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at] = dice.choice([b" " + lines[at], lines[at].lstrip(), b"\t" + lines[at], b"  - " + lines[at]])
    return b"\n".join(lines)


def _flip(text: bytes, _: list[bytes], dice: random.Random) -> bytes:
    if not text:
        return text
    at = dice.randrange(len(text))
    return text[:at] + bytes([text[at] ^ 1 << dice.randrange(8)]) + text[at + 1 :]


def _insert(text: bytes, _: list[bytes], dice: random.Random) -> bytes:
    at = dice.randrange(len(text) + 1)
    piece = dice.choice(SCRAPS) * dice.choice([1, 1, 1, 3, 400])
    return text[:at] + piece + text[at:]


def _splice(text: bytes, pool: list[bytes], dice: random.Random) -> bytes:
    other = dice.choice(pool)
    return text[: dice.randrange(len(text) + 1)] + other[dice.randrange(len(other) + 1) :]


ACCIDENTS = (_delete, _double, _swap, _indent, _flip, _flip, _insert, _splice)
SCRAPS = tuple(
    piece.encode()
    for piece in (
        *(
            ":",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "(",
            ")",
            "=",
            "==",
            ">",
            "<",
            "|",
            "~",
            "*",
            ",",
            ";",
            "@",
            "#",
            "&",
            "!",
            "%",
            "\\",
        ),
        *(
            '"',
            "'",
            "\n",
            "\r",
            "\t",
            "\u00a0",
            "\u200b",
            "“",
            "é",
            "\x00",
            "${A}",
            "::",
            "[win]",
            "sel(linux):",
            "pip:",
        ),
        *("-r ", "-e ", "--hash=", "; os_name == 'x'", "git+https://", "file:///", "#egg=", "dependencies:", "9" * 30),
    )
)


def main() -> int:
    """Run for as long as was asked; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    pool, dice = texts(), random.Random(asked.seed)
    origin = Origin(folder=str(CORPUS / "req"), open=lambda path: Path(path).read_bytes(), variables={"A": "x y"})
    counts: Counter[str] = Counter()
    slowest, longest, until = 0.0, b"", time.monotonic() + asked.seconds
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while time.monotonic() < until:
        text = damaged(pool, dice)
        began = time.process_time()
        counts[_outcome(text, origin)] += 1
        if (took := time.process_time() - began) > slowest:
            slowest, longest = took, text
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    per_mib = 2**20 if sys.platform == "darwin" else 2**10
    listed = ", ".join(f"{name} {number}" for name, number in counts.most_common())
    print(
        f"seed {asked.seed}, {len(pool)} texts, {sum(counts.values())} examples: {listed}; slowest {slowest:.3f} s of CPU "
        f"({len(longest)} bytes), peak {peak / per_mib:.0f} MiB, {(peak - start) / per_mib:.0f} more than at the start"
    )
    if slowest > LIMIT:
        sys.stdout.write(f"slowest example: {longest[:2000]!r}\n")
    return int(slowest > LIMIT or not counts.keys() <= {"Spec", "SpecError"})


def _outcome(text: bytes, origin: Origin) -> str:
    """Name of what came of *text*; a fault is printed, with the text that made it."""
    try:
        read(text, origin=origin)
    except SpecError as error:
        return "SpecError" if error.sentence and error.hint else "SpecError without a hint"
    except Exception as error:  # noqa: BLE001 - to find such errors is what this file is for
        traceback.print_exc()
        print(f"of the text {text!r}", file=sys.stderr)
        return type(error).__name__
    return "Spec"


if __name__ == "__main__":
    sys.exit(main())
