"""What targets share, and what stands in CODECS."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import black
import pytest

from tests import fake_qemu
from tests.trees import require_tree
from vmgen import ir
from vmgen.cache import Remembered
from vmgen.infos import opaque
from vmgen.ir import json as ir_json
from vmgen.lower import rivals, sections, shapes
from vmgen.pipeline import Request, compile_program, compile_whole, generate, resolving
from vmgen.pipeline.sharing import share
from vmgen.pipeline.store import front_end
from vmgen.pipeline.survey import Seen, TreeFiles, seen, words_of
from vmgen.source import VmgenError


def number(name: str) -> ir.Field:
    return ir.Field(
        name,
        (ir.Step(name, "uint32_t"),),
        ir.IntegerElement("uint32"),
        ir.Fixed(4),
    )


def nested(name: str, symbol: str, count: int = 0) -> ir.Field:
    step = ir.Step(name, "Inner", (count,) if count else ())
    return ir.Field(
        name,
        (step,),
        ir.StructElement(symbol, "Inner"),
        ir.Fixed(4),
        ir.Fixed(count or 1),
        array=bool(count),
    )


def described(
    symbol: str, *fields: ir.Field, name: str = "", static: bool = False
) -> ir.Description:
    name = name or symbol.removeprefix("vmstate_")
    return ir.Description(symbol, name, "Inner", 1, 1, fields, static=static)


def module(file: str, *descriptions: ir.Description) -> ir.Module:
    return ir.Module(file, descriptions)


def root(
    file: str, symbol: str, section: str, prefix: str = "", *types: str
) -> ir.Root:
    return ir.Root(
        symbol, file, file, "device", "t", section, prefix, device_types=types  # type: ignore[arg-type]
    )


def program(
    target: str, modules: Sequence[ir.Module], roots: Sequence[ir.Root] = ()
) -> ir.Program:
    ordered = tuple(sorted(modules, key=lambda one: one.file))
    return ir.Program("1.0", target, ordered, tuple(roots))


# --- names in CODECS ------------------------------------------------------------------


def test_a_path_tells_descriptions_of_one_name_apart() -> None:
    found = (
        root("pci.c", "vmstate_vga_pci", "vga", "path"),
        root("isa.c", "vmstate_vga_isa", "vga"),
        root("one.c", "vmstate_one", "one", "path"),
    )
    assert sections(found) == {
        ("isa.c", "vmstate_vga_isa"): ("vga",),
        ("pci.c", "vmstate_vga_pci"): ("*/vga",),
        ("one.c", "vmstate_one"): ("one",),
    }
    assert rivals(found) == {}


def test_several_that_no_path_tells_apart_have_a_key_each() -> None:
    found = (
        root("a.c", "vmstate_a", "scsi", "path", "vhost-scsi"),
        root("b.c", "vmstate_b", "scsi", "path", "scsi-device", "scsi-other"),
        root("c.c", "vmstate_c", "*"),
        root("d.c", "vmstate_d", "log"),
        root("e.c", "vmstate_e", "log"),
    )
    assert sections(found) == {
        ("a.c", "vmstate_a"): ("scsi:vhost-scsi",),
        ("b.c", "vmstate_b"): ("scsi:scsi-device",),
        ("d.c", "vmstate_d"): ("log:d",),
        ("e.c", "vmstate_e"): ("log:e",),
    }
    names = {key: [one.key for one in each] for key, each in rivals(found).items()}
    assert names == {
        "log": ["log:d", "log:e"],
        "scsi": ["scsi:scsi-device", "scsi:vhost-scsi"],
    }


def test_one_stands_for_those_that_are_alike() -> None:
    roots = [
        root("a.c", "vmstate_a", "scsi", "path", "vhost-scsi"),
        root("b.c", "vmstate_b", "scsi", "path", "scsi-device"),
    ]

    def of(*fields: ir.Field) -> ir.Program:
        modules = [
            module("a.c", described("vmstate_a", number("x"), name="scsi")),
            module("b.c", described("vmstate_b", *fields, name="scsi", static=True)),
        ]
        return program("one", modules, roots)

    same, other = shapes(of(number("x"))), shapes(of(number("y")))
    assert sections(roots, known=same) == {("b.c", "vmstate_b"): ("scsi",)}
    assert rivals(roots, known=same) == {}
    (found,) = rivals(roots, known=other).values()
    assert [(one.key, one.fields) for one in found] == [
        ("scsi:scsi-device", ("y",)),
        ("scsi:vhost-scsi", ("x",)),
    ]


def test_a_shared_module_has_one_key_for_each_description() -> None:
    pci = root("vga.c", "vmstate_pci", "vga", "path")
    isa = root("vga.c", "vmstate_isa", "vga")
    vga = module(
        "vga.c",
        described("vmstate_pci", number("x")),
        described("vmstate_isa", number("x")),
    )
    sharing = share([program("one", [vga], [pci, isa]), program("two", [vga], [pci])])
    assert sharing.around.sections == {
        ("vga.c", "vmstate_isa"): ("vga",),
        ("vga.c", "vmstate_pci"): ("*/vga",),
    }
    assert sections([pci], sharing.around.split) == {
        ("vga.c", "vmstate_pci"): ("*/vga",)
    }


# --- sharing --------------------------------------------------------------------------

PCI = module("hw/pci.c", described("vmstate_pci", number("x")))
NIC = module("hw/nic.c", described("vmstate_nic", nested("pci", "vmstate_pci")))
HUB = module(
    "hw/hub.c", described("vmstate_hub", nested("ports", "vmstate_pci", count=3))
)


def cpu(width: int) -> ir.Module:
    fields = [number(f"r{index}") for index in range(width)]
    return module("target/cpu.c", described("vmstate_cpu", *fields, name="cpu"))


def test_what_is_the_same_for_all_that_have_it_stands_once() -> None:
    sharing = share(
        [
            program("one", [PCI, NIC, cpu(1)]),
            program("two", [PCI, NIC, cpu(2)]),
            program("three", [PCI, HUB, cpu(3)]),
        ]
    )
    assert [one.file for one in sharing.common.modules] == ["hw/nic.c", "hw/pci.c"]
    first, _, third = sharing.own
    assert [one.file for one in first.modules] == ["target/cpu.c"]
    assert first.elsewhere == ("hw/nic.c", "hw/pci.c")
    assert third.elsewhere == ("hw/pci.c",)
    assert ("hw/pci.c", "vmstate_pci") in sharing.around.repeated


def test_what_names_something_different_is_different() -> None:
    stub = module("stub.c", described("vmstate_pci"))
    sharing = share([program("one", [PCI, NIC]), program("two", [stub, NIC])])
    assert sharing.common.modules == ()


def test_what_formats_contain_is_put_together() -> None:
    def virtio(*names: str) -> ir.Module:
        fields = tuple(
            ir.Field(
                name,
                (ir.Step(name, "T"),),
                ir.StructElement(f"vmstate_{name}"),
                ir.Fixed(0),
                test=f"virtio_vdev.{name}",
            )
            for name in names
        )
        made = ir.Description("virtio_vdev", "", "VirtIODevice", 0, 0, fields)
        tests = tuple(
            ir.Function(one.test, body=ir.Load("transport", "uint64")) for one in fields
        )
        return ir.Module("virtio.c", (made,), tests)

    ccw = module("ccw.c", described("vmstate_ccw", number("x")))
    mmio = module("mmio.c", described("vmstate_mmio", number("x")))
    sharing = share(
        [
            program("one", [ccw, virtio("ccw")]),
            program("two", [mmio, virtio("mmio")]),
        ]
    )
    (made,) = [one for one in sharing.common.modules if one.file == "virtio.c"]
    assert [one.name for one in made.descriptions[0].fields] == ["ccw", "mmio"]
    assert len(made.functions) == 2
    assert sharing.own[0].modules == ()


@pytest.fixture
def shared_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package of three targets, generated and importable."""
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    pci = root("hw/pci.c", "vmstate_pci", "pci", "path")
    nic = root("hw/nic.c", "vmstate_nic", "nic", "path")
    hub = root("hw/hub.c", "vmstate_hub", "hub")
    own = root("target/cpu.c", "vmstate_cpu", "cpu")
    programs = (
        program("one", [PCI, NIC, cpu(1)], [nic, own]),
        program("two", [PCI, NIC, cpu(2)], [nic, pci, own]),
        program("three", [PCI, HUB, cpu(3)], [hub, own]),
    )
    name = f"shared_{tmp_path.name.replace('-', '_')}"
    for file in generate(programs, together=True):
        place = tmp_path / name / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_shared_package_works(shared_package: str, tmp_path: Path) -> None:
    folder = tmp_path / shared_package
    assert (folder / "hw/nic.py").is_file()
    assert not list(folder.glob("*/hw/nic.py"))
    assert sorted(
        path.parent.parent.name for path in folder.glob("*/target/cpu.py")
    ) == [
        "one",
        "three",
        "two",
    ]
    one = importlib.import_module(f"{shared_package}.one")
    assert sorted(one.CODECS) == ["cpu", "nic"]
    two = importlib.import_module(f"{shared_package}.two")
    assert sorted(two.CODECS) == ["cpu", "nic", "pci"]
    assert not [name for name in sys.modules if name.startswith(f"{shared_package}.hw")]
    codec = one.CODECS["0000:00:03.0/nic"]
    other = two.CODECS["nic"]
    assert (codec.load, codec.state) == (other.load, other.state)
    assert (codec.target, other.target) == ("one", "two")
    state, end = codec.load(b"\0\0\0\7")
    assert (state.pci.x, end) == (7, 4)
    assert one.load_nic is two.load_nic
    hub = importlib.import_module(f"{shared_package}.three").CODECS["hub"]
    wire = b"\0\0\0\1\0\0\0\2\0\0\0\3"
    state, _ = hub.load(wire)
    assert [port.x for port in state.ports] == [1, 2, 3]
    assert hub.save(state) == wire
    with pytest.raises(KeyError):
        one.CODECS["0000:00:03.0/hub"]
    assert "hub" not in one.CODECS


