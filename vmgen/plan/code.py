"""Python code as values: closed sets of expressions and statements.

``lower`` makes them, the templates print them by way of :mod:`vmgen.render.spell`; no one edits
the text.  A :class:`PyName` is a local or one of this module's own; what comes from another
module is a :class:`PyGlobal`, from which the imports follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar, Literal, TypeAlias

# --- expressions ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PyName:
    """A local, a parameter, a builtin, or what this module defines."""

    id: str


@dataclass(frozen=True, slots=True)
class PyGlobal:
    """What another module defines.

    ``module`` is the emitted file (``_runtime``), the C file that a module is made from,
    or a module of the standard library with ``std:`` in front; ``local`` is what this
    module calls it.
    """

    module: str
    id: str
    local: str


@dataclass(frozen=True, slots=True)
class PyConst:
    """A literal; ``hexadecimal`` for a number that is a pattern of bits."""

    value: int | str | bytes | None
    hexadecimal: bool = False


@dataclass(frozen=True, slots=True)
class PyAttr:
    """``base.name``."""

    base: Expr
    name: str


@dataclass(frozen=True, slots=True)
class PyIndex:
    """``base[index]``."""

    base: Expr
    index: Expr


@dataclass(frozen=True, slots=True)
class PySlice:
    """``start:stop`` as an index."""

    start: Expr | None
    stop: Expr | None


@dataclass(frozen=True, slots=True)
class PyCall:
    """``function(*arguments, **keywords)``."""

    function: Expr
    arguments: tuple[Expr, ...] = ()
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class PyTuple:
    """A tuple, or several targets of one assignment."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PyIndices:
    """Several items as one index: ``tuple[first, second]``."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PyStarred:
    """``*value``, among the items of a tuple."""

    value: Expr


@dataclass(frozen=True, slots=True)
class PyList:
    """A list."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PyUnary:
    """An operator in front of its operand."""

    op: Literal["-", "~", "not"]
    operand: Expr


Operator: TypeAlias = Literal["+", "-", "*", "&", "|", "^", "<<", ">>"]
Comparison: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">=", "is", "is not"]


@dataclass(frozen=True, slots=True)
class PyBinary:
    """Arithmetic on two operands."""

    op: Operator
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class PyCompare:
    """A comparison of two operands."""

    op: Comparison
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class PyLogic:
    """Conditions joined by one operator."""

    op: Literal["and", "or"]
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PyChoice:
    """``then if condition else otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class PyLambda:
    """A function without a name."""

    parameters: tuple[str, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class PyEach:
    """A comprehension: a list, or a generator as the only argument of a call.

    ``loops`` are names and what they run over, outermost first.
    """

    element: Expr
    loops: tuple[tuple[str, Expr], ...]
    generator: bool = False


@dataclass(frozen=True, slots=True)
class PyFormat:
    """A string with values in it: text and expressions in turn."""

    parts: tuple[str | Expr, ...]


Expr: TypeAlias = (
    PyName
    | PyGlobal
    | PyConst
    | PyAttr
    | PyIndex
    | PySlice
    | PyCall
    | PyTuple
    | PyIndices
    | PyStarred
    | PyList
    | PyUnary
    | PyBinary
    | PyCompare
    | PyLogic
    | PyChoice
    | PyLambda
    | PyEach
    | PyFormat
)

# --- statements -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PyAssign:
    """``target = target = value``."""

    kind: ClassVar[str] = "assign"
    targets: tuple[Expr, ...]
    value: Expr


@dataclass(frozen=True, slots=True)
class PyDo:
    """An expression for its effect."""

    kind: ClassVar[str] = "do"
    value: Expr


@dataclass(frozen=True, slots=True)
class PyUnpack:
    """A fixed run on load: ``run`` names the :class:`vmgen.plan.Run`, ``targets`` take its values."""

    kind: ClassVar[str] = "unpack"
    run: str
    targets: tuple[Expr, ...]
    size: int


@dataclass(frozen=True, slots=True)
class PyPack:
    """A fixed run on save, or a part of one: ``pack`` makes bytes of the values."""

    kind: ClassVar[str] = "pack"
    pack: Expr
    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class PyIf:
    """Statements under a condition."""

    kind: ClassVar[str] = "if"
    condition: Expr
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class PyFor:
    """Statements for every item; ``target`` is a name or a tuple of names."""

    kind: ClassVar[str] = "for"
    target: Expr
    items: Expr
    body: tuple[Statement, ...]


Statement: TypeAlias = PyAssign | PyDo | PyUnpack | PyPack | PyIf | PyFor

# --- what is in code --------------------------------------------------------------------


def parts(node: object) -> Iterator[object]:
    """The expressions and statements in a value of a plan, and itself, the outermost first."""
    todo = [node]
    while todo:
        one: Any = todo.pop()
        cls = type(one)
        if cls is tuple or cls is list:
            todo += reversed(one)
        elif names := _HOLDING[cls]:
            yield one
            todo += [getattr(one, name) for name in names]
        elif cls is not str:
            yield one


_PLAIN = frozenset({"str", "int", "bool", "tuple[str, ...]"})


class _Holding(dict[type, tuple[str, ...]]):
    """The members of a class in which expressions or statements can be, the last first."""

    def __missing__(self, cls: type) -> tuple[str, ...]:
        inside = fields(cls) if is_dataclass(cls) else ()
        names = [one.name for one in reversed(inside) if one.type not in _PLAIN]
        return self.setdefault(cls, tuple(names))


_HOLDING = _Holding()


@dataclass(frozen=True, slots=True)
class Mentioned:
    """The names in a value of a plan: its module's own and locals, and those of others."""

    own: frozenset[str]
    imported: frozenset[PyGlobal]


