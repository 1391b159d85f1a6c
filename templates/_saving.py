"""Saving: the same in the other direction, and the checks that loading does not need."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, TypeVar

from ._blame import LIMITS, unfit, unsavable
from ._errors import PACK_ERRORS, BadValue, VMStateError
from ._schema import Subsection
from ._state import Owner, State, method

T = TypeVar("T")
K = TypeVar("K")
S = TypeVar("S", bound=State)

Saver: TypeAlias = Callable[[T, list[bytes], int, Owner], None]


def saved(cls: type[S], state: S, out: list[bytes], version: int, owner: Owner) -> None:
    """The bytes of a state: its fields, then its subsections (``vmstate_save_state_v``)."""
    if type(state) is not cls and not isinstance(state, cls):
        kind = f"{type(state).__name__} is not a {cls.__name__}"
        raise BadValue("must be present" if state is None else kind)
    try:
        state.__save__(out, version, owner)
    except PACK_ERRORS as error:
        raise unsavable(error, state, method(cls, "save", version)) from None
    inner = state.__vmstate_inner__
    if inner:
        owners = (state, *owner)
        for one in cls.__vmstate_subsections__():
            if (value := inner.get(one.attribute)) is not None:
                _subsection(out, one, value, owners)


def saver(cls: type[S]) -> Saver[S]:
    """Saves states of the class, where plain values could stand too."""
    return partial(saved, cls)


def _subsection(out: list[bytes], one: Subsection, state: Any, owner: Owner) -> None:
    """A subsection's header and its fields (``vmstate_subsection_save``)."""
    try:
        section = one.cls.__vmstate_section__
        assert section is not None
        version: Any = section.current
        if one.version:  # a member of the state says it
            version = getattr(state, one.version, None)
        try:
            head = version.to_bytes(4, "big")
        except PACK_ERRORS:
            raise BadValue(f"{version!r} is not a version") from None
        out.append(b"\x05%c%b%b" % (len(one.wire), one.wire, head))
        saved(one.cls, state, out, version, owner)
    except VMStateError as error:
        error.within(one.wire.decode())
        raise


def embed(
    cls: type[S],
    state: S,
    out: list[bytes],
    version: int,
    path: str,
    owner: Owner = (),
) -> None:
    """One element of a nested description; a temporary has its parent as owner."""
    try:
        saved(cls, state, out, version, owner)
    except VMStateError as error:
        error.under(path)
        raise


def _each(
    saver: Saver[T], state: T, out: list[bytes], version: int, path: str, index: int
) -> None:
    """An element of an array, a list or a tree."""
    try:
        saver(state, out, version, ())
    except VMStateError as error:
        error.under(f"{path}[{index}]")
        raise


def embed_many(
    cls: type[S],
    states: Sequence[S],
    out: list[bytes],
    version: int,
    path: str,
    start: int = 0,
) -> None:
    """The elements of a nested description from ``start`` on."""
    for index in range(start, len(states)):
        embed(cls, states[index], out, version, f"{path}[{index}]")


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
            _each(saver, state, out, version, path, index)


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
        _each(saver, state, out, version, path, index)
    out.append(b"\0")


def put_until(
    saver: Saver[T],
    word: str,
    name: str,
    states: Sequence[T],
    out: list[bytes],
    version: int,
    path: str,
) -> None:
    """Elements whose first ``word``, the member ``name``, is positive; then a zero."""
    for index, state in enumerate(states):
        first = getattr(state, name, 1)
        if isinstance(first, int) and first <= 0:
            raise BadValue(f"{first} ends the list", None, f"{path}[{index}].{name}")
        _each(saver, state, out, version, path, index)
    out.append(bytes(struct.calcsize(word)))


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
        _each(key, first, out, key_version, path, index)
        _each(value, second, out, version, path, index)
    out.append(b"\0")


def counted(length: int, expected: int, path: str) -> None:
    """BadValue unless there are as many elements as the count's member says."""
    if length != expected:
        raise BadValue(f"{length} elements where the count says {expected}", None, path)


def either_of(length: int, first: int, second: int, path: str) -> None:
    """BadValue unless there are as many elements as one of two counts."""
    if length not in (first, second):
        raise BadValue(f"{length} elements, not {first} or {second}", None, path)


def alike(states: Sequence[Any], name: str, path: str) -> None:
    """BadValue unless all elements have a member, or none."""
    for index, state in enumerate(states):
        if (getattr(state, name) is None) != (getattr(states[0], name) is None):
            reason = "must be there in all elements or in none"
            raise BadValue(reason, None, f"{path}[{index}].{name}")


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
            found = unfit(states[index], fields)
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
