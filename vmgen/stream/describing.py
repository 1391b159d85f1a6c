"""The entry that QEMU's description JSON has for a section, made of its table and its state.

``vmstate_save_state_v`` (``migration/vmstate.c``) writes it beside the bytes: a field that is
there has its name, its type, its size on the wire and, in an array, how many there are of it.
The table says all of that but what depends on the state: which fields are there, and how many
elements they have.  The state of the generated codec says the rest.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from vmgen import ir, wording
from vmgen.ir import evaluate
from vmgen.ir.size import of_element
from vmgen.lookup import Lookup, Placed
from vmgen.stream.codecs import is_state
from vmgen.stream.description import Node, check_depth
from vmgen.stream.held import NOTHING, HeldMembers, NotDescribed
from vmgen.stream.wire import raw

_OTHERWISE = {"uint64 equal": "int64 equal"}
"""Types of which the info has the name of a different type (``vmstate_info_uint64_equal``)."""


def described(
    lookup: Lookup, placed: Placed, state: Any, version: int
) -> tuple[Node, int]:
    """The entry of a section's body, without the section's name, and the body's bytes.

    ``state`` is what the codec of the table loads or saves in ``version``.  Raises
    NotDescribed where they do not say it all: a field of C code that vmgen does not read,
    a list of which the state has no elements.
    """
    return _Describing(lookup).object(placed, HeldMembers(state), version, 0)


class _Describing:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._compressed = cache(self._is_compressed)

    def object(
        self, placed: Placed, held: HeldMembers, version: int, depth: int
    ) -> tuple[dict[str, Any], int]:
        check_depth(depth)
        table = placed.description
        fields: list[dict[str, Any]] = []
        names = Counter(field.name for field in table.fields)
        places = Counter(field.path for field in table.fields)
        seen: Counter[str] = Counter()
        met: Counter[ir.Path] = Counter()
        total = 0
        for field in table.fields:
            name = field.name
            if names[name] > 1:
                name = f"{name}[{seen[field.name]}]"
                seen[field.name] += 1
            value = held.get(field, met[field.path], places[field.path])
            met[field.path] += 1
            if self._is_there(placed, field, held, value, version):
                entries, size = self._field(placed, field, name, held, value, depth)
                fields += entries
                total += size
        node: dict[str, Any] = {
            "vmsd_name": table.name,
            "version": version,
            "fields": fields,
        }
        parts = []
        for symbol in table.subsections:
            found = self._lookup.find(symbol, placed.module)
            if found is None or found.description.name not in held.subsections:
                continue
            name, one = found.description.name, found.description
            inner, size = self.object(
                found, HeldMembers(held.subsections[name]), one.version_id, depth + 1
            )
            parts.append(inner)
            total += 6 + len(raw(name)) + size
        if parts:
            node["subsections"] = parts
        return node, total

    def _is_there(
        self,
        placed: Placed,
        field: ir.Field,
        held: HeldMembers,
        value: Any,
        version: int,
    ) -> bool:
        """``vmstate_field_exists``."""
        if isinstance(field.element, ir.NothingElement):
            return False  # no element of it is saved: a check
        if not field.test:
            return field.version_id <= version
        if value is None:
            return False
        known = self._answer(placed, field, held, version)
        if known is not None:
            return known
        if value is NOTHING:
            raise NotDescribed(f"nothing says whether {field.name} is there")
        size = field.size
        fits = not isinstance(value, (bytes, bytearray)) or not isinstance(
            size, ir.Fixed
        )
        return fits or len(value) == size.value  # type: ignore[union-attr]

    def _answer(
        self, placed: Placed, field: ir.Field, held: HeldMembers, version: int
    ) -> bool | None:
        """What the field's test says, as far as version and state decide it."""
        function = self._lookup.functions(placed.module).get(field.test)
        if function is None or function.body is None:
            return None
        found = evaluate.evaluate(function.body, evaluate.Known(version, held.load))
        return None if found is None else bool(found)

    def _field(
        self,
        placed: Placed,
        field: ir.Field,
        name: str,
        held: HeldMembers,
        value: Any,
        depth: int,
    ) -> tuple[list[dict[str, Any]], int]:
        count = self._count(field, held, value)
        kind = wording.wire_type(field)
        kind = _OTHERWISE.get(kind, kind)
        made: dict[str, Any] = {"name": name}
        elements = [
            self._element(placed, field, held, _at(value, index, field), depth)
            for index in range(count if self._varies(placed, field) else min(count, 1))
        ]
        if not elements:
            return [], 0
        compressed = self._compressed(placed.module.file, field)
        if field.pointers:
            return _pointers(made, kind, elements, value, compressed)
        sizes = [size for _, size in elements]
        total = sum(sizes) if len(sizes) == count else sizes[0] * count
        entries = []
        if compressed or count == 1:
            if count > 1:
                made["array_len"] = count
                if any(size != sizes[0] for size in sizes):
                    raise NotDescribed(f"the elements of {name} have different sizes")
            entries.append(_entry(made, kind, *elements[0]))
            return entries, total
        for index in range(count):
            one = elements[index if len(elements) > 1 else 0]
            entries.append(_entry(made | {"index": index}, kind, *one))
        return entries, total

    def _varies(self, placed: Placed, field: ir.Field) -> bool:
        """Whether each element must be looked at."""
        return bool(field.pointers) or of_element(field) is None

    def _count(self, field: ir.Field, held: HeldMembers, value: Any) -> int:
        match field.count:
            case ir.Fixed(value=number):
                return number
            case ir.FromMember(path=path, multiply=multiply) if not _sized(value):
                return multiply * held.number(ir.path_text(path))
            case _ if _sized(value):
                return len(value)
            case _:
                raise NotDescribed(f"nothing says how many {field.name} there are")

    def _element(
        self,
        placed: Placed,
        field: ir.Field,
        held: HeldMembers,
        value: Any,
        depth: int,
    ) -> tuple[dict[str, Any], int]:
        """What the entry has besides name and type, and the element's bytes."""
        fixed = of_element(field)
        if fixed is not None:
            return {}, fixed
        match field.element:
            case ir.StructElement(info=""):
                nested = self._nested(placed, field.element.description)
                inner = nested.description.version_id
                if field.element.vstruct:
                    inner = field.struct_version_id
                if value is None and field.pointers:
                    return {}, 1
                node, size = self.object(nested, self._of(value), inner, depth + 1)
                if field.element.vstruct:
                    return node, size
                return {"struct": node}, size
            case ir.TmpElement():
                nested = self._nested(placed, field.element.description)
                inner = nested.description.version_id
                return self.object(nested, self._of(value), inner, depth + 1)
            case ir.StructElement():
                nested = self._nested(placed, field.element.description)
                inner = nested.description.version_id
                _, size = self.object(nested, self._of(value), inner, depth + 1)
                return {}, size
            case ir.BufferElement() | ir.UnusedElement():
                return {}, self._length(field, held, value)
            case ir.BitmapElement():
                if _sized(value) and not isinstance(value, (bytes, bytearray)):
                    return {}, 8 * len(value)
                raise NotDescribed(f"nothing says how many bits {field.name} has")
            case ir.ListElement(kind="qtailq" | "qlist", description=symbol):
                nested = self._nested(placed, symbol)
                inner = nested.description.version_id
                if not isinstance(value, list):
                    raise NotDescribed(f"{field.name} is no list of the state")
                sizes = [
                    self.object(nested, HeldMembers(one), inner, depth + 1)[1] + 1
                    for one in value
                ]
                return {}, sum(sizes) + 1
            case _:
                raise NotDescribed(f"nothing says how many bytes {field.name} has")

    def _length(self, field: ir.Field, held: HeldMembers, value: Any) -> int:
        if isinstance(value, (bytes, bytearray)):
            return len(value)
        if isinstance(field.size, ir.FromMember):
            return field.size.multiply * held.number(ir.path_text(field.size.path))
        raise NotDescribed(f"nothing says how many bytes {field.name} has")

    def _of(self, value: Any) -> HeldMembers:
        if not is_state(value):
            raise NotDescribed("the state has no such object")
        return HeldMembers(value)

    def _nested(self, placed: Placed, symbol: str) -> Placed:
        found = self._lookup.find(symbol, placed.module)
        if found is None:
            raise NotDescribed(f"{symbol} is not in the program")
        return found

    def _is_compressed(self, file: str, field: ir.Field) -> bool:
        """``vmsd_can_compress``: an array is described once if its elements are alike."""
        if field.test:
            return False
        if isinstance(field.element, ir.StructElement) and not field.element.info:
            if field.element.vstruct:
                return True
            module = next(
                one for one in self._lookup.program.modules if one.file == file
            )
            nested = self._lookup.find(field.element.description, module)
            if nested is None or nested.description.subsections:
                return False
            inner = nested.module.file
            return all(
                self._compressed(inner, one) for one in nested.description.fields
            )
        return True


