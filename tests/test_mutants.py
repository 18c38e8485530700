"""The list of mutants stays true to the code: each old text stands once where it should, each test can be found."""

from __future__ import annotations

import ast
import functools
from collections import Counter
from pathlib import Path

import pytest

from bench.mutant_list import MUTANTS, Mutant

CHECKOUT = Path(__file__).parents[1]


@functools.cache
def found_in(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place_and_its_test_is_there(mutant: Mutant, tmp_path: Path) -> None:
    assert mutant.count(CHECKOUT) == 1, mutant.old
    copy = tmp_path / mutant.path
    copy.parent.mkdir(parents=True)
    copy.write_bytes((CHECKOUT / mutant.path).read_bytes())
    mutant.apply(tmp_path)
    before, after = (ast.dump(ast.parse((folder / mutant.path).read_bytes())) for folder in (CHECKOUT, tmp_path))
    assert before != after
    file, _, test = mutant.test.partition("::")
    assert test.partition("[")[0] in found_in(CHECKOUT / file)


def test_no_two_mutants_have_one_name_and_each_says_what_it_breaks() -> None:
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []
    assert all(mutant.promise and mutant.old != mutant.new for mutant in MUTANTS)
