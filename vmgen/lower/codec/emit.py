"""Statements of one field, appended to the loader or to the saver of a frame."""

from __future__ import annotations

from vmgen.lower.codec.called import POS, PUT
from vmgen.lower.codec.frame import Frame
from vmgen.plan import code


class Emit:
    """Short forms of the statements that fields are made of."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def set(self, target: code.Expr, value: code.Expr) -> None:
        """An assignment on load."""
        self._frame.load.append(code.PyAssign((target,), value))

    def read(self, target: code.Expr, value: code.Expr) -> None:
        """An assignment on load of a value and of where its bytes end."""
        self.set(code.PyTuple((target, POS)), value)

    def run(self, value: code.Expr) -> None:
        """A call on load."""
        self._frame.load.append(code.PyDo(value))

    def save(self, value: code.Expr) -> None:
        """A call on save."""
        self._frame.save.append(code.PyDo(value))

    def put(self, value: code.Expr) -> None:
        """Bytes on save."""
        self.save(code.call(PUT, value))
