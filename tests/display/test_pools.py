"""What became of a pool, in the words of a terminal."""

from __future__ import annotations

from sessionpkgs.display import pools

ROW = {"name": "demo", "version": "1.0", "layer": "pool", "url": "https://index.example/demo.whl", "sha256": "a" * 64}
JAR = {"name": "delta", "version": "3.2", "coordinate": "io.delta:delta:3.2", "sha256": "b" * 64}


def answer(**more: object) -> dict[str, object]:
    """The answer of ``pool update``."""
    return {
        "action": "pool update", "pool": "ml", "number": 2, "same": False, "scope": "user", "python": "/py", "packages": [ROW],
        "jars": [JAR], "changes": [], "notices": [], **more,
    }  # fmt: skip


def test_one_of_a_kind_is_one_and_the_first_line_says_for_whom_the_pool_is() -> None:
    first = "The pool ml (for yourself), generation 2: 1 package and 1 jar, over /py."
    assert pools.made(answer()).splitlines()[0] == first
    two = pools.made(answer(packages=[ROW, ROW], jars=[JAR, JAR], scope="system"))
    assert two.startswith("The pool ml (for the machine), generation 2: 2 packages and 2 jars, over")
    assert pools.made(answer(packages=[], jars=[], scope="sys-prefix")).startswith(
        "The pool ml (for this environment), generation 2: 0 packages, over"
    )
    assert pools.made(answer(same=True)) == "The pool ml (for yourself) is as it was: generation 2."


def test_all_that_changed_is_named_and_no_value_that_may_be_secret() -> None:
    changes = [{"name": "demo", "before": "0.9", "after": "1.0"}]
    parts = [
        {"kind": "conf", "name": "spark.a", "before": "", "after": "12345678"},
        {"kind": "jar", "name": "delta", "before": "3.1", "after": "3.2"},
        {"kind": "script", "name": "on_start", "before": "1", "after": "2"},
        {"kind": "variable", "name": "TOKEN", "before": "12345678", "after": ""},
    ]
    told = [
        "~ demo 0.9 → 1.0", "setting spark.a is new", "jar ~ delta 3.1 → 3.2", "script on-start changed", "variable TOKEN is gone",
    ]  # fmt: skip
    assert pools.made(answer(changes=changes, parts=parts)).splitlines()[1:-1] == told
    rows = [{"kind": "package", **changes[0]}, *parts]
    between = {"pool": "ml", "before": 1, "after": 2, "same": False, "changes": rows}
    assert pools.diff(between).splitlines()[1:] == told
    assert pools.made(answer(parts=parts, action="pool create")).count("\n") == 1


def test_the_hash_of_a_jar_says_what_it_is() -> None:
    wanted = {"label": "", "packages": [], "jars": [], "on_create": "", "on_start": "", "session": ""}
    sheet = {
        "pool": "ml", "number": 1, "current": 1, "created": "", "version": "3.11", "python": "/py", "kernel": "/k",
        "generations": [1], "used": [], "declaration": wanted, "conf": {}, "activation": {"variables": []}, "packages": [ROW],
        "jars": [JAR, {**JAR, "coordinate": ""}],
    }  # fmt: skip
    lines = pools.one(sheet).splitlines()
    assert lines[-3].endswith("demo.whl  sha256:aaaaaaaaaaaa")
    assert lines[-2].endswith("io.delta:delta:3.2  sha256:bbbbbbbbbbbb")
    assert lines[-1].endswith("jar    sha256:bbbbbbbbbbbb")
