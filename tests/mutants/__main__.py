"""Plants faults in vmgen, one at a time, and names those that no test sees.

::

    python -m tests.mutants --results FILE [--count 200] [--packages ir,lower] [-j 2]

Which faults are planted depends on the seed and on the sources alone
(:mod:`tests.mutants.faults`).  Everything happens in copies of the checkout in a temporary
folder.  First the test files of the packages run once without a fault, to know which
tests run which line; then each fault is tried with the tests that run its lines, the quickest first, up to
the first that fails.  A fault that makes the tests hang is seen, and so is one with which
``vmgen check`` finds other text than what is committed, or that only the type checker
refuses (``types``): none of them can be landed.

FILE takes one JSON object a line for each fault tried, and FILE.reached what the tests
run: a run that was stopped goes on where it was.  ``--survivors`` tries those of FILE
again that survived, with ``--also``'s test files besides.  Exits 1 if more than 5 % of the
faults survive.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import queue
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .faults import Fault, chosen, faults
from .reached import Reached, measured, of_json, to_json
from .selection import TESTS, batches, file_of
from .trial import Trial, copied, run, tried

ROOT = Path(__file__).resolve().parent.parent.parent

MOST = 0.05
"""The share of faults that may survive."""


def of_copy(root: Path, files: Iterable[str], kept: Path, limit: float) -> Reached:
    """What the tests of a copy run: measured, or as it was before the run was stopped."""
    reached = of_json(kept.read_text()) if kept.exists() else Reached()
    for file, found in measured(root, files, limit, reached):
        kept.write_text(to_json(found))
        print(f"{file}: {found.seconds.get(file, limit):.0f} s", file=sys.stderr)
    return reached


def all_tried(
    planted: Sequence[Fault], reached: Reached, also: Sequence[str], jobs: int,
    folder: Path,
) -> Iterator[tuple[Trial, float]]:  # fmt: skip
    """The fate of every fault, in order, and the seconds that it took."""
    copies: queue.Queue[Path] = queue.Queue()
    for number in range(jobs):
        copies.put(copied(ROOT, folder / str(number) / "tree"))

    def in_a_copy(fault: Fault) -> tuple[Trial, float]:
        root = copies.get()
        begin = time.monotonic()
        try:
            trial = tried(root, fault, batches(reached, fault, also))
            return trial, time.monotonic() - begin
        finally:
            copies.put(root)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(in_a_copy, planted)


def again(row: dict[str, str]) -> Fault | None:
    """A fault of the results in today's sources; None where its code is gone."""
    old = Fault(**json.loads(row["fault"]))
    path = ROOT / old.path
    if not path.exists():
        return None
    text = path.read_text(encoding="utf-8")
    same = [
        one
        for one in faults(old.path, text)
        if (one.kind, one.new) == (old.kind, old.new) and one.diff(text) == row["diff"]
    ]
    return min(same, key=lambda one: abs(one.line - old.line), default=None)


def summary(rows: Sequence[dict[str, str]]) -> int:
    """Print what was planted and seen, by package, and the survivors; 1 if too many."""
    table = Counter((row["package"], row["fate"]) for row in rows)
    print(f"{'package':14} planted    seen  timeout  types  survived")
    for name in [*sorted({package for package, _ in table}), "all"]:
        seen, timeout, types, survived = (
            sum(
                count
                for (package, one), count in table.items()
                if one == fate and name in (package, "all")
            )
            for fate in ("seen", "timeout", "types", "survived")
        )
        total = seen + timeout + types + survived
        print(f"{name:14} {total:7} {seen:7} {timeout:8} {types:6} {survived:9}")
    for row in rows:
        if row["fate"] == "survived":
            print(f"\n{row['place']}: {row['kind']}\n{row['diff']}")
    share = survived / len(rows) if rows else 0.0
    print(f"\n{survived} of {len(rows)} survive ({share:.1%})")
    return int(share > MOST)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--results", type=Path, required=True, help="outside of here")
    parser.add_argument("--packages", default="", help="only these, with commas")
    parser.add_argument("--count", type=int, default=200, help="how many faults")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--limit", type=float, default=600.0, help="seconds for a test file, measured"
    )
    parser.add_argument("--survivors", action="store_true", help="try these again")
    parser.add_argument(
        "--also", nargs="*", default=[], help="test files for every one"
    )
    options = parser.parse_args(arguments)
    results: Path = options.results.resolve()
    if results.is_relative_to(ROOT):
        parser.error("the results file is in the checkout")
    known = [json.loads(row) for row in results.read_text().splitlines()] if (
        results.exists()
    ) else []  # fmt: skip
    packages = [name for name in options.packages.split(",") if name]
    if options.survivors:
        wanted = [row for row in known if row["fate"] == "survived"]
        known = [row for row in known if row["fate"] != "survived"]
        planted = tuple(one for one in map(again, wanted) if one is not None)
        print(f"{len(wanted) - len(planted)} are gone", file=sys.stderr)
    else:
        planted = chosen(ROOT, packages, options.count, options.seed)
        done = {row["fault"] for row in known}
        planted = tuple(one for one in planted if identity(one) not in done)
    with tempfile.TemporaryDirectory(prefix="vmgen-mutants-") as folder:
        clean = copied(ROOT, Path(folder, "clean", "tree"))
        files = sorted(
            {file_of(name) for one in planted for name in TESTS[one.package]}
        )
        kept = results.with_name(f"{results.name}.reached")
        reached = of_copy(clean, files, kept, options.limit)
        tests = {test for one in planted for batch, _ in batches(reached, one, options.also)
                 for test in batch}  # fmt: skip
        if run(clean, sorted(tests), options.limit, "--collect-only").code != 0:
            parser.error("the tests that were measured are not those of today")
        for name in reached.broken:
            print(f"not used, it fails or takes too long: {name}", file=sys.stderr)
        for number, (trial, took) in enumerate(
            all_tried(planted, reached, options.also, options.jobs, Path(folder)), 1
        ):
            fault = trial.fault
            row = {
                "fault": identity(fault),
                "package": fault.package,
                "place": f"{fault.path}:{fault.line}",
                "kind": fault.kind,
                "diff": fault.diff((ROOT / fault.path).read_text(encoding="utf-8")),
                "fate": trial.fate,
                "by": trial.by,
                "seconds": f"{took:.1f}",
            }
            known.append(row)
            if not options.survivors:
                with results.open("a") as stream:
                    stream.write(json.dumps(row) + "\n")
            print(
                f"{number}/{len(planted)} {trial.fate} in {took:.0f} s: {row['place']}"
                f" {fault.kind} {trial.by}",
                file=sys.stderr, flush=True,
            )  # fmt: skip
    return summary(known)


def identity(fault: Fault) -> str:
    """What a fault is called in the results."""
    return json.dumps(dataclasses.asdict(fault))


if __name__ == "__main__":
    raise SystemExit(main())
