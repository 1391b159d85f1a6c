"""What a machine type that is started without options decides by itself: the sections
that its board registers in any case, and its processor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmgen import ir
from vmgen.known.processor_models import MODELS, Models, stays
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.show_machines import answer

BOX = ir.Machine(
    "box-1", "box-1-machine", board="hw/box.c", runs=(("hw/shelf.c", "shelf_register"),)
)


def shelf(
    registers: bool, *, guards: tuple[str, ...] = (), needed: str = ""
) -> ir.Program:
    """A release whose C code registers a section, or only has the table."""
    table = ir.Description("vmstate_shelf", "shelf", "Shelf", 1, 1, (), needed=needed)
    other = ir.Description("vmstate_other", "other", "Other", 1, 1, ())
    roots = [
        ir.Root(
            f"vmstate_{name}", "hw/shelf.c", "hw/shelf.c", "vmstate_register",
            f"{name}_register", name, guards=guards,
        )
        for name in ("shelf", "other")[not registers :]
    ]  # fmt: skip
    functions = (ir.Function(needed, body=ir.Load("used", "uint8")),) if needed else ()
    module = ir.Module("hw/shelf.c", (table, other), functions)
    machines = ir.Machines((BOX, replace(BOX, name="bag-1", runs=())))
    return ir.Program(
        str(1 + registers), "box", (module,), tuple(roots), machines=machines
    )


def test_a_section_that_every_machine_of_the_type_has_is_refused() -> None:
    judge = MachineJudge(shelf(True), shelf(False))
    assert answer(judge.judgement("box-1"), "forward") == "refused"
    assert answer(judge.judgement("box-1"), "backward") == "loads"
    assert answer(judge.judgement("bag-1"), "forward") == "not known"
    (found,) = (
        one for one in judge.judgement("box-1").sections if one.section == "shelf"
    )
    assert [one.kind for one in found.forward.findings] == ["section-missing"]


@pytest.mark.parametrize(
    "old", [shelf(True, guards=("shelves",)), shelf(True, needed="shelf_needed")]
)
def test_what_may_not_be_there_is_not_known(old: ir.Program) -> None:
    judge = MachineJudge(old, shelf(False))
    assert answer(judge.judgement("box-1"), "forward") == "not known"


def release(name: str, cpu: str, **versions: str) -> ir.Program:
    """A PowerPC release with a machine type of this CPU, and the versions of models."""
    refusal = ir.Refusal(None, ("pvr_match",), "0" * 16, "a call")
    hook = ir.Hook("post_load", "cpu_post_load", refusals=(refusal,))
    table = ir.Description("vmstate_cpu", "cpu", "CPU", 1, 1, (), hooks=(hook,))
    rows = [*versions.items(), ("init()", f"default={cpu}")]
    return ir.Program(
        name,
        "ppc64",
        (ir.Module("target/ppc/machine.c", (table,)),),
        premises=(ir.Premise(MODELS, ("pvr_match",), True, tuple(sorted(rows))),),
        machines=ir.Machines(
            (ir.Machine("box-1", "box-1-machine", cpu=f"{cpu}-powerpc64-cpu"),)
        ),
    )


OLD = release("1", "fast", fast="0x10", slow="0x20")


@pytest.mark.parametrize(
    ("new", "model", "said"),
    [
        (release("2", "fast", fast="0x10", slow="0x20", new="0x30"), "", "loads"),
        (release("2", "quick", quick="0x10", fast="0x11", slow="0x20"), "", "loads"),
        (release("2", "quick", quick="0x10", fast="0x11"), "fast", "not known"),
        (release("2", "quick", fast="0x11", slow="0x20"), "slow", "loads"),
        (release("2", "slow", fast="0x10", slow="0x20"), "", "not known"),
        (release("2", "fast", fast="0x11", slow="0x20"), "", "not known"),
        (release("2", "fast", fast="UNKNOWN", slow="0x20"), "", "not known"),
        (release("2", "", fast="0x11", slow="0x20"), "", "not known"),
        (release("2", "new", fast="0x10", slow="0x20", new="0x30"), "", "not known"),
        (release("2", "new", fast="0x10", slow="0x20", new="UNKNOWN"), "", "not known"),
    ],
)
def test_machines_of_one_processor_take_each_other_s_cpu(
    new: ir.Program, model: str, said: str
) -> None:
    found = MachineJudge(OLD, new).judgement("box-1", (), model)
    assert answer(found, "forward") == said


def test_machines_of_two_processors_are_named() -> None:
    """No row of the tables differs that both sides have: the machine type does."""
    new = release("2", "new", fast="0x10", slow="0x20", new="0x30")
    old = replace(
        OLD, premises=(replace(OLD.premises[0], rows=OLD.premises[0].rows[:2]),)
    )
    (section,) = MachineJudge(old, new).judgement("box-1").sections
    for outcome, only in (
        (section.forward, (("fast 0x10",), ("new 0x30",))),
        (section.backward, (("new 0x30",), ("fast 0x10",))),
    ):
        assert outcome.verdict == "unknown"
        assert [one.only for one in outcome.findings] == [only]


def test_a_section_that_compares_no_processor_is_none_of_them() -> None:
    new = release("2", "slow", fast="0x10", slow="0x20")
    (module,) = new.modules
    (table,) = module.descriptions
    quiet = replace(
        new, modules=(replace(module, descriptions=(replace(table, hooks=()),)),)
    )
    found = MachineJudge(quiet, quiet).judgement("box-1")
    assert answer(found, "forward") == "loads"
    assert answer(MachineJudge(OLD, quiet).judgement("box-1"), "forward") == "loads"


def test_models_that_both_sides_know_can_be_asked_for() -> None:
    new = release("2", "quick", quick="0x10", slow="0x20", CPU_POWERPC_slow="0x20")
    other = release("1", "fast", slow="0x20", CPU_POWERPC_slow="0x20", odd="UNKNOWN")
    assert MachineJudge(other, new).models() == ("slow",)


NINE = Models(
    (("nine", "0x9"), ("ten", "0x10"), ("f()", 'default_cpu_type=POWERPC_CPU_TYPE_NAME("nine")'))
)  # fmt: skip
TEN = Models(
    (("nine", "0x9"), ("ten", "0x10"), ("f()", 'default_cpu_type=POWERPC_CPU_TYPE_NAME("ten")'))
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "writer", "reader", "started", "same"),
    [
        (0x9, NINE, NINE, (None, None), True),
        (0x9, NINE, TEN, (None, None), False),  # some machine type has another one
        (0x9, NINE, TEN, (0x9, 0x9), True),  # and this one has not
        (
            0x10,
            NINE,
            NINE,
            (0x10, 0x9),
            False,
        ),  # no function says so, its machine type does
        (0x9, NINE, TEN, (0x10, 0x10), True),  # -cpu nine, on both sides
        (0x9, NINE, TEN, (0x9, None), False),
        (0x9, NINE, Models((("nine", "0x8"),)), (0x10, 0x10), False),
    ],
)
def test_a_processor_stays_where_the_same_options_give_it(
    version: int,
    writer: Models,
    reader: Models,
    started: tuple[int | None, int | None],
    same: bool,
) -> None:
    assert stays(version, writer, reader, started) == same
