"""The wire history says what changed between releases, where, and for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from vmgen import archive, ir
from vmgen.archive import Archive, build, form
from vmgen.source import Diagnostic, Position
from website import history


def field(name: str, kind: ir.IntType, size: int) -> ir.Field:
    return ir.Field(
        name, (ir.Step(name, "T"),), ir.IntegerElement(kind), ir.Fixed(size)
    )


A, B = field("a", "uint32", 4), field("b", "uint64", 8)
DEVICE = ir.Description("vmstate_d", "d", "D", 1, 1, (A,), static=False)
OTHER = replace(DEVICE, symbol="vmstate_o", name="o")


def program(target: str, *modules: ir.Module, unread: Iterable[str] = ()) -> ir.Program:
    why = (Diagnostic("VG401", "no", Position("hw/net/d.c", 1)),)
    return ir.Program(
        "", target, tuple(sorted(modules, key=lambda one: one.file)),
        unread=tuple(ir.Unread("", file, why) for file in unread),
    )  # fmt: skip


def module(*descriptions: ir.Description, file: str = "hw/net/d.c") -> ir.Module:
    return ir.Module(file, descriptions)


def kept(folder: Path, *releases: list[ir.Program]) -> Archive:
    snapshots = [
        build.snapshot(
            f"{number}.0.0", [replace(one, release=f"{number}.0.0") for one in each]
        )
        for number, each in enumerate(releases, 1)
    ]
    file = folder / "releases.vmgen"
    file.write_bytes(form.pack(snapshots))
    return Archive(file)


def rows(there: Archive, page: str = "hw-net") -> list[str]:
    text = history.pages(there)[f"wire-history/{page}.md"]
    return [
        line
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| release")
    ]


def test_a_change_has_its_release_and_its_targets(tmp_path: Path) -> None:
    newer = replace(DEVICE, version_id=2, fields=(B, A))
    there = kept(
        tmp_path,
        [program("arm", module(DEVICE)), program("mips", module(DEVICE))],
        [program("arm", module(newer)), program("mips", module(DEVICE))],
        [program("arm", module(newer)), program("mips", module(newer))],
    )
    assert rows(there) == [
        "| 3.0.0 | `vmstate_d`: version `1`, now `2` | mips |",
        "| 3.0.0 | `vmstate_d`: field `b` (uint64) came | mips |",
        "| 2.0.0 | `vmstate_d`: version `1`, now `2` | arm |",
        "| 2.0.0 | `vmstate_d`: field `b` (uint64) came | arm |",
    ]


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (replace(DEVICE, fields=()), "field `a` (uint32) went"),
        (replace(DEVICE, fields=(replace(A, version_id=1),)), "field `a` (uint32), now `a` (uint32, since version 1)"),
        (replace(DEVICE, minimum_version_id=0), "loads from version `1`, now `0`"),
        (replace(DEVICE, fields=(replace(A, element=B.element, size=B.size),)), "field `a` (uint32), now `a` (uint64)"),
        (replace(DEVICE, fields=(replace(A, test="is_there"),)), "field `a` (uint32), now `a` (uint32, if `is_there`)"),
    ],
)  # fmt: skip
def test_what_is_on_the_wire_is_compared(
    tmp_path: Path, new: ir.Description, said: str
) -> None:
    there = kept(
        tmp_path, [program("arm", module(DEVICE))], [program("arm", module(new))]
    )
    assert rows(there) == [f"| 2.0.0 | `vmstate_d`: {said} | all |"]


def test_fields_in_another_order_are_a_change(tmp_path: Path) -> None:
    one, two = replace(DEVICE, fields=(A, B)), replace(DEVICE, fields=(B, A))
    there = kept(tmp_path, [program("arm", module(one))], [program("arm", module(two))])
    assert rows(there) == [
        "| 2.0.0 | `vmstate_d`: the fields have another order | all |"
    ]


def test_a_file_in_another_folder_is_the_same_file(tmp_path: Path) -> None:
    moved = module(DEVICE, file="hw/new/d.c")
    same = module(OTHER, file="target/arm/machine.c")
    other = module(DEVICE, file="target/mips/machine.c")
    there = kept(
        tmp_path,
        [program("arm", module(DEVICE), same), program("mips", other)],
        [program("arm", moved, same), program("mips", other)],
    )
    assert rows(there, "hw-new") == ["| 2.0.0 | moved from `hw/net/d.c` | all |"]
    assert rows(there, "target-arm") == rows(there, "target-mips") == []


def test_what_was_not_read_is_no_change(tmp_path: Path) -> None:
    """A file that vmgen cannot read in one release is not one that QEMU took out."""
    fine = program("arm", module(DEVICE))
    there = kept(tmp_path, [fine], [program("arm", unread=["hw/net/d.c"])], [fine])
    assert rows(there) == [f"| {one}.0.0 | {history.UNREAD} | all |" for one in (3, 2)]


def test_names_of_a_file_cannot_leave_their_place(tmp_path: Path) -> None:
    odd = replace(A, name="`<b>|x")
    there = kept(
        tmp_path, [program("arm", module(DEVICE))],
        [program("arm", module(replace(DEVICE, fields=(A, odd))))],
    )  # fmt: skip
    assert rows(there) == [
        "| 2.0.0 | `vmstate_d`: field `'<b>/x` (uint32) came | all |"
    ]


def test_a_folder_that_is_too_large_goes_on_on_another_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST", 400)
    old = [module(DEVICE, file=f"hw/net/{name}.c") for name in "abcdef"]
    new = [module(replace(DEVICE, version_id=2), file=one.file) for one in old]
    made = history.pages(kept(tmp_path, [program("arm", *old)], [program("arm", *new)]))
    parts = [text for name, text in made.items() if "hw-net" in name]
    assert len(parts) > 1
    assert sum(text.count("now `2`") for text in parts) == len(old)
    assert all(f"]({Path(name).name})" in made["wire-history/index.md"] for name in made if "index" not in name)  # fmt: skip


def test_every_release_that_is_shipped_has_pages_of_bounded_size() -> None:
    there = archive.shipped()
    assert there is not None
    made = history.pages(there)
    assert max(map(len, made.values())) < 2 * history.MOST
    for release in there.releases:
        assert release.name in made["wire-history/index.md"]
