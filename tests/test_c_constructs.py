"""C as compilers take it: layouts by GCC and libclang, what is not read by its name."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.layout_oracle import assertions, clang_messages
from vmgen.cfront import ctype
from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.source import VmgenError

GCC = shutil.which("gcc")

#: What GCC 12 does not know yet, and what clang does not know or takes otherwise.
NOT_GCC = {"a type of an enum", "alignas", "nullptr", "digit separators"}
NOT_CLANG = {"constexpr", "booleans", "pack inside of a declaration", "atomics"}
#: Records by what they show.
CONSTRUCTS = {
    "pack of a number": "#pragma pack(2)\nstruct R { char a; int b; long c; };\n"
    "#pragma pack()\nstruct S { char a; int b; };",
    "pack pushed and popped": "struct P { char a; short b; };\n#pragma pack(push, 1)\n"
    "struct R { char a; long b; };\n#pragma pack(push)\n#pragma pack(4)\n"
    "struct S { char a; long b; struct R c; };\n#pragma pack(pop)\nstruct T { char a; int b; };\n"
    "#pragma pack(pop)\nstruct U { char a; int b; struct T c; };",
    "pack by name": "#pragma pack(push, outer, 2)\n#pragma pack(push, 8)\n"
    "struct R { char a; long b; };\n#pragma pack(pop, outer)\nstruct S { char a; long b; };",
    "pack inside of a declaration": "struct R { char a; struct {\n#pragma pack(1)\n"
    "char b; int c; } d; int e; };\nstruct S { char a; int b; };",
    "pack and attributes": "#pragma pack(2)\nstruct R { char a; int b __attribute__((aligned(8)));"
    " int c:5; int :0; char d; } ;\nstruct __attribute__((aligned(16))) S { char a; int b; };",
    "a type of an enum": "enum S : unsigned char { A, B }; enum L : long { C };"
    " typedef enum : short { D } T; struct R { enum S a; char b; enum L c; T d; char e[sizeof(A)]; };",
    "attributes in brackets": "struct [[gnu::packed]] R { char a; int b; };"
    " struct S { char a; [[gnu::aligned(32)]] int b; int c [[gnu::packed]]; };"
    " struct [[__gnu__::__aligned__(64), vendor::packed]] T { char a; };"
    " typedef struct [[gnu::packed]] { char a; long b; } U;"
    " struct [[vendor::thing(1, aligned(64)), gnu::packed]] P { char a; int b; };",
    "alignas": "struct R { char a; alignas(16) int b; alignas(long) char c; char d[alignof(int)]; };",
    "constexpr": "constexpr int n = 3, m[] = { 1, n }; struct R { char a[n]; short b[m[1]]; };",
    "nullptr": "struct R { char a[sizeof(nullptr)]; };",
    "digit separators": "struct R { char a[1'000]; char b[0x1'0]; char c['a' == 97 ? 2 : 3]; };",
    "half floats": "struct R { char a; _Float16 b; char c; };",
    "complex numbers": "struct R { char a; float _Complex b; char c; double _Complex d; char e;"
    " long double _Complex f; _Complex g; };",
    "big integers": "struct R { char a; __int128 b; unsigned __int128 c:70; };",
    "atomics": "struct R { char a; _Atomic int b; char c; _Atomic(long) d; _Atomic struct { int x, y; } e;"
    " _Atomic(char) *f; };",
    "names in UTF-8": "struct R { char \u00e9; int gr\U000000f6\u00dfe; };",
    "static assertions": 'struct R { char a; _Static_assert(1, "{;"); int b; _Static_assert(1); };',
    "modes": "typedef int word __attribute__((mode(DI))); struct R { char a; word b; float c"
    " __attribute__((mode(DF))); char d; };",
    "vectors": "typedef int v4 __attribute__((vector_size(16))); struct R { char a; v4 b; };",
    "booleans": "struct R { char a; bool b; int c[true]; };",
}  # fmt: skip


def records(unit: Unit, layout: Layout) -> Iterator[str]:
    """Assertions on the records and typedefs that are called by one letter."""
    for letter in "RSTUP":
        if unit.record("struct", letter) is not None:
            record = ctype.Record("struct", letter)
            yield from assertions(layout, {record: f"struct {letter}"})


def checked(text: str) -> str:
    unit = Unit(text, source="t.c")
    lines = list(records(unit, Layout(unit)))
    assert len(lines) > 2
    return "\n".join([text, *lines, ""])


@pytest.mark.parametrize("name", sorted(CONSTRUCTS.keys() - NOT_CLANG))
def test_a_construct_has_the_layout_that_libclang_gives_it(name: str) -> None:
    assert not clang_messages(checked(CONSTRUCTS[name]))


@pytest.mark.skipif(GCC is None, reason="no gcc to compare with")
@pytest.mark.parametrize("name", sorted(CONSTRUCTS.keys() - NOT_GCC))
def test_a_construct_has_the_layout_that_gcc_gives_it(name: str) -> None:
    assert GCC is not None
    text = checked(CONSTRUCTS[name])
    # What GCC 12 has no word for, in other words.
    text = text.replace("constexpr int n = 3, m[] = { 1, n };", "enum { n = 3 };")
    text = text.replace("m[1]", "n").replace("bool ", "_Bool ").replace("true", "1")
    done = subprocess.run(
        [GCC, "-std=gnu2x", "-fsyntax-only", "-w", "-x", "c", "-"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.stderr


REFUSED = {
    "struct R { char a; _BitInt(12) b; int c; };": "_BitInt",
    "struct R { char a; int _Complex b; int c; };": "_Complex",
    "struct R { char a; struct Gone b; int c; };": "struct Gone",
    "struct R { char a; int b __attribute__((mode(XX))); int c; };": "mode",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_member_that_is_not_read_costs_only_what_needs_its_place(text: str) -> None:
    layout = Layout(Unit(text, source="t.c"))
    record = ctype.Record("struct", "R")
    a, c = (layout.member(record, name) for name in "ac")
    assert a is not None
    assert c is not None
    assert (a.offset, c.type) == (0, ctype.Integer("int", 4, True))
    with pytest.raises(VmgenError) as of_place:
        _ = c.offset
    with pytest.raises(VmgenError) as of_size:
        layout.sizeof(record)
    assert REFUSED[text] in str(of_place.value)
    assert REFUSED[text] in str(of_size.value)
    # Behind a pointer nothing needs the place.
    assert len(layout.place(record, ("c",)).steps) == 1


@pytest.mark.parametrize(
    ("text", "construct"),
    [
        ("#pragma pack(3)\nstruct R { char a; };", "pack(3)"),
        (
            "#pragma scalar_storage_order big-endian\nstruct R { int a; };",
            "scalar_storage_order",
        ),
        ("struct __attribute__((ms_struct)) R { int a; };", "ms_struct"),
        ('struct R { char a[sizeof(L"ab")]; };', "wide"),
    ],
)
def test_what_changes_a_layout_in_an_unknown_way_is_refused_by_name(
    text: str, construct: str
) -> None:
    layout = Layout(Unit(text, source="t.c"))
    with pytest.raises(VmgenError) as caught:
        layout.sizeof(ctype.Record("struct", "R"))
    assert construct in str(caught.value)


def read_of(text: str) -> str:
    """What reading ``x`` gives: its initialiser's type, or the one error."""
    try:
        found = Unit(text, source="t.c").object("x")
    except VmgenError as error:
        (diagnostic,) = error.diagnostics
        return str(diagnostic)
    return type(found).__name__


