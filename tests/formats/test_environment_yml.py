"""What environment.yml texts give, and what is said about those that are refused."""

import pytest

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, read
from sessionpkgs.formats.environment_yml import index_name, read_lines
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
    found = spec(depends("python", "pip", "setuptools<80"))
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
    assert found.notices == (
        "Not used, because a session has no named environment: name, prefix.",
        "Keys that are not known were left out: category.",
        "Channels are not used, packages come from the package index: conda-forge.",
    )


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
    assert found.notices == ("Left out, because they are for other platforms: pywin32, scipy, wmi.",)


def test_a_comment_in_brackets_that_is_no_selector_is_a_comment():
    assert spec("dependencies:\n  - pandas  # [optional]\n").requirements[0].line == "pandas"


def test_sel_chooses_by_platform():
    found = spec("dependencies:\n  - sel(linux): pandas\n  - sel(win): [pywin32, wmi]\n  - sel(unix): [rich, scipy]\n")
    assert [one.line for one in found.requirements] == ["pandas", "rich", "scipy"]
    assert found.notices == ("Left out, because they are for other platforms: sel(win) (pywin32, wmi).",)


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
        ("dependencies:\n  - 1\n", "not a conda dependency", 2),
        ("dependencies:\n  - pandas\n    - scipy\n", "several entries in one", 2),
        ("dependencies:\n  - pip\n    - rich\n", "several entries in one", 2),
        ("dependencies:\n  - pandas=1=a b\n", "more parts", 2),
        ("dependencies:\n  - pandas=1[version=2]\n", "version twice", 2),
        ("dependencies:\n  - pandas[version=1,version=2]\n", "bracket", 2),
        ("dependencies:\n  - pandas[x, version=1]\n", "bracket", 2),
        ("dependencies:\n  - pandas\u00a0>=2\n", "character 7", 2),
        ("channels:\n  - [a, b]\ndependencies: []\n", "channels", 2),
        ("platforms: linux-64\ndependencies: []\n", "must be a list", 1),
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
        (b"dependencies: []\n" + b"#" * 300_000, "256 KiB"),
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


@pytest.mark.parametrize("line", ["pip==23.0", "pip=23.1", "pip>=20"])
def test_a_version_of_pip_is_not_followed_and_said(line):
    found = spec(depends(f'"{line}"', "rich"))
    assert [one.name for one in found.requirements] == ["rich"]
    assert found.notices == (f"The kernel's own pip stays, which leaves unused: {line}.",)


def test_a_name_that_the_index_spells_otherwise_is_said():
    found = spec(depends("pytorch", "dask", "ruamel.yaml", "Pandas"))
    assert found.notices == (
        "These conda packages have another name on the package index: pytorch (torch), dask (dask[complete]).",
    )


def test_platforms_are_compared_and_said():
    text = "platforms: [{}]\ndependencies: [rich]\n"
    assert spec(text.format("linux-64, osx-64")).notices == (
        "This text is meant for these platforms, this machine is one of them: linux-64, osx-64.",
    )
    assert "this machine is another: win-64" in spec(text.format("win-64")).notices[0]


def test_conditions_that_only_conda_knows_are_left_out_and_said():
    found = spec(depends("\"pandas[version='>=2', md5=0ab]\""))
    assert found.requirements[0].line == "pandas>=2"
    assert "pandas[md5=0ab]" in found.notices[0]


def test_no_deps_concerns_every_line_for_pip_and_no_line_of_conda():
    text = "dependencies:\n  - scipy\n  - pip:\n    - rich\n  - pip:\n    - --no-deps\n    - toolz\n  - numpy\n"
    assert [(one.name, one.no_deps) for one in spec(text).requirements] == [
        ("scipy", False),
        ("rich", True),
        ("toolz", True),
        ("numpy", False),
    ]


def test_no_deps_that_concerns_no_line_is_said():
    assert any("--no-deps" in note for note in spec("dependencies: [rich, {pip: [--no-deps]}]\n").notices)


BUILT = ["_libgcc_mutex=0.1=main", "pandas=2.0.0=py311_1", "numpy=1.26=py_0", "zlib=1.2=h0_0", "scipy=1.1=py_0"]


