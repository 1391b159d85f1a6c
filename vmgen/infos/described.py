"""Custom infos of free form as descriptions: counts from the wire and so many words or
bytes, choices by a value that was read, lists that a marker goes on with.

What ``get`` and ``put`` move (``vmgen.grammar``) becomes a nested description with fields
as tables have them, so that whoever knows tables knows the info.  Where the wire alone
does not say what follows, there is a reason instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import assert_never

from vmgen import ir
from vmgen.grammar import (
    Either,
    GrammarError,
    Handed,
    LeaveLoop,
    Loop,
    Move,
    MovedBytes,
    MovedWord,
    Moves,
    parse,
    texts,
)
from vmgen.source import Position

_MAX_FIELDS = 200
_MAX_STEPS = 5000


@dataclass(frozen=True, slots=True)
class Described:
    """The description of an info and those inside of it, and the tests of their fields;
    the first is the info's own."""

    descriptions: tuple[ir.Description, ...]
    functions: tuple[ir.Function, ...] = ()


class _Unsaid(Exception):
    """The wire alone does not say what follows."""


def described(custom: ir.CustomElement, position: Position) -> Described | str:
    """The description that says what the info moves, or why there is none.

    ``position`` is where the table names the info: that of every field.
    """
    try:
        get, put = parse(custom.get), parse(custom.put)
    except GrammarError as error:
        return str(error)
    if not get:
        return "its get moves nothing that can be seen"
    names: dict[int, str] = {}
    if put and not _Follows(names).row(get, put, {}):
        return f"its put moves '{custom.put}' where its get moves '{custom.get}'"
    builder = _DescriptionBuilder(custom, position, names)
    try:
        builder.description(custom.info, custom.name or custom.info, get)
    except _Unsaid as error:
        return f"it moves '{custom.get}', {error}"
    return Described(tuple(builder.descriptions), tuple(builder.functions))


# --- does put write what get reads? -------------------------------------------------------


