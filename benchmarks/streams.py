"""Whole streams: ``python -m benchmarks.streams --qemu TREE``.

Captures machines with the QEMU that is installed, has ``vmgen stream show --format json``
and QEMU's ``scripts/analyze-migration.py -d state`` print everything in their streams, and
compares the processes: user and system time, largest memory.  Runs of both take turns, and
the best of each counts.  The first time is one with nothing in the cache.  Then streams of up to ``--gigabytes`` are made of zero and random
pages and walked, against reading the file.  ``--write`` puts both tables into
``docs/streams.md``.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.qemu.machine import Guest, Machine
from website import figures

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


def spent(
    command: Sequence[str], rounds: int = 1, cache: str = ""
) -> tuple[float, int]:
    """Seconds of processor time of a process and its largest memory in MiB; with this
    folder as vmgen's cache, if one is named."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != "PYTHONDONTWRITEBYTECODE"
    }
    environment["PYTHONPATH"] = str(ROOT)
    if cache:
        environment["VMGEN_CACHE_DIR"] = cache
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


FIRST = "show, first time"


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
        FIRST: show,
    }


def against_the_script(tree: Path, folder: Path, rounds: int) -> Iterator[str]:
    """A table, one line a machine: the script's figures, and ours with the ratio."""
    heads = ("analyze-migration.py", "show", "show, codecs", "verify", FIRST)
    yield f"| stream | MB | {' | '.join(heads)} |"
    yield f"|---|---:|{'---:|' * len(heads)}"
    for name, guest in MACHINES.items():
        stream = folder / "stream"
        with Machine(guest) as machine:
            stream.write_bytes(machine.capture())
        todo = commands(tree, stream)
        best: dict[str, tuple[float, int]] = {}
        for _ in range(rounds):
            for what, command in todo.items():
                with tempfile.TemporaryDirectory() as empty:
                    found = spent(command, cache=empty if what == FIRST else "")
                best[what] = min(best.get(what, found), found)
        script = best.pop("script")
        cells = [
            f"{seconds:.2f} s, {memory} MB ({script[0] / seconds:.1f}x)"
            for seconds, memory in best.values()
        ]
        size = stream.stat().st_size / 1e6
        yield (
            f"| {name} | {size:.1f} | {script[0]:.2f} s, {script[1]} MB | "
            f"{' | '.join(cells)} |"
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
assert sum(len(run.addresses) for run in stream.memory().records() if hasattr(run, "stride"))
"""


def of_gigabytes(folder: Path, gigabytes: float, rounds: int) -> Iterator[str]:
    """A table: walking large streams against reading them, all from the page cache.

    Seconds are processor time.  Memory is what the process has of its own at its most,
    less what an interpreter has that does nothing: that it stays the same from size to size
    is what there is to see.
    """
    sizes = [gigabytes / 8, gigabytes / 2, gigabytes]
    vmgen = [sys.executable, "-m", "vmgen", "stream"]
    page = ["--page-size", "4096"]
    rows: dict[str, list[str]] = {}
    heads = []
    nothing = own_memory([sys.executable, "-c", "import time; time.sleep(0.3)"])
    for number in sizes:
        file = large(folder, number)
        size = file.stat().st_size
        heads.append(f"{size / 1e9:.2f} GB")
        todo = {
            "`cat`": ["cat", str(file)],
            "walk every page record": [sys.executable, "-c", WALK, str(file)],
            "`vmgen stream show`": [*vmgen, "show", *page, str(file)],
            "`vmgen stream verify`": [*vmgen, "verify", *page, str(file)],
        }
        best = dict.fromkeys(todo, float("inf"))
        for _ in range(rounds):
            for what, command in todo.items():
                best[what] = min(best[what], spent(command)[0])
        for what, command in todo.items():
            cell = f"{size / best[what] / 1e9:.1f} GB/s"
            if what != "`cat`":
                cell += f", {max(0, own_memory(command) - nothing)} MB"
            rows.setdefault(what, []).append(cell)
        file.unlink()
    yield f"| zero and random pages | {' | '.join(heads)} |"
    yield f"|---|{'---:|' * len(heads)}"
    for what, cells in rows.items():
        yield f"| {what} | {' | '.join(cells)} |"


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


def put(text: str, name: str, table: str) -> str:
    """The page with a table between the marks of this name."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def main() -> None:
    """Parses arguments, measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams")
    parser.add_argument("--qemu", type=Path, help="a source tree, for the script in it")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gigabytes", type=float, default=4.0)
    parser.add_argument("--write", action="store_true", help="into docs/streams.md too")
    options = parser.parse_args()
    tables: dict[str, Iterator[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.qemu is not None:
            tables["speed"] = against_the_script(options.qemu, folder, options.rounds)
        if options.gigabytes:
            rounds = min(3, options.rounds)
            tables["large"] = of_gigabytes(folder, options.gigabytes, rounds)
        page = ROOT / "docs" / "streams.md"
        text = page.read_text("utf-8")
        for mark, lines in tables.items():
            made = ""
            for line in lines:
                print(line, flush=True)
                made += f"{line}\n"
            print()
            text = put(text, mark, made)
    if options.write:
        page.write_text(text, "utf-8")
        figures.main()


if __name__ == "__main__":
    main()
