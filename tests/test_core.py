"""The functions that every table rests on are held to those of the releases."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.trees import RELEASES, require_tree
from vmgen import core
from vmgen.extract.infos import INTEGERS, OTHERS

TYPES, WALK = core.FILES


@pytest.fixture(params=RELEASES)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    tree = require_tree(request.param)
    (tmp_path / "migration").mkdir()
    for file in core.FILES:
        shutil.copy(tree / file, tmp_path / file)
    return tmp_path


def change(root: Path, file: str, old: str, new: str) -> list[str]:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text), encoding="utf-8")
    return [one.message.partition(" ")[0] for one in core.changes(root)]


def test_a_release_has_the_core_that_vmgen_knows(copy: Path) -> None:
    assert core.changes(copy) == ()
    text = (copy / TYPES).read_text(encoding="utf-8")
    defined = set(re.findall(r"^const VMStateInfo (\w+) =", text, re.MULTILINE))
    assert {*INTEGERS, *OTHERS} >= {"vmstate_info_bool", "vmstate_info_timer"}
    assert "vmstate_info_bool" in defined


@pytest.mark.parametrize(
    ("file", "old", "new", "function"),
    [
        (TYPES, r"qemu_put_byte\(f, \*v\)", "qemu_put_be32(f, *v)", "put_bool"),
        (TYPES, r"\bput_bool\b", "store_bool", "store_bool vmstate_info_bool"),
        (
            TYPES,
            r"= put_uint64\b(?=,)",
            "= put_int64",
            "vmstate_info_uint64 vmstate_info_uint64_equal",
        ),
        (WALK, r"size \*= field->size", "size += field->size", "vmstate_size"),
        (
            WALK,
            r"qemu_put_byte\(f, len\)",
            "qemu_put_be16(f, len)",
            "vmstate_subsection_save",
        ),
    ],
)
def test_another_function_is_named(
    copy: Path, file: str, old: str, new: str, function: str
) -> None:
    assert change(copy, file, old, new) == function.split()


@pytest.mark.parametrize(
    ("file", "old", "new", "about"),
    [
        (TYPES, r"qemu_put_byte\(f, \*v\)", "qemu_put_be32(f, *v)", "vmstate_info_bool"),
        (WALK, r"size \*= field->size", "size += field->size", "every table that it is for"),
    ],
)  # fmt: skip
def test_whose_bytes_may_differ_is_said(
    copy: Path, file: str, old: str, new: str, about: str
) -> None:
    change(copy, file, old, new)
    (found,) = core.changes(copy)
    assert f": the bytes of {about} may differ" in found.message


def test_what_is_said_to_people_does_not_count(copy: Path) -> None:
    assert change(copy, WALK, r"trace_\w+\([^;]*\);", "") == []
    assert change(copy, WALK, r"\berror_report\(", "error_report(1, ") == []
    assert change(copy, TYPES, r"/\*", "/* another remark ") == []


def test_a_tree_without_these_files_has_nothing_to_compare(tmp_path: Path) -> None:
    assert core.changes(tmp_path) == ()


def test_the_data_is_that_of_the_trees() -> None:
    release = RELEASES[0]
    made = core.variants([(release, require_tree(release))])
    kept = (Path(core.__file__).parent / "functions.toml").read_text()
    hashes = set(re.findall(r"h[0-9a-f]{16}", made))
    assert hashes
    assert hashes <= set(re.findall(r"h[0-9a-f]{16}", kept))
