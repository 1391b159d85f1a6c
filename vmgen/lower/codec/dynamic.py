"""Fields whose size is in the state or in the stream: statements of their own."""

from __future__ import annotations

from vmgen import ir, plan
from vmgen.infos import formats
from vmgen.lower import expressions
from vmgen.lower.codec.fixed import flat_fields
from vmgen.lower.codec.frame import Frame
from vmgen.lower.codec.run import SUFFIX
from vmgen.lower.codec.zeros import default_rows
from vmgen.lower.names import quote
from vmgen.lower.shape import (
    CODES,
    SIZES,
    Format,
    Ints,
    Key,
    Leaf,
    Listed,
    Opaque,
    Pad,
    Struct,
    Tree,
)
from vmgen.source import Diagnostic, VmgenError


class Dynamic:
    """Emits one field that no run can hold."""

    def __init__(self, body: Frame, leaf: Leaf) -> None:
        self.body = body
        self.leaf = leaf
        self.layouts = body.layouts
        self.refer = body.refer
        self.path = leaf.path + "".join(
            f"[{one}]" for one in leaf.levels if not leaf.path.endswith("]")
        )
        if leaf.member is not None and not isinstance(leaf.kind, Pad):
            target, source = body.place(leaf, body.root)
            levels = "".join(f"[{one}]" for one in leaf.levels)
            self.target, self.source = target + levels, source + levels
            if leaf.member.optional and not body.optional:
                self.source = f'present({self.source}, "{self.path}")'

    def load(self, text: str) -> None:
        """Add a line to the load function."""
        self.body.load.append(plan.Line(text))

    def save(self, text: str) -> None:
        """Add a line to the save function."""
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
        if key in body.lengths:
            self.save(f'counted({length}, {body.lengths[key]}, "{self.path}")')
        elif not body.optional:
            name = body.names.take("length")
            self.save(f"{name} = {length}")
            body.lengths[key] = name
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
        sizes = f'scope.sizes({quote(leaf.json)}, {quote(kind.info)}, {quote(kind.code)}, pos, "{self.path}", "{body.where(leaf)}")'
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
            source = body.saved.get(full, full)
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
