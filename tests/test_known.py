"""Members that a machine type makes constants: as QEMU's ``object_apply_compat_props``
does it, and what predicates become with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.trees import require_tree
from vmgen import ir
from vmgen.archive import shipped
from vmgen.known import (
    KnownBits,
    MachineFacts,
    read_members,
    with_constants,
    with_needed_facts,
)
from vmgen.known.class_functions import (
    CLASS_FUNCTIONS,
    MachineClassFunction,
    asked_place,
)
from vmgen.lookup import Lookup
from vmgen.stream.properties import StreamProperties
from vmgen.verdict.machines import MachineJudge, by_section

NIC = ir.MemberPlace("NicState", "fast")
FLAGS = ir.MemberPlace("NicState", "flags")


def prop(
    name: str, place: ir.MemberPlace, default: int | None, **more: object
) -> ir.Property:
    kind = "bool" if more.get("bit") is not None or default in (0, 1) else "number"
    return replace(
        ir.Property("nic", name, kind, (place,), None, default), **more  # type: ignore[arg-type]
    )


def setting(driver: str, name: str, value: str) -> ir.Setting:
    return ir.Setting(driver, name, value)


TYPES = (
    ir.ObjectType("device", "object", True),
    ir.ObjectType("nic", "device", True, ("conventional",)),
    ir.ObjectType("nic-a", "nic"),
    ir.ObjectType("nic-b", "nic"),
)


def program(
    *settings: ir.Setting,
    properties: tuple[ir.Property, ...] = (prop("fast", NIC, 1),),
    fields: tuple[ir.Field, ...] = (),
    functions: tuple[ir.Function, ...] = (),
    subsections: tuple[ir.Description, ...] = (),
    machines: tuple[str, ...] = ("box-1.0", "box-2.0"),
) -> ir.Program:
    """``box-2.0`` sets nothing, ``box-1.0`` has these settings."""
    table = ir.CompatTable("compat_1_0", "hw/core/machine.c", settings)
    known = {
        "box-1.0": ir.Machine(
            "box-1.0", "box-1.0-machine", tables=((table.file, table.symbol),)
        ),
        "box-2.0": ir.Machine("box-2.0", "box-2.0-machine", ("box",)),
    }
    description = ir.Description(
        "vmstate_nic", "nic", "NicState", 1, 1, fields,
        tuple(one.symbol for one in subsections),
    )  # fmt: skip
    module = ir.Module("hw/net/nic.c", (description, *subsections), functions)
    root = ir.Root(
        "vmstate_nic", "hw/net/nic.c", "hw/net/nic.c", "device", "nic", "nic",
        device_types=("nic-a", "nic-b"),
    )  # fmt: skip
    facts = ir.Machines(
        tuple(known[name] for name in machines), (table,), properties, TYPES
    )
    return ir.Program("1.0.0", "x86_64", (module,), (root,), machines=facts)


def known(
    one: ir.Program, machine: str, *types: str
) -> dict[ir.MemberPlace, KnownBits]:
    facts = MachineFacts(one)
    return dict(facts.known(facts.machine(machine), types or ("nic-a",)))


# --- values -----------------------------------------------------------------------------


def test_a_property_has_its_default_where_no_setting_names_it() -> None:
    assert known(program(), "box-2.0") == {NIC: KnownBits(-1, 1)}


@pytest.mark.parametrize(
    ("driver", "value"),
    [
        ("nic-a", 0),  # its own type
        ("nic", 0),  # an ancestor's
        ("conventional", 0),  # an interface
        ("nic-b", 1),  # another device
        ("sound", 1),
    ],
)
def test_a_setting_is_for_objects_that_are_of_its_driver(
    driver: str, value: int
) -> None:
    one = program(setting(driver, "fast", "off"))
    assert known(one, "box-1.0")[NIC].value == value


def test_the_last_setting_wins_whatever_its_driver() -> None:
    one = program(setting("nic-a", "fast", "off"), setting("nic", "fast", "on"))
    assert known(one, "box-1.0")[NIC].value == 1


def test_nothing_is_known_of_a_machine_type_that_may_set_more() -> None:
    one = program(setting("nic", "fast", "off"))
    old, new = one.machines.machines
    half = replace(old, open="compat_props_add() stands under a condition")
    facts = MachineFacts(
        replace(one, machines=replace(one.machines, machines=(half, new)))
    )
    assert facts.known(facts.machine("box-1.0"), ("nic-a",)) == {}
    assert facts.known(facts.machine("box-2.0"), ("nic-a",)) == {NIC: KnownBits(-1, 1)}


def test_an_alias_is_its_machine_type() -> None:
    found = MachineFacts(program()).machine("box")
    assert found is not None
    assert found.name == "box-2.0"


def test_devices_that_differ_leave_the_member_open() -> None:
    one = program(setting("nic-b", "fast", "off"))
    assert known(one, "box-1.0", "nic-a", "nic-b") == {}
    assert known(one, "box-2.0", "nic-a", "nic-b") == {NIC: KnownBits(-1, 1)}


def test_bits_of_one_member_come_from_several_properties() -> None:
    one = program(
        setting("nic", "b", "on"),
        properties=(
            prop("a", FLAGS, 1, bit=0),
            prop("b", FLAGS, 0, bit=3),
            prop("c", FLAGS, None, bit=4),
        ),
    )
    assert known(one, "box-1.0") == {FLAGS: KnownBits(0b1001, 0b1001)}
    assert known(one, "box-2.0") == {FLAGS: KnownBits(0b1001, 0b0001)}


@pytest.mark.parametrize(
    ("text", "value"), [("0x10", 16), ("64", 64), ("4k", 4096), ("host", None)]
)
def test_numbers_are_read_as_qemu_reads_them(text: str, value: int | None) -> None:
    one = program(setting("nic", "fast", text), properties=(prop("fast", NIC, 7),))
    found = known(one, "box-1.0")
    assert found == ({} if value is None else {NIC: KnownBits(-1, value)})


def test_names_of_values_are_their_numbers() -> None:
    one = program(
        setting("nic", "fast", "off"),
        properties=(prop("fast", NIC, 0, kind="number", values=("auto", "on", "off")),),
    )
    assert known(one, "box-1.0")[NIC].value == 2


@pytest.mark.parametrize(
    "more",
    [
        {"change": ir.MemberChange(others=True)},
        {"change": ir.MemberChange((0,))},
        {"default": None},
    ],
)
def test_what_other_code_may_change_is_not_known(more: dict[str, object]) -> None:
    one = replace(prop("fast", NIC, 1), **more)  # type: ignore[arg-type]
    assert known(program(properties=(one,)), "box-2.0") == {}


def test_code_that_puts_the_same_number_there_changes_nothing() -> None:
    one = program(properties=(prop("fast", NIC, 1, change=ir.MemberChange((1,))),))
    assert known(one, "box-2.0") == {NIC: KnownBits(-1, 1)}


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (ir.MemberChange(low=3, high=32), 7),
        (ir.MemberChange(low=9), 9),
        (ir.MemberChange(high=2), 2),
    ],
)
def test_a_member_is_held_to_its_bounds(change: ir.MemberChange, value: int) -> None:
    one = program(properties=(prop("fast", NIC, 7, change=change),))
    assert known(one, "box-2.0") == {NIC: KnownBits(-1, value)}


def test_a_member_that_the_stream_loads_is_not_known() -> None:
    moved = ir.Field(
        "fast", (ir.Step("fast", "bool"),), ir.IntegerElement("bool"), ir.Fixed(1)
    )
    assert known(program(fields=(moved,)), "box-2.0") == {}


@pytest.mark.parametrize(
    ("more", "value"),
    [
        ({}, 0),
        ({"type": "nic-a"}, None),  # the type's own: then its default counts
        ({"change": ir.MemberChange((1,))}, None),
        ({"change": ir.MemberChange(others=True)}, None),
    ],
)
def test_a_member_that_other_types_set_is_zero(
    more: dict[str, object], value: int | None
) -> None:
    other = replace(prop("slots", FLAGS, None), **{"type": "nic-b", **more})  # type: ignore[arg-type]
    facts = MachineFacts(program(properties=(other,)))
    found = facts.known(facts.machine("box-2.0"), ("nic-a",), {FLAGS})
    assert found == ({} if value is None else {FLAGS: KnownBits(-1, value)})


@pytest.mark.parametrize("asked", [FLAGS, ir.MemberPlace("BoxState", "nic.flags")])
def test_a_member_that_a_stream_loads_is_not_zero(asked: ir.MemberPlace) -> None:
    """By whichever of its places: a struct that is inside of another one has two."""
    moved = ir.Field(
        "flags", (ir.Step("flags", "uint32"),), ir.IntegerElement("uint32"), ir.Fixed(1)
    )
    outer = ir.MemberPlace("BoxState", "nic.flags")
    other = replace(prop("slots", FLAGS, None), type="nic-b", places=(outer, FLAGS))
    facts = MachineFacts(program(properties=(other,), fields=(moved,)))
    assert facts.known(facts.machine("box-2.0"), ("nic-a",), {asked}) == {}


# --- constants --------------------------------------------------------------------------


def test_bits_are_put_in_under_the_mask_that_asks_for_them() -> None:
    flags = ir.Load("flags", "uint32")
    asked = ir.Binary("!=", ir.Binary("&", flags, ir.Const(2)), ir.Const(0))
    open_ = ir.Binary("!=", ir.Binary("&", flags, ir.Const(4)), ir.Const(0))
    one = program(
        functions=(
            ir.Function("known", type="NicState", body=asked),
            ir.Function("open", type="NicState", body=open_),
        )
    )
    found = with_constants(one, {FLAGS: KnownBits(0b11, 0b10)}).modules[0].functions
    assert found[0].body == ir.Binary("!=", ir.Const(2), ir.Const(0))
    assert found[1].body == open_


def test_the_type_of_the_object_counts() -> None:
    body = ir.Load("fast", "bool")
    one = program(functions=(ir.Function("f", type="OtherState", body=body),))
    found = with_constants(one, {NIC: KnownBits(-1, 1)}).modules[0].functions
    assert found[0].body == body


def test_struct_and_typedef_are_one_name() -> None:
    body = ir.Load("fast", "bool")
    one = program(functions=(ir.Function("f", type="struct NicState", body=body),))
    found = with_constants(one, {NIC: KnownBits(-1, 1)}).modules[0].functions
    assert found[0].body == ir.Const(1)


def test_a_predicate_over_the_object_around_gets_a_body_where_all_is_known() -> None:
    function = ir.Function(
        "f", untranslated="no", container="NicState", outside=ir.Load("fast", "bool")
    )
    one = program(functions=(function,))
    found = with_constants(one, {NIC: KnownBits(-1, 1)}).modules[0].functions
    assert found[0].body == ir.Const(1)
    other = with_constants(one, {FLAGS: KnownBits(-1, 1)}).modules[0].functions
    assert other[0].body is None


def test_an_amount_becomes_fixed() -> None:
    count = ir.FromMember((ir.Step("fast", "uint8_t"),), "uint8", 4)
    moved = ir.Field(
        "x", (ir.Step("x", "uint8_t"),), ir.IntegerElement("uint8"), ir.Fixed(1), count
    )
    one = with_constants(program(fields=(moved,)), {NIC: KnownBits(-1, 3)})
    assert one.modules[0].descriptions[0].fields[0].count == ir.Fixed(12)


# --- verdicts -----------------------------------------------------------------------------

FAST = ir.Function("fast_needed", type="NicState", body=ir.Load("fast", "bool"))
SUBSECTION = ir.Description(
    "vmstate_fast", "nic/fast", "NicState", 1, 1, (), needed="fast_needed"
)


def test_a_machine_type_settles_what_is_a_condition_without_it() -> None:
    old = program(machines=("box-1.0", "box-2.0"))
    new = program(
        setting("nic", "fast", "off"), functions=(FAST,), subsections=(SUBSECTION,)
    )
    judge = MachineJudge(old, new)
    found = {name: judge.judgement(name) for name in judge.machines[0]}
    back = {name: one.worst(("backward",)) for name, one in found.items()}
    assert back == {"box-1.0": "compatible", "box-2.0": "incompatible"}
    assert judge.judgement("").worst(("backward",)) == "conditional"
    assert [one.machines for one in by_section(found)] == [("box-2.0",), ("box-1.0",)]


def test_machine_types_of_one_side_are_told_apart() -> None:
    judge = MachineJudge(program(machines=("box-1.0",)), program())
    assert judge.machines == (("box-1.0",), (), ("box-2.0",))


@pytest.mark.parametrize(
    ("old", "new", "forward"),
    [
        ((), (), "compatible"),
        ((), ("enabled",), "unknown"),
        (("enabled",), (), "compatible"),
        (("enabled",), ("enabled",), "compatible"),
        (("other",), ("enabled",), "unknown"),
    ],
)
def test_a_section_that_a_variable_of_the_destination_registers_is_not_known(
    old: tuple[str, ...], new: tuple[str, ...], forward: str
) -> None:
    one = program()
    (root,) = one.roots
    first, second = (
        replace(one, roots=(replace(root, guards=names),)) for names in (old, new)
    )
    found = MachineJudge(first, second).judgement("box-1.0")
    assert found.worst(("forward",)) == forward


def test_other_rows_of_a_premise_are_no_condition_on_a_machine_type() -> None:
    """``vmgen diff`` says when it loads; a machine type cannot say that it does."""
    refusal = ir.Refusal(None, ("registers",), "5a")
    one = program()
    (module,) = one.modules
    (description,) = module.descriptions
    hook = ir.Hook("post_load", "nic_post_load", refusals=(refusal,))
    module = replace(module, descriptions=(replace(description, hooks=(hook,)),))
    old, new = (
        replace(
            one,
            modules=(module,),
            premises=(ir.Premise("registers", ("registers",), False, rows),),
        )
        for rows in ((("a",),), (("a",), ("b",)))
    )
    judge = MachineJudge(old, new)
    assert judge.judgement("").worst() == "conditional"
    assert judge.judgement("box-1.0").worst() == "unknown"
    assert MachineJudge(old, old).judgement("box-1.0").worst() == "compatible"


# --- streams ------------------------------------------------------------------------------


def test_a_stream_is_answered_by_its_machine_type() -> None:
    around = ir.Function(
        "around",
        untranslated="no",
        container="NicState",
        outside=ir.Load("fast", "bool"),
    )
    one = program(
        setting("nic", "fast", "off"),
        functions=(FAST, around),
        subsections=(SUBSECTION, replace(SUBSECTION, symbol="s", name="nic/s", needed="around")),
    )  # fmt: skip
    lookup = Lookup(one)
    table = lookup.at("hw/net/nic.c", "vmstate_nic")
    for machine, value in (("box-1.0", 0), ("box-2.0", 1)):
        found = StreamProperties(lookup, machine).of(table)
        assert found.members["NicState.fast"] == value
        assert found.functions == {"around": value}
    assert StreamProperties(lookup, "box-3.0").vanished
    assert not StreamProperties(
        Lookup(replace(one, machines=ir.Machines())), "x"
    ).vanished


@pytest.mark.parametrize("one", CLASS_FUNCTIONS, ids=lambda one: one.name)
@pytest.mark.parametrize("release", ["7.2", "10.0"])
def test_a_function_of_the_machines_class_is_in_the_c(
    one: MachineClassFunction, release: str
) -> None:
    text = (require_tree(release) / one.file).read_text(encoding="utf-8")
    body = text.partition(f"bool {one.name}(void)\n{{")[2].partition("\n}")[0]
    assert f"->{one.place.path};" in body
    assert ("return !" in body) == one.negated


@pytest.mark.parametrize(
    ("target", "machine", "name", "value"),
    [
        ("x86_64", "pc-i440fx-7.2", "pm_smbus_vmstate_needed", 1),
        ("x86_64", "pc-i440fx-2.0", "pm_smbus_vmstate_needed", 0),
    ],
)
def test_what_a_function_of_the_machines_class_returns(
    target: str, machine: str, name: str, value: int
) -> None:
    archive = shipped()
    assert archive is not None
    release = archive.find("7.2.22")
    assert release is not None
    facts = MachineFacts(archive.program(release, target, frozenset()))
    asked = asked_place(name)
    found = facts.known(facts.machine(machine), (), {asked})
    assert found == {asked: KnownBits(-1, value)}


def test_what_the_machines_class_says_is_a_number_for_a_machine_type() -> None:
    asks = [
        ir.Function(name, type="NicState", body=ir.Ask(name))
        for name in ("pm_smbus_vmstate_needed", "other")
    ]
    plain = program(functions=tuple(asks))
    member = ir.MemberPlace("MachineClass", "smbus_no_migration_support")
    new, old = plain.machines.machines
    old = replace(old, members=(ir.ClassMember(member, 1),))
    whole = replace(plain, machines=replace(plain.machines, machines=(old, new)))
    read, facts = read_members(whole), MachineFacts(whole)
    assert read == {asked_place("pm_smbus_vmstate_needed")}
    for machine, value in ((new, 1), (old, 0)):
        found = facts.known(machine, (), read)
        (module,) = with_constants(whole, found).modules
        bodies = [one.body for one in module.functions]
        assert bodies == [ir.Const(value), ir.Ask("other")]
    assert facts.known(None, (), read) == {}


def test_a_package_keeps_the_facts_that_its_predicates_ask_for() -> None:
    one = program(
        setting("nic", "fast", "off"),
        setting("nic", "slow", "off"),
        setting("sound", "loud", "off"),
        properties=(prop("fast", NIC, 1), prop("slow", FLAGS, 1)),
        functions=(FAST,),
        subsections=(SUBSECTION,),
    )
    kept = with_needed_facts(one)
    assert [one.name for one in kept.machines.properties] == ["fast"]
    assert [one.property for one in kept.machines.tables[0].settings] == ["fast"]
    assert read_members(kept) == {NIC}
    assert known(kept, "box-1.0") == {NIC: KnownBits(-1, 0)}
