"""Declarations of a preprocessed file by name: found, placed, remembered, refused."""

from __future__ import annotations

import pytest

from vmgen.cfront import split
from vmgen.cfront.syntax import (
    EnumType,
    InitList,
    IntegerLiteral,
    RecordDecl,
)
from vmgen.cfront.unit import Unit
from vmgen.source import Position, VmgenError


def unit(text: str) -> Unit:
    return Unit(f'# 1 "a.c"\n{text}', source="a.c")


def record(text: str, tag: str = "s", kind: str = "struct") -> RecordDecl:
    found = unit(text).record(kind, tag)
    assert found is not None
    return found


def number(expr: object) -> int:
    assert isinstance(expr, IntegerLiteral)
    return expr.value


# --- names ----------------------------------------------------------------------------


def test_static_variables_of_functions_are_objects_too() -> None:
    source = unit("void f(void) { static const int inside = 3; int automatic = 1; }")
    inside = source.object("inside")
    assert inside is not None
    assert inside.static
    assert number(inside.initializer) == 3
    assert source.object("f.inside") == inside
    assert source.object("g.inside") is None
    assert source.object("automatic") is None


def test_definitions_are_preferred() -> None:
    source = unit(
        "extern int x; int x = 5; extern int x; int y; extern int y;"
        "static int f(int); static int f(int a) { return a; } int f(int);"
    )
    x, f = source.object("x"), source.function("f")
    assert x is not None
    assert number(x.initializer) == 5
    assert f is not None
    assert f.body is not None
    assert f.static
    y = source.object("y")
    assert y is not None
    assert y.position.line == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("int f(int (*g)(void));", "f"),
        ("void (*f(int a, void (*g)(int)))(int);", "f"),
        ("int (f)(int a);", "f"),
        ("word (f)(word a);", "f"),
        (
            '__attribute__((format(printf, 1, 2))) extern int f(const char *, ...) __asm__("g");',
            "f",
        ),
        (
            "static inline __attribute__((always_inline)) word *f(void) { return 0; }",
            "f",
        ),
        ("static inline void (f)(word *w) { }", "f"),
        (
            '__extension__ static __inline _Bool\n# 3 "b.h" 3 4\nf(void)\n# 4 "a.c"\n{ return 1; }',
            "f",
        ),
        ("int f(int a, int b), g(void);", "f"),
        ("struct s f(void) { struct s x = { 0 }; return x; }", "f"),
    ],
)
def test_functions_are_found(text: str, names: str) -> None:
    source = unit(f"typedef int word; struct s {{ int a; }}; {text} int after = 1;")
    found = source.function(names)
    assert found is not None
    assert found.name == names
    assert (found.body is None) == ("{" not in text)
    assert source.object("after") is not None


@pytest.mark.parametrize(
    "text",
    [
        "extern word x;",
        "word x[2][3];",
        "int (*x)(int);",
        "int (*x[4])(int) = { 0 };",
        "__typeof__(int (*)(void)) x = 0;",
        'extern __thread word x __attribute__((tls_model("initial-exec")));',
        "word y, *x;",
        "word y = (1, 2), x = 3;",
        "struct t { int a; } x;",
        "struct t { int a; } y = { 1 }, *x = &y;",
        "word *x = &(word){ 1 };",
        "static struct __attribute__((packed)) { int a; } x;",
        'const word x = sizeof("a;b}{");',
    ],
)
def test_objects_are_found(text: str) -> None:
    source = unit(f"typedef int word; {text} int after = 1;")
    found = source.object("x")
    assert found is not None
    assert found.name == "x"
    assert source.function("x") is None
    assert source.object("after") is not None


@pytest.mark.parametrize(
    "text",
    [
        "typedef struct x x;",
        "typedef int (*x)(int, char);",
        "typedef int x(int);",
        "typedef int y, *x;",
        "typedef int x[4];",
        "typedef struct { int a; } *x;",
        "typedef struct { int a; } x, *y;",
        "typedef struct s { int a; } __attribute__((packed)) x;",
        "__extension__ typedef long long x;",
        "typedef __typeof__(sizeof(int)) x;",
    ],
)
def test_typedefs_are_found(text: str) -> None:
    source = unit(f"{text} int after = 1;")
    found = source.typedef("x")
    assert found is not None
    assert found.name == "x"
    assert source.object("x") is None
    assert source.object("after") is not None


def test_unknown_names() -> None:
    source = unit("struct s; extern int x;")
    assert source.object("y") is None
    assert source.function("x") is None
    assert source.typedef("y") is None
    assert source.record("struct", "s") is None
    assert source.record("union", "<struct s.0>") is None
    assert source.enum("e") is None
    assert source.enumerator("E") is None


