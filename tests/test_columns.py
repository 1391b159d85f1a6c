"""Columns of many states: equal to what the codecs make of each, one by one."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.ir_programs import U8, U16, U32, U64, compiled, description, field, program
from tests.stream_files import ALL, captured, codecs_of, packages
from vmgen import ir
from vmgen.columns import Columns, columns
from vmgen.ir import json as ir_json
from vmgen.stream import Stream
from vmgen.stream.errors import NoCodecs

UNUSED = {"riscv64": 4, "riscv32": 4, "x86_64": 0, "i386": 0}
"""Bytes of a state of ``cpu`` that are nobody's."""


def at_path(state: Any, path: str) -> Any:
    """What a state has at a column's path; None where a subsection is absent."""
    if not path or state is None:
        return state
    step, _, rest = path.partition(".")
    match = re.fullmatch(r"(\w+)((?:\[[^\]]*\])*)", step)
    assert match
    return _indexed(
        getattr(state, match[1]), re.findall(r"\[([^\]]*)\]", match[2]), rest
    )


def _indexed(value: Any, indices: list[str], rest: str) -> Any:
    if not indices or value is None:
        return at_path(value, rest)
    first, *others = indices
    if first.isdigit():
        return _indexed(value[int(first)], others, rest)
    start, _, stop = first.partition(":")
    part = value[int(start) : int(stop)] if stop else value
    return [_indexed(one, others, rest) for one in part]


def assert_equal(found: Columns, states: list[Any]) -> None:
    for path in found:
        values, present = found[path], found.present(path)
        for number, state in enumerate(states):
            if number in found.failed:
                continue
            want = at_path(state, path)
            assert bool(present[number]) == (want is not None), path
            if want is not None:
                want = list(want) if isinstance(want, (bytes, bytearray)) else want
                assert np.array_equal(np.asarray(want, values.dtype), values[number]), (
                    path,
                    number,
                )


def sections(codec: Any, generator: random.Random) -> Iterator[bytes]:
    """Bodies with some of the subsections, each with random bytes, as far as the codec
    takes them."""
    cls = codec.state
    plain = cls().save()
    subs = [one for one in cls.fields() if one.type == "subsection"]
    for _ in range(1000):
        body = bytearray(generator.randbytes(len(plain)))
        for one in subs:
            if generator.random() < 0.6:
                continue
            inner = one.state.__vmstate_section__
            try:
                size = len(one.state().save())
            except codec.error:
                continue
            wire = one.path.encode()
            body += b"\5" + bytes([len(wire)]) + wire
            body += inner.current.to_bytes(4, "big") + generator.randbytes(size)
        try:
            _, end = codec.load(bytes(body))
        except codec.error:
            continue
        if end == len(body):
            yield bytes(body)


@pytest.mark.parametrize("target", UNUSED)
def test_columns_are_what_the_codecs_load(target: str) -> None:
    codec = packages()[target].get("cpu")
    assert codec is not None
    generator = random.Random(target)
    bodies = [
        body for _, body in zip(range(40), sections(codec, generator), strict=False)
    ]
    found = columns(codec, bodies)
    assert (found.failed, found.stopped) == ({}, {})
    assert found.ends.tolist() == list(map(len, bodies))
    states = [codec.load(body)[0] for body in bodies]
    assert_equal(found, states)
    assert covered(found, states) <= UNUSED[target]


@pytest.mark.parametrize("name", ALL)
def test_columns_of_captured_sections(name: str) -> None:
    codecs = codecs_of(name)
    if codecs is None:
        pytest.skip("no codecs of this target and release")
    with Stream(captured(name), codecs) as stream:
        for section in stream.sections:
            if section.codec is None:
                continue
            state, body = stream.state(section), stream.body(section)
            found = columns(section.codec, [body] * 3, version_id=section.version_id)
            assert found.failed == {}
            if not found.stopped:
                assert found.ends.tolist() == [len(body)] * 3
            assert_equal(found, [state] * 3)


def covered(found: Columns, states: list[Any]) -> int:
    """Most bytes of a state that no column has, headers of subsections apart."""
    most = 0
    for number, state in enumerate(states):
        size = int(found.ends[number]) - headers(state)
        for path in found:
            if found.present(path)[number]:
                column = found[path]
                size -= column.dtype.itemsize * int(np.prod(column.shape[1:]))
        most = max(most, abs(size))
    return most


def headers(state: Any) -> int:
    total = 0
    for one in type(state).fields():
        if one.type == "subsection" and (inner := getattr(state, one.name)) is not None:
            total += 6 + len(one.path) + headers(inner)
    return total


def test_states_that_are_alike_are_views() -> None:
    codec = packages()["riscv64"].get("cpu")
    assert codec is not None
    body = codec.state().save()
    rows = np.frombuffer(body * 8, np.uint8).reshape(8, len(body)).copy()
    found = columns(codec, rows)
    before = found["env.gpr"][3, 5]
    rows[3, 5 * 8 + 7] = 77
    assert (int(before), int(found["env.gpr"][3, 5])) == (0, 77)
    assert found["env.gpr"].base is not None
    assert found.native("env.gpr").dtype.isnative


def test_what_is_wrong_with_one_state_is_said_of_that_one() -> None:
    codec = packages()["riscv64"].get("cpu")
    assert codec is not None
    body = codec.state().save()
    unknown = body + b"\5\7cpu/abc\0\0\0\1"
    old = body + b"\5\7cpu/pmp\0\0\0\0" + bytes(144)
    cut = body + b"\5\7cpu/pmp\0\0"
    found = columns(
        codec, [body, body[:-1], unknown, old, cut, body + b"\5\3xyz", body]
    )
    assert sorted(found.failed) == [1, 2, 3, 4]
    assert "unknown subsection 'cpu/abc'" in found.failed[2]
    assert found.ends.tolist() == [len(body), -1, -1, -1, -1, len(body), len(body)]
    for number in found.failed:
        with pytest.raises(codec.error):
            codec.load([body, body[:-1], unknown, old, cut][number])
    assert len(columns(codec, [])) == 0
    assert columns(codec, [body], version_id=9).failed != {}


