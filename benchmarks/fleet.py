"""Fleets: ``python -m benchmarks.fleet --files N [--kill K] [--workers 1 2] [--stream NAME]``.

``N`` copies of a captured stream, by default one of riscv64 without RAM, are given to
``vmgen fleet explain --release 10.2`` with each number of workers.  ``--kill`` ends so many
workers of the last run, at equal distances, and then every file must have one row in the
data set: no more, no fewer.
"""

from __future__ import annotations

import argparse
import lzma
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from vmgen.fleet import results

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
STREAM = "riscv64-virt-uboot--10.0.2"
"""15,551 bytes; ``avr-uno-poke--10.0.2`` has 3,476."""


def made(folder: Path, count: int, name: str) -> Path:
    """A list of so many streams."""
    packed = next(FIXTURES.rglob(f"{name}.stream.xz"))
    stream = lzma.decompress(packed.read_bytes())
    names = folder / "names"
    with names.open("w") as listed:
        for number in range(count):
            place = folder / f"{number // 1000}" / f"{number}.mig"
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(stream)
            listed.write(f"{place}\n")
    return names


def workers_of(process: int) -> list[int]:
    """The processes below one, that are Dask's workers."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process and b"spawn_main" in words:
            found.append(int(entry.name))
    return found


def peak(process: int) -> int:
    """The largest memory of a process until now, in MiB; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in text.splitlines() if line.startswith("VmHWM")]
    return int(lines[0].split()[1]) // 1024 if lines else 0


def timed(
    names: Path, out: Path, workers: int, kills: int, target: str
) -> tuple[str, int, int]:
    """What a run says of itself, the largest memory of a worker in MiB, workers killed."""
    command = [
        sys.executable, "-m", "vmgen", "fleet", "explain", f"@{names}", "--release",
        "10.2", "-t", target, "-o", str(out), "--workers", str(workers),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ
    )
    total = len(names.read_text().splitlines())
    most, killed = 0, 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal most, killed
        while not ended.wait(0.5):
            found = workers_of(process.pid)
            most = max([most, *map(peak, found)])
            parts = len(results.parts(out)) * 32
            if killed < kills and found and parts > total * (killed + 1) / (kills + 1):
                os.kill(found[0], signal.SIGKILL)
                killed += 1

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, said = process.communicate()
    ended.set()
    watcher.join()
    if process.returncode:
        raise SystemExit(said)
    return said.strip().splitlines()[-1], most, killed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--kill", type=int, default=0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--stream", default=STREAM)
    wanted = parser.parse_args()
    target = wanted.stream.partition("-")[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = made(folder, wanted.files, wanted.stream)
        for workers in wanted.workers:
            out = folder / f"answers{workers}"
            kills = wanted.kill if workers == wanted.workers[-1] else 0
            started = time.perf_counter()
            said, most, killed = timed(names, out, workers, kills, target)
            spent = time.perf_counter() - started
            rows = Counter(
                one["file"]
                for one in results.rows(out, ("file", "row"))
                if one["row"] == "file"
            )
            files = set(names.read_text().split())
            assert set(rows) == files, "a file is lost, or one came"
            assert set(rows.values()) == {1}, "a file is there twice"
            print(
                f"{workers} workers: {said.rpartition(' in ')[0]}; {spent:.1f} s in all,"
                f" {most} MiB a worker at most, {killed} killed,"
                f" {len(rows)} files with one row each"
            )


if __name__ == "__main__":
    main()
