"""C that vmgen executes gives what GCC's program gives."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lacking import lacking
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.execution import ExecutedProgram, FunctionValue, NotKnown, Value
from vmgen.execution.context import Caller, SourceFile
from vmgen.execution.library import CLibrary
from vmgen.source import NOWHERE, Position

HEAD = """
typedef unsigned char uint8_t; typedef unsigned short uint16_t;
typedef unsigned int uint32_t; typedef unsigned long uint64_t;
typedef int int32_t; typedef long int64_t; typedef unsigned long size_t;
void *memcpy(void *, const void *, size_t); void *memset(void *, int, size_t);
size_t strlen(const char *); int strcmp(const char *, const char *);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
void *malloc(size_t); void *calloc(size_t, size_t); void free(void *);
int sprintf(char *, const char *, ...); int snprintf(char *, size_t, const char *, ...);
void abort(void);
"""


class OnlyC:
    """Nothing but the C library."""

    def __init__(self) -> None:
        self.library = CLibrary()

    def has(self, name: str) -> bool:
        return False

    def number(self, name: str) -> int | None:
        return {"given": 7}.get(name)

    def call(
        self, program: Caller, name: str, arguments: list[Value], position: Position
    ) -> Value | None:
        return self.library.call(program, name, arguments, position)


def program(*texts: str) -> ExecutedProgram:
    units = {f"{number}.c": HEAD + text for number, text in enumerate(texts)}

    def opened(name: str) -> SourceFile:
        unit = Unit(units[name], source=name)
        return SourceFile(name, unit, Layout(unit))

    return ExecutedProgram(
        OnlyC(),
        lambda name: [file for file, text in units.items() if name in text],
        opened,
    )


def executed(*texts: str) -> Value:
    return program(*texts).call(FunctionValue("run", ""), [], NOWHERE)


def of_gcc(text: str, folder: Path) -> int:
    gcc = shutil.which("gcc")
    if gcc is None:
        lacking("gcc is not installed")
        raise AssertionError
    file = folder / "program.c"
    main = (
        '\nint printf(const char *, ...);\nint main(void) { printf("%ld", run()); }\n'
    )
    file.write_text(HEAD + text + main)
    flags = ["-fwrapv", "-w", "-o", str(folder / "program"), str(file)]
    subprocess.run([gcc, *flags], check=True, timeout=60)
    done = subprocess.run(
        [str(folder / "program")], check=True, capture_output=True, timeout=60
    )
    return int(done.stdout)


CASES = {
    "arithmetic": """
long run(void) {
    signed char c = 200; uint8_t u = 300; int32_t i = -7; uint32_t w = 1u << 31;
    return c + u * 3 + i / 2 * 100 + i % 4 * 1000 + (w >> 3) + (i >> 1) + (~u & 0xf0)
        + (uint16_t)70000 + (i < 3u) + (-1 < 3);
}""",
    "bitfields": """
struct b { unsigned a : 3; int s : 5; uint32_t wide : 30; uint8_t last; };
long run(void) {
    struct b one = { .a = 9, .s = 19, .wide = 0x3abcdef1 };
    one.a += 3; one.s--; one.last = one.wide;
    return one.a + 10 * one.s + one.wide + 1000 * one.last + sizeof(one);
}""",
    "records": """
struct in { uint16_t x; struct { int y; union { uint32_t w; uint8_t b[4]; }; }; };
struct out { struct in one, two[2]; const char *name; };
static struct in made(int n) { struct in i = { n, { n * 2, { n * 3 } } }; return i; }
long run(void) {
    struct out o = { .two[1] = { .y = 5, .b = { 1, 2, 3, 4 } }, .name = "abc" }, copy;
    struct in *p = &o.two[0];
    o.one = made(300);
    *p++ = o.one;
    p->x = p - o.two;
    copy = o;
    o.two[1].y = 0;
    return copy.two[0].y + copy.two[1].y + copy.two[1].w + copy.two[1].x
        + strlen(copy.name) + copy.name[1] + made(7).w;
}""",
    "container": """
struct list { struct list *next; };
struct item { int n; struct list link; };
long run(void) {
    struct item items[4]; struct list *head = 0; long sum = 0;
    for (int i = 0; i < 4; i++) {
        items[i].n = i * i + 1; items[i].link.next = head; head = &items[i].link;
    }
    for (struct list *l = head; l; l = l->next) sum = sum * 10
        + ((struct item *)((char *)l - __builtin_offsetof(struct item, link)))->n;
    return sum;
}""",
    "loops": """
