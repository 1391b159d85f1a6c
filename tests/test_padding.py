"""Padding whose length the stream says: skipped when loaded, as long when saved."""

from __future__ import annotations

import pytest

from tests.ir_programs import U8, U16, compiled, description, field
from vmgen import ir

N = ir.FromMember((ir.Step("n", "uint8_t"),), "uint8")
W = ir.FromMember((ir.Step("w", "uint8_t"),), "uint8")
TWICE = ir.FromMember((ir.Step("w", "uint8_t"),), "uint8", 2)


@pytest.mark.parametrize(
    ("count", "size", "length"),
    [
        (ir.Fixed(3), ir.Fixed(2), 6), (N, ir.Fixed(2), 8), (ir.Fixed(3), W, 15),
        (N, W, 20), (ir.Fixed(1), W, 5), (ir.Fixed(3), TWICE, 30), (N, ir.Fixed(1), 4),
    ],
)  # fmt: skip
def test_padding_is_as_long_as_its_elements(
    count: ir.Amount, size: ir.Amount, length: int
) -> None:
    """``vmstate_n_elems`` times ``vmstate_size`` (``migration/vmstate.c``)."""
    table = description(
        "dev",
        field("n", U8),
        field("w", U8),
        field("", ir.UnusedElement(), count=count, size=size, array=True),
        field("end", U16),
    )
    with compiled(table) as (module, runtime):
        data = b"\4\5" + bytes(length) + b"\1\2"
        state, end = module.load_dev(data + b"\xff")
        assert (end, state.n, state.w, state.end) == (len(data), 4, 5, 0x102)
        assert module.save_dev(state) == data
        for cut in range(len(data)):
            with pytest.raises(runtime.Truncated):
                module.load_dev(data[:cut])
