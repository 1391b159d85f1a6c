"""Machine types, compat properties and properties of devices: small files of our own.
tests/qemu/test_machine_types.py asks real QEMU."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.trees import require_tree
from vmgen import ir, kept, machines, roots
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.machines import FileMachines, MachineResolution
from vmgen.machines.runs import known_runs
from vmgen.source import Position

PRELUDE = """
typedef unsigned char uint8_t; typedef unsigned int uint32_t; typedef unsigned long uint64_t;
typedef long int64_t; typedef unsigned long size_t;
typedef struct ObjectClass ObjectClass;
typedef struct GPtrArray GPtrArray;
typedef struct VMStateDescription VMStateDescription;
typedef struct VMStateInfo VMStateInfo;
typedef struct InterfaceInfo { const char *type; } InterfaceInfo;
typedef struct TypeInfo {
    const char *name; const char *parent; _Bool abstract;
    void (*class_init)(ObjectClass *, void *); void (*class_base_init)(ObjectClass *, void *);
    const void *class_data; const InterfaceInfo *interfaces; void (*instance_init)(void *);
} TypeInfo;
typedef struct QEnumLookup QEnumLookup;
extern const QEnumLookup Colour_lookup;
typedef struct PropertyInfo {
    const char *type; const QEnumLookup *enum_table; void (*set_default_value)(void);
} PropertyInfo;
typedef struct Property {
    const char *name; const PropertyInfo *info; long offset;
    union { int64_t i; uint64_t u; } defval; uint8_t bitnr; _Bool set_default;
} Property;
typedef struct GlobalProperty {
    const char *driver; const char *property; const char *value; _Bool optional;
} GlobalProperty;
typedef struct MachineClass {
    GPtrArray *compat_props; const char *alias; _Bool is_default; int max_cpus;
    struct { _Bool books; } smp; void (*init)(void);
    const char *default_cpu_type;
} MachineClass;
typedef struct BoxMachineClass { MachineClass parent; _Bool old; int caps[4]; } BoxMachineClass;
typedef struct DeviceClass { const Property *props; } DeviceClass;
typedef struct TargetInfo { const char *machine_typename; } TargetInfo;
MachineClass *MACHINE_CLASS(ObjectClass *);
BoxMachineClass *BOX_MACHINE_CLASS(MachineClass *);
DeviceClass *DEVICE_CLASS(ObjectClass *);
void compat_props_add(GPtrArray *, GlobalProperty *, size_t);
void device_class_set_props_n(DeviceClass *, const Property *, size_t);
void type_register_static(const TypeInfo *);
char *getenv(const char *);
_Bool kvm_enabled(void);
void start(void);
extern const PropertyInfo prop_bool, prop_u32, prop_colour, prop_odd;
extern GlobalProperty hw_compat_1_0[]; extern const size_t hw_compat_1_0_len;
"""

KINDS = """
static void set(void) {}
const PropertyInfo prop_bool = { .type = "bool", .set_default_value = set };
const PropertyInfo prop_u32 = { .type = "uint32", .set_default_value = set };
const PropertyInfo prop_colour = {
    .type = "Colour", .enum_table = &Colour_lookup, .set_default_value = set };
