"""Tiny wheels made by hand, to make a base of many distributions: each has a module, METADATA and a RECORD.

It does not install them.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

_METADATA = """\
Metadata-Version: 2.1
Name: bench-tiny-{number:03d}
Version: 1.{number}
Summary: One of many tiny distributions
Requires-Python: >=3.10
{requires}
A tiny distribution.
"""
_WHEEL = "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheels(folder: Path, count: int) -> list[Path]:
    """*count* wheels in *folder*; every one but the first requires the one before it."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_wheel(folder, number) for number in range(count)]


def _wheel(folder: Path, number: int) -> Path:
    """One wheel, made once."""
    name, info = f"bench_tiny_{number:03d}", f"bench_tiny_{number:03d}-1.{number}.dist-info"
    path = folder / f"{name}-1.{number}-py3-none-any.whl"
    if path.exists():
        return path
    requires = f"Requires-Dist: bench-tiny-{number - 1:03d}>=1\n" if number else ""
    files = {
        f"{name}/__init__.py": f'"""Tiny module {number}."""\n\nNUMBER = {number}\n',
        f"{info}/METADATA": _METADATA.format(number=number, requires=requires),
        f"{info}/WHEEL": _WHEEL,
    }
    record = "".join(f"{inner},{_hash(text)},{len(text.encode())}\n" for inner, text in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in files.items():
            archive.writestr(zipfile.ZipInfo(inner, (2026, 1, 1, 0, 0, 0)), text)
    return path


def _hash(text: str) -> str:
    """A RECORD's hash of *text*."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
