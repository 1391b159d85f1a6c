"""State classes: what the wire holds of a C struct."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, dataclass_transform

T = TypeVar("T")


class _Factory:
    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def factory(make: Callable[[], T]) -> T:
    """A default that is made anew for every object."""
    made: Any = _Factory(make)
    return made  # type: ignore[no-any-return]


@dataclass_transform(kw_only_default=True)
class StateType(type):
    """Turns annotated defaults into ``__slots__`` and keyword construction."""

    __vmstate_defaults__: tuple[tuple[str, Any], ...]

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]
    ) -> StateType:
        fields = tuple(
            name
            for name, annotation in namespace.get("__annotations__", {}).items()
            if not str(annotation).startswith("ClassVar")
        )
        namespace["__vmstate_defaults__"] = tuple(
            (field, namespace.pop(field)) for field in fields
        )
        namespace["__slots__"] = fields
        return super().__new__(mcls, name, bases, namespace)

    def __call__(cls, /, **values: Any) -> Any:
        state: Any = type.__call__(cls)
        for name, default in cls.__vmstate_defaults__:
            if name in values:
                value = values.pop(name)
            elif type(default) is _Factory:
                value = default.make()
            else:
                value = default
            setattr(state, name, value)
        if values:
            raise TypeError(f"{cls.__name__} has no member {next(iter(values))!r}")
        return state


class State(metaclass=StateType):
    """Base of the classes that mirror C structs: what the wire holds, nothing else."""

    __vmstate_defaults__: ClassVar[tuple[tuple[str, Any], ...]]

    @classmethod
    def __vmstate_members__(cls) -> tuple[str, ...]:
        return tuple(name for name, _ in cls.__vmstate_defaults__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            getattr(self, name) == getattr(other, name)
            for name in self.__vmstate_members__()
        )

    def __repr__(self) -> str:
        members = ", ".join(
            f"{name}={getattr(self, name)!r}" for name in self.__vmstate_members__()
        )
        return f"{type(self).__name__}({members})"


S = TypeVar("S", bound=State)


def maker(cls: type[S]) -> Callable[[], S]:
    """Makes objects without members, for a loader to fill: faster than ``object.__new__``."""
    make: Callable[[], S] = type.__call__.__get__(cls)
    return make


def repeated(make: Callable[[], T], count: int) -> list[T]:
    """``count`` default objects."""
    return [make() for _ in range(count)]
