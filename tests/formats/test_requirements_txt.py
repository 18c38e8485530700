"""What requirement lines give, and what is said about those that are refused."""

import pytest

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, read
from sessionpkgs.session import local

ONE, TWO = "a" * 64, "b" * 64


def origin(files=None, **changes):
    held = files or {}

    def opened(path):
        if path not in held:
            raise FileNotFoundError(path)
        return held[path].encode()

    return Origin(**{"folder": "/home/me", "open": opened, **changes})


def spec(text, **changes):
    return read(text, origin=origin(**changes))


def refusal(text, **changes):
    with pytest.raises(SpecError) as caught:
        spec(text, **changes)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("line", "wanted", "name"),
    [
        ("numpy", "numpy", "numpy"),
        ("Ruamel.Yaml >= 0.17,<1  # why", "Ruamel.Yaml >= 0.17,<1", "ruamel-yaml"),
        ("torch==2.1.0+cu118", "torch==2.1.0+cu118", "torch"),
        ('foo[bar]==1.* ; python_version > "3"', 'foo[bar]==1.* ; python_version > "3"', "foo"),
        ("foo===4.0-odd", "foo===4.0-odd", "foo"),
        ("foo@https://h.example/foo.zip", "foo@https://h.example/foo.zip", "foo"),
        (
            "git+https://h.example/foo@v1#egg=Foo_Bar&subdirectory=src",
            "Foo_Bar @ git+https://h.example/foo@v1#subdirectory=src",
            "foo-bar",
        ),
        ("git+https://h.example/foo@v1", "git+https://h.example/foo@v1", ""),
        ("git+file:///srv/foo#egg=foo", "foo @ git+file:///srv/foo", "foo"),
        (
            "https://h.example/foo_bar-1.0-py3-none-any.whl ; sys_platform != 'amiga'",
            "foo-bar @ https://h.example/foo_bar-1.0-py3-none-any.whl ; sys_platform != 'amiga'",
            "foo-bar",
        ),
        ("https://h.example/archive/main.zip", "https://h.example/archive/main.zip", ""),
        ("https://h.example/main.zip#egg=foo", "foo @ https://h.example/main.zip", "foo"),
    ],
)
def test_a_line_becomes_a_requirement(line, wanted, name):
    (found,) = spec(f"# first\n{line}\n").requirements
    assert (found.line, found.name, found.where) == (wanted, name, "line 2")


@pytest.mark.parametrize(
    ("line", "wanted", "path"),
    [
        (
            "./w/foo-1.0-py3-none-any.whl",
            "foo @ file:///home/me/w/foo-1.0-py3-none-any.whl",
            "/home/me/w/foo-1.0-py3-none-any.whl",
        ),
        (
            "foo-1.0-py3-none-any.whl[x]",
            "foo[x] @ file:///home/me/foo-1.0-py3-none-any.whl",
            "/home/me/foo-1.0-py3-none-any.whl",
        ),
        (
            "file:///srv/foo-1.0-py3-none-any.whl",
            "foo @ file:///srv/foo-1.0-py3-none-any.whl",
            "/srv/foo-1.0-py3-none-any.whl",
        ),
        ("../foo-1.0.tar.gz", "/home/foo-1.0.tar.gz", "/home/foo-1.0.tar.gz"),
        ("./src", "/home/me/src", "/home/me/src"),
        ("foo @ ./src", "foo @ file:///home/me/src", "/home/me/src"),
        ("foo @ file:///srv/src", "foo @ file:///srv/src", "/srv/src"),
    ],
)
def test_a_path_becomes_absolute_and_is_recorded(line, wanted, path):
    found = spec(line)
    assert found.requirements[0].line == wanted
    assert found.files == (path,)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("-e .", "/home/me"),
        ("-e.", "/home/me"),
        ("--editable=./a[doc]", "/home/me/a[doc]"),
        ("-e workbench", "/home/me/workbench"),
    ],
)
def test_an_editable_line_is_marked(line, wanted):
    (found,) = spec(line).requirements
    assert found.editable
    assert found.line == wanted


def test_a_repository_is_not_editable_and_that_is_said():
    found = spec("-e git+https://h.example/x#egg=x")
    assert [(one.line, one.editable) for one in found.requirements] == [("x @ git+https://h.example/x", False)]
    assert found.notices[0].startswith("-e changes nothing for a repository")


def test_continued_lines_and_comments_are_joined_as_pip_does():
    found = spec("numpy \\\n  >=1 \\\n# a comment ends it\nscipy\n")
    assert [(one.line, one.where) for one in found.requirements] == [("numpy >=1", "line 1"), ("scipy", "line 4")]


