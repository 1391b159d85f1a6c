"""The statements that load and save one layout: fixed runs fused, the rest one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from vmgen import ir, plan
from vmgen.infos import formats
from vmgen.lower import expressions
from vmgen.lower.layout import (
    CODES,
    SIZES,
    Check,
    Format,
    Ints,
    Key,
    Layout,
    Leaf,
    Listed,
    Member,
    Opaque,
    Pad,
    Record,
    Struct,
    Tree,
)
from vmgen.lower.names import LOCALS, RESERVED, Names, plain, quote
from vmgen.lower.program import Found, Layouts, readable
from vmgen.source import Diagnostic, VmgenError

SUFFIX = {
    "?": "bool", "b": "i8", "B": "u8", "h": "i16", "H": "u16",
    "i": "i32", "I": "u32", "q": "i64", "Q": "u64",
}  # fmt: skip
TYPES = {code: name for name, code in CODES.items()}


@dataclass(eq=False)
class Runs:
    """The module-level structs of one description; equal ones are made once."""

    stem: str
    made: dict[tuple[str, str], plan.Run] = field(default_factory=dict)

    def add(self, format_: str, fields: str) -> plan.Run:
        """The struct of a run, by its format and its field list."""
        run = self.made.get((format_, fields))
        if run is None:
            name = f"_{self.stem}_{len(self.made)}"
            run = self.made[format_, fields] = plan.Run(
                name, format_, tuple(_pieces(fields))
            )
        return run


def _pieces(fields: str) -> Iterable[str]:
    """The field list in pieces of even length, at most 76 characters if words allow."""
    if len(fields) <= 82:
        yield fields
        return
    width = len(fields) / -(-len(fields) // 72) + 4
    line = ""
    for word in fields.split(" "):
        if line and len(line) + len(word) + 1 > width:
            yield f"{line} "
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


class Refer(Protocol):
    """Names of what other sections of the package define."""

    def cls(self, key: Key) -> str:
        """The state class of a layout."""
        ...

    def record(self, record: Record) -> str:
        """The class of a record."""
        ...

    def maker(self, record: Record) -> str:
        """The function that makes an object of a record's class."""
        ...

    def codec(self, key: Key) -> str:
        """The codec name of a layout."""
        ...


@dataclass(eq=False)
class _Run:
    """A fixed run under construction."""

    format: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    code: str = ""
    size: int = 0
    before: list[plan.Statement] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    after: list[plan.Statement] = field(default_factory=list)
    aliases: list[plan.Statement] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def note(self, code: str, text: str) -> None:
        """Add a field to the list for error messages."""
        if code and code != self.code:
            self.fields.append(f"{code}:")
            self.code = code
        self.fields.append(text)

    def struct_format(self) -> str:
        """The format, with repeated codes counted."""
        parts: list[tuple[str, int]] = []
        for one in self.format:
            if len(one) == 1 and parts and parts[-1][0] == one:
                parts[-1] = (one, parts[-1][1] + 1)
            else:
                parts.append((one, 1))
        return ">" + "".join(f"{n if n > 1 else ''}{one}" for one, n in parts)


