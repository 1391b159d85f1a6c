"""Which system registers a CPU has: computed from C, kept as rows, compared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmgen import ir, tree
from vmgen.archive.archive import shipped
from vmgen.known.processor_side import ProcessorSide
from vmgen.known.processors import (
    PREMISE,
    ProcessorRegisters,
    Processors,
    UnreadProcessor,
    processors_of,
    rows_of,
)
from vmgen.known.register_lists import (
    LENGTH,
    RegisterDifference,
    differences,
    less_kept,
)
from vmgen.known.system_registers import DefinedRegisters
from vmgen.processors import processors, reads
from vmgen.verdict import Outcome
from vmgen.verdict.model import Finding
from vmgen.verdict.registers import ONE_CPU, with_registers
from vmgen.verdict.words import sentence

CPU = """
typedef unsigned int uint32_t; typedef unsigned long uint64_t; typedef _Bool bool;
typedef struct GHashTable GHashTable; typedef struct GList GList; typedef struct Object Object;
GHashTable *g_hash_table_new(unsigned (*)(const void *), int (*)(const void *, const void *));
unsigned g_direct_hash(const void *); int g_direct_equal(const void *, const void *);
void *g_hash_table_lookup(GHashTable *, const void *); GList *g_hash_table_get_keys(GHashTable *);
void g_hash_table_insert(GHashTable *, void *, void *); unsigned g_hash_table_size(GHashTable *);
void g_list_foreach(GList *, void (*)(void *, void *), void *);
GList *g_list_sort(GList *, int (*)(const void *, const void *));
void *g_malloc0_n(uint64_t, uint64_t); void error_setg_internal(void *, const char *, int, const char *, const char *, ...);
Object *object_dynamic_cast_assert(Object *, const char *, const char *, int, const char *);
void qdev_property_add_static(Object *, const void *); void unknown_helper(void);
extern bool kvm_allowed;

typedef struct PropertyInfo { const char *type; } PropertyInfo;
typedef struct Property {
    const char *name; const PropertyInfo *info; long offset; unsigned char bitnr;
    bool set_default; union { long i; uint64_t u; } defval;
} Property;
extern const PropertyInfo qdev_prop_bool, qdev_prop_uint64;

typedef struct CPUARMState { uint64_t features; uint64_t regs[4]; void *nvic; } CPUARMState;
typedef struct ARMCPRegInfo ARMCPRegInfo;
struct ARMCPRegInfo { uint32_t number; bool hidden; long offset; uint64_t value; uint64_t (*read)(CPUARMState *, const ARMCPRegInfo *); };
typedef struct ARMCPU {
    Object *parent; CPUARMState env; GHashTable *cp_regs; uint64_t *cpreg_indexes; int cpreg_array_len;
    uint64_t id; uint64_t reset_cbar; bool has_el3; bool broken;
} ARMCPU;
typedef struct ARMCPUInfo { const char *name; void (*initfn)(Object *obj); } ARMCPUInfo;
typedef struct ARMCPUClass { void *parent; const ARMCPUInfo *info; } ARMCPUClass;

static Property has_el3 = { "has_el3", &qdev_prop_bool, __builtin_offsetof(ARMCPU, has_el3), 0, 1, { .u = 1 } };
static Property cbar = { "reset-cbar", &qdev_prop_uint64, __builtin_offsetof(ARMCPU, reset_cbar), 0, 1, { .u = 0 } };

static uint64_t plain(CPUARMState *env, const ARMCPRegInfo *ri) { return *(uint64_t *)((char *)env + ri->offset); }
static uint64_t constant(CPUARMState *env, const ARMCPRegInfo *ri) { return ri->value; }

