"""A folder that starts an emulator: registers, memory by region, and the Python that puts them
into Unicorn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files as resources
from typing import Any, BinaryIO

from vmgen.emulate.emulator import encodings_of, missing, registers_of, values_of
from vmgen.export import regions
from vmgen.export.formats import ExportOptions, unplaced
from vmgen.guest import Guest
from vmgen.schemas import versioned


def losses(guest: Guest, options: ExportOptions) -> Iterator[str]:
    """Of CPUs and memory: what the emulator has no place for, blocks without an address."""
    for cpu in guest.cpus:
        for one in missing(guest, cpu.index):
            yield f"cpu {cpu.index}: {one}"
    yield from unplaced(guest)


def files(guest: Guest) -> Iterator[tuple[str, Callable[[BinaryIO], None]]]:
    """The name of every file, and what writes it; ``seed.json`` comes last."""
    yield from regions.images(guest)
    program = resources("vmgen").joinpath("emulate", "seed.py").read_text("utf-8")
    yield "seed.py", regions.text(program)
    document = versioned(
        "export-unicorn",
        {
            "machine": guest.machine,
            "target": guest.target,
            "cpus": [_cpu(guest, cpu.index) for cpu in guest.cpus],
            "regions": regions.entries(guest),
        },
    )
    yield "seed.json", regions.text(json.dumps(document, indent=1) + "\n")


def _cpu(guest: Guest, cpu: int) -> dict[str, Any]:
    file = registers_of(guest, cpu)
    registers = {name: hex(value) for name, value in values_of(file).items()}
    return {"registers": registers, "encodings": encodings_of(file)}
