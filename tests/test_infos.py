"""Custom infos: what C moves, which codec reads it, and what happens where none does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.generated_code import imported
from tests.trees import RELEASES, require_tree
from vmgen import grammar, infos, ir, pipeline
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.infos.described import written
from vmgen.infos.formats import ANSWERED, ANSWERS, FORMATS, NEEDS
from vmgen.infos.model import Inside, Written
from vmgen.ir import graph
from vmgen.source import Position
from vmgen.translate import moves

ROOT = Path(__file__).parent.parent

_STREAM = """
typedef unsigned char uint8_t; typedef unsigned int uint32_t; typedef unsigned long size_t;
typedef struct QEMUFile QEMUFile; typedef struct VMStateDescription VMStateDescription;
extern const VMStateDescription vmstate_inner;
int qemu_get_byte(QEMUFile *f); unsigned int qemu_get_be32(QEMUFile *f);
size_t qemu_get_buffer(QEMUFile *f, uint8_t *buf, size_t size);
void qemu_put_byte(QEMUFile *f, int v);
void qemu_put_be32(QEMUFile *f, unsigned int v); void qemu_put_8s(QEMUFile *f, uint8_t *v);
void qemu_put_buffer(QEMUFile *f, const uint8_t *buf, size_t size);
int vmstate_save_state(QEMUFile *f, const VMStateDescription *d, void *o, void *j);
void elsewhere(QEMUFile *f); void trace(int); void *lock(void *); void unlock(void *);
void abort(void);
typedef struct Entry { uint32_t id, kind; struct Entry *next; } Entry;
typedef struct Device {
    uint8_t *data, small; uint32_t n, m; Entry *first; void (*save)(struct Device *, QEMUFile *);
} Device;
static void one(Device *d, QEMUFile *f) { qemu_put_be32(f, d->n); }
static void entry(QEMUFile *s, Entry *x) { qemu_put_be32(s, x->id); qemu_put_be32(s, x->kind); }
static void clamp(Device *d) { if (d->n > 4) { d->n = 4; } }
void *g_malloc0(size_t size);
static Device *another(int n) { Device *x = g_malloc0(9); x->n = n; x->m = 1; return x; }
static Device *changed(Device *x) { trace(1); x->n = 4; return x; }
static uint32_t count(Device *d) { return d->n; }
static int check(Device *d) { if (d->n > 9) { return -1; } return 0; }
void each(void (*what)(Device *, QEMUFile *), QEMUFile *f);
"""


def moved(body: str) -> str:
    code = f"{_STREAM} int put(QEMUFile *f, Device *d) {{ {body} return 0; }}"
    return moves(Layout(Unit(code, source="x.c")), "put")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("qemu_put_be32(f, d->n); qemu_put_8s(f, &d->data[0]);", "u32:n u8:data[0]"),
        ("qemu_put_buffer(f, d->data, d->n * sizeof(uint32_t));", "bytes[n * 4]"),
        ("for (int i = 0; i < 4; i++) { qemu_put_be32(f, d->m); }", "loop[4]{ u32:m }"),
        ("while (qemu_get_byte(f)) { qemu_get_be32(f); }",
         "loop{ u8:$1 if[$1]{ u32 | leave } }"),
        ("if (d->n) { qemu_put_be32(f, 1); }", "if[n]{ u32:1 }"),
        ("d->n = qemu_get_be32(f); Device *x = another(3); qemu_get_buffer(f, x->data, d->n);",
         "u32:n bytes[n]"),
        ("d->n = qemu_get_be32(f); Device *x = changed(d); qemu_get_buffer(f, x->data, d->n);",
         "u32:n bytes[?]"),
        ("if (d->n) { d->n = 1; } else { qemu_put_be32(f, 1); }", "if[!n]{ u32:1 }"),
        ("d->save(d, f);", "->save"),
        ("void (*one)(Device *, QEMUFile *) = d->save; one(d, f);", "->"),
        ("void (*what)(Device *, QEMUFile *) = one; what(d, f);", "u32:n"),
        ("elsewhere(f);", "elsewhere()"),
        ("one(d, f);", "u32:n"),
        ("each(one, f);", "loop[each each()]{ u32:n }"),
        ("vmstate_save_state(f, &vmstate_inner, d, 0);", "state(vmstate_inner)"),
        ("d->n = 3;", ""),
        ("d->n = qemu_get_be32(f); qemu_get_buffer(f, d->data, d->n);", "u32:n bytes[n]"),
        ("int k = qemu_get_be32(f); qemu_get_buffer(f, d->data, k * 2);", "u32:$1 bytes[$1 * 2]"),
        ("d->n = qemu_get_be32(f); if (d->n > 9) { d->n = 9; } qemu_get_buffer(f, d->data, d->n);",
         "u32:n bytes[?]"),
        ("d->n = qemu_get_be32(f); clamp(d); qemu_get_buffer(f, d->data, d->n);", "u32:n bytes[?]"),
        ("d->n = qemu_get_be32(f); for (int i = 0; i < 3; i++) { d->n--; }"
         " qemu_get_buffer(f, d->data, d->n);", "u32:n bytes[?]"),
        ("uint8_t k = qemu_get_be32(f); qemu_get_buffer(f, d->data, k);",
         "u32:$1 bytes[cut($1)]"),
        ("signed char k = qemu_get_byte(f); qemu_get_buffer(f, d->data, k);",
         "u8:$1 bytes[signed($1)]"),
        ("d->small = qemu_get_be32(f); qemu_get_buffer(f, d->data, d->small);",
         "u32:$1 bytes[cut($1)]"),
        ("struct { QEMUFile *f; } box; box.f = f;", "kept()"),
    ],
)  # fmt: skip
def test_moves(body: str, text: str) -> None:
    assert moved(body) == text
    assert grammar.text(grammar.parse(text)) == text


LIST = "for (Entry *e = d->first; e; e = e->next)"
SAME = {
    "a loop, and elements": [
        f"qemu_put_be32(f, d->n); {LIST} {{ qemu_put_be32(f, e->id); qemu_put_be32(f, e->kind); }}",
        f"int k = d->n; qemu_put_be32(f, k); {LIST} {{ entry(f, e); }}",
        f"qemu_put_be32(f, count(d)); if (d->n) {{ {LIST} {{ trace(1); entry(f, e); }} }}",
        f"trace(3); qemu_put_be32(f, d->n);"
        f" for (void *g = lock(d); g; unlock(g), g = 0) {{ {LIST} {{ entry(f, e); }} }}",
        f"qemu_put_be32(f, d->n); d->m = 1; {LIST} {{ if (!e) {{ abort(); }} entry(f, e); }}",
        f"if (check(d) < 0) {{ return -1; }} qemu_put_be32(f, d->n); {LIST} entry(f, e);",
        "qemu_put_be32(f, d->n); Entry *e = d->first; while (e) { entry(f, e); e = e->next; }",
    ],
    "words until a zero": [
        "int k; while ((k = qemu_get_byte(f)) != 0) { d->n = qemu_get_be32(f); }",
        "int k = qemu_get_byte(f); while (k) { d->n = qemu_get_be32(f); k = qemu_get_byte(f); }",
        "for (;;) { int what = qemu_get_byte(f); if (what == 0) { break; } d->n = qemu_get_be32(f); }",
        "while (1) { uint8_t x = qemu_get_byte(f); if (!x) { goto out; } d->n = qemu_get_be32(f); } out:",
    ],
    "bytes that may be none": [
        "int k = qemu_get_be32(f); if (k == 0) { return 0; } qemu_get_buffer(f, d->data, k);",
        "unsigned l = qemu_get_be32(f); if (l > 0) { if (qemu_get_buffer(f, d->data, l) != l) { return -1; } }",
        "int ret = -1; size_t l = qemu_get_be32(f); if (qemu_get_buffer(f, d->data, l) != l) { goto fail; }"
        " ret = 0; fail: return ret;",
    ],
    "an early way on": [
        f"{LIST} {{ if (e->kind) {{ continue; }} qemu_put_be32(f, e->id); }}",
        f"{LIST} {{ if (e->kind) {{ trace(1); }} else {{ qemu_put_be32(f, e->id); }} }}",
        f"{LIST} {{ if (e->kind == 0) {{ qemu_put_be32(f, e->id); }} }}",
    ],
    "an early end": [
        "if (!d->first) { qemu_put_be32(f, 0); return 0; } one(d, f);",
        "if (d->first) { one(d, f); } else { qemu_put_be32(f, 0); }",
        "if (d->first != 0) { one(d, f); return 0; } qemu_put_be32(f, 0);",
    ],
    "both, or nothing": [
        "if (d->n && d->m) { one(d, f); }",
        "if (d->n) { if (d->m) { one(d, f); } }",
        "if (!d->n) { return 0; } if (!d->m) { return 0; } one(d, f);",
    ],
}  # fmt: skip
"""Functions that move the same bytes."""


@pytest.mark.parametrize("what", SAME)
def test_what_changes_no_byte_does_not_show(what: str) -> None:
    first, *others = map(moved, SAME[what])
    assert first
    assert [first] * len(others) == others


OTHER = [
    "qemu_put_be32(f, d->n); qemu_put_be32(f, d->m);",
    "qemu_put_be32(f, d->m); qemu_put_be32(f, d->n);",
    "qemu_put_be32(f, d->n); qemu_put_byte(f, d->m);",
    "qemu_put_be32(f, d->n); if (d->m) { qemu_put_be32(f, d->m); }",
    "qemu_put_be32(f, d->n); if (d->n) { qemu_put_be32(f, d->m); }",
    "qemu_put_be32(f, d->n); if (!d->n) { qemu_put_be32(f, d->m); }",
    "qemu_put_be32(f, d->n); for (int i = 0; i < d->n; i++) { qemu_put_be32(f, d->m); }",
    "qemu_put_be32(f, d->n); for (int i = 0; i < d->m; i++) { qemu_put_be32(f, d->m); }",
    "qemu_put_be32(f, d->n); for (int i = 1; i < d->n; i++) { qemu_put_be32(f, d->m); }",
    "qemu_put_be32(f, d->n); for (int i = 0; i < d->n; i++) { qemu_put_be32(f, d->m); break; }",
    f"qemu_put_be32(f, d->n); {LIST} {{ qemu_put_be32(f, d->m); }}",
    f"qemu_put_be32(f, d->n); {LIST} {{ if (e->id) {{ break; }} qemu_put_be32(f, d->m); }}",
    "qemu_put_be32(f, d->n); qemu_put_buffer(f, d->data, 4);",
    "qemu_put_be32(f, d->n); qemu_put_buffer(f, d->data, d->n);",
    "qemu_put_be32(f, d->n); qemu_put_buffer(f, d->data, d->n + 1);",
    "qemu_put_be32(f, d->n);",
    "qemu_put_be32(f, 0);",
    "qemu_put_be32(f, 1);",
]
"""Functions each of which moves other bytes."""


def test_what_changes_bytes_shows() -> None:
    assert len({moved(body) for body in OTHER}) == len(OTHER)
    for body in OTHER:
        for other in OTHER:
            known, met = (grammar.parse(moved(each)) for each in (body, other))
            assert grammar.fits(known, met) is (body is other)


def test_what_finds_answers_is_in_the_module_that_is_imported() -> None:
    asked = {one.answers for one in _written() if one.answers} | set(ANSWERED.values())
    assert asked == ANSWERS.keys()
    for name, module in ANSWERS.items():
        text = (ROOT / "templates" / f"{module}.py").read_text()
        assert re.search(rf"^def answer_{name}\(", text, re.MULTILINE)
    for module, needs in NEEDS.items():
        text = (ROOT / "templates" / f"{module}.py").read_text()
        imports = re.findall(r"^from \.(\w+) import", text, re.MULTILINE)
        assert set(imports) - {"_runtime"} == set(needs)


def _written() -> Iterator[Written]:
    for one in FORMATS.values():
        if isinstance(one.written, Written):
            yield one.written
            continue
        for symbol in ("virtio_blk_save_device", "virtio_serial_save_device", ""):
            yield one.written(None, symbol)
        for symbol in (
            "vmstate_virtio_net_device",
            "vmstate_virtio_mem_device",
            "vmstate_x",
        ):
            yield one.written(Inside(symbol, "x.c"), "")


def test_every_line_says_a_description_with_all_that_is_inside() -> None:
    for one in _written():
        types = {inside.symbol: "T" for inside in one.inside}
        made = written("vmstate_info_x", one.type, one.line, types)
        found = {
            each.symbol
            for here in made.descriptions
            for each in graph.in_description(here)
        }
        assert found >= types.keys() - {"virtqueue_element"}
        assert {here.symbol for here in made.descriptions} <= {*found, "vmstate_info_x"}


CONTENTS = {
    "msix": "test_device_sections.py::test_a_network_device_by_name",
    "shpc": "test_device_sections.py::test_device_sections",
    "chunks": "qemu/test_other_halves.py::test_the_state_of_a_file_system",
    "usbredir_packets": "qemu/test_other_halves.py::test_a_redirected_device",
    "virtio": "qemu/test_contents.py::test_block_writes_of_several_queues",
    "virtio_extra": "qemu/test_contents.py::test_a_request_of_a_device_on_mmio",
    "virtio_gpu": "qemu/test_contents.py::test_gpu_resources_and_outputs",
    "scsi_requests": "qemu/test_contents.py::test_scsi_writes_on_two_disks",
}
"""Where each format is held against bytes of a real QEMU that have something in them."""

WITHOUT = {
    "flic": "an s390 that KVM runs",
    "clipboard": "a QEMU of 10.2, of which no package runs here",
}
"""Formats that no real bytes with contents are known of, and what those would take."""


def test_every_format_has_met_real_contents_or_says_why_not() -> None:
    assert CONTENTS.keys() | WITHOUT.keys() == FORMATS.keys()
    assert not CONTENTS.keys() & WITHOUT.keys()
    for place in CONTENTS.values():
        file, _, name = place.partition("::")
        text = (ROOT / "tests" / file).read_text()
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), place


# --- opaque where the C is another ----------------------------------------------------------


def shpc(get: str, put: str) -> ir.Module:
    field = ir.Field(
        "shpc",
        (ir.Step("shpc", "SHPCDevice", pointer=True),),
        ir.CustomElement("shpc_vmstate_info", "shpc", "a reason", get, put),
        ir.Fixed(0),
        position=Position("bridge.c", 7),
    )
    made = ir.Description("vmstate_bridge", "bridge", "Bridge", 1, 1, (field,))
    return ir.Module("bridge.c", (made,))


MOVED = "bytes[36 + (shpc.nslots * 4)]"


def said(*modules: ir.Module) -> list[str]:
    made = infos.resolved(modules, {})
    return [str(one) for one in infos.opaque([ir.Program("", "", made)])]


def test_a_description_takes_the_place_of_the_info() -> None:
    (module,) = infos.resolved((shpc(MOVED, MOVED),), {})
    bridge, registers = module.descriptions
    assert bridge.fields[0].element == ir.StructElement(
        "shpc_vmstate_info", "SHPCRegisters", info="shpc_vmstate_info", name="shpc"
    )
    assert [one.name for one in registers.fields] == [
        "head",
        "nslots",
        "registers",
        "slots",
    ]
    assert said(shpc(MOVED, MOVED)) == []


@pytest.mark.parametrize(
    ("get", "put", "what"),
    [
        (f"u32 {MOVED}", MOVED, "get"),
        (MOVED, "", "put"),
        (MOVED, "bytes[36]", "put"),
        (MOVED, "bytes[32 + (shpc.nslots * 4)]", "put"),
    ],
)
def test_other_c_is_opaque_and_said(get: str, put: str, what: str) -> None:
    (module,) = infos.resolved((shpc(get, put),), {})
    assert infos.is_opaque(module.descriptions[0].fields[0].element)
    (found,) = said(shpc(get, put))
    assert found.startswith("bridge.c:7: warning: in vmstate_bridge, shpc: ")
    assert f"its {what} moves '{get if what == 'get' else put}'" in found
    assert f"written for '{MOVED}' [VG503]" in found


@pytest.mark.parametrize(
    ("known", "met", "same"),
    [
        ("u32:$1 bytes[$1]", "u32:n bytes[n]", True),
        ("u32:$1 bytes[$1]", "u32:n bytes[m]", False),
        ("u32:$1 bytes[$1]", "u32:(s.n - 1) bytes[s.n - 1]", True),
        ("u32:$1 bytes[$1]", "u32:(s.n - 1) bytes[(s.n - 1)]", True),
        ("u32:$1 bytes[$1]", "u32:(s.n - 1) bytes[s.n]", False),
        ("u32:$1 bytes[$1]", "u32:(s.n - 1) bytes[.n - 1]", False),
        ("u32:$1 bytes[$1 * 4]", "u32:(s.n - 1) bytes[(s.n - 1) * 4]", True),
        ("u32:$1 bytes[$1 * 4]", "u32:(s.n - 1) bytes[s.n - 1 * 4]", False),
        ("u32:$1 u16:$2 bytes[$2 + $1]", "u32:a u16:b bytes[b + a]", True),
        ("u32:$1 u16:$2 bytes[$2 + $1]", "u32:a u16:b bytes[a + b]", False),
        ("u32", "u32:n", True), ("u32:n", "u32", True), ("u32:n", "u32:m", False),
        ("u32:n", "u16:n", False), ("i32:n", "u32:n", False), ("bytes[4]", "bytes[5]", False),
        ("u32:n u32:m", "u32:n", False), ("u32:n", "bytes[4]", False),
    ],
)  # fmt: skip
def test_other_names_for_the_same_bytes(known: str, met: str, same: bool) -> None:
    """What ``$1`` stands for is one operand, however many words it has."""
    assert grammar.fits(grammar.parse(known), grammar.parse(met)) == same


VIRTIO = FORMATS["virtio"].infos[0]


def virtio(file: str, *methods: ir.Method) -> tuple[ir.Module, ir.Module]:
    """The file of virtio itself, and one of a device."""
    field = ir.Field(
        "virtio",
        (),
        ir.CustomElement(
            VIRTIO.symbol, "virtio", "a reason",
            VIRTIO.get.lines[0], VIRTIO.put.lines[0],
        ),
        ir.Fixed(0),
    )  # fmt: skip
    own = ir.Description("vmstate_virtio", "virtio", "VirtIODevice", 1, 1, ())
    device = ir.Description("vmstate_net", "virtio-net", "VirtIONet", 1, 1, (field,))
    home = ir.Module("hw/virtio/virtio.c", (own,))
    return home, ir.Module(file, (device,), methods=methods)


def elements(*modules: ir.Module) -> dict[str, ir.Element]:
    homes = {VIRTIO.symbol: "hw/virtio/virtio.c"}
    return {
        module.file: module.descriptions[0].fields[0].element
        for module in infos.resolved(modules, homes)
        if module.descriptions and module.descriptions[0].fields
    }


def test_an_unknown_transport_makes_every_device_opaque() -> None:
    for symbol, moved_there in [
        ("virtio_mmio_save_config", "u32 u32"),
        ("virtio_new_save_config", "u32"),
    ]:
        bus = ir.Method("VirtioBusClass", "save_config", symbol, moved_there)
        home, net = virtio("net.c", bus)
        _, other = virtio("other.c")
        found = elements(home, net, other, shpc(MOVED, MOVED))
        assert [infos.is_opaque(one) for one in found.values()] == [True, True, False]
        assert symbol in found["other.c"].reason  # type: ignore[union-attr]


def test_unknown_bytes_of_a_device_make_that_device_opaque() -> None:
    own = ir.Method("VirtioDeviceClass", "save", "virtio_new_save_device", "u8")
    home, net = virtio("net.c", own)
    _, other = virtio("other.c")
    found = elements(home, net, other)
    assert infos.is_opaque(found["net.c"])
    assert not infos.is_opaque(found["other.c"])


def test_a_callback_without_bytes_is_no_matter() -> None:
    method = ir.Method("SCSIBusInfo", "load_request", "esp_load_request", "")
    module = replace(shpc(MOVED, MOVED), methods=(method,))
    assert said(module) == []
    (made,) = infos.resolved((module,), {})
    assert made.methods == ()


def test_two_devices_in_one_file_are_opaque() -> None:
    methods = (
        ir.Method("VirtioDeviceClass", "vmsd", f"vmstate_{name}") for name in "ab"
    )
    found = elements(*virtio("net.c", *methods))
    assert "vmstate_a, vmstate_b" in found["net.c"].reason  # type: ignore[union-attr]


def test_a_missing_part_makes_it_opaque() -> None:
    home, net = virtio("net.c")
    found = elements(replace(home, descriptions=()), net)
    assert "does not define vmstate_virtio" in found["net.c"].reason  # type: ignore[union-attr]


# --- generated from C of our own --------------------------------------------------------------

C = """
#include "migration/vmstate.h"

