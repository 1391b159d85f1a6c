"""GCC's bit-counting and byte-swapping builtins on constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vmgen.cfront.arithmetic import BASIC_TYPES, INT, VOID, integer_of
from vmgen.cfront.ctype import CType, Integer


@dataclass(frozen=True, slots=True)
class Builtin:
    """A builtin: its result, the type its one argument is converted to, and its value
    (None where it has none before the program runs)."""

    result: CType
    argument: Integer = INT
    fold: Callable[[int], int] | None = None


def _integer(name: str) -> Integer:
    type = integer_of(BASIC_TYPES[name])
    assert type is not None
    return type


def _swap(size: int) -> Callable[[int], int]:
    return lambda value: int.from_bytes(value.to_bytes(size, "big"), "little")


def _find_first_set(value: int) -> int:
    return (value & -value).bit_length()


def _trailing_zeros(bits: int) -> Callable[[int], int]:
    return lambda value: _find_first_set(value) - 1 if value else bits


def _leading_zeros(bits: int) -> Callable[[int], int]:
    return lambda value: bits - value.bit_length()


def _parity(value: int) -> int:
    return value.bit_count() & 1


def _builtins() -> dict[str, Builtin]:
    table = {
        "__builtin_constant_p": Builtin(INT),
        "__builtin_unreachable": Builtin(VOID),
        "__builtin_trap": Builtin(VOID),
        "__builtin_bswap16": Builtin(
            _integer("unsigned short"), _integer("unsigned short"), _swap(2)
        ),
        "__builtin_bswap32": Builtin(
            _integer("unsigned int"), _integer("unsigned int"), _swap(4)
        ),
        "__builtin_bswap64": Builtin(
            _integer("unsigned long"), _integer("unsigned long"), _swap(8)
        ),
    }
    for suffix, name in (
        ("", "unsigned int"),
        ("l", "unsigned long"),
        ("ll", "unsigned long long"),
    ):
        type = _integer(name)
        table[f"__builtin_popcount{suffix}"] = Builtin(INT, type, int.bit_count)
        table[f"__builtin_parity{suffix}"] = Builtin(INT, type, _parity)
        # Of zero these are undefined in C; GCC folds them to the width.
        bits = 8 * type.size
        table[f"__builtin_ctz{suffix}"] = Builtin(INT, type, _trailing_zeros(bits))
        table[f"__builtin_clz{suffix}"] = Builtin(INT, type, _leading_zeros(bits))
        table[f"__builtin_ffs{suffix}"] = Builtin(INT, type, _find_first_set)
    return table


#: The builtins that are known, by name.
BUILTINS = _builtins()