static void arm_cpu_initfn(Object *obj) {
    ARMCPU *cpu = (ARMCPU *)object_dynamic_cast_assert(obj, "cpu", "f", 1, "g");
    cpu->cp_regs = g_hash_table_new(g_direct_hash, g_direct_equal);
}
void arm_cpu_post_init(Object *obj) {
    ARMCPU *cpu = (ARMCPU *)obj;
    if (cpu->env.features & 1) qdev_property_add_static(obj, &has_el3);
    qdev_property_add_static(obj, &cbar);
}
static void define(ARMCPU *cpu, const ARMCPRegInfo *ri) {
    ARMCPRegInfo *copy = g_malloc0_n(1, sizeof(*copy));
    *copy = *ri;
    g_hash_table_insert(cpu->cp_regs, (void *)(uint64_t)ri->number, copy);
}
uint32_t kvm_to_cpreg_id(uint64_t id) { return id & 0xffff; }
const ARMCPRegInfo *get_arm_cp_reginfo(GHashTable *table, uint32_t key) { return g_hash_table_lookup(table, (void *)(uint64_t)key); }
uint64_t read_raw_cp_reg(CPUARMState *env, const ARMCPRegInfo *ri) { return ri->read(env, ri); }
static int compare(const void *a, const void *b) { return (uint64_t)a > (uint64_t)b ? 1 : -1; }
static void add(void *key, void *opaque) {
    ARMCPU *cpu = opaque;
    if (!get_arm_cp_reginfo(cpu->cp_regs, (uint64_t)key)->hidden)
        cpu->cpreg_indexes[cpu->cpreg_array_len++] = 0x6030000000130000ul | (uint64_t)key;
}
void init_cpreg_list(ARMCPU *cpu) {
    cpu->cpreg_indexes = g_malloc0_n(g_hash_table_size(cpu->cp_regs), sizeof(uint64_t));
    g_list_foreach(g_list_sort(g_hash_table_get_keys(cpu->cp_regs), compare), add, cpu);
}
static void arm_cpu_realizefn(Object *dev, void **errp) {
    ARMCPU *cpu = (ARMCPU *)dev;
    ARMCPRegInfo regs[] = {
        { .number = 0xc200, .read = plain, .offset = __builtin_offsetof(CPUARMState, regs[1]) },
        { .number = 0xc000, .read = constant, .value = cpu->id },
        { .number = 0xcf98, .read = constant, .value = cpu->reset_cbar },
        { .number = 0xc301, .hidden = 1, .read = plain },
    };
    if (kvm_allowed || cpu->broken) unknown_helper();
    for (int i = 0; i < 4; i++) define(cpu, &regs[i]);
    if (cpu->has_el3) {
        ARMCPRegInfo more = { .number = 0xf088, .read = constant };
        define(cpu, &more);
    }
    init_cpreg_list(cpu);
    unknown_helper();
}
"""
MODELS = """
static void big_initfn(Object *obj) { ARMCPU *cpu = (ARMCPU *)obj; cpu->env.features |= 1; cpu->id = 0x411fd070; }
static void small_initfn(Object *obj) { ((ARMCPU *)obj)->id = 0x41; }
static void broken_initfn(Object *obj) { ((ARMCPU *)obj)->broken = 1; }
static const ARMCPUInfo models[] = {
    { .name = "big", .initfn = big_initfn }, { .name = "small", .initfn = small_initfn },
    { .name = "broken", .initfn = broken_initfn }, { .name = 0 },
};
"""
BOARD = """
typedef struct MachineClass { const char *default_cpu_type; } MachineClass;
void board(MachineClass *mc) { mc->default_cpu_type = ("big" "-" "arm-cpu"); }
"""

ASKED = """
typedef struct MachineClass { const char *(*get_default_cpu_type)(const void *ms); } MachineClass;
extern _Bool tcg_allowed;
static const char *chosen(const void *ms) { return (tcg_allowed) ? ("small" "-" "arm-cpu") : ("big" "-" "arm-cpu"); }
void asked(MachineClass *mc) { mc->get_default_cpu_type = chosen; }
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Processors:
    root = tmp_path_factory.mktemp("tree")
    texts = {
        "target/arm/cpu.c": CPU + MODELS,
        "hw/arm/board.c": BOARD,
        "hw/arm/other.c": "int x;",
        "hw/arm/asked.c": ASKED,
        "util/main.c": "int y;",
    }
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    found = tree.standalone((root / "target/arm/cpu.c",), (), (), ())
    found = replace(found, root=root, base_arch="arm", target="aarch64")
    assert reads(found)
    return processors(found, texts)


