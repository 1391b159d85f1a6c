"""Loading: sections, nested descriptions, arrays of pointers, lists and trees."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

from ._arrays import Buffer
from ._blame import explain
from ._context import Scope
from ._errors import (
    BadValue,
    TooNew,
    TooOld,
    Truncated,
    UnknownSubsection,
    VMStateError,
)
from ._state import Owner, State, method

T = TypeVar("T")
K = TypeVar("K")
S = TypeVar("S", bound=State)

# ``(buffer, position, version, scope, owner)`` -> value and its end
Loader: TypeAlias = Callable[[Buffer, int, int, Scope, Owner], tuple[T, int]]


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


def loaded(
    cls: type[S], buf: Buffer, pos: int, version: int, scope: Scope, owner: Owner
) -> tuple[S, int]:
    """The state at ``pos`` and where it ends: its fields, then its subsections
    (``vmstate_load_state``)."""
    if (answered := cls.__vmstate_answers__) is not None:
        made, end = answered(buf, pos, version, scope, owner)
        return cast(S, made), end
    return plain(cls, buf, pos, version, scope, owner)


def plain(
    cls: type[S], buf: Buffer, pos: int, version: int, scope: Scope, owner: Owner
) -> tuple[S, int]:
    """The state at ``pos`` as the bytes and the context say it."""
    return filled(object.__new__(cls), buf, pos, version, scope, owner)


def filled(
    state: S, buf: Buffer, pos: int, version: int, scope: Scope, owner: Owner
) -> tuple[S, int]:
    """The same, of an object that has no members yet."""
    try:
        end = state.__load__(buf, pos, version, scope, owner)
    except struct.error:
        load = method(type(state), "load", version)
        explain(load, state, buf, pos, version, scope, owner)
        raise Truncated("the buffer ends", pos) from None
    if end < len(buf) and buf[end] == 5:
        end = subsections(state, buf, end, scope, owner)
    return state, end


def loader(cls: type[S]) -> Loader[S]:
    """Loads states of the class, where plain values could stand too."""
    return partial(loaded, cls)


def subsections(state: State, buf: Buffer, pos: int, scope: Scope, owner: Owner) -> int:
    """Load the subsections at ``pos`` into attributes of ``state``; return their end.

    As ``vmstate_subsection_load`` does: a byte other than 5, a name that is not longer
    than the description's or does not begin with it, or a cut name is not a subsection
    of ours; one that begins with it and is not in the table is an error.  A subsection
    that comes twice replaces the first, and of the version the low byte counts.  Of two
    in the table with one name the first is meant (``vmstate_get_subsection``; the
    ``sd-card`` of 10.2 has two).
    """
    section = type(state).__vmstate_section__
    if section is None or not section.name:
        return pos
    name = section.name.encode()
    least, size, owners = len(name), len(buf), (state, *owner)
    while pos + 1 < size and buf[pos] == 5 and buf[pos + 1] > least:
        end = pos + 2 + buf[pos + 1]
        found = bytes(buf[pos + 2 : end])
        if end > size or not found.startswith(name):
            return pos
        for one in type(state).__vmstate_subsections__():
            if one.wire == found:
                break
        else:
            text = found.decode("utf-8", "backslashreplace")
            raise UnknownSubsection(f"unknown subsection {text!r}", pos)
        try:
            if end + 4 > size:
                raise Truncated("the version is cut off", end)
            version, inner = buf[end + 3], one.cls.__vmstate_section__
            assert inner is not None
            if not inner.minimum <= version <= inner.current:
                window(version, inner.minimum, inner.current, end)
            below = scope if scope.node is None else scope.section(found.decode())
            value, pos = loaded(one.cls, buf, end + 4, version, below, owners)
        except VMStateError as error:
            error.within(found.decode())
            raise
        setattr(state, one.attribute, value)
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
    cls: type[S],
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    name: str,
    path: str = "",
    owner: Owner = (),
) -> tuple[S, int]:
    """One element of a nested description; a temporary has its parent as owner.

    ``path`` is the member's C path where that is not the field's ``name``.
    """
    try:
        inner = scope if scope.node is None else scope.field(name)
        return loaded(cls, buf, pos, version, inner, owner)
    except VMStateError as error:
        error.under(path or name)
        raise


def embedded_many(
    cls: type[S],
    count: int,
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    name: str,
    path: str,
    least: int,
    start: int = 0,
) -> tuple[list[S], int]:
    """``count`` elements of a nested description, the first of them ``path[start]``.

    ``least`` is how many bytes an element has at least.
    """
    extent(buf, pos, count, least, path)
    made: list[S] = []
    index = 0
    try:
        for index in range(count):
            inner = scope if scope.node is None else scope.field(name, index)
            value, pos = loaded(cls, buf, pos, version, inner, ())
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


def until(
    loader: Loader[T],
    word: str,
    buf: Buffer,
    pos: int,
    version: int,
    scope: Scope,
    path: str,
) -> tuple[list[T], int]:
    """Elements that begin with a positive ``word``, until one that is not positive and
    has nothing behind it."""
    first = struct.Struct(word)
    made: list[T] = []
    while True:
        if pos + first.size > len(buf):
            raise Truncated("the list does not end", pos, f"{path}[{len(made)}]")
        if first.unpack_from(buf, pos)[0] <= 0:
            return made, pos + first.size
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
