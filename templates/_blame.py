"""Which field of a fixed run it was, once loading or saving it has failed."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from struct import Struct
from types import FunctionType
from typing import Any, NamedTuple

from ._arrays import Buffer
from ._errors import BadValue, Truncated


class Run(Struct):
    """Fields of a fixed size: how they are packed, and what messages say of them.

    ``fields`` lists them by C path (:func:`_items`); ``? `` in front of the list says
    that a state may lack them.  ``packs`` are functions that each pack so many values,
    and the last one the rest, of a run that has more than a call should get.
    """

    __slots__ = ("fields", "packs")

    def __init__(self, format: str, fields: str, most: int = 0) -> None:
        super().__init__(format)
        self.fields = fields
        self.packs = tuple(_packs(format, most)) if most else ()


def _packs(format: str, most: int) -> Iterator[Callable[..., bytes]]:
    order, room = format[0], most
    piece = order
    for digits, code in _CODES.findall(format):
        left = 1 if code in "sx" else int(digits or 1)
        while left:
            if not room and code != "x":
                yield Struct(piece).pack
                piece, room = order, most
            now = left if code in "sx" else min(left, room)
            piece += f"{digits if code in 'sx' else now}{code}"
            left, room = left - now, room - (now if code != "x" else 0)
    yield Struct(piece).pack


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
_CODES = re.compile(r"(\d*)([a-zA-Z?])")
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
    plain = fields.removeprefix("? ")
    return _items(iter(plain.replace("(", "( ").replace(")", " )").split()))


class _Cut:
    """Stands for a run that may be cut off: the same values, or the error."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def unpack_from(self, buf: Buffer, pos: int) -> tuple[Any, ...]:
        if pos + self.run.size > len(buf):
            raise truncated(buf, pos, self.run.fields)
        return self.run.unpack_from(buf, pos)


def explain(loader: Callable[..., Any], *arguments: Any) -> None:
    """Call a loader once more, after a run did not fit: Truncated with the field and the
    byte.  So the loader itself need not keep account of them."""
    assert isinstance(loader, FunctionType)
    names = {
        name: _Cut(one) if isinstance(one, Run) else one
        for name, one in loader.__globals__.items()
    }
    FunctionType(loader.__code__, names)(*arguments)


def runs_of(saver: Callable[..., Any]) -> Iterator[Run]:
    """The runs that a saver packs, in order."""
    assert isinstance(saver, FunctionType)
    for name in saver.__code__.co_names:
        if isinstance(one := saver.__globals__.get(name), Run):
            yield one


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
    done = ""
    for part in filter(None, name.split(".")):
        attribute, *indices = part.replace("]", "").split("[")
        try:
            state = getattr(state, attribute)
        except AttributeError:
            if not done:
                raise
            wrong = "must be present" if state is None else f"{state!r} is no object"
            raise AttributeError(f"{done}: {wrong}") from None
        for index in indices:
            if state is None:
                raise TypeError("must be present")
            state = state[int(index)]
        done = f"{done}.{part}" if done else part
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


def unfit(state: Any, fields: str) -> BadValue | None:
    """The error for the first field of a run that does not fit.

    A run that begins with ``?`` is of a field that may be absent.
    """
    return _unfit(state, _parse(fields), fields.startswith("? "))


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


def unsavable(error: Exception, state: Any, saver: Callable[..., Any]) -> BadValue:
    """The error for a state that the saver cannot pack: names the first field that does
    not fit."""
    runs = tuple(runs_of(saver))
    if "values to unpack" in str(error):
        items = [item for one in runs for item in _parse(one.fields)]
        with suppress(AttributeError, LookupError, TypeError):
            if miscounted := _miscounted(state, items):
                return miscounted
    for one in runs:
        if (found := unfit(state, one.fields)) is not None:
            return found
    return BadValue(f"cannot be packed: {error}")
