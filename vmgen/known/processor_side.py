"""The processors of one side of a migration: a program, its machine types and their models.

A guest keeps its model (``-cpu``) and the switches of its parts where it is loaded; a
machine type's compat entries switch parts that the other release does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vmgen import ir
from vmgen.known.processors import ProcessorRegisters, Processors, processors_of
from vmgen.known.system_registers import DefinedRegisters

_CPU = "arm-cpu"
"""What the names of CPUs' types end with."""

_COMPAT = "backcompat-"
"""What the names of properties begin with that compat entries alone switch on."""

_ON, _OFF = ("on", "true", "yes", "y"), ("off", "false", "no", "n")
"""A bool's values (``qapi_bool_parse`` in ``qapi/qapi-util.c``)."""


@dataclass(slots=True)
class ProcessorSide:
    """The processors of one program."""

    program: ir.Program
    processors: Processors | None = field(init=False)
    defined: DefinedRegisters = field(init=False)
    _boards: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.processors = processors_of(self.program.premises)
        self.defined = DefinedRegisters(self.program.premises)
        self._boards = {one.name: one.board for one in self.program.machines.machines}

    def models(self, machine: str) -> frozenset[str]:
        """The models that a machine type has without ``-cpu``; none if that is not
        known."""
        if self.processors is None:
            return frozenset()
        return self.processors.boards.get(self._boards.get(machine, ""), frozenset())

    def started(self, one: ProcessorRegisters, machine: str) -> bool:
        """Whether a machine type without options but ``-cpu`` may have this
        processor: its board does not switch a part off that the processor has."""
        off = self._off(machine)
        return all(name in one.off for name in one.toggles if name in off)

    def _off(self, machine: str) -> frozenset[str]:
        if self.processors is None:
            return frozenset()
        return self.processors.off.get(self._boards.get(machine, ""), frozenset())

    def having(self, values: Mapping[int, int]) -> tuple[ProcessorRegisters, ...]:
        """The processors whose CPU saves such a list."""
        return () if self.processors is None else self.processors.having(values)

    def alike(
        self, other: ProcessorRegisters, machine: str
    ) -> tuple[ProcessorRegisters, ...]:
        """What a processor of another release may be on this side: those of its model that
        are switched as it is, and as the machine type switches what only this side knows.
        """
        if self.processors is None:
            return ()
        switched = self._switched(machine)
        switched.update(dict.fromkeys(self._off(machine), False))
        return tuple(
            one
            for one in self.processors.alike(other)
            if all(
                (name not in one.off) in _states(switched, name)
                for name in one.toggles
                if name not in other.toggles
            )
        )

    def _switched(self, machine: str) -> dict[str, bool]:
        """The properties of CPUs that a machine type's compat entries switch."""
        facts = self.program.machines
        of = next((one for one in facts.machines if one.name == machine), None)
        tables = {(one.file, one.symbol): one.settings for one in facts.tables}
        return {
            one.property: one.value in _ON
            for key in (() if of is None else of.tables)
            for one in tables.get(key, ())
            if one.driver.endswith(_CPU) and one.value in (*_ON, *_OFF)
        }


def _states(switched: Mapping[str, bool], name: str) -> tuple[bool, ...]:
    """How a property of a CPU may be switched, by what compat entries say."""
    if name in switched:
        return (switched[name],)
    return (False,) if name.startswith(_COMPAT) else (True, False)
