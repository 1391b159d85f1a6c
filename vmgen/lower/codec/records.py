"""Records: the objects inside of an object, and what several fields share."""

from __future__ import annotations

from vmgen.lower.codec.frame import Frame
from vmgen.lower.codec.phrases import checked, in_groups, present, sized
from vmgen.lower.codec.zeros import default
from vmgen.lower.expressions import VERSION
from vmgen.lower.names import INNER
from vmgen.lower.shape import CodecLayout, Ints, Leaf, RecordMember, StateRecord
from vmgen.plan import code

UNROLLED = 128
"""Most values of an array of objects that become values of the run itself: beyond it
``iter_unpack`` in a loop is as fast as names, and the text would follow the array."""


class Records:
    """Makes the records of one layout, with statements for load and for save."""

    def __init__(
        self,
        frame: Frame,
        layout: CodecLayout,
        load: list[code.Statement],
        save: list[code.Statement],
    ) -> None:
        self._frame = frame
        self._layout = layout
        self._load = load
        self._save = save

    def make(self, root: code.PyName) -> None:
        """Make the records below the layout's own object, name them, and make what
        several fields share."""
        frame, layout = self._frame, self._layout
        if layout.version_attr:
            own = layout is frame.layout and root == code.PyName("self")
            version = VERSION if own else code.PyConst(layout.version)
            self._assign(code.PyAttr(root, layout.version_attr), version)
        self._below(layout.root, root)
        if layout.subsections:
            self._assign(code.PyAttr(root, INNER), code.NONE)
        absent: list[code.Expr] = []
        for leaf in layout.leaves:
            if leaf.member is not None and frame.undecided(
                layout, leaf.member.at(leaf)
            ):
                absent.append(frame.attribute(leaf, root))
        self._load += in_groups(dict.fromkeys(absent), code.NONE)

    def _assign(self, target: code.Expr, value: code.Expr) -> None:
        self._load.append(code.PyAssign((target,), value))

    def _below(self, record: StateRecord, expr: code.Expr) -> None:
        frame = self._frame
        for member in record.members:
            full = code.PyAttr(expr, member.attr)
            if member.record is not None:
                self._record(member, member.record, full)
            elif member.shared and not frame.undecided(self._layout, member.leaves):
                alias = frame.name(full, member.attr)
                zero = self._zero(member)
                self._load.append(code.PyAssign((alias, full), zero))
                self._share(member, full, alias)

    def _zero(self, member: RecordMember) -> code.Expr:
        """What a member is that several fields fill."""
        leaf = member.leaves[0]
        if (
            isinstance(leaf.kind, Ints)
            and not member.levels
            and leaf.shape in ("item", "items", "array")
            and not (leaf.amount or leaf.size)
        ):
            return self._frame.refer.zeros(leaf.kind.code, member.length())
        return default(member, self._frame.refer)

    def _record(
        self, member: RecordMember, record: StateRecord, full: code.Expr
    ) -> None:
        frame = self._frame
        maker = frame.refer.maker(record)
        filled = bool(member.levels) and self._filled(member)
        if filled and member.extents()[0] <= UNROLLED:
            count = member.extents()[0]
            value = sized(full, count, frame.path_of(full))
            aliases = named(frame, member.attr, count, full)
            objects = code.PyList((code.PyCall(maker),) * count)
            self._load.append(code.PyAssign((aliases, full), objects))
            self._save.append(code.PyAssign((aliases,), value))
            return
        alias = frame.name(full, member.attr)
        if not member.levels:
            self._load.append(code.PyAssign((alias, full), code.PyCall(maker)))
            self._save.append(code.PyAssign((alias,), full))
            self._below(record, alias)
            return
        made = default(member, frame.refer)
        if filled:
            made = code.call("repeated", maker, member.extents()[-1])
        self._load.append(code.PyAssign((alias, full), made))
        value = sized(full, member.extents()[0], frame.path_of(full))
        self._save.append(code.PyAssign((alias,), value))

    def _filled(self, list_: RecordMember) -> bool:
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
                and self._exists(leaf)
            }
            if there != places:
                return False
        return True

    def _exists(self, leaf: Leaf) -> bool | None:
        versions = self._frame.versions_of(self._layout)
        return self._frame.layouts.exists(self._layout, leaf, versions)

    def _share(self, member: RecordMember, full: code.Expr, alias: code.PyName) -> None:
        """Name an attribute of several parts on save, and check its lengths."""
        leaf = member.leaves[0]
        lengths = member.extents()
        path = self._frame.path_of(full)
        value = present(full, path) if member.optional else full
        whole = leaf.shape in ("item", "array", "rows")
        if whole:
            lengths = (*lengths, member.length())
        if len(lengths) == 1:
            self._save += checked(alias, value, lengths[0], path)
            return
        self._save.append(code.PyAssign((alias,), sized(value, lengths[0], path)))
        if whole and len(lengths) == 2:
            self._save += [
                code.PyDo(sized(code.at(alias, at), lengths[1], f"{path}[{at}]"))
                for at in sorted({one.levels[0] for one in member.leaves})
            ]


def named(frame: Frame, attr: str, count: int, full: code.Expr) -> code.PyTuple:
    """A name for every object of a list."""
    path = frame.path_of(full)
    aliases = []
    for at in range(count):
        alias = frame.local(f"{attr.strip('_') or 'part'}_{at}")
        frame.alias_of[code.at(full, at)] = alias
        frame.stands_for(alias, f"{path}[{at}]")
        aliases.append(alias)
    return code.PyTuple(tuple(aliases))
