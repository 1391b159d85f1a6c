"""Tables of registers: text files beside this module, one an architecture, and their grammar.

A line of ``tables/NAME.regs`` is one of::

    for riscv32 riscv64            targets of this table
    long 64 x86_64                 what the width 'long' is, by target; the default without
    probe env.misa_mxl             a path that no other architecture's CPU has
    feature NAME                   gdb's feature of the registers below
    only TARGET...                 the lines below are for these targets; nothing: for all
    let VAR PLACE                  a value that places below refer to as @VAR
    NAME BITS PLACE                a register; BITS is a number, 'long', or 'vlen' for words
                                   of a row whose length no stream has
    NAME = PLACE                   another name, or a part, of registers above
    NAME ! WORDS                   why no stream has it

A NAME may have a row in braces, numbers (``x{0..30}``) or words (``{ra,sp}``).  In a PLACE
``{}`` is the number (the position of a word), ``{:}`` the text, and ``{*16+3}`` applies
operators to the number from left to right; ``{7-}`` is 7 less the number.

A PLACE is alternatives between ``|``, the first of which is there counts: tables of other
releases, or of another mode of the CPU (``? @mode=16,31``, ``? @mode!=...``) or of a CPU
that has a path or does not (``? +m.env``, ``? -m.env``).  Each is parts between ``++``, the
highest bits first: a path in the values of the CPU's section (``env.cr[0]``), ``#KEY`` for
an Arm system register, ``=NAME`` for a register above, ``%NAME`` for what
:mod:`vmgen.stream.registers.derived` makes of others, or a constant (``0:13`` has 13 bits).  Behind a part: ``[hi:lo]`` for some bits of it,
``:N`` for its N lowest, ``!N`` for a signed number of N bits, ``& MASK`` for bits that
stay where they are.  ``[*0..7]`` is a row of parts, the lowest first, and ``[@VAR+3%8]``
an index that the CPU's own values give.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from vmgen.stream.frozen import Frozen

_FOLDER = os.path.join(os.path.dirname(__file__), "tables")
_WORD = 64


class RegisterPiece(Frozen):
    """Some bits of a value: ``path`` is where, empty for zeros.

    ``low`` is their lowest bit there and ``bits`` how many they are; ``mask`` are those
    that count, in place, 0 for all.  ``whole`` says that nothing else is in the value and
    ``signed`` that it is kept with a sign.
    """

    path: str
    low: int
    bits: int
    whole: bool = True
    signed: bool = False
    mask: int = 0


class Way(Frozen):
    """One alternative: its pieces, lowest bits first, and when it counts.

    ``condition`` is a variable (``@mode``) or a path, whether it is to be one of these values,
    or to be there, and the values.
    """

    pieces: tuple[RegisterPiece, ...]
    condition: tuple[str, bool, frozenset[int]] | None = None


class RegisterEntry(Frozen):
    """A register: ``why`` says why it has no place if ``ways`` is empty."""

    name: str
    bits: int
    feature: str
    ways: tuple[Way, ...]
    why: str = ""


class RegisterTable(Frozen):
    """The registers of a target: ``entries`` in the order of the features, by lower-case
    name; ``aliases`` are other names and parts of them; ``variables`` what places
    refer to."""

    target: str
    long: int
    entries: Mapping[str, RegisterEntry]
    aliases: Mapping[str, RegisterEntry]
    variables: Mapping[str, RegisterEntry]

    def find(self, name: str) -> RegisterEntry | None:
        """The register, or part of one, of this name in any case."""
        lower = name.lower()
        return self.entries.get(lower) or self.aliases.get(lower)


# --- what there is ----------------------------------------------------------------------


class _Source(Frozen):
    lines: tuple[tuple[str, str], ...]
    targets: Mapping[str, int]
    probe: str


@cache
def _sources() -> tuple[_Source, ...]:
    names = sorted(one for one in os.listdir(_FOLDER) if one.endswith(".regs"))
    return tuple(_source(os.path.join(_FOLDER, name)) for name in names)


def _source(file: str) -> _Source:
    lines: list[tuple[str, str]] = []
    targets: list[str] = []
    longs: dict[str, int] = {}
    default, probe = _WORD, ""
    with open(file, encoding="utf-8") as opened:
        text = opened.read()
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        rest = rest.strip()
        match word:
            case "" | "#":
                continue
            case "for":
                targets += rest.split()
            case "long":
                bits, *some = rest.split()
                longs |= dict.fromkeys(some, int(bits))
                default = default if some else int(bits)
            case "probe":
                probe = rest
            case _:
                lines.append((word, rest))
    widths = {target: longs.get(target, default) for target in targets}
    return _Source(tuple(lines), widths, probe)


def targets() -> tuple[str, ...]:
    """The targets that have a table."""
    return tuple(target for source in _sources() for target in source.targets)


def probes() -> Iterator[tuple[str, Mapping[str, int]]]:
    """By architecture, a path that only its CPUs have, and its targets with their width."""
    for source in _sources():
        yield source.probe, source.targets


@cache
def table(target: str, vlen: int | None = None) -> RegisterTable | None:
    """The registers of a target; None for a target without a table.

    ``vlen`` is the length of a RISC-V vector register in bits.
    """
    for source in _sources():
        if target in source.targets:
            return _Reader(target, source.targets[target], vlen).read(source.lines)
    return None


# --- reading ----------------------------------------------------------------------------

_ROW = re.compile(r"\{([^{}]*)\}")
_PART = re.compile(
    r"(?P<path>.+?)(?:\[(?P<high>\d+):(?P<low>\d+)\]|:(?P<bits>\d+)|!(?P<sign>\d+))?"
    r"(?:\s*&\s*(?P<mask>0x[0-9a-fA-F]+))?"
)
_SPREAD = re.compile(r"\[\*(\d+)\.\.(\d+)\]")


class _Reader:
    def __init__(self, target: str, long: int, vlen: int | None) -> None:
        self._target = target
        self._long = long
        self._vlen = vlen
        self._feature = ""
        self._here = True
        self._entries: dict[str, RegisterEntry] = {}
        self._aliases: dict[str, RegisterEntry] = {}
        self._variables: dict[str, RegisterEntry] = {}

    def read(self, lines: Iterable[tuple[str, str]]) -> RegisterTable:
        for word, rest in lines:
            if word == "only":
                self._here = not rest or self._target in rest.split()
            elif self._here:
                self._line(word, rest)
        return RegisterTable(
            self._target, self._long, self._entries, self._aliases, self._variables
        )

    def _line(self, word: str, rest: str) -> None:
        if word == "feature":
            self._feature = rest
            return
        if word == "let":
            name, _, place = rest.partition(" ")
            self._variables[name] = self._entry(name, _WORD, place)
            return
        second, _, place = rest.partition(" ")
        place = place.strip()
        for name, number, text in row(word):
            if second == "!":
                entry = RegisterEntry(name, 0, self._feature, (), place)
            elif second == "=":
                alias = self._alias(name, _filled(place, number, text))
                self._aliases[name.lower()] = alias
                continue
            else:
                entry = self._register(
                    name, second, number, _filled(place, number, text)
                )
            self._entries[name.lower()] = entry

    def _alias(self, name: str, place: str) -> RegisterEntry:
        """Another name, with all alternatives of its register; or a part of one."""
        whole = self._entries.get(place.lower())
        if whole is not None:
            return RegisterEntry(name, whole.bits, whole.feature, whole.ways, whole.why)
        ways = self._ways(place, self._long)
        bits = sum(piece.bits for piece in ways[0].pieces)
        return RegisterEntry(name, bits, self._feature, ways)

    def _register(self, name: str, bits: str, number: int, place: str) -> RegisterEntry:
        if bits != "vlen":
            return self._entry(name, self._long if bits == "long" else int(bits), place)
        if self._vlen is None:
            why = "its length is a property of the CPU: --member vlen=BITS says it"
            return RegisterEntry(name, 0, self._feature, (), why)
        words = self._vlen // _WORD
        row = f"{place}[*{number * words}..{number * words + words - 1}]"
        return self._entry(name, self._vlen, row)

    def _entry(self, name: str, bits: int, place: str) -> RegisterEntry:
        return RegisterEntry(name, bits, self._feature, self._ways(place, bits))

    def _ways(self, place: str, bits: int) -> tuple[Way, ...]:
        made: list[Way] = []
        for text in place.split(" | "):
            text, _, condition = text.partition(" ? ")
            parts = [
                part for one in text.split(" ++ ") for part in _spread(one.strip())
            ]
            pieces = [
                piece
                for part in reversed(parts)
                for piece in self._pieces(part, bits if len(parts) == 1 else 0)
            ]
            when = _condition(condition) if condition else None
            made.append(Way(tuple(pieces), when))
        return tuple(made)

    def _pieces(self, part: str, bits: int) -> Iterator[RegisterPiece]:
        """``bits`` is what a part without an own width has, if it is the only one."""
        match = _PART.fullmatch(part)
        assert match is not None, part
        path, mask = match["path"], int(match["mask"] or "0", 16)
        width = bits or _WORD
        low, whole = 0, not mask
        if match["high"] is not None:
            low, whole = int(match["low"]), False
            width = int(match["high"]) - low + 1
        elif match["bits"] or match["sign"]:
            width = int(match["bits"] or match["sign"])
        if path.isdecimal():
            yield RegisterPiece("", int(path), width)
        elif (name := path.removeprefix("=").lower()) in self._entries:
            yield from self._of(name, low, 0 if whole and not match["bits"] else width)
        else:
            yield RegisterPiece(
                path, low, width, whole, match["sign"] is not None, mask
            )

    def _of(self, name: str, low: int, width: int) -> Iterator[RegisterPiece]:
        """Bits of a register above, all of them if no width is given."""
        entry = self._entries[name]
        way, *_ = entry.ways
        at, end = 0, low + (width or entry.bits)
        for piece in way.pieces:
            first, last = max(low, at), min(end, at + piece.bits)
            if first < last:
                cut = first - at
                whole = piece.whole and last - first == piece.bits
                yield RegisterPiece(
                    piece.path, piece.low + cut, last - first, whole, piece.signed,
                    piece.mask,
                )  # fmt: skip
            at += piece.bits


def row(name: str) -> Iterator[tuple[str, int, str]]:
    """Every name of a row, with its number and its own text."""
    match = _ROW.search(name)
    if match is None:
        yield name, 0, name
        return
    first, dots, last = match[1].partition("..")
    row: list[tuple[int, str]]
    if dots:
        row = [(number, str(number)) for number in range(int(first), int(last) + 1)]
    else:
        row = list(enumerate(match[1].split(",")))
    for number, text in row:
        yield name[: match.start()] + text + name[match.end() :], number, text


def _filled(place: str, number: int, text: str) -> str:
    def fill(match: re.Match[str]) -> str:
        rule = match[1]
        if rule == ":":
            return text
        if rule.endswith("-"):
            return str(int(rule[:-1]) - number)
        return str(counted(number, rule))

    return _ROW.sub(fill, place)


def counted(number: int, rule: str) -> int:
    """The number after operators from left to right: ``*16+3%128``."""
    for operator, text in re.findall(r"([-+*/%])(\d+)", rule):
        operand = int(text)
        match operator:
            case "+":
                number += operand
            case "-":
                number -= operand
            case "*":
                number *= operand
            case "/":
                number //= operand
            case _:
                number %= operand
    return number


def _spread(part: str) -> list[str]:
    """A row of parts, the highest first."""
    match = _SPREAD.search(part)
    if match is None:
        return [part]
    numbers = range(int(match[2]), int(match[1]) - 1, -1)
    return [
        f"{part[: match.start()]}[{number}]{part[match.end() :]}" for number in numbers
    ]


def _condition(text: str) -> tuple[str, bool, frozenset[int]]:
    text = text.strip()
    if text[0] in "+-":
        return text[1:], text[0] == "+", frozenset()
    name, _, values = text.partition("=")
    numbers = frozenset(int(value, 0) for value in values.split(","))
    return name.removesuffix("!"), not name.endswith("!"), numbers
