"""What a state class says of its members, and what the class is made of that."""

from __future__ import annotations

import builtins
import sys
import types
import typing
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, TypeVar, dataclass_transform, overload

from ._arrays import Array, zeros

if typing.TYPE_CHECKING:
    import inspect

    from ._state import State

T = TypeVar("T")

_BITS = {
    "bool": 8, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32,
    "int64": 64, "uint64": 64,
}  # fmt: skip
CODES = {
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
    "int64": "q", "uint64": "Q",
}  # fmt: skip


class Field:
    """What a member of a state class is in C and on the wire.

    ``path`` is its C path from the section's object, of a subsection the name on the
    wire.  ``type`` is the type of one element on the wire (``uint64``, the C type of an
    object, ``subsection``), ``width`` its bits, None for what is no number.  ``count`` is
    how many elements there are, or the C path of the member that counts them.  It is
    there in versions from ``since`` on, or where the C function ``test`` says so.
    ``array`` says that the member holds several; ``state`` is the class of the object, or
    of each object of an array.
    """

    __slots__ = (
        "array", "count", "file", "line", "name", "path", "since", "state", "test", "type",
        "width",
    )  # fmt: skip

    def __init__(
        self, name: str, path: str, member: Member, file: str, hint: Any
    ) -> None:
        self.name = name
        self.path = path
        self.type = member.type
        self.width = _BITS.get(member.type)
        self.count = member.count
        self.since = member.since
        self.test = member.test
        self.file = file
        self.line = member.line
        self.array = not any(
            isinstance(one, StateType) or one in (int, bool)
            for one in (hint, *alternatives(hint))
        )
        self.state: builtins.type[State] | None = next(classes(hint), None)

    @property
    def condition(self) -> str:
        """What decides whether it is there, in C; empty for a member that always is."""
        if self.test:
            return f"{self.test}()"
        return f"version_id >= {self.since}" if self.since else ""

    def __repr__(self) -> str:
        return f"<Field {self.name}: {self}>"

    def __str__(self) -> str:
        bits = "" if self.width is None else f" ({self.width} bits)"
        count = "" if self.count == 1 else f"[{self.count}]"
        when = f", if {self.condition}" if self.condition else ""
        place = f", {self.file}:{self.line}" if self.line else ""
        return f"{self.type} {self.path}{count}{bits}{when}{place}"


class Member:
    """What a class body says of a member; ``make`` is None for a plain ``default``."""

    __slots__ = (
        "count", "default", "file", "line", "make", "path", "since", "test", "type",
    )  # fmt: skip

    def __init__(
        self,
        type: str,
        line: int,
        make: Callable[[], Any] | None,
        default: Any,
        path: str = "",
        count: int | str = 1,
        since: int = 0,
        test: str = "",
        file: str = "",
    ) -> None:
        self.type = type
        self.line = line
        self.make = make
        self.default = default
        self.path = path
        self.count = count
        self.since = since
        self.test = test
        self.file = file


def factory(make: Callable[[], T]) -> T:
    """A default that is made anew for every object."""
    made: Any = Member("", 0, make, None)
    return made  # type: ignore[no-any-return]


@overload
def field(type: Literal["bool"], line: int, **more: int | str) -> bool: ...
@overload
def field(type: str, line: int, **more: int | str) -> int: ...
@overload
def field(type: str, line: int, make: None, **more: int | str) -> None: ...
@overload
def field(type: str, line: int, make: Callable[[], T], **more: int | str) -> T: ...
def field(type: str, line: int, make: Any = bool, **more: Any) -> Any:
    """A member: its type, its line in the C file, and what makes its zero.

    ``more`` are ``path``, ``count``, ``since``, ``test`` and ``file`` of :class:`Field`,
    where they are not those of any member of the class.
    """
    if make is bool:
        return Member(type, line, None, False if type == "bool" else 0, **more)
    return Member(type, line, make, None, **more)


@overload
def numbers(
    type: Literal["uint8"], line: int, length: int, **more: int | str
) -> bytearray: ...
@overload
def numbers(
    type: Literal["int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"],
    line: int,
    length: int,
    **more: int | str,
) -> Array: ...
def numbers(type: str, line: int, length: int, **more: Any) -> Any:
    """A member that is an array of so many integers, zero at first."""
    if type == "uint8":
        make: Callable[[], Any] = lambda: bytearray(length)  # noqa: E731
    else:
        code = CODES[type]
        make = lambda: zeros(code, length)  # noqa: E731
    return Member(type, line, make, None, **{"count": length, **more})


class Section(NamedTuple):
    """How the states of a class stand in a stream: the name of the section or subsection
    (empty for one that only other descriptions hold), the versions, the C symbol."""

    name: str
    minimum: int
    current: int
    symbol: str
    load: Callable[..., Any]
    save: Callable[..., Any]


