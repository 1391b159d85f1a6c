"""Where a predicate finds the C members that it reads: what the reference has in memory.

A field ``tested`` is there if a member is 7.  Of the bytes in front of it one after the
other is 7; which of them are the member follows from the table.  What the state does not
have is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.ir_programs import U8, U16, description, field
from tests.reference import Answers
from tests.schemas import Schema
from tests.test_differential import Codec, follow, generated
from vmgen import ir

TAIL = b"\x44"


def is_seven(path: str, type_: ir.IntType = "uint8", *at: ir.Expr) -> ir.Expr:
    return ir.Binary("==", ir.Load(path, type_, at), ir.Const(7))


def any_is_seven(path: str, stop: int) -> ir.Expr:
    """Whether an element of an array is 7, of those from 0 on."""
    return ir.Exists(
        "i", ir.Const(0), ir.Const(stop), 1, is_seven(path, "uint8", ir.Var("i"))
    )


def schema(
    *descriptions: ir.Description, functions: tuple[ir.Function, ...] = ()
) -> Schema:
    """A program whose root is the last of its descriptions."""
    module = ir.Module("hw/random.c", descriptions, functions)
    return Schema(ir.Program("10.0.2", "random", (module,)), descriptions[-1].symbol)


def bytes_with_a_seven(count: int) -> Iterator[tuple[int, bytes]]:
    for position in range(count):
        yield position, bytes(7 * (at == position) for at in range(count))


def present(codec: Codec, data: bytes, version: int, told: int, *paths: str) -> Any:
    """The value of ``tested``, the same as the reference has, if the context says that
    the members at these paths are ``told``."""
    asked = replace(codec, answers=Answers(dict.fromkeys(paths, told), {}))
    values, end = asked.reference(data, 0, version)
    state, found_end = asked.load(data, 0, version)
    assert found_end == end
    (key,) = (key for key in values if key.endswith("tested"))
    found = follow(state, re.findall(r"\[\d+\]|\{[^}]*\}|<[^>]*>|\w+", key))
    assert found == values[key]
    return found


CORE = description("core", field("a", U8), field("b", U8), type="CoreState")
LATE = description(
    "late",
    field("a", U8, version_id=2),
    field("b", U8),
    type="LateState",
    version_id=2,
    minimum_version_id=1,
)


def struct(name: str) -> ir.StructElement:
    return ir.StructElement(f"vmstate_{name}", f"{name.capitalize()}State")


@dataclass(frozen=True)
class Case:
    """``fields``, ``count`` bytes long in this version, before ``tested``; ``read`` is
    what its predicate reads, and ``found`` which of the bytes these are.  ``asked`` are the
    members that the state does not have, or may not have."""

    fields: tuple[ir.Field, ...]
    read: str
    count: int
    found: set[int]
    asked: tuple[str, ...] = ()
    version: int = 2
    type: ir.IntType = "uint8"
    loop: int = 0
    after: tuple[ir.Field, ...] = ()


A, B = field("a", U8), field("b", U8)

CASES = {
    "member": Case((A, B), "b", 2, {1}),
    "member of a record": Case((A, field("env.b", U8), B), "env.b", 3, {1}),
    "another member of a record": Case((A, field("env.b", U8)), "env.c", 2, set(), ("env.c",)),
    "a record itself": Case((A, field("env.b.c", U8)), "env.b", 2, set(), ("env.b",)),
    "below a member": Case((A, B), "b.c", 2, set(), ("b.c",)),
    "comes later": Case((A,), "b", 1, set(), ("b",), after=(B,)),
    "later part of an array": Case(
        (field("d[0]", U8),), "d[1]", 1, set(), ("d[1]",), after=(field("d[1]", U8),)
    ),
    "records in an array": Case(
        (field("cpus[0].a", U8), field("cpus[0].b", U8), field("cpus[1].a", U8), field("cpus[1].b", U8)),
        "cpus[1].a", 4, {2},
    ),
    "no such record in an array": Case(
        (field("cpus[0].a", U8), field("cpus[2].a", U8)), "cpus[1].a", 2, set(), ("cpus[1].a",)
    ),
    "member of another record of the array": Case(
        (field("cpus[0].a", U8), field("cpus[1].b", U8)), "cpus[1].a", 2, set(), ("cpus[1].a",)
    ),
    "first element": Case((A, field("d", U8, (3,))), "d[0]", 4, {1}),
    "last element": Case((A, field("d", U8, (3,))), "d[2]", 4, {3}),
    "element without number": Case((A, field("d", U8, (3,))), "d", 4, set(), ("d",)),
    "number of no array": Case((A, B), "b[0]", 2, set(), ("b[0]",)),
    "before the first of a part": Case((field("d", U8, (5,), start=2), A), "d[1]", 4, set(), ("d[1]",)),
    "first of a part": Case((field("d", U8, (5,), start=2), A), "d[2]", 4, {0}),
    "last of a part": Case((field("d", U8, (5,), start=2), A), "d[4]", 4, {2}),
    "behind a part": Case(
        (field("d", U8, (5,), start=2, count=ir.Fixed(2), array=True), A), "d[4]", 3, set(), ("d[4]",)
    ),
    "loop": Case((A, field("d", U8, (3,)), B), "d[$0]", 5, {1, 2, 3}, loop=3),
    "loop over more than the array": Case(
        (A, field("d", U8, (3,)), B), "d[$0]", 5, {1, 2, 3}, ("d[3]", "d[4]"), loop=5
    ),
    "loop over less than the array": Case((A, field("d", U8, (3,)), B), "d[$0]", 5, {1, 2}, loop=2),
    "loop over a part": Case(
        (field("d", U8, (5,), start=2, count=ir.Fixed(2), array=True), A),
        "d[$0]", 3, {0, 1}, ("d[0]", "d[1]", "d[4]"), loop=5,
    ),
    "one by one": Case((field("d[0]", U8), field("d[2]", U8), field("d[1]", U8)), "d[2]", 3, {1}),
    "loop one by one": Case(
        (field("d[0]", U8), field("d[2]", U8), field("d[1]", U8), A), "d[$0]", 4, {0, 1, 2}, loop=3
    ),
    "one by one, with a hole": Case((field("d[0]", U8), field("d[2]", U8)), "d[1]", 2, set(), ("d[1]",)),
    "behind a hole": Case((field("d[0]", U8), field("d[2]", U8)), "d[2]", 2, {1}),
    "part since a version": Case(
        (field("d", U8, (2,)), field("d", U8, (4,), start=2, version_id=2)), "d[2]", 4, {2}, ("d[2]",)
    ),
    "end of a part since a version": Case(
        (field("d", U8, (2,)), field("d", U8, (4,), start=2, version_id=2)), "d[3]", 4, {3}, ("d[3]",)
    ),
    "part of a later version": Case(
        (field("d", U8, (2,)), field("d", U8, (4,), start=2, version_id=2)), "d[2]", 2, set(), ("d[2]",), version=1
    ),
    "element since a version": Case(
        (field("d[0]", U8), field("d[1]", U8, version_id=2)), "d[1]", 2, {1}, ("d[1]",)
    ),
    "element of a later version": Case(
        (field("d[0]", U8), field("d[1]", U8, version_id=2)), "d[1]", 1, set(), ("d[1]",), version=1
    ),
    "array since a version": Case((A, field("d", U8, (2,), version_id=2)), "d[1]", 3, {2}, ("d[1]",)),
    "array of a later version": Case(
        (A, field("d", U8, (2,), version_id=2)), "d[1]", 1, set(), ("d[1]",), version=1
    ),
    "member since a version": Case((A, field("b", U8, version_id=2)), "b", 2, {1}, ("b",)),
    "member of a later version": Case((A, field("b", U8, version_id=2)), "b", 1, set(), ("b",), version=1),
    "rows": Case((A, field("m", U8, (2, 3))), "m[1][2]", 7, {6}),
    "first row": Case((A, field("m", U8, (2, 3))), "m[0][1]", 7, {2}),
    "loop in a row": Case((A, field("m", U8, (2, 3))), "m[1][$0]", 7, {4, 5}, loop=2),
    "loop over rows": Case((A, field("m", U8, (2, 3))), "m[$0][1]", 7, {2, 5}, loop=2),
    "a row itself": Case((A, field("m", U8, (2, 3))), "m[1]", 7, set(), ("m[1]",)),
    "more numbers than rows have": Case(
        (A, field("m", U8, (2, 3))), "m[1][2][0]", 7, set(), ("m[1][2][0]",)
    ),
    "row by row": Case(
        (field("m[0]", U8, (2, 3), count=ir.Fixed(3), array=True), field("m[1]", U8, (2, 3), count=ir.Fixed(3), array=True)),
        "m[1][2]", 6, {5},
    ),
    "another row": Case((A, field("d", U8)), "m[0][2]", 2, set(), ("m[0][2]",)),
    "object": Case((A, field("core", struct("core"))), "core.b", 3, {2}),
    "object in an array": Case((A, field("cores", struct("core"), (2,))), "cores[1].a", 5, {3}),
    "no such object in an array": Case(
        (A, field("cores", struct("core"), (2,))), "cores[2].a", 5, set(), ("cores[2].a",)
    ),
    "an object itself": Case((A, field("core", struct("core"))), "core", 3, set(), ("core",)),
    "member that an object has since a version": Case(
        (A, field("late", struct("late"))), "late.a", 3, {1}, ("late.a",)
    ),
    "object since a version": Case(
        (A, field("core", struct("core"), version_id=2)), "core.b", 1, set(), ("core.b",), version=1
    ),
    "what a pointer points to": Case((A, field("p", U8, pointer=True)), "p", 2, {1}),
    "narrower": Case((A, field("w", U16)), "w", 3, {2}, type="uint8"),
    "sign": Case((A, B), "b", 2, {1}, type="int8"),
}  # fmt: skip


def body(case: Case) -> ir.Expr:
    if case.loop:
        return any_is_seven(case.read, case.loop)
    return is_seven(case.read, case.type)


@pytest.mark.parametrize("name", CASES)
def test_a_predicate_reads_what_the_reference_has_in_memory(name: str) -> None:
    case = CASES[name]
    dev = description(
        "dev",
        *case.fields,
        field("tested", U8, test="reads"),
        *case.after,
        version_id=2,
        minimum_version_id=1,
    )
    reads = ir.Function("reads", body=body(case), type="DevState")
    with generated(schema(CORE, LATE, dev, functions=(reads,))) as codec:
        for told in (0, 7):
            for position, data in bytes_with_a_seven(case.count):
                wire = data + TAIL + bytes(len(case.after))
                value = present(codec, wire, case.version, told, *case.asked)
                there = position in case.found
                if told and case.asked:
                    there |= case.loop > 0 or not case.found
                assert (value == 0x44) == there, (told, position)


def test_a_pointer_that_is_asked_for_itself_is_not_what_it_points_to() -> None:
    dev = description(
        "dev", field("p", U8, pointer=True), field("tested", U8, test="reads")
    )
    reads = ir.Function("reads", body=is_seven("p", "uint64"), type="DevState")
    with generated(schema(dev, functions=(reads,))) as codec:
        for told in (0, 7):
            asked = replace(codec, answers=Answers({"p": told}, {}))
            for data in (b"\0" + TAIL, b"\7" + TAIL):
                assert asked.load(data, 0, 1)[1] == 1 + (told == 7)


NUM = ir.FromMember((ir.Step("num", "uint8_t"),), "uint8")


@pytest.mark.parametrize(
    ("fields", "body", "asked"),
    [
        # Whether there is such an element depends on the stream.
        (
            (field("num", U8), field("d", U8, (4,), count=NUM, array=True)),
            is_seven("d[0]"),
            "d[0]",
        ),
        # An array of which the wire has no element 1.
        (
            (field("d[0]", U8), field("d[2]", U8)),
            any_is_seven("d[$0]", 3),
            "d[0]",
        ),
        (
            (field("cores", struct("core"), (2,), version_id=2), field("x", U8)),
            is_seven("cores[0].a"),
            "cores[0].a",
        ),
        ((field("a", ir.BitmapElement(), size=ir.Fixed(64)),), is_seven("a"), "a"),
    ],
    ids=["counted", "holes", "objects since a version", "bitmap"],
)
def test_what_the_state_may_not_have_is_asked_for(
    fields: tuple[ir.Field, ...], body: ir.Expr, asked: str
) -> None:
    dev = description(
        "dev",
        *fields,
        field("tested", U8, test="reads"),
        version_id=2,
        minimum_version_id=1,
    )
    reads = ir.Function("reads", body=body, type="DevState")
    with generated(schema(CORE, dev, functions=(reads,))) as codec:
        data = bytes([1]) * 16
        with pytest.raises(
            codec.runtime.MissingContext, match=re.escape(f"DevState.{asked}")
        ):
            codec.load(data, 0, 2)


@pytest.mark.parametrize("version", [1, 2])
def test_a_count_under_the_condition_of_its_array_is_there_where_that_is(
    version: int,
) -> None:
    dev = description(
        "dev",
        field("x", U8),
        field("num", U8, version_id=2),
        field("d", U8, (4,), count=NUM, array=True, version_id=2),
        version_id=2,
        minimum_version_id=1,
    )
    with generated(schema(dev)) as codec:
        told = replace(codec, answers=Answers({"num": 3}, {}))
        for count in (0, 1, 4):
            data = bytes([9, count, 1, 2, 3, 4])
            values, end = told.reference(data, 0, version)
            state, found_end = told.load(data, 0, version)
            assert found_end == end == (1 if version == 1 else 2 + count)
            assert state.num == values["num"]
            # The state alone says it: nobody is asked.
            assert codec.load(data, 0, version)[1] == end


def test_a_count_under_another_condition_is_asked_for_where_it_is_absent() -> None:
    dev = description(
        "dev",
        field("num", U8, version_id=2),
        field("d", U8, (4,), count=NUM, array=True),
        version_id=2,
        minimum_version_id=1,
    )
    with generated(schema(dev)) as codec:
        assert codec.load(b"\2\1\2", 0, 2)[1] == 3
        with pytest.raises(codec.runtime.MissingContext, match=r"DevState\.num"):
            codec.load(b"\2\1\2", 0, 1)
        told = replace(codec, answers=Answers({"num": 3}, {}))
        assert told.load(b"\2\1\2", 0, 1)[1] == 3


# --- objects around the one that asks -------------------------------------------------

TESTED = field("tested", U8, test="reads")


def test_a_temporary_reads_the_object_that_has_it() -> None:
    """``VMSTATE_WITH_TMP``: the temporary's ``parent`` points to it."""
    tmp = description("tmp", A, TESTED, type="Tmp")
    held = field("", ir.TmpElement("vmstate_tmp", "Tmp"), name="tmp", version_id=1)
    dev = description("dev", A, B, held)
    reads = ir.Function("reads", body=is_seven("parent.b"), type="Tmp")
    with generated(schema(tmp, dev, functions=(reads,))) as codec:
        for position, data in bytes_with_a_seven(3):
            value = present(codec, data + TAIL, 1, 0)
            assert (value == 0x44) == (position == 1)
    # Of two objects that have such a temporary it is either.
    other = description("other", A, held)
    with (
        generated(schema(tmp, other, dev, functions=(reads,))) as codec,
        pytest.raises(codec.runtime.MissingContext, match=r"Tmp\.parent\.b"),
    ):
        codec.load(bytes([1, 7, 1]) + TAIL, 0, 1)


