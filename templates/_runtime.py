"""What generated codecs share: errors, state classes, arrays, subsections, context.

Integers on the wire are big-endian.  A state class is a subclass of :class:`State`; a
``load_*`` function reads one from a buffer, a ``save_*`` function writes one.  Every
failure of either is a :class:`VMStateError` with the path of the field and, on load, the
byte offset in the buffer.
"""

from __future__ import annotations

import operator
import re
import struct
import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar, dataclass_transform

Buffer: TypeAlias = bytes | bytearray | memoryview
T = TypeVar("T")
K = TypeVar("K")

# --- errors ---------------------------------------------------------------------------


class VMStateError(Exception):
    """Why bytes could not be loaded or a state could not be saved.

    ``sections`` are the wire names of the section and its subsections, outermost first,
    ``member`` is the C path from the section's object, with indices, ``offset`` the byte
    offset in the buffer (None on save).
    """

    def __init__(
        self, message: str, offset: int | None = None, member: str = ""
    ) -> None:
        super().__init__(message, offset, member)
        self.message = message
        self.offset = offset
        self.member = member
        self.sections: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Sections by wire name, then the C path: ``cpu/cpu/pmp env.pmp_state.pmp[3]``."""
        return " ".join(part for part in ("/".join(self.sections), self.member) if part)

    def under(self, member: str) -> None:
        """Say that the object is at ``member`` of the one that holds it."""
        if self.member.startswith(".["):
            self.member = member + self.member[1:]
        else:
            self.member = f"{member}.{self.member}" if self.member else member

    def within(self, section: str) -> None:
        """Say that the object is that of the (sub)section of this wire name."""
        self.sections = (section, *self.sections)

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        at = "" if self.offset is None else f" (at byte {self.offset})"
        return f"{where}{self.message}{at}"


class Truncated(VMStateError):
    """The buffer ends before the field does."""


class TooOld(VMStateError):
    """The version is below the description's minimum."""


class TooNew(VMStateError):
    """The version is above the description's own."""


class UnknownSubsection(VMStateError):
    """A subsection with the description's name as prefix that it does not have."""


class BadValue(VMStateError):
    """A value that the table forbids, or that its field cannot hold."""


class MissingContext(VMStateError):
    """The bytes do not say it and the context does not know it."""


# What packing a state with a wrong value can raise.
PACK_ERRORS = (
    struct.error, ValueError, TypeError, AttributeError, OverflowError, LookupError,
)  # fmt: skip

# --- state classes --------------------------------------------------------------------


class _Factory:
    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def factory(make: Callable[[], T]) -> T:
    """A default that is made anew for every object."""
    made: Any = _Factory(make)
    return made  # type: ignore[no-any-return]


@dataclass_transform(kw_only_default=True)
class StateType(type):
    """Turns annotated defaults into ``__slots__`` and keyword construction."""

    __vmstate_defaults__: tuple[tuple[str, Any], ...]

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> StateType:
        fields = tuple(
            name
            for name, annotation in namespace.get("__annotations__", {}).items()
            if not str(annotation).startswith("ClassVar")
        )
        namespace["__vmstate_defaults__"] = tuple(
            (field, namespace.pop(field)) for field in fields
        )
        namespace["__slots__"] = fields
        return super().__new__(mcls, name, bases, namespace)

    def __call__(cls, /, **values: Any) -> Any:
        state: Any = type.__call__(cls)
        for name, default in cls.__vmstate_defaults__:
            if name in values:
                value = values.pop(name)
            elif type(default) is _Factory:
                value = default.make()
            else:
                value = default
            setattr(state, name, value)
        if values:
            raise TypeError(f"{cls.__name__} has no member {next(iter(values))!r}")
        return state


class State(metaclass=StateType):
    """Base of the classes that mirror C structs: what the wire holds, nothing else."""

    __vmstate_defaults__: ClassVar[tuple[tuple[str, Any], ...]]

    @classmethod
    def __vmstate_members__(cls) -> tuple[str, ...]:
        return tuple(name for name, _ in cls.__vmstate_defaults__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            getattr(self, name) == getattr(other, name)
            for name in self.__vmstate_members__()
        )

    def __repr__(self) -> str:
        members = ", ".join(
            f"{name}={getattr(self, name)!r}" for name in self.__vmstate_members__()
        )
        return f"{type(self).__name__}({members})"


S = TypeVar("S", bound=State)


def maker(cls: type[S]) -> Callable[[], S]:
    """Makes objects without members, for a loader to fill: faster than ``object.__new__``."""
    make: Callable[[], S] = type.__call__.__get__(cls)
    return make


def repeated(make: Callable[[], T], count: int) -> list[T]:
    """``count`` default objects."""
    return [make() for _ in range(count)]


# --- arrays ---------------------------------------------------------------------------

for _code, _size in (("B", 1), ("H", 2), ("I", 4), ("Q", 8)):
    if array(_code).itemsize != _size or array(_code.lower()).itemsize != _size:
        raise ImportError(f"array({_code!r}) does not have items of {_size} bytes")
_SWAP = sys.byteorder == "little"


def zeros(code: str, count: int) -> array[int]:
    """An array of ``count`` zeros."""
    return array(code, bytes(array(code).itemsize * count))


def _array_of(code: str) -> Callable[..., array[int]]:
    size = array(code).itemsize

    if size > 1 and _SWAP:

        def load(chunk: Buffer, start: int = 0) -> array[int]:
            if start:
                chunk = bytes(size * start) + chunk
            elif type(chunk) is not bytes:
                chunk = bytes(chunk)
            items = array(code, chunk)
            items.byteswap()
            return items

    else:

        def load(chunk: Buffer, start: int = 0) -> array[int]:
            return array(code, bytes(size * start) + bytes(chunk))

    return load


