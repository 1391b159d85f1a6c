"""What C and GNU C mean as nodes, declaration by declaration."""

from __future__ import annotations

import pytest

from vmgen.cfront.syntax import (
    ArrayType,
    BasicType,
    BinaryOperation,
    FunctionType,
    IntegerLiteral,
    Member,
    MemberDecl,
    NamedType,
    Parameter,
    PointerType,
    RecordDecl,
    RecordType,
    SizeOf,
    TypeOf,
)
from vmgen.cfront.unit import Unit

INT = BasicType("int")


def unit(text: str) -> Unit:
    return Unit(f'# 1 "a.c"\n{text}', source="a.c")


def record(text: str, tag: str = "s", kind: str = "struct") -> RecordDecl:
    found = unit(text).record(kind, tag)
    assert found is not None
    return found


def members(text: str) -> dict[str, MemberDecl]:
    return {member.name: member for member in record(f"struct s {{ {text} }};").members}


def number(expr: object) -> int:
    assert isinstance(expr, IntegerLiteral)
    return expr.value


# --- types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("unsigned", "unsigned int"),
        ("long unsigned int", "unsigned long"),
        ("long int long", "long long"),
        ("unsigned long long int", "unsigned long long"),
        ("short int", "short"),
        ("signed", "int"),
        ("__signed__ char", "signed char"),
        ("signed long", "long"),
        ("char", "char"),
        ("unsigned __int128", "unsigned __int128"),
        ("long double", "long double"),
        ("_Float128", "long double"),
        ("_Float64", "double"),
        ("_Bool", "_Bool"),
    ],
)
def test_basic_types_have_one_spelling(written: str, canonical: str) -> None:
    assert members(f"const volatile {written} m;")["m"].type == BasicType(canonical)


def test_declarators() -> None:
    found = members(
        "int a, *b, c[2][3], (*d)[4], *(*e)(int, char *name, ...), f[]; void (*g)(void);"
    )
    two, three = found["c"].type, None
    assert found["a"].type == INT
    assert found["b"].type == PointerType(INT)
    assert isinstance(two, ArrayType)
    three = two.element
    assert isinstance(three, ArrayType)
    assert (number(two.length), number(three.length), three.element) == (2, 3, INT)
    pointer = found["d"].type
    assert isinstance(pointer, PointerType)
    assert isinstance(pointer.target, ArrayType)
    assert found["e"].type == PointerType(
        FunctionType(
            PointerType(INT),
            (Parameter("", INT), Parameter("name", PointerType(BasicType("char")))),
            variadic=True,
        )
    )
    assert found["f"].type == ArrayType(INT, None)
    assert found["g"].type == PointerType(FunctionType(BasicType("void"), ()))


def test_a_member_may_have_the_name_of_a_type() -> None:
    source = unit(
        "typedef int word; typedef struct dev dev; struct s { word word; dev *dev; };"
    )
    found = source.record("struct", "s")
    assert found is not None
    assert [(m.name, m.type) for m in found.members] == [
        ("word", NamedType("word")),
        ("dev", PointerType(NamedType("dev"))),
    ]


def test_typeof_keeps_its_operand() -> None:
    found = members("__typeof__(((struct t *)0)->x) a; typeof(unsigned long[2]) *b;")
    of_expression = found["a"].type
    assert isinstance(of_expression, TypeOf)
    assert isinstance(of_expression.operand, Member)
    assert of_expression.operand.name == "x"
    of_type = found["b"].type
    assert isinstance(of_type, PointerType)
    assert isinstance(of_type.target, TypeOf)
    assert isinstance(of_type.target.operand, ArrayType)


def test_types_the_compiler_declares_itself() -> None:
    source = unit("typedef __builtin_va_list va_list; typedef __uint128_t wide;")
    va_list, wide = source.typedef("va_list"), source.typedef("__uint128_t")
    assert va_list is not None
    assert va_list.type == NamedType("__builtin_va_list")
    builtin = source.typedef("__builtin_va_list")
    assert builtin is not None
    assert isinstance(builtin.type, ArrayType)
    assert builtin.type.element == RecordType("struct", "__va_list_tag")
    tag = source.record("struct", "__va_list_tag")
    assert tag is not None
    assert len(tag.members) == 4
    assert wide is not None
    assert wide.type == BasicType("unsigned __int128")


def test_machine_modes_and_vectors() -> None:
    source = unit(
        "typedef int word_t __attribute__((__mode__(__word__)));"
        "typedef unsigned int u64 __attribute__((mode(DI)));"
        "typedef long long vec __attribute__((__vector_size__(16), __may_alias__));"
    )
    word, u64, vec = (source.typedef(n) for n in ("word_t", "u64", "vec"))
    assert word is not None
    assert word.type == BasicType("long")
    assert u64 is not None
    assert u64.type == BasicType("unsigned long")
    assert vec is not None
    assert isinstance(vec.type, ArrayType)
    assert isinstance(vec.type.length, BinaryOperation)
    assert vec.type.length.right == SizeOf(BasicType("long long"))
    assert number(vec.aligned) == 16


# --- records and enums ----------------------------------------------------------------