def names_in(node: object) -> Mentioned:
    """All names in a value of a plan."""
    own: set[str] = set()
    imported: set[PyGlobal] = set()
    todo = [node]
    while todo:  # as parts() does it, in any order: all of a package is looked through
        one: Any = todo.pop()
        cls = type(one)
        if cls is PyName:
            own.add(one.id)
        elif cls is PyGlobal:
            imported.add(one)
        elif cls is tuple or cls is list:
            todo += one
        else:
            todo += [getattr(one, name) for name in _HOLDING[cls]]
    return Mentioned(frozenset(own), frozenset(imported))


def mentions(node: object, name: str) -> bool:
    """Whether a value of a plan has the name in it."""
    return any(type(one) is PyName and one.id == name for one in parts(node))


# --- short forms ------------------------------------------------------------------------

NONE = PyConst(None)
TRUE = PyName("True")
FALSE = PyName("False")


def name(id: str) -> PyName:
    """A name, as the function that :func:`call` takes."""
    return PyName(id)


def runtime(id: str, module: str = "_runtime") -> PyGlobal:
    """A name of the runtime, or of a module that is emitted beside it."""
    return PyGlobal(module, id, id)


def call(function: str | Expr, *arguments: Expr | int | str) -> PyCall:
    """A call; a string is a function of the runtime, plain arguments are literals."""
    made = runtime(function) if isinstance(function, str) else function
    return PyCall(made, tuple(map(value, arguments)))


def builtin(function: str, *arguments: Expr | int | str) -> PyCall:
    """A call of a builtin function."""
    return PyCall(PyName(function), tuple(map(value, arguments)))


def method(
    base: Expr, name: str, *arguments: Expr | int | str, **keywords: Expr
) -> PyCall:
    """A call of a method."""
    return PyCall(
        PyAttr(base, name), tuple(map(value, arguments)), tuple(keywords.items())
    )


def value(one: Expr | int | str) -> Expr:
    """An expression itself, or the literal of a number or a string."""
    return PyConst(one) if isinstance(one, int | str) else one


def at(base: Expr, *indices: Expr | int) -> Expr:
    """``base[first][second]``..."""
    for one in indices:
        base = PyIndex(base, value(one))
    return base


def cut(base: Expr, start: Expr | int | None, stop: Expr | int | None) -> PyIndex:
    """``base[start:stop]``."""
    ends = [None if one is None else value(one) for one in (start, stop)]
    return PyIndex(base, PySlice(ends[0], ends[1]))


def times(one: Expr, factor: int) -> Expr:
    """``one * factor``."""
    return one if factor == 1 else PyBinary("*", one, PyConst(factor))


def absent(one: Expr) -> PyCompare:
    """``one is None``."""
    return PyCompare("is", one, NONE)


def there(one: Expr) -> PyCompare:
    """``one is not None``."""
    return PyCompare("is not", one, NONE)


def both(items: Iterable[Expr]) -> Expr:
    """The conditions with ``and`` between them; one alone is itself."""
    return _joined("and", items)


def either(items: Iterable[Expr]) -> Expr:
    """The conditions with ``or`` between them; one alone is itself."""
    return _joined("or", items)


def _joined(op: Literal["and", "or"], items: Iterable[Expr]) -> Expr:
    flat: list[Expr] = []
    for one in items:
        flat += one.items if isinstance(one, PyLogic) and one.op == op else (one,)
    return flat[0] if len(flat) == 1 else PyLogic(op, tuple(flat))