def test_hashes_are_kept_and_switch_the_mode_on():
    found = spec(f"numpy==1.0 --hash=sha256:{ONE} \\\n  --hash sha256:{TWO.upper()}\n")
    assert found.requirements[0].hashes == (f"sha256:{ONE}", f"sha256:{TWO}")
    assert found.require_hashes


@pytest.mark.parametrize("value", ["md5:abc", "sha256:12", f"sha256:{'g' * 64}", ONE])
def test_a_hash_that_can_never_match_is_refused(value):
    assert "hash" in refusal(f"numpy==1.0 --hash={value}").sentence


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("-i https://a.example/s\nx", ("https://a.example/s",)),
        ("--extra-index-url https://b.example/s\nx", ("default", "https://b.example/s")),
        (
            "--extra-index-url=https://b.example/s\n--index-url https://a.example/s\nx",
            ("https://a.example/s", "https://b.example/s"),
        ),
    ],
)
def test_indexes_stand_in_order_with_the_main_one_first(text, wanted):
    assert spec(text).indexes == wanted


def test_two_main_indexes_are_refused():
    assert "second main index" in refusal("-i https://a.example/s\n-i https://b.example/s\n").sentence


def test_flags_and_links_are_kept():
    found = spec("--pre --no-deps\n--no-index\n--require-hashes\n-f wheels\n--find-links https://h.example/l\nnumpy\n")
    assert (found.pre, found.no_index, found.require_hashes) == (True, True, True)
    assert found.requirements[0].no_deps
    assert found.find_links == ("/home/me/wheels", "https://h.example/l")


def test_prefer_binary_changes_nothing_and_is_said():
    assert any("--prefer-binary" in note for note in spec("--prefer-binary\nnumpy").notices)


@pytest.mark.parametrize(
    "option", ["--trusted-host h.example", "--no-binary :all:", "--install-option=x", "--pre=1", "-z"]
)
def test_any_other_option_is_refused_by_name(option):
    assert option.partition(" ")[0].partition("=")[0] in refusal(f"{option}\nnumpy").sentence


def test_trusted_host_is_sent_to_pips_configuration():
    assert "pip config set" in refusal("--trusted-host h.example").hint


def test_includes_are_relative_to_the_file_that_includes_them():
    files = {
        "/home/me/r/a.txt": "-r b.txt\n-c ../c.txt\nscipy\n",
        "/home/me/r/b.txt": "rich\n",
        "/home/me/c.txt": "numpy<2\n",
    }
    found = spec("-r r/a.txt\npandas\n", files=files)
    assert [one.line for one in found.requirements] == ["rich", "scipy", "pandas"]
    assert [(one.line, one.where) for one in found.constraints] == [("numpy<2", "../c.txt, line 1")]
    assert found.files == ("/home/me/r/a.txt", "/home/me/r/b.txt", "/home/me/c.txt")


@pytest.mark.parametrize("line", ["-e ./x", "foo[bar]==1", "./x"])
def test_a_constraint_is_a_name_with_versions(line):
    assert "constraint" in refusal("-c c.txt", files={"/home/me/c.txt": line}).sentence


def test_a_cycle_of_includes_is_refused():
    files = {"/home/me/a.txt": "-r b.txt\n", "/home/me/b.txt": "-r a.txt\n"}
    assert "includes this one" in refusal("-r a.txt", files=files).sentence


def test_includes_that_fan_out_stop_at_the_limit():
    files = {f"/home/me/{n}.txt": f"-r {n + 1}.txt\n-r {n + 1}.txt\n" for n in range(15)} | {"/home/me/15.txt": "x\n"}
    assert "more than 2000" in refusal("-r 0.txt", files=files).sentence


