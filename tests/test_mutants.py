"""The planted faults are real, spread over all packages, and seen where a test looks."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import pytest

from tests.mutants.__main__ import ROOT, again, identity
from tests.mutants.faults import Fault, chosen, faults
from tests.mutants.reached import Reached, named, of_json, to_json
from tests.mutants.selection import TESTS, batches, file_of
from tests.mutants.trial import tried

SOURCE = '''\
"""Words 1."""
LIMIT = 4

def f(a: int, b: list[int]) -> int:
    """Text 2."""
    if a < LIMIT and not b:
        b.append(a)
    assert a == 3
    return pow(a + 1, a)
'''


def planted() -> list[Fault]:
    return list(faults("vmgen/x.py", SOURCE))


def test_what_only_the_type_checker_reads_is_left_alone() -> None:
    text = "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    A = 1\nB = False\n"
    assert [one.line for one in faults("vmgen/x.py", text)] == [4]


def test_each_kind_of_fault_is_planted_where_it_stands() -> None:
    found = {(one.line, one.kind, one.new) for one in planted()}
    assert found == {
        (2, "constant", "(5)"),
        (6, "boolean", "(a < LIMIT or not b)"),
        (6, "branch", "(False)"),
        (6, "branch", "(True)"),
        (6, "comparison", "(a <= LIMIT)"),
        (6, "ignored", "(a < LIMIT)"),
        (6, "ignored", "(not b)"),
        (6, "operands", "(LIMIT < a)"),
        (6, "negation", "(b)"),
        (7, "deletion", "pass"),
        (9, "arguments", "(pow(a, a + 1))"),
        (9, "arithmetic", "(a - 1)"),
        (9, "constant", "(2)"),
    }


def test_a_fault_changes_its_line_alone_and_compiles() -> None:
    for fault in planted():
        text = fault.planted(SOURCE)
        before, after = SOURCE.splitlines(), text.splitlines()
        assert [n for n, pair in enumerate(zip(before, after, strict=True), 1)
                if pair[0] != pair[1]] == [fault.line]  # fmt: skip
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(SOURCE))
        assert fault.diff(SOURCE).count("\n") == 1


def test_every_module_has_tests_that_exist() -> None:
    modules = {
        path.relative_to(ROOT / "vmgen").parts[0].removesuffix(".py")
        for path in (ROOT / "vmgen").rglob("*.py")
    }
    assert modules - {"__init__", "__main__"} == set(TESTS)
    for names in TESTS.values():
        for name in names:
            assert (ROOT / file_of(name)).is_file(), name


def test_the_same_seed_plants_the_same_faults_in_every_package() -> None:
    found = chosen(ROOT, ["paint", "ir", "lock"], 30, 1)
    assert found == chosen(ROOT, ["paint", "ir", "lock"], 30, 1)
    assert found != chosen(ROOT, ["paint", "ir", "lock"], 30, 2)
    assert {fault.package for fault in found} == {"paint", "ir", "lock"}
    assert len(found) >= 29


def test_what_no_test_can_see_or_the_type_checker_does_is_not_planted() -> None:
    source = """\
from typing import assert_never
def f(a: int, b: list[int]) -> str:
    assert len(b) > 0
    if isinstance(a, int) or "x" in f"{a + 1}":
        raise ValueError("a" if a else "b")
    elif x := g(b, a):
        assert_never(x)
    return dict(zip(b, b, strict=True), c=min(a, b), d=max(b, a))
