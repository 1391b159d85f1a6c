"""[tool.vmgen.formats]: what a user says that an info moves, the codecs read and write."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.generated_code import imported
from vmgen import infos, ir, pipeline
from vmgen.cli import run
from vmgen.infos.taught import TaughtFormat, objections, taught, unmet
from vmgen.ir import json as ir_json
from vmgen.lookup import Lookup
from vmgen.source import VmgenError

C = """
#include "migration/vmstate.h"
typedef struct QEMUFile QEMUFile;
int qemu_get_byte(QEMUFile *f);
void qemu_put_byte(QEMUFile *f, int v);
typedef struct Fan { uint32_t speed; } Fan;
typedef struct Dev { uint8_t n; Fan fan; Fan other; uint32_t after; } Dev;
int how_many(void *pv);
static int get_fan(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
    int left = how_many(pv);
    while (left--) { qemu_get_byte(f); }
    return 0;
}
static int put_fan(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                   JSONWriter *vmdesc)
{
    int left = how_many(pv);
    while (left--) { qemu_put_byte(f, 1); }
    return 0;
}
static const VMStateInfo vmstate_info_fan = { .name = "fan", .get = get_fan, .put = put_fan };
const VMStateDescription vmstate_item = {
    .name = "item", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) { VMSTATE_UINT32(speed, Fan), VMSTATE_END_OF_LIST() },
};
const VMStateDescription vmstate_dev = {
    .name = "dev", .version_id = 3, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(n, Dev),
        { .name = "fan", .info = &vmstate_info_fan, .flags = VMS_SINGLE,
          .offset = offsetof(Dev, fan), .version_id = FROM },
        VMSTATE_UINT32(after, Dev),
        VMSTATE_END_OF_LIST()
    },
};
"""


def program(folder: Path, since: int = 0) -> ir.Program:
    file = folder / "fan.c"
    file.write_text(C.replace("FROM", str(since)), "utf-8")
    made = pipeline.compile_program(pipeline.Request(sources=(str(file),)))
    (module,) = made.modules
    return replace(made, modules=(replace(module, file="fan.c"),))


def said(line: str, **members: Any) -> tuple[TaughtFormat, ...]:
    return (TaughtFormat("vmstate_info_fan", line, **members),)


def codecs(made: ir.Program) -> Any:
    return imported(pipeline.generate([made]))


@pytest.mark.parametrize(
    ("line", "version", "data", "values"),
    [
        ("u32:n bytes[n]:data", 3, b"\0\0\0\2ab", {"n": 2, "data": b"ab"}),
        ("u16:speed.rpm u8:speed.unit", 3, b"\1\2\3", {"speed.rpm": 258, "speed.unit": 3}),
        ("bytes[2 * parent.n]:data", 3, b"abcd", {"data": b"abcd"}),
        ("u8:n if[n == parent.n]{ u8:x }", 3, b"\2\5", {"x": 5}),
        ("u8:n if[n == parent.n]{ u8:x }", 3, b"\3", {"x": None}),
        ("state(vmstate_item):item", 3, b"\0\0\0\7", {"item.speed": 7}),
        ("if[version_id >= 2]{ u8:a } u8:b", 1, b"\1", {"a": None, "b": 1}),
        ("if[version_id >= 2]{ u8:a } u8:b", 2, b"\1\2", {"a": 1, "b": 2}),
        ("if[version_id >= 2]{ u8:a } u8:b", 3, b"\1\2", {"a": 1, "b": 2}),
        ("if[version_id == 2 && parent.n]{ u8:a } u8:b", 2, b"\1\2", {"a": 1}),
        ("if[version_id == 2 && parent.n]{ u8:a } u8:b", 3, b"\2", {"a": None, "b": 2}),
    ],
)  # fmt: skip
def test_what_the_line_says_is_read_and_written(
    tmp_path: Path, line: str, version: int, data: bytes, values: dict[str, Any]
) -> None:
    made = taught(program(tmp_path), said(line))
    assert infos.opaque([made]) == ()
    assert ir_json.loads(ir_json.dumps(made), "ir.json") == made
    whole = b"\2" + data + b"\0\0\0\x2a"
    with codecs(made) as modules:
        state, end = modules["fan"].load_dev(whole, 0, version)
        assert (end, state.after) == (len(whole), 42)
        for path, value in values.items():
            found = state.fan
            for name in path.split("."):
                found = getattr(found, name)
            assert (bytes(found) if isinstance(value, bytes) else found) == value
        assert modules["fan"].save_dev(state, version) == whole


def test_a_version_of_the_field_still_counts(tmp_path: Path) -> None:
    made = taught(program(tmp_path, 2), said("if[version_id >= 3]{ u8:a } u8:b"))
    with codecs(made) as modules:
        load = modules["fan"].load_dev
        assert load(b"\2\0\0\0\1", 0, 1)[0].fan is None
        assert load(b"\2\5\0\0\0\1", 0, 2)[0].fan.b == 5
        assert load(b"\2\4\5\0\0\0\1", 0, 3)[0].fan.a == 4


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("u32:n bytes[n", "no ']' after"),
        ("", "it moves nothing"),
        ("u32:n bytes[m]", "'m' is no number of words before"),
        ("u8:n loop[n]:x{ bytes[parent.n] }", "'parent.n' is no number"),
        ("bytes[version_id]", "'version_id' is no number"),
        ("u8:a u8:a", "'a' twice"),
        ("u8:a[3]", "'a[3]' is no path"),
        ("u8:parent.n", "has a meaning of its own"),
        ("get_more()", "get_more() cannot be seen from here"),
        ("u8:a if[a ==]{ u8 }", "'a ==' is nothing that the words before decide"),
        ("loop{ u8:a leave }", "ends a loop in the middle"),
    ],
)
def test_a_line_that_says_nothing_is_one_diagnostic(line: str, why: str) -> None:
    (one,) = objections(said(line))
    assert one.code == "VG613"
    assert why in one.message


def test_a_format_is_for_what_the_c_moves(tmp_path: Path) -> None:
    read = program(tmp_path)
    (custom,) = (
        field.element
        for placed in Lookup(read).all()
        for field in placed.description.fields
        if isinstance(field.element, ir.CustomElement)
    )
    fits = said("bytes[parent.n]:data", get=custom.get, put=custom.put)
    assert infos.opaque([taught(read, fits)]) == ()
    other = said("bytes[parent.n]:data", get="u32:n bytes[n]")
    (warning,) = infos.opaque([taught(read, other)])
    assert "its format is for 'u32:n bytes[n]'" in warning.message


def test_a_description_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        VmgenError, match=r"state\(vmstate_gone\) cannot be seen.*VG613"
    ):
        taught(program(tmp_path), said("state(vmstate_gone)"))


def test_a_format_of_another_file_is_for_none_here(tmp_path: Path) -> None:
    read = program(tmp_path)
    formats = said("u8:n", file="other.c")
    assert taught(read, formats) == read
    (warning,) = unmet([read], formats)
    assert "no field of other.c has this info" in warning.message


def test_a_symbol_that_no_tree_has_is_said_with_those_that_it_may_be(
    tmp_path: Path,
) -> None:
    read = program(tmp_path)
    (warning,) = unmet([read], (TaughtFormat("vmstate_info_fam", "u8:n"),))
    assert (warning.code, warning.severity) == ("VG613", "warning")
    assert "did you mean vmstate_info_fan?" in warning.hint
    (known,) = unmet([read], (TaughtFormat("vmstate_info_uint8", "u8:n"),))
    assert "vmgen reads this info from the C itself" in known.message
    assert not list(unmet([taught(read, said("u8:n"))], said("u8:n")))
    # What was read of a tree in part says nothing of the rest.
    other = (TaughtFormat("vmstate_info_fam", "u8:n"),)
    assert not list(unmet([read], other, partly=True))
    (here,) = unmet([read], (replace(other[0], file="fan.c"),), partly=True)
    assert "no field of fan.c has this info" in here.message


def test_every_command_takes_the_formats_of_the_project(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program(tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(
        '[tool.vmgen]\ninputs = ["fan.c"]\n[tool.vmgen.formats]\n'
        '"vmstate_info_fan" = "u32:n bytes[n]:data"\n',
        "utf-8",
    )
    for words in ("generate", "check", "inspect", "lock"):
        assert run([words]) == 0, words
        assert "VG506" not in capsys.readouterr().err
    Path("pyproject.toml").write_text(
        '[tool.vmgen]\ninputs = ["fan.c"]\n[tool.vmgen.formats]\nvmstate_info_fan = "u8:n"\n',
        "utf-8",
    )
    assert run(["check"]) == 1
    assert (
        "4 bytes saved, 1 bytes loaded in vmstate_info_fan" in capsys.readouterr().out
    )
    # Other C than the project's is no reason to say that its infos are not there.
    assert run(["inspect", "-t", "riscv64", "--release", "10.0"]) == 0
    assert "VG613" not in capsys.readouterr().err


# --- Python functions -------------------------------------------------------------------

FUNCTIONS = """
import struct

