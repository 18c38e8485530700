"""A pool of the whole machine: made by root, used by another user who can change nothing of it.

It runs in a mount namespace of its own, so that the machine's /usr/local/share stays as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sessionpkgs import process
from tests.sessions import lines
from tests.wheelhouse import Wheelhouse

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
USER = """
import json, sys
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="shared", startup_timeout=60)
said = {}
def run(code):
    out = []
    def hear(message):
        content = message["content"]
        out.append(content.get("text", "") or "\\n".join(content.get("traceback", [])))
    client.execute_interactive(code, output_hook=hear, timeout=120, allow_stdin=False)
    return "".join(out).strip()
for name, code in json.loads(sys.argv[1]).items():
    said[name] = run(code)
client.stop_channels()
manager.shutdown_kernel(now=True)
print(json.dumps(said))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter."""
    made = Path(tempfile.mkdtemp(prefix="sessionpkgs-system-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def opened(folder: Path) -> str:
    """Shell lines that let every user run this Python within the namespace, where it lies in a closed folder."""
    python = Path(sys.base_prefix)
    closed = [parent for parent in reversed(python.parents) if not parent.stat().st_mode & 0o001]
    if not closed:
        return ""
    return f"""
mkdir -p {folder}/python
mount --bind {python} {folder}/python
mount -t tmpfs -o mode=0755 none {closed[0]}
mkdir -p {python}
mount --bind {folder}/python {python}
"""


def in_namespace(script: str, folder: Path) -> process.Completed:
    """Run a shell *script* where /usr/local/share is empty and every user can run this Python."""
    start = f"set -e\nmount -t tmpfs -o mode=0755 none /usr/local/share\n{opened(folder)}\n"
    return process.run(["unshare", "-m", "sh", "-c", start + script], env=dict(os.environ), cwd="/", deadline=240)


@pytest.fixture(autouse=True)
def _able(folder: Path) -> None:
    """Skip where this cannot be tried."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a mount namespace here")
    if in_namespace("true", folder).code != 0:
        pytest.skip("this machine lets nobody mount, not even in a namespace")
    trial = f"{' '.join(NOBODY)} {sys.executable} -c 'import sessionpkgs, ipykernel, subprocess'"
    if in_namespace(trial, folder).code != 0:
        pytest.skip("another user cannot read the environment that runs the tests")


def test_another_user_starts_from_a_pool_of_the_machine_and_cannot_change_it(folder: Path) -> None:
    wheelhouse = Wheelhouse(folder / "wheelhouse")
    wheelhouse.wheel("demo", "1.0", entry_points={"console_scripts": {"demo-tool": "demo:main"}})
    wheelhouse.wheel("more", "1.0", requires=["demo"])
    (folder / "r.txt").write_text(lines(wheelhouse, "demo"))
    cells = {
        "seen": "import demo, importlib.metadata as m; print(m.version('demo'), demo.__file__)",
        "child": "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'import demo; print(demo.__version__)'], capture_output=True, text=True).stdout)",
        "add": f"%pip install -q --no-index --find-links {wheelhouse.folder} more",
        "both": "import more, demo, os; print(more.__version__, demo.__version__, os.getuid())",
        "write": "open(demo.__file__, 'a')",
    }
    (folder / "user.py").write_text(USER)
    (folder / "cells.json").write_text(json.dumps(cells))
    python = sys.executable
    script = f"""
{python} -m sessionpkgs.cli pool create shared --system --requirements {folder}/r.txt --json >{folder}/made.json
find /usr/local/share -type f -exec sha256sum {{}} + | sort >{folder}/before
mkdir -p {folder}/nobody && chown 65534:65534 {folder}/nobody
env -i PATH="$PATH" HOME={folder}/nobody {" ".join(NOBODY)} {python} {folder}/user.py "$(cat {folder}/cells.json)" >{folder}/said.json
env -i PATH="$PATH" HOME={folder}/nobody {" ".join(NOBODY)} {python} -m sessionpkgs.cli pool list >{folder}/list.txt
env -i PATH="$PATH" HOME={folder}/nobody {" ".join(NOBODY)} {python} -m sessionpkgs.cli pool update shared --variables A=b 2>{folder}/refused.txt && exit 9
find /usr/local/share -type f -exec sha256sum {{}} + | sort | cmp - {folder}/before
"""
    done = in_namespace(script, folder)
    assert done.code == 0, done.stderr + done.stdout
    made = json.loads((folder / "made.json").read_text())
    assert (made["root"], made["kernel"]) == ("/usr/local/share/sessionpkgs", "/usr/local/share/jupyter/kernels/shared")
    said = json.loads((folder / "said.json").read_text())
    assert said["seen"].startswith("1.0 /usr/local/share/sessionpkgs/layers/")
    assert said["child"] == "1.0"
    assert said["both"] == "1.0 1.0 65534"
    assert "PermissionError" in said["write"]
    assert "shared" in (folder / "list.txt").read_text()
    refused = (folder / "refused.txt").read_text()
    assert "Traceback" not in refused
    assert "/usr/local/share/sessionpkgs" in refused
