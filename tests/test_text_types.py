"""QOM types of files that are looked at as text, and not read."""

from __future__ import annotations

import pytest

from vmgen.roots.text_types import look_at

HEAD = """
static void a_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    dc->realize = a_realize;
}

void b_init(ObjectClass *klass, const void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    dc->bus_type = TYPE_SOME_BUS;
}
"""


def types(text: str) -> list[tuple[str, str, bool, str, int]]:
    return [
        (one.name, one.parent, one.abstract, one.class_init, one.line)
        for one in look_at(text, "a.c").types
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("static const TypeInfo t = {\n.name = TYPE_A, .parent = TYPE_DEVICE,\n};",
         [("TYPE_A", "TYPE_DEVICE", False, "", 1)]),
        ("\n\nTypeInfo t = { .name = \"a\", .class_init = a_init, .abstract = true };",
         [('"a"', "", True, "a_init", 3)]),
        ("TypeInfo t = { .class_init = &a_init, .name = A B, .abstract = 1 };",
         [("A B", "", True, "a_init", 1)]),
        ("TypeInfo t = { .name = A, .abstract = false, .class_init = f(x) };",
         [("A", "", False, "", 1)]),
        ("TypeInfo t = { .parent = A };", []),
        ("TypeInfo t;", []),
        ("extern TypeInfo t; void f(TypeInfo *t) { t = x; }", []),
        ("TypeInfo t[] = {\n{ .name = A, .parent = P },\n{ .name = B, .abstract = true }, };",
         [("A", "P", False, "", 1), ("B", "", True, "", 1)]),
        ("TypeInfo t[2] = { { .name = A } };", [("A", "", False, "", 1)]),
        ("OBJECT_DEFINE_TYPE(Foo, foo, FOO, DEVICE)",
         [("TYPE_FOO", "TYPE_DEVICE", False, "foo_class_init", 1)]),
        ("OBJECT_DEFINE_ABSTRACT_TYPE(Foo, foo, FOO, OBJECT)",
         [("TYPE_FOO", "TYPE_OBJECT", True, "foo_class_init", 1)]),
        ("OBJECT_DEFINE_TYPE_EXTENDED(Foo, foo, FOO, OBJECT, true, { NULL })",
         [("TYPE_FOO", "TYPE_OBJECT", True, "foo_class_init", 1)]),
        ("OBJECT_DEFINE_TYPE_EXTENDED(Foo, foo, FOO, OBJECT, false, { NULL })",
         [("TYPE_FOO", "TYPE_OBJECT", False, "foo_class_init", 1)]),
        ("OBJECT_DEFINE_TYPE_WITH_INTERFACES(Foo, foo, FOO, DEVICE, { TYPE_X }, { NULL })",
         [("TYPE_FOO", "TYPE_DEVICE", False, "foo_class_init", 1)]),
        ("OBJECT_DEFINE_TYPE(Foo, foo, FOO)", []),
        ("OBJECT_DECLARE_TYPE(Foo, FooClass, FOO)", []),
    ],
)  # fmt: skip
def test_a_type_is_what_its_text_says(
    text: str, found: list[tuple[str, str, bool, str, int]]
) -> None:
    assert types(text) == found


def test_functions_that_fill_a_class_are_known_with_what_they_set() -> None:
    found = look_at(f"{HEAD}TypeInfo t = {{ .name = A }};", "a.c")
    known = {
        one.name: (one.static, {(each.kind, each.symbol) for each in one.effects})
        for one in found.functions
    }
    assert known["a_init"][0]
    assert ("realize", "a_realize") in known["a_init"][1]
    assert not known["b_init"][0]
    assert ("bus", "TYPE_SOME_BUS") in known["b_init"][1]
    # Without a type nothing of a file counts.
    assert look_at(HEAD, "a.c").functions == ()