def load(data, dev, version_id):
    size = dev.n * 2 if version_id > 1 else dev.n
    if len(data) < size:
        raise ValueError(f"{dev.n} values are {size} bytes")
    return [*data[:size]], size

def save(value, dev, version_id):
    return bytes(value)

def load_less(data, dev, version_id):
    return {"first": data[0], "rest": None}, 1

def load_more(data, dev, version_id):
    return 0, len(data) + 1

def load_bytes(data, dev, version_id):
    return bytes(data[:2]), 2

def load_nothing(data, dev, version_id):
    return None, 0

def load_alone(data, dev, version_id):
    return data[0]

def load_number(data, dev, version_id):
    return struct.unpack_from(">Q", data)[0], 8

def save_reversed(value, dev, version_id):
    return bytes(value[::-1])

def save_text(value, dev, version_id):
    return "text"
"""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of the user, which can be imported."""
    name = f"fans_{tmp_path.name.replace('-', '_')}"
    tmp_path.joinpath(f"{name}.py").write_text(FUNCTIONS, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return name


def by(module: str, load: str = "load", save: str = "save") -> tuple[TaughtFormat, ...]:
    functions = f"{module}:{load}", f"{module}:{save}"
    return (TaughtFormat("vmstate_info_fan", load=functions[0], save=functions[1]),)


def called(made: ir.Program, formats: tuple[TaughtFormat, ...]) -> Any:
    return imported(pipeline.generate([made], formats=formats))


DATA = bytes.fromhex("02 01020304 0000002a")


def test_functions_get_the_object_and_its_version(
    tmp_path: Path, functions: str
) -> None:
    formats = by(functions)
    made = taught(program(tmp_path), formats)
    assert infos.opaque([made]) == ()
    assert not list(unmet([made], formats))
    assert ir_json.loads(ir_json.dumps(made), "ir.json") == made
    with called(made, formats) as modules:
        module = modules["fan"]
        for version, size in ((1, 2), (3, 4)):
            data = DATA[: 1 + size] + DATA[-4:]
            state, end = module.load_dev(data, 0, version)
            assert (state.fan, state.after, end) == ([1, 2, 3, 4][:size], 42, len(data))
            assert module.save_dev(state, version) == data
        again = type(state).from_dict(state.to_dict())
        assert again == state
        assert module.save_dev(again) == DATA
        state.fan = None
        with pytest.raises(Exception, match="dev fan: must be present"):
            module.save_dev(state)


def test_targets_that_share_a_module_share_its_calls(
    tmp_path: Path, functions: str
) -> None:
    formats = by(functions)
    one = taught(program(tmp_path), formats)
    programs = [replace(one, target=name) for name in ("toy64", "toyeb")]
    files = pipeline.generate(programs, together=True, formats=formats)
    texts = {file.path: file.text for file in files}
    assert "foreign_one" in texts["fan.py"]
    assert "_foreign.py" in texts
    for path, text in texts.items():
        place = tmp_path / f"state_{functions}" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    for target in ("toy64", "toyeb"):
        module = import_module(f"state_{functions}.{target}")
        assert module.load_dev(DATA)[0].fan == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("load", "save", "why"),
    [
        ("load", "save_text", "save_text returned a str and no bytes"),
        ("load", "gone", "gone cannot be imported"),
        ("gone", "save", "gone cannot be imported"),
        ("load_more", "save", r"load_more took 9 bytes of 8 \(at byte 1\)"),
        ("load_bytes", "save", "load_bytes returned a bytes, which JSON does not have"),
        ("load_nothing", "save", "load_nothing returned None"),
        ("load_alone", "save", "load_alone returned no value with its size"),
        ("load_number", "save", None),
    ],
)
def test_what_functions_do_wrong_is_an_error_at_the_field(
    tmp_path: Path, functions: str, load: str, save: str, why: str | None
) -> None:
    formats = by(functions, load, save)
    with called(taught(program(tmp_path), formats), formats) as modules:
        module = modules["fan"]
        errors = (module.functions.__globals__["VMStateError"],)
        with pytest.raises(errors, match=f"dev .*{why}" if why else "the buffer ends"):
            module.save_dev(module.load_dev(DATA)[0])
        if load == "load":
            with pytest.raises(errors, match=r"dev fan: .*:load: 2 values are 4 bytes"):
                module.load_dev(DATA[:4])


