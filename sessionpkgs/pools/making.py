"""Making pools: the straight line of a session, whose layer becomes a generation that kernels start from.

A generation is finished before anybody can see it, and what new kernels get changes by one rename; running kernels keep
theirs. It does not start kernels, and it says nothing to anybody but the reporter.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from sessionpkgs import overlay, places, process
from sessionpkgs.errors import DeadlineError, NotFoundError, SpecError, StoreError
from sessionpkgs.formats import pylock_toml
from sessionpkgs.model import Pin, Spec
from sessionpkgs.policy import judging
from sessionpkgs.pools import answers, brought, kernelspec, opening
from sessionpkgs.pools.wanted import Wanted
from sessionpkgs.report import Reporter
from sessionpkgs.session import Session, changes, records, reopen, rules, walking
from sessionpkgs.session.straight import Line, Outcome
from sessionpkgs.steps import step
from sessionpkgs.store import Store, disk, generations
from sessionpkgs.store.locks import Flock

JSON = dict[str, Any]
_BUSY = 1800.0
_COMPILING = 1800.0
_SHARED = ("sys-prefix", "system")


class Maker:
    """Makes and changes the pools of one *scope* (``user``, ``sys-prefix`` or ``system``) for this Python."""

    def __init__(self, scope: str, env: Mapping[str, str], reporter: Reporter | None = None) -> None:
        self.scope, self.env = scope, dict(env)
        self.reporter = reporter or Reporter()
        self.root = places.pool_roots(env)[scope]
        self.store = Store(self.root)
        self.shared = scope in _SHARED

    def create(self, name: str, wanted: Wanted, *, engine: str = "") -> JSON:
        """The new pool *name* with its kernelspec. Raises :class:`SpecError` where there is one of that name."""
        with self._busy(name):
            if generations.current(self.root, name):
                raise SpecError(
                    f"there is a pool {name} already", hint=f"Change it: sessionpkgs pool update {name} …", item=name
                )
            kernelspec.check(self.scope, name, self.root)
            made = self._generation(name, wanted, engine=engine)
            kernelspec.install(self.scope, name, self.root, made)
            return self._answer("pool create", made)

    def update(self, name: str, given: Mapping[str, Any], *, engine: str = "", upgrade: bool = False) -> JSON:
        """The pool *name* with the parts *given* (fields of :class:`Wanted`; None leaves one as it is) in one step.

        Versions stay where they fit, with *upgrade* they are the newest. Running kernels keep what they started with.
        """
        with self._busy(name):
            before = self._before(name, torn="text" in given)
            wanted = (Wanted.of_dict(before["declaration"]) if before else Wanted()).changed(given)
            made = self._generation(name, wanted, before=before, engine=engine, upgrade=upgrade)
            kernelspec.install(self.scope, name, self.root, made)
            return self._answer("pool update", made, before)

    def change(self, name: str, *, add: Mapping[str, tuple[str, ...]], drop: Mapping[str, tuple[str, ...]]) -> JSON:
        """The pool *name* with names *add*-ed to its ``packages`` and ``jars`` and others *drop*-ped from them."""
        with self._busy(name):
            before = generations.read(self.root, name)
            wanted = brought.reassigned(Wanted.of_dict(before["declaration"]), add, drop)
            return self._answer("pool update", self._generation(name, wanted, before=before), before)

    def rollback(self, name: str, number: int = 0) -> JSON:
        """Give new kernels the generation *number* again, by default the one before the current."""
        with self._busy(name):
            now, before = self._there(name), self._before(name, torn=True)
            wanted = number or max((one for one in generations.numbers(self.root, name) if one < now), default=0)
            if not wanted:
                raise NotFoundError(
                    f"the pool {name} has no generation before {now}",
                    hint="Older ones were collected, or there never were any.",
                    item=name,
                )
            made = generations.read(self.root, name, wanted)
            self._judge(made)
            kernelspec.install(self.scope, name, self.root, made)
            with disk(self.root):
                generations.switch(self.store, name, wanted)
            return self._answer("pool rollback", made, before)

    def _judge(self, made: JSON) -> None:
        """Refuse a generation that the policy would not let anybody make now. Raises :class:`PolicyError`."""
        rulings = rules.load(self.env)
        if not self._for_all:
            rulings.check_session(rules.at_terminal)
        pins = [Pin(name=row["name"], version=row["version"], url=row["url"]) for row in _own(made)]
        for pin, key, told in rulings.unwanted(pins):
            raise judging.refusal_of(pin, (), key, told)

    @property
    def _for_all(self) -> bool:
        """Whether rules on sessions do not hold for what is made: a pool of everybody's, by who made those rules."""
        files = [path for path, _ in places.policy_files(self.env) if os.path.lexists(path)]
        return self.shared and all(os.lstat(path).st_uid == os.geteuid() for path in files)

    def remove(self, name: str) -> JSON:
        """Take the pool *name* and its kernel away; kernels that run keep their generation to their end."""
        with self._busy(name):
            number = self._there(name)
            kernelspec.remove(self.scope, name)
            with disk(self.root):
                step("pool.remove")
                os.unlink(os.path.join(generations.folder(self.root, name), "current"))
                generations.collect(self.store, float("inf"), name)
            return {"schema": 1, "action": "pool remove", "pool": name, "root": self.root, "number": number}

    def _there(self, name: str) -> int:
        """Number of the current generation, whether it can be read or not. Raises :class:`NotFoundError`."""
        return generations.current(self.root, name) or int(generations.read(self.root, name)["number"])

    def _before(self, name: str, *, torn: bool) -> JSON | None:
        """What the current generation says; None for a *torn* one, where that may be."""
        try:
            return generations.read(self.root, name)
        except StoreError:
            if not torn:
                raise
            return None

    @contextlib.contextmanager
    def _busy(self, name: str) -> Iterator[None]:
        """A block in which nobody else changes the pool *name*."""
        generations.named(name)
        opening.check(self.root)
        with disk(self.root):
            self.store.prepare()
            os.makedirs(self.store.path("pools"), mode=0o700, exist_ok=True)
        with Flock(self.store.path("locks", f"pool-{name}")) as lock:
            with disk(self.root):
                lock.try_acquire(exclusive=True)
            if not lock.held:
                self.reporter.step(f"waiting for {lock.signature() or 'somebody'}, who changes the pool {name}")
                lock.acquire(exclusive=True, deadline=_BUSY, tick=self.reporter.tick)
            lock.sign(f"process {os.getpid()}")
            yield

    def _generation(
        self, name: str, wanted: Wanted, *, before: JSON | None = None, engine: str = "", upgrade: bool = False
    ) -> JSON:
        """What the new generation of *wanted* says; that *before* where nothing would differ."""
        rulings = rules.load(self.env)
        rulings.check_conf(dict(wanted.conf))
        for script in ("on_create", "on_start"):
            if getattr(wanted, script):
                rulings.check_script(script.replace("_", "-"), pool=name)
        with self._session(name) as session:
            spec, jars = brought.spec(session, wanted, self.env)
            fixed = () if upgrade or before is None else tuple(f"{p['name']}=={p['version']}" for p in _own(before))
            options = {"engine": engine, "preferred": fixed, "refresh": upgrade}
            with walking.line(session, changes.whole(spec), **options) as line:
                outcome = line.plan()
                brought.refuse_folders(outcome.plan)
                made = self._said(name, wanted, spec, line, line.build(outcome))
                made["jars"] = brought.keep(jars, self.root)
                made = json.loads(json.dumps(made))
                if before is not None and _same(before, made):
                    return before
                return self._published(made, outcome, line.stage)  # while the line's claim keeps the layer

    @contextlib.contextmanager
    def _session(self, name: str) -> Iterator[Session]:
        """A session in the pool's store, of which nothing stays but layers."""
        env = {**self.env, "SESSIONPKGS_HOME": self.root}
        workspace = places.workspace(self.env)
        if os.path.isdir(workspace) or workspace != places.workspace_of_store(self.env):
            env["SESSIONPKGS_WORKSPACE"] = workspace
        session = Session(identity=f"pool-{name}-{os.getpid()}", env=env)
        session.reporter, session.makes_pool = self.reporter, self._for_all
        session.life.open()
        try:
            yield session
        finally:
            session.close()
            shutil.rmtree(session.life.home, ignore_errors=True)

    def _said(self, name: str, wanted: Wanted, spec: Spec, line: Line, outcome: Outcome) -> JSON:
        """What ``generation.json`` will say, but for its number and jars."""
        sources = line.request(spec).sources
        record = records.record(
            "pool", "", spec, outcome.plan, line.view, engine=outcome.engine, layer=outcome.activation["layer"],
            notices=tuple(outcome.notices), versions=dict(outcome.activation["dists"].values()),
            **records.looked(sources, spec),
        ).to_dict()  # fmt: skip
        packages: Any = record["packages"]
        kept = ("requested", "base", "distributions", "indexes", "find_links", "notices", "engine", "tag")
        rows = [{**row, "layer": "pool"} if row["layer"] == "session" else row for row in packages]
        variables = {**dict(outcome.activation["variables"]), **dict(wanted.variables)}
        return {
            "layout": generations.LAYOUT, "pool": name, "number": 0, "created": reopen.now(), "root": self.root,
            "python": sys.executable, "version": record["python"], "prefix": sys.prefix,
            **{key: record[key] for key in kept}, "packages": rows,
            "activation": {**outcome.activation, "variables": [list(pair) for pair in variables.items()]},
            "jars": [], "conf": dict(wanted.conf), "declaration": wanted.to_dict(),
        }  # fmt: skip

    def _published(self, made: JSON, outcome: Outcome, stage: str) -> JSON:
        """*made* as the current generation, after its script ran and its code was compiled."""
        name = made["pool"]
        with disk(self.root):
            os.makedirs(os.path.join(generations.folder(self.root, name), "generations"), exist_ok=True)
            made["number"] = max(generations.numbers(self.root, name), default=0) + 1
            folder = os.path.join(stage, "generation")
            os.mkdir(folder)
            for script in ("on_create", "on_start"):
                _script(os.path.join(folder, script.replace("_", "-")), made["declaration"][script])
            _write(os.path.join(folder, "pylock.toml"), pylock_toml.write(outcome.plan.install))
        self._compile(made)
        self._run_on_create(made, folder, stage)
        with disk(self.root):
            _write(os.path.join(folder, generations.FILE), json.dumps(made, indent=1))
            if self.shared:
                opening.to_all(self.store, made, folder)
            generations.publish(self.store, name, folder, made["number"])
        return made

    def _run_on_create(self, made: JSON, folder: str, stage: str) -> None:
        """Run the script of the pool's making where there is one; it sees the pool as a kernel would."""
        if not made["declaration"]["on_create"]:
            return
        from sessionpkgs.pools import scripts

        self.reporter.step("running the on-create script")
        env = {**self.env, **overlay.environment(made["activation"], self.env)}
        log = os.path.join(generations.folder(self.root, made["pool"]), "on-create.log")
        scripts.on_create(os.path.join(folder, "on-create"), made, env=env, folder=stage, log=log)

    def _compile(self, made: JSON) -> None:
        """Write bytecode once for everybody; modules that are not for this Python stay as they are."""
        sites = [self.store.path("dists", one, "site") for one in made["activation"]["dists"]]
        if not sites:
            return
        self.reporter.step(f"compiling {len(sites)} distribution{'s' * (len(sites) > 1)}")
        argv = [sys.executable, "-I", "-m", "compileall", "-q", "-q", *sites]
        with contextlib.suppress(DeadlineError):  # what is not compiled now is compiled when it is imported
            process.run(argv, env=_plain(self.env), cwd=self.root, deadline=_COMPILING, tick=self.reporter.tick)

    def _answer(self, action: str, made: JSON, before: JSON | None = None) -> JSON:
        """What was made, as one answer."""
        old = {p["name"]: p["version"] for p in _own(before)} if before else {}
        new = {p["name"]: p["version"] for p in _own(made)}
        return {
            "schema": 1, "action": action, "pool": made["pool"], "number": made["number"], "root": self.root, "scope": self.scope,
            "same": before is not None and before["number"] == made["number"], "python": made["python"],
            "kernel": kernelspec.folder(self.scope, made["pool"]), "packages": made["packages"], "jars": made["jars"],
            "changes": [
                {"name": one, "before": old.get(one, ""), "after": new.get(one, "")}
                for one in sorted({*old, *new}) if old.get(one) != new.get(one)
            ],
            "parts": answers.changes(before, made, but="package") if before else [], "notices": made["notices"],
        }  # fmt: skip


def _own(made: JSON) -> list[JSON]:
    """Rows of what a generation brings itself."""
    return [row for row in made["packages"] if row["layer"] == "pool"]


def _same(before: JSON, made: JSON) -> bool:
    """Whether a kernel could not tell *made* from *before*."""
    told = ("declaration", "jars", "conf", "prefix", "python", "tag", "requested")
    return before["activation"] == made["activation"] and all(before[key] == made[key] for key in told)


def _write(path: str, text: str) -> None:
    """A new file, brought to the disk itself."""
    with open(path, "w", encoding="utf-8") as target:
        target.write(text)
        target.flush()
        os.fsync(target.fileno())


def _script(path: str, text: str) -> None:
    """The script *text* as a program, where there is one."""
    if text:
        _write(path, text)
        os.chmod(path, 0o700)


def _plain(env: Mapping[str, str]) -> dict[str, str]:
    """What a program of ours needs of *env*."""
    return {name: env[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in env}
