"""Modules and the package: what each generated file holds."""

from __future__ import annotations

import hashlib
from collections.abc import (
    Collection,
    Hashable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field, replace
from typing import TypeVar

from vmgen import ir, plan
from vmgen.infos.taught import with_functions
from vmgen.ir import json as ir_json
from vmgen.known import with_needed_facts
from vmgen.lower.assemble import assemble
from vmgen.lower.descriptions import Descriptions
from vmgen.lower.meta import meta
from vmgen.lower.names import PUBLIC, identifier, module_path, short
from vmgen.lower.namespace import Namespace
from vmgen.lower.program import CodecLayouts, named
from vmgen.lower.sections import Shape, rivals, sections, shapes
from vmgen.lower.shape import Key
from vmgen.plan import code
from vmgen.targets import page_bits

_Node = TypeVar("_Node", bound=Hashable)

STANDARD = "std:"
"""In front of a module of the standard library."""


@dataclass(frozen=True, slots=True)
class OtherPrograms:
    """What other programs say to one that shares modules with them.

    ``files`` are those whose modules are in the folder above, one for all targets.
    ``sections`` are the keys in ``CODECS`` of their descriptions, ``repeated`` those
    that arrays of other programs hold.  ``split`` and ``shapes`` are as in
    :func:`sections`.
    """

    files: frozenset[str] = frozenset()
    sections: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    repeated: frozenset[Key] = frozenset()
    split: frozenset[str] = frozenset()
    shapes: Mapping[Key, Shape] = field(default_factory=dict)


def lower(
    program: ir.Program,
    around: OtherPrograms | None = None,
    named: Collection[tuple[str, str]] = (),
    *,
    bare: bool = False,
) -> plan.Package:
    """The codec plan of a program: pure, the same for the same IR.

    Modules that stand elsewhere are known, but not part of it.  ``named`` are the Python
    functions, ``load`` and ``save``, that the user's own configuration names: no others
    get into code, whatever the IR says.  Code that no one reads can be ``bare``: the package
    offers its codecs alone, and says not what it was made of (no IR, no digests).  Raises
    :class:`VmgenError` VG510 for a table that has no known wire format.
    """
    program = with_functions(program, named)
    around = around or OtherPrograms()
    layouts = assemble(program, around.repeated)
    known = {**shapes(program), **around.shapes}
    own = sections(program.roots, around.split, known)
    if not program.roots and not around.files and not around.sections:
        own = _unnamed(layouts)
    keys = {**own, **around.sections}
    spaces = {
        module.file: Namespace(layouts, module, keys) for module in program.modules
    }
    for space in spaces.values():
        space.name_all()
        space.others = spaces
    written = [
        _Written(space)
        for space in spaces.values()
        if space.keys and space.source.file not in around.files
    ]
    # What a module imports is known when all of it is written.
    edges = {one.file: set(one.foreign) for one in written}
    called = _called(written, around.repeated)
    modules = tuple(one.module(around.files, edges, called, bare) for one in written)
    offered = () if bare else tuple(offers(modules))
    sources = [
        module.file for module in program.modules if module.file not in around.files
    ]
    return plan.Package(
        folder=identifier(program.target.replace("-", "_")) if program.target else "",
        release=program.release,
        target=program.target,
        sources=tuple(sources),
        digest="" if bare else _digest(program, around.files),
        modules=modules,
        runtime=PUBLIC,
        exports=exports(offered),
        several=several(offered),
        page_bits=page_bits(program.target, program.release),
        meta=meta(program),
        unread=tuple(sorted(_unread(program).items())),
        roots=tuple(_roots(own, around.files)),
        rivals=tuple(
            plan.Rivals(key, tuple((one.key, one.fields) for one in found))
            for key, found in rivals(program.roots, around.split, known).items()
        ),
        ir="" if bare else _ir(program, around.files),
    )


def _unread(program: ir.Program) -> dict[str, str]:
    """Why there is no codec, by symbol without ``vmstate_`` and by the section's name."""
    lost = {
        (one.file, one.symbol): str(one.found[0])
        for one in program.unread
        if one.symbol
    }
    return {short(symbol): why for (_, symbol), why in lost.items()} | {
        root.section: why
        for root in program.roots
        if (why := lost.get((root.home, root.symbol)))
    }


def _ir(program: ir.Program, above: frozenset[str]) -> str:
    return ir_json.dumps(with_needed_facts(_without(program, above)))


def _digest(program: ir.Program, above: frozenset[str]) -> str:
    own = program if not above else _without(program, above)
    return hashlib.sha256(repr(own).encode()).hexdigest()


def _without(program: ir.Program, files: frozenset[str]) -> ir.Program:
    """The program with the modules that are in its own folder, and without lines of
    the sources that it was read from."""
    modules = tuple(one for one in program.modules if one.file not in files)
    unread = tuple(
        replace(one, found=tuple(replace(each, excerpt="") for each in one.found))
        for one in program.unread
    )
    return replace(program, modules=modules, unread=unread)


def offers(
    modules: Iterable[plan.ModulePlan], *, above: bool = False
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


def several(offered: Iterable[plan.Export]) -> tuple[plan.Several, ...]:
    """The names that more than one module offers, sorted."""
    found: dict[str, list[str]] = {}
    for one in offered:
        if one.name not in PUBLIC:
            found.setdefault(one.name, []).append(one.module)
    return tuple(
        plan.Several(name, tuple(sorted(found[name])))
        for name in sorted(found)
        if len(found[name]) > 1
    )


def _roots(
    keys: Mapping[Key, tuple[str, ...]], above: frozenset[str]
) -> Iterator[plan.RootExport]:
    wires = {wire: key[0] for key, names in keys.items() for wire in names}
    for wire in sorted(wires):
        file = wires[wire]
        yield plan.RootExport(wire, _dotted(module_path(file), file in above))


def _dotted(path: str, above: bool) -> str:
    dotted = path.removesuffix(".py").replace("/", ".")
    return f".{dotted}" if above else dotted


class _Written:
    """A module whose descriptions are written; what it imports is open.

    ``foreign`` are the files whose modules it imports.
    """

    def __init__(self, space: Namespace) -> None:
        """``space`` and those of all other modules have their names."""
        self.file = space.source.file
        self.space = space
        written = Descriptions(space)
        self.descriptions = tuple(written.of(key) for key in space.keys)
        # The names in each description without its codecs of many objects, and in those.
        self.names = [
            code.names_in(replace(one, elements=())) for one in self.descriptions
        ]
        self.elements = {
            each.unpack: code.names_in(each)
            for one in self.descriptions
            for each in one.elements
        }
        files = space.layouts.functions.keys()
        made = code.names_in(tuple(space.makers))
        used = _union((*self.names, *self.elements.values(), made)).imported
        self.foreign = {one.module for one in used if one.module in files}

    def module(
        self,
        above: frozenset[str],
        edges: Mapping[str, Collection[str]],
        called: Collection[tuple[str, str]],
        bare: bool,
    ) -> plan.ModulePlan:
        """The plan of the module; ``edges`` are the files that each file imports,
        ``called`` are the codecs of many objects that some module calls.

        What imports this module too is imported at its end, when all is defined that
        the other may ask for.
        """
        source, program = self.space.source, self.space.layouts.program
        descriptions = tuple(
            replace(
                one,
                elements=tuple(
                    each for each in one.elements if (self.file, each.unpack) in called
                ),
            )
            for one in self.descriptions
        )
        mentioned = _union(
            (
                *self.names,
                *(
                    self.elements[each.unpack]
                    for one in descriptions
                    for each in one.elements
                ),
            )
        )
        makers = tuple(
            plan.Maker(name, one)
            for one, name in self.space.makers.items()
            if name in mentioned.own
        )
        used = {
            *mentioned.imported,
            *code.names_in(makers).imported,
            *_printed(descriptions),
        }
        path = f"{module_path(source.file)}.py"
        here = path.count("/")
        runtime = "." * (here + (2 if program.target else 1))
        imports: list[plan.Import] = []
        late: list[plan.Import] = []
        standard: list[plan.Import] = []
        for module in sorted({one.module for one in used}):
            names = tuple(
                sorted(
                    (one for one in used if one.module == module),
                    key=lambda one: (one.id, one.local),
                )
            )
            if module.startswith(STANDARD):
                standard.append(plan.Import(module.removeprefix(STANDARD), names))
            elif module in self.foreign:
                up = 2 if module in above else 1
                dotted = "." * (here + up) + module_path(module).replace("/", ".")
                far = _reaches(edges, module, self.file)
                (late if far else imports).append(plan.Import(dotted, names))
            else:
                imports.append(plan.Import(f"{runtime}{module}", names))
        exports = ["CODECS"]
        for one in descriptions:
            exports += [cls.name for cls in one.classes]
            exports += [f"load_{one.codec}", f"save_{one.codec}"]
            exports += [predicate.name for predicate in one.predicates]
        return plan.ModulePlan(
            path=path,
            source=source.file,
            release=program.release,
            target=program.target,
            digest="" if bare else _module_digest(program, source),
            imports=tuple(imports),
            late=tuple(late),
            makers=makers,
            standard=tuple(standard),
            descriptions=descriptions,
            exports=tuple(sorted(exports)),
            states=tuple(dict.fromkeys(one.cls for one in descriptions if one.keys)),
        )


def _module_digest(program: ir.Program, module: ir.Module) -> str:
    said = repr((program.release, program.target, module))
    return hashlib.sha256(said.encode()).hexdigest()


def _called(
    written: Sequence[_Written], repeated: Collection[Key]
) -> set[tuple[str, str]]:
    """File and ``unpack`` of the codecs of many objects that some module calls, or that
    a module of another program may call."""
    calls: dict[tuple[str, str], set[tuple[str, str]]] = {}
    wanted = {
        (one.file, f"_unpack_{one.space.codecs[key]}")
        for one in written
        for key in repeated
        if key in one.space.codecs
    }
    for one in written:
        for unpack, names in one.elements.items():
            calls[one.file, unpack] = set(_unpackers(names, one.file))
        wanted |= set(_unpackers(_union(one.names), one.file))
    todo = list(wanted)
    while todo:
        for below in calls.get(todo.pop(), set()) - wanted:
            wanted.add(below)
            todo.append(below)
    return wanted


def _union(names: Iterable[code.Mentioned]) -> code.Mentioned:
    """All names of several parts."""
    parts = tuple(names)
    return code.Mentioned(
        frozenset().union(*(one.own for one in parts)),
        frozenset().union(*(one.imported for one in parts)),
    )


def _unpackers(names: code.Mentioned, file: str) -> Iterator[tuple[str, str]]:
    """The names in a part of a file's plan, each with the file that it is of."""
    for own in names.own:
        yield file, own
    for one in names.imported:
        yield one.module, one.id


def _printed(descriptions: Sequence[plan.CodecPlan]) -> Iterator[code.PyGlobal]:
    """What a module has from its template."""
    names = ["Buffer", "Codec", "Out", "Owner", "Scope", "State", "functions"]
    if any(one.keys for one in descriptions):
        names += ["codec"]
    predicates = [each for one in descriptions for each in one.predicates]
    if predicates:
        names += ["Context"]
    if any(one.asks for one in predicates):
        names += ["Outside"]
    if any(one.runs for one in descriptions):
        names += ["Run"]
    if any(one.elements for one in descriptions):
        yield code.PyGlobal(f"{STANDARD}collections.abc", "Sequence", "Sequence")
    yield from map(code.runtime, names)


def _reaches(
    edges: Mapping[_Node, Collection[_Node]], start: _Node, goal: _Node
) -> bool:
    """Whether there is a way from one to the other."""
    seen: set[_Node] = set()
    todo = [start]
    while todo:
        here = todo.pop()
        if here == goal:
            return True
        if here not in seen:
            seen.add(here)
            todo += edges.get(here, ())
    return False


def _unnamed(layouts: CodecLayouts) -> Mapping[Key, tuple[str, ...]]:
    """The wire names of descriptions that no other one names: where no one said which
    are registered, these can be."""
    uses = {
        key: {each for leaf in layout.leaves for each in named(leaf)}
        for key, layout in layouts.all.items()
    }
    inner = set(layouts.parents)
    for key, below in uses.items():
        # Of descriptions that name each other in a circle it can be any.
        inner |= {each for each in below - inner if not _reaches(uses, each, key)}
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
