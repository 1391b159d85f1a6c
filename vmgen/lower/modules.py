"""Modules, classes and names: what each generated file holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vmgen import ir, ir_json, plan
from vmgen.infos import formats
from vmgen.lower import expressions
from vmgen.lower.codec import SUFFIX, Body, Runs, c_name, chained, default
from vmgen.lower.layout import (
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
from vmgen.lower.names import (
    FACTORY,
    LOCALS,
    PUBLIC,
    RESERVED,
    RUNTIME,
    Names,
    attribute,
    identifier,
    module_path,
    plain,
    quote,
    record_name,
    short,
)
from vmgen.lower.program import Layouts, named
from vmgen.lower.sections import sections

_WORD = re.compile(r"[A-Za-z_]\w*")
_IMMUTABLE = re.compile(r"0|False|None")


@dataclass(frozen=True, slots=True)
class Around:
    """What other programs say to one that shares modules with them.

    ``files`` are those whose modules stand in the folder above, one for all targets.
    ``sections`` are the keys in ``CODECS`` of their descriptions, ``repeated`` those
    that arrays of other programs hold.  ``split`` is as in :func:`sections`.
    """

    files: frozenset[str] = frozenset()
    sections: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    repeated: frozenset[Key] = frozenset()
    split: frozenset[str] = frozenset()


def lower(program: ir.Program, around: Around | None = None) -> plan.Package:
    """The codec plan of a program: pure, the same for the same IR.

    Modules that stand elsewhere are known, but not part of it.  Raises
    :class:`VmgenError` VG510 for a table that has no known wire format.
    """
    around = around or Around()
    layouts = Layouts(program)
    layouts.repeated |= {
        key
        for key in around.repeated
        if key in layouts.all and layouts.flat(key, layouts.all[key].version)
    }
    own = sections(program.roots, around.split)
    if not program.roots and not around.files and not around.sections:
        own = _unnamed(layouts)
    keys = {**own, **around.sections}
    units = {
        module.file: _Unit(layouts, module, index, keys, around.files)
        for index, module in enumerate(program.modules)
    }
    for unit in units.values():
        unit.name_all()
    modules = tuple(
        unit.module(units)
        for unit in units.values()
        if unit.keys and unit.source.file not in around.files
    )
    sources = [
        module.file for module in program.modules if module.file not in around.files
    ]
    return plan.Package(
        folder=identifier(program.target.replace("-", "_")) if program.target else "",
        release=program.release,
        target=program.target,
        sources=tuple(plain(file) for file in sources),
        digest=_digest(program, around.files),
        modules=modules,
        runtime=PUBLIC,
        exports=exports(offers(modules)),
        roots=tuple(_roots(own, around.files)),
        ir=ir_json.dumps(_without(program, around.files)),
    )


def _digest(program: ir.Program, above: frozenset[str]) -> str:
    own = program if not above else _without(program, above)
    return hashlib.sha256(repr(own).encode()).hexdigest()


def _without(program: ir.Program, files: frozenset[str]) -> ir.Program:
    """The program with the modules that stand in its own folder."""
    modules = tuple(one for one in program.modules if one.file not in files)
    return replace(program, modules=modules)


def offers(
    modules: Iterable[plan.Module], *, above: bool = False
) -> Iterator[plan.Export]:
    """What modules offer, of the package's own folder or of the one ``above``."""
    for module in modules:
        dotted = _dotted(module.path, above)
        for name in module.exports:
            if name != "CODECS":
                yield plan.Export(name, dotted)


def exports(offered: Iterable[plan.Export]) -> tuple[plan.Export, ...]:
    """The names that one module alone offers, and the runtime does not, sorted."""
    found: dict[str, list[plan.Export]] = {}
    for one in offered:
        if one.name not in PUBLIC:
            found.setdefault(one.name, []).append(one)
    return tuple(found[name][0] for name in sorted(found) if len(found[name]) == 1)


def _roots(
    keys: Mapping[Key, tuple[str, ...]], above: frozenset[str]
) -> Iterator[plan.Root]:
    wires = {wire: key[0] for key, names in keys.items() for wire in names}
    for wire in sorted(wires):
        file = wires[wire]
        yield plan.Root(wire, _dotted(module_path(file), file in above))


