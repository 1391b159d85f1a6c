"""The statements that load and save one layout: fixed runs fused, the rest one by one."""

from __future__ import annotations

from collections.abc import Sequence

from vmgen import ir, plan
from vmgen.lower import expressions
from vmgen.lower.codec.dynamic import Dynamic
from vmgen.lower.codec.fixed import Fixed
from vmgen.lower.codec.phrases import sized
from vmgen.lower.codec.zeros import default
from vmgen.lower.names import quote
from vmgen.lower.program import readable
from vmgen.lower.shape import Check, Leaf, Pad


class Body(Fixed):
    """Builds the statements of one function pair."""

    # --- whole functions ------------------------------------------------------------------

    def function(self) -> None:
        """Emit every field, grouped by condition."""
        self.make_records(
            self.layout, self.layout.root, self.root, self.load, self.save
        )
        leaves = self.layout.leaves
        position = 0
        while position < len(leaves):
            leaf = leaves[position]
            there = self.layouts.exists(self.layout, leaf, self.versions)
            if there is False:
                self._absent(leaf)
                position += 1
            elif there or isinstance(leaf.kind, Check):
                self._emit(leaf)
                position += 1
            else:
                position = self._conditional(position)
        self.flush()
        self._unclaimed()

    # --- conditions -----------------------------------------------------------------------

    def _absent(self, leaf: Leaf) -> None:
        """A field that these versions do not have: the state must not have it either."""
        if leaf.member is None or isinstance(leaf.kind, Check):
            return
        if any(
            self.layouts.exists(self.layout, other, self.versions) is not False
            for other in leaf.member.at(leaf)
        ):
            return
        full = self.attribute(leaf, self.root)
        line = plan.Line(f'absent({full}, "{leaf.path}")')
        if line not in self.run.aliases:
            self.run.aliases.append(line)

    def _conditional(self, position: int) -> int:
        """A field under a condition, with the ones after it under the same."""
        leaves = self.layout.leaves
        leaf = leaves[position]
        self.flush()
        wanted = self._condition(leaf)
        outer_load, outer_save = self.load, self.save
        self.load, self.save, self.optional = [], [], True
        names: dict[str, str] = {}
        checks: list[plan.Statement] = []
        end = position
        while end < len(leaves):
            one = leaves[end]
            if isinstance(one.kind, Check) or one.condition != leaf.condition:
                break
            if end > position:
                self.flush()
                if self._condition(one) != wanted or self._alternatives(one):
                    break
            if one.member is not None:
                self._claim(one, names, wanted[1], checks)
            self._emit(one)
            end += 1
        self.flush()
        inner_load, inner_save = tuple(self.load), tuple(self.save)
        self.load, self.save, self.optional = outer_load, outer_save, False
        self.load.append(plan.If(wanted[0], inner_load))
        self.save += checks
        condition = wanted[1] or " and ".join(
            f"{name} is not None" for name in names.values()
        )
        if names and wanted[1] and not self._alternatives(leaf):
            condition = " and ".join(f"{name} is not None" for name in names.values())
        self.save.append(plan.If(condition, inner_save))
        return end

    def _alternatives(self, leaf: Leaf) -> bool:
        """Whether other fields share the leaf's attribute under other conditions."""
        return leaf.member is not None and any(
            other.condition != leaf.condition for other in leaf.member.at(leaf)
        )

    def _claim(
        self,
        leaf: Leaf,
        names: dict[str, str],
        condition: str,
        checks: list[plan.Statement],
    ) -> None:
        """Name an optional attribute on save, and check its presence."""
        assert leaf.member is not None
        full = self.attribute(leaf, self.root)
        if full in names or full in names.values():
            return
        name = self.names.take(leaf.member.attr.strip("_") or "part")
        names[full] = name
        checks.append(plan.Line(f"{name} = {full}"))
        self.origin_of[name] = self.python_path(full)
        path = leaf.path
        if condition and self._alternatives(leaf):
            checks.append(
                plan.If(
                    f"{condition} and {name} is None",
                    (plan.Line(f'presence({name}, True, "{path}")'),),
                )
            )
        elif condition:
            checks.append(plan.Line(f'presence({name}, {condition}, "{path}")'))
        self.saved[full] = name
        if leaf.member.shared:
            shared = self.name_of(full, leaf.member.attr)
            self.load.append(
                plan.Line(f"{shared} = {full} = {default(leaf.member, self.refer)}")
            )
            self.alias_of[full] = shared
            self.saved[full] = name
            lengths = leaf.member.extents()
            if leaf.shape in ("item", "array", "rows") and not lengths:
                self.run.aliases.append(
                    plan.Line(sized(name, (leaf.member.length(),), path))
                )

    def _unclaimed(self) -> None:
        """Alternatives: a state may have the attribute only if one of them is there."""
        done: set[str] = set()
        for first in self.layout.leaves:
            if first.member is None or not self._alternatives(first):
                continue
            full = self.attribute(first, self.root)
            if full in done:
                continue
            done.add(full)
            conditions = []
            for leaf in first.member.at(first):
                there = self.layouts.exists(self.layout, leaf, self.versions)
                if there is True:
                    break
                if there is None:
                    condition = self._condition(leaf)[1]
                    if not condition:
                        break
                    conditions.append(f"({condition})")
            else:
                if conditions:
                    needed = " or ".join(conditions)
                    self.save.append(
                        plan.If(
                            f"not ({needed})",
                            (plan.Line(f'absent({full}, "{first.path}")'),),
                        )
                    )

    def _condition(self, leaf: Leaf) -> tuple[str, str]:
        """When a field is there: on load, and on save (empty if the state alone says)."""
        one = leaf.field
        if not one.test:
            text = f"version >= {one.version_id}"
            return text, text
        function = self.layouts.functions[self.layout.key[0]].get(one.test)
        place = f'{quote(leaf.json)}, lambda: %s, pos, "{leaf.path}"'
        if function is None or function.body is None:
            asked = f'ask(scope.context, {quote(one.test)}, state, version, "{self.where(leaf)}")'
            return f"scope.present({place % asked})", ""
        text, asks = self.predicate(function.body, leaf)
        saved, unknown = self.predicate(function.body, None)
        return (
            f"scope.present({place % text})" if asks else text,
            "" if unknown else saved,
        )

    def predicate(self, body: ir.Expr, leaf: Leaf | None) -> tuple[str, bool]:
        """A test as source, and whether it asks the context; as of the whole state if
        there is no leaf."""
        unknown = False
        where = self.where(leaf) if leaf else ""

        def members(path: str, subscripts: Sequence[str], type_: ir.IntType) -> str:
            nonlocal unknown
            found = self.layouts.find(
                self.layout,
                self.root,
                path,
                subscripts,
                None if leaf is None else leaf.number,
                None,  # a member under the same condition may just be absent
            )
            found = readable(found, type_)
            if not found or found[-1].optional:
                unknown = True
            return self.member_value(
                found, path, subscripts, type_, where, "scope.context"
            )

        def asked(name: str) -> str:
            nonlocal unknown
            unknown = True
            return f'ask(scope.context, {quote(name)}, state, version, "{where}")'

        return expressions.truth(body, members, asked), unknown

    # --- one field ------------------------------------------------------------------------

    def _emit(self, leaf: Leaf) -> None:
        if isinstance(leaf.kind, Check):
            self._check(leaf)
        elif self.layouts.fixed(leaf):
            self.fixed(self.layout, leaf, self.root, "")
        elif isinstance(leaf.kind, Pad):
            self.flush()
            Dynamic(self, leaf).pad()
        else:
            self.flush()
            Dynamic(self, leaf).emit()

    def _check(self, leaf: Leaf) -> None:
        self.flush()
        function = self.layouts.functions[self.layout.key[0]].get(leaf.field.test)
        if function is not None and function.body is not None:
            text, _ = self.predicate(function.body, leaf)
        else:
            text = (
                f"ask(scope.context, {quote(leaf.field.test)}, state, version,"
                f' "{self.where(leaf)}")'
            )
        self.load.append(
            plan.Line(f"scope.holds(lambda: {text}, pos, {quote(leaf.field.name)})")
        )
