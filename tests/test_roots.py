"""What is registered as a section: small files of our own, and real trees, which are
asked what the real binaries were asked."""

from __future__ import annotations

import json
import lzma
import re
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.lacking import lacking
from tests.stream_sections import description_json
from tests.trees import require_tree
from vmgen import ir, linkmodel, preprocess, roots, tree
from vmgen.c_text import CText
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.extract import extract
from vmgen.ir import json as ir_json
from vmgen.roots.registering import functions
from vmgen.roots.strings import Strings, definitions
from vmgen.roots.text_types import look_at, registrations
from vmgen.source import Position, VmgenError

PRELUDE = """
typedef unsigned int uint32_t;
typedef struct ObjectClass ObjectClass;
typedef struct VMStateField VMStateField;
typedef struct VMStateDescription {
    const char *name; int version_id; int minimum_version_id;
    const VMStateField *fields;
} VMStateDescription;
typedef struct InterfaceInfo { const char *type; } InterfaceInfo;
typedef struct TypeInfo {
    const char *name; const char *parent; _Bool abstract;
    void (*class_init)(ObjectClass *, void *); void *class_data;
    void (*class_base_init)(ObjectClass *, void *); const InterfaceInfo *interfaces;
} TypeInfo;
typedef struct DeviceClass { const VMStateDescription *vmsd; const char *bus_type; } DeviceClass;
typedef struct BusClass { char *(*get_dev_path)(void *); } BusClass;
typedef struct VirtioDeviceClass { const VMStateDescription *vmsd; } VirtioDeviceClass;
typedef struct SysemuCPUOps { const VMStateDescription *legacy_vmsd; } SysemuCPUOps;
typedef struct CPUClass {
    const SysemuCPUOps *sysemu_ops; const VMStateDescription *vmsd;
} CPUClass;
typedef struct SaveVMHandlers { int x; } SaveVMHandlers;
DeviceClass *DEVICE_CLASS(ObjectClass *);
BusClass *BUS_CLASS(ObjectClass *);
CPUClass *CPU_CLASS(ObjectClass *);
VirtioDeviceClass *VIRTIO_DEVICE_CLASS(ObjectClass *);
char *g_strdup_printf(const char *, ...);
void *g_memdup2(const void *, unsigned long);
void type_register_static(const TypeInfo *);
typedef struct Object Object;
typedef struct NetClientState { char *model; char *name; } NetClientState;
typedef struct NICState NICState;
NICState *qemu_new_nic(void *, void *, const char *, const char *, void *);
NetClientState *qemu_get_queue(NICState *);
const char *object_get_typename(Object *);
typedef struct NicClass { void (*realize)(void *); } NicClass;
NicClass *NIC_CLASS(ObjectClass *);
void vmstate_register(void *, uint32_t, const VMStateDescription *, void *);
void vmstate_register_any(void *, const VMStateDescription *, void *);
int vmstate_replace_hack_for_ppc(void *, int, const VMStateDescription *, void *);
int vmstate_register_with_alias_id(void *, int, const VMStateDescription *, void *, int, int, void *);
void register_savevm_live(const char *, uint32_t, int, const SaveVMHandlers *, void *);
"""

BASE = """
static const TypeInfo device = { .name = "device", .parent = "object", .abstract = 1 };
"""


def described(symbol: str, name: str = "") -> str:
    return f'const VMStateDescription {symbol} = {{ .name = "{name or symbol}", .version_id = 3 }};\n'


def read(text: str, file: str = "a.c") -> tuple[roots.Registrations, ir.Module]:
    unit = Unit(PRELUDE + text, source=file)
    layout = Layout(unit)
    found = roots.roots_of(unit, layout, text)
    return found, extract(unit, layout, lambda position: "")


def resolved(*texts: str) -> tuple[ir.Root, ...]:
    """The roots of a binary made of these files."""
    both = [
        read(text, f"{number}.c") for number, text in enumerate((BASE, *texts), start=0)
    ]
    found = roots.resolve([found for found, _ in both], [module for _, module in both])
    assert found.undecided == ()
    return found.roots


def device(
    name: str, class_init: str = "", parent: str = "device", more: str = ""
) -> str:
    init = f".class_init = {class_init}, " if class_init else ""
    symbol = name.replace("-", "_")
    return (
        f"static const TypeInfo {symbol}_info = "
        f'{{ .name = "{name}", .parent = "{parent}", {init}{more} }};\n'
    )


SETS = """
static void {name}_class_init(ObjectClass *klass, void *data)
{{
    DeviceClass *dc = DEVICE_CLASS(klass);
    dc->vmsd = {value};
}}
"""


def sets(name: str, value: str) -> str:
    return SETS.format(name=name, value=value)


def test_a_class_and_those_that_inherit_from_it() -> None:
    (root,) = resolved(
        described("vmstate_one", "one")
        + sets("one", "&vmstate_one")
        + device("one", "one_class_init", more=".abstract = 1"),
        device("one-small", parent="one") + device("one-large", parent="one"),
        device("other"),
    )
    assert root.symbol == "vmstate_one"
    assert root.how == "device"
    assert root.registrant == "one"
    assert root.section == "one"
    assert root.version_id == 3
    assert root.device_types == ("one-large", "one-small")
    assert (root.file, root.home) == ("1.c", "1.c")
    assert (root.prefix, root.instance) == ("", "any")