def _bytes_of(code: str) -> Callable[..., bytes]:
    swap = array(code).itemsize > 1 and _SWAP

    def save(values: Sequence[int], count: int, start: int = 0) -> bytes:
        if type(values) is not array or values.typecode != code:
            values = array(code, list(values))  # bytes are items too, not raw memory
        if len(values) != count:
            raise ValueError("wrong length")
        items = values[start:] if start else values.__copy__()
        if swap:
            items.byteswap()
        return items.tobytes()

    return save


def _split_of(code: str) -> Callable[[Buffer, int, int], list[array[int]]]:
    load = _array_of(code)

    def split(chunk: Buffer, width: int, start: int) -> list[array[int]]:
        items = load(chunk)
        whole = start + width
        if start:
            spread = zeros(code, len(items) // width * whole)
            for at in range(width):
                spread[start + at :: whole] = items[at::width]
            items = spread
        return [items[at : at + whole] for at in range(0, len(items), whole)]

    return split


def _join_of(code: str) -> Callable[[Sequence[Sequence[int]], int, int], bytes]:
    def join(arrays: Sequence[Sequence[int]], width: int, start: int) -> bytes:
        items = array(code)
        length = start + width
        for values in arrays:
            if type(values) is not array or values.typecode != code:
                values = array(code, list(values))
            if len(values) != length:
                raise ValueError("wrong length")
            items += values[start:] if start else values
        if _SWAP:
            items.byteswap()
        return items.tobytes()

    return join


# ``array_*(chunk, start=0)``: the array whose elements from ``start`` on are the chunk's.
# ``bytes_*(values, count, start=0)``: the elements from ``start`` on; ValueError, TypeError
# or OverflowError unless there are ``count`` values in range.
array_i8, bytes_i8 = _array_of("b"), _bytes_of("b")
array_i16, bytes_i16 = _array_of("h"), _bytes_of("h")
array_u16, bytes_u16 = _array_of("H"), _bytes_of("H")
array_i32, bytes_i32 = _array_of("i"), _bytes_of("i")
array_u32, bytes_u32 = _array_of("I"), _bytes_of("I")
array_i64, bytes_i64 = _array_of("q"), _bytes_of("q")
array_u64, bytes_u64 = _array_of("Q"), _bytes_of("Q")


# ``split_*(chunk, width, start)``: the chunk as arrays of ``width`` elements, each with its
# elements from ``start`` on.  ``join_*(arrays, width, start)``: such arrays as one chunk.
split_i16, join_i16 = _split_of("h"), _join_of("h")
split_u16, join_u16 = _split_of("H"), _join_of("H")
split_i32, join_i32 = _split_of("i"), _join_of("i")
split_u32, join_u32 = _split_of("I"), _join_of("I")
split_i64, join_i64 = _split_of("q"), _join_of("q")
split_u64, join_u64 = _split_of("Q"), _join_of("Q")


def array_u8(chunk: Buffer, start: int = 0) -> bytearray:
    """The bytes, after ``start`` zeros."""
    return bytearray(start) + chunk if start else bytearray(chunk)


def bytes_u8(values: Sequence[int], count: int, start: int = 0) -> bytes | bytearray:
    """The bytes from ``start`` on; ValueError unless there are ``count``."""
    if len(values) != count:
        raise ValueError("wrong length")
    if start:
        values = values[start:]
    return values if type(values) is bytearray else bytes(values)


def array_bool(chunk: Buffer, start: int = 0) -> list[bool]:
    """Any byte but 0 is true, after ``start`` times false."""
    return [False] * start + list(map(bool, chunk))


def bytes_bool(values: Sequence[bool], count: int, start: int = 0) -> bytes:
    """One byte a value, 0 or 1, from ``start`` on; ValueError unless there are ``count``."""
    if len(values) != count:
        raise ValueError("wrong length")
    return bytes(map(bool, values[start:]))


def bytes_of(
    pack: Callable[[Sequence[S]], bytes],
    values: Sequence[S],
    count: int,
    start: int = 0,
) -> bytes:
    """The objects from ``start`` on; ValueError unless there are ``count``."""
    if len(values) != count:
        raise ValueError("wrong length")
    return pack(values[start:] if start else values)


def rows_of(load: Callable[[Buffer], T], chunk: Buffer, size: int) -> list[T]:
    """A list with an array for every ``size`` bytes."""
    return [load(chunk[at : at + size]) for at in range(0, len(chunk), size)]


def row_bytes(
    save: Callable[..., bytes | bytearray], rows: Sequence[Any], count: int, width: int
) -> bytes:
    """The rows one after the other; ValueError unless there are ``count``."""
    if len(rows) != count:
        raise ValueError("wrong length")
    return b"".join([save(row, width) for row in rows])


def sized(values: T, count: int, member: str) -> T:
    """``values``, if there are ``count`` of them."""
    found = (
        len(values)
        if isinstance(values, (array, bytearray, list, tuple, bytes))
        else -1
    )
    if found != count:
        raise BadValue(f"{_amount(values)}, not {count} elements", None, member)
    return values


def _amount(values: object) -> str:
    if isinstance(values, (array, bytearray, list, tuple, bytes)):
        return f"{len(values)} elements"
    return f"{type(values).__name__}"


# --- C expressions --------------------------------------------------------------------


def known(value: T | None) -> T:
    """A member that a condition has shown to be present."""
    if value is None:
        raise BadValue("absent member")
    return value


def either(value: int | None, other: Callable[[], int]) -> int:
    """The member, or where it is absent what else is known."""
    return other() if value is None else value


def scale(value: int | None, multiply: int, other: Callable[[], int]) -> int:
    """``multiply`` times the member, or where it is absent what else is known."""
    return other() if value is None else value * multiply


def words(bits: int) -> int:
    """How many 64-bit words a bitmap has."""
    return bits if bits < 0 else (bits + 63) // 64


def item(values: Sequence[Any], index: int) -> Any:
    """An element; BadValue where C would read outside the array."""
    if not 0 <= index < len(values):
        raise BadValue(f"index {index} outside an array of {len(values)}")
    return values[index]


def within(values: Sequence[Any], index: int, start: int, stop: int) -> Any:
    """An element that is on the wire, from ``start`` to before ``stop``; None otherwise."""
    return values[index] if start <= index < stop else None


def signed(bits: int, value: int) -> int:
    """The value converted to a signed integer of ``bits`` bits."""
    half = 1 << (bits - 1)
    return ((value + half) & ((1 << bits) - 1)) - half


def c_div(left: int, right: int) -> int:
    """Division that truncates towards zero."""
    if right == 0:
        raise BadValue("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def c_mod(left: int, right: int) -> int:
    """The remainder of :func:`c_div`."""
    return left - right * c_div(left, right)


def shift(value: int, count: int) -> int:
    """``value << count`` (right for a negative count); BadValue beyond 64 bits."""
    if not -64 < count < 64:
        raise BadValue(f"shift by {count}")
    return value << count if count >= 0 else value >> -count


# --- context: what the bytes do not say ---------------------------------------------


class Context:
    """Answers to what the wire leaves open.

    ``members`` are values of C members that are not on the wire, by ``Type.path`` or
    ``path`` (``{"ARMCPU.pmsav7_dregion": 8}``; a pointer's truth says whether it is NULL),
    ``functions`` of C functions and globals, by name: a number, or a callable of
    ``(state, version_id)``.  ``description`` is the JSON object of the section in the
    stream's own description (vmdesc): it tells presence, counts and sizes.
    """

    __slots__ = ("description", "functions", "members")

    def __init__(
        self,
        members: Mapping[str, Any] | None = None,
        functions: Mapping[str, Any] | None = None,
        description: Mapping[str, Any] | None = None,
    ) -> None:
        self.members = {} if members is None else members
        self.functions = {} if functions is None else functions
        self.description = description


NO_CONTEXT = Context()


def lookup(context: Context, owner: str, path: str) -> Any:
    """What the context says of a member, or None."""
    found = context.members.get(f"{owner}.{path}")
    return context.members.get(path) if found is None else found


def member(context: Context | None, owner: str, path: str, where: str) -> int:
    """The value of a member that is not on the wire; MissingContext if nobody says."""
    found = None if context is None else lookup(context, owner, path)
    if found is None:
        raise MissingContext(
            f"{where} needs {owner}.{path}, which is not in the stream: pass"
            f" Context(members={{{owner + '.' + path!r}: ...}})"
        )
    return operator.index(found)


def ask(
    context: Context | None, name: str, state: object, version: int, where: str
) -> int:
    """The value of a C function or global; MissingContext if nobody says."""
    found = None if context is None else context.functions.get(name)
    if found is None:
        raise MissingContext(
            f"{where} needs {name}, which is not in the stream: pass"
            f" Context(functions={{{name!r}: ...}})"
        )
    return operator.index(found(state, version) if callable(found) else found)


MOST_OPAQUE = 1 << 16
"""So many elements of a type that no codec knows are taken from a description."""


def _object(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadValue(f"the description's {key!r} is not an object")
    return value


def _objects(node: Mapping[str, Any] | None, key: str) -> list[Mapping[str, Any]]:
    """A member of a description that is a list of objects, empty if it is not there."""
    found = () if node is None else node.get(key, ())
    if not isinstance(found, (list, tuple)):
        raise BadValue(f"the description's {key!r} is not a list")
    return [_object(one, key) for one in found]


def natural(entry: Mapping[str, Any], key: str, default: int) -> int:
    """A member of a description that is a number of 64 bits."""
    value = entry.get(key, default)
    if not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise BadValue(f"the description's {key!r} is not a number")
    return value


class Scope:
    """The context at one object: ``node`` is its part of the description JSON, if given."""

    __slots__ = ("context", "node")

    def __init__(self, context: Context, node: Mapping[str, Any] | None) -> None:
        self.context = context
        self.node = node

    def entries(self, name: str) -> list[tuple[Mapping[str, Any], int]]:
        """The JSON's entries of a field, each with how many elements it stands for.

        It is a stream's JSON and may be anything; BadValue for what is no description.
        """
        return [
            (entry, natural(entry, "array_len", 1))
            for entry in _objects(self.node, "fields")
            if entry.get("name") == name
        ]

    def entry(self, name: str, index: int) -> Mapping[str, Any] | None:
        """The entry of one element of a field."""
        for entry, count in self.entries(name):
            if index < count:
                return entry
            index -= count
        return None

    def elements(self, name: str) -> int:
        """How many elements of a field the JSON tells of."""
        return sum(count for _, count in self.entries(name))

    def field(self, name: str, index: int = 0) -> Scope:
        """The scope of an element of a nested description."""
        if self.node is None:
            return self
        entry = self.entry(name, index)
        if entry is None:
            return Scope(self.context, None)
        return Scope(self.context, _object(entry.get("struct", entry), "struct"))

    def section(self, name: str) -> Scope:
        """The scope of a subsection."""
        if self.node is None:
            return self
        for node in _objects(self.node, "subsections"):
            if node.get("vmsd_name") == name:
                return Scope(self.context, node)
        return Scope(self.context, None)

    def present(
        self, name: str, decide: Callable[[], object], pos: int, path: str
    ) -> bool:
        """Whether a field is there: as its test says, else as the JSON says."""
        try:
            return bool(decide())
        except MissingContext as error:
            if self.node is None:
                error.offset, error.member = pos, path
                raise
            return self.elements(name) > 0

    def holds(self, decide: Callable[[], object], pos: int, path: str) -> None:
        """BadValue if a validation fails; one that nobody can answer is not made."""
        try:
            valid = decide()
        except MissingContext:
            return
        if not valid:
            raise BadValue("validation failed", pos, path)

    def count(
        self,
        name: str,
        owner: str,
        source: str,
        multiply: int,
        pos: int,
        path: str,
        where: str,
    ) -> int:
        """The number of elements of a field whose count is not on the wire."""
        found = lookup(self.context, owner, source)
        if found is not None:
            return operator.index(found) * multiply
        if self.node is not None:
            return self.elements(name)
        raise MissingContext(
            f"{where} is as long as {owner}.{source}, which is not in the stream: pass"
            f" Context(members={{{owner + '.' + source!r}: ...}}) or"
            " Context(description=...), the section's JSON in the stream",
            pos,
            path,
        )

    def extent(
        self,
        name: str,
        owner: str,
        source: str,
        multiply: int,
        pos: int,
        path: str,
        where: str,
    ) -> int:
        """The size in bytes of a buffer whose size is not on the wire."""
        if lookup(self.context, owner, source) is None and self.node is not None:
            entry = self.entry(name, 0)
            return 0 if entry is None else natural(entry, "size", 0)
        return self.count(name, owner, source, multiply, pos, path, where)

    def bits(
        self,
        name: str,
        owner: str,
        source: str,
        multiply: int,
        pos: int,
        path: str,
        where: str,
    ) -> int:
        """The size of a bitmap in bits; the JSON has the bytes of its words."""
        size = self.extent(name, owner, source, multiply, pos, path, where)
        told = lookup(self.context, owner, source)
        return size * 8 if told is None else size

    def sizes(self, name: str, info: str, pos: int, path: str, where: str) -> list[int]:
        """The size in bytes of every element of a field that no codec knows."""
        if self.node is None:
            raise MissingContext(
                f"{where} is written by {info}, which no codec knows: pass"
                " Context(description=...), the section's JSON in the stream",
                pos,
                path,
            )
        if self.elements(name) > MOST_OPAQUE:
            raise BadValue(f"{self.elements(name)} elements are described", pos, path)
        return [
            natural(entry, "size", 0)
            for entry, count in self.entries(name)
            for _ in range(count)
        ]

    def null(
        self,
        name: str,
        owner: str,
        source: str,
        index: int,
        pos: int,
        path: str,
        where: str,
    ) -> bool:
        """Whether an element of an array of pointers is NULL, for a byte that may be either."""
        found = lookup(self.context, owner, f"{source}[{index}]")
        if found is None:
            pointers = lookup(self.context, owner, source)
            if isinstance(pointers, Sequence) and index < len(pointers):
                found = 0 if pointers[index] is None else pointers[index]
        if found is not None:
            return not found
        entry = self.entry(name, index)
        if entry is not None:
            return entry.get("type") in ("nullptr", "ptr_marker") or (
                entry.get("size") == 1 and entry.get("struct") == {}
            )
        raise MissingContext(
            f"{where}: 0x30 is a NULL pointer or the first byte of an element: pass"
            f" Context(members={{{f'{owner}.{source}[{index}]'!r}: 0 or 1}}) or"
            " Context(description=...), the section's JSON in the stream",
            pos,
            path,
        )

    def equal(self, value: int, owner: str, source: str, pos: int, path: str) -> None:
        """BadValue if the context knows the destination's value and it differs."""
        found = lookup(self.context, owner, source)
        if found is not None and found != value:
            raise BadValue(f"{value} is not the destination's {found}", pos, path)

    def at_most(self, value: int, owner: str, source: str, pos: int, path: str) -> None:
        """BadValue if negative, or if more than the destination's value."""
        found = lookup(self.context, owner, source)
        if value < 0 or (found is not None and value > found):
            limit = "" if found is None else f" and at most {found}"
            raise BadValue(f"{value} must be positive{limit}", pos, path)


ANYWHERE = Scope(NO_CONTEXT, None)
"""The scope of a load without context."""


# --- loading ----------------------------------------------------------------------------

# ``(buffer, position, version, scope, owner)``; the owner is the state that has the
# subsection, then the one that has that, and so on.
Owner: TypeAlias = tuple[Any, ...]
Loader: TypeAlias = Callable[[Buffer, int, int, Scope, Owner], tuple[T, int]]
Saver: TypeAlias = Callable[[T, list[bytes], int, Owner], None]
# wire name -> attribute, loader, minimum version, version
Subsections: TypeAlias = Mapping[bytes, tuple[str, Loader[Any], int, int]]


def window(
    version: int,
    minimum: int,
    current: int,
    pos: int | None = None,
    member: str = "",
) -> None:
    """TooOld or TooNew unless ``minimum <= version <= current``."""
    if version < minimum:
        raise TooOld(f"version {version} is below the minimum {minimum}", pos, member)
    if version > current:
        raise TooNew(f"version {version} is above {current}", pos, member)


def load(
    loader: Loader[T],
    name: str,
    minimum: int,
    current: int,
    buf: Buffer,
    pos: int,
    version: int,
    context: Context | None,
) -> tuple[T, int]:
    """Run a loader on a caller's buffer, and name the section in its errors."""
    if isinstance(buf, memoryview):
        buf = buf.cast("B") if buf.c_contiguous else bytes(buf)
    scope = ANYWHERE if context is None else Scope(context, context.description)
    try:
        if not 0 <= pos <= len(buf):
            raise Truncated(f"there is no byte {pos} in {len(buf)}", pos)
        if not minimum <= version <= current:
            window(version, minimum, current, pos)
        return loader(buf, pos, version, scope, ())
    except VMStateError as error:
        if error.offset is None:
            error.offset = pos
        error.within(name)
        raise
    except RecursionError:
        deep = BadValue("nested too deeply", pos)
        deep.within(name)
        raise deep from None


def subsections(
    buf: Buffer,
    pos: int,
    name: bytes,
    table: Subsections,
    state: Any,
    scope: Scope,
    owner: Owner,
) -> int:
    """Load the subsections at ``pos`` into attributes of ``state``; return their end.

    As ``vmstate_subsection_load`` does: a byte other than 5, a name that is not longer
    than the description's or does not begin with it, or a cut name is not a subsection
    of ours; one that begins with it and is not in the table is an error.  A subsection
    that comes twice replaces the first, and of the version the low byte counts.
    """
    least, size, owners = len(name), len(buf), (state, *owner)
    while pos + 1 < size and buf[pos] == 5 and buf[pos + 1] > least:
        end = pos + 2 + buf[pos + 1]
        found = bytes(buf[pos + 2 : end])
        if end > size or not found.startswith(name):
            return pos
        entry = table.get(found)
        if entry is None:
            text = found.decode("utf-8", "backslashreplace")
            raise UnknownSubsection(f"unknown subsection {text!r}", pos)
        attribute, loader, minimum, current = entry
        try:
            if end + 4 > size:
                raise Truncated("the version is cut off", end)
            version = buf[end + 3]
            if not minimum <= version <= current:
                window(version, minimum, current, end)
            inner = scope if scope.node is None else scope.section(found.decode())
            value, pos = loader(buf, end + 4, version, inner, owners)
        except VMStateError as error:
            error.within(found.decode())
            raise
        setattr(state, attribute, value)
    return pos


def extent(
    buf: Buffer, pos: int, count: int, size: int, path: str, limit: int | None = None
) -> int:
    """The end of ``count`` elements of at least ``size`` bytes; checked before they are made.

    ``limit`` is how many the C array has room for.
    """
    if count < 0:
        raise BadValue(f"{count} elements", pos, path)
    if limit is not None and count > limit:
        raise BadValue(f"{count} elements in an array of {limit}", pos, path)
    if count * size > len(buf) - pos:
        raise Truncated(
            f"{count} elements do not fit in {len(buf) - pos} bytes", pos, path
        )
    if not size and count > 0xFFFF:
        raise BadValue(f"{count} elements without bytes", pos, path)
    return pos + count * size


def embedded(
    loader: Loader[T],
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    name: str,
    path: str,
    owner: Owner = (),
) -> tuple[T, int]:
    """One element of a nested description; a temporary has its parent as owner."""
    try:
        return loader(
            buf, pos, version, scope if scope.node is None else scope.field(name), owner
        )
    except VMStateError as error:
        error.under(path)
        raise


def embedded_many(
    loader: Loader[T],
    count: int,
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    name: str,
    path: str,
    least: int,
    start: int = 0,
) -> tuple[list[T], int]:
    """``count`` elements of a nested description, the first of them ``path[start]``.

    ``least`` is how many bytes an element has at least.
    """
    extent(buf, pos, count, least, path)
    made: list[T] = []
    index = 0
    try:
        for index in range(count):
            inner = scope if scope.node is None else scope.field(name, index)
            value, pos = loader(buf, pos, version, inner, ())
            made.append(value)
    except VMStateError as error:
        error.under(f"{path}[{start + index}]")
        raise
    return made, pos


def pointers(
    loader: Loader[T],
    count: int,
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    name: str,
    owner: str,
    path: str,
    where: str,
    start: int = 0,
) -> tuple[list[T | None], int]:
    """An array of pointers: a byte 0x30 for NULL, a bare element otherwise."""
    extent(buf, pos, count, 1, path)
    made: list[T | None] = []
    for index in range(count):
        here = f"{path}[{start + index}]"
        if pos >= len(buf):
            raise Truncated("the buffer ends", pos, here)
        if buf[pos] == 0x30 and scope.null(
            name, owner, path, start + index, pos, here, where
        ):
            made.append(None)
            pos += 1
            continue
        try:
            inner = scope if scope.node is None else scope.field(name, index)
            value, pos = loader(buf, pos, version, inner, ())
        except VMStateError as error:
            error.under(here)
            raise
        made.append(value)
    return made, pos


def marked_pointers(
    loader: Loader[T],
    count: int,
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    name: str,
    path: str,
    start: int = 0,
) -> tuple[list[T | None], int]:
    """An array of pointers: ``'0'`` for NULL, ``'1'`` and an element otherwise."""
    extent(buf, pos, count, 1, path)
    made: list[T | None] = []
    for index in range(count):
        here = f"{path}[{start + index}]"
        if pos >= len(buf):
            raise Truncated("the buffer ends", pos, here)
        marker, pos = buf[pos], pos + 1
        if marker == 0x30:
            made.append(None)
            continue
        if marker != 0x31:
            raise BadValue(f"pointer marker {marker:#04x}", pos - 1, here)
        try:
            inner = scope if scope.node is None else scope.field(name, index)
            value, pos = loader(buf, pos, version, inner, ())
        except VMStateError as error:
            error.under(here)
            raise
        made.append(value)
    return made, pos


def scalar(format: str) -> Loader[Any]:
    """A loader of one value, for arrays of pointers to plain values."""
    packed = struct.Struct(format)

    def load(
        buf: Buffer, pos: int, version: int, scope: Scope, owner: Owner
    ) -> tuple[Any, int]:
        if pos + packed.size > len(buf):
            raise Truncated("the buffer ends", pos)
        return packed.unpack_from(buf, pos)[0], pos + packed.size

    return load


def listed(
    loader: Loader[T], buf: Buffer, pos: int, version: int, scope: Scope, path: str
) -> tuple[list[T], int]:
    """A QTAILQ or QLIST: any byte but 0 and an element, ..., then 0."""
    made: list[T] = []
    while True:
        if pos >= len(buf):
            raise Truncated("the list does not end", pos, f"{path}[{len(made)}]")
        more, pos = buf[pos], pos + 1
        if not more:
            return made, pos
        try:
            value, pos = loader(buf, pos, version, Scope(scope.context, None), ())
        except VMStateError as error:
            error.under(f"{path}[{len(made)}]")
            raise
        made.append(value)


def tree(
    key: Loader[K],
    value: Loader[T],
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    path: str,
) -> tuple[list[tuple[K, T]], int]:
    """A GTree: be32 count, then any byte but 0, key and value, ..., then 0."""
    if pos + 4 > len(buf):
        raise Truncated("the buffer ends", pos, path)
    count = int.from_bytes(buf[pos : pos + 4], "big")

    def pair(
        buf: Buffer, pos: int, version: int, scope: Scope, owner: Any
    ) -> tuple[tuple[K, T], int]:
        first, pos = key(buf, pos, version, scope, ())
        second, pos = value(buf, pos, version, scope, ())
        return (first, second), pos

    made, end = listed(pair, buf, pos + 4, version, scope, path)
    if len(made) != count:
        raise BadValue(f"{len(made)} nodes where {count} were announced", pos, path)
    return made, end


def opaque_one(
    buf: Buffer, pos: int, sizes: Sequence[int], path: str
) -> tuple[bytearray, int]:
    """Raw bytes of one field."""
    made, pos = opaque(buf, pos, sizes, path)
    return bytearray().join(made), pos


def opaque(
    buf: Buffer, pos: int, sizes: Sequence[int], path: str
) -> tuple[list[bytearray], int]:
    """Raw bytes of the given sizes."""
    made: list[bytearray] = []
    for index, size in enumerate(sizes):
        end = extent(buf, pos, size, 1, f"{path}[{index}]" if len(sizes) > 1 else path)
        made.append(bytearray(buf[pos:end]))
        pos = end
    return made, pos


# --- saving -----------------------------------------------------------------------------


def save(
    saver: Saver[T],
    name: str,
    cls: type[T],
    minimum: int,
    current: int,
    state: T,
    version: int,
) -> bytes:
    """Run a saver, and name the section in its errors."""
    out: list[bytes] = []
    try:
        if not minimum <= version <= current:
            window(version, minimum, current)
        if not isinstance(state, cls):
            raise BadValue(f"{type(state).__name__} is not a {cls.__name__}")
        saver(state, out, version, ())
    except VMStateError as error:
        error.within(name)
        raise
    except RecursionError:
        deep = BadValue("nested too deeply")
        deep.within(name)
        raise deep from None
    except PACK_ERRORS as error:  # something else than an object where one belongs
        wrong = BadValue(f"a value of another kind than its member: {error}")
        wrong.within(name)
        raise wrong from error
    return b"".join(out)


def subsection(
    out: list[bytes], name: bytes, saver: Saver[T], state: T, version: int, owner: Owner
) -> None:
    """A subsection's header and its fields (``vmstate_subsection_save``)."""
    try:
        try:
            head = version.to_bytes(4, "big")
        except PACK_ERRORS:  # a member of the state can say it
            raise BadValue(f"{version!r} is not a version") from None
        out.append(b"\x05%c%b%b" % (len(name), name, head))
        saver(state, out, version, owner)
    except VMStateError as error:
        error.within(name.decode())
        raise


def embed(
    saver: Saver[T],
    state: T,
    out: list[bytes],
    version: int,
    path: str,
    owner: Owner = (),
) -> None:
    """One element of a nested description; a temporary has its parent as owner."""
    try:
        saver(state, out, version, owner)
    except VMStateError as error:
        error.under(path)
        raise


def embed_many(
    saver: Saver[T],
    states: Sequence[T],
    out: list[bytes],
    version: int,
    path: str,
    start: int = 0,
) -> None:
    """The elements of a nested description from ``start`` on."""
    for index in range(start, len(states)):
        embed(saver, states[index], out, version, f"{path}[{index}]")


def put_pointers(
    saver: Saver[T],
    states: Sequence[T | None],
    out: list[bytes],
    version: int,
    path: str,
    start: int = 0,
    marker: bytes = b"",
) -> None:
    """An array of pointers: ``'0'`` for None, ``marker`` and the element otherwise."""
    for index in range(start, len(states)):
        state = states[index]
        if state is None:
            out.append(b"0")
        else:
            out.append(marker)
            embed(saver, state, out, version, f"{path}[{index}]")


def put_scalar(format: str) -> Saver[Any]:
    """A saver of one value, for arrays of pointers to plain values."""
    packed = struct.Struct(format)

    def save(state: Any, out: list[bytes], version: int, owner: Owner) -> None:
        try:
            out.append(packed.pack(state))
        except PACK_ERRORS as error:
            raise BadValue(f"{state!r} does not fit: {error}") from None

    return save


def put_listed(
    saver: Saver[T], states: Sequence[T], out: list[bytes], version: int, path: str
) -> None:
    """A QTAILQ or QLIST: 1 and an element, ..., then 0."""
    for index, state in enumerate(states):
        out.append(b"\1")
        embed(saver, state, out, version, f"{path}[{index}]")
    out.append(b"\0")


def put_tree(
    key: Saver[K],
    key_version: int,
    value: Saver[T],
    nodes: Sequence[tuple[K, T]],
    out: list[bytes],
    version: int,
    path: str,
) -> None:
    """A GTree: be32 count, then 1, key and value, ..., then 0."""
    out.append(len(nodes).to_bytes(4, "big"))
    for index, (first, second) in enumerate(nodes):
        out.append(b"\1")
        embed(key, first, out, key_version, f"{path}[{index}]")
        embed(value, second, out, version, f"{path}[{index}]")
    out.append(b"\0")


def counted(length: int, expected: int, path: str) -> None:
    """BadValue unless there are as many elements as the count's member says."""
    if length != expected:
        raise BadValue(f"{length} elements where the count says {expected}", None, path)


def fits(length: int, multiply: int, code: str, path: str) -> None:
    """BadValue unless the count's member could have held it."""
    value, rest = divmod(length, multiply) if multiply else (0, length)
    if rest or value > LIMITS[code][1]:
        raise BadValue(f"{length} elements do not fit their count", None, path)


def positive(value: int, path: str) -> None:
    """BadValue for what the destination would refuse as negative."""
    if value < 0:
        raise BadValue(f"{value} must be positive", None, path)


def unused(size: int, path: str) -> bytes:
    """So many zeros."""
    if size < 0:
        raise BadValue(f"{size} unused bytes", None, path)
    return bytes(size)


def packed(
    pack: Callable[[Any, int, int], bytes | bytearray],
    values: Sequence[Any],
    start: int,
    path: str,
) -> bytes:
    """An array of any length as bytes, from ``start`` on."""
    try:
        return bytes(pack(values, len(values), start))
    except PACK_ERRORS as error:
        for index, value in enumerate(values):
            try:
                pack([value], 1, 0)
            except PACK_ERRORS:
                raise BadValue(
                    f"{value!r} does not fit", None, f"{path}[{index}]"
                ) from None
        raise BadValue(f"cannot be packed: {error}", None, path) from None


def packed_many(
    pack: Callable[[Sequence[T]], bytes],
    states: Sequence[T],
    start: int,
    path: str,
    fields: str,
) -> bytes:
    """Objects of one fixed layout as bytes, from ``start`` on."""
    try:
        return pack(states[start:])
    except PACK_ERRORS as error:
        for index in range(start, len(states)):
            found = _unfit(states[index], _parse(fields), False)
            if found is not None:
                found.under(f"{path}[{index}]")
                raise found from None
        raise BadValue(f"cannot be packed: {error}", None, path) from None


def put_opaque(values: Sequence[bytearray], out: list[bytes], path: str) -> None:
    """Raw bytes."""
    for value in values:
        if not isinstance(value, (bytes, bytearray)):
            raise BadValue(f"{value!r} is not bytes", None, path)
        out.append(bytes(value))


def present(value: T | None, path: str) -> T:
    """BadValue if a field that the version has is absent."""
    if value is None:
        raise BadValue("must be present", None, path)
    return value


def absent(value: object, path: str) -> None:
    """BadValue if a field that the version or a test excludes is there."""
    if value is not None:
        raise BadValue("must be absent (None)", None, path)


def presence(value: object, needed: object, path: str) -> None:
    """BadValue if a test contradicts what the state has."""
    if bool(needed) != (value is not None):
        raise BadValue(
            "must be present" if needed else "must be absent (None)", None, path
        )


# --- which field it was, once something has failed ----------------------------------

LIMITS = {
    "?": (0, 1),
    **{
        code: (-(1 << (8 * size - 1)), (1 << (8 * size - 1)) - 1)
        for code, size in (("b", 1), ("h", 2), ("i", 4), ("q", 8))
    },
    **{
        code: (0, (1 << (8 * size)) - 1)
        for code, size in (("B", 1), ("H", 2), ("I", 4), ("Q", 8))
    },
}
_SIZES = {"?": 1, "b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8}
_TOKEN = re.compile(
    r"(?P<pad>\d+)x"
    r"|(?P<code>[?bBhHiIqQ]):"
    r"|(?P<path>[^\s()=]*?)(?:\[(?P<start>\d+):(?P<stop>\d+)(?:\|(?P<length>\d+))?\])?"
    r"(?:=(?P<name>[^\s()]+))?"
    r"(?P<open>\()?"
)


class _Item(NamedTuple):
    """One field of a run: a value, an array (``start`` to ``stop``) or an array of runs."""

    path: str
    name: str
    start: int
    stop: int  # -1: not an array
    length: int  # of the attribute
    code: str  # "x" for bytes that are not in the state
    items: tuple[_Item, ...]

    def size(self) -> int:
        """Bytes of one element."""
        if self.items:
            return sum(inner.size() * inner.times() for inner in self.items)
        return 1 if self.code == "x" else _SIZES[self.code]

    def times(self) -> int:
        return 1 if self.stop < 0 else self.stop - self.start


def _items(tokens: Iterator[str]) -> tuple[_Item, ...]:
    """Parse a run's field list: ``Q: env.gpr[0:32] I: env.a env.b 4x env.c[0:2](Q: x y)``."""
    code = "x"
    made: list[_Item] = []
    for token in tokens:
        if token == ")":
            break
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise ValueError(token)
        if match["pad"]:
            made.append(_Item("", "", 0, int(match["pad"]), 0, "x", ()))
        elif match["code"]:
            code = match["code"]
        else:
            stop = -1 if match["stop"] is None else int(match["stop"])
            inner = _items(tokens) if match["open"] else ()
            path = match["path"]
            length = int(match["length"] or stop)
            start = int(match["start"] or 0)
            made.append(
                _Item(path, match["name"] or path, start, stop, length, code, inner)
            )
    return tuple(made)


def _parse(fields: str) -> tuple[_Item, ...]:
    return _items(iter(fields.replace("(", "( ").replace(")", " )").split()))


def truncated(buf: Buffer, pos: int, fields: str) -> Truncated:
    """The error for a run that does not fit: names the first field that is cut off."""
    error = Truncated("the buffer ends", pos)
    left, items, path = len(buf) - pos, _parse(fields), ""
    while items:
        for one in items:
            size, times = one.size(), one.times()
            if size * times > left:
                break
            left, pos = left - size * times, pos + size * times
        else:
            break
        name = one.path or "unused"
        path = path + name[1:] if name[0] == "." else f"{path}.{name}" if path else name
        if one.stop >= 0 and one.path:
            index = left // size
            left, pos = left - index * size, pos + index * size
            path = f"{path}[{one.start + index}]"
        items = one.items
    error.member, error.offset = path, pos
    return error


def _value_of(state: Any, name: str) -> Any:
    for part in filter(None, name.split(".")):
        attribute, *indices = part.replace("]", "").split("[")
        state = getattr(state, attribute)
        for index in indices:
            state = state[int(index)]
    return state


def _misfit(value: Any, code: str) -> str:
    """Why a value does not fit its place, or nothing."""
    if value is None:
        return "must be present"
    if code == "?":
        return ""
    try:
        number = operator.index(value)
    except TypeError:
        return f"{value!r} is not an integer"
    low, high = LIMITS[code]
    return "" if low <= number <= high else f"{number} is not within {low} and {high}"


def _unfit(state: Any, items: tuple[_Item, ...], optional: bool) -> BadValue | None:
    for one in items:
        if not one.path:
            continue
        try:
            value = _value_of(state, one.name)
        except (AttributeError, LookupError, TypeError) as error:
            return None if optional else BadValue(str(error), None, one.path)
        if optional and value is None:
            return None
        if one.stop < 0:
            if reason := _misfit(value, one.code):
                return BadValue(reason, None, one.path)
            continue
        try:
            values = list(value)
        except TypeError:
            return BadValue(f"{value!r} is not an array", None, one.path)
        if len(values) != one.length:
            return BadValue(f"{len(values)} elements, not {one.length}", None, one.path)
        for index in range(one.start, one.stop):
            if one.items:
                if inner := _unfit(values[index], one.items, False):
                    inner.under(f"{one.path}[{index}]")
                    return inner
            elif reason := _misfit(values[index], one.code):
                return BadValue(reason, None, f"{one.path}[{index}]")
    return None


def _miscounted(state: Any, items: Sequence[_Item]) -> BadValue | None:
    """A list with more elements than its table names one by one."""
    lengths: dict[str, tuple[str, int]] = {}
    for one in items:
        if one.stop < 0 and one.path.endswith("]"):
            path, _, index = one.path.rpartition("[")
            name = one.name.rpartition("[")[0]
            least = lengths.get(name, ("", 0))[1]
            lengths[name] = path, max(least, int(index[:-1]) + 1)
        elif one.items:
            for at, element in enumerate(_value_of(state, one.name)):
                if inner := _miscounted(element, one.items):
                    inner.under(f"{one.path}[{at}]")
                    return inner
    for name, (path, length) in lengths.items():
        if len(values := _value_of(state, name)) != length:
            return BadValue(f"{len(values)} elements, not {length}", None, path)
    return None


def unsavable(error: Exception, state: Any, *runs: str) -> BadValue:
    """The error for a state that cannot be packed: names the first field that does not fit.

    A run that begins with ``?`` is of a field that may be absent.
    """
    for fields in runs:
        optional = fields.startswith("? ")
        found = _unfit(state, _parse(fields[2:] if optional else fields), optional)
        if found is not None:
            return found
    if "values to unpack" in str(error):
        items = [one for fields in runs for one in _parse(fields.removeprefix("? "))]
        if miscounted := _miscounted(state, items):
            return miscounted
    return BadValue(f"cannot be packed: {error}")


# --- codecs by wire name ------------------------------------------------------------


class Codec(NamedTuple):
    """How to load and save the sections of one name."""

    name: str
    version_id: int
    minimum_version_id: int
    state: type[Any]
    load: Callable[..., tuple[Any, int]]
    save: Callable[..., bytes]


class Codecs(Mapping[str, Codec]):
    """Codecs by wire name; a module is imported when one of its codecs is asked for.

    A section is found by its whole name (``0000:00:02.0/vga``), or by what stands after
    the device path.  Where two descriptions have one name, the key ``*/vga`` is that of
    devices with a path and ``vga`` the other's.  Where no path tells them apart either,
    each has a key with the device's type behind it (``serial:isa-serial``), and the name
    alone is nobody's: :meth:`choose` finds out whose it is.
    """

    __slots__ = ("_modules", "_package", "_rivals")

    def __init__(
        self,
        package: str,
        modules: Mapping[str, str],
        rivals: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> None:
        self._package = package
        self._modules = modules
        self._rivals = rivals or {}

    def __getitem__(self, name: str) -> Codec:
        key = self._key(name)
        if key is None:
            raise KeyError(name)
        if key in self._rivals:
            raise KeyError(f"{name}: {_one_of(self._rivals[key])}")
        codec: Codec = import_module(self._modules[key], self._package).CODECS[key]
        return codec

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        key = self._key(name)
        return key is not None and key not in self._rivals

    def choose(
        self,
        name: str,
        description: Mapping[str, Any] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> Codec:
        """The codec of a section, also where several devices have one of its name.

        ``description`` is the section's entry in the stream's description JSON: its
        fields may tell.  ``answers`` has the device's type (``isa-serial``) by the
        section's name.  Raises KeyError for a name that nobody has, and MissingContext
        where neither tells, or for a type that none of them is.
        """
        key = self._key(name)
        if key is None or key not in self._rivals:
            return self[name]
        rivals = self._rivals[key]
        answer = (answers or {}).get(key.removeprefix("*/"))
        if answer is not None:
            found = [one for one in rivals if one == f"{key}:{answer}"]
        else:
            there = _field_names(description)
            found = [one for one, fields in rivals.items() if there <= {*fields}]
        if len(found) != 1:
            asked = MissingContext(_one_of(rivals))
            asked.within(name)
            raise asked
        return self[found[0]]

    def _key(self, name: str) -> str | None:
        """The key of a section's name, None if no codec is for it."""
        behind = False
        while True:
            keys = (f"*/{name}", name) if behind else (name, f"*/{name}")
            for key in keys:
                if key in self._modules or key in self._rivals:
                    return key
            _, slash, name = name.partition("/")
            if not slash:
                return None
            behind = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def _field_names(description: Mapping[str, Any] | None) -> set[str]:
    """The names of a section's fields, if a description tells them: it is a stream's, and
    may be anything."""
    fields = description.get("fields") if isinstance(description, Mapping) else None
    names = (
        [one.get("name") for one in fields or () if isinstance(one, Mapping)]
        if isinstance(fields, list)
        else []
    )
    return {one.partition("[")[0] for one in names if isinstance(one, str)}


def _one_of(rivals: Mapping[str, Any]) -> str:
    return f"several devices have such a section: {' or '.join(rivals)}"
