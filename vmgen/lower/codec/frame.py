"""The frame of one function pair: its statements, its names, and its records."""

from __future__ import annotations

from collections.abc import Sequence

from vmgen import ir, plan
from vmgen.lower import expressions
from vmgen.lower.codec.phrases import c_name, chained, checked, groups, sized, targets
from vmgen.lower.codec.refer import Refer
from vmgen.lower.codec.run import FixedRun, Runs
from vmgen.lower.codec.zeros import default
from vmgen.lower.names import LOCALS, RESERVED, Names, plain, quote
from vmgen.lower.program import Found, Layouts
from vmgen.lower.shape import Layout, Leaf, Member, Record

UNROLLED = 128
"""Most values of an array of objects that become values of the run itself."""


class Frame:
    """What the fields of a function have in common, for the given versions."""

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
        self.run = FixedRun()
        self.optional = False
        self.root = root
        self.alias_of: dict[str, str] = {}
        # What save calls an attribute, where it differs.
        self.saved: dict[str, str] = {}
        self.origin_of: dict[str, str] = {root: ""}
        self.sized_paths: set[str] = set()
        self.lengths: dict[str, str] = {}
        self.gathered: dict[str, dict[int, str]] = {}

    def flush(self) -> None:
        """End the current run."""
        run, self.run = self.run, FixedRun()
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

    def make_records(
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
                alias = self.name_of(full, member.attr)
                if member.levels:
                    made = default(member, self.refer)
                    if self._filled(layout, member):
                        make = self.refer.maker(member.record)
                        made = f"repeated({make}, {member.extents()[-1]})"
                    load.append(plan.Line(f"{alias} = {full} = {made}"))
                    text = self.python_path(full)
                    save.append(
                        plan.Line(f"{alias} = {sized(full, member.extents(), text)}")
                    )
                else:
                    load.append(
                        plan.Line(
                            f"{alias} = {full} = {self.refer.maker(member.record)}()"
                        )
                    )
                    save.append(plan.Line(f"{alias} = {full}"))
                    self.make_records(layout, member.record, alias, load, save)
            elif member.shared and not self.undecided(layout, member.leaves):
                alias = self.name_of(full, member.attr)
                load.append(
                    plan.Line(f"{alias} = {full} = {default(member, self.refer)}")
                )
                save += self._share(member, full, alias)

        if record is layout.root:
            absent = [f"{expr}.{attr}" for attr, _ in layout.subsections]
            for leaf in layout.leaves:
                if leaf.member is not None and self.undecided(
                    layout, leaf.member.at(leaf)
                ):
                    absent.append(self.attribute(leaf, expr))
            for group in groups(list(dict.fromkeys(absent))):
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
            self.alias_of[f"{full}[{at}]"] = alias
            self.origin_of[alias] = f"{path}[{at}]"
            aliases.append(alias)
        make = self.refer.maker(list_.record)
        made = ", ".join([f"{make}()"] * count)
        load.append(plan.Line(f"{targets(aliases)} = {full} = [{made}]"))
        value = sized(full, (count,), path)
        save.append(plan.Line(f"{targets(aliases)} = {value}"))

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
                and self.layouts.exists(layout, leaf, self.versions_of(layout))
            }
            if there != places:
                return False
        return True

    def undecided(self, layout: Layout, leaves: Sequence[Leaf]) -> bool:
        """Whether an attribute may be absent, as far as the versions tell."""
        return bool(leaves) and not any(
            self.layouts.exists(layout, leaf, self.versions_of(layout)) is True
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
            made += checked(alias, value, lengths[0], path)
        else:
            made.append(plan.Line(f"{alias} = {sized(value, lengths[:1], path)}"))
            if leaf.shape in ("item", "array", "rows") and len(lengths) == 2:
                made += [
                    plan.Line(sized(f"{alias}[{at}]", lengths[1:], f"{path}[{at}]"))
                    for at in sorted({one.levels[0] for one in member.leaves})
                ]
        return made

    def versions_of(self, layout: Layout) -> Sequence[int]:
        """The versions that the function loads a layout at."""
        return self.versions if layout is self.layout else (layout.version,)

    def name_of(self, full: str, wanted: str) -> str:
        """A local name for an attribute, to be used from here on."""
        alias = self.names.take(wanted.strip("_") or "part")
        self.alias_of[full] = alias
        self.origin_of[alias] = self.python_path(full)
        return alias

    def python_path(self, expr: str) -> str:
        """The path of an expression from the function's object."""
        head, dot, rest = expr.partition(".")
        bare, bracket, index = head.partition("[")
        origin = self.origin_of.get(bare, bare) + bracket + index
        return f"{origin}{dot}{rest}" if origin else rest

    def attribute(self, leaf: Leaf, root: str) -> str:
        """The attribute of a leaf, by way of its records' names."""
        assert leaf.member is not None
        expr = root
        for member, index in leaf.parents:
            full = f"{expr}.{member.attr}"
            levels = "".join(f"[{one}]" for one in index)
            own = self.alias_of.get(full + levels)
            expr = own or self.alias_of.get(full, full) + levels
        return f"{expr}.{leaf.member.attr}"

    def place(self, leaf: Leaf, root: str) -> tuple[str, str]:
        """The attribute of a leaf on load and on save, before its indices."""
        assert leaf.member is not None
        full = self.attribute(leaf, root)
        known = self.alias_of.get(full, full)
        if (
            leaf.member.shared
            and known == full
            and leaf.shape in ("item", "array", "rows")
        ):
            length = (leaf.member.length(),) if not leaf.levels else ()
            if length and full not in self.sized_paths:
                self.sized_paths.add(full)
                path = self.python_path(full)
                self.run.aliases.append(plan.Line(sized(full, length, path)))
        return known, self.saved.get(full, known)

    # --- conditions -----------------------------------------------------------------------

    # --- values --------------------------------------------------------------------------

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
