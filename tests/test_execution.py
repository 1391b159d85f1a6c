"""C that vmgen executes gives what GCC's program gives."""

from __future__ import annotations

import re
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
    "compared texts": r"""
int strncmp(const char *, const char *, size_t);
static int sign(int n) { return (n > 0) - (n < 0); }
long run(void) {
    const char *all[] = { "", "a", "ab", "abc", "b", "aB", "a\\377", "ab\\001", "zz" }; long sum = 0;
    for (int i = 0; i < 9; i++) for (int j = 0; j < 9; j++) {
        sum = sum * 3 + sign(strcmp(all[i], all[j])) + 1;
        for (int n = 0; n < 4; n++) sum = sum * 5 + sign(strncmp(all[i], all[j], n)) + 1;
    }
    return sum;
}""",
    "moved memory": """
void *memmove(void *, const void *, size_t);
long run(void) {
    uint8_t b[16]; long sum = 0;
    for (int i = 0; i < 16; i++) b[i] = i * 17;
    memmove(b + 3, b, 9); memmove(b, b + 5, 7); memset(b + 12, 300, 2); memset(b + 1, -1, 0);
    memcpy(b + 15, b + 14, 1);
    for (int i = 0; i < 16; i++) sum = sum * 31 + b[i];
    uint32_t *w = calloc(3, sizeof(*w)); w[1] = 7; sum += w[0] + w[1] + w[2];
    return sum;
}""",
    "printed numbers": """
long run(void) {
    char b[200]; long sum = 0;
    int n = sprintf(b, "%c|%hu|%hhd|%ld|%lli|%zx|%3c|%%|%05u|%8lx|%02X|%d|%s|%3s|%1d|%08x",
                    65 + 256, 70001, 200, -5l, 1ll << 40, (size_t)4095, 'z', 42u, 0xabcul, 10,
                    -2147483647 - 1, "", "long text", 12345, -1);
    for (int i = 0; i <= n; i++) sum = sum * 131 + b[i];
    char c[4] = "...";
    sum += snprintf(c, 0, "%d", 12); sum += c[0];
    sum += snprintf(c, 1, "%d", 12) * 7; sum += c[0] + c[1];
    sum += snprintf(c, 3, "%d", 12) * 7; sum += c[1] + c[2];
    sum += snprintf(c, 4, "%s", "wxyz"); sum += c[2] + c[3];
    return sum;
}""",
    "assignments": """
long run(void) {
    long sum = 0;
    int8_t a = 100; uint8_t b = 250; int16_t c = -30000; uint16_t d = 65000; int32_t e = -5;
    uint32_t f = 4000000000u; int64_t g = -1; uint64_t h = ~0ull;
    a += 100; b += 10; c -= 10000; d *= 3; e /= 2; f <<= 3; g >>= 1; h >>= 60;
    sum += a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13l + g * 17 + h * 19;
    a -= 1; b ^= 0xff; c |= 0x0f; d &= 0xff0; e %= 2; f /= 7; g *= 1000; h -= 20;
    sum = sum * 3 + a + b * 3 + c * 5 + d * 7 + e * 11 + f * 13l + g * 17 + h * 19;
    a++; --b; c--; ++d; sum += a++ + ++b + c-- + --d + (e, f) + (a ? b : c) + (e ?: 7);
    for (int i = -9; i < 10; i++) for (int j = -4; j < 5; j++) if (j)
        sum = sum * 7 + i / j + 3 * (i % j) + (i < j) + 2 * (i <= j) + ((uint32_t)i > (uint32_t)j)
            + (i == j) * 4 + (i != j) * 5 + (i >= j && j) * 6 + (i > j || !i) * 8 + (i & j) + (i | j) + (i ^ j);
    return sum;
}
""".replace("int8_t a", "signed char a").replace("int16_t c", "short c"),
    "initialisers": """
struct point { int x, y; struct { uint8_t low : 4, high : 4; } half; char name[4]; int more[3]; };
static int seven = 7;
static struct point fixed[] = { { 1, 2, { 3, 4 }, "abc", { [1] = 5 } }, [2] = { .y = 9, .more = { 1 } } };
static int *const where[2] = { &seven, &fixed[2].more[0] };
long run(void) {
    int n = 5, row[4] = { n, [2] = n * 2 }; struct point p = { .half.high = n, .more[2] = row[2], .y = n + 1 };
    struct point q = p, *r = &(struct point){ .x = q.more[2], .name = "zy" }; char text[] = "four", cut[2] = "xy";
    static int kept[2] = { 40 }; kept[0]++; kept[1] += kept[0];
    return row[0] + row[1] + row[2] * 3 + row[3] + p.x + p.y * 7 + p.half.low + p.half.high * 11 + p.more[0]
        + q.more[2] * 13 + r->x * 17 + r->y + r->name[1] + r->name[2] + sizeof(text) + text[4] + cut[1] + kept[1]
        + *where[0] * 1000 + *where[1] * 5000 + fixed[0].half.high + fixed[0].more[1] * 100 + fixed[1].x
        + fixed[0].name[3] + sizeof(fixed) + (fixed[2].name[0] == 0);
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


GLIB = """
typedef unsigned (*hash)(const void *); typedef int (*equal)(const void *, const void *);
unsigned g_str_hash(const void *); int g_str_equal(const void *, const void *);
unsigned g_int_hash(const void *); int g_int_equal(const void *, const void *);
unsigned g_int64_hash(const void *); int g_int64_equal(const void *, const void *);
void *g_hash_table_new(hash, equal);
int g_hash_table_insert(void *, void *, void *); int g_hash_table_replace(void *, void *, void *);
void *g_hash_table_lookup(void *, const void *); int g_hash_table_contains(void *, const void *);
int g_hash_table_remove(void *, const void *); unsigned g_hash_table_size(void *);
void *g_hash_table_get_keys(void *); void *g_list_sort(void *, int (*)(const void *, const void *));
void *g_list_sort_with_data(void *, int (*)(const void *, const void *, void *), void *);
void g_list_foreach(void *, void (*)(void *, void *), void *);
void g_hash_table_foreach(void *, void (*)(void *, void *, void *), void *);
char *g_strdup(const char *); char *g_strdup_printf(const char *, ...); int g_strcmp0(const char *, const char *);
void *g_memdup2(const void *, size_t); unsigned long find_last_bit(const unsigned long *, unsigned long);
void *g_malloc0_n(size_t, size_t);
static int by_text(const void *a, const void *b) { return strcmp(a, b); }
static int by_digit(const void *a, const void *b, void *at) {
    return ((const char *)a)[*(int *)at] - ((const char *)b)[*(int *)at];
}
static void add_text(void *one, void *sum) { *(long *)sum = *(long *)sum * 1000 + ((char *)one)[0]; }
static void add(void *key, void *value, void *sum) { *(long *)sum += *(int *)key * *(int *)value; }
"""


@pytest.mark.parametrize(
    ("body", "value"),
    [
        # Keys are texts, whatever memory they are in; a second value takes the first one's place.
        ("""char *k = g_strdup("key"); int a = 4, b = 5; void *t = g_hash_table_new(g_str_hash, g_str_equal);
            int n = g_hash_table_insert(t, "key", &a) * 10 + g_hash_table_insert(t, k, &b);
            return n * 1000 + *(int *)g_hash_table_lookup(t, "key") * 100 + g_hash_table_size(t);""", 10501),
        ("""void *t = g_hash_table_new(g_str_hash, g_str_equal); g_hash_table_insert(t, "a", "x");
            return g_hash_table_contains(t, "a") + 10 * g_hash_table_contains(t, "b")
                + 100 * (g_hash_table_lookup(t, "b") == 0) + 1000 * g_hash_table_remove(t, "a")
                + 10000 * g_hash_table_remove(t, "a") + 100000 * g_hash_table_size(t);""", 1101),
        # Keys that are pointers are the same only if they are equal.
        ("""int a = 1, b = 1; void *t = g_hash_table_new(0, 0); g_hash_table_insert(t, &a, &b);
            return g_hash_table_contains(t, &a) + 10 * g_hash_table_contains(t, &b);""", 1),
        # Keys that are numbers are compared by their 4 or 8 bytes.
        ("""uint64_t a = 1ull << 40 | 3, b = 2ull << 40 | 3; void *t = g_hash_table_new(g_int_hash, g_int_equal);
            g_hash_table_insert(t, &a, &a); return g_hash_table_contains(t, &b);""", 1),
        ("""uint64_t a = 1ull << 40 | 3, b = 2ull << 40 | 3, c = a;
            void *t = g_hash_table_new(g_int64_hash, g_int64_equal); g_hash_table_replace(t, &a, &a);
            return g_hash_table_contains(t, &b) + 10 * g_hash_table_contains(t, &c);""", 10),
        ("""int k[3] = { 1, 2, 3 }, v[3] = { 4, 5, 6 }; long sum = 0; void *t = g_hash_table_new(g_int_hash, g_int_equal);
            for (int i = 0; i < 3; i++) g_hash_table_insert(t, &k[i], &v[i]);
            g_hash_table_foreach(t, add, &sum); return sum;""", 32),
        ("""long sum = 0; void *t = g_hash_table_new(g_str_hash, g_str_equal);
            g_hash_table_insert(t, "c", 0); g_hash_table_insert(t, "a", 0); g_hash_table_insert(t, "b", 0);
            g_list_foreach(g_list_sort(g_hash_table_get_keys(t), by_text), add_text, &sum); return sum;""", 97098099),
        ("""long sum = 0; int at = 1; void *t = g_hash_table_new(g_str_hash, g_str_equal);
            g_hash_table_insert(t, "a3", 0); g_hash_table_insert(t, "b1", 0); g_hash_table_insert(t, "c2", 0);
            g_list_foreach(g_list_sort_with_data(g_hash_table_get_keys(t), by_digit, &at), add_text, &sum);
            return sum;""", 98099097),
        ("""void *t = g_hash_table_new(0, 0); return g_hash_table_get_keys(t) == 0;""", 1),
        ("""char *s = g_strdup_printf("%s-%d", "ab", 12); return strlen(s) * 1000 + s[4] + (g_strdup(0) == 0);""",
         5051),
        ("""return g_strcmp0(0, 0) + 10 * g_strcmp0("a", 0) + 100 * g_strcmp0(0, "a")
                + 1000 * g_strcmp0("a", "b") + 10000 * g_strcmp0("b", "b");""", -1090),
        ("""int a[3] = { 1, 2, 3 }, *b = g_memdup2(a, sizeof(a)); b[1] = 9;
            return a[1] + b[1] * 10 + b[2] * 100 + (g_memdup2(0, 4) == 0) * 1000 + (g_memdup2(a, 0) == 0) * 10000;""",
         11392),
        ("""unsigned long b[3] = { 6, 1ul << 5, 0 };
            return find_last_bit(b, 192) + 1000 * find_last_bit(b, 64) + 1000000 * find_last_bit(b, 69)
                + 1000000000 * find_last_bit(b + 2, 40);""", 40002002069),
        ("""int *a = g_malloc0_n(4, sizeof(int)); a[3] = 1; return a[0] + a[1] + a[2] + a[3]
                + (malloc(0) == 0) * 10;""", 11),
    ],
)  # fmt: skip
def test_glib_does_what_its_manual_says(body: str, value: int) -> None:
    assert executed(f"{GLIB}long run(void) {{ {body} }}") == value


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return g_hash_table_size(&g_str_hash);", "a hash table that vmgen did not see made"),
        ("g_list_foreach(&g_str_hash, add_text, 0); return 0;", "a list that vmgen did not see made"),
        ("return (long)g_hash_table_new((hash)add_text, 0);", "a hash table with a function of its own"),
        ('char b[9]; return sprintf(b, "%p", b);', "the format '%p'"),
        ('char b[9]; return sprintf(b, "%d");', "a format without its value"),
        ('char b[3] = { 1, 2, 3 }; return strlen(b);', "a string without an end"),
        ("return strlen((char *)0);", "memory at no address"),
        ("int x; char b[9]; return sprintf(b, \"%d\", x);", "a variable that nothing set"),
        ("char b[4]; memset(b, 0, (long)b); return 0;", "a number that is an address"),
    ],
)  # fmt: skip
def test_what_the_library_cannot_know(body: str, why: str) -> None:
    with pytest.raises(NotKnown, match=re.escape(why)):
        executed(f"{GLIB}long run(void) {{ {body} }}")


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
