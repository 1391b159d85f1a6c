"""The IR as JSON: nothing is lost, a field is a line, and nonsense is named."""

from __future__ import annotations

import dataclasses
import json
import re
import typing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmgen import ir, stamp
from vmgen.ir import json as ir_json
from vmgen.ir import words
from vmgen.source import Position, VmgenError

# Strategies are derived from the annotations of ir.py, so that a node or a member that is
# added there is covered here without a change.


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    if hint is str:
        return st.text(max_size=5)
    if hint is int:
        return whole(words.NUMBER)
    if hint is bool:
        return st.booleans()
    if hint is Position:
        number = st.integers(0, 9999)
        file = st.sampled_from(["", "a.c", "t/x:y.c", ":"]) | strategy(words.File)
        return st.builds(Position, file, number, number)
    if hint == ir.Expr or hint == ir.Expr | None:
        optional = st.none() if hint != ir.Expr else st.nothing()
        return optional | EXPRESSIONS.map(closed)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        limit = arguments[1]
        if isinstance(limit, words.Span):
            return whole(limit)
        return st.from_regex(re.compile(limit.pattern, re.ASCII), fullmatch=True)
    if hint is type(None):
        return st.none()
    if origin is tuple and arguments[1] is not ...:
        return st.tuples(*(strategy(argument) for argument in arguments))
    if origin is tuple:
        return st.lists(strategy(arguments[0]), max_size=3).map(tuple)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if arguments:
        return st.one_of([strategy(argument) for argument in arguments])
    return node(hint)


def closed(expr: ir.Expr) -> ir.Expr:
    """The expression with a loop around each variable, and places for subscripts."""

    def change(one: ir.Expr) -> ir.Expr:
        if isinstance(one, ir.Var):
            return ir.Exists(one.name, ir.Const(0), ir.Const(2), 1, one)
        if isinstance(one, ir.Load):
            places = "".join(f"[${number}]" for number in range(len(one.subscripts)))
            return dataclasses.replace(one, path=f"env.x{places}")
        return one

    return ir.rebuilt(expr, change)


def whole(span: words.Span) -> st.SearchStrategy[int]:
    near = st.integers(max(span.low, -3), min(span.high, 3))
    return (st.integers(span.low, span.high) | near).filter(span.has)


