"""The configuration folder that Spark starts with: the one that was there, with a pool's settings and jars in it.

Spark reads ``spark-defaults.conf`` when its JVM starts, before any code of a notebook could tell it more. Settings may be
secrets: they are written to a private file and never shown. It starts no JVM and does not look into jars.
Source: Spark's documentation, "Configuration" (dynamically loading properties); ``java.util.Properties.load``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from urllib.parse import quote

from sessionpkgs.steps import step

DEFAULTS = "spark-defaults.conf"
LISTS = frozenset({
    "spark.jars", "spark.files", "spark.archives", "spark.submit.pyFiles", "spark.jars.packages", "spark.jars.excludes",
    "spark.jars.repositories",
})  # fmt: skip
"""Settings that are lists: what is there already and what is added stand together."""
_PAIR = re.compile(r"((?:\\.|[^\\=:\s])*)\s*(?:[=:]\s*)?(.*)", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def make(views: str, env: Mapping[str, str], conf: Mapping[str, str], jars: Sequence[str]) -> str:
    """A folder below *views* with Spark's configuration of *env* and with *conf* and *jars*; "" where there is neither.

    It is named by what is in it, so that kernels that start alike share it.
    """
    if not conf and not jars:
        return ""
    old = _old(env)
    others = [name for name in sorted(os.listdir(old)) if name != DEFAULTS] if old else []
    text = merged(_read(os.path.join(old, DEFAULTS)) if old else "", conf, jars)
    key = hashlib.sha256(repr((old, others, text)).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    final = os.path.join(views, f"spark-{key}")
    if not os.path.isdir(final):
        _write(final, old, others, text)
    return final


def merged(old: str, conf: Mapping[str, str], jars: Sequence[str]) -> str:
    """The text of ``spark-defaults.conf``: what *old* says, then *conf*, then *jars* (paths) in ``spark.jars``.

    A setting of *conf* takes the place of an old one; lists are joined, each item once.
    """
    said = pairs(old)
    named = ",".join(_location(jar) for jar in jars)
    for key, value in [*conf.items(), *([("spark.jars", named)] if named else [])]:
        said[key] = _joined(said.get(key, ""), value) if key in LISTS else value
    return "".join(f"{_escaped(key)} {_escaped_value(value)}\n" for key, value in said.items())


def pairs(text: str) -> dict[str, str]:
    """The settings in the *text* of a properties file: ``key value``, ``key=value`` or ``key: value``, one a line."""
    found: dict[str, str] = {}
    for line in _logical(text):
        match = _PAIR.fullmatch(line)
        assert match is not None
        found[_plain(match[1])] = _plain(match[2]).strip()
    return found


def _logical(text: str) -> list[str]:
    """Lines without comments; one that ends with an odd number of backslashes goes on in the next."""
    lines: list[str] = []
    going_on = False
    for line in re.split(r"\r\n|\n|\r", text):
        bare = line.lstrip(" \t\f")
        if going_on:
            lines[-1] += bare
        elif bare and bare[0] not in "#!":
            lines.append(bare)
        else:
            continue
        going_on = (len(bare) - len(bare.rstrip("\\"))) % 2 == 1
        if going_on:
            lines[-1] = lines[-1][:-1]
    return lines


def _plain(text: str) -> str:
    """*text* with what backslashes stand for."""

    def one(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _LETTERS.get(match[2], match[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.?))", one, text, flags=re.DOTALL)


def _escaped(key: str) -> str:
    """*key* as the beginning of a line."""
    return re.sub(r"([\\\s=:#!])", r"\\\1", key)


def _escaped_value(value: str) -> str:
    """*value* as the rest of a line."""
    doubled = re.sub(r"^(?=[=:\s])", r"\\", value.replace("\\", "\\\\"))
    return doubled.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\f", "\\f")


def _joined(one: str, other: str) -> str:
    """Two lists with commas as one, each item once."""
    items = (item.strip() for item in f"{one},{other}".split(","))
    return ",".join(dict.fromkeys(item for item in items if item))


def _location(jar: str) -> str:
    """*jar* as an item of a list: its path, or a URL where that has a comma or other signs with a meaning there."""
    return jar if re.fullmatch(r"[\w./+@~-]*", jar) else f"file://{quote(jar)}"


def _old(env: Mapping[str, str]) -> str:
    """The configuration folder that Spark would read in *env*, "" where there is none."""
    found = env.get("SPARK_CONF_DIR", "")
    if not found:
        found = os.path.join(env.get("SPARK_HOME", "") or _pyspark(), "conf")
    return os.path.abspath(found) if os.path.isdir(found) else ""


def _pyspark() -> str:
    """Folder of the pyspark that would be imported, which is Spark's home where none is set."""
    spec = PathFinder.find_spec("pyspark", sys.path)
    return os.path.dirname(spec.origin) if spec is not None and spec.origin else ""


def _read(path: str) -> str:
    """Text of the file at *path*, "" where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as source:
            return source.read()
    except FileNotFoundError:
        return ""


def _write(final: str, old: str, others: Sequence[str], text: str) -> None:
    """The folder *final* with *text* as defaults and links to the *others* of *old*; it appears by one rename."""
    made = f"{final}.{os.getpid()}"
    shutil.rmtree(made, ignore_errors=True)
    step("conf.make")
    os.makedirs(made, mode=0o700)
    for name in others:
        os.symlink(os.path.join(old, name), os.path.join(made, name))
    path = os.path.join(made, DEFAULTS)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", errors="surrogateescape") as out:  # fmt: skip
        out.write(text)
    try:
        step("conf.rename")
        os.rename(made, final)
    except OSError:
        shutil.rmtree(made, ignore_errors=True)
        if not os.path.isdir(final):  # another kernel may have been faster with the same text
            raise
