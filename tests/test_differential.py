"""Generated code against the reference interpreter, on random tables and random bytes."""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, event, given, note, settings
from hypothesis import strategies as st

from tests import reference, schemas
from tests.generated_code import imported
from tests.machine_facts import members
from tests.reference import Refused, Values
from tests.schemas import Schema
from tests.test_fixtures import fixture, program_of, root_symbol
from vmgen import ir
from vmgen.lower import lower
from vmgen.lower.names import attribute, identifier
from vmgen.render import GeneratedFile, render


def examples(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# --- the two sides --------------------------------------------------------------------


@dataclass(frozen=True)
class Codec:
    """A description's tables, and the generated code for them."""

    program: ir.Program
    root: str
    answers: reference.Answers
    runtime: ModuleType
    loader: Callable[..., tuple[Any, int]]
    saver: Callable[[Any, int], bytes]

    def load(self, data: bytes, pos: int, version: int) -> tuple[Any, int]:
        context = self.runtime.Context(
            members=self.answers.members, functions=self.answers.functions
        )
        return self.loader(data, pos, version, context=context)

    def reference(self, data: bytes, pos: int, version: int) -> tuple[Values, int]:
        return reference.load(self.program, self.root, data, pos, version, self.answers)


def unformatted(program: ir.Program) -> tuple[GeneratedFile, ...]:
    """The program's code before black, which takes longer than all the rest."""
    with mock.patch("vmgen.render._format", lambda text: text):
        return render(lower(program))


@contextmanager
def generated(schema: Schema) -> Iterator[Codec]:
    """The code for a random schema, imported from memory."""
    short = schema.root.removeprefix("vmstate_")
    with imported(unformatted(schema.program)) as modules:
        runtime = next(
            module for name, module in modules.items() if name.endswith("_runtime")
        )
        module = next(
            module for name, module in modules.items() if name.endswith("hw.random")
        )
        yield Codec(
            schema.program,
            schema.root,
            schema.answers,
            runtime,
            getattr(module, f"load_{short}"),
            getattr(module, f"save_{short}"),
        )


def step(state: Any, token: str) -> Any:
    """One token of a reference key, followed in a generated state."""
    if token.startswith("["):
        return state[int(token[1:-1])]
    if token.startswith("{"):
        return getattr(state, identifier(token[1:-1].rpartition("/")[2]))
    if token.startswith("<"):
        return getattr(state, identifier(token[1:-1]))
    if isinstance(state, tuple):
        return state[("key", "value").index(token)]
    return getattr(state, attribute(token))


def follow(state: Any, tokens: list[str]) -> Any:
    """The value at the end of a key's tokens; None below an absent part.

    Where two fields of a table are views of one member (x86's vector registers, whose
    halves have descriptions of their own), the second has an attribute ``member_2``.
    """
    if state is None or not tokens:
        return state
    try:
        return follow(step(state, tokens[0]), tokens[1:])
    except (IndexError, AttributeError):
        second = f"{tokens[0]}_2"
        if not tokens[0].isidentifier() or not hasattr(state, second):
            raise
        return follow(getattr(state, second), tokens[1:])


def compare(values: Values, state: Any) -> None:
    """Every value of the reference is in the state, and no array is longer than it says."""
    for key, expected in values.items():
        found = follow(state, re.findall(r"\[\d+\]|\{[^}]*\}|<[^>]*>|\w+", key))
        if key.endswith("[]"):
            found = len(found)
        if expected is None:
            assert found is None, key
        elif key.endswith("}"):
            assert found is not None, key
        elif isinstance(expected, bytes):
            before = len(found) - len(expected)
            assert bytes(found) == bytes(before) + expected, key
        else:
            assert found == expected, key


def outcome(codec: Codec, data: bytes, pos: int, version: int) -> Values | None:
    """Loads with both sides and compares; the values if both took the bytes.

    Nothing but a VMStateError may leave the generated code.  The categories need to be
    the same only for cut streams: where several things are wrong, C's order of finding
    them is not part of the format.
    """
    refused: Refused | None = None
    values: Values = {}
    end = found_end = -1
    try:
        values, end = codec.reference(data, pos, version)
    except Refused as error:
        refused = error
    failed: Any = None
    try:
        state, found_end = codec.load(data, pos, version)
    except codec.runtime.VMStateError as error:
        failed = error
    if failed is not None:
        assert refused is not None, f"only generated code refused: {failed!r} {failed}"
        assert failed.offset is not None
        assert pos <= failed.offset <= len(data)
        assert failed.path
        return None
    if refused is not None:
        assert refused.kind == "undefined", f"only the reference refused: {refused}"
        return None
    assert found_end == end
    compare(values, state)
    return values


def drawn(data: st.DataObject, schema: Schema, version: int) -> tuple[Values, bytes]:
    values = data.draw(schemas.states(schema, version), label="values")
    assume(values is not None)
    assert values is not None
    return values, reference.save(
        schema.program, schema.root, values, version, schema.answers
    )


# --- tests ------------------------------------------------------------------------------


@examples(100)
@given(st.data())
def test_reference_reads_what_it_writes(data: st.DataObject) -> None:
    schema = data.draw(schemas.schemas())
    version = data.draw(st.sampled_from(list(schema.versions())))
    values, wire = drawn(data, schema, version)
    loaded, end = reference.load(
        schema.program, schema.root, wire, 0, version, schema.answers
    )
    assert end == len(wire)
    assert loaded == values


@examples(300)
@given(st.data())
def test_generated_code_is_the_reference(data: st.DataObject) -> None:
    """Same values, same end, same bytes again, in every version of the window."""
    schema = data.draw(schemas.schemas())
    with generated(schema) as codec:
        for version in schema.versions():
            values, wire = drawn(data, schema, version)
            before = data.draw(st.binary(max_size=3))
            after = data.draw(st.binary(max_size=8))
            whole = before + wire + after
            taken = outcome(codec, whole, len(before), version)
            if after == b"":
                assert taken == values
            state, end = codec.load(wire, 0, version)
            assert end == len(wire)
            assert codec.saver(state, version) == wire
            assert codec.load(codec.saver(state, version), 0, version)[0] == state
            for unheard in (schema.description.minimum_version_id - 1,):
                with pytest.raises(codec.runtime.TooOld):
                    codec.load(wire, 0, unheard)
            with pytest.raises(codec.runtime.TooNew):
                codec.load(wire, 0, schema.description.version_id + 1)


@examples(120)
@given(st.data())
def test_truncation_at_every_byte(data: st.DataObject) -> None:
    schema = data.draw(schemas.schemas())
    version = data.draw(st.sampled_from(list(schema.versions())))
    with generated(schema) as codec:
        _, wire = drawn(data, schema, version)
        for length in range(len(wire)):
            try:
                codec.reference(wire[:length], 0, version)
            except Refused as refused:
                if refused.kind == "truncated":
                    with pytest.raises(codec.runtime.Truncated):
                        codec.load(wire[:length], 0, version)
                    continue
            outcome(codec, wire[:length], 0, version)


@examples(200)
@given(st.data())
def test_corruption_gives_the_same_result_or_our_error(data: st.DataObject) -> None:
    schema = data.draw(schemas.schemas())
    version = data.draw(st.sampled_from(list(schema.versions())))
    with generated(schema) as codec:
        _, wire = drawn(data, schema, version)
        for _ in range(20):
            damaged = bytearray(wire)
            for _ in range(data.draw(st.integers(1, 3))):
                at = data.draw(st.integers(0, len(damaged)))
                how = data.draw(st.sampled_from(("flip", "set", "insert", "delete")))
                if how == "flip" and at < len(damaged):
                    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
                elif how == "set" and at < len(damaged):
                    damaged[at] = data.draw(
                        st.sampled_from((0, 1, 5, 0x30, 0x7F, 0xFF))
                    )
                elif how == "insert":
                    damaged.insert(at, data.draw(st.integers(0, 255)))
                elif how == "delete":
                    del damaged[at : at + data.draw(st.integers(1, 4))]
            note(f"damaged: {damaged.hex()}")
            taken = outcome(codec, bytes(damaged), 0, version)
            event("taken" if taken is not None else "refused")


@examples(60)
@given(st.data())
def test_random_bytes(data: st.DataObject) -> None:
    schema = data.draw(schemas.schemas())
    version = data.draw(st.sampled_from(list(schema.versions())))
    with generated(schema) as codec:
        for _ in range(10):
            outcome(codec, data.draw(st.binary(max_size=200)), 0, version)


def test_a_sibling_whose_name_goes_on_is_refused() -> None:
    """``n/ab`` after ``n/a`` is looked for among the subsections of ``n/a``."""

    def byte(name: str) -> ir.Field:
        return ir.Field(
            name,
            (ir.Step(name, "uint8_t"),),
            ir.IntegerElement("uint8"),
            ir.Fixed(1),
        )

    def describe(symbol: str, name: str, member: str, *subs: str) -> ir.Description:
        return ir.Description(symbol, name, "Root", 1, 1, (byte(member),), subs)

    program = ir.Program(
        "10.0.2",
        "random",
        (
            ir.Module(
                "hw/random.c",
                (
                    describe("vmstate_short", "n/a", "x"),
                    describe("vmstate_long", "n/ab", "y"),
                    describe("vmstate_root", "n", "z", "vmstate_short", "vmstate_long"),
                ),
            ),
        ),
    )
    with generated(Schema(program, "vmstate_root")) as codec:
        short = b"\x05\x03n/a\0\0\0\1\x11"
        long = b"\x05\x04n/ab\0\0\0\1\x22"
        assert outcome(codec, b"\x33" + short, 0, 1) is not None
        assert outcome(codec, b"\x33" + long + short, 0, 1) is not None
        assert outcome(codec, b"\x33" + short + long, 0, 1) is None
        with pytest.raises(codec.runtime.UnknownSubsection):
            codec.load(b"\x33" + short + long, 0, 1)


@pytest.mark.parametrize(
    "body",
    [
        ir.Load("env.one", "uint8"),
        ir.Load("env.some[1]", "uint8"),
        ir.Exists(
            "i",
            ir.Const(0),
            ir.Const(2),
            1,
            ir.Load("env.some[$0]", "uint8", (ir.Var("i"),)),
        ),
    ],
    ids=["member", "element", "loop"],
)
def test_a_test_reads_what_a_sibling_subsection_loaded(body: ir.Expr) -> None:
    """They are views of one object; which of them came first decides."""

    def member(name: str, *dims: int, test: str = "") -> ir.Field:
        return ir.Field(
            name,
            (ir.Step("env", "RootEnv"), ir.Step(name, "uint8_t", dims)),
            ir.IntegerElement("uint8"),
            ir.Fixed(1),
            count=ir.Fixed(dims[0] if dims else 1),
            array=bool(dims),
            test=test,
        )

    def describe(
        symbol: str, name: str, fields: tuple[ir.Field, ...], *subs: str
    ) -> ir.Description:
        return ir.Description(symbol, name, "Root", 0, 0, fields, subs)

    module = ir.Module(
        "hw/random.c",
        (
            describe("vmstate_a", "n/a", (member("some", 2), member("one"))),
            describe("vmstate_b", "n/b", (member("tested", test="reads"),)),
            describe("vmstate_r", "n", (member("always"),), "vmstate_a", "vmstate_b"),
        ),
        (ir.Function("reads", body=body),),
    )
    first = b"\x05\x03n/a\0\0\0\0"
    second = b"\x05\x03n/b\0\0\0\0"
    program = ir.Program("10.0.2", "random", (module,))
    with generated(Schema(program, "vmstate_r")) as codec:
        for loaded in (b"\0\0\0", b"\1\1\1"):
            wire = b"\x33" + first + loaded + second + b"\x44"
            taken = outcome(codec, wire, 0, 0)
            assert taken is not None
            there = loaded != b"\0\0\0"
            assert taken["{n/b}env.tested"] == (0x44 if there else None)
        assert outcome(codec, b"\x33" + second + b"\x44", 0, 0) is None


# --- real sections ----------------------------------------------------------------------

REAL = (
    "riscv64-virt-vh-bare--10.0.2",
    "x86_64-q35-bare--10.0.2",
    "aarch64-virt-a57-bare--10.0.2",
    "arm-stm32vldiscovery-poke--10.0.2",
    "ppc64-pseries-poke--10.0.2",
)


@pytest.mark.parametrize("name", REAL)
def test_damaged_cpus_of_real_streams(name: str) -> None:
    """A real CPU: whole, cut at many places, and with bytes changed at random."""
    stream = fixture(name)
    program = program_of(stream.target, stream.release)
    package = importlib.import_module(f"generated.{stream.target}")
    made = package.CODECS["cpu"]
    section = stream.named("cpu")[0]
    wire = stream.stream[section.start : section.end]
    codec = Codec(
        program,
        root_symbol(program, "cpu"),
        reference.Answers(members(stream.target, stream.machine)),
        importlib.import_module("generated._runtime"),
        made.load,
        made.save,
    )
    assert outcome(codec, wire, 0, section.version) is not None
    chance = random.Random(name)
    for _ in range(40):
        length = chance.randrange(len(wire))
        outcome(codec, wire[:length], 0, section.version)
    taken = 0
    for _ in range(60):
        damaged = bytearray(wire)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(damaged))
            match chance.randrange(3):
                case 0:
                    damaged[at] ^= 1 << chance.randrange(8)
                case 1:
                    damaged.insert(at, chance.randrange(256))
                case _:
                    del damaged[at]
        taken += outcome(codec, bytes(damaged), 0, section.version) is not None
    assert taken > 0
