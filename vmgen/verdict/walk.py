"""Both sides followed at once, case by case."""

from __future__ import annotations

from dataclasses import replace

from vmgen import ir
from vmgen.verdict import cases, conditions, cursor
from vmgen.verdict.conditions import Case
from vmgen.verdict.cursor import Cursor, Entry
from vmgen.verdict.known import DECIDED_ELSEWHERE
from vmgen.verdict.layout import (
    Check,
    Custom,
    Group,
    Item,
    Layouts,
    Listed,
    Nested,
    Refuses,
    Subsections,
    Unused,
    Values,
)
from vmgen.verdict.model import Finding
from vmgen.verdict.objects import Objects
from vmgen.verdict.state import Leaf, State

LIMIT = 64
"""Cases that are followed in one description."""


class Walk(Objects):
    """One pair of layouts, from the first item to the last."""

    def leaves(self) -> tuple[Leaf, ...]:
        """Every case, from the first byte to the last subsection."""
        source, target = self._pair
        if target.refused:
            return (Leaf(Case(), failed=self._window(target.placed, target.version)),)
        begin = State(cursor.start(source), cursor.start(target), Case())
        self._follow(begin)
        return tuple(self._leaves)

    def _follow(self, begin: State) -> None:
        waiting = [begin]
        cases = 1
        while waiting:
            state: State | None = waiting.pop()
            while state is not None:
                if state.source is None and state.target is None:
                    self._end(state)
                    break
                found = self._step(state)
                if isinstance(found, tuple):
                    cases += 1
                    if cases > LIMIT:
                        self._limit(state)
                        return
                    waiting.append(found[1])
                    state = found[0]
                else:
                    state = found

    def _limit(self, state: State) -> None:
        finding = self._top.finding(
            "limit", f"more than {LIMIT} cases of conditions", None, None
        )
        placed = self._pair[0].placed.description
        finding = replace(finding, description=placed.name, symbol=placed.symbol)
        self._leaves.append(Leaf(Case(), unclear=finding))

    def _end(self, state: State) -> None:
        for condition, entry in state.checks:
            asked = isinstance(entry.item, Refuses)
            if not asked:
                continue
            if not cases.implied(condition, state.saved):
                state = self._refused(state, condition, entry)
            elif known := self._decided(entry.item):
                state = self._refused(state, ir.Ask(known), entry)
        required = state.required
        for condition, entry in state.checks:
            if isinstance(entry.item, Refuses):
                continue
            if condition not in state.saved and condition != conditions.TRUE:
                text = conditions.text(condition)
                required += (
                    self._at(
                        state,
                        "check",
                        f"must hold after loading: {text}",
                        None,
                        entry,
                        condition=text,
                    ),
                )
        self._leaves.append(
            Leaf(state.case, state.misplaced, state.unclear, required, state.notes)
        )

    def _decided(self, item: Item) -> str:
        """What must hold of a refusal that both sides have, if their releases decide it;
        empty for others."""
        top = self._top
        if not isinstance(item, Refuses) or top.source.release == top.target.release:
            return ""
        symbol = item.placed.description.symbol
        return DECIDED_ELSEWHERE.get((symbol, item.refusal.text), "")

    def _step(self, state: State) -> State | tuple[State, State] | None:
        """The state after the next items; two for two cases, None where it ended."""
        for side in (0, 1):
            here = state.source if side == 0 else state.target
            if here is None:
                continue
            match here.entry.item:
                case Check() | Refuses() as item:
                    wanted = item.taken if isinstance(item, Refuses) else item.condition
                    condition = self._normal(side, wanted, item.version, here)
                    if side == 0:
                        return replace(
                            state, source=here.rest, saved=(*state.saved, condition)
                        )
                    return replace(
                        state,
                        target=here.rest,
                        checks=(*state.checks, (condition, here.entry)),
                    )
                case Values() | Unused() if self._empty(here.entry):
                    return self._moved(state, side, here.rest)
                case Nested(count=count) if count.known and here.entry.left <= 0:
                    return self._moved(state, side, here.rest)
        for side in (0, 1):
            here = state.source if side == 0 else state.target
            if here is not None and isinstance(here.entry.item, Group):
                return self._group(state, side, here, here.entry.item)
        source, target = state.source, state.target
        nested = self._nested(state)
        if nested is not state:
            return nested
        if source is not None and isinstance(source.entry.item, Subsections):
            if target is not None and isinstance(target.entry.item, Subsections):
                return self._subsections(
                    replace(state, source=source.rest, target=target.rest),
                    source.entry,
                    target.entry.item.layout,
                )
            after = replace(state, source=source.rest)
            return self._subsections(after, source.entry, None)
        if target is not None and isinstance(target.entry.item, Subsections):
            # None of them is sent.
            return replace(state, target=target.rest)
        if source is None or target is None:
            self._ended(state)
            return None
        return self._items(state, source, target)

    @staticmethod
    def _empty(entry: Entry) -> bool:
        item = entry.item
        assert isinstance(item, Values | Unused)
        return item.count.known and entry.left <= 0

    @staticmethod
    def _moved(state: State, side: int, to: Cursor | None) -> State:
        if side == 0:
            return replace(state, source=to)
        return replace(state, target=to)

    def _group(
        self, state: State, side: int, here: Cursor, item: Group
    ) -> State | tuple[State, State] | None:
        condition = self._normal(side, item.condition, item.version, here)
        decided = state.case.decide(condition)
        if decided is not None:
            return self._moved(state, side, self._chosen(here, item, decided))
        other = state.target if side == 0 else state.source
        if (
            side == 0
            and other is not None
            and isinstance(other.entry.item, Group)
            and condition
            == self._normal(
                1, other.entry.item.condition, other.entry.item.version, other
            )
        ):
            both = replace(
                state,
                source=self._chosen(here, item, True, alone=True),
                target=self._chosen(other, other.entry.item, True, alone=True),
            )
            notes = self._alone(both)
            if notes is not None:
                return replace(
                    state,
                    source=here.rest,
                    target=other.rest,
                    offset=state.offset.beyond(self._optional(item)),
                    notes=notes,
                )
        part = state.case.open_part(condition)
        holds, fails = state.case.both(part)
        return replace(state, case=holds), replace(state, case=fails)

    @staticmethod
    def _optional(item: Group) -> str:
        return f"{item.origin.field.name or 'a field'} if there"

    @staticmethod
    def _chosen(
        here: Cursor, item: Group, decided: bool, *, alone: bool = False
    ) -> Cursor | None:
        rest = None if alone else here.rest
        if not decided:
            return rest
        return cursor.inlined(
            item.items, here.entry.prefix, here.entry.names, rest, here.entry.around
        )

    def _alone(self, state: State) -> tuple[Finding, ...] | None:
        """The notes of following the two to their ends, None unless all is well."""
        if self._endless:
            return None
        kept, self._leaves = self._leaves, []
        renamed = dict(self._renamed)
        before = len(state.case.assumed)
        self._follow(state)
        found, self._leaves = self._leaves, kept
        if all(
            leaf.failed is None
            and leaf.unclear is state.unclear
            and leaf.required == state.required
            and len(leaf.case.assumed) == before
            for leaf in found
        ):
            return tuple(dict.fromkeys(note for leaf in found for note in leaf.notes))
        self._renamed = renamed
        return None

    def _items(self, state: State, source: Cursor, target: Cursor) -> State | None:
        one, two = source.entry.item, target.entry.item
        match one, two:
            case Custom(), Custom():
                return self._custom(state, source, target)
            case (Custom(), _) | (_, Custom()):
                if text := self._unequal(source, target):
                    self._fail(
                        state,
                        self._at(state, "end", text, source.entry, target.entry),
                    )
                    return None
                text = "the bytes of an untranslated C function"
                self._give_up(
                    state,
                    self._at(state, "opaque", text, source.entry, target.entry),
                )
                return None
            case Listed(), Listed():
                return self._listed(state, source, one, target, two)
            case (Values() | Unused(), Values() | Unused()):
                return self._units(state, source, target)
        return self._unlike(state)

    def _unequal(self, source: Cursor, target: Cursor) -> str:
        """Why the two cannot end together, whatever C code makes of its bytes; empty if
        they can."""
        written, all_written = self._least(source, self._top.source)
        read, all_read = self._least(target, self._top.target)
        if all_read and written > read:
            return f"{written} bytes or more are written, and {read} are read"
        if all_written and read > written:
            return f"{written} bytes are written, and {read} or more are read"
        return ""

    def _least(self, cursor: Cursor | None, layouts: Layouts) -> tuple[int, bool]:
        """Bytes that come at least up to the subsections, and whether they are all."""
        total, exact = 0, True
        while cursor is not None:
            entry, cursor = cursor.entry, cursor.rest
            match entry.item:
                case Values(count=count) | Unused(count=count) if count.known:
                    total += entry.left
                case Nested(count=count, pointers=False) as item if count.known:
                    layout = layouts.layout(item.placed, item.version)
                    size = self._size(layout, layouts=layouts)
                    exact = exact and size is not None
                    total += (size or 0) * entry.left
                case Check() | Refuses() | Subsections():
                    pass
                case _:
                    exact = False
        return total, exact
