"""The tables of whole files of a QEMU tree against libclang.

A few files a run; ``python -m tests.census_oracle --qemu TREE`` takes all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.census_oracle import compared, compiled, differences, mentioning_files
from tests.trees import EIGHT, RELEASES, require_tree
from vmgen.cfront.unit import Unit

HEAD = """typedef struct VMStateDescription { const char *name; int version_id; }
    VMStateDescription;
"""


@pytest.mark.parametrize("release", RELEASES)
def test_what_a_trees_files_define_is_what_libclang_sees(
    release: str, tmp_path: Path
) -> None:
    pytest.importorskip("clang.cindex")
    tree = require_tree(release)
    files = mentioning_files(tree)[7::120]
    assert len(files) > 4
    seen = 0
    for name, count, wrong in compared(tree, files, EIGHT, tmp_path):
        assert not wrong, name
        seen += count
    assert seen >= len(files)


def test_the_oracle_sees_what_the_census_lacks_and_has_too_much() -> None:
    pytest.importorskip("clang.cindex")
    text = f"""{HEAD}
    typedef const VMStateDescription Table;
    static Table rows[2] = {{ {{ "a" }}, {{ "b" }} }};
    extern const VMStateDescription other;
    VMStateDescription zero;
    void f(void) {{ static const struct VMStateDescription inner = {{ "c" }}; }}
    """
    assert set(compiled(text, "VMStateDescription")) == {("rows", ""), ("inner", "f")}
    assert differences(Unit(text, source="t.c"), text) == (2, [])
    more = text + 'Table late = { "d" };\n'
    assert differences(Unit(text, source="t.c"), more) == (
        3, ["VMStateDescription late is not found"]
    )  # fmt: skip
    assert differences(Unit(more, source="t.c"), text) == (
        2, ["VMStateDescription late is found, and is none"]
    )  # fmt: skip


def test_what_a_diagnostic_names_is_not_missing() -> None:
    pytest.importorskip("clang.cindex")
    text = f"""{HEAD}
    extern const VMStateDescription first;
    const VMStateDescription second = first;
    """
    assert ("second", "") in compiled(text, "VMStateDescription")
    assert differences(Unit(text, source="t.c"), text) == (1, [])
