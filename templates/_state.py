"""State classes: what the wire holds of a C struct, and what each member is there."""

from __future__ import annotations

import builtins
import copy
import json
import operator
import sys
import types
import typing
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import (
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Self,
    TypeAlias,
    TypeVar,
    dataclass_transform,
    overload,
)

from ._arrays import Array, Buffer, zeros
from ._errors import BadValue

if typing.TYPE_CHECKING:
    import inspect

    from ._context import Context, Scope

T = TypeVar("T")

# The state that has the subsection, then the one that has that, and so on.
Owner: TypeAlias = tuple[Any, ...]
# What is saved, piece by piece.
Out: TypeAlias = list[bytes]

_BITS = {
    "bool": 8, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "int32": 32, "uint32": 32,
    "int64": 64, "uint64": 64,
}  # fmt: skip
_CODES = {
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
        self, name: str, path: str, member: _Member, file: str, hint: Any
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
            for one in (hint, *_alternatives(hint))
        )
        self.state: builtins.type[State] | None = next(_classes(hint), None)

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


class _Member:
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
    made: Any = _Member("", 0, make, None)
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
        return _Member(type, line, None, False if type == "bool" else 0, **more)
    return _Member(type, line, make, None, **more)


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
        code = _CODES[type]
        make = lambda: zeros(code, length)  # noqa: E731
    return _Member(type, line, make, None, **{"count": length, **more})


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

    __vmstate_declared__: dict[str, _Member]
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
                if type(default) is not _Member:
                    default = _Member("", 0, None, default)
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
        inner = next(_classes(_hints(cls)[name]))
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
        return Field(name, path, member, file, _hints(cls)[name])


def _hints(cls: type) -> dict[str, Any]:
    found: dict[str, Any] | None = vars(cls).get("__vmstate_hints__")
    if found is None:
        found = typing.get_type_hints(cls)
        type.__setattr__(cls, "__vmstate_hints__", found)
    return found


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The types in a union, none of any other annotation."""
    union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if union else ()


def _classes(hint: Any) -> Iterator[type[State]]:
    """The state classes in an annotation."""
    if isinstance(hint, StateType):
        yield typing.cast("type[State]", hint)
    for inner in typing.get_args(hint):
        yield from _classes(inner)


class State(metaclass=StateType):
    """Base of the classes that mirror C structs: what the wire holds, nothing else."""

    __vmstate_declared__: ClassVar[dict[str, _Member]]
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
            name: _plain(getattr(self, name))
            for name in type(self).__vmstate_declared__
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
        hints = _hints(cls)
        made = {}
        for name, value in values.items():
            try:
                made[name] = _value(hints[name], value, cls.__vmstate_declared__[name])
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
            _same(getattr(self, name), getattr(other, name))
            for name in type(self).__vmstate_declared__
        )

    def __repr__(self) -> str:
        members = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name in type(self).__vmstate_declared__
        )
        return f"{type(self).__name__}({members})"

    def __str__(self) -> str:
        return "\n".join((type(self).__name__, *_lines(self, "  ")))


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


_ARRAYS = (array, bytearray, bytes, list, tuple)


def _same(one: Any, other: Any) -> bool:
    """Whether two members are the same; an array is, whatever holds its elements."""
    if type(one) is type(other) and not isinstance(one, (list, tuple)):
        return bool(one == other)
    if isinstance(one, _ARRAYS) and isinstance(other, _ARRAYS):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _plain(value: Any) -> Any:
    if isinstance(value, State):
        return value.to_dict()
    if isinstance(value, (bytearray, bytes)):
        return value.hex()
    if isinstance(value, array):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return value


def _value(hint: Any, value: Any, member: _Member) -> Any:
    """A member's value of what JSON has for it."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if choices := _alternatives(hint):
        if value is None and type(None) in choices:
            return None
        hint, *more = (one for one in choices if one is not type(None))
        return value if more else _value(hint, value, member)
    if isinstance(hint, StateType):
        cls = typing.cast("type[State]", hint)
        return value if isinstance(value, cls) else cls.from_dict(value)
    if hint is int or hint is bool:
        try:
            number = operator.index(value)
        except TypeError:
            raise BadValue(f"{value!r} is not a number") from None
        return bool(number) if hint is bool and number in (0, 1) else number
    if hint is bytearray:
        return _bytes(value)
    if hint is array or origin is array:
        return _numbers(value, member)
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            raise BadValue(f"{value!r} is not an array")
        kinds = inner if origin is tuple else inner * len(value)
        if len(kinds) != len(value):
            raise BadValue(f"{len(value)} elements, not {len(kinds)}")
        made = []
        for index, (kind, one) in enumerate(zip(kinds, value, strict=True)):
            try:
                made.append(_value(kind, one, member))
            except BadValue as error:
                error.under(f".[{index}]")
                raise
        return tuple(made) if origin is tuple else made
    return value


def _bytes(value: Any) -> bytearray:
    try:
        return bytearray.fromhex(value) if isinstance(value, str) else bytearray(value)
    except (TypeError, ValueError):
        raise BadValue(f"{value!r} is not hexadecimal") from None


def _numbers(value: Any, member: _Member) -> Array:
    code = _CODES.get(member.type)
    if code is None:
        default = None if member.make is None else member.make()
        code = default.typecode if isinstance(default, array) else "Q"
    try:
        return array(code, value if isinstance(value, array) else list(value))
    except (TypeError, OverflowError) as error:
        raise BadValue(f"not an array of {member.type}: {error}") from None


def _lines(state: State, indent: str) -> Iterator[str]:
    """A state's members, one a line, numbers in hexadecimal."""
    for name in type(state).__vmstate_declared__:
        yield from _line(name, getattr(state, name), indent)


def _line(name: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, State):
        yield f"{indent}{name}:"
        yield from _lines(value, f"{indent}  ")
    elif isinstance(value, (list, tuple)) and not all(
        isinstance(one, int) for one in value
    ):
        for index, one in enumerate(value):
            yield from _line(f"{name}[{index}]", one, indent)
    else:
        yield f"{indent}{name} = {_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, (bytes, bytearray)):
            return value.hex(" ", 4) if any(value) else f"00 x {len(value)}"
        if isinstance(value, (array, list, tuple)):
            return f"[{', '.join(_runs(value))}]"
        return "absent" if value is None else str(value)
    return hex(value)


def _runs(values: Sequence[int]) -> Iterator[str]:
    """Elements in hexadecimal, those that repeat with how often."""
    start = 0
    for end in range(1, len(values) + 1):
        if end == len(values) or values[end] != values[start]:
            times = end - start
            yield _text(values[start]) + (f" x {times}" if times > 1 else "")
            start = end


S = TypeVar("S", bound=State)


def maker(cls: type[S]) -> Callable[[], S]:
    """Makes objects without members, for a loader to fill: faster than ``object.__new__``."""
    make: Callable[[], S] = type.__call__.__get__(cls)
    return make


def repeated(make: Callable[[], T], count: int) -> list[T]:
    """``count`` default objects."""
    return [make() for _ in range(count)]
