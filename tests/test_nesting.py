"""How deep C may nest: what adds a level, what does not, and what is refused."""

from __future__ import annotations

import pytest

from vmgen.cfront.nesting import LEVELS
from vmgen.cfront.unit import Unit
from vmgen.source import VmgenError

Nest = tuple[str, str, str]

#: What nests in itself: in front, in the middle, behind.
NESTED: dict[str, Nest] = {
    "parentheses": ("(", "a", ")"),
    "calls": ("f(", "a", ")"),
    "elements": ("b[", "a", "]"),
    "sums": ("", "a", " + a"),
    "products": ("", "a", " * a"),
    "comparisons": ("", "a", " < a"),
    "ors": ("", "a", " || a"),
    "not": ("!", "a", ""),
    "signs": ("- ", "a", ""),
    "pointers": ("*", "c", ""),
    "assignments": ("a = ", "a", ""),
    "more added": ("a += ", "a", ""),
    "sizes": ("sizeof ", "a", ""),
    "members": ("", "d", ".d"),
    "members behind pointers": ("", "e", "->e"),
    "elements of elements": ("", "c", "[0]"),
    "calls of calls": ("", "g", "()"),
    "choices": ("a ? a : ", "a", ""),
    "choices in choices": ("a ? ", "a", " : a"),
    "a sum in a choice": ("", "a ? a : a", " + a"),
}
STATEMENTS: dict[str, Nest] = {
    "blocks": ("{", ";", "}"),
    "ifs": ("if (a) ", ";", ""),
    "elses": ("if (a) ; else ", ";", ""),
    "loops": ("while (a) ", ";", ""),
    "counting": ("for (;;) ", ";", ""),
    "do": ("do ", ";", " while (a);"),
    "switches": ("switch (a) ", ";", ""),
    "ifs in blocks": ("if (a) {", ";", "}"),
}


def refused(text: str) -> bool:
    """Whether a function with this body is refused; what is not can be read."""
    unit = Unit(
        "struct S { struct S *e; }; int a, b[2], *c, f(int), (*g)(void);\n"
        f"int x(void)\n{{\n{text}\n}}\n",
        source="t.c",
    )
    try:
        found = unit.function("x")
    except VmgenError as error:
        (one,) = error.diagnostics
        assert f"nested more than {LEVELS} deep" in one.message, one
        assert one.position.line >= 4
        return True
    assert found is not None
    assert found.body is not None
    return False


def nested(nest: Nest, count: int) -> str:
    before, inside, behind = nest
    return before * count + inside + behind * count


def most(text: str, nest: Nest) -> int:
    """How many levels of it are read: one more is refused, and so is any other number."""
    low, high = 0, 2 * LEVELS
    assert not refused(text.replace("@", nested(nest, low)))
    assert refused(text.replace("@", nested(nest, high)))
    while high - low > 1:
        middle = (low + high) // 2
        if refused(text.replace("@", nested(nest, middle))):
            high = middle
        else:
            low = middle
    return low


@pytest.mark.parametrize("kind", NESTED)
def test_operators_and_brackets_are_a_level_each(kind: str) -> None:
    found = most("@;", NESTED[kind])
    # A bracket behind an operator may be one with it, and what is around counts too.
    assert LEVELS - 8 < found <= LEVELS


@pytest.mark.parametrize("kind", STATEMENTS)
def test_statements_are_a_level_each(kind: str) -> None:
    found = most("@", STATEMENTS[kind])
    levels = 2 if kind == "ifs in blocks" else 1
    assert (LEVELS - 8) / levels - 1 < found <= LEVELS / levels


@pytest.mark.parametrize(
    "before",
    ["", "a ? a : ", "a ? a : a, ", "(a ? a : a) + ", "b[a ? a : a]; ", "one: two: ",
     "switch (a) { case 1: a = a ? a : a; break; default: ; } ", "{ } ", "if (a) { } else { } "],
)  # fmt: skip
def test_what_came_before_counts_no_less_than_what_it_is_in(before: str) -> None:
    """A colon belongs to the choice that it is of, a level is over with what made it."""
    sums = most(f"{before}@;", NESTED["sums"])
    assert LEVELS - 8 < sums <= LEVELS


def test_labels_are_a_level_each() -> None:
    for count, too_deep in ((200, False), (LEVELS + 1, True)):
        labels = "".join(f"l{number}: " for number in range(count))
        assert refused(f"{labels};") == too_deep
        cases = "".join(f"case {number}: " for number in range(count))
        assert refused(f"switch (a) {{ {cases}; }}") == too_deep


@pytest.mark.parametrize(
    "text",
    [
        "a = (a + 1) * -a ? b[0] : f(a);", "f(a);", "if (a) { a = 1; }", "if (a) a = 1; else a = 2;",
        "while (a) a--;", "do a++; while (a);", "for (;;) { }", "{ }", "switch (a) { case 1: break; default: a = 2; }",
        "{ int k = a + 1, l = a ? 1 : 2; }", "{ int k[] = { 1 + 1, -2, { 3 } }; }", "a ? a : a;",
        "b[a] = *c + g();",
    ],
)  # fmt: skip
def test_what_stands_one_after_the_other_is_not_nested(text: str) -> None:
    assert not refused(text * 400)


def test_values_in_a_list_are_not_nested() -> None:
    for value in ("a + 1", "-a", "a ? 1 : 2", "f(a)", "b[0]", "(a)", "*c"):
        values = ", ".join([value] * 400)
        assert not refused(f"{values};")
        assert not refused(f"int k[] = {{ {values} }};")
        assert not refused(f"f({values});")
