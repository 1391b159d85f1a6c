"""Kinds of C and of build descriptions that forks of QEMU have: headers in folders of their
own, types of headers that are missing, infos that ask what the target is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_linkmodel import build
from tests.test_machines import DEVICE, PRELUDE, dev, row, table
from vmgen import ir, tree
from vmgen.cfront.ctype import Record
from vmgen.cfront.layout import Layout
from vmgen.cfront.parse import unknown_types
from vmgen.cfront.tokens import tokenise
from vmgen.cfront.unit import Unit
from vmgen.link import link
from vmgen.pipeline import reading
from vmgen.pipeline.store import Store
from vmgen.source import VmgenError
from vmgen.tree.targets import answers, system_target

LIBRARY = """
inc = [include_directories('own', 'gone', is_system: true)]
inc += include_directories('..')
lib = static_library('extra', 'extra.c', include_directories: [inc])
common_ss.add(declare_dependency(link_whole: lib))
"""


# --- build descriptions -------------------------------------------------------------------


def test_folders_that_the_emulators_library_names_for_headers_are_searched(
    tmp_path: Path,
) -> None:
    found = build(tmp_path, LIBRARY, made=("extra.c",), own="")
    assert found.include_dirs == ("own",)
    given = tmp_path / "given"
    source = tree.SourceTree(
        kind="qemu",
        root=tmp_path / "tree",
        release="",
        target="demo",
        base_arch="demo",
        targets=("demo",),
        cpu_sources=(),
        command=tree.CompileCommand(include_dirs=(tmp_path, given)),
        given=tree.Given(include_dirs=(given,)),
    )
    searched = source.including(found.include_dirs)
    assert searched.command.include_dirs == (tmp_path, tmp_path / "tree/own", given)
    assert searched.including(found.include_dirs) == searched


def test_a_library_that_is_only_linked_with_says_nothing_of_headers(
    tmp_path: Path,
) -> None:
    text = LIBRARY.replace("link_whole", "link_with")
    assert build(tmp_path, text, made=("extra.c",), own="").include_dirs == ()


def test_a_source_may_be_named_from_the_folder_of_its_description_on(
    tmp_path: Path,
) -> None:
    text = "common_ss.add(files(meson.project_source_root() / 'top.c'))\nsubdir('own')"
    inside = "common_ss.add([meson.current_source_dir() + '/one.c'])\n"
    found = build(tmp_path, text, made=("top.c", "one.c"), own=inside)
    assert found.files == ("main.c", "own/one.c", "top.c")
    assert found.missing == ()


# --- types that nothing declares ----------------------------------------------------------


def test_a_member_of_an_unknown_type_costs_itself_and_what_lies_behind_it() -> None:
    text = """
    typedef unsigned int u32;
    struct Dev {
        u32 a;
        Gone *pointer; const Gone_t one, two[2];
        struct { Gone_t three; u32 inside; } in;
        u32 (*call)(u32 a, u32 b);
        u32 last;
    };
    """
    layout = Layout(Unit(f'# 1 "a.c"\n{text}', source="a.c"))
    dev = Record("struct", "Dev")
    members = layout.members(dev)
    assert [*members] == ["a", "pointer", "one", "two", "in", "call", "last"]
    assert members["a"].offset == 0
    assert layout.sizeof(members["last"].type) == 4
    for name in ("pointer", "last"):
        with pytest.raises(VmgenError, match=r"unknown type name 'Gone'.*VG301"):
            _ = members[name].offset
    for body in ("u32 a b;", "u32 f(Gone x) { Gone * x; }", "Gone ;"):
        assert not unknown_types(
            tokenise(f"struct Dev {{ {body} }};", file="", line=1), ["u32"]
        )


# --- what a missing header may decide -----------------------------------------------------


def test_a_property_that_a_missing_header_may_decide_costs_no_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = (
        row("one", "head", ""),
        "\n#ifdef GONE\n" + row("two", "head", "") + "\n#endif\n",
    )
    vmstate = (
        'const VMStateDescription vmstate_dev = { .name = "dev", '
        ".fields = (const VMStateField[]) { VMSTATE_END_OF_LIST() } };\n"
    )
    text = '#include "migration/vmstate.h"\n#include "gone.h"\n' + PRELUDE + DEVICE
    sure = table(row("sure", "head", ""), symbol="sure_props")
    Path("dev.c").write_text(text + sure + table(*rows) + dev() + vmstate)
    source = replace(tree.standalone((Path("dev.c"),)), target="demo")
    outcome = reading.read(source, "dev.c", "auto", Store())
    assert outcome.module is not None, outcome.found
    assert [one.symbol for one in outcome.module.descriptions] == ["vmstate_dev"]
    assert outcome.types is not None
    tables = [one.symbol for one in outcome.types.machines.properties]
    assert tables == ["sure_props"]
    codes = [one.code for one in outcome.types.machines.undecided]
    assert codes == ["VG110", "VG114"]


ASKING = """
#include <limits.h>
#ifndef __has_attribute
#define __has_attribute(x) 0
#define __has_feature(x) 0
#endif
#if __has_attribute(used) && !__has_feature(address_sanitizer)
#endif
#if ULONG_MAX == UINT32_MAX
#define LENGTH 4
#else
#define LENGTH 8
#endif
typedef struct Dev { bool used; uint32_t address_sanitizer[LENGTH]; } Dev;
"""


def test_a_missing_header_decides_neither_the_compiler_nor_the_c_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operands of ``__has_attribute`` are no macros, and limits.h is not missing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    Path("own.h").write_text(ASKING)
    fields = (
        "VMSTATE_BOOL(used, Dev), VMSTATE_UINT32_ARRAY(address_sanitizer, Dev, LENGTH),"
    )
    Path("dev.c").write_text(
        '#include "migration/vmstate.h"\n#include "gone.h"\n#include "own.h"\n'
        'const VMStateDescription vmstate_dev = { .name = "dev", '
        f".fields = (const VMStateField[]) {{ {fields} VMSTATE_END_OF_LIST() }} }};\n"
    )
    source = replace(tree.standalone((Path("dev.c"),)), target="demo")
    outcome = reading.read(source, "dev.c", "auto", Store())
    assert outcome.module is not None, outcome.found
    (made,) = outcome.module.descriptions
    assert [one.count for one in made.fields] == [ir.Fixed(1), ir.Fixed(8)]
    assert outcome.module.unread == ()


# --- infos that ask what the target is ----------------------------------------------------

CORE = {
    "target-info.c": """
