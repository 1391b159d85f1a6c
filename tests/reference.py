"""A reference interpreter of the IR: slow, obvious, and independent of the generator.

It walks the tables at run time, the way ``vmstate_load_state`` and
``vmstate_save_state_v`` of ``migration/vmstate.c`` do, and shares no code with ``lower``
or ``render``.  Generated code must agree with it on every byte.

Values are a flat, ordered mapping from text to what was on the wire:

====================  ================================================================
``env.gpr[10]``       an integer (bools as 0 or 1), by its C path and C indices
``buf``               ``bytes`` for buffers, from the first byte that is on the wire
``map[1]``            the second be64 word of a bitmap
``seg.limit``         one word of an info that has several; ``.word0`` if it is unnamed
``<cpsr>``            a field without a C path, by its wire name (``<tmp>.x`` inside it)
``list[]``            the number of elements of a varray, a list or a tree
``tree[0].key``       a tree's key, ``tree[0].value.x`` its value
``{cpu/pmp}``         the version of the subsection that is there, None when it is not
``{cpu/pmp}env.x``    a field of that subsection
``x``                 None when a field is not there, ``x[2]`` None for a NULL pointer
====================  ================================================================

The C object behind the values is one memory: ``{cpu/pmp}env.x`` and ``env.x`` are the
same member there, and the last one loaded wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from vmgen import ir
from vmgen.ir.size import of_element as size_of_element

Value: TypeAlias = int | bytes | None
Values: TypeAlias = dict[str, Value]

Kind = Literal[
    "truncated",
    "too old",
    "too new",
    "unknown subsection",
    "bad value",
    "missing context",
    "undefined",
]

NULL_MARKER = 0x30
SUBSECTION = 0x05

WIDTH: dict[ir.IntType, int] = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2,
    "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
}  # fmt: skip


class Refused(Exception):
    """The bytes (or the values) are not acceptable.

    ``kind`` says why; ``undefined`` is where QEMU's C has no defined result (a count
    larger than its array), so that any error or any result of ours is as good.
    ``needs`` names the member or function of a missing context.
    """

    def __init__(self, kind: Kind, path: str, offset: int, needs: str = "") -> None:
        super().__init__(
            f"{kind} at {path or '(top)'}, offset {offset} {needs}".rstrip()
        )
        self.kind = kind
        self.path = path
        self.offset = offset
        self.needs = needs


@dataclass(frozen=True)
class Answers:
    """What the wire does not hold.

    ``members`` are C members by ``Type.path`` or ``path``, from the object of the
    description that needs them (a pointer is 0 for NULL), ``functions`` answer hooks and
    :class:`vmgen.ir.Ask` by C symbol.
    """

    members: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, int] = field(default_factory=dict)

    def member(self, owner: str, path: str) -> int | None:
        found = self.members.get(f"{owner}.{path}")
        return self.members.get(path) if found is None else found


NO_ANSWERS = Answers()


def to_type(value: int, type_: ir.IntType) -> int:
    """C's conversion to an integer type."""
    if type_ == "bool":
        return int(value != 0)
    bits = 8 * WIDTH[type_]
    value %= 1 << bits
    if type_.startswith("int") and value >= 1 << (bits - 1):
        value -= 1 << bits
    return value


def as_memory(key: str) -> str:
    """The C path behind a key: subsections are views of the same object."""
    return re.sub(r"\{[^}]*\}", "", key)


# --- where elements come from -------------------------------------------------------