def test_the_ir_of_a_shared_package_is_complete(
    shared_package: str, tmp_path: Path
) -> None:
    folder = tmp_path / shared_package
    above = ir_json.loads((folder / "ir.json").read_text())
    one = ir_json.loads((folder / "one/ir.json").read_text())
    assert [module.file for module in above.modules] == ["hw/nic.c", "hw/pci.c"]
    assert [module.file for module in one.modules] == ["target/cpu.c"]
    assert one.elsewhere == ("hw/nic.c", "hw/pci.c")
    assert {root.section for root in one.roots} == {"cpu", "nic"}


# --- looking at a tree ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("const VMStateDescription vmstate_a = {\n};\n", Seen(True, True)),
        ("VMStateDescription\nvmstate_a = {};\n", Seen(True, True)),
        ("struct VMStateDescription const a = {};\n", Seen(True, True)),
        ("VMStateDescription __attribute__((used)) a = {};\n", Seen(True, True)),
        ("const VMStateInfo info = {\n};\n", Seen(True, False)),
        ("    dc->vmsd = &vmstate_a;\n", Seen(False, True)),
        ("static int a;\n", Seen(False, False)),
    ],
)
def test_what_a_text_says(text: str, expected: Seen) -> None:
    assert seen(text) == expected


def test_a_file_that_mentions_the_type_by_a_header_is_read() -> None:
    words = words_of(
        {
            "include/vmstate.h": "struct VMStateDescription { int a; };\n"
            "typedef struct VMStateDescription VMStateDescription;\n"
            "/* a VMStateDescription of a device */\n"
            "int save(const VMStateDescription *vmsd, const VMStateDescription *);\n",
            "include/dev.h": "#define TABLE \\\n  static const VMStateDescription\n"
            "extern const VMStateDescription vmstate_dev;\n",
            "include/more.h": "#define DEV_TABLE(name) TABLE name\n",
            "include/alias.h": "typedef const VMStateInfo Info;\n",
            "hw/dev.inc": "Info one = { 1 };\n",
            "hw/outer.h": '#include "dev.inc"\n',
        }
    )
    assert words - {"VMStateDescription", "VMStateInfo"} == {
        "TABLE", "DEV_TABLE", "Info", "dev.inc", "outer.h",
    }  # fmt: skip
    assert seen('#include "hw/outer.h"\n', words).mentions


