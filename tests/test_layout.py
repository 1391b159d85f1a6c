"""Types, constants and the errors of the layout, on small pieces of C."""

from __future__ import annotations

import pytest

from vmgen.cfront import ctype, syntax
from vmgen.cfront.layout import Layout, type_words
from vmgen.cfront.unit import Unit
from vmgen.source import VmgenError

DECLARATIONS = """
typedef unsigned char uint8_t; typedef unsigned short uint16_t; typedef unsigned int uint32_t;
typedef int int32_t; typedef unsigned long uint64_t; typedef long int64_t; typedef _Bool bool;
typedef unsigned long size_t; typedef uint32_t target_ulong;
enum { ZERO, ONE, FIVE = 5, SIX, HUGE = 0x100000000, LOW = -1 };
typedef enum Phase { IDLE, BUSY } Phase;
typedef struct { uint32_t addr; uint8_t cfg; } Entry;
typedef struct Env {
    target_ulong gpr[32]; uint64_t fpr[4][2]; Entry pmp[16]; Entry *list; uint8_t buf[10];
    struct { int inner; }; union { uint64_t raw; struct { uint32_t lo, hi; } half; };
    Phase phase; bool yes; unsigned low:3;
} Env;
typedef struct CPU { int refs; Env env; Env *other; target_ulong regs[]; } CPU;
typedef Entry Pair[2]; typedef struct CPU *CPURef; typedef void (*Handler)(int);
struct Later; struct Uses { Pair pairs[3]; CPURef cpu; Handler call; struct Later *later; };
static const Entry table[] = { { 1 }, { 2 }, [6] = { 7 } };
static const char word[] = "four";
extern CPU the_cpu; int compute(int); int variable;
"""

PROBE_LINE = DECLARATIONS.count("\n") + 1


def evaluated(expression: str, more: str = "") -> int:
    """The value of a C expression, as the initialiser of a static object."""
    unit = Unit(
        f"{DECLARATIONS}{more}static long probe = {expression};\n", source="t.c"
    )
    probe = unit.object("probe")
    assert probe is not None
    assert probe.initializer is not None
    assert not isinstance(probe.initializer, syntax.InitList)
    return Layout(unit).constant(probe.initializer)


def typed(expression: str) -> str:
    """The type of a C expression in C words."""
    unit = Unit(
        f"{DECLARATIONS}\nstatic long probe = sizeof({expression});\n", source="t.c"
    )
    probe = unit.object("probe")
    assert probe is not None
    assert isinstance(probe.initializer, syntax.SizeOf)
    operand = probe.initializer.operand
    layout = Layout(unit)
    if isinstance(operand, syntax.TypeExpr):
        return type_words(layout.resolve(operand))
    return type_words(layout.type_of(operand))


