"""Small immutable objects, which cost nothing to declare.

A frozen dataclass writes and compiles six functions for every class: a quarter of the time
it takes to show a stream.  These take their members from their annotations in the same
way, and share their functions.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**options: bool) -> Any:
        """A word for type checkers."""
        return lambda decorated: decorated


@dataclass_transform(frozen_default=True)
class FrozenType(type):
    """Makes ``__slots__`` of annotations and remembers the defaults."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> FrozenType:
        """Make the class."""
        members = tuple(
            member
            for member, annotation in namespace.get("__annotations__", {}).items()
            if not str(annotation).startswith("ClassVar")
        )
        namespace["_defaults"] = {
            member: namespace.pop(member) for member in members if member in namespace
        }
        namespace["__slots__"] = members
        namespace["__match_args__"] = members
        return super().__new__(mcls, name, bases, namespace)


class Frozen(metaclass=FrozenType):
    """Base of such classes: made by position or by name, compared and printed by member.

    Type checkers know that members are not to be assigned.
    """

    _defaults: ClassVar[dict[str, Any]]
    __match_args__: ClassVar[tuple[str, ...]]

    def __init__(self, *values: Any, **named: Any) -> None:
        members = self.__match_args__
        for member, value in zip(members, values, strict=False):
            setattr(self, member, value)
        count = len(values)
        if count == len(members) and not named:
            return
        defaults = self._defaults
        for member in members[count:]:
            if member in named:
                setattr(self, member, named.pop(member))
            elif member in defaults:
                setattr(self, member, defaults[member])
            else:
                raise TypeError(f"{type(self).__name__} needs '{member}'")
        if named or count > len(members):
            raise TypeError(f"{type(self).__name__} has the members {members}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        members = ", ".join(
            f"{name}={getattr(self, name)!r}" for name in self.__match_args__
        )
        return f"{type(self).__name__}({members})"

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in self.__match_args__])
