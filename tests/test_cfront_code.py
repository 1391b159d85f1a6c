"""What expressions and statements of C and GNU C mean as nodes."""

from __future__ import annotations

import pytest

from vmgen.cfront.layout import Layout
from vmgen.cfront.syntax import (
    AlignOf,
    AutoType,
    BasicType,
    BinaryOperation,
    Block,
    Call,
    Case,
    Cast,
    Comma,
    CompoundLiteral,
    Conditional,
    Empty,
    Expr,
    ExprStatement,
    For,
    FunctionType,
    If,
    InitList,
    IntegerLiteral,
    Jump,
    Label,
    LocalDecl,
    Name,
    NamedType,
    OffsetOf,
    Parameter,
    PointerType,
    Range,
    RecordDecl,
    RecordType,
    Return,
    SizeOf,
    StatementExpr,
    StringLiteral,
    Switch,
    TypeOf,
    TypesCompatible,
    UnaryOperation,
    While,
)
from vmgen.cfront.unit import Unit
from vmgen.source import VmgenError

INT = BasicType("int")


def unit(text: str) -> Unit:
    return Unit(f'# 1 "a.c"\n{text}', source="a.c")


def record(text: str, tag: str = "s", kind: str = "struct") -> RecordDecl:
    found = unit(text).record(kind, tag)
    assert found is not None
    return found


def value(text: str, before: str = "") -> Expr | InitList:
    found = unit(f"{before} long x = {text};").object("x")
    assert found is not None
    assert found.initializer is not None
    return found.initializer


def body(text: str, before: str = "") -> tuple[object, ...]:
    found = unit(f"{before} void f(int a, int b) {{ {text} }}").function("f")
    assert found is not None
    assert found.body is not None
    return found.body.items


def number(expr: object) -> int:
    assert isinstance(expr, IntegerLiteral)
    return expr.value


def name(expr: object) -> str:
    assert isinstance(expr, Name)
    return expr.name


# --- expressions ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected", "type_"),
    [
        ("2147483647", 2147483647, "int"),
        ("2147483648", 2147483648, "long"),
        ("0x80000000", 0x80000000, "unsigned int"),
        ("0xffffffffffffffff", 0xFFFFFFFFFFFFFFFF, "unsigned long"),
        ("1ULL", 1, "unsigned long long"),
        ("1LU", 1, "unsigned long"),
        ("017", 15, "int"),
        ("0b101", 5, "int"),
        ("0", 0, "int"),
        ("'A'", 65, "int"),
        (r"'\n'", 10, "int"),
        (r"'\377'", -1, "int"),
        (r"'\x7f'", 127, "int"),
        ("'ab'", 0x6162, "int"),
    ],
)
def test_integers(text: str, expected: int, type_: str) -> None:
    found = value(text)
    assert isinstance(found, IntegerLiteral)
    assert (found.value, found.type) == (expected, type_)


def test_strings_are_joined_after_their_escapes_are_read() -> None:
    found = value(r'"a\x1" "2" "\0\"\101" "é"')
    assert isinstance(found, StringLiteral)
    assert found.value == 'a\x012\0"A\xc3\xa9'


def test_floats() -> None:
    for text, expected in [
        ("1.5f", 1.5),
        ("2e3", 2000.0),
        ("0x1.8p1", 3.0),
        (".5L", 0.5),
    ]:
        found = value(text)
        assert getattr(found, "value", None) == expected


def test_gnu_conditional() -> None:
    found = value("a ?: b")
    assert isinstance(found, Conditional)
    assert found.then is None
    assert name(found.condition) == "a"
    plain = value("a ? b : c")
    assert isinstance(plain, Conditional)
    assert name(plain.then) == "b"


def test_offsetof() -> None:
    found = value("__builtin_offsetof(struct s, a.b[i + 1].c)")
    assert isinstance(found, OffsetOf)
    assert found.type == RecordType("struct", "s")
    assert found.designator[:2] == ("a", "b")
    assert isinstance(found.designator[2], BinaryOperation)
    assert found.designator[3] == "c"


def test_sizeof_and_alignof() -> None:
    found = value("sizeof(t)", "typedef int t;")
    assert isinstance(found, SizeOf)
    assert found.operand == NamedType("t")
    found = value("sizeof(v)", "typedef int t; extern t v;")
    assert isinstance(found, SizeOf)
    assert name(found.operand) == "v"
    found = value("__alignof__(long)")
    assert isinstance(found, AlignOf)
    assert found.operand == BasicType("long")
    found = value("_Alignof(v)")
    assert isinstance(found, AlignOf)
    assert name(found.operand) == "v"


def test_types_compatible() -> None:
    found = value("__builtin_types_compatible_p(typeof(v), int (*)(int, char))")
    assert isinstance(found, TypesCompatible)
    assert isinstance(found.left, TypeOf)
    assert found.right == PointerType(
        FunctionType(INT, (Parameter("", INT), Parameter("", BasicType("char"))))
    )


def test_cast_compound_literal_and_call() -> None:
    found = value("(t)(v)", "typedef int t;")
    assert isinstance(found, Cast)
    found = value("(t)(v)", "int t(int);")
    assert isinstance(found, Call)
    found = value("&(t[]){ 1, [3] = 2, [5 ... 7] = 9, .m.n = 4 }", "typedef int t;")
    assert isinstance(found, UnaryOperation)
    literal = found.operand
    assert isinstance(literal, CompoundLiteral)
    plain, third, several, nested = literal.initializer.items
    assert plain.designators == ()
    assert number(third.designators[0]) == 3
    between = several.designators[0]
    assert isinstance(between, Range)
    assert (number(between.low), number(between.high)) == (5, 7)
    assert nested.designators == ("m", "n")


