"""Where things are: the store's root, the settings file, pip's configuration, the kernel's identity.

Standard library only: every reopened notebook pays for this import. It does not know what the
settings mean (``settings.py``) nor what is in the store (``store/``).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from typing import Any

CONFIG_NAME = "sessionpkgs.toml"


def config_file(env: Mapping[str, str]) -> str:
    """Path of ``sessionpkgs.toml`` in the user's configuration folder; the file may not exist."""
    if "SESSIONPKGS_CONFIG" in env:
        return env["SESSIONPKGS_CONFIG"]
    import platformdirs

    return os.path.join(platformdirs.user_config_dir("sessionpkgs", appauthor=False), CONFIG_NAME)


def read_toml(path: str) -> dict[str, Any]:
    """The table in the TOML file *path*. Raises :class:`SpecError` with the line where it is not TOML."""
    from sessionpkgs.errors import SpecError

    try:
        with open(path, "rb") as source:
            return parse_toml(source.read().decode("utf-8"))
    except ValueError as error:
        raise SpecError(f"{path} is not valid TOML: {error}", item=path) from None


def parse_toml(text: str) -> dict[str, Any]:
    """The table in a TOML *text*. Raises ValueError where it is not TOML."""
    from importlib import import_module

    table: dict[str, Any] = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli").loads(text)
    return table


def home(env: Mapping[str, str]) -> str:
    """Root of the store: SESSIONPKGS_HOME, ``home`` of the settings file, or the user's cache folder.

    It is the cache folder because all of it can be built again.
    """
    chosen = env.get("SESSIONPKGS_HOME", "")
    if not chosen and os.path.isfile(path := config_file(env)):
        chosen = str(read_toml(path).get("home", ""))
    if not chosen:
        import platformdirs

        chosen = platformdirs.user_cache_dir("sessionpkgs", appauthor=False)
    return os.path.abspath(os.path.expanduser(chosen))


def workspace(env: Mapping[str, str]) -> str:
    """Folder of uploaded wheels and jars: the setting ``workspace``, or a folder of the store; it may not exist."""
    chosen = env.get("SESSIONPKGS_WORKSPACE", "")
    if not chosen and os.path.isfile(path := config_file(env)):
        chosen = str(read_toml(path).get("workspace", ""))
    return os.path.abspath(os.path.expanduser(chosen)) if chosen else workspace_of_store(env)


def workspace_of_store(env: Mapping[str, str]) -> str:
    """The workspace where no other is named; it is made with the first artefact."""
    return os.path.join(home(env), "workspace")


POLICY_NAME = "policy.toml"


def policy_files(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where policies may stand, as (path, whose it is): the ``machine``'s, that of this ``environment``, the ``user``'s.

    All that exist count together, so that a later one can tighten and never loosen.
    """
    user = os.path.join(os.path.dirname(config_file(env)), POLICY_NAME)
    said = [
        (os.path.join("/etc/sessionpkgs", POLICY_NAME), "machine"),
        (os.path.join(sys.prefix, "etc", "sessionpkgs", POLICY_NAME), "environment"),
        (user, "user"),
    ]
    if "SESSIONPKGS_POLICY" in env:
        said.append((env["SESSIONPKGS_POLICY"], "user"))
    return list(dict(reversed(said)).items())[::-1]  # a path that is named twice is its first owner's


def pool_roots(env: Mapping[str, str]) -> dict[str, str]:
    """Stores that may hold pools, by scope: the ``user``'s own, that of this environment (``sys-prefix``), the ``system``'s."""
    return {
        "user": home(env),
        "sys-prefix": os.path.join(sys.prefix, "share", "sessionpkgs"),
        "system": "/usr/local/share/sessionpkgs",
    }


def pip_config_files(env: Mapping[str, str]) -> list[str]:
    """Configuration files that pip would read here, in pip's order; the last one wins.

    Source: pip's user guide, section Configuration.
    """
    if env.get("PIP_CONFIG_FILE") == os.devnull:
        return []
    import platformdirs

    user = os.path.expanduser("~")
    candidates = [
        *(os.path.join(folder, "pip", "pip.conf") for folder in env.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")),
        "/etc/pip.conf",
        os.path.join(user, ".pip", "pip.conf"),
        os.path.join(platformdirs.user_config_dir("pip", appauthor=False), "pip.conf"),
        os.path.join(sys.prefix, "pip.conf"),
    ]
    if "PIP_CONFIG_FILE" in env:
        candidates.append(env["PIP_CONFIG_FILE"])
    return [path for path in candidates if os.path.isfile(path)]


def surroundings(env: Mapping[str, str]) -> str:
    """A key over all that is outside a declaration and still decides what it gives.

    That is: our settings, pip's and uv's configuration, policies, what is in the workspace, and PATH (a script is not put
    before one that PATH has).
    """
    said = sorted((k, v) for k, v in env.items() if k.startswith(("PIP_", "UV_", "SESSIONPKGS_")) or k == "PATH")
    said = [(k, v) for k, v in said if not k.startswith("SESSIONPKGS_CHILD")]
    files: list[tuple[object, ...]] = [(path, *stamp(path)) for path in (*pip_config_files(env), config_file(env))]
    files += [(place := os.path.join(workspace(env), "artifacts"), *stamp(place))]
    files += [(path, *stamp(path), *_guard(path)) for path, _ in policy_files(env)]
    return hashlib.sha256(repr((said, files)).encode("utf-8", "surrogateescape")).hexdigest()


def stamp(path: str) -> tuple[int, int, int]:
    """Modification time in ns, size and inode of *path*; zeros where it does not exist."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _guard(path: str) -> tuple[int, ...]:
    """Owner, mode and change time of the policy at *path*: one that became somebody else's counts as another one, and one
    that cannot be looked at is none that is not there.
    """
    try:
        status = os.lstat(path)
    except OSError as error:
        return (error.errno or 0,)
    return (status.st_uid, status.st_mode, status.st_ctime_ns)


def interpreter_tag() -> str:
    """What a built layer depends on besides its artefacts: implementation, version, ABI flags, platform and prefix."""
    return f"{sys.implementation.cache_tag}{sys.abiflags}-{sys.platform}-{os.uname().machine}"


def kernel_identity(connection_file: str = "") -> str:
    """Identity of this kernel: its connection file's real path, or process, start time and boot without a kernel.

    The connection file survives a restart from the menu; a process id does not, and may be given twice.
    """
    named = os.path.realpath(connection_file) if connection_file else f"{os.getpid()}-{_start_time()}-{boot_id()}"
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def boot_id() -> str:
    """Identity of this boot of the machine, empty where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as source:
            return source.read().strip()
    except OSError:
        return ""


def _start_time() -> str:
    """Start of this process in clock ticks since boot (field 22 of /proc/self/stat), empty where there is no /proc."""
    try:
        with open("/proc/self/stat", encoding="utf-8") as source:
            return source.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""
