"""Whole streams: ``python -m benchmarks.streams --qemu TREE``.

Captures machines with the QEMU that is installed, has ``vmgen stream show --format json``
and QEMU's ``scripts/analyze-migration.py -d state`` print everything in their streams, and
compares the processes: user and system time, largest memory.  Runs of both take turns, and
the best of each counts.  Then a stream of ``--gigabytes`` is made of zero and random pages
and walked, against reading the file.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.qemu.machine import Guest, Machine

ROOT = Path(__file__).resolve().parent.parent

MACHINES = {
    "x86_64 pc, 128 MiB": Guest("x86_64", ()),
    "x86_64 q35, 2 GiB": Guest("x86_64", ("-M", "q35", "-m", "2G")),
    "ppc64 pseries, 512 MiB": Guest("ppc64", ("-M", "pseries"), "big"),
    "aarch64 virt, 512 MiB": Guest(
        "aarch64", ("-M", "virt", "-m", "512M", "-cpu", "max")
    ),
    "riscv64 virt, 128 MiB": Guest("riscv64", ("-M", "virt")),
}


def spent(command: Sequence[str], rounds: int = 1) -> tuple[float, int]:
    """Seconds of processor time of a process and its largest memory in MiB."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != "PYTHONDONTWRITEBYTECODE"
    }
    environment["PYTHONPATH"] = str(ROOT)
    best = (float("inf"), 0)
    for _ in range(rounds):
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            env=environment,
            cwd=tempfile.gettempdir(),
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if status:
            raise SystemExit(f"failed: {' '.join(command)}")
        best = min(best, (usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024))
    return best


def commands(tree: Path, stream: Path) -> dict[str, list[str]]:
    """What is compared, by name."""
    script = str(tree / "scripts" / "analyze-migration.py")
    vmgen = [sys.executable, "-m", "vmgen", "stream"]
    show = [*vmgen, "show", "--format", "json", str(stream)]
    return {
        "script": [sys.executable, script, "-d", "state", "-f", str(stream)],
        "show": show,
        "codecs": [*show, "--codecs", str(ROOT / "generated")],
        "verify": [*vmgen, "verify", str(stream)],
    }


def against_the_script(tree: Path, folder: Path, rounds: int) -> None:
    """One line a machine: the script's figures, and ours with the ratio."""
    print("| stream | MB | analyze-migration.py | show | show, codecs | verify |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, guest in MACHINES.items():
        stream = folder / "stream"
        with Machine(guest) as machine:
            stream.write_bytes(machine.capture())
        todo = commands(tree, stream)
        best: dict[str, tuple[float, int]] = {}
        for _ in range(rounds):
            for what, command in todo.items():
                found = spent(command)
                best[what] = min(best.get(what, found), found)
        script = best.pop("script")
        cells = [
            f"{seconds:.2f} s, {memory} MB ({script[0] / seconds:.1f}x)"
            for seconds, memory in best.values()
        ]
        size = stream.stat().st_size / 1e6
        print(
            f"| {name} | {size:.1f} | {script[0]:.2f} s, {script[1]} MB | "
            f"{' | '.join(cells)} |",
            flush=True,
        )


def large(folder: Path, gigabytes: float) -> Path:
    """A stream whose RAM is as large as that: random pages, and runs of zero pages."""
    pages = int(gigabytes * (1 << 30)) // 4096
    file = folder / "large"
    rng = random.Random(1)
    noise = rng.randbytes(4096)
    with file.open("wb") as out:
        out.write(b"QEVM\0\0\0\3")
        out.write(b"\1\0\0\0\2\3ram\0\0\0\0\0\0\0\4")
        out.write((pages * 4096 | 4).to_bytes(8, "big") + b"\6pc.ram")
        out.write((pages * 4096).to_bytes(8, "big") + (16).to_bytes(8, "big"))
        out.write(b"\x7e\0\0\0\2\2\0\0\0\2")
        first, index = 0, 0
        while index < pages:
            if not first:
                out.write((0x08).to_bytes(8, "big") + b"\6pc.ram" + noise)
                first, index = 1, 1
                continue
            run = min(rng.choice((1, 5, 60, 4000)), pages - index)
            if rng.random() < 0.3:
                headers = (
                    ((index + n) * 4096 | 0x22).to_bytes(8, "big") + b"\0"
                    for n in range(run)
                )
                out.write(b"".join(headers))
            else:
                for n in range(run):
                    out.write(((index + n) * 4096 | 0x28).to_bytes(8, "big") + noise)
            index += run
        out.write((16).to_bytes(8, "big") + b"\x7e\0\0\0\2\0")
    return file


WALK = """
import sys
from vmgen.stream import Stream
stream = Stream(sys.argv[1], page_size=4096)
count = sum(len(run.addresses) for run in stream.memory().records() if hasattr(run, "stride"))
print(count, file=sys.stderr)
"""


def of_gigabytes(folder: Path, gigabytes: float) -> None:
    """Walking a large stream, against reading it, both from the page cache."""
    file = large(folder, gigabytes)
    size = file.stat().st_size
    print(f"\n{size / 1e9:.2f} GB of zero and random pages:\n")
    print("| | seconds | GB/s | MB of memory of its own |")
    print("|---|---:|---:|---:|")
    vmgen = [sys.executable, "-m", "vmgen", "stream"]
    read = "import sys\nf = open(sys.argv[1], 'rb', 0)\nb = bytearray(1 << 20)\nwhile f.readinto(b): pass"
    for name, command in {
        "read the file": [sys.executable, "-c", read, str(file)],
        "walk its pages": [sys.executable, "-c", WALK, str(file)],
        "vmgen stream show": [*vmgen, "show", "--page-size", "4096", str(file)],
        "vmgen stream verify": [*vmgen, "verify", "--page-size", "4096", str(file)],
    }.items():
        started = time.perf_counter()
        own = own_memory(command)
        seconds = time.perf_counter() - started
        print(
            f"| {name} | {seconds:.2f} | {size / seconds / 1e9:.2f} | {own} |",
            flush=True,
        )


def own_memory(command: Sequence[str]) -> int:
    """The most anonymous memory of a process in MiB: pages of the mapped file, which the
    kernel can drop, do not count."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        most = 0
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
            except (FileNotFoundError, ProcessLookupError):
                break
            for line in status.splitlines():
                if line.startswith("RssAnon:"):
                    most = max(most, int(line.split()[1]) // 1024)
            time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    return most


def main() -> None:
    """Parses arguments, measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams")
    parser.add_argument("--qemu", type=Path, help="a source tree, for the script in it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.qemu is not None:
            against_the_script(options.qemu, Path(folder), options.rounds)
        if options.gigabytes:
            of_gigabytes(Path(folder), options.gigabytes)


if __name__ == "__main__":
    main()