def test_no_state_breaks_the_others() -> None:
    """Random damage: each state is what its codec makes of it, or both refuse it."""
    codec = packages()["riscv64"].get("cpu")
    assert codec is not None
    generator = random.Random(7)
    bodies = []
    for _, body in zip(range(150), sections(codec, generator), strict=False):
        damaged = bytearray(body)
        for _ in range(generator.randrange(3)):
            damaged[generator.randrange(2400, len(damaged))] = generator.choice(
                b"\0\5\4c/"
            )
        bodies.append(bytes(damaged[: generator.choice((None, None, -3))]))
    found = columns(codec, bodies)
    states: list[Any] = []
    for number, body in enumerate(bodies):
        try:
            state, end = codec.load(body)
        except codec.error:
            assert number in found.failed
            states.append(None)
            continue
        assert number not in found.failed
        assert found.ends[number] == end
        states.append(state)
    assert 20 < len(found.failed) < 130
    assert_equal(found, states)


# --- tests, versions, counts ----------------------------------------------------------


def _written(folder: Path, *descriptions: ir.Description, **more: Any) -> Path:
    made = ir_json.dumps(program(*descriptions, **more))
    (folder / "ir.json").write_text(made, encoding="utf-8")
    (folder / "meta.json").write_text(json.dumps({}), encoding="utf-8")
    return folder


def test_a_test_and_a_count_make_groups(tmp_path: Path) -> None:
    high = ir.Function(
        "is_high", type="DevState",
        body=ir.Binary(">", ir.Load("n", "uint8"), ir.Const(2)),
    )  # fmt: skip
    count = ir.FromMember(field("n", U8).path, "uint8")
    dev = description(
        "dev",
        field("n", U8),
        field("more", U16, test="is_high"),
        field("list", U32, (8,), count=count, array=True),
        field("last", U64),
        field("newer", U8, version_id=2),
        version_id=2,
        minimum_version_id=1,
    )
    folder = _written(tmp_path, dev, functions=(high,))
    with compiled(dev, functions=(high,)) as (module, _):
        codec = module.CODECS["dev"]
        for version in (1, 2):
            states = [
                codec.state(
                    n=n, more=n * 7 if n > 2 else None, list=[*range(n)], last=n << 40,
                    newer=5 if version == 2 else None,
                )
                for n in (0, 3, 2, 3, 8)
            ]  # fmt: skip
            bodies = [codec.save(one, version) for one in states]
            found = columns(codec, bodies, version_id=version, folder=folder)
            assert found["n"].tolist() == [0, 3, 2, 3, 8]
            assert found["more"].tolist() == [0, 21, 0, 21, 56]
            assert found.present("more").tolist() == [False, True, False, True, True]
            assert found["last"].tolist() == [n << 40 for n in (0, 3, 2, 3, 8)]
            assert ("newer" in found) == (version == 2)
            assert list(found.skipped) == ["list"]
            assert found.ends.tolist() == list(map(len, bodies))


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    hook = ir.Function("hook", type="DevState", untranslated="it asks the host")
    dev = description(
        "dev", field("a", U8), field("b", U8, test="hook"), field("c", U8)
    )
    folder = _written(tmp_path, dev, functions=(hook,))
    with compiled(dev, functions=(hook,)) as (module, _):
        codec = module.CODECS["dev"]
        found = columns(codec, [b"\1\2\3"], folder=folder)
        assert found["a"].tolist() == [1]
        assert found.stopped == {"b": "hook decides whether it is there"}
        assert ("c" in found, found.ends.tolist()) == (False, [-1])
        with pytest.raises(NoCodecs):
            columns(codec, [b"\1"], folder=tmp_path / "none")


def test_elements_with_a_hole_between(tmp_path: Path) -> None:
    """As ``cr`` of x86, of which 1 is not on the wire, in an array of structs, too."""
    holes = [
        field(f"cr[{n}]", U16, (5,), array=False, count=ir.Fixed(1)) for n in (0, 2, 4)
    ]
    fields = [
        ir.Field(
            name=f"cr[{n}]", element=U16, size=ir.Fixed(2), position=one.position,
            path=(ir.Step("cr", "uint16_t", (5,), (n,)),),
        )
        for n, one in zip((0, 2, 4), holes, strict=True)
    ]  # fmt: skip
    inner = description("one", *fields, type="One")
    outer = description(
        "dev", field("x", ir.StructElement("vmstate_one"), (2,)), field("end", U8)
    )
    folder = _written(tmp_path, inner, outer)
    with compiled(inner, outer) as (module, _):
        codec = module.CODECS["dev"]
        body = bytes(range(13))
        found = columns(codec, [body], folder=folder)
        state, end = codec.load(body)
        assert end == 13 == found.ends[0]
        assert found["end"].tolist() == [12]
        assert_equal(found, [state])


@pytest.mark.parametrize("wrong", [(3,), (3, 3)])
def test_an_array_of_another_kind(wrong: tuple[int, ...]) -> None:
    codec = packages()["riscv64"].get("cpu")
    assert codec is not None
    with pytest.raises(ValueError, match="array of states"):
        columns(codec, np.zeros(wrong, np.uint16 if len(wrong) == 2 else np.uint8))