def test_the_export_of_an_environment_is_named_before_the_names_that_cannot_be_had():
    error = refusal("prefix: /opt/x\n" + depends("pandas=1|2", *BUILT, "qqname=1=0", "nodejs=1=0"))
    assert error.sentence.startswith("cell: this is an export of a whole conda environment")
    assert "2 of its 8 packages" in error.sentence
    assert "--from-history" in error.hint
    assert error.item == "qqname, nodejs"


def test_an_export_that_can_be_had_is_said():
    assert "export of a whole conda environment" in spec("prefix: /opt/x\n" + depends(*BUILT)).notices[-1]
    assert not any("export" in note for note in spec(depends("pandas", "scipy=1.1=py_0")).notices)


def test_many_names_are_counted_in_the_sentence_and_complete_in_the_item():
    wanted = [f"qq{number}x" for number in range(40)]
    error = refusal(depends(*wanted))
    assert "qq11x and 28 more" in error.sentence
    assert error.item == ", ".join(wanted)


def test_a_module_among_the_conda_names_is_answered_with_its_distribution():
    assert "sklearn is a module of scikit-learn." in refusal(depends("sklearn", "qqname")).hint
    assert "cv2 is a module of opencv-python-headless (under pip:)." in refusal(depends("cv2")).hint
    assert "matplotlib.pyplot is a module of matplotlib" in refusal(depends("matplotlib.pyplot")).hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (depends("'pandas=>1.2'"), "Write pandas>=1.2."),
        ("dependencies:\n  - pip\n    - rich\n", "Write pip: with a colon."),
        ("dependencies:\n  - Pip: [rich]\n", "Write pip:"),
        ("dependencies:\n\u00a0 - rich\n", "non-breaking space (U+00A0) on line 2, column 1"),
        ("conda/env.yml\n", "declare that file itself"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(text, hint):
    assert hint in refusal(text).hint


def test_the_users_own_table_goes_before_ours_and_is_said():
    table = {"qqname": "demo[x]", "pandas": "pandas-fork", "rich": None, "ruamel-yaml": "ruamel-other"}
    found = spec(depends("qqname>=1", "pandas=2.1", "ruamel.yaml", "scipy"), conda_names=table)
    assert [one.line for one in found.requirements] == ["demo[x]>=1", "pandas-fork==2.1.*", "ruamel-other", "scipy"]
    said = "qqname (demo[x]), pandas (pandas-fork), ruamel.yaml (ruamel-other)."
    assert found.notices == (f"Named by your own table of conda names: {said}",)
    error = refusal(depends("rich"), conda_names=table)
    assert "rich (your own table of conda names says so)" in error.sentence


def test_the_lines_of_a_command_are_read_as_a_list_of_dependencies():
    lines = ["numpy=1.26", "pandas>=2", "python=3.11", "pip", "defaults::rich"]
    found = read_lines(lines, channels=["conda-forge"], origin=origin(label="%conda"))
    assert [(one.line, one.where) for one in found.requirements] == [
        ("numpy==1.26.*", "argument 1"),
        ("pandas>=2", "argument 2"),
        ("rich", "argument 5"),
    ]
    assert [one.line for one in found.python] == ["python==3.11.*"]
    assert found.notices == (
        "Channels are not used, packages come from the package index: conda-forge, defaults.",
        "The kernel's own pip stays, which leaves unused: pip.",
    )


def test_all_problems_of_a_command_stand_in_one_message():
    with pytest.raises(SpecError) as caught:
        read_lines(["qqname", "pandas=1|2", "-e ."], origin=origin(label="%conda"))
    assert "3 problems in all" in caught.value.sentence


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("PyTorch", "torch"),
        ("dask", "dask"),
        ("ruamel.yaml", "ruamel-yaml"),
        ("QQ_name", "qq-name"),
        ("nodejs", "nodejs"),
    ],
)
def test_a_conda_name_has_a_name_on_the_index(name, wanted):
    assert index_name(name) == wanted


def test_the_users_own_table_names_what_is_removed():
    assert index_name("qqname", table={"qqname": "Demo[x]"}) == "demo"


def test_names_that_cannot_be_had_are_passed_over_where_that_is_asked():
    found = spec(depends("r-base=4.1", "numpy"), without=frozenset({"r-base"}))
    assert [item.name for item in found.requirements] == ["numpy"]
    assert found.notices == ("Passed over, as --without says: r-base.",)


def test_the_hint_on_names_that_cannot_be_had_says_how_to_pass_them_over():
    assert "--without r-base,samtools" in refusal("dependencies:\n  - r-base\n  - samtools\n").hint
