"""The index of a text's declarations against libclang: which names, of which kind, where."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmgen.cfront.split import Chunk, split
from vmgen.cfront.unit import Unit
from vmgen.source import VmgenError

Index = set[tuple[str, str, int]]
"""Kind, name and line of what is declared."""

BEFORE = "typedef int word;\nstruct s { int m; };\nint f0(int);\nint v0;\n"
LINES = BEFORE.count("\n")
DECLARATIONS = [
    # objects
    "int x;", "extern int x;", "int x = 1;", "static word x = 1, y;", "word x, *y = &x;",
    "const char *x = \"a;b{\", y = ';';", "int x = { 1 };", "int x[] = { 1, { 2 } };",
    "word x[2][3];", "word x[2] = { 1, 2 }, y = 3;", "int x, y[2] = { 1 }, z;",
    "int (*x)(int);", "int (*x[4])(int) = { 0 };", "int (*x)(int) = 0, (*y)(int, word);",
    "struct s x;", "struct s x = { 1 };", "struct s x = { .m = 1 }, *y = &x, z;",
    "struct s x = { 1 }, y = { 2 };", "extern struct s x[];", "struct s *x, y;",
    "int x = sizeof(struct { int a, b; });", "int x = (1, 2), y = 3;",
    "word *x = &(word){ 1 };", "struct s *x = &(struct s){ .m = 1 }, y;",
    "__thread int x;", "extern __thread int x;", "static const word x = 1;",
    "int x = sizeof(int[3]) == 12;", "int x[sizeof(word) == 4];",
    "word (x);", "word (x)[2];", "word (x) = 1;", "word (*x)[2];", "word (x)[2] = { 1, 2 };",
    "word (*x)[2] = { 0 }, y;", "int (x) = 1, (y);", "int x[sizeof((struct s){ 1 })];",
    "int *x = (int[]){ 1, 2 }, y;",
    # __typeof__, attributes, asm
    "__typeof__(int (*)(void)) x = 0;", "__typeof__(v0) x;", "typeof(v0) x = 1;",
    "_Atomic(int) x;", "_Alignas(8) int x;", "_Alignas(8) int x = 1;",
    "int x __attribute__((aligned(8)));", "int x __attribute__((aligned(8))) = 1;",
    "__attribute__((aligned(8))) int x = 1;", "int __attribute__((aligned(8))) x, y = 2;",
    "static struct __attribute__((packed)) { int a; } x;", "[[maybe_unused]] int x = 1;",
    "int x [[maybe_unused]];", "extern int x __asm__(\"there\");", "int x asm(\"x(y\") ;",
    "int x __attribute__((section(\"a,b=c\"))), y = 1;",
    "__extension__ int x = 1;", "int x __attribute__((aligned((((((8))))))));",
    "__attribute__((aligned((((((8)))))))) int x = 1;",
    # functions
    "int x(void);", "int x(int a, int b), y(void);", "int x(void), y;", "int (x)(int a);",
    "word (x)(word a);", "int *x(void);", "struct s x(void);", "extern int x(void);",
    "void (*x(int a, void (*g)(int)))(int);", "int x(int (*g)(void));",
    "int x(void) { return 1; }", "static inline void (x)(word *w) { }",
    "struct s x(void) { struct s y = { 0 }; return y; }", "int x(void) { return '}'; }",
    "__attribute__((noinline)) static word *x(void) { return 0; }",
    "struct s *x(struct s *a) { if (a) { { } } return a; }", "int x(word);",
    "void x(void) __attribute__((noreturn));", "void x(void) [[gnu::cold]];",
    "void (*x(void))(int) { return 0; }", "int x(void) __asm__(\"y\");",
    "struct t { int a; } x(void) { return (struct t){ 1 }; }",
    "__typeof__(struct { int a; }) *x(void) { struct t { int b; }; return 0; }",
    "int x(int a[sizeof(int) == 4 ? 1 : 2]) { return 1; }", "void x(void) [[gnu::cold]] { }",
    "int x(struct t { int a; } *p) { return 0; }", "int x(int, ...), *y(int, int), z;",
    "int x(int (*)(int, int)) __attribute__((cold, unused));",
    "int x(void) __attribute__((cold)), y;",
    "int x(a) int a; { return a; }", "int x(a, b) int a; char *b; { return a; } int y;",
    "int w; int x(a, b) int b, a; { return a; }", "word x(a)\nword a;\n{ return a; }\nint y;",
    "static __attribute__((unused)) int x(a) int a; { return a; }",
    # types
    "typedef int x;", "typedef struct s x;", "typedef int (*x)(int, char);",
    "typedef int x(int);", "typedef int x, *y;", "typedef int x[4];",
    "typedef struct { int a; } x;", "typedef struct { int a; } x, *y;",
    "typedef struct { int a; } *x;", "typedef struct t { int a; } __attribute__((packed)) x;",
    "__extension__ typedef long long x;", "typedef __typeof__(sizeof(int)) x;",
    "__extension__ typedef struct t { int a; } x;", "typedef enum { A } x;",
    "typedef struct t t;", "struct t;", "struct t { int a; };", "union t { int a; char b; };",
    "struct t { struct u { int a; } b; };", "struct t { union { int a; }; enum { A } b; };",
    "struct t { int a; } x;", "struct t { int a; } x = { 1 };", "struct t { int a; } *x, y;",
    "struct t { int a; } x = { 1 }, *y = &x;", "static struct t { int a; } x;",
    "struct { int a; } x = { 1 };", "static const struct { int a; } x[] = { { 1 }, { 2 } };",
    "struct __attribute__((packed)) t { int a; };", "struct t { int a; } __attribute__((packed));",
    "struct __attribute__((packed)) t { int a; } x;", "struct t { int a; } x __attribute__((aligned(8)));",
    "struct [[gnu::packed]] t { int a; };", "extern struct t { int a; } x;",
    "struct t { int a; } x(void);", "struct t { int a; } *x(void) { return 0; }",
    "typedef union { int a; } __attribute__((transparent_union)) x;",
    # enumerators
    "enum { A };", "enum { A, B = 3, C, };", "enum t { A = sizeof(int), B };",
    "enum { A = ',', B = '}' };", "enum { A = '\"', B };", "enum { A = (1 + (2)), B };",
    "enum { A = ((1) ? (2) : 3), B = (int)4, C };", "enum t { A } x;", "enum t { A } x = A;",
    "typedef enum t { A, B } x;", "enum t : unsigned char { A, B };", "enum { A\n,\nB\n};",
    "enum __attribute__((packed)) t { A };", "enum { A __attribute__((deprecated)), B };",
    "struct t { enum u { A, B } a; };",
    "int x(void) { enum { A } y; struct t { int a; }; return 0; }",
    "int x = sizeof(enum { A, B });",
    "enum { A = sizeof(int (*)(int (*)(int), char)), B };",
    "enum { A = sizeof(struct { int a, b; }), B };", "int x = sizeof(struct t { int a; });",
    # nothing
    ";", "_Static_assert(1, \"x;\");", "_Static_assert(sizeof(int) == 4, \"int x = 1, y\");",
    ";;",
    # deep
    "int x = " + "(" * 40 + "1" + ")" * 40 + ";", "int x(void) " + "{" * 60 + "'{';" + "}" * 60,
    "struct t { " + "struct { " * 30 + "int a;" + " } y;" * 30 + "} x = " + "{" * 31 + "1" + "}" * 31 + ", y;",
]  # fmt: skip


def indexed(text: str) -> Index:
    """What the splitter finds."""
    found: Index = set()
    for chunk in split(text):
        assert chunk.is_whole
        for kind, names in [
            ("typedef", chunk.typedefs), ("definition", chunk.functions),
            ("prototype", chunk.prototypes), ("value", chunk.objects),
            ("object", chunk.externs), ("tag", chunk.tags),
            ("enumerator", chunk.enumerators),
        ]:  # fmt: skip
            found |= {(kind, name, one.place[1]) for name, one in names.items()}
    return found


def compiled(text: str) -> Index:
    """What libclang finds."""
    cindex = pytest.importorskip("clang.cindex")
    unit = cindex.Index.create().parse(
        "a.c", args=["-std=gnu17", "-w"], unsaved_files=[("a.c", text)]
    )
    assert [one.spelling for one in unit.diagnostics if one.severity >= 3] == []
    value = cindex.conf.lib.clang_Cursor_getVarDeclInitializer
    value.restype, value.argtypes = cindex.Cursor, [cindex.Cursor]
    found: Index = set()

    def add(cursor: Any, line: int) -> None:
        kind, name = cursor.kind.name, cursor.spelling
        if kind == "TYPEDEF_DECL":
            found.add(("typedef", name, line))
        elif kind == "FUNCTION_DECL":
            place = "definition" if cursor.is_definition() else "prototype"
            found.add((place, name, line))
        elif kind == "VAR_DECL":
            given = value(cursor).kind.name != "INVALID_FILE"
            found.add(("value" if given else "object", name, line))
        elif kind == "ENUM_CONSTANT_DECL":
            found.add(("enumerator", name, line))
        elif (
            kind in ("STRUCT_DECL", "UNION_DECL", "ENUM_DECL")
            and cursor.is_definition()
            and not cursor.is_anonymous()
            and "A@" not in cursor.get_usr()  # named by a typedef only
        ):
            found.add(("tag", f"{kind.partition('_')[0].lower()} {name}", line))
        if kind in ("STRUCT_DECL", "UNION_DECL", "ENUM_DECL"):
            for child in cursor.get_children():
                add(child, line)

    for cursor in unit.cursor.get_children():
        add(cursor, cursor.extent.start.line)
    return found


@pytest.mark.parametrize("text", DECLARATIONS)
def test_a_declaration_declares_what_the_compiler_says(text: str) -> None:
    whole = f"{BEFORE}{text}\nint v1;\n"
    assert indexed(whole) == compiled(whole)


@pytest.mark.parametrize("text", DECLARATIONS)
def test_every_place_of_a_declaration_is_the_declarations(text: str) -> None:
    whole = f"\n{text}\n int v1;"
    chunk = Chunk(whole)
    for one in chunk.declarations:
        assert not one.text[:1].isspace()
        assert one.text[-1:] in ";}"
        assert chunk.at(one.start) is chunk.at(one.end - 1) is one
        assert one.place == ("", whole[: one.start].count("\n") + 1)
    covered = "".join(one.text for one in chunk.declarations)
    assert "".join(covered.split()).strip(";") == "".join(whole.split()).strip(";")
    assert chunk.at(0) is None
    assert chunk.at(len(whole)) is None
    assert chunk.first_word(0) == chunk.declarations[0].start


LINES_OF_TEXT = (
    "", "int a;", " int b;", '# 7 "a.h"', '# 20 "dir/b.h" 1 3', '#line 3 "c.c"', "#",
    "#pragma pack(1)", "# pragma GCC poison x", '#ident "# 9 \\"d.h\\""', "x # 1",
)  # fmt: skip


@given(st.lists(st.sampled_from(LINES_OF_TEXT), max_size=12))
def test_a_place_is_the_last_marker_above_and_the_lines_since(rows: list[str]) -> None:
    """Line by line, as a compiler counts: a marker names the line below it."""
    chunk = Chunk("".join(f"{row}\n" for row in rows))
    file, line, at = "", 1, 0
    for row in rows:
        named = re.match(r'#(?:line)? (\d+) "([^"]*)"', row)
        if named is None:
            assert chunk.place(at + len(row)) == (file, line)
            line += 1
        else:
            file, line = named[2], int(named[1])
        at += len(row) + 1


@pytest.mark.parametrize(
    "text",
    ["int x(", "int x = '", 'int x = "a;\n', "struct t { int a;", "struct t { } x = { 1 ",
     "struct t { } x }", "struct t { } x '", "struct t { } x = { 1 }, y = {", "} int x;",
     "int x(void) { return 1;", "struct t { } x", "int x(a) int a; { return a;",
     "{" * 40 + "}" * 39, "int x = " + "{" * 40 + "'" + "}" * 40 + ";"],
)  # fmt: skip
def test_what_is_not_closed_is_the_rest(text: str) -> None:
    chunk = Chunk(f"int v0;\n{text}")
    assert not chunk.is_whole
    assert chunk.declarations[0].names == ("v0",)
    assert chunk.text[chunk.rest :].split()[0] in text


def test_a_body_of_nobody_hides_one_declaration() -> None:
    source = Unit("int a; { int b; } int c; int d;", source="a.c")
    assert source.object("a") is not None
    assert source.object("d") is not None
    with pytest.raises(VmgenError):
        source.object("c")


@pytest.mark.parametrize(
    ("text", "inferred"),
    [
        ("int w; __typeof__(w) x; int y;", "x"), ("__auto_type x = 1; int y;", "x"),
        ("int y = sizeof(typeof(1)); auto x = 1;", "x"), ("int f(void) { typeof(1) x; }", ""),
        ("int f(void) { static typeof(1) x; } int y;", "f"), ("int typeofs = 1;", ""),
        ("int f(void) { static int a; typeof(1) x; }", ""), ("typeof(1) x, y; int z;", "x"),
        ("int f(void) { static const __auto_type x = 1; }", "f"), ("int x;", ""),
    ],
)  # fmt: skip
def test_types_that_only_an_expression_tells(text: str, inferred: str) -> None:
    chunk = Chunk(text)
    assert "".join(one.names[0] for one in chunk.inferred) == inferred
    assert all(one.is_inferred == (one in chunk.inferred) for one in chunk.declarations)


def test_functions_that_may_have_static_variables() -> None:
    chunk = Chunk(
        "static int f(void) { return 1; } int g(void) { static int a; return a; }"
        "static int h(void) { static int a; return a; } static int v = 1;"
    )
    assert [one.names for one in chunk.with_statics] == [("g",), ("h",)]


def test_the_first_definition_of_an_enumerator_and_the_last_of_a_name_count() -> None:
    chunk = Chunk(
        "typedef int a;\ntypedef int a;\nextern int x;\nextern int x;\nint x;\n"
    )
    assert chunk.typedefs["a"].place[1] == 2
    assert chunk.externs["x"].place[1] == 5
    for text in ("int x;\nextern int x;", "int x, y;\nextern int y, x;"):
        assert Chunk(text).externs["x"].place[1] == 1