def test_the_contents_of_a_tree(tmp_path: Path) -> None:
    for name in ("a.c", "meson.build", "tests/b.c", "tests/meson.build", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one")
    (tmp_path / "build/deep").mkdir(parents=True)
    (tmp_path / "build/build.ninja").write_text("")
    (tmp_path / "build/deep/c.c").write_text("")
    before = TreeFiles(tmp_path)
    assert before.names == ("a.c", "meson.build", "tests/meson.build")
    everything, build_files = before.everything(), before.build_files()
    (tmp_path / "a.c").write_text("two")
    after = TreeFiles(tmp_path)
    assert after.everything() != everything
    assert after.build_files() == build_files
    (tmp_path / "meson.build").write_text("two")
    assert TreeFiles(tmp_path).build_files() != build_files


def test_comments_of_headers_are_no_contents(tmp_path: Path) -> None:
    header = tmp_path / "a.h"
    said = []
    for text in ("int a;\n", "int a;\n/* more */\n", "int a;\nint b;\n"):
        header.write_text(text)
        said.append(TreeFiles(tmp_path).everything())
    assert said[0] == said[1] != said[2]


# --- a real tree ----------------------------------------------------------------------


def test_two_targets_of_a_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = require_tree("10.0")
    requests = tuple(
        Request(target=target, qemu=tree, whole=True) for target in ("avr", "sh4")
    )
    programs = compile_whole(requests)
    with monkeypatch.context() as patch:
        patch.setattr(resolving, "workers", lambda: 1)
        patch.setattr(resolving, "_said_by", lambda *_: Remembered())
        assert compile_whole(requests) == programs  # in one process, of the texts
    assert all(
        {"cpu", "cpu_common", "timer"} <= {root.section for root in one.roots}
        for one in programs
    )
    files = generate(programs, together=True)
    for file in files:
        if file.path.endswith(".py") and "# --- " in file.text:
            body = file.text.split("\n", 2)[2]
            assert black.format_str(body, mode=black.Mode()) == body, file.path
        place = tmp_path / "tree_of_two" / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(file.text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for target in ("avr", "sh4"):
        package = importlib.import_module(f"tree_of_two.{target}")
        for name in package.CODECS:
            assert package.CODECS[name].name == (
                name.removeprefix("*/").partition(":")[0]
            )


def test_what_another_parser_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = front_end()
    assert front_end() == before
    plain = metadata.version
    for package in ("pycparser", "pcpp"):
        with monkeypatch.context() as patch:
            patch.setattr(
                metadata,
                "version",
                lambda name, newer=package: "99" if name == newer else plain(name),
            )
            front_end.cache_clear()
            assert front_end() != before
    front_end.cache_clear()
    assert front_end() == before


MESON = """project('qemu', ['c'], version: '1')
foreach name : ['toy64', 'toyfork']
  executable('qemu-system-' + name, files('hw/core/cpu-system.c'))
endforeach
"""


def test_a_target_that_cannot_be_configured_costs_no_other(tmp_path: Path) -> None:
    """Nor one that the build description has no binary of; a setting that names another
    target's file has its settings."""
    root = fake_qemu.make(
        tmp_path,
        **{
            "meson_options.txt": "",
            "meson.build": MESON,
            "configs/targets/bad-softmmu.mak": "TARGET_X=1\n",
            "configs/targets/toyfork-softmmu.mak": "BASE=toyeb-softmmu.mak\n",
            "configs/devices/toyfork-softmmu/default.mak": "",
        },
    )
    programs = compile_whole([Request(qemu=root, whole=True)])
    assert {
        one.target: [found.code for lost in one.unread for found in lost.found]
        for one in programs
    } == {"bad": ["VG101"], "toy64": [], "toyeb": ["VG122"], "toyfork": []}
    read = [one.target for one in programs if one.modules]
    assert read == ["toy64", "toyfork"]
    assert any(one.path.endswith("cpu_system.py") for one in generate(programs))
    with pytest.raises(VmgenError) as caught:
        compile_whole([Request("bad", root, whole=True)])
    assert [one.code for one in caught.value.diagnostics] == ["VG101"]


REGISTERS = """static void toy_start(void *s)
{
    vmstate_register(0, 0, &vmstate_toy, s);
}
"""


@pytest.mark.parametrize("part", ["start.c.inc", "start.inc.c"])
def test_what_an_included_part_registers_is_the_files(
    part: str, tmp_path: Path
) -> None:
    """As target/ppc/translate_init.c.inc (translate_init.inc.c before 5.1) does."""
    root = fake_qemu.make(
        tmp_path,
        **{
            "meson_options.txt": "",
            "meson.build": MESON.replace(
                "cpu-system.c'", "cpu-system.c', 'hw/core/toy.c'"
            ),
            "hw/core/toy.c": '#include "qemu/osdep.h"\n'
            '#include "migration/vmstate.h"\n'
            "int vmstate_register(void *, int, const VMStateDescription *, void *);\n"
            "extern const VMStateDescription vmstate_toy;\n"
            f'#include "{part}"\n',
            f"hw/core/{part}": REGISTERS,
            "hw/core/cpu-system.c": '#include "qemu/osdep.h"\n'
            '#include "migration/vmstate.h"\n'
            'const VMStateDescription vmstate_cpu_common = { .name = "cpu_common" };\n'
            'const VMStateDescription vmstate_toy = { .name = "toy" };\n',
        },
    )
    for _ in range(2):  # the second time from what is kept
        (program,) = compile_whole([Request("toy64", root, whole=True)])
        assert [(one.section, one.file) for one in program.roots] == [
            ("toy", "hw/core/toy.c")
        ]
    (root / "hw/core" / part).write_text("static int nothing;\n")
    (program,) = compile_whole([Request("toy64", root, whole=True)])
    assert program.roots == ()


@pytest.mark.parametrize(
    ("target", "file", "along"),
    [
        ("aarch64", "hw/char/cadence_uart.c", ["hw/core/clock-vmstate.c"]),
        ("x86_64", "hw/virtio/virtio-rng.c", ["hw/virtio/virtio.c"]),
        ("x86_64", "hw/core/clock-vmstate.c", []),
    ],
)
def test_a_file_of_a_tree_takes_along_what_it_needs(
    target: str, file: str, along: list[str]
) -> None:
    """A description of its fields, or an info, that another file of the binary defines."""
    tree = require_tree("10.0")
    program = compile_program(Request(target, tree, sources=(file,)))
    assert [one.file for one in program.modules] == sorted([file, *along])
    assert program.unread == ()
    assert opaque([program]) == ()


def test_a_device_outside_of_a_tree_is_read_with_its_headers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its own, by the name that the user gives it, with what it needs of the tree."""
    monkeypatch.chdir(tmp_path)
    Path("own").mkdir()
    Path("own/dev.h").write_text("typedef struct { uint32_t a; Fifo8 fifo; } Dev;\n")
    Path("own/dev.c").write_text(
        '#include "qemu/osdep.h"\n#include "migration/vmstate.h"\n'
        '#include "qemu/fifo8.h"\n#include "dev.h"\n'
        'const VMStateDescription vmstate_dev = { .name = "dev", .fields ='
        " (const VMStateField[]) { VMSTATE_UINT32(a, Dev), VMSTATE_FIFO8(fifo, Dev),"
        " VMSTATE_END_OF_LIST() } };\n"
    )
    tree = require_tree("10.0")
    program = compile_program(Request("x86_64", tree, sources=("own/dev.c",)))
    assert [one.file for one in program.modules] == ["own/dev.c", "util/fifo8.c"]
    assert program.unread == ()
    assert str(tmp_path) not in ir_json.dumps(program)
