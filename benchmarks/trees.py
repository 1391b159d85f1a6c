"""A whole source tree: ``python -m benchmarks.trees --qemu TREE``.

Generates every device of some and of all targets of an unconfigured tree, from nothing; then
again with nothing changed; then after a header got a comment, and a line of code, in a copy
of the tree.  Memory is that of all processes together, shared pages counted once (PSS),
sampled.  Last, what it costs to import a target's package and its CPU.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from vmgen import pipeline
from website import figures

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "whole-tree.md"
SOME = ("riscv64", "x86_64", "aarch64", "ppc64", "s390x", "mips", "sparc", "m68k")
COUNTS = (1, 2, 4, 8)


def environment(cache: Path) -> dict[str, str]:
    """That of a user: bytecode is kept, and nothing is cached yet."""
    made = {
        key: value
        for key, value in os.environ.items()
        if key != "PYTHONDONTWRITEBYTECODE"
    }
    return made | {"XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(ROOT)}


def family(pid: int) -> Iterator[int]:
    """A process and its descendants."""
    yield pid
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return
    for child in text.split():
        yield from family(int(child))


def memory(pid: int) -> int:
    """KiB of a process and its descendants, what they share counted once."""
    total = 0
    for one in family(pid):
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(
            int(line.split()[1])
            for line in rollup.splitlines()
            if line.startswith("Pss:")
        )
    return total


def run(arguments: Sequence[str], cache: Path) -> tuple[float, int]:
    """Seconds of wall clock and the most MiB of memory of one command."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "vmgen", *arguments],
        env=environment(cache),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
    )
    most = 0
    while process.poll() is None:
        most = max(most, memory(process.pid))
        time.sleep(0.2)
    spent = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"failed: vmgen {' '.join(arguments)}")
    return spent, most // 1024


def generate(tree: Path, targets: Sequence[str], output: Path) -> list[str]:
    """The command; no targets are all of them."""
    chosen = [word for target in targets for word in ("--target", target)]
    return [
        *("generate", "--qemu", str(tree), "--all", *chosen),
        *("--output", str(output), "--force"),
    ]


HEAD = ("| | Python files | seconds | MiB |", "|---|---:|---:|---:|")


def row(name: str, figures: tuple[float, int], output: Path) -> str:
    """One line of the table."""
    seconds, mebibytes = figures
    files = sum(1 for path in output.rglob("*.py"))
    line = f"| {name} | {files} | {seconds:.1f} | {mebibytes} |"
    print(line, flush=True)
    return line


def growth(tree: Path, counts: Sequence[int]) -> Iterator[str]:
    """How time grows with the number of targets."""
    before = 0
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "state"
            command = generate(tree, SOME[:count], output)
            more = ", ".join(SOME[before:count])
            name = f"{count} targets (and {more})" if before else f"1 target ({more})"
            yield row(name, run(command, Path(folder) / "cache"), output)
            before = count


def all_targets(tree: Path, header: str) -> Iterator[str]:
    """Everything from nothing, with nothing changed, and after edits of one header."""
    with tempfile.TemporaryDirectory() as folder:
        cache, output = Path(folder) / "cache", Path(folder) / "state"
        copy = Path(folder) / "tree"
        shutil.copytree(tree, copy, symlinks=True)
        command = generate(copy, (), output)
        name = f"all {len(pipeline.all_targets(tree))} targets"
        yield row(name, run(command, cache), output)
        yield row("nothing changed", run(command, cache), output)
        for what, text in (
            ("a comment more", "\n/* edited */\n"),
            ("a line of code more", "\n#define EDITED 1\n"),
        ):
            with (copy / header).open("a", encoding="utf-8") as file:
                file.write(text)
            yield row(f"`{header}`: {what}", run(command, cache), output)
        yield imports(output)


def imports(output: Path) -> str:
    """What it costs in processor time to import a package and load its CPU's module, in
    milliseconds: a sentence."""
    text = (
        "import sys, time; sys.path.insert(0, {0!r}); t = time.process_time();"
        "import {1}.{2} as m; m.CODECS['cpu'];"
        "print(round((time.process_time() - t) * 1000, 1))"
    )
    first, then = [], []
    for target in ("riscv64", "x86_64"):
        code = text.format(str(output.parent), output.name, target)
        times = [
            float(
                subprocess.run(
                    [sys.executable, "-c", code],
                    env=environment(output.parent),
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
            )
            for _ in range(6)
        ]
        first.append(f"{times[0]:.0f}")
        then.append(f"{min(times)} ms ({target})")
    return (
        f"Importing a target's package and its CPU takes {' and '.join(then)} of\n"
        "processor time; the very first time, when Python compiles them, "
        f"{' and '.join(first)} ms."
    )


def written(lines: Sequence[str], sentence: str) -> None:
    """Puts the table and the sentence into the page, between their marks."""
    text = PAGE.read_text("utf-8")
    for name, made in (("growth", "\n".join([*HEAD, *lines])), ("imports", sentence)):
        before, begin, rest = text.partition(f"<!-- {name}: begin -->\n")
        _, end, after = rest.partition(f"<!-- {name}: end -->\n")
        text = f"{before}{begin}{made}\n{end}{after}"
    PAGE.write_text(text, "utf-8")
    figures.main()


def main() -> None:
    """Parses arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qemu", type=Path, required=True, help="a QEMU source tree")
    parser.add_argument(
        "--header", default="include/hw/pci/msix.h", help="the header that is edited"
    )
    parser.add_argument(
        "--growth", action="store_true", help="1, 2, 4 and 8 targets first"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/whole-tree.md, and its plot"
    )
    options = parser.parse_args()
    print("\n".join(HEAD), flush=True)
    lines: list[str] = []
    if options.growth or options.write:
        lines += growth(options.qemu, COUNTS)
    *more, sentence = all_targets(options.qemu, options.header)
    print(f"\n{sentence}")
    if options.write:
        written([*lines, *more], sentence)


if __name__ == "__main__":
    main()
