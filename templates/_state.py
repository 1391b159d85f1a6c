"""State classes: what the wire holds of a C struct, and what can be done with it."""

from __future__ import annotations

import copy
import json
import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeAlias, TypeVar

from ._arrays import Buffer
from ._errors import BadValue
from ._schema import Field, Member, Section, StateType, hints_of
from ._values import lines, plain, same, value_of

if typing.TYPE_CHECKING:
    from ._context import Context, Scope

T = TypeVar("T")

# The state that has the subsection, then the one that has that, and so on.
Owner: TypeAlias = tuple[Any, ...]
# What is saved, piece by piece.
Out: TypeAlias = list[bytes]


class State(metaclass=StateType):
    """Base of the classes that mirror C structs: what the wire holds, nothing else."""

    __vmstate_declared__: ClassVar[dict[str, Member]]
    __vmstate_path__: ClassVar[str]
    __vmstate_section__: ClassVar[Section | None]
    __vmstate_answers__: ClassVar[Callable[..., Any] | None]

    if typing.TYPE_CHECKING:

        @property
        def __vmstate_inner__(self) -> Mapping[str, Any] | None:
            """The subsections that are there, by attribute."""

        @__vmstate_inner__.setter
        def __vmstate_inner__(self, held: None) -> None: ...

    else:
        __vmstate_inner__ = None

    def __load__(
        self, buf: Buffer, pos: int, version: int, scope: Scope, owner: Owner
    ) -> int:
        """Set the members from the fields at ``pos``; return where these end."""
        raise NotImplementedError

    def __save__(self, out: Out, version: int, owner: Owner) -> None:
        """Append the bytes of the fields."""
        raise NotImplementedError

    @classmethod
    def load(
        cls,
        buf: Buffer,
        version_id: int | None = None,
        *,
        context: Context | None = None,
    ) -> Self:
        """The state in ``buf``, the body of a section or subsection and nothing else.

        Raises VMStateError; TypeError for a class that is a part of another.
        """
        version = {} if version_id is None else {"version_id": version_id}
        state, end = _section(cls, "load").load(buf, **version, context=context)
        if end != memoryview(buf).nbytes:
            left = memoryview(buf).nbytes - end
            raise BadValue(f"{left} bytes behind the state", end)
        return typing.cast("Self", state)

    def save(self, version_id: int | None = None) -> bytes:
        """The bytes of the section or subsection, without its header.

        Raises VMStateError; TypeError for a class that is a part of another.
        """
        version = {} if version_id is None else {"version_id": version_id}
        return bytes(_section(type(self), "save").save(self, **version))

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        """What each member is in C and on the wire, in the order of the wire."""
        return tuple(map(cls.__vmstate_field__, cls.__vmstate_declared__))

    def replace(self, **changes: Any) -> Self:
        """A copy with some members changed; it shares no array with this state."""
        unknown = changes.keys() - type(self).__vmstate_declared__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no member {min(unknown)!r}")
        return type(self)(
            **{
                name: copy.deepcopy(getattr(self, name))
                for name in type(self).__vmstate_declared__
                if name not in changes
            },
            **changes,
        )

    def to_dict(self) -> dict[str, Any]:
        """The members as values that JSON has: bytes are hexadecimal text, absent ones
        None."""
        return {
            name: plain(getattr(self, name)) for name in type(self).__vmstate_declared__
        }

    def to_json(self, indent: int | None = None) -> str:
        """:meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The state of what :meth:`to_dict` gives; members that are left out are zero.

        Raises BadValue, with the path of the member, for what is none.
        """
        if not isinstance(values, Mapping):
            raise BadValue(f"{values!r} is not an object")
        unknown = values.keys() - cls.__vmstate_declared__.keys()
        if unknown:
            raise BadValue(f"{cls.__name__} has no member {min(unknown, key=str)!r}")
        hints = hints_of(cls)
        made = {}
        for name, value in values.items():
            try:
                made[name] = value_of(
                    hints[name], value, cls.__vmstate_declared__[name]
                )
            except BadValue as error:
                error.under(name)
                raise
        return cls(**made)

    @classmethod
    def __vmstate_members__(cls) -> tuple[str, ...]:
        return cls.__match_args__

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            same(getattr(self, name), getattr(other, name))
            for name in type(self).__vmstate_declared__
        )

    def __repr__(self) -> str:
        members = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name in type(self).__vmstate_declared__
        )
        return f"{type(self).__name__}({members})"

    def __str__(self) -> str:
        return "\n".join((type(self).__name__, *lines(self, "  ")))


def _section(cls: type[State], how: str) -> Section:
    if cls.__vmstate_section__ is None:
        raise TypeError(
            f"{cls.__name__} is a part of a description, not one: {how} the whole"
        )
    return cls.__vmstate_section__


def method(cls: type[State], how: str, version: int) -> Callable[..., Any]:
    """What loads or saves (``how``) the fields of a version: earlier ones than the
    current may have a method of their own."""
    section = cls.__vmstate_section__
    if section is not None and version != section.current:
        old: Callable[..., Any] | None = vars(cls).get(f"__{how}_old__")
        if old is not None:
            return old
    found: Callable[..., Any] = vars(cls)[f"__{how}__"]
    return found


S = TypeVar("S", bound=State)


def maker(cls: type[S]) -> Callable[[], S]:
    """Makes objects without members, for a loader to fill: faster than ``object.__new__``."""
    make: Callable[[], S] = type.__call__.__get__(cls)
    return make


def repeated(make: Callable[[], T], count: int) -> list[T]:
    """``count`` default objects."""
    return [make() for _ in range(count)]
