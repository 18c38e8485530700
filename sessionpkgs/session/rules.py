"""The policy of this machine: where its files stand, whether they can be trusted, what they say together.

A file that is there and cannot be obeyed forbids everything that changes a session. Files are read again only where
something about them changed. What a rule means is in ``policy``; it changes nothing and asks nobody.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypedDict

from sessionpkgs import places
from sessionpkgs.errors import PolicyError, clean
from sessionpkgs.policy.judging import Policy
from sessionpkgs.policy.reaching import bring_in
from sessionpkgs.policy.rules import READERS, Rules, parse, void, written

if TYPE_CHECKING:
    from sessionpkgs.session import Session

MOST = 1 << 20
"""Bytes that a policy may have."""
_ABSENT = (FileNotFoundError, NotADirectoryError)
_MEND = "Ask who looks after this machine to mend it."
_known: dict[tuple[object, ...], Policy] = {}


class Row(TypedDict):
    """What holds of one key: its ``value``, the file that makes it so (``tightest``), and what each file says of it.

    Of the key ``policy`` the value is "unusable", and ``files`` has the sentence for each file that cannot be obeyed.
    """

    key: str
    value: Any
    tightest: str
    files: list[dict[str, Any]]


def load(env: Mapping[str, str], *, makes_pool: bool = False) -> Policy:
    """What the policy files of *env* say together, to who *makes_pool* for everybody or to a session.

    Raises :class:`PolicyError` for one that cannot be obeyed.
    """
    found = places.policy_files(env)
    key = tuple((path, whose, path == env.get("SESSIONPKGS_POLICY"), *_stamp(path)) for path, whose in found)
    if key not in _known:
        rules = [read(path, whose, named=path == env.get("SESSIONPKGS_POLICY")) for path, whose in found]
        files = tuple(one for one in rules if one is not None)
        narrow = any(one.closed_network or one.indexes is not None for one in files)
        made = Policy(files=files, elsewhere=elsewhere() if narrow else "")
        _known.clear()
        _known[key] = made
    return replace(_known[key], makes_pool=True) if makes_pool else _known[key]


def guard(session: Session) -> Policy:
    """The policy, where it lets *session* have packages in this run. Raises :class:`PolicyError`.

    Who makes a pool that is shared needs no leave for sessions.
    """
    policy = load(session.env, makes_pool=session.makes_pool)
    if not session.makes_pool:
        policy.check_session(session.interactive or at_terminal)
    return policy


def at_terminal() -> bool:
    """Whether somebody sits before this program: what counts where no front end says."""
    try:
        return sys.stdin.isatty()
    except (AttributeError, ValueError):  # no input, or a closed one
        return False


def scripts_allowed(env: Mapping[str, str]) -> bool:
    """Whether scripts may run when a kernel starts. Raises :class:`PolicyError` for a policy that cannot be obeyed."""
    return load(env).scripts


def jar_allowed(env: Mapping[str, str], place: str) -> bool:
    """Whether the jar, or the repository of jars, at the *place* (a URL or a path) may be used.

    ``load(env).check_jar(place)`` raises the refusal instead.
    """
    policy = load(env)
    try:
        policy.check_jar(place)
    except PolicyError:
        return False
    return True


def elsewhere(file: str = "FILE") -> str:
    """The commands that bring in what *file* needs where the network is closed, for this Python and machine."""
    from sessionpkgs.engines import targets

    here = targets.here()
    return bring_in(file, python=".".join(map(str, sys.version_info[:2])), platform=here.platforms[0])


# -- one file -------------------------------------------------------------------------------------------------------


def read(path: str, whose: str, *, named: bool = False) -> Rules | None:
    """The rules in the file *path* (of the ``machine``, the ``environment`` or the ``user``), None where there is none.

    Raises :class:`PolicyError` for one that cannot be read, is not only its owner's to change, or says what nobody
    knows; and for one that is *named* and not there.
    """
    try:
        os.lstat(path)
    except _ABSENT:
        if named:
            raise void(path, "is named by SESSIONPKGS_POLICY and does not exist", "Mend the variable.") from None
        return None
    except OSError as error:
        raise void(path, f"cannot be looked at ({error.strerror})") from None
    _check_owners(path, whose)
    try:
        rules = parse(places.parse_toml(_text(path, whose)), path)
    except (ValueError, RecursionError) as error:
        raise void(path, f"is not valid TOML ({error})") from None
    return replace(rules, reach=_reach(rules)) if rules.limiting() else rules


def _reach(rules: Rules) -> tuple[str, ...]:
    """The hosts that *rules* leave: those of their indexes, with what belongs to these, and those that they name."""
    from sessionpkgs.engines import fence
    from sessionpkgs.settings import Sources

    said = Sources(indexes=rules.indexes or (), implied=False, hosts=rules.hosts or ())
    return tuple(sorted(fence.allowed(said).names))


def _text(path: str, whose: str) -> str:
    """The text of the file that is open now: what was looked at before may be another one."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except _ABSENT:
        raise void(path, "leads to nothing (a broken link)") from None
    except OSError as error:
        raise void(path, f"cannot be read ({error.strerror})") from None
    try:
        status = os.fstat(opened)
        if not stat.S_ISREG(status.st_mode):
            raise void(path, "is not a file")
        _check(path, path, status, _owners(whose))
        if status.st_size > MOST:
            raise void(path, f"has more than {MOST} bytes")
        with open(opened, "rb", closefd=False) as source:
            return source.read(MOST).decode("utf-8")
    except OSError as error:
        raise void(path, f"cannot be read ({error.strerror})") from None
    finally:
        os.close(opened)