def _dotted(path: str, above: bool) -> str:
    dotted = path.removesuffix(".py").replace("/", ".")
    return f".{dotted}" if above else dotted


@dataclass(eq=False)
class _Unit:
    """One module under construction."""

    layouts: Layouts
    source: ir.Module
    index: int
    sections: Mapping[Key, tuple[str, ...]]
    above: frozenset[str]
    keys: list[Key] = field(default_factory=list)
    names: Names = field(default_factory=lambda: Names(RESERVED | LOCALS))
    codecs: dict[Key, str] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    units: dict[str, _Unit] = field(default_factory=dict)
    foreign: dict[tuple[str, str], str] = field(default_factory=dict)
    wanted: dict[tuple[str, str], str] = field(default_factory=dict)

    # --- names ----------------------------------------------------------------------------

    def name_all(self) -> None:
        """Order the descriptions, and name codecs and classes."""
        own = [(self.source.file, one.symbol) for one in self.source.descriptions]
        self.keys = list(self._ordered(own))
        self.attributes = {
            attribute(step.name)
            for one in self.source.descriptions
            for leaf in one.fields
            for step in leaf.path
        }
        for key in self.keys:
            for one in (*self.layouts.words.get(key, ()), key):
                layout = self.layouts.all[one]
                wanted = layout.codec
                if layout.description is None:
                    wanted = short(layout.symbol).removeprefix("info_")
                self.codecs[one] = self._codec_name(wanted)
        for key in sorted(own, key=self._rank):
            layout = self.layouts.all[key]
            self._name_record(layout, layout.root, self.codecs[key], "")
            for words in self.layouts.words.get(key, ()):
                inner = self.layouts.all[words]
                self._name_record(inner, inner.root, self.codecs[words], "")

    def _codec_name(self, wanted: str) -> str:
        name, number = wanted, 2
        while not all(
            self.names.free(f"{prefix}{name}")
            for prefix in ("load_", "save_", "_load_", "_")
        ):
            name, number = f"{wanted}_{number}", number + 1
        for prefix in ("load_", "save_", "_load_", "_save_", "_unpack_", "_pack_", "_"):
            self.names.take(f"{prefix}{name}")
        return name

    def _rank(self, key: Key) -> tuple[int, int]:
        """Who gets the plain names first: roots, then nested ones, then subsections."""
        order = [one.symbol for one in self.source.descriptions]
        inner = 0 if key in self.sections else 1
        rank = 2 if key in self.layouts.parents else inner
        return rank, order.index(key[1])

    def _name_record(
        self, layout: Layout, record: Record, codec: str, outer: str
    ) -> None:
        wanted = record_name(record.type)
        if not wanted:
            wanted = (
                f"{outer}_{record.path.rpartition('.')[2]}"
                if outer
                else f"State_{codec}"
            )
        if not self.names.free(wanted):
            wanted = f"{wanted}_{codec}" if not wanted.endswith(f"_{codec}") else wanted
        if not self.names.free(wanted) and record.path:
            wanted = f"{wanted}_{attribute(record.path.rpartition('.')[2])}"
        if wanted in self.attributes:
            wanted = (
                f"{wanted}_"  # ``struct foo foo``: in a class body the member hides it
            )
        record.cls = self.names.take(wanted)
        for member in record.members:
            if member.record is not None:
                self._name_record(layout, member.record, codec, record.cls)

    def _ordered(self, keys: list[Key]) -> Iterator[Key]:
        """Descriptions after those that they name, else in the order of the C."""
        done: set[Key] = set()

        def visit(key: Key) -> Iterator[Key]:
            if key in done or key[0] != self.source.file:
                return
            done.add(key)
            layout = self.layouts.all[key]
            for leaf in layout.leaves:
                for inner in named(leaf):
                    if self.layouts.all[inner].description is not None:
                        yield from visit(inner)
            for _, sub in layout.subsections:
                yield from visit(sub)
            yield key

        for key in keys:
            yield from visit(key)

    def cls(self, key: Key) -> str:
        """The state class of a layout, imported if need be."""
        return self._local(key[0], self.layouts.all[key].root.cls)

    def record(self, record: Record) -> str:
        """The class of a record, imported if need be."""
        return self._local(record.file, record.cls)

    def maker(self, record: Record) -> str:
        """The function that makes an object of a record's class, imported if need be."""
        return f"_new_{self.record(record)}"

    def codec(self, key: Key) -> str:
        """The codec name of a layout, its functions imported if need be."""
        if key[0] == self.source.file:
            return self.codecs[key]
        return self._local(key[0], self.units[key[0]].codecs[key], codec=True)

    def _local(self, file: str, name: str, *, codec: bool = False) -> str:
        if file == self.source.file:
            return name
        memo = (file, f"codec {name}" if codec else name)
        if memo not in self.foreign:
            taken = self._codec_name(name) if codec else self.names.take(name)
            self.foreign[memo] = taken
        local = self.foreign[memo]
        for prefix in (
            ("_load_", "_save_", "_unpack_", "_pack_") if codec else ("", "_new_")
        ):
            self.wanted[file, f"{prefix}{name}"] = f"{prefix}{local}"
        return local

    def _needs(self, file: str, other: str) -> bool:
        """Whether the module of ``file`` reaches that of ``other``: then each imports what
        it needs of the other at its end."""
        seen: set[str] = set()
        todo = [file]
        while todo:
            here = todo.pop()
            if here == other:
                return True
            if here not in seen:
                seen.add(here)
                todo += self.layouts.uses(here)
        return False

    # --- the module -----------------------------------------------------------------------

    def module(self, units: dict[str, _Unit]) -> plan.Module:
        """The plan of the module, once all modules have their names."""
        self.units = units
        predicates = _Predicates(self)
        descriptions = tuple(self._description(key, predicates) for key in self.keys)
        path = f"{module_path(self.source.file)}.py"
        program = self.layouts.program
        text = _all_text(descriptions)
        words = set(_WORD.findall(text))
        words |= {
            "Buffer",
            "Codec",
            "Context",
            "Owner",
            "PACK_ERRORS",
            "Scope",
            "State",
        }
        words |= {"load", "maker", "save", "subsections", "unsavable"}
        for one in descriptions:
            for row in one.subsections:
                words |= {f"_load_{row.codec}", f"_save_{row.codec}"}
        if any(one.runs for one in descriptions):
            words |= {"truncated"}
        if any(one.elements for one in descriptions):
            words |= {"repeated"}
        if any(one.subsections for one in descriptions):
            words |= {"Subsections", "subsection"}
        depth = path.count("/") + (1 if program.target else 0)
        imports = [
            plan.Import(
                "." * (depth + 1) + "_runtime",
                (
                    *((f"factory as {FACTORY}",) if FACTORY in words else ()),
                    *(name for name in RUNTIME if name in words),
                ),
            )
        ]
        for emitted, offered in formats.NAMES.items():
            if used := tuple(name for name in offered if name in words):
                imports.append(plan.Import("." * (depth + 1) + emitted, used))
        here = path.count("/")
        foreign: dict[str, list[str]] = {}
        for (file, name), local in sorted(self.wanted.items()):
            if local in words:
                entry = name if name == local else f"{name} as {local}"
                foreign.setdefault(file, []).append(entry)
        late: list[plan.Import] = []
        for file, names in foreign.items():
            dotted = module_path(file).replace("/", ".")
            up = 2 if file in self.above else 1
            made = plan.Import("." * (here + up) + dotted, tuple(sorted(names)))
            (late if self._needs(file, self.source.file) else imports).append(made)
        standard = []
        if re.search(r"\barray\[", text):
            standard.append("from array import array")
        if any(one.elements for one in descriptions):
            standard.append("from collections.abc import Sequence")
        if any(one.runs for one in descriptions):
            standard.append("from struct import Struct, error as struct_error")
        if "_array.array" in text:
            standard.insert(0, "import array as _array")
        if "builtins." in text:
            standard.insert(0, "import builtins")
        exports = ["CODECS"]
        for one in descriptions:
            exports += [cls.name for cls in one.classes]
            exports += [f"load_{one.codec}", f"save_{one.codec}"]
            exports += [predicate.name for predicate in one.predicates]
        return plan.Module(
            path=path,
            source=plain(self.source.file),
            release=program.release,
            target=program.target,
            digest=hashlib.sha256(
                repr((program.release, program.target, self.source)).encode()
            ).hexdigest(),
            imports=tuple(imports),
            late=tuple(late),
            standard=tuple(standard),
            descriptions=descriptions,
            exports=tuple(sorted(exports)),
        )

    def _description(self, key: Key, predicates: _Predicates) -> plan.Description:
        layout = self.layouts.all[key]
        codec = self.codecs[key]
        runs = Runs(codec)
        versions = range(layout.minimum, layout.version)
        elements = []
        classes: list[plan.Class] = []
        for words in self.layouts.words.get(key, ()):
            inner = self.layouts.all[words]
            classes += self._classes(inner)
            if words in self.layouts.repeated:
                elements.append(self._elements(inner, Runs(self.codecs[words]), runs))
        classes += self._classes(layout)
        if key in self.layouts.repeated:
            elements.append(self._elements(layout, runs, runs))
        current = self._function(layout, runs, (layout.version,), f"{codec}")
        old = None
        if versions:
            old = self._function(layout, runs, tuple(versions), f"{codec}_old")
        rows = tuple(self._subsection(attr, sub) for attr, sub in layout.subsections)
        assert layout.description is not None
        place = layout.description.position
        return plan.Description(
            codec=codec,
            symbol=layout.symbol,
            wire=layout.name,
            place=plain(
                f"{place.file}:{place.line}" if place.file else self.source.file
            ),
            version=layout.version,
            minimum=layout.minimum,
            cls=layout.root.cls,
            banner=tuple(plain(line) for line in self._banner(layout)),
            classes=tuple(classes),
            runs=tuple(runs.made.values()),
            elements=tuple(elements),
            current=current,
            old=old,
            subsections=rows,
            predicates=tuple(predicates.of(layout)),
            hooks=tuple(plain(line) for line in self._hooks(layout)),
            doc=tuple(plain(line) for line in self._doc(layout)),
            keys=self.sections.get(key, ()),
        )

    def _subsection(self, attr: str, sub: Key) -> plan.Subsection:
        inner = self.layouts.all[sub]
        version = f"{inner.version}"
        if inner.version_attr:
            version = f"state.{attr}.{inner.version_attr}"
        return plan.Subsection(
            inner.name, attr, self.codec(sub), inner.minimum, version, inner.version
        )

    def _function(
        self, layout: Layout, runs: Runs, versions: tuple[int, ...], name: str
    ) -> plan.Function:
        body = Body(self.layouts, layout, self, runs, versions)
        body.function()
        return plan.Function(
            name=name,
            doc="",
            load=tuple(body.load),
            save=tuple(body.save),
            runs=tuple(body.blame),
            pack=_packs(body.save),
        )

    def _elements(self, layout: Layout, runs: Runs, into: Runs) -> plan.Elements:
        body = Body(self.layouts, layout, self, runs, (layout.version,), "one")
        run = body.elements()
        codec = self.codecs[layout.key]
        if (leaf := self._only_array(layout)) is not None:
            assert isinstance(leaf.kind, Ints)
            assert leaf.member is not None
            suffix, attr = SUFFIX[leaf.kind.code], leaf.member.attr
            into.add(run.struct_format(), " ".join(run.fields))
            bounds = f"{leaf.count}, {leaf.start}"
            return plan.Elements(
                unpack=f"_unpack_{codec}",
                pack=f"_pack_{codec}",
                cls=layout.root.cls,
                run="",
                before=(),
                targets=(f"one.{attr}",),
                after=(),
                aliases=(),
                values=(),
                split=f"split_{suffix}(chunk, {bounds})",
                join=f"join_{suffix}([one.{attr} for one in states], {bounds})",
            )
        name = ""
        if run.size:
            made = into.add(run.struct_format(), " ".join(run.fields))
            name = made.name
        return plan.Elements(
            unpack=f"_unpack_{codec}",
            pack=f"_pack_{codec}",
            cls=layout.root.cls,
            run=name,
            before=tuple(run.before),
            targets=tuple(run.targets),
            after=tuple(run.after),
            aliases=tuple(run.aliases),
            values=tuple(run.values),
        )

    def _only_array(self, layout: Layout) -> Leaf | None:
        """The one array that is all an object has on the wire, if so."""
        leaves = [
            leaf
            for leaf in layout.leaves
            if self.layouts.exists(layout, leaf, (layout.version,))
        ]
        if len(leaves) != len(layout.leaves) or len(leaves) != 1:
            return None
        leaf = leaves[0]
        if (
            not isinstance(leaf.kind, Ints)
            or leaf.kind.code in "?Bb"
            or leaf.shape != "array"
            or leaf.parents
            or leaf.levels
            or not leaf.count
            or leaf.member is None
            or leaf.member.shared
        ):
            return None
        return leaf

    # --- classes --------------------------------------------------------------------------

    def _classes(self, layout: Layout) -> list[plan.Class]:
        made: list[plan.Class] = []
        self._class(layout, layout.root, made)
        return made

    def _class(self, layout: Layout, record: Record, made: list[plan.Class]) -> None:
        members = []
        for member in record.members:
            if member.record is not None:
                self._class(layout, member.record, made)
            members.append(self._member(layout, record, member))
        if record is layout.root:
            for attr, sub in layout.subsections:
                inner = self.layouts.all[sub]
                members.append(
                    plan.Member(
                        attr,
                        f"{self.cls(sub)} | None",
                        "None",
                        f"subsection {inner.name}",
                    )
                )
            if layout.version_attr:
                members.append(
                    plan.Member(
                        layout.version_attr,
                        "int",
                        str(layout.version),
                        "as a subsection",
                    )
                )
        members = [_commented(one) for one in _qualified(members)]
        made.append(
            plan.Class(
                record.cls,
                tuple(plain(line) for line in _class_doc(layout, record)),
                tuple(members),
            )
        )

    def _member(self, layout: Layout, record: Record, member: Member) -> plan.Member:
        text = default(member, self)
        annotation = self._annotation(member)
        lines = sorted({leaf.field.position.line for leaf in member.leaves})
        comment = ""
        if member.leaves:
            comment = _whole_extent(member)
            if lines and lines[0]:
                comment += f", line {lines[0]}"
        optional = member.optional and not _covers(self.layouts, layout, member)
        if optional:
            annotation = f"{annotation} | None"
            if not any(
                self.layouts.exists(layout, leaf, (layout.version,))
                for leaf in member.leaves
            ):
                text = "None"
        if text != "None" and not _IMMUTABLE.fullmatch(text):
            names = {
                attribute(step.name)
                for leaf in layout.leaves
                for step in leaf.field.path
            }
            own = (
                re.fullmatch(r"\w+\(\)", text)
                and text[:-2] not in self.foreign.values()
                and text[:-2] not in names
            )
            made = text[:-2] if own else f"lambda: {text}"
            made = "list" if text == "[]" and "list" not in names else made
            text = f"{FACTORY}({made})"
        del record
        return plan.Member(member.attr, annotation, text, plain(comment))

    def _annotation(self, member: Member) -> str:
        if member.record is not None:
            text = member.record.cls
        else:
            text = self._value_type(member.leaves[0])
            if member.single:
                text = "list[bool]" if text == "list[bool]" else "list[int]"
        return "list[" * member.levels + text + "]" * member.levels

    def _value_type(self, leaf: Leaf) -> str:
        kind = leaf.kind
        if isinstance(kind, Pad):
            return "int"
        if isinstance(kind, Ints):
            one = "bool" if kind.code == "?" else "int"
            many = {"?": "list[bool]", "B": "bytearray"}.get(kind.code, "array[int]")
        elif isinstance(kind, Struct):
            one = self.cls(kind.key)
            many = f"list[{one}]"
        elif isinstance(kind, Format):
            one = formats.FORMATS[kind.name].type
            many = f"list[{one}]"
        elif isinstance(kind, Opaque):
            one, many = "bytearray", "list[bytearray]"
        elif isinstance(kind, Listed):
            one = many = f"list[{self.cls(kind.key)}]"
        else:
            assert isinstance(kind, Tree)
            first = "int" if kind.first is None else self.cls(kind.first)
            one = many = f"list[tuple[{first}, {self.cls(kind.second)}]]"
        if leaf.shape == "one":
            return one
        if leaf.shape == "pointers":
            return f"list[{one} | None]"
        return f"list[{many}]" if leaf.shape == "rows" else many

    # --- words ----------------------------------------------------------------------------

    def _banner(self, layout: Layout) -> Iterator[str]:
        yield f"{layout.name or '(named at run time)'}: {layout.symbol}"

    def _doc(self, layout: Layout) -> Iterator[str]:
        versions = f"version {layout.version}"
        if layout.minimum != layout.version:
            versions += f", oldest {layout.minimum}"
        yield f"``{layout.name}``, {versions}"

    def _hooks(self, layout: Layout) -> Iterator[str]:
        """C functions that are named, not run, and tests that the context answers."""
        description = layout.description
        assert description is not None
        for hook in description.hooks:
            yield f"{hook.role} {hook.symbol} ({hook.position}) is not run."
        functions = self.layouts.functions[self.source.file]
        symbols = [description.needed, *(leaf.field.test for leaf in layout.leaves)]
        for symbol in dict.fromkeys(filter(None, symbols)):
            function = functions.get(symbol)
            if function is None or function.body is None:
                reason = (
                    function.untranslated
                    if function is not None
                    else "not in this file"
                )
                what = "needed" if symbol == description.needed else "test"
                at = f" ({function.position})" if function is not None else ""
                yield f"{what} {symbol}{at} is not translated ({reason}): Context(functions=...)."


