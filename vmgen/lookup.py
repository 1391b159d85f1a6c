"""Which description a symbol means, which descriptions a name means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.ir import graph


@dataclass(frozen=True, slots=True)
class Placed:
    """A description with the module it is in, whose ``static`` ones it sees."""

    module: ir.Module
    description: ir.Description


class Lookup:
    """The descriptions and functions of one program, by symbol."""

    def __init__(self, program: ir.Program) -> None:
        self.program = program
        self._own = {
            (module.file, item.symbol): Placed(module, item)
            for module in program.modules
            for item in module.descriptions
        }
        self._external = {
            placed.description.symbol: placed
            for placed in self._own.values()
            if not placed.description.static
        }
        self._functions = {
            module.file: {function.symbol: function for function in module.functions}
            for module in program.modules
        }

    def all(self) -> tuple[Placed, ...]:
        """Every description, in the program's order."""
        return tuple(self._own.values())

    def at(self, file: str, symbol: str) -> Placed | None:
        """The description of this symbol that the file defines; None if it has none."""
        return self._own.get((file, symbol))

    def find(self, symbol: str, module: ir.Module) -> Placed | None:
        """What ``symbol`` means where ``module`` says it: its own description first,
        then one that is not static; None if the program has neither."""
        return self._own.get((module.file, symbol)) or self._external.get(symbol)

    def meant(self, reference: graph.Reference, module: ir.Module) -> Placed | None:
        """What a mention means where ``module`` has it; None if the program lacks it."""
        return self.find(reference.symbol, module)

    def functions(self, module: ir.Module) -> dict[str, ir.Function]:
        """The module's functions by symbol."""
        return self._functions[module.file]

    def inner(self, placed: Placed) -> Iterator[Placed]:
        """The descriptions that this one names: nested ones, then subsections."""
        for reference in graph.in_description(placed.description):
            if found := self.meant(reference, placed.module):
                yield found

    def below(self, placed: Placed) -> tuple[Placed, ...]:
        """The descriptions that this one names, and those that they name; its own is
        there if it is in a circle."""
        found = self._below(placed)
        return tuple(one for key, one in self._own.items() if key in found)

    def closure(self, *several: Placed) -> ir.Program:
        """The program with these descriptions and those below them, nothing else."""
        kept = {_key(placed) for placed in several}
        for placed in several:
            kept |= self._below(placed)
        modules = (
            replace(
                module,
                descriptions=tuple(
                    item
                    for item in module.descriptions
                    if (module.file, item.symbol) in kept
                ),
            )
            for module in self.program.modules
        )
        return replace(
            self.program,
            modules=tuple(module for module in modules if module.descriptions),
            roots=(),
        )

    def roots(self) -> tuple[Placed, ...]:
        """The entry points: descriptions that no other one refers to.  Each member of a
        circle that nothing outside refers to is one too."""
        below = {key: self._below(placed) for key, placed in self._own.items()}
        named: dict[tuple[str, str], set[tuple[str, str]]] = {
            key: set() for key in below
        }
        for key, found in below.items():
            for inner in found:
                named[inner].add(key)
        return tuple(
            placed for key, placed in self._own.items() if named[key] <= below[key]
        )

    def _below(self, placed: Placed) -> set[tuple[str, str]]:
        """The descriptions that this one names, and those that they name, by file and
        symbol; its own is there if it is in a circle."""
        found: set[tuple[str, str]] = set()
        waiting = [placed]
        while waiting:
            for inner in self.inner(waiting.pop()):
                key = _key(inner)
                if key not in found:
                    found.add(key)
                    waiting.append(inner)
        return found

    def named(self, names: Sequence[str]) -> tuple[Placed, ...]:
        """The descriptions that one of the names means, in the program's order.

        A name is a C symbol, with or without ``vmstate_``, or a wire name; ``*`` and
        ``?`` match as in a shell.  No names mean all.
        """
        if not names:
            return self.all()
        return tuple(
            placed
            for placed in self._own.values()
            if any(
                fnmatch.fnmatchcase(known, name)
                for known in _known(placed)
                for name in names
            )
        )

    def candidates(self) -> tuple[str, ...]:
        """Every name that :meth:`named` knows, for suggestions."""
        return tuple(
            dict.fromkeys(name for item in self._own.values() for name in _known(item))
        )


def _key(placed: Placed) -> tuple[str, str]:
    return placed.module.file, placed.description.symbol


def _known(placed: Placed) -> tuple[str, ...]:
    symbol = placed.description.symbol
    return symbol, symbol.removeprefix("vmstate_"), placed.description.name