def test_the_size_that_the_description_says_is_held_to(
    tmp_path: Path, functions: str
) -> None:
    formats = by(functions)
    with called(taught(program(tmp_path), formats), formats) as modules:
        module = modules["fan"]
        context = module.functions.__globals__["Context"]

        def load(size: int) -> Any:
            fields = [{"name": "fan", "size": size}, {"name": "after", "size": 4}]
            return module.load_dev(
                DATA, context=context(description={"fields": fields})
            )

        assert load(4)[0].fan == [1, 2, 3, 4]
        with pytest.raises(Exception, match="2 values are 4 bytes"):
            load(3)
        with pytest.raises(
            Exception, match="load took 4 bytes, the description says 6"
        ):
            load(6)


ARRAYS = """
        { .name = "fan", .info = &vmstate_info_fan, .flags = VMS_ARRAY, .num = 2,
          .size = 4, .offset = offsetof(Dev, fan) },
        { .name = "other", .info = &vmstate_info_fan, .flags = VMS_VARRAY_UINT8,
          .size = 4, .offset = offsetof(Dev, other), .num_offset = offsetof(Dev, n) },"""


def test_every_element_of_an_array_is_a_call(tmp_path: Path, functions: str) -> None:
    file = tmp_path / "fan.c"
    before, _, rest = C.partition("        { .name = ")
    file.write_text(before + ARRAYS + rest.partition("},")[2], "utf-8")
    read = pipeline.compile_program(pipeline.Request(sources=(str(file),)))
    formats = by(functions, "load_less")
    made = taught(read, formats)
    with called(made, formats) as modules:
        (module,) = (one for name, one in modules.items() if name.endswith("fan"))
        state, end = module.load_dev(b"\3\4\5\6\7\x08\0\0\0\x2a")
        firsts = [[one["first"] for one in each] for each in (state.fan, state.other)]
        assert (firsts, end) == ([[4, 5], [6, 7, 8]], 10)