unsigned target_long_bits(void)
{
    return target_info()->long_bits;
}
int target_mode(void)
{
    return target_info()->mode;
}
""",
    "target-info-stub.c": "static const TargetInfo info = {\n    .long_bits = TARGET_LONG_BITS,\n    .mode = MODE,\n};\n",
    "configs/targets/own-softmmu.c": "static const TargetInfo info = {\n    .long_bits = 16,\n};\n",
}

WORD = "if[target_long_bits() == 64]{ u64:a | u32:b } u8:c"


def test_a_tree_says_what_its_functions_answer_of_a_target(tmp_path: Path) -> None:
    for name, text in CORE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    settings = {"TARGET_LONG_BITS": "64"}
    assert answers(tmp_path, "demo", settings) == {"target_long_bits": 64}
    assert answers(tmp_path, "own", settings) == {"target_long_bits": 16}
    assert answers(tmp_path, "demo", {}) == {}
    (tmp_path / "target-info.c").write_text(
        "unsigned target_long_bits(void) { return 8; }"
    )
    assert answers(tmp_path, "demo", settings) == {}


LOOKED_UP = """
SysEmuTarget target_arch(void)
{
    SysEmuTarget arch = target_info()->target_arch;
    if (arch == SYS_EMU_TARGET__MAX) {
        arch = qapi_enum_parse(&SysEmuTarget_lookup, target_name(), -1, NULL);
    }
    return arch;
}
"""
AS_IT_IS = "SysEmuTarget target_arch(void)\n{\n    return target_info()->target_arch;\n}\nchar *other(void)\n{\n    return target_name();\n}\n"


@pytest.mark.parametrize(
    ("function", "value", "found"),
    [
        (LOOKED_UP, "SYS_EMU_TARGET__MAX", "SYS_EMU_TARGET_MIPS64EL"),
        (LOOKED_UP, "SYS_EMU_TARGET_ARM", "SYS_EMU_TARGET_ARM"),
        (AS_IT_IS, "glue(SYS_EMU_TARGET_, TARGET_ARCH)", "SYS_EMU_TARGET_MIPS64"),
        (AS_IT_IS, "SYS_EMU_TARGET_ARM", "SYS_EMU_TARGET_ARM"),
        (AS_IT_IS, "SYS_EMU_TARGET__MAX", ""),
        (AS_IT_IS, "glue(SYS_EMU_TARGET_, TARGET_OTHER)", ""),
        (AS_IT_IS, "of_the_host()", ""),
        ("", "SYS_EMU_TARGET_ARM", ""),
    ],
)
def test_a_tree_says_which_target_its_code_is_told(
    function: str, value: str, found: str, tmp_path: Path
) -> None:
    """10.1 and 10.2 look the target's name up, 11.0 has TARGET_ARCH; whatever else gives
    the value is not known."""
    info = f"static const TargetInfo info = {{\n    .target_arch = {value},\n}};\n"
    (tmp_path / "target-info.c").write_text(function)
    (tmp_path / "target-info-stub.c").write_text(info)
    settings = {"TARGET_ARCH": "mips64"}
    assert system_target(tmp_path, "mips64el", settings) == found
    (tmp_path / "target-info-stub.c").unlink()
    assert system_target(tmp_path, "mips64el", settings) == ""
    own = tmp_path / "configs/targets/mips64el-softmmu.c"
    own.parent.mkdir(parents=True)
    own.write_text(info)
    assert system_target(tmp_path, "mips64el", settings) == found


@pytest.mark.parametrize(
    ("bits", "words"), [(64, ["uint64", "uint8"]), (32, ["uint32", "uint8"])]
)
def test_an_info_that_asks_the_target_is_read_for_each(
    bits: int, words: list[str]
) -> None:
    program = link("", "demo", [module(WORD)], answers={"target_long_bits": bits})
    (one,) = (one for one in program.modules[0].descriptions if not one.name)
    found = [field.element for field in one.fields]
    assert [one.type for one in found if isinstance(one, ir.IntegerElement)] == words
    other = link("", "demo", [module(WORD)], answers={"target_mode": bits})
    ((field,),) = (one.fields for one in other.modules[0].descriptions)
    assert isinstance(field.element, ir.CustomElement)
    assert "target_long_bits() == 64" in field.element.reason


def module(line: str) -> ir.Module:
    custom = ir.CustomElement("vmstate_info_x", "x", "data", line, line)
    field = ir.Field("x", (ir.Step("x", "X"),), custom, ir.Fixed(0))
    return ir.Module(
        "dev.c", (ir.Description("vmstate_dev", "dev", "Dev", 1, 1, (field,)),)
    )
