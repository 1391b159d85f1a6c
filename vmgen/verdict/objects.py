"""Objects inside of objects: structs, lists, trees, subsections."""

from __future__ import annotations

from dataclasses import replace

from vmgen import ir
from vmgen.lookup import Placed
from vmgen.source import NOWHERE
from vmgen.verdict import conditions, cursor
from vmgen.verdict.cursor import Cursor, Entry
from vmgen.verdict.findings import NOTHING_AROUND, amount_text, joined_offset
from vmgen.verdict.layout import (
    Check,
    Custom,
    Layout,
    Layouts,
    Listed,
    Nested,
    Refuses,
    Subsections,
    Unused,
    Values,
)
from vmgen.verdict.model import Finding
from vmgen.verdict.state import Leaf, Offset, State, summed
from vmgen.verdict.units import Units


class Objects(Units):
    """Opens nested objects, or takes equal ones in one step."""

    def _nested(self, state: State) -> State | None:
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
                if cursor.endless(source, top.source):
                    self._too_deep(state)
                    return None
                return replace(state, source=cursor.opened(source, top.source))
            return self._unlike(state)
        if isinstance(two, Nested) and target is not None:
            if two.count.known and not two.pointers:
                layout = top.target.layout(two.placed, two.version)
                if layout.refused:
                    self._fail(state, self._window(two.placed, two.version))
                    return None
                if cursor.endless(target, top.target):
                    self._too_deep(state)
                    return None
                return replace(state, target=cursor.opened(target, top.target))
            return self._unlike(state)
        return state

    def _both_nested(
        self, state: State, source: Cursor, one: Nested, target: Cursor, two: Nested
    ) -> State | None:
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
            if cursor.endless(source, top.source) or cursor.endless(target, top.target):
                self._too_deep(state)
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
            f"{source.entry.prefix}{amount_text(one.count)} == 0",
            state.offset,
        )

    def _too_deep(self, state: State) -> None:
        """Ends where a description is inside of itself once more, and each time has
        another byte against another."""
        self._endless = True
        source = state.source.entry if state.source is not None else None
        target = state.target.entry if state.target is not None else None
        text = "objects inside of objects of the same description, without end"
        self._give_up(state, self._at(state, "limit", text, source, target))

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
        state: State,
        leaves: tuple[Leaf, ...],
        prefix: str,
        empty: str,
        at: Offset,
    ) -> State | None:
        """Goes on after an array, list or tree whose elements were compared by
        themselves; ``at`` is where the first one begins."""
        found = summed(leaves)
        start = state.offset
        for bad in (found.failed, found.unclear):
            if bad is None:
                continue
            bad = replace(
                bad, path=prefix + bad.path, offset=joined_offset(at, bad.offset or "0")
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

    def _size(
        self,
        layout: Layout,
        around: tuple[Layout, ...] = (),
        layouts: Layouts | None = None,
    ) -> int | None:
        """Bytes of an object, if they are always as many; ``around`` are the layouts
        that it is in, ``layouts`` those of its side (the source's if not given)."""
        layouts = layouts or self._top.source
        if any(layout is one for one in around):
            return None
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
                    inner = layouts.layout(placed, version)
                    size = self._size(inner, (*around, layout), layouts)
                    if size is None:
                        return None
                    total += size * count.fixed
                case Check() | Refuses():
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

    def _subsections(
        self,
        state: State,
        source: Entry,
        target: Layout | None,
    ) -> State:
        assert isinstance(source.item, Subsections)
        known: dict[str, Placed] = {}
        for sub in target.subsections if target is not None else ():
            known.setdefault(sub.description.name, sub)
        parent = target.placed.description.name if target is not None else ""
        for sub in source.item.layout.subsections:
            state = self._subsection(state, source, sub, known, parent)
        return state

    def _subsection(
        self,
        state: State,
        source: Entry,
        sub: Placed,
        known: dict[str, Placed],
        parent: str,
    ) -> State:
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
        if not (name := description.name).startswith(parent) or name == parent:
            text = f"subsection '{name}' is none of '{parent}', which begins otherwise"
            return self._require(state, replace(base, text=text))
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
        wanted = conditions.normal(
            top.target.needed(other), theirs.version_id, source.prefix, self._original
        )
        if wanted != needed:
            text = (
                f"subsection '{description.name}' is sent if {there};"
                f" the destination would send it if {conditions.text(wanted)}"
            )
            note = replace(base, reason="presence", text=text, condition="")
            state = replace(state, notes=(*state.notes, note))
        # Of the section's own object, what is in the stream is known; of one inside of
        # it, paths begin elsewhere.
        around = NOTHING_AROUND if source.prefix else self._in_stream
        leaves = top.layouts(
            top.source.layout(sub, version), top.target.layout(other, version), around
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

    def _listed(
        self, state: State, source: Cursor, one: Listed, target: Cursor, two: Listed
    ) -> State | None:
        top = self._top
        if one.kind != two.kind or (one.key is None) != (two.key is None):
            return self._unlike(state)
        name = one.origin.field.name
        after: State | None = replace(
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

    def _custom(self, state: State, source: Cursor, target: Cursor) -> State | None:
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
        after: State | None = replace(
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