const PropertyInfo prop_odd = { .type = "str", .set_default_value = set };
static const TypeInfo device = { .name = "device", .abstract = 1 };
static const TypeInfo machine = { .name = "machine", .abstract = 1 };
static const TypeInfo box = { .name = "box", .parent = "machine", .abstract = 1 };
GlobalProperty hw_compat_1_0[] = { { "dev", "mode", "off" }, { "dev", "x-new", "0", 1 } };
const size_t hw_compat_1_0_len = sizeof(hw_compat_1_0) / sizeof(hw_compat_1_0[0]);
"""


def class_init(name: str, body: str) -> str:
    return (
        f"static void {name}(ObjectClass *oc, void *data)\n"
        f"{{\n    MachineClass *mc = MACHINE_CLASS(oc);\n{body}\n}}\n"
    )


def machine(version: str, body: str, more: str = "") -> str:
    name = f"box_{version.replace('.', '_')}"
    return class_init(f"{name}_class_init", body) + (
        f'static const TypeInfo {name} = {{ .name = "box-{version}-machine", '
        f'.parent = "box", .class_init = {name}_class_init, {more} }};\n'
    )


def read(text: str, file: str) -> tuple[roots.Registrations, FileMachines]:
    unit = Unit(PRELUDE + f'# 1 "{file}"\n{text}', source=file)
    layout = Layout(unit)
    found = roots.roots_of(unit, layout, text)
    return found, machines.machines_of(unit, layout, found)


def resolution(*texts: str, target: str = "") -> MachineResolution:
    files = [read(text, f"{number}.c") for number, text in enumerate((KINDS, *texts))]
    return machines.resolve(
        [one for one, _ in files],
        [one for _, one in files],
        {"Colour": ("auto", "red", "green")},
        target,
    )


def resolved(*texts: str) -> ir.Machines:
    found = resolution(*texts)
    assert found.undecided == ()
    return found.machines


def settings(found: ir.Machines, name: str) -> list[tuple[str, str, str]]:
    """What a machine type sets, in order."""
    tables = {(one.file, one.symbol): one for one in found.tables}
    (one,) = (one for one in found.machines if one.name == name)
    assert one.open == ""
    return [
        (each.driver, each.property, each.value)
        for table in one.tables
        for each in tables[table].settings
    ]


OPTIONS = """
static void box_2_0_options(MachineClass *mc)
{
}
static void box_1_0_options(MachineClass *mc)
{
    static GlobalProperty compat[] = { { "cpu", "pmu", "off", } };
    box_2_0_options(mc);
    compat_props_add(mc->compat_props, compat, sizeof(compat) / sizeof(compat[0]));
    compat_props_add(mc->compat_props, hw_compat_1_0, hw_compat_1_0_len);
}
static void box_0_9_options(MachineClass *m)
{
    static GlobalProperty compat[] = { { "dev", "mode", "auto" } };
    box_1_0_options(m);
    compat_props_add(m->compat_props, compat, 1);
}
"""


def versions() -> str:
    return OPTIONS + "".join(
        machine(
            version,
            f"box_{version.replace('.', '_')}_options(mc);\n"
            f'    if ({latest}) {{ mc->alias = "box"; mc->is_default = 1; }}',
        )
        for version, latest in (("2.0", 1), ("1.0", 0), ("0.9", 0))
    )


def test_a_machine_type_sets_what_the_newer_ones_set_and_then_its_own() -> None:
    found = resolved(versions())
    new = [("cpu", "pmu", "off"), ("dev", "mode", "off"), ("dev", "x-new", "0")]
    assert settings(found, "box-2.0") == []
    assert settings(found, "box-1.0") == new
    assert settings(found, "box-0.9") == [*new, ("dev", "mode", "auto")]
    symbols = [one.symbol for one in found.tables]
    assert symbols == [
        "hw_compat_1_0", "box_0_9_options.compat", "box_1_0_options.compat",
    ]  # fmt: skip
    assert [one.optional for one in found.tables[0].settings] == [False, True]


def test_alias_and_default_are_those_of_the_branch_that_constants_choose() -> None:
    found = resolved(versions())
    known = {one.name: (one.aliases, one.default) for one in found.machines}
    assert known == {
        "box-2.0": (("box",), True),
        "box-1.0": ((), False),
        "box-0.9": ((), False),
    }


def the_open(body: str) -> ir.Machine:
    (found,) = resolved(
        'static GlobalProperty t[] = { { "dev", "a", "1" }, { "dev", "b", "2" } };\n'
        "extern GlobalProperty gone[]; extern const size_t gone_len;\n"
        + machine("1.0", body)
    ).machines
    return found


def test_what_constants_do_not_decide_is_said() -> None:
    add = "compat_props_add(mc->compat_props, t, 2);"
    assert the_open(add).open == ""
    assert "under a condition" in the_open(f"if (kvm_enabled()) {{ {add} }}").open
    assert "under a condition" in the_open(f"if (kvm_enabled()) return; {add}").open
    for body, said in {
        "compat_props_add(mc->compat_props, t, 1);": "adds 1 rows of t",
        "compat_props_add(mc->compat_props, gone, gone_len);": "was not read",
        "compat_props_add(mc->compat_props, data, 2);": "was not read",
    }.items():
        one = the_open(body)
        assert said in one.open
        assert one.tables == ()


def test_a_branch_that_no_constant_takes_sets_nothing() -> None:
    one = the_open("if (0 || !1) { compat_props_add(mc->compat_props, t, 2); }")
    assert (one.open, one.tables) == ("", ())
    one = the_open("if (1) return; compat_props_add(mc->compat_props, t, 2);")
    assert (one.open, one.tables) == ("", ())
    one = the_open("do { compat_props_add(mc->compat_props, t, 2); } while (0);")
    assert (one.open, one.tables) == ("", (("1.c", "t"),))


def test_a_machine_type_that_is_too_old_is_not_registered() -> None:
    def registers(condition: str) -> str:
        return (
            f"static void reg(void)\n{{\n    do {{ if ({condition}) {{ return; }} }}"
            " while (0);\n    type_register_static(&box_1_0);\n}\n"
        )

    for condition, there in {
        "10 - 2 > 6": False,
        "10 - 9 > 6": True,
        '10 - 2 > 6 && (getenv("DELETE") || 10 > 10)': True,
        '10 - 2 > 6 && (getenv("DELETE") || 11 > 10)': False,
        "kvm_enabled()": True,
    }.items():
        found = resolved(machine("1.0", "") + registers(condition))
        assert [one.name for one in found.machines] == ["box-1.0"] * there, condition


def test_only_concrete_descendants_of_machine_are_started() -> None:
    found = resolved(
        machine("1.0", "", ".abstract = 1")
        + 'static const TypeInfo odd = { .name = "odd-machine", .parent = "device" };\n'
        + 'static const TypeInfo lost = { .name = "lost-machine", .parent = "nobody" };\n'
    )
    assert found.machines == ()


def test_a_target_starts_the_machine_types_that_have_its_interface() -> None:
    here = '.interfaces = (InterfaceInfo[]) { { "for-box" }, { } }'
    text = machine("1.0", "", here) + machine("2.0", "")
    target = 'static const TargetInfo t = { .machine_typename = "for-box" };\n'
    assert [one.name for one in resolved(text).machines] == ["box-1.0", "box-2.0"]
    assert [one.name for one in resolved(text, target).machines] == ["box-1.0"]


def test_a_table_of_interfaces_may_be_in_another_file() -> None:
    declared = "extern const InterfaceInfo here[];\n"
    text = declared + machine("1.0", "", ".interfaces = here") + machine("2.0", "")
    table = 'const InterfaceInfo here[] = { { "for-box" }, { } };\n'
    target = 'static const TargetInfo t = { .machine_typename = "for-box" };\n'
    found = resolved(text, table, target).machines
    assert [one.name for one in found] == ["box-1.0"]


def members(body: str, above: str = "", more: str = "") -> dict[tuple[str, str], int]:
    init = class_init("base_class_init", above) + more
    text = init + machine("1.0", body).replace('.parent = "box"', '.parent = "base"')
    base = (
        'static const TypeInfo base = { .name = "base", .parent = "machine", '
        ".abstract = 1, .class_init = base_class_init, "
    )
    base += ".class_base_init = again };\n" if "again" in more else "};\n"
    (one,) = resolved(text + base).machines
    return {(each.place.type, each.place.path): each.value for each in one.members}


def test_members_of_the_class_are_what_was_assigned_last() -> None:
    bmc = "    BoxMachineClass *bmc = BOX_MACHINE_CLASS(mc);\n"
    old = ("BoxMachineClass", "old")
    assert members(f"{bmc}bmc->old = 1; bmc->caps[2] = 1 + 2;") == {
        old: 1,
        ("BoxMachineClass", "caps[2]"): 3,
    }
    assert members(f"{bmc}bmc->old = 1; bmc->old = kvm_enabled();") == {}
    assert members(f"{bmc}if (kvm_enabled()) {{ bmc->old = 1; }}") == {}
    assert members("mc->smp.books = 1;", "mc->smp.books = 0; mc->max_cpus = 8;") == {
        ("MachineClass", "smp.books"): 1,
        ("MachineClass", "max_cpus"): 8,
    }
    assert members("mc->init = start;", "mc->max_cpus = 8; mc->max_cpus |= 1;") == {}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('mc->default_cpu_type = "fast" "-cpu";', "fast-cpu"),
        ('mc->default_cpu_type = "fast-cpu"; mc->default_cpu_type = "slow-cpu";', "slow-cpu"),
        ('mc->default_cpu_type = kvm_enabled() ? "host-cpu" : "slow-cpu";', ""),
        ('mc->default_cpu_type = "slow-cpu"; if (kvm_enabled()) { mc->default_cpu_type = "x"; }', ""),
        ("", ""),
    ],
)  # fmt: skip
def test_the_cpu_that_a_machine_type_has_without_options(
    body: str, expected: str
) -> None:
    (one,) = resolved(machine("2.0", body)).machines
    assert one.cpu == expected


SECTION = """
struct VMStateDescription { const char *name; };
int vmstate_register(void *, int, const VMStateDescription *, void *);
static const VMStateDescription vmstate_shelf = { .name = "shelf" };
_Bool shelves = 1;
void shelf_register(void)
{
    if (shelves) {
        vmstate_register(0, 0, &vmstate_shelf, 0);
    }
}
"""


def board(init: str, instance_init: str = "") -> str:
    """A machine type of a board with the bodies of these functions."""
    return (
        "extern _Bool shelves; void shelf_register(void); int odd(void);\n"
        "BoxMachineClass *current(void);\n"
        "_Bool is_old(void) { return current()->old; }\n"
        "static void inner(void) { shelf_register(); }\n"
        f"static void box_init(void) {{ {init} }}\n"
        f"static void box_made(void *obj) {{ {instance_init} }}\n"
    ) + machine(
        "2.0",
        "BOX_MACHINE_CLASS(mc)->old = 1; mc->init = box_init;",
        ".instance_init = box_made",
    )


@pytest.mark.parametrize(
    ("init", "instance_init", "sure"),
    [
        ("shelf_register();", "", True),
        ("if (odd()) { odd(); } inner();", "", True),
        ("if (is_old()) { inner(); }", "", True),
        ("if (!is_old()) { inner(); }", "", False),
        ("if (current()->old) { inner(); }", "", True),
        ("if (odd()) { inner(); }", "", False),
        ("odd() && (shelf_register(), 1);", "", False),
        ("while (odd()) { inner(); }", "", False),
        ("if (odd()) { return; } inner();", "", False),
        ("void (*shelf_register)(void) = start; shelf_register();", "", False),
        ("odd();", "", False),
        ("inner();", "shelves = 0;", False),
        ("inner();", "int shelves = 0; shelves = 2;", True),
        ("shelves = 0; inner();", "", False),
    ],
)
def test_what_a_board_registers_whatever_the_guest_is(
    init: str, instance_init: str, sure: bool
) -> None:
    (one,) = resolved(SECTION, board(init, instance_init)).machines
    assert one.runs == ((("1.c", "shelf_register"),) if sure else ())


@pytest.mark.parametrize(
    "section",
    [
        SECTION.replace("shelves = 1", "shelves = 0"),
        SECTION.replace("_Bool shelves = 1;", "extern _Bool shelves;"),
        SECTION.replace("if (shelves) {", "if (kvm_enabled()) {"),
        SECTION.replace("if (shelves) {", "for (int i = 0; i < 2; i++) {"),
    ],
)
def test_a_function_that_may_not_register_is_none_that_does(section: str) -> None:
    (one,) = resolved(section, board("inner();")).machines
    assert one.runs == ()


@pytest.mark.parametrize("release", ["7.2", "10.0"])
def test_what_boards_run_through_pointers_is_in_the_c(release: str) -> None:
    tree = require_tree(release)
    for one in known_runs():
        assert (tree / one.board).is_file()
        option = one.unless.rpartition("=")[0].rpartition(" ")[2]
        assert f'"{option}"' in (tree / one.board).read_text()
        for place in one.place.split("; "):
            file, name = place.split(": ")
            assert name in (tree / file).read_text()


def test_what_the_base_class_changes_in_each_class_is_no_constant() -> None:
    again = (
        "static void again(ObjectClass *oc, void *data)\n{\n"
        "    MachineClass *mc = MACHINE_CLASS(oc);\n"
        "    mc->max_cpus = mc->max_cpus ?: 1;\n}\n"
    )
    assert members("", "mc->max_cpus = 8;", again) == {}


# --- properties ---------------------------------------------------------------------------

DEVICE = """
typedef struct Inner { uint32_t flags; _Bool on; } Inner;
typedef struct DevState { int head; Inner in; Inner *far; uint32_t many[3]; } DevState;
"""


def row(name: str, member: str, more: str, info: str = "prop_u32") -> str:
    where = f"__builtin_offsetof(DevState, {member})"
    return f'{{ .name = "{name}", .info = &{info}, .offset = {where}, {more} }}'


def table(*rows: str, symbol: str = "props") -> str:
    return f"static const Property {symbol}[] = {{ {', '.join(rows)} }};\n"


def dev(body: str = "device_class_set_props_n(dc, props, 1);", more: str = "") -> str:
    return (
        "static void dev_class_init(ObjectClass *oc, void *data)\n{\n"
        f"    DeviceClass *dc = DEVICE_CLASS(oc);\n    {body}\n}}\n"
        'static const TypeInfo dev = { .name = "dev", .parent = "device", '
        f".class_init = dev_class_init, {more} }};\n"
    )


def properties(*texts: str) -> dict[str, ir.Property]:
    found = resolved(*texts).properties
    assert {one.type for one in found} <= {"dev"}
    return {one.name: replace(one, position=Position("")) for one in found}


def test_a_property_says_member_bit_and_default() -> None:
    default = ".set_default = 1, .defval.u = 1"
    found = properties(
        DEVICE
        + table(
            row("flag", "in.flags", f".bitnr = 5, {default}", "prop_bool"),
            row("count", "many[1]", ".set_default = 1, .defval.i = (int)-1"),
            row("colour", "head", ".set_default = 1, .defval.i = 2", "prop_colour"),
            row("plain", "head", ""),
            row("odd", "head", default, "prop_odd"),
            "{ 0 }",
            row("behind", "head", ""),
        )
        + dev()
    )
    flags = (ir.MemberPlace("DevState", "in.flags"), ir.MemberPlace("Inner", "flags"))
    head = (ir.MemberPlace("DevState", "head"),)
    many = (ir.MemberPlace("DevState", "many[1]"),)
    assert found == {
        "flag": ir.Property("dev", "flag", "bool", flags, 5, 1),
        "count": ir.Property("dev", "count", "number", many, None, -1),
        "colour": ir.Property(
            "dev", "colour", "number", head, None, 2, ("auto", "red", "green")
        ),
        "plain": ir.Property("dev", "plain", "number", head),
        "odd": ir.Property("dev", "odd", "other", head),
    }


def test_a_default_that_cannot_be_read_costs_the_default_only() -> None:
    text = DEVICE + table(row("x", "head", ".set_default = 1, .defval.u = MISSING"))
    found = resolution(text + dev())
    assert [(one.name, one.default) for one in found.machines.properties] == [
        ("x", None)
    ]
    assert [one.code for one in found.undecided] == ["VG308"]


def test_the_table_that_is_set_last_counts_wherever_it_is_set() -> None:
    one = table(row("one", "head", ""), symbol="first")
    two = table(row("two", "head", ""))
    both = "device_class_set_props_n(dc, first, 1); dc->props = props;"
    assert [*properties(DEVICE + one + two + dev(both))] == ["two"]
    shared = "static void common(DeviceClass *dc)\n{\n    dc->props = props;\n}\n"
    assert [*properties(DEVICE + two + shared + dev("common(dc);"))] == ["two"]


def test_a_table_of_the_type_s_class_data() -> None:
    text = (
        DEVICE
        + table(row("a", "head", ""), symbol="first")
        + table(row("b", "head", ""), symbol="second")
        + """
