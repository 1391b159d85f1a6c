"""Fields whose size is in the state or in the stream: statements of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, assert_never

from vmgen import ir
from vmgen.lower import expressions
from vmgen.lower.asked import asked, is_one
from vmgen.lower.codec.fixed import each_compared, flat_fields
from vmgen.lower.codec.frame import Frame
from vmgen.lower.codec.phrases import present, sized
from vmgen.lower.codec.run import SUFFIX
from vmgen.lower.codec.zeros import default_rows
from vmgen.lower.program import MemberValue
from vmgen.lower.shape import (
    CODES,
    SIZES,
    Check,
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

_BUF, _POS, _END = code.PyName("buf"), code.PyName("pos"), code.PyName("end")
_COUNT, _WIDTH, _VALUE = (
    code.PyName("count"),
    code.PyName("width"),
    code.PyName("value"),
)
_SCOPE, _OWNER, _OUT = code.PyName("scope"), code.PyName("owner"), code.PyName("out")
_AT, _PUT = code.PyName("at"), code.PyName("put")

Measure = Literal["count", "extent", "bits"]
"""What a member outside of the stream says of a field: elements, bytes, bits."""


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
        if leaf.member is not None and not isinstance(leaf.kind, Pad):
            self.target, self.source = frame.place(leaf, frame.root)
            if leaf.member.optional and not frame.optional:
                self.source = present(self.source, self.path)

    # --- statements -------------------------------------------------------------------

    def _set(self, target: code.Expr, value: code.Expr) -> None:
        """An assignment on load."""
        self.frame.load.append(code.PyAssign((target,), value))

    def _read(self, target: code.Expr, value: code.Expr) -> None:
        """An assignment on load of a value and of where its bytes end."""
        self._set(code.PyTuple((target, _POS)), value)

    def _run(self, value: code.Expr) -> None:
        """A call on load."""
        self.frame.load.append(code.PyDo(value))

    def _save(self, value: code.Expr) -> None:
        """A call on save."""
        self.frame.save.append(code.PyDo(value))

    def _put(self, value: code.Expr) -> None:
        """Bytes on save."""
        self._save(code.call(_PUT, value))

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
            case Opaque():
                self._opaque(kind)
            case Pad():
                self.pad()
            case Check():
                raise AssertionError("a check has no bytes")
            case _:
                assert_never(kind)

    # --- counts -----------------------------------------------------------------------

    def _count(
        self, amount: ir.FromMember | ir.Computed, measure: Measure = "count"
    ) -> None:
        """``count = ...`` on load."""
        frame, leaf = self.frame, self.leaf
        if isinstance(amount, ir.Computed):
            value, _ = self._computed(amount.value, leaf.number, frame.where(leaf))
            self._set(_COUNT, value)
            return
        path = ir.path_text(amount.path)
        found = self.layouts.find(
            frame.layout, frame.root, path, [], leaf.number, leaf.condition
        )
        owner, where = frame.layout.type, frame.where(leaf)
        value = code.method(
            _SCOPE, measure, leaf.json, owner, path, amount.multiply, _POS, self.path, where,
        )  # fmt: skip
        for one in reversed(found):
            product = self._product(one, amount)
            there = one.condition
            value = product if there is None else code.PyChoice(there, product, value)
        self._set(_COUNT, value)

    def _computed(
        self, expr: ir.Expr, before: int | None, where: str
    ) -> tuple[code.Expr, bool]:
        """The number that C computes, and whether that asks for what the state lacks."""
        frame = self.frame
        unknown = False

        def members(
            path: str, subscripts: Sequence[code.Expr], type_: ir.IntType
        ) -> code.Expr:
            nonlocal unknown
            found = frame.layouts.find(
                frame.layout, frame.root, path, subscripts, before, self.leaf.condition
            )
            if before is None and not found and path in frame.implied:
                return frame.implied[path]
            if not found or found[-1].condition is not None:
                unknown = True
            return frame.member_value(found, path, subscripts, type_, where)

        def asked(name: str) -> code.Expr:
            nonlocal unknown
            unknown = True
            return frame.asked(name, where)

        return expressions.number(expr, members, asked), unknown

    def _product(self, found: MemberValue, amount: ir.FromMember) -> code.Expr:
        """A count in a member of the state."""
        value = found.value
        if found.type != CODES[amount.type]:
            value = expressions.truncated(value, amount.type)
        return code.times(value, amount.multiply)

    def _words(self) -> None:
        """``count`` bits as words, on load."""
        self._set(_COUNT, code.call("words", _COUNT))

    def _check_count(
        self,
        amount: ir.FromMember | ir.Computed,
        length: code.Expr,
        bits: bool = False,
    ) -> None:
        """On save: the number of elements must be the one that the wire says."""
        frame = self.frame
        if isinstance(amount, ir.Computed):
            self._check_computed(amount.value, length)
            return
        path = ir.path_text(amount.path)
        found = self.layouts.find(
            frame.layout, frame.root, path, [], None, self.leaf.condition
        )
        if found and found[0].condition is None:
            expected = self._product(found[0], amount)
            if bits:
                expected = code.call("words", expected)
            self._save(code.call("counted", length, expected, self.path))
            return
        key = (path, amount.multiply, bits)
        if key in frame.lengths:
            self._save(code.call("counted", length, frame.lengths[key], self.path))
            frame.shared_lengths.add(frame.lengths[key])
        elif not frame.optional:
            name = frame.local("length")
            frame.save.append(code.PyAssign((name,), length))
            frame.lengths[key] = name
        if not bits and not found:
            type_ = CODES[amount.type]
            self._save(code.call("fits", length, amount.multiply, type_, self.path))
            if not frame.optional:
                number = code.call("c_div", length, amount.multiply)
                frame.implied[path] = number

    def _check_computed(self, expr: ir.Expr, length: code.Expr) -> None:
        expected, unknown = self._computed(expr, None, "")
        if not unknown:
            self._save(code.call("counted", length, expected, self.path))
            return
        match expr:
            case ir.Select(_, ir.Const(value=first), ir.Const(value=second)):
                self._save(code.call("either_of", length, first, second, self.path))

    def _limit(self) -> tuple[int, ...]:
        """How many elements the C array has room for, if that is known."""
        leaf = self.leaf
        path = leaf.field.path
        if not path or path[-1].pointer or not leaf.field.array:
            return ()
        rest = path[-1].dims[len(path[-1].index) :]
        if not rest or 0 in rest:
            return ()
        room = 1
        for one in rest:
            room *= one
        return (room - leaf.start,)

    def _extent(
        self,
        size: code.Expr | int,
        limit: Sequence[int] = (),
        count: code.Expr = _COUNT,
    ) -> code.Expr:
        """Where ``count`` elements of that size end."""
        return code.call("extent", _BUF, _POS, count, size, self.path, *limit)

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
            self._count(amount, "bits" if kind.bits else "extent")
            if kind.bits:
                self._words()
        else:
            self._count(amount)
        self._set(_END, self._extent(size, self._limit()))
        chunk = code.cut(_BUF, _POS, _END)
        self._set(self.target, code.call(f"array_{suffix}", chunk, *self._start()))
        self._set(_POS, _END)
        self._check_count(amount, self._length(), kind.bits)
        pack = code.runtime(f"bytes_{suffix}")
        self._put(code.call("packed", pack, self.source, leaf.start, self.path))
        if kind.check:
            check = each_compared(self.frame, kind, self.target, self.path)
            self.frame.load.append(check)

    def _buffers(self, kind: Ints) -> None:
        """Several buffers or bitmaps, their number or their size in a member."""
        leaf = self.leaf
        suffix, size = SUFFIX[kind.code], SIZES[kind.code]
        if leaf.size is not None:
            self._count(leaf.size, "bits" if kind.bits else "extent")
            if kind.bits:
                self._words()
            self._set(_WIDTH, code.times(_COUNT, size))
            self._run(self._extent(size))
        else:
            self._set(_WIDTH, code.PyConst(leaf.width * size))
        if leaf.amount is not None:
            self._count(leaf.amount)
        else:
            self._set(_COUNT, code.PyConst(leaf.count))
        self._set(_END, self._extent(_WIDTH, self._limit()))
        unpack = code.runtime(f"array_{suffix}")
        rows = code.call("rows_of", unpack, code.cut(_BUF, _POS, _END), _WIDTH)
        self._set(self.target, rows)
        self._set(_POS, _END)
        if leaf.amount is not None:
            self._check_count(leaf.amount, code.builtin("len", self.source))
        else:
            self._save(sized(self.source, leaf.count, self.path))
        row = self.frame.local("row")
        width: code.Expr = code.PyConst(leaf.width)
        if leaf.size is not None:
            width = self.frame.local("width")
            first = code.builtin("len", code.at(self.source, 0))
            known = code.PyChoice(self.source, first, code.PyConst(0))
            self.frame.save.append(code.PyAssign((width,), known))
            self._check_count(leaf.size, width, kind.bits)
        pack = code.runtime(f"bytes_{suffix}")
        checked = code.call("sized", row, width, self.path)
        put = code.call(_PUT, code.call("packed", pack, checked, 0, self.path))
        self.frame.save.append(code.PyFor(row, self.source, (code.PyDo(put),)))

    # --- objects ----------------------------------------------------------------------

    def _window(self, key: Key, version: int) -> None:
        """A version that is known here and that the description does not take."""
        inner = self.layouts.all[key]
        if not inner.minimum <= version <= inner.version:
            self._run(
                code.call(
                    "window", version, inner.minimum, inner.version, _POS, self.path
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
            self._count(leaf.amount)
            self._check_count(leaf.amount, self._length())
            if flat and self.layouts.flat_size(kind.key):
                self._counted(kind)
                return
            if limit := self._limit():
                self._run(self._extent(0, limit))
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
            "embedded", cls, _BUF, _POS, kind.version, self._given(kind), leaf.json,
            *shown,
        )  # fmt: skip
        self._read(target, replace(load, keywords=tuple(owner.items())))
        save = code.call("embed", cls, source, _OUT, kind.saved, path)
        self._save(replace(save, keywords=tuple(owner.items())))

    def _given(self, kind: Struct) -> code.Expr:
        """The scope, with what this object knows of the one inside of it."""
        scope: code.Expr = _SCOPE
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
        return code.PyTuple((self.frame.root, code.PyStarred(_OWNER)))

    def _counted(self, kind: Struct) -> None:
        """Objects of one fixed size, their number in a member."""
        leaf = self.leaf
        unpack = self.refer.function("unpack", kind.key)
        pack = self.refer.function("pack", kind.key)
        size = self.layouts.flat_size(kind.key)
        self._set(_END, self._extent(size, self._limit()))
        self._set(
            self.target,
            self._above(code.call(unpack, code.cut(_BUF, _POS, _END)), kind.key),
        )
        self._set(_POS, _END)
        fields = flat_fields(self.layouts, self.layouts.all[kind.key], self.refer)
        self._put(
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
        count: code.Expr = _COUNT
        stop: code.Expr = code.builtin("len", self.source)
        if leaf.amount is None:
            count = code.PyConst(leaf.count * (leaf.width if rows else 1))
            stop = code.PyConst(leaf.start + leaf.count)
            if not leaf.member.shared:
                self._save(sized(self.source, leaf.start + leaf.count, self.path))
        cls = self.refer.cls(kind.key)
        part = frame.local("part")
        least = self.layouts.least(kind.key, kind.version)
        start = () if rows else self._start()
        self._read(
            part,
            code.call(
                "embedded_many", cls, count, _BUF, _POS, kind.version, _SCOPE, leaf.json,
                self.path, least, *start,
            ),
        )  # fmt: skip
        source = self.source
        if rows:
            numbers = code.builtin("range", 0, count, leaf.width)
            end = code.PyBinary("+", _AT, code.PyConst(leaf.width))
            value: code.Expr = code.PyEach(code.cut(part, _AT, end), (("at", numbers),))
            if leaf.start:
                value = code.PyBinary("+", default_rows(leaf, self.refer), value)
            self._set(self.target, value)
            row = sized(code.PyName("row"), leaf.width, self.path)
            below = code.cut(source, leaf.start, None)
            source = code.PyEach(code.PyName("one"), (("row", below), ("one", row)))
        elif leaf.member.shared:
            last: code.Expr = code.PyBinary("+", code.PyConst(leaf.start), count)
            if isinstance(count, code.PyConst):
                last = code.PyConst(leaf.start + leaf.count)
            self._set(code.cut(self.target, leaf.start, last), part)
            source = code.cut(source, None, stop)
        else:
            self._set(self.target, self._above(part, kind.key))
            for name in self.layouts.decided_outside(kind.key):
                self._save(code.call("alike", source, name, self.path))
        self._save(
            code.call("embed_many", cls, source, _OUT, kind.saved, self.path, *start)
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
            self._count(leaf.amount)
            count = _COUNT
            self._check_count(leaf.amount, self._length())
            if limit := self._limit():
                self._run(self._extent(0, limit))
        else:
            self._save(sized(self.source, leaf.start + leaf.count, self.path))
        start = self._start()
        common = (loader, count, _BUF, _POS, version, _SCOPE, leaf.json)
        if marked:
            value = code.call("marked_pointers", *common, self.path, *start)
        else:
            owner, where = frame.layout.type, frame.where(leaf)
            value = code.call("pointers", *common, owner, self.path, where, *start)
        if leaf.start:
            part = frame.local("part")
            self._read(part, value)
            nothing = code.PyBinary(
                "*", code.PyList((code.NONE,)), code.PyConst(leaf.start)
            )
            self._set(self.target, code.PyBinary("+", nothing, part))
        else:
            self._read(self.target, value)
        marker = (leaf.start, code.PyConst(b"1")) if marked else start
        self._save(
            code.call(
                "put_pointers", saver, self.source, _OUT, saved, self.path, *marker
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
        self._read(
            self.target,
            code.call("listed", loader, _BUF, _POS, kind.version, _SCOPE, self.path),
        )
        self._save(
            code.call("put_listed", saver, self.source, _OUT, inner.version, self.path)
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
        self._read(
            self.target,
            code.call("until", loader, word, _BUF, _POS, kind.version, _SCOPE, self.path),
        )  # fmt: skip
        self._save(
            code.call(
                "put_until", saver, word, first.member.attr, self.source, _OUT,
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
        self._read(
            self.target,
            code.call("tree", loader, second, _BUF, _POS, kind.version, _SCOPE, self.path),
        )  # fmt: skip
        last = self.layouts.all[kind.second].version
        self._save(
            code.call("put_tree", saver, version, value, self.source, _OUT, last, self.path)
        )  # fmt: skip

    # --- bytes that no codec knows ----------------------------------------------------

    def _opaque(self, kind: Opaque) -> None:
        frame, leaf = self.frame, self.leaf
        where = frame.where(leaf)
        sizes = code.method(
            _SCOPE, "sizes", leaf.json, kind.info, kind.code, _POS, self.path, where
        )
        many = leaf.shape not in ("one", "item")
        name = "opaque" if many else "opaque_one"
        self._read(self.target, code.call(name, _BUF, _POS, sizes, self.path))
        each = self.source if many else code.PyList((self.source,))
        self._save(code.call("put_opaque", each, _OUT, self.path))

    def pad(self) -> None:
        """Unused bytes whose number or presence the tables leave open."""
        frame, leaf = self.frame, self.leaf
        width: code.Expr = code.PyConst(leaf.width)
        if leaf.size is not None:
            self._count(leaf.size, "extent")
            self._set(_WIDTH, _COUNT)
            width = _WIDTH
        if leaf.amount is not None:
            self._count(leaf.amount)
        else:
            self._set(_COUNT, code.PyConst(leaf.count))
        self._set(_END, self._extent(width, self._limit()))
        if leaf.member is not None:
            full = code.PyAttr(frame.root, leaf.member.attr)
            self._set(full, code.PyBinary("-", _END, _POS))
            source = frame.saved.get(full, full)
            self._put(code.call("unused", source, self.path))
        else:
            number: code.Expr | None = None
            for one in (leaf.amount, leaf.size):
                if one is not None:
                    known = self._known(one)
                    number = known if number is None else code.PyBinary("*", number, known)  # fmt: skip
            assert number is not None
            if leaf.size is None:
                number = code.times(number, leaf.width)
            if leaf.amount is None:
                number = code.times(number, leaf.count)
            self._put(code.call("unused", number, self.path))
        self._set(_POS, _END)

    def _known(self, amount: ir.FromMember | ir.Computed) -> code.Expr:
        frame = self.frame
        if isinstance(amount, ir.Computed):
            return self._computed(amount.value, None, "")[0]
        path = ir.path_text(amount.path)
        found = self.layouts.find(frame.layout, frame.root, path, [], None)
        return code.times(found[0].value, amount.multiply)

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