class Wire:
    """Bytes being read: every method says what QEMU's ``get`` functions would see."""

    def __init__(self, data: bytes, pos: int) -> None:
        self.data = data
        self.pos = pos

    def take(self, count: int, path: str) -> bytes:
        if self.pos + count > len(self.data):
            raise Refused("truncated", path, self.pos)
        self.pos += count
        return self.data[self.pos - count : self.pos]

    def integer(self, type_: ir.IntType, path: str) -> int:
        raw = self.take(WIDTH[type_], path)
        return to_type(int.from_bytes(raw, "big"), type_)

    def more(self, path: str) -> bool:
        """The byte in front of every list element, 0 after the last."""
        return self.take(1, path) != b"\0"

    def positive(self, first: ir.Field, path: str) -> bool:
        """Whether an element follows: its first word is positive.  One that is not is the
        end, and is taken."""
        assert isinstance(first.element, ir.IntegerElement)
        pos = self.pos
        goes_on = self.integer(first.element.type, path) > 0
        if goes_on:
            self.pos = pos
        return goes_on

    def tree_size(self, path: str) -> int:
        return self.integer("int32", path)

    def is_null(self, path: str, known: int | None, needs: str) -> bool:
        """Whether the next element of an array of pointers is NULL.

        A valid element has no marker of its own: only the marker's byte can be a NULL,
        and then only the destination's pointer, ``known``, tells.
        """
        if self.pos >= len(self.data):
            raise Refused("truncated", path, self.pos)
        if self.data[self.pos] != NULL_MARKER:
            return False
        if known is None:
            raise Refused("missing context", path, self.pos, needs)
        self.pos += 1 - bool(known)
        return not known

    def subsection(
        self, owner: str, known: Mapping[str, str], path: str
    ) -> tuple[str, int] | None:
        """``vmstate_subsection_load``'s look ahead: the symbol and version of a
        subsection that starts here, or None where none does."""
        data, pos = self.data, self.pos
        if data[pos : pos + 1] != bytes([SUBSECTION]):
            return None
        length = data[pos + 1] if pos + 1 < len(data) else 0
        prefix = owner.encode()
        if length < len(prefix) + 1 or pos + 2 + length > len(data):
            return None
        name = data[pos + 2 : pos + 2 + length]
        if not name.startswith(prefix):
            return None
        if 0 in name:
            # The C compares up to the NUL; whoever writes such a name is not QEMU.
            raise Refused("undefined", path, pos)
        symbol = known.get(name.decode("latin-1"))
        if symbol is None:
            raise Refused("unknown subsection", path, pos)
        self.pos = pos + 2 + length
        version = self.integer("uint32", path)
        if version > 0xFF:
            # The C keeps it in a uint8_t and would take 0x101 for 1.
            raise Refused("undefined", path, pos)
        return symbol, version


class Sink:
    """Bytes being written."""

    def __init__(self) -> None:
        self.data = bytearray()

    def integer(self, value: int, type_: ir.IntType) -> None:
        self.data += (value % (1 << 8 * WIDTH[type_])).to_bytes(WIDTH[type_], "big")


# --- names of things ----------------------------------------------------------------


def find_description(
    program: ir.Program, symbol: str, file: str = ""
) -> ir.Description:
    """The description of that symbol: the module's own first, then the non-static ones."""
    for module in program.modules:
        if module.file == file:
            for description in module.descriptions:
                if description.symbol == symbol:
                    return description
    for module in program.modules:
        for description in module.descriptions:
            if description.symbol == symbol and (not description.static or not file):
                return description
    raise KeyError(symbol)


def file_of(program: ir.Program, wanted: ir.Description) -> str:
    for module in program.modules:
        if any(description is wanted for description in module.descriptions):
            return module.file
    raise KeyError(wanted.symbol)


def find_function(program: ir.Program, symbol: str, file: str) -> ir.Function | None:
    modules = sorted(program.modules, key=lambda module: module.file != file)
    for module in modules:
        for function in module.functions:
            if function.symbol == symbol:
                return function
    return None


def field_key(field_: ir.Field) -> str:
    """What the field is called below its object."""
    return ir.path_text(field_.path) or f"<{field_.name}>"


def element_key(field_: ir.Field, number: int) -> str:
    """The key of the ``number``-th element on the wire, with the subscripts of C."""
    base = field_key(field_)
    if not field_.array:
        return base
    position = field_.start + number
    rest: tuple[int, ...] = ()
    if field_.path:
        last = field_.path[-1]
        rest = last.dims[len(last.index) :]
    subscripts = []
    for extent in reversed(rest[1:]):
        position, remainder = divmod(position, extent)
        subscripts.append(remainder)
    subscripts.append(position)
    return base + "".join(f"[{subscript}]" for subscript in reversed(subscripts))


def capacity(field_: ir.Field) -> int | None:
    """How many elements the C array has room for from ``start`` on, if it is one."""
    if not field_.path or not field_.array:
        return None
    last = field_.path[-1]
    rest = last.dims[len(last.index) :]
    if field_.pointer or not rest or 0 in rest:
        return None
    total = 1
    for extent in rest:
        total *= extent
    return total - field_.start


