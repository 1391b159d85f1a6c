"""Translated C functions against the same C compiled by gcc, over random memory."""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ir_eval import Memory, evaluate
from vmgen import ir
from vmgen.cfront import ctype
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.translate import predicate, words

needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="no gcc to compare with"
)

TYPES = """
typedef unsigned char uint8_t; typedef signed char int8_t; typedef unsigned short uint16_t;
typedef short int16_t; typedef unsigned int uint32_t; typedef int int32_t;
typedef unsigned long uint64_t; typedef long int64_t; typedef _Bool bool;
void abort(void); void __assert_fail(const char *, const char *, unsigned, const char *);
enum { false, true };
enum { FEATURE_A = 3, FEATURE_B = 40, LIMIT = 5 };
typedef enum { IDLE, BUSY, DONE = -2 } Phase;
typedef struct Object { uint32_t ref; uint8_t kind; } Object;
typedef struct Base { Object parent_obj; uint16_t index; } Base;
typedef struct Inner { uint32_t flags; int32_t level; uint64_t wide; } Inner;
typedef struct Env {
    int8_t s8; uint8_t u8; int16_t s16; uint16_t u16; int32_t s32; uint32_t u32;
    int64_t s64; uint64_t u64; bool yes; char plain; Phase phase;
    unsigned low:3; int small:5; uint64_t big:40; uint64_t half:32; uint64_t few:9; bool bit:1;
    uint32_t table[8]; Inner inner[4]; Inner *far; union { uint64_t raw; Inner as; };
} Env;
typedef struct CPU { Base parent_obj; Env env; int32_t count; } CPU;
static inline CPU *env_cpu(Env *env) { return (void *)env - __builtin_offsetof(CPU, env); }
static inline uint64_t extract64(uint64_t value, int start, int length)
{
    ({ if (start >= 0 && length > 0 && length <= 64 - start) ; else
        __assert_fail("start", "x.c", 1, __func__); });
    return (value >> start) & (~0UL >> (64 - length));
}
static inline int64_t sextract64(uint64_t value, int start, int length)
{
    return ((int64_t)(value << (64 - length - start))) >> (64 - length);
}
static inline uint32_t deposit32(uint32_t value, int start, int length, uint32_t field)
{
    uint32_t mask = (~0U >> (32 - length)) << start;
    return (value & ~mask) | ((field << start) & mask);
}
static inline int feature(Env *env, int number) { return (env->u64 & (1UL << number)) != 0; }
"""

