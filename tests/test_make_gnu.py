"""The language of old build files against GNU make itself: variables, conditionals, functions."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vmgen.linkmodel.make import Make
from vmgen.source import VmgenError

GNU_MAKE = shutil.which("make")

#: Each sets R, or leaves it alone.
TEXTS = [
    # variables
    "R = a b", "R := a\nR += b", "R = x\nR ?= y", "R ?= y", "A = 1\nR = $(A)\nA = 2", "A = 1\nR := $(A)\nA = 2", "A=1\nR:=${A}$(A)x", "R =", "R = a \\\n  b",
    "R = a # remark", "R = a \\# b", "R += a", "A-b.c/d = 1\nR = $(A-b.c/d)", "N = A\nA = 4\nR = $($(N))", "A1 = x\nI = 1\nR = $(A$(I))", "R = $(nothing)", "R = $$x",
    "$(N)R = 1", "N = R\n$(N) = 5", "A-y = one\nA-n = two\nC = y\nR = $(A-$(C))", "A-y += 1\nA-y += 2\nA-n += 3\nR = $(A-y)", "A-$(C) += 1\nR = $(A-)", "  R = a",
    "R ::= 1", "A = a\nR := $(A) \\\n $(A)\nA = b", "R = 1\n# R = 2 \\\nR = 3", "R = a\\\nb", "R := x\nR += $(L)\nL = late", "R = x\nR += $(L)\nL = late",
    # conditionals
    "ifdef A\nR = 1\nelse\nR = 2\nendif", "A = 1\nifdef A\nR = 1\nelse\nR = 2\nendif", "A =\nifdef A\nR = 1\nelse\nR = 2\nendif", "ifndef A\nR = 1\nendif", "A = 1\nifndef A\nR = 1\nendif",
    "ifeq (a,a)\nR = 1\nendif", "ifeq (a, a)\nR = 1\nelse\nR = 2\nendif", "ifeq (a,b)\nR = 1\nelse\nR = 2\nendif", "ifneq (a,b)\nR = 1\nendif", "ifneq (a,a)\nR = 1\nendif",
    "A = y\nifeq ($(A),y)\nR = 1\nendif", "ifeq \"a\" \"a\"\nR = 1\nendif", "ifeq 'a' 'b'\nR = 1\nelse\nR = 2\nendif", "ifeq (,$(A))\nR = 1\nendif", "ifeq ($(call f,1,2),)\nR = 1\nendif", "ifeq ($(if 1,a,b),a)\nR = 1\nendif",
    "A = 2\nifeq ($(A),1)\nR = 1\nelse ifeq ($(A),2)\nR = 2\nelse\nR = 3\nendif", "A = 3\nifeq ($(A),1)\nR = 1\nelse ifeq ($(A),2)\nR = 2\nelse\nR = 3\nendif",
    "A = 1\nifeq ($(A),1)\nR = 1\nelse ifeq ($(A),1)\nR = 2\nelse\nR = 3\nendif", "ifdef A\nifdef B\nR = 1\nelse\nR = 2\nendif\nelse\nR = 3\nendif", "A = 1\nifdef A\nifdef B\nR = 1\nelse\nR = 2\nendif\nelse\nR = 3\nendif",
    "ifdef A\nelse\nR = 1\nendif\nR += 2", "ifdef A\nifeq ($(error no),)\nendif\nendif\nR = 1", "A = 1\nN = A\nifdef $(N)\nR = 1\nendif", "ifdef A\nelse ifdef B\nelse ifndef C\nR = c\nelse\nR = d\nendif", "A = 1\nifdef A # remark\nR = 1\nendif # end",
    "A = 1\nifdef A\nR = 1\nelse ifdef B\nR = 2\nelse ifdef A\nR = 3\nelse\nR = 4\nendif\nR += x", "ifneq ($(filter a b,b),)\nR = 1\nendif", "ifeq ($(A)$(B),)\nR = 1\nendif", "ifneq '$(A)' ''\nR = 1\nelse\nR = 2\nendif",
    # functions
    "R = $(subst a,b,banana)", "R = $(patsubst %.c,%.o,a.c b.c d.h)", "R = $(patsubst a%,b%,ab ba aa)", "A = x.c y.c\nR = $(A:.c=.o)", "A = x.c y.h\nR = $(A:%.c=dir/%.o)", "R = $(strip  a   b )", "R = $(filter %.c,a.c b.h)", "R = $(filter-out %.c,a.c b.h)",
    "R = $(filter a b%,a b1 c)", "R = $(filter-out a b%,a b1 c)", "R = $(sort c a b a)", "R = $(word 2,a b c)", "R = $(words a b c)", "R = $(firstword a b)", "R = $(lastword a b)", "R = $(wordlist 2,3,a b c d)", "R = $(dir a/b c)", "R = $(notdir a/b c)", "R = $(suffix a.c b)",
    "R := a\nR ?= $(L)\nL = b", "R = a\nR := b\nR = $(L)\nR += $(L)\nL = c", "L = 1\nR := $(L)\nR = $(L)\nR += x$(L)\nL = 2", "R := a$$b\nR += $$c", "R = $(subst a,b,aa,aa)",
    "R = ${subst a,(,bab}", "R = $(word 3,a b)", "R = $(wordlist 2,9,a b c)", "R = $(join a b c,1)", "R = $(lastword )", "R = $(foreach x,a b,$x,$x)", "R = $(suffix a.c b.d/e)", "R = $(basename .c a.b.c)",
    "R = $(basename a.c d/b.h e)", "R = $(addprefix p/,a b)", "R = $(addsuffix .o,a b)", "R = $(join a b,1 2)", "R = $(if a,b,c)", "R = $(if ,b,c)", "R = $(if ,b)", "R = $(if  ,b,c,d)", "R = $(or a,b)", "R = $(or ,b)", "R = $(or ,,)", "R = $(and a,b)", "R = $(and a,,c)", "R = $(and ,a)",
    "R = $(foreach i,a b,<$(i)>)", "R = $(foreach i,,x)", "I = z\nR = $(foreach I,a,$(I))$(I)", "f = <$1|$2>\nR = $(call f,a,b)", "f = <$(1)>\nR = $(call f,x)", "f = $1$3\nR = $(call f,a,b,c)", "f = <$1>\nR = $(call f,)", "g = [$1]\nf = $(call g,$1x)\nR = $(call f,a)$1",
    "R = $(subst a,{,bab)", "C = ,\nR = $(subst $(C),;,a,b)", "R = $(findstring b,abc)", "R = $(findstring x,abc)", "R = $(strip $(foreach i,1 2,$(if $(filter 2,$i),$i)))", "R = $(A) $(B)x",
    "A = a b\nR = $(foreach x,$(A),$(x).o)", "f-y = a.o\nf-$(call lnot,y) = b.o\nR = $(f-y)", "R = $(if $(filter y,n y),1,2)", "A = $(B)\nB = $(C)\nC = 7\nR = $(A)", "R = $(subst x,y,$(subst y,z,xy))", "A := $(A) 1\nR = $(A)", "R = $(patsubst %,%/,a b)", "R = $(patsubst a,b,a ab)",
    "A = a%b\nR = $(filter a%,$(A))", "R = ${if a,b}", "R = $(if $(A),$(error no),ok)", "T: a b\nR = 1", "T: a\n\tR = 2", "R = 1\nT:\n\techo $(error no)\nR += 2", "unknown_target: ; R = 5", "R = 6", "-include nothing.mk\nR = 1", "include there.mk\nR += $(THERE)", "include there.mk\nR = $(words $(THERE) x)",
]  # fmt: skip


@pytest.mark.skipif(GNU_MAKE is None, reason="no make to compare with")
def test_variables_conditionals_and_functions_are_makes(tmp_path: Path) -> None:
    assert GNU_MAKE is not None
    there = "THERE = in the file\n"
    (tmp_path / "there.mk").write_text(there)
    said = {}
    for number, text in enumerate(TEXTS):
        file = tmp_path / f"{number}.mk"
        file.write_text(f"{text}\n$(info <$(R)>)\nnone: ;\n")
        done = subprocess.run(
            [GNU_MAKE, "-r", "-s", "-f", str(file), "none"], cwd=tmp_path, capture_output=True, text=True,
            env={"PATH": "/usr/bin:/bin"}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (text, done.stderr)
        said[text] = done.stdout.strip().removeprefix("<").removesuffix(">")
    found = {}
    for text in TEXTS:
        make = Make({}, {"there.mk": there}.get, {})
        make.read(f"{text}\n", "a.mk")
        found[text] = make.expand("$(R)")
    # Words are what a build goes by.
    assert {text: value.split() for text, value in found.items()} == {
        text: value.split() for text, value in said.items()
    }


@pytest.mark.parametrize(
    "text",
    ["$(subst a,b)", "$(word x,a)", "$(word ,a)", "$(wordlist 1,y,a)", "$(foreach x,y)", "$(patsubst a)", "$(A", "${A)", "$(filter a)"],
)  # fmt: skip
def test_what_make_refuses_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(VmgenError):
        Make({}, lambda _: None, {}).expand(text)
    if GNU_MAKE is not None:
        (tmp_path / "Makefile").write_text(f"R := {text}\nnone: ;\n")
        done = subprocess.run([GNU_MAKE, "-C", tmp_path, "none"], check=False)
        assert done.returncode != 0
