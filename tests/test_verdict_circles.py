"""Verdicts on descriptions that embed themselves or each other, of two versions of a
file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen.pipeline import Request, compile_program
from vmgen.verdict import SectionVerdict, judge, words

TEXT = """
#include "qemu/osdep.h"
#include "migration/vmstate.h"
typedef struct Node Node;
typedef struct Pair Pair;
struct Node {{
    uint32_t a, b; bool has; Node *next; Pair *pair;
    QLIST_ENTRY(Node) link; QLIST_HEAD(, Node) kids;
}};
struct Pair {{ uint16_t kind, more; bool has; Node *node; }};
extern const VMStateDescription vmstate_node;
static bool of_node(void *opaque, int version) {{ Node *s = opaque; return s->has; }}
static bool of_pair(void *opaque, int version) {{ Pair *s = opaque; return s->has; }}
const VMStateDescription vmstate_pair = {{
    .name = "pair", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {{
        VMSTATE_UINT16(kind, Pair), VMSTATE_BOOL(has, Pair), {pair}
        VMSTATE_END_OF_LIST() }},
}};
const VMStateDescription vmstate_node = {{
    .name = "node", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {{ {node} VMSTATE_END_OF_LIST() }},
}};
"""
FRONT = "VMSTATE_UINT32(a, Node), VMSTATE_BOOL(has, Node), "
GROWN = "VMSTATE_UINT32(a, Node), VMSTATE_UINT32(b, Node), VMSTATE_BOOL(has, Node), "
LIST = "VMSTATE_QLIST_V(kids, Node, 1, vmstate_node, Node, link),"
SOME = "VMSTATE_STRUCT_POINTER_TEST(next, Node, of_node, vmstate_node, Node),"
ALWAYS = "VMSTATE_STRUCT_POINTER(next, Node, vmstate_node, Node),"
INTO_PAIR = "VMSTATE_STRUCT_POINTER_TEST(pair, Node, of_node, vmstate_pair, Pair),"
INTO_NODE = "VMSTATE_STRUCT_POINTER_TEST(node, Pair, of_pair, vmstate_node, Node),"


def verdicts(
    folder: Path, old: tuple[str, str], new: tuple[str, str]
) -> dict[str, SectionVerdict]:
    """By section; a side is the fields of node and what pair has besides its own."""
    programs = []
    for name, (node, pair) in (("old.c", old), ("new.c", new)):
        (folder / name).write_text(TEXT.format(node=node, pair=pair))
        programs.append(compile_program(Request(sources=(str(folder / name),))))
    return {one.section: one for one in judge(*programs).sections}


@pytest.mark.parametrize("field", [LIST, SOME, ALWAYS, INTO_PAIR])
def test_a_circle_that_did_not_change_is_a_section_that_loads(
    tmp_path: Path, field: str
) -> None:
    pair = INTO_NODE if field == INTO_PAIR else ""
    found = verdicts(tmp_path, (FRONT + field, pair), (FRONT + field, pair))
    assert {*found} == {"node", "pair"}  # though node is named: by itself
    assert {one.worst for one in found.values()} == {"compatible"}


@pytest.mark.parametrize("field", [LIST, SOME, ALWAYS])
def test_what_is_behind_the_inner_object_is_found(tmp_path: Path, field: str) -> None:
    more = "VMSTATE_UINT32(b, Node),"
    found = verdicts(tmp_path, (FRONT + field, ""), (FRONT + field + more, ""))["node"]
    assert found.worst == "incompatible"
    assert found.forward.findings[0].field == "b"
    assert found.forward.findings[0].path == ""  # of the outermost object


@pytest.mark.parametrize("fields", [(SOME, ""), (ALWAYS, ""), (INTO_PAIR, INTO_NODE)])
def test_shifted_circles_end(tmp_path: Path, fields: tuple[str, str]) -> None:
    """What the two sides compare is a byte further with every object, without end."""
    field, pair = fields
    found = verdicts(tmp_path, (FRONT + field, pair), (GROWN + field, pair))["node"]
    for outcome in (found.forward, found.backward):
        assert outcome.verdict == "unknown"
        assert outcome.findings[0].kind in ("units", "recursion")


def test_each_section_of_a_circle_has_a_verdict_of_its_own(tmp_path: Path) -> None:
    """What was found of node inside of pair, where pair was being judged, is not the
    answer for node."""
    node, more = FRONT + INTO_PAIR, INTO_NODE + "VMSTATE_UINT16(more, Pair),"
    found = verdicts(tmp_path, (node, INTO_NODE), (node, more))
    assert found["pair"].worst == "incompatible"
    assert found["node"].forward.verdict == "conditional"
    assert words.every(found["node"].forward.findings) == "!has"
    assert found["node"].forward.findings[0].path == "pair."
