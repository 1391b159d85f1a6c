"""Custom infos of free form as descriptions: counts from the wire and so many words or
bytes, choices by a value that was read, lists that a word goes on with.

What ``get`` and ``put`` move (``vmgen.grammar``) becomes a nested description with fields
as tables have them, so that whoever knows tables knows the info.  Where the wire alone
does not say what follows, there is a reason instead; a line that was written by hand may
ask for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from vmgen import ir
from vmgen.grammar import (
    Either,
    GrammarError,
    Handed,
    LeaveLoop,
    Loop,
    MovedBytes,
    MovedWord,
    Moves,
    Must,
    Part,
    parse,
)
from vmgen.infos import expressions
from vmgen.infos.follows import Follows, is_sentinel, marked
from vmgen.source import NOWHERE, Position

_MAX_FIELDS = 200

OWNER = "parent."
"""What a member of the object that has the field begins with."""


@dataclass(frozen=True, slots=True)
class Described:
    """The description of an info and those inside of it, and the tests of their fields;
    the first is the info's own."""

    descriptions: tuple[ir.Description, ...]
    functions: tuple[ir.Function, ...] = ()


class _Unsaid(Exception):
    """The wire alone does not say what follows."""


def described(
    custom: ir.CustomElement,
    position: Position,
    types: Mapping[str, str] | None = None,
) -> Described | str:
    """The description that says what the info moves, or why there is none.

    ``position`` is where the table names the info: that of every field.  ``types`` are
    the C types of the descriptions that can be inside, by symbol.
    """
    try:
        get, put = parse(custom.get), parse(custom.put)
    except GrammarError as error:
        return str(error)
    if not get:
        return "its get moves nothing that can be seen"
    names: dict[int, str] = {}
    if put and not Follows(names).row(get, put, {}):
        return f"its put moves '{custom.put}' where its get moves '{custom.get}'"
    builder = _DescriptionBuilder(custom.info, position, names, types or {}, "")
    try:
        builder.description(custom.info, get)
    except _Unsaid as error:
        return f"it moves '{custom.get}', {error}"
    return Described(tuple(builder.descriptions), tuple(builder.functions))


def written(symbol: str, type: str, line: str, types: Mapping[str, str]) -> Described:
    """The description that a line written by hand says: ``symbol`` is its C symbol,
    ``type`` the C type of its object.

    What a number or a condition names and no field before holds is a member that the
    context knows.  A description that is not among ``types`` is left out, with what hangs
    on it.  Raises ValueError for a line that says no description.
    """
    builder = _DescriptionBuilder(symbol, NOWHERE, {}, types, type)
    try:
        builder.description(symbol, parse(line), type)
    except _Unsaid as error:
        raise ValueError(f"{line}: it moves something {error}") from None
    found = tuple(replace(one, static=False) for one in builder.descriptions)
    return Described(found, tuple(builder.functions))


def of_user(
    symbol: str,
    type: str,
    line: str,
    types: Mapping[str, str] | None,
    position: Position,
) -> Described:
    """The description that a line of a user says: as :func:`written`, but nothing is left
    out or asked for by a name of its own.

    Its words are members by their C paths (``u32:iov.len``).  Sizes, numbers and conditions
    may name words of the same object that come before, ``version_id`` and, outside of
    loops, members of the object that has the field (``parent.n``).  With ``types`` None
    every description is there.  Raises ValueError for a line that says no description.
    """
    builder = _DescriptionBuilder(symbol, position, {}, types or {}, type)
    builder.taught = True
    builder.every_state = types is None
    try:
        builder.description(symbol, parse(line), type, owned=True)
    except _Unsaid as error:
        raise ValueError(f"it moves something {error}") from None
    return Described(tuple(builder.descriptions), tuple(builder.functions))


_INTEGERS: Mapping[tuple[int, bool], ir.IntType] = {
    (8, False): "uint8", (16, False): "uint16", (32, False): "uint32",
    (64, False): "uint64", (8, True): "int8", (16, True): "int16", (32, True): "int32",
    (64, True): "int64",
}  # fmt: skip


