"""``c_headers/``: valid C, the same with and without a compiler, and each macro judged
by what a compiler makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmgen import ir, pipeline
from vmgen.pipeline import Preprocessor, Request
from vmgen.source import VmgenError

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "c_headers"
VOCABULARY = HEADERS / "include/migration/vmstate.h"
EVERY_MACRO = Path(__file__).with_name("vocabulary.c")
TARGETS = sorted(path.stem for path in (HEADERS / "configs").glob("*.h"))

needs_compiler = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="there is no gcc on this machine"
)

PRINTER = r"""
int printf(const char *, ...);

static void print(const VMStateDescription *d)
{
    const VMStateField *f = d->fields;

    printf("%s %s %lu %d %d %d %d %d %d %d\n", d->name, f->name, f->size, f->num,
           (int)f->flags, f->version_id, f->struct_version_id, f->field_exists != NULL,
           f->num_offset != 0, f->size_offset != 0);
}

int main(void)
{
"""


def read(source: Path, preprocessor: Preprocessor = "auto") -> ir.Module:
    request = Request(sources=(str(source),), preprocessor=preprocessor)
    return pipeline.compile_program(request).modules[0]


def compiler(*arguments: str) -> None:
    command = ["gcc", "-std=gnu11", "-nostdinc", "-Wall", "-Werror", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_the_eight_cpus_are_there() -> None:
    assert TARGETS == [
        "aarch64",
        "arm",
        "i386",
        "ppc",
        "ppc64",
        "riscv32",
        "riscv64",
        "x86_64",
    ]


@needs_compiler
@pytest.mark.parametrize("target", TARGETS)
def test_a_compiler_accepts_every_file_of_a_target(target: str) -> None:
    program = pipeline.compile_program(Request(target=target, preprocessor="cc"))
    for module in program.modules:
        compiler(
            "-fsyntax-only",
            f"-I{HEADERS / 'include'}",
            "-include",
            str(HEADERS / f"configs/{target}.h"),
            str(HEADERS / module.file),
        )


@needs_compiler
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_reads_the_same_without_a_compiler(target: str) -> None:
    with_compiler = Request(target=target, preprocessor="cc")
    without = Request(target=target, preprocessor="pcpp")
    assert pipeline.compile_program(with_compiler) == pipeline.compile_program(without)


@pytest.mark.parametrize("target", TARGETS)
def test_no_subsection_is_lost_between_the_files(target: str) -> None:
    program = pipeline.compile_program(Request(target=target))
    wire_names = {
        description.symbol: description.name
        for module in program.modules
        for description in module.descriptions
    }
    for module in program.modules:
        for description in module.descriptions:
            for symbol in description.subsections:
                # QEMU takes a subsection for one of its own by this prefix only.
                assert wire_names[symbol].startswith(f"{description.name}/")


def test_every_public_macro_is_tried() -> None:
    defined = re.findall(r"#define (VMSTATE_\w+)\(", VOCABULARY.read_text())
    tried = re.findall(r"^ONE_FIELD\((\w+),", EVERY_MACRO.read_text(), re.MULTILINE)
    assert len(tried) > 150
    assert sorted(tried) == sorted({*defined} - {"VMSTATE_END_OF_LIST"})


@needs_compiler
def test_macros_mean_what_the_compiler_makes_of_them(tmp_path: Path) -> None:
    symbols = re.findall(r"^ONE_FIELD\((\w+),", EVERY_MACRO.read_text(), re.MULTILINE)
    infos = re.findall(r"extern const (VMStateInfo \w+);", VOCABULARY.read_text())
    source = tmp_path / "printer.c"
    source.write_text(
        EVERY_MACRO.read_text()
        + "".join(f"const {info};\n" for info in infos)
        + PRINTER
        + "".join(f"    print(&vmstate_of_{symbol});\n" for symbol in symbols)
        + "    return 0;\n}\n"
    )
    compiler(f"-I{HEADERS / 'include'}", str(source), "-o", str(tmp_path / "printer"))
    printed = subprocess.run(
        [tmp_path / "printer"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    ours = {item.name: item for item in read(EVERY_MACRO).descriptions}
    assert len(printed) == len(symbols)
    assert [as_compiled(line.split()[0], ours) for line in printed] == [
        without_words(line) for line in printed
    ]


def without_words(line: str) -> str:
    """What was printed without the flags that decide nothing: VMS_SINGLE is the absence
    of all others, a VMS_BUFFER is known by its info."""
    *before, flags, version, struct, test, count, size = line.split()
    values = dict(re.findall(r"(VMS_\w+) = 1 << (\d+)", VOCABULARY.read_text()))
    idle = sum(1 << int(values[flag]) for flag in ("VMS_SINGLE", "VMS_BUFFER"))
    rest = str(int(flags) & ~idle)
    return " ".join([*before, rest, version, struct, test, count, size])


def meant(field: ir.Field) -> Iterator[str]:
    """The flags that say what the members of the field say."""
    if field.array and isinstance(field.count, ir.Fixed):
        yield "VMS_ARRAY"
    if isinstance(field.count, ir.FromMember):
        yield f"VMS_VARRAY_{field.count.type.upper()}"
        if field.count.multiply != 1:
            yield "VMS_MULTIPLY_ELEMENTS"
    if isinstance(field.size, ir.FromMember):
        yield "VMS_VBUFFER"
        if field.size.multiply != 1:
            yield "VMS_MULTIPLY"
    if isinstance(field.element, ir.StructElement):
        yield "VMS_VSTRUCT" if field.element.vstruct else "VMS_STRUCT"
    if field.must_exist:
        yield "VMS_MUST_EXIST"
    if field.pointer:
        yield "VMS_POINTER"
    if field.pointers:
        yield "VMS_ARRAY_OF_POINTER"
    if field.allocated:
        yield "VMS_ALLOC"


def as_compiled(name: str, descriptions: dict[str, ir.Description]) -> str:
    """What the compiled program prints of the description, out of the IR."""
    (field,) = descriptions[name].fields
    values = dict(re.findall(r"(VMS_\w+) = 1 << (\d+)", VOCABULARY.read_text()))
    flags = sum(1 << int(values[flag]) for flag in meant(field))
    match field.count:
        case ir.FromMember(multiply=factor):
            number = factor if factor != 1 else 0
        case ir.Fixed(value):
            number = value if field.array else 0
    match field.size:
        case ir.FromMember(multiply=factor):
            size = factor if factor != 1 else 0
        case ir.Fixed(value):
            size = value
    numbers = (
        size,
        number,
        flags,
        field.version_id,
        field.struct_version_id,
        int(bool(field.test)),
        int(isinstance(field.count, ir.FromMember)),
        int(isinstance(field.size, ir.FromMember)),
    )
    return " ".join([name, field.name, *map(str, numbers)])


@pytest.mark.parametrize("preprocessor", ["auto", "pcpp"])
def test_a_macro_of_another_type_is_an_error(
    tmp_path: Path, preprocessor: Preprocessor
) -> None:
    source = tmp_path / "device.c"
    source.write_text("""
#include "migration/vmstate.h"

typedef struct {
    uint64_t wide;
    uint8_t bytes[4];
    uint8_t *behind;
} Device;

const VMStateDescription vmstate_device = {
    .name = "device",
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(wide, Device),
        VMSTATE_UINT8_ARRAY(bytes, Device, 5),
        VMSTATE_BUFFER(behind, Device),
        VMSTATE_END_OF_LIST()
    }
};
""")
    with pytest.raises(VmgenError) as caught:
        read(source, preprocessor)
    found = [(item.code, item.position.line) for item in caught.value.diagnostics]
    assert found == [("VG310", 13), ("VG310", 14), ("VG310", 15)]


def test_the_example_of_the_readme_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"^```c[^\n]*\n(.*?)^```",
        (HEADERS / "README.md").read_text(),
        re.DOTALL | re.MULTILINE,
    )
    source = tmp_path / "my_uart.c"
    source.write_text(example)
    module = read(source)
    uart = next(item for item in module.descriptions if item.name == "my-uart")
    assert [field.name for field in uart.fields] == (
        ["control", "fifo", "fifo_used", "has_clock"]
    )
    assert uart.subsections == ("vmstate_my_uart_clock",)
    needed = next(item for item in module.functions if item.symbol == "clock_needed")
    assert needed.body == ir.Load("has_clock", "bool")


def test_system_headers_may_stand_beside_it(tmp_path: Path) -> None:
    includes = "".join(
        f"#include <{name}.h>\n" for name in ("stdint", "stdbool", "stddef", "string")
    )
    own = "#include <migration/vmstate.h>\n"
    table = """
typedef struct { bool on; uint64_t value; size_t length; } Device;
const VMStateDescription vmstate_device = {
    .name = "device",
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(on, Device),
        VMSTATE_UINT64(value, Device),
        VMSTATE_END_OF_LIST()
    }
};
"""
    source = tmp_path / "device.c"
    found = []
    for text in (own + table, includes + own + table, own + includes + table):
        source.write_text(text)
        found.append(
            [
                (field.name, field.element)
                for field in read(source).descriptions[0].fields
            ]
        )
    assert found[0] == found[1] == found[2]
