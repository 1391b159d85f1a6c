"""Infos of free form: what C reads and writes, the generated code reads and writes.

``cases/free.c`` has the functions.  Compiled, they are the judge: they read bytes, write
them again, and so do the codecs that were made from them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests import reference
from tests.generated_code import imported
from tests.lacking import lacking
from tests.test_differential import compare
from vmgen import infos, ir, pipeline
from vmgen.ir import json as ir_json
from vmgen.preprocess import preprocess
from vmgen.tree import standalone

CASE = Path(__file__).parent / "cases" / "free.c"

HARNESS = """
#include <stdio.h>
const VMStateInfo vmstate_info_int32;
struct QEMUFile { unsigned char in[4096], out[4096]; size_t read, wrote; };
void *calloc(size_t, size_t); void *realloc(void *, size_t); void *memcpy(void *, const void *, size_t);
static uint64_t got(QEMUFile *f, int n) { uint64_t v = 0; while (n--) { v = v << 8 | f->in[f->read++]; } return v; }
static void put(QEMUFile *f, uint64_t v, int n) { while (n--) { f->out[f->wrote++] = v >> 8 * n; } }
int qemu_get_byte(QEMUFile *f) { return got(f, 1); }
unsigned int qemu_get_be16(QEMUFile *f) { return got(f, 2); }
unsigned int qemu_get_be32(QEMUFile *f) { return got(f, 4); }
uint64_t qemu_get_be64(QEMUFile *f) { return got(f, 8); }
size_t qemu_get_buffer(QEMUFile *f, uint8_t *b, size_t n) { memcpy(b, f->in + f->read, n); f->read += n; return n; }
void qemu_put_byte(QEMUFile *f, int v) { put(f, v, 1); }
void qemu_put_be16(QEMUFile *f, unsigned int v) { put(f, v, 2); }
void qemu_put_be32(QEMUFile *f, unsigned int v) { put(f, v, 4); }
void qemu_put_be64(QEMUFile *f, uint64_t v) { put(f, v, 8); }
void qemu_put_buffer(QEMUFile *f, const uint8_t *b, size_t n) { memcpy(f->out + f->wrote, b, n); f->wrote += n; }
void g_byte_array_set_size(GByteArray *a, unsigned int n) { a->data = calloc(1, n + 1); a->len = n; }
Packet *new_packet(Dev *d)
{
    Packet **end = &d->first;
    while (*end) { end = &(*end)->next; }
    *end = calloc(1, sizeof(Packet));
    (*end)->bytes = calloc(1, 1024);
    return *end;
}
int main(void)
{
    static QEMUFile f; static Dev d; static uint64_t ids[64]; static GByteArray array, *a = &array;
    fread(f.in, 1, sizeof f.in, stdin);
    d.ids = ids;
    d.n = 0;
    vmstate_info_g_byte_array.get(&f, &a, 0, 0); vmstate_info_g_byte_array.put(&f, &a, 0, 0, 0);
    vmstate_info_ids.get(&f, &d, 0, 0); vmstate_info_ids.put(&f, &d, 0, 0, 0);
    vmstate_info_packets.get(&f, &d, 0, 0); vmstate_info_packets.put(&f, &d, 0, 0, 0);
    d.first = 0;
    size_t at = f.read;
    d.n = got(&f, 4);
    f.read = at;
    vmstate_info_counted.get(&f, &d, 0, 0); vmstate_info_counted.put(&f, &d, 0, 0, 0);
    fwrite(f.out, 1, f.wrote, stdout);
    return f.read != f.wrote;
}
"""

FULL = b"".join([
    b"\0\0\0\3abc",
    b"\0\2", bytes(7) + b"\5", b"\xff" * 8, b"\0\0\0\2", b"\0\0\0\x09",
    b"\1", b"\0\0\0\7", b"\0\2xy", b"\1", b"\0\0\0\x08", b"\0\0", b"\0",
    b"\0\0\0\2", b"\0\1", b"\0\0\0\6", b"AB", b"\0\0", b"\0\0\0\x0b",
])  # fmt: skip
PLAIN = b"\0\0\0\0" + b"\0\0" + b"\0\0\0\1" + b"\0" + b"\0\0\0\0"
"""No bytes, no ids, a mode without its word, no packets of either kind."""
AFTER = b"\0\0\0\x2a"


@pytest.fixture(scope="module")
def program() -> ir.Program:
    made = pipeline.compile_program(pipeline.Request(sources=(str(CASE),)))
    (module,) = made.modules
    return replace(made, modules=(replace(module, file="free.c"),))


@pytest.fixture(scope="module")
def free(program: ir.Program) -> Iterator[ModuleType]:
    with imported(pipeline.generate([program])) as modules:
        yield modules["free"]


def test_nothing_of_it_is_opaque(program: ir.Program) -> None:
    assert infos.opaque([program]) == ()


def test_the_compiled_functions_write_what_they_read(tmp_path: Path) -> None:
    compiler = shutil.which("gcc") or lacking("gcc is not here")
    text = preprocess(standalone((CASE,), (), ()), str(CASE)).text
    (tmp_path / "free.c").write_text(text + HARNESS)
    made = [str(compiler), "-w", "-o", str(tmp_path / "free"), str(tmp_path / "free.c")]
    subprocess.run(made, check=True)
    for data in (FULL, PLAIN):
        ran = subprocess.run([tmp_path / "free"], input=data, capture_output=True)
        assert ran.returncode == 0
        assert ran.stdout == data


@pytest.mark.parametrize("data", [FULL + AFTER, PLAIN + AFTER], ids=["full", "plain"])
def test_the_codec_reads_and_writes_the_same(free: ModuleType, data: bytes) -> None:
    state, end = free.load_dev(data)
    assert end == len(data)
    assert state.after == 42
    assert free.save_dev(state) == data


def test_what_was_read_is_there_by_the_names_of_c(free: ModuleType) -> None:
    state, _ = free.load_dev(FULL + AFTER)
    assert (state.array.len, bytes(state.array.data)) == (3, b"abc")
    assert list(state.ids.ids) == [5, 2**64 - 1]
    assert (state.ids.mode, state.ids.extra) == (2, 9)
    assert [(one.id, bytes(one.data)) for one in state.packets.elements] == [
        (7, b"xy"),
        (8, b""),
    ]
    assert [one.size for one in state.counted.elements] == [1, 0]
    plain, _ = free.load_dev(PLAIN + AFTER)
    assert plain.ids.extra is None


def test_the_reference_says_the_same(program: ir.Program, free: ModuleType) -> None:
    for data in (FULL + AFTER, PLAIN + AFTER):
        values, end = reference.load(
            program, "vmstate_dev", data, 0, 1, reference.Answers()
        )
        assert end == len(data)
        compare(values, free.load_dev(data)[0])
        assert reference.save(program, "vmstate_dev", values, 1) == data


@pytest.mark.parametrize("length", range(len(FULL + AFTER)))
def test_a_cut_stream_names_its_place(free: ModuleType, length: int) -> None:
    with pytest.raises(Exception, match="dev") as caught:
        free.load_dev((FULL + AFTER)[:length])
    assert type(caught.value).__name__ == "Truncated"


def test_a_stream_describes_it_as_one_field(free: ModuleType) -> None:
    """QEMU's own description says of a custom info how long it is, and no more."""
    sizes = {"array": 7, "ids": 26, "packets": 17, "counted": 16, "after": 4}
    fields = [
        {"name": name, "type": name, "size": size} for name, size in sizes.items()
    ]
    runtime: Any = __import__("sys").modules[free.Codec.__module__]
    context = runtime.Context(description={"fields": fields})
    state, _ = free.load_dev(FULL + AFTER, context=context)
    assert free.save_dev(state) == FULL + AFTER