def test_statement_expression() -> None:
    found = value("({ int y = 1; y + 1; })")
    assert isinstance(found, StatementExpr)
    declared, last = found.body.items
    assert isinstance(declared, LocalDecl)
    assert isinstance(last, ExprStatement)
    assert isinstance(last.expression, BinaryOperation)


def test_precedence_and_comma() -> None:
    found = value("(a, b + c * d == e)")
    assert isinstance(found, Comma)
    equal = found.items[1]
    assert isinstance(equal, BinaryOperation)
    assert equal.op == "=="
    plus = equal.left
    assert isinstance(plus, BinaryOperation)
    assert plus.op == "+"
    assert isinstance(plus.right, BinaryOperation)


def test_record_inside_an_expression() -> None:
    source = unit(
        "int x = sizeof(struct { int : (1) ? 1 : -1; }) + sizeof(struct { char c; });"
    )
    found = source.object("x")
    assert found is not None
    assert isinstance(found.initializer, BinaryOperation)
    left, right = found.initializer.left, found.initializer.right
    assert isinstance(left, SizeOf)
    assert isinstance(right, SizeOf)
    assert left.operand == RecordType("struct", "<x>")
    assert right.operand == RecordType("struct", "<x:1>")
    assert source.record("struct", "<x:1>") is not None


# --- statements -----------------------------------------------------------------------


def test_statements() -> None:
    found = body(
        "int i, *p = &a; for (int j = 0; j < 3; j++) { b += j; } for (;;) break;"
        " while (a) a--; do b = 1; while (0); if (a) return; else goto out; out: ; ;"
    )
    i, p, counted, endless, loop, after, branch, label, empty = found
    assert isinstance(i, LocalDecl)
    assert isinstance(p, LocalDecl)
    assert (i.name, i.type, p.name, p.type) == ("i", INT, "p", PointerType(INT))
    assert isinstance(counted, For)
    assert isinstance(counted.start[0], LocalDecl)
    assert isinstance(counted.body, Block)
    assert isinstance(endless, For)
    assert (endless.start, endless.condition, endless.step) == ((), None, None)
    assert isinstance(endless.body, Jump)
    assert isinstance(loop, While)
    assert not loop.after
    assert isinstance(after, While)
    assert after.after
    assert isinstance(branch, If)
    assert isinstance(branch.then, Return)
    assert isinstance(branch.otherwise, Jump)
    assert (branch.otherwise.kind, branch.otherwise.label) == ("goto", "out")
    assert isinstance(label, Label)
    assert isinstance(empty, Empty)


def test_switch_with_ranges() -> None:
    (found,) = body(
        "switch (a) { case 1 ... 3: case 7: b = 1; break; default: b = 2; }"
    )
    assert isinstance(found, Switch)
    assert isinstance(found.body, Block)
    first, second, default = found.body.items
    assert isinstance(first, Case)
    assert isinstance(first.value, Range)
    assert (number(first.value.low), number(first.value.high)) == (1, 3)
    assert isinstance(second, Case)
    assert len(second.body) == 2
    assert isinstance(default, Case)
    assert default.value is None


@pytest.mark.parametrize(
    ("label", "low", "high"),
    [
        ("1 || 0 ... 3 + 4", 1, 7),
        ("0 ... 0 || 2", 0, 1),
        ("0 ? 4 : 2 ... 6", 2, 6),
        ("2 ... 1 ? 5 : 9", 2, 5),
        ("'a' ... 'c'", 97, 99),
    ],
)
def test_a_range_binds_more_loosely_than_its_ends(
    label: str, low: int, high: int
) -> None:
    (found,) = body(f"switch (a) {{ case {label}: b = 1; }}")
    assert isinstance(found, Switch)
    assert isinstance(found.body, Block)
    (case,) = found.body.items
    assert isinstance(case, Case)
    assert isinstance(case.value, Range)
    fold = Layout(unit("")).constant
    assert (fold(case.value.low), fold(case.value.high)) == (low, high)


def test_a_range_is_no_expression() -> None:
    with pytest.raises(VmgenError, match="a range stands where C takes one value"):
        body("a = 1 ... 3;")


def test_what_has_no_meaning_is_left_out() -> None:
    found = body(
        '__asm__ volatile ("nop" : : "r" (a) : "memory"); _Static_assert(sizeof(int) == 4, "x");'
        " __label__ l; int v __attribute__((unused)) = 1; __extension__ a = b;"
    )
    assembly, assertion, declared, assigned = found
    assert isinstance(assembly, Empty)
    assert isinstance(assertion, Empty)
    assert isinstance(declared, LocalDecl)
    assert isinstance(assigned, ExprStatement)


def test_auto_type() -> None:
    (found,) = body("__auto_type x = a;")
    assert isinstance(found, LocalDecl)
    assert found.type == AutoType()


def test_a_typedef_inside_a_function_is_its_type() -> None:
    found = body("typedef struct { int a; } t; t x; t *y;")
    x, y = found
    assert isinstance(x, LocalDecl)
    assert x.type == RecordType("struct", "<f>")
    assert isinstance(y, LocalDecl)
    assert y.type == PointerType(RecordType("struct", "<f>"))


def test_a_variable_may_hide_a_type() -> None:
    found = body(
        "int t = a; b = (t) + 1; b = (u) + 1;", "typedef int t; typedef int u;"
    )
    _, hidden, cast = found
    assert isinstance(hidden, ExprStatement)
    assert isinstance(cast, ExprStatement)
    assert isinstance(getattr(hidden.expression, "value", None), BinaryOperation)
    assert isinstance(getattr(cast.expression, "value", None), Cast)
