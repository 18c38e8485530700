"""Starts a kernel over a pool: ``python -m sessionpkgs.jupyter.launch --pool NAME --from ROOT -f CONNECTION_FILE …``.

It takes its own words off, leaves what it should not inherit, and does not know pools.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sessionpkgs.overlay import Overlay, pooled

MODULE = "sessionpkgs.jupyter.launch"


def words(argv: Sequence[str]) -> tuple[str, str, list[str]]:
    """The pool's name, the store that it is in, and the words of *argv* that are the kernel's."""
    said, rest = {"--pool": "", "--from": ""}, list[str]()
    waiting = iter(argv)
    for word in waiting:
        name, equals, value = word.partition("=")
        if name in said:
            said[name] = value if equals else next(waiting, "")
        else:
            rest.append(word)
    return said["--pool"], said["--from"], rest


def main() -> None:
    """Start the kernel that the program's arguments describe."""
    pooled.alone()  # before any other import: the user's folder may have modules of every name
    name, root, rest = words(sys.argv[1:])
    sys.argv[1:] = rest
    Overlay(root).disinherit()
    from sessionpkgs.jupyter.pool_kernel import PoolKernelApp

    PoolKernelApp.pool, PoolKernelApp.root = name, root
    PoolKernelApp.launch_instance(argv=rest)


if __name__ == "__main__":
    main()
