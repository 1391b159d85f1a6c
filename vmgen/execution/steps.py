"""What statements are compiled to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import TypeAlias

from vmgen.cfront import syntax
from vmgen.cfront.syntax import Block as BlockStatement
from vmgen.cfront.walk import walk
from vmgen.execution.code import Frame
from vmgen.execution.memory import NotKnown
from vmgen.source import Position


class StepEnd(Enum):
    """How a statement ends that does not go on with the next."""

    BREAK = "break"
    CONTINUE = "continue"
    RETURN = "return"


Step: TypeAlias = Callable[[Frame], StepEnd | None]


def sequence(steps: list[Step]) -> Step:
    """One statement after another."""
    if len(steps) == 1:
        return steps[0]

    def one_by_one(frame: Frame) -> StepEnd | None:
        for one in steps:
            left = one(frame)
            if left is not None:
                return left
        return None

    return one_by_one


def refuse(what: str, position: Position) -> Step:
    """A statement that cannot be executed."""

    def refused(frame: Frame) -> None:
        raise NotKnown(what, position)

    return refused


def addressed(body: BlockStatement) -> Iterator[str]:
    """The names of which a function takes the address."""
    for node in walk(body):
        if isinstance(node, syntax.UnaryOperation) and node.op == "&":
            operand = node.operand
            while isinstance(operand, syntax.Member) and not operand.arrow:
                operand = operand.object
            if isinstance(operand, syntax.Name):
                yield operand.name
