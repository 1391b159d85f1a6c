"""What several targets have in common, told apart from what is a target's own.

A C file means the same for most targets.  Its module is then made once and stands above
the targets' folders; the targets import it.  That is so where the module is the same for
all targets that have the file, and so is everything that decides what its Python looks
like: the modules it names, and those that have its descriptions as subsections or fill
them by way of temporary objects (their state is what its predicates read).

A format that no C describes contains what the target's binary has for it: virtio devices
the state of those transports that there are.  A module made once contains all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.ir import graph
from vmgen.lower import OtherPrograms, sections, shapes
from vmgen.lower.sections import BEHIND_PATH

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Programs taken apart.

    ``common`` has the modules that stand above the targets, ``around`` what it takes to
    lower it.  ``own`` are the programs of the targets, in their order: the modules of the
    target's own and those above that they need to be lowered.
    """

    common: ir.Program
    around: OtherPrograms
    own: tuple[ir.Program, ...]


def share(programs: Sequence[ir.Program]) -> Sharing:
    """Takes the programs of several targets of one release apart."""
    links = [_Links(program) for program in programs]
    modules = _shared(programs, links)
    shared = modules.keys()
    keys: dict[_Key, dict[str, None]] = {}
    known = {key: one for each in programs for key, one in shapes(each).items()}
    split = frozenset(
        name.removeprefix(BEHIND_PATH)
        for program in programs
        for names in sections(program.roots).values()
        for name in names
        if name.startswith(BEHIND_PATH)
    )
    for program in programs:
        for key, names in sections(program.roots, split, known).items():
            if key[0] in shared:
                keys.setdefault(key, {}).update(dict.fromkeys(names))
    repeated = {
        (home, symbol)
        for program, link in zip(programs, links, strict=True)
        for module in program.modules
        if module.file not in shared
        for symbol, home in _arrays(module, link)
        if home in shared
    }
    around = OtherPrograms(
        frozenset(shared),
        {key: tuple(names) for key, names in keys.items()},
        frozenset(repeated),
        split,
        {key: one for key, one in known.items() if key[0] in shared},
    )
    near: dict[str, set[str]] = {file: set() for file in shared}
    for link in links:
        for file in link.homes.keys() & shared:
            near[file] |= link.near(file) - {file}
    own = tuple(
        _own(program, link, modules, near)
        for program, link in zip(programs, links, strict=True)
    )
    common = tuple(modules[file] for file in sorted(modules))
    return Sharing(ir.Program(programs[0].release, "", common), around, own)


class _Links:
    """Which files of a program have the descriptions that each file names."""

    def __init__(self, program: ir.Program) -> None:
        extern = {
            one.symbol: module.file
            for module in program.modules
            for one in module.descriptions
            if not one.static
        }
        self.homes: dict[str, dict[str, str]] = {}
        self.above: dict[str, set[str]] = {}
        for module in program.modules:
            own = {one.symbol for one in module.descriptions}
            homes = self.homes[module.file] = {}
            for description in module.descriptions:
                for each in graph.in_description(description):
                    symbol = each.symbol
                    homes[symbol] = module.file if symbol in own else extern[symbol]
                for symbol in _read_from(description):
                    self.above.setdefault(homes[symbol], set()).add(module.file)

    def near(self, file: str) -> set[str]:
        """The files that decide what the file's Python looks like."""
        return {*self.homes[file].values(), *self.above.get(file, ())}


def _read_from(description: ir.Description) -> Iterator[str]:
    """The descriptions whose functions may read the members of this one's object."""
    yield from description.subsections
    for field in description.fields:
        match field.element:
            case ir.TmpElement(symbol) | ir.StructElement(symbol, owned=True):
                yield symbol


def _arrays(module: ir.Module, links: _Links) -> Iterator[tuple[str, str]]:
    """The descriptions that arrays of the module hold, and their files."""
    for description in module.descriptions:
        for field in description.fields:
            if field.array and isinstance(field.element, ir.StructElement):
                symbol = field.element.description
                yield symbol, links.homes[module.file][symbol]