def holds_value(field_: ir.Field, this: ir.Description) -> bool:
    """Whether any version of the description has a value for the field on the wire."""
    if isinstance(field_.element, ir.UnusedElement | ir.NothingElement):
        return False
    return bool(field_.test) or field_.version_id <= this.version_id


def word_key(base: str, element: ir.WordsElement, number: int) -> str:
    if len(element.words) == 1:
        return base
    return f"{base}.{element.words[number].member or f'word{number}'}"


# --- one walk over an object --------------------------------------------------------


@dataclass
class Walk:
    """What loading and saving share: the tables, the values and the C memory."""

    program: ir.Program
    answers: Answers
    values: Values
    memory: dict[str, int] = field(default_factory=dict)
    offset: Callable[[], int] = lambda: 0

    def put(self, key: str, value: Value) -> None:
        self.values[key] = value
        if isinstance(value, int):
            self.memory[as_memory(key)] = value

    def member(self, owner: str, prefix: str, path: str, what: str) -> int:
        """An integer member of the ``owner`` at ``prefix``: as loaded, else as answered."""
        key = as_memory(prefix + path)
        # ``parent`` of a VMSTATE_WITH_TMP temporary points at the enclosing object.
        key = re.sub(r"<[^>]*>\.parent\.", "", key)
        if key in self.memory:
            return self.memory[key]
        answer = self.answers.member(owner, path)
        if answer is None:
            raise Refused("missing context", what, self.offset(), f"{owner}.{path}")
        return answer

    def call(
        self, symbol: str, file: str, owner: str, prefix: str, version: int, what: str
    ) -> int:
        function = find_function(self.program, symbol, file)
        if function is None or function.body is None:
            if symbol in self.answers.functions:
                return self.answers.functions[symbol]
            raise Refused("missing context", what, self.offset(), symbol)
        return self.evaluate(function.body, owner, prefix, version, {}, what)

    def evaluate(
        self,
        expr: ir.Expr,
        owner: str,
        prefix: str,
        version: int,
        loop: Mapping[str, int],
        what: str,
    ) -> int:
        """The value of a translated expression; ``&&``, ``||`` and ``?:`` are lazy."""

        def value(inner: ir.Expr) -> int:
            return self.evaluate(inner, owner, prefix, version, loop, what)

        match expr:
            case ir.Const():
                return expr.value
            case ir.Version():
                return version
            case ir.Var():
                return loop[expr.name]
            case ir.Load():
                path = expr.path
                for number, subscript in enumerate(expr.subscripts):
                    path = path.replace(f"[${number}]", f"[{value(subscript)}]")
                return to_type(self.member(owner, prefix, path, what), expr.type)
            case ir.Unary():
                operand = value(expr.operand)
                return {"-": -operand, "~": ~operand, "!": int(not operand)}[expr.op]
            case ir.Binary(op="&&"):
                return int(bool(value(expr.left)) and bool(value(expr.right)))
            case ir.Binary(op="||"):
                return int(bool(value(expr.left)) or bool(value(expr.right)))
            case ir.Binary():
                return binary(expr.op, value(expr.left), value(expr.right))
            case ir.Select():
                return (
                    value(expr.then) if value(expr.condition) else value(expr.otherwise)
                )
            case ir.Truncate():
                return to_type(value(expr.operand), expr.type)
            case ir.Exists():
                for number in range(value(expr.start), value(expr.stop), expr.step):
                    inner = {**loop, expr.var: number}
                    if self.evaluate(expr.body, owner, prefix, version, inner, what):
                        return 1
                return 0
            case ir.Ask():
                if expr.name in self.answers.functions:
                    return self.answers.functions[expr.name]
                raise Refused("missing context", what, self.offset(), expr.name)

    def amount(self, amount: ir.Amount, owner: str, prefix: str, what: str) -> int:
        """A count or a size as C's ``int``; undefined when negative or too large for it."""
        if isinstance(amount, ir.Fixed):
            return amount.value
        if isinstance(amount, ir.Computed):
            total = self.evaluate(amount.value, owner, prefix, 0, {}, what)
        else:
            loaded = self.member(owner, prefix, ir.path_text(amount.path), what)
            total = loaded * amount.multiply
        if not 0 <= total < 1 << 31:
            raise Refused("undefined", what, self.offset())
        return total