PREDICATES = {
    "alias": "CPU *cpu = opaque; Env *env = &cpu->env; return env->u32 & 0x10;",
    "version": "CPU *cpu = opaque; return version_id >= LIMIT && cpu->env.yes;",
    "signs": "CPU *cpu = opaque; return cpu->env.s32 < cpu->env.u32;",
    "narrow": "CPU *cpu = opaque; uint8_t sum = cpu->env.u8 + cpu->env.s16; return sum > 200;",
    "inverse": "CPU *cpu = opaque; return ~cpu->env.u8 == 0xff - cpu->env.u8;",
    "inverse32": "CPU *cpu = opaque; return ~cpu->env.u32 > 0x80000000u;",
    "wrapping": "CPU *cpu = opaque; return cpu->env.u32 * 3 + 7 < cpu->env.u32;",
    "shifted": "CPU *cpu = opaque; return (cpu->env.u32 << 9) & 0x80000000u;",
    "shifted_sign": "CPU *cpu = opaque; return (cpu->env.s32 << 5) < 0;",
    "arithmetic": "CPU *cpu = opaque; return cpu->env.s64 >> 40 == -1;",
    "division": "CPU *cpu = opaque; return cpu->env.s32 / 7 == -3 || cpu->env.s16 % 5 < -2;",
    "negated": "CPU *cpu = opaque; return -cpu->env.u16 < -1000;",
    "minus_unsigned": "CPU *cpu = opaque; return -cpu->env.u32 > 5u;",
    "plain_char": "CPU *cpu = opaque; return cpu->env.plain < 0;",
    "enumerated": "CPU *cpu = opaque; return cpu->env.phase == DONE || cpu->env.phase == BUSY;",
    "bits": "CPU *cpu = opaque; return cpu->env.low - 4 < 0;",
    "signed_bits": "CPU *cpu = opaque; return cpu->env.small < -3;",
    "long_bits": "CPU *cpu = opaque; return cpu->env.big > 0x7f00000000UL && cpu->env.bit;",
    "ternary": "CPU *cpu = opaque; return cpu->env.yes ? cpu->env.s8 : cpu->env.u32 > 9;",
    "mixed_ternary": "CPU *cpu = opaque; return (cpu->env.yes ? -1 : cpu->env.u32) > 9;",
    "chosen_by_type": """CPU *cpu = opaque;
        return _Generic(cpu->env.u32, int32_t: 1, uint32_t: cpu->env.s16, default: 0) > 3;""",
    "elvis": "CPU *cpu = opaque; return (cpu->env.u8 ?: cpu->count) == 3;",
    "chain": """CPU *cpu = opaque;
        if (!cpu->env.yes) { return false; }
        if (cpu->env.s8 > 0) return cpu->env.u8 & 1;
        else if (cpu->env.s16) { return true; }
        return cpu->count != 0;""",
    "assigned": """CPU *cpu = opaque; uint32_t v = 0;
        if (cpu->env.yes) v |= 4;
        if (cpu->env.bit) { v |= 8; v ^= cpu->env.u8; }
        return v & 12;""",
    "asserted": """CPU *cpu = opaque; Env *env = &cpu->env;
        (cpu->count == cpu->count ? (void)0 : __assert_fail("", "", 1, ""));
        if (env->phase == 77) abort();
        return env->u16 == 0;""",
    "searched": """CPU *cpu = opaque; int i;
        for (i = 0; i < 8; i++) { if (cpu->env.table[i] & 0x80) { return true; } }
        return false;""",
    "searched_not": """CPU *cpu = opaque;
        for (unsigned i = 1; i < sizeof(cpu->env.table) / sizeof(cpu->env.table[0]); i += 2)
            if (!cpu->env.table[i]) return false;
        return cpu->env.yes;""",
    "searched_twice": """CPU *cpu = opaque; int i, j;
        for (i = 0; i < 4; ++i)
            for (j = 0; j <= i; j++)
                if (cpu->env.inner[i].flags == cpu->env.table[i + j]) return true;
        return false;""",
    "skipped": """CPU *cpu = opaque; int i;
        for (i = 0; i < 8; i++) {
            if (i == 3) continue;
            if (cpu->env.table[i] > 0xf0000000u) return true;
        }
        return false;""",
    "first_decides": """CPU *cpu = opaque; int i;
        for (i = 0; i < 4; i++) {
            if (cpu->env.inner[i].level > 0) return true;
            if (cpu->env.inner[i].level < -1000) return false;
        }
        return cpu->env.yes;""",
    "summed": """CPU *cpu = opaque; uint8_t sum = 0; int i;
        for (i = 0; i < 8; i++) sum += cpu->env.table[i];
        return sum & 3;""",
    "broken_off": """CPU *cpu = opaque; int i;
        for (i = 0; i < 8; i++) if (cpu->env.table[i]) break;
        return i < 3;""",
    "backwards": """CPU *cpu = opaque; int i;
        for (i = 7; i >= 0; i--) if (cpu->env.table[i] == 0) return true;
        return false;""",
    "counted_by_member": """CPU *cpu = opaque; unsigned i;
        for (i = 0; i < cpu->env.low; i++) if (cpu->env.table[i] & 1) return true;
        return false;""",
    "whiled": """CPU *cpu = opaque; int i = 0;
        while (i < 8) { if (cpu->env.table[i++] == 1) return true; } return false;""",
    "switched": """CPU *cpu = opaque;
        switch (cpu->env.low) {
        case 0: case 1: return cpu->env.yes;
        case 2: if (cpu->env.bit) break; return false;
        case 3: { return true; }
        case 4: default: return cpu->env.u8 > 100;
        case 5: case 6: break;
        }
        return cpu->env.s8 < 0;""",
    "fallen_through": """CPU *cpu = opaque; int v = 0;
        switch (cpu->env.u8 & 3) { case 1: v += 1; case 2: v += 2; break; case 3: v = 9; }
        return v == 2 || v == 3;""",
    "expression": "CPU *cpu = opaque; return ({ Env *e = &cpu->env; e->s8 + e->u8; }) > 0;",
    "inlined": "CPU *cpu = opaque; return feature(&cpu->env, FEATURE_A) != feature(&cpu->env, FEATURE_B);",
    "extracted": "CPU *cpu = opaque; return extract64(cpu->env.u64, 7, 9) > 100;",
    "sign_extracted": "CPU *cpu = opaque; return sextract64(cpu->env.u64, 11, 4) < -2;",
    "deposited": "CPU *cpu = opaque; return deposit32(cpu->env.u32, 28, 4, cpu->env.u8) > 0xa0000000u;",
    "contained": "Env *env = &((CPU *)opaque)->env; return env_cpu(env)->count > 0;",
    "contained_part": """CPU *cpu = opaque; uint16_t *index = &cpu->parent_obj.index;
        Base *base = ({ const uint16_t *p = index; (Base *)((char *)p - __builtin_offsetof(Base, index)); });
        return base->parent_obj.kind > 5;""",
    "upcast": "Object *o = opaque; CPU *cpu = (CPU *)o; return o->kind == cpu->env.u8 || cpu->count;",
    "followed": "CPU *cpu = opaque; return cpu->env.far && cpu->env.far->level < 0;",
    "not_null": "CPU *cpu = opaque; return cpu->env.far != (void *)0;",
    "anonymous": "CPU *cpu = opaque; return cpu->env.raw == cpu->env.as.flags;",
    "stepped": "CPU *cpu = opaque; uint32_t *p = cpu->env.table + 2; p++; return *p == p[-1] || *(p + 1) > 3;",
    "by_address": "CPU *cpu = opaque; int v = cpu->count; int *p = &v; *p += 1; return v == cpu->count + 1 && v;",
    "atomically": "CPU *cpu = opaque; return __atomic_load_n(&cpu->env.u16, 0) & 1;",
    "constant_true": "return 1;",
    "comma": "CPU *cpu = opaque; return (void)sizeof(cpu->count ? 1 : 0), cpu->count;",
    "stored_bool": "CPU *cpu = opaque; bool b = cpu->env.u32; return b == 1;",
    "cast_chain": "CPU *cpu = opaque; return (int8_t)(uint16_t)cpu->env.s32 > (uint8_t)cpu->env.s64;",
    "truth_math": "CPU *cpu = opaque; return !!cpu->env.u8 + !cpu->env.s8 == 2;",
}  # fmt: skip

