"""What a hand-written format is: the C that it is known by, and what it moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """A description that a format contains: its symbol, the file that defines it, and what
    it is if C has none such.  One whose file the program does not have is left out."""

    symbol: str
    file: str
    written: Written | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What an info moves, written by hand since the C alone does not say it: ``line`` is
    its grammar (``vmgen.grammar``) with the members of an object of type ``type``.

    ``answers`` names the code that finds out what the line asks for and no byte of it says
    (``answer_NAME`` in the emitted module ``module``).  ``inside`` are the descriptions
    that the line names.
    """

    line: str
    type: str
    answers: str = ""
    module: str = "_formats"
    inside: tuple[Inside, ...] = ()


@dataclass(frozen=True, slots=True)
class Info:
    """An info that the format is the wire format of, by its C symbol (that of the get
    function for one without a name)."""

    symbol: str
    get: KnownFunctions
    put: KnownFunctions


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
    """What some infos move: ``written`` is a line, or tells the line of a device from its
    class's description and from the function that saves what it adds (empty for none).

    ``callbacks`` are all functions behind pointers that it knows, ``members`` the class
    and member names that such functions are put into.
    """

    name: str
    infos: tuple[Info, ...]
    written: Written | Callable[[Inside | None, str], Written]
    callbacks: tuple[Callback, ...] = ()
    members: Mapping[str, Scope] = field(default_factory=dict)


def known(file: str, *lines: str) -> KnownFunctions:
    """What the functions in ``file`` move, in each form that a release has had."""
    return KnownFunctions(file, lines)


def info(symbol: str, file: str, both: str) -> Info:
    """An info whose get and put move the same."""
    return Info(symbol, known(file, both), known(file, both))
