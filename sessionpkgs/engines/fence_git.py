"""Git behind a fence: it goes to our proxy whatever the user's own configuration says, and in SSH to allowed hosts alone.

The user's configuration file is off, as pip's and uv's are; the machine's counts but for proxies. It starts no git, and
what a configuration of SSH makes of an allowed name is not looked at.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from sessionpkgs.engines.refusing import place_of

_SAID = "sessionpkgs keeps git from "
_NAME = re.compile(r"[a-z0-9.:-]+")
_FORBIDDEN = re.compile(r"transport '([\w-]+)' not allowed")
_CLONED = re.compile(r"clone of '([^']+)' into submodule")
# Git gives options, the host (maybe with a user before it) and the command; the first two options below have a value.
_SSH = """\
#!/bin/sh
PATH={path}
export PATH
skip= host=
for a do
  if [ -n "$skip" ]; then skip=; continue; fi
  case "$a" in -o|-p) skip=1 ;; -*) ;; *) host=${{a##*@}}; break ;; esac
done
case "$host" in
  {allowed}) {ssh} "$@" ;;
  *) echo "{said}$host" >&2; exit 1 ;;
esac
"""


def variables(proxy: str, *, ssh: bool) -> dict[str, str]:
    """Variables that keep git to *proxy*, and from all protocols that know none but maybe *ssh*."""
    return {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.proxy",
        "GIT_CONFIG_VALUE_0": proxy,
        "GIT_ALLOW_PROTOCOL": "file:http:https" + (":ssh" if ssh else ""),
    }


def over_ssh(folder: str, names: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """Variables that keep git in SSH to *names* and what is below them, by a program in the *folder*.

    It stands first on PATH too: pip tells git to take the ``ssh`` there, whatever the variable says.
    """
    before = env.get("PATH", os.defpath)
    plain = sorted(name for name in names if _NAME.fullmatch(name))
    allowed = "|".join(pattern for name in plain for pattern in (name, f"*.{name}")) or "''"
    ssh = env.get("GIT_SSH_COMMAND") or shutil.which("ssh", path=before) or "ssh"
    path = Path(folder, "ssh")
    path.write_text(_SSH.format(allowed=allowed, ssh=ssh, said=_SAID, path=shlex.quote(before)), encoding="utf-8")
    path.chmod(0o700)
    return {
        "PATH": f"{folder}{os.pathsep}{before}",
        "GIT_SSH_COMMAND": shlex.quote(str(path)),
        "GIT_SSH_VARIANT": "ssh",
    }


def refused(text: str) -> list[str]:
    """The hosts, or protocols, that git was kept from beside all proxies, as *text* (an engine's output) tells them."""
    kept = re.findall(rf"{_SAID}([^\s`'\"]+)", text)
    if not (forbidden := _FORBIDDEN.findall(text)):
        return kept
    places = [place_of(one) or one.partition(":")[0].rpartition("@")[2] for one in _CLONED.findall(text)]
    return [*kept, *places] or [f"{one}://" for one in forbidden]
