"""C's integer arithmetic on x86-64: basic types, promotions, conversions, wrapping.

The rules are those of C11 6.3.1 with GCC's choices for what C leaves open: ``char`` is
signed, ``>>`` of a negative number is arithmetic, conversions to a narrower signed type
and signed overflow wrap (QEMU is built with ``-fwrapv``).
"""

from __future__ import annotations

from vmgen.cfront.ctype import (
    Array,
    CType,
    Enum,
    Float,
    FunctionSignature,
    Integer,
    Pointer,
    Void,
)

BOOL = Integer("_Bool", 1, False)
CHAR = Integer("char", 1, True)
INT = Integer("int", 4, True)
UNSIGNED_INT = Integer("unsigned int", 4, False)
LONG = Integer("long", 8, True)
UNSIGNED_LONG = Integer("unsigned long", 8, False)
DOUBLE = Float("double", 8)
VOID = Void()
VOID_POINTER = Pointer(VOID)

_INTEGERS = (
    BOOL,
    CHAR,
    Integer("signed char", 1, True),
    Integer("unsigned char", 1, False),
    Integer("short", 2, True),
    Integer("unsigned short", 2, False),
    INT,
    UNSIGNED_INT,
    LONG,
    UNSIGNED_LONG,
    Integer("long long", 8, True),
    Integer("unsigned long long", 8, False),
    Integer("__int128", 16, True),
    Integer("unsigned __int128", 16, False),
)

#: Every basic type by its canonical spelling (see ``syntax.BasicType``).
BASIC_TYPES: dict[str, CType] = {
    "void": VOID,
    "_Float16": Float("_Float16", 2),
    "float": Float("float", 4),
    "double": DOUBLE,
    "long double": Float("long double", 16),
    "float _Complex": Float("float _Complex", 8, 4),
    "double _Complex": Float("double _Complex", 16, 8),
    "long double _Complex": Float("long double _Complex", 32, 16),
    **{integer.name: integer for integer in _INTEGERS},
}

_RANKS = {
    "_Bool": 0,
    "char": 1,
    "signed char": 1,
    "unsigned char": 1,
    "short": 2,
    "unsigned short": 2,
    "int": 3,
    "unsigned int": 3,
    "long": 4,
    "unsigned long": 4,
    "long long": 5,
    "unsigned long long": 5,
    "__int128": 6,
    "unsigned __int128": 6,
}

_UNSIGNED = {
    "int": UNSIGNED_INT,
    "long": UNSIGNED_LONG,
    "long long": Integer("unsigned long long", 8, False),
    "__int128": Integer("unsigned __int128", 16, False),
}


def integer_of(type: CType) -> Integer | None:
    """The integer type behind an integer or enum type, None for any other type."""
    if isinstance(type, Enum):
        return type.base
    return type if isinstance(type, Integer) else None


def decayed(type: CType) -> CType:
    """Arrays and functions as the pointers they turn into (6.3.2.1)."""
    if isinstance(type, Array):
        return Pointer(type.element)
    return Pointer(type) if isinstance(type, FunctionSignature) else type


def limits(type: Integer) -> tuple[int, int]:
    """The smallest and the largest value of an integer type."""
    if type.name == "_Bool":
        return 0, 1
    bits = 8 * type.size
    return (
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        if type.signed
        else (0, (1 << bits) - 1)
    )


def wrap(value: int, type: Integer) -> int:
    """``value`` converted to ``type``: true or false for ``_Bool``, else modulo 2**bits."""
    if type.name == "_Bool":
        return int(value != 0)
    bits = 8 * type.size
    value &= (1 << bits) - 1
    if type.signed and value >> (bits - 1):
        value -= 1 << bits
    return value


def promote(type: Integer, bits: int | None = None) -> Integer:
    """The integer promotions (6.3.1.1); ``bits`` is the width if it is a bitfield."""
    if _RANKS[type.name] < _RANKS["int"]:
        return INT
    if bits is not None and bits <= 32:
        return INT if type.signed or bits < 32 else UNSIGNED_INT
    return type


def common(left: Integer, right: Integer) -> Integer:
    """The usual arithmetic conversions (6.3.1.8) of two integer types."""
    left, right = promote(left), promote(right)
    if left.name == right.name:
        return left
    if left.signed == right.signed:
        return left if _RANKS[left.name] >= _RANKS[right.name] else right
    signed, unsigned = (left, right) if left.signed else (right, left)
    if _RANKS[unsigned.name] >= _RANKS[signed.name]:
        return unsigned
    if signed.size > unsigned.size:
        return signed
    return _UNSIGNED[signed.name]


def divide(left: int, right: int) -> int:
    """C's ``/``: towards zero.  ``right`` must not be 0."""
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def remainder(left: int, right: int) -> int:
    """C's ``%``: has the sign of ``left``.  ``right`` must not be 0."""
    return left - right * divide(left, right)