def refused(expression: str, more: str = "") -> str:
    with pytest.raises(VmgenError) as caught:
        evaluated(expression, more)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code.startswith("VG3")
    return str(diagnostic)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("-7 / 2", -3),
        ("-7 % 3", -1),
        ("~0u", 0xFFFFFFFF),
        ("-1 < 0u", 0),
        ("-1L < 0u", 1),
        ("0xffffffffu + 1", 0),
        ("1 << 31 >> 31", -1),
        ("(uint8_t)300", 44),
        ("(signed char)200", -56),
        ("(bool)256", 1),
        ("(bool)0.25", 1),
        ("(int)2.9", 2),
        ("'a'", 97),
        ("'\\xff'", -1),
        ("'ab'", 24930),
        ("'\\0\\1'", 1),
        ("'\\x7f\\0\\0\\1'", 0x7F000001),
        ("'\\xff\\0\\0\\1'", -0xFFFFFF),
        ("FIVE + SIX", 11),
        ("HUGE >> 32", 1),
        ("LOW", -1),
        ("0 ? 1 / 0 : 2", 2),
        ("1 || 1 / 0", 1),
        ("0 && variable", 0),
        ("1 ?: 5", 1),
        ("1 ? -1 : 0u", 0xFFFFFFFF),
        ("sizeof(Entry)", 8),
        ("sizeof(table) / sizeof(table[0])", 7),
        ("sizeof(word)", 5),
        ("sizeof(\"abc\")", 4),
        ("sizeof(((CPU *)0)->env.fpr[1])", 16),
        ("sizeof(CPU) % _Alignof(CPU)", 0),
        ("__builtin_offsetof(CPU, env.pmp[2].cfg)", 8 + 128 + 64 + 16 + 4),
        ("(size_t)&((CPU *)0)->env.pmp[2].cfg", 8 + 128 + 64 + 16 + 4),
        ("(char *)&((CPU *)8)->env - (char *)8", 8),
        ("&((CPU *)0)->env.gpr[5] - &((CPU *)0)->env.gpr[2]", 3),
        ("__builtin_offsetof(Env, half.hi) - __builtin_offsetof(Env, raw)", 4),
        ("__builtin_offsetof(CPU, regs[3]) - __builtin_offsetof(CPU, regs)", 12),
        ("__builtin_types_compatible_p(target_ulong, unsigned int)", 1),
        ("__builtin_types_compatible_p(uint64_t, unsigned long long)", 0),
        ("__builtin_types_compatible_p(Phase, unsigned int)", 1),
        ("__builtin_types_compatible_p(typeof(table), typeof(&table[0]))", 0),
        ("__builtin_types_compatible_p(int[], int[3])", 1),
        ("__builtin_choose_expr(sizeof(int) == 4, 10, variable)", 10),
        ("__builtin_constant_p(variable)", 0),
        ("__builtin_constant_p(FIVE)", 1),
        ("__builtin_popcountll(0xff00)", 8),
        ("__builtin_ctz(8)", 3),
        ("__builtin_clzl(1)", 63),
        ("__builtin_bswap32(0x01020304)", 0x04030201),
        ("sizeof(__builtin_ctzll(1)) + sizeof(__builtin_popcountl(1))", 8),
        ("__builtin_ctz(0x100000008)", 3),
        ("(int)-2.9", -2),
        ("(int)+2.9", 2),
        ("({ (void)0; 5; })", 5),
        ("({ typeof(3) a = 3; int b = 4; a > b ? a : b; })", 4),
        ("({ __auto_type a = 3UL; a - 4; }) > 0", 1),
        ("sizeof(struct { int:(sizeof(int) == 8) ? -1 : 1; }) - sizeof(struct { int:1; })", 0),
        ("sizeof(int) == sizeof(*(8 ? ((void *)((long)(5) * 0l)) : (int *)8))", 1),
        ("sizeof(int) == sizeof(*(8 ? ((void *)((long)(variable) * 0l)) : (int *)8))", 0),
        ("(uint32_t *)0 - (typeof(((CPU *)0)->env.gpr[0]) *)0", 0),
        ("(uint32_t (*)[32])0 - (typeof(((CPU *)0)->env.gpr) *)0", 0),
        ("(uint64_t (*)[4][2])0 - (typeof(((CPU *)0)->env.fpr) *)0", 0),
        ("(Entry **)0 - (typeof(((CPU *)0)->env.list) *)0", 0),
        ("(unsigned *)0 - (typeof(((CPU *)0)->env.phase) *)0", 0),
        ("&the_cpu.env.gpr[4] - the_cpu.env.gpr", 4),
        ("&the_cpu != 0", 1),
        ("!compute", 0),
    ],
)  # fmt: skip
def test_constants(expression: str, value: int) -> None:
    assert evaluated(expression) == value


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 + 1u", "unsigned int"),
        ("1u + 1L", "long"),
        ("1UL + 1LL", "unsigned long long"),
        ("(uint8_t)1 + (uint16_t)1", "int"),
        ("(uint8_t)1 << 1UL", "int"),
        ("1 == 1UL", "int"),
        ("FIVE", "int"),
        ("HUGE", "enum <anonymous>"),
        ("the_cpu.env.phase", "enum Phase"),
        ("the_cpu.env.phase + 1", "unsigned int"),
        ("the_cpu.env.low + 1", "int"),
        ("&the_cpu.env.fpr[1]", "unsigned long (*)[2]"),
        ("*the_cpu.env.fpr", "unsigned long[2]"),
        ("the_cpu.env.list + 1", "struct <anonymous> *"),
        ("1 ? (void *)0 : &the_cpu", "struct CPU *"),
        ("1 ? (void *)&variable : &the_cpu", "void *"),
        ("compute(1)", "int"),
        ("compute", "int (int)"),
        ("({ Env *e = &the_cpu.env; e->gpr; })", "unsigned int *"),
        ("1.0f + 1", "float"),
        ("Handler", "void (*)(int)"),
        ("the_cpu.regs", "unsigned int[]"),
    ],
)
def test_types(expression: str, words: str) -> None:
    assert typed(expression) == words


