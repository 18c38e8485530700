"""Names that conda gives to packages and platforms."""

import json

import pytest

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import conda_names, import_names
from sessionpkgs.formats.conda_lines import twin
from sessionpkgs.formats.conda_names.table import load_conda_names
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


@pytest.mark.parametrize("name", ["graphviz", "nodejs", "pandoc", "mamba", "r-base", "bioconductor-deseq2", "tensorrt"])
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


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        ({"Foo": "bar", "c": None}, {"foo": "bar", "c": None}),
        (
            {"conda-forge": {"a": "b", "c": "d[x]"}, "bioconda": {"e": None, "a": "b"}},
            {"a": "b", "c": "d[x]", "e": None},
        ),
        ({}, {}),
    ],
)
def test_a_table_of_names_is_read_in_both_shapes(tree, wanted):
    assert load_conda_names(json.dumps(tree).encode("utf-8-sig"), "names.json") == wanted


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b'{\n"a": }', "line 2, column 6"),
        (b"{\n\xe9", "line 2"),
        (b"[]", "not a JSON object"),
        (b'{"a": 1}', "'a' is not a name"),
        (b'{"a": "b @ https://h.example/x"}', "'a' is not a name"),
        (b'{"a": "-e ."}', "'a' is not a name"),
        (b'{"": "b"}', "'' is not a name"),
        (b'{"a": ["b", "c"]}', "list of names"),
        (b'{"a": "b", "A": "c"}', "both b and c"),
        (b'{"x": {"a": "b"}, "y": {"a": null}}', "both b and null"),
        (b"[" * 100_000, "not a table"),
        (b"1" * 10_000, "not a table"),
        (b" " * (16 * 1024 * 1024 + 1), "larger than 16 MiB"),
    ],
)
def test_a_table_that_says_no_one_name_is_refused(raw, part):
    with pytest.raises(SpecError) as caught:
        load_conda_names(raw, "names.json")
    assert part in caught.value.sentence
    assert caught.value.sentence.startswith("names.json")
    assert caught.value.hint


def test_a_module_and_its_distribution_are_two_names():
    for module, brought in import_names.IMPORTS.items():
        assert import_names.distribution(module) == brought != module.lower()
        assert import_names.distribution(brought) == ""


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("PIL.Image", "pillow"),
        ("cv2", "opencv-python-headless"),
        ("matplotlib.pyplot", "matplotlib"),
        ("sklearn.ensemble", "scikit-learn"),
        ("ruamel.yaml", ""),
        ("google.cloud.storage", ""),
        ("qqname", ""),
        ("pandas", ""),
    ],
)
def test_a_module_is_known_by_its_first_part(name, wanted):
    assert import_names.distribution(name) == wanted
