"""Fields of a fixed size: they join the run."""

from __future__ import annotations

from vmgen import plan
from vmgen.lower.codec.frame import UNROLLED, Frame
from vmgen.lower.codec.phrases import targets, unblanked
from vmgen.lower.codec.refer import Refer
from vmgen.lower.codec.run import SUFFIX, FixedRun, Runs
from vmgen.lower.codec.zeros import default_rows
from vmgen.lower.names import quote
from vmgen.lower.program import Layouts
from vmgen.lower.shape import SIZES, Ints, Layout, Leaf, Pad, Struct


class Fixed(Frame):
    """Emits fields whose size the tables alone tell."""

    def elements(self) -> FixedRun:
        """Emit a flat layout as one run, for the codec of many objects."""
        self.make_records(
            self.layout, self.layout.root, self.root, self.run.before, self.run.aliases
        )
        self._flat(self.layout, self.root, "")
        return self.run

    def _flat(self, layout: Layout, root: str, prefix: str) -> None:
        for leaf in layout.leaves:
            if self.layouts.exists(layout, leaf, (layout.version,)):
                self.fixed(layout, leaf, root, prefix)

    def fixed(self, layout: Layout, leaf: Leaf, root: str, prefix: str) -> None:
        """Add a field to the run."""
        if isinstance(leaf.kind, Pad):
            size = leaf.count * leaf.width
            if size:
                self.run.format.append(f"{size}x")
                self.run.fields.append(f"{size}x")
                self.run.size += size
            return
        target, source = self.place(leaf, root)
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
            if self.layouts.exists(layout, one, self.versions_of(layout))
        ]
        if len(parts) < 2:
            parts = [leaf]
        length = max(one.start + one.count for one in parts)
        zero = "False" if code == "?" else "0"
        loaded, saved = [zero] * length, ["_"] * length
        stem = leaf.member.attr.strip("_") or "part"
        names = self.gathered.setdefault(source, {})
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
            self.run.aliases.append(plan.Line(f"{targets(saved)} = {value}"))

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
        return path if ok else f"{unblanked(path)}={python}"

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
            self.run.note("", f"{unblanked(path)}{bounds}{name}({inner})")
        elif group:
            self.run.note("", f"{unblanked(path)}{bounds}{name}({group})")
        else:
            self.run.note(code, f"{unblanked(path)}{bounds}{name}")
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
        joined = targets(aliases)
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
            self.origin_of[alias] = f"{python}[{at}]"
            here = f"{path}[{at}]"
            self.make_records(
                inner, inner.root, alias, self.run.before, self.run.aliases
            )
            self._flat(inner, alias, f"{here}.")
        name = "" if python == path else f"={python}"
        group = flat_fields(self.layouts, inner, self.refer)
        self.run.fields = [*fields, f"{unblanked(path)}[0:{leaf.count}]{name}({group})"]
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
            self.alias_of[target] = alias
            self.origin_of[alias] = self.python_path(source)
            self.run.before.append(
                plan.Line(f"{alias} = {target} = {self.refer.maker(inner.root)}()")
            )
            value = source
            if leaf.member.optional and not self.optional:
                value = f'present({source}, "{path}")'
            self.run.aliases.append(plan.Line(f"{alias} = {value}"))
            self.make_records(
                inner, inner.root, alias, self.run.before, self.run.aliases
            )
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


def flat_fields(layouts: Layouts, layout: Layout, refer: Refer) -> str:
    """The field list of one object of a flat layout."""
    body = Fixed(layouts, layout, refer, Runs(""), (layout.version,), "one")
    return " ".join(body.elements().fields)
