"""Which devices a board makes, and what a verdict makes of that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vmgen import ir
from vmgen.boards import Boards
from vmgen.boards.pattern import NamePattern
from vmgen.c_text import TextPart
from vmgen.cache import Cache, Remembered
from vmgen.cli import run
from vmgen.known import MachineFacts, view
from vmgen.roots.model import Registrations, TypeDecl
from vmgen.stream.having import Having
from vmgen.verdict import show_machines
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.narrowed import narrowed
from vmgen.view.compat import compat_page

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


def board_of(
    root: Path,
    board: str,
    more: dict[str, str] | None = None,
    types: dict[str, tuple[str, str, str, bool]] | None = None,
    unused: Mapping[str, tuple[TextPart, ...]] | None = None,
) -> ir.Machines:
    """What is known of a tree with this text of ``hw/arm/board.c``; ``unused`` are the
    parts of it that its machine types do not run."""
    for name, text in {**CORE, "hw/arm/board.c": board, **(more or {})}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    sources = [name for name in {**CORE, **(more or {})} if name.endswith(".c")]
    declared = tuple(
        TypeDecl(name, parent, abstract, start, file=file)
        for name, (parent, file, start, abstract) in {**TYPES, **(types or {})}.items()
    )
    machines = ir.Machines(
        machines=tuple(
            ir.Machine(name, f"{name}-machine", board="hw/arm/board.c")
            for name in unused or ("arm-1",)
        ),
        types=tuple(ir.ObjectType(one.name, one.parent) for one in declared),
    )
    cache = Cache(root / "kept")
    alone, first, later = (
        Boards(root, remembered).of(
            machines,
            [
                _root(one.name)
                for one in (*declared, TypeDecl("", ""))
                if not one.abstract and one.name != "arm-1-machine"
            ],
            [Registrations("", types=declared)],
            [*sources, "hw/arm/board.c"],
            unused or {},
        )
        for remembered in remembering(cache)
    )
    assert alone == first == later
    return alone


def remembering(cache: Cache) -> Iterator[Remembered]:
    """Nothing; what is kept for the next run; and what was."""
    yield Remembered()
    yield Remembered(cache=cache)
    yield Remembered(cache=cache)


def _root(type_: str) -> ir.Root:
    types = (type_,) if type_ else ()
    file = "" if type_ else "hw/misc/alone.c"
    return ir.Root("vmstate_x", file, "", "device", "", type_, device_types=types)


def makes(machines: ir.Machines) -> set[str]:
    (board,) = machines.boards
    return {*board.makes}


def test_machine_types_make_what_the_code_that_they_run_makes(tmp_path: Path) -> None:
    code = (
        "static void arm_init(int one)\n{\n    if (one) {\n        qdev_new(TYPE_UART);\n"
        '    }\n    qdev_new(one ? "soc" : TYPE_TIMER_A1);\n}\n'
    )
    uart, soc = TextPart(4, 4), TextPart(6, 6, ('"soc"', "TYPE_UART"))
    found = board_of(
        tmp_path,
        code,
        unused={"arm-1": (), "arm-2": (uart,), "arm-3": (uart, soc), "arm-4": (uart,)},
    )
    # The soc has a uart inside.
    assert [(one.machines, {*one.makes}) for one in found.boards] == [
        ((), {"inside", "soc", "timer-a1", "uart"}),
        (("arm-3",), {"inside", "timer-a1"}),
    ]


def test_what_is_not_run_ends_with_its_function(tmp_path: Path) -> None:
    code = (
        'static void a_init(void)\n{\n    qdev_new("soc");\n}\n'
        "static const char *b[] = {\n    TYPE_UART,\n};\n"
    )
    parts = dict.fromkeys(("arm-1", "arm-2"), (TextPart(2, 0),))
    assert makes(board_of(tmp_path, code, unused=parts)) == {"inside", "uart"}


def test_what_a_macro_makes_ends_before_the_next_declaration(tmp_path: Path) -> None:
    code = (
        "DEFINE_BOX_MACHINE(1, NULL,\n                   box_1_options);\n"
        'static void box_2_options(void)\n{\n    qdev_new("soc");\n}\n'
    )
    parts = dict.fromkeys(("arm-1", "arm-2"), (TextPart(1, 0),))
    assert makes(board_of(tmp_path, code, unused=parts)) == {"inside", "soc", "uart"}


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
        ('name = g_strconcat(a, "er-a1"SUFFIX, NULL);', {"timer-a1"}),
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


@pytest.mark.parametrize("place", range(4))
def test_code_around_declarations_makes_devices(place: int, tmp_path: Path) -> None:
    """Before them, between two of them, and behind them."""
    parts = [
        'static const TypeInfo one = { .name = "timer-a1", .class_init = one_init };\n',
        'GlobalProperty old[] = {\n    { "timer-b2", "x-slow", "on" },\n};\n',
        'static const TypeInfo two[] = {\n    { .name = "soc" },\n};\n',
    ]
    parts.insert(place, 'static void make_it(void)\n{\n    qdev_new("uart");\n}\n')
    assert makes(board_of(tmp_path, "".join(parts))) == {"inside", "uart"}


@pytest.mark.parametrize(
    ("code", "added"),
    [
        ("", {"card", "inside", "phy"}),
        ('qdev_new("card");', {"phy"}),
        # What is in the card is in the code of the machine then.
        ("card_setup();", {"phy"}),
        ('qdev_new("soc");', {"card", "inside", "phy"}),
        ('snprintf(name, 9, "ca%s", model);', {"card", "inside", "phy"}),
        ('snprintf(name, 9, "car%s", model);', {"phy"}),
        ('if (object_dynamic_cast(dev, "card")) { }', {"card", "inside", "phy"}),
        # A display that users ask for, and what is no such case.
        (
            'switch (vga) { case VGA_QXL: return make("card"); default: break; }',
            {"card", "inside", "phy"},
        ),
        (
            'switch (vga) { case VGA_NONE: return; case VGA_QXL: make("card"); return 1;'
            ' case VGA_VIRTIO: return make("phy"); }',
            {"card", "inside", "phy"},
        ),
        ('switch (vga) { case VGA_STD: return make("card"); }', {"phy"}),
        ('switch (vga) { case VGA_STD: a(); case VGA_QXL: return make("card"); }',
         {"phy"}),
        ('switch (vga) { case VGA_QXL: case VGA_STD: return make("card"); }', {"phy"}),
        ('switch (vga) { case VGA_QXL: a(); } make("card");', {"phy"}),
        (
            'mc->default_display = "qxl"; switch (vga) {'
            ' case VGA_QXL: return make("card"); }',
            {"phy"},
        ),
        (
            'mc->default_display = "std"; switch (vga) {'
            ' case VGA_QXL: return make("card"); }',
            {"card", "inside", "phy"},
        ),
        (
            # QEMU takes a common one then (get_default_vga_model, system/vl.c).
            "mc->default_display = NULL; switch (vga) {"
            ' case VGA_QXL: return make("card"); }',
            {"card", "inside", "phy"},
        ),
        (
            "mc->default_display = SHOWN; switch (vga) {"
            ' case VGA_QXL: return make("card"); }',
            {"phy"},
        ),
    ],
)  # fmt: skip
def test_what_only_users_add(code: str, added: set[str], tmp_path: Path) -> None:
    """Never a device that a machine may have as it is started without options."""
    more = {"hw/net/card.c": f"{CORE['hw/net/card.c']}void card_setup(void)\n{{\n}}\n"}
    board = f"static int board_init(MachineState *machine)\n{{\n    {code}\n}}\n"
    (one,) = board_of(tmp_path, board, more).boards
    assert {*one.added} == added


def test_the_code_of_a_machine_types_ancestors_runs(tmp_path: Path) -> None:
    families = {
        "family": ("object", "hw/arm/family.c", "", True),
        "arm-1-machine": ("family", "hw/arm/board.c", "", False),
    }
    more = {
        "hw/arm/family.c": 'static void f_init(Object *obj)\n{\n    make("card");\n}\n'
    }
    (one,) = board_of(tmp_path, "int nothing;\n", more, families).boards
    assert {*one.added} == {"phy"}


def test_a_drive_that_a_board_has_is_a_device(tmp_path: Path) -> None:
    more = {
        "blockdev.c": "void drive_new(void)\n{\n    qemu_opts_create(qemu_find_opts("
        '"device"));\n    set("driver", "virtio-blk");\n}\n'
    }
    types = {
        f"virtio-blk{end}": ("device", f"hw/block/blk{end}.c", "", False)
        for end in ("-pci", "-ccw", "-device", "-other")
    }
    files = {one[1]: "static int one;\n" for one in types.values()}
    (one,) = board_of(tmp_path, "int nothing;\n", {**more, **files}, types).boards
    assert {*one.added} == {"card", "inside", "phy", "virtio-blk-other"}


def test_code_that_only_added_devices_call(tmp_path: Path) -> None:
    more = {
        "hw/misc/alone.c": "void alone_init(void)\n{\n}\n",
        "hw/net/card.c": CORE["hw/net/card.c"].replace("make(dev", "alone_init(dev"),
    }
    (one,) = board_of(tmp_path, "int nothing;\n", more).boards
    assert one.calls == one.added_calls == ("hw/misc/alone.c",)
    text = "void a(void)\n{\n    alone_init();\n}\n"
    (one,) = board_of(tmp_path, text, more).boards
    assert (one.calls, one.added_calls) == (("hw/misc/alone.c",), ())


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


def _program(
    version: int, makes: tuple[str, ...], creatable: bool, added: tuple[str, ...] = ()
) -> ir.Program:
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
            boards=(ir.Board("hw/one.c", makes, (), added), ir.Board("hw/two.c")),
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


ADDED = _program(2, (), True, ("x",)), _program(1, (), True, ("x",))


def test_a_device_that_a_user_must_add_is_a_condition() -> None:
    judge = MachineJudge(*ADDED)
    one, two = judge.judgement("one-1"), judge.judgement("two-1")
    assert one.worst(("forward",)) == "conditional"
    assert show_machines.answer(one, "forward") == "loads"
    assert show_machines.answers_with_added(one, "forward") == {"refused": ("x",)}
    # Of the other board it is not known that it makes none.
    assert show_machines.answer(two, "forward") == "refused"
    assert show_machines.answers_with_added(two, "forward") == {}
    text = show_machines.text(
        {"one-1": one, "two-1": two}, ((), ()), directions=("forward",)
    )
    assert (
        "  one-1  2 → 1: loads without options, refused with added devices, 1 " in text
    )
    assert "  two-1  2 → 1: refused, 1 section (x)\n" in text
    first, second = (
        text.index(title)
        for title in (
            "\nincompatible\n",
            "\nincompatible, where a user adds the device",
        )
    )
    assert first < text.index("machine types: two-1") < second
    assert second < text.index("machine types: one-1") < text.index("users add: x")


@pytest.mark.parametrize(
    ("machine", "strict", "status"),
    [("one-1", False, 0), ("one-1", True, 1), ("two-1", False, 1)],
)
def test_the_exit_status_of_an_added_device(
    machine: str, strict: bool, status: int
) -> None:
    one = MachineJudge(*ADDED).judgement(machine)
    assert show_machines.status((one,), ("forward", "backward"), strict) == status


def test_an_added_device_that_the_guest_has_refuses() -> None:
    old, new = ADDED
    judgements = {"one-1": MachineJudge(old, new).judgement("one-1")}
    for devices, has in ((["x"], None), ([], Having(frozenset({"x"})))):
        found = narrowed(judgements, old, new, devices, has)
        assert show_machines.answer(found["one-1"], "forward") == "refused"
    found = narrowed(judgements, old, new, [], Having(frozenset({"cpu"})))
    assert found["one-1"].worst(("forward",)) == "compatible"


def test_an_added_device_in_annotations_and_data() -> None:
    judgements = {"one-1": MachineJudge(*ADDED).judgement("one-1")}
    (line,) = show_machines.github(judgements, ("forward",)).splitlines()
    assert line.startswith("::warning ")
    assert line.endswith("%0AOnly in guests to which a user adds the device")
    data: Any = show_machines.as_json(judgements, ((), ()), ("forward",))
    assert data["machines"][0]["forward"] == {
        "answer": "loads",
        "verdict": "conditional",
        "left": "conditional",
        "with_added": {"refused": ["x"]},
    }
    (found,) = data["sections"]
    assert (found["added"], found["devices"]) == (["forward"], ["x"])
    page = compat_page(("2", "1"), [(judgements, ((), ()))], ("forward",))
    for words in ("refused with added devices:", "where a user adds", "Users add: x"):
        assert words in page


def test_a_section_that_the_board_may_send_is_none_of_an_added_device() -> None:
    """One of the types that have it is in every machine."""
    both = ("x", "y")
    old, new = (
        replace(
            one,
            roots=(replace(one.roots[0], device_types=both),),
            machines=replace(
                one.machines,
                types=tuple(ir.ObjectType(name, "device") for name in both),
            ),
        )
        for one in ADDED
    )
    found = MachineJudge(old, new).judgement("one-1")
    assert found.worst(("forward",)) == "incompatible"


# --- a machine type to look at ----------------------------------------------------------


def _with_devices(count: int = 0) -> MachineFacts:
    names = ("x", "made", "inside", "cpu-x", *(f"d{n:02}" for n in range(count)))
    many = tuple(name for name in names if name.startswith("d"))
    one = _program(1, ("made", "inside"), True, ("x", "inside", *many))
    kinds = {"made": False, "inside": False}
    types = tuple(
        ir.ObjectType(
            name,
            "cpu" if name == "cpu-x" else "device",
            creatable=kinds.get(name, True),
        )
        for name in names
    )
    (root,) = one.roots
    return MachineFacts(
        replace(
            one,
            roots=(replace(root, device_types=names),),
            machines=replace(one.machines, types=types),
        )
    )


def test_a_machine_type_shows_which_devices_it_can_have() -> None:
    facts = _with_devices()
    text = view.text(facts, facts.machines["one-1"])
    assert text.endswith(
        "devices with a section (hw/one.c)\n"
        "  the board can make, 1: made\n"
        "  a user may add, 1: x\n"
        "  inside of what a user adds, 1: inside\n"
    )
    assert view.as_json(facts, facts.machines["one-1"])["devices"] == {
        "board": "hw/one.c",
        "made": ["made"],
        "added": ["x"],
        "inside": ["inside"],
    }
    # Of the second board nothing says what only users add.
    text = view.text(facts, facts.machines["two-1"])
    assert text.endswith("  the board can make, or a user may add, 1: x\n")
    text = view.text(facts, facts.machines["far-1"])
    assert text.endswith("which devices its board makes is not known\n")
    assert view.as_json(facts, facts.machines["far-1"])["devices"] is None


def test_a_line_names_some_devices_and_counts_the_others() -> None:
    facts = _with_devices(20)
    machine = facts.machines["one-1"]
    text = view.text(facts, machine)
    assert (
        "a user may add, 21: d00, d01, d02, d03, d04, d05, d06, d07, and 13 more"
        in text
    )
    assert "d19, x\n" in view.text(facts, machine, full=True)
    assert len(view.as_json(facts, machine)["devices"]["added"]) == 21  # type: ignore[index]


def test_full_is_for_a_machine_type(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["inspect", "machine", "pc-q35-8.2", "--release", "10.0.2", "-t", "x86_64"]
    assert run([*line, "--full"]) == 0
    out = capsys.readouterr().out
    for group, name in (
        ("the board can make", "ICH9-LPC"),
        ("a user may add", "am53c974"),
        ("a user may add", "virtio-gpu-device"),
    ):
        (one,) = (said for said in out.splitlines() if said.startswith(f"  {group}"))
        assert name in re.split(r"[ ,:]+", one)
    assert run(["inspect", "--full", "-t", "riscv64"]) == 2
