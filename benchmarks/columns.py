"""Columns of many states against objects: ``python -m benchmarks.columns``.

100,000 states of ``cpu`` of riscv64, half of them with other subsections than the rest in
the second row, are read by the codec one by one, and as columns; the best of three runs
counts.  ``--write`` puts the table into ``docs/columns.md``.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vmgen.columns import columns
from vmgen.stream import from_folder

ROOT = Path(__file__).resolve().parent.parent
COUNT = 100_000

Row: TypeAlias = tuple[str, float, float]
"""What was done, in how many seconds, and how many times faster than objects."""


def bodies(codec: Any, mixed: bool) -> list[bytes]:
    """States with random registers and the subsections that most have, half of them
    without one where ``mixed``."""
    generator = random.Random(1)
    cls = codec.state
    empty = cls()
    kept = [one for one in cls.fields() if one.name in ("pmp", "hyper", "envcfg")]
    for one in kept:
        setattr(empty, one.name, one.state())
    long = empty.save()
    empty.hyper = None
    short = empty.save()
    fields = len(cls().save())
    return [
        generator.randbytes(fields) + (short if mixed and number % 2 else long)[fields:]
        for number in range(COUNT)
    ]


def best(call: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest run."""
    spent = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return min(spent)


def measured(name: str, codec: Any, states: list[bytes], joined: bool) -> list[Row]:
    """The states one by one, and as columns."""
    objects = best(lambda: [codec.load(one) and None for one in states], 1)
    made = [(f"{name}: an object each", objects, 1.0)]
    source: Any = states
    if joined:
        source = np.frombuffer(b"".join(states), np.uint8).reshape(COUNT, -1)
        copied = best(lambda: source.copy())
        made.append((f"{name}: the bytes copied", copied, objects / copied))
    found = columns(codec, source)
    spent = best(lambda: columns(codec, source))
    made.append((f"{name}: columns", spent, objects / spent))
    spent += best(lambda: [found.native(path) is None for path in found])
    made.append((f"{name}: columns, each copied", spent, objects / spent))
    return made


def rows() -> list[Row]:
    """The table, one row a measurement."""
    codec = from_folder(ROOT / "generated")["riscv64"].get("cpu")
    assert codec is not None
    return [
        *measured("all alike", codec, bodies(codec, mixed=False), True),
        *measured("half without hyper", codec, bodies(codec, mixed=True), False),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into the docs")
    wanted = parser.parse_args()
    lines = ["| 100,000 states of `cpu`, riscv64 | seconds | |", "|---|---:|---:|"]
    lines += [
        f"| {what} | {spent:.3f} | {times:.1f}x |" for what, spent, times in rows()
    ]
    print("\n".join(lines))
    if wanted.write:
        page = ROOT / "docs" / "columns.md"
        text = page.read_text("utf-8")
        before, begin, rest = text.partition("<!-- figures of columns -->\n")
        _, end, after = rest.partition("<!-- end of figures -->")
        table = "\n".join(["", *lines, "", ""])
        page.write_text(before + begin + table + end + after, "utf-8")


if __name__ == "__main__":
    main()
