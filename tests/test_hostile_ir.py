"""Nothing of a hostile IR, lock or VERSION runs: payloads stand in every string of a
program, and what is generated from it is looked at as a syntax tree."""

from __future__ import annotations

import ast
import dataclasses
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from tests.changes import changed, members
from tests.test_render import every_shape
from vmgen import ir, lock, tree
from vmgen.ir import json as ir_json
from vmgen.lower import lower
from vmgen.render import GeneratedFile, render
from vmgen.source import VmgenError

CALL = "evil_payload"

PAYLOADS = (
    f'"""; import os; os.system("{CALL}"); {CALL}()\n{CALL}()\n    {CALL}()\n',
    f"'''; import os; {CALL}()\r{CALL}()\x0c{CALL}() \\",
    f'", {CALL}(), "{{{{ {CALL}() }}}} {{% if {CALL}() %}} {{{CALL}()}} %s {{0}} \\"',
    f"\u2028{CALL}()\u2029 é \x85{CALL}() #}} ' + {CALL}() + '",
    "../" * 12 + "tmp/passwd",
)


def program() -> ir.Program:
    """Every element and expression that there is, with a registration."""
    made = every_shape()
    root = ir.Root("vmstate_dev", "hw/dev.c", "hw/dev.c", "device", "dev", "dev")
    const = ir.Function(
        "valid",
        body=ir.Binary(
            "&&",
            ir.Binary("<", ir.Load("num", "int32"), ir.Const(100, "LIMIT")),
            ir.Exists(
                "i", ir.Const(0), ir.Const(2), 1,
                ir.Binary("==", ir.Load("half[$0]", "uint16", (ir.Var("i"),)),
                          ir.Ask("kvm_enabled()")),
            ),
        ),
    )  # fmt: skip
    modules = tuple(
        dataclasses.replace(
            module,
            functions=tuple(
                const if one.symbol == "valid" else one for one in module.functions
            ),
        )
        for module in made.modules
    )
    return dataclasses.replace(made, release="10.0.2", modules=modules, roots=(root,))


PROGRAM = program()

STRINGS = sorted(
    {
        (name, member)
        for name, value, member in members(PROGRAM)
        if isinstance(value, str)
        or (isinstance(value, tuple) and value and isinstance(value[0], str))
    }
)


def put(payload: str) -> Any:
    """The payload in the place of a string, or of the first one of several."""

    def change(value: Any) -> Any:
        if isinstance(value, str):
            return payload
        return (payload, *value[1:]) if value else value

    return change


def attacked(node: str, member: str, payload: str) -> ir.Program:
    seen: list[Any] = []

    def first(where: Any, name: str) -> bool:
        if (type(where).__name__, name) != (node, member) or seen:
            return False
        value = getattr(where, name)
        if isinstance(value, str) or (value and isinstance(value[0], str)):
            seen.append(where)
            return True
        return False

    made: ir.Program = changed(PROGRAM, first, put(payload))
    assert made != PROGRAM
    return made


def generated(program: ir.Program) -> tuple[GeneratedFile, ...]:
    """What becomes of the program when it comes out of a file; nothing where a stage
    refuses it with a diagnostic."""
    try:
        read = ir_json.loads(ir_json.dumps(program))
        (again,) = lock.loads(lock.dumps([read]))
        assert again.target == program.target
        return render(lower(read), formatted=False)
    except VmgenError:
        return ()


@cache
def outcome(node: str, member: str, payload: str) -> tuple[bool, tuple[str, ...]]:
    """Whether a string may be that payload, and what of it is code then."""
    files = generated(attacked(node, member, payload))
    return bool(files), tuple(found for file in files for found in payload_runs(file))


@cache
def payload_runs(file: GeneratedFile) -> tuple[str, ...]:
    """What of the payload is code in a generated file, or where it would be written."""
    path = PurePosixPath(file.path)
    found = [] if ".." not in path.parts and not path.is_absolute() else [file.path]
    if not file.path.endswith(".py"):
        return tuple(found)
    for node in ast.walk(ast.parse(file.text)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                code = name
            case ast.FunctionDef(name=name) | ast.arg(arg=name) | ast.keyword(arg=name):
                code = name or ""
            case ast.ImportFrom(module=name):
                code = name or ""
            case _:
                continue
        if code in (CALL, "os", "system"):
            found.append(f"{file.path}:{getattr(node, 'lineno', 0)}: {code}")
    return tuple(found)


def test_the_program_has_every_string_that_generated_code_shows() -> None:
    classes = {name for name, _ in STRINGS}
    assert {"Field", "Step", "Description", "Function", "Root", "Program"} <= classes
    assert {"Const", "Ask", "Load", "Var", "Hook", "CustomElement"} <= classes
    assert len(STRINGS) > 40
    assert any("0x" in file.text for file in generated(PROGRAM))


def test_a_payload_that_ran_would_be_seen() -> None:
    text = f"import os\n{CALL}()\n"
    assert len(payload_runs(GeneratedFile("x.py", text))) == 2
    assert payload_runs(GeneratedFile("../x", "")) == ("../x",)


@pytest.mark.parametrize(
    ("node", "member"), STRINGS, ids=[".".join(pair) for pair in STRINGS]
)
def test_no_string_runs(node: str, member: str) -> None:
    for payload in PAYLOADS:
        assert outcome(node, member, payload)[1] == ()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_all_strings_that_may_be_anything_at_once_run_nothing(payload: str) -> None:
    """The strings that the reading door lets pass, together."""
    free = {pair for pair in STRINGS if outcome(*pair, payload)[0]}
    assert {("Ask", "name"), ("Field", "name"), ("Description", "name")} <= free
    made = changed(
        PROGRAM,
        lambda node, member: (type(node).__name__, member) in free
        and isinstance(getattr(node, member), str)
        and getattr(node, member) != "",
        put(payload),
    )
    for file in generated(made):
        assert payload_runs(file) == ()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_version_that_is_no_name_is_refused(payload: str, tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text(payload)
    with pytest.raises(VmgenError) as error:
        tree._release(tmp_path)
    assert [one.code for one in error.value.diagnostics] == ["VG113"]
