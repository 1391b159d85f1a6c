"""Which processor version each CPU model of a PowerPC release has.

``cpu_post_load`` (``target/ppc/machine.c``) refuses a processor other than the machine's
(``pvr_match``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from vmgen import ir

MODELS = "CPU models"
"""The premise (``vmgen/premises/premises.toml``) that a release's :class:`Models` are."""

_DEFAULT = re.compile(r'default_cpu_type=POWERPC_CPU_TYPE_NAME\("([^"]+)"\)')
_ENUMERATOR = "CPU_POWERPC_"
"""What the names of versions begin with (``target/ppc/cpu-models.h``)."""

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")


@dataclass(frozen=True)
class Models:
    """The CPU models of a release: ``rows`` are those of the premise, the models' names
    with their enumerators (``POWERPC_DEF``), the enumerators' values, other names for
    models, and what is the model of a machine type that is started without ``-cpu``."""

    rows: tuple[tuple[str, ...], ...]

    @cached_property
    def versions(self) -> dict[str, int]:
        """The processor version of each name whose number is written out."""
        pairs = {row[0]: row[1] for row in self.rows if len(row) == 2}
        found = {}
        for name in pairs:
            value, seen = name, set[str]()
            while value in pairs and value not in seen:
                seen.add(value)
                value = pairs[value]
            if _NUMBER.fullmatch(value):
                found[name] = int(value, 0)
        return found

    @property
    def names(self) -> frozenset[str]:
        """What ``-cpu`` takes, of the models whose version is written out."""
        return frozenset(
            name for name in self.versions if not name.startswith(_ENUMERATOR)
        )

    @cached_property
    def defaults(self) -> dict[str, frozenset[int | None]]:
        """The processor versions that a function gives the machine types that it fills;
        None for one that is not known."""
        found: dict[str, set[int | None]] = {}
        for row in self.rows:
            if len(row) == 2 and (model := _DEFAULT.fullmatch(row[1])):
                found.setdefault(row[0], set()).add(self.versions.get(model[1]))
        return {name: frozenset(some) for name, some in found.items()}


def models_of(premises: Iterable[ir.Premise]) -> Models | None:
    """The CPU models of a release; None for a target that compares none."""
    return next((Models(one.rows) for one in premises if one.name == MODELS), None)


def model_of(machine: ir.Machine) -> str:
    """The model that a machine type has without ``-cpu``; empty if it is not known."""
    return machine.cpu.partition("-powerpc")[0]


def stays(
    version: int,
    writer: Models,
    reader: Models,
    started: tuple[int | None, int | None] = (None, None),
) -> bool:
    """Whether a guest of this processor has it in the release that reads, too, if it is
    started with the same options: by the name of its model, or without ``-cpu``.

    ``started`` are the versions that the guest's machine type has without ``-cpu`` in the
    two releases, None where that is not known: any machine type's then count.
    """
    named = (
        reader.versions.get(name, version) == version
        for name, meant in writer.versions.items()
        if meant == version
    )
    if None not in started:
        return all(named) and (started[0] != version or started[1] == version)
    functions = (
        version in reader.defaults.get(function, {version})
        for function, meant in writer.defaults.items()
        if version in meant
    )
    return all(named) and all(functions)
