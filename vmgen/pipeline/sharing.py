"""What several targets have in common, told apart from what is a target's own.

A C file means the same for most targets.  Its module is then made once and stands above
the targets' folders; the targets import it.  That is so where the module is the same for
all targets that have the file, and so is everything that decides what its Python looks
like: the modules it names, and those that have its descriptions as subsections or fill
them by way of temporary objects (their state is what its predicates read).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vmgen import ir
from vmgen.link import contained, mentions
from vmgen.lower import Around, sections

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Programs taken apart.

    ``common`` has the modules that stand above the targets, ``around`` what it takes to
    lower it.  ``own`` are the programs of the targets, in their order: the modules of the
    target's own and those above that they need to be lowered.
    """

    common: ir.Program
    around: Around
    own: tuple[ir.Program, ...]


def share(programs: Sequence[ir.Program]) -> Sharing:
    """Takes the programs of several targets of one release apart."""
    links = [_Links(program) for program in programs]
    shared = _shared(programs, links)
    modules = {
        module.file: module
        for program in programs
        for module in program.modules
        if module.file in shared
    }
    keys: dict[_Key, dict[str, None]] = {}
    for program in programs:
        for key, names in sections(program.roots).items():
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
    around = Around(
        frozenset(shared),
        {key: tuple(names) for key, names in keys.items()},
        frozenset(repeated),
    )
    near: dict[str, set[str]] = {file: set() for file in shared}
    for link in links:
        for file in shared & link.homes.keys():
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
                for symbol, _ in mentions(description):
                    homes[symbol] = module.file if symbol in own else extern[symbol]
                for part in contained(description):
                    homes[f"{part.symbol} of {part.file}"] = part.file
                for symbol in _read_from(description):
                    self.above.setdefault(homes[symbol], set()).add(module.file)

    def near(self, file: str) -> set[str]:
        """The files that decide what the file's Python looks like."""
        return {*self.homes[file].values(), *self.above.get(file, ())}


def _read_from(description: ir.Description) -> Iterator[str]:
    """The descriptions whose functions may read the members of this one's object."""
    yield from description.subsections
    for field in description.fields:
        if isinstance(field.element, ir.TmpElement):
            yield field.element.description


def _arrays(module: ir.Module, links: _Links) -> Iterator[tuple[str, str]]:
    """The descriptions that arrays of the module hold, and their files."""
    for description in module.descriptions:
        for field in description.fields:
            if field.array and isinstance(field.element, ir.StructElement):
                symbol = field.element.description
                yield symbol, links.homes[module.file][symbol]


def _shared(programs: Sequence[ir.Program], links: Sequence[_Links]) -> set[str]:
    having: dict[str, list[int]] = {}
    first: dict[str, ir.Module] = {}
    different: set[str] = set()
    for index, program in enumerate(programs):
        for module in program.modules:
            having.setdefault(module.file, []).append(index)
            known = first.setdefault(module.file, module)
            if (
                known != module
                or links[index].homes[module.file]
                != links[having[module.file][0]].homes[module.file]
            ):
                different.add(module.file)
    shared = {
        file
        for file, indices in having.items()
        if len(indices) > 1 and file not in different
    }
    shared -= _clashing(first[file] for file in sorted(shared))
    while True:
        wrong = {
            file
            for file in shared
            if any(links[index].near(file) - shared for index in having[file])
        }
        if not wrong:
            return shared
        shared -= wrong


def _clashing(modules: Iterable[ir.Module]) -> set[str]:
    """The files that define a symbol which another one defines too, for other targets."""
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