SMALL = {0x603000000013C000: 0x41, 0x603000000013C200: None, 0x603000000013CF98: None}
BIG = {**SMALL, 0x603000000013C000: 0x411FD070}
BIG_EL3 = {**BIG, 0x603000000013F088: 0}


def test_the_c_is_executed_for_each_model_and_switch(computed: Processors) -> None:
    found = {(one.model, one.off): dict(one.registers) for one in computed.every}
    assert found == {
        ("big", ()): BIG_EL3,
        ("big", ("has_el3",)): BIG,
        ("small", ()): SMALL,
    }
    assert all([*one.registers] == sorted(one.registers) for one in computed.every)


def test_a_model_that_cannot_be_computed_says_why(computed: Processors) -> None:
    (one,) = computed.unread
    assert one.model == "broken"
    assert "what unknown_helper() does" in one.why
    assert one.why.startswith("target/arm/cpu.c:")
    assert not computed.is_read("broken")
    assert computed.is_read("big")


def test_a_board_names_its_model(computed: Processors) -> None:
    assert computed.boards == {
        "hw/arm/board.c": frozenset({"big"}),
        "hw/arm/asked.c": frozenset({"small"}),
    }


def premise(found: Processors) -> ir.Premise:
    return ir.Premise(PREMISE, (), False, rows_of(found))


def test_rows_keep_everything(computed: Processors) -> None:
    again = processors_of([premise(computed)])
    assert again is not None
    assert sorted(map(str, again.every)) == sorted(map(str, computed.every))
    assert again.unread == computed.unread
    assert again.boards == computed.boards
    assert processors_of([]) is None


@pytest.mark.parametrize(
    "row",
    [
        (),
        ("registers",),
        ("processor", "x"),
        ("processor", "x", "a=off b", "nothing"),
        ("registers", "zz=1", "c000=zz", "=", ""),
        ("unread", "x"),
        ("board",),
    ],
)
def test_a_strangers_rows_raise_nothing(row: tuple[str, ...]) -> None:
    rows = (row, ("registers", "c000=zz", "-1"), ("processor", "y", "", "c000=zz"))
    found = processors_of([ir.Premise(PREMISE, (), False, rows)])
    assert found is not None
    assert "y" in found.by_model


def test_a_list_tells_the_processor(computed: Processors) -> None:
    values = {number: value or 5 for number, value in BIG.items()}
    assert [one.off for one in computed.having(values)] == [("has_el3",)]
    assert computed.having({**values, 0x603000000013C000: 1}) == ()
    assert computed.having({1: 2}) == ()


# --- comparing ------------------------------------------------------------------------

ROWS = (
    ("opc0=3", "opc1=0", "crn=0", "crm=0", "opc2=0", "state=ARM_CP_STATE_AA64", "keeps=nothing"),
    ("opc0=3", "opc1=0", "crn=4", "crm=0", "opc2=0", "state=ARM_CP_STATE_AA64"),
    ("opc0=3", "opc1=1", "crn=15", "crm=3", "opc2=0", "state=ARM_CP_STATE_AA64", "keeps=nothing"),
    ("opc0=3", "opc1=0", "crn=4", "crm=1", "opc2=0", "state=ARM_CP_STATE_AA64", "keeps=?"),
)  # fmt: skip
DEFINED = ir.Premise("system registers", ("cpreg_indexes",), False, ROWS)
ID, SPSR, SP = 0x603000000013C000, 0x603000000013C200, 0x603000000013C208


def compared(
    theirs: dict[int, int | None],
    ours: dict[int, int | None],
    *,
    all_: bool = False,
    first: bool = True,
) -> list[RegisterDifference]:
    defined = DefinedRegisters([DEFINED])
    return [*differences(theirs, ours, defined, all_=all_, first=first)]


