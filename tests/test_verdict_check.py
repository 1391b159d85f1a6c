"""Verdicts against what the generated codecs of both sides really do.

Random tables are changed at random, the way people change them; whatever the verdict
says must hold for random sections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from tests import schemas
from tests.reference import WIDTH
from vmgen import ir
from vmgen.verdict import judge
from vmgen.verdict.check import confirm

Change = Callable[[st.DrawFn, ir.Description], ir.Description]


def plain(name: str, kind: ir.IntType = "uint32", **more: int) -> ir.Field:
    step = ir.Step(name, schemas.C_TYPES[kind])
    width = {"8": 1, "6": 2, "2": 4, "4": 8}[kind[-1]]
    return ir.Field(
        name, (step,), ir.IntegerElement(kind), ir.Fixed(width), **more  # type: ignore[arg-type]
    )


def position(draw: st.DrawFn, item: ir.Description, extra: int = 0) -> int:
    return draw(st.integers(0, max(0, len(item.fields) - 1 + extra)))


def inserted(item: ir.Description, at: int, *fields: ir.Field) -> ir.Description:
    return replace(item, fields=(*item.fields[:at], *fields, *item.fields[at:]))


def newer(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    return replace(item, version_id=item.version_id + 1)


def required(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    version = item.version_id + 1
    return replace(item, version_id=version, minimum_version_id=version)


def grown(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    return inserted(item, position(draw, item, 1), plain("brandnew"))


def grown_with_version(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    version = item.version_id + 1
    added = plain("brandnew", version_id=version)
    return inserted(replace(item, version_id=version), position(draw, item, 1), added)


def removed(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    if not item.fields:
        return item
    at = position(draw, item)
    return replace(item, fields=item.fields[:at] + item.fields[at + 1 :])


def padded(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    """A field of known size gives way to padding."""
    for at, field in enumerate(item.fields):
        element, size, count = field.element, field.size, field.count
        if not isinstance(element, ir.IntegerElement) or element.check:
            continue
        if not isinstance(size, ir.Fixed) or not isinstance(count, ir.Fixed):
            continue
        if any(
            isinstance(amount, ir.FromMember) and amount.path == field.path
            for other in item.fields
            for amount in (other.count, other.size)
        ):
            continue
        width = 8 if element.info else int(WIDTH[element.type])
        pad = replace(
            field,
            name="unused",
            path=(),
            element=ir.UnusedElement(),
            size=ir.Fixed(width * count.value),
            count=ir.Fixed(1),
            array=False,
            start=0,
            pointer=False,
            allocated=False,
        )
        return replace(item, fields=(*item.fields[:at], pad, *item.fields[at + 1 :]))
    return item


def swapped(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    if len(item.fields) < 2:
        return item
    at = draw(st.integers(0, len(item.fields) - 2))
    one, two = item.fields[at : at + 2]
    return replace(item, fields=(*item.fields[:at], two, one, *item.fields[at + 2 :]))


def retyped(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    if not item.fields:
        return item
    at = position(draw, item)
    field = item.fields[at]
    if not isinstance(field.element, ir.IntegerElement) or field.element.info:
        return item
    kind = draw(st.sampled_from(schemas.INT_TYPES))
    made = replace(field, element=ir.IntegerElement(kind))
    return replace(item, fields=(*item.fields[:at], made, *item.fields[at + 1 :]))


def resized(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    for at, field in enumerate(item.fields):
        if field.array and isinstance(field.count, ir.Fixed) and field.count.value > 1:
            made = replace(field, count=ir.Fixed(field.count.value - 1))
            return replace(
                item, fields=(*item.fields[:at], made, *item.fields[at + 1 :])
            )
    return item


def renamed(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    """Wire names of fields do not matter."""
    return replace(
        item,
        fields=tuple(replace(field, name=f"x_{field.name}") for field in item.fields),
    )


def untested(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    return replace(
        item,
        fields=tuple(
            field if field.must_exist else replace(field, test="")
            for field in item.fields
        ),
    )


def without_subsection(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    return replace(item, subsections=item.subsections[:-1])


def other_name(draw: st.DrawFn, item: ir.Description) -> ir.Description:
    return replace(item, name=f"{item.name}x")


CHANGES: tuple[Change, ...] = (
    newer, required, grown, grown_with_version, removed, padded, swapped, retyped,
    resized, renamed, untested, without_subsection, other_name,
)  # fmt: skip


def one_file(program: ir.Program) -> ir.Program:
    """All descriptions in one C file."""
    module = program.modules[-1]
    descriptions = tuple(d for m in program.modules for d in m.descriptions)
    functions = {f.symbol: f for m in program.modules for f in m.functions}
    merged = replace(
        module, descriptions=descriptions, functions=tuple(functions.values())
    )
    return replace(program, modules=(merged,))


@st.composite
def changed(draw: st.DrawFn, program: ir.Program) -> tuple[str, ir.Program]:
    """The program with one of its descriptions changed."""
    places = [
        (number, at)
        for number, module in enumerate(program.modules)
        for at in range(len(module.descriptions))
    ]
    number, at = draw(st.sampled_from(places))
    module = program.modules[number]
    change = draw(st.sampled_from(CHANGES))
    items = list(module.descriptions)
    items[at] = change(draw, items[at])
    modules = list(program.modules)
    modules[number] = replace(module, descriptions=tuple(items))
    return change.__name__, replace(program, modules=tuple(modules))


def test_no_verdict_is_contradicted_and_most_are_confirmed() -> None:
    answers: Counter[tuple[str, str]] = Counter()

    @settings(
        max_examples=80,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.data())
    def tried(data: st.DataObject) -> None:
        old = one_file(data.draw(schemas.schemas()).program)
        name, new = data.draw(changed(old))
        note(name)
        judgement = judge(old, new)
        for found in confirm(judgement, old, new, 12):
            event(f"{name}: {found.verdict} {found.answer}")
            answers[found.verdict, found.answer] += 1
            outcome = next(
                section.outcome(found.direction)
                for section in judgement.sections
                if section.section == found.section
            )
            assert found.answer != "contradicted", (found, outcome)

    tried()
    for verdict in ("compatible", "incompatible"):
        confirmed = answers[verdict, "confirmed"]
        assert confirmed > 10
        assert confirmed > 2 * answers[verdict, "open"], answers


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schemas.schemas())
def test_nothing_is_wrong_with_oneself(schema: schemas.Schema) -> None:
    judgement = judge(schema.program, schema.program)
    assert judgement.worst() == "compatible"


def test_elements_of_padding_alone() -> None:
    """Nothing of them is kept, and yet their bytes count."""
    padding = ir.Field("unused", (), ir.UnusedElement(), ir.Fixed(2))
    inner = ir.Description("vmstate_inner", "inner", "Inner", 1, 1, (padding,))

    def outer(count: int) -> ir.Program:
        part = ir.Field(
            "part",
            (ir.Step("part", "Inner", (count,)),),
            ir.StructElement("vmstate_inner", "Inner"),
            ir.Fixed(2),
            ir.Fixed(count),
            array=True,
        )
        dev = ir.Description("vmstate_dev", "dev", "Dev", 1, 1, (part,))
        return ir.Program("1", "toy", (ir.Module("hw/dev.c", (inner, dev)),))

    judgement = judge(outer(3), outer(4))
    answers = [found.answer for found in confirm(judgement, outer(3), outer(4), 5)]
    assert judgement.worst() == "incompatible"
    assert answers == ["confirmed", "confirmed"]


def test_a_nested_version_that_its_description_does_not_take() -> None:
    """The version of a temporary is the field's; where the description takes another one
    only, the codec refuses as any other bytes are refused."""

    def side(version: int) -> ir.Program:
        inner = ir.Description(
            "vmstate_inner", "inner", "Inner", version, version, (plain("a"),)
        )
        part = ir.Field(
            "part",
            (),
            ir.TmpElement("vmstate_inner", "Inner"),
            ir.Fixed(4),
            version_id=1,
        )
        dev = ir.Description("vmstate_dev", "dev", "Dev", 1, 1, (plain("b"), part))
        return ir.Program("1", "toy", (ir.Module("hw/dev.c", (inner, dev)),))

    judgement = judge(side(1), side(2))
    (section,) = judgement.sections
    assert section.forward.verdict == "incompatible"
    forward, *_ = confirm(judgement, side(1), side(2), 5)
    assert forward.answer == "confirmed"
    assert forward.failure is not None
    assert forward.failure.offset == 4
    assert "version 1 is below the minimum 2" in forward.failure.text


@pytest.mark.parametrize("count", [1, 2])
def test_elements_of_one_array_that_have_different_types_on_one_side(
    count: int,
) -> None:
    """Their class has an attribute for either type, and not the same ones on both sides."""

    def side(first: ir.IntType) -> ir.Program:
        def part(index: int, type: ir.IntType) -> ir.Field:
            return ir.Field(
                f"parts[{index}].each",
                (
                    ir.Step("parts", "Part", (2,), (index,)),
                    ir.Step("each", "uint64_t", (count,) if count > 1 else ()),
                ),
                ir.IntegerElement(type),
                ir.Fixed(8),
                ir.Fixed(count),
                array=count > 1,
            )

        fields = (part(0, first), part(1, "uint64"))
        dev = ir.Description("vmstate_dev", "dev", "Dev", 1, 1, fields)
        return ir.Program("1", "toy", (ir.Module("hw/dev.c", (dev,)),))

    old, new = side("uint64"), side("int64")
    answers = [found.answer for found in confirm(judge(old, new), old, new, 20)]
    assert answers == ["confirmed", "confirmed"]


def conditional(limit: int) -> ir.Program:
    """What post_load refuses from ``limit`` on; with 0 it refuses nothing."""
    refusal = ir.Refusal(ir.Binary(">=", ir.Load("a", "uint32"), ir.Const(limit)))
    hook = ir.Hook("post_load", "dev_post_load", refusals=(refusal,) if limit else ())
    dev = ir.Description(
        "vmstate_dev", "dev", "Dev", 1, 1, (plain("a"),), hooks=(hook,)
    )
    return ir.Program("1", "toy", (ir.Module("hw/dev.c", (dev,)),))


def test_a_condition_is_confirmed_by_sections_on_either_side_of_it() -> None:
    old, new = conditional(0), conditional(4)
    forward, *_ = confirm(judge(old, new), old, new, 30)
    assert (forward.verdict, forward.answer) == ("conditional", "confirmed")
    assert 0 < forward.survived < forward.tried
    assert forward.failure is not None
    assert forward.failure.text == "dev_post_load() rejects what was loaded"


def test_a_condition_that_is_met_always_or_never_stays_open() -> None:
    old, new = conditional(0), conditional(1 << 32)
    forward, *_ = confirm(judge(old, new), old, new, 10)
    assert (forward.verdict, forward.answer) == ("conditional", "open")
    assert forward.survived == forward.tried == 10
    assert "every section drawn meets" in forward.why


def test_a_property_of_a_type_that_has_another_name_now() -> None:
    """How many elements there are is the machine's, and the same on both sides."""

    def side(kind: str) -> ir.Program:
        count = ir.FromMember((ir.Step("lines", "uint16_t"),), "uint16")
        levels = ir.Field(
            "levels",
            (ir.Step("levels", "bool", (8,)),),
            ir.IntegerElement("bool"),
            ir.Fixed(1),
            count,
            array=True,
        )
        dev = ir.Description("vmstate_dev", "dev", kind, 1, 1, (levels,))
        return ir.Program("1", "toy", (ir.Module("hw/dev.c", (dev,)),))

    old, new = side("dev_state"), side("DevState")
    judgement = judge(old, new)
    assert judgement.worst() == "compatible"
    for found in confirm(judgement, old, new, 10):
        assert (found.answer, found.survived) == ("confirmed", 10)


def test_sections_that_their_own_side_does_not_load_contradict_nothing() -> None:
    """Elements of a list are saved with their own version and loaded with the field's:
    where the two differ, only an empty list comes back."""

    def side(version: int, *more: ir.Field) -> ir.Program:
        part = ir.Description(
            "vmstate_part", "part", "Part", version, 0, (*more, plain("a"))
        )
        parts = ir.Field(
            "parts",
            (ir.Step("parts", "Head"),),
            ir.ListElement("qtailq", "vmstate_part", "Part"),
            ir.Fixed(8),
        )
        dev = ir.Description("vmstate_dev", "dev", "Dev", 0, 0, (parts, plain("b")))
        return ir.Program("1", "toy", (ir.Module("hw/dev.c", (part, dev)),))

    old, new = side(0), side(1, plain("c", version_id=1))
    judgement = judge(old, new)
    _, backward = confirm(judgement, old, new, 12)
    assert (backward.verdict, backward.answer) == ("incompatible", "open")
    assert backward.why.startswith("the source's codec refuses it: dev parts")
