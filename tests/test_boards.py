"""Which devices a board makes, and what a verdict makes of that."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen import ir
from vmgen.boards import Boards
from vmgen.boards.pattern import NamePattern
from vmgen.roots.model import Registrations, TypeDecl
from vmgen.verdict.machines import MachineJudge

UART = "static const TypeInfo uart_info = { .name = TYPE_UART, .parent = TYPE_BUS_DEVICE };"
TYPES = {
    # name: (parent, file, class_init, abstract)
    "device": ("object", "hw/core/qdev.c", "device_class_init", True),
    "bus-device": ("device", "hw/core/bus.c", "bus_class_init", True),
    "uart": ("bus-device", "hw/char/uart.c", "", False),
    "timer-a1": ("bus-device", "hw/timer/timer.c", "", False),
    "timer-b2": ("bus-device", "hw/timer/timer.c", "", False),
    "soc": ("bus-device", "hw/arm/soc.c", "", False),
    "card": ("device", "hw/net/card.c", "card_class_init", False),
    "bridge": ("device", "hw/net/bridge.c", "bridge_class_init", False),
    "phy": ("bus-device", "hw/net/phy.c", "phy_class_init", False),
    "inside": ("bus-device", "hw/net/card.c", "", False),
    "cpu": ("device", "hw/core/cpu.c", "bus_class_init", True),
    "my-cpu": ("cpu", "target/my/cpu.c", "", False),
}
CORE = {
    "hw/core/qdev.c": "static void device_class_init(ObjectClass *oc, void *data)\n"
    "{\n    DeviceClass *dc = DEVICE_CLASS(oc);\n    dc->user_creatable = true;\n}\n",
    "hw/core/bus.c": "static void bus_class_init(ObjectClass *oc, void *data)\n"
    "{\n    DeviceClass *dc = DEVICE_CLASS(oc);\n    dc->user_creatable = false;\n}\n",
    "hw/core/cpu.c": "static void bus_class_init(ObjectClass *oc, void *data)\n"
    "{\n    DeviceClass *dc = DEVICE_CLASS(oc);\n    dc->user_creatable = false;\n}\n",
    "hw/char/uart.c": f"{UART}\n",
    "hw/timer/timer.c": "static int timers;\n",
    "hw/arm/soc.c": 'static void soc_init(Object *obj)\n{\n    make(obj, "uart");\n}\n',
    "hw/net/card.c": "static void card_class_init(ObjectClass *oc, void *data)\n"
    "{\n    DeviceClass *dc = DEVICE_CLASS(oc);\n    if (data) {\n"
    "        dc->user_creatable = false;\n    }\n}\n"
    'static void card_realize(DeviceState *dev)\n{\n    make(dev, "inside");\n}\n',
    "hw/net/bridge.c": "static void bridge_class_init(ObjectClass *oc, void *data)\n"
    "{\n    chipset_class_init(DEVICE_CLASS(oc));\n}\n",
    "hw/net/chipset.c": "void chipset_class_init(DeviceClass *dc)\n"
    "{\n    /* part of a chip */\n    dc->user_creatable = false;\n}\n",
    "hw/net/phy.c": "static void phy_class_init(ObjectClass *oc, void *data)\n"
    "{\n    DeviceClass *dc = DEVICE_CLASS(oc);\n    dc->user_creatable = true;\n}\n",
    "target/my/cpu.c": "static int cpu;\n",
    "include/hw/char/uart.h": '#define TYPE_UART "uart"\n'
    "static inline void uart_create(hwaddr addr)\n{\n    make(addr, TYPE_UART);\n}\n"
    "#define ONE_UART(a) uart_create(a)\n",
    "include/hw/timer/timer.h": '#define TYPE_TIMER "timer"\n'
    '#define TYPE_TIMER_A1 TYPE_TIMER "-a1"\n',
}
MADE = frozenset({"bridge", "inside", "soc", "timer-a1", "timer-b2", "uart"})


def board_of(root: Path, board: str, more: dict[str, str] | None = None) -> ir.Machines:
    """What is known of a tree with this text of ``hw/arm/board.c``."""
    for name, text in {**CORE, "hw/arm/board.c": board, **(more or {})}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    sources = [name for name in {**CORE, **(more or {})} if name.endswith(".c")]
    declared = tuple(
        TypeDecl(name, parent, abstract, start, file=file)
        for name, (parent, file, start, abstract) in TYPES.items()
    )
    machines = ir.Machines(
        machines=(ir.Machine("arm-1", "arm-1-machine", board="hw/arm/board.c"),),
        types=tuple(ir.ObjectType(one.name, one.parent) for one in declared),
    )
    return Boards(root).of(
        machines,
        [_root(name) for name in (*TYPES, "")],
        [Registrations("", types=declared)],
        [*sources, "hw/arm/board.c"],
    )


def _root(type_: str) -> ir.Root:
    types = (type_,) if type_ else ()
    file = "" if type_ else "hw/misc/alone.c"
    return ir.Root("vmstate_x", file, "", "device", "", type_, device_types=types)


def makes(machines: ir.Machines) -> set[str]:
    (board,) = machines.boards
    return {*board.makes}


def test_who_may_create_a_device_is_what_its_classes_say(tmp_path: Path) -> None:
    known = board_of(tmp_path, "int nothing;\n")
    assert {one.name for one in known.types if not one.creatable} == MADE | {
        "bus-device"
    }
    # A card may be added by users, and its code is in every machine then.
    assert makes(known) == {"inside"}


@pytest.mark.parametrize(
    ("code", "made"),
    [
        ('qdev_new("uart");', {"uart"}),
        ("qdev_new(TYPE_UART);", {"uart"}),
        ("uart_create(0x1000);", {"uart"}),
        ("ONE_UART(0x1000);", {"uart"}),
        ('qdev_new("soc");', {"soc", "uart"}),
        ("qdev_new(TYPE_TIMER_A1);", {"timer-a1"}),
        ('qdev_new(TYPE_TIMER "-b2");', {"timer-b2"}),
        ('snprintf(name, 9, "timer-%s", model);', {"timer-a1", "timer-b2"}),
        ('snprintf(name, 9, "timer-%c%d", model, 1);', {"timer-a1", "timer-b2"}),
        ('snprintf(name, 9, "%s-a1", model);', {"timer-a1"}),
        ('snprintf(name, 9, "imer-%s", model);', set()),
        ('name = g_strconcat(a, "er-a1", NULL);', set()),
        ('name = g_strconcat(a, "-a1", NULL);', {"timer-a1"}),
        ('name = g_strconcat(a, "-1", NULL);', set()),  # says too little
        ('name = g_strconcat(a, "er-a1" SUFFIX, NULL);', {"timer-a1"}),
        ('name = g_strconcat("timer-", model, NULL);', {"timer-a1", "timer-b2"}),
        ('memory_region_init(mr, TYPE_TIMER "-regs");', set()),
        ('name = MODEL "timer";', {"timer-a1", "timer-b2"}),
        ("/* qdev_new(TYPE_UART) */", set()),
        ("if (object_dynamic_cast(OBJECT(dev), TYPE_UART)) { }", set()),
        ('dev = object_resolve_path_type("", TYPE_UART, NULL);', set()),
        ('trace("an uart is not made");', set()),
        ("other_init();", {"uart"}),
        ("hidden_init();", set()),
        ("twice_init();", {"uart", "soc"}),
        ("within_init();", {"timer-a1"}),
    ],
)
def test_a_board_makes_what_its_code_names(
    code: str, made: set[str], tmp_path: Path
) -> None:
    more = {
        "hw/arm/other.c": 'void other_init(void)\n{\n    qdev_new("uart");\n}\n'
        "static void hidden_init(void)\n{\n}\n",
        # Which of them the linker takes is not known here.
        "hw/arm/one.c": 'void twice_init(void)\n{\n    qdev_new("uart");\n}\n',
        "hw/arm/two.c": 'void twice_init(void)\n{\n    qdev_new("soc");\n}\n',
        "hw/arm/outer.c": '#include "inner.c.inc"\n',
        "hw/arm/inner.c.inc": '#include "inner.c.inc"\n'
        'void within_init(void)\n{\n    qdev_new("timer-a1");\n}\n',
    }
    board = f"static void board_init(MachineState *machine)\n{{\n    {code}\n}}\n"
    assert makes(board_of(tmp_path, board, more)) - {"inside"} == made


def test_a_declaration_makes_nothing(tmp_path: Path) -> None:
    declared = (
        "static const TypeInfo types[] = {\n"
        '    { .name = "uart", .parent = TYPE_TIMER_A1 },\n'
        '    { .name = "timer-b2", .parent = "soc" },\n};\n'
    )
    assert makes(board_of(tmp_path, declared)) == {"inside"}
    compat = 'GlobalProperty old[] = {\n    { "uart", "x-slow", "on" },\n};\n'
    assert makes(board_of(tmp_path, compat)) == {"inside"}
    own = '#define TYPE_OWN "uart"\nstatic const TypeInfo own = { .name = TYPE_OWN };\n'
    assert makes(board_of(tmp_path, own)) == {"inside"}


def test_a_file_counts_if_its_functions_are_called(tmp_path: Path) -> None:
    alone = {"hw/misc/alone.c": "void alone_init(void)\n{\n}\n"}
    (board,) = board_of(tmp_path, "void a(void)\n{\n    b();\n}\n", alone).boards
    assert board.calls == ()
    text = "void a(void)\n{\n    alone_init();\n}\n"
    (board,) = board_of(tmp_path, text, alone).boards
    assert board.calls == ("hw/misc/alone.c",)


@pytest.mark.parametrize(
    ("parts", "start", "end", "names"),
    [
        (("a-", ""), False, False, {"a-", "a-b", "a-b-a"}),
        (("", "-a"), False, False, {"-a", "b-a", "a-b-a"}),
        (("-a",), True, False, {"-a", "b-a", "a-b-a"}),
        (("a-",), False, True, {"a-", "a-b", "a-b-a"}),
        (("-b",), True, True, {"a-b", "a-b-a"}),
        (("a", "a"), False, False, {"a-b-a"}),
        (("a-b", "b-a"), False, False, set()),
    ],
)
def test_a_pattern_has_the_names_with_its_parts(
    parts: tuple[str, ...], start: bool, end: bool, names: set[str]
) -> None:
    given = {"a", "-a", "b-a", "a-", "a-b", "a-b-a"}
    one = NamePattern(parts, start, end)
    assert {name for name in given if one.fits(name)} == names


def test_hostile_names_and_macros_take_no_time(tmp_path: Path) -> None:
    """Regular expressions, paths and products of these would never end."""
    deep = "".join(
        f'#define M{n} M{n + 1} "a"\n#define M{n} M{n + 1} "b"\n' * 20
        for n in range(40)
    )
    calls = "".join(
        f"void f{n}_class_init(ObjectClass *oc)\n{{\n    f{n + 1}_class_init(oc);\n"
        f"    f{n + 1}_class_init(oc);\n}}\n"
        for n in range(200)
    )
    name = "%sa" * 3000
    board = (
        f'{deep}{calls}static void bus_init(void)\n{{\n    qdev_new(M0 "x");\n'
        f'    snprintf(name, 9, "{name}");\n    bridge_class_init(0);\n}}\n'
    )
    more = {
        "hw/net/bridge.c": "static void bridge_class_init(ObjectClass *oc)\n{\n"
        "    f0_class_init(oc);\n}\n"
    }
    assert makes(board_of(tmp_path, board, more)) <= MADE


# --- verdicts -------------------------------------------------------------------------


def _program(version: int, makes: tuple[str, ...], creatable: bool) -> ir.Program:
    table = ir.Description("vmstate_x", "x", "X", version, version, ())
    return ir.Program(
        str(version),
        "arm",
        (ir.Module("hw/x.c", (table,)),),
        roots=(
            ir.Root(
                "vmstate_x", "hw/x.c", "hw/x.c", "device", "x", "x", device_types=("x",)
            ),
        ),
        machines=ir.Machines(
            machines=(
                ir.Machine("one-1", "one-1-machine", board="hw/one.c"),
                ir.Machine("two-1", "two-1-machine", board="hw/two.c"),
                ir.Machine("far-1", "far-1-machine"),
            ),
            types=(ir.ObjectType("x", "device", creatable=creatable),),
            boards=(ir.Board("hw/one.c", makes), ir.Board("hw/two.c")),
        ),
    )


@pytest.mark.parametrize(
    ("makes", "creatable", "machine", "verdict"),
    [
        (("x",), False, "one-1", "incompatible"),
        (("x",), False, "two-1", "compatible"),
        ((), False, "one-1", "compatible"),
        ((), True, "two-1", "incompatible"),
        ((), False, "far-1", "incompatible"),
        ((), False, "", "incompatible"),
    ],
)
def test_a_machine_is_not_refused_for_what_it_cannot_have(
    makes: tuple[str, ...], creatable: bool, machine: str, verdict: str
) -> None:
    judge = MachineJudge(_program(2, makes, creatable), _program(1, makes, creatable))
    assert judge.judgement(machine).worst(("forward",)) == verdict


def test_each_side_answers_for_what_it_sends() -> None:
    """OLD's board makes the device, NEW's no more: only a stream of OLD can have it."""
    judge = MachineJudge(_program(2, ("x",), False), _program(1, (), False))
    found = judge.judgement("one-1")
    assert found.worst(("forward",)) == "incompatible"
    assert found.worst(("backward",)) == "compatible"
