"""Which MMU a model of a PowerPC CPU has, held against the C of the trees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.trees import require_tree
from vmgen import ir
from vmgen.archive import SHIPPED, Archive
from vmgen.known.members import WHOLE, KnownBits
from vmgen.known.mmus import of_model
from vmgen.verdict.machines import MachineJudge
from vmgen.verdict.show_machines import answer

KINDS = ("TLB_NONE", "TLB_6XX", "TLB_EMB", "TLB_MAS")
_FAMILY = re.compile(r"POWERPC_FAMILY\((\w+)\)\s*\((.*?)\n\}", re.DOTALL)
_FUNCTION = re.compile(
    r"^(?:static )?(?:inline )?(?:void|int) (\w+)\([^)]*\)\n\{(.*?)\n\}",
    re.DOTALL | re.M,
)
_MODEL = re.compile(r'POWERPC_DEF\(\s*"([^"]+)"\s*,\s*\w+\s*,\s*(\w+)\s*,')
_SYSTEM = re.compile(
    r'POWERPC_DEF_SVR\(\s*"([^"]+)"\s*,\s*"[^"]*"\s*,\s*\w+\s*,\s*\w+\s*,\s*(\w+)\s*\)'
)


def models(tree: Path) -> Iterator[tuple[str, int, set[str], bool]]:
    """Each model of a tree with the kind of its TLB, what it assigns to ``nb_tlb``, and
    whether it has segments of 64 bits."""
    files = sorted((tree / "target/ppc").glob("*.[ch]*"))
    text = "\n".join(one.read_text(errors="replace") for one in files)
    makes, mmus = {}, {}
    for name, body in _FAMILY.findall(text):
        if found := re.search(r"init_proc = (\w+)", body):
            makes[name] = found[1]
            (mmus[name],) = {*re.findall(r"mmu_model = (\w+)", body)}
    wide = {
        name
        for name, value in re.findall(r"(POWERPC_MMU_\w+)\s*=\s*([^,/]+)", text)
        if "POWERPC_MMU_64" in value
    }
    functions = dict(_FUNCTION.findall(text))

    def bodies(name: str, depth: int = 0) -> Iterator[str]:
        if depth < 4 and name in functions:
            yield functions[name]
            for called in re.findall(r"\b(\w+)\(env\b", functions[name]):
                yield from bodies(called, depth + 1)

    for name, family in (*_MODEL.findall(text), *_SYSTEM.findall(text)):
        if family in makes:
            code = "\n".join(bodies(makes[family]))
            kinds = {*re.findall(r"env->tlb_type = (\w+)", code)} or {"TLB_NONE"}
            (kind,) = kinds
            entries = {*re.findall(r"nb_tlb = (\w+)", code)}
            yield name, KINDS.index(kind), entries, mmus[family] in wide


@pytest.mark.parametrize("release", ["7.2", "10.0", "10.2"])
def test_what_is_said_of_models_is_in_the_c(release: str) -> None:
    tree = require_tree(release)
    numbers = (tree / "target/ppc/cpu.h").read_text()
    headers = sorted((tree / "target/ppc").glob("*.h"))
    text = "\n".join(one.read_text(errors="replace") for one in headers)
    (bit,) = re.findall(r"\bPOWERPC_MMU_64\s+(?:=\s*)?(0x\w+)", text)
    assert int(bit, 0) == 0x10000
    for number, word in enumerate(KINDS):
        assert re.search(rf"\b{word}\s*=?\s*{number}\b", numbers)
    seen = 0
    for name, kind, entries, is_64 in models(tree):
        known = of_model(name)
        if known:
            seen += 1
            said = {where.path: bits.value for where, bits in known.items()}
            assert said.get("env.tlb_type", kind) == kind, name
            assert bool(said["env.mmu_model"]) == is_64, name
            if "env.nb_tlb" in said:
                assert {f"{said['env.nb_tlb']}"} == (entries or {"0"}), name
    assert seen > 200


def test_the_members_are_whole() -> None:
    place = ir.MemberPlace("PowerPCCPU", "env.tlb_type")
    assert of_model("460exb")[place] == KnownBits(WHOLE, 2)
    assert of_model("no such model") == {}


@cache
def judge(target: str) -> MachineJudge:
    archive = Archive(SHIPPED)
    releases = archive.find("7.2.22"), archive.find("10.0.2")
    old, new = (archive.program(one, target) for one in releases if one is not None)
    return MachineJudge(old, new)


@pytest.mark.parametrize(
    ("machine", "model", "said"),
    [
        ("bamboo", "", "refused"),  # 7.2 sends the TLB of a 440 as that of a 603
        ("virtex-ml507", "", "refused"),
        ("sam460ex", "", "refused"),
        ("g3beige", "", "loads"),
        ("g3beige", "440epb", "refused"),
    ],
)
def test_no_release_reads_the_tlb_of_another_kind(
    machine: str, model: str, said: str
) -> None:
    judged = judge("ppc").judgement(machine, model=model)
    assert answer(judged, "forward") == said


def test_a_processor_with_segments_of_64_bits_sends_them() -> None:
    judged = judge("ppc64").judgement("pseries-7.2")
    (cpu,) = (one for one in judged.sections if one.section == "cpu")
    assert cpu.backward.verdict == "incompatible"  # of a version that 7.2 does not take
    assert "cpu/slb" in str(cpu.backward.findings)
