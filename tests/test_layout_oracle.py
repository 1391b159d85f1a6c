"""Layouts of whole files of a QEMU tree against libclang.

A few files a run; ``python -m tests.layout_oracle TREE`` takes all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layout_oracle import described_files, disagreements, units
from tests.trees import EIGHT, require_tree
from vmgen.cfront.unit import Unit


def test_the_records_of_a_trees_descriptions_are_laid_out_as_by_libclang(
    tmp_path: Path,
) -> None:
    pytest.importorskip("clang.cindex")
    tree = require_tree("10.0")
    files = described_files(tree)[::80]
    assert len(files) > 5
    seen = 0
    for name, unit, text in units(tree, files, EIGHT, tmp_path):
        count, wrong = disagreements(unit, text)
        assert not wrong, name
        seen += count
    assert seen > 5000


def test_the_oracle_sees_a_wrong_layout() -> None:
    pytest.importorskip("clang.cindex")
    text = """struct Dev { char a; int b; };
    typedef struct VMStateField { const char *name; unsigned long offset; } VMStateField;
    const VMStateField fields[] = { { "b", __builtin_offsetof(struct Dev, b) } };
    """
    unit = Unit(text, source="t.c")
    assert disagreements(unit, text)[1] == []
    assert disagreements(unit, text.replace("char a", "long a"))[1]