def test_of_a_temporary_only_the_parent_is_the_object_that_has_it() -> None:
    tmp = description("tmp", A, TESTED, type="Tmp")
    held = field("", ir.TmpElement("vmstate_tmp", "Tmp"), name="tmp", version_id=1)
    dev = description("dev", A, B, field("other.b", U8), held)
    reads = ir.Function("reads", body=is_seven("other.b"), type="Tmp")
    with (
        generated(schema(tmp, dev, functions=(reads,))) as codec,
        pytest.raises(codec.runtime.MissingContext, match=r"Tmp\.other\.b"),
    ):
        codec.load(bytes([1, 7, 7, 1]) + TAIL, 0, 1)


def test_a_parent_that_is_part_of_the_object_is_no_temporary_s() -> None:
    dev = description("dev", A, field("parent.b", U8), TESTED)
    reads = ir.Function("reads", body=is_seven("parent.b"), type="DevState")
    with generated(schema(dev, functions=(reads,))) as codec:
        for position, data in bytes_with_a_seven(2):
            assert (present(codec, data + TAIL, 1, 0) == 0x44) == (position == 1)


def below(name: str, *data: int) -> bytes:
    """A subsection on the wire."""
    return b"\5" + bytes([len(name)]) + name.encode() + bytes([0, 0, 0, 1, *data])