long run(void) {
    long sum = 0; int i = 0;
    while (1) { if (++i > 20) break; if (i % 3) continue; sum += i; }
    do { sum *= 2; } while (sum < 1000);
    for (int a = 0, b = 9; a < b; a++, b--) sum += a * b;
    return sum;
}""",
    "switch": """
static int one(int n) {
    int r = 0;
    switch (n) {
    case 1: r = 5;
    case 2: case 3: r += 7; break;
    default: r = -1; break;
    case 10 ... 12: return 100;
    }
    return r;
}
long run(void) {
    long sum = 0;
    for (int i = 0; i < 14; i++) sum = sum * 3 + one(i);
    return sum;
}""",
    "statics": """
static int count(void) { static int n = 3; return n++; }
static const int table[] = { 1, [3] = 9, [5 ... 7] = 2 };
static const int *const last = &table[7];
long run(void) {
    long sum = 0;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) sum += table[i] * count();
    return sum * 100 + *last;
}""",
    "functions": """
typedef int (*op)(int, int);
static int add(int a, int b) { return a + b; }
static int sub(int a, int b) { return a - b; }
static const struct { const char *name; op f; } ops[] = { { "add", add }, { "sub", &sub }, { 0 } };
long run(void) {
    long sum = 0;
    for (int i = 0; ops[i].name; i++)
        if (!strcmp(ops[i].name, "sub")) sum += ops[i].f(10, 3) * 100; else sum += (*ops[i].f)(1, 2);
    return sum + (ops[0].f == add) + (ops[0].f != sub);
}""",
    "statement expressions": """
long run(void) {
    int x = 3;
    long y = ({ __typeof__(x++) a = x++; __auto_type b = 2; a > b ? a : b; })
        + ({ __typeof__(-1) a = -1; __typeof__(1u) b = 1u; a > b ? a : b; });
    return y * 10 + x + (0 ?: 4);
}""",
    "memory": """
struct p { uint64_t a; const char *s; uint8_t t[3]; };
long run(void) {
    struct p *p = malloc(sizeof(*p) + 4), q; long n;
    memset(p, 0, sizeof(*p)); p->a = 0x1122334455667788; p->s = "xyz";
    memcpy(p + 1, p->s, 4); memcpy(&q, p, sizeof(q));
    n = strlen((char *)(p + 1)) + q.s[2] + (q.a >> 8) % 997 + ((uint8_t *)&q)[1];
    free(p);
    return n;
}""",
    "sorted": """
struct e { int key; char c; };
static int by_key(const void *a, const void *b) {
    return ((const struct e *)a)->key - ((const struct e *)b)->key;
}
long run(void) {
    struct e all[] = { { 5, 'a' }, { -2, 'b' }, { 9, 'c' }, { 0, 'd' } }; long sum = 0;
    qsort(all, 4, sizeof(all[0]), by_key);
    for (int i = 0; i < 4; i++) sum = sum * 200 + all[i].c;
    return sum;
}""",
    "texts": """
long run(void) {
    char b[20]; int n = sprintf(b, "%s-%04x/%d", "ab", 0xbeef, -5);
    char c[6]; int m = snprintf(c, sizeof(c), "%u%%", 123456789u);
    char d[100]; int k = sprintf(d, "%x %lx %u %hhx %5d|%05d|%8s|%X", -1, -2l, -3, 300, -42, -42, "ab", 0xcafe);
    for (int i = 0; i < k; i++) n = n * 31 % 99991 + d[i];
    return n * 1000 + m * 100 + b[3] + c[4] + strlen(c) + k;
}""",
    "pointers": """
static void set(int **where, int *what) { *where = what; }
long run(void) {
    int a[3] = { 1, 2, 3 }, *p = a + 2, *q; int (*whole)[3] = &a;
    set(&q, p);
    q[-1] += *p; --q; *q++ *= 2;
    return (*whole)[1] * 10 + (p - a) + (p == q) + (p > a) + !p + (q && 1) + (int)(uint8_t)-1;
}""",
    "numbers of pointers": """