typedef struct DevInfo { const char *name; const Property *props; } DevInfo;
static const DevInfo infos[] = { { "dev-a", first }, { "dev-b", second } };
static void dev_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    const DevInfo *info = data;
    device_class_set_props_n(dc, info->props, 1);
}
static void dev_register_types(void)
{
    for (int i = 0; i < 2; i++) {
        TypeInfo type = { .name = infos[i].name, .parent = "device",
            .class_init = dev_class_init, .class_data = &infos[i] };
        type_register_static(&type);
    }
}
"""
    )
    found = [(one.type, one.name) for one in resolved(text).properties]
    assert found == [("dev-a", "a"), ("dev-b", "b")]


ROWS = """
typedef struct DevInfo { const char *name; bool plain; int more; } DevInfo;
static const DevInfo infos[] = { { "dev-a", true }, { "dev-b" }, { "dev-c", false, 3 } };
static void fill(DeviceClass *dc, const DevInfo *info);
static void dev_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    const DevInfo *info = data;
    if (!info->plain) {
        if (info->more) { dc->props = third; } else { dc->props = second; }
    } else {
        dc->props = first;
    }
}
static void dev_register_types(void)
{
    for (int i = 0; i < 3; i++) {
        TypeInfo type = { .name = infos[i].name, .parent = "device",
            .class_init = dev_class_init, .class_data = &infos[i] };
        type_register_static(&type);
    }
}
"""


def three_tables() -> str:
    default = ".set_default = 1, .defval.u = 1"
    return "".join(
        table(row(name, "head", default), symbol=symbol)
        for name, symbol in (("a", "first"), ("b", "second"), ("c", "third"))
    )


def test_a_condition_on_the_type_s_class_data() -> None:
    found = resolution(DEVICE + three_tables() + ROWS)
    assert not found.undecided
    got = [(one.type, one.name, one.default) for one in found.machines.properties]
    assert got == [("dev-a", "a", 1), ("dev-b", "b", 1), ("dev-c", "c", 1)]


def test_a_condition_on_what_is_set_elsewhere_stays_open() -> None:
    other = ROWS.replace("*info = data;", "*info = data; info = infos;")
    found = resolution(DEVICE + three_tables() + other)
    assert {one.code for one in found.undecided} == {"VG425"}
    assert {one.default for one in found.machines.properties} == {None}


def test_the_class_data_of_a_static_type() -> None:
    made = ROWS[: ROWS.index("static void dev_register_types")] + """