def test_equal_lists_have_no_difference() -> None:
    assert compared(BIG, BIG) == []


def test_a_register_that_the_cpu_lacks_is_foreign() -> None:
    (one,) = compared({ID: 1, SPSR: 2}, {SPSR: 2})
    assert (one.kind, one.number, one.sure) == ("foreign", ID, True)


def test_one_behind_the_end_is_seen_by_a_qemu_that_looks_at_all() -> None:
    assert compared({ID: 1, SPSR: 2}, {ID: 1}) == []
    (one,) = compared({ID: 1, SPSR: 2}, {ID: 1}, all_=True)
    assert (one.kind, one.number) == ("foreign", SPSR)


def test_a_constant_of_another_value_is_refused() -> None:
    (one,) = compared({ID: 1}, {ID: 2})
    assert one == RegisterDifference("value", ID, 1, 2)
    assert compared({SPSR: 1}, {SPSR: 2}) == []  # which keeps what it is given


def test_a_register_that_c_decides_about_is_open() -> None:
    (one,) = compared({SP: 1}, {SP: 2})
    assert (one.kind, one.sure) == ("value", False)


def test_registers_that_the_list_lacks() -> None:
    (one,) = compared({}, {ID: 7})
    assert (one.kind, one.ours, one.sure) == ("lacking", 7, True)
    assert compared({}, {SPSR: None}) == []
    (one,) = compared({}, {SPSR: None}, all_=True)
    assert (one.kind, one.sure) == ("lacking", False)
    long: dict[int, int | None] = {SPSR + 8 * n: None for n in range(200)}
    long[ID] = 0
    assert compared({}, long) == []  # memory that was never used
    assert [one.kind for one in compared({}, long, first=False)] == ["lacking"]


def test_a_register_that_keeps_less_than_before_is_found() -> None:
    free = DefinedRegisters([replace(DEFINED, rows=(ROWS[3][:-1],))])
    held = DefinedRegisters([DEFINED])
    values: dict[int, int | None] = {SP: None}
    assert less_kept(values, values, held, free) is None
    assert less_kept(values, values, held, held) is None
    assert less_kept(values, {SP: 1}, free, held) is None  # which is compared
    found = less_kept(values, values, free, held)
    assert found == RegisterDifference("value", SP, sure=False)


def side(found: Processors, board: str = "hw/arm/board.c") -> ProcessorSide:
    machine = ir.Machine("virt", "virt-machine", board=board)
    return ProcessorSide(
        ir.Program(
            "1.0",
            "aarch64",
            (),
            premises=(premise(found), DEFINED),
            machines=ir.Machines((machine,)),
        )
    )


def processor(
    model: str, registers: dict[int, int | None], *off: str
) -> ProcessorRegisters:
    return ProcessorRegisters(model, off, ("has_el3",), registers)


TABLE = ir.Description("cpu", "vmstate_arm_cpu", "ARMCPU", 22, 22, ())
OLD = Processors(
    (processor("big", {ID: 1, SPSR: None}), processor("small", {ID: 3})),
    (),
    {"hw/arm/board.c": frozenset({"big"})},
)


def judged(
    new: Processors,
    *listed: dict[int, int],
    known: Outcome | None = None,
    model: str = "",
    old: Processors = OLD,
) -> Outcome:
    known = known or Outcome("compatible")
    return with_registers(known, side(old), side(new), TABLE, "virt", listed, model)


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        (OLD, "compatible"),
        (replace(OLD, every=(processor("big", {ID: 2, SPSR: None}),)), "incompatible"),
        (replace(OLD, every=(processor("big", {ID: 1}),)), "incompatible"),  # too long
        (replace(OLD, every=(processor("big", {SPSR: None}),)), "incompatible"),
        (replace(OLD, every=()), "unknown"),
        (
            replace(OLD, unread=(UnreadProcessor("big", (), "a goto"),)),
            "unknown",
        ),
        (
            replace(
                OLD,
                every=(
                    processor("big", {ID: 1, SPSR: None}),
                    processor("big", {ID: 2, SPSR: None}),
                ),
            ),
            "unknown",
        ),
    ],
)
def test_the_verdict_on_the_boards_own_model(new: Processors, verdict: str) -> None:
    assert judged(new).verdict == verdict