class _Predicates:
    """The ``needed`` functions of a module, each once."""

    def __init__(self, unit: _Unit) -> None:
        self.unit = unit
        self.seen: set[str] = set()

    def of(self, layout: Layout) -> Iterator[plan.Predicate]:
        """The translated predicate of a description, if it is the first to use it."""
        description = layout.description
        assert description is not None
        symbol = description.needed
        layouts = self.unit.layouts
        function = layouts.functions[layout.key[0]].get(symbol)
        if (
            not symbol
            or symbol in self.seen
            or function is None
            or function.body is None
        ):
            return
        self.seen.add(symbol)
        parents = layouts.parents.get(layout.key, [])
        owner = layouts.all[parents[0]] if parents else layout
        where = plain(
            f"{symbol} ({function.position})" if function.position.file else symbol
        )

        def members(path: str, subscripts: Sequence[str], type_: ir.IntType) -> str:
            found = layouts.find(owner, "state", path, subscripts, None, owners=False)
            found += layouts.sections(owner, "state", path, subscripts)
            outside = f"outside({c_name(path, subscripts)})"
            if type_ == "bool":
                outside = f"bool({outside})"
            return chained(found, outside, type_)

        def asked(name: str) -> str:
            return f'ask(context, {quote(name)}, state, {layout.version}, "{where}")'

        value = expressions.truth(function.body, members, asked)
        value = re.sub(r"\bversion\b", str(layout.version), value)
        cls = self.unit.cls(owner.key)
        yield plan.Predicate(
            name=self.unit.names.take(identifier(symbol)),
            parameters=f"state: {cls}, context: Context | None = None",
            doc=plain(
                f"Whether ``{owner.name}`` needs ``{layout.name}`` ({function.position})."
            ),
            outside=(
                f'member(context, "{owner.type}", path, "{where}")'
                if "outside(" in value
                else ""
            ),
            value=value if expressions.boolean(function.body) else f"bool({value})",
        )