def _check_owners(path: str, whose: str) -> None:
    """Refuse links and folders by which somebody else could put another file in the place of *path*."""
    owners = _owners(whose)
    if os.path.islink(path) and os.lstat(path).st_uid not in owners:
        raise void(path, "is a link of somebody else's")
    if whose == "user":
        return
    for folder in dict.fromkeys((os.path.dirname(path), os.path.dirname(os.path.realpath(path)))):
        try:
            _check(path, folder, os.stat(folder), owners)
        except OSError as error:
            raise void(path, f"cannot be looked at ({error.strerror})") from None


def _check(path: str, what: str, status: os.stat_result, owners: Iterable[int]) -> None:
    """Refuse the policy *path* where *what*, it or its folder, is not its owner's alone to change."""
    named = "" if what == path else f"stands in {what}, which "
    if status.st_uid not in owners:
        raise void(path, f"{named}belongs to the user {status.st_uid}", f"sudo chown root {what}, or ask for that.")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise void(path, f"{named}can be changed by others", f"chmod go-w {what}, or ask for that.")


def _owners(whose: str) -> frozenset[int]:
    """Users to whom a policy may belong."""
    if whose == "machine":
        return frozenset({0})
    return frozenset({0, os.stat(sys.prefix).st_uid if whose == "environment" else os.geteuid()})


def _stamp(path: str) -> tuple[object, ...]:
    """What changes when the policy at *path* is another one, or somebody else's: the link, the file and its folder."""
    found: list[object] = []
    for look, place in ((os.lstat, path), (os.stat, path), (os.stat, os.path.dirname(path))):
        try:
            status = look(place)
        except OSError as error:
            found.append(error.errno)
        else:
            found += [status.st_uid, status.st_mode, status.st_ino]
            found += [status.st_mtime_ns, status.st_ctime_ns, status.st_size] if place == path else []
    return tuple(found)


# -- what a person is told ------------------------------------------------------------------------------------------


def explain(env: Mapping[str, str]) -> list[Row]:
    """What holds of each key and which files say so; never raises, a file that cannot be obeyed is a row ``policy``.

    Below such a row stand only the keys of which another file says something: nothing is as it is without a policy.
    """
    files: list[Rules] = []
    bad: list[dict[str, Any]] = []
    for path, whose in places.policy_files(env):
        try:
            rules = read(path, whose, named=path == env.get("SESSIONPKGS_POLICY"))
        except PolicyError as error:
            bad.append({"file": path, "whose": whose, "error": error.sentence, "hint": error.hint})
        else:
            files += [rules] if rules is not None else []
    unusable = [Row(key="policy", value="unusable", tightest=bad[0]["file"], files=bad)] if bad else []
    rows = [_row(key, files) for key in READERS]
    return [*unusable, *(row for row in rows if row["files"])] if bad else rows


def _row(key: str, files: Iterable[Rules]) -> Row:
    """What *files* say of *key*."""
    usual = getattr(Rules(origin=""), key)
    saying = [(one, getattr(one, key)) for one in files if getattr(one, key) != usual]
    value = _together(key, [said for _, said in saying]) if saying else usual
    tightest = next((one for one, said in saying if said == value), None) or min(
        (one for one, _ in saying), key=lambda one: len(written(getattr(one, key))), default=None
    )
    return Row(
        key=key,
        value=_plain(value),
        tightest=tightest.origin if tightest else "",
        files=[{"file": one.origin, "value": _plain(said)} for one, said in saying],
    )


def _together(key: str, said: list[Any]) -> Any:
    """What the values *said* of *key* come to."""
    if key == "session_packages":
        return False if False in said else "interactive"
    if isinstance(said[0], bool):
        return said[0]  # all say what is not usual
    if isinstance(said[0], float):
        return min(said)
    if key in ("deny", "protected"):
        return tuple(dict.fromkeys(one for values in said for one in values))
    return tuple(one for one in said[0] if all(one in values for values in said[1:]))


def _plain(value: Any) -> Any:
    """*value* for a machine."""
    return [getattr(one, "text", one) for one in value] if isinstance(value, tuple) else value


def describe(rows: Iterable[Row]) -> str:
    """*rows* in one line: what is not as it is without a policy. Raises :class:`PolicyError` where a file is unusable."""
    told = []
    for row in rows:
        if row["key"] == "policy":
            raise PolicyError("; ".join(one["error"] for one in row["files"]), hint=row["files"][0]["hint"])
        if row["files"]:
            told.append(f"{row['key']} = {_shown(row['value'])} ({row['tightest']})")
    return "; ".join(told) or "none"


def table(rows: Iterable[Row]) -> str:
    """*rows* as lines: the key, what holds, and below it what each file says; the tightest has a mark."""
    lines = []
    for row in rows:
        void = ": everything that changes a session is refused" if row["key"] == "policy" else ""
        lines.append(f"{row['key']:<16} {_shown(row['value'])}{void}")
        for one in row["files"]:
            said = f"{one['error']} → {one['hint']}" if "error" in one else f"{_shown(one['value'])} ({one['file']})"
            lines.append(f"  {'→' if one['file'] == row['tightest'] else ' '} {said}")
    return "\n".join(lines)


def _shown(value: Any) -> str:
    """A value of a row as text."""
    if value is None:
        return "any"
    return clean(written(tuple(value) if isinstance(value, list) else value))
