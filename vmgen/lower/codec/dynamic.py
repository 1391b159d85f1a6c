"""Fields whose size is in the state or in the stream: statements of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from vmgen import ir
from vmgen.lower.asked import asked, is_one
from vmgen.lower.codec.called import (
    AT,
    BUF,
    COUNT,
    END,
    OUT,
    OWNER,
    POS,
    PUT,
    SCOPE,
    WIDTH,
)
from vmgen.lower.codec.counts import Counts
from vmgen.lower.codec.emit import Emit
from vmgen.lower.codec.fixed import each_compared, flat_fields
from vmgen.lower.codec.frame import Frame
from vmgen.lower.codec.phrases import present, sized
from vmgen.lower.codec.run import SUFFIX
from vmgen.lower.codec.untabled import Untabled
from vmgen.lower.codec.zeros import default_rows
from vmgen.lower.shape import (
    SIZES,
    Check,
    Foreign,
    Ints,
    Key,
    Leaf,
    Listed,
    Opaque,
    Pad,
    Struct,
    Tree,
)
from vmgen.plan import code
from vmgen.source import Diagnostic, VmgenError


class Dynamic:
    """Emits one field that no run can hold."""

    def __init__(self, frame: Frame, leaf: Leaf) -> None:
        self.frame = frame
        self.leaf = leaf
        self.layouts = frame.layouts
        self.refer = frame.refer
        self.path = leaf.path + "".join(
            f"[{one}]" for one in leaf.levels if not leaf.path.endswith("]")
        )
        self._emit = Emit(frame)
        self._counts = Counts(frame, leaf, self.path)
        if leaf.member is not None and not isinstance(leaf.kind, Pad):
            self.target, self.source = frame.place(leaf, frame.root)
            if leaf.member.optional and not frame.optional:
                self.source = present(self.source, self.path)

    def _length(self) -> code.Expr:
        """How many elements are on the wire, on save."""
        length = code.builtin("len", self.source)
        if self.leaf.start:
            return code.PyBinary("-", length, code.PyConst(self.leaf.start))
        return length

    def _start(self) -> tuple[int, ...]:
        return (self.leaf.start,) if self.leaf.start else ()

    def emit(self) -> None:
        """Dispatch on what the field holds."""
        leaf, kind = self.leaf, self.leaf.kind
        if isinstance(self.source, code.PyCall):
            name = self.frame.local("values")
            self.frame.save.append(code.PyAssign((name,), self.source))
            self.source = name
        if leaf.shape == "pointers":
            self._pointers()
            return
        match kind:
            case Ints():
                self._ints(kind)
            case Struct():
                self._struct(kind)
            case Listed():
                self._listed(kind)
            case Tree():
                self._tree(kind)
            case Opaque() | Foreign():
                place = self.target, self.source, self.path
                Untabled(self.frame, self.leaf, self._counts, *place).emit(kind)
            case Pad():
                self.pad()
            case Check():
                raise AssertionError("a check has no bytes")
            case _:
                assert_never(kind)

    # --- integers ---------------------------------------------------------------------

    def _ints(self, kind: Ints) -> None:
        leaf = self.leaf
        suffix, size = SUFFIX[kind.code], SIZES[kind.code]
        if leaf.shape == "rows":
            self._buffers(kind)
            return
        amount = leaf.amount or leaf.size
        assert amount is not None
        if leaf.size is not None:
            self._counts.count(amount, "bits" if kind.bits else "extent")
            if kind.bits:
                self._counts.words()
        else:
            self._counts.count(amount)
        self._emit.set(END, self._counts.extent(size, self._counts.limit()))
        chunk = code.cut(BUF, POS, END)
        self._emit.set(self.target, code.call(f"array_{suffix}", chunk, *self._start()))
        self._emit.set(POS, END)
        self._counts.check(amount, self._length(), kind.bits)
        pack = code.runtime(f"bytes_{suffix}")
        self._emit.put(code.call("packed", pack, self.source, leaf.start, self.path))
        if kind.check:
            check = each_compared(self.frame, kind, self.target, self.path)
            self.frame.load.append(check)

    def _buffers(self, kind: Ints) -> None:
        """Several buffers or bitmaps, their number or their size in a member."""
        leaf = self.leaf
        suffix, size = SUFFIX[kind.code], SIZES[kind.code]
        if leaf.size is not None:
            self._counts.count(leaf.size, "bits" if kind.bits else "extent")
            if kind.bits:
                self._counts.words()
            self._emit.set(WIDTH, code.times(COUNT, size))
            self._emit.run(self._counts.extent(size))
        else:
            self._emit.set(WIDTH, code.PyConst(leaf.width * size))
        if leaf.amount is not None:
            self._counts.count(leaf.amount)
        else:
            self._emit.set(COUNT, code.PyConst(leaf.count))
        self._emit.set(END, self._counts.extent(WIDTH, self._counts.limit()))
        unpack = code.runtime(f"array_{suffix}")
        rows = code.call("rows_of", unpack, code.cut(BUF, POS, END), WIDTH)
        self._emit.set(self.target, rows)
        self._emit.set(POS, END)
        if leaf.amount is not None:
            self._counts.check(leaf.amount, code.builtin("len", self.source))
        else:
            self._emit.save(sized(self.source, leaf.count, self.path))
        row = self.frame.local("row")
        width: code.Expr = code.PyConst(leaf.width)
        if leaf.size is not None:
            width = self.frame.local("width")
            first = code.builtin("len", code.at(self.source, 0))
            known = code.PyChoice(self.source, first, code.PyConst(0))
            self.frame.save.append(code.PyAssign((width,), known))
            self._counts.check(leaf.size, width, kind.bits)
        pack = code.runtime(f"bytes_{suffix}")
        checked = code.call("sized", row, width, self.path)
        put = code.call(PUT, code.call("packed", pack, checked, 0, self.path))
        self.frame.save.append(code.PyFor(row, self.source, (code.PyDo(put),)))

    # --- objects ----------------------------------------------------------------------

    def _window(self, key: Key, version: int) -> None:
        """A version that is known here and that the description does not take."""
        inner = self.layouts.all[key]
        if not inner.minimum <= version <= inner.version:
            self._emit.run(
                code.call(
                    "window", version, inner.minimum, inner.version, POS, self.path
                )
            )

    def _struct(self, kind: Struct) -> None:
        leaf, member = self.leaf, self.leaf.member
        assert member is not None
        inner = self.layouts.all[kind.key]
        self._window(kind.key, kind.version)
        flat = self.layouts.flat(kind.key, kind.version) and kind.version == kind.saved
        if inner.description is None and not flat:
            raise self._unsupported("an array of pointers to a custom info")
        if leaf.shape in ("one", "item"):
            self._embedded(kind)
            return
        if leaf.amount is not None:
            self._counts.count(leaf.amount)
            self._counts.check(leaf.amount, self._length())
            if flat and self.layouts.flat_size(kind.key):
                self._counted(kind)
                return
            if limit := self._counts.limit():
                self._emit.run(self._counts.extent(0, limit))
        self._many(kind)

    def _embedded(self, kind: Struct) -> None:
        """One object."""
        leaf = self.leaf
        target, source, path = self.target, self.source, self.path
        if leaf.shape == "item":
            target, source = code.at(target, leaf.start), code.at(source, leaf.start)
            path = f"{path}[{leaf.start}]"
        outer = kind.temporary or self.layouts.wants_owner(kind.key)
        owner = {"owner": self._owners()} if outer else {}
        # The C path is nearly always the field's name on the wire.
        shown = () if path == leaf.json else (path,)
        cls = self.refer.cls(kind.key)
        load = code.call(
            "embedded", cls, BUF, POS, kind.version, self._given(kind), leaf.json,
            *shown,
        )  # fmt: skip
        self._emit.read(target, replace(load, keywords=tuple(owner.items())))
        save = code.call("embed", cls, source, OUT, kind.saved, path)
        self._emit.save(replace(save, keywords=tuple(owner.items())))

    def _given(self, kind: Struct) -> code.Expr:
        """The scope, with what this object knows of the one inside of it."""
        scope: code.Expr = SCOPE
        leaf, frame = self.leaf, self.frame
        if not is_one(leaf) or leaf.conditional:
            return scope
        prefix = f"{ir.path_text(leaf.field.path)}."
        for owner, path, outer in sorted(asked(self.layouts, kind.key, prefix)):
            for one in self.layouts.find(
                frame.layout, frame.root, outer, [], leaf.number, owners=False
            ):
                # An absent member is None, which the scope does not take.
                alone = one.condition in (None, code.there(one.value))
                if alone and not one.pointee:
                    scope = code.method(scope, "given", owner, path, one.value)
        return scope

    def _owners(self) -> code.Expr:
        """The object, then the states that own it."""
        return code.PyTuple((self.frame.root, code.PyStarred(OWNER)))

    def _counted(self, kind: Struct) -> None:
        """Objects of one fixed size, their number in a member."""
        leaf = self.leaf
        unpack = self.refer.function("unpack", kind.key)
        pack = self.refer.function("pack", kind.key)
        size = self.layouts.flat_size(kind.key)
        self._emit.set(END, self._counts.extent(size, self._counts.limit()))
        self._emit.set(
            self.target,
            self._above(code.call(unpack, code.cut(BUF, POS, END)), kind.key),
        )
        self._emit.set(POS, END)
        fields = flat_fields(self.layouts, self.layouts.all[kind.key], self.refer)
        self._emit.put(
            code.call("packed_many", pack, self.source, leaf.start, self.path, fields)
        )

    def _above(self, value: code.Expr, key: Key) -> code.Expr:
        """The elements on the wire behind those that are not."""
        if not self.leaf.start:
            return value
        below = code.call("repeated", self.refer.cls(key), self.leaf.start)
        return code.PyBinary("+", below, value)

    def _many(self, kind: Struct) -> None:
        """Objects one by one."""
        leaf, frame = self.leaf, self.frame
        assert leaf.member is not None
        rows = leaf.shape == "rows"
        count: code.Expr = COUNT
        stop: code.Expr = code.builtin("len", self.source)
        if leaf.amount is None:
            count = code.PyConst(leaf.count * (leaf.width if rows else 1))
            stop = code.PyConst(leaf.start + leaf.count)
            if not leaf.member.shared:
                self._emit.save(sized(self.source, leaf.start + leaf.count, self.path))
        cls = self.refer.cls(kind.key)
        part = frame.local("part")
        least = self.layouts.least(kind.key, kind.version)
        start = () if rows else self._start()
        self._emit.read(
            part,
            code.call(
                "embedded_many", cls, count, BUF, POS, kind.version, SCOPE, leaf.json,
                self.path, least, *start,
            ),
        )  # fmt: skip
        source = self.source
        if rows:
            numbers = code.builtin("range", 0, count, leaf.width)
            end = code.PyBinary("+", AT, code.PyConst(leaf.width))
            value: code.Expr = code.PyEach(code.cut(part, AT, end), (("at", numbers),))
            if leaf.start:
                value = code.PyBinary("+", default_rows(leaf, self.refer), value)
            self._emit.set(self.target, value)
            row = sized(code.PyName("row"), leaf.width, self.path)
            below = code.cut(source, leaf.start, None)
            source = code.PyEach(code.PyName("one"), (("row", below), ("one", row)))
        elif leaf.member.shared:
            last: code.Expr = code.PyBinary("+", code.PyConst(leaf.start), count)
            if isinstance(count, code.PyConst):
                last = code.PyConst(leaf.start + leaf.count)
            self._emit.set(code.cut(self.target, leaf.start, last), part)
            source = code.cut(source, None, stop)
        else:
            self._emit.set(self.target, self._above(part, kind.key))
            for name in self.layouts.decided_outside(kind.key):
                self._emit.save(code.call("alike", source, name, self.path))
        self._emit.save(
            code.call("embed_many", cls, source, OUT, kind.saved, self.path, *start)
        )

    def _pointers(self) -> None:
        leaf, kind, frame = self.leaf, self.leaf.kind, self.frame
        marked = leaf.field.pointers == "every"
        loader: code.Expr
        saver: code.Expr
        if isinstance(kind, Ints):
            loader = code.call("scalar", f">{kind.code}")
            saver = code.call("put_scalar", f">{kind.code}")
            version = saved = 0
        elif (
            isinstance(kind, Struct)
            and self.layouts.all[kind.key].description is not None
        ):
            self._window(kind.key, kind.version)
            loader, saver = self._functions(kind.key)
            version, saved = kind.version, kind.saved
        else:
            raise self._unsupported("an array of pointers to such elements")
        count: code.Expr = code.PyConst(leaf.count)
        if leaf.amount is not None:
            self._counts.count(leaf.amount)
            count = COUNT
            self._counts.check(leaf.amount, self._length())
            if limit := self._counts.limit():
                self._emit.run(self._counts.extent(0, limit))
        else:
            self._emit.save(sized(self.source, leaf.start + leaf.count, self.path))
        start = self._start()
        common = (loader, count, BUF, POS, version, SCOPE, leaf.json)
        if marked:
            value = code.call("marked_pointers", *common, self.path, *start)
        else:
            owner, where = frame.layout.type, frame.where(leaf)
            value = code.call("pointers", *common, owner, self.path, where, *start)
        if leaf.start:
            part = frame.local("part")
            self._emit.read(part, value)
            nothing = code.PyBinary(
                "*", code.PyList((code.NONE,)), code.PyConst(leaf.start)
            )
            self._emit.set(self.target, code.PyBinary("+", nothing, part))
        else:
            self._emit.read(self.target, value)
        marker = (leaf.start, code.PyConst(b"1")) if marked else start
        self._emit.save(
            code.call(
                "put_pointers", saver, self.source, OUT, saved, self.path, *marker
            )
        )

    def _functions(self, key: Key) -> tuple[code.Expr, code.Expr]:
        """What loads and saves the states of a layout, as plain values could be too."""
        cls = self.refer.cls(key)
        return code.call("loader", cls), code.call("saver", cls)

    # --- lists and trees --------------------------------------------------------------

    def _listed(self, kind: Listed) -> None:
        self._only_one("a list")
        if kind.sentinel:
            self._until(kind)
            return
        inner = self.layouts.all[kind.key]
        loader, saver = self._functions(kind.key)
        self._window(kind.key, kind.version)
        self._emit.read(
            self.target,
            code.call("listed", loader, BUF, POS, kind.version, SCOPE, self.path),
        )
        self._emit.save(
            code.call("put_listed", saver, self.source, OUT, inner.version, self.path)
        )

    def _until(self, kind: Listed) -> None:
        """A list that ends where the first word of an element is not positive."""
        inner = self.layouts.all[kind.key]
        first = inner.leaves[0] if inner.leaves else None
        if (
            first is None
            or not isinstance(first.kind, Ints)
            or first.shape != "one"
            or first.conditional
            or first.parents
            or first.member is None
        ):
            raise self._unsupported("a list without a word that ends it")
        loader, saver = self._functions(kind.key)
        word = f">{first.kind.code}"
        self._emit.read(
            self.target,
            code.call("until", loader, word, BUF, POS, kind.version, SCOPE, self.path),
        )  # fmt: skip
        self._emit.save(
            code.call(
                "put_until", saver, word, first.member.attr, self.source, OUT,
                inner.version, self.path,
            )
        )  # fmt: skip

    def _tree(self, kind: Tree) -> None:
        self._only_one("a tree")
        loader: code.Expr = code.call("scalar", ">Q")
        saver: code.Expr = code.call("put_scalar", ">Q")
        version = 0
        if kind.first is not None:
            loader, saver = self._functions(kind.first)
            version = self.layouts.all[kind.first].version
            self._window(kind.first, kind.version)
        self._window(kind.second, kind.version)
        second, value = self._functions(kind.second)
        self._emit.read(
            self.target,
            code.call("tree", loader, second, BUF, POS, kind.version, SCOPE, self.path),
        )  # fmt: skip
        last = self.layouts.all[kind.second].version
        self._emit.save(
            code.call("put_tree", saver, version, value, self.source, OUT, last, self.path)
        )  # fmt: skip

    # --- padding ------------------------------------------------------------------------

    def pad(self) -> None:
        """Unused bytes whose number or presence the tables leave open."""
        frame, leaf = self.frame, self.leaf
        width: code.Expr = code.PyConst(leaf.width)
        if leaf.size is not None:
            self._counts.count(leaf.size, "extent")
            self._emit.set(WIDTH, COUNT)
            width = WIDTH
        if leaf.amount is not None:
            self._counts.count(leaf.amount)
        else:
            self._emit.set(COUNT, code.PyConst(leaf.count))
        self._emit.set(END, self._counts.extent(width, self._counts.limit()))
        if leaf.member is not None:
            full = code.PyAttr(frame.root, leaf.member.attr)
            self._emit.set(full, code.PyBinary("-", END, POS))
            source = frame.saved.get(full, full)
            self._emit.put(code.call("unused", source, self.path))
        else:
            number: code.Expr | None = None
            for one in (leaf.amount, leaf.size):
                if one is not None:
                    known = self._counts.known(one)
                    number = known if number is None else code.PyBinary("*", number, known)  # fmt: skip
            assert number is not None
            if leaf.size is None:
                number = code.times(number, leaf.width)
            if leaf.amount is None:
                number = code.times(number, leaf.count)
            self._emit.put(code.call("unused", number, self.path))
        self._emit.set(POS, END)

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
                context=(self.frame.layout.symbol, self.leaf.path),
            )
        )
