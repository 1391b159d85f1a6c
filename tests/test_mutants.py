"""The planted faults are real, spread over all packages, and seen where a test looks."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.mutants import ROOT, TESTS, Fault, chosen, faults, tried

SOURCE = '''\
"""Words 1."""
LIMIT = 4

def f(a: int, b: list[int]) -> int:
    """Text 2."""
    if a < LIMIT and not b:
        b.append(a)
    assert a == 3
    return max(a + 1, a)
'''


def planted() -> list[Fault]:
    return list(faults("vmgen/x.py", SOURCE))


def test_each_kind_of_fault_is_planted_where_it_stands() -> None:
    found = {(one.line, one.kind, one.new) for one in planted()}
    assert found == {
        (2, "constant", "(5)"),
        (6, "boolean", "(a < LIMIT or not b)"),
        (6, "comparison", "(a <= LIMIT)"),
        (6, "negation", "(b)"),
        (7, "deletion", "pass"),
        (9, "arguments", "(max(a, a + 1))"),
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
            assert (ROOT / f"tests/test_{name}.py").is_file(), name


def test_the_same_seed_plants_the_same_faults_in_every_package() -> None:
    found = chosen(ROOT, ["paint", "ir", "lock"], 30, 1)
    assert found == chosen(ROOT, ["paint", "ir", "lock"], 30, 1)
    assert found != chosen(ROOT, ["paint", "ir", "lock"], 30, 2)
    assert {fault.package for fault in found} == {"paint", "ir", "lock"}
    assert len(found) >= 29


def test_a_fault_is_killed_by_a_test_that_sees_it_and_taken_out_again(
    tmp_path: Path,
) -> None:
    (tmp_path / "vmgen").mkdir()
    (tmp_path / "tests").mkdir()
    source = tmp_path / "vmgen" / "paint.py"
    source.write_text(
        "def twice(n):\n    return n * 2\n\ndef unseen(n):\n    return n * 2\n"
    )
    (tmp_path / "vmgen" / "__init__.py").write_text("")
    for name in TESTS["paint"]:
        test = "from vmgen.paint import twice\n\ndef test(): assert twice(3) == 6\n"
        (tmp_path / "tests" / f"test_{name}.py").write_text(test)
    before = source.read_text()
    seen = [
        (fault.line, tried(tmp_path, fault, 60))
        for fault in faults("vmgen/paint.py", before)
        if fault.kind == "arithmetic"
    ]
    assert seen == [(2, "killed"), (5, "survived")]
    assert source.read_text() == before