def test_bitfields() -> None:
    found = record("struct s { unsigned a : 3, : 5; int : 0; _Bool b : 1; };").members
    assert [(m.name, m.type, number(m.bits)) for m in found] == [
        ("a", BasicType("unsigned int"), 3),
        ("", BasicType("unsigned int"), 5),
        ("", INT, 0),
        ("b", BasicType("_Bool"), 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "struct __attribute__((packed, aligned(8))) s { int a; };",
        "struct s { int a; } __attribute__((__packed__)) __attribute__((__aligned__(8)));",
        "typedef struct __attribute__((packed)) s { int a; } __attribute__((aligned(8))) s;",
        "static struct s { int a; } __attribute__((packed, aligned(8))) x;",
        "struct s { int a; } __attribute__((unused, packed, aligned(4 + 4)));",
    ],
)
def test_attributes_of_a_body(text: str) -> None:
    found = record(text)
    assert found.packed
    if "4 + 4" in text:
        assert isinstance(found.aligned, BinaryOperation)
    else:
        assert number(found.aligned) == 8
    assert found.members[0].aligned is None
    assert not found.members[0].packed


@pytest.mark.parametrize(
    "text",
    [
        "char m __attribute__((aligned(16)));",
        "__attribute__((aligned(16))) char m;",
        "char __attribute__((aligned(16))) m;",
        "const __attribute__((aligned(16))) unsigned char m;",
        "unsigned __attribute__((aligned(16))) char m;",
        "word __attribute__((aligned(16))) m;",
        "word m __attribute__((__unused__, aligned(16)));",
        "char m[4][2] __attribute__((aligned(16)));",
        "void *m __attribute__((aligned(16)));",
        "void (*m)(int __attribute__((aligned(64)))) __attribute__((aligned(16)));",
        "struct { int a; } m __attribute__((aligned(16)));",
        "_Alignas(16) char m;",
        "char m __attribute__((aligned));",
    ],
)
def test_alignment_of_a_member(text: str) -> None:
    found = record(f"typedef int word; struct s {{ char before; {text} char after; }};")
    before, member, after = found.members
    assert member.name == "m"
    assert number(member.aligned) == 16
    assert before.aligned is None
    assert after.aligned is None
    assert found.aligned is None


def test_attributes_of_one_of_several_members() -> None:
    found = members("int a __attribute__((packed)), b, c : 3 __attribute__((packed));")
    assert [found[n].packed for n in "abc"] == [True, False, True]
    assert number(found["c"].bits) == 3


def test_alignment_of_a_pointer_target_is_not_the_members() -> None:
    assert members("char __attribute__((aligned(16))) *m;")["m"].aligned is None


def test_alignment_of_a_typedef() -> None:
    source = unit(
        "typedef unsigned long a8 __attribute__((aligned(8)));"
        "typedef __attribute__((aligned(4))) unsigned long a4;"
        "typedef unsigned long a2 __attribute__((unused));"
    )
    a8, a4, a2 = (source.typedef(n) for n in ("a8", "a4", "a2"))
    assert a8 is not None
    assert number(a8.aligned) == 8
    assert a4 is not None
    assert number(a4.aligned) == 4
    assert a2 is not None
    assert a2.aligned is None


def test_anonymous_records_are_named_after_their_place() -> None:
    source = unit(
        "struct s { union { int a; struct { int b; } c; }; struct { int d; } *e; };"
        "typedef struct { int a; struct { int b; } in[2]; } t;"
        "struct t { struct { int z; } in; };"
        "static struct { int y; } x = { 1 };"
    )
    s = source.record("struct", "s")
    assert s is not None
    assert [(m.name, m.type) for m in s.members] == [
        ("", RecordType("union", "<struct s.0>")),
        ("e", PointerType(RecordType("struct", "<struct s.e>"))),
    ]
    union = source.record("union", "<struct s.0>")
    assert union is not None
    assert union.members[1].type == RecordType("struct", "<struct s.0.c>")
    t, x = source.typedef("t"), source.object("x")
    assert t is not None
    assert t.type == RecordType("struct", "<t>")
    inner = source.record("struct", "<t>")
    assert inner is not None
    element = inner.members[1].type
    assert isinstance(element, ArrayType)
    assert element.element == RecordType("struct", "<t.in>")
    tag = source.record("struct", "t")
    assert tag is not None
    assert tag.members[0].type == RecordType("struct", "<struct t.in>")
    assert x is not None
    assert x.type == RecordType("struct", "<x>")


def test_records_and_enums_inside_records_are_found_by_name() -> None:
    text = "struct s { struct in { int a; } in; enum kind { A, B = 5, C } kind; enum { D } d; };"
    inner = unit(text).record("struct", "in")
    assert inner is not None
    assert inner.members[0].name == "a"
    kind = unit(text).enum("kind")
    assert kind is not None
    assert [(e.name, e.value and number(e.value)) for e in kind.enumerators] == [
        ("A", None),
        ("B", 5),
        ("C", None),
    ]
    anonymous = unit(text).enumerator("D")
    assert anonymous is not None
    assert anonymous.tag == "<struct s.d>"


def test_declarations_without_a_member() -> None:
    assert [
        m.name
        for m in record("struct s { enum { A, B }; struct t; int a; ; };").members
    ] == ["a"]
    assert record("struct s { };").members == ()


@pytest.mark.parametrize(
    "text",
    [
        "enum __attribute__((packed)) e { A, B };",
        "enum e { A, B } __attribute__((packed));",
        "typedef enum __attribute__((__packed__)) e { A, B } e;",
    ],
)
def test_packed_enums(text: str) -> None:
    found = unit(text).enum("e")
    assert found is not None
    assert found.packed
    after = unit(f"{text} int x = 1;").object("x")
    assert after is not None


def test_enumerators_with_awkward_values() -> None:
    text = "enum { A = '{', B = '}', C = (1, 2), D = sizeof(\"},E\"), F __attribute__((unused)) = 3, };"
    for enumerator in "ABCDF":
        found = unit(text).enumerator(enumerator)
        assert found is not None
        assert found.tag == "<enum A>"
        assert [e.name for e in found.enumerators] == list("ABCDF")
    assert unit(text).enumerator("E") is None