@dataclass(slots=True)
class _FieldRows:
    """The fields of one description as they are made; ``words`` are the members that hold
    words, by the name that expressions have for them, ``arrays`` those that hold bytes.
    ``owned``: the object knows the one that has it, as ``parent``.
    """

    symbol: str
    fields: list[ir.Field] = field(default_factory=list)
    words: dict[str, tuple[str, ir.IntType]] = field(default_factory=dict)
    arrays: set[str] = field(default_factory=set)
    owned: bool = False
    taken: set[str] = field(default_factory=set)

    def free(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name


class _DescriptionBuilder:
    """Makes descriptions of moves.

    ``type`` is the C type of the object of a line that was written by hand, empty for what
    C moves: that may only depend on the words before.
    """

    def __init__(
        self,
        base: str,
        position: Position,
        names: Mapping[int, str],
        types: Mapping[str, str],
        type: str,
    ) -> None:
        self._position = position
        self._names = names
        self._base = base
        self._types = types
        self._type = type
        self._count = 0
        self.taught = False
        self.every_state = False
        self._below = _FieldRows("")  # the names of those inside
        self.descriptions: list[ir.Description] = []
        self.functions: list[ir.Function] = []

    def description(
        self, symbol: str, moves: Moves, type: str = "", *, owned: bool = False
    ) -> str:
        """The C type of the description that these moves become."""
        row = _FieldRows(symbol, owned=owned)
        place = len(self.descriptions)
        type = type or re.sub(r"\W", "_", symbol.removeprefix("vmstate_info_"))
        # Without a name, since no subsections can follow: an info looks for none.
        made = ir.Description(symbol, "", type, 0, 0, (), position=self._position)
        self.descriptions.append(made)
        self._fields(row, moves, None)
        self.descriptions[place] = replace(made, fields=tuple(row.fields))
        return type

    def _fields(self, row: _FieldRows, moves: Moves, condition: ir.Expr | None) -> None:
        for move in moves:
            self._count += 1
            if self._count > _MAX_FIELDS:
                raise _Unsaid("which is too much")
            match move:
                case MovedWord():
                    self._word(row, move, condition)
                case MovedBytes():
                    self._bytes(row, move, condition)
                case Loop():
                    self._loop(row, move, condition)
                case Part():
                    self._part(row, move, condition)
                case Either(text, then, otherwise):
                    truth = self._condition(text, row)
                    outside = dict(row.words)
                    self._fields(row, then, _both(condition, truth))
                    if not self._type:  # those of a branch may not be there
                        row.words = dict(outside)
                    self._fields(row, otherwise, _both(condition, ir.Unary("!", truth)))
                    if not self._type:
                        row.words = outside
                case Handed():
                    self._handed(row, move, condition)
                case Must():
                    self._must(row, move, condition)
                case LeaveLoop():
                    raise _Unsaid("and ends a loop in the middle")
                case _:
                    assert_never(move)

    def _add(self, row: _FieldRows, made: ir.Field, condition: ir.Expr | None) -> None:
        if condition is not None:
            name = re.sub(r"\W+", "_", made.name)
            symbol = _below(row.symbol, name)
            self.functions.append(ir.Function(symbol, self._position, body=condition))
            made = replace(made, test=symbol)
        row.fields.append(replace(made, position=self._position))

    def _word(
        self, row: _FieldRows, word: MovedWord, condition: ir.Expr | None
    ) -> None:
        type = _INTEGERS[word.bits, word.signed]
        if self.taught and word.name:
            path = self._path(row, word.name, ir.Step("", f"{type}_t"))
            name = word.name
        else:
            names = (word.name, self._names.get(id(word), ""))
            found = [_last(name) for name in names if _last(name)]
            name = row.free(found[0] if found else "n" if word.name else "word")
            path = (ir.Step(name, f"{type}_t"),)
        if word.name:
            row.words[word.name] = (name, type)
        element = ir.IntegerElement(type, "", f"vmstate_info_{type}")
        self._add(
            row, ir.Field(name, path, element, ir.Fixed(word.bits // 8)), condition
        )

    def _path(self, row: _FieldRows, name: str, last: ir.Step) -> ir.Path:
        """The members that a C path leads through; the last one's step is complete but
        for its name."""
        if name in row.taken:
            raise _Unsaid(f"and '{name}' twice")
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise _Unsaid(f"and '{name}' is no path of C members")
        if name.partition(".")[0] in ("parent", "version_id"):
            raise _Unsaid(f"and '{name}' is a name that has a meaning of its own")
        row.taken.add(name)
        *outer, inner = name.split(".")
        before = [
            ir.Step(one, "_".join((self._type, *outer[: place + 1])))
            for place, one in enumerate(outer)
        ]
        return (*before, replace(last, name=inner))

    def _bytes(
        self, row: _FieldRows, move: MovedBytes, condition: ir.Expr | None
    ) -> None:
        amount = self._amount(move.size, row)
        fixed = isinstance(amount, ir.Fixed)
        dims = (amount.value,) if isinstance(amount, ir.Fixed) else ()
        last = ir.Step("", "uint8_t", dims, pointer=not fixed)
        if self.taught and move.name:
            name, path = move.name, self._path(row, move.name, last)
        else:
            name = row.free(move.name or "data")
            path = (replace(last, name=name),)
        if fixed:
            row.arrays.add(name)
        made = ir.Field(
            name,
            path,
            ir.BufferElement(),
            amount,
            pointer=not fixed,
            allocated=not fixed,
        )
        self._add(row, made, condition)

    def _loop(self, row: _FieldRows, loop: Loop, condition: ir.Expr | None) -> None:
        if not loop.turns:
            self._list(row, loop, condition)
            return
        count = self._amount(loop.turns, row)
        element: ir.Element
        match loop.body:
            case (MovedWord(bits, label, signed) as word,):
                held = _INTEGERS[bits, signed]
                found = (
                    loop.name or _last(label) or _last(self._names.get(id(word), ""))
                )
                name, type, size = row.free(found or "words"), f"{held}_t", bits // 8
                element = ir.IntegerElement(held, "", f"vmstate_info_{held}")
            case _:
                name, size = row.free(loop.name or "elements"), 0
                symbol, type = self._nested(loop.name or "element", loop.body)
                element = ir.StructElement(symbol, type)
        fixed = isinstance(count, ir.Fixed)
        dims = (count.value,) if isinstance(count, ir.Fixed) else ()
        made = ir.Field(
            name,
            (ir.Step(name, type, dims, pointer=not fixed),),
            element,
            ir.Fixed(size),
            count,
            array=True,
            pointer=not fixed,
            allocated=not fixed,
        )
        self._add(row, made, condition)

    def _list(self, row: _FieldRows, loop: Loop, condition: ir.Expr | None) -> None:
        """Elements while the word in front of them is positive."""
        marker, elements = marked(loop)
        if marker is None:
            raise _Unsaid("and ends a loop in the middle")
        name = row.free(loop.name or "elements")
        sentinel = is_sentinel(marker, elements)
        if sentinel:
            elements = (marker, *elements)
        symbol, type = self._nested(loop.name or "element", elements)
        listed = ir.ListElement("sentinel" if sentinel else "qtailq", symbol, type)
        step = ir.Step(name, type)
        self._add(row, ir.Field(name, (step,), listed, ir.Fixed(0)), condition)

    def _part(self, row: _FieldRows, part: Part, condition: ir.Expr | None) -> None:
        """An object of its own, whose ``parent`` is this one."""
        name = row.free(part.name)
        symbol, type = self._nested(part.name, part.body, owned=True)
        made = ir.Field(
            name, (ir.Step(name, type),), ir.TmpElement(symbol, type), ir.Fixed(0)
        )
        self._add(row, made, condition)

    def _must(self, row: _FieldRows, move: Must, condition: ir.Expr | None) -> None:
        """A check, which holds too where there is nothing to check."""
        name = row.free(move.name or move.condition)
        holds = self._condition(move.condition, row)
        if condition is not None:
            holds = ir.Binary("||", ir.Unary("!", condition), holds)
        made = ir.Field(name, (), ir.NothingElement(), ir.Fixed(0), must_exist=True)
        self._add(row, made, holds)

    def _handed(self, row: _FieldRows, move: Handed, condition: ir.Expr | None) -> None:
        found = re.fullmatch(r"state\((\w+)\)", move.callee)
        left_out = self._type and not self.taught
        if found is None or not (
            found[1] in self._types or left_out or self.every_state
        ):
            raise _Unsaid(f"and {move.callee} cannot be seen from here")
        symbol = found[1]
        if left_out and symbol not in self._types:
            return  # a program without it has no such object either
        type = self._types.get(symbol, "")
        name = row.free(move.name or symbol.removeprefix("vmstate_"))
        step = ir.Step(name, type)
        element = ir.StructElement(symbol, type)
        self._add(row, ir.Field(name, (step,), element, ir.Fixed(0)), condition)

    def _nested(
        self, name: str, moves: Moves, *, owned: bool = False
    ) -> tuple[str, str]:
        name = self._below.free(name)
        type = f"{self._type}_{name}" if self._type else ""
        symbol = _below(self._base, name)
        return symbol, self.description(symbol, moves, type, owned=owned)

    # --- numbers and conditions -----------------------------------------------------------

    def _named(
        self, name: str, row: _FieldRows, versioned: bool = False
    ) -> ir.Expr | None:
        if name in row.words:
            member, type = row.words[name]
            return ir.Load(member, type)
        if not self._type:
            return None
        if self.taught:
            if name == "version_id" and versioned and row.symbol == self._base:
                return ir.Version()
            if name.startswith(OWNER) and row.owned and OWNER not in name[len(OWNER) :]:
                return ir.Load(name, "uint64")
            return None
        whole, bracket, _ = name.partition("[")
        of_bytes = bracket and whole.removeprefix("parent.") not in row.words
        return ir.Load(name, "uint8" if of_bytes else "uint64")

    def _parsed(
        self, text: str, row: _FieldRows, versioned: bool = False
    ) -> ir.Expr | None:
        """The expression; None if it is of more than numbers and what is before."""
        try:
            return expressions.parse(
                text, lambda name: self._named(name, row, versioned)
            )
        except expressions.NoExpression:
            return None

    def _amount(self, text: str, row: _FieldRows) -> ir.Amount:
        """A number that the C knows, or what follows from words."""
        match expr := self._parsed(text, row):
            case ir.Const(value) if value >= 0:
                return ir.Fixed(value)
            case ir.Load():
                return _from_member(expr, 1)
            case ir.Binary("*", ir.Load() as load, ir.Const(factor)) | ir.Binary(
                "*", ir.Const(factor), ir.Load() as load
            ) if (factor > 0):
                return _from_member(load, factor)
        if expr is None or not self._type:
            raise _Unsaid(
                f"and '{text}' is no number of words before"
                if self._type
                else f"and '{text}' is no multiple of a word before"
            )
        return ir.Computed(expr)

    def _condition(self, text: str, row: _FieldRows) -> ir.Expr:
        expr = self._parsed(text, row, versioned=True)
        if self._type and expr is not None:
            return expr
        return _decided(expr, text)


def _from_member(load: ir.Load, factor: int) -> ir.FromMember:
    *outer, last = load.path.split(".")
    steps = (*(ir.Step(one, "") for one in outer), ir.Step(last, f"{load.type}_t"))
    return ir.FromMember(steps, load.type, factor)


def _decided(expr: ir.Expr | None, text: str) -> ir.Expr:
    """A condition over words: truths, equalities, bits, and what ``&&``, ``||`` and ``!``
    make of them.  How large a word is, as a C type has it, is nothing that decides."""
    match expr:
        case ir.Unary("!", operand):
            return ir.Unary("!", _decided(operand, text))
        case ir.Binary("&&" | "||" as op, left, right):
            return ir.Binary(op, _decided(left, text), _decided(right, text))
        case ir.Load() | ir.Binary("&", ir.Load(), ir.Const()):
            return ir.Binary("!=", expr, ir.Const(0))
        case ir.Binary("==", ir.Load() as load, ir.Const(number)) | ir.Binary(
            "==", ir.Const(number), ir.Load() as load
        ) if number < 1 << (int(load.type.removeprefix("uint")) - 1):
            return ir.Binary("==", load, ir.Const(number))
    raise _Unsaid(f"and whether '{text}' is nothing that the words before decide")


def _below(symbol: str, name: str) -> str:
    """The symbol of what is inside of another."""
    return f"{symbol.replace('.', '_')}.{name}"


def _last(path: str) -> str:
    """The member that a path ends in; empty for what is none."""
    found = re.fullmatch(r"(?:[\w\[\]]+\.)*([A-Za-z_]\w*)(?:\[\d*\])*", path)
    return found[1] if found else ""


def _both(one: ir.Expr | None, other: ir.Expr) -> ir.Expr:
    return other if one is None else ir.Binary("&&", one, other)
