"""C as vmgen prints it, read again: the same expressions and types."""

from __future__ import annotations

import random
import re

import pytest

from vmgen.cfront import syntax
from vmgen.cfront.layout import Layout, type_words, written_words
from vmgen.cfront.printer import opposite, phrase
from vmgen.cfront.syntax import Expr, IntegerLiteral, Name
from vmgen.cfront.unit import Unit

BINARY = ("||", "&&", "|", "^", "&", "==", "!=", "<", "<=", ">", ">=", "<<", ">>", "+", "-", "*", "/", "%")  # fmt: skip
PREFIX = ("-", "+", "~", "!", "&", "*", "++", "--")
LEAVES = (Name("a"), Name("b"), IntegerLiteral(7), IntegerLiteral(0x40))


def read(text: str) -> Expr:
    found = Unit(f'# 1 "a.c"\nlong x[] = {{ ({text}) }};', source="a.c").object("x")
    assert found is not None
    assert isinstance(found.initializer, syntax.InitList)
    (item,) = found.initializer.items
    assert not isinstance(item.value, syntax.InitList)
    return item.value


def bare(expr: Expr) -> str:
    """The expression without where it stands."""
    return re.sub(r", position=Position\([^)]*\)", "", repr(expr))


def trees() -> list[Expr]:
    """Every operator inside of every other, on either side, and deeper ones at random."""
    a, b, c = Name("a"), Name("b"), Name("c")
    found: list[Expr] = []
    shallow: list[Expr] = [
        *(syntax.BinaryOperation(op, a, b) for op in BINARY),
        *(syntax.UnaryOperation(op, a) for op in (*PREFIX, "p++", "p--")),
        syntax.Conditional(a, b, c), syntax.Conditional(a, None, c),
        syntax.Assign("=", a, b), syntax.Assign("+=", a, b), syntax.Comma((a, b)),
        syntax.Call(a, (b, c)), syntax.Call(a, ()), syntax.Member(a, "m", False),
        syntax.Member(a, "m", True), syntax.Index(a, b), syntax.SizeOf(a),
        syntax.StringLiteral("text"),
    ]  # fmt: skip
    for one in shallow:
        found.append(one)
        found += outside(one, c)
    chance = random.Random(1)
    for _ in range(150):
        tree: Expr = chance.choice(shallow)
        for _ in range(3):
            tree = chance.choice(outside(tree, chance.choice(LEAVES)))
        found.append(tree)
    return found


def outside(one: Expr, other: Expr) -> list[Expr]:
    """The expression as every operand there is."""
    row = isinstance(one, syntax.Comma)  # a comma in a comma is one row
    return [
        *(syntax.BinaryOperation(op, one, other) for op in BINARY),
        *(syntax.BinaryOperation(op, other, one) for op in BINARY),
        *(syntax.UnaryOperation(op, one) for op in (*PREFIX, "p++", "p--")),
        syntax.Conditional(one, other, other), syntax.Conditional(other, one, other),
        syntax.Conditional(other, other, one), syntax.Assign("=", other, one),
        *(() if row else (syntax.Comma((one, other)), syntax.Comma((other, one)))),
        syntax.Call(one, (other,)),
        syntax.Call(other, (one, one)), syntax.Member(one, "m", False),
        syntax.Member(one, "m", True), syntax.Index(one, other), syntax.Index(other, one),
        syntax.SizeOf(one),
    ]  # fmt: skip


def test_an_expression_has_the_parentheses_that_it_needs() -> None:
    every = trees()
    text = "".join(f"({phrase(one)}),\n" for one in every)
    found = Unit(f'# 1 "a.c"\nlong x[] = {{ {text} }};', source="a.c").object("x")
    assert found is not None
    assert isinstance(found.initializer, syntax.InitList)
    assert len(found.initializer.items) == len(every) > 1500
    for one, item in zip(every, found.initializer.items, strict=True):
        assert not isinstance(item.value, syntax.InitList)
        assert bare(item.value) == bare(one), phrase(one)


