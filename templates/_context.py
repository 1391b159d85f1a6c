"""Context: what the bytes do not say."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._errors import BadValue, MissingContext


class Context:
    """Answers to what the wire leaves open.

    ``members`` are values of C members that are not on the wire, by ``Type.path`` or
    ``path`` (``{"ARMCPU.pmsav7_dregion": 8}``; a pointer's truth says whether it is NULL),
    ``functions`` of C functions and globals, by name: a number, or a callable of
    ``(state, version_id)``.  ``description`` is the JSON object of the section in the
    stream's own description (vmdesc): it tells presence, counts and sizes.
    """

    __slots__ = ("around", "description", "functions", "members")

    def __init__(
        self,
        members: Mapping[str, Any] | None = None,
        functions: Mapping[str, Any] | None = None,
        description: Mapping[str, Any] | None = None,
    ) -> None:
        self.members = {} if members is None else members
        self.functions = {} if functions is None else functions
        self.description = description
        # What the object around the one that is loaded has sent of it, by Type.path.
        self.around: Mapping[str, Any] = {}


NO_CONTEXT = Context()


def lookup(context: Context, owner: str, path: str) -> Any:
    """What the context says of a member, or None."""
    if (found := context.around.get(f"{owner}.{path}")) is not None:
        return found
    found = context.members.get(f"{owner}.{path}")
    return context.members.get(path) if found is None else found


def member(context: Context | None, owner: str, path: str, where: str) -> int:
    """The value of a member that is not on the wire; MissingContext if nobody says."""
    found = None if context is None else lookup(context, owner, path)
    if found is None:
        raise MissingContext(
            f"{where} needs {owner}.{path}, which is not in the stream",
            key=f"{owner}.{path}",
        )
    return operator.index(found)


def ask(
    context: Context | None, name: str, state: object, version: int, where: str
) -> int:
    """The value of a C function or global; MissingContext if nobody says."""
    found = None if context is None else context.functions.get(name)
    if found is None:
        raise MissingContext(
            f"{where} needs {name}, which is not in the stream",
            kind="function",
            key=name,
        )
    return operator.index(found(state, version) if callable(found) else found)


class Outside:
    """What a predicate at ``where`` needs and the stream does not have."""

    __slots__ = ("context", "owner", "where")

    def __init__(self, context: Context | None, owner: str, where: str) -> None:
        self.context = context
        self.owner = owner
        self.where = where

    def member(self, path: str) -> int:
        """The value of a member of the owner."""
        return member(self.context, self.owner, path, self.where)

    def ask(self, name: str, state: object, version: int) -> int:
        """The value of a C function or global."""
        return ask(self.context, name, state, version, self.where)


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

    def given(self, owner: str, path: str, value: Any) -> Scope:
        """The scope with a member's value: an object inside of another one asks for what
        that one has; None where it has nothing."""
        if value is None:
            return self
        before = self.context
        context = Context(before.members, before.functions, before.description)
        context.around = {**before.around, f"{owner}.{path}": value}
        return Scope(context, self.node)

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
            f"{where} is as long as {owner}.{source}, which is not in the stream",
            pos,
            path,
            key=f"{owner}.{source}",
            described=True,
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

    def sizes(
        self, name: str, info: str, code: str, pos: int, path: str, where: str
    ) -> list[int]:
        """The size in bytes of every element of a field that no codec knows, as the
        diagnostic ``code`` said."""
        self._described(info, code, pos, path, where)
        if self.elements(name) > MOST_OPAQUE:
            raise BadValue(f"{self.elements(name)} elements are described", pos, path)
        return [
            natural(entry, "size", 0)
            for entry, count in self.entries(name)
            for _ in range(count)
        ]

    def whole(self, info: str, code: str, pos: int, path: str, where: str) -> list[int]:
        """The size in bytes of an object whose description was not read, as the diagnostic
        ``code`` said: of its fields and its subsections."""
        waiting = [self._described(info, code, pos, path, where)]
        size = 0
        while waiting:
            node = waiting.pop()
            for entry in _objects(node, "fields"):
                size += natural(entry, "size", 0) * natural(entry, "array_len", 1)
            for below in _objects(node, "subsections"):
                # A mark, the length of the name, the name, be32 version.
                size += 6 + len(str(below.get("vmsd_name", "")).encode())
                waiting.append(below)
        return [size]

    def _described(
        self, info: str, code: str, pos: int, path: str, where: str
    ) -> Mapping[str, Any]:
        if self.node is None:
            raise MissingContext(
                f"{where} is written by {info}, which no codec knows ({code})",
                pos,
                path,
                kind="description",
                key=info,
                described=True,
            )
        return self.node

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
            return entry.get("type") in ("nullptr", "ptr-marker") or (
                entry.get("size") == 1 and entry.get("struct") == {}
            )
        raise MissingContext(
            f"{where}: 0x30 is a NULL pointer or the first byte of an element",
            pos,
            path,
            key=f"{owner}.{source}[{index}]",
            described=True,
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