#: Predicates that are the same for every object.
ONE_WAY = ("constant_true", "inverse")


def _source(predicates: dict[str, str]) -> str:
    return TYPES + "".join(
        f"bool {name}(void *opaque, int version_id)\n{{\n{body}\n}}\n"
        for name, body in predicates.items()
    )


class Compiled:
    """C functions as gcc compiles them, and as they are translated."""

    def __init__(self, predicates: dict[str, str], folder: Path) -> None:
        text = _source(predicates)
        (folder / "p.c").write_text(text)
        library = folder / "p.so"
        subprocess.run(
            [
                "gcc",
                "-w",
                "-O1",
                "-fwrapv",
                "-shared",
                "-fPIC",
                "-o",
                library,
                folder / "p.c",
            ],
            check=True,
        )
        self.library = ctypes.CDLL(str(library))
        self.unit = Unit(text, source="p.c")
        self.layout = Layout(self.unit)
        self.record = ctype.Record("struct", "CPU")
        self.size = self.layout.sizeof(self.record)
        self.translated: dict[str, ir.Function] = {}
        self.inner = ctypes.create_string_buffer(64)

    def translation(self, name: str) -> ir.Function:
        """A function as it is translated."""
        if name not in self.translated:
            self.translated[name] = predicate(self.unit, self.layout, name)
        return self.translated[name]

    def truths(self, name: str, image: bytes, version: int) -> tuple[int, int]:
        """What gcc's code and the translation say of one object."""
        memory = ctypes.create_string_buffer(image, len(image))
        address = ctypes.addressof(memory)
        compiled = self.library[name]
        compiled.restype = ctypes.c_bool
        compiled.argtypes = ctypes.c_void_p, ctypes.c_int
        function = self.translation(name)
        assert function.body is not None, function.untranslated
        found = evaluate(
            function.body, Memory(self.layout, self.record, address).read, version
        )
        return int(compiled(address, version)), found

    def image(self, choose: random.Random) -> bytes:
        """Random memory of a CPU; what must be valid (bool, pointers) is."""
        kind = choose.randrange(3)
        if kind == 0:
            image = bytearray(choose.randbytes(self.size))
        elif kind == 1:
            image = bytearray(self.size)
        else:
            image = bytearray(choose.choices((0, 1, 2, 0x7F, 0x80, 0xFF), k=self.size))
        env = self.layout.member(self.record, "env")
        assert env is not None
        assert isinstance(env.type, ctype.Record)
        yes = self.layout.member(env.type, "yes")
        far = self.layout.member(env.type, "far")
        assert yes is not None
        assert far is not None
        image[env.offset + yes.offset] &= 1
        self.inner.raw = choose.randbytes(64)
        pointer = choose.choice((0, ctypes.addressof(self.inner)))
        start = env.offset + far.offset
        image[start : start + 8] = pointer.to_bytes(8, "little")
        return bytes(image)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return Compiled(PREDICATES, tmp_path_factory.mktemp("predicates"))