def test_functions_are_for_what_the_c_moves(tmp_path: Path, functions: str) -> None:
    (one,) = by(functions)
    other = (replace(one, get="u32:n bytes[n]"),)
    (warning,) = infos.opaque([taught(program(tmp_path), other)])
    assert "its format is for 'u32:n bytes[n]'" in warning.message


@pytest.mark.parametrize(
    "name", ["fans", "fans:", ":load", "fans:load()", "fans.py:a.b", "a b:c", "../x:y"]
)
def test_a_name_that_is_no_function_is_one_diagnostic(name: str) -> None:
    (one,) = objections((*by("fans"), TaughtFormat("x", load=name, save="fans:save")))
    assert (one.code, "is no Python function" in one.message) == ("VG613", True)


def test_an_ir_never_names_code_that_runs(tmp_path: Path, functions: str) -> None:
    """The names in an IR are facts: code calls what the user's own configuration names."""
    text = ir_json.dumps(taught(program(tmp_path), by(functions)))
    hostile = text.replace(f"{functions}:load", "os:system")
    assert "os:system" in hostile
    read = ir_json.loads(hostile, "ir.json")
    for formats in ((), by(functions)):
        files = pipeline.generate([read], formats=formats)
        code = "".join(one.text for one in files if one.path.endswith(".py"))
        assert "os:system" not in code
        assert functions not in code
    for name in ("os:system('x')", "os", "os:a b", "__import__('os'):system"):
        with pytest.raises(VmgenError, match="VG"):
            ir_json.loads(text.replace(f"{functions}:load", name), "ir.json")


