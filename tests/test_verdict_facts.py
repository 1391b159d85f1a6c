"""Breaks and controls of QEMU's history, each as the verdict that a gatekeeper needs.

What other files hold is not here again: a nested struct that grew (``test_verdict_c``), a
system register that went under one VERSION and equal trees of two VERSIONs
(``test_premises``), a table of another struct (``test_lint``), PCI configuration bytes of
another device (``test_stream_machine``).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_known import FAST, NIC, prop, setting
from tests.test_known import program as with_machines
from tests.test_verdict import (
    FILE,
    A,
    B,
    C,
    array,
    description,
    program,
    struct,
)
from tests.trees import require_tree
from vmgen import ir
from vmgen.cli import run
from vmgen.verdict import judge
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.sections import ONLY_FOR


def verdicts(old: ir.Program, new: ir.Program, machine: str) -> tuple[str, str]:
    found = MachineJudge(old, new).judgement(machine)
    return found.worst(("forward",)), found.worst(("backward",))


# --- tables -------------------------------------------------------------------------------


def test_a_buffer_that_grew_is_refused_both_ways() -> None:
    """3a9cd2a4a1: virtio-net's ``vlans``, 512 bytes and then 16384."""
    sides = [
        program(
            description(
                A, replace(B, element=ir.BufferElement(), size=ir.Fixed(size)), C
            )
        )
        for size in (512, 16384)
    ]
    (section,) = judge(*sides).sections
    assert section.forward.verdict == section.backward.verdict == "incompatible"


def pmp(count: int) -> ir.Program:
    """A subsection with so many elements, sent if a property says so."""
    field = array("cells", count)
    sub = ir.Description(
        "vmstate_sub", "nic/sub", "NicState", 1, 1, (field,), needed="fast_needed"
    )
    return with_machines(
        setting("nic", "fast", "off"), functions=(FAST,), subsections=(sub,)
    )


def test_a_default_decides_whether_the_subsection_is_sent() -> None:
    """cd633bea8b: the PMP array of RISC-V, in a subsection whose property defaults to
    true: refused without options, whatever a user may set."""
    old, new = pmp(16), pmp(64)
    assert verdicts(old, new, "box-2.0") == ("incompatible", "incompatible")
    assert verdicts(old, new, "box-1.0") == ("compatible", "compatible")
    assert judge(old, new).worst() == "conditional"


def test_a_compat_line_that_was_deleted() -> None:
    """One line of ``hw_compat_8_2``: the tables are the same, the older machine type's
    guests are refused."""
    fields = (A, replace(B, test="fast"))
    body = replace(FAST, symbol="fast")
    shipped, changed = (
        with_machines(*settings, fields=fields, functions=(body,))
        for settings in ((setting("nic", "fast", "off"),), ())
    )
    assert verdicts(shipped, changed, "box-1.0") == ("incompatible", "incompatible")
    assert verdicts(shipped, changed, "box-2.0") == ("compatible", "compatible")


def test_a_default_that_changed() -> None:
    fields = (A, replace(B, test="fast"))
    body = replace(FAST, symbol="fast")
    old, new = (
        with_machines(
            properties=(prop("fast", NIC, default),), fields=fields, functions=(body,)
        )
        for default in (1, 0)
    )
    assert verdicts(old, new, "box-2.0") == ("incompatible", "incompatible")


def test_an_object_under_another_name_is_the_same_object() -> None:
    """10.2's vfio calls its PCI device ``parent_obj``, which was ``pdev``: what its table
    asks of its own members is no condition."""
    tested = replace(B, test="more_than_3")
    inner = description(A, tested, symbol="vmstate_inner", name="inner", type="Inner")
    body = ir.Binary(">", ir.Load("a", "uint32"), ir.Const(3))
    asks = ir.Function("more_than_3", type="Inner", body=body)
    old, new = (
        program(inner, description(struct(name, "vmstate_inner")), functions=(asks,))
        for name in ("pdev", "parent_obj")
    )
    (section,) = judge(old, new).sections
    assert section.forward.verdict == section.backward.verdict == "compatible"


@pytest.mark.parametrize("needed", [*ONLY_FOR, "other_needed"])
def test_a_section_for_a_process_on_the_same_host_is_none(needed: str) -> None:
    table = replace(description(A, name="cpr"), needed=needed)
    root = ir.Root("vmstate_dev", FILE, FILE, "vmstate_register", "f", "cpr")
    with_it = replace(program(table), roots=(root,))
    found = judge(replace(with_it, modules=()), with_it).sections
    assert bool(found) == (needed == "other_needed")


# --- releases, out of the archive ------------------------------------------------------------


def said(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = run(f"compat {line}".split())
    return status, capsys.readouterr().out


def test_a_property_that_came_one_release_late(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """40a23ef643: ``x-scanout-vmstate-version``."""
    line = "9.0 9.1 -t x86_64 --machine pc-q35-8.2 --machine pc-q35-9.0 --direction forward"
    status, text = said(f"{line} --devices virtio-gpu-pci", capsys)
    assert "pc-q35-8.2  9.0.0 → 9.1.0: refused, 1 section (virtio-gpu)" in text
    assert "pc-q35-9.0  9.0.0 → 9.1.0: loads" in text
    assert status == 1


def test_what_pre_save_leaves_is_no_condition(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """ab1207401e: ``esp_pre_save`` sets ``mig_version_id``."""
    line = "10.0 10.1 -t x86_64 --machine pc-q35-10.0 --devices am53c974"
    status, text = said(line, capsys)
    assert "10.1.0 → 10.0.13: refused, 1 section (pciespscsi)" in text
    assert status == 1
    status, text = said(f"{line} --direction forward", capsys)
    assert "10.0.13 → 10.1.0: loads" in text
    assert "pciespscsi" not in text  # has no condition
    assert status == 0


def test_ten_two_back_to_ten_one_has_few_findings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = "10.1 10.2 -t x86_64 --machine pc-q35-10.1 --direction backward"
    _, text = said(line, capsys)
    assert text.count("machine types: all of them") <= 5


def test_the_reasons_are_in_the_trees() -> None:
    """``cpr_incoming_needed`` is there since 10.1, in a file of its own kind."""
    tree: Path = require_tree("10.2")
    for name in ONLY_FOR:
        assert name in (tree / "migration/cpr.c").read_text()