class Body:
    """Builds the statements of one function pair, for the given versions."""

    def __init__(
        self,
        layouts: Layouts,
        layout: Layout,
        refer: Refer,
        runs: Runs,
        versions: Sequence[int],
        root: str = "state",
    ) -> None:
        self.layouts = layouts
        self.layout = layout
        self.refer = refer
        self.runs = runs
        self.versions = versions
        self.load: list[plan.Statement] = []
        self.save: list[plan.Statement] = []
        self.blame: list[str] = []
        self.names = Names(RESERVED | LOCALS)
        self.run = _Run()
        self.optional = False
        self.root = root
        self._alias: dict[str, str] = {}
        self._saved: dict[str, str] = (
            {}
        )  # what save calls an attribute, where it differs
        self._origin: dict[str, str] = {root: ""}
        self._sized: set[str] = set()
        self._lengths: dict[str, str] = {}
        self._gathered: dict[str, dict[int, str]] = {}

    # --- whole functions ------------------------------------------------------------------

    def function(self) -> None:
        """Emit every field, grouped by condition."""
        self._records(self.layout, self.layout.root, self.root, self.load, self.save)
        leaves = self.layout.leaves
        position = 0
        while position < len(leaves):
            leaf = leaves[position]
            there = self.layouts.exists(self.layout, leaf, self.versions)
            if there is False:
                self._absent(leaf)
                position += 1
            elif there or isinstance(leaf.kind, Check):
                self._emit(self.layout, leaf, self.root, "", there is True)
                position += 1
            else:
                position = self._conditional(position)
        self.flush()
        self._unclaimed()

    def elements(self) -> _Run:
        """Emit a flat layout as one run, for the codec of many objects."""
        self._records(
            self.layout, self.layout.root, self.root, self.run.before, self.run.aliases
        )
        self._flat(self.layout, self.root, "")
        return self.run

    def flush(self) -> None:
        """End the current run."""
        run, self.run = self.run, _Run()
        self.load += run.before
        self.save += run.aliases
        if run.format:
            made = self.runs.add(run.struct_format(), " ".join(run.fields))
            self.load.append(plan.Unpack(made.name, tuple(run.targets), run.size))
            self.save.append(plan.Pack(made.name, tuple(run.values)))
            blame = f"{made.name}_fields"
            if self.optional:
                blame = f'"? " + {blame}'
            if blame not in self.blame:
                self.blame.append(blame)
        self.load += run.after

    # --- records --------------------------------------------------------------------------

    def _records(
        self,
        layout: Layout,
        record: Record,
        expr: str,
        load: list[plan.Statement],
        save: list[plan.Statement],
    ) -> None:
        """Make the records below one, name them, and make what several fields share."""
        if record is layout.root and layout.version_attr:
            own = layout is self.layout and self.root == "state"
            version = "version" if own else str(layout.version)
            load.append(plan.Line(f"{expr}.{layout.version_attr} = {version}"))
        for member in record.members:
            full = f"{expr}.{member.attr}"
            if member.record is not None:
                if self._few(layout, member):
                    self._named(layout, member, full, load, save)
                    continue
                alias = self._name(full, member.attr)
                if member.levels:
                    made = default(member, self.refer)
                    if self._filled(layout, member):
                        make = self.refer.maker(member.record)
                        made = f"repeated({make}, {member.extents()[-1]})"
                    load.append(plan.Line(f"{alias} = {full} = {made}"))
                    text = self.python_path(full)
                    save.append(
                        plan.Line(f"{alias} = {_sized(full, member.extents(), text)}")
                    )
                else:
                    load.append(
                        plan.Line(
                            f"{alias} = {full} = {self.refer.maker(member.record)}()"
                        )
                    )
                    save.append(plan.Line(f"{alias} = {full}"))
                    self._records(layout, member.record, alias, load, save)
            elif member.shared and not self._undecided(layout, member.leaves):
                alias = self._name(full, member.attr)
                load.append(
                    plan.Line(f"{alias} = {full} = {default(member, self.refer)}")
                )
                save += self._share(member, full, alias)

        if record is layout.root:
            absent = [f"{expr}.{attr}" for attr, _ in layout.subsections]
            for leaf in layout.leaves:
                if leaf.member is not None and self._undecided(
                    layout, leaf.member.at(leaf)
                ):
                    absent.append(self._attribute(leaf, expr))
            for group in _groups(list(dict.fromkeys(absent))):
                load.append(plan.Line(f"{' = '.join(group)} = None"))

    def _few(self, layout: Layout, list_: Member) -> bool:
        """Whether every element of a list of records can have a name of its own."""
        return (
            list_.levels == 1
            and list_.extents()[0] <= UNROLLED
            and self._filled(layout, list_)
        )

    def _named(
        self,
        layout: Layout,
        list_: Member,
        full: str,
        load: list[plan.Statement],
        save: list[plan.Statement],
    ) -> None:
        """Make a list of records and name its elements."""
        assert list_.record is not None
        stem = list_.attr.strip("_") or "part"
        count = list_.extents()[0]
        path = self.python_path(full)
        aliases = []
        for at in range(count):
            alias = self.names.take(f"{stem}_{at}")
            self._alias[f"{full}[{at}]"] = alias
            self._origin[alias] = f"{path}[{at}]"
            aliases.append(alias)
        make = self.refer.maker(list_.record)
        made = ", ".join([f"{make}()"] * count)
        load.append(plan.Line(f"{_targets(aliases)} = {full} = [{made}]"))
        value = _sized(full, (count,), path)
        save.append(plan.Line(f"{_targets(aliases)} = {value}"))

    def _filled(self, layout: Layout, list_: Member) -> bool:
        """Whether fields set every member of every record of a list of records."""
        record = list_.record
        assert record is not None
        places = set(list_.indices)
        if list_.levels != 1 or len(places) != list_.extents()[0]:
            return False
        for member in record.members:
            if member.record is not None or member.shared:
                return False
            there = {
                leaf.parents[-1][1]
                for leaf in member.leaves
                if len(leaf.parents) >= 1
                and leaf.parents[-1][0] is list_
                and self.layouts.exists(layout, leaf, self._versions(layout))
            }
            if there != places:
                return False
        return True

    def _undecided(self, layout: Layout, leaves: Sequence[Leaf]) -> bool:
        """Whether an attribute may be absent, as far as the versions tell."""
        return bool(leaves) and not any(
            self.layouts.exists(layout, leaf, self._versions(layout)) is True
            for leaf in leaves
        )

    def _share(self, member: Member, full: str, alias: str) -> list[plan.Statement]:
        """Name an attribute of several parts on save, and check its lengths."""
        leaf = member.leaves[0]
        lengths = member.extents()
        made: list[plan.Statement] = []
        path = self.python_path(full)
        value = f'present({full}, "{path}")' if member.optional else full
        if leaf.shape in ("item", "array", "rows"):
            lengths = (*lengths, member.length())
        if len(lengths) == 1:
            made += _checked(alias, value, lengths[0], path)
        else:
            made.append(plan.Line(f"{alias} = {_sized(value, lengths[:1], path)}"))
            if leaf.shape in ("item", "array", "rows") and len(lengths) == 2:
                made += [
                    plan.Line(_sized(f"{alias}[{at}]", lengths[1:], f"{path}[{at}]"))
                    for at in sorted({one.levels[0] for one in member.leaves})
                ]
        return made

    def _versions(self, layout: Layout) -> Sequence[int]:
        return self.versions if layout is self.layout else (layout.version,)

    def _name(self, full: str, wanted: str) -> str:
        alias = self.names.take(wanted.strip("_") or "part")
        self._alias[full] = alias
        self._origin[alias] = self.python_path(full)
        return alias

    def python_path(self, expr: str) -> str:
        """The path of an expression from the function's object."""
        head, dot, rest = expr.partition(".")
        bare, bracket, index = head.partition("[")
        origin = self._origin.get(bare, bare) + bracket + index
        return f"{origin}{dot}{rest}" if origin else rest

    def _attribute(self, leaf: Leaf, root: str) -> str:
        """The attribute of a leaf, by way of its records' names."""
        assert leaf.member is not None
        expr = root
        for member, index in leaf.parents:
            full = f"{expr}.{member.attr}"
            levels = "".join(f"[{one}]" for one in index)
            own = self._alias.get(full + levels)
            expr = own or self._alias.get(full, full) + levels
        return f"{expr}.{leaf.member.attr}"

    def _place(self, leaf: Leaf, root: str) -> tuple[str, str]:
        """The attribute of a leaf on load and on save, before its indices."""
        assert leaf.member is not None
        full = self._attribute(leaf, root)
        known = self._alias.get(full, full)
        if (
            leaf.member.shared
            and known == full
            and leaf.shape in ("item", "array", "rows")
        ):
            length = (leaf.member.length(),) if not leaf.levels else ()
            if length and full not in self._sized:
                self._sized.add(full)
                path = self.python_path(full)
                self.run.aliases.append(plan.Line(_sized(full, length, path)))
        return known, self._saved.get(full, known)

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
        full = self._attribute(leaf, self.root)
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
            self._emit(self.layout, one, self.root, "", True)
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
        full = self._attribute(leaf, self.root)
        if full in names or full in names.values():
            return
        name = self.names.take(leaf.member.attr.strip("_") or "part")
        names[full] = name
        checks.append(plan.Line(f"{name} = {full}"))
        self._origin[name] = self.python_path(full)
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
        self._saved[full] = name
        if leaf.member.shared:
            shared = self._name(full, leaf.member.attr)
            self.load.append(
                plan.Line(f"{shared} = {full} = {default(leaf.member, self.refer)}")
            )
            self._alias[full] = shared
            self._saved[full] = name
            lengths = leaf.member.extents()
            if leaf.shape in ("item", "array", "rows") and not lengths:
                self.run.aliases.append(
                    plan.Line(_sized(name, (leaf.member.length(),), path))
                )

    def _unclaimed(self) -> None:
        """Alternatives: a state may have the attribute only if one of them is there."""
        done: set[str] = set()
        for first in self.layout.leaves:
            if first.member is None or not self._alternatives(first):
                continue
            full = self._attribute(first, self.root)
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

    def member_value(
        self,
        found: list[Found],
        path: str,
        subscripts: Sequence[str],
        type_: ir.IntType,
        where: str,
        context: str,
    ) -> str:
        """A member's value from the state, or from the context where it is absent."""
        text = f'member({context}, {quote(self.layout.type)}, {c_name(path, subscripts)}, "{where}")'
        return chained(found, expressions.truncated(text, type_), type_)

    def where(self, leaf: Leaf) -> str:
        """Description, field and place, for the message of a missing context."""
        place = leaf.field.position
        at = f" ({place.file}:{place.line})" if place.file else ""
        return plain(f"{self.layout.symbol}, field {leaf.path}{at}")

    # --- one field ------------------------------------------------------------------------

    def _flat(self, layout: Layout, root: str, prefix: str) -> None:
        for leaf in layout.leaves:
            if self.layouts.exists(layout, leaf, (layout.version,)):
                self._emit(layout, leaf, root, prefix, True)

    def _emit(
        self, layout: Layout, leaf: Leaf, root: str, prefix: str, there: bool
    ) -> None:
        if isinstance(leaf.kind, Check):
            self._check(leaf)
        elif isinstance(leaf.kind, Pad):
            self._pad(leaf)
        elif self.layouts.fixed(leaf):
            self._fixed(layout, leaf, root, prefix)
        else:
            self.flush()
            _Dynamic(self, leaf).emit()
        del there

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

    def _pad(self, leaf: Leaf) -> None:
        if leaf.amount is None and leaf.size is None and leaf.member is None:
            size = leaf.count * leaf.width
            if size:
                self.run.format.append(f"{size}x")
                self.run.fields.append(f"{size}x")
                self.run.size += size
            return
        self.flush()
        _Dynamic(self, leaf).pad()

    def _fixed(self, layout: Layout, leaf: Leaf, root: str, prefix: str) -> None:
        target, source = self._place(leaf, root)
        levels = "".join(f"[{one}]" for one in leaf.levels)
        target, source = target + levels, source + levels
        path = prefix + leaf.path
        if isinstance(leaf.kind, Struct):
            self._fixed_struct(leaf, leaf.kind, target, source, path)
            return
        assert isinstance(leaf.kind, Ints)
        code = leaf.kind.code
        if leaf.shape in ("one", "item"):
            if leaf.shape == "item":
                target, source = f"{target}[{leaf.start}]", f"{source}[{leaf.start}]"
                path = f"{path}[{leaf.start}]"
            self.run.format.append(code)
            self.run.note(code, self._token(path, source))
            self.run.targets.append(target)
            # None packs as a false bool; any other code refuses it.
            absent = code == "?" and leaf.member is not None and leaf.member.optional
            guard = absent and not self.optional
            self.run.values.append(f'present({source}, "{path}")' if guard else source)
            self.run.size += SIZES[code]
            if leaf.kind.check:
                self._compare(leaf, leaf.kind.check, target, source, path)
            return
        if leaf.shape == "items":
            self._items(layout, leaf, code, target, source, path)
            return
        suffix = SUFFIX[code]
        self._chunk(
            leaf,
            code,
            target,
            source,
            path,
            f"array_{suffix}",
            f"bytes_{suffix}",
            SIZES[code],
            "",
        )
        if leaf.kind.check:
            check = "equal" if leaf.kind.check == "equal" else "at_most"
            self.run.after.append(
                plan.Line(
                    f"for at, value in enumerate({target}): scope.{check}(value,"
                    f' {quote(self.layout.type)}, f"{path}[{{at}}]", pos, f"{path}[{{at}}]")'
                )
            )

    def _items(
        self,
        layout: Layout,
        leaf: Leaf,
        code: str,
        target: str,
        source: str,
        path: str,
    ) -> None:
        """An array that the table names element by element, in one run or in several."""
        assert leaf.member is not None
        parts = [
            one
            for one in leaf.member.at(leaf)
            if self.layouts.exists(layout, one, self._versions(layout))
        ]
        if len(parts) < 2:
            parts = [leaf]
        length = max(one.start + one.count for one in parts)
        zero = "False" if code == "?" else "0"
        loaded, saved = [zero] * length, ["_"] * length
        stem = leaf.member.attr.strip("_") or "part"
        names = self._gathered.setdefault(source, {})
        for index in [] if names else [one for part in parts for one in part.indices]:
            names[index] = self.names.take(f"{stem}_{index}")
        for index, name in names.items():
            loaded[index] = saved[index] = name
        for index in leaf.indices:
            self.run.format.append(code)
            self.run.note(code, self._token(f"{path}[{index}]", f"{source}[{index}]"))
            self.run.targets.append(names[index])
            self.run.values.append(names[index])
            self.run.size += SIZES[code]
        if leaf is parts[-1]:
            self.run.after.append(plan.Line(f"{target} = [{', '.join(loaded)}]"))
        if leaf is parts[0]:
            value = source
            if leaf.member.optional and not self.optional:
                value = f'present({source}, "{path}")'
            self.run.aliases.append(plan.Line(f"{_targets(saved)} = {value}"))

    def _compare(
        self, leaf: Leaf, check: str, target: str, source: str, path: str
    ) -> None:
        name = "equal" if check == "equal" else "at_most"
        self.run.after.append(
            plan.Line(
                f'scope.{name}({target}, {quote(self.layout.type)}, "{path}", pos, "{path}")'
            )
        )
        if check == "le":
            self.run.aliases.append(plan.Line(f'positive({source}, "{path}")'))
        del leaf

    def _token(self, path: str, source: str) -> str:
        python = self.python_path(source)
        clean = path if path.replace(".", "").replace("_", "").isidentifier() else ""
        ok = clean == python or path == python
        return path if ok else f"{_plain(path)}={python}"

    def _chunk(
        self,
        leaf: Leaf,
        code: str,
        target: str,
        source: str,
        path: str,
        unpack: str,
        pack: str,
        size: int,
        group: str,
    ) -> None:
        """An array in a run: as one chunk of bytes."""
        assert leaf.member is not None
        rows = leaf.shape == "rows"
        width = size * (leaf.width if rows else 1)
        total = width * leaf.count
        stop = leaf.start + leaf.count
        self.run.format.append(f"{total}s")
        self.run.size += total
        chunk = self.names.take(f"{leaf.member.attr.strip('_') or 'part'}_")
        self.run.targets.append(chunk)
        python = self.python_path(source)
        shared = leaf.member.shared and (
            leaf.start != 0 or leaf.count != leaf.member.length()
        )
        bounds = f"[{leaf.start}:{stop}" + (
            f"|{leaf.member.length()}]" if shared else "]"
        )
        name = "" if python == path else f"={python}"
        if rows:
            # Rows are told apart only as a whole in messages.
            inner = group or f"{code}: .[0:{leaf.width}]"
            self.run.note("", f"{_plain(path)}{bounds}{name}({inner})")
        elif group:
            self.run.note("", f"{_plain(path)}{bounds}{name}({group})")
        else:
            self.run.note(code, f"{_plain(path)}{bounds}{name}")
        single = leaf.member.shared
        if rows:
            load = f"rows_of({unpack}, {chunk}, {width})"
            part = f"{source}[{leaf.start}:{stop}]" if shared or leaf.start else source
            save = f"row_bytes({pack}, {part}, {leaf.count}, {leaf.width})"
            if leaf.start and not single:
                load = f"{default_rows(leaf, self.refer)} + {load}"
        elif shared:
            load = (
                f"{unpack}({chunk})"
                if not group
                else f"{unpack}({chunk}, {leaf.count})"
            )
            part = f"{source}[{leaf.start}:{stop}]"
            save = f"{pack}({part}, {leaf.count})" if not group else f"{pack}({part})"
        elif group:
            assert isinstance(leaf.kind, Struct)
            load = f"{unpack}({chunk}, {leaf.count})"
            if leaf.start:
                load = (
                    f"repeated({self.refer.cls(leaf.kind.key)}, {leaf.start}) + {load}"
                )
            save = f"bytes_of({pack}, {source}, {stop}{f', {leaf.start}' if leaf.start else ''})"
        else:
            extra = f", {leaf.start}" if leaf.start else ""
            load = f"{unpack}({chunk}{extra})"
            save = f"{pack}({source}, {stop}{extra})"
        if not rows and leaf.member.optional and not self.optional and not shared:
            save = save.replace(source, f'present({source}, "{path}")', 1)
        if shared:
            target = f"{target}[{leaf.start}:{stop}]"
        self.run.after.append(plan.Line(f"{target} = {load}"))
        self.run.values.append(save)

    def _unroll(self, leaf: Leaf, inner: Layout) -> bool:
        """Whether an array of objects is small and plain enough to be part of the run."""
        assert leaf.member is not None
        return (
            leaf.shape == "array"
            and not leaf.start
            and not leaf.member.shared
            and self.root == "state"
            and leaf.count > 0
            and leaf.count * self._values(inner) <= UNROLLED
        )

    def _values(self, layout: Layout) -> int:
        """How many values an object of a flat layout is; too many if it has arrays."""
        total = 0
        for leaf in layout.leaves:
            if isinstance(leaf.kind, Pad) or not self.layouts.exists(
                layout, leaf, (layout.version,)
            ):
                continue
            if leaf.shape not in ("one", "item", "items"):
                return UNROLLED + 1
            inner = leaf.kind
            total += (
                self._values(self.layouts.all[inner.key])
                if isinstance(inner, Struct)
                else len(leaf.indices) or 1
            )
        return total or UNROLLED + 1

    def _unrolled(
        self, leaf: Leaf, kind: Struct, target: str, source: str, path: str
    ) -> None:
        """An array of objects, every value of it a value of the run."""
        assert leaf.member is not None
        inner = self.layouts.all[kind.key]
        stem = leaf.member.attr.strip("_") or "part"
        aliases = [self.names.take(f"{stem}_{at}") for at in range(leaf.count)]
        joined = _targets(aliases)
        make = self.refer.maker(inner.root)
        self.run.before.append(
            plan.Line(
                f"{joined} = {target} = [{', '.join([f'{make}()'] * leaf.count)}]"
            )
        )
        value = source
        if leaf.member.optional and not self.optional:
            value = f'present({source}, "{path}")'
        self.run.aliases.append(plan.Line(f"{joined} = {value}"))
        fields, code = list(self.run.fields), self.run.code
        python = self.python_path(source)
        for at, alias in enumerate(aliases):
            self._origin[alias] = f"{python}[{at}]"
            here = f"{path}[{at}]"
            self._records(inner, inner.root, alias, self.run.before, self.run.aliases)
            self._flat(inner, alias, f"{here}.")
        name = "" if python == path else f"={python}"
        group = flat_fields(self.layouts, inner, self.refer)
        self.run.fields = [*fields, f"{_plain(path)}[0:{leaf.count}]{name}({group})"]
        self.run.code = code

    def _fixed_struct(
        self, leaf: Leaf, kind: Struct, target: str, source: str, path: str
    ) -> None:
        inner = self.layouts.all[kind.key]
        if leaf.shape in ("one", "item"):
            if leaf.shape == "item":
                target, source = f"{target}[{leaf.start}]", f"{source}[{leaf.start}]"
                path = f"{path}[{leaf.start}]"
            assert leaf.member is not None
            alias = self.names.take(leaf.member.attr.strip("_") or "part")
            self._alias[target] = alias
            self._origin[alias] = self.python_path(source)
            self.run.before.append(
                plan.Line(f"{alias} = {target} = {self.refer.maker(inner.root)}()")
            )
            value = source
            if leaf.member.optional and not self.optional:
                value = f'present({source}, "{path}")'
            self.run.aliases.append(plan.Line(f"{alias} = {value}"))
            self._records(inner, inner.root, alias, self.run.before, self.run.aliases)
            self._flat(inner, alias, f"{path}.")
            return
        if self._unroll(leaf, inner):
            self._unrolled(leaf, kind, target, source, path)
            return
        codec = self.refer.codec(kind.key)
        size = self.layouts.flat_size(kind.key)
        fields = flat_fields(self.layouts, inner, self.refer)
        unpack, pack = f"_unpack_{codec}", f"_pack_{codec}"
        if leaf.shape == "rows":
            unpack = f"lambda part: _unpack_{codec}(part, {leaf.width})"
            pack = f"lambda part, width: bytes_of(_pack_{codec}, part, width)"
            chunk_like = f".[0:{leaf.width}]({fields})"
            self._chunk(leaf, "x", target, source, path, unpack, pack, size, chunk_like)
            return
        self._chunk(leaf, "x", target, source, path, unpack, pack, size, fields or "0x")


