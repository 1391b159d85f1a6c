"""Every shape of a field in every place, against the reference interpreter.

What :mod:`tests.test_differential` draws at random stands here in full: each kind of
element, alone and in arrays of every extent, beside others so that nothing is aligned, in
every version and under every kind of condition, in the object itself, in nested ones, in
arrays of these and in subsections.
"""

from __future__ import annotations

import copy
import random
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests import reference
from tests.generated_code import imported
from tests.ir_programs import U8, U16, U32, U64, description, field
from tests.reference import Values
from tests.test_differential import Codec, compare, outcome, unformatted
from vmgen import ir

FILE = "hw/random.c"
BOOL = ir.IntegerElement("bool")
S16 = ir.IntegerElement("int16")
S32 = ir.IntegerElement("int32")

Fields = tuple[ir.Field, ...]


def sized(path: str, type_: ir.IntType = "uint8", multiply: int = 1) -> ir.FromMember:
    return ir.FromMember(
        tuple(ir.Step(one, "uint8_t") for one in path.split(".")), type_, multiply
    )


N = sized("num")
TWICE = sized("num", "uint8", 2)
FAR = sized("env.num", "uint16")
SIGNED = sized("num", "int32")
AWAY = ir.FromMember((ir.Step("outside", "uint32_t"),), "uint32")
SUM = ir.Computed(ir.Binary("+", ir.Load("num", "uint8"), ir.Const(1)))
EITHER = ir.Computed(ir.Select(ir.Load("outside", "uint32"), ir.Const(3), ir.Const(5)))

PLAIN = description("plain", field("a", U8), field("b", U16), type="Plain")
ONE = description("one", field("q", U32), type="One")
LATE = description(
    "late", field("a", U8), field("b", U16, version_id=2), type="Late", version_id=2,
    minimum_version_id=1,
)  # fmt: skip
INSIDE = description("deep/in", field("z", U8), type="Deep")
DEEP = description(
    "deep", field("a", U8), field("p", ir.StructElement("vmstate_plain", "Plain"), (2,)),
    subsections=("vmstate_deep_in",), type="Deep",
)  # fmt: skip
COUNTED = description(
    "counted", field("num", U8), field("v", U16, array=True, pointer=True, count=N),
    type="Counted",
)  # fmt: skip
TESTED = description(
    "tested", field("a", U8), field("b", U32, test="a_is_odd"), type="Tested"
)
KEY = description("key", field("k", U16), type="Key")
SHARED = (PLAIN, ONE, LATE, INSIDE, DEEP, COUNTED, TESTED, KEY)
INNER = {one.symbol.removeprefix("vmstate_"): one for one in SHARED}


def struct(name: str, **more: Any) -> ir.StructElement:
    return ir.StructElement(f"vmstate_{name}", INNER[name].type, **more)


def words(*types: ir.IntType, names: tuple[str, ...] = ()) -> ir.WordsElement:
    each = zip(types, names or [f"w{one}" for one in range(len(types))], strict=True)
    made = tuple(ir.Word(type_, name) for type_, name in each)
    info = "_".join(re.sub(r"\W", "", f"{one.type}{one.member}") for one in made)
    return ir.WordsElement(f"vmstate_info_{info}", info, made)


def counted(**more: Any) -> dict[str, Any]:
    return {"array": True, "pointer": True, "count": N} | more


def numbers() -> Iterator[tuple[str, Fields]]:
    for element in (U8, U16, U32, U64, S16, S32, BOOL):
        name = element.type
        yield f"{name}", (field("x", element),)
        yield f"{name} pointer", (field("x", element, pointer=True),)
        yield f"{name} array", (field("x", element, (5,)),)
        yield f"{name} long", (field("x", element, (70,)),)
        yield f"{name} from", (field("x", element, (5,), start=2),)
        yield f"{name} rows", (field("x", element, (3, 2)),)
        yield f"{name} rows from", (field("x", element, (3, 2), start=2),)
        yield f"{name} element", (field("x[2]", element), field("x[0]", element))
        yield f"{name} parts", (
            field("x", element, (6,), count=ir.Fixed(2), array=True),
            field("y", element),
            field("x", element, (6,), start=4),
        )
        yield f"{name} record", (
            field("env.x", element), field("env.y", element, (3,)), field("env.z", U8),
        )  # fmt: skip
        yield f"{name} scattered", tuple(
            field(f"parts[{at}].x", element) for at in (0, 2, 1)
        )
        yield f"{name} scattered arrays", tuple(
            field(f"parts[{at}].x", element, (2,)) for at in (2, 0)
        )
        yield f"{name} counted", (
            field("num", U8), field("x", element, **counted()),
        )  # fmt: skip
        yield f"{name} counted twice", (
            field("num", U8), field("x", element, **counted()),
            field("y", element, **counted()),
        )  # fmt: skip
        yield f"{name} counted from", (
            field("num", U8),
            field("x", element, (9,), start=2, count=N, array=True),
        )
    for label, amount, members in (
        ("twice", TWICE, (field("num", U8),)),
        ("far", FAR, (field("env.num", U16),)),
        ("signed", SIGNED, (field("num", S32),)),
        ("away", AWAY, ()),
        ("sum", SUM, (field("num", U8),)),
        ("either", EITHER, ()),
    ):
        yield f"counted {label}", (*members, field("x", U16, **counted(count=amount)))
        yield f"counted {label} room", (
            *members, field("x", U16, (300,), array=True, count=amount),
        )  # fmt: skip
        yield f"structs counted {label}", (
            *members, field("x", struct("deep"), **counted(count=amount)),
        )  # fmt: skip


