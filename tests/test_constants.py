"""Constant expressions and literals against GCC: what they are worth and which type they have."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.test_initialize import agree_with_gcc, needs_gcc

pytestmark = needs_gcc

TYPES = (
    "_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "int",
    "unsigned", "long", "unsigned long", "long long", "unsigned long long", "float", "double",
)  # fmt: skip
#: The number of an expression's type.
KIND = ", ".join(f"{type}: {number}" for number, type in enumerate(TYPES, 1))
ATOMS = (
    "0", "1", "2", "3", "7", "5u", "1L", "2UL", "9LL", "3ULL", "0x7fffffff", "0x80000000",
    "2147483648", "0xffffffffu", "0x7fffffffffffffff", "0x8000000000000000", "'a'", "THREE",
    "(char)200", "(unsigned char)200", "(short)-3", "(unsigned short)65535", "(_Bool)5",
    "1.5", "2.0f", "0.0", "sizeof(Small)", "(signed char)-1", "-1", "-7L", "(long long)-1",
)  # fmt: skip


def expression(choose: random.Random, depth: int = 0) -> str:
    """A random expression of constants; some are none, as of a division by zero."""
    if depth > 3 or choose.random() < 0.2:
        return choose.choice(ATOMS)

    def inner() -> str:
        return expression(choose, depth + 1)

    match choose.randrange(10):
        case 0:
            return f"{choose.choice('+-!')}({inner()})"
        case 1:
            return f"({choose.choice(TYPES[:12])})({inner()})"
        case 2:
            return f"({inner()} ? {inner()} : {inner()})"
        case 3:
            operator = choose.choice(("<", "<=", ">", ">=", "==", "!="))
            return f"({inner()} {operator} {inner()})"
        case 4:
            return f"({inner()} {choose.choice(('&&', '||'))} {inner()})"
        case 5:
            count = choose.choice(("0", "1", "3", "7u", "5L", "(char)2"))
            return f"((long)({inner()}) {choose.choice(('<<', '>>'))} {count})"
        case 6:
            return f"({inner()} ?: {inner()})"
        case 7:
            type = choose.choice(TYPES[:12])
            return f"(~({type})({inner()}) {choose.choice('%&|^')} ({type})({inner()}))"
        case _:
            return f"({inner()} {choose.choice('+-*/')} {inner()})"


@pytest.mark.parametrize("seed", range(3))
def test_random_expressions_are_worth_what_gcc_says(seed: int, tmp_path: Path) -> None:
    choose = random.Random(seed)
    lines: list[str] = []
    for _ in range(150):
        text = expression(choose)
        number = len(lines)
        lines.append(f"long v{number} = (long)({text});")
        lines.append(f"int v{number + 1} = _Generic(({text}), {KIND});")
    equal, refused = agree_with_gcc(lines, tmp_path)
    assert equal > 150
    assert refused > 2


#: What lines share: an object and types to point to and to measure.
HEAD = """struct Deep { char c; struct { int x; long y[3]; } in[2]; int low : 3, wide : 32; long : 0;
 unsigned long far : 40; unsigned u : 31, v : 32; } deep; enum Big { BIG = 1L << 40, NEG = -1 };
 enum Low { LOW = -5 }; enum Plain { PLAIN = 7 } plain; int call(int); char *words[4];
 typedef int Row[3]; typedef Row *Rows; struct { int q; } other, *others; float f; unsigned char uc;
