"""What environment.yml texts give, and what is said about those that are refused."""

import pytest

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, read
from sessionpkgs.formats.origin import selectors_of

LINUX = selectors_of("linux", "x86_64")


def origin(**changes):
    files = changes.pop("files", {})

    def opened(path):
        if path not in files:
            raise FileNotFoundError(path)
        return files[path].encode()

    return Origin(**{"folder": "/home/me", "open": opened, "platform": LINUX, **changes})


def spec(text, **changes):
    return read(text, origin=origin(**changes))


def refusal(text, **changes):
    with pytest.raises(SpecError) as caught:
        spec(text, **changes)
    assert caught.value.hint
    return caught.value


def depends(*lines):
    return "dependencies:\n" + "".join(f"  - {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("pandas", "pandas"),
        ("pandas=2.1", "pandas==2.1.*"),
        ("pandas==2.1", "pandas==2.1"),
        ("pandas=2.1.4=py311_0", "pandas==2.1.4"),
        ("pandas==2.1.4=py311_0", "pandas==2.1.4"),
        ("pandas 2.1.*", "pandas==2.1.*"),
        ("pandas 2.1.4 py311_0", "pandas==2.1.4"),
        ("pandas =2.1", "pandas==2.1.*"),
        ("pandas   >=  1.5,   < 3", "pandas>=1.5,<3"),
        ("pandas~=2.0", "pandas~=2.0"),
        ("pandas!=2.0.*", "pandas!=2.0.*"),
        ("pandas=*", "pandas"),
        ("pandas>=2.0.*", "pandas>=2.0"),
        ("pandas=3.0rc1", "pandas==3.0rc1"),
        ("conda-forge::pandas=2", "pandas==2.*"),
        ("https://repo.example/conda-forge::pandas", "pandas"),
        ("pandas[version='>=2,<3',build=py_0]", "pandas>=2,<3"),
        ("Pandas<3", "pandas<3"),
        ("ruamel.yaml", "ruamel-yaml"),
        ("typing_extensions", "typing-extensions"),
        ("pytorch::pytorch=2.5", "torch==2.5.*"),
        ("dask-core", "dask"),
        ("dask>=2024.1", "dask[complete]>=2024.1"),
    ],
)
def test_a_conda_line_becomes_the_requirement_it_means(line, wanted):
    (found,) = spec(depends(f'"{line}"')).requirements
    assert (found.line, found.name) == (wanted, wanted.partition("[")[0] if "[" in wanted else found.name)
    assert found.where == "line 2, dependencies[0]"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("python=3.11", "python==3.11.*"),
        ("python=3.11.8", "python==3.11.8"),
        ("python=3.11.12=h9e4cc4f_0", "python==3.11.12"),
        ("python 3.6.*", "python==3.6.*"),
        ("python >= 3.8, < 3.13", "python>=3.8,<3.13"),
    ],
)
def test_a_python_line_is_kept_apart(line, wanted):
    found = spec(depends(f'"{line}"'))
    assert [one.line for one in found.python] == [wanted]
    assert found.requirements == ()


def test_bare_python_and_pip_ask_for_nothing():
    found = spec(depends("python", "pip=23.1", "setuptools<80"))
    assert found.python == ()
    assert [one.line for one in found.requirements] == ["setuptools<80"]
    assert found.notices == ()


def test_unquoted_versions_stay_as_they_are_written():
    assert spec(depends("pandas=1.20", "python=3.10")).requirements[0].line == "pandas==1.20.*"


def test_unknown_names_are_refused_together_and_by_name():
    error = refusal(depends("pandas", "qqfirst", "qqsecond=2"))
    assert "qqfirst, qqsecond" in error.sentence
    assert "pip:" in error.hint


def test_foreign_names_are_refused_together_with_advice():
    error = refusal(depends("graphviz", "nodejs", "r-base"))
    for word in ("graphviz", "python-graphviz", "nodejs", "r-base"):
        assert word in error.sentence