def binary(op: str, left: int, right: int) -> int:
    """C's binary operators on integers of any size; division truncates."""
    if op in ("/", "%"):
        quotient = abs(left) // abs(right)
        if (left < 0) != (right < 0):
            quotient = -quotient
        return quotient if op == "/" else left - quotient * right
    return {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "<<": lambda: left << right,
        ">>": lambda: left >> right,
        "&": lambda: left & right,
        "|": lambda: left | right,
        "^": lambda: left ^ right,
        "==": lambda: int(left == right),
        "!=": lambda: int(left != right),
        "<": lambda: int(left < right),
        "<=": lambda: int(left <= right),
        ">": lambda: int(left > right),
        ">=": lambda: int(left >= right),
    }[op]()


# --- load ---------------------------------------------------------------------------


class Loader(Walk):
    """``vmstate_load_state``."""

    def __init__(self, program: ir.Program, source: Wire, answers: Answers) -> None:
        super().__init__(program, answers, {})
        self.source = source
        self.offset = lambda: source.pos

    def description(self, this: ir.Description, prefix: str, version: int) -> None:
        file = file_of(self.program, this)
        if version > this.version_id:
            raise Refused("too new", prefix, self.source.pos)
        if version < this.minimum_version_id:
            raise Refused("too old", prefix, self.source.pos)
        for field_ in this.fields:
            key = prefix + field_key(field_)
            if self.exists(field_, this, file, prefix, version):
                self.field(field_, this.type, prefix, file)
            elif field_.must_exist:
                raise Refused("bad value", key, self.source.pos)
            elif holds_value(field_, this):
                self.put(key, None)
        self.subsections(this, prefix, file)

    def exists(
        self,
        field_: ir.Field,
        this: ir.Description,
        file: str,
        prefix: str,
        version: int,
    ) -> bool:
        """``vmstate_field_exists``; a validation that nobody can answer holds."""
        if not field_.test:
            return field_.version_id <= version
        what = prefix + field_key(field_)
        try:
            return bool(self.call(field_.test, file, this.type, prefix, version, what))
        except Refused as refused:
            if field_.must_exist and refused.kind == "missing context":
                return True
            raise

    def subsections(self, this: ir.Description, prefix: str, file: str) -> None:
        known: dict[str, str] = {}
        for symbol in this.subsections:
            # The first of that name wins, as in vmstate_get_subsection.
            name = find_description(self.program, symbol, file).name
            known.setdefault(name, symbol)
        for name in known:
            self.put(f"{prefix}{{{name}}}", None)
        while found := self.source.subsection(this.name, known, prefix):
            symbol, version = found
            sub = find_description(self.program, symbol, file)
            mark = f"{prefix}{{{sub.name}}}"
            self.values[mark] = version
            self.description(sub, mark, version)

    def field(self, field_: ir.Field, owner: str, prefix: str, file: str) -> None:
        key = prefix + field_key(field_)
        count = self.amount(field_.count, owner, prefix, key)
        room = capacity(field_)
        if room is not None and count > room:
            raise Refused("undefined", key, self.source.pos)
        if not isinstance(field_.count, ir.Fixed):
            self.put(f"{key}[]", count)
        for number in range(count):
            self.element(
                field_, owner, prefix, prefix + element_key(field_, number), file
            )

    def element(
        self, field_: ir.Field, owner: str, prefix: str, key: str, file: str
    ) -> None:
        path = as_memory(key).removeprefix(as_memory(prefix))
        if field_.pointers:
            known = self.answers.member(owner, path)
            if self.source.is_null(key, known, f"{owner}.{path}"):
                self.put(key, None)
                return
        element = field_.element
        source = self.source
        match element:
            case ir.IntegerElement():
                at = source.pos
                value = source.integer(element.type, key)
                self.check(element, self.answers.member(owner, path), key, value, at)
                self.put(key, value)
            case ir.TimerElement():
                self.put(key, source.integer("int64", key))
            case ir.BufferElement() | ir.UnusedElement():
                size = self.amount(field_.size, owner, prefix, key)
                raw = source.take(size, key)
                if isinstance(element, ir.BufferElement):
                    self.put(key, raw)
            case ir.BitmapElement():
                bits = self.amount(field_.size, owner, prefix, key)
                words = (bits + 63) // 64
                self.put(f"{key}[]", words)
                for number in range(words):
                    self.put(f"{key}[{number}]", source.integer("uint64", key))
            case ir.StructElement():
                inner = find_description(self.program, element.description, file)
                version = (
                    field_.struct_version_id if element.vstruct else inner.version_id
                )
                self.description(inner, f"{key}.", version)
            case ir.TmpElement():
                inner = find_description(self.program, element.description, file)
                self.description(inner, f"{key}.", field_.version_id)
            case ir.ListElement():
                inner = find_description(self.program, element.description, file)
                self.window(inner, field_.version_id, key)
                number = 0
                while (
                    source.positive(inner.fields[0], key)
                    if element.kind == "sentinel"
                    else source.more(key)
                ):
                    self.description(inner, f"{key}[{number}].", field_.version_id)
                    number += 1
                self.put(f"{key}[]", number)
            case ir.GTreeElement():
                self.tree(element, field_.version_id, key, file)
            case ir.WordsElement():
                for number, word in enumerate(element.words):
                    name = word_key(key, element, number)
                    self.put(name, source.integer(word.type, name))
            case ir.NothingElement():
                pass
            case ir.CustomElement():
                raise NotImplementedError(f"no reference for the info {element.info}")

    def check(
        self,
        element: ir.IntegerElement,
        mine: int | None,
        key: str,
        value: int,
        at: int,
    ) -> None:
        if element.check == "equal" and mine is not None and mine != value:
            raise Refused("bad value", key, at)
        if element.check == "le" and (value < 0 or (mine is not None and value > mine)):
            raise Refused("bad value", key, at)

    def window(self, inner: ir.Description, version: int, key: str) -> None:
        if version > inner.version_id:
            raise Refused("too new", key, self.source.pos)
        if version < inner.minimum_version_id:
            raise Refused("too old", key, self.source.pos)

    def tree(self, element: ir.GTreeElement, version: int, key: str, file: str) -> None:
        value_of = find_description(self.program, element.value, file)
        key_of = (
            find_description(self.program, element.key, file) if element.key else None
        )
        for inner in (key_of, value_of):
            if inner is not None:
                self.window(inner, version, key)
        total = self.source.tree_size(key)
        number = 0
        while self.source.more(key):
            if number + 1 > total:
                raise Refused("bad value", key, self.source.pos)
            if key_of is None:
                self.put(f"{key}[{number}].key", self.source.integer("uint64", key))
            else:
                self.description(key_of, f"{key}[{number}].key.", version)
            self.description(value_of, f"{key}[{number}].value.", version)
            number += 1
        if number != total:
            raise Refused("bad value", key, self.source.pos)
        self.put(f"{key}[]", number)


