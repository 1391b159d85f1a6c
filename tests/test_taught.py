"""[tool.vmgen.formats]: what a user says that an info moves, the codecs read and write."""

from __future__ import annotations

from dataclasses import replace
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
