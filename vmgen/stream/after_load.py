"""What ``post_load`` functions refuse of a section that was read, where a stream decides it.

A condition is over the object as it is when its function is called
(:class:`vmgen.ir.Refusal`): members that the stream has are what it says, all others are
the machine's.  Where those decide, a stream that the machine saved itself helps: a section
that says the same as that one of all that a condition reads is accepted, as that one is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from vmgen import ir, wording
from vmgen.ir.evaluate import Known, evaluate
from vmgen.lookup import Lookup, Placed
from vmgen.stream.codecs import is_state
from vmgen.stream.held import HeldMembers

_DEEPEST = 16
"""So many objects inside of each other are looked at; QEMU has seven."""


class AfterLoad(NamedTuple):
    """A refusal: the path of the object, the members that its condition reads, the
    condition in C, and whether QEMU surely refuses the section for it."""

    path: str
    reads: tuple[str, ...]
    condition: str
    certain: bool


def refused(
    lookup: Lookup, placed: Placed, state: Any, own: Callable[[], Any] | None
) -> list[AfterLoad]:
    """The refusals of a section that was read as ``state``.

    Those that may be are among them only with ``own``, which gives the state that the
    machine saved of the section; None if that cannot be read.
    """
    walk = _AfterLoad(lookup)
    found = walk.of(placed, state, None)
    if own is not None and not all(one.certain for one in found):
        found = walk.of(placed, state, own())
    return [one for one in found if one.certain or own is not None]


class _Object:
    """One C object: what its own table and its subsections have of it."""

    def __init__(self, state: Any) -> None:
        self.held = HeldMembers(state)
        self.parts = {name: _Object(one) for name, one in self.held.subsections.items()}

    def load(self, path: str, kind: ir.IntType) -> int | None:
        """A member's number, None where the stream does not have it."""
        found = self.held.load(path, kind)
        for part in self.parts.values():
            if found is not None:
                break
            found = part.load(path, kind)
        return found


class _AfterLoad:
    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._found: list[AfterLoad] = []

    def of(self, placed: Placed, state: Any, own: Any) -> list[AfterLoad]:
        """``own`` is the machine's state of the same object; None where it is not known."""
        self._found = []
        self._object(placed, state, own, "", 0)
        return self._found

    def _object(
        self, placed: Placed, state: Any, own: Any, path: str, depth: int
    ) -> None:
        if depth <= _DEEPEST and is_state(state):
            one = _Object(state)
            mine = _Object(own) if type(own) is type(state) else None
            self._table(placed, one, (one, mine), path, depth)

    def _table(
        self,
        placed: Placed,
        here: _Object,
        whole: tuple[_Object, _Object | None],
        path: str,
        depth: int,
    ) -> bool:
        """One table of an object: ``here`` is what it has of it, ``whole`` what all of
        its tables have, in the stream and of the machine.  Whether C changed the object
        after that was loaded."""
        changed = self._inside(placed, here, whole[1], path, depth)
        for symbol in placed.description.subsections:
            found = self._lookup.find(symbol, placed.module)
            if found is not None and found.description.name in here.parts:
                part = here.parts[found.description.name]
                changed |= self._table(found, part, whole, path, depth)
        if not changed:  # what those functions left there is not known
            self._refusals(placed, whole, path)
        return changed or _changes(placed)

    def _inside(
        self,
        placed: Placed,
        here: _Object,
        own: _Object | None,
        path: str,
        depth: int,
    ) -> bool:
        """The objects inside of one, each with a table of its own."""
        changed = False
        for item in placed.description.fields:
            if not isinstance(item.element, ir.StructElement | ir.TmpElement):
                continue
            found = self._lookup.find(item.element.description, placed.module)
            values = here.held.get(item, 0, -1)
            others = None if own is None else own.held.get(item, 0, -1)
            if found is None:
                changed = True
                continue
            many = isinstance(values, list)
            mine = others if isinstance(others, list) else [others]
            for number, value in enumerate(values if many else [values]):
                other = mine[number] if number < len(mine) else None
                if is_state(value):
                    changed |= _changes(found)
                    where = f"{path}.{item.name}" if path else item.name
                    where += f"[{number}]" if many else ""
                    self._object(found, value, other, where, depth + 1)
        return changed

    def _refusals(
        self, placed: Placed, whole: tuple[_Object, _Object | None], path: str
    ) -> None:
        state, own = whole
        for hook in placed.description.hooks:
            for refusal in hook.refusals if hook.role.startswith("post_load") else ():
                condition = refusal.condition
                if condition is None:
                    continue
                wrong = evaluate(condition, Known(member=state.load))
                if wrong == 0 or (wrong is None and _alike(condition, state, own)):
                    continue
                reads = tuple(
                    dict.fromkeys(
                        one.path
                        for one in ir.walk(condition)
                        if isinstance(one, ir.Load)
                    )
                )
                text = wording.expression(condition)
                self._found.append(AfterLoad(path, reads, text, wrong is not None))


def _alike(condition: ir.Expr, state: _Object, own: _Object | None) -> bool:
    """Whether both say the same of all members that a condition reads."""
    if own is None:
        return False
    same = True

    def compared(path: str, kind: ir.IntType) -> int | None:
        nonlocal same
        value = state.load(path, kind)
        same = same and value == own.load(path, kind)
        return value

    for one in ir.walk(condition):
        if isinstance(one, ir.Load):
            evaluate(one, Known(member=compared))
    return same


def _changes(placed: Placed) -> bool:
    """Whether C changes an object after a table of it was loaded."""
    return any(hook.role.startswith("post_load") for hook in placed.description.hooks)