static const DevInfo one[] = { { "", true } };
static const TypeInfo dev_info = { .name = "dev-d", .parent = "device",
    .class_init = dev_class_init, .class_data = (void *)one };
static void dev_register_types(void) { type_register_static(&dev_info); }
"""
    found = resolution(DEVICE + three_tables() + made)
    assert not found.undecided
    got = [(one.type, one.name, one.default) for one in found.machines.properties]
    assert got == [("dev-d", "a", 1)]


def test_the_class_data_of_a_type_that_another_file_s_function_fills() -> None:
    head, _, rest = ROWS.partition("static void dev_class_init")
    body, _, _ = rest.partition("static void dev_register_types")
    filling = DEVICE + three_tables() + head + "void dev_class_init" + body
    other = DEVICE + head.replace("infos", "others") + """
void dev_class_init(ObjectClass *oc, void *data);
static const TypeInfo dev_info = { .name = "dev-e", .parent = "device",
    .class_init = dev_class_init, .class_data = (void *)others };
static void dev_register_types(void) { type_register_static(&dev_info); }
"""
    found = resolution(filling, other)
    assert not found.undecided
    got = [(one.type, one.name, one.default) for one in found.machines.properties]
    assert got == [("dev-e", "a", 1)]


def test_properties_under_a_condition_have_no_defaults() -> None:
    default = ".set_default = 1, .defval.u = 1"
    text = table(row("a", "head", default)) + table(
        row("b", "head", default), symbol="other"
    )
    body = "if (kvm_enabled()) { dc->props = props; } else { dc->props = other; }"
    found = resolution(DEVICE + text + dev(body))
    assert [(one.name, one.default) for one in found.machines.properties] == [
        ("a", None),
        ("b", None),
    ]
    assert {one.code for one in found.undecided} == {"VG425"}


ARCH = """
typedef enum SysEmuTarget { SYS_EMU_TARGET_ARM, SYS_EMU_TARGET_I386, SYS_EMU_TARGET_RISCV64,
    SYS_EMU_TARGET_X86_64, SYS_EMU_TARGET__MAX } SysEmuTarget;
