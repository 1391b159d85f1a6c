"""What post_load and pre_load functions refuse, in the verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.test_verdict import (
    FILE,
    A,
    B,
    both,
    description,
    integer,
    loads_if,
    program,
    said,
    struct,
    verdict,
)
from vmgen import ir, lock
from vmgen.source import Position
from vmgen.verdict import judge
from vmgen.verdict.words import sentence


def loads(*refusals: ir.Refusal, role: str = "post_load") -> tuple[ir.Hook, ...]:
    return (ir.Hook(role, f"dev_{role}", Position(FILE, 5), refusals),)


def above(name: str, limit: int, line: int = 30) -> ir.Refusal:
    condition = ir.Binary(">", ir.Load(name, "uint32"), ir.Const(limit))
    return ir.Refusal(condition, position=Position(FILE, line))


def unknown(mark: str, *reads: str) -> ir.Refusal:
    return ir.Refusal(None, reads, mark, "calls foo()", Position(FILE, 40))


OLD = description(A, B)
C_CODE = "or that C code asks for"


def test_a_new_refusal_is_a_condition_forward_only() -> None:
    forward, backward = both(OLD, replace(OLD, hooks=loads(above("a", 4))))
    assert (forward.verdict, loads_if(forward)) == ("conditional", "a <= 4")
    (finding,) = forward.findings
    assert finding.kind == "refusal"
    assert sentence(finding) == "dev_post_load() rejects it unless a <= 4"
    assert finding.target.position == Position(FILE, 30)
    assert backward.verdict == "compatible"


def test_what_both_refuse_is_no_difference() -> None:
    one = replace(OLD, hooks=loads(above("a", 4), unknown("0a", "ready", "s")))
    two = replace(OLD, hooks=loads(unknown("0a", "ready", "s"), above("a", 4, 99)))
    assert [item.verdict for item in both(one, two)] == ["compatible", "compatible"]
    other = replace(OLD, hooks=loads(unknown("0b", "ready", "s"), above("a", 4)))
    both_ways = both(one, other, untried=C_CODE)
    assert [item.verdict for item in both_ways] == ["conditional", "conditional"]


def test_a_weaker_refusal_is_implied_a_stronger_one_is_not() -> None:
    one = replace(OLD, hooks=loads(above("a", 4)))
    two = replace(OLD, hooks=loads(above("a", 8)))
    forward, backward = both(one, two)
    assert forward.verdict == "compatible"
    assert (backward.verdict, loads_if(backward)) == ("conditional", "a <= 4")


def test_a_renamed_member_keeps_its_refusal() -> None:
    one = replace(OLD, hooks=loads(above("b", 4)))
    two = description(A, integer("c"), hooks=loads(above("c", 4)))
    assert [item.verdict for item in both(one, two)] == ["compatible", "compatible"]


def test_code_without_translation_stands_by_the_names_in_it() -> None:
    two = replace(OLD, hooks=loads(unknown("0a", "cpu", "env", "pvr_match", "spr")))
    forward, _ = both(OLD, two, untried=C_CODE)
    assert forward.verdict == "conditional"
    text = "dev_post_load() does not reject it, depending on cpu, env, pvr_match, spr"
    assert loads_if(forward) == text
    (finding,) = forward.findings
    assert sentence(finding) == (
        "dev_post_load() rejects some streams, depending on cpu, env, pvr_match, spr"
    )
    plain = replace(OLD, hooks=loads(unknown("")))
    nothing, _ = both(OLD, plain, untried=C_CODE)
    assert loads_if(nothing) == "dev_post_load() does not reject it"


def test_a_function_that_always_refuses() -> None:
    always = ir.Refusal(ir.Const(1), position=Position(FILE, 30))
    forward, backward = both(OLD, replace(OLD, hooks=loads(always, role="pre_load")))
    assert forward.verdict == "incompatible"
    assert said(forward)[0] == "dev_pre_load() rejects every stream"
    assert backward.verdict == "compatible"


def test_a_refusal_of_a_nested_description_has_its_path() -> None:
    inner = description(A, symbol="vmstate_inner", name="inner")
    outer = description(struct("deep", "vmstate_inner"))
    asked = replace(inner, hooks=loads(above("a", 4)))
    found = verdict(program(inner, outer), program(asked, outer))
    assert loads_if(found.forward) == "deep.a <= 4"
    assert found.forward.findings[0].description == "inner"


def test_a_refusal_of_a_subsection_counts_if_it_is_sent() -> None:
    sub = description(A, symbol="vmstate_sub", name="dev/sub", needed="sub_needed")
    needed = ir.Function("sub_needed", body=ir.Load("more", "bool"))
    outer = description(B, subsections=("vmstate_sub",))
    asked = replace(sub, hooks=loads(above("a", 4)))
    found = verdict(
        program(outer, sub, functions=(needed,)),
        program(outer, asked, functions=(needed,)),
    )
    assert loads_if(found.forward) == "!more || a <= 4"


def test_the_destination_s_own_member_is_called_that() -> None:
    """hpet: what is on the wire must equal what the device was made with."""
    same = ir.Binary("!=", ir.Load("b", "uint32"), ir.Load("saved", "uint32"))
    new = description(A, integer("saved"), hooks=loads(ir.Refusal(same)))
    forward, _ = both(OLD, new, untried=C_CODE)
    assert loads_if(forward) == "(the destination's) b == b"


def test_a_lock_keeps_the_refusals() -> None:
    one, two = program(OLD), program(replace(OLD, hooks=loads(above("a", 4))))
    (locked,) = lock.loads(lock.dumps([one]))
    (section,) = judge(locked, two).sections
    assert loads_if(section.forward) == "a <= 4"
    (known,) = lock.loads(lock.dumps([two]))
    assert judge(known, two).worst() == "compatible"


@pytest.mark.parametrize(
    ("types", "verdict"), [((), "unknown"), (("dev",), "conditional")]
)
def test_a_section_that_nothing_registers_any_more(
    types: tuple[str, ...], verdict: str
) -> None:
    """icp/server of ppc: 10.0 still has the description, and registers it nowhere.  Whether
    C code of the source does so is not known; a device is there or not."""
    root = ir.Root("vmstate_dev", FILE, FILE, "vmstate_register", "realize", "dev")
    other = description(A, symbol="vmstate_other", name="other")
    kept = replace(root, symbol="vmstate_other", section="other")
    mine = replace(root, device_types=types)
    one = replace(program(OLD, other), roots=(mine, kept))
    two = replace(program(OLD, other), roots=(kept,))
    gone = next(item for item in judge(one, two).sections if item.section == "dev")
    assert gone.forward.verdict == verdict
    assert said(gone.forward)[0] == (
        "the destination has no section 'dev': it does not register vmstate_dev"
    )
    assert gone.backward.verdict == "compatible"