def test_a_package_of_a_project_finds_its_functions_and_a_tree_runs_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", sys.path[:])
    Path("fan_functions.py").write_text(FUNCTIONS, "utf-8")
    Path("pyproject.toml").write_text(
        '[tool.vmgen]\ninputs = ["fan.c"]\n[tool.vmgen.formats]\nvmstate_info_fan ='
        ' { load = "fan_functions:load", save = "fan_functions:save" }\n',
        "utf-8",
    )
    for words in ("generate", "check", "inspect", "lock"):
        assert run([words]) == 0, words
        assert "VG506" not in capsys.readouterr().err
    assert "fan_functions" not in sys.modules
    described = {
        "vmsd_name": "dev",
        "name": "dev",
        "instance_id": 0,
        "version": 3,
        "fields": [
            {"name": "n", "size": 1},
            {"name": "fan", "size": 4},
            {"name": "after", "size": 4},
        ],
    }
    names = json.dumps({"page_size": 4096, "devices": [described]}).encode()
    body = b"\x03dev" + bytes([0, 0, 0, 0, 0, 0, 0, 3]) + DATA
    stream = b"QEVM\0\0\0\3\x04\0\0\0\1" + body + b"\x7e\0\0\0\1\0"
    Path("vm.mig").write_bytes(stream + b"\6" + len(names).to_bytes(4, "big") + names)
    # Where nobody names the package, nothing of it runs.
    assert run(["stream", "show", "vm.mig", "dev", "--codecs", "none"]) == 0
    assert "fan_functions" not in sys.modules
    assert run(["stream", "show", "vm.mig", "dev", "--codecs", "generated"]) == 0
    assert "fan = [1, 2, 3, 4]" in capsys.readouterr().out
    assert run(["stream", "verify", "vm.mig", "--codecs", "generated"]) == 0
    # What comes back otherwise than it was is found.
    project = Path("pyproject.toml").read_text("utf-8")
    Path("pyproject.toml").write_text(
        project.replace(":save", ":save_reversed"), "utf-8"
    )
    assert run(["generate", "-o", "other"]) == 0
    assert run(["stream", "verify", "vm.mig", "--codecs", "other"]) == 1
    assert (
        "dev/0.fan at byte 0x1a: 010203040000002a comes back" in capsys.readouterr().out
    )
