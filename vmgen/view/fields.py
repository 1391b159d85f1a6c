"""The fields of a section as a tree, each with its bytes.

The stream's description says where each field is (:mod:`vmgen.stream.described`); the tables
of the codecs, where there are some, say what it is in C.  Without a description the codec's
values are shown, without places.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

from vmgen import ir, wording
from vmgen.ir.size import of_element
from vmgen.lookup import Lookup, Placed
from vmgen.stream import described, paths, tables
from vmgen.stream.codecs import field as schema_of
from vmgen.stream.codecs import is_state, members, plain
from vmgen.stream.described import Slot
from vmgen.stream.errors import StreamError
from vmgen.stream.parts import Section
from vmgen.stream.show import formatted
from vmgen.stream.stream import Stream
from vmgen.stream.wire import printable
from vmgen.view.model import FieldNode

WIDEST = 160
"""Characters of a value that a page has; the bytes are all there."""


class Room:
    """How many nodes a page still has room for: a stream of a stranger may have any number."""

    def __init__(self, nodes: int) -> None:
        self.left = nodes

    def take(self) -> bool:
        """Whether there is room for one more."""
        self.left -= 1
        return self.left >= 0


class FieldTrees:
    """The trees of one stream's sections."""

    def __init__(self, stream: Stream, room: Room) -> None:
        self._stream = stream
        self._room = room
        known = None if stream.codecs is None else tables.of(stream.codecs)
        self._tables = known
        self._lookup = Lookup(ir.Program("", "", ())) if known is None else known.lookup

    def of(self, section: Section) -> tuple[list[FieldNode], str]:
        """The fields of a section's body, and why some are missing (empty: none is)."""
        stream = self._stream
        placed = None
        state: Any = None
        note = ""
        if section.codec is not None:
            placed = self._tables.table(section.codec) if self._tables else None
            state = stream.state(section)
        if section.device is not None and section.means not in ("footer", "old-style"):
            try:
                slots = stream.layout(section)
                nodes = list(
                    self._slots(slots, section.start, placed, state, section.path)
                )
                return nodes, self._cut()
            except StreamError as error:
                note = f"the description does not fit: {error.message}"
        values = state if state is not None else _events(stream, section)
        nodes = list(self._values(values, section.path))
        if nodes and not note:
            note = "the stream does not describe this section: values without places"
        if not nodes and not note:
            note = "nothing says what these bytes are"
        return nodes, self._cut() or note

    def _cut(self) -> str:
        return "the page has no room for all fields" if self._room.left < 0 else ""

    # --- by the description -----------------------------------------------------------

    def _slots(
        self,
        slots: Sequence[Slot],
        base: int,
        placed: Placed | None,
        state: Any,
        prefix: str,
    ) -> Iterator[FieldNode]:
        seen: dict[str, int] = {}
        for slot in slots:
            if not self._room.take():
                return
            name = printable(slot.name)
            if slot.indexed:
                number = seen.get(slot.name, 0)
                seen[slot.name] = number + 1
                name = f"{name}[{number}]"
            else:
                number = -1
            path = paths.joined(prefix, name)
            field = None if placed is None else _field(placed, slot)
            held = None if field is None else _held(state, ir.path_text(field.path))
            if number >= 0 and isinstance(held, (list, array)):
                held = held[number] if number < len(held) else None
            inner = self._inner(placed, field, slot)
            if slot.subsection is not None:
                held = _subsection(state, slot.name)
            node = FieldNode(
                name, printable(slot.type), path, base + slot.start, slot.total
            )
            _say_c(node, field, placed)
            if slot.slots is not None:
                self._object(node, slot, inner, held)
            else:
                self._leaf(node, slot, base, held)
            yield node

    def _object(
        self, node: FieldNode, slot: Slot, inner: Placed | None, held: Any
    ) -> None:
        assert slot.slots is not None
        assert node.offset is not None
        at = node.offset
        if slot.count is None:
            if slot.subsection is not None:
                at += len(described.header(slot))
                node.value = f"version {slot.subsection}"
            node.nodes += self._slots(slot.slots, at, inner, held, node.path)
            return
        node.value = f"{slot.count} elements"
        for index in range(slot.count):
            if not self._room.take():
                return
            one = held[index] if isinstance(held, list) and index < len(held) else None
            place = at + index * slot.size
            path = f"{node.path}[{index}]"
            element = FieldNode(f"[{index}]", node.type, path, place, slot.size)
            element.nodes += self._slots(slot.slots, place, inner, one, path)
            node.nodes.append(element)

    def _leaf(self, node: FieldNode, slot: Slot, base: int, held: Any) -> None:
        value = described.decode((slot,), self._stream.view, base)[slot.name]
        if slot.indexed:
            (value,) = value
        node.value = _short(value)
        if slot.count is not None and slot.type != "unused_buffer":
            node.code = "?" if slot.type == "bool" else slot.code
            node.count = slot.count if node.code else 0
        if isinstance(value, bytes) and (is_state(held) or isinstance(held, list)):
            node.nodes += self._values(held, node.path)

    def _inner(
        self, placed: Placed | None, field: ir.Field | None, slot: Slot
    ) -> Placed | None:
        """The table of what is inside of a field, or of a subsection."""
        if placed is None:
            return None
        if slot.subsection is not None:
            for symbol in placed.description.subsections:
                found = self._lookup.find(symbol, placed.module)
                if found is not None and found.description.name == slot.name:
                    return found
            return None
        if field is not None and isinstance(
            field.element, ir.StructElement | ir.TmpElement
        ):
            return self._lookup.find(field.element.description, placed.module)
        return None

    # --- by the codec's values --------------------------------------------------------

    def _values(self, value: Any, prefix: str) -> Iterator[FieldNode]:
        for name, item in _items(value):
            if not self._room.take():
                return
            path = paths.joined(prefix, name)
            label = f"[{name}]" if isinstance(name, int) else printable(name)
            node = FieldNode(label, "", path, None, 0)
            schema = schema_of(value, str(name)) if is_state(value) else None
            if schema is not None:
                if item is None and schema.type == "subsection":
                    continue
                node.type, node.member = printable(schema.type), printable(schema.path)
                if schema.line:
                    node.place = printable(f"{schema.file}:{schema.line}")
            inner = list(self._values(item, path)) if _is_deep(item) else []
            node.nodes += inner
            if not inner:
                node.value = _short(plain(item))
            yield node


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    if is_state(value):
        yield from ((name, getattr(value, name)) for name in members(value))
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)