def _shared(
    programs: Sequence[ir.Program], links: Sequence[_Links]
) -> dict[str, ir.Module]:
    """The modules that are made once, by file: those that several targets have, and what
    they need."""
    having: dict[str, list[_Links]] = {}
    same: dict[str, ir.Module | None] = {}
    for program, link in zip(programs, links, strict=True):
        for module in program.modules:
            file = module.file
            before = having.setdefault(file, [])
            known = same.setdefault(file, module)
            if known is not None and before:
                agree = _agree(before[0].homes[file], link.homes[file])
                same[file] = _joined(known, module) if agree else None
            before.append(link)
    candidates = {file: module for file, module in same.items() if module is not None}
    for file in _clashing(candidates[file] for file in sorted(candidates)):
        del candidates[file]
    near = {
        file: set[str]().union(*(link.near(file) for link in having[file]))
        for file in candidates
    }
    while wrong := [file for file in candidates if near[file] - candidates.keys()]:
        for file in wrong:
            del candidates[file]
    todo = [file for file in candidates if len(having[file]) > 1]
    shared: dict[str, ir.Module] = {}
    while todo:
        file = todo.pop()
        if file not in shared:
            shared[file] = candidates[file]
            todo += near[file]
    return shared


def _agree(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(other.get(symbol, file) == file for symbol, file in one.items())


def _joined(one: ir.Module, other: ir.Module) -> ir.Module | None:
    """The module that both are but for what formats contain that no C describes; None if
    they differ in more."""
    if one == other:
        return one
    if _from_c(one) != _from_c(other):
        return None
    descriptions = {each.symbol: each for each in one.descriptions}
    for theirs in other.descriptions:
        mine = descriptions.setdefault(theirs.symbol, theirs)
        fields = _both(mine.fields, theirs.fields)
        if fields is None or replace(mine, fields=()) != replace(theirs, fields=()):
            return None
        descriptions[theirs.symbol] = replace(mine, fields=fields)
    functions = {each.symbol: each for each in one.functions}
    for function in other.functions:
        if functions.setdefault(function.symbol, function) != function:
            return None
    return replace(
        one,
        descriptions=tuple(descriptions.values()),
        functions=tuple(functions.values()),
    )


def _both(
    mine: Sequence[ir.Field], theirs: Sequence[ir.Field]
) -> tuple[ir.Field, ...] | None:
    """The fields of both in one order, where what one alone has is another description;
    None if there is no such order."""
    made: list[ir.Field] = []
    left = list(theirs)
    for field in mine:
        if field in left:
            place = left.index(field)
            made += left[:place]
            del left[: place + 1]
        made.append(field)
    made += left
    alone = [field for field in made if field not in mine or field not in theirs]
    if any(not isinstance(one.element, ir.StructElement) for one in alone):
        return None
    return tuple(made) if len(set(made)) == len(made) else None


def _from_c(module: ir.Module) -> tuple[object, ...]:
    """What C says of a module: the rest has no place in it."""
    return (
        module.file,
        [one for one in module.descriptions if one.position.file],
        [one for one in module.functions if one.position.file],
    )


def _clashing(modules: Iterable[ir.Module]) -> set[str]:
    """The files that define a symbol which another defines too, for other targets."""
    files: dict[str, set[str]] = {}
    for module in modules:
        for one in module.descriptions:
            if not one.static:
                files.setdefault(one.symbol, set()).add(module.file)
    return {file for found in files.values() if len(found) > 1 for file in found}


def _own(
    program: ir.Program,
    links: _Links,
    modules: Mapping[str, ir.Module],
    near: Mapping[str, set[str]],
) -> ir.Program:
    own = [module for module in program.modules if module.file not in modules]
    todo = [file for module in own for file in links.homes[module.file].values()]
    needed: set[str] = set()
    while todo:
        file = todo.pop()
        if file in modules and file not in needed:
            needed.add(file)
            todo += near[file]
    taken = [*own, *(modules[file] for file in needed)]
    return ir.Program(
        program.release,
        program.target,
        tuple(sorted(taken, key=lambda module: module.file)),
        program.roots,
        tuple(module.file for module in program.modules if module.file in modules),
    )