def load(
    program: ir.Program,
    symbol: str,
    data: bytes,
    pos: int = 0,
    version: int | None = None,
    answers: Answers = NO_ANSWERS,
) -> tuple[Values, int]:
    """Reads one object: its values and the position after its last subsection.

    Raises :class:`Refused` where QEMU would refuse the stream, or where an answer that
    is not on the wire is missing.
    """
    this = find_description(program, symbol)
    loader = Loader(program, Wire(data, pos), answers)
    loader.description(this, "", this.version_id if version is None else version)
    return loader.values, loader.source.pos


# --- save ---------------------------------------------------------------------------


class Saver(Walk):
    """``vmstate_save_state_v``, where presence is what the values say."""

    def __init__(self, program: ir.Program, values: Values, answers: Answers) -> None:
        super().__init__(program, answers, values)
        for key, value in values.items():
            if isinstance(value, int):
                self.memory[as_memory(key)] = value
        self.sink = Sink()
        self.offset = lambda: len(self.sink.data)

    def number(self, key: str) -> int:
        value = self.values[key]
        if not isinstance(value, int):
            raise Refused("bad value", key, len(self.sink.data))
        return value

    def description(self, this: ir.Description, prefix: str, version: int) -> None:
        file = file_of(self.program, this)
        for field_ in this.fields:
            key = prefix + field_key(field_)
            if not field_.test:
                exists = field_.version_id <= version
            elif isinstance(field_.element, ir.NothingElement):
                exists = False
            elif isinstance(field_.element, ir.UnusedElement):
                # Nothing in the values tells: the function itself has to.
                exists = bool(
                    self.call(field_.test, file, this.type, prefix, version, key)
                )
            else:
                exists = self.values.get(key, 0) is not None
            if exists:
                self.field(field_, this.type, prefix, file)
        for symbol in this.subsections:
            sub = find_description(self.program, symbol, file)
            mark = f"{prefix}{{{sub.name}}}"
            if self.values.get(mark) is not None:
                # QEMU writes its own version; a stream of an older one is kept as it is.
                name = sub.name.encode()
                written = self.number(mark)
                self.sink.data += bytes([SUBSECTION, len(name)]) + name
                self.sink.integer(written, "uint32")
                self.description(sub, mark, written)

    def field(self, field_: ir.Field, owner: str, prefix: str, file: str) -> None:
        key = prefix + field_key(field_)
        if isinstance(field_.count, ir.Fixed):
            count = field_.count.value
        else:
            count = self.number(f"{key}[]")
        for number in range(count):
            self.element(
                field_, owner, prefix, prefix + element_key(field_, number), file
            )

    def element(
        self, field_: ir.Field, owner: str, prefix: str, key: str, file: str
    ) -> None:
        if field_.pointers and self.values.get(key, 0) is None:
            self.sink.data.append(NULL_MARKER)
            return
        element = field_.element
        match element:
            case ir.IntegerElement():
                self.sink.integer(self.number(key), element.type)
            case ir.TimerElement():
                self.sink.integer(self.number(key), "int64")
            case ir.BufferElement():
                raw = self.values[key]
                if not isinstance(raw, bytes):
                    raise Refused("bad value", key, len(self.sink.data))
                self.sink.data += raw
            case ir.UnusedElement():
                self.sink.data += bytes(self.amount(field_.size, owner, prefix, key))
            case ir.BitmapElement():
                for number in range(self.number(f"{key}[]")):
                    self.sink.integer(self.number(f"{key}[{number}]"), "uint64")
            case ir.StructElement():
                inner = find_description(self.program, element.description, file)
                version = (
                    field_.struct_version_id if element.vstruct else inner.version_id
                )
                self.description(inner, f"{key}.", version)
            case ir.TmpElement():
                inner = find_description(self.program, element.description, file)
                self.description(inner, f"{key}.", inner.version_id)
            case ir.ListElement():
                inner = find_description(self.program, element.description, file)
                sentinel = element.kind == "sentinel"
                for number in range(self.number(f"{key}[]")):
                    self.sink.data += b"" if sentinel else b"\1"
                    self.description(inner, f"{key}[{number}].", inner.version_id)
                end = size_of_element(inner.fields[0]) if sentinel else 1
                self.sink.data += bytes(end or 0)
            case ir.GTreeElement():
                self.tree(element, key, file)
            case ir.WordsElement():
                for number, word in enumerate(element.words):
                    self.sink.integer(
                        self.number(word_key(key, element, number)), word.type
                    )
            case ir.NothingElement():
                pass
            case ir.CustomElement():
                raise NotImplementedError(f"no reference for the info {element.info}")

    def tree(self, element: ir.GTreeElement, key: str, file: str) -> None:
        value_of = find_description(self.program, element.value, file)
        total = self.number(f"{key}[]")
        self.sink.integer(total, "uint32")
        for number in range(total):
            self.sink.data.append(1)
            if element.key:
                key_of = find_description(self.program, element.key, file)
                self.description(key_of, f"{key}[{number}].key.", key_of.version_id)
            else:
                self.sink.integer(self.number(f"{key}[{number}].key"), "uint64")
            self.description(value_of, f"{key}[{number}].value.", value_of.version_id)
        self.sink.data.append(0)


def save(
    program: ir.Program,
    symbol: str,
    values: Values,
    version: int | None = None,
    answers: Answers = NO_ANSWERS,
) -> bytes:
    """The bytes of one object, as ``load`` reads them."""
    this = find_description(program, symbol)
    saver = Saver(program, values, answers)
    saver.description(this, "", this.version_id if version is None else version)
    return bytes(saver.sink.data)
