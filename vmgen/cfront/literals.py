"""Values of C literals: integers with their C type, characters, strings, floats."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+)([uU]?(?:ll?|LL?)?[uU]?)\Z")
_ESCAPE = re.compile(
    r"""\\(?:([0-7]{1,3})|x([0-9a-fA-F]+)|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))""",
    re.DOTALL,
)
_SIMPLE_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_FRAGMENT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
#: Candidate types by suffix, decimal and otherwise (C17 6.4.4.1, LP64).
_INT, _UINT = ("int", 31), ("unsigned int", 32)
_LONG, _ULONG = ("long", 63), ("unsigned long", 64)
_LLONG, _ULLONG = ("long long", 63), ("unsigned long long", 64)
_CANDIDATES = {
    "": ((_INT, _LONG), (_INT, _UINT, _LONG, _ULONG)),
    "u": ((_UINT, _ULONG), (_UINT, _ULONG)),
    "l": ((_LONG,), (_LONG, _ULONG)),
    "lu": ((_ULONG,), (_ULONG,)),
    "ll": ((_LLONG,), (_LLONG, _ULLONG)),
    "llu": ((_ULLONG,), (_ULLONG,)),
}


def integer(text: str) -> tuple[int, str]:
    """The value and the C type of an integer constant.

    Raises :class:`ValueError` for a malformed one, and for one that no type holds.
    """
    match = _INTEGER.match(text)
    if not match:
        raise ValueError(f"{text!r} is not an integer constant")
    digits, suffix = match[1], "".join(sorted(match[2].lower()))
    if suffix not in _CANDIDATES:
        raise ValueError(f"{text!r} has a suffix that C does not know")
    is_decimal = digits == "0" or digits[0] != "0"
    value = int(digits, 0 if is_decimal or digits[1] in "xXbB" else 8)
    for name, bits in _CANDIDATES[suffix][0 if is_decimal else 1]:
        if value >> bits == 0:
            return value, name
    raise ValueError(f"{text!r} is too large for every C integer type")


_FLOATING = re.compile(
    r"(0[xX][0-9a-fA-F.]+[pP][-+]?\d+|[\d.]+(?:[eE][-+]?\d+)?)([fF](?:16|32|64|128)?x?|[lLqQ])?\Z"
)
_FLOAT_TYPES = {
    "": "double", "f": "float", "f16": "_Float16", "f32": "float", "f32x": "double", "f64": "double",
    "l": "long double", "q": "long double", "f64x": "long double", "f128": "long double",
}  # fmt: skip


def floating(text: str) -> tuple[float, str]:
    """The value and the C type of a floating constant, as the front end reads ``_Float16``
    and its kin; raises :class:`ValueError` for a malformed one."""
    match = _FLOATING.match(text)
    type_ = _FLOAT_TYPES.get((match[2] or "").lower()) if match else None
    if match is None or type_ is None:
        raise ValueError(f"{text!r} is not a floating constant")
    digits = match[1]
    return (float.fromhex if "x" in digits.lower() else float)(digits), type_


def _replace(match: re.Match[str]) -> str:
    octal, hexadecimal, short, long, simple = match.groups()
    if octal:
        return chr(int(octal, 8) & 0xFF)
    if hexadecimal:
        return chr(int(hexadecimal, 16) & 0xFF)
    if short or long:
        code_point = chr(int(short or long, 16))
        return code_point.encode().decode("latin-1")
    return _SIMPLE_ESCAPES.get(simple, simple)


def _bytes(text: str) -> str:
    """Source text as the bytes that the compiler sees, as latin-1."""
    return (
        text
        if text.isascii()
        else text.encode("utf-8", "surrogateescape").decode("latin-1")
    )


def string(text: str) -> str:
    """The characters of one or more adjacent string literals, one per byte (latin-1).

    Raises :class:`ValueError` for one of wide characters.
    """
    if text[0] in "LU" or (text[0] == "u" and not text.startswith("u8")):
        raise ValueError("a string of wide characters is not read")
    return "".join(
        _ESCAPE.sub(_replace, _bytes(body)) for body in _FRAGMENT.findall(text)
    )


_CHARACTER_TYPES = {"L": "int", "u": "unsigned short", "U": "unsigned int"}


def character(text: str) -> tuple[int, str]:
    """The value and the C type of a character constant (a ``char`` is signed on x86-64).

    Raises :class:`ValueError` for an empty one.
    """
    prefix, body = text.split("'", 1)
    body = _ESCAPE.sub(_replace, body[:-1] if prefix else _bytes(body[:-1]))
    if not body:
        raise ValueError("empty character constant")
    if prefix:
        return ord(body[-1]), _CHARACTER_TYPES.get(prefix, "unsigned char")
    value = 0
    for byte in body:
        value = (value << 8 | ord(byte)) & 0xFFFF_FFFF
    sign = 0x80 if len(body) == 1 else 1 << 31
    return value - 2 * (value & sign), "int"
