"""A small program made by hand, with one of everything that people look at."""

from __future__ import annotations

from vmgen import ir
from vmgen.source import Position

FILE = "target/toy/machine.c"


def at(line: int) -> Position:
    return Position(FILE, line, 9)


def step(name: str, kind: str, *dims: int, pointer: bool = False) -> ir.Step:
    return ir.Step(name, kind, dims, (), pointer)


ENV = step("env", "CPUToyState")

LANE = ir.Description(
    "vmstate_lane",
    "lane",
    "ToyLane",
    1,
    1,
    (
        ir.Field(
            "lo", (step("lo", "uint32_t"),), ir.IntegerElement("uint32"), ir.Fixed(4)
        ),
        ir.Field(
            "hi", (step("hi", "uint16_t"),), ir.IntegerElement("uint16"), ir.Fixed(2)
        ),
    ),
    position=at(10),
)

TIMER = ir.Description(
    "vmstate_toy_timer",
    "cpu/timer",
    "ToyCPU",
    1,
    1,
    (
        ir.Field(
            "timer",
            (step("timer", "QEMUTimer", pointer=True),),
            ir.TimerElement(),
            ir.Fixed(8),
            pointer=True,
            position=at(31),
        ),
    ),
    needed="timer_needed",
    position=at(30),
)

CPU = ir.Description(
    "vmstate_toy_cpu",
    "cpu",
    "ToyCPU",
    4,
    2,
    (
        ir.Field(
            "env.gpr",
            (ENV, step("gpr", "target_ulong", 32)),
            ir.IntegerElement("uint64"),
            ir.Fixed(8),
            ir.Fixed(32),
            array=True,
            position=at(51),
        ),
        ir.Field(
            "env.lane",
            (ENV, step("lane", "ToyLane", 4)),
            ir.StructElement("vmstate_lane", "ToyLane"),
            ir.Fixed(8),
            ir.Fixed(4),
            array=True,
            position=at(52),
        ),
        ir.Field(
            "env.mode",
            (ENV, step("mode", "uint8_t")),
            ir.IntegerElement("uint8"),
            ir.Fixed(1),
            version_id=3,
            position=at(53),
        ),
        ir.Field("unused", (), ir.UnusedElement(), ir.Fixed(12), position=at(54)),
        ir.Field(
            "env.tlb",
            (ENV, step("tlb", "uint32_t", pointer=True)),
            ir.IntegerElement("uint32"),
            ir.Fixed(4),
            ir.FromMember((ENV, step("nb_tlb", "int32_t")), "int32", 2),
            array=True,
            test="has_tlb",
            pointer=True,
            position=at(55),
        ),
    ),
    subsections=("vmstate_toy_timer",),
    hooks=(ir.Hook("post_load", "toy_post_load"),),
    static=False,
    position=at(50),
)

FUNCTIONS = (
    ir.Function(
        "has_tlb",
        body=ir.Binary(
            "&&",
            ir.Binary(">", ir.Load("env.nb_tlb", "int32"), ir.Const(0)),
            ir.Binary(
                "!=",
                ir.Binary(
                    "&", ir.Load("env.features", "uint64"), ir.Const(0x80, "TOY_MMU")
                ),
                ir.Const(0),
            ),
        ),
    ),
    ir.Function("timer_needed", untranslated="calls kvm_enabled()"),
)

COMMON = ir.Description(
    "vmstate_cpu_common",
    "cpu_common",
    "CPUState",
    1,
    1,
    (
        ir.Field(
            "halted",
            (step("halted", "uint32_t"),),
            ir.IntegerElement("uint32"),
            ir.Fixed(4),
        ),
    ),
    static=False,
    position=Position("cpu-common.c", 5, 1),
)

PROGRAM = ir.Program(
    "10.0.2",
    "toy",
    (
        ir.Module("cpu-common.c", (COMMON,)),
        ir.Module(FILE, (LANE, TIMER, CPU), FUNCTIONS),
    ),
)
