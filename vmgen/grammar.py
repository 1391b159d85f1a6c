"""What hand-written C moves to and from a stream, as a small tree, and its one line of text.

``translate.moves`` makes the tree from C, ``infos`` has the trees that codecs were
written from.  Both are normal forms (:func:`sequence`): what differs in no byte is equal.

The text: ``u32`` is a big-endian word (``u8`` to ``u64``, ``i8`` to ``i64``), ``u32:n``
one that is the C member, or the expression, ``n``; ``bytes[n]`` are ``n`` raw bytes;
``state(vmstate_x)`` is a description, ``->save`` a function behind the pointer ``save``,
``name()`` one whose body is in another file.  ``loop[n]{ }`` turns ``n`` times, ``loop[each
list]{ }`` once for every element of a list of C, ``loop[while c]{ }`` as long as ``c``,
``loop{ }`` until ``leave``.  ``if[c]{ a | b }`` moves ``a`` where ``c`` is true and ``b``
where it is not.  ``part:x{ a }`` is the object ``x`` with the members ``a``; ``must[c]``
moves nothing, and ``c`` is true wherever the loading goes on.

Bytes, descriptions and loops can have names too, as words have: ``bytes[n]:data``,
``state(vmstate_x):x``, ``loop[n]:items{ }``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never


@dataclass(frozen=True, slots=True)
class MovedWord:
    """A big-endian word of ``bits``; ``name`` is what it holds, empty if it is unknown."""

    bits: int
    name: str = ""
    signed: bool = False


@dataclass(frozen=True, slots=True)
class MovedBytes:
    """Raw bytes, as many as ``size`` says."""

    size: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Handed:
    """The stream goes on to ``callee``: ``state(vmstate_x)``, ``->save`` or ``name()``."""

    callee: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class LeaveLoop:
    """The loop around ends here."""


@dataclass(frozen=True, slots=True)
class Loop:
    """``body`` again and again: ``turns`` is a number, ``each LIST``, ``while CONDITION``,
    or empty for one that only :class:`LeaveLoop` ends."""

    turns: str
    body: Moves
    name: str = ""


@dataclass(frozen=True, slots=True)
class Either:
    """``then`` if ``condition``, ``otherwise`` if not."""

    condition: str
    then: Moves
    otherwise: Moves = ()


@dataclass(frozen=True, slots=True)
class Part:
    """An object of its own with the members that ``body`` moves."""

    name: str
    body: Moves


@dataclass(frozen=True, slots=True)
class Must:
    """Nothing; what was read before is refused unless ``condition``."""

    condition: str
    name: str = ""


Move: TypeAlias = (
    MovedWord | MovedBytes | Handed | LeaveLoop | Loop | Either | Part | Must
)
Moves: TypeAlias = tuple[Move, ...]

# --- the normal form --------------------------------------------------------------------


def negated(condition: str) -> str:
    """The opposite of a condition."""
    if condition.startswith("!"):
        return condition[1:]
    return f"!{condition}"


def sequence(moves: Moves) -> Moves:
    """The normal form: no empty branches and loops, no condition that only says that a
    loop or a buffer is not empty, what both branches begin or end with outside of them,
    and a loop whose word before it and at its end are one begins with that word."""
    made: list[Move] = []
    for move in moves:
        match move:
            case Loop(turns, body, name):
                made += _loop(turns, sequence(body), made, name)
            case Part(name, body):
                made.append(Part(name, sequence(body)))
            case Either(condition, then, otherwise):
                both = sequence(then), sequence(otherwise)
                if _is_counted(condition, both, made):
                    made += both[0]
                else:
                    made += _either(condition, *both)
            case MovedWord() | MovedBytes() | Handed() | LeaveLoop() | Must():
                made.append(move)
            case _:
                assert_never(move)
    return tuple(made)


def _loop(turns: str, body: Moves, before: list[Move], name: str = "") -> Moves:
    if (
        not any(not isinstance(move, LeaveLoop) for move in _leaves(body))
        or turns == "0"
    ):
        return ()
    if turns == "1" and LeaveLoop() not in _own(body):
        return body
    if turns.startswith("while ") and before and len(body) > 1:
        # get; while (...) { ...; get }
        first, last = before[-1], body[-1]
        if first == last and isinstance(last, MovedWord):
            before.pop()
            rest = _either(turns.removeprefix("while "), body[:-1], (LeaveLoop(),))
            return (Loop("", (first, *rest), name),)
    return (Loop(turns, body, name),)


def _either(condition: str, then: Moves, otherwise: Moves) -> Moves:
    if not then and not otherwise:
        return ()
    if condition.startswith("!"):
        condition, then, otherwise = condition[1:], otherwise, then
    match then, otherwise:
        case (Either(more, both, ()),), ():
            condition, then = f"({condition}) && ({more})", both
    before: list[Move] = []
    while then and otherwise and then[0] == otherwise[0]:
        before.append(then[0])
        then, otherwise = then[1:], otherwise[1:]
    after: list[Move] = []
    while then and otherwise and then[-1] == otherwise[-1]:
        after.insert(0, then[-1])
        then, otherwise = then[:-1], otherwise[:-1]
    inside: Moves = (Either(condition, then, otherwise),)
    if not then and not otherwise:
        inside = ()
    elif not otherwise and _is_bounded(then, condition):
        inside = then
    elif not then:
        inside = (Either(negated(condition), otherwise),)
    return (*before, *inside, *after)


def _is_counted(condition: str, ways: tuple[Moves, Moves], before: list[Move]) -> bool:
    """Whether the word before says how many elements of a list follow, and the condition
    that there are any."""
    match ways, before:
        case ((Loop(turns),), ()), [*_, MovedWord(_, name)]:
            return turns.startswith("each ") and condition in (name, f"0 < {name}")
        case _:
            return False


def _is_bounded(moves: Moves, condition: str) -> bool:
    """Whether what moves is nothing at all where the condition does not hold."""
    bound = condition.removeprefix("0 < ")
    match moves:
        case (Loop(turns),):
            return turns == bound
        case (MovedBytes(size),):
            return bound in (size, *size.split(" * "))
        case _:
            return False


def _own(moves: Moves) -> Iterator[Move]:
    """All moves but those of inner loops."""
    for move in moves:
        yield move
        if isinstance(move, Either):
            yield from _own((*move.then, *move.otherwise))


def _leaves(moves: Moves) -> Iterator[Move]:
    """Every move that is no loop and no choice."""
    for move in moves:
        match move:
            case Loop(body=body) | Part(body=body):
                yield from _leaves(body)
            case Either(_, then, otherwise):
                yield from _leaves((*then, *otherwise))
            case MovedWord() | MovedBytes() | Handed() | LeaveLoop() | Must():
                yield move
            case _:
                assert_never(move)


def renamed(moves: Moves, change: Callable[[str], str]) -> Moves:
    """The moves with every name, size, number and condition changed."""
    made: list[Move] = []
    for move in moves:
        match move:
            case MovedWord(_, name):
                made.append(replace(move, name=change(name)))
            case MovedBytes(size):
                made.append(replace(move, size=change(size)))
            case Loop(turns, body):
                inside = renamed(body, change)
                made.append(replace(move, turns=change(turns), body=inside))
            case Part(body=body):
                made.append(replace(move, body=renamed(body, change)))
            case Either(condition, then, otherwise):
                both = renamed(then, change), renamed(otherwise, change)
                made.append(Either(change(condition), *both))
            case Must(condition):
                made.append(replace(move, condition=change(condition)))
            case Handed() | LeaveLoop():
                made.append(move)
            case _:
                assert_never(move)
    return tuple(made)


def settled(moves: Moves, truth: Callable[[str], bool | None]) -> Moves:
    """The moves with the way taken in place of each choice whose condition is decided."""
    made: list[Move] = []
    for move in moves:
        match move:
            case Either(condition, then, otherwise):
                ways = settled(then, truth), settled(otherwise, truth)
                decided = truth(condition)
                if decided is None:
                    made.append(Either(condition, *ways))
                else:
                    made += ways[0] if decided else ways[1]
            case Loop(body=body) | Part(body=body):
                made.append(replace(move, body=settled(body, truth)))
            case MovedWord() | MovedBytes() | Must() | Handed() | LeaveLoop():
                made.append(move)
            case _:
                assert_never(move)
    return tuple(made)


def texts(moves: Moves) -> Iterator[str]:
    """Every size, number and condition: what may speak of a word."""
    for move in moves:
        match move:
            case MovedBytes(size):
                yield size
            case Loop(turns, body):
                yield turns
                yield from texts(body)
            case Part(body=body):
                yield from texts(body)
            case Either(condition, then, otherwise):
                yield condition
                yield from texts((*then, *otherwise))
            case Must(condition):
                yield condition
            case MovedWord() | Handed() | LeaveLoop():
                pass
            case _:
                assert_never(move)


# --- the text ---------------------------------------------------------------------------


def text(moves: Moves) -> str:
    """The moves as one line."""
    return " ".join(map(_text, moves))


def _text(move: Move) -> str:
    match move:
        case MovedWord(bits, name, signed):
            return f"{'i' if signed else 'u'}{bits}{_name(name)}"
        case MovedBytes(size, name):
            return f"bytes[{size}]{_name(name)}"
        case Handed(callee, name):
            return f"{callee}{_name(name)}"
        case LeaveLoop():
            return "leave"
        case Must(condition, name):
            return f"must[{condition}]{_name(name)}"
        case Loop(turns, body, name):
            head = f"loop{f'[{turns}]' if turns else ''}{_name(name)}"
            return f"{head}{{ {text(body)} }}"
        case Part(name, body):
            return f"part{_name(name)}{{ {text(body)} }}"
        case Either(condition, then, otherwise):
            inside = f"{text(then)} | {text(otherwise)}" if otherwise else text(then)
            return f"if[{condition}]{{ {inside.lstrip()} }}"
        case _:
            assert_never(move)


def _name(name: str) -> str:
    """A name behind what it is of; nothing for none."""
    if not name:
        return ""
    return f":{name}" if re.fullmatch(r"[\w$.\[\]]+", name) else f":({name})"


class GrammarError(ValueError):
    """A text that is no grammar; the message says where it ends to be one."""


_TOKEN = re.compile(r"\s*(?:([ui](?:8|16|32|64))\b|([{}|])|(->\w*|[\w.?]+)|(\S))")
_DEPTH = 40


def parse(line: str) -> Moves:
    """The moves that a line of text says, in normal form.

    Raises :class:`GrammarError`.
    """
    moves, end = _parsed(line, 0, 0)
    if end < len(line):
        raise GrammarError(f"no grammar from '{line[end:]}' on")
    return sequence(moves)


def _parsed(line: str, at: int, depth: int) -> tuple[Moves, int]:
    if depth > _DEPTH:
        raise GrammarError("too deep")
    moves: list[Move] = []
    while True:
        found = _TOKEN.match(line, at)
        if found is None:
            return tuple(moves), len(line)
        word, brace, name, other = found.groups()
        if brace in ("}", "|"):
            return tuple(moves), found.start(2)
        if brace or other:
            raise GrammarError(f"no grammar from '{line[at:].strip()}' on")
        at = found.end()
        if word:
            label, at = _label(line, at)
            moves.append(MovedWord(int(word[1:]), label, word[0] == "i"))
        elif name == "leave":
            moves.append(LeaveLoop())
        elif name == "bytes":
            size, at = _bracketed(line, at, "[]")
            label, at = _label(line, at)
            moves.append(MovedBytes(size, label))
        elif name == "must":
            condition, at = _bracketed(line, at, "[]")
            label, at = _label(line, at)
            moves.append(Must(condition, label))
        elif name == "loop":
            turns = ""
            if line[at : at + 1] == "[":
                turns, at = _bracketed(line, at, "[]")
            label, at = _label(line, at)
            body, at = _braced(line, at, depth)
            moves.append(Loop(turns, body, label))
        elif name == "part":
            label, at = _label(line, at)
            body, at = _braced(line, at, depth)
            moves.append(Part(label, body))
        elif name == "if":
            condition, at = _bracketed(line, at, "[]")
            then, at = _braced(line, at, depth, "|}")
            otherwise: Moves = ()
            if line[at - 1] == "|":
                otherwise, at = _parsed(line, at, depth + 1)
                at = _expect(line, at, "}")
            moves.append(Either(condition, then, otherwise))
        elif name.startswith("->"):
            moves.append(Handed(name))
        else:
            inside, at = _bracketed(line, at, "()")
            label, at = _label(line, at)
            moves.append(Handed(f"{name}({inside})", label))


def _label(line: str, at: int) -> tuple[str, int]:
    if line[at : at + 1] != ":":
        return "", at
    if line[at + 1 : at + 2] == "(":
        return _bracketed(line, at + 1, "()")
    found = re.compile(r"[\w$.\[\]]+").match(line, at + 1)
    if found is None:
        raise GrammarError(f"no name at '{line[at:]}'")
    return found[0], found.end()


def _bracketed(line: str, at: int, pair: str) -> tuple[str, int]:
    if line[at : at + 1] != pair[0]:
        raise GrammarError(f"no '{pair[0]}' at '{line[at:].strip()}'")
    depth = 0
    for place in range(at, len(line)):
        depth += (line[place] == pair[0]) - (line[place] == pair[1])
        if not depth:
            return line[at + 1 : place].strip(), place + 1
    raise GrammarError(f"no '{pair[1]}' after '{line[at:].strip()}'")


def _braced(line: str, at: int, depth: int, ends: str = "}") -> tuple[Moves, int]:
    body, at = _parsed(line, _expect(line, at, "{"), depth + 1)
    return body, _expect(line, at, ends)


def _expect(line: str, at: int, ends: str) -> int:
    while line[at : at + 1].isspace():
        at += 1
    if not line[at : at + 1] or line[at] not in ends:
        raise GrammarError(f"no '{ends[-1]}' at '{line[at:].strip()}'")
    return at + 1


# --- the same? --------------------------------------------------------------------------


def fits(known: Moves, met: Moves) -> bool:
    """Whether ``met`` moves the bytes that ``known`` says.

    A word without a name fits one of any name; ``$1``, ``$2``... are names that ``met``
    may have others for.
    """
    return _fit(known, met, {})


def _fit(known: Moves, met: Moves, names: dict[str, str]) -> bool:
    return len(known) == len(met) and all(
        _fits(one, other, names) for one, other in zip(known, met, strict=True)
    )


def _fits(known: Move, met: Move, names: dict[str, str]) -> bool:
    match known, met:
        case MovedWord(bits, name, signed), MovedWord(width, other, too):
            if (bits, signed) != (width, too):
                return False
            if name.startswith("$"):
                names[name] = f"({other})" if " " in other else other
                return bool(other)
            return not name or not other or other.startswith("$") or name == other
        case MovedBytes(size), MovedBytes(other):
            return _same(size, other, names)
        case Loop(turns, body), Loop(other, inside):
            return _same(turns, other, names) and _fit(body, inside, names)
        case Either(condition, then, no), Either(other, then_too, no_too):
            return (
                _same(condition, other, names)
                and _fit(then, then_too, names)
                and _fit(no, no_too, names)
            )
        case (Handed() | LeaveLoop() | Part() | Must()), _:
            return known == met
        case _:
            return False


def _same(known: str, met: str, names: dict[str, str]) -> bool:
    meant = re.sub(r"\$\d+", lambda found: names.get(found[0], found[0]), known)
    return met in (meant, meant[1:-1] if meant == f"({met})" else meant)
