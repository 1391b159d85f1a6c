"""What a file defines is found, however it is written; gcc says what C is."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vmgen.cfront.census import Census, census
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.pipeline.reading import read_module
from vmgen.preprocess import preprocess
from vmgen.source import Position
from vmgen.tree import standalone

GCC = shutil.which("gcc")
HEAD = (
    "typedef struct V V; struct V { const char *name; int a; const V *const *more; };\n"
)


def taken(text: str) -> Census:
    unit = Unit(f'# 1 "a.c"\n{HEAD}{text}', source="a.c")
    return census(unit, Layout(unit), "V")


def symbols(text: str) -> tuple[str, ...]:
    """The symbols of a text that gcc takes and of which nothing is missed."""
    assert_legal(text)
    found = taken(text)
    assert not found.missed
    return tuple(one.symbol for one in found.found)


def assert_legal(text: str) -> None:
    if GCC is None:
        return
    done = subprocess.run(
        [GCC, "-std=gnu2x", "-fsyntax-only", "-w", "-x", "c", "-"],
        input=f"{HEAD}{text}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr


@pytest.mark.parametrize(
    "text",
    [
        'V x = { "x" };',
        'const V x = { "x" };',
        'V const x = { "x" };',
        'const struct V x = { "x" };',
        'struct V const x = { "x" };',
        'static const\nV\nx\n= { "x" };',
        'extern V x; V x = { "x" };',
        'extern V x = { "x" };',
        'V x __attribute__((used)) = { "x" };',
        'V __attribute__((aligned(64))) x = { "x" };',
        '__attribute__((used)) static V x = { "x" };',
        'static V __attribute__((used)) const x __attribute__((section(".data.x"))) = { "x" };',
        '__extension__ static const V x = { "x" };',
        'static const V (x) = { "x" };',
        'static const V x = (const V) { "x" };',
        'static const V x = ((V) { "x" });',
        'typedef const V W; static W x = { "x" };',
        'typedef V W; typedef const W U; static U x = { "x" };',
        'typedef V W, *P; static W x = { "x" }; static P p = &x;',
        'extern const V other; static const typeof(other) x = { "x" };',
        'extern const V *other; static const __typeof__(*other) x = { "x" };',
        'extern const V o; typedef __typeof__(o) W; static W x = { "x" };',
        'static const __typeof__(V) x = { "x" };',
        'static const __typeof__(struct V) x = { "x" };',
        'static const __auto_type x = (V) { "x" };',
        'const V *p, x = { "x" };',
        'int need(o) void *o; { return o != 0; }\nstatic const V x = { "x" };',
        'int need(a, o) int a; void *o;\n{ return o != 0; }\nstatic const V x = { "x" };',
        'int f(void) { static const V x = { "x" }; return x.a; }',
        'int f(void) { { const V *p, *q; } for (;;) { static V x = { "x" }; return x.a; } }',
        'int f(const V *p) { return ({ static const V x = { "x" }; x.a; }); }',
        'int f(V *o) { static const __typeof__(*o) x = { "x" }; return x.a; }',
        "int f(V *o) { int i = 1; static __typeof__(i) n; __auto_type p = o; "
        'static __typeof__(*p) x = { "x" }; return x.a + n; }',
        "V x;",
        "static const V x; extern const V x;",
        "struct V x;",
        "static V x, *p = &x;",
    ],
)
def test_no_legal_spelling_hides_an_object(text: str) -> None:
    assert symbols(text) == ("x",)


@pytest.mark.parametrize(
    "text",
    [
        "extern const V x;",
        "extern const V x[];",
        "const V *x;",
        "V *const x[] = { 0 };",
        "V *f(V *x); const V *g(const V *x, int i) { const V *y = x; return y; }",
        "struct other { V *x; const V *y, *z; }; struct other o = { 0 };",
        "int f(void) { extern const V x; return sizeof(V) + sizeof(x); }",
        "int f(void *o) { const V *v = (const V *)o, *w = v; return w->a; }",
        "typedef V *P; static P x = 0;",
        "enum { x = sizeof(V) };",
    ],
)
def test_what_defines_none(text: str) -> None:
    assert symbols(text) == ()


def test_arrays_and_several_declarators() -> None:
    text = (
        'static const V plain = { "p" }, more[] = { { "q" }, { "r" } };\n'
        "typedef V Pair[2]; static const Pair pair = { 0 };\n"
    )
    assert symbols(text) == ("plain", "more", "pair")
    assert [one.is_array for one in taken(text).found] == [False, True, True]


def test_static_objects_of_one_name_have_symbols_of_their_own() -> None:
    text = (
        "const V *f(void) { static const V d = { 1 }, e = { 2 }; return &d; }\n"
        "const V *g(void) { static const V d = { 3 }; return &d; }\n"
        "static const V e = { 4 };\n"
    ).replace("{ ", "{ (char *)")
    text = text.replace("{ (char *)static", "{ static")
    assert symbols(text) == ("e", "f.d", "f.e", "g.d")
    found = taken(text)
    assert found.scope("f") == {"d": "f.d", "e": "f.e"}
    assert found.scope("g") == {"d": "g.d"}
    assert found.scope("h") == {}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            'int f(void) { V x = { "x" }; return x.a; }',
            "VG419",
            "the V x lives only while f() runs",
        ),
        ('V *p = &(V) { "x" };', "VG419", "a V has no name"),
        (
            'V x = { "x", 1, (const V *const[]) { &(V) { "y" }, 0 } };',
            "VG419",
            "a V has no name",
        ),
        ('void f(V *p) { *p = (V) { "x" }; }', "VG419", "a V has no name"),
        (
            'struct w { int i; V v; }; static struct w x = { 1, { "x" } };',
            "VG419",
            "a V is a member of x",
        ),
        (
            "typedef struct w W; struct w { int i; V v[2]; }; static W x = { 1 };",
            "VG419",
            "a V is a member of x",
        ),
    ],
)
def test_what_is_not_an_object_of_its_own_is_said(
    text: str, code: str, message: str
) -> None:
    assert_legal(text)
    (missed,) = taken(text).missed
    assert (missed.code, missed.message) == (code, message)
    assert missed.position == Position("a.c", 2)
    assert missed.hint


@pytest.mark.parametrize(
    "text",
    [
        'V x = { "x" };\nV x = { "y" };',
        'int f(void) { { static V x = { "x" }; }\n{ static V x = { "y" }; } return 0; }',
    ],
)
def test_two_definitions_of_one_symbol_are_said(text: str) -> None:
    found = taken(text)
    (missed,) = found.missed
    assert (missed.code, missed.position) == ("VG418", Position("a.c", 3))
    assert [one.symbol for one in found.found] == ["x"]


@pytest.mark.parametrize(
    "text",
    [
        'UNKNOWN(1) static const V x = { "x" };',
        'static const V x UNKNOWN = { "x" };',
        "int f(void) { static const V x = { @ }; return 0; }",
        "static const __typeof__(nothing) x = { 0 };",
        'int f(void) UNKNOWN { return 0; }\nstatic const V x = { "x" };',
    ],
)
def test_what_cannot_be_read_hides_nothing_silently(text: str) -> None:
    found = taken(f'static const V before = {{ "b" }};\n{text}\nV after = {{ "a" }};')
    assert {"before"} <= {one.symbol for one in found.found}
    assert found.missed
    assert all(one.position.line in (3, 4) and one.context for one in found.missed)


def test_objects_behind_a_bracket_that_nothing_opens_are_not_left_out() -> None:
    found = taken('V a = { "a" };\nint f(void)\n  return 1;\n}\nV hidden = { "h" };\n')
    (missed,) = found.missed
    assert (missed.code, missed.position) == ("VG203", Position("a.c", 5))
    assert missed.message == "cannot look for V: nothing opens the '}' here"


def test_references_go_to_the_object_of_the_same_function(tmp_path: Path) -> None:
    file = tmp_path / "dev.c"
    fields = "(const VMStateField[]) { VMSTATE_UINT32(%s, Dev), VMSTATE_END_OF_LIST() }"
    table = 'static const VMStateDescription %s = { .name = "%s", .fields = ' + fields
    more = ", .subsections = (const VMStateDescription *const[]) { &sub, NULL }"
    file.write_text(
        '#include "migration/vmstate.h"\n'
        "typedef struct Dev { uint32_t a, b; } Dev;\n"
        f"void f(void) {{ {table % ('sub', 'f/s', 'a')} }};\n"
        f"{table % ('d', 'f', 'a')}{more} }}; }}\n"
        f"void g(void) {{ {table % ('sub', 'g/s', 'b')} }};\n"
        f"{table % ('d', 'g', 'b')}{more} }}; }}\n"
    )
    module = read_module(preprocess(standalone((file,), (), ()), str(file)))
    assert {one.symbol: one.subsections for one in module.descriptions} == {
        "f.sub": (),
        "f.d": ("f.sub",),
        "g.sub": (),
        "g.d": ("g.sub",),
    }


@pytest.mark.parametrize(
    ("text", "found", "missed"),
    [
        ('static V x = { "x" };', "x", ""),
        ("static V x;", "x", ""),
        ('V x = { "x" };', "", "the V x lives only while g() runs"),
        ("V x = f();", "", "the V x is a copy of another object"),
        ("V x;", "", ""),
    ],
)
def test_objects_inside_of_functions(text: str, found: str, missed: str) -> None:
    """What lives as long as the program is found; what a function gives the others is
    missed, but where something else reads it there."""
    text = f"V f(void); void g(void) {{ {text} }}"
    assert_legal(text)
    here = taken(text)
    assert [one.symbol for one in here.found] == ([found] if found else [])
    assert [one.message for one in here.missed] == ([missed] if missed else [])
    unit = Unit(f'# 1 "a.c"\n{HEAD}{text}', source="a.c")
    elsewhere = census(unit, Layout(unit), "V", frozenset(["automatic"]))
    assert [one.symbol for one in elsewhere.found] == ([found] if found else [])
    assert elsewhere.missed == ()
