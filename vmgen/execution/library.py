"""What the C library and GLib do, as far as start-up code needs it.

C11 7.24 (strings); GLib's ``ghash.c``, ``glist.c``, ``gmem.c``, ``gstrfuncs.c``; QEMU's ``util/bitops.c`` and
``util/error.c``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cmp_to_key
from typing import Any, TypeAlias

from vmgen.cfront.arithmetic import wrap
from vmgen.cfront.ctype import Integer
from vmgen.execution.context import Caller
from vmgen.execution.memory import (
    Address,
    Aggregate,
    FunctionValue,
    MemoryBlock,
    NotKnown,
    UnknownValue,
    Value,
    copy,
    fill,
    load,
    store,
)
from vmgen.source import Position

_UNSET = UnknownValue("memory that nothing set")
_CONVERSION = re.compile(r"%(0?)(\d*)(hh|h|ll|l|z|)([sdiuxXc%])")
_WIDTHS = {"hh": 1, "h": 2, "": 4, "l": 8, "ll": 8, "z": 8}
_MOST_WIDTH = 100


@dataclass(slots=True, eq=False)
class _Table:
    """A hash table: by key, the key as given and its value.

    Keys are compared as values, or by what they point to: a string (``size`` 0) or a
    number of ``size`` bytes.
    """

    size: int | None = None
    entries: dict[object, tuple[Value, Value]] = field(default_factory=dict)


MOST_ALLOCATED = 1 << 26
"""Bytes that a program may allocate in all."""


@dataclass(slots=True)
class CLibrary:
    """The functions, with the hash tables and lists that they made."""

    _tables: dict[MemoryBlock, _Table] = field(default_factory=dict)
    _lists: dict[MemoryBlock, list[Value]] = field(default_factory=dict)
    _allocated: int = 0

    def call(
        self, program: Caller, name: str, arguments: list[Value], position: Position
    ) -> Value | None:
        """The result of a function; None if it is not one of these."""
        function = _FUNCTIONS.get(name)
        if function is None:
            return None
        return function(self, program, arguments, position)

    def keys(self, table: Value) -> list[Value]:
        """The keys of a hash table."""
        return [key for key, _ in self._table(table).entries.values()]

    def _table(self, value: Value) -> _Table:
        if isinstance(value, Address) and value.block in self._tables:
            return self._tables[value.block]
        raise NotKnown("a hash table that vmgen did not see made")

    def _list(self, value: Value) -> list[Value]:
        if value == 0:
            return []
        if isinstance(value, Address) and value.block in self._lists:
            return self._lists[value.block]
        raise NotKnown("a list that vmgen did not see made")

    def _new_list(self, items: list[Value]) -> Value:
        if not items:
            return 0
        block = MemoryBlock(24, "a list", UnknownValue("the inside of a list"))
        self._lists[block] = items
        return Address(block, 0)


_Call: TypeAlias = Callable[[CLibrary, Caller, list[Value], Position], Value]


def _number(value: Value, position: Position) -> int:
    if isinstance(value, int):
        return value
    why = (
        value.why if isinstance(value, UnknownValue) else "a number that is an address"
    )
    raise NotKnown(why, position)


def _place(value: Value, position: Position) -> Address:
    if isinstance(value, Address):
        return value
    why = value.why if isinstance(value, UnknownValue) else "memory at no address"
    raise NotKnown(why, position)


def string(value: Value, position: Position) -> str:
    """The string that a pointer points to, one character a byte."""
    block, offset = _place(value, position)
    end = block.data.find(0, offset) if offset >= 0 else -1
    if end < 0:
        raise NotKnown("a string without an end", position)
    held = copy(Address(block, offset), end + 1 - offset)
    if held.pointers or held.unknown:
        raise NotKnown("a string that is not known", position)
    return held.data[:-1].decode("latin-1")


# --- memory ---------------------------------------------------------------------------


def _allocate(library: CLibrary, size: int, zero: bool) -> Value:
    if not size:
        return 0
    library._allocated += size
    if library._allocated > MOST_ALLOCATED:
        raise NotKnown("more memory than vmgen gives to C")
    return Address(MemoryBlock(size, "memory", None if zero else _UNSET), 0)


def _malloc(zero: bool) -> _Call:
    return lambda library, program, given, at: _allocate(
        library, _number(given[0], at), zero
    )


def _malloc_n(zero: bool) -> _Call:
    def allocate(
        library: CLibrary, program: Caller, given: list[Value], at: Position
    ) -> Value:
        return _allocate(library, _number(given[0], at) * _number(given[1], at), zero)

    return allocate


def _memcpy(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    size = _number(given[2], at)
    if size:
        store(_place(given[0], at), size, copy(_place(given[1], at), size))
    return given[0]


def _memset(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    fill(_place(given[0], at), _number(given[2], at), _number(given[1], at))
    return given[0]


def _memdup(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    size = _number(given[1], at)
    if given[0] == 0 or not size:
        return 0
    made = Address(MemoryBlock(size, "a copy"), 0)
    store(made, size, copy(_place(given[0], at), size))
    return made


# --- strings --------------------------------------------------------------------------


def _text(program: Caller, text: str) -> Value:
    block = MemoryBlock(len(text) + 1, "a string")
    block.data[: len(text)] = text.encode("latin-1", "replace")
    return Address(block, 0)


def _strlen(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    return len(string(given[0], at))


def _strcmp(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    if 0 in given[:2]:  # g_strcmp0
        return (given[0] != 0) - (given[1] != 0)
    one, other = string(given[0], at), string(given[1], at)
    if len(given) > 2:
        size = _number(given[2], at)
        one, other = one[:size], other[:size]
    return (one > other) - (one < other)


def _strdup(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    return 0 if given[0] == 0 else _text(program, string(given[0], at))


def _printed(given: list[Value], at: Position) -> str:
    """What a format makes of the values behind it."""
    rest = iter(given[1:])

    def one(match: re.Match[str]) -> str:
        zero, width, size, kind = match.groups()
        if kind == "%":
            return "%"
        value = next(rest, None)
        if value is None:
            raise NotKnown("a format without its value", at)
        wide = min(int(width or 0), _MOST_WIDTH)
        if kind == "s":
            return string(value, at).rjust(wide)
        number = _number(value, at)
        if kind == "c":
            return chr(number & 0xFF).rjust(wide)
        of = Integer("", _WIDTHS[size], kind in "di")
        text = format(wrap(number, of), kind if kind in "xX" else "d")
        return text.zfill(wide) if zero else text.rjust(wide)

    written = string(given[0], at)
    if "%" in _CONVERSION.sub("", written):
        raise NotKnown(f"the format {written!r}", at)
    return _CONVERSION.sub(one, written)


def _strdup_printf(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    return _text(program, _printed(given, at))


def _sprintf(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    text = _printed(given[1:], at)
    _put_text(given[0], text, at)
    return len(text)


def _snprintf(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    text, size = _printed(given[2:], at), _number(given[1], at)
    if size:
        _put_text(given[0], text[: size - 1], at)
    return len(text)


def _put_text(place: Value, text: str, at: Position) -> None:
    data = text.encode("latin-1", "replace") + b"\0"
    store(_place(place, at), len(data), Aggregate(data, (), ()))


# --- hash tables and lists ------------------------------------------------------------


def _key(table: _Table, value: Value, at: Position) -> object:
    if table.size == 0:
        return string(value, at)
    if table.size is not None:
        value = load(_place(value, at), table.size, False)
    if isinstance(value, UnknownValue):
        raise NotKnown(value.why, at)
    return value


_HASHED = {"g_direct_hash": None, "g_str_hash": 0, "g_int_hash": 4, "g_int64_hash": 8}


def _table_new(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    block = MemoryBlock(8, "a hash table", UnknownValue("the inside of a hash table"))
    hashed = given[0]
    name = hashed.name if isinstance(hashed, FunctionValue) else "g_direct_hash"
    if name not in _HASHED:
        raise NotKnown("a hash table with a function of its own", at)
    library._tables[block] = _Table(_HASHED[name])
    return Address(block, 0)


def _table_insert(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    table = library._table(given[0])
    key = _key(table, given[1], at)
    added = key not in table.entries
    table.entries[key] = given[1], given[2]
    return int(added)


def _table_lookup(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    table = library._table(given[0])
    found = table.entries.get(_key(table, given[1], at))
    return 0 if found is None else found[1]


def _table_contains(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    table = library._table(given[0])
    return int(_key(table, given[1], at) in table.entries)


def _table_remove(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    table = library._table(given[0])
    return int(table.entries.pop(_key(table, given[1], at), None) is not None)


def _table_size(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    return len(library._table(given[0]).entries)


def _table_keys(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    return library._new_list(library.keys(given[0]))


def _table_each(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    for key, value in [*library._table(given[0]).entries.values()]:
        program.call(_function(given[1], at), [key, value, given[2]], at)
    return 0


def _function(value: Value, at: Position) -> FunctionValue:
    if not isinstance(value, FunctionValue):
        raise NotKnown("a function that is not known", at)
    return value


def _list_sort(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    order = _order(program, given[1], given[2:], at)
    return library._new_list(sorted(library._list(given[0]), key=order))


def _order(
    program: Caller, function: Value, data: list[Value], at: Position
) -> Callable[[Value], Any]:
    """The key by which C's comparing function sorts."""
    compare = _function(function, at)

    def order(one: Value, other: Value) -> int:
        return _number(program.call(compare, [one, other, *data], at), at)

    return cmp_to_key(order)


