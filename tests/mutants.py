"""Plants faults in vmgen, one at a time, and names those that no test sees.

::

    python -m tests.mutants --packages ir,lower --count 200 --jobs 2

A fault is one token's worth: another comparison, operator or number, ``and`` for ``or``, a
condition denied, a statement left out, two arguments swapped.  Which ones are planted
depends on the seed and on the sources alone.  Everything happens in copies of the checkout
in a temporary folder; each fault is tried with the tests that belong to its module
(:data:`TESTS`), in a process of its own with a time limit, up to the first test that fails.
Exits 1 if more than 5 % of the faults survive.
"""

from __future__ import annotations

import argparse
import ast
import copy
import difflib
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent

TESTS: Mapping[str, tuple[str, ...]] = {
    "cache": ("cache",),
    "cfront": (
        "cfront_unit", "cfront_parse", "cfront_code", "initialize", "layout", "census",
        "layout_gcc",
    ),
    "cli": ("cli_arguments", "cli", "stream_cli", "verdict_cli"),
    "config": ("config",),
    "convert": ("convert",),
    "coverage": ("coverage",),
    "diff": ("diff", "closed_ir"),
    "extract": ("c_headers", "cases", "circles", "infos"),
    "grammar": ("infos", "free_infos"),
    "infos": ("infos", "device_sections"),
    "inspect_json": ("inspect",),
    "ir": ("ir_arithmetic", "ir_json", "closed_ir", "lock", "inspect"),
    "link": ("link", "infos"),
    "linkmodel": ("linkmodel",),
    "lock": ("lock", "closed_ir"),
    "lookup": ("inspect", "circles", "closed_ir"),
    "lower": ("lower", "render", "runtime", "rivals", "differential"),
    "paint": ("inspect", "diagnostics"),
    "pipeline": ("pipeline", "cases"),
    "plan": ("lower", "render"),
    "premises": ("premises",),
    "preprocess": ("preprocess",),
    "render": ("render", "runtime"),
    "report": ("diagnostics",),
    "resources": ("packaging", "cases"),
    "roots": ("roots",),
    "source": ("diagnostics", "cases"),
    "stamp": ("render", "write"),
    "stream": (
        "stream_read", "stream_write", "stream_ram", "stream_old_style", "stream_codecs",
        "stream_explain", "stream_origin", "stream_machine", "stream_registers",
        "stream_analyze", "stream_carriers", "description_json",
    ),
    "translate": ("translate", "refusals", "infos"),
    "tree": ("tree", "preprocess"),
    "targets": ("targets",),
    "tree_view": ("inspect",),
    "verdict": (
        "verdict", "verdict_circles", "verdict_refusals", "verdict_check", "verdict_cli",
        "closed_ir",
    ),
    "wording": ("inspect", "diff"),

    "write": ("write",),
}  # fmt: skip
"""The test files of each module or package of vmgen, the quickest first."""

MOST = 0.05
"""The share of faults that may survive."""

Fate = Literal["killed", "timeout", "survived"]


# --- faults -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """One changed place: ``old`` at line and column (bytes, from 0) of ``path`` becomes
    ``new``; ``kind`` says in a word what was done."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    new: str

    @property
    def package(self) -> str:
        """The module or package of vmgen that the fault is in."""
        return Path(self.path).parts[1].removesuffix(".py")

    def planted(self, text: str) -> str:
        """The source with the fault."""
        data = text.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()

    def diff(self, text: str) -> str:
        """The fault as a unified diff without its head."""
        lines = difflib.unified_diff(
            text.splitlines(), self.planted(text).splitlines(), n=0, lineterm=""
        )
        return "\n".join(list(lines)[3:])


_COMPARED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_COMPUTED: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
}  # fmt: skip


