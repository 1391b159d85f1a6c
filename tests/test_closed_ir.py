"""The IR is closed: a change of any member of any class is noticed by everybody who
compares or prints programs, or there is a reason why it says nothing there."""

from __future__ import annotations

import ast
import dataclasses
import json
import typing
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from tests.changes import changed, members
from tests.ir_programs import U8, U16, U32, description, field
from vmgen import diff, ir, lock
from vmgen.ir import json as ir_json
from vmgen.lower import lower
from vmgen.render import render
from vmgen.source import Position, VmgenError
from vmgen.verdict import judge, show


def whole() -> ir.Program:
    """Every class of the IR, each in a description that a section has."""
    some = (ir.Step("some", "int"),)
    item = description("item", field("a", U8), field("b", U8), type="Item")
    other = description("other", field("a", U8), type="Item")
    tail = description(
        "more/tail", field("late", U8), type="MoreState", needed="tail_needed"
    )
    words = ir.WordsElement(
        "vmstate_info_pair", "pair", (ir.Word("uint32", "lo"), ir.Word("uint8"))
    )
    more = description(
        "more",
        field("some", U8),
        field("num", ir.IntegerElement("int32", "le", "vmstate_info_int32_le")),
        field("half", U16, (8,), start=2),
        field("timer", ir.TimerElement(), pointer=True),
        field("", ir.UnusedElement(), size=ir.Fixed(4)),
        field("bits", ir.BitmapElement(), size=ir.Fixed(70), pointer=True),
        field("data", ir.BufferElement(), pointer=True,
              size=ir.FromMember(some, "uint8")),
        field("env.one", ir.StructElement("vmstate_item", "Item")),
        field("pair", words, (2,)),
        field("ring", ir.StructElement("vmstate_item", "Item"), (2,), pointers="every"),
        field("fixed", ir.StructElement("vmstate_item", "Item", True),
              struct_version_id=1),
        field("head", ir.ListElement("qtailq", "vmstate_item", "Item"), version_id=1),
        field("keyed", ir.GTreeElement("vmstate_item", "vmstate_item", "Item", "Item"),
              version_id=1),
        field("", ir.TmpElement("vmstate_item", "Item"), version_id=1, name="tmp"),
        field("msix", ir.StructElement("vmstate_item", "Item", False, "vmstate_info_msix", "msix")),
        field("config", ir.BufferElement("vmstate_info_pci_config", "pci config"),
              pointer=True, size=ir.Computed(ir.Load("some", "uint8"))),
        field("queue", ir.ListElement("sentinel", "vmstate_item", "Item"), version_id=1),
        field("odd", ir.CustomElement("vmstate_info_odd", "odd", "a loop", "u8", "u8")),
        field("many", U32, array=True, pointer=True, allocated=True,
              count=ir.FromMember(some, "uint8", 2)),
        field("tested", U8, test="decides"),
        field("hooked", U8, test="asked"),
        field("", ir.NothingElement(), name="is valid", test="decides", must_exist=True),
        type="MoreState",
        subsections=("vmstate_more_tail",),
        answers="msix",
        endless=("fields",),
        priority="MIG_PRI_IOMMU",
        hooks=(
            ir.Hook("pre_save", "more_pre_save", Position("hw/dev.c", 6), leaves=(
                ir.LeftMember(ir.MemberPlace("MoreState", "num"), ir.Const(2)),
            )),
            ir.Hook("post_load", "more_post_load", Position("hw/dev.c", 3), (
                ir.Refusal(ir.Load("some", "uint8"), position=Position("hw/dev.c", 4)),
                ir.Refusal(
                    None, ("no", "some"), "5a", "calls no", Position("hw/dev.c", 5)
                ),
            )),
        ),
    )  # fmt: skip
    every = ir.Binary(
        "&&",
        ir.Binary("<=", ir.Const(1, "FIRST"), ir.Load("num", "int32")),
        ir.Select(
            ir.Ask("kvm_enabled()"),
            ir.Unary("!", ir.Truncate("uint8", ir.Load("some", "uint8"))),
            ir.Exists(
                "i", ir.Const(0), ir.Const(4), 1,
                ir.Load("half[$0]", "uint16", (ir.Var("i"),)),
            ),
        ),
    )  # fmt: skip
    functions = (
        ir.Function("asked", Position("hw/dev.c", 2), "MoreState", None, "a loop"),
        ir.Function("decides", Position("hw/dev.c", 1), "MoreState", every),
        ir.Function("tail_needed", body=ir.Load("some", "uint8")),
    )
    module = ir.Module("hw/dev.c", (item, other, tail, more), functions)
    root = ir.Root(
        "vmstate_more", "hw/dev.c", "hw/dev.c", "device", "more-type", "more",
        device_types=("more-type",), position=Position("hw/dev.c", 2),
    )  # fmt: skip
    premise = ir.Premise("registers", ("no",), True, (("a", "1"), ("b", "2")))
    machine = ir.Machine(
        "box-1.0", "box-1.0-machine", ("box",), True, (("hw/box.c", "box_compat_1_0"),),
        (ir.ClassMember(ir.MemberPlace("BoxMachineClass", "old"), 1),),
        position=Position("hw/box.c", 9), board="hw/box.c", cpu="fast-cpu",
        runs=(("hw/dev.c", "dev_register"),),
    )  # fmt: skip
    table = ir.CompatTable(
        "box_compat_1_0", "hw/box.c",
        (ir.Setting("more-type", "mode", "on", position=Position("hw/box.c", 8)),),
    )  # fmt: skip
    mode = ir.Property(
        "more-type", "mode", "number", (ir.MemberPlace("MoreState", "num"),), 3, 1,
        ("auto", "on"), ir.MemberChange((4,), 1, 9), Position("hw/dev.c", 7),
    )  # fmt: skip
    kind = ir.ObjectType("more-type", "device", False, ("box-bus",), False)
    board = ir.Board(
        "hw/box.c", ("more-type",), ("hw/dev.c",), ("more-type",), ("hw/dev.c",),
        ("box-1.0",),
    )  # fmt: skip
    machines = ir.Machines((machine,), (table,), (mode,), (kind,), (board,))
    return ir.Program(
        "10.0.2", "box", (module,), (root,), (), (premise,), machines=machines
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
        yield "vmstate_other"
    elif isinstance(value, Position):
        yield Position(value.file, value.line + 1, value.column)
    elif isinstance(value, tuple):
        if value:
            yield value[:-1]
            yield tuple(reversed(value))
        yield (
            *value,
            *({"str": ("vmstate_other",), "int": (2,)}.get(_item(hint), value)),
        )
    elif isinstance(value, ir.MemberChange):
        yield ir.MemberChange((5,))
    elif isinstance(value, ir.MemberPlace):
        yield ir.MemberPlace("OtherState", "x")
    elif isinstance(value, ir.Machines):
        yield ir.Machines(types=value.types)
    elif isinstance(value, ir.Fixed | ir.FromMember | ir.Computed):
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
    values = [v for name, v, own in members(PROGRAM) if (name, own) == (node, member)]
    for number, value in enumerate(values[:40]):
        for other in others(value, hint):
            count = iter(range(1 << 30))

            def here(one: Any, name: str, at: int = number, count: Any = count) -> bool:
                own = (type(one).__name__, name) == (node, member)
                return own and next(count) == at

            def instead(_: Any, other: Any = other) -> Any:
                return other

            yield changed(PROGRAM, here, instead)


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
            texts.append(_statements(file.text))
    return "\n".join(texts)


@cache
def _statements(text: str) -> str:
    return ast.dump(_Bare().visit(ast.parse(text)))


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node


CONSUMERS: dict[str, Callable[[ir.Program], str]] = {
    "lock": locked,
    "diff": fields,
    "verdict": verdict,
    "code": code,
}


def said(consumer: str, program: ir.Program | VmgenError) -> str:
    """What it makes of the program, or why a stage refuses it."""
    if isinstance(program, VmgenError):
        return str(program)
    try:
        return CONSUMERS[consumer](program)
    except VmgenError as error:
        return str(error)


def read_again(program: ir.Program) -> ir.Program | VmgenError:
    """The program out of its JSON, or why that is refused."""
    try:
        return ir_json.loads(ir_json.dumps(program))
    except VmgenError as error:
        return error


PLACE = "where it stands in C: for messages and comments"
C_TYPE = "a C type: what is on the wire is said by the element"
WORDS_ONLY = "a text for people"
CUSTOM = "opaque bytes: the context has their codec, by the name of the info"
MEMORY = "about memory of the host: no byte depends on it"
NAMED = "a name in C and in messages: what is moved decides"
LINKED = "a linked program has none: link puts each where it is used"
ROOT = "who has the section: codecs and descriptions do not depend on it"
NOT_CODE = "generated code loads what the bytes say, whatever C does before or after"
NOT_WIRE = "how the loader finds out what no byte says"
PREMISE = "of this program no predicate reads it: tests/test_known.py"
AROUND = "known members settle it: tests/test_known.py"
BY_FIELD = "the member's own field says so"

UNSEEN: dict[str, tuple[str, str]] = {
    "CustomElement.name": ("verdict code", NAMED),
    "CustomElement.reason": ("lock diff verdict code", WORDS_ONLY),
    "CustomElement.get": ("code", CUSTOM),
    "CustomElement.put": ("code", CUSTOM),
    "BufferElement.info": ("verdict code", NAMED),
    "BufferElement.name": ("verdict code", NAMED),
    "FromMember.type": ("verdict", BY_FIELD),
    "GTreeElement.key_type": ("diff verdict code", C_TYPE),
    "GTreeElement.value_type": ("diff verdict code", C_TYPE),
    "IntegerElement.info": ("verdict code", "type and check say what it moves"),
    "ListElement.kind": ("verdict code", "qtailq and qlist are the same bytes"),
    "ListElement.type": ("diff verdict code", C_TYPE),
    "StructElement.type": ("diff verdict code", C_TYPE),
    "StructElement.info": ("verdict code", NAMED),
    "StructElement.name": ("verdict code", NAMED),
    "StructElement.owned": ("verdict code", "where its description asks for parent"),
    "TmpElement.type": ("diff verdict code", C_TYPE),
    "Word.member": ("verdict", "words are compared by their order"),
    "WordsElement.info": ("verdict code", NAMED),
    "WordsElement.name": ("verdict code", NAMED),
    "Const.name": ("diff verdict code", "the value counts"),
    "Load.type": ("diff verdict", BY_FIELD),
    "Step.type": ("diff verdict", C_TYPE),
    "Step.dims": ("diff", "the count says how many are moved"),
    "Step.pointer": ("diff verdict code", MEMORY),
    "Description.type": ("diff verdict", C_TYPE),
    "Description.hooks": ("diff code", NOT_CODE),
    "Description.priority": (
        "diff verdict code",
        "the order of sections, not their bytes",
    ),
    "Description.unmigratable": ("code", NOT_CODE),
    "Description.early_setup": ("diff verdict code", "when the section is sent"),
    "Description.runtime_name": ("diff verdict code", "the name itself is empty then"),
    "Description.static": ("diff verdict code", "who may name it"),
    "Description.answers": ("diff verdict", NOT_WIRE),
    "Description.endless": ("diff code", NOT_CODE),
    "Description.position": ("lock diff verdict code", PLACE),
    "Field.array": ("diff", "the count says how many are moved"),
    "Field.must_exist": ("verdict", "the test that comes with it is compared"),
    "Field.pointer": ("diff verdict code", MEMORY),
    "Field.allocated": ("diff verdict code", MEMORY),
    "Field.position": ("lock diff", PLACE),
    "Function.position": ("lock diff verdict code", PLACE),
    "Function.type": ("diff verdict code", C_TYPE),
    "Function.untranslated": ("lock diff verdict code", WORDS_ONLY),
    "Function.container": ("diff verdict code", AROUND),
    "Function.outside": ("diff code", AROUND),
    "Hook.role": ("diff verdict code", NOT_CODE),
    "Hook.symbol": ("diff code", NOT_CODE),
    "Hook.position": ("lock diff verdict code", PLACE),
    "Hook.refusals": ("diff code", NOT_CODE),
    "Hook.leaves": ("diff verdict code", PREMISE),
    "LeftMember.place": ("diff verdict code", PREMISE),
    "LeftMember.value": ("diff verdict code", PREMISE),
    "Module.pre_saved": ("lock diff verdict code", LINKED),
    "PreSaved.symbol": ("lock diff verdict code", LINKED),
    "PreSaved.leaves": ("lock diff verdict code", LINKED),
    "PreSaved.static": ("lock diff verdict code", LINKED),
    **{
        f"{node}.{member.name}": ("verdict code", "what vmgen compat is about")
        for node in ("Machine", "CompatTable", "Setting", "Property", "ObjectType")
        for member in dataclasses.fields(getattr(ir, node))
    },
    "Machine.position": ("lock diff verdict code", PLACE),
    "Setting.position": ("lock diff verdict code", PLACE),
    "Property.position": ("lock diff verdict code", PLACE),
    "CompatTable.file": (
        "diff verdict code",
        "tables are known again by their symbols",
    ),
    **{
        f"{node.__name__}.{member.name}": ("verdict code", "what vmgen compat is about")
        for node in (ir.Machines, ir.ClassMember, ir.MemberChange, ir.MemberPlace)
        for member in dataclasses.fields(node)
    },
    **dict.fromkeys(
        (
            *("Board.file", "Board.makes", "Board.calls", "Machines.boards"),
            *("Board.added", "Board.added_calls", "Board.machines"),
            *("Machine.board", "ObjectType.creatable"),
        ),
        ("diff verdict code", "which devices a machine has: tests/test_boards.py"),
    ),
    "Program.machines": ("verdict code", "what vmgen compat is about"),
    "Method.owner": ("lock diff verdict code", LINKED),
    "Method.member": ("lock diff verdict code", LINKED),
    "Method.symbol": ("lock diff verdict code", LINKED),
    "Method.moves": ("lock diff verdict code", LINKED),
    "Module.file": ("diff", "descriptions are known again by their symbols"),
    "Module.infos": ("lock diff verdict code", LINKED),
    "Module.unread": ("lock diff verdict code", LINKED),
    "Module.methods": ("lock diff verdict code", LINKED),
    "Premise.name": ("diff code", NOT_CODE),
    "Premise.readers": ("diff verdict code", NOT_CODE),
    "Premise.keyed": ("diff verdict code", NOT_CODE),
    "Premise.rows": ("diff verdict code", "tests/test_premises.py has their verdicts"),
    "Program.release": ("diff", "whose tables they are, not what they say"),
    "Program.target": ("diff", "whose tables they are, not what they say"),
    "Program.roots": ("diff", ROOT),
    "Program.unread": (
        "lock diff verdict code",
        "this program was read whole: tests/test_unread.py",
    ),
    "Program.elsewhere": ("lock diff verdict code", "files, not their contents"),
    "Program.premises": ("diff code", NOT_CODE),
    "Refusal.condition": ("diff code", NOT_CODE),
    "Refusal.reads": ("diff verdict code", "names for people, and those of premises"),
    "Refusal.mark": ("diff code", NOT_CODE),
    "Refusal.untranslated": ("lock diff verdict code", WORDS_ONLY),
    "Refusal.position": ("lock diff verdict code", PLACE),
    "Root.symbol": ("diff", ROOT),
    "Root.file": ("diff verdict code", ROOT),
    "Root.home": ("diff", ROOT),
    "Root.how": ("diff verdict code", ROOT),
    "Root.registrant": ("diff verdict code", ROOT),
    "Root.section": ("diff verdict", ROOT),
    "Root.prefix": ("diff verdict code", ROOT),
    "Root.instance": ("diff verdict code", ROOT),
    "Root.alias": ("diff verdict code", ROOT),
    "Root.device_types": ("diff verdict code", ROOT),
    "Root.version_id": ("diff verdict code", ROOT),
    "Root.position": ("lock diff verdict code", PLACE),
    "Root.guards": ("diff code", ROOT),
    "Unread.symbol": (
        "lock diff verdict code",
        "tests/test_unread.py has their verdicts",
    ),
    "Unread.file": (
        "lock diff verdict code",
        "tests/test_unread.py has their verdicts",
    ),
    "Unread.found": (
        "lock diff verdict code",
        "tests/test_unread.py has their verdicts",
    ),
    "Unread.known": ("lock diff verdict code", LINKED),
}
"""Who does not notice a changed member, and why it does not matter there."""


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    return {name: say(PROGRAM) for name, say in CONSUMERS.items()}


@pytest.mark.parametrize(
    ("node", "member"), MEMBERS, ids=[".".join(pair) for pair in MEMBERS]
)
def test_a_changed_member_is_noticed(
    node: str, member: str, before: dict[str, str]
) -> None:
    missing, reason = UNSEEN.get(f"{node}.{member}", ("", ""))
    unseen = set(CONSUMERS)
    for program in map(read_again, variants(node, member)):
        unseen = {name for name in unseen if said(name, program) == before[name]}
        if unseen <= set(missing.split()):
            break
    assert unseen == set(missing.split()), reason


def test_the_program_has_every_class_and_the_list_no_other_members() -> None:
    found = {name for name, _, _ in members(PROGRAM)}
    empty = {node.__name__ for node in CLASSES if not dataclasses.fields(node)}
    # A linked program has no methods, and this one was read whole.
    assert {node.__name__ for node in CLASSES} - found - empty == {
        "Method",
        "PreSaved",
        "Unread",
    }
    assert set(UNSEEN) <= {".".join(pair) for pair in MEMBERS}
