"""Names that conda gives to packages and platforms."""

import pytest

from sessionpkgs.formats import conda_names
from sessionpkgs.formats.conda_lines import twin
from sessionpkgs.formats.origin import selectors_of


@pytest.mark.parametrize(
    ("conda", "index"),
    [
        ("matplotlib-base", "matplotlib"),
        ("python-graphviz", "graphviz"),
        ("py-opencv", "opencv-python-headless"),
        ("pytables", "tables"),
        ("msgpack-python", "msgpack"),
        *[(name, name) for name in ("pandas", "scipy", "pyyaml", "scikit-learn", "h5py", "rich", "pyarrow")],
    ],
)
def test_the_tables_know_the_usual_names(conda, index):
    assert twin(conda) == ("index", index)


@pytest.mark.parametrize(
    "name", ["graphviz", "nodejs", "pandoc", "mamba", "r-base", "bioconductor-deseq2", "cudatoolkit"]
)
def test_a_name_that_is_another_project_on_the_index_is_foreign(name):
    kind, advice = twin(name)
    assert kind == "foreign"
    assert advice


def test_no_name_stands_in_two_tables():
    tables = (conda_names.SAME, conda_names.RENAMED, conda_names.NOT_PYTHON, conda_names.PLUMBING)
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


def test_the_names_of_the_index_are_normalised():
    assert not [
        name for name in (*conda_names.SAME, *conda_names.RENAMED) if name != name.lower() or set(name) & set("_.")
    ]


def test_platform_names_follow_conda():
    assert {"osx", "osx-arm64", "arm64", "unix"} <= selectors_of("darwin", "arm64")
    assert {"linux", "linux-aarch64", "aarch64", "unix"} <= selectors_of("linux", "aarch64")
    assert {"win", "win-64", "win64"} <= selectors_of("win32", "AMD64")
