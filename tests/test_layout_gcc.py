"""The layout engine against GCC itself."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmgen.cfront import ctype
from vmgen.cfront.arithmetic import BASIC_TYPES
from vmgen.cfront.layout.allocation import Allocation, Request, allocate

GCC = shutil.which("gcc")

pytestmark = pytest.mark.skipif(GCC is None, reason="no gcc to compare with")

#: The types that members of random records have.
_MEMBERS = (
    "_Bool", "char", "unsigned char", "short", "unsigned short", "int", "unsigned int",
    "long", "unsigned long long", "float", "double", "long double", "__int128",
)  # fmt: skip


def run_gcc(*arguments: str, text: str = "") -> str:
    """Runs gcc on ``text``; its messages if it fails, nothing if it does not."""
    assert GCC is not None
    done = subprocess.run(
        [GCC, *arguments], input=text, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


def _random_record(
    choose: random.Random,
) -> tuple[bool, int, list[tuple[str, Request]]]:
    """Union or not, ``aligned``, and members: what C declares and what we are asked."""
    packed_record = choose.random() < 0.25
    members = []
    for number in range(choose.randint(1, 7)):
        name = choose.choice(_MEMBERS)
        type = BASIC_TYPES[name]
        assert isinstance(type, ctype.Integer | ctype.Float)
        packed = choose.random() < 0.15
        aligned = choose.choice((0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32))
        bits: int | None = None
        declarator = f"m{number}"
        if isinstance(type, ctype.Integer) and type.size <= 8 and choose.random() < 0.6:
            bits = choose.randint(0, 1 if name == "_Bool" else 8 * type.size)
            if bits == 0 or choose.random() < 0.15:
                declarator = ""
            declarator += f":{bits}"
            if not declarator.startswith("m"):
                aligned = 0  # an attribute cannot follow an unnamed bitfield everywhere
        attributes = " __attribute__((packed))" if packed else ""
        if aligned:
            attributes += f" __attribute__((aligned({aligned})))"
        members.append(
            (
                f"{name} {declarator}{attributes};",
                Request(
                    type.size,
                    type.size,
                    bits,
                    declarator.startswith("m"),
                    aligned,
                    packed or packed_record,
                ),
            )
        )
    return choose.random() < 0.2, choose.choice((0, 0, 0, 2, 8, 64)), members


def _probe(
    number: int, union: bool, aligned: int, members: list[tuple[str, Request]]
) -> str:
    """C that prints size, alignment and the first bit of each named member."""
    kind = "union" if union else "struct"
    packed = all(request.packed for _, request in members)
    attributes = " __attribute__((packed))" if packed else ""
    attributes += f" __attribute__((aligned({aligned})))" if aligned else ""
    lines = [f"{{ {kind} R {{"]
    lines += [f"  {declaration}" for declaration, _ in members]
    lines += [
        f"}}{attributes};",
        'printf("%zu %zu", sizeof(struct R), _Alignof(struct R));',
    ]
    for index, (_, request) in enumerate(members):
        if not request.named:
            continue
        if request.bits is None:
            lines.append(f'printf(" %zu", 8 * __builtin_offsetof(struct R, m{index}));')
        else:
            lines.append(
                f"{{ static union {{ struct R r; unsigned char b[sizeof(struct R)]; }} u;"
                f" u.r.m{index} = -1; int i = 0; while (!(u.b[i / 8] >> i % 8 & 1)) i++;"
                f' printf(" %d", i); }}'
            )
    lines.append('printf("\\n"); }')
    text = "\n".join(lines)
    return text.replace("struct R", "union R") if union else text


def test_random_records_are_allocated_as_gcc_does(tmp_path: Path) -> None:
    choose = random.Random(20)
    records = [_random_record(choose) for _ in range(400)]
    # A packed record is one whose every member is: the probe writes it on the record.
    source = tmp_path / "probe.c"
    body = "\n".join(_probe(number, *record) for number, record in enumerate(records))
    source.write_text(f"#include <stdio.h>\nint main(void)\n{{\n{body}\nreturn 0; }}\n")
    program = tmp_path / "probe"
    assert not run_gcc("-w", "-o", str(program), str(source))
    printed = subprocess.run(
        [program], capture_output=True, text=True, check=True
    ).stdout
    for (union, aligned, members), line in zip(
        records, printed.splitlines(), strict=True
    ):
        allocation = allocate(union, [request for _, request in members], aligned)
        positions = [
            position
            for position, (_, request) in zip(
                allocation.positions, members, strict=True
            )
            if request.named
        ]
        found = [allocation.size, allocation.align, *positions]
        assert found == [int(word) for word in line.split()], members
