"""Modules and the package: what each generated file holds."""

from __future__ import annotations

import hashlib
import re
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
from vmgen.infos import formats
from vmgen.ir import json as ir_json
from vmgen.lower.descriptions import Descriptions
from vmgen.lower.names import (
    FACTORY,
    PUBLIC,
    RUNTIME,
    identifier,
    module_path,
    plain,
)
from vmgen.lower.namespace import Namespace
from vmgen.lower.program import Layouts, named
from vmgen.lower.sections import Shape, rivals, sections, shapes
from vmgen.lower.shape import Key

_Node = TypeVar("_Node", bound=Hashable)

_WORD = re.compile(r"[A-Za-z_]\w*")
_ALWAYS = {
    "Buffer", "Codec", "Context", "Owner", "PACK_ERRORS", "Scope", "State", "load",
    "maker", "save", "subsections", "unsavable",
}  # fmt: skip
"""The names of the runtime that every module has from its template."""


@dataclass(frozen=True, slots=True)
class Around:
    """What other programs say to one that shares modules with them.

    ``files`` are those whose modules stand in the folder above, one for all targets.
    ``sections`` are the keys in ``CODECS`` of their descriptions, ``repeated`` those
    that arrays of other programs hold.  ``split`` and ``shapes`` are as in
    :func:`sections`.
    """

    files: frozenset[str] = frozenset()
    sections: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    repeated: frozenset[Key] = frozenset()
    split: frozenset[str] = frozenset()
    shapes: Mapping[Key, Shape] = field(default_factory=dict)


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
    modules = tuple(one.module(around.files, edges) for one in written)
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
        rivals=tuple(
            plan.Rivals(key, tuple((one.key, one.fields) for one in found))
            for key, found in rivals(program.roots, around.split, known).items()
        ),
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


class _Written:
    """A module whose descriptions are written; what it imports is open.

    ``foreign`` are the names that it takes of other modules, by their file.
    """

    def __init__(self, space: Namespace) -> None:
        """``space`` and those of all other modules have their names."""
        self.file = space.source.file
        self._space = space
        written = Descriptions(space)
        self._descriptions = tuple(written.of(key) for key in space.keys)
        self._text = _all_text(self._descriptions)
        self._words = _words(self._descriptions, self._text)
        self.foreign: dict[str, list[str]] = {}
        for (file, name), local in sorted(space.wanted.items()):
            if local in self._words:
                entry = name if name == local else f"{name} as {local}"
                self.foreign.setdefault(file, []).append(entry)

    def module(
        self, above: frozenset[str], edges: Mapping[str, Collection[str]]
    ) -> plan.Module:
        """The plan of the module; ``edges`` are the files that each file imports.

        What imports this module too is imported at its end, when all is defined that
        the other may ask for.
        """
        source, program = self._space.source, self._space.layouts.program
        path = f"{module_path(source.file)}.py"
        here = path.count("/")
        runtime = "." * (here + (2 if program.target else 1))
        imports = [
            plan.Import(
                f"{runtime}_runtime",
                (
                    *((f"factory as {FACTORY}",) if FACTORY in self._words else ()),
                    *(name for name in RUNTIME if name in self._words),
                ),
            )
        ]
        for emitted, offered in formats.NAMES.items():
            if used := tuple(name for name in offered if name in self._words):
                imports.append(plan.Import(f"{runtime}{emitted}", used))
        late: list[plan.Import] = []
        for file, names in self.foreign.items():
            dotted = module_path(file).replace("/", ".")
            up = 2 if file in above else 1
            made = plan.Import("." * (here + up) + dotted, tuple(sorted(names)))
            (late if _reaches(edges, file, self.file) else imports).append(made)
        exports = ["CODECS"]
        for one in self._descriptions:
            exports += [cls.name for cls in one.classes]
            exports += [f"load_{one.codec}", f"save_{one.codec}"]
            exports += [predicate.name for predicate in one.predicates]
        return plan.Module(
            path=path,
            source=plain(source.file),
            release=program.release,
            target=program.target,
            digest=hashlib.sha256(
                repr((program.release, program.target, source)).encode()
            ).hexdigest(),
            imports=tuple(imports),
            late=tuple(late),
            standard=tuple(_standard(self._descriptions, self._text)),
            descriptions=self._descriptions,
            exports=tuple(sorted(exports)),
        )


def _words(descriptions: Sequence[plan.Description], text: str) -> set[str]:
    """The words of a module, those of the template included."""
    words = set(_WORD.findall(text)) | _ALWAYS
    for one in descriptions:
        words.update(f"_save_{row.codec}" for row in one.subsections)
        words.update(f"_load_{row.codec}" for row in one.looked_up)
    if any(one.runs for one in descriptions):
        words |= {"truncated"}
    if any(one.elements for one in descriptions):
        words |= {"repeated"}
    if any(one.subsections for one in descriptions):
        words |= {"Subsections", "subsection"}
    return words


def _standard(descriptions: Sequence[plan.Description], text: str) -> Iterator[str]:
    """What a module imports of the standard library."""
    if "builtins." in text:
        yield "import builtins"
    if "_array.array" in text:
        yield "import array as _array"
    if re.search(r"\barray\[", text):
        yield "from array import array"
    if any(one.elements for one in descriptions):
        yield "from collections.abc import Sequence"
    if any(one.runs for one in descriptions):
        yield "from struct import Struct, error as struct_error"


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


def _unnamed(layouts: Layouts) -> Mapping[Key, tuple[str, ...]]:
    """The wire names of descriptions that no other one names: where nobody said which
    are registered, these can be."""
    uses = {
        key: {each for leaf in layout.leaves for each in named(leaf)}
        for key, layout in layouts.all.items()
    }
    inner = set(layouts.parents)
    for key, below in uses.items():
        # Of descriptions that name each other in a circle any can be meant.
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


def _all_text(value: object) -> str:
    """Every string of a plan, one after the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "\n".join(_all_text(one) for one in value)
    slots = getattr(type(value), "__slots__", ())
    return "\n".join(_all_text(getattr(value, name)) for name in slots)