def faults(path: str, text: str) -> Iterator[Fault]:
    """Every fault that can be planted in a source, in its order."""
    tree = ast.parse(text)
    starts = [0]
    for row in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(row))
    for node in _code(tree):
        for kind, changed in _changes(node):
            assert isinstance(node, ast.expr | ast.stmt)
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            new = ast.unparse(changed)
            if isinstance(node, ast.expr):
                new = f"({new})"
            yield Fault(path, node.lineno, kind, start, end, new)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: no annotations, no assertions, no text of errors."""
    if isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr | ast.Import):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    made = copy.copy(node)
    match made:
        case ast.Compare(ops=[op]):
            made.ops = [_COMPARED[type(op)]()]
            yield "comparison", made
        case ast.BinOp(op=op, left=left) if type(op) in _COMPUTED:
            if not isinstance(left, ast.Constant) or not isinstance(left.value, str):
                made.op = _COMPUTED[type(op)]()
                yield "arithmetic", made
        case ast.BoolOp(op=op):
            made.op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "boolean", made
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "negation", operand
        case ast.Constant(value=bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "constant", ast.Constant(value + 1)
        case ast.IfExp() | ast.If() if isinstance(made, ast.IfExp):
            made.body, made.orelse = made.orelse, made.body
            yield "choice", made
        case ast.Call(args=[first, second, *rest]) if not (
            isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
        ):
            if ast.dump(first) != ast.dump(second):
                made.args = [second, first, *rest]
                yield "arguments", made
        case (
            ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break()
        ):
            yield "deletion", ast.Pass()


def chosen(
    root: Path, packages: Sequence[str], count: int, seed: int
) -> tuple[Fault, ...]:
    """That many faults, spread over the packages by their size, every package included;
    the same for the same sources and seed."""
    found: dict[str, list[Fault]] = {}
    for path in sorted((root / "vmgen").rglob("*.py")):
        relative = path.relative_to(root).as_posix()
        if packages and Path(relative).parts[1].removesuffix(".py") not in packages:
            continue
        for fault in faults(relative, path.read_text(encoding="utf-8")):
            found.setdefault(fault.package, []).append(fault)
    dice = random.Random(seed)
    for name in sorted(found):
        dice.shuffle(found[name])
    total = sum(map(len, found.values()))
    shares = {
        name: max(1, round(count * len(own) / total)) for name, own in found.items()
    }
    taken = [one for name in sorted(found) for one in found[name][: shares[name]]]
    spare = [one for name in sorted(found) for one in found[name][shares[name] :]]
    taken += spare[: max(0, count - len(taken))]
    return tuple(sorted(taken, key=lambda one: (one.path, one.start)))


# --- trying them ------------------------------------------------------------------------


def copied(root: Path, folder: Path) -> Path:
    """A copy of the checkout: its files, nothing of what git or tools keep beside them."""
    shutil.copytree(
        root,
        folder,
        symlinks=True,
        ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "site"),
    )
    return folder


def run_tests(root: Path, names: Sequence[str], limit: float) -> Fate:
    """Whether the test files of the copy see something."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("VMGEN")
    }
    environment |= {
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "XDG_CACHE_HOME": str(root.parent / "cache"),
    }
    files = [f"tests/test_{name}.py" for name in names]
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files],
        cwd=root, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        try:
            code = child.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            return "timeout"
    return "survived" if code == 0 else "killed"


def tried(root: Path, fault: Fault, limit: float) -> Fate:
    """What becomes of a fault that is planted in the copy, and taken out again."""
    path = root / fault.path
    text = path.read_text(encoding="utf-8")
    path.write_text(fault.planted(text), encoding="utf-8")
    try:
        return run_tests(root, TESTS[fault.package], limit)
    finally:
        path.write_text(text, encoding="utf-8")


def all_tried(
    planted: Sequence[Fault], jobs: int, limit: float
) -> Iterator[tuple[Fault, Fate]]:
    """The fate of every fault, in order; raises :class:`SystemExit` where the tests of a
    package fail without a fault."""
    with tempfile.TemporaryDirectory(prefix="vmgen-mutants-") as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(jobs):
            copies.put(copied(ROOT, Path(folder) / str(number) / "tree"))

        def in_a_copy(fault: Fault | None, package: str) -> Fate:
            root = copies.get()
            try:
                if fault is None:
                    return run_tests(root, TESTS[package], 10 * limit)
                return tried(root, fault, limit)
            finally:
                copies.put(root)

        packages = sorted({fault.package for fault in planted})
        with ThreadPoolExecutor(jobs) as pool:
            clean = pool.map(lambda name: in_a_copy(None, name), packages)
            for package, fate in zip(packages, clean, strict=True):
                if fate != "survived":
                    raise SystemExit(f"{package}: its tests fail without a fault")
            fates = pool.map(lambda one: in_a_copy(one, one.package), planted)
            yield from zip(planted, fates, strict=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--packages", default="", help="only these, with commas")
    parser.add_argument("--count", type=int, default=200, help="how many faults")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--limit", type=float, default=300.0, help="seconds for a fault"
    )
    options = parser.parse_args(arguments)
    packages = [name for name in options.packages.split(",") if name]
    if unknown := set(packages) - set(TESTS):
        parser.error(f"no package of vmgen: {', '.join(sorted(unknown))}")
    planted = chosen(ROOT, packages, options.count, options.seed)
    table: dict[str, dict[Fate, int]] = {}
    begin = time.monotonic()
    for number, (fault, fate) in enumerate(
        all_tried(planted, options.jobs, options.limit), 1
    ):
        row = table.setdefault(
            fault.package, {"killed": 0, "timeout": 0, "survived": 0}
        )
        row[fate] += 1
        print(
            f"{number}/{len(planted)} {fate}: {fault.path}:{fault.line} {fault.kind}",
            flush=True,
        )
        if fate == "survived":
            print(fault.diff((ROOT / fault.path).read_text(encoding="utf-8")))
    print(f"\n{'package':14} planted  killed  timeout  survived")
    for name, row in table.items():
        print(
            f"{name:14} {sum(row.values()):7} {row['killed']:7} {row['timeout']:8}"
            f" {row['survived']:9}"
        )
    survived = sum(row["survived"] for row in table.values())
    share = survived / len(planted) if planted else 0.0
    print(f"{survived} of {len(planted)} survive ({share:.1%}); seed {options.seed}, "
          f"{time.monotonic() - begin:.0f} s")  # fmt: skip
    return int(share > MOST)


if __name__ == "__main__":
    raise SystemExit(main())
