"""The IR is closed: a change of any member of any class is noticed by everybody who
compares or prints programs, or there is a reason why it says nothing there."""

from __future__ import annotations

import ast
import dataclasses
import json
import typing
from collections.abc import Callable, Iterator
from typing import Any

from tests.changes import changed, members
from tests.ir_programs import U8, U32, description, field
from tests.test_hostile_ir import PROGRAM as SHAPES
from vmgen import diff, ir, lock
from vmgen.lower import lower
from vmgen.render import render
from vmgen.source import Position, VmgenError
from vmgen.verdict import judge, show


def whole() -> ir.Program:
    """Every class of the IR, each in a description that a section has."""
    (module,) = SHAPES.modules
    words = ir.WordsElement(
        "vmstate_info_pair", "pair", (ir.Word("uint32", "lo"), ir.Word("uint8"))
    )
    more = description(
        "more",
        field("pair", words, (2,), start=1),
        field("ring", ir.StructElement("vmstate_item", "Item"), (2,), pointers="every"),
        field("fixed", ir.StructElement("vmstate_item", "Item", True),
              struct_version_id=1),
        field("keyed", ir.GTreeElement("vmstate_item", "vmstate_item", "Item", "Item"),
              version_id=2),
        field("hotplug", ir.FormatElement("shpc_vmstate_info", "shpc", "shpc")),
        field("many", U32, array=True, pointer=True, allocated=True,
              count=ir.FromMember((ir.Step("some", "int"),), "uint8", 2)),
        field("some", U8),
        field("tested", U8, test="decides"),
        type="MoreState",
        version_id=2,
        static=False,
        priority="MIG_PRI_IOMMU",
        hooks=(
            ir.Hook("post_load", "more_post_load", Position("hw/dev.c", 3), (
                ir.Refusal(ir.Load("some", "uint8"), "", "", Position("hw/dev.c", 4)),
                ir.Refusal(None, "no(some)", "calls no", Position("hw/dev.c", 5)),
            )),
        ),
    )  # fmt: skip
    every = ir.Binary(
        "&&",
        ir.Binary("<=", ir.Const(1, "FIRST"), ir.Version()),
        ir.Select(
            ir.Ask("kvm_enabled()"),
            ir.Unary("!", ir.Truncate("uint8", ir.Load("some", "uint8"))),
            ir.Exists(
                "i", ir.Const(0), ir.Const(4), 1,
                ir.Load("pair[$0].lo", "uint32", (ir.Var("i"),)),
            ),
        ),
    )  # fmt: skip
    functions = (*module.functions, ir.Function("decides", Position("hw/dev.c", 1),
                                                "MoreState", every))  # fmt: skip
    root = ir.Root(
        "vmstate_more", "hw/dev.c", "hw/dev.c", "device", "more-type", "more",
        device_types=("more-type",), position=Position("hw/dev.c", 2),
    )  # fmt: skip
    premise = ir.Premise("registers", ("no",), True, (("a", "1"), ("b", "2")))
    return dataclasses.replace(
        SHAPES,
        modules=(
            dataclasses.replace(
                module,
                descriptions=(*module.descriptions, more),
                functions=functions,
            ),
        ),
        roots=(*SHAPES.roots, root),
        premises=(premise,),
    )


PROGRAM = whole()

CLASSES = tuple(
    node
    for node in vars(ir).values()
    if isinstance(node, type) and dataclasses.is_dataclass(node)
)

MEMBERS = [
    (node.__name__, one.name) for node in CLASSES for one in dataclasses.fields(node)
]


# --- one member changed -----------------------------------------------------------------


def others(value: Any, hint: Any) -> Iterator[Any]:
    """Values of the same kind that are not this one."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) is typing.Literal:
        yield from (one for one in typing.get_args(hint) if one != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield f"{value}2" if value else "other"
        yield "vmstate_seg"
    elif isinstance(value, Position):
        yield Position(value.file, value.line + 1, value.column)
    elif isinstance(value, tuple):
        if value:
            yield value[:-1]
            yield tuple(reversed(value))
        yield (
            *value,
            *({"str": ("vmstate_seg",), "int": (2,)}.get(_item(hint), value)),
        )
    elif isinstance(value, ir.Fixed | ir.FromMember):
        yield ir.Fixed(3)
    elif value is None or isinstance(value, typing.get_args(ir.Expr)):
        yield ir.Const(77)
        yield ir.Load("some", "uint8")
    elif isinstance(value, typing.get_args(ir.Element)):
        yield ir.TimerElement()


def _item(hint: Any) -> str:
    item = typing.get_args(hint)[0]
    if typing.get_origin(item) is typing.Annotated:
        item = typing.get_args(item)[0]
    return str(getattr(item, "__name__", ""))


def variants(node: str, member: str) -> Iterator[ir.Program]:
    """The program with this member changed in one place, at a few places in turn."""
    cls = getattr(ir, node)
    hint = typing.get_type_hints(cls, include_extras=True)[member]
    places = sum((name, own) == (node, member) for name, _, own in members(PROGRAM))
    for number in range(min(places, 40)):
        values = [
            v for name, v, own in members(PROGRAM) if (name, own) == (node, member)
        ]
        for other in others(values[number], hint):
            count = iter(range(1 << 30))

            def here(one: Any, name: str, at: int = number, count: Any = count) -> bool:
                return (type(one).__name__, name) == (node, member) and next(
                    count
                ) == at

            yield changed(PROGRAM, here, lambda _, other=other: other)


# --- who has to notice ------------------------------------------------------------------


def locked(program: ir.Program) -> str:
    return lock.dumps([program])


def fields(program: ir.Program) -> str:
    found = diff.compare(PROGRAM, program)
    return json.dumps(diff.as_json(found)["differences"])


def verdict(program: ir.Program) -> str:
    found = judge(PROGRAM, program)
    return json.dumps(show.as_json(found), sort_keys=True)


def code(program: ir.Program) -> str:
    """What the generated modules do: their syntax trees without docstrings."""
    texts = []
    for file in render(lower(program), formatted=False):
        if file.path.endswith(".py") and not file.path.startswith("_"):
            texts.append(ast.dump(_Bare().visit(ast.parse(file.text))))
    return "\n".join(texts)


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node


CONSUMERS: dict[str, Callable[[ir.Program], str]] = {
    "lock": locked,
    "diff": fields,
    "verdict": verdict,
    "code": code,
}


def said(consumer: str, program: ir.Program) -> str:
    try:
        return CONSUMERS[consumer](program)
    except VmgenError as error:
        return str(error)
