"""What members of tables are set to, read from C: rows, numbers, names, pointers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from vmgen.cfront.layout import Filled, FilledArray, FilledRecord, Layout
from vmgen.cfront.printer import phrase
from vmgen.cfront.unit import Unit
from vmgen.extract import initializer
from vmgen.source import Position, VmgenError

TYPES = """
typedef struct { int a; const char *name; int (*test)(void); const void *list; int d[2]; } Row;
int there(void);
extern int number;
"""


def filled(line: str) -> tuple[Layout, Filled | None]:
    """What the object ``v`` of a line is set to."""
    unit = Unit(f"{TYPES}{line}\n", source="t.c")
    declared = unit.object("v")
    assert declared is not None
    layout = Layout(unit)
    return layout, layout.filled(declared)


def member(value: str, name: str = "list") -> tuple[Layout, Filled | None]:
    """What a member of a row is set to."""
    layout, record = filled(f"const Row v = {{ .{name} = {value} }};")
    assert isinstance(record, FilledRecord)
    return layout, record[name]


@contextmanager
def refused(code: str, words: str) -> Iterator[None]:
    with pytest.raises(VmgenError) as error:
        yield
    assert error.value.diagnostics[0].code == code
    assert words in error.value.diagnostics[0].message


def test_an_object_is_one_row_and_an_array_one_for_each_element_that_is_set() -> None:
    def rows(line: str) -> list[tuple[str, int]]:
        layout, value = filled(line)
        return [
            (symbol, initializer.integer(layout, row["a"]))
            for symbol, row in initializer.rows("v", value)
        ]

    assert rows("const Row v = { .a = 3 };") == [("v", 3)]
    assert rows("const Row v[] = { { 1 }, [2] = { 3 } };") == [("v[0]", 1), ("v[2]", 3)]
    assert rows("const Row v[2][2] = { [1] = { { 1 }, { 2 } } };") == [
        ("v[1][0]", 1),
        ("v[1][1]", 2),
    ]
    assert rows("const Row v;") == []
    with refused("VG401", "v has a value that is no braced initialiser"):
        rows("const int v = 3;")


@pytest.mark.parametrize("last", [65535, 65536])
def test_a_table_has_up_to_so_many_rows(last: int) -> None:
    _, value = filled(f"const Row v[] = {{ [0].a = 1, [{last}].a = 2 }};")
    if last < 65536:
        assert [symbol for symbol, _ in initializer.rows("v", value)] == [
            "v[0]",
            "v[65535]",
        ]
        return
    with refused("VG401", "a table of 65537 rows; vmgen reads up to 65536"):
        list(initializer.rows("v", value))


@pytest.mark.parametrize(
    ("value", "null"),
    [("0", True), ("(void *)0", True), ("((const char *)(long)0)", True), ("1", False),
     ("&number", False), ("(void *)1", False)],
)  # fmt: skip
def test_null_is_nothing_or_any_cast_of_zero(value: str, null: bool) -> None:
    assert initializer.is_null(member(value)[1]) == null
    assert initializer.is_null(None)
    assert not initializer.is_null(filled("const Row v = { 0 };")[1])


def test_a_pointer_leads_to_an_object_a_function_or_nowhere() -> None:
    for value, name, symbol in (
        ("there", "test", "there"),
        ("&there", "test", "there"),
        ("&number", "list", "number"),
        ("(void *)0", "list", ""),
    ):
        layout, found = member(value, name)
        assert initializer.symbol(layout, found) == symbol
    assert initializer.symbol(layout, None) == ""
    layout, found = member("{ 1, 2 }", "d")
    with refused("VG402", "a pointer is set in braces"):
        initializer.symbol(layout, found)


def test_a_name_is_a_string_in_utf_8() -> None:
    for value, text in (
        ('"dev"', "dev"),
        ('"de" "v"', "dev"),
        (r'"caf\303\251"', "caf\xe9"),
        ("(const char *)0", None),
    ):
        layout, found = member(value, "name")
        assert initializer.text(layout, found) == text
    assert initializer.text(layout, None) is None
    layout, found = member(r'"caf\351"', "name")
    with refused("VG404", "is not written in UTF-8"):
        initializer.text(layout, found)


def test_a_number_is_what_c_computes() -> None:
    layout, found = member("sizeof(Row) / 8 + (1 << 3)", "a")
    assert initializer.integer(layout, found) == 13
    assert initializer.integer(layout, None) == 0
    with refused("VG401", "an aggregate as a number"):
        initializer.integer(layout, filled("const Row v = { 0 };")[1])


def test_a_value_is_where_it_is_written_or_where_what_it_is_in_is() -> None:
    around = Position("hw/x.c", 3)
    _, found = member("1", "a")
    assert initializer.where(found, around).file == "t.c"
    assert initializer.where(None, around) == around


def test_a_sum_has_its_terms_from_left_to_right() -> None:
    _, found = member("(1 + (int)(2 + 3)) + 4 * (5 + 6) + (7 - 8)", "a")
    assert found is not None
    assert not isinstance(found, FilledRecord | FilledArray)
    terms = [phrase(one) for one in initializer.walk(found)]
    assert terms == ["1", "2", "3", "4 * (5 + 6)", "7 - 8"]
