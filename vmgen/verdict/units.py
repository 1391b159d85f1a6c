"""Values against values and padding: the bytes themselves."""

from __future__ import annotations

from dataclasses import replace

from vmgen import ir
from vmgen.verdict import conditions
from vmgen.verdict.cursor import Cursor, Entry
from vmgen.verdict.findings import Findings, amount_text
from vmgen.verdict.layout import (
    Number,
    Unused,
    Values,
    bare,
)
from vmgen.verdict.model import Finding, Reason
from vmgen.verdict.state import State


class Units(Findings):
    """Takes values and padding off both sides."""

    def _units(self, state: State, source: Cursor, target: Cursor) -> State | None:
        left, right = source.entry, target.entry
        one, two = left.item, right.item
        assert isinstance(one, Values | Unused)
        assert isinstance(two, Values | Unused)
        if not (one.count.known and two.count.known):
            return self._of_length(state, source, target)
        size = min(left.left, right.left)
        if isinstance(one, Values) and isinstance(two, Values):
            whole = left.taken % one.width == right.taken % two.width == 0
            if one.width != two.width or not whole:
                text = (
                    f"{one.width} bytes a unit are written, {two.width} are read"
                    if whole
                    else "a unit is cut in two"
                )
                if state.misplaced is None and self._twice(source, target):
                    found = self._at(state, "size", text, left, right)
                    state = replace(state, misplaced=found)
                if state.unclear is None:
                    text = self._missing(left, one, right, two) or text
                    found = self._at(state, "units", text, left, right)
                    state = replace(state, unclear=found)
            else:
                state = self._meaning(state, left, one, right, two)
        elif isinstance(one, Values):
            text = f"{self._member(left)} is skipped as padding"
            state = self._padded(state, left, right, text, left, one, 1)
        elif isinstance(two, Values):
            text = f"{self._member(right)} is loaded from padding, so it is zero"
            state = self._padded(state, left, right, text, right, two, 0)
        return replace(
            state,
            source=source.advanced(size),
            target=target.advanced(size),
            offset=state.offset.plus(size),
        )

    def _padded(
        self,
        state: State,
        left: Entry,
        right: Entry,
        text: str,
        valued: Entry,
        item: Values,
        other: int,
    ) -> State:
        """A value on one side, padding on the other: harmless, unless the other side has
        the member at another place, where something else reaches it."""
        path = conditions.joined(valued.prefix, item.base)
        # Of an array the other side may have the rest: elements that were cut off.
        elements = item.index >= 0 or "[" in path
        first = item.index + valued.taken // item.width
        end = first + max(min(left.left, right.left) // item.width, 1)
        moved = any(
            base == path and begin < end and first < after
            for base, begin, after in self._elements[other]
        )
        if (elements and not moved) or path not in self._members[other]:
            reason: Reason = "ignored" if other else "zeros"
            return self._note(state, reason, text, left, right)
        if state.misplaced is not None:
            return state
        found = self._at(state, "member", f"{text}; it has another place", left, right)
        return replace(state, misplaced=found)

    def _of_length(self, state: State, source: Cursor, target: Cursor) -> State | None:
        """Values or padding, as many as a member says on one side at least."""
        left, right = source.entry, target.entry
        one, two = left.item, right.item
        assert isinstance(one, Values | Unused)
        assert isinstance(two, Values | Unused)
        widths = [item.width for item in (one, two) if isinstance(item, Values)]
        if len(widths) == 2 and widths[0] != widths[1]:
            text = f"{widths[0]} bytes a unit are written, {widths[1]} are read"
            self._fail(state, self._at(state, "size", text, left, right))
            return None
        finding, same = self._counts(state, left, one.count, right, two.count)
        if not same:
            state = self._require(state, finding)
        if isinstance(one, Values) and isinstance(two, Values):
            state = self._meaning(state, left, one, right, two)
        number = one.count if not one.count.known else two.count
        width = f"{widths[0]} * " if widths and widths[0] != 1 else ""
        return replace(
            state,
            source=source.rest,
            target=target.rest,
            offset=state.offset.beyond(f"{width}{amount_text(number)}"),
        )

    def _meaning(
        self, state: State, left: Entry, one: Values, right: Entry, two: Values
    ) -> State:
        """Units of one width: do they reach the same member, and as what they were?"""
        state = self._reached(state, left, one, right, two)
        kinds = {"byte": "uint8", "word": "uint64", "timer": "int64"}
        was, becomes = kinds.get(one.kind, one.kind), kinds.get(two.kind, two.kind)
        if was != becomes:
            if becomes == "bool":
                text = f"{was} is loaded as bool: above 1 it becomes 1"
                member = self._member(left)
                state = self._require(
                    state,
                    self._at(
                        state, "value", text, left, right,
                        condition=f"{member} is 0 or 1",
                    ),
                )  # fmt: skip
            elif was != "bool":
                text = f"{was} is loaded as {becomes}"
                state = self._note(state, "sign", text, left, right)
        if two.check and two.check != one.check:
            words = {
                "equal": "must equal what the destination has",
                "le": "must not be negative or above what the destination has",
            }
            state = self._require(
                state,
                self._at(
                    state,
                    "check",
                    f"{self._member(right)} {words[two.check]}",
                    left,
                    right,
                    condition=f"{self._member(right)} {words[two.check][5:]}",
                ),
            )
        return state

    def _reached(
        self, state: State, left: Entry, one: Values, right: Entry, two: Values
    ) -> State:
        at = (
            conditions.joined(left.prefix, one.base),
            conditions.joined(right.prefix, two.base),
        )
        index = (
            one.index + left.taken // one.width,
            two.index + right.taken // two.width,
        )
        names = f"{left.names}{one.name}", f"{right.names}{two.name}"
        if at[0] == at[1] and (index[0] == index[1] or min(one.index, two.index) < 0):
            return state
        if names[0] == names[1] and left.taken == right.taken:
            self._renamed[at[1]] = at[0]
            return state
        known = self._renamed.get(at[1])
        if known == at[0] and index[0] == index[1]:
            return state
        mine, theirs = bare(at[0]), bare(at[1])
        if one.kind == "byte" and left.taken and theirs not in self._members[0]:
            # The end of a buffer that was longer: what had been free has a meaning now.
            if self._told_of(state, one):
                return state
            text = f"the end of {mine} is read as {self._member(right)}"
            return self._require(
                state,
                self._at(
                    state, "value", text, left, right,
                    condition=f"{mine} is zero from byte {left.taken} on",
                ),
            )  # fmt: skip
        if two.kind == "byte" and right.taken and mine not in self._members[1]:
            text = f"{self._member(left)} is read as the end of {theirs}"
            return self._require(
                state,
                self._at(
                    state, "value", text, left, right,
                    condition=f"{self._member(left)} is zero",
                ),
            )  # fmt: skip
        moved = mine in self._members[1] or theirs in self._members[0]
        if mine == theirs or moved or known is not None:
            if state.misplaced is None:
                text = (
                    f"{self._member(left)} is written, and read as"
                    f" {self._member(right)}"
                )
                found = self._at(state, "member", text, left, right)
                if state.unclear is not None and state.unclear.reason == "units":
                    found = replace(state.unclear, reason="size")  # it began there
                state = replace(state, misplaced=found)
            return state
        self._renamed[at[1]] = at[0]
        text = f"{self._member(left)} is loaded as {self._member(right)}"
        return self._note(state, "renamed", text, left, right)

    def _twice(self, source: Cursor, target: Cursor) -> bool:
        """Whether one side has a number twice where the other has it once, and wider:
        not two parts of a number, so it comes out as another one."""
        left, right = source.entry, target.entry
        places = (
            conditions.joined(left.prefix, self._scalar(left)),
            self._original(conditions.joined(right.prefix, self._scalar(right))),
        )
        if places[0] != places[1] or not self._scalar(left):
            return False
        for cursor in (source, target):
            after = cursor.rest
            if (
                after is not None
                and after.entry.prefix == cursor.entry.prefix
                and self._scalar(after.entry) == self._scalar(cursor.entry)
            ):
                return True
        return False

    @staticmethod
    def _scalar(entry: Entry) -> str:
        """The member of a single number that comes next; empty for anything else."""
        item = entry.item
        if not isinstance(item, Values) or item.index >= 0 or entry.taken:
            return ""
        return item.base if item.count == Number(1) else ""

    def _missing(self, left: Entry, one: Values, right: Entry, two: Values) -> str:
        """Which of the two members the other side does not have at all; empty if neither
        or both."""
        mine = bare(conditions.joined(left.prefix, one.base))
        theirs = bare(self._original(conditions.joined(right.prefix, two.base)))
        gone = mine not in self._members[1] and mine not in self._renamed.values()
        new = theirs not in self._members[0]
        if gone == new:
            return ""
        if gone:
            return f"{self._member(left)} is written, and no field reads it"
        return f"{self._member(right)} is read, and no field was written for it"

    @staticmethod
    def _told_of(state: State, item: Values) -> bool:
        """Whether the end of this buffer was spoken of before."""
        field = ir.path_text(item.origin.field.path) or item.origin.field.name
        return any(
            needed.reason == "value" and needed.field == field
            for needed in state.required
        )

    def _counts(
        self, state: State, source: Entry, one: Number, target: Entry, two: Number
    ) -> tuple[Finding, bool]:
        """Whether the numbers are the same, and the finding if they need not be."""
        left = (
            f"{source.prefix}{amount_text(one)}" if not one.known else amount_text(one)
        )
        right = amount_text(two)
        if not two.known:
            times, _, path = right.rpartition("* ")
            full = self._original(conditions.joined(target.prefix, path))
            right = f"{times}* {full}" if times else full
        same = (
            one.known == two.known
            and one.multiply == two.multiply
            and one.bits == two.bits
            and conditions.joined("", left) == right
        ) or self._same_count(source, one, target, two)
        text = f"{left} elements are written, {right} are read"
        finding = self._at(
            state, "count", text, source, target, condition=f"{left} == {right}"
        )
        return finding, same

    def _same_count(
        self, source: Entry, one: Number, target: Entry, two: Number
    ) -> bool:
        if one.known or two.known:
            return False
        paths = (
            conditions.joined(source.prefix, one.path),
            self._original(conditions.joined(target.prefix, two.path)),
        )
        return paths[0] == paths[1] and (one.multiply, one.bits) == (
            two.multiply,
            two.bits,
        )
