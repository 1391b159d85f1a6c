"""What a change of a table means for streams: one small case for every rule of loading,
and what is known of real releases."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.trees import require_tree
from vmgen import ir, lock
from vmgen.pipeline import Request, compile_program
from vmgen.source import Position
from vmgen.verdict import (
    Finding,
    Judgement,
    Outcome,
    SectionVerdict,
    judge,
    show,
    words,
)
from vmgen.verdict.check import confirm

FILE = "hw/dev.c"


def integer(name: str, kind: ir.IntType = "uint32", **more: Any) -> ir.Field:
    width = {"bool": 1}.get(kind) or int(kind.lstrip("uint")) // 8
    made = ir.Field(
        name, (ir.Step(name, f"{kind}_t"),), ir.IntegerElement(kind), ir.Fixed(width)
    )
    return replace(made, **more)


def array(name: str, count: int, kind: ir.IntType = "uint32") -> ir.Field:
    made = integer(name, kind, count=ir.Fixed(count), array=True)
    return replace(made, path=(ir.Step(name, f"{kind}_t", (count,)),))


def unused(size: int) -> ir.Field:
    return ir.Field("unused", (), ir.UnusedElement(), ir.Fixed(size))


def struct(name: str, symbol: str, **more: Any) -> ir.Field:
    made = ir.Field(
        name, (ir.Step(name, "Inner"),), ir.StructElement(symbol, "Inner"), ir.Fixed(8)
    )
    return replace(made, **more)


def description(
    *fields: ir.Field, symbol: str = "vmstate_dev", name: str = "dev", **more: Any
) -> ir.Description:
    numbered = tuple(
        replace(field, position=Position(FILE, 10 + number))
        for number, field in enumerate(fields)
    )
    made = ir.Description(
        symbol, name, "Dev", 1, 1, numbered, position=Position(FILE, 9)
    )
    return replace(made, **more)


def program(
    *descriptions: ir.Description, functions: tuple[ir.Function, ...] = ()
) -> ir.Program:
    return ir.Program("1", "toy", (ir.Module(FILE, descriptions, functions),))


def verdict(old: ir.Program, new: ir.Program, *, untried: str = "") -> SectionVerdict:
    """The verdict on the one section, which the codecs confirm both ways; with ``untried``
    they may also leave it open, for that reason."""
    judgement = judge(old, new)
    (section,) = judgement.sections
    for tried in confirm(judgement, old, new, 20):
        if untried and tried.answer == "open":
            assert untried in tried.why, tried
        else:
            assert tried.answer == "confirmed", tried
    return section


def both(
    old: ir.Description, new: ir.Description, *, untried: str = ""
) -> tuple[Outcome, Outcome]:
    found = verdict(program(old), program(new), untried=untried)
    return found.forward, found.backward


def said(outcome: Outcome) -> list[str]:
    """The findings of an outcome in words."""
    return [words.sentence(finding) for finding in outcome.findings]


def noted(outcome: Outcome) -> list[str]:
    """The notes of an outcome in words."""
    return [words.sentence(note) for note in outcome.notes]


def loads_if(outcome: Outcome) -> str:
    """The condition of an outcome in words."""
    assert outcome.condition is not None
    return words.every(outcome.findings)


def at(finding: Finding) -> str:
    """The offset of a finding in words."""
    assert finding.offset is not None
    return words.offset(finding.offset)


A, B, C = integer("a"), integer("b"), integer("c")


def test_equal() -> None:
    assert [one.verdict for one in both(description(A, B), description(A, B))] == [
        "compatible",
        "compatible",
    ]


def test_wire_names_of_fields_do_not_matter() -> None:
    new = description(A, replace(B, name="other"))
    forward, backward = both(description(A, B), new)
    assert (forward.verdict, backward.verdict) == ("compatible", "compatible")
    assert forward.notes == ()


def test_a_renamed_member_is_told() -> None:
    forward, _ = both(description(A, B), description(A, C))
    assert forward.verdict == "compatible"
    assert noted(forward) == ["b is loaded as c"]


def test_swapped_members_come_out_different() -> None:
    forward, _ = both(description(A, B, C), description(A, C, B))
    assert forward.verdict == "incompatible"
    (finding,) = forward.findings
    assert finding.kind == "member"
    assert (words.sentence(finding), at(finding)) == (
        "b is saved, and loaded as c",
        "4",
    )
    assert (finding.source.position.line, finding.target.position.line) == (11, 11)


def test_version_windows() -> None:
    new = description(A, version_id=3, minimum_version_id=2)
    forward, backward = both(description(A), new)
    assert said(forward)[0] == "version 1 is below the destination's minimum 2"
    assert said(backward)[0] == "version 3 is above the destination's 1"
    new = description(A, version_id=3)
    forward, backward = both(description(A), new)
    assert (forward.verdict, backward.verdict) == ("compatible", "incompatible")


def test_a_field_of_a_new_version() -> None:
    new = description(A, replace(B, version_id=2), version_id=2)
    forward, backward = both(description(A), new)
    assert forward.verdict == "compatible"
    assert backward.verdict == "incompatible"


def test_a_field_without_a_new_version() -> None:
    forward, backward = both(description(A), description(A, B))
    assert [forward.verdict, backward.verdict] == ["incompatible", "incompatible"]
    assert (
        said(forward)[0]
        == "the destination expects uint32 b, the source does not send it"
    )
    assert at(forward.findings[0]) == "4"
    assert (
        said(backward)[0]
        == "the source sends uint32 b, the destination does not expect it"
    )
    assert backward.findings[0].source.position == Position(FILE, 11)


def test_padding_stands_in_for_a_removed_field() -> None:
    forward, backward = both(description(A, B, C), description(A, unused(4), C))
    assert (forward.verdict, backward.verdict) == ("compatible", "compatible")
    assert noted(forward)[0] == "b is skipped as padding"
    assert noted(backward)[0] == "b is loaded from padding, so it is zero"


def test_padding_that_changes_places_with_a_field() -> None:
    forward, _ = both(description(A, unused(4)), description(unused(4), A))
    assert forward.verdict == "incompatible"
    assert said(forward)[0] == ("a is skipped as padding; it has another place")


def test_padding_for_elements_that_were_cut_off() -> None:
    old = description(array("a", 8), B)
    new = description(array("a", 5), unused(12), B)
    forward, backward = both(old, new)
    assert (forward.verdict, backward.verdict) == ("compatible", "compatible")
    assert noted(forward)[0] == "a[5] is skipped as padding"


def part_of(name: str, start: int, count: int) -> ir.Field:
    """Some elements of an array of eight (``VMSTATE_SUB_ARRAY``)."""
    return replace(array(name, 8), start=start, count=ir.Fixed(count))


def test_padding_for_elements_that_the_other_side_has_elsewhere() -> None:
    """They would be skipped here, and filled there with what is not theirs."""
    new = description(part_of("a", 0, 5), unused(12), part_of("a", 5, 3))
    for old in (
        description(array("a", 8), array("c", 3)),
        description(array("a", 7), B, array("c", 3)),
    ):
        forward, _ = both(old, new)
        assert forward.verdict == "incompatible"
        assert said(forward)[0] == "a[5] is skipped as padding; it has another place"


def test_padding_of_another_size_does_not() -> None:
    forward, _ = both(description(A, B, C), description(A, unused(3), C))
    assert forward.verdict == "incompatible"


def test_padding_may_cover_several_fields() -> None:
    old = description(A, integer("x", "uint64"), array("y", 3, "uint16"), C)
    forward, _ = both(old, description(A, unused(10), unused(4), C))
    assert forward.verdict == "compatible"


def test_another_size_of_elements() -> None:
    forward, _ = both(description(A, B), description(A, integer("b", "uint64")))
    assert forward.verdict == "incompatible"
    (finding,) = forward.findings
    assert (finding.kind, at(finding)) == ("width", "4")
    assert (
        words.sentence(finding) == "element size differs: 4 bytes saved, 8 bytes loaded"
    )


def test_equal_bytes_in_other_units() -> None:
    old = description(integer("a", "uint64"))
    new = description(integer("a", "uint32"), integer("b", "uint32"))
    judgement = judge(program(old), program(new))
    assert judgement.worst() == "unknown"
    assert show.status([judgement], show.BOTH, strict=False) == 3


def test_an_array_may_be_split() -> None:
    old = description(array("a", 4, "uint8"))
    new = description(
        *(
            integer("a", "uint8", path=(ir.Step("a", "uint8_t", (4,), (number,)),))
            for number in range(4)
        )
    )
    forward, backward = both(old, new)
    assert (forward.verdict, backward.verdict) == ("compatible", "compatible")
    assert forward.notes == ()


def test_a_longer_array() -> None:
    forward, _ = both(description(array("a", 4), B), description(array("a", 5), B))
    assert forward.verdict == "incompatible"
    assert at(forward.findings[0]) == "16"
    assert said(forward)[0] == "b is saved, and loaded as a[4]"


def test_a_bool_holds_two_values() -> None:
    old, new = description(integer("a", "uint8")), description(integer("a", "bool"))
    forward, backward = both(old, new)
    assert forward.verdict == "conditional"
    assert loads_if(forward) == "a <= 1"
    assert backward.verdict == "compatible"


def test_a_new_check() -> None:
    new = description(replace(A, element=ir.IntegerElement("uint32", "equal")))
    judgement = judge(program(description(A)), program(new))
    (section,) = judgement.sections
    assert section.forward.verdict == "conditional"
    assert loads_if(section.forward) == "a == (the destination's) a"
    assert section.backward.verdict == "compatible"


def test_the_name_of_a_section() -> None:
    forward, _ = both(description(A), description(A, name="other"))
    assert forward.verdict == "incompatible"
    assert forward.findings[0].kind == "section-name"


# --- conditions -----------------------------------------------------------------------

HAS = ir.Function("has_b", body=ir.Binary(">", ir.Load("a", "uint32"), ir.Const(2)))
TESTED = replace(B, test="has_b")


def with_field(
    new: ir.Field, functions: tuple[ir.Function, ...] = (HAS,)
) -> SectionVerdict:
    return verdict(
        program(description(A, TESTED, C), functions=(HAS,)),
        program(description(A, new, C), functions=functions),
    )


def test_the_same_condition_of_another_function() -> None:
    found = with_field(replace(B, test="b_there"), (replace(HAS, symbol="b_there"),))
    assert found.worst == "compatible"


def test_a_condition_that_is_gone() -> None:
    found = with_field(B)
    assert found.forward.verdict == "conditional"
    assert loads_if(found.forward) == "a >= 3"


def test_another_condition() -> None:
    stricter = ir.Function(
        "has_b", body=ir.Binary(">", ir.Load("a", "uint32"), ir.Const(5))
    )
    found = with_field(TESTED, (stricter,))
    assert found.forward.verdict == "conditional"
    assert loads_if(found.forward) == "a <= 2 || a >= 6"


def test_a_test_replaces_the_version() -> None:
    late = replace(TESTED, version_id=7)
    found = with_field(late)
    assert found.worst == "compatible"


def test_a_test_of_the_version() -> None:
    since = ir.Function("since_2", body=ir.Binary(">=", ir.Version(), ir.Const(2)))
    new = description(A, replace(B, test="since_2"), version_id=2)
    found = verdict(program(description(A)), program(new, functions=(since,)))
    assert (found.forward.verdict, found.backward.verdict) == (
        "compatible",
        "incompatible",
    )


def test_impossible_cases_do_not_count() -> None:
    def limited(symbol: str, op: Any, bound: int) -> ir.Function:
        least = ir.Select(
            ir.Binary("<", ir.Version(), ir.Load("a", "uint32")),
            ir.Version(),
            ir.Load("a", "uint32"),
        )
        return ir.Function(symbol, body=ir.Binary(op, least, ir.Const(bound)))

    functions = (limited("before", "<", 5), limited("since", ">=", 5))
    fields = (A, replace(B, test="before"), replace(C, test="since"))
    old = program(description(*fields, version_id=6), functions=functions)
    new = program(description(*fields, version_id=7), functions=functions)
    assert verdict(old, new).forward.verdict == "compatible"


# --- nested ---------------------------------------------------------------------------


def nested(*fields: ir.Field, **more: Any) -> ir.Description:
    return description(
        *fields, **{"symbol": "vmstate_inner", "name": "inner", "type": "Inner", **more}
    )


def test_a_nested_struct_that_grows() -> None:
    """The outer version stays: the class of virtio-gpu between 8.2 and 9.0."""
    outer = description(
        integer("n"),
        struct("part", "vmstate_inner", count=ir.Fixed(2), array=True),
        integer("last"),
    )
    old = program(nested(A, B), outer)
    new = program(nested(A, B, C), outer)
    found = verdict(old, new)
    assert (found.forward.verdict, found.backward.verdict) == (
        "incompatible",
        "incompatible",
    )
    (finding,) = found.forward.findings
    assert at(finding) == "12"
    assert words.sentence(finding) == "part[1].a is saved, and loaded as part[0].c"


def test_a_nested_version_is_not_on_the_wire() -> None:
    """A field of a new version of the nested description alone is read all the same."""
    outer = description(struct("part", "vmstate_inner"), integer("last"))
    old = program(nested(A), outer)
    new = program(nested(A, replace(B, version_id=2), version_id=2), outer)
    assert verdict(old, new).forward.verdict == "incompatible"


def test_vstruct_says_the_version() -> None:
    part = struct(
        "part",
        "vmstate_inner",
        element=ir.StructElement("vmstate_inner", "Inner", vstruct=True),
        struct_version_id=1,
    )
    outer = description(part, integer("last"))
    old = program(nested(A), outer)
    new = program(nested(A, replace(B, version_id=2), version_id=2), outer)
    assert verdict(old, new).worst == "compatible"


def test_a_struct_may_be_written_out() -> None:
    outer = description(struct("part", "vmstate_inner"), integer("last"))
    flat = description(
        *(
            replace(field, path=(ir.Step("part", "Inner"), *field.path))
            for field in (A, B)
        ),
        integer("last"),
    )
    assert verdict(program(nested(A, B), outer), program(flat)).worst == "compatible"


def test_a_growing_element_of_a_counted_array() -> None:
    count = ir.FromMember((ir.Step("n", "uint32_t"),), "uint32")
    outer = description(
        integer("n"),
        struct("part", "vmstate_inner", count=count, array=True, pointer=True),
    )
    found = verdict(program(nested(A), outer), program(nested(A, B), outer))
    assert found.forward.verdict == "incompatible"
    assert at(found.forward.findings[0]) == "8"


# --- subsections ----------------------------------------------------------------------

NEEDED = ir.Function(
    "needed", body=ir.Binary("==", ir.Load("a", "uint32"), ir.Const(1))
)


def subsection(*fields: ir.Field, **more: Any) -> ir.Description:
    return description(
        *fields,
        **{"symbol": "vmstate_sub", "name": "dev/sub", "needed": "needed", **more},
    )


def with_subsection(
    sub: ir.Description | None, function: ir.Function = NEEDED
) -> ir.Program:
    if sub is None:
        return program(description(A))
    dev = description(A, subsections=(sub.symbol,))
    return program(sub, dev, functions=(function,))


def test_a_new_subsection() -> None:
    found = verdict(with_subsection(None), with_subsection(subsection(B)))
    assert found.forward.verdict == "compatible"
    assert found.backward.verdict == "conditional"
    assert loads_if(found.backward) == "a != 1"
    assert said(found.backward)[0] == "the destination has no subsection 'dev/sub'"


def test_a_subsection_of_another_name() -> None:
    found = verdict(
        with_subsection(subsection(B)), with_subsection(subsection(B, name="dev/other"))
    )
    assert (found.forward.verdict, found.backward.verdict) == (
        "conditional",
        "conditional",
    )


def test_a_subsection_of_another_version() -> None:
    new = subsection(B, version_id=2, minimum_version_id=2)
    found = verdict(with_subsection(subsection(B)), with_subsection(new))
    assert found.forward.verdict == "conditional"
    assert "version 1 of subsection 'dev/sub' is below" in said(found.forward)[0]


def test_a_subsection_that_is_always_sent() -> None:
    always = ir.Function("needed", body=ir.Const(1))
    old = with_subsection(subsection(B), always)
    found = verdict(old, with_subsection(None))
    assert found.forward.verdict == "incompatible"


def test_a_subsection_that_grows() -> None:
    found = verdict(with_subsection(subsection(B)), with_subsection(subsection(B, C)))
    assert found.forward.verdict == "conditional"
    assert loads_if(found.forward) == "a != 1"


# --- sections -------------------------------------------------------------------------


def test_a_section_that_is_gone() -> None:
    judgement = judge(
        program(description(A)), program(description(A, name="x", symbol="y"))
    )
    assert [section.section for section in judgement.sections] == ["dev", "x"]
    dev, other = judgement.sections
    assert dev.forward.verdict == "conditional"
    assert loads_if(dev.forward) == "the stream has no section 'dev'"
    assert dev.backward.verdict == "compatible"
    assert other.forward.verdict == "compatible"
    assert other.backward.verdict == "conditional"


# --- what is printed ------------------------------------------------------------------


def grown() -> Judgement:
    return judge(
        program(description(A)), replace(program(description(A, B)), release="2")
    )


def test_text() -> None:
    assert show.text(grown(), directions=("forward",)) == (
        "toy  1 → 2: 1 incompatible\n"
        "\n"
        "incompatible\n"
        "  dev (vmstate_dev)\n"
        "    1 → 2: incompatible\n"
        "      the destination expects uint32 b, the source does not send it in vmstate_dev, at byte 4\n"
        "        saves: nothing\n"
        "        loads: uint32 b  (hw/dev.c:11)\n"
        "      fix: keep OLD's fields as they are; send it in a subsection whose .needed"
        " reads a property, and switch the property off for the machine types of OLD with"
        " a compat entry (hw_compat_*)\n"
    )
    assert "fix:" not in show.text(grown(), each_fix=False)


def test_github() -> None:
    assert show.github(grown(), ("forward",)) == (
        "::error file=hw/dev.c,line=11,title=dev%3A 1 → 2 incompatible::"
        "the destination expects uint32 b, the source does not send it\n"
    )


def test_github_goes_by_the_paths_of_the_repository() -> None:
    folders = "before", "third_party/qemu"
    assert show.github(grown(), ("forward",), folders).startswith(
        "::error file=third_party/qemu/hw/dev.c,line=11,"
    )


def test_what_new_lacks_is_annotated_at_its_table() -> None:
    """A pull request shows NEW: a field that it removes is missing in its table."""
    removed = judge(
        program(description(A, B)), replace(program(description(A)), release="2")
    )
    folders = "before", "after"
    assert show.github(removed, ("forward",), folders).startswith(
        "::error file=after/hw/dev.c,line=9,title=dev%3A 1 → 2 incompatible::"
    )
    without = judge(
        with_subsection(subsection(B)), replace(with_subsection(None), release="2")
    )
    assert show.github(without, ("forward",), folders).startswith(
        "::warning file=after/hw/dev.c,line=9,"
    )


def test_json() -> None:
    data = show.as_json(grown(), ("forward",))
    assert data["verdict"] == "incompatible"
    sections: Any = data["sections"]
    (finding,) = sections[0]["forward"]["findings"]
    assert finding["kind"] == "end"
    assert finding["offset"] == {"fixed": 4}
    assert finding["source"] == {"what": "nothing", "table": "hw/dev.c:9"}
    assert finding["target"] == {
        "what": "values", "name": "b", "path": "b", "type": "uint32", "width": 4,
        "count": 1, "position": "hw/dev.c:11",
    }  # fmt: skip
    new = with_subsection(subsection(B))
    conditional: Any = show.as_json(judge(with_subsection(None), new))["sections"]
    assert conditional[0]["backward"]["condition"] == ["!=", ["load", "a", "int64"], 1]


def test_status() -> None:
    conditional = judge(with_subsection(subsection(B)), with_subsection(None))
    assert show.status([grown()], show.BOTH, strict=False) == 1
    assert show.status([conditional], ("backward",), strict=False) == 0
    assert show.status([conditional], ("forward",), strict=False) == 0
    assert show.status([conditional], ("forward",), strict=True) == 1


# --- real releases --------------------------------------------------------------------


@cache
def cpu_program(release: str, target: str) -> ir.Program:
    return compile_program(Request(target=target, qemu=Path(require_tree(release))))


def cpu(old: str, new: str, target: str) -> SectionVerdict:
    judgement = judge(cpu_program(old, target), cpu_program(new, target))
    return next(one for one in judgement.sections if one.section == "cpu")


@pytest.mark.parametrize(
    ("target", "versions"),
    [("riscv64", (5, 10, 10)), ("riscv32", (5, 10, 10)), ("loongarch64", (0, 3, 3))],
)
def test_cpus_that_7_2_and_10_0_do_not_share(
    target: str, versions: tuple[int, int, int]
) -> None:
    found = cpu("7.2", "10.0", target)
    saved, minimum, newest = versions
    forward, *more = found.forward.findings
    backward = found.backward.findings[0]
    if target.startswith("riscv"):
        lost = [(one.field, one.source.versions, one.target.versions) for one in more]
        assert ("cpu/hyper", (2,), (4, 4)) in lost
        assert ("cpu/pointer_masking", (1,), (2, 2)) in lost
    assert words.sentence(forward) == (
        f"version {saved} is below the destination's minimum {minimum}"
    )
    assert forward.target.versions == (minimum, newest)
    assert words.sentence(backward) == (
        f"version {newest} is above the destination's {saved}"
    )


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("x86_64", {"cpu/xen_vcpu", "cpu/msr_hwcr", "cpu/fred"}),
        ("aarch64", {"cpu/vfp/fpcr_fpsr", "cpu/pmsav8/pmsav8r", "cpu/wfxt-timer"}),
    ],
)
def test_new_subsections_are_fine_forward_and_refused_backward(
    target: str, names: set[str]
) -> None:
    found = cpu("7.2", "10.0", target)
    if target == "aarch64":  # what post_load asks for is made by each release's code
        (finding,) = found.forward.findings
        assert (finding.kind, finding.field) == ("premise", "system registers")
        removed, added = finding.only
        # The PAR of 32 bits is an alias of that of 64 where there is one.
        assert any(row.startswith("assigned vapa_cp_reginfo[0] type ") for row in added)
        assert len(added) > len(removed)
    else:
        assert found.forward.verdict == "compatible"
    assert found.backward.verdict == "conditional"
    missing = {
        finding.field
        for finding in found.backward.findings
        if finding.kind == "subsection-missing"
    }
    assert missing == names


def test_pseries_cpus_are_refused() -> None:
    """cpu/slb lost a field without a new minimum, and has version 2 now."""
    found = cpu("7.2", "10.0", "ppc64")
    slb = next(one for one in found.forward.findings if "cpu/slb" in one.subsections)
    assert (slb.source.type, slb.source.path) == ("int32", "mig_slb_nr")
    assert any(
        words.sentence(finding).startswith("version 2 of subsection 'cpu/slb' is above")
        for finding in found.backward.findings
    )


@pytest.mark.parametrize("release", ["7.2", "10.0"])
def test_a_release_loads_its_own_streams_and_its_lock(release: str) -> None:
    program = cpu_program(release, "x86_64")
    assert judge(program, program).worst() == "compatible"
    (locked,) = lock.loads(lock.dumps([program]))
    judgement = judge(locked, program)
    assert judgement.worst() == "compatible"
    assert len(judgement.sections) >= 2


def test_a_condition_on_a_member_that_another_subsection_has() -> None:
    """The one side loads the member that decides, the other has padding in its place and
    asks its own."""
    flag = replace(integer("flag"), element=ir.IntegerElement("bool"), size=ir.Fixed(1))
    padding = ir.Field("unused", (), ir.UnusedElement(), ir.Fixed(1))
    tested = replace(B, test="wanted")
    wanted = ir.Function("wanted", Position(""), "Dev", ir.Load("flag", "bool"))

    def side(*first: ir.Field) -> ir.Program:
        one = replace(description(*first), symbol="vmstate_one", name="dev/one")
        two = replace(description(tested), symbol="vmstate_two", name="dev/two")
        whole = replace(description(A), subsections=("vmstate_one", "vmstate_two"))
        return program(one, two, whole, functions=(wanted,))

    found = verdict(side(flag), side(padding))
    assert (found.forward.verdict, found.backward.verdict) == (
        "conditional",
        "conditional",
    )
    assert "(the destination's) flag" in loads_if(found.forward)
    assert "(the loaded) flag" in loads_if(found.backward)


def test_sections_that_are_the_same_are_not_tried() -> None:
    one = replace(description(A, B), symbol="vmstate_one", name="one")
    two = replace(description(A, C), symbol="vmstate_two", name="two")
    changed = replace(description(A, B, C), symbol="vmstate_two", name="two")
    moved = replace(
        one,
        fields=tuple(
            replace(field, position=Position(FILE, 99)) for field in one.fields
        ),
    )
    old, new = program(one, two), program(moved, changed)
    tried = {item.section for item in confirm(judge(old, new), old, new, 3)}
    assert tried == {"two"}


def registered(instance: str, alias: str = "") -> ir.Program:
    root = ir.Root(
        "vmstate_dev", FILE, FILE, "vmstate_register", "dev_realize", "dev",
        instance=instance, alias=alias, position=Position(FILE, 50),
    )  # fmt: skip
    return replace(program(description(A)), roots=(root,))


def test_a_description_that_was_renamed_without_its_subsections() -> None:
    """The loader looks for the name of the description before that of the subsection."""

    def side(name: str) -> ir.Program:
        sub = description(B, symbol="vmstate_sub", name="part/sub")
        inner = description(
            A, symbol="vmstate_part", name=name, subsections=("vmstate_sub",)
        )
        return program(sub, inner, description(C, struct("part", "vmstate_part")))

    found = verdict(side("part"), side("piece"), untried="does not save what it loaded")
    assert (found.forward.verdict, found.backward.verdict) == (
        "incompatible",
        "compatible",
    )
    assert said(found.forward)[0] == (
        "the destination does not look for subsection 'part/sub' inside of 'piece': its name does not begin with 'piece/'"
    )
    assert verdict(side("part"), side("par")).forward.verdict == "compatible"


def test_a_number_that_was_saved_twice_and_is_wider_now() -> None:
    """What aspeed.rtc did before 10.0: as many bytes, and another number."""
    old = description(integer("a", "int32"), integer("a", "int32"))
    forward, backward = both(old, description(integer("a", "int64")))
    assert (forward.verdict, backward.verdict) == ("incompatible", "incompatible")
    assert said(forward)[0] == "element size differs: 4 bytes saved, 8 bytes loaded"
    assert forward.findings[0].kind == "width"


def test_a_section_under_another_instance_is_not_found() -> None:
    found = verdict(registered("0"), registered("1"), untried="the header alone")
    assert (found.forward.verdict, found.backward.verdict) == (
        "incompatible",
        "incompatible",
    )
    (finding,) = found.forward.findings
    assert finding.kind == "section-instance"
    assert (finding.source.instances, finding.target.instances) == (("0",), ("1",))
    assert finding.target.position.line == 50
    # The first that is free is 0; an alias is an instance too; C decides the rest.
    for new in (registered("any"), registered("1", "0"), registered("dev->index")):
        found = verdict(registered("0"), new, untried="the header alone")
        assert found.forward.verdict == "compatible"


def test_a_field_whose_version_was_forgotten_is_told() -> None:
    new = description(A, replace(B, version_id=2))
    forward, backward = both(description(A), new)
    assert (forward.verdict, backward.verdict) == ("compatible", "compatible")
    assert forward.notes == ()
    assert noted(backward) == [
        "b has version 2 and its description version 1: it is never sent"
    ]
    assert both(new, new)[1].notes == ()


def test_a_subsection_that_is_sent_less_often_is_told() -> None:
    def sent(least: int) -> ir.Function:
        body = ir.Binary(">", ir.Load("a", "uint32"), ir.Const(least))
        return ir.Function("needed", Position(""), "Dev", body)

    old = with_subsection(subsection(B), sent(0))
    new = with_subsection(subsection(B), sent(1))
    found = verdict(old, new)
    assert (found.forward.verdict, found.backward.verdict) == (
        "compatible",
        "compatible",
    )
    assert noted(found.forward) == [
        "subsection 'dev/sub' is sent if a > 0;"
        " the destination would send it if a > 1"
    ]


def test_what_cannot_be_saved_any_more_is_told() -> None:
    _, backward = both(
        description(A), description(A, unmigratable=True), untried="never saved"
    )
    assert backward.verdict == "compatible"
    assert noted(backward) == [
        "the source is unmigratable: a guest with it cannot be saved"
    ]


def test_bytes_of_c_code_are_too_many_whatever_they_are() -> None:
    """What the one side has before is gone on the other: however many bytes the C code
    takes, there are more of them than are read, or fewer than are awaited."""
    config = ir.Field(
        "config",
        (),
        ir.CustomElement("vmstate_info_config", "config"),
        ir.Fixed(1),
    )

    def told(old: ir.Description, new: ir.Description) -> tuple[Outcome, Outcome]:
        (section,) = judge(program(old), program(new)).sections
        return section.forward, section.backward

    forward, backward = told(description(A, config, B), description(B))
    assert (forward.verdict, backward.verdict) == ("incompatible", "incompatible")
    texts = [said(one)[0] for one in told(description(config, A), description())]
    assert texts == [
        "the source sends 'vmstate_info_config' config, the destination does not expect it",
        "the destination expects 'vmstate_info_config' config, the source does not send it",
    ]
    forward, backward = told(description(config, A, B), description(B))
    assert (
        said(forward)[0]
        == "the source sends at least 8 bytes, the destination loads 4 bytes"
    )
    assert (
        said(backward)[0]
        == "the source sends 4 bytes, the destination loads at least 8 bytes"
    )
    assert [one.verdict for one in told(description(config), description(A))] == [
        "unknown",
        "unknown",
    ]


# --- lists and trees ----------------------------------------------------------------------


def elements(name: str, element: ir.ListElement | ir.GTreeElement) -> ir.Field:
    return ir.Field(name, (ir.Step(name, "Head"),), element, ir.Fixed(8))


LIST = ir.ListElement("qtailq", "vmstate_item", "Item")
TREE = ir.GTreeElement("", "vmstate_item", "", "Item")
KEYED = ir.GTreeElement("vmstate_key", "vmstate_item", "Key", "Item")


@pytest.mark.parametrize(
    ("element", "changed", "condition"),
    [
        (LIST, "item", "QTAILQ_EMPTY(&{path})"),
        (TREE, "item", "g_tree_nnodes({path}) == 0"),
        (KEYED, "item", "g_tree_nnodes({path}) == 0"),
        (KEYED, "key", "g_tree_nnodes({path}) == 0"),
    ],
)
@pytest.mark.parametrize("depends", [False, True])
@pytest.mark.parametrize("nested", [False, True])
def test_what_changed_in_an_element_matters_where_there_is_one(
    element: ir.ListElement | ir.GTreeElement,
    changed: str,
    condition: str,
    nested: bool,
    depends: bool,
) -> None:
    """Where an element's own member decides, a list that is empty loads, wherever in the section's object it is."""

    def side(more: tuple[ir.Field, ...]) -> ir.Program:
        parts = [
            description(
                integer("a"), *(more if one == changed else ()),
                symbol=f"vmstate_{one}", name=one, version_id=0, minimum_version_id=0,
            )
            for one in ("item", "key")
        ]  # fmt: skip
        holder = elements("parts", element), integer("b")
        wants = (ir.Function("wants", body=ir.Load("a", "uint32")),)
        if not nested:
            return program(description(*holder), *parts, functions=wants)
        inner = description(*holder, symbol="vmstate_inner", name="inner")
        dev = description(struct("in", "vmstate_inner"))
        return program(dev, inner, *parts, functions=wants)

    old, new = side(()), side((integer("c", test="wants" if depends else ""),))
    judgement = judge(old, new)
    (section,) = (one for one in judgement.sections if one.old == "vmstate_dev")
    tries = [one for one in confirm(judgement, old, new, 20) if one.section == "dev"]
    assert {one.answer for one in tries} == {"confirmed"}
    path = "in.parts" if nested else "parts"
    for outcome in (section.forward, section.backward):
        assert [one.path for one in outcome.findings] == [f"{path}[]."]
        if depends:
            assert loads_if(outcome) == f"{condition.format(path=path)} || !a"
        else:
            assert outcome.verdict == "incompatible"
    same = judge(old, side(()))
    assert {one.forward.verdict for one in same.sections} == {"compatible"}


@pytest.mark.parametrize("element", [LIST, TREE, KEYED])
@pytest.mark.parametrize(
    "others",
    [
        (B,),
        (unused(4),),
        (array("b", 3, "uint8"),),
        (integer("b", count=ir.FromMember((ir.Step("a", "uint32_t"),), "uint32"), array=True,
                 pointer=True),),
    ],
    ids=["value", "padding", "array", "counted"],
)  # fmt: skip
def test_a_list_is_neither_values_nor_padding(
    element: ir.ListElement | ir.GTreeElement, others: tuple[ir.Field, ...]
) -> None:
    """Before every element of a list is a byte 1, after them a byte 0 (``get_qtailq``,
    ``get_gtree`` of ``migration/vmstate-types.c``)."""
    parts = [
        description(
            A, symbol=f"vmstate_{one}", name=one, version_id=0, minimum_version_id=0
        )
        for one in ("item", "key")
    ]
    holder = A, elements("parts", element)
    old = program(description(*holder, C), *parts)
    new = program(description(A, *others, C), *parts)
    judgement = judge(old, new)
    (section,) = (one for one in judgement.sections if one.old == "vmstate_dev")
    tries = [one for one in confirm(judgement, old, new, 20) if one.section == "dev"]
    assert tries
    assert {one.answer for one in tries} <= {"confirmed"}, tries
    for outcome in (section.forward, section.backward):
        assert outcome.verdict == "incompatible"
        assert [one.kind for one in outcome.findings] == ["shape"]