@pytest.mark.parametrize(
    "text",
    ["a + b - c", "a - (b - c)", "(a + b) * c", "a * b + c", "a << 2 | b", "a & (b | c)",
     "a == b && c != a", "(a && b) == c", "a < b == c", "!a", "!(a && b)", "-a + b",
     "-(a + b)", "a ? b : c", "a ? b : c ? d : e", "(a ? b : c) ? d : e", "a ?: c",
     "f(a, (b, c))", "f()", "(a + b)[c]", "a[b, c]", "*a++", "(*a)++", "*a.b", "(*a).b",
     "a->b.c[0x64]", "sizeof(a)", "sizeof(int)", "sizeof(struct s *)", "a = b", "(a = b) + c",
     "a / (b * c)", "a / b * c", "a % (b / c)", "~a & b", "-(-a)", "&(&a)", "-(--a)", "63", "0x40"],
)  # fmt: skip
def test_no_parentheses_are_needed_but_these(text: str) -> None:
    assert phrase(read(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("(int)a + 1", "a + 1"), ("(long)(a + b) * c", "(a + b) * c"), ("1.5", "1.5"),
     ("__builtin_expect(!!(a && b), 1)", "a && b"), ("__builtin_expect(a, 0) + 1", "a + 1"),
     ("__builtin_expect(!a, 0)", "!a"), ("object_dynamic_cast_assert(a, 1)", "a"),
     ("({ 1; })", "..."), ("_Alignof(int) + 1", "... + 1"), ("(int[]){1}", "..."),
     ("a + (b, c)", "a + (b, c)")],
)  # fmt: skip
def test_what_is_shown_short(text: str, shown: str) -> None:
    assert phrase(read(text)) == shown


@pytest.mark.parametrize(
    ("text", "negated"),
    [("!a", "a"), ("a", "!a"), ("a == b", "a != b"), ("a != b", "a == b"), ("a < b", "!(a < b)"),
     ("a && b", "!(a && b)"), ("!(a && b)", "a && b"), ("-a", "!-a"), ("f(a)", "!f(a)"),
     ("a.b", "!a.b"), ("a + b == c", "a + b != c"), ("a = b", "!(a = b)"), ("~a", "!~a")],
)  # fmt: skip
def test_the_negation_of_a_condition(text: str, negated: str) -> None:
    assert opposite(read(text)) == negated


DECLARATIONS = [
    "int x", "unsigned long x", "char *x", "char **x", "int x[3]", "int x[2][3]", "int *x[3]",
    "int (*x)[3]", "int (*x)(void)", "void (*x)(int, char *)", "int (*x)(int, ...)",
    "int (*(*x)(int))[4]", "char *(*x[5])(void)", "struct s x", "struct s *x", "union u x[2]",
    "enum e x", "void *x", "double x", "_Bool x", "int (*(*x)[2])(void)",
    "struct s (*x)(struct s *, int (*)[2])",
]  # fmt: skip


@pytest.mark.parametrize("text", DECLARATIONS)
def test_a_type_is_written_as_it_is_declared(text: str) -> None:
    before = "struct s { int a; }; union u { int a; }; enum e { E };"
    unit = Unit(f'# 1 "a.c"\n{before}\n{text};', source="a.c")
    declared = unit.object("x")
    assert declared is not None
    assert written_words(declared.type, "x") == text
    assert type_words(Layout(unit).resolve(declared.type), "x") == text
    # Without a name, as a cast or sizeof has it.
    alone = re.sub(r"\bx\b", "", text, count=1).rstrip().replace(" [", "[")
    assert written_words(declared.type).replace(" [", "[") == alone


@pytest.mark.parametrize(
    ("text", "shown"),
    [("t x", "t x"), ("t *x[N]", "t *x[N]"), ("int x[]", "int x[]"), ("int x[N + 1]", "int x[...]"),
     ("typeof(1) x", "typeof(...) x"), ("struct { int a; } x", "struct <anonymous> x"),
     ("struct { int a; } *x", "struct <anonymous> *x"), ("enum { A } x", "enum <anonymous> x"),
     ("_Atomic(int) x", "int _Atomic x")],
)  # fmt: skip
def test_what_is_written_is_not_resolved(text: str, shown: str) -> None:
    unit = Unit(f'# 1 "a.c"\ntypedef int t; enum {{ N = 3 }};\n{text};', source="a.c")
    declared = unit.object("x")
    assert declared is not None
    assert written_words(declared.type, "x") == shown
