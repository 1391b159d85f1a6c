"""``python -m benchmarks``: one run, one table; ``--write`` puts it into the docs."""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers
from benchmarks.peers import Peer
from benchmarks.shape import Node, Numbers, Raw, random_bytes, reader, shape
from vmgen import __version__, ir, pipeline
from website import figures

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "performance.md"
CPUS = {"riscv64": "vmstate_riscv_cpu", "x86_64": "vmstate_x86_cpu"}


@dataclass(slots=True)
class Timer:
    """One call that is measured in short bursts."""

    call: Callable[[], object]
    number: int = 1
    fastest: float = math.inf
    ratios: list[float] = field(default_factory=list)

    def burst(self) -> float:
        """Seconds of one call in a burst of about two milliseconds."""
        while True:
            started = time.perf_counter()
            for _ in range(self.number):
                self.call()
            spent = time.perf_counter() - started
            if spent > 0.001:
                break
            self.number *= 2
        self.fastest = min(self.fastest, spent / self.number)
        return spent / self.number


def race(pairs: Sequence[tuple[Timer, Timer]], seconds: float) -> None:
    """Runs ours and theirs next to each other, again and again: what slows the machine
    for a while slows both, and the median of their ratios does not see it."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for ours, theirs in pairs:
            base = ours.burst()
            theirs.ratios.append(theirs.burst() / base)


def generated_peer(
    program: ir.Program, symbol: str, nodes: tuple[Node, ...], folder: Path
) -> Peer:
    """The generated codec of the description, imported from a scratch package."""
    package = f"generated_{program.target}"
    for file in pipeline.generate([program]):
        path = folder / package / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    module = importlib.import_module(f"{package}.{program.target}")
    name = symbol.removeprefix("vmstate_")
    load, save = getattr(module, f"load_{name}"), getattr(module, f"save_{name}")

    def access(owner: str, node: Node) -> str:
        return f"{owner}.{node.path or node.name}"

    sample, _ = load(random_bytes(nodes, seed=2))
    read = reader(nodes, access, sample)
    return Peer("vmgen", lambda data: load(data)[0], read, save)


OPERATIONS = ("load", "save", "read")


@dataclass(frozen=True, slots=True)
class Runner:
    """The timers of one peer."""

    name: str
    load: Timer
    save: Timer | None = None
    read: Timer | None = None

    def pairs(self, ours: Runner) -> Iterator[tuple[Timer, Timer]]:
        """Each timer behind ours of the same operation."""
        for name in OPERATIONS:
            base, timer = getattr(ours, name), getattr(self, name)
            if timer is not None:
                yield base, timer

    def cells(self) -> Iterator[str]:
        """The median ratio of each operation."""
        for name in OPERATIONS:
            timer = getattr(self, name)
            yield f"{median(timer.ratios):.2f}x" if timer else "-"


def runner(peer: Peer, data: bytes) -> Runner:
    """Load, save and load-then-read-everything of one peer; checks that it round-trips."""
    value = peer.load(data)
    if peer.save is not None and peer.save(value) != data:
        raise SystemExit(f"{peer.name} does not round-trip")
    save = None
    if (encode := peer.save) is not None:
        save = Timer(lambda: encode(value))
    return Runner(
        peer.name,
        Timer(lambda: peer.load(data)),
        save,
        Timer(lambda: peer.read(peer.load(data))),
    )


def analyzer(tree: Path, nodes: tuple[Node, ...], data: bytes) -> Runner:
    """QEMU's scripts/analyze-migration.py decoding the same bytes."""
    spec = importlib.util.spec_from_file_location(
        "analyze_migration", tree / "scripts" / "analyze-migration.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The script parses arguments and reads files at import time below its classes.
    text = Path(str(spec.origin)).read_text(encoding="utf-8")
    classes = text.split("\n###")[0].split("\nparser = argparse")[0]
    exec(compile(classes, "analyze-migration.py", "exec"), module.__dict__)

    def describe(nodes: tuple[Node, ...]) -> list[dict[str, Any]]:
        fields: list[dict[str, Any]] = []
        kinds = {"?": "bool", "b": "int8", "h": "int16", "i": "int32", "q": "int64"}
        sizes = {"b": 1, "h": 2, "i": 4, "q": 8, "?": 1}
        for node in nodes:
            field: dict[str, Any] = {"name": node.name or "unused"}
            if isinstance(node, Raw):
                field |= {"type": "buffer", "size": node.size}
            elif isinstance(node, Numbers):
                kind = kinds.get(node.code) or "u" + kinds[node.code.lower()]
                field |= {"type": kind, "size": sizes[node.code.lower()]}
            else:
                field |= {
                    "type": "struct",
                    "struct": {
                        "vmsd_name": "x",
                        "version": 1,
                        "fields": describe(node.members),
                    },
                    "size": 1,
                }
            # The script unfolds arrays on every load; here they are unfolded before.
            count = 1 if isinstance(node, Raw) else node.count
            fields += [deepcopy(field) for _ in range(count)]
        return fields

    # What the script does with a section's description before it reads the section.
    device = {"vmsd_name": "cpu", "version": 1, "fields": describe(nodes)}

    class Memory(module.MigrationFile):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.file = BytesIO(data)

    def load() -> object:
        section = module.VMSDSection(Memory(), 1, dict(device), ("cpu", 0))
        section.read()
        return section

    return Runner("analyze-migration.py", Timer(load))


def table(title: str, runners: Sequence[Runner], elements: int, size: int) -> str:
    """Markdown: times of vmgen, then every peer as a multiple of vmgen's."""
    ours, floor = runners[:2]
    assert ours.save is not None
    assert ours.read is not None
    assert floor.save is not None
    lines = [
        f"### {title}: {size} bytes, {elements} elements",
        "",
        f"vmgen: load {ours.load.fastest * 1e6:.1f} us, save {ours.save.fastest * 1e6:.1f}"
        f" us, load and read all {ours.read.fastest * 1e6:.1f} us. Below: time as a "
        "multiple of vmgen's.",
        "",
        "| | load | save | load + read all |",
        "|---|---:|---:|---:|",
        "| vmgen | 1.00x | 1.00x | 1.00x |",
    ]
    lines += [f"| {' | '.join([one.name, *one.cells()])} |" for one in runners[1:]]
    lines += [
        "",
        f"Against the floor: load {1 / median(floor.load.ratios):.2f}x, "
        f"save {1 / median(floor.save.ratios):.2f}x.",
        "",
        f"<!-- plot: codecs-{title.partition(' ')[0]} -->",
        "",
    ]
    return "\n".join(lines)


def codec_tables(seconds: float, tree: Path | None, kaitai: Path | None) -> list[str]:
    """One table per CPU."""
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for target, symbol in CPUS.items():
            program = pipeline.compile_program(pipeline.Request(target=target))
            nodes = shape(program, symbol)
            data = random_bytes(nodes, seed=1)
            candidates = [
                generated_peer(program, symbol, nodes, Path(folder)),
                peers.floor_peer(nodes),
                peers.construct_peer(nodes),
                peers.cstruct_peer(nodes),
                peers.kaitai_peer(nodes, kaitai),
                peers.ctypes_peer(nodes),
                peers.numpy_peer(nodes),
                peers.bitstruct_peer(nodes),
            ]
            runners = [runner(peer, data) for peer in candidates if peer]
            if tree is not None:
                runners.append(analyzer(tree, nodes, data))
            ours, *others = runners
            race([pair for one in others for pair in one.pairs(ours)], seconds)
            parts.append(
                table(
                    f"{target} `{symbol}`, random values",
                    runners,
                    peers.record_count(nodes),
                    len(data),
                )
            )
    return parts


def command_table(tree: Path | None) -> str:
    """Whole commands, wall clock, best of five; caches empty where it says so."""

    def run(*arguments: str, cold: bool = False) -> float:
        times = []
        for _ in range(5):
            with tempfile.TemporaryDirectory() as cache:
                environment = dict(os.environ)
                # What pip installs has its bytecode.
                environment.pop("PYTHONDONTWRITEBYTECODE", None)
                if cold:
                    environment["XDG_CACHE_HOME"] = cache
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "vmgen", *arguments],
                    cwd=ROOT,
                    env=environment,
                    check=True,
                    capture_output=True,
                )
                times.append(time.perf_counter() - started)
        return min(times)

    rows = [("vmgen --help", run("--help"))]
    subprocess.run([sys.executable, "-m", "vmgen", "check"], cwd=ROOT, check=False)
    rows.append(("vmgen check (the embedded eight, nothing changed)", run("check")))
    with tempfile.TemporaryDirectory() as output:
        if tree is not None:
            rows.append(
                (
                    "vmgen generate --qemu TREE --target riscv64 (no cache)",
                    run(
                        *("generate", "--qemu", str(tree), "--target", "riscv64"),
                        *("--output", output, "--force"),
                        cold=True,
                    ),
                )
            )
    lines = ["### Commands", "", "| | seconds |", "|---|---:|"]
    lines += [f"| `{name}` | {seconds:.2f} |" for name, seconds in rows]
    return "\n".join([*lines, ""])


def main() -> None:
    """Parses arguments, measures, prints, and writes the docs page when asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="time spent on each table"
    )
    parser.add_argument(
        "--qemu", type=Path, help="a QEMU source tree, for analyze-migration.py"
    )
    parser.add_argument(
        "--kaitai", type=Path, help="folder of the npm package kaitai-struct-compiler"
    )
    parser.add_argument(
        "--write", action="store_true", help="write docs/performance.md, and its plots"
    )
    options = parser.parse_args()
    parts = [
        "# How fast\n",
        "Made by `python -m benchmarks --qemu TREE --kaitai FOLDER --write`. Ratios are "
        "taken inside one run;\nabsolute times move with the machine. Every codec reads "
        "the same random bytes, and those that can\nwrite are checked to give them "
        "back.\n",
        f"vmgen {__version__}, {platform.python_implementation()} "
        f"{platform.python_version()}, {platform.machine()}.\n",
        *codec_tables(options.seconds, options.qemu, options.kaitai),
        command_table(options.qemu),
    ]
    text = "\n".join(parts)
    sys.stdout.write(text)
    if options.write:
        DOC.parent.mkdir(exist_ok=True)
        DOC.write_text(text, encoding="utf-8")
        figures.main()


if __name__ == "__main__":
    main()