def test_a_failed_type_check_names_both_types_and_the_member() -> None:
    message = refused("(uint64_t *)0 - (typeof(((CPU *)0)->env.gpr[3]) *)0")
    assert message == (
        f"t.c:{PROBE_LINE}: error: type mismatch: 'uint64_t' (unsigned long) is expected,"
        " but 'env.gpr[3]' of 'CPU' is 'unsigned int' [VG310]"
    )


@pytest.mark.parametrize(
    ("check", "found"),
    [
        (
            "(uint32_t (*)[31])0 - (typeof(((CPU *)0)->env.gpr) *)0",
            "'unsigned int[32]'",
        ),
        ("(Entry *)0 - (typeof(((CPU *)0)->env.list) *)0", "'struct <anonymous> *'"),
        (
            "(uint64_t (*)[2][4])0 - (typeof(((CPU *)0)->env.fpr) *)0",
            "'unsigned long[4][2]'",
        ),
        (
            "(unsigned long long *)0 - (typeof(((CPU *)0)->env.raw) *)0",
            "'unsigned long'",
        ),
        ("(uint8_t *)0 - (typeof(((CPU *)0)->env.yes) *)0", "'_Bool'"),
    ],
)
def test_type_checks_that_c_refuses(check: str, found: str) -> None:
    message = refused(check)
    assert "VG310" in message
    assert f"is {found}" in message


def test_a_pointer_behind_an_object_points_to_nothing() -> None:
    objects = "typedef struct V { int a; } V; static V one = {1}, two[2] = {{1}, {2}};"
    text = f"{objects} static V *all[] = {{ &one, two + 1, &one + 1, two + 2 }};"
    unit = Unit(text, source="t.c")
    layout = Layout(unit)
    declared = unit.object("all")
    assert declared is not None
    assert isinstance(declared.initializer, syntax.InitList)
    at = [one.value for one in declared.initializer.items]
    found = [layout.pointed(value) for value in at[:2]]  # type: ignore[arg-type]
    assert [
        one.value.members["a"].value  # type: ignore[union-attr]
        for one in found
        if one is not None
    ] == [1, 2]
    for value in at[2:]:
        with pytest.raises(VmgenError, match="VG304"):
            layout.pointed(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("variable", "VG304", "the value of 'variable' is not a constant"),
        ("compute(3)", "VG304", "the call of compute() is not a constant"),
        ("(long)&the_cpu", "VG304", "the address of 'the_cpu' as an integer"),
        ("the_cpu.refs + 1", "VG304", "the value of the member 'refs'"),
        ("1 / (ONE - 1)", "VG304", "division by zero"),
        ("1 << 32", "VG304", "shift of 'int' by 32"),
        ("nowhere", "VG308", "'nowhere' is not declared"),
        ("__builtin_offsetof(CPU, env.gprs)", "VG303", "'struct Env' has no member 'gprs'"),
        ("__builtin_offsetof(CPU, env[2])", "VG303", "'struct Env' is no array"),
        ("sizeof(struct Later)", "VG302", "its members are not known"),
        ("sizeof(struct { int:(sizeof(int) == 4) ? -1 : 1; })", "VG306", "negative width"),
        ("sizeof(char[(int)sizeof(int) - 5])", "VG306", "array length is negative (-1)"),
        ("the_cpu.env->refs", "VG305", "'->' on 'struct Env'"),
    ],
)  # fmt: skip
def test_what_is_no_constant_says_why(expression: str, code: str, words: str) -> None:
    message = refused(expression)
    assert f"[{code}]" in message
    assert words in message
    assert message.startswith(f"t.c:{PROBE_LINE}: ")


def test_what_an_initialiser_leaves_out_of_a_constant_is_zero() -> None:
    more = "constexpr struct { int a, b; } made = { .a = 4 };\n"
    assert evaluated("made.a", more) == 4
    assert evaluated("made.b", more) == 0


def test_of_several_members_without_a_size_the_first_is_named() -> None:
    more = "struct Bad { int good; struct First one; struct Second two; };\n"
    message = refused("sizeof(struct Bad)", more)
    assert "First" in message
    assert "Second" not in message


def test_a_missing_member_suggests_the_nearest() -> None:
    with pytest.raises(VmgenError) as caught:
        evaluated("__builtin_offsetof(CPU, env.gprs)")
    assert caught.value.diagnostics[0].hint == "did you mean 'gpr'?"


def _layout() -> Layout:
    return Layout(Unit(DECLARATIONS, source="t.c"))


