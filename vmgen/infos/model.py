"""What a hand-written format is: the C that it is known by, and the codec that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from vmgen import grammar

Scope = Literal["program", "module"]


@dataclass(frozen=True)
class KnownFunctions:
    """C functions in ``file`` that move what one of ``lines`` says (``vmgen.grammar``)."""

    file: str
    lines: tuple[str, ...]

    @cached_property
    def moves(self) -> tuple[grammar.Moves, ...]:
        """The lines as trees."""
        return tuple(map(grammar.parse, self.lines))

    def fits(self, met: str) -> bool:
        """Whether functions that move ``met`` move the same bytes."""
        try:
            moves = grammar.parse(met)
        except grammar.GrammarError:
            return False  # a file that somebody edited
        return any(grammar.fits(known, moves) for known in self.moves)


@dataclass(frozen=True, slots=True)
class Inside:
    """A description that a format contains: its role there, its symbol, and its file."""

    role: str
    symbol: str
    file: str


@dataclass(frozen=True, slots=True)
class Info:
    """An info that the format is the wire format of, by its C symbol (that of the get
    function for one without a name).

    ``inside`` are the descriptions that its codec reads.  One whose file the program does
    not have is left out.
    """

    symbol: str
    get: KnownFunctions
    put: KnownFunctions
    inside: tuple[Inside, ...] = ()


@dataclass(frozen=True, slots=True)
class Callback:
    """A function that C puts into ``owner.member``, and that the info's own calls there.

    ``scope`` says whose bytes it moves: those of every info of the ``program``, or of the
    infos of its own ``module`` only.
    """

    owner: str
    member: str
    symbol: str
    known: KnownFunctions
    scope: Scope = "program"


@dataclass(frozen=True, slots=True)
class WireFormat:
    """A codec of the emitted modules: ``read_NAME`` and ``write_NAME`` in ``module``.

    ``type`` is the Python class of its value, an ``array`` is one of ``uint64_t``; ``many``
    says that the value is a list of these, ``optional`` that it can be None; ``length`` is
    that of an array of zeros.  ``classes`` are what else its module offers for it.
    ``parts`` are the roles of descriptions inside; ``kinds`` are the variants of the codec by the symbol of the device's own function or
    description; ``merges`` says that fields of the same member are one, whose size the
    codec finds out by itself.

    ``callbacks`` are all functions behind pointers that its codec knows, ``members`` the
    class and member names that such functions are put into.
    """

    name: str
    module: str
    type: str
    infos: tuple[Info, ...]
    parts: tuple[str, ...] = ()
    kinds: dict[str, str] = field(default_factory=dict)
    merges: bool = False
    classes: tuple[str, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    members: dict[str, Scope] = field(default_factory=dict)
    many: bool = False
    optional: bool = False
    length: int = 0


def known(file: str, *lines: str) -> KnownFunctions:
    """What the functions in ``file`` move, in each form that a release has had."""
    return KnownFunctions(file, lines)


def info(symbol: str, file: str, both: str) -> Info:
    """An info whose get and put move the same."""
    return Info(symbol, known(file, both), known(file, both))
