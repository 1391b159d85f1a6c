"""Source's layout against target's, item by item: what comes out if the target loads what
the source saved.

Both sides are followed at once.  Where a condition decides and the other side does not
have the same one, both cases are followed; each ends in a :class:`Leaf`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.source import NOWHERE
from vmgen.verdict import cases, conditions, cursor
from vmgen.verdict.conditions import Case
from vmgen.verdict.cursor import Cursor, Entry
from vmgen.verdict.layout import (
    Check,
    Custom,
    Group,
    Item,
    Layout,
    Layouts,
    Listed,
    Nested,
    Number,
    Origin,
    Subsections,
    Unused,
    Values,
    bare,
)
from vmgen.verdict.model import Finding, Reason

LIMIT = 64
"""Cases that are followed in one description."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Bytes from the start of the section: a number and what is not known."""

    fixed: int = 0
    terms: tuple[str, ...] = ()

    def plus(self, count: int) -> Offset:
        """So many bytes further."""
        return Offset(self.fixed + count, self.terms)

    def beyond(self, term: str) -> Offset:
        """Further by what is not known."""
        return Offset(self.fixed, (*self.terms, term))

    def __str__(self) -> str:
        return " + ".join((str(self.fixed), *self.terms))


@dataclass(frozen=True, slots=True)
class Leaf:
    """How one case ended.

    ``failed`` is the first place where the two part, ``unclear`` the first of which vmgen
    cannot tell, ``required`` what must hold besides.
    """

    case: Case
    failed: Finding | None = None
    unclear: Finding | None = None
    required: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether it loads under no condition at all."""
        return (
            self.failed is None
            and self.unclear is None
            and not self.required
            and not self.case.assumed
        )


@dataclass(frozen=True, slots=True)
class _State:
    source: Cursor | None
    target: Cursor | None
    case: Case
    offset: Offset = Offset()
    misplaced: Finding | None = None
    unclear: Finding | None = None
    required: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    saved: tuple[ir.Expr, ...] = ()
    checks: tuple[tuple[ir.Expr, Entry], ...] = ()


@dataclass
class Comparison:
    """The two programs in one direction.

    ``backward`` says that the source of the stream is the new program: findings name
    positions by old and new.
    """

    source: Layouts
    target: Layouts
    backward: bool = False
    _known: dict[tuple[int, int], tuple[Leaf, ...]] = field(default_factory=dict)
    _open: set[tuple[int, int]] = field(default_factory=set)

    def layouts(self, source: Layout, target: Layout) -> tuple[Leaf, ...]:
        """Every case of loading the one as the other, from the first byte to the last
        subsection."""
        key = id(source), id(target)
        if key in self._open:
            return (Leaf(Case()),)  # a description inside itself: told where it begins
        if key not in self._known:
            self._open.add(key)
            self._known[key] = _Walk(self, source, target).leaves()
            self._open.discard(key)
        return self._known[key]

    def finding(
        self,
        reason: Reason,
        text: str,
        source: Origin | None,
        target: Origin | None,
        /,
        **more: str,
    ) -> Finding:
        """A finding about two fields, either of which may be missing."""
        one = source or target
        placed = one.placed.description if one is not None else None
        first = source.position if source else NOWHERE
        second = target.position if target else NOWHERE
        if self.backward:
            first, second = second, first
        return Finding(
            reason,
            text,
            placed.name if placed else "",
            placed.symbol if placed else "",
            old=first,
            new=second,
            **more,
        )


def _joined(start: Offset, inner: str) -> str:
    """The offset of something inside of an element that begins at ``start``."""
    number, plus, terms = inner.partition(" + ")
    whole = start.plus(int(number)) if number.isdigit() else start.beyond(number)
    return f"{whole}{plus}{terms}"


def _unit(item: Values) -> str:
    kind = {"byte": "uint8", "word": "uint64"}.get(item.kind, item.kind)
    return kind + (f" {item.check}" if item.check else "")


def _amount(number: Number) -> str:
    if number.known:
        return str(number.fixed)
    times = f"{number.multiply} * " if number.multiply != 1 else ""
    return f"{times}{number.path}"


class _Walk:
    """One pair of layouts."""

    def __init__(self, comparison: Comparison, source: Layout, target: Layout) -> None:
        self._top = comparison
        self._pair = source, target
        self._members = (
            comparison.source.members(source),
            comparison.target.members(target),
        )
        self._renamed: dict[str, str] = {}  # the target's name to the source's
        self._leaves: list[Leaf] = []

    def leaves(self) -> tuple[Leaf, ...]:
        source, target = self._pair
        if target.refused:
            return (Leaf(Case(), failed=self._window(target.placed, target.version)),)
        begin = _State(cursor.start(source), cursor.start(target), Case())
        self._follow(begin)
        return tuple(self._leaves)

    def _follow(self, begin: _State) -> None:
        waiting = [begin]
        cases = 1
        while waiting:
            state: _State | None = waiting.pop()
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

    def _limit(self, state: _State) -> None:
        finding = self._top.finding(
            "limit", f"more than {LIMIT} cases of conditions", None, None
        )
        placed = self._pair[0].placed.description
        finding = replace(finding, description=placed.name, symbol=placed.symbol)
        self._leaves.append(Leaf(Case(), unclear=finding))

    # --- ends

    def _end(self, state: _State) -> None:
        required = state.required
        for condition, entry in state.checks:
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

    def _fail(self, state: _State, finding: Finding) -> None:
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

    def _give_up(self, state: _State, finding: Finding) -> None:
        self._leaves.append(
            Leaf(
                state.case,
                failed=state.misplaced,
                unclear=state.unclear or finding,
                notes=state.notes,
            )
        )

    # --- one step

    def _step(self, state: _State) -> _State | tuple[_State, _State] | None:
        """The state after the next items; two for two cases, None where it ended."""
        for side in (0, 1):
            here = state.source if side == 0 else state.target
            if here is None:
                continue
            match here.entry.item:
                case Check() as item:
                    condition = self._normal(side, item.condition, item.version, here)
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
    def _moved(state: _State, side: int, to: Cursor | None) -> _State:
        if side == 0:
            return replace(state, source=to)
        return replace(state, target=to)

    def _ended(self, state: _State) -> None:
        """One side has something left."""
        here = state.source or state.target
        assert here is not None
        item = here.entry.item
        if isinstance(item, Unused | Values) and not item.count.known:
            left = _amount(item.count)
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

    # --- conditions

    def _group(
        self, state: _State, side: int, here: Cursor, item: Group
    ) -> _State | tuple[_State, _State] | None:
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
        return cursor.inlined(item.items, here.entry.prefix, here.entry.names, rest)

    def _alone(self, state: _State) -> tuple[Finding, ...] | None:
        """The notes of following the two to their ends, None unless all is well."""
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

    def _normal(
        self, side: int, condition: ir.Expr, version: int, here: Cursor
    ) -> ir.Expr:
        rename = (lambda path: path) if side == 0 else self._original
        return conditions.normal(condition, version, here.entry.prefix, rename)

    def _original(self, path: str) -> str:
        return self._renamed.get(path, path)

    # --- nested objects

    def _nested(self, state: _State) -> _State | None:
        """Opens nested objects, or takes equal ones in one step; ``state`` itself if
        there are none."""
        source, target = state.source, state.target
        one = source.entry.item if source is not None else None
        two = target.entry.item if target is not None else None
        if isinstance(one, Nested) and isinstance(two, Nested):
            assert source is not None
            assert target is not None
            return self._both_nested(state, source, one, target, two)
        top = self._top
        if isinstance(one, Nested) and source is not None:
            if one.count.known and not one.pointers:
                return replace(state, source=cursor.opened(source, top.source))
            return self._unlike(state)
        if isinstance(two, Nested) and target is not None:
            if two.count.known and not two.pointers:
                layout = top.target.layout(two.placed, two.version)
                if layout.refused:
                    self._fail(state, self._window(two.placed, two.version))
                    return None
                return replace(state, target=cursor.opened(target, top.target))
            return self._unlike(state)
        return state

    def _unlike(self, state: _State) -> _State | None:
        """An array of a length that is not known, and something else."""
        if state.source is None or state.target is None:
            self._ended(state)
            return None
        source, target = state.source.entry, state.target.entry
        text = f"{self._what(source)} against {self._what(target)}"
        self._fail(state, self._at(state, "nesting", text, source, target))
        return None

    def _both_nested(
        self, state: _State, source: Cursor, one: Nested, target: Cursor, two: Nested
    ) -> _State | None:
        top = self._top
        left = top.source.layout(one.placed, one.version)
        right = top.target.layout(two.placed, two.version)
        if one.pointers != two.pointers:
            state = self._require(
                state,
                self._at(
                    state,
                    "nesting",
                    "only one side marks NULL pointers with a byte",
                    source.entry,
                    target.entry,
                    condition=f"no element of {source.entry.prefix}{one.path} is NULL",
                ),
            )
        leaves = top.layouts(left, right)
        clean = all(leaf.clean for leaf in leaves)
        counts = self._counts(state, source.entry, one.count, target.entry, two.count)
        if not counts[1] and not (one.count.known and two.count.known):
            state = self._require(state, counts[0])
        if clean and self._same_place(source.entry, one, target.entry, two):
            notes = (*state.notes, *leaves[0].notes)
            state = replace(state, notes=tuple(dict.fromkeys(notes)))
            if one.count.known and two.count.known:
                count = min(source.entry.left, target.entry.left)
                size = self._size(left)
                offset = (
                    state.offset.plus(size * count)
                    if size is not None
                    else state.offset.beyond(one.name)
                )
                return replace(
                    state,
                    source=source.advanced(count),
                    target=target.advanced(count),
                    offset=offset,
                )
            return replace(
                state,
                source=source.rest,
                target=target.rest,
                offset=state.offset.beyond(one.name),
            )
        if one.count.known and two.count.known:
            if right.refused:
                self._fail(state, self._window(two.placed, two.version))
                return None
            return replace(
                state,
                source=cursor.opened(source, top.source),
                target=cursor.opened(target, top.target),
            )
        # As many as a member says, and they differ: the first one tells.
        prefix = f"{source.entry.prefix}{one.path}[]."
        return self._inside(
            replace(
                state,
                source=source.rest,
                target=target.rest,
                offset=state.offset.beyond(one.name),
            ),
            leaves,
            prefix,
            f"{source.entry.prefix}{_amount(one.count)} == 0",
            state.offset,
        )

    def _same_place(
        self, source: Entry, one: Nested, target: Entry, two: Nested
    ) -> bool:
        """Whether the objects are the same member's, so that no value is misplaced."""
        if (
            f"{source.names}{one.name}" != f"{target.names}{two.name}"
            and source.prefix + one.path != self._original(target.prefix + two.path)
        ):
            return False
        return one.index + source.taken == two.index + target.taken

    def _inside(
        self,
        state: _State,
        leaves: tuple[Leaf, ...],
        prefix: str,
        empty: str,
        at: Offset,
    ) -> _State | None:
        """Goes on after an array, list or tree whose elements were compared by
        themselves; ``at`` is where the first one begins."""
        found = summed(leaves)
        start = state.offset
        for bad in (found.failed, found.unclear):
            if bad is None:
                continue
            bad = replace(
                bad, path=prefix + bad.path, offset=_joined(at, bad.offset or "0")
            )
            if bad.reason in ("limit", "opaque", "units") or found.failed is None:
                self._give_up(state, bad)
                return None
            if not found.condition:
                self._fail(state, bad)
                return None
            condition = f"{empty} or {found.condition}" if empty else found.condition
            state = self._require(state, replace(bad, condition=condition))
            break
        for needed in found.required:
            needed = replace(needed, path=prefix + needed.path)
            state = self._require(state, needed)
        notes = (note for leaf in leaves for note in leaf.notes)
        return replace(
            state, offset=start, notes=tuple(dict.fromkeys((*state.notes, *notes)))
        )

    def _size(self, layout: Layout) -> int | None:
        """Bytes of an object, if they are always as many."""
        total = 0
        for item in layout.items:
            match item:
                case Values(width=width, count=count) if count.known:
                    total += width * count.fixed
                case Unused(count=count) if count.known:
                    total += count.fixed
                case Nested(placed=placed, version=version, count=count) if (
                    count.known and not item.pointers
                ):
                    size = self._size(self._top.source.layout(placed, version))
                    if size is None:
                        return None
                    total += size * count.fixed
                case Check():
                    pass
                case _:
                    return None
        return None if layout.subsections else total

    def _window(self, placed: Placed, version: int) -> Finding:
        item = placed.description
        finding = Finding(
            "version",
            f"loaded as version {version}, which is outside of its own"
            f" {item.minimum_version_id} to {item.version_id}",
            item.name,
            item.symbol,
        )
        if self._top.backward:
            return replace(finding, old=item.position)
        return replace(finding, new=item.position)

    # --- subsections

    def _subsections(
        self,
        state: _State,
        source: Entry,
        target: Layout | None,
    ) -> _State:
        assert isinstance(source.item, Subsections)
        known: dict[str, Placed] = {}
        for sub in target.subsections if target is not None else ():
            known.setdefault(sub.description.name, sub)
        for sub in source.item.layout.subsections:
            state = self._subsection(state, source, sub, known)
        return state

    def _subsection(
        self, state: _State, source: Entry, sub: Placed, known: dict[str, Placed]
    ) -> _State:
        top = self._top
        description = sub.description
        needed = conditions.normal(
            top.source.needed(sub),
            description.version_id,
            source.prefix,
            lambda path: path,
        )
        if needed == conditions.FALSE:
            return state
        absent = conditions.text(conditions.truth(ir.Unary("!", needed)))
        there = conditions.text(needed) if needed != conditions.TRUE else "always"
        other = known.get(description.name)
        base = Finding(
            "subsection",
            "",
            description.name,
            description.symbol,
            path=source.prefix,
            field=description.name,
            source=f"version {description.version_id}, sent if {there}",
            target="no such subsection",
            condition=absent,
        )
        first = description.position
        second = other.description.position if other is not None else NOWHERE
        if top.backward:
            first, second = second, first
        base = replace(base, old=first, new=second)
        if needed == conditions.TRUE:
            base = replace(
                base,
                source=f"version {description.version_id}, always sent",
                condition="",
            )
        if other is None:
            text = f"subsection '{description.name}' is not known"
            return self._require(state, replace(base, text=text))
        theirs = other.description
        version = description.version_id
        base = replace(
            base,
            target=f"versions {theirs.minimum_version_id} to {theirs.version_id}",
        )
        if not theirs.minimum_version_id <= version <= theirs.version_id:
            old = version < theirs.minimum_version_id
            text = (
                f"version {version} of subsection '{description.name}' is"
                f" {'below the minimum' if old else 'above the version'}"
                f" {theirs.minimum_version_id if old else theirs.version_id}"
            )
            return self._require(state, replace(base, reason="version", text=text))
        leaves = top.layouts(
            top.source.layout(sub, version), top.target.layout(other, version)
        )
        for leaf in leaves:
            notes = tuple(dict.fromkeys((*state.notes, *leaf.notes)))
            state = replace(state, notes=notes)
        outcome = summed(leaves)
        if outcome.unclear is not None and outcome.failed is None:
            found = outcome.unclear
            return replace(state, unclear=state.unclear or found)
        for bad in outcome.required:
            condition = base.condition
            if bad.condition and condition:
                condition = f"{condition} or {bad.condition}"
            state = self._require(
                state, replace(bad, condition=condition or bad.condition)
            )
        if outcome.failed is not None:
            bad = outcome.failed
            condition = base.condition
            if outcome.condition and condition:
                condition = f"{condition} or {outcome.condition}"
            state = self._require(
                state,
                replace(
                    bad,
                    condition=condition or outcome.condition,
                    text=f"in subsection '{description.name}': {bad.text}",
                ),
            )
        return state

    def _require(self, state: _State, finding: Finding) -> _State:
        """Goes on with something that must hold; without a condition nothing helps."""
        if not finding.condition:
            return replace(state, misplaced=state.misplaced or finding)
        if finding in state.required:
            return state
        return replace(state, required=(*state.required, finding))

    # --- values

    def _items(self, state: _State, source: Cursor, target: Cursor) -> _State | None:
        one, two = source.entry.item, target.entry.item
        match one, two:
            case Custom(), Custom():
                return self._custom(state, source, target)
            case (Custom(), _) | (_, Custom()):
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

    def _custom(self, state: _State, source: Cursor, target: Cursor) -> _State | None:
        one, two = source.entry.item, target.entry.item
        assert isinstance(one, Custom)
        assert isinstance(two, Custom)
        if one.info != two.info or (one.count != two.count):
            text = f"'{one.info}' against '{two.info}': C code that is not translated"
            self._give_up(
                state, self._at(state, "opaque", text, source.entry, target.entry)
            )
            return None
        text = f"'{one.info}' is taken to read what it wrote"
        name = one.origin.field.name
        after: _State | None = replace(
            state,
            source=source.rest,
            target=target.rest,
            offset=state.offset.beyond(name),
            notes=self._noted(state, "assumed", text, source.entry, target.entry),
        )
        theirs = dict(two.parts)
        for role, part in one.parts:
            other = theirs.pop(role, None)
            if after is None or other is None:
                break
            top = self._top
            leaves = top.layouts(
                top.source.layout(part, part.description.version_id),
                top.target.layout(other, other.description.version_id),
            )
            inside = Offset(0, (*state.offset.terms, f"{role} of {name}"))
            prefix = f"{source.entry.prefix}<{name}>.{role}."
            after = self._inside(after, leaves, prefix, "", inside)
        if after is not None and (theirs or len(one.parts) > len(two.parts)):
            text = f"'{one.info}' has other parts"
            found = self._at(state, "opaque", text, source.entry, target.entry)
            self._give_up(state, found)
            return None
        return after

    def _listed(
        self, state: _State, source: Cursor, one: Listed, target: Cursor, two: Listed
    ) -> _State | None:
        top = self._top
        if one.kind != two.kind or (one.key is None) != (two.key is None):
            return self._unlike(state)
        name = one.origin.field.name
        after: _State | None = replace(
            state,
            source=source.rest,
            target=target.rest,
            offset=state.offset.beyond(name),
        )
        parts = [(one.value, one.value_version, two.value, two.value_version)]
        if one.key is not None and two.key is not None:
            parts.insert(0, (one.key, one.key_version, two.key, two.key_version))
        for mine, saved, theirs, loaded in parts:
            leaves = top.layouts(
                top.source.layout(mine, saved), top.target.layout(theirs, loaded)
            )
            if after is None:
                return None
            prefix = f"{source.entry.prefix}{one.path}[]."
            after = self._inside(
                after, leaves, prefix, f"{name} is empty", state.offset.plus(1)
            )
        return after

    def _counts(
        self, state: _State, source: Entry, one: Number, target: Entry, two: Number
    ) -> tuple[Finding, bool]:
        """Whether the numbers are the same, and the finding if they need not be."""
        left = f"{source.prefix}{_amount(one)}" if not one.known else _amount(one)
        right = _amount(two)
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

    def _units(self, state: _State, source: Cursor, target: Cursor) -> _State | None:
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
                if state.unclear is None:
                    found = self._at(state, "units", text, left, right)
                    state = replace(state, unclear=found)
            else:
                state = self._meaning(state, left, one, right, two)
        elif isinstance(one, Values):
            text = f"{self._member(left)} is skipped as padding"
            state = self._note(state, "ignored", text, left, right)
        elif isinstance(two, Values):
            text = f"{self._member(right)} is loaded from padding, so it is zero"
            state = self._note(state, "zeros", text, left, right)
        return replace(
            state,
            source=source.advanced(size),
            target=target.advanced(size),
            offset=state.offset.plus(size),
        )

    def _of_length(
        self, state: _State, source: Cursor, target: Cursor
    ) -> _State | None:
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
            offset=state.offset.beyond(f"{width}{_amount(number)}"),
        )

    def _meaning(
        self, state: _State, left: Entry, one: Values, right: Entry, two: Values
    ) -> _State:
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
        self, state: _State, left: Entry, one: Values, right: Entry, two: Values
    ) -> _State:
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

    @staticmethod
    def _told_of(state: _State, item: Values) -> bool:
        """Whether the end of this buffer was spoken of before."""
        field = ir.path_text(item.origin.field.path) or item.origin.field.name
        return any(
            needed.reason == "value" and needed.field == field
            for needed in state.required
        )

    # --- findings

    def _note(
        self, state: _State, reason: Reason, text: str, left: Entry, right: Entry
    ) -> _State:
        return replace(state, notes=self._noted(state, reason, text, left, right))

    def _noted(
        self, state: _State, reason: Reason, text: str, left: Entry, right: Entry
    ) -> tuple[Finding, ...]:
        """The notes with one more; one about each pair of fields."""
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
        if item.index < 0 or item.kind == "byte":
            return path
        number = item.index + entry.taken // item.width
        return f"{path}[{number}]" if several or item.index else path

    def _what(self, entry: Entry) -> str:
        """What an entry is on the wire, for people."""
        item: Item = entry.item
        match item:
            case Values():
                if not item.count.known:
                    return (
                        f"{_unit(item)} {self._member(entry)} x {_amount(item.count)}"
                    )
                count = entry.left // item.width
                times = f" x {count}" if count != 1 else ""
                return f"{_unit(item)}{times} {self._member(entry)}"
            case Unused():
                count = entry.left if item.count.known else 0
                size = f"{count}" if item.count.known else _amount(item.count)
                return f"{size} bytes of padding"
            case Nested():
                times = "" if item.count == Number(1) else f" x {_amount(item.count)}"
                name = item.placed.description.symbol
                return f"{name}{times} {entry.prefix}{item.path}"
            case Listed():
                return f"{item.kind} of {item.value.description.symbol}"
            case Custom():
                return f"'{item.info}' {item.origin.field.name}"
            case Group() | Check():
                return item.origin.field.name
            case Subsections():
                return "subsections"

    def _at(
        self,
        state: _State,
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
                if entry is None or isinstance(entry.item, Subsections)
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


@dataclass(frozen=True, slots=True)
class Sum:
    """All cases together: ``condition`` says which of them load, if only some do."""

    failed: Finding | None
    unclear: Finding | None
    required: tuple[Finding, ...]
    condition: str
    failures: tuple[tuple[str, Finding], ...] = ()
    """Every way to fail, with the cases in which it is met."""


def summed(leaves: tuple[Leaf, ...]) -> Sum:
    """One answer for all cases of a comparison."""
    leaves = tuple(leaf for leaf in leaves if cases.possible(leaf.case))
    failed = next((leaf.failed for leaf in leaves if leaf.failed is not None), None)
    unclear = next((leaf.unclear for leaf in leaves if leaf.unclear is not None), None)
    good = [leaf for leaf in leaves if leaf.failed is None]
    required = tuple(
        dict.fromkeys(finding for leaf in good for finding in leaf.required)
    )
    condition = ""
    if failed is not None and good:
        bad = [leaf.case for leaf in leaves if leaf.failed is not None]
        condition = cases.told([leaf.case for leaf in good], bad)
    ways: dict[Finding, list[Case]] = {}
    for leaf in leaves:
        if leaf.failed is not None:
            ways.setdefault(leaf.failed, []).append(leaf.case)
    every = [leaf.case for leaf in leaves]
    failures = tuple(
        (
            (
                cases.told(met, [case for case in every if case not in met])
                if len(ways) > 1
                else ""
            ),
            finding,
        )
        for finding, met in ways.items()
    )
    return Sum(failed, unclear, required, condition, failures)
