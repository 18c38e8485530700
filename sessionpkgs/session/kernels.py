"""Installed kernelspecs and the Python that each one runs, for a message that helps. It starts no kernel."""

from __future__ import annotations

from collections.abc import Mapping

from sessionpkgs.errors import SessionPkgsError
from sessionpkgs.process import run

_ASK = "import platform;print(platform.python_version())"


def pythons(env: Mapping[str, str], folder: str) -> dict[str, str]:
    """Python version by kernelspec name; kernels of other languages and broken ones are left out.

    *folder* is where the interpreters are asked, 5 s each at most.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    found = {}
    specs = KernelSpecManager()
    for name in specs.find_kernel_specs():
        try:
            spec = specs.get_kernel_spec(name)
        except NoSuchKernel:
            continue
        if spec.language.lower() != "python" or not spec.argv:
            continue
        try:
            done = run([spec.argv[0], "-I", "-c", _ASK], env=env, cwd=folder, deadline=5.0)
        except SessionPkgsError:
            continue
        if done.code == 0:
            found[name] = done.stdout.strip()
    return found
