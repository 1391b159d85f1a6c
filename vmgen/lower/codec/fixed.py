"""Fields of a fixed size: they join the run."""

from __future__ import annotations

from collections.abc import Collection

from vmgen.lower.codec.frame import Frame
from vmgen.lower.codec.phrases import checked, present, sized, unblanked
from vmgen.lower.codec.records import UNROLLED, Records, named
from vmgen.lower.codec.refer import Refer
from vmgen.lower.codec.run import SUFFIX, FixedRun, Runs
from vmgen.lower.codec.zeros import default_rows, leaf_default, number
from vmgen.lower.program import CodecLayouts
from vmgen.lower.shape import SIZES, CodecLayout, Ints, Leaf, Pad, Struct
from vmgen.plan import code


class FixedFields:
    """Adds fields whose size the tables alone tell to the run of a frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        # Arrays that the table names element by element: on load and on save, what they
        # are called, or the names of their elements.
        self._gathered: dict[code.Expr, code.PyName] = {}
        self._elements: dict[code.Expr, tuple[code.PyName, ...]] = {}

    def elements(self) -> FixedRun:
        """Emit a flat layout as one run, for the codec of many objects."""
        frame = self._frame
        self._inner(frame.layout, frame.root, "")
        return frame.run

    def _inner(self, layout: CodecLayout, root: code.PyName, prefix: str) -> None:
        """Every field of a flat layout."""
        frame = self._frame
        Records(frame, layout, frame.run.before, frame.run.aliases).make(root)
        for leaf in layout.leaves:
            if frame.layouts.exists(layout, leaf, (layout.version,)):
                self.add(layout, leaf, root, prefix)

    def add(
        self, layout: CodecLayout, leaf: Leaf, root: code.PyName, prefix: str
    ) -> None:
        """Add a field to the run; ``prefix`` is the C path of the object."""
        run = self._frame.run
        if isinstance(leaf.kind, Pad):
            size = leaf.count * leaf.width
            if size:
                run.format.append(f"{size}x")
                run.fields.append(f"{size}x")
                run.size += size
            return
        target, source = self._frame.place(leaf, root)
        path = prefix + leaf.path
        if leaf.shape == "item":
            target, source = code.at(target, leaf.start), code.at(source, leaf.start)
            path = f"{path}[{leaf.start}]"
        if isinstance(leaf.kind, Struct):
            self._struct(leaf, leaf.kind, target, source, path)
            return
        assert isinstance(leaf.kind, Ints)
        if leaf.shape == "items":
            self._items(layout, leaf, leaf.kind, target, source, path)
        elif leaf.shape in ("one", "item"):
            self._value(leaf, leaf.kind, target, source, path)
        else:
            self._array(leaf, leaf.kind, target, source, path)

    # --- integers ---------------------------------------------------------------------

    def _value(
        self, leaf: Leaf, kind: Ints, target: code.Expr, source: code.Expr, path: str
    ) -> None:
        assert leaf.member is not None
        run = self._frame.run
        run.format.append(kind.code)
        run.note(kind.code, self._token(path, source))
        run.targets.append(target)
        run.size += SIZES[kind.code]
        # None packs as a false bool; any other code refuses it.
        if kind.code == "?":
            run.values.append(self._present(leaf, source, path))
        else:
            run.values.append(source)
        if kind.check:
            run.after.append(compared(self._frame, kind, target, path))
        if kind.check == "le":
            run.aliases.append(code.PyDo(code.call("positive", source, path)))

    def _items(
        self,
        layout: CodecLayout,
        leaf: Leaf,
        kind: Ints,
        target: code.Expr,
        source: code.Expr,
        path: str,
    ) -> None:
        """An array that the table names element by element, in one run or in several."""
        assert leaf.member is not None
        frame, run = self._frame, self._frame.run
        if source not in self._gathered and source not in self._elements:
            parts = [
                one
                for one in leaf.member.at(leaf)
                if frame.layouts.exists(layout, one, frame.versions_of(layout))
            ]
            length = max(one.start + one.count for one in parts or [leaf])
            value = self._present(leaf, source, path)
            if leaf.member.listed:
                there = {at for one in parts or [leaf] for at in one.indices}
                names = tuple(self._element(leaf, at, there) for at in range(length))
                run.aliases.append(code.PyAssign((code.PyTuple(names),), value))
                self._elements[source] = names
                run.lists[target] = [number(kind.code)] * length
            else:
                name = self._gathered[source] = frame.local(leaf.member.attr)
                zero = frame.refer.zeros(kind.code, length)
                run.before.append(code.PyAssign((name, target), zero))
                run.aliases += checked(name, value, length, path)
        for index in leaf.indices:
            run.format.append(kind.code)
            token = self._token(f"{path}[{index}]", code.at(source, index))
            run.note(kind.code, token)
            run.size += SIZES[kind.code]
            if source in self._elements:
                name = self._elements[source][index]
                run.values.append(name)
                run.targets.append(run.element(target, index, name))
            else:
                element = code.at(self._gathered[source], index)
                run.values.append(element)
                run.targets.append(element)

    def _element(self, leaf: Leaf, at: int, there: Collection[int]) -> code.PyName:
        """What save calls an element of an array; those not on the wire have no name."""
        assert leaf.member is not None
        if at not in there:
            return code.PyName("_")
        return self._frame.local(f"{leaf.member.attr.strip('_') or 'part'}_{at}")

    def _array(
        self, leaf: Leaf, kind: Ints, target: code.Expr, source: code.Expr, path: str
    ) -> None:
        """An array of integers, or rows of them: one chunk of bytes."""
        assert leaf.member is not None
        suffix, size = SUFFIX[kind.code], SIZES[kind.code]
        unpack, pack = code.runtime(f"array_{suffix}"), code.runtime(f"bytes_{suffix}")
        if leaf.shape == "rows":
            self._rows(leaf, unpack, pack, size, target, source, path, "")
        else:
            chunk = self._chunk(leaf, size * leaf.count)
            self._note(leaf, kind.code, source, path, "")
            start = (leaf.start,) if leaf.start else ()
            if self._is_part(leaf):
                stop = leaf.start + leaf.count
                load = code.call(unpack, chunk)
                part = code.cut(source, leaf.start, stop)
                save = code.call(pack, part, leaf.count)
            else:
                stop = leaf.start + leaf.count
                load = code.call(unpack, chunk, *start)
                value = self._present(leaf, source, path)
                save = code.call(pack, value, stop, *start)
            self._moved(leaf, target, load, save)
        if kind.check:
            self._frame.run.after.append(each_compared(self._frame, kind, target, path))

    # --- objects ----------------------------------------------------------------------

    def _struct(
        self, leaf: Leaf, kind: Struct, target: code.Expr, source: code.Expr, path: str
    ) -> None:
        assert leaf.member is not None
        frame = self._frame
        inner = frame.layouts.all[kind.key]
        if leaf.shape in ("one", "item"):
            alias = frame.local(leaf.member.attr)
            frame.alias_of[target] = alias
            frame.stands_for(alias, frame.path_of(source))
            made = code.PyCall(frame.refer.maker(inner.root))
            frame.run.before.append(code.PyAssign((alias, target), made))
            value = self._present(leaf, source, path)
            frame.run.aliases.append(code.PyAssign((alias,), value))
            self._inner(inner, alias, f"{path}.")
            return
        if self._unrolls(leaf, inner):
            self._unrolled(leaf, inner, target, source, path)
            return
        size = frame.layouts.flat_size(kind.key)
        if not size:
            value = self._present(leaf, source, path)
            frame.run.aliases.append(
                code.PyDo(sized(value, leaf.start + leaf.count, path))
            )
            if not leaf.member.shared:
                zero = leaf_default(leaf.member, frame.refer)
                frame.run.after.append(code.PyAssign((target,), zero))
            return
        group = flat_fields(frame.layouts, inner, frame.refer)
        unpack = frame.refer.function("unpack", kind.key)
        pack = frame.refer.function("pack", kind.key)
        if leaf.shape == "rows":
            part, width = code.PyName("part"), code.PyName("width")
            row = code.PyLambda(
                ("part", "width"), code.call("bytes_of", pack, part, width)
            )
            inside = f".[0:{leaf.width}]({group})"
            self._rows(leaf, unpack, row, size, target, source, path, inside)
            return
        chunk = self._chunk(leaf, size * leaf.count)
        self._note(leaf, "", source, path, group)
        load: code.Expr = code.call(unpack, chunk)
        if self._is_part(leaf):
            own = code.cut(source, leaf.start, leaf.start + leaf.count)
            self._moved(leaf, target, load, code.call(pack, own))
            return
        if leaf.start:
            below = code.call("repeated", frame.refer.cls(kind.key), leaf.start)
            load = code.PyBinary("+", below, load)
        start = (leaf.start,) if leaf.start else ()
        value = self._present(leaf, source, path)
        stop = leaf.start + leaf.count
        self._moved(leaf, target, load, code.call("bytes_of", pack, value, stop, *start))  # fmt: skip

    def _unrolls(self, leaf: Leaf, inner: CodecLayout) -> bool:
        """Whether an array of objects is small and plain enough to be part of the run."""
        assert leaf.member is not None
        return (
            leaf.shape == "array"
            and not leaf.start
            and not leaf.member.shared
            and self._frame.root == code.PyName("self")
            and leaf.count > 0
            and leaf.count * self._values(inner) <= UNROLLED
        )

    def _values(self, layout: CodecLayout) -> int:
        """How many values an object of a flat layout is; too many if it has arrays."""
        total = 0
        layouts = self._frame.layouts
        for leaf in layout.leaves:
            if isinstance(leaf.kind, Pad) or not layouts.exists(
                layout, leaf, (layout.version,)
            ):
                continue
            if leaf.shape not in ("one", "item", "items"):
                return UNROLLED + 1
            inner = leaf.kind
            total += (
                self._values(layouts.all[inner.key])
                if isinstance(inner, Struct)
                else len(leaf.indices) or 1
            )
        return total or UNROLLED + 1

    def _unrolled(
        self,
        leaf: Leaf,
        inner: CodecLayout,
        target: code.Expr,
        source: code.Expr,
        path: str,
    ) -> None:
        """An array of objects, every value of it a value of the run."""
        assert leaf.member is not None
        frame, run = self._frame, self._frame.run
        aliases = named(frame, leaf.member.attr, leaf.count, source)
        made = code.PyList((code.PyCall(frame.refer.maker(inner.root)),) * leaf.count)
        run.before.append(code.PyAssign((aliases, target), made))
        value = self._present(leaf, source, path)
        run.aliases.append(code.PyAssign((aliases,), value))
        fields, type_ = list(run.fields), run.type
        for at, alias in enumerate(aliases.items):
            assert isinstance(alias, code.PyName)
            self._inner(inner, alias, f"{path}[{at}].")
        run.fields, run.type = fields, type_
        group = flat_fields(frame.layouts, inner, frame.refer)
        python = frame.path_of(source)
        name = "" if python == path else f"={python}"
        run.fields.append(f"{unblanked(path)}[0:{leaf.count}]{name}({group})")

    # --- chunks: arrays as bytes of the run -------------------------------------------

    def _rows(
        self,
        leaf: Leaf,
        unpack: code.Expr,
        pack: code.Expr,
        size: int,
        target: code.Expr,
        source: code.Expr,
        path: str,
        inside: str,
    ) -> None:
        """An array of arrays; ``size`` is that of an element of a row."""
        assert leaf.member is not None
        width = size * leaf.width
        chunk = self._chunk(leaf, width * leaf.count)
        if not inside:
            # Rows are distinguished only as a whole in messages.
            assert isinstance(leaf.kind, Ints)
            inside = f"{leaf.kind.code}: .[0:{leaf.width}]"
        self._note(leaf, "", source, path, inside)
        load: code.Expr = code.call("rows_of", unpack, chunk, width)
        part = source
        if self._is_part(leaf) or leaf.start:
            part = code.cut(source, leaf.start, leaf.start + leaf.count)
        if leaf.start and not leaf.member.shared:
            load = code.PyBinary("+", default_rows(leaf, self._frame.refer), load)
        save = code.call("row_bytes", pack, part, leaf.count, leaf.width)
        self._moved(leaf, target, load, save)

    def _chunk(self, leaf: Leaf, size: int) -> code.PyName:
        """The bytes of an array, as a value of the run."""
        assert leaf.member is not None
        run = self._frame.run
        run.format.append(f"{size}s")
        run.size += size
        chunk = self._frame.chunk(leaf.member.attr)
        run.targets.append(chunk)
        return chunk

    def _note(
        self, leaf: Leaf, type_: str, source: code.Expr, path: str, group: str
    ) -> None:
        """What messages say of an array; ``group`` are the fields of an element."""
        assert leaf.member is not None
        stop = leaf.start + leaf.count
        whole = f"|{leaf.member.length()}" if self._is_part(leaf) else ""
        python = self._frame.path_of(source)
        name = "" if python == path else f"={python}"
        inside = f"({group})" if group else ""
        text = f"{unblanked(path)}[{leaf.start}:{stop}{whole}]{name}{inside}"
        self._frame.run.note(type_, text)

    def _moved(
        self, leaf: Leaf, target: code.Expr, load: code.Expr, save: code.Expr
    ) -> None:
        """An array is made of its bytes, and its bytes of the array."""
        if self._is_part(leaf):
            target = code.cut(target, leaf.start, leaf.start + leaf.count)
        self._frame.run.after.append(code.PyAssign((target,), load))
        self._frame.run.values.append(save)

    def _is_part(self, leaf: Leaf) -> bool:
        """Whether an array is a part of its attribute."""
        assert leaf.member is not None
        return leaf.member.shared and (
            leaf.start != 0 or leaf.count != leaf.member.length()
        )

    def _present(self, leaf: Leaf, source: code.Expr, path: str) -> code.Expr:
        """The value of a member; it must be there, where its condition alone does not
        report it."""
        assert leaf.member is not None
        if leaf.member.optional and not self._frame.optional:
            return present(source, path)
        return source

    def _token(self, path: str, source: code.Expr) -> str:
        """What messages say of a value: its C path, and the Python one where it differs."""
        python = self._frame.path_of(source)
        return path if path == python else f"{unblanked(path)}={python}"


def compared(
    frame: Frame,
    kind: Ints,
    value: code.Expr,
    path: str,
    named: code.Expr | None = None,
) -> code.Statement:
    """A value that must be the destination's, or at most that."""
    name = "equal" if kind.check == "equal" else "at_most"
    shown = code.PyConst(path) if named is None else named
    owner, pos = frame.layout.type, code.PyName("pos")
    return code.PyDo(
        code.method(code.PyName("scope"), name, value, owner, shown, pos, shown)
    )


def each_compared(
    frame: Frame, kind: Ints, values: code.Expr, path: str
) -> code.Statement:
    """The same of every element of an array."""
    at, value = code.PyName("at"), code.PyName("value")
    shown = code.PyFormat((f"{path}[", at, "]"))
    return code.PyFor(
        code.PyTuple((at, value)),
        code.builtin("enumerate", values),
        (compared(frame, kind, value, path, shown),),
    )


def flat_fields(layouts: CodecLayouts, layout: CodecLayout, refer: Refer) -> str:
    """The field list of one object of a flat layout."""
    frame = Frame(layouts, layout, refer, Runs(""), (layout.version,), "one")
    return " ".join(FixedFields(frame).elements().fields)