typedef struct QEMUFile QEMUFile;
int qemu_get_byte(QEMUFile *f);
unsigned int qemu_get_be32(QEMUFile *f);
uint64_t qemu_get_be64(QEMUFile *f);
size_t qemu_get_buffer(QEMUFile *f, uint8_t *buf, size_t size);
void qemu_put_byte(QEMUFile *f, int v);
void qemu_put_be32(QEMUFile *f, unsigned int v);
void qemu_put_be64(QEMUFile *f, uint64_t v);
void qemu_put_buffer(QEMUFile *f, const uint8_t *buf, size_t size);

typedef struct Packet {
    uint16_t len;
    int status;
    struct Packet *next;
} Packet;

typedef struct Redir {
    struct { Packet *tqh_first; } bufpq;
    int bufpq_size;
    uint32_t caps_count;
    int *capabilities;
    uint8_t *data;
    int n;
    int status;
    uint64_t id;
    void *parser;
    int after;
} Redir;

#define FUNCTIONS(which, get_body, put_body) \\
    static int which##_get(QEMUFile *f, void *pv, size_t size, const VMStateField *field) \\
    { Redir *s = pv; int len; uint64_t id; get_body; return 0; } \\
    static int which##_put(QEMUFile *f, void *pv, size_t size, const VMStateField *field, \\
                          JSONWriter *vmdesc) \\
    { Redir *s = pv; int len = s->n; put_body; return 0; } \\
    static const VMStateInfo which = { .name = #which, .get = which##_get, .put = which##_put };

FUNCTIONS(vmstate_info_capability,
    len = qemu_get_byte(f); qemu_get_buffer(f, s->data, len),
    qemu_put_byte(f, len); qemu_put_buffer(f, s->data, len))
FUNCTIONS(usbredir_parser_vmstate_info,
    len = qemu_get_be32(f); qemu_get_buffer(f, s->data, len),
    if (!s->parser) { qemu_put_be32(f, 0); return 0; }
    qemu_put_be32(f, len); qemu_put_buffer(f, s->data, len))
FUNCTIONS(usbredir_ep_packet_id_q_vmstate_info,
    len = qemu_get_be32(f); for (int i = 0; i < len; i++) { id = qemu_get_be64(f); },
    qemu_put_be32(f, len); for (int i = 0; i < len; i++) { qemu_put_be64(f, s->id); })
FUNCTIONS(usbredir_ep_bufpq_vmstate_info,
    s->n = qemu_get_be32(f);
    for (int i = 0; i < s->n; i++) {
        Packet *packet = s->bufpq.tqh_first;
        packet->len = qemu_get_be32(f); packet->status = qemu_get_be32(f);
        qemu_get_buffer(f, s->data, packet->len);
    },
    qemu_put_be32(f, s->bufpq_size);
    for (Packet *packet = s->bufpq.tqh_first; packet; packet = packet->next) {
        qemu_put_be32(f, packet->len); qemu_put_be32(f, packet->status);
        qemu_put_buffer(f, s->data, packet->len);
    })
FUNCTIONS(vmstate_info_odd,
    while (qemu_get_byte(f)) { },
    for (int i = 0; i < s->n; i++) { qemu_put_byte(f, 1); } qemu_put_byte(f, 0))

#define WHOLE(name_, info_) \\
    { .name = name_, .info = &info_, .flags = VMS_SINGLE, .offset = 0 }

const VMStateDescription vmstate_redir = {
    .name = "redir",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(caps_count, Redir),
        VMSTATE_VARRAY_UINT32_ALLOC(capabilities, Redir, caps_count, 1,
                                    vmstate_info_capability, int),
        WHOLE("parser", usbredir_parser_vmstate_info),
        WHOLE("queue", usbredir_ep_packet_id_q_vmstate_info),
        WHOLE("packets", usbredir_ep_bufpq_vmstate_info),
        VMSTATE_INT32(after, Redir),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_odd = {
    .name = "odd",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        WHOLE("odd", vmstate_info_odd),
        VMSTATE_INT32(after, Redir),
        VMSTATE_END_OF_LIST()
    }
};
"""

REDIR = b"".join([
    b"\0\0\0\2", b"\x03abc", b"\x00",
    b"\0\0\0\4", b"\1\2\3\4",
    b"\0\0\0\2", bytes(7) + b"\x05", b"\xff" * 8,
    b"\0\0\0\1", b"\0\0\0\3", b"\0\0\0\7", b"xyz",
    b"\0\0\0\x2a",
])  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> ir.Program:
    folder = tmp_path_factory.mktemp("infos")
    (folder / "own.c").write_text(C)
    request = pipeline.Request(sources=(str(folder / "own.c"),))
    return pipeline.compile_program(request)


@pytest.fixture(scope="module")
def own(program: ir.Program) -> Iterator[ModuleType]:
    (module,) = program.modules
    program = replace(program, modules=(replace(module, file="own.c"),))
    with imported(pipeline.generate([program])) as modules:
        yield modules["own"]


def context(own: ModuleType, *fields: dict[str, Any]) -> Any:
    runtime = __import__("sys").modules[own.Codec.__module__]
    return runtime.Context(description={"fields": list(fields)})


def test_small_formats(own: ModuleType) -> None:
    state, end = own.load_redir(REDIR)
    assert end == len(REDIR)
    assert [one.data for one in state.capabilities] == [b"abc", b""]
    assert state.parser.data == b"\1\2\3\4"
    assert list(state.queue.id) == [5, 2**64 - 1]
    assert [(one.status, one.data) for one in state.packets.bufpq] == [(7, b"xyz")]
    assert state.after == 42
    assert own.save_redir(state) == REDIR
    assert own.save_redir(own.load_redir(REDIR)[0]) == REDIR


def test_small_formats_are_made_from_nothing_and_changed(own: ModuleType) -> None:
    state = own.Redir()
    empty = own.save_redir(state)
    assert empty == bytes(4 + 4 + 4 + 4 + 4)
    name = bytearray(b"release-ram")
    state.capabilities.append(own.capability(n=len(name), data=name))
    state.caps_count = 1
    state.parser = own.usbredir_parser_vmstate_info(n=1, data=bytearray(b"\x09"))
    state.queue.id.append(3)
    state.queue.n = 1
    saved = own.save_redir(state)
    assert own.load_redir(saved) == (state, len(saved))


@pytest.mark.parametrize("length", range(len(REDIR)))
def test_a_cut_format_names_its_place(own: ModuleType, length: int) -> None:
    with pytest.raises(Exception, match="redir") as caught:
        own.load_redir(REDIR[:length])
    assert type(caught.value).__name__ == "Truncated"


def test_what_does_not_fit_names_its_place(own: ModuleType) -> None:
    state, _ = own.load_redir(REDIR)
    state.packets.bufpq[0].status = -1
    with pytest.raises(Exception, match=r"packets\.bufpq\[0\]\.status") as caught:
        own.save_redir(state)
    assert type(caught.value).__name__ == "BadValue"
    state, _ = own.load_redir(REDIR)
    state.capabilities.append(state.capabilities[0])
    with pytest.raises(Exception, match="capabilities"):
        own.save_redir(state)


# --- no codec ---------------------------------------------------------------------------------


def test_what_no_codec_knows_is_opaque(own: ModuleType, program: ir.Program) -> None:
    description = next(
        one for one in program.modules[0].descriptions if one.symbol == "vmstate_odd"
    )
    element = description.fields[0].element
    assert isinstance(element, ir.CustomElement)
    assert infos.is_opaque(element)
    data = b"\1\1\1\0" + b"\0\0\0\7"
    with pytest.raises(
        Exception, match=r"vmstate_info_odd, which no codec knows \(VG506\)"
    ) as no:
        own.load_odd(data)
    assert type(no.value).__name__ == "MissingContext"
    told = context(own, {"name": "odd", "size": 4}, {"name": "after", "size": 4})
    state, end = own.load_odd(data, context=told)
    assert (state.odd, state.after, end) == (b"\1\1\1\0", 7, 8)
    state.after = 8
    assert own.save_odd(state) == b"\1\1\1\0" + b"\0\0\0\x08"


# --- the macro layer of newer releases --------------------------------------------------------


def test_the_newer_macro_layer() -> None:
    case = Path(__file__).parent / "cases" / "newer.c"
    program = pipeline.compile_program(pipeline.Request(sources=(str(case),)))
    (module,) = program.modules
    program = replace(program, modules=(replace(module, file="newer.c"),))
    data = b"".join([
        b"\1", b"\0\2", b"\0\0\0\1",  # few, some, many
        b"\x11\x11\x22\x22", b"\0\7\0\0\0\x09", b"\x33\x33\x33\x33",  # words, packets, table
        b"0", b"1\0\1\0\0\0\2", b"0",  # slots
        b"\0\0\0\2ab", b"\0\0\0\3xyz", b"\0\0\0\5",  # out, raw, level
    ])  # fmt: skip
    with imported(pipeline.generate([program])) as modules:
        newer = modules["newer"]
        ring, end = newer.load_ring(data)
        assert end == len(data)
        assert list(ring.words) == [0x1111, 0x2222]
        assert ring.packets == [newer.Packet(id=7, length=9)]
        assert list(ring.table) == [0x33333333]
        assert ring.slots == [None, newer.Packet(id=1, length=2), None]
        assert (ring.out.data, ring.raw, ring.level) == (b"ab", b"xyz", 5)
        assert newer.save_ring(ring) == data


# --- the trees --------------------------------------------------------------------------------

ELSEWHERE = {
    # SaveVMHandlers: sections without a description, which vmgen.stream reads.
    "hw/ppc/spapr.c", "hw/s390x/s390-skeys.c", "hw/s390x/s390-stattrib.c", "hw/s390x/tod.c",
    "hw/vfio/migration.c", "hw/vfio/migration-multifd.c", "hw/vfio/pci.c", "net/slirp.c",
    "target/ppc/kvm.c",
    # What the codecs of this registry contain.
    "hw/virtio/virtio-pci.c", "hw/virtio/virtio-mmio.c", "hw/s390x/virtio-ccw.c",
    "hw/virtio/vhost.c", "hw/scsi/virtio-scsi.c", "hw/scsi/spapr_vscsi.c", "hw/scsi/mptsas.c",
    "hw/scsi/scsi-disk.c", "hw/scsi/scsi-generic.c", "hw/scsi/esp.c", "hw/usb/dev-storage.c",
    "hw/block/virtio-blk.c", "hw/char/virtio-serial-bus.c",
}  # fmt: skip
"""Files that move bytes of a stream otherwise than by an info."""


@pytest.mark.parametrize("release", RELEASES)
def test_whoever_moves_bytes_is_known(release: str) -> None:
    """A file with a function of ``QEMUFile *`` has an info, or is listed above: there is
    no third way to a stream, and a new one is not overlooked."""
    tree = require_tree(release)
    moving = set()
    for top in ("hw", "target", "ui", "net", "audio", "backends", "block", "replay"):
        for path in (tree / top).rglob("*.c"):
            text = path.read_text(encoding="utf-8", errors="replace")
            if "QEMUFile *" in text and "VMStateInfo" not in text:
                moving.add(path.relative_to(tree).as_posix())
    assert moving <= ELSEWHERE
