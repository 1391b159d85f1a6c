"""Generated text: formatted, typed, stamped, the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import black
import pytest

from tests.ir_programs import U8, U16, U32, U64, compiled, description, field, program
from vmgen import ir, stamp
from vmgen.ir import json as ir_json
from vmgen.lower import lower
from vmgen.lower.names import RUNTIME
from vmgen.plan import code
from vmgen.render import GeneratedFile, render, spell
from vmgen.render.wrap import wrap

GOLDEN = Path(__file__).parent / "golden"
RUNTIME_FILES = [
    "_arithmetic.py", "_arrays.py", "_blame.py", "_codecs.py", "_context.py", "_entry.py",
    "_errors.py", "_loading.py", "_runtime.py", "_saving.py", "_schema.py", "_state.py",
    "_values.py",
]  # fmt: skip


def every_shape() -> ir.Program:
    """One program with every kind of field."""
    seg = description("seg", field("base"), field("limit", U32), type="Segment")
    item = description(
        "item", field("a", U8), field("b", U16, version_id=2), type="Item",
        version_id=2, minimum_version_id=1,
    )  # fmt: skip
    tail = description("dev/tail", field("env.t", U8), needed="tail_needed")
    count = ir.FromMember((ir.Step("num", "int32_t"),), "int32")
    away = ir.FromMember((ir.Step("regions", "uint32_t"),), "uint32")
    slbe = ir.WordsElement(
        "vmstate_info_slbe",
        "slbe",
        (ir.Word("uint64", "esid"), ir.Word("uint64", "vsid")),
    )
    segment = ir.StructElement("vmstate_seg", "Segment")
    dev = description(
        "dev",
        field("env.gpr", U64, (32,)),
        field("env.cr[0]"),
        field("env.cr[2]"),
        field("env.half", U16, (8,), start=2),
        field("env.on", ir.IntegerElement("bool")),
        field("timer", ir.TimerElement(), pointer=True),
        field("", ir.UnusedElement(), size=ir.Fixed(4)),
        field("env.seg", segment),
        field("env.segs", segment, (3,)),
        field("env.many", segment, (40,)),
        field("env.map", U32, (2, 3)),
        field("slb", slbe, (2,)),
        field("num", ir.IntegerElement("int32", "le")),
        field("list", U64, pointer=True, array=True, count=count),
        field("data", ir.BufferElement(), size=count, pointer=True),
        field("bits", ir.BitmapElement(), size=ir.Fixed(70), pointer=True),
        field("items", ir.StructElement("vmstate_item", "Item"), array=True,
              pointer=True, count=away),
        field("queues", ir.StructElement("vmstate_item", "Item"), (2,), pointers="null"),
        field("head", ir.ListElement("qtailq", "vmstate_item", "Item"), version_id=2),
        field("tree", ir.GTreeElement("", "vmstate_item", "", "Item"), version_id=2),
        field("", ir.TmpElement("vmstate_item", "Item"), version_id=2, name="tmp"),
        field("odd", ir.CustomElement("vmstate_info_odd", "odd", "a loop")),
        field("late", U8, version_id=2),
        field("maybe", U8, test="has_maybe"),
        field("", ir.NothingElement(), name="is valid", test="valid", must_exist=True),
        version_id=2, minimum_version_id=1, subsections=("vmstate_dev_tail",),
        hooks=(ir.Hook("post_load", "dev_post_load"),),
    )  # fmt: skip
    functions = (
        ir.Function("tail_needed", body=ir.Load("env.on", "bool")),
        ir.Function("has_maybe", untranslated="calls the host"),
        ir.Function(
            "valid", body=ir.Binary("<", ir.Load("num", "int32"), ir.Const(100))
        ),
    )
    awkward = description(
        "awkward",
        *(field(name, U16, (2,)) for name in AWKWARD),
        *(field(f"Inner.{name}", U8) for name in AWKWARD),
        type="Awkward",
    )
    return program(seg, item, tail, dev, awkward, functions=functions)


AWKWARD = (
    "list", "bytearray", "int", "bool", "array", "zeros", "repeated", "State", "Struct",
    "class", "None", "self", "buf", "pos", "state", "_field", "InnerState", "member",
    "load", "struct_error", "PACK_ERRORS", "type", "match", "CODECS", "len", "put",
    "version", "scope", "owner", "out", "_2nd",
)  # fmt: skip


@pytest.fixture(scope="module")
def files() -> tuple[GeneratedFile, ...]:
    return render(lower(every_shape()))


def test_the_golden_module(files: tuple[GeneratedFile, ...]) -> None:
    (text,) = (file.text for file in files if file.path == "box/hw/dev.py")
    path = GOLDEN / "every_shape.py.txt"
    if os.environ.get("VMGEN_ACCEPT"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_what_is_written(files: tuple[GeneratedFile, ...]) -> None:
    assert [file.path for file in files] == [
        "__init__.py",
        *RUNTIME_FILES,
        "box/__init__.py",
        "box/hw/__init__.py",
        "box/hw/dev.py",
        "box/ir.json",
        "box/meta.json",
        "py.typed",
    ]
    (text,) = (file.text for file in files if file.path == "box/ir.json")
    assert ir_json.loads(stamp.strip(text)) == every_shape()


def test_rendering_is_pure(files: tuple[GeneratedFile, ...]) -> None:
    assert render(lower(every_shape())) == files


def test_black_has_nothing_to_do(files: tuple[GeneratedFile, ...]) -> None:
    for file in files:
        if file.path.endswith(".py"):
            assert (
                black.format_str(file.text, mode=black.Mode()) == file.text
            ), file.path


def test_strict_types_from_any_folder(
    files: tuple[GeneratedFile, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in files:
        path = tmp_path / "state" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
    use = tmp_path / "use.py"
    use.write_text(
        "from state.box import CODECS, Context, DevState, EnvState, VMStateError\n"
        "from state.box import load_dev, save_dev\n"
        "try:\n"
        "    load_dev(b'', context=Context())\n"
        "except VMStateError as error:\n"
        "    print(error.offset)\n"
        "state = DevState(env=EnvState(on=True), late=3)\n"
        "state.env.gpr[10] = 7\n"
        "odd: list[int] = list(state.env.cr)\n"
        "codec = CODECS['dev']\n"
        "print(codec.name, codec.version_id, codec.minimum_version_id, codec.state.__name__)\n"
        "print(len(save_dev(state)), sorted(CODECS))\n"
    )
    monkeypatch.chdir(tmp_path)
    checked = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            ".mypy",
            "use.py",
            "state",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    ran = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import sys; sys.path.append('.'); import use",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = ran.stdout.splitlines()
    assert lines[:2] == ["0", "dev 2 1 DevState"]
    assert lines[2].endswith("['awkward', 'dev']")


def test_a_program_without_target_goes_to_the_top() -> None:
    made = ir.Program(
        "", "", (ir.Module("my-dev.c", (description("dev", field("x", U8)),)),)
    )
    files = {file.path: file.text for file in render(lower(made))}
    assert sorted(files) == [
        "__init__.py",
        *RUNTIME_FILES,
        "ir.json",
        "meta.json",
        "my_dev.py",
        "py.typed",
    ]
    assert "from ._runtime import" in files["my_dev.py"]
    assert files["my_dev.py"].startswith("# Generated by vmgen ")
    assert "from my-dev.c. Do not edit.\n" in files["my_dev.py"]


def test_shared_files_do_not_depend_on_the_target(
    files: tuple[GeneratedFile, ...],
) -> None:
    other = ir.Program("7.2.22", "other", every_shape().modules)
    shared = {
        file.path: file.text for file in render(lower(other)) if "/" not in file.path
    }
    assert shared == {file.path: file.text for file in files if "/" not in file.path}


def test_modules_import_each_other() -> None:
    inner = description("inner", field("x", U8), symbol="vmstate_inner", type="Inner")
    outer = description(
        "outer", field("in", ir.StructElement("vmstate_inner", "Inner"))
    )
    shown = [
        ir.Module("hw/a.c", (_external(inner),)),
        ir.Module("hw/b/b.c", (_external(outer),)),
    ]
    text = {
        file.path: file.text
        for file in render(lower(ir.Program("", "t", tuple(shown))))
    }["t/hw/b/b.py"]
    assert "from ...hw.a import" in text
    assert "class DevState(State):" in text
    assert "in_: Inner" in text


def _external(made: ir.Description) -> ir.Description:
    return replace(made, static=False)


def test_imports_are_lazy() -> None:
    with compiled(description("dev", field("x", U8))) as (module, _):
        package = sys.modules[module.__name__.rpartition(".hw")[0]]
        assert package.load_dev is module.load_dev
        assert package.CODECS["dev"].state is module.DevState
        assert list(package.CODECS) == ["dev"]
        assert "load_dev" in dir(package)
        with pytest.raises(AttributeError):
            package.nothing  # noqa: B018
        with pytest.raises(KeyError):
            package.CODECS["other"]


@pytest.mark.parametrize("body", ["x = 1\n", "", '{\n  "format": "x"\n}\n'])
def test_stamps(body: str) -> None:
    text = stamp.stamp(
        body, sources="a.c", release="10.0.2", target="box", ir="ab" * 32
    )
    assert stamp.verify(text) == "intact"
    assert stamp.strip(text) == body
    assert stamp.verify(text + " ") == "edited"
    assert stamp.verify(text.replace("Do not edit", "Do edit")) == "edited"
    assert stamp.verify(body) == "foreign"
    assert "QEMU 10.0.2, box" in text
    if not body.startswith("{"):
        assert "ab" * 8 in text


def test_wrap_breaks_where_black_does() -> None:
    long = "x" * 50
    source = (
        f'def f({long}: int, b: int) -> tuple[A, int]:\n    return g("(", {long}, {long})\n'
        f"(a, b, ) = unpack(1)\nvalue = \"{'y' * 85}\"\n"
    )
    assert black.format_str(wrap(source), mode=black.Mode()) == wrap(source)


def test_black_has_nothing_to_do_where_conditions_are_long() -> None:
    late = ir.Load("a_rather_long_name_of_a_member", "bool")
    away = ir.Load("another_rather_long_name_of_a_member", "bool")
    body = ir.Binary("!=", away, late)
    sub = description(
        "dev/late", field(late.path, ir.IntegerElement("bool")), needed="is_late"
    )
    count = ir.FromMember((ir.Step("size", "uint8_t"),), "uint8")
    dev = description(
        "dev",
        field("size", U8, version_id=2),
        field("size", U16, version_id=3),
        field("contents", ir.BufferElement(), size=count, pointer=True),
        version_id=3,
        minimum_version_id=1,
        subsections=("vmstate_dev_late",),
    )
    made = program(sub, dev, functions=(ir.Function("is_late", body=body),))
    for file in render(lower(made)):
        if file.path.endswith("dev.py"):
            assert " if " in file.text
            assert black.format_str(file.text, mode=black.Mode()) == file.text


def test_linters_find_nothing(files: tuple[GeneratedFile, ...], tmp_path: Path) -> None:
    for file in files:
        path = tmp_path / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")
    committed = Path(__file__).parent.parent / "generated"
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ruff")), "check", "--isolated", "--no-cache", "--select", "F,B", tmp_path, committed],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_text_is_as_long_as_the_table_not_as_its_arrays() -> None:
    last = field("r[199999]", U32)
    long = replace(last.path[0], dims=(200_000,))
    made = description("dev", field("a", U8), replace(last, path=(long,)))
    (text,) = (
        file.text
        for file in render(lower(program(made)))
        if file.path == "box/hw/dev.py"
    )
    assert text.count("\n") < 150


def test_a_small_table_is_small_text() -> None:
    """Two dozen lines a table of one number; its banner, class and functions are most."""

    def lines(*names: str) -> int:
        made = (
            description(name, field("a", U8), type=f"{name}State") for name in names
        )
        files = render(lower(program(*made)))
        (text,) = (file.text for file in files if file.path == "box/hw/dev.py")
        return text.count("\n")

    one, two = lines("dev"), lines("dev", "other")
    assert one < 45
    assert two - one < 25


def test_every_name_that_code_takes_from_the_runtime_is_reserved() -> None:
    runtime = "_runtime"
    for module in lower(every_shape()).modules:
        for one in (*module.imports, *module.late):
            if one.module.lstrip(".") == runtime:
                for name in one.names:
                    assert name.id in RUNTIME or name.local != name.id


def test_a_chain_of_operators_is_spelled_in_one_pass() -> None:
    """Each side once: spelling it again at every operator would take 3^200 steps."""
    chain: code.Expr = code.PyName("x")
    for number in range(200):
        chain = code.PyBinary("+", chain, code.PyConst(number))
    text = spell.spelled(chain)
    assert text == "x + " + " + ".join(map(str, range(200)))
    mixed = code.PyBinary(
        "-", chain, code.PyBinary("-", code.PyName("a"), code.PyName("b"))
    )
    assert spell.spelled(mixed) == f"{text} - (a - b)"
    shifted = code.PyBinary("<<", code.PyBinary("<<", code.PyName("a"), code.PyConst(1)), code.PyConst(2))  # fmt: skip
    assert spell.spelled(shifted) == "(a << 1) << 2"


def test_a_symbol_that_begins_with_a_digit() -> None:
    """Python renames ``__name`` inside of a class (``vmstate_68040_mmu`` of m68k)."""
    made = description("2nd_mmu", field("n", U32), field("m", U32))
    with compiled(made) as (module, _):
        load, save = module.load__2nd_mmu, module.save__2nd_mmu
        state, end = load(bytes(range(8)))
        assert (state.n, state.m, end) == (0x00010203, 0x04050607, 8)
        assert save(state) == bytes(range(8))
