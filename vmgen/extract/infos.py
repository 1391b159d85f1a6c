"""The ``VMStateInfo`` objects of ``migration/vmstate-types.c``: what each puts on the wire.

Every other info is somebody's own; ``extract`` translates its ``get`` and ``put``.
"""

from __future__ import annotations

from typing import Final, Literal

from vmgen import ir
from vmgen.infos import MARKERS

_PLAIN: Final[tuple[ir.IntType, ...]] = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
)
_EQUAL: Final[tuple[ir.IntType, ...]] = (
    "uint8",
    "uint16",
    "int32",
    "uint32",
    "uint64",
)


def _integer(
    type: ir.IntType, check: Literal["", "equal", "le"], suffix: str
) -> tuple[str, ir.IntegerElement]:
    info = f"vmstate_info_{type}{suffix}"
    return info, ir.IntegerElement(type, check, info)


INTEGERS: Final[dict[str, ir.IntegerElement]] = dict(
    [_integer(type, "", "") for type in _PLAIN]
    + [_integer(type, "equal", "_equal") for type in _EQUAL]
    + [_integer("int32", "le", "_le")]
)

OTHERS: Final[dict[str, ir.Element]] = {
    # put_cpudouble writes the upper, then the lower half: a big-endian uint64.
    "vmstate_info_cpudouble": ir.IntegerElement("uint64", "", "vmstate_info_cpudouble"),
    "vmstate_info_timer": ir.TimerElement(),
    "vmstate_info_buffer": ir.BufferElement(),
    "vmstate_info_unused_buffer": ir.UnusedElement(),
    "vmstate_info_bitmap": ir.BitmapElement(),
    # qemu_file_put_fd sends one dummy byte, the descriptor travels beside the stream.
    "vmstate_info_fd": ir.WordsElement("vmstate_info_fd", "fd", (ir.Word("uint8"),)),
    # put_nullptr writes the marker '0' and get_nullptr insists on it; newer upstream
    # calls it the pointer's marker.
    **{
        marker: ir.CustomElement(
            marker, marker.removeprefix("vmstate_info_"), "the NULL marker"
        )
        for marker in MARKERS
    },
}
