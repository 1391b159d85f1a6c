"""Where members go: GCC's record layout for x86-64 SysV, on numbers alone.

The rules are those of GCC's ``stor-layout.cc`` (``layout_decl``, ``place_field``,
``place_union_field``, ``finalize_record_size``) for a target where
``PCC_BITFIELD_TYPE_MATTERS`` holds and unnamed bitfields do not align their record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemberRequest:
    """A member to place: size and alignment of its type in bytes.

    ``bits`` is the width of a bitfield, ``aligned`` an ``aligned`` attribute of the
    member in bytes (0 for none), ``packed`` is the member's own or its record's, and
    ``limit`` the largest alignment that ``#pragma pack`` allows (0 for any).
    """

    size: int
    align: int
    bits: int | None = None
    named: bool = True
    aligned: int = 0
    packed: bool = False
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """Size and alignment in bytes of the record, and each member's position in bits."""

    size: int
    align: int
    positions: tuple[int, ...]


def _round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def alignment(request: MemberRequest) -> int:
    """The alignment in bits that the member's own position gets."""
    if request.bits == 0:
        return 8 * max(request.align, request.aligned)
    if request.bits is not None:
        bits = 8 * request.aligned
    elif request.packed:
        bits = 8 * (request.aligned or 1)
    else:
        bits = 8 * max(request.align, request.aligned)
    # A limit holds for what an attribute asks too.
    return max(1, min(bits, 8 * request.limit) if request.limit else bits)


def _record_alignment(request: MemberRequest) -> int:
    """What the member asks of its record's alignment, in bits."""
    if request.bits is None:
        return alignment(request)
    if not request.named:
        return 8
    of_type = request.align
    if request.limit:
        of_type = min(of_type, request.limit)
    elif request.packed:
        of_type = 1
    return max(alignment(request), 8 * of_type)


def _spans_too_much(position: int, request: MemberRequest, bits: int) -> bool:
    """True if a bitfield here would cross more units of its type than the type has."""
    align = 8 * request.align
    return -(-(position % align + bits) // align) > 8 * request.size // align


def allocate(
    union: bool, requests: Iterable[MemberRequest], aligned: int = 0
) -> Allocation:
    """Place the members of a struct, or of a union, in order.

    ``aligned`` is the record's own ``aligned`` attribute in bytes, 0 for none.
    """
    end = 0
    align = max(8, 8 * aligned)
    positions: list[int] = []
    for request in requests:
        align = max(align, _record_alignment(request))
        bits = 8 * request.size if request.bits is None else request.bits
        if union:
            positions.append(0)
            end = max(end, bits)
            continue
        position = _round_up(end, alignment(request))
        # A packed bitfield, or one under a limit, goes to the next bit, whatever its type.
        if (
            request.bits
            and not request.packed
            and not request.limit
            and _spans_too_much(position, request, bits)
        ):
            position = _round_up(position, 8 * request.align)
        positions.append(position)
        end = position + bits
    return Allocation(_round_up(end, align) // 8, align // 8, tuple(positions))