def test_what_exports_carry_along_is_left_out_and_said_once():
    found = spec(
        depends("_libgcc_mutex=0.1=main", "openssl=1.1.1l=h7f8727e_0", "ld_impl_linux-64", "pandas=2.0.0=py311_1")
    )
    assert [one.line for one in found.requirements] == ["pandas==2.0.0"]
    (said,) = [note for note in found.notices if "openssl" in note]
    assert "_libgcc_mutex, openssl, ld_impl_linux-64" in said
    assert "Build strings are not used: pandas py311_1." in found.notices


def test_name_prefix_channels_and_foreign_keys_are_said():
    found = spec("name: x\nprefix: /opt/x\nchannels: [conda-forge]\ncategory: main\ndependencies: [pandas]\n")
    assert [note.split(" is ")[0].split(" are ")[0] for note in found.notices] == [
        "The key name",
        "The key prefix",
        "The key category",
        "Channels",
    ]


def test_a_misspelt_key_is_refused_with_the_right_one():
    error = refusal("dependecies:\n  - pandas\n")
    assert "dependecies" in error.sentence
    assert "dependencies" in error.hint
    assert "problems in all" not in error.sentence


def test_missing_dependencies_is_refused():
    assert "dependencies is missing" in refusal("name: x\n").sentence


def test_pip_lists_are_read_as_requirement_lines_in_order():
    text = (
        "dependencies:\n  - pip:\n    - -r more.txt\n    - torch==2.1.0+cu118\n  - scipy\n  - pip:\n    - -e ./mine\n"
    )
    found = spec(text, files={"/home/me/more.txt": "rich\n"})
    assert [one.line for one in found.requirements] == ["rich", "torch==2.1.0+cu118", "scipy", "/home/me/mine"]
    assert [one.where for one in found.requirements] == [
        "more.txt, line 1",
        "line 4, dependencies[0].pip[1]",
        "line 5, dependencies[1]",
        "line 7, dependencies[2].pip[0]",
    ]


def test_an_empty_pip_list_asks_for_nothing():
    assert spec("dependencies:\n  - pandas\n  - pip:\n").requirements[0].line == "pandas"


def test_a_line_of_another_platform_is_left_out_before_parsing():
    text = "dependencies:\n  - pandas  # [linux]\n  - pywin32  # [win]\n  - rich  # [not win and x86_64]\n  - scipy  # [win and linux]\n  - pip:\n    - wmi  # [win]\n"
    found = spec(text)
    assert [one.line for one in found.requirements] == ["pandas", "rich"]
    assert "Lines for other platforms were left out: 3." in found.notices


def test_a_comment_in_brackets_that_is_no_selector_is_a_comment():
    assert spec("dependencies:\n  - pandas  # [optional]\n").requirements[0].line == "pandas"


def test_sel_chooses_by_platform():
    found = spec("dependencies:\n  - sel(linux): pandas\n  - sel(win): pywin32\n  - sel(unix): [rich, scipy]\n")
    assert [one.line for one in found.requirements] == ["pandas", "rich", "scipy"]


def test_variables_are_kept_as_text():
    assert spec("variables:\n  A: 1.10\n  B: yes\n  C:\ndependencies: []\n").variables == (
        ("A", "1.10"),
        ("B", "yes"),
        ("C", ""),
    )


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "PYTHONPATH", "HOME", "CONDA_PREFIX", "Path"])
def test_a_variable_that_steers_the_session_itself_is_refused(name):
    error = refusal(f"variables:\n  {name}: secret-value\ndependencies: []\n")
    assert name in error.sentence
    assert "secret-value" not in error.sentence + error.hint