def _unnamed(layouts: Layouts) -> Mapping[Key, tuple[str, ...]]:
    """The wire names of descriptions that no other one names: where nobody said which
    are registered, these can be."""
    inner = set(layouts.parents)
    for layout in layouts.all.values():
        for leaf in layout.leaves:
            inner.update(named(leaf))
    keys: dict[Key, tuple[str, ...]] = {}
    seen: set[str] = set()
    for key, layout in layouts.all.items():
        if key in inner or layout.description is None:
            continue
        if layout.description.runtime_name or layout.name in seen:
            keys[key] = ()
        else:
            seen.add(layout.name)
            keys[key] = (layout.name,)
    return keys


def _covers(layouts: Layouts, layout: Layout, member: Member) -> bool:
    """Whether alternatives by version leave no version without the member."""
    return all(
        any(layouts.exists(layout, leaf, (version,)) for leaf in member.at(first))
        for first in member.leaves
        for version in range(layout.minimum, layout.version + 1)
    )


def _whole_extent(member: Member) -> str:
    """A member's C path with all of its elements that are on the wire."""
    first, *others = member.leaves
    if not others:
        return _extent(first)
    path = first.path
    for parent, index in first.parents:
        if index:
            numbers = "".join(f"[{one}]" for one in index)
            path = path.replace(f"{parent.name}{numbers}", f"{parent.name}[]", 1)
    elements = sorted({one for leaf in member.leaves for one in leaf.indices})
    return f"{path}[{', '.join(map(str, elements))}]" if elements else path