def test_a_child_overrides_or_drops_what_it_inherits() -> None:
    found = resolved(
        described("vmstate_a", "a")
        + described("vmstate_b", "b")
        + sets("a", "&vmstate_a")
        + sets("b", "&vmstate_b")
        + sets("c", "(void *)0")
        + device("a", "a_class_init")
        + device("b", "b_class_init", "a")
        + device("c", "c_class_init", "b")
        + device("d", parent="c")
    )
    assert {root.symbol: root.device_types for root in found} == {
        "vmstate_a": ("a",),
        "vmstate_b": ("b",),
    }


def test_the_class_decides_not_the_member_name() -> None:
    text = described("vmstate_a", "a") + described("vmstate_inner", "inner") + """
static void a_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    VirtioDeviceClass *vdc = VIRTIO_DEVICE_CLASS(klass);
    dc->vmsd = &vmstate_a;
    vdc->vmsd = &vmstate_inner;
}
""" + device("a", "a_class_init")
    (root,) = resolved(text)
    assert root.symbol == "vmstate_a"


def test_a_function_of_another_file_sets_it() -> None:
    (root,) = resolved(
        device("a", "a_class_init") + """
void common_class_init(ObjectClass *klass);
static void a_class_init(ObjectClass *klass, void *data)
{
    common_class_init(klass);
}
""",
        described("vmstate_common", "common") + """
void common_class_init(ObjectClass *klass)
{
    DEVICE_CLASS(klass)->vmsd = &vmstate_common;
}
""",
    )
    assert root.device_types == ("a",)
    assert (root.file, root.registrant) == ("2.c", "a")


def test_static_functions_and_descriptions_stay_in_their_file() -> None:
    one = "static " + described("vmstate_same", "%s") + sets("same", "&vmstate_same")
    found = resolved(
        one % "first" + device("first", "same_class_init"),
        one % "second" + device("second", "same_class_init"),
    )
    assert {root.section: root.device_types for root in found} == {
        "first": ("first",),
        "second": ("second",),
    }


def test_types_made_from_a_table_and_a_description_from_their_row() -> None:
    text = described("vmstate_old", "old") + described("vmstate_new", "new") + """
typedef struct Info { const char *name; int revision; const VMStateDescription *vmsd; } Info;
static const Info table[] = {
    { .name = "chip-1", .vmsd = &vmstate_old },
    { "chip-2", 4, &vmstate_new },
    { .name = "chip-3", .revision = 2 },
};
static void chip_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    const Info *info = data;
    dc->vmsd = info->vmsd;
}
static void chip_register(void)
{
    int i;
    for (i = 0; i < 3; i++) {
        const Info *info = &table[i];
        TypeInfo type_info = {};
        type_info.name = info->name;
        type_info.parent = "device";
        type_info.class_data = (void *)info;
        type_info.class_init = chip_class_init;
        type_register_static(&type_info);
    }
}
"""
    assert {root.symbol: root.device_types for root in resolved(text)} == {
        "vmstate_old": ("chip-1",),
        "vmstate_new": ("chip-2",),
    }


def test_a_name_made_at_run_time_keeps_what_is_known_of_it() -> None:
    text = (
        described("vmstate_cpu", "cpu")
        + sets("base", "&vmstate_cpu")
        + device("toy-cpu", "base_class_init", more=".abstract = 1")
        + """
static char *model_name(const char *model)
{
    return g_strdup_printf("%s-toy-cpu", model);
}
static void toy_register(const char *model)
{
    TypeInfo ti = { .name = model_name(model), .parent = "toy-cpu" };
    type_register_static(&ti);
}
"""
    )
    (root,) = resolved(text)
    assert root.device_types == ("*-toy-cpu",)


def test_the_description_of_a_cpu_before_its_operations() -> None:
    text = described("vmstate_toy", "cpu") + """
static void toy_class_init(ObjectClass *klass, void *data)
{
    CPUClass *cc = CPU_CLASS(klass);
    cc->vmsd = &vmstate_toy;
}
void cpu_exec_realizefn(CPUClass *cc, int index, void *cpu)
{
    vmstate_register((void *)0, index, cc->vmsd, cpu);
}
""" + device("toy-cpu", "toy_class_init")
    (root,) = resolved(text)
    assert (root.how, root.symbol, root.registrant) == (
        "legacy_cpu",
        "vmstate_toy",
        "toy-cpu",
    )
    assert (root.prefix, root.instance) == ("", "cpu->cpu_index")


def test_an_old_style_section_of_a_device() -> None:
    text = """
static const SaveVMHandlers handlers;
static void setup(void *s)
{
    register_savevm_live((void *)0, "old", 5, 2, &handlers, s);
}
"""
    (root,) = resolved(text)
    assert (root.section, root.instance, root.version_id) == ("old", "5", 2)


