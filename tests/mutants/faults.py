"""Faults that can be planted in vmgen's sources, and a choice of them.

A fault is one token's worth of one line of code: another comparison, operator, number,
sign, width or byte order, ``and`` for ``or``, a condition denied or ignored, a branch or
a statement left out, two operands or arguments swapped.
"""

from __future__ import annotations

import ast
import copy
import difflib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One changed place: the bytes from ``start`` to ``end`` of ``path`` (from the root
    of the checkout) become ``new``; ``kind`` says in a word what was done.  ``line`` and
    ``last`` are the lines that the changed code spans, from 1."""

    path: str
    line: int
    last: int
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
_ONE_WAY = (ast.Sub, ast.FloorDiv, ast.Mod, ast.LShift, ast.RShift)
"""Operators whose operands are not to be swapped."""
_SPELLED = {
    "big": "little", "little": "big", ">": "<", "<": ">",
    "B": "b", "H": "h", "I": "i", "Q": "q", "b": "B", "h": "H", "i": "I", "q": "Q",
    ">H": "<H", ">I": "<I", ">Q": "<Q", "<H": ">H", "<I": ">I", "<Q": ">Q",
}  # fmt: skip
"""Words of ``struct`` and ``int.from_bytes`` for orders and signs, and what is wrong."""


def faults(path: str, text: str) -> Iterator[Fault]:
    """Every fault that can be planted in a source, in its order."""
    tree = ast.parse(text)
    starts = [0]
    for row in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(row))
    for node in _code(tree):
        for kind, old, changed in _changes(node):
            assert old.end_lineno is not None
            assert old.end_col_offset is not None
            start = starts[old.lineno - 1] + old.col_offset
            end = starts[old.end_lineno - 1] + old.end_col_offset
            new = ast.unparse(changed)
            if isinstance(old, ast.expr):
                new = f"({new})"
            yield Fault(path, old.lineno, old.end_lineno, kind, start, end, new)


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: no annotations, no assertions, no text of errors."""
    if isinstance(node, ast.Assert | ast.Raise | ast.JoinedStr | ast.Import):
        return
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TYPE_CHECKING":
        return  # a name for what only the type checker reads
    if isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
        return
    if isinstance(node, ast.match_case | ast.If) and _unreachable(node.body):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return  # of zip: a second look at lengths that are the same
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


_SYMMETRIC = ("min", "max")
"""Functions that do not mind the order of their arguments."""
_CHECKED = ("isinstance", "issubclass", "getattr", "hasattr", "setattr", "cast")
"""Functions that any call shows to have swapped arguments, or that ignore one of them: the
type checker sees these, so nobody commits them."""


def _unreachable(body: Sequence[ast.stmt]) -> bool:
    """Whether the type checker knows that these statements never run."""
    return len(body) == 1 and ast.unparse(body[0]).startswith("assert_never(")


def _changes(
    node: ast.AST,
) -> Iterator[tuple[str, ast.expr | ast.stmt, ast.expr | ast.stmt]]:
    """What can be changed at a node: the kind, what goes and what comes."""
    match node:
        case ast.Compare(ops=[op], left=left, comparators=[right]):
            made = copy.copy(node)
            made.ops = [_COMPARED[type(op)]()]
            yield "comparison", node, made
            if isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE):
                yield (
                    "operands",
                    node,
                    ast.Compare(left=right, ops=[op], comparators=[left]),
                )
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _COMPUTED:
            if isinstance(left, ast.Constant) and isinstance(left.value, str):
                return
            yield (
                "arithmetic",
                node,
                ast.BinOp(left=left, op=_COMPUTED[type(op)](), right=right),
            )
            if isinstance(op, _ONE_WAY):
                yield "operands", node, ast.BinOp(left=right, op=op, right=left)
        case ast.BoolOp(op=op, values=values):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield "boolean", node, ast.BoolOp(op=other, values=values)
            yield "ignored", node, _joined(op, values[:-1])
            yield "ignored", node, _joined(op, values[1:])
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield "negation", node, operand
        case ast.Constant(value=bool() as value):
            yield "constant", node, ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield "constant", node, ast.Constant(value + 1)
        case ast.Constant(value=str() as value) if value in _SPELLED:
            yield "order", node, ast.Constant(_SPELLED[value])
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "choice", node, ast.IfExp(test=test, body=orelse, orelse=body)
        case ast.If(test=test) if not _names_something(test):
            yield "branch", test, ast.Constant(False)
            if not node.orelse:
                yield "branch", test, ast.Constant(True)
        case ast.comprehension(ifs=[test]) if not _names_something(test):
            yield "branch", test, ast.Constant(True)
        case ast.Call(args=[first, second, *rest]) if not (
            isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
        ):
            if ast.dump(first) != ast.dump(second) and not (
                isinstance(node.func, ast.Name)
                and node.func.id in (*_CHECKED, *_SYMMETRIC)
            ):
                made_call = copy.copy(node)
                made_call.args = [second, first, *rest]
                yield "arguments", node, made_call
        case (
            ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Continue() | ast.Break()
        ):
            yield "deletion", node, ast.Pass()


def _names_something(test: ast.expr) -> bool:
    """Whether a condition assigns: without it the name is missing, which shows at once."""
    return any(isinstance(node, ast.NamedExpr) for node in ast.walk(test))


def _joined(op: ast.boolop, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else ast.BoolOp(op=op, values=values)


def chosen(
    root: Path, packages: Sequence[str], count: int, seed: int
) -> tuple[Fault, ...]:
    """That many faults, spread over the packages by their size, every package included;
    the same for the same sources and seed."""
    found: dict[str, list[Fault]] = {}
    for path in sorted((root / "vmgen").rglob("*.py")):
        relative = path.relative_to(root).as_posix()
        package = Path(relative).parts[1].removesuffix(".py")
        # __init__ and __main__ of vmgen name things and call the command line.
        if package.startswith("__") or (packages and package not in packages):
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
    return tuple(sorted(taken, key=lambda one: (one.path, one.start, one.kind)))