def _extent(leaf: Leaf) -> str:
    """A field's C path with the elements that are on the wire."""
    if leaf.shape == "item":
        return f"{leaf.path}[{leaf.start}]"
    if leaf.amount is not None:
        return f"{leaf.path}[{ir.path_text(leaf.amount.path)}]"
    if leaf.size is not None:
        return f"{leaf.path}[{ir.path_text(leaf.size.path)}]"
    if leaf.shape == "items":
        return f"{leaf.path}[{', '.join(str(one) for one in leaf.indices)}]"
    if leaf.shape in ("array", "rows", "pointers"):
        stop = leaf.start + leaf.count
        first = f"{leaf.start}..{stop - 1}" if leaf.start else f"{stop}"
        return f"{leaf.path}[{first}]" + (
            f"[{leaf.width}]" if leaf.shape == "rows" else ""
        )
    return leaf.path


def _class_doc(layout: Layout, record: Record) -> Iterator[str]:
    if record is layout.root:
        description = layout.description
        if description is None:
            yield f"What the info ``{layout.name}`` puts on the wire."
        else:
            yield f"{record.type or 'The object'} as ``{layout.name}`` has it."
    else:
        yield f"``{record.path}`` of {layout.root.type or 'the object'} in ``{layout.name}``."
    holes = []
    for member in record.members:
        if any(isinstance(leaf.kind, Check) for leaf in member.leaves):
            continue
        covered: set[int] = set()
        total = 0
        for leaf in member.leaves:
            if leaf.shape == "items":
                total = leaf.start + leaf.count
                covered |= set(leaf.indices)
            elif (
                leaf.shape in ("item", "array", "rows", "pointers") and not leaf.levels
            ):
                total = max(total, leaf.start + (0 if leaf.amount else leaf.count))
                if leaf.start or len(member.leaves) > 1 or leaf.shape == "item":
                    covered |= set(range(leaf.start, leaf.start + leaf.count))
                else:
                    covered |= set(range(total))
        partial = member.levels and len(set(member.indices)) < _volume(member)
        if len(covered) < total or partial:
            holes.append(member.attr)
    if holes:
        yield ""
        yield (
            f"Not all elements of {', '.join(f'``{name}``' for name in holes)} are on the wire:"
            " the others are zero after load and ignored on save."
        )


