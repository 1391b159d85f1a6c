"""Frozen dataclasses that cost little to declare: a function is written when it is first called.

``dataclasses`` writes and compiles six functions for every class when it is declared: for the
classes of the IR and of the plan a tenth of the time that the first look at a stream takes.
Here ``__init__`` is written when the first object is made, the fields are listed when
somebody asks for them, and all else is shared.
"""

from __future__ import annotations

import operator
from operator import attrgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
    from typing import Any
else:

    def dataclass(
        *, eq: bool = True, order: bool = False, **options: bool
    ) -> Callable[[type], type]:
        """As ``dataclasses.dataclass``, which declares whatever is not frozen, has no
        slots or a base, or has members that are no parameters or not compared."""

        def declared(cls: type) -> type:
            simple = options == {"frozen": True, "slots": True}
            if simple and cls.__bases__ == (object,) and _has_simple_members(cls):
                return _declared(cls, eq, order)
            import dataclasses

            return dataclasses.dataclass(eq=eq, order=order, **options)(cls)

        return declared


def _is_field(value: object) -> bool:
    """Whether a default is a ``dataclasses.field``."""
    cls = type(value)
    return cls.__module__ == "dataclasses" and cls.__name__ == "Field"


def _has_simple_members(cls: type) -> bool:
    return all(
        one.init and one.compare and one.hash is None and one.kw_only is not True
        for one in vars(cls).values()
        if _is_field(one)
    )


def _declared(cls: type, eq: bool, order: bool) -> type:
    """The class with slots, and with what a dataclass has."""
    annotations: dict[str, str] = vars(cls).get("__annotations__", {})
    names = tuple(
        one for one, hint in annotations.items() if not hint.startswith("ClassVar")
    )
    inside = {
        name: value
        for name, value in vars(cls).items()
        if name not in names and name not in ("__dict__", "__weakref__")
    }
    defaults = {name: vars(cls)[name] for name in names if name in vars(cls)}
    printed = tuple(
        one for one in names if not _is_field(defaults.get(one)) or defaults[one].repr
    )
    shared = _functions(names, printed, eq, order)
    for name, function in shared.items():
        if inside.get(name) is None:  # a class with __eq__ has None for __hash__
            inside[name] = function
    inside["__slots__"] = inside["__match_args__"] = names
    inside["__init__"] = _Init(names, defaults)
    for name in ("__dataclass_fields__", "__dataclass_params__"):
        inside[name] = _OfDataclass(annotations, defaults)
    made = type(cls)(cls.__name__, cls.__bases__, inside)
    made.__qualname__ = cls.__qualname__
    return made


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives the values of some members."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple([getattr(one, name) for name in names])


def _functions(
    names: tuple[str, ...], printed: tuple[str, ...], eq: bool, order: bool
) -> dict[str, Any]:
    """What needs no text of its own."""
    values = _values(names)
    shown_values = _values(printed)
    pattern = f"({', '.join(f'{one}=%r' for one in printed)})"

    def equal(self: Any, other: Any) -> Any:
        if other.__class__ is self.__class__:
            return values(self) == values(other)
        return NotImplemented

    def hashed(self: Any) -> int:
        return hash(values(self))

    def shown(self: Any) -> str:
        return type(self).__qualname__ + pattern % shown_values(self)

    def compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
        def ordered(self: Any, other: Any) -> Any:
            if other.__class__ is self.__class__:
                return compare(values(self), values(other))
            return NotImplemented

        return ordered

    return {
        "__repr__": shown,
        "__setattr__": _setattr,
        "__delattr__": _delattr,
        "__getstate__": _getstate,
        "__setstate__": _setstate,
        **({"__eq__": equal, "__hash__": hashed} if eq else {}),
        **{
            f"__{one.__name__}__": compared(one)
            for one in (operator.lt, operator.le, operator.gt, operator.ge)
            if order
        },
    }


def _setattr(self: Any, name: str, value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, name) for name in self.__match_args__]


def _setstate(self: Any, state: list[Any]) -> None:
    for name, value in zip(self.__match_args__, state, strict=True):
        object.__setattr__(self, name, value)


_MISSING = object()


def _default(value: Any) -> tuple[Any, Any]:
    """A member's default, and what makes it; ``_MISSING`` and None for neither."""
    if not _is_field(value):
        return value, None
    from dataclasses import MISSING

    default = _MISSING if value.default is MISSING else value.default
    return default, None if value.default_factory is MISSING else value.default_factory


class _Init:
    """``__init__``, written when it is first asked for."""

    def __init__(self, names: tuple[str, ...], defaults: dict[str, Any]) -> None:
        self._names = names
        self._defaults = defaults

    def __set_name__(self, cls: type, name: str) -> None:
        self._cls = cls

    def __get__(self, one: object, cls: type) -> Any:
        own = self._cls
        known: dict[str, Any] = {"__name__": own.__module__, "_missing": _MISSING}
        head, lines = ["self"], []
        for name in self._names:
            known[f"_set_{name}"] = vars(own)[name].__set__
            default, make = _default(self._defaults.get(name, _MISSING))
            value = name
            if make is not None:
                known[f"_make_{name}"] = make
                head.append(f"{name}=_missing")
                value = f"_make_{name}() if {name} is _missing else {name}"
            elif default is not _MISSING:
                known[f"_default_{name}"] = default
                head.append(f"{name}=_default_{name}")
            else:
                head.append(name)
            lines.append(f"    _set_{name}(self, {value})\n")
        if hasattr(own, "__post_init__"):
            lines.append("    self.__post_init__()\n")
        text = f"def __init__({', '.join(head)}):\n{''.join(lines) or '    pass'}"
        exec(text, known)  # names of members, as dataclasses does it
        function = known["__init__"]
        function.__qualname__ = f"{own.__qualname__}.__init__"
        function.__annotations__ = {
            **{name: own.__annotations__[name] for name in self._names},
            "return": "None",
        }
        type.__setattr__(own, "__init__", function)
        return function.__get__(one, cls)


class _OfDataclass:
    """What ``dataclasses`` knows its own classes by, made when it is first asked for:
    ``__dataclass_fields__`` for ``fields`` and ``replace``, ``__dataclass_params__`` for
    classes that have this one as their base."""

    def __init__(self, annotations: dict[str, str], defaults: dict[str, Any]) -> None:
        self._annotations = annotations
        self._defaults = defaults

    def __set_name__(self, cls: type, name: str) -> None:
        self._cls, self._name = cls, name

    def __get__(self, one: object, cls: type) -> Any:
        import dataclasses

        own = self._cls
        inside = {"__annotations__": self._annotations, "__module__": own.__module__}
        inside |= {"__doc__": own.__name__, **self._defaults}
        twin = type(own.__name__, (), inside)
        frozen = self._name == "__dataclass_params__"
        dataclasses.dataclass(init=False, repr=False, eq=False, frozen=frozen)(twin)
        found = vars(twin)[self._name]
        type.__setattr__(own, self._name, found)
        return found