def test_the_description_of_a_cpu() -> None:
    text = (
        described("vmstate_toy", "cpu")
        + """
static const SysemuCPUOps toy_ops = { .legacy_vmsd = &vmstate_toy };
static void toy_class_init(ObjectClass *klass, void *data)
{
    CPUClass *cc = CPU_CLASS(klass);
    cc->sysemu_ops = &toy_ops;
}
"""
        + device("toy-cpu", "toy_class_init", more=".abstract = 1")
        + device("one-toy-cpu", parent="toy-cpu")
    )
    (root,) = resolved(text)
    assert (root.how, root.symbol, root.registrant) == (
        "legacy_cpu",
        "vmstate_toy",
        "toy-cpu",
    )
    assert (root.prefix, root.instance) == ("", "cpu->cpu_index")
    assert root.device_types == ("one-toy-cpu",)


def test_the_bus_decides_about_the_path() -> None:
    found = resolved(
        """
static char *pci_path(void *dev)
{
    return 0;
}
static void pci_bus_class_init(ObjectClass *klass, void *data)
{
    BUS_CLASS(klass)->get_dev_path = pci_path;
}
"""
        + device("bus", parent="object")
        + device("PCI", "pci_bus_class_init", "bus")
        + device("PCIE", parent="PCI")
        + device("ISA", parent="bus"),
        "".join(
            f"static void {bus}_class_init(ObjectClass *klass, void *data)\n{{\n"
            f"    DeviceClass *dc = DEVICE_CLASS(klass);\n"
            f'    dc->bus_type = "{bus.upper()}";\n}}\n'
            + device(f"{bus}-device", f"{bus}_class_init")
            for bus in ("pcie", "isa")
        ),
        described("vmstate_a", "a")
        + sets("a", "&vmstate_a")
        + device("a-pci", "a_class_init", "pcie-device")
        + device("a-isa", "a_class_init", "isa-device"),
    )
    assert {(root.prefix, root.device_types) for root in found} == {
        ("path", ("a-pci",)),
        ("", ("a-isa",)),
    }


NIC = """
typedef struct Card {{ NICState *nic; VMStateDescription *own; }} Card;
Card *CARD(void *);
static void nic_realize(void *dev)
{{
    Card *s = CARD(dev);
    s->nic = qemu_new_nic(0, 0, {model}, 0, s);
    s->own = g_memdup2(&vmstate_nic, sizeof(vmstate_nic));
    s->own->name = {name};
    vmstate_register_any(dev, s->own, s);
}}
static void nic_class_init(ObjectClass *klass, void *data)
{{
    NicClass *k = NIC_CLASS(klass);
    k->realize = nic_realize;
}}
static void other_realize(void *dev)
{{
}}
static void other_class_init(ObjectClass *klass, void *data)
{{
    NicClass *k = NIC_CLASS(klass);
    k->realize = other_realize;
}}
"""
TYPENAME = "object_get_typename((Object *)dev)"
MODEL = "qemu_get_queue(s->nic)->model"


def named_by(model: str, name: str) -> tuple[ir.Root, ...]:
    return resolved(
        "const VMStateDescription vmstate_nic = { .version_id = 3 };\n"
        + NIC.format(model=model, name=name)
        + device("nic", "nic_class_init", more=".abstract = 1")
        + device("nic-a", parent="nic")
        + device("nic-b", parent="nic")
        + device("nic-c", "other_class_init", parent="nic"),
    )


def test_a_description_that_is_called_after_the_type_of_its_device() -> None:
    found = named_by(TYPENAME, MODEL)
    assert [(root.section, root.device_types, root.symbol) for root in found] == [
        ("nic-a", ("nic-a",), "vmstate_nic"),
        ("nic-b", ("nic-b",), "vmstate_nic"),
    ]
    assert {(root.how, root.prefix, root.version_id) for root in found} == {
        ("vmstate_register", "maybe", 3)
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("object_get_typename((Object *)s)", MODEL),
        ('"nic"', MODEL),
        (TYPENAME, "qemu_get_queue(s->nic)->name"),
        (TYPENAME, '"one"; s->own->name = "two"'),
    ],
)
def test_a_description_that_is_called_what_nobody_can_tell(
    model: str, name: str
) -> None:
    (root,) = named_by(model, name)
    assert (root.section, root.device_types) == ("*", ())


@pytest.mark.parametrize("name", ['"card"', '"ca" "rd"', 'g_strdup("card")'])
def test_a_description_that_is_called_by_a_string(name: str) -> None:
    (root,) = named_by(TYPENAME, name)
    assert (root.section, root.device_types) == ("card", ())


GUARDED = """
int enabled = 1;
static void registers(void *s, int wanted)
{
    %s
}
"""
CALL = "vmstate_register((void *)0, 0, &vmstate_a, s);"


@pytest.mark.parametrize(
    ("body", "guards"),
    [
        (CALL, ()),
        (f"if (wanted) {{ {CALL} }}", ()),
        (f"if (enabled) {{ {CALL} }}", ("enabled",)),
        (f"if (wanted) {{ s = 0; }} else if (!enabled) {CALL}", ("enabled",)),
        (f"if (!enabled) {{ return; }} {CALL}", ("enabled",)),
        (f"if (enabled) {{ wanted++; }} {CALL}", ()),
        (f"{CALL} if (!enabled) {{ return; }}", ()),
        (f"switch (enabled) {{ case 2: {CALL} break; }}", ("enabled",)),
    ],
)
def test_variables_decide_whether_a_function_registers(
    body: str, guards: tuple[str, ...]
) -> None:
    (root,) = resolved(described("vmstate_a", "a") + GUARDED % body)
    assert root.guards == guards


