"""The statements that load and save one layout: fixed runs fused, the rest one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vmgen import ir
from vmgen.lower import expressions
from vmgen.lower.codec.dynamic import Dynamic
from vmgen.lower.codec.fixed import FixedFields
from vmgen.lower.codec.frame import ContextReads, Frame
from vmgen.lower.codec.phrases import sized
from vmgen.lower.codec.records import Records
from vmgen.lower.codec.zeros import default
from vmgen.lower.program import readable
from vmgen.lower.shape import Check, Leaf, Pad
from vmgen.plan import code


@dataclass(frozen=True, slots=True)
class _When:
    """When a field is there: on load, and on save (None if the state alone says)."""

    load: code.Expr
    save: code.Expr | None


class Body:
    """Builds the statements of one function pair in a frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._layout = frame.layout
        self._fixed = FixedFields(frame)
        self._filled: set[code.Expr] = set()

    def write(self) -> None:
        """Emit every field, grouped by condition."""
        frame = self._frame
        Records(frame, frame.layout, frame.load, frame.save).make(frame.root)
        leaves = frame.layout.leaves
        position = 0
        while position < len(leaves):
            leaf = leaves[position]
            there = self._exists(leaf)
            if there is False:
                self._absent(leaf)
                position += 1
            elif there or isinstance(leaf.kind, Check):
                self._emit(leaf)
                position += 1
            else:
                position = self._conditional(position)
        frame.flush()
        self._unclaimed()
        alone = {*frame.lengths.values()} - frame.shared_lengths
        frame.save = [
            one
            for one in frame.save
            if not (isinstance(one, code.PyAssign) and alone.intersection(one.targets))
        ]

    def _exists(self, leaf: Leaf) -> bool | None:
        frame = self._frame
        return frame.layouts.exists(frame.layout, leaf, frame.versions)

    # --- conditions -------------------------------------------------------------------

    def _absent(self, leaf: Leaf) -> None:
        """A field that these versions do not have: the state must not have it either."""
        if leaf.member is None or isinstance(leaf.kind, Check):
            return
        if any(self._exists(other) is not False for other in leaf.member.at(leaf)):
            return
        full = self._frame.attribute(leaf, self._frame.root)
        check = code.PyDo(code.call("absent", full, leaf.path))
        if check not in self._frame.run.aliases:
            self._frame.run.aliases.append(check)

    def _conditional(self, position: int) -> int:
        """A field under a condition, with the ones after it under the same."""
        frame = self._frame
        leaves = frame.layout.leaves
        leaf = leaves[position]
        frame.flush()
        wanted = self._when(leaf)
        outer_load, outer_save = frame.load, frame.save
        frame.load, frame.save, frame.optional = [], [], True
        names: dict[code.Expr, code.PyName] = {}
        checks: list[code.Statement] = []
        end = position
        while end < len(leaves):
            one = leaves[end]
            if isinstance(one.kind, Check) or one.condition != leaf.condition:
                break
            if end > position:
                frame.flush()
                if self._when(one) != wanted or self._alternatives(one):
                    break
            if one.member is not None:
                self._claim(one, names, wanted.save, checks)
            self._emit(one)
            end += 1
        frame.flush()
        inner_load, inner_save = tuple(frame.load), tuple(frame.save)
        frame.load, frame.save, frame.optional = outer_load, outer_save, False
        frame.load.append(code.PyIf(wanted.load, inner_load))
        frame.save += checks
        condition = wanted.save
        if names and (condition is None or not self._alternatives(leaf)):
            condition = code.both(code.there(name) for name in names.values())
        if inner_save:
            assert condition is not None, leaf.path
            frame.save.append(code.PyIf(condition, inner_save))
        return end

    def _alternatives(self, leaf: Leaf) -> bool:
        """Whether other fields share the leaf's attribute under other conditions."""
        return leaf.member is not None and any(
            other.condition != leaf.condition for other in leaf.member.at(leaf)
        )

    def _claim(
        self,
        leaf: Leaf,
        names: dict[code.Expr, code.PyName],
        condition: code.Expr | None,
        checks: list[code.Statement],
    ) -> None:
        """Name an optional attribute on save, and check its presence."""
        assert leaf.member is not None
        frame = self._frame
        full = frame.attribute(leaf, frame.root)
        if full in names or full in names.values():
            return
        name = frame.local(leaf.member.attr)
        names[full] = name
        checks.append(code.PyAssign((name,), full))
        frame.stands_for(name, frame.path_of(full))
        path = leaf.path
        if condition is not None and self._alternatives(leaf):
            missing = code.both([condition, code.absent(name)])
            check = code.PyDo(code.call("presence", name, code.TRUE, path))
            checks.append(code.PyIf(missing, (check,)))
        elif condition is not None:
            checks.append(code.PyDo(code.call("presence", name, condition, path)))
        frame.saved[full] = name
        if leaf.member.shared:
            shared = frame.name(full, leaf.member.attr)
            value = default(leaf.member, frame.refer)
            if full in self._filled:  # another condition may have loaded a part of it
                value = code.PyChoice(code.there(full), full, value)
            self._filled.add(full)
            frame.load.append(code.PyAssign((shared, full), value))
            lengths = leaf.member.extents()
            if leaf.shape in ("item", "array", "rows") and not lengths:
                frame.run.aliases.append(
                    code.PyDo(sized(name, leaf.member.length(), path))
                )

    def _unclaimed(self) -> None:
        """Alternatives: a state may have the attribute only if one of them is there."""
        frame = self._frame
        done: set[code.Expr] = set()
        for first in frame.layout.leaves:
            if first.member is None or not self._alternatives(first):
                continue
            full = frame.attribute(first, frame.root)
            if full in done:
                continue
            done.add(full)
            conditions = []
            for leaf in first.member.at(first):
                there = self._exists(leaf)
                if there is True:
                    break
                if there is None:
                    condition = self._when(leaf).save
                    if condition is None:
                        break
                    conditions.append(condition)
            else:
                if conditions:
                    none = code.PyUnary("not", code.either(conditions))
                    check = code.PyDo(code.call("absent", full, first.path))
                    frame.save.append(code.PyIf(none, (check,)))

    def _when(self, leaf: Leaf) -> _When:
        one, frame = leaf.field, self._frame
        if not one.test:
            newer = code.PyCompare(
                ">=", expressions.VERSION, code.PyConst(one.version_id)
            )
            return _When(newer, newer)
        body = self._test(leaf)
        if body is None:
            asked = frame.asked(one.test, frame.where(leaf))
            return _When(self._decided(leaf, asked), None)
        load, asks = self._predicate(body, leaf)
        save, unknown = self._predicate(body, None)
        return _When(
            self._decided(leaf, load) if asks else load, None if unknown else save
        )

    def _decided(self, leaf: Leaf, test: code.Expr) -> code.Expr:
        """The answer of a test, or what the description says where no one answers."""
        scope, pos = code.PyName("scope"), code.PyName("pos")
        decide = code.PyLambda((), test)
        return code.method(scope, "present", leaf.json, decide, pos, leaf.path)

    def _test(self, leaf: Leaf) -> ir.Expr | None:
        """The body of a field's test, if it is translated."""
        functions = self._frame.layouts.functions[self._layout.key[0]]
        function = functions.get(leaf.field.test)
        return None if function is None else function.body

    def _predicate(self, body: ir.Expr, leaf: Leaf | None) -> tuple[code.Expr, bool]:
        """A test, and whether it asks the context; as of the whole state if there is no
        leaf."""
        frame = self._frame
        reads = ContextReads(frame, frame.where(leaf) if leaf else "")

        def members(
            path: str, subscripts: Sequence[code.Expr], type_: ir.IntType
        ) -> code.Expr:
            found = frame.layouts.find(
                frame.layout,
                frame.root,
                path,
                subscripts,
                None if leaf is None else leaf.number,
                None,  # a member under the same condition may just be absent
            )
            return reads.member(readable(found, type_), path, subscripts, type_)

        return expressions.truth(body, members, reads.asked), reads.unknown

    # --- one field --------------------------------------------------------------------

    def _emit(self, leaf: Leaf) -> None:
        frame = self._frame
        if isinstance(leaf.kind, Check):
            self._check(leaf)
        elif frame.layouts.fixed(leaf):
            self._fixed.add(frame.layout, leaf, frame.root, "")
        else:
            frame.flush()
            dynamic = Dynamic(frame, leaf)
            if isinstance(leaf.kind, Pad):
                dynamic.pad()
            else:
                dynamic.emit()

    def _check(self, leaf: Leaf) -> None:
        frame = self._frame
        frame.flush()
        body = self._test(leaf)
        if body is not None:
            valid, _ = self._predicate(body, leaf)
        else:
            valid = frame.asked(leaf.field.test, frame.where(leaf))
        scope, pos = code.PyName("scope"), code.PyName("pos")
        decide = code.PyLambda((), valid)
        frame.load.append(
            code.PyDo(code.method(scope, "holds", decide, pos, leaf.field.name))
        )
