"""Which TLB a model of a PowerPC CPU has, held against the C of the trees."""

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
from vmgen.known.tlbs import of_model
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


def models(tree: Path) -> Iterator[tuple[str, int, set[str]]]:
    """Each model of a tree with the kind of its TLB, and what it assigns to ``nb_tlb``."""
    files = sorted((tree / "target/ppc").glob("*.[ch]*"))
    text = "\n".join(one.read_text(errors="replace") for one in files)
    makes = {
        name: found[1]
        for name, body in _FAMILY.findall(text)
        if (found := re.search(r"init_proc = (\w+)", body))
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
            yield name, KINDS.index(kind), {*re.findall(r"nb_tlb = (\w+)", code)}


@pytest.mark.parametrize("release", ["7.2", "10.0", "10.2"])
def test_what_is_said_of_models_is_in_the_c(release: str) -> None:
    tree = require_tree(release)
    numbers = (tree / "target/ppc/cpu.h").read_text()
    for number, word in enumerate(KINDS):
        assert re.search(rf"\b{word}\s*=?\s*{number}\b", numbers)
    seen = 0
    for name, kind, entries in models(tree):
        known = of_model(name)
        if known:
            seen += 1
            said = {where.path: bits.value for where, bits in known.items()}
            assert said["env.tlb_type"] == kind, name
            if "env.nb_tlb" in said:
                assert {f"{said['env.nb_tlb']}"} == (entries or {"0"}), name
    assert seen > 200


def test_the_members_are_whole() -> None:
    place = ir.MemberPlace("PowerPCCPU", "env.tlb_type")
    assert of_model("460exb")[place] == KnownBits(WHOLE, 2)
    assert of_model("no such model") == {}


@cache
def judge() -> MachineJudge:
    archive = Archive(SHIPPED)
    releases = archive.find("7.2.22"), archive.find("10.0.2")
    old, new = (archive.program(one, "ppc") for one in releases if one is not None)
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
    judged = judge().judgement(machine, model=model)
    assert answer(judged, "forward") == said
