"""Bytes that Python functions of the user read and write: fields that no table describes.

``[tool.vmgen.formats]`` names the functions.  They are imported when the first such field
is read or written, so that everything else does not depend on them.

``load(data, owner, version_id)`` gets the stream from the field's first byte on, as a
memoryview that ends with the field where the stream's description says how long it is,
the state that has the field, with the members before it, and the version; it returns the
value and how many bytes it is.  ``save(value, owner, version_id)`` returns the bytes.  A
value is what JSON has: numbers without fractions, text, truth values, lists, objects.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from ._runtime import (
    BadValue,
    Buffer,
    Owner,
    Scope,
    VMStateError,
    extent,
    natural,
)

MOST_ELEMENTS = 1 << 16
"""So many elements of one field are read, which may have no bytes."""

DEEPEST = 50
"""So deep lists and objects of a value may be inside of each other."""

REFUSALS = (ValueError, LookupError, ArithmeticError, EOFError, struct.error)
"""What a function raises for bytes or a value that it does not take."""


@cache
def _function(name: str) -> Callable[..., Any]:
    module, _, attribute = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute)
    return found


def _called(name: str, pos: int | None, path: str, *arguments: object) -> Any:
    """What the function returns; its refusal is a BadValue at the field."""
    try:
        function = _function(name)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise BadValue(f"{name} cannot be imported: {error}", pos, path) from error
    try:
        return function(*arguments)
    except VMStateError:
        raise
    except REFUSALS as error:
        why = str(error) or type(error).__name__
        raise BadValue(f"{name}: {why}", pos, path) from error


def _kept(value: object, depth: int = 0) -> Any:
    """The value as JSON gives it back; TypeError for one that JSON does not have."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if depth < DEEPEST and isinstance(value, (list, tuple)):
        return [_kept(one, depth + 1) for one in value]
    if (
        depth < DEEPEST
        and isinstance(value, Mapping)
        and all(isinstance(key, str) for key in value)
    ):
        return {key: _kept(one, depth + 1) for key, one in value.items()}
    raise TypeError(f"a {type(value).__name__}")


def foreign_one(
    load: str,
    buf: Buffer,
    pos: int,
    version: int,
    owner: Owner,
    scope: Scope,
    name: str,
    path: str,
    index: int = 0,
) -> tuple[Any, int]:
    """The value of one element at ``pos``, and where its bytes end.

    BadValue where the function takes another number of bytes than the description says.
    """
    entry = scope.entry(name, index)
    size = None if entry is None else natural(entry, "size", 0)
    end = len(buf) if size is None else extent(buf, pos, size, 1, path)
    data = memoryview(buf)[pos:end]
    found = _called(load, pos, path, data, owner[0], version)
    if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[1], int):
        raise BadValue(f"{load} returned no value with its size", pos, path)
    value, used = found
    if not 0 <= used <= len(data):
        raise BadValue(f"{load} took {used} bytes of {len(data)}", pos, path)
    if size is not None and used != size:
        raise BadValue(
            f"{load} took {used} bytes, the description says {size}", pos, path
        )
    if value is None:
        raise BadValue(f"{load} returned None, which stands for no field", pos, path)
    try:
        return _kept(value), pos + used
    except TypeError as error:
        raise BadValue(
            f"{load} returned {error}, which JSON does not have", pos, path
        ) from None


def foreign(
    load: str,
    count: int,
    buf: Buffer,
    pos: int,
    version: int,
    owner: Owner,
    scope: Scope,
    name: str,
    path: str,
) -> tuple[list[Any], int]:
    """The values of several elements one behind the other."""
    if not 0 <= count <= MOST_ELEMENTS:
        raise BadValue(f"{count} elements", pos, path)
    made = []
    for index in range(count):
        place = f"{path}[{index}]"
        value, pos = foreign_one(
            load, buf, pos, version, owner, scope, name, place, index
        )
        made.append(value)
    return made, pos


def put_foreign(
    save: str,
    values: Sequence[Any],
    out: list[bytes],
    version: int,
    owner: Owner,
    path: str,
) -> None:
    """The bytes of each value."""
    for index, value in enumerate(values):
        place = f"{path}[{index}]" if len(values) > 1 else path
        if value is None:
            raise BadValue("must be present", None, place)
        made = _called(save, None, place, value, owner[0], version)
        if not isinstance(made, (bytes, bytearray)):
            kind = type(made).__name__
            raise BadValue(f"{save} returned a {kind} and no bytes", None, place)
        out.append(bytes(made))