# --- lists that end with a word that is not positive -------------------------------------------


@pytest.fixture(scope="module")
def listed() -> Iterator[tuple[ir.Program, ModuleType]]:
    """An info that reads elements until their id is 0, some of which C leaves out."""
    custom = ir.CustomElement(
        "vmstate_info_list", "list", "a reason",
        "loop{ u32:$1 if[$1]{ u16:size bytes[size] | leave } }",
        "loop[each l]{ if[shown]{ u32:id u16:size bytes[size] } } u32:0",
    )  # fmt: skip
    field = ir.Field("list", (), custom, ir.Fixed(0))
    made = ir.Description("vmstate_dev", "dev", "Dev", 1, 1, (field,))
    modules = infos.resolved((ir.Module("dev.c", (made,)),), {})
    program = ir.Program("", "", modules)
    assert ir_json.loads(ir_json.dumps(program)) == program
    with imported(pipeline.generate([program])) as found:
        yield program, found["dev"]


ITEMS = b"\0\0\0\7\0\2ab" + b"\xff\0\0\0\0\0" + bytes(4)


def test_a_list_ends_with_a_zero(listed: tuple[ir.Program, ModuleType]) -> None:
    program, dev = listed
    state, end = dev.load_dev(ITEMS)
    assert end == len(ITEMS)
    found = state.list.elements
    assert [(one.id, one.data) for one in found] == [(7, b"ab"), (0xFF000000, b"")]
    assert dev.save_dev(state) == ITEMS
    values, _ = reference.load(program, "vmstate_dev", ITEMS)
    assert reference.save(program, "vmstate_dev", values) == ITEMS


