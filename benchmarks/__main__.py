"""``python -m benchmarks``: one run, one table; ``--write`` puts it into the docs."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.peers import Peer
from benchmarks.shape import Node, Numbers, Raw, random_bytes, reader, shape
from vmgen import __version__, ir, pipeline

ROOT = Path(__file__).resolve().parent.parent
DOC = ROOT / "docs" / "performance.md"
CPUS = {"riscv64": "vmstate_riscv_cpu", "x86_64": "vmstate_x86_cpu"}


def best(call: Callable[[], object], seconds: float) -> float:
    """Seconds of one call: the best of many short runs within ``seconds``."""
    number = 1
    while True:
        started = time.perf_counter()
        for _ in range(number):
            call()
        spent = time.perf_counter() - started
        if spent > 0.005:
            break
        number *= 2
    fastest = spent / number
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.perf_counter()
        for _ in range(number):
            call()
        fastest = min(fastest, (time.perf_counter() - started) / number)
    return fastest


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; times in seconds of one call, None where there is none."""

    name: str
    load: float
    save: float | None
    read: float | None


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

    return Peer("vmgen", lambda data: load(data)[0], reader(nodes, access), save)


def measure(peer: Peer, data: bytes, seconds: float) -> Row:
    """Load, save and load-then-read-everything of one peer; checks that it round-trips."""
    value = peer.load(data)
    if peer.save is not None and peer.save(value) != data:
        raise SystemExit(f"{peer.name} does not round-trip")
    load = best(lambda: peer.load(data), seconds)
    save = None
    if (encode := peer.save) is not None:
        save = best(lambda: encode(value), seconds)
    read = best(lambda: peer.read(peer.load(data)), seconds)
    return Row(peer.name, load, save, read)


def analyze_row(
    tree: Path, nodes: tuple[Node, ...], data: bytes, seconds: float
) -> Row:
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

    return Row("analyze-migration.py", best(load, seconds), None, None)


def table(title: str, rows: Sequence[Row], elements: int, size: int) -> str:
    """Markdown: times of vmgen, then every row as a multiple of vmgen's."""
    ours = rows[0]
    assert ours.save is not None
    assert ours.read is not None

    def ratio(value: float | None, base: float) -> str:
        return "-" if value is None else f"{value / base:.2f}x"

    lines = [
        f"### {title}: {size} bytes, {elements} elements",
        "",
        f"vmgen: load {ours.load * 1e6:.1f} us, save {ours.save * 1e6:.1f} us, "
        f"load and read all {ours.read * 1e6:.1f} us. Below: time as a multiple of vmgen's.",
        "",
        "| | load | save | load + read all |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {ratio(row.load, ours.load)} | {ratio(row.save, ours.save)} "
        f"| {ratio(row.read, ours.read)} |"
        for row in rows
    ]
    floor = next(row for row in rows if row.name.startswith("floor"))
    assert floor.save is not None
    lines += [
        "",
        f"Against the floor: load {ours.load / floor.load:.2f}x, "
        f"save {ours.save / floor.save:.2f}x.",
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
            rows = [measure(peer, data, seconds) for peer in candidates if peer]
            if tree is not None:
                rows.append(analyze_row(tree, nodes, data, seconds))
            parts.append(
                table(
                    f"{target} `{symbol}`, random values",
                    rows,
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
        "--seconds", type=float, default=1.0, help="time spent on each figure"
    )
    parser.add_argument(
        "--qemu", type=Path, help="a QEMU source tree, for analyze-migration.py"
    )
    parser.add_argument(
        "--kaitai", type=Path, help="folder of the npm package kaitai-struct-compiler"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the tables to docs/performance.md"
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


if __name__ == "__main__":
    main()