@pytest.mark.parametrize(
    ("function", "kept"),
    [
        ("void box_1_0_class_options(MachineClass *mc) { enabled = false; }", True),
        ("void box_class_init(ObjectClass *oc, void *d) { parse(&enabled); }", True),
        (
            "void box_1_0_class_options(MachineClass *mc) { if (enabled == 1) f(); }",
            False,
        ),
        ("void box_1_0_class_options(MachineClass *mc) { mc->enabled = 0; }", False),
        ("void box_1_0_instance_options(MachineState *m) { enabled = false; }", False),
    ],
)
def test_a_guard_counts_if_the_class_of_some_machine_type_changes_it(
    function: str, kept: bool, tmp_path: Path
) -> None:
    """All classes of machine types are made at the start, whichever is chosen."""
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "box.c").write_text(
        "bool enabled = true;\n" + function.replace(") {", ")\n{\n", 1)
    )
    guard = "if (enabled) { " + CALL + " }"
    found = resolved(described("vmstate_a", "a") + GUARDED % guard)
    (root,) = roots.ClassVariables(tmp_path).decided(found)
    assert root.guards == (("enabled",) if kept else ())


@pytest.mark.parametrize(
    ("guard", "functions", "registered"),
    [
        (f"if (enabled) {{ {CALL} }}", ["enabled = false;"], False),
        (
            f"if (enabled) {{ {CALL} }}",
            ["g(); enabled = 0;", "enabled = false;"],
            False,
        ),
        (f"if (!enabled) {{ return; }} {CALL}", ["enabled = false;"], False),
        (f"if (!enabled) {CALL}", ["enabled = false;"], True),
        (f"if (!enabled) {{ g(); }} else {CALL}", ["enabled = false;"], False),
        (f"if (wanted && enabled) {CALL}", ["enabled = false;"], False),
        (f"if (wanted || enabled) {CALL}", ["enabled = false;"], True),
        (f"if (wanted || !enabled) {{ return; }} {CALL}", ["enabled = false;"], False),
        (f"if (!enabled) {{ wanted++; }} {CALL}", ["enabled = false;"], True),
        (f"if (enabled) {{ {CALL} }}", ["enabled = true;"], True),
        (f"if (enabled) {{ {CALL} }}", ["enabled = false;", "enabled = true;"], True),
        (f"if (enabled) {{ {CALL} }}", ["if (old) { enabled = false; }"], True),
        (f"if (enabled) {{ {CALL} }}", ["if (old) enabled = false;"], True),
        (f"if (enabled) {{ {CALL} }}", ["if (old) return; enabled = false;"], True),
        (f"if (enabled) {{ {CALL} }}", ["enabled = 0 | old;"], True),
        (f"if (enabled) {{ {CALL} }}", ["parse(&enabled); enabled = false;"], True),
        (f"if (enabled) {{ {CALL} }}", ["bool enabled; enabled = false;"], True),
        (f"int enabled = 1; if (enabled) {{ {CALL} }}", ["enabled = false;"], True),
    ],
)
def test_what_classes_of_machine_types_only_clear_prevents_a_call(
    guard: str, functions: list[str], registered: bool, tmp_path: Path
) -> None:
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "box.c").write_text(
        "bool enabled = true;\n"
        + "".join(
            f"static void box_{number}_class_options(MachineClass *mc)\n{{\n{body}\n}}\n"
            for number, body in enumerate(functions)
        )
    )
    found, _ = read(described("vmstate_a", "a") + GUARDED % guard)
    made = roots.ClassVariables(tmp_path).without_prevented(found).registrations
    assert [one.symbol for one in made] == ["vmstate_a"] * registered


@pytest.mark.parametrize(
    "function",
    [
        "static void set(void)\n{\n    enabled = false;\n}\n",
        "static void card_class_init(DeviceClass *dc)\n{\n    enabled = false;\n}\n",
        "static bool enabled;\n"
        "static void a_class_options(MachineClass *mc)\n{\n    enabled = false;\n}\n",
    ],
)
def test_what_other_functions_clear_prevents_nothing(
    function: str, tmp_path: Path
) -> None:
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "box.c").write_text(function)
    guard = "if (enabled) { " + CALL + " }"
    found, _ = read(described("vmstate_a", "a") + GUARDED % guard)
    assert roots.ClassVariables(tmp_path).without_prevented(found) == found


def test_a_variable_of_one_file_is_no_other_file_s(tmp_path: Path) -> None:
    (tmp_path / "hw").mkdir()
    (tmp_path / "hw" / "box.c").write_text(
        "static void a_class_options(MachineClass *mc)\n{\n    enabled = false;\n}\n"
    )
    text = GUARDED.replace("int enabled", "static int enabled")
    found, _ = read(
        described("vmstate_a", "a") + text % ("if (enabled) { " + CALL + " }")
    )
    assert roots.ClassVariables(tmp_path).without_prevented(found) == found


