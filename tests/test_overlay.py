"""The overlay on its own: what it switches on is exactly off again, also where a cell changed things in between."""

from __future__ import annotations

import os
import subprocess  # noqa: TID251 - starts children as a notebook does
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sessionpkgs.errors import ActivationError
from sessionpkgs.overlay import Overlay, modules, pth, survey
from sessionpkgs.workers.children import boot_folder


@pytest.fixture
def interpreter() -> Iterator[None]:
    """This interpreter's paths, modules and environment, put back after the test."""
    path, meta, hooks, modules = list(sys.path), list(sys.meta_path), list(sys.path_hooks), dict(sys.modules)
    environ = dict(os.environ)
    yield
    sys.path[:], sys.meta_path[:], sys.path_hooks[:] = path, meta, hooks
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(environ)


def layer(root: Path, name: str, files: dict[str, str]) -> Path:
    site = root / "layers" / name / "site"
    for path, text in files.items():
        target = site / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return site


def described(*sites: Path, **more: Any) -> dict[str, Any]:
    lines = [pth.read(str(site)) for site in sites]
    found = {
        "layer": "x",
        "sites": [str(site) for site in sites],
        "pth": [path for one in lines for path in one.paths],
        "finders": [name for one in lines for name in one.finders],
        "sources": [],
        "bin": "",
        "share": "",
        "variables": [],
        "dists": {},
    }
    return {**found, **more}


@pytest.mark.usefixtures("interpreter")
def test_layers_stand_after_the_standard_library_and_before_the_first_site_packages(tmp_path: Path) -> None:
    site = layer(tmp_path, "one", {"fresh_one.py": "X = 1\n", "json.py": "raise RuntimeError\n"})
    Overlay(str(tmp_path)).activate(described(site))
    at = sys.path.index(str(site))
    assert Path(sys.path[at + 1]).name in {"site-packages", "dist-packages"}
    assert at > sys.path.index(str(Path(os.__file__).parent))
    import fresh_one  # type: ignore[import-not-found]

    assert fresh_one.X == 1


@pytest.mark.usefixtures("interpreter")
def test_deactivation_gives_paths_finders_and_environment_back_exactly(tmp_path: Path) -> None:
    scripts = tmp_path / "bin"
    (tmp_path / "share/jupyter").mkdir(parents=True)
    site = layer(tmp_path, "one", {"fresh_two/__init__.py": "", "fresh_two/inner.py": ""})
    before = (list(sys.path), list(sys.meta_path), list(sys.path_hooks), dict(os.environ))
    mine = Overlay(str(tmp_path))
    wanted = described(
        site, bin=str(scripts), share=str(tmp_path / "share"), boot=str(tmp_path), variables=[["FRESH", "1"]]
    )
    mine.activate(wanted)
    import fresh_two.inner  # type: ignore[import-not-found]  # noqa: F401

    assert os.environ["FRESH"] == "1"
    assert os.environ["PATH"].startswith(str(scripts))
    assert os.environ["JUPYTER_PATH"].startswith(str(tmp_path))
    mine.deactivate()
    after = (list(sys.path), list(sys.meta_path), list(sys.path_hooks), dict(os.environ))
    assert after == before
    assert not [path for path in sys.path_importer_cache if path.startswith(str(tmp_path))]
    assert "fresh_two" not in sys.modules
    assert "fresh_two.inner" not in sys.modules


@pytest.mark.usefixtures("interpreter")
def test_what_a_cell_changed_in_between_stays_changed(tmp_path: Path) -> None:
    site = layer(tmp_path, "one", {"fresh_three.py": ""})
    os.environ["THEIRS"] = "before"
    mine = Overlay(str(tmp_path))
    mine.activate(described(site, bin=str(tmp_path / "bin"), variables=[["THEIRS", "ours"]]))
    os.environ["THEIRS"] = "a cell's"
    os.environ["PATH"] = "/added" + os.pathsep + os.environ["PATH"]
    sys.path.append("/appended")
    mine.deactivate()
    assert os.environ["THEIRS"] == "a cell's"
    assert os.environ["PATH"].startswith("/added" + os.pathsep)
    assert str(tmp_path) not in os.environ["PATH"]
    assert sys.path[-1] == "/appended"


@pytest.mark.usefixtures("interpreter")
def test_an_activation_that_fails_leaves_what_was_active_before(tmp_path: Path) -> None:
    good = layer(tmp_path, "good", {"fresh_four.py": ""})
    bad = layer(tmp_path, "bad", {"__editable__x.pth": "import __editable___x_finder; __editable___x_finder.install()"})
    mine = Overlay(str(tmp_path))
    mine.activate(described(good))
    with pytest.raises(ModuleNotFoundError):
        mine.activate(described(bad))
    assert mine.active["sites"] == [str(good)]
    assert str(good) in sys.path
    assert str(bad) not in sys.path


