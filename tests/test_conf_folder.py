"""Spark's configuration folder of a pool: the merge as text, and the folder that holds it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sessionpkgs import process
from sessionpkgs.jvm import conf_folder

OLD = """\
# a comment
! another
spark.master            local[2]
spark.app.name=old name
  spark.ui.enabled: false

spark.driver.extraJavaOptions -Dfirst=1 \\
    -Dsecond=2
spark.jars /old/a.jar, /old/b.jar
spark.windows C:\\\\temp\\\\x
spark.letters caf\\u00e9\\tend
spark.bare
"""


def test_the_three_ways_to_write_a_setting_are_read() -> None:
    assert conf_folder.pairs(OLD) == {
        "spark.master": "local[2]",
        "spark.app.name": "old name",
        "spark.ui.enabled": "false",
        "spark.driver.extraJavaOptions": "-Dfirst=1 -Dsecond=2",
        "spark.jars": "/old/a.jar, /old/b.jar",
        "spark.windows": "C:\\temp\\x",
        "spark.letters": "café\tend",
        "spark.bare": "",
    }


def test_old_settings_come_first_then_the_pools_and_lists_are_joined_without_repeats() -> None:
    conf = {"spark.app.name": "pool", "spark.jars.packages": "g:a:1", "spark.jars": "/old/b.jar,/conf/c.jar"}
    text = conf_folder.merged(OLD, conf, ["/store/d.jar", "/conf/c.jar"])
    said = conf_folder.pairs(text)
    assert said == {
        **conf_folder.pairs(OLD),
        "spark.app.name": "pool",
        "spark.jars": "/old/a.jar,/old/b.jar,/conf/c.jar,/store/d.jar",
        "spark.jars.packages": "g:a:1",
    }
    assert "spark.windows C:\\\\temp\\\\x\n" in text
    assert all(line.count("spark.") >= 1 for line in text.splitlines())


@pytest.mark.parametrize("value", ["a\\b", "two\nlines", "tab\there", "#no comment", "= : !", "ends with \\", "ü → ∑"])
def test_a_value_comes_back_as_it_was(value: str) -> None:
    assert conf_folder.pairs(conf_folder.merged("", {"spark.x": value}, []))["spark.x"] == value.strip()


def test_a_jar_whose_name_has_a_comma_stays_one_item() -> None:
    assert conf_folder.merged("", {}, ["/store/a,b c.jar"]) == "spark.jars file:///store/a%2Cb%20c.jar\n"


def test_the_folder_is_private_links_the_other_files_and_is_made_once(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    (old / "spark-defaults.conf").write_text("spark.a 1\n")
    (old / "log4j2.properties").write_text("x\n")
    env = {"SPARK_CONF_DIR": str(old)}
    made = Path(conf_folder.make(str(tmp_path / "views"), env, {"spark.b": "word-of-mine"}, []))
    assert (made / "spark-defaults.conf").read_text() == "spark.a 1\nspark.b word-of-mine\n"
    assert (made / "log4j2.properties").resolve() == old / "log4j2.properties"
    assert made.stat().st_mode & 0o077 == (made / "spark-defaults.conf").stat().st_mode & 0o077 == 0
    assert "word" not in made.name
    before = made.stat().st_ino
    assert conf_folder.make(str(tmp_path / "views"), env, {"spark.b": "word-of-mine"}, []) == str(made)
    assert made.stat().st_ino == before
    other = conf_folder.make(str(tmp_path / "views"), env, {"spark.b": "2"}, [])
    assert other != str(made)
    assert sorted(path.name for path in (tmp_path / "views").iterdir()) == sorted([made.name, Path(other).name])


def test_sparks_home_has_the_configuration_where_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "spark/conf").mkdir(parents=True)
    (tmp_path / "spark/conf/spark-defaults.conf").write_text("spark.a 1\n")
    made = conf_folder.make(str(tmp_path / "views"), {"SPARK_HOME": str(tmp_path / "spark")}, {}, ["/x.jar"])
    assert (Path(made) / "spark-defaults.conf").read_text() == "spark.a 1\nspark.jars /x.jar\n"


STRUCK = """
import os, signal, sys
def hear(event, arguments):
    if event == "sessionpkgs.step" and arguments[0] == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hear)
from sessionpkgs.jvm import conf_folder
conf_folder.make(sys.argv[1], {}, {"spark.x": "1"}, [])
"""


@pytest.mark.parametrize("step", ["conf.make", "conf.rename"])
def test_a_kill_in_the_middle_leaves_no_half_folder_in_its_place(step: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = process.run([sys.executable, "-c", STRUCK, str(tmp_path), step], env=env, cwd="/", deadline=60)
    assert done.code in (-9, 137)
    assert [path for path in tmp_path.glob("spark-*") if path.suffix == ""] == []
    made = Path(conf_folder.make(str(tmp_path), {}, {"spark.x": "1"}, []))
    assert (made / "spark-defaults.conf").read_text() == "spark.x 1\n"


def test_without_settings_and_jars_there_is_no_folder(tmp_path: Path) -> None:
    assert conf_folder.make(str(tmp_path / "views"), {}, {}, []) == ""
    assert not (tmp_path / "views").exists()