def bytes_() -> Iterator[tuple[str, Fields]]:
    yield "buffer", (field("x", ir.BufferElement(), size=ir.Fixed(5)),)
    yield "buffer from", (
        replace(field("x", ir.BufferElement(), (9,)), array=False, count=ir.Fixed(1),
                size=ir.Fixed(6), start=3),
    )  # fmt: skip
    yield "buffers", (field("x", ir.BufferElement(), (3,), size=ir.Fixed(4)),)
    yield "buffer sized", (
        field("num", U8), field("x", ir.BufferElement(), size=N, pointer=True),
    )  # fmt: skip
    yield "buffer sized twice", (
        field("num", U8), field("x", ir.BufferElement(), size=TWICE, pointer=True),
    )  # fmt: skip
    yield "buffer sized away", (
        field("x", ir.BufferElement(), size=AWAY, pointer=True),
    )  # fmt: skip
    yield "bitmap", (field("x", ir.BitmapElement(), size=ir.Fixed(70), pointer=True),)
    yield "bitmap of one word", (
        field("x", ir.BitmapElement(), size=ir.Fixed(64), pointer=True),
    )
    yield "bitmap sized", (
        field("num", U8), field("x", ir.BitmapElement(), size=N, pointer=True),
    )  # fmt: skip
    for size in (1, 5):
        yield f"unused {size}", (field("", ir.UnusedElement(), size=ir.Fixed(size)),)
    yield "unused at the end of a run", (
        field("a", U8), field("", ir.UnusedElement(), size=ir.Fixed(3)), field("b", U32),
    )  # fmt: skip
    yield "timer", (field("x", ir.TimerElement(), pointer=True),)
    yield "timers", (field("x", ir.TimerElement(), (3,)),)
    double = ir.IntegerElement("uint64", info="vmstate_info_cpudouble")
    yield "double", (field("x", double),)
    yield "doubles", (field("x", double, (3,)),)
    yield "less or equal", (field("x", ir.IntegerElement("int32", "le")),)
    yield "equal", (field("x", ir.IntegerElement("uint16", "equal")),)
    for number, element in enumerate(
        (
            words("uint32", names=("",)), words("uint64", "uint64"),
            words("uint64", "uint64", names=("u64[0]", "u64[1]")),
            words("uint8", "uint32"), words("uint16", names=("d",)),
        )
    ):  # fmt: skip
        yield f"words {number}", (field("x", element),)
        yield f"words {number} array", (field("x", element, (3,)),)
        yield f"words {number} from", (field("x", element, (3,), start=1),)
    yield "words of nothing", (field("", words("uint32", names=("",)), name="whole"),)


