"""Statements of translated functions: as gcc runs them, and in proportion to their C."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

from tests.test_translate import Compiled, needs_gcc, translated
from vmgen import ir
from vmgen.pipeline import Request, compile_program
from vmgen.translate.budget import MAX_DEPTH, MAX_NODES
from vmgen.translate.looking import Looking

# --- random functions -------------------------------------------------------------------

_PLACES = (
    "s8",
    "u8",
    "s16",
    "u16",
    "s32",
    "u32",
    "low",
    "small",
    "yes",
    "phase",
    "few",
)
_BEGIN = "CPU *cpu = opaque; Env *env = &cpu->env; int i, j, x = 0; uint8_t n = 3; "


def _value(choose: random.Random) -> str:
    member = f"env->{choose.choice(_PLACES)}"
    number = str(choose.randint(-3, 300))
    return choose.choice((member, "x", "n", "version_id", number))


def _condition(choose: random.Random) -> str:
    left, right = _value(choose), _value(choose)
    operator = choose.choice(("==", "!=", "<", "<=", ">", ">=", "&", "&&", "||"))
    return f"{left} {operator} {right}"


def _label(choose: random.Random, used: set[int]) -> str:
    """A label that overlaps no other of its switch; both signs, and wider than a byte."""
    low = choose.choice([number for number in range(-6, 12) if number not in used])
    high = low
    while high < 11 and high + 1 not in used and choose.random() < 0.6:
        high += 1
    used.update(range(low, high + 1))
    suffix = choose.choice(("", "", "L"))
    return (
        f"case {low}{suffix} ... {high}:"
        if choose.random() < 0.7
        else (" ".join(f"case {number}:" for number in range(low, high + 1)))
    )


def _switch(choose: random.Random, depth: int) -> str:
    used: set[int] = set()
    parts = []
    for _ in range(choose.randint(1, 4)):
        end = choose.choice(("break;", "break;", "", f"return {_condition(choose)};"))
        body = _statements(choose, depth - 1) if choose.random() < 0.8 else ""
        parts.append(f"{_label(choose, used)} {body} {end}")
    if choose.random() < 0.6:
        parts.insert(
            choose.randint(0, len(parts)), f"default: {_statement(choose, 0)} break;"
        )
    if parts[-1].endswith(":"):
        parts[-1] += " ;"
    on = choose.choice(
        (
            "env->s8",
            "env->u8",
            "env->low",
            "env->small",
            "env->s32 % 8",
            "env->s64",
            "x",
        )
    )
    return f"switch ({on}) {{ {' '.join(part + ' ;' for part in parts)} }}"


def _loop(choose: random.Random, depth: int) -> str:
    inside = choose.choice(("continue;", "break;", "return true;", "x++;", "n += 7;"))
    body = f"if (env->table[i] & {choose.choice((1, 2, 128))}) {{ {inside} }}"
    if depth:
        body += f" {_statement(choose, 0)}"
    match choose.randrange(4):
        case 0:
            return f"for (i = 0; i < {choose.randint(0, 5)}; i++) {{ {body} }}"
        case 1:
            return f"for (i = 6; i > 3; i--) {{ {body} }}"
        case 2:
            return (
                f"i = 0; do {{ {body.replace('continue;', 'n++;')} }} while (++i < 3);"
            )
        case _:
            return (
                f"for (i = 0; i < 2; i++) for (j = i; j < 3; j++)"
                f" if (env->inner[i].flags > env->table[j]) {{ {inside} }}"
            )


def _statement(choose: random.Random, depth: int) -> str:
    match choose.randrange(10 if depth else 4):
        case 0:
            return f"x {choose.choice(('=', '+=', '-=', '|=', '^='))} {_value(choose)};"
        case 1:
            return f"n {choose.choice(('=', '+=', '|=', '&='))} {_value(choose)};"
        case 2:
            empty = choose.choice(("", "; else"))
            change = f"x {choose.choice(('+=', '-=', '|='))} {choose.randint(1, 9)};"
            return f"if ({_condition(choose)}) {empty} {change}"
        case 3:
            return f"if ({_condition(choose)}) return {_condition(choose)};"
        case 4 | 5:
            return (
                f"if ({_condition(choose)}) {{ {_statements(choose, depth - 1)} }}"
                f" else {{ {_statements(choose, depth - 1)} }}"
            )
        case 6 | 7:
            return _switch(choose, depth)
        case 8:
            return (
                f"{{ int x = {_value(choose)}; if ({_condition(choose)}) goto out; }}"
            )
        case _:
            return _loop(choose, depth)


def _statements(choose: random.Random, depth: int) -> str:
    return " ".join(_statement(choose, depth) for _ in range(choose.randint(1, 3)))


@needs_gcc
@pytest.mark.parametrize("apart", [True, False])
def test_random_functions_say_what_gcc_says(
    apart: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "vmgen.translate.looking.Looking", lambda apart=apart: Looking(apart)
    )
    choose = random.Random(51)
    bodies = {
        f"f{number}": f"{_BEGIN}{_statements(choose, 2)} out: return x > n;"
        for number in range(90)
    }
    both = Compiled(bodies, tmp_path)
    whole = 0
    for name, body in bodies.items():
        function = both.translation(name)
        if function.body is None:
            continue
        whole += 1
        for _ in range(16):
            image, version = both.image(choose), choose.randint(0, 9)
            expected, found = both.truths(name, image, version)
            assert found == expected, body
    assert whole > 80


# --- ranges -------------------------------------------------------------------------------


def test_a_range_of_labels_is_an_interval() -> None:
    body = translated(
        "CPU *cpu = opaque; switch (cpu->count) { case 2 ... 4: return 1; } return 0;"
    ).body
    count = ir.Load("count", "int32")
    assert body == ir.Binary(
        "&&",
        ir.Binary(">=", count, ir.Const(2)),
        ir.Binary("<=", count, ir.Const(4)),
    )


def test_labels_of_one_body_are_one_condition() -> None:
    body = translated(
        "CPU *cpu = opaque; switch (cpu->count) { case 2: case 5: return 1; } return 0;"
    ).body
    count = ir.Load("count", "int32")
    equal = [ir.Binary("==", count, ir.Const(number)) for number in (2, 5)]
    assert body == ir.Binary("||", *equal)


def test_what_a_function_that_cannot_be_seen_stores_is_not_known() -> None:
    stored = "int n = 0; {}(&n); return n;"
    function = translated(stored.format("fill"), "void fill(int *n);\n")
    assert function.body is None
    assert "reads what fill() stored" in function.untranslated
    seen = translated(
        stored.format("fill"), "static void fill(int *n) { *n = 1; }\n"
    ).body
    assert seen == ir.Const(1)


# --- size ---------------------------------------------------------------------------------

_OBJECT = "struct Many { uint32_t a; uint32_t arr[64]; };"
_USE = "struct Many *m = opaque; "


def _nodes(expr: ir.Expr) -> int:
    """Nodes of an expression as it is printed."""
    return repr(expr).count("(")


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ("int n = 0; for (int i = 0; i < 64; i++) if (m->arr[i] > 3) n++; return n > 2;", 400),
        ("uint8_t n = 0; for (int i = 0; i < 30; i++) if (m->arr[i] > 3) n += 9; return n > 2;", 400),
        ("".join(f"if (m->arr[{i}] == {i}) return true; " for i in range(60)) + "return false;", 300),
        ("int x = 0; " + "".join(f"if (m->a & {1 << i}) x += {i + 1}; " for i in range(31)) + "return x > 3;", 300),
        ("int x = 0; " + "".join(f"if (m->a & {1 << i}) x |= {2 << i}; " for i in range(20)) + "return x > 3;", 200),
        ("for (int i = 0; i < 64; i++) if (m->arr[i]) return true; return false;", 20),
        ("int x = 0; switch (m->a) { " + "".join(f"case {2 * i}: " for i in range(30))
         + "for (int i = 0; i < 64; i++) if (m->arr[i] > 3) x++; break; } return x > 2;", 600),
    ],
)  # fmt: skip
def test_what_counts_or_looks_is_as_large_as_its_c(body: str, most: int) -> None:
    function = translated(_USE + body, _OBJECT)
    assert function.body is not None, function.untranslated
    assert _nodes(function.body) < most


@pytest.mark.parametrize(
    "body",
    [
        "uint32_t x = 0; for (int i = 0; i < 64; i++) if (m->arr[i] > x) x = m->arr[i]; return x > 5;",
        "uint32_t x = m->a; for (int i = 0; i < 64; i++) x = x * x + m->arr[i]; return x > 5;",
        "int x = 0; for (int i = 0; i < 2000000000; i++) x += m->arr[i % 64]; return x;",
        "int x = 0; while (1) x += m->arr[x & 63]; return x;",
        "for (int i = 0; i < 64; i++) { if (m->arr[i] == m->a) continue; if (m->arr[i] & 1) break;"
        " if (m->arr[i] & 2) { m = opaque; } else if (m->arr[i] & 4) return m->a & 1; } return m->a;",
    ],
)  # fmt: skip
def test_what_would_grow_without_bounds_is_a_hook(body: str) -> None:
    function = translated(_USE + body, _OBJECT)
    assert function.body is None
    assert "too " in function.untranslated, function.untranslated


def test_many_paths_with_many_locals_take_little_memory() -> None:
    locals_ = "for (int i = 0; i < 400; i++) { int a = i, b = a, c = b, d = c; }"
    ifs = "".join(
        f"if (m->arr[{i}] & 1) {{ if (m->arr[{i}] & 2) return true; m = opaque; }}"
        for i in range(13)
    )
    tracemalloc.start()
    try:
        function = translated(f"{_USE}{locals_}{ifs} return false;", _OBJECT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert function.body is not None, function.untranslated
    assert peak < 50 << 20


def test_ifs_that_leave_or_go_on_are_joined_where_they_are_many() -> None:
    ifs = "".join(
        f"if (m->arr[{i}] & 1) {{ if (m->arr[{i}] & 2) return true; x |= {1 << i}; }} "
        for i in range(12)
    )
    function = translated(f"{_USE} int x = 0; {ifs} return x == 0xfff;", _OBJECT)
    assert function.body is not None, function.untranslated
    assert _nodes(function.body) < MAX_NODES


def test_a_translation_is_no_deeper_than_python_reads() -> None:
    parts = "m->a ? m->arr[1] : "
    function = translated(
        f"{_USE} return {parts * (MAX_DEPTH - 10)} m->arr[2];", _OBJECT
    )
    assert function.body is not None
    function = translated(
        f"{_USE} return {parts * (MAX_DEPTH + 1)} m->arr[2];", _OBJECT
    )
    assert function.body is None


# --- jumps, and C that cannot be read --------------------------------------------------------


def test_a_goto_leads_to_the_end_of_the_function() -> None:
    body = translated("""CPU *cpu = opaque; int x = 1;
        if (cpu->count == 7) { int x = 5; if (x) goto out; }
        return false;
        out: return x;""").body
    assert body == ir.Binary("==", ir.Load("count", "int32"), ir.Const(7))


def test_what_a_goto_skips_is_not_known() -> None:
    function = translated(
        "CPU *cpu = opaque; if (cpu->count) goto out; int x = 4; out: return x;"
    )
    assert function.body is None
    assert "reads 'x', which a goto skips" in function.untranslated


def test_a_function_that_cannot_be_read_is_a_hook() -> None:
    nested = "int g(int y) { return y; } return g(1);"
    function = translated(nested)
    assert function.body is None
    assert function.untranslated.startswith("cannot be read: ")
    assert "f.c:" in function.untranslated


def test_a_function_that_cannot_be_read_costs_its_table_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.c").write_text("""
#include "qemu/osdep.h"
#include "migration/vmstate.h"
typedef struct Dev { uint32_t a; } Dev;
static bool need(void *opaque) { int g(int y) { return y; } return g(1); }
static int post(void *opaque, int version_id) { int g(int y) { return y; } return g(1); }
static const VMStateDescription vmstate_dev = {
    .name = "dev", .version_id = 1, .minimum_version_id = 1,
    .needed = need, .post_load = post,
    .fields = (const VMStateField[]) { VMSTATE_UINT32(a, Dev), VMSTATE_END_OF_LIST() },
};
""")
    program = compile_program(Request(sources=(str(tmp_path / "own.c"),)))
    (module,) = program.modules
    (needed,) = module.functions
    assert needed.body is None
    assert "cannot parse the declaration of need" in needed.untranslated
    (refusal,) = module.descriptions[0].hooks[0].refusals
    assert "cannot parse the declaration of post" in refusal.untranslated