@pytest.mark.parametrize(
    ("text", "part", "line"),
    [
        ("dependencies:\n  - &a pandas\n", "anchors", 2),
        ("dependencies:\n  - pandas\n  - *a\n", "anchors", 3),
        ("dependencies:\n  - !!python/object:os.system x\n", "tags", 2),
        ("x: {}\n<<: {}\n", "merge keys", 2),
        ("dependencies: []\nname: x\ndependencies: []\n", "line 1", 3),
        ("dependencies:\n\t- pandas\n", "not YAML", 2),
        ("dependencies: []\n---\ndependencies: []\n", "second document", 2),
        (f"dependencies: {'[' * 25}{']' * 25}\n", "nested deeper", 1),
        ("dependencies:\n  - python: 3.10\n", "'python' is written as a key", 2),
        ("dependencies:\n  - pip: pandas\n", "must be a list", 2),
        ("dependencies:\n  - pandas\n  -\n", "empty", 3),
        ("dependencies:\n  - numpy[x]>=2\n", "line for pip", 2),
        ("dependencies:\n  - -e .\n", "line for pip", 2),
        ("dependencies:\n  - pandas=1.2|1.3\n", "alternatives", 2),
        ("dependencies:\n  - pandas=>1.2\n", "version condition", 2),
        ("dependencies:\n  - pip:\n    - pandas=1.2\n", "not a requirement", 3),
        ('dependencies:\n  - pip:\n    - "rich\\n--pre"\n', "not one requirement", 3),
        ("pip-repositories: []\ndependencies: []\n", "pip-repositories", 1),
    ],
)
def test_a_refusal_names_the_line(text, part, line):
    error = refusal(text)
    assert part in error.sentence
    assert f"line {line}" in error.where


def test_a_mapping_written_for_a_version_is_answered_with_the_right_spelling():
    assert "python=3.10" in refusal("dependencies:\n  - python: 3.10\n").hint


def test_all_problems_stand_in_one_message():
    error = refusal("chanels: []\n" + depends("pandas=1|2", "qqname", "nodejs"))
    assert "4 problems in all" in error.sentence
    for word in ("chanels", "pandas=1|2", "qqname", "nodejs"):
        assert word in error.sentence


@pytest.mark.parametrize("body", ["- pandas\n- scipy\n", "---\npandas\n"])
def test_yaml_that_is_no_mapping_is_refused(body):
    assert "dependencies is missing" in refusal(body).sentence


def test_the_text_may_be_utf8_with_mark_or_utf16():
    text = "name: é\r\ndependencies:\r\n  - pandas\r\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert spec(text.encode(encoding)).requirements[0].where == "line 3, dependencies[0]"


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"name: \xe9\n", "UTF-8"),
        (b"pan\x00das", "control character"),
        (b"#" * 300_000, "256 KiB"),
        ("a\ud800", "control"),
    ],
)
def test_bytes_that_are_no_text_are_refused(raw, part):
    assert part in refusal(raw).sentence


def test_an_escape_cannot_bring_a_control_character_back():
    assert "control character" in refusal('dependencies: ["pandas\\0"]\n').sentence


def test_an_escape_that_is_no_character_is_refused():
    assert "not YAML" in refusal('dependencies: ["\\U99999999"]\n').sentence


def test_a_byte_order_mark_in_text_is_not_part_of_it():
    assert spec("\ufeffdependencies: [pandas]\n").requirements[0].name == "pandas"


def test_too_many_entries_are_refused():
    assert "entries" in refusal("dependencies: [" + "rich," * 5000 + "]").sentence


@pytest.mark.parametrize(
    ("text", "form"),
    [("# /// script\n# dependencies = []\n# ///\n", "PEP 723"), ('lock-version = "1.0"\n', "pylock.toml")],
)
def test_a_form_that_has_no_reader_yet_is_named(text, form):
    assert form in refusal(text).sentence


def test_a_token_in_a_channel_stays_out_of_notices_and_refusals():
    text = "channels:\n  - https://me:hunter2@h.example/t/tk-99/main\ndependencies:\n  - https://me:hunter2@h.example/t/tk-99/x::zz|\n"
    error = refusal(text)
    found = spec(text.replace("zz|", "rich"))
    for said in (error.sentence, error.hint, str(error.to_dict()), *found.notices):
        assert "hunter2" not in said
        assert "tk-99" not in said


def test_an_unknown_format_is_refused():
    with pytest.raises(SpecError, match="not known"):
        read("pandas", origin=origin(), format="poetry")