def has(name: str, *fields: ir.Field, subs: tuple[str, ...] = ()) -> ir.Description:
    return description(name, *fields, subsections=subs)


@pytest.mark.parametrize("read", ["a", "b", "env.c", "env.d", "e"])
def test_a_subsection_reads_what_is_around_it(read: str) -> None:
    """Its own object, the subsections before it, and those of these."""
    deep = has("n/near/x", field("env.d", U8))
    before = has("n/near", field("env.c", U8), subs=("vmstate_n_near_x",))
    asks = has("n/asks", field("e", U8), TESTED)
    dev = has("n", A, B, subs=("vmstate_n_near", "vmstate_n_asks"))
    places = ["a", "b", "env.c", "env.d", "e"]
    reads = ir.Function("reads", body=is_seven(read), type="DevState")
    with generated(schema(deep, before, asks, dev, functions=(reads,))) as codec:
        for position in range(5):
            a, b, c, d, e = (7 * (at == position) for at in range(5))
            tail = below("n/asks", e, *TAIL)
            everything = (
                bytes([a, b]) + below("n/near", c) + below("n/near/x", d) + tail
            )
            there = position == places.index(read)
            assert (present(codec, everything, 1, 0) == 0x44) == there
            for told in (0, 7):
                # Without what has it, whoever answers is asked.
                less = bytes([a, b]) + below("n/near", c) + tail
                value = present(codec, less, 1, told, "env.d")
                assert (value == 0x44) == (
                    bool(told) if read == "env.d" else position == places.index(read)
                )
                least = bytes([a, b]) + tail
                value = present(codec, least, 1, told, "env.d", "env.c")
                assert (value == 0x44) == (
                    bool(told) if "env" in read else position == places.index(read)
                )