def node(cls: type[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(cls, include_extras=True)
    members: dict[str, st.SearchStrategy[Any]] = {}
    for field in dataclasses.fields(cls):
        values = strategy(hints[field.name])
        if field.default is not dataclasses.MISSING:
            values = st.just(field.default) | values
        members[field.name] = values
    return st.builds(cls, **members)


LEAVES = (ir.Const, ir.Version, ir.Var, ir.Ask)
EXPRESSIONS: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of([node(cls) for cls in LEAVES])
    | st.one_of([node(cls) for cls in typing.get_args(ir.Expr) if cls not in LEAVES])
)


@given(node(ir.Program))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_program_comes_back(program: ir.Program) -> None:
    text = ir_json.dumps(program)
    assert ir_json.loads(text) == program
    assert text.isascii()
    assert text.endswith("}\n")
    assert ir_json.dumps(ir_json.loads(text)) == text


def field(name: str = "env.pc", **more: Any) -> ir.Field:
    path = (ir.Step("env", "CPUState"), ir.Step("pc", "target_ulong"))
    return ir.Field(name, path, ir.IntegerElement("uint64"), ir.Fixed(8), **more)


def program(*fields: ir.Field, functions: tuple[ir.Function, ...] = ()) -> ir.Program:
    description = ir.Description("vmstate_x", "x", "XCPU", 2, 1, fields)
    return ir.Program(
        "10.0.2", "riscv64", (ir.Module("x.c", (description,), functions),)
    )


def test_what_it_looks_like() -> None:
    test = ir.Binary(
        "&&", ir.Unary("!", ir.Load("env.n", "uint8")), ir.Const(3, "PRV_M")
    )
    text = ir_json.dumps(
        program(
            field(position=Position("x.c", 7, 9), test="f"),
            field("env.v", count=ir.FromMember((ir.Step("n", "int"),), "int32")),
            functions=(ir.Function("f", Position("y.h", 3, 1), body=test),),
        )
    )
    assert text == ("""\
{
  "format": "vmgen ir 2",
  "release": "10.0.2",
  "target": "riscv64",
  "modules": [
    {
      "file": "x.c",
      "descriptions": [
        {
          "symbol": "vmstate_x",
          "name": "x",
          "type": "XCPU",
          "version_id": 2,
          "minimum_version_id": 1,
          "fields": [
            {"name": "env.pc", "path": [["env", "CPUState"], ["pc", "target_ulong"]], "element": {"is": "int", "type": "uint64"}, "size": 8, "test": "f", "position": "7:9"},
            {"name": "env.v", "path": [["env", "CPUState"], ["pc", "target_ulong"]], "element": {"is": "int", "type": "uint64"}, "size": 8, "count": {"path": [["n", "int"]], "type": "int32"}}
          ]
        }
      ],
      "functions": [
        {"symbol": "f", "position": "y.h:3:1", "body": ["&&", ["!", ["load", "env.n", "uint8"]], ["const", 3, "PRV_M"]]}
      ]
    }
  ]
}
""")


def test_a_variable_outside_of_its_loop_is_named() -> None:
    loop = ir.Exists("i", ir.Const(0), ir.Const(3), 1, ir.Var("i"))
    for body in (ir.Var("i"), ir.Binary("&&", loop, ir.Var("i")),
                 ir.Exists("j", ir.Var("j"), ir.Const(1), 1, ir.Const(1))):  # fmt: skip
        text = ir_json.dumps(program(functions=(ir.Function("f", body=body),)))
        with pytest.raises(VmgenError, match="no variable of a loop"):
            ir_json.loads(text)


@pytest.mark.parametrize("path", ["a", "a[$1]", "a[$0][$1]", "a[$1].b[$0]"])
def test_a_path_has_a_place_for_each_subscript(path: str) -> None:
    body = ir.Load(path, "uint8", (ir.Const(1),))
    text = ir_json.dumps(program(functions=(ir.Function("f", body=body),)))
    with pytest.raises(VmgenError, match="places for subscripts"):
        ir_json.loads(text)


def test_the_stamp_of_a_generated_file_is_not_the_ir() -> None:
    good = program(field())
    stamped = stamp.stamp(ir_json.dumps(good), release="10.0.2", target="riscv64")
    assert stamped != ir_json.dumps(good)
    assert ir_json.loads(stamped) == good
    assert "stamp's 'body' is not a string" in refused(
        stamped.replace('"body": ', '"body": 1, "_": ')
    )


def test_a_changed_field_is_a_changed_line() -> None:
    old = ir_json.dumps(program(field("a"), field("b"), field("c"))).splitlines()
    new = ir_json.dumps(
        program(field("a"), field("b", version_id=2), field("c"))
    ).splitlines()
    assert len(old) == len(new)
    assert sum(left != right for left, right in zip(old, new, strict=True)) == 1


def refused(text: str) -> str:
    with pytest.raises(VmgenError) as caught:
        ir_json.loads(text, "some/ir.json")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.position.file == "some/ir.json"
    return str(diagnostic)


def altered(path: str, value: object) -> str:
    """A good IR with one value replaced; the path is keys and indices."""
    test = ir.Binary("==", ir.Load("n", "uint8"), ir.Const(1))
    good = program(field(test="f"), functions=(ir.Function("f", body=test),))
    data = json.loads(ir_json.dumps(good))
    *way, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    target = data
    for key in way:
        target = target[key]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return json.dumps(data)


DESCRIPTION = "modules/0/descriptions/0"
FIELD = f"{DESCRIPTION}/fields/0"
BODY = "modules/0/functions/0/body"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (f"{FIELD}/size", "8", "fields[0].size: expected an object, found a string"),
        (f"{FIELD}/size", True, "fields[0].size: expected an object, found true or false"),
        (f"{FIELD}/name", 8, "fields[0].name: expected a string, found an integer"),
        (f"{FIELD}/array", 1, "fields[0].array: expected true or false, found an integer"),
        (f"{FIELD}/version_id", None, "expected an integer, found null"),
        (f"{FIELD}/version_id", True, "expected an integer, found true or false"),
        (f"{FIELD}/path", ..., "Field lacks its member 'path'"),
        (f"{FIELD}/path/0", ["a"], "1 values where there should be: name, type, dims"),
        (f"{FIELD}/element/is", "itn", "no element is called 'itn'"),
        (f"{FIELD}/element/is", ["int"], "no element is called"),
        (f"{FIELD}/element/type", "uint7", "'uint7' is none of 'bool', 'int8'"),
        (f"{FIELD}/position", "7", "'7' is not a position"),
        (f"{FIELD}/position", "x.c:-7:9", "'x.c:-7:9' is not a position"),
        (f"{FIELD}/position", "7:99999999999999", "is not a position"),
        (f"{DESCRIPTION}/version", 1, "Description has no member 'version'"),
        ("modules", {}, "modules: expected a list, found an object"),
        ("modules/0/file", 1, "modules[0].file: expected a string, found an integer"),
        (BODY, "versions", "not an expression"),
        (BODY, [], "not an expression"),
        (BODY, ["=>", 1, 2], "no expression is called '=>'"),
        (BODY, ["==", 1], "2 values where there should be: op, left, right"),
        (BODY, ["!", 1, 2], "no expression is called '!'"),
        (BODY, ["load", "a", "uint64", 3], "expected a list, found an integer"),
        ("format", "vmgen ir 9", "has format 'vmgen ir 9', this vmgen reads 'vmgen ir 2'"),
        ("format", ..., "not an IR that vmgen wrote"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(path: str, value: object, message: str) -> None:
    assert message in refused(altered(path, value))


def test_suggestions() -> None:
    with pytest.raises(VmgenError) as caught:
        ir_json.loads(altered(f"{FIELD}/versoin_id", 1))
    assert caught.value.diagnostics[0].hint == "did you mean 'version_id'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "some/ir.json:1:1: error: not JSON: Expecting value [VG601]"),
        ('{"format": }', "some/ir.json:1:12"),
        ("[]", "VG602"),
        ("1e400", "VG601"),
        ("NaN", "NaN is not a number of the IR"),
        ('{"format": 1.5}', "1.5 is not a number of the IR"),
        ('{"format": 1, "format": 2}', "member 'format' occurs twice"),
        ('{"a": 1, "b": 2, "c": 3, "b": 4}', "member 'b' occurs twice"),
        ("9" * 5000, "VG601"),
        ("[" * 100_000, "nested deeper than 100 levels [VG604]"),
    ],
)
def test_hostile_text(text: str, message: str) -> None:
    assert message in refused(text)


