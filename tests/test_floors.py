"""The floors of the house: imports point down only, one door to processes, one editor of sys.path."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "sessionpkgs"
FLOORS = (
    {"errors", "model", "process", "report", "settings", "places", "fingerprint", "steps", "_version"},
    {"formats", "plan", "consistency", "policy"},
    {"store", "installed", "journal", "workspace"},
    {"engines", "overlay", "workers", "jvm"},
    {"session"},
    {"pools"},
    {"display"},
    {"jupyter", "cli", "notebook"},
)
GROUND, FACES = FLOORS[0], FLOORS[-1]
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# A room that sees a neighbour on its own floor: the command line runs notebooks.
NEIGHBOURS = {("cli", "notebook")}
FILES = sorted(ROOT.rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> set[str]:
    """Names of modules of ours that *path* imports at run time, at any depth of its code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_every_module_stands_on_a_floor(path: Path) -> None:
    assert module_of(path) == "sessionpkgs" or room_of(module_of(path)) in FLOOR_OF


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down_only(path: Path) -> None:
    here = room_of(module_of(path))
    if not here:
        return
    for name in imported(path):
        there = room_of(name) if name.startswith("sessionpkgs.") else ""
        if there in FLOOR_OF and there != here and (here, there) not in NEIGHBOURS:
            same_ground = here in GROUND and there in GROUND
            assert FLOOR_OF[there] < FLOOR_OF[here] or same_ground, f"{here} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_process_starts_programs(path: Path) -> None:
    if module_of(path) != "sessionpkgs.process":
        assert not imported(path) & {"subprocess", "os.system", "os.popen", "pty", "multiprocessing"}


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_the_faces_know_ipython(path: Path) -> None:
    if room_of(module_of(path)) not in {*FACES, ""}:
        assert not any(name.split(".")[0] in {"IPython", "ipykernel"} for name in imported(path))


def writes_to_sys_path(tree: ast.AST) -> bool:
    """Whether code assigns to, deletes from or calls a changing method of sys.path, sys.meta_path or sys.modules."""
    changing = {"append", "insert", "remove", "extend", "pop", "clear", "reverse", "sort", "update", "setdefault"}
    watched = {"path", "meta_path", "path_hooks", "modules"}

    def is_watched(node: ast.AST) -> bool:
        return (
            isinstance(node, ast.Attribute)
            and node.attr in watched
            and isinstance(node.value, ast.Name)
            and node.value.id == "sys"
        )

    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in changing and is_watched(called.value):
            return True
        targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else []
        targets += [node.target] if isinstance(node, ast.AugAssign) else []
        for target in targets:
            inner = target.value if isinstance(target, ast.Subscript) else target
            if is_watched(inner):
                return True
    return False


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_the_overlay_edits_sys_path(path: Path) -> None:
    # The first is the overlay's arm in other processes, the second begins a process: each runs there before all else.
    first = {"sessionpkgs.workers.boot", "sessionpkgs.jupyter.restart.arriving"}
    if room_of(module_of(path)) != "overlay" and module_of(path) not in first:
        assert not writes_to_sys_path(ast.parse(path.read_text(encoding="utf-8")))


def test_no_module_imports_itself_through_others() -> None:
    modules = {module_of(path): path for path in FILES}
    graph = {
        name: {m for m in imported(path) if m in modules and m != name and not name.startswith(m + ".")}
        for name, path in modules.items()
    }

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += graph[name]
        return seen

    assert [name for name in graph if name in reach(name)] == []