def test_calls() -> None:
    text = "".join(described(f"vmstate_{name}", name) for name in "abcde") + """
static const SaveVMHandlers handlers;
typedef struct State { const VMStateDescription *own; int index; } State;
static void realize(State *s, void *dev)
{
    vmstate_register((void *)0, 0, &vmstate_a, s);
    vmstate_register(dev, s->index, &vmstate_b, s);
    vmstate_register_any(dev, &vmstate_c, s);
    if (dev) {
        int id = 7;
        vmstate_register_with_alias_id((void *)0, -1, &vmstate_d, s, 4, 0, (void *)0);
        vmstate_register((void *)0, (uint32_t)-1, &vmstate_d, s);
        register_savevm_live("old/style", 5, 2, &handlers, s);
        id++;
    }
    s->own = g_memdup2(&vmstate_e, sizeof(vmstate_e));
    vmstate_register_any(dev, s->own, s);
}
"""
    found = [
        (root.symbol, root.section, root.prefix, root.instance, root.alias)
        for root in sorted(
            resolved(text), key=lambda root: (root.symbol, root.instance, root.alias)
        )
    ]
    assert found == [
        ("handlers", "old/style", "", "5", ""),
        ("vmstate_a", "a", "", "0", ""),
        ("vmstate_b", "b", "maybe", "s->index", ""),
        ("vmstate_c", "c", "maybe", "any", ""),
        ("vmstate_d", "d", "", "any", ""),
        ("vmstate_d", "d", "", "any", "4"),
        ("vmstate_e", "e", "maybe", "any", ""),
    ]
    assert {root.registrant for root in resolved(text)} == {"realize"}
    (handlers,) = (root for root in resolved(text) if root.how == "handlers")
    assert (handlers.home, handlers.version_id) == ("", 2)


def test_a_name_set_at_run_time_is_a_star() -> None:
    (root,) = resolved(
        "const VMStateDescription vmstate_a = { .version_id = 1 };\n"
        + sets("a", "&vmstate_a")
        + device("a", "a_class_init")
    )
    assert root.section == "*"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (sets("a", "choose()") + "VMStateDescription *choose(void);", "VG422"),
        (
            "void f(const VMStateDescription *v, void *s)\n{\n    vmstate_register_any(s, v, s);\n}\n",
            "VG423",
        ),
        (
            "    void f(DeviceClass *dc) { dc->vmsd = 0; }\n",
            "VG421",
        ),
    ],
)
def test_what_cannot_be_followed_is_said(text: str, code: str) -> None:
    registrations, module = read(text)
    found = roots.resolve([registrations], [module])
    assert [one.code for one in found.undecided] == [code]
    assert found.undecided[0].position.file in ("a.c", "")
    assert found.roots == ()


def test_a_class_that_realize_changes_has_all_of_its_descriptions() -> None:
    """QEMU 10.1: hw/i386/amd_iommu.c, for a device that is given ``pci-id``."""
    found = resolved(
        described("vmstate_fixed", "dev")
        + described("vmstate_moving", "dev")
        + described("vmstate_other", "dev")
        + """
void dev_realize(void *s)
{
    DeviceClass *dc = device_get_class(s);
    if (s) {
        dc->vmsd = &vmstate_moving;
    } else if (dc->bus_type) {
        dc->vmsd = &vmstate_other;
    } else {
        dc->vmsd = 0;
    }
}
static void dev_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    NicClass *nc = NIC_CLASS(klass);
    dc->vmsd = &vmstate_fixed;
    nc->realize = dev_realize;
}
"""
        + "DeviceClass *device_get_class(void *);\n"
        + device("dev", "dev_class_init")
        + device("small", parent="dev")
    )
    assert {
        (one.symbol, one.section, one.registrant, one.device_types) for one in found
    } == {
        ("vmstate_fixed", "dev", "dev", ("dev", "small")),
        ("vmstate_moving", "dev", "dev", ("dev", "small")),
        ("vmstate_other", "dev", "dev", ("dev", "small")),
    }


HANDS_ON = """
static void start(void *s, int kind, const VMStateDescription *vmsd)
{
    vmstate_register(0, 0, vmsd, s);
}
"""


def test_a_static_function_registers_what_its_callers_give() -> None:
    """QEMU 8.1 to 9.1: hw/input/tsc210x.c; the callers may stand on both sides."""
    found = resolved(
        described("vmstate_one", "one")
        + described("vmstate_two", "two")
        + HANDS_ON
        + "static void more(void *s, const VMStateDescription *v) { start(s, 2, v); }\n"
        + "void one_init(void *s) { start(s, 1, &vmstate_one); }\n"
        + "void two_init(void *s) { more(s, &vmstate_two); }\n"
    )
    assert [(one.symbol, one.section, one.registrant) for one in found] == [
        ("vmstate_one", "one", "one_init"),
        ("vmstate_two", "two", "two_init"),
    ]