"""


def lines_of(expressions: list[str], type: str = "long") -> list[str]:
    return [f"{type} v{n} = {text};" for n, text in enumerate(expressions)]


EXPRESSIONS = [
    # shifts, divisions and their limits
    "1 << 30", "1 << 31 >> 31", "1u << 31", "1L << 62", "1L << 63", "-8 >> 1", "-8 / 3", "-8 % 3",
    "8 / -3", "8 % -3", "0x80000000 >> 31", "(unsigned char)255 << 4", "-1 >> 31", "-1L >> 63",
    "7u / 2", "-7 / 2u", "-7L / 2u", "5 % 7", "0 / 5", "0 % 5", "'\\377' >> 1",
    # conversions
    "(unsigned char)-1", "(signed char)128", "(short)40000", "(unsigned)-1", "(int)4294967295",
    "(int)1.9", "(int)-1.9", "(long)2.5f", "(_Bool)0.0", "(_Bool)-0.5", "(char)65.9", "(long)((float)3 / 2 * 2)",
    "(long)(1 ? 1 : 2.5)", "(long)((1 ? 1 : 2.5) / 2 * 10)", "(long)(1.5 + 1.5)", "(long)(3 - 0.5 * 2)", "(long)(7 / 2.0 * 2)", "1.5 < 2",
    "2 <= 1.5", "1.5 > 1", "1.5 >= 1.5", "1.5 == 1.5", "1.5 != 1.5", "!1.5", "!0.0", "(long)(-(-1.5) * 2)",
    "(long)(+1.5 * 2)", "0.5 && 0.25", "0.0 || 0.0", "1.5 ? 3 : 4", "(long)(1e18 + 1)", "-1 < 1u", "-1L < 1u",
    "(long)(16777217 * 1.0f)", "(long)(16777217 + 0.0f)", "(long)(0.1f * 10)", "0.1f == 0.1", "0.5f == 0.5",
    "(long)(16777217.0f - 16777216.0f)", "(long)(9007199254740993 * 1.0)", "(long)(float)33554435",
    "(float)0.1 == 0.1f", "sizeof(1.5f)", "sizeof(1.5)", "sizeof(1.5L)", "sizeof(1.5f + 1)", "sizeof(1.5f * 2.0)",
    "sizeof(1.5L + 1.0f)", "(long)2.75L", "(long)1e300 == 0", "1e40f > 1e39f", "(long)(3.0f / 2)", "1 / 3.0f == 1 / 3.0",
    # enumerations
    "BIG", "NEG", "LOW", "PLAIN", "sizeof(BIG)", "sizeof(NEG)", "sizeof(enum Big)", "sizeof(enum Low)",
    "-1 < PLAIN", "-1 < (enum Plain)0", "(enum Plain)-1 < 0", "(enum Low)-1 < 0", "PLAIN - 8 < 0",
    # sizes and places
    "sizeof(deep)", "_Alignof(struct Deep)", "sizeof deep.in", "sizeof deep.in[0].y[1]", "sizeof &deep",
    "sizeof(*&deep)", "sizeof words", "sizeof *words", "sizeof **words", "sizeof \"abc\"", "sizeof(Row)",
    "sizeof(Rows)", "sizeof(*(Rows)0)", "sizeof((char)1)", "sizeof((char)1 + 1)", "sizeof(call(1))",
    "sizeof(-(char)1)", "sizeof(!1L)", "sizeof(1, (char)1)", "sizeof(1 ? (char)1 : (char)2)",
    "sizeof(uc << 1L)", "sizeof(uc ? 1 : 1L)", "sizeof(f + 1)", "sizeof(f + 1.0)", "sizeof(int[5])",
    "sizeof(int (*)[5])", "sizeof(struct { char a; long b; })", "_Alignof(double)", "_Alignof(Row)",
    "sizeof(int[sizeof(deep)])", "sizeof(0 ? (void *)0 : &deep)",
    "sizeof(*(0 ? (void *)0 : &deep))", "sizeof(*(1 ? &deep : (void *)0))", "sizeof(*(1 ? 0 : &deep))",
    "sizeof(*(1 ? &deep : 0))", "sizeof(*(1 ? (void *)&f : &deep))", "sizeof(&deep.in[1] - &deep.in[0])",
    "sizeof(2[words])", "sizeof(others->q)", "sizeof(typeof(f))", "sizeof(__typeof__(int[2]))",
    "__builtin_offsetof(struct Deep, in[1].y[2])", "__builtin_offsetof(struct Deep, in[1])",
    "__builtin_offsetof(struct Deep, in[1].x) - __builtin_offsetof(struct Deep, in)",
    "(long)&((struct Deep *)0)->in[1].y[1]", "(long)&((struct Deep *)16)->in[1].x",
    "(char *)&deep.in[1].y[1] - (char *)&deep", "&deep.in[1].y[1] - &deep.in[0].y[1]",
    "&deep.in[1] - deep.in", "&deep.in[1] > &deep.in[0]", "&deep.in[1] == deep.in + 1", "&deep != 0",
    "&deep.in[0] >= &deep.in[1]", "(char *)4 - (char *)1", "(int *)16 - (int *)4", "(long)((int *)4 + 2)",
    "(long)(2 + (int *)4)", "(long)((int *)40 - 3)", "(long)((char *)0 - 1)", "&words[3] - words",
    "(long)&*(int *)8", "(long)&((int *)8)[2]", "(long)&2[(int *)8]", "!&deep", "!call", "&deep && 1",
    "(int *)0 == 0", "(_Bool)&deep", "(_Bool)(int *)0", "call != 0", "(long)(void *)5", "(long)(char *)-1",
    # bitfields
    "sizeof(deep.low + 1)", "sizeof(deep.far + 1)", "(typeof(deep.u + 0))-1 < 0",
    "(typeof(deep.v + 0))-1 < 0", "(typeof(deep.low + 0))-1 < 0", "(typeof(+deep.u))-1 < 0",
    "(typeof(deep.u << 1))-1 < 0", "(typeof(1 ? deep.u : 1))-1 < 0", "(typeof(1 ? 1 : deep.v))-1 < 0",
    "(typeof(~deep.v))-1 < 0", "(typeof(-deep.u))-1 < 0", "(typeof(1 + deep.v))-1 < 0",
    # builtins and GNU C
    "__builtin_types_compatible_p(int, signed)", "__builtin_types_compatible_p(int, unsigned)",
    "__builtin_types_compatible_p(int[], int[4])", "__builtin_types_compatible_p(int[3], int[4])",
    "__builtin_types_compatible_p(Row, int[3])",
    "__builtin_types_compatible_p(struct Deep, typeof(deep))", "__builtin_types_compatible_p(typeof(call), int(int))",
    "__builtin_types_compatible_p(int(int), int(long))", "__builtin_types_compatible_p(int(int), int(int, ...))",
    "__builtin_types_compatible_p(long, long long)", "__builtin_types_compatible_p(char, signed char)",
    "__builtin_types_compatible_p(int(int), long(int))", "__builtin_types_compatible_p(int *, long *)",
    "__builtin_types_compatible_p(typeof(other), typeof(deep))", "__builtin_types_compatible_p(float, double)",
    "__builtin_choose_expr(1, 3, f)", "__builtin_choose_expr(0, f, 4)", "__builtin_choose_expr(2 - 2, 1, 2L)",
    "__builtin_constant_p(3)", "__builtin_constant_p(f)", "__builtin_expect(5, 1)", "__builtin_expect(!3, 0)",
    "sizeof(__builtin_expect((char)1, 1))", "sizeof(__builtin_choose_expr(1, (char)1, 2L))",
    "__builtin_popcount(255)", "__builtin_popcount(-1)", "__builtin_popcountll(-1)", "__builtin_ctz(16)",
    "__builtin_clz(1)", "__builtin_clzll(1)", "__builtin_ffs(0)", "__builtin_ffs(12)", "__builtin_parity(7)",
    "__builtin_bswap16(0x1234)", "__builtin_bswap32(0x12345678)", "__builtin_bswap64(0x123456789abcdef0)",
    "__builtin_ffsll(1L << 40)",
    "_Generic(1, int: 3, default: 4)", "_Generic(1L, int: 3, default: 4)", "_Generic((char)1, int: 1, char: 2)",
    "_Generic(words, char **: 1, default: 2)", "_Generic(\"a\", char *: 1, default: 2)", "_Generic(deep, struct Deep: 1, default: 0)",
    "_Generic(call, int (*)(int): 1, default: 2)", "_Generic(&deep, struct Deep *: 5)", "1 ?: 2", "0 ?: 2", "-1 ?: 2u",
    # no constants
    "f", "call(1)", "deep.in[0].x", "1 / 0", "1 % 0", "1 / (THREE - 3)", "(long)1.0 / 0", "&deep < &f", "&deep - &f",
    "*&deep.low", "(&deep)->in[0].x", "1.5 % 2", "~1.5", "1.5 << 1", "deep + 1", "&1", "*3", "-&deep", "~&deep",
    "call + call", "&deep * 2", "1 - &deep", "deep.nothing", "f.x", "others.q", "&deep->low", "nowhere",
    "sizeof(struct Nothing)", "__builtin_offsetof(struct Deep, nothing)", "__builtin_offsetof(int, x)", "(struct Deep)1",
    "_Generic(1, long: 3)", "&deep.low", "f[0]", "3[4]", "f()", "!deep", "deep ? 1 : 2", "1 ? deep : 1",
]  # fmt: skip


def test_expressions_are_worth_what_gcc_says(tmp_path: Path) -> None:
    equal, refused = agree_with_gcc(lines_of(EXPRESSIONS), tmp_path, HEAD)
    assert equal > 150
    assert refused > 35


LITERALS = [
    "0", "00", "017", "0x1F", "0X1f", "0b101", "0B11", "42u", "42U", "42l", "42L", "42ul", "42LU", "42uLL",
    "42llu", "42LL", "2147483647", "2147483648", "4294967295", "4294967296", "0x7fffffff", "0x80000000",
    "0xffffffff", "0x100000000", "0x7fffffffffffffff", "0x8000000000000000", "0xffffffffffffffff",
    "9223372036854775807", "0xffffffffL", "4294967295u", "4294967296u", "0x8000000000000000L", "037777777777",
    "0x8000000000000000LL", "'a'", "'\\0'", "'\\n'", "'\\t'", "'\\a'", "'\\b'", "'\\f'", "'\\r'", "'\\v'", "'\\e'",
    "'\\''", "'\\\\'", "'\\\"'", "'\\?'", "'\\7'", "'\\77'", "'\\377'", "'\\x7f'", "'\\x80'", "'\\xff'", "'ab'", "'abcd'",
    "'\\x80\\0\\0\\0'", "'\\0a'", "L'a'", "u'a'", "U'a'", "L'\\xff'", "1.0", "1.", ".5", "1e3", "1E3", "1e-3", "1.5e+2",
    "0x1p3", "0x1.8p1", "0X.8P2", "1.5f", "1.5F", "2.5l", "2.5L", "1e2f", "09", "0b2", "1uu", "1lul", "0x", "1e", "''",
]  # fmt: skip


def test_literals_have_the_value_and_the_type_of_gcc(tmp_path: Path) -> None:
    lines: list[str] = []
    for text in LITERALS:
        lines.append(f"long v{len(lines)} = (long)({text});")
        if not text.lower().endswith("5l"):
            lines.append(f"int v{len(lines)} = _Generic(({text}), {KIND});")
    equal, refused = agree_with_gcc(lines, tmp_path)
    assert equal > 140
    assert refused > 8


def test_strings_have_the_bytes_of_gcc(tmp_path: Path) -> None:
    texts = [
        r'"\a\b\e\f\n\r\t\v\\\"\'\?"', r'"\1\12\1234\x1\x12\x7f\xff"', '"a" "b" "\\0c"', '"é\\u00e9\\U000000e9\\u20ac"',
        '"\\U0001F600"', 'u8"a\\u00e9"', '""', '"//" "/*"', '"a\\\\" "b"', '"\\08"', '"\\x41" "1"',
    ]  # fmt: skip
    lines = [f"char v{n}[] = {text};" for n, text in enumerate(texts)]
    lines += [f"char v{len(lines) + n}[3] = {text};" for n, text in enumerate(texts)]
    equal, _ = agree_with_gcc(lines, tmp_path)
    assert equal == len(lines)