# --- positions ------------------------------------------------------------------------


def test_lines_follow_the_markers() -> None:
    text = """# 1 "/tree/dir/a.c"
# 1 "/tree/inc/a.h" 1
typedef int word;

struct s {
    word a;
# 30 "/tree/inc/a.h"
    word b;
};
# 2 "/tree/dir/a.c" 2
static const int table[] = {
    ( 1 ),
#pragma GCC diagnostic push
    { .name = "x", .offset = (
# 5 "/tree/dir/a.c" 3 4
      __builtin_offsetof (
# 5 "/tree/dir/a.c"
      struct s, a)) },
    { 3 },
};
"""
    source = Unit(
        text, source="dir/a.c", relative=lambda file: file.removeprefix("/tree/")
    )
    s = source.record("struct", "s")
    assert s is not None
    assert s.position == Position("inc/a.h", 3)
    assert [m.position for m in s.members] == [
        Position("inc/a.h", 4),
        Position("inc/a.h", 30),
    ]
    table = source.object("table")
    assert table is not None
    assert table.position == Position("dir/a.c", 2)
    assert isinstance(table.initializer, InitList)
    rows = [item.value for item in table.initializer.items]
    assert [row.position.line for row in rows] == [3, 5, 6]
    assert {row.position.file for row in rows} == {"dir/a.c"}


def test_pcpp_markers() -> None:
    text = '#line 1 "a.c"\n\n#line 1 "a.h"\nint x;\n#line 7 "a.c"\nint y = 1;\n'
    source = Unit(text, source="a.c")
    x, y = source.object("x"), source.object("y")
    assert x is not None
    assert x.position == Position("a.h", 1)
    assert y is not None
    assert y.position == Position("a.c", 7)


def test_text_without_markers_is_the_source() -> None:
    found = Unit("\nint x;", source="dir/a.c").object("x")
    assert found is not None
    assert found.position == Position("dir/a.c", 2)


# --- pieces of text -------------------------------------------------------------------


def test_a_header_in_the_middle_of_a_declaration_belongs_to_it() -> None:
    text = """# 1 "a.c"
int before;
static const int table[] = {
# 1 "rows.inc" 1
    1,
    2,
# 4 "a.c" 2
# 1 "more.inc" 1
    3,
# 5 "a.c" 2
};
# 1 "z.h" 1
int z;
# 6 "a.c" 2
int after;
"""
    source = Unit(text, source="a.c")
    table = source.object("table")
    assert table is not None
    assert isinstance(table.initializer, InitList)
    assert [(number(i.value), i.value.position) for i in table.initializer.items] == [
        (1, Position("rows.inc", 1)),
        (2, Position("rows.inc", 2)),
        (3, Position("more.inc", 1)),
    ]
    for other, line in [("before", 1), ("z", 1), ("after", 6)]:
        found = source.object(other)
        assert found is not None
        assert found.position.line == line


def test_headers_are_split_and_parsed_once_for_all_units() -> None:
    split.clear_cache()
    header = '# 1 "s.h" 1\nstruct s { word a; };\n'
    first = Unit(
        f'# 1 "a.c"\ntypedef int word;\n{header}# 2 "a.c" 2\nint x;\n', source="a.c"
    )
    second = Unit(
        f'# 1 "b.c"\ntypedef long word;\n{header}# 2 "b.c" 2\nint y;\n', source="b.c"
    )
    assert first.record("struct", "s") is second.record("struct", "s")
    renamed = Unit(
        f'# 1 "b.c"\ntypedef long word;\n{header}',
        source="b.c",
        relative=lambda f: f"dir/{f}",
    )
    found = renamed.record("struct", "s")
    assert found is not None
    assert found.position.file == "dir/s.h"


def test_a_word_that_is_a_type_in_one_unit_only() -> None:
    header = '# 1 "s.h" 1\nstatic int size(void) { return sizeof(word) + (word)(1); }\n'
    as_type = Unit(f"typedef int word;\n{header}", source="a.c").function("size")
    as_function = Unit(f"int word(int);\n{header}", source="b.c").function("size")
    assert as_type is not None
    assert as_function is not None
    assert as_type != as_function
    assert "Cast" in repr(as_type.body)
    assert "Cast" not in repr(as_function.body)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    split.clear_cache()
    monkeypatch.setattr(split, "CACHE_LIMIT", 100)
    for index in range(20):
        assert (
            Unit(f'# 1 "a.c"\nint x{index};\n', source="a.c").object(f"x{index}")
            is not None
        )
    assert sum(map(len, split._cache)) <= 100


# --- errors ---------------------------------------------------------------------------


