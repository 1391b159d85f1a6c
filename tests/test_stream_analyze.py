"""Values against QEMU's own ``scripts/analyze-migration.py``, where that works.

It is taken from the source trees in ``VMGEN_QEMU_TREES``.  It reads whole streams of
releases that describe their configuration, so not those of 7.2, and no mapped-ram file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.stream_files import WHOLE, codecs_of, whole
from tests.trees import require_tree
from vmgen.stream import Stream, described
from vmgen.stream.described import Slot

READABLE = [
    name
    for name in WHOLE
    if name.endswith("--10.0.2")
    and not any(
        word in name for word in ("mapped", "postcopy", "xbzrle", "return", "bitmap")
    )
]
"""It knows neither XBZRLE nor commands with a payload nor dirty-bitmap."""


def analysed(tree: Path, stream: Path) -> dict[str, Any]:
    script = tree / "scripts" / "analyze-migration.py"
    done = subprocess.run(
        [sys.executable, str(script), "-f", str(stream), "-d", "state"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def worded(slot: Slot, value: Any) -> Any:
    """A value as the script words it."""
    if slot.slots is not None:
        if not isinstance(value, Mapping):
            return [worded(slot, item) for item in value]
        if slot.type in ("struct", "subsection"):
            return all_worded(slot.slots, value)
        # What lies in a tmp or vstruct it gives as bytes.
        value = described.encode(slot.slots, value, memoryview(b""), 0, canonical=True)
    elif isinstance(value, (list, array)):
        return [worded(slot, item) for item in value]
    if value is None:
        return "nullptr"
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and slot.type not in ("timer", "float64", "CPU_Double_U"):
        width = 2 * slot.size
        if slot.type in ("uint8 equal", "uint16 equal") and value >> (4 * width - 1):
            value -= 1 << (4 * width)  # it takes these for signed
        unsigned = f"0x{value & ((1 << 4 * width) - 1):0{width}x}"
        if slot.type not in KNOWN:
            return " ".join(f"{byte:02x}" for byte in bytes.fromhex(unsigned[2:]))
        return f"{unsigned} ({value})" if value < 0 else unsigned
    data = (
        value
        if isinstance(value, bytes)
        else (value & (1 << 64) - 1).to_bytes(8, "big")
    )
    return " ".join(f"{byte:02x}" for byte in data)


KNOWN = {
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    "int32 equal", "int32 le", "uint32 equal", "int64 equal", "uint8 equal", "uint16 equal",
}  # fmt: skip
"""What the script prints as a number; other types are bytes to it."""


def all_worded(slots: Sequence[Slot], values: Mapping[str, Any]) -> dict[str, Any]:
    """An object; an array in several pieces (elements and NULL pointers) is one list."""
    made: dict[str, Any] = {}
    for name in dict.fromkeys(slot.name for slot in slots):
        pieces = [slot for slot in slots if slot.name == name]
        if len(pieces) == 1 and not pieces[0].indexed:
            made[name] = worded(pieces[0], values[name])
            continue
        items = iter(values[name])
        made[name] = [
            worded(slot, next(items)) for slot in pieces for _ in range(slot.count or 1)
        ]
    return made


@pytest.mark.parametrize("name", READABLE)
def test_the_script_reads_the_same_values(name: str, tmp_path: Path) -> None:
    tree = require_tree("10.0")
    file = tmp_path / "stream"
    file.write_bytes(whole(name))
    expected = analysed(tree, file)
    stream = Stream(file, codecs_of(name))
    compared = 0
    for one in stream.sections:
        if one.device is None or one.means == "old-style":
            continue
        slots = stream.layout(one)
        values = described.decode(slots, stream.view, one.start)
        theirs = expected[f"{one.name} ({one.id})"]
        ours = all_worded(slots, values)
        assert ours == {key: item for key, item in theirs.items() if key in ours}
        assert not [
            key
            for key in theirs.keys() - ours.keys()
            if theirs[key] not in ("", {}, [])
        ]
        compared += len(ours)
    assert compared >= 5
    ram = expected["ram (2)"]["section sizes"] if "ram (2)" in expected else None
    if ram is not None:
        sizes = {
            block.name: f"0x{block.used_length:016x}"
            for block in stream.memory().blocks
        }
        assert ram == sizes