@pytest.mark.parametrize(
    "nested",
    [
        "int x = {}1{};".format("(" * 200, ")" * 200),
        "int x = {}1;".format("- " * 200),
        "int x = {}1;".format("1 ? 2 : " * 100),
        "int x = {}1;".format("1 + " * 200),
        "int x[] = {}1{};".format("{" * 200, "}" * 200),
        "struct {{ {} int a; {} }} x;".format("struct {" * 100, "};" * 100),
    ],
)
def test_c_nests_deeper_than_any_source_does(nested: str) -> None:
    assert read_of(nested) == "ObjectDecl"


@pytest.mark.parametrize(
    "nested",
    [
        "int x = {}1{};".format("(" * 5000, ")" * 5000),
        "int x = {}1;".format("- " * 5000),
        "int x = {}1;".format("1 ? 2 : " * 5000),
        "int x = {}1;".format("1 + " * 5000),
        "int x = {}1;".format("(int)" * 5000),
        "int x[] = {}1{};".format("{" * 5000, "}" * 5000),
        "int x{};".format("[1]" * 5000),
        "int {}x;".format("*" * 5000),
        "int x = y{};".format("()" * 5000),
        "struct {{ {} int a; {} }} x;".format("struct {" * 5000, "};" * 5000),
        "int x = ({{ {} }});".format("{" * 5000 + "}" * 5000),
        "int x = ({{ {} ; }});".format("if (1) ; else " * 5000),
    ],
)
def test_c_that_nests_without_end_is_one_diagnostic(nested: str) -> None:
    assert "nested more than 256 deep" in read_of(nested)