@pytest.mark.usefixtures("interpreter")
def test_an_editable_finder_comes_before_base_and_goes_again(tmp_path: Path) -> None:
    source = tmp_path / "source/fresh_five"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("WHERE = 'source'\n")
    finder = f"""
import importlib.util, sys
MAPPING = {{'fresh_five': {str(source)!r}}}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            return importlib.util.spec_from_file_location(name, MAPPING[name] + '/__init__.py')
def install():
    sys.meta_path.append(Finder)
"""
    site = layer(
        tmp_path,
        "one",
        {
            "__editable__fresh.pth": "import __editable___fresh_finder; __editable___fresh_finder.install()\n",
            "__editable___fresh_finder.py": finder,
            "fresh_five/__init__.py": "WHERE = 'layer'\n",
        },
    )
    before = list(sys.meta_path)
    mine = Overlay(str(tmp_path))
    mine.activate(described(site))
    import fresh_five  # type: ignore[import-not-found]

    assert fresh_five.WHERE == "source"
    mine.deactivate()
    assert sys.meta_path == before
    assert "fresh_five" not in sys.modules


@pytest.mark.usefixtures("interpreter")
def test_a_loaded_pkgutil_package_sees_its_part_in_the_layer_until_it_is_taken_back(tmp_path: Path) -> None:
    text = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    below = tmp_path / "site-packages"
    (below / "fresh_six").mkdir(parents=True)
    (below / "fresh_six/__init__.py").write_text(text)
    (below / "fresh_six/old.py").write_text("")
    sys.path.append(str(below))
    import fresh_six  # type: ignore[import-not-found]

    site = layer(tmp_path, "one", {"fresh_six/__init__.py": text, "fresh_six/new.py": ""})
    path = list(fresh_six.__path__)
    mine = Overlay(str(tmp_path))
    mine.activate(described(site))
    import fresh_six.new  # type: ignore[import-not-found]
    import fresh_six.old  # type: ignore[import-not-found]

    mine.deactivate()
    assert list(fresh_six.__path__) == path


def test_path_lines_and_finders_of_pth_files_count_and_other_code_is_only_named(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "a.pth").write_text("# comment\nthere\nnot-there\n")
    (tmp_path / "b.pth").write_text("import os; os.environ['RAN'] = '1'\n")
    (tmp_path / "c-nspkg.pth").write_text("import sys\n")
    (tmp_path / "__editable__.d.pth").write_text("import __editable___d_finder; __editable___d_finder.install()\n")
    assert pth.read(str(tmp_path)) == ([str(tmp_path / "there")], ["__editable___d_finder"], ["b.pth"])
    assert "RAN" not in os.environ


def found(**changes: Any) -> survey.Found:
    values = {"dist": "demo", "old": "1", "new": "2", "names": ["demo"], "extensions": [], "held": [], "base": True}
    return survey.Found(**{**values, **changes})


def test_plain_python_that_nobody_holds_is_imported_anew() -> None:
    anew, said = survey.judge([found()])
    assert anew == ["demo"]
    assert "demo 1" in said[0]


@pytest.mark.parametrize("why", [{"extensions": ["demo._c"]}, {"held": ["mine"]}])
def test_c_code_or_a_variable_in_the_way_is_an_activation_error(why: dict[str, list[str]]) -> None:
    with pytest.raises(ActivationError, match="demo 1 is imported already") as caught:
        survey.judge([found(**why)])
    assert "--restart" in caught.value.hint


def test_what_leaves_never_stops_a_declaration_and_is_said_where_it_stays() -> None:
    anew, said = survey.judge([found(new="", base=False), found(new="", held=["mine"], base=False)])
    assert anew == []
    assert said == ["demo 1 left the session; the variable mine still holds it."]


def test_a_base_distribution_before_the_layers_cannot_be_hidden() -> None:
    rows = [{"name": "demo", "old": "1", "new": "2", "path": "/early/demo-1.dist-info"}]
    survey.unreachable(rows, ["/stdlib", "/early"], 1)
    with pytest.raises(ActivationError, match="searches before"):
        survey.unreachable(rows, ["/early", "/stdlib"], 1)


def test_variables_made_by_a_module_count_as_holding_it() -> None:
    module = types.ModuleType("fresh_seven")
    exec("class Thing: pass", module.__dict__)
    namespace = {"module": module, "kind": module.Thing, "one": module.Thing(), "_hidden": module, "other": 3}
    assert modules.held_by({"fresh_seven": module}, namespace) == ["kind", "module", "one"]


def child(boot: Path, site: Path, code: str, *, version: str = "", extra: str = "") -> str:
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (boot_folder(str(boot)), extra))),
        "SESSIONPKGS_CHILD": f"{sys.prefix}|{version or here}",
        "SESSIONPKGS_CHILD_PATH": str(site),
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_a_child_sees_the_layer_in_the_same_place_and_its_own_sitecustomize_still_runs(tmp_path: Path) -> None:
    site = layer(tmp_path, "one", {"fresh_eight.py": "X = 8\n"})
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/sitecustomize.py").write_text("import sys; sys.ran = True\n")
    code = "import fresh_eight, sys; print(fresh_eight.X, sys.ran, any('boot' in p for p in sys.path))"
    assert child(tmp_path, site, code, extra=str(tmp_path / "theirs")) == "8 True False"


def test_a_child_that_is_another_python_is_left_alone(tmp_path: Path) -> None:
    site = layer(tmp_path, "one", {"fresh_nine.py": ""})
    said = child(tmp_path, site, "import fresh_nine", version="2.7")
    assert said == "ModuleNotFoundError: No module named 'fresh_nine'"
