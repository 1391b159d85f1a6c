"""What a machine compares with its own inside of a device's own format.

A stream's description shows such a format (virtio's transport, its queues) as one field of
so many bytes.  Codecs see inside: the same values of a stream and of one that the machine
itself saved are laid side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from vmgen import ir
from vmgen.lookup import Lookup, Placed
from vmgen.stream import tables
from vmgen.stream.answers import without_lengths
from vmgen.stream.codec import Codec
from vmgen.stream.codecs import Codecs, field, is_state, members
from vmgen.stream.description import Device, Node
from vmgen.stream.errors import Refused, StreamError
from vmgen.stream.parts import Section
from vmgen.stream.stream import Stream

PCI_CONFIG = "vmstate_info_pci_config"

Check = Literal["equal", "le", "pci config", "beside"]
"""``beside`` are elements of an array with a field that a function decides which reads
the object around its own (``container_of``): QEMU gives it each element, and means the
first.  The values are how many have the field.
"""

_DEEPEST = 16
"""So many objects inside of each other are looked at; QEMU has seven."""


class Compared(NamedTuple):
    """A value that QEMU compares with the device's own, on both sides."""

    path: str
    check: Check
    theirs: Any
    ours: Any


def compared(
    codecs: Codecs, stream: Stream, section: Section, own: Stream, known: Section
) -> Iterator[Compared] | None:
    """The compared values of a section, in its order; None where the codec's tables lack,
    or where one of the two cannot be read."""
    with_tables = tables.of(codecs)
    device = section.device or known.device
    try:
        codec = codecs.get(section.name, None if device is None else device.node)
    except Refused:  # several devices of one name, which is said where it is judged
        return None
    if codec is None:  # which is said there, too
        return iter(())
    placed = None if with_tables is None else with_tables.table(codec)
    if with_tables is None or placed is None:
        return None
    states = []
    for one, part in ((stream, section), (own, known)):
        state = state_of(codecs, codec, one, part, part.device or device)
        if state is None:  # which is explained where the section is judged
            return None
        states.append(state)
    return _Pairs(with_tables.lookup).of(placed, states[0], states[1], "", "", 0)


def state_of(
    codecs: Codecs, codec: Codec, stream: Stream, part: Section, device: Device | None
) -> Any:
    """The state of a section that is read to its end; None if it cannot be."""
    nodes: tuple[Node | None, ...] = (None,)
    if device is not None:
        nodes = (device.node, without_lengths(device.node))
    view, at = stream.view[: part.end], part.start
    for node in nodes:
        try:
            state, end = codecs.load(codec, view, at, part.version_id, part.path, node)
        except StreamError:
            continue
        if end == part.end:
            return state
    return None


class _Pairs:
    """Two states of one class, and the tables of its objects."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    def of(
        self, placed: Placed, theirs: Any, ours: Any, prefix: str, path: str, depth: int
    ) -> Iterator[Compared]:
        """``prefix`` is the path from the table's object to the two states, ``path`` that
        from the section's."""
        if depth > _DEEPEST or type(theirs) is not type(ours):
            return
        for name in members(theirs):
            about = field(theirs, name)
            one, two = getattr(theirs, name), getattr(ours, name)
            if about is None or one is None or two is None:
                continue
            where = f"{path}.{name}" if path else name
            found = [
                item
                for item in placed.description.fields
                if (ir.path_text(item.path) or item.name) == about.path
            ]
            check = next((rule for item in found if (rule := _check(item))), None)
            if is_state(one):
                inner = self._inner(placed, found)
                to = (placed, about.path) if inner is None else (inner, "")
                yield from self.of(to[0], one, two, to[1], where, depth + 1)
            elif isinstance(one, list) and isinstance(two, list):
                inner = self._inner(placed, found)
                if inner is not None:
                    yield from self._beside(inner, one, two, where)
                for at, (left, right) in enumerate(zip(one, two, strict=False)):
                    if inner is not None and is_state(left):
                        yield from self.of(
                            inner, left, right, "", f"{where}[{at}]", depth + 1
                        )
            elif check is not None:
                yield Compared(where, check, one, two)

    def _beside(
        self, placed: Placed, theirs: list[Any], ours: list[Any], where: str
    ) -> Iterator[Compared]:
        functions = self._lookup.functions(placed.module)
        around = {
            ir.path_text(item.path)
            for item in placed.description.fields
            if item.test in functions and functions[item.test].container
        }
        if around and len(theirs) > 1 and len(theirs) == len(ours):
            counts = (sum(_has(one, around) for one in side) for side in (theirs, ours))
            yield Compared(where, "beside", *counts)

    def _inner(self, placed: Placed, fields: list[ir.Field]) -> Placed | None:
        for item in fields:
            if isinstance(item.element, (ir.StructElement, ir.TmpElement)):
                return self._lookup.find(item.element.description, placed.module)
        return None


def _has(state: Any, paths: set[str]) -> int:
    """How many of the members with these C paths a state has."""
    count = 0
    for name in members(state):
        value, about = getattr(state, name), field(state, name)
        if is_state(value):
            count += _has(value, paths)
        elif about is not None and value is not None:
            count += about.path in paths
    return count


def _check(field: ir.Field) -> Check | None:
    match field.element:
        case ir.IntegerElement(check="equal"):
            return "equal"
        case ir.IntegerElement(check="le"):
            return "le"
        case ir.BufferElement(info=info) if info == PCI_CONFIG:
            return "pci config"
        case _:
            return None
