"""Random sections of a program, as its QEMU could have saved them.

Members that count are small, conditions are computed from what was drawn, and what the
bytes leave open is drawn too and kept as the answers of a context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import assert_never

from vmgen import ir, wording
from vmgen.ir.evaluate import Known, convert, evaluate
from vmgen.ir.size import of_element as size_of_element
from vmgen.ir.types import WIDTHS
from vmgen.lookup import Lookup, Placed
from vmgen.verdict import conditions
from vmgen.verdict.conditions import members

SUBSECTION = 0x05
NULL_MARKER = 0x30
ELEMENT_MARKER = 0x31

DEEPEST = 40
"""How deep objects are drawn inside of each other."""


class Unsaved(Exception):
    """A draw that came to nothing; ``why`` says what stood in the way."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class CodeKnows(Unsaved):
    """Bytes that only C code, or a codec written by hand, can make."""


@dataclass
class Sample:
    """One random section: its bytes, what was drawn besides, and its subsections.

    ``likely`` are values that members have more often than others, by their C path from
    the section's object: those that a condition depends on.
    """

    lookup: Lookup
    chance: Random
    likely: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    data: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._memory: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._depth = 0

    def draw(self, placed: Placed) -> bytes:
        """The bytes of one object with all its subsections.

        Raises :class:`Unsaved` where C code decides that vmgen does not know.
        """
        self._object(placed, placed.description.version_id, "")
        return bytes(self.data)

    def refused(self, lookup: Lookup, placed: Placed, prefix: str = "") -> str:
        """The function of a description, or of one inside of it, that rejects what was
        drawn, in the words of its translation; empty if none does, or if it asks for what
        was not drawn.  Elements of arrays and lists are not looked at."""
        description = placed.description
        if prefix.count(".") > DEEPEST:
            return ""
        for hook in description.hooks:
            for refusal in hook.refusals:
                condition = refusal.condition
                if condition is None:
                    continue
                paths = {conditions.joined(prefix, path) for path in members(condition)}
                if not paths <= set(self._memory) or (
                    paths and not hook.role.startswith("post_load")
                ):
                    continue
                version = description.version_id
                if self._value(condition, description.type, version, prefix):
                    return hook.symbol
        for item in description.fields:
            if isinstance(item.element, ir.StructElement) and not item.array:
                inner = lookup.find(item.element.description, placed.module)
                below = f"{prefix}{ir.path_text(item.path)}."
                if inner is not None and (found := self.refused(lookup, inner, below)):
                    return found
        for symbol in description.subsections:
            sub = lookup.find(symbol, placed.module)
            if (
                sub is not None
                and sub.description.name in self.sent
                and (found := self.refused(lookup, sub, prefix))
            ):
                return found
        return ""

    # --- objects

    def _object(self, placed: Placed, version: int, prefix: str) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unsaved("nested too deeply")
        description = placed.description
        for item in description.fields:
            for amount in (item.count, item.size):
                if isinstance(amount, ir.FromMember):
                    path = conditions.joined(prefix, ir.path_text(amount.path))
                    room = _room(item) // max(amount.multiply, 1)
                    self._counts[path] = min(self._counts.get(path, 4), room)
        for item in description.fields:
            if self._exists(item, placed, version, prefix):
                self._field(item, placed, version, prefix)
        for symbol in description.subsections:
            sub = self._find(symbol, placed)
            if not self._needed(sub, prefix):
                continue
            name = sub.description.name.encode()
            own = sub.description.version_id
            self.sent.append(sub.description.name)
            self.data += bytes([SUBSECTION, len(name)]) + name + own.to_bytes(4, "big")
            self._object(sub, own, prefix)
        self._depth -= 1

    def _needed(self, sub: Placed, prefix: str) -> bool:
        if not sub.description.needed:
            return True
        version = sub.description.version_id
        return bool(self._call(sub.description.needed, sub, version, prefix))

    def _exists(
        self, item: ir.Field, placed: Placed, version: int, prefix: str
    ) -> bool:
        if isinstance(item.element, ir.NothingElement):
            return False
        if not item.test:
            return item.version_id <= version
        return bool(self._call(item.test, placed, version, prefix))

    def _find(self, symbol: str, placed: Placed) -> Placed:
        found = self.lookup.find(symbol, placed.module)
        if found is None:
            raise Unsaved(f"{symbol} is not known")
        return found

    # --- fields

    def _field(self, item: ir.Field, placed: Placed, version: int, prefix: str) -> None:
        path = ir.path_text(item.path) or f"<{item.name}>"
        for number in range(self._amount(item.count, placed, prefix)):
            self._element(
                item, placed, prefix, prefix + path + _subscripts(item, number)
            )

    def _element(self, item: ir.Field, placed: Placed, prefix: str, key: str) -> None:
        element = item.element
        owner = placed.description.type
        if item.pointers:
            # A context answers once for a member, in whichever element its object is.
            there = self.members.setdefault(
                f"{owner}.{key.removeprefix(prefix)}", int(self.chance.random() < 0.7)
            )
            if not there:
                self.data.append(NULL_MARKER)
                return
            if item.pointers == "every":
                self.data.append(ELEMENT_MARKER)
        match element:
            case ir.IntegerElement(kind, check):
                value = self._integer(kind, key, owner, prefix)
                if check:
                    value = self.members.setdefault(
                        f"{owner}.{key.removeprefix(prefix)}", abs(value) & 0x7F
                    )
                    self._memory[key] = value
                self._put(value, WIDTHS[kind])
            case ir.TimerElement():
                self._put(self._number(64), 8)
            case ir.BufferElement():
                size = self._amount(item.size, placed, prefix)
                self.data += self.chance.randbytes(size)
            case ir.UnusedElement():
                self.data += bytes(self._amount(item.size, placed, prefix))
            case ir.BitmapElement():
                bits = self._amount(item.size, placed, prefix)
                for _ in range((bits + 63) // 64):
                    self._put(self._number(64), 8)
            case ir.StructElement(symbol, vstruct=vstruct):
                inner = self._find(symbol, placed)
                own = inner.description.version_id
                self._object(
                    inner, item.struct_version_id if vstruct else own, f"{key}."
                )
            case ir.TmpElement(symbol):
                inner = self._find(symbol, placed)
                self._object(inner, inner.description.version_id, f"{key}.")
            case ir.ListElement("sentinel", symbol):
                first = self._find(symbol, placed).description.fields[0]
                self.data += bytes(size_of_element(first) or 0)
            case ir.ListElement(_, symbol):
                inner = self._find(symbol, placed)
                for number in range(self.chance.randrange(3)):
                    self.data.append(1)
                    self._object(
                        inner, inner.description.version_id, f"{key}[{number}]."
                    )
                self.data.append(0)
            case ir.GTreeElement():
                self._tree(element, placed, key)
            case ir.WordsElement(words=words):
                for word in words:
                    where = f"{key}.{word.member}" if word.member else key
                    self._put(
                        self._integer(word.type, where, owner, prefix),
                        WIDTHS[word.type],
                    )
            case ir.NothingElement() | ir.CustomElement():
                raise CodeKnows(f"{item.name}: bytes that only C code knows")
            case _:
                assert_never(element)

    def _tree(self, element: ir.GTreeElement, placed: Placed, key: str) -> None:
        value = self._find(element.value, placed)
        total = self.chance.randrange(3)
        self._put(total, 4)
        for number in range(total):
            self.data.append(1)
            if element.key:
                first = self._find(element.key, placed)
                self._object(
                    first, first.description.version_id, f"{key}[{number}].key."
                )
            else:
                self._put(number, 8)
            self._object(value, value.description.version_id, f"{key}[{number}].value.")
        self.data.append(0)

    # --- numbers

    def _put(self, value: int, width: int) -> None:
        self.data += (value % (1 << 8 * width)).to_bytes(width, "big")

    def _number(self, bits: int, path: str = "") -> int:
        likely = self.likely.get(path, ())
        if likely and self.chance.randrange(2):
            return self.chance.choice(likely)
        choice = self.chance.randrange(6)
        if choice < 2:
            return self.chance.randrange(4)
        if choice == 2:
            return (1 << bits) - 1
        return self.chance.getrandbits(bits)

    def _integer(self, kind: ir.IntType, key: str, owner: str, prefix: str) -> int:
        plain = conditions.joined("", key)
        asked = self.members.get(f"{owner}.{key.removeprefix(prefix)}")
        if plain in self._counts:
            value = (
                asked
                if asked is not None
                else self.chance.randint(0, max(0, self._counts[plain]))
            )
        elif asked is not None:
            value = asked
        else:
            value = self._number(8 * WIDTHS[kind], plain)
        value = convert(value, kind)
        self._memory[plain] = value
        return value

    def _amount(self, amount: ir.Amount, placed: Placed, prefix: str) -> int:
        match amount:
            case ir.Fixed(value):
                return value
            case ir.FromMember(steps, kind, multiply):
                path = ir.path_text(steps)
                value = self._member(path, placed.description.type, prefix, counts=True)
                total = convert(value, kind) * multiply
            case ir.Computed(expr):
                total = self._value(expr, placed.description.type, 0, prefix)
            case _:
                assert_never(amount)
        if not 0 <= total <= 4096:
            raise Unsaved(f"{wording.amount(amount)} counts {total}")
        return total

    def _member(
        self, path: str, owner: str, prefix: str, *, counts: bool = False
    ) -> int:
        full = conditions.joined(prefix, path)
        if full in self._memory:
            return self._memory[full]
        key = f"{owner}.{path}"
        if key not in self.members:
            small = counts or full in self._counts
            bound = self._counts.get(full, 4)
            self.members[key] = (
                self.chance.randint(0, max(0, bound))
                if small
                else self._number(8, full)
            )
        return self.members[key]

    # --- conditions

    def _call(self, symbol: str, placed: Placed, version: int, prefix: str) -> int:
        function = self.lookup.functions(placed.module).get(symbol)
        if function is None or function.body is None:
            return self._answer(symbol)
        owner = placed.description.type
        return self._value(function.body, owner, version, prefix)

    def _answer(self, name: str) -> int:
        return self.functions.setdefault(name, self.chance.randrange(2))

    def _value(self, value: ir.Expr, owner: str, version: int, prefix: str) -> int:
        def member(path: str, kind: ir.IntType) -> int:
            return convert(self._member(path, owner, prefix), kind)

        found = evaluate(value, Known(version, member, self._answer))
        if found is None:
            raise Unsaved("an undefined value in a condition")
        return found


def _room(item: ir.Field) -> int:
    """How many elements the member has room for; 4 where nothing says."""
    if not item.path or item.pointer or not item.array:
        return 4
    last = item.path[-1]
    rest = last.dims[len(last.index) :]
    total = 1
    for extent in rest:
        total *= extent
    return min(4, total - item.start) if rest and total else 4


def _subscripts(item: ir.Field, number: int) -> str:
    if not item.array:
        return ""
    position = item.start + number
    rest: tuple[int, ...] = ()
    if item.path:
        last = item.path[-1]
        rest = last.dims[len(last.index) :]
    found = []
    for extent in reversed(rest[1:]):
        position, remainder = divmod(position, extent)
        found.append(remainder)
    found.append(position)
    return "".join(f"[{at}]" for at in reversed(found))