UNROLLED = 128
"""Most values of an array of objects that become values of the run itself."""


def c_name(path: str, subscripts: Sequence[str]) -> str:
    """A member's C path as a Python string, its subscripts filled in."""
    name = quote(path)
    for number, text in enumerate(subscripts):
        name = name.replace(f"[${number}]", f"[{{{text}}}]")
    return f"f{name}" if subscripts else name


def chained(found: Sequence[Found], outside: str, type_: ir.IntType) -> str:
    """A member's value: from the first place that has it, else from outside."""
    text = outside
    for one in reversed(found):
        value = f"either({one.text}, lambda: {text})" if one.optional else one.text
        text = (
            value if one.code == CODES[type_] else expressions.truncated(value, type_)
        )
    return text


def flat_fields(layouts: Layouts, layout: Layout, refer: Refer) -> str:
    """The field list of one object of a flat layout."""
    body = Body(layouts, layout, refer, Runs(""), (layout.version,), "one")
    return " ".join(body.elements().fields)


def _plain(path: str) -> str:
    """A path without blanks and parentheses, for a field list."""
    return "".join("_" if char in " ()=" else char for char in path)


def _groups(targets: list[str]) -> Iterable[list[str]]:
    """The targets in groups that fit on a line."""
    group: list[str] = []
    for target in targets:
        if group and sum(len(one) + 3 for one in group) + len(target) > 76:
            yield group
            group = []
        group.append(target)
    if group:
        yield group