"""
    found = {(one.line, one.kind) for one in faults("vmgen/x.py", source)}
    assert found == {
        (4, "boolean"), (4, "ignored"), (4, "comparison"), (4, "branch")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new"),
    [('"big"', "('little')"), ('">I"', "('<I')"), ("-a", "(a)"), ("a - b", "(b - a)"),
     ("a << b", "(a >> b)"), ("a if b else c", "(c if b else a)")],
)  # fmt: skip
def test_orders_signs_and_sides(old: str, new: str) -> None:
    assert new in {one.new for one in faults("vmgen/x.py", f"x = {old}")}


def test_a_fault_is_tried_with_the_tests_that_run_its_lines_the_quickest_first() -> (
    None
):
    fault = Fault("vmgen/paint.py", 3, 4, "branch", 0, 0, "")
    near, far = "tests/test_inspect.py::test_a", "tests/test_diff.py::test_b"
    slow, whole = "tests/test_inspect.py::test_c", "tests/test_inspect.py"
    elsewhere = "tests/test_diff.py::test_d"
    reached = Reached(
        {"vmgen/paint.py": {3: [far, slow, whole], 4: [near], 5: [elsewhere]}},
        {far: 0.1, near: 0.2, slow: 9.0, whole: 9.5, elsewhere: 0.0},
    )
    assert [tests for tests, _ in batches(reached, fault)] == [
        [near],
        [slow, far],
        [whole],
    ]
    assert of_json(to_json(reached)) == reached
    reached.broken.append(slow)
    assert [tests for tests, _ in batches(reached, fault)] == [[near, far], [whole]]


@pytest.mark.parametrize(
    ("file", "classname", "name"),
    [
        ("tests/test_a.py", "tests.test_a", "tests/test_a.py::test_b"),
        ("tests/test_a.py", "tests.test_a.TestC", "tests/test_a.py::TestC::test_b"),
        ("tests/qemu/test_a.py", "tests.qemu.test_a", "tests/qemu/test_a.py::test_b"),
    ],
)
def test_a_test_is_called_as_pytest_calls_it(
    file: str, classname: str, name: str
) -> None:
    assert named(file, classname, "test_b") == name


def test_a_line_that_no_test_is_known_to_run_is_tried_with_its_packages_tests() -> None:
    fault = Fault("vmgen/paint.py", 9, 9, "branch", 0, 0, "")
    ((tests, _),) = batches(Reached(), fault)
    assert tests == [file_of(name) for name in TESTS["paint"]]


def test_a_fault_of_older_sources_is_found_again() -> None:
    path = "vmgen/paint.py"
    text = (ROOT / path).read_text(encoding="utf-8")
    fault = next(faults(path, text))
    older = dataclasses.replace(fault, line=fault.line + 7, start=0, end=1)
    row = {"fault": identity(older), "diff": fault.diff(text)}
    assert again(row) == fault
    assert again({**row, "diff": "-gone\n+too"}) is None


def test_a_fault_is_seen_by_a_test_that_fails_and_taken_out_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "vmgen").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text(
        "from hypothesis import settings\nsettings.register_profile('mutants')\n"
    )
    source = tmp_path / "vmgen" / "paint.py"
    source.write_text(
        "def twice(n):\n    return n * 2\n\ndef unseen(n):\n    return n * 2\n"
        "\ndef ends(n):\n    while n > 0: n = n - 1\n"
    )
    (tmp_path / "vmgen" / "__init__.py").write_text("")
    (tmp_path / "vmgen" / "__main__.py").write_text(
        "from vmgen.paint import twice\nraise SystemExit(twice(2) - 4)\n"
    )
    (tmp_path / "tests" / "test_x.py").write_text(
        "from vmgen.paint import ends, twice\n\n"
        "def test_ends(): ends(3)\ndef test_twice(): assert twice(3) == 6\n"
    )
    before = source.read_text()
    found = [
        (one.fault.line, one.fate, one.by)
        for fault in faults("vmgen/paint.py", before)
        if fault.kind == "arithmetic"
        for one in [tried(tmp_path, fault, [(["tests/test_x.py"], 45)])]
    ]
    assert found == [
        (2, "seen", "tests/test_x.py::test_twice"),
        (5, "survived", ""),
        (8, "timeout", ""),
    ]
    (fault,) = (
        one
        for one in faults("vmgen/paint.py", before)
        if one.line == 2 and one.kind == "arithmetic"
    )
    assert tried(tmp_path, fault, []).by == "vmgen check"
    assert source.read_text() == before