def _sized(value: Any) -> bool:
    return isinstance(value, (array, list, tuple, bytes, bytearray))


def _at(value: Any, index: int, field: ir.Field) -> Any:
    """One element of a field's value."""
    if not isinstance(value, list) or isinstance(field.element, ir.ListElement):
        return value
    return value[index] if index < len(value) else None


def _entry(
    made: Mapping[str, Any], kind: str, more: Mapping[str, Any], size: int
) -> dict[str, Any]:
    return {**made, "type": kind, **more, "size": size}


def _pointers(
    made: dict[str, Any],
    kind: str,
    elements: Sequence[tuple[dict[str, Any], int]],
    value: Any,
    compressed: bool,
) -> tuple[list[dict[str, Any]], int]:
    """An array of pointers: runs of those that are NULL, and of those that are not."""
    entries: list[dict[str, Any]] = []
    values: Iterable[Any] = (
        value if isinstance(value, list) else [value] * len(elements)
    )
    nulls = [one is None for one in values]
    index = 0
    while index < len(elements):
        end = index + 1
        while end < len(elements) and nulls[end] == nulls[index]:
            end += 1
        run = elements[index:end]
        alike = all(size == run[0][1] for _, size in run)
        what = "nullptr" if nulls[index] else kind
        if compressed and alike:
            extra = {"array_len": len(run)} if len(run) > 1 else {}
            entries.append(_entry(made | extra, what, *run[0]))
        else:
            for at, one in enumerate(run, index):
                entries.append(_entry(made | {"index": at}, what, *one))
        index = end
    return entries, sum(size for _, size in elements)