def test_c_that_does_not_parse_is_reported_when_asked_for() -> None:
    source = unit("int good = 1;\nstruct bad {\n  int a\n  int b;\n};\nint fine = 2;\n")
    assert source.object("good") is not None
    assert source.object("fine") is not None
    with pytest.raises(VmgenError) as caught:
        source.record("struct", "bad")
    (found,) = caught.value.diagnostics
    assert found.code == "VG201"
    assert found.position == Position("a.c", 4)
    assert "struct bad" in found.message
    assert "'int'" in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("int x = @;", "VG201"),
        ("int x = (1;", "VG201"),
        ("int x = 09;", "VG202"),
        ("int x = 1UUU;", "VG201"),
        ("int x = 0x1ffffffffffffffff;", "VG202"),
        ("int _Complex x = 1;", "VG202"),
        ("int x = __builtin_types_compatible_p(int);", "VG201"),
        ("int x = __builtin_types_compatible_p(1, 2);", "VG202"),
        ("struct { int a __attribute__((aligned(8)); } x = { 1 };", "VG201"),
        ("struct { int a __attribute__((aligned(+))); } x = { 1 };", "VG201"),
        ("int x = ''; ", "VG202"),
        (f"int x = {'(' * 3000}1{')' * 3000};", "VG201"),
    ],
)
def test_what_cannot_be_read_is_one_diagnostic(text: str, code: str) -> None:
    source = unit(f"int good = 1;\n{text}\n")
    with pytest.raises(VmgenError) as caught:
        source.object("x")
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.position == Position("a.c", 2)
    assert found.hint
    assert source.object("good") is not None


@pytest.mark.parametrize("entered", ["", " 1"])
@pytest.mark.parametrize("file", ["a.c", "b.h", "rows.inc", "x/words.txt"])
def test_what_includes_a_file_that_is_no_header_is_said(
    file: str, entered: str
) -> None:
    """Not what includes a header, which every file does; nor of the source itself.  Only a
    compiler marks where it enters a file."""
    text = (
        f'# 1 "a.c"\nint good = 1;\n# 1 "other.h"{entered}\nint there;\n# 3 "a.c"\n'
        f'int more;\n# 1 "{file}"{entered}\n\nint x = @;\n# 5 "a.c"\nint last = 2;\n'
    )
    source = Unit(text, source="a.c")
    with pytest.raises(VmgenError) as caught:
        source.object("x")
    (found,) = caught.value.diagnostics
    assert found.position == Position(file, 2)
    where = "a.c:4" if entered else "a.c"
    said = f"{where} includes {file}; "
    assert found.hint.startswith(said) == (file in ("rows.inc", "x/words.txt"))
    assert ("includes" in found.hint) == found.hint.startswith(said)


def test_an_unclosed_bracket_hides_what_follows() -> None:
    source = unit("int good = 1;\nstruct bad {\n  int a;\n\nint hidden = 1;\n")
    assert source.object("good") is not None
    assert source.object("elsewhere") is None
    for lookup in (
        lambda: source.object("hidden"),
        lambda: source.record("struct", "bad"),
        lambda: source.typedef("hidden"),
        lambda: source.function("hidden"),
        lambda: source.enumerator("hidden"),
        lambda: source.enum("bad"),
    ):
        with pytest.raises(VmgenError) as caught:
            lookup()
        (found,) = caught.value.diagnostics
        assert found.code == "VG203"
        assert found.position == Position("a.c", 2)


def test_the_name_that_is_most_alike() -> None:
    source = unit("int needed(void);\nextern int other; int level = 1;\n")
    assert source.alike("neded") == "needed"
    assert source.alike("levels") == "level"
    assert source.alike("nothing_of_the_kind") == ""


def test_a_body_without_a_function() -> None:
    source = unit("struct s { int a; }; struct s f { return 1; } int good = 1;")
    (declaration,) = source.mentioning(["f"])
    with pytest.raises(VmgenError) as caught:
        source.read(declaration)
    assert caught.value.diagnostics[0].code in ("VG201", "VG202")


def test_modes_that_no_type_has() -> None:
    source = unit("typedef struct s t __attribute__((mode(DI)));")
    with pytest.raises(VmgenError) as caught:
        source.typedef("t")
    assert caught.value.diagnostics[0].code == "VG202"


def test_anonymous_enum_types() -> None:
    source = unit("typedef enum { A } e; struct s { enum { B } b; };")
    e = source.typedef("e")
    assert e is not None
    assert e.type == EnumType("<e>")
    assert source.enum("<e>") is not None


def test_a_marker_behind_an_empty_line_counts() -> None:
    found = Unit('\n# 7 "x.h"\n\nint a;\n', source="t.c").object("a")
    assert found is not None
    assert (found.position.file, found.position.line) == ("x.h", 8)