class _Inner:
    # A member that is a subsection.  Most are absent: one mapping holds those that are
    # there, so that a load does not set each of them, and a save does not ask for each.
    # A mapping is never changed, since copies of a state share it.

    __slots__ = ("cls", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.cls: StateType | None = None

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return "" if self.cls is None else str(self.cls.__vmstate_field__(self.name))

    def __get__(self, state: Any, cls: Any = None) -> Any:
        if state is None:
            return self
        held = state.__vmstate_inner__
        return None if held is None else held.get(self.name)

    def __set__(self, state: Any, value: Any) -> None:
        held = state.__vmstate_inner__ or {}
        if value is not None or self.name in held:
            state.__vmstate_inner__ = {**held, self.name: value}


class Subsection(NamedTuple):
    """A member that is a subsection: its attribute, its name on the wire, its class, and
    the attribute of that class that says in which version it came, if one does."""

    attribute: str
    wire: bytes
    cls: builtins.type[State]
    version: str


class _Docs(dict[str, str]):
    """``__slots__`` with a line for each member, made when ``help()`` wants it."""

    cls: StateType

    def __getitem__(self, name: str) -> str:
        if name not in self.cls.__vmstate_declared__:
            return "The subsections that are there."
        return str(self.cls.__vmstate_field__(name))


@dataclass_transform(kw_only_default=True)
class StateType(type):
    """Turns annotated defaults into ``__slots__`` and keyword construction.

    ``path`` is the C path of the struct in the object of the section.
    ``__vmstate_section__`` is what ``functions`` says of a whole description's class,
    ``__vmstate_answers__`` loads a state of which the bytes around say how.
    """

    __vmstate_declared__: dict[str, Member]
    __vmstate_path__: str
    __vmstate_section__: Section | None
    __vmstate_answers__: Callable[..., Any] | None
    __match_args__: tuple[str, ...]

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        path: str = "",
    ) -> StateType:
        declared = {}
        for member, annotation in namespace.get("__annotations__", {}).items():
            if not str(annotation).startswith("ClassVar"):
                default = namespace.pop(member)
                if type(default) is not Member:
                    default = Member("", 0, None, default)
                declared[member] = default
        inner = {
            name: _Inner(name)
            for name, one in declared.items()
            if one.type == "subsection"
        }
        docs = _Docs((member, "") for member in declared if member not in inner)
        if inner:
            docs["__vmstate_inner__"] = ""
        namespace |= inner
        namespace["__slots__"] = docs
        namespace["__match_args__"] = tuple(declared)
        namespace["__vmstate_declared__"] = declared
        namespace["__vmstate_path__"] = path
        namespace["__vmstate_section__"] = None
        namespace["__vmstate_answers__"] = None
        if path:
            namespace.setdefault("__doc__", f"``{path}`` of the section's object.")
        docs.cls = cls = super().__new__(mcls, name, bases, namespace)
        for one in inner.values():
            one.cls = cls
        return cls

    def __init__(
        cls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        **keywords: str,
    ) -> None:
        super().__init__(name, bases, namespace)

    def __call__(cls, /, **values: Any) -> Any:
        state: Any = type.__call__(cls)
        if "__vmstate_inner__" in vars(cls):
            state.__vmstate_inner__ = None
        for name, member in cls.__vmstate_declared__.items():
            if name in values:
                value = values.pop(name)
            elif member.make is not None:
                value = member.make()
            else:
                value = member.default
            setattr(state, name, value)
        if values:
            raise TypeError(f"{cls.__name__} has no member {next(iter(values))!r}")
        return state

    @property
    def __signature__(cls) -> inspect.Signature:
        import inspect

        keyword = inspect.Parameter.KEYWORD_ONLY
        return inspect.Signature(
            [
                inspect.Parameter(
                    name,
                    keyword,
                    default=... if member.make is not None else member.default,
                    annotation=cls.__annotations__[name],
                )
                for name, member in cls.__vmstate_declared__.items()
            ],
            return_annotation=cls.__name__,
        )

    def __vmstate_subsections__(cls) -> tuple[Subsection, ...]:
        """The members that are subsections, in the order of the wire."""
        found: tuple[Subsection, ...] | None = vars(cls).get("__vmstate_found__")
        if found is None:
            found = tuple(
                cls.__vmstate_subsection__(name)
                for name, member in cls.__vmstate_declared__.items()
                if member.type == "subsection"
            )
            type.__setattr__(cls, "__vmstate_found__", found)
        return found

    def __vmstate_subsection__(cls, name: str) -> Subsection:
        inner = next(classes(hints_of(cls)[name]))
        versions = (
            one
            for one, member in inner.__vmstate_declared__.items()
            if member.type == "version"
        )
        wire = cls.__vmstate_declared__[name].path.encode()
        return Subsection(name, wire, inner, next(versions, ""))

    def __vmstate_field__(cls, name: str) -> Field:
        member = cls.__vmstate_declared__[name]
        above = f"{cls.__vmstate_path__}." if cls.__vmstate_path__ else ""
        module = vars(sys.modules[cls.__module__])
        file = member.file or (module.get("SOURCE", "") if member.line else "")
        path = member.path or f"{above}{name}"
        return Field(name, path, member, file, hints_of(cls)[name])


def hints_of(cls: type) -> dict[str, Any]:
    found: dict[str, Any] | None = vars(cls).get("__vmstate_hints__")
    if found is None:
        found = typing.get_type_hints(cls)
        type.__setattr__(cls, "__vmstate_hints__", found)
    return found


def alternatives(hint: Any) -> tuple[Any, ...]:
    """The types in a union, none of any other annotation."""
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if union else ()


def classes(hint: Any) -> Iterator[type[State]]:
    """The state classes in an annotation."""
    if isinstance(hint, StateType):
        yield typing.cast("type[State]", hint)
    for inner in typing.get_args(hint):
        yield from classes(inner)