def test_a_subsection_of_two_objects_asks() -> None:
    sub = has("n/asks", TESTED)
    reads = ir.Function("reads", body=is_seven("a"), type="DevState")
    alone = has("n", A, subs=("vmstate_n_asks",))
    with generated(schema(sub, alone, functions=(reads,))) as codec:
        assert codec.load(b"\7" + below("n/asks", *TAIL), 0, 1)[1] == 14
    again = replace(alone, symbol="vmstate_again")
    with (
        generated(schema(sub, again, alone, functions=(reads,))) as codec,
        pytest.raises(codec.runtime.MissingContext, match=r"DevState\.a"),
    ):
        codec.load(b"\7" + below("n/asks", *TAIL), 0, 1)


@pytest.mark.parametrize("depth", range(1, 11))
def test_subsections_are_looked_through_eight_levels_up(depth: int) -> None:
    names = ["n" + "/x" * level for level in range(depth + 1)]
    chain = [
        has(name, *((A,) if level == 0 else (TESTED,) if level == depth else ()),
            subs=(f"vmstate_{names[level + 1].replace('/', '_')}",) if level < depth else ())
        for level, name in enumerate(names)
    ]  # fmt: skip
    reads = ir.Function("reads", body=is_seven("a"), type="DevState")
    with generated(schema(*reversed(chain), functions=(reads,))) as codec:
        for value in (1, 7):
            data = bytes([value])
            for level, name in enumerate(names[1:], 1):
                data += below(name, *(TAIL if level == depth else b""))
            if depth <= 8:
                assert (present(codec, data, 1, 0) == 0x44) == (value == 7)
                continue
            with pytest.raises(codec.runtime.MissingContext, match=r"DevState\.a"):
                codec.load(data, 0, 1)


@pytest.mark.parametrize("depth", range(1, 11))
def test_subsections_are_looked_through_eight_levels_down(depth: int) -> None:
    """What the last of a chain of subsections has, a sibling of the first reads."""
    names = ["n" + "/x" * level for level in range(depth + 1)]
    symbols = [f"vmstate_{name.replace('/', '_')}" for name in names]
    chain = [
        has(name, *((A,) if level == depth else ()),
            subs=(*symbols[level + 1 : level + 2], *(("vmstate_n_z",) if not level else ())))
        for level, name in enumerate(names)
    ]  # fmt: skip
    asks = has("n/z", TESTED)
    reads = ir.Function("reads", body=is_seven("a"), type="DevState")
    with generated(schema(asks, *reversed(chain), functions=(reads,))) as codec:
        for value in (1, 7):
            data = b"".join(
                below(name, *([value] if level == depth else []))
                for level, name in enumerate(names[1:], 1)
            ) + below("n/z", *TAIL)  # fmt: skip
            if depth <= 8:
                assert (present(codec, data, 1, 0) == 0x44) == (value == 7)
                continue
            with pytest.raises(codec.runtime.MissingContext, match=r"DevState\.a"):
                codec.load(data, 0, 1)