long run(void) {
    int x = 4; uint64_t n = (uint64_t)&x; void *key = (void *)(uint64_t)77u;
    return *(int *)n + (long)key + (key == (void *)77);
}""",
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_program_gives_what_gcc_gives(name: str, tmp_path: Path) -> None:
    assert executed(CASES[name]) == of_gcc(CASES[name], tmp_path)


OPERATORS = st.sampled_from(["+", "-", "*", "&", "|", "^", "<", ">=", "==", "!="])
TYPES = st.sampled_from(
    ["signed char", "uint8_t", "short", "uint16_t", "int", "uint32_t", "long", "uint64_t"]
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(TYPES, st.integers(0, (1 << 64) - 1), OPERATORS, st.integers(0, 15)),
        min_size=1,
        max_size=30,
    )
)
def test_integers_convert_as_in_gcc(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, str, int]]
) -> None:
    lines = [
        f"{{ {kind} v = {value}ull; s = ((s {op} v) + (v >> {shift}) - (v << 3)) ^ ~v; }}"
        for kind, value, op, shift in steps
    ]
    text = "long run(void) { long s = 1; " + " ".join(lines) + " return s; }"
    assert executed(text) == of_gcc(text, tmp_path_factory.mktemp("c"))


def test_functions_and_objects_of_other_files_are_found() -> None:
    main = "extern int table[2]; int twice(int); long run(void) { return twice(table[1]); }"
    other = "int table[2] = { 4, 5 }; static int by(int n) { return 2 * n; } int twice(int n) { return by(n); }"
    assert executed(main, other) == 10


def test_a_number_of_the_host_is_read() -> None:
    assert executed("extern int given; long run(void) { return given + 1; }") == 8


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("long run(void) { int x; if (x) return 1; return 2; }", "nothing set"),
        ("extern int other; long run(void) { return other ? 1 : 2; }", "'other'"),
        ("int f(void); long run(void) { return f(); }", "f()"),
        ("long run(void) { for (;;); }", "steps"),
        ("long run(void) { return run() + 1; }", "deep"),
        ("long run(void) { int a[2] = { 0 }; return a[2]; }", "outside"),
        ("long run(void) { int *p = 0; return *p; }", "no object"),
        ("long run(void) { return 1 / (int)strlen(\"\"); }", "zero"),
        ("long run(void) { return 1 << (int)strlen(\"0123456789012345678901234567890123\"); }", "shift"),
        ("long run(void) { char *p = malloc(1ul << 40); return p[0]; }", "memory"),
        ("long run(void) { char a[1 << 22]; return a[0]; }", "bytes"),
        ("long run(void) { char *p = malloc(8); return strlen(p); }", "known"),
        ("long run(void) { abort(); return 1; }", "assertion"),
        ("long run(void) { goto out; out: return 1; }", "goto"),
        ("long run(void) { int x, y = 0; x && y++; return y; }", "nothing set"),
        ("int f(void); long run(void) { int x; x || f(); return 1; }", "nothing set"),
        ("long run(void) { for (;;) malloc(1 << 20); }", "more memory"),
        ("long run(void) { return " + "!" * 60 + "run(); }", "deep"),
    ],
)  # fmt: skip
def test_what_cannot_be_known_ends_the_run(
    text: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vmgen.execution.program.MOST_STEPS", 10_000)
    with pytest.raises(NotKnown, match=why):
        executed(text)


def test_a_condition_that_acts_on_nothing_may_be_unknown() -> None:
    assert (
        executed("long run(void) { int x, y = 4, z = x && y; z = 1; return z; }") == 1
    )


def test_a_program_that_begins_again_has_its_static_objects_as_they_are_written() -> (
    None
):
    text = "static int n = 3; static int *p = &n; long run(void) { static int m; return ++*p + ++m; }"
    one = program(text)
    for _ in range(3):
        assert one.call(FunctionValue("run", ""), [], NOWHERE) == 5
        assert one.call(FunctionValue("run", ""), [], NOWHERE) == 7
        one.begin()


def test_a_branch_that_is_not_taken_may_be_anything() -> None:
    text = "long run(void) { if (0) { undeclared->x = 1; } return 3; }"
    assert executed(text) == 3


def test_unknown_values_stay_unknown_where_nothing_depends_on_them() -> None:
    text = "long run(void) { int x, y = 5; x = x + 1; return x == x ? y : y; }"
    with pytest.raises(NotKnown):
        executed(text)
    assert executed("long run(void) { int x, y; y = x; y = 4; return y; }") == 4
