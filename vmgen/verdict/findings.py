"""What there is to say about a place where two layouts are compared."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from vmgen import ir
from vmgen.source import NOWHERE
from vmgen.verdict import conditions
from vmgen.verdict.cursor import Cursor, Entry
from vmgen.verdict.layout import (
    Check,
    Custom,
    Group,
    Item,
    Layout,
    Listed,
    Nested,
    Number,
    Refuses,
    Subsections,
    Unused,
    Values,
    bare,
)
from vmgen.verdict.model import Finding, Reason
from vmgen.verdict.state import Leaf, Offset, State

if TYPE_CHECKING:
    from vmgen.verdict.compare import Comparison


Around: TypeAlias = tuple[frozenset[str], frozenset[str]]
"""Members of the source's and of the target's object that have bytes elsewhere in the
section: in the object that a subsection belongs to, or in another subsection of it."""

NOTHING_AROUND: Around = (frozenset(), frozenset())


def joined_offset(start: Offset, inner: str) -> str:
    """The offset of something inside of an element that begins at ``start``."""
    number, plus, terms = inner.partition(" + ")
    whole = start.plus(int(number)) if number.isdigit() else start.beyond(number)
    return f"{whole}{plus}{terms}"


def unit_text(item: Values) -> str:
    """``uint32``, ``uint32 equal``."""
    kind = {"byte": "uint8", "word": "uint64"}.get(item.kind, item.kind)
    return kind + (f" {item.check}" if item.check else "")


def amount_text(number: Number) -> str:
    """``16``, ``4 * nb_tlb``."""
    if number.known:
        return str(number.fixed)
    times = f"{number.multiply} * " if number.multiply != 1 else ""
    return f"{times}{number.path}"


class Findings:
    """One pair of layouts, and the findings about it so far."""

    def __init__(
        self, comparison: Comparison, source: Layout, target: Layout, around: Around
    ) -> None:
        self._top = comparison
        self._pair = source, target
        self._members = (
            comparison.source.members(source),
            comparison.target.members(target),
        )
        self._in_stream = (
            around[0] | comparison.source.of_object(source),
            around[1] | comparison.target.of_object(target),
        )
        self._elements = tuple(
            tuple(side.elements(layout))
            for side, layout in (
                (comparison.source, source),
                (comparison.target, target),
            )
        )
        self._renamed: dict[str, str] = {}  # the target's name to the source's
        self._leaves: list[Leaf] = []
        self._endless = False  # whether an object was met too deep inside of its like

    def _normal(
        self, side: int, condition: ir.Expr, version: int, here: Cursor
    ) -> ir.Expr:
        rename = (lambda path: path) if side == 0 else self._original
        return conditions.normal(condition, version, here.entry.prefix, rename)

    def _original(self, path: str) -> str:
        """What the source calls a member of the target; one that is the destination's
        own, and has the name of something that the stream has, says so, and so does one
        that is loaded, and has the name of something that the source keeps to itself.
        """
        if path in self._renamed:
            return self._renamed[path]
        plain = bare(path)
        if plain in self._in_stream[0] and plain not in self._in_stream[1]:
            return f"(the destination's) {path}"
        if plain in self._in_stream[1] and plain not in self._in_stream[0]:
            return f"(the loaded) {path}"
        return path

    def _require(self, state: State, finding: Finding) -> State:
        """Goes on with something that must hold; without a condition nothing helps."""
        if not finding.condition:
            return replace(state, misplaced=state.misplaced or finding)
        if finding in state.required:
            return state
        return replace(state, required=(*state.required, finding))

    def _fail(self, state: State, finding: Finding) -> None:
        first = state.misplaced or (
            state.unclear
            if state.unclear is not None and state.unclear.reason in ("units", "size")
            else finding
        )
        if first is not finding and first.reason == "units":
            first = replace(first, reason="size")
        self._leaves.append(
            Leaf(state.case, failed=first, required=(), notes=state.notes)
        )

    def _give_up(self, state: State, finding: Finding) -> None:
        self._leaves.append(
            Leaf(
                state.case,
                failed=state.misplaced,
                unclear=state.unclear or finding,
                notes=state.notes,
            )
        )

    def _note(
        self, state: State, reason: Reason, text: str, left: Entry, right: Entry
    ) -> State:
        return replace(state, notes=self._noted(state, reason, text, left, right))

    def _noted(
        self, state: State, reason: Reason, text: str, left: Entry, right: Entry
    ) -> tuple[Finding, ...]:
        """The notes with one more; one about each pair of fields.  Where the two have
        parted, what comes later means nothing."""
        if state.misplaced is not None or (
            state.unclear is not None and state.unclear.reason == "units"
        ):
            return state.notes
        finding = self._at(state, reason, text, left, right)
        for note in state.notes:
            if (note.reason, note.old, note.new) == (reason, finding.old, finding.new):
                return state.notes
        return (*state.notes, finding)

    def _member(self, entry: Entry) -> str:
        item = entry.item
        if not isinstance(item, Values):
            return "padding"
        path = conditions.joined(entry.prefix, item.base)
        several = not item.count.known or item.count.fixed > 1
        if item.kind == "byte":
            return f"{path}[{item.index + entry.taken}]" if entry.taken else path
        if item.index < 0:
            return path
        number = item.index + entry.taken // item.width
        return f"{path}[{number}]" if several or item.index else path

    def _what(self, entry: Entry) -> str:
        """What an entry is on the wire, for people."""
        item: Item = entry.item
        match item:
            case Values():
                if not item.count.known:
                    return f"{unit_text(item)} {self._member(entry)} x {amount_text(item.count)}"
                count = entry.left // item.width
                times = f" x {count}" if count != 1 else ""
                return f"{unit_text(item)}{times} {self._member(entry)}"
            case Unused():
                count = entry.left if item.count.known else 0
                size = f"{count}" if item.count.known else amount_text(item.count)
                return f"{size} bytes of padding"
            case Nested():
                times = (
                    "" if item.count == Number(1) else f" x {amount_text(item.count)}"
                )
                name = item.placed.description.symbol
                return f"{name}{times} {entry.prefix}{item.path}"
            case Listed():
                return f"{item.kind} of {item.value.description.symbol}"
            case Custom():
                return f"'{item.info}' {item.origin.field.name}"
            case Group() | Check():
                return item.origin.field.name
            case Refuses(hook=hook):
                return f"{hook.symbol}()"
            case Subsections():
                return "subsections"

    def _at(
        self,
        state: State,
        reason: Reason,
        text: str,
        left: Entry | None,
        right: Entry | None,
        condition: str = "",
    ) -> Finding:
        """A finding at this place; the entries are source's and target's."""
        origins = [
            (
                None
                if entry is None or isinstance(entry.item, Subsections | Refuses)
                else entry.item.origin
            )
            for entry in (left, right)
        ]
        about = left or right
        assert about is not None
        sides = [
            self._what(entry) if entry is not None else "nothing"
            for entry in (left, right)
        ]
        made = partial(self._top.finding, reason, text, *origins)
        finding = made(
            path=about.prefix,
            offset=str(state.offset),
            source=sides[0],
            target=sides[1],
            condition=condition,
        )
        field_ = next((origin.field for origin in origins if origin), None)
        if field_ is not None:
            name = ir.path_text(field_.path) or field_.name
            finding = replace(finding, field=name)
        if not finding.symbol:
            placed = self._pair[0].placed.description
            finding = replace(finding, description=placed.name, symbol=placed.symbol)
        return finding

    def _refused(self, state: State, condition: ir.Expr, entry: Entry) -> State:
        """Something that the target's C code asks of what it has loaded, and the
        source's does not."""
        item = entry.item
        assert isinstance(item, Refuses)
        description = item.placed.description
        text = conditions.text(condition)
        always = condition == conditions.FALSE
        refused = item.refusal.text
        said = f"it unless {text}"
        if always:
            said = "every stream"
        elif item.refusal.condition is None and refused in text:
            said = "some streams" if refused.endswith("()") else f"it if {refused}"
        finding = Finding(
            "check",
            f"{item.hook.symbol}() refuses {said}",
            description.name,
            description.symbol,
            path=entry.prefix,
            source="any value",
            target=f"it, and {item.hook.role} fails",
            condition="" if always else text,
        )
        where = item.refusal.position
        if self._top.backward:
            finding = replace(finding, old=where, new=NOWHERE)
        else:
            finding = replace(finding, new=where)
        return self._require(state, finding)

    def _unlike(self, state: State) -> State | None:
        """An array of a length that is not known, and something else."""
        if state.source is None or state.target is None:
            self._ended(state)
            return None
        source, target = state.source.entry, state.target.entry
        text = f"{self._what(source)} against {self._what(target)}"
        self._fail(state, self._at(state, "nesting", text, source, target))
        return None

    def _ended(self, state: State) -> None:
        """One side has something left."""
        here = state.source or state.target
        assert here is not None
        item = here.entry.item
        if isinstance(item, Unused | Values) and not item.count.known:
            left = amount_text(item.count)
            condition = f"{here.entry.prefix}{left} == 0"
        else:
            condition = ""
        what = self._what(here.entry)
        if state.source is not None:
            text = f"{what} is written, and nothing reads it"
            finding = self._at(
                state, "end", text, here.entry, None, condition=condition
            )
        else:
            text = f"{what} is read, and nothing wrote it"
            finding = self._at(
                state, "end", text, None, here.entry, condition=condition
            )
        self._fail(state, finding)