def test_deep_expressions_are_refused_not_followed() -> None:
    body: list[object] | int = 1
    for _ in range(ir_json.MAX_DEPTH + 1):
        body = ["!", body]
    assert "VG604" in refused(altered(BODY, body))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=20,
    ),
    st.sampled_from(
        ["modules", DESCRIPTION, FIELD, f"{FIELD}/element", BODY, f"{FIELD}/path"]
    ),
)
@settings(max_examples=60, deadline=None)
def test_any_json_gives_a_program_or_our_error(value: object, place: str) -> None:
    text = altered(place, value)
    try:
        program = ir_json.loads(text)
    except VmgenError:
        return
    assert ir_json.loads(ir_json.dumps(program)) == program


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("modules/0/file", "a\nb"), ("release", '9"'), ("target", "../x"),
        (f"{FIELD}/path/0/0", "x y"), (f"{FIELD}/path/0/1", "u8 *"),
        (f"{FIELD}/test", "f()"), (f"{FIELD}/size", -1), (f"{FIELD}/size", 1 << 64),
        (f"{FIELD}/start", -1), (f"{FIELD}/version_id", 1 << 64),
        ("modules/0/descriptions/0/symbol", "x\ny"),
    ],
)  # fmt: skip
def test_what_no_c_has_is_named(where: str, value: object) -> None:
    with pytest.raises(VmgenError, match="VG603"):
        ir_json.loads(altered(where, value))