@pytest.mark.parametrize("length", range(len(ITEMS)))
def test_a_list_that_does_not_end_is_cut(
    listed: tuple[ir.Program, ModuleType], length: int
) -> None:
    with pytest.raises(Exception, match="list") as caught:
        listed[1].load_dev(ITEMS[:length])
    assert type(caught.value).__name__ == "Truncated"


# --- what the wire alone does not say -----------------------------------------------------


@pytest.mark.parametrize(
    ("get", "put", "why"),
    [
        ("bytes[n]", "bytes[n]", "'n' is no multiple of a word before"),
        ("u8:$1 bytes[signed($1)]", "u8:n bytes[n]", "put moves"),
        ("u32:$1 bytes[cut($1)]", "u32:n bytes[cut(n)]", "'cut($1)' is no multiple"),
        ("u32:$1 bytes[$1]", "u32:n bytes[m]", "its put moves"),
        ("u32:$1 loop[$1]{ u32 }", "u32:n loop[n]{ u16 }", "its put moves"),
        ("u32:$1 loop[$1]{ ->load }", "u32:n loop[n]{ ->load }", "its put moves"),
        ("if[ready]{ u32 }", "if[ready]{ u32 }", "'ready' is nothing that the words"),
        ("u32:$1 if[$1 < 4]{ u8 }", "u32:n if[n < 4]{ u8 }", "is nothing that the words"),
        ("loop{ u32:$1 if[$1]{ u8 | leave } }", "loop[each l]{ u32:0 u8 } u32:0", "put"),
        ("loop{ u32:$1 if[$1]{ u8 | leave } }", "loop[each l]{ u32:id u8 } u16:0", "put"),
        ("loop[while more()]{ u8 }", "loop[while more()]{ u8 }", "'while more()' is no multiple"),
        ("elsewhere()", "elsewhere()", "its put moves"),
        ("", "", "moves nothing that can be seen"),
        ("u32:(", "u32", "no"),
    ],
)  # fmt: skip
def test_it_stays_opaque(get: str, put: str, why: str) -> None:
    custom = ir.CustomElement("vmstate_info_x", "x", "a reason", get, put)
    field = ir.Field("x", (), custom, ir.Fixed(0))
    made = ir.Description("vmstate_x", "x", "X", 1, 1, (field,))
    (module,) = infos.resolved((ir.Module("x.c", (made,)),), {})
    (only,) = module.descriptions
    element = only.fields[0].element
    assert isinstance(element, ir.CustomElement)
    assert element.reason.startswith("a reason: ")
    assert why in element.reason