def _qsort(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    count, size = _number(given[1], at), _number(given[2], at)
    if not count:
        return 0
    start = _place(given[0], at)
    # The function sees the elements in a copy, which stays while they are put back.
    whole = Address(MemoryBlock(count * size, "an array that is sorted"), 0)
    store(whole, count * size, copy(start, count * size))
    order = _order(program, given[3], [], at)
    places = [Address(whole.block, size * number) for number in range(count)]
    for number, place in enumerate(sorted(places, key=order)):
        store(
            Address(start.block, start.offset + size * number), size, copy(place, size)
        )
    return 0


def _list_each(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    for one in library._list(given[0]):
        program.call(_function(given[1], at), [one, given[2]], at)
    return 0


def _find_last_bit(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    size = _number(given[1], at)
    held = copy(_place(given[0], at), (size + 63) // 64 * 8)
    if held.pointers or held.unknown:
        raise NotKnown("bits that are not known", at)
    number = int.from_bytes(held.data, "little") & ((1 << size) - 1)
    return number.bit_length() - 1 if number else size


def _refused(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    raise NotKnown(f"QEMU ends here: {string(given[4], at)}", at)


def _nothing(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    return 0


def _abort(
    library: CLibrary, program: Caller, given: list[Value], at: Position
) -> Value:
    raise NotKnown("an assertion that does not hold", at)


_FUNCTIONS: dict[str, _Call] = {
    "malloc": _malloc(False),
    "g_malloc": _malloc(False),
    "g_malloc0": _malloc(True),
    "g_malloc_n": _malloc_n(False),
    "g_malloc0_n": _malloc_n(True),
    "calloc": _malloc_n(True),
    "free": _nothing,
    "g_free": _nothing,
    "memcpy": _memcpy,
    "memmove": _memcpy,
    "memset": _memset,
    "g_memdup": _memdup,
    "g_memdup2": _memdup,
    "strlen": _strlen,
    "strcmp": _strcmp,
    "strncmp": _strcmp,
    "g_strcmp0": _strcmp,
    "g_strdup": _strdup,
    "g_strdup_printf": _strdup_printf,
    "sprintf": _sprintf,
    "snprintf": _snprintf,
    "g_hash_table_new": _table_new,
    "g_hash_table_new_full": _table_new,
    "g_hash_table_insert": _table_insert,
    "g_hash_table_replace": _table_insert,
    "g_hash_table_lookup": _table_lookup,
    "g_hash_table_contains": _table_contains,
    "g_hash_table_remove": _table_remove,
    "g_hash_table_size": _table_size,
    "g_hash_table_get_keys": _table_keys,
    "g_hash_table_foreach": _table_each,
    "g_hash_table_unref": _nothing,
    "g_list_sort": _list_sort,
    "g_list_sort_with_data": _list_sort,
    "qsort": _qsort,
    "g_list_foreach": _list_each,
    "g_list_free": _nothing,
    "find_last_bit": _find_last_bit,
    "error_setg_internal": _refused,
    "__assert_fail": _abort,
    "abort": _abort,
    "g_assertion_message_expr": _abort,
    "__builtin_unreachable": _abort,
    "__builtin_trap": _abort,
}