@pytest.mark.parametrize(
    ("line", "part"),
    [("-r https://h.example/r.txt", "includes a URL"), ("-c none.txt", "no such file"), ("-r", "no value")],
)
def test_an_include_that_cannot_be_had_is_refused(line, part):
    assert part in refusal(line).sentence


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("numpy=1.2", "numpy==1.2"),
        ("numpy 1.2", "numpy==1.2"),
        ("pip install numpy", "only the name"),
        ("conda-forge::numpy", "Channels"),
        ("{{ name }}", "template"),
        ("conda/env.yml", "-r FILE"),
        ("python>=3.8", "kernel"),
        ("~/src", "full path"),
        ("numpy >= 1 <", "name==1.2"),
        ("ftp://h.example/x.whl", "https://"),
        ("https://h.example/page", "name @ URL"),
        ("foo @ file:///C:/ci/foo_1/work", "name==version"),
        ("foo-1.whl", "name-version-python"),
        ("pandas => 2", "Write pandas >= 2."),
        ("pandas > = 2", "Write pandas >= 2."),
        ('"pandas>=2"', "Write pandas>=2, without quotation marks."),
        ("'pandas>=2',", "Write pandas>=2, without quotation marks."),
        ("“pandas>=2”", "Write pandas>=2, without quotation marks."),
        ("pandas≥2", "Write pandas>=2."),
        ("rich, toolz", "one per line: rich, and below it toolz"),
        ("rich toolz", "Write one requirement per line."),
        ("pandas>=2.*", "Write pandas>=2."),
        ("pandas==2.x", "Write pandas==2.*."),
        ("pandas^2.1", "Write pandas>=2.1,<3."),
        ("pandas>=1 <2", "Write pandas>=1,<2."),
        ("pandas;", "Write pandas."),
        ("pandas; python_version<3.12", 'Write pandas; python_version<"3.12".'),
        ("{{ name }}==1", "template"),
        ("env.yml", "declare that file itself"),
        (f"numpy>=1 --hash=sha256:{ONE}", "numpy==1.2 before --hash"),
        (f"numpy==1.* --hash=sha256:{ONE}", "numpy==1.2 before --hash"),
        (f"--require-hashes numpy==1 --hash=sha256:{ONE}", "lines of their own"),
    ],
)
def test_a_line_that_is_no_requirement_is_answered_with_advice(line, hint):
    assert hint in refusal(line).hint


def test_the_output_of_conda_list_is_recognised():
    assert "conda list" in refusal("# platform: linux-64\nnumpy=1.2=py_0\nscipy=1.3=py_0\n").sentence


def test_variables_in_upper_case_are_filled_in_and_stay_out_of_messages():
    values = {"TOKEN": "hunter2", "lower": "x"}
    assert spec("-i https://u:${TOKEN}@h.example/${TOKEN}/s\nnumpy", variables=values).indexes == (
        "https://u:hunter2@h.example/hunter2/s",
    )
    for text in ("https://u:${TOKEN}@h.example/${TOKEN}", "-r ${TOKEN}/none.txt", "--odd ${TOKEN}", "numpy=${TOKEN}"):
        assert "hunter2" not in str(refusal(text, variables=values).to_dict())
    assert "TOKEN" in refusal("-i https://${TOKEN}/s").sentence


def test_a_hint_and_a_notice_do_not_fill_variables_in():
    values = {"TOKEN": "12345678"}
    assert "12345678" not in str(refusal("numpy=${TOKEN}", variables=values).to_dict())
    said = spec("rich\nhttps://h.example/${TOKEN}/x.zip ; os_name == 'amiga'", variables=values).notices
    assert said == ("Left out, because their markers are false here: https://h.example/${TOKEN}/x.zip (line 2).",)


def test_a_variable_cannot_bring_a_second_line():
    assert "more than one line" in refusal("${A}", variables={"A": "numpy\n--pre"}).sentence


def test_a_url_that_cannot_be_read_is_refused():
    assert "cannot be read" in refusal("https://[::1/x.zip").sentence


def test_an_included_file_named_by_a_variable_keeps_its_secret():
    error = refusal("-r ${WHERE}.txt", variables={"WHERE": "hunter2"}, files={"/home/me/hunter2.txt": "numpy=1\n"})
    assert "hunter2" not in str(error.to_dict())


@pytest.mark.parametrize(
    "line",
    [
        "https://u:hunter2@h.example/x",
        "https://u:p@hunter2@h.example/x",
        "-i ftp://u:hunter2@h.example",
        "x @ y://u:hunter2@h",
        "https://h.example/x?sig=hunter2",
    ],
)
def test_a_password_in_a_line_stays_out_of_the_message(line):
    assert "hunter2" not in str(refusal(line).to_dict())


def test_the_first_problem_comes_first_and_all_are_counted():
    error = refusal("numpy=1\nscipy\n!!\n--odd\n")
    assert error.sentence.startswith("cell, line 1: 'numpy=1'")
    assert "3 problems in all" in error.sentence
    assert error.where == "cell, line 1"


