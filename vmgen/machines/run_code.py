"""Which functions that register a section of no device a machine runs in any case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from vmgen import ir
from vmgen.machines.model import BoardCode, ClassCondition, FileMachines
from vmgen.machines.runs import known_runs
from vmgen.machines.symbols import Symbols
from vmgen.roots import Registrations
from vmgen.roots.registering import REGISTERING


class RunCode:
    """The code of all boards of a binary."""

    def __init__(
        self, registrations: Iterable[Registrations], files: Iterable[FileMachines]
    ) -> None:
        self._boards: Symbols[BoardCode] = Symbols()
        self._variables: Symbols[int] = Symbols()
        self._registering = Counter(
            (one.file, one.function)
            for registered in registrations
            for one in registered.registrations
            if one.how == "vmstate_register"
        )
        for file in files:
            for board in file.boards:
                self._boards.add(file.file, board.name, board, board.static)
            for name, value in file.variables:
                self._variables.add(file.file, name, value, False)

    def by(
        self,
        board: str,
        init: tuple[str, str],
        fills: Iterable[tuple[str, str]],
        members: Mapping[ir.MemberPlace, int],
    ) -> tuple[tuple[str, str], ...]:
        """The functions that register a section of no device and that a machine runs
        whatever the guest is, with their files, sorted.

        ``board`` is the file of its type, ``init`` the function that makes the board,
        ``fills`` those that fill its object, ``members`` the constants of its class.
        """
        changed = {
            name
            for file, function in (init, *fills)
            for code in self._reached(file, function, set())
            for name in code.changes
        }

        def holds(file: str, condition: ClassCondition) -> bool:
            place, wanted = condition
            if place.type:
                return place in members and bool(members[place]) == wanted
            first = self._variables.find(file, place.path)
            if first is None or place.path in changed:
                return False
            return bool(first[1]) == wanted

        def run(file: str, name: str, above: frozenset[str]) -> None:
            found = self._boards.find(file, name)
            if found is None or name in above:
                return
            at, code = found
            calls = [
                call
                for call in code.calls
                if all(holds(at, condition) for condition in call.given)
            ]
            made = sum(call.symbol in REGISTERING for call in calls)
            if 0 < self._registering[at, name] <= made:
                registering.add((at, name))
            for call in calls:
                run(at, call.symbol, above | {name})

        registering = {
            (one.file, one.function)
            for one in known_runs()
            if one.board == board and (one.file, one.function) in self._registering
        }
        run(*init, frozenset())
        return tuple(sorted(registering))

    def _reached(self, file: str, name: str, seen: set[str]) -> Iterator[BoardCode]:
        """A function and all that it may call, of the files of boards."""
        found = self._boards.find(file, name)
        if found is not None and name not in seen:
            seen.add(name)
            at, code = found
            yield code
            for one in code.names:
                yield from self._reached(at, one, seen)