def test_a_part_that_the_board_switches_off_is_in_no_guest_without_options() -> None:
    """``machvirt_init`` (``hw/arm/virt.c``): without EL3 the guest has other registers."""
    both = (processor("big", {ID: 1, SPSR: 0}), processor("big", {ID: 1}, "has_el3"))
    board = "hw/arm/board.c"
    old = replace(OLD, every=both, off={board: frozenset({"has_el3"})})
    again = processors_of([premise(old)])
    assert again is not None
    assert again.off == old.off
    new = replace(old, every=(processor("big", {ID: 2}), both[1]))
    assert judged(new, old=old).verdict == "compatible"
    assert judged(new, old=replace(old, off={})).verdict == "unknown"
    # By its list the guest has it: somebody asked for it.
    assert judged(new, {ID: 1, SPSR: 0}, old=old).verdict == "incompatible"


def test_a_guests_list_tells_which_processor_counts() -> None:
    new = replace(
        OLD,
        every=(processor("big", {ID: 2, SPSR: None}), processor("small", {ID: 3})),
    )
    assert judged(new, {ID: 3}).verdict == "compatible"
    assert judged(new, {ID: 1, SPSR: 9}).verdict == "incompatible"
    open_ = Outcome("unknown")
    assert judged(new, {ID: 99}, known=open_) is open_  # the kernel's own list


def test_a_board_whose_own_model_is_another_one_now() -> None:
    """``sbsa-ref`` of 9.1 (``hw/arm/sbsa-ref.c``): a guest without ``-cpu`` gets another
    CPU, one with keeps its own."""
    both = (processor("big", {ID: 1, SPSR: None}), processor("small", {ID: 3}))
    new = replace(OLD, every=both, boards={"hw/arm/board.c": frozenset({"small"})})
    found = judged(new)
    assert found.verdict == "incompatible"
    (one,) = found.findings
    assert (one.source.name, one.target.what, one.target.name) == (
        "big",
        "register",
        "small",
    )
    assert "the destination's CPU is a small" in sentence(one)
    assert judged(new, model="big").verdict == "compatible"
    assert judged(new, {ID: 1, SPSR: 9}).verdict == "compatible"


def test_how_many_registers_the_destination_has_is_no_question_then() -> None:
    """``cpreg_vmstate_array_len`` of 10.2, which 11.0 allocates by."""
    asked = Finding("check", "cpu", "vmstate_arm_cpu", field=LENGTH)
    assert judged(OLD, known=Outcome("unknown", (asked,))).verdict == "compatible"
    other = replace(asked, field="another")
    assert judged(OLD, known=Outcome("unknown", (other,))).verdict == "unknown"


def test_registers_that_are_new_are_a_condition_on_the_number_of_cpus() -> None:
    more: dict[int, int | None] = {SPSR + 8 * n: None for n in range(2, 200)}
    new = replace(OLD, every=(processor("big", {ID: 1, SPSR: None, **more, SP: 0}),))
    found = judged(new)
    assert (found.verdict, found.condition) == ("conditional", ONE_CPU)
    two = {ID: 1, SPSR: 9}
    assert judged(new, two, two).verdict == "unknown"


def test_what_the_archive_says_of_a_board() -> None:
    archive = shipped()
    assert archive is not None
    for name in ("8.2.0", "10.0.2"):
        release = archive.find(name)
        assert release is not None
        found = processors_of(archive.program(release, "aarch64").premises)
        assert found is not None
        assert found.boards["hw/arm/virt.c"] == {"cortex-a15"}
        assert found.off["hw/arm/virt.c"] == {"has_el2", "has_el3"}
        assert found.is_read("max")
        assert not found.unread
