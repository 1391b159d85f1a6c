"""``python -m tests.differential``: see the package."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.differential import answers, guests, mutations
from tests.differential.answers import Answered, Tried


def main(words: list[str] | None = None) -> int:
    assert __package__ is not None
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}")
    parser.add_argument("--mutations", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0, help="the first one's number")
    parser.add_argument("--seconds", type=float, help="stop after so many")
    parser.add_argument("--machine", action="append", choices=list(guests.GUESTS))
    parser.add_argument("--release", default="10.0.2", help="that of the QEMU in PATH")
    parser.add_argument("--folder", type=Path, help="keeps streams and QEMU's verdicts")
    parser.add_argument("--all", action="store_true", help="print agreements, too")
    given = parser.parse_args(words)
    end = time.monotonic() + (given.seconds or 1e9)
    machines = given.machine or list(guests.GUESTS)
    found: list[Answered] = []
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(given.folder or Path(scratch), given.release)
        for number in range(given.first, given.first + given.mutations):
            if time.monotonic() > end:
                break
            one = bench.answered(machines[number % len(machines)], number)
            found.append(one)
            if given.all or not one.right:
                told = one.tried
                cause = f" ({one.cause})" if one.cause else ""
                print(f"{told.machine} {told.number}: {told.change}")
                print(f"    QEMU {told.qemu}: {told.words[-300:]}")
                print(f"    vmgen {one.outcome}{cause}: {'; '.join(one.reasons)[:400]}")
                sys.stdout.flush()
    print(answers.table(found))
    wrong = [
        one
        for one in found
        if one.tried.qemu != "aborted"
        and not one.cause
        and (one.firm or one.outcome == "error")
        and not one.right
    ]
    return 1 if wrong else 0


class Bench:
    """The machines' streams and QEMU's verdicts, made once and kept in a folder."""

    def __init__(self, folder: Path, release: str) -> None:
        self.folder = folder
        self.release = release
        folder.mkdir(parents=True, exist_ok=True)
        self._wholes: dict[str, mutations.Whole] = {}
        self._tried = {(one.machine, one.number): one for one in self._kept()}

    def _kept(self) -> Iterator[Tried]:
        log = self.folder / "qemu.jsonl"
        if log.exists():
            yield from map(answers.of_json, log.read_text().splitlines())

    def whole(self, machine: str) -> mutations.Whole:
        if machine not in self._wholes:
            files = [self.folder / f"{machine}{end}.mig" for end in ("", "-own")]
            if not all(file.exists() for file in files):
                for file, data in zip(files, guests.saved(machine), strict=True):
                    file.write_bytes(data)
            self._wholes[machine] = mutations.read(files[0].read_bytes())
        return self._wholes[machine]

    def answered(self, machine: str, number: int) -> Answered:
        change, data = mutations.mutated(self.whole(machine), number)
        tried = self._tried.get((machine, number))
        if tried is None or tried.change != change:
            verdict, words = answers.qemu(guests.GUESTS[machine], data)
            tried = Tried(machine, number, change, verdict, words)
            with (self.folder / "qemu.jsonl").open("a") as log:
                log.write(answers.to_json(tried) + "\n")
        file = self.folder / "changed.mig"
        file.write_bytes(data)
        own = self.folder / f"{machine}-own.mig"
        target = guests.GUESTS[machine].target
        outcome, reasons = answers.vmgen(file, own, target, self.release)
        return Answered(tried, outcome, reasons)


if __name__ == "__main__":
    sys.exit(main())
