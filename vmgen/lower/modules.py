"""Modules and the package: what each generated file holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from vmgen import ir, ir_json, plan
from vmgen.infos import formats
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
from vmgen.lower.sections import sections
from vmgen.lower.shape import Key

_WORD = re.compile(r"[A-Za-z_]\w*")


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
    spaces = {
        module.file: Namespace(layouts, module, keys) for module in program.modules
    }
    for space in spaces.values():
        space.name_all()
        space.others = spaces
    modules = tuple(
        _module(space, around.files)
        for space in spaces.values()
        if space.keys and space.source.file not in around.files
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


def _module(space: Namespace, above: frozenset[str]) -> plan.Module:
    """The plan of a module, once all modules have their names."""
    written = Descriptions(space)
    descriptions = tuple(written.of(key) for key in space.keys)
    path = f"{module_path(space.source.file)}.py"
    program = space.layouts.program
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
    for (file, name), local in sorted(space.wanted.items()):
        if local in words:
            entry = name if name == local else f"{name} as {local}"
            foreign.setdefault(file, []).append(entry)
    late: list[plan.Import] = []
    for file, names in foreign.items():
        dotted = module_path(file).replace("/", ".")
        up = 2 if file in above else 1
        made = plan.Import("." * (here + up) + dotted, tuple(sorted(names)))
        (late if space.reaches(file, space.source.file) else imports).append(made)
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
        source=plain(space.source.file),
        release=program.release,
        target=program.target,
        digest=hashlib.sha256(
            repr((program.release, program.target, space.source)).encode()
        ).hexdigest(),
        imports=tuple(imports),
        late=tuple(late),
        standard=tuple(standard),
        descriptions=descriptions,
        exports=tuple(sorted(exports)),
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


def _all_text(value: object) -> str:
    """Every string of a plan, one after the other."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return "\n".join(_all_text(one) for one in value)
    slots = getattr(type(value), "__slots__", ())
    return "\n".join(_all_text(getattr(value, name)) for name in slots)