def objects() -> Iterator[tuple[str, Fields]]:
    for name in INNER:
        if name in ("deep_in", "key"):
            continue
        element = struct(name)
        yield f"{name}", (field("x", element),)
        yield f"{name} pointer", (field("x", element, pointer=True),)
        yield f"{name} array", (field("x", element, (3,)),)
        yield f"{name} long", (field("x", element, (40,)),)
        yield f"{name} from", (field("x", element, (4,), start=1),)
        yield f"{name} rows", (field("x", element, (2, 3)),)
        yield f"{name} rows from", (field("x", element, (3, 2), start=2),)
        yield f"{name} item", (field("x[1]", element),)
        yield f"{name} items", (field("x[2]", element), field("x[0]", element))
        yield f"{name} record", (field("env.x", element), field("env.y", U8))
        yield f"{name} counted", (field("num", U8), field("x", element, **counted()))
        yield f"{name} counted room", (
            field("num", U8), field("x", element, (300,), array=True, count=N),
        )  # fmt: skip
        yield f"{name} counted from", (
            field("num", U8), field("x", element, (300,), start=2, array=True, count=N),
        )  # fmt: skip
        yield f"{name} pointers", (field("x", element, (3,), pointers="null"),)
        yield f"{name} pointers from", (
            field("x", element, (3,), pointers="null", start=1),
        )
        yield f"{name} pointers counted", (
            field("num", U8), field("x", element, array=True, count=N, pointers="null"),
        )  # fmt: skip
        for kind in ("qtailq", "qlist"):
            yield f"{name} {kind}", (
                field("x", ir.ListElement(kind, element.description, element.type),
                      version_id=INNER[name].version_id),
            )  # fmt: skip
        yield f"{name} tree", (
            field("x", ir.GTreeElement("", element.description, "", element.type),
                  version_id=INNER[name].version_id),
        )  # fmt: skip
        if INNER[name].version_id == 1:
            yield f"{name} keyed tree", (
                field("x", ir.GTreeElement("vmstate_key", element.description, "",
                                           element.type), version_id=1),
            )  # fmt: skip
        yield f"{name} temporary", (
            field("", ir.TmpElement(element.description, element.type), name="tmp",
                  version_id=INNER[name].version_id),
        )  # fmt: skip
        for version in range(1, INNER[name].version_id + 1):
            yield f"{name} vstruct {version}", (
                field("x", struct(name, vstruct=True), struct_version_id=version),
            )
            yield f"{name} vstruct {version} array", (
                field("x", struct(name, vstruct=True), (2,), struct_version_id=version),
            )
    yield "pointers to numbers", (field("x", U16, (3,), pointers="null"),)


SHAPES: Mapping[str, Fields] = dict([*numbers(), *bytes_(), *objects()])

Place = Callable[[str, Fields], tuple[ir.Description, ...]]


def root(number: str, *fields: ir.Field, **more: Any) -> ir.Description:
    before, after = field("first", U8), field("last", U16)
    return description(
        f"dev{number}", before, *fields, after, type=f"Dev{number}", **more
    )


def alone(number: str, fields: Fields) -> tuple[ir.Description, ...]:
    return (root(number, *fields),)


def since(number: str, fields: Fields) -> tuple[ir.Description, ...]:
    late = (replace(one, version_id=2) for one in fields if not _is_versioned(one))
    return (root(number, *late, version_id=3, minimum_version_id=1),)


def _is_versioned(one: ir.Field) -> bool:
    """Whether a field's version is that of what it holds."""
    return isinstance(one.element, ir.ListElement | ir.GTreeElement | ir.TmpElement)


def when(test: str) -> Place:
    def placed(number: str, fields: Fields) -> tuple[ir.Description, ...]:
        flagged = (replace(one, test=test) for one in fields)
        return (
            root(number, *flagged, field("again", U8, test=test), version_id=2,
                 minimum_version_id=1),
        )  # fmt: skip

    return placed


def nested(number: str, fields: Fields) -> tuple[ir.Description, ...]:
    inner = description(f"in{number}", field("lead", U8), *fields, type=f"In{number}")
    element = ir.StructElement(inner.symbol, inner.type)
    return (
        inner,
        root(number, field("part", element), field("parts", element, (2,)),
             field("some", element, (2,), test="first_is_odd")),
    )  # fmt: skip


def below(number: str, fields: Fields) -> tuple[ir.Description, ...]:
    sub = description(
        f"dev{number}/sub", field("lead", U8), *fields, type=f"Dev{number}"
    )
    return sub, root(number, subsections=(sub.symbol,))


PLACES: Mapping[str, Place] = {
    "alone": alone, "since": since, "odd": when("first_is_odd"), "old": when("is_old"),
    "told": when("outside_says"), "nested": nested, "below": below,
}  # fmt: skip

FUNCTIONS = (
    ir.Function("first_is_odd", body=ir.Binary("&", ir.Load("first", "uint8"), ir.Const(1))),
    ir.Function("a_is_odd", body=ir.Binary("&", ir.Load("a", "uint8"), ir.Const(1))),
    ir.Function("is_old", body=ir.Binary("<", ir.Version(), ir.Const(2))),
    ir.Function("outside_says", untranslated="calls the host"),
)  # fmt: skip


