"""What a board switches off of its CPUs where nobody gives an option."""

from __future__ import annotations

import pytest

from vmgen.cfront.unit import Unit
from vmgen.processors.board_switches import switched_off

HEAD = """
typedef _Bool bool; typedef struct Object Object; typedef struct Error Error;
typedef struct Board { bool secure; bool virt; Object *parent; } Board;
bool object_property_set_bool(Object *, const char *, bool, Error **);
Object *object_property_find(Object *, const char *);
void touch(bool *);
extern int smp_cpus;
"""


def off(body: str, more: str = "") -> list[str]:
    text = f"{HEAD}{more}\nvoid board_init(Board *b, Object *cpu, bool asked) {{ {body} }}\n"
    return [
        *switched_off(
            Unit(text.replace("NULL", "((void *)0)"), source="hw/arm/board.c"),
            ["has_el3"],
        )
    ]


SET = 'object_property_set_bool(cpu, "has_el3", 0, NULL);'


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (SET, ""),
        (f"if (!b->secure) {{ {SET} }}", ""),
        (f"for (int n = 0; n < smp_cpus; n++) {{ if (n > 3) break; {SET} }}", ""),
        (f'if (!b->virt && object_property_find(cpu, "has_el3")) {SET}', ""),
        (f"if (b->secure) {{ }} else {SET}", ""),
        (f"if (b->secure || !b->virt) {SET}", ""),
        (f"if (!b->secure) {SET}", "void init(Board *b) { b->secure = 0; }"),
        # The setter of a property that a user gives.
        (
            f"if (!b->secure) {SET}",
            "void set(Board *b, bool value, Error **errp) { b->secure = value; }",
        ),
    ],
)
def test_what_is_surely_off(body: str, more: str) -> None:
    assert off(body, more) == ["has_el3"]


@pytest.mark.parametrize(
    ("body", "more"),
    [
        ("", ""),
        ('object_property_set_bool(cpu, "has_el3", 1, NULL);', ""),
        ('object_property_set_bool(cpu, "has_el3", asked, NULL);', ""),
        ('object_property_set_bool(cpu, "has_el2", 0, NULL);', ""),
        (f"if (b->secure) {SET}", ""),
        (f"if (asked) {SET}", ""),
        (f"if (!b->secure && asked) {SET}", ""),
        (f"if (!b->secure) {SET}", "void init(Board *b) { b->secure = 1; }"),
        (f"if (!b->secure) {SET}", "void init(Board *b) { touch(&b->secure); }"),
        (f"if (!b->secure) {SET}", "void init(Board *b) { b->secure |= 1; }"),
        (
            f"if (!b->secure) {SET}",
            "void init(Board *b, bool value) { b->secure = value; }",
        ),
        (f"switch (smp_cpus) {{ case 1: {SET} }}", ""),
        # Elsewhere it is set to something else.
        (SET, f"void other(Object *cpu) {{ {SET.replace('0, N', '1, N')} }}"),
    ],
)
def test_what_is_not_known(body: str, more: str) -> None:
    assert off(body, more) == []


def test_the_value_stood_before_the_name_until_5_2() -> None:
    body = 'object_property_set_bool(cpu, 0, "has_el3", NULL);'
    head = HEAD.replace("const char *, bool, Error", "bool, const char *, Error")
    text = f"{head} void board_init(Object *cpu) {{ {body} }}"
    unit = Unit(text.replace("NULL", "((void *)0)"), source="hw/arm/board.c")
    assert [*switched_off(unit, ["has_el3"])] == ["has_el3"]


def test_a_value_that_may_be_the_pointer_is_not_known() -> None:
    assert off('object_property_set_bool(cpu, "has_el3", 0, 0);') == []