def _is_deep(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_is_deep(one) or isinstance(one, (bytes, array)) for one in value)
    return is_state(value) or isinstance(value, dict)


def _events(stream: Stream, section: Section) -> Any:
    return stream.events(section) if section.means == "old-style" else None


def _short(value: Any) -> str:
    text = formatted(value)
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}…"


# --- what it is in C --------------------------------------------------------------------


def _field(placed: Placed, slot: Slot) -> ir.Field | None:
    """The field of the table that a name of the description means, of several with the
    name one of its size."""
    fields = placed.description.fields
    named = [one for one in fields if one.name == slot.name]
    if not named and slot.name.endswith("]"):
        stem = slot.name.rpartition("[")[0]
        named = [one for one in fields if one.name == stem]
    fit = [one for one in named if of_element(one) in (None, slot.size)]
    return next(iter(fit or named), None)


def _say_c(node: FieldNode, field: ir.Field | None, placed: Placed | None) -> None:
    if field is None or placed is None:
        return
    position = field.position
    node.member = printable(ir.path_text(field.path))
    node.c_type = printable(wording.c_type(field))
    if position.line:
        node.place = printable(f"{position.file or placed.module.file}:{position.line}")


def _held(state: Any, path: str) -> Any:
    """What a codec's state has at a C path; None where it has nothing there."""
    if state is None or not path:
        return None
    steps = paths.resolve(state, path)
    for step in steps or ():
        state = paths.at(state, step)
    return None if steps is None else state


def _subsection(state: Any, name: str) -> Any:
    """What a state has of the subsection with this name on the wire."""
    if not is_state(state):
        return None
    for member in members(state):
        schema = schema_of(state, member)
        if schema is not None and schema.type == "subsection" and schema.path == name:
            return getattr(state, member)
    return None
