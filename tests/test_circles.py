"""Descriptions of two files that name each other, and one that names itself.

Any of the modules may be the first that a program imports.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest

from vmgen.lower import lower
from vmgen.pipeline import Request, compile_program
from vmgen.render import render

HEADER = """
#include "qemu/osdep.h"
#include "migration/vmstate.h"
typedef struct Left Left;
typedef struct Right Right;
struct Right { uint16_t kind; bool has_left; Left *left; };
struct Left { uint32_t size; bool has_right; Right right[2]; Right *more; uint8_t extra; };
extern const VMStateDescription vmstate_left, vmstate_right, vmstate_left_extra;
"""

LEFT = """
#include "pair.h"
static bool has_right(void *opaque, int version)
{
    Left *s = opaque;
    return s->has_right;
}
const VMStateDescription vmstate_left = {
    .name = "left", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(size, Left),
        VMSTATE_BOOL(has_right, Left),
        VMSTATE_STRUCT_POINTER_TEST(more, Left, has_right, vmstate_right, Right),
        VMSTATE_STRUCT_ARRAY(right, Left, 2, 1, vmstate_right, Right),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) { &vmstate_left_extra, NULL }
};
"""

RIGHT = """
#include "pair.h"
static bool has_left(void *opaque, int version)
{
    Right *s = opaque;
    return s->has_left;
}
const VMStateDescription vmstate_right = {
    .name = "right", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(kind, Right),
        VMSTATE_BOOL(has_left, Right),
        VMSTATE_STRUCT_POINTER_TEST(left, Right, has_left, vmstate_left, Left),
        VMSTATE_END_OF_LIST()
    }
};
"""

# Names nothing of the other file; its predicate is over what that file describes.
EXTRA = """
#include "pair.h"
static bool extra_needed(void *opaque)
{
    Left *s = opaque;
    return s->size > 8;
}
const VMStateDescription vmstate_left_extra = {
    .name = "left/extra", .version_id = 1, .minimum_version_id = 1,
    .needed = extra_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(extra, Left),
        VMSTATE_END_OF_LIST()
    }
};
"""

NODE = """
#include "qemu/osdep.h"
#include "migration/vmstate.h"
typedef struct Node Node;
struct Node { uint8_t value; bool has_next; Node *next; };
static bool has_next(void *opaque, int version)
{
    Node *s = opaque;
    return s->has_next;
}
const VMStateDescription vmstate_node = {
    .name = "node", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(value, Node),
        VMSTATE_BOOL(has_next, Node),
        VMSTATE_STRUCT_POINTER_TEST(next, Node, has_next, vmstate_node, Node),
        VMSTATE_END_OF_LIST()
    }
};
"""

MODULES = ("left", "right", "extra")

USE = """
one = left.Left(size=9, has_right=True)
one.more = right.Right(kind=2, has_left=True, left=left.Left(size=7))
one.right[1].kind = 3
loaded, end = left.load_left(left.save_left(one))
assert (loaded, end) == (one, 5 + (3 + 5 + 2 * 3) + 2 * 3)
assert extra.extra_needed(one) and not extra.extra_needed(one.more.left)
assert left.CODECS["left"].state is left.Left
assert right.CODECS["right"].state is right.Right
assert not extra.CODECS
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the package ``made`` stands."""
    folder = tmp_path_factory.mktemp("circles")
    (folder / "pair.h").write_text(HEADER)
    texts = {"left.c": LEFT, "right.c": RIGHT, "extra.c": EXTRA, "node.c": NODE}
    for name, text in texts.items():
        (folder / name).write_text(text)
    with chdir(folder):
        request = Request(sources=tuple(texts), include_dirs=(Path(),))
        program = compile_program(request)
    (folder / "made").mkdir()
    for file in render(lower(program)):
        (folder / "made" / file.path).write_text(file.text, encoding="utf-8")
    return folder


def run(package: Path, text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=package,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("order", list(itertools.permutations(MODULES)), ids="-".join)
def test_any_module_may_be_the_first(package: Path, order: tuple[str, ...]) -> None:
    lines = [f"from made import {name}" for name in order]
    run(package, "\n".join(lines) + USE)


def test_the_types_of_a_circle_are_clean(package: Path) -> None:
    pytest.importorskip("mypy")
    run(package, "from mypy.main import main; main(args=['--strict', 'made'])")


def test_only_what_is_in_a_circle_is_imported_at_the_end(package: Path) -> None:
    """An import at the end keeps the table of subsections from standing where it is
    read best."""
    node = (package / "made" / "node.py").read_text()
    assert "noqa: E402" not in node
    for name in MODULES:
        assert "noqa: E402" in (package / "made" / f"{name}.py").read_text()


def test_a_description_that_names_itself(package: Path) -> None:
    run(
        package,
        """
from made import BadValue, CODECS, node
one = None
for value in range(50):
    one = node.Node(value=value, has_next=one is not None, next=one)
codec = CODECS["node"]
saved = codec.save(one)
assert saved == b"".join(bytes([value, value > 0]) for value in reversed(range(50)))
assert codec.load(saved) == (one, 100)
try:
    codec.load(bytes([1, 1]) * 100_000)
except BadValue as error:
    assert "nested too deeply" in str(error)
else:
    raise AssertionError
""",
    )
