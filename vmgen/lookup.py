"""Which description a symbol means, which descriptions a name means."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vmgen import ir, wording
from vmgen.source import Position


@dataclass(frozen=True, slots=True)
class Placed:
    """A description with the module it stands in, whose ``static`` ones it sees."""

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

    def find(self, symbol: str, module: ir.Module) -> Placed | None:
        """What ``symbol`` means where ``module`` says it: its own description first,
        then one that is not static; None if the program has neither."""
        return self._own.get((module.file, symbol)) or self._external.get(symbol)

    def functions(self, module: ir.Module) -> dict[str, ir.Function]:
        """The module's functions by symbol."""
        return self._functions[module.file]

    def inner(self, placed: Placed) -> Iterator[Placed]:
        """The descriptions that this one names: nested ones, then subsections."""
        symbols = [wording.nested(field) for field in placed.description.fields]
        for symbol in (*symbols, *placed.description.subsections):
            if symbol and (found := self.find(symbol, placed.module)):
                yield found

    def roots(self) -> tuple[Placed, ...]:
        """The descriptions that none but those that they name themselves names: a circle
        that nothing else leads to has no other beginning."""
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
                key = inner.module.file, inner.description.symbol
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


def _known(placed: Placed) -> tuple[str, ...]:
    symbol = placed.description.symbol
    return symbol, symbol.removeprefix("vmstate_"), placed.description.name


def mentions(description: ir.Description) -> Iterator[tuple[str, Position]]:
    """The symbols of the descriptions that a description names, and where."""
    for field in description.fields:
        match field.element:
            case (
                ir.StructElement(description=symbol)
                | ir.TmpElement(description=symbol)
                | ir.ListElement(description=symbol)
            ):
                yield symbol, field.position
            case ir.GTreeElement(key=key, value=value):
                if key:
                    yield key, field.position
                yield value, field.position
    for symbol in description.subsections:
        yield symbol, description.position
