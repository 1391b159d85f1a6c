"""What a string or a number of the IR may be.

The alphabets are in the annotations of the model; :mod:`vmgen.ir.json` refuses what does
not keep to them, so that nothing in a file that somebody else wrote reaches a name in
generated code, a path on the disk or a loop's bound unseen.  Wire names and texts for
people have no alphabet: whoever prints them quotes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, TypeAlias


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Strings that match ``pattern`` as a whole; ``what`` says what they are."""

    pattern: str
    what: str

    def has(self, text: str) -> bool:
        """Whether the string is one of them."""
        return re.fullmatch(self.pattern, text, re.ASCII) is not None


@dataclass(frozen=True, slots=True)
class Span:
    """Integers from ``low`` to ``high``, both included."""

    low: int
    high: int
    nonzero: bool = False

    def has(self, number: int) -> bool:
        """Whether the integer is one of them."""
        return self.low <= number <= self.high and not (self.nonzero and number == 0)


NUMBER = Span(-(1 << 63), (1 << 64) - 1)
"""An integer that some C type has; every number of the IR is one."""

_NAME = r"[A-Za-z_]\w*"
_PLACE = r"(\[(\$?\d+)\])*"

Symbol: TypeAlias = Annotated[
    str,
    Alphabet(
        rf"({_NAME}(\.{_NAME})?(\[\d+\])*)?", "the name of a C object or function"
    ),
]
"""``vmstate_cpu``, ``function.name`` for a static one inside of a function, an element of
an array of them, or nothing."""

Name: TypeAlias = Annotated[str, Alphabet(_NAME, "a C identifier")]

CType: TypeAlias = Annotated[
    str, Alphabet(r"(\w+( \w+)*)?", "a C type without declarators")
]
"""``target_ulong``, ``struct foo``, or nothing."""

MemberPath: TypeAlias = Annotated[
    str,
    Alphabet(rf"({_NAME}{_PLACE}((\.|->){_NAME}{_PLACE})*)?", "a path of C members"),
]
"""``env.pmp[$0].cfg``, or nothing."""

PythonName: TypeAlias = Annotated[
    str,
    Alphabet(rf"({_NAME}(\.{_NAME})*:{_NAME})?", "a Python function, MODULE:FUNCTION"),
]
"""``devices.ring:load``, or nothing.  It is a fact: who reads an IR never runs it."""

Term: TypeAlias = Annotated[str, Alphabet(r"[\w-]*", "a word")]

RELEASE = Alphabet(r"([A-Za-z0-9][\w.+~-]{0,99})?", "the name of a release or a target")

Label: TypeAlias = Annotated[str, RELEASE]

File: TypeAlias = Annotated[
    str, Alphabet(r"[^\x00-\x1f\x7f\u2028\u2029]*", "the name of a file")
]

Count: TypeAlias = Annotated[int, Span(0, (1 << 63) - 1)]

Stride: TypeAlias = Annotated[int, Span(-(1 << 63), (1 << 63) - 1, nonzero=True)]
