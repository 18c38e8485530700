"""Nothing that a declaration says is dropped in silence: each word of it is in the Spec, in a notice or in the refusal.

The words are found by other means than the readers use: PyYAML's own nodes, and lines joined here.
"""

import os
import re
from pathlib import Path

import pytest
import yaml

from sessionpkgs.errors import SpecError
from sessionpkgs.formats import Origin, read
from sessionpkgs.formats.origin import selectors_of

HERE = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("SESSIONPKGS_CORPUS", HERE.parent / "shared" / "corpus"))
LINUX = selectors_of("linux", "x86_64")
UNSAID = {"pip", "python"}
"""Lines that may stay without an answer: a pip: list needs the one, every kernel has the other."""

OWN = """\
name: demo
prefix: /opt/conda/envs/demo
category: main
platforms: [linux-64, win-64]
channels: [conda-forge, "https://conda.example/main"]
variables:
  DEMO_LEVEL: 3
  DEMO_EMPTY:
dependencies:
  - python=3.11
  - pip==23.0
  - conda-forge::numpy=1.26.4=py311_0
  - "pandas[version='>=2', md5=0123abcd]"
  - openssl=3.1
  - pytorch >=2
  - pywin32=306  # [win]
  - rich  # [linux]
  - sel(win): wmi
  - sel(unix): [toolz, {pip: [sklearn]}]
  - pip:
    - --no-deps
    - --pre
    - -i https://index.example/simple
    - --extra-index-url https://more.example/simple
    - -f https://files.example/links
    - --prefer-binary
    - humanize==4.9 ; python_version > "3"
    - colorama==0.4.6 ; sys_platform == "amiga"
    - demo @ https://files.example/demo-1.0.zip
    - -e ./here
    - git+https://host.example/me/thing@v1#egg=thing
  - pip:
  - pip:
    - more-itertools
"""
LINES = f"""\
# a comment
--index-url https://index.example/simple
--extra-index-url=https://more.example/simple
--no-index
--require-hashes
--pre
-f wheels
humanize==4.9 \\
  --hash=sha256:{"a" * 64}
rich>=13,<14  # why
colorama==0.4.6 ; sys_platform == "amiga"
./folder ; sys_platform == "amiga"
cv2
./wheels/demo-1.0-py3-none-any.whl
https://files.example/other.zip
"""


class Answer:
    """What came of one text: everything that a person or an engine gets to see of it."""

    def __init__(self, text, folder="/home/me"):
        opened = Origin(label="cell", folder=folder, open=lambda path: Path(path).read_bytes(), platform=LINUX)
        self.requirements, self.options, self.said, self.places, self.refused = (), (), "", set(), False
        try:
            self._take(read(text, origin=opened))
        except SpecError as error:
            self.said, self.refused = f"{error.sentence} {error.hint} {error.item}", True

    def _take(self, spec):
        everything = (*spec.requirements, *spec.constraints, *spec.python)
        self.requirements = tuple(one.line for one in everything)
        self.places = {one.where for one in everything}
        flags = [f"--{name.replace('_', '-')}" for name in ("pre", "no_index", "require_hashes") if getattr(spec, name)]
        flags += ["--no-deps"] if any(one.no_deps for one in spec.requirements) else []
        pairs = [f"{name} {value}" for name, value in spec.variables]
        hashes = [digest for one in everything for digest in one.hashes]
        self.options = ("read", *spec.indexes, *spec.find_links, *spec.files, *flags, *pairs, *hashes)
        self.said = " ".join(spec.notices)

    def has(self, words, place=""):
        """Whether each of *words* is somewhere, or a requirement stands for the whole of *place*."""
        seen = f"{self.said} {' '.join(self.requirements)} {' '.join(self.options)}".lower()
        stands = place in self.places or (bool(place) and f"({place})" in self.said)
        return stands or all(word.lower() in seen for word in words)


def plain(text):
    """The bytes of a file as text, without what a selector comment sends elsewhere."""
    if isinstance(text, bytes):
        text = text.decode("utf-16" if text[:2] == b"\xff\xfe" else "utf-8-sig")
    return text.replace("\r\n", "\n")


