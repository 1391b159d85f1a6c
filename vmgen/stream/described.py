"""Sections as their description JSON tells them: names, sizes, values by type.

What a table would say is known only as far as the JSON says it; bytes of a type that is
not a plain value (``pci config``, ``timer`` lists ...) are given as bytes.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from vmgen.stream.description import (
    Node,
    check_depth,
    disagree,
    listed,
    name_of,
    number,
)
from vmgen.stream.errors import BadEdit, Malformed, StreamError
from vmgen.stream.frozen import Frozen
from vmgen.stream.wire import SUBSECTION, raw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

Value: TypeAlias = "Any"
"""bool, int, bytes, None (a NULL pointer), array, list or dict of these by name."""

_WIDE = {"timer": ("q", 8), "float64": ("Q", 8), "CPU_Double_U": ("Q", 8)}
_CODES = {
    ("", 8): "b", ("", 16): "h", ("", 32): "i", ("", 64): "q",
    ("u", 8): "B", ("u", 16): "H", ("u", 32): "I", ("u", 64): "Q",
}  # fmt: skip
_NUMBERS = {
    f"{sign}int{bits}{check}": (code, bits // 8)
    for (sign, bits), code in _CODES.items()
    for check in ("", " equal", " le")
} | _WIDE
"""By the name of a type its code and size: looked up, since a pattern takes longer to
compile than a small stream to read."""

_LIMIT = 1 << 64
"""No size is as large (:func:`vmgen.stream.description.number`)."""

_SWAP = sys.byteorder == "little"


class Slot(Frozen):
    """A field's place: ``start`` is relative to the object it is in.

    ``size`` is that of one element, ``count`` how many there are (None: not an array),
    ``indexed`` whether it is one element of an array that the JSON lists one by one.
    ``slots`` are the members of a nested object, ``subsection`` is its version if it is
    one: its header stands before the members.
    """

    name: str
    type: str
    start: int
    size: int
    count: int | None = None
    indexed: bool = False
    slots: tuple[Slot, ...] | None = None
    subsection: int | None = None

    if not TYPE_CHECKING:  # who makes it of the members above

        def __init__(
            self,
            name: str,
            type: str,
            start: int,
            size: int,
            count: int | None = None,
            indexed: bool = False,
            slots: tuple[Slot, ...] | None = None,
            subsection: int | None = None,
        ) -> None:
            # Written out: there are thousands in a stream.
            self.name = name
            self.type = type
            self.start = start
            self.size = size
            self.count = count
            self.indexed = indexed
            self.slots = slots
            self.subsection = subsection

    @property
    def total(self) -> int:
        """The bytes of all elements."""
        return self.size if self.count is None else self.size * self.count

    @property
    def code(self) -> str:
        """The ``struct`` code of a number, empty for anything else."""
        return _code(self.type, self.size)


@lru_cache(1024)
def _code(kind: str, size: int) -> str:
    code, width = _NUMBERS.get(kind, ("", 0))
    return code if width == size else ""


def layout(node: Node, path: str = "") -> tuple[Slot, ...]:
    """The places of an object's fields and subsections, in stream order.

    Fields without bytes are left out.  Raises Malformed for JSON that is not a
    description, Disagreement where sizes contradict each other.
    """
    try:
        return _layout(node)[0]
    except StreamError as error:
        error.path = error.path or path
        raise


def _layout(node: Node, depth: int = 0) -> tuple[tuple[Slot, ...], int]:
    check_depth(depth)
    made: list[Slot] = []
    position = 0
    for field in listed(node, "fields"):
        get = field.get
        name, size, kind = get("name"), get("size"), get("type", "unknown")
        if (
            type(name) is str
            and type(size) is int
            and type(kind) is str
            and 0 <= size < _LIMIT
            and kind != "struct"
            and "array_len" not in field
            and "fields" not in field
        ):  # a plain value, as most are
            if size:
                indexed = "index" in field
                made.append(Slot(name, kind, position, size, None, indexed, None, None))
                position += size
            continue
        slot = _slot(field, position, depth)
        if total := slot.total:
            made.append(slot)
            position += total
    for part in listed(node, "subsections"):
        name = name_of(part, "vmsd_name")
        slots, size = _layout(part, depth + 1)
        size += 6 + len(raw(name))
        version = number(part, "version")
        made.append(
            Slot(name, "subsection", position, size, None, False, slots, version)
        )
        position += size
    return tuple(made), position


def _slot(field: Node, position: int, depth: int) -> Slot:
    name, size = name_of(field), number(field, "size")
    count = number(field, "array_len") if "array_len" in field else None
    kind = field.get("type", "unknown")
    if type(kind) is not str:
        raise Malformed(f"the description of '{name}' has a type that is not text")
    inner = field.get("struct") if kind == "struct" else field
    slots = None
    if type(inner) is dict and "fields" in inner:
        slots, total = _layout(inner, depth + 1)
        if total != size:
            if kind in ("struct", "vstruct"):
                message = f"'{name}' has {size} bytes and its members {total}"
                raise disagree(message, "")
            slots = None  # a list, whose elements all have the same keys
    return Slot(name, kind, position, size, count, "index" in field, slots, None)


# --- values -----------------------------------------------------------------------------


def decode(slots: Sequence[Slot], view: memoryview, base: int) -> dict[str, Value]:
    """The values of an object that begins at ``base``, by name.

    Elements that the JSON lists one by one become a list.  Raises Disagreement where a
    subsection is not where the JSON has it, or has another version.
    """
    made: dict[str, Value] = {}
    for slot in slots:
        at, name = base + slot.start, slot.name
        if slot.count is None and (code := _code(slot.type, slot.size)):
            (value,) = _struct(code).unpack_from(view, at)
        else:
            value = _decode(slot, view, at)
        if name not in made:
            made[name] = _joined([], value, slot) if slot.indexed else value
        else:
            made[name] = _joined(made[name], value, slot)
    return made


@lru_cache
def _struct(code: str) -> struct.Struct:
    return struct.Struct(f">{code}")


def _joined(old: Value, value: Value, slot: Slot) -> list[Value]:
    items = old if type(old) is list else list(old) if type(old) is array else [old]
    if slot.count is None:
        items.append(value)
    else:
        items.extend(value)
    return items


def _decode(slot: Slot, view: memoryview, at: int) -> Value:
    if slot.count is None:
        if slot.subsection is not None:
            at += _check_header(slot, view, at)
        return _one(slot, view, at)
    if slot.slots is not None:
        if codes := _plain_codes(slot.slots):
            names = [member.name for member in slot.slots]
            records = struct.iter_unpack(f">{codes}", view[at : at + slot.total])
            return [dict(zip(names, record, strict=True)) for record in records]
        return [
            decode(slot.slots, view, at + index * slot.size)
            for index in range(slot.count)
        ]
    data = view[at : at + slot.total]
    if slot.code:
        values = array(slot.code, data.tobytes())
        if _SWAP and slot.size > 1:
            values.byteswap()
        return values
    if slot.type == "bool":
        return list(map(bool, data.tobytes()))
    return [_one(slot, view, at + index * slot.size) for index in range(slot.count)]


def _plain_codes(slots: Sequence[Slot]) -> str:
    """The ``struct`` codes of an object of single numbers; empty if it has anything else."""
    codes = ""
    for slot in slots:
        code = "?" if slot.type == "bool" and slot.size == 1 else slot.code
        if not code or slot.count is not None or slot.indexed:
            return ""
        codes += code
    return codes if len({slot.name for slot in slots}) == len(slots) else ""


def _one(slot: Slot, view: memoryview, at: int) -> Value:
    if slot.slots is not None:
        return decode(slot.slots, view, at)
    data = view[at : at + slot.size]
    if slot.code:
        return struct.unpack(f">{slot.code}", data)[0]
    if slot.type == "bool" and slot.size == 1:
        return bool(data[0])
    if slot.type in ("nullptr", "ptr-marker") and data.tobytes() == b"0":
        return None
    return data.tobytes()


def header(slot: Slot) -> bytes:
    """What is before the members of a subsection."""
    name = raw(slot.name)
    version = (slot.subsection or 0).to_bytes(4, "big")
    return b"%c%c%b%b" % (SUBSECTION, len(name), name, version)


def _check_header(slot: Slot, view: memoryview, at: int) -> int:
    expected = header(slot)
    found = view[at : at + len(expected)].tobytes()
    if found != expected:
        same = found[:-4] == expected[:-4]
        version = int.from_bytes(found[-4:], "big")
        raise disagree(
            (
                f"subsection '{slot.name}' has version {version}, described as {slot.subsection}"
                if same
                else f"no subsection '{slot.name}' where the description has it"
            ),
            "",
            at,
        )
    return len(expected)


# --- back to bytes ------------------------------------------------------------------------


def encode(
    slots: Sequence[Slot],
    values: Mapping[str, Value],
    view: memoryview,
    base: int,
    canonical: bool = False,
) -> bytes:
    """The object's bytes with these values in their places.

    Bytes whose value did not change stay as they are, unless ``canonical``: then
    every byte comes from a value.  Raises BadEdit for a value that does not fit.
    """
    parts: list[bytes] = []
    taken: dict[str, int] = {}
    for slot in slots:
        value = values[slot.name]
        at = base + slot.start
        if slot.indexed or _shared(slots, slot):
            first = taken.get(slot.name, 0)
            count = 1 if slot.count is None else slot.count
            taken[slot.name] = first + count
            value = value[first] if slot.count is None else value[first : first + count]
        try:
            parts.append(_encode(slot, value, view, at, canonical))
        except BadEdit as error:
            error.path = f"{slot.name}{'.' if error.path else ''}{error.path}"
            raise
    return b"".join(parts)


def _shared(slots: Sequence[Slot], slot: Slot) -> bool:
    return sum(other.name == slot.name for other in slots) > 1


def _encode(
    slot: Slot, value: Value, view: memoryview, at: int, canonical: bool
) -> bytes:
    old = view[at : at + slot.total].tobytes()
    if not canonical and slot.slots is None and _decode(slot, view, at) == value:
        return old
    if slot.count is None:
        before = b"" if slot.subsection is None else header(slot)
        return before + _encode_one(slot, value, view, at + len(before), canonical)
    if len(value) != slot.count:
        raise BadEdit(f"{len(value)} elements, not {slot.count}", at)
    if slot.code and type(value) is array:
        swapped = array(slot.code, value)
        if _SWAP and slot.size > 1:
            swapped.byteswap()
        return swapped.tobytes()
    return b"".join(
        _encode_one(slot, item, view, at + index * slot.size, canonical)
        for index, item in enumerate(value)
    )


def _encode_one(
    slot: Slot, value: Value, view: memoryview, at: int, canonical: bool
) -> bytes:
    if slot.slots is not None:
        return encode(slot.slots, value, view, at, canonical)
    if canonical and slot.type == "unused_buffer":
        return bytes(slot.size)  # what QEMU writes, whatever it read
    if slot.type == "bool" and slot.size == 1:
        if type(value) is not bool and value not in (0, 1):
            raise BadEdit(f"{value!r} is not a truth value", at)
        return bytes([bool(value)])
    if slot.code:
        try:
            return struct.pack(f">{slot.code}", value)
        except struct.error:
            message = f"{value!r} does not fit {slot.type} of {slot.size} bytes"
            raise BadEdit(message, at) from None
    if value is None and slot.size == 1:
        return b"0"
    if isinstance(value, (bytes, bytearray)) and len(value) == slot.size:
        return bytes(value)
    raise BadEdit(f"{slot.size} bytes are needed for {slot.type}", at)


def leaves(
    slots: Sequence[Slot], base: int, prefix: str = ""
) -> Iterator[tuple[str, Slot, int]]:
    """Every field that is not an object: its path, its slot and its offset."""
    seen: dict[str, int] = {}
    for slot in slots:
        at = base + slot.start
        path = f"{prefix}.{slot.name}" if prefix else slot.name
        if slot.indexed:
            number_ = seen.get(slot.name, 0)
            seen[slot.name] = number_ + 1
            path = f"{path}[{number_}]"
        if slot.slots is None:
            yield path, slot, at
        elif slot.count is None:
            skipped = len(header(slot)) if slot.subsection is not None else 0
            yield from leaves(slot.slots, at + skipped, path)
        else:
            for index in range(slot.count):
                yield from leaves(
                    slot.slots, at + index * slot.size, f"{path}[{index}]"
                )


def place_of(slots: Sequence[Slot], base: int, offset: int) -> str:
    """The path of the field that a byte belongs to; empty if it is none's."""
    for slot in slots:
        at = base + slot.start
        if not at <= offset < at + slot.total:
            continue
        path = slot.name
        if slot.count is not None:
            index = (offset - at) // slot.size
            path, at = f"{path}[{index}]", at + index * slot.size
        if slot.slots is None:
            return path
        skipped = len(header(slot)) if slot.subsection is not None else 0
        inner = place_of(slot.slots, at + skipped, offset)
        return f"{path}.{inner}" if inner else path
    return ""
