"""Bases to run real kernels on: a virtual environment of its own that sees the test environment behind it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess  # noqa: TID251 - builds the environments that kernels run in
import sys
import sysconfig
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

import sessionpkgs
from sessionpkgs.engines.uv import Uv

UV = Uv().program
MIME = "application/vnd.sessionpkgs.env.v1+json"


class Base:
    """A base with nothing but what a test installs, and behind it ipykernel and sessionpkgs of the test environment."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        subprocess.run([UV, "venv", "-q", "--no-config", "--python", sys.executable, str(folder / "venv")], check=True)
        self.python = str(folder / "venv/bin/python")
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.site = folder / "venv/lib" / version / "site-packages"
        behind = [sysconfig.get_paths()["purelib"], str(Path(sessionpkgs.__file__).parent.parent)]
        (self.site / "behind.pth").write_text("\n".join(dict.fromkeys(behind)) + "\n")
        spec = folder / "share/kernels/base"
        spec.mkdir(parents=True)
        argv = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "base", "language": "python"}))

    def install(self, *wheels: Path) -> None:
        """Put wheels into base, before any kernel runs."""
        call = [UV, "pip", "install", "-q", "--python", self.python, "--no-index", "--no-deps", *map(str, wheels)]
        subprocess.run(call, check=True)

    def fetch(self, *requirements: str) -> None:
        """Put distributions from the package index into base, before any kernel runs."""
        subprocess.run([UV, "pip", "install", "-q", "--no-config", "--python", self.python, *requirements], check=True)

    def tree(self) -> str:
        """Hash over every path and byte of base, bytecode aside."""
        digest = hashlib.sha256()
        for path in sorted(self.site.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path}\n".encode() + path.read_bytes())
        return digest.hexdigest()

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a kernel on this base: its own store, its own programs first on PATH."""
        path = f"{Path(self.python).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "SESSIONPKGS_HOME": str(self.home), **more}

    def manager(self) -> KernelManager:
        """What starts kernels on this base."""
        specs = KernelSpecManager(kernel_dirs=[str(self.folder / "share/kernels")], ensure_native_kernel=False)
        return KernelManager(kernel_name="base", kernel_spec_manager=specs)

    def notebook(self, *cells: str, fails: bool = False, **more: str) -> Notebook:
        """Execute *cells* through nbclient; where one may fail, all later ones run all the same."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        client = NotebookClient(book, km=self.manager(), timeout=120, allow_errors=fails)
        client.execute(cwd=str(self.folder), env=self.environment(**more), cleanup_kc=True)
        return Notebook(book)

    def kernel(self, **more: str) -> Kernel:
        """A kernel that cells can be sent to one by one."""
        return Kernel(self, **more)


class Notebook:
    """An executed notebook."""

    def __init__(self, book: Any) -> None:
        self.cells = book.cells

    def text(self, number: int) -> str:
        """What cell *number* (from 0, negative from the end) printed."""
        return "".join(o.get("text", "") for o in self.cells[number].outputs if o.output_type == "stream").strip()

    def record(self, number: int) -> dict[str, Any]:
        """The record in the output of cell *number*."""
        found = [o.data[MIME] for o in self.cells[number].outputs if MIME in o.get("data", {})]
        assert len(found) == 1, self.cells[number].outputs
        return dict(found[0])

    def error(self, number: int) -> Any:
        """The error that cell *number* ended with."""
        (found,) = [o for o in self.cells[number].outputs if o.output_type == "error"]
        return found


class Kernel:
    """A running kernel, as a context manager."""

    def __init__(self, base: Base, **more: str) -> None:
        self.manager = base.manager()
        self.base, self.more = base, more

    def __enter__(self) -> Kernel:
        self.manager.start_kernel(cwd=str(self.base.folder), env=self.base.environment(**self.more))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def run(self, code: str) -> str:
        """What *code* printed and displayed, as text; its error text where it failed."""
        said: list[str] = []

        def hear(message: Any) -> None:
            content = message["content"]
            shown = content.get("data", {}).get("text/plain", "")
            said.append(content.get("text", "") or shown or "\n".join(content.get("traceback", [])))

        reply = {"content": {"status": "aborted"}}
        while reply["content"]["status"] == "aborted":  # it came while the kernel dropped what an error left waiting
            reply = self.client.execute_interactive(code, output_hook=hear, timeout=120, allow_stdin=False)
        return "".join(said).strip()