def _commented(member: plan.Member) -> plan.Member:
    """With the comment above the member where it does not fit beside it."""
    size = len(
        f"    {member.name}: {member.annotation} = {member.default}  # {member.comment}"
    )
    return replace(member, above=size > 88)


def _volume(member: Member) -> int:
    total = 1
    for one in member.extents():
        total *= one
    return total


_BUILTINS = re.compile(r"\b(int|bool|bytearray|list|tuple)\b")


def _qualified(members: list[plan.Member]) -> list[plan.Member]:
    """Where a member is called like a type, the types are written in full."""
    clashes = {"int", "bool", "bytearray", "list", "tuple", "array"} & {
        one.name for one in members
    }
    if not clashes:
        return members
    return [
        plan.Member(
            one.name,
            _BUILTINS.sub(r"builtins.\1", one.annotation).replace(
                "array[", "_array.array["
            ),
            one.default,
            one.comment,
        )
        for one in members
    ]


def _packs(statements: list[plan.Statement]) -> bool:
    return any(
        isinstance(one, plan.Pack)
        or (isinstance(one, plan.If) and _packs(list(one.body)))
        or (isinstance(one, plan.Line) and "put(" in one.text)
        for one in statements
    )


def _all_text(value: object) -> str:
    """Every string of a plan, one after the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "\n".join(_all_text(one) for one in value)
    slots = getattr(type(value), "__slots__", ())
    return "\n".join(_all_text(getattr(value, name)) for name in slots)
