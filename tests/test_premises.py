"""C tables that decide a refusal besides the stream: read from a tree, compared by the
verdict, kept by a lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_verdict import FILE, A, B, description, program
from tests.trees import require_tree
from vmgen import ir, lock
from vmgen.ir import json as ir_json
from vmgen.premises import premises_of
from vmgen.premises.facts import PREMISES
from vmgen.verdict import Outcome, judge, words
from vmgen.verdict.machines import MachineJudge

REGISTERS = """
static const ARMCPRegInfo v7_cp_reginfo[] = {
    /* { .name = "GONE", .cp = 15, .crn = 9 }, */
    { .name = "PAR", .cp = 15, .crn = 7, .crm = 4, .opc1 = 0, .opc2 = 0,
      .access = PL1_RW, .type = ARM_CP_IO, .readfn = par_read },
    { .name = "PAR64", .cp = 15, .crm = 7, .type = ARM_CP_64BIT | ARM_CP_IO },
    { .name = "NOT_SAVED", .cp = 15, .crn = 8, .type = ARM_CP_NO_RAW },
};
static void register_cp_regs(ARMCPU *cpu)
{
    if (arm_feature(&cpu->env, ARM_FEATURE_V7)) {
        ARMCPRegInfo clidr = { .name = "CLIDR", .state = ARM_CP_STATE_BOTH, .opc0 = 3 };
        define_one_arm_cp_reg(cpu, &clidr);
    } else
        define_arm_cp_regs(cpu, v7_cp_reginfo);
}
"""
ALIASES = """
    POWERPC_DEF("power9_v2.0", CPU_POWERPC_POWER9_DD20, POWER9, "POWER9 v2.0")
