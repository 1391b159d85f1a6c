"""A folder that ``vmgen export unicorn`` or its ``seed.py`` wrote, as memory and registers for
a template."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vmgen.guest import Guest
from vmgen.imported.core import CoreRun
from vmgen.imported.emulated import MADE, put
from vmgen.imported.errors import BadCore
from vmgen.imported.memory import placed
from vmgen.imported.registers import TakenCpu
from vmgen.imported.template import Imported
from vmgen.json_members import once_each
from vmgen.schemas import VERSIONS
from vmgen.stream import Draft
from vmgen.stream.input import mapped
from vmgen.stream.paths import meant
from vmgen.stream.registers import RegisterFile
from vmgen.stream.wire import printable

NAME = "seed.json"
_LONGEST = 1 << 26
_MOST = 1 << 16
_NUMBER = re.compile(r"0x[0-9a-f]{1,512}")


@dataclass(frozen=True, slots=True)
class SavedSeed:
    """The target, the registers of every CPU by name, and where memory is: address, size and
    the name of its file."""

    target: str
    cpus: tuple[Mapping[str, int], ...]
    regions: tuple[tuple[int, int, str], ...]


def read_seed(folder: Path) -> SavedSeed:
    """What ``seed.json`` of a folder says.

    Raises OSError, and BadCore for a file of another form.
    """
    with (folder / NAME).open("rb") as file:
        text = file.read(_LONGEST + 1)
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"more than {_LONGEST} bytes")
        return _seed(json.loads(text, object_pairs_hook=once_each))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadCore(
            f"{NAME} is none of 'vmgen export unicorn': {error}", None, "seed"
        ) from None


def _seed(document: Any) -> SavedSeed:
    version = document["version"]
    if version != VERSIONS["export-unicorn"]:
        raise ValueError(f"version {version}")
    cpus = tuple(
        {str(name): _number(text) for name, text in one["registers"].items()}
        for one in document["cpus"]
    )
    regions = tuple(
        sorted(
            (_size(one["address"]), _size(one["size"]), _file(one["file"]))
            for one in document["regions"]
        )
    )
    if len(regions) > _MOST:
        raise ValueError(f"{len(regions)} regions")
    return SavedSeed(str(document["target"]), cpus, regions)


def _number(text: Any) -> int:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise ValueError("the value of a register is not a hexadecimal number")
    return int(text, 16)


def _size(number: Any) -> int:
    if type(number) is not int or not 0 <= number < 1 << 64:
        raise ValueError("an address or a size is no number of 64 bits")
    return number


def _file(name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[\w.-]+", name):
        raise ValueError("a file is not in the folder")
    return name


class SeedImages:
    """The memory of a folder; its files are mapped, and read where they are wanted."""

    def __init__(self, folder: Path, seed: SavedSeed) -> None:
        self._data: list[memoryview] = []
        runs: list[CoreRun] = []
        for start, size, name in seed.regions:
            with (folder / name).open("rb") as file:
                data = mapped(file)
            if len(data) != size:
                raise BadCore(f"{name} has {len(data)} bytes, not {size}", None, "seed")
            if runs and start < runs[-1].end:
                raise BadCore(f"{name} begins inside of another file", None, "seed")
            if size:
                runs.append(CoreRun(start, size, 0))
                self._data.append(data)
        self.runs = tuple(runs)
        self._starts = [run.start for run in runs]

    def read(self, address: int, size: int) -> memoryview:
        """Bytes at a physical address, inside of one run."""
        index = bisect_right(self._starts, address) - 1
        at = address - self._starts[index]
        return self._data[index][at : at + size]

    def extents(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of a run that may be other than zeros: all of it."""
        yield first, last


def import_seed(guest: Guest, folder: Path) -> Imported:
    """A folder's registers and memory in a draft of the template.

    Raises OSError, BadCore, BadEdit, and what the template's map raises.
    """
    seed = read_seed(folder)
    if seed.target != guest.target or seed.target not in MADE:
        raise BadCore(
            f"a CPU of {seed.target} is none of the template's, {guest.target or 'which no codecs know'}",
            None, "cpu", "" if guest.target else "codecs say the target: --codecs, --target",
        )  # fmt: skip
    if len(seed.cpus) != len(guest.cpus):
        raise BadCore(
            f"the folder has {len(seed.cpus)} CPUs, the template {len(guest.cpus)}",
            None,
            "cpu",
        )
    draft = Draft(guest.stream)
    cpus = tuple(
        _taken(guest, draft, index, now) for index, now in enumerate(seed.cpus)
    )
    memory = placed(guest, SeedImages(folder, seed), flash=True)
    for name, image in memory.blocks.items():
        draft.memory(name).load(image)
    return Imported(draft, cpus, tuple(memory.blocks), memory.kept, "the folder")


def _taken(guest: Guest, draft: Draft, cpu: int, now: Mapping[str, int]) -> TakenCpu:
    path = guest.cpu_sections()[cpu].path
    file = guest.cpus[cpu].file
    now = _by_own_names(file, path, now)
    there = {one.name: one.value for one in guest.cpus[cpu].registers()}
    known = {name: value for name, value in now.items() if name in there}
    lost = [
        f"{path}: the template has no {name} ({value:#x})"
        for name, value in now.items() if name not in there and value
    ]  # fmt: skip
    wanted = {
        name: value for name, value in known.items() if name not in MADE[guest.target]
    }
    changed = put(guest, draft, cpu, there, wanted)
    return TakenCpu(path, len(known), bool(changed), tuple(lost))


def _by_own_names(
    file: RegisterFile, path: str, now: Mapping[str, int]
) -> dict[str, int]:
    """The registers by the names that tables list, whatever name of theirs is given.

    Raises BadCore for a name that no register has, and for one that is given twice.
    """
    found: dict[str, int] = {}
    for given, value in now.items():
        name = file.own_name(given)
        if name is None:
            raise BadCore(
                f"{NAME}: '{printable(given)}' is no register of {file.target}, and nothing is"
                " written", None, path, meant(file.near(given)),
            )  # fmt: skip
        if name in found:
            raise BadCore(
                f"{NAME}: {printable(given)} is {name}, which comes twice", None, path
            )
        found[name] = value
    return found