@needs_gcc
@pytest.mark.parametrize("name", PREDICATES)
def test_predicate_says_what_gcc_says(compiled: Compiled, name: str) -> None:
    choose = random.Random(name)
    seen = set()
    for _ in range(80):
        image, version = compiled.image(choose), choose.randint(0, 9)
        expected, found = compiled.truths(name, image, version)
        assert found == expected, image.hex()
        seen.add(expected)
    assert (
        seen == {0, 1}
        or name in ("constant_true", "atomically", "inverse")
        or len(seen) == 1
    )


# --- random expressions -----------------------------------------------------------------

_MEMBERS = ("s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "yes", "plain", "low", "small", "half", "few", "phase")  # fmt: skip
_CASTS = ("int8_t", "uint8_t", "int16_t", "uint16_t", "int32_t", "uint32_t", "int64_t", "uint64_t", "bool")  # fmt: skip


def _random_expression(choose: random.Random, depth: int) -> str:
    if depth == 0:
        if choose.random() < 0.3:
            return choose.choice(("0", "1", "-1", "7", "255", "0x80000000u", "-5L", "1UL << 40", "FEATURE_B"))  # fmt: skip
        return f"cpu->env.{choose.choice(_MEMBERS)}"
    inner = [_random_expression(choose, depth - 1) for _ in range(3)]
    a, b, c = (f"({text})" for text in inner)
    match choose.randint(0, 9):
        case 0 | 1 | 2:
            return f"{a} {choose.choice(('+', '-', '*', '&', '|', '^'))} {b}"
        case 3:
            return f"{a} {choose.choice(('==', '!=', '<', '<=', '>', '>='))} {b}"
        case 4:
            return f"{a} {choose.choice(('<<', '>>'))} {choose.randint(0, 31)}"
        case 5:
            return f"{a} {choose.choice(('/', '%'))} {choose.choice(('3', '-7', '1000u', '0x7fffffffffL'))}"
        case 6:
            return f"{choose.choice(('~', '-', '!', '+'))}{a}"
        case 7:
            return f"({choose.choice(_CASTS)}){a}"
        case 8:
            return f"{a} ? {b} : {c}"
        case _:
            return f"{a} {choose.choice(('&&', '||'))} {b}"


@needs_gcc
def test_random_expressions_say_what_gcc_says(tmp_path: Path) -> None:
    choose = random.Random(64)
    predicates = {}
    for number in range(300):
        expression = _random_expression(choose, choose.randint(1, 4))
        predicates[f"p{number}"] = (
            f"CPU *cpu = opaque; return ({expression}) {choose.choice(('!=', '>', '<='))} {choose.choice(('0', '100', '-3', '0xffu'))};"
        )
    both = Compiled(predicates, tmp_path)
    for name, body in predicates.items():
        for _ in range(12):
            expected, found = both.truths(name, both.image(choose), 1)
            assert found == expected, body


# --- the shape of the translation ---------------------------------------------------------


def translated(body: str, declarations: str = "", name: str = "f") -> ir.Function:
    unit = Unit(TYPES + declarations + _function(name, body), source="f.c")
    return predicate(unit, Layout(unit), name)


def _function(name: str, body: str) -> str:
    return f"bool {name}(void *opaque, int version_id) {{ {body} }}\n"


def test_members_keep_their_path_and_type() -> None:
    function = translated(
        "CPU *cpu = opaque; Env *env = &cpu->env; return env->inner[2].level > 7;"
    )
    assert function.type == "CPU"
    assert function.body == ir.Binary(
        ">", ir.Load("env.inner[2].level", "int32"), ir.Const(7)
    )


def test_enumerators_keep_their_name() -> None:
    body = translated("CPU *cpu = opaque; return cpu->count == LIMIT;").body
    assert body == ir.Binary("==", ir.Load("count", "int32"), ir.Const(5, "LIMIT"))


def test_truncation_stands_only_where_it_shows() -> None:
    narrow = translated(
        "CPU *cpu = opaque; return cpu->env.u8 + cpu->env.u16 > 3;"
    ).body
    assert "Truncate" not in repr(narrow)
    wide = translated("CPU *cpu = opaque; return cpu->env.u32 + cpu->env.u16 > 3;").body
    assert "Truncate(type='uint32'" in repr(wide)


def test_a_search_becomes_exists() -> None:
    function = translated(
        "CPU *cpu = opaque; for (int i = 0; i < 8; i++) if (cpu->env.table[i] == 3) return 1; return 0;"
    )
    load = ir.Load("env.table[$0]", "uint32", (ir.Var("i"),))
    assert function.body == ir.Exists(
        "i", ir.Const(0), ir.Const(8), 1, ir.Binary("==", load, ir.Const(3))
    )


def test_a_pointer_member_is_followed_by_name() -> None:
    body = translated(
        "CPU *cpu = opaque; return cpu->env.far && cpu->env.far->wide;"
    ).body
    assert body == ir.Binary(
        "&&", ir.Load("env.far", "uint64"), ir.Load("env.far->wide", "uint64")
    )


def test_globals_and_functions_without_a_body_are_asked_for() -> None:
    outside = "extern bool kvm_allowed; int tcg_enabled(void); int feat(int, CPU *); enum { VX = 4 };"
    body = translated("return kvm_allowed;", outside).body
    assert body == ir.Ask("kvm_allowed")
    body = translated("return tcg_enabled();", outside).body
    assert body == ir.Binary("!=", ir.Ask("tcg_enabled"), ir.Const(0))
    body = translated("CPU *cpu = opaque; return feat(VX, cpu) > 0;", outside).body
    assert body == ir.Binary(">", ir.Ask("feat(VX, opaque)"), ir.Const(0))


def test_the_object_itself_is_not_named_in_what_is_asked_for() -> None:
    body = translated(
        "CPU *cpu = opaque; return ready(cpu);", "bool ready(CPU *);"
    ).body
    assert body == ir.Ask("ready")


def test_a_checked_cast_is_the_object() -> None:
    cast = """Object *object_dynamic_cast_assert(Object *, const char *, const char *, int, const char *);
        static inline CPU *AS_CPU(const void *o) { return ((CPU *)object_dynamic_cast_assert(((Object *)(o)), "cpu", __FILE__, 3, __func__)); }
        """.replace(
        "__FILE__", '"f.c"'
    )
    function = translated("return AS_CPU(opaque)->count == 1;", cast)
    assert function.type == "CPU"
    assert function.body == ir.Binary("==", ir.Load("count", "int32"), ir.Const(1))


def test_a_part_used_before_the_whole_gets_its_full_path() -> None:
    function = translated(
        "Base *b = opaque; CPU *cpu = opaque; return b->index && cpu->count;"
    )
    assert function.type == "CPU"
    assert function.body == ir.Binary(
        "&&", ir.Load("parent_obj.index", "uint16"), ir.Load("count", "int32")
    )


@pytest.mark.parametrize(
    ("body", "declarations", "reason"),
    [
        (
            "return class_of(opaque)->value == 2;",
            "typedef struct Class { int value; } Class; Class *class_of(void *);",
            "f reads 'value' of another object, through class_of",
        ),
        ("CPU *cpu = opaque; cpu->count = 1; return 1;", "", "f changes 'count' of its object"),
        ("CPU *cpu = opaque; update(cpu); return cpu->count;", "void update(CPU *);", "update()"),
        ("again: goto again; return 1;", "", "f uses goto"),
        ("CPU *cpu = opaque; return cpu->env.u32 / cpu->env.u8;", "", "divides by a number that may be 0"),
        ("CPU *cpu = opaque; return 1 << cpu->env.u8;", "", "shifts by a number that may exceed"),
        ("CPU *cpu = opaque; return f(cpu, 1);", "bool f(void *, int);", "calls f() too deep"),
        ("CPU *cpu = opaque; return probe(cpu->count);", "bool probe(int);", "computed arguments"),
        ("struct Far { int x; } *far = opaque; return far[1].x;", "", ""),
        ("Inner *a = opaque; CPU *b = opaque; return a->level + b->count;", "", "unrelated types"),
        ("CPU *cpu = opaque; int i = 0; while (cpu->count > i) i += 3; return i;", "", "turns depends on data"),
        ("CPU *cpu = opaque; return *(uint64_t *)&cpu->env.u8;", "", "reads 'unsigned char' as 'unsigned long'"),
    ],
)  # fmt: skip
def test_what_is_not_translated_says_why(
    body: str, declarations: str, reason: str
) -> None:
    function = translated(body, declarations)
    assert function.body is None
    assert reason in function.untranslated
    assert "f.c:" in function.untranslated or "unrelated" in reason


def test_a_function_of_another_file_is_a_hook() -> None:
    unit = Unit(TYPES + "bool far_needed(void *);", source="f.c")
    function = predicate(unit, Layout(unit), "far_needed")
    assert function.body is None
    assert function.untranslated == "far_needed() has no body in this file"


# --- custom infos ----------------------------------------------------------------------------

_STREAM = """
typedef struct QEMUFile QEMUFile; typedef struct VMStateField { int num; } VMStateField;
typedef unsigned long size_t; typedef struct JSONWriter JSONWriter;
uint64_t qemu_get_be64(QEMUFile *); unsigned int qemu_get_be32(QEMUFile *);
int qemu_get_byte(QEMUFile *); void qemu_put_byte(QEMUFile *, int);
void qemu_put_be64(QEMUFile *, uint64_t); void qemu_put_be32(QEMUFile *, unsigned int);
static inline void qemu_put_be32s(QEMUFile *f, const uint32_t *p) { qemu_put_be32(f, *p); }
static inline void qemu_get_be32s(QEMUFile *f, uint32_t *p) { *p = qemu_get_be32(f); }
static inline int32_t qemu_get_sbe32(QEMUFile *f) { return qemu_get_be32(f); }
static inline void qemu_put_sbe32(QEMUFile *f, int32_t v) { qemu_put_be32(f, (unsigned)v); }
void qemu_get_buffer(QEMUFile *, uint8_t *, size_t);
void set_level(Inner *, uint64_t); uint64_t get_level(Inner *); int mode(void);
"""


def moved(get: str, put: str, more: str = "") -> tuple[ir.Word, ...] | str:
    text = f"""{TYPES}{_STREAM}{more}
    int get(QEMUFile *f, void *pv, size_t size, const VMStateField *field) {{ {get} return 0; }}
    int put(QEMUFile *f, void *pv, size_t size, const VMStateField *field, JSONWriter *d) {{ {put} return 0; }}
    """
    unit = Unit(text, source="w.c")
    return words(unit, Layout(unit), "get", "put")


def test_words_of_members() -> None:
    assert moved(
        "Inner *v = pv; v->wide = qemu_get_be64(f); qemu_get_be32s(f, &v->flags); v->level = qemu_get_sbe32(f);",
        "Inner *v = pv; qemu_put_be64(f, v->wide); qemu_put_be32s(f, &v->flags); qemu_put_sbe32(f, v->level);",
    ) == (
        ir.Word("uint64", "wide"),
        ir.Word("uint32", "flags"),
        ir.Word("int32", "level"),
    )


def test_loops_are_written_out() -> None:
    assert moved(
        "Env *v = pv; int i; for (i = 0; i < 3; i++) { v->table[2 * i] = qemu_get_be32(f); }",
        "Env *v = pv; int i; for (i = 0; i < 3; i++) { qemu_put_be32(f, v->table[2 * i]); }",
    ) == tuple(ir.Word("uint32", f"table[{2 * index}]") for index in range(3))


def test_a_word_through_a_function_has_no_member() -> None:
    assert moved(
        "Inner *v = pv; uint64_t val = qemu_get_be64(f); if (val) { set_level(v, val); }",
        "Inner *v = pv; uint64_t val; if (mode()) { val = get_level(v); } else { val = v->wide; } qemu_put_be64(f, val);",
    ) == (ir.Word("uint64"),)


def test_a_byte_that_is_a_truth_is_a_bool() -> None:
    assert moved(
        "Inner *v = pv; bool on = qemu_get_byte(f); v->level = on ? 2 : 5;",
        "Inner *v = pv; bool on = (v->level == 2); qemu_put_byte(f, on);",
    ) == (ir.Word("bool"),)


def test_an_early_return_without_an_error_must_move_the_same() -> None:
    assert moved(
        "Inner *v = pv; v->flags = qemu_get_be32(f); if (v->flags & 1) { set_level(v, 1); return 0; } set_level(v, 2);",
        "Inner *v = pv; qemu_put_be32(f, v->flags);",
    ) == (ir.Word("uint32", "flags"),)
    answer = moved(
        "Inner *v = pv; v->flags = qemu_get_be32(f); if (v->flags & 1) { return 0; } v->level = qemu_get_be32(f);",
        "Inner *v = pv; qemu_put_be32(f, v->flags); qemu_put_be32(f, v->level);",
    )
    assert answer == "the words of get() depend on data"


def test_words_under_a_range_of_labels() -> None:
    get = """Inner *v = pv; switch (qemu_get_be32(f)) {
        case 200 ... 300: return -22; case 1 ... 3: v->level = 1; break; default: break; }"""
    assert moved(get, "Inner *v = pv; qemu_put_be32(f, v->level);") == (
        ir.Word("uint32"),
    )


def test_an_error_may_leave_early() -> None:
    assert moved(
        "Inner *v = pv; if (qemu_get_be32(f) != 7) { return -22; } v->wide = qemu_get_be64(f);",
        "Inner *v = pv; qemu_put_be32(f, 7); qemu_put_be64(f, v->wide);",
    ) == (ir.Word("uint32"), ir.Word("uint64", "wide"))


def test_a_result_that_is_not_known_is_no_error() -> None:
    assert moved(
        "Inner *v = pv; v->flags = qemu_get_be32(f); return mode();",
        "Inner *v = pv; qemu_put_be32(f, v->flags);",
    ) == (ir.Word("uint32", "flags"),)


def test_words_kept_in_a_local_array_have_no_member() -> None:
    assert moved(
        "uint32_t all[2]; for (int i = 0; i < 2; i++) { all[i] = qemu_get_be32(f); if (all[i] > 1) { return -22; } }",
        "for (int i = 0; i < 2; i++) { qemu_put_be32(f, get_level(pv)); }",
    ) == (ir.Word("uint32"), ir.Word("uint32"))


def test_the_member_s_own_sign_counts() -> None:
    assert moved(
        "Inner *v = pv; v->level = qemu_get_be32(f);",
        "Inner *v = pv; qemu_put_be32(f, v->level);",
    ) == (ir.Word("int32", "level"),)


def test_words_in_functions_that_get_the_stream() -> None:
    more = "static void both(QEMUFile *f, Inner *v) { v->flags = qemu_get_be32(f); v->level = qemu_get_be32(f); }"
    assert moved(
        "both(f, pv);",
        "Inner *v = pv; qemu_put_be32(f, v->flags); qemu_put_be32(f, v->level);",
        more,
    ) == (ir.Word("uint32", "flags"), ir.Word("int32", "level"))


def test_what_put_never_writes_is_what_get_reads() -> None:
    got = "uint32_t *v = pv; *v = qemu_get_be16(f);"
    assert moved(got, "") == (ir.Word("uint16"),)
    assert moved(got, "abort();") == (ir.Word("uint16"),)
    assert moved("", "") == ()


@pytest.mark.parametrize(
    ("get", "put", "reason"),
    [
        ("qemu_get_be32(f);", "qemu_put_be64(f, 1);", "word 0 is uint32 in get, uint64 in put"),
        ("qemu_get_be32(f); qemu_get_be32(f);", "qemu_put_be32(f, 1);", "get reads 2 words, put writes 1"),
        ("qemu_get_be32(f);", "void (*how)(QEMUFile *) = 0; how(f);", "a function behind a pointer"),
        ("Env *v = pv; qemu_get_buffer(f, &v->u8, 4);", "", "gives the stream to qemu_get_buffer()"),
        (
            "int n = qemu_get_be32(f); for (int i = 0; i < n; i++) { qemu_get_byte(f); }",
            "",
            "the number of words depends on data",
        ),
        ("for (int i = 0; i < size; i++) { qemu_get_byte(f); }", "", "the number of words depends on data"),
        ("if (mode()) { qemu_get_be32(f); }", "", "the words of get() depend on data"),
    ],
)  # fmt: skip
def test_what_is_no_fixed_sequence_says_why(get: str, put: str, reason: str) -> None:
    answer = moved(get, put)
    assert isinstance(answer, str)
    assert reason in answer


# --- the object around ------------------------------------------------------------------


def outside_of(body: str) -> ir.Function:
    around = (
        "Env *env = (Env *)((char *)opaque - __builtin_offsetof(Env, inner));"
        "CPU *cpu = (CPU *)((char *)env - __builtin_offsetof(CPU, env));"
    )
    text = f"{TYPES} bool f(void *opaque, int v) {{ {around} {body} }}"
    unit = Unit(text, source="f.c")
    return predicate(unit, Layout(unit), "f")


def test_a_predicate_over_the_object_around_says_what_it_reads_there() -> None:
    found = outside_of("return cpu->count >= 2;")
    assert found.body is None
    assert found.container == "CPU"
    assert found.outside == ir.Binary(">=", ir.Load("count", "int32"), ir.Const(2))


def test_one_that_reads_its_own_object_too_has_no_answer_outside() -> None:
    found = outside_of("Inner *own = opaque; return cpu->count >= 2 && own->level;")
    assert found.body is None
    assert found.outside is None