SysEmuTarget target_arch(void);
"""
OLD_GUESTS = """
static _Bool has_old_guests(void)
{
    switch (target_arch()) {
    case SYS_EMU_TARGET_I386:
    case SYS_EMU_TARGET_X86_64:
        return 1;
    default:
        return 0;
    }
}
"""
NEW_GUESTS = """
static _Bool has_new_guests(void)
{
    switch (target_arch()) {
    case SYS_EMU_TARGET_I386:
        return 0;
    case SYS_EMU_TARGET_X86_64:
        return 0;
    }
    return 1;
}
static _Bool has_old_guests(void) { return !has_new_guests(); }
"""
FALLS_THROUGH = """
void log_it(void);
static _Bool has_old_guests(void)
{
    switch (target_arch()) {
    case SYS_EMU_TARGET_I386:
        log_it();
    case SYS_EMU_TARGET_X86_64:
        return 1;
    default:
        return 0;
    }
}
"""
IS_X86 = (
    "target_arch() == SYS_EMU_TARGET_X86_64 || SYS_EMU_TARGET_I386 == target_arch()"
)


@pytest.mark.parametrize("target", ["X86_64", "I386", "ARM"])
@pytest.mark.parametrize(
    ("before", "condition"),
    [
        (OLD_GUESTS, "has_old_guests()"),
        (NEW_GUESTS, "has_old_guests()"),
        ("", IS_X86),
        (
            "",
            "!(target_arch() != SYS_EMU_TARGET_X86_64) || target_arch() == SYS_EMU_TARGET_I386",
        ),
    ],
)
def test_a_table_may_be_added_for_some_targets(
    before: str, condition: str, target: str
) -> None:
    default = ".set_default = 1, .defval.u = 1"
    text = table(row("a", "head", default)) + table(
        row("b", "head", default), symbol="old"
    )
    body = (
        "device_class_set_props_n(dc, props, 1);\n"
        f"if ({condition}) {{ device_class_set_props_n(dc, old, 1); }}"
    )
    found = resolution(
        DEVICE + ARCH + before + text + dev(body), target=f"SYS_EMU_TARGET_{target}"
    )
    own = [("a", 1), *([] if target == "ARM" else [("b", 1)])]
    assert [(one.name, one.default) for one in found.machines.properties] == own
    assert not found.undecided


UNREADABLE = "static _Bool has_old_guests(void) { @ }\n"


@pytest.mark.parametrize(
    ("before", "condition", "target"),
    [
        (FALLS_THROUGH, "has_old_guests()", "SYS_EMU_TARGET_ARM"),
        (UNREADABLE, "has_old_guests()", "SYS_EMU_TARGET_ARM"),
        # What is not known of the tree, or a variable: nothing is decided.
        (OLD_GUESTS, "has_old_guests()", ""),
        (
            "extern SysEmuTarget of_host;",
            "target_arch() == of_host",
            "SYS_EMU_TARGET_ARM",
        ),
        ("", "kvm_enabled()", "SYS_EMU_TARGET_ARM"),
    ],
)
def test_a_table_that_may_be_added_costs_nothing_else(
    before: str, condition: str, target: str
) -> None:
    default = ".set_default = 1, .defval.u = 1"
    text = table(row("a", "head", default)) + table(
        row("b", "head", default), symbol="old"
    )
    body = (
        "device_class_set_props_n(dc, props, 1);\n"
        f"if ({condition}) {{ device_class_set_props_n(dc, old, 1); }}"
    )
    found = resolution(DEVICE + ARCH + before + text + dev(body), target=target)
    own = [(one.name, one.default) for one in found.machines.properties]
    assert own == [("a", 1), ("b", None)]
    assert {one.code for one in found.undecided} == {"VG425"}


def test_a_symbol_means_that_of_its_own_file_first() -> None:
    static = 'static GlobalProperty hw_compat_1_0[] = { { "dev", "own", "1" } };\n'
    own = "compat_props_add(mc->compat_props, hw_compat_1_0, 1);"
    shadowed = PRELUDE.replace("extern GlobalProperty hw_compat_1_0[];", "")
    assert shadowed != PRELUDE
    unit = Unit(shadowed + static + machine("1.0", own), source="9.c")
    layout = Layout(unit)
    registered = roots.roots_of(unit, layout, machine("1.0", own))
    kinds = read(KINDS, "0.c")
    found = machines.resolve(
        [kinds[0], registered],
        [kinds[1], machines.machines_of(unit, layout, registered)],
        {},
        "",
    )
    assert settings(found.machines, "box-1.0") == [("dev", "own", "1")]


def test_types_have_parents_and_interfaces() -> None:
    text = (
        'static const InterfaceInfo both[] = { { "a" }, { "b" }, { } };\n'
        'static const TypeInfo one = { .name = "one", .parent = "device", .interfaces = both };\n'
        'static const TypeInfo two = { .name = "two", .parent = "one", .abstract = 1 };\n'
    )
    found = {one.name: one for one in resolved(text).types}
    assert found["one"] == ir.ObjectType("one", "device", False, ("a", "b"))
    assert found["two"] == ir.ObjectType("two", "one", True)


# --- kept ---------------------------------------------------------------------------------


def test_what_a_file_says_comes_back_from_the_cache() -> None:
    default = ".set_default = 1, .defval.u = 1"
    text = versions() + DEVICE + table(row("a", "in.on", default, "prop_bool")) + dev()
    registered, found = read(text, "a.c")
    assert found.properties
    assert found.compat
    assert found.code
    assert kept.loads(FileMachines, kept.dumps(found)) == found
    assert kept.loads(roots.Registrations, kept.dumps(registered)) == registered


def test_a_file_without_any_of_it_is_not_read() -> None:
    @dataclass
    class Case:
        text: str
        wanted: bool

    for case in (
        Case("static const Property x[] = {", True),
        Case("static Property x[] = {", True),
        Case("GlobalProperty hw_compat[] = {", True),
        Case("DEFINE_VIRT_MACHINE(9, 2)", True),
        Case("static void foo_options(MachineClass *mc)", True),
        Case("device_class_set_props(dc, x);", True),
        Case("int x; Property *p; MachineState *m;", False),
    ):
        assert machines.is_wanted(case.text) == case.wanted, case.text
