"""The same promise with real distributions from the package index: numpy, pandas, mlflow, split namespaces."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bases import Base

pytestmark = [pytest.mark.kernel, pytest.mark.index]

LOAD = "%load_ext sessionpkgs"


@pytest.fixture
def base(tmp_path: Path, home: Path) -> Base:
    return Base(tmp_path, home)


def versions(record: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {p["name"]: p["version"] for p in record["packages"] if p["layer"] == "session"}


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_an_older_numpy_brings_a_pandas_and_a_scipy_that_fit_it(base: Base, engine: str) -> None:
    base.fetch("numpy>=2", "pandas>=2.2", "scipy")
    before = base.tree()
    code = "import numpy, pandas, scipy.linalg; print(numpy.__version__, (pandas.Series([1, 2]) * 2).sum(), scipy.linalg.det([[2]]))"
    book = base.notebook(
        LOAD,
        f"%%session_env --engine {engine}\nnumpy<1.26\n",
        code,
        f"import subprocess, sys; print(subprocess.run([sys.executable, '-c', {code!r}], text=True, capture_output=True).stdout)",
        SESSIONPKGS_CORESOLVE_SECONDS="120",
    )
    record = book.record(1)
    brought = versions(record)
    assert {"numpy", "pandas", "scipy"} <= set(brought)
    assert brought["numpy"].startswith("1.25.")
    assert book.text(2) == book.text(3) == f"{brought['numpy']} 6 2.0"
    assert any("comes along" in notice for notice in record["notices"])
    assert base.tree() == before


def test_a_numpy_that_fits_is_not_installed_again(base: Base) -> None:
    base.fetch("numpy==1.26.4")
    book = base.notebook(
        LOAD, "%%session_env\npandas==2.2.3\n", "import numpy, pandas; print(numpy.__version__, pandas.__version__)"
    )
    assert "numpy" not in versions(book.record(1))
    assert book.text(2) == "1.26.4 2.2.3"


def test_mlflow_works_over_a_data_science_base(base: Base) -> None:
    base.fetch("numpy", "pandas", "scipy", "requests")
    book = base.notebook(
        LOAD,
        "%%session_env\nmlflow\n",
        "import mlflow, mlflow.sklearn, os\n"
        "mlflow.set_tracking_uri('sqlite:///' + os.path.abspath('runs.db'))\n"
        "with mlflow.start_run():\n    mlflow.log_metric('m', 2)\n"
        "print(mlflow.search_runs()['metrics.m'].tolist())",
        "!mlflow --version",
    )
    record = book.record(1)
    assert len(versions(record)) > 40
    assert "pandas" not in versions(record)
    assert book.text(2).splitlines()[-1] == "[2.0]"
    assert versions(record)["mlflow"] in book.text(3)


@pytest.mark.parametrize(
    ("below", "asked", "code"),
    [
        ("google-cloud-core", "google-cloud-storage", "import google.cloud.client, google.cloud.storage"),
        ("azure-core", "azure-storage-blob", "import azure.core, azure.storage.blob"),
        ("sphinxcontrib-jsmath", "sphinxcontrib-mermaid", "import sphinxcontrib.jsmath, sphinxcontrib.mermaid"),
        ("zope.interface", "zope.event", "import zope.interface, zope.event"),
    ],
)
def test_a_namespace_split_between_base_and_session_is_whole(base: Base, below: str, asked: str, code: str) -> None:
    base.fetch(below)
    part = code.rpartition(" ")[2]
    child = f"import subprocess, sys; print(subprocess.run([sys.executable, '-c', {code!r}]).returncode)"
    book = base.notebook(
        code.partition(",")[0],
        LOAD,
        f"%%session_env\n{asked}\n",
        f"{code}; print('whole')",
        child,
        "%session_env reset",
        f"import sys; print([name for name in sys.modules if name.startswith({part!r})])",
        f"import {part}",
        f"{code.partition(',')[0]}; print('base')",
        fails=True,
    )
    assert book.text(3) == "whole"
    assert book.text(4) == "0"
    assert book.text(6) == "[]"
    assert book.error(7).ename == "ModuleNotFoundError"
    assert book.text(8) == "base"


def test_a_name_without_any_wheel_is_built_and_said(base: Base) -> None:
    book = base.notebook(LOAD, "%%session_env\ndocopt\n", "import docopt; print(docopt.__version__)")
    assert book.text(2) == "0.6.2"
    assert any("build code" in notice for notice in book.record(1)["notices"])


def test_the_record_names_every_distribution_with_its_hash(base: Base) -> None:
    book = base.notebook(
        LOAD,
        "%%session_env\nrich\n",
        "import importlib.metadata as m, json, sys\n"
        "site = [p for p in sys.path if '/layers/' in p]\n"
        "print(json.dumps(sorted(d.name.lower().replace('_', '-') for d in m.distributions(path=site))))",
    )
    record = book.record(1)
    assert sorted(versions(record)) == json.loads(book.text(2))
    assert all(len(p["sha256"]) == 64 for p in record["packages"] if p["layer"] == "session")


def test_c_code_that_left_the_session_is_not_forgotten(base: Base) -> None:
    book = base.notebook(
        LOAD,
        "%%session_env\nnumpy==1.26.4\n",
        "import numpy",
        "%session_env reset",
        "%%session_env\nnumpy==2.1.0\n",
        "%%session_env\npandas==2.2.3\n",
        "import numpy, pandas; print(numpy.__version__)",
        "%%session_env\nscikit-learn\n",
        fails=True,
    )
    assert any("numpy 1.26.4 left the session" in notice for notice in book.record(3)["notices"])
    assert book.error(4).ename == "ActivationError"
    assert versions(book.record(5))["numpy"] == "1.26.4"
    assert book.text(6) == "1.26.4"
    assert versions(book.record(7))["numpy"] == "1.26.4"
