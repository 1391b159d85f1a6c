"""C that runs on known values: what a function leaves in memory.

Some facts of a tree are in no table: QEMU's start-up code computes them, such as which
system registers a model of a CPU has.  This package executes that code, statement by
statement, on memory of bytes laid out as on x86-64.  What it cannot know (a value that
nothing set, a function of another library) is an :class:`UnknownValue`, and C that decides by
one ends with :class:`NotKnown`, which says where.
"""

from vmgen.execution.memory import (
    Address,
    FunctionValue,
    MemoryBlock,
    NotKnown,
    UnknownValue,
    Value,
)
from vmgen.execution.program import ExecutedProgram

__all__ = [
    "Address",
    "ExecutedProgram",
    "FunctionValue",
    "MemoryBlock",
    "NotKnown",
    "UnknownValue",
    "Value",
]
