"""The members of an object as its codec's state has them, by their C paths."""

from __future__ import annotations

from typing import Any

from vmgen import ir
from vmgen.ir import evaluate
from vmgen.stream.codecs import field as schema_of
from vmgen.stream.codecs import is_state, members


class NotDescribed(Exception):
    """The table and the state do not say how many bytes a field has."""


class HeldMembers:
    """The members of one object's state by their C paths from that object.

    Several can have one path: fields of which one is there, each with a type of its own.
    """

    def __init__(self, state: Any) -> None:
        self.subsections: dict[str, Any] = {}
        self._values: dict[str, list[Any]] = {}
        if is_state(state):
            self._add(state, "", "")

    def _add(self, state: Any, bare: str, path: str) -> None:
        """The members of a state: ``path`` is that of the struct in the object that it
        stands for, with its subscripts, ``bare`` the same as its members spell it."""
        for name in members(state):
            about = schema_of(state, name)
            value = getattr(state, name)
            if about.type == "subsection":
                if value is not None:
                    self.subsections[about.path] = value
                continue
            at = path + about.path[len(bare) :]
            flat = False
            if is_state(value):
                flat = _is_inside(value, about.path)
                if flat:
                    self._add(value, about.path, at)
            elif isinstance(value, list):
                for number, one in enumerate(value):
                    if is_state(one) and _is_inside(one, about.path):
                        flat = True
                        self._add(one, about.path, f"{at}[{number}]")
            if not flat:
                self._values.setdefault(at, []).append(value)

    def get(self, field: ir.Field, place: int, of: int) -> Any:
        """The value of a field, which is at ``place`` among ``of`` fields of its path; None
        for a missing one, NOTHING where the state has no such member."""
        found = self._values.get(ir.path_text(field.path) or field.name, [])
        if len(found) == of:
            return found[place]
        there = [value for value in found if value is not None]
        return (there or found)[0] if found else NOTHING

    def number(self, path: str) -> int:
        """The member that counts."""
        value = self.load(path, "int64")
        if value is None:
            raise NotDescribed(f"{path} is no number of the state")
        return value

    def load(self, path: str, kind: ir.IntType) -> int | None:
        """The number of a member; None where the state does not have it."""
        for value in self._values.get(path, ()):
            if isinstance(value, int):
                return evaluate.convert(value, kind)
        return None


def _is_inside(state: Any, path: str) -> bool:
    """Whether a state is a struct in the object that has ``path``, and no object with a
    table of its own: the paths of its members begin there."""
    return any(
        schema_of(state, name).path.startswith(f"{path}.") for name in members(state)
    )


NOTHING = object()
"""No member of the state."""