class Chance(reference.Wire):
    """Answers every read by chance; members called ``num`` stay small."""

    def __init__(self, seed: str) -> None:
        super().__init__(b"", 0)
        self.chance = random.Random(seed)
        self.left: dict[str, int] = {}
        self.subsections: dict[str, int] = {}

    def take(self, count: int, path: str) -> bytes:
        return self.chance.randbytes(count)

    def integer(self, type_: ir.IntType, path: str) -> int:
        if path.endswith("num"):
            return self.chance.randint(0, 4)
        return reference.to_type(self.chance.randrange(1 << 64), type_)

    def more(self, path: str) -> bool:
        left = self.left.setdefault(path, self.chance.randint(0, 2))
        self.left[path] -= 1
        return left > 0

    def tree_size(self, path: str) -> int:
        self.left[path] = self.chance.randint(0, 2)
        return self.left[path]

    def is_null(self, path: str, known: int | None, needs: str) -> bool:
        return known == 0

    def subsection(
        self, owner: str, known: Mapping[str, str], path: str
    ) -> tuple[str, int] | None:
        if path in self.subsections or self.chance.random() < 0.3 or not known:
            return None
        self.subsections[path] = 1
        return next(iter(known.values())), 1


@dataclass(frozen=True)
class Case:
    """A shape in a place, its generated code, values and their bytes."""

    name: str
    codec: Codec
    values: Values
    wire: bytes
    version: int

    @property
    def is_comparable(self) -> bool:
        """Whether the list holds nothing but what is on the wire."""
        return "counted from" not in self.name

    def state(self) -> Any:
        return self.codec.load(self.wire, 0, self.version)[0]


def answers(told: int) -> reference.Answers:
    members = {"outside": 2 + told, **{f"x[{at}]": at != 1 for at in range(8)}}
    return reference.Answers(members, {"outside_says": told})


@pytest.fixture(scope="module", params=PLACES)
def cases(request: pytest.FixtureRequest) -> Iterator[list[Case]]:
    """Every shape in a place, some values in each version; of the numbers there are fewer
    than where all were alone."""
    place = request.param
    descriptions = list(SHARED)
    roots: dict[str, ir.Description] = {}
    for number, (name, fields) in enumerate(SHAPES.items()):
        if place != "alone" and name.startswith(("uint32", "uint64", "int16", "int32")):
            continue
        made = PLACES[place](f"{number:03}", fields)
        descriptions += made
        roots[name] = made[-1]
    module = ir.Module(FILE, tuple(descriptions), FUNCTIONS)
    program = ir.Program("10.0.2", "random", (module,))
    with imported(unformatted(program)) as modules:
        code = next(one for name, one in modules.items() if name.endswith("hw.random"))
        runtime = next(
            one for name, one in modules.items() if name.endswith("_runtime")
        )
        found: list[Case] = []
        for name, one in roots.items():
            short = one.symbol.removeprefix("vmstate_")
            load, save = getattr(code, f"load_{short}"), getattr(code, f"save_{short}")
            for version in range(one.minimum_version_id, one.version_id + 1):
                made_here = [
                    Case(name, Codec(program, one.symbol, known, runtime, load, save),
                         values, wire, version)
                    for known, values, wire in drawn(program, one, name, version)
                ]  # fmt: skip
                assert made_here, f"{name}: nothing was drawn in version {version}"
                found += made_here
        yield found


def drawn(
    program: ir.Program, one: ir.Description, name: str, version: int
) -> Iterator[tuple[reference.Answers, Values, bytes]]:
    """Up to four different sets of values and their bytes."""
    seen = set()
    for number in range(16):
        known = answers(number % 2)
        chance = Chance(f"{name} {version} {number}")
        loader = reference.Loader(program, chance, known)
        try:
            loader.description(one, "", version)
            wire = reference.save(program, one.symbol, loader.values, version, known)
            again, _ = reference.load(program, one.symbol, wire, 0, version, known)
        except reference.Refused:
            continue
        # Not where a value means something to the format: a byte that is a marker.
        if again == loader.values and wire not in seen:
            seen.add(wire)
            yield known, again, wire
            if len(seen) == 4:
                return