@pytest.mark.parametrize("line", ["x; " + "(" * 1500 + "os_name=='a'" + ")" * 1500, "x" * 5000])
def test_a_line_that_would_exhaust_the_parser_is_refused(line):
    assert refusal(line).where == "cell, line 1"


def test_nothing_declared_is_refused_where_the_form_is_not_given():
    assert "nothing is declared" in refusal("# only this\n\n").sentence
    assert read("# only this\n", origin=origin(), format="requirements_txt").requirements == ()


def test_the_same_line_twice_is_one_requirement_with_two_places():
    assert len(spec("numpy\nnumpy\n").requirements) == 2


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("  num\u200bpy", "a zero width space (U+200B) at column 6"),
        ("numpy\u00a0>=2", "a non-breaking space (U+00A0) at column 6"),
        ("-r\u00a0more.txt", "a non-breaking space (U+00A0) at column 3"),
        ("numpy\ufeff", "(U+FEFF) at column 6"),
        ("numpy>=2”", "a right double quotation mark (U+201D) at column 9"),
        ("nümpy", "(U+00FC) at column 2"),
    ],
)
def test_a_character_that_nobody_sees_is_named_with_its_column(line, part):
    assert part in refusal(f"rich\n{line}").sentence


def test_lines_whose_marker_is_false_are_left_out_and_said_together():
    text = "foo; python_version < '3'\nrich\n./none.whl ; sys_platform == 'amiga'\nbar @ https://h.example/b.zip ; os_name == 'x'\n"
    found = spec(text.replace("./none.whl", "./none"))
    assert [one.name for one in found.requirements] == ["rich"]
    assert found.files == ()
    said = "foo (line 1), ./none (line 3), bar (line 4)"
    assert found.notices == (f"Left out, because their markers are false here: {said}.",)


def test_a_marker_that_cannot_be_decided_is_refused():
    assert "cannot be decided" in refusal("foo; python_version ~= 'x'").sentence


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sklearn", "scikit-learn"),
        ("cv2", "opencv-python-headless"),
        ("PIL>=9", "pillow"),
        ("matplotlib.pyplot", "matplotlib"),
    ],
)
def test_the_name_of_a_module_is_said_and_not_changed(written, meant):
    found = spec(f"rich\n{written}\n")
    assert found.requirements[1].line == written
    (said,) = found.notices
    assert said.endswith(f": {written.partition('>')[0]} (from {meant}).")


@pytest.mark.parametrize(
    "line", ["bs4", "ruamel.yaml", "google.cloud.storage", "zope.interface", "sklearn @ ./mine", "attrs"]
)
def test_a_name_that_serves_is_not_talked_about(line):
    assert spec(line).notices == ()


def test_no_deps_concerns_every_line_of_the_text():
    assert [one.no_deps for one in spec("rich\n--no-deps\ntoolz\n").requirements] == [True, True]


def test_a_list_of_package_files_is_recognised():
    assert "conda list --explicit" in refusal("# x\n@EXPLICIT\nhttps://h.example/a-1-0.conda\n").sentence


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("https://h.example/me/demo/archive/main.zip", "Write it as: demo @ https://"),
        ("https://h.example/me/demo/-/archive/v1.tar.gz", "Write it as: demo @ https://"),
        ("git+https://u:hunter2@h.example/", "NAME @ git+https://****@h.example"),
    ],
)
def test_a_place_without_a_name_is_answered_with_the_likely_one(line, hint):
    with pytest.raises(SpecError) as caught:
        local.named(spec(line), "/home/me")
    assert hint in caught.value.hint
    assert "hunter2" not in str(caught.value.to_dict())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("git+https://h.example/me/Demo_x.git@v1", "demo-x"),
        ("git+ssh://git@h.example/me/demo#subdirectory=x", "demo"),
        ("-e git+https://h.example/me/demo", "demo"),
    ],
)
def test_a_repository_without_a_name_has_its_own(line, name):
    (found,) = local.named(spec(line), "/home/me").requirements
    assert found.name == name
    assert found.line.startswith(f"{name} @ git+")


def test_a_folder_without_a_project_is_refused_and_one_with_build_code_has_its_own_name(tmp_path):
    folder = tmp_path / "My_Project"
    folder.mkdir()
    with pytest.raises(SpecError, match=r"-e /\S* is no Python project") as refused:
        local.named(spec("-e .", folder=str(folder)), str(folder))
    assert "Remove the line" in refused.value.hint
    (folder / "setup.py").touch()
    (found,) = local.named(spec("-e .", folder=str(folder)), str(folder)).requirements
    assert found.name == "my-project"
    assert found.editable