def test_place_steps_and_anonymous_records() -> None:
    layout = _layout()
    cpu = ctype.Record("struct", "CPU")
    index = syntax.IntegerLiteral(3)
    place = layout.place(cpu, ("env", "pmp", index, "cfg"))
    assert [step.name for step in place.steps] == ["env", "pmp", "cfg"]
    assert place.steps[1].dims == (16,)
    assert place.steps[1].index == (3,)
    assert not place.steps[1].pointer
    assert place.offset == 8 + 128 + 64 + 3 * 8 + 4
    through = layout.place(cpu, ("env", "half", "lo"))
    assert [step.name for step in through.steps] == ["env", "half", "lo"]
    inner = layout.place(cpu, ("env", "inner"))
    assert [step.name for step in inner.steps] == ["env", "inner"]
    assert layout.place(cpu, ("env", "list")).steps[1].pointer
    assert layout.place(cpu, ("regs",)).steps[0].dims == (0,)


def test_spelling_is_what_is_written_without_arrays_and_pointers() -> None:
    layout = _layout()
    uses = ctype.Record("struct", "Uses")
    spelled = {m.name: layout.spelling(m.written) for m in layout.record(uses).members}
    assert spelled == {
        "pairs": "Entry",
        "cpu": "struct CPU",
        "call": "Handler",
        "later": "struct Later",
    }
    env = layout.record(ctype.Record("struct", "Env")).members
    assert layout.spelling(env[0].written) == "target_ulong"
    assert [layout.spelling(m.written) for m in env if not m.name] == ["", ""]
    pairs = layout.member(uses, "pairs")
    assert pairs is not None
    assert layout.place(uses, ("pairs",)).steps[0].dims == (3, 2)


def test_members_of_anonymous_records_lie_behind_what_is_before_the_record() -> None:
    text = """struct P { int x; struct { char a; int b; };
        union { short c; struct { char d; long e; }; }; char f; };"""
    layout = Layout(Unit(text, source="t.c"))
    record = ctype.Record("struct", "P")
    offsets = {name: layout.place(record, (name,)).offset for name in "xabcdef"}
    # What offsetof says of it in gcc for x86_64.
    assert offsets == {"x": 0, "a": 4, "b": 8, "c": 16, "d": 16, "e": 24, "f": 32}
    assert layout.sizeof(record) == 40


def test_spelling_looks_behind_typedefs_of_arrays_and_pointers() -> None:
    text = """typedef unsigned int Row[4]; typedef Row Grid[2]; struct T; typedef struct T *Ref;
        typedef Ref Refs[3]; typedef int Plain;
        struct U { Row row; Grid grid[5]; Ref ref; Refs refs; Plain plain; };"""
    layout = Layout(Unit(text, source="t.c"))
    record = ctype.Record("struct", "U")
    spelled = {
        m.name: layout.spelling(m.written) for m in layout.record(record).members
    }
    assert spelled == {
        "row": "unsigned int", "grid": "unsigned int", "ref": "struct T",
        "refs": "struct T", "plain": "Plain",
    }  # fmt: skip
    assert layout.place(record, ("grid",)).steps[0].dims == (5, 2, 4)
    assert layout.place(record, ("refs",)).steps[0].dims == (3,)
    assert layout.place(record, ("ref",)).steps[0].pointer


def test_bitfields_say_where_their_bits_are() -> None:
    unit = Unit(
        "struct B { unsigned a:3, b:7; unsigned char c:2; long d:40; };", source="t.c"
    )
    members = Layout(unit).record(ctype.Record("struct", "B")).members
    assert [(m.name, m.offset, m.bit_offset, m.bits) for m in members] == [
        ("a", 0, 0, 3),
        ("b", 0, 3, 7),
        ("c", 1, 2, 2),
        ("d", 1, 4, 40),
    ]


def test_a_record_that_contains_itself_is_an_error() -> None:
    unit = Unit("struct A { struct B { struct A a; } b; };", source="t.c")
    with pytest.raises(VmgenError, match="contains itself"):
        Layout(unit).sizeof(ctype.Record("struct", "A"))


def test_an_error_in_a_member_names_record_and_member() -> None:
    unit = Unit("struct A { int x;\n struct Gone gone; };", source="t.c")
    with pytest.raises(VmgenError) as caught:
        Layout(unit).sizeof(ctype.Record("struct", "A"))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.context == ("struct A", "gone")
    assert diagnostic.position.line == 2


def test_an_unknown_type_says_that_a_header_is_missing() -> None:
    with pytest.raises(VmgenError) as caught:
        _layout().resolve(syntax.NamedType("Missing"))
    assert caught.value.diagnostics[0].code == "VG301"
    assert "'Missing'" in caught.value.diagnostics[0].message
