"""The options of conda's, mamba's and micromamba's sub-commands, and what each means for a session.

The names are those of ``conda --help`` and ``micromamba --help``. It does not know how words are taken apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionpkgs.jupyter.option_words import flags, ignored, refused, said, values

if TYPE_CHECKING:
    from sessionpkgs.jupyter.option_words import Table

_ONE_PLACE = "Leave it out: a session has one environment, the one of this kernel."
_ASK = "Leave it out: what is not in the store has to come from an index."
_GENERAL: Table = {
    **flags(quiet="-q --quiet", verbose="-v --verbose --debug", help="-h --help"),
    **ignored("-y --yes --no-banner --no-rc", valued="--solver --experimental-solver --repodata-fn --log-level"),
    **refused(_ONE_PLACE, "-n --name -p --prefix -r --root-prefix"),
    **refused(
        "pip's own configuration counts: pip config set global.cert FILE in a terminal, then run the cell again.",
        "-k --insecure --cacert-path",
    ),
}
_SOLVING: Table = {
    **_GENERAL,
    **values(channels="-c --channel"),
    **flags(
        override_channels="--override-channels",
        dry_run="-d --dry-run",
        json="--json",
        no_deps="--no-deps --no-dependencies",
        force="--force-reinstall --force",
    ),
    **ignored(
        "--strict-channel-priority --freeze-installed --no-update-deps --no-pin --copy --always-copy --clobber "
        "--satisfied-skip-solve -S --update-specs --show-channel-urls --no-lock",
        valued="--channel-priority",
    ),
    **said(
        "{} is not used: only what has to change changes.",
        "--update-deps --update-all --no-channel-priority --use-index-cache -C",
    ),
    **refused(_ASK, "--offline -O --use-local --download-only"),
    **refused("Name what is needed, without the package itself.", "--only-deps --deps-only"),
}
INSTALL: Table = {
    **_SOLVING,
    **values(file="--file"),
    **refused("Write --file FILE.", "-f"),
    **refused("It is for environments; leave it out.", "--clone --revision --dev --mkdir -m --no-default-packages"),
}
_UPDATE: Table = {**INSTALL, **flags(all="-a --all --update-all")}
_REMOVE: Table = {
    **_SOLVING,
    **ignored("--prune-deps --no-prune-deps --force-remove"),
    **refused("%session_env reset gives base back, without what the session added.", "-a --all --keep-env"),
}
_LIST: Table = {
    **_GENERAL,
    **flags(json="--json", export="-e --export", full_name="-f --full-name", no_pip="--no-pip"),
    **ignored("--show-channel-urls --pip"),
    **refused("Leave it out: conda's own files are not listed.", "--explicit --md5 --sha256 --revisions --canonical"),
    **refused("Leave it out: conda's own files are not listed.", "--size --auth"),
}
_ENV_UPDATE: Table = {
    **_SOLVING,
    **values(file="-f --file"),
    **flags(prune="--prune"),
}
_ENV_EXPORT: Table = {
    **_GENERAL,
    **values(file="-f --file", channels="-c --channel", form="--format"),
    **flags(json="--json", from_history="--from-history", no_builds="--no-builds --no-build"),
    **ignored("--override-channels --ignore-channels"),
}
TABLES: dict[str, Table] = {
    "install": INSTALL,
    "update": _UPDATE,
    "remove": _REMOVE,
    "list": _LIST,
    "env update": _ENV_UPDATE,
    "env export": _ENV_EXPORT,
}
SAME = {"upgrade": "update", "uninstall": "remove", "export": "env export"}
WORKS = "install, update, remove, list, env update, env export"
_SWITCH = "A session has one environment; another one is chosen with the kernel of the notebook."
_MAKE = "A session is made with the kernel: %conda install NAME or %%session_env fill it."
INSTEAD = {
    "create": _MAKE,
    "activate": _SWITCH,
    "deactivate": _SWITCH,
    "run": "Run it in a cell: !COMMAND has the session's programs on its PATH.",
    "init": "Leave it out: a session needs no shell set up.",
    "shell": "Leave it out: a session needs no shell set up.",
    "clean": "Leave it out: a session keeps nothing in conda's cache.",
    "search": "Write %conda install NAME --dry-run, which shows what would be installed.",
    "info": "%session_env shows what the session has.",
    "config": "Name channels in the line: -c CHANNEL.",
    "compare": "Write %conda env update -f FILE --dry-run, which shows what differs.",
    "package": "Build packages in a terminal, and install their files with %pip.",
    "build": "Build packages in a terminal, and install their files with %pip.",
    "env": "Write %conda env update -f FILE or %conda env export.",
    "env create": "Write %conda env update -f FILE, or %%session_env with --file FILE.",
    "env remove": "%session_env reset gives base back, without what the session added.",
    "env list": _SWITCH,
    "env config": "Write the variables in an environment.yml, under variables:.",
    "repoquery": "%session_env shows what the session has.",
    "self-update": "Do it in a terminal.",
}
