"""Expressions, amounts and types as words: what a C compiler would read from them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from pycparser import c_ast, c_parser

from tests.ir_programs import U8, U32, field
from vmgen import ir, wording
from vmgen.ir.evaluate import Known, binary, convert, evaluate, unary

A, B, C = (ir.Load(name, "int64") for name in "abc")
OPERATORS: tuple[ir.BinaryOperator, ...] = (
    "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "==", "!=", "<", "<=", ">", ">=",
    "&&", "||",
)  # fmt: skip
PRELUDE = "typedef int bool; typedef int uint8; typedef int int16;"


def two(op: ir.BinaryOperator, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary(op, left, right)


def drawn(chance: random.Random, depth: int) -> ir.Expr:
    kind = chance.randrange(8) if depth else chance.randrange(2)
    match kind:
        case 0:
            return ir.Const(
                chance.choice((0, 1, 7, 10, 63, 64, 100, 255, 4096, -1, -70))
            )
        case 1:
            return chance.choice((A, B, C))
        case 2:
            signs: tuple[ir.UnaryOperator, ...] = ("-", "~", "!")
            op = chance.choice(signs)
            return ir.Unary(op, drawn(chance, depth - 1))
        case 3:
            return ir.Select(*(drawn(chance, depth - 1) for _ in range(3)))
        case 4:
            kinds: tuple[ir.IntType, ...] = ("bool", "uint8", "int16")
            return ir.Truncate(chance.choice(kinds), drawn(chance, depth - 1))
        case _:
            sides = (drawn(chance, depth - 1) for _ in range(2))
            return two(chance.choice(OPERATORS), *sides)


def within(memory: dict[str, int]) -> Known:
    return Known(member=lambda path, _: memory[path])


def parsed(text: str) -> c_ast.Node:
    """The expression as pycparser has it, by the grammar of C."""
    unit = c_parser.CParser().parse(f"{PRELUDE} int x(void) {{ return {text}; }}")
    return unit.ext[-1].body.block_items[0].expr


def value(node: c_ast.Node, memory: dict[str, int]) -> int | None:
    """What the parsed expression computes; None where C leaves it undefined."""
    match node:
        case c_ast.Constant():
            return int(node.value, 0)
        case c_ast.ID():
            return memory[node.name]
        case c_ast.UnaryOp():
            inner = value(node.expr, memory)
            return None if inner is None else unary(node.op, inner)
        case c_ast.Cast():
            inner = value(node.expr, memory)
            kind = node.to_type.type.type.names[0]
            return None if inner is None else convert(inner, kind)
        case c_ast.TernaryOp():
            chosen = value(node.cond, memory)
            if chosen is None:
                return None
            return value(node.iftrue if chosen else node.iffalse, memory)
        case c_ast.BinaryOp():
            left = value(node.left, memory)
            if left is None:
                return None
            if (node.op == "&&" and not left) or (node.op == "||" and left):
                return int(bool(left))
            right = value(node.right, memory)
            return None if right is None else binary(node.op, left, right)
    raise AssertionError(type(node))


@pytest.mark.parametrize("seed", range(200))
def test_the_text_means_to_c_what_the_expression_computes(seed: int) -> None:
    chance = random.Random(seed)
    expr = drawn(chance, 3)
    node = parsed(wording.expression(expr))
    for _ in range(12):
        memory = {name: chance.choice((0, 1, 2, 3, 5, 70, -1, -4)) for name in "abc"}
        known = evaluate(expr, within(memory))
        assert value(node, memory) == known, wording.expression(expr)


@pytest.mark.parametrize("inner", OPERATORS)
@pytest.mark.parametrize("outer", OPERATORS)
def test_operators_inside_of_each_other_on_either_side(
    outer: ir.BinaryOperator, inner: ir.BinaryOperator
) -> None:
    for expr in (two(outer, two(inner, A, B), C), two(outer, A, two(inner, B, C))):
        text = wording.expression(expr)
        node = parsed(text)
        for left in (A, B, C):
            assert str(left.path) in text
        for values in ((7, 2, 1), (1, 2, 3), (0, 3, 2), (6, 5, 4), (-3, 2, 1)):
            memory = dict(zip("abc", values, strict=True))
            assert value(node, memory) == evaluate(expr, within(memory)), text


ARITHMETIC = {"*": 3, "/": 3, "%": 3, "+": 2, "-": 2}
LEVELS = {**ARITHMETIC, "<": 1, "<=": 1, ">": 1, ">=": 1, "==": 0, "!=": 0,
          "&&": -1, "||": -2}  # fmt: skip


@pytest.mark.parametrize("inner", LEVELS)
@pytest.mark.parametrize("outer", LEVELS)
def test_there_are_no_parentheses_that_c_does_not_need(
    outer: ir.BinaryOperator, inner: ir.BinaryOperator
) -> None:
    """But for bit operators inside of others."""
    left = wording.expression(two(outer, two(inner, A, B), C))
    right = wording.expression(two(outer, A, two(inner, B, C)))
    assert ("(" in left) == (LEVELS[inner] < LEVELS[outer])
    assert ("(" in right) == (LEVELS[inner] <= LEVELS[outer])


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (two("==", two("&", A, B), C), "(a & b) == c"),
        (two("&", two("&", A, B), C), "a & b & c"),
        (two("|", two("&", A, B), C), "(a & b) | c"),
        (two("<<", two("+", A, B), C), "(a + b) << c"),
        (two("+", two("<<", A, B), C), "(a << b) + c"),
        (two("&&", two("^", A, B), C), "(a ^ b) && c"),
        (two("&&", A, two("||", B, C)), "a && (b || c)"),
        (two("||", two("&&", A, B), C), "a && b || c"),
        (ir.Unary("!", two("&", A, B)), "!(a & b)"),
        (ir.Unary("!", A), "!a"), (ir.Unary("-", ir.Const(-3)), "-(-3)"),
        (ir.Truncate("uint8", two("+", A, B)), "(uint8)(a + b)"),
        (ir.Truncate("uint8", A), "(uint8)a"),
        (ir.Select(A, B, C), "a ? b : c"),
        (ir.Select(two("||", A, B), B, ir.Select(A, B, C)), "a || b ? b : a ? b : c"),
        (ir.Select(ir.Select(A, B, C), ir.Select(A, B, C), C),
         "(a ? b : c) ? (a ? b : c) : c"),
        (ir.Const(5, "MODE_X"), "MODE_X"), (ir.Version(), "version_id"),
        (ir.Ask("kvm_enabled()"), "kvm_enabled()"),
        (ir.Load("x[$0].y[$1]", "uint8", (A, two("+", B, ir.Const(1)))), "x[a].y[b + 1]"),
        (ir.Exists("i", ir.Const(0), ir.Const(16), 1, ir.Load("x[$0]", "uint8", (ir.Var("i"),))),
         "any i in 0..16: x[i]"),
        (ir.Exists("i", A, two("+", A, B), 2, ir.Var("i")), "any i in a..(a + b) step 2: i"),
        (two("&&", A, ir.Exists("i", ir.Const(0), B, 1, ir.Var("i"))),
         "a && (any i in 0..b: i)"),
    ],
)  # fmt: skip
def test_expressions_as_people_read_them(expr: ir.Expr, text: str) -> None:
    assert wording.expression(expr) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (9, "9"), (10, "10"), (11, "11"), (63, "63"), (64, "0x40"), (65, "0x41"),
        (90, "90"), (100, "100"), (101, "0x65"), (5000, "5000"), (5500, "0x157c"),
        (-1, "-1"), (-9, "-9"), (-63, "-63"), (-64, "-0x40"), (-70, "-70"),
        (1 << 32, "0x100000000"), (10**9, "1000000000"),
    ],
)  # fmt: skip
def test_numbers_are_hexadecimal_where_they_look_like_masks(
    number: int, text: str
) -> None:
    assert wording.expression(ir.Const(number)) == text


def test_conditions_are_their_function_where_it_is_not_translated() -> None:
    functions = {
        "known": ir.Function("known", body=two(">", A, ir.Const(3))),
        "hook": ir.Function("hook", untranslated="calls the host"),
    }
    assert wording.function("known", functions) == "a > 3"
    assert wording.function("hook", functions) == "hook()"
    assert wording.function("other", functions) == "other()"


PATH = (ir.Step("env", "Env"), ir.Step("n", "int32_t"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (ir.Fixed(16), "16"), (ir.FromMember(PATH, "int32"), "env.n"),
        (ir.FromMember(PATH, "int32", 4), "4 * env.n"),
        (ir.Computed(two("+", A, ir.Const(1))), "a + 1"),
    ],
)  # fmt: skip
def test_amounts(amount: ir.Amount, text: str) -> None:
    assert wording.amount(amount) == text
    if not isinstance(amount, ir.Fixed):
        assert wording.count(amount) == text.removeprefix("4 * ")


@pytest.mark.parametrize(
    ("element", "text"),
    [
        (U8, "uint8"), (ir.IntegerElement("int32", "le"), "int32 le"),
        (ir.IntegerElement("uint16", "equal"), "uint16 equal"),
        (ir.IntegerElement("uint64", info="vmstate_info_cpudouble"), "CPU_Double_U"),
        (ir.StructElement("vmstate_x", "X"), "struct"),
        (ir.StructElement("vmstate_x", "X", vstruct=True), "vstruct"),
        (ir.StructElement("vmstate_x", "X", name="virtio"), "virtio"),
        (ir.TimerElement(), "timer"), (ir.BufferElement(), "buffer"),
        (ir.BufferElement(name="str"), "str"), (ir.UnusedElement(), "unused_buffer"),
        (ir.BitmapElement(), "bitmap"), (ir.TmpElement("vmstate_x", "X"), "tmp"),
        (ir.ListElement("qtailq", "vmstate_x", "X"), "qtailq"),
        (ir.ListElement("qlist", "vmstate_x", "X"), "qlist"),
        (ir.GTreeElement("", "vmstate_x"), "gtree"), (ir.NothingElement(), "nothing"),
        (ir.CustomElement("vmstate_info_x", "x y"), "x y"),
        (ir.WordsElement("vmstate_info_x", "two", ()), "two"),
    ],
)  # fmt: skip
def test_types_are_those_of_a_streams_description(
    element: ir.Element, text: str
) -> None:
    assert wording.wire_type(field("x", element)) == text


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (ir.Step("x", "int"), "int"), (ir.Step("x", "QEMUTimer", (), (), True), "QEMUTimer *"),
        (ir.Step("x", "int", (3, 4)), "int[3][4]"), (ir.Step("x", "int", (3, 4), (1,)), "int[4]"),
        (ir.Step("x", "int", (3,), (1,)), "int"), (ir.Step("x", "int", (0,)), "int[]"),
        (ir.Step("x", "T", (2,), (), True), "T *[2]"),
    ],
)  # fmt: skip
def test_c_types_are_as_declared(step: ir.Step, text: str) -> None:
    one = field("x", U32)
    assert wording.c_type(replace(one, path=(ir.Step("e", "E", (9,)), step))) == text
    assert wording.c_type(replace(one, path=())) == ""


def test_a_program_is_its_target_or_its_files() -> None:
    modules = (ir.Module("a.c", ()), ir.Module("b.c", ()))
    assert wording.title(ir.Program("", "arm", modules)) == "arm"
    assert wording.title(ir.Program("", "", modules)) == "a.c, b.c"