@pytest.mark.parametrize(
    "callers",
    [
        "",
        "void one_init(void *s, VMStateDescription *v) { start(s, 1, v); }\n",
        "void (*begin(void))(void *, int, const VMStateDescription *) { return start; }\n"
        "void one_init(void *s) { start(s, 1, &vmstate_one); }\n",
        "static void start(void *s, int kind, const VMStateDescription *vmsd);\n"
        "static void again(void *s, const VMStateDescription *v) { start(s, 1, v); again(s, v); }\n",
    ],
)
def test_what_a_static_function_is_given_may_be_open(callers: str) -> None:
    registrations, module = read(described("vmstate_one", "one") + HANDS_ON + callers)
    found = roots.resolve([registrations], [module])
    assert {one.code for one in found.undecided} == {"VG423"}
    assert found.roots == ()


def test_the_core_passes_on_what_its_callers_register() -> None:
    """QEMU 8.2 to 9.1: migration/savevm.c, called by hw/intc/xics.c."""
    passes = """
int vmstate_replace_hack_for_ppc(
    void *obj, int instance_id, const VMStateDescription *vmsd, void *opaque)
{
    return vmstate_register(obj, instance_id, vmsd, opaque);
}
"""
    calls = """
void realize(void *icp)
{
    vmstate_replace_hack_for_ppc(0, 3, &vmstate_icp, icp);
}
"""
    (root,) = resolved(passes, described("vmstate_icp", "icp/server") + calls)
    assert (root.symbol, root.section) == ("vmstate_icp", "icp/server")
    assert root.instance == "3"


def test_what_nobody_defines_is_said() -> None:
    text = "extern const VMStateDescription vmstate_gone;\n"
    text += sets("a", "&vmstate_gone") + device("a", "a_class_init")
    both = [read(BASE, "0.c"), read(text, "1.c")]
    found = roots.resolve([one for one, _ in both], [module for _, module in both])
    assert [(one.code, one.position.file) for one in found.undecided] == [
        ("VG424", "1.c")
    ]


# --- types as text --------------------------------------------------------------------


def as_text(text: str, defined: frozenset[str] = frozenset(), header: str = "") -> Any:
    strings = Strings(
        definitions(CText(header), "h.h"), defined, lambda file: frozenset()
    )
    return registrations(look_at(text, "a.c"), strings).types


def test_types_as_text_are_those_of_the_front_end() -> None:
    text = (
        device("one", more=".abstract = 1, .class_base_init = f")
        + device(
            "two",
            "two_class_init",
            "one",
            '.interfaces = (InterfaceInfo[]) { { "x" }, { "y" "z" }, { } }',
        )
        + "static const TypeInfo several[] = {\n"
        + '    { .name = "a", .parent = "one" },\n'
        + '    { .name = "b" "c", .parent = "one", .class_init = f },\n};\n'
        + "static void f(ObjectClass *klass, void *data)\n{\n}\n"
        + "static void two_class_init(ObjectClass *klass, void *data)\n{\n}\n"
    )
    nowhere = Position("")
    front = {
        replace(type_, position=nowhere, symbol="") for type_ in read(text)[0].types
    }
    assert {replace(type_, position=nowhere) for type_ in as_text(text)} == front
    assert len(front) == 4
    assert {one.interfaces for one in front} == {(), ("x", "yz")}
    assert {one.base_init for one in front} == {"", "f"}


def test_string_macros() -> None:
    header = """
#define SUFFIX "-cpu"
#define NAME_OF(model) (model SUFFIX)
#ifdef TARGET_WIDE
#define TYPE_BASE "wide"
#else
#define TYPE_BASE "narrow"
#endif
#define TYPE_LONG TYPE_BASE \\
    "-long"
#define SPELLED(x) #x
"""
    text = """
static const TypeInfo a = { .name = NAME_OF("x"), .parent = TYPE_LONG };
static const TypeInfo b = { .name = SPELLED(b2), .parent = TYPE_BASE };
static const TypeInfo c = { .name = TYPE_UNKNOWN, .parent = TYPE_BASE };
"""
    for defined, base in (
        (frozenset({"TARGET_WIDE"}), "wide"),
        (frozenset(), "narrow"),
    ):
        names = [(one.name, one.parent) for one in as_text(text, defined, header)]
        assert names == [("x-cpu", f"{base}-long"), ("b2", base)]


def test_types_declared_by_macro() -> None:
    header = '#define TYPE_LEAF "leaf"\n#define TYPE_NODE "node"\n'
    text = "OBJECT_DEFINE_ABSTRACT_TYPE(Leaf, leaf, LEAF, NODE)\n"
    (found,) = as_text(text, header=header)
    assert (found.name, found.parent, found.abstract) == ("leaf", "node", True)
    assert found.class_init == "leaf_class_init"


@pytest.mark.parametrize(
    ("text", "abstract"),
    [
        ("OBJECT_DEFINE_TYPE(Leaf, leaf, LEAF, NODE)", False),
        ("OBJECT_DEFINE_TYPE_EXTENDED(Leaf, leaf, LEAF, NODE, true, { A }, { })", True),
        ("OBJECT_DEFINE_TYPE_EXTENDED(Leaf, leaf, LEAF, NODE, false, { A })", False),
        ("OBJECT_DEFINE_TYPE(Leaf, leaf, LEAF)", None),
        ("OBJECT_DEFINE_TYPE(Leaf)", None),
    ],
)
def test_a_macro_declares_a_type_if_it_has_all_of_its_words(
    text: str, abstract: bool | None
) -> None:
    header = '#define TYPE_LEAF "leaf"\n#define TYPE_NODE "node"\n'
    more = "OBJECT_DEFINE_ABSTRACT_TYPE(Leaf, leaf, LEAF, NODE)\n"
    found = [one.abstract for one in as_text(f"{text}\n{more}", header=header)]
    assert found == [*(() if abstract is None else (abstract,)), True]