def below(node, key="", path=""):
    """Each scalar below *node* with the key that it stands under and its path."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from below(value, name.value, f"{path}.{name.value}" if path else name.value)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from below(item, key, f"{path}[{number}]")
    else:
        yield node.value, key, path, node.start_mark.line + 1


def words(text, key):
    """The words of an entry that must come back: its name, its option, or its value."""
    text = re.sub(r"(?:^|\s)#.*$", "", text).strip()
    if text.startswith("-"):
        value = re.split(r"[\s=]+", text, maxsplit=1)[-1]
        return [value.split()[0].removeprefix("./").strip(".") or "/home/me"]
    name = re.match(r"(?:\S*::)?([\w.-]+)", text)
    return [name[1]] if name and key in {"pip", "dependencies"} else [text]


def unanswered(text, folder="/home/me"):
    """Keys and entries of an environment.yml that its answer does not speak of."""
    answer = Answer(text, folder)
    if answer.refused:
        return []
    tree = yaml.compose(plain(text), Loader=yaml.BaseLoader)
    assert isinstance(tree, yaml.MappingNode)
    missing = [
        key.value
        for key, value in tree.value
        if key.value not in {"channels", "dependencies", "variables"} and not answer.has([key.value])
    ]
    for value, key, path, line in below(tree):
        bare = value.strip() in {"", *UNSAID} or key in {"name", "prefix", "category"}
        if not bare and not answer.has(words(value, key), f"line {line}, {path}"):
            missing.append(f"{path}: {value}")
    return missing


def logical(text):
    """Requirement lines with their numbers, continuations joined and comments gone."""
    number, held = 1, ""
    for at, line in enumerate(plain(text).split("\n"), 1):
        number = number if held else at
        held += line.removesuffix("\\")
        if not line.endswith("\\"):
            if found := re.sub(r"(?:^|\s)#.*$", "", held).strip():
                yield number, found
            held = ""


def unanswered_lines(text, folder="/home/me"):
    """Lines of a requirements text that its answer does not speak of."""
    answer = Answer(text, folder)
    return (
        []
        if answer.refused
        else [line for at, line in logical(text) if not answer.has(words(line, "pip"), f"line {at}")]
    )


def files(kind):
    return sorted((CORPUS / kind).glob("*.*")) or [None]


def present(path):
    if path is None:
        pytest.skip("the corpus of real files is not beside this checkout")
    return path.read_bytes()


@pytest.mark.parametrize("path", files("env"), ids=lambda path: path.name if path else "absent")
def test_each_key_and_entry_of_a_real_environment_is_answered(path):
    assert unanswered(present(path), str(path.parent)) == []


@pytest.mark.parametrize("path", files("req"), ids=lambda path: path.name if path else "absent")
def test_each_line_of_real_requirements_is_answered(path):
    assert unanswered_lines(present(path), str(path.parent)) == []


@pytest.mark.parametrize("path", files("env"), ids=lambda path: path.name if path else "absent")
def test_each_entry_of_a_real_environment_is_answered_alone(path):
    """A refused file answers nothing but its first problems, so each entry is asked for on its own."""
    try:
        tree = yaml.compose(plain(present(path)), Loader=yaml.BaseLoader)
    except yaml.YAMLError:
        return
    for value, key, where, _ in below(tree) if isinstance(tree, yaml.MappingNode) else ():
        quoted = value.replace("'", "''")
        entry = f"pip: ['{quoted}']" if key == "pip" else f"'{quoted}'"
        answer = Answer(f"dependencies:\n  - {entry}\n")
        asked = where.startswith("dependencies") and value.strip() not in {"", *UNSAID}
        place = f"line 2, dependencies[0]{'.pip[0]' if key == 'pip' else ''}"
        assert not asked or answer.has(words(value, key), place), value


@pytest.mark.parametrize("path", files("req"), ids=lambda path: path.name if path else "absent")
def test_each_line_of_real_requirements_is_answered_alone(path):
    for _, line in logical(present(path)):
        assert Answer(line).has(words(line, "pip"), "line 1"), line


def test_each_key_and_entry_of_our_own_environment_is_answered():
    answer = Answer(OWN)
    assert not answer.refused, answer.said
    assert unanswered(OWN) == []


def test_each_line_of_our_own_requirements_is_answered():
    answer = Answer(LINES)
    assert not answer.refused, answer.said
    assert unanswered_lines(LINES) == []


@pytest.mark.parametrize(
    "entry",
    [
        *("_libgcc_mutex=0.1=conda_forge", "gh", "mamba <2.6.0", "python 3.6.*", "libarchive>=3.8 lgpl_*", "IPython<8"),
        *("libgomp 13.2.0 hf8544c7_5", "blas[build=mkl]", "libffi==3.4.2=h3557bc0_5", "defaults::libgomp", "pip>=20"),
        *(
            "libstdcxx-devel_linux-64=*=*19",
            "matplotlib.pyplot",
            "13.2|13.3",
            "numpy=>13.2.0",
            "scipy   >=    1.5.0,  < 2.0.0",
        ),
        *(
            "numpy=${VERSION}",
            "-r requirements.txt",
            "--index-url https://index.example",
            "pandas # why",
            "numpy - scipy",
        ),
    ],
)
def test_each_shape_of_a_conda_line_is_answered(entry):
    answer = Answer(f"dependencies:\n  - '{entry}'\n")
    assert answer.has(words(entry, "dependencies"))


def test_the_count_sees_what_is_missing():
    """The measure itself: an answer that lacks a word is found out."""
    answer = Answer(OWN)
    answer.said = answer.said.replace("openssl", "")
    assert not answer.has(["openssl"], "line 15, dependencies[4]")
    assert not answer.has(["--strange"])
