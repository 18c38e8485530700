"""The options of pip's and uv's sub-commands, and what each means for a session.

Accepted without a word: what changes nothing here. Accepted and said: what changes little. Refused with what to do
instead: what a session cannot do, or what would weaken a promise if it were ignored. The names are those of
``pip --help`` (26.3) and ``uv pip --help`` (0.13). It does not know how words are taken apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionpkgs.jupyter.option_words import flags, ignored, refused, said, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessionpkgs.jupyter.option_words import Table

_CONFIGURED = "pip's own configuration counts: {} in a terminal, then run the cell again."
_OWN_PLACE = "Leave it out: a session has its own place. !pip install with this option fills a folder."
_THIS_KERNEL = "Leave it out: a session installs for the Python of this kernel."
_BUILD = "Build the wheel first with %pip wheel and this option, then %pip install ./FILE.whl."
_WHEELS = (
    "Leave it out: wheels are preferred. To never build from source, set SESSIONPKGS_WHEELS_ONLY=1 "
    "or wheels_only = true in sessionpkgs.toml."
)
_NEWEST = "Leave it out, and write the version in the requirement: name==1.2."

GENERAL: Table = {
    **flags(quiet="-q --quiet --silent", verbose="-v --verbose", help="-h --help"),
    **ignored(
        "--disable-pip-version-check --no-color --no-input --no-python-version-warning --require-virtualenv "
        "--require-venv --debug --no-progress --no-config --no-clean --no-python-downloads --no-cache-dir --no-cache --no-proxy-env",
        valued="--progress-bar --exists-action --retries --resume-retries --color",
    ),
    **said(
        "{} is not used: the setting deadline (SESSIONPKGS_DEADLINE) says how long an install may take.",
        valued="--timeout --default-timeout",
    ),
    **said("{} is not used: what pip is configured to use counts.", "--isolated"),
    **said("{} has no meaning in a session.", valued="--use-feature --use-deprecated"),
    **refused(_CONFIGURED.format("pip config set global.trusted-host HOST"), "--trusted-host --allow-insecure-host"),
    **refused("Set the variable HTTPS_PROXY before this cell.", "--proxy"),
    **refused(_CONFIGURED.format("pip config set global.cert FILE"), "--cert --native-tls --system-certs"),
    **refused("Certificates of clients are not supported: use an index URL with a login.", "--client-cert"),
    **refused("Put the login in pip's configuration or in ~/.netrc.", "--keyring-provider"),
    **refused("Write > FILE or | tee FILE behind the line.", "--log --log-file --local-log"),
    **refused("Leave it out: a session has its own cache.", "--cache-dir"),
    **refused(_THIS_KERNEL, "--python"),
    **refused("Leave it out: the notebook's folder counts.", "--project --directory --config-file"),
}
"""Options that every sub-command has."""

_INDEXES: Table = {
    **values(
        index_url="-i --index-url --pypi-url --default-index",
        extra_index_url="--extra-index-url",
        find_links="-f --find-links",
    ),
    **flags(no_index="--no-index", pre="--pre"),
}

INSTALL: Table = {
    **GENERAL,
    **_INDEXES,
    **values(
        requirement="-r --requirement --requirements",
        constraint="-c --constraint --constraints",
        editable="-e --editable",
        engine="--engine",
        refreshed="--refresh-package",
        strategy="--upgrade-strategy",
    ),
    **flags(
        upgrade="-U --upgrade",
        force="--force-reinstall -I --ignore-installed",
        refresh="--no-cache-dir --no-cache --refresh",
        no_deps="--no-deps --no-dependencies",
        dry_run="--dry-run",
        require_hashes="--require-hashes",
        restart="--restart",
    ),
    **ignored(
        "--prefer-binary --break-system-packages --no-warn-script-location --no-warn-conflicts -y --yes --compile "
        "--no-compile --use-pep517",
        valued="--root-user-action --src --source --source-dir --source-directory",
    ),
    **said("{} changes nothing: a session has its own place.", "--user"),
    **refused(_WHEELS, "--only-binary"),
    **refused(_BUILD, "--no-binary --no-build-isolation --check-build-dependencies --no-use-pep517"),
    **refused(_BUILD, "-C --config-setting --config-settings --build-option --global-option --install-option"),
    **refused(_BUILD, "--build-constraint"),
    **refused(_OWN_PLACE, "-t --target --prefix --root"),
    **refused(_THIS_KERNEL, "--platform --python-version --implementation --abi --ignore-requires-python"),
    **refused("Use --dry-run, which shows what would be installed.", "--report"),
    **refused("Write the requirements of the group, or name[extra].", "--group --only-deps"),
    **refused("Write the script's dependencies in the line.", "--requirements-from-script"),
    **refused(_NEWEST, "--uploaded-prior-to --all-releases --only-final"),
}
UNINSTALL: Table = {
    **GENERAL,
    **values(requirement="-r --requirement --requirements"),
    **flags(dry_run="--dry-run", restart="--restart"),
    **ignored("-y --yes --break-system-packages", valued="--root-user-action"),
}
_PLACES = said("{} changes nothing: all that this session sees is shown.", "-l --local --user --system --strict")
LIST: Table = {
    **GENERAL,
    **_PLACES,
    **values(form="--format", excluded="--exclude"),
    **flags(stock="-o --outdated -u --uptodate -e --editable --not-required --include-editable --exclude-editable"),
    **values(stock="--path"),
    **_INDEXES,
}
FREEZE: Table = {
    **GENERAL,
    **_PLACES,
    **values(requirement="-r --requirement", excluded="--exclude"),
    **flags(all="--all"),
    **refused("Leave it out, or filter the lines: %pip freeze | grep -v '^-e'.", "--exclude-editable --path"),
}
SHOW: Table = {**GENERAL, **flags(files="-f --files"), **_PLACES}
CHECK: Table = {**GENERAL, **_PLACES}
DOWNLOAD: Table = {
    **INSTALL,
    **values(folder="-d --dest --destination-dir --destination-directory"),
    **refused(
        "It is for %pip install: a download changes nothing.", "-U --upgrade --force-reinstall --user -e --editable"
    ),
    **refused("It downloads for this kernel; !pip download knows this option.", "--platform --python-version"),
    **refused("It downloads for this kernel; !pip download knows this option.", "--implementation --abi"),
}

UV_INSTALL: Table = {
    **INSTALL,
    **values(index="--index", upgraded="-P --upgrade-package", prerelease="--prerelease", strategy="--resolution"),
    **values(reinstalled="--reinstall-package", index_strategy="--index-strategy"),
    **flags(refresh="-n --no-cache --no-cache-dir --refresh", force="--reinstall --force-reinstall"),
    **ignored("--strict --compile-bytecode --no-break-system-packages", valued="--link-mode"),
    **said("{} changes nothing: a session has its own place.", "--system --user"),
    **refused(_WHEELS, "--only-binary --no-build --no-build-package"),
    **refused(_THIS_KERNEL, "-p --python --python-version --python-platform --managed-python --no-managed-python"),
    **refused("%uv pip sync FILE makes the session hold exactly what a file says.", "--exact"),
    **refused("Write --index-url URL with the wheel index of your accelerator.", "--torch-backend"),
    **refused("Write the versions in the requirements, or in a file with -c FILE.", "--override --overrides"),
    **refused("Write the extra in the requirement: name[extra] or '.[extra]'.", "--extra --all-extras --no-sources"),
    **refused(_NEWEST, "--exclude-newer --exclude-newer-package --fork-strategy --excludes"),
    **refused("Leave it out: what is not in the store has to come from an index.", "--offline"),
    **refused("Leave it out: hashes that are given are always verified.", "--no-verify-hashes"),
    **refused(_BUILD, "-b --build-constraints --no-build-isolation-package --config-settings-package"),
}
UV_UNINSTALL: Table = {**UNINSTALL, **_PLACES}

TABLES: dict[str, Mapping[str, Table]] = {
    "pip": {
        "install": INSTALL,
        "uninstall": UNINSTALL,
        "list": LIST,
        "freeze": FREEZE,
        "show": SHOW,
        "check": CHECK,
        "download": DOWNLOAD,
    },
    "uv": {
        "install": UV_INSTALL,
        "uninstall": UV_UNINSTALL,
        "list": LIST,
        "freeze": FREEZE,
        "show": SHOW,
        "check": CHECK,
        "sync": UV_INSTALL,
    },
}
"""Program, sub-command and its options."""

ASKING = frozenset({"-h", "--help", "-V", "--version"})
"""Options that stand for a harmless sub-command."""

STOCK = {
    "pip": frozenset(
        {"help", "cache", "config", "debug", "hash", "index", "inspect", "search", "wheel", "completion", "lock"}
    ),
    "uv": frozenset({"version", "help", "cache", "tree", "export", "python list", "python find", "self version"})
    | {"tool list", "pip tree", "pip compile", "pip help"},
}
"""Sub-commands that change nothing here and are given to the program as they stand."""

INSTEAD = {
    "pip": {
        "add": "Write %pip install NAME.",
        "remove": "Write %pip uninstall NAME.",
        "update": "Write %pip install -U NAME.",
        "upgrade": "Write %pip install -U NAME.",
    },
    "uv": {
        "add": "Write %uv pip install NAME.",
        "remove": "Write %uv pip uninstall NAME.",
        "sync": "Write %uv pip sync FILE, or %uv pip install -r FILE.",
        "lock": "Write %uv pip install NAME; the session keeps a lock of what it installed.",
        "run": "Write %uv pip install NAME for the packages, and run the code in a cell.",
        "init": "Write %uv pip install NAME: a session needs no project.",
        "venv": "Write %uv pip install NAME: a session needs no virtual environment.",
        "tool": "Write %uv pip install NAME: its programs are then on the session's PATH.",
        "python": "The kernel decides the Python; %uv pip install NAME brings packages.",
        "pip download": "Write %pip download NAME.",
    },
}
"""Program, a sub-command that does not work in a session, and what to write instead."""