def _targets(names: Sequence[str]) -> str:
    """The left side of an assignment to several names."""
    joined = ", ".join(names) + ("," if len(names) == 1 else "")
    return joined if len(joined) < 70 else f"({joined}, )"


def _checked(alias: str, value: str, length: int, path: str) -> list[plan.Statement]:
    """Name an array on save; a list of the wrong length is an error."""
    return [
        plan.Line(f"{alias} = {value}"),
        plan.If(
            f"len({alias}) != {length}", (plan.Line(_sized(alias, [length], path)),)
        ),
    ]


def _sized(value: str, lengths: Sequence[int], path: str) -> str:
    return f'sized({value}, {lengths[0]}, "{path}")'


# --- zeros ------------------------------------------------------------------------------


def default(member: Member, refer: Refer) -> str:
    """The expression of a member's zero."""
    if member.record is not None:
        cls = refer.record(member.record)
        if not member.levels:
            return f"{cls}()"
        text = f"repeated({cls}, {member.extents()[-1]})"
        lengths = member.extents()[:-1]
    else:
        text = leaf_default(member, refer)
        lengths = member.extents()
    for length in reversed(lengths):
        text = f"[{text} for _ in range({length})]"
    return text


def leaf_default(member: Member, refer: Refer) -> str:
    """The zero of a member below its list levels."""
    leaf = member.leaves[0]
    kind = leaf.kind
    length = (
        member.length()
        if leaf.shape in ("item", "items", "array")
        else leaf.start + leaf.count
    )
    if isinstance(kind, Pad):
        return "0"
    if leaf.shape == "pointers":
        return f"[None] * {0 if leaf.amount else length}"
    if isinstance(kind, Ints):
        if member.single:
            zero = "False" if kind.code == "?" else "0"
            return (
                f"[{', '.join([zero] * length)}]"
                if length <= 8
                else f"[{zero}] * {length}"
            )
        if leaf.shape == "one":
            return "False" if kind.code == "?" else "0"
        if leaf.shape == "rows":
            return (
                "[]"
                if leaf.amount or leaf.size
                else default_rows(leaf, refer, all_rows=True)
            )
        return _ints(kind.code, 0 if leaf.amount or leaf.size else length)
    if isinstance(kind, Struct):
        cls = refer.cls(kind.key)
        if leaf.shape == "one":
            return f"{cls}()"
        if leaf.shape == "rows":
            rows = leaf.start + leaf.count
            return f"[repeated({cls}, {leaf.width}) for _ in range({rows})]"
        return "[]" if leaf.amount else f"repeated({cls}, {length})"
    if isinstance(kind, Format):
        return formats.FORMATS[kind.name].default if leaf.shape == "one" else "[]"
    if isinstance(kind, Opaque):
        return "bytearray()" if leaf.shape == "one" else "[]"
    return "[]"


