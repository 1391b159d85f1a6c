"""What the text of C puts into a member besides its property."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen import ir
from vmgen.cache import Cache, Remembered
from vmgen.machines.changed import MemberChanges, with_changes

PLACE = ir.MemberPlace("NicState", "conf.count")
ABOVE = "#define LEAST 3\n#define MOST (32)\ntypedef struct NicState NicState;\n"
OPEN = ir.MemberChange(others=True)


def changes(tree: Path, **files: str) -> MemberChanges:
    for name, text in files.items():
        file = tree / "hw" / "net" / f"{name}.c"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    kept = Cache(tree / "kept")
    MemberChanges(tree, Remembered(cache=kept)).look_at()
    return MemberChanges(tree, Remembered(cache=kept))  # what was kept


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("if (s->conf.count == 4) return;", ir.MemberChange()),
        ("x = s->conf.count;", ir.MemberChange()),
        ("s->conf.count = 4;", ir.MemberChange((4,))),
        ("s->conf.count = LEAST; t.count = true;", ir.MemberChange((1, 3))),
        (
            "if (s->conf.count < LEAST) { s->conf.count = LEAST; }"
            " else if (s->conf.count > MOST) s->conf.count = MOST;",
            ir.MemberChange(low=3, high=32),
        ),
        (
            "if (s->conf.count < LEAST) { s->conf.count = MOST; }",
            ir.MemberChange((32,)),
        ),
        ("s->conf.count = other();", OPEN),
        ("s->conf.count |= 4;", OPEN),
        ("s->conf.count++;", OPEN),
        ("--s->conf.count;", OPEN),
        ("s->conf.count[2] = x;", OPEN),
        ("fill(&s->conf.count);", OPEN),
        ("static Conf c = { .count = UNKNOWN };", OPEN),
        ("s->conf.counts = other();", ir.MemberChange()),
        ("if (xen_enabled()) { s->conf.count = 4; }", ir.MemberChange()),
        (
            "if (xen_enabled()) { s->conf.count = 4; } else { s->conf.count = 5; }",
            ir.MemberChange((5,)),
        ),
        ("if (!xen_enabled()) { s->conf.count = 4; }", ir.MemberChange((4,))),
    ],
)
def test_what_a_function_puts_there(
    body: str, found: ir.MemberChange, tmp_path: Path
) -> None:
    text = f"{ABOVE}void f(NicState *s) {{ {body} }}\n"
    assert changes(tmp_path, nic=text).of([PLACE]) == found


def test_a_file_that_names_none_of_its_structs_is_about_another_member(
    tmp_path: Path,
) -> None:
    found = changes(tmp_path, sound="void f(SoundState *s) { s->count = other(); }")
    assert found.of([PLACE]) == ir.MemberChange()
    assert found.of([PLACE, ir.MemberPlace("SoundState", "count")]) == OPEN


def test_a_macro_with_two_values_is_none(tmp_path: Path) -> None:
    one = "#define LEAST 3\nvoid f(NicState *s) { s->conf.count = LEAST; }\n"
    found = changes(tmp_path, nic=one, other="#define LEAST 5\n")
    assert found.of([PLACE]) == OPEN


def test_only_what_predicates_read_is_looked_up(tmp_path: Path) -> None:
    tree = changes(tmp_path, nic="void f(NicState *s) { s->conf.count = other(); }")
    one = ir.Property("nic", "count", "number", (PLACE,), None, 3)
    facts = ir.Machines(properties=(one,))
    assert with_changes(facts, frozenset(), tree) == facts
    (found,) = with_changes(facts, frozenset([PLACE]), tree).properties
    assert found.change == OPEN


def test_a_property_that_a_board_sets_by_name_is_known_of_no_object(
    tmp_path: Path,
) -> None:
    tree = changes(
        tmp_path,
        board=(
            '#define PROP_WIDTH "width"\n'
            'void f(void) { qdev_prop_set_uint32(dev, "count", n);'
            " object_property_set_int(OBJECT(dev), PROP_WIDTH, 3, &error_abort); }"
        ),
    )
    for name, known in (("count", False), ("width", False), ("height", True)):
        one = ir.Property("nic", name, "number", (PLACE,), None, 3)
        (found,) = with_changes(
            ir.Machines(properties=(one,)), frozenset(), tree
        ).properties
        assert found.change == (ir.MemberChange() if known else OPEN)