@pytest.mark.parametrize(
    "text",
    [
        "int x = " + "sizeof((typeof(" * 60 + "1" + ")){0})" * 60 + ";",
        "struct { int a "
        + "__attribute__((aligned(sizeof(struct {int a " * 40
        + ";}))))" * 40
        + ";} x;",
    ],
)
def test_what_is_read_twice_is_not_read_two_to_the_n_times(text: str) -> None:
    assert read_of(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("enum A { X = Y }; enum B { Y = X };", "VG307"),
        ("extern char a[sizeof(b)], b[sizeof(a)]; enum { X = sizeof(a) };", "VG304"),
        ("typedef typeof(a) T; extern T a; enum { X = sizeof(T) };", "VG301"),
        ("struct A { struct B b; }; struct B { struct A a; };"
         " enum { X = sizeof(struct A) };", "VG302"),
        ("enum e0 { A0 }; " + "".join(
            f"enum e{n} {{ A{n} = A{n - 1} }};" for n in range(1, 5000)
        ) + "enum { X = A4999 };", "VG307"),
        ("typedef int T0; " + "".join(
            f"typedef T{n - 1} T{n};" for n in range(1, 5000)
        ) + "enum { X = sizeof(T4999) };", "VG301"),
    ],
)  # fmt: skip
def test_definitions_that_go_round_or_on_and_on_are_diagnostics(
    text: str, code: str
) -> None:
    with pytest.raises(VmgenError) as raised:
        Layout(Unit(text, source="t.c")).constant(c.Name("X"))
    assert [one.code for one in raised.value.diagnostics] == [code]


SELF = {
    "a table of open length": "struct S { struct S *p; } x[] = { &x[1], &x[0] };"
    " _Static_assert(sizeof(x) == 16, \"\");",
    "an enum of its own constants": "enum { A = 0x100000000, B = A + sizeof(A) };"
    " _Static_assert(B == 0x100000008, \"\");",
}  # fmt: skip


@pytest.mark.skipif(GCC is None, reason="there is no gcc")
@pytest.mark.parametrize("name", SELF)
def test_what_may_be_defined_by_itself_is_what_gcc_takes_it_for(name: str) -> None:
    text, _, claim = SELF[name].partition("_Static_assert")
    subprocess.run(
        ["gcc", "-std=gnu2x", "-x", "c", "-fsyntax-only", "-"],
        input=SELF[name].encode(),
        check=True,
    )
    condition = claim.strip("(").partition(",")[0]
    layout = Layout(Unit(f"{text} enum {{ X = {condition} }};", source="t.c"))
    assert layout.constant(c.Name("X")) == 1