def _ints(code: str, length: int) -> str:
    if code == "B":
        return f"bytearray({length})" if length else "bytearray()"
    if code == "?":
        return f"[False] * {length}"
    return f'zeros("{code}", {length})'


def default_rows(leaf: Leaf, refer: Refer, *, all_rows: bool = False) -> str:
    """Zero rows: all of them, or those below the first on the wire."""
    count = leaf.start + leaf.count if all_rows else leaf.start
    if isinstance(leaf.kind, Struct):
        row = f"repeated({refer.cls(leaf.kind.key)}, {leaf.width})"
    else:
        assert isinstance(leaf.kind, Ints)
        row = _ints(leaf.kind.code, leaf.width)
    return f"[{row} for _ in range({count})]"


# --- fields without a fixed size -----------------------------------------------------------


class _Dynamic:
    """Emits one field that no run can hold."""

    def __init__(self, body: Body, leaf: Leaf) -> None:
        self.body = body
        self.leaf = leaf
        self.layouts = body.layouts
        self.refer = body.refer
        self.path = leaf.path + "".join(
            f"[{one}]" for one in leaf.levels if not leaf.path.endswith("]")
        )
        if leaf.member is not None and not isinstance(leaf.kind, Pad):
            target, source = body._place(leaf, body.root)
            levels = "".join(f"[{one}]" for one in leaf.levels)
            self.target, self.source = target + levels, source + levels
            if leaf.member.optional and not body.optional:
                self.source = f'present({self.source}, "{self.path}")'

    def load(self, text: str) -> None:
        self.body.load.append(plan.Line(text))

    def save(self, text: str) -> None:
        self.body.save.append(plan.Line(text))

    def emit(self) -> None:
        """Dispatch on what the field holds."""
        leaf, kind = self.leaf, self.leaf.kind
        if not self.target.isidentifier() and " " in self.source:
            name = self.body.names.take("values_")
            self.save(f"{name} = {self.source}")
            self.source = name
        if leaf.shape == "pointers":
            self._pointers()
        elif isinstance(kind, Ints):
            self._ints(kind)
        elif isinstance(kind, Struct):
            self._struct(kind)
        elif isinstance(kind, Listed):
            self._listed(kind)
        elif isinstance(kind, Tree):
            self._tree(kind)
        elif isinstance(kind, Format):
            self._format(kind)
        elif isinstance(kind, Opaque):
            self._opaque(kind)

    # --- counts ---------------------------------------------------------------------------

    def _count(self, amount: ir.FromMember, how: str = "count") -> None:
        """``count = ...`` on load."""
        body, leaf = self.body, self.leaf
        path = ir.path_text(amount.path)
        found = self.layouts.find(
            body.layout, body.root, path, [], leaf.number, leaf.condition
        )
        multiply = f" * {amount.multiply}" if amount.multiply != 1 else ""
        outside = (
            f"scope.{how}({quote(leaf.json)}, {quote(body.layout.type)}, {quote(path)}, {amount.multiply},"
            f' pos, "{self.path}", "{body.where(leaf)}")'
        )
        text = outside
        for one in reversed(found):
            value = one.text
            if one.optional:
                text = f"scale({value}, {amount.multiply}, lambda: {text})"
            else:
                if one.code != CODES[amount.type]:
                    value = expressions.truncated(value, amount.type)
                text = f"{value}{multiply}"
        self.load(f"count = {text}")

    def _check_count(
        self, amount: ir.FromMember, length: str, convert: str = ""
    ) -> None:
        """On save: the number of elements must be the one that the wire says."""
        body = self.body
        path = ir.path_text(amount.path)
        found = self.layouts.find(
            body.layout, body.root, path, [], None, self.leaf.condition
        )
        multiply = f" * {amount.multiply}" if amount.multiply != 1 else ""
        if found and not found[0].optional:
            value = found[0].text
            if found[0].code != CODES[amount.type]:
                value = expressions.truncated(value, amount.type)
            expected = f"{value}{multiply}"
            if convert:
                expected = f"{convert}({expected})"
            self.save(f'counted({length}, {expected}, "{self.path}")')
            return
        key = f"{path} {amount.multiply} {convert}"
        if key in body._lengths:
            self.save(f'counted({length}, {body._lengths[key]}, "{self.path}")')
        elif not body.optional:
            name = body.names.take("length")
            self.save(f"{name} = {length}")
            body._lengths[key] = name
        if not convert and not found:
            code = CODES[amount.type]
            self.save(f'fits({length}, {amount.multiply}, "{code}", "{self.path}")')

    def _limit(self) -> str:
        """How many elements the C array has room for."""
        leaf = self.leaf
        path = leaf.field.path
        if not path or path[-1].pointer or not leaf.field.array:
            return ""
        rest = path[-1].dims[len(path[-1].index) :]
        if not rest or 0 in rest:
            return ""
        room = 1
        for one in rest:
            room *= one
        return f", {room - leaf.start}"

    # --- kinds ----------------------------------------------------------------------------

    def _ints(self, kind: Ints) -> None:
        leaf = self.leaf
        suffix, size = SUFFIX[kind.code], SIZES[kind.code]
        if leaf.shape == "rows":
            self._buffers(kind)
            return
        start = f", {leaf.start}" if leaf.start else ""
        amount = leaf.amount or leaf.size
        assert amount is not None
        if leaf.size is not None:
            self._count(amount, "bits" if kind.bits else "extent")
            if kind.bits:
                self.load("count = words(count)")
        else:
            self._count(amount)
        limit = self._limit()
        self.load(f'end = extent(buf, pos, count, {size}, "{self.path}"{limit})')
        self.load(f"{self.target} = array_{suffix}(buf[pos:end]{start})")
        self.load("pos = end")
        length = f"len({self.source})" + (f" - {leaf.start}" if leaf.start else "")
        self._check_count(amount, length, "words" if kind.bits else "")
        self.save(
            f'put(packed(bytes_{suffix}, {self.source}, {leaf.start}, "{self.path}"))'
        )
        if kind.check:
            check = "equal" if kind.check == "equal" else "at_most"
            self.load(
                f"for at, value in enumerate({self.target}): scope.{check}(value,"
                f' {quote(self.body.layout.type)}, f"{self.path}[{{at}}]", pos, f"{self.path}[{{at}}]")'
            )

    def _buffers(self, kind: Ints) -> None:
        """Several buffers or bitmaps, their number or their size in a member."""
        leaf = self.leaf
        suffix, size = SUFFIX[kind.code], SIZES[kind.code]
        if leaf.size is not None:
            self._count(leaf.size, "bits" if kind.bits else "extent")
            if kind.bits:
                self.load("count = words(count)")
            self.load(
                f'width = count * {size}; extent(buf, pos, count, {size}, "{self.path}")'
            )
        else:
            self.load(f"width = {leaf.width * size}")
        if leaf.amount is not None:
            self._count(leaf.amount)
        else:
            self.load(f"count = {leaf.count}")
        self.load(f'end = extent(buf, pos, count, width, "{self.path}"{self._limit()})')
        self.load(f"{self.target} = rows_of(array_{suffix}, buf[pos:end], width)")
        self.load("pos = end")
        if leaf.amount is not None:
            self._check_count(leaf.amount, f"len({self.source})")
        else:
            self.save(f'sized({self.source}, {leaf.count}, "{self.path}")')
        row = self.body.names.take("row")
        if leaf.size is not None:
            width = self.body.names.take("width")
            self.save(f"{width} = len({self.source}[0]) if {self.source} else 0")
            self._check_count(leaf.size, width, "words" if kind.bits else "")
        else:
            width = str(leaf.width)
        self.save(
            f'for {row} in {self.source}: put(packed(bytes_{suffix}, sized({row}, {width}, "{self.path}"),'
            f' 0, "{self.path}"))'
        )

    def _window(self, key: Key, version: int) -> None:
        """A version that is known here and that the description does not take."""
        inner = self.layouts.all[key]
        if not inner.minimum <= version <= inner.version:
            self.load(
                f'window({version}, {inner.minimum}, {inner.version}, pos, "{self.path}")'
            )

    def _struct(self, kind: Struct) -> None:
        leaf = self.leaf
        inner = self.layouts.all[kind.key]
        codec = self.refer.codec(kind.key)
        self._window(kind.key, kind.version)
        outer = kind.temporary or self.layouts.wants_owner(kind.key)
        owner = f", ({self.body.root}, *owner)" if outer else ""
        flat = self.layouts.flat(kind.key, kind.version) and kind.version == kind.saved
        if inner.description is None and not flat:
            raise self._unsupported("an array of pointers to a custom info")
        if leaf.shape in ("one", "item"):
            target, source, path = self.target, self.source, self.path
            if leaf.shape == "item":
                target, source = f"{target}[{leaf.start}]", f"{source}[{leaf.start}]"
                path = f"{path}[{leaf.start}]"
            self.load(
                f"{target}, pos = embedded(_load_{codec}, buf, pos, {kind.version}, scope,"
                f' {quote(leaf.json)}, "{path}"{owner})'
            )
            self.save(
                f'embed(_save_{codec}, {source}, out, {kind.saved}, "{path}"{owner})'
            )
            return
        member = leaf.member
        assert member is not None
        cls = self.refer.cls(kind.key)
        if leaf.amount is not None:
            self._count(leaf.amount)
            limit = self._limit()
            length = f"len({self.source})" + (f" - {leaf.start}" if leaf.start else "")
            self._check_count(leaf.amount, length)
        below = f"repeated({cls}, {leaf.start}) + " if leaf.start else ""
        if leaf.amount is not None and flat:
            size = self.layouts.flat_size(kind.key)
            self.load(f'end = extent(buf, pos, count, {size}, "{self.path}"{limit})')
            self.load(f"{self.target} = {below}_unpack_{codec}(buf[pos:end], count)")
            self.load("pos = end")
            self.save(
                f'put(packed_many(_pack_{codec}, {self.source}, {leaf.start}, "{self.path}",'
                f' "{flat_fields(self.layouts, inner, self.refer)}"))'
            )
            return
        count, stop = "count", f"len({self.source})"
        target = self.target
        source = self.source
        rows = leaf.shape == "rows"
        if leaf.amount is None:
            count = str(leaf.count * (leaf.width if rows else 1))
            stop = str(leaf.start + leaf.count)
            if not member.shared:
                self.save(f'sized({source}, {stop}, "{self.path}")')
        elif limit:
            self.load(f'extent(buf, pos, count, 0, "{self.path}"{limit})')
        name = self.body.names.take("part")
        start = f", {leaf.start}" if leaf.start and not rows else ""
        least = self.layouts.least(kind.key, kind.version)
        self.load(
            f"{name}, pos = embedded_many(_load_{codec}, {count}, buf, pos, {kind.version},"
            f' scope, {quote(leaf.json)}, "{self.path}", {least}{start})'
        )
        if rows:
            cut = f"[{name}[at : at + {leaf.width}] for at in range(0, {count}, {leaf.width})]"
            above = f"{default_rows(leaf, self.refer)} + " if leaf.start else ""
            self.load(f"{target} = {above}{cut}")
            flatten = f"[one for row in {source}[{leaf.start}:] for one in sized(row, {leaf.width}, '{self.path}')]"
            self.save(
                f'embed_many(_save_{codec}, {flatten}, out, {kind.saved}, "{self.path}")'
            )
            return
        if member.shared:
            self.load(f"{target}[{leaf.start}:{leaf.start} + {count}] = {name}")
            source = f"{source}[:{stop}]"
        else:
            self.load(f"{target} = {below}{name}")
        self.save(
            f'embed_many(_save_{codec}, {source}, out, {kind.saved}, "{self.path}"{start})'
        )

    def _pointers(self) -> None:
        leaf, kind = self.leaf, self.leaf.kind
        body = self.body
        marked = "VMS_ARRAY_OF_POINTER_AUTO_ALLOC" in leaf.field.flags
        if isinstance(kind, Ints):
            loader, saver = f'scalar(">{kind.code}")', f'put_scalar(">{kind.code}")'
            version = saved = 0
        elif (
            isinstance(kind, Struct)
            and self.layouts.all[kind.key].description is not None
        ):
            self._window(kind.key, kind.version)
            codec = self.refer.codec(kind.key)
            loader, saver = f"_load_{codec}", f"_save_{codec}"
            version, saved = kind.version, kind.saved
        else:
            raise self._unsupported("an array of pointers to such elements")
        if leaf.amount is not None:
            self._count(leaf.amount)
            count = "count"
            length = f"len({self.source})" + (f" - {leaf.start}" if leaf.start else "")
            self._check_count(leaf.amount, length)
            if limit := self._limit():
                self.load(f'extent(buf, pos, count, 0, "{self.path}"{limit})')
        else:
            count = str(leaf.count)
            self.save(f'sized({self.source}, {leaf.start + leaf.count}, "{self.path}")')
        start = f", {leaf.start}" if leaf.start else ""
        below = f"[None] * {leaf.start} + " if leaf.start else ""
        name = body.names.take("part") if below else self.target
        common = f"({loader}, {count}, buf, pos, {version}, scope, {quote(leaf.json)}"
        if marked:
            self.load(f'{name}, pos = marked_pointers{common}, "{self.path}"{start})')
        else:
            self.load(
                f"{name}, pos = pointers{common}, {quote(body.layout.type)},"
                f' "{self.path}", "{body.where(leaf)}"{start})'
            )
        if below:
            self.load(f"{self.target} = {below}{name}")
        marker = f'{start or ", 0"}, b"1"' if marked else start
        self.save(
            f'put_pointers({saver}, {self.source}, out, {saved}, "{self.path}"{marker})'
        )

    def _listed(self, kind: Listed) -> None:
        self._only_one("a list")
        inner = self.layouts.all[kind.key]
        codec = self.refer.codec(kind.key)
        self._window(kind.key, kind.version)
        self.load(
            f"{self.target}, pos = listed(_load_{codec}, buf, pos, {kind.version}, scope,"
            f' "{self.path}")'
        )
        self.save(
            f'put_listed(_save_{codec}, {self.source}, out, {inner.version}, "{self.path}")'
        )

    def _tree(self, kind: Tree) -> None:
        self._only_one("a tree")
        second = self.layouts.all[kind.second]
        codec = self.refer.codec(kind.second)
        loader, saver, version = 'scalar(">Q")', 'put_scalar(">Q")', 0
        if kind.first is not None:
            key = self.refer.codec(kind.first)
            loader, saver = f"_load_{key}", f"_save_{key}"
            version = self.layouts.all[kind.first].version
            self._window(kind.first, kind.version)
        self._window(kind.second, kind.version)
        self.load(
            f"{self.target}, pos = tree({loader}, _load_{codec}, buf, pos, {kind.version},"
            f' scope, "{self.path}")'
        )
        self.save(
            f"put_tree({saver}, {version}, _save_{codec}, {self.source}, out,"
            f' {second.version}, "{self.path}")'
        )

    def _format(self, kind: Format) -> None:
        body, leaf = self.body, self.leaf
        known = formats.FORMATS[kind.name]
        owner = f"({body.root}, *owner)"
        site = f'FormatSite(scope, {quote(leaf.json)}, {owner}, "{self.path}", "{body.where(leaf)}")'
        extra = f", {quote(kind.kind)}" if known.kinds else ""
        for part in kind.parts:
            codec = self.refer.codec(part.key)
            extra += (
                f", {part.role}=FormatPart(_load_{codec}, _save_{codec},"
                f" {part.version}, {part.saved})"
            )
        if leaf.shape == "one":
            self.load(f"{self.target}, pos = read_{kind.name}(buf, pos, {site}{extra})")
            self.save(
                f'write_{kind.name}({self.source}, out, {owner}, "{self.path}"{extra})'
            )
            return
        if leaf.shape not in ("array", "dynamic") or extra or leaf.start:
            raise self._unsupported("an array of such elements")
        count = str(leaf.count)
        if leaf.amount is not None:
            self._count(leaf.amount)
            count = "count"
            self._check_count(leaf.amount, f"len({self.source})")
        else:
            self.save(f'sized({self.source}, {count}, "{self.path}")')
        self.load(
            f"{self.target}, pos = read_each(read_{kind.name}, {count}, buf, pos, {site})"
        )
        self.save(
            f"for at, value in enumerate({self.source}):"
            f' write_{kind.name}(value, out, {owner}, f"{self.path}[{{at}}]")'
        )

    def _opaque(self, kind: Opaque) -> None:
        body, leaf = self.body, self.leaf
        sizes = f'scope.sizes({quote(leaf.json)}, {quote(kind.info)}, pos, "{self.path}", "{body.where(leaf)}")'
        many = leaf.shape not in ("one", "item")
        name = "opaque" if many else "opaque_one"
        self.load(f'{self.target}, pos = {name}(buf, pos, {sizes}, "{self.path}")')
        each = self.source if many else f"[{self.source}]"
        self.save(f'put_opaque({each}, out, "{self.path}")')

    def pad(self) -> None:
        """Unused bytes whose number or presence the tables leave open."""
        body, leaf = self.body, self.leaf
        width = "1"
        if leaf.size is not None:
            self._count(leaf.size, "extent")
            self.load("width = count")
            width = "width"
        elif leaf.width != 1:
            width = str(leaf.width)
        if leaf.amount is not None:
            self._count(leaf.amount, "count")
        else:
            self.load(f"count = {leaf.count}")
        self.load(
            f'end = extent(buf, pos, count, {width}, "{self.path}"{self._limit()})'
        )
        if leaf.member is not None:
            full = f"{body.root}.{leaf.member.attr}"
            self.load(f"{full} = end - pos")
            source = body._saved.get(full, full)
            self.save(f'put(unused({source}, "{self.path}"))')
        else:
            parts = [
                self._known(one) for one in (leaf.amount, leaf.size) if one is not None
            ]
            if leaf.size is None and leaf.width != 1:
                parts.append(str(leaf.width))
            if leaf.amount is None and leaf.count != 1:
                parts.append(str(leaf.count))
            self.save(f'put(unused({" * ".join(parts)}, "{self.path}"))')
        self.load("pos = end")

    def _known(self, amount: ir.FromMember) -> str:
        body = self.body
        path = ir.path_text(amount.path)
        found = self.layouts.find(body.layout, body.root, path, [], None)
        multiply = f" * {amount.multiply}" if amount.multiply != 1 else ""
        return f"{found[0].text}{multiply}"

    def _only_one(self, what: str) -> None:
        if self.leaf.shape != "one":
            raise self._unsupported(f"an array of {what.removeprefix('a ')}s")

    def _unsupported(self, what: str) -> VmgenError:
        return VmgenError(
            Diagnostic(
                "VG510",
                f"{what} has no known wire format",
                self.leaf.field.position,
                hint="QEMU itself has no such table; check the flags of the macro",
                context=(self.body.layout.symbol, self.leaf.path),
            )
        )
