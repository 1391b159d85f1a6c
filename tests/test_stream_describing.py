"""What vmgen describes of a section is what QEMU described, in every stream there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.ir_programs import U8, compiled, description, field, program
from tests.stream_files import ALL, captured, target_of
from vmgen import ir
from vmgen.cli.console import Console
from vmgen.cli.stream.codecs import Wanted, packages_of
from vmgen.lookup import Lookup
from vmgen.stream import Stream, StreamError, tables
from vmgen.stream.describing import described
from vmgen.stream.held import NotDescribed
from vmgen.stream.input import Input

UNSAID = {
    "virtio-net", "vga", "cpu", "piix4_pm", "ich9_ahci", "cmd646_ide", "sysbus-ahci",
    "scsi-disk", "qemu-s390-flic", "virtio-gpu",
}  # fmt: skip
"""Sections of which some state says less than QEMU wrote: they are described by size."""


def alike(node: Any) -> Any:
    """An entry without the index of elements that are described one by one, which 10.0
    leaves out of the last one (``max_elems`` in ``vmstate_save_state_v``)."""
    if isinstance(node, list):
        return [alike(one) for one in node]
    if isinstance(node, dict):
        return {name: alike(one) for name, one in node.items() if name != "index"}
    return node


@pytest.mark.parametrize(
    "name", [one for one in ALL if one.endswith(("--10.0.2", "--7.2.22"))]
)
def test_as_qemu_describes_it(name: str) -> None:
    target, _, rest = name.partition("-")
    assert target == target_of(name)
    source = Input(captured(name))
    release = rest.rpartition("--")[2]
    wanted = Wanted(release, None, False, target, None)
    _, codecs = packages_of(source, Console(), wanted)
    assert codecs is not None
    known = tables.of(codecs)
    assert known is not None
    stream = Stream(source, codecs, strict=False)
    counts: Counter[str] = Counter()
    for section in stream.all_sections():
        if section.codec is None or section.device is None or section.kind != "full":
            continue
        placed = known.table(section.codec)
        assert placed is not None
        short = section.name.rpartition("/")[2]
        try:
            state = stream.state(section)
            made = described(known.lookup, placed, state, section.version_id)
        except (NotDescribed, StreamError):
            assert short in UNSAID
            counts["not described"] += 1
            continue
        head = {"name": section.name, "instance_id": section.instance_id}
        assert alike({**head, **made[0]}) == alike(section.device.node), section.path
        assert made[1] == section.end - section.start
        counts["described"] += 1
    if stream.description is None:
        assert not counts
        return
    assert counts["described"] >= 3
    assert counts["described"] > 4 * counts["not described"]


def sized_rows(counts: tuple[int, int]) -> tuple[Mapping[str, Any], int]:
    """What is described of two elements of a struct that holds so many bytes each."""
    count = ir.FromMember((ir.Step("num", "uint8_t"),), "uint8")
    row = description(
        "row",
        field("num", U8),
        field("data", U8, (4,), count=count, array=True),
        type="RowsState",
    )
    rows = field("rows", ir.StructElement("vmstate_row"), (2,))
    outer = description("rows", rows)
    with compiled(row, outer) as (module, _):
        data = b"".join(bytes([count, *range(count)]) for count in counts)
        state, end = module.CODECS["rows"].load(data, 0, 1)
        assert end == len(data)
        lookup = Lookup(program(row, outer))
        (placed,) = lookup.named(["vmstate_rows"])
        return described(lookup, placed, state, 1)


def test_elements_that_are_described_once_must_be_alike() -> None:
    """QEMU describes the first of them for all (``vmstate_save_vmsd_v``)."""
    node, size = sized_rows((3, 3))
    (rows,) = node["fields"]
    assert (rows["array_len"], rows["size"], size) == (2, 4, 8)
    with pytest.raises(NotDescribed, match="different sizes"):
        sized_rows((3, 2))