def test_every_shape_is_loaded_and_saved_as_the_reference_does(
    cases: list[Case],
) -> None:
    assert len({one.name for one in cases}) > 150
    for one in cases:
        values = one.values
        if not one.is_comparable:
            values = {key: held for key, held in values.items() if key[-3:] != "x[]"}
        state, end = one.codec.load(one.wire, 0, one.version)
        compare(values, state)
        assert end == len(one.wire)
        assert one.codec.saver(state, one.version) == one.wire, one.name
        assert copy.deepcopy(state) == state


def test_every_shape_is_cut_where_the_reference_says(cases: list[Case]) -> None:
    for number, one in enumerate(cases):
        if number % 3 or not one.is_comparable:
            continue
        for length in sorted({*range(1, min(len(one.wire), 9)), len(one.wire) - 1}):
            data = one.wire[:length]
            try:
                one.codec.reference(data, 0, one.version)
            except reference.Refused as refused:
                if refused.kind == "truncated":
                    with pytest.raises(one.codec.runtime.Truncated) as error:
                        one.codec.load(data, 0, one.version)
                    assert 0 <= error.value.offset <= length
                    continue
            outcome(one.codec, data, 0, one.version)


def test_every_shape_takes_damage_as_the_reference_does(cases: list[Case]) -> None:
    chance = random.Random("damage")
    for one in cases:
        damaged = bytearray(one.wire)
        at = chance.randrange(len(damaged))
        damaged[at] = chance.choice((0, 1, 5, 0x30, 0x7F, 0x80, 0xFF))
        if one.is_comparable:
            outcome(one.codec, bytes(damaged), 0, one.version)


def changes(state: Any) -> Iterator[tuple[Any, str, Any]]:
    """Each member of a state and of those in it, with a value that it may not take."""
    for name in state.__match_args__:
        value = getattr(state, name)
        others: list[Any] = [None]
        if isinstance(value, bool):
            others += [2, -1]
        elif isinstance(value, int):
            others += [-1, 1 << 16, 1 << 64, "x"]
        elif isinstance(value, list | array | bytearray):
            whole: Any = value
            others += [whole[:-1], whole + whole[:1], whole[:0], whole + whole]
            if value and isinstance(value, array):
                others += [[*value[:-1], -(1 << 63)], [*value[:-1], 1 << 64]]
            for number, each in enumerate(value[:2]):
                if isinstance(value, list):
                    others.append([*value[:number], None, *value[number + 1 :]])
                if hasattr(each, "__match_args__"):
                    yield from changes(each)
                if isinstance(each, list | array | bytearray):
                    short = [*value[:number], each[:-1], *value[number + 1 :]]
                    others.append(short)
        elif hasattr(value, "__match_args__"):
            yield from changes(value)
            others.append(3)
        for other in others:
            yield state, name, other


def test_what_is_saved_is_what_is_loaded_again_or_is_refused(cases: list[Case]) -> None:
    """A member may hold anything; the bytes never hold something else."""
    done = set()
    refused = taken = 0
    paths: list[str] = []
    for one in cases:
        codec, version = one.codec, one.version
        if (codec.root, version) in done or len(one.wire) > 120:
            continue
        done.add((codec.root, version))
        state = one.state()
        for owner, name, value in changes(state):
            before = getattr(owner, name)
            setattr(owner, name, value)
            try:
                data = codec.saver(state, version)
            except codec.runtime.VMStateError as error:
                refused += 1
                paths.append(error.path)
            else:
                taken += 1
                try:
                    again, end = codec.load(data, 0, version)
                except codec.runtime.VMStateError:
                    end = -1
                if end == len(data):
                    assert codec.saver(again, version) == data, (codec.root, name)
            finally:
                setattr(owner, name, before)
        assert codec.saver(state, version) == one.wire
    assert refused > taken > 0
    assert all(path.startswith("dev") for path in paths)


def test_parts_of_an_array_may_have_conditions_of_their_own() -> None:
    """One does not undo what another has loaded."""
    parts = (
        field("x", U16, (6,), count=ir.Fixed(2), array=True, test="first_is_odd"),
        field("y", U8),
        field("x", U16, (6,), start=4, test="first_is_odd"),
    )
    table = root("", *parts)
    program = ir.Program("", "random", (ir.Module(FILE, (table,), FUNCTIONS),))
    with imported(unformatted(program)) as modules:
        code = next(one for name, one in modules.items() if name.endswith("hw.random"))
        wire = bytes(range(1, 13))
        state, end = code.load_dev(wire)
        assert (list(state.x), end) == ([0x203, 0x405, 0, 0, 0x708, 0x90A], 12)
        assert code.save_dev(state) == wire
        assert code.load_dev(b"\2\6\1\2")[0].x is None