class _Follows:
    """Whether all that one row of moves writes is read by another.

    ``names`` gets, by the word (``id``) of the one that reads, what the other puts there.
    """

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._steps = 0

    def row(self, get: Moves, put: Moves, values: dict[str, str]) -> bool:
        """``values`` are the words of ``get`` by name, as expressions of ``put``."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            return False
        if get and _is_nothing(get[0], values):
            return self.row(get[1:], put, values)
        match get, put:
            case (), ():
                return True
            case (Either(condition, then, no), *_), _ if (
                truth := _truth(condition, values)
            ) is not None:
                return self.row((*(then if truth else no), *get[1:]), put, values)
            case (Either(condition, then, no), *_), (
                Either(other, first, second),
                *_,
            ) if (
                _in_words_of_put(condition, values) == other
            ):
                return (
                    self.row(then, first, dict(values))
                    and self.row(no, second, dict(values))
                    and self.row(get[1:], put[1:], values)
                )
            case _, (Either(_, first, second), *_):
                return self.row(get, (*first, *put[1:]), dict(values)) and self.row(
                    get, (*second, *put[1:]), dict(values)
                )
            case (MovedWord(bits, name) as word, *_), (MovedWord(width, value), *_):
                if bits != width:
                    return False
                self._names.setdefault(id(word), value)
                inner = {**values, name: value} if name else values
                return self.row(get[1:], put[1:], inner)
            case (MovedBytes(size), *_), (MovedBytes(other), *_):
                same = _in_words_of_put(size, values) == other
                return same and self.row(get[1:], put[1:], values)
            case (Loop("") as loop, *_), (
                Loop(turns, body),
                MovedWord(8, "0"),
                *_,
            ) if turns:
                marker, elements = _marked(loop)
                match body:
                    case (MovedWord(8, "1"), *rest) if marker is not None:
                        return self.row(elements, tuple(rest), {}) and self.row(
                            get[1:], put[2:], values
                        )
                return False
            case (Loop(turns, body), *_), (Loop(other, inside), *_) if turns:
                counted = other.startswith("each ") or (
                    _in_words_of_put(turns, values) == other
                )
                return (
                    counted
                    and self.row(body, inside, dict(values))
                    and self.row(get[1:], put[1:], values)
                )
            case _:
                return False


def _is_nothing(move: Move, values: dict[str, str]) -> bool:
    """Whether a move is of no bytes with these values."""
    match move:
        case MovedBytes(size) | Loop(size):
            return values.get(size) == "0" or size == "0"
        case MovedWord() | Handed() | Either() | LeaveLoop():
            return False
        case _:
            assert_never(move)


def _truth(condition: str, values: dict[str, str]) -> bool | None:
    value = values.get(condition, "")
    return value != "0" if re.fullmatch(r"\d+", value) else None


def _in_words_of_put(line: str, values: dict[str, str]) -> str:
    """An expression of the one that reads in the words of the one that writes."""

    def put(found: re.Match[str]) -> str:
        value = values.get(found[0], found[0])
        return f"({value})" if " " in value and found[0] != line else value

    return re.sub(r"[\w$.\[\]]+", put, line)


def _marked(loop: Loop) -> tuple[MovedWord | None, Moves]:
    """The marker of a list that a byte other than 0 goes on with, and its elements."""
    match loop.body:
        case (
            MovedWord(8, name) as marker,
            Either(condition, elements, (LeaveLoop(),)),
        ) if condition == name and name not in " ".join(texts(elements)):
            return marker, elements
        case _:
            return None, ()


# --- fields -------------------------------------------------------------------------------

_INTEGERS: dict[int, ir.IntType] = {
    8: "uint8",
    16: "uint16",
    32: "uint32",
    64: "uint64",
}


@dataclass(slots=True)
class _FieldRows:
    """The fields of one description as they are made; ``words`` are the members that hold
    words, by the name that expressions have for them."""

    symbol: str
    fields: list[ir.Field] = field(default_factory=list)
    words: dict[str, tuple[str, ir.IntType]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def free(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name


class _DescriptionBuilder:
    def __init__(
        self, custom: ir.CustomElement, position: Position, names: dict[int, str]
    ) -> None:
        self._position = position
        self._names = names
        self._base = custom.info
        self._count = 0
        self.descriptions: list[ir.Description] = []
        self.functions: list[ir.Function] = []

    def description(self, symbol: str, name: str, moves: Moves) -> str:
        """The C type of the description that these moves become."""
        row = _FieldRows(symbol)
        place = len(self.descriptions)
        type = re.sub(r"\W", "_", symbol.removeprefix("vmstate_info_"))
        made = ir.Description(symbol, name, type, 0, 0, (), position=self._position)
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
                case MovedBytes(size):
                    self._bytes(row, size, condition)
                case Loop():
                    self._loop(row, move, condition)
                case Either(text, then, otherwise):
                    truth = _expression(text, row.words)
                    outside = dict(row.words)
                    self._fields(row, then, _both(condition, truth))
                    row.words = dict(outside)
                    self._fields(row, otherwise, _both(condition, ir.Unary("!", truth)))
                    row.words = outside  # those of a branch may not be there
                case Handed(callee):
                    raise _Unsaid(f"and {callee} cannot be seen from here")
                case LeaveLoop():
                    raise _Unsaid("and ends a loop in the middle")
                case _:
                    assert_never(move)

    def _add(self, row: _FieldRows, made: ir.Field, condition: ir.Expr | None) -> None:
        if condition is not None:
            symbol = f"{row.symbol}:{made.name}"
            self.functions.append(ir.Function(symbol, self._position, body=condition))
            made = replace(made, test=symbol)
        row.fields.append(replace(made, position=self._position))

    def _word(
        self, row: _FieldRows, word: MovedWord, condition: ir.Expr | None
    ) -> None:
        names = (word.name, self._names.get(id(word), ""))
        found = [_last(name) for name in names if _last(name)]
        name = row.free(found[0] if found else "n" if word.name else "word")
        type = _INTEGERS[word.bits]
        if word.name:
            row.words[word.name] = (name, type)
        step = ir.Step(name, f"{type}_t")
        element = ir.IntegerElement(type, "", f"vmstate_info_{type}")
        self._add(
            row, ir.Field(name, (step,), element, ir.Fixed(word.bits // 8)), condition
        )

    def _bytes(self, row: _FieldRows, size: str, condition: ir.Expr | None) -> None:
        amount = _amount(size, row.words)
        name = row.free("data")
        if isinstance(amount, ir.Fixed):
            step = ir.Step(name, "uint8_t", (amount.value,))
            made = ir.Field(name, (step,), ir.BufferElement(), amount)
        else:
            step = ir.Step(name, "uint8_t", pointer=True)
            made = ir.Field(
                name, (step,), ir.BufferElement(), amount, pointer=True, allocated=True
            )
        self._add(row, made, condition)

    def _loop(self, row: _FieldRows, loop: Loop, condition: ir.Expr | None) -> None:
        if not loop.turns:
            marker, elements = _marked(loop)
            if marker is None:
                raise _Unsaid("and ends a loop in the middle")
            name = row.free("elements")
            symbol, type = self._nested("element", elements)
            step = ir.Step(name, type)
            listed = ir.ListElement("qtailq", symbol, type)
            self._add(row, ir.Field(name, (step,), listed, ir.Fixed(0)), condition)
            return
        count = _amount(loop.turns, row.words)
        element: ir.Element
        match loop.body:
            case (MovedWord(bits, label) as word,):
                held = _INTEGERS[bits]
                found = _last(label) or _last(self._names.get(id(word), ""))
                name, type, size = row.free(found or "words"), f"{held}_t", bits // 8
                element = ir.IntegerElement(held, "", f"vmstate_info_{held}")
            case _:
                name, size = row.free("elements"), 0
                symbol, type = self._nested("element", loop.body)
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

    def _nested(self, name: str, moves: Moves) -> tuple[str, str]:
        number = sum(one.name == name for one in self.descriptions)
        symbol = f"{self._base}:{name}{number + 1 if number else ''}"
        return symbol, self.description(symbol, name, moves)


def _last(path: str) -> str:
    """The member that a path ends in; empty for what is none."""
    found = re.fullmatch(r"(?:[\w\[\]]+\.)*([A-Za-z_]\w*)(?:\[\d*\])*", path)
    return found[1] if found else ""


def _both(one: ir.Expr | None, other: ir.Expr) -> ir.Expr:
    return other if one is None else ir.Binary("&&", one, other)


def _amount(line: str, words: dict[str, tuple[str, ir.IntType]]) -> ir.Amount:
    """A number that the C knows, or a multiple of a word."""
    if line.isdigit():
        return ir.Fixed(int(line))
    for pattern in (
        r"(?P<word>\S+)(?: \* (?P<factor>\d+))?",
        r"(?P<factor>\d+) \* (?P<word>\S+)",
    ):
        found = re.fullmatch(pattern, line)
        if found is not None and found["word"] in words:
            member, type = words[found["word"]]
            step = ir.Step(member, f"{type}_t")
            return ir.FromMember((step,), type, int(found["factor"] or 1))
    raise _Unsaid(f"and '{line}' is no multiple of a word before")


def _expression(line: str, words: dict[str, tuple[str, ir.IntType]]) -> ir.Expr:
    """A condition over words: truths, equalities, bits, and what ``&&``, ``||`` and ``!``
    make of them.  How large a word is, as a C type has it, is nothing that decides."""
    if line.startswith("!"):
        return ir.Unary("!", _expression(line[1:], words))
    parts = _operands(line)
    match parts:
        case [only] if only in words:
            member, type = words[only]
            return ir.Binary("!=", ir.Load(member, type), ir.Const(0))
        case [left, "&&" | "||" as op, right]:
            return ir.Binary(op, _expression(left, words), _expression(right, words))
        case [left, "&", right] if left in words and right.isdigit():
            bits = ir.Binary("&", ir.Load(*words[left]), ir.Const(int(right)))
            return ir.Binary("!=", bits, ir.Const(0))
        case [left, "==", right]:
            for word, number in ((left, right), (right, left)):
                if word in words and number.isdigit():
                    member, type = words[word]
                    if int(number) < 1 << (int(type.removeprefix("uint")) - 1):
                        return ir.Binary(
                            "==", ir.Load(member, type), ir.Const(int(number))
                        )
    raise _Unsaid(f"and whether '{line}' is nothing that the words before decide")


def _operands(line: str) -> list[str]:
    """The operands and the operator of an expression in normal form: what stands between
    blanks outside of brackets, outer brackets left away."""
    parts, depth = [""], 0
    for letter in line:
        depth += (letter in "([") - (letter in ")]")
        if letter == " " and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [
        part[1:-1] if part.startswith("(") and part.endswith(")") else part
        for part in parts
    ]
