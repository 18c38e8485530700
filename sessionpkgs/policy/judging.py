"""All policy files together: each is judged on its own and all must be satisfied, so that none can loosen another.

Pure: it is told what was asked, what was chosen and what the machine is, and refuses. Every refusal is a
:class:`PolicyError` whose ``rule`` is the key and whose sentence names the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sessionpkgs.errors import PolicyError, SourceForbidden
from sessionpkgs.model import Dist, Pin, Spec
from sessionpkgs.policy import chain, reach, satisfied
from sessionpkgs.policy.reaching import ASK, Reaching
from sessionpkgs.settings import Settings

MEGABYTE = 1_000_000
FOR_ALL = (
    "A pool of one's own counts as a session; one for everybody (sessionpkgs pool create NAME --sys-prefix, or --system) "
    "is made by who looks after this environment."
)
"""What to do where sessions have no packages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Reaching):
    """The rules of all ``files``; as a rule there are none. What a pool for everybody may have is wider (``makes_pool``)."""

    makes_pool: bool = False

    @property
    def seconds(self) -> float | None:
        """Wall clock of one change, None for any."""
        return min((one.max_seconds for one in self.files if one.max_seconds is not None), default=None)

    @property
    def protected(self) -> Mapping[str, str]:
        """Further names that a session may not change, each with the rule that says so; who makes a shared pool may."""
        if self.makes_pool:
            return {}
        return {name: one.told("protected", name) for one in reversed(self.files) for name in one.protected}

    @property
    def scripts(self) -> bool:
        """Whether scripts may run at the start of a kernel."""
        return all(one.on_start for one in self.files)

    @property
    def wants_person(self) -> bool:
        """Whether it depends on who sits before a run whether its session may have packages."""
        return any(one.session_packages == "interactive" for one in self.files)

    def bounded(self, settings: Settings) -> Settings:
        """*settings* with what the files allow of them."""
        wheels = settings.wheels_only or any(one.wheels_only for one in self.files)
        seconds = settings.deadline if self.seconds is None else min(settings.deadline, self.seconds)
        return replace(settings, wheels_only=wheels, deadline=seconds)

    def check_session(self, interactive: Callable[[], bool]) -> None:
        """Refuse session packages where they are off, or off in runs that nobody sits before."""
        for one in self.files:
            if one.session_packages is False:
                raise PolicyError(
                    f"session packages are off here: {one.told('session_packages')}",
                    hint=f"Use a kernel that has what you need. {FOR_ALL}",
                    item="session_packages",
                    rule="session_packages",
                )
            if one.session_packages == "interactive" and not interactive():
                raise PolicyError(
                    f"session packages are off in runs without a person: {one.told('session_packages')}",
                    hint=f"Run the notebook by hand, or on a kernel that has what it needs. {FOR_ALL}",
                    item="session_packages",
                    rule="session_packages",
                )

    def check_declared(self, spec: Spec, view: Mapping[str, Dist]) -> None:
        """Refuse what *spec* names itself: places on other hosts, and names that no version could be allowed of.

        What *view* has already is not brought in.
        """
        for requirement in (*spec.requirements, *spec.constraints):
            if place := reach.place_of(requirement.line):
                self.check_named(place, reach.shown(requirement.line))
        for requirement in spec.requirements:
            if requirement.name and not satisfied(requirement, view):
                self._check_name(requirement.name, requirement.line)

    def _check_name(self, name: str, line: str) -> None:
        """Refuse *name* where a rule does not depend on its version."""
        for one in self.files:
            for entry in one.deny:
                if not entry.condition and entry.names(name):
                    raise _unwanted(reach.shown(line), one.told("deny", entry.text), line, "deny")
            if one.allow is not None and not any(entry.names(name) for entry in one.allow):
                raise _unwanted(reach.shown(line), one.told("allow"), line, "allow")

    def unwanted(self, pins: Iterable[Pin]) -> Iterator[tuple[Pin, str, str]]:
        """Those of *pins* that may not be brought in, each with the key and the rule as a sentence names it."""
        for pin in pins:
            for one in self.files:
                if denied := [e for e in one.deny if e.fits(pin.name, pin.version, unknown=True)]:
                    yield pin, "deny", one.told("deny", denied[0].text)
                elif one.allow is not None and not any(e.fits(pin.name, pin.version, unknown=False) for e in one.allow):
                    yield pin, "allow", one.told("allow")

    def check_hashes(self, pins: Iterable[Pin], hashed: Iterable[str]) -> None:
        """Refuse those of *pins* that come without a hash in the declaration; *hashed* are the names that have one."""
        known = {*hashed}
        for one in self.files:
            bare = [f"{pin.name}=={pin.version}" for pin in pins if pin.name not in known]
            if one.require_hashes and bare:
                raise PolicyError(
                    f"{', '.join(bare)} would come without a hash: {one.told('require_hashes')}",
                    hint="Declare a lock: sessionpkgs lock FILE writes a pylock.toml, sessionpkgs export --format "
                    "requirements lines with hashes.",
                    item=bare[0],
                    rule="require_hashes",
                )

    def check_size(self, size: int, unknown: Sequence[str]) -> None:
        """Refuse a download of *size* bytes that is too large, or of which nobody tells the size (*unknown* names)."""
        for one in self.files:
            if one.max_megabytes is None:
                continue
            if size > one.max_megabytes * MEGABYTE:
                said = f"{size / MEGABYTE:.1f} MB would be fetched"
            elif unknown:
                said = f"nobody tells how large {', '.join(unknown)} is"
            else:
                continue
            raise PolicyError(
                f"{said}: {one.told('max_megabytes')}",
                hint="Ask for less, or for smaller builds; --plan shows the sizes.",
                item=unknown[0] if unknown else f"{size}",
                rule="max_megabytes",
            )

    def late(self) -> PolicyError:
        """The refusal of a change that takes longer than it may."""
        timed = (one for one in self.files if one.max_seconds is not None)
        rules = min(timed, key=lambda one: one.max_seconds or 0.0)
        return PolicyError(
            f"this takes longer than a change may: {rules.told('max_seconds')}",
            hint="Ask for less at a time: what was fetched already is kept.",
            item="max_seconds",
            rule="max_seconds",
        )

    def only_wheels(self, sentence: str, item: str) -> PolicyError | None:
        """The refusal of what exists only as source, in the words of the rule; None where no rule forbids it."""
        for one in self.files:
            if one.wheels_only:
                return SourceForbidden(
                    f"{sentence}: {one.told('wheels_only')}",
                    hint="Choose another version or package, or ask for a wheel of it in the workspace.",
                    item=item,
                    rule="wheels_only",
                )
        return None

    def check_script(self, name: str = "on-start", *, pool: str = "") -> None:
        """Refuse to run the script *name* of the *pool*."""
        whose = f" of the pool {pool}" if pool else ""
        goes_on = "The kernel goes on without it" if name == "on-start" else "The pool can be made without it"
        for one in self.files:
            if not one.on_start:
                raise PolicyError(
                    f"the script {name}{whose} may not run: {one.told('on_start')}",
                    hint=f"{goes_on}; who looks after {one.origin} can allow it.",
                    item=pool or name,
                    rule="on_start",
                )


def refusal_of(pin: Pin, asked: Sequence[str], key: str, told: str) -> PolicyError:
    """The refusal of *pin*, which *asked* (a chain from the declaration down) leads to, by the rule *told*."""
    path = " → ".join((*asked, f"{pin.name}=={pin.version}" if pin.version else pin.name))
    return _unwanted(reach.shown(path, 300), told, asked[0] if asked else pin.name, key)


def path_to(name: str, edges: Iterable[tuple[str, str]], spec: Spec) -> tuple[str, ...]:
    """The chain from a line of *spec* down to *name*, without it; empty for a name that the declaration has itself."""
    asked = chain(name, edges, spec)
    direct = {one.name for one in spec.requirements}
    return () if name in direct and len(asked) == 1 else asked


def _unwanted(what: str, told: str, item: str, key: str) -> PolicyError:
    """The refusal of *what* by the rule *told*."""
    return PolicyError(f"{what} may not be brought in: {told}", hint=ASK, item=reach.shown(item), rule=key)
