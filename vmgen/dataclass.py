"""Frozen dataclasses with slots whose methods are made when they are first called.

:func:`dataclasses.dataclass` compiles six methods of every class when its module is
imported.  A command that looks at one stream imports some 250 such classes, makes objects
of half of them, and compares, hashes or prints those of a few: what no one calls is not
compiled here.  To everything else, type checkers included, they are dataclasses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

_METHODS = ("__init__", "__repr__", "__eq__", "__hash__")


def _made(cls: type[Any]) -> type[Any]:
    """``dataclass(frozen=True, slots=True)`` of a class whose fields are plain: none that
    is not an argument, by keyword only, or hashed otherwise than it is compared."""
    own = vars(cls)
    made: Any = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True
    )(cls)  # fmt: skip
    for one in dataclasses.fields(made):
        if not one.init or one.kw_only or one.hash is not None:
            raise TypeError(f"{made.__qualname__}.{one.name} is no plain field")
    for name in _METHODS:
        if name not in own or own[name] is None:
            setattr(made, name, _stub(made, name))
    made.__setattr__ = _refuse
    made.__delattr__ = _refuse
    made.__getstate__ = _getstate
    made.__setstate__ = _setstate
    return made  # type: ignore[no-any-return]


def _stub(cls: type[Any], name: str) -> Callable[..., Any]:
    """A method that makes the real one, puts it in its own place, and calls it."""

    def first(self: Any, *arguments: Any, **named: Any) -> Any:
        setattr(cls, name, _method(cls, name))
        return getattr(cls, name)(self, *arguments, **named)

    return first


def _method(cls: type[Any], name: str) -> Any:
    """One method as dataclasses have it."""
    fields = dataclasses.fields(cls)
    values: dict[str, Any] = {"_factory": _FACTORY}
    mine = "".join(f"self.{one.name}," for one in fields if one.compare)
    match name:
        case "__init__":
            arguments, body = ["self"], []
            for one in fields:
                if one.default_factory is not dataclasses.MISSING:
                    values[f"_make_{one.name}"] = one.default_factory
                    arguments.append(f"{one.name}=_factory")
                    body.append(
                        f"if {one.name} is _factory: {one.name} = _make_{one.name}()"
                    )
                elif one.default is not dataclasses.MISSING:
                    values[f"_default_{one.name}"] = one.default
                    arguments.append(f"{one.name}=_default_{one.name}")
                else:
                    arguments.append(one.name)
                values[f"_set_{one.name}"] = getattr(cls, one.name).__set__
                body.append(f"_set_{one.name}(self, {one.name})")
            if hasattr(cls, "__post_init__"):
                body.append("self.__post_init__()")
        case "__repr__":
            arguments = ["self"]
            shown = ", ".join(
                f"{one.name}={{self.{one.name}!r}}" for one in fields if one.repr
            )
            body = [f'return f"{{self.__class__.__qualname__}}({shown})"']
        case "__eq__":
            arguments = ["self", "other"]
            theirs = mine.replace("self.", "other.")
            body = [
                "if other.__class__ is not self.__class__: return NotImplemented",
                f"return ({mine}) == ({theirs})",
            ]
        case _:
            arguments, body = ["self"], [f"return hash(({mine}))"]
    lines = "".join(f"  {line}\n" for line in body or ["pass"])
    exec(f"def {name}({', '.join(arguments)}):\n{lines}", values)
    values[name].__qualname__ = f"{cls.__qualname__}.{name}"
    return values[name]


_FACTORY = object()


def _refuse(self: object, name: str, *value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(**options: bool) -> Callable[[type[Any]], type[Any]]:
        """:func:`dataclasses.dataclass`, with ``frozen`` and ``slots`` alone as above."""
        if options == {"frozen": True, "slots": True}:
            return _made
        return dataclasses.dataclass(**options)