enum { CPU_POWERPC_POWER9_DD20 = 0x004E1200, };
PowerPCCPUAlias ppc_cpu_aliases[] = {
    { "power9", "power9_v2.0" },
    { NULL, NULL }
};
static bool ppc_pvr_match_power9(int pvr) { return pvr == 9; }
static bool user(int pvr) { return ppc_pvr_match_power9(pvr); }
"""


def checked(*reads: str) -> ir.Description:
    refusal = ir.Refusal(None, reads, "c4ec", "calls foo()")
    return description(A, B, hooks=(ir.Hook("post_load", "post", refusals=(refusal,)),))


REGISTER_CHECK = checked("cpreg_indexes", "cpreg_vmstate_indexes", "cpu", "i", "v")
MODEL_CHECK = checked("cpu", "env", "pvr_match", "spr")


def read(folder: Path, file: str, text: str, one: ir.Description) -> ir.Program:
    """A program whose tree has that text in that file."""
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(text)
    made = program(one)
    return replace(made, premises=premises_of(made.modules, folder))


def arm(folder: Path, text: str) -> ir.Program:
    return read(folder, "target/arm/helper.c", text, REGISTER_CHECK)


def ppc(folder: Path, text: str) -> ir.Program:
    return read(folder, "target/ppc/cpu-models.c", text, MODEL_CHECK)


def outcomes(old: ir.Program, new: ir.Program) -> tuple[Outcome, Outcome]:
    (section,) = judge(old, new).sections
    return section.forward, section.backward


def test_registers_that_are_in_the_list(tmp_path: Path) -> None:
    (premise,) = arm(tmp_path, REGISTERS).premises
    assert premise.name == "system registers"
    assert set(premise.rows) == {
        ("cp=15", "crn=7", "crm=4", "opc1=0", "opc2=0", "keeps=?"),
        ("cp=15", "crm=7", "type=ARM_CP_64BIT"),
        ("opc0=3", "state=ARM_CP_STATE_BOTH"),
        (
            "define_one_arm_cp_reg",
            "cpu",
            "& clidr",
            "arm_feature(& cpu->env,ARM_FEATURE_V7)",
        ),
        (
            "define_arm_cp_regs",
            "cpu",
            "v7_cp_reginfo",
            "!(arm_feature(& cpu->env,ARM_FEATURE_V7))",
        ),
    }


def test_a_function_that_is_mentioned_is_not_called(tmp_path: Path) -> None:
    before = arm(tmp_path, REGISTERS).premises
    mention = "if (define_arm_cp_regs) { hook = define_one_arm_cp_reg; }\n    "
    place = "if (arm_feature"
    assert arm(tmp_path, REGISTERS.replace(place, mention + place)).premises == before


KEEPING = """
static void masked_write(CPUARMState *env, const ARMCPRegInfo *ri, uint64_t value)
{
    raw_write(env, ri, value & ~0x1fULL);
}
static void member_write(CPUARMState *env, const ARMCPRegInfo *ri, uint64_t value)
{
    bool op = (env->a ^ value) & 1;
    if (op) { start(env); }
    env->a = value;
}
static void some_write(CPUARMState *env, const ARMCPRegInfo *ri, uint64_t value)
{
    if (env->b) { raw_write(env, ri, value); }
}
static void changed_write(CPUARMState *env, const ARMCPRegInfo *ri, uint64_t value)
{
    value &= 1;
    raw_write(env, ri, value);
}
static void left_write(CPUARMState *env, const ARMCPRegInfo *ri, uint64_t value)
{
    if (env->b) { return; }
    raw_write(env, ri, value);
}
static const ARMCPRegInfo all[] = {
    { .crn = 1, .fieldoffset = 1 },
    { .crn = 2, .writefn = some_write, .raw_writefn = raw_write },
    { .crn = 3, .type = ARM_CP_CONST | ARM_CP_IO },
    { .crn = 4, .writefn = masked_write },
    { .crn = 5, .writefn = member_write },
    { .crn = 6, .writefn = some_write },
    { .crn = 7, .writefn = changed_write },
    { .crn = 8, .writefn = left_write },
    { .crn = 9, .writefn = masked_write, .readfn = read },
    { .crn = 10, .writefn = masked_write, .readfn = read, .raw_readfn = raw_read },
    { .crn = 11, .writefn = aa64_fpcr_write, .readfn = aa64_fpcr_read },
    { .crn = 12, .type = ARM_CP_NOP },
#ifdef CONFIG_USER_ONLY
    { .crn = 13, .type = ARM_CP_CONST },
#else
    { .crn = 14 },
#endif
};
static void f(ARMCPU *cpu)
{
    ARMCPRegInfo other = { .crn = 15, .type = ARM_CP_CONST };
    other.type = ARM_CP_IO;
}
"""


def test_what_an_entry_keeps_of_a_value(tmp_path: Path) -> None:
    (premise,) = arm(tmp_path, KEEPING).premises
    kept = {row[0]: "".join(row[1:]) for row in premise.rows if row[0][:3] == "crn"}
    assert kept == {
        "crn=1": "",
        "crn=2": "",
        "crn=3": "keeps=nothing",
        "crn=4": "keeps=0xffffffffffffffe0",
        "crn=5": "keeps=0xffffffff",
        "crn=6": "keeps=?",
        "crn=7": "keeps=?",
        "crn=8": "keeps=?",
        "crn=9": "keeps=?",
        "crn=10": "keeps=0xffffffffffffffe0",
        "crn=11": "keeps=0x7c00000",
        "crn=14": "",
        "crn=15": "keeps=?",
    }


def test_what_a_cpu_s_name_stands_for(tmp_path: Path) -> None:
    (premise,) = ppc(tmp_path, ALIASES).premises
    assert {row for row in premise.rows if row[0] != "ppc_pvr_match_power9()"} == {
        ("power9", "power9_v2.0"),
        ("power9_v2.0", "CPU_POWERPC_POWER9_DD20"),
        ("CPU_POWERPC_POWER9_DD20", "0x004E1200"),
        ("NULL", "NULL"),
    }
    assert len(premise.rows) == 5


@pytest.mark.parametrize(("side", "text"), [(arm, REGISTERS), (ppc, ALIASES)])
def test_equal_trees_of_two_versions_are_the_same(
    side: type, text: str, tmp_path: Path
) -> None:
    old, new = side(tmp_path / "a", text), side(tmp_path / "b", text)
    for outcome in outcomes(old, replace(new, release="2")):
        assert outcome.verdict == "compatible"


def test_a_register_less_under_one_version_is_a_condition(tmp_path: Path) -> None:
    lines = REGISTERS.replace('{ .name = "PAR64"', '/* { .name = "PAR64"')
    less = lines.replace("ARM_CP_64BIT | ARM_CP_IO },", "ARM_CP_64BIT }, */")
    old, new = arm(tmp_path / "a", REGISTERS), arm(tmp_path / "b", less)
    for outcome, only in zip(outcomes(old, new), (0, 1), strict=True):
        assert outcome.verdict == "conditional"
        assert words.every(outcome.findings) == (
            "both sides have the same system registers"
        )
        (finding,) = outcome.findings
        assert finding.kind == "premise"
        assert finding.only[only] == ("cp=15 crm=7 type=ARM_CP_64BIT",)
        assert finding.only[1 - only] == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("par_read", "par_read_too"),
        ('"PAR"', '"PAR_EL1"'),
        (".crn = 8,", ".crn = 10,"),
        ("/* {", "/* {{"),
        ("\n    { .name", " { .name"),
    ],
)
def test_what_does_not_change_the_list_is_no_condition(
    before: str, after: str, tmp_path: Path
) -> None:
    assert before in REGISTERS
    old = arm(tmp_path / "a", REGISTERS)
    new = arm(tmp_path / "b", REGISTERS.replace(before, after))
    assert {one.verdict for one in outcomes(old, new)} == {"compatible"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (".crm = 4", ".crm = 5"),
        ("ARM_CP_NO_RAW", "ARM_CP_IO"),
        ("ARM_FEATURE_V7", "ARM_FEATURE_V8"),
        (".state = ARM_CP_STATE_BOTH", ".state = ARM_CP_STATE_AA64"),
        ("    } else", "    v7_cp_reginfo[0].type = ARM_CP_ALIAS; } else"),
    ],
)
def test_what_changes_the_list_is_a_condition(
    before: str, after: str, tmp_path: Path
) -> None:
    old = arm(tmp_path / "a", REGISTERS)
    new = arm(tmp_path / "b", REGISTERS.replace(before, after))
    assert {one.verdict for one in outcomes(old, new)} == {"conditional"}


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ('"power9_v2.0" },', '"power9_v2.2" },', "conditional"),
        ("0x004E1200", "0x004E1201", "conditional"),
        ("pvr == 9", "pvr >= 9", "conditional"),
        ("CPU_POWERPC_POWER9_DD20, POWER9", "CPU_POWERPC_OTHER, POWER9", "conditional"),
        ("{ NULL", '{ "power11", "power11_v1.0" }, { NULL', "compatible"),
        ("POWER9 v2.0", "Power9, second", "compatible"),
        ("return ppc_pvr", "return !ppc_pvr", "compatible"),
    ],
)
def test_models_that_both_sides_know_must_be_the_same(
    before: str, after: str, verdict: str, tmp_path: Path
) -> None:
    assert before in ALIASES
    old = ppc(tmp_path / "a", ALIASES)
    new = ppc(tmp_path / "b", ALIASES.replace(before, after))
    assert {one.verdict for one in outcomes(old, new)} == {verdict}


def test_tables_that_only_one_side_knows_are_a_condition(tmp_path: Path) -> None:
    known = arm(tmp_path, REGISTERS)
    unknown = replace(known, premises=())
    forward, backward = outcomes(known, unknown)
    assert forward.verdict == backward.verdict == "conditional"
    assert "vmgen knows those of one side only" in words.sentence(forward.findings[0])


def test_a_lock_and_the_ir_keep_the_tables(tmp_path: Path) -> None:
    one = arm(tmp_path, REGISTERS)
    assert ir_json.loads(ir_json.dumps(one)).premises == one.premises
    (locked,) = lock.loads(lock.dumps([one]))
    assert locked.premises == one.premises
    other = replace(one, target="other", premises=())
    again = lock.loads(lock.dumps([one, other]))
    assert {item.target: item.premises for item in again} == {
        "toy": one.premises,
        "other": (),
    }


def test_a_program_that_asks_for_no_table_reads_none(tmp_path: Path) -> None:
    assert (
        read(tmp_path, "target/arm/helper.c", REGISTERS, description(A)).premises == ()
    )


@pytest.mark.parametrize("release", ["7.2", "10.0"])
def test_the_trees_have_what_premises_are_read_from(release: str) -> None:
    tree = require_tree(release)
    for fact in PREMISES:
        refusal = ir.Refusal(None, fact.readers[:1])
        hook = ir.Hook("post_load", "post", refusals=(refusal,))
        module = ir.Module(FILE, (description(A, hooks=(hook,)),))
        (premise,) = premises_of((module,), tree)
        assert len(premise.rows) > 100
        for name in fact.functions:
            assert any(row[0].startswith(name) for row in premise.rows)
        for name in fact.constants:
            assert any(row[0].startswith(name) for row in premise.rows)
        for place in fact.place.split("; "):
            file, names = place.split(": ")
            text = (tree / file).read_text()
            assert all(name.strip("*()") in text for name in names.split(", "))


def test_a_check_that_the_destination_makes_in_another_way_is_not_known() -> None:
    table = ir.Premise("system registers", ("cpreg_indexes",), False, (("cp=15",),))
    old = replace(program(REGISTER_CHECK), premises=(table,), release="1")
    hook = ir.Hook("post_load", "post")
    new = replace(program(description(A, B, hooks=(hook,))), release="2")
    (section,) = MachineJudge(old, new).judgement("box").sections
    assert section.forward.verdict == "unknown"
    assert {found.kind for found in section.forward.findings} == {"premise"}
    gone = replace(program(description(A, B)), release="2")
    (section,) = MachineJudge(old, gone).judgement("box").sections
    assert section.forward.verdict == "compatible"


def test_the_models_of_machine_types_are_those_that_functions_assign(
    tmp_path: Path,
) -> None:
    (tmp_path / "hw/ppc").mkdir(parents=True)
    (tmp_path / "hw/ppc/box.c").write_text("""
static void box_class_init(ObjectClass *oc, void *data)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    mc->default_cpu_type = POWERPC_CPU_TYPE_NAME("power9_v2.0");
    if (mc->default_cpu_type == other) {
        use(mc->default_cpu_type);
    }
}
""")
    before = ppc(tmp_path, ALIASES)
    (premise,) = before.premises
    row = ("box_class_init()", 'default_cpu_type=POWERPC_CPU_TYPE_NAME("power9_v2.0")')
    assert [one for one in premise.rows if "box" in one[0]] == [row]
    text = (tmp_path / "hw/ppc/box.c").read_text()
    (tmp_path / "hw/ppc/box.c").write_text(text.replace("v2.0", "v2.2"))
    after = ppc(tmp_path, ALIASES)
    assert [one.verdict for one in outcomes(before, after)] == ["conditional"] * 2
    assert [one.verdict for one in outcomes(before, before)] == ["compatible"] * 2
