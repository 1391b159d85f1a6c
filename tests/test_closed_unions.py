"""A class that comes to a closed union is noticed wherever the union is taken apart."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import vmgen

PACKAGE = Path(vmgen.__file__).parent
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}

LOOKS_FOR_A_FEW: dict[str, str] = {
    "translate/loading.py:_blur": "what leads to an object below; the rest leads to none",
    "machines/code.py:member": "what a member's name is made of; the rest names none",
    "translate/refusals.py:_set_by": "what has a condition and a body; the rest has not",
    "machines/board_paths.py:words_of": "a name or a literal; the rest has no word",
    "execution/expressions.py:_acts": "what changes something; the rest only reads",
    "lint/rules/fields.py:_is_data": "what moves the memory at its place; the rest is code",
}
"""Matches that name a few classes of many on purpose, by file and function, and why."""


def leaves(value: ast.expr) -> Iterator[str]:
    """The last names of what ``A | b.C | ...`` joins."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr):
        yield from leaves(value.left)
        yield from leaves(value.right)
    else:
        yield ast.unparse(value).rpartition(".")[2]


def members() -> set[str]:
    """The classes of every closed union; no two classes of vmgen share a name."""
    unions = [
        (ast.unparse(node.target), set(leaves(node.value)))
        for tree in TREES.values()
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) == "TypeAlias"
        and isinstance(node.value, ast.BinOp)
    ]
    classes = {
        node.name
        for tree in TREES.values()
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
    closed = classes | {name for name, _ in unions}
    return {name for _, union in unions if union <= closed for name in union} & classes


MEMBERS = members()


def taken_whole(pattern: ast.pattern) -> Iterator[str] | None:
    """The classes that a pattern accepts whatever their members hold, or None."""
    if isinstance(pattern, ast.MatchAs):
        return iter(()) if pattern.pattern is None else taken_whole(pattern.pattern)
    if isinstance(pattern, ast.MatchOr):
        inner = [taken_whole(one) for one in pattern.patterns]
        if any(one is None for one in inner):
            return None
        return (name for one in inner if one is not None for name in one)
    if isinstance(pattern, ast.MatchClass) and all(
        isinstance(one, ast.MatchAs) and one.pattern is None
        for one in (*pattern.patterns, *pattern.kwd_patterns)
    ):
        return iter([ast.unparse(pattern.cls)])
    return None


def dispatches(match: ast.Match) -> bool:
    """Whether a match chooses by the class of a closed union's member alone.  One that
    looks into the members (``Binary("&&", left, right)``) looks for a shape, and what
    has another shape is no case that was forgotten; so does one of few classes that has
    a guard."""
    found: set[str] = set()
    for case in match.cases:
        names = taken_whole(case.pattern)
        if names is None:
            return False
        found |= {
            name.rpartition(".")[2] for name in names if not name.startswith("c_ast.")
        }
    guarded = any(case.guard is not None for case in match.cases)
    return len(found & MEMBERS) >= (3 if guarded else 1)


def matches(node: ast.AST, function: str = "") -> Iterator[tuple[str, ast.Match]]:
    """Every match below a node, with the innermost function that it is in."""
    if isinstance(node, ast.Match):
        yield function, node
    if isinstance(node, ast.FunctionDef):
        function = node.name
    for child in ast.iter_child_nodes(node):
        yield from matches(child, function)


FOUND = [
    (f"{path}:{function}", match)
    for path, tree in TREES.items()
    for function, match in matches(tree)
    if dispatches(match)
]


def test_the_unions_are_found() -> None:
    assert {"IntegerElement", "Select", "PyLambda", "Validation", "Ending"} <= MEMBERS
    assert len(FOUND) >= 40


def test_a_match_by_class_says_that_it_has_all_of_them() -> None:
    without_end = {
        place
        for place, match in FOUND
        if not any(
            isinstance(node, ast.Call) and ast.unparse(node.func) == "assert_never"
            for node in ast.walk(match.cases[-1])
        )
    }

    assert without_end == LOOKS_FOR_A_FEW.keys()


@pytest.mark.parametrize(
    ("source", "chooses"),
    [
        ("match x:\n case StructElement(): 1", True),
        ("match x:\n case ir.StructElement(symbol): 1", True),
        ("match x:\n case ir.Load(path) if path: 1\n case _: 2", False),
        ("match x:\n case Select() | Truncate(): 1\n case _: 2", True),
        ("match x:\n case Truncate('bool', one): 1", False),
        ("match x:\n case c_ast.If(): 1", False),
        ("match x:\n case 'values': 1", False),
    ],
)
def test_what_counts_as_such_a_match(source: str, chooses: bool) -> None:
    match = ast.parse(source).body[0]
    assert isinstance(match, ast.Match)
    assert dispatches(match) == chooses
