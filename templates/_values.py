"""Members of states as values: compared, as JSON has them, and as text for people."""

from __future__ import annotations

import operator
import typing
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._arrays import Array
from ._errors import BadValue
from ._schema import CODES, Member, StateType, alternatives

if typing.TYPE_CHECKING:
    from ._state import State


_ARRAYS = (array, bytearray, bytes, list, tuple)


def same(one: Any, other: Any) -> bool:
    """Whether two members are the same; an array is, whatever holds its elements."""
    if type(one) is type(other) and not isinstance(one, (list, tuple)):
        return bool(one == other)
    if isinstance(one, _ARRAYS) and isinstance(other, _ARRAYS):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def plain(value: Any) -> Any:
    if isinstance(type(value), StateType):
        return value.to_dict()
    if isinstance(value, (bytearray, bytes)):
        return value.hex()
    if isinstance(value, array):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    return value


def value_of(hint: Any, value: Any, member: Member) -> Any:
    """A member's value of what JSON has for it."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if choices := alternatives(hint):
        if value is None and type(None) in choices:
            return None
        hint, *more = (one for one in choices if one is not type(None))
        return value if more else value_of(hint, value, member)
    if isinstance(hint, StateType):
        cls = typing.cast("type[State]", hint)
        return value if isinstance(value, cls) else cls.from_dict(value)
    if hint is int or hint is bool:
        try:
            number = operator.index(value)
        except TypeError:
            raise BadValue(f"{value!r} is not a number") from None
        return bool(number) if hint is bool and number in (0, 1) else number
    if hint is bytearray:
        return _bytes(value)
    if hint is array or origin is array:
        return _numbers(value, member)
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            raise BadValue(f"{value!r} is not an array")
        kinds = inner if origin is tuple else inner * len(value)
        if len(kinds) != len(value):
            raise BadValue(f"{len(value)} elements, not {len(kinds)}")
        made = []
        for index, (kind, one) in enumerate(zip(kinds, value, strict=True)):
            try:
                made.append(value_of(kind, one, member))
            except BadValue as error:
                error.under(f".[{index}]")
                raise
        return tuple(made) if origin is tuple else made
    return value


def _bytes(value: Any) -> bytearray:
    try:
        return bytearray.fromhex(value) if isinstance(value, str) else bytearray(value)
    except (TypeError, ValueError):
        raise BadValue(f"{value!r} is not hexadecimal") from None


def _numbers(value: Any, member: Member) -> Array:
    code = CODES.get(member.type)
    if code is None:
        default = None if member.make is None else member.make()
        code = default.typecode if isinstance(default, array) else "Q"
    try:
        return array(code, value if isinstance(value, array) else list(value))
    except (TypeError, OverflowError) as error:
        raise BadValue(f"not an array of {member.type}: {error}") from None


def lines(state: State, indent: str) -> Iterator[str]:
    """A state's members, one a line, numbers in hexadecimal."""
    for name in type(state).__vmstate_declared__:
        yield from _line(name, getattr(state, name), indent)


def _line(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(type(value), StateType):
        yield f"{indent}{name}:"
        yield from lines(value, f"{indent}  ")
    elif isinstance(value, (list, tuple)) and not all(
        isinstance(one, int) for one in value
    ):
        for index, one in enumerate(value):
            yield from _line(f"{name}[{index}]", one, indent)
    else:
        yield f"{indent}{name} = {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, (bytes, bytearray)):
            return value.hex(" ", 4) if any(value) else f"00 x {len(value)}"
        if isinstance(value, (array, list, tuple)):
            return f"[{', '.join(_runs(value))}]"
        return "absent" if value is None else str(value)
    return hex(value)


def _runs(values: Sequence[int]) -> Iterator[str]:
    """Elements in hexadecimal, those that repeat with how often."""
    start = 0
    for end in range(1, len(values) + 1):
        if end == len(values) or values[end] != values[start]:
            times = end - start
            yield _text(values[start]) + (f" x {times}" if times > 1 else "")
            start = end