def test_functions_of_a_file() -> None:
    text = CText("""
type_init(something)

static void one(ObjectClass *klass, void *data)
{
    two(klass); /* { */
}
MACRO(x)
int three(void) {
    return "}"[0];
}
struct S four(int a,
              DeviceClass *dc)
{
}
static int table[] =
{
    1,
};
""")
    found = list(functions(text))
    assert [one.name for one in found] == ["one", "three", "four"]
    assert [one.fills_class for one in found] == [True, False, True]
    assert found[0].calls == ("two",)


def test_files_that_have_to_be_read() -> None:
    assert roots.is_wanted("    dc->vmsd = &vmstate_a;")
    assert roots.is_wanted("    vmstate_register_any(dev, &v, s);")
    assert roots.is_wanted("    TypeInfo ti = {\n")
    assert not roots.is_wanted(device("a", "f"))
    assert not roots.is_wanted(
        "static void f(void)\n{\n    type_register_static(&a);\n}\n"
    )


# --- in the IR ------------------------------------------------------------------------


def test_roots_survive_as_json() -> None:
    found = resolved(
        described("vmstate_one", "one")
        + sets("one", "&vmstate_one")
        + device("one", "one_class_init")
    )
    program = ir.Program(
        "1.0",
        "toy",
        (ir.Module("b.c", ()),),
        (*found, replace(found[0], position=Position(""))),
    )
    text = ir_json.dumps(program)
    assert ir_json.loads(text) == program
    assert text.count("vmstate_one") == 2
    assert "roots" not in ir_json.dumps(replace(program, roots=()))
    for empty in (program, replace(program, roots=())):
        bare = replace(empty, modules=())
        assert ir_json.loads(ir_json.dumps(bare)) == bare


# --- real trees and binaries ----------------------------------------------------------

FIXTURES = Path(__file__).parent / "fixtures"

TARGETS = ("riscv64", "x86_64", "ppc")

NOT_INSTALLED = re.compile(r"qxl|-gl\b|-gl-|virtio-vga|vhost-user-vga|virtio-nsm")
"""Types of modules that Debian packages separately, or builds without."""

SAME_NAME = {"serial": {"vmstate_isa_serial", "vmstate_serial_mm"}}
"""Sections whose name two descriptions share, on buses that give no path."""

NOT_READ = {"slirp"}
"""Registered in a file that needs headers of a library (libslirp)."""


def _one(
    where: tuple[tree.SourceTree, str],
) -> tuple[roots.Registrations, ir.Module] | str:
    configured, file = where
    try:
        expansion = preprocess.preprocess(configured, file)
    except VmgenError as error:
        return "; ".join(found.message for found in error.diagnostics)
    unit = Unit(expansion.text, source=file, relative=expansion.relative)
    layout = Layout(unit)
    text = (configured.root / file).read_text(encoding="utf-8", errors="replace")
    found = roots.roots_of(unit, layout, text)
    return found, extract(unit, layout, expansion.excerpt)


Model = tuple[roots.Hierarchy, tuple[ir.Root, ...], dict[str, str]]


@cache
def model(release: str, target: str) -> Model:
    """The types and roots of a binary, and the files that could not be read."""
    configured = tree.configure(require_tree(release), target)
    binary = linkmodel.binary(configured)
    files = [*binary.files, *binary.archive]
    wanted = [
        file
        for file in files
        if roots.is_wanted((configured.root / file).read_text("utf-8", "replace"))
    ]
    with ProcessPoolExecutor(2) as pool:
        outcomes = list(
            pool.map(_one, [(configured, one) for one in wanted], chunksize=8)
        )
    unread = {
        file: outcome
        for file, outcome in zip(wanted, outcomes, strict=True)
        if isinstance(outcome, str)
    }
    read = [outcome for outcome in outcomes if not isinstance(outcome, str)]
    defined = frozenset(
        name
        for folder in configured.config_dirs
        for header in folder.glob("*config*.h")
        for name in re.findall(r"#define (\w+) (?!0\b)", header.read_text())
    )
    rest = roots.TreeTypes(configured.root).of(
        [file for file in files if file not in set(wanted)], defined
    )
    registered = [*(found for found, _ in read), *rest]
    return (
        roots.Hierarchy(registered),
        roots.resolve(registered, [module for _, module in read]).roots,
        unread,
    )


def emulator(release: str, target: str) -> str:
    """The installed binary of that release, or no test."""
    name = shutil.which(f"qemu-system-{target}")
    if name is None:
        lacking(f"there is no qemu-system-{target}")
    said = subprocess.run(
        [name, "--version"], capture_output=True, text=True, check=True
    )
    if f"version {release}" not in said.stdout:
        lacking(f"qemu-system-{target} is not {release}")
    return name


