"""The layout engine against GCC itself."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.layout_oracle import assertions, named_records
from tests.trees import EIGHT, RELEASES, require_tree
from vmgen.cfront import ctype
from vmgen.cfront.arithmetic import BASIC_TYPES
from vmgen.cfront.layout import Layout
from vmgen.cfront.layout.allocation import MemberRequest, allocate
from vmgen.cfront.unit import Unit
from vmgen.preprocess import preprocess
from vmgen.tree import configure

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
) -> tuple[bool, int, list[tuple[str, MemberRequest]]]:
    """Union or not, ``aligned``, and members: what C declares and what we are asked."""
    packed_record = choose.random() < 0.25
    limit = choose.choice((0, 0, 0, 1, 2, 4, 8, 16))
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
                MemberRequest(
                    type.size,
                    type.size,
                    bits,
                    declarator.startswith("m"),
                    aligned,
                    packed or packed_record,
                    limit,
                ),
            )
        )
    return choose.random() < 0.2, choose.choice((0, 0, 0, 2, 8, 64)), members


def _probe(
    number: int, union: bool, aligned: int, members: list[tuple[str, MemberRequest]]
) -> str:
    """C that prints size, alignment and the first bit of each named member."""
    kind = "union" if union else "struct"
    packed = all(request.packed for _, request in members)
    attributes = " __attribute__((packed))" if packed else ""
    attributes += f" __attribute__((aligned({aligned})))" if aligned else ""
    limit = members[0][1].limit
    lines = [f"#pragma pack(push, {limit})", f"{{ {kind} R {{"]
    lines += [f"  {declaration}" for declaration, _ in members]
    lines += [
        f"}}{attributes};",
        "#pragma pack(pop)",
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


# --- whole units ----------------------------------------------------------------------


def failures(unit: Unit, layout: Layout, text: str, folder: Path) -> tuple[int, str]:
    """How many assertions a unit gives, and what gcc says where one does not hold."""
    checks = list(assertions(layout, named_records(unit, layout)))
    source = folder / "unit.i"
    source.write_text(text + "\n" + "\n".join(checks) + "\n")
    messages = run_gcc(
        "-fsyntax-only", "-w", "-std=gnu11", "-fmax-errors=100", str(source)
    )
    return len(checks), messages


_SNIPPET = """
typedef unsigned char uint8_t; typedef unsigned long uint64_t; typedef long long int64;
typedef uint64_t __attribute__((aligned(4))) low_u64;
typedef int __attribute__((aligned(64))) line_int;
typedef enum { SMALL, LARGE = 300 } Plain;
typedef enum __attribute__((packed)) { A, B = 255 } Byte;
enum __attribute__((packed)) word { W = -300 };
enum wide { MINUS = -1, WIDE = 1L << 40 };
typedef struct { char c; low_u64 v; } UsesLow;
typedef struct { char c; line_int v; } UsesLine;
typedef struct Node Node;
struct Node { Node *next; union { struct { int a, b; }; uint64_t ab; }; char tail[]; };
struct bits { int a:3; unsigned:0; int b:5; uint64_t c:40; uint8_t d:1; short e; };
struct __attribute__((packed)) wire { uint8_t kind; uint64_t length; struct bits b; };
struct odd { char c; uint64_t v __attribute__((packed)); short s __attribute__((aligned(8))); };
typedef struct { long double x; char c; } Wide;
typedef struct { char c; __int128 big; } Big;
typedef union { char c[17]; double d; struct { char x; } __attribute__((aligned(16))) y; } Mixed;
typedef struct { int n; struct {} nothing; int many[0]; } Empty;
typedef struct { char a; _Bool b:1; char c; } AfterBool;
struct enums { char a; Plain p; char b; Byte q; enum word w; char c; enum wide x; };
typedef int Grid[2][3];
typedef struct { Grid g[4]; void (*call)(int); char (*rows)[5]; } Holder;
struct sized { char a[sizeof(Wide)]; char b[__alignof__(Big)]; char c[__builtin_offsetof(Holder, g[1][1][2])]; };
struct all { UsesLow a; UsesLine b; Node c; struct bits d; struct wire e; struct odd f; Wide g;
             Big h; Mixed i; Empty j; AfterBool k; struct enums l; Holder m; struct sized n; };
typedef struct VMStateField { const char *name; unsigned long offset; } VMStateField;
const VMStateField fields[] = { { "n", __builtin_offsetof(struct all, n) } };
"""


def test_tricky_layouts_are_those_of_gcc(tmp_path: Path) -> None:
    unit = Unit(_SNIPPET, source="snippet.c")
    count, messages = failures(unit, Layout(unit), _SNIPPET, tmp_path)
    assert not messages
    assert count > 150


def test_a_wrong_layout_would_be_noticed(tmp_path: Path) -> None:
    unit = Unit(_SNIPPET, source="snippet.c")
    lie = _SNIPPET.replace("aligned(64)", "aligned(32)")
    _, messages = failures(unit, Layout(unit), lie, tmp_path)
    assert "sizeof UsesLine" in messages


@pytest.mark.parametrize("target", EIGHT)
@pytest.mark.parametrize("release", RELEASES)
def test_what_the_cpus_of_real_trees_reach(
    release: str, target: str, tmp_path: Path
) -> None:
    tree = configure(require_tree(release), target, cache=tmp_path)
    for source in tree.cpu_sources:
        expansion = preprocess(tree, source)
        unit = Unit(
            expansion.text, source=expansion.source, relative=expansion.relative
        )
        count, messages = failures(unit, Layout(unit), expansion.text, tmp_path)
        assert not messages
        assert count > 100