def dumped(emulator: str, folder: Path) -> dict[str, str]:
    file = folder / "dump.json"
    subprocess.run(
        [emulator, "-machine", "none", "-dump-vmstate", str(file)],
        check=True,
        capture_output=True,
    )
    document = json.loads(file.read_text())
    return {
        name: entry["Description"]["name"]
        for name, entry in document.items()
        if name != "vmschkmachine"
    }


def real_types(emulator: str) -> dict[str, dict[str, Any]]:
    commands = (
        '{"execute": "qmp_capabilities"}\n'
        '{"execute": "qom-list-types", "arguments": {"abstract": true}}\n'
        '{"execute": "quit"}\n'
    )
    said = subprocess.run(
        [emulator, "-machine", "none", "-display", "none", "-qmp", "stdio"],
        input=commands,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in said.stdout.splitlines():
        answer = json.loads(line).get("return")
        if isinstance(answer, list):
            return {one["name"]: one for one in answer}
    raise AssertionError("no answer to qom-list-types")


def matching(hierarchy: roots.Hierarchy, name: str) -> str | None:
    """The type of that name; one that is named at run time if there is none."""
    if name in hierarchy.types:
        return name
    for known in hierarchy.types:
        pattern = re.escape(known).replace(r"\*", ".+")
        if "*" in known and re.fullmatch(pattern, name):
            return known
    return None


@pytest.mark.parametrize("target", TARGETS)
def test_the_types_are_those_of_the_binary(target: str) -> None:
    hierarchy, _, _ = model("10.0", target)
    real = real_types(emulator("10.0", target))

    def is_device(name: str) -> bool:
        while name in real and name != "device":
            name = real[name].get("parent", "")
        return name == "device"

    devices = {name for name in real if is_device(name)}
    assert len(devices) > 400
    unknown = {name for name in devices if matching(hierarchy, name) is None}
    assert unknown == set()
    wrong = {
        name
        for name in devices & set(hierarchy.types)
        if (hierarchy.types[name].parent, hierarchy.types[name].abstract)
        != (real[name]["parent"], real[name].get("abstract", False))
    }
    assert wrong == set()


@pytest.mark.parametrize("target", TARGETS)
def test_the_descriptions_of_classes_are_those_of_the_binary(
    target: str, tmp_path: Path
) -> None:
    hierarchy, found, _ = model("10.0", target)
    program = emulator("10.0", target)
    real = dumped(program, tmp_path)
    sections: dict[str, dict[str, str]] = {}
    for root in found:
        if root.how == "device":
            sections.setdefault(root.symbol, {})[root.home] = root.section

    def section(name: str) -> str | None:
        known = matching(hierarchy, name)
        described = hierarchy.vmsd(known) if known else None
        if described is None:
            return None
        homes = sections[described[0].name]
        elsewhere, *more = homes.values()
        assert not more or described[0].file in homes
        return homes.get(described[0].file, elsewhere)

    different = {
        name: (description, section(name))
        for name, description in real.items()
        # The description of eepro100 has no name before there is a device.
        if section(name) != description and description != "(null)"
    }
    assert different == {}
    assert len(real) > 200
    in_dump = real_types(program)
    more = {
        name
        for root in found
        if root.how == "device"
        for name in root.device_types
        if name in in_dump and name not in real
    }
    assert more == set()
    not_there = {
        name
        for root in found
        if root.how == "device"
        for name in root.device_types
        if name not in in_dump and "*" not in name and not NOT_INSTALLED.search(name)
    }
    assert not_there == set()


def explained(found: tuple[ir.Root, ...], section: str) -> list[ir.Root]:
    """The roots that a section's name can belong to: a whole name before a pattern."""
    parts = section.split("/")
    for pattern in (False, True):
        for start in range(len(parts)):
            rest = "/".join(parts[start:])
            fitting = [
                root
                for root in found
                if root.prefix != ("" if start else "path")
                and ("*" in root.section) == pattern
                and re.fullmatch(re.escape(root.section).replace(r"\*", ".+"), rest)
            ]
            if fitting:
                return fitting
    return []


def streams() -> list[str]:
    return sorted(
        path.name.removesuffix(".stream.xz")
        for path in FIXTURES.glob("*.stream.xz")
        if path.name.startswith(tuple(f"{target}-" for target in TARGETS))
    )


@pytest.mark.parametrize("name", streams())
def test_every_section_of_a_stream_has_one_root(name: str) -> None:
    truth: Mapping[str, Any] = json.loads(
        lzma.decompress((FIXTURES / f"{name}.truth.json.xz").read_bytes())
    )
    release = "{major}.{minor}".format(**truth["version"])
    _, found, unread = model(release, truth["target"])
    _, document = description_json(
        lzma.decompress((FIXTURES / f"{name}.stream.xz").read_bytes())
    )
    for one in document["devices"]:
        fitting = explained(found, one["name"])
        if one["name"] in NOT_READ and any("slirp" in file for file in unread):
            continue
        if len(fitting) > 1 and one["name"] in SAME_NAME:
            assert {root.symbol for root in fitting} == SAME_NAME[one["name"]]
            continue
        assert len(fitting) == 1, (one["name"], fitting)
        if fitting[0].instance.isdigit():
            assert one["instance_id"] == int(fitting[0].instance)
